/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which notifications are due. A publication of entries [from, to) makes one due if what the other side wished for at
 * that moment asks for it. What is not certain is never due: where a party's stores are not seen, a wish that changed
 * since the rings were last looked at may have changed before the entries were published, or after.
 */
#include <stdlib.h>
#include <string.h>

#include "notify_impl.h"

/* Silence of this length shows that a notification of something seen before is not on its way. */
#define QUIET_MS 100u
/* Where no time is told: so many kicks later it would have come with the others. */
#define ROUNDS 3u

bool notify_open(struct vblk_oracle *o)
{
    o->notices = calloc(o->opt.queues_max, sizeof(*o->notices));
    return o->notices != NULL;
}

void notify_close(struct vblk_oracle *o)
{
    for (uint32_t i = 0; o->notices != NULL && i < o->opt.queues_max; i++)
        free(o->notices[i].ids);
    free(o->notices);
    o->notices = NULL;
}

static void forget(struct notices *s)
{
    *s = (struct notices){ .ids = s->ids, .ids_for = s->ids_for, .named = s->named, .name = s->name };
}

void notify_forget(struct vblk_oracle *o)
{
    for (uint32_t i = 0; i < o->active_count; i++)
        forget(&o->notices[o->active[i]]);
    o->queue_reset_at = 0;
    o->unchanged_notice = false;
    o->full_barriers[VBLK_DRIVER] = o->full_barriers[VBLK_DEVICE] = 0;
}

void notify_forget_names(struct vblk_oracle *o)
{
    for (uint32_t i = 0; i < o->opt.queues_max; i++)
        o->notices[i].named = false;
}

static bool is_packed(const struct vblk_oracle *o)
{
    return negotiated(o, VBLK_F_RING_PACKED);
}

/* ---- the words of a ring; @party sends the notification, the other one wishes ---- */

static uint64_t idx_word(const struct queue *q, unsigned party)
{
    return (party == VBLK_DRIVER ? q->driver : q->device) + 2;
}

static uint64_t wish_area(const struct queue *q, unsigned party)
{
    return party == VBLK_DRIVER ? q->device : q->driver;
}

static uint64_t event_word(const struct vblk_oracle *o, const struct queue *q, unsigned party)
{
    if (is_packed(o))
        return wish_area(q, party);
    return wish_area(q, party) + 4 + (party == VBLK_DRIVER ? 8u : 2u) * (uint64_t)q->size;
}

static uint64_t flags_word(const struct vblk_oracle *o, const struct queue *q, unsigned party)
{
    return wish_area(q, party) + (is_packed(o) ? 2 : 0);
}

/* ---- what was published ---- */

void notice_published(struct vblk_oracle *o, struct notice *n, const struct published *p)
{
    n->at = p->to;
    n->total += p->count;
    n->fresh += p->count;
    n->published = o->seq;
    n->may |= p->vague;
    if (p->vague || !p->asks)
        return;
    n->inside = n->due ? n->inside && p->inside : p->inside;
    n->other = n->due ? n->other || p->other : p->other;
    if (!n->due) {
        n->since = o->seq;
        n->rounds = 0;
        n->loaded = false;
    }
    n->due = true;
}

/* 2.7.7.2, 2.7.10: entry e asks if e is used_event or avail_event; without EVENT_IDX flags decide. */
static void split_published(struct vblk_oracle *o, const struct queue *q, struct notices *s, unsigned party, uint16_t to)
{
    struct notice *n = &s->way[party];
    const uint16_t count = (uint16_t)(to - n->at);
    struct published p = { .to = to, .count = count, .vague = n->changed || count > q->size };
    if (count == 0)
        return;
    p.vague |= party == VBLK_DEVICE && n->total + count > s->way[VBLK_DRIVER].total; /* nothing that makes sense */

    const uint16_t past = (uint16_t)(n->event - n->at);
    const bool crossed = past < count, last = past + 1u == count;
    const bool by_flags = (n->flags & 1) == 0;
    if (negotiated(o, VBLK_F_EVENT_IDX)) {
        p.inside = crossed && !last;
        p.asks = crossed && (last || reading(o, VBLK_AMB_17) == 0);
        p.vague |= crossed && !p.asks;
        p.other = by_flags;
    } else {
        p.asks = by_flags;
        p.other = crossed || n->event == 0;
    }
    notice_published(o, n, &p);
}

static void split_follow(struct vblk_oracle *o, const struct queue *q, struct notices *s, unsigned party)
{
    split_published(o, q, s, party, word_at(o, idx_word(q, party)));
}

void notify_used_one(struct vblk_oracle *o, const struct queue *q, uint16_t idx)
{
    struct notices *s = &o->notices[q->no];

    if (s->on)
        split_published(o, q, s, VBLK_DEVICE, idx);
}

/* ---- what is wished for ---- */

static bool asks_still(const struct vblk_oracle *o, const struct notice *n, uint16_t flags, uint16_t event)
{
    if (is_packed(o))
        return n->flags == flags && n->event == event;
    return negotiated(o, VBLK_F_EVENT_IDX) ? n->event == event : (n->flags & 1) == (flags & 1);
}

/* Whether what a party published before something else happened is told apart from what it published after. */
static bool ordered(const struct vblk_oracle *o, unsigned party)
{
    return stores_seen(o, party) || o->opt.lockstep;
}

static bool wish_changed(struct vblk_oracle *o, const struct queue *q, struct notices *s, unsigned party, bool seen)
{
    struct notice *n = &s->way[party];
    const uint16_t flags = word_at(o, flags_word(o, q, party)), event = word_at(o, event_word(o, q, party));
    const bool other = n->flags != flags || n->event != event;

    if (!asks_still(o, n, flags, event)) {
        n->changed |= !seen || !ordered(o, party);
        n->may |= !ordered(o, party) || (n->fresh > 0 && !n->loaded);
        n->due = n->due && n->loaded;
    }
    n->flags = flags;
    n->event = event;
    n->moved |= other;
    return other;
}

static void judge_wish(struct vblk_oracle *o, const struct queue *q, unsigned party, const struct vblk_event *ev)
{
    judge_moment(o, AT_WISH, &(struct look){ .ev = ev, .q = q, .party = (uint8_t)!party });
}

/* Look at all words of a ring, as events name the moment. */
static void look_at(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct notices *s = &o->notices[q->no];

    if (!s->on || q->lost)
        return;
    for (unsigned party = 0; party < 2; party++)
        if (wish_changed(o, q, s, party, false))
            judge_wish(o, q, party, ev);
    if (is_packed(o))
        notice_packed_follow(o, q, s);
    for (unsigned party = 0; party < 2; party++) {
        if (!is_packed(o))
            split_follow(o, q, s, party);
        s->way[party].changed = false;
    }
}

/* ---- single accesses ---- */

static bool touches(const struct vblk_event *ev, uint64_t at)
{
    return at - ev->at < ev->len || ev->at - at < 2;
}

/* Packed rings are followed when events name the moment; by then it may be as it was. */
static void packed_wish_stored(const struct vblk_oracle *o, const struct queue *q, unsigned sender)
{
    struct notice *n = &o->notices[q->no].way[sender];

    if (asks_still(o, n, word_at(o, flags_word(o, q, sender)), word_at(o, event_word(o, q, sender))))
        return;
    n->changed = true;
    n->may |= n->fresh > 0;
    n->due = false;
}

static void wish_accessed(struct vblk_oracle *o, const struct queue *q, struct notices *s, unsigned sender,
                          const struct vblk_event *ev)
{
    if (ev->kind == VBLK_EV_LOAD) {
        s->way[sender].loaded |= s->way[sender].due && !is_packed(o);
        race_looked(o, s, sender, ev, flags_word(o, q, sender), event_word(o, q, sender));
        return;
    }
    race_asked(o, q, s, ev);
    if (is_packed(o)) {
        packed_wish_stored(o, q, sender);
        return;
    }
    wish_changed(o, q, s, sender, true);
    judge_wish(o, q, sender, ev);
}

void notify_access(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = o->near;
    if (q == NULL || ev->len > 4 || ev->party >= VBLK_NOBODY)
        return;
    struct notices *s = &o->notices[q->no];
    if (!q->enabled || q->lost || (!s->on && !is_packed(o)))
        return;
    const unsigned sender = ev->kind == VBLK_EV_LOAD ? ev->party : !ev->party;
    if (touches(ev, flags_word(o, q, sender)) || touches(ev, event_word(o, q, sender)))
        wish_accessed(o, q, s, sender, ev);
    if (ev->kind == VBLK_EV_LOAD || is_packed(o) || !touches(ev, idx_word(q, ev->party)))
        return;
    if (!stores_seen(o, sender))
        (void)wish_changed(o, q, s, ev->party, o->opt.lockstep);
    split_follow(o, q, s, ev->party);
}

/* ---- events ---- */

bool notify_name(const struct vblk_oracle *o, uint16_t queue, uint16_t *name)
{
    const bool own = negotiated(o, VBLK_F_NOTIF_CONFIG_DATA) && queue < o->opt.queues_max;

    *name = own ? o->notices[queue].name : queue;
    return !own || o->notices[queue].named;
}

static void kick_seen(struct vblk_oracle *o, const struct queue *q, const struct vblk_event *ev)
{
    struct notices *s = &o->notices[q->no];
    const struct notice *n = &s->way[VBLK_DRIVER];
    uint16_t name;

    s->astray = !notify_name(o, q->no, &name) || (uint16_t)ev->value != name;
    s->repeated = s->kicked && n->fresh == 0;
    if (n->fresh == 0 && s->on && q->outstanding == 0 && o->ctl.live && !is_packed(o))
        s->idle_kick = o->seq;
    s->way[VBLK_DEVICE].rounds++;
    if (negotiated(o, VBLK_F_NOTIFICATION_DATA) && (uint16_t)(ev->value >> 16) != n->at) {
        s->stale = true;
        o->settings++;
        s->stale_kick = o->seq;
    }
}

static void notify_seen(struct vblk_oracle *o, const struct queue *q, const struct vblk_event *ev)
{
    struct notices *s = &o->notices[q->no];

    if ((ev->flags & VBLK_EV_EMULATED) == 0 && s->on && o->ctl.live && s->way[VBLK_DEVICE].fresh == 0)
        s->idle_notify = o->seq;
}

static void forget_notice(struct notice *n)
{
    n->due = n->may = n->inside = n->other = n->loaded = false;
    n->fresh = 0;
    n->rounds = 0;
}

static void settle_notice(struct vblk_oracle *o, struct notice *n)
{
    forget_notice(n);
    n->missed = false;
    n->sent = o->seq;
}

/* Whether nothing excuses the device or the driver. */
static bool answerable(const struct vblk_oracle *o, const struct queue *q)
{
    const struct control *ctl = &o->ctl;
    return ctl->live && !ctl->reset_asked && !ctl->needs_reset && !ctl->failed && !ctl->suspend_asked && !o->gone &&
           !q->lost;
}

static bool ripe(const struct vblk_oracle *o, const struct queue *q, unsigned party, const struct vblk_event *ev)
{
    const struct notices *s = &o->notices[q->no];
    const struct notice *n = &s->way[party];
    const bool quiet = ev->kind == VBLK_EV_QUIET;

    if (!n->due || !answerable(o, q) || (quiet && ev->queue != q->no))
        return false;
    if (party == VBLK_DRIVER)
        return quiet && (q->outstanding > 0 || is_packed(o));
    if (sees(o, VBLK_SEES_DEVICE_STORES))
        return true;
    return quiet ? ev->value >= QUIET_MS && n->rounds > 0 : n->rounds >= ROUNDS;
}

static void judge_owed(struct vblk_oracle *o, const struct vblk_event *ev)
{
    for (uint32_t i = 0; i < o->active_count; i++) {
        struct queue *q = &o->queues[o->active[i]];
        struct notices *s = &o->notices[q->no];
        for (unsigned party = 0; party < 2; party++)
            s->way[party].ripe = s->on && ripe(o, q, party, ev);
        judge_moment(o, AT_OWED, &(struct look){ .ev = ev, .q = q });
        for (unsigned party = 0; party < 2; party++) {
            if (!s->way[party].ripe)
                continue;
            forget_notice(&s->way[party]); /* blamed once */
            s->way[party].missed = true;
        }
    }
}

static void stop_all(struct vblk_oracle *o)
{
    notify_forget(o);
}

/* A used index that is not the one to begin with is what somebody left there, and nothing the device published. */
static bool begins_split(struct vblk_oracle *o, const struct queue *q, struct notices *s, const struct vblk_event *ev)
{
    const uint16_t used = word_at(o, idx_word(q, VBLK_DEVICE));

    s->way[VBLK_DRIVER].at = (uint16_t)ev->at;
    s->way[VBLK_DEVICE].at = used;
    return ev->at != 0 || used == 0;
}

static void queue_enabled(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct notices *s = &o->notices[q->no];

    if (s->on || q->size == 0)
        return;
    memset(s->way, 0, sizeof(s->way));
    s->repeated = s->kicked = s->stale = false;
    s->idle_kick = s->idle_notify = s->reopened = 0;
    s->on = true;
    for (unsigned party = 0; party < 2; party++) {
        s->way[party].flags = word_at(o, flags_word(o, q, party));
        s->way[party].event = word_at(o, event_word(o, q, party));
        s->way[party].planted = s->way[party].flags != 0 || s->way[party].event != 0;
    }
    if (is_packed(o))
        notice_packed_open(o, q, s);
    else
        s->on = begins_split(o, q, s, ev);
    reset_enabled(q, s);
}

static void registers(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = queue_at(o, ev->queue);
    const bool write = ev->kind == VBLK_EV_REG_WRITE;

    if (write && ev->reg == VBLK_REG_STATUS && (uint8_t)ev->value == 0)
        stop_all(o);
    if (!write && ev->reg == VBLK_REG_GENERATION)
        o->unchanged_notice = false;
    if (q == NULL)
        return;
    if (!write && ev->reg == VBLK_REG_QUEUE_NOTIF_CONFIG_DATA && negotiated(o, VBLK_F_NOTIF_CONFIG_DATA)) {
        o->notices[q->no].name = (uint16_t)ev->value;
        o->notices[q->no].named = true;
    }
    reset_reg(o, q, &o->notices[q->no], ev);
    if (write && ev->reg == VBLK_REG_QUEUE_ENABLE && ev->value == 1)
        queue_enabled(o, q, ev);
}

#define NAMED (1u << VBLK_EV_KICK | 1u << VBLK_EV_USED_NOTIFY | 1u << VBLK_EV_LOOK)
#define OVER (1u << VBLK_EV_QUIET | 1u << VBLK_EV_CASE_END)
#define REGISTERS (1u << VBLK_EV_REG_READ | 1u << VBLK_EV_REG_WRITE)
#define LOST (1u << VBLK_EV_GONE | 1u << VBLK_EV_BACK | 1u << VBLK_EV_POWER_CUT)

void notify_before(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const uint32_t kind = 1u << ev->kind;
    struct queue *q = (kind & NAMED) != 0 ? queue_at(o, ev->queue) : NULL;

    if ((kind & OVER) != 0)
        for (uint32_t i = 0; i < o->active_count; i++)
            look_at(o, &o->queues[o->active[i]], ev);
    if (q == NULL)
        return;
    look_at(o, q, ev);
    if (ev->kind == VBLK_EV_KICK)
        kick_seen(o, q, ev);
    else if (ev->kind == VBLK_EV_USED_NOTIFY)
        notify_seen(o, q, ev);
}

static void after_named(struct vblk_oracle *o, const struct queue *q, const struct vblk_event *ev)
{
    struct notices *s = &o->notices[q->no];

    if (ev->kind == VBLK_EV_KICK && s->astray) {
        forget_notice(&s->way[VBLK_DRIVER]); /* that was said; who is not told owes nothing */
        s->way[VBLK_DRIVER].missed = true;
    } else if (ev->kind == VBLK_EV_KICK) {
        settle_notice(o, &s->way[VBLK_DRIVER]);
        s->kicked = true;
        s->kick_value = (uint32_t)ev->value;
    } else if (ev->kind == VBLK_EV_USED_NOTIFY) {
        settle_notice(o, &s->way[VBLK_DEVICE]);
        s->notice_pending = false;
        s->reopened = 0;
    }
}

static void config_noticed(struct vblk_oracle *o)
{
    o->unchanged_notice = o->ctl.generation_known && o->ctl.live;
    o->generation_at_notice = o->ctl.generation;
}

void notify_after(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const uint32_t kind = 1u << ev->kind;
    struct queue *q = (kind & NAMED) != 0 ? queue_at(o, ev->queue) : NULL;

    if (q != NULL)
        after_named(o, q, ev);
    else if ((kind & REGISTERS) != 0)
        registers(o, ev);
    else if ((kind & OVER) != 0)
        judge_owed(o, ev);
    else if ((kind & LOST) != 0)
        stop_all(o);
    else if (ev->kind == VBLK_EV_CONFIG_NOTIFY)
        config_noticed(o);
    else if (ev->kind == VBLK_EV_BARRIER && ev->party <= VBLK_DEVICE && ev->order == VBLK_FULL)
        o->full_barriers[ev->party] = o->seq;
}
