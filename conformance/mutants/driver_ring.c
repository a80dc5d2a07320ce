/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that describe, show and announce buffers wrongly: ring faults, one line each. */
#include "driver_port.h"

#define RING(name_, what_, clause_) \
    { .name = "driver-" name_, .what = what_, .clause = clause_, .ring = name_, .driver = true }
/* The ring fault of any name, where it breaks this clause. */
#define AT(name_, ring_, what_, clause_, ...) \
    { .name = "driver-" name_, .what = what_, .clause = clause_, .ring = ring_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define TWICE "the text says it twice"

/* The device asks for no notifications, by a flag that counts or by one that does not. */
static void asks_for_none(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_queue_layout at;
    const vblk_le16 flag = vblk_put16(1);

    if (vblk_device_queue(device, vblk_request_queue(req), &at) == VBLK_OK)
        store_as_device(device, at.device, &flag, sizeof(flag));
}

static uint64_t avail_event_of(const struct wrong_port *port, uint64_t used)
{
    return used + 4 + 8 * port->note[0];
}

static vblk_err remember_ring(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_QUEUE_SIZE)
        port->note[0] = value;
    if (reg == VBLK_REG_QUEUE_DRIVER)
        port->note[1] = value;
    if (reg == VBLK_REG_QUEUE_DEVICE)
        port->note[2] = value;
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* What lies where avail_event would be is not 0. */
static vblk_err litter(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = remember_ring(port, reg, queue, value);

    return err || reg != VBLK_REG_QUEUE_DEVICE
               ? err
               : vblk_memory_store16(port->inner->mem, VBLK_DRIVER, avail_event_of(port, value), VBLK_RELAXED, 0x1234);
}

/* The device served what there was, and asks to be told of an entry further on. */
static vblk_err asks_later(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    vblk_err err = vblk_port_kick(port->inner, queue, data);
    vblk_le16 idx;

    if (!err)
        err = vblk_memory_peek(port->inner->mem, port->note[1] + 2, &idx, sizeof(idx));
    return err ? err
               : vblk_memory_store16(port->inner->mem, VBLK_DEVICE, avail_event_of(port, port->note[2]), VBLK_RELAXED,
                                     (uint16_t)(vblk_get16(idx) + 5));
}

const struct mutant mutants_driver_ring[] = {
    AT("chain-loops", "chain-loops", "links the last descriptor of a chain to its first", "RING-SPLIT-DRV-03", .only = "!*a ring of two"),
    RING("next-out-of-table", "links a descriptor to one outside the table", "SUPPLY-04"),
    RING("head-out-of-table", "makes a head available that is outside the table", "SUPPLY-05"),
    AT("head-not-first", "head-not-first", "makes the second descriptor of a chain available", "BLK-OP-01", .only = "split, tables"),
    AT("not-writable", "not-writable", "leaves WRITE out of a descriptor that the device must write", "BLK-OP-01", .only = "*tables*"),
    RING("unknown-flag", "sets a descriptor flag that does not exist", "RING-SPLIT-06"),
    AT("writable-first", "writable-first", "puts writable elements before readable ones", "SUPPLY-03", .only = "split*",
       SAME("FRAME-DRV-01") = TWICE),
    RING("out-of-sequence", "links descriptors out of ring order under IN_ORDER", "RING-SPLIT-DRV-04"),
    RING("starts-elsewhere", "begins with descriptor 2 under IN_ORDER", "RING-SPLIT-09"),
    AT("table-unnegotiated", "table-unnegotiated", "uses an indirect table that was not negotiated", "RING-IND-DRV-01", .only = "split*"),
    RING("table-and-next", "sets NEXT on the descriptor of an indirect table", "RING-IND-DRV-04"),
    RING("table-in-table", "puts an indirect descriptor into an indirect table", "RING-IND-DRV-02"),
    AT("table-odd-length", "table-odd-length", "gives an indirect table a length that is no multiple of 16", "RING-IND-01", .only = "split*"),
    AT("table-out-of-sequence", "table-out-of-sequence", "links table entries out of order under IN_ORDER", "RING-IND-DRV-05",
       SAME("RING-IND-04") = TWICE),
    RING("table-next-outside", "links a table entry to one outside the table", "RING-IND-02"),
    RING("table-flags", "sets NEXT in a packed indirect table", "RING-IND-DRV-07"),
    AT("table-in-list", "table-in-list", "puts an indirect descriptor into a list of direct ones", "RING-IND-DRV-09", .only = "packed, tables*",
       SAME("RING-PACKED-17") = TWICE),
    RING("stale-after-end", "leaves flags past the end of the ring as before it", "RING-PACKED-21"),
    AT("stale-second-round", "stale-second-round", "marks descriptors of the second round as in the first", "RING-PACKED-06", .only = "packed"),
    AT("marks-equal", "marks-equal", "sets AVAIL and USED both in what it makes available", "RING-PACKED-09", .only = "packed, tables*"),
    AT("first-shown-first", "first-shown-first", "makes the first descriptor of a list available before the others", "RING-PACKED-21", .only = "packed",
       SAME("RING-PACKED-DRV-03") = "the first descriptor is the device's when its flags are set, and with it the rest, which is stored to then"),
    AT("shown-without-barrier", "shown-without-barrier", "makes buffers available without a barrier before", "SUPPLY-DRV-01", .only = "split*"),
    RING("idx-before-slot", "moves the available index before the slot is written", "CLEAN-DRV-02"),
    AT("idx-back", "idx-back", "takes the available index back", "RING-SPLIT-DRV-05", .only = "!*no change of cache mode"),
    RING("shown-twice", "makes a buffer available that is outstanding", "SAFE-DRV-02"),
    AT("changed-in-flight", "changed-in-flight", "stores into a descriptor that the device holds", "SAFE-DRV-01", .only = "split*"),
    RING("data-behind", "gives the previous position in its notification data", "NOTIF-DATA-03"),
    AT("data-none", "data-none", "leaves the position out of its notification data", "NOTIF-DATA-03", .only = "split*"),
    RING("event-off-by-one", "kicks one entry after avail_event's", "NOTIF-AVAIL-DRV-06"),
    RING("flag-never", "does not kick although the used flags are 0", "NOTIF-AVAIL-DRV-04"),
    AT("decides-without-barrier", "decides-without-barrier", "looks at the device's wishes without a barrier before", "SUPPLY-02", .only = "split"),
    AT("own-flags-odd", "own-flags-odd", "sets a bit of the available flags that means nothing", "RING-SPLIT-10",
       SAME("NOTIF-USED-DRV-03") = "flags that are 0 have no further bit"),
    RING("own-flag-with-event", "sets the available flag although EVENT_IDX was negotiated", "NOTIF-USED-DRV-03"),
    RING("event-flags-reserved", "asks with the reserved value of the event flags", "NOTIF-PACKED-01"),
    RING("asks-blindly", "asks for notifications again and does not look at the ring again", "NOTIF-05"),
    RING("event-bits-reserved", "sets reserved bits in its event structure", "NOTIF-PACKED-04"),
    AT("split-writable-first", "writable-first", "puts writable elements before readable ones", "FRAME-DRV-01", .only = "split*",
       SAME("SUPPLY-03") = TWICE),
    AT("packed-writable-first", "writable-first", "puts writable elements before readable ones", "RING-PACKED-DRV-08", .only = "packed*",
       SAME("FRAME-DRV-01") = TWICE),
    AT("packed-table-unnegotiated", "table-unnegotiated", "uses an indirect table that was not negotiated", "RING-IND-DRV-06", .only = "packed*"),
    AT("packed-shown-without-barrier", "shown-without-barrier", "makes buffers available without a barrier before", "RING-PACKED-DRV-12",
       .only = "packed*"),
    AT("packed-changed-in-flight", "changed-in-flight", "stores into a descriptor that the device holds", "RING-PACKED-DRV-03", .only = "packed"),
    AT("packed-data-none", "data-none", "leaves the position out of its notification data", "NOTIF-DATA-04", .only = "packed*",
       SAME("RING-PACKED-DRV-04") = TWICE),
    RING("data-wrap-inverted", "gives the wrong wrap counter in its notification data", "RING-PACKED-DRV-04"),
    AT("packed-table-odd-length", "table-odd-length", "gives an indirect table a length that is no multiple of 16", "RING-IND-05", .only = "packed*"),
    AT("packed-decides-without-barrier", "decides-without-barrier", "looks at the device's wishes without a barrier before", "NOTIF-PACKED-DRV-01",
       .only = "packed*"),
    AT("own-flags-odd-always", "own-flags-odd-always", "sets flags of its ring that mean nothing", "NOTIF-USED-DRV-01",
       SAME("RING-SPLIT-10") = "flags that are 0 or 1 have no further bit"),
    AT("second-late", "second-late", "writes the second descriptor of a list when the first one is available", "RING-PACKED-DRV-11", .only = "packed",
       SAME("RING-PACKED-20") = TWICE),
    AT("packed-table-in-list", "table-in-list", "puts an indirect descriptor into a list of direct ones", "RING-PACKED-17", .only = "packed, tables",
       SAME("RING-IND-DRV-09") = TWICE),
    AT("list-shown-by-its-first", "second-late", "makes a list available before all of it is there", "RING-PACKED-20", .only = "packed",
       SAME("RING-PACKED-DRV-11") = TWICE),
    AT("in-order-table", "table-out-of-sequence", "links table entries out of order under IN_ORDER", "RING-IND-04", .only = "split, tables in order*",
       SAME("RING-IND-DRV-05") = TWICE),
    AT("clears-used", "clears-used", "stores into the used ring", "RING-SPLIT-14", SAME("RING-SPLIT-03") = TWICE),
    AT("idx-too-far", "idx-too-far", "makes more available than the queue has entries", "RING-SPLIT-04", .only = "split",
       SAME("SAFE-DRV-02") = "of more buffers than entries one is there already"),
    RING("desc-big-endian", "writes descriptors most significant byte first", "RING-SPLIT-05"),
    RING("chain-of-all", "links every descriptor of the table into one chain", "RING-SPLIT-08"),
    AT("slot-left-out", "slot-left-out", "leaves a slot of a packed ring out", "RING-PACKED-11", .only = "packed"),
    AT("id-of-another", "id-of-another", "puts the id of another buffer into the last descriptor of a list", "RING-PACKED-19", .only = "packed",
       SAME("SAFE-DRV-02") = "the id of another buffer is outstanding"),
    AT("flags-first", "flags-first", "marks a descriptor available before it is filled", "RING-PACKED-29", .only = "packed",
       SAME("RING-PACKED-DRV-03", "BLK-OP-01") = "what is not filled when it is shown has no header, and is filled while it is with the device"),
    RING("list-without-end", "sets NEXT in every descriptor of the ring", "RING-PACKED-DRV-07"),
    AT("list-half-there", "list-half-there", "begins a list that has to wait for the room of others", "RING-PACKED-DRV-09",
       SAME("RING-PACKED-DRV-10") = "what the list waits for is room that was not ensured"),
    AT("list-over-others", "list-over-others", "puts a list over descriptors that are with the device", "RING-PACKED-DRV-10",
       .only = "packed, five entries"),
    RING("used-unseen", "stores into a used descriptor without a look at its flags", "RING-PACKED-DRV-02"),
    RING("table-past-size", "gives an indirect table more entries than the queue has", "RING-IND-DRV-03"),
    { .name = "driver-event-without-feature", .what = "heeds avail_event although EVENT_IDX was not negotiated", .clause = "NOTIF-AVAIL-DRV-02",
      .ring = "event-without-feature", .driver = true, .port.write_reg = litter, .only = "split" },
    { .name = "driver-event-ignored", .what = "notifies whatever avail_event says", .clause = "NOTIF-AVAIL-DRV-07", .ring = "event-ignored",
      .driver = true, .port = { .write_reg = remember_ring, .kick = asks_later }, .only = "split, event index" },
    { .name = "driver-looks-too-early", .what = "looks at the used flags without a barrier before", .clause = "SUPPLY-DRV-02",
      .ring = "decides-without-barrier", .driver = true, .behaviour.after = asks_for_none, .only = "split, in order", SAME("SUPPLY-02") = TWICE, .beside = "NOTIF-06" },
    { .name = "driver-flag-ignored", .what = "notifies although flags is 1", .clause = "NOTIF-AVAIL-DRV-03", .ring = "flag-ignored", .driver = true,
      .behaviour.after = asks_for_none, .only = "split, in order" },
    { .name = "driver-flag-with-event", .what = "heeds flags although EVENT_IDX was negotiated", .clause = "NOTIF-AVAIL-DRV-05", .ring = "flag-with-event",
      .driver = true, .behaviour.after = asks_for_none, .only = "split, event index", .beside = "NOTIF-AVAIL-DEV-03" },
    { .name = NULL },
};
