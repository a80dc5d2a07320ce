/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short ways of vblk_memory_read(), _write(), _peek() and _covers(), for rings and their judge: inline, for sizes known when compiling.
 * Whatever isn't simple goes to the functions, so the effects are the same.
 */
#ifndef VBLK_MEMORY_FAST_H
#define VBLK_MEMORY_FAST_H

#include <string.h>

#include "region.h"

static inline vblk_err fast_read(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, void *buf, size_t len)
{
    const struct region *region = region_guess(mem, party);
    const bool watched = mem->watched != UNWATCHED;

    if (unlikely(!region_serves(region, gpa, len) || (watched && mem->watched == STEERED)))
        return vblk_memory_read(mem, party, gpa, buf, len);
    memcpy(buf, region->host + (gpa - region->gpa), len);
    /* From here on the copy is what was read: the compiler may not look at the shared bytes again. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (unlikely(watched))
        vblk_memory_told(mem, VBLK_EV_LOAD, party, VBLK_RELAXED, gpa, buf, len);
    return VBLK_OK;
}

static inline vblk_err fast_write(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, const void *buf,
                                  size_t len)
{
    const struct region *region = region_guess(mem, party);
    uint8_t *host;

    if (unlikely(!region_serves(region, gpa, len) || !region_marked(region, gpa - region->gpa, len)))
        return vblk_memory_write(mem, party, gpa, buf, len);
    host = region->host + (gpa - region->gpa);
    if (unlikely(mem->watched != UNWATCHED)) {
        if (mem->watched == STEERED)
            return vblk_memory_write(mem, party, gpa, buf, len);
        memcpy(host, buf, len);
        vblk_memory_told(mem, VBLK_EV_STORE, party, VBLK_RELAXED, gpa, buf, len);
        return VBLK_OK;
    }
    memcpy(host, buf, len);
    return VBLK_OK;
}

static inline vblk_err fast_peek(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len)
{
    const struct region *region = region_guess(mem, VBLK_NOBODY);

    if (unlikely(!region_serves(region, gpa, len)))
        return vblk_memory_peek(mem, gpa, buf, len);
    memcpy(buf, region->host + (gpa - region->gpa), len);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return VBLK_OK;
}

static inline bool fast_covers(const struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    return likely(region_serves(region_guess(mem, GUESS_COVERS), gpa, len)) || vblk_memory_covers(mem, gpa, len);
}

#endif /* VBLK_MEMORY_FAST_H */
