/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests that link with --wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free: each allocation of a story fails
 * once, and once with all that come after it.
 */
#ifndef VBLK_MEMORY_SCARCE_H
#define VBLK_MEMORY_SCARCE_H

#include <stdbool.h>
#include <stdlib.h>

#include <vblk/memory.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static long fails_at, asked; /* the first one is 1; 0: none fails */
static bool for_good, failed;
static long living;

static bool refused(void)
{
    const bool now = fails_at != 0 && (++asked == fails_at || (for_good && asked > fails_at));

    failed = failed || now;
    return now;
}

static void *counted(void *made)
{
    living += made != NULL;
    return made;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (refused())
        return NULL;
    return old != NULL ? __real_realloc(old, size) : counted(__real_realloc(NULL, size));
}

void __wrap_free(void *old)
{
    living -= old != NULL;
    __real_free(old);
}

/* @story tells whether all went well: it must not where one of its allocations failed, and must where none did. */
static void until_it_goes_through(bool (*story)(unsigned flavour), unsigned flavour, bool ever_after)
{
    bool fine = false;

    for_good = ever_after;
    for (long n = 1; !fine; n++) {
        const long before = living;

        fails_at = n;
        asked = 0;
        failed = false;
        fine = story(flavour);
        fails_at = 0;
        assert_int_equal(living, before);
        assert_int_equal(fine, !failed);
        assert_true(n < 1000);
        assert_true(n > 1 || !fine); /* it does allocate */
    }
}

static inline void every_way(bool (*story)(unsigned flavour), unsigned flavours)
{
    for (unsigned i = 0; i < flavours; i++) {
        until_it_goes_through(story, i, false);
        until_it_goes_through(story, i, true);
    }
}

/* VBLK_OK or out of memory. */
static bool fine(vblk_err err)
{
    assert_true(err == VBLK_OK || err == VBLK_E_NOMEM);
    return err == VBLK_OK;
}

#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x100000)

static struct vblk_memory *new_memory(void)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    struct vblk_memory *mem = vblk_memory_new();

    if (mem != NULL && !fine(vblk_memory_add(mem, &region))) {
        vblk_memory_free(mem);
        return NULL;
    }
    return mem;
}

#endif
