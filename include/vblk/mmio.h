/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file mmio.h
 * @brief Any device with virtio-mmio registers (4.2, version 2) as a device port.
 *
 * The caller brings two functions that reach the registers: a simulator's bus, a debug probe, a socket to a machine
 * emulator. Nothing is kept back from the device and nothing is answered in its place, except that:
 * - write-only registers (DRIVER_FEATURES, QUEUE_SIZE and the addresses) read as what was written last,
 * - NUM_QUEUES is found by asking each QueueNumMax in turn, which this transport has instead,
 * - CONFIG_LENGTH, which this transport does not tell, is the end of the last field that an offered feature has;
 *   what lies behind it is neither read nor written.
 * Those answers are marked as emulated. Control registers are accessed as aligned 32 bits, fields of the configuration
 * in their natural widths (4.2.2.2).
 *
 * The one interrupt of a device stands for all its queues: a used buffer notification is reported for each enabled
 * queue (4.2.3.4), with VBLK_EV_EMULATED where there are several, since which of them was meant is not known.
 * Grade SNAPSHOT. One thread at a time.
 */
#ifndef VBLK_MMIO_H
#define VBLK_MMIO_H

#include <vblk/port.h>
#include <vblk/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Offsets of the registers, bytes (4.2.2). */
enum vblk_mmio_offset {
    VBLK_MMIO_MAGIC_VALUE = 0x000,         /**< R, VBLK_MMIO_MAGIC */
    VBLK_MMIO_VERSION = 0x004,             /**< R, 2 */
    VBLK_MMIO_DEVICE_ID = 0x008,           /**< R, 0: nothing there */
    VBLK_MMIO_VENDOR_ID = 0x00c,           /**< R */
    VBLK_MMIO_DEVICE_FEATURES = 0x010,     /**< R, the 32 bits selected */
    VBLK_MMIO_DEVICE_FEATURES_SEL = 0x014, /**< W */
    VBLK_MMIO_DRIVER_FEATURES = 0x020,     /**< W, the 32 bits selected */
    VBLK_MMIO_DRIVER_FEATURES_SEL = 0x024, /**< W */
    VBLK_MMIO_QUEUE_SEL = 0x030,           /**< W, the queue that the other queue registers mean */
    VBLK_MMIO_QUEUE_NUM_MAX = 0x034,       /**< R, 0: no such queue */
    VBLK_MMIO_QUEUE_NUM = 0x038,           /**< W */
    VBLK_MMIO_QUEUE_READY = 0x044,         /**< RW */
    VBLK_MMIO_QUEUE_NOTIFY = 0x050,        /**< W, the queue or, with NOTIFICATION_DATA, the data */
    VBLK_MMIO_INTERRUPT_STATUS = 0x060,    /**< R, VBLK_MMIO_INT_* */
    VBLK_MMIO_INTERRUPT_ACK = 0x064,       /**< W, VBLK_MMIO_INT_* */
    VBLK_MMIO_STATUS = 0x070,              /**< RW */
    VBLK_MMIO_QUEUE_DESC_LOW = 0x080,      /**< W, the upper half 4 bytes further, as for the next two */
    VBLK_MMIO_QUEUE_DRIVER_LOW = 0x090,    /**< W */
    VBLK_MMIO_QUEUE_DEVICE_LOW = 0x0a0,    /**< W */
    VBLK_MMIO_SHM_SEL = 0x0ac,             /**< W */
    VBLK_MMIO_SHM_LEN_LOW = 0x0b0,         /**< R, four registers up to SHMBaseHigh; all ones: no such region */
    VBLK_MMIO_QUEUE_RESET = 0x0c0,         /**< RW, with RING_RESET */
    VBLK_MMIO_CONFIG_GENERATION = 0x0fc,   /**< R */
    VBLK_MMIO_CONFIG = 0x100               /**< RW, the device configuration */
};
#define VBLK_MMIO_MAGIC 0x74726976u    /**< "virt" */
#define VBLK_MMIO_INT_USED_BUFFER 1u   /**< a used buffer notification */
#define VBLK_MMIO_INT_CONFIG_CHANGE 2u /**< a configuration change notification */

/**
 * How to reach the registers. read and write are needed. They answer VBLK_E_GONE, VBLK_E_IO or VBLK_E_TIMEOUT if the
 * device can't be reached (any more); what the device thinks of an access is no error.
 */
struct vblk_mmio_bus {
    void *ctx; /**< handed to each function */
    /** Access the @p width (1, 2 or 4) bytes at @p offset of the register block, which is aligned to @p width. */
    vblk_err (*read)(void *ctx, uint32_t offset, unsigned width, uint32_t *value);
    vblk_err (*write)(void *ctx, uint32_t offset, unsigned width, uint32_t value);
    /**
     * Wait for up to @p ms milliseconds. VBLK_OK: the interrupt may be asserted; VBLK_E_TIMEOUT: it was not, or won't be.
     * NULL: InterruptStatus is polled instead.
     */
    vblk_err (*wait)(void *ctx, unsigned ms);
    /** Reach a device again that went away; it is reset afterwards. NULL: nothing to be done for that. */
    vblk_err (*recover)(void *ctx);
    /** The port is closed. May be NULL. */
    void (*close)(void *ctx);
    const char *gone_how; /**< kept up to date by the bus: why the device can't be reached, or NULL */
};

/** All zero is the default. */
struct vblk_mmio_options {
    const struct vblk_profile *profile; /**< whose configuration fields there are, copied; NULL: default */
    const char *name; /**< what the user calls the device; must outlive the port; NULL: "virtio-mmio" */
};

/**
 * A port over the registers that @p bus reaches. MagicValue, Version and DeviceID are read, nothing else.
 * @param bus copied; its ctx must outlive the port
 * @param mem the memory that the device reaches, too; not owned
 * @param options NULL: default
 * @param out receives the port when the answer is VBLK_OK
 * @param why [why_size] receives a sentence unless the answer is VBLK_OK; may be NULL
 * @param why_size bytes of why
 * @return VBLK_OK; VBLK_E_UNSUPPORTED: no virtio block device of version 2 is there; VBLK_E_GONE: the registers can't
 *         be reached; VBLK_E_INVAL; VBLK_E_NOMEM. bus->close is called by vblk_port_close() only.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_mmio_open(const struct vblk_mmio_bus *bus, struct vblk_memory *mem,
                                                const struct vblk_mmio_options *options, struct vblk_port **out,
                                                char *why, size_t why_size);

/**
 * Add a region whose bytes are a part of a file that somebody else has mapped as well: a simulator's or an emulator's RAM.
 * The file must keep its size while the region exists; the memory unmaps and closes it when the region goes.
 * @param mem receives the region
 * @param gpa first guest address, bytes
 * @param path the file
 * @param offset where the region begins in the file, bytes; a multiple of the page size
 * @param size bytes
 * @return as vblk_memory_add(); VBLK_E_IO: no such file, or it can't be mapped; VBLK_E_RANGE: it is shorter than that.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_add_file(struct vblk_memory *mem, uint64_t gpa, const char *path,
                                                      uint64_t offset, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_MMIO_H */
