/* SPDX-License-Identifier: BSD-3-Clause */
/* The player on the reference device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <vblk/builtin.h>

#include "stage.h"

/* Swap the puppet for the reference device. */
static void on_the_reference(struct stage *stage)
{
    struct vblk_device_options options;

    vblk_device_defaults(&options);
    options.capacity = 4096;
    stage->watch.port->ops->close(stage->watch.port);
    watch_start(&stage->watch, vblk_builtin_new(&options, stage->watch.mem, NULL));
    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, watch_arena(), 5);
    stage->script.features =
        UINT64_MAX & ~(VBLK_BIT(VBLK_F_INDIRECT_DESC) | VBLK_BIT(VBLK_F_EVENT_IDX) | VBLK_BIT(VBLK_F_RING_PACKED));
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
        STAGED(reference_device__holds_and_is_forgotten_by_a_power_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
