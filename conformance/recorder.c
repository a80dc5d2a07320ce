/* SPDX-License-Identifier: BSD-3-Clause */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glances.h"
#include "runner_run.h"
#include "trace_file.h"

struct recorder {
    struct trace_writer *file;
    struct vblk_trace_out out;
    struct glances seen;
    struct vblk_onlooker onlooker;
    struct vblk_oracle *oracle;
    struct vblk_memory *mem;
    const volatile int *memory_gone;
    uint32_t looks, gone; /* of this event: how many, and 1 + how many when memory was gone */
    bool failed; /* a record was too long: what follows would not make sense */
};

/* ---- the judge and what it looks at ---- */

/* Where a glance's bytes begin, once it is written at @at. */
#define GLANCE_HEAD 24u

static bool same_answer(const struct recorder *r, const struct glance_row *row, const struct vblk_glance *glance)
{
    if (row->yes != glance->yes)
        return false;
    if (!glance->yes || glance->kind == VBLK_GLANCE_COVERS)
        return true;
    if (glance->kind == VBLK_GLANCE_DIFF)
        return memcmp(row->run, glance->bytes, sizeof(row->run)) == 0;
    return memcmp(r->out.bytes + row->bytes, glance->bytes, (size_t)glance->len) == 0;
}

static void see_gone(struct recorder *r)
{
    if (r->gone == 0 && r->memory_gone && *r->memory_gone)
        r->gone = 1 + r->looks;
}

static void saw(void *ctx, const struct vblk_glance *glance)
{
    struct recorder *r = ctx;
    struct glance_row *first = glances_find(&r->seen, glance), *row;
    const uint32_t ask = first ? first->asked++ : 0;

    r->looks++;
    see_gone(r);
    if (r->out.full || (first && same_answer(r, glances_last(&r->seen, first), glance)))
        return;
    row = glances_add(&r->seen, glance, ask);
    if (!row) {
        r->out.full = true;
        return;
    }
    row->asked = !first;
    row->bytes = r->out.size + GLANCE_HEAD;
    if (glance->kind == VBLK_GLANCE_DIFF)
        memcpy(row->run, glance->bytes, sizeof(row->run));
    vblk_trace_put_glance(&r->out, glance, ask);
}

void recorder_bind(struct recorder *r, struct vblk_oracle *oracle, struct vblk_memory *mem,
                   const volatile int *memory_gone)
{
    if (!r)
        return;
    r->oracle = oracle;
    r->mem = mem;
    r->memory_gone = memory_gone;
}

static void send(struct recorder *r, enum vblk_trace_kind kind)
{
    r->failed = r->failed || r->out.full;
    if (!r->failed)
        trace_put(r->file, kind, r->out.bytes, r->out.size);
    r->out.size = 0;
    r->out.full = false;
}

void recorder_observe(void *recorder, const struct vblk_event *ev)
{
    struct recorder *r = recorder;

    glances_clear(&r->seen);
    r->looks = r->gone = 0;
    see_gone(r);
    vblk_trace_put_event(&r->out, ev);
    vblk_memory_set_onlooker(r->mem, &r->onlooker);
    vblk_oracle_observe(r->oracle, ev);
    vblk_memory_set_onlooker(r->mem, NULL);
    see_gone(r);
    vblk_trace_set_gone(&r->out, r->gone);
    send(r, VBLK_TRACE_EVENT);
}

/* ---- opening and closing ---- */

struct recorder *recorder_open(const char *path, bool times, char *why, size_t why_size)
{
    struct recorder *r = calloc(1, sizeof(*r));

    (void)snprintf(why, why_size, "no memory left");
    if (!r)
        return NULL;
    r->onlooker = (struct vblk_onlooker){ .saw = saw, .ctx = r };
    r->out = (struct vblk_trace_out){ .bytes = malloc(VBLK_TRACE_RECORD_MAX), .room = VBLK_TRACE_RECORD_MAX };
    if (r->out.bytes && glances_open(&r->seen))
        r->file = trace_create(path, times, why, why_size);
    if (r->file)
        return r;
    glances_close(&r->seen);
    free(r->out.bytes);
    free(r);
    return NULL;
}

bool recorder_close(struct recorder *r, char *why, size_t why_size)
{
    bool good;

    if (!r)
        return true;
    good = trace_finish(r->file, why, why_size);
    if (good && r->failed) {
        (void)snprintf(why, why_size, "the trace is not whole: an event came with more than a record can hold");
        good = false;
    }
    glances_close(&r->seen);
    free(r->out.bytes);
    free(r);
    return good;
}

/* ---- what the runner does ---- */

static void text(struct recorder *r, enum vblk_trace_tag tag, const char *value)
{
    vblk_trace_put_text(&r->out, tag, value ? value : "");
}

static void number(struct recorder *r, enum vblk_trace_tag tag, uint64_t value)
{
    vblk_trace_put_number(&r->out, tag, value);
}

static void put_profile(struct recorder *r, const struct vblk_profile *profile)
{
    char numbers[64];

    text(r, VBLK_TRACE_T_PROFILE, profile->name);
    if (!profile->provision)
        return;
    (void)snprintf(numbers, sizeof(numbers), "%u,%lu,%u", profile->provision_bit, (unsigned long)profile->provision_type,
                   profile->provision_offset);
    text(r, VBLK_TRACE_T_NUMBERS, numbers);
}

static void put_readings(struct recorder *r, const struct vblk_readings *readings)
{
    char reading[96];

    for (size_t i = 0; i < vblk_ambiguity_count() && i < VBLK_AMBIGUITIES_MAX; i++) {
        const struct vblk_ambiguity *row = vblk_ambiguity_at(i);
        const unsigned chosen = readings->chosen[i];

        if (!chosen || chosen >= row->readings)
            continue;
        (void)snprintf(reading, sizeof(reading), "%s=%s", row->id, row->reading[chosen].name);
        text(r, VBLK_TRACE_T_READING, reading);
    }
}

void recorder_head(struct recorder *r, const char *command, const struct runner_run *run,
                   const struct vblk_oracle_options *how, uint8_t grade)
{
    if (!r)
        return;
    number(r, VBLK_TRACE_T_VERSION, VBLK_TRACE_VERSION);
    text(r, VBLK_TRACE_T_TOOL, run->report->tool);
    text(r, VBLK_TRACE_T_COMMAND, command);
    text(r, VBLK_TRACE_T_TARGET, run->report->target_kind);
    text(r, VBLK_TRACE_T_TARGET_NAME, run->report->target_name);
    text(r, VBLK_TRACE_T_REPLAY, run->options->replay);
    put_profile(r, &how->profile);
    number(r, VBLK_TRACE_T_LEVEL, how->strictness);
    put_readings(r, &how->readings);
    number(r, VBLK_TRACE_T_SEED, run->options->seed);
    number(r, VBLK_TRACE_T_SEES, how->sees);
    number(r, VBLK_TRACE_T_GRADE, grade);
    number(r, VBLK_TRACE_T_JUDGED,
           (how->disk_zero ? VBLK_TRACE_J_DISK_ZERO : 0) | (how->power_cuts ? VBLK_TRACE_J_POWER_CUTS : 0) |
               (how->judge_driver ? VBLK_TRACE_J_DRIVER : 0) | (how->spare_device ? VBLK_TRACE_J_SPARE_DEVICE : 0) |
               (how->late ? VBLK_TRACE_J_LATE : 0) | (run->options->should_fails ? VBLK_TRACE_J_SHOULD_FAILS : 0));
    number(r, VBLK_TRACE_T_QUEUES, how->queues_max);
    number(r, VBLK_TRACE_T_TRANSPORT, how->transport);
    send(r, VBLK_TRACE_HEAD);
}

void recorder_reset(struct recorder *r, bool forget_disk, bool disk_zero)
{
    if (!r)
        return;
    number(r, VBLK_TRACE_T_FORGET, (forget_disk ? 1u : 0) | (disk_zero ? 2u : 0));
    send(r, VBLK_TRACE_RESET);
}

static void put_flags(struct recorder *r, const struct vector_case *c)
{
    char flags[160] = "";
    size_t at = 0;

    for (size_t i = 0; i < c->flag_count && at < sizeof(flags); i++)
        at += (size_t)snprintf(flags + at, sizeof(flags) - at, "%s%s", i ? ", " : "", c->flags[i]);
    text(r, VBLK_TRACE_T_FLAGS, flags);
}

void recorder_case(struct recorder *r, const struct runner_run *run, const struct runner_case *now)
{
    const struct vector_case *c = now->c;

    if (!r)
        return;
    text(r, VBLK_TRACE_T_NAME, c ? c->name : now->name);
    text(r, VBLK_TRACE_T_WHAT, c ? c->what : run->report->cases[now->entry].what);
    if (c) {
        text(r, VBLK_TRACE_T_AREA, c->area);
        text(r, VBLK_TRACE_T_CLAUSE, c->clause);
        text(r, VBLK_TRACE_T_CONSEQUENCE, c->consequence);
        put_flags(r, c);
        number(r, VBLK_TRACE_T_RINGS, c->rings);
        number(r, VBLK_TRACE_T_RING, now->ring);
    }
    send(r, VBLK_TRACE_CASE);
}

static void put_offered(struct recorder *r, const struct runner_run *run)
{
    number(r, VBLK_TRACE_T_OFFERED, run->target ? run->target->env.offered : 0);
}

void recorder_collect(struct recorder *r, const struct runner_run *run)
{
    if (!r)
        return;
    put_offered(r, run);
    send(r, VBLK_TRACE_COLLECT);
}

static void put_result(struct recorder *r, const struct runner_run *run, const struct runner_case *now)
{
    const struct report_case *entry = &run->report->cases[now->entry];

    number(r, VBLK_TRACE_T_RESULT, entry->result);
    text(r, VBLK_TRACE_T_REASON, entry->reason);
}

void recorder_result(struct recorder *r, const struct runner_run *run, const struct runner_case *now)
{
    if (!r)
        return;
    put_result(r, run, now);
    send(r, VBLK_TRACE_RESULT);
}

void recorder_blame(struct recorder *r, const struct runner_run *run, bool doubt, const char *message,
                    const char *expected, const char *seen)
{
    if (!r)
        return;
    put_offered(r, run);
    number(r, VBLK_TRACE_T_DOUBT, doubt);
    text(r, VBLK_TRACE_T_MESSAGE, message);
    text(r, VBLK_TRACE_T_EXPECTED, expected);
    text(r, VBLK_TRACE_T_SEEN, seen);
    send(r, VBLK_TRACE_BLAME);
}

void recorder_settle(struct recorder *r, const struct runner_run *run, const struct runner_case *now)
{
    if (!r)
        return;
    put_result(r, run, now);
    number(r, VBLK_TRACE_T_RUNS, run->report->cases[now->entry].runs);
    send(r, VBLK_TRACE_SETTLE);
}

void recorder_end(struct recorder *r, const struct runner_run *run, uint64_t offered, uint64_t negotiated)
{
    if (!r)
        return;
    number(r, VBLK_TRACE_T_OFFERED, offered);
    number(r, VBLK_TRACE_T_NEGOTIATED, negotiated);
    number(r, VBLK_TRACE_T_RINGS, run->report->rings);
    number(r, VBLK_TRACE_T_CUT_SHORT, run->report->cut_short);
    for (size_t i = 0; i < run->report->note_count; i++)
        text(r, VBLK_TRACE_T_NOTE, run->report->notes[i]);
    send(r, VBLK_TRACE_END);
}
