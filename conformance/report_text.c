/* SPDX-License-Identifier: BSD-3-Clause */
/* For people: what matters first, with the evidence and the next command to type; the rest as counts. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

struct text {
    const struct report *report;
    FILE *out;
    const struct report_style *style;
};

/* How a verdict is headed, and in which colour (ANSI). */
static const struct {
    const char *word, *color;
} heads[VBLK_VERDICT_COUNT] = {
    [VBLK_VERDICT_PASS] = { "PASS", "32" },
    [VBLK_VERDICT_FAIL] = { "FAIL", "1;31" },
    [VBLK_VERDICT_WARN] = { "WARN", "1;33" },
    [VBLK_VERDICT_INFO] = { "INFO", "36" },
    [VBLK_VERDICT_EXPECTED_FAIL] = { "EXPECTED FAIL", "33" },
    [VBLK_VERDICT_UNEXPECTED_PASS] = { "UNEXPECTED PASS", "1;31" },
    [VBLK_VERDICT_NOT_EXERCISED] = { "NOT EXERCISED", "2" },
    [VBLK_VERDICT_NOT_OBSERVABLE] = { "NOT OBSERVABLE", "2" },
    [VBLK_VERDICT_NOT_APPLICABLE] = { "NOT APPLICABLE", "2" },
};

static void colored(const struct text *t, const char *color, const char *word)
{
    if (t->style->color)
        fprintf(t->out, "\033[%sm%s\033[0m", color, word);
    else
        fputs(word, t->out);
}

static void member(const struct text *t, const char *name, const char *value)
{
    if (value[0])
        fprintf(t->out, "      %-9s %s\n", name, value);
}

static void put_violation(const struct text *t, const struct report_clause *clause,
                          const struct report_violation *violation)
{
    char where[160];

    report_where(violation, where, sizeof(where));
    if (strcmp(violation->message, clause->summary) != 0)
        member(t, "message", violation->message);
    member(t, "expected", violation->expected);
    member(t, "seen", violation->seen);
    member(t, "where", where);
    member(t, "reading", violation->reading);
    member(t, "matters", violation->consequence);
    member(t, "case", violation->name);
    member(t, "flags", violation->flags);
    if (violation->relaxed)
        member(t, "level", "a violation by the letter; --level strict makes it one");
    member(t, "again", violation->replay);
}

/* The first of a case tells most, and so does the first that was seen like this. */
static bool told_before(const struct report_clause *clause, size_t i)
{
    const struct report_violation *it = &clause->violations[i];

    for (size_t k = 0; k < i; k++) {
        const struct report_violation *old = &clause->violations[k];

        if (strcmp(old->name, it->name) == 0 ||
            (strcmp(old->expected, it->expected) == 0 && strcmp(old->seen, it->seen) == 0))
            return true;
    }
    return false;
}

/* Section labels of the text, without what kind of label it is. */
static const char *section_of(const struct report_clause *clause)
{
    static const char *const kinds[] = { "sec: ", "sec:", "devicenormative:", "drivernormative:" };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(clause->section, kinds[i], strlen(kinds[i])) == 0)
            return clause->section + strlen(kinds[i]);
    return clause->section;
}

#define TOLD_MAX 3u
#define WIDTH 96 /* columns, where lists are folded */

static void put_clause(const struct text *t, const struct report_clause *clause)
{
    size_t told = 0;

    colored(t, heads[clause->verdict].color, heads[clause->verdict].word);
    fprintf(t->out, "  %s  %s %s (%s)\n      %s\n", clause->id, clause->party, clause->level, section_of(clause),
            clause->summary);
    member(t, "note", clause->why);
    for (size_t i = 0; i < clause->violation_count; i++) {
        if (!t->style->verbose && (told == TOLD_MAX || told_before(clause, i)))
            continue;
        if (told++)
            fputs("      -\n", t->out);
        put_violation(t, clause, &clause->violations[i]);
    }
    if (clause->broken > told)
        fprintf(t->out, "      and %llu more; --verbose shows those that are kept\n",
                (unsigned long long)(clause->broken - told));
    fputc('\n', t->out);
}

static void put_all(const struct text *t, enum vblk_verdict verdict)
{
    for (size_t i = 0; i < t->report->clause_count; i++)
        if (t->report->clauses[i].verdict == verdict)
            put_clause(t, &t->report->clauses[i]);
}

static void put_list(const struct text *t, enum vblk_verdict verdict)
{
    if (!t->report->summary[verdict])
        return;
    fprintf(t->out, "%s\n", heads[verdict].word);
    for (size_t i = 0; i < t->report->clause_count; i++) {
        const struct report_clause *clause = &t->report->clauses[i];

        if (clause->verdict == verdict)
            fprintf(t->out, "  %-18s x%-6llu %s%s%s\n", clause->id, (unsigned long long)clause->exercised,
                    clause->choice[0] ? clause->choice : clause->summary, clause->why[0] ? ": " : "", clause->why);
    }
    fputc('\n', t->out);
}

static void put_stopped(const struct text *t)
{
    size_t stopped = 0;

    for (size_t i = 0; i < t->report->case_count; i++) {
        const struct report_case *entry = &t->report->cases[i];

        if (entry->result != REPORT_HUNG && entry->result != REPORT_GONE)
            continue;
        if (!stopped++)
            fputs("Cases that the target did not get through\n", t->out);
        fprintf(t->out, "  %-5s %s: %s\n", report_result_name(entry->result), entry->name, entry->reason);
    }
    if (stopped)
        fputc('\n', t->out);
}

/* Folded to the width of a terminal. */
static void put_readings(const struct text *t)
{
    const struct report *report = t->report;
    int column = report->reading_count ? fprintf(t->out, "Readings:") : 0;

    for (size_t i = 0; i < report->reading_count; i++) {
        if (column + (int)strlen(report->readings[i]) > WIDTH)
            column = fprintf(t->out, "\n         ") - 1;
        column += fprintf(t->out, " %s%s", report->readings[i], i + 1 < report->reading_count ? "," : "\n");
    }
}

static bool several_rings(const struct report *report)
{
    return report->rings == (REPORT_SPLIT | REPORT_PACKED);
}

static void put_summary(const struct text *t)
{
    const struct report *report = t->report;
    struct report_reason *reasons;
    size_t count, skipped = report_result_count(report, REPORT_SKIPPED);

    fputs("Clauses\n", t->out);
    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++)
        if (report->summary[v])
            fprintf(t->out, "  %6llu %s\n", (unsigned long long)report->summary[v],
                    vblk_verdict_name((enum vblk_verdict)v));
    fprintf(t->out, "Cases\n  %6zu played", report->case_count - skipped);
    if (several_rings(report))
        fprintf(t->out, " (%zu split, %zu packed)", report_played_on(report, REPORT_SPLIT),
                report_played_on(report, REPORT_PACKED));
    fprintf(t->out, ", %zu skipped\n", skipped);
    count = report_skip_reasons(report, &reasons);
    for (size_t i = 0; i < count; i++)
        fprintf(t->out, "  %6zu skipped: %s\n", reasons[i].count, reasons[i].reason);
    free(reasons);
    put_readings(t);
    for (size_t i = 0; i < report->note_count; i++)
        fprintf(t->out, "Note: %s\n", report->notes[i]);
}

static void put_last_line(const struct text *t)
{
    const struct report *report = t->report;
    uint64_t fails = 0;
    char text[96];

    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++)
        if (report_fails(report, (enum vblk_verdict)v))
            fails += report->summary[v];
    if (fails) {
        (void)snprintf(text, sizeof(text), "%llu clause%s violated", (unsigned long long)fails, fails == 1 ? "" : "s");
        colored(t, "1;31", text);
    } else if (report_status(report) == 77) {
        colored(t, "1;33", "nothing could be exercised");
    } else {
        (void)snprintf(text, sizeof(text), "no violation in %llu exercised clauses",
                       (unsigned long long)(report->summary[VBLK_VERDICT_PASS] + report->summary[VBLK_VERDICT_WARN] +
                                            report->summary[VBLK_VERDICT_INFO] +
                                            report->summary[VBLK_VERDICT_EXPECTED_FAIL]));
        colored(t, "32", text);
    }
    fputs(report->cut_short ? "; the run ended early\n" : "\n", t->out);
}

/* By name where the profile has one; "bit 26" otherwise. Folded to the width of a terminal. */
static void put_features(const struct text *t, const char *what, uint64_t features)
{
    const struct vblk_profile *profile = vblk_profile_find(t->report->profile);
    int column = fprintf(t->out, "%-11s", what);
    char bit[16];

    for (unsigned i = 0; i < 64; i++) {
        const char *name = profile ? vblk_feature_name(profile, i) : NULL;

        if (!(features >> i & 1))
            continue;
        if (!name) {
            (void)snprintf(bit, sizeof(bit), "bit %u", i);
            name = bit;
        }
        if (column + (int)strlen(name) > WIDTH)
            column = fprintf(t->out, "\n%-11s", "") - 1;
        column += fprintf(t->out, " %s", name);
    }
    fputc('\n', t->out);
}

int report_write_text(const struct report *report, FILE *out, const struct report_style *style)
{
    const struct text t = { report, out, style };

    const char *ring = report_ring_name(report->rings);

    fprintf(out, "%s: %s %s, %s, profile %s, level %s, %s %s, seed %llu\n", report->tool, report->target_kind,
            report->target_role, report->target_name, report->profile, report->level,
            several_rings(report) ? "rings" : "ring", several_rings(report) ? "split and packed" : ring ? ring : "none",
            (unsigned long long)report->seed);
    put_features(&t, "offered", report->offered);
    put_features(&t, "negotiated", report->negotiated);
    fputc('\n', out);
    put_all(&t, VBLK_VERDICT_FAIL);
    put_all(&t, VBLK_VERDICT_UNEXPECTED_PASS);
    put_all(&t, VBLK_VERDICT_WARN);
    put_all(&t, VBLK_VERDICT_EXPECTED_FAIL);
    put_stopped(&t);
    if (style->verbose) {
        put_list(&t, VBLK_VERDICT_PASS);
        put_list(&t, VBLK_VERDICT_INFO);
        put_list(&t, VBLK_VERDICT_NOT_EXERCISED);
        put_list(&t, VBLK_VERDICT_NOT_OBSERVABLE);
        put_list(&t, VBLK_VERDICT_NOT_APPLICABLE);
    }
    put_summary(&t);
    put_last_line(&t);
    return ferror(out) ? -1 : 0;
}
