/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vhost_user_bench.h"

/* Features and status */

static void features_accepted__protocol_bit_kept_and_hidden_bits_stripped(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_put(b, VBLK_REG_STATUS, 3);
    bench_put(b, VBLK_REG_DRIVER_FEATURES, VBLK_BIT(32) | VBLK_BIT(26) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM));
    assert_int_equal(b->fake.driver_features, VBLK_BIT(32) | VBLK_BIT(30));
    assert_int_equal(bench_get(b, VBLK_REG_DRIVER_FEATURES),
                     VBLK_BIT(32) | VBLK_BIT(26) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM));
    bench_put(b, VBLK_REG_STATUS, 11);
    assert_int_equal(b->fake.seen[VU_SET_FEATURES], 1);
    assert_int_equal(b->fake.status, 11);
    assert_int_equal(bench_get(b, VBLK_REG_STATUS), 11);
}

static void no_features_written__none_accepted_at_features_ok(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_put(b, VBLK_REG_STATUS, 11);
    assert_int_equal(b->fake.seen[VU_SET_FEATURES], 1);
    assert_int_equal(b->fake.driver_features, VBLK_BIT(30));
}

static void legacy_driver__features_sent_by_driver_ok(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_put(b, VBLK_REG_STATUS, 7);
    assert_int_equal(b->fake.seen[VU_SET_FEATURES], 1);
}

static void features_refused__features_ok_reads_unset(void **state)
{
    static const enum fake_quirk ways[] = { FAKE_REFUSE, FAKE_HANG_UP };
    struct bench *b = *state;

    OK(bench_try_open(b));
    for (size_t i = 0; i < 2; i++) {
        bench_put(b, VBLK_REG_STATUS, 3);
        bench_quirk(b, ways[i], VU_SET_FEATURES, 1);
        bench_put(b, VBLK_REG_DRIVER_FEATURES, VBLK_BIT(40));
        bench_put(b, VBLK_REG_STATUS, 11);
        assert_int_equal(bench_get(b, VBLK_REG_STATUS), 3);
        bench_put(b, VBLK_REG_QUEUE_ENABLE, 1);
        bench_put(b, VBLK_REG_STATUS, 15);
        assert_int_equal(b->fake.seen[VU_SET_VRING_ADDR], 0);
        bench_put(b, VBLK_REG_STATUS, 0);
        assert_int_equal(bench_get(b, VBLK_REG_STATUS), 0);
    }
    assert_int_equal(b->fake.connections, 2);
}

static void backend_without_status__status_is_emulated(void **state)
{
    struct bench *b = *state;

    b->fake.protocol &= ~VBLK_BIT(VU_PROTOCOL_STATUS);
    OK(bench_try_open(b));
    OK(bench_bring_up(b, VBLK_BIT(32)));
    assert_int_equal(bench_get(b, VBLK_REG_STATUS), 15);
    assert_int_equal(b->fake.seen[VU_SET_STATUS], 0);
    assert_int_equal(b->fake.seen[VU_GET_STATUS], 0);
}

static void status_refused__reads_as_the_device_says(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    OK(bench_bring_up(b, VBLK_BIT(32)));
    b->fake.status = 0x4f;
    bench_quirk(b, FAKE_REFUSE, VU_SET_STATUS, 1);
    bench_put(b, VBLK_REG_STATUS, 0x8f);
    b->fake.status = 0x4f;
    assert_int_equal(bench_get(b, VBLK_REG_STATUS), 0x4f);
}

static void reset__costs_nothing_where_nothing_was_set(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_put(b, VBLK_REG_STATUS, 0);
    assert_int_equal(b->fake.connections, 1);
    assert_int_equal(b->fake.seen[VU_RESET_DEVICE], 0);
}

static void reset__stops_rings_and_resets_the_device(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    bench_put(b, VBLK_REG_STATUS, 0);
    assert_int_equal(b->fake.seen[VU_GET_VRING_BASE], 1);
    assert_int_equal(b->fake.seen[VU_RESET_DEVICE], 1);
    assert_int_equal(b->fake.connections, 1);
    assert_int_equal(b->fake.status, 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_DESC), 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_ENABLE), 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_SIZE), 256);
    assert_int_equal(bench_get(b, VBLK_REG_DRIVER_FEATURES), 0);
    OK(bench_bring_up(b, VBLK_BIT(32)));
    assert_int_equal(b->fake.seen[VU_ADD_MEM_REG], 1); /* the device keeps its memory */
    assert_int_equal(b->fake.seen[VU_SET_VRING_KICK], 2);
}

static void reset__reconnects_without_reset_device_or_if_refused(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    bench_quirk(b, FAKE_REFUSE, VU_RESET_DEVICE, 1);
    bench_put(b, VBLK_REG_STATUS, 0);
    assert_int_equal(b->fake.connections, 2);
    b->fake.protocol &= ~VBLK_BIT(VU_PROTOCOL_RESET_DEVICE);
    OK(vblk_port_recover(b->port));
    OK(bench_bring_up(b, VBLK_BIT(32)));
    bench_put(b, VBLK_REG_STATUS, 0);
    assert_int_equal(b->fake.connections, 4);
    OK(bench_bring_up(b, VBLK_BIT(32)));
    assert_int_equal(b->fake.seen[VU_ADD_MEM_REG], 3);
}

static void rings_that_do_not_stop__device_is_gone(void **state)
{
    struct bench *b = *state;

    b->options.timeout_ms = 1000; /* the bring-up has no more than that, either */
    bench_open_and_bring_up(b);
    bench_quirk(b, FAKE_SILENT, VU_GET_VRING_BASE, 1);
    assert_int_equal(vblk_port_write_reg(b->port, VBLK_REG_STATUS, 0, 0), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "GET_VRING_BASE within 1000 ms"));
}

/* Rings */

static void before_driver_ok__no_ring_is_sent(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_put(b, VBLK_REG_DRIVER_FEATURES, VBLK_BIT(32));
    bench_put(b, VBLK_REG_QUEUE_SIZE, 8);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 1);
    OK(vblk_port_kick(b->port, 0, 0));
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_SIZE), 8);
    assert_int_equal(b->fake.seen[VU_SET_VRING_NUM] + b->fake.seen[VU_SET_VRING_KICK], 0);
    assert_int_equal(vblk_port_wait(b->port, 0, 5), VBLK_E_TIMEOUT);
}

static void driver_ok__memory_and_ring_are_sent(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    assert_int_equal(b->fake.regions, 1);
    assert_int_equal(b->fake.first_gpa, 0x10000);
    assert_int_equal(b->fake.num, 8);
    assert_int_equal(b->fake.base, 0);
    assert_int_equal(b->fake.enabled, 1);
    assert_int_equal(b->fake.desc - b->fake.first_user, 0);
    assert_int_equal(b->fake.avail - b->fake.first_user, 0x1000);
    assert_int_equal(b->fake.used - b->fake.first_user, 0x2000);
    assert_int_equal(b->fake.seen[VU_SET_VRING_ERR], 1);
}

static void packed_ring__base_has_wrap_counters(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    OK(bench_bring_up(b, VBLK_BIT(32) | VBLK_BIT(VBLK_F_RING_PACKED)));
    assert_int_equal(b->fake.base, 0x80008000u);
}

static void kick__device_serves_memory_and_calls(void **state)
{
    struct bench *b = *state;
    uint8_t byte;

    b->fake.calls_early = true; /* must not be taken for an answer */
    bench_open_and_bring_up(b);
    assert_int_equal(vblk_port_wait(b->port, 0, 20), VBLK_E_TIMEOUT);
    OK(vblk_port_kick(b->port, 0, 0));
    OK(vblk_port_wait(b->port, 0, 2000));
    assert_int_equal(b->port->used_notified, 1);
    OK(vblk_memory_peek(b->mem, 0x10000, &byte, 1));
    assert_int_equal(byte, 0x5a);
    OK(vblk_port_kick(b->port, 7, 0)); /* no such queue */
    assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_E_TIMEOUT);
}

static void no_such_register_or_queue__reads_0_and_ignores_writes(void **state)
{
    struct bench *b = *state;
    uint64_t value = 1;

    OK(bench_try_open(b));
    OK(vblk_port_read_reg(b->port, VBLK_REG_QUEUE_SIZE, 9, &value));
    assert_int_equal(value, 0);
    OK(vblk_port_write_reg(b->port, VBLK_REG_QUEUE_SIZE, 9, 4));
    bench_put(b, VBLK_REG_CONFIG_LENGTH, 9);
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 60);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_RESET), 0);
}

static void ring_refused__device_needs_reset(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_quirk(b, FAKE_REFUSE, VU_SET_VRING_ADDR, 1);
    OK(bench_bring_up(b, VBLK_BIT(32)));
    assert_int_equal(bench_get(b, VBLK_REG_STATUS) & VBLK_STATUS_NEEDS_RESET, VBLK_STATUS_NEEDS_RESET);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "refused SET_VRING_ADDR"));
    assert_int_equal(b->port->config_notified, 0); /* not before the driver's write is through */
    OK(vblk_port_wait(b->port, 0, 1000));
    assert_int_equal(b->port->config_notified, 1);
    assert_int_equal(b->fake.seen[VU_SET_VRING_KICK], 0);
    OK(vblk_port_kick(b->port, 0, 0));
    bench_put(b, VBLK_REG_STATUS, 0);
    assert_int_equal(bench_get(b, VBLK_REG_STATUS), 0);
}

static void ring_error_signalled__device_needs_reset(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    fake_do(&b->fake, 'e');
    OK(vblk_port_wait(b->port, 0, 2000));
    assert_int_equal(b->port->config_notified, 1);
    assert_int_equal(bench_get(b, VBLK_REG_STATUS), 0x4f);
    assert_string_equal(vblk_vhost_user_why(b->port), "the back-end signalled an error on queue 0");
}

static void queue_reset__stops_the_ring_and_it_starts_again(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    bench_put(b, VBLK_REG_QUEUE_RESET, 0);
    assert_int_equal(b->fake.seen[VU_GET_VRING_BASE], 0);
    bench_put(b, VBLK_REG_QUEUE_RESET, 1);
    assert_int_equal(b->fake.seen[VU_GET_VRING_BASE], 1);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_ENABLE), 0);
    bench_put(b, VBLK_REG_QUEUE_SIZE, 16);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 1);
    assert_int_equal(b->fake.num, 16);
    assert_int_equal(b->fake.enabled, 1);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 1); /* running already */
    assert_int_equal(b->fake.seen[VU_SET_VRING_NUM], 2);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 0);
    assert_int_equal(b->fake.enabled, 0);
}

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(features_accepted__protocol_bit_kept_and_hidden_bits_stripped),
        TEST(no_features_written__none_accepted_at_features_ok),
        TEST(legacy_driver__features_sent_by_driver_ok),
        TEST(features_refused__features_ok_reads_unset),
        TEST(backend_without_status__status_is_emulated),
        TEST(status_refused__reads_as_the_device_says),
        TEST(reset__costs_nothing_where_nothing_was_set),
        TEST(reset__stops_rings_and_resets_the_device),
        TEST(reset__reconnects_without_reset_device_or_if_refused),
        TEST(rings_that_do_not_stop__device_is_gone),
        TEST(before_driver_ok__no_ring_is_sent),
        TEST(driver_ok__memory_and_ring_are_sent),
        TEST(packed_ring__base_has_wrap_counters),
        TEST(kick__device_serves_memory_and_calls),
        TEST(no_such_register_or_queue__reads_0_and_ignores_writes),
        TEST(ring_refused__device_needs_reset),
        TEST(ring_error_signalled__device_needs_reset),
        TEST(queue_reset__stops_the_ring_and_it_starts_again),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
