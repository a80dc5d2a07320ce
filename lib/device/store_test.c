/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store_map.h"

#define GIB (UINT64_C(1) << 21) /* in sectors */

struct disk {
    struct vblk_store *store;
    struct vblk_backend ops;
};

static struct disk make(uint64_t capacity)
{
    struct disk d = { vblk_store_new(capacity), { 0 } };

    assert_non_null(d.store);
    d.ops = vblk_store_backend(d.store);
    return d;
}

static vblk_err put(struct disk *d, uint64_t sector, uint32_t count, uint8_t byte, bool stable)
{
    static uint8_t buf[512 * 1024];

    memset(buf, byte, sizeof buf);
    return d->ops.write(d->ops.ctx, sector, buf, count, stable);
}

/* The byte that all of a sector consists of, or -1. */
static int byte_of(struct disk *d, uint64_t sector)
{
    uint8_t buf[VBLK_SECTOR];

    if (d->ops.read(d->ops.ctx, sector, buf, 1))
        return -1;
    for (size_t i = 1; i < sizeof buf; i++) {
        if (buf[i] != buf[0])
            return -1;
    }
    return buf[0];
}

static void capacity__two_to_the_55_less_one_is_the_limit(void **state)
{
    struct disk d = make(VBLK_STORE_CAPACITY_MAX);

    (void)state;
    assert_null(vblk_store_new(VBLK_STORE_CAPACITY_MAX + 1));
    assert_int_equal(put(&d, VBLK_STORE_CAPACITY_MAX - 1, 1, 7, true), VBLK_OK);
    assert_int_equal(byte_of(&d, VBLK_STORE_CAPACITY_MAX - 1), 7);
    assert_int_equal(put(&d, VBLK_STORE_CAPACITY_MAX, 1, 7, true), VBLK_E_IO);
    assert_int_equal(put(&d, UINT64_MAX, 2, 7, true), VBLK_E_IO);
    assert_int_equal(vblk_store_resize(d.store, VBLK_STORE_CAPACITY_MAX + 1), VBLK_E_INVAL);
    assert_int_equal(vblk_store_allocated(d.store), 1);
    vblk_store_free(d.store);
}

static void write__holes_read_zero_and_neighbours_stay(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 60, 10, 0xaa, false), VBLK_OK);
    assert_int_equal(byte_of(&d, 59), 0);
    assert_int_equal(byte_of(&d, 60), 0xaa);
    assert_int_equal(byte_of(&d, 69), 0xaa);
    assert_int_equal(byte_of(&d, 70), 0);
    assert_int_equal(vblk_store_extent(d.store, 59), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(d.store, 64), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_extent(d.store, 5000), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_allocated(d.store), 10);
    vblk_store_free(d.store);
    vblk_store_free(NULL);
}

static void write__many_scattered_chunks_are_all_found(void **state)
{
    struct disk d = make(VBLK_STORE_CAPACITY_MAX);

    (void)state;
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(put(&d, i * i * 1000003, 1, (uint8_t)(i % 251 + 1), false), VBLK_OK);
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(byte_of(&d, i * i * 1000003), (int)(i % 251 + 1));
    assert_int_equal(vblk_store_allocated(d.store), 300);
    /* More chunks than are kept; what comes back must not show old bytes. */
    vblk_store_reset(d.store, GIB);
    assert_int_equal(vblk_store_allocated(d.store), 0);
    assert_int_equal(put(&d, 1, 1, 9, false), VBLK_OK);
    assert_int_equal(byte_of(&d, 0), 0);
    assert_int_equal(byte_of(&d, 1), 9);
    assert_int_equal(byte_of(&d, 1000003), 0);
    assert_int_equal(vblk_store_capacity(d.store), GIB);
    vblk_store_reset(d.store, UINT64_MAX);
    assert_int_equal(vblk_store_capacity(d.store), VBLK_STORE_CAPACITY_MAX);
    vblk_store_free(d.store);
}

static void view_and_place__runs_end_with_the_chunk_and_with_the_kind(void **state)
{
    struct disk d = make(GIB);
    const void *bytes;
    void *room;
    uint32_t count = 100;

    (void)state;
    assert_int_equal(d.ops.view(d.ops.ctx, 10, &count, &bytes), VBLK_OK);
    assert_int_equal(count, 54);
    assert_int_equal(((const uint8_t *)bytes)[0], 0);
    count = 100;
    assert_int_equal(d.ops.place(d.ops.ctx, 62, &count, false, &room), VBLK_OK);
    assert_int_equal(count, 2);
    memset(room, 5, 1024);
    count = 100;
    assert_int_equal(d.ops.view(d.ops.ctx, 60, &count, &bytes), VBLK_OK);
    assert_int_equal(count, 2);
    count = 1;
    assert_int_equal(d.ops.view(d.ops.ctx, 62, &count, &bytes), VBLK_OK);
    assert_int_equal(count, 1);
    assert_ptr_equal(bytes, room);
    count = 1;
    assert_int_equal(d.ops.view(d.ops.ctx, GIB, &count, &bytes), VBLK_E_IO);
    assert_int_equal(d.ops.place(d.ops.ctx, GIB, &count, true, &room), VBLK_E_IO);
    vblk_store_free(d.store);
}

static void provision__huge_range_costs_nothing_and_keeps_bytes(void **state)
{
    struct disk d = make(VBLK_STORE_CAPACITY_MAX);

    (void)state;
    assert_int_equal(put(&d, 1000, 2, 3, false), VBLK_OK);
    for (uint64_t i = 0; i < 256; i++)
        assert_int_equal(d.ops.provision(d.ops.ctx, i * UINT32_MAX, UINT32_MAX), VBLK_OK);
    assert_int_equal(vblk_store_allocated(d.store), 256 * (uint64_t)UINT32_MAX);
    assert_int_equal(d.store->alloc.count, 1);
    assert_int_equal(byte_of(&d, 1000), 3);
    assert_int_equal(byte_of(&d, 1002), 0);
    assert_int_equal(vblk_store_extent(d.store, 5), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_extent(d.store, 1010), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(d.ops.provision(d.ops.ctx, VBLK_STORE_CAPACITY_MAX - 1, 2), VBLK_E_IO);
    vblk_store_free(d.store);
}

static void discard__makes_holes_of_parts(void **state)
{
    struct disk d = make(VBLK_STORE_CAPACITY_MAX);

    (void)state;
    assert_int_equal(d.ops.provision(d.ops.ctx, 0, 1000), VBLK_OK);
    assert_int_equal(put(&d, 100, 100, 3, true), VBLK_OK);
    assert_int_equal(d.ops.discard(d.ops.ctx, 110, 500), VBLK_OK);
    assert_int_equal(byte_of(&d, 109), 3);
    assert_int_equal(byte_of(&d, 110), 0);
    assert_int_equal(vblk_store_extent(d.store, 109), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_extent(d.store, 110), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(d.store, 609), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(d.store, 610), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_allocated(d.store), 500);
    assert_int_equal(d.ops.discard(d.ops.ctx, 0, UINT32_MAX), VBLK_OK);
    assert_int_equal(vblk_store_allocated(d.store), 0);
    assert_int_equal(d.ops.discard(d.ops.ctx, VBLK_STORE_CAPACITY_MAX, 1), VBLK_E_IO);
    vblk_store_free(d.store);
}

static void write_zeroes__keeps_or_gives_up_space(void **state)
{
    struct disk d = make(VBLK_STORE_CAPACITY_MAX);

    (void)state;
    assert_int_equal(put(&d, 64, 64, 3, true), VBLK_OK);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 64, 32, true, true), VBLK_OK);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 96, 16, false, true), VBLK_OK);
    assert_int_equal(byte_of(&d, 64), 0);
    assert_int_equal(byte_of(&d, 96), 0);
    assert_int_equal(byte_of(&d, 112), 3);
    assert_int_equal(vblk_store_extent(d.store, 64), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(d.store, 96), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 1 << 20, UINT32_MAX, false, false), VBLK_OK);
    assert_int_equal(vblk_store_allocated(d.store), 32 + (uint64_t)UINT32_MAX);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 1 << 20, UINT32_MAX, true, false), VBLK_OK);
    assert_int_equal(vblk_store_allocated(d.store), 32);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, UINT64_MAX, 2, true, false), VBLK_E_IO);
    vblk_store_free(d.store);
}

static void secure_erase__leaves_no_bytes_in_the_host(void **state)
{
    struct disk d = make(GIB);
    struct chunk *chunk;

    (void)state;
    assert_int_equal(put(&d, 0, 2, 0x11, true), VBLK_OK);
    assert_int_equal(put(&d, 0, 2, 0x22, false), VBLK_OK);
    assert_int_equal(d.ops.secure_erase(d.ops.ctx, 0, 1), VBLK_OK);
    chunk = map_find(d.store, 0);
    assert_int_equal(chunk->now[0], 0);
    assert_int_equal(chunk->old[0], 0);
    assert_int_equal(chunk->now[512], 0x22);
    assert_int_equal(chunk->old[512], 0x11);
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(byte_of(&d, 0), 0);
    assert_int_equal(byte_of(&d, 1), 0x11);
    vblk_store_free(d.store);
}

static void pool__runs_out_and_discard_gives_back(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    vblk_store_set_pool(d.store, 10);
    assert_int_equal(put(&d, 0, 8, 1, true), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 2);
    assert_int_equal(put(&d, 4, 8, 2, true), VBLK_E_FULL);
    assert_int_equal(byte_of(&d, 4), 1); /* nothing of a write that does not fit */
    assert_int_equal(put(&d, 4, 6, 2, true), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 0);
    assert_int_equal(put(&d, 0, 10, 3, true), VBLK_OK);
    assert_int_equal(d.ops.provision(d.ops.ctx, 0, 10), VBLK_OK);
    assert_int_equal(d.ops.provision(d.ops.ctx, 0, 11), VBLK_E_FULL);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 5000, 1, false, true), VBLK_E_FULL);
    assert_int_equal(d.ops.discard(d.ops.ctx, 2, 100), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 8);
    assert_int_equal(d.ops.provision(d.ops.ctx, 3000, 8), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 0);
    assert_int_equal(put(&d, 3000, 8, 7, true), VBLK_OK);
    assert_int_equal(put(&d, 3008, 1, 7, true), VBLK_E_FULL);
    assert_int_equal(d.ops.secure_erase(d.ops.ctx, 3000, 4), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 4);
    vblk_store_free(d.store);
}

static void pool__unmapped_space_comes_back_when_stable(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 0, 8, 1, true), VBLK_OK);
    vblk_store_set_pool(d.store, 0);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 0, 8, true, false), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 0);
    assert_int_equal(d.ops.flush(d.ops.ctx), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 8);
    assert_int_equal(put(&d, 100, 4, 1, false), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 4);
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(vblk_store_pool(d.store), 8);
    vblk_store_free(d.store);
}

static void shared__a_write_takes_new_space_and_provision_unshares(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 0, 8, 1, true), VBLK_OK);
    assert_int_equal(d.ops.provision(d.ops.ctx, 1000, 8), VBLK_OK);
    assert_int_equal(d.ops.provision(d.ops.ctx, 100000, 8), VBLK_OK);
    vblk_store_set_pool(d.store, 5);
    assert_int_equal(vblk_store_share(d.store, 0, 1004), VBLK_OK);
    assert_int_equal(vblk_store_extent(d.store, 0), VBLK_EXTENT_SHARED);
    assert_int_equal(vblk_store_extent(d.store, 8), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(d.store, 1003), VBLK_EXTENT_SHARED);
    assert_int_equal(vblk_store_extent(d.store, 1004), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_pool(d.store), 5);
    assert_int_equal(put(&d, 0, 1, 2, true), VBLK_OK);
    assert_int_equal(vblk_store_extent(d.store, 0), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(vblk_store_pool(d.store), 4);
    assert_int_equal(d.ops.provision(d.ops.ctx, 0, 4), VBLK_OK);
    assert_int_equal(byte_of(&d, 1), 1);
    assert_int_equal(vblk_store_pool(d.store), 1);
    assert_int_equal(d.ops.provision(d.ops.ctx, 1000, 8), VBLK_E_FULL);
    assert_int_equal(d.ops.discard(d.ops.ctx, 4, 1), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 1); /* the clone still holds it */
    assert_int_equal(vblk_store_allocated(d.store), 7 + 16);
    vblk_store_free(d.store);
}

static void power_cut__reverts_what_was_not_stable(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 0, 4, 1, true), VBLK_OK);
    assert_int_equal(put(&d, 2, 4, 2, false), VBLK_OK);
    assert_int_equal(put(&d, 2, 4, 3, false), VBLK_OK);
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(byte_of(&d, 1), 1);
    assert_int_equal(byte_of(&d, 2), 1);
    assert_int_equal(byte_of(&d, 4), 0);
    assert_int_equal(vblk_store_extent(d.store, 4), VBLK_EXTENT_HOLE);
    assert_int_equal(put(&d, 2, 4, 4, false), VBLK_OK);
    vblk_store_power_cut(d.store, 1u << 3 | 1u << 5);
    assert_int_equal(byte_of(&d, 2), 1);
    assert_int_equal(byte_of(&d, 3), 4);
    assert_int_equal(byte_of(&d, 4), 0);
    assert_int_equal(byte_of(&d, 5), 4);
    /* What survived is stable now. */
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(byte_of(&d, 3), 4);
    vblk_store_free(d.store);
}

static void power_cut__flush_and_stable_writes_hold(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 0, 4, 1, false), VBLK_OK);
    assert_int_equal(d.ops.flush(d.ops.ctx), VBLK_OK);
    assert_int_equal(put(&d, 0, 1, 2, false), VBLK_OK);
    assert_int_equal(put(&d, 1, 1, 2, false), VBLK_OK);
    assert_int_equal(put(&d, 1, 1, 3, true), VBLK_OK);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 2, 1, true, false), VBLK_OK);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 3, 1, false, true), VBLK_OK);
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(byte_of(&d, 0), 1);
    assert_int_equal(byte_of(&d, 1), 3);
    assert_int_equal(byte_of(&d, 2), 1);
    assert_int_equal(byte_of(&d, 3), 0);
    vblk_store_free(d.store);
}

static void power_cut__shared_volatile_write_is_shared_again(void **state)
{
    struct disk d = make(GIB);

    (void)state;
    assert_int_equal(put(&d, 0, 1, 1, true), VBLK_OK);
    assert_int_equal(vblk_store_share(d.store, 0, 1), VBLK_OK);
    vblk_store_set_pool(d.store, 1);
    assert_int_equal(put(&d, 0, 1, 2, false), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 0);
    vblk_store_power_cut(d.store, 0);
    assert_int_equal(vblk_store_extent(d.store, 0), VBLK_EXTENT_SHARED);
    assert_int_equal(vblk_store_pool(d.store), 1);
    assert_int_equal(byte_of(&d, 0), 1);
    vblk_store_free(d.store);
}

static void failing_sectors__every_operation_that_touches_them_fails(void **state)
{
    struct disk d = make(GIB);
    uint8_t buf[1024];

    (void)state;
    assert_int_equal(vblk_store_fail(d.store, 10, 2), VBLK_OK);
    assert_int_equal(vblk_store_fail(d.store, GIB - 1, UINT64_MAX), VBLK_OK);
    assert_int_equal(vblk_store_fail(d.store, GIB + 1, 1), VBLK_OK);
    assert_int_equal(d.ops.read(d.ops.ctx, 9, buf, 2), VBLK_E_IO);
    assert_int_equal(put(&d, 11, 1, 1, false), VBLK_E_IO);
    assert_int_equal(d.ops.discard(d.ops.ctx, 0, 11), VBLK_E_IO);
    assert_int_equal(d.ops.write_zeroes(d.ops.ctx, 11, 1, true, true), VBLK_E_IO);
    assert_int_equal(d.ops.secure_erase(d.ops.ctx, 11, 1), VBLK_E_IO);
    assert_int_equal(d.ops.provision(d.ops.ctx, 0, 4096), VBLK_E_IO);
    assert_int_equal(byte_of(&d, GIB - 1), -1);
    assert_int_equal(byte_of(&d, 12), 0);
    assert_int_equal(vblk_store_fail(d.store, 0, 0), VBLK_OK);
    assert_int_equal(d.ops.read(d.ops.ctx, 9, buf, 2), VBLK_OK);
    vblk_store_free(d.store);
}

static void resize__what_was_cut_off_is_gone(void **state)
{
    struct disk d = make(1000);

    (void)state;
    assert_int_equal(put(&d, 0, 1000, 6, true), VBLK_OK);
    vblk_store_set_pool(d.store, 0);
    assert_int_equal(vblk_store_resize(d.store, 500), VBLK_OK);
    assert_int_equal(vblk_store_pool(d.store), 500);
    assert_int_equal(byte_of(&d, 500), -1);
    assert_int_equal(vblk_store_resize(d.store, VBLK_STORE_CAPACITY_MAX), VBLK_OK);
    assert_int_equal(byte_of(&d, 499), 6);
    assert_int_equal(byte_of(&d, 500), 0);
    assert_int_equal(vblk_store_allocated(d.store), 500);
    vblk_store_free(d.store);
}

/* Ranges of the owner's end with the disk, also when it grows later. */
static void ranges_beyond_the_capacity__are_cut(void **state)
{
    struct disk d = make(200);

    (void)state;
    assert_int_equal(vblk_store_fail(d.store, 190, 100), VBLK_OK);
    assert_int_equal(vblk_store_fail(d.store, 180, UINT64_MAX), VBLK_OK);
    assert_int_equal(vblk_store_fail(d.store, 250, 10), VBLK_OK);
    assert_int_equal(vblk_store_resize(d.store, 400), VBLK_OK);
    assert_int_equal(byte_of(&d, 179), 0);
    assert_int_equal(byte_of(&d, 180), -1);
    assert_int_equal(byte_of(&d, 199), -1);
    for (uint64_t i = 200; i < 400; i++)
        assert_int_equal(byte_of(&d, i), 0);
    vblk_store_free(d.store);
}

static void spans__merge_split_and_count(void **state)
{
    struct vblk_spans s = { 0 };

    (void)state;
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(vblk_spans_add(&s, i * 10, i * 10 + 5), VBLK_OK);
    assert_int_equal(s.count, 20);
    assert_int_equal(vblk_spans_add(&s, 5, 10), VBLK_OK);
    assert_int_equal(s.count, 19);
    assert_int_equal(vblk_spans_within(&s, 0, 200), 105);
    assert_int_equal(vblk_spans_within(&s, 3, 12), 9);
    assert_int_equal(vblk_spans_bits(&s, 0), UINT64_C(0xf07c1f07c1f07fff));
    assert_int_equal(vblk_spans_remove(&s, 2, 4), VBLK_OK);
    assert_int_equal(s.count, 20);
    assert_int_equal(vblk_spans_remove(&s, 50, 50), VBLK_OK);
    assert_int_equal(vblk_spans_remove(&s, 17, 183), VBLK_OK);
    assert_int_equal(vblk_spans_within(&s, 0, 200), 2 + 11 + 2 + 5);
    assert_int_equal(vblk_spans_add(&s, 0, 200), VBLK_OK);
    assert_int_equal(s.count, 1);
    assert_int_equal(vblk_spans_add(&s, 9, 9), VBLK_OK);
    vblk_spans_free(&s);
}

static void spans__bits_are_the_sectors_within(void **state)
{
    static const struct vblk_span spans[] = { { 0, 3 }, { 10, 70 }, { 100, 128 }, { 129, 130 }, { 190, 300 } };
    struct vblk_spans s = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        assert_int_equal(vblk_spans_add(&s, spans[i].start, spans[i].end), VBLK_OK);
    for (uint64_t start = 0; start < 310; start++) {
        const uint64_t bits = vblk_spans_bits(&s, start);

        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(bits >> i & 1, vblk_spans_within(&s, start + i, start + i + 1));
    }
    vblk_spans_free(&s);
}

/* A plain model beside the store: per sector its byte, its stable byte and whether it has space. */
static void random_operations__agree_with_a_plain_model(void **state)
{
    enum { N = 300 };
    struct disk d = make(N);
    uint8_t now[N] = { 0 }, stable[N] = { 0 };
    bool alloc[N] = { false };
    uint32_t seed = 12345;

    (void)state;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned what, at, count;
        uint8_t byte = (uint8_t)(step % 255 + 1);

        seed = seed * 1664525u + 1013904223u;
        what = seed >> 28;
        at = (seed >> 8) % N;
        count = 1 + (seed >> 18) % (N - at > 40 ? 40 : N - at);
        if (what < 6)
            assert_int_equal(put(&d, at, count, byte, what < 2), VBLK_OK);
        else if (what < 9)
            assert_int_equal(d.ops.write_zeroes(d.ops.ctx, at, count, false, what < 7), VBLK_OK);
        else if (what < 11)
            assert_int_equal(d.ops.discard(d.ops.ctx, at, count), VBLK_OK);
        else if (what < 13)
            assert_int_equal(d.ops.provision(d.ops.ctx, at, count), VBLK_OK);
        else if (what == 13)
            assert_int_equal(d.ops.flush(d.ops.ctx), VBLK_OK);
        else if (what == 14 && step % 7 == 0)
            vblk_store_power_cut(d.store, UINT64_MAX);
        for (unsigned i = at; i < at + count; i++) {
            if (what < 6)
                now[i] = byte;
            else if (what < 11)
                now[i] = 0;
            if (what < 2 || what == 6 || what == 9 || what == 10)
                stable[i] = now[i];
            if (what < 9 || what == 11 || what == 12)
                alloc[i] = true;
            else if (what < 11)
                alloc[i] = false;
        }
        if (what == 13 || (what == 14 && step % 7 == 0))
            memcpy(stable, now, sizeof now);
        if (step % 64 == 0) {
            uint64_t sum = 0;

            for (unsigned i = 0; i < N; i++) {
                assert_int_equal(byte_of(&d, i), now[i]);
                assert_int_equal(vblk_store_extent(d.store, i) != VBLK_EXTENT_HOLE, alloc[i]);
                sum += alloc[i];
            }
            assert_int_equal(vblk_store_allocated(d.store), sum);
            assert_int_equal(map_held(d.store, 0, N), sum);
        }
    }
    vblk_store_power_cut(d.store, 0);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(byte_of(&d, i), stable[i]);
    vblk_store_free(d.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacity__two_to_the_55_less_one_is_the_limit),
        cmocka_unit_test(write__holes_read_zero_and_neighbours_stay),
        cmocka_unit_test(write__many_scattered_chunks_are_all_found),
        cmocka_unit_test(view_and_place__runs_end_with_the_chunk_and_with_the_kind),
        cmocka_unit_test(provision__huge_range_costs_nothing_and_keeps_bytes),
        cmocka_unit_test(discard__makes_holes_of_parts),
        cmocka_unit_test(write_zeroes__keeps_or_gives_up_space),
        cmocka_unit_test(secure_erase__leaves_no_bytes_in_the_host),
        cmocka_unit_test(pool__runs_out_and_discard_gives_back),
        cmocka_unit_test(pool__unmapped_space_comes_back_when_stable),
        cmocka_unit_test(shared__a_write_takes_new_space_and_provision_unshares),
        cmocka_unit_test(power_cut__reverts_what_was_not_stable),
        cmocka_unit_test(power_cut__flush_and_stable_writes_hold),
        cmocka_unit_test(power_cut__shared_volatile_write_is_shared_again),
        cmocka_unit_test(failing_sectors__every_operation_that_touches_them_fails),
        cmocka_unit_test(resize__what_was_cut_off_is_gone),
        cmocka_unit_test(ranges_beyond_the_capacity__are_cut),
        cmocka_unit_test(spans__merge_split_and_count),
        cmocka_unit_test(spans__bits_are_the_sectors_within),
        cmocka_unit_test(random_operations__agree_with_a_plain_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
