/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection to a back-end: dialling, negotiation, requests and their replies, the back-end's own channel. */
#define _GNU_SOURCE
#include "vhost_user_frontend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(((struct vu_frontend *)0)->path) <= sizeof(((struct sockaddr_un *)0)->sun_path), "path fits");

#define RETRY_MS 5

static const uint64_t wanted = VBLK_BIT(VU_PROTOCOL_MQ) | VBLK_BIT(VU_PROTOCOL_REPLY_ACK) |
                               VBLK_BIT(VU_PROTOCOL_BACKEND_REQ) | VBLK_BIT(VU_PROTOCOL_CONFIG) |
                               VBLK_BIT(VU_PROTOCOL_RESET_DEVICE) | VBLK_BIT(VU_PROTOCOL_MEM_SLOTS) |
                               VBLK_BIT(VU_PROTOCOL_STATUS);

void vu_note(struct vu_frontend *f, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(f->why, sizeof(f->why), fmt, args);
    va_end(args);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void vu_hang_up(struct vu_frontend *f)
{
    close_fd(&f->sock);
    close_fd(&f->backend);
    for (size_t i = 0; i < VU_QUEUES_MAX; i++)
        vu_ring_forget(&f->ring[i]);
    f->shared_count = 0;
    f->features_sent = false;
    f->touched = false;
    f->hung_up = false;
}

vblk_err vu_lose(struct vu_frontend *f, vblk_err err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(f->why, sizeof(f->why), fmt, args);
    va_end(args);
    vu_hang_up(f);
    return err;
}

/* Turn what vu_send() and vu_recv() say into a lost connection with a reason. */
static vblk_err failed(struct vu_frontend *f, const struct vu_msg *m, vblk_err err, const char *request)
{
    if (err == VBLK_E_TIMEOUT)
        return vu_lose(f, err, "no answer to %s within %u ms", request, f->options.timeout_ms);
    if (err == VBLK_E_IO)
        return vu_lose(f, VBLK_E_GONE, "garbage in answer to %s: request %u, flags 0x%x, %u bytes", request,
                       m->head.request, m->head.flags, m->head.size);
    err = vu_lose(f, VBLK_E_GONE, "the back-end hung up on %s", request);
    f->hung_up = true;
    return err;
}

static int64_t deadline_of(const struct vu_frontend *f)
{
    return vu_now() + f->options.timeout_ms;
}

static void answer_backend(struct vu_frontend *f, const struct vu_msg *m, uint64_t value)
{
    struct vu_msg reply = { .head = { m->head.request, VU_VERSION | VU_REPLY, sizeof(uint64_t) } };

    reply.body.u64 = value;
    if (vu_send(f->backend, &reply, NULL, 0, deadline_of(f)) != VBLK_OK)
        close_fd(&f->backend);
}

void vu_serve_backend(struct vu_frontend *f)
{
    struct pollfd one = { .fd = f->backend, .events = POLLIN };
    struct vu_msg m;
    bool known;

    if (f->backend < 0 || vu_poll(&one, 1, 0) <= 0)
        return;
    if (vu_recv(f->backend, &m, deadline_of(f)) != VBLK_OK) {
        close_fd(&f->backend); /* the device itself may well live on */
        vu_note(f, "the back-end closed its channel or sent garbage on it");
        return;
    }
    known = m.head.request == VU_BACKEND_CONFIG_CHANGE;
    f->generation += known;
    f->config_pending |= known;
    if (m.head.flags & VU_NEED_REPLY)
        answer_backend(f, &m, !known);
}

/* While a reply is due the back-end may itself be waiting for one of ours. */
static vblk_err await_reply(struct vu_frontend *f, int64_t deadline)
{
    for (;;) {
        struct pollfd fds[] = { { .fd = f->sock, .events = POLLIN }, { .fd = f->backend, .events = POLLIN } };
        int ready = vu_poll(fds, 2, deadline);

        if (ready < 0)
            return VBLK_E_GONE;
        if (fds[0].revents)
            return VBLK_OK;
        if (ready == 0 || vu_now() >= deadline)
            return VBLK_E_TIMEOUT;
        vu_serve_backend(f);
    }
}

static vblk_err exchange(struct vu_frontend *f, struct vu_msg *m, const int *fds, size_t count, bool reply)
{
    const char *name = vu_request_row(m->head.request)->name;
    uint32_t request = m->head.request;
    int64_t deadline = deadline_of(f);
    vblk_err err;

    if (f->sock < 0)
        return VBLK_E_GONE;
    err = vu_send(f->sock, m, fds, count, deadline);
    if (err == VBLK_OK && reply)
        err = await_reply(f, deadline);
    if (err == VBLK_OK && reply)
        err = vu_recv(f->sock, m, deadline);
    if (err == VBLK_OK && reply && (m->head.request != request || !(m->head.flags & VU_REPLY)))
        err = VBLK_E_IO;
    return err == VBLK_OK ? err : failed(f, m, err, name);
}

vblk_err vu_ask(struct vu_frontend *f, struct vu_msg *m)
{
    const struct vu_request_row *row = vu_request_row(m->head.request);
    vblk_err err = exchange(f, m, NULL, 0, true);

    if (err == VBLK_OK && (m->head.size < row->reply_min || m->head.size > row->reply_max))
        return failed(f, m, VBLK_E_IO, row->name);
    return err;
}

vblk_err vu_ask_u64(struct vu_frontend *f, enum vu_request request, uint64_t *value)
{
    struct vu_msg m;
    vblk_err err;

    vu_msg_init(&m, request);
    err = vu_ask(f, &m);
    *value = err == VBLK_OK ? m.body.u64 : 0;
    return err;
}

/* Some back-ends acknowledge only after SET_FEATURES has accepted VHOST_USER_F_PROTOCOL_FEATURES. */
static bool acknowledged(const struct vu_frontend *f)
{
    return vu_has(f, VU_PROTOCOL_REPLY_ACK) && f->features_sent;
}

vblk_err vu_tell(struct vu_frontend *f, struct vu_msg *m, const int *fds, size_t count)
{
    const struct vu_request_row *row = vu_request_row(m->head.request);
    bool ack = acknowledged(f);
    vblk_err err;

    if (ack)
        m->head.flags |= VU_NEED_REPLY;
    err = exchange(f, m, fds, count, ack);
    if (err != VBLK_OK || !ack)
        return err;
    if (m->head.size != sizeof(uint64_t))
        return failed(f, m, VBLK_E_IO, row->name);
    if (m->body.u64 == 0)
        return VBLK_OK;
    vu_note(f, "the back-end refused %s with %llu", row->name, (unsigned long long)m->body.u64);
    return VBLK_E_IO;
}

vblk_err vu_tell_u64(struct vu_frontend *f, enum vu_request request, uint64_t value)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.u64 = value;
    return vu_tell(f, &m, NULL, 0);
}

vblk_err vu_barrier(struct vu_frontend *f)
{
    uint64_t ignored;

    return vu_ask_u64(f, VU_GET_FEATURES, &ignored);
}

vblk_err vu_settle(struct vu_frontend *f)
{
    return acknowledged(f) ? VBLK_OK : vu_barrier(f);
}

vblk_err vu_get_config(struct vu_frontend *f, uint32_t len, uint8_t *buf, uint32_t *got)
{
    struct vu_msg m;
    vblk_err err;

    *got = 0;
    vu_msg_init(&m, VU_GET_CONFIG);
    m.body.config.size = len;
    m.head.size = VU_CONFIG_HEAD + len;
    err = vu_ask(f, &m);
    if (err != VBLK_OK || m.head.size <= VU_CONFIG_HEAD)
        return err; /* without bytes: an error at the back-end */
    if (m.head.size > VU_CONFIG_HEAD + len)
        return failed(f, &m, VBLK_E_IO, "GET_CONFIG");
    *got = m.head.size - VU_CONFIG_HEAD;
    if (m.body.config.size < *got)
        *got = m.body.config.size;
    memcpy(buf, m.body.config.bytes, *got);
    return VBLK_OK;
}

/* One attempt. VBLK_E_IO: nobody answers there. */
static vblk_err dial(struct vu_frontend *f)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    memcpy(to.sun_path, f->path, strlen(f->path) + 1);
    f->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (f->sock >= 0 && connect(f->sock, (struct sockaddr *)&to, sizeof(to)) == 0) {
        f->connections++;
        return VBLK_OK;
    }
    return vu_lose(f, VBLK_E_IO, "can't connect to %s: %s", f->path, strerror(errno));
}

static vblk_err open_backend_channel(struct vu_frontend *f)
{
    struct vu_msg m;
    int pair[2];
    vblk_err err;

    if (!vu_has(f, VU_PROTOCOL_BACKEND_REQ))
        return VBLK_OK;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) /* blocking, as back-ends expect theirs */
        return vu_lose(f, VBLK_E_IO, "no socket pair: %s", strerror(errno));
    f->backend = pair[0];
    vu_msg_init(&m, VU_SET_BACKEND_REQ_FD);
    err = vu_tell(f, &m, &pair[1], 1);
    close(pair[1]);
    return err;
}

static vblk_err negotiate_protocol(struct vu_frontend *f)
{
    vblk_err err;

    f->protocol = f->protocol_offered = 0;
    if (!(f->features & VBLK_BIT(VU_F_PROTOCOL_FEATURES)))
        return VBLK_OK;
    err = vu_ask_u64(f, VU_GET_PROTOCOL_FEATURES, &f->protocol_offered);
    if (err != VBLK_OK)
        return err;
    f->protocol = f->protocol_offered & wanted & ~f->options.protocol_features_off;
    return vu_tell_u64(f, VU_SET_PROTOCOL_FEATURES, f->protocol);
}

/* The back-end's limits, within those of the messages. */
static vblk_err learn_limits(struct vu_frontend *f)
{
    uint64_t queues = 1, slots = VU_FDS_MAX;
    vblk_err err = VBLK_OK;

    if (vu_has(f, VU_PROTOCOL_MQ))
        err = vu_ask_u64(f, VU_GET_QUEUE_NUM, &queues);
    if (err == VBLK_OK && vu_has(f, VU_PROTOCOL_MEM_SLOTS))
        err = vu_ask_u64(f, VU_GET_MAX_MEM_SLOTS, &slots);
    f->queues = (uint16_t)(queues > VU_QUEUES_MAX ? VU_QUEUES_MAX : queues);
    f->slots = (uint32_t)(slots > VBLK_MEMORY_REGIONS_MAX ? VBLK_MEMORY_REGIONS_MAX : slots);
    return err;
}

static vblk_err negotiate(struct vu_frontend *f)
{
    struct vu_msg owner;
    vblk_err err = vu_ask_u64(f, VU_GET_FEATURES, &f->features);

    if (err == VBLK_OK)
        err = negotiate_protocol(f);
    vu_msg_init(&owner, VU_SET_OWNER);
    if (err == VBLK_OK)
        err = vu_tell(f, &owner, NULL, 0);
    if (err == VBLK_OK)
        err = learn_limits(f);
    if (err == VBLK_OK)
        err = open_backend_channel(f);
    return err == VBLK_OK ? vu_settle(f) : err;
}

static vblk_err connect_once(struct vu_frontend *f)
{
    vblk_err err;

    vu_hang_up(f);
    err = dial(f);
    return err == VBLK_OK ? negotiate(f) : err;
}

/* A back-end that serves one front-end at a time may need a moment after the last one. */
static vblk_err connect_within(struct vu_frontend *f, unsigned ms)
{
    const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
    int64_t deadline = vu_now() + ms;
    vblk_err err;

    while ((err = connect_once(f)) != VBLK_OK && err != VBLK_E_TIMEOUT && vu_now() < deadline)
        nanosleep(&pause, NULL);
    return err;
}

/* A length to try after the back-end hung up on one: the sizes that the structure has had. */
static uint32_t next_usual_length(uint32_t below)
{
    static const uint16_t usual[] = { 96, 80, 72, 60, 36, 8, 0 };
    size_t i = 0;

    while (usual[i] >= below && usual[i] > 0)
        i++;
    return usual[i];
}

/* Lengths are tried downwards, since some back-ends answer exactly one. */
static vblk_err learn_config_length(struct vu_frontend *f)
{
    uint8_t buf[VU_CONFIG_MAX];
    uint32_t len = vu_has(f, VU_PROTOCOL_CONFIG) ? VU_CONFIG_MAX : 0, got;
    bool touchy = false;

    while (len > 0) {
        vblk_err err = vu_get_config(f, len, buf, &got);

        if (err == VBLK_E_GONE && f->hung_up) {
            touchy = true;
            err = connect_within(f, f->options.timeout_ms);
        }
        if (err != VBLK_OK)
            return err;
        if (got == len)
            break;
        len = got > 0 ? got : touchy ? next_usual_length(len) : len - 1;
    }
    f->config_length = len;
    f->config_known = true;
    return VBLK_OK;
}

vblk_err vu_connect(struct vu_frontend *f, unsigned ms)
{
    vblk_err err = connect_within(f, ms);

    if (err == VBLK_OK && !f->config_known)
        err = learn_config_length(f);
    if (err == VBLK_OK)
        f->why[0] = '\0';
    return err;
}
