/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings and drivers at their worst: the oracle survives them, keeps its sight, and does not blame the innocent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define FEATURES (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
#define DESC_AT(i) (WORLD_DESC + 16u * (unsigned)(i))

static void start(struct world *w, uint32_t sees)
{
    world_open(w, sees, false);
    world_start(w, FEATURES, FEATURES);
}

static uint32_t broken_of(const struct world *w, const char *id)
{
    return world_tally(w, id).broken;
}

static void assert_device_innocent(const struct world *w)
{
    for (size_t v = 0; v < vblk_oracle_violation_count(w->o); v++)
        if (vblk_oracle_violation(w->o, v)->guilty != VBLK_DRIVER)
            fail_msg("%s: %s", vblk_oracle_violation(w->o, v)->message, vblk_oracle_violation(w->o, v)->seen);
}

static void load(struct world *w, uint64_t gpa, size_t len)
{
    uint8_t bytes[64];
    assert_int_equal(vblk_memory_read(w->mem, VBLK_DEVICE, gpa, bytes, len), VBLK_OK);
}

static void reset(struct world *w)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
}

/* A read of sector 7, answered with @fill. */
static void read_seven(struct world *w, uint8_t fill)
{
    uint8_t data[512];
    memset(data, fill, sizeof(data));
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    world_answer(w, 0, data, 512, VBLK_S_OK);
}

/* ---- set-up ---- */

static void size_written_after_a_reset__does_not_confuse_the_tables(void **state)
{
    static const uint64_t sizes[] = { 1, 0, 32768, 1u << 20 };
    uint8_t data[512] = { 1 };
    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_request(&w, 2, VBLK_T_OUT, 7, data, 512, 0);
        world_available(&w, 6);
        reset(&w);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, sizes[i]);
        world_close(&w);
    }
}

static void ring_outside_memory_or_of_odd_size__is_not_followed(void **state)
{
    static const struct { enum vblk_reg reg; uint64_t value; } odd[] = {
        { VBLK_REG_QUEUE_SIZE, 3 },
        { VBLK_REG_QUEUE_DESC, UINT64_MAX - 15 },
        { VBLK_REG_QUEUE_DRIVER, UINT64_MAX - 1 },
        { VBLK_REG_QUEUE_DEVICE, UINT64_MAX - 3 },
        { VBLK_REG_QUEUE_DEVICE, (1 << 20) - 8 },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        reset(&w);
        world_reg(&w, VBLK_EV_REG_WRITE, odd[i].reg, odd[i].value);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 15);
        world_store(&w, VBLK_NOBODY, 0, "\x07\x07\x07\x07", 4); /* where an address that wraps leads */
        read_seven(&w, 0);
        world_event(&w, VBLK_EV_QUIET, 100);
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_device_innocent(&w);
        assert_true(broken_of(&w, i == 0 ? "RING-SPLIT-02" : "RING-SPLIT-01") == 1);
        world_close(&w);
    }
}

static void live_queue_moved_or_enabled_twice__device_is_not_blamed(void **state)
{
    static const enum vblk_reg regs[] = { VBLK_REG_QUEUE_DESC, VBLK_REG_QUEUE_DRIVER, VBLK_REG_QUEUE_DEVICE };
    (void)state;
    for (unsigned i = 0; i <= sizeof(regs) / sizeof(regs[0]); i++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        read_seven(&w, 3);
        if (i < 3)
            world_reg(&w, VBLK_EV_REG_WRITE, regs[i], 0x8000);
        else
            world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
        read_seven(&w, 3);
        assert_device_innocent(&w);
        assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 2);
        world_close(&w);
    }
}

static void queue_enabled_with_an_old_index__is_the_drivers_fault(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    read_seven(&w, 3);
    assert_int_equal(broken_of(&w, "RING-SPLIT-12"), 0);
    reset(&w);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-12"), 1);
    world_close(&w);
}

/* ---- the driver's faults ---- */

static void head_reused__device_may_serve_it_twice(void **state)
{
    uint8_t zero[512] = { 0 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_available(&w, 0);
    world_answer(&w, 0, zero, 512, VBLK_S_OK);
    world_answer(&w, 0, zero, 512, VBLK_S_OK);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "SAFE-DRV-02"), 1);
    assert_device_innocent(&w);
    world_close(&w);
}

static void index_jump__device_may_serve_what_lies_there(void **state)
{
    uint8_t zero[512] = { 0 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_store(&w, VBLK_DRIVER, WORLD_AVAIL + 4, "\0\0", 2);
    vblk_memory_barrier(w.mem, VBLK_DRIVER, VBLK_RELEASE);
    assert_int_equal(vblk_memory_store16(w.mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, 100), VBLK_OK);
    world_answer(&w, 0, zero, 512, VBLK_S_OK);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DRV-05"), 1);
    assert_device_innocent(&w);
    world_close(&w);
}

static void malformed_write_that_is_served_all_the_same__leaves_the_disk_unknown(void **state)
{
    uint8_t data[512] = { 1 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    read_seven(&w, 3);
    world_request(&w, 1, VBLK_T_OUT, 7, data, 512, 0);
    world_desc(&w, 5, WORLD_BUFFERS + 0x4000 + 0x3000, 1, VBLK_DESC_WRITE | VBLK_DESC_NEXT, 6);
    world_desc(&w, 6, WORLD_BUFFERS, 16, 0, 0); /* readable after writable */
    world_available(&w, 3);
    world_answer(&w, 1, NULL, 0, VBLK_S_OK);
    read_seven(&w, 1);
    world_start(&w, FEATURES, FEATURES);
    read_seven(&w, 2);
    assert_int_equal(broken_of(&w, "SUPPLY-03"), 1);
    assert_device_innocent(&w);
    world_close(&w);
}

static void buffers_that_overlap__blame_the_driver_alone(void **state)
{
    static const char *const allowed[] = { "SAFE-DRV-03", NULL };
    uint8_t data[512] = { 1 };
    (void)state;
    for (unsigned grade = 0; grade < 2; grade++) {
        struct world w;
        start(&w, grade == 0 ? VBLK_SEES_ALL : VBLK_SEES_DRIVER_STORES);
        world_request(&w, 0, VBLK_T_OUT, 7, data, 512, 0);
        world_request(&w, 1, VBLK_T_IN, 9, NULL, 0, 512);
        world_desc(&w, 4, world_data(0), 512, VBLK_DESC_WRITE | VBLK_DESC_NEXT, 5);
        world_available(&w, 0);
        world_available(&w, 3);
        world_store(&w, VBLK_DEVICE, world_data(0), "\x55\x55", 2);
        world_store(&w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, "\0", 1);
        world_used(&w, 0, 1);
        assert_int_equal(broken_of(&w, "SAFE-DRV-03"), 1);
        assert_null(world_blamed_else(&w, allowed));
        world_close(&w);
    }
}

static void request_changed_in_flight__is_the_drivers_fault_alone(void **state)
{
    static const struct { uint64_t at; bool moved; } changes[] = {
        { WORLD_BUFFERS + 8, false }, { DESC_AT(1) + 1, true }, { WORLD_BUFFERS + 0x3000, false },
    };
    uint8_t data[512] = { 1 };
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        const char *const allowed[] = { "SAFE-DRV-01", NULL };
        struct world w;
        start(&w, i < 3 ? VBLK_SEES_ALL : VBLK_SEES_DRIVER_STORES);
        read_seven(&w, 3);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(&w, 0);
        world_store(&w, VBLK_DRIVER, changes[i % 3].at, "\x09", 1);
        if (changes[i % 3].moved)
            world_store(&w, VBLK_DEVICE, (world_data(0) & ~(uint64_t)0xff00) | 0x900, data, 512);
        world_answer(&w, 0, data, 512, VBLK_S_OK);
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_int_equal(broken_of(&w, "SAFE-DRV-01"), 1);
        assert_null(world_blamed_else(&w, allowed));
        world_close(&w);
    }
}

static void two_chains_that_share_descriptors__tell_nothing_of_the_disk(void **state)
{
    uint8_t data[512] = { 1 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    read_seven(&w, 3);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_request(&w, 1, VBLK_T_IN, 9, NULL, 0, 512);
    world_desc(&w, 3, WORLD_BUFFERS + 0x4000, 16, VBLK_DESC_NEXT, 1);
    world_available(&w, 0);
    world_available(&w, 3);
    world_answer(&w, 0, data, 512, VBLK_S_OK);
    assert_int_equal(broken_of(&w, "SAFE-DRV-02"), 1);
    assert_device_innocent(&w);
    world_close(&w);
}

struct one_row {
    uint16_t flags, next;
    uint64_t gpa;
    uint32_t len;
    const char *clause;
};

static void each_malformed_chain__has_one_row_of_its_own(void **state)
{
    static const struct one_row rows[] = {
        { VBLK_DESC_NEXT, 0, WORLD_BUFFERS, 16, "RING-SPLIT-DRV-03" },
        { 0, 0, (uint64_t)(WORLD_BUFFERS >> 16) << 40, 16 << 24, "RING-SPLIT-05" },
        { 0, 0, (uint64_t)1 << 40, 16, "SAFE-DRV-03" },
        { VBLK_DESC_NEXT, WORLD_SIZE, WORLD_BUFFERS, 16, "SUPPLY-04" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const allowed[] = { rows[i].clause, NULL };
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_desc(&w, 0, rows[i].gpa, rows[i].len, rows[i].flags, rows[i].next);
        world_available(&w, 0);
        assert_int_equal(broken_of(&w, rows[i].clause), 1);
        assert_null(world_blamed_else(&w, allowed));
        world_close(&w);
    }
}

static void chain_through_the_whole_table_and_on__is_too_long(void **state)
{
    static const char *const allowed[] = { "RING-SPLIT-08", NULL };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    for (uint16_t i = 0; i < WORLD_SIZE; i++)
        world_desc(&w, i, WORLD_BUFFERS, 16, VBLK_DESC_NEXT, (uint16_t)((i + 1) % WORLD_SIZE));
    world_available(&w, 0);
    assert_int_equal(broken_of(&w, "RING-SPLIT-08"), 1);
    assert_null(world_blamed_else(&w, allowed));
    world_close(&w);
}

/* Chains that name the same 128 MiB five times: more than is worth remembering. */
static void same_memory_named_again_and_again__costs_no_memory_without_end(void **state)
{
    const struct vblk_region large = { .gpa = 1 << 24, .size = 1 << 27, .fd = -1 };
    (void)state;
    for (unsigned type = 0; type < 2; type++) {
        struct world w;
        start(&w, VBLK_SEES_DRIVER_STORES);
        assert_int_equal(vblk_memory_add(w.mem, &large), VBLK_OK);
        for (uint16_t round = 0; round < 2; round++) {
            for (uint16_t i = 1; i < 6; i++)
                world_desc(&w, (uint16_t)((i + round) % 8), large.gpa, (uint32_t)large.size, VBLK_DESC_NEXT,
                           (uint16_t)((i + round + 1) % 8));
            world_request(&w, 0, type == 0 ? VBLK_T_OUT : VBLK_T_DISCARD, 0, NULL, 0, 0);
            world_desc(&w, round, WORLD_BUFFERS, 16, VBLK_DESC_NEXT, (uint16_t)(round + 1));
            world_desc(&w, (uint16_t)(round + 6), WORLD_BUFFERS + 0x3000, 1, VBLK_DESC_WRITE, 0);
            world_available(&w, round);
            world_store(&w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, type == 0 ? "\x01" : "\x02", 1);
            world_used(&w, round, 1);
        }
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_device_innocent(&w);
        world_close(&w);
    }
}

/* ---- service after a reset ---- */

static void service_after_abuse__is_what_the_row_is_about(void **state)
{
    (void)state;
    for (unsigned abuse = 0; abuse < 2; abuse++) {
        for (unsigned silent = 0; silent < 2; silent++) {
            struct world w;
            start(&w, VBLK_SEES_ALL);
            if (abuse != 0) {
                world_desc(&w, 0, WORLD_BUFFERS, 16, VBLK_DESC_NEXT, 0);
                world_available(&w, 0);
                world_event(&w, VBLK_EV_QUIET, 100);
            }
            world_start(&w, FEATURES, FEATURES);
            world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
            world_available(&w, 0);
            if (silent == 0)
                world_answer(&w, 0, NULL, 0, VBLK_S_OK);
            world_event(&w, VBLK_EV_QUIET, 100);
            assert_int_equal(world_tally(&w, "SAFE-DEV-04").held, abuse != 0 && silent == 0);
            assert_int_equal(broken_of(&w, "SAFE-DEV-04"), abuse != 0 && silent != 0);
            assert_int_equal(broken_of(&w, "SAFE-DEV-03"), abuse == 0 && silent != 0);
            world_close(&w);
        }
    }
}

/* ---- sight ---- */

static void stray_store_before_a_reset__is_found_by_snapshot(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_DRIVER_STORES);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, world_data(0), "\x77", 1); /* in flight: its own */
    world_store(&w, VBLK_DEVICE, world_data(0) + 512, "\x77", 1);
    world_store(&w, VBLK_DEVICE, DESC_AT(7), "\x77", 1);
    world_start(&w, FEATURES, FEATURES);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "SAFE-DEV-01"), 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DEV-04"), 1);
    assert_int_equal(broken_of(&w, "SAFE-DEV-02"), 0);
    world_close(&w);
}

static void descriptor_changed_by_the_device__is_found_by_snapshot(void **state)
{
    static const char *const allowed[] = { "RING-SPLIT-DEV-04", "RING-SPLIT-03", NULL };
    uint8_t data[512] = { 1 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_DRIVER_STORES);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, DESC_AT(1) + 8, "\x00\x01", 2);
    world_answer(&w, 0, data, 512, VBLK_S_OK);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DEV-04"), 1);
    assert_null(world_blamed_else(&w, allowed));
    world_close(&w);
}

static void half_written_answer_of_a_device_that_is_gone__is_its_own(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_DRIVER_STORES);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, world_data(0), "\x77", 1);
    world_event(&w, VBLK_EV_GONE, 0);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "SAFE-DEV-02"), 0);
    assert_int_equal(broken_of(&w, "SAFE-DEV-04"), 1);
    world_close(&w);
}

static void end_of_a_device__is_told_in_what_can_be_printed(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t len;
        const char *seen;
    } told[] = {
        { NULL, 0, "the device went away" },      { "\0x", 2, "the device went away" },
        { "\033[2J", 4, "the device went away" }, { "it hung up", 10, "it hung up" },
        { "it hung up\nPASS", 15, "it hung up" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        struct vblk_event ev = { .kind = VBLK_EV_GONE, .party = VBLK_DEVICE, .len = told[i].len,
                                 .bytes = (const uint8_t *)told[i].bytes };
        struct world w;
        start(&w, VBLK_SEES_DRIVER_STORES);
        vblk_oracle_observe(w.o, &ev);
        assert_int_equal(broken_of(&w, "SAFE-DEV-04"), 1);
        assert_string_equal(vblk_oracle_violation(w.o, 0)->seen, told[i].seen);
        world_close(&w);
    }
}

static void used_index_and_elements_in_one_store__are_seen(void **state)
{
    static const uint8_t ring[4 + 16] = { 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    for (uint16_t n = 0; n < 2; n++) {
        uint64_t status_at = world_request(&w, n, VBLK_T_FLUSH, 0, NULL, 0, 0);
        world_available(&w, (uint16_t)(3 * n));
        world_store(&w, VBLK_DEVICE, status_at, "\0", 1);
    }
    world_store(&w, VBLK_DEVICE, WORLD_USED, ring, sizeof(ring));
    world_event(&w, VBLK_EV_QUIET, 100);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 2);
    assert_int_equal(broken_of(&w, "SAFE-DEV-03"), 0);
    world_close(&w);
}

static void used_index_too_far__does_not_cost_the_sight(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    read_seven(&w, 0);
    assert_int_equal(vblk_memory_store16(w.mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, w.used_idx += 3), VBLK_OK);
    read_seven(&w, 0);
    world_event(&w, VBLK_EV_QUIET, 100);
    assert_int_equal(broken_of(&w, "RING-SPLIT-17"), 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DEV-05"), 0);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 2);
    world_close(&w);
}

/* The device goes on between a look and the driver's own load of idx. */
static void what_the_driver_learned_by_a_load__is_known_before_it_acts(void **state)
{
    uint8_t data[512] = { 0 };
    uint16_t idx;
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_event(&w, VBLK_EV_LOOK, 0);
    world_store(&w, VBLK_DEVICE, world_data(0), data, 512);
    world_store(&w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, "\0", 1);
    world_store(&w, VBLK_DEVICE, WORLD_USED + 4, "\0\0\0\0\x01\x02\0\0", 8);
    assert_int_equal(vblk_memory_store16(w.mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, ++w.used_idx), VBLK_OK);
    assert_int_equal(vblk_memory_load16(w.mem, VBLK_DRIVER, WORLD_USED + 2, VBLK_ACQUIRE, &idx), VBLK_OK);
    read_seven(&w, 0);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(vblk_oracle_violation_count(w.o), 0);
    world_close(&w);
}

static void buffers_up_to_the_last_address__are_the_devices_to_write(void **state)
{
    const uint64_t base = UINT64_MAX - 0xfff;
    uint8_t zero[512] = { 0 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    assert_int_equal(vblk_memory_add(w.mem, &(struct vblk_region){ .gpa = base, .size = 0x1000, .fd = -1 }), VBLK_OK);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_desc(&w, 1, base + 0x1000 - 513, 513, VBLK_DESC_WRITE, 0);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, base + 0x1000 - 513, zero, 512);
    world_store(&w, VBLK_DEVICE, UINT64_MAX, zero, 1);
    world_used(&w, 0, 513);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(vblk_oracle_violation_count(w.o), 0);
    world_close(&w);
}

static void store_over_adjacent_buffers_in_any_order__is_one_buffer_and_no_more(void **state)
{
    static const uint8_t zero[513] = { 0 };
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_desc(&w, 1, world_data(0) + 256, 256, VBLK_DESC_WRITE | VBLK_DESC_NEXT, 3);
        world_desc(&w, 3, world_data(0), 256, VBLK_DESC_WRITE | VBLK_DESC_NEXT, 2);
        world_available(&w, 0);
        world_store(&w, VBLK_DEVICE, world_data(0), zero, 512 + over);
        assert_int_equal(broken_of(&w, "SAFE-DEV-01"), over);
        world_close(&w);
    }
}

/* ---- double fetches ---- */

static void descriptor_by_fields__is_one_fetch(void **state)
{
    static const uint8_t offset[] = { 0, 8, 12, 14 }, len[] = { 8, 4, 2, 2 };
    (void)state;
    for (unsigned again = 0; again <= 4; again++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
        world_available(&w, 0);
        load(&w, WORLD_AVAIL + 4, 2);
        for (unsigned i = 0; i < 4; i++)
            load(&w, DESC_AT(0) + offset[i], len[i]);
        load(&w, DESC_AT(2), 16);
        if (again < 4)
            load(&w, DESC_AT(0) + offset[again], len[again]);
        assert_int_equal(broken_of(&w, "SAFE-DEV-06"), again < 4);
        world_close(&w);
    }
}

static void header_twice__is_a_double_fetch_and_payload_twice_is_not(void **state)
{
    uint8_t data[512] = { 1 };
    (void)state;
    for (unsigned payload = 0; payload < 2; payload++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_request(&w, 0, VBLK_T_OUT, 7, data, 512, 0);
        world_available(&w, 0);
        for (unsigned i = 0; i < 3; i++)
            load(&w, DESC_AT(i), 16);
        for (unsigned i = 0; i < 2; i++)
            load(&w, payload != 0 ? world_data(0) : WORLD_BUFFERS, 16);
        assert_int_equal(broken_of(&w, "SAFE-DEV-06"), payload == 0);
        world_close(&w);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_written_after_a_reset__does_not_confuse_the_tables),
        cmocka_unit_test(ring_outside_memory_or_of_odd_size__is_not_followed),
        cmocka_unit_test(live_queue_moved_or_enabled_twice__device_is_not_blamed),
        cmocka_unit_test(queue_enabled_with_an_old_index__is_the_drivers_fault),
        cmocka_unit_test(head_reused__device_may_serve_it_twice),
        cmocka_unit_test(index_jump__device_may_serve_what_lies_there),
        cmocka_unit_test(malformed_write_that_is_served_all_the_same__leaves_the_disk_unknown),
        cmocka_unit_test(buffers_that_overlap__blame_the_driver_alone),
        cmocka_unit_test(request_changed_in_flight__is_the_drivers_fault_alone),
        cmocka_unit_test(two_chains_that_share_descriptors__tell_nothing_of_the_disk),
        cmocka_unit_test(each_malformed_chain__has_one_row_of_its_own),
        cmocka_unit_test(chain_through_the_whole_table_and_on__is_too_long),
        cmocka_unit_test(same_memory_named_again_and_again__costs_no_memory_without_end),
        cmocka_unit_test(service_after_abuse__is_what_the_row_is_about),
        cmocka_unit_test(stray_store_before_a_reset__is_found_by_snapshot),
        cmocka_unit_test(descriptor_changed_by_the_device__is_found_by_snapshot),
        cmocka_unit_test(half_written_answer_of_a_device_that_is_gone__is_its_own),
        cmocka_unit_test(end_of_a_device__is_told_in_what_can_be_printed),
        cmocka_unit_test(used_index_and_elements_in_one_store__are_seen),
        cmocka_unit_test(used_index_too_far__does_not_cost_the_sight),
        cmocka_unit_test(what_the_driver_learned_by_a_load__is_known_before_it_acts),
        cmocka_unit_test(buffers_up_to_the_last_address__are_the_devices_to_write),
        cmocka_unit_test(store_over_adjacent_buffers_in_any_order__is_one_buffer_and_no_more),
        cmocka_unit_test(descriptor_by_fields__is_one_fetch),
        cmocka_unit_test(header_twice__is_a_double_fetch_and_payload_twice_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
