/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the parts of a packed ring lie (2.8), for those who reach into one. */
#ifndef VBLK_RING_PACKED_H
#define VBLK_RING_PACKED_H

#include <vblk/spec.h>

#include "ring.h"

/* A buffer's id is any half-word. */
#define VBLK_PACKED_IDS 65536u

static inline uint64_t vblk_packed_desc_at(const struct vblk_layout *at, uint32_t slot)
{
    return at->desc + (uint64_t)slot * sizeof(struct vblk_packed_desc);
}

static inline uint64_t vblk_packed_len_at(const struct vblk_layout *at, uint32_t slot)
{
    return vblk_packed_desc_at(at, slot) + offsetof(struct vblk_packed_desc, len);
}

static inline uint64_t vblk_packed_flags_at(const struct vblk_layout *at, uint32_t slot)
{
    return vblk_packed_desc_at(at, slot) + offsetof(struct vblk_packed_desc, flags);
}

/* The two parts of an event suppression structure: of the driver at at->driver, of the device at at->device. */
static inline uint64_t vblk_packed_event_desc_at(uint64_t area)
{
    return area + offsetof(struct vblk_packed_event, desc);
}

static inline uint64_t vblk_packed_event_flags_at(uint64_t area)
{
    return area + offsetof(struct vblk_packed_event, flags);
}

/* What marks a descriptor as available or used under a wrap counter (2.8.1). */
static inline unsigned vblk_packed_available(bool wrap)
{
    return wrap ? VBLK_DESC_AVAIL : VBLK_DESC_USED;
}

static inline unsigned vblk_packed_used(bool wrap)
{
    return wrap ? VBLK_DESC_AVAIL | VBLK_DESC_USED : 0;
}

static inline bool vblk_packed_is(unsigned flags, unsigned mark)
{
    return (flags & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) == mark;
}

/* Go on by up to a whole ring. */
static inline void vblk_packed_advance(struct vblk_packed_pos *pos, uint32_t size, uint32_t by)
{
    const uint32_t slot = pos->slot + by;

    if (__builtin_expect(slot < size, 1)) {
        pos->slot = (uint16_t)slot;
        return;
    }
    pos->slot = (uint16_t)(slot - size);
    pos->wrap = !pos->wrap;
}

static inline struct vblk_packed_pos vblk_packed_pos_of(uint16_t wire)
{
    return (struct vblk_packed_pos){ wire & (VBLK_RING_EVENT_WRAP - 1), (wire & VBLK_RING_EVENT_WRAP) != 0 };
}

/* As an event suppression structure and a notification spell it. */
static inline uint16_t vblk_packed_wire_pos(struct vblk_packed_pos pos)
{
    return (uint16_t)(pos.slot | (pos.wrap ? VBLK_RING_EVENT_WRAP : 0));
}

/*
 * Whether the descriptor that @event names is among the last @count before @end. A place and its wrap counter come
 * again after two rounds; a place outside the ring never comes.
 */
static inline bool vblk_packed_crossed(uint32_t size, struct vblk_packed_pos end, uint32_t count, uint16_t event)
{
    const uint32_t slot = event & (VBLK_RING_EVENT_WRAP - 1), here = end.slot + (end.wrap ? size : 0);
    const uint32_t there = slot + (event & VBLK_RING_EVENT_WRAP ? size : 0);
    const uint32_t back = here > there ? here - there : here + 2 * size - there;

    return slot < size && back <= count;
}

#endif /* VBLK_RING_PACKED_H */
