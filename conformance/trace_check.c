/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "glances.h"
#include "runner_run.h"
#include "trace_fields.h"

/* Cases and violations that the runner did not leave to the judge: a report of more is nobody's. */
#define CASES_MAX 1000000u
#define QUEUES_MAX 1024u

struct check {
    const struct trace_check_options *options;
    struct trace_reader *reader;
    struct trace_record record;
    struct trace_fields fields, head, of_case; /* head and of_case are kept, the other is of the present record */
    struct glances seen;
    struct vblk_onlooker onlooker;
    bool lost; /* the judge asked for what is not there */
    struct vblk_glance missed;
    uint32_t looks, gone; /* of this event; gone: 1 + after how many memory was, or 0 */
    volatile int memory_gone;
    struct vblk_memory *mem;
    struct runner_options how;
    struct runner_set no_set;
    struct vector_case vector;
    struct runner_run run;
    struct runner_case now;
    struct target target; /* only what it offered is looked at */
    struct vblk_target_facts facts;
    bool of_driver; /* recorded by serve or monitor */
    bool open;      /* within a case */
    bool ended;
    char *why;
    size_t why_size;
};

static bool sorry(struct check *c, const char *format, ...) VBLK_PRINTF(2, 3);
static bool sorry(struct check *c, const char *format, ...)
{
    int at = c->record.packet ? snprintf(c->why, c->why_size, "packet %llu: ", (unsigned long long)c->record.packet) : 0;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(c->why + at, c->why_size - (size_t)at, format, args);
    va_end(args);
    return false;
}

/* ---- what the judge is shown ---- */

static void answer(void *ctx, struct vblk_glance *glance)
{
    struct check *c = ctx;
    struct glance_row *first = c->seen.rows ? glances_find(&c->seen, glance) : NULL;
    const struct glance_row *row;

    c->looks++;
    c->memory_gone = c->gone != 0 && c->looks >= c->gone - 1;
    if (!first) {
        if (!c->lost)
            c->missed = *glance;
        c->lost = true;
        return;
    }
    row = glances_ask(&c->seen, first);
    glance->yes = row->yes;
    if (row->yes && row->kind == VBLK_GLANCE_PEEK)
        memcpy(glance->bytes, c->record.bytes + row->bytes, (size_t)row->len);
    else if (row->yes && row->kind == VBLK_GLANCE_DIFF)
        memcpy(glance->bytes, row->run, sizeof(row->run));
}

/* A difference that is found lies at or behind where it was looked for. */
static bool keep_glance(struct check *c, const struct vblk_glance *glance, uint32_t ask, const uint64_t run[2])
{
    const struct glance_row *first = glances_find(&c->seen, glance);
    const bool diff = glance->kind == VBLK_GLANCE_DIFF && glance->yes;
    struct glance_row *row;

    if (first ? ask <= glances_last(&c->seen, first)->ask : ask != 0)
        return sorry(c, "looks at memory are out of order");
    if (diff && (run[0] < glance->at || run[1] == 0 || run[1] - 1 > UINT64_MAX - run[0]))
        return sorry(c, "a difference lies where none was looked for");
    row = glances_add(&c->seen, glance, ask);
    if (!row)
        return sorry(c, "more looks at memory than an event can have");
    if (glance->yes && glance->kind == VBLK_GLANCE_PEEK)
        row->bytes = (size_t)((const uint8_t *)glance->bytes - c->record.bytes);
    if (diff)
        memcpy(row->run, run, sizeof(row->run));
    return true;
}

static bool read_event(struct check *c, struct vblk_event *ev)
{
    struct vblk_trace_in in = { .bytes = c->record.bytes, .size = c->record.size };
    struct vblk_glance glance;
    uint64_t run[2];
    uint32_t ask;
    vblk_err err;

    glances_clear(&c->seen);
    if (vblk_trace_get_event(&in, ev, &c->gone))
        return sorry(c, "this is not an event");
    while ((err = vblk_trace_get_glance(&in, &glance, &ask, run)) == VBLK_OK)
        if (!keep_glance(c, &glance, ask, run))
            return false;
    return err == VBLK_E_EMPTY || sorry(c, "what was looked at is damaged");
}

static const char *const asked[] = { "", "whether memory is there", "for the bytes", "what has changed from" };

static bool not_lost(struct check *c)
{
    if (!c->lost)
        return true;
    return sorry(c, "nothing is decided: this judge (vblk %s) asks %s at 0x%llx (%llu bytes), which the one that recorded "
                 "(%s) did not look at",
                 vblk_version(), asked[c->missed.kind], (unsigned long long)c->missed.at,
                 (unsigned long long)c->missed.len, trace_text(&c->head, VBLK_TRACE_T_TOOL));
}

/* ---- records ---- */

static bool make_profile(struct check *c)
{
    const struct vblk_profile *profile = vblk_profile_find(trace_text(&c->head, VBLK_TRACE_T_PROFILE));
    const char *numbers = trace_text(&c->head, VBLK_TRACE_T_NUMBERS);
    char why[256] = "";

    if (!profile)
        return sorry(c, "this version does not know the profile '%.40s'", trace_text(&c->head, VBLK_TRACE_T_PROFILE));
    c->how.profile = *profile;
    if (numbers[0] && profile->provision && vblk_profile_renumber(&c->how.profile, numbers, why, sizeof(why)))
        return sorry(c, "the numbers '%.40s': %s", numbers, why);
    if (vblk_profile_check(&c->how.profile, why, sizeof(why)))
        return sorry(c, "%s", why);
    for (size_t i = 0; i < c->head.count; i++)
        if (c->head.field[i].tag == VBLK_TRACE_T_READING &&
            vblk_readings_set(&c->how.readings, c->head.field[i].text, why, sizeof(why)))
            return sorry(c, "the reading '%.60s': %s", c->head.field[i].text, why);
    return true;
}

static bool make_judge(struct check *c, uint64_t judged)
{
    const struct vblk_oracle_options how = {
        .profile = c->how.profile,
        .readings = c->how.readings,
        .strictness = c->how.strictness,
        .sees = (uint32_t)trace_number(&c->head, VBLK_TRACE_T_SEES) & VBLK_SEES_ALL,
        .disk_zero = judged & VBLK_TRACE_J_DISK_ZERO,
        .power_cuts = judged & VBLK_TRACE_J_POWER_CUTS,
        .judge_driver = judged & VBLK_TRACE_J_DRIVER,
        .spare_device = judged & VBLK_TRACE_J_SPARE_DEVICE,
        .late = judged & VBLK_TRACE_J_LATE,
        .memory_gone = &c->memory_gone,
        .queues_max = (uint16_t)trace_number(&c->head, VBLK_TRACE_T_QUEUES),
        .transport = (uint8_t)trace_number(&c->head, VBLK_TRACE_T_TRANSPORT),
    };

    c->facts = (struct vblk_target_facts){ .profile = how.profile, .sees = how.sees, .late = how.late,
                                           .grade = (uint8_t)trace_number(&c->head, VBLK_TRACE_T_GRADE),
                                           .transport = how.transport };
    c->run.judged = !how.judge_driver ? VBLK_DEVICE : how.spare_device ? VBLK_DRIVER : VBLK_NOBODY;
    c->run.oracle = vblk_oracle_new(&how, c->mem);
    c->run.scores = calloc(vblk_clause_count() + 1, sizeof(*c->run.scores));
    return (c->run.oracle && c->run.scores) || sorry(c, "no memory left");
}

static bool head_fits(struct check *c)
{
    const struct trace_fields *h = &c->head;

    if (trace_number(h, VBLK_TRACE_T_VERSION) != VBLK_TRACE_VERSION)
        return sorry(c, "version %llu of the format, and this vblk reads version %u",
                     (unsigned long long)trace_number(h, VBLK_TRACE_T_VERSION), VBLK_TRACE_VERSION);
    if (trace_number(h, VBLK_TRACE_T_LEVEL) > VBLK_LEGACY || trace_number(h, VBLK_TRACE_T_QUEUES) > QUEUES_MAX ||
        trace_number(h, VBLK_TRACE_T_TRANSPORT) > VBLK_TRANSPORT_PCI ||
        trace_number(h, VBLK_TRACE_T_GRADE) > VBLK_GRADE_ACCESS)
        return sorry(c, "the judge can't be told such things");
    return true;
}

static bool on_head(struct check *c)
{
    const uint64_t judged = trace_number(&c->fields, VBLK_TRACE_T_JUDGED);
    const int should = c->options->should_fails;

    trace_fields_swap(&c->head, &c->fields);
    if (!head_fits(c) || !make_profile(c))
        return false;
    c->of_driver = judged & VBLK_TRACE_J_DRIVER;
    c->how.strictness = (uint8_t)trace_number(&c->head, VBLK_TRACE_T_LEVEL);
    c->how.seed = trace_number(&c->head, VBLK_TRACE_T_SEED);
    c->how.should_fails = should < 0 ? (judged & VBLK_TRACE_J_SHOULD_FAILS) != 0 : should != 0;
    c->how.replay = trace_text(&c->head, VBLK_TRACE_T_REPLAY);
    c->how.expect = c->options->expect;
    runner_head(&c->how, trace_text(&c->head, VBLK_TRACE_T_TARGET), trace_text(&c->head, VBLK_TRACE_T_TARGET_NAME),
                c->run.report);
    if (!make_judge(c, judged))
        return false;
    runner_sink(&c->run, c->mem, NULL);
    if (c->of_driver)
        c->run.report->target_role = c->run.judged == VBLK_NOBODY ? "driver and device" : "driver";
    runner_rows(c->run.report);
    vblk_memory_set_onlooker(c->mem, &c->onlooker);
    return true;
}

static bool on_event(struct check *c)
{
    struct vblk_event ev;

    if (!read_event(c, &ev))
        return false;
    c->looks = 0;
    c->memory_gone = c->gone == 1;
    c->run.sink(c->run.sink_ctx, &ev);
    return not_lost(c);
}

static bool on_reset(struct check *c)
{
    const uint64_t forget = trace_number(&c->fields, VBLK_TRACE_T_FORGET);

    glances_clear(&c->seen);
    vblk_oracle_reset(c->run.oracle, forget & 1, forget & 2);
    return not_lost(c);
}

/* The vector is not at hand: what the report says of it was recorded. */
static void case_of_vector(struct check *c)
{
    const uint8_t rings = (uint8_t)(trace_number(&c->of_case, VBLK_TRACE_T_RINGS) & VECTOR_RINGS);

    c->vector = (struct vector_case){
        .name = trace_text(&c->of_case, VBLK_TRACE_T_NAME),
        .area = trace_text(&c->of_case, VBLK_TRACE_T_AREA),
        .clause = trace_text(&c->of_case, VBLK_TRACE_T_CLAUSE),
        .what = trace_text(&c->of_case, VBLK_TRACE_T_WHAT),
        .consequence = trace_text(&c->of_case, VBLK_TRACE_T_CONSEQUENCE),
        .flags = { trace_text(&c->of_case, VBLK_TRACE_T_FLAGS) },
        .flag_count = 1,
        .rings = rings,
    };
    c->now = runner_open_case(&c->run, &c->vector,
                              (uint8_t)(trace_number(&c->of_case, VBLK_TRACE_T_RING) & VECTOR_RINGS));
}

static bool on_case(struct check *c)
{
    if (c->run.report->case_count == CASES_MAX)
        return sorry(c, "more cases than a report can have");
    trace_fields_swap(&c->of_case, &c->fields);
    c->open = true;
    if (c->of_driver) {
        glances_clear(&c->seen);
        c->now = runner_open_driver(&c->run, trace_text(&c->of_case, VBLK_TRACE_T_NAME),
                                    trace_text(&c->of_case, VBLK_TRACE_T_WHAT));
        return not_lost(c);
    }
    case_of_vector(c);
    return true;
}

static bool on_collect(struct check *c)
{
    c->target.env.offered = trace_number(&c->fields, VBLK_TRACE_T_OFFERED);
    if (c->of_driver)
        runner_note_sight(&c->run, &c->now);
    (void)runner_collect(&c->run, &c->now);
    return true;
}

static bool set_result(struct check *c)
{
    const uint64_t result = trace_number(&c->fields, VBLK_TRACE_T_RESULT);

    if (result >= REPORT_RESULTS)
        return sorry(c, "a case can't have come to that");
    runner_set_result(&c->run, &c->now, (enum report_result)result, trace_text(&c->fields, VBLK_TRACE_T_REASON));
    return true;
}

static bool on_blame(struct check *c)
{
    c->target.env.offered = trace_number(&c->fields, VBLK_TRACE_T_OFFERED);
    runner_blame(&c->run, &c->now, trace_number(&c->fields, VBLK_TRACE_T_DOUBT),
                 trace_text(&c->fields, VBLK_TRACE_T_MESSAGE), trace_text(&c->fields, VBLK_TRACE_T_EXPECTED),
                 trace_text(&c->fields, VBLK_TRACE_T_SEEN));
    return true;
}

static bool on_settle(struct check *c)
{
    if (!set_result(c))
        return false;
    c->run.report->cases[c->now.entry].runs = trace_number(&c->fields, VBLK_TRACE_T_RUNS);
    runner_settle(&c->run, &c->now);
    return true;
}

static bool on_end(struct check *c)
{
    struct report *report = c->run.report;

    c->facts.offered = trace_number(&c->fields, VBLK_TRACE_T_OFFERED);
    c->facts.negotiated = trace_number(&c->fields, VBLK_TRACE_T_NEGOTIATED);
    report->rings = (uint8_t)(trace_number(&c->fields, VBLK_TRACE_T_RINGS) & (REPORT_SPLIT | REPORT_PACKED));
    report->cut_short = trace_number(&c->fields, VBLK_TRACE_T_CUT_SHORT) != 0;
    for (size_t i = 0; i < c->fields.count; i++)
        if (c->fields.field[i].tag == VBLK_TRACE_T_NOTE)
            report_add_note(report, c->fields.field[i].text);
    c->ended = true;
    return true;
}

static const struct {
    bool (*on)(struct check *c);
    bool in_case; /* makes no sense without one */
} kinds[VBLK_TRACE_KINDS] = {
    [VBLK_TRACE_HEAD] = { on_head, false },     [VBLK_TRACE_EVENT] = { on_event, false },
    [VBLK_TRACE_RESET] = { on_reset, false },   [VBLK_TRACE_CASE] = { on_case, false },
    [VBLK_TRACE_COLLECT] = { on_collect, true }, [VBLK_TRACE_RESULT] = { set_result, true },
    [VBLK_TRACE_BLAME] = { on_blame, true },    [VBLK_TRACE_SETTLE] = { on_settle, true },
    [VBLK_TRACE_END] = { on_end, false },
};

static bool take(struct check *c)
{
    const enum vblk_trace_kind kind = c->record.kind;
    const char *wrong = NULL;

    if ((kind == VBLK_TRACE_HEAD) == (c->run.oracle != NULL))
        return sorry(c, kind == VBLK_TRACE_HEAD ? "a trace begins only once" : "a trace begins with what the judge was told");
    if (c->ended)
        return sorry(c, "something follows the end");
    if (kinds[kind].in_case && !c->open)
        return sorry(c, "this belongs to a case, and none has begun");
    if (kind != VBLK_TRACE_EVENT && (wrong = trace_fields_read(&c->fields, c->record.bytes, c->record.size)) != NULL)
        return sorry(c, "%s", wrong);
    return kinds[kind].on(c);
}

static bool take_all(struct check *c)
{
    int got;

    while ((got = trace_next(c->reader, &c->record, c->why, c->why_size)) == 1)
        if (!take(c))
            return false;
    if (got < 0)
        return false;
    return c->ended || sorry(c, "the file ends before the run does");
}

static bool open_all(struct check *c, const char *path)
{
    c->reader = trace_open(path, c->why, c->why_size);
    if (!c->reader)
        return false;
    c->mem = vblk_memory_new();
    if (!c->mem || !glances_open(&c->seen))
        return sorry(c, "no memory left");
    c->onlooker = (struct vblk_onlooker){ .answer = answer, .ctx = c };
    c->run.report = report_new();
    c->run.options = &c->how;
    c->run.set = c->options->set ? c->options->set : &c->no_set;
    c->run.target = &c->target;
    return true;
}

struct report *trace_check(const char *path, const struct trace_check_options *options, char *why, size_t why_size)
{
    struct check *c = calloc(1, sizeof(*c));
    struct report *report = NULL;

    (void)snprintf(why, why_size, "no memory left");
    if (!c)
        return NULL;
    c->options = options;
    c->why = why;
    c->why_size = why_size;
    if (open_all(c, path) && take_all(c)) {
        runner_judge(&c->run, &c->facts);
        report = c->run.report;
    } else {
        report_free(c->run.report);
    }
    vblk_oracle_free(c->run.oracle);
    vblk_memory_free(c->mem);
    free(c->run.scores);
    glances_close(&c->seen);
    trace_fields_free(&c->fields);
    trace_fields_free(&c->head);
    trace_fields_free(&c->of_case);
    trace_close(c->reader);
    free(c);
    return report;
}
