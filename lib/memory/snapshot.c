/* SPDX-License-Identifier: BSD-3-Clause */
/* A copy of guest memory, and what has changed since. */
#include <stdlib.h>
#include <string.h>

#include "region.h"

#define BLOCK 4096u

struct stretch {
    uint64_t gpa;
    uint64_t size;
    uint8_t *bytes;
};

struct vblk_memory_snapshot {
    size_t count;
    struct stretch stretches[]; /* ascending by gpa, one per region */
};

/* Bytes that both the snapshot and the memory hold, side by side. */
struct pair {
    uint64_t gpa;
    uint64_t len;
    const uint8_t *then;
    const uint8_t *now;
};

struct vblk_memory_snapshot *vblk_memory_snapshot(const struct vblk_memory *mem)
{
    struct vblk_memory_snapshot *snap = calloc(1, sizeof(*snap) + mem->count * sizeof(snap->stretches[0]));

    if (snap == NULL)
        return NULL;
    for (; snap->count < mem->count; snap->count++) {
        const struct region *region = &mem->regions[snap->count];
        uint8_t *bytes = malloc((size_t)region->size);

        if (bytes == NULL) {
            vblk_memory_snapshot_free(snap);
            return NULL;
        }
        memcpy(bytes, region->host, (size_t)region->size);
        snap->stretches[snap->count] = (struct stretch){ region->gpa, region->size, bytes };
    }
    return snap;
}

void vblk_memory_snapshot_free(struct vblk_memory_snapshot *snap)
{
    if (snap == NULL)
        return;
    for (size_t i = 0; i < snap->count; i++)
        free(snap->stretches[i].bytes);
    free(snap);
}

/* The index of the stretch that gpa lies in, or of the next one above; count if there is none. */
static size_t stretch_at_or_above(const struct vblk_memory_snapshot *snap, uint64_t gpa)
{
    size_t low = 0, high = snap->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (snap->stretches[mid].gpa + (snap->stretches[mid].size - 1) < gpa)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The stretch's bytes at gpa and how many follow it there, at most len; NULL in a hole. */
static uint8_t *stretch_find(const struct vblk_memory_snapshot *snap, uint64_t gpa, uint64_t len, uint64_t *piece)
{
    size_t i = stretch_at_or_above(snap, gpa);
    const struct stretch *s = &snap->stretches[i];

    *piece = 0;
    if (i == snap->count || s->gpa > gpa)
        return NULL;
    *piece = s->size - (gpa - s->gpa);
    if (*piece > len)
        *piece = len;
    return s->bytes + (gpa - s->gpa);
}

static bool snapshot_covers(const struct vblk_memory_snapshot *snap, uint64_t gpa, uint64_t len)
{
    uint64_t piece;

    if (len != 0 && len - 1 > UINT64_MAX - gpa)
        return false;
    for (; len != 0; gpa += piece, len -= piece)
        if (stretch_find(snap, gpa, len, &piece) == NULL)
            return false;
    return true;
}

vblk_err vblk_memory_snapshot_update(struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t gpa,
                                     uint64_t len)
{
    uint64_t piece;

    if (!snapshot_covers(snap, gpa, len) || !vblk_memory_covers_raw(mem, gpa, len))
        return VBLK_E_RANGE;
    for (; len != 0; gpa += piece, len -= piece) {
        uint8_t *bytes = stretch_find(snap, gpa, len, &piece);

        if (vblk_memory_peek_raw(mem, gpa, bytes, (size_t)piece) != VBLK_OK)
            return VBLK_E_RANGE;
    }
    return VBLK_OK;
}

vblk_err vblk_memory_snapshot_peek(const struct vblk_memory_snapshot *snap, uint64_t gpa, void *buf, size_t len)
{
    uint8_t *to = buf;
    uint64_t left = len, piece;

    if (!snapshot_covers(snap, gpa, len))
        return VBLK_E_RANGE;
    for (; left != 0; left -= piece, gpa += piece, to += piece) {
        const uint8_t *bytes = stretch_find(snap, gpa, left, &piece);

        memcpy(to, bytes, (size_t)piece);
    }
    return VBLK_OK;
}

/* The first bytes at or after gpa that both hold, up to where either's region ends. */
static bool pair_find(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t gpa,
                      struct pair *out)
{
    size_t i = stretch_at_or_above(snap, gpa);
    uint32_t r = vblk_region_at_or_above(mem, gpa);

    while (i < snap->count && r < mem->count) {
        const struct stretch *s = &snap->stretches[i];
        const struct region *region = &mem->regions[r];
        uint64_t s_last = s->gpa + (s->size - 1), r_last = region->gpa + (region->size - 1);
        uint64_t last = s_last < r_last ? s_last : r_last;
        uint64_t from = s->gpa > region->gpa ? s->gpa : region->gpa;

        from = from > gpa ? from : gpa;
        if (from <= last) {
            *out = (struct pair){ from, last - from + 1, s->bytes + (from - s->gpa),
                                  region->host + (from - region->gpa) };
            return true;
        }
        if (s_last < r_last)
            i++;
        else
            r++;
    }
    return false;
}

/* How many bytes are equal from the pair's beginning. */
static uint64_t equal_bytes(const struct pair *p)
{
    uint64_t at = 0;

    while (at < p->len) {
        size_t block = (size_t)(p->len - at < BLOCK ? p->len - at : BLOCK);

        if (memcmp(p->then + at, p->now + at, block) != 0)
            break;
        at += block;
    }
    while (at < p->len && p->then[at] == p->now[at])
        at++;
    return at;
}

static uint64_t differing_bytes(const struct pair *p)
{
    uint64_t at = 0;

    while (at < p->len && p->then[at] != p->now[at])
        at++;
    return at;
}

/* Skip from the pair's beginning to its first difference, into later pairs if need be. */
static bool pair_skip_equal(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, struct pair *p)
{
    for (;;) {
        uint64_t equal = equal_bytes(p);

        if (equal < p->len) {
            *p = (struct pair){ p->gpa + equal, p->len - equal, p->then + equal, p->now + equal };
            return true;
        }
        if (p->gpa + (p->len - 1) == UINT64_MAX || !pair_find(snap, mem, p->gpa + p->len, p))
            return false;
    }
}

static bool diff(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t *gpa, uint64_t *len)
{
    struct pair p;
    uint64_t run;

    if (!pair_find(snap, mem, *gpa, &p) || !pair_skip_equal(snap, mem, &p))
        return false;
    *gpa = p.gpa;
    *len = 0;
    do { /* a run goes on into an adjacent region */
        run = differing_bytes(&p);
        *len += run;
    } while (run == p.len && *gpa + (*len - 1) != UINT64_MAX && pair_find(snap, mem, *gpa + *len, &p) &&
             p.gpa == *gpa + *len);
    return true;
}

bool vblk_memory_diff(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t *gpa,
                      uint64_t *len)
{
    uint64_t run[2] = { *gpa, 0 };
    struct vblk_glance glance = { .kind = VBLK_GLANCE_DIFF, .at = *gpa, .bytes = run };

    if (likely(mem->onlooker == NULL))
        return diff(snap, mem, gpa, len);
    if (!onlooker_answers(mem, &glance)) {
        glance.yes = diff(snap, mem, &run[0], &run[1]);
        onlooker_told(mem, &glance);
    }
    if (glance.yes) {
        *gpa = run[0];
        *len = run[1];
    }
    return glance.yes;
}
