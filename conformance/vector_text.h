/* SPDX-License-Identifier: BSD-3-Clause */
/* Where in a JSON text a value lies: jansson's trees don't say. */
#ifndef CONFORMANCE_VECTOR_TEXT_H
#define CONFORMANCE_VECTOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A way down a JSON tree, innermost first: members by key, elements by index (key NULL). */
struct vector_path {
    const struct vector_path *up; /* NULL: the root */
    const char *key;
    size_t index;
};

/* "/cases/0/name"; "" for the root. Cut short if it doesn't fit. */
void vector_path_print(const struct vector_path *path, char *out, size_t size);

/*
 * Offset of the value (or, @at_key, of the member's key) at @path in well-formed @text; of the nearest ancestor if
 * there is none.
 */
size_t vector_text_find(const char *text, size_t length, const struct vector_path *path, bool at_key);
/* Line and column, both from 1; columns count characters of UTF-8. */
void vector_text_position(const char *text, size_t length, size_t at, int *line, int *column);

#define VECTOR_FILE_MAX (4u << 20)
/* The bytes of a file and a NUL behind them, to be freed; NULL with a phrase in @why. */
char *vector_text_read(const char *path, size_t *length, const char **why);

#endif /* CONFORMANCE_VECTOR_TEXT_H */
