/* SPDX-License-Identifier: BSD-3-Clause */
/* The sparse store as its owner sees it; what a device does to it is in store_ops.c. */
#include <stdlib.h>
#include <string.h>

#include "store_map.h"

/* Chunks kept over a reset, so that a run of many small cases does not allocate again and again. */
#define SPARES_MAX 256u

struct vblk_store *vblk_store_new(uint64_t capacity)
{
    struct vblk_store *store;

    if (capacity > VBLK_STORE_CAPACITY_MAX)
        return NULL;
    store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->capacity = capacity;
    store->pool = UINT64_MAX;
    return store;
}

static void free_chunks(struct chunk *list)
{
    while (list) {
        struct chunk *next = list->next;

        free(list->old);
        free(list);
        list = next;
    }
}

void vblk_store_free(struct vblk_store *store)
{
    if (!store)
        return;
    free_chunks(store->all);
    free_chunks(store->spare);
    free(store->slot);
    vblk_spans_free(&store->alloc);
    vblk_spans_free(&store->shared);
    vblk_spans_free(&store->failing);
    free(store);
}

void vblk_store_reset(struct vblk_store *store, uint64_t capacity)
{
    struct chunk *chunk;

    while ((chunk = store->all) != NULL) {
        store->all = chunk->next;
        if (store->spares < SPARES_MAX) {
            chunk->next = store->spare;
            store->spare = chunk;
            store->spares++;
        } else {
            chunk->next = NULL;
            free_chunks(chunk);
        }
    }
    if (store->slots)
        memset(store->slot, 0, store->slots * sizeof *store->slot);
    store->used = 0;
    store->last = store->dirty = NULL;
    store->alloc.count = store->shared.count = store->failing.count = 0;
    store->pool = UINT64_MAX;
    store->capacity = capacity < VBLK_STORE_CAPACITY_MAX ? capacity : VBLK_STORE_CAPACITY_MAX;
}

/* Take [start, end) off the map, now and in the stable state. */
static vblk_err drop(struct vblk_store *store, uint64_t start, uint64_t end)
{
    uint64_t before = map_held(store, start, end);
    struct walk walk = map_walk(store, start, end);
    struct part part;
    vblk_err err = vblk_spans_remove(&store->shared, start, end);

    if (!err)
        err = vblk_spans_remove(&store->alloc, start, end);
    while (!err && map_next(&walk, &part))
        map_forget(part.chunk, part.mask);
    map_settle(store, start, end, before);
    return err;
}

vblk_err vblk_store_resize(struct vblk_store *store, uint64_t capacity)
{
    vblk_err err = VBLK_OK;

    if (capacity > VBLK_STORE_CAPACITY_MAX)
        return VBLK_E_INVAL;
    if (capacity < store->capacity)
        err = drop(store, capacity, store->capacity);
    if (!err)
        store->capacity = capacity;
    return err;
}

uint64_t vblk_store_capacity(const struct vblk_store *store)
{
    return store->capacity;
}

void vblk_store_set_pool(struct vblk_store *store, uint64_t sectors)
{
    store->pool = sectors;
}

uint64_t vblk_store_pool(const struct vblk_store *store)
{
    return store->pool;
}

/* The end of a range of the caller's, cut at the capacity. */
static uint64_t end_of(const struct vblk_store *store, uint64_t sector, uint64_t count)
{
    if (sector >= store->capacity)
        return sector;
    return count < store->capacity - sector ? sector + count : store->capacity;
}

vblk_err vblk_store_fail(struct vblk_store *store, uint64_t sector, uint64_t count)
{
    if (!count) {
        store->failing.count = 0;
        return VBLK_OK;
    }
    return vblk_spans_add(&store->failing, sector, end_of(store, sector, count));
}

enum vblk_extent_state vblk_store_extent(const struct vblk_store *store, uint64_t sector)
{
    const struct chunk *chunk = map_find(store, sector / CHUNK_SECTORS);
    unsigned bit = sector % CHUNK_SECTORS;
    bool alloc, shared;

    if (chunk) {
        alloc = chunk->is.alloc >> bit & 1;
        shared = chunk->is.shared >> bit & 1;
    } else {
        alloc = vblk_spans_within(&store->alloc, sector, sector + 1) != 0;
        shared = vblk_spans_within(&store->shared, sector, sector + 1) != 0;
    }
    return !alloc ? VBLK_EXTENT_HOLE : shared ? VBLK_EXTENT_SHARED : VBLK_EXTENT_ALLOCATED;
}

uint64_t vblk_store_allocated(const struct vblk_store *store)
{
    uint64_t sum = vblk_spans_within(&store->alloc, 0, store->capacity);

    for (const struct chunk *chunk = store->all; chunk; chunk = chunk->next) {
        uint64_t hidden = vblk_spans_bits(&store->alloc, chunk->no * CHUNK_SECTORS);

        sum += (uint64_t)__builtin_popcountll(chunk->is.alloc) - (uint64_t)__builtin_popcountll(hidden);
    }
    return sum;
}

vblk_err vblk_store_share(struct vblk_store *store, uint64_t sector, uint64_t count)
{
    uint64_t end = end_of(store, sector, count);
    struct walk walk = map_walk(store, sector, end);
    struct part part;

    for (size_t i = vblk_spans_first(&store->alloc, sector); i < store->alloc.count; i++) {
        const struct vblk_span *span = &store->alloc.at[i];
        vblk_err err;

        if (span->start >= end)
            break;
        err = vblk_spans_add(&store->shared, span->start > sector ? span->start : sector,
                             span->end < end ? span->end : end);
        if (err)
            return err;
    }
    while (map_next(&walk, &part)) {
        part.chunk->is.shared |= part.chunk->is.alloc & part.mask;
        part.chunk->was.shared |= part.chunk->was.alloc & part.chunk->dirty & part.mask;
    }
    return VBLK_OK;
}

static void revert(struct chunk *chunk, uint64_t mask)
{
    for (unsigned i = 0; i < CHUNK_SECTORS; i++) {
        if (mask & chunk->was.data & (uint64_t)1 << i)
            memcpy(chunk->now + i * VBLK_SECTOR, chunk->old + i * VBLK_SECTOR, VBLK_SECTOR);
    }
    chunk->is.data = (chunk->is.data & ~mask) | (chunk->was.data & mask);
    chunk->is.alloc = (chunk->is.alloc & ~mask) | (chunk->was.alloc & mask);
    chunk->is.shared = (chunk->is.shared & ~mask) | (chunk->was.shared & mask);
}

void vblk_store_power_cut(struct vblk_store *store, uint64_t seed)
{
    for (struct chunk *chunk = store->dirty; chunk; chunk = chunk->next_dirty) {
        uint64_t start = chunk->no * CHUNK_SECTORS, before = map_held(store, start, start + CHUNK_SECTORS);

        revert(chunk, chunk->dirty & ~seed);
        map_settle(store, start, start + CHUNK_SECTORS, before);
    }
    map_stabilise(store);
}
