/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver makes available in a packed ring: 2.8.3 to 2.8.6, 2.8.13, 2.8.17, 2.8.19. */
#include "check_packed.h"

CHECK(RING_PACKED_DRV_07, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & F_LOOP) != 0)
        return at_slot(l, why, l->chain->slot,
                       broken(why, "a list of at most as many descriptors as the queue has",
                              "all %u descriptors of the ring have NEXT", l->q->size));
    return l->chain->void_ ? UNTOUCHED : HELD;
}

CHECK(RING_PACKED_DRV_08, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & F_ORDER) != 0)
        return at_slot(l, why, l->chain->slot,
                       broken(why, "readable elements, then writable ones", "a readable element after a writable one"));
    return l->chain->void_ ? UNTOUCHED : HELD;
}

ON_AVAILABLE(RING_PACKED_21, NO_SIGHT)
{
    if (!l->q->packed || l->chain->slots < 2)
        return UNTOUCHED;
    return l->chain->wrong_bits ? at_slot(l, why, l->chain->slot,
                                          broken(why, "AVAIL and USED right in each descriptor of the list",
                                                 "a later one of %u is not marked available", l->chain->slots))
                                : HELD;
}

/* ---- the order in which a list is shown ---- */

/* AT_HALF, and not for want of room: that is RING-PACKED-DRV-09's and -10's. */
static enum outcome first_last(const struct look *l, struct why *why)
{
    if (l->chain != NULL)
        return l->q->packed && l->chain->slots > 1 ? HELD : UNTOUCHED;
    if (packed_in_use(l->q, l->to))
        return UNTOUCHED;
    return at_slot(l, why, l->to, broken(why, "the first descriptor of a list made available last",
                                         "slot %u is available, slot %u of its list is not yet", l->from, l->to));
}

CHECK(RING_PACKED_20, VBLK_DRIVER, AT(HALF) | AT(AVAILABLE), ANY_TYPE, ANY_PLACE, VBLK_SEES_DRIVER_STORES)
{
    return first_last(l, why);
}

CHECK(RING_PACKED_DRV_11, VBLK_DRIVER, AT(HALF) | AT(AVAILABLE), ANY_TYPE, ANY_PLACE, VBLK_SEES_DRIVER_STORES)
{
    return first_last(l, why);
}

static enum outcome half_for_want_of_room(const struct look *l, struct why *why, const char *expected)
{
    if (!packed_in_use(l->q, l->to))
        return UNTOUCHED;
    return at_slot(l, why, l->to, broken(why, expected, "slot %u is available, slot %u of its list is with the device",
                                         l->from, l->to));
}

CHECK(RING_PACKED_DRV_09, VBLK_DRIVER, AT(HALF) | AT(AVAILABLE), ANY_TYPE, ANY_PLACE, VBLK_SEES_DRIVER_STORES)
{
    if (l->chain == NULL)
        return half_for_want_of_room(l, why, "a list that does not wait for the device to use others");
    return packed_chain(l) && l->chain->slots > 1 ? HELD : UNTOUCHED;
}

CHECK(RING_PACKED_DRV_10, VBLK_DRIVER, AT(HALF) | AT(AVAILABLE) | AT(SLIP), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    static const char expected[] = "free slots for the whole list before its first descriptor is available";

    if (slipped(l, SLIP_OVERRUN))
        return at_slot(l, why, l->from,
                       broken(why, expected, "slot %u made available while it is with the device", l->from));
    if (l->len != 0 || !l->q->packed)
        return UNTOUCHED;
    if (l->chain != NULL) {
        if ((l->chain->faults & F_NO_ROOM) == 0)
            return l->chain->void_ ? UNTOUCHED : HELD;
        return at_slot(l, why, l->q->avail_idx,
                       broken(why, expected, "slot %u begins one that does not fit, %u of %u taken", l->q->avail_idx,
                              l->q->in_use, l->q->size));
    }
    return half_for_want_of_room(l, why, expected);
}

ON_AVAILABLE(RING_PACKED_30, NO_SIGHT)
{
    if (!packed_chain(l))
        return UNTOUCHED;
    return noted(why, l->chain->slots > 1 ? "several descriptors for a request" : "one descriptor for a request");
}

/* ---- what lists are made of ---- */

static enum outcome within_limit(const struct look *l, struct why *why, bool table)
{
    if (!packed_chain(l) || (l->chain->link != NO_OWNER) != table || !negotiated(l->o, VBLK_F_SEG_MAX))
        return UNTOUCHED;
    if ((l->chain->faults & F_SEG_MAX) == 0)
        return HELD;
    enum outcome outcome = doubted(why, "a list as long as seg_max allows", "%u descriptors, %u of them with data",
                                   l->chain->count, l->chain->req.data_pieces);
    return at_slot(l, why, l->chain->slot, by_reading(why, VBLK_AMB_32, outcome));
}

ON_AVAILABLE(RING_PACKED_DRV_06, NO_SIGHT)
{
    return within_limit(l, why, false);
}

ON_AVAILABLE(RING_IND_DRV_08, NO_SIGHT)
{
    return within_limit(l, why, true);
}

ON_AVAILABLE(RING_PACKED_17, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!l->q->packed || !negotiated(l->o, VBLK_F_INDIRECT_DESC))
        return UNTOUCHED;
    if (c->mixed)
        return at_slot(l, why, c->slot, broken(why, "a list of descriptors of one kind",
                                               "a list of %u, one of which is INDIRECT", c->slots));
    return c->void_ || (c->slots < 2 && c->link == NO_OWNER) ? UNTOUCHED : HELD;
}

/* The list at the next slot could not be taken because of its id: another of its descriptors has one that is free. */
static bool id_elsewhere(const struct queue *q, uint16_t id)
{
    uint16_t slot = q->avail_idx;
    for (uint32_t i = 0; i < q->size && (vblk_get16(q->ring[slot].flags) & VBLK_DESC_NEXT) != 0; i++) {
        const uint16_t other = vblk_get16(q->ring[slot].id);
        if (other != id && q->by_id[other] == 0)
            return true;
        slot = packed_after(q, slot, 1);
    }
    return false;
}

ON_AVAILABLE(RING_PACKED_19, NO_SIGHT)
{
    if (!l->q->packed)
        return UNTOUCHED;
    if ((l->chain->faults & F_REUSED) != 0 && id_elsewhere(l->q, l->chain->head))
        return at_slot(l, why, l->q->avail_idx,
                       broken(why, "the buffer's id in the last descriptor of its list",
                              "the last one's id %u is with the device, an earlier one's is not", l->chain->head));
    return !l->chain->void_ && l->chain->slots > 1 ? HELD : UNTOUCHED;
}

/* The header in what is marked writable, and what would be the status byte is not: WRITE the wrong way round. */
static bool inverted(const struct look *l)
{
    const struct piece *first = chain_first(l->q, l->chain), *last = first;
    struct vblk_request_header header;

    if (first == NULL || (first->flags & VBLK_DESC_WRITE) == 0 || first->len < sizeof(header) ||
        vblk_memory_peek(l->o->mem, first->gpa, &header, sizeof(header)) != VBLK_OK)
        return false;
    while (last->after != NULL)
        last = last->after;
    return last->len == 1 && (last->flags & VBLK_DESC_WRITE) == 0 && vblk_get32(header.reserved) == 0 &&
           vblk_type_name(&l->o->opt.profile, vblk_get32(header.type)) != NULL;
}

ON_AVAILABLE(RING_PACKED_13, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!l->q->packed || c->count < 2)
        return UNTOUCHED;
    if (inverted(l))
        return at_slot(l, why, c->slot, broken(why, "WRITE in the descriptors that the device writes, and no others",
                                               "the header is marked writable, the last byte is not"));
    return !c->void_ && c->first_writable > 0 && c->first_writable < c->count ? HELD : UNTOUCHED;
}

/* RING-PACKED-27 for the driver whose buffers are none: check_packed_place.c. */
CHECK(RING_PACKED_27, VBLK_NOBODY, AT(AVAILABLE) | AT(USED_BAD) | AT(OWED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    static const char expected[] = "addr at 0, len at 8, id at 12 and flags at 14, little-endian";

    if (l->q == NULL || !l->q->packed)
        return UNTOUCHED;
    if (packed_driver_stuck(l) == STUCK_SHIFTED)
        return blame_driver(why, at_slot(l, why, l->q->avail_idx, broken(why, expected, "flags where the id belongs")));
    if (l->answer != NULL)
        return l->q->by_id[__builtin_bswap16((uint16_t)l->answer->id)] == 0 || l->q->lost
                   ? UNTOUCHED
                   : at_slot(l, why, l->answer->slot,
                             broken(why, expected, "id 0x%04x, which is with the device only if read as big-endian",
                                    l->answer->id));
    if (l->chain == NULL)
        return UNTOUCHED;
    if ((l->chain->faults & F_SWAPPED) != 0)
        return blame_driver(why, at_slot(l, why, l->chain->slot,
                                         broken(why, expected,
                                                "a descriptor names memory only if it is read as big-endian")));
    return l->chain->void_ || l->chain->count == 0 ? UNTOUCHED : HELD;
}
