/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "runner_run.h"

/* Of one clause and case so many violations are kept, so that others find room, too. */
#define PER_CASE 4u

/* How much a broken rule of this strength matters. */
static enum vblk_verdict severity_of(const struct vblk_clause *clause, bool doubt)
{
    switch (clause->strength) {
    case VBLK_SHOULD:
    case VBLK_SHOULD_NOT:
        return VBLK_VERDICT_WARN;
    case VBLK_MAY:
        return VBLK_VERDICT_INFO;
    default:
        return doubt ? VBLK_VERDICT_WARN : VBLK_VERDICT_FAIL;
    }
}

static const char *reading_text(struct runner_run *run, unsigned reading)
{
    const struct vblk_ambiguity *row = reading ? vblk_ambiguity_at(reading - 1) : NULL;
    unsigned chosen = row ? run->options->readings.chosen[reading - 1] : 0;

    if (!row || chosen >= row->readings)
        return "";
    return report_format(run->report, "%s=%s", row->id, row->reading[chosen].name);
}

static const char *flags_text(struct report *report, const struct vector_case *c)
{
    char text[160] = "";
    size_t at = 0;

    for (size_t i = 0; c && i < c->flag_count && at < sizeof(text); i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? ", " : "", c->flags[i]);
    return report_keep(report, text);
}

/* Why a violation of the clause matters: the case's word, or that of the clause's own vectors. */
static const char *consequence_of(const struct runner_run *run, const struct runner_case *now, const char *clause)
{
    const char *found = now->c && strcmp(now->c->clause, clause) == 0 ? now->c->consequence : NULL;

    for (size_t f = 0; !found && f < run->set->count; f++) {
        const struct vector_case *c =
            vector_case_count(run->set->files[f]) ? vector_case_at(run->set->files[f], 0) : NULL;

        if (c && strcmp(c->clause, clause) == 0)
            found = c->consequence;
    }
    return found ? found : "";
}

static size_t kept_of_case(const struct report_clause *clause, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < clause->violation_count; i++)
        kept += strcmp(clause->violations[i].name, name) == 0;
    return kept;
}

/* Where there is a choice of rings, the command makes it. */
static const char *replay_text(struct runner_run *run, const struct runner_case *now)
{
    const bool stream = now->c && strcmp(now->c->area, RUNNER_STREAMS) == 0;
    const bool choice = run->target && run->target->env.offered & VBLK_BIT(VBLK_F_RING_PACKED);
    const char *ring = stream ? "both" : choice ? report_ring_name(now->ring) : NULL;

    if (!now->c)
        return report_keep(run->report, run->options->replay);
    return report_format(run->report, "%s%s%s --case '%s'", run->options->replay, ring ? " --ring " : "",
                         ring ? ring : "", now->name);
}

/* A new violation with all that does not depend on who found it; NULL when there are enough. */
static struct report_violation *open_violation(struct runner_run *run, const struct runner_case *now, vblk_clause_no no,
                                               bool doubt)
{
    struct report *report = run->report;
    struct report_clause *clause = &report->clauses[no];
    const struct vblk_clause *row = vblk_clause_at(no);
    struct report_violation *violation;

    report->cases[now->entry].violations++;
    clause->broken++;
    violation = kept_of_case(clause, now->name) < PER_CASE ? report_add_violation(clause) : NULL;
    if (!violation)
        return NULL;
    violation->severity = severity_of(row, doubt);
    if (expect_find(run->options->expect, row->id, now->name))
        violation->severity = VBLK_VERDICT_EXPECTED_FAIL;
    violation->name = report->cases[now->entry].name;
    violation->consequence = report_keep(report, consequence_of(run, now, row->id));
    violation->flags = flags_text(report, now->c);
    violation->replay = replay_text(run, now);
    return violation;
}

static const char *hex_text(struct report *report, const uint8_t *bytes, size_t count)
{
    char text[3 * sizeof(((struct vblk_violation *)0)->bytes) + 1] = "";

    for (size_t i = 0; i < count && i < sizeof(text) / 3; i++)
        (void)snprintf(text + 3 * i, 4, i + 1 < count ? "%02x " : "%02x", (unsigned)bytes[i]);
    return report_keep(report, text);
}

static void add_seen(struct runner_run *run, const struct runner_case *now, const struct vblk_violation *v)
{
    struct report_violation *violation = open_violation(run, now, v->clause, v->severity == VBLK_DOUBT);

    if (!violation)
        return;
    if (run->judged == VBLK_NOBODY)
        violation->message = report_format(run->report, "%s: %s", v->guilty == VBLK_DRIVER ? "the driver" : "the device",
                                           v->message);
    else
        violation->message = report_keep(run->report, v->message);
    violation->expected = report_keep(run->report, v->expected);
    violation->seen = report_keep(run->report, v->seen);
    violation->queue = v->queue;
    violation->index = v->index == 0xffff ? -1 : v->index;
    violation->has_address = v->has_address;
    violation->address = v->address;
    violation->bytes = hex_text(run->report, v->bytes, v->byte_count);
    violation->reading = reading_text(run, v->reading);
    violation->relaxed = v->relaxed;
}

bool runner_collect(struct runner_run *run, const struct runner_case *now)
{
    size_t violations = vblk_oracle_violation_count(run->oracle), rows = vblk_clause_count();
    bool blamed = false;

    recorder_collect(run->options->recorder, run);
    for (size_t no = 0; no < rows; no++) {
        const struct vblk_tally part = vblk_oracle_tally(run->oracle, (vblk_clause_no)no);

        vblk_tally_add(&run->scores[no].sum, &part);
        run->scores[no].case_held += part.held;
        run->scores[no].case_broken += part.broken + part.doubted;
    }
    for (size_t i = 0; i < violations; i++) {
        const struct vblk_violation *v = vblk_oracle_violation(run->oracle, i);

        /* The other party is ours, and its lies are the author's will. */
        if (v->severity == VBLK_NOTE || (run->judged != VBLK_NOBODY && v->guilty != run->judged) || v->clause >= rows)
            continue;
        add_seen(run, now, v);
        blamed = true;
    }
    return blamed;
}

void runner_blame(struct runner_run *run, const struct runner_case *now, bool doubt, const char *message,
                  const char *expected, const char *seen)
{
    struct report_violation *violation;

    recorder_blame(run->options->recorder, run, doubt, message, expected, seen);
    if (now->no == VBLK_NO_CLAUSE)
        return;
    *(doubt ? &run->scores[now->no].sum.doubted : &run->scores[now->no].sum.broken) += 1;
    run->scores[now->no].case_broken++;
    violation = open_violation(run, now, now->no, doubt);
    if (!violation)
        return;
    violation->message = report_keep(run->report, message);
    violation->expected = report_keep(run->report, expected);
    violation->seen = report_keep(run->report, seen);
}

void runner_settle(struct runner_run *run, const struct runner_case *now)
{
    const struct report_case *entry_of = &run->report->cases[now->entry];
    bool got_through = entry_of->result == REPORT_RAN && entry_of->runs;
    size_t rows = vblk_clause_count();

    recorder_settle(run->options->recorder, run, now);
    for (size_t no = 0; no < rows; no++) {
        struct runner_score *score = &run->scores[no];
        const char *id = vblk_clause_at((vblk_clause_no)no)->id;
        const struct expect_entry *entry;

        if (score->case_broken) {
            entry = expect_tell(run->options->expect, id, now->name, true);
            score->unexpected += !entry;
            score->entry = entry ? entry : score->entry;
        } else if (score->case_held || (no == now->no && got_through)) {
            (void)expect_tell(run->options->expect, id, now->name, false);
        }
        score->case_broken = score->case_held = 0;
    }
}

void runner_rows(struct report *report)
{
    size_t rows = vblk_clause_count();

    for (size_t no = 0; no < rows; no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);
        struct report_clause *clause = report_add_clause(report);

        clause->id = row->id;
        clause->level = vblk_level_name((enum vblk_level)row->level);
        clause->party = vblk_bound_name((enum vblk_bound)row->bound);
        clause->area = row->area;
        clause->section = report_keep(report, row->section);
        clause->summary = report_keep(report, row->summary);
    }
}

/* What the file of expectations makes of a verdict. */
static void apply_expectations(struct runner_run *run, struct report_clause *clause, const struct runner_score *score)
{
    const struct expect_entry *missed = expect_missed(run->options->expect, clause->id);
    bool violated = clause->verdict == VBLK_VERDICT_FAIL || clause->verdict == VBLK_VERDICT_WARN;
    const struct expect_entry *entry = score->entry;

    if (missed && clause->verdict != VBLK_VERDICT_FAIL) {
        clause->verdict = VBLK_VERDICT_UNEXPECTED_PASS;
        clause->why = report_format(run->report, "expected to fail (%s), but it held", missed->reason);
    } else if (violated && !score->unexpected && entry) {
        clause->verdict = VBLK_VERDICT_EXPECTED_FAIL;
        clause->why = report_format(run->report, "%s%s%s", entry->reason, entry->link ? ", " : "",
                                    entry->link ? entry->link : "");
    }
}

/* Why a row that binds the other party alone says nothing; NULL: it may say something. */
static const char *not_bound(const struct runner_run *run, const struct vblk_clause *row)
{
    if (run->judged == VBLK_NOBODY)
        return NULL;
    if (run->judged == VBLK_DEVICE)
        return row->bound == VBLK_BOUND_DRIVER ? "binds drivers; a device is judged" : NULL;
    return row->bound == VBLK_BOUND_DEVICE ? "binds devices; a driver is judged" : NULL;
}

static void judge_row(struct runner_run *run, size_t no, const struct vblk_target_facts *facts)
{
    const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);
    struct report_clause *clause = &run->report->clauses[no];
    const struct runner_score *score = &run->scores[no];
    const struct vblk_tally *sum = &score->sum;
    const char *why = not_bound(run, row);

    clause->exercised = (uint64_t)sum->held + sum->broken + sum->doubted + sum->noted;
    if (!clause->exercised && why) {
        clause->verdict = VBLK_VERDICT_NOT_APPLICABLE;
    } else {
        why = NULL;
        clause->verdict = vblk_verdict_of((vblk_clause_no)no, sum, facts, &why);
    }
    clause->why = why ? report_keep(run->report, why) : "";
    clause->choice = report_keep(run->report, sum->choice);
    clause->reading = reading_text(run, sum->reading);
    if (clause->reading[0])
        report_add_reading(run->report, clause->reading);
    apply_expectations(run, clause, score);
}

/* An entry that nothing has touched is worth a line: the case was skipped, or the entry is out of date. */
static void note_idle_entries(struct runner_run *run)
{
    const struct expect_list *list = run->options->expect;

    for (size_t i = 0; list && i < list->count; i++) {
        const struct expect_entry *entry = &list->entries[i];

        if (!entry->failed && !entry->passed)
            report_add_note(run->report, report_format(run->report, "the expectation on line %d (%s) was not tried",
                                                       entry->line, entry->clause));
    }
}

void runner_judge(struct runner_run *run, const struct vblk_target_facts *facts)
{
    size_t rows = vblk_clause_count();

    run->report->offered = facts->offered;
    run->report->negotiated = facts->negotiated;
    for (size_t no = 0; no < rows; no++)
        judge_row(run, no, facts);
    note_idle_entries(run);
    report_count(run->report);
}
