/* SPDX-License-Identifier: BSD-3-Clause */
/* One mutant or control tried, and what the judge said of it. */
#ifndef CONFORMANCE_TRIAL_H
#define CONFORMANCE_TRIAL_H

#include <vblk/oracle.h>

#include "mutants.h"
#include "runner.h"

#define TRIAL_BLAMES 24u
#define TRIAL_TEXT 160u

/* Plain memory, so that it can be shared between processes. */
struct trial_blame {
    vblk_clause_no clause;
    uint8_t guilty; /* enum vblk_party */
    uint32_t times;
    char where[TRIAL_TEXT]; /* the case or scenario */
    char seen[TRIAL_TEXT];
};

enum trial_result {
    TRIAL_NOT_RUN, /* the process that tried it ended */
    TRIAL_KILLED,
    TRIAL_MISATTRIBUTED, /* another clause was blamed, or the innocent party */
    TRIAL_SURVIVED,
    TRIAL_UNSEEN, /* its clause was not blamed, and there is a reason why it can't be seen at this grade */
    TRIAL_IDLE, /* a control that does nothing which another one does not: it shows nothing */
    TRIAL_RESULTS
};

struct trial {
    uint8_t result; /* enum trial_result */
    bool astray;    /* somebody or something was blamed that is not meant */
    uint16_t count;
    uint64_t trace; /* of a driver's work: what happened, in one number; 0: none */
    struct trial_blame blame[TRIAL_BLAMES];
};

/* How much is played: the cases of the clause, those of its area if they were not enough, and then all; or all at once. */
struct trial_options {
    const struct runner_set *vectors;
    bool whole;
    bool snapshot; /* the models are seen through snapshots only */
};

void trial_mutant(const struct trial_options *options, const struct mutant *mutant, struct trial *out);
/* All that there is is played; the result is TRIAL_SURVIVED if nobody was blamed, TRIAL_MISATTRIBUTED otherwise. */
void trial_control(const struct trial_options *options, const struct mutant *control, struct trial *out);
/* Whether @id may be blamed for @mutant. */
bool trial_is_meant(const struct mutant *mutant, bool snapshot, const char *id);
/* Why @mutant can't be seen at this grade (in @buf, or static), or NULL: it can. */
const char *trial_hidden(const struct mutant *mutant, bool snapshot, char *buf, size_t size);
const char *trial_result_name(enum trial_result result);
/* driver_trial.c: the reference driver with @mutant's changes (NULL: none) does its work in every scenario. */
void trial_driver(const struct mutant *mutant, bool snapshot, struct trial *out);
/* How often each clause was exercised, added to @times[vblk_clause_count()], when the reference driver does its work in the
 * scenarios of one ring format. */
void trial_exercised(bool packed, uint32_t *times);
/* Add to what is blamed; the first occurrence's texts stay. */
void trial_add(struct trial *out, vblk_clause_no clause, uint8_t guilty, const char *where, const char *seen);

#endif /* CONFORMANCE_TRIAL_H */
