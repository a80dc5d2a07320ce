/* SPDX-License-Identifier: BSD-3-Clause */
#include "store_map.h"

#include <stdlib.h>
#include <string.h>

static size_t home(const struct vblk_store *store, uint64_t no)
{
    return (size_t)((no * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (store->slots - 1);
}

struct chunk *map_find(const struct vblk_store *store, uint64_t no)
{
    if (store->last && store->last->no == no)
        return store->last;
    if (!store->slots)
        return NULL;
    for (size_t i = home(store, no);; i = (i + 1) & (store->slots - 1)) {
        if (!store->slot[i] || store->slot[i]->no == no)
            return store->slot[i];
    }
}

static void insert(struct vblk_store *store, struct chunk *chunk)
{
    size_t i = home(store, chunk->no);

    while (store->slot[i])
        i = (i + 1) & (store->slots - 1);
    store->slot[i] = chunk;
}

/* At most half of the slots are in use. */
static vblk_err grow(struct vblk_store *store)
{
    size_t slots = store->slots ? store->slots * 2 : 64;
    struct chunk **slot;

    if (store->used * 2 < store->slots)
        return VBLK_OK;
    slot = calloc(slots, sizeof *slot);
    if (!slot)
        return VBLK_E_NOMEM;
    free(store->slot);
    store->slot = slot;
    store->slots = slots;
    for (struct chunk *c = store->all; c; c = c->next)
        insert(store, c);
    return VBLK_OK;
}

static struct chunk *new_chunk(struct vblk_store *store)
{
    struct chunk *chunk = store->spare;

    if (!chunk) {
        chunk = malloc(sizeof *chunk);
        if (chunk)
            chunk->old = NULL;
        return chunk;
    }
    store->spare = chunk->next;
    store->spares--;
    return chunk;
}

struct chunk *map_get(struct vblk_store *store, uint64_t no)
{
    struct chunk *chunk = map_find(store, no);
    const struct facts nothing = { 0, 0, 0 };

    if (!chunk) {
        if (grow(store) || !(chunk = new_chunk(store)))
            return NULL;
        chunk->no = no;
        chunk->is = nothing;
        chunk->was = nothing;
        chunk->is.alloc = vblk_spans_bits(&store->alloc, no * CHUNK_SECTORS);
        chunk->is.shared = vblk_spans_bits(&store->shared, no * CHUNK_SECTORS);
        chunk->dirty = 0;
        chunk->listed = false;
        chunk->next_dirty = NULL;
        chunk->next = store->all;
        store->all = chunk;
        store->used++;
        insert(store, chunk);
    }
    store->last = chunk;
    return chunk;
}

static void keep_old(struct chunk *chunk, uint64_t mask)
{
    for (unsigned i = 0; i < CHUNK_SECTORS; i++) {
        if (mask >> i & 1)
            memcpy(chunk->old + i * VBLK_SECTOR, chunk->now + i * VBLK_SECTOR, VBLK_SECTOR);
    }
}

vblk_err map_open(struct vblk_store *store, struct chunk *chunk, uint64_t mask, bool stable)
{
    uint64_t fresh = mask & ~chunk->dirty;

    if (stable) {
        chunk->dirty &= ~mask;
        return VBLK_OK;
    }
    if (!fresh)
        return VBLK_OK;
    if (fresh & chunk->is.data) {
        if (!chunk->old && !(chunk->old = malloc(CHUNK_BYTES)))
            return VBLK_E_NOMEM;
        keep_old(chunk, fresh & chunk->is.data);
    }
    chunk->was.data = (chunk->was.data & ~fresh) | (chunk->is.data & fresh);
    chunk->was.alloc = (chunk->was.alloc & ~fresh) | (chunk->is.alloc & fresh);
    chunk->was.shared = (chunk->was.shared & ~fresh) | (chunk->is.shared & fresh);
    chunk->dirty |= fresh;
    if (!chunk->listed) {
        chunk->listed = true;
        chunk->next_dirty = store->dirty;
        store->dirty = chunk;
    }
    return VBLK_OK;
}

struct walk map_walk(const struct vblk_store *store, uint64_t start, uint64_t end)
{
    struct walk walk = { .store = store, .start = start, .end = end, .no = start / CHUNK_SECTORS, .next = store->all };

    walk.by_map = start < end && (end - 1) / CHUNK_SECTORS - walk.no >= store->used;
    return walk;
}

bool map_next(struct walk *walk, struct part *part)
{
    struct chunk *chunk = NULL;

    if (walk->by_map) {
        while (walk->next && !chunk) {
            uint64_t first = walk->next->no * CHUNK_SECTORS;

            if (first < walk->end && first + CHUNK_SECTORS > walk->start)
                chunk = walk->next;
            walk->next = walk->next->next;
        }
    } else {
        while (walk->no * CHUNK_SECTORS < walk->end && !chunk)
            chunk = map_find(walk->store, walk->no++);
    }
    if (!chunk)
        return false;
    part->chunk = chunk;
    part->mask = map_mask(chunk->no, walk->start, walk->end);
    return true;
}

static uint64_t ones(uint64_t bits)
{
    return (uint64_t)__builtin_popcountll(bits);
}

/* A sector whose stable copy has space keeps it until the new state is stable. */
static uint64_t held_bits(const struct chunk *chunk)
{
    return (chunk->is.alloc & ~chunk->is.shared) | (chunk->dirty & chunk->was.alloc & ~chunk->was.shared);
}

uint64_t map_held(const struct vblk_store *store, uint64_t start, uint64_t end)
{
    uint64_t sum = vblk_spans_within(&store->alloc, start, end) - vblk_spans_within(&store->shared, start, end);
    struct walk walk = map_walk(store, start, end);
    struct part part;

    while (map_next(&walk, &part)) {
        uint64_t first = part.chunk->no * CHUNK_SECTORS;
        uint64_t hidden = vblk_spans_bits(&store->alloc, first) & ~vblk_spans_bits(&store->shared, first);

        sum += ones(held_bits(part.chunk) & part.mask) - ones(hidden & part.mask);
    }
    return sum;
}

uint64_t map_missing(const struct vblk_store *store, uint64_t start, uint64_t end)
{
    return end - start - map_held(store, start, end);
}

void map_settle(struct vblk_store *store, uint64_t start, uint64_t end, uint64_t before)
{
    if (store->pool != UINT64_MAX)
        store->pool += before - map_held(store, start, end);
}

void map_forget(struct chunk *chunk, uint64_t mask)
{
    chunk->is.data &= ~mask;
    chunk->is.alloc &= ~mask;
    chunk->is.shared &= ~mask;
    chunk->dirty &= ~mask;
}

void map_stabilise(struct vblk_store *store)
{
    struct chunk *chunk;

    while ((chunk = store->dirty) != NULL) {
        uint64_t before = ones(held_bits(chunk));

        store->dirty = chunk->next_dirty;
        chunk->next_dirty = NULL;
        chunk->listed = false;
        chunk->dirty = 0;
        if (store->pool != UINT64_MAX)
            store->pool += before - ones(held_bits(chunk));
    }
}
