/* SPDX-License-Identifier: BSD-3-Clause */
/* Spans: sectors that nobody touched singly, in as few ranges as tell them apart. */
#include <stdlib.h>
#include <string.h>

#include "shadow_impl.h"

#define SPANS_MIN 16u

bool span_reset(struct shadow_impl *s, enum state state)
{
    if (s->span == NULL) {
        s->span = malloc(SPANS_MIN * sizeof *s->span);
        s->span_room = SPANS_MIN;
    }
    if (s->span == NULL)
        return false;
    s->span[0] = (struct span){ .state = (uint8_t)state, .cause = BY_NOBODY, .epoch = (uint32_t)(s->now - 1) };
    s->span_count = 1;
    return true;
}

size_t span_find(const struct shadow_impl *s, uint64_t sector)
{
    size_t low = 0, high = s->span_count;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->span[mid].start <= sector)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void make_free(struct span *span)
{
    *span = (struct span){ .start = span->start, .state = ST_FREE, .cause = BY_NOBODY };
}

/* Of two neighbours that differ in time at most, or are both free, one is left; it is the younger. */
static bool same(const struct span *a, const struct span *b)
{
    return a->state == b->state && a->cause == b->cause && a->written == b->written && a->past == b->past;
}

static void remove_at(struct shadow_impl *s, size_t at)
{
    memmove(&s->span[at], &s->span[at + 1], (s->span_count - at - 1) * sizeof *s->span);
    s->span_count--;
}

/* Join equal neighbours among [from, to], and with those outside. */
static void join(struct shadow_impl *s, size_t from, size_t to)
{
    size_t kept = from > 0 ? from - 1 : 0, end = to + 2 < s->span_count ? to + 2 : s->span_count;
    for (size_t i = kept + 1; i < end; i++) {
        struct span *a = &s->span[kept], *b = &s->span[i];
        if (!same(a, b)) {
            s->span[++kept] = *b;
            continue;
        }
        if (b->time > a->time) {
            a->time = b->time;
            a->epoch = b->epoch;
        }
    }
    memmove(&s->span[kept + 1], &s->span[end], (s->span_count - end) * sizeof *s->span);
    s->span_count -= end - kept - 1;
}

/* Make room for one more: where there is none, the shortest two neighbours become one that reads as anything. */
static void make_room(struct shadow_impl *s)
{
    size_t best = 0;
    if (s->span_count < s->span_room)
        return;
    if (s->span_room < SPANS_MAX) {
        struct span *more = realloc(s->span, s->span_room * 2 * sizeof *more);
        if (more != NULL) {
            s->span = more;
            s->span_room *= 2;
            return;
        }
    }
    for (size_t i = 1; i + 1 < s->span_count; i++)
        if (span_end(s, i + 1) - s->span[i].start < span_end(s, best + 1) - s->span[best].start)
            best = i;
    make_free(&s->span[best]);
    remove_at(s, best + 1);
}

/* Let a span start at @sector; its index. */
static size_t split(struct shadow_impl *s, uint64_t sector)
{
    size_t i = span_find(s, sector);
    if (s->span[i].start == sector)
        return i;
    make_room(s);
    i = span_find(s, sector);
    memmove(&s->span[i + 1], &s->span[i], (s->span_count - i) * sizeof *s->span);
    s->span_count++;
    s->span[i + 1].start = sector;
    return i + 1;
}

/* The state that the content may fall back to, in memory of what it was before the change. */
static uint8_t past_of(const struct shadow_impl *s, const struct span *span, enum shadow_change change)
{
    bool sure = change == MAKE_ZERO;
    if (!s->tracking || (s->stable && (sure || span->past == 0)))
        return 0;
    return span->past > span->state + 1 ? span->past : (uint8_t)(span->state + 1);
}

static void edit_one(struct shadow_impl *s, struct span *span, const struct edit *e)
{
    bool frees = e->change == MAKE_FREE || e->change == MAY_BE_FREE;
    if (frees || (span->state == ST_FREE && e->change != MAKE_ZERO)) {
        make_free(span);
        return;
    }
    if (e->change != KEEP) {
        span->past = past_of(s, span, e->change);
        span->time = e->number;
        span->written = true;
        if (!e->quiet)
            span->epoch = (uint32_t)e->number;
    }
    if (e->change == MAKE_ZERO)
        span->state = ST_ZERO;
    if (!e->quiet)
        span->cause = (uint8_t)e->cause;
}

void span_edit(struct shadow_impl *s, uint64_t sector, uint64_t count, const struct edit *e)
{
    uint64_t end = sector + count;
    size_t from, to;

    split(s, sector);
    if (end < DISK_SECTORS)
        split(s, end);
    /* where room was made the ends may have gone: what then reaches out of the range was made free */
    from = span_find(s, sector);
    to = span_find(s, end - 1);
    for (size_t i = from; i <= to; i++)
        if (s->span[i].start >= sector && span_end(s, i) <= end)
            edit_one(s, &s->span[i], e);
    join(s, from, to);
}

void span_flushed(struct shadow_impl *s, uint64_t then)
{
    for (size_t i = 0; i < s->span_count; i++)
        if (s->span[i].time < then)
            s->span[i].past = 0;
    join(s, 0, s->span_count - 1);
}

void span_fall_back(struct shadow_impl *s, bool all, bool doubt, uint64_t number)
{
    for (size_t i = 0; i < s->span_count; i++) {
        struct span *span = &s->span[i];
        if (span->state == ST_FREE || (!all && span->past == 0))
            continue;
        if (doubt)
            span->past = span->past > ST_UNKNOWN + 1 ? span->past : ST_UNKNOWN + 1;
        if (span->past > span->state + 1)
            span->state = (uint8_t)(span->past - 1);
        span->past = 0;
        span->cause = BY_POWER_CUT;
        span->epoch = (uint32_t)number;
        span->time = number;
        if (span->state == ST_FREE)
            make_free(span);
    }
    join(s, 0, s->span_count - 1);
}
