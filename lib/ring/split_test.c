/* SPDX-License-Identifier: BSD-3-Clause */
/* Both sides of a split ring against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static void layout__is_checked(void **state)
{
    static const struct {
        struct vblk_layout at;
        vblk_err err;
    } rows[] = {
        { { 0, 0x10000, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_INVAL },
        { { 3, 0x10000, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_INVAL },
        { { 65536, 0x10000, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_INVAL },
        { { 4, 0x10008, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_INVAL },
        { { 4, 0x10000, 0x11001, 0x12000, 0, 0, NULL }, VBLK_E_INVAL },
        { { 4, 0x10000, 0x11000, 0x12002, 0, 0, NULL }, VBLK_E_INVAL },
        { { 4, 0x0fff0, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x13ff6, 0x12000, 0, 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x13ff4, 0x12000, 0, 0, NULL }, VBLK_OK }, /* without the two bytes for the event index */
        { { 4, 0x10000, 0x11000, 0x13fdc, 0, 0, NULL }, VBLK_OK },
        { { 4, 0x10000, 0x11000, 0x13fe0, 0, 0, NULL }, VBLK_E_RANGE },
        { { 4, UINT64_MAX - 15, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x11000, 0x12000, VBLK_BIT(VBLK_F_VERSION_1), 0, NULL }, VBLK_OK },
        { { 4, 0x10000, 0x11000, 0x12000, VBLK_BIT(VBLK_F_INDIRECT_DESC), 0, NULL }, VBLK_OK },
        { { 4, 0x10000, 0x11000, 0x12000, VBLK_BIT(VBLK_F_EVENT_IDX), 0, NULL }, VBLK_OK },
        { { 4, 0x10000, 0x13ff2, 0x12000, VBLK_BIT(VBLK_F_EVENT_IDX), 0, NULL }, VBLK_OK },
        { { 4, 0x10000, 0x13ff4, 0x12000, VBLK_BIT(VBLK_F_EVENT_IDX), 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x11000, 0x13fdc, VBLK_BIT(VBLK_F_EVENT_IDX), 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x11000, 0x12000, VBLK_BIT(VBLK_F_RING_PACKED), 0, NULL }, VBLK_E_UNSUPPORTED },
    };
    const struct vblk_region region = { .gpa = 0x10000, .size = 0x4000, .fd = -1 };
    struct vblk_memory *mem = vblk_memory_new();
    struct vblk_ring ring;

    (void)state;
    OK(vblk_memory_add(mem, &region));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int side = VBLK_DRIVER; side <= VBLK_DEVICE; side++) {
            assert_int_equal(vblk_ring_open(&ring, OPS, mem, &rows[i].at, (enum vblk_party)side), rows[i].err);
            vblk_ring_close(&ring);
        }
    }
    assert_int_equal(vblk_ring_open(&ring, OPS, mem, &rows[8].at, VBLK_NOBODY), VBLK_E_INVAL);
    vblk_memory_free(mem);
}

static void extents__are_those_of_the_text(void **state)
{
    struct vblk_extent areas[VBLK_AREAS];

    (void)state;
    OPS->extents(256, 0, areas);
    assert_int_equal(areas[VBLK_AREA_DESC].bytes, 4096);
    assert_int_equal(areas[VBLK_AREA_DESC].align, 16);
    assert_int_equal(areas[VBLK_AREA_DRIVER].bytes, 518);
    assert_int_equal(areas[VBLK_AREA_DRIVER].align, 2);
    assert_int_equal(areas[VBLK_AREA_DEVICE].bytes, 2054);
    assert_int_equal(areas[VBLK_AREA_DEVICE].align, 4);
}

/* One buffer in flight of every length up to the size, until idx went round its 65536 values several times. */
static void each_size__works_across_the_wrap_of_idx(void **state)
{
    static const uint32_t sizes[] = { 1, 2, 4, 256, 32768 };

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct queue q;
        struct vblk_chain chain;
        struct vblk_used used;

        queue_open(&q, sizes[s]);
        for (uint32_t round = 0; round < 3 * 65536 + 5; round++) {
            const uint32_t longest = sizes[s] < 4 ? sizes[s] : 4, n = round % longest + 1;
            const uint16_t id = offer(&q, n);

            if (OPS->take(&q.device, &chain) != VBLK_OK || chain.fault != VBLK_CHAIN_OK || chain.n != n ||
                chain.id != id || chain.readable != n - 1)
                fail_msg("size %u round %u: fault %u n %u", sizes[s], round, chain.fault, chain.n);
            OK(OPS->put_used(&q.device, chain.id, round & 15));
            OK(OPS->publish_used(&q.device));
            if (OPS->reap(&q.driver, &used) != VBLK_OK || used.fault != VBLK_USED_OK || used.id != id ||
                used.len != (round & 15))
                fail_msg("size %u round %u: fault %u id %u", sizes[s], round, used.fault, used.id);
        }
        assert_int_equal(OPS->take(&q.device, &chain), VBLK_E_EMPTY);
        assert_int_equal(OPS->reap(&q.driver, &used), VBLK_E_EMPTY);
        assert_int_equal(peek16(&q, vblk_split_avail_idx_at(&q.at)), 5);
        assert_int_equal(peek16(&q, vblk_split_used_idx_at(&q.at)), 5);
        queue_close(&q);
    }
}

static void longest_chain__fills_the_table(void **state)
{
    static const uint32_t sizes[] = { 1, 2, 256, 32768 };

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct queue q;
        struct vblk_chain chain;
        struct vblk_used used;
        const struct vblk_element buf = { DATA, 1, false };
        uint16_t id;

        queue_open(&q, sizes[s]);
        offer(&q, sizes[s]);
        assert_int_equal(OPS->add(&q.driver, &buf, 1, &id), VBLK_E_FULL);
        OK(OPS->take(&q.device, &chain));
        assert_int_equal(chain.fault, VBLK_CHAIN_OK);
        assert_int_equal(chain.n, sizes[s]);
        assert_int_equal(chain.bufs[sizes[s] - 1].gpa, DATA + 16 * (uint64_t)(sizes[s] - 1));
        assert_int_equal(chain.readable_bytes, 16 * (uint64_t)(sizes[s] - 1));
        assert_int_equal(chain.writable_bytes, 16);
        OK(OPS->put_used(&q.device, chain.id, 16));
        OK(OPS->publish_used(&q.device));
        OK(OPS->reap(&q.driver, &used));
        OK(OPS->add(&q.driver, &buf, 1, &id));
        queue_close(&q);
    }
}

/* A full ring of single buffers, answered in an order that is stirred anew each round. */
static void answers_out_of_order__come_back_under_their_ids(void **state)
{
    static const uint32_t sizes[] = { 2, 4, 256, 32768 };
    const struct vblk_element buf = { DATA, 64, true };
    struct vblk_chain chain;
    struct vblk_used used;
    struct queue q;

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        const uint32_t size = sizes[s];
        uint16_t *ids = calloc(size, sizeof(*ids)), id;
        uint8_t *out = calloc(size, 1);

        queue_open(&q, size);
        for (uint32_t round = 0; round < 5; round++) {
            for (uint32_t i = 0; i < size; i++) {
                OK(OPS->add(&q.driver, &buf, 1, &id));
                assert_int_equal(out[id], 0);
                out[id] = 1;
            }
            assert_int_equal(OPS->add(&q.driver, &buf, 1, &id), VBLK_E_FULL);
            assert_int_equal(OPS->take(&q.device, &chain), VBLK_E_EMPTY); /* idx was not stored */
            OK(OPS->publish(&q.driver, size));
            for (uint32_t i = 0; i < size; i++) {
                OK(OPS->take(&q.device, &chain));
                ids[i] = chain.id;
            }
            for (uint32_t i = 0; i < size; i++) /* an odd factor permutes a power of two */
                OK(OPS->put_used(&q.device, ids[(i * 5 + round) % size], i % 64));
            assert_int_equal(OPS->put_used(&q.device, 0, 0), VBLK_E_FULL);
            assert_int_equal(OPS->reap(&q.driver, &used), VBLK_E_EMPTY);
            OK(OPS->publish_used(&q.device));
            for (uint32_t i = 0; i < size; i++) {
                OK(OPS->reap(&q.driver, &used));
                assert_int_equal(used.fault, VBLK_USED_OK);
                assert_int_equal(used.id, ids[(i * 5 + round) % size]);
                out[used.id] = 0;
            }
        }
        assert_null(memchr(out, 1, size));
        free(ids);
        free(out);
        queue_close(&q);
    }
}

static void buffer_that_waits__survives_the_wrap_of_idx(void **state)
{
    struct vblk_chain chain;
    struct vblk_used used;
    struct queue q;
    uint16_t first;

    (void)state;
    queue_open(&q, 4);
    first = offer(&q, 1);
    OK(OPS->take(&q.device, &chain));
    for (uint32_t round = 0; round < 70000; round++) {
        offer(&q, 1);
        OK(OPS->take(&q.device, &chain));
        OK(OPS->put_used(&q.device, chain.id, 0));
        OK(OPS->publish_used(&q.device));
        OK(OPS->reap(&q.driver, &used));
        assert_int_equal(used.fault, VBLK_USED_OK);
    }
    OK(OPS->put_used(&q.device, first, 16));
    OK(OPS->publish_used(&q.device));
    OK(OPS->reap(&q.driver, &used));
    assert_int_equal(used.fault, VBLK_USED_OK);
    assert_int_equal(used.id, first);
    queue_close(&q);
}

static void suppression__is_what_the_other_side_asked_for(void **state)
{
    struct queue q;
    bool wanted = false;

    (void)state;
    queue_open(&q, 4);
    for (int round = 0; round < 2; round++) {
        OK(OPS->kick_wanted(&q.driver, &wanted));
        assert_true(wanted);
        OK(OPS->notify_wanted(&q.device, &wanted));
        assert_true(wanted);
        OK(OPS->set_notify(&q.device, false));
        OK(OPS->kick_wanted(&q.driver, &wanted));
        assert_false(wanted);
        OK(OPS->set_interrupts(&q.driver, false));
        OK(OPS->notify_wanted(&q.device, &wanted));
        assert_false(wanted);
        OK(OPS->set_notify(&q.device, true));
        OK(OPS->set_interrupts(&q.driver, true));
    }
    queue_close(&q);
}

/* The accesses of one round trip, in order: kind, party, address, length, order. */
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

static void record(void *ctx, const struct vblk_event *ev)
{
    struct tape *tape = ctx;

    assert_true(tape->n < 64);
    tape->steps[tape->n++] = (struct step){ ev->kind, ev->party, ev->at, ev->len, ev->order };
}

static void round_trip(struct queue *q)
{
    static const struct vblk_element bufs[] = { { DATA, 16, false }, { DATA + 16, 512, true } };
    struct vblk_chain chain;
    struct vblk_used used;
    uint16_t id;
    bool wanted;

    OK(OPS->add(&q->driver, bufs, 2, &id));
    OK(OPS->add(&q->driver, bufs, 1, &id));
    OK(OPS->publish(&q->driver, 2));
    OK(OPS->publish(&q->driver, 0));
    OK(OPS->kick_wanted(&q->driver, &wanted));
    for (int i = 0; i < 2; i++) {
        OK(OPS->take(&q->device, &chain));
        OK(OPS->put_used(&q->device, chain.id, 0));
    }
    OK(OPS->publish_used(&q->device));
    OK(OPS->publish_used(&q->device));
    OK(OPS->notify_wanted(&q->device, &wanted));
    for (int i = 0; i < 2; i++)
        OK(OPS->reap(&q->driver, &used));
    OK(OPS->set_interrupts(&q->driver, true));
    OK(OPS->set_notify(&q->device, false));
}

static void accesses__come_in_the_order_of_the_text(void **state)
{
#define DESC(i) (0x10000 + 16 * (i))
    static const struct step expected[] = {
        { VBLK_EV_STORE, VBLK_DRIVER, DESC(0), 16, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, DESC(1), 16, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, 0xa0004, 2, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, DESC(2), 16, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, 0xa0006, 2, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, 0xa0002, 2, VBLK_RELEASE }, /* one idx for both */
        { VBLK_EV_BARRIER, VBLK_DRIVER, 0, 0, VBLK_FULL },
        { VBLK_EV_LOAD, VBLK_DRIVER, 0xc0000, 2, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DEVICE, 0xa0002, 2, VBLK_ACQUIRE },
        { VBLK_EV_LOAD, VBLK_DEVICE, 0xa0004, 2, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DEVICE, DESC(0), 16, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DEVICE, DESC(1), 16, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DEVICE, 0xc0004, 8, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DEVICE, 0xa0006, 2, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DEVICE, DESC(2), 16, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DEVICE, 0xc000c, 8, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DEVICE, 0xc0002, 2, VBLK_RELEASE },
        { VBLK_EV_BARRIER, VBLK_DEVICE, 0, 0, VBLK_FULL },
        { VBLK_EV_LOAD, VBLK_DEVICE, 0xa0000, 2, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DRIVER, 0xc0002, 2, VBLK_ACQUIRE },
        { VBLK_EV_LOAD, VBLK_DRIVER, 0xc0004, 8, VBLK_RELAXED },
        { VBLK_EV_LOAD, VBLK_DRIVER, 0xc000c, 8, VBLK_RELAXED },
        { VBLK_EV_STORE, VBLK_DRIVER, 0xa0000, 2, VBLK_RELAXED },
        { VBLK_EV_BARRIER, VBLK_DRIVER, 0, 0, VBLK_FULL },
        { VBLK_EV_STORE, VBLK_DEVICE, 0xc0000, 2, VBLK_RELAXED },
    };
    struct tape tape = { .n = 0 };
    struct queue q;

    (void)state;
    queue_open(&q, 4);
    vblk_memory_set_tap(q.mem, record, &tape);
    round_trip(&q);
    assert_int_equal(tape.n, sizeof(expected) / sizeof(expected[0]));
    for (unsigned i = 0; i < tape.n; i++) {
        if (tape.steps[i].kind != expected[i].kind || tape.steps[i].party != expected[i].party ||
            tape.steps[i].at != expected[i].at || tape.steps[i].len != expected[i].len ||
            tape.steps[i].order != expected[i].order)
            fail_msg("step %u: kind %u party %u at %llx", i, tape.steps[i].kind, tape.steps[i].party,
                     (unsigned long long)tape.steps[i].at);
    }
    queue_close(&q);
}

/* Which words of the driver and device areas are touched. */
struct words {
    struct queue *q;
    bool flags;
    bool events;
};

static void note(void *ctx, const struct vblk_event *ev)
{
    struct words *w = ctx;

    w->flags |= ev->at == vblk_split_avail_flags_at(&w->q->at) || ev->at == vblk_split_used_flags_at(&w->q->at);
    w->events |= ev->at == vblk_split_avail_event_at(&w->q->at) || ev->at == vblk_split_used_event_at(&w->q->at);
}

static void words_that_were_not_negotiated__are_left_alone(void **state)
{
    (void)state;
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        struct words w = { 0 };
        struct queue q;

        queue_open_with(&q, 4, event_idx ? F(EVENT_IDX) : 0);
        w.q = &q;
        vblk_memory_set_tap(q.mem, note, &w);
        for (int i = 0; i < 9; i++) {
            OK(q.ops->set_notify(&q.device, i % 2));
            OK(q.ops->set_interrupts(&q.driver, i % 2));
            round_trip(&q);
        }
        assert_int_equal(w.events, event_idx);
        assert_int_equal(w.flags, !event_idx);
        queue_close(&q);
    }
}

static void clear__covers_the_event_indices_if_they_are_used(void **state)
{
    (void)state;
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        struct queue q;

        queue_open_with(&q, 4, event_idx ? F(EVENT_IDX) : 0);
        poke16(&q, vblk_split_avail_event_at(&q.at), 0xffff);
        poke16(&q, vblk_split_used_event_at(&q.at), 0xffff);
        OK(q.ops->clear(&q.driver));
        assert_int_equal(peek16(&q, vblk_split_avail_event_at(&q.at)), event_idx ? 0 : 0xffff);
        assert_int_equal(peek16(&q, vblk_split_used_event_at(&q.at)), event_idx ? 0 : 0xffff);
        queue_close(&q);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout__is_checked),
        cmocka_unit_test(extents__are_those_of_the_text),
        cmocka_unit_test(each_size__works_across_the_wrap_of_idx),
        cmocka_unit_test(longest_chain__fills_the_table),
        cmocka_unit_test(answers_out_of_order__come_back_under_their_ids),
        cmocka_unit_test(buffer_that_waits__survives_the_wrap_of_idx),
        cmocka_unit_test(suppression__is_what_the_other_side_asked_for),
        cmocka_unit_test(accesses__come_in_the_order_of_the_text),
        cmocka_unit_test(words_that_were_not_negotiated__are_left_alone),
        cmocka_unit_test(clear__covers_the_event_indices_if_they_are_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
