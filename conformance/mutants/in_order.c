/* SPDX-License-Identifier: BSD-3-Clause */
/* IN_ORDER broken by devices. */
#include "mutants.h"

const struct mutant mutants_in_order[] = {
    { .name = "order-reversed", .what = "serves last to first although IN_ORDER was negotiated", .clause = "RSVF-DEV-05",
      .ring = "unordered", .behaviour = { .reorder = true } },
    { .name = "batch-idx-by-one", .what = "moves the used index by one for a batch", .clause = "INORD-02",
      .synonyms = { "SAFE-DEV-03", "RING-SPLIT-1[57]" }, .ring = "batch-idx-by-one" },
    { .name = "batch-entry-at-last", .what = "writes a batch's entry where that of its last buffer would be",
      .clause = "INORD-03", .synonyms = { "RING-SPLIT-1[567]", "SAFE-DEV-03" }, .ring = "batch-entry-at-last" },
    { .name = NULL },
};
