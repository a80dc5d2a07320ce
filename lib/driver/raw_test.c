/* SPDX-License-Identifier: BSD-3-Clause */
/* Raw steps: what a script says is what happens, and lawful steps go on from there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stage.h"

static void value_is(struct stage *stage, uint64_t value)
{
    struct vblk_step *step = add(stage, VBLK_STEP_EXPECT, "");

    step->expect.value_checked = true;
    step->expect.value = value;
}

static struct vblk_step *load_from(struct stage *stage, enum vblk_part part, const char *name, uint64_t a, uint64_t len)
{
    struct vblk_step *step = add_ab(stage, VBLK_STEP_LOAD, name, a, len);

    step->part = (uint8_t)part;
    return step;
}

static void raw_rings__bypass_nothing_the_player_must_know(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_AVAIL_SLOT, "r", 0);
    add(stage, VBLK_STEP_BARRIER, "");
    add(stage, VBLK_STEP_AVAIL_IDX, "")->order = VBLK_RELEASE;
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "");
    add_expect(stage, "r", VBLK_S_OK, 513);
    add_read(stage, "s", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "s");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_PUBLISH, "");
    load_from(stage, VBLK_PART_AVAIL, "", 2, 2)->order = VBLK_ACQUIRE;
    value_is(stage, 2);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.answered, 1);
    assert_int_equal(stage->play.requests, 2);
    assert_string_equal(watch_between(&stage->watch, "drv-store:avail0", "dev-load"),
                        "drv-store:avail0+2 drv-full drv-store:avail.idx0+2 ");
}

static void one_head_in_two_slots__is_played(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAIL_SLOT, "r");
    add(stage, VBLK_STEP_AVAIL_SLOT, "r");
    add(stage, VBLK_STEP_AVAIL_IDX, "");
    add(stage, VBLK_STEP_DEV_TAKE, "");
    add(stage, VBLK_STEP_DEV_TAKE, "");
    add(stage, VBLK_STEP_DEV_ELEM, "r");
    add(stage, VBLK_STEP_DEV_ELEM, "r");
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->play.bad_answers, 1);
    assert_int_equal(stage->play.requests, 1);
}

static void idx_that_jumps_or_goes_back__the_next_slot_follows(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_AVAIL_IDX, "", 1000);
    add_ab(stage, VBLK_STEP_AVAIL_SLOT, "", 3, 7);
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    load_from(stage, VBLK_PART_AVAIL, "", 2, 2);
    value_is(stage, 1001);
    add_a(stage, VBLK_STEP_AVAIL_IDX, "", 5);
    add(stage, VBLK_STEP_AVAIL_SLOT, "r");
    add(stage, VBLK_STEP_AVAIL_IDX, "");
    load_from(stage, VBLK_PART_AVAIL, "", 2, 2);
    value_is(stage, 6);
    load_from(stage, VBLK_PART_AVAIL, "", 4 + 2 * 3, 2);
    value_is(stage, 7);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void slot_or_descriptor_beyond_the_ring__is_the_scripts_fault(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_ab(stage, VBLK_STEP_AVAIL_SLOT, "", 8, 0);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[1].a_given = false; /* what is not given does not count */
    played(stage);
    stage->count = 1;
    add_a(stage, VBLK_STEP_DESC, "", 8);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count = 1;
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_DESC, "r", 3);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count = 1;
    add_a(stage, VBLK_STEP_DESC, "", 0)->desc_sets = VBLK_DESC_NEXT_IN_CHAIN;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[1].desc_sets = 0;
    stage->steps[1].part = VBLK_PART_COUNT;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[1].part = VBLK_PART_IN;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count = 1;
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_DESC, "r", 0)->desc_sets = VBLK_DESC_SETS_ADDR | VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN;
    played(stage);
    stage->steps[2].part = VBLK_PART_COUNT; /* one mistake is not made good by what comes after it */
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void descriptors__only_what_is_set_changes(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;
    struct vblk_desc desc[4];
    uint64_t table;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    step = add_a(stage, VBLK_STEP_DESC, "r", 1);
    step->desc_sets = VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN;
    step->desc.next = vblk_put16(0);
    step = add_a(stage, VBLK_STEP_DESC, "r", 2);
    step->desc_sets = VBLK_DESC_SETS_ADDR;
    step->part = VBLK_PART_STATUS_BYTE;
    step->desc.addr = vblk_put64(4);
    step = add_a(stage, VBLK_STEP_DESC, "r", 0);
    step->desc_sets = VBLK_DESC_SETS_LEN | VBLK_DESC_SETS_FLAGS;
    step->desc.len = vblk_put32(15);
    step->desc.flags = vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_INDIRECT);
    step = add_a(stage, VBLK_STEP_DESC, "", 3);
    step->desc.addr = vblk_put64(0x1234);
    step->desc.next = vblk_put16(9);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    played(stage);
    table = vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0);
    assert_int_equal(vblk_memory_peek(stage->watch.mem, table, desc, sizeof(desc)), VBLK_OK);
    assert_int_equal(vblk_get16(desc[1].next), 0);
    assert_int_equal(vblk_get32(desc[1].len), 512);
    assert_int_equal(vblk_get64(desc[2].addr), vblk_get64(desc[1].addr) + 516);
    assert_int_equal(vblk_get32(desc[0].len), 15);
    assert_int_equal(vblk_get16(desc[0].flags), VBLK_DESC_NEXT | VBLK_DESC_INDIRECT);
    assert_int_equal(vblk_get16(desc[0].next), 1);
    assert_int_equal(vblk_get64(desc[3].addr), 0x1234);
    assert_int_equal(vblk_get16(desc[3].next), 9);
    assert_int_equal(stage->watch.counts[VBLK_EV_USED_NOTIFY], 1); /* the loop did not hold the puppet */
}

static void parts__are_where_the_request_lies(void **state)
{
    static const struct vblk_segment segment = { { { 0x77 } }, { { 0 } }, { { 0 } } };
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add_read(stage, "r", 0x99, 512);
    step->request.gap = 8;
    step->request.segments = &segment;
    step->request.segment_count = 1;
    step->request.poison = 0xee;
    load_from(stage, VBLK_PART_HEADER, "r", 8, 8);
    value_is(stage, 0x99);
    load_from(stage, VBLK_PART_OUT, "r", 0, 8);
    value_is(stage, 0x77);
    load_from(stage, VBLK_PART_IN, "r", 511, 1);
    value_is(stage, 0xee);
    add_a(stage, VBLK_STEP_STORE, "r", 0)->bytes = (struct vblk_bytes){ .length = 1, .fill = true, .seed = 1 };
    stage->steps[stage->count - 1].part = VBLK_PART_STATUS_BYTE;
    load_from(stage, VBLK_PART_IN, "r", 512, 1);
    value_is(stage, 1);
    add_a(stage, VBLK_STEP_STORE, "", 0)->bytes = (struct vblk_bytes){ .length = 5000, .fill = true, .seed = 3 };
    stage->steps[stage->count - 1].part = VBLK_PART_SCRATCH;
    load_from(stage, VBLK_PART_SCRATCH, "", 4999, 2);
    value_is(stage, 3);
    load_from(stage, VBLK_PART_DESC, "", 8, 4);
    value_is(stage, 16);
    load_from(stage, VBLK_PART_USED, "", 0, 4);
    value_is(stage, 0);
    load_from(stage, VBLK_PART_HEADER, "r", UINT64_MAX - 1, 1);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_null(strstr(stage->watch.text, "!"));
    load_from(stage, VBLK_PART_OUTSIDE, "", 0, 2);
    add_a(stage, VBLK_STEP_STORE, "", 0)->bytes = (struct vblk_bytes){ .length = 2 };
    stage->steps[stage->count - 1].part = VBLK_PART_OUTSIDE;
    stage->steps[stage->count - 1].order = VBLK_RELEASE;
    played(stage);
    assert_non_null(strstr(stage->watch.text, "drv-load:mem+2! drv-store:mem+2! "));
}

static void writable_segments__come_first_in_the_writable_part(void **state)
{
    static const struct vblk_segment segment = { { { 0x55 } }, { { 0 } }, { { 0 } } };
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add(stage, VBLK_STEP_REQUEST, "d");
    step->request.segments = &segment;
    step->request.segment_count = 1;
    step->request.segments_writable = true;
    load_from(stage, VBLK_PART_IN, "d", 0, 8);
    value_is(stage, 0x55);
    load_from(stage, VBLK_PART_IN, "d", 16, 1);
    value_is(stage, 0xa5);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void register_writes__set_a_queue_up_by_hand(void **state)
{
    static const uint16_t regs[] = { VBLK_REG_QUEUE_SIZE, VBLK_REG_QUEUE_DESC, VBLK_REG_QUEUE_DRIVER,
                                     VBLK_REG_QUEUE_DEVICE };
    struct stage *stage = *state;
    struct vblk_step *step;

    add_a(stage, VBLK_STEP_REG_WRITE, "", 16)->reg = VBLK_REG_QUEUE_SIZE;
    for (size_t i = 0; i < 4; i++)
        add(stage, VBLK_STEP_REG_WRITE, "")->reg = regs[i];
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 15)->reg = VBLK_REG_STATUS;
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    add_expect(stage, "r", VBLK_S_OK, 513);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_SIZE, 0), 16);
    step = add_a(stage, VBLK_STEP_REG_WRITE, "", 1);
    step->reg = VBLK_REG_QUEUE_DESC;
    step->part = VBLK_PART_DESC;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 7)->reg = VBLK_REG_QUEUE_SIZE; /* no ring size */
    add_a(stage, VBLK_STEP_REG_WRITE, "", 8)->reg = VBLK_REG_QUEUE_SIZE;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_RESET;
    add(stage, VBLK_STEP_REG_WRITE, "")->reg = VBLK_REG_STATUS;
    add(stage, VBLK_STEP_REG_WRITE, "")->reg = VBLK_REG_QUEUE_SIZE;
    stage->steps[stage->count - 1].queue = 64;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, stage->count - 1);
    stage->steps[stage->count - 1].a_given = true;
    played(stage);
}

/* A queue that was larger before: its ids of then are nobody's now. */
static void id_of_a_ring_that_was_larger__answers_nothing(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 16)->reg = VBLK_REG_QUEUE_SIZE;
    for (uint16_t reg = VBLK_REG_QUEUE_DESC; reg <= VBLK_REG_QUEUE_DEVICE; reg++)
        add(stage, VBLK_STEP_REG_WRITE, "")->reg = reg;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    for (unsigned i = 0; i < 2; i++)
        add_read(stage, "r", 0, 512); /* heads 0 and 3 */
    for (unsigned i = 0; i < 3; i++)
        add_read(stage, "two", 0, 0); /* and 6, 8 and 10 */
    add_a(stage, VBLK_STEP_REG_WRITE, "", 8)->reg = VBLK_REG_QUEUE_SIZE;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    for (uint64_t id = 6; id < 12; id++)
        add_ab(stage, VBLK_STEP_DEV_ELEM, "", id, 0);
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->play.answered, 0);
    assert_int_equal(stage->play.bad_answers, 6);
}

/* Longer than what is moved at once: up to the last byte, wherever memory ends. */
static void long_loads_and_stores__go_on_where_they_were(void **state)
{
    struct stage *stage = *state;
    uint8_t byte;

    add_ab(stage, VBLK_STEP_LOAD, "", WATCH_GPA + WATCH_SIZE - 4096, 5000);
    add_a(stage, VBLK_STEP_STORE, "", WATCH_GPA)->bytes = (struct vblk_bytes){ .length = 9000, .seed = 5, .fill = true };
    played(stage);
    assert_non_null(strstr(stage->watch.text, "drv-load:mem+4096 drv-load:mem+904! drv-store:mem+4096 "));
    for (uint64_t at = 0; at < 9001; at++) {
        assert_int_equal(vblk_memory_peek(stage->watch.mem, WATCH_GPA + at, &byte, 1), VBLK_OK);
        assert_int_equal(byte, at < 9000 ? 5 : 0);
    }
}

/* A whole ring of answers at once is no jump. */
static void used_idx_a_whole_ring_on__all_are_answered(void **state)
{
    struct stage *stage = *state;

    stage->script.features |= VBLK_BIT(VBLK_F_INDIRECT_DESC);
    add(stage, VBLK_STEP_START, "");
    for (char name[2] = "a"; name[0] < 'i'; name[0]++) {
        add_read(stage, name, 0, 512)->request.indirect = true;
        add(stage, VBLK_STEP_AVAILABLE, name);
    }
    add(stage, VBLK_STEP_PUBLISH, "");
    for (char name[2] = "a"; name[0] < 'i'; name[0]++)
        add(stage, VBLK_STEP_DEV_COMPLETE, name);
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->play.answered, 8);
    assert_int_equal(stage->play.bad_answers, 0);
}

static void nothing_to_publish__nothing_is_stored(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_PUBLISH, "");
    played(stage);
    assert_non_null(strstr(stage->watch.text, "w:status=f end0 "));
}

/* IN_ORDER: one answer stands for those before it; one that names none of them stands for nobody. */
static void in_order_answer__for_all_before_it_or_for_nobody(void **state)
{
    struct stage *stage = *state;

    stage->script.features |= VBLK_BIT(VBLK_F_IN_ORDER);
    stage->script.queue_size = 16;
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 16,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    for (char name[2] = "a"; name[0] < 'e'; name[0]++) {
        add_read(stage, name, 0, 512); /* heads 0, 3, 6 and 9 */
        add(stage, VBLK_STEP_AVAILABLE, name);
    }
    add(stage, VBLK_STEP_PUBLISH, "");
    add_ab(stage, VBLK_STEP_DEV_ELEM, "", 6, 1);
    add_a(stage, VBLK_STEP_DEV_IDX, "", 3);
    add(stage, VBLK_STEP_LOOK, "");
    add_expect(stage, "a", 0xa5, 513); /* the puppet wrote no status; those passed over count as written to the end */
    add_expect(stage, "c", 0xa5, 1);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.answered, 3);
    stage->count = 12;
    stage->steps[10].a = 7;
    stage->steps[11].a = 1;
    add(stage, VBLK_STEP_LOOK, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.answered, 0);
    assert_int_equal(stage->play.bad_answers, 1);
}

static void registers_that_start_does_not_plan__get_zero(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_REG_WRITE, "")->reg = VBLK_REG_DRIVER_FEATURES;
    add(stage, VBLK_STEP_REG_WRITE, "")->reg = VBLK_REG_QUEUE_ENABLE;
    add(stage, VBLK_STEP_REG_WRITE, "")->reg = VBLK_REG_STATUS;
    played(stage);
    assert_non_null(strstr(stage->watch.text, "w:status=f w:driver-features=0 w:queue-enable=0 w:status=0 "));
}

static void reset_by_hand__forgets_what_is_outstanding(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 0)->reg = VBLK_REG_STATUS;
    add(stage, VBLK_STEP_WAIT, "");
    add(stage, VBLK_STEP_WAIT, "r");
    played(stage);
    assert_false(stage->play.hung);
}

static void forgotten_request__may_still_be_answered_once(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_FORGET, "r");
    add(stage, VBLK_STEP_FORGET, "r");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_LOOK, "");
    add_expect(stage, "r", VBLK_S_OK, 513);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.bad_answers, 0);
}

static void two_queues__each_with_its_own_ring(void **state)
{
    struct stage *stage = *state;
    const struct vblk_puppet two = { .features = V1, .num_queues = 2, .queue_max = 12 };

    stage->script.queues = 2;
    stage->script.queue_size = 0;
    stage->script.puppet = two;
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, 512);
    add_read(stage, "b", 0, 512)->queue = 1;
    add(stage, VBLK_STEP_AVAILABLE, "a");
    add(stage, VBLK_STEP_AVAILABLE, "b");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_PUBLISH, "")->queue = 1;
    add(stage, VBLK_STEP_DEV_COMPLETE, "b");
    add_a(stage, VBLK_STEP_WAIT, "", 3);
    played(stage);
    assert_true(stage->play.hung);
    assert_int_equal(stage->play.answered, 1);
    assert_int_equal(stage->watch.counts[VBLK_EV_QUIET], 1);
    assert_non_null(strstr(stage->watch.text, "quiet0"));
    assert_int_equal(vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_SIZE, 1), 8);
}

static void quiet_step__only_says_so_on_a_puppet(void **state)
{
    struct stage *stage = *state;

    add_a(stage, VBLK_STEP_QUIET, "", 5)->queue = 1;
    played(stage);
    assert_string_equal(stage->watch.text, "begin0 quiet1 end0 ");
}

static void arena_too_small_for_scratch__scratch_is_the_scripts_fault(void **state)
{
    struct stage *stage = *state;
    struct vblk_arena small = { WATCH_GPA, 8192 };

    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, small, 5);
    add(stage, VBLK_STEP_START, "");
    played(stage);
    load_from(stage, VBLK_PART_SCRATCH, "", 0, 2);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->script.queue_size = 32768;
    stage->steps[0] = vblk_step_make(VBLK_STEP_PUBLISH);
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void entry_beyond_a_table__is_the_scripts_fault(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512)->request.indirect = true;
    add_a(stage, VBLK_STEP_DESC, "r", 3); /* 0 is the descriptor that leads to the table */
    played(stage);
    add_a(stage, VBLK_STEP_DESC, "r", 4);
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void a_chain__each_descriptor_says_what_it_is(void **state)
{
    static const uint16_t flags[] = { VBLK_DESC_NEXT, VBLK_DESC_NEXT | VBLK_DESC_WRITE, VBLK_DESC_WRITE };
    static const uint32_t len[] = { 16, 512, 1 };
    struct stage *stage = *state;
    struct vblk_desc desc;
    uint64_t table;

    for (unsigned indirect = 0; indirect < 2; indirect++) {
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 512)->request.indirect = indirect;
        played(stage);
        table = vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0);
        if (indirect) {
            assert_int_equal(vblk_memory_peek(stage->watch.mem, table, &desc, sizeof(desc)), VBLK_OK);
            assert_int_equal(vblk_get16(desc.flags), VBLK_DESC_INDIRECT);
            assert_int_equal(vblk_get16(desc.next), 0);
            assert_int_equal(vblk_get32(desc.len), 48);
            table = vblk_get64(desc.addr);
        }
        for (uint16_t i = 0; i < 3; i++) {
            assert_int_equal(vblk_memory_peek(stage->watch.mem, table + 16u * i, &desc, sizeof(desc)), VBLK_OK);
            assert_int_equal(vblk_get16(desc.flags), flags[i]);
            assert_int_equal(vblk_get32(desc.len), len[i]);
            assert_int_equal(vblk_get16(desc.next), i < 2 ? i + 1 : 0);
        }
    }
}

static void raw_steps_on_a_queue_that_cannot_be__are_the_scripts_fault(void **state)
{
    static const enum vblk_step_kind kinds[] = { VBLK_STEP_AVAIL_SLOT, VBLK_STEP_AVAIL_IDX, VBLK_STEP_AVAIL_FLAGS, VBLK_STEP_DESC,
                                                 VBLK_STEP_PUBLISH,    VBLK_STEP_LOOK,      VBLK_STEP_QUEUE_RESET, VBLK_STEP_KICK };
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        stage->count = 1;
        add_ab(stage, kinds[i], "", 0, 0)->queue = 64;
        assert_int_equal(run(stage), VBLK_E_INVAL);
        assert_int_equal(stage->play.stopped_at, 1);
    }
}

static void suppressed_on_a_packed_ring__not_kicked(void **state)
{
    static const uint8_t disable[] = { 1, 0 };
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    for (unsigned suppressed = 0; suppressed < 2; suppressed++) {
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        if (suppressed) {
            add_a(stage, VBLK_STEP_DEV_STORE, "", 2)->part = VBLK_PART_USED;
            stage->steps[1].bytes = (struct vblk_bytes){ .given = disable, .length = 2 };
        }
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add(stage, VBLK_STEP_KICK, "");
        played(stage);
        assert_int_equal(stage->watch.counts[VBLK_EV_KICK], !suppressed);
    }
}

static void started_again__the_whole_ring_is_free(void **state)
{
    struct stage *stage = *state;

    for (unsigned round = 0; round < 3; round++) {
        if (round == 2) /* enabled again by hand: what was outstanding is not waited for */
            add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
        else
            add(stage, VBLK_STEP_START, "");
        add(stage, VBLK_STEP_WAIT, "");
        for (unsigned i = 0; i < 2; i++) {
            add_read(stage, i ? "b" : "a", 0, 512); /* six of eight descriptors */
            add(stage, VBLK_STEP_AVAILABLE, "");
        }
        add(stage, VBLK_STEP_PUBLISH, "");
    }
    played(stage);
    assert_false(stage->play.hung);
    stage->count = 7;
    add(stage, VBLK_STEP_START, "");
    for (unsigned i = 0; i < 2; i++) {
        add_read(stage, i ? "b" : "a", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "");
    }
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "a");
    add(stage, VBLK_STEP_DEV_COMPLETE, "b");
    add(stage, VBLK_STEP_WAIT, "");
    for (unsigned i = 0; i < 2; i++) {
        add_a(stage, VBLK_STEP_LOAD, "", 4 + 2 * i)->part = VBLK_PART_AVAIL; /* their heads */
        add(stage, VBLK_STEP_EXPECT, "")->expect = (struct vblk_step_expect){ .value_checked = true, .value = 3 * i,
                                                                              .value_mask = 0xffff };
    }
    played(stage);
    assert_int_equal(stage->play.answered, 2);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void configuration_is_read_four_bytes_at_a_time(void **state)
{
    struct stage *stage = *state;

    add_a(stage, VBLK_STEP_CONFIG_READ, "", 8);
    add(stage, VBLK_STEP_DEV_CONFIG_NOTIFY, "");
    played(stage);
    assert_string_equal(stage->watch.text, "begin0 cr:8+4 config0 end0 ");
    stage->count = 0;
    add_a(stage, VBLK_STEP_CONFIG_WRITE, "", (uint64_t)UINT32_MAX + 1)->bytes.length = 4;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0].kind = VBLK_STEP_CONFIG_READ;
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void answered_request__is_not_waited_for(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    played(stage);
    assert_int_equal(stage->watch.counts[VBLK_EV_LOOK], 1);
    add(stage, VBLK_STEP_WAIT, "x"); /* nobody of that name */
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[stage->count - 1].kind = VBLK_STEP_DEV_TAKE;
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

/* Its entry may be another request's by now, even one with the same head: that one is another queue's. */
static void answer_on_another_queue__is_nobodys(void **state)
{
    const struct vblk_arena arena = { WATCH_GPA, 4096 };
    struct stage *stage = *state;

    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, arena, 5);
    stage->script.queues = 2;
    stage->script.puppet = (struct vblk_puppet){ .features = V1, .num_queues = 2, .queue_max = 8, .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    for (uint16_t i = 0; i < 3; i++) { /* each where the one before was */
        add_read(stage, "r", 0, 2000)->queue = i > 0;
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "")->queue = i > 0;
        if (i == 2)
            break;
        add(stage, VBLK_STEP_DEV_COMPLETE, "r");
        add(stage, VBLK_STEP_LOOK, "")->queue = i > 0;
    }
    add_ab(stage, VBLK_STEP_DEV_ELEM, "", 0, 1);
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->play.answered, 2);
    assert_int_equal(stage->play.bad_answers, 1);
}

static uint64_t kick_value;

static void hear_kick(void *ctx, const struct vblk_event *ev)
{
    (void)ctx;
    if (ev->kind == VBLK_EV_KICK)
        kick_value = ev->value;
}

static void notification_data__says_how_far_the_driver_is(void **state)
{
    struct stage *stage = *state;

    for (unsigned packed = 0; packed < 2; packed++) {
        stage->count = 0;
        stage->script.features = V1 | VBLK_BIT(VBLK_F_NOTIFICATION_DATA) | (packed ? VBLK_BIT(VBLK_F_RING_PACKED) : 0);
        stage->script.queues = 2;
        stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 2, .queue_max = 8,
                                                     .config_length = 64 };
        add(stage, VBLK_STEP_START, "");
        for (unsigned i = 0; i < 2; i++) {
            add_read(stage, "r", 0, 512)->queue = 1;
            add(stage, VBLK_STEP_AVAILABLE, "r");
        }
        add(stage, VBLK_STEP_PUBLISH, "")->queue = 1;
        add(stage, VBLK_STEP_KICK, "")->queue = 1;
        stage->watch.port->observe = hear_kick;
        played(stage);
        assert_int_equal(kick_value, 1 | (packed ? 6u | 1u << 15 : 2u) << 16); /* six descriptors, or two chains */
    }
}

static struct vblk_event last_access;

static void hear_access(void *ctx, const struct vblk_event *ev)
{
    (void)ctx;
    if (ev->kind == VBLK_EV_LOAD || ev->kind == VBLK_EV_STORE)
        last_access = *ev;
}

static void two_bytes_with_an_order__are_one_access_where_they_are_aligned(void **state)
{
    static const uint8_t bytes[] = { 0x34, 0x12 };
    struct stage *stage = *state;

    vblk_memory_set_tap(stage->watch.mem, hear_access, NULL);
    for (unsigned odd = 0; odd < 2; odd++)
        for (unsigned load = 0; load < 2; load++) {
            struct vblk_step *step;

            stage->count = 0;
            step = add_a(stage, load ? VBLK_STEP_LOAD : VBLK_STEP_STORE, "v", WATCH_GPA + 4 + odd);
            step->order = load ? VBLK_ACQUIRE : VBLK_RELEASE;
            step->bytes = (struct vblk_bytes){ .given = bytes, .length = 2 };
            if (load) {
                step = add(stage, VBLK_STEP_EXPECT, "v");
                step->expect.value_checked = true;
                step->expect.value = 0x1234;
                step->expect.value_mask = 0xffff;
            }
            if (load)
                assert_int_equal(vblk_memory_poke(stage->watch.mem, WATCH_GPA + 4 + odd, bytes, 2), VBLK_OK);
            played(stage);
            assert_int_equal(stage->play.surprise_count, 0);
            assert_int_equal(last_access.at, WATCH_GPA + 4 + odd);
            assert_int_equal(last_access.len, 2);
            assert_int_equal(last_access.order, odd ? VBLK_RELAXED : load ? VBLK_ACQUIRE : VBLK_RELEASE);
        }
}

static void start__zeroes_the_rings_and_no_byte_more(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    played(stage);
    assert_string_equal(watch_between(&stage->watch, "drv-store", "w:"), "drv-store:mem+128 drv-store:mem+22 drv-store:mem+70 ");
}

static void features_written_by_hand__are_those_of_the_next_ring(void **state)
{
    struct stage *stage = *state;
    struct vblk_packed_desc desc;

    stage->script.puppet = (struct vblk_puppet){ .features = V1 | VBLK_BIT(VBLK_F_RING_PACKED), .num_queues = 1,
                                                 .queue_max = 8, .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", V1 | VBLK_BIT(VBLK_F_RING_PACKED))->reg = VBLK_REG_DRIVER_FEATURES;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    played(stage);
    assert_int_equal(vblk_memory_peek(stage->watch.mem, vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0), &desc,
                                      sizeof(desc)), VBLK_OK);
    assert_int_equal(vblk_get16(desc.flags), VBLK_DESC_AVAIL | VBLK_DESC_NEXT);
}

static void packed_answer_without_a_length__has_none_to_expect(void **state)
{
    static const uint8_t answers[2][8] = { { 5, 0, 0, 0, 0, 0, 0x80, 0x80 }, { 5, 0, 0, 0, 0, 0, 0x82, 0x80 } };
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = V1 | VBLK_BIT(VBLK_F_RING_PACKED), .num_queues = 1,
                                                 .queue_max = 8, .config_length = 64 };
    for (unsigned wrote = 0; wrote < 2; wrote++) {
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add_a(stage, VBLK_STEP_DEV_STORE, "", 8)->part = VBLK_PART_DESC;
        stage->steps[stage->count - 1].bytes = (struct vblk_bytes){ .given = answers[wrote], .length = 8 };
        add(stage, VBLK_STEP_LOOK, "");
        add_expect(stage, "r", 0xa5, 9);
        played(stage);
        assert_int_equal(stage->play.answered, 1);
        assert_int_equal(stage->play.surprise_count, wrote);
    }
}

static void taken_by_name__taken_once(void **state)
{
    struct stage *stage = *state;
    uint64_t loads = 0;

    for (unsigned packed = 0; packed < 2; packed++)
        for (unsigned times = 0; times < 3; times++) {
            stage->count = 0;
            stage->script.features = V1 | (packed ? VBLK_BIT(VBLK_F_RING_PACKED) : 0);
            stage->script.puppet = (struct vblk_puppet){ .features = V1 | VBLK_BIT(VBLK_F_RING_PACKED), .num_queues = 1,
                                                     .queue_max = 8, .config_length = 64 };
            add(stage, VBLK_STEP_START, "");
            for (char name[2] = "a"; name[0] < 'c'; name[0]++) {
                add_read(stage, name, 0, 0);
                add(stage, VBLK_STEP_AVAILABLE, name);
            }
            add(stage, VBLK_STEP_PUBLISH, "");
            add(stage, VBLK_STEP_DEV_TAKE, "b");
            add_read(stage, "c", 0, 0);
            add(stage, VBLK_STEP_AVAILABLE, "c");
            add(stage, VBLK_STEP_PUBLISH, "");
            for (unsigned i = 0; i < times; i++)
                add(stage, VBLK_STEP_DEV_TAKE, i ? "a" : "b");
            played(stage);
            if (times > 0)
                assert_int_equal(stage->watch.counts[VBLK_EV_LOAD], loads);
            loads = stage->watch.counts[VBLK_EV_LOAD];
        }
}

static void puppet_that_cannot_be__nothing_is_played(void **state)
{
    struct stage *stage = *state;

    stage->script.puppet = (struct vblk_puppet){ .features = V1, .num_queues = 65, .queue_max = 8, .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, 0);
    assert_string_equal(stage->watch.text, "begin0 end0 ");
}

static void register_of_a_queue_that_cannot_be__is_written_and_nothing_else(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_REG_READ, "a-name-of-some-length")->reg = VBLK_REG_DEVICE_ID;
    for (uint16_t reg = VBLK_REG_QUEUE_SIZE; reg <= VBLK_REG_QUEUE_RESET; reg++) {
        step = add_a(stage, VBLK_STEP_REG_WRITE, "", reg == VBLK_REG_QUEUE_SIZE ? 8 : 0x1111111111111111);
        step->reg = reg;
        step->queue = 64;
    }
    step = add(stage, VBLK_STEP_EXPECT, "a-name-of-some-length");
    step->expect.value_checked = true;
    step->expect.value = VBLK_DEVICE_ID_BLOCK;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->watch.counts[VBLK_EV_REG_WRITE], 6);
}

static void configuration_past_its_end__reads_as_zero(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    stage->script.puppet = (struct vblk_puppet){ .features = V1, .num_queues = 1, .queue_max = 8, .config_length = 64 };
    stage->script.puppet.config[62] = 0x22;
    stage->script.puppet.config[63] = 0x33;
    add_ab(stage, VBLK_STEP_CONFIG_READ, "c", 62, 8);
    step = add(stage, VBLK_STEP_EXPECT, "c");
    step->expect.value_checked = true;
    step->expect.value = 0x3322;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void register_writes__forget_what_is_in_flight_only_when_they_reset(void **state)
{
    static const struct {
        uint16_t reg;
        uint64_t value;
        bool forgets;
    } rows[] = { { VBLK_REG_STATUS, 0, true },       { VBLK_REG_STATUS, 0x100, true },  { VBLK_REG_STATUS, 1, false },
                 { VBLK_REG_QUEUE_RESET, 1, true },  { VBLK_REG_QUEUE_RESET, 0, false }, { VBLK_REG_QUEUE_ENABLE, 0, false },
                 { VBLK_REG_GENERATION, 0, false },  { VBLK_REG_GENERATION, 1, false } };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add_a(stage, VBLK_STEP_REG_WRITE, "", rows[i].value)->reg = rows[i].reg;
        add(stage, VBLK_STEP_WAIT, "");
        played(stage);
        assert_int_equal(stage->play.hung, !rows[i].forgets);
    }
}

static void outside__is_beyond_the_last_of_many_regions(void **state)
{
    struct stage *stage = *state;

    for (uint64_t i = 0; i < 3; i++) {
        const struct vblk_region next = { .gpa = WATCH_GPA + WATCH_SIZE + 4096 * i, .size = 4096, .fd = -1 };

        assert_int_equal(vblk_memory_add(stage->watch.mem, &next), VBLK_OK);
        stage->count = 0;
        add_a(stage, VBLK_STEP_LOAD, "", 0)->part = VBLK_PART_OUTSIDE;
        played(stage);
        assert_non_null(strstr(stage->watch.text, "drv-load:mem+2! "));
    }
}

static void name_of_a_queue__is_asked_for_again_after_a_reset(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    for (uint64_t name = 5; name < 8; name++) {
        add_a(stage, VBLK_STEP_DEV_REG, "", name)->reg = VBLK_REG_QUEUE_NOTIF_CONFIG_DATA;
        add(stage, VBLK_STEP_START, "");
        add(stage, VBLK_STEP_KICK, "");
        stage->watch.port->observe = hear_kick;
        played(stage);
        assert_int_equal(kick_value, name);
    }
}

static void packed_ring_outside_memory__nothing_is_done_on_it(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 0)->reg = VBLK_REG_QUEUE_DESC;
    stage->steps[1].part = VBLK_PART_OUTSIDE;
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    add(stage, VBLK_STEP_LOOK, "");
    add_read(stage, "r", 0, 512);
    played(stage);
    assert_int_equal(stage->watch.counts[VBLK_EV_KICK], 1);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count--;
    add_read(stage, "s", 0, 512)->kind = VBLK_STEP_SUBMIT;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count = 1;
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_DESC, "r", 0)->desc_sets = VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN;
    assert_int_equal(run(stage), VBLK_E_INVAL); /* a packed chain has no such member */
}

static void in_order__descriptors_are_used_in_the_order_of_the_ring(void **state)
{
    struct stage *stage = *state;

    for (unsigned in_order = 0; in_order < 2; in_order++) {
        stage->count = 0;
        stage->script.features = V1 | (in_order ? VBLK_BIT(VBLK_F_IN_ORDER) : 0);
        stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                     .config_length = 64 };
        add(stage, VBLK_STEP_START, "");
        for (unsigned i = 0; i < 4; i++) {
            add_read(stage, "r", 0, 512);
            add(stage, VBLK_STEP_AVAILABLE, "r");
            add(stage, VBLK_STEP_PUBLISH, "");
            add(stage, VBLK_STEP_DEV_COMPLETE, "r");
            add(stage, VBLK_STEP_LOOK, "");
            add_a(stage, VBLK_STEP_LOAD, "", 4 + 2 * i)->part = VBLK_PART_AVAIL;
            add(stage, VBLK_STEP_EXPECT, "")->expect = (struct vblk_step_expect){
                .value_checked = true, .value = in_order ? 3 * i % 8 : 0, .value_mask = 0xffff
            };
        }
        played(stage);
        assert_int_equal(stage->play.surprise_count, 0);
    }
}

static void many_writable_segments__each_is_where_it_belongs(void **state)
{
    static struct vblk_segment segments[300];
    struct stage *stage = *state;
    struct vblk_segment seen;
    struct vblk_step *step;
    uint64_t at;

    for (uint32_t i = 0; i < 300; i++)
        segments[i].sector = vblk_put64(1000 + i);
    add(stage, VBLK_STEP_START, "");
    step = add_read(stage, "r", 0, 0);
    step->request.segments = segments;
    step->request.segment_count = 300;
    step->request.segments_writable = true;
    played(stage);
    at = vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0) + 16; /* the second descriptor */
    assert_int_equal(vblk_memory_peek(stage->watch.mem, at, &seen, 8), VBLK_OK);
    at = vblk_get64(seen.sector); /* an address, here */
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(vblk_memory_peek(stage->watch.mem, at + 16 * i, &seen, sizeof(seen)), VBLK_OK);
        assert_int_equal(vblk_get64(seen.sector), 1000 + i);
    }
}

static void idx_below_the_slots_written__the_next_slot_is_past_them(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    for (uint16_t i = 0; i < 4; i++) {
        add_read(stage, "r", 0, 0); /* heads 0, 2, 4 and 6 */
        add(stage, VBLK_STEP_AVAILABLE, "r");
        if (i == 2)
            add_a(stage, VBLK_STEP_AVAIL_IDX, "", 1);
    }
    for (unsigned i = 0; i < 4; i++) {
        add_a(stage, VBLK_STEP_LOAD, "", 4 + 2 * i)->part = VBLK_PART_AVAIL;
        add(stage, VBLK_STEP_EXPECT, "")->expect = (struct vblk_step_expect){ .value_checked = true, .value = 2 * i,
                                                                              .value_mask = 0xffff };
    }
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void descriptor_of_a_packed_ring__its_members_lie_as_there(void **state)
{
    struct stage *stage = *state;
    struct vblk_packed_desc desc;
    struct vblk_step *step;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    step = add_a(stage, VBLK_STEP_DESC, "", 1);
    step->desc = (struct vblk_desc){ vblk_put64(0x1234), vblk_put32(5), vblk_put16(VBLK_DESC_WRITE), vblk_put16(77) };
    played(stage);
    assert_int_equal(vblk_memory_peek(stage->watch.mem, vblk_puppet_reg(stage->watch.port, VBLK_REG_QUEUE_DESC, 0) + 16,
                                      &desc, sizeof(desc)), VBLK_OK);
    assert_int_equal(vblk_get64(desc.addr), 0x1234);
    assert_int_equal(vblk_get32(desc.len), 5);
    assert_int_equal(vblk_get16(desc.flags), VBLK_DESC_WRITE);
    assert_int_equal(vblk_get16(desc.id), 77);
}

static void more_frames_than_a_request_can_have__are_the_scripts_fault(void **state)
{
    static const uint32_t frames[VBLK_FRAMES_MAX + 1] = { 16 };
    struct stage *stage = *state;
    struct vblk_step_request *req;

    add(stage, VBLK_STEP_START, "");
    req = &add_read(stage, "r", 0, 512)->request;
    req->indirect = true;
    req->readable_frames = frames;
    req->readable_frame_count = VBLK_FRAMES_MAX;
    played(stage);
    req->readable_frame_count++;
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void offset_before_a_request__counts_backwards(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_LOAD, "r", 0)->part = VBLK_PART_HEADER;
    vblk_memory_set_tap(stage->watch.mem, hear_access, NULL);
    played(stage);
    stage->steps[2].a -= 16;
    {
        const uint64_t header = last_access.at;

        played(stage);
        assert_int_equal(last_access.at, header - 16);
    }
}

static void answer_to_what_was_forgotten_by_a_start__is_nobodys(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < 2; i++) {
        add(stage, VBLK_STEP_START, "");
        if (i == 0)
            add_read(stage, "r", 0, 512);
    }
    add_ab(stage, VBLK_STEP_DEV_ELEM, "", 0, 1);
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->play.answered, 0);
    assert_int_equal(stage->play.bad_answers, 1);
}

static void packed_ring_full_of_unanswered__is_no_fault_of_the_script(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    for (unsigned i = 0; i < 4; i++)
        add_a(stage, VBLK_STEP_SUBMIT, "s", 1)->request.in_length = 512;
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.err, VBLK_E_TIMEOUT);
    assert_int_equal(stage->play.stopped_at, 3);
}

static void frames_counted_but_not_given__are_none(void **state)
{
    struct stage *stage = *state;
    struct vblk_step_request *req;

    add(stage, VBLK_STEP_START, "");
    req = &add_read(stage, "r", 0, 512)->request;
    req->readable_frame_count = 3;
    req->writable_frame_count = 5;
    add_a(stage, VBLK_STEP_DESC, "r", 2);
    played(stage);
    add_a(stage, VBLK_STEP_DESC, "r", 3);
    assert_int_equal(run(stage), VBLK_E_INVAL); /* header, data and status */
}

/* Where the device's wish can't be read, it is told once too often. */
static void wish_that_cannot_be_read__is_to_be_told(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    for (unsigned i = 0; i < 3; i++) {
        stage->count = 0;
        stage->script.features = V1 | (i == 1 ? VBLK_BIT(VBLK_F_EVENT_IDX) : 0) | (i == 2 ? VBLK_BIT(VBLK_F_RING_PACKED) : 0);
        stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                     .config_length = 64 };
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        step = add_a(stage, VBLK_STEP_REG_WRITE, "", 0);
        step->reg = VBLK_REG_QUEUE_DEVICE;
        step->part = VBLK_PART_OUTSIDE;
        add(stage, VBLK_STEP_KICK, "");
        played(stage);
        assert_int_equal(stage->watch.counts[VBLK_EV_KICK], 1);
    }
}

static void looking_at_a_packed_ring__is_told_as_such(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_RING_PACKED);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_LOOK, "");
    played(stage);
    assert_int_equal(stage->watch.counts[VBLK_EV_LOOK], 1);
}

static void sizes_that_wrap_round__are_the_scripts_fault(void **state)
{
    static const struct vblk_segment segment;
    struct stage *stage = *state;

    for (uint64_t less = 0; less < 40; less++) {
        struct vblk_step *step;

        stage->count = 0;
        step = add_read(stage, "in", 0, UINT64_MAX - less);
        step->request.segments = &segment;
        step->request.segment_count = 1;
        step->request.segments_writable = true;
        assert_int_equal(run(stage), VBLK_E_INVAL);
        stage->count = 0;
        add_read(stage, "out", 0, 0)->request.out.length = UINT64_MAX - less;
        assert_int_equal(run(stage), VBLK_E_INVAL);
    }
}

static void arena_that_begins_outside_memory__is_the_callers_fault(void **state)
{
    struct stage *stage = *state;

    for (uint64_t outside = 1; outside < 40; outside++) {
        const struct vblk_arena arena = { WATCH_GPA - outside, 8192 };

        vblk_player_free(stage->player);
        stage->player = vblk_player_new(stage->watch.port, arena, 5);
        stage->count = 0;
        add_read(stage, "r", 0, 30);
        assert_int_equal(run(stage), VBLK_E_INVAL);
    }
}

static void arena_outside_memory__is_the_callers_fault(void **state)
{
    struct stage *stage = *state;
    struct vblk_arena nowhere = { 0x10000000, 65536 };

    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, nowhere, 5);
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(raw_rings__bypass_nothing_the_player_must_know),
        STAGED(one_head_in_two_slots__is_played),
        STAGED(idx_that_jumps_or_goes_back__the_next_slot_follows),
        STAGED(slot_or_descriptor_beyond_the_ring__is_the_scripts_fault),
        STAGED(descriptors__only_what_is_set_changes),
        STAGED(parts__are_where_the_request_lies),
        STAGED(writable_segments__come_first_in_the_writable_part),
        STAGED(register_writes__set_a_queue_up_by_hand),
        STAGED(id_of_a_ring_that_was_larger__answers_nothing),
        STAGED(long_loads_and_stores__go_on_where_they_were),
        STAGED(used_idx_a_whole_ring_on__all_are_answered),
        STAGED(nothing_to_publish__nothing_is_stored),
        STAGED(in_order_answer__for_all_before_it_or_for_nobody),
        STAGED(registers_that_start_does_not_plan__get_zero),
        STAGED(reset_by_hand__forgets_what_is_outstanding),
        STAGED(forgotten_request__may_still_be_answered_once),
        STAGED(two_queues__each_with_its_own_ring),
        STAGED(quiet_step__only_says_so_on_a_puppet),
        STAGED(arena_too_small_for_scratch__scratch_is_the_scripts_fault),
        STAGED(entry_beyond_a_table__is_the_scripts_fault),
        STAGED(a_chain__each_descriptor_says_what_it_is),
        STAGED(raw_steps_on_a_queue_that_cannot_be__are_the_scripts_fault),
        STAGED(suppressed_on_a_packed_ring__not_kicked),
        STAGED(started_again__the_whole_ring_is_free),
        STAGED(configuration_is_read_four_bytes_at_a_time),
        STAGED(answered_request__is_not_waited_for),
        STAGED(answer_on_another_queue__is_nobodys),
        STAGED(notification_data__says_how_far_the_driver_is),
        STAGED(two_bytes_with_an_order__are_one_access_where_they_are_aligned),
        STAGED(start__zeroes_the_rings_and_no_byte_more),
        STAGED(features_written_by_hand__are_those_of_the_next_ring),
        STAGED(packed_answer_without_a_length__has_none_to_expect),
        STAGED(taken_by_name__taken_once),
        STAGED(puppet_that_cannot_be__nothing_is_played),
        STAGED(register_of_a_queue_that_cannot_be__is_written_and_nothing_else),
        STAGED(configuration_past_its_end__reads_as_zero),
        STAGED(register_writes__forget_what_is_in_flight_only_when_they_reset),
        STAGED(outside__is_beyond_the_last_of_many_regions),
        STAGED(name_of_a_queue__is_asked_for_again_after_a_reset),
        STAGED(packed_ring_outside_memory__nothing_is_done_on_it),
        STAGED(in_order__descriptors_are_used_in_the_order_of_the_ring),
        STAGED(many_writable_segments__each_is_where_it_belongs),
        STAGED(idx_below_the_slots_written__the_next_slot_is_past_them),
        STAGED(descriptor_of_a_packed_ring__its_members_lie_as_there),
        STAGED(more_frames_than_a_request_can_have__are_the_scripts_fault),
        STAGED(offset_before_a_request__counts_backwards),
        STAGED(answer_to_what_was_forgotten_by_a_start__is_nobodys),
        STAGED(packed_ring_full_of_unanswered__is_no_fault_of_the_script),
        STAGED(frames_counted_but_not_given__are_none),
        STAGED(wish_that_cannot_be_read__is_to_be_told),
        STAGED(looking_at_a_packed_ring__is_told_as_such),
        STAGED(sizes_that_wrap_round__are_the_scripts_fault),
        STAGED(arena_that_begins_outside_memory__is_the_callers_fault),
        STAGED(arena_outside_memory__is_the_callers_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
