/* SPDX-License-Identifier: BSD-3-Clause */
/* FLUSH and what survives a loss of power: 5.2.5.2, 5.2.6.2. */
#include "judge.h"

static bool has_bit(uint64_t features, unsigned bit)
{
    return (features >> bit & 1) != 0;
}

/* What a transport made up is no offer of the device's. */
static bool offer_read(const struct look *l)
{
    return l->ev->reg == VBLK_REG_DEVICE_FEATURES && (l->ev->flags & VBLK_EV_EMULATED) == 0;
}

CHECK(BLK_INIT_DEV_01, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (!offer_read(l))
        return UNTOUCHED;
    return has_bit(l->ev->value, VBLK_F_FLUSH) ? HELD : broken(why, "FLUSH offered", "features 0x%llx",
                                                              (unsigned long long)l->ev->value);
}

CHECK(BLK_INIT_DEV_02, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (!offer_read(l) || !has_bit(l->ev->value, VBLK_F_CONFIG_WCE))
        return UNTOUCHED;
    return has_bit(l->ev->value, VBLK_F_FLUSH) ? HELD : broken(why, "FLUSH offered along with CONFIG_WCE",
                                                              "features 0x%llx", (unsigned long long)l->ev->value);
}

/* A driver that assumes writeback flushes before it gives up the device. */
CHECK(BLK_INIT_DRV_03, VBLK_DRIVER, AT(AVAILABLE) | AT(REG_WRITE), TYPE(FLUSH), ANY_PLACE, NO_SIGHT)
{
    if (!negotiated(l->o, VBLK_F_FLUSH) || negotiated(l->o, VBLK_F_CONFIG_WCE) || l->o->unflushed == 0)
        return UNTOUCHED;
    if (l->chain != NULL)
        return HELD;
    if (l->ev->reg != VBLK_REG_STATUS || l->ev->value != 0 || !l->o->ctl.live || l->o->ctl.made_up ||
        (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    if (l->o->ctl.needs_reset || l->o->ctl.failed || l->o->outstanding > 0 || l->o->distrusted)
        return UNTOUCHED; /* it resets what does not answer any more, or answers nonsense */
    return doubted(why, "FLUSH after writes, the cache being assumed writeback", "reset with %u writes not flushed",
                   l->o->unflushed);
}

CHECK(BLK_OP_DRV_04, VBLK_DRIVER, AT(AVAILABLE), TYPE(FLUSH), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_)
        return UNTOUCHED;
    return l->chain->req.sector == 0 ? HELD : broken(why, "sector 0 in FLUSH", "sector %llu",
                                                     (unsigned long long)l->chain->req.sector);
}

CHECK(BLK_OP_DRV_05, VBLK_DRIVER, AT(AVAILABLE), TYPE(FLUSH), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || (l->chain->faults & F_NO_STATUS) != 0)
        return UNTOUCHED; /* the byte may be the status: BLK-OP-01 */
    return (l->chain->faults & F_DATA) == 0 ? HELD : broken(why, "no data in FLUSH", "%llu readable, %llu writable bytes",
                                                            (unsigned long long)l->chain->req.out_len,
                                                            (unsigned long long)l->chain->req.in_len);
}

static bool writeback_write(const struct look *l, struct vblk_config_field *field)
{
    return vblk_config_field_find(&l->o->opt.profile, "writeback", field) && l->ev->at == field->offset &&
           l->ev->len == 1 && l->ev->bytes != NULL;
}

CHECK(BLK_OP_DRV_14, VBLK_DRIVER, AT(CONFIG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    struct vblk_config_field field;
    if (!negotiated(l->o, VBLK_F_CONFIG_WCE) || !writeback_write(l, &field))
        return UNTOUCHED;
    if (l->ev->bytes[0] > 1)
        return doubted(why, "0 or 1 written to writeback", "%u", l->ev->bytes[0]);
    return noted(why, l->ev->bytes[0] == 0 ? "switched to writethrough" : "switched to writeback");
}

/* ---- after power was lost ---- */

CHECK(BLK_OP_DEV_15, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return judge_data(l, why, CAUSE(POWER_CUT), false, "old or new bytes of a volatile write, or a mixture");
}

/* Stable data read back: HELD or BROKEN if it became stable by @by, or by any rule with NOT_STABLE. */
static enum outcome survived(const struct look *l, struct why *why, enum stability by)
{
    if (l->o->power_cuts == 0 || l->o->stability_at_cut == NOT_STABLE ||
        (by != NOT_STABLE && l->o->stability_at_cut != by))
        return UNTOUCHED;
    return judge_data(l, why, CAUSE(WRITE), false, "a stable write survives a loss of power");
}

CHECK(BLK_OP_DEV_16, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return survived(l, why, STABLE_NEITHER);
}

CHECK(BLK_OP_DEV_17, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return survived(l, why, STABLE_WRITETHROUGH);
}

CHECK(BLK_OP_DEV_18, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return survived(l, why, STABLE_FLUSHED);
}

CHECK(BLK_OP_DEV_20, VBLK_DEVICE, AT(USED), TYPE(IN), ANY_PLACE, NO_SIGHT)
{
    return survived(l, why, NOT_STABLE);
}

/* ---- what the text leaves open; recorded when it happens ---- */

CHECK(BLK_OP_DEV_19, VBLK_DEVICE, AT(USED), TYPE(FLUSH), ANY_PLACE, NO_SIGHT)
{
    if (l->answer->status != VBLK_S_OK || l->o->mutators == 0)
        return UNTOUCHED;
    return noted(why, "flushed with a write in flight");
}

CHECK(BLK_OP_DEV_21, VBLK_DEVICE, AT(CONFIG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    struct vblk_config_field field;
    if (!negotiated(l->o, VBLK_F_CONFIG_WCE) || !writeback_write(l, &field) || l->o->mutators == 0)
        return UNTOUCHED;
    return noted(why, "mode changed with a write in flight");
}

CHECK(BLK_OP_DEV_22, VBLK_DEVICE, AT(USED), TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    if (has_bit(l->o->ctl.offered_ever, VBLK_F_FLUSH) || l->answer->status != VBLK_S_OK)
        return UNTOUCHED;
    return noted(why, "FLUSH not offered: durability is the device's choice");
}
