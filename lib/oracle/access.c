/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single loads and stores: whose bytes are they? And, for a peer whose stores are not seen, differences between
 * memory as it is and memory as it should be.
 */
#include "slots.h"

static bool within(uint64_t at, uint64_t base, uint64_t len)
{
    return at - base < len;
}

/* The part of @q that @at lies in, or IN_NOTHING. */
static inline uint8_t place_in_queue(const struct queue *q, uint64_t at)
{
    if (within(at, q->desc, 16u * (uint64_t)q->size))
        return q->packed ? IN_PACKED_RING : IN_DESC_TABLE;
    if (q->packed)
        return within(at, q->driver, 4) ? IN_DRIVER_EVENT : within(at, q->device, 4) ? IN_DEVICE_EVENT : IN_NOTHING;
    if (within(at, q->driver, 6 + 2u * (uint64_t)q->size))
        return within(at, q->driver + 2, 2) ? IN_AVAIL_IDX : IN_AVAIL_RING;
    if (!within(at, q->device, 6 + 8u * (uint64_t)q->size))
        return IN_NOTHING;
    if (within(at, q->device + 2, 2))
        return IN_USED_IDX;
    return within(at, q->device + 4, 8u * (uint64_t)q->size) ? IN_USED_ELEM : IN_USED_RING;
}

/* Queues that are enabled come first: others may lie where memory has found another use. */
static uint8_t find_place(struct vblk_oracle *o, uint64_t at, bool enabled, struct queue **q)
{
    for (uint32_t i = 0; i < o->active_count; i++) {
        struct queue *candidate = &o->queues[o->active[i]];
        uint8_t place = candidate->enabled == enabled ? place_in_queue(candidate, at) : (uint8_t)IN_NOTHING;
        if (place == IN_NOTHING)
            continue;
        *q = candidate;
        return place;
    }
    return IN_NOTHING;
}

static bool recently_returned(const struct vblk_oracle *o, uint64_t at)
{
    unsigned n = o->returned_next < 256 ? o->returned_next : 256;
    for (unsigned i = 0; i < n; i++)
        if (within(at, o->returned[i].gpa, o->returned[i].len))
            return true;
    return false;
}

static const struct piece *piece_at(const struct queue *q, const struct chain *c, uint64_t at, bool writable)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p))
        if (((p->flags & VBLK_DESC_WRITE) != 0) == writable && within(at, p->gpa, p->len))
            return p;
    return NULL;
}

/* Whether [at, at + len) lies wholly in pieces of one kind, whatever their order; 0 bytes never do. */
static bool wholly_inside(const struct queue *q, const struct chain *c, uint64_t at, uint64_t len, bool writable)
{
    const struct piece *p;
    while (len > 0 && (p = piece_at(q, c, at, writable)) != NULL) {
        uint64_t here = p->len - (at - p->gpa);
        if (len <= here)
            return true;
        at += here;
        len -= here;
    }
    return false;
}

/* The usual case: all bytes in one piece. A writable one goes before a readable one that has the same bytes. */
static bool in_one_piece(const struct queue *q, const struct chain *c, const struct vblk_event *ev, bool *writable,
                         uint64_t *offset)
{
    uint64_t before[2] = { 0, 0 };
    bool found = false;
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        const bool writes = (p->flags & VBLK_DESC_WRITE) != 0;
        const uint64_t into = ev->at - p->gpa;
        if (into < p->len && ev->len <= p->len - into && ev->len > 0 && (!found || (writes && !*writable))) {
            *writable = writes;
            *offset = before[writes] + into;
            found = true;
        }
        before[writes] += p->len;
    }
    return found;
}

static bool wholly_in_current(const struct queue *q, const struct chain *c, const struct vblk_event *ev,
                              bool *writable)
{
    *writable = true;
    if (wholly_inside(q, c, ev->at, ev->len, true))
        return true;
    *writable = false;
    return wholly_inside(q, c, ev->at, ev->len, false);
}

static struct queue *serving(struct vblk_oracle *o)
{
    return o->serving < o->opt.queues_max ? &o->queues[o->serving] : NULL;
}

/* The chain whose bytes these are: the one being served is asked first, where it is the device that asks. */
static uint8_t place_in_chains(struct vblk_oracle *o, const struct vblk_event *ev, struct target *t)
{
    struct queue *q = serving(o);
    struct chain *c = q != NULL ? q->current : NULL, *table = NULL;
    bool writable;

    if (ev->party == VBLK_DRIVER && !busy_maybe(o->busy, ev->at, ev->len))
        return IN_NOTHING;
    if (c != NULL && in_one_piece(q, c, ev, &writable, &t->offset)) {
        t->q = q;
        t->chain = c;
        return writable ? IN_WRITABLE : IN_READABLE;
    }
    t->chain = c != NULL && within(ev->at, c->indirect, c->indirect_len) ? c : NULL;
    if (t->chain != NULL) {
        t->q = q;
        return IN_INDIRECT;
    }
    bool whole = c != NULL && wholly_in_current(q, c, ev, &writable);
    t->chain = whole ? c : chain_owning(o, ev->at, ev->len, &writable);
    if (t->chain == NULL)
        t->chain = table = chain_with_table(o, ev->at, ev->len);
    if (t->chain == NULL)
        return IN_NOTHING;
    t->q = &o->queues[t->chain->queue];
    if (table != NULL)
        return IN_INDIRECT;
    t->offset = chain_offset(t->q, t->chain, ev->at, writable);
    if (!whole && ev->party == VBLK_DEVICE && !wholly_inside(t->q, t->chain, ev->at, ev->len, writable))
        return IN_NOTHING;
    return writable ? IN_WRITABLE : IN_READABLE;
}

/* Nowhere in the queue used last. */
static __attribute__((noinline)) uint8_t place_elsewhere(struct vblk_oracle *o, const struct vblk_event *ev,
                                                         struct target *t)
{
    const bool alone = o->active_count == 1 && o->near != NULL && o->near->enabled; /* and was asked already */
    uint8_t place = alone ? (uint8_t)IN_NOTHING : find_place(o, ev->at, true, &t->q);
    if (place != IN_NOTHING) {
        o->near = t->q;
        return place;
    }
    if (o->outstanding > 0)
        place = place_in_chains(o, ev, t);
    if (place != IN_NOTHING || t->chain != NULL)
        return place;
    if (ev->party == VBLK_DEVICE && recently_returned(o, ev->at))
        return IN_RETURNED;
    return alone ? (uint8_t)IN_NOTHING : find_place(o, ev->at, false, &t->q);
}

void access_classify(struct vblk_oracle *o, const struct vblk_event *ev, struct look *look, struct target *t)
{
    look->place_known = true;
    look->at = ev->at;
    look->len = ev->len;
    look->party = ev->party;
    look->place = o->near != NULL && o->near->enabled ? place_in_queue(o->near, ev->at) : (uint8_t)IN_NOTHING;
    if (look->place != IN_NOTHING)
        t->q = o->near;
    else
        look->place = place_elsewhere(o, ev, t);
    look->q = t->q;
    look->chain = t->chain;
}

static bool meets(const struct vblk_event *ev, uint64_t at, uint64_t len)
{
    return at - ev->at < ev->len || ev->at - at < len;
}

/* One store may cover several elements, and idx. */
static void used_ring_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint64_t from = ev->at - q->device < 4 ? 0 : (ev->at - q->device - 4) / 8;
    for (uint64_t i = from; i < q->size && meets(ev, q->device + 4 + 8 * i, 8); i++)
        q->elem_fresh[i] = 1;
    if (meets(ev, q->device + 2, 2) || q->elem_pending > 0)
        queue_scan_used(o, q, ev);
}

static void device_stored(struct vblk_oracle *o, const struct target *t, const struct look *look,
                          const struct vblk_event *ev)
{
    if (look->place == IN_WRITABLE) {
        if (t->offset != UINT64_MAX)
            written_add(&t->chain->written, t->offset, t->offset + ev->len);
        if (within(t->chain->req.status_at, ev->at, ev->len))
            t->chain->status_stored = true;
    } else if ((1u << look->place & USED_PLACES) != 0 && t->q->enabled) {
        used_ring_stored(o, t->q, ev);
    } else if ((1u << look->place & (AVAIL_PLACES | PLACE(DESC_TABLE))) != 0 && t->q->enabled) {
        queue_lose(o, t->q); /* what is there from now on is not the driver's doing */
    } else if (look->place == IN_PACKED_RING) {
        packed_device_stored(o, t->q, ev);
    } else if (o->opt.lockstep && t->chain != NULL) {
        t->chain->void_ = true; /* its bytes differ, and not by the driver's hand */
    }
}

static void driver_stored(struct vblk_oracle *o, const struct target *t, const struct look *look,
                          const struct vblk_event *ev)
{
    struct queue *q = t->q;
    if (o->image != NULL)
        (void)!vblk_memory_snapshot_update(o->image, o->mem, ev->at, ev->len);
    if (look->place == IN_AVAIL_RING || look->place == IN_DESC_TABLE)
        q->entry_stored = o->seq;
    if (look->place == IN_AVAIL_IDX || (look->place == IN_AVAIL_RING && meets(ev, q->driver + 2, 2))) {
        q->idx_stored = o->seq;
        queue_scan_available(o, q, ev);
    }
    if ((1u << look->place & (USED_PLACES | PLACE(DEVICE_EVENT))) != 0 && q->enabled)
        queue_lose(o, q); /* what is there from now on is not the device's doing */
    if (t->chain != NULL)
        queue_tampered(o, q, t->chain, (enum place)look->place);
    if (look->place == IN_PACKED_RING)
        packed_driver_stored(o, q, ev);
    if (look->place != IN_DESC_TABLE || !q->enabled)
        return;
    uint16_t owner = q->table[(ev->at - q->desc) / 16].owner;
    if (owner != NO_OWNER)
        queue_tampered(o, q, &q->chains[owner], IN_DESC_TABLE);
}

/* Whether the place that the first byte lies in has the others, too, as far as that is told at a glance. */
static bool in_one_place(const struct vblk_oracle *o, const struct look *look, const struct vblk_event *ev)
{
    if (ev->len <= 1)
        return true;
    if (look->place == IN_DESC_TABLE || look->place == IN_PACKED_RING)
        return (ev->at - look->q->desc) % 16 + ev->len <= 16;
    if ((1u << look->place & AVAIL_PLACES) != 0)
        return ev->at - look->q->driver + ev->len <= 6 + 2u * (uint64_t)look->q->size;
    return look->place == IN_NOTHING && apart(ev->at, ev->len, o->rings_from, o->rings_len) &&
           !busy_maybe(o->busy, ev->at, ev->len);
}

void access_store(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct look look = { .ev = ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    if (ev->party >= VBLK_NOBODY || (ev->flags & VBLK_EV_FAULTED) != 0)
        return;
    access_classify(o, ev, &look, &t);
    if (o->strayed != NULL && ev->party == VBLK_DEVICE && look.place != IN_PACKED_RING && look.place != IN_WRITABLE)
        packed_stray_shows(o, ev);
    judge_access(o, AT_STORE, &look);
    if (ev->party == VBLK_DEVICE) {
        device_stored(o, &t, &look, ev);
        return;
    }
    driver_stored(o, &t, &look, ev);
    if (!in_one_place(o, &look, ev))
        access_wide_store(o, ev, &look);
}

/* Buffers whose making is not seen are looked at when the device first may, before it lays hands on them. */
static __attribute__((noinline)) void device_looks(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (q != NULL && q->enabled)
        queue_scan_available(o, q, ev);
}

/* What a device loads tells which chain it is busy with. */
static void device_loaded(struct vblk_oracle *o, const struct target *t, const struct look *look,
                          const struct vblk_event *ev)
{
    struct queue *q = t->q;
    uint16_t head;
    if (q == NULL || !q->enabled)
        return;
    if (look->place == IN_READABLE && t->chain != NULL) {
        if (t->offset != UINT64_MAX)
            written_add(&t->chain->fetched, t->offset, t->offset + ev->len);
        return;
    }
    if (look->place == IN_AVAIL_RING && ev->len == 2 && ev->at >= q->driver + 4 && ev->bytes != NULL) {
        head = (uint16_t)(ev->bytes[0] | ev->bytes[1] << 8);
    } else if ((1u << look->place & (PLACE(DESC_TABLE) | PLACE(PACKED_RING))) != 0) {
        struct piece *p = &q->table[(ev->at - q->desc) / 16];
        if (look->place == IN_PACKED_RING)
            packed_device_loaded(o, q, ev);
        p->loaded |= descriptor_bytes(q, ev->at, ev->len);
        head = q->packed ? packed_owner(q, p->index) : p->owner;
    } else if (look->place == IN_INDIRECT) {
        chain_table_loaded(q, t->chain, ev->at, ev->len);
        head = (uint16_t)(t->chain - q->chains);
    } else {
        return;
    }
    if (head < q->size && q->chains[head].outstanding) {
        q->current = &q->chains[head];
        q->current->taken = true;
        o->serving = q->no;
    }
}

/* Used elements are looked at now, before the driver lays hands on what it learns. */
static __attribute__((noinline)) void driver_loaded(struct vblk_oracle *o, struct queue *q, uint8_t place,
                                                    const struct vblk_event *ev)
{
    if (!sees(o, VBLK_SEES_DEVICE_STORES))
        queue_scan_used(o, q, ev);
    if (place == IN_PACKED_RING)
        packed_driver_loaded(q, ev);
    else
        q->reaped = o->seq;
}

void access_load(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct look look = { .ev = ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    if (ev->party >= VBLK_NOBODY || (ev->flags & VBLK_EV_FAULTED) != 0)
        return;
    access_classify(o, ev, &look, &t);
    if (ev->party == VBLK_DEVICE && !sees(o, VBLK_SEES_DRIVER_STORES) &&
        (1u << look.place & (PLACE(AVAIL_IDX) | PLACE(PACKED_RING))) != 0)
        device_looks(o, t.q, ev);
    judge_access(o, AT_LOAD, &look);
    if (ev->party == VBLK_DEVICE)
        device_loaded(o, &t, &look, ev);
    else if ((1u << look.place & (PLACE(USED_IDX) | PLACE(PACKED_RING))) != 0)
        driver_loaded(o, t.q, look.place, ev);
}

/* ---- differences ---- */

void access_account(struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p))
        if ((p->flags & VBLK_DESC_WRITE) != 0)
            (void)!vblk_memory_snapshot_update(o->image, o->mem, p->gpa, p->len);
}

void access_resync(struct vblk_oracle *o)
{
    uint64_t at = 0, len = 0;
    for (; vblk_memory_diff(o->image, o->mem, &at, &len); at += len)
        (void)!vblk_memory_snapshot_update(o->image, o->mem, at, len);
}

static void judge_difference(struct vblk_oracle *o, uint64_t at, uint64_t len, const struct vblk_event *ev)
{
    struct vblk_event store = { .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .at = at, .len = (uint32_t)len };
    struct look look = { .ev = ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    access_classify(o, &store, &look, &t);
    look.ev = ev;
    if (look.place == IN_WRITABLE)
        return; /* still with the device */
    if (look.place == IN_PACKED_RING)
        packed_changed(o, t.q, &store);
    if ((1u << look.place & (USED_PLACES | PLACE(PACKED_RING) | PLACE(DEVICE_EVENT))) != 0 && t.q->enabled &&
        !o->ctl.reset_done)
        return; /* the device's own */
    judge_moment(o, AT_STRAY, &look);
}

/* Differences are told apart per 64 bytes at most, so that a run over several owners blames each. */
#define DIFF_STEP 64u
#define DIFFS_MAX 256u

void access_compare_image(struct vblk_oracle *o, const struct vblk_event *ev)
{
    uint64_t at = 0, len = 0;
    unsigned found = 0;

    if (o->image == NULL)
        return;
    for (; found < DIFFS_MAX && vblk_memory_diff(o->image, o->mem, &at, &len); at += len, found++) {
        if (len > DIFF_STEP)
            len = DIFF_STEP;
        judge_difference(o, at, len, ev);
    }
    access_resync(o);
}
