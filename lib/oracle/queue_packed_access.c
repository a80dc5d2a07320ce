/* SPDX-License-Identifier: BSD-3-Clause */
/* Single loads and stores of a packed ring: what they change in the picture, and what they show to be amiss (2.8). */
#include <string.h>

#include "slots.h"

static bool covers(const struct vblk_event *ev, uint64_t at, uint64_t len)
{
    return ev->at < at + len && at < ev->at + ev->len;
}

/* Slots that an access touches: [from, to). */
static void slots_of(const struct queue *q, const struct vblk_event *ev, uint16_t *from, uint16_t *to)
{
    uint64_t begin = ev->at > q->desc ? ev->at - q->desc : 0;
    uint64_t end = ev->at + ev->len - q->desc;
    uint64_t whole = 16u * (uint64_t)q->size;
    *from = (uint16_t)((begin < whole ? begin : whole) / 16);
    *to = (uint16_t)(((end < whole ? end : whole) + 15) / 16);
}

static uint64_t slot_at(const struct queue *q, uint16_t slot)
{
    return q->desc + 16u * (uint64_t)slot;
}

static void slip(struct vblk_oracle *o, struct queue *q, enum vblk_party party, uint16_t slot, enum slip what,
                 const struct vblk_event *ev)
{
    struct look look = { .ev = ev, .q = q, .from = slot, .slip = (uint8_t)what, .party = (uint8_t)party,
                         .at = slot_at(q, slot), .len = 16 };
    judge_moment(o, AT_SLIP, &look);
}

/* ---- stores by the driver ---- */

/* Flags that make a descriptor of the next lap available, over one that is with the device. */
static bool next_lap(const struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint64_t at = slot_at(q, slot) + 14;
    if (ev->bytes == NULL || ev->at > at || ev->at + ev->len < at + 2)
        return false;
    const uint8_t *b = ev->bytes + (at - ev->at);
    return packed_available((uint16_t)(b[0] | b[1] << 8), !packed_lap(q, slot));
}

static void driver_slip(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    if (packed_in_use(q, slot)) {
        const bool late = !covers(ev, slot_at(q, slot) + 14, 2) && (q->elem_fresh[slot] & SLOT_BARE) != 0;
        slip(o, q, VBLK_DRIVER, slot, late ? SLIP_LATE : next_lap(q, slot, ev) ? SLIP_OVERRUN : SLIP_OWNED, ev);
    } else if ((q->elem_fresh[slot] & SLOT_UNSEEN) != 0 && sees(o, VBLK_SEES_DRIVER_LOADS)) {
        slip(o, q, VBLK_DRIVER, slot, SLIP_UNSEEN, ev);
    }
}

/* The part of the store that is in the slot. */
static void keep_stored(struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint64_t gpa = slot_at(q, slot), end = ev->at + ev->len;
    const uint64_t from = ev->at > gpa ? ev->at : gpa, to = end < gpa + 16 ? end : gpa + 16;

    if (ev->bytes != NULL && from < to)
        memcpy((uint8_t *)&q->ring[slot] + (from - gpa), ev->bytes + (from - ev->at), to - from);
}

static void driver_stored(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint64_t gpa = slot_at(q, slot);

    if (!q->lost)
        driver_slip(o, q, slot, ev);
    if (packed_in_use(q, slot)) {
        if (q->table[slot].owner != NO_OWNER)
            q->chains[q->table[slot].owner].void_ = true;
        queue_lose(o, q);
        queue_abused(o, true);
    }
    keep_stored(q, slot, ev);
    q->elem_fresh[slot] &= (uint8_t) ~(SLOT_UNSEEN | SLOT_START);
    if (covers(ev, gpa, 14))
        q->elem_fresh[slot] |= SLOT_FILLED;
    if (covers(ev, gpa + 14, 2))
        q->elem_fresh[slot] |= SLOT_DRIVER;
}

void packed_driver_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    const uint32_t before = q->total;
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    for (uint16_t slot = from; slot < to; slot++)
        driver_stored(o, q, slot, ev);
    q->fenced = ev->order >= VBLK_RELEASE || o->barriers[VBLK_DRIVER] >= q->entry_stored;
    packed_scan_available(o, q, ev);
    if (q->total == before)
        q->entry_stored = o->seq;
}

/* ---- stores by the device ---- */

bool packed_masked(const struct queue *q, uint16_t slot)
{
    const uint32_t last = q->used_idx >= q->skipped ? (uint32_t)(q->used_idx - q->skipped)
                                                    : (uint32_t)(q->used_idx + q->size - q->skipped);
    return (q->size & (q->size - 1u)) != 0 && q->skipped > 0 && slot != q->used_idx &&
           slot == ((last + q->skipped) & (q->size - 1u));
}

/* What is stored there answers a buffer that is with the device. */
static bool answers_another(const struct vblk_oracle *o, const struct queue *q, uint16_t slot)
{
    vblk_le16 id;

    return vblk_memory_peek(o->mem, slot_at(q, slot) + offsetof(struct vblk_packed_desc, id), &id, sizeof(id)) == VBLK_OK &&
           q->by_id[vblk_get16(id)] != 0;
}

/* In a slot that is not with the device, or not any more. Where it goes on from a wrong slot it can't be followed. */
static void device_slip(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint8_t was = q->elem_fresh[slot];
    const uint16_t back = (uint16_t)((q->used_idx + (uint32_t)q->size - slot) % q->size);

    if (q->strayed != NO_OWNER || not_yet_afresh(&(struct look){ .o = o, .q = q })) {
        slip(o, q, VBLK_DEVICE, q->strayed != NO_OWNER ? q->strayed : slot, q->strayed != NO_OWNER ? SLIP_STRAYED : SLIP_STALE, ev);
        queue_lose(o, q);
        return;
    }
    const bool skipped = (was & SLOT_DRIVER) == 0 && back != 0 && back < q->skipped;

    const bool masked = back != q->skipped - 1u && packed_masked(q, slot) && answers_another(o, q, slot);

    if (masked || skipped) {
        slip(o, q, VBLK_DEVICE, slot, masked ? SLIP_MASKED : SLIP_SKIPPED, ev);
        queue_lose(o, q);
        return;
    }
    slip(o, q, VBLK_DEVICE, slot, (was & SLOT_START) != 0 ? SLIP_REWRITTEN : SLIP_FREE, ev);
}

static void device_stored(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint64_t gpa = slot_at(q, slot);
    const uint8_t stored = (uint8_t)((covers(ev, gpa + 8, 4) ? SLOT_LEN : 0) | (covers(ev, gpa + 12, 2) ? SLOT_ID : 0));

    if (!packed_in_use(q, slot)) {
        if (!q->lost)
            device_slip(o, q, slot, ev);
        return;
    }
    if (slot == q->used_idx && q->elem_pending > 0 && stored != 0 && !q->lost)
        slip(o, q, VBLK_DEVICE, slot, SLIP_REWRITTEN, ev); /* its flags were there before */
    q->elem_fresh[slot] |= stored;
}

void packed_device_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    for (uint16_t slot = from; slot < to; slot++)
        device_stored(o, q, slot, ev);
    packed_scan_used(o, q, ev);
}

void packed_changed(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled || q->lost)
        return;
    slots_of(q, ev, &from, &to);
    for (uint16_t slot = from; slot < to; slot++)
        if (!packed_in_use(q, slot))
            device_slip(o, q, slot, ev);
}

/* ---- loads ---- */

void packed_seen(struct queue *q, uint16_t slot)
{
    uint32_t at = slot;

    if (slots_seen(q, slot))
        return;
    for (uint32_t i = 0; i < q->size && (q->elem_fresh[at] & SLOT_UNSEEN) != 0; i++) {
        if (i > 0 && (q->elem_fresh[at] & SLOT_START) != 0)
            return;
        q->elem_fresh[at] &= (uint8_t)~SLOT_UNSEEN;
        at = at + 1 < q->size ? at + 1 : 0;
    }
}

void packed_driver_loaded(struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;
    if (!q->enabled)
        return;
    slots_of(q, ev, &from, &to);
    if (from < q->size && covers(ev, slot_at(q, from) + 14, 2))
        packed_seen(q, from);
}

static bool older_waits(const struct queue *q, const struct chain *c)
{
    for (const struct chain *b = c->older; b != NULL; b = b->older)
        if (b->queue == q->no && !b->begun)
            return true;
    return false;
}

/* Where the device would go on after the buffer that it took last, if the size were a power of two; NO_OWNER: where it should. */
static uint16_t masked_next(const struct vblk_oracle *o, const struct queue *q)
{
    uint32_t next = q->skipped + (q->used_idx >= q->skipped ? (uint32_t)(q->used_idx - q->skipped)
                                                            : (uint32_t)(q->used_idx + q->size - q->skipped));

    if ((q->size & (q->size - 1u)) == 0 || q->taken_turn == 0)
        return NO_OWNER;
    for (const struct chain *c = o->newest; c != NULL; c = c->older)
        if (c->queue == q->no && c->turn == q->taken_turn)
            next = (uint32_t)c->slot + c->slots;
    const uint16_t masked = (uint16_t)(next & (q->size - 1u));
    return masked != next % q->size ? masked : (uint16_t)NO_OWNER;
}

/* A slot of its own, that is not part of a buffer which the device has begun with or may begin with. */
static void strays(struct vblk_oracle *o, struct queue *q, uint16_t slot)
{
    const uint16_t owner = q->table[slot].owner;
    const struct chain *c = owner < q->size && q->chains[owner].outstanding ? &q->chains[owner] : NULL;

    if (q->lost || (c != NULL && (c->begun || c->slot == slot)) || slot != masked_next(o, q))
        return;
    q->strayed = slot;
    o->strayed = q;
}

void packed_stray_shows(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = o->strayed;

    o->strayed = NULL;
    if (q->strayed == NO_OWNER || q->lost || !q->enabled)
        return;
    slip(o, q, VBLK_DEVICE, q->strayed, SLIP_STRAYED, ev);
    queue_lose(o, q);
}

/* What a load shows of a descriptor, more than its flags, is the beginning of its buffer's processing. */
static void began(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    const uint16_t owner = packed_owner(q, slot);
    struct chain *c = owner < q->size ? &q->chains[owner] : NULL;

    if (c == NULL || !c->outstanding || c->slot != slot || c->turn <= q->taken_turn)
        return;
    if (c->turn != q->taken_turn + 1 && older_waits(q, c) && !q->lost && !not_yet_afresh(&(struct look){ .o = o, .q = q })) {
        struct look look = { .ev = ev, .q = q, .chain = c, .from = slot, .slip = SLIP_ORDER, .party = VBLK_DEVICE,
                             .at = slot_at(q, slot), .len = 16 };
        judge_moment(o, AT_SLIP, &look);
    }
    c->begun = true;
    q->taken_turn = c->turn;
    q->strayed = NO_OWNER; /* it only looked there */
}

void packed_device_loaded(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    uint16_t from, to;

    slots_of(q, ev, &from, &to);
    if (to > from && covers(ev, slot_at(q, (uint16_t)(to - 1)) + 14, 2))
        q->polled = (uint16_t)(to - 1);
    for (uint16_t slot = from; slot < to; slot++)
        if (covers(ev, slot_at(q, slot), 14))
            began(o, q, slot, ev);
    if (to == from + 1 && covers(ev, slot_at(q, from), 14))
        strays(o, q, from);
}
