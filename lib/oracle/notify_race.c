/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The race between asking for notifications again and what the other side published meanwhile (2.7.14, 2.8.22): who
 * looked at a wish when, what it was told, and whether the one who asks again also looks at the ring again.
 */
#include "notify_impl.h"

#define WRAP 0x8000u

enum { ENABLE, DISABLE, DESC };

/* The word at @at, if the load was of all of it. */
static void take_word(const struct vblk_event *ev, uint64_t at, uint16_t *word)
{
    const uint64_t into = at - ev->at;

    if (ev->bytes != NULL && at >= ev->at && into + 2 <= ev->len)
        *word = (uint16_t)(ev->bytes[into] | ev->bytes[into + 1] << 8);
}

void race_looked(struct vblk_oracle *o, struct notices *s, unsigned party, const struct vblk_event *ev, uint64_t flags,
                 uint64_t event)
{
    struct notice *n = &s->way[party];

    n->looked = o->seq;
    take_word(ev, flags, &n->told_flags);
    take_word(ev, event, &n->told_event);
}

static uint16_t place(uint16_t slot, bool wrap)
{
    return (uint16_t)(slot | (wrap ? WRAP : 0));
}

static bool packed_declined(const struct vblk_oracle *o, const struct queue *q, unsigned party, uint16_t from)
{
    const struct notice *n = &o->notices[q->no].way[party];
    const uint16_t to = party == VBLK_DRIVER ? place(q->avail_idx, q->avail_wrap) : place(q->used_idx, q->used_wrap);
    const uint16_t flags = n->told_flags & 3;

    if (flags != DESC || !negotiated(o, VBLK_F_EVENT_IDX) || (uint32_t)(n->told_event & ~WRAP) >= q->size)
        return flags == DISABLE;
    return notice_packed_distance(q, from, n->told_event) >= notice_packed_distance(q, from, to);
}

bool notify_declined(const struct vblk_oracle *o, const struct queue *q, unsigned party, uint16_t from)
{
    const struct notice *n = &o->notices[q->no].way[party];
    const uint16_t to = party == VBLK_DRIVER ? q->avail_idx : q->used_idx;

    if (n->looked <= (party == VBLK_DRIVER ? q->idx_stored : q->answered) || n->looked <= n->sent)
        return false;
    if (q->packed)
        return packed_declined(o, q, party, from);
    return negotiated(o, VBLK_F_EVENT_IDX) ? (uint16_t)(n->told_event - from) >= (uint16_t)(to - from)
                                           : (n->told_flags & 1) != 0;
}

/* The entry that was used last. */
static uint16_t last_used(const struct queue *q)
{
    if (!q->packed)
        return (uint16_t)(q->used_idx - 1);
    return q->used_idx >= q->skipped ? place((uint16_t)(q->used_idx - q->skipped), q->used_wrap)
                                     : place((uint16_t)(q->used_idx + q->size - q->skipped), !q->used_wrap);
}

static bool wants_one(const struct vblk_oracle *o, const struct queue *q)
{
    const uint16_t flags = word_at(o, q->driver + (q->packed ? 2 : 0));
    return q->packed ? (flags & 3) != DISABLE : negotiated(o, VBLK_F_EVENT_IDX) || (flags & 1) == 0;
}

/* The driver's wish was stored to. */
void race_asked(const struct vblk_oracle *o, const struct queue *q, struct notices *s, const struct vblk_event *ev)
{
    if (!wants_one(o, q))
        return;
    if (ev->party == VBLK_DRIVER && q->used_total > 0 && !q->lost && notify_declined(o, q, VBLK_DEVICE, last_used(q)))
        s->reopened = o->seq;
}
