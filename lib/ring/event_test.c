/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of both formats: who asks for what, and who owes one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static const uint64_t flavours[] = { 0, F(EVENT_IDX), F(RING_PACKED), F(RING_PACKED) | F(EVENT_IDX) };
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))

static bool kick_wanted(struct queue *q)
{
    bool wanted;

    OK(q->ops->kick_wanted(&q->driver, &wanted));
    return wanted;
}

static bool notify_wanted(struct queue *q)
{
    bool wanted;

    OK(q->ops->notify_wanted(&q->device, &wanted));
    return wanted;
}

static uint16_t taken(struct queue *q)
{
    struct vblk_chain chain;

    OK(q->ops->take(&q->device, &chain));
    assert_int_equal(chain.fault, VBLK_CHAIN_OK);
    return chain.id;
}

static void answer(struct queue *q, uint16_t id)
{
    OK(q->ops->put_used(&q->device, id, 0));
    OK(q->ops->publish_used(&q->device));
}

static bool reaped(struct queue *q)
{
    struct vblk_used used;
    vblk_err err = q->ops->reap(&q->driver, &used);

    assert_true(err == VBLK_E_EMPTY || (err == VBLK_OK && used.fault == VBLK_USED_OK));
    return err == VBLK_OK;
}

static void round_trip(struct queue *q)
{
    offer(q, 1);
    answer(q, taken(q));
    assert_true(reaped(q));
}

static void without_event_idx__all_or_nothing(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        if (flavours[f] & F(EVENT_IDX))
            continue;
        queue_open_with(&q, 4, flavours[f]);
        for (int round = 0; round < 6; round++) {
            assert_true(kick_wanted(&q)); /* with nothing new, too */
            assert_true(notify_wanted(&q));
            OK(q.ops->set_notify(&q.device, false));
            OK(q.ops->set_interrupts(&q.driver, false));
            round_trip(&q);
            assert_false(kick_wanted(&q));
            assert_false(notify_wanted(&q));
            OK(q.ops->set_notify(&q.device, true));
            OK(q.ops->set_interrupts(&q.driver, true));
            round_trip(&q);
        }
        assert_int_equal(q.ops->interrupt_after(&q.driver, 0), VBLK_E_UNSUPPORTED);
        assert_int_equal(q.ops->notify_after(&q.device, 0), VBLK_E_UNSUPPORTED);
        queue_close(&q);
    }
}

static void with_event_idx__one_for_the_next_one(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        if (!(flavours[f] & F(EVENT_IDX)))
            continue;
        queue_open_with(&q, 4, flavours[f]);
        for (uint32_t round = 0; round < 66000; round++) {
            OK(q.ops->set_notify(&q.device, true));
            OK(q.ops->set_interrupts(&q.driver, true));
            assert_false(kick_wanted(&q)); /* nothing new */
            assert_false(notify_wanted(&q));
            round_trip(&q);
            assert_true(kick_wanted(&q));
            assert_true(notify_wanted(&q));
            assert_false(kick_wanted(&q)); /* it was owed once */
            assert_false(notify_wanted(&q));
            round_trip(&q);
            assert_false(kick_wanted(&q)); /* and asked for once */
            assert_false(notify_wanted(&q));
        }
        queue_close(&q);
    }
}

static void with_event_idx__none_when_not_wanted(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        if (!(flavours[f] & F(EVENT_IDX)))
            continue;
        queue_open_with(&q, 4, flavours[f]);
        kick_wanted(&q);
        notify_wanted(&q);
        OK(q.ops->set_notify(&q.device, false));
        OK(q.ops->set_interrupts(&q.driver, false));
        for (uint32_t round = 0; round < 65535; round++) {
            round_trip(&q);
            assert_false(kick_wanted(&q));
            assert_false(notify_wanted(&q));
        }
        queue_close(&q);
    }
}

static void with_event_idx__one_after_so_many(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        if (!(flavours[f] & F(EVENT_IDX)))
            continue;
        queue_open_with(&q, 8, flavours[f]);
        for (uint32_t round = 0; round < 30000; round++) {
            const uint32_t ahead = round % 8, others = round * 3 % 8;

            OK(q.ops->notify_after(&q.device, ahead));
            OK(q.ops->interrupt_after(&q.driver, others));
            for (uint32_t i = 0; i < 8; i++) {
                round_trip(&q);
                assert_int_equal(kick_wanted(&q), i == ahead);
                assert_int_equal(notify_wanted(&q), i == others);
            }
        }
        assert_int_equal(q.ops->notify_after(&q.device, 8), VBLK_E_INVAL);
        assert_int_equal(q.ops->interrupt_after(&q.driver, UINT32_MAX), VBLK_E_INVAL);
        queue_close(&q);
    }
}

/* The predicate by definition: is the place that the event names among those that were shown? */
static void split_event_index__is_compared_modulo_65536(void **state)
{
    static const uint32_t starts[] = { 0, 1, 32767, 65533, 65535, 65536, 70000 };

    (void)state;
    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        struct queue q;

        queue_open_with(&q, 8, F(EVENT_IDX));
        for (uint32_t i = 0; i < starts[s]; i++)
            round_trip(&q);
        for (uint32_t old = starts[s], n = 0; n <= 8; old += n, n++) {
            for (int event = -12; event < 12; event++) {
                const bool within = event >= 0 && (uint32_t)event < n;
                struct queue copy = q; /* the same moment again; nothing in the heap changes by asking */

                for (uint32_t i = 0; i < n && event == -12; i++)
                    round_trip(&q);
                copy.driver.split.published = copy.device.split.used_seen = (uint16_t)(old + n);
                copy.driver.split.unasked = copy.device.split.unasked = n;
                poke16(&q, vblk_split_avail_event_at(&q.at), (unsigned)((int)old + event));
                poke16(&q, vblk_split_used_event_at(&q.at), (unsigned)((int)old + event));
                assert_int_equal(kick_wanted(&copy), within);
                assert_int_equal(notify_wanted(&copy), within);
            }
            kick_wanted(&q);
            notify_wanted(&q);
        }
        queue_close(&q);
    }
}

static void split_event_index__after_65536_entries_any_is_among_them(void **state)
{
    struct queue q;

    (void)state;
    queue_open_with(&q, 4, F(EVENT_IDX));
    for (uint32_t i = 0; i < 65536 + 3; i++)
        round_trip(&q);
    poke16(&q, vblk_split_avail_event_at(&q.at), 7);
    poke16(&q, vblk_split_used_event_at(&q.at), 3);
    assert_true(kick_wanted(&q));
    assert_true(notify_wanted(&q));
    queue_close(&q);
}

/* A place and a wrap counter, stepped forward one by one. */
static void packed_event__is_compared_with_its_wrap_counter(void **state)
{
    (void)state;
    for (uint32_t size = 1; size < 9; size++) {
        for (uint32_t end = 0; end < 2 * size; end++) {
            const struct vblk_packed_pos pos = { (uint16_t)(end % size), end < size };

            for (uint32_t count = 0; count <= 2 * size; count++) {
                uint32_t hits = 0;

                for (uint32_t event = 0; event < 2 * size; event++) {
                    const unsigned wire = event % size | (event < size ? VBLK_RING_EVENT_WRAP : 0);
                    bool within = false;

                    for (uint32_t i = 1; i <= count; i++)
                        within |= (end + 2 * size - i) % (2 * size) == event;
                    assert_int_equal(vblk_packed_crossed(size, pos, count, (uint16_t)wire), within);
                    hits += within;
                }
                assert_int_equal(hits, count);
                assert_false(vblk_packed_crossed(size, pos, count, (uint16_t)size)); /* no such place */
                assert_false(vblk_packed_crossed(size, pos, count, 0xffff));
            }
        }
    }
}

/* A chain makes all of its descriptors available, and its answer uses them all. */
static void packed_event__inside_a_chain_counts(void **state)
{
    (void)state;
    for (unsigned place = 0; place < 5; place++) {
        struct queue q;

        queue_open_with(&q, 5, F(RING_PACKED) | F(EVENT_IDX));
        poke16(&q, q.at.device, place | VBLK_RING_EVENT_WRAP);
        poke16(&q, q.at.device + 2, VBLK_RING_EVENT_DESC);
        poke16(&q, q.at.driver, place | VBLK_RING_EVENT_WRAP);
        poke16(&q, q.at.driver + 2, VBLK_RING_EVENT_DESC | 0xfffc); /* reserved bits mean nothing */
        offer(&q, 3);
        assert_int_equal(kick_wanted(&q), place < 3);
        answer(&q, taken(&q));
        assert_int_equal(notify_wanted(&q), place < 3);
        queue_close(&q);
    }
}

static void packed_event__without_meaning_suppresses_nothing(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 4; flags++) {
        struct queue q;

        queue_open_with(&q, 5, F(RING_PACKED));
        poke16(&q, q.at.device, 4);
        poke16(&q, q.at.driver, 4);
        poke16(&q, q.at.device + 2, flags);
        poke16(&q, q.at.driver + 2, flags);
        offer(&q, 1);
        assert_int_equal(kick_wanted(&q), flags != VBLK_RING_EVENT_DISABLE);
        answer(&q, taken(&q));
        assert_int_equal(notify_wanted(&q), flags != VBLK_RING_EVENT_DISABLE);
        queue_close(&q);
    }
}

/* Before anybody asked: ENABLE, with EVENT_IDX as well. */
static void packed_ring_that_nobody_asked__wants_all(void **state)
{
    struct queue q;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED) | F(EVENT_IDX));
    for (int i = 0; i < 20; i++) {
        round_trip(&q);
        assert_true(kick_wanted(&q));
        assert_true(notify_wanted(&q));
    }
    queue_close(&q);
}

/* An answer that was written and not shown yet is not a reason to notify. */
/*
 * However many descriptors were made available (answered) since it was last decided, up to two laps less one: a place
 * among them that the other side names was passed, the one before them was not.
 */
static void packed_wish_of_long_ago__counts_as_long_as_nobody_decided(void **state)
{
    enum { SIZE = 4 };

    (void)state;
    for (uint32_t n = 1; n < 2 * SIZE; n++)
        for (uint32_t back = 1; back < 2 * SIZE; back++)
            for (unsigned one_step = 0; one_step < 2; one_step++) {
                struct queue q;
                uint32_t place;
                unsigned wire;

                queue_open_with(&q, SIZE, F(RING_PACKED) | F(EVENT_IDX));
                for (uint32_t i = 0; i < 2 * SIZE + n; i++) {
                    if (i == 2 * SIZE) { /* both decide: what was before does not count */
                        (void)kick_wanted(&q);
                        (void)notify_wanted(&q);
                    }
                    offer(&q, 1);
                    if (one_step)
                        OK(q.ops->answer(&q.device, taken(&q), 0, false));
                    else
                        answer(&q, taken(&q));
                    assert_true(reaped(&q));
                }
                place = (2 * SIZE + n - back) % (2 * SIZE); /* the wrap counter is 1 in the first lap */
                wire = place % SIZE | (place < SIZE ? 1u << 15 : 0);
                poke16(&q, q.at.device, wire);
                poke16(&q, q.at.device + 2, VBLK_RING_EVENT_DESC);
                poke16(&q, q.at.driver, wire);
                poke16(&q, q.at.driver + 2, VBLK_RING_EVENT_DESC);
                assert_int_equal(kick_wanted(&q), back <= n);
                assert_int_equal(notify_wanted(&q), back <= n);
                queue_close(&q);
            }
}

static void packed_answer_that_is_hidden__does_not_count(void **state)
{
    struct queue q;
    uint16_t id;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED) | F(EVENT_IDX));
    OK(q.ops->interrupt_after(&q.driver, 1));
    offer(&q, 1);
    offer(&q, 1);
    answer(&q, taken(&q));
    id = taken(&q);
    OK(q.ops->put_used(&q.device, id, 0));
    assert_false(notify_wanted(&q));
    OK(q.ops->publish_used(&q.device));
    assert_true(notify_wanted(&q));
    queue_close(&q);
}

static void memory_that_went_away__is_an_error(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        bool wanted;
        struct queue q;

        queue_open_with(&q, 4, flavours[f]);
        OK(vblk_memory_remove(q.mem, 0x10000));
        assert_int_equal(q.ops->kick_wanted(&q.driver, &wanted), VBLK_E_RANGE);
        assert_int_equal(q.ops->notify_wanted(&q.device, &wanted), VBLK_E_RANGE);
        assert_int_equal(q.ops->set_interrupts(&q.driver, true), VBLK_E_RANGE);
        assert_int_equal(q.ops->set_notify(&q.device, true), VBLK_E_RANGE);
        assert_int_equal(q.ops->set_interrupts(&q.driver, false), VBLK_E_RANGE);
        assert_int_equal(q.ops->set_notify(&q.device, false), VBLK_E_RANGE);
        queue_close(&q);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_event_idx__all_or_nothing),
        cmocka_unit_test(with_event_idx__one_for_the_next_one),
        cmocka_unit_test(with_event_idx__none_when_not_wanted),
        cmocka_unit_test(with_event_idx__one_after_so_many),
        cmocka_unit_test(split_event_index__is_compared_modulo_65536),
        cmocka_unit_test(split_event_index__after_65536_entries_any_is_among_them),
        cmocka_unit_test(packed_event__is_compared_with_its_wrap_counter),
        cmocka_unit_test(packed_event__inside_a_chain_counts),
        cmocka_unit_test(packed_event__without_meaning_suppresses_nothing),
        cmocka_unit_test(packed_ring_that_nobody_asked__wants_all),
        cmocka_unit_test(packed_wish_of_long_ago__counts_as_long_as_nobody_decided),
        cmocka_unit_test(packed_answer_that_is_hidden__does_not_count),
        cmocka_unit_test(memory_that_went_away__is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
