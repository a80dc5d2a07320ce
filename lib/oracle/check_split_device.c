/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of the split ring: 2.6, 2.7.5, 2.7.8. */
#include "judge.h"

static enum outcome at_store(const struct look *l, struct why *why, const char *expected, const char *where)
{
    enum outcome outcome = broken(why, expected, "%llu bytes changed in %s", (unsigned long long)l->len, where);
    point_at(why, l->at);
    return outcome;
}

CHECK(VQ_01, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (l->ev->reg != VBLK_REG_NUM_QUEUES || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    return l->ev->value <= VBLK_QUEUES_MAX
               ? HELD
               : broken(why, "at most 65536 queues", "%llu queues", (unsigned long long)l->ev->value);
}

CHECK(VQ_02, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || l->answer->skipped || !l->answer->len_known)
        return UNTOUCHED;
    return l->answer->len <= l->chain->req.writable
               ? HELD
               : broken(why, "a used length of at most the writable bytes of the buffer", "length %u of %llu bytes",
                        l->answer->len, (unsigned long long)l->chain->req.writable);
}

CHECK(VQ_03, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->outstanding < 2 || negotiated(l->o, VBLK_F_IN_ORDER))
        return UNTOUCHED;
    for (const struct chain *c = l->chain->older; c != NULL; c = c->older)
        if (c->queue == l->chain->queue)
            return noted(why, "used out of available order");
    return noted(why, "used in available order");
}

CHECK(VQ_04, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (l->ev->reg != VBLK_REG_QUEUE_MAX || l->ev->queue != 0 || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    return l->ev->value > 0 ? HELD : broken(why, "a queue in one format or both", "queue 0 is not available");
}

CHECK(RING_SPLIT_03, VBLK_NOBODY, AT(STORE) | AT(STRAY), 0, SPLIT_PLACES, NO_SIGHT)
{
    bool drivers = l->place == IN_DESC_TABLE || l->place == IN_AVAIL_RING || l->place == IN_AVAIL_IDX;
    if (l->q == NULL || l->q->packed || !l->q->enabled || !l->o->ctl.live)
        return UNTOUCHED;
    if (drivers == (l->party == VBLK_DRIVER))
        return HELD;
    if (led_astray(l))
        return UNTOUCHED;
    return at_store(l, why, "table and available ring are the driver's, the used ring is the device's",
                    drivers ? "the driver's part" : "the device's part");
}

/* A device that follows next without NEXT loads a descriptor of no outstanding chain. */
CHECK(RING_SPLIT_07, VBLK_DEVICE, AT(LOAD) | AT(USED), ANY_TYPE, PLACE(DESC_TABLE), VBLK_SEES_DEVICE_LOADS)
{
    if (l->q->packed)
        return UNTOUCHED;
    if (l->answer != NULL) {
        for (const struct piece *p = chain_first(l->q, l->chain); p != NULL; p = chain_after(l->q, l->chain, p))
            if ((p->flags & VBLK_DESC_NEXT) == 0 && p->next != 0)
                return HELD;
        return UNTOUCHED;
    }
    uint64_t index = (l->at - l->q->desc) / 16;
    const struct chain *c = l->q->current;
    if (c == NULL || c->void_ || l->q->table[index].owner != NO_OWNER)
        return UNTOUCHED;
    for (const struct piece *p = chain_first(l->q, c); p != NULL && p->pos < c->direct; p = chain_after(l->q, c, p))
        if ((p->flags & VBLK_DESC_NEXT) == 0 && p->next == index)
            return at_store(l, why, "next is not followed without NEXT", "… were loaded from the descriptor it names");
    return UNTOUCHED;
}

CHECK(RING_SPLIT_DEV_01, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(READABLE), NO_SIGHT)
{
    if (l->q == NULL || l->q->packed)
        return UNTOUCHED;
    if (l->answer == NULL) /* a difference found later is filed under every place */
        return l->place != IN_READABLE || led_astray(l)
                   ? UNTOUCHED
                                       : at_store(l, why, "no store into a readable buffer", "a readable buffer");
    if (l->chain->void_ || l->chain->req.readable == 0)
        return UNTOUCHED;
    if (!l->answer->readable_changed)
        return HELD;
    enum outcome outcome = broken(why, "device-readable bytes as the driver wrote them", "they changed");
    point_at(why, l->answer->changed_at);
    return outcome;
}

CHECK(RING_SPLIT_DEV_02, VBLK_DEVICE, AT(LOAD) | AT(USED), ANY_TYPE, PLACE(WRITABLE), VBLK_SEES_DEVICE_LOADS)
{
    if (l->q->packed)
        return UNTOUCHED;
    if (l->answer != NULL)
        return l->chain->void_ || l->chain->req.writable == 0 ? UNTOUCHED : HELD;
    if (led_astray(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no load from a device-writable buffer", "%llu bytes were loaded",
                                  (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

CHECK(RING_SPLIT_DEV_03, VBLK_DEVICE, AT(LOAD), 0, PLACE(WRITABLE), VBLK_SEES_DEVICE_LOADS)
{
    if (l->q->packed)
        return UNTOUCHED;
    return l->place == IN_WRITABLE && !chain_unclear(l->chain) ? noted(why, "reads a device-writable buffer") : UNTOUCHED;
}

CHECK(RING_SPLIT_DEV_04, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE,
      PLACE(DESC_TABLE) | PLACE(INDIRECT), NO_SIGHT)
{
    if (l->q == NULL || l->q->packed)
        return UNTOUCHED;
    if (l->answer == NULL && l->place == IN_INDIRECT && (l->chain->link_flags & VBLK_DESC_WRITE) != 0)
        return UNTOUCHED; /* RING-IND-DEV-01 */
    if (l->answer == NULL)
        return (l->place != IN_DESC_TABLE && l->place != IN_INDIRECT) || led_astray(l)
                   ? UNTOUCHED
                   : at_store(l, why, "no store into a table",
                              l->place == IN_INDIRECT ? "an indirect table" : "the descriptor table");
    if (l->chain->void_)
        return UNTOUCHED;
    if (!l->answer->table_changed)
        return HELD;
    enum outcome outcome = broken(why, "descriptors as the driver wrote them", "a descriptor changed");
    point_at(why, l->answer->changed_at);
    return outcome;
}

CHECK(RING_SPLIT_11, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, AVAIL_PLACES, NO_SIGHT)
{
    if (l->q == NULL || l->q->packed)
        return UNTOUCHED;
    if (l->answer != NULL)
        return HELD;
    return (l->place != IN_AVAIL_RING && l->place != IN_AVAIL_IDX) || led_astray(l)
               ? UNTOUCHED
               : at_store(l, why, "the available ring is written by the driver alone", "the available ring");
}

/* The used elements, at the time of a store there: the index of the event lies behind them, where it was negotiated. */
static enum outcome behind_used(const struct look *l, struct why *why)
{
    const uint64_t event = l->q->device + 4 + 8u * (uint64_t)l->q->size;

    if (negotiated(l->o, VBLK_F_EVENT_IDX) || l->q->packed || !l->q->enabled || l->at > event || event - l->at >= l->len)
        return UNTOUCHED;
    return at_store(l, why, "no avail_event where EVENT_IDX was not negotiated", "the bytes behind the used ring");
}

CHECK(RING_SPLIT_13, VBLK_DEVICE, AT(USED_IDX) | AT(STORE), 0, PLACE(USED_RING), NO_SIGHT)
{
    vblk_le16 flags;
    if (l->place_known)
        return l->party == VBLK_DEVICE && l->q != NULL ? behind_used(l, why) : UNTOUCHED;
    if (vblk_memory_peek(l->o->mem, l->q->device, &flags, sizeof(flags)) != VBLK_OK)
        return UNTOUCHED;
    if (vblk_get16(flags) <= VBLK_USED_NO_NOTIFY)
        return HELD;
    enum outcome outcome = doubted(why, "used flags 0 or NO_NOTIFY", "flags 0x%x", vblk_get16(flags));
    point_at(why, l->q->device);
    return outcome;
}

CHECK(RING_SPLIT_15, VBLK_DEVICE, AT(USED) | AT(USED_BAD), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    if (l->chain != NULL)
        return HELD;
    if (l->q->lost)
        return UNTOUCHED; /* what is outstanding can't be told */
    enum outcome outcome = broken(why, "the head of a chain that is with the device", "id %u is not outstanding",
                                  l->answer->id);
    point_at(why, l->q->device + 4 + 8u * (uint64_t)l->answer->slot);
    return outcome;
}

/* Less than was written is lawful (2.7.8.2) but hides data from a driver that trusts it. */
CHECK(RING_SPLIT_16, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    const struct request *r = &l->chain->req;
    bool honest_known = (l->chain->faults & ~(uint32_t)F_HARMLESS) == 0 && l->answer->status == VBLK_S_OK;

    if (l->chain->void_ || l->answer->skipped || !honest_known || l->answer->len > r->writable)
        return UNTOUCHED;
    if (r->slot == TY_PROVISION && l->answer->len == 0)
        return UNTOUCHED; /* noted: PROV-REQ-13, AMB-14 */
    return l->answer->len == r->writable
               ? HELD
               : doubted(why, "the number of bytes written", "length %u after %llu bytes were written", l->answer->len,
                         (unsigned long long)r->writable);
}

CHECK(RING_SPLIT_17, VBLK_DEVICE, AT(USED_IDX), 0, ANY_PLACE, NO_SIGHT)
{
    uint16_t step = (uint16_t)(l->to - l->from);
    if (l->q->lost)
        return UNTOUCHED;
    if (step <= l->q->outstanding)
        return HELD;
    if (not_yet_afresh(l))
        return UNTOUCHED; /* QRESET-DEV-03 */
    enum outcome outcome = broken(why, "used idx grows by the number of buffers used",
                                  "idx went from %u to %u with %u buffers outstanding", l->from, l->to,
                                  l->q->outstanding);
    point_at(why, l->q->device + 2);
    return outcome;
}

CHECK(RING_SPLIT_DEV_05, VBLK_DEVICE, AT(USED_IDX) | AT(STORE), 0, PLACE(USED_ELEM), VBLK_SEES_DEVICE_STORES)
{
    const struct queue *q = l->q;

    if (!l->place_known) {
        if ((uint16_t)(l->to - l->from) > q->outstanding || q->lost)
            return UNTOUCHED; /* RING-SPLIT-17 */
        if (negotiated(l->o, VBLK_F_IN_ORDER) && element_misplaced(l))
            return UNTOUCHED; /* INORD-03 */
        for (uint16_t i = l->from; i != l->to && (i == l->from || !negotiated(l->o, VBLK_F_IN_ORDER)); i++)
            if (q->elem_fresh[i & (q->size - 1u)] == 0)
                return broken(why, "id and len stored before used idx passes the element",
                              "idx %u was published, element %u was not yet stored", l->to, i & (q->size - 1u));
        return HELD;
    }
    /* elements may be stored ahead of idx, as many as are outstanding; others were handed over already */
    uint16_t slot = (uint16_t)((l->at - q->device - 4) / 8);
    uint16_t ahead = (uint16_t)((slot - q->used_idx) & (q->size - 1u));
    if (!q->enabled || q->lost || ahead < q->outstanding || ahead == 0 || not_yet_afresh(l))
        return UNTOUCHED;
    return at_store(l, why, "no store into an element that used idx has passed", "a published element");
}

/* A failed request may claim the whole writable length: AMB-14. */
static enum outcome judge_prefix(const struct look *l, struct why *why)
{
    const struct answer *a = l->answer;
    enum outcome outcome;

    if (a->len <= a->prefix)
        return HELD;
    outcome = broken(why, "the first len bytes written before used idx is advanced",
                     "length %u, %llu bytes written from the start", a->len, (unsigned long long)a->prefix);
    if (a->status == VBLK_S_OK || a->len != l->chain->req.writable)
        return outcome;
    if (l->chain->req.slot == TY_IN && reading(l->o, VBLK_AMB_14) == 0)
        return by_reading(why, VBLK_AMB_14, HELD);
    return by_reading(why, VBLK_AMB_14, deployed(why, outcome));
}

CHECK(RING_SPLIT_DEV_06, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, VBLK_SEES_DEVICE_STORES)
{
    if (l->q->packed)
        return UNTOUCHED;
    const struct answer *a = l->answer;
    if (l->chain->void_ || a->skipped || !a->prefix_known || a->len > l->chain->req.writable)
        return UNTOUCHED; /* past the buffer: VQ-02 */
    return judge_prefix(l, why);
}

CHECK(RING_SPLIT_DEV_07, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, VBLK_SEES_DEVICE_STORES)
{
    if (l->q->packed)
        return UNTOUCHED;
    const struct answer *a = l->answer;
    if (l->chain->void_ || a->skipped || !a->prefix_known)
        return UNTOUCHED;
    return noted(why, a->prefix > a->len ? "wrote more than len" : "wrote no more than len");
}

CHECK(SUPPLY_08, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->q->packed)
        return UNTOUCHED;
    return noted(why, l->q->since_kick > 0 ? "processed before the notification" : "processed after the notification");
}
