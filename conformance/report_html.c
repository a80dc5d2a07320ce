/* SPDX-License-Identifier: BSD-3-Clause */
/* One page that needs nothing else: no script, no font, no network. */
#include "report.h"
#include "report_xml.h"

static const char style_sheet[] =
    "body{font:15px/1.45 sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25em .6em;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}code,pre{font:13px monospace;background:#f4f4f4}pre{padding:.5em;overflow:auto}"
    "dl{display:grid;grid-template-columns:8em auto;margin:.5em 0 1em}dt{color:#666}dd{margin:0}"
    ".fail,.unexpected-pass{color:#b00020}.warn,.expected-fail{color:#8a5a00}.pass{color:#1b6e2c}"
    ".not-exercised,.not-observable,.not-applicable{color:#777}";

static void put_pair(struct report_xml *xml, const char *name, const char *value)
{
    if (!value[0])
        return;
    report_xml_leaf(xml, "dt", NULL, name);
    report_xml_leaf(xml, "dd", NULL, value);
}

static void put_violation(struct report_xml *xml, const struct report_violation *violation)
{
    char where[160];

    report_where(violation, where, sizeof(where));
    report_xml_begin(xml, "dl");
    put_pair(xml, "case", violation->name);
    put_pair(xml, "message", violation->message);
    put_pair(xml, "expected", violation->expected);
    put_pair(xml, "seen", violation->seen);
    put_pair(xml, "where", where);
    put_pair(xml, "reading", violation->reading);
    put_pair(xml, "why it matters", violation->consequence);
    put_pair(xml, "flags", violation->flags);
    report_xml_end(xml);
    report_xml_leaf(xml, "pre", NULL, violation->replay);
}

static void put_finding(struct report_xml *xml, const struct report_clause *clause)
{
    char head[160];

    (void)snprintf(head, sizeof(head), "%s: %s (%s, %s)", vblk_verdict_name(clause->verdict), clause->id, clause->party,
                   clause->level);
    report_xml_begin(xml, "section");
    report_xml_leaf(xml, "h3", vblk_verdict_name(clause->verdict), head);
    report_xml_leaf(xml, "p", NULL, clause->summary);
    report_xml_leaf(xml, "p", NULL, clause->section);
    if (clause->why[0])
        report_xml_leaf(xml, "p", NULL, clause->why);
    for (size_t i = 0; i < clause->violation_count; i++)
        put_violation(xml, &clause->violations[i]);
    report_xml_end(xml);
}

static void put_findings(struct report_xml *xml, const struct report *report)
{
    static const enum vblk_verdict order[] = { VBLK_VERDICT_FAIL, VBLK_VERDICT_UNEXPECTED_PASS, VBLK_VERDICT_WARN,
                                               VBLK_VERDICT_EXPECTED_FAIL };

    for (size_t v = 0; v < sizeof(order) / sizeof(order[0]); v++)
        for (size_t i = 0; i < report->clause_count; i++)
            if (report->clauses[i].verdict == order[v])
                put_finding(xml, &report->clauses[i]);
}

static void put_cells(struct report_xml *xml, const char *cell, const char *const *texts, size_t count,
                      const char *class)
{
    report_xml_begin(xml, "tr");
    for (size_t i = 0; i < count; i++)
        report_xml_leaf(xml, cell, i == 0 ? class : NULL, texts[i]);
    report_xml_end(xml);
}

static void put_clauses(struct report_xml *xml, const struct report *report)
{
    static const char *const heads[] = { "verdict", "clause", "level", "exercised", "what it asks", "note" };
    char exercised[24];

    report_xml_leaf(xml, "h2", NULL, "All clauses");
    report_xml_begin(xml, "table");
    put_cells(xml, "th", heads, 6, NULL);
    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *clause = &report->clauses[i];
        const char *verdict = vblk_verdict_name(clause->verdict);
        const char *row[] = { verdict,   clause->id,      clause->level,
                              exercised, clause->summary, clause->choice[0] ? clause->choice : clause->why };

        (void)snprintf(exercised, sizeof(exercised), "%llu", (unsigned long long)clause->exercised);
        put_cells(xml, "td", row, 6, verdict);
    }
    report_xml_end(xml);
}

static void put_cases(struct report_xml *xml, const struct report *report)
{
    static const char *const heads[] = { "result", "case", "what it does", "note" };

    report_xml_leaf(xml, "h2", NULL, "Cases");
    report_xml_begin(xml, "table");
    put_cells(xml, "th", heads, 4, NULL);
    for (size_t i = 0; i < report->case_count; i++) {
        const struct report_case *entry = &report->cases[i];
        const char *row[] = { report_result_name(entry->result), entry->name, entry->what, entry->reason };

        put_cells(xml, "td", row, 4, NULL);
    }
    report_xml_end(xml);
}

static void put_summary(struct report_xml *xml, const struct report *report)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "%.60s, target %.40s (%.20s), profile %.40s, level %.20s, seed %llu, offered 0x%llx%s", report->tool,
                   report->target_kind, report->target_role, report->profile, report->level,
                   (unsigned long long)report->seed, (unsigned long long)report->offered,
                   report->cut_short ? ". The run ended early." : "");
    report_xml_leaf(xml, "p", NULL, text);
    for (size_t i = 0; i < report->note_count; i++)
        report_xml_leaf(xml, "p", NULL, report->notes[i]);
    report_xml_begin(xml, "table");
    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++) {
        const char *name = vblk_verdict_name((enum vblk_verdict)v);
        const char *row[] = { name, text };

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)report->summary[v]);
        put_cells(xml, "td", row, 2, name);
    }
    report_xml_end(xml);
}

int report_write_html(const struct report *report, FILE *out, const struct report_style *style)
{
    struct report_xml xml = report_xml_open();

    (void)style;
    if (!xml.failed && xmlTextWriterWriteDTD(xml.writer, BAD_CAST "html", NULL, NULL, NULL) < 0)
        xml.failed = true;
    report_xml_begin(&xml, "html");
    report_xml_attr(&xml, "lang", "en");
    report_xml_begin(&xml, "head");
    if (!xml.failed && xmlTextWriterStartElement(xml.writer, BAD_CAST "meta") < 0)
        xml.failed = true;
    report_xml_attr(&xml, "charset", "utf-8");
    /* <meta> has no end tag in HTML. */
    if (!xml.failed && xmlTextWriterEndElement(xml.writer) < 0)
        xml.failed = true;
    report_xml_leaf(&xml, "title", NULL, report->target_name);
    report_xml_leaf(&xml, "style", NULL, style_sheet);
    report_xml_end(&xml);
    report_xml_begin(&xml, "body");
    report_xml_leaf(&xml, "h1", NULL, report->target_name);
    put_summary(&xml, report);
    put_findings(&xml, report);
    put_clauses(&xml, report);
    put_cases(&xml, report);
    report_xml_end(&xml);
    report_xml_end(&xml);
    return report_xml_close(&xml, out);
}
