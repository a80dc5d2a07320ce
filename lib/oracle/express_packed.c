/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way of express.c for accesses to a single descriptor of a packed ring: what queue_packed_access.c does for
 * them, where nothing is amiss.
 */
#include <string.h>

#include "express_impl.h"

/* The part of the ring that an access names, if it is one descriptor's. */
struct part {
    uint16_t slot;
    uint8_t from, to; /* bytes of the descriptor; none: not of one alone */
};

static inline bool in_ring(const struct queue *q, uint64_t at)
{
    return at - q->desc < 16u * (uint64_t)q->size;
}

static inline struct part part_of(const struct queue *q, uint64_t at, uint32_t len)
{
    const uint32_t into = (uint32_t)(at - q->desc), from = into % 16, to = len <= 16 - from ? from + len : from;

    return (struct part){ (uint16_t)(into / 16), (uint8_t)from, (uint8_t)to };
}

static inline bool has_flags(struct part p)
{
    return p.to > offsetof(struct vblk_packed_desc, flags);
}

static inline bool has_body(struct part p)
{
    return p.from < offsetof(struct vblk_packed_desc, flags);
}

/* The picture may change in any way by what was used or made available. */
static inline bool look_again(struct vblk_oracle *o, const struct queue *q)
{
    if (unlikely(q->lost || q->usual_for != o->settings))
        express_look(o);
    return true;
}

/* How drivers fill a descriptor: whole, all but its flags, those alone. */
static inline bool keeps(const struct part *p)
{
    return p->to - p->from == 16 || p->to - p->from == 14 || p->to - p->from == 2;
}

static inline void keep(struct queue *q, const struct part *p, const void *bytes)
{
    uint8_t *to = (uint8_t *)&q->ring[p->slot] + p->from;

    if (p->to - p->from == 16)
        memcpy(to, bytes, 16);
    else if (p->to - p->from == 14)
        memcpy(to, bytes, 14);
    else
        memcpy(to, bytes, 2);
}

static __attribute__((noinline)) bool made_available(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes,
                                                     enum vblk_order order)
{
    struct queue *q = o->express;
    const struct vblk_event ev = { .kind = VBLK_EV_STORE, .party = VBLK_DRIVER, .order = (uint8_t)order, .at = at,
                                   .len = len, .bytes = bytes };
    const uint32_t before = q->total;

    packed_scan_available(o, q, &ev);
    if (q->total == before)
        q->entry_stored = o->seq;
    return look_again(o, q);
}

static bool driver_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DRIVER, IN_PACKED_RING };

    if (!in_ring(q, at))
        return express_by_nobody(o, q, at, len, bytes, VBLK_EV_STORE);
    const struct part p = part_of(q, at, len);
    uint8_t *fresh = &q->elem_fresh[p.slot];
    if (!keeps(&p) || packed_in_use(q, p.slot) || (*fresh & SLOT_UNSEEN) != 0 || !count_again(o, &u, bytes))
        return false;
    keep(q, &p, bytes);
    *fresh = (uint8_t)((*fresh & ~SLOT_START) | (has_body(p) ? SLOT_FILLED : 0) | (has_flags(p) ? SLOT_DRIVER : 0));
    q->fenced = order >= VBLK_RELEASE || o->barriers[VBLK_DRIVER] >= q->entry_stored;
    if (packed_available(vblk_get16(q->ring[q->avail_idx].flags), q->avail_wrap))
        return made_available(o, at, len, bytes, order);
    q->entry_stored = o->seq;
    return true;
}

static bool driver_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DRIVER, IN_PACKED_RING };

    (void)order;
    if (!in_ring(q, at))
        return express_by_nobody(o, q, at, len, bytes, VBLK_EV_LOAD);
    const struct part p = part_of(q, at, len);
    if (p.to == p.from || !count_again(o, &u, bytes))
        return false;
    if (has_flags(p))
        packed_seen(q, p.slot);
    return true;
}

static bool device_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_PACKED_RING };

    (void)order;
    if (!in_ring(q, at))
        return express_header(o, q, at, len, bytes);
    const struct part p = part_of(q, at, len);
    struct piece *slot = &q->table[p.slot];
    struct chain *c = slot->owner < q->size && q->chains[slot->owner].outstanding ? &q->chains[slot->owner] : NULL;
    const bool begins = has_body(p) && c != NULL && c->slot == p.slot && c->turn > q->taken_turn;
    if (p.to == p.from || slot->loaded != 0 || (begins && c->turn != q->taken_turn + 1) || !count_again(o, &u, bytes))
        return false;
    if (has_flags(p))
        q->polled = p.slot;
    if (has_body(p))
        slot->loaded = (uint16_t)(((1u << p.to) - (1u << p.from)) & 0x3fffu); /* flags are polled */
    if (begins) {
        c->begun = true;
        q->taken_turn = c->turn;
    }
    if (c != NULL) {
        c->taken = true;
        q->current = c;
        o->serving = q->no;
    }
    return true;
}

static __attribute__((noinline)) bool used(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes,
                                           enum vblk_order order)
{
    struct queue *q = o->express;
    const struct vblk_event ev = { .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .order = (uint8_t)order, .at = at,
                                   .len = len, .bytes = bytes };

    packed_scan_used(o, q, &ev);
    return look_again(o, q);
}

static bool device_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DEVICE, IN_PACKED_RING };

    if (!in_ring(q, at))
        return express_data(o, q, at, len, bytes);
    const struct part p = part_of(q, at, len);
    if (p.to == p.from || q->elem_pending != 0 || !packed_in_use(q, p.slot) || !count_again(o, &u, bytes))
        return false;
    q->elem_fresh[p.slot] |= (uint8_t)((p.from < 12 && p.to > 8 ? SLOT_LEN : 0) | (p.from < 14 && p.to > 12 ? SLOT_ID : 0));
    if (p.slot == q->used_idx && has_flags(p))
        return used(o, at, len, bytes, order);
    assert(packed_followed(o, q));
    return true;
}

const vblk_quick_fn express_packed[VBLK_QUICK] = {
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DRIVER)] = driver_load,
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DEVICE)] = device_load,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DRIVER)] = driver_store,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DEVICE)] = device_store,
};
