/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector.h"
#include "vector_fixture.h"

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
    REJECTED({ "", 1, 1, "'[' or '{' expected" }, { "{\n \"a\": 1,\n \"a\": 2 }", 3, 4, "duplicate object key" },
             { "[1,\n  2,,]", 2, 5, "unexpected token" }, { "[]", 1, 1, "an object is due here" },
             { "{\n  \"who\": 1 }", 2, 3, "/who: unknown member \"who\"" },
             { "{ \"vector\": 2,\n \"clause\": \"x\", \"summary\": \"s\", \"consequence\": \"c\", \"cases\": [] }", 1,
               13, "/vector: version 1" },
             { "{ \"vector\": -1 }", 1, 13, "a number is not negative" },
             { "{ \"vector\": 1.5 }", 1, 13, "a number is due here" },
             { "{ \"vector\": 99999999999999999999 }", 1, 32, "too big integer" },
             { "{ \"vector\": 1,\n \"clause\": \"NO-01\", \"summary\": \"s\", \"consequence\": \"c\", \"cases\": [] }",
               2, 12, "/clause: no clause \"NO-01\"" },
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
        { HEAD TARGET "\"expect\": \"held\", \"steps\": [" START "]" TAIL, 4, 1,
          "\"expect\", \"also\", \"transport\" and \"puppet\"" },
        { HEAD "{ \"name\": \"a\", \"kind\": \"events\", \"what\": \"w\", \"steps\": [" START "]" TAIL, 4, 1,
          "says what to \"expect\"" },
        { HEAD EVENTS "\"needs\": {}, \"steps\": [" START "]" TAIL, 4, 1, "about a target" },
        { HEAD TARGET "\"flags\": [\"must\", \"nice\"], \"steps\": [" START "]" TAIL, 5, 19,
          "/cases/0/flags/1: unknown flag" },
        { HEAD TARGET "\"exercises\": [\"NO-1\"], \"steps\": [" START "]" TAIL, 5, 15, "no clause \"NO-1\"" },
        { HEAD TARGET "\"profiles\": [\"1.1\"], \"steps\": [" START "]" TAIL, 5, 14, "no such profile" },
        { HEAD TARGET "\"profiles\": [], \"steps\": [" START "]" TAIL, 5, 13, "a list of profiles" },
        { HEAD TARGET "\"needs\": { \"features\": [\"FLUX\"] }, \"steps\": [" START "]" TAIL, 5, 25,
          "/cases/0/needs/features/0: no profile has a feature \"FLUX\"" },
        { HEAD TARGET "\"needs\": { \"host\": [\"kick\"] }, \"steps\": [" START "]" TAIL, 5, 21,
          "unknown word \"kick\"" },
        { HEAD TARGET "\"needs\": { \"config\": [\"capacity >= lots\"] }, \"steps\": [" START "]" TAIL, 5, 36,
          "unknown name \"lots\"" },
        { HEAD TARGET "\"needs\": { \"config\": [7] }, \"steps\": [" START "]" TAIL, 5, 23, "a condition is a string" },
        { HEAD TARGET "\"negotiate\": { \"only\": [], \"without\": [] }, \"steps\": [" START "]" TAIL, 5, 14,
          "\"only\" and \"without\" exclude" },
        { HEAD TARGET "\"device\": { \"colour\": 1 }, \"steps\": [" START "]" TAIL, 5, 13,
          "unknown member \"colour\"" },
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
        { HEAD TARGET "\"sweep\": { \"b\": \"0..4096\" }, \"steps\": [" START "]" TAIL, 5, 10,
          "more than 4096 variations" },
        { HEAD TARGET "\"sweep\": { \"b\": \"0..64\", \"c\": \"1..64\" }, \"steps\": [" START "]" TAIL, 5, 10,
          "more than 4096 variations" },
        { HEAD TARGET
          "\"sweep\": { \"a\": [1], \"b\": [1], \"c\": [1], \"d\": [1], \"e\": [1], \"f\": [1], \"g\": [1] },"
          " \"steps\": [" START "]" TAIL,
          5, 72, "more than 6 variables" });
}

static void rejected__steps(void **state)
{
    REJECTED(
        { STEPS("{ \"do\": \"dance\" }"), 6, 9, "/cases/0/steps/0/do: unknown verb \"dance\"" },
        { STEPS(START ",\n{ \"do\": \"start\", \"speed\": 9 }"), 7, 18, "/cases/0/steps/1/speed: unknown member" },
        { STEPS("{ \"dev\": \"notify\" }"), 6, 10, "steps of the device belong into cases of kind \"events\"" },
        { DEV_STEPS("{ \"do\": \"power-cut\" }"), 6, 9, "a puppet has no host" },
        { STEPS("{ \"do\": \"start\", \"dev\": \"notify\" }"), 6, 1, "either \"do\" or \"dev\"" },
        { STEPS("{}"), 6, 1, "either \"do\" or \"dev\"" }, { STEPS("4"), 6, 1, "a step is an object" },
        { STEPS("{ \"do\": 4 }"), 6, 9, "a string is due" },
        { STEPS("{ \"do\": \"expect\", \"name\": \"r\", \"status\": 0 }"), 6, 27,
          "no earlier step makes a request named \"r\"" },
        { STEPS(IN_STEP ",\n" IN_STEP), 7, 27, "\"r\" is the name of an earlier step" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"9\", \"type\": 0 }"), 6, 27, "a name is a letter" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"abcdefghijklmnopqrstuvwxyz123456\", \"type\": 0 }"), 6, 27,
          "a name is a letter" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\" }"), 6, 1, "member \"type\" is missing" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"poison\": 256 }"), 6, 56,
          "does not fit into 8 bits" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\",\n\"sector\": \"1 +\\u0020nix\" }"), 7, 11,
          "unknown name \"nix\"" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"FLUSH\", \"sectors\": 1 }"), 6, 1,
          "belongs to IN and OUT" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sectors\": 1, \"in\": 5 }"), 6, 1,
          "\"sectors\" excludes" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [], \"out\": { \"hex\": \"\" } }"),
          6, 76, "/cases/0/steps/0/out/hex: a string is due" },
        { STEPS(
              "{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [], \"out\": { \"hex\": \"00\" } }"),
          6, 1, "\"out\" and \"segments\" exclude" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [{ \"sector\": 0 }] }"), 6, 57,
          "member \"num_sectors\" is missing" },
        { STEPS(
              "{ \"do\": \"submit\", \"name\": \"r\", \"type\": 11, \"segments\": [{ \"sector\": 0, \"num_sectors\": 0,"
              "\n\"times\": 16385 }] }"),
          7, 10, "more than 16384 segments" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"hex\": \"0\" } }"), 6, 59,
          "pairs of" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"hex\": \"00\", \"fill\": 1 } }"), 6,
          50, "bytes are one of" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 1, \"out\": { \"fill\": 1 } }"), 6, 50,
          "a length belongs to" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 0, \"writable_frames\": [\n{ \"size\": 1, \"times\": "
                "4096 },"
                "\n1] }"),
          8, 1, "more than 4096 sizes" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\" }"), 7, 1, "nothing is expected" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"status\": [] }"), 7, 42,
          "an empty list allows nothing" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"status\": 0, \"value\": 1 }"), 7, 1,
          "\"value\" is about" },
        { STEPS("{ \"do\": \"config-read\", \"name\": \"c\" }"), 6, 1, "either \"field\" or \"offset\"" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"size\", \"value\": 1 }"), 6, 34,
          "no configuration field \"size\"" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"writeback\", \"value\": 256 }"), 6, 56,
          "more than the field's 8 bits" },
        { STEPS("{ \"do\": \"config-write\", \"field\": \"writeback\", \"data\": { \"hex\": \"00\" } }"), 6, 1,
          "\"field\" goes with \"value\"" },
        { STEPS("{ \"do\": \"reg-read\", \"reg\": \"mood\" }"), 6, 28, "unknown word \"mood\"" },
        { STEPS("{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"in\" }, \"data\": { \"le16\": 1 } }"), 6, 32,
          "/cases/0/steps/0/at/of: no earlier step" },
        { STEPS("{ \"do\": \"store\", \"at\": { \"part\": \"in\" }, \"data\": { \"le16\": 1 } }"), 6, 24,
          "are parts \"of\"" },
        { STEPS("{ \"do\": \"submit\", \"name\": \"r\", \"type\": 0, \"wait\": false, \"ms\": 5 }"), 6, 1,
          "a step that waits" },
        { STEPS("{ \"do\": \"kick\", \"force\": 1 }"), 6, 26, "true or false is due" },
        { STEPS("{ \"do\": \"load\", \"at\": { \"part\": \"desk\" } }"), 6, 33, "unknown word \"desk\"" },
        { STEPS("{ \"do\": \"load\", \"at\": { \"part\": \"used\", \"of\": 3 } }"), 6, 47, "a string is due" },
        { STEPS("{ \"do\": \"desc\", \"index\": 0, \"addr\": true }"), 6, 37, "a number is due here" },
        { STEPS("{ \"do\": \"desc\", \"index\": 0, \"len\": \"1 << 32\" }"), 6, 36, "does not fit into 32 bits" },
        { STEPS(IN_STEP
                ",\n{ \"do\": \"expect\", \"name\": \"r\", \"status\": [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16] }"),
          7, 81, "more than 16 values" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"len\": [\"x\"] }"), 7, 41, "unknown name \"x\"" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"same_as\": 1 }"), 7, 43, "a string is due" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"same_as\": \"9\" }"), 7, 43, "not a name" },
        { STEPS(IN_STEP ",\n{ \"do\": \"expect\", \"name\": \"r\", \"same_as\": \"r\", \"data\": { \"le16\": 1 } }"), 7,
          1, "\"data\" and \"same_as\" exclude" },
        { STEPS("{ \"do\": \"config-read\", \"field\": \"capacity\", \"length\": 4 }"), 6, 1, "\"length\" belongs to" },
        { STEPS("{ \"do\": \"set-config\", \"field\": \"nope\", \"value\": 1 }"), 6, 32, "no configuration field" },
        { STEPS("{ \"do\": \"start\", \"features\": \"F_NOPE\" }"), 6, 31, "unknown name \"F_NOPE\"" },
        { STEPS(IN_STEP ",\n{ \"do\": \"load\", \"at\": { \"of\": \"r\", \"part\": \"in\" }, \"name\": \"v\" }"), 7, 60,
          "leave the name out" },
        { DEV_STEPS("{ \"dev\": \"gone\", \"how\": 1 }"), 6, 25, "a string is due" },
        { DEV_STEPS("{ \"dev\": \"notify\", \"of\": \"r\" }"), 6, 20, "unknown member \"of\"" },
        { STEPS("{ \"do\": \"repeat\", \"times\": 200001, \"steps\": [" START "] }"), 6, 28,
          "more than 200000 rounds" },
        { STEPS("{ \"do\": \"repeat\", \"times\": 2, \"steps\": [] }"), 6, 40, "a list of steps" },
        { STEPS(
              "{ \"do\": \"repeat\", \"times\": 2, \"steps\": [\n{ \"do\": \"repeat\", \"times\": 2, \"steps\": [" START
              "] }] }"),
          7, 9, "unknown verb \"repeat\"" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejected__syntax_and_root),
        cmocka_unit_test(rejected__cases),
        cmocka_unit_test(rejected__sweeps),
        cmocka_unit_test(rejected__steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
