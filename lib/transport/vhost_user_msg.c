/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "vhost_user_msg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(((struct vu_msg *)0)->head) == VU_HEADER_SIZE, "header is 12 bytes");
_Static_assert(sizeof(struct vu_vring_addr) == 40, "vring address description");
_Static_assert(sizeof(struct vu_mem_table) == 264, "memory regions description");
_Static_assert(sizeof(struct vu_mem_reg) == 40, "single memory region description");
_Static_assert(offsetof(struct vu_config, bytes) == VU_CONFIG_HEAD, "device configuration description");
_Static_assert(sizeof(struct vu_inflight) == 24, "inflight description");

#define U64 sizeof(uint64_t)
#define STATE sizeof(struct vu_state)
#define INFLIGHT sizeof(struct vu_inflight)

/* clang-format off */
static const struct vu_request_row rows[VU_REQUEST_COUNT] = {
    /* request                     name                    payload                       reply  */
    [VU_GET_FEATURES]          = { "GET_FEATURES",          0,                            U64, U64 },
    [VU_SET_FEATURES]          = { "SET_FEATURES",          U64,                          0, 0 },
    [VU_SET_OWNER]             = { "SET_OWNER",             0,                            0, 0 },
    [VU_RESET_OWNER]           = { "RESET_OWNER",           0,                            0, 0 },
    [VU_SET_MEM_TABLE]         = { "SET_MEM_TABLE",         sizeof(struct vu_mem_table),  0, 0 },
    [VU_SET_VRING_NUM]         = { "SET_VRING_NUM",         STATE,                        0, 0 },
    [VU_SET_VRING_ADDR]        = { "SET_VRING_ADDR",        sizeof(struct vu_vring_addr), 0, 0 },
    [VU_SET_VRING_BASE]        = { "SET_VRING_BASE",        STATE,                        0, 0 },
    [VU_GET_VRING_BASE]        = { "GET_VRING_BASE",        STATE,                        STATE, STATE },
    [VU_SET_VRING_KICK]        = { "SET_VRING_KICK",        U64,                          0, 0 },
    [VU_SET_VRING_CALL]        = { "SET_VRING_CALL",        U64,                          0, 0 },
    [VU_SET_VRING_ERR]         = { "SET_VRING_ERR",         U64,                          0, 0 },
    [VU_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", 0,                            U64, U64 },
    [VU_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", U64,                          0, 0 },
    [VU_GET_QUEUE_NUM]         = { "GET_QUEUE_NUM",         0,                            U64, U64 },
    [VU_SET_VRING_ENABLE]      = { "SET_VRING_ENABLE",      STATE,                        0, 0 },
    [VU_SET_BACKEND_REQ_FD]    = { "SET_BACKEND_REQ_FD",    0,                            0, 0 },
    [VU_GET_CONFIG]            = { "GET_CONFIG",            sizeof(struct vu_config),     0, sizeof(struct vu_config) },
    [VU_SET_CONFIG]            = { "SET_CONFIG",            sizeof(struct vu_config),     0, 0 },
    [VU_GET_INFLIGHT_FD]       = { "GET_INFLIGHT_FD",       INFLIGHT,                     INFLIGHT, INFLIGHT },
    [VU_SET_INFLIGHT_FD]       = { "SET_INFLIGHT_FD",       INFLIGHT,                     0, 0 },
    [VU_RESET_DEVICE]          = { "RESET_DEVICE",          0,                            0, 0 },
    [VU_VRING_KICK]            = { "VRING_KICK",            STATE,                        0, 0 },
    [VU_GET_MAX_MEM_SLOTS]     = { "GET_MAX_MEM_SLOTS",     0,                            U64, U64 },
    [VU_ADD_MEM_REG]           = { "ADD_MEM_REG",           sizeof(struct vu_mem_reg),    0, 0 },
    [VU_REM_MEM_REG]           = { "REM_MEM_REG",           sizeof(struct vu_mem_reg),    0, 0 },
    [VU_SET_STATUS]            = { "SET_STATUS",            U64,                          0, 0 },
    [VU_GET_STATUS]            = { "GET_STATUS",            0,                            U64, U64 },
};
/* clang-format on */

const struct vu_request_row *vu_request_row(uint32_t request)
{
    static const struct vu_request_row unknown = { "?", 0, 0, 0 };

    return request < VU_REQUEST_COUNT && rows[request].name ? &rows[request] : &unknown;
}

void vu_msg_init(struct vu_msg *m, enum vu_request request)
{
    memset(m, 0, sizeof(*m));
    m->head.request = (uint32_t)request;
    m->head.flags = VU_VERSION;
    m->head.size = rows[request].size;
}

int64_t vu_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int vu_poll(struct pollfd *fds, nfds_t count, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - vu_now();
        int ready = poll(fds, count, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

        if (ready >= 0 || (errno != EINTR && errno != EAGAIN))
            return ready;
    }
}

/* Whether the socket can go on; otherwise why not. */
static vblk_err until_ready(int sock, short events, int64_t deadline)
{
    struct pollfd one = { .fd = sock, .events = events };
    int ready = vu_poll(&one, 1, deadline);

    return ready > 0 ? VBLK_OK : ready == 0 ? VBLK_E_TIMEOUT : VBLK_E_GONE;
}

static bool try_again(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

/* Descriptors travel with the first byte, once. */
static void attach(struct msghdr *msg, void *control, const int *fds, size_t count)
{
    struct cmsghdr *c;

    msg->msg_control = control;
    msg->msg_controllen = CMSG_SPACE(count * sizeof(int));
    c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
}

vblk_err vu_send(int sock, const struct vu_msg *m, const int *fds, size_t count, int64_t deadline)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(VU_FDS_MAX * sizeof(int))] = { 0 };
    uint8_t wire[VU_HEADER_SIZE + sizeof(m->body)];
    size_t total = VU_HEADER_SIZE + m->head.size, done = 0;

    if (m->head.size > sizeof(m->body) || count > VU_FDS_MAX)
        return VBLK_E_INVAL;
    memcpy(wire, &m->head, VU_HEADER_SIZE);
    memcpy(wire + VU_HEADER_SIZE, &m->body, m->head.size);
    while (done < total) {
        struct iovec iov = { .iov_base = wire + done, .iov_len = total - done };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t sent;

        if (done == 0 && count > 0)
            attach(&msg, control, fds, count);
        sent = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            done += (size_t)sent;
            continue;
        }
        if (sent == 0 || !try_again())
            return VBLK_E_GONE;
        vblk_err err = until_ready(sock, POLLOUT, deadline);
        if (err != VBLK_OK)
            return err;
    }
    return VBLK_OK;
}

void vu_close_fds(struct vu_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        if (fds->fd[i] >= 0)
            close(fds->fd[i]);
    fds->count = 0;
}

/* What came with some bytes of the message. VBLK_E_IO: more than one message can carry, or the kernel had no room. */
static vblk_err keep_fds(struct vu_fds *fds, struct msghdr *msg)
{
    bool fits = !(msg->msg_flags & MSG_CTRUNC);

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        size_t n = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(0)
                       ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int)
                       : 0;

        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            fits = fits && fds->count < VU_FDS_MAX;
            if (fits)
                fds->fd[fds->count++] = fd;
            else
                close(fd);
        }
    }
    return fits ? VBLK_OK : VBLK_E_IO;
}

/* With @fds NULL there is no control buffer: the kernel drops any descriptors that come along. */
static ssize_t recv_some(int sock, void *buf, size_t len, struct vu_fds *fds, vblk_err *err)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
    struct iovec iov = { .iov_base = buf, .iov_len = len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t got;

    if (fds != NULL) {
        msg.msg_control = control;
        msg.msg_controllen = sizeof(control);
    }
    got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *err = got >= 0 && fds != NULL ? keep_fds(fds, &msg) : VBLK_OK;
    return got;
}

static vblk_err recv_all(int sock, void *buf, size_t len, struct vu_fds *fds, int64_t deadline)
{
    uint8_t *at = buf;
    vblk_err err;

    while (len > 0) {
        ssize_t got = recv_some(sock, at, len, fds, &err);

        if (err != VBLK_OK)
            return err;
        if (got > 0) {
            at += got;
            len -= (size_t)got;
            continue;
        }
        if (got == 0 || !try_again())
            return VBLK_E_GONE;
        err = until_ready(sock, POLLIN, deadline);
        if (err != VBLK_OK)
            return err;
    }
    return VBLK_OK;
}

static vblk_err recv_message(int sock, struct vu_msg *m, struct vu_fds *fds, int64_t deadline)
{
    vblk_err err;

    memset(m, 0, sizeof(*m));
    err = recv_all(sock, &m->head, VU_HEADER_SIZE, fds, deadline);
    if (err != VBLK_OK)
        return err;
    if ((m->head.flags & VU_VERSION_MASK) != VU_VERSION || m->head.size > sizeof(m->body))
        return VBLK_E_IO;
    return recv_all(sock, &m->body, m->head.size, fds, deadline);
}

vblk_err vu_recv(int sock, struct vu_msg *m, int64_t deadline)
{
    return recv_message(sock, m, NULL, deadline);
}

vblk_err vu_recv_fds(int sock, struct vu_msg *m, struct vu_fds *fds, int64_t deadline)
{
    vblk_err err;

    fds->count = 0;
    err = recv_message(sock, m, fds, deadline);
    if (err != VBLK_OK)
        vu_close_fds(fds);
    return err;
}
