/* SPDX-License-Identifier: BSD-3-Clause */
/* Event suppression of packed rings: 2.8.10, 2.8.14. */
#include "judge.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

enum { ENABLE, DISABLE, DESC };

static const struct notices *packed(const struct look *l)
{
    if (l->q == NULL || !negotiated(l->o, VBLK_F_RING_PACKED))
        return NULL;
    const struct notices *s = notices_of(l->o, l->q);
    return s->on ? s : NULL;
}

/* What a party set, and where it lies; the other one heeds it. */
static const struct notice *wish(const struct look *l, const struct notices *s, uint64_t *at)
{
    *at = l->party == VBLK_DRIVER ? l->q->driver : l->q->device;
    return &s->way[!l->party];
}

static enum outcome by(const struct look *l, struct why *why, enum outcome outcome)
{
    return l->party == VBLK_DRIVER ? blame_driver(why, outcome) : outcome;
}

RULE(NOTIF_PACKED_01, VBLK_NOBODY, AT(WISH))
{
    const struct notices *s = packed(l);
    uint64_t at;

    if (s == NULL)
        return UNTOUCHED;
    const uint16_t flags = wish(l, s, &at)->flags & 3;
    if (flags < DESC || (flags == DESC && negotiated(l->o, VBLK_F_EVENT_IDX)))
        return HELD;
    enum outcome outcome = broken(why, "ENABLE, DISABLE or, with EVENT_IDX, DESC", "flags %u", flags);
    point_at(why, at + 2);
    return by(l, why, outcome);
}

RULE(NOTIF_PACKED_04, VBLK_NOBODY, AT(WISH))
{
    const struct notices *s = packed(l);
    uint64_t at;

    if (s == NULL)
        return UNTOUCHED;
    const uint16_t flags = wish(l, s, &at)->flags;
    if ((flags & ~3u) == 0)
        return HELD;
    enum outcome outcome = broken(why, "reserved bits 0", "flags 0x%04x", flags);
    point_at(why, at + 2);
    return by(l, why, outcome);
}

RULE(NOTIF_PACKED_05, VBLK_DEVICE, AT(WISH))
{
    static const char *const choices[] = { "ENABLE", "DISABLE", "DESC", "reserved" };
    const struct notices *s = packed(l);

    return s == NULL || l->party != VBLK_DEVICE ? UNTOUCHED : noted(why, choices[s->way[VBLK_DRIVER].flags & 3]);
}

RULE(NOTIF_PACKED_06, VBLK_DRIVER, AT(WISH))
{
    static const char *const choices[] = { "ENABLE", "DISABLE", "DESC", "reserved" };
    const struct notices *s = packed(l);

    return s == NULL || l->party != VBLK_DRIVER ? UNTOUCHED : noted(why, choices[s->way[VBLK_DEVICE].flags & 3]);
}

static enum outcome judged(const struct look *l, struct why *why, unsigned party, bool by_desc)
{
    const struct notices *s = packed(l);
    if (s == NULL)
        return UNTOUCHED;
    const struct notice *n = &s->way[party];
    const bool sent = l->ev->kind == (party == VBLK_DRIVER ? VBLK_EV_KICK : VBLK_EV_USED_NOTIFY);
    enum outcome outcome = UNTOUCHED;

    if (n->fresh == 0 || n->may || (n->flags == DESC) != by_desc || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    if (n->due)
        outcome = sent ? HELD : !n->ripe ? UNTOUCHED
                                         : broken(why, by_desc ? "a notification of the descriptor that is named"
                                                               : "a notification with ENABLE",
                                                  "none for queue %u, event 0x%04x", l->q->no, n->event);
    else
        outcome = !sent ? HELD
                        : doubted(why, by_desc ? "no notification of other descriptors" : "none with DISABLE",
                                  "one for queue %u, event 0x%04x", l->q->no, n->event);
    return party == VBLK_DRIVER ? blame_driver(why, outcome) : outcome;
}

/* Each way by itself; what is wrong goes first. */
static enum outcome both(const struct look *l, struct why *why, bool by_desc)
{
    if (l->ev->kind == VBLK_EV_KICK)
        return judged(l, why, VBLK_DRIVER, by_desc);
    if (l->ev->kind == VBLK_EV_USED_NOTIFY)
        return judged(l, why, VBLK_DEVICE, by_desc);
    enum outcome outcome = judged(l, why, VBLK_DEVICE, by_desc);
    if (outcome == BROKEN)
        return outcome;
    enum outcome drivers = judged(l, why, VBLK_DRIVER, by_desc);
    return drivers != UNTOUCHED ? drivers : outcome;
}

RULE(NOTIF_PACKED_02, VBLK_NOBODY, AT(KICK) | AT(USED_NOTIFY) | AT(OWED))
{
    return both(l, why, true);
}

RULE(NOTIF_PACKED_03, VBLK_NOBODY, AT(KICK) | AT(USED_NOTIFY) | AT(OWED))
{
    return both(l, why, false);
}

RULE(RING_PACKED_DRV_05, VBLK_DRIVER, AT(KICK))
{
    const struct notices *s = packed(l);
    return s == NULL || !s->repeated ? UNTOUCHED : noted(why, "again without new descriptors");
}

static bool told(const struct look *l, const struct notices **s)
{
    *s = packed(l);
    return *s != NULL && !l->q->lost && l->o->ctl.live && negotiated(l->o, VBLK_F_NOTIFICATION_DATA) && !(*s)->repeated;
}

RULE(NOTIF_DATA_04, VBLK_DRIVER, AT(KICK))
{
    const struct notices *s;
    const unsigned off = (unsigned)(l->ev->value >> 16) & 0x7fff;

    if (!told(l, &s))
        return UNTOUCHED;
    const unsigned next = s->way[VBLK_DRIVER].at & 0x7fffu;
    return off == next ? HELD : broken(why, "next_off is the next slot to be filled", "%u, that slot is %u", off, next);
}

/* The offset is NOTIF-DATA-04's. */
RULE(RING_PACKED_DRV_04, VBLK_DRIVER, AT(KICK))
{
    const struct notices *s;
    const unsigned told_wrap = (unsigned)(l->ev->value >> 31) & 1;

    if (!told(l, &s) || ((l->ev->value >> 16 ^ s->way[VBLK_DRIVER].at) & 0x7fff) != 0)
        return UNTOUCHED;
    const unsigned wrap = s->way[VBLK_DRIVER].at >> 15;
    return told_wrap == wrap ? HELD : broken(why, "next_wrap of that slot", "%u, its wrap counter is %u", told_wrap, wrap);
}
