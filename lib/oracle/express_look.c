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
        { VBLK_EV_STORE, VBLK_DEVICE, IN_USED_IDX,
          in_step && !negotiated(o, VBLK_F_IN_ORDER) && queue_in_sight(o, q) ? 2 : 0 },
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
static bool ring_may_step(const struct vblk_oracle *o)
{
    const struct express *x = &o->express;

    if (x->q->packed)
        return x->OPEN(LOAD, DEVICE, PACKED_RING) != 0 && x->OPEN(STORE, DEVICE, PACKED_RING) != 0;
    return x->OPEN(LOAD, DEVICE, AVAIL_RING) != 0 && x->OPEN(LOAD, DEVICE, DESC_TABLE) != 0 &&
           x->OPEN(STORE, DEVICE, USED_ELEM) != 0 &&
           (x->OPEN(STORE, DEVICE, USED_IDX) != 0 || negotiated(o, VBLK_F_IN_ORDER));
}

static bool may_step(const struct vblk_oracle *o)
{
    const struct express *x = &o->express;

    return ring_may_step(o) && x->OPEN(LOAD, DEVICE, READABLE) != 0 && x->OPEN(STORE, DEVICE, WRITABLE) != 0;
}

/* What of all that is open may pass in the lane. */
static void open_lane(struct vblk_oracle *o, const struct queue *q)
{
    struct express *x = &o->express;
    struct vblk_lane *lane = &x->lane;
    const bool nobodys = x->OPEN(STORE, DRIVER, NOTHING) != 0 && x->OPEN(LOAD, DRIVER, NOTHING) != 0;

    /* What begins before the rings in their first page may reach into them; what passes here ends in its page. */
    lane->rings_from = (o->rings_from - 8) & ~(((uint64_t)1 << VBLK_LANE_PAGE) - 1);
    lane->rings_last = nobodys ? o->rings_from - lane->rings_from + o->rings_len + 7 : UINT64_MAX;
    lane->desc = (struct vblk_lane_part){ x->desc, x->OPEN(STORE, DRIVER, DESC_TABLE) / 16 };
    lane->slot = (struct vblk_lane_part){ x->slots, x->OPEN(STORE, DRIVER, AVAIL_RING) / 2 };
    lane->elem = (struct vblk_lane_part){ x->elems, x->OPEN(LOAD, DRIVER, USED_ELEM) / 8 };
    lane->owner = &q->table[0].owner;
    lane->mask = q->size - 1u;
    express_free(o, q);
    if (q->packed)
        express_open_slots(o);
}

static void close_lane(struct vblk_oracle *o)
{
    struct vblk_lane *lane = &o->express.lane;

    lane->rings_last = UINT64_MAX;
    lane->desc.entries = lane->slot.entries = lane->elem.entries = 0;
    express_close_slots(o);
    express_leave(o);
}

void express_open(struct vblk_oracle *o)
{
    struct vblk_lane *lane = &o->express.lane;

    _Static_assert(sizeof(struct piece) == VBLK_LANE_OWNER * sizeof(uint16_t), "owners are so far apart");
    _Static_assert(BUSY_COARSE == VBLK_LANE_PAGE && BUSY_CELLS == VBLK_LANE_PAGES, "pages are told apart alike");
    lane->pages = o->busy->page;
#ifndef NDEBUG
    lane->is_so = express_lane_is_so;
#endif
    lane->ctx = o;
    close_lane(o);
}

static void look(struct vblk_oracle *o, struct queue *q)
{
    struct express *x = &o->express;

    express_settle(o);
    close_lane(o);
    x->looked_for = o->plain[1];
    x->learned = o->learned;
    x->pending = q != NULL && q->elem_pending != 0;
    memset(x->open, 0, sizeof(x->open));
    x->q = q;
    x->steps = false;
    if (q == NULL)
        return;
    x->desc = q->desc;
    (q->packed ? open_packed(o, q) : open_split(o, q));
    open_requests(o);
    x->steps = may_step(o);
    open_lane(o, q);
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
    if (!usual || x->q != q || x->looked_for != o->plain[1] || x->learned != o->learned || q->elem_pending != 0 ||
        x->pending)
        look(o, usual ? q : NULL);
    if (!usual)
        return;
    express_free(o, q);
    if (q->packed)
        express_open_slots(o);
    x->quiet_flags = q->packed || queue_word(o, q->device) <= VBLK_USED_NO_NOTIFY;
    if (x->chain == NULL)
        foresee(o, q, o->oldest);
}
