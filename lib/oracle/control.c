/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the oracle's picture of status and features (2.1, 2.2). The configuration: control_config.c. */
#include <string.h>

#include "judge.h"

void control_power_on(struct control *ctl)
{
    struct control old = *ctl;

    memset(ctl, 0, sizeof(*ctl));
    memcpy(ctl->limit, old.limit, sizeof(old.limit));
    ctl->limit_known = old.limit_known;
    ctl->device_sees_status = old.device_sees_status;
    ctl->status_reads_seen = old.status_reads_seen;
    ctl->reads_hidden = old.reads_hidden;
    ctl->generation_seen = old.generation_seen;
    ctl->offered_ever = old.offered_ever;
    ctl->negotiated_ever = old.negotiated_ever;
    if (old.negotiated_ever == 0)
        return; /* nothing was granted, or all is to be forgotten */
    memcpy(ctl->granted, old.granted, sizeof(ctl->granted));
    ctl->grants = old.grants;
    ctl->grant_next = old.grant_next;
}

/* Until the next read of a byte its value may lawfully have become another. */
static void unsettle(struct control *ctl, uint8_t flags)
{
    for (unsigned i = 0; i < VBLK_CONFIG_MAX; i++)
        ctl->config_seen[i] &= (uint8_t)~flags;
}

/* A reset keeps what was learned of the device: what it offers and what its configuration says. */
static void forget_driver(struct control *ctl)
{
    ctl->was_live = ctl->live || (ctl->status_ever == 0 && ctl->was_live);
    ctl->status_written = ctl->status_ever = 0;
    ctl->live = ctl->needs_reset = ctl->bad_queue = ctl->failed = ctl->refused = ctl->features_ok = false;
    ctl->offered_read = ctl->offer_seen = ctl->accepted_written = false;
    ctl->accepted = ctl->negotiated = 0;
    ctl->notice = ctl->notice_owed = ctl->capacity_stale = false;
    ctl->suspend_asked = ctl->suspended = ctl->resume_asked = ctl->suspend_change = false;
    ctl->mode_asked = ctl->mode_written = ctl->mode_ignored = false;
    ctl->odd.is = false;
    unsettle(ctl, SEEN_STEADY | SEEN_EARLY | SEEN_NOW);
}

static void remember_grant(struct control *ctl)
{
    for (unsigned i = 0; i < ctl->grants; i++)
        if (ctl->granted[i].accepted == ctl->negotiated && ctl->granted[i].offered == ctl->offered)
            return;
    ctl->granted[ctl->grant_next].offered = ctl->offered;
    ctl->granted[ctl->grant_next].accepted = ctl->negotiated;
    ctl->grant_next = (uint8_t)((ctl->grant_next + 1u) % GRANTS);
    if (ctl->grants < GRANTS)
        ctl->grants++;
}

static void grant_features(struct control *ctl)
{
    bool fresh = !ctl->features_ok;

    if (fresh)
        ctl->negotiated = ctl->accepted;
    ctl->features_ok = true;
    ctl->refused = false;
    ctl->negotiated_ever |= ctl->negotiated;
    if (fresh && ctl->config_length_known)
        ctl->length_granted = ctl->config_length;
    if (fresh && ctl->offered_read)
        remember_grant(ctl);
}

static void suspend_written(struct control *ctl, uint8_t status)
{
    if ((ctl->negotiated >> VBLK_F_SUSPEND & 1) == 0 || !ctl->live)
        return;
    if (ctl->suspended && (status & VBLK_STATUS_DRIVER_OK) != 0)
        ctl->resume_asked = true;
    else if ((status & VBLK_STATUS_SUSPEND) != 0)
        ctl->suspend_asked = true;
}

static void status_written(struct control *ctl, const struct vblk_event *ev)
{
    const bool emulated = (ev->flags & VBLK_EV_EMULATED) != 0;
    uint8_t status = (uint8_t)ev->value;

    ctl->made_up = emulated || (ctl->made_up && status != 0);
    ctl->status_was_read = false;
    ctl->fresh = false;
    ctl->bracket = (struct bracket){ .open = false }; /* judged by now */
    if (status == 0) {
        forget_driver(ctl);
        ctl->reset_asked = true;
        ctl->reset_done = false;
        return;
    }
    ctl->reset_asked = ctl->reset_done = false;
    ctl->failed |= (status & VBLK_STATUS_FAILED) != 0;
    suspend_written(ctl, status);
    if ((status & ~ctl->status_ever & VBLK_STATUS_FEATURES_OK) != 0)
        unsettle(ctl, SEEN_STEADY | SEEN_NOW);
    ctl->status_written = status;
    ctl->status_ever |= status;
    if ((status & VBLK_STATUS_FEATURES_OK) != 0 && !ctl->features_ok && !ctl->refused)
        ctl->negotiated = ctl->accepted; /* in force unless the device is read to refuse */
    if ((status & VBLK_STATUS_DRIVER_OK) != 0 && (status & VBLK_STATUS_FEATURES_OK) != 0 && !ctl->refused)
        ctl->live = true;
}

static void suspend_read(struct control *ctl, uint8_t status)
{
    bool running = (status & VBLK_STATUS_DRIVER_OK) != 0;

    if (!ctl->suspend_asked)
        return;
    if ((status & VBLK_STATUS_SUSPEND) != 0 && !running)
        ctl->suspended = true;
    if (ctl->resume_asked && (status & VBLK_STATUS_SUSPEND) == 0 && running)
        ctl->mode_ignored = ctl->suspend_asked = ctl->suspended = ctl->resume_asked = false;
}

static void needs_reset_read(struct control *ctl, uint8_t status)
{
    if (ctl->reset_asked)
        return; /* of the life before */
    if ((status & VBLK_STATUS_NEEDS_RESET) == 0) {
        ctl->notice = false;
    } else if (!ctl->needs_reset) {
        ctl->needs_reset = true;
        ctl->notice_owed = !ctl->notice;
    }
}

static void status_read(struct control *ctl, const struct vblk_event *ev)
{
    uint8_t status = (uint8_t)ev->value;

    ctl->fresh = false;
    ctl->status_shown = status;
    ctl->status_was_read = true;
    ctl->status_reads_seen |= (ev->flags & VBLK_EV_EMULATED) == 0;
    needs_reset_read(ctl, status);
    suspend_read(ctl, status);
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

/* A read of the generation ends one bracket and begins the next (2.5.1). */
static void generation_read(struct control *ctl, const struct vblk_event *ev)
{
    struct bracket *b = &ctl->bracket;
    bool changed = ctl->generation_known && ctl->generation != (uint32_t)ev->value;

    ctl->generation_seen |= (ev->flags & VBLK_EV_EMULATED) == 0;
    if (b->open && b->fields > 0) {
        if (b->wide || b->fields > 1)
            b->torn_wide = changed && b->wide;
        b->torn_many = changed && b->fields > 1;
    }
    ctl->capacity_old |= changed;
    if (changed || !ctl->generation_known)
        unsettle(ctl, SEEN_NOW | (changed ? SEEN_EARLY : 0));
    b->open = true;
    b->wide = false;
    b->fields = 0;
    ctl->generation_mixed = false;
    ctl->generation = (uint32_t)ev->value;
    ctl->generation_known = true;
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
        ctl->offer_seen = (ev->flags & VBLK_EV_EMULATED) == 0;
    } else if (ev->reg == VBLK_REG_DRIVER_FEATURES && write) {
        ctl->accepted = ev->value;
        ctl->accepted_written = true;
    } else if (ev->reg == VBLK_REG_GENERATION && !write) {
        generation_read(ctl, ev);
    } else if (ev->reg == VBLK_REG_NUM_QUEUES && !write && (ev->flags & VBLK_EV_EMULATED) == 0) {
        ctl->num_queues = (uint32_t)ev->value;
    } else if (ev->reg == VBLK_REG_CONFIG_LENGTH && !write && (ev->flags & VBLK_EV_EMULATED) == 0) {
        ctl->config_length = ev->value < VBLK_CONFIG_MAX ? (uint32_t)ev->value : VBLK_CONFIG_MAX;
        ctl->config_length_known = true;
        if (ctl->features_ok)
            ctl->length_granted = ctl->config_length;
    }
}

void control_notified(struct vblk_oracle *o)
{
    struct control *ctl = &o->ctl;

    ctl->notified = ctl->notice = true;
    ctl->notice_owed = ctl->suspend_change = false;
    ctl->capacity_old = true;
    if (!ctl->capacity_stale)
        ctl->stale_since = o->seq;
    ctl->capacity_stale |= ctl->live && !ctl->needs_reset;
    ctl->odd.is = false;
    unsettle(ctl, SEEN_STEADY | SEEN_EARLY);
}
