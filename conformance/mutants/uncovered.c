/* SPDX-License-Identifier: BSD-3-Clause */
/* Clauses that are checked and that no entry of a table can break. */
#include <string.h>

#include <vblk/clause.h>

#include "mutants.h"

#define NO_SUSPEND "the reference models have no SUSPEND"
#define TELLS "it tells which way is gone, and none is wrong"

static const struct uncovered rows[] = {
    { "STATUS-02", NO_SUSPEND },
    { "VQ-01", "a model has no more queues than 16 bits can name" },
    { "PROV-CFG-07", TELLS ": bytes without the feature mean nothing" },
    { "PROV-CFG-14", TELLS ": the configuration may end where it likes" },
    { "PROV-DEV-23", TELLS " (AMB-07)" },
    { "PROV-DEV-24", TELLS " (AMB-08)" },
    { "PROV-DEV-29", TELLS " (AMB-13)" },
    { "BLK-CFG-17", TELLS ": what is not offered may read as anything" },
    { "BLK-INIT-06", TELLS ": either cache mode may be that after a reset" },
    { "BLK-FEAT-04", "that the device is read-only is a fact; what it does all the same is BLK-OP-DEV-03's, BLK-OP-DEV-04's and BLK-INIT-03's" },
    { "RSVF-02", "a feature under another number breaks the rows of its feature, or FEAT-DEV-04" },
    { "RSVF-03", "a feature under another number breaks the rows of its feature, or FEAT-DEV-04" },
    { "RSVF-05", NO_SUSPEND },
    { "OPER-02", "before DRIVER_OK silence is lawful (2.1.2) and what the reference does, after it the row is STATUS-DEV-04's" },
    { "RING-IND-03", TELLS ": a table may mix both kinds of entries" },
    { "RING-IND-07", "no step of a script sets WRITE on a packed ring's descriptor of a table; its vector is of events" },
    { "RING-PACKED-18", TELLS ": a list as long as the queue may be refused" },
    { "NOTIF-DATA-06", "the reference device is not told what a notification says (vblk_device_kick)" },
};

static const char *by_area(const struct vblk_clause *row)
{
    return strncmp(row->id, "SUSP-", 5) == 0 ? NO_SUSPEND : NULL;
}

const char *mutant_uncovered(const char *clause)
{
    const struct vblk_clause *row = vblk_clause_at(vblk_clause_find(clause));

    if (row != NULL && row->strength == VBLK_MAY)
        return "it leaves a choice, which nobody can break";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].clause, clause) == 0)
            return rows[i].why;
    return row != NULL ? by_area(row) : NULL;
}

const struct mutant *mutant_of_clause(const char *clause)
{
    const struct mutant *m;

    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++)
        if (strcmp(m->clause, clause) == 0)
            return m;
    return NULL;
}

enum cover mutant_cover(const struct vblk_clause *row)
{
    if (row->standing != VBLK_CHECKED)
        return COVER_NONE;
    if (mutant_of_clause(row->id) != NULL)
        return COVER_MUTANT;
    return mutant_uncovered(row->id) != NULL ? COVER_EXCUSED : COVER_MISSING;
}
