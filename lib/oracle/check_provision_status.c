/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which status a device gives to a PROVISION request that something is wrong with. Each answer is judged by one row:
 * that of the fault which decides what the text still demands.
 */
#include "check_provision.h"

#define BESIDE_FLAGS (F_RANGE | F_TOO_MANY | F_TOO_LONG | F_ZERO_SECTORS | F_READ_ONLY | F_SIZE_MAX | F_SEG_MAX | \
                      F_QUEUE_LONG)

/* 0x01000000: unmap as a device sees it that swaps the bytes of flags. */
#define UNMAP_SWAPPED ((uint32_t)VBLK_SEGMENT_UNMAP << 24)

static unsigned unknown_flag_row(const struct look *l, uint32_t faults)
{
    if ((faults & BESIDE_FLAGS) != 0)
        return VBLK_C_PROV_DEV_03;
    if (l->chain->req.unknown_flags == UNMAP_SWAPPED && (faults & F_UNMAP) == 0)
        return VBLK_C_PROV_REQ_08;
    return l->chain->req.segments > 1 ? VBLK_C_PROV_DEV_02 : VBLK_C_PROV_DEV_01;
}

/* From the fault that weighs most to the one that weighs least. */
static const struct {
    uint32_t fault;
    uint16_t row;
} by_fault[] = {
    { F_NOT_NEGOTIATED, VBLK_C_PROV_DEV_12 }, { F_UNIT, VBLK_C_PROV_DEV_17 },     { F_DIRECTION, VBLK_C_PROV_REQ_09 },
    { F_NO_SEGMENT, VBLK_C_PROV_DEV_16 },     { F_UNKNOWN_FLAG, VBLK_C_COUNT },   { F_READ_ONLY, VBLK_C_PROV_DEV_20 },
    { F_RANGE, VBLK_C_PROV_DEV_13 },          { F_TOO_MANY, VBLK_C_PROV_DEV_18 }, { F_TOO_LONG, VBLK_C_PROV_DEV_19 },
    { F_UNMAP, VBLK_C_PROV_DEV_05 },          { F_ZERO_SECTORS, VBLK_C_PROV_DEV_15 },
};

/* To the letter a segment limit of 0 forbids every request; what the device then answers is nobody's business. */
static bool forbidden(const struct look *l, uint32_t faults)
{
    uint64_t most;
    return (faults & F_TOO_MANY) != 0 && !segment_limit(l, &most);
}

unsigned provision_row(const struct look *l)
{
    uint32_t faults = provision_faults(l);
    unsigned row = VBLK_C_COUNT;

    if (l->chain->void_ || (faults & (F_NO_STATUS | F_HEADER)) != 0 || status_untouched(l) || forbidden(l, faults))
        return VBLK_C_COUNT;
    for (size_t i = 0; i < sizeof(by_fault) / sizeof(by_fault[0]); i++) {
        if ((faults & by_fault[i].fault) == 0)
            continue;
        row = by_fault[i].fault == F_UNKNOWN_FLAG ? unknown_flag_row(l, faults) : by_fault[i].row;
        break;
    }
    if (row == VBLK_C_PROV_DEV_15 || row == VBLK_C_PROV_DEV_16)
        return row; /* any of the three statuses, and no other */
    if (l->answer->status > VBLK_S_ZONE_ACTIVE_RESOURCE)
        return VBLK_C_PROV_DEV_22;
    if (l->answer->status > VBLK_S_UNSUPP)
        return VBLK_C_PROV_REQ_15;
    if (row != VBLK_C_COUNT || (faults & (F_SIZE_MAX | F_SEG_MAX | F_QUEUE_LONG)) != 0)
        return row;
    if (l->chain->req.sector != 0)
        return VBLK_C_PROV_REQ_04;
    return (faults & F_SUM_TOO_LONG) != 0 ? VBLK_C_PROV_REQ_12 : provision_trait(l);
}

bool provision_lawful(const struct look *l)
{
    return !l->chain->void_ && provision_faults(l) == 0 && l->chain->req.sector == 0 && !status_untouched(l);
}

enum outcome provision_status(const struct look *l, struct why *why, enum outcome outcome, const char *expected)
{
    char buf[16];
    const char *seen = say_status(l->answer->status, buf);

    if (outcome == HELD || outcome == UNTOUCHED)
        return outcome;
    if (outcome == BROKEN)
        (void)broken(why, expected, "%s, head %u", seen, l->chain->head);
    else
        (void)doubted(why, expected, "%s, head %u", seen, l->chain->head);
    point_at(why, l->chain->req.status_at);
    show_bytes(why, &l->answer->status, 1);
    return outcome;
}

/* OK, IOERR and UNSUPP each with the outcome that the row gives it. */
struct scale {
    uint8_t ok, ioerr, unsupp;
};

static enum outcome weigh(const struct look *l, struct why *why, struct scale scale, const char *expected)
{
    const uint8_t outcomes[] = { scale.ok, scale.ioerr, scale.unsupp };
    return provision_status(l, why, (enum outcome)outcomes[l->answer->status], expected);
}

/* The same where the scale depends on the reading of an ambiguity: scales[] has one for each. */
static enum outcome weigh_by(const struct look *l, struct why *why, int amb, const struct scale *scales,
                             const char *expected)
{
    return by_reading(why, amb, weigh(l, why, scales[reading(l->o, amb)], expected));
}

/* ---- flags ---- */

static const struct scale unsupp_only = { BROKEN, BROKEN, HELD };

CHECK(PROV_DEV_01, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) != VBLK_C_PROV_DEV_01)
        return UNTOUCHED;
    return weigh(l, why, unsupp_only, "UNSUPP for an unknown flag");
}

CHECK(PROV_DEV_02, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) != VBLK_C_PROV_DEV_02)
        return UNTOUCHED;
    return weigh(l, why, unsupp_only, "UNSUPP for an unknown flag in any of the segments");
}

/* IOERR is what a device answers that looks at ranges and limits before flags; and what RO may ask for (AMB-11). */
CHECK(PROV_DEV_03, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) != VBLK_C_PROV_DEV_03)
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_IOERR && (l->chain->faults & F_READ_ONLY) != 0)
        return by_reading(why, VBLK_AMB_11, HELD);
    enum outcome outcome = weigh(l, why, unsupp_only, "UNSUPP for an unknown flag, whatever else is wrong");
    return l->answer->status == VBLK_S_IOERR ? by_reading(why, VBLK_AMB_03, deployed(why, outcome)) : outcome;
}

CHECK(PROV_REQ_08, VBLK_NOBODY, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    unsigned row = provision_row(l);
    if (row == VBLK_C_PROV_REQ_08)
        return weigh(l, why, unsupp_only, "bit 24 refused: it is reserved, and not unmap in another byte order");
    bool last_byte = (l->chain->req.unknown_flags & 0xff000000u) != 0;
    return (row == VBLK_C_PROV_DEV_01 || row == VBLK_C_PROV_DEV_02) && last_byte &&
                   l->answer->status == VBLK_S_UNSUPP
               ? HELD
               : UNTOUCHED;
}

CHECK(PROV_DEV_05, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = {
        { DOUBTED, DOUBTED, HELD },
        { HELD, DOUBTED, BROKEN },
        { HELD, HELD, HELD },
    };
    if (provision_row(l) != VBLK_C_PROV_DEV_05)
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_02, scales,
                    reading(l->o, VBLK_AMB_02) == 0 ? "UNSUPP for unmap" : "OK as if unmap were clear");
}

/* ---- framing ---- */

static const struct scale refused = { DOUBTED, HELD, HELD };

CHECK(PROV_REQ_09, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_lawful(l))
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    /* Writable bytes beside readable segments are nobody's: the text gives a device no reason to refuse the segments. */
    if (provision_row(l) != VBLK_C_PROV_REQ_09 || l->chain->req.out_len > 0)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_12,
                      weigh(l, why, refused, "IOERR or UNSUPP where data is device-writable: segments are readable"));
}

CHECK(PROV_DEV_16, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = {
        { HELD, HELD, HELD },
        { HELD, DOUBTED, DOUBTED },
        { DOUBTED, HELD, HELD },
    };
    if (provision_row(l) != VBLK_C_PROV_DEV_16)
        return UNTOUCHED;
    if (l->answer->status > VBLK_S_UNSUPP)
        return provision_status(l, why, BROKEN, "OK, IOERR or UNSUPP for a request without segments");
    return weigh_by(l, why, VBLK_AMB_05, scales, "the status that the reading gives a request without segments");
}

CHECK(PROV_DEV_17, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = { { DOUBTED, HELD, HELD }, { DOUBTED, DOUBTED, DOUBTED } };
    if (provision_row(l) != VBLK_C_PROV_DEV_17)
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_15, scales, "IOERR, UNSUPP or DEVICE_NEEDS_RESET for a segment cut short");
}

/* ---- ranges, limits, the state of the device ---- */

CHECK(PROV_DEV_12, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = { { DOUBTED, DOUBTED, HELD }, { BROKEN, BROKEN, HELD } };
    if (provision_row(l) != VBLK_C_PROV_DEV_12)
        return UNTOUCHED;
    if (!provision_offered(l->o) && l->answer->status == VBLK_S_OK)
        return UNTOUCHED; /* PROV-FEAT-01 */
    return weigh_by(l, why, VBLK_AMB_10, scales, "UNSUPP without the feature");
}

CHECK(PROV_DEV_13, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = {
        { DOUBTED, HELD, HELD },
        { BROKEN, HELD, HELD },
        { HELD, HELD, HELD },
    };
    if (provision_row(l) != VBLK_C_PROV_DEV_13 || l->o->ctl.capacity_old) /* the capacity may have grown (AMB-21) */
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_04, scales, "IOERR, or UNSUPP, for a segment past capacity");
}

CHECK(PROV_DEV_15, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = {
        { HELD, HELD, HELD },
        { HELD, DOUBTED, DOUBTED },
        { DOUBTED, HELD, HELD },
    };
    if (provision_row(l) != VBLK_C_PROV_DEV_15)
        return UNTOUCHED;
    if (l->answer->status > VBLK_S_UNSUPP)
        return provision_status(l, why, BROKEN, "OK, IOERR or UNSUPP for a segment without sectors");
    return weigh_by(l, why, VBLK_AMB_05, scales, "the status that the reading gives a segment without sectors");
}

/* AMB-03, for both limits. */
static const struct scale limit_scales[] = {
    { DOUBTED, HELD, HELD },
    { BROKEN, HELD, HELD },
    { HELD, HELD, HELD },
};

CHECK(PROV_DEV_18, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) != VBLK_C_PROV_DEV_18 || l->o->ctl.notified)
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_03, limit_scales, "IOERR, or UNSUPP, for more than max_provision_seg segments");
}

CHECK(PROV_DEV_19, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) != VBLK_C_PROV_DEV_19 || l->o->ctl.notified)
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_03, limit_scales, "IOERR, or UNSUPP, for more than max_provision_sectors sectors");
}

CHECK(PROV_DEV_20, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale scales[] = {
        { DOUBTED, HELD, HELD },
        { BROKEN, HELD, BROKEN },
        { HELD, HELD, HELD },
    };
    if (provision_row(l) != VBLK_C_PROV_DEV_20)
        return UNTOUCHED;
    return weigh_by(l, why, VBLK_AMB_11, scales, "IOERR from a device that offers RO");
}

CHECK(PROV_REQ_12, VBLK_NOBODY, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale of_segment = { HELD, DOUBTED, DOUBTED }, of_request = { DOUBTED, HELD, HELD };
    const char *expected = "a limit of each segment: OK";

    if (provision_row(l) != VBLK_C_PROV_REQ_12)
        return UNTOUCHED;
    switch (reading(l->o, VBLK_AMB_06)) {
    case 0:
        return by_reading(why, VBLK_AMB_06,
                          noted(why, l->answer->status == VBLK_S_OK ? "limits each segment" : "limits the sum"));
    case 1:
        return by_reading(why, VBLK_AMB_06, weigh(l, why, of_segment, expected));
    default:
        return by_reading(why, VBLK_AMB_06, weigh(l, why, of_request, "a limit of the sum: IOERR or UNSUPP"));
    }
}

CHECK(PROV_REQ_04, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    static const struct scale ignored = { HELD, DOUBTED, DOUBTED };
    if (provision_row(l) != VBLK_C_PROV_REQ_04)
        return UNTOUCHED;
    return weigh(l, why, ignored, "OK: the header's sector is not looked at");
}

CHECK(PROV_FEAT_01, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || status_untouched(l) || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED;
    if (provision_offered(l->o))
        return provision_lawful(l) && l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    return provision_status(l, why, l->answer->status == VBLK_S_OK ? DOUBTED : HELD,
                            "the feature offered by a device that provisions");
}
