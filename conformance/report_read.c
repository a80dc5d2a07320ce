/* SPDX-License-Identifier: BSD-3-Clause */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* A member that is missing or of another type reads as nothing: reports of later versions may say more or less. */
static const char *text_of(struct report *report, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? report_keep(report, text) : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static uint64_t hex_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? strtoull(text, NULL, 16) : 0;
}

static int place_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);

    return json_is_integer(value) && number >= 0 && number <= 0xffff ? (int)number : -1;
}

/* @return VBLK_VERDICT_COUNT for a word that is no verdict. */
static enum vblk_verdict verdict_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    unsigned v = 0;

    while (text && v < VBLK_VERDICT_COUNT && strcmp(text, vblk_verdict_name((enum vblk_verdict)v)) != 0)
        v++;
    return text ? (enum vblk_verdict)v : VBLK_VERDICT_COUNT;
}

static void read_violation(struct report *report, struct report_clause *clause, const json_t *object)
{
    struct report_violation *violation = report_add_violation(clause);

    if (!violation)
        return;
    violation->severity = verdict_of(object, "severity");
    if (violation->severity == VBLK_VERDICT_COUNT)
        violation->severity = VBLK_VERDICT_FAIL;
    violation->name = text_of(report, object, "case");
    violation->message = text_of(report, object, "message");
    violation->expected = text_of(report, object, "expected");
    violation->seen = text_of(report, object, "seen");
    violation->queue = place_of(object, "queue");
    violation->index = place_of(object, "index");
    violation->has_address = json_object_get(object, "address") != NULL;
    violation->address = hex_of(object, "address");
    violation->bytes = text_of(report, object, "bytes");
    violation->consequence = text_of(report, object, "consequence");
    violation->flags = text_of(report, object, "flags");
    violation->reading = text_of(report, object, "reading");
    violation->relaxed = json_is_true(json_object_get(object, "relaxed"));
    violation->replay = text_of(report, object, "replay");
}

static bool read_clause(struct report *report, const json_t *object)
{
    struct report_clause *clause = report_add_clause(report);
    const json_t *violations = json_object_get(object, "violations");

    clause->id = text_of(report, object, "id");
    clause->level = text_of(report, object, "level");
    clause->party = text_of(report, object, "party");
    clause->area = text_of(report, object, "area");
    clause->section = text_of(report, object, "section");
    clause->summary = text_of(report, object, "summary");
    clause->verdict = verdict_of(object, "verdict");
    clause->why = text_of(report, object, "why");
    clause->choice = text_of(report, object, "choice");
    clause->reading = text_of(report, object, "reading");
    clause->exercised = number_of(object, "exercised");
    clause->broken = number_of(object, "broken");
    for (size_t i = 0; i < json_array_size(violations); i++)
        read_violation(report, clause, json_array_get(violations, i));
    return clause->id[0] && clause->verdict != VBLK_VERDICT_COUNT;
}

static uint8_t ring_of(const json_t *name)
{
    const char *text = json_string_value(name);

    for (unsigned ring = REPORT_SPLIT; text && ring <= REPORT_PACKED; ring <<= 1)
        if (strcmp(text, report_ring_name(ring)) == 0)
            return (uint8_t)ring;
    return 0;
}

static void read_case(struct report *report, const json_t *object)
{
    struct report_case *entry = report_add_case(report);
    const char *result = json_string_value(json_object_get(object, "result"));

    entry->name = text_of(report, object, "name");
    entry->area = text_of(report, object, "area");
    entry->clause = text_of(report, object, "clause");
    entry->what = text_of(report, object, "what");
    entry->reason = text_of(report, object, "reason");
    entry->ring = ring_of(json_object_get(object, "ring"));
    entry->runs = number_of(object, "runs");
    entry->violations = number_of(object, "violations");
    for (unsigned r = 0; result && r < REPORT_RESULTS; r++)
        if (strcmp(result, report_result_name((enum report_result)r)) == 0)
            entry->result = (enum report_result)r;
}

static void read_head(struct report *report, const json_t *root)
{
    const json_t *target = json_object_get(root, "target"), *features = json_object_get(root, "features");
    const json_t *readings = json_object_get(root, "readings"), *notes = json_object_get(root, "notes");
    const json_t *rings = json_object_get(root, "rings");
    const char *fail_on = json_string_value(json_object_get(root, "fail_on"));

    report->tool = text_of(report, root, "tool");
    report->target_kind = text_of(report, target, "kind");
    report->target_name = text_of(report, target, "name");
    report->target_role = text_of(report, target, "role");
    report->profile = text_of(report, root, "profile");
    report->level = text_of(report, root, "level");
    report->rings = 0;
    for (size_t i = 0; i < json_array_size(rings); i++)
        report->rings |= ring_of(json_array_get(rings, i));
    report->offered = hex_of(features, "offered");
    report->negotiated = hex_of(features, "negotiated");
    report->seed = number_of(root, "seed");
    report->should_fails = fail_on && strcmp(fail_on, "should") == 0;
    report->cut_short = json_is_false(json_object_get(root, "complete"));
    for (size_t i = 0; i < json_array_size(readings); i++)
        report_add_reading(
            report, json_is_string(json_array_get(readings, i)) ? json_string_value(json_array_get(readings, i)) : "");
    for (size_t i = 0; i < json_array_size(notes); i++)
        report_add_note(report,
                        json_is_string(json_array_get(notes, i)) ? json_string_value(json_array_get(notes, i)) : "");
}

static bool read_all(struct report *report, const json_t *root, char *why, size_t why_size)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const json_t *clauses = json_object_get(root, "clauses"), *cases = json_object_get(root, "cases");

    if (!schema || strcmp(schema, "vblk-report/1") != 0) {
        (void)snprintf(why, why_size, "not a report of schema vblk-report/1");
        return false;
    }
    read_head(report, root);
    for (size_t i = 0; i < json_array_size(clauses); i++) {
        if (read_clause(report, json_array_get(clauses, i)))
            continue;
        (void)snprintf(why, why_size, "clause %zu has no id or no known verdict", i);
        return false;
    }
    for (size_t i = 0; i < json_array_size(cases); i++)
        read_case(report, json_array_get(cases, i));
    report_count(report);
    return true;
}

struct report *report_read(const char *path, char *why, size_t why_size)
{
    json_error_t error = { 0 };
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    struct report *report = report_new();
    char reason[160];

    if (!root) {
        (void)snprintf(reason, sizeof(reason), "%.120s (line %d, column %d)", error.text, error.line, error.column);
        if (error.line < 0)
            (void)snprintf(reason, sizeof(reason), "%.120s", error.text);
    }
    if (root && read_all(report, root, reason, sizeof(reason))) {
        json_decref(root);
        return report;
    }
    (void)snprintf(why, why_size, "cannot read the report '%s': %s", path, reason);
    json_decref(root);
    report_free(report);
    return NULL;
}
