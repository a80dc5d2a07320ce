/* SPDX-License-Identifier: BSD-3-Clause */
/* What the judge makes of the driver, in lines. */
#include "bed.h"

#include <stdarg.h>
#include <stdio.h>

struct out {
    vblk_testbed_line_fn line;
    void *ctx;
};

static void say(const struct out *out, const char *format, ...) VBLK_PRINTF(2, 3);
static void say(const struct out *out, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out->line(out->ctx, text);
}

static enum vblk_verdict verdict_of(const struct vblk_testbed *bed, vblk_clause_no no, const char **why)
{
    const struct vblk_tally tally = vblk_oracle_tally(bed->oracle, no);
    const struct vblk_target_facts facts = {
        .profile = bed->options.device.profile,
        .offered = vblk_device_options_of(bed->device)->features,
        .negotiated = vblk_device_accepted(bed->device),
        .sees = TESTBED_SEES,
        .lockstep = true,
        .grade = VBLK_GRADE_SNAPSHOT,
    };

    return vblk_verdict_of(no, &tally, &facts, why);
}

enum vblk_verdict vblk_testbed_verdict(const struct vblk_testbed *bed, const char *id)
{
    vblk_clause_no no = vblk_clause_find(id);

    return no == VBLK_NO_CLAUSE ? VBLK_VERDICT_NOT_APPLICABLE : verdict_of(bed, no, NULL);
}

static bool of_driver(vblk_clause_no no)
{
    return vblk_clause_at(no)->bound != VBLK_BOUND_DEVICE;
}

static void counts(const struct vblk_testbed *bed, const struct out *out)
{
    size_t count[VBLK_VERDICT_COUNT] = { 0 };

    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
        if (of_driver(no))
            count[verdict_of(bed, no, NULL)]++;
    say(out, "driver, profile %s: %zu pass, %zu fail, %zu warn, %zu info; %zu not exercised, %zu not observable here, %zu "
             "not applicable",
        bed->options.device.profile.name, count[VBLK_VERDICT_PASS], count[VBLK_VERDICT_FAIL], count[VBLK_VERDICT_WARN],
        count[VBLK_VERDICT_INFO], count[VBLK_VERDICT_NOT_EXERCISED], count[VBLK_VERDICT_NOT_OBSERVABLE],
        count[VBLK_VERDICT_NOT_APPLICABLE]);
}

static void evidence(const struct out *out, const struct vblk_violation *v)
{
    const struct vblk_clause *row = vblk_clause_at(v->clause);
    const bool bad = v->severity == VBLK_BROKEN_RULE && row->strength != VBLK_SHOULD && row->strength != VBLK_SHOULD_NOT;

    say(out, "%s  %s  %s %s (%s)", bad ? "FAIL" : "WARN", row->id, vblk_bound_name((enum vblk_bound)row->bound),
        vblk_level_name((enum vblk_level)row->level), row->section);
    say(out, "      %s", v->message);
    say(out, "      expected  %s", v->expected);
    say(out, "      seen      %s", v->seen);
    if (v->has_address)
        say(out, "      where     queue %u, address 0x%llx", v->queue, (unsigned long long)v->address);
    else
        say(out, "      where     queue %u", v->queue);
}

void vblk_testbed_report(const struct vblk_testbed *bed, vblk_testbed_line_fn line, void *ctx)
{
    const struct out out = { line, ctx };
    size_t violations = vblk_oracle_violation_count(bed->oracle);

    counts(bed, &out);
    for (size_t i = 0; i < violations; i++) {
        const struct vblk_violation *v = vblk_oracle_violation(bed->oracle, i);

        if (v->guilty == VBLK_DRIVER && v->severity != VBLK_NOTE)
            evidence(&out, v);
    }
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_tally tally = vblk_oracle_tally(bed->oracle, no);

        if (of_driver(no) && tally.choice[0] != '\0')
            say(&out, "INFO  %s  %s: %s", vblk_clause_at(no)->id, vblk_clause_at(no)->summary, tally.choice);
    }
}
