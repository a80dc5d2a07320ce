/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration and features, as the judge sees them: the last case that holds beside the first that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define V1 F(VERSION_1)
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* The device was found and its offer read, if @read; nothing is accepted yet. */
static void found(struct world *w, uint64_t offered, bool read)
{
    world_open(w, VBLK_SEES_ALL, true);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 1);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 3);
    if (read)
        world_reg(w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, offered);
}

static void of_queue(struct world *w, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const struct vblk_event ev = { .kind = VBLK_EV_REG_WRITE, .party = VBLK_DRIVER, .reg = (uint16_t)reg, .queue = queue,
                                   .value = value };

    vblk_oracle_observe(w->o, &ev);
}

static void fields_are_the_drivers_to_read__once_they_are_offered(void **state)
{
    static const struct {
        uint64_t offered;
        uint32_t at, len;
        uint32_t held, broken;
        bool unread; /* the offer */
    } rows[] = {
        { V1, 0, 8, 0, 0, false },                  { V1, 0, 4, 0, 0, false },
        { V1, 8, 4, 0, 1, false },                  { V1 | F(SIZE_MAX), 8, 4, 1, 0, false },
        { V1 | F(SIZE_MAX), 8, 4, 0, 1, true },     { V1 | F(SEG_MAX), 8, 4, 0, 1, false },
        { V1 | F(SEG_MAX), 11, 1, 0, 1, false },    { V1 | F(SEG_MAX), 12, 1, 1, 0, false },
        { V1 | F(SEG_MAX), 15, 1, 1, 0, false },    { V1 | F(SEG_MAX), 16, 1, 0, 1, false },
        { V1 | F(SEG_MAX), 8, 8, 0, 0, false }, /* one of two: what was meant nobody knows */
        { V1 | F(SEG_MAX) | F(SIZE_MAX), 8, 8, 1, 0, false },
        { V1 | F(BLK_SIZE), 19, 1, 0, 1, false },   { V1 | F(BLK_SIZE), 20, 4, 1, 0, false },
        { V1 | F(BLK_SIZE), 24, 1, 0, 1, false },   { V1 | F(CONFIG_WCE), 31, 1, 0, 1, false },
        { V1 | F(CONFIG_WCE), 32, 1, 1, 0, false }, { V1 | F(MQ), 34, 2, 1, 0, false },
        { V1 | F(MQ), 36, 1, 0, 1, false },         { V1 | F(MQ), 32, 1, 0, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        static const uint8_t zeroes[8];
        struct world w;

        found(&w, rows[i].offered, !rows[i].unread);
        world_config(&w, rows[i].at, zeroes, rows[i].len);
        const struct vblk_tally t = world_tally(&w, "CFG-DRV-04");
        if (t.held != rows[i].held || t.broken != rows[i].broken)
            fail_msg("row %zu: held %u, broken %u", i, t.held, t.broken);
        world_close(&w);
    }
}

/* g0, g1: the generation read; c: capacity, of 64 bits; b, t: fields of 32 and 16 bits; s: the driver goes on. */
static void a_driver_reads_again_what_changed_meanwhile(void **state)
{
    static const struct {
        const char *what;
        uint32_t wide, many, asks;       /* held: CFG-DRV-01, 02, 03 */
        uint32_t no_wide, no_many, no_asks; /* broken */
    } rows[] = {
        { "g0 c g0 s", 1, 0, 1, 0, 0, 0 },
        { "g0 c g1 s", 0, 0, 0, 1, 0, 0 },
        { "g0 c g1 c g1 s", 1, 0, 1, 0, 0, 0 },
        { "c g0 s", 0, 0, 0, 0, 0, 1 },
        { "g0 c s", 0, 0, 0, 0, 0, 1 },
        { "c s", 0, 0, 0, 0, 0, 0 }, /* not every transport has a generation */
        { "g0 b t g0 s", 0, 1, 1, 0, 0, 0 },
        { "g0 b t g1 s", 0, 0, 0, 0, 1, 0 },
        { "g0 b g0 s", 0, 0, 1, 0, 0, 0 },
        { "g0 b g1 s", 0, 0, 0, 0, 0, 0 },
        { "g0 b s", 0, 0, 0, 0, 0, 0 },
        { "g0 c b g0 s", 1, 1, 1, 0, 0, 0 },
        { "g0 c b g1 s", 0, 0, 0, 0, 1, 0 },
        { "g0 b t g1 b t g1 s", 0, 1, 1, 0, 0, 0 },
        { "g0 g0 s", 0, 0, 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        static const uint8_t zeroes[8];
        struct world w;

        found(&w, V1 | F(BLK_SIZE) | F(MQ), true);
        for (const char *p = rows[i].what; *p != '\0'; p++) {
            if (*p == 'g')
                world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_GENERATION, (uint64_t)(*++p - '0'));
            else if (*p == 'c')
                world_config(&w, 0, zeroes, 8);
            else if (*p == 'b')
                world_config(&w, 20, zeroes, 4);
            else if (*p == 't')
                world_config(&w, 34, zeroes, 2);
            else if (*p == 's')
                world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 11);
        }
        const struct vblk_tally t[3] = { world_tally(&w, "CFG-DRV-01"), world_tally(&w, "CFG-DRV-02"), world_tally(&w, "CFG-DRV-03") };
        if (t[0].held != rows[i].wide || t[1].held != rows[i].many || t[2].held != rows[i].asks ||
            t[0].broken != rows[i].no_wide || t[1].broken != rows[i].no_many || t[2].broken != rows[i].no_asks)
            fail_msg("%s: held %u %u %u, broken %u %u %u", rows[i].what, t[0].held, t[1].held, t[2].held, t[0].broken,
                     t[1].broken, t[2].broken);
        world_close(&w);
    }
}

static void queues_are_as_many_as_num_queues_says(void **state)
{
    static const struct {
        uint64_t offered, accepted;
        int told; /* num_queues; -1: not read */
        uint16_t queue;
        uint64_t value;
        uint32_t held, broken, doubted; /* BLK-INIT-09 */
        uint32_t only, more;            /* BLK-CFG-10: held, broken */
    } rows[] = {
        { V1, V1, -1, 0, 1, 0, 0, 0, 1, 0 },
        { V1, V1, -1, 1, 1, 0, 0, 0, 0, 1 },
        { V1, V1, -1, 1, 0, 0, 0, 0, 0, 0 },
        { V1 | F(MQ), V1, 2, 0, 1, 0, 0, 0, 0, 0 },
        { V1 | F(MQ), V1, 2, 1, 1, 0, 1, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), 2, 0, 1, 1, 0, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), 2, 1, 1, 1, 0, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), 2, 2, 1, 0, 1, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), 2, 2, 0, 0, 0, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), -1, 0, 1, 0, 0, 0, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), -1, 1, 1, 0, 0, 1, 0, 0 },
        { V1 | F(MQ), V1 | F(MQ), 0, 1, 1, 0, 0, 0, 0, 0 }, /* the device's fault */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const vblk_le16 told = vblk_put16((uint16_t)rows[i].told);
        struct world w;

        found(&w, rows[i].offered, true);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, rows[i].accepted);
        world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 11);
        world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 11);
        if (rows[i].told >= 0)
            world_config(&w, 34, &told, 2);
        of_queue(&w, VBLK_REG_QUEUE_SIZE, rows[i].queue, WORLD_SIZE);
        of_queue(&w, VBLK_REG_QUEUE_DESC, rows[i].queue, WORLD_DESC);
        of_queue(&w, VBLK_REG_QUEUE_DRIVER, rows[i].queue, WORLD_AVAIL);
        of_queue(&w, VBLK_REG_QUEUE_DEVICE, rows[i].queue, WORLD_USED);
        of_queue(&w, VBLK_REG_QUEUE_ENABLE, rows[i].queue, rows[i].value);
        const struct vblk_tally t = world_tally(&w, "BLK-INIT-09"), one = world_tally(&w, "BLK-CFG-10");
        if (t.held != rows[i].held || t.broken != rows[i].broken || t.doubted != rows[i].doubted ||
            one.held != rows[i].only || one.broken != rows[i].more)
            fail_msg("row %zu: held %u, broken %u, doubted %u; %u, %u", i, t.held, t.broken, t.doubted, one.held, one.broken);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_the_drivers_to_read__once_they_are_offered),
        cmocka_unit_test(a_driver_reads_again_what_changed_meanwhile),
        cmocka_unit_test(queues_are_as_many_as_num_queues_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
