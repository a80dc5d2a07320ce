/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/* Text that every format must quote. */
#define NASTY "a<b>&\"c\"|*d*`e`#f'g\x01\xff"

static void add_clause(struct report *report, const char *id, const char *area, enum vblk_verdict verdict)
{
    struct report_clause *clause = report_add_clause(report);

    clause->id = id;
    clause->area = area;
    clause->level = "MUST";
    clause->party = "device";
    clause->section = "5.2.6";
    clause->summary = report_keep(report, "summary " NASTY);
    clause->verdict = verdict;
    clause->exercised = verdict < VBLK_VERDICT_NOT_EXERCISED ? 3 : 0;
    clause->why = verdict >= VBLK_VERDICT_EXPECTED_FAIL ? "because # of it" : "";
}

static void add_violation(struct report *report, enum vblk_verdict severity)
{
    struct report_clause *clause = &report->clauses[report->clause_count - 1];
    struct report_violation *violation = report_add_violation(clause);

    clause->broken++;
    violation->severity = severity;
    violation->name = "blk-request/A-1/one";
    violation->message = report_keep(report, "message " NASTY);
    violation->expected = "expected thing";
    violation->seen = "seen thing";
    violation->queue = 2;
    violation->index = 7;
    violation->has_address = true;
    violation->address = 0x1234;
    violation->bytes = "00 ff";
    violation->consequence = "data is lost";
    violation->flags = "over-strict";
    violation->reading = "AMB-02=unsupp";
    violation->replay = "vblk test --builtin --case 'blk-request/A-1/one' --seed 1";
}

static struct report *example(void)
{
    struct report *report = report_new();
    struct report_case *entry;

    report->tool = "vblk 0.1.0";
    report->target_kind = "builtin";
    report->target_name = report_keep(report, "target " NASTY);
    report->profile = "1.2+provision";
    report->level = "interop";
    report->offered = 0x130007e46;
    report->negotiated = 0x100000000;
    report->seed = 7;
    add_clause(report, "A-1", "blk-request", VBLK_VERDICT_FAIL);
    add_violation(report, VBLK_VERDICT_FAIL);
    add_clause(report, "A-2", "blk-request", VBLK_VERDICT_PASS);
    add_clause(report, "B-1", "ring-split", VBLK_VERDICT_WARN);
    add_violation(report, VBLK_VERDICT_WARN);
    add_clause(report, "B-2", "ring-split", VBLK_VERDICT_EXPECTED_FAIL);
    add_violation(report, VBLK_VERDICT_EXPECTED_FAIL);
    add_clause(report, "B-3", "ring-split", VBLK_VERDICT_NOT_EXERCISED);
    add_clause(report, "B-4", "ring-split", VBLK_VERDICT_NOT_OBSERVABLE);
    entry = report_add_case(report);
    *entry = (struct report_case){ "blk-request/A-1/one", "blk-request", "A-1", "does a thing", REPORT_RAN, "", 2, 1,
                                   REPORT_PACKED };
    entry = report_add_case(report);
    *entry = (struct report_case){ "ring-split/B-3/two", "ring-split", "B-3", "does another",
                                   REPORT_SKIPPED,       "needs MQ",   0,     0,     REPORT_SPLIT };
    entry = report_add_case(report);
    *entry =
        (struct report_case){ "ring-split/B-1/three", "ring-split", "B-1", "hangs", REPORT_HUNG, "at step 3", 1, 1, REPORT_SPLIT };
    report_add_reading(report, "AMB-02=unsupp");
    report_add_note(report, "a note");
    report_count(report);
    return report;
}

/* Writes with one writer and gives the text back. */
static char *written(const struct report *report, report_write_fn write, bool verbose)
{
    const struct report_style style = { .verbose = verbose };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(write(report, out, &style), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

/* As much of JSON Schema as docs/report.schema.json uses. Returns what is wrong, or NULL. */
static const char *conforms(const json_t *schema, const json_t *root, const json_t *value);

static const char *type_is(const char *type, const json_t *value)
{
    const bool fine = strcmp(type, "object") == 0    ? json_is_object(value)
                      : strcmp(type, "array") == 0   ? json_is_array(value)
                      : strcmp(type, "string") == 0  ? json_is_string(value)
                      : strcmp(type, "integer") == 0 ? json_is_integer(value)
                                                     : json_is_boolean(value);

    return fine ? NULL : type;
}

static const char *members_conform(const json_t *schema, const json_t *root, const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties"),
                 *more = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const char *wrong = NULL, *key;
    json_t *member;

    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i))))
            return json_string_value(json_array_get(required, i));
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const json_t *sub = json_object_get(properties, key);

        sub = sub ? sub : more;
        /* Nothing may be written that the schema does not describe. */
        wrong = sub ? conforms(sub, root, member) : key;
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *text_conforms(const json_t *schema, const char *text)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    regex_t regex;
    int miss;

    if (!pattern)
        return NULL;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    miss = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    return miss ? pattern : NULL;
}

static const char *in_enum(const json_t *words, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(words); i++)
        if (json_equal(json_array_get(words, i), value))
            return NULL;
    return words ? "enum" : NULL;
}

static const char *conforms(const json_t *schema, const json_t *root, const json_t *value)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *constant = json_object_get(schema, "const"), *items = json_object_get(schema, "items");
    const json_t *minimum = json_object_get(schema, "minimum");
    const char *wrong = NULL;

    if (ref)
        return conforms(json_object_get(json_object_get(root, "$defs"), strrchr(ref, '/') + 1), root, value);
    if (type)
        wrong = type_is(type, value);
    if (!wrong && constant && !json_equal(constant, value))
        wrong = "const";
    if (!wrong)
        wrong = in_enum(json_object_get(schema, "enum"), value);
    if (!wrong && minimum && json_integer_value(value) < json_integer_value(minimum))
        wrong = "minimum";
    if (!wrong && json_is_string(value))
        wrong = text_conforms(schema, json_string_value(value));
    for (size_t i = 0; !wrong && items && i < json_array_size(value); i++)
        wrong = conforms(items, root, json_array_get(value, i));
    return wrong || !json_is_object(value) ? wrong : members_conform(schema, root, value);
}

static void json__conforms_to_its_schema(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_json, false);
    json_error_t error = { 0 };
    json_t *schema = json_load_file(REPORT_SCHEMA, 0, &error), *value = json_loads(text, 0, &error);
    const char *wrong;

    (void)state;
    assert_non_null(schema);
    assert_non_null(value);
    wrong = conforms(schema, schema, value);
    if (wrong)
        fail_msg("does not conform: %s", wrong);
    json_object_del(value, "seed");
    assert_string_equal(conforms(schema, schema, value), "seed");
    json_decref(schema);
    json_decref(value);
    free(text);
    report_free(report);
}

static char *temporary(const char *text)
{
    char name[] = "/tmp/vblk-report-XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    return strdup(name);
}

static void json__read_back_writes_the_same_bytes(void **state)
{
    struct report *report = example(), *again;
    char *text = written(report, report_write_json, false), *path = temporary(text), *second, why[256] = "";

    (void)state;
    again = report_read(path, why, sizeof(why));
    assert_non_null(again);
    second = written(again, report_write_json, false);
    assert_string_equal(text, second);
    assert_int_equal(unlink(path), 0);
    free(path);
    free(text);
    free(second);
    report_free(report);
    report_free(again);
}

static void refused(const char *text, const char *word)
{
    char *path = temporary(text), why[256] = "";

    assert_null(report_read(path, why, sizeof(why)));
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, word));
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void reading__refuses_what_is_no_report(void **state)
{
    (void)state;
    refused("{", "line 1");
    refused("{}", "schema");
    refused("[]", "schema");
    refused("{\"schema\": \"vblk-report/2\"}", "vblk-report/1");
    refused("{\"schema\": \"vblk-report/1\", \"clauses\": [{\"id\": \"A\", \"verdict\": \"great\"}]}", "clause 0");
    refused("{\"schema\": \"vblk-report/1\", \"clauses\": [3]}", "clause 0");
}

static void reading__survives_members_of_other_types(void **state)
{
    char *path =
        temporary("{\"schema\": \"vblk-report/1\", \"target\": 4, \"seed\": \"x\", \"rings\": {}, \"notes\": [1],"
                  "\"readings\": [null], \"cases\": [7, {\"result\": 1}], \"clauses\": [{\"id\": \"A\","
                  "\"verdict\": \"fail\", \"violations\": [5, {\"queue\": 99999999, \"index\": -1}]}]}");
    char why[256];
    struct report *report = report_read(path, why, sizeof(why));

    (void)state;
    assert_non_null(report);
    assert_int_equal(report->clause_count, 1);
    assert_int_equal(report->clauses[0].violations[1].queue, -1);
    assert_int_equal(report_status(report), 1);
    assert_int_equal(unlink(path), 0);
    free(path);
    report_free(report);
}

static xmlNodePtr child(xmlNodePtr node, const char *name)
{
    for (node = node->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
            return node;
    return NULL;
}

static void attr_is(xmlNodePtr node, const char *name, const char *value)
{
    xmlChar *text = xmlGetProp(node, (const xmlChar *)name);

    assert_non_null(text);
    assert_string_equal((const char *)text, value);
    xmlFree(text);
}

static void junit__is_well_formed_and_counts(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_junit, false);
    xmlDocPtr doc = xmlReadMemory(text, (int)strlen(text), "junit", NULL, XML_PARSE_NONET);
    xmlNodePtr root, suite, one;

    (void)state;
    assert_non_null(doc);
    root = xmlDocGetRootElement(doc);
    assert_string_equal((const char *)root->name, "testsuites");
    attr_is(root, "tests", "6");
    attr_is(root, "failures", "1");
    attr_is(root, "skipped", "3");
    suite = child(root, "testsuite");
    attr_is(suite, "name", "blk-request");
    attr_is(suite, "tests", "2");
    one = child(suite, "testcase");
    attr_is(one, "name", "A-1");
    assert_non_null(child(one, "failure"));
    attr_is(child(one, "failure"), "message", "message a<b>&\"c\"|*d*`e`#f'g??");
    xmlFreeDoc(doc);
    free(text);
    report_free(report);
}

static void junit__warning_is_a_failure_when_should_fails(void **state)
{
    struct report *report = example();
    char *text;

    (void)state;
    report->should_fails = true;
    text = written(report, report_write_junit, false);
    assert_non_null(strstr(text, "failures=\"2\""));
    free(text);
    report_free(report);
}

static void html__is_well_formed_and_needs_nothing_else(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_html, false);
    xmlDocPtr doc = xmlReadMemory(text, (int)strlen(text), "html", NULL, XML_PARSE_NONET);

    (void)state;
    assert_non_null(doc);
    assert_string_equal((const char *)xmlDocGetRootElement(doc)->name, "html");
    assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "http"));
    assert_non_null(strstr(text, "message a&lt;b&gt;&amp;"));
    xmlFreeDoc(doc);
    free(text);
    report_free(report);
}

static void tap__escapes_directives(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_tap, false);

    (void)state;
    assert_int_equal(strncmp(text, "TAP version 13\n1..6\n", 20), 0);
    assert_non_null(strstr(text, "\nnot ok 1 - A-1 "));
    assert_non_null(strstr(text, "`e`\\#f"));
    assert_non_null(strstr(text, "\nok 3 - B-1 "));
    assert_non_null(strstr(text, "# TODO because \\# of it"));
    assert_non_null(strstr(text, "# SKIP not-exercised: because \\# of it"));
    assert_non_null(strstr(text, "message: \"message a<b>&\\\"c\\\"|"));
    assert_non_null(strstr(text, "# case ring-split/B-3/two skipped: needs MQ"));
    free(text);
    report_free(report);
}

static void markdown__quotes_markup(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_markdown, false);

    (void)state;
    assert_non_null(strstr(text, "| fail | 1 |"));
    assert_non_null(strstr(text, "message a\\<b\\>&\"c\"\\|\\*d\\*\\`e\\`\\#f"));
    assert_non_null(strstr(text, "`vblk test --builtin"));
    assert_non_null(strstr(text, "\n## Fail\n\n### A-1"));
    free(text);
    report_free(report);
}

static void text__tells_what_matters_first(void **state)
{
    struct report *report = example();
    char *text = written(report, report_write_text, false), *all;
    const char *fail = strstr(text, "FAIL  A-1"), *warn = strstr(text, "WARN  B-1");

    (void)state;
    assert_non_null(fail);
    assert_true(fail < warn);
    assert_true(warn < strstr(text, "EXPECTED FAIL  B-2"));
    assert_non_null(strstr(text, "where     queue 2, index 7, address 0x1234, bytes 00 ff"));
    assert_non_null(strstr(text, "matters   data is lost"));
    assert_non_null(strstr(text, "again     vblk test --builtin --case 'blk-request/A-1/one' --seed 1"));
    assert_non_null(strstr(text, "hung  ring-split/B-1/three: at step 3"));
    assert_non_null(strstr(text, "1 skipped: needs MQ"));
    assert_non_null(strstr(text, "1 clause violated\n"));
    assert_null(strstr(text, "B-3"));
    assert_null(strchr(text, '\033'));
    all = written(report, report_write_text, true);
    assert_non_null(strstr(all, "B-3"));
    free(all);
    free(text);
    report_free(report);
}

static void text__colors_only_when_asked(void **state)
{
    const struct report_style style = { .color = true };
    struct report *report = example();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_int_equal(report_write_text(report, out, &style), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\033[1;31mFAIL\033[0m"));
    free(text);
    report_free(report);
}

static void status__follows_the_verdicts(void **state)
{
    struct report *report = report_new();

    (void)state;
    add_clause(report, "A", "a", VBLK_VERDICT_NOT_EXERCISED);
    assert_int_equal(report_status(report), 77);
    report->clauses[0].verdict = VBLK_VERDICT_PASS;
    report->clauses[0].exercised = 1;
    assert_int_equal(report_status(report), 0);
    report->clauses[0].verdict = VBLK_VERDICT_WARN;
    assert_int_equal(report_status(report), 0);
    report->should_fails = true;
    assert_int_equal(report_status(report), 1);
    report->clauses[0].verdict = VBLK_VERDICT_EXPECTED_FAIL;
    assert_int_equal(report_status(report), 0);
    report->cut_short = true;
    assert_int_equal(report_status(report), 2);
    report->clauses[0].verdict = VBLK_VERDICT_UNEXPECTED_PASS;
    assert_int_equal(report_status(report), 1);
    report->clauses[0].verdict = VBLK_VERDICT_FAIL;
    assert_int_equal(report_status(report), 1);
    report_free(report);
}

static void merge__keeps_the_worst_verdict_and_all_evidence(void **state)
{
    struct report *one = example(), *two = example(), *sum = report_new();

    (void)state;
    two->clauses[0].verdict = VBLK_VERDICT_PASS;
    two->clauses[1].verdict = VBLK_VERDICT_NOT_EXERCISED;
    two->clauses[4].verdict = VBLK_VERDICT_PASS;
    two->target_kind = "vhost-user";
    report_merge(sum, one);
    report_merge(sum, two);
    assert_int_equal(sum->clause_count, 6);
    assert_int_equal(sum->clauses[0].verdict, VBLK_VERDICT_FAIL);
    assert_int_equal(sum->clauses[0].violation_count, 2);
    assert_int_equal(sum->clauses[0].exercised, 6);
    assert_int_equal(sum->clauses[1].verdict, VBLK_VERDICT_PASS);
    assert_int_equal(sum->clauses[4].verdict, VBLK_VERDICT_PASS);
    assert_int_equal(sum->case_count, 6);
    assert_int_equal(sum->reading_count, 1);
    assert_int_equal(sum->seed, 7);
    assert_string_equal(sum->target_kind, "builtin + vhost-user");
    assert_int_equal(sum->summary[VBLK_VERDICT_FAIL], 1);
    report_free(one);
    report_free(two);
    report_free(sum);
}

static void violations__are_bounded(void **state)
{
    struct report *report = report_new();

    (void)state;
    add_clause(report, "A", "a", VBLK_VERDICT_FAIL);
    for (unsigned i = 0; i < REPORT_VIOLATIONS_MAX; i++)
        assert_non_null(report_add_violation(&report->clauses[0]));
    assert_null(report_add_violation(&report->clauses[0]));
    report_free(report);
}

static void sink__unknown_format_or_place_is_a_sentence(void **state)
{
    struct report_sink sink;
    char why[256];

    (void)state;
    assert_int_equal(report_sink_open(&sink, "yaml:x", why, sizeof(why)), -1);
    assert_non_null(strstr(why, "yaml:x"));
    assert_int_equal(report_sink_open(&sink, "", why, sizeof(why)), -1);
    assert_int_equal(report_sink_open(&sink, "json:/nonexistent/dir/x", why, sizeof(why)), -1);
    assert_non_null(strstr(why, "/nonexistent/dir/x"));
    assert_int_equal(report_sink_open(&sink, "json", why, sizeof(why)), 0);
    assert_ptr_equal(sink.out, stdout);
}

static void sink__replaces_a_longer_file(void **state)
{
    struct report *report = report_new();
    char *path = temporary("what was there before, and was much longer than what comes now: "
                           "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789"),
         spec[64];
    struct report_sink sink;
    const struct report_style style = { 0 };
    char why[256], text[128] = "";
    FILE *in;

    (void)state;
    (void)snprintf(spec, sizeof(spec), "tap:%s", path);
    assert_int_equal(report_sink_open(&sink, spec, why, sizeof(why)), 0);
    assert_int_equal(report_sink_write(&sink, report, &style, why, sizeof(why)), 0);
    in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    assert_int_equal(fclose(in), 0);
    assert_int_equal(strncmp(text, "TAP version 13\n1..0\n#", 21), 0);
    assert_null(strstr(text, "0123456789"));
    assert_int_equal(unlink(path), 0);
    free(path);
    report_free(report);
}

static void sink__full_device_is_a_sentence(void **state)
{
    static const char *const specs[] = { "text:/dev/full", "json:/dev/full", "junit:/dev/full",
                                         "tap:/dev/full",  "html:/dev/full", "markdown:/dev/full" };
    struct report *report = example();
    struct report_sink sink;
    const struct report_style style = { 0 };
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        assert_int_equal(report_sink_open(&sink, specs[i], why, sizeof(why)), 0);
        assert_int_equal(report_sink_write(&sink, report, &style, why, sizeof(why)), -1);
        assert_non_null(strstr(why, "/dev/full"));
    }
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__conforms_to_its_schema),
        cmocka_unit_test(json__read_back_writes_the_same_bytes),
        cmocka_unit_test(reading__refuses_what_is_no_report),
        cmocka_unit_test(reading__survives_members_of_other_types),
        cmocka_unit_test(junit__is_well_formed_and_counts),
        cmocka_unit_test(junit__warning_is_a_failure_when_should_fails),
        cmocka_unit_test(html__is_well_formed_and_needs_nothing_else),
        cmocka_unit_test(tap__escapes_directives),
        cmocka_unit_test(markdown__quotes_markup),
        cmocka_unit_test(text__tells_what_matters_first),
        cmocka_unit_test(text__colors_only_when_asked),
        cmocka_unit_test(status__follows_the_verdicts),
        cmocka_unit_test(merge__keeps_the_worst_verdict_and_all_evidence),
        cmocka_unit_test(violations__are_bounded),
        cmocka_unit_test(sink__unknown_format_or_place_is_a_sentence),
        cmocka_unit_test(sink__replaces_a_longer_file),
        cmocka_unit_test(sink__full_device_is_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
