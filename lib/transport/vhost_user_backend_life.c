/* SPDX-License-Identifier: BSD-3-Clause */
/* Features and status: from what a front-end says to the steps that a device must see (3.1.1). */
#include "vhost_user_back.h"

#include <vblk/spec.h>

uint64_t back_read_reg(struct vblk_vhost_user_backend *b, enum vblk_reg reg, uint16_t queue, bool emulated)
{
    struct vblk_event ev = { .kind = VBLK_EV_REG_READ, .party = VBLK_DRIVER, .queue = queue, .reg = (uint16_t)reg };

    ev.value = vblk_device_read_reg(b->device, reg, queue);
    if (reg == VBLK_REG_DEVICE_FEATURES)
        ev.value &= ~BACK_HIDDEN;
    ev.flags = emulated ? VBLK_EV_EMULATED : 0;
    back_emit(b, &ev);
    return ev.value;
}

void back_write_reg(struct vblk_vhost_user_backend *b, enum vblk_reg reg, uint16_t queue, uint64_t value, bool emulated)
{
    const struct vblk_event ev = {
        .kind = VBLK_EV_REG_WRITE,
        .party = VBLK_DRIVER,
        .flags = emulated ? VBLK_EV_EMULATED : 0,
        .queue = queue,
        .reg = (uint16_t)reg,
        .value = value,
    };

    back_emit(b, &ev); /* first: what the device does at once follows */
    vblk_device_write_reg(b->device, reg, queue, value);
}

uint64_t back_offered(const struct vblk_vhost_user_backend *b)
{
    return vblk_device_read_reg(b->device, VBLK_REG_DEVICE_FEATURES, 0) & ~BACK_HIDDEN;
}

bool back_passes_on(const struct vblk_vhost_user_backend *b)
{
    return b->source == VBLK_STATUS_FROM_DRIVER;
}

static bool has_status(const struct vblk_vhost_user_backend *b, uint8_t bits)
{
    return (vblk_device_status(b->device) & bits) == bits;
}

static void end_life(struct vblk_vhost_user_backend *b)
{
    b->features_told = b->lived = b->paused = b->failed_told = false;
    back_drop_rings(b);
}

/* The steps up to DRIVER, where nobody else writes them. */
static void greet(struct vblk_vhost_user_backend *b)
{
    end_life(b);
    back_write_reg(b, VBLK_REG_STATUS, 0, 0, true);
    (void)back_read_reg(b, VBLK_REG_STATUS, 0, true);
    back_write_reg(b, VBLK_REG_STATUS, 0, VBLK_STATUS_ACKNOWLEDGE, true);
    back_write_reg(b, VBLK_REG_STATUS, 0, VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER, true);
}

/* @return whether the device takes the features. */
static bool tell_features(struct vblk_vhost_user_backend *b)
{
    const uint8_t before = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER;

    greet(b);
    back_write_reg(b, VBLK_REG_DRIVER_FEATURES, 0, b->features & ~BACK_VHOST, false);
    back_write_reg(b, VBLK_REG_STATUS, 0, before | VBLK_STATUS_FEATURES_OK, true);
    b->features_told = true;
    return back_read_reg(b, VBLK_REG_STATUS, 0, true) & VBLK_STATUS_FEATURES_OK;
}

static enum back_answer refused(struct vblk_vhost_user_backend *b)
{
    return back_refuse(b, "the device refuses the features 0x%llx; it offers 0x%llx",
                       (unsigned long long)(b->features & ~BACK_VHOST), (unsigned long long)back_offered(b));
}

/*
 * Vhost's own bits may change at any time. A word that accepts nothing else comes from front-ends that turn on protocol
 * features early; it is not held against a driver that has not spoken yet.
 */
enum back_answer back_set_features(struct vblk_vhost_user_backend *b, uint64_t value)
{
    const bool same = ((value ^ b->features) & ~BACK_VHOST) == 0;

    if (back_passes_on(b)) {
        back_write_reg(b, VBLK_REG_DRIVER_FEATURES, 0, value & ~BACK_VHOST, false);
        if (!has_status(b, VBLK_STATUS_FEATURES_OK)) /* after that the device does not listen any more */
            b->features = value;
        return BACK_DONE;
    }
    if (b->running > 0 && !same)
        return back_refuse(b, "SET_FEATURES changes the features to 0x%llx while a ring runs",
                           (unsigned long long)value);
    b->features = value;
    if ((b->features_told && same) || (value & ~BACK_VHOST) == 0)
        return BACK_DONE;
    return tell_features(b) ? BACK_DONE : refused(b);
}

bool back_may_begin(struct vblk_vhost_user_backend *b)
{
    if (back_passes_on(b))
        return true;
    if (b->features_told && !b->paused)
        return has_status(b, VBLK_STATUS_FEATURES_OK);
    return tell_features(b);
}

void back_now_live(struct vblk_vhost_user_backend *b)
{
    const uint8_t all = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK;

    b->paused = false;
    if (!b->lived)
        b->lives++;
    b->lived = true;
    if (back_passes_on(b) || has_status(b, VBLK_STATUS_DRIVER_OK))
        return;
    back_write_reg(b, VBLK_REG_STATUS, 0, all, true);
}

/* ---- SET_STATUS ---- */

/* The first word that is not 0 tells whose it is. */
static void settle_source(struct vblk_vhost_user_backend *b, uint8_t status)
{
    if (b->source != VBLK_STATUS_AUTO || status == 0)
        return;
    b->source = status == VBLK_STATUS_ACKNOWLEDGE ? VBLK_STATUS_FROM_DRIVER : VBLK_STATUS_FROM_FRONT_END;
    if (!back_passes_on(b))
        return;
    /* A device that has just been connected to is in its reset state: some do not ask for it again. */
    back_write_reg(b, VBLK_REG_STATUS, 0, 0, !b->status_zeroed);
    (void)back_read_reg(b, VBLK_REG_STATUS, 0, !b->status_zeroed);
}

enum back_answer back_set_status(struct vblk_vhost_user_backend *b, uint64_t value)
{
    if (value > UINT8_MAX)
        return back_refuse(b, "SET_STATUS with 0x%llx: status has 8 bits", (unsigned long long)value);
    settle_source(b, (uint8_t)value);
    b->status = (uint8_t)value;
    b->status_zeroed |= value == 0;
    if (!back_passes_on(b))
        return BACK_DONE;
    if (value == 0) {
        end_life(b);
        b->features &= BACK_VHOST;
    }
    back_write_reg(b, VBLK_REG_STATUS, 0, value, false);
    return BACK_DONE;
}

/* A front-end that makes up status gets its own back, with what the device adds and takes away. */
uint64_t back_get_status(struct vblk_vhost_user_backend *b)
{
    uint8_t status = b->status;

    if (back_passes_on(b))
        return back_read_reg(b, VBLK_REG_STATUS, 0, false);
    if (has_status(b, VBLK_STATUS_NEEDS_RESET))
        status |= VBLK_STATUS_NEEDS_RESET;
    if (b->features_told && !has_status(b, VBLK_STATUS_FEATURES_OK))
        status &= (uint8_t)~VBLK_STATUS_FEATURES_OK;
    return status;
}

void back_reset_device(struct vblk_vhost_user_backend *b)
{
    end_life(b);
    b->features &= BACK_VHOST;
    if (vblk_device_status(b->device) == 0)
        return;
    back_write_reg(b, VBLK_REG_STATUS, 0, 0, true);
    (void)back_read_reg(b, VBLK_REG_STATUS, 0, true);
}

void back_forget_life(struct vblk_vhost_user_backend *b)
{
    end_life(b);
    b->features = 0;
    b->source = b->options.status;
    b->status = 0;
    b->status_zeroed = false;
}
