/* SPDX-License-Identifier: BSD-3-Clause */
/* Which accesses may be looked at the short way of express.c: those of which it is known what the checks say. */
#include <string.h>

#include "express_impl.h"

struct part {
    uint8_t kind, party, place;
    uint32_t bytes;
};

static void open_parts(struct vblk_oracle *o, const struct part *parts, size_t count)
{
    struct express *x = &o->express;

    for (const struct part *p = parts; p < parts + count; p++) {
        const unsigned kind = p->kind == VBLK_EV_STORE ? 0 : 1;
        const struct check_list *list = &o->lists.by_place[kind][p->party][p->place];
        const bool known = list->count == 0 || list->known.plain_for == o->plain[p->place != IN_NOTHING];
        x->open[kind][p->party][p->place] = known ? p->bytes : 0;
    }
}

static void open_split(struct vblk_oracle *o, struct queue *q)
{
    const uint32_t desc = (uint32_t)desc_bytes(q), slots = (uint32_t)slot_bytes(q), elems = (uint32_t)elem_bytes(q);
    const bool in_step = q->elem_pending == 0;
    const struct part parts[] = {
        { VBLK_EV_STORE, VBLK_DRIVER, IN_DESC_TABLE, desc },
        { VBLK_EV_STORE, VBLK_DRIVER, IN_AVAIL_RING, slots },
        { VBLK_EV_LOAD, VBLK_DRIVER, IN_USED_ELEM, elems },
        { VBLK_EV_LOAD, VBLK_DRIVER, IN_USED_IDX, 2 },
        { VBLK_EV_LOAD, VBLK_DEVICE, IN_DESC_TABLE, desc },
        { VBLK_EV_LOAD, VBLK_DEVICE, IN_AVAIL_RING, slots },
        { VBLK_EV_LOAD, VBLK_DEVICE, IN_AVAIL_IDX, 2 },
        { VBLK_EV_STORE, VBLK_DEVICE, IN_USED_ELEM, in_step ? elems : 0 },
        { VBLK_EV_STORE, VBLK_DEVICE, IN_USED_IDX, in_step && !negotiated(o, VBLK_F_IN_ORDER) && queue_in_sight(o, q) ? 2 : 0 },
    };

    open_parts(o, parts, sizeof(parts) / sizeof(parts[0]));
    o->express.slots = q->driver + 4;
    o->express.elems = q->device + 4;
}

static void open_packed(struct vblk_oracle *o, const struct queue *q)
{
    const uint32_t desc = (uint32_t)desc_bytes(q);
    const struct part parts[] = {
        { VBLK_EV_STORE, VBLK_DRIVER, IN_PACKED_RING, desc },
        { VBLK_EV_LOAD, VBLK_DRIVER, IN_PACKED_RING, desc },
        { VBLK_EV_LOAD, VBLK_DEVICE, IN_PACKED_RING, desc },
        { VBLK_EV_STORE, VBLK_DEVICE, IN_PACKED_RING, q->elem_pending == 0 ? desc : 0 },
    };

    open_parts(o, parts, sizeof(parts) / sizeof(parts[0]));
}

static void open_requests(struct vblk_oracle *o)
{
    const bool alone = o->active_count == 1;
    const struct part parts[] = {
        { VBLK_EV_STORE, VBLK_DRIVER, IN_NOTHING, alone },
        { VBLK_EV_LOAD, VBLK_DRIVER, IN_NOTHING, alone },
        { VBLK_EV_LOAD, VBLK_DEVICE, IN_READABLE, 1 },
        { VBLK_EV_STORE, VBLK_DEVICE, IN_WRITABLE, 1 },
    };

    open_parts(o, parts, sizeof(parts) / sizeof(parts[0]));
}

/* Steps are made without a look at what is open. */
static bool may_step(const struct express *x)
{
    const uint32_t ring = x->q->packed ? x->OPEN(LOAD, DEVICE, PACKED_RING) : x->OPEN(LOAD, DEVICE, DESC_TABLE);

    return ring != 0 && x->OPEN(LOAD, DEVICE, READABLE) != 0 && x->OPEN(STORE, DEVICE, WRITABLE) != 0;
}

void express_look(struct vblk_oracle *o)
{
    struct express *x = &o->express;
    struct queue *q = o->near;
    const bool usual = q != NULL && q->enabled && !q->lost && o->image == NULL &&
                       sees(o, VBLK_SEES_ALL) && queue_is_usual(o, q);

    o->plain[0] = sign_of_access(o, NULL).settings;
    o->plain[1] = usual ? sign_of_access(o, q).settings : 0;
    if (!usual && x->q == NULL)
        return;
    if (usual && x->q == q && x->looked_for == o->plain[1] && x->learned == o->learned && q->elem_pending == 0 && !x->pending)
        return;
    x->looked_for = o->plain[1];
    x->learned = o->learned;
    x->pending = usual && q->elem_pending != 0;
    memset(x->open, 0, sizeof(x->open));
    x->q = usual ? q : NULL;
    x->steps = false;
    if (!usual)
        return;
    (q->packed ? open_packed(o, q) : open_split(o, q));
    open_requests(o);
    x->steps = may_step(x);
    x->desc = q->desc;
    /* accesses of a few bytes before and behind them may meet their words */
    x->rings_from = o->rings_from - 8;
    x->rings_len = o->rings_len + 16;
}
