/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_LIFETIME: 5.2.6. */
#include "judge.h"

enum { PRE_EOL_LAST = 3, ESTIMATE_LAST = 11 };

static bool lawful(const struct chain *c)
{
    return !c->void_ && (c->faults & ~(uint32_t)F_HARMLESS) == 0;
}

static bool read_lifetime(const struct look *l, uint16_t value[3])
{
    struct vblk_lifetime wire;
    if (!lawful(l->chain) || l->answer->status != VBLK_S_OK ||
        chain_copy(l->o, l->q, l->chain, true, 0, &wire, sizeof(wire)) != sizeof(wire))
        return false;
    value[0] = vblk_get16(wire.pre_eol_info);
    value[1] = vblk_get16(wire.est_typ_a);
    value[2] = vblk_get16(wire.est_typ_b);
    return true;
}

/* All three sane if the bytes are swapped, and not as they are: BLK-OP-16 says so, and other rows keep still. */
static bool big_endian(const uint16_t value[3])
{
    bool swapped = true, sane = true;
    for (unsigned i = 0; i < 3; i++) {
        unsigned last = i == 0 ? PRE_EOL_LAST : ESTIMATE_LAST;
        sane = sane && value[i] <= last;
        swapped = swapped && (value[i] >> 8) <= last && (value[i] & 0xff) == 0;
    }
    return swapped && !sane;
}

static enum outcome in_range(const struct look *l, struct why *why, unsigned field, unsigned last, const char *expected)
{
    uint16_t value[3];
    if (!read_lifetime(l, value) || big_endian(value))
        return UNTOUCHED;
    return value[field] <= last ? HELD : broken(why, expected, "%u (0x%04x)", value[field], value[field]);
}

CHECK(BLK_OP_16, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    uint16_t value[3];
    if (!read_lifetime(l, value))
        return UNTOUCHED;
    return big_endian(value) ? broken(why, "three little-endian 16-bit numbers", "0x%04x 0x%04x 0x%04x", value[0],
                                      value[1], value[2])
                             : HELD;
}

CHECK(BLK_OP_17, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    return in_range(l, why, 0, PRE_EOL_LAST, "pre_eol_info 0 to 3");
}

CHECK(BLK_OP_18, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    return in_range(l, why, 1, ESTIMATE_LAST, "est_typ_a 0 to 11");
}

CHECK(BLK_OP_19, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    return in_range(l, why, 2, ESTIMATE_LAST, "est_typ_b 0 to 11");
}

/* A device that offers LIFETIME and has nothing to tell should not have offered it. */
CHECK(BLK_OP_DEV_24, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    uint16_t value[3];
    if (!read_lifetime(l, value))
        return UNTOUCHED; /* UNSUPP: BLK-OP-05 */
    if (value[0] == 0 && value[1] == 0 && value[2] == 0)
        return doubted(why, "metrics from a device that offers LIFETIME", "all three undefined");
    return HELD;
}

CHECK(BLK_OP_DEV_25, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    uint16_t value[3];
    if (!read_lifetime(l, value) || big_endian(value))
        return UNTOUCHED;
    return value[0] <= PRE_EOL_LAST && value[1] <= ESTIMATE_LAST && value[2] <= ESTIMATE_LAST
               ? HELD
               : broken(why, "no reserved lifetime value", "%u, %u, %u", value[0], value[1], value[2]);
}
