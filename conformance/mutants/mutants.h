/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutants: the reference device with one table entry replaced, so that it breaks one clause. The suite must fail on
 * each and blame that clause.
 */
#ifndef CONFORMANCE_MUTANTS_H
#define CONFORMANCE_MUTANTS_H

#include <vblk/device.h>

#define MUTANT_SYNONYMS 4

struct mutant {
    const char *name;
    const char *what;                       /* what it does wrong, in one sentence */
    const char *clause;                     /* the clause that must be blamed */
    const char *synonyms[MUTANT_SYNONYMS];  /* clauses that say the same of this fault, and may be blamed, too */
    struct vblk_behaviour behaviour;
};

/* One table per area; each ends with a NULL name. */
extern const struct mutant mutants_provision[];
extern const struct mutant mutants_segments[];
extern const struct mutant mutants_request[];
extern const struct mutant mutants_ring[];

/* Mutant @i of all tables, or NULL past the last. */
const struct mutant *mutant_at(size_t i);

#endif /* CONFORMANCE_MUTANTS_H */
