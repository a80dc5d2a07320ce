/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vhost_user.h
 * @brief The vhost-user front-end: somebody's vhost-user-blk back-end as a device port.
 *
 * What becomes of the registers:
 * - DEVICE_FEATURES is asked of the back-end each time. Bits that are not the device's to offer on this transport are
 *   left out and never passed on: 26 and 30 (vhost's own), 33 ACCESS_PLATFORM (this front-end has no IOMMU),
 *   37 SR_IOV, 38 NOTIFICATION_DATA and 39 NOTIF_CONFIG_DATA (an eventfd carries no data), 41 ADMIN_VQ.
 * - DRIVER_FEATURES is sent at once. A back-end refuses features by a negative acknowledgement or by hanging up; both
 *   show as FEATURES_OK reading back as 0, after a hang-up on a new connection.
 * - STATUS is the device's own where the back-end has the STATUS protocol feature, otherwise emulated.
 *   DEVICE_NEEDS_RESET is set when the back-end signals an error on a ring or refuses a ring's parameters.
 *   Writing 0 stops the rings and then resets the back-end by RESET_DEVICE or, without that protocol feature,
 *   by a new connection; a connection on which nothing was set is left as it is.
 * - Queue registers are kept here. Nothing of a ring is sent before DRIVER_OK is written: then the memory table and all
 *   enabled rings are. A kick of a ring that has not been started goes nowhere.
 * - GENERATION counts the configuration change messages, QUEUE_MAX is an option, DEVICE_ID is 2: emulated.
 * - CONFIG_LENGTH is the longest read that the back-end answers; it is found once.
 *
 * When the connection is lost, whether the peer hung up, sent garbage or did not answer in time, calls return
 * VBLK_E_GONE until vblk_port_recover() succeeds; vblk_vhost_user_why() says what happened.
 * One thread at a time.
 */
#ifndef VBLK_VHOST_USER_H
#define VBLK_VHOST_USER_H

#include <vblk/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/** All zero is the default. */
struct vblk_vhost_user_options {
    unsigned timeout_ms;            /**< for each reply, milliseconds; 0: 5000 */
    unsigned connect_ms;            /**< how long vblk_vhost_user_open() keeps trying to connect; 0: one attempt */
    uint64_t protocol_features_off; /**< protocol feature bits to leave alone although the back-end has them */
    uint16_t queue_max;             /**< largest ring size to report, which the protocol can't ask for; 0: 256 */
};

/**
 * Connect to the back-end that listens on @p socket and negotiate protocol features with it.
 * @param socket path of a Unix socket
 * @param mem regions that carry a file descriptor are shared with the back-end at DRIVER_OK; not owned
 * @param options NULL: default
 * @param out receives the port when the answer is VBLK_OK
 * @param why [why_size] receives a sentence unless the answer is VBLK_OK; may be NULL
 * @param why_size bytes of why
 * @return VBLK_OK; VBLK_E_INVAL: the path is empty or too long; VBLK_E_NOMEM; VBLK_E_IO: can't connect;
 *         VBLK_E_GONE, VBLK_E_TIMEOUT: the back-end hung up, sent garbage, or did not answer.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_open(const char *socket, struct vblk_memory *mem,
                                                      const struct vblk_vhost_user_options *options,
                                                      struct vblk_port **out, char *why, size_t why_size);

/** @return what last went wrong on this connection, in a sentence; "" if nothing did. Valid until the next call. */
VBLK_API const char *vblk_vhost_user_why(const struct vblk_port *port);

/** What was negotiated, for reports. */
struct vblk_vhost_user_info {
    uint64_t features;          /**< as the back-end offered them, vhost's own bits included */
    uint64_t protocol_offered;  /**< protocol features as the back-end offered them */
    uint64_t protocol_features; /**< in force */
    uint32_t connections;       /**< made so far */
    uint32_t memory_slots;      /**< the most regions that can be shared */
};
/** What holds at this moment, copied to @p out. */
VBLK_API void vblk_vhost_user_info(const struct vblk_port *port, struct vblk_vhost_user_info *out);

/**
 * Add a region of @p size zeroed bytes at @p gpa that other processes can map: an anonymous file, sealed against resizing.
 * The memory unmaps and closes it when the region goes.
 * @return as vblk_memory_add(); VBLK_E_NOMEM also if the host refuses the file or the mapping.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_memory_add_shared(struct vblk_memory *mem, uint64_t gpa, uint64_t size);
/**
 * vblk_memory_reset(), and all bytes of the regions made by vblk_memory_add_shared() read as zero, whoever stored them.
 * Costs the pages in use. Only while no back-end runs a ring, after writing 0 to STATUS.
 */
VBLK_API void vblk_memory_reset_shared(struct vblk_memory *mem);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_VHOST_USER_H */
