/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_case.h"

#include <vblk/player.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "little.h"

#define HEADER 16u
#define DATA_MAX (4u << 20) /* as a vector file's */
#define REQUEST_MAX (16u << 20)

static const char *const left_words[TRACE_LEFT_COUNT] = {
    [TRACE_LEFT_ORDER] = "chains with a device-readable element behind a writable one",
    [TRACE_LEFT_CHAIN] = "chains that could not be followed",
    [TRACE_LEFT_RING] = "rings that could not be followed to their end",
    [TRACE_LEFT_SIZE] = "requests of more than 16 MiB",
    [TRACE_LEFT_DATA] = "requests whose data is not in the trace, a pattern stands for it",
    [TRACE_LEFT_HEADER] = "requests whose header is not in the trace",
    [TRACE_LEFT_STATUS] = "answers whose status was not seen",
    [TRACE_LEFT_ANSWER] = "requests that were not seen answered",
    [TRACE_LEFT_STRAY] = "used elements of nothing that was available",
    [TRACE_LEFT_RESET] = "queues that began again",
    [TRACE_LEFT_POWER] = "losses of power or of the device",
    [TRACE_LEFT_FEATURES] = "accepted features that the suite's device or driver does not have",
    [TRACE_LEFT_LEGACY] = "drivers that did not accept VERSION_1, which is added here",
    [TRACE_LEFT_QUEUES] = "queues of another size or beyond the first 64",
    [TRACE_LEFT_LIMIT] = "requests behind those that were asked for, or behind the 512th, since a case names no more",
};

static void put(struct trace_case *c, json_t *list, json_t *value)
{
    if (!value || json_array_append_new(list, value))
        c->failed = true;
}

static void set(struct trace_case *c, json_t *object, const char *key, json_t *value)
{
    if (!object || !value || json_object_set_new(object, key, value))
        c->failed = true;
}

static json_t *number(uint64_t value)
{
    char text[24];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_string(text);
}

static json_t *step(struct trace_case *c, const char *verb)
{
    json_t *it = json_pack("{s:s}", "do", verb);

    c->failed = c->failed || !it;
    return it;
}

static json_t *named(const char *verb, const char *name)
{
    return json_pack("{s:s,s:s}", "do", verb, "name", name);
}

static const char *name_of(uint32_t request, char out[24])
{
    (void)snprintf(out, 24, "r%" PRIu32, request);
    return out;
}

static json_t *hex(const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * len + 1);
    json_t *it;

    if (!text)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * len] = '\0';
    it = json_pack("{s:s}", "hex", text);
    free(text);
    return it;
}

static bool all_equal(const uint8_t *bytes, size_t len)
{
    return len > 8 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* The suite's own driver writes patterns: their seed, or -1. */
static int pattern_of(const uint8_t *bytes, size_t len)
{
    uint8_t head[32];

    for (int seed = 0; len >= sizeof(head) && seed < 256; seed++) {
        size_t at = 0;

        do {
            const size_t piece = len - at < sizeof(head) ? len - at : sizeof(head);

            vblk_pattern((uint8_t)seed, at, head, piece);
            if (memcmp(head, bytes + at, piece) != 0)
                break;
            at += piece;
        } while (at < len);
        if (at == len)
            return seed;
    }
    return -1;
}

static json_t *bytes_of(struct trace_case *c, const uint8_t *bytes, size_t len)
{
    const int seed = pattern_of(bytes, len);

    if (!len || all_equal(bytes, len))
        return json_pack("{s:i,s:o}", "fill", len ? bytes[0] : 0, "length", number(len));
    if (seed >= 0)
        return json_pack("{s:i,s:o}", "pattern", seed, "length", number(len));
    c->bytes += 2 * len;
    return hex(bytes, len);
}

bool trace_case_begin(struct trace_case *c)
{
    c->steps = json_array();
    c->fresh = json_array();
    if (c->steps && c->fresh)
        put(c, c->steps, step(c, "start"));
    return c->steps && c->fresh && !c->failed;
}

/* Up to @len bytes of a part, from @skip on. false: some were not seen. */
static bool part_bytes(const struct trace_case *c, const struct trace_chain *chain, uint64_t skip, uint8_t *to, uint64_t len)
{
    for (uint32_t i = 0; i < chain->count && len; i++) {
        const struct trace_element *e = &chain->element[i];
        uint64_t piece;

        if (e->writable)
            break;
        if (skip >= e->len) {
            skip -= e->len;
            continue;
        }
        piece = e->len - skip < len ? e->len - skip : len;
        if (!trace_image_get(c->image, e->at + skip, to, piece))
            return false;
        to += piece;
        len -= piece;
        skip = 0;
    }
    return len == 0;
}

/* Left out where it is what drivers do: one each for header, data and status. */
static void put_frames(struct trace_case *c, json_t *request, const struct trace_chain *chain, bool writable, uint64_t total)
{
    const uint64_t first = writable ? total - 1 : total < HEADER ? total : HEADER;
    const uint64_t usual[2] = { first ? first : total, first && first < total ? total - first : 0 };
    json_t *list = json_array();
    uint32_t count = 0;
    bool same = true;

    for (uint32_t i = 0; list && i < chain->count; i++) {
        if (chain->element[i].writable != writable)
            continue;
        same = same && count < 2 && chain->element[i].len && chain->element[i].len == usual[count];
        put(c, list, number(chain->element[i].len));
        count++;
    }
    same = same && count == (usual[1] ? 2u : total ? 1u : 0u);
    if (!same)
        set(c, request, writable ? "writable_frames" : "readable_frames", list);
    else
        json_decref(list);
}

static json_t *segments_of(struct trace_case *c, const uint8_t *bytes, size_t len)
{
    json_t *list = json_array();

    for (size_t at = 0; list && at + 16 <= len; at += 16) {
        struct vblk_segment s;

        memcpy(&s, bytes + at, sizeof(s));
        put(c, list, json_pack("{s:o,s:o,s:o}", "sector", number(vblk_get64(s.sector)), "num_sectors",
                               number(vblk_get32(s.num_sectors)), "flags", number(vblk_get32(s.flags))));
    }
    c->bytes += 4 * len;
    return list;
}

static bool has_segments(const struct trace_case *c, uint32_t type, uint64_t len)
{
    static const uint32_t types[] = { VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, VBLK_T_SECURE_ERASE };
    bool found = c->profile->provision && type == (uint32_t)c->profile->provision_type;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        found = found || type == types[i];
    return found && len && len % 16 == 0 && len / 16 <= 16384;
}

static void put_data(struct trace_case *c, json_t *request, const struct trace_chain *chain, uint32_t type, uint64_t len)
{
    uint8_t *bytes = len <= DATA_MAX ? malloc((size_t)len + 1) : NULL;

    if (!len && type != VBLK_T_OUT) { /* OUT without a word is a sector */
        free(bytes);
        return;
    }
    if (!bytes || !part_bytes(c, chain, HEADER, bytes, len)) {
        c->left[TRACE_LEFT_DATA]++;
        set(c, request, "out", json_pack("{s:i,s:o}", "pattern", 1, "length", number(len)));
    } else if (has_segments(c, type, len)) {
        set(c, request, "segments", segments_of(c, bytes, (size_t)len));
    } else {
        set(c, request, "out", bytes_of(c, bytes, (size_t)len));
    }
    free(bytes);
}

static bool writes(uint32_t type)
{
    return type == VBLK_T_OUT || type == VBLK_T_DISCARD || type == VBLK_T_WRITE_ZEROES || type == VBLK_T_SECURE_ERASE;
}

static void put_header(struct trace_case *c, json_t *request, const uint8_t header[HEADER], uint64_t readable)
{
    const uint32_t type = (uint32_t)little(header, 4);
    const char *name = vblk_type_name(c->profile, type);

    set(c, request, "type", name ? json_string(name) : number(type));
    if (little(header + 4, 4))
        set(c, request, "reserved", number(little(header + 4, 4)));
    if (little(header + 8, 8))
        set(c, request, "sector", number(little(header + 8, 8)));
    if (readable < HEADER)
        set(c, request, "header_length", number(readable));
    c->changes_disk = c->changes_disk || writes(type);
}

/* Totals of both parts; false: not in an order that a request has. */
static bool measure(const struct trace_chain *chain, uint64_t total[2])
{
    for (uint32_t i = 0; i < chain->count; i++) {
        if (!chain->element[i].writable && i && chain->element[i - 1].writable)
            return false;
        total[chain->element[i].writable] += chain->element[i].len;
    }
    return true;
}

static json_t *request_of(struct trace_case *c, uint16_t queue, const struct trace_chain *chain, const uint64_t total[2],
                          const uint8_t header[HEADER])
{
    json_t *request = step(c, "request");
    char name[24];

    set(c, request, "name", json_string(name_of(c->requests + 1, name)));
    if (queue)
        set(c, request, "queue", number(queue));
    put_header(c, request, header, total[0]);
    put_data(c, request, chain, (uint32_t)little(header, 4), total[0] > HEADER ? total[0] - HEADER : 0);
    set(c, request, "in", number(total[1] ? total[1] - 1 : 0));
    if (!total[1])
        set(c, request, "status", json_false());
    if (chain->indirect)
        set(c, request, "indirect", json_true());
    put_frames(c, request, chain, false, total[0]);
    put_frames(c, request, chain, true, total[1]);
    c->bytes += 64 + 24 * (size_t)chain->count;
    return request;
}

/* Renames a request step's verb: as it is, or all in one. */
static void put_request(struct trace_case *c, json_t *request, const char *verb)
{
    json_t *copy = json_copy(request);

    set(c, copy, "do", json_string(verb));
    put(c, c->steps, copy);
}

static uint64_t queue_of(const json_t *request)
{
    return (uint64_t)json_integer_value(json_object_get(request, "queue"));
}

static void put_queue_step(struct trace_case *c, const char *verb, uint64_t queue)
{
    json_t *it = step(c, verb);

    if (queue)
        set(c, it, "queue", number(queue));
    put(c, c->steps, it);
}

/* What was made available goes out: laid out, published once for each queue, and a notification if the device wants it. */
static void flush(struct trace_case *c)
{
    bool queues[TRACE_RINGS_MAX] = { false };
    json_t *request;
    size_t i;

    json_array_foreach(c->fresh, i, request) {
        put_request(c, request, "request");
        queues[queue_of(request)] = true;
    }
    json_array_foreach(c->fresh, i, request)
        put(c, c->steps, named("available", json_string_value(json_object_get(request, "name"))));
    for (size_t q = 0; q < TRACE_RINGS_MAX; q++) {
        if (queues[q]) {
            put_queue_step(c, "publish", q);
            put_queue_step(c, "kick", q);
        }
    }
    (void)json_array_clear(c->fresh);
    c->kicked = false;
}

uint32_t trace_case_request(struct trace_case *c, uint16_t queue, const struct trace_chain *chain)
{
    uint64_t total[2] = { 0, 0 };
    uint8_t header[HEADER] = { 0 };
    enum trace_left why = TRACE_LEFT_COUNT;

    if (!chain)
        why = TRACE_LEFT_CHAIN;
    else if (c->requests == c->limit || c->requests == TRACE_CASE_REQUESTS)
        why = TRACE_LEFT_LIMIT;
    else if (!measure(chain, total))
        why = TRACE_LEFT_ORDER;
    else if (total[0] + total[1] > REQUEST_MAX)
        why = TRACE_LEFT_SIZE;
    else if (!part_bytes(c, chain, 0, header, total[0] < HEADER ? total[0] : HEADER))
        why = TRACE_LEFT_HEADER;
    if (why != TRACE_LEFT_COUNT) {
        c->left[why]++;
        return 0;
    }
    if (c->kicked)
        flush(c);
    c->longest = chain->count > c->longest ? chain->count : c->longest;
    put(c, c->fresh, request_of(c, queue, chain, total, header));
    return ++c->requests;
}

void trace_case_kick(struct trace_case *c)
{
    c->kicked = json_array_size(c->fresh) != 0;
}

void trace_case_answer(struct trace_case *c, const struct trace_out *out)
{
    const json_t *only = json_array_size(c->fresh) == 1 ? json_array_get(c->fresh, 0) : NULL;
    uint8_t status;
    char name[24];
    json_t *expect;

    if (!out->request)
        return;
    (void)name_of(out->request, name);
    if (only && strcmp(json_string_value(json_object_get(only, "name")), name) == 0) {
        put_request(c, json_array_get(c->fresh, 0), "submit");
        (void)json_array_clear(c->fresh);
        c->kicked = false;
    } else {
        flush(c);
        put(c, c->steps, named("wait", name));
    }
    expect = named("expect", name);
    /* What is no status may be what lay there before: a judge that looks late sees that, too. */
    if (out->has_status && trace_image_get(c->shown, out->status, &status, 1) &&
        (status <= VBLK_S_UNSUPP || c->sure)) {
        const char *word = vblk_status_name(status);

        set(c, expect, "status", json_pack("[o]", word ? json_string(word) : number(status)));
    } else {
        c->left[TRACE_LEFT_STATUS] += out->has_status;
        set(c, expect, "answered", json_true());
    }
    put(c, c->steps, expect);
}

void trace_case_config_write(struct trace_case *c, uint64_t offset, const uint8_t *bytes, uint32_t len)
{
    json_t *it = step(c, "config-write");

    flush(c);
    set(c, it, "offset", number(offset));
    set(c, it, "data", hex(bytes, len));
    put(c, c->steps, it);
}

void trace_case_end(struct trace_case *c)
{
    char note[2048] = "Not carried over:";
    size_t used = strlen(note), empty = used;

    flush(c);
    json_decref(c->fresh);
    c->fresh = NULL;
    for (size_t i = 0; i < TRACE_LEFT_COUNT; i++)
        if (c->left[i] && used < sizeof(note))
            used += (size_t)snprintf(note + used, sizeof(note) - used, "%s %s: %" PRIu64, used == empty ? "" : ";",
                                     left_words[i], c->left[i]);
    if (used != empty)
        set(c, json_array_get(c->steps, 0), "note", json_string(note));
}
