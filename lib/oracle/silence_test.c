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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_that_a_transport_makes_up__are_not_the_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
