/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/memory.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define TOP UINT64_MAX

static void add(struct vblk_memory *mem, uint64_t gpa, uint64_t size)
{
    const struct vblk_region region = { .gpa = gpa, .size = size, .fd = -1 };

    OK(vblk_memory_add(mem, &region));
}

/* [0x1000, 0x5000) and [0x5000, 0x6000) are adjacent; [0x8000, 0x8010) and the last page stand alone. */
static int set_up(void **state)
{
    struct vblk_memory *mem = vblk_memory_new();

    add(mem, 0x1000, 0x4000);
    add(mem, 0x5000, 0x1000);
    add(mem, 0x8000, 0x10);
    add(mem, TOP - 0xfff, 0x1000);
    *state = mem;
    return 0;
}

static int tear_down(void **state)
{
    vblk_memory_free(*state);
    return 0;
}

static void put(struct vblk_memory *mem, uint64_t gpa, uint8_t byte, size_t len)
{
    OK(vblk_memory_fill(mem, VBLK_DEVICE, gpa, byte, len));
}

static void next(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t *from, uint64_t gpa,
                 uint64_t len)
{
    uint64_t n = 0;

    assert_true(vblk_memory_diff(snap, mem, from, &n));
    assert_int_equal(*from, gpa);
    assert_int_equal(n, len);
    *from += n;
}

static void none(const struct vblk_memory_snapshot *snap, const struct vblk_memory *mem, uint64_t from)
{
    uint64_t n;

    assert_false(vblk_memory_diff(snap, mem, &from, &n));
}

static void unchanged_memory__has_no_difference(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);

    none(snap, *state, 0);
    none(snap, *state, 0x9000);
    none(snap, *state, TOP);
    vblk_memory_snapshot_free(snap);
    vblk_memory_snapshot_free(NULL);
}

static void differences__are_found_as_maximal_runs(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    uint64_t at = 0;

    put(*state, 0x1000, 1, 1);
    put(*state, 0x1ffe, 1, 4);    /* across blocks */
    put(*state, 0x2100, 1, 3);
    put(*state, 0x2104, 1, 1);
    put(*state, 0x4fff, 1, 2);    /* across regions: one run */
    put(*state, 0x5fff, 1, 1);    /* to the end of a region */
    put(*state, 0x8000, 1, 0x10);
    next(snap, *state, &at, 0x1000, 1);
    next(snap, *state, &at, 0x1ffe, 4);
    next(snap, *state, &at, 0x2100, 3);
    next(snap, *state, &at, 0x2104, 1);
    next(snap, *state, &at, 0x4fff, 2);
    next(snap, *state, &at, 0x5fff, 1);
    next(snap, *state, &at, 0x8000, 0x10);
    none(snap, *state, at);
    at = 0x2102; /* from the middle of a run */
    next(snap, *state, &at, 0x2102, 1);
    vblk_memory_snapshot_free(snap);
}

static void difference_at_the_last_address__ends_there(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    uint64_t at = 0x9000;

    put(*state, TOP - 1, 1, 2);
    next(snap, *state, &at, TOP - 1, 2);
    assert_int_equal(at, 0);
    vblk_memory_snapshot_free(snap);
}

static void update__makes_a_range_equal_again(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    uint64_t at = 0;
    uint8_t bytes[4];

    put(*state, 0x4ffe, 7, 4);
    OK(vblk_memory_snapshot_update(snap, *state, 0x4fff, 2));
    OK(vblk_memory_snapshot_peek(snap, 0x4ffe, bytes, 4));
    assert_memory_equal(bytes, "\x00\x07\x07\x00", 4);
    next(snap, *state, &at, 0x4ffe, 1);
    next(snap, *state, &at, 0x5001, 1);
    none(snap, *state, at);
    OK(vblk_memory_snapshot_update(snap, *state, 0x7000, 0));
    OK(vblk_memory_snapshot_peek(snap, 0x7000, NULL, 0));
    assert_int_equal(vblk_memory_snapshot_update(snap, *state, 0x5ffe, 4), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_snapshot_update(snap, *state, TOP, 2), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_snapshot_peek(snap, 0x5ffe, bytes, 4), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_snapshot_peek(snap, TOP, bytes, 4), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_snapshot_peek(snap, 0x9000, bytes, 4), VBLK_E_RANGE);
    vblk_memory_snapshot_free(snap);
}

static void regions_that_came_or_went__are_not_looked_at(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    uint8_t byte;
    uint64_t at = 0;

    OK(vblk_memory_remove(*state, 0x1000));
    add(*state, 0x2000, 0x800); /* other bytes, in a place that was there before */
    add(*state, 0x7000, 0x1000);
    put(*state, 0x27ff, 1, 1);
    put(*state, 0x7fff, 1, 1);
    put(*state, 0x8001, 1, 1);
    next(snap, *state, &at, 0x27ff, 1);
    next(snap, *state, &at, 0x8001, 1);
    none(snap, *state, at);
    OK(vblk_memory_snapshot_peek(snap, 0x1000, &byte, 1));
    assert_int_equal(vblk_memory_snapshot_update(snap, *state, 0x1000, 1), VBLK_E_RANGE);
    vblk_memory_snapshot_free(snap);
}

static void empty_memory__has_an_empty_snapshot(void **state)
{
    struct vblk_memory *mem = vblk_memory_new();
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(mem);

    (void)state;
    assert_non_null(snap);
    add(mem, 0, 16);
    put(mem, 0, 1, 1);
    none(snap, mem, 0);
    vblk_memory_snapshot_free(snap);
    vblk_memory_free(mem);
}

/* ---- an onlooker ---- */

struct diary {
    struct vblk_glance glance[8];
    size_t count;
    bool yes; /* what answer() says */
};

static void saw(void *ctx, const struct vblk_glance *glance)
{
    struct diary *diary = ctx;

    assert_true(diary->count < 8);
    diary->glance[diary->count++] = *glance;
}

static void answer(void *ctx, struct vblk_glance *glance)
{
    struct diary *diary = ctx;
    const uint64_t run[2] = { 0x77, 3 };

    saw(ctx, glance);
    glance->yes = diary->yes;
    if (diary->yes && glance->kind == VBLK_GLANCE_PEEK)
        memset(glance->bytes, 0xa5, (size_t)glance->len);
    if (diary->yes && glance->kind == VBLK_GLANCE_DIFF)
        memcpy(glance->bytes, run, sizeof(run));
}

static void each_look__is_told_with_its_answer(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    struct diary diary = { .count = 0 };
    const struct vblk_onlooker onlooker = { .saw = saw, .ctx = &diary };
    uint8_t bytes[4] = { 0 };
    uint64_t at = 0, len = 0;

    put(*state, 0x1004, 7, 1);
    vblk_memory_set_onlooker(*state, &onlooker);
    OK(vblk_memory_peek(*state, 0x1004, bytes, 4));
    assert_int_equal(vblk_memory_peek(*state, 0x1ffe00000u, bytes, 4), VBLK_E_RANGE);
    assert_true(vblk_memory_covers(*state, 0x1000, 16));
    assert_null(vblk_memory_view(*state, 0x1000, 16));
    assert_true(vblk_memory_diff(snap, *state, &at, &len));
    OK(vblk_memory_snapshot_update(snap, *state, 0x1004, 1));
    vblk_memory_set_onlooker(*state, NULL);
    OK(vblk_memory_peek(*state, 0x1004, bytes, 4));
    assert_non_null(vblk_memory_view(*state, 0x1000, 16));
    assert_int_equal(diary.count, 4);
    assert_int_equal(diary.glance[0].kind, VBLK_GLANCE_PEEK);
    assert_int_equal(diary.glance[0].at, 0x1004);
    assert_int_equal(diary.glance[0].len, 4);
    assert_true(diary.glance[0].yes);
    assert_false(diary.glance[1].yes);
    assert_int_equal(diary.glance[2].kind, VBLK_GLANCE_COVERS);
    assert_true(diary.glance[2].yes);
    assert_int_equal(diary.glance[3].kind, VBLK_GLANCE_DIFF);
    assert_int_equal(at, 0x1004);
    vblk_memory_snapshot_free(snap);
}

static void answers_of_an_onlooker__take_the_place_of_memory(void **state)
{
    struct vblk_memory_snapshot *snap = vblk_memory_snapshot(*state);
    struct diary diary = { .yes = true };
    const struct vblk_onlooker onlooker = { .answer = answer, .ctx = &diary };
    uint8_t bytes[2] = { 0 };
    uint64_t at = 0, len = 0;

    vblk_memory_set_onlooker(*state, &onlooker);
    OK(vblk_memory_peek(*state, UINT64_MAX, bytes, 2));
    assert_int_equal(bytes[1], 0xa5);
    assert_true(vblk_memory_covers(*state, UINT64_MAX, 2));
    assert_true(vblk_memory_diff(snap, *state, &at, &len));
    assert_int_equal(at, 0x77);
    assert_int_equal(len, 3);
    diary.yes = false;
    assert_int_equal(vblk_memory_peek(*state, 0x1000, bytes, 2), VBLK_E_RANGE);
    assert_false(vblk_memory_covers(*state, 0x1000, 2));
    assert_false(vblk_memory_diff(snap, *state, &at, &len));
    vblk_memory_set_onlooker(*state, NULL);
    vblk_memory_snapshot_free(snap);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(unchanged_memory__has_no_difference),
        TEST(differences__are_found_as_maximal_runs),
        TEST(difference_at_the_last_address__ends_there),
        TEST(update__makes_a_range_equal_again),
        TEST(regions_that_came_or_went__are_not_looked_at),
        TEST(each_look__is_told_with_its_answer),
        TEST(answers_of_an_onlooker__take_the_place_of_memory),
        cmocka_unit_test(empty_memory__has_an_empty_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
