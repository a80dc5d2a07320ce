/* SPDX-License-Identifier: BSD-3-Clause */
/* What the checks of the provision rows share. */
#ifndef ORACLE_CHECK_PROVISION_H
#define ORACLE_CHECK_PROVISION_H

#include "judge.h"

static inline uint64_t provision_mask(const struct vblk_oracle *o)
{
    return VBLK_BIT(o->opt.profile.provision_bit);
}

static inline bool provision_offered(const struct vblk_oracle *o)
{
    return ((o->ctl.offered | o->ctl.offered_ever) & provision_mask(o)) != 0;
}

/* A limit that is a number to be compared with: 0 is not (AMB-09). */
static inline bool segment_limit(const struct look *l, uint64_t *most)
{
    return limit_of(&l->o->ctl, LIM_PROVISION_SEG, most) && *most != 0;
}

static inline bool sector_limit(const struct look *l, uint64_t *most)
{
    return limit_of(&l->o->ctl, LIM_PROVISION_SECTORS, most) && *most != 0;
}

/* What is wrong with the request on the driver's side. A segment limit of 0 may be taken for none. */
static inline uint32_t provision_faults(const struct look *l)
{
    uint64_t most;
    uint32_t faults = l->chain->faults & ~(uint32_t)F_UNALIGNED;
    bool none = !segment_limit(l, &most) && reading(l->o, VBLK_AMB_09) != 0;
    return none ? faults & ~(uint32_t)F_TOO_MANY : faults;
}

/* The status byte still holds what the driver left in it, as far as this grade can tell. */
static inline bool status_untouched(const struct look *l)
{
    if (sees(l->o, VBLK_SEES_DEVICE_STORES))
        return !l->chain->status_stored;
    return l->answer->status == l->chain->req.status_before && l->answer->status > VBLK_S_UNSUPP;
}

/* The row that judges the status of this answer to a PROVISION request; VBLK_C_COUNT: none. */
unsigned provision_row(const struct look *l);
/* A request without any fault of the driver's, answered with a status that was written. */
bool provision_lawful(const struct look *l);
/* The row that judges the status of a lawful one: that of its most unusual trait. */
unsigned provision_trait(const struct look *l);

/* "expected …, STATUS", pointing at the status byte. */
enum outcome provision_status(const struct look *l, struct why *why, enum outcome outcome, const char *expected);

#endif /* ORACLE_CHECK_PROVISION_H */
