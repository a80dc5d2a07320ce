/* SPDX-License-Identifier: BSD-3-Clause */
/* Where both sides go on in a packed ring, and in which lap: 2.8, 2.8.1, 2.8.2, 2.8.6. */
#include "check_packed.h"
#include "slots.h"

#define OWED_OR(token, guilty, moments) CHECK(token, guilty, AT(OWED) | (moments), ANY_TYPE, ANY_PLACE, NO_SIGHT)

static bool idle(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    return l->ev->kind == VBLK_EV_QUIET && l->chain == NULL && l->answer == NULL && l->len == 0 && l->q != NULL &&
           l->q->packed && l->q->enabled && !l->q->lost && ctl->live && !ctl->needs_reset && !ctl->failed &&
           !ctl->reset_asked && !ctl->suspend_asked && !l->o->gone;
}

static bool reversed(uint16_t flags, bool wrap)
{
    return packed_available(flags, !wrap);
}

/* ---- the driver ---- */

/* A descriptor past the next one that the driver made available, while it never touched the next one. */
static bool driver_ahead(const struct queue *q)
{
    uint16_t slot = packed_after(q, q->avail_idx, 1);
    for (uint32_t i = q->in_use + 1; i < q->size; i++, slot = packed_after(q, slot, 1))
        if ((q->elem_fresh[slot] & SLOT_DRIVER) != 0 &&
            packed_available(vblk_get16(q->ring[slot].flags), packed_lap(q, slot)))
            return true;
    return false;
}

static bool known_and_available(uint16_t flags, bool wrap)
{
    return packed_available(flags, wrap) && (flags & ~(unsigned)PACKED_FLAGS) == 0;
}

/* It notified the device since it stored into the ring last, and there is nothing for the device to see. */
enum stuck packed_driver_stuck(const struct look *l)
{
    const struct queue *q = l->q;
    const struct notice *n = idle(l) ? &notices_of(l->o, q)->way[VBLK_DRIVER] : NULL;

    if (n == NULL || n->sent == 0 || n->sent < q->entry_stored || q->in_use >= q->size || q->half)
        return STUCK_NOT;
    const struct vblk_packed_desc *d = &q->ring[q->avail_idx];
    const uint16_t flags = vblk_get16(d->flags), id = vblk_get16(d->id);
    if ((q->elem_fresh[q->avail_idx] & SLOT_DRIVER) == 0)
        return driver_ahead(q) ? STUCK_AHEAD : STUCK_NOT;
    if (packed_available(flags, q->avail_wrap) || vblk_get32(d->len) == 0)
        return STUCK_NOT;
    if ((flags & ~(unsigned)PACKED_FLAGS) != 0 && known_and_available(__builtin_bswap16(flags), q->avail_wrap))
        return STUCK_SWAPPED;
    if (reversed(flags, q->avail_wrap))
        return STUCK_LAP;
    return id >= q->size && known_and_available(id, q->avail_wrap) ? STUCK_SHIFTED : STUCK_UNMARKED;
}

static enum outcome driver_breaks(const struct look *l, struct why *why, const char *expected)
{
    const struct queue *q = l->q;
    const uint16_t flags = vblk_get16(q->ring[q->avail_idx].flags);

    enum outcome outcome =
        broken(why, expected, "slot %u, flags 0x%04x, wrap counter %d", q->avail_idx, flags, q->avail_wrap);
    return blame_driver(why, at_slot(l, why, q->avail_idx, outcome));
}

/* ---- the device ---- */

static uint16_t flags_now(const struct look *l, uint16_t slot)
{
    vblk_le16 flags;
    return vblk_memory_peek(l->o->mem, l->q->desc + 16u * (uint64_t)slot + 14, &flags, sizeof(flags)) == VBLK_OK
               ? vblk_get16(flags)
               : vblk_get16(l->q->ring[slot].flags);
}

static bool remarked(const struct look *l, uint16_t slot, uint16_t now)
{
    const unsigned marks = VBLK_DESC_AVAIL | VBLK_DESC_USED;
    return ((now ^ vblk_get16(l->q->ring[slot].flags)) & marks) != 0;
}

/* The first used descriptor past the device's position. */
static enum stuck device_ahead(const struct look *l, uint16_t *slot)
{
    const struct queue *q = l->q;
    vblk_le16 id;

    *slot = packed_after(q, q->used_idx, 1);
    for (uint32_t i = 1; i < q->in_use; i++, *slot = packed_after(q, *slot, 1)) {
        const uint16_t now = flags_now(l, *slot);
        if (!remarked(l, *slot, now) || (!packed_used(now, true) && !packed_used(now, false)))
            continue; /* its wrap counter may be wrong as well */
        if (packed_masked(q, *slot))
            return STUCK_MASKED;
        if (vblk_memory_peek(l->o->mem, q->desc + 16u * (uint64_t)*slot + 12, &id, sizeof(id)) != VBLK_OK)
            return STUCK_AHEAD;
        const uint16_t at = q->by_id[vblk_get16(id)];
        return at != 0 && q->chains[at - 1].slot == *slot ? STUCK_OWN_SLOT : STUCK_AHEAD;
    }
    return STUCK_NOT;
}

enum stuck packed_device_stuck(const struct look *l, uint16_t *slot)
{
    const struct queue *q = l->q;

    if (!idle(l) || q->in_use == 0 || l->o->abuse != NO_ABUSE || not_yet_afresh(l))
        return STUCK_NOT; /* the last one: QRESET-DEV-03 */
    *slot = q->used_idx;
    const uint16_t now = flags_now(l, *slot);
    if (!remarked(l, *slot, now))
        return device_ahead(l, slot);
    if (packed_used(now, q->used_wrap))
        return STUCK_NOT;
    return packed_used(now, !q->used_wrap) ? STUCK_LAP : STUCK_UNMARKED;
}

/* It looked at the slot where the buffer of a new lap is available and went no further, or asked to be told of that slot
 * in the lap before: it expects the other lap. */
static const struct chain *lap_missed(const struct look *l)
{
    const struct queue *q = l->q;
    const uint16_t owner = packed_owner(q, 0);
    uint16_t slot;

    if (!idle(l) || owner >= q->size || l->o->abuse != NO_ABUSE || packed_device_stuck(l, &slot) != STUCK_NOT)
        return NULL;
    const struct chain *c = &q->chains[owner];
    const struct notice *n = &notices_of(l->o, q)->way[VBLK_DRIVER];
    const bool asked = (n->flags & 3) == 2 && n->event == (packed_lap(q, 0) ? 0 : 0x8000u);
    return c->outstanding && !c->void_ && c->slot == 0 && c->turn > 1 && c->turn == q->taken_turn + 1 &&
                   (q->polled == 0 || asked)
               ? c
               : NULL;
}

bool packed_explains(const struct look *l)
{
    const struct look at_large = { .o = l->o, .ev = l->ev, .q = l->q };
    uint16_t slot;

    if (!l->q->packed)
        return false;
    if ((l->q->size & (l->q->size - 1u)) != 0 && l->chain != NULL && packed_polls_masked(l))
        return true;
    return packed_device_stuck(&at_large, &slot) != STUCK_NOT || lap_missed(&at_large) != NULL;
}

static enum outcome device_breaks(const struct look *l, struct why *why, const char *expected, uint16_t slot)
{
    return at_slot(l, why, slot,
                   broken(why, expected, "slot %u, flags 0x%04x, where slot %u comes next, wrap counter %d", slot,
                          flags_now(l, slot), l->q->used_idx, l->q->used_wrap));
}

/* ---- laps ---- */

CHECK(RING_PACKED_05, VBLK_NOBODY, AT(OWED) | AT(AVAILABLE) | AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    static const char expected[] = "both wrap counters 1 at first";
    const struct queue *q = l->q;
    uint16_t slot;

    if (l->answer != NULL)
        return packed_answer(l) && q->used_total == 1 ? HELD : UNTOUCHED;
    if (l->chain != NULL)
        return packed_chain(l) && l->chain->turn == 1 ? HELD : UNTOUCHED;
    if (q->total == 0)
        return packed_driver_stuck(l) == STUCK_LAP ? driver_breaks(l, why, expected) : UNTOUCHED;
    return q->used_total == 0 && packed_device_stuck(l, &slot) == STUCK_LAP ? device_breaks(l, why, expected, slot)
                                                                            : UNTOUCHED;
}

OWED_OR(RING_PACKED_06, VBLK_DRIVER, AT(AVAILABLE))
{
    if (l->chain != NULL)
        return packed_chain(l) && l->q->lapped ? HELD : UNTOUCHED;
    return l->q->total > 0 && packed_driver_stuck(l) == STUCK_LAP
               ? driver_breaks(l, why, "the driver's wrap counter flipped when the last slot was made available")
               : UNTOUCHED;
}

OWED_OR(RING_PACKED_07, VBLK_DEVICE, AT(USED))
{
    uint16_t slot;

    if (l->answer != NULL)
        return packed_answer(l) && l->q->lapped ? HELD : UNTOUCHED;
    if (idle(l) && lap_missed(l) != NULL)
        return at_slot(l, why, 0,
                       broken(why, "the lap after the last slot is the other wrap counter's",
                              "slot 0 was looked at, and the buffer of the new lap there was not seen"));
    return l->q->used_total > 0 && packed_device_stuck(l, &slot) == STUCK_LAP
               ? device_breaks(l, why, "the device's wrap counter flipped when the last slot was used", slot)
               : UNTOUCHED;
}

CHECK(RING_PACKED_08, VBLK_NOBODY, AT(OWED) | AT(AVAILABLE) | AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    static const char expected[] = "AVAIL is bit 7 of flags, USED bit 15";

    if (l->answer != NULL) {
        if (!packed_answer(l))
            return UNTOUCHED;
        return (l->answer->flags & ~(unsigned)PACKED_FLAGS) == 0
                   ? HELD
                   : doubted(why, expected, "flags 0x%04x in a used descriptor", l->answer->flags);
    }
    if (l->chain == NULL)
        return packed_driver_stuck(l) == STUCK_SWAPPED ? driver_breaks(l, why, expected) : UNTOUCHED;
    if (!packed_chain(l))
        return UNTOUCHED;
    if (!l->chain->unknown_flags)
        return HELD;
    return blame_driver(why, at_slot(l, why, l->chain->slot, doubted(why, expected, "other bits in a descriptor")));
}

OWED_OR(RING_PACKED_09, VBLK_DRIVER, AT(AVAILABLE))
{
    if (l->chain != NULL)
        return packed_chain(l) ? HELD : UNTOUCHED;
    return packed_driver_stuck(l) == STUCK_UNMARKED
               ? driver_breaks(l, why, "AVAIL like the driver's wrap counter, USED unlike it")
               : UNTOUCHED;
}

OWED_OR(RING_PACKED_10, VBLK_DEVICE, AT(USED))
{
    uint16_t slot;

    if (l->answer != NULL)
        return packed_answer(l) ? HELD : UNTOUCHED;
    return packed_device_stuck(l, &slot) == STUCK_UNMARKED
               ? device_breaks(l, why, "AVAIL and USED both like the device's wrap counter", slot)
               : UNTOUCHED;
}

/* ---- slots ---- */

OWED_OR(RING_PACKED_11, VBLK_DRIVER, AT(AVAILABLE))
{
    if (l->chain != NULL)
        return packed_chain(l) ? HELD : UNTOUCHED;
    return packed_driver_stuck(l) == STUCK_AHEAD
               ? driver_breaks(l, why, "the next descriptor in ring order, which is all that a device has to look at")
               : UNTOUCHED;
}

static enum outcome where_used(const struct look *l, struct why *why, enum stuck how, const char *expected)
{
    uint16_t slot;

    if (l->answer != NULL)
        return packed_answer(l) ? HELD : UNTOUCHED;
    return !negotiated(l->o, VBLK_F_IN_ORDER) && packed_device_stuck(l, &slot) == how
               ? device_breaks(l, why, expected, slot)
               : UNTOUCHED;
}

OWED_OR(RING_PACKED_04, VBLK_DEVICE, AT(USED))
{
    return where_used(l, why, STUCK_AHEAD, "used descriptors one after the other, from slot 0 on");
}

OWED_OR(RING_PACKED_DEV_02, VBLK_DEVICE, AT(USED))
{
    return where_used(l, why, STUCK_OWN_SLOT,
                      "used descriptors in the order of completion, wherever their buffers were made available");
}

/* What is skipped counts as used completely, so that a read that failed is better not skipped (AMB-25). */
static enum outcome batched(const struct look *l, struct why *why)
{
    const struct answer *a = l->answer;
    if (!packed_chain(l) || !negotiated(l->o, VBLK_F_IN_ORDER) || (!a->skipped && a->batch < 2))
        return UNTOUCHED;
    if (!a->skipped || l->chain->req.slot != TY_IN || a->status == VBLK_S_OK)
        return HELD;
    const char *expected = "a read that failed has a used descriptor of its own";
    enum outcome outcome = reading(l->o, VBLK_AMB_25) == 1
                               ? broken(why, expected, "id %u, status %u, was skipped", l->chain->head, a->status)
                               : doubted(why, expected, "id %u, status %u, was skipped", l->chain->head, a->status);
    return by_reading(why, VBLK_AMB_25, outcome);
}

OWED_OR(INORD_06, VBLK_DEVICE, AT(USED))
{
    uint16_t slot;

    if (l->answer != NULL)
        return batched(l, why);
    if (!negotiated(l->o, VBLK_F_IN_ORDER))
        return UNTOUCHED;
    const enum stuck how = packed_device_stuck(l, &slot);
    return how == STUCK_AHEAD || how == STUCK_OWN_SLOT
               ? device_breaks(l, why, "one used descriptor, in the slot of the batch's first buffer", slot)
               : UNTOUCHED;
}
