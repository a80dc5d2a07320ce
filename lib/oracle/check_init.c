/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of initialisation: 3.1.1. Each row judges its own step; INIT-DRV-01 only what none of them names.
 * A transport's own writes of status are nobody's steps.
 */
#include "judge.h"

#define RULE(token, moments) CHECK(token, VBLK_DRIVER, moments, 0, ANY_PLACE, NO_SIGHT)

/* The driver writes status and sets @bit for the first time since the reset. */
static bool sets(const struct look *l, unsigned bit, uint8_t *status)
{
    return status_write(l->ev, status) && (*status & ~l->o->ctl.status_ever & bit) != 0;
}

static bool ever(const struct look *l, unsigned bit)
{
    return (l->o->ctl.status_ever & bit) != 0;
}

static bool writes(const struct look *l, enum vblk_reg reg)
{
    return l->ev->kind == VBLK_EV_REG_WRITE && l->ev->reg == reg;
}

/* A driver of the legacy interface knows no FEATURES_OK. */
static bool legacy(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    return l->o->opt.strictness == VBLK_LEGACY ||
           (ctl->accepted_written && (ctl->accepted >> VBLK_F_VERSION_1 & 1) == 0);
}

static bool first_status(const struct look *l, uint8_t *status)
{
    return status_write(l->ev, status) && *status != 0 && l->o->ctl.status_ever == 0;
}

RULE(INIT_DRV_01, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    const unsigned before = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FEATURES_OK;
    uint8_t status;

    if (sets(l, VBLK_STATUS_FEATURES_OK, &status) && !ctl->accepted_written && !ctl->failed)
        return broken(why, "the accepted features written before FEATURES_OK is set", "no features were written");
    if (!sets(l, VBLK_STATUS_DRIVER_OK, &status) || (ctl->status_ever & before) != before)
        return UNTOUCHED;
    return ctl->features_ok ? HELD : UNTOUCHED;
}

RULE(INIT_DRV_02, AT(REG_WRITE))
{
    uint8_t status;
    if (!first_status(l, &status) || l->o->ctl.made_up)
        return UNTOUCHED;
    return l->o->ctl.reset_asked || l->o->ctl.reset_done
               ? HELD
               : broken(why, "a reset before anything else", "status 0x%02x written, never 0", status);
}

RULE(INIT_DRV_03, AT(REG_WRITE))
{
    uint8_t status;
    if (!sets(l, VBLK_STATUS_DRIVER, &status))
        return UNTOUCHED;
    if (ever(l, VBLK_STATUS_ACKNOWLEDGE))
        return HELD;
    if ((status & VBLK_STATUS_ACKNOWLEDGE) != 0)
        return doubted(why, "ACKNOWLEDGE, then DRIVER", "status 0x%02x in one write", status);
    return broken(why, "ACKNOWLEDGE set before DRIVER is", "status 0x%02x", status);
}

RULE(INIT_DRV_04, AT(REG_WRITE))
{
    if (!writes(l, VBLK_REG_DRIVER_FEATURES) || ever(l, VBLK_STATUS_FEATURES_OK) || l->o->ctl.made_up)
        return UNTOUCHED;
    return ever(l, VBLK_STATUS_DRIVER)
               ? HELD
               : broken(why, "DRIVER set before features are accepted", "status 0x%02x", l->o->ctl.status_written);
}

/* A driver that read them in an earlier life knows them, too. */
RULE(INIT_DRV_05, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    if (!writes(l, VBLK_REG_DRIVER_FEATURES) || ctl->accepted_written || ever(l, VBLK_STATUS_FEATURES_OK))
        return UNTOUCHED;
    if (ctl->offer_seen)
        return HELD;
    return ctl->offered_ever != 0 ? UNTOUCHED
                                  : broken(why, "the offered features read before some are accepted",
                                           "0x%llx written, nothing read", (unsigned long long)l->ev->value);
}

RULE(INIT_DRV_06, AT(CONFIG_READ))
{
    return ever(l, VBLK_STATUS_DRIVER) && !ever(l, VBLK_STATUS_FEATURES_OK) && !l->o->ctl.made_up
               ? noted(why, "reads the configuration in step 4")
               : UNTOUCHED;
}

RULE(INIT_DRV_07, AT(CONFIG_WRITE))
{
    if (l->o->ctl.made_up)
        return UNTOUCHED;
    if (ever(l, VBLK_STATUS_FEATURES_OK))
        return HELD;
    if (legacy(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no configuration write before FEATURES_OK", "%u bytes written at status 0x%02x",
                                  l->ev->len, l->o->ctl.status_written);
    point_at(why, l->ev->at);
    return outcome;
}

RULE(INIT_DRV_08, AT(REG_WRITE))
{
    uint8_t status;
    if (!sets(l, VBLK_STATUS_DRIVER_OK, &status))
        return UNTOUCHED;
    if (ever(l, VBLK_STATUS_FEATURES_OK))
        return HELD;
    if ((status & VBLK_STATUS_FEATURES_OK) != 0 || legacy(l))
        return UNTOUCHED; /* two steps in one write: STATUS-DRV-01 */
    return broken(why, "FEATURES_OK set before DRIVER_OK is", "status 0x%02x", status);
}

/* Writing the same once more accepts nothing new. A device that refused leaves nothing to break. */
RULE(INIT_DRV_09, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (sets(l, VBLK_STATUS_DRIVER_OK, &status))
        return ctl->accepted_written && ctl->accepted == ctl->negotiated ? HELD : UNTOUCHED;
    if (!writes(l, VBLK_REG_DRIVER_FEATURES) || !ever(l, VBLK_STATUS_FEATURES_OK) || ctl->refused || ctl->made_up)
        return UNTOUCHED;
    uint64_t fresh = l->ev->value & ~ctl->negotiated;
    return fresh == 0 ? UNTOUCHED
                      : broken(why, "no new features once FEATURES_OK is set", "0x%llx accepted besides",
                               (unsigned long long)fresh);
}

RULE(INIT_DRV_10, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!sets(l, VBLK_STATUS_DRIVER_OK, &status) || !ever(l, VBLK_STATUS_FEATURES_OK))
        return UNTOUCHED;
    if (ctl->refused)
        return broken(why, "a device that refused FEATURES_OK is given up", "DRIVER_OK set all the same");
    if (ctl->features_ok)
        return HELD;
    return ctl->status_reads_seen ? broken(why, "status is read again to see whether FEATURES_OK stays",
                                           "DRIVER_OK set, status not read since")
                                  : UNTOUCHED;
}

RULE(INIT_DRV_11, AT(REG_WRITE))
{
    if (!writes(l, VBLK_REG_QUEUE_ENABLE) || l->ev->value != 1 || (l->ev->flags & VBLK_EV_EMULATED) != 0 || legacy(l))
        return UNTOUCHED;
    if (ever(l, VBLK_STATUS_DRIVER_OK))
        return negotiated(l->o, VBLK_F_RING_RESET)
                   ? UNTOUCHED
                   : broken(why, "queues set up before DRIVER_OK", "queue %u enabled after it", l->ev->queue);
    if (!l->q->touched)
        return broken(why, "queues set up and then enabled", "queue %u enabled with nothing set", l->ev->queue);
    if (!ever(l, VBLK_STATUS_FEATURES_OK))
        return broken(why, "queues set up after FEATURES_OK", "queue %u enabled at status 0x%02x", l->ev->queue,
                      l->o->ctl.status_written);
    return l->o->ctl.features_ok ? HELD : UNTOUCHED;
}

RULE(INIT_DRV_12, AT(REG_WRITE))
{
    const unsigned before = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER;
    uint8_t status;

    if (!sets(l, VBLK_STATUS_DRIVER_OK, &status))
        return UNTOUCHED;
    if (((status | l->o->ctl.status_ever) & VBLK_STATUS_DRIVER) == 0)
        return broken(why, "DRIVER_OK last of all bits", "status 0x%02x, DRIVER never set", status);
    return (status & before) == before ? HELD : UNTOUCHED;
}

/* ---- failure ---- */

RULE(INIT_DRV_13, AT(REG_WRITE) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status = 0;

    /* One that went on did not fail: INIT-DRV-10. */
    if (!ctl->refused || ctl->failed || ctl->made_up || ever(l, VBLK_STATUS_DRIVER_OK) ||
        (l->ev->kind == VBLK_EV_REG_WRITE && !status_write(l->ev, &status)))
        return UNTOUCHED;
    if ((status & VBLK_STATUS_FAILED) != 0)
        return HELD;
    if (status != 0)
        return UNTOUCHED;
    return broken(why, "FAILED set when the device refuses", "FEATURES_OK was refused, FAILED never written");
}

RULE(INIT_DRV_14, AT(REG_WRITE) | AT(KICK) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!ctl->failed || (ctl->status_written & VBLK_STATUS_FAILED) == 0)
        return UNTOUCHED; /* it began anew: STATUS-DRV-03 */
    if (l->ev->kind == VBLK_EV_CASE_END)
        return HELD;
    if (l->ev->kind == VBLK_EV_KICK)
        return broken(why, "nothing but a reset after FAILED", "queue %u was notified", l->ev->queue);
    if (status_write(l->ev, &status)) {
        if (status == 0 || (status & VBLK_STATUS_FAILED) == 0)
            return status == 0 ? HELD : UNTOUCHED; /* STATUS-DRV-03 */
        if (gave_up_over_feature(ctl) && (status & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK)) != 0)
            return UNTOUCHED; /* FEAT-DRV-08 */
        return (status & ~ctl->status_ever) == 0
                   ? UNTOUCHED
                   : broken(why, "nothing but a reset after FAILED", "status 0x%02x", status);
    }
    if (l->ev->reg == VBLK_REG_STATUS)
        return UNTOUCHED;
    return broken(why, "nothing but a reset after FAILED", "%s was written", vblk_reg_name((enum vblk_reg)l->ev->reg));
}

RULE(INIT_DRV_15, AT(KICK))
{
    const struct control *ctl = &l->o->ctl;

    if (ctl->made_up)
        return UNTOUCHED;
    if (ctl->live || ever(l, VBLK_STATUS_DRIVER_OK))
        return HELD;
    if (ctl->failed || !ctl->status_reads_seen)
        return UNTOUCHED;
    return broken(why, "no notification before DRIVER_OK", "queue %u notified at status 0x%02x", l->ev->queue,
                  ctl->status_written);
}
