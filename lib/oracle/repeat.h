/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcomes that repeat while a moment shows the same sign: see repeat.c. */
#ifndef ORACLE_REPEAT_H
#define ORACLE_REPEAT_H

#include "judge.h"

bool outcome_repeats(const struct check *check, enum moment moment);
/* Keep an outcome of a check that repeats. @asked counts the others. @return false: it is not one that repeats. */
bool repeat_learn(struct check_list *list, const struct check *check, enum outcome outcome, const struct why *why,
                  unsigned *asked);
/* Count what is known once more. */
void repeat_known(struct vblk_oracle *o, const struct check_list *list, const struct look *look);

static inline bool same_sign(const struct sign *a, const struct sign *b)
{
    return a->facts == b->facts && a->settings == b->settings && a->causes == b->causes;
}

static inline void sign_of_access(const struct look *l, struct sign *sign)
{
    sign->settings = l->o->settings;
    sign->facts = (l->q == NULL ? 0 : 1u + l->q->enabled) | (uint64_t)l->o->abuse << 2;
    sign->causes = 0;
}

static inline uint64_t fact(bool is, unsigned bit)
{
    return (uint64_t)is << bit;
}

/* How an answer compares with what was asked for, and with what was seen of it. */
static inline uint64_t answer_facts(const struct chain *c, const struct answer *a)
{
    const struct request *r = &c->req;
    return a->status | fact(c->status_stored, 8) | fact(a->status == r->status_before, 9) |
           fact(a->prefix_known, 10) | fact(a->len > r->writable, 11) | fact(a->len == r->writable, 12) |
           fact(a->len > a->prefix, 13) | fact(a->prefix > a->len, 14) | fact(a->read.compared, 15);
}

/* @return false: not plain, each check has to be asked. */
static inline bool sign_of_chain(const struct look *l, struct sign *sign)
{
    const struct chain *c = l->chain;
    const struct answer *a = l->answer;

    if (c == NULL || c->faults != 0 || c->void_ || c->count == 0 || l->q->lost)
        return false;
    sign->settings = l->o->settings;
    sign->facts = fact(c->req.sector == 0, 16) | (uint64_t)l->o->abuse << 17;
    sign->causes = 0;
    if (a == NULL)
        return true;
    if (a->table_changed || a->readable_changed || a->read.bad)
        return false;
    sign->facts |= answer_facts(c, a);
    sign->causes = (uint64_t)a->read.causes << 32 | a->read.causes_unwritten;
    return true;
}

#endif /* ORACLE_REPEAT_H */
