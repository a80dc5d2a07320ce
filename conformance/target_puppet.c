/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is the script itself: cases of both sides, for the oracle alone. */
#include <stdlib.h>

#include "target.h"

struct puppet_target {
    struct target target; /* first: ops get a pointer to it */
    struct vblk_profile profile;
};

static void puppet_end(struct target *target)
{
    vblk_port_close(target->port);
    target->port = NULL;
}

static vblk_err puppet_begin(struct target *target, const struct vector_file *file, size_t i, char *why,
                             size_t why_size)
{
    const struct puppet_target *t = (const struct puppet_target *)(const void *)target;
    struct vblk_device_options options;

    /* Numbers of such a case are those of a device as the case would have it. */
    vblk_device_defaults(&options);
    options.profile = t->profile;
    if (!vector_device_options(file, i, &options, why, why_size))
        return VBLK_E_INVAL;
    vblk_memory_reset(target->mem);
    target->port = vblk_puppet_new(target->mem);
    if (!target->port)
        return VBLK_E_NOMEM;
    target->env = (struct vector_env){
        .profile = t->profile,
        .offered = options.features,
        .capacity = options.capacity,
        .queue_max = options.queue_max,
        .num_queues = options.num_queues,
        .modelled = target_modelled(&t->profile),
    };
    return VBLK_OK;
}

static void puppet_close(struct target *target)
{
    vblk_memory_free(target->mem);
    free(target);
}

static const struct target_ops puppet_ops = { .begin = puppet_begin, .end = puppet_end, .close = puppet_close };

struct target *target_puppet(const struct vblk_profile *profile)
{
    const struct vblk_region region = { .gpa = TARGET_ARENA_GPA, .size = TARGET_ARENA_SIZE, .fd = -1 };
    struct puppet_target *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->profile = *profile;
    t->target = (struct target){
        .ops = &puppet_ops,
        .kind = "puppet",
        .name = "the script",
        .grade = VBLK_GRADE_ACCESS,
        .sees = VBLK_SEES_ALL,
        .mem = vblk_memory_new(),
        .arena = { TARGET_ARENA_GPA, TARGET_ARENA_SIZE },
    };
    if (t->target.mem && vblk_memory_add(t->target.mem, &region) == VBLK_OK)
        return &t->target;
    puppet_close(&t->target);
    return NULL;
}
