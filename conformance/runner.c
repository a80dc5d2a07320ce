/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "runner_run.h"

/* The formats on which a case is played in this run; none: a format on which it would be. */
static uint8_t rings_for(const struct runner_run *run, const struct vector_case *c)
{
    const uint8_t both = c->rings & run->rings;

    return both ? both : c->rings & VECTOR_SPLIT ? VECTOR_SPLIT : VECTOR_PACKED;
}

static const char *ring_reason(const struct runner_run *run, const struct vector_case *c)
{
    if (c->rings & run->rings)
        return "";
    if (c->rings & VECTOR_SPLIT)
        return "is for the split ring only";
    return run->target->env.offered & VBLK_BIT(VBLK_F_RING_PACKED) ? "is for the packed ring only"
                                                                   : "needs RING_PACKED offered";
}

/* Reasons to skip that don't need the target's word. "" if there is none. */
const char *runner_known_reason(const struct runner_run *run, const struct vector_case *c)
{
    if (run->stopped)
        return "interrupted";
    if (run->dead)
        return run->dead;
    if (c->changes_disk && run->target->foreign && !run->options->allow_data_loss)
        return "changes the disk, and --allow-data-loss was not given";
    return ring_reason(run, c);
}

/* Open the target for the case. Returns false with a reason; *failed says that the target is to blame. */
static bool begin(struct runner_run *run, const struct runner_case *now, char *reason, size_t size, bool *failed)
{
    vblk_err err;
    struct target *target = run->target;

    reason[0] = '\0';
    err = target->ops->begin(target, now->file, now->i, reason, size);
    *failed = err && err != VBLK_E_INVAL;
    if (err) {
        if (!reason[0])
            (void)snprintf(reason, size, "the target could not be made ready: %s", vblk_strerror(err));
        return false;
    }
    if (now->ring == VECTOR_SPLIT)
        target->env.modelled &= ~VBLK_BIT(VBLK_F_RING_PACKED);
    else if (!(target->env.offered & VBLK_BIT(VBLK_F_RING_PACKED)))
        (void)snprintf(reason, size, "needs RING_PACKED offered");
    if ((now->c->host_actions & ~target->port->host_actions) != 0)
        (void)snprintf(reason, size, "needs a hand on the device itself, which this target doesn't give");
    else if (!reason[0] && vector_applies(now->file, now->i, &target->env, reason, size))
        return true;
    target->ops->end(target);
    return false;
}

void runner_set_result(struct runner_run *run, const struct runner_case *now, enum report_result result,
                       const char *reason)
{
    struct report_case *entry = &run->report->cases[now->entry];

    entry->result = result;
    entry->reason = report_keep(run->report, reason);
    recorder_result(run->options->recorder, run, now);
}

/* Played once; returns false if the rest of the sweep is not worth it. */
struct outcome {
    struct vblk_play play;
    bool blamed;
    bool played;
};

#define LONG_RUN 20u /* times the patience that other cases get */

/* A device in this process whose accesses are not to be seen. */
static void tap_driver(void *ctx, const struct vblk_event *ev)
{
    const struct runner_run *run = ctx;

    if (ev->party != VBLK_DEVICE)
        run->sink(run->sink_ctx, ev);
}

void runner_sink(struct runner_run *run, struct vblk_memory *mem, const volatile int *memory_gone)
{
    struct recorder *recorder = run->options->recorder;

    recorder_bind(recorder, run->oracle, mem, memory_gone);
    run->sink = recorder ? recorder_observe : vblk_oracle_observe;
    run->sink_ctx = recorder ? (void *)recorder : (void *)run->oracle;
}

void runner_observe(struct runner_run *run, unsigned patience)
{
    struct target *target = run->target;

    vblk_oracle_reset(run->oracle, !target->foreign, target->disk_zero);
    recorder_reset(run->options->recorder, !target->foreign, target->disk_zero);
    if (target->sees & VBLK_SEES_DEVICE_STORES)
        vblk_memory_set_tap(target->mem, run->sink, run->sink_ctx);
    else
        vblk_memory_set_tap(target->mem, tap_driver, run);
    runner_guard_arm(&run->guard, target->port, run->options->timeout_ms * patience);
}

void runner_observe_no_more(struct runner_run *run)
{
    vblk_memory_set_tap(run->target->mem, NULL, NULL);
    runner_guard_disarm(&run->guard);
}

/* Half of the time for one answer: so silence is noticed, and judged, before the case's own time is up. */
static vblk_err play(struct runner_run *run, const struct runner_case *now, const struct vblk_script *script,
                     struct vblk_play *out)
{
    struct target *target = run->target;
    struct vblk_player *player;
    vblk_err err;

    *out = (struct vblk_play){ 0 };
    runner_observe(run, now->c->long_run ? LONG_RUN : 1);
    player = vblk_player_new(&run->guard.port, target->arena, run->options->timeout_ms / 2 + 1);
    err = player ? vblk_player_run(player, script, out) : VBLK_E_NOMEM;
    vblk_player_free(player);
    return err;
}

/* The target's connection or process is lost, or it does not answer: get it back or give up. */
void runner_recover(struct runner_run *run, const struct runner_case *now, bool blamed)
{
    vblk_err err = VBLK_OK;

    if (run->target->ops->recover)
        err = run->target->ops->recover(run->target);
    if (err && run->options->restart && run->options->restart(run->options->restart_ctx))
        err = run->target->ops->recover(run->target);
    if (!err)
        return;
    run->dead = report_format(run->report, "the target did not come back after %s (%s)", now->name, vblk_strerror(err));
    run->report->cut_short = true;
    report_add_note(run->report, run->dead);
    /* A target that was not there when the case began is not the case's doing. */
    if (!blamed && run->report->cases[now->entry].runs)
        runner_blame(run, now, false, "the target ended during this case and could not be reached again",
                     "a target that can be reached again", vblk_strerror(err));
}

static void blame_surprise(struct runner_run *run, const struct runner_case *now, const struct vblk_play *out)
{
    const struct vblk_surprise *surprise = &out->surprise[0];
    char message[160];

    (void)snprintf(message, sizeof(message), "what the vector demands did not happen (step %zu%s%s)", surprise->step,
                   surprise->request[0] ? ", request " : "", surprise->request);
    runner_blame(run, now, false, message, surprise->expected, surprise->seen);
}

/* The target is gone or silent. What the oracle has not said already is said here, naming the case. */
static void judge_end(struct runner_run *run, const struct runner_case *now, const struct outcome *was)
{
    const struct vblk_play *out = &was->play;
    bool gone = run->guard.gone || out->err == VBLK_E_GONE;
    char seen[96];

    (void)snprintf(seen, sizeof(seen), "%s at step %zu", gone ? "it went away" : "no end", out->stopped_at);
    if (!was->blamed && out->surprise_count)
        blame_surprise(run, now, out);
    else if (!was->blamed && gone)
        runner_blame(run, now, true, "the target hung up during this case", "a target that stays", seen);
    else if (!was->blamed && run->guard.expired)
        runner_blame(run, now, false, "the target did not get through the case in time", "an end in time", seen);
    if (gone || run->guard.expired || (out->hung && (was->blamed || out->surprise_count))) {
        runner_set_result(run, now, gone ? REPORT_GONE : REPORT_HUNG, seen);
        runner_recover(run, now, was->blamed);
    }
}

/* The script could not be played to its end, and nobody is to blame: then it must not look as if it had been. */
static void note_stop(struct runner_run *run, const struct runner_case *now, const struct outcome *was)
{
    const struct vblk_play *out = &was->play;
    char reason[128];

    if (!out->err || was->blamed || run->report->cases[now->entry].result != REPORT_RAN)
        return;
    (void)snprintf(reason, sizeof(reason), "step %zu %s", out->stopped_at,
                   out->err == VBLK_E_UNSUPPORTED ? "needs what this target does not have"
                                                  : "was not reached: the device did not let itself be started");
    runner_set_result(run, now, REPORT_SKIPPED, reason);
}

/* Returns whether to go on with the sweep. */
static bool play_script(struct runner_run *run, const struct runner_case *now, const struct vblk_script *script)
{
    struct outcome was = { .blamed = false };
    vblk_err err = play(run, now, script, &was.play);
    struct report_case *entry = &run->report->cases[now->entry];
    char reason[128];

    run->stopped = run->stopped || run->guard.stopped;
    if (run->stopped) {
        runner_set_result(run, now, REPORT_SKIPPED, "interrupted");
    } else if (err) {
        (void)snprintf(reason, sizeof(reason), "step %zu can't be played here: %s", was.play.stopped_at,
                       vblk_strerror(err));
        runner_set_result(run, now, entry->runs ? REPORT_RAN : REPORT_SKIPPED, reason);
    } else {
        entry->runs++;
        was.blamed = runner_collect(run, now);
        judge_end(run, now, &was);
        note_stop(run, now, &was);
    }
    runner_observe_no_more(run);
    run->target->ops->end(run->target);
    return !run->stopped && !err && !run->dead && run->report->cases[now->entry].result == REPORT_RAN;
}

/* The target was lost when a variation should have begun: if one was played, that is what it came to. */
static void lost_before(struct runner_run *run, const struct runner_case *now, const char *reason)
{
    runner_set_result(run, now, REPORT_GONE, reason);
    runner_recover(run, now, false);
    if (!run->dead && run->report->cases[now->entry].runs)
        runner_blame(run, now, true, "the target hung up during this case", "a target that stays", reason);
}

/* One variation. Returns false past the last one, or if the rest is not worth it. */
static bool play_variation(struct runner_run *run, const struct runner_case *now, size_t n)
{
    struct vector_script *script;
    char reason[256];
    bool failed, more;

    if (!begin(run, now, reason, sizeof(reason), &failed)) {
        if (failed)
            lost_before(run, now, reason);
        else if (n == 0)
            runner_set_result(run, now, REPORT_SKIPPED, reason);
        return false;
    }
    reason[0] = '\0';
    script = vector_resolve(now->file, now->i, n, &run->target->env, reason, sizeof(reason));
    if (!script) {
        run->target->ops->end(run->target);
        if (n == 0)
            runner_set_result(run, now, REPORT_SKIPPED, reason[0] ? reason : "there is nothing to play on this target");
        /* A variation that can't be made says nothing about the next one. */
        return reason[0] != '\0';
    }
    more = play_script(run, now, vector_script_of(script));
    vector_script_free(script);
    return more;
}

struct runner_case runner_open_case(struct runner_run *run, const struct vector_case *c, uint8_t ring)
{
    struct runner_case now = { .c = c, .ring = ring, .no = vblk_clause_find(c->clause) };
    struct report_case *entry = report_add_case(run->report);

    runner_case_name(c, ring, now.name, sizeof(now.name));
    now.entry = run->report->case_count - 1;
    entry->name = report_keep(run->report, now.name);
    entry->area = report_keep(run->report, c->area);
    entry->clause = report_keep(run->report, c->clause);
    entry->what = report_keep(run->report, c->what ? c->what : "");
    entry->ring = ring;
    recorder_case(run->options->recorder, run, &now);
    return now;
}

/* Returns whether anything was played. */
static bool play_case(struct runner_run *run, const struct vector_file *file, size_t i, uint8_t ring)
{
    struct runner_case now = runner_open_case(run, vector_case_at(file, i), ring);
    const char *reason = runner_known_reason(run, now.c);

    now.file = file;
    now.i = i;
    if (reason[0]) {
        runner_set_result(run, &now, REPORT_SKIPPED, reason);
        return false;
    }
    for (size_t n = 0; n < now.c->sweep && play_variation(run, &now, n); n++)
        ;
    runner_settle(run, &now);
    return run->report->cases[now.entry].runs > 0;
}

/* Calls @each for what is selected: of each case the formats, until @each returns false for it. Returns how many. */
static size_t each_case(struct runner_run *run,
                        bool (*each)(struct runner_run *run, const struct vector_file *file, size_t i, uint8_t ring))
{
    size_t count = 0;

    for (size_t f = 0; f < run->set->count; f++) {
        for (size_t i = 0; i < vector_case_count(run->set->files[f]); i++) {
            const struct vector_case *c = vector_case_at(run->set->files[f], i);
            const uint8_t rings = c->kind == VECTOR_TARGET ? rings_for(run, c) : 0;
            bool more = true;

            for (uint8_t ring = VECTOR_SPLIT; ring <= VECTOR_PACKED && more; ring = (uint8_t)(ring << 1)) {
                if (!(rings & ring) || !runner_selects(&run->options->filter, c, ring))
                    continue;
                more = each(run, run->set->files[f], i, ring);
                count++;
            }
        }
    }
    return count;
}

static bool count_only(struct runner_run *run, const struct vector_file *file, size_t i, uint8_t ring)
{
    (void)run, (void)file, (void)i, (void)ring;
    return true;
}

/* What is not played at all on one format is not even tried on the other: the reason is the same. */
static bool play_one(struct runner_run *run, const struct vector_file *file, size_t i, uint8_t ring)
{
    const struct runner_options *options = run->options;
    char name[RUNNER_NAME_MAX];

    runner_case_name(vector_case_at(file, i), ring, name, sizeof(name));
    if (options->progress)
        options->progress(options->progress_ctx, run->report->case_count, run->total, name);
    return play_case(run, file, i, ring);
}

static void play_all(struct runner_run *run)
{
    const struct runner_options *options = run->options;

    run->total = each_case(run, count_only);
    (void)each_case(run, play_one);
    if (options->progress)
        options->progress(options->progress_ctx, run->total, run->total, "");
}

/* Those that were asked for, as far as the target has them; all of them, if it has none. */
static uint8_t rings_of(const struct runner_options *options, const struct target *target)
{
    const bool packed = target->env.offered & VBLK_BIT(VBLK_F_RING_PACKED);
    const uint8_t asked = options->rings ? options->rings : VECTOR_RINGS;
    const uint8_t has = asked & (packed ? VECTOR_RINGS : VECTOR_SPLIT);

    return has ? has : asked;
}

void runner_head(const struct runner_options *options, const char *kind, const char *name, struct report *report)
{
    static const char *const levels[] = { "interop", "strict", "legacy" };

    report->tool = report_format(report, "vblk %s", vblk_version());
    report->target_kind = report_keep(report, kind);
    report->target_name = report_keep(report, name);
    report->profile = report_keep(report, options->profile.name);
    report->level = levels[options->strictness % 3];
    report->seed = options->seed;
    report->should_fails = options->should_fails;
    for (size_t i = 0; i < vblk_ambiguity_count() && i < VBLK_AMBIGUITIES_MAX; i++) {
        const struct vblk_ambiguity *row = vblk_ambiguity_at(i);
        unsigned chosen = options->readings.chosen[i];

        if (chosen && chosen < row->readings)
            report_add_reading(report, report_format(report, "%s=%s", row->id, row->reading[chosen].name));
    }
}

static struct vblk_oracle_options judge_of(const struct runner_options *options, const struct target *target)
{
    return (struct vblk_oracle_options){
        .profile = options->profile,
        .readings = options->readings,
        .strictness = options->strictness,
        .sees = target->sees,
        .disk_zero = target->disk_zero,
        .power_cuts = !target->foreign,
        .transport = target->transport,
    };
}

vblk_err runner_run(const struct runner_options *options, const struct runner_set *set, struct target *target,
                    struct report *report)
{
    struct runner_run run = { .options = options, .set = set, .target = target, .report = report };
    struct vblk_target_facts facts = { .profile = options->profile, .sees = target->sees, .grade = target->grade,
                                       .transport = target->transport };
    const struct vblk_oracle_options how = judge_of(options, target);
    vblk_err err = VBLK_OK;

    run.rings = rings_of(options, target);
    run.judged = VBLK_DEVICE;
    run.oracle = vblk_oracle_new(&how, target->mem);
    run.scores = calloc(vblk_clause_count() + 1, sizeof(*run.scores));
    if (!run.oracle || !run.scores) {
        vblk_oracle_free(run.oracle);
        free(run.scores);
        return VBLK_E_NOMEM;
    }
    run.guard.stop = options->stop;
    runner_sink(&run, target->mem, NULL);
    run.guard.observe = run.sink;
    run.guard.observe_ctx = run.sink_ctx;
    runner_head(options, target->kind, target->name, report);
    recorder_head(options->recorder, "test", &run, &how, target->grade);
    report->rings = run.rings;
    runner_rows(report);
    play_all(&run);
    if (options->streams)
        err = runner_streams(&run);
    if (run.stopped) {
        report->cut_short = true;
        report_add_note(report, "interrupted");
    }
    facts.offered = run.guard.offered | target->env.offered;
    facts.negotiated = run.guard.negotiated;
    recorder_end(options->recorder, &run, facts.offered, facts.negotiated);
    runner_judge(&run, &facts);
    vblk_oracle_free(run.oracle);
    free(run.scores);
    return err;
}

static bool list_one(struct runner_run *run, const struct vector_file *file, size_t i, uint8_t ring)
{
    const struct runner_case now = { .file = file, .i = i, .c = vector_case_at(file, i), .ring = ring };
    char name[RUNNER_NAME_MAX], reason[256];
    bool failed;

    runner_case_name(now.c, ring, name, sizeof(name));
    (void)snprintf(reason, sizeof(reason), "%s", runner_known_reason(run, now.c));
    if (!reason[0] && begin(run, &now, reason, sizeof(reason), &failed)) {
        run->target->ops->end(run->target);
        reason[0] = '\0';
    }
    run->list(run->list_ctx, now.c, name, reason);
    return !reason[0];
}

size_t runner_list(const struct runner_options *options, const struct runner_set *set, struct target *target,
                   void (*each)(void *ctx, const struct vector_case *c, const char *name, const char *reason),
                   void *ctx)
{
    struct runner_run run = { .options = options, .set = set, .target = target, .list = each, .list_ctx = ctx };

    run.rings = rings_of(options, target);
    return each_case(&run, list_one) + (options->streams ? runner_list_streams(&run) : 0);
}
