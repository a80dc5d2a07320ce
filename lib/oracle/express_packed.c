/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way of express.c for accesses to a single descriptor of a packed ring: what queue_packed_access.c does for
 * them, where nothing is amiss.
 */
#include <string.h>

#include "express_impl.h"

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

static __attribute__((noinline)) void made_available(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes,
                                                     enum vblk_order order)
{
    struct queue *q = o->express.q;
    const struct vblk_event ev = event_of(VBLK_DRIVER, at, len, bytes, order);
    const uint32_t before = q->total;

    express_settle(o);
    packed_scan_available(o, q, &ev);
    if (q->total == before)
        q->entry_stored = o->seq;
    look_again(o, q);
}

/* How drivers fill a descriptor: whole, all but its flags, those alone. */
static inline bool keep(struct vblk_packed_desc *to, uint32_t from, uint32_t len, const void *bytes)
{
    if (from == 0 && len == 16)
        memcpy(to, bytes, 16);
    else if (from == 0 && len == BODY)
        memcpy(to, bytes, BODY);
    else if (from == BODY && len == 2)
        memcpy(&to->flags, bytes, 2);
    else
        return false;
    return true;
}

static bool driver_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DRIVER, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;
    const uint32_t from = into % 16, slot = (uint32_t)(into / 16);

    if (into >= o->express.OPEN(STORE, DRIVER, PACKED_RING))
        return by_nobody(o, at, len, bytes, VBLK_EV_STORE);
    uint8_t *fresh = &q->elem_fresh[slot];
    if (packed_in_use(q, (uint16_t)slot) || (*fresh & SLOT_UNSEEN) != 0 || !keep(&q->ring[slot], from, len, bytes))
        return false;
    count_again(o, &u, bytes);
    *fresh = (uint8_t)((*fresh & ~SLOT_START) | (from == 0 ? SLOT_FILLED : 0) | (len != BODY ? SLOT_DRIVER : 0));
    q->fenced = order >= VBLK_RELEASE || o->barriers[VBLK_DRIVER] >= q->entry_stored;
    if ((slot == q->avail_idx || q->half) && packed_available(vblk_get16(q->ring[q->avail_idx].flags), q->avail_wrap))
        made_available(o, at, len, bytes, order);
    else
        q->entry_stored = o->seq;
    return true;
}

static bool driver_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DRIVER, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;

    (void)order;
    if (into >= o->express.OPEN(LOAD, DRIVER, PACKED_RING))
        return by_nobody(o, at, len, bytes, VBLK_EV_LOAD);
    const struct part p = part_of(into, len);
    if (p.to == p.from)
        return false;
    count_again(o, &u, bytes);
    if (has_flags(p) && (q->elem_fresh[p.slot] & SLOT_UNSEEN) != 0)
        packed_seen(q, p.slot);
    return true;
}

/* ---- the device ---- */

/* Not the next step. */
static bool device_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_PACKED_RING };
    const uint64_t into = at - o->express.desc;

    (void)order;
    if (next_step(o, at, len, bytes))
        return true;
    if (into >= o->express.OPEN(LOAD, DEVICE, PACKED_RING))
        return express_header(o, q, at, len, bytes);
    const struct part p = part_of(into, len);
    struct piece *slot = &q->table[p.slot];
    struct chain *c = slot->owner < q->size && q->chains[slot->owner].outstanding ? &q->chains[slot->owner] : NULL;
    if (o->express.step != o->express.settled || has_body(p))
        express_settle(o);
    const bool begins = has_body(p) && c != NULL && c->slot == p.slot && c->turn > q->taken_turn;
    if (p.to == p.from || slot->loaded != 0 || (begins && c->turn != q->taken_turn + 1))
        return false;
    count_again(o, &u, bytes);
    if (has_flags(p))
        q->polled = p.slot;
    if (has_body(p))
        slot->loaded = (uint16_t)(((1u << p.to) - (1u << p.from)) & 0x3fffu); /* flags are polled */
    if (begins) {
        c->begun = true;
        q->taken_turn = c->turn;
    }
    if (c != NULL)
        takes_up(o, q, c, !has_body(p) && c->slot == p.slot && c->turn == q->taken_turn + 1);
    return true;
}

static __attribute__((noinline)) void used(struct vblk_oracle *o, bool first, uint64_t at, uint32_t len,
                                           const void *bytes, enum vblk_order order)
{
    struct queue *q = o->express.q;
    const struct vblk_event ev = event_of(VBLK_DEVICE, at, len, bytes, order);

    express_settle(o);
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

    if (!steps_made(x, (uint16_t)(x->elem >> 32), (uint32_t)x->elem) || c->slot != q->used_idx ||
        !packed_used(flags, q->used_wrap) || (flags & VBLK_DESC_WRITE) == 0 || negotiated(o, VBLK_F_IN_ORDER)) {
        used(o, true, at, 2, bytes, order);
        return;
    }
    if (c->twin.count > 1)
        q->polled = packed_after(q, c->slot, (uint16_t)(c->twin.count - 1));
    q->taken_turn = c->turn;
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

    if (next_step(o, at, len | STEP_STORE, bytes)) {
        x->last = *(const uint8_t *)bytes;
        return true;
    }
    if (into >= x->OPEN(STORE, DEVICE, PACKED_RING))
        return express_data(o, q, at, len, bytes);
    const struct part p = part_of(into, len);
    if (p.to == p.from || q->elem_pending != 0 || !packed_in_use(q, p.slot))
        return false;
    count_again(o, &u, bytes);
    q->elem_fresh[p.slot] |= (uint8_t)((p.from < 12 && p.to > 8 ? SLOT_LEN : 0) | (p.from < 14 && p.to > 12 ? SLOT_ID : 0));
    x->elem_stored = p.from == ANSWER && len == 6 ? p.slot == q->used_idx : x->elem_stored && p.from == BODY;
    if (x->elem_stored && len == 6)
        x->elem = le32_at(bytes) | (uint64_t)le16_at((const uint8_t *)bytes + 4) << 32;
    if (p.slot != q->used_idx || !has_flags(p)) {
        assert(packed_followed(o, q));
        return true;
    }
    if (p.from == BODY)
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
