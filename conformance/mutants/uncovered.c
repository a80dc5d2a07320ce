/* SPDX-License-Identifier: BSD-3-Clause */
/* Clauses that are checked and that no entry of a table can break. */
#include <fnmatch.h>

#include <vblk/clause.h>

#include "mutants.h"

static const struct uncovered rows[] = {
    { "SUSP-*", "the reference models have no SUSPEND" },
    { "STATUS-02", "the reference models have no SUSPEND" },
    { "VQ-01", "a model has no more queues than 16 bits can name" },
};

const char *mutant_uncovered(const char *clause)
{
    const struct vblk_clause *row = vblk_clause_at(vblk_clause_find(clause));

    if (row != NULL && row->strength == VBLK_MAY)
        return "it leaves a choice, which nobody can break";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fnmatch(rows[i].clause, clause, 0) == 0)
            return rows[i].why;
    return NULL;
}
