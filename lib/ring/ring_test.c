/* SPDX-License-Identifier: BSD-3-Clause */
/* Both sides against each other, the same for each format and what was negotiated with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static const uint32_t sizes[] = { 1, 2, 3, 5, 7, 8, 256, 32768 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const uint64_t flavours[] = {
    0,
    F(EVENT_IDX) | F(INDIRECT_DESC),
    F(IN_ORDER),
    F(RING_PACKED),
    F(RING_PACKED) | F(EVENT_IDX) | F(INDIRECT_DESC),
    F(RING_PACKED) | F(IN_ORDER),
};
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))

static bool fits(uint64_t features, uint32_t size)
{
    return features & F(RING_PACKED) || (size & (size - 1)) == 0;
}

typedef void game_fn(struct queue *q);

/* Play on a fresh queue of each size and flavour. */
static void everywhere(game_fn *game, uint64_t with, uint64_t without)
{
    for (size_t f = 0; f < FLAVOURS; f++) {
        for (size_t s = 0; s < SIZES; s++) {
            struct queue q;

            if (!fits(flavours[f], sizes[s]) || (flavours[f] & with) != with || flavours[f] & without)
                continue;
            queue_open_with(&q, sizes[s], flavours[f]);
            game(&q);
            queue_close(&q);
        }
    }
}

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
    if (q->at.features & F(RING_PACKED))
        assert_int_equal(used.no_len, !passed && len == 0);
}

static void nothing_left(struct queue *q)
{
    struct vblk_chain chain;
    struct vblk_used used;

    assert_int_equal(q->ops->take(&q->device, &chain), VBLK_E_EMPTY);
    assert_int_equal(q->ops->reap(&q->driver, &used), VBLK_E_EMPTY);
}

/* One buffer in flight, of every length up to four, until a split idx went round three times. */
static void lengths_in_turn(struct queue *q)
{
    const uint32_t longest = q->at.size < 4 ? q->at.size : 4;

    for (uint32_t round = 0; round < 3 * 65536 + 5; round++) {
        const uint32_t n = round % longest + 1;
        const uint16_t id = offer(q, n);

        take(q, id, n);
        OK(q->ops->put_used(&q->device, id, round & 15));
        OK(q->ops->publish_used(&q->device));
        reap(q, id, round & 15, false);
    }
    nothing_left(q);
}

static void each_size__works_across_every_wrap(void **state)
{
    (void)state;
    everywhere(lengths_in_turn, 0, 0);
}

/* Chains as long as the queue, which begin at every place of a small one. */
static void whole_ring(struct queue *q)
{
    const uint32_t size = q->at.size;

    for (uint32_t round = 0; round < 20; round++) {
        const uint16_t one = offer(q, 1);
        struct vblk_chain chain;
        uint16_t all;

        take(q, one, 1);
        OK(q->ops->put_used(&q->device, one, 0));
        OK(q->ops->publish_used(&q->device));
        reap(q, one, 0, false);
        all = offer(q, size);
        chain = take(q, all, size);
        assert_int_equal(chain.bufs[size - 1].gpa, DATA + 16 * (uint64_t)(size - 1));
        assert_int_equal(chain.readable, size - 1);
        OK(q->ops->put_used(&q->device, all, 16));
        assert_int_equal(q->ops->publish_used(&q->device), VBLK_OK);
        reap(q, all, 16, false);
    }
    nothing_left(q);
}

static void chain_as_long_as_the_ring__fills_it(void **state)
{
    (void)state;
    everywhere(whole_ring, 0, 0);
}

/* A step that has no divisor in common with any of the sizes. */
#define STEP 11u

static void other_order(struct queue *q)
{
    const struct vblk_element buf = { DATA, 64, true };
    const uint32_t size = q->at.size;
    uint16_t *ids = calloc(size, sizeof(*ids)), id;
    uint8_t *out = calloc(size, 1);

    for (uint32_t round = 0; round < 7; round++) {
        for (uint32_t i = 0; i < size; i++) {
            OK(q->ops->add(&q->driver, &buf, 1, &id));
            assert_int_equal(out[id], 0);
            out[id] = 1;
            ids[i] = id;
        }
        assert_int_equal(q->ops->add(&q->driver, &buf, 1, &id), VBLK_E_FULL);
        nothing_left(q);
        OK(q->ops->publish(&q->driver, size));
        for (uint32_t i = 0; i < size; i++)
            take(q, ids[i], 1);
        for (uint32_t i = 0; i < size; i++)
            OK(q->ops->put_used(&q->device, ids[(i * STEP + round) % size], i % 64));
        assert_int_equal(q->ops->put_used(&q->device, ids[0], 0), VBLK_E_FULL);
        nothing_left(q);
        OK(q->ops->publish_used(&q->device));
        for (uint32_t i = 0; i < size; i++) {
            reap(q, ids[(i * STEP + round) % size], i % 64, false);
            out[ids[(i * STEP + round) % size]] = 0;
        }
    }
    assert_null(memchr(out, 1, size));
    free(ids);
    free(out);
}

static void answers_out_of_order__come_back_under_their_ids(void **state)
{
    (void)state;
    everywhere(other_order, 0, F(IN_ORDER));
}

/* Random lengths, some buffers kept for long, answers in any order, everything in batches. */
struct flight {
    uint16_t id;
    uint32_t n;
};

static void crowd(struct queue *q)
{
    struct flight *offered = calloc(q->at.size, sizeof(*offered));
    uint32_t random = q->at.size, n = 0, seen = 0, done = 0;
    struct vblk_used used;

    while (done < 50000) {
        random = random * 1664525 + 1013904223;
        if (n < q->at.size && random >> 30 != 0) {
            struct vblk_element bufs[3] = { { DATA, 1, false }, { DATA, 1, false }, { DATA, 8, true } };
            const uint32_t len = 1 + random / 256 % 3;

            if (q->ops->add(&q->driver, bufs + 3 - len, len, &offered[n].id) == VBLK_OK) {
                offered[n++].n = len;
                OK(q->ops->publish(&q->driver, 1));
            }
        }
        for (; seen < n && random & 0x10000; seen++)
            take(q, offered[seen].id, offered[seen].n);
        for (uint32_t left = random >> 20 & 3; left != 0 && seen != 0; left--) {
            const uint32_t i = random / 16 % seen;

            OK(q->ops->put_used(&q->device, offered[i].id, 8));
            memmove(&offered[i], &offered[i + 1], (n - i - 1) * sizeof(*offered));
            n--;
            seen--;
        }
        OK(q->ops->publish_used(&q->device));
        while (q->ops->reap(&q->driver, &used) == VBLK_OK) {
            assert_int_equal(used.fault, VBLK_USED_OK);
            done++;
        }
    }
    free(offered);
}

static void any_order_and_length__loses_nothing(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        for (uint32_t size = 3; size < 10; size++) {
            struct queue q;

            if (!fits(flavours[f], size) || flavours[f] & F(IN_ORDER))
                continue;
            queue_open_with(&q, size, flavours[f]);
            crowd(&q);
            queue_close(&q);
        }
    }
}

static bool all_zero(struct queue *q)
{
    const uint64_t areas[] = { q->at.desc, q->at.driver, q->at.device };
    uint8_t byte;

    for (size_t i = 0; i < 3; i++)
        for (uint64_t at = 0; at < 256; at++) {
            OK(vblk_memory_peek(q->mem, areas[i] + at, &byte, 1));
            if (byte != 0)
                return false;
        }
    return true;
}

/* What one side alone stored is known to the memory: a reset of it leaves nothing. */
static void memory_reset__clears_what_either_side_stored(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        static uint8_t desc[256], avail[256];
        struct vblk_chain chain;
        struct queue q;

        queue_open_with(&q, 8, flavours[f]);
        for (unsigned round = 0; round < 2; round++) { /* also after a reset */
            vblk_ring_close(&q.driver);
            OK(vblk_ring_open(&q.driver, q.ops, q.mem, &q.at, VBLK_DRIVER));
            OK(q.ops->set_interrupts(&q.driver, false));
            offer(&q, 2);
            assert_false(all_zero(&q));
            OK(vblk_memory_peek(q.mem, q.at.desc, desc, sizeof(desc)));
            OK(vblk_memory_peek(q.mem, q.at.driver, avail, sizeof(avail)));
            vblk_memory_reset(q.mem);
            assert_true(all_zero(&q));
        }
        OK(vblk_memory_poke(q.mem, q.at.desc, desc, sizeof(desc)));
        OK(vblk_memory_poke(q.mem, q.at.driver, avail, sizeof(avail)));
        OK(q.ops->take(&q.device, &chain));
        OK(q.ops->put_used(&q.device, chain.id, 0));
        OK(q.ops->publish_used(&q.device));
        OK(q.ops->set_notify(&q.device, false));
        vblk_memory_reset(q.mem);
        assert_true(all_zero(&q));
        queue_close(&q);
    }
}

/* What was taken and not answered, as a device that goes on later is told of it. @return how many descriptors. */
static uint32_t kept_of(struct queue *q, const uint16_t *ids, uint32_t n, struct vblk_packed_desc *again)
{
    if (!(q->at.features & F(RING_PACKED))) {
        for (uint32_t i = 0; i < n; i++)
            again[i] = (struct vblk_packed_desc){ .id = vblk_put16(ids[i]) };
        return n;
    }
    OK(vblk_memory_peek(q->mem, vblk_packed_desc_at(&q->at, 1), again, 3 * sizeof(*again)));
    return 3;
}

/* A device that stopped and goes on: first the buffers that it had taken, each in one piece, then the next. */
static void device_goes_on__takes_again_what_it_owes(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        const bool packed = flavours[f] & F(RING_PACKED);
        struct vblk_resume from = { .avail = packed ? 4 | 1 << 15 : 3, .used = packed ? 1 | 1 << 15 : 1 };
        struct vblk_packed_desc again[3];
        struct vblk_chain chain;
        uint16_t ids[4];
        struct queue q;

        queue_open_with(&q, 8, flavours[f]);
        ids[0] = offer(&q, 1);
        OK(q.ops->take(&q.device, &chain));
        OK(q.ops->put_used(&q.device, ids[0], 7));
        OK(q.ops->publish_used(&q.device));
        reap(&q, ids[0], 7, false);
        for (uint32_t i = 1; i < 4; i++)
            ids[i] = offer(&q, i); /* of as many elements */
        for (uint32_t i = 1; i < 3; i++)
            OK(q.ops->take(&q.device, &chain));
        from.again_count = kept_of(&q, ids + 1, 2, again);
        from.again = again;
        vblk_ring_close(&q.device);
        OK(vblk_ring_open(&q.device, q.ops, q.mem, &q.at, VBLK_DEVICE));
        vblk_ring_resume(&q.device, &from);
        for (uint32_t i = 1; i < 4; i++) {
            OK(q.ops->take(&q.device, &chain));
            assert_int_equal(chain.fault, VBLK_CHAIN_OK);
            assert_int_equal(chain.id, ids[i]);
            assert_int_equal(chain.n, i);
        }
        assert_int_equal(q.ops->take(&q.device, &chain), VBLK_E_EMPTY);
        for (uint32_t i = 1; i < 4; i++) {
            OK(q.ops->put_used(&q.device, ids[i], i));
            OK(q.ops->publish_used(&q.device));
            reap(&q, ids[i], i, false);
        }
        queue_close(&q);
    }
}

/* 2.6.1: after a reset of the queue everything begins anew, wherever it was, with another size if one likes. */
static void queue_opened_again__is_fresh(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        queue_open_with(&q, 8, flavours[f]);
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 7; i++) {
                const uint16_t id = offer(&q, 1);
                struct vblk_chain chain;

                OK(q.ops->take(&q.device, &chain));
                OK(q.ops->put_used(&q.device, id, 0));
                if (i < 3) {
                    OK(q.ops->publish_used(&q.device));
                    reap(&q, id, 0, false);
                }
            }
            vblk_ring_close(&q.driver);
            vblk_ring_close(&q.device);
            q.at.size = round % 2 ? 8 : 16;
            OK(vblk_ring_open(&q.driver, q.ops, q.mem, &q.at, VBLK_DRIVER));
            OK(vblk_ring_open(&q.device, q.ops, q.mem, &q.at, VBLK_DEVICE));
            OK(q.ops->clear(&q.driver));
            nothing_left(&q);
        }
        queue_close(&q);
    }
}

static void functions_of_the_other_side__are_refused(void **state)
{
    const struct vblk_element buf = { DATA, 1, false };
    struct vblk_chain chain;
    struct vblk_used used;
    uint32_t data;
    uint16_t id;
    bool wanted;

    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        queue_open_with(&q, 4, flavours[f]);
        assert_int_equal(q.ops->clear(&q.device), VBLK_E_STATE);
        assert_int_equal(q.ops->add(&q.device, &buf, 1, &id), VBLK_E_STATE);
        assert_int_equal(q.ops->add_indirect(&q.device, DATA, 0, &buf, 1, &id), VBLK_E_STATE);
        assert_int_equal(q.ops->publish(&q.device, 0), VBLK_E_STATE);
        assert_int_equal(q.ops->kick_wanted(&q.device, &wanted), VBLK_E_STATE);
        assert_int_equal(q.ops->kick_data(&q.device, 0, &data), VBLK_E_STATE);
        assert_int_equal(q.ops->reap(&q.device, &used), VBLK_E_STATE);
        assert_int_equal(q.ops->set_interrupts(&q.device, true), VBLK_E_STATE);
        assert_int_equal(q.ops->interrupt_after(&q.device, 0), VBLK_E_STATE);
        assert_int_equal(q.ops->take(&q.driver, &chain), VBLK_E_STATE);
        assert_int_equal(q.ops->put_used(&q.driver, 0, 0), VBLK_E_STATE);
        assert_int_equal(q.ops->put_used_wrote(&q.driver, 0, 0, true), VBLK_E_STATE);
        assert_int_equal(q.ops->publish_used(&q.driver), VBLK_E_STATE);
        assert_int_equal(q.ops->notify_wanted(&q.driver, &wanted), VBLK_E_STATE);
        assert_int_equal(q.ops->set_notify(&q.driver, true), VBLK_E_STATE);
        assert_int_equal(q.ops->notify_after(&q.driver, 0), VBLK_E_STATE);
        queue_close(&q);
    }
}

/* 2.9.1. Of what is available, not of what was only added. */
static void notification_data__is_the_next_place(void **state)
{
    const struct vblk_element bufs[2] = { { DATA, 1, false }, { DATA, 1, false } };
    uint32_t data;
    uint16_t id;

    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        struct queue q;

        queue_open_with(&q, 4, flavours[f]);
        for (uint32_t round = 0; round < 66000; round++) {
            const bool packed = (flavours[f] & F(RING_PACKED)) != 0;
            const uint32_t slot = round * 2 % 4, wrap = round * 2 / 4 % 2 ? 0 : 0x8000;
            const uint32_t here = packed ? slot | wrap : round & 0xffff;

            OK(q.ops->kick_data(&q.driver, 0xabcd, &data));
            if (data != (here << 16 | 0xabcd))
                fail_msg("%s, round %u: %08x", q.ops->name, round, data);
            OK(q.ops->add(&q.driver, bufs, 2, &id));
            OK(q.ops->kick_data(&q.driver, 0xabcd, &data));
            assert_int_equal(data, here << 16 | 0xabcd);
            OK(q.ops->publish(&q.driver, 1));
            take(&q, id, 2);
            OK(q.ops->put_used(&q.device, id, 0));
            OK(q.ops->publish_used(&q.device));
            reap(&q, id, 0, false);
        }
        queue_close(&q);
    }
}

static void packed_layout__is_checked(void **state)
{
    static const struct {
        struct vblk_layout at;
        vblk_err err;
    } rows[] = {
        { { 0, 0x10000, 0x11000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_INVAL },
        { { 32769, 0x10000, 0x11000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_INVAL },
        { { 3, 0x10008, 0x11000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_INVAL },
        { { 3, 0x10000, 0x11002, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_INVAL },
        { { 3, 0x10000, 0x11000, 0x12002, F(RING_PACKED), 0, NULL }, VBLK_E_INVAL },
        { { 3, 0x13fd0, 0x11000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_OK },
        { { 3, 0x13fe0, 0x11000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_RANGE },
        { { 3, 0x10000, 0x13ffc, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_OK },
        { { 3, 0x10000, 0x14000, 0x12000, F(RING_PACKED), 0, NULL }, VBLK_E_RANGE },
        { { 3, 0x10000, 0x11000, 0x14000, F(RING_PACKED), 0, NULL }, VBLK_E_RANGE },
        { { 4, 0x10000, 0x11000, 0x12000, 0, 0, NULL }, VBLK_E_UNSUPPORTED },
    };
    const struct vblk_region region = { .gpa = 0x10000, .size = 0x4000, .fd = -1 };
    struct vblk_memory *mem = vblk_memory_new();
    struct vblk_extent areas[VBLK_AREAS];
    struct vblk_ring ring;

    (void)state;
    OK(vblk_memory_add(mem, &region));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int side = VBLK_DRIVER; side <= VBLK_DEVICE; side++) {
            const vblk_err err = vblk_ring_open(&ring, &vblk_ring_packed, mem, &rows[i].at, (enum vblk_party)side);

            assert_int_equal(err, rows[i].err);
            vblk_ring_close(&ring);
        }
    }
    vblk_memory_free(mem);
    vblk_ring_packed.extents(5, F(RING_PACKED), areas);
    assert_int_equal(areas[VBLK_AREA_DESC].bytes, 80);
    assert_int_equal(areas[VBLK_AREA_DESC].align, 16);
    assert_int_equal(areas[VBLK_AREA_DRIVER].bytes, 4);
    assert_int_equal(areas[VBLK_AREA_DRIVER].align, 4);
    assert_int_equal(areas[VBLK_AREA_DEVICE].bytes, 4);
    assert_int_equal(areas[VBLK_AREA_DEVICE].align, 4);
}

static void ops_for__goes_by_the_feature(void **state)
{
    (void)state;
    assert_ptr_equal(vblk_ring_ops_for(F(VERSION_1)), &vblk_ring_split);
    assert_ptr_equal(vblk_ring_ops_for(F(VERSION_1) | F(RING_PACKED)), &vblk_ring_packed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_size__works_across_every_wrap),
        cmocka_unit_test(chain_as_long_as_the_ring__fills_it),
        cmocka_unit_test(answers_out_of_order__come_back_under_their_ids),
        cmocka_unit_test(any_order_and_length__loses_nothing),
        cmocka_unit_test(memory_reset__clears_what_either_side_stored),
        cmocka_unit_test(device_goes_on__takes_again_what_it_owes),
        cmocka_unit_test(queue_opened_again__is_fresh),
        cmocka_unit_test(functions_of_the_other_side__are_refused),
        cmocka_unit_test(notification_data__is_the_next_place),
        cmocka_unit_test(packed_layout__is_checked),
        cmocka_unit_test(ops_for__goes_by_the_feature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
