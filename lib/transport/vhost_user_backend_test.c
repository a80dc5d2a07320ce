/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vblk/vhost_user_backend.h>

#include "vhost_user_msg.h"

#define RAM 0x100000u
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct rig {
    struct vblk_memory *mem;
    struct vblk_store *store;
    struct vblk_device *device;
    struct vblk_vhost_user_backend *back;
    int sock, ram;
    size_t fds_before;
    unsigned events[VBLK_EV_COUNT], emulated;
    uint64_t accepted;
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
    struct rig *r = ctx;

    r->events[ev->kind]++;
    r->emulated += (ev->flags & VBLK_EV_EMULATED) != 0;
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_DRIVER_FEATURES)
        r->accepted = ev->value;
}

static void connect_rig(struct rig *r)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    r->sock = pair[0];
    assert_int_equal(vblk_vhost_user_backend_attach(r->back, pair[1]), VBLK_OK);
}

static int set_up(void **state)
{
    struct vblk_vhost_user_backend_options how = { .timeout_ms = 50, .observe = observe };
    struct rig *r = test_calloc(1, sizeof(*r));
    struct vblk_device_options options;
    struct vblk_backend disk;

    vblk_device_defaults(&options);
    options.features |= vblk_device_ring_features();
    r->fds_before = open_fds();
    r->mem = vblk_memory_new();
    r->store = vblk_store_new(options.capacity);
    disk = vblk_store_backend(r->store);
    r->device = vblk_device_new(&options, r->mem, &disk, NULL);
    how.observe_ctx = r;
    r->back = vblk_vhost_user_backend_new(r->device, r->mem, &how);
    assert_non_null(r->back);
    r->ram = memfd_create("ram", MFD_CLOEXEC);
    assert_int_equal(ftruncate(r->ram, RAM), 0);
    connect_rig(r);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    vblk_vhost_user_backend_free(r->back);
    vblk_device_free(r->device);
    vblk_store_free(r->store);
    vblk_memory_free(r->mem);
    close(r->sock);
    close(r->ram);
    assert_int_equal(open_fds(), r->fds_before); /* nothing that came along stays open */
    test_free(r);
    return 0;
}

static void send_msg(struct rig *r, struct vu_msg *m, const int *fds, size_t count)
{
    assert_int_equal(vu_send(r->sock, m, fds, count, vu_now() + 1000), VBLK_OK);
}

/* Let the back-end do what there is to do. */
static vblk_err settle(struct rig *r)
{
    vblk_err err;

    while ((err = vblk_vhost_user_backend_run(r->back, 0)) == VBLK_OK)
        ;
    return err;
}

static void tell_u64(struct rig *r, enum vu_request request, uint64_t value)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.u64 = value;
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
}

static struct vu_msg answer(struct rig *r)
{
    struct vu_msg m;

    assert_int_equal(vu_recv(r->sock, &m, vu_now() + 1000), VBLK_OK);
    return m;
}

#define ALL_PROTOCOL 0x1f229u

/* ---- what breaks the protocol ---- */

struct hostile {
    const char *what;
    uint32_t request, flags, size;
    uint64_t word[5]; /* of the payload */
    unsigned fds;
    const char *why;  /* part of the sentence */
};

#define ANY VU_VERSION
static const struct hostile hostiles[] = {
    { "unknown request", 99, ANY, 0, { 0 }, 0, "request 99" },
    { "unknown request with descriptors", 99, ANY, 0, { 0 }, 8, "request 99" },
    { "huge request", UINT32_MAX, ANY, 0, { 0 }, 0, "request 4294967295" },
    { "version 0", VU_GET_FEATURES, 0, 0, { 0 }, 0, "garbage" },
    { "version 2", VU_GET_FEATURES, 2, 0, { 0 }, 1, "garbage" },
    { "short SET_FEATURES", VU_SET_FEATURES, ANY, 4, { 0 }, 0, "payload of 4 bytes" },
    { "long SET_FEATURES", VU_SET_FEATURES, ANY, 16, { 0 }, 0, "payload of 16 bytes" },
    { "descriptor where none goes", VU_SET_FEATURES, ANY, 8, { 0 }, 1, "1 descriptors" },
    { "a log that was not offered", 6, ANY, 16, { 0 }, 1, "request 6" },
    { "protocol features that were not offered", VU_SET_PROTOCOL_FEATURES, ANY, 8, { ~(uint64_t)0 }, 0, "not offered" },
    { "ring 4 of 4", VU_SET_VRING_NUM, ANY, 8, { 4 | UINT64_C(8) << 32 }, 0, "there are 4" },
    { "ring 2^32 - 1", VU_SET_VRING_BASE, ANY, 8, { UINT32_MAX }, 0, "there are 4" },
    { "ring of 0 entries", VU_SET_VRING_NUM, ANY, 8, { 0 }, 0, "of 0 entries" },
    { "ring of 65536 entries", VU_SET_VRING_NUM, ANY, 8, { UINT64_C(65536) << 32 }, 0, "65536 entries" },
    { "base of a ring that is not there", VU_GET_VRING_BASE, ANY, 8, { 255 }, 0, "there are 4" },
    { "addresses of a ring that is not there", VU_SET_VRING_ADDR, ANY, 40, { 77 }, 0, "there are 4" },
    { "kick without its descriptor", VU_SET_VRING_KICK, ANY, 8, { 0 }, 0, "0 descriptors" },
    { "kick with a descriptor too many", VU_SET_VRING_KICK, ANY, 8, { 0x100 }, 1, "1 descriptors" },
    { "kick of a ring that is not there", VU_SET_VRING_KICK, ANY, 8, { 200 }, 1, "there are 4" },
    { "enable with 2", VU_SET_VRING_ENABLE, ANY, 8, { UINT64_C(2) << 32 }, 0, "with 2" },
    { "channel without its descriptor", VU_SET_BACKEND_REQ_FD, ANY, 0, { 0 }, 0, "0 descriptors" },
    { "table without regions but a descriptor", VU_SET_MEM_TABLE, ANY, 8, { 0 }, 1, "0 regions" },
    { "table of 9 regions", VU_SET_MEM_TABLE, ANY, 8, { 9 }, 0, "9 regions" },
    { "table of 2^32 - 1 regions", VU_SET_MEM_TABLE, ANY, 8, { UINT32_MAX }, 0, "regions" },
    { "table shorter than it says", VU_SET_MEM_TABLE, ANY, 16, { 1 }, 1, "16 bytes" },
    { "empty region", VU_SET_MEM_TABLE, ANY, 40, { 1, 0, 0, 0, 0 }, 1, "is empty" },
    { "region past the address space", VU_SET_MEM_TABLE, ANY, 40, { 1, UINT64_MAX - 10, 4096, 0, 0 }, 1, "address space" },
    { "region past any file", VU_SET_MEM_TABLE, ANY, 40, { 1, 0, 4096, 0, UINT64_MAX - 10 }, 1, "any file" },
    { "region larger than its file", VU_SET_MEM_TABLE, ANY, 40, { 1, 0, RAM + 1, 0, 0 }, 1, "larger than its file" },
    { "region behind its file", VU_SET_MEM_TABLE, ANY, 40, { 1, 0, 4096, 0, RAM }, 1, "larger than its file" },
    { "added region larger than its file", VU_ADD_MEM_REG, ANY, 40, { 0, 0, RAM + 1, 0, 0 }, 1, "larger than its file" },
    { "added region without its descriptor", VU_ADD_MEM_REG, ANY, 40, { 0, 0, 4096, 0, 0 }, 0, "0 descriptors" },
    { "removed region that was never there", VU_REM_MEM_REG, ANY, 40, { 0, 0, 4096, 0, 0 }, 0, "never added" },
    { "config head cut short", VU_GET_CONFIG, ANY, 8, { 0 }, 0, "payload of 8 bytes" },
    { "config longer than its message", VU_SET_CONFIG, ANY, 16, { UINT64_C(200) << 32, 0 }, 0, "SET_CONFIG of 200 bytes" },
    { "inflight for no ring", VU_GET_INFLIGHT_FD, ANY, 24, { 0 }, 0, "0 rings" },
    { "inflight for 65535 rings", VU_GET_INFLIGHT_FD, ANY, 24, { 0, 0, UINT32_MAX }, 0, "65535 rings" },
    { "inflight in a file that is too short", VU_SET_INFLIGHT_FD, ANY, 24, { RAM + 1, 0, 1 | 8 << 16 }, 1, "shorter" },
    { "inflight that wraps", VU_SET_INFLIGHT_FD, ANY, 24, { 8, UINT64_MAX, 1 | 8 << 16 }, 1, "SET_INFLIGHT_FD" },
    { "status of 9 bits", VU_SET_STATUS, ANY, 8, { 256 }, 0, "8 bits" },
    { "in-band kick of a ring that is not there", VU_VRING_KICK, ANY, 8, { 9 }, 0, "there are 4" },
};

static void hostile_messages__end_the_connection_with_a_sentence(void **state)
{
    struct rig *r = *state;
    struct vblk_vhost_user_backend_info info;

    for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
        const struct hostile *h = &hostiles[i];
        const int fds[] = { r->ram, r->ram, r->ram, r->ram, r->ram, r->ram, r->ram, r->ram };
        struct vu_msg m;

        if (h->request != VU_SET_PROTOCOL_FEATURES)
            tell_u64(r, VU_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
        memset(&m, 0, sizeof(m));
        m.head.request = h->request;
        m.head.flags = h->flags;
        m.head.size = h->size;
        memcpy(m.body.bytes, h->word, sizeof(h->word));
        send_msg(r, &m, fds, h->fds);
        if (settle(r) != VBLK_E_GONE || !strstr(vblk_vhost_user_backend_why(r->back), h->why))
            fail_msg("%s: '%s'", h->what, vblk_vhost_user_backend_why(r->back));
        vblk_vhost_user_backend_info(r->back, &info);
        assert_true(info.broke_protocol);
        vblk_vhost_user_backend_detach(r->back);
        close(r->sock);
        assert_int_equal(open_fds(), r->fds_before + 1); /* the RAM */
        connect_rig(r);
    }
}

static void requests_of_features_not_in_force__are_a_breach(void **state)
{
    struct rig *r = *state;
    struct vu_msg m;

    vu_msg_init(&m, VU_GET_STATUS);
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_backend_why(r->back), "GET_STATUS without the protocol feature"));
}

static void half_a_message__is_waited_for_no_longer_than_said(void **state)
{
    struct rig *r = *state;

    assert_int_equal(write(r->sock, "\1\0\0\0\1", 5), 5);
    assert_int_equal(settle(r), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_backend_why(r->back), "did not come within"));
}

static void hanging_up__is_no_breach(void **state)
{
    struct rig *r = *state;
    struct vblk_vhost_user_backend_info info;

    shutdown(r->sock, SHUT_RDWR);
    assert_int_equal(settle(r), VBLK_E_GONE);
    vblk_vhost_user_backend_info(r->back, &info);
    assert_false(info.broke_protocol);
    assert_string_equal(vblk_vhost_user_backend_why(r->back), "the front-end hung up");
}

/* ---- what is lawful ---- */

static void header_and_payload_apart__are_one_message(void **state)
{
    struct rig *r = *state;
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_PROTOCOL_FEATURES);
    m.body.u64 = ALL_PROTOCOL;
    m.head.flags |= VU_NEED_REPLY; /* of the message that turns replies on */
    assert_int_equal(write(r->sock, &m.head, VU_HEADER_SIZE), VU_HEADER_SIZE);
    assert_int_equal(write(r->sock, &m.body, 8), 8);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    m = answer(r);
    assert_int_equal(m.head.request, VU_SET_PROTOCOL_FEATURES);
    assert_int_equal(m.body.u64, 0);
}

static void config__any_size_and_offset(void **state)
{
    static const struct {
        uint32_t offset, size, got;
    } reads[] = { { 0, 8, 8 }, { 0, 57, 57 }, { 0, 256, 256 }, { 5, 33, 33 }, { 250, 100, 100 },
                  { UINT32_MAX, 8, 8 }, { 0, 0, 0 }, { 0, 257, UINT32_MAX } };
    struct rig *r = *state;

    tell_u64(r, VU_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        struct vu_msg m;

        vu_msg_init(&m, VU_GET_CONFIG);
        m.body.config.offset = reads[i].offset;
        m.body.config.size = reads[i].size;
        send_msg(r, &m, NULL, 0);
        assert_int_equal(settle(r), VBLK_E_TIMEOUT);
        m = answer(r);
        assert_int_equal(m.head.size, reads[i].got == UINT32_MAX ? 0 : VU_CONFIG_HEAD + reads[i].got);
    }
    assert_int_equal(r->emulated, r->events[VBLK_EV_CONFIG_READ]); /* a front-end's reads are nobody's habits */
}

static void share_ram(struct rig *r)
{
    struct vu_msg m;

    vu_msg_init(&m, VU_ADD_MEM_REG);
    m.body.mem.region = (struct vu_region){ 0x10000, RAM, 0x7000000, 0 };
    send_msg(r, &m, &r->ram, 1);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
}

static void tell_state(struct rig *r, enum vu_request request, uint32_t queue, uint32_t num)
{
    tell_u64(r, request, queue | (uint64_t)num << 32);
}

/* Addresses and the kick descriptor in one go, as pipelined messages: each descriptor stays with its own. */
static void start_ring(struct rig *r, int kick, int call)
{
    struct vu_msg m;

    tell_state(r, VU_SET_VRING_NUM, 0, 8);
    tell_state(r, VU_SET_VRING_BASE, 0, 0);
    vu_msg_init(&m, VU_SET_VRING_ADDR);
    m.body.addr = (struct vu_vring_addr){ .desc = 0x7000000, .avail = 0x7001000, .used = 0x7002000 };
    send_msg(r, &m, NULL, 0);
    vu_msg_init(&m, VU_SET_VRING_CALL);
    send_msg(r, &m, &call, 1);
    vu_msg_init(&m, VU_SET_VRING_KICK);
    send_msg(r, &m, &kick, 1);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    tell_state(r, VU_SET_VRING_ENABLE, 0, 1);
}

static void ring_without_status__brings_the_device_to_life_by_itself(void **state)
{
    struct rig *r = *state;
    const int kick = eventfd(0, EFD_CLOEXEC), call = eventfd(0, EFD_CLOEXEC);
    struct vblk_vhost_user_backend_info info;
    struct vu_msg m;

    tell_u64(r, VU_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
    tell_u64(r, VU_SET_FEATURES, VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VU_F_PROTOCOL_FEATURES));
    assert_int_equal(r->accepted, VBLK_BIT(VBLK_F_VERSION_1));
    share_ram(r);
    start_ring(r, kick, call);
    vblk_vhost_user_backend_info(r->back, &info);
    assert_int_equal(info.running, 1);
    assert_int_equal(info.lives, 1);
    assert_int_equal(vblk_device_status(r->device), 0xf);
    assert_int_equal(write(kick, &(uint64_t){ 1 }, 8), 8);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    assert_int_equal(r->events[VBLK_EV_KICK], 1);
    tell_state(r, VU_SET_VRING_ENABLE, 0, 0);
    vu_msg_init(&m, VU_GET_VRING_BASE);
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    m = answer(r);
    assert_int_equal(m.body.state.num, 0);
    close(kick);
    close(call);
}

static void features_not_offered__are_refused_or_lose_the_connection(void **state)
{
    struct rig *r = *state;
    struct vu_msg m;

    tell_u64(r, VU_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
    vu_msg_init(&m, VU_SET_FEATURES);
    m.head.flags |= VU_NEED_REPLY;
    m.body.u64 = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM);
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    m = answer(r);
    assert_int_equal(m.body.u64, 1);
    vu_msg_init(&m, VU_SET_FEATURES);
    m.body.u64 = VBLK_BIT(VBLK_F_ACCESS_PLATFORM);
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_backend_why(r->back), "refuses the features"));
}

static void inflight__a_file_of_zeroes_that_is_taken_back(void **state)
{
    struct rig *r = *state;
    struct vu_msg m;
    struct vu_fds fds;

    tell_u64(r, VU_SET_PROTOCOL_FEATURES, ALL_PROTOCOL);
    vu_msg_init(&m, VU_GET_INFLIGHT_FD);
    m.body.inflight.queues = 4;
    m.body.inflight.queue_size = 128;
    send_msg(r, &m, NULL, 0);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
    assert_int_equal(vu_recv_fds(r->sock, &m, &fds, vu_now() + 1000), VBLK_OK);
    assert_int_equal(fds.count, 1);
    m.head.request = VU_SET_INFLIGHT_FD;
    m.head.flags = VU_VERSION;
    send_msg(r, &m, fds.fd, 1);
    vu_close_fds(&fds);
    assert_int_equal(settle(r), VBLK_E_TIMEOUT);
}

static void listening__a_socket_left_behind_is_replaced_a_live_one_is_not(void **state)
{
    char path[64], why[200];
    int first, second;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/vblk-listen-%ld", (long)getpid());
    assert_int_equal(vblk_vhost_user_listen(path, &first, why, sizeof(why)), VBLK_OK);
    assert_int_equal(vblk_vhost_user_listen(path, &second, why, sizeof(why)), VBLK_E_IO);
    assert_non_null(strstr(why, path));
    close(first);
    assert_int_equal(vblk_vhost_user_listen(path, &second, why, sizeof(why)), VBLK_OK);
    close(second);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vblk_vhost_user_listen("", &second, why, sizeof(why)), VBLK_E_INVAL);
}

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(hostile_messages__end_the_connection_with_a_sentence),
        TEST(requests_of_features_not_in_force__are_a_breach),
        TEST(half_a_message__is_waited_for_no_longer_than_said),
        TEST(hanging_up__is_no_breach),
        TEST(header_and_payload_apart__are_one_message),
        TEST(config__any_size_and_offset),
        TEST(ring_without_status__brings_the_device_to_life_by_itself),
        TEST(features_not_offered__are_refused_or_lose_the_connection),
        TEST(inflight__a_file_of_zeroes_that_is_taken_back),
        cmocka_unit_test(listening__a_socket_left_behind_is_replaced_a_live_one_is_not),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
