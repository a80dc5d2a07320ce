/* SPDX-License-Identifier: BSD-3-Clause */
/* Reset and clean-up: 2.4, 3.3. */
#include "judge.h"

/* The reset is shown to be complete, and this queue was not set up again. */
static bool resting(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    if (ctl->reset_done)
        return true;
    return ctl->was_live && !ctl->live && !ctl->reset_asked && (l->q == NULL || !l->q->enabled);
}

/* A device that was live was reset, and the driver begins again, or the case is over. */
static bool rested(const struct look *l)
{
    uint8_t status;
    return l->o->ctl.reset_done && l->o->ctl.was_live &&
           (l->ev->kind == VBLK_EV_CASE_END || (status_write(l->ev, &status) && status != 0));
}

CHECK(RESET_DEV_01, VBLK_DEVICE, AT(RESET) | AT(CASE_END), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;

    if (l->ev->kind != VBLK_EV_CASE_END)
        return (l->ev->flags & VBLK_EV_EMULATED) == 0 ? HELD : UNTOUCHED;
    if (!ctl->reset_asked || !ctl->status_was_read || !ctl->device_sees_status)
        return UNTOUCHED;
    return broken(why, "status 0 after a reset", "status still 0x%02x", ctl->status_shown);
}

/* A notification of buffers used before the reset may have been on its way. */
CHECK(RESET_DEV_02, VBLK_DEVICE, AT(USED_NOTIFY) | AT(CONFIG_NOTIFY) | AT(REG_WRITE) | AT(CASE_END), 0, ANY_PLACE,
      NO_SIGHT)
{
    if (l->ev->kind == VBLK_EV_CONFIG_NOTIFY)
        return l->o->ctl.reset_done
                   ? broken(why, "no notification after a reset", "a configuration change notification")
                   : UNTOUCHED;
    if (l->ev->kind != VBLK_EV_USED_NOTIFY)
        return rested(l) ? HELD : UNTOUCHED;
    if (!resting(l) || (l->q != NULL && l->q->since_notify > 0))
        return UNTOUCHED;
    return broken(why, "no notification after a reset", "a used buffer notification for queue %u", l->ev->queue);
}

/* Stores into the driver's part of a ring break rows of the ring at any time. */
CHECK(RESET_DEV_03, VBLK_DEVICE, AT(STORE) | AT(LOAD) | AT(STRAY) | AT(REG_WRITE) | AT(CASE_END), 0,
      RING_PLACES | PLACE(RETURNED) | PLACE(NOTHING), NO_SIGHT)
{
    const bool load = l->ev->kind == VBLK_EV_LOAD;

    if (!l->place_known)
        return rested(l) ? HELD : UNTOUCHED;
    if (!resting(l) || (load && l->place >= IN_RETURNED) ||
        (!load && (l->place == IN_DESC_TABLE || l->place == IN_AVAIL_RING || l->place == IN_AVAIL_IDX ||
                   l->place == IN_DRIVER_EVENT)))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "queues and buffers left alone after a reset", "%llu bytes %s",
                                  (unsigned long long)l->len, load ? "loaded" : "stored");
    point_at(why, l->at);
    return outcome;
}

CHECK(RESET_DRV_01, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!status_write(l->ev, &status) || status == 0 || !ctl->status_reads_seen || ctl->made_up)
        return UNTOUCHED;
    if (ctl->reset_done)
        return HELD;
    if (status == VBLK_STATUS_FAILED)
        return UNTOUCHED; /* it does not go on, it gives up */
    return ctl->reset_asked
               ? broken(why, "status read as 0 before the driver goes on", "status 0x%02x written before", status)
               : UNTOUCHED;
}

/* Configured queues are live from DRIVER_OK to reset: nothing about them is configured in between. */
CHECK(CLEAN_DRV_01, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    const uint16_t reg = l->ev->reg;
    uint8_t status;

    if (!l->o->ctl.live || l->o->ctl.made_up || negotiated(l->o, VBLK_F_RING_RESET))
        return UNTOUCHED;
    if (status_write(l->ev, &status))
        return status == 0 ? HELD : UNTOUCHED;
    if (l->q == NULL || !l->q->enabled || reg < VBLK_REG_QUEUE_SIZE || reg > VBLK_REG_QUEUE_ENABLE ||
        (reg == VBLK_REG_QUEUE_ENABLE && l->ev->value != 0))
        return UNTOUCHED;
    return broken(why, "a queue of a live device stays as it was configured", "%s of queue %u written",
                  vblk_reg_name((enum vblk_reg)reg), l->ev->queue);
}

/* Entries that used idx has not passed may still be read by the device. Descriptors: SAFE-DRV-01. */
CHECK(CLEAN_DRV_02, VBLK_DRIVER, AT(STORE), 0, PLACE(AVAIL_RING), VBLK_SEES_DRIVER_STORES)
{
    const struct queue *q = l->q;

    if (!q->enabled || q->lost || !l->o->ctl.live || l->at < q->driver + 4 ||
        l->at >= q->driver + 4 + 2u * (uint64_t)q->size)
        return UNTOUCHED;
    if ((uint16_t)(q->avail_idx - q->used_idx) != q->outstanding)
        return UNTOUCHED; /* used idx makes no sense: RING-SPLIT-17 */
    uint16_t slot = (uint16_t)((l->at - q->driver - 4) / 2);
    uint16_t ahead = (uint16_t)((slot - q->used_idx) & (q->size - 1u));
    if (ahead >= (uint16_t)(q->avail_idx - q->used_idx))
        return HELD;
    enum outcome outcome =
        broken(why, "entries of buffers with the device stay as they are", "slot %u was stored into", slot);
    point_at(why, l->at);
    return outcome;
}
