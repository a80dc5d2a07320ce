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
#include "repeat.h"
#include "slots.h"

/* All of them: there is one left as long as no buffer takes less than a slot. */
static void spare_all(struct queue *q)
{
    q->spare = NULL;
    for (uint32_t i = q->size; i-- > 0; q->spare = &q->chains[i]) {
        q->chains[i].newer = q->spare;
        q->chains[i].place = (uint16_t)i;
    }
}

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
    q->fenced = true;
    q->skipped = 0;
    spare_all(q);
    q->in_use = q->taken_turn = 0;
    q->entry_stored = q->idx_stored = 0;
    q->polled = q->strayed = NO_OWNER;
    q->run[VBLK_DRIVER] = q->run[VBLK_DEVICE] = (struct notice_run){ .past = NOTICE_NOWHERE };
    return true;
}

void packed_close(struct queue *q)
{
    free(q->ring);
    free(q->by_id);
    q->ring = NULL;
    q->by_id = NULL;
}

/* A buffer's slots are nobody's but those that a newer one has taken over. */
void packed_release(struct queue *q, struct chain *c)
{
    const uint16_t mine = c->place;

    for (uint16_t i = 0; i < c->slots; i++) {
        struct piece *p = &q->table[packed_after(q, c->slot, i)];
        if (p->owner == mine)
            p->owner = NO_OWNER;
    }
    q->by_id[c->head] = 0;
}

/* ---- made available ---- */

/* Slots of one list, from the first descriptor on. */
struct list {
    uint16_t slots;
    uint16_t last;  /* the slot that holds the id */
    uint16_t late;  /* not available although the first one is, and not yet stored: NO_OWNER, or which */
    uint32_t faults;
    bool wrong_bits;
    bool no_room;   /* it leads on into slots that are with the device */
};

/* Where the driver's stores are not seen: a free slot that is not as it was left is the driver's doing. */
static void slot_reread(const struct vblk_oracle *o, struct queue *q, uint16_t slot)
{
    const struct vblk_packed_desc before = q->ring[slot];

    if (fast_peek(o->mem, q->desc + 16u * (uint64_t)slot, &q->ring[slot], sizeof(before)) != VBLK_OK ||
        memcmp(&before, &q->ring[slot], sizeof(before)) == 0 || packed_in_use(q, slot))
        return;
    q->elem_fresh[slot] |= SLOT_DRIVER | SLOT_FILLED;
    q->entry_stored = o->seq;
}

static const struct vblk_packed_desc *slot_now(const struct vblk_oracle *o, struct queue *q, uint16_t slot)
{
    if (!sees(o, VBLK_SEES_DRIVER_STORES))
        slot_reread(o, q, slot);
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
            if (sees(o, VBLK_SEES_DRIVER_STORES) && (l->no_room || (q->elem_fresh[slot] & SLOT_DRIVER) == 0)) {
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
        l->no_room |= l->slots == q->size - q->in_use;
        slot = packed_after(q, slot, 1);
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

static bool all_indirect(const struct queue *q, const struct chain *c)
{
    for (uint16_t i = 0; i < c->slots; i++)
        if ((vblk_get16(q->ring[packed_after(q, c->slot, i)].flags) & VBLK_DESC_INDIRECT) == 0)
            return false;
    return true;
}

/* @return false: this piece is the last that can be made sense of. */
static bool capture_slot(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, struct piece **last,
                         uint64_t *total)
{
    struct piece *p = pool_take(q);
    if (p == NULL) {
        c->void_ = true;
        queue_lose(o, q);
        return false;
    }
    read_slot(q, slot, p);
    c->unknown_flags |= (p->flags & ~(unsigned)PACKED_FLAGS) != 0;
    if ((p->flags & VBLK_DESC_INDIRECT) != 0) {
        if (negotiated(o, VBLK_F_INDIRECT_DESC)) {
            struct piece link = *p;
            pool_give(q, p);
            c->linked_indirect = c->slots > 1;
            c->mixed = !all_indirect(q, c);
            indirect_capture(o, q, c, &link, last, total);
            return false;
        }
        c->faults |= F_INDIRECT;
    }
    chain_add(o, c, p, last, total);
    c->direct++;
    return true;
}

void packed_capture(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    uint64_t total = 0;
    struct piece *last = NULL;
    bool go = true;

    for (uint16_t i = 0; i < c->slots && go; i++)
        go = capture_slot(o, q, c, packed_after(q, c->slot, i), &last, &total);
    if (c->first_writable == NO_OWNER)
        c->first_writable = c->count;
    c->odd = c->wrong_bits | c->stray_flags | c->unfenced | c->mixed | c->unknown_flags;
}

/* The buffer @id is in the next @slots slots. */
static void begin_list(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t id, uint16_t slots)
{
    q->spare = c->newer;
    queue_begin(o, q, c, id);
    c->slot = q->avail_idx;
    c->slots = slots;
    q->by_id[id] = (uint16_t)(1 + c->place);
}

static inline uint64_t bare(uint64_t marks)
{
    _Static_assert(SLOT_BARE == SLOT_FILLED << 1, "one mark is moved onto the other");
    return ~marks << 1 & slots_all(SLOT_BARE);
}

/* Nothing was stored or loaded there since, and whose it is. */
static inline void hand_over(struct queue *q, uint32_t slot, uint16_t owner)
{
    struct piece *p = &q->table[slot];

    p->owner = owner;
    p->loaded = 0;
}

static void hand_over_marked(struct queue *q, uint32_t slot, uint32_t n, uint16_t owner)
{
    for (; n > 0; n--) {
        q->elem_fresh[slot] = (uint8_t)bare(q->elem_fresh[slot]);
        hand_over(q, slot, owner);
        slot = slot + 1 < q->size ? slot + 1 : 0;
    }
}

/* Those slots are with the device. */
static inline void advance_available(const struct vblk_oracle *o, struct queue *q, const struct chain *c)
{
    const uint16_t from = q->avail_idx;
    uint8_t *marks = q->elem_fresh + from;

    if (unlikely(q->polled == from))
        q->polled = NO_OWNER; /* that was before */
    if (likely(slots_in_word(q, from, c->slots))) {
        const uint64_t w = slots_load(marks), mask = slots_first(c->slots);
        slots_store(marks, (w & ~mask) | (bare(w) & mask));
        for (uint32_t i = 0; i < c->slots; i++)
            hand_over(q, from + i, c->place);
    } else {
        hand_over_marked(q, from, c->slots, c->place);
    }
    q->avail_idx = slots_advance(q, from, c->slots, &q->avail_wrap);
    q->lapped |= q->avail_idx <= from;
    q->in_use += c->slots;
    notice_run_add(&q->run[VBLK_DRIVER], c->slots);
    q->half = false;
    q->idx_stored = o->seq;
    q->entry_stored = 0;
}

#ifndef NDEBUG
static bool measures_so(const struct vblk_oracle *o, struct queue *q, const struct chain *c)
{
    struct list l;

    measure_list(o, q, &l);
    return l.late == NO_OWNER && l.faults == 0 && !l.wrong_bits && !l.no_room && l.slots == c->twin.count &&
           c->twin.own[l.slots - 1].next == vblk_get16(q->ring[l.last].id);
}
#endif

/* A list made as the one before it in this place. */
static bool take_twin(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    struct reading r;

    if ((!q->fenced && !q->half) || !twin_packed_read(o, q, c, &r))
        return false;
    assert(measures_so(o, q, c));
    begin_list(o, q, c, c->twin.own[c->twin.count - 1].next, c->twin.count);
    twin_packed_take(o, q, c, &r);
    advance_available(o, q, c);
    queue_enter_twin(o, q, c, ev);
    return true;
}

static void copy_list(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t id, const struct list *l)
{
    begin_list(o, q, c, id, l->slots);
    c->faults = l->faults;
    c->wrong_bits = l->wrong_bits;
    c->unfenced = !q->fenced && !q->half;
    packed_capture(o, q, c);
}

struct chain *packed_copy(struct vblk_oracle *o, struct queue *q, uint16_t *id, uint16_t *slots)
{
    struct chain *c = q->spare;
    struct list l;

    measure_list(o, q, &l);
    *id = vblk_get16(q->ring[l.last].id);
    *slots = l.slots;
    if (c == NULL || l.no_room || q->by_id[*id] != 0)
        return NULL;
    copy_list(o, q, c, *id, &l);
    return c;
}

void packed_pass(const struct vblk_oracle *o, struct queue *q, const struct chain *c)
{
    advance_available(o, q, c);
}

static bool take_list(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct chain *c = q->spare;
    struct list l;

    if (c != NULL && take_twin(o, q, c, ev))
        return true;
    measure_list(o, q, &l);
    if (l.late != NO_OWNER) {
        if (!q->half)
            judge_moment(o, AT_HALF, &(struct look){ .ev = ev, .q = q, .from = q->avail_idx, .to = l.late });
        q->half = true;
        return false;
    }
    uint16_t id = vblk_get16(q->ring[l.last].id);
    if (c == NULL || l.no_room || q->by_id[id] != 0) {
        queue_reject(o, q, id, l.no_room ? F_NO_ROOM : F_REUSED, ev);
        return false;
    }
    copy_list(o, q, c, id, &l);
    if (l.faults != 0)
        o->notices[q->no].on = false; /* where it ends, nobody knows */
    advance_available(o, q, c);
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

void slots_unseen(struct queue *q, uint32_t slot, uint32_t n)
{
    for (; n > 0; n--) {
        q->elem_fresh[slot] = SLOT_UNSEEN;
        slot = slot + 1 < q->size ? slot + 1 : 0;
    }
}

static void used_one(struct vblk_oracle *o, struct queue *q, const struct vblk_packed_desc *d, bool overtook,
                     const struct vblk_event *ev)
{
    struct answer a = { .slot = q->used_idx, .id = vblk_get16(d->id), .len = vblk_get32(d->len), .batch = 1,
                        .overtook = overtook };
    const uint16_t at = q->by_id[a.id];
    uint32_t slots;

    if (q->strayed != NO_OWNER && o->strayed == q) {
        packed_stray_shows(o, ev);
        return;
    }
    a.flags = vblk_get16(d->flags);
    a.len_known = (a.flags & VBLK_DESC_WRITE) != 0;
    q->used_total++;
    q->since_notify++;
    if (at == 0) {
        judge_moment(o, AT_USED_BAD, &(struct look){ .ev = ev, .q = q, .answer = &a });
        queue_lose(o, q); /* how many slots it stands for can't be told */
        return;
    }
    struct chain *c = &q->chains[at - 1];
    const uint16_t older = queue_batch(o, q, c, &a, &slots);
    packed_pass_used(q, slots);
    q->from_batch = older > 0;
    if (older > 0)
        queue_used_before(o, q, c, ev);
    queue_used(o, q, c, &a, ev);
}

void packed_scan_used_on(struct vblk_oracle *o, struct queue *q, bool first, const struct vblk_event *ev)
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
        if (!sees(o, VBLK_SEES_DRIVER_STORES))
            q->ring[q->used_idx] = d;
        used_one(o, q, &d, !first && sees(o, VBLK_SEES_DEVICE_STORES), ev);
        first = false;
        if (o->image != NULL)
            (void)!vblk_memory_snapshot_update(o->image, o->mem, gpa, sizeof(d));
    }
}

void packed_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    packed_scan_used_on(o, q, true, ev);
}

#ifndef NDEBUG
bool packed_followed(const struct vblk_oracle *o, const struct queue *q)
{
    struct vblk_packed_desc d;

    return !q->enabled || q->lost || q->in_use == 0 || q->elem_pending != 0 ||
           fast_peek(o->mem, q->desc + 16u * (uint64_t)q->used_idx, &d, sizeof(d)) != VBLK_OK ||
           !packed_used(vblk_get16(d.flags), q->used_wrap);
}
#endif

bool packed_lap(const struct queue *q, uint16_t slot)
{
    if (packed_in_use(q, slot))
        return slot >= q->used_idx ? q->used_wrap : !q->used_wrap;
    return slot >= q->avail_idx ? q->avail_wrap : !q->avail_wrap;
}
