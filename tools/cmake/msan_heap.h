/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Included before every file of a memory sanitizer build. The sanitizer is told not to poison what malloc()
 * returns, because libraries that are not instrumented allocate too; here our own allocations are poisoned again,
 * and made clean when they are freed, since a library may be given the same bytes next.
 * No system header is included: the file that follows has not chosen its feature macros yet.
 */
#ifndef VBLK_MSAN_HEAP_H
#define VBLK_MSAN_HEAP_H

#include <stddef.h>

void *malloc(size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
size_t malloc_usable_size(void *p);
void __msan_poison(const volatile void *p, size_t size);
void __msan_unpoison(const volatile void *p, size_t size);

static inline void *vblk_msan_malloc(size_t size)
{
    void *p = malloc(size);

    if (p)
        __msan_poison(p, size);
    return p;
}

static inline void vblk_msan_free(void *p)
{
    if (p)
        __msan_unpoison(p, malloc_usable_size(p));
    free(p);
}

/* The old block may go to a library next: what it holds counts as written from now on. */
static inline void *vblk_msan_realloc(void *p, size_t size)
{
    if (p)
        __msan_unpoison(p, malloc_usable_size(p));
    return realloc(p, size);
}

#define malloc vblk_msan_malloc
#define realloc vblk_msan_realloc
#define free vblk_msan_free

#endif /* VBLK_MSAN_HEAP_H */
