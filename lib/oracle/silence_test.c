/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the judge has to hold its tongue: what nobody can tell, and what a transport made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define BASE (F(VERSION_1) | F(FLUSH))
#define PROVISION VBLK_BIT(17)
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void start(struct world *w, uint64_t features)
{
    world_open(w, VBLK_SEES_ALL, true);
    world_start(w, BASE | features, BASE | features);
}

static void reads(struct world *w, enum vblk_reg reg, uint64_t value, uint8_t flags)
{
    const struct vblk_event ev = { .kind = VBLK_EV_REG_READ, .party = VBLK_DRIVER, .reg = (uint16_t)reg, .value = value,
                                   .flags = flags };

    vblk_oracle_observe(w->o, &ev);
}

static bool found(const struct world *w, const char *clause)
{
    const struct vblk_tally t = world_tally(w, clause);

    return t.broken + t.doubted > 0;
}

static void registers_that_a_transport_makes_up__are_not_the_devices(void **state)
{
    static const struct {
        uint64_t features;
        enum vblk_reg reg;
        uint64_t value;
        const char *clause; /* broken, or doubted, by a device that says so; NULL: nothing is */
    } rows[] = {
        { 0, VBLK_REG_DEVICE_ID, 2, NULL },
        { 0, VBLK_REG_DEVICE_ID, 3, "BLK-ID-01" },
        { PROVISION, VBLK_REG_DEVICE_ID, 3, "PROV-FEAT-03" },
        { 0, VBLK_REG_CONFIG_LENGTH, 8, NULL },
        { 0, VBLK_REG_CONFIG_LENGTH, 7, "BLK-CFG-01" },
        { F(MQ), VBLK_REG_CONFIG_LENGTH, 36, NULL },
        { F(MQ), VBLK_REG_CONFIG_LENGTH, 35, "CFG-01" },
        { F(CONFIG_WCE), VBLK_REG_CONFIG_LENGTH, 33, NULL },
        { F(CONFIG_WCE), VBLK_REG_CONFIG_LENGTH, 32, "CFG-01" },
        { PROVISION, VBLK_REG_CONFIG_LENGTH, 80, NULL },
        { PROVISION, VBLK_REG_CONFIG_LENGTH, 79, "PROV-CFG-02" },
        { PROVISION, VBLK_REG_CONFIG_LENGTH, 75, "PROV-FEAT-02" },
        { PROVISION, VBLK_REG_CONFIG_LENGTH, 95, NULL },
        { PROVISION, VBLK_REG_CONFIG_LENGTH, 96, "PROV-DEV-34" },
        { 0, VBLK_REG_NUM_QUEUES, 65536, NULL },
        { 0, VBLK_REG_QUEUE_MAX, 256, NULL },
        { 0, VBLK_REG_QUEUE_MAX, 255, "RING-SPLIT-02" },
        { 0, VBLK_REG_QUEUE_MAX, 32768, NULL },
        { 0, VBLK_REG_QUEUE_MAX, 65536, "RING-SPLIT-02" },
        { 0, VBLK_REG_QUEUE_MAX, 0, "VQ-04" },
        { 0, VBLK_REG_DEVICE_FEATURES, BASE, NULL },
        { 0, VBLK_REG_DEVICE_FEATURES, F(VERSION_1), "BLK-INIT-DEV-01" },
        { 0, VBLK_REG_DEVICE_FEATURES, BASE | F(CONFIG_WCE), NULL },
        { 0, VBLK_REG_DEVICE_FEATURES, F(VERSION_1) | F(CONFIG_WCE), "BLK-INIT-DEV-02" },
        { 0, VBLK_REG_DEVICE_FEATURES, F(VERSION_1) | F(CONFIG_WCE), "FEAT-DEV-01" },
        { PROVISION, VBLK_REG_DEVICE_FEATURES, BASE | PROVISION, NULL },
        { PROVISION, VBLK_REG_DEVICE_FEATURES, BASE | PROVISION | F(RO), "PROV-DEV-21" },
        { PROVISION, VBLK_REG_DEVICE_FEATURES, F(FLUSH) | PROVISION, "PROV-DEV-39" },
        { 0, VBLK_REG_STATUS, 15, NULL },
        { 0, VBLK_REG_STATUS, 0x1f, "STATUS-01" },
        { 0, VBLK_REG_STATUS, 7, "FEAT-01" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (unsigned made_up = 0; made_up < 2; made_up++) {
            struct world w;

            start(&w, rows[i].features);
            reads(&w, rows[i].reg, rows[i].value, made_up != 0 ? VBLK_EV_EMULATED : 0);
            const bool blamed = made_up == 0 && rows[i].clause != NULL;
            if (blamed && !found(&w, rows[i].clause))
                fail_msg("row %zu: no word of %s", i, rows[i].clause);
            if (!blamed && vblk_oracle_violation_count(w.o) > 0)
                fail_msg("row %zu%s: %s", i, made_up != 0 ? ", made up" : "",
                         vblk_clause_at(vblk_oracle_violation(w.o, 0)->clause)->id);
            world_close(&w);
        }
}

/* ---- requests that nobody can judge ---- */

/* What the device writes is the request itself, so that it may see the one or the other. */
static void an_answer_to_what_changes_under_the_device__is_not_judged(void **state)
{
    static const struct {
        uint32_t type, out, in;
    } types[] = {
        { VBLK_T_IN, 0, 512 },          { VBLK_T_OUT, 512, 0 },          { VBLK_T_FLUSH, 0, 0 },
        { VBLK_T_GET_ID, 0, 20 },       { VBLK_T_GET_LIFETIME, 0, 24 },  { VBLK_T_DISCARD, 16, 0 },
        { VBLK_T_WRITE_ZEROES, 16, 0 }, { VBLK_T_SECURE_ERASE, 16, 0 },  { 15, 16, 0 },
        { 99, 0, 0 },
    };
    static const uint8_t zeroes[512];
    const uint64_t all = F(DISCARD) | F(WRITE_ZEROES) | F(SECURE_ERASE) | F(LIFETIME) | PROVISION;

    (void)state;
    for (size_t i = 0; i < LENGTH(types); i++)
        for (uint32_t status = 0; status < 8; status++) {
            const uint8_t value = (uint8_t)(status % 4 == 3 ? 77 : status % 4);
            const bool apart = status >= 4;
            struct world w;
            bool blamed = false;

            start(&w, all);
            uint64_t at = world_request(&w, 0, types[i].type, 3000, zeroes, types[i].out, types[i].in);
            if (!apart && types[i].in > 0)
                world_desc(&w, 1, WORLD_BUFFERS + 8, types[i].in, VBLK_DESC_NEXT | VBLK_DESC_WRITE, 2);
            else if (!apart)
                at = types[i].out > 0 ? world_data(0) + 3 : WORLD_BUFFERS + 9;
            world_desc(&w, 2, at, 1, VBLK_DESC_WRITE, 0);
            world_available(&w, 0);
            world_store(&w, VBLK_DEVICE, at, &value, 1);
            world_used(&w, 0, 1);
            world_event(&w, VBLK_EV_QUIET, 5000);
            world_event(&w, VBLK_EV_CASE_END, 0);
            for (size_t v = 0; v < vblk_oracle_violation_count(w.o); v++)
                blamed |= vblk_oracle_violation(w.o, v)->guilty == VBLK_DEVICE;
            if (blamed && !apart)
                fail_msg("type %u, status %u", types[i].type, value);
            assert_true(blamed || !apart || value < 77);
            world_close(&w);
        }
}

/* Never read is not known: what goes beyond a limit that the driver can't know is not held against it as such. */
static void limits_that_were_never_read__are_not_judged(void **state)
{
    static const uint32_t types[] = { VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, VBLK_T_SECURE_ERASE, 15 };
    struct vblk_segment segments[20];

    (void)state;
    for (size_t i = 0; i < LENGTH(types); i++) {
        struct world w;

        start(&w, F(DISCARD) | F(WRITE_ZEROES) | F(SECURE_ERASE) | PROVISION | F(SEG_MAX) | F(SIZE_MAX));
        for (uint32_t s = 0; s < 20; s++)
            segments[s] = (struct vblk_segment){ vblk_put64(7 + 64 * (uint64_t)s), vblk_put32(64), vblk_put32(0) };
        world_request(&w, 0, types[i], 0, segments, sizeof(segments), 0);
        world_available(&w, 0);
        world_answer(&w, 0, NULL, 0, VBLK_S_OK);
        for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
            if (vblk_oracle_tally(w.o, no).broken > 0)
                fail_msg("type %u: %s", types[i], vblk_clause_at(no)->id);
        world_close(&w);
    }
}

/* Of a size that was never told, or that no ring has: the judge can't follow it, and says nothing of what is stored there. */
static void a_queue_of_unknown_size__is_not_the_devices_fault(void **state)
{
    static const uint64_t sizes[] = { 0, 65536 };
    static const uint8_t zeroes[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct world w;

        world_open(&w, VBLK_SEES_ALL, true);
        for (unsigned status = 0; status < 4; status = 2 * status + 1)
            world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, status);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, BASE);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, BASE);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 11);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 11);
        if (sizes[i] != 0)
            world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, sizes[i]);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DESC, WORLD_DESC);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, WORLD_AVAIL);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DEVICE, WORLD_USED);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 15);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(&w, 0);
        world_answer(&w, 0, zeroes, sizeof(zeroes), VBLK_S_OK);
        world_event(&w, VBLK_EV_QUIET, 5000);
        world_event(&w, VBLK_EV_CASE_END, 0);
        for (size_t v = 0; v < vblk_oracle_violation_count(w.o); v++)
            if (vblk_oracle_violation(w.o, v)->guilty == VBLK_DEVICE)
                fail_msg("%s", vblk_clause_at(vblk_oracle_violation(w.o, v)->clause)->id);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_that_a_transport_makes_up__are_not_the_devices),
        cmocka_unit_test(an_answer_to_what_changes_under_the_device__is_not_judged),
        cmocka_unit_test(limits_that_were_never_read__are_not_judged),
        cmocka_unit_test(a_queue_of_unknown_size__is_not_the_devices_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
