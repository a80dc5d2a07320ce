/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole suite on the reference device, and on each mutant of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutants.h"
#include "runner.h"

static struct runner_set vectors;

/* What goes on for seconds says nothing more about these mutants. */
static const char *not_long[] = { "!*/past-65536*" };

/* @area: NULL, or the area that is enough, with blk-request, where an instrumented build makes the whole suite slow. */
static struct report *run_suite(const struct vblk_behaviour *behaviour, const char *area)
{
    const char *areas[] = { area, "blk-request" };
    struct runner_options options = { .profile = *vblk_profile_default(), .seed = 1, .timeout_ms = 10000,
                                      .allow_data_loss = true, .replay = "vblk test --builtin" };
    options.filter.areas = (struct runner_globs){ areas, area != NULL ? 2 : 0 };
    options.filter.names = (struct runner_globs){ not_long, behaviour != NULL };
    struct target_model model = { .profile = options.profile, .behaviour = behaviour };
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

static bool is_meant(const struct mutant *m, const char *id)
{
    bool meant = strcmp(m->clause, id) == 0;
    for (size_t i = 0; i < MUTANT_SYNONYMS && m->synonyms[i] != NULL; i++)
        meant = meant || strcmp(m->synonyms[i], id) == 0;
    return meant;
}

static void mutant_is_blamed_for_its_clause_and_no_other(void **state)
{
    const struct mutant *m = *state;
    struct vblk_behaviour behaviour = m->behaviour;
    bool blamed = false;

    behaviour.name = m->name;
    const struct vblk_clause *clause = vblk_clause_at(vblk_clause_find(m->clause));

    assert_non_null(clause);
    struct report *report = run_suite(&behaviour, MUTANTS_QUICK ? clause->area : NULL);

    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];
        if (!bad(c))
            continue;
        blamed = blamed || strcmp(c->id, m->clause) == 0;
        if (!is_meant(m, c->id)) {
            const struct report_violation *v = c->violation_count > 0 ? &c->violations[0] : NULL;
            fail_msg("%s: %s is blamed, too: %s; seen: %s (%s)", m->name, c->id, v != NULL ? v->message : "",
                     v != NULL ? v->seen : "", v != NULL ? v->name : "");
        }
    }
    if (!blamed)
        fail_msg("%s: %s is not blamed", m->name, m->clause);
    report_free(report);
}

static void reference_device_passes__and_nothing_passes_unexercised(void **state)
{
    struct report *report = run_suite(NULL, NULL);
    uint64_t passed = 0;
    (void)state;
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];
        if (bad(c))
            fail_msg("%s: %s; seen: %s (%s)", c->id, c->summary, c->violation_count > 0 ? c->violations[0].seen : c->why,
                     c->violation_count > 0 ? c->violations[0].name : "");
        if (c->verdict == VBLK_VERDICT_PASS) {
            assert_true(c->exercised > 0);
            passed++;
        }
    }
    for (size_t i = 0; i < report->case_count; i++) {
        const struct report_case *c = &report->cases[i];
        if (c->result == REPORT_HUNG || c->result == REPORT_GONE)
            fail_msg("%s: %s", c->name, c->reason);
    }
    assert_true(passed > 100);
    report_free(report);
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

#define TESTS_MAX 64

int main(void)
{
    static struct CMUnitTest tests[TESTS_MAX] = { cmocka_unit_test(
        reference_device_passes__and_nothing_passes_unexercised) };
    size_t n = 1;
    for (size_t i = 0; mutant_at(i) != NULL && n < TESTS_MAX; i++, n++)
        tests[n] = (struct CMUnitTest){ mutant_at(i)->name, mutant_is_blamed_for_its_clause_and_no_other, NULL, NULL,
                                        (void *)(uintptr_t)mutant_at(i) };
    if (mutant_at(n - 1) != NULL)
        return 1; /* TESTS_MAX leaves some out */
    return _cmocka_run_group_tests("mutants", tests, n, load_vectors, unload_vectors);
}
