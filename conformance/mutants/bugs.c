/* SPDX-License-Identifier: BSD-3-Clause */
/* Bugs of real implementations by their id in docs/known-bugs.md: the mutants that have them, and the controls of those
 * that were none, or that took what is lawful for an error. */
#include <string.h>

#include "mutants.h"

#define BUG(id_, ...) { .id = id_, .names = { __VA_ARGS__ } }

const struct known_bug known_bugs[] = {
    BUG("D-01", "dead-for-ever", "driver-list-without-end"),
    BUG("D-02", "driver-shown-twice", "driver-idx-too-far"),
    BUG("D-03", "empty-in-table", "empty-twice-in-table", "frame-empty-in-header-split", "frame-empty-twice-packed"),
    BUG("D-06", "batch-idx-by-one", "batch-entry-at-last", "order-reversed"),
    BUG("D-07", "queue-max-0", "queue-max-40000"),
    BUG("D-09", "packed-used-slot-masked", "packed-avail-slot-masked", "packed-table-next-heeded", "packed-wrap-used-full-ring"),
    BUG("D-11", "driver-table-odd-length", "table-length-rounded"),
    BUG("D-12", "dead-for-ever", "driver-chain-loops"),
    BUG("D-15", "runs-early", "ring-after-reset"),
    BUG("D-16", "table-write-heeded"),
    BUG("D-18", "driver-used-ring-outside", "driver-event-outside"),
    BUG("D-19", "event-last-only", "notify-never"),
    BUG("D-20", "grants-anything", "runs-early", "driver-no-features-ok", "driver-queues-late"),
    BUG("D-22", "driver-shown-without-barrier", "driver-decides-without-barrier", "driver-looks-too-early"),
    BUG("D-23", "event-less-than", "event-off-by-one", "never-asks"),
    BUG("D-24", "driver-writable-first", "frame-empty-first-split", "driver-last-byte-outside"),
    BUG("D-26", "used-modulo-less-one", "used-idx-two"),
    BUG("D-27", "driver-next-out-of-table", "driver-chain-loops", "driver-chain-of-all"),
    BUG("D-29", "driver-outside-memory", "loads-astray"),
    BUG("D-31", "empty-in-table", "empty-twice-in-table"),
    BUG("D-32", "avail-event-unnegotiated"),
    BUG("D-35", "used-length-too-large", "used-length-of-nothing", "provision-used-counts-segments"),
    { .id = "D-37", .why = "the legacy SCSI command is not modelled" },
    BUG("D-39", "discard-unknown-flag", "discard-unmap"),
    BUG("D-40", "zeroes-flags"),
    BUG("D-43", "read-past-capacity", "sector-times-512-wraps"),
    BUG("D-44", "skips-first", "dead-for-ever"),
    BUG("D-46", "failed-read-whole-length"),
    BUG("D-47", "no-discard-sectors", "no-zeroes-segments", "no-erase-segments", "provision-no-segments"),
    BUG("D-49", "natural-reads", "frame-many-split"),
    BUG("D-50", "natural-reads", "provision-natural-frames", "frame-read-whole-split"),
    BUG("D-54", "seg-max-0", "seg_max-1"),
    BUG("D-55", "provision-any-number", "provision-too-many-segments", "discard-too-many-ioerr"),
    BUG("D-58", "read-past-capacity", "provision-past-end"),
    BUG("D-59", "discard-in-blocks", "discard_sector_alignment-1000"),
    BUG("D-62", "neighbour-sector", "used-id-off-by-one", "all-or-nothing"),
    BUG("D-65", "discard_sector_alignment-3"),
    BUG("D-67", "bears-num-queues-0", "num-queues-0", "driver-second-queue-declined"),
    BUG("D-68", "bears-blk-size-0", "blk-size-513"),
    BUG("D-70", "driver-long-piece", "driver-many-pieces"),
    BUG("D-72", "driver-refusal-ignored", "driver-refusal-unread"),
    BUG("D-73", "driver-declines-version-1"),
    BUG("D-75", "bears-wrong-id", "bears-far-id", "bears-wrong-id-packed", "used-id-off-by-one", "used-length-too-large", "used-twice"),
    BUG("D-76", "bears-ioerr", "bears-status-7", "driver-generation-once", "driver-torn-capacity", "capacity-by-width"),
    BUG("D-78", "driver-table-past-size", "driver-list-half-there", "driver-table-longer"),
    BUG("D-80", "driver-own-flags-odd", "driver-own-flag-with-event", "driver-event-off-by-one", "driver-flag-with-event"),
    { .id = NULL },
};

bool bug_has(const struct known_bug *bug, const char *name)
{
    for (size_t i = 0; i < BUG_NAMES && bug->names[i] != NULL; i++)
        if (strcmp(bug->names[i], name) == 0)
            return true;
    return false;
}
