/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes through a monitor comes out as it went in: bytes, descriptors, notifications, in both directions. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <vblk/spec.h>
#include <vblk/vhost_user_monitor.h>

#include "vhost_user_msg.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RAM 0x100000u
#define WIRE_MAX 70000u
#define FDS_MAX 8

/* Requests that this project's own front-end and back-end do not know. */
enum { SET_LOG_BASE = 6, SET_LOG_FD = 7, BACKEND_IOTLB = 1, BACKEND_HOST_NOTIFIER = 3, UNKNOWN = 4711 };

struct rig {
    char dir[32], listen[64], connect[64];
    struct vblk_memory *mem;
    struct vblk_vhost_user_monitor *mon;
    int listener, front, back;
    size_t fds_before;
    unsigned events[VBLK_EV_COUNT];
};

/* Bytes and descriptors, as they are read or written at one end. */
struct parcel {
    uint8_t bytes[WIRE_MAX];
    size_t len;
    int fd[FDS_MAX];
    size_t count;
};

static size_t open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void observe(void *ctx, const struct vblk_event *ev)
{
    ((struct rig *)ctx)->events[ev->kind]++;
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static int connect_to(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void settle(struct rig *r)
{
    while (vblk_vhost_user_monitor_step(r->mon, 0) == VBLK_OK)
        ;
}

static int set_up(void **state)
{
    struct vblk_vhost_user_monitor_options how = { .observe = observe };
    struct rig *r = test_calloc(1, sizeof(*r));
    char why[200];

    r->fds_before = open_fds();
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/vblk-monitor-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->listen, sizeof(r->listen), "%s/a", r->dir);
    (void)snprintf(r->connect, sizeof(r->connect), "%s/b", r->dir);
    r->mem = vblk_memory_new();
    how.listen = r->listen;
    how.connect = r->connect;
    how.mem = r->mem;
    how.observe_ctx = r;
    r->listener = listen_at(r->connect);
    assert_int_equal(vblk_vhost_user_monitor_open(&how, &r->mon, why, sizeof(why)), VBLK_OK);
    r->front = connect_to(r->listen);
    settle(r);
    r->back = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(r->back >= 0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    vblk_vhost_user_monitor_close(r->mon);
    vblk_memory_free(r->mem);
    close(r->front);
    close(r->back);
    close(r->listener);
    (void)unlink(r->connect);
    assert_int_equal(rmdir(r->dir), 0);
    assert_int_equal(open_fds(), r->fds_before); /* nothing that came along stays open */
    test_free(r);
    return 0;
}

static void put(int sock, const void *bytes, size_t len, const int *fds, size_t count)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (count > 0) {
        struct cmsghdr *c;

        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)len);
}

/* One recvmsg(): descriptors end what it returns, so they show which bytes they came with. */
static void take(int sock, struct parcel *p)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(FDS_MAX * sizeof(int))];
    struct iovec iov = { .iov_base = p->bytes, .iov_len = sizeof(p->bytes) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    const ssize_t got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    assert_true(got > 0);
    assert_int_equal(msg.msg_flags & MSG_CTRUNC, 0);
    p->len = (size_t)got;
    p->count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        p->count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(p->fd, CMSG_DATA(c), p->count * sizeof(int));
    }
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static bool same_file(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A message of @size bytes of noise; @return bytes in all. */
static size_t compose(uint8_t *bytes, uint32_t request, uint32_t flags, uint32_t size)
{
    const uint32_t head[3] = { request, flags, size };

    memcpy(bytes, head, sizeof(head));
    for (uint32_t i = 0; i < size; i++)
        bytes[sizeof(head) + i] = (uint8_t)(request * 31u + i * 7u + 1u);
    return sizeof(head) + size;
}

static void files(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fds[i] = memfd_create("file", MFD_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
}

/* The message comes out of @to as it went into @from, with the same files. */
static void passes(struct rig *r, int from, int to, const uint8_t *bytes, size_t len, size_t count)
{
    struct parcel *p = test_malloc(sizeof(*p));
    int fds[FDS_MAX];

    files(fds, count);
    put(from, bytes, len, fds, count);
    settle(r);
    take(to, p);
    while (p->len < len) { /* long ones come in pieces */
        ssize_t got;

        settle(r);
        got = recv(to, p->bytes + p->len, sizeof(p->bytes) - p->len, MSG_DONTWAIT);
        assert_true(got > 0);
        p->len += (size_t)got;
    }
    assert_int_equal(p->len, len);
    assert_memory_equal(p->bytes, bytes, len);
    assert_int_equal(p->count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(same_file(p->fd[i], fds[i]));
    close_all(p->fd, p->count);
    close_all(fds, count);
    test_free(p);
}

/* ---- messages ---- */

/* Every number there is and some that there is not, sizes right and wrong, with descriptors and without, asking for a reply or not. */
static void messages_of_any_kind__pass_unchanged(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 8, 12, 20, 40, 264, 4096, 65536 };
    static uint8_t bytes[WIRE_MAX];
    struct rig *r = *state;

    for (uint32_t request = 0; request < 60; request++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            const bool ours = request == VU_SET_BACKEND_REQ_FD || request == VU_SET_VRING_KICK || request == VU_SET_VRING_CALL;
            const size_t fds = ours ? 0 : (request + s) % (FDS_MAX + 1);
            const uint32_t need = request % 2 ? VU_NEED_REPLY : 0;

            passes(r, r->front, r->back, bytes, compose(bytes, request, VU_VERSION | need, sizes[s]), fds);
            passes(r, r->back, r->front, bytes, compose(bytes, request, VU_VERSION | VU_REPLY, sizes[s]), fds);
        }
    passes(r, r->front, r->back, bytes, compose(bytes, UNKNOWN, VU_VERSION | 0xfffffff0u, 24), 2);
}

static void files_of_logs_and_of_requests_in_flight__are_the_same_files(void **state)
{
    static const struct { uint32_t request, size; bool answer; } all[] = {
        { SET_LOG_BASE, 16, false }, { SET_LOG_FD, 0, false },        { VU_GET_INFLIGHT_FD, 20, true },
        { VU_SET_INFLIGHT_FD, 20, false }, { VU_SET_VRING_ERR, 8, false },
    };
    struct rig *r = *state;
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const size_t len = compose(bytes, all[i].request, all[i].answer ? VU_VERSION | VU_REPLY : VU_VERSION, all[i].size);

        passes(r, all[i].answer ? r->back : r->front, all[i].answer ? r->front : r->back, bytes, len, 1);
    }
}

/* Two messages in one go: each descriptor comes out with the message that it went in with. */
static void messages_in_a_row__keep_their_own_descriptors(void **state)
{
    struct rig *r = *state;
    struct parcel *p = test_malloc(sizeof(*p));
    uint8_t bytes[3][64];
    size_t len[3];
    int fds[3];

    files(fds, 3);
    for (uint32_t i = 0; i < 3; i++) {
        len[i] = compose(bytes[i], VU_ADD_MEM_REG, VU_VERSION, 40);
        put(r->front, bytes[i], len[i], &fds[i], 1);
    }
    settle(r);
    for (size_t i = 0; i < 3; i++) {
        take(r->back, p);
        assert_int_equal(p->len, len[i]);
        assert_int_equal(p->count, 1);
        assert_true(same_file(p->fd[0], fds[i]));
        close_all(p->fd, p->count);
    }
    close_all(fds, 3);
    test_free(p);
}

static void a_message_in_pieces__is_one(void **state)
{
    struct rig *r = *state;
    struct parcel *p = test_malloc(sizeof(*p));
    uint8_t bytes[64];
    const size_t len = compose(bytes, VU_SET_VRING_ERR, VU_VERSION, 8);
    int fd;

    files(&fd, 1);
    put(r->front, bytes, 5, &fd, 1);
    settle(r);
    put(r->front, bytes + 5, 8, NULL, 0);
    settle(r);
    put(r->front, bytes + 13, len - 13, NULL, 0);
    settle(r);
    take(r->back, p);
    assert_int_equal(p->len, len);
    assert_memory_equal(p->bytes, bytes, len);
    assert_int_equal(p->count, 1);
    assert_true(same_file(p->fd[0], fd));
    close(p->fd[0]);
    close(fd);
    test_free(p);
}

/* What is no message is none of ours to stop. */
static void garbage__passes_unchanged(void **state)
{
    struct vblk_vhost_user_monitor_info info;
    struct rig *r = *state;
    uint8_t bytes[300];

    memset(bytes, 0xff, sizeof(bytes));
    put(r->front, bytes, sizeof(bytes), NULL, 0);
    settle(r);
    for (size_t done = 0; done < sizeof(bytes);) {
        struct parcel *p = test_malloc(sizeof(*p));

        take(r->back, p);
        assert_memory_equal(p->bytes, bytes, p->len);
        done += p->len;
        test_free(p);
    }
    vblk_vhost_user_monitor_info(r->mon, &info);
    assert_non_null(strstr(info.note, "no vhost-user message"));
}

static void hanging_up__is_passed_on(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[64];

    put(r->back, bytes, compose(bytes, VU_GET_FEATURES, VU_VERSION | VU_REPLY, 8), NULL, 0);
    shutdown(r->back, SHUT_RDWR);
    settle(r);
    assert_int_equal(recv(r->front, bytes, sizeof(bytes), MSG_DONTWAIT), 20); /* what was on its way came first */
    assert_int_equal(recv(r->front, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
    assert_int_equal(r->events[VBLK_EV_GONE], 1);
    assert_int_equal(r->events[VBLK_EV_CASE_END], 1);
}

/* ---- the back-end's own channel ---- */

/* @return the back-end's end; *front is the front-end's. */
static int open_channel(struct rig *r, int *front)
{
    struct parcel *p = test_malloc(sizeof(*p));
    uint8_t bytes[64];
    const size_t len = compose(bytes, VU_SET_BACKEND_REQ_FD, VU_VERSION | VU_NEED_REPLY, 0);
    int pair[2], got;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    put(r->front, bytes, len, &pair[1], 1);
    close(pair[1]);
    settle(r);
    take(r->back, p);
    assert_int_equal(p->len, len);
    assert_memory_equal(p->bytes, bytes, len);
    assert_int_equal(p->count, 1);
    got = p->fd[0];
    test_free(p);
    *front = pair[0];
    return got;
}

static void the_back_ends_channel__passes_messages_both_ways(void **state)
{
    static const uint32_t requests[] = { BACKEND_IOTLB, VU_BACKEND_CONFIG_CHANGE, BACKEND_HOST_NOTIFIER,
                                         VU_BACKEND_VRING_CALL, VU_BACKEND_VRING_ERR, 6, UNKNOWN };
    struct rig *r = *state;
    uint8_t bytes[300];
    int front, back = open_channel(r, &front);

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        passes(r, back, front, bytes, compose(bytes, requests[i], VU_VERSION | VU_NEED_REPLY, (uint32_t)(8 * i)), i % 3);
        passes(r, front, back, bytes, compose(bytes, requests[i], VU_VERSION | VU_REPLY, 8), 0);
    }
    assert_int_equal(r->events[VBLK_EV_CONFIG_NOTIFY], 1);
    close(back);
    settle(r);
    assert_int_equal(recv(front, bytes, sizeof(bytes), MSG_DONTWAIT), 0); /* the channel ends for both … */
    close(front);
    passes(r, r->front, r->back, bytes, compose(bytes, VU_GET_FEATURES, VU_VERSION, 0), 0); /* … the connection goes on */
}

/* ---- notifications ---- */

static void tell(struct rig *r, const struct vu_msg *m, const int *fds, size_t count)
{
    struct parcel *p = test_malloc(sizeof(*p));

    assert_int_equal(vu_send(r->front, m, fds, count, vu_now() + 1000), VBLK_OK);
    settle(r);
    take(r->back, p);
    assert_int_equal(p->len, VU_HEADER_SIZE + m->head.size);
    assert_memory_equal(p->bytes, &m->head, VU_HEADER_SIZE);
    assert_memory_equal(p->bytes + VU_HEADER_SIZE, &m->body, m->head.size);
    close_all(p->fd, p->count);
    test_free(p);
}

static void tell_state(struct rig *r, enum vu_request request, uint32_t num)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.state.num = num;
    tell(r, &m, NULL, 0);
}

/* An eventfd of the front-end; @return what the back-end has for it. */
static int hang(struct rig *r, enum vu_request request, int fd)
{
    struct parcel *p = test_malloc(sizeof(*p));
    struct vu_msg m;
    int got;

    vu_msg_init(&m, request);
    assert_int_equal(vu_send(r->front, &m, &fd, 1, vu_now() + 1000), VBLK_OK);
    settle(r);
    take(r->back, p);
    assert_int_equal(p->count, 1);
    got = p->fd[0];
    test_free(p);
    return got;
}

static void start_ring(struct rig *r, int *kick, int *kicked, int *call, int *called)
{
    struct vu_msg m;
    int ram = memfd_create("ram", MFD_CLOEXEC);

    assert_int_equal(ftruncate(ram, RAM), 0);
    vu_msg_init(&m, VU_SET_MEM_TABLE);
    m.head.size = offsetof(struct vu_mem_table, region) + sizeof(struct vu_region);
    m.body.table.count = 1;
    m.body.table.region[0] = (struct vu_region){ .gpa = 0, .size = RAM, .user = RAM };
    tell(r, &m, &ram, 1);
    close(ram);
    tell_state(r, VU_SET_VRING_NUM, 64);
    vu_msg_init(&m, VU_SET_VRING_ADDR);
    m.body.addr = (struct vu_vring_addr){ .desc = RAM, .avail = RAM + 0x1000, .used = RAM + 0x2000 };
    tell(r, &m, NULL, 0);
    *call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *kick = eventfd(0, EFD_CLOEXEC);
    *called = hang(r, VU_SET_VRING_CALL, *call);
    *kicked = hang(r, VU_SET_VRING_KICK, *kick);
}

static void ring(int fd, uint64_t count)
{
    assert_int_equal(write(fd, &count, 8), 8);
}

static uint64_t taken(int fd)
{
    uint64_t count = 0;

    assert_int_equal(read(fd, &count, 8), 8);
    return count;
}

/* Nobody has to pass anything on: both sides have the same descriptor. */
static void eventfds__are_the_same_on_both_sides(void **state)
{
    struct rig *r = *state;
    int kick, kicked, call, called;

    start_ring(r, &kick, &kicked, &call, &called);
    ring(kick, 5);
    assert_int_equal(taken(kicked), 5);
    ring(called, 7);
    assert_int_equal(taken(call), 7);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 1);
    close_all((int[]){ kick, kicked, call, called }, 4);
}

/* What the driver wrote is seen before the device may use it, which leaves nothing of it. */
static void kicks_of_packed_rings__are_told_before_they_are_passed_on(void **state)
{
    struct rig *r = *state;
    struct vu_msg m;
    int kick, kicked, call, called;

    vu_msg_init(&m, VU_SET_FEATURES);
    m.body.u64 = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_RING_PACKED);
    tell(r, &m, NULL, 0);
    start_ring(r, &kick, &kicked, &call, &called);
    assert_int_equal(fcntl(kicked, F_GETFL) & O_NONBLOCK, 0); /* as theirs is */
    ring(kick, 5);
    settle(r);
    assert_int_equal(taken(kicked), 5);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    ring(called, 7);
    assert_int_equal(taken(call), 7);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 1);
    close_all((int[]){ kick, kicked, call, called }, 4);
}

/* Each one that is told of was there, whether it is seen before it is taken or after. */
static void notifications__are_told_once(void **state)
{
    struct rig *r = *state;
    int kick, kicked, call, called;

    start_ring(r, &kick, &kicked, &call, &called);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_KICK], 0);
    ring(kick, 1);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    ring(called, 1);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 1);
    assert_int_equal(taken(kicked), 1); /* the end of what was told */
    assert_int_equal(taken(call), 1);
    settle(r);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 1);
    for (int turn = 0; turn < 3; turn++) { /* several at once count as one */
        ring(kick, 1);
        ring(kick, 1);
        assert_int_equal(taken(kicked), 2);
        ring(called, 1);
        assert_int_equal(taken(call), 1);
        ring(called, 1);
        assert_int_equal(taken(call), 1);
        settle(r);
    }
    assert_int_equal(r->events[VBLK_EV_KICK], 4);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 4);
    close_all((int[]){ kick, kicked, call, called }, 4);
}

/* A new call descriptor takes the old one's place; the back-end may still ring the old one. */
static void a_call_descriptor_that_was_replaced__still_rings(void **state)
{
    struct rig *r = *state;
    const uint64_t one = 1;
    int kick, kicked, call, called, fresh = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), called_now;
    uint64_t count;

    start_ring(r, &kick, &kicked, &call, &called);
    called_now = hang(r, VU_SET_VRING_CALL, fresh);
    assert_int_equal(write(called, &one, 8), 8);
    settle(r);
    assert_int_equal(read(call, &count, 8), 8);
    assert_int_equal(write(called_now, &one, 8), 8);
    settle(r);
    assert_int_equal(read(fresh, &count, 8), 8);
    close_all((int[]){ kick, kicked, call, called, fresh, called_now }, 6);
}

static void in_band_notifications__pass_and_are_seen(void **state)
{
    struct rig *r = *state;
    struct vblk_vhost_user_monitor_info info;
    int kick, kicked, call, called, front, back = open_channel(r, &front);
    uint8_t bytes[64] = { 0 };
    size_t len;

    start_ring(r, &kick, &kicked, &call, &called);
    tell_state(r, VU_VRING_KICK, 0);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    len = compose(bytes, VU_BACKEND_VRING_CALL, VU_VERSION, 8);
    memset(bytes + VU_HEADER_SIZE, 0, 8);
    passes(r, back, front, bytes, len, 0);
    assert_int_equal(r->events[VBLK_EV_USED_NOTIFY], 1);
    vblk_vhost_user_monitor_info(r->mon, &info);
    assert_int_equal(info.kicks, 1);
    assert_int_equal(info.calls, 1);
    close_all((int[]){ kick, kicked, call, called, front, back }, 6);
}

/* Not every descriptor for notifications is an eventfd. */
static void a_pipe_for_notifications__stays_what_it_is(void **state)
{
    struct rig *r = *state;
    int pair[2], got;

    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    got = hang(r, VU_SET_VRING_CALL, pair[1]);
    assert_true(same_file(got, pair[1]));
    close_all((int[]){ pair[0], pair[1], got }, 3);
}

/* ---- looking away ---- */

static void looking_away__ends_judging_and_not_the_connection(void **state)
{
    struct rig *r = *state;
    const uint64_t one = 1;
    int kick, kicked, call, called;
    uint64_t count;

    start_ring(r, &kick, &kicked, &call, &called);
    vblk_vhost_user_monitor_look_away(r->mon, "enough");
    assert_int_equal(vblk_memory_region_count(r->mem), 0);
    assert_int_equal(write(kick, &one, 8), 8);
    settle(r);
    assert_int_equal(read(kicked, &count, 8), 8);
    assert_int_equal(r->events[VBLK_EV_KICK], 0);
    close_all((int[]){ kick, kicked, call, called }, 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(messages_of_any_kind__pass_unchanged),
        TEST(files_of_logs_and_of_requests_in_flight__are_the_same_files),
        TEST(messages_in_a_row__keep_their_own_descriptors),
        TEST(a_message_in_pieces__is_one),
        TEST(garbage__passes_unchanged),
        TEST(hanging_up__is_passed_on),
        TEST(the_back_ends_channel__passes_messages_both_ways),
        TEST(eventfds__are_the_same_on_both_sides),
        TEST(kicks_of_packed_rings__are_told_before_they_are_passed_on),
        TEST(notifications__are_told_once),
        TEST(a_call_descriptor_that_was_replaced__still_rings),
        TEST(in_band_notifications__pass_and_are_seen),
        TEST(a_pipe_for_notifications__stays_what_it_is),
        TEST(looking_away__ends_judging_and_not_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
