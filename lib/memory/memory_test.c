/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <vblk/memory.h>

#define TOP UINT64_MAX

/* Sanitizers' allocators fill what they give out, and end the process when asked for too much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
#define OK(call) assert_int_equal((call), VBLK_OK)

static struct vblk_memory *memory_of(size_t n, const uint64_t (*ranges)[2])
{
    struct vblk_memory *mem = vblk_memory_new();

    assert_non_null(mem);
    for (size_t i = 0; i < n; i++) {
        const struct vblk_region region = { .gpa = ranges[i][0], .size = ranges[i][1], .fd = -1 };

        OK(vblk_memory_add(mem, &region));
    }
    return mem;
}

static vblk_err add(struct vblk_memory *mem, uint64_t gpa, uint64_t size)
{
    const struct vblk_region region = { .gpa = gpa, .size = size, .fd = -1 };

    return vblk_memory_add(mem, &region);
}

static void empty_memory__covers_nothing_but_the_empty_range(void **state)
{
    struct vblk_memory *mem = vblk_memory_new();
    uint8_t byte = 7;

    (void)state;
    assert_true(vblk_memory_covers(mem, 0, 0));
    assert_false(vblk_memory_covers(mem, 0, 1));
    assert_null(vblk_memory_view(mem, 0, 1));
    assert_int_equal(vblk_memory_read(mem, VBLK_DRIVER, 0, &byte, 1), VBLK_E_RANGE);
    assert_int_equal(byte, 7);
    vblk_memory_reset(mem);
    vblk_memory_free(mem);
    vblk_memory_free(NULL);
}

static void regions__are_listed_in_ascending_order(void **state)
{
    static const uint64_t ranges[][2] = { { 0x3000, 0x1000 }, { 0x1000, 0x1000 }, { 0x8000, 1 } };
    struct vblk_memory *mem = memory_of(3, ranges);
    struct vblk_region region;

    (void)state;
    assert_int_equal(vblk_memory_region_count(mem), 3);
    OK(vblk_memory_region(mem, 0, &region));
    assert_int_equal(region.gpa, 0x1000);
    assert_non_null(region.host);
    OK(vblk_memory_region(mem, 1, &region));
    assert_int_equal(region.gpa, 0x3000);
    OK(vblk_memory_region(mem, 2, &region));
    assert_int_equal(region.size, 1);
    assert_int_equal(vblk_memory_region(mem, 3, &region), VBLK_E_INVAL);
    vblk_memory_free(mem);
}

static void overlapping_region__is_rejected(void **state)
{
    static const uint64_t ranges[][2] = { { 0x1000, 0x1000 }, { 0x3000, 0x1000 } };
    static const uint64_t bad[][2] = { { 0x1000, 0x1000 }, { 0x1fff, 1 }, { 0xfff, 2 }, { 0, 0x10000 },
                                       { 0x2000, 0x1001 }, { 0x3fff, 0x100 }, { 0x2000, TOP } };
    struct vblk_memory *mem = memory_of(2, ranges);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(add(mem, bad[i][0], bad[i][1]), VBLK_E_INVAL);
    OK(add(mem, 0x2000, 0x1000));
    assert_int_equal(vblk_memory_region_count(mem), 3);
    vblk_memory_free(mem);
}

static void impossible_region__is_rejected(void **state)
{
    struct vblk_memory *mem = vblk_memory_new();

    (void)state;
    assert_int_equal(add(mem, 0x1000, 0), VBLK_E_INVAL);
    assert_int_equal(add(mem, TOP, 2), VBLK_E_INVAL);
    assert_int_equal(add(mem, 1, TOP), VBLK_E_NOMEM);
    if (!SANITIZED)
        assert_int_equal(add(mem, 0, TOP / 2), VBLK_E_NOMEM);
    assert_int_equal(vblk_memory_region_count(mem), 0);
    vblk_memory_free(mem);
}

static void region_at_the_top__is_usable_to_its_last_byte(void **state)
{
    static const uint64_t ranges[][2] = { { TOP - 0xfff, 0x1000 }, { 0, 0x1000 } };
    struct vblk_memory *mem = memory_of(2, ranges);
    uint8_t bytes[2] = { 1, 2 };

    (void)state;
    OK(vblk_memory_write(mem, VBLK_DRIVER, TOP - 1, bytes, 2));
    assert_true(vblk_memory_covers(mem, TOP - 0xfff, 0x1000));
    /* Address 0 does not follow the last address, although both are there. */
    assert_false(vblk_memory_covers(mem, TOP - 0xfff, 0x1001));
    assert_false(vblk_memory_covers(mem, TOP, TOP));
    assert_int_equal(vblk_memory_write(mem, VBLK_DRIVER, TOP, bytes, 2), VBLK_E_RANGE);
    OK(vblk_memory_read(mem, VBLK_DRIVER, TOP, bytes, 1));
    assert_int_equal(bytes[0], 2);
    OK(vblk_memory_read(mem, VBLK_DRIVER, 0, bytes, 1));
    assert_int_equal(bytes[0], 0);
    vblk_memory_touch(mem, TOP - 1, 0x1000);
    vblk_memory_reset(mem);
    OK(vblk_memory_read(mem, VBLK_DRIVER, TOP, bytes, 1));
    assert_int_equal(bytes[0], 0);
    vblk_memory_free(mem);
}

static void adjacent_regions__are_covered_as_one(void **state)
{
    static const uint64_t ranges[][2] = { { 0x1000, 0x10 }, { 0x1010, 0x10 }, { 0x1020, 0x10 }, { 0x1031, 0x10 } };
    struct vblk_memory *mem = memory_of(4, ranges);

    (void)state;
    assert_true(vblk_memory_covers(mem, 0x1000, 0x30));
    assert_true(vblk_memory_covers(mem, 0x100f, 0x12));
    assert_false(vblk_memory_covers(mem, 0x1000, 0x31));
    assert_false(vblk_memory_covers(mem, 0x1000, 0x41));
    assert_false(vblk_memory_covers(mem, 0xfff, 2));
    assert_false(vblk_memory_covers(mem, 0x1030, 1));
    assert_null(vblk_memory_view(mem, 0x100f, 2));
    assert_non_null(vblk_memory_view(mem, 0x1010, 0x10));
    vblk_memory_free(mem);
}

static void owned_region_at_an_odd_address__is_aligned_as_its_addresses_are(void **state)
{
    static const uint64_t ranges[][2] = { { 0x1003, 0x10 } };
    struct vblk_memory *mem = memory_of(1, ranges);

    (void)state;
    assert_int_equal((uintptr_t)vblk_memory_view(mem, 0x1008, 8) % 8, 0);
    vblk_memory_free(mem);
}

static void table_of_regions__is_full_at_its_limit(void **state)
{
    struct vblk_memory *mem = vblk_memory_new();
    uint8_t byte = 1;

    (void)state;
    for (uint64_t i = VBLK_MEMORY_REGIONS_MAX; i-- > 0;)
        OK(add(mem, i * 2, 1));
    assert_int_equal(add(mem, 0x10000, 1), VBLK_E_FULL);
    for (uint64_t i = 0; i < VBLK_MEMORY_REGIONS_MAX; i++) {
        OK(vblk_memory_write(mem, VBLK_DEVICE, i * 2, &byte, 1));
        assert_false(vblk_memory_covers(mem, i * 2 + 1, 1));
    }
    OK(vblk_memory_remove(mem, 0));
    OK(add(mem, 0x10000, 1));
    vblk_memory_free(mem);
}

static unsigned released;
static int released_fd;

static void on_release(void *host, uint64_t size, int fd)
{
    memset(host, 0xee, (size_t)size);
    released_fd = fd;
    released++;
}

static void removed_region__is_released_and_gone(void **state)
{
    uint8_t bytes[16] = { 0 }, byte = 1;
    const struct vblk_region region = { .gpa = 0x100, .size = 16, .host = bytes, .fd = 42, .release = on_release };
    struct vblk_memory *mem = vblk_memory_new();

    (void)state;
    released = 0;
    OK(vblk_memory_add(mem, &region));
    OK(add(mem, 0x200, 16));
    OK(vblk_memory_write(mem, VBLK_DRIVER, 0x20f, &byte, 1));
    assert_int_equal(vblk_memory_remove(mem, 0x101), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_remove(mem, 0x300), VBLK_E_INVAL);
    OK(vblk_memory_remove(mem, 0x100));
    assert_int_equal(released, 1);
    assert_int_equal(released_fd, 42);
    assert_int_equal(bytes[15], 0xee);
    assert_int_equal(vblk_memory_read(mem, VBLK_DRIVER, 0x100, &byte, 1), VBLK_E_RANGE);
    OK(vblk_memory_read(mem, VBLK_DRIVER, 0x20f, &byte, 1));
    assert_int_equal(byte, 1);
    OK(vblk_memory_add(mem, &region));
    vblk_memory_free(mem);
    assert_int_equal(released, 2);
}

static void reset__clears_what_was_written_poked_or_touched(void **state)
{
    uint8_t *bytes = malloc(0x3001);
    struct vblk_memory *mem = vblk_memory_new();
    const struct vblk_region region = { .gpa = 0x100, .size = 0x3001, .host = bytes, .fd = -1 };
    const uint8_t byte = 1;

    (void)state;
    memset(bytes, 0xff, 0x3001);
    OK(vblk_memory_add(mem, &region));
    OK(vblk_memory_write(mem, VBLK_DEVICE, 0x100, &byte, 1));
    OK(vblk_memory_poke(mem, 0x100 + 0x3000, &byte, 1));
    vblk_memory_reset(mem);
    assert_int_equal(bytes[0xfff], 0);
    assert_int_equal(bytes[0x1000], 0xff); /* granules that nobody wrote through us stay as they are */
    assert_int_equal(bytes[0x2fff], 0xff);
    assert_int_equal(bytes[0x3000], 0);
    vblk_memory_touch(mem, 0, 0x101); /* reaches into the region by one byte */
    vblk_memory_touch(mem, 0x1100, 0);
    bytes[0] = 1;
    vblk_memory_reset(mem);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[0x1000], 0xff);
    vblk_memory_touch(mem, 0x1100, TOP); /* as far as there is memory */
    vblk_memory_reset(mem);
    assert_int_equal(bytes[0x1000], 0);
    assert_int_equal(bytes[0x2fff], 0);
    bytes[0] = 1;
    vblk_memory_reset(mem); /* nothing was touched since */
    assert_int_equal(bytes[0], 1);
    vblk_memory_free(mem);
    free(bytes);
}

static void reset_of_a_huge_region__never_goes_near_what_was_not_written(void **state)
{
    const size_t size = (size_t)1 << 30, page = (size_t)sysconf(_SC_PAGESIZE), at = size / 2;
    uint8_t *bytes = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const struct vblk_region region = { .gpa = 0, .size = size, .host = bytes, .fd = -1 };
    struct vblk_memory *mem = vblk_memory_new();
    const uint64_t ones = TOP;

    (void)state;
    assert_true(bytes != MAP_FAILED);
    assert_int_equal(mprotect(bytes + at, page, PROT_READ | PROT_WRITE), 0);
    OK(vblk_memory_add(mem, &region));
    OK(vblk_memory_write(mem, VBLK_DRIVER, at + 8, &ones, 8));
    vblk_memory_reset(mem); /* every other page would be a segmentation fault */
    assert_int_equal(bytes[at + 8], 0);
    vblk_memory_free(mem);
    munmap(bytes, size);
}

static size_t resident_pages(const void *host, size_t size, size_t page)
{
    unsigned char *map = malloc(size / page);
    uintptr_t from = ((uintptr_t)host + page - 1) / page * page;
    size_t n = 0;

    assert_int_equal(mincore((void *)from, size - page, map), 0);
    for (size_t i = 0; i < size / page - 1; i++)
        n += map[i] & 1u;
    free(map);
    return n;
}

static void owned_huge_region__costs_only_what_was_written(void **state)
{
    const size_t size = (size_t)1 << 30, page = (size_t)sysconf(_SC_PAGESIZE);
    struct vblk_memory *mem = vblk_memory_new();
    const uint8_t byte = 1;
    size_t pages;

    (void)state;
    OK(add(mem, 0, size));
    OK(vblk_memory_write(mem, VBLK_DRIVER, size / 3, &byte, 1));
    vblk_memory_reset(mem);
    pages = resident_pages(vblk_memory_view(mem, 0, size), size, page);
    assert_true(pages >= 1);
    if (!SANITIZED)
        assert_true(pages <= ((size_t)4 << 20) / page); /* a transparent huge page or two */
    vblk_memory_free(mem);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_memory__covers_nothing_but_the_empty_range),
        cmocka_unit_test(regions__are_listed_in_ascending_order),
        cmocka_unit_test(overlapping_region__is_rejected),
        cmocka_unit_test(impossible_region__is_rejected),
        cmocka_unit_test(region_at_the_top__is_usable_to_its_last_byte),
        cmocka_unit_test(adjacent_regions__are_covered_as_one),
        cmocka_unit_test(owned_region_at_an_odd_address__is_aligned_as_its_addresses_are),
        cmocka_unit_test(table_of_regions__is_full_at_its_limit),
        cmocka_unit_test(removed_region__is_released_and_gone),
        cmocka_unit_test(reset__clears_what_was_written_poked_or_touched),
        cmocka_unit_test(reset_of_a_huge_region__never_goes_near_what_was_not_written),
        cmocka_unit_test(owned_huge_region__costs_only_what_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
