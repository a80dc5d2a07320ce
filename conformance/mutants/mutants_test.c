/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole suite on the reference device; that nothing it checks goes unexercised; a few mutants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trial.h"

static struct runner_set vectors;

static struct report *run_reference(uint64_t ring)
{
    struct runner_options options = { .profile = *vblk_profile_default(), .seed = 1, .timeout_ms = 10000,
                                      .allow_data_loss = true, .replay = "vblk test --builtin" };
    struct target_model model = { .profile = options.profile, .ring = ring };
    struct target *target = target_builtin(&model);
    struct report *report = report_new();

    assert_non_null(target);
    assert_int_equal(runner_run(&options, &vectors, target, report), VBLK_OK);
    target_close(target);
    return report;
}

static bool bad(const struct report_clause *c)
{
    return c->verdict == VBLK_VERDICT_FAIL || c->verdict == VBLK_VERDICT_WARN;
}

static void passes(const struct report *report)
{
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];

        if (bad(c))
            fail_msg("%s: %s; seen: %s (%s)", c->id, c->summary, c->violation_count > 0 ? c->violations[0].seen : c->why,
                     c->violation_count > 0 ? c->violations[0].name : "");
        if (c->verdict == VBLK_VERDICT_PASS)
            assert_true(c->exercised > 0);
    }
    for (size_t i = 0; i < report->case_count; i++) {
        const struct report_case *c = &report->cases[i];

        if (c->result == REPORT_HUNG || c->result == REPORT_GONE)
            fail_msg("%s: %s", c->name, c->reason);
    }
}

#define DRIVERS "it judges what drivers do, and the suite's own driver is not judged"

/* Clauses that bind devices, are checked, apply to the reference device, and that no case of the suite comes to. */
static const struct {
    const char *clause, *why;
} idle[] = {
    { "BLK-OP-10", DRIVERS },
    { "BLK-OP-11", DRIVERS },
    { "CLEAN-DRV-01", DRIVERS },
    { "RING-SPLIT-01", DRIVERS },
    { "RING-SPLIT-04", DRIVERS },
    { "RING-SPLIT-05", DRIVERS },
    { "RING-SPLIT-06", DRIVERS },
    { "RING-SPLIT-08", DRIVERS },
    { "RING-SPLIT-10", DRIVERS },
    { "RING-SPLIT-12", DRIVERS },
    { "RING-SPLIT-14", DRIVERS },
    { "RING-IND-01", DRIVERS },
    { "RING-IND-02", DRIVERS },
    { "RING-PACKED-02", DRIVERS },
    { "RING-PACKED-11", DRIVERS },
    { "RING-PACKED-13", DRIVERS },
    { "RING-PACKED-17", DRIVERS },
    { "RING-PACKED-25", DRIVERS },
    { "PROV-DEV-20", "RO and PROVISION together are not offered, which PROV-DEV-21 would warn of" },
    { "BLK-OP-DEV-22", "no case leaves FLUSH out" },
    { "RSVF-DEV-04", "ACCESS_PLATFORM is not offered" },
    { "RSVF-DEV-06", "ORDER_PLATFORM is not offered" },
    { "RING-SPLIT-DEV-03", "the reference device does not read what it is to write" },
    { "RING-IND-07", "the step that sets the flag is for split rings" },
    { "NOTIF-AVAIL-DEV-02", "the reference device does not set NO_NOTIFY" },
};

static const char *idle_why(const char *clause)
{
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        if (strcmp(idle[i].clause, clause) == 0)
            return idle[i].why;
    return NULL;
}

static void nothing_that_applies_goes_unexercised(const struct report *report, const struct report *plain)
{
    size_t wrong = 0;

    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)i);
        const bool exercised = c->exercised + plain->clauses[i].exercised > 0;
        const bool applies = row->standing == VBLK_CHECKED && row->bound != VBLK_BOUND_DRIVER &&
                             c->verdict != VBLK_VERDICT_NOT_APPLICABLE && c->verdict != VBLK_VERDICT_NOT_OBSERVABLE;

        if (applies && !exercised && idle_why(c->id) == NULL) {
            print_error("%s is checked and nothing in the suite exercises it\n", c->id);
            wrong++;
        } else if (exercised && idle_why(c->id) != NULL) {
            print_error("%s is exercised: it need not be excused any more\n", c->id);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void reference_device_passes__and_nothing_goes_unexercised(void **state)
{
    struct report *report = run_reference(vblk_device_ring_features()), *plain = run_reference(0);

    (void)state;
    passes(report);
    passes(plain);
    nothing_that_applies_goes_unexercised(report, plain);
    report_free(report);
    report_free(plain);
}

/* All of them are tried by `vblk mutants`; here those that instrumented builds have time for. Where it is counted what the
 * tests reach it is every second one of those with a ring that is wrong, which nothing else in that build runs. */
static bool has_time_for(size_t i, const struct mutant *m)
{
    return MUTANTS_RINGS ? m->ring != NULL && i % 2 == 0 : i % MUTANTS_STEP == 0;
}

static void mutants_are_blamed_for_their_clauses(void **state)
{
    const struct trial_options options = { .vectors = &vectors };
    const struct mutant *m;

    (void)state;
    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++) {
        struct trial trial;

        if (!has_time_for(i, m))
            continue;
        trial_mutant(&options, m, &trial);
        if (trial.result != TRIAL_KILLED)
            fail_msg("%s: %s, %s was to be blamed%s%s", m->name, trial_result_name((enum trial_result)trial.result),
                     m->clause, trial.count > 0 ? " and not " : "",
                     trial.count > 0 ? vblk_clause_at(trial.blame[0].clause)->id : "");
    }
}

static void rows_are_of_the_clause_table(void **state)
{
    const struct mutant *m;

    (void)state;
    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++) {
        if (vblk_clause_find(m->clause) == VBLK_NO_CLAUSE)
            fail_msg("%s: there is no clause %s", m->name, m->clause);
        if (!m->driver && (m->synonyms[0] != NULL) != (m->because != NULL))
            fail_msg("%s: clauses that may be blamed as well and why they may go together", m->name);
        for (size_t s = 0; !m->driver && s < MUTANT_SYNONYMS && m->synonyms[s] != NULL; s++)
            if (vblk_clause_find(m->synonyms[s]) == VBLK_NO_CLAUSE)
                fail_msg("%s: there is no clause %s", m->name, m->synonyms[s]);
        if (m->ring != NULL && vblk_ring_fault_find(m->ring) == NULL)
            fail_msg("%s: there is no ring fault %s", m->name, m->ring);
    }
}

/* Wrong drivers are written clause by clause as well; until each has one the rows that bind drivers are not held to it. */
static void what_binds_devices_has_a_mutant_or_an_excuse(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);

        if (row->bound == VBLK_BOUND_DEVICE && mutant_cover(row) == COVER_MISSING) {
            print_error("%s is checked, and has neither a mutant nor an excuse\n", row->id);
            wrong++;
        }
        if (mutant_of_clause(row->id) != NULL && mutant_uncovered(row->id) != NULL && row->strength != VBLK_MAY) {
            print_error("%s has a mutant: it need not be excused any more\n", row->id);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static int load_vectors(void **state)
{
    char why[256] = "";

    (void)state;
    if (runner_load(&vectors, VECTORS_DIR, why, sizeof(why)))
        return 0;
    print_error("%s\n", why);
    return -1;
}

static int unload_vectors(void **state)
{
    (void)state;
    runner_unload(&vectors);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_of_the_clause_table),
        cmocka_unit_test(what_binds_devices_has_a_mutant_or_an_excuse),
        cmocka_unit_test(reference_device_passes__and_nothing_goes_unexercised),
        cmocka_unit_test(mutants_are_blamed_for_their_clauses),
    };

    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
