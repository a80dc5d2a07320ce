/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-end's life: front-ends come and go, messages and kicks are taken in turn. */
#define _GNU_SOURCE
#include "vhost_user_back.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 5000u

static enum back_answer say(struct vblk_vhost_user_backend *b, enum back_answer answer, const char *fmt, va_list args)
{
    (void)vsnprintf(b->why, sizeof(b->why), fmt, args);
    return answer;
}

enum back_answer back_breach(struct vblk_vhost_user_backend *b, const char *fmt, ...)
{
    enum back_answer answer;
    va_list args;

    va_start(args, fmt);
    answer = say(b, BACK_BREACH, fmt, args);
    va_end(args);
    return answer;
}

enum back_answer back_refuse(struct vblk_vhost_user_backend *b, const char *fmt, ...)
{
    enum back_answer answer;
    va_list args;

    va_start(args, fmt);
    answer = say(b, BACK_REFUSED, fmt, args);
    va_end(args);
    return answer;
}

void back_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void back_emit(struct vblk_vhost_user_backend *b, const struct vblk_event *ev)
{
    if (b->options.observe)
        b->options.observe(b->options.observe_ctx, ev);
}

static int64_t deadline_of(const struct vblk_vhost_user_backend *b)
{
    return vu_now() + b->options.timeout_ms;
}

bool back_tell(struct vblk_vhost_user_backend *b, uint32_t request, const void *payload, uint32_t size)
{
    struct vu_msg m;

    if (b->channel < 0)
        return false;
    memset(&m, 0, sizeof(m));
    m.head.request = request;
    m.head.flags = VU_VERSION;
    m.head.size = size;
    if (size > 0)
        memcpy(m.body.bytes, payload, size);
    if (vu_send(b->channel, &m, NULL, 0, deadline_of(b)) == VBLK_OK)
        return true;
    back_close(&b->channel); /* a front-end that does not listen; the device itself goes on */
    return false;
}

/* ---- listening ---- */

static vblk_err no_listener(vblk_err err, int fd, char *why, size_t why_size, const char *path, const char *reason)
{
    if (why && why_size > 0)
        (void)snprintf(why, why_size, "cannot listen on '%s': %s", path, reason);
    if (fd >= 0)
        close(fd);
    return err;
}

/* A socket file that its listener left behind: nobody answers a call. */
static bool stale(const struct sockaddr_un *at)
{
    struct stat st;
    bool dead;
    int fd;

    if (lstat(at->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    dead = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return dead;
}

vblk_err vblk_vhost_user_listen(const char *path, int *fd, char *why, size_t why_size)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int bound;

    *fd = -1;
    if (path[0] == '\0' || strlen(path) >= sizeof(at.sun_path))
        return no_listener(VBLK_E_INVAL, -1, why, why_size, path, "the path of a socket has 1 to 107 bytes");
    memcpy(at.sun_path, path, strlen(path) + 1);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bound = *fd < 0 ? -1 : bind(*fd, (struct sockaddr *)&at, sizeof(at));
    if (bound < 0 && *fd >= 0 && errno == EADDRINUSE) {
        if (stale(&at) && unlink(path) == 0)
            bound = bind(*fd, (struct sockaddr *)&at, sizeof(at));
        else
            errno = EADDRINUSE;
    }
    if (bound < 0 || listen(*fd, 16) < 0) {
        vblk_err err = no_listener(VBLK_E_IO, *fd, why, why_size, path, strerror(errno));
        *fd = -1;
        return err;
    }
    return VBLK_OK;
}

/* ---- a back-end ---- */

struct vblk_vhost_user_backend *vblk_vhost_user_backend_new(struct vblk_device *device, struct vblk_memory *mem,
                                                            const struct vblk_vhost_user_backend_options *options)
{
    struct vblk_vhost_user_backend *b = calloc(1, sizeof(*b));
    uint64_t queues;

    if (!b)
        return NULL;
    if (options)
        b->options = *options;
    if (b->options.timeout_ms == 0)
        b->options.timeout_ms = TIMEOUT_MS;
    b->device = device;
    b->mem = mem;
    b->sock = b->channel = b->inflight.fd = -1;
    queues = vblk_device_read_reg(device, VBLK_REG_NUM_QUEUES, 0);
    b->queues = (uint16_t)(queues < VU_QUEUES_MAX ? queues : VU_QUEUES_MAX);
    b->ring = calloc(b->queues + 1u, sizeof(*b->ring));
    b->polled = calloc(b->queues + 2u, sizeof(*b->polled));
    if (!b->ring || !b->polled) {
        vblk_vhost_user_backend_free(b);
        return NULL;
    }
    for (uint16_t i = 0; i < b->queues; i++)
        b->ring[i] = (struct back_ring){ .kick = -1, .call = -1, .err = -1 };
    back_forget_life(b);
    vblk_device_on_notify(device, back_notified, b);
    return b;
}

void vblk_vhost_user_backend_free(struct vblk_vhost_user_backend *b)
{
    if (!b)
        return;
    if (b->ring && b->polled) {
        vblk_vhost_user_backend_detach(b);
        vblk_device_on_notify(b->device, NULL, NULL);
    }
    free(b->polled);
    free(b->ring);
    free(b);
}

vblk_err vblk_vhost_user_backend_attach(struct vblk_vhost_user_backend *b, int sock)
{
    if (b->sock >= 0)
        return VBLK_E_STATE;
    vblk_vhost_user_backend_detach(b);
    b->sock = sock;
    vblk_memory_set_tap(b->mem, b->options.observe, b->options.observe_ctx);
    return VBLK_OK;
}

void vblk_vhost_user_backend_detach(struct vblk_vhost_user_backend *b)
{
    vblk_memory_set_tap(b->mem, NULL, NULL);
    back_close(&b->sock);
    back_close(&b->channel);
    back_close_rings(b);
    vblk_device_restore(b->device);
    back_forget_memory(b);
    back_forget_life(b);
    b->messages = b->kicks = b->requests = b->lives = 0;
    b->protocol = 0;
    b->broke = false;
    b->why[0] = '\0';
}

static vblk_err lose(struct vblk_vhost_user_backend *b, bool broke)
{
    b->broke = broke;
    back_close(&b->sock);
    return VBLK_E_GONE;
}

/* What its protocol feature or a broken message comes to. */
static vblk_err not_received(struct vblk_vhost_user_backend *b, const struct vu_msg *m, vblk_err err)
{
    if (err == VBLK_E_IO) {
        (void)back_breach(b, "garbage instead of a message: request %u, flags 0x%x, %u bytes, or too many descriptors",
                          m->head.request, m->head.flags, m->head.size);
        return lose(b, true);
    }
    if (err == VBLK_E_TIMEOUT) {
        (void)back_breach(b, "the rest of a message did not come within %u ms", b->options.timeout_ms);
        return lose(b, true);
    }
    (void)back_breach(b, "the front-end hung up");
    return lose(b, false);
}

/* Some hang up without a word once they are done: what can't be answered any more is no complaint. */
static vblk_err reply(struct vblk_vhost_user_backend *b, struct vu_msg *m, const struct vu_fds *fds)
{
    vblk_err err;

    m->head.flags = VU_VERSION | VU_REPLY;
    err = vu_send(b->sock, m, fds->fd, fds->count, deadline_of(b));
    if (err == VBLK_OK)
        return VBLK_OK;
    if (err == VBLK_E_TIMEOUT)
        (void)back_breach(b, "the front-end does not take the answer to %s", vu_request_row(m->head.request)->name);
    else
        (void)back_breach(b, "the front-end hung up");
    return lose(b, err == VBLK_E_TIMEOUT);
}

static vblk_err acknowledge(struct vblk_vhost_user_backend *b, struct vu_msg *m, uint64_t value)
{
    const struct vu_fds none = { .count = 0 };

    m->head.size = sizeof(uint64_t);
    m->body.u64 = value;
    return reply(b, m, &none);
}

static vblk_err take_message(struct vblk_vhost_user_backend *b)
{
    struct vu_msg m;
    struct vu_fds fds;
    vblk_err err = vu_recv_fds(b->sock, &m, &fds, deadline_of(b));
    enum back_answer answer;
    bool asked;

    if (err != VBLK_OK)
        return not_received(b, &m, err);
    b->messages++;
    answer = back_handle(b, &m, &fds);
    /* The message that turns acknowledgements on may ask for one itself. */
    asked = (m.head.flags & VU_NEED_REPLY) && back_has(b, VU_PROTOCOL_REPLY_ACK);
    if (answer == BACK_REPLY)
        err = reply(b, &m, &fds);
    vu_close_fds(&fds);
    if (answer == BACK_REPLY)
        return err;
    if (answer == BACK_DONE)
        answer = back_start_rings(b);
    if (answer == BACK_BREACH || (answer == BACK_REFUSED && !asked))
        return lose(b, true);
    return asked ? acknowledge(b, &m, answer == BACK_REFUSED) : VBLK_OK;
}

/* Acknowledgements of what we told; we ask for none, and only the end of the channel matters. */
static void drain_channel(struct vblk_vhost_user_backend *b)
{
    uint8_t rest[256];
    ssize_t got = recv(b->channel, rest, sizeof(rest), MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        back_close(&b->channel);
}

vblk_err vblk_vhost_user_backend_run(struct vblk_vhost_user_backend *b, unsigned ms)
{
    struct pollfd *fds = b->polled;
    int ready;

    if (b->sock < 0)
        return VBLK_E_GONE;
    fds[0] = (struct pollfd){ .fd = b->sock, .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = b->channel, .events = POLLIN };
    for (uint16_t i = 0; i < b->queues; i++)
        fds[2 + i] = (struct pollfd){ .fd = back_ring_on(b, &b->ring[i]) ? b->ring[i].kick : -1, .events = POLLIN };
    ready = poll(fds, (nfds_t)b->queues + 2, back_patience(b, ms < INT_MAX ? (int)ms : INT_MAX));
    if (ready < 0 && errno != EINTR) {
        (void)back_breach(b, "cannot wait for the front-end: %s", strerror(errno));
        return lose(b, false);
    }
    if (ready < 0)
        return VBLK_E_TIMEOUT;
    back_serve(b, fds + 2);
    if (fds[1].revents)
        drain_channel(b);
    if (fds[0].revents)
        return take_message(b);
    return ready > 0 ? VBLK_OK : VBLK_E_TIMEOUT;
}

const char *vblk_vhost_user_backend_why(const struct vblk_vhost_user_backend *b)
{
    return b->why;
}

void vblk_vhost_user_backend_info(const struct vblk_vhost_user_backend *b, struct vblk_vhost_user_backend_info *out)
{
    *out = (struct vblk_vhost_user_backend_info){
        .offered = back_offered(b),
        .accepted = b->features & ~BACK_VHOST,
        .protocol_offered = back_protocol_offered(b),
        .protocol_features = b->protocol,
        .messages = b->messages,
        .kicks = b->kicks,
        .requests = b->requests,
        .lives = b->lives,
        .queues = b->queues,
        .running = b->running,
        .regions = b->regions,
        .broke_protocol = b->broke,
    };
}
