/* SPDX-License-Identifier: BSD-3-Clause */
/* IN_ORDER on split rings: 2.7.5, 2.7.12, and the feature itself (6). */
#include "judge.h"

static bool in_order(const struct look *l)
{
    return !l->q->packed && negotiated(l->o, VBLK_F_IN_ORDER);
}

CHECK(RSVF_DEV_05, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!negotiated(l->o, VBLK_F_IN_ORDER) || l->chain->void_ || l->answer->skipped)
        return UNTOUCHED;
    return l->answer->out_of_order ? broken(why, "buffers used in the order in which they were made available",
                                            "buffer %u used before an older one", l->answer->id)
                                   : HELD;
}

CHECK(RING_SPLIT_09, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!in_order(l) || l->chain->void_)
        return UNTOUCHED;
    if (l->chain->head == l->q->next_desc)
        return HELD;
    enum outcome outcome = broken(why, "descriptors in ring order from 0 on", "head %u where %u comes next",
                                  l->chain->head, l->q->next_desc);
    point_at(why, l->q->desc + 16u * (uint64_t)l->chain->head);
    return outcome;
}

CHECK(RING_SPLIT_DRV_04, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (!in_order(l) || l->chain->void_ || l->chain->direct + (l->chain->link != NO_OWNER) < 2)
        return UNTOUCHED;
    return l->chain->unordered ? broken(why, "next one more than the descriptor's index, or 0 at the end",
                                        "another next in the chain of head %u", l->chain->head)
                               : HELD;
}

static enum outcome table_order(const struct look *l, struct why *why, const char *expected)
{
    if (!in_order(l) || l->chain->void_ || l->chain->link == NO_OWNER || l->chain->count < l->chain->direct + 2)
        return UNTOUCHED;
    if (!l->chain->table_unordered)
        return HELD;
    enum outcome outcome = broken(why, expected, "another next in the table of head %u", l->chain->head);
    point_at(why, l->chain->indirect);
    return outcome;
}

CHECK(RING_IND_04, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    return table_order(l, why, "entries of a table used one after the other");
}

CHECK(RING_IND_DRV_05, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    return table_order(l, why, "next 1 in the first entry, 2 in the second …");
}

/* What is skipped counts as used completely, so that a read that failed is better not skipped (AMB-25). */
CHECK(INORD_01, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct answer *a = l->answer;
    if (!in_order(l) || l->chain->void_ || (!a->skipped && a->batch < 2))
        return UNTOUCHED;
    if (!a->skipped || l->chain->req.slot != TY_IN || a->status == VBLK_S_OK)
        return HELD;
    const char *expected = "a read that failed has an element of its own";
    enum outcome outcome = reading(l->o, VBLK_AMB_25) == 1
                               ? broken(why, expected, "head %u, status %u, was skipped", l->chain->head, a->status)
                               : doubted(why, expected, "head %u, status %u, was skipped", l->chain->head, a->status);
    return by_reading(why, VBLK_AMB_25, outcome);
}

CHECK(INORD_02, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct answer *a = l->answer;
    if (!in_order(l) || a->skipped || a->batch < 2)
        return UNTOUCHED;
    return a->advance >= a->batch ? HELD
                                  : broken(why, "used idx grows by the number of buffers in the batch",
                                           "by %u for a batch of %u", a->advance, a->batch);
}

CHECK(INORD_03, VBLK_DEVICE, AT(USED) | AT(USED_IDX), ANY_TYPE, ANY_PLACE, VBLK_SEES_DEVICE_STORES)
{
    const struct queue *q = l->q;
    if (!in_order(l) || q->lost)
        return UNTOUCHED;
    if (l->answer != NULL)
        return !l->answer->skipped && l->answer->batch > 1 ? HELD : UNTOUCHED;
    return element_misplaced(l) ? broken(why, "the element at the slot of the first buffer of the batch",
                                         "used idx went from %u to %u, slot %u was not stored", l->from, l->to,
                                         l->from & (q->size - 1u))
                                : UNTOUCHED;
}
