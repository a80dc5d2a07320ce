/* SPDX-License-Identifier: BSD-3-Clause */
/* Suspending a device: 2.1 and 3.4 of 1.4. */
#include "judge.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

#define SUSPEND VBLK_STATUS_SUSPEND
#define RUNNING VBLK_STATUS_DRIVER_OK

static bool case_end(const struct look *l)
{
    return l->ev->kind == VBLK_EV_CASE_END;
}

/* The device stands still, and nobody told it to go on. */
static bool standing(const struct look *l)
{
    return l->o->ctl.suspended && !l->o->ctl.resume_asked;
}

/* The driver ends a suspension that lasted: it resumes or resets. */
static bool ends(const struct look *l)
{
    uint8_t status;
    return standing(l) && status_write(l->ev, &status) && (status == 0 || (status & RUNNING) != 0);
}

/* The driver asked for suspension, and does as if it had not. */
static bool between(const struct look *l)
{
    return l->o->ctl.suspend_asked && !l->o->ctl.resume_asked;
}

static bool shows_suspended(const struct look *l)
{
    uint8_t status;
    return status_read_of(l->ev, &status) && (status & SUSPEND) != 0 && (status & RUNNING) == 0;
}

static bool shows_running(const struct look *l)
{
    uint8_t status;
    return status_read_of(l->ev, &status) && (status & SUSPEND) == 0 && (status & RUNNING) != 0;
}

static bool shows_needs_reset(const struct look *l)
{
    uint8_t status;
    return status_read_of(l->ev, &status) && (status & VBLK_STATUS_NEEDS_RESET) != 0;
}

RULE(STATUS_02, VBLK_DEVICE, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!ctl->live || negotiated(l->o, VBLK_F_SUSPEND) || (ctl->status_ever & SUSPEND) == 0 ||
        !status_read_of(l->ev, &status))
        return UNTOUCHED;
    return shows_suspended(l) ? broken(why, "no suspension without SUSPEND negotiated", "status 0x%02x", status) : HELD;
}

RULE(SUSP_DRV_01, VBLK_DRIVER, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!status_write(l->ev, &status) || (status & ~(unsigned)ctl->status_written & SUSPEND) == 0)
        return UNTOUCHED;
    if (!negotiated(l->o, VBLK_F_SUSPEND))
        return broken(why, "SUSPEND set only where it was negotiated", "status 0x%02x", status);
    return ctl->live ? HELD : broken(why, "SUSPEND set only after DRIVER_OK", "status 0x%02x", status);
}

RULE(SUSP_DRV_02, VBLK_DRIVER, AT(REG_READ) | AT(REG_WRITE) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!ctl->suspend_asked || ctl->suspended)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_READ)
        return shows_suspended(l) ? HELD : UNTOUCHED;
    if (ctl->needs_reset || (!case_end(l) && (!status_write(l->ev, &status) || status == 0)))
        return UNTOUCHED;
    if (case_end(l) && ctl->status_was_read)
        return UNTOUCHED; /* it looked: SUSP-DEV-07 */
    return broken(why, "status read until SUSPEND is 1 and DRIVER_OK 0", "the driver went on without it");
}

RULE(SUSP_DRV_03, VBLK_DRIVER, AT(AVAIL_IDX) | AT(REG_WRITE))
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return ends(l) ? HELD : UNTOUCHED;
    if (!between(l) || !sees(l->o, VBLK_SEES_DRIVER_STORES))
        return UNTOUCHED;
    return broken(why, "no buffers made available after SUSPEND is set", "available idx went from %u to %u", l->from,
                  l->to);
}

RULE(SUSP_DRV_04, VBLK_DRIVER, AT(KICK) | AT(REG_WRITE))
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return ends(l) ? HELD : UNTOUCHED;
    return between(l) ? broken(why, "no notification after SUSPEND is set", "queue %u notified", l->ev->queue)
                      : UNTOUCHED;
}

RULE(SUSP_DRV_05, VBLK_DRIVER, AT(CONFIG_WRITE) | AT(REG_WRITE))
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return ends(l) ? HELD : UNTOUCHED;
    if (!between(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no configuration write after SUSPEND is set", "%u bytes written", l->ev->len);
    point_at(why, l->ev->at);
    return outcome;
}

RULE(SUSP_DRV_06, VBLK_DRIVER, AT(REG_READ) | AT(KICK) | AT(CONFIG_WRITE))
{
    if (!l->o->ctl.resume_asked)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_READ)
        return shows_running(l) ? HELD : UNTOUCHED;
    return broken(why, "status read as SUSPEND 0 and DRIVER_OK 1 before the device is used", "used before that");
}

RULE(SUSP_DEV_01, VBLK_DEVICE, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!ctl->suspend_asked || !status_read_of(l->ev, &status) || (status & VBLK_STATUS_NEEDS_RESET) != 0)
        return UNTOUCHED;
    if (shows_suspended(l) || (ctl->resume_asked && shows_running(l)))
        return HELD;
    if ((status & (SUSPEND | RUNNING)) != 0 && !standing(l))
        return UNTOUCHED; /* on its way */
    return broken(why, standing(l) ? "SUSPEND 1 and DRIVER_OK 0 while suspended" : "one of SUSPEND and DRIVER_OK",
                  "status 0x%02x", status);
}

RULE(SUSP_DEV_02, VBLK_DEVICE, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (ctl->live || ctl->reset_asked || (ctl->status_ever & SUSPEND) == 0 || !status_read_of(l->ev, &status))
        return UNTOUCHED;
    return (status & SUSPEND) == 0 ? HELD : broken(why, "SUSPEND ignored before DRIVER_OK", "status 0x%02x", status);
}

RULE(SUSP_DEV_03, VBLK_DEVICE, AT(CONFIG_READ))
{
    const struct control *ctl = &l->o->ctl;
    struct vblk_config_field field;

    if (!ctl->suspended || !ctl->mode_ignored || l->ev->bytes == NULL ||
        !vblk_config_field_find(&l->o->opt.profile, "writeback", &field) || l->ev->at > field.offset ||
        l->ev->at + l->ev->len <= field.offset || ctl->config_seen[field.offset] == 0 ||
        ctl->config[field.offset] == ctl->mode)
        return UNTOUCHED;
    return l->ev->bytes[field.offset - l->ev->at] == ctl->config[field.offset]
               ? HELD
               : broken(why, "configuration writes ignored while suspended", "writeback %u took effect", ctl->mode);
}

CHECK(SUSP_DEV_04, VBLK_DEVICE, AT(USED_NOTIFY) | AT(USED_IDX) | AT(STORE) | AT(LOAD) | AT(REG_WRITE), 0,
      RING_PLACES | PLACE(READABLE) | PLACE(WRITABLE), NO_SIGHT)
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return ends(l) ? HELD : UNTOUCHED;
    if (!standing(l))
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_USED_NOTIFY)
        return broken(why, "no notification while suspended", "queue %u notified", l->ev->queue);
    enum outcome outcome = broken(why, "no access to queues while suspended", "%s",
                                  !l->place_known                ? "used idx advanced"
                                  : l->ev->kind == VBLK_EV_STORE ? "a store"
                                                                 : "a load");
    if (l->place_known)
        point_at(why, l->at);
    return outcome;
}

RULE(SUSP_DEV_05, VBLK_DEVICE, AT(CONFIG_NOTIFY) | AT(REG_WRITE))
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return ends(l) ? HELD : UNTOUCHED;
    return standing(l) && !l->o->ctl.needs_reset
               ? broken(why, "no configuration change notification while suspended", "one came")
               : UNTOUCHED;
}

RULE(SUSP_DEV_06, VBLK_DEVICE, AT(CONFIG_NOTIFY) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;

    if (!ctl->suspend_change || standing(l))
        return UNTOUCHED;
    if (!case_end(l))
        return HELD;
    return ctl->suspended ? UNTOUCHED
                          : broken(why, "a notification on resume of what changed while suspended", "none came");
}

RULE(SUSP_DEV_07, VBLK_DEVICE, AT(REG_READ) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;

    if (!ctl->suspend_asked || ctl->suspended)
        return UNTOUCHED;
    if (!case_end(l))
        return shows_suspended(l) || shows_needs_reset(l) ? HELD : UNTOUCHED;
    if (ctl->needs_reset || !ctl->status_was_read)
        return UNTOUCHED;
    return broken(why, "suspended, or DEVICE_NEEDS_RESET", "status 0x%02x", ctl->status_shown);
}

RULE(SUSP_DEV_08, VBLK_DEVICE, AT(REG_READ) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;

    if (!ctl->resume_asked)
        return UNTOUCHED;
    if (!case_end(l))
        return shows_running(l) || shows_needs_reset(l) ? HELD : UNTOUCHED;
    if (ctl->needs_reset || !ctl->status_was_read)
        return UNTOUCHED;
    return broken(why, "running again, or DEVICE_NEEDS_RESET", "status 0x%02x", ctl->status_shown);
}

/* A buffer that was taken before is finished before the device shows itself suspended. */
CHECK(SUSP_DEV_09, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, VBLK_SEES_DEVICE_LOADS)
{
    if (!l->o->ctl.suspend_asked || l->o->ctl.suspended || !shows_suspended(l))
        return UNTOUCHED;
    for (const struct chain *c = l->o->oldest; c != NULL; c = c->newer)
        if (c->taken)
            return broken(why, "buffers being processed are used before", "head %u is not", c->head);
    return HELD;
}
