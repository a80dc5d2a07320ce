/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One direction of a socket. Bytes are read up to the end of one message, so that descriptors stay with the message
 * that they came with; then it is shown, and sent. Nothing here ever waits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_mon.h"

void mon_pipe_open(struct mon_pipe *p, int in, int out)
{
    p->in = in;
    p->out = out;
    p->raw = p->ready = p->shown = false;
    p->have = p->sent = p->fd_count = 0;
}

static void close_fds(struct mon_pipe *p)
{
    for (size_t i = 0; i < p->fd_count; i++)
        close(p->fds[i]);
    p->fd_count = 0;
}

void mon_pipe_close(struct mon_pipe *p)
{
    close_fds(p);
    p->in = p->out = -1;
}

/* Returns false if descriptors were lost: the message can't be passed on as it is. */
static bool keep_fds(struct mon_pipe *p, struct msghdr *msg)
{
    bool fits = (msg->msg_flags & MSG_CTRUNC) == 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (p->fd_count < MON_FDS) {
                p->fds[p->fd_count++] = fd;
            } else {
                close(fd);
                fits = false;
            }
        }
    }
    return fits;
}

static uint32_t payload_size(const struct mon_pipe *p)
{
    uint32_t size;

    memcpy(&size, p->buf + 8, sizeof(size));
    return size;
}

/* How many bytes the message has, as far as is known. */
static size_t wanted(const struct mon_pipe *p)
{
    if (p->raw)
        return sizeof(p->buf);
    return p->have < VU_HEADER_SIZE ? VU_HEADER_SIZE : VU_HEADER_SIZE + payload_size(p);
}

static bool sensible(const struct mon_pipe *p)
{
    uint32_t flags;

    memcpy(&flags, p->buf + 4, sizeof(flags));
    return (flags & VU_VERSION_MASK) == VU_VERSION && payload_size(p) <= MON_PAYLOAD;
}

/* MON_IDLE with p->ready if a message is whole. */
static enum mon_flow take_some(struct mon_pipe *p)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(MON_FDS * sizeof(int))];
    struct iovec iov = { .iov_base = p->buf + p->have, .iov_len = wanted(p) - p->have };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    ssize_t got = recvmsg(p->in, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? MON_IDLE : MON_CLOSED;
    if (!keep_fds(p, &msg) || (got == 0 && p->have == 0))
        return MON_CLOSED;
    p->have += (size_t)got;
    if (!p->raw && p->have >= VU_HEADER_SIZE && !sensible(p))
        p->raw = true;
    p->ready = p->raw || got == 0 || (p->have >= VU_HEADER_SIZE && p->have == wanted(p));
    return MON_IDLE;
}

static void attach(struct msghdr *msg, uint8_t *control, const struct mon_pipe *p)
{
    struct cmsghdr *c;

    msg->msg_control = control;
    msg->msg_controllen = CMSG_SPACE(p->fd_count * sizeof(int));
    c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(p->fd_count * sizeof(int));
    memcpy(CMSG_DATA(c), p->fds, p->fd_count * sizeof(int));
}

static enum mon_flow give(struct mon_pipe *p)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(MON_FDS * sizeof(int))] = { 0 };

    while (p->sent < p->have) {
        struct iovec iov = { .iov_base = p->buf + p->sent, .iov_len = p->have - p->sent };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t done;

        if (p->fd_count > 0)
            attach(&msg, control, p);
        done = sendmsg(p->out, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? MON_FULL : MON_BROKEN;
        close_fds(p);
        p->sent += (size_t)done;
    }
    p->have = p->sent = 0;
    p->ready = p->shown = false;
    return MON_IDLE;
}

static void show(struct mon_pipe *p, mon_message_fn seen, void *ctx)
{
    struct vu_msg m;

    memset(&m, 0, sizeof(m));
    memcpy(&m.head, p->buf, VU_HEADER_SIZE);
    memcpy(&m.body, p->buf + VU_HEADER_SIZE,
           m.head.size < sizeof(m.body) ? m.head.size : sizeof(m.body));
    seen(ctx, p, &m);
}

enum mon_flow mon_pump(struct mon_pipe *p, mon_message_fn seen, void *ctx)
{
    for (;;) {
        const size_t before = p->have;
        enum mon_flow flow = p->ready ? MON_IDLE : take_some(p);

        if (flow != MON_IDLE || (!p->ready && p->have == before))
            return flow;
        if (!p->ready)
            continue;
        if (!p->shown && p->have >= VU_HEADER_SIZE && !p->raw && p->have == wanted(p))
            show(p, seen, ctx);
        p->shown = true;
        flow = give(p);
        if (flow != MON_IDLE)
            return flow;
    }
}
