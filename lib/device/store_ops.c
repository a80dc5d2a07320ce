/* SPDX-License-Identifier: BSD-3-Clause */
/* The sparse store as a device sees it. */
#include <string.h>

#include "store_map.h"

/* What a hole reads as. */
static const uint8_t zeroes[CHUNK_BYTES];

static vblk_err check(const struct vblk_store *store, uint64_t sector, uint32_t count)
{
    if (count > store->capacity || sector > store->capacity - count)
        return VBLK_E_IO;
    if (store->failing.count && vblk_spans_within(&store->failing, sector, sector + count))
        return VBLK_E_IO;
    return VBLK_OK;
}

static vblk_err check_space(const struct vblk_store *store, uint64_t sector, uint32_t count)
{
    if (store->pool != UINT64_MAX && map_missing(store, sector, sector + count) > store->pool)
        return VBLK_E_FULL;
    return VBLK_OK;
}

static uint64_t held(const struct vblk_store *store, uint64_t sector, uint32_t count)
{
    return store->pool == UINT64_MAX ? 0 : map_held(store, sector, sector + count);
}

/* How many bits in a row, from @p bit on, are as that one is; at most @p count. */
static uint32_t run(uint64_t bits, unsigned bit, uint32_t count)
{
    uint64_t same = bits >> bit & 1 ? ~bits : bits;
    uint32_t length = CHUNK_SECTORS - bit;

    if (same >> bit)
        length = (uint32_t)__builtin_ctzll(same >> bit);
    return length < count ? length : count;
}

static vblk_err view(void *ctx, uint64_t sector, uint32_t *count, const void **bytes)
{
    struct vblk_store *store = ctx;
    unsigned bit = sector % CHUNK_SECTORS;
    struct chunk *chunk;
    vblk_err err = check(store, sector, *count);

    if (err)
        return err;
    chunk = map_find(store, sector / CHUNK_SECTORS);
    *count = run(chunk ? chunk->is.data : 0, bit, *count);
    *bytes = zeroes;
    if (chunk) {
        store->last = chunk;
        if (chunk->is.data >> bit & 1)
            *bytes = chunk->now + bit * VBLK_SECTOR;
    }
    return VBLK_OK;
}

static vblk_err store_read(void *ctx, uint64_t sector, void *buf, uint32_t count)
{
    uint8_t *to = buf;

    while (count) {
        uint32_t here = count;
        const void *bytes;
        vblk_err err = view(ctx, sector, &here, &bytes);

        if (err)
            return err;
        memcpy(to, bytes, (size_t)here * VBLK_SECTOR);
        to += (size_t)here * VBLK_SECTOR;
        sector += here;
        count -= here;
    }
    return VBLK_OK;
}

static vblk_err place(void *ctx, uint64_t sector, uint32_t *count, bool stable, void **bytes)
{
    struct vblk_store *store = ctx;
    unsigned bit = sector % CHUNK_SECTORS;
    uint64_t mask, before;
    struct chunk *chunk;
    vblk_err err = check(store, sector, *count);

    if (!err)
        err = check_space(store, sector, *count);
    if (err)
        return err;
    if (*count > CHUNK_SECTORS - bit)
        *count = CHUNK_SECTORS - bit;
    before = held(store, sector, *count);
    chunk = map_get(store, sector / CHUNK_SECTORS);
    if (!chunk)
        return VBLK_E_NOMEM;
    mask = map_mask(chunk->no, sector, sector + *count);
    err = map_open(store, chunk, mask, stable);
    if (err)
        return err;
    chunk->is.data |= mask;
    chunk->is.alloc |= mask;
    chunk->is.shared &= ~mask;
    map_settle(store, sector, sector + *count, before);
    *bytes = chunk->now + bit * VBLK_SECTOR;
    return VBLK_OK;
}

static vblk_err store_write(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable)
{
    const uint8_t *from = buf;

    while (count) {
        uint32_t here = count;
        void *bytes;
        vblk_err err = place(ctx, sector, &here, stable, &bytes);

        if (err)
            return err;
        memcpy(bytes, from, (size_t)here * VBLK_SECTOR);
        from += (size_t)here * VBLK_SECTOR;
        sector += here;
        count -= here;
    }
    return VBLK_OK;
}

static vblk_err flush(void *ctx)
{
    struct vblk_store *store = ctx;

    if (store->dirty)
        map_stabilise(store);
    return VBLK_OK;
}

/* Outside the chunks: reserve a range of its own, or make a hole of it. */
static vblk_err set_spans(struct vblk_store *store, uint64_t start, uint64_t end, bool reserve)
{
    vblk_err err = vblk_spans_remove(&store->shared, start, end);

    if (err)
        return err;
    return reserve ? vblk_spans_add(&store->alloc, start, end) : vblk_spans_remove(&store->alloc, start, end);
}

static vblk_err empty(struct vblk_store *store, uint64_t sector, uint32_t count, bool wipe)
{
    uint64_t end = sector + count, before;
    struct walk walk;
    struct part part;
    vblk_err err = check(store, sector, count);

    if (err)
        return err;
    before = held(store, sector, count);
    err = set_spans(store, sector, end, false);
    for (walk = map_walk(store, sector, end); !err && map_next(&walk, &part);) {
        map_forget(part.chunk, part.mask);
        for (unsigned i = 0; wipe && i < CHUNK_SECTORS; i++) {
            if (part.mask >> i & 1) {
                memset(part.chunk->now + i * VBLK_SECTOR, 0, VBLK_SECTOR);
                if (part.chunk->old)
                    memset(part.chunk->old + i * VBLK_SECTOR, 0, VBLK_SECTOR);
            }
        }
    }
    map_settle(store, sector, end, before);
    return err;
}

static vblk_err discard(void *ctx, uint64_t sector, uint32_t count)
{
    return empty(ctx, sector, count, false);
}

static vblk_err secure_erase(void *ctx, uint64_t sector, uint32_t count)
{
    return empty(ctx, sector, count, true);
}

/* The ranges without a chunk read as zero before and after; only chunks have a stable state of their own. */
static vblk_err write_zeroes(void *ctx, uint64_t sector, uint32_t count, bool may_unmap, bool stable)
{
    struct vblk_store *store = ctx;
    uint64_t end = sector + count, before;
    struct walk walk;
    struct part part;
    vblk_err err = check(store, sector, count);

    if (!err && !may_unmap)
        err = check_space(store, sector, count);
    if (err)
        return err;
    before = held(store, sector, count);
    err = set_spans(store, sector, end, !may_unmap);
    for (walk = map_walk(store, sector, end); !err && map_next(&walk, &part);) {
        err = map_open(store, part.chunk, part.mask, stable);
        if (err)
            break;
        part.chunk->is.data &= ~part.mask;
        part.chunk->is.shared &= ~part.mask;
        part.chunk->is.alloc = may_unmap ? part.chunk->is.alloc & ~part.mask : part.chunk->is.alloc | part.mask;
    }
    map_settle(store, sector, end, before);
    return err;
}

static vblk_err provision(void *ctx, uint64_t sector, uint32_t count)
{
    struct vblk_store *store = ctx;
    uint64_t end = sector + count, before;
    struct walk walk;
    struct part part;
    vblk_err err = check(store, sector, count);

    if (!err)
        err = check_space(store, sector, count);
    if (err)
        return err;
    before = held(store, sector, count);
    err = set_spans(store, sector, end, true);
    for (walk = map_walk(store, sector, end); !err && map_next(&walk, &part);) {
        part.chunk->is.alloc |= part.mask;
        part.chunk->is.shared &= ~part.mask;
        part.chunk->was.alloc |= part.mask;
        part.chunk->was.shared &= ~part.mask;
    }
    map_settle(store, sector, end, before);
    return err;
}

struct vblk_backend vblk_store_backend(struct vblk_store *store)
{
    return (struct vblk_backend){
        .ctx = store,
        .read = store_read,
        .write = store_write,
        .flush = flush,
        .discard = discard,
        .write_zeroes = write_zeroes,
        .secure_erase = secure_erase,
        .provision = provision,
        .view = view,
        .place = place,
    };
}
