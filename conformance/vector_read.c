/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vector_block {
    struct vector_block *next;
    max_align_t bytes[];
};

void *vector_arena_get(struct vector_arena *arena, size_t size)
{
    struct vector_block *block = size < SIZE_MAX / 2 ? calloc(1, sizeof(*block) + size) : NULL;

    if (!block)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

void vector_arena_free(struct vector_arena *arena)
{
    while (arena->blocks) {
        struct vector_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
}

static bool fail_at(struct vector_reader *r, const struct vector_path *at, bool key, const char *format, va_list args)
{
    char pointer[96];
    int used;

    if (r->reason[0])
        return false;
    vector_path_print(at, pointer, sizeof(pointer));
    r->at = r->file ? vector_text_find(r->file->text, r->file->length, at, key) : 0;
    used = snprintf(r->reason, sizeof(r->reason), "%s%s", pointer, pointer[0] ? ": " : "");
    (void)vsnprintf(r->reason + used, sizeof(r->reason) - (size_t)used, format, args);
    return false;
}

bool vector_fail(struct vector_reader *r, const struct vector_path *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fail_at(r, at, false, format, args);
    va_end(args);
    return false;
}

bool vector_fail_key(struct vector_reader *r, const struct vector_path *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fail_at(r, at, true, format, args);
    va_end(args);
    return false;
}

static const struct vector_member *find_member(const struct vector_member *members, const char *key)
{
    for (; members->name; members++) {
        if (strcmp(members->name, key) == 0)
            return members;
    }
    return NULL;
}

bool vector_read_object(struct vector_reader *r, const struct vector_path *at, json_t *value,
                        const struct vector_member *members, void *into)
{
    const char *key;
    json_t *child;

    if (!json_is_object(value))
        return vector_fail(r, at, "an object is due here");
    json_object_foreach(value, key, child) {
        const struct vector_member *m = find_member(members, key);
        struct vector_path here = { at, key, 0 };

        if (!m)
            return vector_fail_key(r, &here, "unknown member \"%.40s\"", key);
        if (!m->read(r, &here, child, m, into))
            return false;
        if (m->given)
            *((unsigned char *)into + m->given) = true;
    }
    for (; members->name; members++) {
        if (members->required && !json_object_get(value, members->name))
            return vector_fail(r, at, "member \"%s\" is missing", members->name);
    }
    return true;
}

void vector_store(void *into, const struct vector_member *m, uint64_t value)
{
    unsigned char *p = (unsigned char *)into + m->offset;
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;
    const void *from = m->width == 1 ? (const void *)&v8 : m->width == 2 ? (const void *)&v16 :
                       m->width == 4 ? (const void *)&v32 : (const void *)&value;

    memcpy(p, from, m->width);
}

uint64_t vector_fetch(const void *from, size_t offset, unsigned width)
{
    const unsigned char *p = (const unsigned char *)from + offset;
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    memcpy(&v8, p, 1);
    if (width == 1)
        return v8;
    memcpy(&v16, p, 2);
    if (width == 2)
        return v16;
    memcpy(&v32, p, 4);
    if (width == 4)
        return v32;
    memcpy(&v64, p, 8);
    return v64;
}

static bool evaluate(struct vector_reader *r, const struct vector_path *at, const char *text,
                     struct vector_value *out)
{
    struct vector_expr_error error = { 0, "" };

    if (vector_eval(text, strlen(text), vector_name, &r->scope, out, &error))
        return true;
    if (r->reason[0])
        return false;
    (void)vector_fail(r, at, "%s", error.reason);
    /* Point into the string itself, unless escapes moved what follows them. */
    if (r->file && strncmp(r->file->text + r->at + 1, text, error.at) == 0)
        r->at += 1 + error.at;
    return false;
}

bool vector_read_value(struct vector_reader *r, const struct vector_path *at, const json_t *value, unsigned width,
                       uint64_t *out, bool *known)
{
    struct vector_value v = { 0, true };

    if (json_is_integer(value)) {
        if (json_integer_value(value) < 0)
            return vector_fail(r, at, "a number is not negative");
        v.value = (uint64_t)json_integer_value(value);
    } else if (!json_is_string(value)) {
        return vector_fail(r, at, "a number is due here: an integer, or a string with an expression");
    } else if (!evaluate(r, at, json_string_value(value), &v)) {
        return false;
    }
    if (!v.known && !r->checking)
        return vector_fail(r, at, "depends on what a target announces, which is not known here");
    if (v.known && width < 8 && v.value >> (8 * width))
        return vector_fail(r, at, "%llu does not fit into %u bits", (unsigned long long)v.value, 8 * width);
    *out = v.known ? v.value : 0;
    if (known)
        *known = v.known;
    return true;
}

bool vector_read_text(struct vector_reader *r, const struct vector_path *at, const json_t *value, const char **out)
{
    if (!json_is_string(value) || !json_string_length(value))
        return vector_fail(r, at, "a string is due here");
    *out = json_string_value(value);
    return true;
}

bool vector_is_name(const char *text, size_t max)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    return n > 0 && n <= max && !text[n] && !strchr("0123456789-_", text[0]);
}

static bool read_feature(struct vector_reader *r, const struct vector_path *at, const json_t *value, uint64_t *mask)
{
    const char *name = NULL;
    int bit;

    if (!vector_read_text(r, at, value, &name))
        return false;
    bit = vector_feature_find(&r->scope, name);
    if (bit < 0 && r->scope.profile)
        return vector_fail(r, at, "profile %s has no feature \"%.40s\"", r->scope.profile->name, name);
    if (bit < 0)
        return vector_fail(r, at, "no profile has a feature \"%.40s\"", name);
    *mask |= VBLK_BIT(bit);
    return true;
}

bool vector_read_feature_set(struct vector_reader *r, const struct vector_path *at, const json_t *value, uint64_t *out)
{
    size_t i;
    json_t *child;

    *out = 0;
    if (!json_is_array(value))
        return vector_fail(r, at, "a list of feature names is due here");
    json_array_foreach(value, i, child) {
        if (!read_feature(r, &(struct vector_path){ at, NULL, i }, child, out))
            return false;
    }
    return true;
}

VECTOR_READER(vector_read_any)
{
    (void)r, (void)at, (void)value, (void)m, (void)into;
    return true;
}

VECTOR_READER(vector_read_number)
{
    uint64_t number = 0;

    if (!vector_read_value(r, at, value, m->width, &number, NULL))
        return false;
    vector_store(into, m, number);
    return true;
}

VECTOR_READER(vector_read_bool)
{
    bool truth = json_is_true(value);

    if (!json_is_boolean(value))
        return vector_fail(r, at, "true or false is due here");
    memcpy((unsigned char *)into + m->offset, &truth, sizeof(truth));
    return true;
}

VECTOR_READER(vector_read_bool_not)
{
    bool truth = !json_is_true(value);

    if (!json_is_boolean(value))
        return vector_fail(r, at, "true or false is due here");
    memcpy((unsigned char *)into + m->offset, &truth, sizeof(truth));
    return true;
}

VECTOR_READER(vector_read_string)
{
    const char *text = "";

    if (!vector_read_text(r, at, value, &text))
        return false;
    memcpy((unsigned char *)into + m->offset, &text, sizeof(text));
    return true;
}

VECTOR_READER(vector_read_word)
{
    const char *text = NULL;

    if (!vector_read_text(r, at, value, &text))
        return false;
    for (const struct vector_word *w = m->more; w->word; w++) {
        if (strcmp(w->word, text) == 0) {
            vector_store(into, m, w->value);
            return true;
        }
    }
    return vector_fail(r, at, "unknown word \"%.40s\"", text);
}

VECTOR_READER(vector_read_features)
{
    uint64_t mask = 0;

    if (!(json_is_array(value) ? vector_read_feature_set(r, at, value, &mask)
                               : vector_read_value(r, at, value, 8, &mask, NULL)))
        return false;
    memcpy((unsigned char *)into + m->offset, &mask, sizeof(mask));
    return true;
}
