/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's configuration as it changes: generation, notifications, cache mode, queues (2.5, 3.2.3, 5.2.2, 5.2.5). */
#include "judge.h"

#define RULE(token, moments) CHECK(token, VBLK_DEVICE, moments, 0, ANY_PLACE, NO_SIGHT)

/* 1.3 and later have rules of their own for a capacity that changes. */
static bool capacity_rules(const struct look *l)
{
    return l->o->opt.profile.version >= 0x0103;
}

static bool reads(const struct vblk_event *ev, uint64_t at)
{
    return ev->kind == VBLK_EV_CONFIG_READ && ev->bytes != NULL && at - ev->at < ev->len;
}

/* Whether [from, to) of the configuration reads differently from the last time. */
static bool changed(const struct look *l, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to && at < VBLK_CONFIG_MAX; at++)
        if (reads(l->ev, at) && (l->o->ctl.config_seen[at] & SEEN) != 0 &&
            l->o->ctl.config[at] != l->ev->bytes[at - l->ev->at])
            return true;
    return false;
}

static bool reads_mode(const struct look *l, unsigned *value)
{
    struct vblk_config_field field;

    if (!vblk_config_field_find(&l->o->opt.profile, "writeback", &field) || !reads(l->ev, field.offset))
        return false;
    *value = l->ev->bytes[field.offset - l->ev->at];
    return true;
}

RULE(CFG_03, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;

    if (l->ev->reg != VBLK_REG_GENERATION || (l->ev->flags & VBLK_EV_EMULATED) != 0 || !ctl->generation_known ||
        (ctl->bracket.fields == 0 && !ctl->generation_mixed))
        return UNTOUCHED;
    if (!ctl->generation_mixed || ctl->generation != (uint32_t)l->ev->value)
        return HELD;
    return broken(why, "another generation once reads may have differed",
                  "bytes changed, generation %u before and after", ctl->generation);
}

/* Before FEATURES_OK a field that is offered reads as it does afterwards. */
static enum outcome same_as_early(const struct look *l, struct why *why, const struct vblk_config_field *field)
{
    const struct control *ctl = &l->o->ctl;
    bool early = false, now = false;

    for (unsigned i = 0; i < field->width; i++) {
        uint64_t at = (uint64_t)field->offset + i;
        if (!reads(l->ev, at) || (ctl->config_seen[at] & SEEN_EARLY) == 0)
            return UNTOUCHED;
        early |= ctl->config[at] != 0;
        now |= l->ev->bytes[at - l->ev->at] != 0;
    }
    if (early || !now)
        return HELD;
    enum outcome outcome =
        broken(why, "a value before FEATURES_OK is set, too", "%s read 0 then, and another value now", field->name);
    point_at(why, field->offset);
    return outcome;
}

RULE(CFG_DEV_01, AT(CONFIG_READ))
{
    const struct control *ctl = &l->o->ctl;
    bool early = (ctl->status_ever & VBLK_STATUS_FEATURES_OK) == 0;
    struct vblk_config_field field;
    enum outcome outcome = UNTOUCHED;

    for (size_t i = 0; field_at(l->o, i, &field); i++) {
        if (!offers(ctl, field.feature) || (field.feature >= 0 && !ctl->offered_read))
            continue;
        if (early && l->ev->len == 0 && l->ev->at == field.offset)
            return broken(why, "any field can be read before FEATURES_OK", "no byte of %s came", field.name);
        if (early && reads(l->ev, field.offset) && reads(l->ev, field.offset + field.width - 1u))
            outcome = HELD;
        if (early || field.writable || (field.feature >= 0 && !negotiated(l->o, (unsigned)field.feature)))
            continue;
        if (same_as_early(l, why, &field) == BROKEN)
            return BROKEN;
    }
    return outcome;
}

RULE(BLK_INIT_05, AT(CONFIG_READ))
{
    unsigned value;
    if (!l->o->ctl.mode_asked || !reads_mode(l, &value))
        return UNTOUCHED;
    return value == l->o->ctl.mode
               ? HELD
               : broken(why, "the cache mode that was written", "%u written, %u read", l->o->ctl.mode, value);
}

RULE(BLK_INIT_06, AT(CONFIG_READ))
{
    unsigned value;
    if (!negotiated(l->o, VBLK_F_CONFIG_WCE) || l->o->ctl.mode_written || !reads_mode(l, &value) || value > 1)
        return UNTOUCHED;
    return noted(why, value == 0 ? "writethrough after reset" : "writeback after reset");
}

RULE(BLK_INIT_DEV_03, AT(CONFIG_READ))
{
    unsigned value;
    if (!negotiated(l->o, VBLK_F_CONFIG_WCE) || negotiated(l->o, VBLK_F_FLUSH) || l->o->ctl.mode_written ||
        !l->o->ctl.features_ok || !reads_mode(l, &value))
        return UNTOUCHED;
    return value == 0 ? HELD : broken(why, "writeback 0 with CONFIG_WCE and no FLUSH", "writeback %u", value);
}

/* ---- changes and their notifications ---- */

static enum outcome unannounced(const struct look *l, struct why *why)
{
    const struct odd *odd = &l->o->ctl.odd;
    enum outcome outcome =
        broken(why, "a configuration change notification",
               "offset %u changed from 0x%02x to 0x%02x, nothing told of it", odd->at, odd->was, odd->now);
    point_at(why, odd->at);
    return outcome;
}

/* Fields whose change has rows of its own: BLK-OP-DEV-02 and -14. */
static bool has_own_row(const struct look *l, uint64_t at)
{
    struct vblk_config_field field;
    return (capacity_rules(l) && at < 8) ||
           (vblk_config_field_find(&l->o->opt.profile, "write_zeroes_may_unmap", &field) && at == field.offset);
}

RULE(OPER_01, AT(CONFIG_READ) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    unsigned first = capacity_rules(l) ? 8 : 0;

    if (l->ev->kind == VBLK_EV_CONFIG_READ)
        return ctl->notified && changed(l, first, VBLK_CONFIG_MAX) ? HELD : UNTOUCHED;
    if (!ctl->odd.is || !ctl->odd.live || ctl->odd.other_way || has_own_row(l, ctl->odd.at) || ctl->suspend_change)
        return UNTOUCHED;
    return unannounced(l, why);
}

RULE(BLK_OP_DEV_01, AT(CONFIG_READ))
{
    return l->o->ctl.live && changed(l, 0, 8) ? noted(why, "capacity changes in operation") : UNTOUCHED;
}

RULE(BLK_OP_DEV_02, AT(CONFIG_READ) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;

    if (l->ev->kind == VBLK_EV_CONFIG_READ)
        return ctl->capacity_stale && changed(l, 0, 8) ? HELD : UNTOUCHED;
    if (!ctl->odd.is || !ctl->odd.live || ctl->odd.other_way || ctl->odd.at >= 8 || ctl->suspend_change)
        return UNTOUCHED;
    return unannounced(l, why);
}

/* NEEDS_RESET before DRIVER_OK; once live it is STATUS-DEV-04 that demands the notification. */
RULE(OPER_02, AT(REG_READ) | AT(CONFIG_NOTIFY) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (l->ev->kind == VBLK_EV_CONFIG_NOTIFY)
        return ctl->notice_owed ? HELD : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_READ)
        return status_read_of(l->ev, &status) && (status & VBLK_STATUS_NEEDS_RESET) != 0 && !ctl->needs_reset &&
                       ctl->notice && !ctl->reset_asked
                   ? HELD
                   : UNTOUCHED;
    if (!ctl->notice_owed || (ctl->status_ever & VBLK_STATUS_DRIVER_OK) != 0)
        return UNTOUCHED;
    return doubted(why, "a configuration change notification with DEVICE_NEEDS_RESET",
                   "DEVICE_NEEDS_RESET shown, nothing told of it");
}

/* ---- queues ---- */

static bool queue_max(const struct look *l)
{
    return l->ev->reg == VBLK_REG_QUEUE_MAX && (l->ev->flags & VBLK_EV_EMULATED) == 0 && l->o->ctl.features_ok;
}

/* A queue 0 that is missing breaks VQ-04. */
RULE(BLK_VQ_01, AT(REG_READ))
{
    if (!queue_max(l) || negotiated(l->o, VBLK_F_MQ))
        return UNTOUCHED;
    if (l->ev->queue == 0)
        return l->ev->value > 0 ? HELD : UNTOUCHED;
    return l->ev->value == 0 ? HELD
                             : doubted(why, "queue 0 alone without MQ", "queue %u of up to %llu entries", l->ev->queue,
                                       (unsigned long long)l->ev->value);
}

RULE(BLK_VQ_02, AT(REG_READ))
{
    uint64_t queues;
    if (!queue_max(l) || !negotiated(l->o, VBLK_F_MQ) || !limit_of(&l->o->ctl, LIM_NUM_QUEUES, &queues))
        return UNTOUCHED;
    if ((l->ev->queue < queues) == (l->ev->value > 0))
        return HELD;
    return broken(why, "as many queues as num_queues says", "queue %u of up to %llu entries, num_queues %llu",
                  l->ev->queue, (unsigned long long)l->ev->value, (unsigned long long)queues);
}

/* OUT has rows of its own (BLK-OP-DEV); that other changes fail on a read-only disk is their intent only. */
CHECK(BLK_INIT_03, VBLK_DEVICE, AT(USED), TYPE(OUT) | TYPE(WRITE_ZEROES) | TYPE(DISCARD) | TYPE(SECURE_ERASE),
      ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || (l->chain->faults & (F_HEADER | F_NO_STATUS)) != 0 || !offers(&l->o->ctl, VBLK_F_RO))
        return UNTOUCHED;
    if (l->answer->status != VBLK_S_OK)
        return HELD;
    return l->chain->req.slot == TY_OUT ? UNTOUCHED
                                        : doubted(why, "what changes the disk fails on a read-only device",
                                                  "request type %u answered OK", l->chain->req.type);
}
