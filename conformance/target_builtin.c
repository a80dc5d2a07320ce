/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference device: a fresh one for each case, on a fresh disk, made as the case asks. */
#include <stdio.h>
#include <stdlib.h>

#include <vblk/builtin.h>

#include "target.h"

struct builtin_target {
    struct target target; /* first: ops get a pointer to it */
    struct target_model model;
};

static void builtin_end(struct target *target)
{
    vblk_port_close(target->port);
    target->port = NULL;
}

static uint64_t offered_by(const struct target_model *model)
{
    return (vblk_device_features(&model->profile) & ~vblk_device_ring_features() & ~VBLK_BIT(VBLK_F_RO)) | model->ring;
}

static vblk_err builtin_begin(struct target *target, const struct vector_file *file, size_t i, char *why,
                              size_t why_size)
{
    const struct target_model *model = &((const struct builtin_target *)(const void *)target)->model;
    struct vblk_device_options options;
    const char *refusal = NULL;
    vblk_err err;

    vblk_device_defaults(&options);
    options.profile = model->profile;
    options.readings = model->readings;
    options.features = offered_by(model);
    options.behaviour = model->behaviour;
    if (model->options)
        model->options(&options, model->options_ctx);
    if (file && !vector_device_options(file, i, &options, why, why_size))
        return VBLK_E_INVAL;
    vblk_memory_reset(target->mem);
    target->port = vblk_builtin_new(&options, target->mem, &refusal);
    if (!target->port) {
        (void)snprintf(why, why_size, "%s", refusal ? refusal : "no memory left for the device");
        return refusal ? VBLK_E_INVAL : VBLK_E_NOMEM;
    }
    if (model->snapshot)
        target->port->grade = VBLK_GRADE_SNAPSHOT;
    err = target_announce(target, &model->profile);
    if (err)
        builtin_end(target);
    return err;
}

static void builtin_close(struct target *target)
{
    vblk_memory_free(target->mem);
    free(target);
}

static const struct target_ops builtin_ops = { .begin = builtin_begin, .end = builtin_end, .close = builtin_close };

struct target *target_builtin(const struct target_model *model)
{
    const uint64_t size = model->snapshot ? TARGET_ARENA_FOREIGN : TARGET_ARENA_SIZE;
    const struct vblk_region region = { .gpa = TARGET_ARENA_GPA, .size = size, .fd = -1 };
    struct builtin_target *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->model = *model;
    t->target = (struct target){
        .ops = &builtin_ops,
        .kind = "builtin",
        .name = model->behaviour ? model->behaviour->name : "the reference device",
        .disk_zero = true,
        .transport = model->transport,
        .grade = model->snapshot ? VBLK_GRADE_SNAPSHOT : VBLK_GRADE_ACCESS,
        .sees = model->snapshot ? VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS : VBLK_SEES_ALL,
        .mem = vblk_memory_new(),
        .arena = { TARGET_ARENA_GPA, size },
        .env = { .offered = offered_by(model) },
    };
    if (t->target.mem && vblk_memory_add(t->target.mem, &region) == VBLK_OK)
        return &t->target;
    builtin_close(&t->target);
    return NULL;
}
