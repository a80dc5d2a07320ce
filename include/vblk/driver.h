/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file driver.h
 * @brief The reference driver: lawful, honours every limit it was told, survives any answer.
 */
#ifndef VBLK_DRIVER_H
#define VBLK_DRIVER_H

#include <vblk/player.h>
#include <vblk/ring_fault.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_driver; /**< opaque; one driver on one port */

/**
 * A driver that misbehaves is the reference with members replaced; NULL members fall through to the reference. What
 * goes wrong with registers, configuration and notifications needs none of this: the port can be made to change it.
 */
struct vblk_driver_behaviour {
    const char *name;                   /**< for reports */
    const struct vblk_ring_fault *ring; /**< what is wrong with the driver's side of its rings */
    /** What a configuration field, named as the text names it, is taken for; @p honest was read. */
    uint64_t (*limit)(const char *field, uint64_t honest);
    /** Change a blocking request before it is laid out. @p segment is NULL if it has none. */
    void (*request)(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment);
    /** Change element @p i of @p n of a blocking request before it is put into the ring. */
    void (*element)(struct vblk_driver *driver, uint32_t i, uint32_t n, struct vblk_element *element);
};

/** What the driver is told. */
struct vblk_driver_options {
    struct vblk_profile profile; /**< the text it follows */
    uint64_t features;    /**< wanted, ring features among them; the driver accepts what is also offered */
    struct vblk_arena arena; /**< guest memory for rings and buffers */
    uint16_t queues;      /**< 0: one */
    uint16_t queue_size;  /**< 0: the smaller of 128 and what the device supports */
    unsigned wait_ms;     /**< for one request; 0: 1000 */
    const struct vblk_driver_behaviour *behaviour; /**< NULL: lawful */
};

/** What one request came to. */
struct vblk_answer {
    vblk_err err;      /**< VBLK_OK: answered; TIMEOUT, GONE, STATE (needs reset) or IO (an answer that can't be) otherwise */
    uint8_t status;    /**< VBLK_S_* of the first piece that failed, or VBLK_S_OK */
    uint32_t pieces;   /**< requests it was split into */
};

/** @p port is not owned; @p options is copied. @return a driver that has not touched the device yet; NULL: no memory. */
VBLK_API VBLK_NODISCARD struct vblk_driver *vblk_driver_new(struct vblk_port *port,
                                                            const struct vblk_driver_options *options);
/** Free @p driver; the device is left as it is. NULL is allowed. */
VBLK_API void vblk_driver_free(struct vblk_driver *driver);
/** The initialisation sequence (3.1.1). Sets FAILED when the device can't be driven. */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_start(struct vblk_driver *driver);
/** Reset the device and wait until it says so. VBLK_E_TIMEOUT if it does not. */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_stop(struct vblk_driver *driver);
/** What start() learned. */
VBLK_API uint64_t vblk_driver_features(const struct vblk_driver *driver);
VBLK_API uint64_t vblk_driver_capacity(const struct vblk_driver *driver);

/** Blocking requests; each is split by the limits the device announced and checked against its capacity first
 * (VBLK_E_INVAL). Sectors are 512 bytes. */
VBLK_API struct vblk_answer vblk_driver_read(struct vblk_driver *driver, uint64_t sector, void *buf, uint64_t count);
VBLK_API struct vblk_answer vblk_driver_write(struct vblk_driver *driver, uint64_t sector, const void *buf,
                                              uint64_t count);
VBLK_API struct vblk_answer vblk_driver_flush(struct vblk_driver *driver);
VBLK_API struct vblk_answer vblk_driver_get_id(struct vblk_driver *driver, char id[VBLK_ID_BYTES + 1]);
VBLK_API struct vblk_answer vblk_driver_lifetime(struct vblk_driver *driver, struct vblk_lifetime *out);
VBLK_API struct vblk_answer vblk_driver_discard(struct vblk_driver *driver, uint64_t sector, uint64_t count);
VBLK_API struct vblk_answer vblk_driver_write_zeroes(struct vblk_driver *driver, uint64_t sector, uint64_t count,
                                                     bool may_unmap);
VBLK_API struct vblk_answer vblk_driver_secure_erase(struct vblk_driver *driver, uint64_t sector, uint64_t count);
VBLK_API struct vblk_answer vblk_driver_provision(struct vblk_driver *driver, uint64_t sector, uint64_t count);

/**
 * Reset one queue and enable it again while the others run (2.6.1): what is in flight on it is never answered.
 * @return VBLK_OK; VBLK_E_UNSUPPORTED: RING_RESET was not negotiated; VBLK_E_INVAL: no such queue; VBLK_E_STATE: not
 *         started; else what the device or port came to, and only a start helps.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_reset_queue(struct vblk_driver *driver, uint16_t queue);

/* Many requests in flight. The caller lays buffers out in the driver's room and keeps track of ids; nothing is split
 * or checked against limits here. Not to be mixed with a blocking request while buffers are in flight. */

/** The part of the arena that rings leave free, as start() found it. */
VBLK_API struct vblk_arena vblk_driver_room(const struct vblk_driver *driver);
/**
 * Put a buffer of @p n elements (readable ones first) into @p queue; the device can't see it yet.
 * @return VBLK_OK with *id; VBLK_E_FULL; VBLK_E_INVAL: no such queue or too many elements; VBLK_E_STATE: not started.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_add(struct vblk_driver *driver, uint16_t queue,
                                                 const struct vblk_element *elements, uint32_t n, uint16_t *id);
/** Make @p count added buffers available with one index update, and notify the device if it wants that. */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count);
/**
 * Take the next used buffer. With IN_ORDER one answer may stand for many: they come one by one, *len then being all
 * that the device may write. With EVENT_IDX finding none asks for a notification of the next. @return VBLK_OK; VBLK_E_EMPTY; VBLK_E_IO: an answer that can't be, *id is not valid.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_driver_reap(struct vblk_driver *driver, uint16_t queue, uint16_t *id,
                                                  uint32_t *len);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_DRIVER_H */
