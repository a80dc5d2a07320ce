/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file store.h
 * @brief The disk behind the reference device: a table of operations, and a sparse, thinly provisioned store.
 *
 * All positions and counts are in 512-byte sectors. The device checks ranges before it calls; the store
 * answers VBLK_E_IO to what lies past its capacity all the same.
 */
#ifndef VBLK_STORE_H
#define VBLK_STORE_H

#include <vblk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a disk must do. Each returns VBLK_OK, VBLK_E_IO (the medium failed), VBLK_E_FULL (no space left) or
 * VBLK_E_NOMEM; a device makes VBLK_S_IOERR of each failure. view and place may be NULL, and provision.
 */
struct vblk_backend {
    void *ctx; /**< handed to every function */
    /** Read; what was never written reads as zero. */
    vblk_err (*read)(void *ctx, uint64_t sector, void *buf, uint32_t count);
    /** @p stable: durable before the call returns (writethrough); else volatile until flush(). */
    vblk_err (*write)(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable);
    /** Make everything written so far durable. */
    vblk_err (*flush)(void *ctx);
    /** The content is no longer needed; space may be given back. */
    vblk_err (*discard)(void *ctx, uint64_t sector, uint32_t count);
    /** The range reads as zero; space may be given back only if @p may_unmap. */
    vblk_err (*write_zeroes)(void *ctx, uint64_t sector, uint32_t count, bool may_unmap, bool stable);
    /** The content can't be recovered any more. */
    vblk_err (*secure_erase)(void *ctx, uint64_t sector, uint32_t count);
    /** Reserve space; bytes that can be read don't change. NULL: succeed without allocating. */
    vblk_err (*provision)(void *ctx, uint64_t sector, uint32_t count);
    /**
     * Where the bytes of sectors from @p sector on lie, to save a copy. *count is how many are wanted (not 0) on entry
     * and how many follow each other at *bytes on return (at least 1). Fails if any of those wanted would. Valid until
     * the next call.
     */
    vblk_err (*view)(void *ctx, uint64_t sector, uint32_t *count, const void **bytes);
    /** As write(), but the caller fills [*count * 512] *bytes itself, at once: they hold nothing meaningful before. */
    vblk_err (*place)(void *ctx, uint64_t sector, uint32_t *count, bool stable, void **bytes);
};

/** How a sector of the sparse store stands. */
enum vblk_extent_state {
    VBLK_EXTENT_HOLE,      /**< unallocated, reads as zero */
    VBLK_EXTENT_ALLOCATED, /**< holds or reserves space of its own */
    VBLK_EXTENT_SHARED     /**< data shared with a clone: a write needs new space */
};

struct vblk_store; /**< opaque; one sparse disk */

/** The largest capacity: every byte offset of the disk fits 64 bits. */
#define VBLK_STORE_CAPACITY_MAX ((UINT64_C(1) << 55) - 1)

/** @return a store of @p capacity sectors, all holes, with an unlimited pool; NULL: no memory, or too large. */
VBLK_API VBLK_NODISCARD struct vblk_store *vblk_store_new(uint64_t capacity);
/** Free @p store. NULL is allowed. */
VBLK_API void vblk_store_free(struct vblk_store *store);
/** The operations of @p store, to hand to a device. Valid as long as the store. */
VBLK_API struct vblk_backend vblk_store_backend(struct vblk_store *store);
/** Forget all content, failures and the pool's limit; costs what was written. A capacity that is too large is cut. */
VBLK_API void vblk_store_reset(struct vblk_store *store, uint64_t capacity);
/** Grow (by holes) or shrink (what lies beyond is discarded). @return VBLK_E_INVAL past VBLK_STORE_CAPACITY_MAX. */
VBLK_API VBLK_NODISCARD vblk_err vblk_store_resize(struct vblk_store *store, uint64_t capacity);
VBLK_API uint64_t vblk_store_capacity(const struct vblk_store *store);
/** How many more sectors can be allocated; UINT64_MAX: no limit. */
VBLK_API void vblk_store_set_pool(struct vblk_store *store, uint64_t sectors);
VBLK_API uint64_t vblk_store_pool(const struct vblk_store *store);
/** Operations that touch [sector, sector + count) fail with VBLK_E_IO from now on; count 0: no longer any. */
VBLK_API VBLK_NODISCARD vblk_err vblk_store_fail(struct vblk_store *store, uint64_t sector, uint64_t count);
/** @return how @p sector stands. */
VBLK_API enum vblk_extent_state vblk_store_extent(const struct vblk_store *store, uint64_t sector);
/** @return allocated sectors in total, shared ones included; costs what was written. */
VBLK_API uint64_t vblk_store_allocated(const struct vblk_store *store);
/** Mark [sector, sector + count) as shared with a clone, where allocated. The space then is the clone's for good. */
VBLK_API VBLK_NODISCARD vblk_err vblk_store_share(struct vblk_store *store, uint64_t sector, uint64_t count);
/**
 * Lose power: a sector written since it was last stable reverts to its stable content if bit (sector mod 64) of
 * @p seed is 0, and keeps the new one if it is 1; allocation follows the content. 0 reverts all.
 * DISCARD, SECURE_ERASE and PROVISION are stable at once.
 */
VBLK_API void vblk_store_power_cut(struct vblk_store *store, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_STORE_H */
