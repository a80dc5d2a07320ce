/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector.h"
#include "vector_expr.h"
#include "vector_lint.h"
#include "vector_read.h"

#define HEAD                                                                                                           \
    "{\n"                                                                                                              \
    " \"vector\": 1, \"clause\": \"PROV-DEV-01\", \"summary\": \"s\", \"consequence\": \"c\",\n"                       \
    " \"cases\": [\n"
#define TARGET "{ \"name\": \"a\", \"kind\": \"target\", \"what\": \"w\",\n"
#define EVENTS "{ \"name\": \"a\", \"kind\": \"events\", \"expect\": \"broken\", \"what\": \"w\",\n"
#define TAIL   "\n} ] }\n"
#define START  "{ \"do\": \"start\" }"
/* A target case with these steps, each on a line of its own from line 6 on. */
#define STEPS(steps) HEAD TARGET "\"changes_disk\": true, \"steps\": [\n" steps "\n]" TAIL
#define DEV_STEPS(steps) HEAD EVENTS "\"steps\": [\n" steps "\n]" TAIL
#define IN_STEP "{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\" }"

static struct vector_file *load(const char *text)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text(text, strlen(text), "test.json", &error);

    if (!file)
        fail_msg("%d:%d: %s\n%s", error.line, error.column, error.reason, text);
    return file;
}

/* What a target with round numbers announces. */
static struct vector_env env_of(uint64_t capacity, uint16_t queue_max)
{
    const struct vblk_profile *profile = vblk_profile_default();
    struct vblk_device_options options = { .profile = *profile, .capacity = capacity, .queue_max = queue_max,
                                           .num_queues = 2, .max_provision_sectors = 0x01020304,
                                           .max_provision_seg = 5, .blk_size = 4096 };
    struct vector_env env;

    options.features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_BLK_SIZE) | VBLK_BIT(VBLK_F_FLUSH) |
                       VBLK_BIT(profile->provision_bit);
    vector_env_of_device(&options, ~(uint64_t)0, &env);
    return env;
}

static struct vector_script *resolve(const struct vector_file *file, size_t i, size_t n, const struct vector_env *env)
{
    char why[256];
    struct vector_script *script = vector_resolve(file, i, n, env, why, sizeof(why));

    if (!script)
        fail_msg("not resolved: %s", why);
    return script;
}

/* Expressions */
static enum vector_known name_of(void *ctx, const char *name, size_t length, uint64_t *value)
{
    (void)ctx;
    *value = 10;
    if (length == 3 && memcmp(name, "ten", 3) == 0)
        return VECTOR_NAME_KNOWN;
    return length == 4 && memcmp(name, "zero", 4) == 0 ? *value = 0, VECTOR_NAME_KNOWN
           : length == 3 && memcmp(name, "who", 3) == 0 ? VECTOR_NAME_UNKNOWN : VECTOR_NAME_NONE;
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

/* Files that are rejected: where and why. */
struct rejection {
    const char *text;
    int line, column;
    const char *reason;
};

static bool is_rejected(const struct rejection *row)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text(row->text, strlen(row->text), "x.json", &error);

    if (file) {
        vector_free(file);
        print_error("taken, but should not be (%s):\n%s", row->reason, row->text);
        return false;
    }
    if (error.line == row->line && error.column == row->column && strstr(error.reason, row->reason))
        return strcmp(error.file, "x.json") == 0;
    print_error("%d:%d: %s, not %d:%d: %s\n%s", error.line, error.column, error.reason, row->line, row->column,
                row->reason, row->text);
    return false;
}

#define REJECTED(...)                                                                                                  \
    static const struct rejection rows[] = { __VA_ARGS__ };                                                            \
    size_t wrong = 0;                                                                                                  \
    (void)state;                                                                                                       \
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)                                                        \
        wrong += !is_rejected(&rows[i]);                                                                               \
    assert_int_equal(wrong, 0)

static void rejected__syntax_and_root(void **state)
{
    REJECTED(
        { "", 1, 1, "'[' or '{' expected" },
        { "{\n \"a\": 1,\n \"a\": 2 }", 3, 4, "duplicate object key" },
        { "[1,\n  2,,]", 2, 5, "unexpected token" },
        { "[]", 1, 1, "an object is due here" },
        { "{\n  \"who\": 1 }", 2, 3, "/who: unknown member \"who\"" },
        { "{ \"vector\": 2,\n \"clause\": \"x\", \"summary\": \"s\", \"consequence\": \"c\", \"cases\": [] }", 1, 13,
          "/vector: version 1" },
        { "{ \"vector\": -1 }", 1, 13, "a number is not negative" },
        { "{ \"vector\": 1.5 }", 1, 13, "a number is due here" },
        { "{ \"vector\": 99999999999999999999 }", 1, 32, "too big integer" },
        { "{ \"vector\": 1,\n \"clause\": \"NO-01\", \"summary\": \"s\", \"consequence\": \"c\", \"cases\": [] }", 2, 12,
          "/clause: no clause \"NO-01\"" },
        { "{ \"vector\": 1, \"clause\": 7 }", 1, 26, "/clause: a string is due here" },
        { "{ \"vector\": 1, \"clause\": \"PROV-DEV-01\" }", 1, 1, "member \"summary\" is missing" },
        { HEAD "] }", 3, 11, "/cases: a list of cases" },
        { HEAD "3 ] }", 4, 1, "/cases/0: an object is due here" });
}

static void rejected__cases(void **state)
{
    REJECTED(
        { HEAD TARGET "\"steps\": [] }, 7 ] }", 5, 10, "/cases/0/steps: a list of steps" },
        { HEAD "{ \"name\": \"Big\", \"kind\": \"target\", \"what\": \"w\", \"steps\": [" START "] } ] }", 4, 11,
          "/cases/0/name: a case's name is lower-case words" },
        { HEAD "{ \"name\": \"a\", \"kind\": \"strange\" } ] }", 4, 24, "/cases/0/kind: unknown word \"strange\"" },
        { HEAD TARGET "\"expect\": \"held\", \"steps\": [" START "]" TAIL, 4, 1, "\"expect\", \"also\" and \"puppet\"" },
        { HEAD "{ \"name\": \"a\", \"kind\": \"events\", \"what\": \"w\", \"steps\": [" START "]" TAIL, 4, 1,
          "says what to \"expect\"" },
        { HEAD EVENTS "\"needs\": {}, \"steps\": [" START "]" TAIL, 4, 1, "about a target" },
        { HEAD TARGET "\"flags\": [\"must\", \"nice\"], \"steps\": [" START "]" TAIL, 5, 19, "/cases/0/flags/1: unknown flag" },
        { HEAD TARGET "\"exercises\": [\"NO-1\"], \"steps\": [" START "]" TAIL, 5, 15, "no clause \"NO-1\"" },
        { HEAD TARGET "\"profiles\": [\"1.1\"], \"steps\": [" START "]" TAIL, 5, 14, "no such profile" },
        { HEAD TARGET "\"profiles\": [], \"steps\": [" START "]" TAIL, 5, 13, "a list of profiles" },
        { HEAD TARGET "\"needs\": { \"features\": [\"FLUX\"] }, \"steps\": [" START "]" TAIL, 5, 25,
          "/cases/0/needs/features/0: no profile has a feature \"FLUX\"" },
        { HEAD TARGET "\"needs\": { \"host\": [\"kick\"] }, \"steps\": [" START "]" TAIL, 5, 21, "unknown word \"kick\"" },
        { HEAD TARGET "\"needs\": { \"config\": [\"capacity >= lots\"] }, \"steps\": [" START "]" TAIL, 5, 36,
          "unknown name \"lots\"" },
        { HEAD TARGET "\"needs\": { \"config\": [7] }, \"steps\": [" START "]" TAIL, 5, 23, "a condition is a string" },
        { HEAD TARGET "\"negotiate\": { \"only\": [], \"without\": [] }, \"steps\": [" START "]" TAIL, 5, 14,
          "\"only\" and \"without\" exclude" },
        { HEAD TARGET "\"device\": { \"colour\": 1 }, \"steps\": [" START "]" TAIL, 5, 13, "unknown member \"colour\"" },
        { HEAD TARGET "\"device\": { \"serial\": \"123456789012345678901\" }, \"steps\": [" START "]" TAIL, 5, 23,
          "at most 20 bytes" },
        { HEAD TARGET "\"device\": { \"queue_max\": 65536 }, \"steps\": [" START "]" TAIL, 5, 26,
          "65536 does not fit into 16 bits" },
        { HEAD TARGET "\"device\": { \"readings\": [\"AMB-02=odd\"] }, \"steps\": [" START "]" TAIL, 5, 26,
          "/cases/0/device/readings/0: " },
        { HEAD EVENTS "\"puppet\": { \"config\": { \"mood\": 1 } }, \"steps\": [" START "]" TAIL, 5, 25,
          "no configuration field \"mood\"" },
        { HEAD EVENTS "\"puppet\": { \"config_length\": 257 }, \"steps\": [" START "]" TAIL, 5, 30, "more than 256" },
        { HEAD TARGET "\"queue_size\": \"1 << 16\", \"steps\": [" START "]" TAIL, 5, 15, "does not fit into 16 bits" },
        { HEAD TARGET "\"long_run\": 1, \"steps\": [" START "]" TAIL, 5, 13, "true or false" },
        { HEAD TARGET "\"steps\": [" START "] },\n" TARGET "\"steps\": [" START "]" TAIL, 6, 11,
          "/cases/1/name: \"a\" is the name of an earlier case" },
        { HEAD TARGET "\"steps\": [" IN_STEP ", { \"do\": \"submit\", \"name\": \"w\", \"type\": \"OUT\" }]" TAIL, 4, 1,
          "say whether the case changes_disk" });
}

static void rejected__sweeps(void **state)
{
    REJECTED(
        { HEAD TARGET "\"sweep\": { \"b\": \"3..1\" }, \"steps\": [" START "]" TAIL, 5, 17, "the range is empty" },
        { HEAD TARGET "\"sweep\": { \"b\": \"3\" }, \"steps\": [" START "]" TAIL, 5, 17, "a range \"first..last\"" },
        { HEAD TARGET "\"sweep\": { \"b\": \"1..x\" }, \"steps\": [" START "]" TAIL, 5, 17, "unknown name \"x\"" },
        { HEAD TARGET "\"sweep\": { \"b\": [] }, \"steps\": [" START "]" TAIL, 5, 17, "a list, or a range" },
        { HEAD TARGET "\"sweep\": {}, \"steps\": [" START "]" TAIL, 5, 10, "an object of variables" },
        { HEAD TARGET "\"sweep\": { \"capacity\": [1] }, \"steps\": [" START "]" TAIL, 5, 12,
          "\"capacity\" means something already" },
        { HEAD TARGET "\"sweep\": { \"i\": [1] }, \"steps\": [" START "]" TAIL, 5, 12, "means something already" },
        { HEAD TARGET "\"sweep\": { \"a-b\": [1] }, \"steps\": [" START "]" TAIL, 5, 12, "a variable is a letter" },
        { HEAD TARGET "\"sweep\": { \"b\": \"0..4096\" }, \"steps\": [" START "]" TAIL, 5, 10, "more than 4096 variations" },
        { HEAD TARGET "\"sweep\": { \"b\": \"0..64\", \"c\": \"1..64\" }, \"steps\": [" START "]" TAIL, 5, 10,
          "more than 4096 variations" },
        { HEAD TARGET "\"sweep\": { \"a\": [1], \"b\": [1], \"c\": [1], \"d\": [1], \"e\": [1], \"f\": [1], \"g\": [1] },"
                      " \"steps\": [" START "]" TAIL, 5, 72, "more than 6 variables" });
}

static void rejected__steps(void **state)
{
    REJECTED(
        { STEPS("{ \"do\": \"dance\" }"), 6, 9, "/cases/0/steps/0/do: unknown verb \"dance\"" },
        { STEPS(START ",\n{ \"do\": \"start\", \"speed\": 9 }"), 7, 18, "/cases/0/steps/1/speed: unknown member" },
        { STEPS("{ \"dev\": \"notify\" }"), 6, 10, "steps of the device belong into cases of kind \"events\"" },
        { DEV_STEPS("{ \"do\": \"power-cut\" }"), 6, 9, "a puppet has no host" },
        { STEPS("{ \"do\": \"start\", \"dev\": \"notify\" }"), 6, 1, "either \"do\" or \"dev\"" },
        { STEPS("{}"), 6, 1, "either \"do\" or \"dev\"" },
        { STEPS("4"), 6, 1, "a step is an object" },
        { STEPS("{ \"do\": 4 }"), 6, 9, "a string is due" },
        { STEPS("{ \"do\": \"expect\", \"name\": \"r\", \"status\": 0 }"), 6, 27, "no earlier step makes a request named \"r\"" },
        { STEPS(IN_STEP ",\n" IN_STEP), 7, 27, "\"r\" is the name of an earlier step" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"9\", \"type\": 0 }"), 6, 27, "a name is a letter" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"abcdefghijklmnopqrstuvwxyz123456\", \"type\": 0 }"), 6, 27,
          "a name is a letter" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\" }"), 6, 1, "member \"type\" is missing" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"poison\": 256 }"), 6, 56, "does not fit into 8 bits" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\",\n\"sector\": \"1 +\\u0020nix\" }"), 7, 11,
          "unknown name \"nix\"" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"FLUSH\", \"sectors\": 1 }"), 6, 1, "belongs to IN and OUT" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sectors\": 1, \"in\": 5 }"), 6, 1,
          "\"sectors\" excludes" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [], \"out\": { \"hex\": \"\" } }"), 6, 76,
          "/cases/0/steps/0/out/hex: a string is due" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [], \"out\": { \"hex\": \"00\" } }"), 6, 1,
          "\"out\" and \"segments\" exclude" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [{ \"sector\": 0 }] }"), 6, 57,
          "member \"num_sectors\" is missing" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [{ \"sector\": 0, \"num_sectors\": 0,"
                "\n\"times\": 16385 }] }"), 7, 10, "more than 16384 segments" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"hex\": \"0\" } }"), 6, 59, "pairs of" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"hex\": \"00\", \"fill\": 1 } }"), 6, 50,
          "bytes are one of" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"fill\": 1 } }"), 6, 50, "a length belongs to" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 0, \"writable_frames\": [\n{ \"size\": 1, \"times\": 4096 },"
                "\n1] }"), 8, 1, "more than 4096 sizes" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\" }"), 7, 1, "nothing is expected" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"status\": [] }"), 7, 42, "an empty list allows nothing" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"status\": 0, \"value\": 1 }"), 7, 1, "\"value\" is about" },
        { STEPS("{ \"do\": \"config-read\", \"name\": \"c\" }"), 6, 1, "either \"field\" or \"offset\"" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"size\", \"value\": 1 }"), 6, 34, "no configuration field \"size\"" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"writeback\", \"value\": 256 }"), 6, 56, "more than the field's 8 bits" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"writeback\", \"data\": { \"hex\": \"00\" } }"), 6, 1,
          "\"field\" goes with \"value\"" },
        { STEPS("{ \"do\": \"reg-read\", \"reg\": \"mood\" }"), 6, 28, "unknown word \"mood\"" },
        { STEPS("{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"in\" }, \"data\": { \"le16\": 1 } }"), 6, 32,
          "/cases/0/steps/0/at/of: no earlier step" },
        { STEPS("{ \"do\": \"store\", \"at\": { \"part\": \"in\" }, \"data\": { \"le16\": 1 } }"), 6, 24, "are parts \"of\"" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 0, \"wait\": false, \"ms\": 5 }"), 6, 1, "a step that waits" },
        { STEPS("{ \"do\": \"repeat\", \"times\": 200001, \"steps\": [" START "] }"), 6, 28, "more than 200000 rounds" },
        { STEPS("{ \"do\": \"repeat\", \"times\": 2, \"steps\": [] }"), 6, 40, "a list of steps" },
        { STEPS("{ \"do\": \"repeat\", \"times\": 2, \"steps\": [\n{ \"do\": \"repeat\", \"times\": 2, \"steps\": [" START "] }] }"),
          7, 9, "unknown verb \"repeat\"" });
}

static void good_file__is_described(void **state)
{
    struct vector_file *file = load(HEAD EVENTS "\"also\": [\"PROV-DEV-02\"], \"consequence\": \"own\", \"flags\": "
                                    "[\"must\"], \"steps\": [" START "] },\n"
                                    "{ \"name\": \"b\", \"kind\": \"target\", \"what\": \"v\", \"exercises\": [\"BLK-OP-20\"], "
                                    "\"long_run\": true, \"sweep\": { \"x\": \"1..3\", \"y\": [1, \"capacity\"] }, "
                                    "\"needs\": { \"host\": [\"pool\"] },"
                                    "\"steps\": [{ \"do\": \"hold\" }, { \"do\": \"release\" }]" TAIL);
    const struct vector_case *c = vector_case_at(file, 0);

    (void)state;
    assert_int_equal(vector_case_count(file), 2);
    assert_null(vector_case_at(file, 2));
    assert_string_equal(c->area, "provision");
    assert_string_equal(c->clause, "PROV-DEV-01");
    assert_string_equal(c->consequence, "own");
    assert_int_equal(c->kind, VECTOR_EVENTS);
    assert_int_equal(c->expect, VECTOR_BROKEN);
    assert_int_equal(c->also_count, 1);
    assert_string_equal(c->flags[0], "must");
    assert_int_equal(c->sweep, 1);
    c = vector_case_at(file, 1);
    assert_string_equal(c->consequence, "c");
    assert_string_equal(c->exercises[0], "BLK-OP-20");
    assert_true(c->long_run);
    assert_int_equal(c->sweep, 6);
    assert_int_equal(c->host_actions, 1u << VBLK_HOST_POOL | 1u << VBLK_HOST_HOLD);
    assert_string_equal(vector_clause_of(file), "PROV-DEV-01");
    assert_string_equal(vector_summary_of(file), "s");
    assert_string_equal(vector_file_path(file), "test.json");
    vector_free(file);
}

static void numbers__follow_what_the_target_announced(void **state)
{
    struct vector_file *file = load(STEPS(
        START ",{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"PROVISION\", \"sector\": \"capacity - 1\", \"segments\": "
        "[{ \"sector\": \"i * 8\", \"num_sectors\": \"max_provision_sectors\", \"times\": \"max_provision_seg + 1\" }] },"
        "{ \"do\": \"config-read\", \"field\": \"max_provision_seg\" },"
        "{ \"do\": \"reg-write\", \"reg\": \"queue-size\", \"value\": \"queue_size + queue_max + num_queues\" },"
        "{ \"do\": \"config-read\", \"offset\": \"config_length\", \"length\": 1 },"
        "{ \"do\": \"reg-write\", \"reg\": \"driver-features\", \"value\": \"F_VERSION_1 | F_PROVISION | offered & 1\" }"));
    struct vector_env small = env_of(100, 16), large = env_of(1u << 20, 1024);
    struct vector_script *a = resolve(file, 0, 0, &small), *b = resolve(file, 0, 0, &large);
    const struct vblk_step *s = vector_script_of(a)->steps, *t = vector_script_of(b)->steps;

    (void)state;
    assert_int_equal(s[1].request.sector, 99);
    assert_int_equal(t[1].request.sector, (1u << 20) - 1);
    assert_int_equal(s[1].request.type, 15);
    assert_int_equal(s[1].request.segment_count, 6);
    assert_int_equal(vblk_get64(s[1].request.segments[5].sector), 40);
    assert_int_equal(vblk_get32(s[1].request.segments[5].num_sectors), 0x01020304);
    assert_int_equal(s[2].a, 76);
    assert_int_equal(s[2].b, 4);
    assert_int_equal(s[3].a, 16 + 16 + 2);
    assert_int_equal(t[3].a, 64 + 1024 + 2);
    assert_int_equal(s[4].a, 80);
    assert_int_equal(s[5].a, VBLK_BIT(32) | VBLK_BIT(17));
    assert_string_equal(vector_script_of(a)->name, "provision/PROV-DEV-01/a");
    vector_script_free(a);
    vector_script_free(b);
    vector_script_free(NULL);
    vector_free(file);
}

static void profile__renumbers_type_bit_and_offset(void **state)
{
    struct vector_file *file = load(STEPS("{ \"do\": \"start\", \"features\": [\"PROVISION\"] }, { \"do\": \"submit\", "
                                          "\"name\": \"r\", \"type\": \"PROVISION\", \"segments\": [] }, "
                                          "{ \"do\": \"config-read\", \"field\": \"max_provision_seg\" }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script;
    char why[128];

    (void)state;
    env.profile = *vblk_profile_find("1.4+provision");
    assert_int_equal(vblk_profile_renumber(&env.profile, "50,99,96", why, sizeof(why)), VBLK_OK);
    script = resolve(file, 0, 0, &env);
    assert_true(vector_script_of(script)->steps[0].a == VBLK_BIT(50));
    assert_int_equal(vector_script_of(script)->steps[1].request.type, 99);
    assert_int_equal(vector_script_of(script)->steps[2].a, 100);
    vector_script_free(script);
    env.profile = *vblk_profile_find("1.2");
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "the clause is not part of profile 1.2");
    vector_free(file);
}

static void requests__have_the_defaults_of_their_type(void **state)
{
    struct vector_file *file = load(STEPS(
        "{ \"do\": \"submit\", \"name\": \"a\", \"type\": \"IN\" },"
        "{ \"do\": \"submit\", \"name\": \"b\", \"type\": \"IN\", \"sectors\": 3 },"
        "{ \"do\": \"submit\", \"name\": \"c\", \"type\": \"OUT\", \"sectors\": 2 },"
        "{ \"do\": \"submit\", \"name\": \"d\", \"type\": \"GET_ID\" },"
        "{ \"do\": \"submit\", \"name\": \"e\", \"type\": \"GET_LIFETIME\" },"
        "{ \"do\": \"submit\", \"name\": \"f\", \"type\": \"IN\", \"in\": 7, \"status\": false, \"prefill\": false, "
        "\"header_length\": 3, \"poison\": 1, \"gap\": 4, \"reserved\": 9, \"readable_frames\": [1, { \"size\": 2, "
        "\"times\": 3 }], \"writable_frames\": [\"5\"] },"
        "{ \"do\": \"submit\", \"name\": \"g\", \"type\": \"FLUSH\", \"wait\": false }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_step *s = vector_script_of(script)->steps;

    (void)state;
    assert_int_equal(s[0].request.in_length, 512);
    assert_int_equal(s[0].request.poison, 0xa5);
    assert_int_equal(s[0].request.header_length, 16);
    assert_true(s[0].request.prefill);
    assert_int_equal(s[1].request.in_length, 1536);
    assert_int_equal(s[2].request.out.length, 1024);
    assert_int_equal(s[2].request.in_length, 0);
    assert_int_equal(s[3].request.in_length, 20);
    assert_int_equal(s[4].request.in_length, 6);
    assert_int_equal(s[5].request.in_length, 7);
    assert_true(s[5].request.no_status);
    assert_false(s[5].request.prefill);
    assert_int_equal(s[5].request.readable_frame_count, 4);
    assert_int_equal(s[5].request.readable_frames[3], 2);
    assert_int_equal(s[5].request.writable_frames[0], 5);
    assert_int_equal(vector_script_of(script)->step_count, 10);
    assert_int_equal(s[6].kind, VBLK_STEP_REQUEST);
    assert_int_equal(s[9].kind, VBLK_STEP_KICK);
    assert_string_equal(s[9].name, "g");
    vector_script_free(script);
    vector_free(file);
}

static void raw_steps__carry_places_and_bytes(void **state)
{
    struct vector_file *file = load(STEPS(
        "{ \"do\": \"request\", \"name\": \"r\", \"queue\": 1, \"type\": \"IN\" },"
        "{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"status\", \"offset\": 1 }, \"data\": { \"hex\": \"0f a0\" } },"
        "{ \"do\": \"store\", \"at\": { \"queue\": 1, \"part\": \"avail\" }, \"data\": { \"le32\": \"1 << 16\" }, "
        "\"order\": \"release\" },"
        "{ \"do\": \"desc\", \"name\": \"r\", \"index\": 2, \"addr\": { \"part\": \"outside\" }, \"next_in_chain\": 0 },"
        "{ \"do\": \"desc\", \"index\": 3, \"addr\": \"0x1234\", \"len\": 5, \"flags\": \"WRITE | NEXT\", \"next\": 6 },"
        "{ \"do\": \"kick\", \"force\": true, \"queue\": 1 },"
        "{ \"do\": \"config-write\", \"field\": \"writeback\", \"value\": 1 },"
        "{ \"do\": \"available\", \"name\": \"r\" },"
        "{ \"do\": \"load\", \"at\": 16, \"name\": \"v\" }, { \"do\": \"expect\", \"name\": \"v\", \"value\": 1, \"mask\": 3 },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [\"OK\", 2], \"len\": 7, \"or_needs_reset\": true },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"answered\": true }, { \"do\": \"barrier\", \"order\": \"acquire\" }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_step *s = vector_script_of(script)->steps;

    (void)state;
    assert_int_equal(s[1].part, VBLK_PART_STATUS_BYTE);
    assert_int_equal(s[1].a, 1);
    assert_int_equal(s[1].queue, 1);
    assert_string_equal(s[1].name, "r");
    assert_memory_equal(s[1].bytes.given, "\x0f\xa0", 2);
    assert_int_equal(s[2].part, VBLK_PART_AVAIL);
    assert_int_equal(s[2].order, VBLK_RELEASE);
    assert_int_equal(s[2].bytes.length, 4);
    assert_memory_equal(s[2].bytes.given, "\0\0\1\0", 4);
    assert_int_equal(s[3].desc_sets, VBLK_DESC_SETS_ADDR | VBLK_DESC_SETS_NEXT | VBLK_DESC_NEXT_IN_CHAIN);
    assert_int_equal(s[3].part, VBLK_PART_OUTSIDE);
    assert_int_equal(s[4].desc_sets, 15);
    assert_int_equal(vblk_get64(s[4].desc.addr), 0x1234);
    assert_int_equal(vblk_get16(s[4].desc.flags), 3);
    assert_int_equal(s[5].b, 1);
    assert_int_equal(s[6].a, 32);
    assert_int_equal(s[6].bytes.length, 1);
    assert_int_equal(s[7].queue, 1);
    assert_true(s[9].expect.value_checked);
    assert_false(s[9].expect.must_answer);
    assert_int_equal(s[10].expect.status[1], 2);
    assert_int_equal(s[10].expect.len[0], 7);
    assert_true(s[10].expect.needs_reset_ok);
    assert_false(s[10].expect.must_answer);
    assert_true(s[11].expect.must_answer);
    assert_int_equal(s[12].order, VBLK_ACQUIRE);
    assert_int_equal(s[12].a, VBLK_ACQUIRE);
    vector_script_free(script);
    vector_free(file);
}

static void sweep__is_a_product_and_ends(void **state)
{
    struct vector_file *file = load(HEAD TARGET "\"sweep\": { \"x\": \"1..queue_max - 14\", \"y\": [0, \"capacity - 1\"] }, "
                                    "\"steps\": [{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": \"y\", "
                                    "\"sectors\": \"x\" }]" TAIL);
    struct vector_env env = env_of(100, 16);
    struct vector_script *script;
    char why[64] = "old";

    (void)state;
    assert_int_equal(vector_case_at(file, 0)->sweep, 4096);
    script = resolve(file, 0, 3, &env);
    assert_string_equal(vector_script_of(script)->name, "provision/PROV-DEV-01/a[x=2,y=99]");
    assert_int_equal(vector_script_of(script)->steps[0].request.sector, 99);
    assert_int_equal(vector_script_of(script)->steps[0].request.in_length, 1024);
    vector_script_free(script);
    assert_null(vector_resolve(file, 0, 4, &env, why, sizeof(why)));
    assert_string_equal(why, "");
    env.queue_max = 14;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "");
    env.queue_max = 13;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_non_null(strstr(why, "difference is negative"));
    env.queue_max = 4200;
    assert_null(vector_resolve(file, 0, 0, &env, why, sizeof(why)));
    assert_non_null(strstr(why, "more than 4096"));
    vector_free(file);
}

static void repeat__plays_its_steps_in_rounds(void **state)
{
    struct vector_file *file = load(STEPS("{ \"do\": \"repeat\", \"times\": \"queue_max\", \"steps\": [" IN_STEP
                                          ", { \"do\": \"wait\", \"name\": \"r\", \"ms\": \"round\" }] },"
                                          "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [0] }"));
    struct vector_env env = env_of(100, 1024);
    struct vector_script *script = resolve(file, 0, 0, &env);

    (void)state;
    assert_int_equal(vector_script_of(script)->step_count, 2049);
    assert_int_equal(vector_script_of(script)->steps[2047].a, 1023);
    vector_script_free(script);
    vector_free(file);
}

static void events__are_independent_of_the_target(void **state)
{
    struct vector_file *file = load(HEAD EVENTS "\"puppet\": { \"features\": { \"remove\": [\"MQ\"], \"add\": [\"RO\"] }, "
                                    "\"config\": { \"capacity\": 77 }, \"queue_max\": 8 }, \"negotiate\": { \"without\": "
                                    "[\"FLUSH\"] }, \"steps\": [" START ", " IN_STEP
                                    ", { \"dev\": \"take\", \"of\": \"r\" }, { \"dev\": \"data\", \"of\": \"r\", \"offset\": "
                                    "\"capacity\", \"data\": { \"pattern\": 3, \"length\": 4 } }, "
                                    "{ \"dev\": \"status-byte\", \"of\": \"r\", \"status\": 1 }, { \"dev\": \"elem\", \"of\": "
                                    "\"r\" }, { \"dev\": \"elem\", \"id\": 3, \"len\": 9 }, { \"dev\": \"idx\", \"by\": 2 }, "
                                    "{ \"dev\": \"complete\", \"of\": \"r\", \"status\": \"IOERR\" }, { \"dev\": \"config\", "
                                    "\"field\": \"capacity\", \"value\": 5 }, { \"dev\": \"gone\", \"how\": \"it died\" }, "
                                    "{ \"dev\": \"power-cut\", \"persistent\": true }, { \"dev\": \"status\", \"value\": 64 }, "
                                    "{ \"dev\": \"features\", \"features\": [\"RO\"] }, { \"dev\": \"reg\", \"reg\": "
                                    "\"status\", \"value\": 1 }, { \"dev\": \"quiet\", \"ms\": 9 }, { \"dev\": \"disk\", "
                                    "\"sector\": 1, \"times\": 2, \"data\": { \"fill\": 7, \"length\": 512 } }]" TAIL);
    struct vector_env env = env_of(100, 1024);
    struct vector_script *script = resolve(file, 0, 0, &env);
    const struct vblk_script *s = vector_script_of(script);
    char why[128];

    (void)state;
    assert_true(vector_applies(file, 0, &env, why, sizeof(why)));
    assert_int_equal(s->puppet.queue_max, 8);
    assert_int_equal(s->puppet.config[0], 77);
    assert_false(s->puppet.features >> VBLK_F_MQ & 1);
    assert_true(s->puppet.features >> VBLK_F_RO & 1);
    assert_true(s->puppet.features >> VBLK_F_VERSION_1 & 1);
    assert_true(s->features == (s->puppet.features & ~VBLK_BIT(VBLK_F_FLUSH)));
    assert_int_equal(s->steps[1].kind, VBLK_STEP_REQUEST); /* no wait in events */
    assert_int_equal(s->steps[6].a, 77);
    assert_false(s->steps[8].a_given);
    assert_true(s->steps[9].a_given && s->steps[9].b_given);
    assert_int_equal(s->steps[11].a, VBLK_S_IOERR);
    assert_int_equal(s->steps[12].bytes.length, 8);
    assert_int_equal(s->steps[13].bytes.length, 7);
    assert_int_equal(s->steps[14].a, 1);
    vector_script_free(script);
    vector_free(file);
}

static void applies__says_what_is_missing(void **state)
{
    static const struct {
        const char *demand, *reason;
    } rows[] = {
        { "\"needs\": { \"features\": [\"DISCARD\"] }", "needs DISCARD offered" },
        { "\"needs\": { \"lacks\": [\"FLUSH\"] }", "needs FLUSH not offered" },
        { "\"needs\": { \"config\": [\"1\", \"capacity >= 101\"] }", "needs capacity >= 101" },
        { "\"needs\": { \"config\": [\"capacity / (capacity - 100)\"] }", "division by zero" },
        { "\"negotiate\": { \"only\": [\"VERSION_1\", \"MQ\"] }", "needs MQ offered" },
        { "\"profiles\": [\"1.4+provision\"]", "the case is not for profile 1.2+provision" },
        { "\"queue_size\": 32", "needs a queue of 32 entries" },
        { "\"queues\": 3", "needs 3 queues" },
        { "\"needs\": { \"features\": [\"FLUSH\"] }, \"negotiate\": { \"without\": [\"FLUSH\"] }", NULL },
        { "\"queue_size\": \"queue_max / 2\", \"queues\": 2", NULL },
    };
    struct vector_env env = env_of(100, 16);
    char text[1024], why[128];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vector_file *file;
        bool fine;

        (void)snprintf(text, sizeof(text), HEAD TARGET "%s, \"steps\": [" START "]" TAIL, rows[i].demand);
        file = load(text);
        fine = vector_applies(file, 0, &env, why, sizeof(why));
        if (fine != !rows[i].reason || (rows[i].reason && !strstr(why, rows[i].reason)))
            fail_msg("%s: %s", rows[i].demand, why);
        vector_free(file);
    }
}

static void applies__driver_must_model_what_is_needed(void **state)
{
    struct vector_file *file = load(HEAD TARGET "\"needs\": { \"features\": [\"FLUSH\"] }, \"steps\": [" START "]" TAIL);
    struct vector_env env = env_of(100, 16);
    char why[128];

    (void)state;
    env.modelled = VBLK_BIT(VBLK_F_VERSION_1);
    assert_false(vector_applies(file, 0, &env, why, sizeof(why)));
    assert_string_equal(why, "the suite's driver does not do FLUSH");
    vector_free(file);
}

static void device__options_are_changed(void **state)
{
    struct vector_file *file = load(HEAD TARGET "\"device\": { \"features\": { \"add\": [\"RO\"], \"remove\": [\"FLUSH\"] }, "
                                    "\"capacity\": \"1 << 20\", \"blk_size\": 4096, \"serial\": \"abc\", \"writeback\": true, "
                                    "\"readings\": [\"AMB-02=ignore\"] }, \"steps\": [" START "]" TAIL);
    struct vblk_device_options options = { .profile = *vblk_profile_default(), .seg_max = 9 };
    char why[128];

    (void)state;
    options.features = VBLK_BIT(VBLK_F_FLUSH) | VBLK_BIT(VBLK_F_MQ);
    assert_true(vector_device_options(file, 0, &options, why, sizeof(why)));
    assert_true(options.features == (VBLK_BIT(VBLK_F_RO) | VBLK_BIT(VBLK_F_MQ)));
    assert_int_equal(options.capacity, 1u << 20);
    assert_int_equal(options.blk_size, 4096);
    assert_int_equal(options.seg_max, 9);
    assert_string_equal(options.serial, "abc");
    assert_true(options.writeback);
    assert_int_equal(options.readings.chosen[vblk_ambiguity_find("AMB-02")], 1);
    options.profile = *vblk_profile_find("1.2");
    assert_false(vector_device_options(file, 0, &options, why, sizeof(why)));
    vector_free(file);
}

static void env__of_device_shows_offered_fields_only(void **state)
{
    struct vector_env env = env_of(0x1122, 16);

    (void)state;
    assert_int_equal(env.config[0], 0x22);
    assert_int_equal(env.config[21], 0x10);
    assert_int_equal(env.config[72], 4);
    assert_int_equal(env.config[75], 1);
    assert_int_equal(env.config[76], 5);
    assert_int_equal(env.config_length, 80);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void env__is_read_from_a_file(void **state)
{
    static const char path[] = "vector_test_env.json";
    struct vector_error error;
    struct vector_env env;

    (void)state;
    write_file(path, "{ \"profile\": \"1.4\", \"features\": [\"VERSION_1\", \"ZONED\"], \"queue_max\": 256, \"num_queues\": 1,"
                     " \"config_length\": 96, \"config\": { \"capacity\": 4096, \"zone_sectors\": 64 } }");
    assert_true(vector_env_load(path, 0, &env, &error));
    assert_int_equal(env.capacity, 4096);
    assert_int_equal(env.config[72], 64);
    assert_true(env.modelled == env.offered);
    write_file(path, "{ \"profile\": \"9\" }");
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.column, 14);
    write_file(path, "{ \"features\": [], \"config\": {}, \"queue_max\": 1,\n \"num_queues\": 1, \"config_length\": 300 }");
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 36);
    (void)remove(path);
    assert_false(vector_env_load(path, 0, &env, &error));
    assert_int_equal(error.line, 0);
    assert_string_equal(error.file, path);
}

static char *formatted(const char *text)
{
    struct vector_file *file = load(text);
    char *out = vector_format(file);

    assert_non_null(out);
    vector_free(file);
    return out;
}

static void format__is_stable_and_changes_no_meaning(void **state)
{
    static const char text[] =
        "{\"cases\":[{\"steps\":[{\"type\":\"PROVISION\",\"name\":\"r\",\"do\":\"submit\",\"segments\":[{\"times\":3,"
        "\"sector\":0,\"num_sectors\":\"max_provision_sectors + 1000000000000\"},{\"sector\":0,\"num_sectors\":2},{\"sector\":"
        "0,\"num_sectors\":2}],\"note\":\"\\u00e4\\\"\"}],\"sweep\":{\"z\":[1],\"b\":[2]},\"what\":\"w\",\"kind\":\"target\","
        "\"name\":\"a\",\"profiles\":[\"1.2+provision\"],\"device\":{},\"flags\":[]}],\"consequence\":\"c\",\"summary\":\"s\","
        "\"clause\":\"PROV-DEV-01\",\"vector\":1}";
    char *once = formatted(text), *twice = formatted(once);
    json_t *before = json_loads(text, 0, NULL), *after = json_loads(once, 0, NULL);

    (void)state;
    assert_string_equal(once, twice);
    assert_true(json_equal(before, after));
    assert_non_null(strstr(once, "\"sweep\": { \"z\": [1], \"b\": [2] }"));
    assert_ptr_equal(strstr(once, "{\n  \"vector\": 1,\n  \"clause\": \"PROV-DEV-01\",\n"), once);
    for (const char *line = once; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 121); /* bytes; one character here has two */
    json_decref(before);
    json_decref(after);
    free(once);
    free(twice);
}

static void show__prints_resolved_numbers(void **state)
{
    struct vector_file *file = load(STEPS(
        START ",{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": \"capacity - 1\", \"writable_frames\": [1, 2] },"
        "{ \"do\": \"submit\", \"name\": \"p\", \"type\": \"PROVISION\", \"segments\": [{ \"sector\": 1, \"num_sectors\": 2, "
        "\"flags\": 4, \"times\": 9 }] }, { \"do\": \"submit\", \"name\": \"x\", \"type\": 77, \"status\": false },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [\"OK\", \"IOERR\"], \"len\": [1, 2] },"
        "{ \"do\": \"reg-read\", \"reg\": \"queue-max\", \"queue\": 1 }, { \"do\": \"hold\" }, { \"do\": \"release\" },"
        "{ \"do\": \"desc\", \"name\": \"r\", \"index\": 1, \"len\": 5, \"next_in_chain\": 0 },"
        "{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"in\", \"offset\": 2 }, \"data\": { \"hex\": \"0102\" } },"
        "{ \"do\": \"store\", \"at\": 64, \"data\": { \"fill\": 1, \"length\": 3 } }"));
    struct vector_env env = env_of(100, 16);
    struct vector_script *script = resolve(file, 0, 0, &env);
    FILE *out = tmpfile();
    char text[4096] = "";

    (void)state;
    assert_non_null(out);
    vector_print_script(out, vector_script_of(script));
    rewind(out);
    text[fread(text, 1, sizeof(text) - 1, out)] = '\0';
    (void)fclose(out);
    assert_non_null(strstr(text, "do  submit r type=IN writable=1+2 sector=99 in=512"));
    assert_non_null(strstr(text, "type=PROVISION {sector=0x1 num_sectors=2 flags=0x4}"));
    assert_non_null(strstr(text, "9 segments"));
    assert_non_null(strstr(text, "type=77"));
    assert_non_null(strstr(text, "no_status"));
    assert_non_null(strstr(text, "do  expect r status=OK|IOERR len=1|2"));
    assert_non_null(strstr(text, "do  reg-read reg=queue-max queue=1"));
    assert_non_null(strstr(text, "do  hold\n"));
    assert_non_null(strstr(text, "do  release\n"));
    assert_non_null(strstr(text, "do  desc r len=5 next_in_chain=0 index=1"));
    assert_non_null(strstr(text, "do  store r in+0x2 data=0102"));
    assert_non_null(strstr(text, "do  store 0x40 data=fill(1)*3"));
    vector_script_free(script);
    vector_free(file);
}

/* Lint */
struct heard {
    size_t errors, warnings;
    struct vector_error last;
};

static void hear(void *ctx, const struct vector_error *what, bool warning)
{
    struct heard *heard = ctx;

    heard->errors += !warning;
    heard->warnings += warning;
    heard->last = *what;
}

static uint64_t offered(const struct vblk_profile *profile)
{
    return VBLK_BIT(VBLK_F_VERSION_1) | (profile->provision ? VBLK_BIT(profile->provision_bit) : 0);
}

static size_t lint_text(const char *text, const char *path, struct heard *heard)
{
    struct vector_lint lint = { .features = offered, .report = hear, .ctx = heard };
    struct vector_error error;
    struct vector_file *file = vector_load_text(text, strlen(text), path, &error);
    size_t errors;

    assert_non_null(file);
    *heard = (struct heard){ 0 };
    lint.reference = (struct vblk_device_options){ .profile = *vblk_profile_default(), .capacity = 64, .queue_max = 8 };
    errors = vector_lint_file(&lint, file);
    vector_free(file);
    return errors;
}

static void lint__file_is_named_after_its_clause(void **state)
{
    static const char text[] = STEPS(START);
    struct heard heard;

    (void)state;
    assert_int_equal(lint_text(text, "vectors/provision/PROV-DEV-01.json", &heard), 0);
    assert_int_equal(lint_text(text, "provision/PROV-DEV-01.json", &heard), 0);
    assert_int_equal(lint_text(text, "vectors/xprovision/PROV-DEV-01.json", &heard), 1);
    assert_int_equal(lint_text(text, "vectors/provision/PROV-DEV-02.json", &heard), 1);
    assert_int_equal(heard.last.line, 2);
    assert_int_equal(heard.last.column, 25);
}

static void lint__every_variation_resolves_on_the_reference(void **state)
{
    static const char path[] = "provision/PROV-DEV-01.json";
    struct heard heard;

    (void)state;
    assert_int_equal(lint_text(STEPS("{ \"do\": \"reg-write\", \"reg\": \"status\", \"value\": \"capacity - 65\" }"), path,
                               &heard), 1);
    assert_non_null(strstr(heard.last.reason, "difference is negative (under profile"));
    assert_int_equal(heard.last.line, 4);
    assert_int_equal(lint_text(HEAD TARGET "\"needs\": { \"config\": [\"capacity > 64\"] }, \"steps\": [" START "]" TAIL, path,
                               &heard), 0);
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.last.reason, "needs capacity > 64"));
    assert_int_equal(lint_text(HEAD TARGET "\"sweep\": { \"x\": \"65..capacity\" }, \"steps\": [" START "]" TAIL, path, &heard), 1);
    assert_non_null(strstr(heard.last.reason, "the sweep is empty"));
}

static void lint__checked_clauses_are_covered(void **state)
{
    struct heard heard = { 0 };
    struct vector_lint lint = { .features = offered, .report = hear, .ctx = &heard };
    struct vector_file *files[1] = { load(HEAD EVENTS "\"steps\": [" START "] },\n"
                                          "{ \"name\": \"b\", \"kind\": \"target\", \"what\": \"v\", \"steps\": [" START "]" TAIL) };
    size_t without = vector_lint_coverage(&lint, NULL, 0), checked = 0;
    bool mine = vblk_clause_at(vblk_clause_find("PROV-DEV-01"))->standing == VBLK_CHECKED;

    (void)state;
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
        checked += vblk_clause_at(no)->standing == VBLK_CHECKED;
    assert_int_equal(without, checked);
    assert_int_equal(vector_lint_coverage(&lint, files, 1), checked - mine);
    vector_free(files[0]);
}

/* Hostile texts: rejected or taken, never worse. */
static void try_text(const char *text, size_t length)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text(text, length, "hostile.json", &error);
    struct vector_env env = env_of(100, 16);
    char why[64];

    for (size_t i = 0; file && i < vector_case_count(file); i++)
        vector_script_free(vector_resolve(file, i, 0, &env, why, sizeof(why)));
    if (!file) {
        assert_true(error.reason[0]);
        assert_true(error.line >= 0 && error.column >= 0);
    }
    vector_free(file);
}

static void hostile__depth_numbers_and_nuls(void **state)
{
    size_t size = 1u << 20;
    char *text = malloc(size + 1);

    (void)state;
    assert_non_null(text);
    memset(text, '[', size);
    try_text(text, size);
    for (size_t i = 0; i + 5 <= size; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    try_text(text, size);
    memset(text, '9', size);
    try_text(text, size);
    memset(text, 0, size);
    try_text(text, size);
    memset(text, '"', size);
    try_text(text, size);
    memset(text, 0xff, size);
    try_text(text, size);
    free(text);
    try_text("{\"vector\":\"\\u0000\"}", 19);
    try_text("{ \"vector\": \"1\0\" }", 18);
    try_text("{\"\\u0076ector\":2}", 17);
    try_text("", 0);
}

static void hostile__every_cut_and_many_flips(void **state)
{
    static const char text[] = HEAD EVENTS "\"sweep\": { \"x\": [1, \"2\"] }, \"steps\": [" START ", " IN_STEP
        ", { \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"in\" }, \"data\": { \"le64\": \"x << 3\" } },"
        "{ \"dev\": \"complete\", \"of\": \"r\", \"status\": \"OK\" }]" TAIL;
    char copy[sizeof(text)];
    uint32_t seed = 1;

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++)
        try_text(text, n);
    for (size_t n = 0; n < 4000; n++) {
        memcpy(copy, text, sizeof(text));
        for (unsigned k = 0; k <= n % 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            copy[(seed >> 8) % (sizeof(text) - 1)] = "\"{}[]:,0a\\ \x80"[(seed >> 4) % 12];
        }
        try_text(copy, sizeof(text) - 1);
    }
}

/* Positions */
static void position__of_pointers(void **state)
{
    static const char text[] = "{ \"a\": [1, { \"b}\": \"x\\\"]\", \"c\": [ [], {} ] }],\n  \"\xc3\xa4\": 1, \"d\": true }";
    const struct vector_path a = { NULL, "a", 0 }, one = { &a, NULL, 1 }, c = { &one, "c", 0 }, el = { &c, NULL, 1 };
    const struct vector_path d = { NULL, "d", 0 }, none = { &a, NULL, 7 }, odd = { &a, "key", 0 }, past = { &c, NULL, 2 };
    int line, column;
    char pointer[32], tiny[4];

    (void)state;
    assert_int_equal(text[vector_text_find(text, sizeof(text) - 1, &el, false)], '{');
    assert_int_equal(vector_text_find(text, sizeof(text) - 1, &el, false), 38);
    assert_int_equal(vector_text_find(text, sizeof(text) - 1, &none, false), 7);
    assert_int_equal(vector_text_find(text, sizeof(text) - 1, &odd, false), 7);
    assert_int_equal(vector_text_find(text, sizeof(text) - 1, &past, false), 32);
    vector_text_position(text, sizeof(text) - 1, vector_text_find(text, sizeof(text) - 1, &d, true), &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 11);
    vector_path_print(&el, pointer, sizeof(pointer));
    assert_string_equal(pointer, "/a/1/c/1");
    vector_path_print(&el, tiny, sizeof(tiny));
    assert_string_equal(tiny, "/a/");
}

static void words__are_those_of_the_library(void **state)
{
    struct vector_file *file;
    char text[512];

    (void)state;
    for (unsigned reg = 0; reg < VBLK_REG_COUNT; reg++) {
        struct vector_env env = env_of(100, 16);
        struct vector_script *script;

        (void)snprintf(text, sizeof(text), STEPS("{ \"do\": \"reg-read\", \"reg\": \"%s\" }"),
                       vblk_reg_name((enum vblk_reg)reg));
        file = load(text);
        script = resolve(file, 0, 0, &env);
        assert_int_equal(vector_script_of(script)->steps[0].reg, reg);
        vector_script_free(script);
        vector_free(file);
    }
    for (unsigned kind = 0; kind < VBLK_STEP_COUNT; kind++) {
        bool found = false;

        for (const struct vector_verb *v = vector_verbs; v->word; v++)
            found = found || v->kind == kind;
        assert_true(found);
    }
}

static void load__missing_file_is_said(void **state)
{
    struct vector_error error;

    (void)state;
    assert_null(vector_load("/nowhere/at/all.json", &error));
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.reason, "No such file"));
    vector_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expression__precedence_and_edges),
        cmocka_unit_test(expression__mistakes_are_located),
        cmocka_unit_test(expression__unknown_values_stay_unknown),
        cmocka_unit_test(expression__depth_is_bounded),
        cmocka_unit_test(rejected__syntax_and_root),
        cmocka_unit_test(rejected__cases),
        cmocka_unit_test(rejected__sweeps),
        cmocka_unit_test(rejected__steps),
        cmocka_unit_test(good_file__is_described),
        cmocka_unit_test(numbers__follow_what_the_target_announced),
        cmocka_unit_test(profile__renumbers_type_bit_and_offset),
        cmocka_unit_test(requests__have_the_defaults_of_their_type),
        cmocka_unit_test(raw_steps__carry_places_and_bytes),
        cmocka_unit_test(sweep__is_a_product_and_ends),
        cmocka_unit_test(repeat__plays_its_steps_in_rounds),
        cmocka_unit_test(events__are_independent_of_the_target),
        cmocka_unit_test(applies__says_what_is_missing),
        cmocka_unit_test(applies__driver_must_model_what_is_needed),
        cmocka_unit_test(device__options_are_changed),
        cmocka_unit_test(env__of_device_shows_offered_fields_only),
        cmocka_unit_test(env__is_read_from_a_file),
        cmocka_unit_test(format__is_stable_and_changes_no_meaning),
        cmocka_unit_test(show__prints_resolved_numbers),
        cmocka_unit_test(lint__file_is_named_after_its_clause),
        cmocka_unit_test(lint__every_variation_resolves_on_the_reference),
        cmocka_unit_test(lint__checked_clauses_are_covered),
        cmocka_unit_test(hostile__depth_numbers_and_nuls),
        cmocka_unit_test(hostile__every_cut_and_many_flips),
        cmocka_unit_test(position__of_pointers),
        cmocka_unit_test(words__are_those_of_the_library),
        cmocka_unit_test(load__missing_file_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
