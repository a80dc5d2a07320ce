/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature bits of block devices: 5.2.3. What the fields hold is judged by the rows of the configuration. */
#include "check_features.h"

#define RULE(token) CHECK(token, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)

/*
 * The fields that a bit validates are there. What is missing before FEATURES_OK is CFG-DEV-01's, a configuration that
 * is known to be too short CFG-01's.
 */
static enum outcome validates(const struct look *l, struct why *why, unsigned bit)
{
    const struct control *ctl = &l->o->ctl;
    const struct vblk_event *ev = l->ev;
    struct vblk_config_field field;
    enum outcome outcome = UNTOUCHED;

    if (!offers(ctl, (int)bit) || !ctl->offered_read)
        return UNTOUCHED;
    for (size_t i = 0; field_at(l->o, i, &field); i++) {
        if (field.feature != (int)bit)
            continue;
        if (ev->len == 0 && ev->at == field.offset && (ctl->status_ever & VBLK_STATUS_FEATURES_OK) != 0) {
            outcome = broken(why, "the fields of a feature that is offered", "no byte of %s came", field.name);
            point_at(why, field.offset);
            return outcome;
        }
        if (ev->bytes != NULL && ev->at <= field.offset && ev->at + ev->len >= (uint64_t)field.offset + field.width)
            outcome = HELD;
    }
    return outcome;
}

RULE(BLK_FEAT_01)
{
    return validates(l, why, VBLK_F_SIZE_MAX);
}

RULE(BLK_FEAT_02)
{
    return validates(l, why, VBLK_F_SEG_MAX);
}

RULE(BLK_FEAT_03)
{
    return validates(l, why, VBLK_F_GEOMETRY);
}

RULE(BLK_FEAT_05)
{
    return validates(l, why, VBLK_F_BLK_SIZE);
}

RULE(BLK_FEAT_07)
{
    return validates(l, why, VBLK_F_TOPOLOGY);
}

RULE(BLK_FEAT_08)
{
    return validates(l, why, VBLK_F_CONFIG_WCE);
}

RULE(BLK_FEAT_09)
{
    return validates(l, why, VBLK_F_MQ);
}

RULE(BLK_FEAT_10)
{
    return validates(l, why, VBLK_F_DISCARD);
}

RULE(BLK_FEAT_11)
{
    return validates(l, why, VBLK_F_WRITE_ZEROES);
}

RULE(BLK_FEAT_13)
{
    return validates(l, why, VBLK_F_SECURE_ERASE);
}

/* ---- bits that stand for behaviour ---- */

/* What is done all the same is judged by BLK-OP-DEV-03, BLK-OP-DEV-04 and BLK-INIT-03; PROVISION has its own rows. */
CHECK(BLK_FEAT_04, VBLK_DEVICE, AT(REG_READ) | AT(USED),
      TYPE(OUT) | TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    const uint64_t change =
        VBLK_BIT(VBLK_F_DISCARD) | VBLK_BIT(VBLK_F_WRITE_ZEROES) | VBLK_BIT(VBLK_F_SECURE_ERASE);

    if (l->answer == NULL) {
        if (!offer_shown(l) || !has_feature(l->ev->value, VBLK_F_RO))
            return UNTOUCHED;
        return noted(why, (l->ev->value & change) == 0 ? "read-only" : "read-only, offers commands that change it");
    }
    return !l->chain->void_ && (l->chain->faults & ~(uint32_t)F_HARMLESS) == F_READ_ONLY &&
                   l->answer->status == VBLK_S_IOERR
               ? HELD
               : UNTOUCHED;
}

/* A command whose feature is negotiated is known to the device. */
static enum outcome signals(const struct look *l, struct why *why, const char *expected)
{
    const struct chain *c = l->chain;

    if (c->void_ || (c->faults & ~(uint32_t)F_HARMLESS) != 0 || l->answer->status > VBLK_S_UNSUPP)
        return UNTOUCHED;
    if (l->answer->status != VBLK_S_UNSUPP)
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    enum outcome outcome = broken(why, expected, "UNSUPP");
    point_at(why, c->req.status_at);
    return outcome;
}

CHECK(BLK_FEAT_06, VBLK_DEVICE, AT(USED), TYPE(FLUSH), ANY_PLACE, NO_SIGHT)
{
    return signals(l, why, "OK or IOERR for FLUSH, being negotiated");
}

CHECK(BLK_FEAT_12, VBLK_DEVICE, AT(USED), TYPE(GET_LIFETIME), ANY_PLACE, NO_SIGHT)
{
    return signals(l, why, "OK or IOERR for GET_LIFETIME, being negotiated");
}
