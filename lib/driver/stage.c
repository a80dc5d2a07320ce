/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <stdlib.h>

int stage_set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    watch_puppet(&stage->watch);
    stage->player = vblk_player_new(stage->watch.port, watch_arena(), 20);
    stage->script =
        (struct vblk_script){ .name = "case", .profile = *vblk_profile_default(), .features = V1, .queue_size = 8 };
    *state = stage;
    return 0;
}

int stage_tear_down(void **state)
{
    struct stage *stage = *state;

    if (stage->watch.mislaid)
        abort();
    vblk_player_free(stage->player);
    watch_stop(&stage->watch);
    free(stage);
    return 0;
}

struct vblk_step *add(struct stage *stage, enum vblk_step_kind kind, const char *name)
{
    struct vblk_step *step = &stage->steps[stage->count++];

    if (stage->count > STEPS_MAX)
        abort();
    *step = vblk_step_make(kind);
    memcpy(step->name, name, strlen(name));
    return step;
}

struct vblk_step *add_a(struct stage *stage, enum vblk_step_kind kind, const char *name, uint64_t a)
{
    struct vblk_step *step = add(stage, kind, name);

    step->a = a;
    step->a_given = true;
    return step;
}

struct vblk_step *add_ab(struct stage *stage, enum vblk_step_kind kind, const char *name, uint64_t a, uint64_t b)
{
    struct vblk_step *step = add_a(stage, kind, name, a);

    step->b = b;
    step->b_given = true;
    return step;
}

struct vblk_step *add_read(struct stage *stage, const char *name, uint64_t sector, uint64_t bytes)
{
    struct vblk_step *step = add(stage, VBLK_STEP_REQUEST, name);

    step->request.type = VBLK_T_IN;
    step->request.sector = sector;
    step->request.in_length = bytes;
    return step;
}

struct vblk_step *add_expect(struct stage *stage, const char *name, uint8_t status, uint64_t len)
{
    struct vblk_step *step = add(stage, VBLK_STEP_EXPECT, name);

    step->expect.status[0] = status;
    step->expect.status_count = 1;
    step->expect.len[0] = len;
    step->expect.len_count = 1;
    return step;
}

vblk_err run(struct stage *stage)
{
    stage->script.steps = stage->steps;
    stage->script.step_count = stage->count;
    watch_clear(&stage->watch);
    return vblk_player_run(stage->player, &stage->script, &stage->play);
}
