/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <jansson.h>

#include "report.h"

static void put(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string(text));
}

/* What is optional is left out when there is nothing to say. */
static void put_some(json_t *object, const char *key, const char *text)
{
    if (text[0])
        put(object, key, text);
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_hex(json_t *object, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
    put(object, key, text);
}

static json_t *strings(const char *const *texts, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

static json_t *rings_json(uint8_t rings)
{
    json_t *array = json_array();

    for (unsigned ring = REPORT_SPLIT; ring <= REPORT_PACKED; ring <<= 1)
        if (rings & ring)
            json_array_append_new(array, json_string(report_ring_name(ring)));
    return array;
}

static json_t *violation_json(const struct report_violation *violation)
{
    json_t *object = json_object();

    put(object, "case", violation->name);
    put(object, "severity", vblk_verdict_name(violation->severity));
    put(object, "message", violation->message);
    put(object, "expected", violation->expected);
    put(object, "seen", violation->seen);
    if (violation->queue >= 0)
        put_number(object, "queue", (uint64_t)violation->queue);
    if (violation->index >= 0)
        put_number(object, "index", (uint64_t)violation->index);
    if (violation->has_address)
        put_hex(object, "address", violation->address);
    put_some(object, "bytes", violation->bytes);
    put_some(object, "consequence", violation->consequence);
    put_some(object, "flags", violation->flags);
    put_some(object, "reading", violation->reading);
    if (violation->relaxed)
        json_object_set_new(object, "relaxed", json_true());
    put(object, "replay", violation->replay);
    return object;
}

static json_t *clause_json(const struct report_clause *clause)
{
    json_t *object = json_object(), *violations = json_array();

    put(object, "id", clause->id);
    put(object, "level", clause->level);
    put(object, "party", clause->party);
    put(object, "area", clause->area);
    put(object, "section", clause->section);
    put(object, "summary", clause->summary);
    put(object, "verdict", vblk_verdict_name(clause->verdict));
    put_some(object, "why", clause->why);
    put_some(object, "choice", clause->choice);
    put_some(object, "reading", clause->reading);
    put_number(object, "exercised", clause->exercised);
    if (clause->broken)
        put_number(object, "broken", clause->broken);
    for (size_t i = 0; i < clause->violation_count; i++)
        json_array_append_new(violations, violation_json(&clause->violations[i]));
    json_object_set_new(object, "violations", violations);
    return object;
}

static json_t *case_json(const struct report_case *entry)
{
    json_t *object = json_object();

    put(object, "name", entry->name);
    put(object, "area", entry->area);
    put(object, "clause", entry->clause);
    put(object, "what", entry->what);
    put(object, "result", report_result_name(entry->result));
    put_some(object, "reason", entry->reason);
    if (entry->ring)
        put(object, "ring", report_ring_name(entry->ring));
    put_number(object, "runs", entry->runs);
    put_number(object, "violations", entry->violations);
    return object;
}

static void put_head(json_t *root, const struct report *report)
{
    json_t *target = json_object(), *features = json_object(), *summary = json_object();

    put(root, "schema", "vblk-report/1");
    put(root, "tool", report->tool);
    put(target, "kind", report->target_kind);
    put(target, "name", report->target_name);
    put(target, "role", report->target_role);
    json_object_set_new(root, "target", target);
    put(root, "profile", report->profile);
    put(root, "level", report->level);
    json_object_set_new(root, "rings", rings_json(report->rings));
    put_hex(features, "offered", report->offered);
    put_hex(features, "negotiated", report->negotiated);
    json_object_set_new(root, "features", features);
    put_number(root, "seed", report->seed);
    put(root, "fail_on", report->should_fails ? "should" : "must");
    json_object_set_new(root, "complete", json_boolean(!report->cut_short));
    json_object_set_new(root, "readings", strings(report->readings, report->reading_count));
    json_object_set_new(root, "notes", strings(report->notes, report->note_count));
    for (unsigned v = 0; v < VBLK_VERDICT_COUNT; v++)
        put_number(summary, vblk_verdict_name((enum vblk_verdict)v), report->summary[v]);
    json_object_set_new(root, "summary", summary);
}

int report_write_json(const struct report *report, FILE *out, const struct report_style *style)
{
    json_t *root = json_object(), *clauses = json_array(), *cases = json_array();
    int err;

    (void)style;
    put_head(root, report);
    for (size_t i = 0; i < report->clause_count; i++)
        json_array_append_new(clauses, clause_json(&report->clauses[i]));
    for (size_t i = 0; i < report->case_count; i++)
        json_array_append_new(cases, case_json(&report->cases[i]));
    json_object_set_new(root, "clauses", clauses);
    json_object_set_new(root, "cases", cases);
    err = json_dumpf(root, out, JSON_INDENT(2));
    if (fputc('\n', out) == EOF)
        err = -1;
    json_decref(root);
    return err;
}
