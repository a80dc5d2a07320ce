/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the oracle's picture of status, features and configuration (2.1, 2.2, 2.5). */
#include <string.h>

#include "judge.h"

static const char *const limit_names[LIM_COUNT] = {
    [LIM_CAPACITY] = "capacity",
    [LIM_SIZE_MAX] = "size_max",
    [LIM_SEG_MAX] = "seg_max",
    [LIM_BLK_SIZE] = "blk_size",
    [LIM_WRITEBACK] = "writeback",
    [LIM_NUM_QUEUES] = "num_queues",
    [LIM_DISCARD_SECTORS] = "max_discard_sectors",
    [LIM_DISCARD_SEG] = "max_discard_seg",
    [LIM_DISCARD_ALIGN] = "discard_sector_alignment",
    [LIM_WZ_SECTORS] = "max_write_zeroes_sectors",
    [LIM_WZ_SEG] = "max_write_zeroes_seg",
    [LIM_WZ_MAY_UNMAP] = "write_zeroes_may_unmap",
    [LIM_ERASE_SECTORS] = "max_secure_erase_sectors",
    [LIM_ERASE_SEG] = "max_secure_erase_seg",
    [LIM_ERASE_ALIGN] = "secure_erase_sector_alignment",
    [LIM_PROVISION_SECTORS] = "max_provision_sectors",
    [LIM_PROVISION_SEG] = "max_provision_seg",
};

void control_power_on(struct control *ctl)
{
    bool sees_status = ctl->device_sees_status;
    uint64_t offered_ever = ctl->offered_ever, negotiated_ever = ctl->negotiated_ever;
    uint64_t limit[LIM_COUNT];
    uint32_t known = ctl->limit_known;

    memcpy(limit, ctl->limit, sizeof(limit));
    memset(ctl, 0, sizeof(*ctl));
    memcpy(ctl->limit, limit, sizeof(limit));
    ctl->limit_known = known;
    ctl->device_sees_status = sees_status;
    ctl->offered_ever = offered_ever;
    ctl->negotiated_ever = negotiated_ever;
    ctl->fresh = true;
}

/* A reset keeps what was learned of the device: what it offers and what its configuration says. */
static void forget_driver(struct control *ctl)
{
    ctl->status_written = 0;
    ctl->live = ctl->needs_reset = ctl->failed = ctl->refused = ctl->features_ok = false;
    ctl->offered_read = ctl->accepted_written = false;
    ctl->accepted = ctl->negotiated = 0;
    ctl->notified = false;
    ctl->limit_early = ctl->limit_live = ctl->limit_changed = 0;
    ctl->provision_stale = ctl->provision_silent = false;
}

static void grant_features(struct control *ctl)
{
    ctl->features_ok = true;
    ctl->refused = false;
    ctl->negotiated = ctl->accepted;
    ctl->negotiated_ever |= ctl->negotiated;
}

static void status_written(struct control *ctl, const struct vblk_event *ev)
{
    uint8_t status = (uint8_t)ev->value;

    ctl->status_was_read = false;
    if (status == 0) {
        ctl->reset_asked = true;
        forget_driver(ctl);
        return;
    }
    ctl->reset_asked = ctl->reset_done = ctl->fresh = false;
    ctl->status_written = status;
    ctl->failed |= (status & VBLK_STATUS_FAILED) != 0;
    if ((status & VBLK_STATUS_FEATURES_OK) != 0 && !ctl->features_ok && !ctl->refused)
        ctl->negotiated = ctl->accepted; /* in force unless the device is read to refuse */
    if ((status & VBLK_STATUS_DRIVER_OK) != 0 && (status & VBLK_STATUS_FEATURES_OK) != 0 && !ctl->refused)
        ctl->live = true;
}

static void status_read(struct control *ctl, const struct vblk_event *ev)
{
    uint8_t status = (uint8_t)ev->value;

    ctl->status_shown = status;
    ctl->status_was_read = true;
    ctl->needs_reset |= (status & VBLK_STATUS_NEEDS_RESET) != 0;
    if (status == 0 && ctl->reset_asked) {
        ctl->reset_asked = false;
        ctl->reset_done = true;
    }
    if ((ctl->status_written & VBLK_STATUS_FEATURES_OK) == 0)
        return;
    if ((status & VBLK_STATUS_FEATURES_OK) != 0) {
        grant_features(ctl);
    } else if (!ctl->features_ok) {
        ctl->refused = true;
        ctl->live = false;
    }
}

void control_reg(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct control *ctl = &o->ctl;
    bool write = ev->kind == VBLK_EV_REG_WRITE;

    if (ev->reg == VBLK_REG_STATUS) {
        ctl->device_sees_status |= (ev->flags & VBLK_EV_EMULATED) == 0;
        (write ? status_written : status_read)(ctl, ev);
    } else if (ev->reg == VBLK_REG_DEVICE_FEATURES && !write) {
        ctl->offered = ev->value;
        ctl->offered_ever |= ev->value;
        ctl->offered_read = true;
    } else if (ev->reg == VBLK_REG_DRIVER_FEATURES && write) {
        ctl->accepted = ev->value;
        ctl->accepted_written = true;
    } else if (ev->reg == VBLK_REG_GENERATION && !write) {
        ctl->provision_stale = false;
        ctl->generation = (uint32_t)ev->value;
        ctl->generation_known = true;
    } else if (ev->reg == VBLK_REG_DEVICE_ID && !write) {
        ctl->device_id = (uint32_t)ev->value;
    } else if (ev->reg == VBLK_REG_CONFIG_LENGTH && !write) {
        ctl->config_length = ev->value < VBLK_CONFIG_MAX ? (uint32_t)ev->value : VBLK_CONFIG_MAX;
        ctl->config_length_known = true;
    }
}

/* A limit was read whole: whether it changed under a live driver, and whether the device said so. */
static void limit_read(struct control *ctl, enum limit which, uint64_t value)
{
    uint32_t bit = 1u << which;
    bool changed = (ctl->limit_live & bit) != 0 && ctl->limit[which] != value;

    if (changed) {
        ctl->limit_changed |= bit;
        ctl->limit_before[which] = ctl->limit[which];
    }
    if (which == LIM_PROVISION_SECTORS || which == LIM_PROVISION_SEG) {
        ctl->provision_stale |= changed && ctl->generation_known && ctl->generation == ctl->provision_generation;
        ctl->provision_silent |= changed && !ctl->notified;
        ctl->provision_generation = ctl->generation;
    }
    ctl->limit_live |= ctl->live ? bit : 0;
    ctl->limit_early |= ctl->features_ok ? 0 : bit;
}

/* Decode a limit from the bytes seen so far, if all of them have been. */
static void decode_limit(struct control *ctl, enum limit which, const struct vblk_config_field *field)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < field->width; i++) {
        if (field->offset + i >= VBLK_CONFIG_MAX || ctl->config_seen[field->offset + i] == 0)
            return;
        value |= (uint64_t)ctl->config[field->offset + i] << (8 * i);
    }
    if (which == LIM_CAPACITY && (ctl->limit_known >> LIM_CAPACITY & 1) != 0 && ctl->limit[which] != value)
        ctl->capacity_before = ctl->limit[which];
    limit_read(ctl, which, value);
    ctl->limit[which] = value;
    ctl->limit_known |= 1u << which;
}

void control_config(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct control *ctl = &o->ctl;
    struct vblk_config_field field;

    if (ev->bytes == NULL || ev->at >= VBLK_CONFIG_MAX)
        return;
    if (ev->kind == VBLK_EV_CONFIG_WRITE &&
        (!vblk_config_field_find(&o->opt.profile, "writeback", &field) || field.offset != ev->at || ev->len != 1))
        return; /* what the driver can't write stays as the device has it */
    for (uint32_t i = 0; i < ev->len && ev->at + i < VBLK_CONFIG_MAX; i++) {
        ctl->config[ev->at + i] = ev->bytes[i];
        ctl->config_seen[ev->at + i] = 1;
    }
    for (unsigned which = 0; which < LIM_COUNT; which++)
        if (vblk_config_field_find(&o->opt.profile, limit_names[which], &field) && field.offset < ev->at + ev->len &&
            field.offset + field.width > ev->at)
            decode_limit(ctl, (enum limit)which, &field);
    if (ev->kind == VBLK_EV_CONFIG_READ)
        ctl->notified = o->provisioned.config_unread = false;
}
