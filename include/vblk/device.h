/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file device.h
 * @brief The reference device: life cycle, configuration space, requests. No I/O, no time, no threads of its own.
 */
#ifndef VBLK_DEVICE_H
#define VBLK_DEVICE_H

#include <vblk/clause.h>
#include <vblk/memory.h>
#include <vblk/ring_fault.h>
#include <vblk/spec.h>
#include <vblk/store.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_device;  /**< opaque */
struct vblk_request; /**< opaque; a request while the device serves it */

/**
 * What the device is and offers: start from vblk_device_defaults(). Members that belong to a feature are shown and
 * judged only where it is offered. A limit of 0 is meant literally: nothing is within it.
 */
struct vblk_device_options {
    struct vblk_profile profile; /**< the text that it follows */
    /**
     * Where the device has a choice: AMB-02 and AMB-16 (unmap on PROVISION and SECURE_ERASE: unsupp, ignore, fault),
     * AMB-15 (malformed framing: an answer, or DEVICE_NEEDS_RESET).
     */
    struct vblk_readings readings;
    uint64_t features; /**< offered: VERSION_1 and others of vblk_device_features(); RO may be added */
    uint64_t capacity; /**< sectors */
    /** Configuration fields, as the text names them (5.2.4). */
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, sectors;
    uint32_t blk_size; /**< bytes */
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    bool writeback;      /**< cache mode after reset */
    uint16_t num_queues; /**< 1 is meant where MQ is not offered */
    uint16_t queue_max;  /**< largest queue size, up to 32768; a power of two unless RING_PACKED is offered */
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    bool write_zeroes_may_unmap;
    uint32_t max_secure_erase_sectors, max_secure_erase_seg, secure_erase_sector_alignment;
    uint32_t max_provision_sectors, max_provision_seg;
    uint16_t pre_eol_info, est_typ_a, est_typ_b;
    char serial[VBLK_ID_BYTES + 1]; /**< GET_ID; NUL-terminated here */
    uint32_t config_length; /**< bytes of configuration, 8 to 256; 0: as long as the profile and features need */
    /**
     * Elements of one request at most (more: malformed framing, or a structural fault past the queue size, too), 0: the
     * queue size. More than the queue size can only come in indirect tables.
     */
    uint32_t chain_max;
    const struct vblk_behaviour *behaviour; /**< NULL: lawful */
};

/** All features that the model can honour under @p profile; RO and those of vblk_device_ring_features() among them. */
VBLK_API uint64_t vblk_device_features(const struct vblk_profile *profile);
/** Those of them that are about how buffers travel: indirect descriptors, event index, packed ring and the like. */
VBLK_API uint64_t vblk_device_ring_features(void);
/** A lawful 1 GiB device of the default profile that offers all that the model can do, RO and ring features apart. */
VBLK_API void vblk_device_defaults(struct vblk_device_options *options);

/** Receives notifications: kind USED_NOTIFY with a queue, or CONFIG_NOTIFY. Must not call back into the device. */
typedef void (*vblk_notify_fn)(void *ctx, enum vblk_event_kind kind, uint16_t queue);

/**
 * A device in its power-on state. @p options is copied; @p mem is shared memory, not owned; @p disk is a copied
 * table, its ctx not owned.
 * @return NULL if options contradict themselves (*why, if not NULL, receives a static sentence) or no memory is left.
 */
VBLK_API VBLK_NODISCARD struct vblk_device *vblk_device_new(const struct vblk_device_options *options,
                                                            struct vblk_memory *mem, const struct vblk_backend *disk,
                                                            const char **why);
/** Free @p device. NULL is allowed. */
VBLK_API void vblk_device_free(struct vblk_device *device);
/** Who receives notifications; NULL: nobody. */
VBLK_API void vblk_device_on_notify(struct vblk_device *device, vblk_notify_fn notify, void *ctx);

/** Register access by the driver. Unknown registers and queues read 0 and ignore writes, as the transports say. */
VBLK_API uint64_t vblk_device_read_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue);
VBLK_API void vblk_device_write_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value);
/** Read or write @p len configuration bytes. @return how many lie inside the configuration; the rest reads zero. */
VBLK_API uint32_t vblk_device_read_config(struct vblk_device *device, uint32_t offset, void *buf, uint32_t len);
VBLK_API uint32_t vblk_device_write_config(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len);

/**
 * Serve what is available on @p queue (a kick, or a poll). Nothing happens before DRIVER_OK, on a queue that is not
 * enabled (or, without MQ, not the first), and after a structural fault: a loop, an index or address that points
 * nowhere. Such a fault sets DEVICE_NEEDS_RESET and stops the queue until a reset; other queues go on.
 * @return requests completed; bounded by the queue size. If it was reached, more may be there: call again.
 */
VBLK_API uint32_t vblk_device_serve(struct vblk_device *device, uint16_t queue);
/** An available buffer notification: serve until there is nothing more. For a driver that waits meanwhile. */
VBLK_API void vblk_device_kick(struct vblk_device *device, uint16_t queue);
/**
 * The same as it comes over virtio-pci: @p data was written where notifications of @p queue go. With NOTIF_CONFIG_DATA
 * what it says of the queue is what counts, and a number that the device did not give out is for no queue.
 */
VBLK_API void vblk_device_notified(struct vblk_device *device, uint16_t queue, uint32_t data);

/** Another capacity, which the disk has by then; new generation and notification if it differs. */
VBLK_API void vblk_device_resize(struct vblk_device *device, uint64_t capacity);
/** Change four configuration bytes (a limit, may_unmap); new generation and notification. */
VBLK_API VBLK_NODISCARD vblk_err vblk_device_set_config(struct vblk_device *device, uint32_t offset, uint32_t value);
/** Enter the error state: DEVICE_NEEDS_RESET, with a notification if DRIVER_OK was set; no queue is served any more. */
VBLK_API void vblk_device_needs_reset(struct vblk_device *device);
/**
 * Hold: take buffers but complete none. Releasing completes what is held, in order or last to first. What is held has
 * had no effect. Up to 1024 requests and 4096 descriptors are held; the rest waits in the ring. Reverse alone turns the
 * order round within each call of vblk_device_serve(). Both last until undone or power-on.
 */
VBLK_API void vblk_device_hold(struct vblk_device *device, bool hold);
VBLK_API void vblk_device_reverse(struct vblk_device *device, bool reverse);
/** Power-on state, as after a power cut of the whole machine. Disk content is the backend's matter. */
VBLK_API void vblk_device_power_on(struct vblk_device *device);
/** As vblk_device_power_on(), and what the host changed of the configuration is as at creation. */
VBLK_API void vblk_device_restore(struct vblk_device *device);

/**
 * A request as handlers and behaviours see it. Data offsets count from the first byte after the header (readable) or
 * from the first writable byte.
 */
VBLK_API uint32_t vblk_request_type(const struct vblk_request *req);
VBLK_API uint64_t vblk_request_sector(const struct vblk_request *req);
/** Let the request mean another sector from now on; for behaviours. */
VBLK_API void vblk_request_set_sector(struct vblk_request *req, uint64_t sector);
VBLK_API uint16_t vblk_request_queue(const struct vblk_request *req);
/** How many elements of the buffer are writable, or are readable. */
VBLK_API uint32_t vblk_request_elements(const struct vblk_request *req, bool writable);
/** Bytes of readable data after the header; bytes of writable data before the status byte. */
VBLK_API uint64_t vblk_request_out_len(const struct vblk_request *req);
VBLK_API uint64_t vblk_request_in_len(const struct vblk_request *req);
/** Copy data out or in. VBLK_E_RANGE past the data (put reaches the status byte too) or outside the memory. */
VBLK_API VBLK_NODISCARD vblk_err vblk_request_get(struct vblk_device *device, struct vblk_request *req, uint64_t offset,
                                                  void *buf, uint32_t len);
VBLK_API VBLK_NODISCARD vblk_err vblk_request_put(struct vblk_device *device, struct vblk_request *req, uint64_t offset,
                                                  const void *buf, uint32_t len);
/** @return the guest address of writable byte @p offset (the status byte: in_len); 0 with *ok false past the end. */
VBLK_API uint64_t vblk_request_address(const struct vblk_request *req, uint64_t offset, bool *ok);
/** A segment of discard, write zeroes, secure erase or provision. */
struct vblk_range {
    uint64_t sector; /**< first sector */
    uint32_t count;  /**< sectors */
    uint32_t flags;  /**< as the driver wrote them */
};
/** How many whole segments the data holds. */
VBLK_API uint32_t vblk_request_segments(const struct vblk_request *req);
/** All flags of all segments together. */
VBLK_API uint32_t vblk_request_segment_flags(const struct vblk_request *req);
/**
 * Segment @p i, already fetched once and unpacked. @return false past the last, or past those that are kept: all that
 * the largest limit allows and some more, up to 65536.
 */
VBLK_API bool vblk_request_segment(const struct vblk_device *device, const struct vblk_request *req, uint32_t i,
                                   struct vblk_range *out);

#define VBLK_DEVICE_NOTES 8 /**< words that vblk_device_notes() has */
/** What a behaviour remembers of one device: words that are 0 at creation and power-on, and mean nothing else. */
VBLK_API uint64_t *vblk_device_notes(struct vblk_device *device);
/** The behaviour that the device was created with, never NULL; may be the first member of something larger. */
VBLK_API const struct vblk_behaviour *vblk_device_behaviour(const struct vblk_device *device);
/** Send a notification now, owed or not: kind USED_NOTIFY for a queue, or CONFIG_NOTIFY. For behaviours. */
VBLK_API void vblk_device_notify(struct vblk_device *device, enum vblk_event_kind kind, uint16_t queue);
/** The device's disk, options in force, accepted features and status, for behaviours. */
VBLK_API const struct vblk_backend *vblk_device_disk(const struct vblk_device *device);
VBLK_API const struct vblk_device_options *vblk_device_options_of(const struct vblk_device *device);
VBLK_API struct vblk_memory *vblk_device_memory(const struct vblk_device *device);
VBLK_API uint64_t vblk_device_accepted(const struct vblk_device *device);
VBLK_API uint8_t vblk_device_status(const struct vblk_device *device);
/** Whether a write that completes now must be stable first (5.2.6.2). */
VBLK_API bool vblk_device_writes_through(const struct vblk_device *device);

/** Which way the data of a request goes. */
enum vblk_direction { VBLK_NO_DATA, VBLK_FROM_DRIVER, VBLK_TO_DRIVER, VBLK_SEGMENTS };

/** A request type: gate, direction and unit are judged once, before run(). */
struct vblk_op {
    uint32_t type;      /**< VBLK_T_*; PROVISION's row has the profile's number put in */
    int8_t feature;     /**< must be negotiated, -1: always there */
    uint8_t direction;  /**< enum vblk_direction */
    uint16_t unit;      /**< data length must be a multiple, bytes; 512: the data covers sectors from the header's on */
    bool writes;        /**< refused on a read-only device */
    uint32_t known_flags; /**< of a segment; others are answered UNSUPP */
    uint32_t fault_flags; /**< of those known, the ones that are answered IOERR */
    /** Where the limits lie in struct vblk_device_options, bytes; 0: none. */
    uint16_t max_sectors, max_seg;
    uint8_t (*run)(struct vblk_device *device, struct vblk_request *req); /**< @return the status */
};

/**
 * A device that misbehaves is the reference with members replaced; NULL members fall through to the reference.
 * Each function gets the chance to call its reference counterpart, vblk_reference_*().
 */
struct vblk_behaviour {
    const char *name; /**< for reports */
    const struct vblk_ring_fault *ring; /**< what is wrong with the device's side of its rings */
    bool reorder; /**< serve what is there at once last to first, IN_ORDER or not */
    /** Another row for one request type, or NULL to keep @p row. */
    const struct vblk_op *(*op)(const struct vblk_device *device, uint32_t type, const struct vblk_op *row);
    /** Whether [sector, sector + count) lies on the disk. */
    bool (*in_range)(const struct vblk_device *device, uint64_t sector, uint64_t count);
    /** VBLK_S_OK, or the status that refuses the segments: flags, number, length, range. */
    uint8_t (*check_segments)(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op);
    /** Write the status byte; not called for a request without a writable byte. */
    void (*put_status)(struct vblk_device *device, struct vblk_request *req, uint8_t status);
    /** The used length to report; @p written is the honest one. */
    uint32_t (*used_length)(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                            uint32_t written);
    /** Put one used element and publish it; called for each request, one that IN_ORDER would let pass as well. */
    void (*put_used)(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len);
    /** What configuration bytes read as; @p buf holds the honest ones. */
    void (*read_config)(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len);
    /** The feature bits to offer; @p honest are the right ones. */
    uint64_t (*show_features)(const struct vblk_device *device, uint64_t honest);
    /** Whether a set of accepted features is granted FEATURES_OK. */
    bool (*grant)(const struct vblk_device *device, uint64_t accepted);
    /** The status byte to show; @p honest is the right one. */
    uint8_t (*show_status)(const struct vblk_device *device, uint8_t honest);
    /** Whether to notify; @p owed is the honest answer. */
    bool (*notify)(const struct vblk_device *device, uint16_t queue, bool owed);
    /** Whether a configuration change or DEVICE_NEEDS_RESET is notified; @p owed is the honest answer. */
    bool (*notify_config)(const struct vblk_device *device, bool owed);
    /** What a register reads as; @p honest is the right value. After show_features and show_status. */
    uint64_t (*read_reg)(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest);
    /** What a configuration write does. */
    void (*write_config)(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len);
    /** What a register write does: a reset that isn't one, a write that should be ignored. */
    void (*write_reg)(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value);
    /** Called after each request was completed, for late or stray stores. */
    void (*after)(struct vblk_device *device, struct vblk_request *req);
    /** Called when all that was available has been answered, before notifications are decided on. */
    void (*served)(struct vblk_device *device, uint16_t queue);
};

/** What the reference does where a behaviour says nothing. */
VBLK_API bool vblk_reference_in_range(const struct vblk_device *device, uint64_t sector, uint64_t count);
VBLK_API uint8_t vblk_reference_check_segments(struct vblk_device *device, struct vblk_request *req,
                                               const struct vblk_op *op);
VBLK_API void vblk_reference_put_status(struct vblk_device *device, struct vblk_request *req, uint8_t status);
VBLK_API void vblk_reference_put_used(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len);
VBLK_API bool vblk_reference_grant(const struct vblk_device *device, uint64_t accepted);
VBLK_API void vblk_reference_write_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value);
VBLK_API void vblk_reference_write_config(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len);
/** The reference's row of a request type, or NULL. */
VBLK_API const struct vblk_op *vblk_reference_op(const struct vblk_device *device, uint32_t type);
/** What the reference does for a request of @p type that passed all checks; UNSUPP if it has no such type. */
VBLK_API uint8_t vblk_reference_run(struct vblk_device *device, struct vblk_request *req, uint32_t type);

/** Where a queue's parts lie, for behaviours that store into them. */
struct vblk_queue_layout {
    uint16_t size; /**< entries */
    bool enabled;  /**< by the driver */
    /** Guest addresses of the three areas. */
    uint64_t desc, driver, device;
};
/** VBLK_E_INVAL: the device has no such queue. */
VBLK_API VBLK_NODISCARD vblk_err vblk_device_queue(const struct vblk_device *device, uint16_t queue,
                                                   struct vblk_queue_layout *out);
/**
 * Where the device goes on in a queue, as vhost writes it. Split: the available index. Packed: the place of the next
 * available descriptor in bits 0 to 14 and its wrap counter in bit 15, those of the next used one from bit 16 on.
 * 0 for a queue that is not enabled.
 */
VBLK_API uint32_t vblk_device_queue_base(const struct vblk_device *device, uint16_t queue);
/**
 * When the queue is enabled next it goes on where another device stopped. @p base: bits 0 to 15 say which buffer is taken
 * next, bits 16 to 31 where the next answer goes: positions in a split ring, places with wrap counters in a packed one. Before
 * any of the ring, what is in @p again [count] is taken once more: one descriptor for each buffer of a split ring, of which
 * only the id counts, its head; all descriptors of a packed one's, in a row. @p again stays the caller's and must last as
 * long as the queue is enabled. VBLK_E_INVAL: the device has no such queue.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_device_resume(struct vblk_device *device, uint16_t queue, uint32_t base,
                                                    const struct vblk_packed_desc *again, uint32_t count);

/** What becomes of buffers, for those who keep a record outside. */
enum vblk_buffer_step {
    VBLK_BUFFER_TAKEN,    /**< from the ring */
    VBLK_BUFFER_ANSWERED, /**< the answer is written, the driver can't see it yet */
    VBLK_BUFFER_SHOWN     /**< it can */
};
/** One step of one buffer; with IN_ORDER answers stand for all that were taken before, too. */
struct vblk_buffer_news {
    uint8_t step;         /**< enum vblk_buffer_step */
    uint16_t queue;       /**< where */
    uint16_t id;          /**< of the buffer, or what a behaviour answers with */
    uint16_t slot;        /**< TAKEN from a packed ring: its first descriptor … */
    uint16_t slots;       /**< … and how many there are */
};
/** Is told. */
typedef void (*vblk_buffer_fn)(void *ctx, const struct vblk_buffer_news *news);
/** Tell @p told from now on; NULL: nobody. */
VBLK_API void vblk_device_on_buffer(struct vblk_device *device, vblk_buffer_fn told, void *ctx);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_DEVICE_H */
