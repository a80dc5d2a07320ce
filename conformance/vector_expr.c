/* SPDX-License-Identifier: BSD-3-Clause */
/* Shunting-yard: two fixed stacks, so that no text, however deep, costs stack or time beyond its length. */
#include "vector_expr.h"

#include <vblk/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A value, or why there is none: a failure only counts if the result depends on it (x != 0 && 8 / x > 1). */
struct operand {
    uint64_t value;
    bool known;
    const char *why; /* NULL: fine */
    size_t at;       /* of the operator that failed */
};

typedef const char *(*apply_fn)(uint64_t a, uint64_t b, uint64_t *out);

enum op_kind { OP_BINARY, OP_UNARY, OP_OPEN, OP_CALL };

struct op {
    const char *text;
    uint8_t length;
    uint8_t kind;
    uint8_t level; /* binds tighter when higher */
    apply_fn apply;
};

struct pending {
    const struct op *op;
    size_t at;
    uint8_t commas; /* OP_CALL */
};

struct eval {
    const char *text;
    size_t length, at;
    vector_name_fn name;
    void *ctx;
    struct operand operands[VECTOR_EXPR_DEPTH];
    size_t operand_count;
    struct pending pending[VECTOR_EXPR_DEPTH];
    size_t pending_count;
    struct vector_expr_error *error;
};

static const char too_deep[] = "nested too deeply";

/* Operations that can't fail. */
#define SIMPLE(name, expression)                                                                                       \
    static const char *name(uint64_t a, uint64_t b, uint64_t *out)                                                     \
    {                                                                                                                  \
        (void)b;                                                                                                       \
        *out = (expression);                                                                                           \
        return NULL;                                                                                                   \
    }
SIMPLE(op_or, a | b)
SIMPLE(op_and, a & b)
SIMPLE(op_logical_or, a || b)
SIMPLE(op_logical_and, a && b)
SIMPLE(op_eq, a == b)
SIMPLE(op_ne, a != b)
SIMPLE(op_lt, a < b)
SIMPLE(op_le, a <= b)
SIMPLE(op_gt, a > b)
SIMPLE(op_ge, a >= b)
SIMPLE(op_not, !a)
SIMPLE(op_invert, ~a)
SIMPLE(fn_min, a < b ? a : b)
SIMPLE(fn_max, a > b ? a : b)
SIMPLE(fn_wrap_add, a + b)
SIMPLE(fn_wrap_sub, a - b)
SIMPLE(fn_wrap_mul, a * b)

static const char *op_shl(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = b < 64 ? a << b : 0;
    return b < 64 ? NULL : "shift by 64 bits or more";
}

static const char *op_shr(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = b < 64 ? a >> b : 0;
    return b < 64 ? NULL : "shift by 64 bits or more";
}

static const char *op_add(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = a + b;
    return *out < a ? "sum exceeds 64 bits" : NULL;
}

static const char *op_sub(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = a - b;
    return a < b ? "difference is negative" : NULL;
}

static const char *op_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = a * b;
    return a && *out / a != b ? "product exceeds 64 bits" : NULL;
}

static const char *op_div(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = b ? a / b : 0;
    return b ? NULL : "division by zero";
}

static const char *op_mod(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = b ? a % b : 0;
    return b ? NULL : "division by zero";
}

/* Longer texts first. Unlike C, & and | bind tighter than a comparison. */
static const struct op binary[] = {
    { "||", 2, OP_BINARY, 1, op_logical_or }, { "&&", 2, OP_BINARY, 2, op_logical_and },
    { "==", 2, OP_BINARY, 3, op_eq },         { "!=", 2, OP_BINARY, 3, op_ne },
    { "<<", 2, OP_BINARY, 6, op_shl },        { ">>", 2, OP_BINARY, 6, op_shr },
    { "<=", 2, OP_BINARY, 3, op_le },         { ">=", 2, OP_BINARY, 3, op_ge },
    { "<", 1, OP_BINARY, 3, op_lt },          { ">", 1, OP_BINARY, 3, op_gt },
    { "|", 1, OP_BINARY, 4, op_or },          { "&", 1, OP_BINARY, 5, op_and },
    { "+", 1, OP_BINARY, 7, op_add },         { "-", 1, OP_BINARY, 7, op_sub },
    { "*", 1, OP_BINARY, 8, op_mul },         { "/", 1, OP_BINARY, 8, op_div },
    { "%", 1, OP_BINARY, 8, op_mod },         { NULL, 0, 0, 0, NULL },
};
static const struct op unary[] = {
    { "~", 1, OP_UNARY, 9, op_invert },
    { "!", 1, OP_UNARY, 9, op_not },
    { "(", 1, OP_OPEN, 0, NULL },
    { NULL, 0, 0, 0, NULL },
};
static const struct op functions[] = {
    { "min", 3, OP_CALL, 0, fn_min },
    { "max", 3, OP_CALL, 0, fn_max },
    { "wrap_add", 8, OP_CALL, 0, fn_wrap_add },
    { "wrap_sub", 8, OP_CALL, 0, fn_wrap_sub },
    { "wrap_mul", 8, OP_CALL, 0, fn_wrap_mul },
    { NULL, 0, 0, 0, NULL },
};

static bool fail(struct eval *e, size_t at, const char *format, ...) VBLK_PRINTF(3, 4);

static bool fail(struct eval *e, size_t at, const char *format, ...)
{
    va_list args;

    e->error->at = at;
    va_start(args, format);
    (void)vsnprintf(e->error->reason, sizeof(e->error->reason), format, args);
    va_end(args);
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const struct op *match(const struct op *table, const struct eval *e)
{
    for (; table->text; table++) {
        if (e->length - e->at >= table->length && memcmp(e->text + e->at, table->text, table->length) == 0)
            return table;
    }
    return NULL;
}

static void skip_blanks(struct eval *e)
{
    while (e->at < e->length && e->text[e->at] == ' ')
        e->at++;
}

static bool push_operand(struct eval *e, struct operand operand)
{
    if (e->operand_count == VECTOR_EXPR_DEPTH)
        return fail(e, e->at, too_deep);
    e->operands[e->operand_count++] = operand;
    return true;
}

static bool push_op(struct eval *e, const struct op *op, size_t at)
{
    if (e->pending_count == VECTOR_EXPR_DEPTH)
        return fail(e, at, too_deep);
    e->pending[e->pending_count++] = (struct pending){ op, at, 0 };
    return true;
}

/* Whether the left side alone settles a logical operator. */
static bool settled(const struct op *op, struct operand left)
{
    if (!left.known || left.why)
        return false;
    return (op->apply == op_logical_or && left.value) || (op->apply == op_logical_and && !left.value);
}

static void apply(struct eval *e, const struct pending *p)
{
    bool one = p->op->kind == OP_UNARY;
    struct operand right = e->operands[--e->operand_count];
    struct operand left = one ? right : e->operands[--e->operand_count];
    struct operand result = { .known = true };

    if (!one && settled(p->op, left)) {
        result.value = left.value != 0;
    } else if (left.why || right.why) {
        result = left.why ? left : right;
    } else if (!left.known || !right.known) {
        result.known = false;
    } else {
        result.why = p->op->apply(left.value, right.value, &result.value);
        result.at = p->at;
    }
    e->operands[e->operand_count++] = result;
}

/* Apply what waits on the stack and binds at least as tightly as @level. */
static void reduce(struct eval *e, uint8_t level)
{
    while (e->pending_count) {
        const struct pending *top = &e->pending[e->pending_count - 1];

        if (top->op->kind >= OP_OPEN || top->op->level < level)
            return;
        e->pending_count--;
        apply(e, top);
    }
}

static int digit_of(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static bool read_number(struct eval *e)
{
    size_t start = e->at;
    bool hex = e->length - start > 2 && e->text[start] == '0' && e->text[start + 1] == 'x';
    uint64_t base = hex ? 16 : 10, value = 0;

    if (!hex && e->text[start] == '0' && start + 1 < e->length && is_digit(e->text[start + 1]))
        return fail(e, start, "a decimal number has no leading zero");
    for (e->at += hex ? 2 : 0; e->at < e->length && (uint64_t)digit_of(e->text[e->at]) < base; e->at++) {
        uint64_t digit = (uint64_t)digit_of(e->text[e->at]);

        if (value > (UINT64_MAX - digit) / base)
            return fail(e, start, "number exceeds 64 bits");
        value = value * base + digit;
    }
    if ((e->at < e->length && (is_letter(e->text[e->at]) || is_digit(e->text[e->at]))) || (hex && e->at == start + 2))
        return fail(e, start, "malformed number");
    return push_operand(e, (struct operand){ .value = value, .known = true });
}

/* A name, or a function with its opening parenthesis (then *called). */
static bool read_name(struct eval *e, bool *called)
{
    struct operand operand = { 0 };
    size_t start = e->at, length;

    while (e->at < e->length && (is_letter(e->text[e->at]) || is_digit(e->text[e->at])))
        e->at++;
    length = e->at - start;
    skip_blanks(e);
    if (e->at < e->length && e->text[e->at] == '(') {
        for (const struct op *f = functions; f->text; f++) {
            if (f->length == length && memcmp(f->text, e->text + start, length) == 0) {
                e->at++;
                *called = true;
                return push_op(e, f, start);
            }
        }
        return fail(e, start, "unknown function \"%.*s\"", (int)(length < 40 ? length : 40), e->text + start);
    }
    switch (e->name ? e->name(e->ctx, e->text + start, length, &operand.value) : VECTOR_NAME_NONE) {
    case VECTOR_NAME_KNOWN:
        operand.known = true;
        break;
    case VECTOR_NAME_UNKNOWN:
        break;
    default:
        return fail(e, start, "unknown name \"%.*s\"", (int)(length < 40 ? length : 40), e->text + start);
    }
    return push_operand(e, operand);
}

/* An operand is due. *more tells whether one is still due afterwards. */
static bool read_operand(struct eval *e, bool *more)
{
    const struct op *op = match(unary, e);

    *more = false;
    if (op) {
        size_t at = e->at++;

        *more = true;
        return push_op(e, op, at);
    }
    if (e->at == e->length)
        return fail(e, e->at, "the expression ends where a value is due");
    if (is_digit(e->text[e->at]))
        return read_number(e);
    if (is_letter(e->text[e->at]))
        return read_name(e, more);
    return fail(e, e->at, "a value is due here");
}

static bool close_parenthesis(struct eval *e)
{
    struct pending top;

    reduce(e, 0);
    if (!e->pending_count)
        return fail(e, e->at, "unmatched \")\"");
    top = e->pending[--e->pending_count];
    if (top.op->kind == OP_CALL) {
        if (top.commas != 1)
            return fail(e, top.at, "\"%s\" takes two arguments", top.op->text);
        apply(e, &top);
    }
    e->at++;
    return true;
}

/* An operator is due. *more tells whether an operand is due afterwards. */
static bool read_operator(struct eval *e, bool *more)
{
    const struct op *op = match(binary, e);

    *more = true;
    if (op) {
        reduce(e, op->level);
        if (!push_op(e, op, e->at))
            return false;
        e->at += op->length;
        return true;
    }
    if (e->text[e->at] == ')') {
        *more = false;
        return close_parenthesis(e);
    }
    if (e->text[e->at] == ',') {
        reduce(e, 0);
        if (!e->pending_count || e->pending[e->pending_count - 1].op->kind != OP_CALL)
            return fail(e, e->at, "a comma outside a call");
        if (++e->pending[e->pending_count - 1].commas > 1)
            return fail(e, e->at, "too many arguments");
        e->at++;
        return true;
    }
    return fail(e, e->at, "an operator is due here");
}

bool vector_eval(const char *text, size_t length, vector_name_fn name, void *ctx, struct vector_value *out,
                 struct vector_expr_error *error)
{
    struct eval e = { .text = text, .length = length, .name = name, .ctx = ctx, .error = error };
    bool due = true;

    *out = (struct vector_value){ 0 };
    for (skip_blanks(&e); due || e.at < length; skip_blanks(&e)) {
        if (!(due ? read_operand(&e, &due) : read_operator(&e, &due)))
            return false;
    }
    reduce(&e, 0);
    if (e.pending_count)
        return fail(&e, e.pending[e.pending_count - 1].at, "unmatched \"(\"");
    if (e.operands[0].why)
        return fail(&e, e.operands[0].at, "%s", e.operands[0].why);
    out->value = e.operands[0].value;
    out->known = e.operands[0].known;
    return true;
}
