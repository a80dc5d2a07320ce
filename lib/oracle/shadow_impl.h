/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the shadow of the disk is kept.
 *
 * Sectors that were touched singly live in chunks of 64, found by number in a hash table. All others live in spans:
 * a sorted array that covers the whole disk. Where there is a chunk, what the spans say of its sectors is void.
 */
#ifndef ORACLE_SHADOW_IMPL_H
#define ORACLE_SHADOW_IMPL_H

#include <vblk/spec.h>

#include "shadow.h"

#define DISK_SECTORS (UINT64_C(1) << 55)
#define CHUNK_SECTORS 64u
#define CANDIDATES 4u     /* contents of an open sector; more make it unknown */
#define PAST_MAX 4u       /* contents that may still be on stable storage; more make it unknown */
#define SPANS_MAX 4096u
#define SPAN_SECTORS 1024u /* a change of at least so many sectors, without bytes, makes no chunks */
#define RECENT 16u

/* The first three in order of how little they say: what spans can be. */
enum state { ST_ZERO, ST_UNKNOWN, ST_FREE, ST_DATA, ST_OPEN, STATE_COUNT };

struct open {
    uint8_t count;
    uint8_t bytes[CANDIDATES][VBLK_SECTOR];
};

/* Contents that a volatile sector had and may fall back to, each the disk's view from its change on. */
struct past {
    uint64_t time;            /* number of the change that made the present content */
    uint8_t count;
    uint8_t state[PAST_MAX];  /* enum state, never open */
    uint64_t since[PAST_MAX]; /* ascending; several with one number: any of them */
    uint8_t *bytes[PAST_MAX]; /* [VBLK_SECTOR] of ST_DATA */
};

struct chunk {
    uint64_t number;
    uint64_t is[STATE_COUNT];         /* bit per sector; each sector has one state */
    uint64_t written;                 /* something but KEEP was ever said of it */
    uint64_t unstable;                /* volatile: past[] is filled in, or lost */
    uint64_t lost;                    /* volatile, and there was no memory for its past */
    uint64_t lost_time;               /* the latest change of those */
    uint32_t epoch[CHUNK_SECTORS];    /* number of the change that made the content, or before which it was verified */
    uint8_t cause[CHUNK_SECTORS];     /* enum cause */
    uint8_t (*data)[VBLK_SECTOR];     /* [CHUNK_SECTORS], NULL before there was data */
    struct open **open;               /* [CHUNK_SECTORS], NULL before a sector was open */
    struct past **past;               /* [CHUNK_SECTORS], NULL before a sector was volatile */
    size_t slot;
    struct chunk *next;               /* all in use, or all spare ones */
    struct chunk *next_dirty;
    bool dirty;                       /* in the list of those that may have volatile sectors */
};

struct span {
    uint64_t start;  /* up to the next span's start, or the end of the disk */
    uint64_t time;   /* number of the last change */
    uint32_t epoch;
    uint8_t state;   /* ST_ZERO, ST_UNKNOWN or ST_FREE */
    uint8_t cause;
    bool written;
    uint8_t past;    /* 0: stable; else 1 + the state that says least of those it may fall back to */
};

/* A change that somebody asked for. */
struct recent {
    uint64_t sector, count, number;
    uint8_t cause;
};

struct shadow_impl {
    struct chunk *last;    /* the chunk used last */
    uint64_t now;          /* number of the next change */
    struct chunk **slot;   /* [slots], a power of two */
    size_t slots, chunks;
    struct chunk *all, *dirty, *spare;
    size_t spares;
    struct span *span;     /* [span_count] of [span_room] */
    size_t span_count, span_room;
    struct recent recent[RECENT]; /* by number */
    bool tracking, stable;
};

/* One change on its way to the sectors. */
struct edit {
    enum shadow_change change;
    enum cause cause;
    bool quiet;            /* another candidate only: cause and epoch stay */
    uint64_t number;
    const uint8_t *bytes;  /* of the first sector; *_DATA */
};

extern const uint8_t shadow_zeroes[8 * VBLK_SECTOR];

static inline uint64_t bits(unsigned first, unsigned count)
{
    return (count == CHUNK_SECTORS ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1) << first;
}

static inline unsigned lowest(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask);
}

static inline enum state state_at(const struct chunk *c, unsigned at)
{
    unsigned st = 0;
    while (st < ST_OPEN && (c->is[st] >> at & 1) == 0)
        st++;
    return (enum state)st;
}

/* shadow_chunk.c */
struct chunk *chunk_look(struct shadow_impl *s, uint64_t number); /* NULL: none */
struct chunk *chunk_make(struct shadow_impl *s, uint64_t number); /* NULL: no memory */
void chunk_forget_all(struct shadow_impl *s);
void chunk_free_all(struct shadow_impl *s);
bool chunk_need_data(struct chunk *c);
/* Leaves the open state if need be. */
void chunk_set_state(struct chunk *c, uint64_t mask, enum state state);
void chunk_add_candidate(struct chunk *c, unsigned at, const uint8_t *bytes);
void chunk_edit(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const struct edit *e);

/* shadow_span.c */
bool span_reset(struct shadow_impl *s, enum state state);
void span_edit(struct shadow_impl *s, uint64_t sector, uint64_t count, const struct edit *e);
size_t span_find(const struct shadow_impl *s, uint64_t sector);
static inline uint64_t span_end(const struct shadow_impl *s, size_t i)
{
    return i + 1 < s->span_count ? s->span[i + 1].start : DISK_SECTORS;
}
void span_flushed(struct shadow_impl *s, uint64_t then);
/* Volatile spans, or all of them, fall back; @doubt: to anything. */
void span_fall_back(struct shadow_impl *s, bool all, bool doubt, uint64_t number);

/* shadow_stable.c */
void past_note(struct shadow_impl *s, struct chunk *c, uint64_t mask, const struct edit *e);
/* A sector of a new chunk that was volatile in its span. */
void past_inherit(struct shadow_impl *s, struct chunk *c, uint64_t mask, const struct span *span);
void past_drop(struct chunk *c, uint64_t mask);

#endif /* ORACLE_SHADOW_IMPL_H */
