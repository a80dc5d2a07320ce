/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests and their answers, each number at its limit and one beyond. */
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

enum { HELD = 'h', BROKEN = 'b', DOUBTED = 'd', UNTOUCHED = '-' };

static char said(const struct world *w, const char *clause)
{
    const struct vblk_tally t = world_tally(w, clause);

    return (char)(t.broken > 0 ? BROKEN : t.doubted > 0 ? DOUBTED : t.held > 0 ? HELD : UNTOUCHED);
}

static void start(struct world *w, uint64_t features)
{
    world_open(w, VBLK_SEES_ALL, true);
    world_start(w, BASE | features, BASE | features);
}

static void lifetimes_are_judged_number_by_number(void **state)
{
    static const char *const clauses[] = { "BLK-OP-16", "BLK-OP-17", "BLK-OP-18", "BLK-OP-19", "BLK-OP-DEV-24", "BLK-OP-DEV-25" };
    static const struct {
        uint16_t value[3];
        uint8_t status;
        const char *say; /* of each of the clauses */
    } rows[] = {
        { { 0, 0, 0 }, VBLK_S_OK, "hhhhdh" },         { { 0, 0, 1 }, VBLK_S_OK, "hhhhhh" },
        { { 3, 11, 11 }, VBLK_S_OK, "hhhhhh" },       { { 4, 11, 11 }, VBLK_S_OK, "hbhhhb" },
        { { 3, 12, 11 }, VBLK_S_OK, "hhbhhb" },       { { 3, 11, 12 }, VBLK_S_OK, "hhhbhb" },
        { { 0x300, 0xb00, 0xb00 }, VBLK_S_OK, "b---h-" }, { { 0x400, 0xb00, 0xb00 }, VBLK_S_OK, "hbbbhb" },
        { { 0x300, 0xc00, 0xb00 }, VBLK_S_OK, "hbbbhb" }, { { 0x300, 0xb00, 0xb01 }, VBLK_S_OK, "hbbbhb" },
        { { 0x300, 0, 0 }, VBLK_S_OK, "b---h-" },     { { 0x301, 0, 0 }, VBLK_S_OK, "hbhhhb" },
        { { 4, 12, 12 }, VBLK_S_IOERR, "------" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct vblk_lifetime answer = { vblk_put16(rows[i].value[0]), vblk_put16(rows[i].value[1]),
                                              vblk_put16(rows[i].value[2]) };
        struct world w;

        start(&w, F(LIFETIME));
        world_request(&w, 0, VBLK_T_GET_LIFETIME, 0, NULL, 0, sizeof(answer));
        world_available(&w, 0);
        world_answer(&w, 0, &answer, sizeof(answer), rows[i].status);
        for (size_t c = 0; c < LENGTH(clauses); c++)
            if (said(&w, clauses[c]) != rows[i].say[c])
                fail_msg("row %zu, %s: %c", i, clauses[c], said(&w, clauses[c]));
        world_close(&w);
    }
}

struct ranged {
    uint32_t type;
    uint64_t sector;
    uint32_t count, flags, segments;
    const char *blamed; /* the driver is, for these, in the table's order; "": for nothing */
};

static void put_limits(struct world *w)
{
    const vblk_le32 limits[9] = { vblk_put32(64), vblk_put32(2), vblk_put32(8), vblk_put32(64), vblk_put32(2),
                                  vblk_put32(0),  vblk_put32(64), vblk_put32(2), vblk_put32(8) };

    world_config(w, 36, limits, sizeof(limits));
}

static void ranges_are_judged_at_their_ends(void **state)
{
    static const struct ranged rows[] = {
        { VBLK_T_DISCARD, 8, 64, 0, 2, "" },
        { VBLK_T_DISCARD, 8, 64, 0, 3, "BLK-OP-DRV-11" },
        /* of the sectors of a segment and their alignment no rule is made */
        { VBLK_T_DISCARD, 8, 72, 0, 1, "" },
        { VBLK_T_DISCARD, 7, 8, 0, 1, "" },
        { VBLK_T_DISCARD, 8, 7, 0, 1, "" },
        { VBLK_T_DISCARD, 8, 0, 0, 1, "" },
        { VBLK_T_DISCARD, 2040, 8, 0, 1, "" },
        { VBLK_T_DISCARD, 2048, 8, 0, 1, "BLK-OP-DRV-02" },
        { VBLK_T_DISCARD, 2040, 16, 0, 1, "BLK-OP-DRV-02" },
        { VBLK_T_DISCARD, UINT64_MAX - 7, 8, 0, 1, "BLK-OP-DRV-02" },
        { VBLK_T_DISCARD, 8, 8, 1, 1, "BLK-OP-DRV-16" },
        { VBLK_T_DISCARD, 8, 8, 2, 1, "BLK-OP-11" },
        { VBLK_T_DISCARD, 8, 8, 0x80000000u, 1, "BLK-OP-11" },
        { VBLK_T_WRITE_ZEROES, 8, 64, 0, 2, "" },
        { VBLK_T_WRITE_ZEROES, 7, 1, 0, 1, "" },
        { VBLK_T_WRITE_ZEROES, 8, 64, 0, 3, "BLK-OP-DRV-13" },
        { VBLK_T_WRITE_ZEROES, 8, 65, 0, 1, "" },
        { VBLK_T_WRITE_ZEROES, 2047, 1, 0, 1, "" },
        { VBLK_T_WRITE_ZEROES, 2047, 2, 0, 1, "BLK-OP-DRV-02" },
        { VBLK_T_WRITE_ZEROES, 8, 8, 1, 1, "" },
        { VBLK_T_WRITE_ZEROES, 8, 8, 3, 1, "BLK-OP-11" },
        { VBLK_T_SECURE_ERASE, 8, 64, 0, 2, "" },
        { VBLK_T_SECURE_ERASE, 8, 64, 0, 3, "BLK-OP-DRV-12" },
        { VBLK_T_SECURE_ERASE, 8, 72, 0, 1, "" },
        { VBLK_T_SECURE_ERASE, 7, 8, 0, 1, "" },
        { VBLK_T_SECURE_ERASE, 8, 8, 1, 1, "BLK-OP-14" },
        { VBLK_T_IN, 2047, 1, 0, 0, "" },
        { VBLK_T_IN, 2048, 1, 0, 0, "BLK-OP-DRV-02" },
        { VBLK_T_IN, 2047, 2, 0, 0, "BLK-OP-DRV-02" },
        { VBLK_T_IN, 2046, 2, 0, 0, "" },
        { VBLK_T_IN, UINT64_MAX, 1, 0, 0, "BLK-OP-DRV-02" },
        { VBLK_T_OUT, 2047, 1, 0, 0, "" },
        { VBLK_T_OUT, 2048, 1, 0, 0, "BLK-OP-DRV-02" },
        { VBLK_T_OUT, 2047, 2, 0, 0, "BLK-OP-DRV-02" },
    };
    static const uint8_t data[1024];
    struct vblk_segment s[3];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct ranged *r = &rows[i];
        const uint32_t bytes = r->segments > 0 ? r->segments * 16 : r->count * 512;
        char blamed[200] = "";
        struct world w;

        start(&w, F(DISCARD) | F(WRITE_ZEROES) | F(SECURE_ERASE));
        put_limits(&w);
        for (uint32_t k = 0; k < r->segments; k++)
            s[k] = (struct vblk_segment){ vblk_put64(r->sector + 128 * (uint64_t)k), vblk_put32(r->count), vblk_put32(r->flags) };
        world_request(&w, 0, r->type, r->segments > 0 ? 0 : r->sector, r->segments > 0 ? (const void *)s : data,
                      r->type == VBLK_T_IN ? 0 : bytes, r->type == VBLK_T_IN ? bytes : 0);
        world_available(&w, 0);
        for (size_t v = 0; v < vblk_oracle_violation_count(w.o); v++) {
            const char *id = vblk_clause_at(vblk_oracle_violation(w.o, v)->clause)->id;

            assert_int_equal(vblk_oracle_violation(w.o, v)->guilty, VBLK_DRIVER);
            assert_true(strlen(blamed) + strlen(id) + 2 < sizeof(blamed));
            (void)strcat(strcat(blamed, blamed[0] != '\0' ? " " : ""), id);
        }
        if (strcmp(blamed, r->blamed) != 0)
            fail_msg("row %zu: %s", i, blamed);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifetimes_are_judged_number_by_number),
        cmocka_unit_test(ranges_are_judged_at_their_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
