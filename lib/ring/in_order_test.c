/* SPDX-License-Identifier: BSD-3-Clause */
/* VIRTIO_F_IN_ORDER (2.7.9, 2.8.8): batches, and peers that don't keep to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static const uint32_t sizes[] = { 1, 2, 3, 5, 7, 8, 256, 32768 };

static struct vblk_chain take(struct queue *q, uint16_t id, uint32_t n)
{
    struct vblk_chain chain;

    if (q->ops->take(&q->device, &chain) != VBLK_OK || chain.fault != VBLK_CHAIN_OK || chain.n != n || chain.id != id)
        fail_msg("%s, size %u: fault %u, n %u, id %u", q->ops->name, q->at.size, chain.fault, chain.n, chain.id);
    return chain;
}

static void reap(struct queue *q, uint16_t id, uint32_t len, bool passed)
{
    struct vblk_used used;

    if (q->ops->reap(&q->driver, &used) != VBLK_OK || used.fault != VBLK_USED_OK || used.id != id || used.len != len ||
        used.passed != passed)
        fail_msg("%s, size %u: fault %u, id %u, len %u", q->ops->name, q->at.size, used.fault, used.id, used.len);
}

static void nothing_left(struct queue *q)
{
    struct vblk_chain chain;
    struct vblk_used used;

    assert_int_equal(q->ops->take(&q->device, &chain), VBLK_E_EMPTY);
    assert_int_equal(q->ops->reap(&q->driver, &used), VBLK_E_EMPTY);
}

/* 2.7.9, 2.8.8: answers for the last of every few buffers. */
static void batches(struct queue *q)
{
    const uint32_t most = q->at.size < 40 ? q->at.size : 40;
    uint16_t ids[40];

    for (uint32_t round = 0; round < 2000; round++) {
        const uint32_t count = 1 + round % most, first = round * 11 % count;

        for (uint32_t i = 0; i < count; i++)
            ids[i] = offer(q, 1);
        for (uint32_t i = 0; i < count; i++)
            take(q, ids[i], 1);
        OK(q->ops->put_used(&q->device, ids[first], 7));
        if (first + 1 < count)
            OK(q->ops->put_used(&q->device, ids[count - 1], 8));
        OK(q->ops->publish_used(&q->device));
        for (uint32_t i = 0; i < count; i++)
            reap(q, ids[i], i == first ? 7 : i == count - 1 ? 8 : 16, i != first && i != count - 1);
    }
    nothing_left(q);
}

static void batch_in_order__is_one_answer(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            struct queue q;

            if (!packed && (sizes[s] & (sizes[s] - 1)) != 0)
                continue;
            queue_open_with(&q, sizes[s], F(IN_ORDER) | (packed ? F(RING_PACKED) : 0));
            batches(&q);
            queue_close(&q);
        }
    }
}

static void in_order__lengths_in_turn_over_a_ring_that_is_never_empty(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        struct queue q;
        uint16_t ids[3];

        queue_open_with(&q, 8, F(IN_ORDER) | (packed ? F(RING_PACKED) : 0));
        ids[0] = offer(&q, 1);
        ids[1] = offer(&q, 2);
        for (uint32_t round = 0; round < 70000; round++) {
            ids[2] = offer(&q, 1 + (round + 2) % 3);
            take(&q, ids[0], 1 + round % 3);
            OK(q.ops->put_used(&q.device, ids[0], 0));
            OK(q.ops->publish_used(&q.device));
            reap(&q, ids[0], 0, false);
            ids[0] = ids[1];
            ids[1] = ids[2];
        }
        queue_close(&q);
    }
}

/* 2.7.5: descriptors in ring order, next always the one that follows. */
static void split_descriptors__are_taken_in_ring_order(void **state)
{
    struct queue q;

    (void)state;
    queue_open_with(&q, 4, F(IN_ORDER));
    for (uint32_t round = 0; round < 9; round++) {
        const uint16_t id = offer(&q, 3);

        assert_int_equal(id, round * 3 % 4);
        assert_int_equal(peek16(&q, vblk_split_desc_at(&q.at, id) + 14), (id + 1) % 4);
        assert_int_equal(peek16(&q, vblk_split_desc_at(&q.at, (id + 1u) % 4) + 14), (id + 2) % 4);
        take(&q, id, 3);
        OK(q.ops->put_used(&q.device, id, 0));
        OK(q.ops->publish_used(&q.device));
        reap(&q, id, 0, false);
    }
    queue_close(&q);
}

static void split_answer(struct queue *q, unsigned position, uint32_t id, unsigned idx)
{
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(0) };

    OK(vblk_memory_poke(q->mem, vblk_split_used_ring_at(&q->at, position), &elem, sizeof(elem)));
    poke16(q, vblk_split_used_idx_at(&q->at), idx);
}

static void split_batch_longer_than_idx_moved__is_reported_and_takes_nothing_back(void **state)
{
    struct vblk_used used;
    struct queue q;
    uint16_t a, b, c;

    (void)state;
    queue_open_with(&q, 8, F(IN_ORDER));
    a = offer(&q, 1);
    b = offer(&q, 1);
    c = offer(&q, 1);
    split_answer(&q, 0, c, 2);
    OK(q.ops->reap(&q.driver, &used));
    assert_int_equal(used.fault, VBLK_USED_ORDER);
    assert_int_equal(q.driver.split.free, 5);
    split_answer(&q, 1, a, 2);
    reap(&q, a, 0, false);
    split_answer(&q, 2, c, 4);
    reap(&q, b, 16, true);
    reap(&q, c, 0, false);
    queue_close(&q);
}

static void split_answers_to_nothing__stand_for_themselves(void **state)
{
    struct queue q;
    uint16_t ids[4];

    (void)state;
    queue_open_with(&q, 4, F(IN_ORDER));
    for (int i = 0; i < 4; i++)
        ids[i] = offer(&q, 1);
    for (int i = 0; i < 3; i++)
        take(&q, ids[i], 1);
    OK(q.ops->put_used(&q.device, ids[3], 0)); /* not taken */
    OK(q.ops->put_used(&q.device, 77, 0));
    assert_int_equal(q.ops->put_used(&q.device, ids[2], 0), VBLK_E_FULL); /* three more */
    OK(q.ops->put_used(&q.device, ids[1], 0));
    assert_int_equal(q.ops->put_used(&q.device, ids[2], 0), VBLK_E_FULL);
    OK(q.ops->publish_used(&q.device));
    assert_int_equal(peek16(&q, vblk_split_used_idx_at(&q.at)), 4);
    OK(q.ops->put_used(&q.device, ids[2], 0));
    OK(q.ops->put_used(&q.device, ids[2], 0)); /* twice */
    OK(q.ops->publish_used(&q.device));
    assert_int_equal(peek16(&q, vblk_split_used_idx_at(&q.at)), 6);
    queue_close(&q);
}

/* A driver that makes more available than it has, and never waits. */
static void split_driver_without_measure__is_survived(void **state)
{
    struct vblk_chain chain;
    struct queue q;
    uint16_t idx;

    (void)state;
    queue_open_with(&q, 4, F(IN_ORDER));
    for (unsigned i = 0; i < 10; i++) {
        poke16(&q, vblk_split_avail_ring_at(&q.at, i), i % 3);
        poke16(&q, vblk_split_avail_idx_at(&q.at), i + 1);
        OK(q.ops->take(&q.device, &chain));
    }
    OK(q.ops->put_used(&q.device, 0, 0)); /* heads 0 1 2 0 are the last ones */
    OK(q.ops->publish_used(&q.device));
    idx = peek16(&q, vblk_split_used_idx_at(&q.at));
    assert_int_equal(idx, 1);
    OK(q.ops->put_used(&q.device, 2, 0));
    OK(q.ops->publish_used(&q.device));
    idx = peek16(&q, vblk_split_used_idx_at(&q.at));
    assert_int_equal(idx, 3);
    queue_close(&q);
}

/* Each word of the used ring at random: nothing but a verdict may come of it. */
static void split_noise__never_harms_the_free_list(void **state)
{
    uint32_t random = 1, counts[VBLK_USED_FAULTS] = { 0 };

    (void)state;
    for (unsigned game = 0; game < 2000; game++) {
        struct vblk_used used;
        struct queue q;
        uint32_t in_flight = 0;

        queue_open_with(&q, 8, F(IN_ORDER));
        for (unsigned round = 0; round < 40; round++) {
            random = random * 1664525 + 1013904223;
            if (q.driver.split.free > 0) {
                offer(&q, 1);
                in_flight++;
            }
            split_answer(&q, round, random >> 28, round + 1 + (random >> 24 & 1));
            while (q.ops->reap(&q.driver, &used) == VBLK_OK) {
                counts[used.fault]++;
                in_flight -= used.fault == VBLK_USED_OK || used.fault == VBLK_USED_LEN;
            }
            assert_int_equal(q.driver.split.free, 8 - in_flight);
        }
        queue_close(&q);
    }
    for (unsigned i = 0; i < VBLK_USED_FAULTS; i++)
        assert_true(counts[i] > 0 || i == VBLK_USED_LEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_in_order__is_one_answer),
        cmocka_unit_test(in_order__lengths_in_turn_over_a_ring_that_is_never_empty),
        cmocka_unit_test(split_descriptors__are_taken_in_ring_order),
        cmocka_unit_test(split_batch_longer_than_idx_moved__is_reported_and_takes_nothing_back),
        cmocka_unit_test(split_answers_to_nothing__stand_for_themselves),
        cmocka_unit_test(split_driver_without_measure__is_survived),
        cmocka_unit_test(split_noise__never_harms_the_free_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
