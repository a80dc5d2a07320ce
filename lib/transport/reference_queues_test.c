/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver's use of ring features: indirect tables, kicks and what they carry, reset of one queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)
#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x100000)

struct bench {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct vblk_driver_options options;
    uint64_t room;
    bool packed;
    uint32_t kicks;
    uint64_t kick_data;
    uint32_t indirect; /* descriptors that lead to a table, as the driver stored them */
};

static void watch(void *ctx, const struct vblk_event *ev)
{
    struct bench *b = ctx;

    if (ev->kind == VBLK_EV_KICK) {
        b->kicks++;
        b->kick_data = ev->value;
    }
}

static void watch_memory(void *ctx, const struct vblk_event *ev)
{
    struct bench *b = ctx;

    const bool store = ev->kind == VBLK_EV_STORE && ev->party == VBLK_DRIVER && ev->bytes;
    const bool split = store && !b->packed && ev->len == 16 && ev->bytes[12] & VBLK_DESC_INDIRECT;
    const bool packed = store && b->packed && ev->len == 2 && ev->at % 16 == 14 && ev->bytes[0] & VBLK_DESC_INDIRECT;

    if (split || packed)
        b->indirect++;
}

static void begin(struct bench *b, uint64_t features, uint64_t arena)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    struct vblk_device_options device;

    *b = (struct bench){ .options = { .features = UINT64_MAX, .arena = { BASE, arena }, .queues = 2, .wait_ms = 20 } };
    vblk_device_defaults(&device);
    device.features |= features;
    device.capacity = 4096;
    device.queue_max = features & F(RING_PACKED) ? 100 : 64;
    b->options.profile = device.profile;
    b->packed = features & F(RING_PACKED);
    b->mem = vblk_memory_new();
    assert_non_null(b->mem);
    OK(vblk_memory_add(b->mem, &region));
    vblk_memory_set_tap(b->mem, watch_memory, b);
    b->port = vblk_builtin_new(&device, b->mem, NULL);
    assert_non_null(b->port);
    b->port->observe = watch;
    b->port->observe_ctx = b;
    b->driver = vblk_driver_new(b->port, &b->options);
    assert_non_null(b->driver);
    OK(vblk_driver_start(b->driver));
    b->room = (vblk_driver_room(b->driver).gpa + 63) / 64 * 64;
}

static void end(struct bench *b)
{
    vblk_driver_free(b->driver);
    vblk_port_close(b->port);
    vblk_memory_free(b->mem);
}

/* A read of sector 0 in @parts pieces, @i its place in memory. */
static void add(struct bench *b, uint16_t queue, uint32_t i, uint32_t parts)
{
    const struct vblk_request_header header = { .type = vblk_put32(VBLK_T_IN) };
    const uint64_t at = b->room + 1024u * i;
    struct vblk_element elements[34] = { { at, 16, false } };
    uint32_t n = 1;
    uint16_t id;

    OK(vblk_memory_write(b->mem, VBLK_DRIVER, at, &header, sizeof(header)));
    for (uint32_t p = 0; p < parts; p++)
        elements[n++] = (struct vblk_element){ at + 16 + p * 512 / parts, 512 / parts, true };
    elements[n++] = (struct vblk_element){ at + 528, 1, true };
    OK(vblk_driver_add(b->driver, queue, elements, n, &id));
}

static uint32_t reap_all(struct bench *b, uint16_t queue)
{
    uint32_t n = 0, len;
    uint16_t id;

    while (vblk_driver_reap(b->driver, queue, &id, &len) == VBLK_OK) {
        assert_int_equal(len, 513);
        n++;
    }
    return n;
}

static void chains_of_more_than_two__go_through_a_table(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;
        uint8_t buf[512];

        begin(&b, F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0), BYTES);
        b.indirect = 0;
        assert_int_equal(vblk_driver_read(b.driver, 0, buf, 1).status, VBLK_S_OK);
        assert_int_equal(b.indirect, 1);
        assert_int_equal(vblk_driver_flush(b.driver).status, VBLK_S_OK); /* two descriptors need none */
        assert_int_equal(b.indirect, 1);
        for (uint32_t i = 0; i < 64; i++)
            add(&b, 0, i, 1); /* more than fit without tables */
        OK(vblk_driver_publish(b.driver, 0, 64));
        assert_int_equal(reap_all(&b, 0), 64);
        assert_int_equal(b.indirect, 65);
        for (uint32_t i = 0; i < 64; i++) /* all tables are free again */
            add(&b, 0, i, 1);
        OK(vblk_driver_publish(b.driver, 0, 64));
        assert_int_equal(reap_all(&b, 0), 64);
        assert_int_equal(b.indirect, 129);
        b.indirect = 65;
        add(&b, 0, 0, 32);
        assert_int_equal(b.indirect, 65); /* longer than a table has room for */
        OK(vblk_driver_publish(b.driver, 0, 1));
        assert_int_equal(reap_all(&b, 0), 1);
        end(&b);
    }
}

static void arena_without_room_for_tables__they_are_done_without(void **state)
{
    struct bench b;
    uint8_t buf[512];

    (void)state;
    begin(&b, F(INDIRECT_DESC), 6000);
    assert_int_equal(vblk_driver_read(b.driver, 0, buf, 1).status, VBLK_S_OK);
    end(&b);
}

static void event_index__one_kick_until_the_device_asks_again(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;

        begin(&b, F(EVENT_IDX) | (packed ? F(RING_PACKED) : 0), BYTES);
        add(&b, 1, 0, 1); /* after this one the device has asked */
        OK(vblk_driver_publish(b.driver, 1, 1));
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 1, 0));
        assert_int_equal(b.kicks, 1);
        for (uint32_t i = 0; i < 3; i++)
            add(&b, 1, i + 1, 1);
        OK(vblk_driver_publish(b.driver, 1, 3));
        assert_int_equal(b.kicks, 2);
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 0, 0));
        assert_int_equal(reap_all(&b, 1), 4);
        end(&b);
    }
}

static void notification_data__says_where_the_driver_is(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, F(NOTIFICATION_DATA), BYTES);
    add(&b, 1, 0, 1);
    add(&b, 1, 1, 1);
    OK(vblk_driver_publish(b.driver, 1, 2));
    assert_int_equal(b.kick_data, 1 | 2u << 16);
    end(&b);
    begin(&b, F(NOTIFICATION_DATA) | F(RING_PACKED), BYTES);
    add(&b, 1, 0, 1);
    OK(vblk_driver_publish(b.driver, 1, 1));
    assert_int_equal(b.kick_data, 1 | (3u | 0x8000u) << 16);
    end(&b);
}

/* What the device calls the second queue is no number of a queue: nothing is served under that. */
static void own_names__are_what_notifications_say(void **state)
{
    uint64_t name;
    struct bench b;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(&b, F(NOTIF_CONFIG_DATA) | (i ? F(NOTIFICATION_DATA) : 0), BYTES);
        OK(vblk_port_read_reg(b.port, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, 1, &name));
        assert_true(name > 1);
        add(&b, 1, 0, 1);
        OK(vblk_driver_publish(b.driver, 1, 1));
        assert_int_equal(b.kick_data, name | (i ? 1u << 16 : 0));
        assert_int_equal(reap_all(&b, 1), 1);
        end(&b);
    }
}

static void packed_ring__as_large_as_the_device_allows(void **state)
{
    struct bench b;
    uint64_t size;

    (void)state;
    begin(&b, F(RING_PACKED), BYTES);
    OK(vblk_port_read_reg(b.port, VBLK_REG_QUEUE_SIZE, 1, &size));
    assert_int_equal(size, 100);
    end(&b);
}

/* Looking for answers in vain gives nobody's table back: the device still has to read it. */
static void nothing_to_reap__tables_in_flight_stay_taken(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;
        uint16_t id = 0;
        uint32_t len;

        begin(&b, F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0), BYTES);
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 1, 0));
        for (uint32_t i = 0; i < 8; i++) {
            add(&b, 0, i, 1);
            OK(vblk_driver_publish(b.driver, 0, 1));
            for (id = 0; id < 8; id++)
                assert_int_equal(vblk_driver_reap(b.driver, 0, &id, &len), VBLK_E_EMPTY);
        }
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 0, 0));
        assert_int_equal(reap_all(&b, 0), 8);
        for (uint32_t i = 0; i < 8; i++) {
            uint8_t status = 0xff;

            OK(vblk_memory_read(b.mem, VBLK_DRIVER, b.room + 1024u * i + 528, &status, 1));
            assert_int_equal(status, VBLK_S_OK);
            OK(vblk_memory_fill(b.mem, VBLK_DRIVER, b.room + 1024u * i + 528, 0xff, 1));
        }
        end(&b);
    }
}

static void reset_of_a_queue__what_flies_is_lost_and_the_other_queue_goes_on(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;

        begin(&b, F(RING_RESET) | F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0), BYTES);
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 1, 0));
        for (uint16_t queue = 0; queue < 2; queue++) {
            add(&b, queue, queue, 1);
            OK(vblk_driver_publish(b.driver, queue, 1));
        }
        OK(vblk_driver_reset_queue(b.driver, 0));
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 0, 0));
        assert_int_equal(reap_all(&b, 0), 0);
        assert_int_equal(reap_all(&b, 1), 1);
        add(&b, 0, 0, 1);
        OK(vblk_driver_publish(b.driver, 0, 1));
        assert_int_equal(reap_all(&b, 0), 1);
        end(&b);
    }
}

/* Who looked in vain is told of what comes next, again and again. */
static void looked_in_vain__the_next_answer_is_told(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;

        begin(&b, F(EVENT_IDX) | (packed ? F(RING_PACKED) : 0), BYTES);
        for (uint32_t i = 0; i < 5; i++) {
            const uint32_t told = b.port->used_notified;

            OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 1, 0));
            add(&b, 0, i, 1);
            OK(vblk_driver_publish(b.driver, 0, 1));
            assert_int_equal(reap_all(&b, 0), 0);
            OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 0, 0));
            assert_int_equal(b.port->used_notified, told + 1);
            assert_int_equal(reap_all(&b, 0), 1);
        }
        end(&b);
    }
}

static void reset_of_a_queue__its_tables_are_free_again(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;

        begin(&b, F(RING_RESET) | F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0), BYTES);
        OK(vblk_port_host(b.port, VBLK_HOST_HOLD, 1, 0));
        for (unsigned round = 0; round < 3; round++) {
            b.indirect = 0;
            for (uint32_t i = 0; i < 40; i++)
                add(&b, 0, i, 1);
            OK(vblk_driver_publish(b.driver, 0, 40));
            assert_int_equal(b.indirect, 40);
            OK(vblk_driver_reset_queue(b.driver, 0));
        }
        end(&b);
    }
}

static void reset_of_a_queue__refused_where_it_cannot_be(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, 0, BYTES);
    assert_int_equal(vblk_driver_reset_queue(b.driver, 0), VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_driver_reset_queue(b.driver, 2), VBLK_E_INVAL);
    OK(vblk_driver_stop(b.driver));
    assert_int_equal(vblk_driver_reset_queue(b.driver, 0), VBLK_E_STATE);
    end(&b);
}

static void queue_that_does_not_exist__is_refused(void **state)
{
    struct bench b;
    uint16_t id = 0;
    uint32_t len;

    (void)state;
    begin(&b, 0, BYTES);
    for (uint32_t queue = 2; queue < 5; queue++) {
        const struct vblk_element elements[] = { { b.room, 16, false }, { b.room + 16, 1, true } };

        assert_int_equal(vblk_driver_add(b.driver, (uint16_t)queue, elements, 2, &id), VBLK_E_INVAL);
        assert_int_equal(vblk_driver_publish(b.driver, (uint16_t)queue, 0), VBLK_E_INVAL);
        assert_int_equal(vblk_driver_reap(b.driver, (uint16_t)queue, &id, &len), VBLK_E_INVAL);
    }
    for (uint32_t n = 0; n < 66; n++) {
        struct vblk_element elements[66];

        for (uint32_t i = 0; i < n; i++)
            elements[i] = (struct vblk_element){ b.room + 16 * i, 16, i + 1 == n };
        assert_int_equal(vblk_driver_add(b.driver, 0, elements, n, &id), n == 0 || n > 64 ? VBLK_E_INVAL : VBLK_OK);
        OK(vblk_driver_stop(b.driver));
        OK(vblk_driver_start(b.driver));
    }
    assert_int_equal(vblk_driver_publish(b.driver, 1, 0), VBLK_OK);
    assert_int_equal(vblk_driver_reap(b.driver, 1, &id, &len), VBLK_E_EMPTY);
    OK(vblk_driver_stop(b.driver));
    assert_int_equal(vblk_driver_publish(b.driver, 1, 0), VBLK_E_STATE);
    assert_int_equal(vblk_driver_reap(b.driver, 1, &id, &len), VBLK_E_STATE);
    end(&b);
}

static void queue_whose_reset_never_ends__given_up(void **state)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    const struct vblk_puppet tables = { F(VERSION_1) | F(RING_RESET), 1, 16, { 0 }, 96 };
    struct vblk_driver_options options = { .features = UINT64_MAX, .arena = { BASE, BYTES }, .wait_ms = 5 };
    struct vblk_memory *mem = vblk_memory_new();
    struct vblk_driver *driver;
    struct vblk_port *port;

    (void)state;
    assert_non_null(mem);
    OK(vblk_memory_add(mem, &region));
    port = vblk_puppet_new(mem);
    assert_non_null(port);
    OK(vblk_puppet_configure(port, &tables));
    options.profile = *vblk_profile_default();
    driver = vblk_driver_new(port, &options);
    assert_non_null(driver);
    OK(vblk_driver_start(driver));
    assert_int_equal(vblk_driver_reset_queue(driver, 0), VBLK_E_TIMEOUT); /* a puppet shows what was written */
    assert_int_equal(vblk_driver_reset_queue(driver, 0), VBLK_E_STATE);
    vblk_driver_free(driver);
    vblk_port_close(port);
    vblk_memory_free(mem);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_more_than_two__go_through_a_table),
        cmocka_unit_test(arena_without_room_for_tables__they_are_done_without),
        cmocka_unit_test(event_index__one_kick_until_the_device_asks_again),
        cmocka_unit_test(notification_data__says_where_the_driver_is),
        cmocka_unit_test(own_names__are_what_notifications_say),
        cmocka_unit_test(packed_ring__as_large_as_the_device_allows),
        cmocka_unit_test(nothing_to_reap__tables_in_flight_stay_taken),
        cmocka_unit_test(reset_of_a_queue__what_flies_is_lost_and_the_other_queue_goes_on),
        cmocka_unit_test(looked_in_vain__the_next_answer_is_told),
        cmocka_unit_test(reset_of_a_queue__its_tables_are_free_again),
        cmocka_unit_test(reset_of_a_queue__refused_where_it_cannot_be),
        cmocka_unit_test(queue_that_does_not_exist__is_refused),
        cmocka_unit_test(queue_whose_reset_never_ends__given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
