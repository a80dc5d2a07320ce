/* SPDX-License-Identifier: BSD-3-Clause */
/* What vectors can't say of registers and configuration: emulation, sights, readings, strictness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define FEATURES (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
static const char *const nobody[] = { NULL };

static uint32_t broken_of(const struct world *w, const char *id)
{
    return world_tally(w, id).broken;
}

static uint32_t held_of(const struct world *w, const char *id)
{
    return world_tally(w, id).held;
}

/* A world whose oracle judges in another way. */
static struct vblk_oracle_options options_of(uint32_t sees)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = sees, .judge_driver = true };
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

static void choose(struct vblk_oracle_options *options, const char *what)
{
    char why[160];
    assert_int_equal(vblk_readings_set(&options->readings, what, why, sizeof(why)), VBLK_OK);
}

static void emulated(struct world *w, enum vblk_event_kind kind, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    struct vblk_event ev = { .kind = (uint8_t)kind,
                             .party = VBLK_DRIVER,
                             .flags = VBLK_EV_EMULATED,
                             .reg = (uint16_t)reg,
                             .queue = queue,
                             .value = value };
    vblk_oracle_observe(w->o, &ev);
}

static void write_status(struct world *w, uint8_t value)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, value);
}

static void read_status(struct world *w, uint8_t value)
{
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, value);
}

static void reset(struct world *w)
{
    write_status(w, 0);
    read_status(w, 0);
}

static void config(struct world *w, uint32_t offset, uint8_t low)
{
    const uint8_t bytes[4] = { low, 0, 0, 0 };
    world_config(w, offset, bytes, sizeof(bytes));
}

static void emulated_registers__say_nothing_of_either_side(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0, 0x2f);
    emulated(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0, 0x0f);
    emulated(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0, 0x20);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_ID, 0, 1);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_CONFIG_LENGTH, 0, 4);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_QUEUE_MAX, 1, 64);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_null(world_blamed_else(&w, nobody));
    assert_int_equal(held_of(&w, "BLK-ID-01"), 0);
    assert_int_equal(held_of(&w, "STATUS-01"), 0);
    world_close(&w);
}

static void generation_of_the_transport__binds_nobody(void **state)
{
    const vblk_le64 capacity = vblk_put64(2048);
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    world_start(&w, FEATURES, FEATURES);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_GENERATION, 0, 0);
    world_config(&w, 0, &capacity, sizeof(capacity));
    config(&w, 0, 9);
    emulated(&w, VBLK_EV_REG_READ, VBLK_REG_GENERATION, 0, 0);
    world_event(&w, VBLK_EV_CONFIG_NOTIFY, 0);
    world_config(&w, 0, &capacity, sizeof(capacity));
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_null(world_blamed_else(&w, nobody));
    world_close(&w);
}

static void status_reads_that_are_not_shown__leave_the_driver_alone(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t steps[] = { 0, 1, 3, 11, 15 };
        for (unsigned j = 0; j < sizeof(steps); j++) {
            if (steps[j] == 11) {
                world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, FEATURES);
                world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, FEATURES);
            }
            write_status(&w, steps[j]);
        }
    }
    assert_int_equal(broken_of(&w, "INIT-DRV-10"), 0);
    assert_int_equal(broken_of(&w, "RESET-DRV-01"), 0);
    read_status(&w, 15);
    write_status(&w, 0);
    write_status(&w, 1);
    assert_int_equal(broken_of(&w, "RESET-DRV-01"), 1);
    world_close(&w);
}

static void notification_on_its_way_at_a_reset__is_forgiven_once(void **state)
{
    const struct vblk_used_elem e = { vblk_put32(0), vblk_put32(513) };
    const uint8_t zero[512] = { 0 };
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    world_start(&w, FEATURES, FEATURES);
    uint64_t status_at = world_request(&w, 0, VBLK_T_IN, 0, NULL, 0, 512);
    world_available(&w, 0);
    world_store(&w, VBLK_DEVICE, world_data(0), zero, sizeof(zero));
    world_store(&w, VBLK_DEVICE, status_at, "\0", 1);
    world_store(&w, VBLK_DEVICE, WORLD_USED + 4, &e, sizeof(e));
    world_store(&w, VBLK_DEVICE, WORLD_USED + 2, "\1", 2);
    world_event(&w, VBLK_EV_LOOK, 0);
    reset(&w);
    world_event(&w, VBLK_EV_USED_NOTIFY, 0);
    assert_int_equal(broken_of(&w, "RESET-DEV-02"), 0);
    world_event(&w, VBLK_EV_USED_NOTIFY, 0);
    assert_int_equal(broken_of(&w, "RESET-DEV-02"), 1);
    world_close(&w);
}

static void store_after_a_reset__is_found_without_the_devices_stores(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS, true);
    world_start(&w, FEATURES, FEATURES);
    reset(&w);
    world_store(&w, VBLK_DEVICE, WORLD_USED + 2, "\7", 2);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_true(broken_of(&w, "RESET-DEV-03") > 0);
    assert_null(world_blamed_else(&w, (const char *const[]){ "RESET-DEV-03", NULL }));
    world_close(&w);
}

static void store_between_the_reset_and_its_end__is_the_devices_right(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, FEATURES, FEATURES);
    write_status(&w, 0);
    world_store(&w, VBLK_DEVICE, WORLD_USED, "\1", 2);
    read_status(&w, 0);
    assert_int_equal(broken_of(&w, "RESET-DEV-03"), 0);
    assert_int_equal(broken_of(&w, "STATUS-DEV-01"), 0);
    assert_int_equal(held_of(&w, "RESET-DEV-01"), 2);
    world_close(&w);
}

static void change_told_after_it_was_read__is_no_secret(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    world_start(&w, FEATURES | VBLK_BIT(VBLK_F_SEG_MAX), FEATURES);
    config(&w, 12, 30);
    config(&w, 12, 29);
    world_event(&w, VBLK_EV_CONFIG_NOTIFY, 0);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(broken_of(&w, "OPER-01"), 0);
    world_close(&w);
}

static void reset_between_two_reads__may_change_the_configuration(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    world_start(&w, FEATURES | VBLK_BIT(VBLK_F_SEG_MAX), FEATURES);
    config(&w, 12, 30);
    world_start(&w, FEATURES | VBLK_BIT(VBLK_F_SEG_MAX), FEATURES);
    config(&w, 12, 29);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_null(world_blamed_else(&w, nobody));
    world_close(&w);
}

static void bits_that_the_device_took_back__need_not_be_written_again(void **state)
{
    static const char *const refusal[] = { "FEAT-DEV-02", NULL };
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    reset(&w);
    write_status(&w, 1);
    write_status(&w, 3);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, FEATURES);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, FEATURES);
    write_status(&w, 11);
    read_status(&w, 3);
    write_status(&w, 3 | VBLK_STATUS_FAILED);
    assert_null(world_blamed_else(&w, refusal));
    assert_int_equal(held_of(&w, "INIT-DRV-13"), 1);
    world_close(&w);
}

static void num_queues_in_the_guests_order__is_a_reading(void **state)
{
    const uint8_t bytes[2] = { 0, 1 };
    const uint64_t offered = FEATURES | VBLK_BIT(VBLK_F_MQ);
    (void)state;
    for (unsigned native = 0; native < 2; native++) {
        struct vblk_oracle_options options = options_of(0);
        struct world w;
        if (native == 1)
            choose(&options, "AMB-20=native");
        open_with(&w, &options);
        world_start(&w, offered, FEATURES);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_NUM_QUEUES, 4);
        world_config(&w, 34, bytes, sizeof(bytes));
        assert_int_equal(broken_of(&w, "BLK-CFG-09"), 1 - native);
        assert_int_equal(held_of(&w, "BLK-CFG-09"), native);
        assert_int_not_equal(world_tally(&w, "BLK-CFG-09").reading, 0);
        world_close(&w);
    }
}

static void limit_of_zero__is_a_reading(void **state)
{
    const uint8_t zero[8] = { 0 };
    const uint64_t offered = FEATURES | VBLK_BIT(VBLK_F_DISCARD);
    (void)state;
    for (unsigned unlimited = 0; unlimited < 2; unlimited++) {
        struct vblk_oracle_options options = options_of(0);
        struct world w;
        if (unlimited == 1)
            choose(&options, "AMB-28=unlimited");
        open_with(&w, &options);
        world_start(&w, offered, FEATURES);
        world_config(&w, 36, zero, sizeof(zero));
        assert_int_equal(world_tally(&w, "BLK-CFG-11").doubted, 1 - unlimited);
        world_close(&w);
    }
}

static void broken_entry_that_is_ignored__is_a_reading(void **state)
{
    (void)state;
    for (unsigned strict = 0; strict < 2; strict++) {
        struct vblk_oracle_options options = options_of(0);
        struct world w;
        if (strict == 1)
            choose(&options, "AMB-29=reset");
        open_with(&w, &options);
        world_start(&w, FEATURES, FEATURES);
        world_available(&w, WORLD_SIZE);
        read_status(&w, 15);
        world_event(&w, VBLK_EV_CASE_END, 0);
        assert_int_equal(broken_of(&w, "STATUS-DEV-03"), strict);
        assert_int_equal(world_tally(&w, "STATUS-DEV-03").noted, 1 - strict);
        world_close(&w);
    }
}

static void legacy_driver__knows_no_features_ok(void **state)
{
    (void)state;
    for (unsigned legacy = 0; legacy < 2; legacy++) {
        struct vblk_oracle_options options = options_of(0);
        struct world w;
        options.strictness = legacy == 1 ? VBLK_LEGACY : VBLK_INTEROP;
        open_with(&w, &options);
        reset(&w);
        write_status(&w, 1);
        write_status(&w, 3);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, FEATURES);
        world_config(&w, 32, "\1", 1);
        write_status(&w, 7);
        assert_int_equal(broken_of(&w, "INIT-DRV-08"), 1 - legacy);
        assert_int_equal(broken_of(&w, "BLK-INIT-DRV-04"), 1 - legacy);
        world_close(&w);
    }
}

static void nothing_read_before_features_ok__is_the_devices_fault(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    reset(&w);
    write_status(&w, 1);
    write_status(&w, 3);
    world_config(&w, 0, NULL, 0);
    assert_int_equal(broken_of(&w, "CFG-DEV-01"), 1);
    world_close(&w);
}

static void device_that_comes_back__begins_with_status_0(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 0, true);
    read_status(&w, 1); /* nobody saw it come up */
    assert_int_equal(broken_of(&w, "STATUS-03"), 0);
    world_event(&w, VBLK_EV_BACK, 0);
    read_status(&w, 1);
    assert_int_equal(broken_of(&w, "STATUS-03"), 1);
    world_event(&w, VBLK_EV_POWER_CUT, 1);
    read_status(&w, 0);
    assert_int_equal(held_of(&w, "STATUS-03"), 1);
    world_close(&w);
}

static void write_of_a_field_that_is_not_writable__changes_no_limit(void **state)
{
    struct vblk_event ev = { .kind = VBLK_EV_CONFIG_WRITE, .len = 1, .bytes = (const uint8_t *)"\1" };
    const uint8_t zero[512] = { 0 };
    struct world w;
    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, FEATURES, FEATURES);
    ev.at = 1; /* a capacity of 256 sectors, if it took */
    vblk_oracle_observe(w.o, &ev);
    world_request(&w, 0, VBLK_T_IN, 2047, NULL, 0, 512);
    world_available(&w, 0);
    world_answer(&w, 0, zero, 512, VBLK_S_OK);
    assert_null(world_blamed_else(&w, nobody));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emulated_registers__say_nothing_of_either_side),
        cmocka_unit_test(generation_of_the_transport__binds_nobody),
        cmocka_unit_test(status_reads_that_are_not_shown__leave_the_driver_alone),
        cmocka_unit_test(notification_on_its_way_at_a_reset__is_forgiven_once),
        cmocka_unit_test(store_after_a_reset__is_found_without_the_devices_stores),
        cmocka_unit_test(store_between_the_reset_and_its_end__is_the_devices_right),
        cmocka_unit_test(change_told_after_it_was_read__is_no_secret),
        cmocka_unit_test(reset_between_two_reads__may_change_the_configuration),
        cmocka_unit_test(bits_that_the_device_took_back__need_not_be_written_again),
        cmocka_unit_test(num_queues_in_the_guests_order__is_a_reading),
        cmocka_unit_test(limit_of_zero__is_a_reading),
        cmocka_unit_test(broken_entry_that_is_ignored__is_a_reading),
        cmocka_unit_test(legacy_driver__knows_no_features_ok),
        cmocka_unit_test(nothing_read_before_features_ok__is_the_devices_fault),
        cmocka_unit_test(device_that_comes_back__begins_with_status_0),
        cmocka_unit_test(write_of_a_field_that_is_not_writable__changes_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
