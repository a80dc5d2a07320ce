/* SPDX-License-Identifier: BSD-3-Clause */
/* What a read returned, against what it may return. */
#include <string.h>

#include "shadow_impl.h"

#define NEAR 8u

/* ---- blame ---- */

static bool newer(uint64_t number, uint32_t epoch)
{
    return (uint32_t)number - epoch - 1 < UINT32_MAX / 2;
}

static bool adjacent(const struct recent *r, uint64_t sector)
{
    if (r->count == 0)
        return false;
    return sector < r->sector ? r->sector - sector <= NEAR : sector - (r->sector + r->count - 1) <= NEAR;
}

/* The latest change elsewhere since the epoch, rather one close by; none if the sector itself was named since. */
static void look_nearby(const struct shadow_impl *s, uint64_t sector, uint32_t epoch, struct shadow_read *r)
{
    const struct recent *latest = NULL, *close = NULL;
    for (uint64_t back = 1; back <= RECENT && back < s->now; back++) {
        const struct recent *one = &s->recent[(s->now - back) % RECENT];
        if (!newer(one->number, epoch))
            break;
        if (sector >= one->sector && sector - one->sector < one->count)
            return;
        if (latest == NULL)
            latest = one;
        if (close == NULL && adjacent(one, sector))
            close = one;
    }
    if (close != NULL)
        latest = close;
    r->bad_nearby = latest != NULL ? latest->cause : BY_NOBODY;
    r->bad_adjacent = close != NULL;
}

static void blame(const struct shadow_impl *s, const struct chunk *c, unsigned at, const uint8_t *got,
                  const uint8_t *want, unsigned offset, struct shadow_read *r)
{
    unsigned left = VBLK_SECTOR - offset;
    r->compared = true;
    if (r->bad)
        return;
    r->bad = true;
    r->bad_sector = c->number * CHUNK_SECTORS + at;
    r->bad_cause = c->cause[at];
    r->bad_never_written = (c->written >> at & 1) == 0;
    r->bad_offset = (uint16_t)offset;
    r->shown = (uint8_t)(left < sizeof r->got ? left : sizeof r->got);
    memcpy(r->got, got + offset, r->shown);
    memcpy(r->want, want + offset, r->shown);
    look_nearby(s, r->bad_sector, c->epoch[at], r);
}

static void agreed(const struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, struct shadow_read *r)
{
    const uint32_t epoch = (uint32_t)(s->now - 1);
    uint64_t unwritten = ~c->written & bits(first, count);
    uint32_t causes = 0;

    for (unsigned i = first; i < first + count; i++)
        c->epoch[i] = epoch;
    for (unsigned i = first, cause; i < first + count;) { /* neighbours mostly have the same */
        cause = c->cause[i];
        causes |= 1u << cause;
        while (++i < first + count && c->cause[i] == cause)
            continue;
    }
    if (unwritten == bits(first, count))
        r->causes_unwritten |= causes;
    else
        for (; unwritten != 0; unwritten &= unwritten - 1)
            r->causes_unwritten |= 1u << c->cause[lowest(unwritten)];
    r->causes |= causes;
    r->compared = true;
}

/* ---- one way to compare per state; all take sectors of one chunk and one state ---- */

typedef void compare_fn(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                        bool learn, struct shadow_read *r);

static void compare_each(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                         const uint8_t *want, size_t stride, struct shadow_read *r)
{
    for (unsigned i = 0; i < count; i++, bytes += VBLK_SECTOR, want += stride) {
        unsigned offset = 0;
        while (offset < VBLK_SECTOR && bytes[offset] == want[offset])
            offset++;
        if (offset == VBLK_SECTOR)
            agreed(s, c, first + i, 1, r);
        else
            blame(s, c, first + i, bytes, want, offset, r);
    }
}

static void compare_data(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                         bool learn, struct shadow_read *r)
{
    (void)learn;
    if (memcmp(bytes, c->data[first], (size_t)count * VBLK_SECTOR) == 0)
        agreed(s, c, first, count, r);
    else
        compare_each(s, c, first, count, bytes, c->data[first], VBLK_SECTOR, r);
}

static void compare_zero(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                         bool learn, struct shadow_read *r)
{
    const unsigned step = sizeof shadow_zeroes / VBLK_SECTOR;
    (void)learn;
    for (unsigned done = 0, n; done < count; done += n) {
        const uint8_t *at = bytes + (size_t)done * VBLK_SECTOR;
        n = count - done < step ? count - done : step;
        if (memcmp(at, shadow_zeroes, (size_t)n * VBLK_SECTOR) == 0)
            agreed(s, c, first + done, n, r);
        else
            compare_each(s, c, first + done, n, at, shadow_zeroes, 0, r);
    }
}

static void compare_free(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                         bool learn, struct shadow_read *r)
{
    (void)s, (void)c, (void)first, (void)count, (void)bytes, (void)learn, (void)r;
}

static bool take_content(struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes)
{
    bool can = chunk_need_data(c);
    if (can)
        memcpy(c->data[first], bytes, (size_t)count * VBLK_SECTOR);
    chunk_set_state(c, bits(first, count), can ? ST_DATA : ST_FREE);
    return can;
}

static void compare_unknown(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count,
                            const uint8_t *bytes, bool learn, struct shadow_read *r)
{
    (void)r;
    if (!learn || !take_content(c, first, count, bytes))
        return;
    memset(&c->cause[first], BY_READ, count);
    for (unsigned i = first; i < first + count; i++)
        c->epoch[i] = (uint32_t)(s->now - 1);
}

/* The first byte that no candidate has, or the sector's length. */
static unsigned mixture_ends(const struct open *open, const uint8_t *bytes)
{
    for (unsigned at = 0; at < VBLK_SECTOR; at++) {
        unsigned i = 0;
        while (i < open->count && open->bytes[i][at] != bytes[at])
            i++;
        if (i == open->count)
            return at;
    }
    return VBLK_SECTOR;
}

static void compare_open(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                         bool learn, struct shadow_read *r)
{
    for (unsigned at = first; at < first + count; at++, bytes += VBLK_SECTOR) {
        const struct open *open = c->open[at];
        unsigned offset = mixture_ends(open, bytes);
        if (offset < VBLK_SECTOR) {
            blame(s, c, at, bytes, open->bytes[open->count - 1], offset, r);
            continue;
        }
        agreed(s, c, at, 1, r);
        if (learn)
            take_content(c, at, 1, bytes);
    }
}

static compare_fn *const compares[STATE_COUNT] = {
    [ST_ZERO] = compare_zero, [ST_UNKNOWN] = compare_unknown, [ST_FREE] = compare_free,
    [ST_DATA] = compare_data, [ST_OPEN] = compare_open,
};

static unsigned run_length(uint64_t mask, unsigned first, unsigned max)
{
    uint64_t others = ~(mask >> first);
    unsigned n = others != 0 ? lowest(others) : CHUNK_SECTORS;
    return n < max ? n : max;
}

static void compare_chunk(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const uint8_t *bytes,
                          bool learn, struct shadow_read *r)
{
    uint64_t mask = bits(first, count);
    if ((c->is[ST_DATA] & mask) == mask) {
        compare_data(s, c, first, count, bytes, learn, r);
        return;
    }
    for (unsigned done = 0, n; done < count; done += n) {
        enum state state = state_at(c, first + done);
        n = run_length(c->is[state], first + done, count - done);
        compares[state](s, c, first + done, n, bytes + (size_t)done * VBLK_SECTOR, learn, r);
    }
}

void shadow_compare(struct shadow *s, uint64_t sector, uint64_t count, const uint8_t *bytes, bool learn,
                    struct shadow_read *r)
{
    if (s->impl == NULL || sector >= DISK_SECTORS)
        return;
    if (count > DISK_SECTORS - sector)
        count = DISK_SECTORS - sector;
    while (count > 0) {
        struct chunk *c = chunk_make(s->impl, sector / CHUNK_SECTORS);
        unsigned first = (unsigned)(sector % CHUNK_SECTORS);
        unsigned n = count < CHUNK_SECTORS - first ? (unsigned)count : CHUNK_SECTORS - first;
        if (c != NULL)
            compare_chunk(s->impl, c, first, n, bytes, learn, r);
        sector += n;
        count -= n;
        bytes += (size_t)n * VBLK_SECTOR;
    }
}
