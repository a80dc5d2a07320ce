/* SPDX-License-Identifier: BSD-3-Clause */
/* One description of the format for both directions: each field is read or written by the same line. */
#include "script_bytes.h"
#include "input.h"

#include <stdio.h>

#define LENGTH_MAX 0x10000u
#define SEGMENTS_MAX 4096u

struct wire {
    bool writing, lost; /* lost: what was to be written can't be */
    struct input in;
    uint8_t *out; /* [room] */
    size_t room, at;
    uint64_t budget;
    struct script_bytes *store;                       /* when reading */
    char names[SCRIPT_NAMES_MAX + 1][VBLK_STEP_NAME]; /* when writing: those met so far */
};

/* What a step of a kind carries. */
enum {
    QUEUE = 1,
    REG = 2,
    NAME = 4,
    A = 8,
    B = 0x10,
    PART = 0x20,
    ORDER = 0x40,
    BYTES = 0x80,
    DESC = 0x100,
    REQUEST = 0x200,
    EXPECT = 0x400,
    MS = 0x800 | A,     /* a is a time */
    TIMES = 0x1000 | B, /* b multiplies */
    LENGTH = 0x2000 | B /* b is a length */
};

/* In the order of their numbers in the format: append only. */
static const struct {
    uint8_t kind; /* enum vblk_step_kind */
    uint16_t has;
} rows[] = {
    { VBLK_STEP_START, A | B },
    { VBLK_STEP_RESET, 0 },
    { VBLK_STEP_REQUEST, QUEUE | NAME | REQUEST },
    { VBLK_STEP_AVAILABLE, NAME },
    { VBLK_STEP_PUBLISH, QUEUE },
    { VBLK_STEP_KICK, QUEUE | A | B },
    { VBLK_STEP_WAIT, NAME | MS },
    { VBLK_STEP_SUBMIT, QUEUE | NAME | MS | REQUEST },
    { VBLK_STEP_REG_READ, REG | QUEUE | NAME },
    { VBLK_STEP_REG_WRITE, REG | QUEUE | NAME | A | PART },
    { VBLK_STEP_CONFIG_READ, NAME | A | B },
    { VBLK_STEP_CONFIG_WRITE, A | BYTES },
    { VBLK_STEP_STORE, QUEUE | NAME | A | PART | ORDER | BYTES },
    { VBLK_STEP_LOAD, QUEUE | NAME | A | LENGTH | PART | ORDER },
    { VBLK_STEP_DESC, QUEUE | NAME | A | PART | DESC },
    { VBLK_STEP_AVAIL_SLOT, QUEUE | NAME | A | B },
    { VBLK_STEP_AVAIL_IDX, QUEUE | A | ORDER },
    { VBLK_STEP_AVAIL_FLAGS, QUEUE | A | ORDER },
    { VBLK_STEP_BARRIER, A },
    { VBLK_STEP_LOOK, QUEUE },
    { VBLK_STEP_FORGET, NAME },
    { VBLK_STEP_HOST, REG | A | B },
    { VBLK_STEP_DEV_LOAD, QUEUE | NAME | A | LENGTH | PART | ORDER },
    { VBLK_STEP_DEV_STORE, QUEUE | NAME | A | PART | ORDER | BYTES },
    { VBLK_STEP_DEV_TAKE, QUEUE | NAME },
    { VBLK_STEP_DEV_DATA, NAME | A | BYTES },
    { VBLK_STEP_DEV_STATUS_BYTE, NAME | A | B },
    { VBLK_STEP_DEV_ELEM, QUEUE | NAME | A | B },
    { VBLK_STEP_DEV_IDX, QUEUE | A | ORDER },
    { VBLK_STEP_DEV_USED_FLAGS, QUEUE | A | ORDER },
    { VBLK_STEP_DEV_COMPLETE, NAME | A | B | BYTES },
    { VBLK_STEP_DEV_NOTIFY, QUEUE },
    { VBLK_STEP_DEV_CONFIG_NOTIFY, 0 },
    { VBLK_STEP_DEV_STATUS, A | B },
    { VBLK_STEP_DEV_FEATURES, A },
    { VBLK_STEP_DEV_CONFIG, A | BYTES },
    { VBLK_STEP_DEV_GENERATION, A },
    { VBLK_STEP_DEV_QUEUE_MAX, QUEUE | A },
    { VBLK_STEP_DEV_REG, REG | QUEUE | A },
    { VBLK_STEP_DEV_BARRIER, A },
    { VBLK_STEP_DEV_GONE, BYTES },
    { VBLK_STEP_DEV_POWER_CUT, A },
    { VBLK_STEP_QUIET, QUEUE | MS },
    { VBLK_STEP_DISK, A | TIMES | BYTES },
    { VBLK_STEP_EXPECT, NAME | EXPECT },
    { VBLK_STEP_QUEUE_RESET, QUEUE },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void put(struct wire *w, uint8_t value)
{
    if (w->at < w->room)
        w->out[w->at++] = value;
    else
        w->lost = true;
}

static void byte(struct wire *w, uint8_t *value)
{
    if (w->writing)
        put(w, *value);
    else
        *value = input_byte(&w->in);
}

static void put_number(struct wire *w, uint64_t value)
{
    const uint64_t below = UINT64_MAX - value;
    unsigned n = 1;

    if (value < NUMBER_BYTES) {
        put(w, (uint8_t)value);
    } else if (below < 0x800) {
        put(w, (uint8_t)(NUMBER_HIGH + (below >> 8)));
        put(w, (uint8_t)below);
    } else {
        while (n < 8 && value >> 8 * n)
            n++;
        put(w, (uint8_t)(NUMBER_BYTES + n - 1));
        for (unsigned i = 0; i < n; i++)
            put(w, (uint8_t)(value >> 8 * i));
    }
}

static void number(struct wire *w, uint64_t *value, uint64_t max)
{
    if (!w->writing) {
        *value = input_number(&w->in);
        if (*value > max)
            *value %= max + 1;
        return;
    }
    put_number(w, *value);
    w->lost = w->lost || *value > max;
}

static void number32(struct wire *w, uint32_t *value)
{
    uint64_t wide = *value;

    number(w, &wide, UINT32_MAX);
    *value = (uint32_t)wide;
}

static void number16(struct wire *w, uint16_t *value)
{
    uint64_t wide = *value;

    number(w, &wide, UINT16_MAX);
    *value = (uint16_t)wide;
}

/* A length that is laid out in memory. */
static void length(struct wire *w, uint64_t *value)
{
    number(w, value, LENGTH_MAX);
    if (*value > w->budget) {
        w->lost = true;
        *value = w->budget;
    }
    w->budget -= *value;
}

static void raw(struct wire *w, const uint8_t **bytes, uint64_t *len)
{
    if (!w->writing)
        *bytes = input_take(&w->in, len);
    for (uint64_t i = 0; w->writing && i < *len; i++)
        put(w, (*bytes)[i]);
}

static void bytes(struct wire *w, struct vblk_bytes *b)
{
    enum { PATTERN, FILL, GIVEN, FORMS };
    uint8_t form = !w->writing ? 0 : b->given && b->length ? GIVEN : b->fill ? FILL : PATTERN;

    byte(w, &form);
    length(w, &b->length);
    if (form % FORMS == GIVEN) {
        raw(w, &b->given, &b->length);
        return;
    }
    b->given = NULL;
    b->fill = form % FORMS == FILL;
    byte(w, &b->seed);
}

static uint8_t number_of_name(struct wire *w, const char *text)
{
    if (!text[0])
        return 0;
    for (uint8_t i = 1; i <= SCRIPT_NAMES_MAX; i++) {
        if (!w->names[i][0])
            memcpy(w->names[i], text, VBLK_STEP_NAME - 1);
        if (!strncmp(w->names[i], text, VBLK_STEP_NAME - 1))
            return i;
    }
    w->lost = true;
    return 0;
}

static void name(struct wire *w, char text[VBLK_STEP_NAME])
{
    uint8_t n = w->writing ? number_of_name(w, text) : 0;

    byte(w, &n);
    if (w->writing)
        return;
    memset(text, 0, VBLK_STEP_NAME);
    if (n % (SCRIPT_NAMES_MAX + 1))
        (void)snprintf(text, VBLK_STEP_NAME, "n%u", (unsigned)n % (SCRIPT_NAMES_MAX + 1));
}

static void frames(struct wire *w, const uint32_t **list, uint16_t *count)
{
    struct script_bytes *store = w->store;
    uint32_t size;

    number16(w, count);
    if (!w->writing) {
        if (*count > SCRIPT_FRAMES_MAX - store->frame_count)
            *count = (uint16_t)(SCRIPT_FRAMES_MAX - store->frame_count);
        *list = store->frames + store->frame_count;
        store->frame_count += *count;
    }
    w->lost = w->lost || *count > SCRIPT_FRAMES_MAX;
    for (uint16_t i = 0; i < *count; i++) {
        size = w->writing ? (*list)[i] : 0;
        number32(w, &size);
        if (!w->writing)
            store->frames[store->frame_count - *count + i] = size;
    }
}

static void segments(struct wire *w, struct vblk_step_request *req)
{
    const uint64_t size = sizeof(struct vblk_segment);
    const uint8_t *at = (const uint8_t *)req->segments;
    uint64_t count = req->segment_count, len;

    number(w, &count, SEGMENTS_MAX);
    len = count * size;
    raw(w, &at, &len);
    req->segments = (const struct vblk_segment *)(const void *)at;
    req->segment_count = (uint32_t)(len / size);
}

/* What few requests have. */
static void oddities(struct wire *w, struct vblk_step_request *req)
{
    uint64_t header = req->header_length;

    number32(w, &req->reserved);
    length(w, &header);
    req->header_length = (uint32_t)header;
    byte(w, &req->poison);
    length(w, &req->gap);
}

static bool is_odd(const struct vblk_step_request *req)
{
    return req->reserved || req->header_length != sizeof(struct vblk_request_header) || req->poison != 0xa5 || req->gap;
}

static void request(struct wire *w, struct vblk_step_request *req)
{
    enum { SEGMENTS = 1, WRITABLE = 2, NO_STATUS = 4, NO_PREFILL = 8, FRAMES_OUT = 0x10, FRAMES_IN = 0x20, ODD = 0x40,
           INDIRECT = 0x80 };
    uint8_t flags = (uint8_t)((req->segments ? SEGMENTS : 0) | (req->segments_writable ? WRITABLE : 0) |
                              (req->no_status ? NO_STATUS : 0) | (req->prefill ? 0 : NO_PREFILL) |
                              (req->readable_frames ? FRAMES_OUT : 0) | (req->writable_frames ? FRAMES_IN : 0) |
                              (is_odd(req) ? ODD : 0) | (req->indirect ? INDIRECT : 0));

    byte(w, &flags);
    req->segments_writable = flags & WRITABLE;
    req->no_status = flags & NO_STATUS;
    req->prefill = !(flags & NO_PREFILL);
    req->indirect = flags & INDIRECT;
    number32(w, &req->type);
    number(w, &req->sector, UINT64_MAX);
    length(w, &req->in_length);
    if (flags & ODD)
        oddities(w, req);
    if (flags & SEGMENTS)
        segments(w, req);
    else
        bytes(w, &req->out);
    if (flags & FRAMES_OUT)
        frames(w, &req->readable_frames, &req->readable_frame_count);
    if (flags & FRAMES_IN)
        frames(w, &req->writable_frames, &req->writable_frame_count);
}

static void expect(struct wire *w, struct vblk_step_expect *e)
{
    enum { EQUALS = 1, SAME = 2, RESET_OK = 4, SILENCE_OK = 8, ANSWER = 0x10, VALUE = 0x20 };
    uint8_t flags =
        (uint8_t)((e->data_equals ? EQUALS : 0) | (e->data_same_as ? SAME : 0) | (e->needs_reset_ok ? RESET_OK : 0) |
                  (e->no_answer_ok ? SILENCE_OK : 0) | (e->must_answer ? ANSWER : 0) | (e->value_checked ? VALUE : 0));

    byte(w, &flags);
    e->data_equals = flags & EQUALS;
    e->data_same_as = flags & SAME;
    e->needs_reset_ok = flags & RESET_OK;
    e->no_answer_ok = flags & SILENCE_OK;
    e->must_answer = flags & ANSWER;
    e->value_checked = flags & VALUE;
    byte(w, &e->status_count);
    byte(w, &e->len_count);
    for (size_t i = 0; i < VBLK_SET_MAX && i < e->status_count; i++)
        byte(w, &e->status[i]);
    for (size_t i = 0; i < VBLK_SET_MAX && i < e->len_count; i++)
        number(w, &e->len[i], UINT64_MAX);
    if (e->data_equals)
        bytes(w, &e->data);
    if (e->data_same_as)
        name(w, e->other);
    if (e->value_checked) {
        number(w, &e->value_mask, UINT64_MAX);
        number(w, &e->value, UINT64_MAX);
    }
}

static void desc(struct wire *w, struct vblk_step *step)
{
    uint64_t addr = vblk_get64(step->desc.addr);
    uint32_t len = vblk_get32(step->desc.len);
    uint16_t flags = vblk_get16(step->desc.flags), next = vblk_get16(step->desc.next);

    byte(w, &step->desc_sets);
    number(w, &addr, UINT64_MAX);
    number32(w, &len);
    number16(w, &flags);
    number16(w, &next);
    step->desc = (struct vblk_desc){ vblk_put64(addr), vblk_put32(len), vblk_put16(flags), vblk_put16(next) };
}

/* Which numbers are given, the memory order, and what the address counts from: one byte. */
static void shape(struct wire *w, struct vblk_step *step)
{
    uint8_t bits = (uint8_t)(step->a_given | step->b_given << 1 | (step->order & 3) << 2 | step->part << 4);

    byte(w, &bits);
    step->a_given = bits & 1;
    step->b_given = bits & 2;
    step->order = bits >> 2 & 3;
    step->part = (bits >> 4) % VBLK_PART_COUNT;
}

static bool asks(unsigned has, unsigned what)
{
    return (has & what) == what;
}

static void members(struct wire *w, struct vblk_step *step, unsigned has)
{
    if (has & QUEUE)
        number16(w, &step->queue);
    if (has & REG)
        number16(w, &step->reg);
    if (has & NAME)
        name(w, step->name);
    if (has & (A | B | PART | ORDER))
        shape(w, step);
    if (has & A)
        number(w, &step->a, asks(has, MS) ? SCRIPT_MS_MAX : UINT64_MAX);
    if (has & B)
        number(w, &step->b, asks(has, TIMES) ? SCRIPT_TIMES_MAX : asks(has, LENGTH) ? LENGTH_MAX : UINT64_MAX);
    if (has & BYTES)
        bytes(w, &step->bytes);
    if (has & DESC)
        desc(w, step);
    if (has & REQUEST)
        request(w, &step->request);
    if (has & EXPECT)
        expect(w, &step->expect);
}

static void puppet(struct wire *w, struct vblk_puppet *p)
{
    uint64_t len = p->config_length;
    uint8_t there = p->queue_max != 0;

    byte(w, &there);
    if (!(there & 1))
        return;
    number(w, &p->features, UINT64_MAX);
    number16(w, &p->num_queues);
    number16(w, &p->queue_max);
    number(w, &len, VBLK_CONFIG_MAX);
    p->config_length = (uint32_t)len;
    for (uint64_t i = 0; i < len; i++)
        byte(w, &p->config[i]);
    if (!p->queue_max)
        *p = (struct vblk_puppet){ 0 };
}

static void profile(struct wire *w, struct vblk_profile *p)
{
    uint8_t n = 0, count = 0;

    for (const struct vblk_profile *row; (row = vblk_profile_at(count)) != NULL; count++)
        if (w->writing && !memcmp(row, p, sizeof(*row)))
            n = count;
    w->lost = w->lost || (w->writing && strcmp(vblk_profile_at(n)->name, p->name) != 0);
    byte(w, &n);
    if (!w->writing)
        *p = *vblk_profile_at(n % count);
}

static void head(struct wire *w, struct vblk_script *s)
{
    profile(w, &s->profile);
    number(w, &s->features, UINT64_MAX);
    number16(w, &s->queue_size);
    number16(w, &s->queues);
    puppet(w, &s->puppet);
}

static uint8_t row_of(uint8_t kind)
{
    uint8_t row = 0;

    while (row < ROWS && rows[row].kind != kind)
        row++;
    return row;
}

bool script_knows(uint8_t kind)
{
    return row_of(kind) < ROWS;
}

void script_decode(struct script_bytes *out, const uint8_t *data, size_t size)
{
    struct wire w = { .in = { data, size, 0 }, .budget = SCRIPT_BUDGET, .store = out };
    size_t count = 0;

    out->frame_count = 0;
    out->script = (struct vblk_script){ .name = "fuzz", .steps = out->steps };
    head(&w, &out->script);
    while (input_left(&w.in) && count < SCRIPT_STEPS_MAX) {
        const uint8_t row = (uint8_t)(input_byte(&w.in) % ROWS);
        struct vblk_step *step = &out->steps[count++];

        *step = vblk_step_make((enum vblk_step_kind)rows[row].kind);
        members(&w, step, rows[row].has);
    }
    out->script.step_count = count;
}

size_t script_encode(const struct vblk_script *script, uint8_t *out, size_t room)
{
    struct wire w = { .writing = true, .out = out, .room = room, .budget = SCRIPT_BUDGET };
    struct vblk_script copy = *script;

    w.lost = script->step_count > SCRIPT_STEPS_MAX;
    head(&w, &copy);
    for (size_t i = 0; !w.lost && i < script->step_count; i++) {
        struct vblk_step step = script->steps[i];
        const uint8_t row = row_of(step.kind);

        if (row == ROWS)
            return 0;
        put(&w, row);
        members(&w, &step, rows[row].has);
    }
    return w.lost ? 0 : w.at;
}
