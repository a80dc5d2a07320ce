/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks to be notified again looks at the ring again: 2.7.14, 2.8.22, and the same for devices (2.7.10, 2.8.10). */
#include "check_packed.h"

/* The chain's first entry, as struct notice has it. */
static uint16_t entry_of(const struct queue *q, const struct chain *c)
{
    return q->packed ? (uint16_t)(c->slot | (packed_lap(q, c->slot) ? 0x8000u : 0)) : (uint16_t)(c->turn - 1);
}

bool chain_never_wanted(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    const struct notices *s = notices_of(o, q);
    const struct notice *n = &s->way[VBLK_DRIVER];

    if (c->born <= n->sent || n->due || n->missed)
        return false;
    return (s->on && !n->may) || notify_declined(o, q, VBLK_DRIVER, entry_of(q, c));
}

static bool followed(const struct vblk_oracle *o, const struct queue *q)
{
    const struct control *ctl = &o->ctl;
    return q != NULL && q->enabled && !q->lost && ctl->live && !ctl->needs_reset && !ctl->failed && !ctl->reset_asked &&
           !ctl->suspend_asked && o->abuse == NO_ABUSE;
}

bool chain_must_be_found(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    return !c->void_ && followed(o, q) && chain_never_wanted(o, q, c);
}

/* What the device seems to want is what the driver left there. */
static bool planted(const struct look *l)
{
    const struct notice *n = &notices_of(l->o, l->q)->way[VBLK_DRIVER];
    return n->planted && !n->moved;
}

CHECK(NOTIF_06, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->chain == NULL || !chain_must_be_found(l->o, l->q, l->chain))
        return UNTOUCHED;
    if (l->answer != NULL)
        return HELD;
    if (!answer_owed(l) || packed_explains(l) || planted(l) || not_yet_afresh(l) || queue_reset_explains(l))
        return UNTOUCHED;
    return broken(why, "buffers that the device did not want to be told of are found by it",
                  "head %u, of which it did not want to be told, not used after %llu ms", l->chain->head,
                  (unsigned long long)l->ev->value);
}

static bool looked_again(const struct queue *q, const struct notices *s)
{
    if (!q->packed)
        return q->reaped > s->reopened;
    const uint16_t last = (uint16_t)(q->used_idx >= q->skipped ? q->used_idx - q->skipped
                                                               : q->used_idx + q->size - q->skipped);
    return (q->elem_fresh[last] & SLOT_UNSEEN) == 0;
}

CHECK(NOTIF_05, VBLK_DRIVER, AT(OWED), ANY_TYPE, ANY_PLACE, VBLK_SEES_DRIVER_LOADS | VBLK_SEES_DRIVER_STORES)
{
    const struct notices *s = l->q != NULL ? notices_of(l->o, l->q) : NULL;

    if (s == NULL || s->reopened == 0 || !followed(l->o, l->q))
        return UNTOUCHED;
    if (looked_again(l->q, s))
        return HELD;
    if (l->ev->kind != VBLK_EV_QUIET || l->ev->queue != l->q->no)
        return UNTOUCHED;
    enum outcome outcome = broken(why, "the ring is looked at again after notifications are asked for again",
                                  "what queue %u had used by then not seen after %llu ms", l->q->no,
                                  (unsigned long long)l->ev->value);
    point_at(why, l->q->driver);
    return outcome;
}
