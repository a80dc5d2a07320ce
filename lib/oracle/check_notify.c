/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of split rings that are due, and those that were not asked for: 2.7.7, 2.7.10. */
#include "judge.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

static bool split(const struct look *l)
{
    return l->q != NULL && !negotiated(l->o, VBLK_F_RING_PACKED);
}

static bool event_idx(const struct look *l)
{
    return negotiated(l->o, VBLK_F_EVENT_IDX);
}

static const struct notice *notice_of(const struct look *l, unsigned party)
{
    return &notices_of(l->o, l->q)->way[party];
}

static enum outcome missing(const struct look *l, struct why *why, unsigned party, const char *expected)
{
    const struct notice *n = notice_of(l, party);
    enum outcome outcome = broken(why, expected, "none for queue %u up to index %u, flags %u, event %u", l->q->no, n->at,
                                  n->flags, n->event);
    return n->inside ? by_reading(why, VBLK_AMB_17, outcome) : outcome;
}

/* A notification was due by the rule in force. @heeded: what the sender had to ignore would have asked for none. */
static enum outcome due(const struct look *l, struct why *why, unsigned party, bool by_event, bool heeded,
                        const char *expected)
{
    if (!split(l) || event_idx(l) != by_event)
        return UNTOUCHED;
    const struct notice *n = notice_of(l, party);
    if (!n->due || !n->other != heeded)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_KICK || l->ev->kind == VBLK_EV_USED_NOTIFY)
        return (l->ev->flags & VBLK_EV_EMULATED) == 0 ? HELD : UNTOUCHED;
    return n->ripe ? missing(l, why, party, expected) : UNTOUCHED;
}

/* Entries were published, and none of them asked for a notification. */
static enum outcome spared(const struct look *l, struct why *why, unsigned party, bool by_event, const char *expected)
{
    if (!split(l) || event_idx(l) != by_event)
        return UNTOUCHED;
    const struct notice *n = notice_of(l, party);
    if (!notices_of(l->o, l->q)->on || n->fresh == 0 || n->due || n->may || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    if (l->ev->kind != VBLK_EV_KICK && l->ev->kind != VBLK_EV_USED_NOTIFY)
        return HELD;
    if (party == VBLK_DEVICE && negotiated(l->o, VBLK_F_NOTIFY_ON_EMPTY))
        return UNTOUCHED; /* legacy: the queue may have run empty */
    return broken(why, expected, "one for queue %u at index %u, flags %u, event %u", l->q->no, n->at, n->flags,
                  n->event);
}

#define SENT(party) ((party) == VBLK_DRIVER ? AT(KICK) : AT(USED_NOTIFY))
#define DUE(token, party, by_event, heeded, expected)                                                                  \
    RULE(token, party, SENT(party) | AT(OWED))                                                                         \
    {                                                                                                                  \
        return due(l, why, party, by_event, heeded, expected);                                                         \
    }
#define SPARED(token, party, by_event, expected)                                                                       \
    RULE(token, party, SENT(party) | AT(OWED))                                                                         \
    {                                                                                                                  \
        return spared(l, why, party, by_event, expected);                                                              \
    }

DUE(NOTIF_USED_DEV_01, VBLK_DEVICE, false, true, "a notification whatever used_event says")
DUE(NOTIF_USED_DEV_03, VBLK_DEVICE, false, false, "a used buffer notification")
DUE(NOTIF_USED_DEV_04, VBLK_DEVICE, true, true, "a notification whatever the flags say")
DUE(NOTIF_USED_DEV_05, VBLK_DEVICE, true, false, "a notification of the entry that used_event names")
SPARED(NOTIF_USED_DEV_02, VBLK_DEVICE, false, "no notification while flags are 1")
SPARED(NOTIF_USED_DEV_06, VBLK_DEVICE, true, "no notification of entries that used_event does not name")

DUE(NOTIF_AVAIL_DRV_02, VBLK_DRIVER, false, true, "a notification whatever avail_event says")
DUE(NOTIF_AVAIL_DRV_04, VBLK_DRIVER, false, false, "an available buffer notification")
DUE(NOTIF_AVAIL_DRV_05, VBLK_DRIVER, true, true, "a notification whatever the flags say")
DUE(NOTIF_AVAIL_DRV_06, VBLK_DRIVER, true, false, "a notification of the entry that avail_event names")
SPARED(NOTIF_AVAIL_DRV_03, VBLK_DRIVER, false, "no notification while flags are 1")
SPARED(NOTIF_AVAIL_DRV_07, VBLK_DRIVER, true, "no notification of entries that avail_event does not name")

/* ---- what is wished for ---- */

/* @party's flags: at most @most. */
static enum outcome flags(const struct look *l, struct why *why, unsigned party, bool with_event, uint16_t most)
{
    if (!split(l) || event_idx(l) != with_event || !notices_of(l->o, l->q)->on)
        return UNTOUCHED;
    const struct notice *n = notice_of(l, !party);
    if (party == VBLK_DEVICE && l->q->flags_left && n->flags == l->q->used_flags)
        return UNTOUCHED; /* the driver left them: NOTIF-AVAIL-DRV-01 */
    if (l->ev->kind == VBLK_EV_CASE_END)
        return n->flags <= most && n->total > 0 ? HELD : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_QUIET || l->party != party)
        return UNTOUCHED;
    if (n->flags <= most)
        return HELD;
    enum outcome outcome = broken(why, most == 0 ? "flags 0 with EVENT_IDX" : "flags 0 or 1", "flags 0x%04x", n->flags);
    point_at(why, party == VBLK_DRIVER ? l->q->driver : l->q->device);
    return outcome;
}

RULE(NOTIF_USED_DRV_01, VBLK_DRIVER, AT(WISH) | AT(OWED))
{
    return flags(l, why, VBLK_DRIVER, false, 1);
}

RULE(NOTIF_USED_DRV_03, VBLK_DRIVER, AT(WISH) | AT(OWED))
{
    return flags(l, why, VBLK_DRIVER, true, 0);
}

RULE(NOTIF_AVAIL_DEV_01, VBLK_DEVICE, AT(WISH) | AT(OWED))
{
    return flags(l, why, VBLK_DEVICE, false, 1);
}

RULE(NOTIF_AVAIL_DEV_03, VBLK_DEVICE, AT(WISH) | AT(OWED))
{
    return flags(l, why, VBLK_DEVICE, true, 0);
}

RULE(NOTIF_AVAIL_DRV_01, VBLK_DRIVER, AT(QUEUE_ENABLE))
{
    if (!split(l) || !l->q->enabled || l->q->lost)
        return UNTOUCHED;
    if (l->q->used_flags == 0)
        return HELD;
    enum outcome outcome = broken(why, "used ring flags 0 when the queue is set up", "0x%04x", l->q->used_flags);
    point_at(why, l->q->device);
    return outcome;
}

/* An index that stays asks for one notification in 65536: the other party never hears of the rest. */
static const char *unmoved(const struct look *l, unsigned party)
{
    if (!split(l) || !event_idx(l) || l->ev->kind != VBLK_EV_CASE_END || !notices_of(l->o, l->q)->on)
        return NULL;
    const struct notice *n = notice_of(l, !party);
    return !n->moved && n->total > 1 ? "never moved" : NULL;
}

static const char *advised(const struct look *l, unsigned party, bool by_event)
{
    if (!split(l) || event_idx(l) != by_event || l->party != party || !notices_of(l->o, l->q)->on ||
        l->ev->kind == VBLK_EV_QUIET)
        return NULL;
    const struct notice *n = notice_of(l, !party);
    if (by_event)
        return n->event == n->at ? "at the next entry" : (uint16_t)(n->event - n->at) < 0x8000u ? "later" : "not soon";
    return (n->flags & 1) != 0 ? "unneeded" : "needed";
}

#define ADVICE(token, party, by_event, moments)                                                                        \
    RULE(token, party, moments)                                                                                        \
    {                                                                                                                  \
        const char *choice =                                                                                           \
            l->ev->kind == VBLK_EV_CASE_END ? unmoved(l, party) : advised(l, party, by_event);                         \
        return choice != NULL ? noted(why, choice) : UNTOUCHED;                                                        \
    }

ADVICE(NOTIF_USED_DRV_02, VBLK_DRIVER, false, AT(WISH))
ADVICE(NOTIF_USED_DRV_04, VBLK_DRIVER, true, AT(WISH) | AT(OWED))
ADVICE(NOTIF_AVAIL_DEV_02, VBLK_DEVICE, false, AT(WISH))
ADVICE(NOTIF_AVAIL_DEV_04, VBLK_DEVICE, true, AT(WISH))

RULE(SUPPLY_09, VBLK_DEVICE, AT(WISH))
{
    if (!split(l) || l->party != VBLK_DEVICE || !notices_of(l->o, l->q)->on)
        return UNTOUCHED;
    return noted(why, event_idx(l) ? "by avail_event" : "by flags");
}

/* Notifications are wanted again, and the driver looks once more. */
RULE(SUPPLY_10, VBLK_DRIVER, AT(WISH))
{
    if (!split(l) || l->party != VBLK_DRIVER || !notices_of(l->o, l->q)->on || event_idx(l))
        return UNTOUCHED;
    return noted(why, (notice_of(l, VBLK_DEVICE)->flags & 1) != 0 ? "disabled" : "enabled");
}

/* A load of flags or avail_event before the kick that depends on them: idx must be visible by then. */
CHECK(SUPPLY_DRV_02, VBLK_DRIVER, AT(LOAD), 0, PLACE(USED_RING), VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS)
{
    if (!split(l) || l->q->idx_stored == 0 || !notices_of(l->o, l->q)->on || l->ev->order == VBLK_FULL)
        return UNTOUCHED;
    if (notice_of(l, VBLK_DRIVER)->fresh == 0)
        return UNTOUCHED;
    if (l->o->full_barriers[VBLK_DRIVER] > l->q->idx_stored)
        return HELD;
    if (l->o->barriers[VBLK_DRIVER] <= l->q->idx_stored && notice_of(l, VBLK_DRIVER)->due)
        return UNTOUCHED; /* no barrier at all, and a kick that follows: SUPPLY-02 */
    enum outcome outcome = broken(why, "a full barrier between the available idx and what suppresses notifications",
                                  "loaded without one");
    point_at(why, l->at);
    return outcome;
}
