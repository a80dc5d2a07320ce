/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file mmio_device.h
 * @brief The reference device behind virtio-mmio registers (4.2, version 2), for drivers that know nothing of us.
 *
 * A simulator or a bare-metal harness maps 512 bytes of its address space to the two access functions, wires the
 * interrupt, and its guest finds a block device there. The device works on the caller's memory: the one that it was
 * made with. Accesses that a driver must not make (control registers in other widths, unaligned, in the wrong
 * direction) read as 0 and write nothing.
 * One thread at a time.
 */
#ifndef VBLK_MMIO_DEVICE_H
#define VBLK_MMIO_DEVICE_H

#include <vblk/device.h>
#include <vblk/mmio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_mmio_device; /**< opaque */

/** Bytes of address space to map: the registers and the longest configuration. */
#define VBLK_MMIO_DEVICE_SIZE (VBLK_MMIO_CONFIG + VBLK_CONFIG_MAX)

/**
 * Registers in front of @p device, which is not owned and must outlive them. They receive its notifications
 * (vblk_device_on_notify()) from now on. A write to QueueNotify serves the queue before it returns.
 * @return NULL: no memory, or it offers NOTIF_CONFIG_DATA, for which there is no register.
 */
VBLK_API VBLK_NODISCARD struct vblk_mmio_device *vblk_mmio_device_new(struct vblk_device *device);
/** Free @p regs; the device has nobody to notify then. NULL is allowed. */
VBLK_API void vblk_mmio_device_free(struct vblk_mmio_device *regs);

/** An access by the driver: @p width is 1, 2 or 4 bytes, @p offset counts from the first register. */
VBLK_API uint32_t vblk_mmio_device_read(struct vblk_mmio_device *regs, uint32_t offset, unsigned width);
VBLK_API void vblk_mmio_device_write(struct vblk_mmio_device *regs, uint32_t offset, unsigned width, uint32_t value);

/** @return whether the interrupt is asserted: any bit of InterruptStatus is set. */
VBLK_API bool vblk_mmio_device_interrupt(const struct vblk_mmio_device *regs);
/** Called whenever the interrupt changes, from within an access or a call of the device. Must not call back into either. */
typedef void (*vblk_mmio_interrupt_fn)(void *ctx, bool asserted);
/** Who is told of the interrupt; NULL: nobody. */
VBLK_API void vblk_mmio_device_on_interrupt(struct vblk_mmio_device *regs, vblk_mmio_interrupt_fn fn, void *ctx);

/**
 * Tell @p observe of all that goes over these registers, in the terms of enum vblk_reg and whole: halves of an address are
 * put together, and what is written to DriverFeatures is told as one when the driver goes on to another register. An
 * access that a driver must not make is not told. The device's accesses to memory come from vblk_memory_set_tap().
 * NULL: nobody.
 */
VBLK_API void vblk_mmio_device_observe(struct vblk_mmio_device *regs, vblk_observe_fn observe, void *ctx);

/** @return a bus for vblk_mmio_open() that reaches these registers, which must outlive the port. */
VBLK_API struct vblk_mmio_bus vblk_mmio_device_bus(struct vblk_mmio_device *regs);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_MMIO_DEVICE_H */
