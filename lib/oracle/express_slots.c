/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver may do with a packed ring that says nothing new (struct vblk_lane_slots): it fills one free descriptor after
 * the other, stores the flags of those that it filled without (but for the one that the device looks at next), and loads
 * length and id. Whatever else happens to descriptors closes that again.
 */
#include "express_impl.h"
#include "slots.h"

#define FILL_MAX 64u /* are found out at a time */

void express_close_slots(struct vblk_oracle *o)
{
    struct vblk_lane_slots *s = &o->express.lane.slots;

    s->left = 0;
    s->flags.entries = s->len.entries = 0;
}

void express_open_slots(struct vblk_oracle *o)
{
    const struct express *x = &o->express;
    const struct queue *q = x->q;
    struct vblk_lane_slots *s = &o->express.lane.slots;

    s->left = 0;
    s->first = q->desc + 16u * (uint64_t)q->avail_idx;
    s->whole = SLOT_FILLED | SLOT_DRIVER;
    s->body = SLOT_FILLED;
    s->copies = (uint8_t *)q->ring;
    s->marks = q->elem_fresh;
    s->flags = (struct vblk_lane_part){ q->desc + 14, q->half ? 0 : x->OPEN(STORE, DRIVER, PACKED_RING) / 16 };
    s->len = (struct vblk_lane_part){ q->desc + 8, x->OPEN(LOAD, DRIVER, PACKED_RING) / 16 };
}

/* How many slots from here on, but not past the end, are the driver's, seen by it and as it left them. */
static uint32_t room_from(const struct queue *q, uint32_t slot)
{
    const uint32_t done = slot + (slot < q->avail_idx ? q->size : 0u) - q->avail_idx, free = q->size - q->in_use;
    uint32_t most = q->size - slot, n = 0;

    if (done >= free)
        return 0;
    most = free - done < most ? free - done : most;
    most = most < FILL_MAX ? most : FILL_MAX;
    while (n < most && (q->elem_fresh[slot + n] & ~SLOT_START) == 0)
        n++;
    return n;
}

void express_filled(struct vblk_oracle *o, uint32_t slot)
{
    const struct queue *q = o->express.q;
    struct vblk_lane_slots *s = &o->express.lane.slots;
    const uint32_t next = slot + 1 < q->size ? slot + 1 : 0;

    s->left = s->flags.entries > 0 ? room_from(q, next) : 0;
    s->next = q->desc + 16u * (uint64_t)next;
    s->copy = s->copies + 16u * (size_t)next;
    s->mark = s->marks + next;
}

#ifndef NDEBUG
bool express_slot_is_so(const struct vblk_oracle *o, const struct usual *u)
{
    const struct queue *q = o->express.q;
    const uint64_t into = u->at - q->desc;
    const uint16_t slot = (uint16_t)(into / 16);

    if (u->kind == VBLK_EV_LOAD)
        return into % 16 + u->len <= 14;
    return !packed_in_use(q, slot) && (q->elem_fresh[slot] & SLOT_UNSEEN) == 0 && !q->half &&
           (slot != q->avail_idx ||
            (into % 16 + u->len <= 14 && !packed_available(vblk_get16(q->ring[slot].flags), q->avail_wrap)));
}
#endif
