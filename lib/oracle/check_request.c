/* SPDX-License-Identifier: BSD-3-Clause */
/* What every request has in common, and reads and writes: 5.2.6 and 2.6.4. */
#include "judge.h"

#define ALL_BUT_PROVISION (ANY_TYPE & ~TYPE(PROVISION))

/* The request is one that a device has no reason to refuse but for its own state (a long sum: AMB-06). */
static bool lawful(const struct chain *c)
{
    return !c->void_ && (c->faults & ~(uint32_t)F_UNALIGNED) == 0;
}

static bool answered(const struct look *l)
{
    return !l->chain->void_ && (l->chain->faults & (F_NO_STATUS | F_HEADER)) == 0;
}

bool status_left_alone(const struct look *l)
{
    if (sees(l->o, VBLK_SEES_DEVICE_STORES))
        return !l->chain->status_stored;
    return l->answer->status == l->chain->req.status_before && l->answer->status > VBLK_S_UNSUPP;
}

static enum outcome wrong_status(const struct look *l, struct why *why, const char *expected)
{
    char buf[16];
    enum outcome outcome = broken(why, expected, "%s", say_status(l->answer->status, buf));
    point_at(why, l->chain->req.status_at);
    show_bytes(why, &l->answer->status, 1);
    return outcome;
}

CHECK(BLK_OP_01, VBLK_NOBODY, AT(USED) | AT(AVAILABLE), ALL_BUT_PROVISION, ANY_PLACE, NO_SIGHT)
{
    if (l->answer == NULL) {
        if (l->chain->void_ || (l->chain->faults & (F_HEADER | F_NO_STATUS)) == 0)
            return UNTOUCHED;
        return blame_driver(why, broken(why, "a 16-byte readable header and a writable status byte",
                                        "%llu readable and %llu writable bytes",
                                        (unsigned long long)l->chain->req.readable,
                                        (unsigned long long)l->chain->req.writable));
    }
    if (!answered(l))
        return UNTOUCHED;
    if (!status_left_alone(l))
        return HELD;
    if (stale_answer(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "the last writable byte written with a status", "it was left as it was");
    point_at(why, l->chain->req.status_at);
    return outcome;
}

CHECK(BLK_OP_02, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->o->outstanding < 2 || negotiated(l->o, VBLK_F_IN_ORDER))
        return UNTOUCHED;
    return noted(why, l->chain->older == NULL ? "in order" : "out of order");
}

/* A type that the device has to know must not be called unsupported; why IOERR is given is not ours to judge. */
static enum outcome known_type(const struct look *l, struct why *why)
{
    if (!lawful(l->chain) || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED;
    if (l->answer->status != VBLK_S_UNSUPP)
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    if (l->chain->req.slot == TY_FLUSH || l->chain->req.slot == TY_GET_LIFETIME)
        return UNTOUCHED; /* BLK-FEAT-06, BLK-FEAT-12: all that the feature says is that the command is known */
    if ((l->chain->faults & F_UNALIGNED) != 0)
        return doubted(why, "OK or IOERR, alignment being advice", "UNSUPP for a range that is not aligned");
    return wrong_status(l, why, "OK or IOERR for a well-formed request of a supported type");
}

CHECK(BLK_OP_03, VBLK_DEVICE, AT(USED), TYPE(IN) | TYPE(OUT) | TYPE(FLUSH) | TYPE(GET_ID), ANY_PLACE, NO_SIGHT)
{
    enum outcome outcome = known_type(l, why);
    if (outcome == BROKEN && l->chain->req.slot == TY_GET_ID)
        return doubted(why, "OK for GET_ID, which no feature gates", "UNSUPP");
    return outcome;
}

CHECK(BLK_OP_04, VBLK_DEVICE, AT(USED), TYPE(DISCARD) | TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return known_type(l, why);
}

CHECK(BLK_OP_05, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME) | TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    return known_type(l, why);
}

/* Whether sector * 512 leaves 64 bits and comes back onto the disk. */
static bool wraps_onto_disk(const struct look *l)
{
    uint64_t capacity, back = l->chain->req.sector * VBLK_SECTOR / VBLK_SECTOR;
    return (l->chain->faults & F_RANGE) != 0 && back != l->chain->req.sector &&
           limit_of(&l->o->ctl, LIM_CAPACITY, &capacity) && back < capacity;
}

CHECK(BLK_OP_06, VBLK_DEVICE, AT(USED), TYPE(IN) | TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    if (!answered(l))
        return UNTOUCHED;
    if (wraps_onto_disk(l)) {
        if (l->answer->status != VBLK_S_OK)
            return HELD;
        enum outcome outcome = wrong_status(l, why, "no success where sector times 512 exceeds 64 bits");
        point_at(why, l->chain->req.sector);
        return outcome;
    }
    return l->chain->req.slot == TY_IN && l->chain->req.sector > 0 && l->answer->read.compared && !l->answer->read.bad
               ? HELD
               : UNTOUCHED;
}

CHECK(BLK_OP_07, VBLK_DRIVER, AT(AVAILABLE),
      TYPE(GET_ID) | TYPE(GET_LIFETIME) | TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_)
        return UNTOUCHED;
    return l->chain->req.sector == 0 ? HELD
                                     : broken(why, "sector 0 in a request that has no use for it", "sector %llu",
                                              (unsigned long long)l->chain->req.sector);
}

CHECK(BLK_OP_08, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    if (!l->answer->read.bad)
        return l->answer->read.compared ? HELD : UNTOUCHED;
    return judge_data(l, why, CAUSE(NOBODY) | CAUSE(READ), false, "the same bytes that the sector held before");
}

CHECK(BLK_OP_09, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    if (l->o->stability_at_cut != NOT_STABLE)
        return UNTOUCHED; /* after a power cut: BLK-OP-DEV-20 */
    enum outcome outcome = judge_data(l, why, CAUSE(WRITE), false, "the bytes that were written to the sector");
    return outcome != UNTOUCHED ? outcome
                                : judge_data(l, why, CAUSE(WRITE), true, "sectors beside a write left as they were");
}

CHECK(BLK_OP_15, VBLK_DEVICE, AT(USED), TYPE(GET_ID), ANY_PLACE, NO_SIGHT)
{
    uint8_t id[VBLK_ID_BYTES];
    bool ended = false, control = false;

    if (!lawful(l->chain) || l->answer->status != VBLK_S_OK ||
        chain_copy(l->o, l->q, l->chain, true, 0, id, sizeof(id)) != sizeof(id))
        return UNTOUCHED;
    for (unsigned i = 0; i < sizeof(id); i++) {
        if ((ended && id[i] != 0) || id[i] > 0x7f) {
            enum outcome outcome = broken(why, "ASCII up to 20 bytes, NUL from its end on", "byte 0x%02x at offset %u%s",
                                          id[i], i, ended ? ", after a NUL" : "");
            show_bytes(why, id, sizeof(id));
            return ended ? deployed(why, outcome) : outcome;
        }
        ended |= id[i] == 0;
        control |= id[i] != 0 && (id[i] < 0x20 || id[i] == 0x7f);
    }
    return control ? doubted(why, "a string that can be printed", "control characters in the device id") : HELD;
}

/* A range past capacity that is answered OK, a read apart (SAFE-DEV-05); a capacity about to change excuses it. */
static bool past_capacity(const struct look *l)
{
    const struct chain *c = l->chain;
    bool empty = (c->faults & F_ZERO_SECTORS) != 0 || (c->req.slot == TY_OUT && c->req.out_len == 0);
    return (c->faults & F_RANGE) != 0 && c->req.slot != TY_IN && !empty && !l->o->ctl.capacity_old && !wraps_onto_disk(l);
}

static enum outcome accepted_past_capacity(const struct look *l, struct why *why)
{
    static const char expected[] = "an error for a range past capacity";
    const int chosen = reading(l->o, VBLK_AMB_04);

    if (chosen == 2 && l->chain->req.slot != TY_OUT)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_04, chosen == 1 ? broken(why, expected, "OK") : doubted(why, expected, "OK"));
}

/* IOERR without a fault of the driver's may be the medium's: worth a look, never a failure. */
CHECK(BLK_OP_20, VBLK_DEVICE, AT(USED), ALL_BUT_PROVISION, ANY_PLACE, NO_SIGHT)
{
    if (!answered(l) || status_left_alone(l))
        return UNTOUCHED;
    if (l->answer->status > VBLK_S_UNSUPP)
        return wrong_status(l, why, "OK, IOERR or UNSUPP");
    if (l->answer->status == VBLK_S_OK && past_capacity(l))
        return accepted_past_capacity(l, why);
    if (l->answer->read.bad) {
        enum outcome outcome = judge_data(l, why, CAUSE(REFUSED), false, "no effect of a request answered UNSUPP");
        if (outcome != UNTOUCHED)
            return outcome;
    }
    return HELD;
}

/* Types that this profile does not know, or whose feature was not negotiated: AMB-19. */
CHECK(BLK_OP_21, VBLK_DEVICE, AT(USED),
      TYPE(OTHER) | TYPE(FLUSH) | TYPE(GET_LIFETIME) | TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE),
      ANY_PLACE, NO_SIGHT)
{
    char buf[16];
    bool unknown = l->chain->req.slot == TY_OTHER;

    if (!answered(l) || l->answer->status > VBLK_S_UNSUPP ||
        (unknown && l->o->opt.profile.zoned && negotiated(l->o, VBLK_F_ZONED)))
        return UNTOUCHED;
    if (!unknown && ((l->chain->faults & F_NOT_NEGOTIATED) == 0 || (l->chain->faults & F_READ_ONLY) != 0))
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_UNSUPP)
        return HELD;
    enum outcome outcome = broken(why, "UNSUPP for a request the device does not support", "%s for type %u",
                                  say_status(l->answer->status, buf), l->chain->req.type);
    return by_reading(why, VBLK_AMB_19, reading(l->o, VBLK_AMB_19) == 1 && unknown ? outcome : DOUBTED);
}

static enum outcome no_fault(const struct look *l, struct why *why, uint32_t fault, const char *expected,
                             const char *what, uint64_t number)
{
    if (l->chain->void_)
        return UNTOUCHED;
    if ((l->chain->faults & fault) == 0)
        return HELD;
    return broken(why, expected, "%s %llu, head %u", what, (unsigned long long)number, l->chain->head);
}

CHECK(BLK_OP_DRV_02, VBLK_DRIVER, AT(AVAILABLE), (TYPE(IN) | TYPE(OUT) | SEGMENT_TYPES) & ~TYPE(PROVISION), ANY_PLACE,
      NO_SIGHT)
{
    uint64_t capacity;
    if (!limit_of(&l->o->ctl, LIM_CAPACITY, &capacity))
        return UNTOUCHED;
    enum outcome outcome = no_fault(l, why, F_RANGE, "no sector past capacity", "a range past capacity from sector",
                                    l->chain->req.sector);
    bool segments = (1u << l->chain->req.slot & SEGMENT_TYPES) != 0;
    if (outcome != BROKEN || !segments)
        return outcome;
    return by_reading(why, VBLK_AMB_04, reading(l->o, VBLK_AMB_04) == 2 ? HELD : BROKEN);
}

CHECK(BLK_OP_DRV_06, VBLK_DRIVER, AT(AVAILABLE), TYPE(IN) | TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    const struct request *r = &l->chain->req;
    return no_fault(l, why, F_UNIT, "data of a multiple of 512 bytes", "bytes:",
                    r->slot == TY_IN ? r->in_len : r->out_len);
}

CHECK(BLK_OP_DRV_10, VBLK_DRIVER, AT(AVAILABLE), TYPE(GET_ID), ANY_PLACE, NO_SIGHT)
{
    return no_fault(l, why, F_DATA, "20 bytes of data for GET_ID", "bytes:", l->chain->req.in_len);
}

CHECK(BLK_OP_DEV_03, VBLK_DEVICE, AT(USED), TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    if (!answered(l) || (l->chain->faults & F_READ_ONLY) == 0 || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED; /* no status at all: BLK-OP-20 */
    return l->answer->status == VBLK_S_IOERR ? HELD
                                             : wrong_status(l, why, "IOERR for a write to a device that offers RO");
}

CHECK(BLK_OP_DEV_04, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(WRITE_REFUSED), false, "no data written while RO is offered");
}

/* Odd framing tests the rule. */
CHECK(FRAME_DEV_01, VBLK_DEVICE, AT(USED), ALL_BUT_PROVISION & ~TYPE(NONE) & ~TYPE(OTHER), ANY_PLACE, NO_SIGHT)
{
    if (!lawful(l->chain) || l->answer->status > VBLK_S_UNSUPP || !l->chain->odd_framing)
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_OK || l->o->ctl.capacity_old) /* it may be past the end by now */
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    char buf[16];
    return doubted(why, "the same answer whatever the framing", "%s for a request in %u descriptors",
                   say_status(l->answer->status, buf), l->chain->count);
}

CHECK(FRAME_DEV_02, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    uint64_t seg_max;
    if (!answered(l) || !limit_of(&l->o->ctl, LIM_SEG_MAX, &seg_max) || l->chain->count <= seg_max + 2)
        return UNTOUCHED;
    return noted(why, l->answer->status == VBLK_S_OK ? "accepts a chain beyond seg_max" : "refuses a chain beyond seg_max");
}

CHECK(FRAME_DRV_01, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ && (l->chain->faults & F_ORDER) == 0)
        return UNTOUCHED;
    return (l->chain->faults & F_ORDER) == 0
               ? HELD
               : broken(why, "readable elements before writable ones", "a readable one follows, head %u", l->chain->head);
}

CHECK(FRAME_DRV_02, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    uint64_t limit;
    if (l->chain->void_)
        return UNTOUCHED;
    if ((l->chain->faults & (F_SEG_MAX | F_SIZE_MAX)) == 0)
        return limit_of(&l->o->ctl, LIM_SEG_MAX, &limit) || limit_of(&l->o->ctl, LIM_SIZE_MAX, &limit) ? HELD
                                                                                                     : UNTOUCHED;
    return by_reading(why, VBLK_AMB_32,
                      doubted(why, "no more data descriptors than seg_max, none longer than size_max",
                              "%u data descriptors", l->chain->req.data_pieces));
}
