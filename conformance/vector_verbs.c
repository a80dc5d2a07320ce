/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs of steps: one row each, with the table of its members. docs/vectors.md lists them for people. */
#include "vector_read.h"

#include <string.h>

#define STEP(field)    offsetof(struct vblk_step, field)
#define READING(field) offsetof(struct vector_step_reading, field)

/* Rows of members: name, reader, offset, given, width, required, more. */
#define NUMBER(word, field, width)          { word, vector_read_number, STEP(field), 0, width, false, NULL }
#define A(word)                             { word, vector_read_number, STEP(a), STEP(a_given), 8, false, NULL }
#define A_DUE(word)                         { word, vector_read_number, STEP(a), STEP(a_given), 8, true, NULL }
#define B(word)                             { word, vector_read_number, STEP(b), STEP(b_given), 8, false, NULL }
#define B_DUE(word)                         { word, vector_read_number, STEP(b), STEP(b_given), 8, true, NULL }
#define WORD(word, field, given, w, due, t) { word, vector_read_word, STEP(field), given, w, due, t }
#define TRUTH(word, field, given)           { word, read_truth, STEP(field), given, 8, false, NULL }
#define FLAG(word, field)                   { word, vector_read_bool, STEP(field), 0, 0, false, NULL }
#define DATA { "data", vector_read_bytes, STEP(bytes), READING(data_given), 0, false, NULL }
#define DATA_DUE { "data", vector_read_bytes, STEP(bytes), READING(data_given), 0, true, NULL }
#define ORDER WORD("order", order, 0, 1, false, order_words)
#define REG WORD("reg", reg, 0, 2, true, reg_words)
#define QUEUE { "queue", vector_read_number, STEP(queue), READING(queue_given), 2, false, NULL }
#define NAME(word) { word, vector_read_string, READING(name), READING(name_given), 0, false, NULL }
#define NAME_DUE(word) { word, vector_read_string, READING(name), READING(name_given), 0, true, NULL }
#define PLACE(word) { word, read_place, 0, 0, 0, true, NULL }
#define PLACE_MAYBE(word) { word, read_place, 0, 0, 0, false, NULL }
#define FIELD { "field", vector_read_string, READING(field), READING(field_given), 0, false, NULL }
#define VALUE { "value", vector_read_number, READING(value), READING(value_given), 8, false, NULL }
#define COMMON                                                                                                         \
    { "do", vector_read_any, 0, 0, 0, false, NULL }, { "dev", vector_read_any, 0, 0, 0, false, NULL },                 \
        { "note", vector_read_string, READING(note), 0, 0, false, NULL }, { NULL, NULL, 0, 0, 0, false, NULL }

static const struct vector_word order_words[] = {
    { "relaxed", VBLK_RELAXED }, { "acquire", VBLK_ACQUIRE }, { "release", VBLK_RELEASE }, { "full", VBLK_FULL },
    { NULL, 0 },
};
static const struct vector_word stage_words[] = {
    { "live", VBLK_STAGE_LIVE },
    { "reset", VBLK_STAGE_RESET },
    { "acknowledge", VBLK_STAGE_ACKNOWLEDGE },
    { "driver", VBLK_STAGE_DRIVER },
    { "features", VBLK_STAGE_FEATURES },
    { "features-ok", VBLK_STAGE_FEATURES_OK },
    { "queues", VBLK_STAGE_QUEUES },
    { NULL, 0 },
};
const struct vector_word vector_part_words[] = {
    { "desc", VBLK_PART_DESC },
    { "avail", VBLK_PART_AVAIL },
    { "used", VBLK_PART_USED },
    { "header", VBLK_PART_HEADER },
    { "out", VBLK_PART_OUT },
    { "in", VBLK_PART_IN },
    { "status", VBLK_PART_STATUS_BYTE },
    { "scratch", VBLK_PART_SCRATCH },
    { "outside", VBLK_PART_OUTSIDE },
    { NULL, 0 },
};
/* The names are those of vblk_reg_name(); a test compares them. */
static const struct vector_word reg_words[] = {
    { "device-id", VBLK_REG_DEVICE_ID },
    { "device-features", VBLK_REG_DEVICE_FEATURES },
    { "driver-features", VBLK_REG_DRIVER_FEATURES },
    { "status", VBLK_REG_STATUS },
    { "generation", VBLK_REG_GENERATION },
    { "num-queues", VBLK_REG_NUM_QUEUES },
    { "queue-max", VBLK_REG_QUEUE_MAX },
    { "queue-size", VBLK_REG_QUEUE_SIZE },
    { "queue-desc", VBLK_REG_QUEUE_DESC },
    { "queue-driver", VBLK_REG_QUEUE_DRIVER },
    { "queue-device", VBLK_REG_QUEUE_DEVICE },
    { "queue-enable", VBLK_REG_QUEUE_ENABLE },
    { "queue-reset", VBLK_REG_QUEUE_RESET },
    { "config-length", VBLK_REG_CONFIG_LENGTH },
    { "queue-notif-config-data", VBLK_REG_QUEUE_NOTIF_CONFIG_DATA },
    { NULL, 0 },
};

static VECTOR_READER(read_truth)
{
    if (!json_is_boolean(value))
        return vector_fail(r, at, "true or false is due here");
    vector_store(into, m, json_is_true(value));
    return true;
}

struct place {
    struct vector_step_reading *reading;
    uint64_t offset;
    uint16_t queue;
    uint8_t part;
    bool has_queue;
};

static VECTOR_READER(read_place_of)
{
    struct vector_step_reading *reading = ((struct place *)into)->reading;

    (void)m;
    reading->place_given = true;
    return vector_read_text(r, at, value, &reading->place_of);
}

static const struct vector_member place_members[] = {
    { "of", read_place_of, 0, 0, 0, false, NULL },
    { "queue", vector_read_number, offsetof(struct place, queue), offsetof(struct place, has_queue), 2, false, NULL },
    { "part", vector_read_word, offsetof(struct place, part), 0, 1, true, vector_part_words },
    { "offset", vector_read_number, offsetof(struct place, offset), 0, 8, false, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

/* A guest address, or { "of": request or "queue": n, "part": …, "offset": … } for the player to resolve. */
static bool read_address(struct vector_reader *r, const struct vector_path *at, json_t *value,
                         struct vector_step_reading *reading, uint64_t *out)
{
    struct place p = { .reading = reading };
    bool of_request;

    if (!json_is_object(value))
        return vector_read_value(r, at, value, 8, out, NULL);
    if (!vector_read_object(r, at, value, place_members, &p))
        return false;
    of_request = p.part >= VBLK_PART_HEADER && p.part <= VBLK_PART_STATUS_BYTE;
    if (of_request != reading->place_given || (p.has_queue && p.part > VBLK_PART_USED))
        return vector_fail(r, at,
                           "header, out, in, status are parts \"of\" a request; desc, avail, used of a \"queue\"");
    if (p.has_queue) {
        reading->step.queue = p.queue;
        reading->queue_given = true;
    }
    reading->step.part = p.part;
    *out = p.offset;
    return true;
}

static VECTOR_READER(read_place)
{
    struct vector_step_reading *reading = into;

    (void)m;
    reading->step.a_given = true;
    return read_address(r, at, value, reading, &reading->step.a);
}

static VECTOR_READER(read_desc_addr)
{
    struct vector_step_reading *reading = into;
    uint64_t addr = 0;

    (void)m;
    if (!read_address(r, at, value, reading, &addr))
        return false;
    reading->step.desc.addr = vblk_put64(addr);
    reading->step.desc_sets |= VBLK_DESC_SETS_ADDR;
    return true;
}

/* A little-endian member of the descriptor; more: the bits of desc_sets. */
static VECTOR_READER(read_desc_number)
{
    struct vblk_step *step = into;
    uint8_t *to = (uint8_t *)into + m->offset;
    uint64_t number;

    if (!vector_read_value(r, at, value, m->width, &number, NULL))
        return false;
    for (unsigned i = 0; i < m->width; i++)
        to[i] = (uint8_t)(number >> 8 * i);
    step->desc_sets |= *(const uint8_t *)m->more;
    return true;
}

static VECTOR_READER(read_set_number)
{
    struct vblk_step_expect *expect = &((struct vblk_step *)into)->expect;
    bool of_status = m->width == 1;
    uint8_t *count = of_status ? &expect->status_count : &expect->len_count;
    uint64_t number;

    if (*count == VBLK_SET_MAX)
        return vector_fail(r, at, "more than %u values", VBLK_SET_MAX);
    if (!vector_read_value(r, at, value, m->width, &number, NULL))
        return false;
    if (of_status)
        expect->status[*count] = (uint8_t)number;
    else
        expect->len[*count] = number;
    ++*count;
    return true;
}

/* A value or a list of values. */
static VECTOR_READER(read_set)
{
    size_t i;
    json_t *child;

    if (!json_is_array(value))
        return read_set_number(r, at, value, m, into);
    if (!json_array_size(value))
        return vector_fail(r, at, "an empty list allows nothing; leave the member out to allow anything");
    json_array_foreach(value, i, child) {
        if (!read_set_number(r, &(struct vector_path){ at, NULL, i }, child, m, into))
            return false;
    }
    return true;
}

static VECTOR_READER(read_same_as)
{
    struct vblk_step_expect *expect = &((struct vblk_step *)into)->expect;
    const char *other = NULL;

    (void)m;
    if (!vector_read_text(r, at, value, &other))
        return false;
    if (!vector_is_name(other, sizeof(expect->other) - 1))
        return vector_fail(r, at, "not a name");
    memcpy(expect->other, other, strlen(other) + 1);
    return true;
}

static VECTOR_READER(read_how)
{
    struct vblk_step *step = into;
    const char *text = NULL;

    (void)m;
    if (!vector_read_text(r, at, value, &text))
        return false;
    step->bytes = (struct vblk_bytes){ .given = (const uint8_t *)text, .length = strlen(text) };
    return true;
}

/* "field" and "value", or "offset" with bytes or a length. */
static bool finish_field(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading,
                         unsigned *width)
{
    struct vblk_step *step = &reading->step;
    struct vblk_config_field field;

    *width = 0;
    if (reading->field_given == step->a_given)
        return vector_fail(r, at, "either \"field\" or \"offset\" is due");
    if (!reading->field_given)
        return true;
    if (!vector_config_field(r, reading->field, &field))
        return vector_fail(r, &(struct vector_path){ at, "field", 0 }, "no configuration field \"%.40s\"",
                           reading->field);
    step->a = field.offset;
    step->a_given = true;
    *width = field.width;
    return true;
}

static bool finish_config_read(struct vector_reader *r, const struct vector_path *at,
                               struct vector_step_reading *reading)
{
    struct vblk_step *step = &reading->step;
    unsigned width;

    if (!finish_field(r, at, reading, &width))
        return false;
    if (width && step->b_given)
        return vector_fail(r, at, "\"length\" belongs to \"offset\"");
    if (width)
        step->b = width;
    step->b_given = step->b_given || width;
    return true;
}

static bool finish_config_bytes(struct vector_reader *r, const struct vector_path *at,
                                struct vector_step_reading *reading)
{
    uint8_t *bytes = vector_arena_get(r->arena, 8);
    unsigned width;

    if (!bytes)
        return vector_fail(r, at, "no memory");
    if (!finish_field(r, at, reading, &width))
        return false;
    if (reading->value_given != (width != 0) || reading->data_given != (width == 0))
        return vector_fail(r, at, "\"field\" goes with \"value\", \"offset\" with \"data\"");
    if (!width)
        return true;
    if (width < 8 && reading->value >> (8 * width))
        return vector_fail(r, &(struct vector_path){ at, "value", 0 }, "more than the field's %u bits", 8 * width);
    for (unsigned i = 0; i < width; i++)
        bytes[i] = (uint8_t)(reading->value >> 8 * i);
    reading->step.bytes = (struct vblk_bytes){ .given = bytes, .length = width };
    return true;
}

static bool finish_set_config(struct vector_reader *r, const struct vector_path *at,
                              struct vector_step_reading *reading)
{
    unsigned width;

    return finish_field(r, at, reading, &width);
}

static bool finish_expect(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading)
{
    struct vblk_step_expect *e = &reading->step.expect;
    bool answer = e->status_count || e->len_count || e->data_equals || e->data_same_as || reading->answered_given ||
                  e->needs_reset_ok || e->no_answer_ok;

    if (e->value_checked && answer)
        return vector_fail(r, at, "\"value\" is about a read, the other members about a request's answer");
    if (!e->value_checked && !answer)
        return vector_fail(r, at, "nothing is expected");
    if (e->data_equals && e->data_same_as)
        return vector_fail(r, at, "\"data\" and \"same_as\" exclude each other");
    if (!reading->answered_given)
        e->must_answer = !e->value_checked && !e->needs_reset_ok && !e->no_answer_ok;
    return true;
}

static bool finish_barrier(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading)
{
    (void)r, (void)at;
    reading->step.order = (uint8_t)reading->step.a;
    return true;
}

static bool finish_submit(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading)
{
    if (reading->wait_given && !reading->wait && reading->step.a_given)
        return vector_fail(r, at, "\"ms\" is for a step that waits");
    return vector_request_finish(r, at, reading);
}

#define TABLE static const struct vector_member
static const uint8_t sets_len = VBLK_DESC_SETS_LEN, sets_flags = VBLK_DESC_SETS_FLAGS, sets_next = VBLK_DESC_SETS_NEXT,
                     sets_next_in_chain = VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN;

#define REQUEST                                                                                                        \
    NAME_DUE("name"), QUEUE, { "type", vector_read_type, 0, 0, 0, true, NULL },                                        \
        NUMBER("reserved", request.reserved, 4), NUMBER("sector", request.sector, 8),                                  \
        NUMBER("header_length", request.header_length, 4),                                                             \
        { "sectors", vector_read_number, READING(sectors), READING(sectors_given), 8, false, NULL },                   \
        { "out", vector_read_bytes, STEP(request.out), READING(out_given), 0, false, NULL },                           \
        { "segments", vector_read_segments, 0, READING(segments_given), 0, false, NULL },                              \
        { "in", vector_read_number, STEP(request.in_length), READING(in_given), 8, false, NULL },                      \
        FLAG("segments_writable", request.segments_writable),                                                          \
        { "status", vector_read_bool_not, STEP(request.no_status), 0, 0, false, NULL },                                \
        NUMBER("poison", request.poison, 1), FLAG("prefill", request.prefill), FLAG("indirect", request.indirect),     \
        { "readable_frames", vector_read_readable_frames, 0, 0, 0, false, NULL },                                      \
        { "writable_frames", vector_read_writable_frames, 0, 0, 0, false, NULL }, NUMBER("gap", request.gap, 8)

TABLE none[] = { COMMON };
TABLE start[] = { { "features", vector_read_features, STEP(a), STEP(a_given), 8, false, NULL },
                  WORD("stage", b, STEP(b_given), 8, false, stage_words), COMMON };
TABLE request[] = { REQUEST, COMMON };
TABLE submit[] = { REQUEST, { "wait", vector_read_bool, READING(wait), READING(wait_given), 0, false, NULL }, A("ms"),
                   COMMON };
TABLE named[] = { NAME_DUE("name"), COMMON };
TABLE queue[] = { QUEUE, COMMON };
TABLE kick[] = { QUEUE, A("data"), TRUTH("force", b, STEP(b_given)), COMMON };
TABLE waits[] = { NAME("name"), A("ms"), COMMON };
TABLE reg_read[] = { REG, QUEUE, NAME("name"), COMMON };
TABLE reg_write[] = { REG, QUEUE, PLACE_MAYBE("value"), COMMON };
TABLE config_read[] = { NAME("name"), FIELD, A("offset"), B("length"), COMMON };
TABLE config_bytes[] = { FIELD, VALUE, A("offset"), DATA, COMMON };
TABLE store[] = { PLACE("at"), DATA_DUE, ORDER, COMMON };
TABLE load[] = { PLACE("at"), B("length"), ORDER, NAME("name"), COMMON };
TABLE dev_load[] = { PLACE("at"), B("length"), ORDER, COMMON };
TABLE desc[] = {
    QUEUE, NAME("name"), A_DUE("index"),
    { "addr", read_desc_addr, 0, 0, 0, false, NULL },
    { "len", read_desc_number, STEP(desc.len), 0, 4, false, &sets_len },
    { "flags", read_desc_number, STEP(desc.flags), 0, 2, false, &sets_flags },
    { "next", read_desc_number, STEP(desc.next), 0, 2, false, &sets_next },
    { "id", read_desc_number, STEP(desc.next), 0, 2, false, &sets_next },
    { "next_in_chain", read_desc_number, STEP(desc.next), 0, 2, false, &sets_next_in_chain },
    COMMON
};
TABLE avail_slot[] = { QUEUE, NAME("name"), A("slot"), B("head"), COMMON };
TABLE avail_idx[] = { QUEUE, A("idx"), ORDER, COMMON };
TABLE flags[] = { QUEUE, A_DUE("flags"), COMMON };
TABLE barrier[] = { WORD("order", a, STEP(a_given), 8, false, order_words), COMMON };
TABLE resize[] = { A_DUE("capacity"), COMMON };
TABLE fail_sectors[] = { A_DUE("sector"), B_DUE("count"), COMMON };
TABLE pool[] = { A_DUE("sectors"), COMMON };
TABLE set_config[] = { FIELD, A("offset"), { "value", vector_read_number, STEP(b), STEP(b_given), 4, true, NULL },
                       COMMON };
TABLE reverse[] = { TRUTH("on", a, STEP(a_given)), COMMON };
TABLE expect[] = {
    NAME("name"),
    { "status", read_set, 0, 0, 1, false, NULL },
    { "len", read_set, 0, 0, 8, false, NULL },
    { "data", vector_read_bytes, STEP(expect.data), STEP(expect.data_equals), 0, false, NULL },
    { "same_as", read_same_as, 0, STEP(expect.data_same_as), 0, false, NULL },
    { "answered", vector_read_bool, STEP(expect.must_answer), READING(answered_given), 0, false, NULL },
    FLAG("or_needs_reset", expect.needs_reset_ok),
    FLAG("or_no_answer", expect.no_answer_ok),
    { "value", vector_read_number, STEP(expect.value), STEP(expect.value_checked), 8, false, NULL },
    NUMBER("mask", expect.value_mask, 8),
    COMMON
};
TABLE dev_of[] = { NAME("of"), QUEUE, COMMON };
TABLE dev_data[] = { NAME_DUE("of"), A("offset"), DATA_DUE, COMMON };
TABLE status_byte[] = { NAME_DUE("of"), A_DUE("status"), B("offset"), COMMON };
TABLE elem[] = { NAME("of"), QUEUE, A("id"), B("len"), COMMON };
TABLE dev_idx[] = { QUEUE, A("by"), ORDER, COMMON };
TABLE complete[] = { NAME("of"), QUEUE, A("status"), B("len"), DATA, COMMON };
TABLE dev_status[] = { A("value"), B("mask"), COMMON };
TABLE dev_features[] = { { "features", vector_read_features, STEP(a), STEP(a_given), 8, true, NULL }, COMMON };
TABLE dev_value[] = { A("value"), COMMON };
TABLE queue_value[] = { QUEUE, A_DUE("value"), COMMON };
TABLE dev_reg[] = { REG, QUEUE, A("value"), COMMON };
TABLE gone[] = { { "how", read_how, 0, 0, 0, false, NULL }, COMMON };
TABLE power_cut[] = { TRUTH("persistent", a, STEP(a_given)), COMMON };
TABLE quiet[] = { QUEUE, A("ms"), COMMON };
TABLE disk[] = { A_DUE("sector"), B("times"), DATA_DUE, COMMON };

#define HOST(action) VBLK_STEP_HOST, VBLK_HOST_##action
const struct vector_verb vector_verbs[] = {
    { "start", false, VBLK_STEP_START, 0, 0, VECTOR_NAMES_NOTHING, start, NULL },
    { "reset", false, VBLK_STEP_RESET, 0, 0, VECTOR_NAMES_NOTHING, none, NULL },
    { "queue-reset", false, VBLK_STEP_QUEUE_RESET, 0, 0, VECTOR_NAMES_NOTHING, queue, NULL },
    { "request", false, VBLK_STEP_REQUEST, 0, 0, VECTOR_NAMES_REQUEST, request, vector_request_finish },
    { "available", false, VBLK_STEP_AVAILABLE, 0, 0, VECTOR_REFERS, named, NULL },
    { "publish", false, VBLK_STEP_PUBLISH, 0, 0, VECTOR_NAMES_NOTHING, queue, NULL },
    { "kick", false, VBLK_STEP_KICK, 0, 0, VECTOR_NAMES_NOTHING, kick, NULL },
    { "wait", false, VBLK_STEP_WAIT, 0, 0, VECTOR_REFERS, waits, NULL },
    { "submit", false, VBLK_STEP_SUBMIT, 0, 0, VECTOR_NAMES_REQUEST, submit, finish_submit },
    { "reg-read", false, VBLK_STEP_REG_READ, 0, 0, VECTOR_NAMES_RESULT, reg_read, NULL },
    { "reg-write", false, VBLK_STEP_REG_WRITE, 0, 0, VECTOR_NAMES_NOTHING, reg_write, NULL },
    { "config-read", false, VBLK_STEP_CONFIG_READ, 0, 0, VECTOR_NAMES_RESULT, config_read, finish_config_read },
    { "config-write", false, VBLK_STEP_CONFIG_WRITE, 0, 0, VECTOR_NAMES_NOTHING, config_bytes, finish_config_bytes },
    { "store", false, VBLK_STEP_STORE, 0, 0, VECTOR_NAMES_NOTHING, store, NULL },
    { "load", false, VBLK_STEP_LOAD, 0, 0, VECTOR_NAMES_RESULT, load, NULL },
    { "desc", false, VBLK_STEP_DESC, 0, 0, VECTOR_REFERS, desc, NULL },
    { "avail-slot", false, VBLK_STEP_AVAIL_SLOT, 0, 0, VECTOR_REFERS, avail_slot, NULL },
    { "avail-idx", false, VBLK_STEP_AVAIL_IDX, 0, 0, VECTOR_NAMES_NOTHING, avail_idx, NULL },
    { "avail-flags", false, VBLK_STEP_AVAIL_FLAGS, 0, 0, VECTOR_NAMES_NOTHING, flags, NULL },
    { "barrier", false, VBLK_STEP_BARRIER, 0, 0, VECTOR_NAMES_NOTHING, barrier, finish_barrier },
    { "look", false, VBLK_STEP_LOOK, 0, 0, VECTOR_NAMES_NOTHING, queue, NULL },
    { "forget", false, VBLK_STEP_FORGET, 0, 0, VECTOR_REFERS, named, NULL },
    { "expect", false, VBLK_STEP_EXPECT, 0, 0, VECTOR_REFERS, expect, finish_expect },
    { "resize", false, HOST(RESIZE), 0, VECTOR_NAMES_NOTHING, resize, NULL },
    { "fail-sectors", false, HOST(FAIL_SECTORS), 0, VECTOR_NAMES_NOTHING, fail_sectors, NULL },
    { "pool", false, HOST(POOL), 0, VECTOR_NAMES_NOTHING, pool, NULL },
    { "power-cut", false, HOST(POWER_CUT), 0, VECTOR_NAMES_NOTHING, none, NULL },
    { "needs-reset", false, HOST(NEEDS_RESET), 0, VECTOR_NAMES_NOTHING, none, NULL },
    { "set-config", false, HOST(SET_CONFIG), 0, VECTOR_NAMES_NOTHING, set_config, finish_set_config },
    { "hold", false, HOST(HOLD), 1, VECTOR_NAMES_NOTHING, none, NULL },
    { "release", false, HOST(HOLD), 0, VECTOR_NAMES_NOTHING, none, NULL },
    { "reverse", false, HOST(REVERSE), 1, VECTOR_NAMES_NOTHING, reverse, NULL },
    { "load", true, VBLK_STEP_DEV_LOAD, 0, 0, VECTOR_NAMES_NOTHING, dev_load, NULL },
    { "store", true, VBLK_STEP_DEV_STORE, 0, 0, VECTOR_NAMES_NOTHING, store, NULL },
    { "take", true, VBLK_STEP_DEV_TAKE, 0, 0, VECTOR_REFERS, dev_of, NULL },
    { "data", true, VBLK_STEP_DEV_DATA, 0, 0, VECTOR_REFERS, dev_data, NULL },
    { "status-byte", true, VBLK_STEP_DEV_STATUS_BYTE, 0, 0, VECTOR_REFERS, status_byte, NULL },
    { "elem", true, VBLK_STEP_DEV_ELEM, 0, 0, VECTOR_REFERS, elem, NULL },
    { "idx", true, VBLK_STEP_DEV_IDX, 0, 0, VECTOR_NAMES_NOTHING, dev_idx, NULL },
    { "used-flags", true, VBLK_STEP_DEV_USED_FLAGS, 0, 0, VECTOR_NAMES_NOTHING, flags, NULL },
    { "complete", true, VBLK_STEP_DEV_COMPLETE, 0, 0, VECTOR_REFERS, complete, NULL },
    { "notify", true, VBLK_STEP_DEV_NOTIFY, 0, 0, VECTOR_NAMES_NOTHING, queue, NULL },
    { "config-notify", true, VBLK_STEP_DEV_CONFIG_NOTIFY, 0, 0, VECTOR_NAMES_NOTHING, none, NULL },
    { "status", true, VBLK_STEP_DEV_STATUS, 0, 0, VECTOR_NAMES_NOTHING, dev_status, NULL },
    { "features", true, VBLK_STEP_DEV_FEATURES, 0, 0, VECTOR_NAMES_NOTHING, dev_features, NULL },
    { "config", true, VBLK_STEP_DEV_CONFIG, 0, 0, VECTOR_NAMES_NOTHING, config_bytes, finish_config_bytes },
    { "generation", true, VBLK_STEP_DEV_GENERATION, 0, 0, VECTOR_NAMES_NOTHING, dev_value, NULL },
    { "queue-max", true, VBLK_STEP_DEV_QUEUE_MAX, 0, 0, VECTOR_NAMES_NOTHING, queue_value, NULL },
    { "reg", true, VBLK_STEP_DEV_REG, 0, 0, VECTOR_NAMES_NOTHING, dev_reg, NULL },
    { "barrier", true, VBLK_STEP_DEV_BARRIER, 0, 0, VECTOR_NAMES_NOTHING, barrier, finish_barrier },
    { "gone", true, VBLK_STEP_DEV_GONE, 0, 0, VECTOR_NAMES_NOTHING, gone, NULL },
    { "power-cut", true, VBLK_STEP_DEV_POWER_CUT, 0, 0, VECTOR_NAMES_NOTHING, power_cut, NULL },
    { "quiet", true, VBLK_STEP_QUIET, 0, 0, VECTOR_NAMES_NOTHING, quiet, NULL },
    { "disk", true, VBLK_STEP_DISK, 0, 0, VECTOR_NAMES_NOTHING, disk, NULL },
    { NULL, false, 0, 0, 0, 0, NULL, NULL },
};
