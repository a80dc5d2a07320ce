/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "shadow_impl.h"

#define WHOLE (DISK_SECTORS - 1)

static struct shadow sh;
static uint8_t block[2048 * VBLK_SECTOR];

static int open_unknown(void **state)
{
    (void)state;
    return shadow_open(&sh, false) ? 0 : -1;
}

static int open_zero(void **state)
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

static const uint8_t *filled(uint8_t value)
{
    memset(block, value, sizeof block);
    return block;
}

static void change(enum shadow_change change, enum cause cause, uint64_t sector, uint64_t count, uint8_t value)
{
    bool data = change == MAKE_DATA || change == MAY_BE_DATA;
    shadow_change(&sh, change, cause, sector, count, data ? filled(value) : NULL);
}

static struct shadow_read compare(uint64_t sector, uint64_t count, uint8_t value, bool learn)
{
    struct shadow_read r = { 0 };
    shadow_compare(&sh, sector, count, filled(value), learn, &r);
    return r;
}

static struct shadow_read read_back(uint64_t sector, uint8_t value)
{
    return compare(sector, 1, value, true);
}

static bool may_be(uint64_t sector, uint8_t value)
{
    return !compare(sector, 1, value, false).bad;
}

/* ---- every state, every change ---- */

enum { U, Z, D, F, O }; /* what the sector was: unknown, zero, data 1, free, open {1, 2} */

static void bring_to(int state, uint64_t sector)
{
    shadow_forget(&sh, state == Z);
    if (state == D || state == O)
        change(MAKE_DATA, BY_WRITE, sector, 1, 1);
    if (state == F)
        change(MAKE_FREE, BY_DISCARD, sector, 1, 0);
    if (state == O)
        change(MAY_BE_DATA, BY_WRITE, sector, 1, 2);
}

/* Which of the fills 0, 1, 2, 3 may be read after the change (with fill 3): bit per fill. */
static const uint8_t allowed[5][7] = {
    /*       MAKE_DATA MAKE_ZERO MAKE_FREE MAY_BE_DATA MAY_BE_ZERO MAY_BE_FREE KEEP */
    [U] = { 8, 1, 15, 15, 15, 15, 15 },
    [Z] = { 8, 1, 15, 9, 1, 15, 1 },
    [D] = { 8, 1, 15, 10, 3, 15, 2 },
    [F] = { 8, 1, 15, 15, 15, 15, 15 },
    [O] = { 8, 1, 15, 14, 7, 15, 6 },
};

static void each_state_and_change__reads_as_the_table_says(void **state)
{
    (void)state;
    for (int st = U; st <= O; st++)
        for (int ch = MAKE_DATA; ch <= KEEP; ch++)
            for (unsigned fill = 0; fill < 4; fill++) {
                bring_to(st, 70);
                change((enum shadow_change)ch, BY_ERASE, 70, 1, 3);
                assert_int_equal(may_be(70, (uint8_t)fill), allowed[st][ch] >> fill & 1);
                assert_true(may_be(71, (uint8_t)fill) || st == Z);
            }
}

static void learning__fixes_all_but_free_sectors(void **state)
{
    (void)state;
    for (int st = U; st <= O; st++) {
        bring_to(st, 5);
        uint8_t first = st == Z ? 0 : 1;
        assert_false(compare(5, 1, first, false).bad);
        assert_false(read_back(5, first).bad);
        assert_int_equal(may_be(5, 2), st == F);
    }
}

static void unknown_sector__not_compared_first_and_blamed_on_the_read_later(void **state)
{
    (void)state;
    struct shadow_read r = read_back(9, 1);
    assert_false(r.compared);
    r = read_back(9, 1);
    assert_true(r.compared);
    assert_int_equal(r.causes, 1u << BY_READ);
    r = read_back(9, 2);
    assert_true(r.bad && r.bad_never_written && r.compared);
    assert_int_equal(r.bad_cause, BY_READ);
    assert_int_equal(r.bad_sector, 9);
}

static void failed_write_on_unknown__two_reads_agree(void **state)
{
    (void)state;
    change(MAY_BE_DATA, BY_WRITE, 3, 1, 1);
    assert_false(read_back(3, 9).bad);
    struct shadow_read r = read_back(3, 8);
    assert_true(r.bad);
    assert_false(r.bad_never_written);
}

static void provision__is_blamed_for_content_that_was_seen_before(void **state)
{
    (void)state;
    assert_false(read_back(9, 1).bad);
    change(KEEP, BY_PROVISION, 8, 4, 0);
    assert_int_equal(read_back(9, 1).causes, 1u << BY_PROVISION);
    change(KEEP, BY_PROVISION_UNMAP, 8, 4, 0);
    struct shadow_read r = read_back(9, 2);
    assert_true(r.bad && r.bad_never_written);
    assert_int_equal(r.bad_cause, BY_PROVISION_UNMAP);
    assert_int_equal(r.bad_nearby, BY_NOBODY);
}

static void open_sector__mixture_of_candidates_only(void **state)
{
    uint8_t mixed[VBLK_SECTOR];
    struct shadow_read r = { 0 };
    (void)state;

    bring_to(O, 63);
    memset(mixed, 1, sizeof mixed);
    memset(mixed + 100, 2, 50);
    shadow_compare(&sh, 63, 1, mixed, false, &r);
    assert_true(r.compared && !r.bad);
    assert_int_equal(r.causes, 1u << BY_WRITE);
    mixed[505] = 3;
    shadow_compare(&sh, 63, 1, mixed, true, &r);
    assert_true(r.bad);
    assert_int_equal(r.bad_offset, 505);
    assert_int_equal(r.shown, 7);
    assert_int_equal(r.got[0], 3);
    assert_int_equal(r.got[7], 0);
    assert_int_equal(r.want[0], 2);
}

static void too_many_candidates__unknown(void **state)
{
    (void)state;
    bring_to(D, 1);
    for (uint8_t v = 2; v <= 4; v++)
        change(MAY_BE_DATA, BY_WRITE, 1, 1, v);
    change(MAY_BE_DATA, BY_WRITE, 1, 1, 3); /* known already */
    assert_false(may_be(1, 9));
    shadow_also(&sh, 1, 1, NULL);
    assert_false(read_back(1, 9).bad);
    assert_true(read_back(1, 1).bad);
}

static void also__adds_content_and_leaves_the_cause(void **state)
{
    (void)state;
    change(MAKE_ZERO, BY_ZEROES, 4, 2, 0);
    shadow_also(&sh, 4, 2, filled(7));
    assert_false(may_be(5, 6));
    assert_int_equal(read_back(5, 7).causes, 1u << BY_ZEROES);
    shadow_also(&sh, 0, 1u << 20, NULL);
    assert_true(may_be(5, 0) && may_be(5, 7));
}

/* ---- what a read tells ---- */

static void bad_read__first_sector_and_bytes(void **state)
{
    struct shadow_read r = { 0 };
    (void)state;
    change(MAKE_DATA, BY_WRITE, 60, 8, 5);
    change(KEEP, BY_REFUSED, 66, 1, 0);
    filled(5);
    block[4 * VBLK_SECTOR + 17] = 6;
    block[7 * VBLK_SECTOR] = 7;
    shadow_compare(&sh, 60, 8, block, true, &r);
    assert_true(r.bad && r.compared && !r.bad_never_written);
    assert_int_equal(r.bad_sector, 64);
    assert_int_equal(r.bad_offset, 17);
    assert_int_equal(r.got[0], 6);
    assert_int_equal(r.want[0], 5);
    assert_int_equal(r.shown, 16);
    assert_int_equal(r.causes, 1u << BY_WRITE | 1u << BY_REFUSED);
    assert_true(read_back(64, 6).bad); /* a wrong read teaches nothing */
}

static void zero_disk__compared_across_steps(void **state)
{
    struct shadow_read r = { 0 };
    (void)state;
    assert_int_equal(compare(10, 150, 0, true).causes, 1u << BY_NOBODY);
    filled(0);
    block[20 * VBLK_SECTOR + 511] = 1;
    shadow_compare(&sh, 10, 40, block, true, &r);
    assert_true(r.bad && r.bad_never_written);
    assert_int_equal(r.bad_sector, 30);
    assert_int_equal(r.bad_offset, 511);
    assert_int_equal(r.shown, 1);
}

static void nearby__latest_or_else_adjacent_change_since_verified(void **state)
{
    (void)state;
    change(MAKE_DATA, BY_WRITE, 100, 1, 1);
    assert_int_equal(read_back(100, 2).bad_nearby, BY_NOBODY);
    change(MAKE_FREE, BY_DISCARD, 108, 4, 0);
    change(KEEP, BY_PROVISION, 5000, 1, 0);
    struct shadow_read r = read_back(100, 2);
    assert_int_equal(r.bad_cause, BY_WRITE);
    assert_int_equal(r.bad_nearby, BY_DISCARD);
    assert_true(r.bad_adjacent);
    assert_false(read_back(100, 1).bad);
    assert_int_equal(read_back(100, 2).bad_nearby, BY_NOBODY);
    change(MAKE_ZERO, BY_ZEROES, 80, 12, 0);
    r = read_back(100, 2);
    assert_int_equal(r.bad_nearby, BY_ZEROES);
    assert_false(r.bad_adjacent);
    change(MAKE_ZERO, BY_ZEROES_UNMAP, 80, 13, 0);
    assert_true(read_back(100, 2).bad_adjacent);
    for (int i = 0; i < 40; i++)
        change(KEEP, BY_REFUSED, 900, 1, 0);
    assert_int_equal(read_back(100, 2).bad_nearby, BY_REFUSED);
    change(KEEP, BY_WRITE_REFUSED, 100, 1, 0); /* named itself: nobody else is to blame */
    r = read_back(100, 2);
    assert_int_equal(r.bad_cause, BY_WRITE_REFUSED);
    assert_int_equal(r.bad_nearby, BY_NOBODY);
}

/* ---- large ranges ---- */

static void whole_disk__discarded_and_zeroed_without_chunks(void **state)
{
    (void)state;
    change(MAKE_DATA, BY_WRITE, 1000, 1, 1);
    change(MAKE_FREE, BY_DISCARD, 0, WHOLE, 0);
    assert_int_equal(sh.impl->chunks, 1);
    assert_true(may_be(1000, 9) && may_be(WHOLE - 1, 9));
    assert_false(may_be(WHOLE, 9));
    change(MAKE_ZERO, BY_ZEROES, 900, UINT32_MAX, 0);
    assert_int_equal(read_back(1000, 1).bad_cause, BY_ZEROES);
    assert_int_equal(read_back((uint64_t)UINT32_MAX + 899, 1).bad_cause, BY_ZEROES);
    assert_true(may_be((uint64_t)UINT32_MAX + 900, 1) && may_be(899, 1));
    assert_true(sh.impl->chunks < 8);
}

static void wide_changes__follow_the_table_too(void **state)
{
    (void)state;
    for (int st = U; st <= O; st++)
        for (int ch = MAKE_ZERO; ch <= KEEP; ch++) {
            if (ch == MAY_BE_DATA)
                continue;
            for (uint8_t fill = 0; fill < 4; fill++) {
                bring_to(st, 3070);
                change((enum shadow_change)ch, BY_ERASE, 3001, 1024, 0);
                assert_int_equal(may_be(3070, fill), allowed[st][ch] >> fill & 1);
                if (st == U || st == Z) /* never touched singly */
                    assert_int_equal(may_be(3900, fill), allowed[st][ch] >> fill & 1);
            }
        }
}

static void wide_keep__names_untouched_sectors(void **state)
{
    (void)state;
    change(KEEP, BY_PROVISION, 0, UINT32_MAX, 0);
    assert_int_equal(read_back(777, 0).causes, 1u << BY_PROVISION);
    struct shadow_read r = read_back(778, 1);
    assert_true(r.bad && r.bad_never_written);
    assert_int_equal(r.bad_cause, BY_PROVISION);
}

static void range_at_the_end__cut_at_the_largest_disk(void **state)
{
    (void)state;
    change(MAKE_DATA, BY_WRITE, WHOLE, 2, 1);
    change(MAKE_ZERO, BY_ZEROES, WHOLE - 5000, UINT64_MAX, 0);
    change(MAKE_ZERO, BY_ZEROES, UINT64_MAX, 1, 0);
    change(MAKE_ZERO, BY_ZEROES, UINT64_MAX - 3, UINT64_MAX, 0);
    shadow_also(&sh, UINT64_MAX, 1, NULL);
    change(MAKE_DATA, BY_WRITE, 7, 0, 1);
    assert_int_equal(shadow_now(&sh), 3);
    assert_true(compare(WHOLE, 100, 1, true).bad);
    assert_false(compare(UINT64_MAX, 1, 1, true).compared);
}

static void data_without_bytes__reads_as_anything(void **state)
{
    (void)state;
    shadow_change(&sh, MAKE_DATA, BY_WRITE, 4, 1, NULL);
    assert_false(read_back(4, 1).compared);
    assert_false(read_back(4, 2).bad);
}

static void too_many_spans__merged_into_free_ones(void **state)
{
    unsigned missed = 0;
    (void)state;
    for (uint64_t i = 0; i < 3 * SPANS_MAX; i++)
        change(KEEP, i % 2 ? BY_PROVISION : BY_REFUSED, i * 4096, 1024 + i, 0);
    assert_true(sh.impl->span_count <= SPANS_MAX);
    for (size_t i = 1; i < sh.impl->span_count; i++)
        assert_true(sh.impl->span[i - 1].start < sh.impl->span[i].start);
    for (uint64_t i = 0; i < 3 * SPANS_MAX; i++) {
        assert_false(read_back(i * 4096, 0).bad);
        missed += may_be(i * 4096, 1);
    }
    assert_true(missed > SPANS_MAX / 2 && missed < 3 * SPANS_MAX);
}

/* Zeroes at random places of an unknown disk: what was never named is never taken for zero. */
static void spans_run_out_at_random__outside_of_the_ranges_nothing_is_known(void **state)
{
    static uint8_t named[1u << 21]; /* bit per sector */
    const uint32_t sectors = 8 * sizeof named;
    uint32_t seed = 1;
    (void)state;
    memset(named, 0, sizeof named);
    for (unsigned i = 0; i < 9000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t from = (seed >> 8) % (sectors - 2048), count = 1024 + (seed & 127);
        change(MAKE_ZERO, (enum cause)(BY_READ + i % 11), from, count, 0);
        for (uint32_t at = from; at < from + count; at++)
            named[at / 8] |= (uint8_t)(1u << at % 8);
    }
    assert_in_range(sh.impl->span_count, SPANS_MAX - 64, SPANS_MAX);
    for (uint32_t at = 0; at < sectors; at += 4001)
        assert_true(may_be(at, (named[at / 8] >> at % 8 & 1) == 0));
}

static void equal_neighbours__one_span(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        change(MAKE_ZERO, BY_ZEROES, i * 1024, 1024, 0);
    assert_int_equal(sh.impl->span_count, 2);
    change(MAKE_ZERO, BY_ZEROES, 4096, 1024, 0);
    assert_int_equal(sh.impl->span_count, 2);
    change(KEEP, BY_REFUSED, 3000000, 1, 0);
    change(MAKE_ZERO, BY_ZEROES, 8192, 1024, 0); /* the younger of two that are joined counts */
    assert_int_equal(read_back(300, 1).bad_nearby, BY_NOBODY);
}

static void wide_change_on_many_chunks__meets_those_in_the_range(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        change(MAKE_DATA, BY_WRITE, i * 128, 1, 1);
    change(MAKE_ZERO, BY_ZEROES, 128, 1153, 0);
    assert_int_equal(sh.impl->chunks, 100);
    assert_true(may_be(0, 1) && may_be(128, 0) && may_be(1280, 0) && may_be(1408, 1));
    assert_false(may_be(128, 1) || may_be(1280, 1) || may_be(200, 1));
}

static void forgotten__nothing_is_left_and_chunks_are_used_again(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        change(MAKE_DATA, BY_WRITE, i * 1000, 1, 1);
        change(MAY_BE_DATA, BY_WRITE, i * 1000, 1, 2);
    }
    change(KEEP, BY_REFUSED, 0, UINT32_MAX, 0);
    shadow_forget(&sh, true);
    assert_int_equal(sh.impl->chunks, 0);
    size_t spares = sh.impl->spares;
    assert_true(spares > 0);
    struct shadow_read r = read_back(3000, 1);
    assert_true(r.bad && r.bad_never_written);
    assert_int_equal(r.bad_cause, BY_NOBODY);
    assert_int_equal(r.bad_nearby, BY_NOBODY);
    assert_int_equal(sh.impl->spares, spares - 1);
    shadow_forget(&sh, false);
    assert_false(read_back(3000, 1).bad);
}

static void not_open__does_nothing(void **state)
{
    struct shadow none = { NULL };
    struct shadow_read r = { 0 };
    (void)state;
    shadow_change(&none, MAKE_ZERO, BY_ZEROES, 0, 1, NULL);
    shadow_also(&none, 0, 1, NULL);
    shadow_compare(&none, 0, 1, filled(1), true, &r);
    shadow_track(&none, true);
    shadow_mode(&none, true);
    shadow_flushed(&none, 1);
    shadow_power_cut(&none);
    shadow_doubt_all(&none);
    shadow_forget(&none, true);
    shadow_close(&none);
    assert_false(r.compared);
    assert_int_equal(shadow_now(&none), 0);
}

#define ON_UNKNOWN(test) cmocka_unit_test_setup_teardown(test, open_unknown, close_it)
#define ON_ZERO(test)    cmocka_unit_test_setup_teardown(test, open_zero, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_UNKNOWN(each_state_and_change__reads_as_the_table_says),
        ON_UNKNOWN(learning__fixes_all_but_free_sectors),
        ON_UNKNOWN(unknown_sector__not_compared_first_and_blamed_on_the_read_later),
        ON_UNKNOWN(failed_write_on_unknown__two_reads_agree),
        ON_UNKNOWN(provision__is_blamed_for_content_that_was_seen_before),
        ON_UNKNOWN(open_sector__mixture_of_candidates_only),
        ON_UNKNOWN(too_many_candidates__unknown),
        ON_UNKNOWN(also__adds_content_and_leaves_the_cause),
        ON_UNKNOWN(bad_read__first_sector_and_bytes),
        ON_ZERO(zero_disk__compared_across_steps),
        ON_UNKNOWN(nearby__latest_or_else_adjacent_change_since_verified),
        ON_ZERO(whole_disk__discarded_and_zeroed_without_chunks),
        ON_UNKNOWN(wide_changes__follow_the_table_too),
        ON_ZERO(wide_keep__names_untouched_sectors),
        ON_UNKNOWN(range_at_the_end__cut_at_the_largest_disk),
        ON_UNKNOWN(data_without_bytes__reads_as_anything),
        ON_ZERO(too_many_spans__merged_into_free_ones),
        ON_UNKNOWN(spans_run_out_at_random__outside_of_the_ranges_nothing_is_known),
        ON_UNKNOWN(equal_neighbours__one_span),
        ON_UNKNOWN(wide_change_on_many_chunks__meets_those_in_the_range),
        ON_UNKNOWN(forgotten__nothing_is_left_and_chunks_are_used_again),
        ON_UNKNOWN(not_open__does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
