/* SPDX-License-Identifier: BSD-3-Clause */
/* What vectors can't say of features: readings, strictness, emulation, what is remembered and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)
#define FLUSH VBLK_BIT(VBLK_F_FLUSH)
#define WCE VBLK_BIT(VBLK_F_CONFIG_WCE)
static const char *const nobody[] = { NULL };

static struct vblk_oracle_options options_of(enum vblk_strictness strictness)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(),
                                           .strictness = (uint8_t)strictness,
                                           .judge_driver = true };
    return options;
}

static void open_with(struct world *w, const struct vblk_oracle_options *options)
{
    world_open(w, options->sees, true);
    vblk_oracle_free(w->o);
    w->o = vblk_oracle_new(options, w->mem);
    assert_non_null(w->o);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
}

static void write_status(struct world *w, uint8_t value)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, value);
}

static void read_status(struct world *w, uint8_t value)
{
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, value);
}

/* Up to FEATURES_OK, as which status then reads as @answer. */
static void negotiate(struct world *w, uint64_t offered, uint64_t accepted, uint8_t answer)
{
    write_status(w, 0);
    read_status(w, 0);
    write_status(w, 1);
    write_status(w, 3);
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, offered);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, accepted);
    write_status(w, 11);
    read_status(w, answer);
}

static void cache_mode_alone__breaks_the_driver_under_the_other_reading_of_AMB_33(void **state)
{
    struct vblk_oracle_options options = options_of(VBLK_INTEROP);
    char why[160];
    struct world w;
    (void)state;
    open_with(&w, &options);
    negotiate(&w, V1 | FLUSH | WCE, V1 | WCE, 11);
    assert_int_equal(world_tally(&w, "FEAT-DRV-02").held, 1);
    world_close(&w);

    assert_int_equal(vblk_readings_set(&options.readings, "AMB-33=require", why, sizeof(why)), VBLK_OK);
    open_with(&w, &options);
    negotiate(&w, V1 | FLUSH | WCE, V1 | WCE, 3);
    assert_int_equal(world_tally(&w, "FEAT-DRV-02").broken, 1);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").broken, 0); /* not a valid subset then */
    negotiate(&w, V1 | FLUSH | WCE, V1 | WCE | FLUSH, 11);
    assert_int_equal(world_tally(&w, "FEAT-DRV-02").held, 1);
    world_close(&w);
}

static void features_kept_that_were_not_offered__are_broken_by_the_letter_and_doubted_else(void **state)
{
    static const struct { enum vblk_strictness strictness; uint32_t broken, doubted; } runs[] = {
        { VBLK_INTEROP, 0, 1 }, { VBLK_STRICT, 1, 0 }
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct vblk_oracle_options options = options_of(runs[i].strictness);
        struct world w;
        open_with(&w, &options);
        negotiate(&w, V1, V1 | FLUSH, 11);
        assert_int_equal(world_tally(&w, "FEAT-DEV-03").broken, runs[i].broken);
        assert_int_equal(world_tally(&w, "FEAT-DEV-03").doubted, runs[i].doubted);
        world_close(&w);
    }
}

static void legacy_run__binds_nobody_to_VERSION_1(void **state)
{
    struct vblk_oracle_options options = options_of(VBLK_LEGACY);
    struct world w;
    (void)state;
    open_with(&w, &options);
    negotiate(&w, FLUSH, FLUSH, 11);
    assert_int_equal(world_tally(&w, "RSVF-DEV-01").broken, 0);
    negotiate(&w, V1 | FLUSH, FLUSH, 11);
    assert_int_equal(world_tally(&w, "RSVF-DRV-01").broken, 0);
    world_close(&w);

    options.strictness = VBLK_INTEROP;
    open_with(&w, &options);
    negotiate(&w, V1 | FLUSH, FLUSH, 11);
    assert_int_equal(world_tally(&w, "RSVF-DRV-01").broken, 1);
    world_close(&w);
}

/* A driver that sets DRIVER_OK without FEATURES_OK settles its choice by that. */
static void legacy_driver__declines_VERSION_1_when_it_goes_live(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    write_status(&w, 0);
    read_status(&w, 0);
    write_status(&w, 1);
    write_status(&w, 3);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, V1 | FLUSH);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, FLUSH);
    write_status(&w, 7);
    assert_int_equal(world_tally(&w, "RSVF-DRV-01").broken, 1);
    world_close(&w);
}

static void offer_of_the_transport__is_not_the_devices(void **state)
{
    static const char *const rows[] = { "RSVF-DEV-01", "RSVF-DEV-10", "FEAT-DEV-01", "FEAT-02", "RSVF-01",
                                        "BLK-FEAT-04" };
    struct vblk_event ev = { .kind = VBLK_EV_REG_READ, .flags = VBLK_EV_EMULATED, .reg = VBLK_REG_DEVICE_FEATURES };
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    ev.value = WCE | VBLK_BIT(VBLK_F_SR_IOV) | VBLK_BIT(VBLK_F_RO);
    vblk_oracle_observe(w.o, &ev);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vblk_tally tally = world_tally(&w, rows[i]);
        assert_int_equal(tally.held + tally.broken + tally.doubted + tally.noted, 0);
    }
    world_close(&w);
}

static void FEATURES_OK_of_the_transport__says_nothing_of_the_device(void **state)
{
    struct vblk_event ev = { .kind = VBLK_EV_REG_READ, .flags = VBLK_EV_EMULATED, .reg = VBLK_REG_STATUS, .value = 11 };
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    write_status(&w, 1);
    write_status(&w, 3);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, V1 | FLUSH);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, V1);
    write_status(&w, 11);
    vblk_oracle_observe(w.o, &ev);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").held, 0);
    read_status(&w, 11);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").held, 0); /* known by then */
    world_close(&w);
}

static void refusal_in_an_error_state__is_no_verdict(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    negotiate(&w, V1 | FLUSH, V1, 3 | 64);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").broken, 0);
    world_close(&w);
}

static void grant__is_remembered_over_a_loss_of_power_and_forgotten_with_the_run(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    negotiate(&w, V1 | FLUSH, V1, 11);
    world_event(&w, VBLK_EV_POWER_CUT, 1);
    negotiate(&w, V1 | FLUSH, V1, 11);
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").held, 1);
    world_event(&w, VBLK_EV_BACK, 0);
    negotiate(&w, V1 | FLUSH, V1, 3);
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").broken, 1);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").broken, 0); /* FEAT-DEV-05 says it more exactly */

    vblk_oracle_reset(w.o, true, true);
    negotiate(&w, V1 | FLUSH, V1, 3);
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").broken, 0);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").broken, 1);
    world_close(&w);
}

static void grants__make_room_for_new_ones(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    for (unsigned bit = 1; bit <= 6; bit++) {
        negotiate(&w, V1 | 0x7e, V1 | VBLK_BIT(bit), 11);
        negotiate(&w, V1 | 0x7e, V1 | VBLK_BIT(bit), 11);
    }
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").held, 6);
    negotiate(&w, V1 | 0x7e, V1 | VBLK_BIT(1), 3); /* long ago */
    negotiate(&w, V1 | 0x7e, V1 | VBLK_BIT(3), 3);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").broken, 1);
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").broken, 1);
    world_close(&w);
}

static void features_taken_back_too_late__leave_the_agreement_in_force(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, V1 | FLUSH, V1 | FLUSH);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, V1);
    assert_int_equal(world_tally(&w, "FEAT-01").broken, 1);
    (void)world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(&w, 0);
    world_answer(&w, 0, NULL, 0, VBLK_S_OK);
    assert_int_equal(world_tally(&w, "FEAT-01").held, 1);
    world_close(&w);
}

static void stray_load__is_only_judged_while_all_buffers_are_known(void **state)
{
    static const uint64_t negotiated[] = { V1, V1 | VBLK_BIT(VBLK_F_INDIRECT_DESC),
                                           V1 | VBLK_BIT(VBLK_F_ACCESS_PLATFORM) };
    uint8_t byte;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        world_open(&w, VBLK_SEES_ALL, true);
        world_start(&w, negotiated[i] | FLUSH, negotiated[i]);
        assert_int_equal(vblk_memory_read(w.mem, VBLK_DEVICE, 0x9000, &byte, 1), VBLK_OK);
        assert_int_equal(world_tally(&w, "RSVF-06").broken, i == 0);
        world_close(&w);
    }
}

static void stray_load_with_a_broken_chain_about__is_not_judged(void **state)
{
    struct world w;
    uint8_t byte;
    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, V1 | FLUSH, V1);
    world_desc(&w, 0, WORLD_BUFFERS, 16, VBLK_DESC_NEXT, 77);
    world_available(&w, 0);
    assert_int_equal(vblk_memory_read(w.mem, VBLK_DEVICE, 0x9000, &byte, 1), VBLK_OK);
    assert_int_equal(world_tally(&w, "RSVF-06").broken, 0);
    world_close(&w);
}

static void bits_of_word_1_without_VERSION_1__are_not_asked_of_a_legacy_driver(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    negotiate(&w, V1 | VBLK_BIT(VBLK_F_ORDER_PLATFORM) | FLUSH, FLUSH, 11);
    assert_int_equal(world_tally(&w, "RSVF-DRV-07").broken, 0);
    assert_int_equal(world_tally(&w, "RSVF-DRV-01").broken, 1);
    world_close(&w);
}

static void features_accepted_unseen__are_not_judged_by_the_offer(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    write_status(&w, 0);
    read_status(&w, 0);
    write_status(&w, 1);
    write_status(&w, 3);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, V1 | FLUSH);
    assert_int_equal(world_tally(&w, "FEAT-DRV-01").broken, 0); /* INIT-DRV-05 */
    assert_int_equal(world_tally(&w, "INIT-DRV-05").broken, 1);
    world_close(&w);
}

static void lawful_start__blames_nobody(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    for (unsigned i = 0; i < 3; i++)
        world_start(&w, V1 | FLUSH | WCE, V1 | FLUSH);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_null(world_blamed_else(&w, nobody));
    assert_int_equal(world_tally(&w, "FEAT-01").held, 2);
    assert_int_equal(world_tally(&w, "FEAT-DEV-02").held, 3);
    assert_int_equal(world_tally(&w, "FEAT-DEV-05").held, 2);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_mode_alone__breaks_the_driver_under_the_other_reading_of_AMB_33),
        cmocka_unit_test(features_kept_that_were_not_offered__are_broken_by_the_letter_and_doubted_else),
        cmocka_unit_test(legacy_run__binds_nobody_to_VERSION_1),
        cmocka_unit_test(legacy_driver__declines_VERSION_1_when_it_goes_live),
        cmocka_unit_test(offer_of_the_transport__is_not_the_devices),
        cmocka_unit_test(FEATURES_OK_of_the_transport__says_nothing_of_the_device),
        cmocka_unit_test(refusal_in_an_error_state__is_no_verdict),
        cmocka_unit_test(grant__is_remembered_over_a_loss_of_power_and_forgotten_with_the_run),
        cmocka_unit_test(grants__make_room_for_new_ones),
        cmocka_unit_test(features_taken_back_too_late__leave_the_agreement_in_force),
        cmocka_unit_test(stray_load__is_only_judged_while_all_buffers_are_known),
        cmocka_unit_test(stray_load_with_a_broken_chain_about__is_not_judged),
        cmocka_unit_test(bits_of_word_1_without_VERSION_1__are_not_asked_of_a_legacy_driver),
        cmocka_unit_test(features_accepted_unseen__are_not_judged_by_the_offer),
        cmocka_unit_test(lawful_start__blames_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
