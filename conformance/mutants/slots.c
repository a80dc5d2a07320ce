/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that answer in the wrong slot, begin in the wrong one, or touch what is not theirs: packed rings mostly. */
#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }

static bool packed(const struct vblk_device *device)
{
    return (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_RING_PACKED)) != 0;
}

static void drivers_event(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_queue_layout at;

    if (packed(device) && vblk_device_queue(device, vblk_request_queue(req), &at) == VBLK_OK)
        store_as_device(device, at.driver, "\1", 1);
}

static bool always_if_packed(const struct vblk_device *device, uint16_t queue, bool owed)
{
    (void)queue;
    return owed || packed(device);
}

static void no_such_queue(struct vblk_device *device, struct vblk_request *req)
{
    (void)req;
    vblk_device_notify(device, VBLK_EV_USED_NOTIFY, 60000);
}

/* ---- readings ---- */

static uint8_t no_error(const struct vblk_device *device, uint8_t honest)
{
    (void)device;
    return honest & (uint8_t)~VBLK_STATUS_NEEDS_RESET;
}

static bool no_word(const struct vblk_device *device, bool owed)
{
    (void)device;
    (void)owed;
    return false;
}

static uint8_t sum_is_limited(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const uint8_t status = vblk_reference_check_segments(device, req, op);
    uint64_t sum = 0;
    struct vblk_range r;

    if (op->type != 15 || status != VBLK_S_OK)
        return status;
    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        sum += r.count;
    return sum > vblk_device_options_of(device)->max_provision_sectors ? VBLK_S_IOERR : VBLK_S_OK;
}

const struct mutant mutants_slots[] = {
    M("packed-used-at-own-slot", "marks a buffer used where it was made available, whatever was used before it", "RING-PACKED-DEV-02", SAME("nobody finds its answer", "SAFE-DEV-03"), .ring = "used-at-own-slot"),
    M("packed-batch-at-own-slot", "marks a batch used where its last buffer was made available", "INORD-06", SAME("nobody finds its answer", "SAFE-DEV-03"), .ring = "used-at-own-slot"),
    M("packed-used-slot-after", "leaves out a slot when it answers", "RING-PACKED-04", SAME("nobody finds its answer", "SAFE-DEV-03"), .ring = "used-slot-after"),
    M("packed-wrap-starts-0", "begins with its wrap counter 0", "RING-PACKED-05", SAME("nobody finds its answer", "SAFE-DEV-03"), .ring = "used-wrap-starts-0"),
    M("packed-used-flag-odd", "sets a bit of a used descriptor's flags that means nothing", "RING-PACKED-08", .ring = "used-flag-odd"),
    M("packed-used-id-big-endian", "writes the id of a used descriptor most significant byte first", "RING-PACKED-27", SAME("nobody finds its answer", "SAFE-DEV-03"), .ring = "used-id-big-endian"),
    M("packed-used-within-batch", "stores into a slot that its answer for a batch skips", "RING-PACKED-12", .hidden = BETWEEN_LOOKS, .ring = "used-within-batch"),
    M("packed-used-besides", "stores into a descriptor that nobody made available", "RING-PACKED-DEV-06", SAME("a buffer may have been answered there a lap ago", "RING-PACKED-DEV-07"), .hidden = BETWEEN_LOOKS, .ring = "used-besides"),
    M("packed-avail-slot-masked", "looks for the next buffer in slot & (size - 1)", "RING-PACKED-26", .blurred = { "RING-PACKED-04", "RING-PACKED-05", "RING-PACKED-DEV-06", "NOTIF-06", "SAFE-DEV-02" },
      .hidden = LOADS_UNSEEN, .ring = "avail-slot-masked"),
    M("packed-younger-first", "reads the descriptor of a buffer before that of an older one", "RING-PACKED-DEV-01", SAME("it is read again when it is due", "SAFE-DEV-06"), .ring = "younger-first"),
    M("packed-readable-changed", "changes what a driver with a packed ring gave it to read", "RING-PACKED-DEV-04", SAME("of several at once it changes one that is back", "SAFE-DEV-01"), .ring = "readable-changed"),
    M("packed-writable-loaded", "loads from what it is to fill from a packed ring", "RING-PACKED-DEV-05", SAME("2.6.1 says it of both formats", "RING-SPLIT-DEV-02"), .ring = "writable-loaded"),
    M("packed-table-next-heeded", "takes NEXT in a packed indirect table for a link", "RING-IND-06", .ring = "table-next-heeded"),
    M("packed-drivers-event", "stores into the driver's event suppression structure", "RING-PACKED-03", .hidden = BETWEEN_LOOKS, .behaviour.after = drivers_event),
    M("packed-disable-ignored", "notifies although the driver asked for none", "NOTIF-PACKED-03", SAME("another wish, the same rule", "NOTIF-PACKED-02"), .behaviour.notify = always_if_packed),
    M("table-marked", "stores into the driver's part of a ring", "RING-SPLIT-03", SAME("the rows of the device's side name the part", "RING-SPLIT-DEV-04", "SAFE-DEV-01"), .ring = "descriptor-marked"),
    M("no-such-queue", "notifies of a queue that there is not", "NOTIF-01", .behaviour.after = no_such_queue),
    M("never-needs-reset", "goes on in silence after a ring that can't be followed", "STATUS-DEV-03", .reading = "AMB-29=reset", .behaviour = { .show_status = no_error, .notify_config = no_word }),
    M("provision-sum-limited", "takes max_provision_sectors for a limit of the whole request", "PROV-REQ-12", .reading = "AMB-06=segment", .behaviour.check_segments = sum_is_limited),
    { .name = NULL },
};
