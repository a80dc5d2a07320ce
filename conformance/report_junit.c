/* SPDX-License-Identifier: BSD-3-Clause */
/* JUnit: a suite an area, a test case a clause. What is not green says why it isn't. */
#include <string.h>

#include "report.h"
#include "report_xml.h"

enum colour { GREEN, RED, GREY };

static enum colour colour_of(const struct report *report, const struct report_clause *clause)
{
    if (report_fails(report, clause->verdict))
        return RED;
    return clause->verdict == VBLK_VERDICT_EXPECTED_FAIL || clause->verdict >= VBLK_VERDICT_NOT_EXERCISED ? GREY
                                                                                                          : GREEN;
}

static void put_line(struct report_xml *xml, const char *name, const char *value)
{
    if (!value[0])
        return;
    report_xml_text(xml, name);
    report_xml_text(xml, ": ");
    report_xml_text(xml, value);
    report_xml_text(xml, "\n");
}

static void put_evidence(struct report_xml *xml, const struct report_clause *clause)
{
    char where[160];

    put_line(xml, "section", clause->section);
    put_line(xml, "note", clause->why);
    for (size_t i = 0; i < clause->violation_count; i++) {
        const struct report_violation *violation = &clause->violations[i];

        report_where(violation, where, sizeof(where));
        report_xml_text(xml, "\n");
        put_line(xml, "case", violation->name);
        put_line(xml, "message", violation->message);
        put_line(xml, "expected", violation->expected);
        put_line(xml, "seen", violation->seen);
        put_line(xml, "where", where);
        put_line(xml, "matters", violation->consequence);
        put_line(xml, "again", violation->replay);
    }
}

static void put_case(struct report_xml *xml, const struct report *report, const struct report_clause *clause)
{
    enum colour colour = colour_of(report, clause);
    const char *message = clause->violation_count ? clause->violations[0].message : clause->why;
    char skip[512];

    report_xml_begin(xml, "testcase");
    report_xml_attr(xml, "classname", clause->area);
    report_xml_attr(xml, "name", clause->id);
    if (colour == RED) {
        report_xml_begin(xml, "failure");
        report_xml_attr(xml, "type", vblk_verdict_name(clause->verdict));
        report_xml_attr(xml, "message", message);
        put_evidence(xml, clause);
        report_xml_end(xml);
    } else if (colour == GREY) {
        (void)snprintf(skip, sizeof(skip), "%s: %s", vblk_verdict_name(clause->verdict), clause->why);
        report_xml_begin(xml, "skipped");
        report_xml_attr(xml, "message", skip);
        report_xml_end(xml);
    }
    if (colour != RED && clause->violation_count) {
        report_xml_begin(xml, "system-out");
        put_evidence(xml, clause);
        report_xml_end(xml);
    }
    report_xml_end(xml);
}

struct counts {
    uint64_t n[3];
};

static struct counts count(const struct report *report, const char *area)
{
    struct counts counts = { { 0 } };

    for (size_t i = 0; i < report->clause_count; i++)
        if (!area || strcmp(report->clauses[i].area, area) == 0)
            counts.n[colour_of(report, &report->clauses[i])]++;
    return counts;
}

static void put_counts(struct report_xml *xml, const struct counts *counts)
{
    report_xml_number(xml, "tests", counts->n[GREEN] + counts->n[RED] + counts->n[GREY]);
    report_xml_number(xml, "failures", counts->n[RED]);
    report_xml_number(xml, "skipped", counts->n[GREY]);
}

static void put_property(struct report_xml *xml, const char *name, const char *value)
{
    report_xml_begin(xml, "property");
    report_xml_attr(xml, "name", name);
    report_xml_attr(xml, "value", value);
    report_xml_end(xml);
}

static void put_properties(struct report_xml *xml, const struct report *report)
{
    char seed[24];

    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)report->seed);
    report_xml_begin(xml, "properties");
    put_property(xml, "tool", report->tool);
    put_property(xml, "target", report->target_name);
    put_property(xml, "profile", report->profile);
    put_property(xml, "level", report->level);
    put_property(xml, "seed", seed);
    report_xml_end(xml);
}

static void put_suite(struct report_xml *xml, const struct report *report, const char *area)
{
    const struct counts counts = count(report, area);

    report_xml_begin(xml, "testsuite");
    report_xml_attr(xml, "name", area);
    put_counts(xml, &counts);
    report_xml_number(xml, "errors", 0);
    put_properties(xml, report);
    for (size_t i = 0; i < report->clause_count; i++)
        if (strcmp(report->clauses[i].area, area) == 0)
            put_case(xml, report, &report->clauses[i]);
    report_xml_end(xml);
}

static bool first_of_area(const struct report *report, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(report->clauses[k].area, report->clauses[i].area) == 0)
            return false;
    return true;
}

int report_write_junit(const struct report *report, FILE *out, const struct report_style *style)
{
    struct report_xml xml = report_xml_open();
    const struct counts counts = count(report, NULL);

    (void)style;
    if (!xml.failed && xmlTextWriterStartDocument(xml.writer, NULL, "UTF-8", NULL) < 0)
        xml.failed = true;
    report_xml_begin(&xml, "testsuites");
    report_xml_attr(&xml, "name", "vblk");
    put_counts(&xml, &counts);
    for (size_t i = 0; i < report->clause_count; i++)
        if (first_of_area(report, i))
            put_suite(&xml, report, report->clauses[i].area);
    report_xml_end(&xml);
    return report_xml_close(&xml, out);
}
