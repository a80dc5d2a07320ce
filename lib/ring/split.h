/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the parts of a split ring lie (2.7), for those who reach into one. Positions are taken modulo the size. */
#ifndef VBLK_RING_SPLIT_H
#define VBLK_RING_SPLIT_H

#include <vblk/spec.h>

#include "ring.h"

static inline uint64_t vblk_split_desc_at(const struct vblk_layout *at, uint32_t i)
{
    return at->desc + (uint64_t)i * sizeof(struct vblk_desc);
}

static inline uint64_t vblk_split_avail_flags_at(const struct vblk_layout *at)
{
    return at->driver;
}

static inline uint64_t vblk_split_avail_idx_at(const struct vblk_layout *at)
{
    return at->driver + 2;
}

static inline uint64_t vblk_split_avail_ring_at(const struct vblk_layout *at, uint64_t position)
{
    return at->driver + sizeof(struct vblk_ring_head) + (position & (at->size - 1)) * 2;
}

static inline uint64_t vblk_split_used_flags_at(const struct vblk_layout *at)
{
    return at->device;
}

static inline uint64_t vblk_split_used_idx_at(const struct vblk_layout *at)
{
    return at->device + 2;
}

static inline uint64_t vblk_split_used_ring_at(const struct vblk_layout *at, uint64_t position)
{
    return at->device + sizeof(struct vblk_ring_head) + (position & (at->size - 1)) * sizeof(struct vblk_used_elem);
}

/* Only with EVENT_IDX. */
static inline uint64_t vblk_split_used_event_at(const struct vblk_layout *at)
{
    return at->driver + sizeof(struct vblk_ring_head) + (uint64_t)at->size * 2;
}

static inline uint64_t vblk_split_avail_event_at(const struct vblk_layout *at)
{
    return at->device + sizeof(struct vblk_ring_head) + (uint64_t)at->size * sizeof(struct vblk_used_elem);
}

#endif /* VBLK_RING_SPLIT_H */
