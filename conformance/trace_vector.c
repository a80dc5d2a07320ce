/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_vector.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vblk/oracle.h>

#include "trace_file.h"
#include "trace_life.h"
#include "vector.h"
#include "vector_text.h"

#define USUAL_CLAUSE "BLK-OP-01"
#define CASES_MAX 20000u

struct maker {
    const struct trace_vector_options *options;
    struct trace_vector_told *told;
    struct trace_reader *reader;
    struct trace_record record;
    struct trace_fields fields;
    struct trace_image *image, *shown; /* what is the driver's to write, and the device's */
    struct trace_rings rings;
    struct trace_life life;
    json_t *cases;
    bool keeps_image, keeps_shown; /* every store of that side is seen; else what is looked at counts for one event */
    bool headed, ended, alive, enabled, wanted;
    size_t bytes; /* about how long the file gets */
    char *why;
    size_t why_size;
};

static bool sorry(struct maker *m, const char *format, ...) VBLK_PRINTF(2, 3);
static bool sorry(struct maker *m, const char *format, ...)
{
    const int at = m->record.packet
                       ? snprintf(m->why, m->why_size, "packet %llu: ", (unsigned long long)m->record.packet)
                       : 0;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(m->why + at, m->why_size - (size_t)at, format, args);
    va_end(args);
    return false;
}

/* ---- a life becomes a case ---- */

static bool has_left(const struct trace_case *c)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < TRACE_LEFT_COUNT; i++)
        sum += c->left[i];
    return sum != 0;
}

/* What is still there is not answered any more. An id that was used again stands in the order twice. */
static void stop_ring(struct maker *m, struct trace_ring *ring)
{
    for (uint32_t i = ring->first; ring->out && i != ring->next; i++) {
        struct trace_out *out = &ring->out[ring->order[i % 65536u]];

        m->life.now.left[TRACE_LEFT_ANSWER] += out->slots && out->request;
        out->slots = 0;
    }
    trace_ring_off(ring);
}

static bool bury(struct maker *m)
{
    json_t *it;

    if (!m->alive)
        m->told->stillborn += m->enabled && m->wanted;
    if (!m->alive)
        return true;
    for (size_t q = 0; q < TRACE_RINGS_MAX; q++)
        stop_ring(m, &m->rings.ring[q]);
    m->life.no = m->told->cases + 1;
    it = trace_life_case(&m->life);
    trace_case_end(&m->life.now);
    m->alive = false;
    if (!it)
        json_decref(m->life.now.steps);
    if (!it || m->life.now.failed || json_object_set_new(it, "steps", m->life.now.steps) || json_array_append_new(m->cases, it))
        return sorry(m, "no memory left, or a text that is not UTF-8");
    m->told->cases++;
    m->told->requests += m->life.now.requests;
    m->told->left += has_left(&m->life.now);
    m->bytes += m->life.now.bytes + 1000;
    return m->told->cases <= CASES_MAX || sorry(m, "more lives of the device than a vector can have cases");
}

static bool end_life(struct maker *m)
{
    if (!bury(m))
        return false;
    for (size_t q = 0; q < TRACE_RINGS_MAX; q++) {
        trace_ring_off(&m->rings.ring[q]);
        m->rings.ring[q].size = 0;
        m->life.sizes[q] = 0;
    }
    m->enabled = false;
    m->life.now = (struct trace_case){ .requests = 0 };
    return true;
}

/* What was left out on the way here stays counted. */
static bool begin_life(struct maker *m)
{
    m->life.now.image = m->image;
    m->life.now.shown = m->shown;
    m->life.now.sure = m->keeps_shown;
    m->life.now.profile = &m->life.profile;
    m->life.now.limit = m->options->requests ? m->options->requests : UINT32_MAX;
    m->alive = true;
    return trace_case_begin(&m->life.now) || sorry(m, "no memory left");
}

/* ---- what the rings tell ---- */

static uint32_t came(void *ctx, uint16_t queue, const struct trace_chain *chain)
{
    struct maker *m = ctx;

    return trace_case_request(&m->life.now, queue, chain);
}

static void back(void *ctx, uint16_t queue, const struct trace_out *out)
{
    struct maker *m = ctx;

    (void)queue;
    if (out)
        trace_case_answer(&m->life.now, out);
    else
        m->life.now.left[TRACE_LEFT_STRAY]++;
}

static void gone(void *ctx, const struct trace_out *out)
{
    struct maker *m = ctx;

    m->life.now.left[TRACE_LEFT_ANSWER] += out->request != 0;
}

static void lost(void *ctx, uint16_t queue)
{
    struct maker *m = ctx;

    (void)queue;
    m->life.now.left[TRACE_LEFT_RING]++;
}

/* ---- events ---- */

static bool on_status(struct maker *m, uint64_t value)
{
    if (value == 0)
        return end_life(m);
    return !m->wanted || m->alive || !(value & VBLK_STATUS_DRIVER_OK) || begin_life(m);
}

static bool on_enable(struct maker *m, const struct vblk_event *ev)
{
    struct trace_ring *ring = &m->rings.ring[ev->queue];

    stop_ring(m, ring);
    if (ev->value != 1)
        return true;
    m->life.now.left[TRACE_LEFT_RESET] += m->life.sizes[ev->queue] != 0;
    m->life.sizes[ev->queue] = ring->size;
    m->enabled = true;
    m->rings.packed = (m->life.accepted & VBLK_BIT(VBLK_F_RING_PACKED)) != 0;
    m->rings.in_order = (m->life.accepted & VBLK_BIT(VBLK_F_IN_ORDER)) != 0;
    return trace_ring_on(&m->rings, ev->queue, ev->at) || sorry(m, "no memory left");
}

/* Of a queue that is enabled: whatever comes of it, it is not followed. */
static bool on_size(struct maker *m, struct trace_ring *ring, uint64_t size)
{
    if (!ring->on)
        ring->size = size <= VBLK_SPLIT_SIZE_MAX ? (uint16_t)size : 0;
    else if (size != ring->size && !ring->lost) {
        ring->lost = true;
        m->life.now.left[TRACE_LEFT_RING]++;
    }
    return true;
}

static bool on_queue_reg(struct maker *m, const struct vblk_event *ev)
{
    struct trace_ring *ring;

    if (ev->queue >= TRACE_RINGS_MAX) {
        m->life.now.left[TRACE_LEFT_QUEUES] += ev->reg == VBLK_REG_QUEUE_ENABLE;
        return true;
    }
    ring = &m->rings.ring[ev->queue];
    switch (ev->reg) {
    case VBLK_REG_QUEUE_SIZE: return on_size(m, ring, ev->value);
    case VBLK_REG_QUEUE_DESC: ring->desc = ev->value; return true;
    case VBLK_REG_QUEUE_DRIVER: ring->driver = ev->value; return true;
    case VBLK_REG_QUEUE_DEVICE: ring->device = ev->value; return true;
    case VBLK_REG_QUEUE_ENABLE: return on_enable(m, ev);
    case VBLK_REG_QUEUE_RESET: stop_ring(m, ring); return true;
    default: return true;
    }
}

static bool on_reg_write(struct maker *m, const struct vblk_event *ev)
{
    if (ev->party != VBLK_DRIVER)
        return true;
    if (ev->reg == VBLK_REG_STATUS)
        return on_status(m, ev->value);
    if (ev->reg == VBLK_REG_DRIVER_FEATURES)
        m->life.accepted = ev->value;
    return on_queue_reg(m, ev);
}

static bool on_reg_read(struct maker *m, const struct vblk_event *ev)
{
    if (ev->reg == VBLK_REG_DEVICE_FEATURES)
        m->life.offered = ev->value;
    if (ev->reg == VBLK_REG_QUEUE_MAX && ev->queue == 0)
        m->life.queue_max = ev->value;
    return true;
}

/* What was shown first: what is written, or changes later, is not how the device was set up. */
static bool on_config_read(struct maker *m, const struct vblk_event *ev)
{
    for (uint32_t i = 0; ev->bytes && i < ev->len && ev->at < VBLK_CONFIG_MAX && i < VBLK_CONFIG_MAX - ev->at; i++) {
        if (!m->life.known[ev->at + i])
            m->life.config[ev->at + i] = ev->bytes[i];
        m->life.known[ev->at + i] = true;
    }
    return true;
}

static bool on_config_write(struct maker *m, const struct vblk_event *ev)
{
    if (m->alive && ev->bytes && ev->len && ev->len <= VBLK_CONFIG_MAX)
        trace_case_config_write(&m->life.now, ev->at, ev->bytes, ev->len);
    return true;
}

static bool on_kick(struct maker *m, const struct vblk_event *ev)
{
    (void)ev;
    if (m->alive) {
        trace_rings_follow(&m->rings);
        trace_case_kick(&m->life.now);
    }
    return true;
}

static bool on_power(struct maker *m, const struct vblk_event *ev)
{
    (void)ev;
    m->life.now.left[TRACE_LEFT_POWER]++;
    return true;
}

static bool on_begin(struct maker *m, const struct vblk_event *ev)
{
    (void)ev;
    if (!end_life(m))
        return false;
    memset(m->life.known, 0, sizeof(m->life.known));
    m->life.offered = m->life.accepted = m->life.queue_max = 0;
    return true;
}

static bool (*const events[VBLK_EV_COUNT])(struct maker *m, const struct vblk_event *ev) = {
    [VBLK_EV_REG_READ] = on_reg_read,         [VBLK_EV_REG_WRITE] = on_reg_write,
    [VBLK_EV_CONFIG_READ] = on_config_read,   [VBLK_EV_CONFIG_WRITE] = on_config_write,
    [VBLK_EV_KICK] = on_kick,                 [VBLK_EV_GONE] = on_power,
    [VBLK_EV_POWER_CUT] = on_power,           [VBLK_EV_CASE_BEGIN] = on_begin,
};

/* ---- records ---- */

static bool put(struct maker *m, uint64_t at, const uint8_t *bytes, uint64_t len)
{
    return trace_image_put(m->image, at, bytes, len) && trace_image_put(m->shown, at, bytes, len);
}

static void drop(struct maker *m, uint64_t at, uint64_t len)
{
    trace_image_drop(m->image, at, len);
    trace_image_drop(m->shown, at, len);
}

static bool remember(struct maker *m, struct vblk_trace_in *in, const struct vblk_event *ev)
{
    struct vblk_glance glance;
    uint64_t run[2];
    uint32_t ask;
    vblk_err err = VBLK_E_EMPTY;
    bool room = true;

    if (!m->keeps_image)
        trace_image_forget(m->image);
    if (!m->keeps_shown)
        trace_image_forget(m->shown);
    if ((ev->kind == VBLK_EV_LOAD || ev->kind == VBLK_EV_STORE) && ev->bytes)
        room = put(m, ev->at, ev->bytes, ev->len);
    while (room && (err = vblk_trace_get_glance(in, &glance, &ask, run)) == VBLK_OK) {
        if (glance.yes && glance.kind == VBLK_GLANCE_DIFF)
            drop(m, run[0], run[1]);
        else if (glance.yes && glance.kind == VBLK_GLANCE_PEEK)
            room = put(m, glance.at, glance.bytes, glance.len);
    }
    if (!room)
        return sorry(m, "the trace shows more than 128 MiB of memory, and no more is followed");
    return err == VBLK_E_EMPTY || sorry(m, "what was looked at is damaged");
}

static bool on_event(struct maker *m)
{
    struct vblk_trace_in in = { .bytes = m->record.bytes, .size = m->record.size };
    struct vblk_event ev;
    uint32_t gone;

    if (vblk_trace_get_event(&in, &ev, &gone))
        return sorry(m, "this is not an event");
    if (!remember(m, &in, &ev) || (events[ev.kind] && !events[ev.kind](m, &ev)))
        return false;
    if (m->alive)
        trace_rings_follow(&m->rings);
    if (m->life.now.failed)
        return sorry(m, "no memory left");
    return m->bytes + (m->alive ? m->life.now.bytes : 0) <= VECTOR_FILE_MAX ||
           sorry(m, "this makes a vector of more than 4 MiB; say which cases with --case, or how many requests with --requests");
}

static bool on_head(struct maker *m)
{
    uint64_t sees;
    const struct vblk_profile *profile;
    const char *numbers;

    trace_fields_swap(&m->life.head, &m->fields);
    sees = trace_number(&m->life.head, VBLK_TRACE_T_SEES);
    profile = vblk_profile_find(trace_text(&m->life.head, VBLK_TRACE_T_PROFILE));
    numbers = trace_text(&m->life.head, VBLK_TRACE_T_NUMBERS);
    if (trace_number(&m->life.head, VBLK_TRACE_T_VERSION) != VBLK_TRACE_VERSION)
        return sorry(m, "version %llu of the format, and this vblk reads version %u",
                     (unsigned long long)trace_number(&m->life.head, VBLK_TRACE_T_VERSION), VBLK_TRACE_VERSION);
    if (!profile)
        return sorry(m, "this version does not know the profile '%.40s'", trace_text(&m->life.head, VBLK_TRACE_T_PROFILE));
    m->life.profile = *profile;
    if (numbers[0] && profile->provision) {
        char why[256] = "";

        if (vblk_profile_renumber(&m->life.profile, numbers, why, sizeof(why)))
            return sorry(m, "the numbers '%.40s': %s", numbers, why);
        if (m->life.profile.provision_bit != profile->provision_bit || m->life.profile.provision_type != profile->provision_type ||
            m->life.profile.provision_offset != profile->provision_offset)
            return sorry(m, "PROVISION has numbers of its own there (%.40s), and a vector can't say that", numbers);
    }
    m->keeps_image = sees & VBLK_SEES_DRIVER_STORES;
    m->keeps_shown = sees & VBLK_SEES_DEVICE_STORES && sees & VBLK_SEES_DRIVER_STORES;
    m->headed = true;
    return true;
}

/* By its name alone, or as reports call it. */
static bool wanted(const struct maker *m)
{
    const char *name = trace_text(&m->life.of_case, VBLK_TRACE_T_NAME);
    char full[512];

    (void)snprintf(full, sizeof(full), "%.100s/%.100s/%.200s", trace_text(&m->life.of_case, VBLK_TRACE_T_AREA),
                   trace_text(&m->life.of_case, VBLK_TRACE_T_CLAUSE), name);
    return !m->options->glob || fnmatch(m->options->glob, name, 0) == 0 || fnmatch(m->options->glob, full, 0) == 0;
}

/* The file is about what its first case is about, if nobody says otherwise. */
static bool on_case(struct maker *m)
{
    vblk_clause_no no;

    if (!end_life(m))
        return false;
    trace_fields_swap(&m->life.of_case, &m->fields);
    m->wanted = wanted(m);
    no = vblk_clause_find(trace_text(&m->life.of_case, VBLK_TRACE_T_CLAUSE));
    if (m->wanted && !m->life.clause && no != VBLK_NO_CLAUSE)
        m->life.clause = vblk_clause_at(no);
    return true;
}

static bool take(struct maker *m)
{
    const enum vblk_trace_kind kind = m->record.kind;
    const char *wrong;

    if ((kind == VBLK_TRACE_HEAD) == m->headed)
        return sorry(m, m->headed ? "a trace begins only once" : "a trace begins with what the judge was told");
    if (m->ended)
        return sorry(m, "something follows the end");
    if (kind == VBLK_TRACE_EVENT)
        return on_event(m);
    wrong = trace_fields_read(&m->fields, m->record.bytes, m->record.size);
    if (wrong)
        return sorry(m, "%s", wrong);
    m->ended = kind == VBLK_TRACE_END;
    return kind == VBLK_TRACE_HEAD ? on_head(m)
           : kind == VBLK_TRACE_CASE ? on_case(m)
           : kind == VBLK_TRACE_RESET || m->ended ? end_life(m)
                                                  : true;
}

static bool take_all(struct maker *m)
{
    int got;

    while ((got = trace_next(m->reader, &m->record, m->why, m->why_size)) == 1)
        if (!take(m))
            return false;
    if (got < 0)
        return false;
    if (!m->ended)
        return sorry(m, "the file ends before the run does");
    if (!m->life.clause)
        m->life.clause = vblk_clause_at(vblk_clause_find(USUAL_CLAUSE));
    if (!vblk_clause_in_profile(m->life.clause, &m->life.profile))
        return sorry(m, "%s is no part of the profile %s of the trace", m->life.clause->id, m->life.profile.name);
    return m->told->cases || sorry(m, "no driver got to DRIVER_OK in what was asked for: there is nothing to make a case of");
}

/* ---- the file ---- */

static char *lay_out(struct maker *m)
{
    json_t *root = json_pack("{s:i,s:s,s:s,s:s,s:O}", "vector", 1, "clause", m->life.clause->id, "summary", m->life.clause->summary,
                             "consequence", "What a recorded run showed does not come again.", "cases", m->cases);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL, *out = NULL;
    struct vector_error error = { .line = 0 };
    struct vector_file *file;

    json_decref(root);
    (void)snprintf(m->told->path, sizeof(m->told->path), "%s/%s.json", m->life.clause->area, m->life.clause->id);
    m->record.packet = 0;
    if (!text) {
        (void)sorry(m, "no memory left, or texts in the trace that are not UTF-8");
        return NULL;
    }
    file = vector_load_text(text, strlen(text), "the vector", &error);
    if (!file)
        (void)sorry(m, "the vector can't say this: %s", error.reason);
    else if (!(out = vector_format(file)))
        (void)sorry(m, "no memory left");
    else if (strlen(out) >= VECTOR_FILE_MAX)
        (void)sorry(m, "the vector would be larger than 4 MiB; say which cases with --case, or how many requests with --requests");
    if (out && strlen(out) >= VECTOR_FILE_MAX) {
        free(out);
        out = NULL;
    }
    vector_free(file);
    free(text);
    return out;
}

static bool open_all(struct maker *m, const char *path)
{
    m->reader = trace_open(path, m->why, m->why_size);
    if (!m->reader)
        return false;
    m->image = trace_image_new();
    m->shown = trace_image_new();
    m->cases = json_array();
    m->wanted = !m->options->glob;
    m->rings.image = m->image;
    m->rings.shown = m->shown;
    m->rings.came = came;
    m->rings.back = back;
    m->rings.gone = gone;
    m->rings.lost = lost;
    m->rings.ctx = m;
    return (m->image && m->shown && m->cases) || sorry(m, "no memory left");
}

char *trace_vector(const char *path, const struct trace_vector_options *options, struct trace_vector_told *told, char *why,
                   size_t why_size)
{
    struct maker *m = calloc(1, sizeof(*m));
    char *out = NULL;

    (void)snprintf(why, why_size, "no memory left");
    *told = (struct trace_vector_told){ .cases = 0 };
    if (!m)
        return NULL;
    m->options = options;
    m->told = told;
    m->why = why;
    m->why_size = why_size;
    m->life.clause = options->clause ? vblk_clause_at(vblk_clause_find(options->clause)) : NULL;
    if (open_all(m, path) && take_all(m))
        out = lay_out(m);
    if (m->alive) { /* the file broke off within a life */
        json_decref(m->life.now.steps);
        json_decref(m->life.now.fresh);
    }
    json_decref(m->cases);
    trace_rings_free(&m->rings);
    trace_image_free(m->image);
    trace_image_free(m->shown);
    trace_fields_free(&m->fields);
    trace_fields_free(&m->life.head);
    trace_fields_free(&m->life.of_case);
    trace_close(m->reader);
    free(m);
    return out;
}
