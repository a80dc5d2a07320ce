/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps what the rows of provision want to know of the configuration's past. */
#include <string.h>

#include "judge.h"

static void limit_read(struct vblk_oracle *o, struct provision_limit *limit, uint32_t value)
{
    const struct control *ctl = &o->ctl;

    if (limit->live && limit->now != value) {
        limit->before = limit->now;
        limit->changed = true;
        o->provisioned.stale |= ctl->generation_known && ctl->generation == limit->generation;
        o->provisioned.silent |= !limit->told;
    }
    limit->now = value;
    limit->generation = ctl->generation;
    limit->known = true;
    limit->told = false;
    limit->early |= !ctl->features_ok;
    limit->live |= ctl->live;
}

static void config_read(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const struct control *ctl = &o->ctl;
    uint64_t at = o->opt.profile.provision_offset, value;

    o->provisioned.config_unread = false;
    if (!o->opt.profile.provision || ev->bytes == NULL)
        return;
    if (ev->at < at + 4 && ev->at + ev->len > at && limit_of(ctl, LIM_PROVISION_SECTORS, &value))
        limit_read(o, &o->provisioned.sectors, (uint32_t)value);
    if (ev->at < at + 8 && ev->at + ev->len > at + 4 && limit_of(ctl, LIM_PROVISION_SEG, &value))
        limit_read(o, &o->provisioned.segments, (uint32_t)value);
}

static void forget_life(struct provision_facts *p)
{
    memset(&p->sectors, 0, sizeof(p->sectors));
    memset(&p->segments, 0, sizeof(p->segments));
    p->stale = p->silent = false;
}

void provision_see(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct provision_facts *p = &o->provisioned;

    switch (ev->kind) {
    case VBLK_EV_CONFIG_READ:
        config_read(o, ev);
        break;
    case VBLK_EV_CONFIG_NOTIFY:
        p->silent = false;
        p->sectors.told = p->segments.told = true;
        break;
    case VBLK_EV_REG_READ:
        if (ev->reg == VBLK_REG_GENERATION)
            p->stale = false;
        else if (ev->reg == VBLK_REG_DEVICE_ID && (ev->flags & VBLK_EV_EMULATED) == 0)
            p->device_id = (uint32_t)ev->value;
        break;
    case VBLK_EV_REG_WRITE:
        if (ev->reg == VBLK_REG_STATUS && ev->value == 0)
            forget_life(p);
        break;
    case VBLK_EV_BACK:
    case VBLK_EV_POWER_CUT:
        forget_life(p);
        break;
    default:
        break;
    }
}
