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

#include "express.h"
#include "fast.h"
#include "repeat.h"
#include "sight.h"

static uint64_t le64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(v);
#else
    return v;
#endif
}

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

void twin_keep(const struct vblk_oracle *o, const struct queue *q, struct chain *c)
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
    express_plan(q, c);
}

static inline bool split_alike(const struct queue *q, const struct chain *c, struct reading *r)
{
    const struct twin *t = &c->twin;
    uint32_t index = c->head;
    uint64_t d[2];

    for (unsigned i = 0; i < t->count; i++) {
        struct piece *p = &q->table[index];
        memcpy(d, q->desc_bytes + 16u * (size_t)index, sizeof(d));
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (p->owner != NO_OWNER || le64(d[1]) != t->rest[i])
            return false;
        r->piece[i] = p;
        r->gpa[i] = le64(d[0]);
        r->flags[i] = (uint16_t)(t->rest[i] >> 32);
        r->next[i] = (uint16_t)(t->rest[i] >> 48);
        r->index[i] = (uint16_t)index;
        index = r->next[i];
    }
    return true;
}

/* As the driver stored them. */
static inline bool packed_alike(const struct queue *q, const struct chain *c, struct reading *r)
{
    const struct twin *t = &c->twin;
    uint64_t lap = q->avail_wrap ? 0 : LAP;
    uint32_t slot = q->avail_idx;
    uint64_t d[2];

    if (t->count > q->size - q->in_use)
        return false;
    for (unsigned i = 0; i < t->count; i++) {
        memcpy(d, &q->ring[slot], sizeof(d));
        d[1] = le64(d[1]);
        if ((d[1] & ~ID) != (t->rest[i] ^ lap))
            return false;
        r->gpa[i] = le64(d[0]);
        r->next[i] = (uint16_t)(d[1] >> 32);
        r->flags[i] = (uint16_t)(d[1] >> 48);
        r->index[i] = (uint16_t)slot;
        if (++slot == q->size) {
            slot = 0;
            lap ^= LAP;
        }
    }
    return q->by_id[r->next[t->count - 1]] == 0;
}

/* Room for its pieces. */
static inline bool find_pieces(struct queue *q, const struct twin *t, struct reading *r)
{
    for (unsigned i = 0; i < t->count; i++) {
        r->piece[i] = pool_take(q);
        if (r->piece[i] != NULL)
            continue;
        while (i-- > 0)
            pool_give(q, r->piece[i]);
        return false;
    }
    return true;
}

/* In memory, in nobody else's way, and in no other piece's. */
static inline bool by_itself(const struct vblk_oracle *o, const struct twin *t, const struct region *near,
                             const struct reading *r, unsigned i)
{
    const uint32_t len = (uint32_t)t->rest[i];

    if (len == 0)
        return true;
    if (!region_holds(near, r->gpa[i], len) || busy_maybe(o->busy, r->gpa[i], len) ||
        (r->gpa[i] - o->rings_from < o->rings_len || o->rings_from - r->gpa[i] < len))
        return false;
    for (unsigned j = 0; j < i; j++)
        if (r->gpa[j] - r->gpa[i] < len || r->gpa[i] - r->gpa[j] < (uint32_t)t->rest[j])
            return false;
    return true;
}

static inline bool read_request(const struct vblk_oracle *o, const struct chain *c, const struct region *near,
                                struct reading *r)
{
    const struct twin *t = &c->twin;
    struct vblk_request_header head;

    memcpy(&head, near->host + (r->gpa[0] - near->gpa), sizeof(head));
    r->status = near->host[r->gpa[t->last] + (uint32_t)t->rest[t->last] - 1 - near->gpa];
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    r->type = vblk_get32(head.type);
    r->reserved = vblk_get32(head.reserved);
    r->sector = vblk_get64(head.sector);
    return r->type == t->type && (c->req.slot != TY_IN || request_in_range(&o->ctl, r->sector, c->req.in_len));
}

static inline void take_pieces(struct vblk_oracle *o, const struct queue *q, struct chain *c, const struct reading *r)
{
    const struct twin *t = &c->twin;
    struct piece *after = NULL;

    for (unsigned i = t->count; i-- > 0; after = r->piece[i]) {
        struct piece *p = r->piece[i];
        p->gpa = r->gpa[i];
        p->len = (uint32_t)t->rest[i];
        p->flags = r->flags[i];
        p->next = r->next[i];
        p->index = r->index[i];
        p->owner = q->packed ? NO_OWNER : c->head;
        p->pos = (uint16_t)i;
        p->loaded = 0;
        p->after = after;
        if (p->len > 0)
            busy_add(o->busy, p->gpa, p->len, 1);
    }
    c->first = after;
    c->count = c->direct = t->count;
    c->first_writable = t->first_writable;
    c->unordered = t->unordered;
    c->odd_framing = t->odd_framing;
    c->shape = t->shape;
}

/* A split queue's descriptors are where they were. */
static inline void take_steps(const struct queue *q, struct chain *c, const struct reading *r)
{
    struct twin *t = &c->twin;
    struct step *s = t->steps + t->count;

    if (t->stores == 0)
        return;
    for (unsigned i = 0; i < t->count && q->packed; i++)
        t->steps[i].at = q->desc + 16u * (uint64_t)r->index[i];
    (s++)->at = r->gpa[0];
    for (unsigned i = 1; i < t->count; i++)
        if ((uint32_t)t->rest[i] > 0)
            (s++)->at = r->gpa[i];
}

static inline bool read_all(const struct vblk_oracle *o, const struct chain *c, struct reading *r)
{
    const struct region *near = region_guess(o->mem, VBLK_NOBODY);
    const struct twin *t = &c->twin;

    for (unsigned i = 0; i < t->count; i++)
        if (!by_itself(o, t, near, r, i))
            return false;
    return read_request(o, c, near, r);
}

static inline void take(struct vblk_oracle *o, const struct queue *q, struct chain *c, const struct reading *r)
{
    const struct twin *t = &c->twin;

    take_pieces(o, q, c, r);
    take_steps(q, c, r);
    c->req.reserved = r->reserved;
    c->req.sector = r->sector;
    c->req.status_before = r->status;
    c->req.status_at = r->gpa[t->last] + (uint32_t)t->rest[t->last] - 1;
    c->req.sum = c->req.slot == TY_FLUSH ? shadow_now(&o->shadow) : 0;
}

bool twin_capture(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    struct reading r;

    if (c->twin.settings != o->settings || !queue_in_sight(o, q) || !split_alike(q, c, &r) || !read_all(o, c, &r))
        return false;
    take(o, q, c, &r);
    return true;
}

bool twin_packed_read(struct vblk_oracle *o, struct queue *q, const struct chain *c, struct reading *r)
{
    return c->twin.settings == o->settings && sees(o, VBLK_SEES_DRIVER_STORES) && packed_alike(q, c, r) &&
           read_all(o, c, r) && find_pieces(q, &c->twin, r);
}

void twin_packed_take(struct vblk_oracle *o, const struct queue *q, struct chain *c, const struct reading *r)
{
    take(o, q, c, r);
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
        if (q->packed)
            pool_give(q, p);
    }
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
    return same;
}
#endif
