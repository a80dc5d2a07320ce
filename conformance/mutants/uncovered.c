/* SPDX-License-Identifier: BSD-3-Clause */
/* Clauses that are checked and that no entry of a table can break. */
#include <fnmatch.h>

#include "mutants.h"

static const struct uncovered rows[] = {
    { "VQ-01", "a model has as many queues as its transport can name" },
};

const char *mutant_uncovered(const char *clause)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fnmatch(rows[i].clause, clause, 0) == 0)
            return rows[i].why;
    return NULL;
}
