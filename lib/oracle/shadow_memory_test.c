/* SPDX-License-Identifier: BSD-3-Clause */
/* The shadow against the truth when memory runs out: misses, never a false alarm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shadow_impl.h"

#define SECTORS 256u
#define BASE    64017u /* not at the start of a chunk */

static struct shadow sh;
static uint8_t buf[64 * VBLK_SECTOR];

/* ---- allocations that fail when told to ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long allocations_left = -1; /* -1: no end of them */
static unsigned fail_one_in;       /* 0: never */
static uint32_t seed;

static uint32_t any(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (seed >> 3) % below;
}

static bool may_allocate(void)
{
    if (fail_one_in > 0)
        return any(fail_one_in) != 0;
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left != 0;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return may_allocate() ? __real_realloc(old, size) : NULL;
}

/* ---- a disk, some of it written, lost and read back ---- */

static uint8_t truth[SECTORS], sent_truth[SECTORS], stable_truth[SECTORS];

static void true_write(unsigned first, unsigned count, uint8_t value, bool sure)
{
    memset(buf, value, sizeof buf);
    shadow_change(&sh, sure ? MAKE_DATA : MAY_BE_DATA, BY_WRITE, BASE + first, count, buf);
    if (sure || any(2) == 0)
        memset(truth + first, value, count);
}

static void true_wide_zero(unsigned first)
{
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, BASE + first, 1024 + any(999), NULL);
    memset(truth + first, 0, SECTORS - first);
}

static void true_reads(void)
{
    for (unsigned at = 0; at < SECTORS; at++) {
        struct shadow_read r = { 0 };
        memset(buf, truth[at], VBLK_SECTOR);
        shadow_compare(&sh, BASE + at, 1, buf, any(2) == 0, &r);
        assert_false(r.bad);
    }
}

/* A flush is sent and, another time, answered; a cut brings some sectors back to what was flushed. */
static void true_flush_or_cut(uint64_t *sent)
{
    if (any(4) == 0) {
        *sent = shadow_now(&sh);
        memcpy(sent_truth, truth, sizeof truth);
    }
    if (any(8) == 0) {
        shadow_flushed(&sh, *sent);
        memcpy(stable_truth, sent_truth, sizeof truth);
    }
    if (any(12) != 0)
        return;
    shadow_power_cut(&sh);
    for (unsigned at = 0; at < SECTORS; at++)
        truth[at] = any(2) == 0 ? truth[at] : stable_truth[at];
    *sent = shadow_now(&sh);
    memcpy(stable_truth, truth, sizeof truth);
    memcpy(sent_truth, truth, sizeof truth);
}

static void true_story(int steps)
{
    uint64_t sent = 0;
    memset(truth, 0, sizeof truth);
    memset(sent_truth, 0, sizeof truth);
    memset(stable_truth, 0, sizeof truth);
    if (!shadow_open(&sh, true))
        return;
    shadow_track(&sh, true);
    for (int i = 0; i < steps; i++) {
        unsigned first = any(SECTORS - 64);
        if (any(6) == 0)
            true_wide_zero(first);
        else
            true_write(first, 1 + any(64), (uint8_t)any(5), any(3) != 0);
        shadow_change(&sh, KEEP, BY_PROVISION, any(100) * 4096, 1024, NULL);
        true_flush_or_cut(&sent);
        if (any(8) == 0)
            true_reads();
    }
    true_reads();
    shadow_close(&sh);
}

static void memory_ends__nothing_is_blamed(void **state)
{
    (void)state;
    for (long end = 0; end < 400; end++) {
        seed = (uint32_t)end + 1;
        allocations_left = end;
        true_story(12);
    }
    allocations_left = -1;
}

static void memory_comes_and_goes__nothing_is_blamed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        seed = i + 1;
        fail_one_in = i % 6 == 0 ? 0 : 2 + i % 6;
        true_story(60);
    }
    fail_one_in = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_ends__nothing_is_blamed),
        cmocka_unit_test(memory_comes_and_goes__nothing_is_blamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
