/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is plain tables; the steps of a script, or a test's own function, decide what it does. */
#ifndef VBLK_DRIVER_PUPPET_H
#define VBLK_DRIVER_PUPPET_H

#include <vblk/player.h>

#include "disk.h"
#include "ring.h"

#define PUPPET_QUEUES 64u

/* Registers as the driver sees them: what is in force, and what is forced on top. */
struct shown {
    uint64_t value[VBLK_REG_COUNT];
    uint64_t pin[VBLK_REG_COUNT];
    bool pinned[VBLK_REG_COUNT];
};

/* Where the device stands in one ring. */
struct puppet_ring {
    uint16_t next_avail; /* available entries taken */
    uint16_t next_elem;  /* used elements written */
    uint16_t used_idx;   /* as stored last */
    struct vblk_ring packed; /* where the driver accepted that */
};

struct puppet {
    struct vblk_port port; /* first: the port is the puppet */
    struct vblk_puppet tables;
    struct shown device;
    struct shown queue[PUPPET_QUEUES];
    struct puppet_ring ring[PUPPET_QUEUES];
    uint64_t status_mask, status_bits; /* forced through resets */
    bool status_once;                  /* status_seen is shown until the next reset */
    uint8_t status_seen;
    uint32_t seen_used, seen_config; /* notifications that a wait has reported */
    struct disk disk;
    vblk_puppet_kick_fn on_kick;
    void *ctx;
    bool no_memory; /* a ring could not be opened: it does not do what it is told to */
};

/* @return the puppet behind a port, or NULL if it is something else. */
struct puppet *puppet_of(struct vblk_port *port);

void puppet_power_on(struct puppet *puppet);
void puppet_show_status(struct puppet *puppet, uint8_t status);
void puppet_force_status(struct puppet *puppet, uint64_t mask, uint64_t bits);
void puppet_honest_status(struct puppet *puppet);
/* Force a register, or let it go. VBLK_E_INVAL: no such register or queue. */
vblk_err puppet_pin(struct puppet *puppet, uint16_t reg, uint16_t queue, bool pinned, uint64_t value);
uint64_t puppet_reg(const struct puppet *puppet, enum vblk_reg reg, uint16_t queue);
vblk_err puppet_set_config(struct puppet *puppet, uint64_t offset, const struct vblk_bytes *bytes);
void puppet_leave(struct puppet *puppet, const struct vblk_bytes *how);

/* Device side of a ring. Nothing here fails: a range outside memory is an event, and the device goes on. */
/* Take one available buffer: loads of idx, slot, descriptors and readable bytes. false: nothing there. */
bool puppet_take(struct puppet *puppet, uint16_t queue, uint16_t *head);
/* The queue's bookkeeping starts over. */
void puppet_ring_reset(struct puppet *puppet, uint16_t queue);
void puppet_elem(struct puppet *puppet, uint16_t queue, uint32_t id, uint32_t len);
void puppet_used_idx(struct puppet *puppet, uint16_t queue, uint16_t idx, enum vblk_order order);
/* Barrier, idx past the elements written, and a notification unless the driver wants none. */
void puppet_publish(struct puppet *puppet, uint16_t queue);

#endif
