/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a run came to, and the formats it can be written in.
 *
 * A report owns its strings. They are made fit for every format when they enter: valid UTF-8, no control
 * characters. Writers look at nothing but the report, so the same run gives the same bytes.
 */
#ifndef CONFORMANCE_REPORT_H
#define CONFORMANCE_REPORT_H

#include <stdio.h>

#include <vblk/oracle.h>

enum report_result {
    REPORT_RAN,
    REPORT_SKIPPED,
    REPORT_HUNG, /* the target did not answer in time */
    REPORT_GONE, /* the target hung up or crashed */
    REPORT_RESULTS
};

/* Ring formats that were played on, as a set. */
enum { REPORT_SPLIT = 1, REPORT_PACKED = 2 };

struct report_violation {
    enum vblk_verdict severity; /* FAIL, WARN, or EXPECTED_FAIL */
    const char *name;           /* of the case */
    const char *message, *expected, *seen;
    int queue; /* -1: none */
    int index; /* -1: none */
    bool has_address;
    uint64_t address;
    const char *bytes;       /* hexadecimal, or "" */
    const char *consequence; /* why it matters, or "" */
    const char *flags;       /* of the case: "over-strict, security", or "" */
    const char *reading;     /* the ambiguity it rests on: "AMB-02=unsupp", or "" */
    bool relaxed;            /* a broken rule that the level in force only warns of */
    const char *replay;      /* the command that shows it again */
};

struct report_clause {
    const char *id, *level, *party, *area, *section, *summary;
    enum vblk_verdict verdict;
    const char *why;     /* there is no pass or fail; or what was expected by --expect */
    const char *choice;  /* what the target chose where it may, or "" */
    const char *reading; /* "AMB-02=unsupp", or "" */
    uint64_t exercised;
    uint64_t broken; /* how often, kept violations or not */
    struct report_violation *violations;
    size_t violation_count, violation_room;
};

struct report_case {
    const char *name, *area, *clause, *what;
    enum report_result result;
    const char *reason; /* of a result other than RAN, or "" */
    uint64_t runs;      /* variations played */
    uint64_t violations;
    uint8_t ring;       /* REPORT_SPLIT or REPORT_PACKED; 0: not told */
};

struct report {
    const char *tool, *target_kind, *target_name, *target_role;
    const char *profile, *level;
    uint8_t rings; /* REPORT_SPLIT, REPORT_PACKED */
    uint64_t offered, negotiated, seed;
    bool should_fails;     /* --fail-on should */
    bool cut_short;        /* the target or the user ended the run early */
    const char **readings; /* those that verdicts rest on and those that were chosen */
    size_t reading_count;
    const char **notes; /* what else the reader must know of the run */
    size_t note_count;
    struct report_clause *clauses;
    size_t clause_count;
    struct report_case *cases;
    size_t case_count;
    uint64_t summary[VBLK_VERDICT_COUNT];
    char **kept;
    size_t kept_count;
};

/* How many violations of one clause a report holds. */
#define REPORT_VIOLATIONS_MAX 16u

/* Allocation failures end the process with a sentence: a report that lacks a finding must not exist. */
struct report *report_new(void);
void report_free(struct report *report);
/* Copies made fit for every format, owned by the report. */
const char *report_keep(struct report *report, const char *text);
const char *report_format(struct report *report, const char *format, ...) VBLK_PRINTF(2, 3);
/* Zeroed entries with empty strings; valid until the next one is added. */
struct report_clause *report_add_clause(struct report *report);
struct report_case *report_add_case(struct report *report);
/* NULL when REPORT_VIOLATIONS_MAX are there already. */
struct report_violation *report_add_violation(struct report_clause *clause);
void report_add_note(struct report *report, const char *text);
/* Adds a reading unless it is there. */
void report_add_reading(struct report *report, const char *reading);
void report_count(struct report *report);
/* 0 or 1 as CLI statuses, 77 if nothing was exercised. */
int report_status(const struct report *report);
const char *report_result_name(enum report_result result);
/* The name of one format; NULL: there is no format @ring. */
const char *report_ring_name(unsigned ring);

/* Merge: of a clause in several reports the worst verdict stays, and all evidence. */
void report_merge(struct report *into, const struct report *from);
/* Read a JSON report. NULL with a sentence in @why. */
struct report *report_read(const char *path, char *why, size_t why_size);

struct report_style {
    bool color;
    bool verbose; /* text: list what was not exercised, too */
};
/* 0, or -1 if the stream failed. */
typedef int (*report_write_fn)(const struct report *report, FILE *out, const struct report_style *style);
int report_write_text(const struct report *report, FILE *out, const struct report_style *style);
int report_write_json(const struct report *report, FILE *out, const struct report_style *style);
int report_write_junit(const struct report *report, FILE *out, const struct report_style *style);
int report_write_tap(const struct report *report, FILE *out, const struct report_style *style);
int report_write_html(const struct report *report, FILE *out, const struct report_style *style);
int report_write_markdown(const struct report *report, FILE *out, const struct report_style *style);

/* Where one report goes: "json:FILE", "text". */
struct report_sink {
    report_write_fn write;
    const char *path; /* NULL: standard output */
    FILE *out;
};
/* Opens the file, so that one that can't be written is known before a run. Returns -1 with a sentence. */
int report_sink_open(struct report_sink *sink, const char *spec, char *why, size_t why_size);
/* Writes, flushes and closes. Returns -1 with a sentence. */
int report_sink_write(struct report_sink *sink, const struct report *report, const struct report_style *style,
                      char *why, size_t why_size);

/*
 * The same for a report that is written more than once: the format and the file are checked first, and each time the
 * whole file is replaced at once, so that there is always a complete one. Return -1 with a sentence.
 */
int report_check(const char *spec, char *why, size_t why_size);
int report_save(const char *spec, const struct report *report, const struct report_style *style, char *why,
                size_t why_size);
/* Whether the report goes to standard output. */
bool report_to_stdout(const char *spec);

/* For writers: "queue 0, index 3, address 0x1000, bytes 00 01", or "". */
void report_where(const struct report_violation *violation, char *buf, size_t size);
/* For writers: whether the verdict makes the run fail. */
bool report_fails(const struct report *report, enum vblk_verdict verdict);
/* For writers: skipped cases by reason, most frequent first. Returns how many reasons; *reasons is to be freed. */
struct report_reason {
    const char *reason;
    size_t count;
};
size_t report_skip_reasons(const struct report *report, struct report_reason **reasons);
size_t report_result_count(const struct report *report, enum report_result result);
/* Of the cases that were played, those on one ring format. */
size_t report_played_on(const struct report *report, uint8_t ring);

#endif /* CONFORMANCE_REPORT_H */
