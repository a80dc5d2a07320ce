/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What cases are played against. A target owns its memory for the whole run, so that one oracle can follow it; a port
 * may change from case to case.
 */
#ifndef CONFORMANCE_TARGET_H
#define CONFORMANCE_TARGET_H

#include <vblk/oracle.h>
#include <vblk/player.h>

#include "vector.h"

struct target;

struct target_ops {
    /*
     * Make ready for a case (@file NULL: for none in particular): @port and @env are valid afterwards, the device is in its power-on or reset state and
     * the memory is clean. VBLK_E_INVAL: this case can't run here, with a phrase; VBLK_E_GONE and the like: the target
     * failed.
     */
    vblk_err (*begin)(struct target *target, const struct vector_file *file, size_t i, char *why, size_t why_size);
    void (*end)(struct target *target);
    /* After the target hung or went away: back to its power-on state. */
    vblk_err (*recover)(struct target *target);
    void (*close)(struct target *target);
};

struct target {
    const struct target_ops *ops;
    const char *kind; /* "builtin" */
    const char *name; /* what the user called it */
    bool foreign;     /* somebody's disk: keep it as it is unless allowed, and remember it over all cases */
    bool disk_zero;   /* each case finds a disk of zeroes */
    uint8_t grade;    /* enum vblk_grade */
    uint32_t sees;    /* VBLK_SEES_* */
    uint8_t transport; /* enum vblk_transport */
    struct vblk_memory *mem;
    struct vblk_arena arena;
    struct vblk_port *port; /* between begin and end */
    struct vector_env env;  /* what the port announced */
};

/* What a device that we make is like. */
struct target_model {
    struct vblk_profile profile;
    struct vblk_readings readings;
    const struct vblk_behaviour *behaviour; /* NULL: lawful */
    uint64_t ring;                          /* of vblk_device_ring_features(), offered to every case */
    void (*options)(struct vblk_device_options *options, const void *ctx); /* what else is different, or NULL */
    const void *options_ctx;
    uint8_t transport;                      /* enum vblk_transport: by whose rules its registers are judged */
    bool snapshot;                          /* what the device stores and loads is not shown */
};

/* The reference device, a fresh one for each case. NULL: no memory. */
struct target *target_builtin(const struct target_model *model);
/* Somebody's vhost-user back-end. NULL with a sentence in @why. */
struct target *target_vhost_user(const char *socket, const struct vblk_profile *profile, unsigned timeout_ms, char *why,
                                 size_t why_size);
/* The virtio block device of a QEMU without a guest, whose RAM is the file @memory. NULL with a sentence in @why. */
struct target *target_qtest(const char *socket, const char *memory, const struct vblk_profile *profile,
                            unsigned timeout_ms, char *why, size_t why_size);
/* A port whose device is the script, for cases of kind VECTOR_EVENTS. NULL: no memory. */
struct target *target_puppet(const struct vblk_profile *profile);
void target_close(struct target *target);

/* Helpers for targets. The memory has one region that rings and buffers of the suite fit in. */
#define TARGET_ARENA_GPA 0x100000u
#define TARGET_ARENA_SIZE 0x2000000u
/* Memory that is compared as a whole after each case is kept smaller. */
#define TARGET_ARENA_FOREIGN 0x800000u
/* Ask the port what the device is, and keep the answer in target->env. */
vblk_err target_announce(struct target *target, const struct vblk_profile *profile);
/* The features that the suite's driver knows how to accept. */
uint64_t target_modelled(const struct vblk_profile *profile);

#endif /* CONFORMANCE_TARGET_H */
