/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file testbed.h
 * @brief A virtio block device for the unit tests of a driver, with the judge beside it: no VM, no socket, no thread.
 *
 * The driver under test is not changed. Its tests give it 512 bytes of virtio-mmio registers (4.2, version 2), which are
 * vblk_testbed_read() and vblk_testbed_write(), and memory that is theirs: the same bytes that are handed over as
 * regions here, at addresses of the caller's choice (those of the process itself will do). Then:
 *
 *     bed = vblk_testbed_new(&options, &ram, 1, &why);
 *     … the driver finds the device, initialises it, reads and writes …
 *     broken = vblk_testbed_finish(bed);
 *     vblk_testbed_report(bed, print_line, NULL);
 *
 * The driver's accesses to memory are plain loads and stores and are not seen (grade SNAPSHOT): rules about the order of
 * stores and about barriers are not decided. What it did to the registers, what lies in memory when it notifies the
 * device, and what it changed of a buffer that was with the device are.
 *
 * One thread: the driver does not run while one of these functions does.
 */
#ifndef VBLK_TESTBED_H
#define VBLK_TESTBED_H

#include <vblk/device.h>
#include <vblk/mmio_device.h>
#include <vblk/oracle.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_testbed; /**< opaque */

/** Start from vblk_testbed_defaults(). */
struct vblk_testbed_options {
    struct vblk_device_options device; /**< what the driver finds; also the profile and readings it is judged by */
    uint8_t strictness;                /**< enum vblk_strictness */
    /**
     * Requests are completed by vblk_testbed_run(), not within the write to QueueNotify: for drivers that sleep until
     * they are interrupted, and for all that only happens while requests are with the device.
     */
    bool later;
    /**
     * Called when the interrupt is asserted or taken back, from within the other functions here. Must not call them:
     * remember it, and run the handler when they have returned.
     */
    vblk_mmio_interrupt_fn interrupt;
    void *interrupt_ctx; /**< handed to interrupt */
};

/** A lawful device of 1 GiB with ring features (indirect descriptors, event index, packed ring), zeroed. */
VBLK_API void vblk_testbed_defaults(struct vblk_testbed_options *options);

/**
 * A device in its power-on state, whose disk is sparse and reads as zero.
 * @param options copied
 * @param ram the memory that the driver shares with the device; bytes and addresses are the caller's
 * @param regions how many of them
 * @param why if not NULL, receives a static sentence when the answer is NULL
 * @return NULL: the options contradict themselves, regions overlap, or no memory is left
 */
VBLK_API VBLK_NODISCARD struct vblk_testbed *vblk_testbed_new(const struct vblk_testbed_options *options,
                                                              const struct vblk_region *ram, size_t regions,
                                                              const char **why);
/** Free @p bed. The regions' bytes are the caller's. NULL is allowed. */
VBLK_API void vblk_testbed_free(struct vblk_testbed *bed);

/** The driver's accesses to registers: @p width 1, 2 or 4 bytes, @p offset from the first one. */
VBLK_API uint32_t vblk_testbed_read(struct vblk_testbed *bed, uint32_t offset, unsigned width);
VBLK_API void vblk_testbed_write(struct vblk_testbed *bed, uint32_t offset, unsigned width, uint32_t value);
/** @return whether the interrupt is asserted. */
VBLK_API bool vblk_testbed_interrupt(const struct vblk_testbed *bed);
/** With options.later: the device completes what it was notified of. */
VBLK_API void vblk_testbed_run(struct vblk_testbed *bed);

/**
 * The end: whatever is still owed is judged.
 * @return how many rules the driver broke (a SHOULD counts as well); 0: none of those that were exercised.
 */
VBLK_API unsigned vblk_testbed_finish(struct vblk_testbed *bed);
/** @return the verdict on the clause with this id so far, "RING-SPLIT-08"; VBLK_VERDICT_NOT_APPLICABLE for an unknown id. */
VBLK_API enum vblk_verdict vblk_testbed_verdict(const struct vblk_testbed *bed, const char *id);
/** Receives a line without its end; @p text is valid during the call. */
typedef void (*vblk_testbed_line_fn)(void *ctx, const char *text);
/** Everything about the driver: counts, then each broken rule and each doubt with its evidence, then its choices. */
VBLK_API void vblk_testbed_report(const struct vblk_testbed *bed, vblk_testbed_line_fn line, void *ctx);

/** The parts, owned by @p bed: to make the device do what a host can, to look at its disk, to ask the judge. */
VBLK_API struct vblk_device *vblk_testbed_device(struct vblk_testbed *bed);
VBLK_API struct vblk_store *vblk_testbed_store(struct vblk_testbed *bed);
VBLK_API struct vblk_oracle *vblk_testbed_oracle(struct vblk_testbed *bed);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_TESTBED_H */
