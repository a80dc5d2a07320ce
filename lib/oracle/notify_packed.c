/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far a packed ring was filled and used, for its notifications alone (2.8.1, 2.8.6, 2.8.10). Looked at when events
 * name the moment; whatever can't be told from the ring as it is then ends the following until the queue is enabled again.
 */
#include <stdlib.h>
#include <string.h>

#include "notify_impl.h"

#define WRAP 0x8000u

enum { ENABLE, DISABLE, DESC };

void notice_packed_open(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    if (s->ids_for < q->size) {
        free(s->ids);
        s->ids = calloc(q->size, sizeof(*s->ids));
        s->ids_for = s->ids != NULL ? q->size : 0;
    }
    s->on = s->ids != NULL && !negotiated(o, VBLK_F_IN_ORDER);
    if (s->on)
        memset(s->ids, 0, q->size * sizeof(*s->ids));
    s->way[VBLK_DRIVER].at = s->way[VBLK_DEVICE].at = WRAP;
}

/* The end of a descriptor: what its following is about. */
struct mark {
    vblk_le16 id, flags;
};

static struct mark slot_at(const struct vblk_oracle *o, const struct queue *q, uint16_t at)
{
    struct mark m = { { { 0 } }, { { 0 } } };

    (void)!fast_peek(o->mem, q->desc + 16u * (uint64_t)(at & ~WRAP) + offsetof(struct vblk_packed_desc, id), &m, sizeof(m));
    return m;
}

static bool bit_is(uint16_t flags, uint16_t bit, uint16_t at)
{
    return ((flags & bit) != 0) == ((at & WRAP) != 0);
}

static uint16_t advance(const struct queue *q, uint16_t at, uint32_t by)
{
    const uint32_t slot = (at & ~WRAP) + by;
    return (uint16_t)(slot < q->size ? ((at & WRAP) | slot) : ((~at & WRAP) | (slot - q->size)));
}

/* Slots from @from on to @to, both on the circle of two laps. */
static uint32_t distance(const struct queue *q, uint16_t from, uint16_t to)
{
    const uint32_t laps = 2u * q->size;
    const uint32_t a = (from & ~WRAP) + ((from & WRAP) != 0 ? 0 : q->size);
    const uint32_t b = (to & ~WRAP) + ((to & WRAP) != 0 ? 0 : q->size);
    return b >= a ? b - a : b + laps - a;
}

/* A chain of @count descriptors from @from on. Of a used chain only the first slot is written (AMB-17). */
static void published(struct vblk_oracle *o, const struct queue *q, struct notice *n, uint32_t count, bool used)
{
    struct published p = { .to = advance(q, n->at, count), .count = count, .vague = n->changed };

    if (n->flags == DESC && negotiated(o, VBLK_F_EVENT_IDX) && (uint32_t)(n->event & ~WRAP) < q->size) {
        const uint32_t past = distance(q, n->at, n->event);
        p.asks = past < count && !(used && past > 0);
        p.vague |= used && past > 0 && past < count;
    } else {
        p.asks = n->flags == ENABLE;
        p.vague |= n->flags > DISABLE;
    }
    notice_published(o, n, &p);
}

/* The chain at @at, whole: its length; 0: the slot is not filled; above the size: nothing that makes sense. */
static uint32_t chain_at(const struct vblk_oracle *o, const struct queue *q, uint16_t at, uint16_t *id)
{
    for (uint32_t count = 1; count <= q->size; count++, at = advance(q, at, 1)) {
        const struct mark d = slot_at(o, q, at);
        const uint16_t flags = vblk_get16(d.flags);
        if (!bit_is(flags, VBLK_DESC_AVAIL, at))
            return count == 1 ? 0 : q->size + 1u;
        *id = vblk_get16(d.id);
        if (bit_is(flags, VBLK_DESC_USED, at))
            return q->size + 1u; /* used already, so that its length can't be told any more */
        if ((flags & VBLK_DESC_NEXT) == 0)
            return count;
    }
    return q->size + 1u;
}

static bool follow_filled(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    struct notice *n = &s->way[VBLK_DRIVER];
    uint16_t id = 0;
    uint32_t count;

    for (uint32_t done = 0; done <= q->size; done += count) {
        count = chain_at(o, q, n->at, &id);
        if (count == 0)
            return true;
        if (count > q->size || id >= q->size)
            return false;
        s->ids[id] = (uint16_t)count;
        published(o, q, n, count, false);
    }
    return false;
}

static bool follow_used(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    struct notice *n = &s->way[VBLK_DEVICE];

    while (n->total < s->way[VBLK_DRIVER].total) {
        const struct mark d = slot_at(o, q, n->at);
        const uint16_t flags = vblk_get16(d.flags), id = vblk_get16(d.id);
        if (!bit_is(flags, VBLK_DESC_AVAIL, n->at) || !bit_is(flags, VBLK_DESC_USED, n->at))
            return true;
        if (id >= q->size || s->ids[id] == 0)
            return false;
        published(o, q, n, s->ids[id], true);
        s->ids[id] = 0;
    }
    return true;
}

void notice_packed_follow(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    s->on = follow_filled(o, q, s) && follow_used(o, q, s) &&
            s->way[VBLK_DRIVER].total - s->way[VBLK_DEVICE].total <= q->size;
}
