/* SPDX-License-Identifier: BSD-3-Clause */
/* What a finding says: whose fault it is, where it was seen, and the bytes that were there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define BASE (F(VERSION_1) | F(FLUSH))
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define STATUS_AT (WORLD_BUFFERS + 0x3000)

static void start(struct world *w)
{
    world_open(w, VBLK_SEES_ALL, true);
    world_start(w, BASE, BASE);
}

static const struct vblk_violation *finding(const struct world *w, const char *clause)
{
    for (size_t v = 0; v < vblk_oracle_violation_count(w->o); v++)
        if (vblk_oracle_violation(w->o, v)->clause == vblk_clause_find(clause))
            return vblk_oracle_violation(w->o, v);
    fail_msg("%s was not found broken", clause);
    return NULL;
}

static void flush_pending(struct world *w)
{
    world_request(w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(w, 0);
}

static void read_pending(struct world *w)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
}

static void wrong_status(struct world *w)
{
    flush_pending(w);
    world_answer(w, 0, NULL, 0, 77);
}

static void no_status(struct world *w)
{
    flush_pending(w);
    world_used(w, 0, 1);
}

static void wrong_data(struct world *w)
{
    uint8_t data[512] = { 0 };

    data[300] = 9;
    read_pending(w);
    world_answer(w, 0, data, sizeof(data), VBLK_S_OK);
}

static void store_at(struct world *w, uint64_t gpa)
{
    read_pending(w);
    world_store(w, VBLK_DEVICE, gpa, "\x5a", 1);
}

static void load_at(struct world *w, uint64_t gpa)
{
    uint8_t byte;

    read_pending(w);
    assert_int_equal(vblk_memory_read(w->mem, VBLK_DEVICE, gpa, &byte, 1), VBLK_OK);
}

static void driver_stores_at(struct world *w, uint64_t gpa)
{
    read_pending(w);
    world_store(w, VBLK_DRIVER, gpa, "\x5a", 1);
}

static void used_of_nobody(struct world *w)
{
    read_pending(w);
    world_used(w, 5, 1);
}

static void used_too_long(struct world *w)
{
    flush_pending(w);
    world_store(w, VBLK_DEVICE, STATUS_AT, "", 1);
    world_used(w, 0, 2);
}

enum by { DEVICE_STORES, DEVICE_LOADS, DRIVER_STORES };
#define NONE 0xffffu /* no head, id or slot */

static void an_access_is_found_where_it_was(void **state)
{
    static const struct {
        enum by by;
        uint64_t gpa, shown;
        const char *clause;
        uint32_t index;
        bool byte; /* is shown, too */
    } rows[] = {
        { DEVICE_STORES, 0x8000, 0x8000, "SAFE-DEV-01", NONE, true },
        { DEVICE_STORES, WORLD_DESC + 5, WORLD_DESC + 5, "RING-SPLIT-03", NONE, false },
        { DEVICE_STORES, WORLD_DESC + 5, WORLD_DESC + 5, "RING-SPLIT-DEV-04", NONE, false },
        { DEVICE_STORES, WORLD_AVAIL, WORLD_AVAIL, "RING-SPLIT-11", NONE, false },
        { DEVICE_STORES, WORLD_AVAIL + 2, WORLD_AVAIL + 2, "RING-SPLIT-11", NONE, false },
        { DEVICE_STORES, WORLD_AVAIL + 6, WORLD_AVAIL + 6, "RING-SPLIT-03", NONE, false },
        { DEVICE_STORES, WORLD_BUFFERS + 4, WORLD_BUFFERS + 4, "RING-SPLIT-DEV-01", 0, false },
        { DEVICE_STORES, WORLD_USED, WORLD_USED, "NOTIF-AVAIL-DEV-01", NONE, false },
        { DEVICE_STORES, WORLD_USED + 2, WORLD_USED + 2, "RING-SPLIT-17", NONE, false },
        { DEVICE_STORES, WORLD_USED + 20, WORLD_USED + 20, "RING-SPLIT-DEV-05", NONE, false },
        { DEVICE_LOADS, WORLD_BUFFERS + 0x1000, WORLD_BUFFERS + 0x1000, "RING-SPLIT-DEV-02", 0, false },
        { DEVICE_LOADS, 0x8000, 0x8000, "RSVF-06", NONE, false },
        { DRIVER_STORES, WORLD_DESC + 20, WORLD_DESC + 20, "SAFE-DRV-01", NONE, true },
        { DRIVER_STORES, WORLD_BUFFERS + 3, WORLD_BUFFERS + 3, "SAFE-DRV-01", 0, true },
        { DRIVER_STORES, WORLD_BUFFERS + 0x1003, WORLD_BUFFERS + 0x1003, "SAFE-DRV-01", 0, true },
        { DRIVER_STORES, WORLD_USED + 4, WORLD_USED + 4, "RING-SPLIT-14", NONE, false },
        { DRIVER_STORES, WORLD_USED + 4, WORLD_USED + 4, "RING-SPLIT-03", NONE, false },
        { DRIVER_STORES, WORLD_AVAIL + 4, WORLD_AVAIL + 4, "CLEAN-DRV-02", NONE, false },
        { DRIVER_STORES, WORLD_AVAIL + 3, WORLD_AVAIL + 2, "RING-SPLIT-DRV-05", NONE, false }, /* all of idx */
    };
    static void (*const acts[])(struct world *, uint64_t) = { store_at, load_at, driver_stores_at };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world w;

        start(&w);
        acts[rows[i].by](&w, rows[i].gpa);
        const struct vblk_violation *v = finding(&w, rows[i].clause);
        assert_int_equal(v->guilty, rows[i].by == DRIVER_STORES ? VBLK_DRIVER : VBLK_DEVICE);
        assert_true(v->has_address);
        if (v->address != rows[i].shown || v->index != rows[i].index || v->byte_count != rows[i].byte)
            fail_msg("row %zu: at 0x%llx, index %u, %u bytes", i, (unsigned long long)v->address, v->index, v->byte_count);
        assert_int_equal(v->bytes[0], rows[i].byte ? 0x5a : 0);
        world_close(&w);
    }
}

static void an_answer_is_shown_with_what_was_wrong_about_it(void **state)
{
    static const struct {
        void (*answer)(struct world *w);
        const char *clause;
        uint32_t index;
        bool has_address;
        uint64_t address;
        uint8_t bytes, first;
        const char *seen;
    } rows[] = {
        { wrong_status, "BLK-OP-20", 0, true, STATUS_AT, 1, 77, "status 0x4d" },
        { no_status, "BLK-OP-01", 0, true, STATUS_AT, 0, 0, "it was left as it was" },
        { no_status, "RING-SPLIT-DEV-06", 0, false, 0, 0, 0, "length 1, 0 bytes written from the start" },
        { wrong_data, "BLK-OP-08", 0, true, 7, 16, 9,
          "sector 7, byte 300: 09000000000000000000000000000000 where 00000000000000000000000000000000 was due" },
        { used_of_nobody, "RING-SPLIT-15", 5, true, WORLD_USED + 4, 0, 0, "id 5 is not outstanding" },
        { used_too_long, "VQ-02", 0, false, 0, 0, 0, "length 2 of 1 bytes" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world w;

        start(&w);
        rows[i].answer(&w);
        const struct vblk_violation *v = finding(&w, rows[i].clause);
        assert_int_equal(v->guilty, VBLK_DEVICE);
        assert_string_equal(v->seen, rows[i].seen);
        assert_int_equal(v->index, rows[i].index);
        assert_int_equal(v->has_address, rows[i].has_address);
        assert_true(v->address == rows[i].address);
        assert_int_equal(v->byte_count, rows[i].bytes);
        assert_int_equal(v->bytes[0], rows[i].first);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_is_found_where_it_was),
        cmocka_unit_test(an_answer_is_shown_with_what_was_wrong_about_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
