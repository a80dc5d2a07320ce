/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of the packed ring: 2.8. */
#include "judge.h"

static enum outcome at_slot(const struct look *l, struct why *why, uint16_t slot, enum outcome outcome)
{
    point_at(why, l->q->desc + 16u * (uint64_t)slot);
    return outcome;
}

CHECK(RING_PACKED_DRV_01, VBLK_DRIVER, AT(QUEUE_ENABLE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    if (!negotiated(l->o, VBLK_F_RING_PACKED))
        return UNTOUCHED;
    if (q->desc % 16 == 0 && q->driver % 4 == 0 && q->device % 4 == 0)
        return HELD;
    return broken(why, "descriptor ring on 16 bytes, event suppression structures on 4",
                  "ring 0x%llx, driver area 0x%llx, device area 0x%llx", (unsigned long long)q->desc,
                  (unsigned long long)q->driver, (unsigned long long)q->device);
}

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

CHECK(RING_PACKED_21, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!l->q->packed || l->chain->slots < 2)
        return UNTOUCHED;
    return l->chain->wrong_bits ? at_slot(l, why, l->chain->slot,
                                          broken(why, "AVAIL and USED right in each descriptor of the list",
                                                 "a later one of %u is not marked available", l->chain->slots))
                                : HELD;
}

CHECK(RING_PACKED_DRV_11, VBLK_DRIVER, AT(HALF) | AT(AVAILABLE), ANY_TYPE, ANY_PLACE, VBLK_SEES_DRIVER_STORES)
{
    if (l->chain != NULL)
        return l->q->packed && l->chain->slots > 1 ? HELD : UNTOUCHED;
    return at_slot(l, why, l->to, broken(why, "the first descriptor of a list made available last",
                                         "slot %u is available, slot %u of its list is not yet", l->from, l->to));
}
