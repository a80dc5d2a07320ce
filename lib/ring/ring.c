/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "ring.h"

static const char *const chain_faults[VBLK_CHAIN_FAULTS] = {
    [VBLK_CHAIN_OK] = "ok",
    [VBLK_CHAIN_AVAIL_JUMP] = "available idx jumped",
    [VBLK_CHAIN_HEAD_RANGE] = "head outside the descriptor table",
    [VBLK_CHAIN_NEXT_RANGE] = "next outside the descriptor table",
    [VBLK_CHAIN_TOO_LONG] = "chain longer than the queue",
    [VBLK_CHAIN_INDIRECT] = "indirect descriptor not negotiated",
    [VBLK_CHAIN_WRITE_THEN_READ] = "readable element after a writable one",
    [VBLK_CHAIN_BAD_ADDRESS] = "element outside the memory",
};

static const char *const used_faults[VBLK_USED_FAULTS] = {
    [VBLK_USED_OK] = "ok",
    [VBLK_USED_JUMP] = "used idx jumped",
    [VBLK_USED_ID_RANGE] = "id outside the descriptor table",
    [VBLK_USED_NOT_OUTSTANDING] = "id not outstanding",
    [VBLK_USED_LEN] = "length beyond the writable bytes",
};

vblk_err vblk_ring_open(struct vblk_ring *ring, const struct vblk_ring_ops *ops, struct vblk_memory *mem,
                        const struct vblk_layout *at, enum vblk_party side)
{
    vblk_err err;

    memset(ring, 0, sizeof(*ring));
    if (side != VBLK_DRIVER && side != VBLK_DEVICE)
        return VBLK_E_INVAL;
    ring->ops = ops;
    ring->mem = mem;
    ring->at = *at;
    ring->side = (uint8_t)side;
    err = ops->open(ring);
    if (err != VBLK_OK)
        memset(ring, 0, sizeof(*ring));
    return err;
}

void vblk_ring_close(struct vblk_ring *ring)
{
    if (ring->ops != NULL)
        ring->ops->close(ring);
    memset(ring, 0, sizeof(*ring));
}

const char *vblk_chain_fault_name(enum vblk_chain_fault fault)
{
    return (unsigned)fault < VBLK_CHAIN_FAULTS ? chain_faults[fault] : "unknown";
}

const char *vblk_used_fault_name(enum vblk_used_fault fault)
{
    return (unsigned)fault < VBLK_USED_FAULTS ? used_faults[fault] : "unknown";
}
