/* SPDX-License-Identifier: BSD-3-Clause */
/* Device status: 2.1. */
#include "judge.h"

static bool case_end(const struct look *l)
{
    return l->ev->kind == VBLK_EV_CASE_END;
}

static unsigned known_bits(const struct look *l)
{
    const unsigned common = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_DRIVER_OK |
                            VBLK_STATUS_FEATURES_OK | VBLK_STATUS_NEEDS_RESET | VBLK_STATUS_FAILED;
    return l->o->opt.profile.version >= 0x0104 ? common | VBLK_STATUS_SUSPEND : common;
}

CHECK(STATUS_01, VBLK_NOBODY, AT(REG_READ) | AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    uint8_t status;
    bool write = status_write(l->ev, &status);

    if (!write && !status_read_of(l->ev, &status))
        return UNTOUCHED;
    if ((l->ev->value & ~(uint64_t)known_bits(l)) == 0)
        return HELD;
    enum outcome outcome =
        broken(why, "status bits that are defined", "status 0x%02llx", (unsigned long long)l->ev->value);
    return write ? blame_driver(why, outcome) : outcome;
}

/* A reset is RESET-DEV-01's; this is the device that has just come up. */
CHECK(STATUS_03, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    uint8_t status;
    if (!l->o->ctl.fresh || !status_read_of(l->ev, &status))
        return UNTOUCHED;
    return status == 0 ? HELD : broken(why, "status 0 after power-on", "status 0x%02x", status);
}

/* ACKNOWLEDGE and DRIVER in one write are INIT-DRV-03's. */
CHECK(STATUS_DRV_01, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    const unsigned before = l->o->ctl.status_ever;
    uint8_t status;

    if (!status_write(l->ev, &status) || status == 0)
        return UNTOUCHED;
    unsigned added = status & ~before, steps = 0;
    steps += (added & (VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER)) != 0;
    steps += (added & VBLK_STATUS_FEATURES_OK) != 0;
    steps += (added & VBLK_STATUS_DRIVER_OK) != 0;
    if (steps > 1)
        return broken(why, "a bit when its step is completed", "0x%02x after 0x%02x: several steps in one write",
                      status, before);
    if ((added & VBLK_STATUS_FEATURES_OK) != 0 && (before & VBLK_STATUS_DRIVER_OK) != 0)
        return broken(why, "FEATURES_OK before DRIVER_OK", "0x%02x after 0x%02x", status, before);
    if ((added & (VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER)) != 0 && (before & VBLK_STATUS_FEATURES_OK) != 0)
        return broken(why, "ACKNOWLEDGE and DRIVER before FEATURES_OK", "0x%02x after 0x%02x", status, before);
    return steps > 0 ? HELD : UNTOUCHED;
}

/* What the device took back itself may be missing from what the driver writes next. */
CHECK(STATUS_DRV_02, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!status_write(l->ev, &status) || status == 0 || ctl->status_written == 0)
        return UNTOUCHED;
    unsigned lost = ctl->status_written & ~(unsigned)status;
    if (ctl->status_was_read)
        lost &= ctl->status_shown;
    if (negotiated(l->o, VBLK_F_SUSPEND))
        lost &= ~(unsigned)(VBLK_STATUS_DRIVER_OK | VBLK_STATUS_SUSPEND);
    if ((lost & VBLK_STATUS_FAILED) != 0)
        return UNTOUCHED; /* STATUS-DRV-03 */
    return lost == 0 ? HELD
                     : broken(why, "0, or a superset of the bits set before", "0x%02x after 0x%02x", status,
                              ctl->status_written);
}

CHECK(STATUS_DRV_03, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    uint8_t status;
    if (!l->o->ctl.failed || !status_write(l->ev, &status) || (status & VBLK_STATUS_FAILED) != 0)
        return UNTOUCHED;
    return status == 0 ? HELD : broken(why, "a reset after FAILED", "status 0x%02x", status);
}

/* ---- the device before DRIVER_OK ---- */

/* Queues are enabled, DRIVER_OK is not written, and nobody asked for a reset: nothing may happen to them. */
static bool too_early(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    return !ctl->live && !ctl->reset_asked && !ctl->reset_done && (ctl->status_ever & VBLK_STATUS_DRIVER_OK) == 0 &&
           ctl->device_sees_status && l->q != NULL && l->q->enabled;
}

/* DRIVER_OK is written, and buffers lay there already: what there was to resist was resisted. */
static bool waited(const struct look *l)
{
    const struct vblk_oracle *o = l->o;
    uint8_t status;

    return status_write(l->ev, &status) && (status & ~o->ctl.status_ever & VBLK_STATUS_DRIVER_OK) != 0 &&
           o->outstanding > 0;
}

CHECK(STATUS_DEV_01, VBLK_DEVICE, AT(REG_WRITE) | AT(USED_IDX) | AT(STORE), 0,
      PLACE(WRITABLE) | PLACE(USED_ELEM) | PLACE(PACKED_RING), NO_SIGHT)
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return waited(l) ? HELD : UNTOUCHED;
    if (!too_early(l))
        return UNTOUCHED;
    enum outcome outcome;
    if (!l->place_known)
        return broken(why, "no buffer consumed before DRIVER_OK", "used idx went from %u to %u at status 0x%02x",
                      l->from, l->to, l->o->ctl.status_written);
    outcome = broken(why, "no buffer consumed before DRIVER_OK", "%llu bytes stored at status 0x%02x",
                     (unsigned long long)l->len, l->o->ctl.status_written);
    point_at(why, l->at);
    return outcome;
}

CHECK(STATUS_DEV_02, VBLK_DEVICE, AT(REG_WRITE) | AT(USED_NOTIFY), 0, ANY_PLACE, NO_SIGHT)
{
    if (l->ev->kind == VBLK_EV_REG_WRITE)
        return waited(l) ? HELD : UNTOUCHED;
    return too_early(l) ? broken(why, "no used buffer notification before DRIVER_OK",
                                 "queue %u notified at status 0x%02x", l->ev->queue, l->o->ctl.status_written)
                        : UNTOUCHED;
}

/* ---- errors ---- */

/* Something lies in a queue that a device may be unable to get past. */
static bool broken_ring(const struct look *l)
{
    const struct vblk_oracle *o = l->o;
    for (uint32_t i = 0; i < o->active_count; i++)
        if (o->queues[o->active[i]].enabled && o->queues[o->active[i]].lost)
            return true;
    for (const struct chain *c = o->oldest; c != NULL; c = c->newer)
        if ((c->faults & F_STRUCTURE) != 0)
            return true;
    return false;
}

CHECK(STATUS_DEV_03, VBLK_DEVICE, AT(REG_READ) | AT(CASE_END), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!case_end(l))
        return status_read_of(l->ev, &status) && (status & VBLK_STATUS_NEEDS_RESET) != 0 && !ctl->needs_reset &&
                       !ctl->reset_asked && broken_ring(l)
                   ? HELD
                   : UNTOUCHED;
    if (!ctl->live || ctl->needs_reset || !ctl->status_was_read || !ctl->device_sees_status || !broken_ring(l))
        return UNTOUCHED;
    if (reading(l->o, VBLK_AMB_29) == 0)
        return by_reading(why, VBLK_AMB_29, noted(why, "ignores a broken ring entry"));
    return by_reading(
        why, VBLK_AMB_29,
        broken(why, "DEVICE_NEEDS_RESET for a ring that can't be followed", "status 0x%02x", ctl->status_shown));
}

CHECK(STATUS_DEV_04, VBLK_DEVICE, AT(REG_READ) | AT(CONFIG_NOTIFY) | AT(CASE_END), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if ((ctl->status_ever & VBLK_STATUS_DRIVER_OK) == 0)
        return UNTOUCHED; /* OPER-02 */
    if (case_end(l) && ctl->bad_queue)
        return UNTOUCHED; /* the error may be older than DRIVER_OK */
    if (case_end(l))
        return ctl->notice_owed && (ctl->status_shown & VBLK_STATUS_DRIVER_OK) != 0
                   ? broken(why, "a configuration change notification with DEVICE_NEEDS_RESET",
                                         "DEVICE_NEEDS_RESET shown, nothing told of it")
                                : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_CONFIG_NOTIFY)
        return ctl->notice_owed ? HELD : UNTOUCHED;
    return status_read_of(l->ev, &status) && (status & VBLK_STATUS_NEEDS_RESET) != 0 && !ctl->needs_reset &&
                   !ctl->reset_asked && ctl->notice
               ? HELD
               : UNTOUCHED;
}
