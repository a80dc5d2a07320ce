/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows of features share: feature words, and the moments at which they are settled. */
#ifndef ORACLE_CHECK_FEATURES_H
#define ORACLE_CHECK_FEATURES_H

#include "judge.h"

/* 2.2: bits 41 to 49 are nobody's in 1.2, 44 to 49 in 1.4. */
#define FEATURES_41_TO_49 ((VBLK_BIT(50) - 1) & ~(VBLK_BIT(41) - 1))
#define FEATURES_44_TO_49 ((VBLK_BIT(50) - 1) & ~(VBLK_BIT(44) - 1))

static inline bool has_feature(uint64_t features, unsigned bit)
{
    return (features >> bit & 1) != 0;
}

/* The device's own word on what it offers. */
static inline bool offer_shown(const struct look *l)
{
    return l->ev->kind == VBLK_EV_REG_READ && l->ev->reg == VBLK_REG_DEVICE_FEATURES &&
           (l->ev->flags & VBLK_EV_EMULATED) == 0;
}

/* The driver says what it accepts, while it still may. */
static inline bool acceptance(const struct look *l)
{
    return l->ev->kind == VBLK_EV_REG_WRITE && l->ev->reg == VBLK_REG_DRIVER_FEATURES &&
           (l->o->ctl.status_ever & VBLK_STATUS_FEATURES_OK) == 0;
}

/* The driver sets a bit of status for the first time since the reset. */
static inline bool first_sets(const struct look *l, unsigned bit)
{
    uint8_t status;
    return status_write(l->ev, &status) && (status & ~l->o->ctl.status_ever & bit) != 0;
}

/* The driver's choice is final: FEATURES_OK, or DRIVER_OK where there was none. */
static inline bool settles(const struct look *l)
{
    if (!l->o->ctl.accepted_written)
        return false;
    return first_sets(l, VBLK_STATUS_FEATURES_OK) ||
           (first_sets(l, VBLK_STATUS_DRIVER_OK) && (l->o->ctl.status_ever & VBLK_STATUS_FEATURES_OK) == 0);
}

/* The device's first word on what the driver accepted. */
static inline bool verdict_shown(const struct look *l, bool *kept)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!status_read_of(l->ev, &status) || (ctl->status_written & VBLK_STATUS_FEATURES_OK) == 0 || ctl->features_ok ||
        ctl->refused || !ctl->accepted_written || (status & VBLK_STATUS_NEEDS_RESET) != 0)
        return false;
    *kept = (status & VBLK_STATUS_FEATURES_OK) != 0;
    return true;
}

/* What the device offers, as far as the driver can know. */
static inline uint64_t offer_known(const struct control *ctl)
{
    return ctl->offered_read ? ctl->offered : ctl->offered_ever;
}

/* Bits of @features that the profile's text does not describe. */
static inline uint64_t undescribed(const struct look *l, uint64_t features)
{
    uint64_t unknown = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        if (has_feature(features, bit) && vblk_feature_name(&l->o->opt.profile, bit) == NULL)
            unknown |= VBLK_BIT(bit);
    return unknown;
}

/* A word of features in the wrong place, or with its bytes the wrong way round: it makes sense when it is put right. */
bool features_misplaced(const struct look *l, uint64_t offered);

#endif /* ORACLE_CHECK_FEATURES_H */
