/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done with files besides playing them; and files that mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vector_fixture.h"
#include "vector_lint.h"
#include "vector_read.h"

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
        "\"sector\":0,\"num_sectors\":\"max_provision_sectors + "
        "1000000000000\"},{\"sector\":0,\"num_sectors\":2},{\"sector\":"
        "0,\"num_sectors\":2}],\"note\":\"\\u00e4\\\"\"}],\"sweep\":{\"z\":[1],\"b\":[2]},\"what\":\"w\",\"kind\":"
        "\"target\","
        "\"name\":\"a\",\"profiles\":[\"1.2+provision\"],\"device\":{},\"flags\":[]}],\"consequence\":\"c\","
        "\"summary\":\"s\","
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
        START
        ",{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\", \"sector\": \"capacity - 1\", \"writable_frames\": "
        "[1, 2] },"
        "{ \"do\": \"submit\", \"name\": \"p\", \"type\": \"PROVISION\", \"segments\": [{ \"sector\": 1, "
        "\"num_sectors\": 2, "
        "\"flags\": 4, \"times\": 9 }] }, { \"do\": \"submit\", \"name\": \"x\", \"type\": 77, \"status\": false },"
        "{ \"do\": \"expect\", \"name\": \"r\", \"status\": [\"OK\", \"IOERR\"], \"len\": [1, 2] },"
        "{ \"do\": \"reg-read\", \"reg\": \"queue-max\", \"queue\": 1 }, { \"do\": \"hold\" }, { \"do\": \"release\" },"
        "{ \"do\": \"desc\", \"name\": \"r\", \"index\": 1, \"len\": 5, \"next_in_chain\": 0 },"
        "{ \"do\": \"store\", \"at\": { \"of\": \"r\", \"part\": \"in\", \"offset\": 2 }, \"data\": { \"hex\": "
        "\"0102\" } },"
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
    assert_int_equal(
        lint_text(STEPS("{ \"do\": \"reg-write\", \"reg\": \"status\", \"value\": \"capacity - 65\" }"), path, &heard),
        1);
    assert_non_null(strstr(heard.last.reason, "difference is negative (under profile"));
    assert_int_equal(heard.last.line, 4);
    assert_int_equal(lint_text(HEAD TARGET "\"needs\": { \"config\": [\"capacity > 64\"] }, \"steps\": [" START
                                           "]" TAIL,
                               path, &heard),
                     0);
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.last.reason, "needs capacity > 64"));
    assert_int_equal(
        lint_text(HEAD TARGET "\"sweep\": { \"x\": \"65..capacity\" }, \"steps\": [" START "]" TAIL, path, &heard), 1);
    assert_non_null(strstr(heard.last.reason, "the sweep is empty"));
}

static void lint__checked_clauses_are_covered(void **state)
{
    struct heard heard = { 0 };
    struct vector_lint lint = { .features = offered, .report = hear, .ctx = &heard };
    struct vector_file *files[1] = { load(
        HEAD EVENTS "\"steps\": [" START "] },\n"
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
    static const char text[] = HEAD EVENTS
        "\"sweep\": { \"x\": [1, \"2\"] }, \"steps\": [" START ", " IN_STEP
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
    static const char text[] =
        "{ \"a\": [1, { \"b}\": \"x\\\"]\", \"c\": [ [], {} ] }],\n  \"\xc3\xa4\": 1, \"d\": true }";
    const struct vector_path a = { NULL, "a", 0 }, one = { &a, NULL, 1 }, c = { &one, "c", 0 }, el = { &c, NULL, 1 };
    const struct vector_path d = { NULL, "d", 0 }, none = { &a, NULL, 7 }, odd = { &a, "key", 0 },
                             past = { &c, NULL, 2 };
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

/* vectors/schema.json is for others; it must say what the tables say. */
static void schema__agrees_with_the_verbs(void **state)
{
    json_t *schema = json_load_file(VECTOR_SCHEMA, 0, NULL), *defs = json_object_get(schema, "$defs");
    size_t verbs = 0, members;

    (void)state;
    assert_non_null(defs);
    for (const struct vector_verb *v = vector_verbs; v->word; v++, verbs++) {
        json_t *def, *properties, *required;
        char key[64];
        size_t due = 1;

        (void)snprintf(key, sizeof(key), "%s-%s", v->dev ? "dev" : "do", v->word);
        def = json_object_get(defs, key);
        properties = json_object_get(def, "properties");
        required = json_object_get(def, "required");
        members = 0;
        for (const struct vector_member *m = v->members; m->name; m++) {
            if (strcmp(m->name, v->dev ? "do" : "dev") == 0)
                continue;
            if (!json_object_get(properties, m->name))
                fail_msg("the schema's %s has no %s", key, m->name);
            members++;
            due += m->required;
        }
        if (json_object_size(properties) != members || json_array_size(required) != due)
            fail_msg("the schema's %s differs in its members", key);
    }
    assert_int_equal(json_array_size(json_object_get(json_object_get(defs, "step"), "oneOf")), verbs);
    json_decref(schema);
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
        cmocka_unit_test(format__is_stable_and_changes_no_meaning),
        cmocka_unit_test(show__prints_resolved_numbers),
        cmocka_unit_test(lint__file_is_named_after_its_clause),
        cmocka_unit_test(lint__every_variation_resolves_on_the_reference),
        cmocka_unit_test(lint__checked_clauses_are_covered),
        cmocka_unit_test(hostile__depth_numbers_and_nuls),
        cmocka_unit_test(hostile__every_cut_and_many_flips),
        cmocka_unit_test(position__of_pointers),
        cmocka_unit_test(words__are_those_of_the_library),
        cmocka_unit_test(schema__agrees_with_the_verbs),
        cmocka_unit_test(load__missing_file_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
