/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "shadow_impl.h"

static struct shadow sh;
static uint8_t block[64 * VBLK_SECTOR];

static int open_tracked(void **state)
{
    (void)state;
    if (!shadow_open(&sh, true))
        return -1;
    shadow_track(&sh, true);
    return 0;
}

static int open_untracked(void **state)
{
    (void)state;
    return shadow_open(&sh, true) ? 0 : -1;
}

static int close_it(void **state)
{
    (void)state;
    shadow_close(&sh);
    return 0;
}

static void put(uint64_t sector, uint8_t value)
{
    memset(block, value, sizeof block);
    shadow_change(&sh, MAKE_DATA, BY_WRITE, sector, 1, block);
}

static void try_put(uint64_t sector, uint8_t value)
{
    memset(block, value, sizeof block);
    shadow_change(&sh, MAY_BE_DATA, BY_WRITE, sector, 1, block);
}

static struct shadow_read compare(uint64_t sector, uint8_t value, bool learn)
{
    struct shadow_read r = { 0 };
    memset(block, value, sizeof block);
    shadow_compare(&sh, sector, 1, block, learn, &r);
    return r;
}

/* Which of the fills 0 to 7 may be read: bit per fill. */
static unsigned may_be(uint64_t sector)
{
    unsigned mask = 0;
    for (uint8_t v = 0; v < 8; v++)
        mask |= (unsigned)!compare(sector, v, false).bad << v;
    return mask;
}
#define ANY 0xffu
#define V(n) (1u << (n))

static void flush(void)
{
    shadow_flushed(&sh, shadow_now(&sh));
}

static void cut__volatile_sector_is_old_or_new_and_stable_one_as_it_was(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    flush();
    put(2, 2);
    put(3, 3);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(1));
    assert_int_equal(may_be(2), V(1) | V(2));
    assert_int_equal(may_be(3), V(0) | V(3));
    assert_int_equal(may_be(4), V(0));
    assert_int_equal(compare(1, 1, true).causes, 1u << BY_WRITE);
    assert_int_equal(compare(2, 1, true).causes, 1u << BY_POWER_CUT);
    assert_int_equal(may_be(2), V(1));
}

static void cut__stable_sector_that_reads_wrong_has_it_nearby(void **state)
{
    (void)state;
    put(1, 1);
    flush();
    shadow_power_cut(&sh);
    struct shadow_read r = compare(1, 2, false);
    assert_true(r.bad && !r.bad_adjacent);
    assert_int_equal(r.bad_cause, BY_WRITE);
    assert_int_equal(r.bad_nearby, BY_POWER_CUT);
}

static void several_volatile_writes__each_may_come_back(void **state)
{
    (void)state;
    for (uint8_t v = 1; v <= 3; v++)
        put(9, v);
    assert_int_equal(may_be(9), V(3));
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), V(0) | V(1) | V(2) | V(3));
}

static void flush__covers_what_was_before_it_was_sent(void **state)
{
    (void)state;
    put(9, 1);
    put(9, 2);
    uint64_t sent = shadow_now(&sh);
    put(9, 3);
    shadow_flushed(&sh, sent);
    assert_int_equal(may_be(9), V(3));
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), V(2) | V(3));
}

static void flush__with_a_failed_write_before_it(void **state)
{
    (void)state;
    put(9, 1);
    try_put(9, 2);
    uint64_t sent = shadow_now(&sh);
    put(9, 3);
    shadow_flushed(&sh, sent);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), V(1) | V(2) | V(3));
}

static void failed_write_seen_to_have_happened__may_still_be_lost(void **state)
{
    (void)state;
    try_put(9, 2);
    assert_false(compare(9, 2, true).bad);
    assert_int_equal(may_be(9), V(2));
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), V(0) | V(2));
}

static void too_many_volatile_writes__anything_until_flushed(void **state)
{
    (void)state;
    for (uint8_t v = 1; v <= 6; v++)
        put(9, v);
    put(10, 1);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), ANY);
    for (uint8_t v = 1; v <= 6; v++)
        put(9, v);
    flush();
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), V(6));
}

static void too_many_with_a_discard_among_them__free(void **state)
{
    (void)state;
    shadow_change(&sh, MAKE_FREE, BY_DISCARD, 9, 1, NULL);
    for (uint8_t v = 1; v <= 6; v++)
        put(9, v);
    shadow_power_cut(&sh);
    assert_false(compare(9, 1, true).compared);
    assert_int_equal(may_be(9), ANY);
}

static void open_past_beyond_what_is_kept__anything(void **state)
{
    (void)state;
    for (uint8_t v = 1; v <= 3; v++)
        try_put(9, v);
    assert_int_equal(may_be(9), V(0) | V(1) | V(2) | V(3));
    put(9, 4);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(9), ANY);
}

static void write_through__stable_at_once_and_supersedes(void **state)
{
    (void)state;
    put(1, 1);
    put(2, 1);
    shadow_mode(&sh, true);
    put(1, 2);
    put(3, 3);
    try_put(3, 4);
    try_put(2, 5); /* failed: what was volatile before still is */
    assert_false(compare(2, 5, true).bad);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(2));
    assert_int_equal(may_be(2), V(0) | V(1) | V(5));
    assert_int_equal(may_be(3), V(3) | V(4));
}

static void unknown_and_free_pasts(void **state)
{
    (void)state;
    shadow_forget(&sh, false);
    put(1, 1);
    shadow_change(&sh, MAKE_FREE, BY_DISCARD, 2, 1, NULL);
    flush();
    put(2, 2);
    put(3, 3);
    shadow_change(&sh, MAKE_FREE, BY_DISCARD, 3, 1, NULL);
    put(4, 4);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(1));
    assert_int_equal(may_be(2), ANY);
    assert_false(compare(2, 1, true).bad || compare(2, 2, true).bad);
    assert_false(compare(3, 1, true).bad || compare(3, 2, true).bad);
    assert_false(compare(4, 1, true).bad);
    assert_int_equal(may_be(4), V(1));
}

static void wide_changes__fall_back_as_ranges(void **state)
{
    (void)state;
    shadow_forget(&sh, false);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 0, 4096, NULL);
    flush();
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 2048, 4096, NULL);
    shadow_change(&sh, MAY_BE_ZERO, BY_ZEROES, 8192, 4096, NULL);
    put(5000, 1); /* in a chunk that is made while its span is volatile */
    shadow_change(&sh, MAKE_FREE, BY_DISCARD, 20000, 4096, NULL);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 20000, 4096, NULL);
    assert_int_equal(may_be(5001), V(0));
    shadow_power_cut(&sh);
    assert_int_equal(may_be(100), V(0));
    assert_int_equal(may_be(3000), V(0));
    assert_int_equal(may_be(5000), ANY);
    assert_int_equal(may_be(5001), ANY);
    assert_int_equal(may_be(5500), ANY);
    assert_false(compare(5500, 3, true).bad);
    assert_int_equal(may_be(5500), V(3));
    assert_false(compare(20001, 1, true).bad || compare(20001, 2, true).bad);
}

static void wide_changes__flushed_or_written_through(void **state)
{
    (void)state;
    shadow_forget(&sh, false);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 0, 4096, NULL);
    assert_int_equal(may_be(64), V(0));
    flush();
    shadow_mode(&sh, true);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 8192, 4096, NULL);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(64), V(0));
    assert_int_equal(may_be(1000), V(0));
    assert_int_equal(may_be(9000), V(0));
    assert_int_equal(sh.impl->span[0].past, 0);
}

static void doubt__what_is_volatile_may_be_anything(void **state)
{
    (void)state;
    put(1, 1);
    flush();
    put(2, 2);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 8192, 4096, NULL);
    shadow_doubt_all(&sh);
    assert_int_equal(may_be(1), V(1));
    assert_int_equal(may_be(2), ANY);
    assert_int_equal(may_be(8200), ANY);
    assert_int_equal(may_be(3), V(0));
    assert_false(compare(2, 5, true).bad);
    assert_int_equal(may_be(2), V(5));
}

static void not_tracked__a_cut_leaves_nothing_known(void **state)
{
    (void)state;
    put(1, 1);
    shadow_change(&sh, MAKE_FREE, BY_DISCARD, 2, 1, NULL);
    flush();
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), ANY);
    assert_int_equal(may_be(70000), ANY);
    assert_false(compare(2, 5, true).bad);
    assert_int_equal(may_be(2), ANY);
    assert_false(compare(70000, 5, true).bad);
    assert_int_equal(may_be(70000), V(5));
}

static void tracking_begins_and_ends__what_is_there_is_stable(void **state)
{
    (void)state;
    put(1, 1);
    shadow_track(&sh, true);
    put(2, 2);
    shadow_track(&sh, true);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(1));
    assert_int_equal(may_be(2), V(0) | V(2));
    put(3, 3);
    shadow_track(&sh, false);
    assert_int_equal(sh.impl->dirty == NULL, 1);
}

static void forgotten__nothing_volatile_is_left(void **state)
{
    (void)state;
    put(1, 1);
    shadow_change(&sh, MAKE_ZERO, BY_ZEROES, 8192, 4096, NULL);
    shadow_forget(&sh, true);
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(0));
    assert_int_equal(may_be(9000), V(0));
    put(1, 1);
    flush();
    shadow_power_cut(&sh);
    assert_int_equal(may_be(1), V(1));
}

#define TRACKED(test)   cmocka_unit_test_setup_teardown(test, open_tracked, close_it)
#define UNTRACKED(test) cmocka_unit_test_setup_teardown(test, open_untracked, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRACKED(cut__volatile_sector_is_old_or_new_and_stable_one_as_it_was),
        TRACKED(cut__stable_sector_that_reads_wrong_has_it_nearby),
        TRACKED(several_volatile_writes__each_may_come_back),
        TRACKED(flush__covers_what_was_before_it_was_sent),
        TRACKED(flush__with_a_failed_write_before_it),
        TRACKED(failed_write_seen_to_have_happened__may_still_be_lost),
        TRACKED(too_many_volatile_writes__anything_until_flushed),
        TRACKED(too_many_with_a_discard_among_them__free),
        TRACKED(open_past_beyond_what_is_kept__anything),
        TRACKED(write_through__stable_at_once_and_supersedes),
        TRACKED(unknown_and_free_pasts),
        TRACKED(wide_changes__fall_back_as_ranges),
        TRACKED(wide_changes__flushed_or_written_through),
        TRACKED(doubt__what_is_volatile_may_be_anything),
        UNTRACKED(not_tracked__a_cut_leaves_nothing_known),
        UNTRACKED(tracking_begins_and_ends__what_is_there_is_stable),
        TRACKED(forgotten__nothing_volatile_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
