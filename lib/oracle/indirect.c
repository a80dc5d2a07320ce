/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of descriptors elsewhere in memory (2.7.5.3, 2.8.7), and room for what is read from them. */
#include "fast.h"
#include "judge.h"

static bool read_entry(const struct vblk_oracle *o, const struct queue *q, uint64_t gpa, struct piece *p)
{
    struct vblk_desc d;
    if (fast_peek(o->mem, gpa, &d, sizeof(d)) != VBLK_OK)
        return false;
    p->gpa = vblk_get64(d.addr);
    p->len = vblk_get32(d.len);
    p->flags = vblk_get16(q->packed ? d.next : d.flags); /* 2.8.13 has id and flags the other way round */
    p->next = vblk_get16(q->packed ? d.flags : d.next);
    return true;
}

/* The entry that comes after @p, or UINT32_MAX: none. */
static uint32_t following(const struct queue *q, struct chain *c, const struct piece *p, uint32_t entries)
{
    if (q->packed) {
        c->stray_flags |= (p->flags & ~VBLK_DESC_WRITE) != 0;
        return p->index + 1u < entries ? p->index + 1u : UINT32_MAX;
    }
    if ((p->flags & VBLK_DESC_INDIRECT) != 0) {
        c->faults |= F_TABLE;
        return UINT32_MAX;
    }
    if ((p->flags & VBLK_DESC_NEXT) == 0)
        return UINT32_MAX;
    c->table_unordered |= p->next != p->index + 1u;
    if (p->next < entries)
        return p->next;
    c->faults |= F_NEXT_RANGE;
    return UINT32_MAX;
}

/* The most entries of one table that are followed; the largest that a split queue can have (AMB-26). */
#define ENTRIES_MAX 32768u

static void read_table(struct vblk_oracle *o, struct queue *q, struct chain *c, struct piece **last, uint64_t *total)
{
    const uint32_t entries = c->indirect_len / 16;
    uint32_t at = 0;

    for (uint32_t read = 0; at != UINT32_MAX; read++) {
        if (read == entries) {
            c->faults |= F_LOOP;
            return;
        }
        struct piece *p = read < ENTRIES_MAX ? pool_take(q) : NULL;
        if (p == NULL || !read_entry(o, q, c->indirect + 16u * (uint64_t)at, p)) {
            c->void_ = true;
            queue_lose(o, q); /* nobody knows what else belongs to it */
            return;
        }
        p->index = (uint16_t)at;
        chain_add(o, c, p, last, total);
        at = following(q, c, p, entries);
    }
}

void indirect_capture(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct piece *link,
                      struct piece **last, uint64_t *total)
{
    c->link = link->index;
    c->link_flags = link->flags;
    c->indirect = link->gpa;
    if (link->len == 0 || link->len % 16 != 0 || c->linked_indirect) {
        c->faults |= F_TABLE;
        return;
    }
    if (!fast_covers(o->mem, link->gpa, link->len)) {
        c->faults |= F_ADDRESS;
        queue_lose(o, q); /* the device may get as far as the table does */
        return;
    }
    c->indirect_len = link->len;
    busy_add(o->busy, c->indirect, c->indirect_len, 1);
    read_table(o, q, c, last, total);
    if (!q->packed && c->count > q->size && reading(o, VBLK_AMB_26) == 0)
        c->faults |= F_QUEUE_LONG;
}
