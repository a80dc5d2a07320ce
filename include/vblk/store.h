/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file store.h
 * @brief The disk behind the reference device: a table of operations, and a sparse thin-provisioned store that fills it.
 *
 * All positions and counts are in 512-byte sectors. The device checks ranges before it calls.
 */
#ifndef VBLK_STORE_H
#define VBLK_STORE_H

#include <vblk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a disk must do. Each returns VBLK_OK, VBLK_E_IO (the medium failed) or VBLK_E_FULL (no space left). */
struct vblk_backend {
    void *ctx;
    vblk_err (*read)(void *ctx, uint64_t sector, void *buf, uint32_t count);
    /** @p stable: durable before the call returns (writethrough); else volatile until flush(). */
    vblk_err (*write)(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable);
    vblk_err (*flush)(void *ctx);
    vblk_err (*discard)(void *ctx, uint64_t sector, uint32_t count);
    vblk_err (*write_zeroes)(void *ctx, uint64_t sector, uint32_t count, bool may_unmap, bool stable);
    vblk_err (*secure_erase)(void *ctx, uint64_t sector, uint32_t count);
    /** Reserve space; bytes that can be read don't change. NULL: succeed without allocating. */
    vblk_err (*provision)(void *ctx, uint64_t sector, uint32_t count);
};

/** How a sector of the sparse store stands. */
enum vblk_extent {
    VBLK_EXTENT_HOLE,      /**< unallocated, reads as zero */
    VBLK_EXTENT_ALLOCATED, /**< holds or reserves space of its own */
    VBLK_EXTENT_SHARED     /**< data shared with a clone: a write needs new space */
};

struct vblk_store; /**< opaque; one sparse disk */

/** @return a store of @p capacity sectors (at most 2^55 - 1), all holes, with an unlimited pool; NULL: no memory. */
VBLK_API VBLK_NODISCARD struct vblk_store *vblk_store_new(uint64_t capacity);
VBLK_API void vblk_store_free(struct vblk_store *store);
/** The operations of @p store, to hand to a device. Valid as long as the store. */
VBLK_API struct vblk_backend vblk_store_backend(struct vblk_store *store);
/** Forget all content; costs what was written. */
VBLK_API void vblk_store_reset(struct vblk_store *store, uint64_t capacity);
/** How many more sectors can be allocated; UINT64_MAX: no limit. */
VBLK_API void vblk_store_set_pool(struct vblk_store *store, uint64_t sectors);
VBLK_API uint64_t vblk_store_pool(const struct vblk_store *store);
/** Operations that touch [sector, sector + count) fail with VBLK_E_IO; count 0: none does. */
VBLK_API void vblk_store_fail(struct vblk_store *store, uint64_t sector, uint64_t count);
VBLK_API enum vblk_extent vblk_store_extent(const struct vblk_store *store, uint64_t sector);
/** @return allocated sectors in total, shared ones included. */
VBLK_API uint64_t vblk_store_allocated(const struct vblk_store *store);
/** Mark [sector, sector + count) as shared with a clone, where allocated. */
VBLK_API void vblk_store_share(struct vblk_store *store, uint64_t sector, uint64_t count);
/**
 * Lose power: sectors written since they were last stable revert to their stable content, or keep the new one,
 * by the bits of @p seed; allocation follows the content. 0 reverts all.
 */
VBLK_API void vblk_store_power_cut(struct vblk_store *store, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_STORE_H */
