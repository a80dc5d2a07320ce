/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file event.h
 * @brief The one ordered stream that everything watched is turned into.
 *
 * Ports, memory and players produce events; the oracle, the recorder and fuzzers consume them.
 * An event is valid only during the call that delivers it: copy what must be kept.
 */
#ifndef VBLK_EVENT_H
#define VBLK_EVENT_H

#include <vblk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who acted. VBLK_NOBODY is the harness itself: its accesses are never judged. */
enum vblk_party { VBLK_DRIVER = 0, VBLK_DEVICE = 1, VBLK_NOBODY = 2 };

/** Memory order of an access or of a barrier, as the C11 memory model means it. */
enum vblk_order { VBLK_RELAXED = 0, VBLK_ACQUIRE = 1, VBLK_RELEASE = 2, VBLK_FULL = 3 };

/** Transport registers, in the terms of section 4.1.4.3 and 4.2.2 but without a transport's packing. */
enum vblk_reg {
    VBLK_REG_DEVICE_ID,       /**< R, 2 for a block device */
    VBLK_REG_DEVICE_FEATURES, /**< R, all offered bits 0..63 */
    VBLK_REG_DRIVER_FEATURES, /**< RW, all accepted bits 0..63 */
    VBLK_REG_STATUS,          /**< RW, device status (2.1); writing 0 resets */
    VBLK_REG_GENERATION,      /**< R, configuration generation (2.5) */
    VBLK_REG_NUM_QUEUES,      /**< R, queues the transport has */
    VBLK_REG_QUEUE_MAX,       /**< R per queue, largest size the device supports, 0: no such queue */
    VBLK_REG_QUEUE_SIZE,      /**< RW per queue, entries */
    VBLK_REG_QUEUE_DESC,      /**< RW per queue, guest address of the descriptor area */
    VBLK_REG_QUEUE_DRIVER,    /**< RW per queue, guest address of the driver area */
    VBLK_REG_QUEUE_DEVICE,    /**< RW per queue, guest address of the device area */
    VBLK_REG_QUEUE_ENABLE,    /**< RW per queue, 0 or 1; for a ring that goes on, @c at is the index it goes on from */
    VBLK_REG_QUEUE_RESET,     /**< RW per queue, 0 or 1 (RING_RESET) */
    VBLK_REG_CONFIG_LENGTH,   /**< R, bytes of device configuration that can be read */
    /** R per queue, what identifies it in notifications (NOTIF_CONFIG_DATA); virtio-pci has it (4.1.4.3), nothing else. */
    VBLK_REG_QUEUE_NOTIF_CONFIG_DATA,
    VBLK_REG_COUNT
};

/** What happened; the comments say which members of struct vblk_event mean something. */
enum vblk_event_kind {
    VBLK_EV_NONE,
    VBLK_EV_REG_READ,      /**< party read @c reg of @c queue and got @c value */
    VBLK_EV_REG_WRITE,     /**< party wrote @c value to @c reg of @c queue */
    VBLK_EV_CONFIG_READ,   /**< driver read @c len bytes at offset @c at of the device configuration; @c bytes is the answer */
    VBLK_EV_CONFIG_WRITE,  /**< driver wrote @c len @c bytes at offset @c at */
    VBLK_EV_LOAD,          /**< party loaded @c len bytes at guest address @c at; @c bytes is what it got */
    VBLK_EV_STORE,         /**< party stored @c len @c bytes at guest address @c at; delivered after the store */
    VBLK_EV_BARRIER,       /**< party executed a barrier of @c order */
    VBLK_EV_KICK,          /**< available buffer notification for @c queue; @c value is the data written with it */
    VBLK_EV_USED_NOTIFY,   /**< used buffer notification for @c queue */
    VBLK_EV_CONFIG_NOTIFY, /**< configuration change notification */
    VBLK_EV_LOOK,          /**< a point at which memory may be looked at: the driver polled @c queue; @c value not 0:
                                so long after the last one that its counters may have begun again */
    VBLK_EV_QUIET,         /**< @c value milliseconds passed in which the device answered nothing it owed on @c queue */
    VBLK_EV_GONE,          /**< the device's process or connection is gone; @c bytes/@c len say how, as text */
    VBLK_EV_BACK,          /**< it was reconnected or restarted and is in its power-on state */
    VBLK_EV_POWER_CUT,     /**< the device lost power: only stable data survives; @c value 1 if the store was persistent */
    VBLK_EV_CASE_BEGIN,    /**< a script starts; @c bytes/@c len is its name */
    VBLK_EV_CASE_END,      /**< it ended: whatever is still owed is judged now */
    VBLK_EV_COUNT
};

/** The transport answered in the device's place: the device has neither seen nor decided this. */
#define VBLK_EV_EMULATED 0x1u
/** The access failed: the range is outside guest memory. @c bytes is NULL. */
#define VBLK_EV_FAULTED 0x2u

/** One event. */
struct vblk_event {
    uint8_t kind;    /**< enum vblk_event_kind */
    uint8_t party;   /**< enum vblk_party */
    uint8_t order;   /**< enum vblk_order, for LOAD, STORE and BARRIER */
    uint8_t flags;   /**< VBLK_EV_EMULATED, VBLK_EV_FAULTED */
    uint16_t queue;  /**< queue index, where one is meant */
    uint16_t reg;    /**< enum vblk_reg, for REG_READ and REG_WRITE */
    uint32_t len;    /**< bytes */
    uint64_t at;     /**< guest address or configuration offset */
    uint64_t value;  /**< by kind */
    const uint8_t *bytes; /**< [len] bytes, or NULL */
};

/** Receives events. Must not call back into the object that delivers them, except to peek and poke memory. */
typedef void (*vblk_observe_fn)(void *ctx, const struct vblk_event *ev);

/** @return the stable lower-case name of an event kind or register, as traces and reports print it. */
VBLK_API const char *vblk_event_name(enum vblk_event_kind kind);
VBLK_API const char *vblk_reg_name(enum vblk_reg reg);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_EVENT_H */
