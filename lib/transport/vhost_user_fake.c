/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "vhost_user_fake.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vhost_user_msg.h"

#define FAIL_UNLESS(what)                                                                                              \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

void fake_defaults(struct fake *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->features = UINT64_C(1) << 32 | UINT64_C(1) << VU_F_PROTOCOL_FEATURES | UINT64_C(1) << 9;
    fake->protocol = UINT64_C(0x1ffff);
    fake->queues = 1;
    fake->slots = 4;
    fake->config_len = 60;
}

static bool read_all(int fd, void *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = read(fd, (char *)buf + done, len - done);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static void put(int fd, const void *buf, size_t len)
{
    (void)!send(fd, buf, len, MSG_NOSIGNAL);
}

static void put_msg(int fd, const struct vu_msg *m)
{
    uint8_t wire[VU_HEADER_SIZE + sizeof(m->body)];

    memcpy(wire, &m->head, VU_HEADER_SIZE);
    memcpy(wire + VU_HEADER_SIZE, &m->body, m->head.size);
    put(fd, wire, VU_HEADER_SIZE + m->head.size);
}

/* One message with its descriptors. */
static bool get_msg(int fd, struct vu_msg *m, int *fds, size_t *count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
    struct iovec iov = { .iov_base = &m->head, .iov_len = VU_HEADER_SIZE };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    struct cmsghdr *c;

    memset(m, 0, sizeof(*m));
    *count = 0;
    if (recvmsg(fd, &msg, 0) != (ssize_t)VU_HEADER_SIZE)
        return false;
    c = CMSG_FIRSTHDR(&msg);
    if (c) {
        *count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
    }
    return read_all(fd, &m->body, m->head.size);
}

static void keep(int *slot, int *fds, size_t count)
{
    FAIL_UNLESS(count == 1);
    if (*slot >= 0)
        close(*slot);
    *slot = fds[0];
    fds[0] = -1;
}

static void map_region(struct fake *fake, const struct vu_region *region, int fd)
{
    if (fake->map)
        munmap(fake->map, fake->map_len);
    fake->map_len = region->size;
    fake->map = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)region->offset);
    FAIL_UNLESS(fake->map != MAP_FAILED);
    fake->first_gpa = region->gpa;
    fake->first_user = region->user;
}

static void note_ring(struct fake *fake, const struct vu_msg *m, int *fds, size_t count)
{
    size_t queue = m->head.request == VU_SET_VRING_KICK || m->head.request == VU_SET_VRING_CALL ||
                           m->head.request == VU_SET_VRING_ERR
                       ? (size_t)m->body.u64
                       : m->body.state.index;

    FAIL_UNLESS(queue < 4);
    switch (m->head.request) {
    case VU_SET_VRING_NUM:
        fake->num = m->body.state.num;
        break;
    case VU_SET_VRING_BASE:
        fake->base = m->body.state.num;
        break;
    case VU_SET_VRING_ENABLE:
        fake->enabled = m->body.state.num;
        break;
    case VU_SET_VRING_ADDR:
        fake->desc = m->body.addr.desc;
        fake->avail = m->body.addr.avail;
        fake->used = m->body.addr.used;
        break;
    case VU_SET_VRING_KICK:
        keep(&fake->kick[queue], fds, count);
        break;
    case VU_SET_VRING_CALL:
        keep(&fake->call[queue], fds, count);
        break;
    case VU_SET_VRING_ERR:
        keep(&fake->err[queue], fds, count);
        break;
    }
    if (m->head.request == VU_SET_VRING_CALL && fake->calls_early)
        (void)!write(fake->call[queue], &(uint64_t){ 1 }, 8);
}

static void note(struct fake *fake, const struct vu_msg *m, int *fds, size_t count)
{
    switch (m->head.request) {
    case VU_SET_FEATURES:
        fake->driver_features = m->body.u64;
        break;
    case VU_SET_STATUS:
        fake->status = m->body.u64;
        break;
    case VU_SET_BACKEND_REQ_FD:
        keep(&fake->channel, fds, count);
        break;
    case VU_SET_CONFIG:
        fake->config = (uint64_t)m->body.config.offset << 8 | m->body.config.bytes[0];
        break;
    case VU_SET_MEM_TABLE:
        FAIL_UNLESS(count == m->body.table.count);
        fake->regions = m->body.table.count;
        map_region(fake, &m->body.table.region[0], fds[0]);
        break;
    case VU_ADD_MEM_REG:
        FAIL_UNLESS(count == 1);
        fake->regions++;
        map_region(fake, &m->body.mem.region, fds[0]);
        break;
    case VU_REM_MEM_REG:
        FAIL_UNLESS(count == 0);
        fake->regions--;
        break;
    default:
        if ((m->head.request >= VU_SET_VRING_NUM && m->head.request <= VU_SET_VRING_ERR) ||
            m->head.request == VU_SET_VRING_ENABLE)
            note_ring(fake, m, fds, count);
    }
}

static void answer_config(const struct fake *fake, struct vu_msg *m)
{
    uint32_t asked = m->body.config.size, give = fake->config_give ? fake->config_give : asked;

    if (asked > fake->config_len || (fake->config_only && asked != fake->config_only)) {
        m->head.size = 0;
        return;
    }
    m->body.config.size = give < asked ? give : asked;
    for (uint32_t i = 0; i < m->body.config.size; i++)
        m->body.config.bytes[i] = (uint8_t)(m->body.config.offset + i);
    m->head.size = VU_CONFIG_HEAD + m->body.config.size;
}

/* Turn m into its answer. Returns whether there is one. */
static bool answer(struct fake *fake, struct vu_msg *m)
{
    bool need = m->head.flags & VU_NEED_REPLY;
    uint32_t request = m->head.request;

    m->head.flags = VU_VERSION | VU_REPLY;
    if (request == VU_GET_CONFIG) {
        answer_config(fake, m);
        return true;
    }
    if (request == VU_GET_VRING_BASE)
        return true;
    m->head.size = 8;
    m->body.u64 = request == VU_GET_FEATURES            ? fake->features
                  : request == VU_GET_PROTOCOL_FEATURES ? fake->protocol
                  : request == VU_GET_QUEUE_NUM         ? fake->queues
                  : request == VU_GET_MAX_MEM_SLOTS     ? fake->slots
                  : request == VU_GET_STATUS            ? fake->status
                                                        : 0;
    fake->need_replies += need;
    return need || request == VU_GET_FEATURES || request == VU_GET_PROTOCOL_FEATURES || request == VU_GET_QUEUE_NUM ||
           request == VU_GET_MAX_MEM_SLOTS || request == VU_GET_STATUS;
}

static void announce_change(struct fake *fake, bool wait)
{
    struct vu_msg m = { .head = { VU_BACKEND_CONFIG_CHANGE, VU_VERSION | (wait ? (unsigned)VU_NEED_REPLY : 0u), 0 } };
    int fds[8];
    size_t count;

    put_msg(fake->channel, &m);
    if (!wait)
        return;
    FAIL_UNLESS(get_msg(fake->channel, &m, fds, &count));
    if (m.head.request == VU_BACKEND_CONFIG_CHANGE && m.head.flags == (VU_VERSION | VU_REPLY) && m.head.size == 8 &&
        m.body.u64 == 0)
        fake->acks++;
}

static void put_with_fd(struct fake *fake, const struct vu_msg *m)
{
    int ends[2];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)m, .iov_len = VU_HEADER_SIZE };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    FAIL_UNLESS(pipe(ends) == 0);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
    FAIL_UNLESS(sendmsg(fake->sock, &msg, MSG_NOSIGNAL) == (ssize_t)VU_HEADER_SIZE);
    put(fake->sock, &m->body, m->head.size);
    close(ends[1]);
    if (fake->given >= 0)
        close(fake->given);
    fake->given = ends[0]; /* reads its end once nobody holds the other */
}

/* Returns whether the connection goes on. m is the lawful answer, if there is one. */
static bool misbehave(struct fake *fake, enum fake_quirk quirk, struct vu_msg *m)
{
    const struct timespec nap = { .tv_nsec = 60000000L };

    switch (quirk) {
    case FAKE_HANG_UP:
        return false;
    case FAKE_HALF_HEADER:
        put(fake->sock, m, 6);
        return false;
    case FAKE_HALF_BODY:
        put(fake->sock, m, VU_HEADER_SIZE);
        put(fake->sock, &m->body, 3);
        return false;
    case FAKE_HUGE:
        m->head.size = 0x7fffffffu;
        put(fake->sock, m, VU_HEADER_SIZE);
        return true;
    case FAKE_SHORT_BODY:
        m->head.size = 4;
        break;
    case FAKE_LONG_BODY:
        m->head.size = 400;
        break;
    case FAKE_MORE:
        m->head.size += 8;
        break;
    case FAKE_WRONG_NAME:
        m->head.request = VU_SET_OWNER;
        break;
    case FAKE_NO_REPLY:
        m->head.flags = VU_VERSION;
        break;
    case FAKE_VERSION:
        m->head.flags = VU_REPLY | 2;
        break;
    case FAKE_SILENT:
        return true;
    case FAKE_SLOW:
        nanosleep(&nap, NULL);
        break;
    case FAKE_REFUSE:
        m->body.u64 = 1;
        break;
    case FAKE_WITH_FD:
        put_with_fd(fake, m);
        return true;
    case FAKE_ASK_FIRST:
        announce_change(fake, true);
        break;
    case FAKE_LAWFUL:
        break;
    }
    put_msg(fake->sock, m);
    return true;
}

static bool serve_message(struct fake *fake)
{
    struct vu_msg m;
    int fds[8];
    size_t count;
    uint32_t request;
    bool reply, go_on = true;

    if (!get_msg(fake->sock, &m, fds, &count))
        return false;
    request = m.head.request;
    FAIL_UNLESS(request < 64);
    fake->seen[request]++;
    if (request == VU_GET_CONFIG && fake->config_drop && m.body.config.size > fake->config_drop)
        return false;
    note(fake, &m, fds, count);
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    reply = answer(fake, &m);
    if (fake->quirk_times > 0 && fake->quirk_on == request) {
        fake->quirk_times--;
        go_on = misbehave(fake, (enum fake_quirk)fake->quirk, &m);
    } else if (reply) {
        put_msg(fake->sock, &m);
    }
    return go_on;
}

static bool serve_command(struct fake *fake)
{
    struct vu_msg odd = { .head = { 63, VU_VERSION | VU_NEED_REPLY, 0 } };
    char what = 0;

    FAIL_UNLESS(read(fake->command[0], &what, 1) == 1);
    switch (what) {
    case 'c':
        announce_change(fake, false);
        break;
    case 'e':
        (void)!write(fake->err[0], &(uint64_t){ 1 }, 8);
        break;
    case 'u':
        put_msg(fake->sock, &odd);
        break;
    case 'x':
        put_msg(fake->channel, &odd);
        break;
    case 'g':
        put(fake->channel, "garbage garbage", 15);
        break;
    case 'b':
        close(fake->channel);
        fake->channel = -1;
        break;
    case 'q':
        fake->running = false;
        return false;
    default:
        return false;
    }
    return true;
}

static void serve_kick(struct fake *fake, size_t queue)
{
    uint64_t n;

    (void)!read(fake->kick[queue], &n, 8);
    if (fake->map)
        ((uint8_t *)fake->map)[0] = 0x5a;
    (void)!write(fake->call[queue], &(uint64_t){ 1 }, 8);
}

static void drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void serve_connection(struct fake *fake)
{
    bool go_on = true;

    while (go_on) {
        struct pollfd fds[6] = { { .fd = fake->sock, .events = POLLIN }, { .fd = fake->command[0], .events = POLLIN } };

        for (size_t i = 0; i < 4; i++)
            fds[2 + i] = (struct pollfd){ .fd = fake->kick[i], .events = POLLIN };
        if (poll(fds, 6, -1) < 0)
            continue;
        if (fds[0].revents)
            go_on = serve_message(fake);
        else if (fds[1].revents)
            go_on = serve_command(fake);
        for (size_t i = 0; i < 4; i++)
            if (fds[2 + i].revents)
                serve_kick(fake, i);
    }
    drop(&fake->sock);
    drop(&fake->channel);
    for (size_t i = 0; i < 4; i++) {
        drop(&fake->kick[i]);
        drop(&fake->call[i]);
        drop(&fake->err[i]);
    }
    fake->regions = 0;
    fake->status = 0;
}

static void *serve(void *arg)
{
    struct fake *fake = arg;

    while (fake->running) {
        struct pollfd fds[2] = { { .fd = fake->listener, .events = POLLIN },
                                 { .fd = fake->command[0], .events = POLLIN } };

        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents) {
            (void)serve_command(fake);
            continue;
        }
        fake->sock = accept(fake->listener, NULL, NULL);
        FAIL_UNLESS(fake->sock >= 0);
        fake->connections++;
        serve_connection(fake);
    }
    return NULL;
}

void fake_start(struct fake *fake)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    strcpy(fake->dir, "/tmp/vblk-fake-XXXXXX");
    FAIL_UNLESS(mkdtemp(fake->dir));
    snprintf(fake->path, sizeof(fake->path), "%s/sock", fake->dir);
    strcpy(at.sun_path, fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    FAIL_UNLESS(bind(fake->listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fake->listener, 1) == 0);
    FAIL_UNLESS(pipe(fake->command) == 0);
    fake->sock = fake->channel = fake->given = -1;
    for (size_t i = 0; i < 4; i++)
        fake->kick[i] = fake->call[i] = fake->err[i] = -1;
    fake->running = true;
    FAIL_UNLESS(pthread_create(&fake->thread, NULL, serve, fake) == 0);
}

void fake_do(struct fake *fake, char what)
{
    FAIL_UNLESS(write(fake->command[1], &what, 1) == 1);
}

void fake_stop(struct fake *fake)
{
    fake_do(fake, 'q');
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    close(fake->command[0]);
    close(fake->command[1]);
    drop(&fake->given);
    if (fake->map)
        munmap(fake->map, fake->map_len);
    unlink(fake->path);
    rmdir(fake->dir);
}
