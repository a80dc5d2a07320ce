/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a split ring against a driver that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

#define NEXT VBLK_DESC_NEXT
#define WRITE VBLK_DESC_WRITE

static int set_up(void **state)
{
    struct queue *q = malloc(sizeof(*q));

    queue_open(q, 4);
    *state = q;
    return 0;
}

static int tear_down(void **state)
{
    queue_close(*state);
    free(*state);
    return 0;
}

/* Make a head available at a position of the available ring. */
static void expose(struct queue *q, unsigned position, unsigned head)
{
    poke16(q, vblk_split_avail_ring_at(&q->at, position), head);
    poke16(q, vblk_split_avail_idx_at(&q->at), position + 1);
}

static struct vblk_chain taken(struct queue *q, enum vblk_chain_fault fault, uint32_t n)
{
    struct vblk_chain chain;

    OK(OPS->take(&q->device, &chain));
    assert_int_equal(chain.fault, fault);
    assert_int_equal(chain.n, n);
    return chain;
}

static void lawful_chain__is_copied_out(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;

    poke_desc(q, 3, DATA, 16, NEXT, 1);
    poke_desc(q, 1, DATA + 16, 0, NEXT, 0); /* an empty element is none of our business */
    poke_desc(q, 0, DATA_END - 1, 1, WRITE, 0xffff); /* next means nothing without its flag */
    expose(q, 0, 3);
    chain = taken(q, VBLK_CHAIN_OK, 3);
    assert_int_equal(chain.id, 3);
    assert_int_equal(chain.readable, 2);
    assert_int_equal(chain.readable_bytes, 16);
    assert_int_equal(chain.writable_bytes, 1);
    assert_int_equal(chain.bufs[0].gpa, DATA);
    assert_int_equal(chain.bufs[0].len, 16);
    assert_false(chain.bufs[1].writable);
    assert_true(chain.bufs[2].writable);
    assert_int_equal(chain.bufs[2].gpa, DATA_END - 1);
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_EMPTY);
}

static void head_outside_the_table__is_a_fault_and_the_next_buffer_comes(void **state)
{
    struct queue *q = *state;

    poke_desc(q, 2, DATA, 1, 0, 0);
    expose(q, 0, 4);
    expose(q, 1, 0xffff);
    expose(q, 2, 2);
    assert_int_equal(taken(q, VBLK_CHAIN_HEAD_RANGE, 0).id, 4);
    taken(q, VBLK_CHAIN_HEAD_RANGE, 0);
    taken(q, VBLK_CHAIN_OK, 1);
}

static void next_outside_the_table__is_a_fault(void **state)
{
    struct queue *q = *state;

    poke_desc(q, 0, DATA, 1, NEXT, 4);
    expose(q, 0, 0);
    taken(q, VBLK_CHAIN_NEXT_RANGE, 1);
}

static void loop__ends_after_as_many_descriptors_as_there_are(void **state)
{
    struct queue *q = *state;

    poke_desc(q, 0, DATA, 1, NEXT, 0); /* onto itself */
    expose(q, 0, 0);
    taken(q, VBLK_CHAIN_TOO_LONG, 4);
    for (unsigned i = 0; i < 4; i++)
        poke_desc(q, i, DATA, 1, NEXT, (i + 1) % 4);
    expose(q, 1, 2);
    taken(q, VBLK_CHAIN_TOO_LONG, 4);
    poke_desc(q, 1, DATA, 1, 0, 0); /* the loop is cut: four descriptors are a chain */
    expose(q, 2, 2);
    taken(q, VBLK_CHAIN_OK, 4);
}

static void readable_after_writable__is_a_fault(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;

    poke_desc(q, 0, DATA, 1, NEXT, 1);
    poke_desc(q, 1, DATA, 2, NEXT | WRITE, 2);
    poke_desc(q, 2, DATA, 4, 0, 0);
    expose(q, 0, 0);
    chain = taken(q, VBLK_CHAIN_WRITE_THEN_READ, 2);
    assert_int_equal(chain.readable_bytes, 1);
    assert_int_equal(chain.writable_bytes, 2);
}

static void indirect_descriptor__is_a_fault_when_not_negotiated(void **state)
{
    struct queue *q = *state;

    poke_desc(q, 0, DATA, 16, VBLK_DESC_INDIRECT, 0);
    expose(q, 0, 0);
    taken(q, VBLK_CHAIN_INDIRECT, 0);
}

static void element_outside_the_memory__is_a_fault(void **state)
{
    static const struct {
        uint64_t gpa;
        uint32_t len;
    } rows[] = { { 0, 1 }, { DATA_END, 1 }, { DATA_END - 1, 2 }, { 0xffff, 2 }, { UINT64_MAX, 1 }, { UINT64_MAX, 2 },
                 { UINT64_MAX - 1, UINT32_MAX }, { DATA, UINT32_MAX } };
    struct queue *q = *state;

    poke_desc(q, 0, DATA, 1, NEXT, 1);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        poke_desc(q, 1, rows[i].gpa, rows[i].len, WRITE, 0);
        expose(q, i, 0);
        taken(q, VBLK_CHAIN_BAD_ADDRESS, 1);
    }
}

static void idx_that_jumps__breaks_the_ring_at_once(void **state)
{
    static const uint16_t jumps[] = { 5, 0x8000, 0xffff };

    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        struct vblk_chain chain;
        struct queue q;

        queue_open(&q, 4);
        poke16(&q, vblk_split_avail_idx_at(&q.at), jumps[i]);
        taken(&q, VBLK_CHAIN_AVAIL_JUMP, 0);
        assert_int_equal(OPS->take(&q.device, &chain), VBLK_E_STATE);
        queue_close(&q);
    }
}

static void idx_by_the_whole_size__is_lawful(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;

    poke_desc(q, 0, DATA, 1, 0, 0);
    poke16(q, vblk_split_avail_idx_at(&q->at), 4);
    for (unsigned i = 0; i < 4; i++)
        taken(q, VBLK_CHAIN_OK, 1);
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_EMPTY);
}

static void answers__are_written_as_the_text_says(void **state)
{
    struct queue *q = *state;
    uint8_t bytes[16];

    OK(OPS->put_used(&q->device, 0x01020304, 0x05060708));
    OK(OPS->put_used(&q->device, 7, 0));
    OK(vblk_memory_peek(q->mem, q->at.device, bytes, 12));
    assert_memory_equal(bytes, "\x00\x00\x00\x00\x04\x03\x02\x01\x08\x07\x06\x05", 12);
    OK(OPS->publish_used(&q->device)); /* one idx for both */
    assert_int_equal(peek16(q, vblk_split_used_idx_at(&q->at)), 2);
}

/* Counts how often the device loads from the descriptor table, and changes a descriptor after its load. */
struct spy {
    struct queue *q;
    unsigned loads[4];
};

static void spoil(void *ctx, const struct vblk_event *ev)
{
    struct spy *spy = ctx;

    if (ev->kind != VBLK_EV_LOAD || ev->at < spy->q->at.desc || ev->at >= spy->q->at.desc + 64)
        return;
    assert_int_equal(ev->len, 16);
    assert_int_equal(ev->at % 16, 0);
    spy->loads[(ev->at - spy->q->at.desc) / 16]++;
    poke_desc(spy->q, (uint32_t)(ev->at - spy->q->at.desc) / 16, UINT64_MAX, UINT32_MAX, 0xffff, 0xffff);
}

static void descriptor_that_changes_after_its_load__is_used_as_loaded(void **state)
{
    struct queue *q = *state;
    struct spy spy = { .q = q };
    struct vblk_chain chain;

    poke_desc(q, 0, DATA, 16, NEXT, 1);
    poke_desc(q, 1, DATA + 16, 1, WRITE, 0);
    expose(q, 0, 0);
    vblk_memory_set_tap(q->mem, spoil, &spy);
    chain = taken(q, VBLK_CHAIN_OK, 2);
    assert_int_equal(spy.loads[0], 1);
    assert_int_equal(spy.loads[1], 1);
    assert_int_equal(chain.bufs[0].gpa, DATA);
    assert_int_equal(chain.bufs[1].len, 1);
}

static void noise__only_ever_makes_verdicts(void **state)
{
    struct queue *q = *state;
    uint32_t random = 1, counts[VBLK_CHAIN_FAULTS] = { 0 };
    struct vblk_chain chain;

    for (unsigned round = 0; round < 20000; round++) {
        for (unsigned i = 0; i < 4; i++) {
            random = random * 1664525 + 1013904223;
            poke_desc(q, i, DATA - 64 + (random >> 8 & 0x10ffff), random >> 18, random >> 29,
                      (random >> 16 & 15) == 0 ? 4 : random >> 18 & 3);
        }
        expose(q, round, random >> 24 & 7);
        OK(OPS->take(&q->device, &chain));
        assert_true(chain.fault < VBLK_CHAIN_FAULTS);
        assert_true(chain.n <= 4 && chain.readable <= chain.n);
        counts[chain.fault]++;
    }
    assert_int_equal(counts[VBLK_CHAIN_AVAIL_JUMP], 0);
    for (unsigned i = 0; i <= VBLK_CHAIN_BAD_ADDRESS; i++) /* further ones need other features */
        assert_true(counts[i] > 0 || i == VBLK_CHAIN_AVAIL_JUMP);
}

static void memory_that_went_away__is_an_error(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;
    bool wanted;

    expose(q, 0, 0);
    OK(OPS->put_used(&q->device, 0, 0));
    OK(vblk_memory_remove(q->mem, 0x10000));
    assert_int_equal(OPS->take(&q->device, &chain), VBLK_E_RANGE);
    assert_int_equal(OPS->put_used(&q->device, 0, 0), VBLK_E_RANGE);
    assert_int_equal(OPS->publish_used(&q->device), VBLK_E_RANGE);
    assert_int_equal(OPS->notify_wanted(&q->device, &wanted), VBLK_E_RANGE);
    assert_int_equal(OPS->set_notify(&q->device, false), VBLK_E_RANGE);
}

/* How a mutant is made: one entry of the table replaced. */
static vblk_err put_used_twice(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    vblk_err err = vblk_ring_split.put_used(ring, id, len);

    return err == VBLK_OK ? vblk_ring_split.put_used(ring, id, len) : err;
}

static void one_entry_replaced__breaks_one_thing(void **state)
{
    struct queue *q = *state;
    struct vblk_ring_ops ops = vblk_ring_split;
    struct vblk_chain chain;
    struct vblk_used used;
    struct vblk_ring ring;

    ops.put_used = put_used_twice;
    OK(vblk_ring_open(&ring, &ops, q->mem, &q->at, VBLK_DEVICE));
    offer(q, 1);
    offer(q, 1);
    OK(ring.ops->take(&ring, &chain));
    OK(ring.ops->put_used(&ring, chain.id, 0));
    OK(ring.ops->publish_used(&ring));
    OK(OPS->reap(&q->driver, &used));
    assert_int_equal(used.fault, VBLK_USED_OK);
    OK(OPS->reap(&q->driver, &used));
    assert_int_equal(used.fault, VBLK_USED_NOT_OUTSTANDING);
    vblk_ring_close(&ring);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(lawful_chain__is_copied_out),
        TEST(head_outside_the_table__is_a_fault_and_the_next_buffer_comes),
        TEST(next_outside_the_table__is_a_fault),
        TEST(loop__ends_after_as_many_descriptors_as_there_are),
        TEST(readable_after_writable__is_a_fault),
        TEST(indirect_descriptor__is_a_fault_when_not_negotiated),
        TEST(element_outside_the_memory__is_a_fault),
        cmocka_unit_test(idx_that_jumps__breaks_the_ring_at_once),
        TEST(idx_by_the_whole_size__is_lawful),
        TEST(answers__are_written_as_the_text_says),
        TEST(descriptor_that_changes_after_its_load__is_used_as_loaded),
        TEST(noise__only_ever_makes_verdicts),
        TEST(memory_that_went_away__is_an_error),
        TEST(one_entry_replaced__breaks_one_thing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
