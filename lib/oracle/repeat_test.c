/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcomes that repeat are counted as if asked, and hide nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vblk/spec.h>

#include "world.h"

#define FEATURES (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
#define MANY 100u

static void flush(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(w, 0);
    world_answer(w, 0, NULL, 0, status);
}

/* After many that are all alike. */
static void start(struct world *w)
{
    world_open(w, VBLK_SEES_ALL, true);
    world_start(w, FEATURES, FEATURES);
    for (unsigned i = 0; i < MANY; i++)
        flush(w, VBLK_S_OK);
}

static void like_requests__count_each_time(void **state)
{
    static const char *const once_each[] = { "RING-SPLIT-15", "RING-SPLIT-16", "VQ-02", "BLK-OP-03", "SAFE-DRV-02",
                                             "SUPPLY-03", "BLK-OP-DRV-05" };
    static const char *const nobody[] = { NULL };
    struct world w;
    (void)state;
    start(&w);
    for (size_t i = 0; i < sizeof(once_each) / sizeof(once_each[0]); i++)
        assert_int_equal(world_tally(&w, once_each[i]).held, MANY);
    assert_int_equal(world_tally(&w, "RING-SPLIT-DEV-07").noted, MANY);
    assert_null(world_blamed_else(&w, nobody));
    vblk_oracle_reset(w.o, true, true);
    assert_int_equal(world_tally(&w, "VQ-02").held, 0);
    world_close(&w);
}

static void other_status__is_judged_anew(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    flush(&w, 0x55);
    assert_int_equal(world_tally(&w, "BLK-OP-20").broken, 1);
    assert_int_equal(world_tally(&w, "BLK-OP-03").held, MANY);
    flush(&w, VBLK_S_OK);
    assert_int_equal(world_tally(&w, "BLK-OP-20").broken, 1);
    assert_int_equal(world_tally(&w, "BLK-OP-03").held, MANY + 1);
    world_close(&w);
}

static void other_length__is_judged_anew(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    for (unsigned i = 1; i <= 2; i++) {
        uint64_t status_at = world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
        world_available(&w, 0);
        world_store(&w, VBLK_DEVICE, status_at, "\0", 1);
        world_used(&w, 0, 2);
        assert_int_equal(world_tally(&w, "VQ-02").broken, i);
    }
    assert_int_equal(world_tally(&w, "VQ-02").held, MANY);
    world_close(&w);
}

static void store_into_a_descriptor_in_flight__is_told_from_those_before(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    uint64_t status_at = world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    assert_int_equal(world_tally(&w, "SAFE-DRV-01").broken, 0);
    world_desc(&w, 0, status_at, 1, VBLK_DESC_WRITE, 0);
    assert_int_equal(world_tally(&w, "SAFE-DRV-01").broken, 1);
    world_close(&w);
}

static void reset__ends_what_was_known_of_stores(void **state)
{
    static const uint8_t byte;
    struct world w;
    (void)state;
    start(&w);
    uint32_t held = world_tally(&w, "RING-SPLIT-03").held;
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
    world_store(&w, VBLK_DEVICE, WORLD_USED + 4, &byte, 1);
    assert_int_equal(world_tally(&w, "RESET-DEV-03").broken, 1);
    assert_int_equal(world_tally(&w, "RING-SPLIT-03").held, held);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_requests__count_each_time),
        cmocka_unit_test(other_status__is_judged_anew),
        cmocka_unit_test(other_length__is_judged_anew),
        cmocka_unit_test(store_into_a_descriptor_in_flight__is_told_from_those_before),
        cmocka_unit_test(reset__ends_what_was_known_of_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
