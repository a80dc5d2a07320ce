/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vhost_user_backend.h
 * @brief The vhost-user back-end: a reference device for somebody's vhost-user front-end, and what that does as events.
 *
 * One front-end at a time; any number one after the other. What becomes of the messages:
 * - GET_FEATURES is a read of DEVICE_FEATURES, SET_FEATURES a write of DRIVER_FEATURES; vhost's own bits are left out.
 *   NOTIFICATION_DATA is never offered: an eventfd carries no data.
 * - A ring that is described, started and enabled becomes writes of the queue registers. QUEUE_ENABLE is marked as
 *   emulated: that the driver enabled the queue is true, but when it did so is not seen.
 * - GET_CONFIG is a read marked as emulated, since front-ends read at other times and in other pieces than the driver
 *   does. SET_CONFIG is the driver's write.
 * - STATUS is the driver's where the front-end passes it on (see enum vblk_status_source). Otherwise the steps that a
 *   device must see are written here, marked as emulated.
 * - Rings that are stopped and go on where they stopped are one life of the device. A ring that begins afresh after all
 *   were stopped begins a new life: an emulated reset comes first.
 * - The device's loads and stores are events; the driver's stores can't be seen.
 *
 * Nothing that the front-end sends is trusted. One that breaks the protocol loses the connection, and
 * vblk_vhost_user_backend_why() says why. A write to a descriptor that it gave may raise SIGPIPE, memory that it takes
 * back by truncating its file SIGBUS: a process that serves strangers ignores the one and handles the other.
 * One thread at a time.
 */
#ifndef VBLK_VHOST_USER_BACKEND_H
#define VBLK_VHOST_USER_BACKEND_H

#include <vblk/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whose word SET_STATUS is. */
enum vblk_status_source {
    VBLK_STATUS_AUTO = 0,       /**< the driver's if the first one that is not 0 is ACKNOWLEDGE alone, else the front-end's */
    VBLK_STATUS_FROM_DRIVER,    /**< each is the driver's own write */
    VBLK_STATUS_FROM_FRONT_END, /**< the front-end makes them up, as QEMU does: kept and shown, but no events */
    VBLK_STATUS_NOT_OFFERED     /**< the protocol feature is not offered */
};

/** All zero is the default. */
struct vblk_vhost_user_backend_options {
    uint64_t protocol_features_off; /**< protocol feature bits not to offer */
    uint8_t status;                 /**< enum vblk_status_source */
    unsigned timeout_ms;            /**< for the rest of a message that has begun, and for sending; 0: 5000 */
    vblk_observe_fn observe;        /**< receives all events, those of the memory too; may be NULL */
    void *observe_ctx;              /**< handed to observe */
};

struct vblk_vhost_user_backend; /**< opaque */

/**
 * Listen on a Unix socket. A socket file that nobody listens on any more is replaced; anything else is left alone.
 * @param path 1 to 107 bytes
 * @param fd receives a listening socket, non-blocking and close-on-exec, when the answer is VBLK_OK
 * @param why [why_size] receives a sentence unless the answer is VBLK_OK; may be NULL
 * @param why_size bytes of why
 * @return VBLK_OK; VBLK_E_INVAL: the path; VBLK_E_IO: somebody listens there, or the host refuses.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_listen(const char *path, int *fd, char *why, size_t why_size);

/**
 * A back-end without a connection.
 * @param device not owned; its notifications come here from now on
 * @param mem the device's memory, without regions, not owned; its tap is set while a front-end is connected
 * @param options copied; NULL: default
 * @return NULL: no memory left.
 */
VBLK_API VBLK_NODISCARD struct vblk_vhost_user_backend *
vblk_vhost_user_backend_new(struct vblk_device *device, struct vblk_memory *mem,
                            const struct vblk_vhost_user_backend_options *options);
/** Let go of the front-end and free @p backend. NULL is allowed. */
VBLK_API void vblk_vhost_user_backend_free(struct vblk_vhost_user_backend *backend);

/**
 * A front-end is connected.
 * @param backend without a front-end
 * @param sock its connected socket, owned from now on
 * @return VBLK_OK; VBLK_E_STATE: there is a front-end already.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_backend_attach(struct vblk_vhost_user_backend *backend, int sock);
/**
 * Wait until something happens or @p ms milliseconds pass, and deal with it: one message, and each queue that was kicked
 * for up to as many requests as it has entries.
 * @return VBLK_OK; VBLK_E_TIMEOUT: nothing happened, or a signal came; VBLK_E_GONE: the front-end is gone or lost. Its
 *         memory is still there until vblk_vhost_user_backend_detach().
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_backend_run(struct vblk_vhost_user_backend *backend, unsigned ms);
/** Let go of the front-end, of all that it gave, and put the device into its power-on state. No events. */
VBLK_API void vblk_vhost_user_backend_detach(struct vblk_vhost_user_backend *backend);

/** @return why the front-end is gone or was lost, in a sentence; "" while nothing is wrong. Valid until the next call. */
VBLK_API const char *vblk_vhost_user_backend_why(const struct vblk_vhost_user_backend *backend);

/** What holds at this moment. */
struct vblk_vhost_user_backend_info {
    uint64_t offered;           /**< features as offered, vhost's own bits left out */
    uint64_t accepted;          /**< features as SET_FEATURES said, vhost's own bits left out */
    uint64_t protocol_offered;  /**< protocol features */
    uint64_t protocol_features; /**< in force */
    uint64_t messages;          /**< received on this connection */
    uint64_t kicks;             /**< notifications taken from the driver on this connection */
    uint64_t requests;          /**< completed on this connection */
    uint64_t lives;             /**< how often a device came to life on this connection */
    uint16_t queues;            /**< that the device has */
    uint16_t running;           /**< of them, started and enabled */
    uint32_t regions;           /**< of memory */
    bool broke_protocol;        /**< the front-end was lost for what it sent */
};
/** Copied to @p out. */
VBLK_API void vblk_vhost_user_backend_info(const struct vblk_vhost_user_backend *backend,
                                           struct vblk_vhost_user_backend_info *out);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_VHOST_USER_BACKEND_H */
