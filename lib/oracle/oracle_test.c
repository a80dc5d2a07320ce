/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define FEATURES (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
static const char *const nobody[] = { NULL };

static void start(struct world *w, uint32_t sees)
{
    world_open(w, sees, true);
    world_start(w, FEATURES, FEATURES);
}

static uint32_t broken_of(const struct world *w, const char *id)
{
    return world_tally(w, id).broken;
}

/* ---- lawful ---- */

static void lawful_io(struct world *w)
{
    uint8_t data[512], zero[512] = { 0 };
    memset(data, 0x5c, sizeof(data));
    for (unsigned i = 0; i < 3; i++) {
        world_request(w, 0, VBLK_T_OUT, 7, data, 512, 0);
        world_available(w, 0);
        world_answer(w, 0, NULL, 0, VBLK_S_OK);
        world_request(w, 1, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(w, 3);
        world_answer(w, 1, data, 512, VBLK_S_OK);
        world_request(w, 1, VBLK_T_IN, 8, NULL, 0, 512);
        world_available(w, 3);
        world_answer(w, 1, zero, 512, VBLK_S_OK);
    }
}

static void lawful_io__blames_nobody_and_shows_evidence(void **state)
{
    const uint32_t sights[] = { VBLK_SEES_ALL, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS, 0 };
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        start(&w, sights[i]);
        lawful_io(&w);
        world_event(&w, VBLK_EV_LOOK, 0);
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_null(world_blamed_else(&w, nobody));
        assert_int_equal(world_tally(&w, "BLK-OP-08").held, 6);
        assert_int_equal(world_tally(&w, "BLK-OP-09").held, 3);
        assert_true(world_tally(&w, "RING-SPLIT-15").held == 9);
        world_close(&w);
    }
}

static void pending_and_unexercised_rows__are_never_a_pass(void **state)
{
    struct world w;
    struct vblk_target_facts facts = { .profile = *vblk_profile_default(), .grade = VBLK_GRADE_ACCESS,
                                       .offered = FEATURES };
    const char *why;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        struct vblk_tally t = vblk_oracle_tally(w.o, no);
        enum vblk_verdict v = vblk_verdict_of(no, &t, &facts, &why);
        assert_true(t.held > 0 || v != VBLK_VERDICT_PASS);
        assert_true(t.held + t.noted + t.broken + t.doubted > 0 || strlen(why) > 0);
    }
    world_close(&w);
}

/* ---- the device's faults, at both grades ---- */

static void wrong_data__is_blamed_on_the_write_that_it_belies(void **state)
{
    static const char *const allowed[] = { "BLK-OP-09", NULL };
    uint8_t data[512], other[512];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        memset(data, 0x5c, sizeof(data));
        memcpy(other, data, sizeof(other));
        other[300] ^= 1;
        start(&w, i == 0 ? VBLK_SEES_ALL : VBLK_SEES_DRIVER_STORES);
        world_request(&w, 0, VBLK_T_OUT, 7, data, 512, 0);
        world_available(&w, 0);
        world_answer(&w, 0, NULL, 0, VBLK_S_OK);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(&w, 0);
        world_answer(&w, 0, other, 512, VBLK_S_OK);
        assert_int_equal(broken_of(&w, "BLK-OP-09"), 1);
        assert_null(world_blamed_else(&w, allowed));
        assert_int_equal(vblk_oracle_violation(w.o, 0)->address, 7);
        assert_int_equal(vblk_oracle_violation(w.o, 0)->guilty, VBLK_DEVICE);
        world_close(&w);
    }
}

static void element_published_before_it_is_stored__blames_the_order_alone(void **state)
{
    static const char *const allowed[] = { "RING-SPLIT-DEV-05", NULL };
    struct vblk_used_elem e = { vblk_put32(0), vblk_put32(1) };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    uint64_t status_at = world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, status_at, "\0", 1);
    assert_int_equal(vblk_memory_store16(w.mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, 1), VBLK_OK);
    world_store(&w, VBLK_DEVICE, WORLD_USED + 4, &e, sizeof(e));
    world_event(&w, VBLK_EV_USED_NOTIFY, 0);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DEV-05"), 1);
    assert_null(world_blamed_else(&w, allowed));
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 1); /* judged once the element came */
    world_close(&w);
}

struct stray {
    uint64_t at;
    bool after_use;
    const char *clause;
};

static void stray_store__is_found_and_named_by_place(void **state)
{
    static const struct stray strays[] = {
        { WORLD_DESC + 16 * 7, false, "RING-SPLIT-DEV-04" }, { WORLD_AVAIL + 4 + 2 * 5, false, "RING-SPLIT-11" },
        { 0x8000, false, "SAFE-DEV-01" },                    { WORLD_BUFFERS + 0x3001, false, "SAFE-DEV-01" },
        { WORLD_BUFFERS + 0x1000, true, "SAFE-DEV-02" },
    };
    static const char *const synonyms[] = { "RING-SPLIT-03", NULL, NULL };
    uint8_t zero[512] = { 0 };
    (void)state;
    for (unsigned grade = 0; grade < 2; grade++) {
        for (unsigned i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
            const char *allowed[3];
            struct world w;
            memcpy(allowed, synonyms, sizeof(allowed));
            allowed[1] = strays[i].clause;
            start(&w, grade == 0 ? VBLK_SEES_ALL : VBLK_SEES_DRIVER_STORES);
            world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
            world_available(&w, 0);
            if (!strays[i].after_use)
                world_store(&w, VBLK_DEVICE, strays[i].at, "\x77", 1);
            world_answer(&w, 0, zero, 512, VBLK_S_OK);
            if (strays[i].after_use)
                world_store(&w, VBLK_DEVICE, strays[i].at, "\x77", 1);
            world_event(&w, VBLK_EV_CASE_END, 0);
            assert_int_equal(broken_of(&w, strays[i].clause), 1);
            assert_null(world_blamed_else(&w, allowed));
            world_close(&w);
        }
    }
}

static void readable_buffer_changed__is_found_by_snapshot(void **state)
{
    static const char *const allowed[] = { "RING-SPLIT-DEV-01", NULL };
    uint8_t data[512] = { 1, 2, 3 };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_DRIVER_STORES);
    world_request(&w, 0, VBLK_T_OUT, 7, data, 512, 0);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, world_data(0) + 100, "\x77", 1);
    world_answer(&w, 0, NULL, 0, VBLK_S_OK);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DEV-01"), 1);
    assert_null(world_blamed_else(&w, allowed));
    assert_int_equal(vblk_oracle_violation(w.o, 0)->address, world_data(0) + 100);
    world_close(&w);
}

static void used_id_of_nobody__and_twice(void **state)
{
    static const char *const allowed[] = { "RING-SPLIT-15", "RING-SPLIT-17", NULL };
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    uint64_t status_at = world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, status_at, "\0", 1);
    world_used(&w, 5, 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-15"), 1);
    world_used(&w, 0, 1);
    world_used(&w, 0, 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-15"), 2);
    world_used(&w, 0x10000, 1);
    assert_int_equal(broken_of(&w, "RING-SPLIT-15"), 3);
    assert_null(world_blamed_else(&w, allowed));
    world_close(&w);
}

static void silence__is_blamed_unless_the_device_needs_a_reset(void **state)
{
    (void)state;
    for (unsigned needs_reset = 0; needs_reset < 2; needs_reset++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
        world_available(&w, 0);
        if (needs_reset != 0)
            world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 15 | VBLK_STATUS_NEEDS_RESET);
        world_event(&w, VBLK_EV_QUIET, 100);
        assert_int_equal(broken_of(&w, "SAFE-DEV-03"), needs_reset == 0);
        world_close(&w);
    }
}

/* ---- the driver's faults: the device is left in peace ---- */

struct bad_chain {
    uint16_t flags, next;
    uint64_t gpa;
    uint32_t len;
    const char *clause;
};

static void malformed_chain__blames_the_driver_not_the_device(void **state)
{
    static const struct bad_chain bad[] = {
        { VBLK_DESC_NEXT, 0, WORLD_BUFFERS, 16, "RING-SPLIT-DRV-03" },
        { VBLK_DESC_NEXT, 99, WORLD_BUFFERS, 16, "SUPPLY-04" },
        { 0, 0, (uint64_t)1 << 40, 16, "SAFE-DRV-03" },
        { 0, 0, UINT64_MAX - 4, 16, "SAFE-DRV-03" },
        { VBLK_DESC_INDIRECT, 0, WORLD_BUFFERS, 16, "RING-IND-DRV-01" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_desc(&w, 0, bad[i].gpa, bad[i].len, bad[i].flags, bad[i].next);
        world_available(&w, 0);
        assert_true(broken_of(&w, bad[i].clause) == 1);
        world_event(&w, VBLK_EV_QUIET, 100);
        world_event(&w, VBLK_EV_CASE_END, 0);
        for (size_t v = 0; v < vblk_oracle_violation_count(w.o); v++)
            assert_int_equal(vblk_oracle_violation(w.o, v)->guilty, VBLK_DRIVER);
        world_close(&w);
    }
}

static void head_made_available_twice__blames_the_driver(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    world_available(&w, 0);
    assert_int_equal(broken_of(&w, "SAFE-DRV-02"), 1);
    world_close(&w);
}

static void available_index_jump__is_followed_no_further(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    assert_int_equal(vblk_memory_store16(w.mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, 1000), VBLK_OK);
    assert_int_equal(broken_of(&w, "RING-SPLIT-DRV-05"), 1);
    world_used(&w, 3, 1);
    world_event(&w, VBLK_EV_QUIET, 100);
    assert_int_equal(broken_of(&w, "RING-SPLIT-15"), 0);
    world_close(&w);
}

static void in_flight_overlap__is_not_a_finding(void **state)
{
    uint8_t data[512], old[512] = { 0 };
    struct world w;
    (void)state;
    memset(data, 9, sizeof(data));
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_OUT, 7, data, 512, 0);
    world_request(&w, 1, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(&w, 0);
    world_available(&w, 3);
    world_answer(&w, 0, NULL, 0, VBLK_S_OK);
    world_answer(&w, 1, old, 512, VBLK_S_OK);
    assert_null(world_blamed_else(&w, nobody));
    world_close(&w);
}

static void reset_between__forgets_what_was_in_flight(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    world_start(&w, FEATURES, FEATURES);
    lawful_io(&w);
    world_event(&w, VBLK_EV_QUIET, 100);
    assert_null(world_blamed_else(&w, nobody));
    world_close(&w);
}

static void hostile_queue_set_up__is_survived(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 3, 32768, 65535, 1u << 20 };
    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world w;
        start(&w, VBLK_SEES_ALL);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, sizes[i]);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, UINT64_MAX - 1);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
        world_event(&w, VBLK_EV_KICK, 0);
        world_event(&w, VBLK_EV_LOOK, 0);
        world_event(&w, VBLK_EV_QUIET, 1);
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_int_equal(broken_of(&w, "SAFE-DEV-03"), 0);
        world_close(&w);
    }
}

static void index_wraps_at_65536(void **state)
{
    struct world w;
    (void)state;
    start(&w, VBLK_SEES_ALL);
    world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    for (unsigned i = 0; i < 140000; i++) {
        world_available(&w, 0);
        world_answer(&w, 0, NULL, 0, VBLK_S_OK);
    }
    assert_null(world_blamed_else(&w, nobody));
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 140000);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lawful_io__blames_nobody_and_shows_evidence),
        cmocka_unit_test(pending_and_unexercised_rows__are_never_a_pass),
        cmocka_unit_test(wrong_data__is_blamed_on_the_write_that_it_belies),
        cmocka_unit_test(element_published_before_it_is_stored__blames_the_order_alone),
        cmocka_unit_test(stray_store__is_found_and_named_by_place),
        cmocka_unit_test(readable_buffer_changed__is_found_by_snapshot),
        cmocka_unit_test(used_id_of_nobody__and_twice),
        cmocka_unit_test(silence__is_blamed_unless_the_device_needs_a_reset),
        cmocka_unit_test(malformed_chain__blames_the_driver_not_the_device),
        cmocka_unit_test(head_made_available_twice__blames_the_driver),
        cmocka_unit_test(available_index_jump__is_followed_no_further),
        cmocka_unit_test(in_flight_overlap__is_not_a_finding),
        cmocka_unit_test(reset_between__forgets_what_was_in_flight),
        cmocka_unit_test(hostile_queue_set_up__is_survived),
        cmocka_unit_test(index_wraps_at_65536),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
