/* SPDX-License-Identifier: BSD-3-Clause */
/* The shadow's life, and how changes reach chunks and spans. */
#include <stdlib.h>

#include "shadow_impl.h"

bool shadow_open(struct shadow *s, bool zero)
{
    s->impl = calloc(1, sizeof *s->impl);
    if (s->impl == NULL)
        return false;
    s->impl->now = 1;
    if (span_reset(s->impl, zero ? ST_ZERO : ST_UNKNOWN))
        return true;
    free(s->impl);
    s->impl = NULL;
    return false;
}

void shadow_close(struct shadow *s)
{
    if (s->impl == NULL)
        return;
    chunk_free_all(s->impl);
    free(s->impl->span);
    free(s->impl);
    s->impl = NULL;
}

void shadow_forget(struct shadow *s, bool zero)
{
    if (s->impl == NULL)
        return;
    chunk_forget_all(s->impl);
    (void)span_reset(s->impl, zero ? ST_ZERO : ST_UNKNOWN); /* there is an array already */
    for (unsigned i = 0; i < RECENT; i++)
        s->impl->recent[i] = (struct recent){ 0 };
}

/* ---- changes ---- */

static unsigned part_of_chunk(uint64_t sector, uint64_t end)
{
    uint64_t left = CHUNK_SECTORS - sector % CHUNK_SECTORS;
    return (unsigned)(end - sector < left ? end - sector : left);
}

/* Sector by sector: the range lives in chunks afterwards. */
static void edit_singly(struct shadow_impl *s, uint64_t sector, uint64_t end, struct edit *e)
{
    while (sector < end) {
        struct chunk *c = chunk_make(s, sector / CHUNK_SECTORS);
        unsigned n = part_of_chunk(sector, end);
        if (c != NULL) {
            chunk_edit(s, c, (unsigned)(sector % CHUNK_SECTORS), n, e);
        } else {
            const struct edit free_it = { .change = MAKE_FREE, .number = e->number };
            span_edit(s, sector, n, &free_it);
        }
        if (e->bytes != NULL)
            e->bytes += (size_t)n * VBLK_SECTOR;
        sector += n;
    }
}

static void edit_if_met(struct shadow_impl *s, struct chunk *c, uint64_t sector, uint64_t end, const struct edit *e)
{
    uint64_t from = c->number * CHUNK_SECTORS, to = from + CHUNK_SECTORS;
    from = from > sector ? from : sector;
    to = to < end ? to : end;
    if (from < to)
        chunk_edit(s, c, (unsigned)(from % CHUNK_SECTORS), (unsigned)(to - from), e);
}

/* As one range: costs what is known of it singly, not its length. */
static void edit_widely(struct shadow_impl *s, uint64_t sector, uint64_t end, const struct edit *e)
{
    uint64_t first = sector / CHUNK_SECTORS, last = (end - 1) / CHUNK_SECTORS;
    if (last - first >= s->chunks) {
        for (struct chunk *c = s->all; c != NULL; c = c->next)
            edit_if_met(s, c, sector, end, e);
    } else {
        for (uint64_t number = first; number <= last; number++) {
            struct chunk *c = chunk_look(s, number);
            if (c != NULL)
                edit_if_met(s, c, sector, end, e);
        }
    }
    span_edit(s, sector, end - sector, e);
}

static void edit(struct shadow_impl *s, uint64_t sector, uint64_t end, struct edit *e)
{
    if (e->bytes != NULL || end - sector < SPAN_SECTORS)
        edit_singly(s, sector, end, e);
    else
        edit_widely(s, sector, end, e);
}

/* The end of a range, cut at the largest disk there can be; @sector itself: nothing is left. */
static uint64_t end_of(uint64_t sector, uint64_t count)
{
    if (sector >= DISK_SECTORS)
        return sector;
    return count < DISK_SECTORS - sector ? sector + count : DISK_SECTORS;
}

void shadow_change(struct shadow *s, enum shadow_change change, enum cause cause, uint64_t sector, uint64_t count,
                   const uint8_t *bytes)
{
    uint64_t end = end_of(sector, count);
    bool data = change == MAKE_DATA || change == MAY_BE_DATA;
    struct edit e = { .change = change, .cause = cause, .bytes = data ? bytes : NULL };

    if (s->impl == NULL || end == sector)
        return;
    if (data && bytes == NULL)
        e.change = MAKE_FREE;
    e.number = s->impl->now++;
    s->impl->recent[e.number % RECENT] =
        (struct recent){ .sector = sector, .count = end - sector, .number = e.number, .cause = (uint8_t)cause };
    edit(s->impl, sector, end, &e);
}

void shadow_also(struct shadow *s, uint64_t sector, uint64_t count, const uint8_t *bytes)
{
    uint64_t end = end_of(sector, count);
    struct edit e = { .change = bytes != NULL ? MAY_BE_DATA : MAY_BE_ZERO, .quiet = true, .bytes = bytes };

    if (s->impl == NULL || end == sector)
        return;
    e.number = s->impl->now - 1; /* belongs to the change before */
    edit(s->impl, sector, end, &e);
}

/* ---- stability: what is there when tracking begins counts as stable ---- */

void shadow_track(struct shadow *s, bool on)
{
    if (s->impl == NULL || s->impl->tracking == on)
        return;
    shadow_flushed(s, s->impl->now);
    s->impl->tracking = on;
}

void shadow_mode(struct shadow *s, bool stable)
{
    if (s->impl != NULL)
        s->impl->stable = stable;
}

uint64_t shadow_now(const struct shadow *s)
{
    return s->impl != NULL ? s->impl->now : 0;
}
