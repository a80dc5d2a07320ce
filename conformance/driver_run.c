/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver_run.h"

#include <stdlib.h>
#include <string.h>

#include "runner_run.h"

struct driver_run {
    struct driver_run_options options;
    struct runner_set no_set;
    struct runner_run run;
    struct runner_case now;
    size_t told;                         /* violations of the present case */
    uint64_t offered, accepted, settled; /* settled: with FEATURES_OK, in the present life */
    uint64_t offered_ever, negotiated_ever;
    uint8_t rings; /* negotiated ever */
};

static struct vblk_oracle_options judge_of(const struct driver_run_options *options)
{
    return (struct vblk_oracle_options){
        .profile = options->run.profile,
        .readings = options->run.readings,
        .strictness = options->run.strictness,
        .sees = options->sees,
        .disk_zero = options->disk_zero,
        .judge_driver = true,
        .spare_device = !options->both,
        .late = options->late,
        .memory_gone = options->memory_gone,
        .queues_max = options->queues,
    };
}

struct driver_run *driver_run_new(const struct driver_run_options *options)
{
    const struct vblk_oracle_options how = judge_of(options);
    struct driver_run *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->options = *options;
    d->run.options = &d->options.run;
    d->run.set = options->set ? options->set : &d->no_set;
    d->run.judged = options->both ? VBLK_NOBODY : VBLK_DRIVER;
    d->run.oracle = vblk_oracle_new(&how, options->mem);
    d->run.scores = calloc(vblk_clause_count() + 1, sizeof(*d->run.scores));
    if (!d->run.oracle || !d->run.scores) {
        driver_run_free(d);
        return NULL;
    }
    d->run.report = report_new();
    runner_head(&options->run, options->kind, options->name, d->run.report);
    d->run.report->target_role = options->both ? "driver and device" : "driver";
    runner_rows(d->run.report);
    runner_sink(&d->run, options->mem, options->memory_gone);
    recorder_head(options->run.recorder, options->both ? "monitor" : "serve", &d->run, &how, options->grade);
    return d;
}

void driver_run_free(struct driver_run *d)
{
    if (!d)
        return;
    report_free(d->run.report);
    vblk_oracle_free(d->run.oracle);
    free(d->run.scores);
    free(d);
}

static void settle(struct driver_run *d)
{
    d->settled = d->accepted & d->offered;
    d->negotiated_ever |= d->settled;
    d->rings = (uint8_t)(d->rings | (d->settled >> VBLK_F_RING_PACKED & 1 ? REPORT_PACKED : REPORT_SPLIT));
}

static void watch_features(struct driver_run *d, const struct vblk_event *ev)
{
    const bool write = ev->kind == VBLK_EV_REG_WRITE;

    if (ev->kind == VBLK_EV_REG_READ && ev->reg == VBLK_REG_DEVICE_FEATURES)
        d->offered_ever |= d->offered = ev->value;
    else if (write && ev->reg == VBLK_REG_DRIVER_FEATURES)
        d->accepted = ev->value;
    else if (ev->kind == VBLK_EV_REG_READ && ev->reg == VBLK_REG_STATUS && (ev->value & VBLK_STATUS_FEATURES_OK))
        settle(d);
}

void driver_run_observe(void *run, const struct vblk_event *ev)
{
    struct driver_run *d = run;

    if (ev->kind == VBLK_EV_REG_READ || ev->kind == VBLK_EV_REG_WRITE)
        watch_features(d, ev);
    d->run.sink(d->run.sink_ctx, ev);
}

static void mark(struct driver_run *d, enum vblk_event_kind kind)
{
    const struct vblk_event ev = {
        .kind = (uint8_t)kind,
        .party = VBLK_NOBODY,
        .len = (uint32_t)strlen(d->now.name),
        .bytes = (const uint8_t *)d->now.name,
    };

    driver_run_observe(d, &ev);
}

struct runner_case runner_open_driver(struct runner_run *run, const char *name, const char *what)
{
    struct report_case *entry = report_add_case(run->report);
    struct runner_case now = { .no = VBLK_NO_CLAUSE, .entry = run->report->case_count - 1 };

    (void)snprintf(now.name, sizeof(now.name), "%s", name);
    entry->name = report_keep(run->report, name);
    entry->what = report_keep(run->report, what);
    entry->runs = 1;
    vblk_oracle_reset(run->oracle, false, false);
    recorder_case(run->options->recorder, run, &now);
    return now;
}

void driver_run_begin(struct driver_run *d, const char *name, const char *what)
{
    d->now = runner_open_driver(&d->run, name, what);
    d->told = 0;
    d->settled = d->accepted = 0;
    mark(d, VBLK_EV_CASE_BEGIN);
}

void runner_note_sight(struct runner_run *run, const struct runner_case *now)
{
    const uint32_t lost = vblk_oracle_sight_lost(run->oracle);

    if (lost > 0)
        report_add_note(run->report,
                        report_format(run->report,
                                      "%s: sight of a queue was lost %u time%s: more went through it between two looks "
                                      "than can be told apart; it was followed again when nothing was in flight",
                                      now->name, lost, lost == 1 ? "" : "s"));
}

void driver_run_end(struct driver_run *d, enum report_result result, const char *reason)
{
    struct report_case *entry = &d->run.report->cases[d->now.entry];

    mark(d, VBLK_EV_CASE_END);
    entry->result = result;
    entry->reason = report_keep(d->run.report, reason);
    runner_note_sight(&d->run, &d->now);
    (void)runner_collect(&d->run, &d->now);
    runner_settle(&d->run, &d->now);
}

void driver_run_finish(struct driver_run *d)
{
    recorder_end(d->run.options->recorder, &d->run, d->offered_ever, d->negotiated_ever);
}

const struct vblk_violation *driver_run_news(struct driver_run *d)
{
    const struct vblk_violation *v;

    while ((v = vblk_oracle_violation(d->run.oracle, d->told)) != NULL) {
        d->told++;
        if (v->severity != VBLK_NOTE && (d->options.both || v->guilty == VBLK_DRIVER))
            return v;
    }
    return NULL;
}

uint64_t driver_run_negotiated(const struct driver_run *d)
{
    return d->settled;
}

const struct report *driver_run_report(struct driver_run *d)
{
    const struct vblk_target_facts facts = {
        .profile = d->options.run.profile,
        .offered = d->offered_ever,
        .negotiated = d->negotiated_ever,
        .sees = d->options.sees,
        .grade = d->options.grade,
        .late = d->options.late,
    };

    d->run.report->rings = d->rings ? d->rings : REPORT_SPLIT;
    runner_judge(&d->run, &facts);
    return d->run.report;
}
