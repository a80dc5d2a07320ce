/* SPDX-License-Identifier: BSD-3-Clause */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

size_t vblk_spans_first(const struct vblk_spans *set, uint64_t start)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->at[middle].end <= start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static vblk_err make_room(struct vblk_spans *set)
{
    size_t room = set->room ? set->room * 2 : 8;
    struct vblk_span *at;

    if (set->count < set->room)
        return VBLK_OK;
    at = realloc(set->at, room * sizeof *at);
    if (!at)
        return VBLK_E_NOMEM;
    set->at = at;
    set->room = room;
    return VBLK_OK;
}

/* Put @p with in the place of ranges [from, to); the caller has made room. */
static void splice(struct vblk_spans *set, size_t from, size_t to, const struct vblk_span *with, size_t n)
{
    if (set->count > to)
        memmove(set->at + from + n, set->at + to, (set->count - to) * sizeof *set->at);
    if (n)
        memcpy(set->at + from, with, n * sizeof *with);
    set->count = set->count - (to - from) + n;
}

vblk_err vblk_spans_add(struct vblk_spans *set, uint64_t start, uint64_t end)
{
    struct vblk_span whole = { start, end };
    size_t from, to;
    vblk_err err;

    if (start >= end)
        return VBLK_OK;
    err = make_room(set);
    if (err)
        return err;
    from = vblk_spans_first(set, start);
    if (from > 0 && set->at[from - 1].end == start)
        from--;
    for (to = from; to < set->count && set->at[to].start <= end; to++) {
        if (set->at[to].start < whole.start)
            whole.start = set->at[to].start;
        if (set->at[to].end > whole.end)
            whole.end = set->at[to].end;
    }
    splice(set, from, to, &whole, 1);
    return VBLK_OK;
}

vblk_err vblk_spans_remove(struct vblk_spans *set, uint64_t start, uint64_t end)
{
    struct vblk_span rest[2];
    size_t from = vblk_spans_first(set, start), to, n = 0;
    vblk_err err;

    for (to = from; to < set->count && set->at[to].start < end; to++)
        ;
    if (start >= end || from == to)
        return VBLK_OK;
    err = make_room(set);
    if (err)
        return err;
    if (set->at[from].start < start)
        rest[n++] = (struct vblk_span){ set->at[from].start, start };
    if (set->at[to - 1].end > end)
        rest[n++] = (struct vblk_span){ end, set->at[to - 1].end };
    splice(set, from, to, rest, n);
    return VBLK_OK;
}

uint64_t vblk_spans_within(const struct vblk_spans *set, uint64_t start, uint64_t end)
{
    uint64_t sum = 0;

    for (size_t i = vblk_spans_first(set, start); i < set->count && set->at[i].start < end; i++) {
        uint64_t low = set->at[i].start > start ? set->at[i].start : start;
        uint64_t high = set->at[i].end < end ? set->at[i].end : end;

        sum += high - low;
    }
    return sum;
}

uint64_t vblk_spans_bits(const struct vblk_spans *set, uint64_t start)
{
    uint64_t bits = 0;

    for (size_t i = vblk_spans_first(set, start); i < set->count && set->at[i].start < start + 64; i++) {
        uint64_t low = set->at[i].start > start ? set->at[i].start - start : 0;
        uint64_t high = set->at[i].end < start + 64 ? set->at[i].end - start : 64;

        bits |= (UINT64_MAX >> (64 - (high - low))) << low;
    }
    return bits;
}

void vblk_spans_free(struct vblk_spans *set)
{
    free(set->at);
    *set = (struct vblk_spans){ 0 };
}
