/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vhost_user_monitor.h
 * @brief Between a vhost-user front-end and a back-end: all goes through unchanged, and becomes events.
 *
 * Each message is passed on as it came, with its descriptors, before or after it was understood, and even if it was not.
 * Two kinds of descriptor become others on the way: the socket of SET_BACKEND_REQ_FD, and with packed rings the eventfd
 * of SET_VRING_KICK. All other eventfds stay those of the front-end: notifications go from one side to the other without
 * us, and are watched, not read. (A descriptor that is no eventfd is not watched, and what a hypervisor takes inside the
 * kernel is not seen.) Guest memory is mapped, to be read and nothing else.
 *
 * Events: what the device offers and its configuration, as its answers say; the features that the front-end sets; queues
 * when they start and stop; KICK, USED_NOTIFY and CONFIG_NOTIFY soon after they happened, several at once as one; LOOK
 * when nothing came for a while; GONE if the back-end hung up first. CASE_BEGIN and CASE_END are the connection. Status is
 * nobody's word on this transport (front-ends write it as they like): those events are VBLK_EV_EMULATED. For a judge that
 * knows it is late.
 *
 * Memory that the front-end takes back by cutting its file short raises SIGBUS when it is looked at: a process that
 * stands between strangers handles that, see vblk_vhost_user_monitor_look_away().
 * One front-end at a time; others wait in the queue of the listening socket. One thread at a time.
 */
#ifndef VBLK_VHOST_USER_MONITOR_H
#define VBLK_VHOST_USER_MONITOR_H

#include <vblk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_vhost_user_monitor; /**< opaque */

/** What to stand between, and who looks on. */
struct vblk_vhost_user_monitor_options {
    const char *listen;      /**< path of the Unix socket that front-ends connect to; made, and removed again */
    const char *connect;     /**< path of the socket that the back-end listens on */
    struct vblk_memory *mem; /**< receives the guest's regions; not owned. Its bytes are mapped read-only: never store */
    vblk_observe_fn observe; /**< receives the events; NULL: nobody */
    void *observe_ctx;       /**< handed to observe */
    unsigned look_ms;        /**< look at running rings after so long without a notification, milliseconds; 0: 10 */
    unsigned connect_ms;     /**< how long a front-end waits for a back-end that is not there, milliseconds; 0: 5000 */
};

/**
 * Listen. @p out receives the monitor when the answer is VBLK_OK, and @p why [why_size] a sentence otherwise.
 * @return VBLK_OK; VBLK_E_INVAL: a path is empty or too long; VBLK_E_IO: can't listen there; VBLK_E_NOMEM.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_monitor_open(const struct vblk_vhost_user_monitor_options *options,
                                                              struct vblk_vhost_user_monitor **out, char *why,
                                                              size_t why_size);
/** Wait up to @p ms milliseconds and pass on what comes. @return VBLK_OK, VBLK_E_TIMEOUT: nothing came; a signal ends the wait. */
VBLK_API VBLK_NODISCARD vblk_err vblk_vhost_user_monitor_step(struct vblk_vhost_user_monitor *monitor, unsigned ms);
/** End the connection, if there is one, as if the front-end had hung up; stop listening; free. NULL is allowed. */
VBLK_API void vblk_vhost_user_monitor_close(struct vblk_vhost_user_monitor *monitor);

/**
 * Let go of the guest's memory and follow nothing any more on this connection, while everything is passed on as before.
 * For a process that found out (by SIGBUS) that the memory was taken back; info's note is @p why.
 */
VBLK_API void vblk_vhost_user_monitor_look_away(struct vblk_vhost_user_monitor *monitor, const char *why);

/** What went through so far. */
struct vblk_vhost_user_monitor_info {
    uint64_t connections;   /**< of front-ends to the back-end */
    uint64_t messages;      /**< both ways, the back-end's own channel included */
    uint64_t kicks;         /**< notifications of the driver that were seen; several at once count as one */
    uint64_t calls;         /**< notifications of the device, likewise */
    uint64_t looks;         /**< without a notification */
    uint64_t not_followed;  /**< queues and messages that were passed on and not understood */
    bool connected;         /**< at this moment */
    const char *note;       /**< the last thing that went wrong or was not understood, in a sentence; "" */
};
/** What holds at this moment, copied to @p out. */
VBLK_API void vblk_vhost_user_monitor_info(const struct vblk_vhost_user_monitor *monitor,
                                           struct vblk_vhost_user_monitor_info *out);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_VHOST_USER_MONITOR_H */
