/* SPDX-License-Identifier: BSD-3-Clause */
/* IN_ORDER broken by devices. */
#include "mutants.h"

const struct mutant mutants_in_order[] = {
    { .name = "order-reversed", .what = "serves last to first although IN_ORDER was negotiated", .clause = "RSVF-DEV-05",
      .because = "where stores are not seen, an answer for the last buffer stands for those before it, and theirs are stores into what it skips",
      .synonyms = { "RING-PACKED-12", "RING-PACKED-DEV-06", "INORD-01", "INORD-06" },
      .hidden = "an answer for the last buffer stands for those before it", .ring = "unordered", .behaviour = { .reorder = true } },
    { .name = "batch-idx-by-one", .what = "moves the used index by one for a batch", .clause = "INORD-02",
      .blurred = { "SAFE-DEV-03" }, .ring = "batch-idx-by-one" },
    { .name = "batch-entry-at-last", .what = "writes a batch's entry where that of its last buffer would be",
      .clause = "INORD-03",
      .because = "where a read among them failed it is skipped, too",
      .synonyms = { "INORD-01", "INORD-02" }, .blurred = { "RING-SPLIT-15", "RING-SPLIT-16", "SAFE-DEV-03" },
      .hidden = "which element was stored is not seen", .ring = "batch-entry-at-last" },
    { .name = NULL },
};
