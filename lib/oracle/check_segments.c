/* SPDX-License-Identifier: BSD-3-Clause */
/* Discard, write zeroes and secure erase: 5.2.6. */
#include "judge.h"

#define THREE_TYPES (TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE))

static bool readable_segments(const struct chain *c)
{
    return !c->void_ && (c->faults & (F_HEADER | F_NO_STATUS | F_DIRECTION | F_UNIT)) == 0;
}

static enum outcome no_fault(const struct look *l, struct why *why, uint32_t fault, const char *expected,
                             const char *what, uint64_t number)
{
    if (l->chain->void_ || (l->chain->faults & F_HEADER) != 0)
        return UNTOUCHED;
    if ((l->chain->faults & fault) == 0)
        return HELD;
    return broken(why, expected, "%s %llu, head %u", what, (unsigned long long)number, l->chain->head);
}

/* Part of a segment is the matter of the rows on lengths; segments on the writable side are AMB-12. */
CHECK(BLK_OP_10, VBLK_DRIVER, AT(AVAILABLE), THREE_TYPES, ANY_PLACE, NO_SIGHT)
{
    const struct request *r = &l->chain->req;
    if (r->segments == 0 && (l->chain->faults & F_UNIT) != 0)
        return UNTOUCHED;
    if (r->slot == TY_SECURE_ERASE && r->out_len == 0 && (l->chain->faults & F_DIRECTION) != 0)
        return by_reading(why, VBLK_AMB_12,
                          reading(l->o, VBLK_AMB_12) == 1
                              ? HELD
                              : doubted(why, "device-readable segments", "%llu writable bytes",
                                        (unsigned long long)r->in_len));
    enum outcome outcome = no_fault(l, why, F_NO_SEGMENT, "one or more segments", "segments:", l->chain->req.segments);
    return outcome == BROKEN ? by_reading(why, VBLK_AMB_05, outcome) : outcome;
}

CHECK(BLK_OP_11, VBLK_DRIVER, AT(AVAILABLE), THREE_TYPES, ANY_PLACE, NO_SIGHT)
{
    return no_fault(l, why, F_UNKNOWN_FLAG, "reserved flag bits zero", "reserved bits:", l->chain->req.unknown_flags);
}

CHECK(BLK_OP_12, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    if (l->o->stability_at_cut != NOT_STABLE)
        return UNTOUCHED; /* after a power cut: BLK-OP-DEV-20 */
    enum outcome outcome = judge_data(l, why, CAUSE(ZEROES) | CAUSE(ZEROES_UNMAP) | CAUSE(DISCARD) | CAUSE(ERASE), true,
                                      "sectors outside the named ranges left as they were");
    if (outcome != UNTOUCHED || l->answer->read.bad)
        return outcome;
    return (l->answer->read.causes & (CAUSE(ZEROES) | CAUSE(ZEROES_UNMAP))) != 0 ? HELD : UNTOUCHED;
}

CHECK(BLK_OP_13, VBLK_DEVICE, AT(USED), THREE_TYPES, ANY_PLACE, NO_SIGHT)
{
    static const uint8_t limits[TY_COUNT] = {
        [TY_DISCARD] = LIM_DISCARD_SEG, [TY_WRITE_ZEROES] = LIM_WZ_SEG, [TY_SECURE_ERASE] = LIM_ERASE_SEG
    };
    uint64_t most;
    if (!readable_segments(l->chain) || !limit_of(&l->o->ctl, limits[l->chain->req.slot], &most) ||
        l->chain->req.segments < most)
        return UNTOUCHED;
    if (l->chain->req.segments == most)
        return noted(why, l->answer->status == VBLK_S_OK ? "takes the most segments" : "refuses the most segments");
    return noted(why, l->answer->status == VBLK_S_OK ? "takes more segments" : "refuses more segments");
}

static bool any_unmap(const struct request *r)
{
    struct seg s;
    for (uint32_t i = 0; request_segment(r, i, &s); i++)
        if ((s.flags & VBLK_SEGMENT_UNMAP) != 0)
            return true;
    return false;
}

/* Discard has a MUST of its own for drivers: BLK-OP-DRV-16. */
static enum outcome unmap_of_driver(const struct look *l, struct why *why)
{
    if (!readable_segments(l->chain) || (l->chain->faults & F_UNMAP) == 0)
        return UNTOUCHED;
    enum outcome outcome = broken(why, "unmap only in write zeroes", "unmap set in secure erase");
    return blame_driver(why, by_reading(why, VBLK_AMB_16, outcome));
}

CHECK(BLK_OP_14, VBLK_NOBODY, AT(USED) | AT(AVAILABLE), TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    if (l->answer == NULL)
        return l->chain->req.slot == TY_SECURE_ERASE ? unmap_of_driver(l, why) : UNTOUCHED;
    if (!readable_segments(l->chain) || (l->chain->faults & ~(uint32_t)F_UNALIGNED) != 0 || !any_unmap(&l->chain->req))
        return UNTOUCHED;
    return l->answer->status != VBLK_S_UNSUPP ? HELD
                                              : broken(why, "unmap known to write zeroes", "UNSUPP for flags 1");
}

CHECK(BLK_OP_22, VBLK_DEVICE, AT(USED), TYPE(DISCARD) | TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    if (!readable_segments(l->chain) || l->answer->status != VBLK_S_IOERR || (l->chain->faults & F_READ_ONLY) != 0)
        return UNTOUCHED;
    return noted(why, "segments indeterminate");
}

static enum outcome whole_segments(const struct look *l, struct why *why)
{
    return no_fault(l, why, F_UNIT, "data of a multiple of 16 bytes", "bytes:", l->chain->req.out_len);
}

CHECK(BLK_OP_DRV_07, VBLK_DRIVER, AT(AVAILABLE), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return whole_segments(l, why);
}

CHECK(BLK_OP_DRV_08, VBLK_DRIVER, AT(AVAILABLE), TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    return whole_segments(l, why);
}

CHECK(BLK_OP_DRV_09, VBLK_DRIVER, AT(AVAILABLE), TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return whole_segments(l, why);
}

static enum outcome few_segments(const struct look *l, struct why *why, enum limit limit)
{
    uint64_t most;
    if (!limit_of(&l->o->ctl, limit, &most))
        return UNTOUCHED;
    return no_fault(l, why, F_TOO_MANY, "no more segments than the device announced", "segments:",
                    l->chain->req.segments);
}

CHECK(BLK_OP_DRV_11, VBLK_DRIVER, AT(AVAILABLE), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return few_segments(l, why, LIM_DISCARD_SEG);
}

CHECK(BLK_OP_DRV_12, VBLK_DRIVER, AT(AVAILABLE), TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    return few_segments(l, why, LIM_ERASE_SEG);
}

CHECK(BLK_OP_DRV_13, VBLK_DRIVER, AT(AVAILABLE), TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return few_segments(l, why, LIM_WZ_SEG);
}

CHECK(BLK_OP_DRV_16, VBLK_DRIVER, AT(AVAILABLE), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return no_fault(l, why, F_UNMAP, "unmap zero in discard segments", "segments:", l->chain->req.segments);
}

/*
 * UNSUPP is the only status that a MUST backs when a flag is unknown. With another fault of the driver's beside it a
 * device that looked at that one first is doubted, not failed (AMB-03); strict reading: failed.
 */
static enum outcome unsupp_for(const struct look *l, struct why *why, uint32_t fault)
{
    uint32_t others = l->chain->faults & ~(fault | F_UNKNOWN_FLAG | F_UNMAP | F_HARMLESS);
    char buf[16];

    if (!readable_segments(l->chain) || (l->chain->faults & fault) == 0 || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_UNSUPP)
        return HELD;
    const char *seen = say_status(l->answer->status, buf);
    if (others != 0 && l->answer->status == VBLK_S_IOERR && reading(l->o, VBLK_AMB_03) == 0 &&
        l->o->opt.strictness != VBLK_STRICT)
        return by_reading(why, VBLK_AMB_03, doubted(why, "UNSUPP, even beside another fault", "%s", seen));
    enum outcome outcome = broken(why, "UNSUPP", "%s for flags 0x%x", seen,
                                  l->chain->req.unknown_flags | (fault == F_UNMAP ? 1u : 0u));
    point_at(why, l->chain->req.status_at);
    show_bytes(why, &l->answer->status, 1);
    return outcome;
}

CHECK(BLK_OP_DEV_05, VBLK_DEVICE, AT(USED), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return unsupp_for(l, why, F_UNKNOWN_FLAG);
}

CHECK(BLK_OP_DEV_06, VBLK_DEVICE, AT(USED), TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    char buf[16];
    if ((l->chain->faults & F_UNKNOWN_FLAG) != 0)
        return unsupp_for(l, why, F_UNKNOWN_FLAG);
    /* unmap alone has no meaning here, and no sentence that says so: AMB-16 */
    const int chosen = reading(l->o, VBLK_AMB_16);
    const uint8_t due = chosen == 1 ? VBLK_S_OK : VBLK_S_UNSUPP;
    if (!readable_segments(l->chain) || (l->chain->faults & F_UNMAP) == 0 || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED;
    if (l->answer->status == due || chosen == 2)
        return by_reading(why, VBLK_AMB_16, HELD);
    if (chosen == 1 && (l->chain->faults & ~(uint32_t)(F_UNMAP | F_HARMLESS)) != 0)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_16,
                      doubted(why, chosen == 1 ? "OK, unmap being ignored" : "UNSUPP for unmap", "%s",
                              say_status(l->answer->status, buf)));
}

CHECK(BLK_OP_DEV_07, VBLK_DEVICE, AT(USED), TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return unsupp_for(l, why, F_UNKNOWN_FLAG);
}

CHECK(BLK_OP_DEV_08, VBLK_DEVICE, AT(USED), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return unsupp_for(l, why, F_UNMAP);
}

CHECK(BLK_OP_DEV_11, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(ZEROES) | CAUSE(ZEROES_UNMAP), false, "zeroes after write zeroes");
}

/* The field as this configuration read shows it, if it does. */
static bool may_unmap_read(const struct look *l, uint8_t *value)
{
    struct vblk_config_field field;
    if ((l->o->ctl.offered_ever & VBLK_BIT(VBLK_F_WRITE_ZEROES)) == 0 ||
        !vblk_config_field_find(&l->o->opt.profile, "write_zeroes_may_unmap", &field) || l->ev->bytes == NULL ||
        field.offset < l->ev->at || field.offset >= l->ev->at + l->ev->len)
        return false;
    *value = l->ev->bytes[field.offset - l->ev->at];
    return true;
}

static bool may_unmap_changed(const struct look *l, uint8_t *value)
{
    uint64_t before;
    return may_unmap_read(l, value) && limit_of(&l->o->ctl, LIM_WZ_MAY_UNMAP, &before) && before != *value;
}

CHECK(BLK_OP_DEV_12, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    uint8_t value;
    if (!may_unmap_read(l, &value))
        return UNTOUCHED;
    return value <= 1 ? HELD : doubted(why, "write_zeroes_may_unmap 0 or 1", "%u", value);
}

CHECK(BLK_OP_DEV_13, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    uint8_t value;
    return may_unmap_changed(l, &value) ? noted(why, value != 0 ? "changed to 1" : "changed to 0") : UNTOUCHED;
}

CHECK(BLK_OP_DEV_14, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    struct vblk_config_field field;
    uint8_t value;
    if (!ctl->live || !may_unmap_changed(l, &value) ||
        !vblk_config_field_find(&l->o->opt.profile, "write_zeroes_may_unmap", &field))
        return UNTOUCHED;
    if ((ctl->config_seen[field.offset] & SEEN_STEADY) != 0)
        return broken(why, "a configuration change notification", "may_unmap became %u without one", value);
    return HELD; /* a notification came since the field was read last, whatever was read in between */
}
