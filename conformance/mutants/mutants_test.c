/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole suite on the reference device; that nothing it checks goes unexercised; a few mutants. */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mutants_paths.h>

#include "trial.h"

static struct runner_set vectors;

static struct report *run_reference(uint64_t ring, const char **only)
{
    struct runner_options options = { .profile = *vblk_profile_default(), .seed = 1, .timeout_ms = 10000,
                                      .allow_data_loss = true, .replay = "vblk test --builtin" };
    struct target_model model = { .profile = options.profile, .ring = ring };
    struct target *target = target_builtin(&model);
    struct report *report = report_new();

    assert_non_null(target);
    if (only != NULL)
        options.filter.names = (struct runner_globs){ only, 1 };
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

/* Clauses that nothing here comes to on a ring format, although the reference device or driver could; and why. */
#define FOR_PACKED "it is about packed rings"
#define FOR_SPLIT "it is about split rings"
#define NO_RING "the ring format is nothing to it, and the cases have split rings"
#define NO_SUCH_DRIVER "the reference driver does nothing of the kind"
#define SAME_DEVICE "the reference device offers, limits and asks for the same each time, and gives no occasion"
enum { SPLIT = 1, PACKED = 2, EITHER = 3 };
static const struct {
    const char *clause; /* a glob */
    unsigned rings;
    const char *why;
} idle[] = {
    { "RING-PACKED-*", SPLIT, FOR_PACKED },
    { "NOTIF-PACKED-*", SPLIT, FOR_PACKED },
    { "RING-IND-0[567]", SPLIT, FOR_PACKED },
    { "RING-IND-DRV-0[6789]", SPLIT, FOR_PACKED },
    { "NOTIF-DATA-04", SPLIT, FOR_PACKED },
    { "INORD-06", SPLIT, FOR_PACKED },
    { "RSVF-DRV-06", SPLIT, FOR_PACKED },
    { "PCI-COM-DRV-0[789]", SPLIT, "the scenarios with the registers of a transport have packed rings" },
    { "MMIO-DRV-10", SPLIT, "as PCI-COM-DRV-07" },
    { "RING-SPLIT-*", PACKED, FOR_SPLIT },
    { "SUPPLY-*", PACKED, FOR_SPLIT },
    { "RING-IND-0[1234]", PACKED, FOR_SPLIT },
    { "RING-IND-DRV-0[12345]", PACKED, FOR_SPLIT },
    { "RING-IND-DEV-*", PACKED, FOR_SPLIT },
    { "INORD-0[123]", PACKED, FOR_SPLIT },
    { "NOTIF-DATA-03", PACKED, FOR_SPLIT },
    { "NOTIF-USED-*", PACKED, FOR_SPLIT },
    { "NOTIF-AVAIL-*", PACKED, FOR_SPLIT },
    { "CLEAN-DRV-02", PACKED, FOR_SPLIT },
    { "PROV-FEAT-04", PACKED, NO_RING },
    { "PROV-CFG-06", PACKED, NO_RING },
    { "BLK-INIT-03", PACKED, NO_RING },
    { "STATUS-DEV-03", PACKED, NO_RING },
    { "BLK-FEAT-04", PACKED, NO_RING },
    { "FEAT-DEV-03", PACKED, NO_RING },
    { "RSVF-DEV-02", PACKED, NO_RING },
    { "BLK-INIT-DRV-03", PACKED, NO_RING },
    { "BLK-OP-DEV-0[34]", PACKED, "the device of these cases, which offers RO, has split rings" },
    { "SAFE-DEV-04", PACKED, "its chains are made of descriptors of split rings" },
    { "NOTIF-DATA-06", PACKED, "its cases say the positions of split rings" },
    { "RING-IND-07", PACKED, "the step that sets the flag is for split rings" },
    { "RING-SPLIT-DEV-03", SPLIT, "the reference device does not read what it is to write" },
    { "PROV-DEV-20", EITHER, "RO and PROVISION together are not offered, which PROV-DEV-21 would warn of" },
    { "PROV-CFG-09", EITHER, NO_SUCH_DRIVER },
    { "BLK-INIT-DRV-04", EITHER, NO_SUCH_DRIVER },
    { "BLK-OP-DRV-14", EITHER, NO_SUCH_DRIVER },
    { "INIT-DRV-0[67]", EITHER, NO_SUCH_DRIVER },
    { "NOTIF-DATA-05", EITHER, NO_SUCH_DRIVER },
    { "RING-PACKED-DRV-05", PACKED, NO_SUCH_DRIVER },
    { "NOTIF-USED-DRV-02", SPLIT, NO_SUCH_DRIVER },
    { "SUPPLY-10", SPLIT, NO_SUCH_DRIVER },
    { "PROV-INIT-02", EITHER, SAME_DEVICE },
    { "BLK-CFG-10", EITHER, SAME_DEVICE },
    { "BLK-OP-DEV-22", EITHER, SAME_DEVICE },
    { "INIT-DRV-1[34]", EITHER, SAME_DEVICE },
    { "STATUS-DRV-03", EITHER, SAME_DEVICE },
    { "FEAT-DRV-0[456789]", EITHER, SAME_DEVICE },
    { "BLK-OP-DRV-03", EITHER, SAME_DEVICE },
    { "RSVF-05", EITHER, SAME_DEVICE },
    { "RSVF-DRV-0[237]", EITHER, SAME_DEVICE },
    { "RSVF-DRV-1[03]", EITHER, SAME_DEVICE },
    { "RSVF-DEV-0[46]", EITHER, SAME_DEVICE },
    { "CFG-DRV-05", EITHER, SAME_DEVICE },
    { "NOTIF-USED-DRV-05", SPLIT, SAME_DEVICE },
    { "NOTIF-AVAIL-DRV-0[2357]", SPLIT, SAME_DEVICE },
    { "NOTIF-AVAIL-DEV-02", SPLIT, SAME_DEVICE },
    { "STATUS-02", EITHER, "the reference models have no SUSPEND" },
    { "SUSP-*", EITHER, "the reference models have no SUSPEND" },
    { "VQ-01", EITHER, "a model has no more queues than 16 bits can name" },
};

static const char *idle_why(const char *clause, unsigned ring, bool *used)
{
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        if ((idle[i].rings & ring) != 0 && fnmatch(idle[i].clause, clause, 0) == 0) {
            used[i] = true;
            return idle[i].why;
        }
    return NULL;
}

static bool applies(const struct vblk_clause *row, const struct report_clause *c)
{
    if (row->standing != VBLK_CHECKED || c->verdict == VBLK_VERDICT_NOT_OBSERVABLE)
        return false;
    return row->bound != VBLK_BOUND_DEVICE || c->verdict != VBLK_VERDICT_NOT_APPLICABLE;
}

/* The suite on the reference device, and the reference driver at work, on one ring format. */
static size_t unexercised_on(unsigned ring, const struct report *report, const struct report *plain, bool *used)
{
    uint32_t *times = calloc(vblk_clause_count(), sizeof(*times));
    size_t wrong = 0;

    assert_non_null(times);
    trial_exercised(ring == PACKED, times);
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *c = &report->clauses[i];
        const bool exercised = times[i] + c->exercised + (plain != NULL ? plain->clauses[i].exercised : 0) > 0;

        if (!exercised && applies(vblk_clause_at((vblk_clause_no)i), c) && idle_why(c->id, ring, used) == NULL) {
            print_error("%s is checked and nothing exercises it on %s rings\n", c->id, ring == PACKED ? "packed" : "split");
            wrong++;
        }
    }
    free(times);
    return wrong;
}

static void reference_device_passes__and_nothing_goes_unexercised(void **state)
{
    static const char *packed_only[] = { "*@packed" };
    const uint64_t all = vblk_device_ring_features();
    struct report *plain = run_reference(0, NULL), *split = run_reference(all & ~VBLK_BIT(VBLK_F_RING_PACKED), NULL),
                  *packed = run_reference(all, packed_only);
    bool used[sizeof(idle) / sizeof(idle[0])] = { false };
    size_t wrong = unexercised_on(SPLIT, split, plain, used) + unexercised_on(PACKED, packed, NULL, used);

    (void)state;
    passes(plain);
    passes(split);
    passes(packed);
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        if (!used[i]) {
            print_error("%s need not be excused any more\n", idle[i].clause);
            wrong++;
        }
    assert_int_equal(wrong, 0);
    report_free(plain);
    report_free(split);
    report_free(packed);
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
        if ((m->synonyms[0] != NULL) != (m->because != NULL))
            fail_msg("%s: clauses that may be blamed as well and why they may go together", m->name);
        for (size_t s = 0; s < MUTANT_SYNONYMS && m->synonyms[s] != NULL; s++)
            if (vblk_clause_find(m->synonyms[s]) == VBLK_NO_CLAUSE)
                fail_msg("%s: there is no clause %s", m->name, m->synonyms[s]);
        if (m->ring != NULL && vblk_ring_fault_find(m->ring) == NULL)
            fail_msg("%s: there is no ring fault %s", m->name, m->ring);
    }
}

static void what_is_checked_has_a_mutant_or_an_excuse(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);

        if (mutant_cover(row) == COVER_MISSING) {
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

static bool is_there(const char *name)
{
    const struct mutant *m;

    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++)
        if (strcmp(m->name, name) == 0)
            return true;
    for (size_t i = 0; (m = control_at(i)) != NULL; i++)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

static bool is_control(const char *name)
{
    const struct mutant *m;

    for (size_t i = 0; (m = control_at(i)) != NULL; i++)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

static void each_ambiguity_has_controls_or_an_excuse(void **state)
{
    size_t row = 0;

    (void)state;
    for (size_t i = 0; i < vblk_ambiguity_count(); i++, row++) {
        const struct known_bug *of = &ambiguity_controls[row];

        assert_non_null(of->id);
        assert_string_equal(of->id, vblk_ambiguity_at(i)->id);
        if ((of->names[0] != NULL) == (of->why != NULL))
            fail_msg("%s: controls, or why there are none", of->id);
        for (size_t n = 0; n < BUG_NAMES && of->names[n] != NULL; n++)
            if (!is_control(of->names[n]))
                fail_msg("%s: there is no control %s", of->id, of->names[n]);
    }
    assert_null(ambiguity_controls[row].id);
}

static const struct known_bug *bug_of(const char *id)
{
    const struct known_bug *bug = known_bugs;

    while (bug->id != NULL && strcmp(bug->id, id) != 0)
        bug++;
    return bug->id != NULL ? bug : NULL;
}

/* A word in backticks that is nothing but small letters, digits, - and _ names a mutant or a control. */
static unsigned names_that_are_not(const char *line, const char *id)
{
    unsigned wrong = 0;

    for (const char *at = strchr(line, '`'); at != NULL; at = strchr(at, '`')) {
        const size_t len = strcspn(at + 1, "`");
        char name[64];

        if (strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len && at[1] != '-' && len < sizeof(name)) {
            memcpy(name, at + 1, len);
            name[len] = '\0';
            if (!is_there(name)) {
                print_error("%s: there is no mutant or control %s\n", id, name);
                wrong++;
            }
        }
        at += len + 1 + (at[1 + len] == '`');
    }
    return wrong;
}

/* Words that look like ids of clauses are ids of clauses. */
static unsigned clauses_that_are_not(const char *line, const char *id)
{
    unsigned wrong = 0;

    for (const char *at = strchr(line + 2, '|'); *at != '\0'; at += *at != '\0') {
        const size_t len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        char clause[32];

        if (len > 4 && len < sizeof(clause) && at[len - 1] >= '0' && at[len - 1] <= '9' && memchr(at, '-', len) != NULL &&
            strncmp(at, "AMB-", 4) != 0 && at[0] >= 'A') {
            memcpy(clause, at, len);
            clause[len] = '\0';
            if (vblk_clause_find(clause) == VBLK_NO_CLAUSE) {
                print_error("%s: there is no clause %s\n", id, clause);
                wrong++;
            }
        }
        at += len;
    }
    return wrong;
}

static unsigned names_left_out(const struct known_bug *bug, const char *line)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < BUG_NAMES && bug->names[i] != NULL; i++) {
        char quoted[80];

        (void)snprintf(quoted, sizeof(quoted), "`%s`", bug->names[i]);
        if (strstr(line, quoted) == NULL || !is_there(bug->names[i])) {
            print_error("%s: %s is not named on the page, or not there\n", bug->id, bug->names[i]);
            wrong++;
        }
    }
    return wrong + (bug->names[0] == NULL && (bug->why == NULL || strstr(line, bug->why) == NULL));
}

static void known_bugs_have_what_the_page_says(void **state)
{
    FILE *page = fopen(KNOWN_BUGS, "r");
    char line[2048], id[16];
    unsigned wrong = 0, count = 0, rows = 0;

    (void)state;
    assert_non_null(page);
    while (fgets(line, sizeof(line), page) != NULL) {
        if (sscanf(line, "| %15[D0-9-] |", id) != 1 || id[0] != 'D')
            continue;
        if (bug_of(id) == NULL)
            fail_msg("%s has no row in bugs.c", id);
        wrong += names_left_out(bug_of(id), line) + names_that_are_not(line, id) + clauses_that_are_not(line, id);
        count++;
    }
    (void)fclose(page);
    while (known_bugs[rows].id != NULL)
        rows++;
    assert_int_equal(wrong, 0);
    assert_int_equal(count, rows);
    assert_true(count >= 46);
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
        cmocka_unit_test(what_is_checked_has_a_mutant_or_an_excuse),
        cmocka_unit_test(reference_device_passes__and_nothing_goes_unexercised),
        cmocka_unit_test(each_ambiguity_has_controls_or_an_excuse),
        cmocka_unit_test(known_bugs_have_what_the_page_says),
        cmocka_unit_test(mutants_are_blamed_for_their_clauses),
    };

    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
