/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio block device of a QEMU without a guest: one connection for all cases, somebody else's disk, QEMU's RAM. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <vblk/qtest.h>

#include "target.h"

/* What the smallest useful case needs, rings and buffers. */
#define ARENA_MIN 0x200000u
/* Further up a PC's RAM is not one piece any more. */
#define RAM_MAX 0x80000000u
#define RECOVER_SECONDS 2

struct qtest_target {
    struct target target; /* first: ops get a pointer to it */
    struct vblk_profile profile;
};

static vblk_err qtest_begin(struct target *target, const struct vector_file *file, size_t i, char *why, size_t why_size)
{
    const struct qtest_target *t = (const struct qtest_target *)(const void *)target;
    vblk_err err;

    (void)file;
    (void)i;
    /* The queues must have stopped before their memory is wiped. */
    err = vblk_port_write_reg(target->port, VBLK_REG_STATUS, 0, 0);
    if (!err)
        vblk_memory_reset(target->mem);
    if (!err)
        err = target_announce(target, &t->profile);
    if (err)
        (void)snprintf(why, why_size, "%s", target->port->gone_how);
    /* Whatever it was, it is the target's doing and not the case's. */
    return err == VBLK_E_INVAL ? VBLK_E_IO : err;
}

static void qtest_end(struct target *target)
{
    (void)target;
}

/* A supervisor may be starting QEMU again. */
static vblk_err qtest_recover(struct target *target)
{
    const struct timespec pause = { .tv_nsec = 50000000 };
    const time_t begin = time(NULL);
    vblk_err err = vblk_port_recover(target->port);

    while (err && time(NULL) - begin < RECOVER_SECONDS) {
        (void)nanosleep(&pause, NULL);
        err = vblk_port_recover(target->port);
    }
    return err;
}

static void qtest_close(struct target *target)
{
    vblk_port_close(target->port);
    vblk_memory_free(target->mem);
    free(target);
}

static const struct target_ops qtest_ops = {
    .begin = qtest_begin,
    .end = qtest_end,
    .recover = qtest_recover,
    .close = qtest_close,
};

/* The first megabyte of a PC is not all RAM. Cases that need a larger arena than there is are skipped. */
static bool map_ram(struct target *target, const char *memory, char *why, size_t why_size)
{
    struct stat st;
    uint64_t size;

    if (stat(memory, &st) < 0) {
        (void)snprintf(why, why_size, "can't use '%s' as memory: %s", memory, strerror(errno));
        return false;
    }
    size = (uint64_t)st.st_size < TARGET_ARENA_GPA ? 0 : (uint64_t)st.st_size - TARGET_ARENA_GPA;
    if (size < ARENA_MIN || (uint64_t)st.st_size > RAM_MAX) {
        (void)snprintf(why, why_size, "'%s' has %llu bytes, where RAM of 4 MiB to 2 GiB is needed", memory,
                       (unsigned long long)st.st_size);
        return false;
    }
    target->arena.size = size < TARGET_ARENA_FOREIGN ? size : TARGET_ARENA_FOREIGN;
    if (vblk_memory_add_file(target->mem, TARGET_ARENA_GPA, memory, TARGET_ARENA_GPA, target->arena.size)) {
        (void)snprintf(why, why_size, "can't map '%s': %s", memory, strerror(errno));
        return false;
    }
    return true;
}

static bool connect_to(struct qtest_target *t, const char *memory, unsigned timeout_ms, char *why, size_t why_size)
{
    const struct vblk_qtest_options options = { .timeout_ms = timeout_ms, .profile = &t->profile };
    struct target *target = &t->target;

    target->mem = vblk_memory_new();
    if (!target->mem) {
        (void)snprintf(why, why_size, "no memory left");
        return false;
    }
    if (!map_ram(target, memory, why, why_size) ||
        vblk_qtest_open(target->name, target->mem, &options, &target->port, why, why_size))
        return false;
    if (target_announce(target, &t->profile) == VBLK_OK)
        return true;
    (void)snprintf(why, why_size, "the device behind '%s' does not tell what it is: %s", target->name,
                   target->port->gone_how);
    return false;
}

struct target *target_qtest(const char *socket, const char *memory, const struct vblk_profile *profile,
                            unsigned timeout_ms, char *why, size_t why_size)
{
    struct qtest_target *t = calloc(1, sizeof(*t));

    if (!t) {
        (void)snprintf(why, why_size, "no memory left");
        return NULL;
    }
    t->profile = *profile;
    t->target = (struct target){
        .ops = &qtest_ops,
        .kind = "qtest",
        .name = socket,
        .foreign = true,
        .grade = VBLK_GRADE_SNAPSHOT,
        .transport = VBLK_TRANSPORT_MMIO,
        .sees = VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS,
        .arena = { TARGET_ARENA_GPA, 0 },
    };
    if (connect_to(t, memory, timeout_ms, why, why_size))
        return &t->target;
    qtest_close(&t->target);
    return NULL;
}
