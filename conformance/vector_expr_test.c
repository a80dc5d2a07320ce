/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector_expr.h"

static enum vector_known name_of(void *ctx, const char *name, size_t length, uint64_t *value)
{
    (void)ctx;
    *value = 10;
    if (length == 3 && memcmp(name, "ten", 3) == 0)
        return VECTOR_NAME_KNOWN;
    return length == 4 && memcmp(name, "zero", 4) == 0 ? *value = 0, VECTOR_NAME_KNOWN
       : length == 3 && memcmp(name, "who", 3) == 0    ? VECTOR_NAME_UNKNOWN
                                                       : VECTOR_NAME_NONE;
}

static void expression__precedence_and_edges(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        { "1 + 2 * 3", 7 },
        { "(1 + 2) * 3", 9 },
        { "7 - 2 - 1", 4 },
        { "100 / 10 / 5", 2 },
        { "7 % 4 * 2", 6 },
        { "1 << 2 + 1", 8 },
        { "1 | 2 << 1", 5 },
        { "6 & 3 == 2", 1 },
        { "1 | 4 & 6", 5 },
        { "1 < 2 && 2 < 1 || 3 >= 3", 1 },
        { "1 == 1 != 0", 1 },
        { "5 > 5", 0 },
        { "5 <= 5", 1 },
        { "!0 + !7", 1 },
        { "!!ten", 1 },
        { "~0", UINT64_MAX },
        { "~0 >> 63", 1 },
        { "0xffffffffffffffff", UINT64_MAX },
        { "18446744073709551615", UINT64_MAX },
        { "0xFf", 255 },
        { "1 << 63 << 1", 0 },
        { "3 << 63", (uint64_t)1 << 63 },
        { "min(ten, 3) + max(1, min(2, 5))", 5 },
        { "wrap_add(~0, 2)", 1 },
        { "wrap_sub(0, 1)", UINT64_MAX },
        { "wrap_mul(1 << 63, 2)", 0 },
        { "~min(0, 1)", UINT64_MAX },
        { "zero != 0 && 8 / zero > 1", 0 },
        { "zero == 0 || 8 / zero > 1", 1 },
        { "  ten  ", 10 },
    };
    struct vector_expr_error error;
    struct vector_value value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!vector_eval(rows[i].text, strlen(rows[i].text), name_of, NULL, &value, &error))
            fail_msg("%s: %s", rows[i].text, error.reason);
        if (!value.known || value.value != rows[i].value)
            fail_msg("%s is %llu", rows[i].text, (unsigned long long)value.value);
    }
}

static void expression__mistakes_are_located(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *reason;
    } rows[] = {
        { "", 0, "ends where a value is due" },
        { "1 +", 3, "ends where a value is due" },
        { "1 2", 2, "an operator is due" },
        { "* 2", 0, "a value is due" },
        { "(1 + 2", 0, "unmatched \"(\"" },
        { "1 + 2)", 5, "unmatched \")\"" },
        { "()", 1, "a value is due" },
        { "nobody + 1", 0, "unknown name \"nobody\"" },
        { "1 + sin(2)", 4, "unknown function \"sin\"" },
        { "min(1)", 0, "takes two arguments" },
        { "min(1, 2, 3)", 8, "too many arguments" },
        { "1, 2", 1, "a comma outside a call" },
        { "(1, 2)", 2, "a comma outside a call" },
        { "ten / zero", 4, "division by zero" },
        { "ten % 0", 4, "division by zero" },
        { "1 - 2", 2, "difference is negative" },
        { "~0 + 1", 3, "sum exceeds" },
        { "~0 * 2", 3, "product exceeds" },
        { "1 << 64", 2, "shift by 64" },
        { "1 >> 64", 2, "shift by 64" },
        { "18446744073709551616", 0, "number exceeds 64 bits" },
        { "0x10000000000000000", 0, "number exceeds 64 bits" },
        { "0x", 0, "malformed number" },
        { "0xg", 0, "malformed number" },
        { "010", 0, "no leading zero" },
        { "12a", 0, "malformed number" },
        { "ten = 10", 4, "an operator is due" },
        { "\xc3\xa4", 0, "a value is due" },
        { "-1", 0, "a value is due" },
    };
    struct vector_expr_error error;
    struct vector_value value;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (vector_eval(rows[i].text, strlen(rows[i].text), name_of, NULL, &value, &error))
            fail_msg("%s was taken", rows[i].text);
        if (!strstr(error.reason, rows[i].reason) || error.at != rows[i].at)
            fail_msg("%s: %zu: %s", rows[i].text, error.at, error.reason);
    }
    assert_false(vector_eval("ten", 3, NULL, NULL, &value, &error));
}

static void expression__unknown_values_stay_unknown(void **state)
{
    struct vector_expr_error error;
    struct vector_value value;

    (void)state;
    assert_true(vector_eval("1 + who / 0 * 0", 7, name_of, NULL, &value, &error));
    assert_false(value.known);
    assert_true(vector_eval("0 && who", 8, name_of, NULL, &value, &error));
    assert_true(value.known);
    assert_true(vector_eval("8 / who", 7, name_of, NULL, &value, &error));
    assert_false(value.known);
}

static void expression__depth_is_bounded(void **state)
{
    struct vector_expr_error error;
    struct vector_value value;
    char text[8192];

    (void)state;
    memset(text, '(', sizeof(text));
    assert_false(vector_eval(text, sizeof(text), name_of, NULL, &value, &error));
    assert_string_equal(error.reason, "nested too deeply");
    memset(text, '!', sizeof(text));
    assert_false(vector_eval(text, sizeof(text), name_of, NULL, &value, &error));
    memset(text, '(', 60);
    text[60] = '1';
    memset(text + 61, ')', 60);
    assert_true(vector_eval(text, 121, name_of, NULL, &value, &error));
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "1+", 2);
    assert_true(vector_eval(text, sizeof(text) - 1, name_of, NULL, &value, &error));
    assert_int_equal(value.value, sizeof(text) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expression__precedence_and_edges),
        cmocka_unit_test(expression__mistakes_are_located),
        cmocka_unit_test(expression__unknown_values_stay_unknown),
        cmocka_unit_test(expression__depth_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
