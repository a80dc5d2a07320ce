/* SPDX-License-Identifier: BSD-3-Clause */
/* Known bugs whose rule is to bear with something: a lawful model beside what the bug did not bear with. */
#include "generic.h"

#define C(name_, what_, ...) { .name = name_, .what = what_, .driver = true, __VA_ARGS__ }
#define SHOWN .behaviour.read_config = show_value
#define IN_TABLE .only = "*tables"
#define DATA 16u

const struct mutant controls_bugs[] = {
    /* D-67, D-68 */
    C("bears-num-queues-0", "is a driver in front of a device that says num_queues 0", SHOWN, .field = "num_queues", .value = 0, .beside = "BLK-CFG-09 BLK-VQ-02", .only = "split*"),
    C("bears-blk-size-0", "is a driver in front of a device that says blk_size 0", SHOWN, .field = "blk_size", .value = 0, .beside = "BLK-CFG-06", .only = "split*"),
    /* D-75 */
    C("bears-wrong-id", "is a driver in front of a device that answers with other ids", .device_ring = "used-id-off-by-one", .beside = "RING-SPLIT-15 SAFE-DEV-03", .only = "split"),
    C("bears-far-id", "is a driver in front of a device that answers with ids outside the table", .device_ring = "used-id-out-of-table", .beside = "RING-SPLIT-15 SAFE-DEV-03", .only = "split"),
    C("bears-wrong-id-packed", "is a driver in front of a device that answers with other ids on a packed ring", .device_ring = "used-id-off-by-one",
      .beside = "RING-PACKED-DEV-06 SAFE-DEV-03", .only = "packed"),
    /* D-76 */
    C("bears-ioerr", "is a driver in front of a device whose reads fail", .behaviour.put_status = status_of_type, .value = VBLK_T_IN, .other = VBLK_S_IOERR, .only = "split"),
    C("bears-status-7", "is a driver in front of a device that answers reads with a status of no meaning", .behaviour.put_status = status_of_type,
      .value = VBLK_T_IN, .other = 7, .beside = "BLK-OP-20", .only = "split"),
    /* D-03, D-31 */
    C("empty-in-table", "has an element of no bytes in an indirect table", IN_TABLE,
      .sends = { .framed = true, .type = VBLK_T_IN, .sector = 8, .in = 512, .cut = { 8, 8, DATA }, .empty = true }),
    C("empty-twice-in-table", "has two elements of no bytes in an indirect table", IN_TABLE,
      .sends = { .framed = true, .type = VBLK_T_OUT, .sector = 8, .more = 512, .cut = { DATA, DATA, DATA }, .empty = true }),
    { .name = NULL },
};
