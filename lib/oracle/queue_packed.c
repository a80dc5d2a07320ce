/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Follows a packed ring: which buffers were made available, which were used (2.8).
 *
 * Two positions, each with its wrap counter: [used_idx, avail_idx) are the slots that are with the device, in_use of
 * them. Buffers are used in any order, so a slot may hold a used descriptor, or even a new available one, while the
 * buffer that was made available there is still outstanding: pieces are kept apart from the ring, in the pool, and
 * chains are found by buffer id.
 */
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "judge.h"

bool packed_open(struct vblk_oracle *o, struct queue *q)
{
    if (q->ring == NULL)
        q->ring = calloc(q->size, sizeof(*q->ring));
    if (q->by_id == NULL)
        q->by_id = calloc(65536, sizeof(*q->by_id));
    if (q->ring == NULL || q->by_id == NULL)
        return false;
    if (vblk_memory_peek(o->mem, q->desc, q->ring, 16u * (uint64_t)q->size) != VBLK_OK)
        memset(q->ring, 0, 16u * (size_t)q->size);
    q->avail_wrap = q->used_wrap = true;
    q->half = q->from_batch = q->lapped = false;
    q->skipped = q->spare = 0;
    q->in_use = 0;
    q->ahead = NO_OWNER;
    return true;
}

void packed_close(struct queue *q)
{
    free(q->ring);
    free(q->by_id);
    q->ring = NULL;
    q->by_id = NULL;
}

static uint16_t slot_after(const struct queue *q, uint16_t slot, uint16_t n)
{
    return (uint16_t)((slot + (uint32_t)n) % q->size);
}

/* A buffer's slots are nobody's but those that a newer one has taken over. */
void packed_release(struct queue *q, struct chain *c)
{
    const uint16_t mine = (uint16_t)(c - q->chains);
    for (uint16_t i = 0; i < c->slots; i++) {
        struct piece *p = &q->table[slot_after(q, c->slot, i)];
        if (p->owner == mine)
            p->owner = NO_OWNER;
    }
    q->by_id[c->head] = 0;
    q->spare = mine;
}

/* ---- made available ---- */

/* Slots of one list, from the first descriptor on. */
struct list {
    uint16_t slots;
    uint16_t last;  /* the slot that holds the id */
    uint16_t late;  /* not available although the first one is, and not yet stored: NO_OWNER, or which */
    uint32_t faults;
    bool wrong_bits;
};

static const struct vblk_packed_desc *slot_now(const struct vblk_oracle *o, struct queue *q, uint16_t slot)
{
    if (!sees(o, VBLK_SEES_DRIVER_STORES))
        (void)!fast_peek(o->mem, q->desc + 16u * (uint64_t)slot, &q->ring[slot], sizeof(q->ring[slot]));
    return &q->ring[slot];
}

static void measure_list(const struct vblk_oracle *o, struct queue *q, struct list *l)
{
    bool wrap = q->avail_wrap;
    uint16_t slot = q->avail_idx, flags;

    memset(l, 0, sizeof(*l));
    l->late = NO_OWNER;
    for (;;) {
        flags = vblk_get16(slot_now(o, q, slot)->flags);
        if (!packed_available(flags, wrap)) {
            l->wrong_bits = true;
            if (sees(o, VBLK_SEES_DRIVER_STORES) && (q->elem_fresh[slot] & SLOT_DRIVER) == 0) {
                l->late = slot;
                return;
            }
        }
        l->last = slot;
        l->slots++;
        if ((flags & VBLK_DESC_NEXT) == 0)
            return;
        if (l->slots == q->size) {
            l->faults |= F_LOOP;
            return;
        }
        slot = slot_after(q, slot, 1);
        wrap ^= slot == 0;
    }
}

static void read_slot(const struct queue *q, uint16_t slot, struct piece *p)
{
    const struct vblk_packed_desc *d = &q->ring[slot];
    p->gpa = vblk_get64(d->addr);
    p->len = vblk_get32(d->len);
    p->flags = vblk_get16(d->flags);
    p->next = vblk_get16(d->id);
    p->index = slot;
}

/* @return false: this piece is the last that can be made sense of. */
static bool capture_slot(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, struct piece **last,
                         uint64_t *total)
{
    struct piece *p = pool_take(q);
    if (p == NULL) {
        c->void_ = q->lost = true;
        return false;
    }
    read_slot(q, slot, p);
    if ((p->flags & VBLK_DESC_INDIRECT) != 0) {
        if (negotiated(o, VBLK_F_INDIRECT_DESC)) {
            struct piece link = *p;
            pool_give(q, p);
            c->linked_indirect = c->slots > 1;
            indirect_capture(o, q, c, &link, last, total);
            return false;
        }
        c->faults |= F_INDIRECT;
    }
    chain_add(o, c, p, last, total);
    c->direct++;
    return true;
}

static void capture_list(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    uint64_t total = 0;
    struct piece *last = NULL;
    const uint16_t mine = (uint16_t)(c - q->chains);
    bool go = true;

    for (uint16_t i = 0; i < c->slots; i++) {
        uint16_t slot = slot_after(q, c->slot, i);
        q->table[slot].owner = mine;
        q->table[slot].loaded = 0;
        q->elem_fresh[slot] = 0;
        go = go && capture_slot(o, q, c, slot, &last, &total);
    }
    if (c->first_writable == NO_OWNER)
        c->first_writable = c->count;
}

/* There is one as long as no buffer takes less than a slot. */
static struct chain *spare_chain(struct queue *q)
{
    for (uint32_t i = 0; i < q->size; i++) {
        struct chain *c = &q->chains[(q->spare + i) % q->size];
        if (c->outstanding)
            continue;
        q->spare = (uint16_t)((q->spare + i + 1) % q->size);
        return c;
    }
    return NULL;
}

static void advance_available(struct queue *q, uint16_t slots)
{
    bool wrapped = q->avail_idx + (uint32_t)slots >= q->size;
    q->avail_idx = slot_after(q, q->avail_idx, slots);
    q->avail_wrap ^= wrapped;
    q->lapped |= wrapped;
    q->in_use += slots;
}

static bool take_list(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct list l;
    measure_list(o, q, &l);
    if (l.late != NO_OWNER) {
        if (!q->half)
            judge_moment(o, AT_HALF, &(struct look){ .ev = ev, .q = q, .from = q->avail_idx, .to = l.late });
        q->half = true;
        return false;
    }
    uint16_t id = vblk_get16(q->ring[l.last].id);
    struct chain *c = l.slots <= q->size - q->in_use && q->by_id[id] == 0 ? spare_chain(q) : NULL;
    if (c == NULL) {
        queue_reject(o, q, id, F_REUSED, ev);
        return false;
    }
    q->half = false;
    queue_begin(o, q, c, id);
    c->faults = l.faults;
    c->wrong_bits = l.wrong_bits;
    c->slot = q->avail_idx;
    c->slots = l.slots;
    q->by_id[id] = (uint16_t)(1 + (c - q->chains));
    capture_list(o, q, c);
    advance_available(q, l.slots);
    queue_enter(o, q, c, ev);
    return true;
}

void packed_scan_available(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    while (q->enabled && !q->lost && q->in_use < q->size &&
           packed_available(vblk_get16(slot_now(o, q, q->avail_idx)->flags), q->avail_wrap))
        if (!take_list(o, q, ev))
            return;
}

/* ---- used ---- */

/* SEES_DEVICE_STORES: flags may come before what they publish; what was already right need not be stored. */
static bool element_ready(const struct vblk_oracle *o, const struct queue *q, uint16_t slot,
                          const struct vblk_packed_desc *d)
{
    if (!sees(o, VBLK_SEES_DEVICE_STORES))
        return true;
    if ((vblk_get16(d->flags) & VBLK_DESC_WRITE) != 0 && (q->elem_fresh[slot] & SLOT_LEN) == 0)
        return false;
    return (q->elem_fresh[slot] & SLOT_ID) != 0 || q->by_id[vblk_get16(d->id)] != 0;
}

static void advance_used(struct queue *q, uint32_t slots)
{
    uint16_t slot = q->used_idx;

    for (uint32_t i = 0; i < slots; i++, slot = slot_after(q, slot, 1)) {
        q->table[slot].owner = NO_OWNER;
        q->elem_fresh[slot] = i == 0 ? SLOT_UNSEEN | SLOT_START : SLOT_UNSEEN;
        if (q->ahead == slot)
            q->ahead = NO_OWNER;
    }
    q->used_wrap ^= q->used_idx + slots >= q->size;
    q->used_idx = slot;
    q->in_use -= slots;
    q->skipped = (uint16_t)slots;
}

static void used_one(struct vblk_oracle *o, struct queue *q, const struct vblk_packed_desc *d,
                     const struct vblk_event *ev)
{
    struct answer a = { .slot = q->used_idx, .id = vblk_get16(d->id), .len = vblk_get32(d->len), .batch = 1 };
    const uint16_t at = q->by_id[a.id];
    uint32_t slots;

    a.flags = vblk_get16(d->flags);
    a.len_known = (a.flags & VBLK_DESC_WRITE) != 0;
    q->used_total++;
    q->since_notify++;
    if (at == 0) {
        judge_moment(o, AT_USED_BAD, &(struct look){ .ev = ev, .q = q, .answer = &a });
        q->lost = true; /* how many slots it stands for can't be told */
        return;
    }
    struct chain *c = &q->chains[at - 1];
    const uint16_t older = queue_batch(o, q, c, &a, &slots);
    advance_used(q, slots);
    q->from_batch = older > 0;
    if (older > 0)
        queue_used_before(o, q, c, ev);
    queue_used(o, q, c, &a, ev);
}

void packed_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct vblk_packed_desc d;

    while (q->enabled && !q->lost && q->in_use > 0) {
        const uint64_t gpa = q->desc + 16u * (uint64_t)q->used_idx;
        if (fast_peek(o->mem, gpa, &d, sizeof(d)) != VBLK_OK || !packed_used(vblk_get16(d.flags), q->used_wrap))
            return;
        if (!element_ready(o, q, q->used_idx, &d)) {
            q->elem_pending = 1;
            return;
        }
        q->elem_pending = 0;
        used_one(o, q, &d, ev);
        if (o->image != NULL)
            (void)!vblk_memory_snapshot_update(o->image, o->mem, gpa, sizeof(d));
    }
}

/* ---- stores into the ring ---- */

bool packed_in_use(const struct queue *q, uint16_t slot)
{
    return (slot + (uint32_t)q->size - q->used_idx) % q->size < q->in_use;
}

static bool covers(const struct vblk_event *ev, uint64_t at, uint64_t len)
{
    return ev->at < at + len && at < ev->at + ev->len;
}

/* Slots that a store or load touches: [from, to). */
static void slots_of(const struct queue *q, const struct vblk_event *ev, uint16_t *from, uint16_t *to)
{
    uint64_t begin = ev->at > q->desc ? ev->at - q->desc : 0;
    uint64_t end = ev->at + ev->len - q->desc;
    uint64_t whole = 16u * (uint64_t)q->size;
    *from = (uint16_t)((begin < whole ? begin : whole) / 16);
    *to = (uint16_t)(((end < whole ? end : whole) + 15) / 16);
}

static void slot_stored(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint64_t gpa = q->desc + 16u * (uint64_t)slot;

    if (packed_in_use(q, slot)) {
        if (q->table[slot].owner != NO_OWNER)
            q->chains[q->table[slot].owner].void_ = true;
        q->lost = true;
        queue_abused(o, true);
    }
    for (uint64_t i = 0; i < 16; i++)
        if (covers(ev, gpa + i, 1) && ev->bytes != NULL)
            ((uint8_t *)&q->ring[slot])[i] = ev->bytes[gpa + i - ev->at];
    q->elem_fresh[slot] &= (uint8_t) ~(SLOT_UNSEEN | SLOT_START);
    if (covers(ev, gpa + 14, 2))
        q->elem_fresh[slot] |= SLOT_DRIVER;
}

void packed_driver_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    for (uint16_t slot = from; slot < to; slot++)
        slot_stored(o, q, slot, ev);
    packed_scan_available(o, q, ev);
}

void packed_device_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    for (uint16_t slot = from; slot < to; slot++) {
        const uint64_t gpa = q->desc + 16u * (uint64_t)slot;
        if (covers(ev, gpa + 8, 4))
            q->elem_fresh[slot] |= SLOT_LEN;
        if (covers(ev, gpa + 12, 2))
            q->elem_fresh[slot] |= SLOT_ID;
        if (slot != q->used_idx && packed_in_use(q, slot) && covers(ev, gpa + 14, 2))
            q->ahead = slot;
    }
    packed_scan_used(o, q, ev);
}

/* The driver looked at the flags of a used descriptor: what it stands for is the driver's again. */
void packed_driver_loaded(struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    if (from >= q->size || !covers(ev, q->desc + 16u * (uint64_t)from + 14, 2))
        return;
    for (uint16_t i = 0, slot = from; i < q->size && (q->elem_fresh[slot] & SLOT_UNSEEN) != 0; i++) {
        if (i > 0 && (q->elem_fresh[slot] & SLOT_START) != 0)
            return;
        q->elem_fresh[slot] &= (uint8_t)~SLOT_UNSEEN;
        slot = slot_after(q, slot, 1);
    }
}
