/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device does with the buffers of a packed ring: 2.8.3 to 2.8.6, 2.8.15, 2.8.18. */
#include "check_packed.h"

static bool something_written(const struct look *l)
{
    const struct chain *c = l->chain;
    if (sees(l->o, VBLK_SEES_DEVICE_STORES))
        return c->written.count > 0 || c->written.overflow;
    return (c->faults & F_NO_STATUS) == 0 && l->answer->status != c->req.status_before;
}

/* Drivers that are about today read the length whatever WRITE says. */
ON_USED(RING_PACKED_14, NO_SIGHT)
{
    static const char expected[] = "WRITE in the used descriptor if something was written, and only then";
    const bool marked = l->answer->len_known;

    if (!packed_answer(l))
        return UNTOUCHED;
    if (something_written(l))
        return marked ? HELD
                      : deployed(why, at_slot(l, why, l->answer->slot,
                                              broken(why, expected, "WRITE is clear, status %u was written",
                                                     l->answer->status)));
    if (!sees(l->o, VBLK_SEES_DEVICE_STORES))
        return UNTOUCHED;
    return marked ? at_slot(l, why, l->answer->slot, broken(why, expected, "WRITE is set, nothing was written")) : HELD;
}

/* A failed request may claim the whole writable length: AMB-14. */
static enum outcome more_than_written(const struct look *l, struct why *why)
{
    const struct answer *a = l->answer;
    enum outcome outcome = broken(why, "the number of bytes initialised",
                                  "length %u, %llu bytes written from the start", a->len,
                                  (unsigned long long)a->prefix);
    if (a->status == VBLK_S_OK || a->len != l->chain->req.writable)
        return outcome;
    if (l->chain->req.slot == TY_IN && reading(l->o, VBLK_AMB_14) == 0)
        return by_reading(why, VBLK_AMB_14, HELD);
    return by_reading(why, VBLK_AMB_14, deployed(why, outcome));
}

ON_USED(RING_PACKED_15, NO_SIGHT)
{
    const struct answer *a = l->answer;
    const struct request *r = &l->chain->req;

    if (!packed_answer(l) || !a->len_known || a->len > r->writable)
        return UNTOUCHED; /* past the buffer: VQ-02 */
    if (a->prefix_known && a->len > a->prefix)
        return more_than_written(l, why);
    if ((l->chain->faults & ~(uint32_t)F_HARMLESS) != 0 || a->status != VBLK_S_OK)
        return UNTOUCHED;
    if (r->slot == TY_PROVISION && a->len == 0)
        return UNTOUCHED; /* noted: PROV-REQ-13, AMB-14 */
    return a->len == r->writable ? HELD
                                 : doubted(why, "the number of bytes initialised",
                                           "length %u after %llu bytes were written", a->len,
                                           (unsigned long long)r->writable);
}

ON_USED(RING_PACKED_18, NO_SIGHT)
{
    if (!packed_answer(l) || l->chain->slots != l->q->size || l->q->size < 2)
        return UNTOUCHED;
    return noted(why, l->answer->status == VBLK_S_OK ? "a list as long as the queue is served"
                                                     : "a list as long as the queue is refused");
}

/* More data descriptors than seg_max, or as many as the queue has: what a limit may be about. */
ON_USED(RING_PACKED_DEV_09, NO_SIGHT)
{
    const struct chain *c = l->chain;
    const bool longest = (c->faults & F_SEG_MAX) != 0 || (c->slots == l->q->size && c->slots > 1);

    if (!packed_answer(l) || !longest)
        return UNTOUCHED;
    return noted(why, l->answer->status == VBLK_S_OK ? "no limit met" : "a long list is refused");
}

ON_USED(RING_PACKED_31, NO_SIGHT)
{
    if (!packed_answer(l))
        return UNTOUCHED;
    return noted(why, l->q->since_kick > 0 ? "processed before the notification" : "processed after the notification");
}

CHECK(RING_PACKED_DEV_04, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(READABLE), NO_SIGHT)
{
    if (l->q == NULL || !l->q->packed)
        return UNTOUCHED;
    if (l->answer == NULL) {
        if (l->place != IN_READABLE || led_astray(l) || (l->chain != NULL && (l->chain->faults & F_OVERLAP) != 0))
            return UNTOUCHED;
        enum outcome outcome = broken(why, "no store into a readable buffer", "%llu bytes changed",
                                      (unsigned long long)l->len);
        point_at(why, l->at);
        return outcome;
    }
    if (l->chain->void_ || l->chain->req.readable == 0)
        return UNTOUCHED;
    if (!l->answer->readable_changed)
        return HELD;
    enum outcome outcome = broken(why, "device-readable bytes as the driver wrote them", "they changed");
    point_at(why, l->answer->changed_at);
    return outcome;
}

CHECK(RING_PACKED_DEV_05, VBLK_DEVICE, AT(LOAD) | AT(USED), ANY_TYPE, PLACE(WRITABLE), VBLK_SEES_DEVICE_LOADS)
{
    if (!l->q->packed)
        return UNTOUCHED;
    if (l->answer != NULL)
        return l->chain->void_ || l->chain->req.writable == 0 ? UNTOUCHED : HELD;
    if (l->o->abuse == ABUSED)
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no load from a device-writable buffer", "%llu bytes were loaded",
                                  (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

/* Of the data that a read returned, in a list of several elements with data. */
ON_USED(RING_PACKED_DEV_08, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (!packed_answer(l) || c->link != NO_OWNER || c->req.data_pieces < 2)
        return UNTOUCHED;
    if (l->answer->reversed)
        return at_slot(l, why, c->slot, broken(why, "the elements of a list used in their order",
                                               "the data of %u elements lie in reverse", c->req.data_pieces));
    return l->answer->read.compared && !l->answer->read.bad ? HELD : UNTOUCHED;
}
