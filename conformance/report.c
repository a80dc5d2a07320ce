/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <libxml/xmlstring.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, count * size);

    if (!bigger) {
        fputs("vblk: no memory left for the report\n", stderr);
        exit(2);
    }
    return bigger;
}

struct report *report_new(void)
{
    struct report *report = grown(NULL, 1, sizeof(*report));

    *report = (struct report){ .tool = "",
                               .target_kind = "",
                               .target_name = "",
                               .target_role = "device",
                               .profile = "",
                               .level = "",
                               .rings = REPORT_SPLIT };
    return report;
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->clause_count; i++)
        free(report->clauses[i].violations);
    for (size_t i = 0; i < report->kept_count; i++)
        free(report->kept[i]);
    free(report->clauses);
    free(report->cases);
    free(report->readings);
    free(report->notes);
    free(report->kept);
    free(report);
}

/* XML 1.0 has no place for control characters, JSON none for bytes that aren't UTF-8. */
static void make_fit(char *text)
{
    bool utf8 = xmlCheckUTF8((const unsigned char *)text);

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\n' || c == '\t')
            *text = ' ';
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            *text = '?';
    }
}

/* Takes @text over. */
static const char *keep(struct report *report, char *text)
{
    make_fit(text);
    report->kept = grown(report->kept, report->kept_count + 1, sizeof(*report->kept));
    report->kept[report->kept_count++] = text;
    return text;
}

const char *report_keep(struct report *report, const char *text)
{
    size_t size = strlen(text) + 1;

    if (size == 1)
        return "";
    return keep(report, memcpy(grown(NULL, size, 1), text, size));
}

const char *report_format(struct report *report, const char *format, ...)
{
    va_list ap, again;
    char *text;
    int len;

    va_start(ap, format);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    text = grown(NULL, (size_t)(len < 0 ? 0 : len) + 1, 1);
    text[0] = '\0';
    if (len > 0)
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return keep(report, text);
}

struct report_clause *report_add_clause(struct report *report)
{
    struct report_clause *clause;

    report->clauses = grown(report->clauses, report->clause_count + 1, sizeof(*report->clauses));
    clause = &report->clauses[report->clause_count++];
    *clause = (struct report_clause){ .id = "",
                                      .level = "",
                                      .party = "",
                                      .area = "",
                                      .section = "",
                                      .summary = "",
                                      .verdict = VBLK_VERDICT_NOT_EXERCISED,
                                      .why = "",
                                      .choice = "",
                                      .reading = "" };
    return clause;
}

struct report_case *report_add_case(struct report *report)
{
    struct report_case *entry;

    report->cases = grown(report->cases, report->case_count + 1, sizeof(*report->cases));
    entry = &report->cases[report->case_count++];
    *entry = (struct report_case){ .name = "", .area = "", .clause = "", .what = "", .reason = "" };
    return entry;
}

struct report_violation *report_add_violation(struct report_clause *clause)
{
    struct report_violation *violation;

    if (clause->violation_count == REPORT_VIOLATIONS_MAX)
        return NULL;
    clause->violations = grown(clause->violations, clause->violation_count + 1, sizeof(*clause->violations));
    violation = &clause->violations[clause->violation_count++];
    *violation = (struct report_violation){ .severity = VBLK_VERDICT_FAIL,
                                            .name = "",
                                            .message = "",
                                            .expected = "",
                                            .seen = "",
                                            .queue = -1,
                                            .index = -1,
                                            .bytes = "",
                                            .consequence = "",
                                            .flags = "",
                                            .reading = "",
                                            .replay = "" };
    return violation;
}

void report_add_note(struct report *report, const char *text)
{
    for (size_t i = 0; i < report->note_count; i++)
        if (strcmp(report->notes[i], text) == 0)
            return;
    report->notes = grown(report->notes, report->note_count + 1, sizeof(*report->notes));
    report->notes[report->note_count++] = report_keep(report, text);
}

void report_add_reading(struct report *report, const char *reading)
{
    for (size_t i = 0; i < report->reading_count; i++)
        if (strcmp(report->readings[i], reading) == 0)
            return;
    report->readings = grown(report->readings, report->reading_count + 1, sizeof(*report->readings));
    report->readings[report->reading_count++] = report_keep(report, reading);
}

void report_count(struct report *report)
{
    memset(report->summary, 0, sizeof(report->summary));
    for (size_t i = 0; i < report->clause_count; i++)
        report->summary[report->clauses[i].verdict]++;
}

bool report_fails(const struct report *report, enum vblk_verdict verdict)
{
    return verdict == VBLK_VERDICT_FAIL || verdict == VBLK_VERDICT_UNEXPECTED_PASS ||
           (verdict == VBLK_VERDICT_WARN && report->should_fails);
}

int report_status(const struct report *report)
{
    uint64_t exercised = 0;

    for (size_t i = 0; i < report->clause_count; i++) {
        if (report_fails(report, report->clauses[i].verdict))
            return 1;
        exercised += report->clauses[i].exercised;
    }
    if (report->cut_short)
        return 2;
    return exercised ? 0 : 77;
}

const char *report_result_name(enum report_result result)
{
    static const char *const names[REPORT_RESULTS] = { "ran", "skipped", "hung", "gone" };

    return names[result];
}

const char *report_ring_name(unsigned ring)
{
    return ring == REPORT_SPLIT ? "split" : ring == REPORT_PACKED ? "packed" : NULL;
}

void report_where(const struct report_violation *violation, char *buf, size_t size)
{
    bool placed = violation->queue > 0 || violation->index >= 0 || violation->has_address || violation->bytes[0];
    size_t at = 0;
    char text[96];

    buf[0] = '\0';
    for (int part = placed ? 0 : 4; part < 4; part++) {
        text[0] = '\0';
        if (part == 0 && violation->queue >= 0)
            (void)snprintf(text, sizeof(text), "queue %d", violation->queue);
        if (part == 1 && violation->index >= 0)
            (void)snprintf(text, sizeof(text), "index %d", violation->index);
        if (part == 2 && violation->has_address)
            (void)snprintf(text, sizeof(text), "address 0x%llx", (unsigned long long)violation->address);
        if (part == 3 && violation->bytes[0])
            (void)snprintf(text, sizeof(text), "bytes %s", violation->bytes);
        if (text[0] && at < size)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", text);
    }
}

size_t report_result_count(const struct report *report, enum report_result result)
{
    size_t count = 0;

    for (size_t i = 0; i < report->case_count; i++)
        count += report->cases[i].result == result;
    return count;
}

size_t report_played_on(const struct report *report, uint8_t ring)
{
    size_t count = 0;

    for (size_t i = 0; i < report->case_count; i++)
        count += report->cases[i].result != REPORT_SKIPPED && report->cases[i].ring == ring;
    return count;
}

static int more_first(const void *a, const void *b)
{
    const struct report_reason *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->reason, y->reason);
}

size_t report_skip_reasons(const struct report *report, struct report_reason **reasons)
{
    size_t count = 0, k;

    *reasons = grown(NULL, report->case_count + 1, sizeof(**reasons));
    for (size_t i = 0; i < report->case_count; i++) {
        if (report->cases[i].result != REPORT_SKIPPED)
            continue;
        for (k = 0; k < count && strcmp((*reasons)[k].reason, report->cases[i].reason) != 0; k++)
            ;
        if (k == count)
            (*reasons)[count++] = (struct report_reason){ report->cases[i].reason, 0 };
        (*reasons)[k].count++;
    }
    qsort(*reasons, count, sizeof(**reasons), more_first);
    return count;
}
