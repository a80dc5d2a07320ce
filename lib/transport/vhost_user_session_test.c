/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vhost_user_bench.h"

#include <unistd.h>

/* Opening */

static void nobody_listens__io_error_names_the_path(void **state)
{
    struct bench *b = *state;

    assert_int_equal(vblk_vhost_user_open("/nowhere/sock", b->mem, NULL, &b->port, b->why, sizeof(b->why)), VBLK_E_IO);
    assert_non_null(strstr(b->why, "/nowhere/sock"));
    assert_null(b->port);
}

static void bad_path__caller_is_told(void **state)
{
    struct bench *b = *state;
    char path[200];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(vblk_vhost_user_open(path, b->mem, NULL, &b->port, b->why, sizeof(b->why)), VBLK_E_INVAL);
    assert_int_equal(vblk_vhost_user_open("", b->mem, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_vhost_user_open(NULL, b->mem, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
}

static void open__negotiates_what_it_knows_and_hides_vhost_bits(void **state)
{
    struct bench *b = *state;
    struct vblk_vhost_user_info info;

    b->fake.features |= VBLK_BIT(26) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM) | VBLK_BIT(VBLK_F_RO);
    b->fake.queues = 2;
    OK(bench_try_open(b));
    vblk_vhost_user_info(b->port, &info);
    assert_int_equal(info.protocol_offered, 0x1ffff);
    assert_int_equal(info.protocol_features, 0x1a229);
    assert_int_equal(info.connections, 1);
    assert_int_equal(bench_get(b, VBLK_REG_DEVICE_FEATURES), VBLK_BIT(32) | VBLK_BIT(9) | VBLK_BIT(VBLK_F_RO));
    assert_int_equal(bench_get(b, VBLK_REG_NUM_QUEUES), 2);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_MAX), 256);
    assert_int_equal(bench_get(b, VBLK_REG_DEVICE_ID), 2);
    assert_int_equal(b->fake.seen[VU_SET_OWNER], 1);
    assert_string_equal(vblk_vhost_user_why(b->port), "");
    assert_string_equal(b->port->kind, "vhost-user");
}

static void no_protocol_features__one_queue_and_no_config(void **state)
{
    struct bench *b = *state;
    uint8_t byte;

    b->fake.features = VBLK_BIT(VBLK_F_VERSION_1);
    bench_open_and_bring_up(b);
    assert_int_equal(bench_get(b, VBLK_REG_NUM_QUEUES), 1);
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 0);
    assert_int_equal(vblk_port_read_config(b->port, 0, &byte, 1, NULL), VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_port_write_config(b->port, 32, "", 1), VBLK_E_UNSUPPORTED);
    assert_int_equal(b->fake.seen[VU_GET_PROTOCOL_FEATURES], 0);
    assert_int_equal(b->fake.seen[VU_SET_VRING_ENABLE], 0);
    assert_int_equal(b->fake.driver_features, VBLK_BIT(VBLK_F_VERSION_1));
    assert_int_equal(b->fake.need_replies, 0);
}

static void features_switched_off__are_not_negotiated(void **state)
{
    struct bench *b = *state;
    struct vblk_vhost_user_info info;

    b->options.protocol_features_off = VBLK_BIT(VU_PROTOCOL_STATUS) | VBLK_BIT(VU_PROTOCOL_MQ);
    OK(bench_try_open(b));
    vblk_vhost_user_info(b->port, &info);
    assert_int_equal(info.protocol_features, 0xa228);
}

static void too_many_queues_and_slots__are_capped(void **state)
{
    struct bench *b = *state;
    struct vblk_vhost_user_info info;

    b->fake.queues = UINT64_MAX;
    b->fake.slots = UINT64_MAX;
    OK(bench_try_open(b));
    vblk_vhost_user_info(b->port, &info);
    assert_int_equal(bench_get(b, VBLK_REG_NUM_QUEUES), 256);
    assert_int_equal(info.memory_slots, VBLK_MEMORY_REGIONS_MAX);
}

static void backend_starts_late__open_keeps_trying(void **state)
{
    struct bench *b = *state;

    b->options.connect_ms = 2000;
    bench_quirk(b, FAKE_HANG_UP, VU_GET_FEATURES, 3);
    OK(bench_try_open(b));
    assert_int_equal(b->fake.connections, 4);
}

static void handshake_goes_wrong__open_says_how(void **state)
{
    static const struct {
        enum fake_quirk quirk;
        enum vu_request on;
        vblk_err err;
        const char *says;
    } rows[] = {
        { FAKE_HANG_UP, VU_GET_FEATURES, VBLK_E_GONE, "hung up on GET_FEATURES" },
        { FAKE_HALF_HEADER, VU_GET_PROTOCOL_FEATURES, VBLK_E_GONE, "hung up on GET_PROTOCOL_FEATURES" },
        { FAKE_HALF_BODY, VU_GET_QUEUE_NUM, VBLK_E_GONE, "hung up on GET_QUEUE_NUM" },
        { FAKE_HUGE, VU_GET_FEATURES, VBLK_E_GONE, "garbage in answer to GET_FEATURES" },
        { FAKE_SHORT_BODY, VU_GET_FEATURES, VBLK_E_GONE, "4 bytes" },
        { FAKE_LONG_BODY, VU_GET_MAX_MEM_SLOTS, VBLK_E_GONE, "400 bytes" },
        { FAKE_WRONG_NAME, VU_GET_FEATURES, VBLK_E_GONE, "request 3" },
        { FAKE_NO_REPLY, VU_GET_FEATURES, VBLK_E_GONE, "flags 0x1" },
        { FAKE_VERSION, VU_GET_FEATURES, VBLK_E_GONE, "flags 0x6" },
        { FAKE_LONG_BODY, VU_GET_CONFIG, VBLK_E_GONE, "garbage in answer to GET_CONFIG" },
        { FAKE_SILENT, VU_GET_QUEUE_NUM, VBLK_E_TIMEOUT, "no answer to GET_QUEUE_NUM within 50 ms" },
        { FAKE_SILENT, VU_GET_CONFIG, VBLK_E_TIMEOUT, "no answer to GET_CONFIG" },
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        b->options.timeout_ms = rows[i].err == VBLK_E_TIMEOUT ? 50 : 5000; /* an answer may be late on a busy machine */
        fake_start(&b->fake);
        bench_quirk(b, rows[i].quirk, rows[i].on, 100);
        assert_int_equal(bench_try_open(b), rows[i].err);
        if (!strstr(b->why, rows[i].says))
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, b->why, rows[i].says);
        assert_null(b->port);
        fake_stop(&b->fake);
        fake_defaults(&b->fake);
    }
}

static void descriptor_in_a_reply__does_not_stay_with_us(void **state)
{
    struct bench *b = *state;
    char byte;

    bench_quirk(b, FAKE_WITH_FD, VU_GET_QUEUE_NUM, 1);
    OK(bench_try_open(b));
    assert_int_equal(read(b->fake.given, &byte, 1), 0);
}

static void slow_reply__is_waited_for(void **state)
{
    struct bench *b = *state;

    bench_quirk(b, FAKE_SLOW, VU_GET_FEATURES, 1);
    OK(bench_try_open(b));
    assert_int_equal(b->fake.connections, 1);
}

/* Configuration */

static void config_of_60_bytes__length_found_and_reads_cut(void **state)
{
    struct bench *b = *state;
    uint8_t buf[100];
    uint32_t got;

    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 60);
    OK(vblk_port_read_config(b->port, 20, buf, 3, &got));
    assert_int_equal(got, 3);
    assert_memory_equal(buf, "\x14\x15\x16", 3);
    memset(buf, 0xff, sizeof(buf));
    OK(vblk_port_read_config(b->port, 56, buf, 16, &got));
    assert_int_equal(got, 4);
    assert_memory_equal(buf, "\x38\x39\x3a\x3b\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    OK(vblk_port_read_config(b->port, 60, buf, 1, &got));
    assert_int_equal(got, 0);
    OK(vblk_port_read_config(b->port, UINT32_MAX, buf, 1, &got));
    assert_int_equal(got, 0);
}

static void only_one_length_answered__it_is_found(void **state)
{
    struct bench *b = *state;
    uint8_t byte;

    b->fake.config_only = 57;
    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 57);
    OK(vblk_port_read_config(b->port, 8, &byte, 1, NULL));
    assert_int_equal(byte, 8);
}

static void any_length_answered__256(void **state)
{
    struct bench *b = *state;

    b->fake.config_len = 256;
    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 256);
    assert_int_equal(b->fake.seen[VU_GET_CONFIG], 1);
}

static void short_answers__their_length(void **state)
{
    struct bench *b = *state;

    b->fake.config_len = 256;
    b->fake.config_give = 36;
    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 36);
    assert_int_equal(b->fake.seen[VU_GET_CONFIG], 2);
}

static void no_length_answered__none(void **state)
{
    struct bench *b = *state;
    uint8_t byte;

    b->fake.config_len = 0;
    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 0);
    assert_int_equal(vblk_port_read_config(b->port, 0, &byte, 1, NULL), VBLK_E_UNSUPPORTED);
}

static void hang_up_on_long_reads__usual_lengths_tried(void **state)
{
    struct bench *b = *state;

    b->fake.config_len = 75;
    b->fake.config_drop = 90;
    OK(bench_try_open(b));
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH), 72);
    assert_int_equal(b->fake.connections, 3); /* after 256 and 96 */
    assert_string_equal(vblk_vhost_user_why(b->port), "");
}

static void config_shrinks_later__fewer_bytes_come(void **state)
{
    struct bench *b = *state;
    uint8_t buf[8];
    uint32_t got;

    OK(bench_try_open(b));
    bench_quirk(b, FAKE_SHORT_BODY, VU_GET_CONFIG, 1);
    OK(vblk_port_read_config(b->port, 0, buf, 8, &got));
    assert_int_equal(got, 0);
    OK(vblk_port_read_config(b->port, 0, buf, 8, &got));
    assert_int_equal(got, 8);
    bench_quirk(b, FAKE_MORE, VU_GET_CONFIG, 1);
    assert_int_equal(vblk_port_read_config(b->port, 0, buf, 8, &got), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "garbage in answer to GET_CONFIG"));
}

static void write_config__reaches_the_device_and_may_be_refused(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    OK(vblk_port_write_config(b->port, 32, "\1", 1));
    assert_int_equal(b->fake.config, 32 << 8 | 1);
    OK(bench_bring_up(b, VBLK_BIT(32)));
    bench_quirk(b, FAKE_REFUSE, VU_SET_CONFIG, 1);
    OK(vblk_port_write_config(b->port, 0, "\7", 1));
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "refused SET_CONFIG"));
    bench_quirk(b, FAKE_HANG_UP, VU_SET_CONFIG, 1);
    assert_int_equal(vblk_port_write_config(b->port, 0, "\7", 1), VBLK_E_GONE);
}

/* The back-end's channel, and losing the connection */

static void config_change__notifies_and_counts(void **state)
{
    struct bench *b = *state;

    bench_open_and_bring_up(b);
    fake_do(&b->fake, 'c');
    OK(vblk_port_wait(b->port, 0, 2000));
    assert_int_equal(b->port->config_notified, 1);
    assert_int_equal(bench_get(b, VBLK_REG_GENERATION), 1);
    fake_do(&b->fake, 'x');
    assert_int_equal(vblk_port_wait(b->port, 0, 20), VBLK_E_TIMEOUT);
    fake_do(&b->fake, 'c');
    while (bench_get(b, VBLK_REG_GENERATION) < 2) /* also seen without waiting for it */
        continue;
    OK(vblk_port_wait(b->port, 0, 1000));
    assert_int_equal(b->port->config_notified, 2);
}

static void config_change_while_a_reply_is_due__is_acknowledged_first(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_quirk(b, FAKE_ASK_FIRST, VU_GET_FEATURES, 1);
    assert_int_equal(bench_get(b, VBLK_REG_DEVICE_FEATURES), VBLK_BIT(32) | VBLK_BIT(9));
    assert_int_equal(b->fake.acks, 1);
    OK(vblk_port_wait(b->port, 0, 1000));
    assert_int_equal(b->port->config_notified, 1);
}

static void channel_breaks__device_lives_on(void **state)
{
    static const char ways[] = "gb";
    struct bench *b = *state;

    OK(bench_try_open(b));
    for (size_t i = 0; ways[i]; i++) {
        OK(bench_bring_up(b, VBLK_BIT(32)));
        fake_do(&b->fake, ways[i]);
        assert_int_equal(vblk_port_wait(b->port, 0, 30), VBLK_E_TIMEOUT);
        assert_non_null(strstr(vblk_vhost_user_why(b->port), "channel"));
        assert_int_equal(bench_get(b, VBLK_REG_STATUS), 15);
        OK(vblk_port_recover(b->port));
        assert_string_equal(vblk_vhost_user_why(b->port), "");
    }
}

static void connection_lost_in_wait__gone_until_recovered(void **state)
{
    static const struct {
        char what;
        const char *says;
    } rows[] = { { 'h', "hung up" }, { 'u', "nobody asked for" } };
    struct bench *b = *state;
    uint64_t value;
    uint8_t byte;

    OK(bench_try_open(b));
    for (size_t i = 0; i < 2; i++) {
        OK(bench_bring_up(b, VBLK_BIT(32)));
        fake_do(&b->fake, rows[i].what);
        assert_int_equal(vblk_port_wait(b->port, 0, 2000), VBLK_E_GONE);
        assert_non_null(strstr(vblk_vhost_user_why(b->port), rows[i].says));
        assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_E_GONE);
        assert_int_equal(vblk_port_kick(b->port, 0, 0), VBLK_E_GONE);
        assert_int_equal(vblk_port_read_reg(b->port, VBLK_REG_DEVICE_ID, 0, &value), VBLK_E_GONE);
        assert_int_equal(vblk_port_write_reg(b->port, VBLK_REG_STATUS, 0, 0), VBLK_E_GONE);
        assert_int_equal(vblk_port_read_config(b->port, 0, &byte, 1, NULL), VBLK_E_GONE);
        assert_int_equal(vblk_port_write_config(b->port, 32, "", 1), VBLK_E_GONE);
        OK(vblk_port_recover(b->port));
        assert_int_equal(bench_get(b, VBLK_REG_STATUS), 0);
    }
}

static void acknowledgement_is_garbage__gone(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_quirk(b, FAKE_SHORT_BODY, VU_SET_VRING_NUM, 1);
    assert_int_equal(bench_bring_up(b, VBLK_BIT(32)), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "garbage in answer to SET_VRING_NUM"));
}

static void backend_does_not_come_back__recover_fails(void **state)
{
    struct bench *b = *state;

    b->options.timeout_ms = 40;
    bench_open_and_bring_up(b);
    bench_quirk(b, FAKE_HANG_UP, VU_GET_FEATURES, 1000);
    assert_int_equal(vblk_port_recover(b->port), VBLK_E_GONE);
    assert_true(b->fake.connections > 2);
    b->fake.quirk_times = 0;
    OK(vblk_port_recover(b->port));
    bench_put(b, VBLK_REG_STATUS, 3);
    bench_quirk(b, FAKE_HANG_UP, VU_SET_FEATURES, 1000);
    unlink(b->fake.path);
    assert_int_equal(vblk_port_write_reg(b->port, VBLK_REG_DRIVER_FEATURES, 0, 0), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "can't connect"));
}

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(nobody_listens__io_error_names_the_path),
        TEST(bad_path__caller_is_told),
        TEST(open__negotiates_what_it_knows_and_hides_vhost_bits),
        TEST(no_protocol_features__one_queue_and_no_config),
        TEST(features_switched_off__are_not_negotiated),
        TEST(too_many_queues_and_slots__are_capped),
        TEST(backend_starts_late__open_keeps_trying),
        TEST(handshake_goes_wrong__open_says_how),
        TEST(descriptor_in_a_reply__does_not_stay_with_us),
        TEST(slow_reply__is_waited_for),
        TEST(config_of_60_bytes__length_found_and_reads_cut),
        TEST(only_one_length_answered__it_is_found),
        TEST(any_length_answered__256),
        TEST(short_answers__their_length),
        TEST(no_length_answered__none),
        TEST(hang_up_on_long_reads__usual_lengths_tried),
        TEST(config_shrinks_later__fewer_bytes_come),
        TEST(write_config__reaches_the_device_and_may_be_refused),
        TEST(config_change__notifies_and_counts),
        TEST(config_change_while_a_reply_is_due__is_acknowledged_first),
        TEST(channel_breaks__device_lives_on),
        TEST(connection_lost_in_wait__gone_until_recovered),
        TEST(acknowledgement_is_garbage__gone),
        TEST(backend_does_not_come_back__recover_fails),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
