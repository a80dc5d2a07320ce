/* SPDX-License-Identifier: BSD-3-Clause */
/* A trace of a small run, damaged in every way: it is refused with one sentence or judged, and nothing else happens. */
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
#include "trace_check.h"

static char path[] = "/tmp/vblk-trace-XXXXXX";
static uint8_t *whole;
static size_t size;
static struct report *recorded;

static void put_file(const uint8_t *bytes, size_t len)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void get_file(void)
{
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    size = (size_t)ftell(in);
    rewind(in);
    whole = malloc(size);
    assert_non_null(whole);
    assert_int_equal(fread(whole, 1, size, in), size);
    (void)fclose(in);
}

/* One case on the reference device. */
static int record(void **state)
{
    static const char *name = "blk-request/BLK-OP-08/not-a-multiple";
    struct runner_options options = { .profile = *vblk_profile_default(), .seed = 1, .timeout_ms = 60000, .replay = "again", .rings = VECTOR_SPLIT,
                                      .filter.names = { &name, 1 } };
    const struct target_model model = { .profile = options.profile, .ring = vblk_device_ring_features() };
    struct target *target = target_builtin(&model);
    struct runner_set set = { 0 };
    char why[512] = "";
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || !target || !runner_load(&set, VECTORS, why, sizeof(why)))
        return -1;
    (void)close(fd);
    options.recorder = recorder_open(path, false, why, sizeof(why));
    recorded = report_new();
    if (!options.recorder || runner_run(&options, &set, target, recorded) ||
        !recorder_close(options.recorder, why, sizeof(why)))
        return -1;
    target_close(target);
    runner_unload(&set);
    get_file();
    return 0;
}

static int forget(void **state)
{
    (void)state;
    report_free(recorded);
    free(whole);
    return unlink(path);
}

/* Whether it was judged; if not, there is a sentence. */
static bool judge(const uint8_t *bytes, size_t len)
{
    const struct trace_check_options options = { .should_fails = -1 };
    char why[512] = "";
    struct report *report;

    put_file(bytes, len);
    report = trace_check(path, &options, why, sizeof(why));
    assert_true(report || (why[0] && !strchr(why, '\n')));
    report_free(report);
    return report != NULL;
}

static void what_was_recorded__is_judged_the_same(void **state)
{
    const struct trace_check_options options = { .should_fails = -1 };
    char why[512] = "";
    struct report *report;

    (void)state;
    put_file(whole, size);
    report = trace_check(path, &options, why, sizeof(why));
    assert_non_null(report);
    assert_true(report_result_count(report, REPORT_RAN) > 0);
    assert_memory_equal(report->summary, recorded->summary, sizeof(report->summary));
    for (size_t i = 0; i < report->clause_count; i++)
        assert_int_equal(report->clauses[i].exercised, recorded->clauses[i].exercised);
    report_free(report);
}

static void a_trace_that_was_cut__is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < size; len += len < 2000 ? 23 : size / 60)
        assert_false(judge(whole, len));
    assert_false(judge(whole, size - 1));
}

static void bytes_that_changed__are_refused_or_judged(void **state)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    uint8_t *bytes = malloc(size);
    size_t judged = 0, refused = 0, step = size / 250 + 1;

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, whole, size);
    for (size_t at = 0; at < size; at += at < 700 ? 1 : step) {
        const uint8_t mask = masks[at % 3];

        bytes[at] ^= mask;
        if (judge(bytes, size))
            judged++;
        else
            refused++;
        bytes[at] ^= mask;
    }
    free(bytes);
    assert_true(judged > 0 && refused > 0);
}

/* The packet at @at, its head of libpcap's included. */
static size_t packet_bytes(size_t at)
{
    const uint8_t *len = whole + at + 8;

    return 16u + len[0] + ((size_t)len[1] << 8) + ((size_t)len[2] << 16);
}

static void records_out_of_order_missing_or_twice__are_refused_or_judged(void **state)
{
    uint8_t *bytes = malloc(2 * size);
    size_t at = 24, n = 0, next, one, two;

    (void)state;
    assert_non_null(bytes);
    for (; at + 16 < size; at = next, n++) {
        one = packet_bytes(at);
        next = at + one;
        if (n > 20 && n % 40 != 0 && next < size)
            continue;
        memcpy(bytes, whole, at);
        memcpy(bytes + at, whole + next, size - next);
        (void)judge(bytes, size - one); /* missing */
        memcpy(bytes, whole, next);
        memcpy(bytes + next, whole + at, size - at);
        (void)judge(bytes, size + one); /* twice */
        if (next + 16 >= size)
            break;
        two = packet_bytes(next);
        memcpy(bytes + at, whole + next, two);
        memcpy(bytes + at + two, whole + at, one);
        memcpy(bytes + at + two + one, whole + next + two, size - next - two);
        (void)judge(bytes, size); /* changed places */
    }
    /* Two that nobody can miss: what the judge was told, and the end. */
    one = packet_bytes(24);
    memcpy(bytes, whole, 24);
    memcpy(bytes + 24, whole + 24 + one, size - 24 - one);
    assert_false(judge(bytes, size - one));
    memcpy(bytes, whole, 24 + one);
    memcpy(bytes + 24 + one, whole + 24, size - 24);
    assert_false(judge(bytes, size + one));
    free(bytes);
    assert_true(n > 20);
}

/* Each event has lost what the judge looked at: nothing is decided, and it is said. */
static void bytes_that_are_not_there__are_not_made_up(void **state)
{
    const struct trace_check_options options = { .should_fails = -1 };
    uint8_t *bytes = malloc(size);
    size_t at = 24, to = 24, one, ev;
    char why[512] = "";

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, whole, 24);
    for (; at + 16 < size; at += one) {
        one = packet_bytes(at);
        memcpy(bytes + to, whole + at, one);
        ev = one - 20 < 32 ? 0 : 32;
        if (whole[at + 16] == VBLK_TRACE_EVENT && ev) {
            if (whole[at + 20 + 3] & 0x80)
                ev += whole[at + 20 + 8] + ((size_t)whole[at + 20 + 9] << 8);
            for (size_t i = 0; i < 8; i++)
                bytes[to + 8 + i] = (uint8_t)((ev + 4) >> 8 * (i % 4));
            to += 20 + ev;
        } else {
            to += one;
        }
    }
    put_file(bytes, to);
    free(bytes);
    assert_null(trace_check(path, &options, why, sizeof(why)));
    assert_non_null(strstr(why, "nothing is decided"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_recorded__is_judged_the_same),
        cmocka_unit_test(a_trace_that_was_cut__is_refused),
        cmocka_unit_test(bytes_that_changed__are_refused_or_judged),
        cmocka_unit_test(records_out_of_order_missing_or_twice__are_refused_or_judged),
        cmocka_unit_test(bytes_that_are_not_there__are_not_made_up),
    };

    return cmocka_run_group_tests(tests, record, forget);
}
