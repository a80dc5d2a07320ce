/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a packed ring against a driver that lies, and what it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OPS (&vblk_ring_packed)
#include "queue_fixture.h"

#define NEXT VBLK_DESC_NEXT
#define WRITE VBLK_DESC_WRITE
#define READY VBLK_DESC_AVAIL /* available in the first round */
#define AGAIN VBLK_DESC_USED  /* and in the second */

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

static struct vblk_chain taken(struct queue *q, enum vblk_chain_fault fault, uint32_t n)
{
    struct vblk_chain chain;

    OK(OPS->take(&q->device, &chain));
    assert_int_equal(chain.fault, fault);
    assert_int_equal(chain.n, n);
    return chain;
}

static void refused(struct queue *q, vblk_err err)
{
    struct vblk_chain chain;

    assert_int_equal(OPS->take(&q->device, &chain), err);
}

/* A ring of one that is in use, and another descriptor all the same. */
static void ring_of_one__more_than_there_is_room_for(void **state)
{
    struct queue q;

    (void)state;
    queue_open_with(&q, 1, F(RING_PACKED));
    poke_packed(&q, 0, DATA, 16, 7, READY | WRITE);
    assert_int_equal(taken(&q, VBLK_CHAIN_OK, 1).id, 7);
    poke_packed(&q, 0, DATA, 16, 7, AGAIN | WRITE);
    (void)taken(&q, VBLK_CHAIN_OVERRUN, 0);
    refused(&q, VBLK_E_STATE);
    queue_close(&q);
}

static void lawful_chain__is_copied_out(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;

    poke_packed(q, 0, DATA, 16, 0, READY | NEXT);
    poke_packed(q, 1, DATA + 16, 0, 0, READY | NEXT);
    poke_packed(q, 2, DATA_END - 1, 1, 0xfedc, READY | WRITE | 0x7f78); /* an id of any size, the last one's */
    chain = taken(q, VBLK_CHAIN_OK, 3);
    assert_int_equal(chain.id, 0xfedc);
    assert_int_equal(chain.readable, 2);
    assert_int_equal(chain.readable_bytes, 16);
    assert_int_equal(chain.writable_bytes, 1);
    assert_int_equal(chain.bufs[0].gpa, DATA);
    assert_true(chain.bufs[2].writable);
    refused(q, VBLK_E_EMPTY);
}

static void flags_of_another_round__are_not_available(void **state)
{
    static const unsigned not_yet[] = { 0, AGAIN, READY | AGAIN };
    struct queue *q = *state;

    for (unsigned i = 0; i < 3; i++) {
        poke_packed(q, 0, DATA, 1, 0, not_yet[i]);
        refused(q, VBLK_E_EMPTY);
    }
}

static void faulty_element__leaves_the_rest_of_the_ring_alone(void **state)
{
    struct queue *q = *state;
    struct vblk_chain chain;

    poke_packed(q, 0, DATA, 1, 9, READY | NEXT);
    poke_packed(q, 1, UINT64_MAX, 2, 9, READY | NEXT);
    poke_packed(q, 2, DATA, 1, 7, READY | WRITE);
    poke_packed(q, 3, DATA, 1, 8, READY);
    chain = taken(q, VBLK_CHAIN_BAD_ADDRESS, 1);
    assert_int_equal(chain.id, 7); /* it can be answered: the end was found */
    assert_int_equal(taken(q, VBLK_CHAIN_OK, 1).id, 8);
    OK(OPS->put_used(&q->device, 7, 0));
    OK(OPS->put_used(&q->device, 8, 0));
    OK(OPS->publish_used(&q->device));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), MARK_USED(1));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 3)), MARK_USED(1));
}

static void readable_after_writable__is_a_fault(void **state)
{
    struct queue *q = *state;

    poke_packed(q, 0, DATA, 2, 0, READY | WRITE | NEXT);
    poke_packed(q, 1, DATA, 4, 0, READY);
    assert_int_equal(taken(q, VBLK_CHAIN_WRITE_THEN_READ, 1).writable_bytes, 2);
}

static void indirect_descriptor__is_a_fault_when_not_negotiated(void **state)
{
    struct queue *q = *state;

    poke_packed(q, 0, DATA, 16, 0, READY | VBLK_DESC_INDIRECT);
    taken(q, VBLK_CHAIN_INDIRECT, 0);
    refused(q, VBLK_E_EMPTY);
}

static void chain_that_is_not_whole__breaks_the_ring(void **state)
{
    struct queue *q = *state;

    poke_packed(q, 0, DATA, 1, 0, READY | NEXT);
    poke_packed(q, 1, DATA, 1, 0, AGAIN);
    taken(q, VBLK_CHAIN_UNAVAILABLE, 1);
    refused(q, VBLK_E_STATE);
}

static void wrap_counter_that_does_not_flip_in_a_chain__breaks_the_ring(void **state)
{
    struct queue *q = *state;

    for (uint32_t i = 0; i < 4; i++)
        poke_packed(q, i, DATA, 1, i, READY);
    for (uint32_t i = 0; i < 4; i++) {
        taken(q, VBLK_CHAIN_OK, 1);
        OK(OPS->put_used(&q->device, i, 0));
        OK(OPS->publish_used(&q->device));
    }
    poke_packed(q, 4, DATA, 1, 0, READY | NEXT);
    poke_packed(q, 0, DATA, 1, 0, READY);
    taken(q, VBLK_CHAIN_UNAVAILABLE, 1);
}

static void chain_without_an_end__breaks_the_ring(void **state)
{
    struct queue *q = *state;

    for (uint32_t i = 0; i < 5; i++)
        poke_packed(q, i, DATA, 1, 0, READY | NEXT);
    taken(q, VBLK_CHAIN_TOO_LONG, 5);
    refused(q, VBLK_E_STATE);
}

static void more_than_the_ring_holds__breaks_it(void **state)
{
    struct queue *q = *state;

    for (uint32_t i = 0; i < 5; i++) {
        poke_packed(q, i, DATA, 1, i, READY);
        taken(q, VBLK_CHAIN_OK, 1);
    }
    refused(q, VBLK_E_EMPTY);
    poke_packed(q, 0, DATA, 1, 9, AGAIN); /* nothing was used yet */
    taken(q, VBLK_CHAIN_OVERRUN, 0);
    refused(q, VBLK_E_STATE);
}

static void chain_over_buffers_in_flight__breaks_the_ring(void **state)
{
    struct queue *q = *state;

    for (uint32_t i = 0; i < 3; i++) {
        poke_packed(q, i, DATA, 1, i, READY);
        taken(q, VBLK_CHAIN_OK, 1);
    }
    OK(OPS->put_used(&q->device, 0, 0)); /* not shown: the driver can't know */
    poke_packed(q, 3, DATA, 1, 3, READY | NEXT);
    poke_packed(q, 4, DATA, 1, 3, READY | NEXT);
    poke_packed(q, 0, DATA, 1, 3, AGAIN);
    taken(q, VBLK_CHAIN_OVERRUN, 2);
}

static void id_in_flight__breaks_the_ring_and_others_can_be_answered(void **state)
{
    struct queue *q = *state;

    poke_packed(q, 0, DATA, 1, 4, READY);
    poke_packed(q, 1, DATA, 1, 4, READY);
    taken(q, VBLK_CHAIN_OK, 1);
    taken(q, VBLK_CHAIN_ID_BUSY, 1);
    refused(q, VBLK_E_STATE);
    OK(OPS->put_used(&q->device, 4, 0));
    OK(OPS->publish_used(&q->device));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), MARK_USED(1));
}

static void answers__are_written_as_the_text_says(void **state)
{
    struct queue *q = *state;
    uint8_t bytes[16];

    poke_packed(q, 0, 0x1122334455667788, 0, 0, 0);
    OK(OPS->put_used(&q->device, 0xab0102, 0x05060708));
    OK(vblk_memory_peek(q->mem, q->at.desc, bytes, 16));
    assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11\x08\x07\x06\x05\x02\x01\x00\x00", 16);
    OK(OPS->put_used(&q->device, 7, 0));
    OK(OPS->put_used_wrote(&q->device, 8, 0, true));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 1)), MARK_USED(1));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 2)), MARK_USED(1) | WRITE);
    OK(OPS->publish_used(&q->device)); /* the first one shows them all */
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), MARK_USED(1) | WRITE);
}

/* Answers to nothing are a legitimate thing to write, as many as the ring has room for. */
static void answers_to_nothing__take_a_descriptor_each(void **state)
{
    struct queue *q = *state;

    for (int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 5; i++)
            OK(OPS->put_used(&q->device, 100000 + i, 0));
        assert_int_equal(OPS->put_used(&q->device, 0, 0), VBLK_E_FULL);
        OK(OPS->publish_used(&q->device));
        assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), MARK_USED(round % 2 == 0));
        assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 4)), MARK_USED(round % 2 == 0));
    }
}

/* Counts how often the device loads each byte of the ring, and changes a descriptor after its load. */
struct spy {
    struct queue *q;
    unsigned loads[5 * 16];
};

static void spoil(void *ctx, const struct vblk_event *ev)
{
    struct spy *spy = ctx;
    const uint64_t at = ev->at - spy->q->at.desc;

    if (ev->kind != VBLK_EV_LOAD || at >= sizeof(spy->loads) / sizeof(spy->loads[0]))
        return;
    for (uint32_t i = 0; i < ev->len; i++) {
        const uint8_t junk = 0xff;

        spy->loads[at + i]++;
        OK(vblk_memory_poke(spy->q->mem, ev->at + i, &junk, 1));
    }
}

static void byte_that_changes_after_its_load__is_used_as_loaded(void **state)
{
    struct queue *q = *state;
    struct spy spy = { .q = q };
    struct vblk_chain chain;

    poke_packed(q, 0, DATA, 16, 0, READY | NEXT);
    poke_packed(q, 1, DATA + 16, 1, 3, READY | WRITE);
    vblk_memory_set_tap(q->mem, spoil, &spy);
    chain = taken(q, VBLK_CHAIN_OK, 2);
    vblk_memory_set_tap(q->mem, NULL, NULL);
    for (unsigned i = 0; i < 5 * 16; i++)
        assert_int_equal(spy.loads[i], i < 32);
    assert_int_equal(chain.id, 3);
    assert_int_equal(chain.bufs[0].gpa, DATA);
    assert_int_equal(chain.bufs[1].len, 1);
    OK(OPS->put_used(&q->device, 3, 0));
    OK(OPS->publish_used(&q->device));
    assert_int_equal(peek16(q, vblk_packed_flags_at(&q->at, 0)), MARK_USED(1));
}

/* Whatever stands in the ring: verdicts, and never more than the ring holds. */
static void noise__only_ever_makes_verdicts(void **state)
{
    uint32_t random = 1, counts[VBLK_CHAIN_FAULTS] = { 0 };

    (void)state;
    for (unsigned game = 0; game < 4000; game++) {
        struct vblk_chain chain;
        struct queue q;

        queue_open_with(&q, 5, F(RING_PACKED) | (game & 1 ? F(IN_ORDER) : 0) | (game & 2 ? F(INDIRECT_DESC) : 0));
        for (unsigned round = 0; round < 30 && !q.device.broken; round++) {
            for (uint32_t i = 0; i < 5; i++) {
                random = random * 1664525 + 1013904223;
                poke_packed(&q, i, DATA - 64 + (random >> 8 & 0x10ffff), random >> 18 & ~(random >> 4 & 15),
                            game & 4 ? random >> 29 : round,
                            (random & 0x100 ? READY : AGAIN) | (random >> 24 & 3) |
                                (random >> 28 == 0 ? VBLK_DESC_INDIRECT : 0));
            }
            while (OPS->take(&q.device, &chain) == VBLK_OK) {
                assert_true(chain.n <= 5 && chain.readable <= chain.n);
                counts[chain.fault]++;
                if (!q.device.broken && random & 0x200)
                    OK(OPS->put_used(&q.device, chain.id, 0));
            }
            OK(OPS->publish_used(&q.device));
            assert_true(q.device.packed.out <= 5);
        }
        queue_close(&q);
    }
    for (unsigned i = 0; i < VBLK_CHAIN_FAULTS; i++)
        if (counts[i] == 0 && i != VBLK_CHAIN_AVAIL_JUMP && i != VBLK_CHAIN_HEAD_RANGE && i != VBLK_CHAIN_NEXT_RANGE &&
            i != VBLK_CHAIN_INDIRECT_NESTED)
            fail_msg("no %s", vblk_chain_fault_name((enum vblk_chain_fault)i));
}

static void memory_that_went_away__is_an_error(void **state)
{
    struct queue *q = *state;
    bool wanted;

    poke_packed(q, 0, DATA, 1, 0, READY);
    OK(OPS->put_used(&q->device, 0, 0));
    OK(vblk_memory_remove(q->mem, 0x10000));
    refused(q, VBLK_E_RANGE);
    assert_int_equal(OPS->put_used(&q->device, 0, 0), VBLK_E_RANGE);
    assert_int_equal(OPS->publish_used(&q->device), VBLK_E_RANGE);
    assert_int_equal(OPS->notify_wanted(&q->device, &wanted), VBLK_E_RANGE);
    assert_int_equal(OPS->set_notify(&q->device, false), VBLK_E_RANGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_of_one__more_than_there_is_room_for),
        TEST(lawful_chain__is_copied_out),
        TEST(flags_of_another_round__are_not_available),
        TEST(faulty_element__leaves_the_rest_of_the_ring_alone),
        TEST(readable_after_writable__is_a_fault),
        TEST(indirect_descriptor__is_a_fault_when_not_negotiated),
        TEST(chain_that_is_not_whole__breaks_the_ring),
        TEST(wrap_counter_that_does_not_flip_in_a_chain__breaks_the_ring),
        TEST(chain_without_an_end__breaks_the_ring),
        TEST(more_than_the_ring_holds__breaks_it),
        TEST(chain_over_buffers_in_flight__breaks_the_ring),
        TEST(id_in_flight__breaks_the_ring_and_others_can_be_answered),
        TEST(answers__are_written_as_the_text_says),
        TEST(answers_to_nothing__take_a_descriptor_each),
        TEST(byte_that_changes_after_its_load__is_used_as_loaded),
        cmocka_unit_test(noise__only_ever_makes_verdicts),
        TEST(memory_that_went_away__is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
