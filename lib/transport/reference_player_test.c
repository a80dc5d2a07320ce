/* SPDX-License-Identifier: BSD-3-Clause */
/* The player on the reference device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <vblk/builtin.h>

#include "stage.h"

/* Swap the puppet for the reference device. */
static void on_the_reference_with(struct stage *stage, uint64_t ring)
{
    struct vblk_device_options options;

    vblk_device_defaults(&options);
    options.features |= ring;
    options.capacity = 4096;
    stage->watch.port->ops->close(stage->watch.port);
    watch_start(&stage->watch, vblk_builtin_new(&options, stage->watch.mem, NULL));
    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, watch_arena(), 5);
    stage->script.features = UINT64_MAX;
}

static void on_the_reference(struct stage *stage)
{
    on_the_reference_with(stage, 0);
}

#define F(name) VBLK_BIT(VBLK_F_##name)

/* Every combination of what decides how a buffer travels. */
static uint64_t flavour(unsigned i)
{
    return (i & 1 ? F(RING_PACKED) : 0) | (i & 2 ? F(INDIRECT_DESC) : 0) | (i & 4 ? F(EVENT_IDX) : 0) |
           (i & 8 ? F(IN_ORDER) : 0) | (i & 16 ? F(NOTIFICATION_DATA) : 0);
}

static void add_read_of(struct stage *stage, enum vblk_step_kind kind, const char *name, bool indirect)
{
    struct vblk_step *step = add(stage, kind, name);

    step->request.in_length = 512;
    step->request.indirect = indirect;
}

/* Three at a time, which the device may answer as a batch, more often than the ring has entries. */
static void each_ring__batches_of_requests_are_answered(void **state)
{
    static const char *const names[] = { "a", "b", "c" };
    struct stage *stage = *state;

    for (unsigned i = 0; i < 32; i++) {
        const bool indirect = flavour(i) & F(INDIRECT_DESC);

        stage->count = 0;
        on_the_reference_with(stage, flavour(i));
        stage->script.queue_size = i & 1 ? 11 : 16;
        add(stage, VBLK_STEP_START, "");
        for (unsigned round = 0; round < 4; round++) {
            add_a(stage, VBLK_STEP_HOST, "", 1)->reg = VBLK_HOST_HOLD;
            for (unsigned k = 0; k < 3; k++)
                add_read_of(stage, VBLK_STEP_REQUEST, names[k], indirect);
            for (unsigned k = 0; k < 3; k++)
                add(stage, VBLK_STEP_AVAILABLE, names[k]);
            add(stage, VBLK_STEP_PUBLISH, "");
            add(stage, VBLK_STEP_KICK, "");
            add_a(stage, VBLK_STEP_HOST, "", 0)->reg = VBLK_HOST_HOLD;
            add(stage, VBLK_STEP_WAIT, "");
            add_expect(stage, names[round % 3], VBLK_S_OK, 513);
        }
        add_read_of(stage, VBLK_STEP_SUBMIT, "d", indirect);
        add_expect(stage, "d", VBLK_S_OK, 513);
        played(stage);
        assert_int_equal(stage->play.surprise_count, 0);
        assert_int_equal(stage->play.answered, 13);
    }
}

static void raw_steps_of_split_rings__are_not_for_packed_ones(void **state)
{
    static const enum vblk_step_kind kinds[] = { VBLK_STEP_AVAIL_SLOT, VBLK_STEP_AVAIL_IDX, VBLK_STEP_AVAIL_FLAGS };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        stage->count = 0;
        on_the_reference_with(stage, F(RING_PACKED));
        add(stage, VBLK_STEP_START, "");
        add_read_of(stage, VBLK_STEP_REQUEST, "r", false);
        add(stage, kinds[i], "r");
        assert_int_equal(run(stage), VBLK_E_INVAL);
    }
}

/* Another device's mistake that a script makes: one entry of the table that leads on for ever. */
static void indirect_table__its_entries_can_be_spoilt(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    on_the_reference_with(stage, F(INDIRECT_DESC));
    add(stage, VBLK_STEP_START, "");
    add_read_of(stage, VBLK_STEP_REQUEST, "r", true);
    step = add_a(stage, VBLK_STEP_DESC, "r", 3);
    step->desc_sets = VBLK_DESC_SETS_FLAGS | VBLK_DESC_SETS_NEXT;
    step->desc.flags = vblk_put16(VBLK_DESC_WRITE | VBLK_DESC_NEXT);
    step->desc.next = vblk_put16(1);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    add(stage, VBLK_STEP_WAIT, "r");
    played(stage);
    assert_true(stage->play.needs_reset);
}

static void reference_device__write_read_and_power_cut(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    on_the_reference(stage);
    add(stage, VBLK_STEP_START, "");
    step = add(stage, VBLK_STEP_SUBMIT, "w");
    step->request.type = VBLK_T_OUT;
    step->request.sector = 9;
    step->request.out = (struct vblk_bytes){ .length = 4096, .seed = 4 };
    add_expect(stage, "w", VBLK_S_OK, 1);
    step = add(stage, VBLK_STEP_SUBMIT, "r");
    step->request.sector = 9;
    step->request.in_length = 4096;
    step = add_expect(stage, "r", VBLK_S_OK, 4097);
    step->expect.data_equals = true;
    step->expect.data = (struct vblk_bytes){ .length = 4096, .seed = 4 };
    add(stage, VBLK_STEP_QUIET, "");
    add(stage, VBLK_STEP_HOST, "")->reg = VBLK_HOST_POWER_CUT;
    played(stage);
    assert_int_equal(stage->play.surprise_count, 0);
    assert_int_equal(stage->play.bad_answers, 0);
}

static void reference_device__holds_and_is_forgotten_by_a_power_cut(void **state)
{
    struct stage *stage = *state;

    on_the_reference(stage);
    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_HOST, "", 1)->reg = VBLK_HOST_HOLD;
    add(stage, VBLK_STEP_SUBMIT, "r")->request.in_length = 512;
    add(stage, VBLK_STEP_QUIET, "");
    add(stage, VBLK_STEP_HOST, "")->reg = VBLK_HOST_POWER_CUT;
    add(stage, VBLK_STEP_WAIT, "");
    played(stage);
    assert_true(stage->play.hung);
    assert_int_equal(stage->watch.counts[VBLK_EV_QUIET], 2);
    assert_int_equal(stage->play.answered, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(reference_device__write_read_and_power_cut),
        STAGED(each_ring__batches_of_requests_are_answered),
        STAGED(raw_steps_of_split_rings__are_not_for_packed_ones),
        STAGED(indirect_table__its_entries_can_be_spoilt),
        STAGED(reference_device__holds_and_is_forgotten_by_a_power_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
