/* SPDX-License-Identifier: BSD-3-Clause */
/* The judge when memory runs out: it is not made, or it sees less; it never blames anybody for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define LAWFUL (F(VERSION_1) | F(FLUSH) | F(INDIRECT_DESC) | F(DISCARD))

/* ---- allocations that fail when told to ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long before_failure = -1; /* how many are still granted; -1: all */
static bool from_then_on;        /* or only the one */
static bool failed;

static bool may_allocate(void)
{
    if (before_failure != 0) {
        before_failure -= before_failure > 0;
        return true;
    }
    failed = true;
    if (!from_then_on)
        before_failure = -1;
    return false;
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

/* ---- lawful work ---- */

static void limits(struct world *w)
{
    const vblk_le32 of_discard[3] = { vblk_put32(64), vblk_put32(64), vblk_put32(1) };

    world_config(w, 36, of_discard, sizeof(of_discard));
}

static void split_work(struct world *w)
{
    static uint8_t data[512] = { 7 };
    struct vblk_segment segments[40];

    for (uint32_t i = 0; i < 40; i++)
        segments[i] = (struct vblk_segment){ vblk_put64(8 + 64 * (uint64_t)i % 1024), vblk_put32(8), vblk_put32(0) };
    limits(w);
    for (unsigned round = 0; round < 3; round++) {
        world_request(w, 0, VBLK_T_OUT, 7 + 300 * round, data, sizeof(data), 0);
        world_available(w, 0);
        world_answer(w, 0, NULL, 0, VBLK_S_OK);
        world_request(w, 0, VBLK_T_IN, 7 + 300 * round, NULL, 0, sizeof(data));
        world_available(w, 0);
        world_request(w, 1, VBLK_T_DISCARD, 0, segments, sizeof(segments), 0);
        world_available(w, 3);
        world_answer(w, 0, data, sizeof(data), VBLK_S_OK);
        world_answer(w, 1, NULL, 0, VBLK_S_OK);
    }
    world_event(w, VBLK_EV_POWER_CUT, 1);
}

static void packed_desc(struct world *w, uint16_t slot, uint64_t gpa, uint32_t len, uint16_t flags)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(0), vblk_put16(flags) };

    world_store(w, VBLK_DRIVER, WORLD_DESC + 16u * slot, &d, sizeof(d));
}

static void packed_work(struct world *w)
{
    const struct vblk_request_header head = { vblk_put32(VBLK_T_FLUSH), vblk_put32(0), vblk_put64(0) };

    world_store(w, VBLK_DRIVER, WORLD_BUFFERS, &head, sizeof(head));
    for (uint16_t slot = 0; slot < WORLD_SIZE; slot = (uint16_t)(slot + 2)) {
        packed_desc(w, (uint16_t)(slot + 1), WORLD_BUFFERS + 0x3000, 1, VBLK_DESC_AVAIL | VBLK_DESC_WRITE);
        vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
        packed_desc(w, slot, WORLD_BUFFERS, sizeof(head), VBLK_DESC_AVAIL | VBLK_DESC_NEXT);
        vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
        world_event(w, VBLK_EV_KICK, 0);
        world_store(w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, "\0", 1);
        world_store(w, VBLK_DEVICE, WORLD_DESC + 16u * slot + 8, "\1\0\0\0\0", 6);
        world_store(w, VBLK_DEVICE, WORLD_DESC + 16u * slot + 14, "\x82\x80", 2);
        world_event(w, VBLK_EV_USED_NOTIFY, 0);
    }
}

/* @return whether an allocation failed; @used: buffers that the judge saw used. */
static bool play(long granted, bool all, uint64_t features, void (*work)(struct world *), uint32_t *used)
{
    const struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = VBLK_SEES_ALL,
                                                 .disk_zero = true, .judge_driver = true, .power_cuts = true };
    struct world w;

    *used = 0;
    failed = false;
    world_open(&w, VBLK_SEES_ALL, true);
    vblk_oracle_free(w.o);
    from_then_on = all;
    before_failure = granted;
    w.o = vblk_oracle_new(&options, w.mem);
    assert_true(w.o != NULL || failed);
    if (w.o != NULL) {
        world_event(&w, VBLK_EV_CASE_BEGIN, 0);
        world_start(&w, LAWFUL | features, LAWFUL | features);
        work(&w);
        world_event(&w, VBLK_EV_QUIET, 5000);
        world_event(&w, VBLK_EV_CASE_END, 0);
        before_failure = -1;
        if (vblk_oracle_violation_count(w.o) > 0)
            fail_msg("%ld allocations, and %s", granted, vblk_oracle_violation(w.o, 0)->message);
        *used = world_tally(&w, "VQ-02").held;
    }
    before_failure = -1;
    vblk_oracle_free(w.o);
    vblk_memory_free(w.mem);
    return failed;
}

static void each_allocation_may_fail(void **state)
{
    static const struct {
        uint64_t features;
        void (*work)(struct world *);
        uint32_t used;
    } runs[] = { { 0, split_work, 9 }, { F(RING_PACKED), packed_work, 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        for (unsigned all = 0; all < 2; all++) {
            uint32_t used = 0, without = 0;
            long n = 0;

            while (play(n, all != 0, runs[i].features, runs[i].work, &used)) {
                without += used < runs[i].used;
                assert_true(++n < 1000);
            }
            assert_int_equal(used, runs[i].used); /* all that was asked for was granted */
            assert_true(without > 12 && (long)without < n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
