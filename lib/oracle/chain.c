/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies a descriptor chain out of the table at the moment it is made available (2.7.5). */
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "judge.h"

/* The fault that keeps descriptor @index from being the next piece of @c, or 0. */
static uint32_t piece_fault(const struct queue *q, const struct chain *c, uint32_t index)
{
    if (index >= q->size)
        return c->count == 0 ? F_HEAD_RANGE : F_NEXT_RANGE;
    uint16_t owner = q->table[index].owner;
    if (owner == NO_OWNER)
        return 0;
    return owner == c->head ? F_LOOP : F_REUSED;
}

static uint32_t address_faults(const struct vblk_oracle *o, const struct piece *p)
{
    if (p->len == 0 || fast_covers(o->mem, p->gpa, p->len))
        return 0;
    bool swapped = p->len != 0 && vblk_memory_covers(o->mem, __builtin_bswap64(p->gpa), __builtin_bswap32(p->len));
    return F_ADDRESS | (swapped ? F_SWAPPED : 0);
}

/* What one descriptor adds to the chain's faults. */
static inline uint32_t piece_facts(const struct vblk_oracle *o, struct chain *c, const struct piece *p, uint64_t *total)
{
    uint32_t faults = 0;
    bool writable = (p->flags & VBLK_DESC_WRITE) != 0;

    if (writable && c->first_writable == NO_OWNER)
        c->first_writable = p->pos;
    if (!writable && c->first_writable != NO_OWNER)
        faults |= F_ORDER;
    faults |= address_faults(o, p);
    *total += p->len;
    if (*total > (uint64_t)1 << 32)
        faults |= F_TOO_LARGE;
    return faults;
}

static inline void add_piece(struct vblk_oracle *o, struct chain *c, struct piece *p, struct piece **last,
                             uint64_t *total)
{
    p->pos = c->count++;
    p->loaded = 0;
    p->after = NULL;
    if (*last == NULL)
        c->first = p;
    else
        (*last)->after = p;
    *last = p;
    c->suspect |= busy_maybe(o->busy, p->gpa, p->len);
    c->faults |= piece_facts(o, c, p, total);
    busy_add(o->busy, p->gpa, p->len, 1);
}

void chain_add(struct vblk_oracle *o, struct chain *c, struct piece *p, struct piece **last, uint64_t *total)
{
    add_piece(o, c, p, last, total);
}

static void read_piece(const struct vblk_oracle *o, const struct queue *q, uint32_t index, struct piece *p)
{
    struct vblk_desc d = { 0 };
    if (fast_peek(o->mem, q->desc + 16u * (uint64_t)index, &d, sizeof(d)) != VBLK_OK)
        memset(&d, 0, sizeof(d));
    p->gpa = vblk_get64(d.addr);
    p->len = vblk_get32(d.len);
    p->flags = vblk_get16(d.flags);
    p->next = vblk_get16(d.next);
    p->loaded = 0;
}

/* The rest of the chain is in a table elsewhere. Without the feature the descriptor is no such thing. */
static bool leads_elsewhere(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct piece *p,
                            struct piece **last, uint64_t *total)
{
    if (!negotiated(o, VBLK_F_INDIRECT_DESC)) {
        c->faults |= F_INDIRECT;
        return false;
    }
    c->linked_indirect = (p->flags & VBLK_DESC_NEXT) != 0;
    indirect_capture(o, q, c, p, last, total);
    return true;
}

void chain_capture(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    uint64_t total = 0;
    uint32_t index = c->head;
    struct piece *last = NULL;

    for (;;) {
        uint32_t fault = piece_fault(q, c, index);
        if (fault != 0) {
            c->faults |= fault;
            if (fault == F_REUSED)
                q->chains[q->table[index].owner].void_ = true; /* its bytes are another's, too */
            break;
        }
        struct piece *p = &q->table[index];
        read_piece(o, q, index, p);
        p->loaded = 0;
        p->owner = c->head;
        p->loaded = 0;
        if ((p->flags & VBLK_DESC_INDIRECT) != 0 && leads_elsewhere(o, q, c, p, &last, &total))
            break;
        add_piece(o, c, p, &last, &total);
        c->direct++;
        if ((p->flags & VBLK_DESC_NEXT) == 0)
            break;
        c->unordered |= p->next != index + 1 && (p->next != 0 || index + 1 != q->size);
        index = p->next;
    }
    if (c->first_writable == NO_OWNER)
        c->first_writable = c->count;
}

static void release_elsewhere(struct vblk_oracle *o, struct queue *q, struct chain *c, struct piece *first)
{
    struct piece *next;
    for (struct piece *p = c->own ? NULL : first; p != NULL; p = next) {
        next = p->after;
        pool_give(q, p);
    }
    if (c->indirect_len > 0)
        busy_add(o->busy, c->indirect, c->indirect_len, -1);
    if (q->packed)
        packed_release(q, c);
    else
        q->table[c->link].owner = NO_OWNER;
    c->indirect_len = 0;
}

void chain_release(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    struct piece *pooled = NULL;
    const unsigned own = q->packed ? 0 : c->direct;

    for (struct piece *p = c->first; p != NULL; p = p->after) {
        busy_add(o->busy, p->gpa, p->len, -1);
        if ((p->flags & VBLK_DESC_WRITE) != 0 && p->len > 0)
            remember_returned(o, c, p);
        p->owner = NO_OWNER;
        if (p->pos == own)
            pooled = p;
    }
    if (q->packed || c->link != NO_OWNER)
        release_elsewhere(o, q, c, pooled);
    c->count = 0;
    c->first = NULL;
}

/* Right at the end of the address space, too. */
static bool overlaps(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
    return alen != 0 && blen != 0 && (a - b < blen || b - a < alen);
}

/* What is in a queue that is not followed any more may have been used: then it is nobody's fault, and nothing is certain. */
static void mark_if_overlapping(struct chain *c, const struct piece *p, struct chain *other, const struct piece *r, bool lost)
{
    if (((p->flags | r->flags) & VBLK_DESC_WRITE) == 0 || !overlaps(p->gpa, p->len, r->gpa, r->len))
        return;
    if (lost) {
        c->void_ = true;
        return;
    }
    c->faults |= F_OVERLAP;
    other->faults |= F_OVERLAP;
}

static bool over_queue(const struct queue *q, const struct piece *p)
{
    const uint64_t size = q->size;

    if (overlaps(p->gpa, p->len, q->desc, 16 * size))
        return true;
    return q->packed ? overlaps(p->gpa, p->len, q->driver, 4) || overlaps(p->gpa, p->len, q->device, 4)
                     : overlaps(p->gpa, p->len, q->driver, 6 + 2 * size) ||
                           overlaps(p->gpa, p->len, q->device, 6 + 8 * size);
}

/* A device that writes over a ring, as it was told to, does what looks like anything. Reading one is lawful. */
static void mark_over_rings(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        for (uint32_t i = 0; i < o->active_count; i++) {
            const struct queue *at = &o->queues[o->active[i]];
            if (!at->enabled || !over_queue(at, p))
                continue;
            c->shared = true;
            if ((p->flags & VBLK_DESC_WRITE) == 0)
                continue;
            c->faults |= F_OVERLAP;
            c->void_ = true;
            queue_abused(o, true);
        }
    }
}

/* What the device writes of a chain is its own header, data or table as well: it may see the one or the other. */
static void mark_shared(struct vblk_oracle *o, const struct queue *q, struct chain *c, bool writes)
{
    c->shared = true;
    if (!writes || c->void_)
        return;
    c->void_ = true;
    queue_abused(o, chain_may_mutate(o, q, c));
}

struct span {
    uint64_t first, last;
    bool writes;
};
#define SPANS (SCRATCH / sizeof(struct span))

static int by_first(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static size_t spans_of(const struct queue *q, const struct chain *c, struct span *spans)
{
    size_t n = 0;
    for (const struct piece *p = chain_first(q, c); p != NULL && n < SPANS; p = chain_after(q, c, p))
        if (p->len > 0)
            spans[n++] = (struct span){ p->gpa, p->gpa + (p->len - 1), (p->flags & VBLK_DESC_WRITE) != 0 };
    if (c->indirect_len > 0 && n < SPANS)
        spans[n++] = (struct span){ c->indirect, c->indirect + (c->indirect_len - 1), false };
    return n;
}

/* Bytes that the chain names more than once; so many that they can't be compared count as such. */
static void mark_within(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    struct span *spans = (struct span *)(void *)o->scratch;
    size_t n = spans_of(q, c, spans);
    const struct span *longest = NULL, *written = NULL; /* of those before: what reaches farthest */

    if (n == SPANS)
        mark_shared(o, q, c, true);
    qsort(spans, n, sizeof(*spans), by_first);
    for (const struct span *s = spans; s < spans + n; s++) {
        bool meets = longest != NULL && s->first <= longest->last;
        bool is_written = meets && (s->writes || (written != NULL && s->first <= written->last));
        if (meets)
            mark_shared(o, q, c, is_written);
        if (longest == NULL || s->last > longest->last)
            longest = s;
        if (s->writes && (written == NULL || s->last > written->last))
            written = s;
    }
}

static void mark_against(struct vblk_oracle *o, const struct piece *p, struct chain *c, struct chain *other)
{
    const struct queue *at = &o->queues[other->queue];

    for (const struct piece *r = chain_first(at, other); r != NULL; r = chain_after(at, other, r))
        mark_if_overlapping(c, p, other, r, at->lost);
    if (!overlaps(p->gpa, p->len, other->indirect, other->indirect_len))
        return;
    c->shared = other->shared = true;
    if ((p->flags & VBLK_DESC_WRITE) == 0)
        return;
    other->void_ = true;
    queue_abused(o, true);
}

void chain_mark_overlaps(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    mark_over_rings(o, q, c);
    if (!c->suspect)
        return;
    mark_within(o, q, c);
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p))
        for (struct chain *other = p->len > 0 ? o->oldest : NULL; other != NULL; other = other->newer)
            if (!o->opt.late || other->queue == q->no) /* others may have been used: their rings were not looked at now */
                mark_against(o, p, c, other);
}

struct chain *chain_owning(const struct vblk_oracle *o, uint64_t gpa, uint64_t len, bool *writable)
{
    if (!busy_maybe(o->busy, gpa, len))
        return NULL;
    for (struct chain *c = o->oldest; c != NULL; c = c->newer) {
        const struct queue *q = &o->queues[c->queue];
        for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
            if (!overlaps(p->gpa, p->len, gpa, len))
                continue;
            *writable = (p->flags & VBLK_DESC_WRITE) != 0;
            return c;
        }
    }
    return NULL;
}

struct chain *chain_with_table(const struct vblk_oracle *o, uint64_t gpa, uint64_t len)
{
    if (!busy_maybe(o->busy, gpa, len))
        return NULL;
    for (struct chain *c = o->oldest; c != NULL; c = c->newer)
        if (overlaps(c->indirect, c->indirect_len, gpa, len))
            return c;
    return NULL;
}

bool chain_answered(const struct vblk_oracle *o, const struct chain *c)
{
    uint8_t now = 0;
    if (sees(o, VBLK_SEES_DEVICE_STORES))
        return c->status_stored;
    return fast_peek(o->mem, c->req.status_at, &now, 1) == VBLK_OK && now != c->req.status_before;
}

uint64_t chain_offset(const struct queue *q, const struct chain *c, uint64_t gpa, bool writable)
{
    uint64_t offset = 0;
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        if (((p->flags & VBLK_DESC_WRITE) != 0) != writable)
            continue;
        if (gpa >= p->gpa && gpa - p->gpa < p->len)
            return offset + (gpa - p->gpa);
        offset += p->len;
    }
    return UINT64_MAX;
}

uint64_t chain_address(const struct queue *q, const struct chain *c, uint64_t offset, bool writable)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        if (((p->flags & VBLK_DESC_WRITE) != 0) != writable)
            continue;
        if (offset < p->len)
            return p->gpa + offset;
        offset -= p->len;
    }
    return UINT64_MAX;
}

uint64_t chain_copy(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, bool writable,
                    uint64_t offset, void *buf, uint64_t len)
{
    uint8_t *out = buf;
    uint64_t done = 0;
    for (const struct piece *p = chain_first(q, c); p != NULL && done < len; p = chain_after(q, c, p)) {
        if (((p->flags & VBLK_DESC_WRITE) != 0) != writable)
            continue;
        if (offset >= p->len) {
            offset -= p->len;
            continue;
        }
        uint64_t take = p->len - offset;
        if (take > len - done)
            take = len - done;
        if (vblk_memory_peek(o->mem, p->gpa + offset, out + done, take) != VBLK_OK)
            break;
        done += take;
        offset = 0;
    }
    return done;
}

/* The bytes of its first descriptor that a load of [gpa, gpa + len) names, a bit each. A packed one's flags are polled. */
uint16_t descriptor_bytes(const struct queue *q, uint64_t gpa, uint64_t len)
{
    uint64_t from = (gpa - q->desc) % 16, to = len < 16 - from ? from + len : 16;
    return (uint16_t)(((1u << to) - (1u << from)) & (q->packed ? 0x3fffu : 0xffffu));
}

/* Tables of more entries are not looked at so closely. */
#define CLOSE_LOOK 256u

/* The bytes of a piece's descriptor in the indirect table that [gpa, gpa + len) has, a bit each. */
static uint16_t entry_bytes(const struct queue *q, const struct chain *c, const struct piece *p, uint64_t gpa,
                            uint64_t len)
{
    uint16_t bytes = 0;
    for (unsigned i = 0; i < 16; i++)
        if (piece_lies(q, c, p) + i - gpa < len)
            bytes |= (uint16_t)(1u << i);
    return p->pos < c->direct ? 0 : bytes;
}

void chain_table_loaded(const struct queue *q, struct chain *c, uint64_t gpa, uint64_t len)
{
    if (c->count > CLOSE_LOOK)
        return;
    for (struct piece *p = c->first; p != NULL; p = p->after)
        p->loaded |= entry_bytes(q, c, p, gpa, len);
}

static bool table_fetched(const struct queue *q, const struct chain *c, uint64_t gpa, uint64_t len)
{
    if (c->count > CLOSE_LOOK)
        return false;
    for (const struct piece *p = c->first; p != NULL; p = p->after)
        if ((p->loaded & entry_bytes(q, c, p, gpa, len)) != 0)
            return true;
    return false;
}

bool chain_fetched(const struct queue *q, const struct chain *c, uint64_t gpa, uint64_t len)
{
    if (gpa - q->desc < 16u * (uint64_t)q->size)
        return (q->table[(gpa - q->desc) / 16].loaded & descriptor_bytes(q, gpa, len)) != 0;
    if (gpa - c->indirect < c->indirect_len)
        return table_fetched(q, c, gpa, len);
    uint64_t from = chain_offset(q, c, gpa, false);
    for (unsigned i = 0; i < c->fetched.count && from != UINT64_MAX; i++)
        if (from < c->fetched.run[i].to && c->fetched.run[i].from < from + len)
            return true;
    return false;
}

/* Merge [from, to) into the runs; they stay few because devices write forward. */
void written_add(struct written *w, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (from > w->run[i].to || to < w->run[i].from)
            continue;
        if (from < w->run[i].from)
            w->run[i].from = from;
        if (to > w->run[i].to)
            w->run[i].to = to;
        return;
    }
    if (w->count == WRITTEN_MAX) {
        w->overflow = true;
        return;
    }
    w->run[w->count].from = from;
    w->run[w->count].to = to;
    w->count++;
}

uint64_t written_prefix(const struct written *w)
{
    uint64_t end = 0;
    bool grew = true;
    for (unsigned pass = 0; grew && pass <= WRITTEN_MAX; pass++) {
        grew = false;
        for (unsigned i = 0; i < w->count; i++) {
            if (w->run[i].from <= end && w->run[i].to > end) {
                end = w->run[i].to;
                grew = true;
            }
        }
    }
    return end;
}
