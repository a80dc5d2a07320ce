/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a split ring against a device that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static int set_up(void **state)
{
    struct queue *q = malloc(sizeof(*q));

    queue_open(q, 8);
    *state = q;
    return 0;
}

static int tear_down(void **state)
{
    queue_close(*state);
    free(*state);
    return 0;
}

/* Put an answer at a position of the used ring, without a word on whether it is one. */
static void answer(struct queue *q, unsigned position, uint32_t id, uint32_t len)
{
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };

    OK(vblk_memory_poke(q->mem, vblk_split_used_ring_at(&q->at, position), &elem, sizeof(elem)));
    poke16(q, vblk_split_used_idx_at(&q->at), position + 1);
}

static void reaped(struct queue *q, uint32_t id, uint32_t len, enum vblk_used_fault fault)
{
    struct vblk_used used;

    OK(OPS->reap(&q->driver, &used));
    assert_int_equal(used.id, id);
    assert_int_equal(used.len, len);
    assert_int_equal(used.fault, fault);
}

/* Whatever the device did: every descriptor that is free can be used, once. */
static void free_list_is_sound(struct queue *q, uint32_t free_descriptors)
{
    const struct vblk_element buf = { DATA, 1, false };
    bool seen[8] = { false };
    uint16_t id;

    assert_int_equal(q->driver.split.free, free_descriptors);
    for (uint32_t i = 0; i < free_descriptors; i++) {
        OK(OPS->add(&q->driver, &buf, 1, &id));
        assert_true(id < 8);
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
    assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11\xdd\xcc\xbb\xaa\x01\x00\x01\x00", 16);
    assert_memory_equal(bytes + 16, "\x00\x00\x20\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00", 16);
    assert_int_equal(peek16(q, vblk_split_avail_idx_at(&q->at)), 0);
    OK(OPS->publish(&q->driver, 1));
    assert_int_equal(peek16(q, vblk_split_avail_idx_at(&q->at)), 1);
}

static void impossible_buffer__is_refused(void **state)
{
    struct queue *q = *state;
    const struct vblk_element bufs[9] = { { DATA, 1, false } };
    uint16_t id = 77;

    assert_int_equal(OPS->add(&q->driver, bufs, 0, &id), VBLK_E_INVAL);
    assert_int_equal(OPS->add(&q->driver, bufs, 9, &id), VBLK_E_INVAL);
    OK(OPS->add(&q->driver, bufs, 8, &id));
    assert_int_equal(OPS->add(&q->driver, bufs, 1, &id), VBLK_E_FULL);
    assert_int_equal(OPS->publish(&q->driver, 2), VBLK_E_INVAL);
    OK(OPS->publish(&q->driver, 1));
    assert_int_equal(OPS->publish(&q->driver, 1), VBLK_E_INVAL);
    assert_int_equal(OPS->publish(&q->driver, UINT32_MAX), VBLK_E_INVAL);
}

static void clear__zeroes_the_areas_of_a_fresh_queue(void **state)
{
    struct queue *q = *state;
    uint8_t bytes[8 * 16], zero[8 * 16] = { 0 };

    poke_desc(q, 7, UINT64_MAX, 1, 0xff, 0xff);
    poke16(q, vblk_split_avail_ring_at(&q->at, 7), 0xffff);
    answer(q, 7, 1, 1);
    OK(OPS->clear(&q->driver));
    OK(vblk_memory_peek(q->mem, q->at.desc, bytes, 8 * 16));
    assert_memory_equal(bytes, zero, 8 * 16);
    OK(vblk_memory_peek(q->mem, q->at.driver, bytes, 4 + 8 * 2));
    assert_memory_equal(bytes, zero, 4 + 8 * 2);
    OK(vblk_memory_peek(q->mem, q->at.device, bytes, 4 + 8 * 8));
    assert_memory_equal(bytes, zero, 4 + 8 * 8);
    offer(q, 1);
    assert_int_equal(OPS->clear(&q->driver), VBLK_E_STATE);
}

static void id_outside_the_table__is_reported_and_changes_nothing(void **state)
{
    struct queue *q = *state;

    offer(q, 3);
    offer(q, 1);
    answer(q, 0, 8, 0);
    reaped(q, 8, 0, VBLK_USED_ID_RANGE);
    answer(q, 1, UINT32_MAX, UINT32_MAX);
    reaped(q, UINT32_MAX, UINT32_MAX, VBLK_USED_ID_RANGE);
    answer(q, 2, 0x10000, 0); /* the low half is an id */
    reaped(q, 0x10000, 0, VBLK_USED_ID_RANGE);
    free_list_is_sound(q, 4);
}

static void id_of_nothing_in_flight__is_reported_and_changes_nothing(void **state)
{
    struct queue *q = *state;
    const struct vblk_element buf = { DATA, 1, false };
    uint16_t id;

    offer(q, 3); /* descriptors 0, 1, 2 */
    offer(q, 1); /* 3 */
    OK(OPS->add(&q->driver, &buf, 1, &id)); /* 4: not available yet */
    answer(q, 0, 1, 0); /* not a head */
    reaped(q, 1, 0, VBLK_USED_NOT_OUTSTANDING);
    answer(q, 1, 5, 0); /* free */
    reaped(q, 5, 0, VBLK_USED_NOT_OUTSTANDING);
    answer(q, 2, id, 0);
    reaped(q, id, 0, VBLK_USED_NOT_OUTSTANDING);
    answer(q, 3, 3, 0);
    reaped(q, 3, 0, VBLK_USED_OK);
    answer(q, 4, 3, 0); /* twice */
    reaped(q, 3, 0, VBLK_USED_NOT_OUTSTANDING);
    free_list_is_sound(q, 4);
}

static void length_beyond_the_buffer__is_reported_and_gives_it_back(void **state)
{
    struct queue *q = *state;

    offer(q, 3); /* 16 bytes are writable */
    offer(q, 3);
    answer(q, 0, 0, 17);
    reaped(q, 0, 17, VBLK_USED_LEN);
    answer(q, 1, 3, 16);
    reaped(q, 3, 16, VBLK_USED_OK);
    free_list_is_sound(q, 8);
}

static void writable_bytes_beyond_32_bits__are_counted(void **state)
{
    struct queue *q = *state;
    const struct vblk_element bufs[] = { { 0, UINT32_MAX, true }, { 0, 2, true } };
    uint16_t id;

    OK(OPS->add(&q->driver, bufs, 2, &id));
    OK(OPS->publish(&q->driver, 1));
    answer(q, 0, id, UINT32_MAX);
    reaped(q, id, UINT32_MAX, VBLK_USED_OK);
}

static void idx_that_jumps__breaks_the_ring_at_once(void **state)
{
    static const uint16_t jumps[] = { 3, 4, 9, 0x8000, 0xffff };

    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        struct vblk_used used;
        struct queue q;

        queue_open(&q, 8);
        offer(&q, 1);
        offer(&q, 1);
        poke16(&q, vblk_split_used_idx_at(&q.at), jumps[i]);
        reaped(&q, 0, 0, VBLK_USED_JUMP);
        assert_int_equal(OPS->reap(&q.driver, &used), VBLK_E_STATE);
        free_list_is_sound(&q, 6);
        queue_close(&q);
    }
}

static void answer_to_nothing__is_a_jump(void **state)
{
    struct queue *q = *state;
    const struct vblk_element buf = { DATA, 1, false };
    uint16_t id;

    OK(OPS->add(&q->driver, &buf, 1, &id)); /* not available yet */
    answer(q, 0, 0, 0);
    reaped(q, 0, 0, VBLK_USED_JUMP);
}

static void device_that_never_stops__is_answered_one_by_one(void **state)
{
    struct queue *q = *state;
    struct vblk_used used;
    unsigned answers = 0;

    for (unsigned i = 0; i < 8; i++)
        offer(q, 1);
    for (unsigned i = 0; i < 8; i++)
        answer(q, i, 100, 0);
    while (OPS->reap(&q->driver, &used) == VBLK_OK)
        answers++;
    assert_int_equal(answers, 8);
    free_list_is_sound(q, 0);
}

/* Each word of the used ring at random: nothing but a verdict may come of it. */
static void noise__never_harms_the_free_list(void **state)
{
    struct queue *q = *state;
    uint32_t random = 1, good = 0;
    struct vblk_used used;

    for (unsigned round = 0; round < 20000; round++) {
        random = random * 1664525 + 1013904223;
        if (q->driver.split.free > 0)
            offer(q, 1 + random / 65536 % (q->driver.split.free < 3 ? q->driver.split.free : 3));
        answer(q, round, random >> 28, random >> 24 & 31);
        OK(OPS->reap(&q->driver, &used));
        good += used.fault == VBLK_USED_OK || used.fault == VBLK_USED_LEN;
    }
    assert_true(good > 1000);
    free_list_is_sound(q, q->driver.split.free);
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
    assert_int_equal(q->driver.split.free, 7);
}

static void fault_names__are_all_there(void **state)
{
    (void)state;
    for (int i = 0; i < VBLK_USED_FAULTS; i++)
        assert_string_not_equal(vblk_used_fault_name((enum vblk_used_fault)i), "unknown");
    for (int i = 0; i < VBLK_CHAIN_FAULTS; i++)
        assert_string_not_equal(vblk_chain_fault_name((enum vblk_chain_fault)i), "unknown");
    assert_string_equal(vblk_used_fault_name(VBLK_USED_FAULTS), "unknown");
    assert_string_equal(vblk_chain_fault_name(VBLK_CHAIN_FAULTS), "unknown");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(buffers__are_written_as_the_text_says),
        TEST(impossible_buffer__is_refused),
        TEST(clear__zeroes_the_areas_of_a_fresh_queue),
        TEST(id_outside_the_table__is_reported_and_changes_nothing),
        TEST(id_of_nothing_in_flight__is_reported_and_changes_nothing),
        TEST(length_beyond_the_buffer__is_reported_and_gives_it_back),
        TEST(writable_bytes_beyond_32_bits__are_counted),
        cmocka_unit_test(idx_that_jumps__breaks_the_ring_at_once),
        TEST(answer_to_nothing__is_a_jump),
        TEST(device_that_never_stops__is_answered_one_by_one),
        TEST(noise__never_harms_the_free_list),
        TEST(memory_that_went_away__is_an_error),
        cmocka_unit_test(fault_names__are_all_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
