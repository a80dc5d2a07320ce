/* SPDX-License-Identifier: BSD-3-Clause */
/* The device on every kind of ring: packed, indirect, event index, in order, reset of one queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)
#define DATA(i) (RIG_BUFFERS + 0x1000u * (i))
#define TABLE(i) (RIG_BUFFERS + 0x100000u + 0x1000u * (i))

/* A device that offers ring features, with driver's rings of the kind that they make. */
struct bench {
    struct rig rig;
    uint64_t features;
    struct vblk_ring ring[2];
};

static void open_queue(struct bench *b, uint16_t queue)
{
    struct vblk_layout at = rig_layout(queue);

    at.features = b->features;
    vblk_ring_close(&b->ring[queue]);
    OK(vblk_ring_open(&b->ring[queue], vblk_ring_ops_for(b->features), b->rig.mem, &at, VBLK_DRIVER));
    OK(b->ring[queue].ops->clear(&b->ring[queue]));
}

static void up(struct bench *b, uint64_t features, uint32_t chain_max)
{
    memset(b, 0, sizeof(*b));
    rig_defaults(&b->rig);
    b->rig.options.features |= features;
    b->rig.options.chain_max = chain_max;
    b->features = b->rig.options.features;
    rig_open(&b->rig);
    rig_start(&b->rig, b->features, 2);
    open_queue(b, 0);
    open_queue(b, 1);
}

static void down(struct bench *b)
{
    vblk_ring_close(&b->ring[0]);
    vblk_ring_close(&b->ring[1]);
    rig_close(&b->rig);
}

/* A read of a sector (a write, where out is set) in place @i, cut into @parts of data. */
static uint16_t ask(struct bench *b, uint16_t queue, uint32_t i, bool out, uint32_t parts)
{
    const struct vblk_request_header header = { .type = vblk_put32(out ? VBLK_T_OUT : VBLK_T_IN),
                                                .sector = vblk_put64(i) };
    struct vblk_ring *ring = &b->ring[queue];
    struct vblk_element bufs[130] = { { DATA(i), 16, false } };
    const uint8_t fill = (uint8_t)(i + 1);
    uint32_t n = 1;
    uint16_t id;

    OK(vblk_memory_write(b->rig.mem, VBLK_DRIVER, DATA(i), &header, sizeof(header)));
    if (out)
        OK(vblk_memory_fill(b->rig.mem, VBLK_DRIVER, DATA(i) + 16, fill, 512));
    for (uint32_t p = 0; p < parts; p++)
        bufs[n++] = (struct vblk_element){ DATA(i) + 16 + p * 512 / parts, 512 / parts, !out };
    bufs[n++] = (struct vblk_element){ DATA(i) + 528, 1, true };
    OK(vblk_memory_fill(b->rig.mem, VBLK_DRIVER, DATA(i) + 528, 0xff, 1));
    if (b->features & F(INDIRECT_DESC))
        OK(ring->ops->add_indirect(ring, TABLE(i), 0, bufs, n, &id));
    else
        OK(ring->ops->add(ring, bufs, n, &id));
    OK(ring->ops->publish(ring, 1));
    return id;
}

static uint8_t status_of(struct bench *b, uint32_t i)
{
    uint8_t status = 0xff;

    OK(vblk_memory_peek(b->rig.mem, DATA(i) + 528, &status, 1));
    return status;
}

static struct vblk_used reap(struct bench *b, uint16_t queue)
{
    struct vblk_used used = { .fault = VBLK_USED_FAULTS };

    OK(b->ring[queue].ops->reap(&b->ring[queue], &used));
    assert_int_equal(used.fault, VBLK_USED_OK);
    return used;
}

static void each_ring__serves_a_write_and_a_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        const uint64_t features = (i & 1 ? F(RING_PACKED) : 0) | (i & 2 ? F(INDIRECT_DESC) : 0) |
                                  (i & 4 ? F(EVENT_IDX) : 0) | (i & 8 ? F(IN_ORDER) : 0);
        struct bench b;
        uint8_t byte;

        up(&b, features, 0);
        ask(&b, 0, 3, true, 2);
        assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
        assert_int_equal(reap(&b, 0).len, 1);
        ask(&b, 0, 3, false, 4);
        assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
        assert_int_equal(reap(&b, 0).len, 513);
        assert_int_equal(status_of(&b, 3), VBLK_S_OK);
        OK(vblk_memory_peek(b.rig.mem, DATA(3) + 16 + 511, &byte, 1));
        assert_int_equal(byte, 4);
        assert_int_equal(b.rig.used_notes, features & F(EVENT_IDX) && !(i & 1) ? 1 : 2);
        down(&b);
    }
}

static void read_that_fails_on_a_packed_ring__says_that_something_was_written(void **state)
{
    struct vblk_packed_desc desc;
    struct bench b;

    (void)state;
    up(&b, F(RING_PACKED), 0);
    OK(vblk_store_fail(b.rig.store, 3, 1));
    ask(&b, 0, 3, false, 1);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
    OK(vblk_memory_peek(b.rig.mem, rig_layout(0).desc, &desc, sizeof(desc)));
    assert_int_equal(vblk_get32(desc.len), 0); /* no data in front of the status byte */
    assert_true(vblk_get16(desc.flags) & VBLK_DESC_WRITE);
    assert_int_equal(status_of(&b, 3), VBLK_S_IOERR);
    down(&b);
}

static void whole_ring_of_requests_with_event_index__the_next_kick_is_asked_for(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        bool wanted = false;
        struct bench b;

        up(&b, F(EVENT_IDX) | F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0), 0);
        for (uint32_t i = 0; i < RIG_QUEUE; i++)
            ask(&b, 0, i, true, 1);
        OK(b.ring[0].ops->kick_wanted(&b.ring[0], &wanted));
        assert_true(wanted);
        vblk_device_kick(b.rig.device, 0);
        for (uint32_t i = 0; i < RIG_QUEUE; i++)
            reap(&b, 0);
        ask(&b, 0, 0, false, 1);
        OK(b.ring[0].ops->kick_wanted(&b.ring[0], &wanted));
        assert_true(wanted);
        ask(&b, 0, 1, false, 1);
        OK(b.ring[0].ops->kick_wanted(&b.ring[0], &wanted));
        assert_false(wanted); /* one notification was asked for */
        down(&b);
    }
}

static struct vblk_buffer_news news[16];
static unsigned news_count;

static void hear_buffer(void *ctx, const struct vblk_buffer_news *what)
{
    (void)ctx;
    if (news_count < 16)
        news[news_count++] = *what;
}

/* Whoever keeps a record of what is in flight hears of each buffer: taken, answered, shown. */
static void buffers__are_told_step_by_step(void **state)
{
    static const uint8_t steps[] = { VBLK_BUFFER_TAKEN, VBLK_BUFFER_ANSWERED, VBLK_BUFFER_SHOWN };

    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct bench b;

        up(&b, packed ? F(RING_PACKED) : 0, 0);
        vblk_device_on_buffer(b.rig.device, hear_buffer, NULL);
        news_count = 0;
        for (uint32_t i = 0; i < 2; i++) {
            const uint16_t id = ask(&b, 1, i, false, 2);

            vblk_device_kick(b.rig.device, 1);
            assert_int_equal(news_count, 3 * (i + 1));
            for (unsigned k = 0; k < 3; k++) {
                const struct vblk_buffer_news *n = &news[3 * i + k];

                assert_int_equal(n->step, steps[k]);
                assert_int_equal(n->queue, 1);
                assert_int_equal(n->id, id);
                if (k > 0)
                    continue;
                assert_int_equal(n->slots, packed ? 4 : 1); /* a chain of a split ring is known by its head alone */
                assert_int_equal(n->slot, packed ? 4 * i : id);
            }
        }
        down(&b);
    }
}

static void held_requests_in_order__one_answer_for_all_that_wrote_all(void **state)
{
    (void)state;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct vblk_used used[3];
        struct bench b;
        uint16_t id[3];

        up(&b, F(IN_ORDER) | (packed ? F(RING_PACKED) : 0), 0);
        vblk_device_hold(b.rig.device, true);
        vblk_device_reverse(b.rig.device, true); /* which is not allowed now */
        for (uint32_t i = 0; i < 3; i++)
            id[i] = ask(&b, 0, i, i == 0, 1);
        assert_int_equal(vblk_device_serve(b.rig.device, 0), 0);
        vblk_device_hold(b.rig.device, false);
        for (uint32_t i = 0; i < 3; i++) {
            used[i] = reap(&b, 0);
            assert_int_equal(used[i].id, id[i]);
            assert_int_equal(used[i].passed, i < 2);
            assert_int_equal(used[i].len, i == 0 ? 1 : 513);
            assert_int_equal(status_of(&b, i), VBLK_S_OK);
        }
        assert_int_equal(b.rig.used_notes, 1);
        down(&b);
    }
}

static void held_request_in_order_that_failed__has_an_answer_of_its_own(void **state)
{
    struct bench b;

    (void)state;
    up(&b, F(IN_ORDER), 0);
    OK(vblk_store_fail(b.rig.store, 1, 1));
    vblk_device_hold(b.rig.device, true);
    for (uint32_t i = 0; i < 3; i++)
        ask(&b, 0, i, false, 1);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 0);
    vblk_device_hold(b.rig.device, false);
    assert_true(reap(&b, 0).passed);
    assert_int_equal(reap(&b, 0).len, 0);
    assert_false(reap(&b, 0).passed);
    down(&b);
}

static void indirect_table_longer_than_the_queue__served_where_chain_max_allows(void **state)
{
    struct bench b;

    (void)state;
    up(&b, F(INDIRECT_DESC), 130);
    ask(&b, 0, 1, true, 128);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
    assert_int_equal(status_of(&b, 1), VBLK_S_OK);
    vblk_device_hold(b.rig.device, true);
    reap(&b, 0);
    ask(&b, 0, 2, true, 128);
    vblk_device_hold(b.rig.device, false);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
    down(&b);
    up(&b, F(INDIRECT_DESC) | F(RING_PACKED), 0);
    ask(&b, 0, 1, true, 128);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 0);
    assert_true(vblk_device_status(b.rig.device) & VBLK_STATUS_NEEDS_RESET);
    down(&b);
}

static void queue_reset__forgets_that_queue_and_no_other(void **state)
{
    struct bench b;

    (void)state;
    up(&b, F(RING_RESET) | F(RING_PACKED), 0);
    vblk_device_hold(b.rig.device, true);
    ask(&b, 0, 0, true, 1);
    ask(&b, 1, 1, true, 1);
    assert_int_equal(vblk_device_serve(b.rig.device, 0) + vblk_device_serve(b.rig.device, 1), 0);
    rig_set(&b.rig, VBLK_REG_QUEUE_RESET, 0, 1);
    assert_int_equal(rig_reg(&b.rig, VBLK_REG_QUEUE_RESET), 0);
    assert_int_equal(rig_reg(&b.rig, VBLK_REG_QUEUE_ENABLE), 0);
    assert_int_equal(rig_reg(&b.rig, VBLK_REG_QUEUE_DESC), 0);
    vblk_device_hold(b.rig.device, false);
    assert_int_equal(status_of(&b, 0), 0xff);
    assert_int_equal(status_of(&b, 1), VBLK_S_OK);
    open_queue(&b, 0);
    rig_set(&b.rig, VBLK_REG_QUEUE_SIZE, 0, RIG_QUEUE);
    rig_set(&b.rig, VBLK_REG_QUEUE_DESC, 0, rig_layout(0).desc);
    rig_set(&b.rig, VBLK_REG_QUEUE_DRIVER, 0, rig_layout(0).driver);
    rig_set(&b.rig, VBLK_REG_QUEUE_DEVICE, 0, rig_layout(0).device);
    rig_set(&b.rig, VBLK_REG_QUEUE_ENABLE, 0, 1);
    ask(&b, 0, 2, true, 1);
    assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
    reap(&b, 0);
    down(&b);
}

/* 4.1.5.2: what a queue is called in notifications is the device's to say. */
static void own_names__are_all_that_is_heeded(void **state)
{
    uint64_t name;
    struct bench b;

    (void)state;
    up(&b, F(NOTIF_CONFIG_DATA), 0);
    name = vblk_device_read_reg(b.rig.device, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, 1);
    assert_true(name != vblk_device_read_reg(b.rig.device, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, 0));
    ask(&b, 1, 1, true, 1);
    vblk_device_notified(b.rig.device, 1, 1);
    assert_int_equal(status_of(&b, 1), 0xff);
    vblk_device_notified(b.rig.device, 0, (uint32_t)name | 7u << 16);
    assert_int_equal(status_of(&b, 1), VBLK_S_OK);
    down(&b);
    up(&b, 0, 0);
    assert_int_equal(vblk_device_read_reg(b.rig.device, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, 1), 0);
    ask(&b, 1, 1, true, 1);
    vblk_device_notified(b.rig.device, 1, 0);
    assert_int_equal(status_of(&b, 1), VBLK_S_OK);
    down(&b);
}

static void queue_reset_that_was_not_negotiated__is_ignored(void **state)
{
    struct bench b;

    (void)state;
    up(&b, 0, 0);
    rig_set(&b.rig, VBLK_REG_QUEUE_RESET, 0, 1);
    assert_int_equal(rig_reg(&b.rig, VBLK_REG_QUEUE_ENABLE), 1);
    down(&b);
}

static void queue_sizes_that_are_no_power_of_two__only_with_packed_rings(void **state)
{
    const struct vblk_backend none = { 0 };
    struct vblk_device_options o;
    struct vblk_device *device;
    const char *why;

    (void)state;
    vblk_device_defaults(&o);
    o.queue_max = 100;
    assert_null(vblk_device_new(&o, NULL, &none, &why));
    assert_non_null(strstr(why, "power of two"));
    o.features |= F(RING_PACKED);
    o.num_queues = 64;
    device = vblk_device_new(&o, NULL, &none, &why);
    assert_non_null(device);
    assert_int_equal(vblk_device_read_reg(device, VBLK_REG_QUEUE_MAX, 63), 100);
    vblk_device_free(device);
}

static void base__is_where_the_device_goes_on_and_nothing_where_no_queue_runs(void **state)
{
    static const struct { uint64_t features; uint32_t fresh, served; } kinds[] = {
        { 0, 0, 2 },
        { F(RING_PACKED), 0x80008000u, 0x80068006u }, /* three descriptors a request, both wrap counters still 1 */
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bench b;

        up(&b, kinds[i].features | F(RING_RESET), 0);
        assert_int_equal(vblk_device_queue_base(b.rig.device, 0), kinds[i].fresh);
        for (uint32_t n = 0; n < 2; n++) {
            ask(&b, 0, n, false, 1);
            assert_int_equal(vblk_device_serve(b.rig.device, 0), 1);
        }
        assert_int_equal(vblk_device_queue_base(b.rig.device, 0), kinds[i].served);
        assert_int_equal(vblk_device_queue_base(b.rig.device, 1), kinds[i].fresh);
        assert_int_equal(vblk_device_queue_base(b.rig.device, 2), 0);
        assert_int_equal(vblk_device_queue_base(b.rig.device, UINT16_MAX), 0);
        rig_set(&b.rig, VBLK_REG_QUEUE_RESET, 0, 1);
        assert_int_equal(vblk_device_queue_base(b.rig.device, 0), 0);
        down(&b);
    }
}

static void defaults__leave_ring_features_out(void **state)
{
    struct vblk_device_options o;

    (void)state;
    vblk_device_defaults(&o);
    assert_int_equal(o.features & vblk_device_ring_features(), 0);
    assert_int_equal(vblk_device_features(&o.profile) & vblk_device_ring_features(), vblk_device_ring_features());
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ring__serves_a_write_and_a_read),
        cmocka_unit_test(read_that_fails_on_a_packed_ring__says_that_something_was_written),
        cmocka_unit_test(whole_ring_of_requests_with_event_index__the_next_kick_is_asked_for),
        cmocka_unit_test(buffers__are_told_step_by_step),
        cmocka_unit_test(held_requests_in_order__one_answer_for_all_that_wrote_all),
        cmocka_unit_test(held_request_in_order_that_failed__has_an_answer_of_its_own),
        cmocka_unit_test(indirect_table_longer_than_the_queue__served_where_chain_max_allows),
        cmocka_unit_test(queue_reset__forgets_that_queue_and_no_other),
        cmocka_unit_test(queue_reset_that_was_not_negotiated__is_ignored),
        cmocka_unit_test(own_names__are_all_that_is_heeded),
        cmocka_unit_test(queue_sizes_that_are_no_power_of_two__only_with_packed_rings),
        cmocka_unit_test(base__is_where_the_device_goes_on_and_nothing_where_no_queue_runs),
        cmocka_unit_test(defaults__leave_ring_features_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
