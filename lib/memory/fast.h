/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short ways of vblk_memory_read(), _write() and _covers(), for rings: inline, for sizes known when compiling.
 * Whatever isn't simple goes to the functions, so the effects are the same.
 */
#ifndef VBLK_MEMORY_FAST_H
#define VBLK_MEMORY_FAST_H

#include <string.h>

#include "region.h"

static inline vblk_err fast_read(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, void *buf, size_t len)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(mem->watched || !region_holds(region, gpa, len)))
        return vblk_memory_read(mem, party, gpa, buf, len);
    memcpy(buf, region->host + (gpa - region->gpa), len);
    /* From here on the copy is what was read: the compiler may not look at the shared bytes again. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return VBLK_OK;
}

static inline vblk_err fast_write(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, const void *buf,
                                  size_t len)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(mem->watched || !region_holds(region, gpa, len) || !region_marked(region, gpa - region->gpa, len)))
        return vblk_memory_write(mem, party, gpa, buf, len);
    memcpy(region->host + (gpa - region->gpa), buf, len);
    return VBLK_OK;
}

static inline bool fast_covers(const struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    return likely(region_holds(region_guess(mem, GUESS_COVERS), gpa, len)) || vblk_memory_covers(mem, gpa, len);
}

#endif /* VBLK_MEMORY_FAST_H */
