/* SPDX-License-Identifier: BSD-3-Clause */
/* TAP 13: one test point a clause; evidence in YAML blocks, whose strings are quoted as JSON's. */
#include <jansson.h>
#include <stdlib.h>

#include "report.h"

/* In a description '#' would begin a directive. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_member(FILE *out, const char *lead, const char *name, const char *value)
{
    json_t *string = json_string(value);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

    if (quoted && value[0])
        fprintf(out, "%s%s: %s\n", lead, name, quoted);
    free(quoted);
    json_decref(string);
}

static void put_violations(FILE *out, const struct report_clause *clause)
{
    char where[160];

    fputs("  ---\n  violations:\n", out);
    for (size_t i = 0; i < clause->violation_count; i++) {
        const struct report_violation *violation = &clause->violations[i];

        report_where(violation, where, sizeof(where));
        put_member(out, "    - ", "case", violation->name);
        put_member(out, "      ", "message", violation->message);
        put_member(out, "      ", "expected", violation->expected);
        put_member(out, "      ", "seen", violation->seen);
        put_member(out, "      ", "where", where);
        put_member(out, "      ", "matters", violation->consequence);
        put_member(out, "      ", "replay", violation->replay);
    }
    fputs("  ...\n", out);
}

static void put_point(const struct report *report, FILE *out, size_t i)
{
    const struct report_clause *clause = &report->clauses[i];
    enum vblk_verdict verdict = clause->verdict;
    bool bad = report_fails(report, verdict) || verdict == VBLK_VERDICT_EXPECTED_FAIL;

    fprintf(out, "%s %zu - %s ", bad ? "not ok" : "ok", i + 1, clause->id);
    put_escaped(out, clause->summary);
    if (verdict >= VBLK_VERDICT_NOT_EXERCISED)
        fprintf(out, " # SKIP %s: ", vblk_verdict_name(verdict));
    else if (verdict == VBLK_VERDICT_EXPECTED_FAIL)
        fputs(" # TODO ", out);
    if (verdict >= VBLK_VERDICT_NOT_EXERCISED || verdict == VBLK_VERDICT_EXPECTED_FAIL)
        put_escaped(out, clause->why);
    fputc('\n', out);
    if (clause->violation_count)
        put_violations(out, clause);
}

int report_write_tap(const struct report *report, FILE *out, const struct report_style *style)
{
    (void)style;
    fprintf(out, "TAP version 13\n1..%zu\n", report->clause_count);
    fprintf(out, "# %s, %s %s, profile %s, level %s, seed %llu\n", report->tool, report->target_kind,
            report->target_name, report->profile, report->level, (unsigned long long)report->seed);
    for (size_t i = 0; i < report->clause_count; i++)
        put_point(report, out, i);
    for (size_t i = 0; i < report->case_count; i++) {
        const struct report_case *entry = &report->cases[i];

        if (entry->result != REPORT_RAN)
            fprintf(out, "# case %s %s: %s\n", entry->name, report_result_name(entry->result), entry->reason);
    }
    return ferror(out) ? -1 : 0;
}
