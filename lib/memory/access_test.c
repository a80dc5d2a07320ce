/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/memory.h>

#define OK(call) assert_int_equal((call), VBLK_OK)

/* Regions [0x1000, 0x1800) and [0x1800, 0x2000) are adjacent, [0x3000, 0x4000) follows a hole. */
struct fixture {
    struct vblk_memory *mem;
    struct {
        struct vblk_event ev;
        uint8_t bytes[32];
        const void *where;
    } log[32];
    unsigned count;
    uint64_t view_gpa;
    uint8_t *view_bytes;
    uint64_t poke_gpa;
    uint8_t poke_byte;
};

static int set_up(void **state)
{
    static const uint64_t ranges[][2] = { { 0x1000, 0x800 }, { 0x1800, 0x800 }, { 0x3000, 0x1000 } };
    struct fixture *f = calloc(1, sizeof(*f));

    f->mem = vblk_memory_new();
    for (size_t i = 0; i < 3; i++) {
        const struct vblk_region region = { .gpa = ranges[i][0], .size = ranges[i][1], .fd = -1 };

        OK(vblk_memory_add(f->mem, &region));
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vblk_memory_free(f->mem);
    free(f);
    return 0;
}

static void record(void *ctx, const struct vblk_event *ev)
{
    struct fixture *f = ctx;

    assert_true(f->count < 32);
    f->log[f->count].ev = *ev;
    f->log[f->count].where = ev->bytes;
    if (ev->bytes != NULL)
        memcpy(f->log[f->count].bytes, ev->bytes, ev->len < 32 ? ev->len : 32);
    f->count++;
}

static void logged(const struct fixture *f, unsigned i, enum vblk_event_kind kind, enum vblk_party party, uint64_t at,
                   uint32_t len, enum vblk_order order)
{
    assert_true(i < f->count);
    assert_int_equal(f->log[i].ev.kind, kind);
    assert_int_equal(f->log[i].ev.party, party);
    assert_int_equal(f->log[i].ev.at, at);
    assert_int_equal(f->log[i].ev.len, len);
    assert_int_equal(f->log[i].ev.order, order);
}

static void every_size__comes_back_as_it_was_stored(void **state)
{
    struct fixture *f = *state;
    uint8_t from[64], to[66];

    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)(i + 1);
    for (size_t len = 0; len <= sizeof(from); len++) {
        for (uint64_t at = 0x17f0; at < 0x1803; at += 3) { /* in the first region, across both, in the second */
            memset(to, 0xaa, sizeof(to));
            OK(vblk_memory_write(f->mem, VBLK_DRIVER, at, from, len));
            OK(vblk_memory_read(f->mem, VBLK_DEVICE, at, to + 1, len));
            assert_memory_equal(to + 1, from, len);
            assert_int_equal(to[0], 0xaa);
            assert_int_equal(to[len + 1], 0xaa);
            OK(vblk_memory_peek(f->mem, at, to + 1, len));
            assert_memory_equal(to + 1, from, len);
            OK(vblk_memory_fill(f->mem, VBLK_DRIVER, at, 0, len));
        }
    }
}

static void range_into_a_hole__changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[16] = { 0xaa, 0xaa }, now[16];
    uint16_t half = 7;
    static const uint64_t bad[] = { 0x1ff8, 0x2ff8, 0x3ff8, 0xff8, 0x2800, UINT64_MAX - 8, UINT64_MAX };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(vblk_memory_write(f->mem, VBLK_DRIVER, bad[i], buf, 16), VBLK_E_RANGE);
        assert_int_equal(vblk_memory_fill(f->mem, VBLK_DRIVER, bad[i], 0xaa, 16), VBLK_E_RANGE);
        assert_int_equal(vblk_memory_poke(f->mem, bad[i], buf, 16), VBLK_E_RANGE);
        assert_int_equal(vblk_memory_peek(f->mem, bad[i], now, 16), VBLK_E_RANGE);
        memset(now, 0xbb, sizeof(now));
        assert_int_equal(vblk_memory_read(f->mem, VBLK_DRIVER, bad[i], now, 16), VBLK_E_RANGE);
        assert_int_equal(now[0], 0xbb);
        assert_int_equal(now[15], 0xbb);
    }
    OK(vblk_memory_read(f->mem, VBLK_DRIVER, 0x1ff8, now, 8));
    assert_int_equal(now[0], 0);
    OK(vblk_memory_read(f->mem, VBLK_DRIVER, 0x3000, now, 8));
    assert_int_equal(now[0], 0);
    assert_int_equal(vblk_memory_load16(f->mem, VBLK_DRIVER, 0x1fff, VBLK_ACQUIRE, &half), VBLK_E_RANGE);
    assert_int_equal(half, 7);
    assert_int_equal(vblk_memory_store16(f->mem, VBLK_DRIVER, 0x1fff, VBLK_RELEASE, 7), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_read(f->mem, VBLK_DRIVER, 0x3000, now, SIZE_MAX), VBLK_E_RANGE);
}

static void empty_access__is_fine_anywhere_and_silent(void **state)
{
    struct fixture *f = *state;

    for (int watched = 0; watched < 2; watched++) {
        OK(vblk_memory_read(f->mem, VBLK_DRIVER, 0x2800, NULL, 0));
        OK(vblk_memory_write(f->mem, VBLK_DRIVER, 0x1000, NULL, 0));
        OK(vblk_memory_write(f->mem, VBLK_DRIVER, UINT64_MAX, NULL, 0));
        OK(vblk_memory_fill(f->mem, VBLK_DRIVER, 0x2800, 1, 0));
        OK(vblk_memory_peek(f->mem, 0x1000, NULL, 0));
        OK(vblk_memory_peek(f->mem, 0x2800, NULL, 0));
        OK(vblk_memory_poke(f->mem, 0x2800, NULL, 0));
        vblk_memory_set_tap(f->mem, record, f);
    }
    assert_int_equal(f->count, 0);
}

static void half_words__are_little_endian_at_any_address(void **state)
{
    struct fixture *f = *state;
    static const uint64_t at[] = { 0x1000, 0x1001, 0x17ff, 0x1800, 0x3ffe };
    static const enum vblk_order orders[] = { VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELEASE, VBLK_FULL };
    uint8_t bytes[2];
    uint16_t value;

    for (size_t i = 0; i < 5 * 4; i++) {
        OK(vblk_memory_store16(f->mem, VBLK_DRIVER, at[i / 4], orders[i % 4], (uint16_t)(0x1234 + i)));
        OK(vblk_memory_read(f->mem, VBLK_DRIVER, at[i / 4], bytes, 2));
        assert_int_equal(bytes[0], 0x34 + i);
        assert_int_equal(bytes[1], 0x12);
        OK(vblk_memory_load16(f->mem, VBLK_DEVICE, at[i / 4], orders[i % 4], &value));
        assert_int_equal(value, 0x1234 + i);
    }
}

static void single_bytes__are_accesses_like_others(void **state)
{
    struct fixture *f = *state;
    static const uint64_t at[] = { 0x1000, 0x17ff, 0x1800, 0x1fff, 0x3fff };
    uint8_t value;

    for (unsigned i = 0; i < 10; i++) {
        OK(vblk_memory_store8(f->mem, VBLK_DRIVER, at[i % 5], (uint8_t)(0xa0 + i)));
        OK(vblk_memory_load8(f->mem, VBLK_DEVICE, at[i % 5], &value));
        assert_int_equal(value, 0xa0 + i);
        vblk_memory_set_tap(f->mem, i < 4 ? NULL : record, f);
    }
    assert_int_equal(f->count, 2 * 5);
    logged(f, 2, VBLK_EV_STORE, VBLK_DRIVER, 0x17ff, 1, VBLK_RELAXED);
    assert_int_equal(f->log[2].bytes[0], 0xa6);
    logged(f, 3, VBLK_EV_LOAD, VBLK_DEVICE, 0x17ff, 1, VBLK_RELAXED);
    assert_int_equal(f->log[3].bytes[0], 0xa6);
    assert_int_equal(vblk_memory_load8(f->mem, VBLK_DRIVER, 0x2000, &value), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_store8(f->mem, VBLK_DRIVER, 0xfff, 1), VBLK_E_RANGE);
    assert_int_equal(value, 0xa9);
    vblk_memory_reset(f->mem);
    OK(vblk_memory_load8(f->mem, VBLK_DEVICE, 0x1fff, &value));
    assert_int_equal(value, 0);
}

static void tap__sees_each_access_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[4] = { 1, 2, 3, 4 }, got[8];
    uint16_t half;

    vblk_memory_set_tap(f->mem, record, f);
    OK(vblk_memory_write(f->mem, VBLK_DRIVER, 0x1000, buf, 4));
    OK(vblk_memory_store16(f->mem, VBLK_DRIVER, 0x17ff, VBLK_RELEASE, 0x0201));
    vblk_memory_barrier(f->mem, VBLK_DRIVER, VBLK_FULL);
    vblk_memory_barrier(f->mem, VBLK_DEVICE, VBLK_ACQUIRE);
    OK(vblk_memory_load16(f->mem, VBLK_DEVICE, 0x17ff, VBLK_ACQUIRE, &half));
    OK(vblk_memory_read(f->mem, VBLK_DEVICE, 0x17fe, got, 8));
    OK(vblk_memory_load16(f->mem, VBLK_DEVICE, 0x1002, VBLK_RELAXED, &half));
    OK(vblk_memory_peek(f->mem, 0x1000, got, 8));
    OK(vblk_memory_poke(f->mem, 0x1000, got, 8));
    assert_int_equal(f->count, 7);
    logged(f, 0, VBLK_EV_STORE, VBLK_DRIVER, 0x1000, 4, VBLK_RELAXED);
    assert_ptr_equal(f->log[0].where, buf);
    logged(f, 1, VBLK_EV_STORE, VBLK_DRIVER, 0x17ff, 2, VBLK_RELEASE);
    assert_memory_equal(f->log[1].bytes, "\x01\x02", 2);
    logged(f, 2, VBLK_EV_BARRIER, VBLK_DRIVER, 0, 0, VBLK_FULL);
    logged(f, 3, VBLK_EV_BARRIER, VBLK_DEVICE, 0, 0, VBLK_ACQUIRE);
    logged(f, 4, VBLK_EV_LOAD, VBLK_DEVICE, 0x17ff, 2, VBLK_ACQUIRE);
    assert_memory_equal(f->log[4].bytes, "\x01\x02", 2);
    logged(f, 5, VBLK_EV_LOAD, VBLK_DEVICE, 0x17fe, 8, VBLK_RELAXED);
    assert_memory_equal(f->log[5].bytes, "\x00\x01\x02\x00", 4);
    assert_ptr_equal(f->log[5].where, got);
    logged(f, 6, VBLK_EV_LOAD, VBLK_DEVICE, 0x1002, 2, VBLK_RELAXED);
    assert_memory_equal(f->log[6].bytes, "\x03\x04", 2);
    vblk_memory_set_tap(f->mem, NULL, NULL);
    vblk_memory_barrier(f->mem, VBLK_DEVICE, VBLK_RELAXED);
    OK(vblk_memory_write(f->mem, VBLK_DRIVER, 0x1000, buf, 4));
    assert_int_equal(f->count, 7);
}

static void fill_across_regions__is_told_region_by_region(void **state)
{
    struct fixture *f = *state;
    uint8_t byte;

    vblk_memory_set_tap(f->mem, record, f);
    OK(vblk_memory_fill(f->mem, VBLK_DEVICE, 0x17fe, 0x5a, 5));
    assert_int_equal(f->count, 2);
    logged(f, 0, VBLK_EV_STORE, VBLK_DEVICE, 0x17fe, 2, VBLK_RELAXED);
    logged(f, 1, VBLK_EV_STORE, VBLK_DEVICE, 0x1800, 3, VBLK_RELAXED);
    assert_memory_equal(f->log[1].bytes, "\x5a\x5a\x5a", 3);
    OK(vblk_memory_peek(f->mem, 0x1803, &byte, 1));
    assert_int_equal(byte, 0);
}

static void fault__is_one_event_without_bytes(void **state)
{
    struct fixture *f = *state;
    uint8_t buf[8] = { 0 };
    uint16_t half;

    vblk_memory_set_tap(f->mem, record, f);
    assert_int_equal(vblk_memory_read(f->mem, VBLK_DEVICE, 0x1ffc, buf, 8), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_write(f->mem, VBLK_DEVICE, 0x2000, buf, 8), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_fill(f->mem, VBLK_DEVICE, 0x2000, 1, 9), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_load16(f->mem, VBLK_DEVICE, 0x2000, VBLK_ACQUIRE, &half), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_store16(f->mem, VBLK_DEVICE, 0x2000, VBLK_RELEASE, 1), VBLK_E_RANGE);
    assert_int_equal(f->count, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(f->log[i].ev.flags, VBLK_EV_FAULTED);
        assert_null(f->log[i].where);
    }
    logged(f, 0, VBLK_EV_LOAD, VBLK_DEVICE, 0x1ffc, 8, VBLK_RELAXED);
    logged(f, 2, VBLK_EV_STORE, VBLK_DEVICE, 0x2000, 9, VBLK_RELAXED);
    logged(f, 3, VBLK_EV_LOAD, VBLK_DEVICE, 0x2000, 2, VBLK_ACQUIRE);
}

static void access_longer_than_an_event__is_told_in_pieces(void **state)
{
    struct fixture *f = *state;

    vblk_memory_set_tap(f->mem, record, f);
    assert_int_equal(vblk_memory_read(f->mem, VBLK_DEVICE, 0x1000, f, (size_t)((uint64_t)5 << 30)), VBLK_E_RANGE);
    assert_int_equal(f->count, 3);
    logged(f, 1, VBLK_EV_LOAD, VBLK_DEVICE, 0x1000 + ((uint64_t)1 << 31), 1u << 31, VBLK_RELAXED);
    logged(f, 2, VBLK_EV_LOAD, VBLK_DEVICE, 0x1000 + ((uint64_t)2 << 31), 1u << 30, VBLK_RELAXED);
}

static void poke_before(void *ctx, const struct vblk_event *ev)
{
    struct fixture *f = ctx;

    record(ctx, ev);
    f->poke_byte++;
    OK(vblk_memory_poke(f->mem, f->poke_gpa, &f->poke_byte, 1));
}

static void hook__can_change_memory_between_two_reads(void **state)
{
    struct fixture *f = *state;
    uint8_t first, second;
    const uint8_t store = 9;

    f->poke_gpa = 0x1010;
    vblk_memory_set_hook(f->mem, poke_before, f);
    OK(vblk_memory_read(f->mem, VBLK_DEVICE, 0x1010, &first, 1));
    OK(vblk_memory_read(f->mem, VBLK_DEVICE, 0x1010, &second, 1));
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    logged(f, 0, VBLK_EV_LOAD, VBLK_DEVICE, 0x1010, 1, VBLK_RELAXED);
    assert_null(f->log[0].where);
    OK(vblk_memory_write(f->mem, VBLK_DEVICE, 0x1010, &store, 1)); /* the hook comes first, so the store lasts */
    OK(vblk_memory_peek(f->mem, 0x1010, &first, 1));
    assert_int_equal(first, 9);
    assert_ptr_equal(f->log[2].where, &store);
    assert_int_equal(vblk_memory_read(f->mem, VBLK_DEVICE, 0x2000, &first, 1), VBLK_E_RANGE);
    assert_int_equal(f->count, 3); /* no access was made */
}

static void *resolve(void *ctx, enum vblk_party party, uint64_t gpa, uint64_t len, bool store)
{
    struct fixture *f = ctx;

    if (party != VBLK_DEVICE || gpa < f->view_gpa || gpa + len > f->view_gpa + 0x100 || (store && gpa >= 0x17f8))
        return NULL;
    return f->view_bytes + (gpa - f->view_gpa);
}

static void view__redirects_or_refuses_accesses(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[0x100] = { 0 }, buf[4] = { 1, 2, 3, 4 };
    uint16_t half;

    f->view_gpa = 0x1780;
    f->view_bytes = bytes;
    vblk_memory_set_view(f->mem, resolve, f);
    vblk_memory_set_tap(f->mem, record, f);
    OK(vblk_memory_write(f->mem, VBLK_DEVICE, 0x1780, buf, 4));
    assert_int_equal(bytes[3], 4);
    OK(vblk_memory_load16(f->mem, VBLK_DEVICE, 0x1781, VBLK_ACQUIRE, &half));
    assert_int_equal(half, 0x0302);
    OK(vblk_memory_store16(f->mem, VBLK_DEVICE, 0x1790, VBLK_RELEASE, 0x0605));
    assert_int_equal(bytes[0x10], 5);
    OK(vblk_memory_fill(f->mem, VBLK_DEVICE, 0x17f7, 8, 0x20)); /* one range, although it crosses regions */
    assert_int_equal(bytes[0x96], 8);
    OK(vblk_memory_read(f->mem, VBLK_DEVICE, 0x17fe, buf, 4));
    assert_int_equal(buf[3], 8);
    assert_int_equal(f->count, 5);
    assert_int_equal(vblk_memory_read(f->mem, VBLK_DRIVER, 0x1780, buf, 4), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_write(f->mem, VBLK_DEVICE, 0x17f8, buf, 4), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_fill(f->mem, VBLK_DEVICE, 0x17f8, 1, 4), VBLK_E_RANGE);
    assert_int_equal(f->count, 8);
    assert_int_equal(f->log[7].ev.flags, VBLK_EV_FAULTED);
    vblk_memory_set_view(f->mem, NULL, NULL);
    OK(vblk_memory_read(f->mem, VBLK_DRIVER, 0x1780, buf, 4));
    assert_int_equal(buf[0], 0); /* the regions themselves were not written */
}

/* One word goes back and forth between two threads; what was written plainly before arrives with it. */
#define ROUNDS 20000u
struct exchange {
    struct vblk_memory *mem;
    unsigned wrong;
};

static void *answer(void *ctx)
{
    struct exchange *x = ctx;
    uint16_t seen;
    uint64_t data;

    for (uint16_t i = 1; i <= ROUNDS; i++) {
        do {
            if (vblk_memory_load16(x->mem, VBLK_DEVICE, 0x3000, VBLK_ACQUIRE, &seen) != VBLK_OK)
                return x;
        } while (seen != i);
        if (vblk_memory_read(x->mem, VBLK_DEVICE, 0x3100, &data, 8) != VBLK_OK || data != i ||
            vblk_memory_write(x->mem, VBLK_DEVICE, 0x1000 + (uint64_t)i % 256 * 8, &data, 8) != VBLK_OK ||
            vblk_memory_store16(x->mem, VBLK_DEVICE, 0x3040, VBLK_RELEASE, i) != VBLK_OK)
            x->wrong++;
    }
    return NULL;
}

static void two_threads__see_each_others_stores_in_order(void **state)
{
    struct fixture *f = *state;
    struct exchange x = { f->mem, 0 };
    pthread_t thread;
    uint16_t seen;
    void *failed;

    assert_int_equal(pthread_create(&thread, NULL, answer, &x), 0);
    for (uint16_t i = 1; i <= ROUNDS; i++) {
        const uint64_t data = i;

        OK(vblk_memory_write(f->mem, VBLK_DRIVER, 0x3100, &data, 8));
        OK(vblk_memory_store16(f->mem, VBLK_DRIVER, 0x3000, VBLK_RELEASE, i));
        vblk_memory_barrier(f->mem, VBLK_DRIVER, VBLK_FULL);
        do
            OK(vblk_memory_load16(f->mem, VBLK_DRIVER, 0x3040, VBLK_ACQUIRE, &seen));
        while (seen != i);
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(x.wrong, 0);
}

/* Each thread writes every other granule of one region: neighbours share the words that remember it. */
#define GRANULES 1024u
struct writer {
    struct vblk_memory *mem;
    uint64_t first;
    enum vblk_party party;
};

static void *write_granules(void *ctx)
{
    const struct writer *w = ctx;
    const uint8_t byte = 1;

    for (uint64_t g = w->first; g < GRANULES; g += 2)
        if (vblk_memory_write(w->mem, w->party, 0x100000 + g * 4096, &byte, 1) != VBLK_OK)
            return ctx;
    return NULL;
}

static void two_threads__lose_no_mark(void **state)
{
    struct fixture *f = *state;
    const struct vblk_region region = { .gpa = 0x100000, .size = GRANULES * 4096, .fd = -1 };
    struct writer w[2] = { { f->mem, 0, VBLK_DRIVER }, { f->mem, 1, VBLK_DEVICE } };
    pthread_t thread;
    void *failed;
    uint8_t byte;

    OK(vblk_memory_add(f->mem, &region));
    for (unsigned round = 0; round < 20; round++) {
        assert_int_equal(pthread_create(&thread, NULL, write_granules, &w[0]), 0);
        assert_null(write_granules(&w[1]));
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        vblk_memory_reset(f->mem);
        for (uint64_t g = 0; g < GRANULES; g++) {
            OK(vblk_memory_peek(f->mem, 0x100000 + g * 4096, &byte, 1));
            assert_int_equal(byte, 0);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(every_size__comes_back_as_it_was_stored),
        TEST(range_into_a_hole__changes_nothing),
        TEST(empty_access__is_fine_anywhere_and_silent),
        TEST(half_words__are_little_endian_at_any_address),
        TEST(single_bytes__are_accesses_like_others),
        TEST(tap__sees_each_access_once_and_in_order),
        TEST(fill_across_regions__is_told_region_by_region),
        TEST(fault__is_one_event_without_bytes),
        TEST(access_longer_than_an_event__is_told_in_pieces),
        TEST(hook__can_change_memory_between_two_reads),
        TEST(view__redirects_or_refuses_accesses),
        TEST(two_threads__see_each_others_stores_in_order),
        TEST(two_threads__lose_no_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
