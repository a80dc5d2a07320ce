/* SPDX-License-Identifier: BSD-3-Clause */
/* What notifications say and what follows from them: 2.3, 2.9. */
#include "judge.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

static const struct notices *followed(const struct look *l)
{
    return l->q != NULL && notices_of(l->o, l->q)->on && l->o->ctl.live ? notices_of(l->o, l->q) : NULL;
}

/* A kind and a direction each, for a queue that there is. */
RULE(NOTIF_01, VBLK_NOBODY, AT(KICK) | AT(USED_NOTIFY) | AT(CONFIG_NOTIFY))
{
    const bool kick = l->ev->kind == VBLK_EV_KICK;
    const uint32_t queues = l->o->ctl.num_queues;

    if ((l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_CONFIG_NOTIFY || queues == 0 || l->ev->queue < queues)
        return HELD;
    enum outcome outcome = broken(why, "notifications of queues that there are", "queue %u of %u", l->ev->queue, queues);
    return kick ? blame_driver(why, outcome) : outcome;
}

/* Nothing changed if the generation, which changes with it, did not; DEVICE_NEEDS_RESET is announced the same way. */
RULE(NOTIF_04, VBLK_DEVICE, AT(REG_READ) | AT(CONFIG_READ))
{
    const struct control *ctl = &l->o->ctl;

    if (!l->o->unchanged_notice || ctl->needs_reset || ctl->suspend_asked)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_CONFIG_READ) {
        for (uint32_t i = 0; l->ev->bytes != NULL && i < l->ev->len && l->ev->at + i < VBLK_CONFIG_MAX; i++)
            if ((ctl->config_seen[l->ev->at + i] & SEEN) != 0 && ctl->config[l->ev->at + i] != l->ev->bytes[i])
                return HELD;
        return UNTOUCHED;
    }
    if (l->ev->reg != VBLK_REG_GENERATION || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    if ((uint32_t)l->ev->value != l->o->generation_at_notice)
        return HELD;
    return ctl->notice ? UNTOUCHED
                       : doubted(why, "a configuration that changed", "generation %u before and after",
                                 l->o->generation_at_notice);
}

/* ---- the value of a kick ---- */

/* The queue's number or, with NOTIF_CONFIG_DATA, what the device wants it to be called. */
static enum outcome named(const struct look *l, struct why *why, uint64_t mask)
{
    const char *expected = negotiated(l->o, VBLK_F_NOTIF_CONFIG_DATA) ? "queue_notif_config_data in place of the queue's number"
                                                                      : "the queue's number";
    const uint64_t told = l->ev->value & mask;
    uint16_t name;

    if (!notify_name(l->o, l->ev->queue, &name))
        return broken(why, expected, "0x%llx for queue %u, of which it was never read", (unsigned long long)told,
                      l->ev->queue);
    return told == name ? HELD
                        : broken(why, expected, "0x%llx for queue %u, which is called 0x%x", (unsigned long long)told,
                                 l->ev->queue, name);
}

#define WITH_DATA 1u
#define WITH_NAME 2u

/* Whether NOTIFICATION_DATA and NOTIF_CONFIG_DATA are as @want says. */
static bool negotiates(const struct look *l, unsigned want)
{
    return negotiated(l->o, VBLK_F_NOTIFICATION_DATA) == ((want & WITH_DATA) != 0) &&
           negotiated(l->o, VBLK_F_NOTIF_CONFIG_DATA) == ((want & WITH_NAME) != 0);
}

RULE(NOTIF_DATA_01, VBLK_DRIVER, AT(KICK))
{
    return negotiated(l->o, VBLK_F_NOTIFICATION_DATA) ? UNTOUCHED : named(l, why, UINT64_MAX);
}

RULE(NOTIF_DATA_02, VBLK_DRIVER, AT(KICK))
{
    return negotiated(l->o, VBLK_F_NOTIFICATION_DATA) ? named(l, why, 0xffff) : UNTOUCHED;
}

/* 4.1.5.2 says it of virtio-pci again, for each choice of features. */
static enum outcome named_over_pci(const struct look *l, struct why *why, unsigned want)
{
    if (l->o->opt.transport != VBLK_TRANSPORT_PCI || !negotiates(l, want))
        return UNTOUCHED;
    return named(l, why, (want & WITH_DATA) != 0 ? 0xffff : UINT64_MAX);
}

RULE(PCI_NOTIF_DRV_03, VBLK_DRIVER, AT(KICK))
{
    return named_over_pci(l, why, 0);
}

RULE(PCI_NOTIF_DRV_04, VBLK_DRIVER, AT(KICK))
{
    return named_over_pci(l, why, WITH_DATA);
}

RULE(PCI_NOTIF_DRV_05, VBLK_DRIVER, AT(KICK))
{
    return named_over_pci(l, why, WITH_NAME);
}

RULE(PCI_NOTIF_DRV_06, VBLK_DRIVER, AT(KICK))
{
    return named_over_pci(l, why, WITH_DATA | WITH_NAME);
}

/* Of a kick that only repeats another, NOTIF-DATA-05 speaks. */
RULE(NOTIF_DATA_03, VBLK_DRIVER, AT(KICK))
{
    const struct notices *s = followed(l);

    if (s == NULL || s->repeated || l->q->lost || negotiated(l->o, VBLK_F_RING_PACKED) ||
        !negotiated(l->o, VBLK_F_NOTIFICATION_DATA))
        return UNTOUCHED;
    const unsigned told = (unsigned)(l->ev->value >> 16) & 0xffff, idx = s->way[VBLK_DRIVER].at;
    return told == idx ? HELD
                       : broken(why, "the available index in bits 16 to 31", "0x%04x, index 0x%04x", told, idx);
}

RULE(NOTIF_DATA_05, VBLK_DRIVER, AT(KICK))
{
    const struct notices *s = followed(l);

    if (s == NULL || !s->repeated || l->q->lost || !negotiated(l->o, VBLK_F_NOTIFICATION_DATA))
        return UNTOUCHED;
    return (uint32_t)l->ev->value >> 16 == s->kick_value >> 16
               ? HELD
               : broken(why, "the same position as before, nothing new is available", "0x%08x after 0x%08x",
                        (unsigned)l->ev->value, s->kick_value);
}

/* A kick told a position that is not the ring's. */
CHECK(NOTIF_DATA_06, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->chain == NULL)
        return UNTOUCHED;
    const struct notices *s = followed(l);
    if (s == NULL || !s->stale || l->chain->born > s->stale_kick || l->chain->void_)
        return UNTOUCHED;
    if (l->answer != NULL)
        return HELD;
    return l->ev->queue != l->q->no || l->o->ctl.needs_reset || l->q->lost
               ? UNTOUCHED
               : broken(why, "all that is available is served, whatever notifications say",
                        "head %u is not after a kick that told another position", l->chain->head);
}

/* ---- notifications for nothing ---- */

/* What the driver does next shows that it took no harm. */
RULE(NOTIF_USED_DRV_05, VBLK_DRIVER, AT(KICK) | AT(OWED) | AT(REG_WRITE))
{
    uint8_t status;

    if (l->ev->kind == VBLK_EV_REG_WRITE) {
        if (!status_write(l->ev, &status) || (status & VBLK_STATUS_FAILED) == 0 || l->o->ctl.needs_reset)
            return UNTOUCHED;
        for (uint32_t i = 0; i < l->o->active_count; i++) {
            const struct notices *s = &l->o->notices[l->o->active[i]];
            if (s->on && s->idle_notify > s->way[VBLK_DRIVER].sent && s->idle_notify > s->way[VBLK_DRIVER].published)
                return broken(why, "a driver that goes on after a notification for nothing",
                              "it gives up after one for queue %u", l->o->active[i]);
        }
        return UNTOUCHED;
    }
    const struct notices *s = followed(l);
    return s != NULL && s->idle_notify != 0 && !l->o->ctl.failed ? HELD : UNTOUCHED;
}

static bool troubled(const struct look *l)
{
    uint8_t status;
    if (l->ev->kind == VBLK_EV_GONE)
        return true;
    return status_read_of(l->ev, &status) && (status & VBLK_STATUS_NEEDS_RESET) != 0;
}

/* Nothing happened on the queue since but the kick. */
static bool only_kicked(const struct notices *s)
{
    return s->on && s->idle_kick > s->way[VBLK_DRIVER].published && s->idle_kick > s->way[VBLK_DEVICE].sent &&
           s->idle_kick > s->way[VBLK_DEVICE].published;
}

RULE(NOTIF_AVAIL_DEV_05, VBLK_DEVICE, AT(REG_READ) | AT(GONE) | AT(OWED))
{
    const struct vblk_oracle *o = l->o;

    if (o->abuse != NO_ABUSE || o->ctl.needs_reset || !o->ctl.live || o->outstanding > 0 || any_queue_lost(o))
        return UNTOUCHED;
    if (l->ev->kind != VBLK_EV_GONE && l->ev->kind != VBLK_EV_REG_READ) {
        const struct notices *s = followed(l);
        return s != NULL && s->idle_kick != 0 ? HELD : UNTOUCHED;
    }
    for (uint32_t i = 0; troubled(l) && i < o->active_count; i++)
        if (only_kicked(&o->notices[o->active[i]]))
            return broken(why, "a kick for nothing is no error", "%s after one for queue %u",
                          l->ev->kind == VBLK_EV_GONE ? "gone" : "DEVICE_NEEDS_RESET", o->active[i]);
    return UNTOUCHED;
}
