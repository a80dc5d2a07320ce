/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each ring has more than one way to do the same: with nobody watching or under a tap, an answer in one step or in two.
 * Two queues are used alike, each in its own way, and hold the same bytes all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

#define SIZE 8u
#define AREA 256u /* bytes of each area that are compared; more than 16 * SIZE */

static const uint64_t flavours[] = {
    0,
    F(EVENT_IDX),
    F(EVENT_IDX) | F(INDIRECT_DESC),
    F(IN_ORDER),
    F(IN_ORDER) | F(EVENT_IDX),
    F(RING_PACKED),
    F(RING_PACKED) | F(EVENT_IDX),
    F(RING_PACKED) | F(EVENT_IDX) | F(INDIRECT_DESC),
    F(RING_PACKED) | F(IN_ORDER),
    F(RING_PACKED) | F(IN_ORDER) | F(EVENT_IDX),
};

static struct pair {
    struct queue plain, other;
    bool in_order;
    uint16_t ids[SIZE]; /* taken by the device and not answered, the oldest first */
    uint32_t taken;
    uint32_t seed;
} pair;

static uint32_t any(uint32_t below)
{
    pair.seed = pair.seed * 1664525u + 1013904223u;
    return (pair.seed >> 8) % below;
}

static void look_on(void *ctx, const struct vblk_event *ev)
{
    unsigned *seen = ctx;

    *seen += ev->kind == VBLK_EV_STORE;
}

static void same_bytes(void)
{
    const uint64_t areas[] = { pair.plain.at.desc, pair.plain.at.driver, pair.plain.at.device };
    uint8_t a[AREA], b[AREA];

    for (size_t i = 0; i < 3; i++) {
        OK(vblk_memory_peek(pair.plain.mem, areas[i], a, AREA));
        OK(vblk_memory_peek(pair.other.mem, areas[i], b, AREA));
        assert_memory_equal(a, b, AREA);
    }
}

/* Both must come to the same. */
static vblk_err both(vblk_err one, vblk_err other)
{
    assert_int_equal(one, other);
    return one;
}

static void add_some(void)
{
    const uint32_t n = 1 + any(4), buffers = 1 + any(2);
    struct vblk_element bufs[4];
    uint32_t added = 0;
    uint16_t a, b;

    for (uint32_t i = 0; i < n; i++)
        bufs[i] = (struct vblk_element){ DATA + 64 * any(1000), any(5000), i >= n / 2 };
    while (added < buffers && !both(pair.plain.ops->add(&pair.plain.driver, bufs, n, &a),
                                    pair.other.ops->add(&pair.other.driver, bufs, n, &b))) {
        assert_int_equal(a, b);
        added++;
    }
    OK(both(pair.plain.ops->publish(&pair.plain.driver, added), pair.other.ops->publish(&pair.other.driver, added)));
}

static void take_one(void)
{
    struct vblk_chain a, b;

    if (both(pair.plain.ops->take(&pair.plain.device, &a), pair.other.ops->take(&pair.other.device, &b)))
        return;
    assert_int_equal(a.fault, VBLK_CHAIN_OK);
    assert_int_equal(a.fault, b.fault);
    assert_int_equal(a.id, b.id);
    assert_int_equal(a.n, b.n);
    assert_int_equal(a.readable, b.readable);
    for (uint32_t i = 0; i < a.n; i++) {
        assert_int_equal(a.bufs[i].gpa, b.bufs[i].gpa);
        assert_int_equal(a.bufs[i].len, b.bufs[i].len);
        assert_int_equal(a.bufs[i].writable, b.bufs[i].writable);
    }
    pair.ids[pair.taken++] = a.id;
}

static void answer_one(void)
{
    const uint32_t which = pair.in_order || !pair.taken ? 0 : any(pair.taken), len = any(3) ? any(100) : 0;
    const uint16_t id = pair.ids[which];
    const bool wrote = len || any(2);

    if (!pair.taken)
        return;
    OK(both(pair.plain.ops->answer(&pair.plain.device, id, len, wrote),
            pair.other.ops->put_used_wrote(&pair.other.device, id, len, wrote)));
    OK(pair.other.ops->publish_used(&pair.other.device));
    pair.taken--;
    memmove(pair.ids + which, pair.ids + which + 1, (pair.taken - which) * sizeof(pair.ids[0]));
}

static void reap_one(void)
{
    struct vblk_used a = { 0 }, b = { 0 };

    if (both(pair.plain.ops->reap(&pair.plain.driver, &a), pair.other.ops->reap(&pair.other.driver, &b)))
        return;
    assert_int_equal(a.id, b.id);
    assert_int_equal(a.len, b.len);
    assert_int_equal(a.fault, b.fault);
    assert_int_equal(a.passed, b.passed);
    assert_int_equal(a.no_len, b.no_len);
}

/* Who wants to be told of what. */
static void notifications(void)
{
    const uint32_t ahead = any(SIZE);
    const bool on = any(3);
    bool a = false, b = true;

    switch (any(6)) {
    case 0:
        OK(both(pair.plain.ops->kick_wanted(&pair.plain.driver, &a), pair.other.ops->kick_wanted(&pair.other.driver, &b)));
        assert_int_equal(a, b);
        break;
    case 1:
        OK(both(pair.plain.ops->notify_wanted(&pair.plain.device, &a), pair.other.ops->notify_wanted(&pair.other.device, &b)));
        assert_int_equal(a, b);
        break;
    case 2:
        OK(both(pair.plain.ops->set_interrupts(&pair.plain.driver, on), pair.other.ops->set_interrupts(&pair.other.driver, on)));
        break;
    case 3:
        OK(both(pair.plain.ops->set_notify(&pair.plain.device, on), pair.other.ops->set_notify(&pair.other.device, on)));
        break;
    case 4:
        (void)both(pair.plain.ops->interrupt_after(&pair.plain.driver, ahead),
                   pair.other.ops->interrupt_after(&pair.other.driver, ahead));
        break;
    default:
        (void)both(pair.plain.ops->notify_after(&pair.plain.device, ahead),
                   pair.other.ops->notify_after(&pair.other.device, ahead));
        break;
    }
}

static void play(uint64_t features, uint32_t seed)
{
    static void (*const acts[])(void) = { add_some, add_some, take_one,   take_one,      answer_one,
                                          answer_one, reap_one, reap_one, notifications, notifications };
    unsigned seen = 0;

    pair = (struct pair){ .in_order = features & F(IN_ORDER), .seed = seed };
    queue_open_with(&pair.plain, SIZE, features);
    queue_open_with(&pair.other, SIZE, features);
    vblk_memory_set_tap(pair.other.mem, look_on, &seen);
    for (unsigned i = 0; i < 3000; i++) {
        acts[any(sizeof(acts) / sizeof(acts[0]))]();
        same_bytes();
    }
    assert_true(seen > 1000);
    queue_close(&pair.plain);
    queue_close(&pair.other);
}

static void each_way__does_the_same(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof(flavours) / sizeof(flavours[0]); f++)
        for (uint32_t seed = 1; seed < 4; seed++)
            play(flavours[f], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way__does_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
