/* SPDX-License-Identifier: BSD-3-Clause */
/* A run while it lasts; seen by the runner's own files only. */
#ifndef CONFORMANCE_RUNNER_RUN_H
#define CONFORMANCE_RUNNER_RUN_H

#include "recorder.h"
#include "runner.h"
#include "runner_guard.h"

/* What one clause has been through. */
struct runner_score {
    struct vblk_tally sum;
    uint32_t case_held;               /* in the present case */
    uint32_t case_broken;             /* in the present case: broken or doubted */
    uint64_t unexpected;              /* cases in which it was violated and nobody expected it */
    const struct expect_entry *entry; /* that expected a violation which happened */
};

struct runner_run {
    const struct runner_options *options;
    const struct runner_set *set;
    struct target *target;
    struct report *report; /* clause n of it is row n of the table */
    struct vblk_oracle *oracle;
    vblk_observe_fn sink; /* the oracle, or a recorder in front of it */
    void *sink_ctx;
    struct runner_guard guard;
    struct runner_score *scores;
    uint8_t rings;    /* formats that cases are played on */
    size_t total;     /* cases to come in all, for who looks on */
    void (*list)(void *ctx, const struct vector_case *c, const char *name, const char *reason); /* or only listed */
    void *list_ctx;
    bool stopped;     /* the user ended the run */
    const char *dead; /* why nothing can be played any more, or NULL */
    enum vblk_party judged; /* whose violations count; VBLK_NOBODY: nobody is ours, and all do */
};

/* The case being played; or what else happened, when nothing is played: file and c are NULL. */
struct runner_case {
    const struct vector_file *file;
    size_t i;
    const struct vector_case *c;
    uint8_t ring;      /* VECTOR_SPLIT or VECTOR_PACKED */
    vblk_clause_no no; /* the file's clause, VBLK_NO_CLAUSE if this build doesn't know it */
    char name[RUNNER_NAME_MAX];
    size_t entry; /* its place in report->cases */
};

/* runner.c: what cases of every kind go through */

/* Where events go from now on: to the oracle, past a recorder if there is one. */
void runner_sink(struct runner_run *run, struct vblk_memory *mem, const volatile int *memory_gone);

/* Reasons to skip that don't need the target's word. "" if there is none. */
const char *runner_known_reason(const struct runner_run *run, const struct vector_case *c);
/* A new entry of the report. */
struct runner_case runner_open_case(struct runner_run *run, const struct vector_case *c, uint8_t ring);
void runner_set_result(struct runner_run *run, const struct runner_case *now, enum report_result result,
                       const char *reason);
/* Let the oracle see what happens on guard.port. @patience: times of what one case gets. */
void runner_observe(struct runner_run *run, unsigned patience);
void runner_observe_no_more(struct runner_run *run);
/* The target is lost, or it does not answer: get it back or give up. @blamed: that is in the report already. */
void runner_recover(struct runner_run *run, const struct runner_case *now, bool blamed);

/* driver_run.c: what a case of a driver begins with, and what its report notes */
struct runner_case runner_open_driver(struct runner_run *run, const char *name, const char *what);
void runner_note_sight(struct runner_run *run, const struct runner_case *now);

/* runner_streams.c: the same stream of requests over every kind of ring. VBLK_E_NOMEM or VBLK_OK. */
vblk_err runner_streams(struct runner_run *run);
size_t runner_list_streams(struct runner_run *run);

/* runner_blame.c: from what the oracle and the player saw to violations in the report */

/* Adds the oracle's counts and violations of the variation just played. Returns whether the judged party was blamed. */
bool runner_collect(struct runner_run *run, const struct runner_case *now);
/* A violation of the case's own clause that the oracle did not see. @doubt: only a warning. */
void runner_blame(struct runner_run *run, const struct runner_case *now, bool doubt, const char *message,
                  const char *expected, const char *seen);
/* When a case ended: tell the expectations. */
void runner_settle(struct runner_run *run, const struct runner_case *now);
/* When all ended: fill in the clauses' verdicts. */
void runner_judge(struct runner_run *run, const struct vblk_target_facts *facts);
/* The head of the report, from what is asked for. */
void runner_head(const struct runner_options *options, const char *kind, const char *name, struct report *report);
/* All rows of the table, nothing decided. */
void runner_rows(struct report *report);

#endif /* CONFORMANCE_RUNNER_RUN_H */
