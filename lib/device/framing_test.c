/* SPDX-License-Identifier: BSD-3-Clause */
/* Every way to cut a request into buffers, and chains that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)
#define OUT_BYTES (16u + 512u)
#define IN_BYTES 513u

/* Cut [gpa, gpa + len) into pieces of the given sizes, the last size repeated; 0 ends it. @return buffers added. */
static unsigned cut(struct vblk_element *bufs, uint64_t gpa, uint32_t len, const uint32_t *sizes, bool writable)
{
    unsigned n = 0;

    while (len) {
        uint32_t piece = *sizes && *sizes < len ? *sizes : len;

        bufs[n++] = (struct vblk_element){ gpa, piece, writable };
        gpa += piece;
        len -= piece;
        if (sizes[1])
            sizes++;
    }
    return n;
}

static const uint32_t cuts[][8] = {
    { 0 },     /* all in one */
    { 16, 0 }, /* header apart, data in pieces of 16 */
    { 1, 15, 512, 0 },
    { 8, 16, 0 }, /* data begins inside a buffer */
    { 16, 511, 1, 0 },
    { 15, 2, 511, 0 },
    { 1, 1, 1, 1, 1, 1, 523, 0 },
    { 512, 1, 0 }, /* status alone behind whole data */
    { 100, 0 },
    { 17, 13, 0 },
};
#define CUTS (sizeof cuts / sizeof cuts[0])

static void header_at(struct rig *r, uint64_t gpa, uint32_t type, uint64_t sector)
{
    const struct vblk_request_header header = { vblk_put32(type), vblk_put32(0xdeadbeef), vblk_put64(sector) };

    assert_int_equal(vblk_memory_poke(r->mem, gpa, &header, sizeof header), VBLK_OK);
}

static uint8_t peek8(struct rig *r, uint64_t gpa)
{
    uint8_t byte;

    assert_int_equal(vblk_memory_peek(r->mem, gpa, &byte, 1), VBLK_OK);
    return byte;
}

static struct answer go(struct rig *r, const struct vblk_element *bufs, unsigned n)
{
    rig_chain(r, 0, bufs, n);
    vblk_device_serve(r->device, 0);
    return rig_reap(r, 0);
}

static void framing__any_cut_means_the_same(void **state)
{
    const uint64_t head = RIG_BUFFERS, body = RIG_BUFFERS + 0x10000;
    struct vblk_element bufs[RIG_QUEUE];
    uint8_t data[512], back[512];
    struct answer a;
    struct rig r;

    (void)state;
    rig_up(&r);
    for (size_t c = 0; c < CUTS * CUTS; c++) {
        const uint32_t *out = cuts[c % CUTS], *in = cuts[c / CUTS];
        unsigned n;

        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)(i * 7 + c);
        header_at(&r, head, VBLK_T_OUT, c);
        assert_int_equal(vblk_memory_poke(r.mem, head + 16, data, sizeof data), VBLK_OK);
        assert_int_equal(vblk_memory_poke(r.mem, body, "\xee", 1), VBLK_OK);
        n = cut(bufs, head, OUT_BYTES, out, false);
        bufs[n++] = (struct vblk_element){ body, 1, true };
        a = go(&r, bufs, n);
        assert_true(a.used);
        assert_int_equal(a.len, 1);
        assert_int_equal(peek8(&r, body), VBLK_S_OK);

        header_at(&r, head, VBLK_T_IN, c);
        assert_int_equal(vblk_memory_poke(r.mem, body + 512, "\xee\xdd", 2), VBLK_OK);
        n = cut(bufs, head, 16, out, false);
        n += cut(bufs + n, body, IN_BYTES, in, true);
        a = go(&r, bufs, n);
        assert_true(a.used);
        assert_int_equal(a.len, IN_BYTES);
        assert_int_equal(peek8(&r, body + 512), VBLK_S_OK);
        assert_int_equal(peek8(&r, body + 513), 0xdd);
        assert_int_equal(vblk_memory_peek(r.mem, body, back, sizeof back), VBLK_OK);
        assert_memory_equal(back, data, sizeof data);
    }
    rig_close(&r);
}

static void framing__segments_cut_anywhere_and_joined_with_the_header(void **state)
{
    const uint64_t head = RIG_BUFFERS, status = RIG_BUFFERS + 4096;
    struct vblk_segment segments[3];
    struct vblk_element bufs[RIG_QUEUE];
    struct rig r;

    (void)state;
    rig_up(&r);
    for (unsigned i = 0; i < 3; i++)
        segments[i] = (struct vblk_segment){ vblk_put64(i * 10), vblk_put32(i + 1), vblk_put32(0) };
    for (size_t c = 0; c < CUTS; c++) {
        unsigned n;

        vblk_store_reset(r.store, r.options.capacity);
        header_at(&r, head, 15, UINT64_MAX); /* the header's sector means nothing here */
        assert_int_equal(vblk_memory_poke(r.mem, head + 16, segments, sizeof segments), VBLK_OK);
        n = cut(bufs, head, 16 + sizeof segments, cuts[c], false);
        bufs[n++] = (struct vblk_element){ status, 1, true };
        assert_int_equal(go(&r, bufs, n).len, 1);
        assert_int_equal(peek8(&r, status), VBLK_S_OK);
        assert_int_equal(vblk_store_allocated(r.store), 6);
    }
    rig_close(&r);
}

static void framing__empty_buffers_are_passed_over(void **state)
{
    const uint64_t head = RIG_BUFFERS, body = RIG_BUFFERS + 4096;
    const struct vblk_element bufs[] = {
        { 0, 0, false },     { head, 16, false },     { head, 0, false },      { body, 0, true },
        { body, 512, true }, { UINT64_MAX, 0, true }, { body + 512, 1, true }, { body, 0, true },
    };
    struct answer a;
    struct rig r;

    (void)state;
    rig_up(&r);
    header_at(&r, head, VBLK_T_IN, 0);
    a = go(&r, bufs, 8);
    assert_true(a.used);
    assert_int_equal(a.len, 513);
    assert_int_equal(peek8(&r, body + 512), VBLK_S_OK);
    rig_close(&r);
}

/* Which bytes the device read how often. */
struct reads {
    uint8_t count[0x4000];
    unsigned stores;
};
static void count_reads(void *ctx, const struct vblk_event *ev)
{
    struct reads *reads = ctx;

    if (ev->party != VBLK_DEVICE)
        return;
    if (ev->kind == VBLK_EV_STORE)
        reads->stores++;
    for (uint64_t i = 0; ev->kind == VBLK_EV_LOAD && i < ev->len; i++) {
        if (ev->at + i >= RIG_BUFFERS && ev->at + i < RIG_BUFFERS + sizeof reads->count)
            reads->count[ev->at + i - RIG_BUFFERS]++;
    }
}

static void fetches__each_byte_once_in_every_type(void **state)
{
    static struct reads reads;
    const uint32_t types[] = { 0, 1, 4, 8, 10, 11, 13, 14, 15, 99 };
    const uint32_t pieces[] = { 7, 0 };
    struct vblk_element bufs[RIG_QUEUE];
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_memory_set_tap(r.mem, count_reads, &reads);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        unsigned n = cut(bufs, RIG_BUFFERS, 16 + 64, pieces, false);

        memset(&reads, 0, sizeof reads);
        header_at(&r, RIG_BUFFERS, types[t], 0);
        n += cut(bufs + n, RIG_BUFFERS + 0x1000, 100, pieces, true);
        assert_true(go(&r, bufs, n).used);
        for (size_t i = 0; i < sizeof reads.count; i++)
            assert_true(reads.count[i] <= 1);
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(reads.count[i], 1);
        assert_true(reads.stores > 0);
    }
    vblk_memory_set_tap(r.mem, NULL, NULL);
    rig_close(&r);
}

static void malformed__answered_where_there_is_room(void **state)
{
    const uint64_t at = RIG_BUFFERS;
    const struct {
        struct vblk_element bufs[3];
        unsigned n;
        uint32_t len;
        bool answered;
    } cases[] = {
        { { { at, 15, false }, { at + 600, 1, true } }, 2, 1, true },   /* short header */
        { { { at, 15, false }, { at + 88, 513, true } }, 2, 0, true },  /* and room for data */
        { { { at + 600, 1, true } }, 1, 1, true },                      /* no header */
        { { { at, 528, false } }, 1, 0, false },                        /* no status */
        { { { at, 528, false }, { at + 600, 0, true } }, 2, 0, false }, /* an empty one */
        { { { at, 3, false } }, 1, 0, false },
        { { { at, 0, false } }, 1, 0, false },
    };
    struct rig r;

    (void)state;
    rig_up(&r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer a;

        header_at(&r, at, VBLK_T_OUT, 0);
        assert_int_equal(vblk_memory_poke(r.mem, at + 600, "\xee", 1), VBLK_OK);
        a = go(&r, cases[i].bufs, cases[i].n);
        assert_true(a.used);
        assert_int_equal(a.len, cases[i].len);
        assert_int_equal(peek8(&r, at + 600), cases[i].answered ? VBLK_S_IOERR : 0xee);
    }
    assert_int_equal(vblk_store_allocated(r.store), 0);
    assert_int_equal(vblk_device_status(r.device), 15);
    rig_close(&r);
}

static void malformed__resets_under_the_other_reading(void **state)
{
    const struct vblk_element bufs[] = { { RIG_BUFFERS, 15, false }, { RIG_BUFFERS + 16, 1, true } };
    char why[100];
    struct rig r;

    (void)state;
    rig_defaults(&r);
    assert_int_equal(vblk_readings_set(&r.options.readings, "AMB-15=reset", why, sizeof why), VBLK_OK);
    rig_open(&r);
    rig_start(&r, V1, 1);
    assert_false(go(&r, bufs, 2).used);
    assert_int_equal(vblk_device_status(r.device), 15 | VBLK_STATUS_NEEDS_RESET);
    assert_int_equal(r.config_notes, 1);
    rig_close(&r);
}

static void segment_cut_short__resets_under_the_other_reading(void **state)
{
    const struct vblk_element bufs[] = { { RIG_BUFFERS, 16 + 24, false }, { RIG_BUFFERS + 64, 1, true } };
    char why[100];

    (void)state;
    for (int resets = 0; resets < 2; resets++) {
        struct rig r;

        rig_defaults(&r);
        if (resets)
            assert_int_equal(vblk_readings_set(&r.options.readings, "AMB-15=reset", why, sizeof why), VBLK_OK);
        rig_open(&r);
        rig_start(&r, r.options.features, 1);
        header_at(&r, RIG_BUFFERS, VBLK_T_DISCARD, 0);
        assert_int_equal(go(&r, bufs, 2).used, !resets);
        assert_int_equal(vblk_device_status(r.device), resets ? 15 | VBLK_STATUS_NEEDS_RESET : 15);
        assert_int_equal(r.config_notes, resets);
        rig_close(&r);
    }
}

static void malformed__too_many_descriptors(void **state)
{
    struct answer a;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.chain_max = 3;
    rig_open(&r);
    rig_start(&r, V1, 1);
    a = rig_ask(&r, VBLK_T_IN, 0, "", 0, 512); /* three */
    assert_int_equal(a.status, VBLK_S_OK);
    a = rig_ask(&r, VBLK_T_IN, 0, "0123456789abcdef", 16, 512); /* four */
    assert_int_equal(a.status, VBLK_S_IOERR);
    assert_int_equal(a.len, 0);
    rig_close(&r);
}

static void malformed__more_than_four_gigabytes(void **state)
{
    const struct vblk_region big = { .gpa = UINT64_C(1) << 32, .size = 1u << 27, .fd = -1 };
    struct vblk_element bufs[RIG_QUEUE];
    struct answer a;
    unsigned n = 0;
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_int_equal(vblk_memory_add(r.mem, &big), VBLK_OK);
    header_at(&r, RIG_BUFFERS, VBLK_T_GET_LIFETIME, 0);
    bufs[n++] = (struct vblk_element){ RIG_BUFFERS, 16, false };
    while (n < 32)
        bufs[n++] = (struct vblk_element){ big.gpa, 1u << 27, true };
    bufs[n++] = (struct vblk_element){ RIG_BUFFERS + 16, 1, true };
    a = go(&r, bufs, n); /* 31 * 128 MiB and a status byte */
    assert_int_equal(a.len, 6);
    assert_int_equal(peek8(&r, RIG_BUFFERS + 16), VBLK_S_OK);
    bufs[n - 1] = bufs[n - 2];
    bufs[n++] = (struct vblk_element){ RIG_BUFFERS + 16, 1, true };
    a = go(&r, bufs, n);
    assert_true(a.used);
    assert_int_equal(a.len, 0);
    assert_int_equal(peek8(&r, RIG_BUFFERS + 16), VBLK_S_IOERR);
    rig_close(&r);
}

/* What a hostile driver writes into the ring, each alone. */
static void loop(struct rig *r)
{
    rig_desc(r, 0, 0, RIG_BUFFERS, 16, VBLK_DESC_NEXT, 1);
    rig_desc(r, 0, 1, RIG_BUFFERS, 16, VBLK_DESC_NEXT, 0);
    rig_avail(r, 0, 0);
}
static void head_range(struct rig *r)
{
    rig_avail(r, 0, RIG_QUEUE);
}
static void next_range(struct rig *r)
{
    rig_desc(r, 0, 0, RIG_BUFFERS, 16, VBLK_DESC_NEXT, 0xffff);
    rig_avail(r, 0, 0);
}
static void bad_address(struct rig *r)
{
    rig_desc(r, 0, 0, RIG_BASE + RIG_SIZE - 8, 16, 0, 0);
    rig_avail(r, 0, 0);
}
static void indirect(struct rig *r)
{
    rig_desc(r, 0, 0, RIG_BUFFERS, 16, VBLK_DESC_INDIRECT, 0);
    rig_avail(r, 0, 0);
}
static void wrapping_address(struct rig *r)
{
    rig_desc(r, 0, 0, UINT64_MAX - 10, 20, VBLK_DESC_WRITE, 0);
    rig_avail(r, 0, 0);
}
static void write_then_read(struct rig *r)
{
    rig_desc(r, 0, 0, RIG_BUFFERS, 16, VBLK_DESC_NEXT | VBLK_DESC_WRITE, 1);
    rig_desc(r, 0, 1, RIG_BUFFERS, 16, 0, 0);
    rig_avail(r, 0, 0);
}
static void jump(struct rig *r)
{
    r->avail[0] = (uint16_t)(r->avail[0] + RIG_QUEUE);
    rig_avail(r, 0, 0);
}

static void structural_fault__stops_the_queue_until_reset(void **state)
{
    void (*const faults[])(struct rig * r) = { loop,     head_range,       next_range,      bad_address,
                                               indirect, wrapping_address, write_then_read, jump };
    const struct vblk_element flush[] = { { RIG_BUFFERS + 0x2000, 16, false }, { RIG_BUFFERS + 0x3000, 1, true } };
    static struct reads reads;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        rig_start(&r, r.options.features, 2);
        r.config_notes = r.used_notes = 0;
        faults[i](&r);
        assert_int_equal(vblk_device_serve(r.device, 0), 0);
        assert_int_equal(vblk_device_status(r.device), 15 | VBLK_STATUS_NEEDS_RESET);
        assert_int_equal(r.config_notes, 1);
        assert_int_equal(r.used_notes, 0);
        assert_false(rig_reap(&r, 0).used);
        memset(&reads, 0, sizeof reads);
        vblk_memory_set_tap(r.mem, count_reads, &reads);
        rig_chain(&r, 0, flush, 2);
        assert_int_equal(vblk_device_serve(r.device, 0), 0);
        assert_int_equal(reads.stores, 0);
        vblk_memory_set_tap(r.mem, NULL, NULL);
        header_at(&r, flush[0].gpa, VBLK_T_FLUSH, 0);
        rig_chain(&r, 1, flush, 2); /* the other queue goes on */
        assert_int_equal(vblk_device_serve(r.device, 1), 1);
        rig_start(&r, r.options.features, 1);
        assert_int_equal(rig_byte(&r, 0), 0);
    }
    rig_close(&r);
}

/* Memory that goes away under a request: resolves nothing from the first data byte on. */
static bool away;
static void *resolve(void *ctx, enum vblk_party party, uint64_t gpa, uint64_t len, bool store)
{
    struct vblk_memory *mem = ctx;

    (void)party;
    (void)store;
    return away && gpa >= RIG_BUFFERS + 16 ? NULL : (void *)(uintptr_t)vblk_memory_view(mem, gpa, len);
}

static void memory__that_goes_away_is_an_ioerr(void **state)
{
    const struct vblk_element out[] = { { RIG_BUFFERS, 16, false },
                                    { RIG_BUFFERS + 16, 512, false },
                                    { RIG_BASE + 0xf0000, 1, true } };
    const struct vblk_element in[] = { { RIG_BUFFERS, 16, false }, { RIG_BUFFERS + 16, 513, true } };
    struct answer a;
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_memory_set_view(r.mem, resolve, r.mem);
    away = true;
    header_at(&r, RIG_BUFFERS, VBLK_T_OUT, 0);
    a = go(&r, out, 3);
    assert_true(a.used);
    assert_int_equal(peek8(&r, RIG_BASE + 0xf0000), VBLK_S_IOERR);
    header_at(&r, RIG_BUFFERS, 15, 0);
    a = go(&r, out, 3);
    assert_true(a.used);
    assert_int_equal(peek8(&r, RIG_BASE + 0xf0000), VBLK_S_IOERR);
    header_at(&r, RIG_BUFFERS, VBLK_T_IN, 0);
    a = go(&r, in, 2);
    assert_true(a.used);
    assert_int_equal(a.len, 0);
    away = false;
    vblk_memory_set_view(r.mem, NULL, NULL);
    assert_int_equal(rig_byte(&r, 0), 0);
    /* And the ring itself. */
    assert_int_equal(vblk_memory_remove(r.mem, RIG_BASE), VBLK_OK);
    assert_int_equal(vblk_device_serve(r.device, 0), 0);
    assert_true(vblk_device_status(r.device) & VBLK_STATUS_NEEDS_RESET);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing__any_cut_means_the_same),
        cmocka_unit_test(framing__segments_cut_anywhere_and_joined_with_the_header),
        cmocka_unit_test(framing__empty_buffers_are_passed_over),
        cmocka_unit_test(fetches__each_byte_once_in_every_type),
        cmocka_unit_test(malformed__answered_where_there_is_room),
        cmocka_unit_test(malformed__resets_under_the_other_reading),
        cmocka_unit_test(segment_cut_short__resets_under_the_other_reading),
        cmocka_unit_test(malformed__too_many_descriptors),
        cmocka_unit_test(malformed__more_than_four_gigabytes),
        cmocka_unit_test(structural_fault__stops_the_queue_until_reset),
        cmocka_unit_test(memory__that_goes_away_is_an_ioerr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
