/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What PROVISION leaves alone: data, segments, other bytes, the configuration, order. And how it is answered, whatever
 * the status.
 */
#include "check_provision.h"

#define PROVISIONED (CAUSE(PROVISION) | CAUSE(PROVISION_UNMAP) | CAUSE(PROVISION_REFUSED) | CAUSE(PROVISION_BESIDE))

/* ---- data; l->answer is that of a read ---- */

static bool was_written(const struct look *l)
{
    return !l->answer->read.bad || !l->answer->read.bad_never_written;
}

CHECK(PROV_DEV_08, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    if (!was_written(l))
        return UNTOUCHED; /* PROV-DEV-10 */
    return judge_data(l, why, CAUSE(PROVISION), false, "data in the ranges as it was before provision");
}

CHECK(PROV_DEV_10, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    const struct shadow_read *r = &l->answer->read;
    if (!r->bad)
        return (r->causes_unwritten & CAUSE(PROVISION)) != 0 ? HELD : UNTOUCHED;
    if (!r->bad_never_written)
        return UNTOUCHED;
    enum outcome outcome = judge_data(l, why, CAUSE(PROVISION), false,
                                      "sectors never written as they read before provision");
    if (outcome == UNTOUCHED)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_08, reading(l->o, VBLK_AMB_08) == 0 ? outcome : HELD);
}

CHECK(PROV_DEV_06, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(PROVISION_UNMAP), false, "data as it was before provision with unmap");
}

CHECK(PROV_DEV_04, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(PROVISION_REFUSED), false, "no effect of a request answered UNSUPP");
}

CHECK(PROV_DEV_28, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(PROVISION_BESIDE), false, "what was written, provision beside it or not");
}

CHECK(PROV_DEV_09, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    enum outcome outcome = judge_data(l, why, PROVISIONED, true, "data outside the ranges as it was");
    if (outcome != UNTOUCHED || l->answer->read.bad || !l->o->provisioned.known)
        return outcome;
    return l->answer->read.compared && beside_provisioned(l->o, l->chain) ? HELD : UNTOUCHED; /* verified by this read */
}

static bool looks_erased(const struct shadow_read *r)
{
    for (unsigned i = 1; i < r->shown; i++)
        if (r->got[i] != r->got[0])
            return false;
    return r->shown >= 8 && (r->got[0] == 0 || r->got[0] == 0xff);
}

/* Looks erased, on a device that knows how to: the request was taken for another. */
CHECK(PROV_DEV_11, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    const uint64_t erasing = VBLK_BIT(VBLK_F_DISCARD) | VBLK_BIT(VBLK_F_WRITE_ZEROES) |
                             VBLK_BIT(VBLK_F_SECURE_ERASE);
    if ((l->o->ctl.offered_ever & erasing) == 0 || (l->answer->read.bad && !looks_erased(&l->answer->read)))
        return UNTOUCHED;
    return judge_data(l, why, CAUSE(PROVISION), false, "data still there: provision is no request that erases");
}

/* After a power cut any content that was volatile will do; that is recorded and not judged. */
CHECK(PROV_DEV_29, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    if (l->o->power_cuts == 0 || !l->o->provisioned.known || (l->answer->read.causes & CAUSE(POWER_CUT)) == 0)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_13, noted(why, "a volatile write may be lost"));
}

/* ---- the answer ---- */

CHECK(PROV_REQ_13, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || l->chain->req.writable != 1)
        return UNTOUCHED;
    if (l->answer->len == 1)
        return HELD;
    if (l->answer->len == 0)
        return by_reading(why, VBLK_AMB_14, noted(why, "length 0"));
    enum outcome outcome = broken(why, "used length 1", "length %u", l->answer->len);
    point_at(why, l->q->device + 4 + 8u * (uint64_t)l->answer->slot);
    return outcome;
}

/* Not written at all before the element was: PROV-DEV-36, where stores are seen. */
CHECK(PROV_REQ_14, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (c->void_ || (c->faults & F_NO_STATUS) != 0)
        return UNTOUCHED;
    if (!status_untouched(l))
        return HELD;
    if (sees(l->o, VBLK_SEES_DEVICE_STORES) && c->written.count == 0)
        return UNTOUCHED;
    return provision_status(l, why, BROKEN, "a status in the last writable byte");
}

CHECK(PROV_DEV_36, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, VBLK_SEES_DEVICE_STORES)
{
    const struct chain *c = l->chain;
    if (c->void_ || (c->faults & F_NO_STATUS) != 0)
        return UNTOUCHED;
    if (c->status_stored)
        return HELD;
    return c->written.count == 0 ? provision_status(l, why, BROKEN, "the status byte stored before the used element")
                                 : UNTOUCHED;
}

CHECK(PROV_REQ_16, VBLK_DEVICE, AT(USED) | AT(USED_BAD), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain != NULL)
        return l->chain->void_ ? UNTOUCHED : HELD;
    const uint32_t id = l->answer->id;
    if (l->q->lost || id >= l->q->size || l->q->chains[id].turn == 0 || l->q->chains[id].req.slot != TY_PROVISION)
        return UNTOUCHED;
    enum outcome outcome = broken(why, "one used element for each request", "head %u used again", id);
    point_at(why, l->q->device + 4 + 8u * (uint64_t)l->answer->slot);
    return outcome;
}

CHECK(PROV_DEV_35, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), TYPE(PROVISION), PLACE(READABLE), NO_SIGHT)
{
    const struct chain *c = l->chain;
    if (c == NULL || c->void_ || c->req.slot != TY_PROVISION || c->req.out_len == 0)
        return UNTOUCHED;
    if (l->answer != NULL && !l->answer->readable_changed)
        return HELD;
    if (l->answer == NULL && (l->place != IN_READABLE || led_astray(l)))
        return UNTOUCHED;
    uint64_t at = l->answer != NULL ? l->answer->changed_at : l->at;
    uint64_t offset = chain_offset(l->q, c, at, false);
    if (offset == UINT64_MAX || offset < sizeof(struct vblk_request_header))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "segments as the driver wrote them", "byte %llu of the segments was changed",
                                  (unsigned long long)(offset - sizeof(struct vblk_request_header)));
    point_at(why, at);
    return outcome;
}

/* ---- order and progress ---- */

/* A later chain may be used first only to say that all before it are done, too. */
CHECK(PROV_DEV_32, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (!negotiated(l->o, VBLK_F_IN_ORDER) || l->chain->void_)
        return UNTOUCHED;
    return l->chain->turn > l->q->used_turn
               ? HELD
               : broken(why, "used in the order of the available ring", "head %u, number %u, used after number %u",
                        l->chain->head, l->chain->turn, l->q->used_turn);
}

CHECK(PROV_DEV_31, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    const struct queue *q = l->q;
    if (q == NULL || q->faulty_turn == 0 || l->chain == NULL || l->chain->turn <= q->faulty_turn || l->chain->void_)
        return UNTOUCHED;
    if (l->answer != NULL)
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    if (q->lost || !l->o->ctl.live || l->o->ctl.needs_reset || never_told(l))
        return UNTOUCHED;
    return broken(why, "a malformed request does not stop the queue, unless DEVICE_NEEDS_RESET shows",
                  "head %u not used after %llu ms", l->chain->head, (unsigned long long)l->ev->value);
}

CHECK(PROV_DEV_37, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(RESET), 0, PLACE(RETURNED), NO_SIGHT)
{
    if (!l->place_known) {
        for (const struct chain *c = l->o->oldest; c != NULL; c = c->newer)
            if (c->req.slot == TY_PROVISION)
                return HELD; /* so far: a late store is reported when it comes */
        return UNTOUCHED;
    }
    if (l->place != IN_RETURNED || !l->o->ctl.reset_done)
        return UNTOUCHED;
    for (unsigned i = 0; i < 256; i++) {
        if (l->o->returned[i].slot != TY_PROVISION || l->at - l->o->returned[i].gpa >= l->o->returned[i].len)
            continue;
        enum outcome outcome = broken(why, "no store into a request after reset", "%llu bytes stored",
                                      (unsigned long long)l->len);
        point_at(why, l->at);
        return outcome;
    }
    return UNTOUCHED;
}
