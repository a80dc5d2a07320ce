/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody's vhost-user back-end: one connection for all cases, somebody else's disk. */
#include <stdlib.h>
#include <stdio.h>

#include <vblk/vhost_user.h>

#include "target.h"

struct vhost_user_target {
    struct target target; /* first: ops get a pointer to it */
    struct vblk_profile profile;
};

static vblk_err vhost_user_begin(struct target *target, const struct vector_file *file, size_t i, char *why,
                                 size_t why_size)
{
    const struct vhost_user_target *t = (const struct vhost_user_target *)(const void *)target;
    vblk_err err;

    (void)file;
    (void)i;
    /* The rings must have stopped before their memory is wiped. */
    err = vblk_port_write_reg(target->port, VBLK_REG_STATUS, 0, 0);
    if (!err)
        vblk_memory_reset(target->mem);
    if (!err)
        err = target_announce(target, &t->profile);
    if (err)
        (void)snprintf(why, why_size, "%s", vblk_vhost_user_why(target->port));
    /* Whatever it was, it is the target's doing and not the case's. */
    return err == VBLK_E_INVAL ? VBLK_E_IO : err;
}

static void vhost_user_end(struct target *target)
{
    (void)target;
}

/* The port keeps trying for its time-out: a supervisor may be starting the back-end again. */
static vblk_err vhost_user_recover(struct target *target)
{
    return vblk_port_recover(target->port);
}

static void vhost_user_close(struct target *target)
{
    vblk_port_close(target->port);
    vblk_memory_free(target->mem);
    free(target);
}

static const struct target_ops vhost_user_ops = {
    .begin = vhost_user_begin,
    .end = vhost_user_end,
    .recover = vhost_user_recover,
    .close = vhost_user_close,
};

static bool connect_to(struct vhost_user_target *t, unsigned timeout_ms, char *why, size_t why_size)
{
    const struct vblk_vhost_user_options options = { .timeout_ms = timeout_ms };
    struct target *target = &t->target;

    target->mem = vblk_memory_new();
    if (!target->mem || vblk_memory_add_shared(target->mem, TARGET_ARENA_GPA, TARGET_ARENA_FOREIGN)) {
        (void)snprintf(why, why_size, "no memory left to share with the back-end");
        return false;
    }
    if (vblk_vhost_user_open(target->name, target->mem, &options, &target->port, why, why_size))
        return false;
    if (target_announce(target, &t->profile) == VBLK_OK)
        return true;
    (void)snprintf(why, why_size, "the back-end at '%s' does not tell what it is: %s", target->name,
                   vblk_vhost_user_why(target->port));
    return false;
}

struct target *target_vhost_user(const char *socket, const struct vblk_profile *profile, unsigned timeout_ms, char *why,
                                 size_t why_size)
{
    struct vhost_user_target *t = calloc(1, sizeof(*t));

    if (!t) {
        (void)snprintf(why, why_size, "no memory left");
        return NULL;
    }
    t->profile = *profile;
    t->target = (struct target){
        .ops = &vhost_user_ops,
        .kind = "vhost-user",
        .name = socket,
        .foreign = true,
        .grade = VBLK_GRADE_SNAPSHOT,
        .sees = VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS,
        .arena = { TARGET_ARENA_GPA, TARGET_ARENA_FOREIGN },
    };
    if (connect_to(t, timeout_ms, why, why_size))
        return &t->target;
    vhost_user_close(&t->target);
    return NULL;
}
