/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a vhost-user front-end port, shared by its files. */
#ifndef VBLK_VHOST_USER_FRONTEND_H
#define VBLK_VHOST_USER_FRONTEND_H

#include <sys/types.h>

#include <vblk/spec.h>
#include <vblk/vhost_user.h>

#include "vhost_user_msg.h"

/* A queue as the driver configured it, and the descriptors while the back-end runs it. */
struct vu_ring {
    uint64_t size; /* of 16 bits */
    uint64_t desc, driver, device;
    bool enabled;
    bool started;
    int kick, call, err;
};

/* A region that the back-end was given. */
struct vu_shared {
    struct vu_region wire;
    int fd;
    dev_t dev; /* with ino: tells a new file under an old number */
    ino_t ino;
};

struct vu_frontend {
    struct vblk_port port; /* first: the port is this object */
    char path[108];
    struct vblk_vhost_user_options options;
    char why[256];

    int sock;     /* -1: lost */
    int backend;  /* our end of the back-end's channel, or -1 */
    bool hung_up; /* how the connection was lost */
    uint32_t connections;
    uint64_t features; /* offered, with vhost's own bits */
    uint64_t protocol_offered;
    uint64_t protocol; /* negotiated */
    uint16_t queues;
    uint32_t slots; /* memory regions */
    uint32_t config_length;
    bool config_known;

    bool touched; /* something was set on this connection */
    bool features_sent;
    bool refused; /* the back-end did not take the features */
    bool broken;  /* a ring failed: DEVICE_NEEDS_RESET */
    uint64_t driver_features;
    uint8_t status;
    uint32_t generation;
    bool config_pending; /* a configuration change notification that the port's user has not heard of */
    struct vu_ring ring[VU_QUEUES_MAX];
    struct vu_shared shared[VBLK_MEMORY_REGIONS_MAX];
    size_t shared_count;
};

static inline bool vu_has(const struct vu_frontend *f, unsigned protocol_bit)
{
    return f->protocol & VBLK_BIT(protocol_bit);
}

/* vhost_user_session.c: one connection. All of these return VBLK_E_GONE or VBLK_E_TIMEOUT when it is lost. */

/* Close the connection and keep the reason. Returns err. */
vblk_err vu_lose(struct vu_frontend *f, vblk_err err, const char *fmt, ...) VBLK_PRINTF(3, 4);
/* Keep a reason without losing the connection. */
void vu_note(struct vu_frontend *f, const char *fmt, ...) VBLK_PRINTF(2, 3);
void vu_hang_up(struct vu_frontend *f);
/* Connect and negotiate, for at most ms milliseconds; with ms 0 there is one attempt. */
vblk_err vu_connect(struct vu_frontend *f, unsigned ms);
/* Send m and receive its reply into m. */
vblk_err vu_ask(struct vu_frontend *f, struct vu_msg *m);
vblk_err vu_ask_u64(struct vu_frontend *f, enum vu_request request, uint64_t *value);
/* Send m; where acknowledgements are in force a refusal is VBLK_E_IO, and the connection goes on. */
vblk_err vu_tell(struct vu_frontend *f, struct vu_msg *m, const int *fds, size_t count);
vblk_err vu_tell_u64(struct vu_frontend *f, enum vu_request request, uint64_t value);
/* Wait until all that was sent is done, and find out whether the back-end hung up on it. */
vblk_err vu_barrier(struct vu_frontend *f);
/* The same, unless acknowledgements already told. */
vblk_err vu_settle(struct vu_frontend *f);
/* Read configuration from offset 0: *got of the len bytes came. */
vblk_err vu_get_config(struct vu_frontend *f, uint32_t len, uint8_t *buf, uint32_t *got);
/* Take one message from the back-end's channel, if one is there. Notifications are kept for vu_wait(). */
void vu_serve_backend(struct vu_frontend *f);

/* vhost_user_regs.c */
vblk_err vu_read_reg(struct vu_frontend *f, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated);
vblk_err vu_write_reg(struct vu_frontend *f, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated);
void vu_clear_registers(struct vu_frontend *f);
/* To the port's user a device that does not answer, or can't be reached, is as gone as one that hung up. */
vblk_err vu_gone(vblk_err err);

/* vhost_user_mem.c. VBLK_E_STATE, VBLK_E_FULL: nothing to share, or too much of it; a refusal loses the connection. */
vblk_err vu_share_memory(struct vu_frontend *f);

/* vhost_user_ring.c */
vblk_err vu_ring_start(struct vu_frontend *f, uint16_t queue);
vblk_err vu_ring_stop(struct vu_frontend *f, uint16_t queue);
/* Close what belongs to a ring without a word to the back-end. */
void vu_ring_forget(struct vu_ring *ring);
vblk_err vu_ring_kick(struct vu_ring *ring);
/* Wait for a notification: VBLK_OK if one was reported, VBLK_E_TIMEOUT if not, or the connection is lost. */
vblk_err vu_wait(struct vu_frontend *f, unsigned ms);

#endif /* VBLK_VHOST_USER_FRONTEND_H */
