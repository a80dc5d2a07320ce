/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_DEPTH 32

struct cursor {
    const char *text;
    size_t length, at;
};

void vector_path_print(const struct vector_path *path, char *out, size_t size)
{
    const struct vector_path *chain[PATH_DEPTH];
    size_t n = 0, used = 0;

    for (; path && n < PATH_DEPTH; path = path->up)
        chain[n++] = path;
    out[0] = '\0';
    while (n-- && used < size) {
        const struct vector_path *p = chain[n];
        int got = p->key ? snprintf(out + used, size - used, "/%s", p->key)
                         : snprintf(out + used, size - used, "/%zu", p->index);

        used += got > 0 ? (size_t)got : 0;
    }
}

static char peek(const struct cursor *c)
{
    return c->at < c->length ? c->text[c->at] : '\0';
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->length && strchr(" \t\r\n", c->text[c->at]) && c->text[c->at])
        c->at++;
}

/* From an opening quote to behind the closing one. */
static void skip_string(struct cursor *c)
{
    for (c->at++; c->at < c->length && c->text[c->at] != '"'; c->at++)
        c->at += c->text[c->at] == '\\';
    c->at++;
}

/* Over a whole value, nested ones included, without recursion. */
static void skip_value(struct cursor *c)
{
    size_t depth = 0;

    while (c->at < c->length) {
        char ch = peek(c);

        if (depth == 0 && strchr(",]}", ch))
            return;
        if (ch == '"') {
            skip_string(c);
        } else {
            depth += ch == '{' || ch == '[';
            depth -= ch == '}' || ch == ']';
            c->at++;
        }
        if (depth == 0 && (ch == '"' || ch == '}' || ch == ']'))
            return;
    }
}

/* Past the comma that may follow a value. Whether there is a next one. */
static bool next(struct cursor *c)
{
    skip_blanks(c);
    if (peek(c) != ',')
        return false;
    c->at++;
    skip_blanks(c);
    return true;
}

/* The member @key of the object at the cursor. Keys that need escapes are never ours: they don't match. */
static bool enter_member(struct cursor *c, const char *key, bool at_key)
{
    size_t length = strlen(key);

    if (peek(c) != '{')
        return false;
    c->at++;
    skip_blanks(c);
    if (peek(c) != '"')
        return false;
    do {
        size_t start = c->at;
        bool same;

        skip_string(c);
        same = c->at - start == length + 2 && memcmp(c->text + start + 1, key, length) == 0;
        if (same && at_key) {
            c->at = start;
            return true;
        }
        skip_blanks(c);
        c->at++; /* the colon */
        skip_blanks(c);
        if (same)
            return true;
        skip_value(c);
    } while (next(c));
    return false;
}

static bool enter_element(struct cursor *c, size_t index)
{
    if (peek(c) != '[')
        return false;
    c->at++;
    skip_blanks(c);
    for (; index && c->at < c->length; index--) {
        skip_value(c);
        if (!next(c))
            return false;
    }
    return peek(c) != ']';
}

size_t vector_text_find(const char *text, size_t length, const struct vector_path *path, bool at_key)
{
    const struct vector_path *chain[PATH_DEPTH];
    struct cursor c = { text, length, 0 };
    size_t n = 0, found;

    for (; path && n < PATH_DEPTH; path = path->up)
        chain[n++] = path;
    skip_blanks(&c);
    for (found = c.at; n--; found = c.at) {
        if (!(chain[n]->key ? enter_member(&c, chain[n]->key, at_key && n == 0) : enter_element(&c, chain[n]->index)))
            break;
    }
    return found;
}

void vector_text_position(const char *text, size_t length, size_t at, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at && i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '\n') {
            ++*line;
            *column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

char *vector_text_read(const char *path, size_t *length, const char **why)
{
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(VECTOR_FILE_MAX + 1) : NULL, *trimmed;

    *length = 0;
    *why = strerror(errno);
    if (text) {
        *length = fread(text, 1, VECTOR_FILE_MAX + 1, file);
        *why = ferror(file) ? strerror(errno) : *length > VECTOR_FILE_MAX ? "larger than 4 MiB" : NULL;
    }
    if (file)
        (void)fclose(file);
    if (text && *why) {
        free(text);
        return NULL;
    }
    if (text)
        text[*length] = '\0';
    trimmed = text ? realloc(text, *length + 1) : NULL;
    return trimmed ? trimmed : text;
}
