/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that use packed rings wrongly: ring faults, one line each. */
#include "mutants.h"

const struct mutant mutants_packed[] = {
    { .name = "packed-wrap-used-full-ring", .what = "does not flip its wrap counter after an answer for a whole ring",
      .clause = "RING-PACKED-07", .synonyms = { "SAFE-DEV-03" }, .ring = "wrap-used-full-ring" },
    { .name = "packed-wrap-avail-full-ring", .what = "does not flip its wrap counter after a chain that fills the ring",
      .clause = "SAFE-DEV-03", .met = "ring-packed", .ring = "wrap-avail-full-ring" },
    { .name = "packed-wrap-never-flips", .what = "never flips the wrap counter of its used descriptors",
      .clause = "RING-PACKED-07", .synonyms = { "SAFE-DEV-03" }, .ring = "wrap-never-flips" },
    { .name = "packed-used-slot-masked", .what = "takes the next used slot & (size - 1)", .clause = "RING-PACKED-22",
      .synonyms = { "RING-PACKED-*", "SAFE-DEV-03" }, .ring = "used-slot-masked" },
    { .name = "packed-used-step-one", .what = "does not skip the list's descriptors after an answer",
      .clause = "RING-PACKED-22", .synonyms = { "SAFE-DEV-03" }, .ring = "used-step-one" },
    { .name = "packed-used-write-inverted", .what = "turns WRITE in used descriptors round", .clause = "RING-PACKED-14",
      .ring = "used-write-inverted" },
    { .name = "packed-used-flags-first", .what = "shows a used descriptor before its id and length are there",
      .clause = "RING-PACKED-DEV-07", .synonyms = { "RING-PACKED-15" }, .hidden = BETWEEN_LOOKS, .ring = "used-flags-first" },
    { .name = "packed-used-flag-half", .what = "sets USED alone in used descriptors", .clause = "RING-PACKED-10",
      .synonyms = { "SAFE-DEV-03", "SAFE-DEV-06" /* it takes its own answers for buffers */ },
      .ring = "used-flag-half" },
    { .name = "used-id-off-by-one", .what = "answers with the id after the right one", .clause = "RING-SPLIT-15",
      .synonyms = { "RING-PACKED-*", "SAFE-DEV-0[34]", "NOTIF-DATA-06" }, .ring = "used-id-off-by-one" },
    { .name = "used-twice", .what = "answers each buffer twice", .clause = "RING-SPLIT-15",
      .synonyms = { "RING-SPLIT-17", "RING-PACKED-*", "SAFE-DEV-0[23]", "BLK-OP-01", "PROV-REQ-16" }, .ring = "used-twice" },
    { .name = NULL },
};
