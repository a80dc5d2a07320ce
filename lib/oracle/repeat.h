/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcomes that repeat while a moment shows the same sign: see repeat.c. */
#ifndef ORACLE_REPEAT_H
#define ORACLE_REPEAT_H

#include <assert.h>

#include "judge.h"

bool outcome_repeats(const struct check *check, enum moment moment);
/* Keep an outcome of a check that repeats. @asked counts the others. @return false: it is not one that repeats. */
bool repeat_learn(struct vblk_oracle *o, struct check_list *list, const struct check *check, enum outcome outcome,
                  const struct why *why, unsigned *asked);
/* Whether the checks say what is known of them. */
bool repeat_still_so(const struct vblk_oracle *o, const struct check_list *list, const struct look *look);

/* Count what is known once more. */
static inline void repeat_known(struct vblk_oracle *o, const struct check_list *list, const struct look *look)
{
    (void)o, (void)look;
    assert(repeat_still_so(o, list, look));
    for (unsigned i = 0; i < list->held_count; i++)
        ++*list->held[i];
    for (unsigned i = 0; i < list->choice_count; i++) {
        ++*list->choice[i].noted;
        *list->choice[i].last = list->choice[i].choice;
    }
}

static inline bool same_sign(const struct sign *a, const struct sign *b)
{
    return a->facts == b->facts && a->settings == b->settings && a->causes == b->causes;
}

/*
 * An access for the first time to what the device has to fetch, and into descriptors that are as such an access finds
 * them: outstanding for a load, free for a store.
 */
static inline bool plain_access(const struct look *l)
{
    const bool load = l->ev->kind == VBLK_EV_LOAD;

    if (l->place == IN_DESC_TABLE && l->q->enabled) {
        const struct piece *p = &l->q->table[(l->at - l->q->desc) / 16];
        return load ? p->owner != NO_OWNER && p->loaded == 0 : p->owner == NO_OWNER;
    }
    if (!load)
        return l->place != IN_PACKED_RING && l->place != IN_INDIRECT;
    if (l->place == IN_PACKED_RING || l->place == IN_INDIRECT)
        return l->q->enabled && l->chain == NULL && l->q->table[(l->at - l->q->desc) / 16].loaded == 0;
    return l->place != IN_READABLE || l->q->current == NULL || l->q->current->fetched.count == 0;
}

/* One number, for there are many accesses. */
static inline struct sign sign_of_access(const struct vblk_oracle *o, const struct queue *q)
{
    return (struct sign){ .settings = o->settings << 4 | (uint64_t)o->abuse << 2 | (q == NULL ? 0 : 1u + q->enabled) };
}

/* How an answer compares with what was asked for, and with what was seen of it. */
static inline uint64_t answer_facts(const struct chain *c, const struct answer *a)
{
    const struct request *r = &c->req;
    unsigned lengths = (a->len > r->writable) | (unsigned)(a->len == r->writable) << 1;
    unsigned prefix = (a->len > a->prefix) | (unsigned)(a->prefix > a->len) << 1 | (unsigned)a->prefix_known << 2;
    unsigned status = c->status_stored | (unsigned)(a->status == r->status_before) << 1;
    unsigned ring = (unsigned)a->skipped | (unsigned)a->len_known << 1;
    return a->status | status << 8 | prefix << 10 | lengths << 13 | (unsigned)a->read.compared << 15 | ring << 20;
}

/* A request with nothing wrong, answered with nothing changed that must not. */
static inline bool plain(const struct look *l)
{
    const struct chain *c = l->chain;
    const struct answer *a = l->answer;

    if (c == NULL || c->faults != 0 || c->count == 0 || (c->void_ | c->odd | l->q->lost))
        return false;
    return a == NULL || !(a->table_changed | a->readable_changed | a->tampered | a->read.bad |
                           (a->flags & ~(unsigned)PACKED_FLAGS));
}

/* Of a packed ring: how the buffer lies in it, and how far the ring went. */
static inline uint64_t packed_shape(const struct look *l)
{
    const struct chain *c = l->chain;
    const struct answer *a = l->answer;
    const struct queue *q = l->q;
    const bool first = a != NULL ? q->used_total == 1 : c->turn == 1;
    unsigned shape = (unsigned)(c->slots > 1) | (unsigned)(c->slots == q->size) << 1;

    shape |= (unsigned)(c->link != NO_OWNER) << 2 | (unsigned)q->lapped << 3 | (unsigned)first << 4 | (unsigned)((q->size & (q->size - 1u)) != 0) << 5;
    shape |= (unsigned)c->begun << 6 | (unsigned)(c->req.data_pieces > 1) << 7;
    if (a != NULL)
        shape |= (unsigned)(a->batch > 1) << 8 | (unsigned)a->overtook << 9 | (unsigned)(q->since_kick > 0) << 10;
    return (uint64_t)shape << 32;
}

/* @return false: not plain, each check has to be asked. */
static inline bool sign_of_chain(const struct look *l, struct sign *sign)
{
    const struct answer *a = l->answer;

    if (!plain(l))
        return false;
    sign->settings = l->o->settings;
    sign->facts = (uint64_t)l->o->abuse << 17 | (uint64_t)(l->chain->req.sector == 0) << 16;
    sign->causes = 0;
    if (l->q->packed)
        sign->facts |= packed_shape(l);
    if (a != NULL) {
        sign->facts |= answer_facts(l->chain, a);
        sign->causes = (uint64_t)a->read.causes << 32 | a->read.causes_unwritten;
    }
    return true;
}

#endif /* ORACLE_REPEAT_H */
