/* SPDX-License-Identifier: BSD-3-Clause */
/* Before DRIVER_OK, after a reset of the device, after a reset of a queue: what is done too early or too late. */
#include <vblk/oracle.h>

#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }

/* Notes. */
enum { TOUCHED, RESTS, USED_RING, STATUS_AT, QUEUE, OLD_DESC, OLD_DRIVER, OLD_DEVICE };

static bool is_reset(enum vblk_reg reg, uint64_t value)
{
    return reg == VBLK_REG_STATUS && (value & 0xff) == 0;
}

/* ---- from power-on to DRIVER_OK ---- */

static uint64_t not_zero_at_first(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_STATUS && vblk_device_notes(device)[TOUCHED] == 0 ? VBLK_STATUS_ACKNOWLEDGE : honest;
}

static void touched(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_device_notes(device)[TOUCHED] |= reg == VBLK_REG_STATUS;
    vblk_reference_write_reg(device, reg, queue, value);
}

/* It runs as soon as a queue is enabled, and shows it when the driver has asked for it. */
static void runs_early(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);

    if (reg == VBLK_REG_STATUS)
        notes[TOUCHED] = value & VBLK_STATUS_DRIVER_OK;
    vblk_reference_write_reg(device, reg, queue, value);
    if (reg == VBLK_REG_QUEUE_ENABLE && value == 1)
        vblk_reference_write_reg(device, VBLK_REG_STATUS, 0, VBLK_STATUS_DRIVER_OK);
}

static uint64_t hides_driver_ok(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_STATUS && vblk_device_notes(device)[TOUCHED] == 0
               ? honest & ~(uint64_t)VBLK_STATUS_DRIVER_OK
               : honest;
}

/* When a queue is enabled, and just before it runs: where stores are not seen, the write is told of afterwards. */
static void notifies_early(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0)
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, 0);
    vblk_reference_write_reg(device, reg, queue, value);
    if (reg == VBLK_REG_QUEUE_ENABLE && value == 1)
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, queue);
}

/* ---- after a reset ---- */

static void note_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    uint64_t *notes = vblk_device_notes(device);
    bool ok;

    vblk_reference_put_status(device, req, status);
    notes[QUEUE] = vblk_request_type(req);
    notes[STATUS_AT] = vblk_request_address(req, vblk_request_in_len(req), &ok);
}

static void note_reset(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);
    struct vblk_queue_layout at = { 0 };

    if (is_reset(reg, value) && vblk_device_queue(device, 0, &at) == VBLK_OK && at.enabled)
        notes[USED_RING] = at.device;
    notes[RESTS] = is_reset(reg, value);
    vblk_reference_write_reg(device, reg, queue, value);
}

/* With the first read after that of the status. */
static bool rests(struct vblk_device *device, enum vblk_reg reg)
{
    const bool now = vblk_device_notes(device)[RESTS] != 0 && reg != VBLK_REG_STATUS;

    if (now)
        vblk_device_notes(device)[RESTS] = 0;
    return now;
}

static uint64_t stores_at_rest(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    const uint64_t ring = vblk_device_notes(device)[USED_RING];

    (void)queue;
    if (rests(device, reg) && ring != 0)
        store_as_device(device, ring + 2, "\x7f\1", 2);
    return honest;
}

static uint64_t answers_at_rest(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    const uint64_t *notes = vblk_device_notes(device);

    (void)queue;
    if (rests(device, reg) && notes[STATUS_AT] != 0 && notes[QUEUE] == 15)
        store_as_device(device, notes[STATUS_AT], "\1", 1);
    return honest;
}

/* A ring that made no sense stays in its mind. */
static void dead_for_ever(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (is_reset(reg, value) && (vblk_device_status(device) & VBLK_STATUS_NEEDS_RESET) != 0)
        vblk_device_notes(device)[TOUCHED] = 1;
    vblk_reference_write_reg(device, reg, queue, value);
}

static void unless_dead(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    if (vblk_device_notes(device)[TOUCHED] == 0)
        vblk_reference_put_used(device, queue, id, len);
}

/* ---- a kick for nothing ---- */

static void counted(struct vblk_device *device, struct vblk_request *req)
{
    (void)req;
    vblk_device_notes(device)[TOUCHED]++;
}

static void upset_by_nothing(struct vblk_device *device, uint16_t queue)
{
    uint64_t *notes = vblk_device_notes(device);

    (void)queue;
    if (notes[TOUCHED] == notes[RESTS])
        vblk_device_needs_reset(device);
    notes[RESTS] = notes[TOUCHED];
}

/* ---- one queue ---- */

static bool resets_queue(enum vblk_reg reg, uint64_t value)
{
    return reg == VBLK_REG_QUEUE_RESET && value == 1;
}

static void others_too(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_reference_write_reg(device, reg, queue, value);
    for (uint16_t i = 0; resets_queue(reg, value) && i < 4; i++)
        vblk_reference_write_reg(device, reg, i, value);
}

/* Notes: how far the used ring was, and whether the queue was set up again since. */
static void keeps_count(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);

    if (queue == 0 && resets_queue(reg, value))
        notes[RESTS] = 1;
    if (reg == VBLK_REG_STATUS && (value & 0xff) == 0)
        notes[RESTS] = notes[TOUCHED] = 0;
    vblk_reference_write_reg(device, reg, queue, value);
}

static void goes_on_counting(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    uint64_t *notes = vblk_device_notes(device);
    const bool split = (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_RING_PACKED)) == 0;
    const struct vblk_used_elem elem = { .id = vblk_put32(id), .len = vblk_put32(len) };
    struct vblk_queue_layout at = { 0 };

    if (queue != 0 || !split || notes[RESTS] == 0 || vblk_device_queue(device, queue, &at) != VBLK_OK) {
        notes[TOUCHED] += queue == 0;
        vblk_reference_put_used(device, queue, id, len);
        return;
    }
    store_as_device(device, at.device + 4 + 8 * (notes[TOUCHED] % at.size), &elem, sizeof(elem));
    (void)!vblk_memory_store16(vblk_device_memory(device), VBLK_DEVICE, at.device + 2, VBLK_RELEASE,
                               (uint16_t)++notes[TOUCHED]);
}

static void note_queue(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);
    struct vblk_queue_layout at = { 0 };

    if (resets_queue(reg, value) && vblk_device_queue(device, queue, &at) == VBLK_OK) {
        notes[RESTS] = 1;
        notes[QUEUE] = queue;
        notes[OLD_DESC] = at.desc;
        notes[OLD_DRIVER] = at.driver;
        notes[OLD_DEVICE] = at.device;
    }
    vblk_reference_write_reg(device, reg, queue, value);
}

/* The driver has read that the reset is complete, and not enabled the queue since. */
static bool at_rest(const struct vblk_device *device, const uint64_t *notes)
{
    struct vblk_queue_layout at;

    return notes[RESTS] == 2 && vblk_device_queue(device, (uint16_t)notes[QUEUE], &at) == VBLK_OK && !at.enabled;
}

static uint64_t stores_into_reset_queue(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    uint64_t *notes = vblk_device_notes(device);

    if (at_rest(device, notes) && reg != VBLK_REG_QUEUE_RESET) {
        store_as_device(device, notes[OLD_DEVICE] + 2, "\x7f\1", 2);
        notes[RESTS] = 0;
    }
    if (notes[RESTS] == 1 && reg == VBLK_REG_QUEUE_RESET && queue == notes[QUEUE])
        notes[RESTS] = 2;
    return honest;
}

static uint64_t notifies_of_reset_queue(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    uint64_t *notes = vblk_device_notes(device);

    if (at_rest(device, notes) && reg != VBLK_REG_QUEUE_RESET) {
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, (uint16_t)notes[QUEUE]);
        notes[RESTS] = 0;
    }
    if (notes[RESTS] == 1 && reg == VBLK_REG_QUEUE_RESET && queue == notes[QUEUE])
        notes[RESTS] = 2;
    return honest;
}

static void old_place(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint64_t *notes = vblk_device_notes(device);

    if (reg == VBLK_REG_QUEUE_DEVICE && notes[RESTS] != 0 && queue == notes[QUEUE])
        value = notes[OLD_DEVICE];
    note_queue(device, reg, queue, value);
}

static void reset_is_nothing(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg != VBLK_REG_QUEUE_RESET)
        vblk_reference_write_reg(device, reg, queue, value);
}

/* ---- the register ---- */

static uint64_t one_at_first(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    struct vblk_queue_layout at = { 0 };

    return reg == VBLK_REG_QUEUE_RESET && vblk_device_notes(device)[RESTS] == 0 &&
                   vblk_device_queue(device, queue, &at) == VBLK_OK && !at.enabled
               ? 1
               : honest;
}

static uint64_t one_while_enabled(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    struct vblk_queue_layout at = { 0 };

    return reg == VBLK_REG_QUEUE_RESET && vblk_device_queue(device, queue, &at) == VBLK_OK && at.enabled ? 1 : honest;
}

/* 0, and 1 again. */
static uint64_t not_yet_after_all(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    uint64_t *notes = vblk_device_notes(device);

    if (reg != VBLK_REG_QUEUE_RESET || notes[RESTS] == 0 || queue != notes[QUEUE])
        return honest;
    return notes[RESTS]++ == 2;
}

static uint64_t still_enabled(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    const uint64_t *notes = vblk_device_notes(device);

    return reg == VBLK_REG_QUEUE_ENABLE && notes[RESTS] != 0 && queue == notes[QUEUE] ? 1 : honest;
}

#define ON_BOTH(name_, what_, pci_, mmio_, ...)                                                                        \
    M(name_ "-pci", what_ " (PCI)", pci_, .transport = VBLK_TRANSPORT_PCI, __VA_ARGS__),                               \
        M(name_ "-mmio", what_ " (MMIO)", mmio_, .transport = VBLK_TRANSPORT_MMIO, __VA_ARGS__)

const struct mutant mutants_life[] = {
    M("status-1-at-power-on", "shows ACKNOWLEDGE before the driver set anything", "STATUS-03", .behaviour = { .read_reg = not_zero_at_first, .write_reg = touched }),
    M("runs-early", "serves what is available before DRIVER_OK", "STATUS-DEV-01", SAME("and notifies of it", "STATUS-DEV-02"), .hidden = ORDER_UNSEEN, .behaviour = { .read_reg = hides_driver_ok, .write_reg = runs_early }),
    M("notifies-early", "notifies before DRIVER_OK", "STATUS-DEV-02", .behaviour.write_reg = notifies_early),
    M("ring-after-reset", "stores into its used ring after a reset", "RESET-DEV-03", .behaviour = { .write_reg = note_reset, .read_reg = stores_at_rest }),
    M("provision-answered-after-reset", "stores the status of a PROVISION once more after a reset", "PROV-DEV-37", SAME("2.4 says it of all buffers; where stores are not seen it shows when the driver has begun again", "RESET-DEV-03", "SAFE-DEV-02"), .hidden = ORDER_UNSEEN, .behaviour = { .put_status = note_status, .write_reg = note_reset, .read_reg = answers_at_rest }),
    M("dead-for-ever", "never serves again after a ring that made no sense, reset or not", "SAFE-DEV-04", .behaviour = { .write_reg = dead_for_ever, .put_used = unless_dead }),
    M("upset-by-kick", "sets DEVICE_NEEDS_RESET when it is kicked for nothing", "NOTIF-AVAIL-DEV-05", .behaviour = { .after = counted, .served = upset_by_nothing }),
    M("reset-of-all-queues", "resets all queues when one is to be reset", "QRESET-01", .behaviour.write_reg = others_too),
    M("queue-reset-ignored", "does nothing when a queue is to be reset", "QRESET-DEV-03", SAME("it is said of what it does meanwhile, too", "QRESET-DEV-01", "QRESET-DEV-02"),
      .behaviour.write_reg = reset_is_nothing),
    M("reset-queue-stored", "stores into the used ring of a queue that was reset", "QRESET-DEV-01", .hidden = BETWEEN_LOOKS, .behaviour = { .write_reg = note_queue, .read_reg = stores_into_reset_queue }),
    M("reset-queue-notified", "notifies of a queue that was reset", "QRESET-DEV-02", .behaviour = { .write_reg = note_queue, .read_reg = notifies_of_reset_queue }),
    M("reset-queue-goes-on", "goes on where it was in a queue that was reset", "QRESET-DEV-03", SAME("it notifies as if its index were right", "NOTIF-USED-DEV-05"), .behaviour = { .write_reg = keeps_count, .put_used = goes_on_counting }),
    M("reset-queue-stays", "uses a queue that was reset where it was before", "QRESET-DEV-04", SAME("nothing is served where it should be", "QRESET-DEV-03"), .behaviour.write_reg = old_place),
    ON_BOTH("queue-reset-1", "shows queue reset 1 before the queue is enabled", "PCI-COM-DEV-10", "MMIO-DEV-08", .behaviour = { .write_reg = note_queue, .read_reg = one_at_first }),
    ON_BOTH("queue-reset-when-enabled", "shows queue reset 1 once the queue is enabled", "PCI-COM-DEV-11", "MMIO-DEV-09", .behaviour.read_reg = one_while_enabled),
    ON_BOTH("queue-reset-ignored", "does not reset a queue", "PCI-COM-DEV-12", "MMIO-DEV-10", SAME("2.6.1 says it of any transport, and the index is one that no buffer explains", "QRESET-DEV-03", "RING-SPLIT-15", "RING-SPLIT-16", "RING-SPLIT-17", "RING-SPLIT-DEV-05"), .behaviour = { .write_reg = keeps_count, .put_used = goes_on_counting }),
    ON_BOTH("queue-reset-flickers", "shows queue reset 0, and then 1 again", "PCI-COM-DEV-13", "MMIO-DEV-11", .behaviour = { .write_reg = note_queue, .read_reg = not_yet_after_all }),
    ON_BOTH("queue-reset-enabled", "shows the queue enabled after its reset", "PCI-COM-DEV-14", "MMIO-DEV-12", .behaviour = { .write_reg = note_queue, .read_reg = still_enabled }),
    { .name = NULL },
};
