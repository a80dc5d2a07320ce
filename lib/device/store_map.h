/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of the sparse store: which chunks exist, and what is known of each sector. */
#ifndef VBLK_DEVICE_STORE_MAP_H
#define VBLK_DEVICE_STORE_MAP_H

#include <vblk/spec.h>
#include <vblk/store.h>

#include "spans.h"

/* 64 sectors, so that one word says something of each. */
#define CHUNK_SECTORS 64u
#define CHUNK_BYTES (CHUNK_SECTORS * VBLK_SECTOR)

/* What a chunk says of a sector, one bit each. */
struct facts {
    uint64_t data;   /* its bytes are in the chunk; else it reads as zero */
    uint64_t alloc;  /* it holds or reserves space */
    uint64_t shared; /* that space is a clone's too */
};

struct chunk {
    uint64_t no;
    struct facts is;
    struct facts was;   /* the stable state, where dirty */
    uint64_t dirty;     /* written since it was last stable */
    struct chunk *next; /* of all chunks, or of the spare ones */
    struct chunk *next_dirty;
    bool listed;  /* among the dirty */
    uint8_t *old; /* [CHUNK_BYTES] stable bytes where dirty; NULL until needed */
    uint8_t now[CHUNK_BYTES];
};

struct vblk_store {
    uint64_t capacity;
    uint64_t pool;
    struct chunk **slot; /* open addressing by chunk number */
    size_t slots, used;
    struct chunk *last; /* found last */
    struct chunk *all, *dirty, *spare;
    size_t spares;
    /* Where there is no chunk these say what is allocated and what of it is shared; where there is one, it does. */
    struct vblk_spans alloc, shared;
    struct vblk_spans failing;
};

/* The part of a range that lies in one chunk. */
struct part {
    struct chunk *chunk;
    uint64_t mask;
};
/* Visits the chunks that exist in a range, in no particular order; costs the lesser of range and map. */
struct walk {
    const struct vblk_store *store;
    uint64_t start, end; /* sectors */
    uint64_t no;         /* next number, when counting through the range */
    struct chunk *next;  /* next chunk, when going through the map */
    bool by_map;
};
struct walk map_walk(const struct vblk_store *store, uint64_t start, uint64_t end);
bool map_next(struct walk *walk, struct part *part);

/* Bits of [start, end) in chunk @p no; the range must touch it. */
static inline uint64_t map_mask(uint64_t no, uint64_t start, uint64_t end)
{
    uint64_t first = no * CHUNK_SECTORS;
    uint64_t low = start > first ? start - first : 0;
    uint64_t high = end - first < CHUNK_SECTORS ? end - first : CHUNK_SECTORS;

    return (UINT64_MAX >> (CHUNK_SECTORS - (high - low))) << low;
}

struct chunk *map_find(const struct vblk_store *store, uint64_t no);
/* Find or create; NULL: no memory. */
struct chunk *map_get(struct vblk_store *store, uint64_t no);
/* Before sectors of @p chunk change: keep the stable state (volatile change), or make the change the stable state. */
VBLK_NODISCARD vblk_err map_open(struct vblk_store *store, struct chunk *chunk, uint64_t mask, bool stable);
/* Make holes of sectors, in the stable state too. */
void map_forget(struct chunk *chunk, uint64_t mask);
/* What is now is the stable state, everywhere. */
void map_stabilise(struct vblk_store *store);
/* Sectors of the pool that [start, end) holds. */
uint64_t map_held(const struct vblk_store *store, uint64_t start, uint64_t end);
/* Sectors of the pool that writing or provisioning all of [start, end) would still need. */
uint64_t map_missing(const struct vblk_store *store, uint64_t start, uint64_t end);
/* Give back or take what changed since map_held() said @p before. */
void map_settle(struct vblk_store *store, uint64_t start, uint64_t end, uint64_t before);

#endif
