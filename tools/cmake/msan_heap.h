/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Included before every file of a memory sanitizer build. The sanitizer is told not to poison what malloc()
 * returns, because libraries that are not instrumented allocate too; here our own allocations are poisoned again,
 * and made clean when they are freed, since a library may be given the same bytes next.
 */
#ifndef VBLK_MSAN_HEAP_H
#define VBLK_MSAN_HEAP_H

#include <malloc.h>
#include <sanitizer/msan_interface.h>
#include <stdlib.h>

static inline void *vblk_msan_malloc(size_t size)
{
    void *p = malloc(size);

    if (p)
        __msan_allocated_memory(p, size);
    return p;
}

static inline void vblk_msan_free(void *p)
{
    if (p)
        __msan_unpoison(p, malloc_usable_size(p));
    free(p);
}

#define malloc vblk_msan_malloc
#define free vblk_msan_free

#endif /* VBLK_MSAN_HEAP_H */
