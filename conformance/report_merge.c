/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "report.h"

/* Best first: of several runs the last word has whoever found most. */
static const uint8_t weight[VBLK_VERDICT_COUNT] = {
    [VBLK_VERDICT_NOT_APPLICABLE] = 0, [VBLK_VERDICT_NOT_OBSERVABLE] = 1,
    [VBLK_VERDICT_NOT_EXERCISED] = 2,  [VBLK_VERDICT_INFO] = 3,
    [VBLK_VERDICT_PASS] = 4,           [VBLK_VERDICT_EXPECTED_FAIL] = 5,
    [VBLK_VERDICT_WARN] = 6,           [VBLK_VERDICT_UNEXPECTED_PASS] = 7,
    [VBLK_VERDICT_FAIL] = 8,
};

static struct report_clause *clause_named(struct report *report, const char *id)
{
    for (size_t i = 0; i < report->clause_count; i++)
        if (strcmp(report->clauses[i].id, id) == 0)
            return &report->clauses[i];
    return NULL;
}

static struct report_clause *clause_copied(struct report *into, const struct report_clause *from)
{
    struct report_clause *clause = report_add_clause(into);

    clause->id = report_keep(into, from->id);
    clause->level = report_keep(into, from->level);
    clause->party = report_keep(into, from->party);
    clause->area = report_keep(into, from->area);
    clause->section = report_keep(into, from->section);
    clause->summary = report_keep(into, from->summary);
    clause->verdict = VBLK_VERDICT_NOT_APPLICABLE;
    return clause;
}

static void merge_violation(struct report *into, struct report_clause *clause, const struct report_violation *from)
{
    struct report_violation *violation = report_add_violation(clause);

    if (!violation)
        return;
    *violation = *from;
    violation->name = report_keep(into, from->name);
    violation->message = report_keep(into, from->message);
    violation->expected = report_keep(into, from->expected);
    violation->seen = report_keep(into, from->seen);
    violation->bytes = report_keep(into, from->bytes);
    violation->consequence = report_keep(into, from->consequence);
    violation->flags = report_keep(into, from->flags);
    violation->reading = report_keep(into, from->reading);
    violation->replay = report_keep(into, from->replay);
}

static void merge_clause(struct report *into, const struct report_clause *from)
{
    struct report_clause *clause = clause_named(into, from->id);

    if (!clause)
        clause = clause_copied(into, from);
    if (weight[from->verdict] > weight[clause->verdict] || !clause->why[0]) {
        clause->why = report_keep(into, from->why);
        clause->choice = report_keep(into, from->choice);
        clause->reading = report_keep(into, from->reading);
    }
    if (weight[from->verdict] > weight[clause->verdict])
        clause->verdict = from->verdict;
    clause->exercised += from->exercised;
    clause->broken += from->broken;
    for (size_t i = 0; i < from->violation_count; i++)
        merge_violation(into, clause, &from->violations[i]);
}

static void merge_case(struct report *into, const struct report_case *from)
{
    struct report_case *entry = report_add_case(into);

    *entry = *from;
    entry->name = report_keep(into, from->name);
    entry->area = report_keep(into, from->area);
    entry->clause = report_keep(into, from->clause);
    entry->what = report_keep(into, from->what);
    entry->reason = report_keep(into, from->reason);
    entry->ring = from->ring;
}

/* One word where all agree, else each of them. */
static const char *joined(struct report *into, const char *have, const char *more)
{
    if (!have[0] || strcmp(have, more) == 0)
        return report_keep(into, more);
    if (!more[0] || strstr(have, more))
        return have;
    return report_format(into, "%s + %s", have, more);
}

void report_merge(struct report *into, const struct report *from)
{
    into->tool = joined(into, into->tool, from->tool);
    into->target_kind = joined(into, into->target_kind, from->target_kind);
    into->target_name = joined(into, into->target_name, from->target_name);
    into->target_role = report_keep(into, from->target_role);
    into->profile = joined(into, into->profile, from->profile);
    into->level = joined(into, into->level, from->level);
    into->rings = (uint8_t)((into->case_count ? into->rings : 0) | from->rings);
    into->seed = into->case_count ? into->seed : from->seed;
    into->offered |= from->offered;
    into->negotiated |= from->negotiated;
    into->should_fails = into->should_fails || from->should_fails;
    into->cut_short = into->cut_short || from->cut_short;
    for (size_t i = 0; i < from->clause_count; i++)
        merge_clause(into, &from->clauses[i]);
    for (size_t i = 0; i < from->case_count; i++)
        merge_case(into, &from->cases[i]);
    for (size_t i = 0; i < from->reading_count; i++)
        report_add_reading(into, from->readings[i]);
    for (size_t i = 0; i < from->note_count; i++)
        report_add_note(into, from->notes[i]);
    report_count(into);
}
