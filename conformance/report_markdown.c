/* SPDX-License-Identifier: BSD-3-Clause */
/* Markdown, as merge requests and job summaries show it. */
#include <ctype.h>
#include <string.h>

#include "report.h"

/* Text into prose or a table cell: nothing in it is markup. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\`*_{}[]<>#|~", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* A code span whose fence is longer than any run of backticks inside. */
static void put_code(FILE *out, const char *text)
{
    size_t longest = 0, run = 0;

    for (const char *p = text; *p; p++) {
        run = *p == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        fputc('`', out);
    fprintf(out, longest ? " %s " : "%s", text);
    for (size_t i = 0; i <= longest; i++)
        fputc('`', out);
}

static void put_item(FILE *out, const char *name, const char *value, bool code)
{
    if (!value[0])
        return;
    fprintf(out, "  - %s: ", name);
    (code ? put_code : put_plain)(out, value);
    fputc('\n', out);
}

static void put_violation(FILE *out, const struct report_violation *violation)
{
    char where[160];

    report_where(violation, where, sizeof(where));
    fputs("- ", out);
    put_plain(out, violation->message);
    fputc('\n', out);
    put_item(out, "case", violation->name, true);
    put_item(out, "expected", violation->expected, false);
    put_item(out, "seen", violation->seen, false);
    put_item(out, "where", where, true);
    put_item(out, "reading", violation->reading, true);
    put_item(out, "why it matters", violation->consequence, false);
    put_item(out, "again", violation->replay, true);
}

static void put_section(const struct report *report, FILE *out, enum vblk_verdict verdict)
{
    if (!report->summary[verdict])
        return;
    fprintf(out, "\n## %c%s\n", toupper((unsigned char)vblk_verdict_name(verdict)[0]), vblk_verdict_name(verdict) + 1);
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *clause = &report->clauses[i];

        if (clause->verdict != verdict)
            continue;
        fprintf(out, "\n### %s (%s, %s)\n\n", clause->id, clause->party, clause->level);
        put_plain(out, clause->summary);
        fputs("  \nSection: ", out);
        put_plain(out, clause->section);
        if (clause->why[0]) {
            fputs("  \n", out);
            put_plain(out, clause->why);
        }
        fputs("\n\n", out);
        for (size_t k = 0; k < clause->violation_count; k++)
            put_violation(out, &clause->violations[k]);
    }
}

int report_write_markdown(const struct report *report, FILE *out, const struct report_style *style)
{
    size_t skipped = report_result_count(report, REPORT_SKIPPED);

    (void)style;
    fputs("# virtio-blk conformance: ", out);
    put_plain(out, report->target_name);
    fputs("\n\n", out);
    fprintf(out, "%s, target `%s` (%s), profile `%s`, level `%s`, seed %llu. Cases: %zu played, %zu skipped.\n\n",
            report->tool, report->target_kind, report->target_role, report->profile, report->level,
            (unsigned long long)report->seed, report->case_count - skipped, skipped);
    fputs("| verdict | clauses |\n| --- | ---: |\n", out);
    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++)
        fprintf(out, "| %s | %llu |\n", vblk_verdict_name((enum vblk_verdict)v),
                (unsigned long long)report->summary[v]);
    put_section(report, out, VBLK_VERDICT_FAIL);
    put_section(report, out, VBLK_VERDICT_UNEXPECTED_PASS);
    put_section(report, out, VBLK_VERDICT_WARN);
    put_section(report, out, VBLK_VERDICT_EXPECTED_FAIL);
    for (size_t i = 0; i < report->note_count; i++) {
        fputs("\n> ", out);
        put_plain(out, report->notes[i]);
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}
