/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserved feature bits: 6. */
#include "check_features.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

typedef unsigned long long ull; /* for messages */

static bool legacy_run(const struct look *l)
{
    return l->o->opt.strictness == VBLK_LEGACY;
}

/* ---- numbers ---- */

static uint64_t swap_words(uint64_t v)
{
    return v << 32 | v >> 32;
}

static uint64_t swap_bytes(uint64_t v)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 4; i++)
        out |= (v >> (8 * i) & (VBLK_BIT(32) | 1) * 0xff) << (24 - 8 * i);
    return out;
}

bool features_misplaced(const struct look *l, uint64_t offered)
{
    const uint64_t other[] = { swap_words(offered), swap_bytes(offered) };

    if (has_feature(offered, VBLK_F_VERSION_1) || undescribed(l, offered) == 0)
        return false;
    for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (has_feature(other[i], VBLK_F_VERSION_1) && undescribed(l, other[i]) == 0)
            return true;
    return false;
}

/* The number that every modern device shows is VERSION_1's. */
RULE(RSVF_01, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l))
        return UNTOUCHED;
    if (features_misplaced(l, l->ev->value))
        return broken(why, "VERSION_1 as bit 32", "0x%llx has its words or their bytes swapped", (ull)l->ev->value);
    return has_feature(l->ev->value, VBLK_F_VERSION_1) ? HELD : UNTOUCHED;
}

/* A wrong number shows as a breach of its feature's own rows; here it is only told who uses it. */
static enum outcome used_numbers(const struct look *l, struct why *why, uint64_t mask)
{
    bool kept;
    if (!verdict_shown(l, &kept) || (l->o->ctl.offered & mask) == 0)
        return UNTOUCHED;
    if ((l->o->ctl.accepted & mask) == 0)
        return noted(why, "offered, not accepted");
    return noted(why, kept ? "offered and negotiated" : "offered and accepted, refused");
}

RULE(RSVF_02, VBLK_DEVICE, AT(REG_READ))
{
    return used_numbers(l, why,
                        VBLK_BIT(VBLK_F_ACCESS_PLATFORM) | VBLK_BIT(VBLK_F_RING_PACKED) | VBLK_BIT(VBLK_F_IN_ORDER) |
                            VBLK_BIT(VBLK_F_ORDER_PLATFORM) | VBLK_BIT(VBLK_F_SR_IOV) |
                            VBLK_BIT(VBLK_F_NOTIFICATION_DATA));
}

RULE(RSVF_03, VBLK_DEVICE, AT(REG_READ))
{
    return used_numbers(l, why, VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA) | VBLK_BIT(VBLK_F_RING_RESET));
}

RULE(RSVF_05, VBLK_DEVICE, AT(REG_READ))
{
    return used_numbers(l, why, VBLK_BIT(VBLK_F_SUSPEND));
}

/* ---- addresses ---- */

/* The oracle knows all that the device may look at: nothing in flight that it can't follow. */
static bool all_followed(const struct look *l)
{
    const struct vblk_oracle *o = l->o;

    if (negotiated(o, VBLK_F_RING_PACKED) || negotiated(o, VBLK_F_INDIRECT_DESC) || o->abuse != NO_ABUSE ||
        !o->ctl.live || any_queue_lost(o))
        return false;
    for (const struct chain *c = o->oldest; c != NULL; c = c->newer)
        if (c->void_ || (c->faults & F_STRUCTURE) != 0)
            return false;
    return true;
}

/* Stores that go astray are SAFE-DEV-01's. */
CHECK(RSVF_06, VBLK_DEVICE, AT(LOAD) | AT(USED), TYPE(IN) | TYPE(OUT), PLACE(NOTHING), NO_SIGHT)
{
    if (negotiated(l->o, VBLK_F_ACCESS_PLATFORM))
        return UNTOUCHED;
    if (l->answer != NULL)
        return !l->chain->void_ && l->answer->status <= VBLK_S_UNSUPP &&
                       l->answer->status != l->chain->req.status_before
                   ? HELD
                   : UNTOUCHED;
    if (!all_followed(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "loads from addresses that the driver supplied",
                                  "%llu bytes loaded that belong to no buffer", (ull)l->len);
    point_at(why, l->at);
    return outcome;
}

/* ---- what the driver accepts ---- */

/* Without VERSION_1 the driver is one of the legacy interface, and sees 32 bits. */
static enum outcome takes(const struct look *l, struct why *why, unsigned bit, const char *expected)
{
    const struct control *ctl = &l->o->ctl;

    if (!settles(l) || !ctl->offer_seen || !offers(ctl, (int)bit))
        return UNTOUCHED;
    if (bit > VBLK_F_VERSION_1 && !has_feature(ctl->accepted, VBLK_F_VERSION_1))
        return UNTOUCHED;
    return has_feature(ctl->accepted, bit) ? HELD : broken(why, expected, "0x%llx accepted", (ull)ctl->accepted);
}

RULE(RSVF_DRV_01, VBLK_DRIVER, AT(REG_WRITE))
{
    return legacy_run(l) ? UNTOUCHED : takes(l, why, VBLK_F_VERSION_1, "VERSION_1 accepted, being offered");
}

RULE(RSVF_DRV_02, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;

    if (!ctl->offered_read || has_feature(ctl->offered, VBLK_F_VERSION_1))
        return UNTOUCHED;
    if (first_sets(l, VBLK_STATUS_FAILED))
        return noted(why, "gives up without VERSION_1");
    return first_sets(l, VBLK_STATUS_DRIVER_OK) ? noted(why, "goes on without VERSION_1") : UNTOUCHED;
}

RULE(RSVF_DRV_03, VBLK_DRIVER, AT(REG_WRITE))
{
    return takes(l, why, VBLK_F_ACCESS_PLATFORM, "ACCESS_PLATFORM accepted, being offered");
}

RULE(RSVF_DRV_06, VBLK_DRIVER, AT(REG_WRITE))
{
    return takes(l, why, VBLK_F_RING_PACKED, "RING_PACKED accepted, being offered");
}

RULE(RSVF_DRV_07, VBLK_DRIVER, AT(REG_WRITE))
{
    return takes(l, why, VBLK_F_ORDER_PLATFORM, "ORDER_PLATFORM accepted, being offered");
}

/* A capability of PCI does not show in events; none of our block devices has it. */
RULE(RSVF_DRV_10, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;

    if (!settles(l) || !offers(ctl, VBLK_F_SR_IOV))
        return UNTOUCHED;
    return has_feature(ctl->accepted, VBLK_F_SR_IOV)
               ? doubted(why, "SR_IOV for PCI devices with the capability alone", "0x%llx accepted", (ull)ctl->accepted)
               : HELD;
}

/* Each transport has its own way to tell the data, and virtio-mmio has none: whoever accepts it there can't do it. */
RULE(RSVF_DRV_13, VBLK_DRIVER, AT(REG_WRITE))
{
    return l->o->opt.transport == VBLK_TRANSPORT_MMIO ? UNTOUCHED : takes(l, why, VBLK_F_NOTIF_CONFIG_DATA, "NOTIF_CONFIG_DATA accepted, being offered");
}

RULE(BLK_OP_DRV_03, VBLK_DRIVER, AT(REG_WRITE))
{
    return takes(l, why, VBLK_F_RO, "RO accepted, being offered");
}

/* ---- what the device offers, and what it insists on ---- */

RULE(RSVF_DEV_01, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l) || legacy_run(l) || features_misplaced(l, l->ev->value))
        return UNTOUCHED; /* RSVF-01 */
    return has_feature(l->ev->value, VBLK_F_VERSION_1)
               ? HELD
               : broken(why, "VERSION_1 offered", "features 0x%llx", (ull)l->ev->value);
}

static enum outcome insists(const struct look *l, struct why *why, unsigned bit)
{
    const struct control *ctl = &l->o->ctl;
    bool kept;

    if (!verdict_shown(l, &kept) || !offers(ctl, (int)bit) || has_feature(ctl->accepted, bit))
        return UNTOUCHED;
    return noted(why, kept ? "works without it" : "refuses to work without it");
}

RULE(RSVF_DEV_02, VBLK_DEVICE, AT(REG_READ))
{
    return insists(l, why, VBLK_F_VERSION_1);
}

RULE(RSVF_DEV_04, VBLK_DEVICE, AT(REG_READ))
{
    return insists(l, why, VBLK_F_ACCESS_PLATFORM);
}

RULE(RSVF_DEV_06, VBLK_DEVICE, AT(REG_READ))
{
    return insists(l, why, VBLK_F_ORDER_PLATFORM);
}

RULE(RSVF_DEV_10, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l))
        return UNTOUCHED;
    return has_feature(l->ev->value, VBLK_F_SR_IOV)
               ? doubted(why, "SR_IOV from PCI devices with the capability alone", "features 0x%llx",
                         (ull)l->ev->value)
               : HELD;
}
