/* SPDX-License-Identifier: BSD-3-Clause */
/* The races between asking for notifications and looking, on both formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static const uint64_t flavours[] = { 0, F(EVENT_IDX), F(RING_PACKED), F(RING_PACKED) | F(EVENT_IDX) };
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))

static bool kick_wanted(struct queue *q)
{
    bool wanted;

    OK(q->ops->kick_wanted(&q->driver, &wanted));
    return wanted;
}

static bool notify_wanted(struct queue *q)
{
    bool wanted;

    OK(q->ops->notify_wanted(&q->device, &wanted));
    return wanted;
}

static uint16_t taken(struct queue *q)
{
    struct vblk_chain chain;

    OK(q->ops->take(&q->device, &chain));
    assert_int_equal(chain.fault, VBLK_CHAIN_OK);
    return chain.id;
}

static void answer(struct queue *q, uint16_t id)
{
    OK(q->ops->put_used(&q->device, id, 0));
    OK(q->ops->publish_used(&q->device));
}

static bool reaped(struct queue *q)
{
    struct vblk_used used;
    vblk_err err = q->ops->reap(&q->driver, &used);

    assert_true(err == VBLK_E_EMPTY || (err == VBLK_OK && used.fault == VBLK_USED_OK));
    return err == VBLK_OK;
}

static void round_trip(struct queue *q)
{
    offer(q, 1);
    answer(q, taken(q));
    assert_true(reaped(q));
}

/* One side asks and looks again, the other shows and decides. */
struct duel {
    struct queue *q;
    bool about_kicks;
    unsigned at; /* before which access of the one the other comes in; counted from 0 */
    unsigned seen;
    bool asker_first;
    bool inside;
    uint16_t id;
    bool found;
    bool notified;
};

static void show_and_decide(struct duel *d)
{
    if (d->about_kicks) {
        OK(d->q->ops->publish(&d->q->driver, 1));
        d->notified = kick_wanted(d->q);
    } else {
        OK(d->q->ops->publish_used(&d->q->device));
        d->notified = notify_wanted(d->q);
    }
}

static void ask_and_look(struct duel *d)
{
    struct vblk_chain chain;

    if (d->about_kicks) {
        OK(d->q->ops->set_notify(&d->q->device, true));
        d->found = d->q->ops->take(&d->q->device, &chain) == VBLK_OK;
    } else {
        OK(d->q->ops->set_interrupts(&d->q->driver, true));
        d->found = reaped(d->q);
    }
}

static void come_between(void *ctx, const struct vblk_event *ev)
{
    struct duel *d = ctx;

    (void)ev;
    if (d->inside || d->seen++ != d->at)
        return;
    d->inside = true;
    if (d->asker_first)
        show_and_decide(d);
    else
        ask_and_look(d);
    d->inside = false;
}

/* @return whether the other came in at all: false past the last access. */
static bool fight(uint64_t features, bool about_kicks, bool asker_first, unsigned at)
{
    struct duel d = { .about_kicks = about_kicks, .asker_first = asker_first, .at = at };
    const struct vblk_element buf = { DATA, 1, false };
    struct queue q;

    queue_open_with(&q, 4, features);
    d.q = &q;
    round_trip(&q);
    kick_wanted(&q);
    notify_wanted(&q);
    OK(q.ops->set_notify(&q.device, false));
    OK(q.ops->set_interrupts(&q.driver, false));
    OK(q.ops->add(&q.driver, &buf, 1, &d.id));
    if (!about_kicks) {
        OK(q.ops->publish(&q.driver, 1));
        OK(q.ops->put_used(&q.device, taken(&q), 0));
    }
    vblk_memory_set_hook(q.mem, come_between, &d);
    if (asker_first)
        ask_and_look(&d);
    else
        show_and_decide(&d);
    vblk_memory_set_hook(q.mem, NULL, NULL);
    if (d.seen > at && !d.found && !d.notified)
        fail_msg("%s, features %llx, %s, before access %u: lost", q.ops->name, (unsigned long long)features,
                 about_kicks ? "kick" : "interrupt", at);
    queue_close(&q);
    return d.seen > at;
}

static void race_between_asking_and_looking__loses_nothing(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        for (int kind = 0; kind < 4; kind++) {
            unsigned at = 0;

            while (fight(flavours[f], kind & 1, kind & 2, at))
                at++;
            assert_true(at >= 2); /* there was something to come between */
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(race_between_asking_and_looking__loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
