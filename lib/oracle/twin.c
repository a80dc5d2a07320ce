/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request made as the last one at the same head (packed: in the same place among the chains): the same descriptors but
 * for their addresses and ids, the same type, under the same settings, and nothing was wrong with that one. Then all that
 * chain.c and request.c would find out again is known, but for what depends on the addresses, on the sector, and on other
 * chains in flight. Where any of that is not plain, too, nothing is done here and the long way is taken.
 *
 * Without NDEBUG the long way is taken each time that all accesses are seen, and has to find the same.
 */
#include <string.h>

#include "express_impl.h"
#include "fast.h"
#include "little.h"
#include "sight.h"

/* Packed: id and lap, which are another buffer's each time. */
#define ID ((uint64_t)0xffff << 32)
#define LAP ((uint64_t)(VBLK_DESC_AVAIL | VBLK_DESC_USED) << 48)

/* Split: as in the table. Packed: without the id, as in the first lap. */
static uint64_t rest_of(const struct queue *q, const struct piece *p)
{
    if (!q->packed)
        return p->len | (uint64_t)p->flags << 32 | (uint64_t)p->next << 48;
    return (p->len | (uint64_t)p->flags << 48) ^ ((p->flags & VBLK_DESC_AVAIL) != 0 ? 0 : LAP);
}

/* The pieces of a packed ring's chain become its own. */
static void adopt(struct queue *q, struct chain *c)
{
    struct piece *own = c->twin.own, *after;

    for (struct piece *p = c->first; p != NULL; p = after, own++) {
        after = p->after;
        *own = *p;
        own->after = after != NULL ? own + 1 : NULL;
        pool_give(q, p);
    }
    c->first = c->twin.own;
    c->own = true;
}

/* Where the pieces lie, seen from the first. */
static void keep_places(struct twin *t, const struct chain *c)
{
    uint64_t gpa[TWIN_MAX], before = 0, behind = 0;
    uint32_t len[TWIN_MAX];

    for (const struct piece *p = c->first; p != NULL; p = p->after) {
        const uint64_t apart = p->gpa - c->first->gpa, end = apart + p->len;
        gpa[p->pos] = p->gpa;
        len[p->pos] = p->len;
        t->apart[p->pos] = apart;
        if (p->len > 0 && (int64_t)apart < 0 && -apart > before)
            before = -apart;
        if (p->len > 0 && (int64_t)end > 0 && end > behind)
            behind = end;
    }
    t->before = before;
    t->span = before + behind;
    (void)!busy_plan_for(&t->busy, gpa, len, t->count);
}

void twin_keep(const struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    struct twin *t = &c->twin;
    const struct request *r = &c->req;

    t->settings = 0;
    t->stores = 0;
    if (c->link != NO_OWNER || c->direct != c->count || c->count == 0 || c->count > TWIN_MAX ||
        c->faults != 0 || c->void_ || c->shared || c->odd || c->mutates || !request_is_plain(r) || c->first_writable == 0 ||
        c->first->len != sizeof(struct vblk_request_header))
        return;
    t->count = 0;
    for (const struct piece *p = c->first; p != NULL; p = p->after) {
        if ((p->flags & VBLK_DESC_WRITE) != 0 && p->len > 0)
            t->last = t->count;
        t->rest[t->count++] = rest_of(q, p);
    }
    t->type = r->type;
    t->shape = c->shape;
    t->odd_framing = c->odd_framing;
    t->unordered = c->unordered;
    t->first_writable = c->first_writable;
    t->settings = o->settings;
    keep_places(t, c);
    if (q->packed)
        adopt(q, c);
    express_plan(o, q, c);
}

/* The part of a region, next to which or in which @gpa lies, that no ring is in: for as long as the memory's epoch is. */
static __attribute__((noinline)) bool find_room(struct vblk_oracle *o, uint64_t gpa, uint32_t len)
{
    const struct region *region = region_guess(o->mem, VBLK_NOBODY);
    const uint64_t behind = o->rings_from + o->rings_len; /* 0: they reach the end */
    uint64_t from = region->gpa, to = region->gpa + region->size;

    if (!region_holds(region, gpa, len) || gpa - o->rings_from < o->rings_len || o->rings_from - gpa < len)
        return false;
    if (gpa < o->rings_from && o->rings_from - from < region->size)
        to = o->rings_from;
    else if (gpa > o->rings_from && behind - from < region->size)
        from = behind;
    o->room_from = from;
    o->room_len = to - from;
    o->room_host = region->host + (from - region->gpa);
    o->room_epoch = o->mem->epoch;
    return true;
}

static inline bool has_room(const struct vblk_oracle *o, uint64_t gpa, uint32_t len)
{
    const uint64_t into = gpa - o->room_from;

    return into < o->room_len && len <= o->room_len - into;
}

/* In the room where the first piece is, and in nobody else's way. */
static inline bool in_room(struct vblk_oracle *o, uint64_t gpa, uint32_t len, bool first)
{
    if (unlikely(!has_room(o, gpa, len)) && (!first || !find_room(o, gpa, len)))
        return false;
    return !busy_maybe(o->busy, gpa, len);
}

static inline bool meet(uint64_t a, uint32_t a_len, uint64_t b, uint32_t b_len)
{
    return b - a < a_len || a - b < b_len;
}

/* … and in no other piece's. */
static inline bool by_itself(struct vblk_oracle *o, const struct reading *r, unsigned i)
{
    const uint32_t len = (uint32_t)r->rest[i];

    if (len == 0)
        return true;
    if (!in_room(o, r->gpa[i], len, i == 0))
        return false;
    for (unsigned j = 0; j < i; j++)
        if (meet(r->gpa[i], len, r->gpa[j], (uint32_t)r->rest[j]))
            return false;
    return true;
}

static inline bool split_alike(struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct reading *r)
{
    const struct twin *t = &c->twin;
    uint32_t index = c->head;

    for (unsigned i = 0; i < t->count; i++) {
        const uint8_t *d = q->desc_bytes + 16u * (size_t)index;
        struct piece *p = &q->table[index];
        r->gpa[i] = le64_at(d);
        r->rest[i] = le64_at(d + 8);
        r->piece[i] = p;
        if (p->owner != NO_OWNER || r->rest[i] != t->rest[i] || !by_itself(o, r, i))
            return false;
        index = (uint32_t)(r->rest[i] >> 48);
    }
    return true;
}

/* The header, which is the first piece, and the status byte as it is. */
static inline bool read_request(const struct vblk_oracle *o, const struct chain *c, uint64_t header, uint64_t last,
                                struct reading *r)
{
    const struct twin *t = &c->twin;
    const uint8_t *head = o->room_host + (header - o->room_from);

    r->status_at = last + (uint32_t)t->rest[t->last] - 1;
    r->status = o->room_host[r->status_at - o->room_from];
    r->reserved = le32_at(head + 4);
    r->sector = le64_at(head + 8);
    return le32_at(head) == t->type && (c->req.slot != TY_IN || request_in_range(&o->ctl, r->sector, c->req.in_len));
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
_Static_assert(offsetof(struct piece, flags) == offsetof(struct piece, len) + 4 &&
                   offsetof(struct piece, next) == offsetof(struct piece, len) + 6,
               "a piece begins as a descriptor does");
_Static_assert(offsetof(struct piece, pos) == offsetof(struct piece, owner) + 2, "owner and position are beside each other");
#endif

/* In the table they always have the same index. */
static inline void set_piece(struct piece *p, uint64_t rest, uint16_t owner, uint32_t pos)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t place = owner | pos << 16;

    memcpy(&p->owner, &place, sizeof(place));
    memcpy(&p->len, &rest, sizeof(rest));
#else
    p->owner = owner;
    p->pos = (uint16_t)pos;
    p->len = (uint32_t)rest;
    p->flags = (uint16_t)(rest >> 32);
    p->next = (uint16_t)(rest >> 48);
#endif
    p->loaded = 0;
}

static inline void take_pieces(struct vblk_oracle *o, struct chain *c, const struct reading *r)
{
    struct piece *after = NULL;

    for (unsigned i = c->twin.count; i-- > 0; after = r->piece[i]) {
        struct piece *p = r->piece[i];
        p->gpa = r->gpa[i];
        set_piece(p, r->rest[i], c->head, i);
        p->after = after;
        if ((uint32_t)r->rest[i] > 0)
            busy_add(o->busy, r->gpa[i], (uint32_t)r->rest[i], 1);
    }
    c->first = after;
}

/* A split queue's descriptors are where they were. */
static inline void take_steps(const struct queue *q, struct chain *c, const struct reading *r)
{
    struct twin *t = &c->twin;
    const uint16_t place = (uint16_t)(q->avail_idx - 1u);
    struct vblk_foreseen *s = t->steps;

    if (t->stores == 0)
        return;
    s->at = q->driver + 4 + 2u * (uint64_t)(place & (q->size - 1u));
    answer_at(q, t, place);
    s += 1 + t->count;
    (s++)->at = r->gpa[0];
    for (unsigned i = 1; i < t->count; i++)
        if ((uint32_t)t->rest[i] > 0)
            (s++)->at = r->gpa[i];
}

/* What is not of its pieces. */
static inline void take(const struct vblk_oracle *o, struct chain *c, const struct reading *r)
{
    const struct twin *t = &c->twin;

    c->count = c->direct = t->count;
    c->first_writable = t->first_writable;
    c->unordered = t->unordered;
    c->odd_framing = t->odd_framing;
    c->shape = t->shape;
    c->req.reserved = r->reserved;
    c->req.sector = r->sector;
    c->req.status_before = r->status;
    c->req.status_at = r->status_at;
    c->req.sum = c->req.slot == TY_FLUSH ? shadow_now(&o->shadow) : 0;
}

/* Of the same settings, and memory is what it was when its room was found. */
static inline bool may_have_twin(struct vblk_oracle *o, const struct chain *c)
{
    if (unlikely(o->room_epoch != o->mem->epoch))
        o->room_len = 0;
    return c->twin.settings == o->settings;
}

bool twin_capture(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    struct reading r;

    if (!may_have_twin(o, c) || !queue_in_sight(o, q) || !split_alike(o, q, c, &r) ||
        !read_request(o, c, r.gpa[0], r.gpa[c->twin.last], &r))
        return false;
    take_pieces(o, c, &r);
    take_steps(q, c, &r);
    take(o, c, &r);
    return true;
}

/* ---- packed: the pieces are the twin's own, and nobody's until it is taken ---- */

/* Where the next descriptor is, as the driver stored it. */
struct next {
    const struct vblk_packed_desc *desc;
    uint64_t at, lap;
    uint32_t slot;
};

static inline struct next next_of(const struct queue *q)
{
    return (struct next){ &q->ring[q->avail_idx], q->desc + 16u * (uint64_t)q->avail_idx, q->avail_wrap ? 0 : LAP, q->avail_idx };
}

static inline void go_on(const struct queue *q, struct next *n)
{
    n->desc++;
    n->at += 16;
    if (likely(++n->slot < q->size))
        return;
    *n = (struct next){ q->ring, q->desc, n->lap ^ LAP, 0 };
}

/* The piece becomes it. @return false: it is not as the piece was: @rest. */
static inline bool own_alike(struct piece *p, const struct next *n, uint64_t rest)
{
    uint64_t gpa, now;

    memcpy(&gpa, &n->desc->addr, sizeof(gpa));
    memcpy(&now, &n->desc->len, sizeof(now));
    now = le64(now);
    p->gpa = le64(gpa);
    p->flags = (uint16_t)(now >> 48);
    p->next = (uint16_t)(now >> 32);
    p->index = (uint16_t)n->slot;
    return ((now ^ rest) & ~ID) == n->lap;
}

static inline bool own_by_itself(struct vblk_oracle *o, const struct piece *own, const struct piece *p)
{
    if (!in_room(o, p->gpa, p->len, p == own))
        return false;
    for (; own != p; own++)
        if (meet(p->gpa, p->len, own->gpa, own->len))
            return false;
    return true;
}

/* Where its steps are but the first, too, if there are any. */
static inline bool packed_alike(struct vblk_oracle *o, const struct queue *q, struct twin *t)
{
    struct piece *p = t->own, *const end = p + t->count;
    struct vblk_foreseen *load = t->steps + 1, *other = load + t->count;
    const uint64_t *rest = t->rest;
    struct next n = next_of(q);

    if (t->count > q->size - q->in_use)
        return false;
    for (; p != end; p++, go_on(q, &n)) {
        if (!own_alike(p, &n, *rest++))
            return false;
        (load++)->at = n.at;
        if (p->len == 0)
            continue;
        if (!own_by_itself(o, t->own, p))
            return false;
        (other++)->at = p->gpa;
    }
    return q->by_id[p[-1].next] == 0;
}

bool twin_packed_read(struct vblk_oracle *o, const struct queue *q, struct chain *c, struct reading *r)
{
    struct twin *t = &c->twin;

    return may_have_twin(o, c) && sees(o, VBLK_SEES_DRIVER_STORES) && packed_alike(o, q, t) &&
           read_request(o, c, t->own[0].gpa, t->own[t->last].gpa, r);
}

/* How the device finds it, and what it answers. */
static inline void own_steps(const struct queue *q, struct twin *t)
{
    const vblk_le16 flags = vblk_put16(t->own[0].flags), id = vblk_put16(t->own[t->count - 1].next);

    t->steps[0].at = packed_flags_at(q, t->own[0].index);
    t->steps[0].value = vblk_foreseen_value(&flags, 2);
    memcpy((uint8_t *)&t->steps[t->answer].value + 4, &id, 2);
}

void twin_packed_take(struct vblk_oracle *o, const struct queue *q, struct chain *c, const struct reading *r)
{
    for (const struct piece *p = c->twin.own; p != NULL; p = p->after)
        if (p->len != 0)
            busy_add(o->busy, p->gpa, p->len, 1);
    c->first = c->twin.own;
    c->own = true;
    if (c->twin.stores != 0)
        own_steps(q, &c->twin);
    take(o, c, r);
}

#ifndef NDEBUG
static bool same_request(const struct request *a, const struct request *b)
{
    return a->slot == b->slot && a->type == b->type && a->reserved == b->reserved && a->sector == b->sector &&
           a->readable == b->readable && a->writable == b->writable && a->out_len == b->out_len &&
           a->in_len == b->in_len && a->status_at == b->status_at && a->status_before == b->status_before &&
           a->data_pieces == b->data_pieces && a->segments == b->segments && a->unknown_flags == b->unknown_flags &&
           a->first_unknown == b->first_unknown && a->sum == b->sum && a->data_len == b->data_len;
}

static bool same_chain(const struct chain *a, const struct chain *b)
{
    return a->faults == b->faults && a->void_ == b->void_ && a->mutates == b->mutates && a->shared == b->shared &&
           a->odd == b->odd && a->stray_flags == b->stray_flags && a->slots == b->slots && a->odd_framing == b->odd_framing && a->linked_indirect == b->linked_indirect &&
           a->unordered == b->unordered && a->table_unordered == b->table_unordered && a->count == b->count &&
           a->direct == b->direct && a->link == b->link && a->indirect_len == b->indirect_len && a->shape == b->shape &&
           a->first_writable == b->first_writable && a->born == b->born &&
           same_request(&a->req, &b->req);
}

static bool same_piece(const struct piece *a, const struct piece *b)
{
    return a->gpa == b->gpa && a->len == b->len && a->flags == b->flags && a->next == b->next && a->pos == b->pos &&
           a->loaded == b->loaded && a->index == b->index;
}

/* As if it had not been captured. */
static void let_go(struct vblk_oracle *o, struct queue *q, struct chain *c, struct piece *pieces)
{
    struct piece *after;

    for (struct piece *p = c->first; p != NULL; p = after) {
        after = p->after;
        pieces[p->pos] = *p;
        busy_add(o->busy, p->gpa, p->len, -1);
        p->owner = NO_OWNER;
        if (q->packed && !c->own)
            pool_give(q, p);
    }
}

/* As it was before it was let go. */
static void take_back(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct chain *taken)
{
    struct piece pieces[TWIN_MAX];

    let_go(o, q, c, pieces);
    *c = *taken;
    for (const struct piece *p = c->first; p != NULL; p = p->after)
        busy_add(o->busy, p->gpa, p->len, 1);
}

bool twin_is_so(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    const struct chain taken = *c;
    struct piece pieces[TWIN_MAX];
    bool same;

    if (!sees(o, VBLK_SEES_ALL))
        return true; /* a peer that is not watched may have changed memory meanwhile */
    let_go(o, q, c, pieces);
    queue_begin(o, q, c, c->head);
    (q->packed ? packed_capture : chain_capture)(o, q, c);
    request_parse(o, q, c);
    chain_mark_overlaps(o, q, c);
    c->shape = shape_of(q, c);
    same = same_chain(&taken, c);
    for (const struct piece *p = c->first; same && p != NULL; p = p->after)
        same = same_piece(p, &pieces[p->pos]);
    if (q->packed && same)
        take_back(o, q, c, &taken);
    return same;
}
#endif
