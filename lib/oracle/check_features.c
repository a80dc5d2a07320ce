/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature bits and their negotiation: 2.2. */
#include "check_features.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

typedef unsigned long long ull; /* for messages */

static bool case_end(const struct look *l)
{
    return l->ev->kind == VBLK_EV_CASE_END;
}

/* New bits after FEATURES_OK are INIT-DRV-09's; this is taking some back. */
static enum outcome rewrites(const struct look *l, struct why *why)
{
    const struct control *ctl = &l->o->ctl;

    if (acceptance(l))
        return ctl->negotiated_ever != 0 ? HELD : UNTOUCHED;
    if (l->ev->reg != VBLK_REG_DRIVER_FEATURES || ctl->refused || !ctl->accepted_written ||
        (l->ev->value & ~ctl->negotiated) != 0 || l->ev->value == ctl->negotiated)
        return UNTOUCHED;
    return blame_driver(why, broken(why, "other features after a reset alone", "0x%llx after FEATURES_OK for 0x%llx",
                                    (ull)l->ev->value, (ull)ctl->negotiated));
}

/* A device that goes back on FEATURES_OK; or, told other features too late, serves as if nothing had happened. */
CHECK(FEAT_01, VBLK_NOBODY, AT(REG_READ) | AT(REG_WRITE) | AT(USED),
      TYPE(FLUSH) | TYPE(GET_LIFETIME) | TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (l->answer != NULL)
        return ctl->features_ok && ctl->accepted != ctl->negotiated && !l->chain->void_ && l->chain->faults == 0 &&
                       l->answer->status == VBLK_S_OK
                   ? HELD
                   : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return rewrites(l, why);
    if (!ctl->features_ok || ctl->reset_asked || !status_read_of(l->ev, &status) ||
        (status & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_NEEDS_RESET)) != 0)
        return UNTOUCHED;
    return broken(why, "FEATURES_OK stays until a reset", "status 0x%02x", status);
}

/* ---- numbers ---- */

/* What a later revision gives a meaning to may be offered; a driver by this text can't know it. */
RULE(FEAT_02, VBLK_NOBODY, AT(REG_READ) | AT(REG_WRITE))
{
    if (l->o->opt.profile.version >= 0x0104)
        return UNTOUCHED; /* FEAT-03 */
    if (offer_shown(l))
        return (l->ev->value & FEATURES_41_TO_49) == 0 ? HELD : noted(why, "offers bits of a later revision");
    if (!acceptance(l) || (l->ev->value & offer_known(&l->o->ctl) & FEATURES_41_TO_49) == 0)
        return UNTOUCHED;
    return blame_driver(why, doubted(why, "bits 41 to 49 left alone", "0x%llx accepted", (ull)l->ev->value));
}

RULE(FEAT_03, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l))
        return UNTOUCHED;
    return (l->ev->value & FEATURES_44_TO_49) == 0
               ? HELD
               : broken(why, "bits 44 to 49 left alone", "features 0x%llx", (ull)l->ev->value);
}

/* First byte after all that the profile knows. */
static uint64_t fields_end(const struct vblk_oracle *o)
{
    struct vblk_config_field field;
    uint64_t end = 0;

    for (size_t i = 0; field_at(o, i, &field); i++)
        if (field.offset + (uint64_t)field.width > end)
            end = field.offset + (uint64_t)field.width;
    return (end + 3) & ~(uint64_t)3; /* the last one's padding */
}

/* Bytes that are all ones are what a bus answers where nobody is. */
RULE(FEAT_04, VBLK_DEVICE, AT(CONFIG_READ))
{
    const struct control *ctl = &l->o->ctl;
    const struct vblk_event *ev = l->ev;
    uint64_t end = fields_end(l->o), at;

    if (ev->bytes == NULL || ev->at + ev->len <= end || !ctl->offered_read)
        return UNTOUCHED;
    if (undescribed(l, ctl->offered) != 0)
        return HELD; /* something new was announced */
    for (at = ev->at > end ? ev->at : end; at < ev->at + ev->len; at++)
        if (ev->bytes[at - ev->at] != 0 && ev->bytes[at - ev->at] != 0xff)
            break;
    if (at == ev->at + ev->len)
        return HELD;
    enum outcome outcome = doubted(why, "no field without a feature bit that announces it",
                                   "0x%02x after the last field known", ev->bytes[at - ev->at]);
    point_at(why, at);
    return outcome;
}

/* ---- the driver's choice ---- */

RULE(FEAT_DRV_01, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct vblk_profile *profile = &l->o->opt.profile;
    uint64_t offered = offer_known(&l->o->ctl);
    uint64_t elsewhere = profile->provision ? VBLK_BIT(profile->provision_bit) : 0; /* PROV-FEAT-05 */

    if (!acceptance(l) || l->o->ctl.offered_ever == 0)
        return UNTOUCHED; /* INIT-DRV-05 */
    if ((l->ev->value & ~offered) == 0)
        return HELD;
    return (l->ev->value & ~offered & ~elsewhere) == 0
               ? UNTOUCHED
               : broken(why, "nothing accepted that is not offered", "accepted 0x%llx, offered 0x%llx",
                        (ull)l->ev->value, (ull)offered);
}

/* For block devices the text names no prerequisite but, under one reading, FLUSH of CONFIG_WCE. The legacy interface
 * has no bits above 31. */
RULE(FEAT_DRV_02, VBLK_DRIVER, AT(REG_WRITE))
{
    const uint64_t modern = ~(uint64_t)0 << (VBLK_F_VERSION_1 + 1);
    uint64_t accepted = l->o->ctl.accepted;

    if (!settles(l))
        return UNTOUCHED;
    if (has_feature(accepted, VBLK_F_CONFIG_WCE) && !has_feature(accepted, VBLK_F_FLUSH))
        return by_reading(why, VBLK_AMB_33,
                          reading(l->o, VBLK_AMB_33) == 0
                              ? HELD
                              : broken(why, "FLUSH accepted along with CONFIG_WCE", "0x%llx accepted", (ull)accepted));
    if ((accepted & modern) != 0 && !has_feature(accepted, VBLK_F_VERSION_1))
        return offers(&l->o->ctl, VBLK_F_VERSION_1)
                   ? UNTOUCHED /* RSVF-DRV-01 */
                   : doubted(why, "no features above 32 without VERSION_1", "0x%llx accepted", (ull)accepted);
    return (accepted & (VBLK_BIT(VBLK_F_CONFIG_WCE) | modern)) != 0 ? HELD : UNTOUCHED;
}

/* What the device offered and granted before, with nothing undescribed in it. */
static bool granted_before(const struct control *ctl, uint64_t offered, uint64_t *accepted)
{
    for (unsigned i = 0; i < ctl->grants; i++) {
        if (ctl->granted[i].offered != offered)
            continue;
        *accepted = ctl->granted[i].accepted;
        return true;
    }
    return false;
}

RULE(FEAT_DRV_04, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    uint64_t unknown, before;

    if (!first_sets(l, VBLK_STATUS_DRIVER_OK) || !ctl->offered_read || !ctl->accepted_written)
        return UNTOUCHED;
    unknown = undescribed(l, ctl->offered);
    if (unknown == 0 || (ctl->accepted & unknown) != 0)
        return UNTOUCHED; /* FEAT-DRV-05 */
    if (!granted_before(ctl, ctl->offered & ~unknown, &before) || before == ctl->accepted)
        return HELD;
    return doubted(why, "the same choice as without the bits that nobody describes",
                   "accepted 0x%llx of 0x%llx, 0x%llx without 0x%llx", (ull)ctl->accepted, (ull)ctl->offered,
                   (ull)before, (ull)unknown);
}

RULE(FEAT_DRV_05, VBLK_DRIVER, AT(REG_WRITE))
{
    uint64_t offered = offer_known(&l->o->ctl);

    if (!acceptance(l) || undescribed(l, offered) == 0)
        return UNTOUCHED;
    uint64_t taken = undescribed(l, offered & l->ev->value);
    return taken == 0 ? HELD : broken(why, "no bit accepted that the text does not describe", "0x%llx", (ull)taken);
}

/* ---- features that are missed, or come as a surprise ---- */

/* FAILED over the offer, as far as can be seen: before anything else could go wrong. */
static bool fails_over_offer(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    return first_sets(l, VBLK_STATUS_FAILED) && ctl->offered_read && !ctl->needs_reset &&
           (ctl->status_ever & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK)) == 0;
}

/* To do without VERSION_1 is no duty: RSVF-DRV-02. */
RULE(FEAT_DRV_06, VBLK_DRIVER, AT(REG_WRITE))
{
    uint64_t missing = features_missing(&l->o->ctl);

    if (missing != 0 && first_sets(l, VBLK_STATUS_DRIVER_OK) && !l->o->ctl.failed && !l->o->ctl.refused)
        return HELD;
    missing &= ~VBLK_BIT(VBLK_F_VERSION_1);
    if (missing == 0 || !fails_over_offer(l) || !offers(&l->o->ctl, VBLK_F_VERSION_1))
        return UNTOUCHED;
    return broken(why, "a driver that does without a feature it knows", "FAILED, 0x%llx not offered any more",
                  (ull)missing);
}

/* Whether a driver that stops short has given up, or was stopped, nobody can see. */
RULE(FEAT_DRV_07, VBLK_DRIVER, AT(REG_WRITE) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    uint64_t missing = features_missing(ctl);
    uint8_t status;

    if (missing == 0)
        return UNTOUCHED;
    if (!case_end(l) && fails_over_offer(l))
        return HELD;
    missing &= ~VBLK_BIT(VBLK_F_VERSION_1);
    if ((!case_end(l) && (!status_write(l->ev, &status) || status != 0)) || ctl->failed || missing == 0 ||
        (ctl->status_ever & VBLK_STATUS_DRIVER) == 0 || ctl->accepted_written ||
        (ctl->status_ever & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK)) != 0)
        return UNTOUCHED;
    return doubted(why, "FAILED from a driver that can't do without a feature",
                   "initialisation left, 0x%llx not offered any more", (ull)missing);
}

RULE(FEAT_DRV_08, VBLK_DRIVER, AT(REG_WRITE) | AT(CASE_END))
{
    const uint8_t on = VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK;
    uint8_t status;

    if (!gave_up_over_feature(&l->o->ctl))
        return UNTOUCHED;
    if (case_end(l))
        return HELD;
    if (!status_write(l->ev, &status))
        return UNTOUCHED; /* INIT-DRV-14 */
    if ((status & on) != 0 && (status & VBLK_STATUS_FAILED) != 0)
        return broken(why, "initialisation ends with FAILED", "status 0x%02x", status);
    return status == 0 ? HELD : UNTOUCHED;
}

RULE(FEAT_DRV_09, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    const char *expected = "an unknown feature is no reason to fail";
    uint64_t unknown, before;
    bool live = first_sets(l, VBLK_STATUS_DRIVER_OK);

    if ((!live && !fails_over_offer(l)) || !ctl->offered_read || features_missing(ctl) != 0)
        return UNTOUCHED;
    unknown = undescribed(l, ctl->offered);
    if (unknown == 0 || live)
        return unknown == 0 || ctl->failed ? UNTOUCHED : HELD;
    if (!granted_before(ctl, ctl->offered & ~unknown, &before))
        return doubted(why, expected, "FAILED, 0x%llx offered", (ull)unknown);
    return broken(why, expected, "FAILED with 0x%llx offered, none without", (ull)unknown);
}

/* ---- the device ---- */

/* The one prerequisite that the text has for a block device's offer. */
RULE(FEAT_DEV_01, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l) || !has_feature(l->ev->value, VBLK_F_CONFIG_WCE))
        return UNTOUCHED;
    return has_feature(l->ev->value, VBLK_F_FLUSH)
               ? HELD
               : broken(why, "no feature without the one it needs", "CONFIG_WCE without FLUSH: 0x%llx",
                        (ull)l->ev->value);
}

/* The driver came to this step by those before it: a device may refuse one that did not. */
static bool in_sequence(const struct control *ctl)
{
    const unsigned before = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER;

    return (ctl->status_ever & before) == before;
}

/* Neither a fault of the driver's nor something that a device may insist on. */
static bool valid_choice(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    const uint64_t insisted =
        VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM) | VBLK_BIT(VBLK_F_ORDER_PLATFORM);
    uint64_t a = ctl->accepted;

    if (reading(l->o, VBLK_AMB_33) == 1 && has_feature(a, VBLK_F_CONFIG_WCE) && !has_feature(a, VBLK_F_FLUSH))
        return false;
    return ctl->offered_ever != 0 && (a & ~offer_known(ctl)) == 0 && (offer_known(ctl) & insisted & ~a) == 0;
}

static bool was_granted(const struct control *ctl)
{
    for (unsigned i = 0; i < ctl->grants; i++)
        if (ctl->granted[i].accepted == ctl->accepted)
            return true;
    return false;
}

RULE(FEAT_DEV_02, VBLK_DEVICE, AT(REG_READ))
{
    const struct vblk_profile *profile = &l->o->opt.profile;
    const struct control *ctl = &l->o->ctl;
    bool kept;

    if (!verdict_shown(l, &kept) || !valid_choice(l))
        return UNTOUCHED;
    if (kept || !in_sequence(ctl))
        return kept ? HELD : UNTOUCHED;
    if (was_granted(ctl) || (profile->provision && ctl->accepted == (VBLK_BIT(profile->provision_bit) |
                                                                     VBLK_BIT(VBLK_F_VERSION_1))))
        return UNTOUCHED; /* FEAT-DEV-05, PROV-FEAT-04 */
    return broken(why, "FEATURES_OK for a subset of what is offered", "0x%llx of 0x%llx refused", (ull)ctl->accepted,
                  (ull)offer_known(ctl));
}

/* Deployed devices drop what they did not offer and go on. */
RULE(FEAT_DEV_03, VBLK_DEVICE, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    const char *expected = "FEATURES_OK refused for features that can not be accepted";
    uint64_t bad = ctl->accepted & ~offer_known(ctl);
    bool kept;

    if (!verdict_shown(l, &kept) || ctl->offered_ever == 0 || bad == 0)
        return UNTOUCHED;
    if (!kept)
        return HELD;
    return l->o->opt.strictness == VBLK_STRICT ? broken(why, expected, "kept, 0x%llx was not offered", (ull)bad)
                                               : doubted(why, expected, "kept, 0x%llx was not offered", (ull)bad);
}

/* 41 is for PCI alone (RSVF-04), 44 to 49 are FEAT-03's. */
RULE(FEAT_DEV_04, VBLK_DEVICE, AT(REG_READ))
{
    if (!offer_shown(l) || features_misplaced(l, l->ev->value))
        return UNTOUCHED; /* RSVF-01 */
    uint64_t unknown = undescribed(l, l->ev->value);
    if ((unknown & ~FEATURES_44_TO_49) == 0)
        return unknown == 0 ? HELD : UNTOUCHED;
    return broken(why, "no bit offered that the text does not describe", "0x%llx", (ull)unknown);
}

RULE(FEAT_DEV_05, VBLK_DEVICE, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    bool kept;

    if (!verdict_shown(l, &kept) || (ctl->accepted & ~offer_known(ctl)) != 0 || !was_granted(ctl))
        return UNTOUCHED;
    if (kept || !in_sequence(ctl))
        return kept ? HELD : UNTOUCHED;
    return broken(why, "FEATURES_OK for the features it was set for before", "0x%llx refused after a reset",
                  (ull)ctl->accepted);
}
