/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests: a script under construction, and a puppet that it is played on. */
#ifndef VBLK_DRIVER_STAGE_H
#define VBLK_DRIVER_STAGE_H

#include "watch.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)
#define STEPS_MAX 64

struct stage {
    struct watch watch;
    struct vblk_player *player;
    struct vblk_step steps[STEPS_MAX];
    size_t count;
    struct vblk_script script;
    struct vblk_play play;
};

/* A test's state: an empty script for VERSION_1 and rings of 8. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
struct vblk_step *add(struct stage *stage, enum vblk_step_kind kind, const char *name);
struct vblk_step *add_a(struct stage *stage, enum vblk_step_kind kind, const char *name, uint64_t a);
struct vblk_step *add_ab(struct stage *stage, enum vblk_step_kind kind, const char *name, uint64_t a, uint64_t b);
struct vblk_step *add_read(struct stage *stage, const char *name, uint64_t sector, uint64_t bytes);
struct vblk_step *add_expect(struct stage *stage, const char *name, uint8_t status, uint64_t len);
vblk_err run(struct stage *stage);
/* Play it; it goes through to the end. */
#define played(stage)                                                                                                  \
    do {                                                                                                               \
        assert_int_equal(run(stage), VBLK_OK);                                                                         \
        assert_int_equal((stage)->play.err, VBLK_OK);                                                                  \
        assert_int_equal((stage)->play.stopped_at, (stage)->count);                                                    \
    } while (0)

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

#endif
