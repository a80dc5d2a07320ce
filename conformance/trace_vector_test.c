/* SPDX-License-Identifier: BSD-3-Clause */
/* Recorded cases become vectors that say the same again; what is damaged is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder.h"
#include "runner.h"
#include "trace_image.h"
#include "trace_vector.h"
#include "vector_lint.h"

static char path[] = "/tmp/vblk-trace-vector-XXXXXX";
static uint8_t *whole;
static size_t size;

static void put_file(const uint8_t *bytes, size_t len)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static bool get_file(void)
{
    FILE *in = fopen(path, "rb");

    if (!in || fseek(in, 0, SEEK_END))
        return false;
    size = (size_t)ftell(in);
    rewind(in);
    whole = malloc(size);
    return whole && fread(whole, 1, size, in) == size && fclose(in) == 0;
}

static struct runner_options usual(void)
{
    return (struct runner_options){ .profile = *vblk_profile_default(), .seed = 1, .timeout_ms = 60000, .replay = "again",
                                    .allow_data_loss = true };
}

/* Plays @set on the reference device; the violations, or -1. */
static int play(struct runner_options *options, const struct runner_set *set, size_t *cases)
{
    const struct target_model model = { .profile = options->profile, .ring = vblk_device_ring_features() };
    struct target *target = target_builtin(&model);
    struct report *report = report_new();
    int found = 0;

    if (!target || !report || runner_run(options, set, target, report))
        return -1;
    for (size_t i = 0; i < report->clause_count; i++)
        found += (int)report->clauses[i].violation_count;
    *cases = report_result_count(report, REPORT_RAN);
    report_free(report);
    target_close(target);
    return found;
}

/* Reads of odd lengths, writes, and tables, each on both formats. */
static int record(void **state)
{
    static const char *names[] = { "blk-request/BLK-OP-08/not-a-multiple", "ring-indirect/RING-IND-01/write-and-read" };
    struct runner_options options = usual();
    struct runner_set set = { 0 };
    char why[512] = "";
    size_t cases = 0;
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || !runner_load(&set, VECTORS, why, sizeof(why)))
        return -1;
    (void)close(fd);
    options.filter.names = (struct runner_globs){ names, 2 };
    options.recorder = recorder_open(path, false, why, sizeof(why));
    if (!options.recorder || play(&options, &set, &cases) != 0 || !cases ||
        !recorder_close(options.recorder, why, sizeof(why)))
        return -1;
    runner_unload(&set);
    return get_file() ? 0 : -1;
}

static int forget(void **state)
{
    (void)state;
    free(whole);
    return unlink(path);
}

static struct vector_file *load(const char *text, const char *name)
{
    struct vector_error error = { .line = 0 };
    struct vector_file *file = vector_load_text(text, strlen(text), name, &error);

    if (!file)
        fail_msg("%s", error.reason);
    return file;
}

static void hear(void *ctx, const struct vector_error *what, bool warning)
{
    (void)ctx, (void)warning;
    fail_msg("%s", what->reason);
}

static void what_was_recorded__is_a_vector_that_holds(void **state)
{
    const struct trace_vector_options how = { .requests = 0 };
    struct vector_lint lint = { .features = vblk_device_features, .report = hear };
    struct runner_options options = usual();
    struct trace_vector_told told;
    struct vector_file *file;
    size_t played = 0;
    char why[512] = "", *text, *again;

    (void)state;
    put_file(whole, size);
    text = trace_vector(path, &how, &told, why, sizeof(why));
    if (!text)
        fail_msg("%s", why);
    file = load(text, told.path);
    again = vector_format(file);
    assert_string_equal(again, text);
    vblk_device_defaults(&lint.reference);
    assert_int_equal(vector_lint_file(&lint, file), 0);
    assert_int_equal(vector_case_count(file), told.cases);
    assert_true(told.cases >= 10 && told.requests >= told.cases && told.left == 0 && told.stillborn == 0);
    assert_int_equal(play(&options, &(struct runner_set){ &file, 1 }, &played), 0);
    assert_int_equal(played, told.cases);
    free(again);
    free(text);
    vector_free(file);
}

/* A case says what the trace shows: the type, the length, the format, and what was answered. */
static void a_case__says_what_was_seen(void **state)
{
    const struct trace_vector_options how = { .glob = "blk-request/BLK-OP-08/*", .clause = "BLK-OP-01" };
    struct trace_vector_told told;
    char why[512] = "", *text;
    const char *packed;

    (void)state;
    put_file(whole, size);
    text = trace_vector(path, &how, &told, why, sizeof(why));
    assert_non_null(text);
    assert_string_equal(told.path, "blk-request/BLK-OP-01.json");
    assert_int_equal(told.cases, 8);
    assert_int_equal(told.requests, 16);
    assert_non_null(strstr(text, "{ \"do\": \"submit\", \"name\": \"r1\", \"type\": \"IN\", \"in\": 511 },"));
    assert_non_null(strstr(text, "{ \"do\": \"expect\", \"name\": \"r1\", \"status\": [\"IOERR\"] },"));
    assert_non_null(strstr(text, "\"exercises\": [\"BLK-OP-08\"]"));
    packed = strstr(text, "\"name\": \"not-a-multiple-5\"");
    assert_non_null(packed);
    assert_non_null(strstr(strstr(packed, "\"negotiate\""), "RING_PACKED"));
    free(text);
}

static void what_was_not_asked_for__is_counted_in_the_note(void **state)
{
    const struct trace_vector_options how = { .glob = "blk-request/BLK-OP-08/*", .requests = 1 };
    const struct trace_vector_options none = { .glob = "no-such-case" };
    struct trace_vector_told told;
    char why[512] = "", *text;

    (void)state;
    put_file(whole, size);
    text = trace_vector(path, &how, &told, why, sizeof(why));
    assert_non_null(text);
    assert_int_equal(told.requests, 8);
    assert_int_equal(told.left, 8);
    assert_non_null(strstr(text, "Not carried over: requests behind those that were asked for"));
    free(text);
    assert_null(trace_vector(path, &none, &told, why, sizeof(why)));
    assert_non_null(strstr(why, "nothing to make a case of"));
}

/* Whether it became a vector, which then can be read; if not, there is a sentence. */
static bool becomes(const uint8_t *bytes, size_t len)
{
    const struct trace_vector_options how = { .requests = 0 };
    struct trace_vector_told told;
    char why[512] = "", *text;

    put_file(bytes, len);
    text = trace_vector(path, &how, &told, why, sizeof(why));
    if (text)
        vector_free(load(text, told.path));
    else
        assert_true(why[0] && !strchr(why, '\n'));
    free(text);
    return text != NULL;
}

static void a_trace_that_was_cut__is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < size; len += len < 2000 ? 97 : size / 12)
        assert_false(becomes(whole, len));
    assert_false(becomes(whole, size - 1));
}

static void bytes_that_changed__are_refused_or_read(void **state)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    uint8_t *bytes = malloc(size);
    size_t became = 0, refused = 0, step = size / 60 + 1;

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, whole, size);
    for (size_t at = 24; at < size; at += at < 400 ? 7 : step) {
        const uint8_t mask = masks[at % 3];

        bytes[at] ^= mask;
        if (becomes(bytes, size))
            became++;
        else
            refused++;
        bytes[at] ^= mask;
    }
    free(bytes);
    assert_true(became > 0 && refused > 0);
}

static void memory_that_was_not_seen__is_not_known(void **state)
{
    static const uint8_t bytes[] = { 1, 2, 3, 4 };
    struct trace_image *image = trace_image_new();
    uint8_t got[8];

    (void)state;
    assert_non_null(image);
    assert_true(trace_image_put(image, 4094, bytes, 4));
    assert_true(trace_image_get(image, 4094, got, 4));
    assert_memory_equal(got, bytes, 4);
    assert_false(trace_image_get(image, 4093, got, 2));
    assert_false(trace_image_get(image, 4097, got, 2));
    assert_false(trace_image_get(image, UINT64_MAX - 1, got, 4));
    trace_image_drop(image, 4095, 1);
    assert_true(trace_image_get(image, 4094, got, 1));
    assert_false(trace_image_get(image, 4094, got, 2));
    trace_image_drop(image, 0, UINT64_MAX);
    assert_false(trace_image_get(image, 4094, got, 1));
    assert_true(trace_image_put(image, UINT64_MAX - 1, bytes, 2));
    assert_true(trace_image_get(image, UINT64_MAX - 1, got, 2));
    trace_image_forget(image);
    assert_false(trace_image_get(image, UINT64_MAX - 1, got, 1));
    trace_image_free(image);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_recorded__is_a_vector_that_holds),
        cmocka_unit_test(a_case__says_what_was_seen),
        cmocka_unit_test(what_was_not_asked_for__is_counted_in_the_note),
        cmocka_unit_test(a_trace_that_was_cut__is_refused),
        cmocka_unit_test(bytes_that_changed__are_refused_or_read),
        cmocka_unit_test(memory_that_was_not_seen__is_not_known),
    };

    return cmocka_run_group_tests(tests, record, forget);
}
