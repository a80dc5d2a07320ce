/* SPDX-License-Identifier: BSD-3-Clause */
#include "mutants.h"

const struct mutant *mutant_at(size_t i)
{
    const struct mutant *const tables[] = {
        mutants_provision, mutants_segments, mutants_request, mutants_ring,        mutants_packed,
        mutants_indirect,  mutants_notify,   mutants_in_order, mutants_driver_ring,
    };

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct mutant *m = tables[t]; m->name != NULL; m++)
            if (i-- == 0)
                return m;
    return NULL;
}
