/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests: a device on a sparse store, and a driver that writes descriptors and rings byte by byte. */
#ifndef VBLK_DEVICE_RIG_H
#define VBLK_DEVICE_RIG_H

#include <vblk/device.h>

#include "split.h"

#define RIG_BASE UINT64_C(0x10000)
#define RIG_SIZE UINT64_C(0x800000)
#define RIG_RINGS UINT64_C(0x10000) /* a queue's parts lie within so much */
#define RIG_BUFFERS UINT64_C(0x100000)
#define RIG_QUEUE 64u

struct rig {
    struct vblk_device_options options;
    struct vblk_memory *mem;
    struct vblk_store *store;
    struct vblk_device *device;
    unsigned used_notes, config_notes;
    uint16_t avail[4], used[4], desc[4];
    uint64_t buffer; /* where the next buffer goes */
};

/* What came back. */
struct answer {
    bool used;
    uint16_t id;
    uint32_t len;
    uint8_t status;
    uint64_t data; /* address of the writable part */
};

/* Options are the defaults; change rig->options before rig_open(). */
void rig_defaults(struct rig *rig);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
uint64_t rig_reg(struct rig *rig, enum vblk_reg reg);
void rig_set(struct rig *rig, enum vblk_reg reg, uint16_t queue, uint64_t value);
struct vblk_layout rig_layout(uint16_t queue);
/* The whole initialisation with @p features, on @p queues queues. */
void rig_start(struct rig *rig, uint64_t features, unsigned queues);
/* rig_defaults, rig_open, and a start with all that is offered, on one queue. */
void rig_up(struct rig *rig);
/* Write one descriptor of @p queue. */
void rig_desc(struct rig *rig, uint16_t queue, uint16_t i, uint64_t gpa, uint32_t len, unsigned flags, uint16_t next);
/* Put a chain into the descriptors and make it available; no kick. */
uint16_t rig_chain(struct rig *rig, uint16_t queue, const struct vblk_element *bufs, unsigned n);
/* Make @p head available. */
void rig_avail(struct rig *rig, uint16_t queue, uint16_t head);
/* Take one answer off the used ring. */
struct answer rig_reap(struct rig *rig, uint16_t queue);
/* One request: header, @p out bytes of data, @p in writable bytes and the status, each in a buffer of its own. */
struct answer rig_ask(struct rig *rig, uint32_t type, uint64_t sector, const void *data, uint32_t out, uint32_t in);
struct answer rig_segments(struct rig *rig, uint32_t type, const struct vblk_range *ranges, unsigned n);
/* All bytes of a sector are the same: that byte, else -1. Through the device. */
int rig_byte(struct rig *rig, uint64_t sector);
/* Fill sectors with a byte through the device. @return the status. */
uint8_t rig_fill(struct rig *rig, uint64_t sector, uint32_t count, uint8_t byte);

#endif
