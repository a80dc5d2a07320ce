/* SPDX-License-Identifier: BSD-3-Clause */
/* Which access comes before which, and with what memory order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

/* Kind, party, address, length, order. */
struct step {
    uint8_t kind;
    uint8_t party;
    uint64_t at;
    uint32_t len;
    uint8_t order;
};

struct tape {
    struct step steps[64];
    unsigned n;
};

#define STORE(party, at, len, order) { VBLK_EV_STORE, VBLK_##party, (at), (len), VBLK_##order }
#define LOAD(party, at, len, order) { VBLK_EV_LOAD, VBLK_##party, (at), (len), VBLK_##order }
#define BARRIER(party) { VBLK_EV_BARRIER, VBLK_##party, 0, 0, VBLK_FULL }
#define DESC(i) (0x10000 + 16 * (i))
#define FLAGS(i) (DESC(i) + 14)
#define DRIVER_AREA 0xa0000
#define DEVICE_AREA 0xc0000

static void record(void *ctx, const struct vblk_event *ev)
{
    struct tape *tape = ctx;

    assert_true(tape->n < 64);
    tape->steps[tape->n++] = (struct step){ ev->kind, ev->party, ev->at, ev->len, ev->order };
}

static void same(const struct tape *tape, const struct step *expected, size_t n)
{
    for (unsigned i = 0; i < tape->n && i < n; i++) {
        const struct step *step = &tape->steps[i], *want = &expected[i];

        if (step->kind != want->kind || step->party != want->party || step->at != want->at || step->len != want->len ||
            step->order != want->order)
            fail_msg("step %u: kind %u, party %u, at %llx, len %u, order %u", i, step->kind, step->party,
                     (unsigned long long)step->at, step->len, step->order);
    }
    assert_int_equal(tape->n, n);
}
#define SAME(tape, expected) same(tape, expected, sizeof(expected) / sizeof((expected)[0]))

static const struct vblk_element bufs[] = { { DATA, 16, false }, { DATA + 16, 512, true } };

static void batch_there(struct queue *q)
{
    uint16_t id;
    bool wanted;

    OK(q->ops->add(&q->driver, bufs, 2, &id));
    OK(q->ops->add(&q->driver, bufs, 1, &id));
    OK(q->ops->publish(&q->driver, 2));
    OK(q->ops->kick_wanted(&q->driver, &wanted));
}

static void batch_back(struct queue *q)
{
    struct vblk_chain chain;
    struct vblk_used used;
    bool wanted;

    for (int i = 0; i < 2; i++) {
        OK(q->ops->take(&q->device, &chain));
        OK(q->ops->put_used(&q->device, chain.id, 0));
    }
    OK(q->ops->publish_used(&q->device));
    OK(q->ops->publish_used(&q->device));
    OK(q->ops->notify_wanted(&q->device, &wanted));
    for (int i = 0; i < 2; i++)
        OK(q->ops->reap(&q->driver, &used));
}

static void packed_accesses__flags_last_and_first(void **state)
{
    static const struct step expected[] = {
        STORE(DRIVER, DESC(0), 14, RELAXED),
        STORE(DRIVER, DESC(1), 16, RELAXED),
        STORE(DRIVER, DESC(2), 14, RELAXED),
        STORE(DRIVER, FLAGS(2), 2, RELAXED),
        STORE(DRIVER, FLAGS(0), 2, RELEASE), /* shows all of it */
        BARRIER(DRIVER),
        LOAD(DRIVER, DEVICE_AREA + 2, 2, ACQUIRE),
        LOAD(DEVICE, FLAGS(0), 2, ACQUIRE),
        LOAD(DEVICE, DESC(0), 14, RELAXED),
        LOAD(DEVICE, DESC(1), 16, RELAXED),
        STORE(DEVICE, DESC(0) + 8, 6, RELAXED), /* hidden until the second answer is there */
        LOAD(DEVICE, FLAGS(2), 2, ACQUIRE),
        LOAD(DEVICE, DESC(2), 14, RELAXED),
        STORE(DEVICE, DESC(2) + 8, 6, RELAXED),
        STORE(DEVICE, FLAGS(2), 2, RELAXED),
        STORE(DEVICE, FLAGS(0), 2, RELEASE),
        BARRIER(DEVICE),
        LOAD(DEVICE, DRIVER_AREA + 2, 2, ACQUIRE),
        LOAD(DRIVER, FLAGS(0), 2, ACQUIRE),
        LOAD(DRIVER, DESC(0) + 8, 6, RELAXED),
        LOAD(DRIVER, FLAGS(2), 2, ACQUIRE),
        LOAD(DRIVER, DESC(2) + 8, 6, RELAXED),
    };
    struct tape tape = { .n = 0 };
    struct queue q;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED));
    vblk_memory_set_tap(q.mem, record, &tape);
    batch_there(&q);
    batch_back(&q);
    SAME(&tape, expected);
    queue_close(&q);
}

static void ask(struct queue *q)
{
    OK(q->ops->set_interrupts(&q->driver, true));
    OK(q->ops->set_interrupts(&q->driver, true));
    OK(q->ops->set_interrupts(&q->driver, false));
    OK(q->ops->set_notify(&q->device, true));
    OK(q->ops->set_notify(&q->device, false));
}

static void packed_events__place_before_flags(void **state)
{
    static const struct step expected[] = {
        STORE(DRIVER, DRIVER_AREA, 2, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELEASE),
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA, 2, RELAXED), /* the flags say so already */
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELAXED),
        STORE(DEVICE, DEVICE_AREA, 2, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELEASE),
        BARRIER(DEVICE),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELAXED),
    };
    static const struct step consulted[] = {
        BARRIER(DRIVER),
        LOAD(DRIVER, DEVICE_AREA + 2, 2, ACQUIRE),
        LOAD(DRIVER, DEVICE_AREA, 2, RELAXED),
    };
    struct tape tape = { .n = 0 };
    struct queue q;
    bool wanted;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED) | F(EVENT_IDX));
    vblk_memory_set_tap(q.mem, record, &tape);
    ask(&q);
    SAME(&tape, expected);
    OK(q.ops->set_notify(&q.device, true));
    tape.n = 0;
    OK(q.ops->kick_wanted(&q.driver, &wanted));
    SAME(&tape, consulted);
    queue_close(&q);
}

static void packed_flags_only__one_word(void **state)
{
    static const struct step expected[] = {
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELAXED),
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELAXED),
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELAXED),
        BARRIER(DEVICE),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELAXED),
    };
    struct tape tape = { .n = 0 };
    struct queue q;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED));
    vblk_memory_set_tap(q.mem, record, &tape);
    ask(&q);
    SAME(&tape, expected);
    queue_close(&q);
}

static void split_with_event_idx__has_events_for_flags(void **state)
{
    static const struct step expected[] = {
        STORE(DRIVER, DESC(0), 16, RELAXED),
        STORE(DRIVER, DESC(1), 16, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 4, 2, RELAXED),
        STORE(DRIVER, DESC(2), 16, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 6, 2, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELEASE),
        BARRIER(DRIVER),
        LOAD(DRIVER, DEVICE_AREA + 4 + 8 * 4, 2, RELAXED),
        LOAD(DEVICE, DRIVER_AREA + 2, 2, ACQUIRE),
        LOAD(DEVICE, DRIVER_AREA + 4, 2, RELAXED),
        LOAD(DEVICE, DESC(0), 16, RELAXED),
        LOAD(DEVICE, DESC(1), 16, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 4, 8, RELAXED),
        LOAD(DEVICE, DRIVER_AREA + 6, 2, RELAXED),
        LOAD(DEVICE, DESC(2), 16, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 12, 8, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELEASE),
        BARRIER(DEVICE),
        LOAD(DEVICE, DRIVER_AREA + 4 + 2 * 4, 2, RELAXED),
        LOAD(DRIVER, DEVICE_AREA + 2, 2, ACQUIRE),
        LOAD(DRIVER, DEVICE_AREA + 4, 8, RELAXED),
        LOAD(DRIVER, DEVICE_AREA + 12, 8, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 4 + 2 * 4, 2, RELAXED),
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA + 4 + 2 * 4, 2, RELAXED),
        BARRIER(DRIVER),
        STORE(DRIVER, DRIVER_AREA + 4 + 2 * 4, 2, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 4 + 8 * 4, 2, RELAXED),
        BARRIER(DEVICE),
        STORE(DEVICE, DEVICE_AREA + 4 + 8 * 4, 2, RELAXED),
    };
    struct tape tape = { .n = 0 };
    struct queue q;

    (void)state;
    queue_open_with(&q, 4, F(EVENT_IDX));
    vblk_memory_set_tap(q.mem, record, &tape);
    batch_there(&q);
    batch_back(&q);
    ask(&q);
    SAME(&tape, expected);
    queue_close(&q);
}

/* The table is there before what refers to it can be seen, and is read after that was seen. */
static void indirect_table__before_the_descriptor(void **state)
{
#define TABLE (DATA + 0x1003)
    static const struct step split[] = {
        STORE(DRIVER, TABLE, 16, RELAXED),
        STORE(DRIVER, TABLE + 16, 16, RELAXED),
        STORE(DRIVER, DESC(0), 16, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 4, 2, RELAXED),
        STORE(DRIVER, DRIVER_AREA + 2, 2, RELEASE),
        LOAD(DEVICE, DRIVER_AREA + 2, 2, ACQUIRE),
        LOAD(DEVICE, DRIVER_AREA + 4, 2, RELAXED),
        LOAD(DEVICE, DESC(0), 16, RELAXED),
        LOAD(DEVICE, TABLE, 16, RELAXED),
        LOAD(DEVICE, TABLE + 16, 16, RELAXED),
    };
    static const struct step packed[] = {
        STORE(DRIVER, TABLE, 16, RELAXED),
        STORE(DRIVER, TABLE + 16, 16, RELAXED),
        STORE(DRIVER, DESC(0), 14, RELAXED),
        STORE(DRIVER, FLAGS(0), 2, RELEASE),
        LOAD(DEVICE, FLAGS(0), 2, ACQUIRE),
        LOAD(DEVICE, DESC(0), 14, RELAXED),
        LOAD(DEVICE, TABLE, 16, RELAXED),
        LOAD(DEVICE, TABLE + 16, 16, RELAXED),
    };

    (void)state;
    for (int format = 0; format < 2; format++) {
        struct tape tape = { .n = 0 };
        struct vblk_chain chain;
        struct queue q;
        uint16_t id;

        queue_open_with(&q, 4, F(INDIRECT_DESC) | (format ? F(RING_PACKED) : 0));
        vblk_memory_set_tap(q.mem, record, &tape);
        OK(q.ops->add_indirect(&q.driver, TABLE, 0, bufs, 2, &id));
        OK(q.ops->publish(&q.driver, 1));
        OK(q.ops->take(&q.device, &chain));
        if (format)
            SAME(&tape, packed);
        else
            SAME(&tape, split);
        queue_close(&q);
    }
}

/* 2.7.9: one entry at the first buffer's place, and idx as if there were one for each. */
static void batch_in_order__is_one_entry(void **state)
{
    static const struct step split[] = {
        STORE(DEVICE, DEVICE_AREA + 4, 8, RELAXED),
        STORE(DEVICE, DEVICE_AREA + 2, 2, RELEASE),
        LOAD(DRIVER, DEVICE_AREA + 2, 2, ACQUIRE),
        LOAD(DRIVER, DEVICE_AREA + 4, 8, RELAXED),
    };
    static const struct step packed[] = {
        STORE(DEVICE, DESC(0) + 8, 6, RELAXED),
        STORE(DEVICE, FLAGS(0), 2, RELEASE),
        LOAD(DRIVER, FLAGS(0), 2, ACQUIRE),
        LOAD(DRIVER, DESC(0) + 8, 6, RELAXED),
    };

    (void)state;
    for (int format = 0; format < 2; format++) {
        struct tape tape = { .n = 0 };
        struct vblk_chain chain;
        struct vblk_used used;
        struct queue q;

        queue_open_with(&q, 4, F(IN_ORDER) | (format ? F(RING_PACKED) : 0));
        batch_there(&q);
        for (int i = 0; i < 2; i++)
            OK(q.ops->take(&q.device, &chain));
        vblk_memory_set_tap(q.mem, record, &tape);
        OK(q.ops->put_used(&q.device, chain.id, 0));
        OK(q.ops->publish_used(&q.device));
        for (int i = 0; i < 2; i++)
            OK(q.ops->reap(&q.driver, &used));
        assert_int_equal(used.id, chain.id);
        if (format)
            SAME(&tape, packed);
        else
            SAME(&tape, split);
        vblk_memory_set_tap(q.mem, NULL, NULL);
        assert_int_equal(format || peek16(&q, vblk_split_used_idx_at(&q.at)) == 2, 1);
        queue_close(&q);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_accesses__flags_last_and_first),
        cmocka_unit_test(packed_events__place_before_flags),
        cmocka_unit_test(packed_flags_only__one_word),
        cmocka_unit_test(split_with_event_idx__has_events_for_flags),
        cmocka_unit_test(indirect_table__before_the_descriptor),
        cmocka_unit_test(batch_in_order__is_one_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
