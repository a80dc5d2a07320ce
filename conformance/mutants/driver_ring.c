/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that describe, show and announce buffers wrongly: ring faults, one line each. */
#include "mutants.h"

#define RING(name_, what_, clause_, ...) \
    { .name = "driver-" name_, .what = what_, .clause = clause_, .synonyms = { __VA_ARGS__ }, .ring = name_, .driver = true }

const struct mutant mutants_driver_ring[] = {
    RING("chain-loops", "links the last descriptor of a chain to its first", "RING-SPLIT-DRV-03", "RING-SPLIT-08"),
    RING("next-out-of-table", "links a descriptor to one outside the table", "SUPPLY-04", NULL),
    RING("head-out-of-table", "makes a head available that is outside the table", "SUPPLY-05", NULL),
    RING("head-not-first", "makes the second descriptor of a chain available", "BLK-OP-01", "RING-SPLIT-09"),
    RING("not-writable", "leaves WRITE out of a descriptor that the device must write", "BLK-OP-01", "BLK-*", "FRAME-*", "SUPPLY-03", "PROV-*", "RING-PACKED-*"),
    RING("unknown-flag", "sets a descriptor flag that does not exist", "RING-SPLIT-06", NULL),
    RING("writable-first", "puts writable elements before readable ones", "SUPPLY-03", "RING-PACKED-DRV-08", "FRAME-*"),
    RING("out-of-sequence", "links descriptors out of ring order under IN_ORDER", "RING-SPLIT-DRV-04", NULL),
    RING("starts-elsewhere", "begins with descriptor 2 under IN_ORDER", "RING-SPLIT-09", NULL),
    RING("table-unnegotiated", "uses an indirect table that was not negotiated", "RING-IND-DRV-01", "RING-IND-DRV-06"),
    RING("table-and-next", "sets NEXT on the descriptor of an indirect table", "RING-IND-DRV-04", NULL),
    RING("table-in-table", "puts an indirect descriptor into an indirect table", "RING-IND-DRV-02", NULL),
    RING("table-odd-length", "gives an indirect table a length that is no multiple of 16", "RING-IND-01", "RING-IND-05"),
    RING("table-out-of-sequence", "links table entries out of order under IN_ORDER", "RING-IND-DRV-05", "RING-IND-04"),
    RING("table-next-outside", "links a table entry to one outside the table", "RING-IND-02", NULL),
    RING("table-flags", "sets NEXT in a packed indirect table", "RING-IND-DRV-07", NULL),
    RING("table-in-list", "puts an indirect descriptor into a list of direct ones", "RING-IND-DRV-09", "RING-PACKED-*", "RING-IND-*"),
    RING("stale-after-end", "leaves flags past the end of the ring as before it", "RING-PACKED-21", "RING-PACKED-*"),
    RING("stale-second-round", "marks descriptors of the second round as in the first", "RING-PACKED-06", "RING-PACKED-*"),
    RING("marks-equal", "sets AVAIL and USED both in what it makes available", "RING-PACKED-09", "RING-PACKED-*"),
    RING("first-shown-first", "makes the first descriptor of a list available before the others", "RING-PACKED-21", "RING-PACKED-*", "SAFE-DRV-0[13]"),
    RING("shown-without-barrier", "makes buffers available without a barrier before", "SUPPLY-DRV-01", "RING-PACKED-*", "SUPPLY-02", "SAFE-DRV-0[13]"),
    RING("idx-before-slot", "moves the available index before the slot is written", "CLEAN-DRV-02", "SUPPLY-02"),
    RING("idx-back", "takes the available index back", "RING-SPLIT-DRV-05", "BLK-INIT-DRV-03"),
    RING("shown-twice", "makes a buffer available that is outstanding", "SAFE-DRV-02", "RING-SPLIT-04", "RING-SPLIT-12"),
    RING("changed-in-flight", "stores into a descriptor that the device holds", "SAFE-DRV-01", "RING-PACKED-*", "SAFE-DRV-03"),
    RING("data-behind", "gives the previous position in its notification data", "NOTIF-DATA-03", "NOTIF-DATA-0*"),
    RING("data-none", "leaves the position out of its notification data", "NOTIF-DATA-03", "NOTIF-DATA-0*", "RING-PACKED-DRV-04"),
    RING("event-off-by-one", "kicks one entry after avail_event's", "NOTIF-AVAIL-DRV-06", "NOTIF-AVAIL-DRV-07"),
    RING("flag-never", "does not kick although the used flags are 0", "NOTIF-AVAIL-DRV-04", NULL),
    RING("decides-without-barrier", "looks at the device's wishes without a barrier before", "SUPPLY-02", "SUPPLY-DRV-02", "NOTIF-PACKED-*"),
    RING("own-flags-odd", "sets a bit of the available flags that means nothing", "RING-SPLIT-10", "NOTIF-USED-DRV-0[13]"),
    RING("own-flag-with-event", "sets the available flag although EVENT_IDX was negotiated", "NOTIF-USED-DRV-03", NULL),
    RING("event-flags-reserved", "asks with the reserved value of the event flags", "NOTIF-PACKED-01", NULL),
    RING("event-bits-reserved", "sets reserved bits in its event structure", "NOTIF-PACKED-04", NULL),
    { .name = NULL },
};
