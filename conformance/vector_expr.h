/* SPDX-License-Identifier: BSD-3-Clause */
/* Expressions of test vectors: unsigned, 64 bits, wrapping only where asked for. docs/vectors.md has the rules. */
#ifndef CONFORMANCE_VECTOR_EXPR_H
#define CONFORMANCE_VECTOR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Operands and operators that may wait at once; parentheses, unary operators and calls count. */
#define VECTOR_EXPR_DEPTH 64

enum vector_known {
    VECTOR_NAME_NONE,    /* no such name */
    VECTOR_NAME_UNKNOWN, /* a name, but its value depends on the target */
    VECTOR_NAME_KNOWN
};

/* What a name stands for. @name is not terminated. */
typedef enum vector_known (*vector_name_fn)(void *ctx, const char *name, size_t length, uint64_t *value);

struct vector_value {
    uint64_t value;
    bool known;       /* false: the expression is sound but its value depends on the target */
};

struct vector_expr_error {
    size_t at;        /* offset in the text */
    char reason[128];
};

bool vector_eval(const char *text, size_t length, vector_name_fn name, void *ctx, struct vector_value *out,
                 struct vector_expr_error *error);

#endif /* CONFORMANCE_VECTOR_EXPR_H */
