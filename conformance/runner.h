/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs vectors against a target and makes a report of it.
 */
#ifndef CONFORMANCE_RUNNER_H
#define CONFORMANCE_RUNNER_H

#include <signal.h>
#include <stdio.h>

#include "expect.h"
#include "report.h"
#include "target.h"

/* All vectors under a directory, in the order of their paths. */
struct runner_set {
    struct vector_file **files;
    size_t count;
};
/* Reads DIR/<area>/<anything>.json. Returns false with a sentence in @why. */
bool runner_load(struct runner_set *set, const char *dir, char *why, size_t why_size);
void runner_unload(struct runner_set *set);

#define RUNNER_NAME_MAX 256u

/* Globs; one that begins with '!' excludes. */
struct runner_globs {
    const char **globs;
    size_t count;
};
struct runner_filter {
    struct runner_globs areas, clauses, names;
};
/*
 * A clause's glob selects the cases that exercise the clause, too; a case's matches NAME, CLAUSE/NAME or
 * AREA/CLAUSE/NAME, each with or without "@packed". @ring: the format that the case would be played on.
 */
bool runner_selects(const struct runner_filter *filter, const struct vector_case *c, uint8_t ring);
/* "area/CLAUSE/name" of a case; "area/CLAUSE/name@packed" on a packed ring, if there is a choice. */
void runner_case_name(const struct vector_case *c, uint8_t ring, char *buf, size_t size);

struct runner_options {
    struct vblk_profile profile;
    struct vblk_readings readings;
    uint8_t strictness; /* enum vblk_strictness */
    uint64_t seed;
    unsigned timeout_ms; /* for one variation of a case */
    uint8_t rings;       /* VECTOR_SPLIT, VECTOR_PACKED; 0: those that the target offers */
    bool streams;        /* play one stream of requests over every kind of ring, too, and compare */
    bool allow_data_loss;
    bool should_fails;
    struct runner_filter filter;
    struct expect_list *expect;                                               /* NULL: nothing is expected */
    const char *replay;                                                       /* the command up to where --case goes */
    bool (*restart)(void *ctx); /* start a target again that does not come back; NULL: it can't be had */
    void *restart_ctx;
    struct recorder *recorder; /* writes a trace; NULL: nobody does */
    const volatile sig_atomic_t *stop;                                        /* set: end the run; NULL: nobody will */
    void (*progress)(void *ctx, size_t done, size_t total, const char *name); /* NULL: nobody looks */
    void *progress_ctx;
};

/* The streams' area, and the case of kind @i of ring; NULL past the last. */
#define RUNNER_STREAMS "differential"
const struct vector_case *runner_stream_at(size_t i);

/* Plays what is selected and fills @report. VBLK_E_NOMEM, or VBLK_OK whatever the target did. */
vblk_err runner_run(const struct runner_options *options, const struct runner_set *set, struct target *target,
                    struct report *report);
/* How many cases would be played or skipped, calling @each with the reason to skip ("" if it would run). */
size_t runner_list(const struct runner_options *options, const struct runner_set *set, struct target *target,
                   void (*each)(void *ctx, const struct vector_case *c, const char *name, const char *reason),
                   void *ctx);

/*
 * Play variation @n of a case of kind VECTOR_EVENTS and say whether the oracle judged the file's clause as the file
 * says and nobody else. Returns 1 as expected, 0 not (a sentence in @why), -1 past the last variation, RUNNER_NOT_HERE if
 * the case is for another profile (@why says so).
 */
#define RUNNER_NOT_HERE 2
int runner_events(const struct runner_options *options, const struct vector_file *file, size_t i, size_t n, char *why,
                  size_t why_size);

#endif /* CONFORMANCE_RUNNER_H */
