/* SPDX-License-Identifier: BSD-3-Clause */
/* Resetting one queue: 2.6.1. */
#include "check_packed.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

static const struct notices *facts(const struct look *l)
{
    return l->q != NULL && negotiated(l->o, VBLK_F_RING_RESET) ? notices_of(l->o, l->q) : NULL;
}

/* The queue was reset and is set up again, or the case is over. */
static bool over(const struct look *l)
{
    const bool end = l->ev->kind == VBLK_EV_CASE_END ||
                     (l->ev->kind == VBLK_EV_REG_WRITE && l->ev->reg == VBLK_REG_QUEUE_ENABLE && l->ev->value == 1);
    return end && facts(l) != NULL && facts(l)->reset == RESET_DONE && facts(l)->reset_by_device;
}

bool not_yet_afresh(const struct look *l)
{
    const struct notices *s = facts(l);
    return s != NULL && s->renewed && l->q->used_total == 0;
}

/* Another queue is reset, and this one serves nothing any more. */
static bool silent_since(const struct look *l)
{
    const struct vblk_oracle *o = l->o;

    return o->queue_reset_at != 0 && l->chain != NULL && l->answer == NULL && facts(l) != NULL &&
           facts(l)->reset == NOT_RESET && !facts(l)->renewed && l->ev->queue == l->q->no && !o->ctl.needs_reset &&
           !l->chain->void_ && o->abuse == NO_ABUSE && facts(l)->way[VBLK_DEVICE].published <= o->queue_reset_at &&
           (facts(l)->way[VBLK_DRIVER].sent >= l->chain->born || chain_never_wanted(o, l->q, l->chain));
}

/* This queue was reset, and nothing was served since. */
static bool silent_itself(const struct look *l)
{
    return not_yet_afresh(l) && l->chain != NULL && l->answer == NULL && l->ev->queue == l->q->no &&
           !l->o->ctl.needs_reset && !l->chain->void_ && l->o->abuse == NO_ABUSE &&
           facts(l)->way[VBLK_DRIVER].sent >= l->chain->born;
}

bool queue_reset_explains(const struct look *l)
{
    return silent_since(l) || silent_itself(l);
}

bool stale_answer(const struct look *l)
{
    const struct notices *s = facts(l);

    return s != NULL && s->renewed && !l->q->packed && l->answer != NULL && l->q->used_total == 1 &&
           !sees(l->o, VBLK_SEES_DEVICE_STORES) && l->answer->id == 0 && l->answer->len == 0 && status_left_alone(l);
}

/* The other queues go on. */
CHECK(QRESET_01, VBLK_DEVICE, AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    if (l->o->queue_reset_at == 0 || l->chain == NULL || facts(l) == NULL || facts(l)->reset != NOT_RESET ||
        facts(l)->renewed)
        return UNTOUCHED;
    if (l->answer != NULL)
        return HELD;
    if (!silent_since(l))
        return UNTOUCHED;
    return broken(why, "other queues go on when one is reset", "queue %u answers nothing since", l->q->no);
}

bool reset_with_its_queue(const struct look *l)
{
    const struct vblk_oracle *o = l->o;
    bool found = false;

    for (unsigned i = 0; i < 256 && i < o->returned_next; i++)
        if (l->at - o->returned[i].gpa < o->returned[i].len) {
            if (!o->returned[i].by_reset)
                return false;
            found = true;
        }
    return found;
}

static enum outcome into_reset_request(const struct look *l, struct why *why)
{
    if (l->o->ctl.reset_done || any_queue_lost(l->o) || !reset_with_its_queue(l))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no request of a queue that was reset is executed",
                                  "%llu bytes stored into a request of before", (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

CHECK(QRESET_DEV_01, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(REG_WRITE) | AT(OWED), 0, USED_PLACES | PLACE(RETURNED), NO_SIGHT)
{
    if (!l->place_known)
        return over(l) ? HELD : UNTOUCHED;
    if (l->place == IN_RETURNED)
        return into_reset_request(l, why);
    const struct notices *s = facts(l);
    if (s == NULL || s->reset != RESET_DONE || !s->reset_by_device || (1u << l->place & USED_PLACES) == 0)
        return UNTOUCHED;
    enum outcome outcome = broken(why, "no request of a queue that was reset is executed",
                                  "%llu bytes stored into its used ring", (unsigned long long)l->len);
    point_at(why, l->at);
    return outcome;
}

/* A notification of what was used before may have been on its way. */
RULE(QRESET_DEV_02, VBLK_DEVICE, AT(USED_NOTIFY) | AT(REG_WRITE) | AT(OWED))
{
    if (l->ev->kind != VBLK_EV_USED_NOTIFY)
        return over(l) ? HELD : UNTOUCHED;
    const struct notices *s = facts(l);
    if (s == NULL || s->reset != RESET_DONE || !s->reset_by_device || s->notice_pending ||
        (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    return broken(why, "no notification for a queue that was reset", "one for queue %u", l->q->no);
}

/* What is used first after the queue was enabled again. */
enum outcome starts_afresh(const struct look *l, struct why *why)
{
    const struct notices *s = facts(l);

    if (s == NULL || !s->renewed || l->q->lost)
        return UNTOUCHED;
    if (l->len != 0)
        return slipped(l, SLIP_STALE) ? broken(why, "a queue that was reset starts at index 0", "slot %u stored to", l->from)
                                      : UNTOUCHED;
    if (stale_answer(l))
        return broken(why, "a queue that was reset starts at index 0", "used element 0 and its request are left as they were");
    if (l->answer != NULL)
        return l->q->packed && l->q->used_total == 1 ? HELD : UNTOUCHED; /* it lies where it must */
    if (l->q->used_total > 0)
        return UNTOUCHED;
    if (l->chain != NULL)
        return silent_itself(l) ? broken(why, "a queue that was reset starts at index 0",
                                         "nothing is served since, queue %u", l->q->no)
                                : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_QUIET || l->from == l->to)
        return UNTOUCHED;
    return (uint16_t)(l->to - l->from) <= l->q->outstanding
               ? HELD
               : broken(why, "a queue that was reset starts at index 0", "used index %u, %u buffers with the device",
                        l->to, l->q->outstanding);
}

CHECK(QRESET_DEV_03, VBLK_DEVICE, AT(USED_IDX) | AT(USED) | AT(QUIET) | AT(SLIP), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    return starts_afresh(l, why);
}

bool in_old_place(const struct vblk_oracle *o, uint64_t at, uint16_t *no)
{
    for (uint32_t i = 0; i < o->active_count; i++) {
        const struct notices *s = &o->notices[o->active[i]];
        *no = o->active[i];
        if (s->moved && at - s->device_before < 6 + 8u * (uint64_t)s->size_before)
            return true;
    }
    return false;
}

/* The device uses what was set up last. */
CHECK(QRESET_DEV_04, VBLK_DEVICE, AT(STORE) | AT(STRAY) | AT(USED), ANY_TYPE, PLACE(NOTHING), NO_SIGHT)
{
    uint16_t no;

    if (l->answer != NULL)
        return facts(l) != NULL && facts(l)->renewed && facts(l)->moved ? HELD : UNTOUCHED;
    if (l->place != IN_NOTHING || !negotiated(l->o, VBLK_F_RING_RESET) || !in_old_place(l->o, l->at, &no))
        return UNTOUCHED;
    enum outcome outcome = broken(why, "the parameters that the queue was enabled with again",
                                  "a store into its used ring of before, queue %u", no);
    point_at(why, l->at);
    return outcome;
}

/* Any use of the queue's registers but the one that tells whether the reset is done; or a kick. */
enum outcome waits_for_reset(const struct look *l, struct why *why)
{
    const struct notices *s = facts(l);
    const bool kick = l->ev->kind == VBLK_EV_KICK;

    if (s == NULL || (!kick && (l->ev->reg < VBLK_REG_QUEUE_SIZE || l->ev->reg > VBLK_REG_QUEUE_ENABLE)))
        return UNTOUCHED;
    if (s->reset == RESET_DONE)
        return kick ? UNTOUCHED : HELD;
    return s->reset != RESET_ASKED
               ? UNTOUCHED
               : broken(why, "a driver that reads queue reset until the queue is reset", "queue %u is used, %s", l->q->no,
                        s->reset_read ? "the register read 1" : "the register was not read");
}

RULE(QRESET_DRV_01, VBLK_DRIVER, AT(REG_WRITE) | AT(KICK))
{
    return waits_for_reset(l, why);
}

RULE(QRESET_DRV_03, VBLK_DRIVER, AT(QUEUE_ENABLE))
{
    const struct notices *s = facts(l);

    if (s == NULL || s->reset != RESET_DONE)
        return UNTOUCHED;
    return (s->written & QUEUE_PARTS) == QUEUE_PARTS
               ? HELD
               : broken(why, "size and addresses are set before the queue is enabled again", "%s",
                        (s->written & 1u << VBLK_REG_QUEUE_SIZE) == 0 ? "no size" : "not all addresses");
}
