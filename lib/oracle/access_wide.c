/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A store of the driver's that reaches past the place that its first byte lies in: over several descriptors, from free
 * memory into a ring, over more than one buffer. Whatever of it is with the device is tampered with.
 */
#include "judge.h"

static bool meets(const struct vblk_event *ev, uint64_t at, uint64_t len)
{
    return at - ev->at < ev->len || ev->at - at < len;
}

static void over_descriptors(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    for (uint32_t i = ev->at > q->desc ? (uint32_t)((ev->at - q->desc) / 16) : 0;
         i < q->size && meets(ev, q->desc + 16u * (uint64_t)i, 16); i++)
        if (q->table[i].owner != NO_OWNER)
            queue_tampered(o, q, &q->chains[q->table[i].owner], IN_DESC_TABLE);
}

/* @first: its first byte is elsewhere, so that nobody looked at the queue yet. */
static void over_queue(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev, bool first)
{
    const uint64_t size = q->size, driver = q->packed ? 4 : 6 + 2 * size, device = q->packed ? 4 : 6 + 8 * size;

    if (meets(ev, q->desc, 16 * size) && !q->packed)
        over_descriptors(o, q, ev);
    else if (meets(ev, q->desc, 16 * size) && first)
        packed_driver_stored(o, q, ev);
    if (meets(ev, q->driver, driver) && !q->packed && first) {
        q->idx_stored = o->seq;
        queue_scan_available(o, q, ev);
    }
    if (meets(ev, q->device, device))
        queue_lose(o, q); /* what is there from now on is not the device's doing */
}

static bool over_chain(const struct queue *q, const struct chain *c, const struct vblk_event *ev)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p))
        if (meets(ev, p->gpa, p->len) && p->len > 0)
            return true;
    return c->indirect_len > 0 && meets(ev, c->indirect, c->indirect_len);
}

void access_wide_store(struct vblk_oracle *o, const struct vblk_event *ev, const struct look *look)
{
    for (uint32_t i = 0; i < o->active_count; i++) {
        struct queue *q = &o->queues[o->active[i]];
        if (q->enabled)
            over_queue(o, q, ev, look->q != q || look->chain != NULL);
    }
    if (!busy_maybe(o->busy, ev->at, ev->len))
        return;
    for (struct chain *c = o->oldest; c != NULL; c = c->newer) {
        struct queue *q = &o->queues[c->queue];
        if (c != look->chain && over_chain(q, c, ev))
            queue_tampered(o, q, c, IN_READABLE);
    }
}
