/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings as the back-end sees them: started, stopped, kicked, waited for. */
#define _GNU_SOURCE
#include "vhost_user_frontend.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_mem.h"

/* A fresh packed ring: next available and next used are 0, each with its wrap counter 1. */
#define PACKED_BASE 0x80008000u

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void vu_ring_forget(struct vu_ring *ring)
{
    close_fd(&ring->kick);
    close_fd(&ring->call);
    close_fd(&ring->err);
    ring->started = false;
}

/* Take what an eventfd counted. Returns whether there was anything. */
static bool drain(int fd)
{
    uint64_t count;

    return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

static vblk_err tell_state(struct vu_frontend *f, enum vu_request request, uint16_t queue, uint32_t num)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.state.index = queue;
    m.body.state.num = num;
    return vu_tell(f, &m, NULL, 0);
}

static vblk_err tell_addresses(struct vu_frontend *f, uint16_t queue)
{
    const struct vu_ring *ring = &f->ring[queue];
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_VRING_ADDR);
    m.body.addr.index = queue;
    m.body.addr.desc = vu_user_address(ring->desc);
    m.body.addr.avail = vu_user_address(ring->driver);
    m.body.addr.used = vu_user_address(ring->device);
    return vu_tell(f, &m, NULL, 0);
}

static vblk_err tell_fd(struct vu_frontend *f, enum vu_request request, uint16_t queue, int fd)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.u64 = queue;
    return vu_tell(f, &m, &fd, 1);
}

static vblk_err make_eventfds(struct vu_frontend *f, struct vu_ring *ring)
{
    ring->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->kick >= 0 && ring->call >= 0 && ring->err >= 0)
        return VBLK_OK;
    vu_note(f, "no eventfd: %s", strerror(errno));
    vu_ring_forget(ring);
    return VBLK_E_NOMEM;
}

/* Call before kick: some back-ends start at the kick descriptor and would find nobody to call. */
static vblk_err describe(struct vu_frontend *f, uint16_t queue)
{
    const struct vu_ring *ring = &f->ring[queue];
    bool packed = f->driver_features & VBLK_BIT(VBLK_F_RING_PACKED);
    vblk_err err = tell_state(f, VU_SET_VRING_NUM, queue, (uint32_t)ring->size);

    if (err == VBLK_OK)
        err = tell_state(f, VU_SET_VRING_BASE, queue, packed ? PACKED_BASE : 0);
    if (err == VBLK_OK)
        err = tell_addresses(f, queue);
    if (err == VBLK_OK)
        err = tell_fd(f, VU_SET_VRING_ERR, queue, ring->err);
    if (err == VBLK_OK)
        err = tell_fd(f, VU_SET_VRING_CALL, queue, ring->call);
    if (err == VBLK_OK)
        err = vu_settle(f);
    return err;
}

static vblk_err run(struct vu_frontend *f, uint16_t queue)
{
    vblk_err err;

    (void)drain(f->ring[queue].call); /* a test call on receipt of the descriptor: the ring does not run yet */
    err = tell_fd(f, VU_SET_VRING_KICK, queue, f->ring[queue].kick);
    if (err == VBLK_OK && (f->features & VBLK_BIT(VU_F_PROTOCOL_FEATURES)))
        err = tell_state(f, VU_SET_VRING_ENABLE, queue, 1);
    return err == VBLK_OK ? vu_settle(f) : err;
}

vblk_err vu_ring_start(struct vu_frontend *f, uint16_t queue)
{
    struct vu_ring *ring = &f->ring[queue];
    vblk_err err;

    if (ring->started)
        return VBLK_OK;
    err = make_eventfds(f, ring);
    if (err == VBLK_OK)
        err = describe(f, queue);
    if (err == VBLK_OK)
        err = run(f, queue);
    ring->started = err == VBLK_OK;
    if (err != VBLK_OK)
        vu_ring_forget(ring);
    return err;
}

vblk_err vu_ring_stop(struct vu_frontend *f, uint16_t queue)
{
    struct vu_ring *ring = &f->ring[queue];
    struct vu_msg m;
    vblk_err err = VBLK_OK;

    if (!ring->started)
        return VBLK_OK;
    if (f->features & VBLK_BIT(VU_F_PROTOCOL_FEATURES))
        err = tell_state(f, VU_SET_VRING_ENABLE, queue, 0);
    vu_msg_init(&m, VU_GET_VRING_BASE);
    m.body.state.index = queue;
    if (err == VBLK_OK || err == VBLK_E_IO)
        err = vu_ask(f, &m);
    vu_ring_forget(ring);
    return err;
}

vblk_err vu_ring_kick(struct vu_ring *ring)
{
    const uint64_t one = 1;

    if (!ring->started)
        return VBLK_OK;
    while (write(ring->kick, &one, sizeof(one)) < 0) {
        if (errno == EAGAIN) /* the counter is full: the back-end has not looked for long, but it is signalled */
            return VBLK_OK;
        if (errno != EINTR)
            return VBLK_E_IO;
    }
    return VBLK_OK;
}

/* An error on a ring is the nearest that this transport has to DEVICE_NEEDS_RESET with its notification. */
static void ring_failed(struct vu_frontend *f, uint16_t queue)
{
    vu_note(f, "the back-end signalled an error on queue %u", queue);
    f->broken = f->config_pending = true;
}

/* Nothing may come on the main socket now but its end. */
static vblk_err look_at_socket(struct vu_frontend *f)
{
    uint8_t byte;
    ssize_t got = recv(f->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got > 0)
        return vu_lose(f, VBLK_E_GONE, "the back-end sent a message that nobody asked for");
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return VBLK_E_EMPTY;
    return vu_lose(f, VBLK_E_GONE, "the back-end hung up");
}

/* fds: the socket, the back-end's channel, then call and err of each queue. */
static nfds_t gather(const struct vu_frontend *f, struct pollfd *fds)
{
    nfds_t n = 0;

    fds[n++] = (struct pollfd){ .fd = f->sock, .events = POLLIN };
    fds[n++] = (struct pollfd){ .fd = f->backend, .events = POLLIN };
    for (uint16_t i = 0; i < f->queues; i++) {
        fds[n++] = (struct pollfd){ .fd = f->ring[i].call, .events = POLLIN };
        fds[n++] = (struct pollfd){ .fd = f->ring[i].err, .events = POLLIN };
    }
    return n;
}

/* Report what came. VBLK_E_EMPTY: nothing that is to be reported. */
static vblk_err collect(struct vu_frontend *f, const struct pollfd *fds)
{
    bool any = false;

    for (uint16_t i = 0; i < f->queues; i++) {
        const struct pollfd *call = &fds[2 + 2 * i], *err = call + 1;

        if (call->revents && drain(call->fd)) {
            vblk_port_notified(&f->port, VBLK_EV_USED_NOTIFY, i);
            any = true;
        }
        if (err->revents && drain(err->fd))
            ring_failed(f, i);
    }
    if (fds[1].revents)
        vu_serve_backend(f);
    if (f->config_pending) {
        f->config_pending = false;
        vblk_port_notified(&f->port, VBLK_EV_CONFIG_NOTIFY, 0);
        any = true;
    }
    if (any)
        return VBLK_OK; /* a hang-up is still there next time */
    return fds[0].revents ? look_at_socket(f) : VBLK_E_EMPTY;
}

vblk_err vu_wait(struct vu_frontend *f, unsigned ms)
{
    struct pollfd fds[2 + 2 * VU_QUEUES_MAX];
    int64_t deadline = vu_now() + (f->config_pending ? 0 : ms);
    vblk_err err;

    do {
        if (f->sock < 0)
            return VBLK_E_GONE;
        if (vu_poll(fds, gather(f, fds), deadline) < 0)
            return VBLK_E_IO;
        err = collect(f, fds);
    } while (err == VBLK_E_EMPTY && vu_now() < deadline);
    return err == VBLK_E_EMPTY ? VBLK_E_TIMEOUT : err;
}
