/* SPDX-License-Identifier: BSD-3-Clause */
/* What a power cut may bring back: 5.2.6, writes are volatile until a FLUSH sent after them is answered. */
#include <stdlib.h>
#include <string.h>

#include "shadow_impl.h"

static void past_trim(struct past *p, unsigned first)
{
    for (unsigned i = 0; i < first; i++)
        free(p->bytes[i]);
    for (unsigned i = first; i < p->count; i++) {
        p->state[i - first] = p->state[i];
        p->since[i - first] = p->since[i];
        p->bytes[i - first] = p->bytes[i];
    }
    p->count = (uint8_t)(p->count - first);
}

void past_drop(struct chunk *c, uint64_t mask)
{
    for (uint64_t left = c->unstable & mask; left != 0; left &= left - 1) {
        unsigned at = lowest(left);
        struct past *p = c->past != NULL ? c->past[at] : NULL;
        if (p == NULL)
            continue;
        past_trim(p, p->count);
        free(p);
        c->past[at] = NULL;
    }
    c->unstable &= ~mask;
    c->lost &= ~mask;
}

static void mark_unstable(struct shadow_impl *s, struct chunk *c, uint64_t mask)
{
    c->unstable |= mask;
    if (c->dirty)
        return;
    c->dirty = true;
    c->next_dirty = s->dirty;
    s->dirty = c;
}

/* NULL: no memory; the sector's past is lost. */
static struct past *past_of(struct chunk *c, unsigned at, uint64_t number)
{
    if (c->past == NULL)
        c->past = calloc(CHUNK_SECTORS, sizeof(struct past *));
    if (c->past != NULL && c->past[at] == NULL && (c->lost >> at & 1) == 0)
        c->past[at] = calloc(1, sizeof **c->past);
    if (c->past != NULL && c->past[at] != NULL)
        return c->past[at];
    c->lost |= bits(at, 1);
    c->lost_time = c->lost_time > number ? c->lost_time : number;
    return NULL;
}

/* Too many, or no memory to keep them: any content, since the latest of them. */
static void past_overflow(struct past *p, enum state state)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->state[i] == ST_FREE)
            state = ST_FREE;
    past_trim(p, p->count);
    p->count = 1;
    p->state[0] = (uint8_t)state;
    p->since[0] = p->time;
    p->bytes[0] = NULL;
}

static void past_push(struct past *p, enum state state, const uint8_t *bytes)
{
    unsigned i = p->count;
    if (i == PAST_MAX || (i == 1 && p->state[0] == ST_UNKNOWN && p->since[0] == p->time)) {
        past_overflow(p, state == ST_FREE ? ST_FREE : ST_UNKNOWN);
        return;
    }
    p->bytes[i] = bytes != NULL ? malloc(VBLK_SECTOR) : NULL;
    if (bytes != NULL && p->bytes[i] == NULL) {
        past_overflow(p, ST_UNKNOWN);
        return;
    }
    if (bytes != NULL)
        memcpy(p->bytes[i], bytes, VBLK_SECTOR);
    p->state[i] = (uint8_t)state;
    p->since[i] = p->time;
    p->count++;
}

/* The present content joins those that a power cut may bring back. */
static void push_present(struct chunk *c, unsigned at, uint64_t number)
{
    enum state state = state_at(c, at);
    struct past *p = past_of(c, at, number);
    if (p == NULL)
        return;
    if (state == ST_OPEN)
        for (unsigned i = 0; i < c->open[at]->count; i++)
            past_push(p, ST_DATA, c->open[at]->bytes[i]);
    else
        past_push(p, state, state == ST_DATA ? c->data[at] : NULL);
    p->time = number;
}

void past_note(struct shadow_impl *s, struct chunk *c, uint64_t mask, const struct edit *e)
{
    bool sure = e->change == MAKE_DATA || e->change == MAKE_ZERO || e->change == MAKE_FREE;
    if (s->stable && sure) {
        past_drop(c, mask);
        return;
    }
    if (s->stable)
        mask &= c->unstable; /* what is stable already stays so, whether the change happened or not */
    for (uint64_t left = mask; left != 0; left &= left - 1)
        push_present(c, lowest(left), e->number);
    if (mask != 0)
        mark_unstable(s, c, mask);
}

void past_inherit(struct shadow_impl *s, struct chunk *c, uint64_t mask, const struct span *span)
{
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        struct past *p = past_of(c, lowest(left), span->time);
        if (p == NULL)
            continue;
        past_push(p, (enum state)(span->past - 1), NULL);
        p->time = span->time;
    }
    mark_unstable(s, c, mask);
}

/* Call @visit on each chunk with volatile sectors; those without any afterwards leave the list. */
typedef void visit_fn(struct chunk *c, uint64_t number);
static void each_dirty(struct shadow_impl *s, visit_fn *visit, uint64_t number)
{
    struct chunk **link = &s->dirty;
    while (*link != NULL) {
        struct chunk *c = *link;
        visit(c, number);
        if (c->unstable != 0) {
            link = &c->next_dirty;
            continue;
        }
        *link = c->next_dirty;
        c->dirty = false;
    }
}

/* ---- FLUSH ---- */

static void flush_chunk(struct chunk *c, uint64_t then)
{
    if (c->lost_time < then)
        past_drop(c, c->lost);
    for (uint64_t left = c->unstable & ~c->lost; left != 0; left &= left - 1) {
        struct past *p = c->past[lowest(left)];
        unsigned first = 0;
        if (p->time < then) {
            past_drop(c, bits(lowest(left), 1));
            continue;
        }
        /* the latest content that the flush covers, which may be several; what was before cannot come back */
        for (unsigned i = 1; i < p->count; i++)
            if (p->since[i] < then && p->since[i] != p->since[i - 1])
                first = i;
        past_trim(p, first);
    }
}

void shadow_flushed(struct shadow *s, uint64_t then)
{
    if (s->impl == NULL || !s->impl->tracking)
        return;
    each_dirty(s->impl, flush_chunk, then);
    span_flushed(s->impl, then);
}

/* ---- power ---- */

static void blame_power(struct chunk *c, uint64_t mask, uint64_t number)
{
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        c->cause[lowest(left)] = BY_POWER_CUT;
        c->epoch[lowest(left)] = (uint32_t)number;
    }
}

static void fall_back(struct chunk *c, unsigned at)
{
    const struct past *p = c->past != NULL ? c->past[at] : NULL;
    enum state worst = (c->lost >> at & 1) != 0 ? ST_FREE : ST_ZERO;

    for (unsigned i = 0; p != NULL && i < p->count; i++)
        if (p->state[i] <= ST_FREE && p->state[i] > worst)
            worst = (enum state)p->state[i];
    if (worst != ST_ZERO) {
        if (state_at(c, at) != ST_FREE)
            chunk_set_state(c, bits(at, 1), worst);
        return;
    }
    for (unsigned i = 0; p != NULL && i < p->count; i++)
        chunk_add_candidate(c, at, p->state[i] == ST_DATA ? p->bytes[i] : shadow_zeroes);
}

static void cut_chunk(struct chunk *c, uint64_t number)
{
    for (uint64_t left = c->unstable; left != 0; left &= left - 1)
        fall_back(c, lowest(left));
    blame_power(c, c->unstable, number);
    past_drop(c, c->unstable);
}

static void doubt(struct chunk *c, uint64_t mask, uint64_t number)
{
    chunk_set_state(c, mask & ~c->is[ST_FREE], ST_UNKNOWN);
    blame_power(c, mask, number);
    past_drop(c, c->unstable);
}

static void doubt_chunk(struct chunk *c, uint64_t number)
{
    doubt(c, c->unstable, number);
}

/* The cut has a number as a change has, and no range: what is stable and reads wrong afterwards has it nearby. */
static uint64_t number_of_cut(struct shadow_impl *s)
{
    uint64_t number = s->now++;
    s->recent[number % RECENT] = (struct recent){ .number = number, .cause = BY_POWER_CUT };
    return number;
}

void shadow_power_cut(struct shadow *s)
{
    if (s->impl == NULL)
        return;
    if (!s->impl->tracking) {
        shadow_doubt_all(s); /* nobody noted what is stable */
        return;
    }
    uint64_t number = number_of_cut(s->impl);
    each_dirty(s->impl, cut_chunk, number);
    span_fall_back(s->impl, false, false, number);
}

void shadow_doubt_all(struct shadow *s)
{
    if (s->impl == NULL)
        return;
    uint64_t number = number_of_cut(s->impl);
    if (s->impl->tracking)
        each_dirty(s->impl, doubt_chunk, number);
    else
        for (struct chunk *c = s->impl->all; c != NULL; c = c->next)
            doubt(c, ~UINT64_C(0), number);
    span_fall_back(s->impl, !s->impl->tracking, true, number);
}
