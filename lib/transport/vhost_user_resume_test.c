/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back-end that is gone in the middle, and another one that goes on where it was: no request is lost, none is answered
 * twice. "vhost_user_resume_test SOCKET split|packed [mute]" does it with whoever listens there, by hanging up and coming
 * back; mute: never notifies it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vblk/device.h>
#include <vblk/memory.h>
#include <vblk/spec.h>
#include <vblk/store.h>
#include <vblk/vhost_user_backend.h>

#include "vhost_user_msg.h"

#define RAM 0x100000u
#define GUEST 0x40000000u
#define USER 0x7000000u
#define SIZE 16u
#define DRIVER_AREA 0x4000u
#define DEVICE_AREA 0x8000u
#define SLOTS 5u /* three descriptors each */
#define PIECE (RAM / 16)
#define REGIONS 9u

struct front {
    uint8_t *ram;
    int fd, sock, kick, call, inflight;
    uint64_t inflight_size;
    bool packed, mute;
    uint16_t avail, used;          /* split: positions; packed: slots */
    bool avail_wrap, used_wrap;
    bool out[SLOTS];
    unsigned sent, answered;
    struct rig *rig; /* NULL: the back-end is another process */
};

struct rig {
    struct front front;
    struct vblk_behaviour behaviour;
    struct vblk_memory *mem;
    struct vblk_store *store;
    struct vblk_device *device;
    struct vblk_vhost_user_backend *back;
};

static void settle(const struct front *f)
{
    vblk_err err = VBLK_OK;

    while (f->rig != NULL && err == VBLK_OK)
        err = vblk_vhost_user_backend_run(f->rig->back, 0);
    if (err == VBLK_E_GONE)
        fail_msg("%s", vblk_vhost_user_backend_why(f->rig->back));
}

/* ---- a front-end ---- */

static void tell(const struct front *f, struct vu_msg *m, const int *fds, size_t count)
{
    assert_int_equal(vu_send(f->sock, m, fds, count, vu_now() + 1000), VBLK_OK);
    settle(f);
}

static void tell_u64(const struct front *f, enum vu_request request, uint64_t value)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.u64 = value;
    tell(f, &m, NULL, 0);
}

static void tell_fd(const struct front *f, enum vu_request request, int fd)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    tell(f, &m, &fd, 1);
}

static struct vu_region piece(uint32_t i, uint32_t of)
{
    return (struct vu_region){ GUEST + i * PIECE, i + 1 < of ? PIECE : RAM - i * PIECE, USER + i * PIECE, i * PIECE };
}

static void share_table(const struct front *f)
{
    const int fds[VU_FDS_MAX] = { f->fd, f->fd, f->fd, f->fd, f->fd, f->fd, f->fd, f->fd };
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_MEM_TABLE);
    m.head.size = sizeof(m.body.table);
    m.body.table.count = VU_FDS_MAX;
    for (uint32_t i = 0; i < VU_FDS_MAX; i++)
        m.body.table.region[i] = piece(i, VU_FDS_MAX);
    tell(f, &m, fds, VU_FDS_MAX);
}

/* In nine pieces, and one that comes and goes; or in eight at once. */
static void share(const struct front *f)
{
    struct vu_msg m;

    if (f->sent % 2 == 1) {
        share_table(f);
        return;
    }
    for (uint32_t i = 0; i < REGIONS; i++) {
        vu_msg_init(&m, VU_ADD_MEM_REG);
        m.body.mem.region = piece(i, REGIONS);
        tell(f, &m, &f->fd, 1);
        m.body.mem.region.gpa += RAM;
        m.body.mem.region.user += RAM;
        tell(f, &m, &f->fd, 1);
        m.head.request = VU_REM_MEM_REG;
        tell(f, &m, NULL, 0);
    }
}

/* Across the end of a piece. */
static uint32_t room(uint32_t id)
{
    return (id + 1) * PIECE - 24;
}

static void ask_for_record(struct front *f)
{
    struct vu_msg m;
    struct vu_fds fds;

    vu_msg_init(&m, VU_GET_INFLIGHT_FD);
    m.body.inflight.queues = 1;
    m.body.inflight.queue_size = SIZE;
    tell(f, &m, NULL, 0);
    assert_int_equal(vu_recv_fds(f->sock, &m, &fds, vu_now() + 1000), VBLK_OK);
    assert_int_equal(fds.count, 1);
    f->inflight = fds.fd[0];
    f->inflight_size = m.body.inflight.size;
}

static void give_record(const struct front *f)
{
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_INFLIGHT_FD);
    m.body.inflight = (struct vu_inflight){ .size = f->inflight_size, .queues = 1, .queue_size = SIZE };
    tell(f, &m, &f->inflight, 1);
}

/* INFLIGHT, MEM_SLOTS and CONFIG are all that is needed. */
#define PROTOCOL (VBLK_BIT(VU_PROTOCOL_INFLIGHT) | VBLK_BIT(VU_PROTOCOL_MEM_SLOTS) | VBLK_BIT(VU_PROTOCOL_CONFIG))

static void ask(const struct front *f, enum vu_request request, uint32_t size)
{
    struct vu_msg m;

    vu_msg_init(&m, request);
    m.body.config.size = size;
    m.head.size = size > 0 ? VU_CONFIG_HEAD + size : 0;
    tell(f, &m, NULL, 0);
    assert_int_equal(vu_recv(f->sock, &m, vu_now() + 1000), VBLK_OK);
}

static void start(struct front *f, uint32_t base)
{
    const uint64_t packed = f->packed ? VBLK_BIT(VBLK_F_RING_PACKED) : 0;
    struct vu_msg m;

    tell_u64(f, VU_SET_PROTOCOL_FEATURES, PROTOCOL);
    ask(f, VU_GET_FEATURES, 0);
    ask(f, VU_GET_CONFIG, 60);
    tell_u64(f, VU_SET_FEATURES, VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VU_F_PROTOCOL_FEATURES) | packed);
    share(f);
    if (f->inflight == -1)
        ask_for_record(f);
    if (f->inflight_size > 0)
        give_record(f);
    tell_u64(f, VU_SET_VRING_NUM, (uint64_t)SIZE << 32);
    tell_u64(f, VU_SET_VRING_BASE, (uint64_t)base << 32);
    vu_msg_init(&m, VU_SET_VRING_ADDR);
    m.body.addr = (struct vu_vring_addr){ .desc = USER, .avail = USER + DRIVER_AREA, .used = USER + DEVICE_AREA };
    tell(f, &m, NULL, 0);
    tell_fd(f, VU_SET_VRING_CALL, f->call);
    tell_fd(f, VU_SET_VRING_KICK, f->kick);
    tell_u64(f, VU_SET_VRING_ENABLE, UINT64_C(1) << 32);
}

/* Where the ring stands, as far as a front-end can know it. */
static uint32_t known_base(const struct front *f)
{
    const uint32_t place = f->used | (f->used_wrap ? 0x8000u : 0);

    return f->packed ? place | place << 16 : f->used;
}

/* ---- a driver ---- */

static void put(const struct front *f, uint32_t at, const void *bytes, size_t len)
{
    memcpy(f->ram + at, bytes, len);
}

static uint16_t get16(const struct front *f, uint32_t at)
{
    return __atomic_load_n((const uint16_t *)(const void *)(f->ram + at), __ATOMIC_ACQUIRE);
}

static void put16(const struct front *f, uint32_t at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)(f->ram + at), value, __ATOMIC_RELEASE);
}

static void describe(struct front *f, uint16_t id, uint32_t n, uint64_t addr, uint32_t len, unsigned flags)
{
    const unsigned marks = f->avail_wrap ? VBLK_DESC_AVAIL : VBLK_DESC_USED;
    const struct vblk_packed_desc packed = { vblk_put64(addr), vblk_put32(len), vblk_put16(id),
                                             vblk_put16((uint16_t)(flags | marks)) };
    const struct vblk_desc split = { vblk_put64(addr), vblk_put32(len), vblk_put16((uint16_t)flags),
                                     vblk_put16((uint16_t)(3u * id + n + 1)) };

    if (!f->packed) {
        put(f, 16 * (3u * id + n), &split, sizeof(split));
        return;
    }
    put(f, 16u * f->avail, &packed, sizeof(packed) - (n == 0 ? 2 : 0));
    f->avail = (uint16_t)((f->avail + 1u) % SIZE);
    f->avail_wrap ^= f->avail == 0;
}

/* A write of the sector that is its number. */
static void submit(struct front *f)
{
    const struct vblk_request_header header = { .type = vblk_put32(VBLK_T_OUT), .sector = vblk_put64(f->sent) };
    const uint16_t head = f->avail;
    const bool wrap = f->avail_wrap;
    uint16_t id = 0;

    while (id < SLOTS && f->out[id])
        id++;
    assert_true(id < SLOTS);
    put(f, room(id), &header, sizeof(header));
    memset(f->ram + room(id) + 16, (int)f->sent, VBLK_SECTOR);
    f->ram[room(id) + 600] = 0xff;
    describe(f, id, 0, GUEST + room(id), 16, VBLK_DESC_NEXT);
    describe(f, id, 1, GUEST + room(id) + 16, VBLK_SECTOR, VBLK_DESC_NEXT);
    describe(f, id, 2, GUEST + room(id) + 600, 1, VBLK_DESC_WRITE);
    if (f->packed) {
        put16(f, 16u * head + 14, (uint16_t)(VBLK_DESC_NEXT | (wrap ? VBLK_DESC_AVAIL : VBLK_DESC_USED)));
    } else {
        put16(f, DRIVER_AREA + 4 + 2u * (f->avail % SIZE), (uint16_t)(3u * id));
        put16(f, DRIVER_AREA + 2, ++f->avail);
    }
    f->out[id] = true;
    f->sent++;
    if (!f->mute)
        assert_int_equal(write(f->kick, &(uint64_t){ 1 }, 8), 8);
}

/* @return SLOTS: nothing came. */
static uint16_t next_answer(struct front *f)
{
    uint16_t id;

    if (!f->packed) {
        if (get16(f, DEVICE_AREA + 2) == f->used)
            return SLOTS;
        return get16(f, DEVICE_AREA + 4 + 8u * (f->used++ % SIZE)) / 3u;
    }
    if ((get16(f, 16u * f->used + 14) & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) !=
        (f->used_wrap ? VBLK_DESC_AVAIL | VBLK_DESC_USED : 0))
        return SLOTS;
    id = get16(f, 16u * f->used + 12);
    f->used_wrap ^= f->used + 3u >= SIZE;
    f->used = (uint16_t)((f->used + 3u) % SIZE);
    return id;
}

static void reap(struct front *f)
{
    uint16_t id;

    while ((id = next_answer(f)) != SLOTS) {
        assert_true(id < SLOTS && f->out[id]); /* not twice */
        assert_int_equal(f->ram[room(id) + 600], VBLK_S_OK);
        f->out[id] = false;
        f->answered++;
    }
}

static void wait_for_all(struct front *f)
{
    struct pollfd p = { .fd = f->call, .events = POLLIN };
    uint64_t count;

    settle(f);
    reap(f);
    while (f->rig == NULL && f->answered != f->sent && poll(&p, 1, 5000) == 1) {
        assert_int_equal(read(f->call, &count, 8), 8);
        reap(f);
    }
    assert_int_equal(f->answered, f->sent);
}

static void open_front(struct front *f, bool packed)
{
    f->fd = memfd_create("ram", MFD_CLOEXEC);
    assert_int_equal(ftruncate(f->fd, RAM), 0);
    f->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    assert_true(f->ram != MAP_FAILED);
    f->kick = eventfd(0, EFD_CLOEXEC);
    f->call = eventfd(0, EFD_CLOEXEC);
    f->inflight = -1;
    f->packed = packed;
    f->avail_wrap = f->used_wrap = packed;
}

static void close_front(struct front *f)
{
    munmap(f->ram, RAM);
    close(f->fd);
    close(f->kick);
    close(f->call);
    close(f->inflight);
    close(f->sock);
}

/* ---- back-ends that die ---- */

static void one_is_never_answered(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    if (id != 0)
        vblk_reference_put_used(device, queue, id, len);
}

static void be_born(struct rig *r)
{
    struct vblk_vhost_user_backend_options how = { .timeout_ms = 50 };
    struct vblk_device_options options;
    struct vblk_backend disk = vblk_store_backend(r->store);
    int pair[2];

    vblk_device_defaults(&options);
    options.features |= vblk_device_ring_features();
    options.behaviour = &r->behaviour;
    r->mem = vblk_memory_new();
    r->device = vblk_device_new(&options, r->mem, &disk, NULL);
    r->back = vblk_vhost_user_backend_new(r->device, r->mem, &how);
    assert_non_null(r->back);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    r->front.sock = pair[0];
    r->front.rig = r;
    assert_int_equal(vblk_vhost_user_backend_attach(r->back, pair[1]), VBLK_OK);
}

/* What it had taken is forgotten with it. */
static void die(struct rig *r)
{
    vblk_vhost_user_backend_free(r->back);
    vblk_device_free(r->device);
    vblk_memory_free(r->mem);
    close(r->front.sock);
}

static void each_format(void (*test)(struct rig *r))
{
    for (int packed = 0; packed < 2; packed++) {
        struct vblk_device_options options;
        struct rig *r = test_calloc(1, sizeof(*r));

        vblk_device_defaults(&options);
        r->store = vblk_store_new(options.capacity);
        open_front(&r->front, packed != 0);
        be_born(r);
        test(r);
        die(r);
        r->front.sock = -1;
        close_front(&r->front);
        vblk_store_free(r->store);
        test_free(r);
    }
}

static void send_some(struct front *f, unsigned count)
{
    while (count-- > 0) {
        submit(f);
        wait_for_all(f);
    }
}

static void goes_on_from_any_base(struct rig *r)
{
    struct front *f = &r->front;

    f->inflight = -2; /* no record is asked for */
    start(f, 0);
    for (unsigned turn = 1; turn < 12; turn++) {
        send_some(f, turn);
        die(r);
        be_born(r);
        start(f, known_base(f));
    }
    send_some(f, 12);
}

static void base__is_where_the_next_one_goes_on(void **state)
{
    (void)state;
    each_format(goes_on_from_any_base);
}

static void takes_again(struct rig *r)
{
    struct front *f = &r->front;

    start(f, 0);
    send_some(f, 7);
    for (unsigned turn = 1; turn <= SLOTS; turn++) {
        vblk_device_hold(r->device, true);
        for (unsigned i = 0; i < turn; i++)
            submit(f);
        settle(f);
        reap(f);
        assert_int_equal(f->sent - f->answered, turn);
        die(r);
        be_born(r);
        start(f, f->packed ? 0 : known_base(f)); /* a packed ring's place is in the record */
        wait_for_all(f);
        send_some(f, turn);
    }
}

static void requests_in_flight__are_taken_again(void **state)
{
    (void)state;
    each_format(takes_again);
}

/* What is in flight is not what lies in the ring next. */
static void takes_the_oldest_again(struct rig *r)
{
    struct front *f = &r->front;

    for (unsigned turn = 0; turn < 9; turn++) {
        r->behaviour.put_used = one_is_never_answered;
        if (turn > 0)
            die(r);
        if (turn > 0)
            be_born(r);
        start(f, f->packed ? 0 : known_base(f));
        for (unsigned i = 0; i < SLOTS; i++)
            submit(f);
        settle(f);
        reap(f);
        assert_int_equal(f->sent - f->answered, 1);
        r->behaviour.put_used = NULL;
        die(r);
        be_born(r);
        start(f, f->packed ? 0 : known_base(f));
        wait_for_all(f);
        send_some(f, turn);
    }
}

static void requests_passed_by__are_taken_again(void **state)
{
    (void)state;
    each_format(takes_the_oldest_again);
}

/* A record is a stranger's word: nothing in it does harm. */
static void survives_noise(struct rig *r)
{
    struct front *f = &r->front;
    uint8_t *record;
    uint32_t seed = 1;

    start(f, 0);
    send_some(f, 3);
    record = mmap(NULL, f->inflight_size, PROT_READ | PROT_WRITE, MAP_SHARED, f->inflight, 0);
    assert_true(record != MAP_FAILED);
    for (unsigned turn = 0; turn < 300; turn++) {
        vblk_err err = VBLK_OK;

        for (uint32_t i = turn % 3 == 0 ? 0 : 12; i < f->inflight_size; i++) {
            seed = seed * 1664525u + 1013904223u;
            record[i] = (uint8_t)(turn % 2 ? (seed >> 24) % 17 : seed >> 24);
        }
        die(r);
        be_born(r);
        start(f, 0);
        while (err == VBLK_OK)
            err = vblk_vhost_user_backend_run(r->back, 0);
    }
    munmap(record, f->inflight_size);
}

static void noise_in_a_record__is_survived(void **state)
{
    (void)state;
    each_format(survives_noise);
}

/* ---- with another process ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    return connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

static const char *peer;
static bool peer_packed;

static void a_back_end__goes_on_when_its_front_end_comes_back(void **state)
{
    struct front f = { .sent = 0 };

    (void)state;
    open_front(&f, peer_packed);
    f.inflight = -2;
    for (unsigned turn = 0; turn < 4; turn++) {
        f.sock = connect_to(peer);
        assert_true(f.sock >= 0);
        start(&f, turn == 0 ? 0 : known_base(&f));
        send_some(&f, 9);
        if (turn < 3)
            close(f.sock);
    }
    close_front(&f);
}

static void a_driver_that_never_notifies__waits_in_vain(void **state)
{
    struct front f = { .mute = true };
    struct pollfd p = { .events = POLLIN };

    (void)state;
    open_front(&f, peer_packed);
    f.inflight = -2;
    f.sock = connect_to(peer);
    assert_true(f.sock >= 0);
    start(&f, 0);
    ask(&f, VU_GET_FEATURES, 0); /* by now the ring was looked at for the first time */
    submit(&f);
    p.fd = f.call;
    assert_int_equal(poll(&p, 1, 800), 0);
    close_front(&f);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(base__is_where_the_next_one_goes_on),
        cmocka_unit_test(requests_in_flight__are_taken_again),
        cmocka_unit_test(requests_passed_by__are_taken_again),
        cmocka_unit_test(noise_in_a_record__is_survived),
    };
    static const struct CMUnitTest with_another[] = {
        cmocka_unit_test(a_back_end__goes_on_when_its_front_end_comes_back),
    };

    if (argc < 3)
        return cmocka_run_group_tests(tests, NULL, NULL);
    const struct CMUnitTest silent[] = { cmocka_unit_test(a_driver_that_never_notifies__waits_in_vain) };

    peer = argv[1];
    peer_packed = strcmp(argv[2], "packed") == 0;
    return argc > 3 ? cmocka_run_group_tests(silent, NULL, NULL) : cmocka_run_group_tests(with_another, NULL, NULL);
}
