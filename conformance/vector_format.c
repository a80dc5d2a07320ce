/* SPDX-License-Identifier: BSD-3-Clause */
/* The canonical layout: members in a fixed order, 120 columns, one step a line where it fits. */
#include "vector_read.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 120

/* Members in the order in which people read them; others keep their own order, behind these. */
static const char *const case_order[] = {
    "vector", "clause", "summary", "name", "kind", "expect", "also", "what", "consequence", "flags", "exercises",
    "changes_disk", "long_run", "profiles", "needs", "device", "puppet", "negotiate", "queue_size", "queues", "sweep",
    "cases", "steps", NULL,
};
static const char *const order[] = {
    "do", "dev", "name", "of", "times", "steps", "features", "lacks", "add", "remove", "only", "without", "config",
    "host", "reg", "queue", "part", "type", "sector", "num_sectors", "sectors", "size", "out", "segments", "in",
    "field", "at", "index", "slot", "idx", "addr", "offset", "hex", "pattern", "fill", "le16", "le32", "le64", "length",
    "status", "len", "flags", "next", "data", "value", "mask", "note", NULL,
};
/* The order of their members means something, or is the author's business. */
static const char *const kept[] = { "sweep", "config", "device", "puppet", NULL };
/* Always one element a line. */
static const char *const spread[] = { "cases", "steps", NULL };

struct text {
    char *bytes;
    size_t length, room;
    bool failed;
};

static void put(struct text *t, const char *bytes, size_t length)
{
    if (t->length + length + 1 > t->room) {
        size_t room = 2 * (t->room + length) + 256;
        char *grown = t->failed ? NULL : realloc(t->bytes, room);

        if (!grown) {
            t->failed = true;
            return;
        }
        t->bytes = grown;
        t->room = room;
    }
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = '\0';
}

static void put_text(struct text *t, const char *text)
{
    put(t, text, strlen(text));
}

static void put_line(struct text *t, size_t indent)
{
    put_text(t, "\n");
    for (size_t i = 0; i < indent; i++)
        put_text(t, " ");
}

static size_t place_in(const char *const *list, const char *key)
{
    size_t i = 0;

    while (list[i] && !(key && strcmp(list[i], key) == 0))
        i++;
    return i;
}

static bool is_in(const char *const *list, const char *key)
{
    return list[place_in(list, key)] != NULL;
}

static void put_scalar(struct text *t, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (text)
        put_text(t, text);
    t->failed = t->failed || !text;
    free(text);
}

/* A container's children in canonical order. */
struct child {
    const char *key; /* NULL: an element */
    json_t *value;
    size_t place;
};

static struct child *children_of(json_t *value, const char *name, size_t *count)
{
    size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value), i;
    struct child *list = calloc(n + 1, sizeof(*list));
    const char *const *by = json_object_get(value, "vector") || json_object_get(value, "kind") ? case_order : order;
    const char *key;
    json_t *child;

    *count = 0;
    if (!list)
        return NULL;
    json_array_foreach(value, i, child)
        list[(*count)++] = (struct child){ NULL, child, 0 };
    json_object_foreach(value, key, child) {
        struct child c = { key, child, is_in(kept, name) ? 0 : place_in(by, key) };
        size_t at = (*count)++;

        for (; at && list[at - 1].place > c.place; at--)
            list[at] = list[at - 1];
        list[at] = c;
    }
    return list;
}

static void put_key(struct text *t, const struct child *child)
{
    json_t *key = child->key ? json_string(child->key) : NULL;

    if (!key)
        return;
    put_scalar(t, key);
    put_text(t, ": ");
    json_decref(key);
}

/* Files that were checked are shallow, so recursion is bounded by the format. */
static void put_flat(struct text *t, json_t *value, const char *name)
{
    struct child *list;
    size_t count;

    if (!json_is_object(value) && !json_is_array(value)) {
        put_scalar(t, value);
        return;
    }
    list = children_of(value, name, &count);
    t->failed = t->failed || !list;
    put_text(t, json_is_object(value) ? count ? "{ " : "{" : "[");
    for (size_t i = 0; i < count; i++) {
        put_text(t, i ? ", " : "");
        put_key(t, &list[i]);
        put_flat(t, list[i].value, list[i].key);
    }
    put_text(t, json_is_object(value) ? count ? " }" : "}" : "]");
    free(list);
}

static size_t flat_length(struct text *t, json_t *value, const char *name)
{
    struct text scratch = { 0 };
    size_t length;

    put_flat(&scratch, value, name);
    t->failed = t->failed || scratch.failed;
    length = scratch.length;
    free(scratch.bytes);
    return length;
}

static size_t column(const struct text *t)
{
    size_t at = t->length;

    while (at && t->bytes[at - 1] != '\n')
        at--;
    return t->length - at;
}

static bool all_short(struct text *t, const struct child *list, size_t count, size_t indent)
{
    for (size_t i = 0; i < count; i++) {
        size_t key = list[i].key ? strlen(list[i].key) + 4 : 0;

        if (indent + key + flat_length(t, list[i].value, list[i].key) + 2 > COLUMNS)
            return false;
    }
    return true;
}

static void put_value(struct text *t, json_t *value, const char *name, size_t indent, bool must_spread);

/* Several children a line, as many as fit. */
static void put_filled(struct text *t, const struct child *list, size_t count, size_t indent)
{
    for (size_t i = 0; i < count; i++) {
        size_t key = list[i].key ? strlen(list[i].key) + 4 : 0;
        size_t need = key + flat_length(t, list[i].value, list[i].key);

        if (i == 0 || column(t) + need + 3 > COLUMNS)
            put_line(t, indent);
        else
            put_text(t, " ");
        put_key(t, &list[i]);
        put_flat(t, list[i].value, list[i].key);
        put_text(t, i + 1 < count ? "," : "");
    }
}

static void put_value(struct text *t, json_t *value, const char *name, size_t indent, bool must_spread)
{
    bool container = json_is_object(value) || json_is_array(value), object = json_is_object(value);
    struct child *list;
    size_t count;

    if (!container || (!must_spread && column(t) + flat_length(t, value, name) + 1 <= COLUMNS)) {
        put_flat(t, value, name);
        return;
    }
    list = children_of(value, name, &count);
    t->failed = t->failed || !list;
    put_text(t, object ? "{" : "[");
    if (!must_spread && all_short(t, list, count, indent + 2)) {
        put_filled(t, list, count, indent + 2);
    } else {
        for (size_t i = 0; i < count; i++) {
            /* Below the root: its cases, and each case's steps. */
            bool further = list[i].key ? is_in(spread, list[i].key) : name && strcmp(name, "cases") == 0;

            put_line(t, indent + 2);
            put_key(t, &list[i]);
            put_value(t, list[i].value, list[i].key, indent + 2, further);
            put_text(t, i + 1 < count ? "," : "");
        }
    }
    put_line(t, indent);
    put_text(t, object ? "}" : "]");
    free(list);
}

char *vector_format(const struct vector_file *file)
{
    struct text t = { 0 };

    put_value(&t, file->root, NULL, 0, true);
    put_text(&t, "\n");
    if (!t.failed)
        return t.bytes;
    free(t.bytes);
    return NULL;
}
