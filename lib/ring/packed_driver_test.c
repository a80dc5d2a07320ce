/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a packed ring against a device that lies, and what it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OPS (&vblk_ring_packed)
#include "queue_fixture.h"

static int set_up(void **state)
{
    struct queue *q = malloc(sizeof(*q));

    queue_open_with(q, 5, F(RING_PACKED));
    *state = q;
    return 0;
}

static int tear_down(void **state)
{
    queue_close(*state);
    free(*state);
    return 0;
}

/* Put an answer into a slot, without a word on whether it is one. */
static void answer(struct queue *q, uint32_t slot, unsigned flags, uint32_t id, uint32_t len)
{
    poke_packed(q, slot, 0xdead, len, id, flags);
}

static struct vblk_used reaped(struct queue *q, uint32_t id, uint32_t len, enum vblk_used_fault fault)
{
    struct vblk_used used;

    OK(OPS->reap(&q->driver, &used));
    assert_int_equal(used.id, id);
    assert_int_equal(used.len, len);
    assert_int_equal(used.fault, fault);
    return used;
}

static void empty(struct queue *q)
{
    struct vblk_used used;

    assert_int_equal(OPS->reap(&q->driver, &used), VBLK_E_EMPTY);
}

/* Whatever the device did: every descriptor that is free can be used, once, and every id is another one. */
static void free_list_is_sound(struct queue *q, uint32_t free_descriptors)
{
    const struct vblk_element buf = { DATA, 1, false };
    bool seen[8] = { false };
    uint16_t id;

    assert_int_equal(q->driver.packed.free, free_descriptors);
    for (uint32_t i = 0; i < free_descriptors; i++) {
        OK(OPS->add(&q->driver, &buf, 1, &id));
        assert_true(id < q->at.size);
        assert_false(seen[id]);
        seen[id] = true;
    }
    assert_int_equal(OPS->add(&q->driver, &buf, 1, &id), VBLK_E_FULL);
}

static void buffers__are_written_as_the_text_says(void **state)
{
    struct queue *q = *state;
    const struct vblk_element bufs[] = { { 0x1122334455667788, 0xaabbccdd, false }, { DATA, 1, true } };
    uint8_t bytes[32];
    uint16_t id;

    OK(OPS->add(&q->driver, bufs, 2, &id));
    assert_int_equal(id, 0);
    OK(vblk_memory_peek(q->mem, q->at.desc, bytes, sizeof(bytes)));
    assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11\xdd\xcc\xbb\xaa\x00\x00\x00\x00", 16);
    assert_memory_equal(bytes + 16, "\x00\x00\x20\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x82\x00", 16);
    OK(OPS->publish(&q->driver, 1));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), 0x81);
}

/* 2.8.1: the counter flips in the middle of a chain, when the last descriptor of the ring was written. */
static void chain_over_the_end__has_both_wrap_counters(void **state)
{
    struct queue *q = *state;
    uint16_t first;

    first = offer(q, 4);
    answer(q, 0, MARK_USED(1), first, 0);
    reaped(q, first, 0, VBLK_USED_OK);
    offer(q, 3);
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 4)), VBLK_DESC_AVAIL | VBLK_DESC_NEXT);
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), VBLK_DESC_USED | VBLK_DESC_NEXT);
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 1)), VBLK_DESC_USED | VBLK_DESC_WRITE);
}

static void batch__shows_its_first_buffer_last(void **state)
{
    struct queue *q = *state;
    const struct vblk_element buf = { DATA, 1, false };
    struct vblk_chain chain;
    uint16_t id;

    for (int i = 0; i < 4; i++)
        OK(OPS->add(&q->driver, &buf, 1, &id));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, i)), 0);
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_EMPTY);
    OK(OPS->publish(&q->driver, 0));
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_EMPTY);
    OK(OPS->publish(&q->driver, 3));
    for (int i = 0; i < 3; i++)
        OK(OPS->take(&q->device, &chain));
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_EMPTY);
    assert_int_equal(OPS->publish(&q->driver, 2), VBLK_E_INVAL);
    OK(OPS->publish(&q->driver, 1));
    OK(OPS->take(&q->device, &chain));
}

static void impossible_buffer__is_refused(void **state)
{
    struct queue *q = *state;
    const struct vblk_element bufs[6] = { { DATA, 1, false } };
    uint16_t id = 77;

    assert_int_equal(OPS->add(&q->driver, bufs, 0, &id), VBLK_E_INVAL);
    assert_int_equal(OPS->add(&q->driver, bufs, 6, &id), VBLK_E_INVAL);
    OK(OPS->add(&q->driver, bufs, 5, &id));
    assert_int_equal(OPS->add(&q->driver, bufs, 1, &id), VBLK_E_FULL);
    assert_int_equal(OPS->publish(&q->driver, UINT32_MAX), VBLK_E_INVAL);
    OK(OPS->publish(&q->driver, 1));
}

static void clear__zeroes_the_areas_of_a_fresh_queue(void **state)
{
    struct queue *q = *state;
    uint8_t bytes[5 * 16], zero[5 * 16] = { 0 };

    poke_packed(q, 4, UINT64_MAX, 1, 0xff, 0xff);
    poke16(q, q->at.driver, 0xffff);
    poke16(q, q->at.device + 2, 0xffff);
    OK(OPS->clear(&q->driver));
    OK(vblk_memory_peek(q->mem, q->at.desc, bytes, sizeof(bytes)));
    assert_memory_equal(bytes, zero, sizeof(bytes));
    assert_int_equal(peek16(q, q->at.driver), 0);
    assert_int_equal(peek16(q, q->at.device + 2), 0);
    offer(q, 1);
    assert_int_equal(OPS->clear(&q->driver), VBLK_E_STATE);
}

static void flags_that_are_not_both_the_counter__are_no_answer(void **state)
{
    struct queue *q = *state;
    const uint16_t id = offer(q, 1);

    empty(q);
    answer(q, 0, MARK_USED(0), id, 0);
    empty(q);
    answer(q, 0, VBLK_DESC_USED, id, 0);
    empty(q);
    answer(q, 0, MARK_USED(1) | VBLK_DESC_NEXT | VBLK_DESC_INDIRECT | 0x7f78, id, 7); /* what is reserved is ignored */
    reaped(q, id, 0, VBLK_USED_OK);
}

static void length_without_write__means_nothing(void **state)
{
    struct queue *q = *state;
    uint16_t id = offer(q, 3); /* 16 bytes are writable */

    answer(q, 0, MARK_USED(1), id, 0xffffffff);
    reaped(q, id, 0, VBLK_USED_OK);
    id = offer(q, 2);
    answer(q, 3, MARK_USED(1) | VBLK_DESC_WRITE, id, 17);
    reaped(q, id, 17, VBLK_USED_LEN);
    id = offer(q, 2);
    answer(q, 0, MARK_USED(0) | VBLK_DESC_WRITE, id, 16);
    reaped(q, id, 16, VBLK_USED_OK);
    free_list_is_sound(q, 5);
}

/* Nothing says where the next answer will be: the ring is broken, and nothing came back. */
static void broken(struct queue *q, uint32_t id, enum vblk_used_fault fault, uint32_t free_descriptors)
{
    struct vblk_used used;

    reaped(q, id, 0, fault);
    assert_int_equal(OPS->reap(&q->driver, &used), VBLK_E_STATE);
    free_list_is_sound(q, free_descriptors);
}

static void id_outside_the_ring__breaks_it(void **state)
{
    struct queue *q = *state;

    offer(q, 3);
    answer(q, 0, MARK_USED(1), 5, 0);
    broken(q, 5, VBLK_USED_ID_RANGE, 2);
}

static void id_of_nothing_in_flight__breaks_it(void **state)
{
    struct queue *q = *state;

    offer(q, 3);
    answer(q, 0, MARK_USED(1), 1, 0);
    broken(q, 1, VBLK_USED_NOT_OUTSTANDING, 2);
}

static void id_that_is_not_published__breaks_it(void **state)
{
    struct queue *q = *state;
    const struct vblk_element buf = { DATA, 1, false };
    uint16_t id;

    offer(q, 1);
    OK(OPS->add(&q->driver, &buf, 1, &id));
    answer(q, 0, MARK_USED(1), id, 0);
    broken(q, id, VBLK_USED_NOT_OUTSTANDING, 3);
}

static void same_id_twice__breaks_it(void **state)
{
    struct queue *q = *state;
    const uint16_t id = offer(q, 1);

    offer(q, 1);
    answer(q, 0, MARK_USED(1), id, 0);
    reaped(q, id, 0, VBLK_USED_OK);
    answer(q, 1, MARK_USED(1), id, 0);
    broken(q, id, VBLK_USED_NOT_OUTSTANDING, 4);
}

static void writable_bytes_beyond_32_bits__are_counted(void **state)
{
    struct queue *q = *state;
    const struct vblk_element bufs[] = { { 0, UINT32_MAX, true }, { 0, 2, true } };
    uint16_t id;

    OK(OPS->add(&q->driver, bufs, 2, &id));
    OK(OPS->publish(&q->driver, 1));
    answer(q, 0, MARK_USED(1) | VBLK_DESC_WRITE, id, UINT32_MAX);
    reaped(q, id, UINT32_MAX, VBLK_USED_OK);
}

static void buffer_passed_over__was_used_completely(void **state)
{
    const struct vblk_element huge[] = { { 0, UINT32_MAX, true }, { 0, 2, true } };
    struct queue q;
    uint16_t a, b, c;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED) | F(IN_ORDER));
    OK(OPS->add(&q.driver, huge, 2, &a));
    OK(OPS->publish(&q.driver, 1));
    b = offer(&q, 1);
    c = offer(&q, 2);
    answer(&q, 0, MARK_USED(1) | VBLK_DESC_WRITE, c, 17);
    assert_true(reaped(&q, a, UINT32_MAX, VBLK_USED_OK).passed);
    assert_true(reaped(&q, b, 16, VBLK_USED_OK).passed);
    assert_false(reaped(&q, c, 17, VBLK_USED_LEN).passed);
    empty(&q);
    a = offer(&q, 1); /* at 0, in the second round */
    answer(&q, 0, MARK_USED(0), a, 0);
    assert_false(reaped(&q, a, 0, VBLK_USED_OK).passed);
    queue_close(&q);
}

static void answer_in_order__can_not_name_what_is_back(void **state)
{
    struct queue q;
    uint16_t a, b;

    (void)state;
    queue_open_with(&q, 5, F(RING_PACKED) | F(IN_ORDER));
    a = offer(&q, 1);
    b = offer(&q, 1);
    answer(&q, 0, MARK_USED(1), b, 9);
    answer(&q, 2, MARK_USED(1), a, 0);
    reaped(&q, a, 16, VBLK_USED_OK);
    reaped(&q, b, 0, VBLK_USED_OK);
    broken(&q, a, VBLK_USED_NOT_OUTSTANDING, 5);
    queue_close(&q);
}

/* Each answer at random: nothing but a verdict may come of it. */
static void noise__never_harms_the_free_list(void **state)
{
    uint32_t random = 1, good = 0, bad = 0;

    (void)state;
    for (unsigned game = 0; game < 3000; game++) {
        struct vblk_used used;
        struct queue q;

        queue_open_with(&q, 5, F(RING_PACKED) | (game & 1 ? F(IN_ORDER) : 0));
        for (unsigned round = 0; round < 40 && !q.driver.broken; round++) {
            random = random * 1664525 + 1013904223;
            if (q.driver.packed.free > 0 && random >> 31)
                offer(&q, 1 + random / 65536 % (q.driver.packed.free < 3 ? q.driver.packed.free : 3));
            answer(&q, random >> 8 & 3, random >> 11 & 0xffff, random >> 24 & (round < 20 ? 3 : 7), random >> 27);
            while (OPS->reap(&q.driver, &used) == VBLK_OK) {
                good += used.fault == VBLK_USED_OK || used.fault == VBLK_USED_LEN;
                bad += used.fault == VBLK_USED_ID_RANGE || used.fault == VBLK_USED_NOT_OUTSTANDING;
            }
        }
        free_list_is_sound(&q, q.driver.packed.free);
        queue_close(&q);
    }
    assert_true(good > 1000);
    assert_true(bad > 1000);
}

static void memory_that_went_away__is_an_error(void **state)
{
    struct queue *q = *state;
    const struct vblk_element buf = { DATA, 1, false };
    struct vblk_used used;
    uint16_t id;
    bool wanted;

    OK(OPS->add(&q->driver, &buf, 1, &id));
    OK(vblk_memory_remove(q->mem, 0x10000));
    assert_int_equal(OPS->add(&q->driver, &buf, 1, &id), VBLK_E_RANGE);
    assert_int_equal(OPS->publish(&q->driver, 1), VBLK_E_RANGE);
    assert_int_equal(OPS->kick_wanted(&q->driver, &wanted), VBLK_E_RANGE);
    assert_int_equal(OPS->set_interrupts(&q->driver, true), VBLK_E_RANGE);
    assert_int_equal(OPS->reap(&q->driver, &used), VBLK_E_RANGE);
    assert_int_equal(q->driver.packed.free, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(buffers__are_written_as_the_text_says),
        TEST(chain_over_the_end__has_both_wrap_counters),
        TEST(batch__shows_its_first_buffer_last),
        TEST(impossible_buffer__is_refused),
        TEST(clear__zeroes_the_areas_of_a_fresh_queue),
        TEST(flags_that_are_not_both_the_counter__are_no_answer),
        TEST(length_without_write__means_nothing),
        TEST(id_outside_the_ring__breaks_it),
        TEST(id_of_nothing_in_flight__breaks_it),
        TEST(id_that_is_not_published__breaks_it),
        TEST(same_id_twice__breaks_it),
        TEST(writable_bytes_beyond_32_bits__are_counted),
        cmocka_unit_test(buffer_passed_over__was_used_completely),
        cmocka_unit_test(answer_in_order__can_not_name_what_is_back),
        cmocka_unit_test(noise__never_harms_the_free_list),
        TEST(memory_that_went_away__is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
