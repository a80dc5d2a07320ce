/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver owes when it sends PROVISION. */
#include "check_provision.h"

/* HELD without the fault; @outcome with it. */
static enum outcome no_fault(const struct look *l, struct why *why, uint32_t fault, enum outcome outcome,
                             const char *expected, const char *what, uint64_t number)
{
    if (l->chain->void_)
        return UNTOUCHED;
    if ((l->chain->faults & fault) == 0)
        return HELD;
    if (outcome == BROKEN)
        return broken(why, expected, "%s %llu, head %u", what, (unsigned long long)number, l->chain->head);
    return doubted(why, expected, "%s %llu, head %u", what, (unsigned long long)number, l->chain->head);
}

/* The first segment that a fault concerns, for messages. */
static struct seg worst_segment(const struct look *l, bool (*bad)(const struct look *l, const struct seg *s))
{
    struct seg s = { 0 };
    for (uint32_t i = 0; request_segment(&l->chain->req, i, &s); i++)
        if (bad(l, &s))
            break;
    return s;
}

/* ---- the request as a whole ---- */

CHECK(PROV_REQ_02, VBLK_NOBODY, AT(AVAILABLE) | AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    const struct request *r = &l->chain->req;
    if (l->chain->void_)
        return UNTOUCHED;
    if (l->answer != NULL)
        return provision_lawful(l) && l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    if (r->writable == 1)
        return UNTOUCHED; /* an odd length: PROV-DRV-01 */
    return blame_driver(why, broken(why, "header, segments, and one writable byte",
                                    "%llu readable and %llu writable bytes", (unsigned long long)r->readable,
                                    (unsigned long long)r->writable));
}

CHECK(PROV_REQ_03, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_)
        return UNTOUCHED;
    return l->chain->req.sector == 0 ? HELD : broken(why, "sector 0 in the header", "sector %llu",
                                                     (unsigned long long)l->chain->req.sector);
}

CHECK(PROV_REQ_05, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_)
        return UNTOUCHED;
    return l->chain->req.reserved == 0 ? HELD : doubted(why, "reserved written as 0", "0x%x", l->chain->req.reserved);
}

CHECK(PROV_DRV_01, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    return no_fault(l, why, F_UNIT, BROKEN, "data of a multiple of 16 bytes", "bytes:", l->chain->req.out_len);
}

CHECK(PROV_DRV_05, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if ((l->chain->faults & (F_UNIT | F_DIRECTION)) != 0)
        return UNTOUCHED; /* PROV-DRV-01, PROV-REQ-02 */
    enum outcome outcome = no_fault(l, why, F_NO_SEGMENT, BROKEN, "one or more segments", "bytes:",
                                    l->chain->req.out_len);
    return outcome == BROKEN ? by_reading(why, VBLK_AMB_05, outcome) : outcome;
}

CHECK(PROV_DRV_04, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    return no_fault(l, why, F_NOT_NEGOTIATED, BROKEN, "PROVISION negotiated before it is sent", "type",
                    l->chain->req.type);
}

CHECK(PROV_DRV_13, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if ((l->chain->faults & F_QUEUE_LONG) != 0 && !l->chain->void_)
        return by_reading(why, VBLK_AMB_26,
                          no_fault(l, why, F_QUEUE_LONG, BROKEN, "a chain no longer than the queue", "descriptors:",
                                   l->chain->count));
    enum outcome outcome = no_fault(l, why, F_SEG_MAX | F_SIZE_MAX, DOUBTED, "data within seg_max and size_max",
                                    "data descriptors:", l->chain->req.data_pieces);
    return outcome == DOUBTED ? by_reading(why, VBLK_AMB_32, outcome) : outcome;
}

/* ---- limits ---- */

static bool within_old_limits(const struct look *l)
{
    const struct provision_facts *p = &l->o->provisioned;
    struct seg s;

    if (!p->sectors.changed && !p->segments.changed)
        return false;
    if (l->chain->req.segments > (p->segments.changed ? p->segments.before : p->segments.now))
        return false;
    for (uint32_t i = 0; request_segment(&l->chain->req, i, &s); i++)
        if (s.count > (p->sectors.changed ? p->sectors.before : p->sectors.now))
            return false;
    return true;
}

/* Past a limit that was lowered, and within the one before. */
static bool outdated(const struct look *l)
{
    return (l->chain->faults & (F_TOO_MANY | F_TOO_LONG)) != 0 && within_old_limits(l);
}

CHECK(PROV_INIT_01, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    const struct provision_facts *p = &l->o->provisioned;
    if (l->chain->void_ || (l->chain->faults & F_NOT_NEGOTIATED) != 0)
        return UNTOUCHED;
    if (p->sectors.known && (p->segments.known || !l->o->opt.profile.provision_seg))
        return HELD;
    return doubted(why, "the limits read before the first request", "%s was not read",
                   p->sectors.known ? "max_provision_seg" : "max_provision_sectors");
}

CHECK(PROV_INIT_02, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    const struct provision_facts *p = &l->o->provisioned;
    if (l->chain->void_ || (!p->sectors.changed && !p->segments.changed))
        return UNTOUCHED;
    return outdated(l) ? broken(why, "limits as they were read last", "those of before the change, head %u",
                                l->chain->head)
                       : HELD;
}

CHECK(PROV_DRV_02, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    uint64_t most;
    if (!limit_of(&l->o->ctl, LIM_PROVISION_SEG, &most) || l->chain->void_ || outdated(l))
        return UNTOUCHED;
    if (most == 0 && reading(l->o, VBLK_AMB_09) != 0)
        return by_reading(why, VBLK_AMB_09, HELD);
    enum outcome outcome = no_fault(l, why, F_TOO_MANY, BROKEN, "no more than max_provision_seg segments", "segments:",
                                    l->chain->req.segments);
    return most == 0 ? by_reading(why, VBLK_AMB_09, outcome) : outcome;
}

static bool too_long(const struct look *l, const struct seg *s)
{
    uint64_t most;
    return sector_limit(l, &most) && s->count > most;
}

static enum outcome judge_sum(const struct look *l, struct why *why)
{
    static const uint8_t outcomes[] = { DOUBTED, HELD, BROKEN };
    enum outcome outcome = (enum outcome)outcomes[reading(l->o, VBLK_AMB_06)];
    if (outcome != HELD)
        (void)no_fault(l, why, F_SUM_TOO_LONG, outcome, "no more than max_provision_sectors in a request",
                       "sectors:", l->chain->req.sum);
    return by_reading(why, VBLK_AMB_06, outcome);
}

CHECK(PROV_DRV_03, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    uint64_t most;
    if (!sector_limit(l, &most) || l->chain->void_ || outdated(l))
        return UNTOUCHED;
    if ((l->chain->faults & F_SUM_TOO_LONG) != 0)
        return judge_sum(l, why);
    return no_fault(l, why, F_TOO_LONG, BROKEN, "no more than max_provision_sectors in a segment", "sectors:",
                    worst_segment(l, too_long).count);
}

/* ---- segments ---- */

static bool empty(const struct look *l, const struct seg *s)
{
    (void)l;
    return s->count == 0;
}

static bool past_capacity(const struct look *l, const struct seg *s)
{
    uint64_t capacity;
    return limit_of(&l->o->ctl, LIM_CAPACITY, &capacity) &&
           (s->sector > capacity || s->count > capacity - s->sector);
}

CHECK(PROV_DRV_06, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->req.segments == 0)
        return UNTOUCHED;
    enum outcome outcome = no_fault(l, why, F_ZERO_SECTORS, DOUBTED, "one sector or more in a segment",
                                    "none in a segment at", worst_segment(l, empty).sector);
    return outcome == DOUBTED ? by_reading(why, VBLK_AMB_05, outcome) : outcome;
}

CHECK(PROV_DRV_07, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    uint64_t capacity;
    if (l->chain->req.segments == 0 || !limit_of(&l->o->ctl, LIM_CAPACITY, &capacity))
        return UNTOUCHED;
    enum outcome outcome = no_fault(l, why, F_RANGE, BROKEN, "segments that end within capacity", "a segment at",
                                    worst_segment(l, past_capacity).sector);
    if (outcome != BROKEN)
        return outcome;
    return by_reading(why, VBLK_AMB_04, reading(l->o, VBLK_AMB_04) == 2 ? HELD : BROKEN);
}

CHECK(PROV_DRV_08, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->req.segments == 0)
        return UNTOUCHED;
    return no_fault(l, why, F_UNKNOWN_FLAG, BROKEN, "reserved flags zero", "reserved bits:",
                    l->chain->req.unknown_flags);
}

CHECK(PROV_DRV_09, VBLK_DRIVER, AT(AVAILABLE), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->req.segments == 0)
        return UNTOUCHED;
    enum outcome outcome = no_fault(l, why, F_UNMAP, BROKEN, "unmap zero: only write zeroes uses it", "segments:",
                                    l->chain->req.segments);
    return outcome == BROKEN ? by_reading(why, VBLK_AMB_02, outcome) : outcome;
}
