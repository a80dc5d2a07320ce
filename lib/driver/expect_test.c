/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts against a puppet: expectations, and scripts that can not be played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stage.h"

static void disk__what_is_written_can_be_read_and_zeroed(void **state)
{
    static const struct vblk_segment zero = { { { 9 } }, { { 1 } }, { { 0 } } };
    static const char *const names[] = { "w", "r1", "z", "r2" };
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add_ab(stage, VBLK_STEP_DISK, "", 8, 2);
    step->bytes = (struct vblk_bytes){ .length = 512, .seed = 3 };
    step = add(stage, VBLK_STEP_REQUEST, "w");
    step->request.type = VBLK_T_OUT;
    step->request.sector = 8;
    step->request.out = (struct vblk_bytes){ .length = 512, .seed = 5 };
    add_read(stage, "r1", 8, 1024);
    step = add(stage, VBLK_STEP_REQUEST, "z");
    step->request.type = VBLK_T_WRITE_ZEROES;
    step->request.segments = &zero;
    step->request.segment_count = 1;
    stage->script.queue_size = 16;
    add_read(stage, "r2", 9, 512);
    for (size_t i = 0; i < 4; i++)
        add(stage, VBLK_STEP_AVAILABLE, names[i]);
    add(stage, VBLK_STEP_PUBLISH, "");
    for (size_t i = 0; i < 4; i++)
        add(stage, VBLK_STEP_DEV_COMPLETE, names[i]);
    add(stage, VBLK_STEP_WAIT, "");
    step = add_expect(stage, "r1", VBLK_S_OK, 1025);
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 512, .seed = 5 };
    step = add_expect(stage, "r2", VBLK_S_OK, 513);
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 512, .fill = true };
    step = add(stage, VBLK_STEP_EXPECT, "r2");
    step->expect.data_same_as = true;
    memcpy(step->expect.other, "r1", 3);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 1);
    assert_string_equal(stage->play.surprise[0].seen, "0x00");
}

static void disk__is_filled_over_and_over_and_compared_to_the_last_byte(void **state)
{
    static const struct { const char *name; struct vblk_bytes want; } reads[] = {
        { "last", { .length = 1024, .seed = 3 } },
        { "beyond", { .length = 512, .fill = true } },
        { "odd", { .length = 700, .seed = 3 } },
    };
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    stage->script.queue_size = 16;
    add_ab(stage, VBLK_STEP_DISK, "", 8, 3)->bytes = (struct vblk_bytes){ .length = 1024, .seed = 3 };
    add_read(stage, "last", 12, 1024);
    add_read(stage, "beyond", 14, 512);
    add_read(stage, "odd", 8, 700);
    for (size_t i = 0; i < 3; i++)
        add(stage, VBLK_STEP_AVAILABLE, reads[i].name);
    add(stage, VBLK_STEP_PUBLISH, "");
    for (size_t i = 0; i < 3; i++)
        add(stage, VBLK_STEP_DEV_COMPLETE, reads[i].name);
    add(stage, VBLK_STEP_WAIT, "");
    for (size_t i = 0; i < 3; i++) {
        struct vblk_step *step = add(stage, VBLK_STEP_EXPECT, reads[i].name);
        step->expect.data_equals = true;
        step->expect.data = reads[i].want;
    }
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.answered, 3);
}

/* Wherever it is: the surprise names the first byte that differs, and both values. */
static void expectations__only_what_is_in_the_set_is_allowed(void **state)
{
    struct stage *stage = *state;

    for (size_t n = 1; n <= VBLK_SET_MAX; n++) {
        struct vblk_step *step;

        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 0);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add_ab(stage, VBLK_STEP_DEV_COMPLETE, "r", VBLK_S_OK, 0);
        add(stage, VBLK_STEP_WAIT, "");
        step = add(stage, VBLK_STEP_EXPECT, "r"); /* neither status 0 nor length 0 */
        step->expect.status_count = step->expect.len_count = (uint8_t)n;
        for (size_t i = 0; i < VBLK_SET_MAX; i++) {
            step->expect.status[i] = (uint8_t)(i < n ? i + 1 : 0);
            step->expect.len[i] = i < n ? i + 1 : 0;
        }
        played(stage);
        assert_int_equal(stage->play.surprise_count, 2);
    }
}

static void answered_twice__one_surprise_unless_one_answer_is_a_must(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 0);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_DEV_STATUS_BYTE, "r", VBLK_S_OK);
    for (unsigned i = 0; i < 2; i++)
        add_ab(stage, VBLK_STEP_DEV_ELEM, "", 0, 1);
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    add_expect(stage, "r", VBLK_S_OK, 1);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 1);
    stage->steps[stage->count - 1].expect.must_answer = true;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 2);
}

static void device_that_needs_a_reset__says_so_once_and_is_no_fault_of_the_script(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    for (unsigned i = 0; i < 2; i++) {
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
    }
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_DEV_STATUS, "", 0x4f);
    add(stage, VBLK_STEP_DEV_CONFIG_NOTIFY, "");
    add(stage, VBLK_STEP_WAIT, "");
    add_read(stage, "more", 0, 512); /* does not fit: the device keeps the others */
    assert_int_equal(run(stage), VBLK_OK);
    assert_true(stage->play.needs_reset);
    assert_false(stage->play.hung);
    assert_int_equal(stage->play.err, VBLK_E_TIMEOUT);
    stage->count--;
    add(stage, VBLK_STEP_WAIT, ""); /* it is known by now: waits until time is up */
    assert_int_equal(run(stage), VBLK_OK);
    assert_true(stage->play.hung);
}

static void value_kept_often__leaves_room_for_others(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    for (unsigned i = 0; i < 40; i++)
        add(stage, VBLK_STEP_REG_READ, "a")->reg = VBLK_REG_STATUS;
    add(stage, VBLK_STEP_REG_READ, "b")->reg = VBLK_REG_DEVICE_ID;
    add(stage, VBLK_STEP_REG_READ, "a")->reg = VBLK_REG_NUM_QUEUES;
    for (unsigned i = 0; i < 2; i++) {
        step = add(stage, VBLK_STEP_EXPECT, i ? "b" : "a");
        step->expect.value_checked = true;
        step->expect.value = i ? VBLK_DEVICE_ID_BLOCK : 1;
    }
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void news_from_before_the_script__are_none(void **state)
{
    struct stage *stage = *state;

    vblk_port_notified(stage->watch.port, VBLK_EV_CONFIG_NOTIFY, 0);
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_NOTIFY, "");
    add(stage, VBLK_STEP_WAIT, "");
    played(stage);
    /* once, when time was up */
    assert_int_equal(stage->watch.counts[VBLK_EV_REG_READ], 8);
}

static void no_answer__whatever_was_expected_of_it(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_REQUEST, "r");
    for (unsigned i = 0; i < 6; i++) {
        struct vblk_step_expect *expect;

        stage->count = 2;
        expect = &add(stage, VBLK_STEP_EXPECT, "r")->expect;
        expect->status_count = i == 0;
        expect->len_count = i == 1;
        expect->data_equals = i == 2;
        expect->data_same_as = i == 3;
        expect->must_answer = i == 4;
        played(stage);
        assert_int_equal(stage->play.surprise_count, i < 5); /* nothing expected, nothing missed */
    }
}

static void value_kept_again__is_the_new_one(void **state)
{
    static const char *const names[] = { "a", "b", "ab", "v", "w" };
    struct stage *stage = *state;

    for (uint64_t round = 1; round < 4; round++)
        for (size_t i = 0; i < 5; i++) {
            add_a(stage, VBLK_STEP_DEV_REG, "", 10 * round + i)->reg = VBLK_REG_GENERATION;
            add(stage, VBLK_STEP_REG_READ, names[i])->reg = VBLK_REG_GENERATION;
        }
    for (size_t i = 0; i < 5; i++) {
        struct vblk_step *step = add(stage, VBLK_STEP_EXPECT, names[i]);

        step->expect.value_checked = true;
        step->expect.value = 30 + i;
        step->expect.value_mask = 0xff;
    }
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void data_that_differ__the_first_such_byte_is_named(void **state)
{
    static const uint64_t places[] = { 0, 1, 511, 512, 700, 1023, 1499 };
    static uint8_t disk[1536];
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char text[64];
        struct vblk_step *step;

        memset(disk, 1, sizeof(disk));
        memset(disk + places[i], 2, sizeof(disk) - places[i]);
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add(stage, VBLK_STEP_DISK, "")->bytes = (struct vblk_bytes){ .given = disk, .length = sizeof(disk) };
        add_read(stage, "r", 0, 1500);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add(stage, VBLK_STEP_DEV_COMPLETE, "r");
        add(stage, VBLK_STEP_WAIT, "");
        step = add_expect(stage, "r", VBLK_S_OK, 1501);
        step->expect.data_equals = true;
        step->expect.data = (struct vblk_bytes){ .length = 1500, .seed = 1, .fill = true };
        played(stage);
        assert_int_equal(stage->play.surprise_count, 1);
        assert_true((size_t)snprintf(text, sizeof(text), "data byte %u is 0x01", (unsigned)places[i]) < sizeof(text));
        assert_string_equal(stage->play.surprise[0].expected, text);
        assert_string_equal(stage->play.surprise[0].seen, "0x02");
    }
}

static void expectations__surprises_say_both_sides(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_ab(stage, VBLK_STEP_DEV_COMPLETE, "r", 9, 700);
    add(stage, VBLK_STEP_LOOK, "");
    step = add_expect(stage, "r", VBLK_S_OK, 513);
    step->expect.status[1] = VBLK_S_UNSUPP;
    step->expect.status_count = 2;
    step->expect.len[1] = 512;
    step->expect.len[2] = 1;
    step->expect.len_count = 3;
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 512, .fill = true, .seed = 0xa5 };
    played(stage);
    assert_int_equal(stage->play.surprise_count, 2);
    assert_string_equal(stage->play.surprise[0].expected, "status OK or UNSUPP");
    assert_string_equal(stage->play.surprise[0].seen, "status 0x09");
    assert_string_equal(stage->play.surprise[1].expected, "used length 513, 512 or 1");
    assert_string_equal(stage->play.surprise[1].seen, "used length 700");
    assert_int_equal(stage->play.surprise[1].step, 6);
}

static void expect_data_of_the_wrong_length__is_the_scripts_fault(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    step = add(stage, VBLK_STEP_EXPECT, "r");
    step->expect.data_equals = true;
    step->expect.data.length = 513;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    step->expect.data_equals = false;
    step->expect.data_same_as = true;
    memcpy(step->expect.other, "nobody", 7);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, 6);
}

static void no_status_byte__is_no_status_to_expect(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512)->request.no_status = true;
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_COMPLETE, "r");
    add(stage, VBLK_STEP_WAIT, "r");
    add_expect(stage, "r", VBLK_S_OK, 512);
    played(stage);
    assert_int_equal(stage->play.surprise_count, 1);
    assert_string_equal(stage->play.surprise[0].seen, "the request has none");
    stage->count = 2;
    step = add(stage, VBLK_STEP_DEV_STATUS_BYTE, "r");
    assert_int_equal(run(stage), VBLK_E_INVAL);
    step->b_given = true;
    played(stage);
}

static void answers_that_cannot_be__are_counted_and_survived(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_ab(stage, VBLK_STEP_DEV_ELEM, "", 0xffffffff, 1);
    add_ab(stage, VBLK_STEP_DEV_ELEM, "", 5, 1);
    add_a(stage, VBLK_STEP_DEV_STATUS_BYTE, "r", 0);
    add(stage, VBLK_STEP_DEV_ELEM, "r");
    add(stage, VBLK_STEP_DEV_ELEM, "r");
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_WAIT, "r");
    add_a(stage, VBLK_STEP_DEV_IDX, "", 0x8000);
    add(stage, VBLK_STEP_LOOK, "");
    add(stage, VBLK_STEP_EXPECT, "r")->expect.must_answer = true;
    played(stage);
    assert_int_equal(stage->play.bad_answers, 4);
    assert_int_equal(stage->play.answered, 1);
    assert_string_equal(stage->play.surprise[0].seen, "nothing in flight has this id: id 4294967295, len 1");
    assert_string_equal(stage->play.surprise[2].seen, "answered again: id 0, len 0");
    assert_string_equal(stage->play.surprise[3].seen, "used idx jumped: id 32772, len 0");
    assert_string_equal(stage->play.surprise[4].seen, "more than one");
    assert_int_equal(stage->watch.stray, 0);
}

static void surprises_beyond_the_list__are_counted(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    add(stage, VBLK_STEP_REG_READ, "s")->reg = VBLK_REG_STATUS;
    for (int i = 0; i < 20; i++) {
        step = add(stage, VBLK_STEP_EXPECT, i % 2 ? "s" : "");
        step->expect.value_checked = true;
        step->expect.value = 0xf0f;
        step->expect.value_mask = i == 0 ? 0xff : 0;
    }
    for (int i = 0; i < 2; i++)
        add_ab(stage, VBLK_STEP_DEV_ELEM, "", 99, 1);
    add(stage, VBLK_STEP_DEV_IDX, "");
    add(stage, VBLK_STEP_LOOK, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_DEV_COMPLETE, "r", 1);
    add(stage, VBLK_STEP_WAIT, "r");
    step = add_expect(stage, "r", 0, 77);
    step->expect.data_equals = true;
    step->expect.data.length = 8;
    step = add(stage, VBLK_STEP_REQUEST, "mute");
    add(stage, VBLK_STEP_EXPECT, "mute")->expect.must_answer = true;
    add_a(stage, VBLK_STEP_DEV_REG, "", 1)->reg = VBLK_REG_STATUS;
    add(stage, VBLK_STEP_RESET, "");
    assert_int_equal(run(stage), VBLK_OK);
    assert_int_equal(stage->play.surprise_count, 19 + 2 + 3 + 1 + 1);
    assert_string_equal(stage->play.surprise[0].expected, "0xf0f under mask 0xffffffffffffffff");
    assert_string_equal(stage->play.surprise[0].seen, "0xf");
}

static void values__kept_by_name(void **state)
{
    static const uint8_t config[] = { 0x34, 0x12, 0, 0, 0, 0, 0, 1, 0xff };
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_DEV_CONFIG, "")->bytes = (struct vblk_bytes){ .given = config, .length = 9 };
    add_ab(stage, VBLK_STEP_CONFIG_READ, "cap", 0, 16);
    add_a(stage, VBLK_STEP_CONFIG_READ, "cap4", 0);
    add(stage, VBLK_STEP_CONFIG_READ, "cap4");
    step = add(stage, VBLK_STEP_EXPECT, "cap");
    step->expect.value_checked = true;
    step->expect.value = 0x0100000000001234;
    step = add(stage, VBLK_STEP_EXPECT, "cap4");
    step->expect.value_checked = true;
    step->expect.value = 0x1234;
    add_a(stage, VBLK_STEP_CONFIG_WRITE, "", 32)->bytes = (struct vblk_bytes){ .given = config, .length = 1 };
    step = add_ab(stage, VBLK_STEP_CONFIG_READ, "", 32, 1);
    step = add(stage, VBLK_STEP_EXPECT, "");
    step->expect.value_checked = true;
    step->expect.value = 0x34;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    step = add(stage, VBLK_STEP_EXPECT, "unheard");
    step->expect.value_checked = true;
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void steps_that_make_no_sense__are_the_scripts_fault(void **state)
{
    static const uint8_t kinds[] = { VBLK_STEP_AVAILABLE, VBLK_STEP_WAIT,         VBLK_STEP_FORGET,
                                     VBLK_STEP_EXPECT,    VBLK_STEP_DEV_TAKE,     VBLK_STEP_DEV_DATA,
                                     VBLK_STEP_DEV_ELEM,  VBLK_STEP_DEV_COMPLETE, VBLK_STEP_DEV_STATUS_BYTE,
                                     VBLK_STEP_DESC,      VBLK_STEP_AVAIL_SLOT,   VBLK_STEP_COUNT };
    static const uint8_t queues[] = { VBLK_STEP_PUBLISH,      VBLK_STEP_KICK,      VBLK_STEP_LOOK,
                                      VBLK_STEP_REQUEST,      VBLK_STEP_AVAIL_IDX, VBLK_STEP_AVAIL_FLAGS,
                                      VBLK_STEP_AVAIL_SLOT,   VBLK_STEP_SUBMIT,    VBLK_STEP_DESC,
                                      VBLK_STEP_DEV_QUEUE_MAX };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof(kinds); i++) {
        stage->count = 0;
        add(stage, (enum vblk_step_kind)kinds[i], "nobody");
        assert_int_equal(run(stage), VBLK_E_INVAL);
        assert_int_equal(stage->watch.counts[VBLK_EV_CASE_END], 1);
    }
    for (size_t i = 0; i < sizeof(queues); i++) {
        stage->count = 0;
        add_ab(stage, (enum vblk_step_kind)queues[i], "", 0, 0)->queue = 64;
        assert_int_equal(run(stage), VBLK_E_INVAL);
    }
    stage->count = 0;
    add_ab(stage, VBLK_STEP_CONFIG_READ, "", 0, 257);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0].kind = VBLK_STEP_CONFIG_WRITE;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->script.queues = 65;
    stage->steps[0] = vblk_step_make(VBLK_STEP_START);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->script.queues = 0;
    stage->script.queue_size = 24;
    stage->steps[0] = vblk_step_make(VBLK_STEP_PUBLISH);
    assert_int_equal(run(stage), VBLK_E_INVAL);
}

static void requests_that_do_not_fit__are_the_scripts_fault(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add_read(stage, "r", 0, WATCH_SIZE);
    assert_int_equal(run(stage), VBLK_E_INVAL);
    step->request.in_length = (uint64_t)UINT32_MAX + 1;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    step->request.in_length = 0;
    step->request.header_length = 0;
    step->request.no_status = true;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    step->request.header_length = 16;
    add(stage, VBLK_STEP_REQUEST, "x")->request.in_length = 512;
    add(stage, VBLK_STEP_REQUEST, "y")->request.in_length = 512;
    add(stage, VBLK_STEP_REQUEST, "z")->request.in_length = 512;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(stage->play.stopped_at, 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(disk__what_is_written_can_be_read_and_zeroed),
        STAGED(expectations__only_what_is_in_the_set_is_allowed),
        STAGED(answered_twice__one_surprise_unless_one_answer_is_a_must),
        STAGED(device_that_needs_a_reset__says_so_once_and_is_no_fault_of_the_script),
        STAGED(value_kept_often__leaves_room_for_others),
        STAGED(news_from_before_the_script__are_none),
        STAGED(no_answer__whatever_was_expected_of_it),
        STAGED(value_kept_again__is_the_new_one),
        STAGED(data_that_differ__the_first_such_byte_is_named),
        STAGED(disk__is_filled_over_and_over_and_compared_to_the_last_byte),
        STAGED(expectations__surprises_say_both_sides),
        STAGED(expect_data_of_the_wrong_length__is_the_scripts_fault),
        STAGED(no_status_byte__is_no_status_to_expect),
        STAGED(answers_that_cannot_be__are_counted_and_survived),
        STAGED(surprises_beyond_the_list__are_counted),
        STAGED(values__kept_by_name),
        STAGED(steps_that_make_no_sense__are_the_scripts_fault),
        STAGED(requests_that_do_not_fit__are_the_scripts_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
