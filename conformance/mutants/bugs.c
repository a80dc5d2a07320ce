/* SPDX-License-Identifier: BSD-3-Clause */
/* Bugs of real implementations by their id in docs/known-bugs.md: the mutants that have them, and the controls of those
 * that were none, or that took what is lawful for an error. */
#include <string.h>

#include "mutants.h"

const struct known_bug known_bugs[] = {
    { "D-01", { "dead-for-ever", "driver-list-without-end" } },
    { "D-02", { "driver-shown-twice", "driver-idx-too-far" } },
    { "D-03", { "frame-empty-in-header-split", "frame-empty-twice-packed" } },
    { "D-06", { "batch-idx-by-one", "batch-entry-at-last", "order-reversed" } },
    { "D-07", { "queue-max-0", "queue-max-40000" } },
    { "D-09", { "packed-used-slot-masked", "packed-avail-slot-masked", "packed-table-next-heeded", "packed-wrap-used-full-ring" } },
    { "D-11", { "driver-table-odd-length", "table-length-rounded" } },
    { "D-12", { "dead-for-ever", "driver-chain-loops" } },
    { "D-15", { "runs-early", "ring-after-reset" } },
    { "D-16", { "table-write-heeded" } },
    { "D-18", { "driver-used-ring-outside", "driver-event-outside" } },
    { "D-19", { "event-last-only", "notify-never" } },
    { "D-20", { "grants-anything", "runs-early", "driver-no-features-ok", "driver-queues-late" } },
    { "D-22", { "driver-shown-without-barrier", "driver-decides-without-barrier", "driver-looks-too-early" } },
    { "D-23", { "event-less-than", "event-off-by-one", "never-asks" } },
    { "D-24", { "driver-writable-first", "frame-empty-first-split", "driver-last-byte-outside" } },
    { "D-26", { "used-modulo-less-one", "used-idx-two" } },
    { "D-27", { "driver-next-out-of-table", "driver-chain-loops", "driver-chain-of-all" } },
    { "D-29", { "driver-outside-memory", "loads-astray" } },
    { "D-31", { NULL } },
    { "D-32", { "avail-event-unnegotiated" } },
    { "D-35", { "used-length-too-large", "used-length-of-nothing", "provision-used-counts-segments" } },
    { "D-37", { NULL } },
    { "D-39", { "discard-unknown-flag", "discard-unmap" } },
    { "D-40", { "zeroes-flags" } },
    { "D-43", { "read-past-capacity", "sector-times-512-wraps" } },
    { "D-44", { "skips-first", "dead-for-ever" } },
    { "D-46", { "failed-read-whole-length" } },
    { "D-47", { "no-discard-sectors", "no-zeroes-segments", "no-erase-segments", "provision-no-segments" } },
    { "D-49", { "natural-reads", "frame-many-split" } },
    { "D-50", { "natural-reads", "provision-natural-frames", "frame-read-whole-split" } },
    { "D-54", { "seg-max-0", "seg_max-1" } },
    { "D-55", { "provision-any-number", "provision-too-many-segments", "discard-too-many-ioerr" } },
    { "D-58", { "read-past-capacity", "provision-past-end" } },
    { "D-59", { "discard-in-blocks", "discard_sector_alignment-1000" } },
    { "D-62", { "neighbour-sector", "used-id-off-by-one", "all-or-nothing" } },
    { "D-65", { "discard_sector_alignment-3" } },
    { "D-67", { "num-queues-0", "driver-second-queue-declined" } },
    { "D-68", { "blk-size-513" } },
    { "D-70", { "driver-long-piece", "driver-many-pieces" } },
    { "D-72", { "driver-refusal-ignored", "driver-refusal-unread" } },
    { "D-73", { "driver-declines-version-1" } },
    { "D-75", { "used-id-off-by-one", "used-length-too-large", "used-twice" } },
    { "D-76", { "driver-generation-once", "driver-torn-capacity", "capacity-by-width" } },
    { "D-78", { "driver-table-past-size", "driver-list-half-there", "driver-table-longer" } },
    { "D-80", { "driver-own-flags-odd", "driver-own-flag-with-event", "driver-event-off-by-one", "driver-flag-with-event" } },
    { .id = NULL },
};

bool bug_has(const struct known_bug *bug, const char *name)
{
    for (size_t i = 0; i < BUG_NAMES && bug->names[i] != NULL; i++)
        if (strcmp(bug->names[i], name) == 0)
            return true;
    return false;
}
