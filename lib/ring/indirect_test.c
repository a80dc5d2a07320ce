/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of indirect tables of both formats, lawful and not (2.7.5.3, 2.8.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

#define NEXT VBLK_DESC_NEXT
#define WRITE VBLK_DESC_WRITE
#define INDIRECT VBLK_DESC_INDIRECT
#define TABLE (DATA + 0x1003) /* no alignment is asked for */
#define READY VBLK_DESC_AVAIL

static void open_split(struct queue *q)
{
    queue_open_with(q, 4, F(INDIRECT_DESC));
}

static void open_packed(struct queue *q)
{
    queue_open_with(q, 4, F(INDIRECT_DESC) | F(RING_PACKED));
}

static void poke_entry(struct queue *q, uint32_t i, uint64_t gpa, uint32_t len, unsigned flags, unsigned next)
{
    const struct vblk_desc desc = { vblk_put64(gpa), vblk_put32(len), vblk_put16((uint16_t)flags),
                                    vblk_put16((uint16_t)next) };

    OK(vblk_memory_poke(q->mem, TABLE + 16 * (uint64_t)i, &desc, sizeof(desc)));
}

static void poke_packed_entry(struct queue *q, uint32_t i, uint64_t gpa, uint32_t len, unsigned flags)
{
    poke_entry(q, i, gpa, len, 0xabcd, flags); /* an id, which is ignored, and flags */
}

/* Make the chain at descriptor 0 available, and take it. */
static struct vblk_chain taken(struct queue *q, enum vblk_chain_fault fault, uint32_t n)
{
    struct vblk_chain chain;

    if (!(q->at.features & F(RING_PACKED))) {
        const uint16_t at = q->device.split.avail_next;

        poke16(q, vblk_split_avail_ring_at(&q->at, at), 0);
        poke16(q, vblk_split_avail_idx_at(&q->at), at + 1);
    }
    OK(q->ops->take(&q->device, &chain));
    assert_int_equal(chain.fault, fault);
    assert_int_equal(chain.n, n);
    return chain;
}

static void split_table__is_chained_by_next(void **state)
{
    struct vblk_chain chain;
    struct queue q;

    (void)state;
    open_split(&q);
    poke_desc(&q, 0, TABLE, 4 * 16, INDIRECT | WRITE, 0xffff); /* WRITE means nothing here */
    poke_entry(&q, 0, DATA, 16, NEXT, 3);
    poke_entry(&q, 3, DATA + 16, 5, NEXT | WRITE, 1);
    poke_entry(&q, 1, DATA + 32, 1, WRITE, 9);
    poke_entry(&q, 2, UINT64_MAX, UINT32_MAX, INDIRECT, 9); /* not in the chain */
    chain = taken(&q, VBLK_CHAIN_OK, 3);
    assert_int_equal(chain.id, 0);
    assert_int_equal(chain.readable, 1);
    assert_int_equal(chain.writable_bytes, 6);
    assert_int_equal(chain.bufs[1].gpa, DATA + 16);
    assert_int_equal(chain.bufs[2].gpa, DATA + 32);
    queue_close(&q);
}

static void split_table__may_follow_direct_descriptors(void **state)
{
    struct vblk_chain chain;
    struct queue q;

    (void)state;
    open_split(&q);
    poke_desc(&q, 0, DATA, 16, NEXT, 2);
    poke_desc(&q, 2, DATA + 16, 16, NEXT, 1);
    poke_desc(&q, 1, TABLE, 2 * 16, INDIRECT, 0);
    poke_entry(&q, 0, DATA + 32, 16, NEXT, 1);
    poke_entry(&q, 1, DATA + 48, 16, WRITE, 0);
    chain = taken(&q, VBLK_CHAIN_OK, 4);
    assert_int_equal(chain.readable, 3);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(chain.bufs[i].gpa, DATA + 16 * i);
    queue_close(&q);
}

/* What is wrong, in the descriptor and in the first two entries. */
struct wrong {
    enum vblk_chain_fault fault;
    uint32_t n; /* elements before */
    uint64_t table;
    uint32_t len;
    unsigned flags;
    unsigned entry_flags[2];
    unsigned entry_next[2];
};

static void hostile_split_table__is_a_fault(void **state)
{
    static const struct wrong rows[] = {
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, 0, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, 15, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, 17, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, UINT32_MAX, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_BAD_ADDRESS, 0, TABLE, UINT32_MAX - 15, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_BAD_ADDRESS, 0, UINT64_MAX - 7, 16, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_BAD_ADDRESS, 0, DATA_END - 15, 16, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_INDIRECT_MIXED, 0, TABLE, 32, INDIRECT | NEXT, { 0 }, { 0 } },
        { VBLK_CHAIN_INDIRECT_NESTED, 0, TABLE, 32, INDIRECT, { INDIRECT, 0 }, { 0 } },
        { VBLK_CHAIN_INDIRECT_NESTED, 1, TABLE, 32, INDIRECT, { NEXT, INDIRECT | NEXT }, { 1, 0 } },
        { VBLK_CHAIN_NEXT_RANGE, 1, TABLE, 32, INDIRECT, { NEXT, 0 }, { 2, 0 } },
        { VBLK_CHAIN_NEXT_RANGE, 2, TABLE, 32, INDIRECT, { NEXT, NEXT }, { 1, 0xffff } },
        { VBLK_CHAIN_TOO_LONG, 1, TABLE, 16, INDIRECT, { NEXT, 0 }, { 0, 0 } },
        { VBLK_CHAIN_TOO_LONG, 2, TABLE, 32, INDIRECT, { NEXT, NEXT }, { 1, 0 } },
        { VBLK_CHAIN_TOO_LONG, 4, TABLE, 16 * 8, INDIRECT, { NEXT, NEXT }, { 1, 0 } }, /* the queue's four are all */
        { VBLK_CHAIN_WRITE_THEN_READ, 1, TABLE, 32, INDIRECT, { WRITE | NEXT, 0 }, { 1, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct queue q;

        open_split(&q);
        poke_desc(&q, 0, rows[i].table, rows[i].len, rows[i].flags, 1);
        for (uint32_t e = 0; e < 2; e++)
            poke_entry(&q, e, DATA, 1, rows[i].entry_flags[e], rows[i].entry_next[e]);
        taken(&q, rows[i].fault, rows[i].n);
        poke_desc(&q, 0, DATA, 1, 0, 0);
        taken(&q, VBLK_CHAIN_OK, 1); /* the next buffer is none the worse */
        queue_close(&q);
    }
}

static void packed_table__is_a_list(void **state)
{
    struct vblk_chain chain;
    struct queue q;

    (void)state;
    open_packed(&q);
    poke_packed(&q, 0, TABLE, 3 * 16, 77, READY | INDIRECT | WRITE); /* WRITE means nothing here */
    poke_packed_entry(&q, 0, DATA, 16, 0xffff & ~WRITE);             /* nor anything but WRITE in the table */
    poke_packed_entry(&q, 1, DATA + 16, 5, WRITE);
    poke_packed_entry(&q, 2, DATA + 32, 1, WRITE | NEXT);
    chain = taken(&q, VBLK_CHAIN_OK, 3);
    assert_int_equal(chain.id, 77);
    assert_int_equal(chain.readable, 1);
    assert_int_equal(chain.writable_bytes, 6);
    assert_int_equal(chain.bufs[2].gpa, DATA + 32);
    OK(q.ops->put_used(&q.device, 77, 6));
    OK(q.ops->publish_used(&q.device));
    assert_int_equal(q.device.packed.used.slot, 1); /* it takes one descriptor of the ring */
    queue_close(&q);
}

static void hostile_packed_table__is_a_fault(void **state)
{
    static const struct wrong rows[] = {
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, 0, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_TABLE_LENGTH, 0, TABLE, 33, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_BAD_ADDRESS, 0, TABLE, UINT32_MAX - 15, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_BAD_ADDRESS, 0, UINT64_MAX, 16, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_TOO_LONG, 0, TABLE, 5 * 16, INDIRECT, { 0 }, { 0 } },
        { VBLK_CHAIN_WRITE_THEN_READ, 1, TABLE, 32, INDIRECT, { WRITE, 0 }, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct queue q;

        open_packed(&q);
        poke_packed(&q, 0, rows[i].table, rows[i].len, 1, READY | rows[i].flags);
        poke_packed(&q, 1, DATA, 1, 2, READY);
        for (uint32_t e = 0; e < 2; e++)
            poke_packed_entry(&q, e, DATA, 1, rows[i].entry_flags[e]);
        assert_int_equal(taken(&q, rows[i].fault, rows[i].n).id, 1);
        assert_int_equal(taken(&q, VBLK_CHAIN_OK, 1).id, 2);
        queue_close(&q);
    }
}

/* 2.8.19: never in a list linked by NEXT. */
static void packed_table_among_direct_descriptors__is_a_fault(void **state)
{
    struct queue q;

    (void)state;
    open_packed(&q);
    poke_packed(&q, 0, TABLE, 16, 1, READY | INDIRECT | NEXT);
    poke_packed(&q, 1, DATA, 1, 1, READY);
    taken(&q, VBLK_CHAIN_INDIRECT_MIXED, 0);
    poke_packed(&q, 2, DATA, 1, 2, READY | NEXT);
    poke_packed(&q, 3, TABLE, 16, 2, READY | INDIRECT);
    taken(&q, VBLK_CHAIN_INDIRECT_MIXED, 1);
    queue_close(&q);
}

/* Each entry is loaded once, and what is stored there afterwards doesn't matter. */
struct spy {
    struct queue *q;
    unsigned loads;
};

static void spoil(void *ctx, const struct vblk_event *ev)
{
    const uint8_t junk[16] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    };
    struct spy *spy = ctx;

    if (ev->kind != VBLK_EV_LOAD || ev->at < TABLE || ev->at >= TABLE + 3 * 16)
        return;
    assert_int_equal(ev->len, 16);
    OK(vblk_memory_poke(spy->q->mem, ev->at, junk, 16));
    spy->loads++;
}

static void entry_that_changes_after_its_load__is_used_as_loaded(void **state)
{
    const struct vblk_element bufs[] = { { DATA, 1, false }, { DATA + 1, 2, false }, { DATA + 2, 4, true } };

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        struct vblk_chain chain;
        struct spy spy = { 0 };
        struct queue q;
        uint16_t id;

        queue_open_with(&q, 4, F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0));
        OK(q.ops->add_indirect(&q.driver, TABLE, 0, bufs, 3, &id));
        OK(q.ops->publish(&q.driver, 1));
        spy.q = &q;
        vblk_memory_set_tap(q.mem, spoil, &spy);
        OK(q.ops->take(&q.device, &chain));
        assert_int_equal(chain.fault, VBLK_CHAIN_OK);
        assert_int_equal(spy.loads, 3);
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(chain.bufs[i].gpa, DATA + i);
        queue_close(&q);
    }
}

static void noise__only_ever_makes_verdicts(void **state)
{
    uint32_t random = 1, counts[VBLK_CHAIN_FAULTS] = { 0 };
    struct queue q;

    (void)state;
    open_split(&q);
    for (unsigned round = 0; round < 20000; round++) {
        struct vblk_chain chain;

        for (unsigned i = 0; i < 4; i++) {
            random = random * 1664525 + 1013904223;
            poke_entry(&q, i, DATA - 64 + (random >> 8 & 0x10ffff), random >> 18,
                       (random >> 16 & 15) == 0 ? 4 : random >> 18 & 3, random >> 29);
        }
        poke_desc(&q, 0, TABLE, random >> 28 == 0 ? 65 : 64, INDIRECT, 0);
        poke16(&q, vblk_split_avail_ring_at(&q.at, round), 0);
        poke16(&q, vblk_split_avail_idx_at(&q.at), round + 1);
        OK(q.ops->take(&q.device, &chain));
        assert_true(chain.n <= 4 && chain.readable <= chain.n);
        counts[chain.fault]++;
    }
    assert_true(counts[VBLK_CHAIN_OK] > 0 && counts[VBLK_CHAIN_NEXT_RANGE] > 0 && counts[VBLK_CHAIN_TOO_LONG] > 0);
    assert_true(counts[VBLK_CHAIN_INDIRECT_NESTED] > 0 && counts[VBLK_CHAIN_TABLE_LENGTH] > 0);
    assert_true(counts[VBLK_CHAIN_WRITE_THEN_READ] > 0 && counts[VBLK_CHAIN_BAD_ADDRESS] > 0);
    queue_close(&q);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_table__is_chained_by_next),
        cmocka_unit_test(split_table__may_follow_direct_descriptors),
        cmocka_unit_test(hostile_split_table__is_a_fault),
        cmocka_unit_test(packed_table__is_a_list),
        cmocka_unit_test(hostile_packed_table__is_a_fault),
        cmocka_unit_test(packed_table_among_direct_descriptors__is_a_fault),
        cmocka_unit_test(entry_that_changes_after_its_load__is_used_as_loaded),
        cmocka_unit_test(noise__only_ever_makes_verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
