/* SPDX-License-Identifier: BSD-3-Clause */
/* What both sides may store into a packed ring, and when: 2.8.2, 2.8.6, 2.8.15, 2.8.16, 2.8.20, 2.8.22. */
#include "check_packed.h"

#define SLIP_OR(token, guilty, moments, sight) CHECK(token, guilty, AT(SLIP) | (moments), ANY_TYPE, ANY_PLACE, sight)

/* ---- the driver ---- */

SLIP_OR(RING_PACKED_DRV_02, VBLK_DRIVER, AT(AVAILABLE), VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    if (slipped(l, SLIP_UNSEEN))
        return at_slot(l, why, l->from, broken(why, "a look at USED before a descriptor is changed",
                                               "slot %u was used, and stored to without a look", l->from));
    return l->len == 0 && packed_chain(l) && l->q->lapped ? HELD : UNTOUCHED;
}

SLIP_OR(RING_PACKED_DRV_03, VBLK_DRIVER, AT(USED), VBLK_SEES_DRIVER_STORES)
{
    if (slipped(l, SLIP_OWNED) || slipped(l, SLIP_LATE))
        return at_slot(l, why, l->from, broken(why, "no change to a descriptor that is with the device",
                                               "the driver stored into slot %u", l->from));
    return l->len == 0 && packed_answer(l) ? HELD : UNTOUCHED;
}

SLIP_OR(RING_PACKED_29, VBLK_DRIVER, AT(AVAILABLE), VBLK_SEES_DRIVER_STORES)
{
    if (slipped(l, SLIP_LATE))
        return at_slot(l, why, l->from, broken(why, "addr, len and id, a barrier, then flags",
                                               "slot %u was available before it was filled", l->from));
    return l->len == 0 && packed_chain(l) ? HELD : UNTOUCHED;
}

ON_AVAILABLE(RING_PACKED_DRV_12, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    if (!packed_chain(l))
        return UNTOUCHED;
    return l->chain->unfenced ? at_slot(l, why, l->chain->slot,
                                        broken(why, "a barrier before the flags that make a buffer available",
                                               "nothing between them and the descriptors that they show"))
                              : HELD;
}

/* 2.8.21.1: what was made available must be visible before the device's wish is looked at. */
CHECK(NOTIF_PACKED_DRV_01, VBLK_DRIVER, AT(LOAD), 0, PLACE(DEVICE_EVENT),
      VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    const struct queue *q = l->q;
    if (!q->enabled || q->idx_stored == 0 || l->ev->order == VBLK_FULL ||
        notices_of(l->o, q)->way[VBLK_DRIVER].sent > q->idx_stored)
        return UNTOUCHED;
    if (l->o->full_barriers[VBLK_DRIVER] > q->idx_stored)
        return HELD;
    enum outcome outcome = broken(why, "a full barrier between the flags and what suppresses notifications",
                                  "loaded without one");
    point_at(why, l->at);
    return outcome;
}

/* ---- the device ---- */

SLIP_OR(RING_PACKED_DEV_01, VBLK_DEVICE, AT(USED), VBLK_SEES_DEVICE_LOADS)
{
    if (slipped(l, SLIP_ORDER))
        return at_slot(l, why, l->from, broken(why, "buffers begun with in ring order",
                                               "slot %u was loaded before an older buffer's", l->from));
    return l->len == 0 && packed_chain(l) && l->chain->begun ? HELD : UNTOUCHED;
}

ON_USED(RING_PACKED_DEV_03, VBLK_SEES_DEVICE_STORES)
{
    if (!packed_answer(l))
        return UNTOUCHED;
    return noted(why, l->answer->overtook ? "marked before an older one" : "marked in ring order");
}

/* ids of a list's earlier descriptors mean nothing. */
static bool id_of_another_descriptor(const struct queue *q, uint16_t id)
{
    for (uint32_t i = 0; i < q->size; i++) {
        const struct chain *c = &q->chains[i];
        if (!c->outstanding)
            continue;
        for (uint16_t k = 0; k + 1u < c->slots; k++)
            if (vblk_get16(q->ring[packed_after(q, c->slot, k)].id) == id)
                return true;
    }
    return false;
}

static bool swapped_id(const struct look *l)
{
    return l->q->by_id[__builtin_bswap16((uint16_t)l->answer->id)] != 0;
}

static enum outcome bad_id(const struct look *l, struct why *why, const char *expected)
{
    return at_slot(l, why, l->answer->slot,
                   broken(why, expected, "id %u is of no buffer with the device", l->answer->id));
}

static enum outcome skips(const struct look *l, struct why *why, bool batch)
{
    if (!slipped(l, SLIP_SKIPPED) || l->q->from_batch != batch)
        return UNTOUCHED;
    return at_slot(l, why, l->from, broken(why, "one used descriptor, and the others skipped",
                                           "slot %u stored to, the last %u slots were used as one", l->from,
                                           l->q->skipped));
}

SLIP_OR(RING_PACKED_12, VBLK_DEVICE, AT(USED) | AT(USED_BAD), NO_SIGHT)
{
    if (l->len != 0)
        return skips(l, why, true);
    if (l->chain == NULL)
        return l->q->packed && !l->q->lost && !swapped_id(l) && id_of_another_descriptor(l->q, (uint16_t)l->answer->id)
                   ? bad_id(l, why, "the id of the list's last descriptor")
                   : UNTOUCHED;
    return packed_answer(l) && (l->chain->slots > 1 || l->answer->batch > 1) ? HELD : UNTOUCHED;
}

SLIP_OR(RING_PACKED_22, VBLK_DEVICE, AT(USED), NO_SIGHT)
{
    if (l->len != 0)
        return skips(l, why, false);
    return packed_answer(l) && l->chain->slots > 1 && l->answer->batch == 1 ? HELD : UNTOUCHED;
}

SLIP_OR(RING_PACKED_DEV_06, VBLK_DEVICE, AT(USED) | AT(USED_BAD), NO_SIGHT)
{
    if (slipped(l, SLIP_FREE))
        return at_slot(l, why, l->from, broken(why, "only descriptors used that were made available",
                                               "slot %u, which was not, stored to", l->from));
    if (l->len != 0)
        return UNTOUCHED;
    if (l->chain == NULL)
        return !l->q->packed || l->q->lost || swapped_id(l) ||
                       id_of_another_descriptor(l->q, (uint16_t)l->answer->id)
                   ? UNTOUCHED
                   : bad_id(l, why, "only buffers used that were made available");
    return packed_answer(l) ? HELD : UNTOUCHED;
}

SLIP_OR(RING_PACKED_DEV_07, VBLK_DEVICE, AT(USED), NO_SIGHT)
{
    if (slipped(l, SLIP_REWRITTEN))
        return at_slot(l, why, l->from, broken(why, "no change to a descriptor after it was marked used",
                                               "slot %u stored to again", l->from));
    return l->len == 0 && packed_answer(l) ? HELD : UNTOUCHED;
}
