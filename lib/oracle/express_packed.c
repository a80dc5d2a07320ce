/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way of express.c for accesses to a single descriptor of a packed ring: what queue_packed_access.c does for
 * them, where nothing is amiss.
 */
#include <string.h>

#include "express_impl.h"
#include "slots.h"

enum { BODY = offsetof(struct vblk_packed_desc, flags), ANSWER = offsetof(struct vblk_packed_desc, len) };

/* The part of the ring that an access names, if it is one descriptor's. */
struct part {
    uint16_t slot;
    uint8_t from, to; /* bytes of the descriptor; none: not of one alone */
};

static inline struct part part_of(uint64_t into, uint32_t len)
{
    const uint32_t from = into % 16, to = len <= 16 - from ? from + len : from;

    return (struct part){ (uint16_t)(into / 16), (uint8_t)from, (uint8_t)to };
}

static inline bool has_flags(struct part p)
{
    return p.to > BODY;
}

static inline bool has_body(struct part p)
{
    return p.from < BODY;
}

static struct vblk_event event_of(enum vblk_party party, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    return (struct vblk_event){ .kind = VBLK_EV_STORE, .party = (uint8_t)party, .order = (uint8_t)order, .at = at, .len = len,
                                .bytes = bytes };
}

/* ---- the driver ---- */

static __attribute__((noinline)) bool made_available(void *oracle, uint64_t at, uint32_t len, const void *bytes,
                                                     enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct vblk_event ev = event_of(VBLK_DRIVER, at, len, bytes, order);
    const uint32_t before = q->total;

    packed_scan_available(o, q, &ev);
    if (q->total == before)
        q->entry_stored = o->seq;
    look_again(o, q);
    if (o->express.q == q)
        express_open_slots(o);
    if (o->express.chain == NULL)
        foresee(o, q, o->oldest);
    return true;
}

/* How drivers fill a descriptor: whole, all but its flags, those alone. */
static inline bool keep(struct vblk_packed_desc *to, uint8_t *fresh, uint32_t from, uint32_t len, const void *bytes)
{
    const uint8_t was = (uint8_t)(*fresh & ~SLOT_START);

    if (from == 0 && len == 16) {
        memcpy(to, bytes, 16);
        *fresh = was | SLOT_FILLED | SLOT_DRIVER;
    } else if (from == BODY && len == 2) {
        memcpy(&to->flags, bytes, 2);
        *fresh = was | SLOT_DRIVER;
    } else if (from == 0 && len == BODY) {
        memcpy(to, bytes, BODY);
        *fresh = was | SLOT_FILLED;
    } else {
        return false;
    }
    return true;
}

static bool driver_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DRIVER, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;
    const uint32_t slot = (uint32_t)(into / 16);

    express_catch_up(o);
    if (into >= o->express.OPEN(STORE, DRIVER, PACKED_RING))
        return express_nobodys_store(o, at, len, bytes, order);
    if (packed_in_use(q, (uint16_t)slot) || (q->elem_fresh[slot] & SLOT_UNSEEN) != 0 ||
        !keep(&q->ring[slot], &q->elem_fresh[slot], into % 16, len, bytes))
        return false;
    express_collect(o);
    count_again(o, &u, bytes);
    q->fenced = order >= VBLK_RELEASE || o->barriers[VBLK_DRIVER] >= q->entry_stored;
    if ((slot == q->avail_idx || q->half) &&
        packed_available(le16_at((const uint8_t *)&q->ring[q->avail_idx].flags), q->avail_wrap))
        return made_available(o, at, len, bytes, order);
    q->entry_stored = o->seq;
    if (into % 16 == 0)
        express_filled(o, slot);
    else
        o->express.lane.slots.left = 0;
    return true;
}

static bool driver_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DRIVER, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;

    express_catch_up(o);
    if (into >= o->express.OPEN(LOAD, DRIVER, PACKED_RING))
        return express_nobodys_load(o, at, len, bytes, order);
    if (len == 0 || into % 16 + len > 16)
        return false;
    count_again(o, &u, bytes);
    if (into % 16 + len > BODY && (q->elem_fresh[into / 16] & SLOT_UNSEEN) != 0)
        packed_seen(q, (uint16_t)(into / 16));
    return true;
}

/* ---- the device ---- */

static struct chain *chain_in(const struct queue *q, const struct piece *slot)
{
    const uint16_t owner = packed_owner(q, slot->index);

    return owner < q->size && q->chains[owner].outstanding ? &q->chains[owner] : NULL;
}

/* Its flags alone: whether there is something to do. */
static inline bool polls(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct usual *u, const void *bytes)
{
    struct chain *c = chain_in(q, &q->table[slot]);

    express_stop(o);
    if (q->table[slot].loaded != 0)
        return false;
    count_again(o, u, bytes);
    q->polled = slot;
    if (c != NULL)
        takes_up(o, q, c, c->slot == slot && c->turn == q->taken_turn + 1);
    return true;
}

static bool loads(struct vblk_oracle *o, struct queue *q, struct part p, const struct usual *u, const void *bytes)
{
    struct piece *slot = &q->table[p.slot];
    struct chain *c = chain_in(q, slot);
    const bool begins = c != NULL && c->slot == p.slot && c->turn > q->taken_turn;
    if (p.to == p.from || slot->loaded != 0 || (begins && c->turn != q->taken_turn + 1) || c == NULL ||
        (!begins && !c->begun))
        return false;
    express_spoil(o);
    count_again(o, u, bytes);
    if (has_flags(p))
        q->polled = p.slot;
    slot->loaded = (uint16_t)(((1u << p.to) - (1u << p.from)) & 0x3fffu); /* flags are polled */
    if (begins) {
        c->begun = true;
        q->taken_turn = c->turn;
        q->strayed = NO_OWNER;
    }
    if (c != NULL)
        takes_up(o, q, c, false);
    return true;
}

/* Not the next step. */
static bool device_load(void *oracle, uint64_t at, uint32_t len, const void *bytes,
                                                 enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;

    (void)order;
    express_stop(o);
    if (into >= o->express.OPEN(LOAD, DEVICE, PACKED_RING))
        return express_header(o, q, at, len, bytes);
    if (into % 16 == BODY && len == 2)
        return polls(o, q, (uint16_t)(into / 16), &u, bytes);
    const struct part p = part_of(into, len);
    return has_body(p) ? loads(o, q, p, &u, bytes) : false;
}

static __attribute__((noinline)) void used(struct vblk_oracle *o, bool first, uint64_t at, uint32_t len,
                                           const void *bytes, enum vblk_order order)
{
    struct queue *q = o->express.q;
    const struct vblk_event ev = event_of(VBLK_DEVICE, at, len, bytes, order);

    express_stop(o);
    packed_scan_used_on(o, q, first, &ev);
    look_again(o, q);
}

/* The next descriptor is used already. */
static inline bool next_is_used(const struct vblk_oracle *o, const struct queue *q)
{
    vblk_le16 flags;

    return q->in_use > 0 &&
           (fast_peek(o->mem, q->desc + 16u * (uint64_t)q->used_idx + BODY, &flags, sizeof(flags)) != VBLK_OK ||
            packed_used(vblk_get16(flags), q->used_wrap));
}

static inline void flags_stored(struct vblk_oracle *o, uint64_t at, const void *bytes, enum vblk_order order)
{
    struct express *x = &o->express;
    struct queue *q = x->q;
    struct chain *c = x->chain;
    const uint16_t flags = le16_at(bytes);
    const struct told told = { at, bytes, 2, order };

    if (!steps_made(x) || c->slot != q->used_idx ||
        !packed_used(flags, q->used_wrap) || (flags & VBLK_DESC_WRITE) == 0 || negotiated(o, VBLK_F_IN_ORDER)) {
        used(o, true, at, 2, bytes, order);
        return;
    }
    q->polled = packed_after(q, c->slot, (uint16_t)(c->twin.count - 1));
    q->taken_turn = c->turn;
    q->strayed = NO_OWNER;
    express_answered(o, q, c, q->used_idx, flags, &told);
    if (next_is_used(o, q))
        used(o, false, at, 2, bytes, order);
}

static bool device_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct express *x = &o->express;
    struct queue *q = x->q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DEVICE, IN_PACKED_RING };
    const uint64_t into = at - x->desc;
    const uint32_t from = into % 16, to = from + len;
    const uint16_t slot = (uint16_t)(into / 16);

    if (from != BODY || len != 2)
        express_stop(o);
    if (into >= x->OPEN(STORE, DEVICE, PACKED_RING))
        return express_data(o, q, at, len, bytes);
    if (len - 1 > 15 - from || q->elem_pending != 0 || !packed_in_use(q, slot))
        return false;
    count_again(o, &u, bytes);
    q->elem_fresh[slot] |= (uint8_t)((from < 12 && to > 8 ? SLOT_LEN : 0) | (from < 14 && to > 12 ? SLOT_ID : 0));
    if (slot != q->used_idx || to <= BODY)
        assert(packed_followed(o, q));
    else if (from == BODY && len == 2)
        flags_stored(o, at, bytes, order);
    else
        used(o, true, at, len, bytes, order);
    return true;
}

const vblk_quick_fn express_packed[VBLK_QUICK] = {
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DRIVER)] = driver_load,
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DEVICE)] = device_load,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DRIVER)] = driver_store,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DEVICE)] = device_store,
};
