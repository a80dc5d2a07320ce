/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One stream of requests over every kind of ring that the target offers: how buffers travel must not change what
 * becomes of them (2.6.4), so statuses, data, disk and verdicts about requests are the same each time.
 */
#include <stdlib.h>
#include <string.h>

#include "runner_run.h"
#include "stream.h"

#define BIT(name)   VBLK_BIT(VBLK_F_##name)
#define TRAVEL      (BIT(RING_PACKED) | BIT(INDIRECT_DESC) | BIT(EVENT_IDX) | BIT(IN_ORDER))
#define PATIENCE    20u /* times that of a case */

/* A case without steps: what is done is here. */
static const char what[] = "One seeded stream of requests, compared with the same one on the first kind of ring.";
static const char harm[] = "A driver that uses another kind of ring gets other answers, or other data.";
#define STREAM(text, ring)                                                                                             \
    {                                                                                                                  \
        .area = RUNNER_STREAMS, .clause = "FRAME-DEV-01", .name = text, .what = what, .consequence = harm,             \
        .changes_disk = true, .rings = (ring), .sweep = 1                                                              \
    }
static const struct kind {
    struct vector_case c;
    uint64_t features;
} kinds[] = {
#define FORMAT(name, ring, bits)                                                                                       \
    { STREAM(name, ring), bits }, { STREAM(name "-event", ring), (bits) | BIT(EVENT_IDX) },                            \
    { STREAM(name "-order", ring), (bits) | BIT(IN_ORDER) },                                                           \
    { STREAM(name "-event-order", ring), (bits) | BIT(EVENT_IDX) | BIT(IN_ORDER) },
    FORMAT("split", VECTOR_SPLIT, 0)
    FORMAT("packed", VECTOR_PACKED, BIT(RING_PACKED))
    FORMAT("split-indirect", VECTOR_SPLIT, BIT(INDIRECT_DESC))
    FORMAT("packed-indirect", VECTOR_PACKED, BIT(RING_PACKED) | BIT(INDIRECT_DESC))
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct vector_case *runner_stream_at(size_t i)
{
    return i < KINDS ? &kinds[i].c : NULL;
}

/* What a kind of ring came to. */
struct result {
    struct stream stream;
    bool *blamed; /* of each clause that is not about rings */
    bool there;
};

static bool about_rings(const char *area)
{
    static const char *const areas[] = { "ring-split", "ring-packed", "ring-indirect", "notification", "in-order",
                                         "queue-reset" };

    for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
        if (strcmp(areas[i], area) == 0)
            return true;
    return false;
}

static void keep_verdicts(const struct runner_run *run, struct result *result)
{
    for (size_t no = 0; no < vblk_clause_count(); no++)
        result->blamed[no] = run->scores[no].case_broken && !about_rings(vblk_clause_at((vblk_clause_no)no)->area);
}

static const char *other_verdict(const struct result *first, const struct result *other)
{
    for (size_t no = 0; no < vblk_clause_count(); no++)
        if (first->blamed[no] != other->blamed[no])
            return vblk_clause_at((vblk_clause_no)no)->id;
    return NULL;
}

static void compare(struct runner_run *run, const struct runner_case *now, const struct result *first,
                    const struct result *other)
{
    const char *id = other_verdict(first, other);
    char expected[160], seen[160];

    if (stream_differs(&first->stream, &other->stream, expected, seen, sizeof(expected)))
        runner_blame(run, now, false, "the same requests came to something else on another kind of ring", expected, seen);
    else if (id)
        runner_blame(run, now, false, report_format(run->report, "%s was judged otherwise on another kind of ring", id),
                     first->blamed[vblk_clause_find(id)] ? "violated on the first kind of ring" : "held everywhere",
                     other->blamed[vblk_clause_find(id)] ? "violated here" : "not violated here");
}

static uint64_t missing(const struct target *target, const struct kind *kind)
{
    return kind->features & ~(target->env.offered & target->env.modelled);
}

/* Sectors of a logical block, as the device announces it. */
static uint32_t unit_of(const struct vector_env *env)
{
    const uint8_t *at = env->config + offsetof(struct vblk_blk_config, blk_size);
    const uint32_t size = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

    return env->offered & BIT(BLK_SIZE) && size > VBLK_SECTOR ? size / VBLK_SECTOR : 1;
}

static const char *unfit(struct runner_run *run, const struct kind *kind)
{
    const struct vector_env *env = &run->target->env;
    const uint64_t lacks = missing(run->target, kind);

    for (unsigned bit = 0; bit < 64; bit++)
        if (lacks >> bit & 1)
            return report_format(run->report, "needs %s offered", vblk_feature_name(&env->profile, bit));
    return env->offered & BIT(RO) ? "needs RO not offered" : "";
}

static void play(struct runner_run *run, const struct runner_case *now, const struct kind *kind, struct result *out)
{
    struct target *target = run->target;
    const struct stream_options options = {
        .profile = run->options->profile,
        .features = (target->env.offered & target->env.modelled & ~TRAVEL) | kind->features,
        .arena = target->arena,
        .seed = run->options->seed,
        .unit = unit_of(&target->env),
        .wait_ms = run->options->timeout_ms / 2 + 1,
    };

    runner_observe(run, PATIENCE);
    stream_play(&run->guard.port, &options, &out->stream);
    run->report->cases[now->entry].runs = 1;
    (void)runner_collect(run, now);
    keep_verdicts(run, out);
    run->stopped = run->stopped || run->guard.stopped;
}

/* It did not get to its end: that is a difference, too. */
static void judge_stop(struct runner_run *run, const struct runner_case *now, const struct result *result)
{
    const bool gone = run->guard.gone || result->stream.err == VBLK_E_GONE;
    const char *seen = report_format(run->report, "%s after %u requests", vblk_strerror(result->stream.err),
                                     result->stream.count);

    runner_blame(run, now, gone, "the stream of requests did not come to its end", "an answer to each request", seen);
    runner_set_result(run, now, gone ? REPORT_GONE : REPORT_HUNG, seen);
    runner_recover(run, now, true);
}

static void one_kind(struct runner_run *run, const struct kind *kind, struct result *first, struct result *other)
{
    const struct runner_case now = runner_open_case(run, &kind->c, kind->c.rings);
    const char *reason = runner_known_reason(run, &kind->c);
    struct result *result = first->there ? other : first;
    char why[256] = "";
    vblk_err err = reason[0] ? VBLK_OK : run->target->ops->begin(run->target, NULL, 0, why, sizeof(why));

    if (!reason[0])
        reason = err ? report_format(run->report, "the target could not be made ready: %s", why) : unfit(run, kind);
    if (reason[0]) {
        runner_set_result(run, &now, REPORT_SKIPPED, reason);
        if (!err && run->target->port)
            run->target->ops->end(run->target);
        return;
    }
    play(run, &now, kind, result);
    if (run->stopped)
        runner_set_result(run, &now, REPORT_SKIPPED, "interrupted");
    else if (result->stream.err == VBLK_E_INVAL)
        runner_set_result(run, &now, REPORT_SKIPPED, "the disk or the memory is too small, or its blocks too large");
    else if (result->stream.err)
        judge_stop(run, &now, result);
    else if (result == other)
        compare(run, &now, first, other);
    else
        first->there = true;
    runner_observe_no_more(run);
    if (run->target->port)
        run->target->ops->end(run->target);
    runner_settle(run, &now);
}

/* The first is what the others are compared with. */
static bool selected(const struct runner_run *run, size_t i)
{
    bool any = runner_selects(&run->options->filter, &kinds[i].c, kinds[i].c.rings);

    for (size_t k = 0; k < KINDS && i == 0 && !any; k++)
        any = runner_selects(&run->options->filter, &kinds[k].c, kinds[k].c.rings);
    return any;
}

size_t runner_list_streams(struct runner_run *run)
{
    char name[RUNNER_NAME_MAX];
    size_t count = 0;

    for (size_t i = 0; i < KINDS; i++) {
        if (!selected(run, i))
            continue;
        runner_case_name(&kinds[i].c, kinds[i].c.rings, name, sizeof(name));
        run->list(run->list_ctx, &kinds[i].c, name, runner_known_reason(run, &kinds[i].c));
        count++;
    }
    return count;
}

vblk_err runner_streams(struct runner_run *run)
{
    struct result *results = calloc(2, sizeof(*results));
    bool *blamed = calloc(2 * vblk_clause_count() + 1, sizeof(*blamed));

    if (results && blamed) {
        results[0].blamed = blamed;
        results[1].blamed = blamed + vblk_clause_count();
        for (size_t i = 0; i < KINDS; i++)
            if (selected(run, i))
                one_kind(run, &kinds[i], &results[0], &results[1]);
    }
    free(results);
    free(blamed);
    return results && blamed ? VBLK_OK : VBLK_E_NOMEM;
}
