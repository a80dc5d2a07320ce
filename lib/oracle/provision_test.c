/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of provision as vectors can't show them: other readings, strictness, a peer whose stores are not seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define BIT VBLK_BIT(17)
#define V1 VBLK_BIT(VBLK_F_VERSION_1)
#define FLUSH VBLK_BIT(VBLK_F_FLUSH)

enum { SEGMENT = 16, OK = VBLK_S_OK, IOERR = VBLK_S_IOERR, UNSUPP = VBLK_S_UNSUPP };

struct setting {
    const char *reading;  /* "AMB-02=ignore", or NULL */
    uint8_t strictness;
    uint32_t sees;
    uint64_t offered;
    uint32_t max_sectors, max_segments;
};
static const struct setting plain = { NULL, VBLK_INTEROP, VBLK_SEES_ALL, BIT | V1 | FLUSH, 64, 4 };

static void put_limits(struct world *w, uint32_t sectors, uint32_t segments)
{
    struct vblk_provision_config c = { vblk_put32(sectors), vblk_put32(segments) };
    world_config(w, 72, &c, sizeof(c));
}

static void replace_oracle(struct world *w, const struct vblk_oracle_options *options)
{
    vblk_oracle_free(w->o);
    w->o = vblk_oracle_new(options, w->mem);
    assert_non_null(w->o);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
}

static void open_with(struct world *w, const struct setting *s)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = s->sees, .disk_zero = true,
                                           .judge_driver = true, .strictness = s->strictness };
    world_open(w, s->sees, true);
    if (s->reading != NULL)
        assert_int_equal(vblk_readings_set(&options.readings, s->reading, NULL, 0), VBLK_OK);
    replace_oracle(w, &options);
    world_start(w, s->offered, s->offered);
    put_limits(w, s->max_sectors, s->max_segments);
}

static void provision(struct world *w, uint16_t n, const struct vblk_segment *segments, uint32_t bytes)
{
    world_request(w, n, 15, 0, segments, bytes, 0);
    world_available(w, (uint16_t)(3 * n));
}

static struct vblk_segment segment(uint64_t sector, uint32_t count, uint32_t flags)
{
    struct vblk_segment s = { vblk_put64(sector), vblk_put32(count), vblk_put32(flags) };
    return s;
}

/* What one segment with one answer leaves in the tally of one row. */
static struct vblk_tally outcome(const struct setting *s, struct vblk_segment seg, uint8_t status, const char *id)
{
    struct world w;
    open_with(&w, s);
    provision(&w, 0, &seg, SEGMENT);
    world_answer(&w, 0, NULL, 0, status);
    struct vblk_tally tally = world_tally(&w, id);
    world_close(&w);
    return tally;
}

enum word { HELD, BROKEN, DOUBTED, NOTED };
static bool is(struct vblk_tally tally, enum word word)
{
    const uint32_t counts[] = { tally.held, tally.broken, tally.doubted, tally.noted };
    for (unsigned i = 0; i < 4; i++)
        if ((counts[i] != 0) != (i == (unsigned)word))
            return false;
    return true;
}

/* ---- readings ---- */

struct reading_case {
    const char *reading, *id;
    uint64_t offered;
    uint64_t sector;
    uint32_t count, flags;
    enum word ok, ioerr, unsupp;
};

static const struct reading_case reading_cases[] = {
    { "AMB-02=unsupp", "PROV-DEV-05", BIT | V1 | FLUSH, 0, 8, 1, DOUBTED, DOUBTED, HELD },
    { "AMB-02=ignore", "PROV-DEV-05", BIT | V1 | FLUSH, 0, 8, 1, HELD, DOUBTED, BROKEN },
    { "AMB-02=fault", "PROV-DEV-05", BIT | V1 | FLUSH, 0, 8, 1, HELD, HELD, HELD },
    { "AMB-03=lenient", "PROV-DEV-19", BIT | V1 | FLUSH, 0, 65, 0, DOUBTED, HELD, HELD },
    { "AMB-03=strict", "PROV-DEV-19", BIT | V1 | FLUSH, 0, 65, 0, BROKEN, HELD, HELD },
    { "AMB-03=advisory", "PROV-DEV-19", BIT | V1 | FLUSH, 0, 65, 0, HELD, HELD, HELD },
    { "AMB-04=ranges", "PROV-DEV-13", BIT | V1 | FLUSH, 2048, 1, 0, DOUBTED, HELD, HELD },
    { "AMB-04=strict", "PROV-DEV-13", BIT | V1 | FLUSH, 2048, 1, 0, BROKEN, HELD, HELD },
    { "AMB-04=inout", "PROV-DEV-13", BIT | V1 | FLUSH, 2048, 1, 0, HELD, HELD, HELD },
    { "AMB-05=either", "PROV-DEV-15", BIT | V1 | FLUSH, 0, 0, 0, HELD, HELD, HELD },
    { "AMB-05=noop", "PROV-DEV-15", BIT | V1 | FLUSH, 0, 0, 0, HELD, DOUBTED, DOUBTED },
    { "AMB-05=error", "PROV-DEV-15", BIT | V1 | FLUSH, 0, 0, 0, DOUBTED, HELD, HELD },
    { "AMB-11=lenient", "PROV-DEV-20", BIT | V1 | FLUSH | VBLK_BIT(VBLK_F_RO), 0, 8, 0, DOUBTED, HELD, HELD },
    { "AMB-11=write", "PROV-DEV-20", BIT | V1 | FLUSH | VBLK_BIT(VBLK_F_RO), 0, 8, 0, BROKEN, HELD, BROKEN },
    { "AMB-11=allow", "PROV-DEV-20", BIT | V1 | FLUSH | VBLK_BIT(VBLK_F_RO), 0, 8, 0, HELD, HELD, HELD },
};

static void each_reading__weighs_each_status_as_its_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(reading_cases) / sizeof(reading_cases[0]); i++) {
        const struct reading_case *c = &reading_cases[i];
        const enum word words[] = { c->ok, c->ioerr, c->unsupp };
        struct setting s = plain;
        s.reading = c->reading;
        s.offered = c->offered;
        for (uint8_t status = OK; status <= UNSUPP; status++) {
            struct vblk_tally tally = outcome(&s, segment(c->sector, c->count, c->flags), status, c->id);
            if (!is(tally, words[status]))
                fail_msg("%s: status %u: %s held %u broken %u doubted %u", c->reading, status, c->id, tally.held,
                         tally.broken, tally.doubted);
        }
    }
}

static void without_the_feature__strict_reading_breaks_what_the_other_doubts(void **state)
{
    struct setting s = plain;
    struct world w;
    struct vblk_segment seg = segment(0, 8, 0);

    (void)state;
    for (unsigned strict = 0; strict < 2; strict++) {
        s.reading = strict ? "AMB-10=strict" : NULL;
        open_with(&w, &s);
        world_start(&w, plain.offered, V1 | FLUSH);
        provision(&w, 0, &seg, SEGMENT);
        world_answer(&w, 0, NULL, 0, IOERR);
        assert_true(is(world_tally(&w, "PROV-DEV-12"), strict ? BROKEN : DOUBTED));
        world_close(&w);
    }
}

static void sum_above_the_limit__is_judged_by_the_reading(void **state)
{
    static const struct { const char *reading; enum word driver, ok, ioerr; } cases[] = {
        { "AMB-06=either", DOUBTED, NOTED, NOTED },
        { "AMB-06=segment", HELD, HELD, DOUBTED },
        { "AMB-06=request", BROKEN, DOUBTED, HELD },
    };
    struct vblk_segment both[2] = { segment(0, 64, 0), segment(64, 64, 0) };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct setting s = plain;
        struct world w;
        s.reading = cases[i / 2].reading;
        open_with(&w, &s);
        provision(&w, 0, both, sizeof(both));
        world_answer(&w, 0, NULL, 0, i % 2 == 0 ? OK : IOERR);
        assert_true(is(world_tally(&w, "PROV-DRV-03"), cases[i / 2].driver));
        assert_true(is(world_tally(&w, "PROV-REQ-12"), i % 2 == 0 ? cases[i / 2].ok : cases[i / 2].ioerr));
        world_close(&w);
    }
}

static void limits_of_zero__forbid_or_mean_nothing(void **state)
{
    struct setting s = plain;
    s.max_sectors = s.max_segments = 0;

    (void)state;
    assert_true(is(outcome(&s, segment(0, 8, 0), OK, "PROV-CFG-10"), DOUBTED));
    assert_true(is(outcome(&s, segment(0, 8, 0), OK, "PROV-DRV-02"), BROKEN));
    assert_int_equal(outcome(&s, segment(0, 8, 0), UNSUPP, "PROV-REQ-01").broken, 0);
    s.reading = "AMB-09=unlimited";
    assert_true(is(outcome(&s, segment(0, 8, 0), OK, "PROV-CFG-10"), HELD));
    assert_true(is(outcome(&s, segment(0, 8, 0), OK, "PROV-DRV-02"), HELD));
    assert_true(is(outcome(&s, segment(0, 8, 0), UNSUPP, "PROV-REQ-01"), BROKEN));
}

static void hole_that_changed__is_waived_by_its_reading(void **state)
{
    static uint8_t odd[512];
    struct vblk_segment seg = segment(8, 8, 0);

    (void)state;
    memset(odd, 0x5a, sizeof(odd));
    for (unsigned waive = 0; waive < 2; waive++) {
        struct setting s = plain;
        struct world w;
        s.reading = waive ? "AMB-08=waive" : NULL;
        open_with(&w, &s);
        provision(&w, 0, &seg, SEGMENT);
        world_answer(&w, 0, NULL, 0, OK);
        world_request(&w, 1, VBLK_T_IN, 8, NULL, 0, sizeof(odd));
        world_available(&w, 3);
        world_answer(&w, 1, odd, sizeof(odd), OK);
        assert_true(is(world_tally(&w, "PROV-DEV-10"), waive ? HELD : BROKEN));
        assert_int_equal(world_tally(&w, "PROV-DEV-08").broken, 0);
        world_close(&w);
    }
}

/* ---- strictness and profiles ---- */

static void flag_beside_a_range__fails_only_by_the_letter(void **state)
{
    struct setting s = plain;

    (void)state;
    assert_true(is(outcome(&s, segment(2048, 1, 2), IOERR, "PROV-DEV-03"), DOUBTED));
    assert_true(is(outcome(&s, segment(2048, 1, 2), OK, "PROV-DEV-03"), BROKEN));
    s.strictness = VBLK_STRICT;
    assert_true(is(outcome(&s, segment(2048, 1, 2), IOERR, "PROV-DEV-03"), BROKEN));
    s.offered |= VBLK_BIT(VBLK_F_RO); /* then IOERR has another rule behind it */
    assert_true(is(outcome(&s, segment(0, 1, 2), IOERR, "PROV-DEV-03"), HELD));
}

static void profile_of_two_meanings__is_said(void **state)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = VBLK_SEES_ALL };
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    options.profile.zoned = true;
    options.profile.version = 0x0104;
    replace_oracle(&w, &options);
    world_start(&w, BIT | V1 | FLUSH, BIT | V1 | FLUSH);
    assert_true(is(world_tally(&w, "PROV-FEAT-06"), BROKEN));
    world_close(&w);
}

static void device_with_larger_numbers__is_judged_by_its_profile(void **state)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_find("1.4+provision"), .sees = VBLK_SEES_ALL,
                                           .judge_driver = true };
    struct vblk_provision_config limits = { vblk_put32(64), vblk_put32(4) };
    struct vblk_segment seg = segment(0, 8, 4);
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    replace_oracle(&w, &options);
    world_start(&w, VBLK_BIT(18) | V1 | FLUSH, VBLK_BIT(18) | V1 | FLUSH);
    world_config(&w, 96, &limits, sizeof(limits));
    world_request(&w, 0, 17, 0, &seg, SEGMENT, 0);
    world_available(&w, 0);
    world_answer(&w, 0, NULL, 0, OK);
    assert_true(is(world_tally(&w, "PROV-DEV-01"), BROKEN));
    assert_true(is(world_tally(&w, "PROV-DRV-08"), BROKEN));
    assert_true(is(world_tally(&w, "PROV-INIT-01"), HELD));
    world_close(&w);
}

/* ---- a peer whose stores are not seen ---- */

static const struct setting foreign = { NULL, VBLK_INTEROP, VBLK_SEES_DRIVER_STORES, BIT | V1 | FLUSH, 64, 4 };

static void segments_changed_behind_our_back__are_found_at_completion(void **state)
{
    struct vblk_segment seg = segment(0, 8, 0);
    struct world w;

    (void)state;
    open_with(&w, &foreign);
    provision(&w, 0, &seg, SEGMENT);
    world_store(&w, VBLK_DEVICE, world_data(0) + 3, "x", 1);
    world_answer(&w, 0, NULL, 0, OK);
    assert_true(is(world_tally(&w, "PROV-DEV-35"), BROKEN));
    world_close(&w);
}

static void status_never_written__shows_as_what_the_driver_left(void **state)
{
    struct vblk_segment seg = segment(0, 8, 0);
    struct world w;

    (void)state;
    open_with(&w, &foreign);
    provision(&w, 0, &seg, SEGMENT);
    world_used(&w, 0, 1);
    assert_true(is(world_tally(&w, "PROV-REQ-14"), BROKEN));
    assert_int_equal(world_tally(&w, "PROV-REQ-15").broken + world_tally(&w, "PROV-DEV-22").broken, 0);
    provision(&w, 1, &seg, SEGMENT);
    world_answer(&w, 1, NULL, 0, OK);
    assert_int_equal(world_tally(&w, "PROV-REQ-14").held, 1);
    world_close(&w);
}

static void late_status_after_reset__is_found_at_the_end_of_the_case(void **state)
{
    struct vblk_segment seg = segment(0, 8, 0);
    struct world w;

    (void)state;
    open_with(&w, &foreign);
    provision(&w, 0, &seg, SEGMENT);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
    assert_true(is(world_tally(&w, "PROV-DEV-37"), HELD));
    world_store(&w, VBLK_DEVICE, world_data(0) + 0x2000, "", 1);
    world_event(&w, VBLK_EV_CASE_END, 0);
    assert_int_equal(world_tally(&w, "PROV-DEV-37").broken, 1);
    world_close(&w);
}

/* ---- what the driver is told, and what it is not ---- */

static void driver_not_judged__its_faults_are_not_counted(void **state)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = VBLK_SEES_ALL };
    struct vblk_segment seg = segment(2048, 65, 3);
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    replace_oracle(&w, &options);
    world_start(&w, plain.offered, plain.offered);
    put_limits(&w, 64, 4);
    provision(&w, 0, &seg, SEGMENT);
    world_answer(&w, 0, NULL, 0, UNSUPP);
    assert_null(world_blamed_else(&w, (const char *const[]){ NULL }));
    assert_true(is(world_tally(&w, "PROV-DEV-03"), HELD));
    world_close(&w);
}

static void configuration_changed_by_provision__is_doubted(void **state)
{
    const vblk_le32 before = vblk_put32(126), after = vblk_put32(62);
    struct vblk_segment seg = segment(0, 8, 0);
    struct world w;

    (void)state;
    open_with(&w, &plain);
    world_config(&w, 12, &before, sizeof(before));
    provision(&w, 0, &seg, SEGMENT);
    world_answer(&w, 0, NULL, 0, OK);
    world_config(&w, 12, &after, sizeof(after));
    assert_true(is(world_tally(&w, "PROV-DEV-38"), DOUBTED));
    world_close(&w);
}

static void limit_read_byte_by_byte__is_known(void **state)
{
    const struct vblk_provision_config c = { vblk_put32(64), vblk_put32(4) };
    struct vblk_segment seg = segment(0, 65, 0);
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, plain.offered, plain.offered);
    for (uint32_t i = 0; i < sizeof(c); i++)
        world_config(&w, 72 + i, (const uint8_t *)&c + i, 1);
    provision(&w, 0, &seg, SEGMENT);
    assert_true(is(world_tally(&w, "PROV-DRV-03"), BROKEN));
    assert_true(is(world_tally(&w, "PROV-INIT-01"), HELD));
    assert_int_equal(world_tally(&w, "PROV-CFG-03").doubted, 0);
    world_close(&w);
}

static void a_limit_that_nothing_came_back_for__breaks_the_offer(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, plain.offered, plain.offered);
    world_config(&w, 72, NULL, 0);
    assert_true(is(world_tally(&w, "PROV-FEAT-02"), BROKEN));
    world_close(&w);
}

static void legacy_offer_and_acceptance__blame_each_its_own(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_start(&w, BIT | V1 | FLUSH, BIT | FLUSH);
    assert_int_equal(world_tally(&w, "PROV-DEV-39").doubted, 1);
    for (size_t i = 0; i < vblk_oracle_violation_count(w.o); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(w.o, i);
        if (v->clause == vblk_clause_find("PROV-DEV-39"))
            assert_int_equal(v->guilty, VBLK_DRIVER);
    }
    world_close(&w);
}

static void features_ok_refused_for_provision_alone__is_doubted(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, VBLK_SEES_ALL, true);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, BIT | V1 | FLUSH);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, BIT | V1);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 11);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 3);
    assert_true(is(world_tally(&w, "PROV-FEAT-04"), DOUBTED));
    world_close(&w);
}

static void chain_made_available_twice__is_not_judged_as_a_request(void **state)
{
    struct vblk_segment seg = segment(0, 8, 2);
    struct world w;

    (void)state;
    open_with(&w, &plain);
    provision(&w, 0, &seg, SEGMENT);
    world_available(&w, 0);
    world_answer(&w, 0, NULL, 0, OK);
    assert_int_equal(world_tally(&w, "PROV-DEV-01").broken, 0);
    world_close(&w);
}

static void read_after_a_malformed_request__may_stay_unanswered_with_needs_reset(void **state)
{
    struct world w;

    (void)state;
    open_with(&w, &plain);
    provision(&w, 0, NULL, 0);
    world_answer(&w, 0, NULL, 0, IOERR);
    world_request(&w, 1, VBLK_T_IN, 0, NULL, 0, 512);
    world_available(&w, 3);
    world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 15 | VBLK_STATUS_NEEDS_RESET);
    world_event(&w, VBLK_EV_QUIET, 1000);
    assert_int_equal(world_tally(&w, "PROV-DEV-31").broken, 0); /* DEVICE_NEEDS_RESET says it */
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reading__weighs_each_status_as_its_table_says),
        cmocka_unit_test(without_the_feature__strict_reading_breaks_what_the_other_doubts),
        cmocka_unit_test(sum_above_the_limit__is_judged_by_the_reading),
        cmocka_unit_test(limits_of_zero__forbid_or_mean_nothing),
        cmocka_unit_test(hole_that_changed__is_waived_by_its_reading),
        cmocka_unit_test(flag_beside_a_range__fails_only_by_the_letter),
        cmocka_unit_test(profile_of_two_meanings__is_said),
        cmocka_unit_test(device_with_larger_numbers__is_judged_by_its_profile),
        cmocka_unit_test(segments_changed_behind_our_back__are_found_at_completion),
        cmocka_unit_test(status_never_written__shows_as_what_the_driver_left),
        cmocka_unit_test(late_status_after_reset__is_found_at_the_end_of_the_case),
        cmocka_unit_test(driver_not_judged__its_faults_are_not_counted),
        cmocka_unit_test(configuration_changed_by_provision__is_doubted),
        cmocka_unit_test(limit_read_byte_by_byte__is_known),
        cmocka_unit_test(a_limit_that_nothing_came_back_for__breaks_the_offer),
        cmocka_unit_test(legacy_offer_and_acceptance__blame_each_its_own),
        cmocka_unit_test(features_ok_refused_for_provision_alone__is_doubted),
        cmocka_unit_test(chain_made_available_twice__is_not_judged_as_a_request),
        cmocka_unit_test(read_after_a_malformed_request__may_stay_unanswered_with_needs_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
