/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One stream of requests, random but seeded, over every kind of ring: the reference driver and the reference device
 * come to the same statuses, the same data and the same disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)

#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x200000)
#define CAPACITY 512u /* sectors */
#define QUEUES 2u
#define ROUNDS 2500u
#define BATCH 4u       /* requests in flight, each of four elements */
#define SECTORS_MAX 6u /* of one request; two segments of data */
#define SLOT 8192u     /* bytes of one request in flight */

/* What a run came to, request by request. */
struct transcript {
    uint32_t status[ROUNDS * BATCH];
    uint32_t count;
    uint64_t data; /* a hash of what was read */
    uint8_t disk[CAPACITY * VBLK_SECTOR];
};

struct run {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct transcript *out;
    uint64_t state;
    uint64_t features;
};

/* One request of a batch. */
struct flying {
    uint64_t at; /* header, data, status */
    uint32_t len;
    bool in;
    uint16_t id;
    bool back;
};

static uint64_t draw(struct run *run, uint64_t below)
{
    uint64_t z = run->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static void hash(uint64_t *sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *sum = (*sum ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void note(struct run *run, uint32_t status)
{
    assert_in_range(run->out->count, 0, ROUNDS * BATCH - 1);
    run->out->status[run->out->count++] = status;
}

static void open_run(struct run *run, uint64_t features, struct transcript *out)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    struct vblk_driver_options options = { .features = UINT64_MAX, .arena = { BASE, BYTES }, .queues = QUEUES };
    struct vblk_device_options device;

    *run = (struct run){ .out = out, .state = 20260, .features = features };
    vblk_device_defaults(&device);
    device.features |= features;
    device.capacity = CAPACITY;
    device.queue_max = features & F(RING_PACKED) ? 19 : 16;
    device.size_max = 3 * VBLK_SECTOR;
    device.seg_max = 2;
    options.profile = device.profile;
    run->mem = vblk_memory_new();
    assert_non_null(run->mem);
    OK(vblk_memory_add(run->mem, &region));
    run->port = vblk_builtin_new(&device, run->mem, NULL);
    assert_non_null(run->port);
    run->driver = vblk_driver_new(run->port, &options);
    assert_non_null(run->driver);
    OK(vblk_driver_start(run->driver));
    assert_int_equal(vblk_driver_features(run->driver) & vblk_device_ring_features(), features);
}

static void close_run(struct run *run)
{
    vblk_driver_free(run->driver);
    vblk_port_close(run->port);
    vblk_memory_free(run->mem);
}

/* Blocking calls, one after the other. */
static struct vblk_answer call(struct run *run, uint64_t sector, uint64_t count)
{
    uint8_t buf[16 * VBLK_SECTOR] = { 0 };
    const uint8_t seed = (uint8_t)draw(run, 256);
    struct vblk_answer answer;
    char id[VBLK_ID_BYTES + 1];

    switch (draw(run, 9)) {
    case 0:
        return vblk_driver_flush(run->driver);
    case 1:
        return vblk_driver_discard(run->driver, sector, count);
    case 2:
        return vblk_driver_write_zeroes(run->driver, sector, count, seed & 1);
    case 3:
        return vblk_driver_provision(run->driver, sector, count);
    case 4:
        return vblk_driver_secure_erase(run->driver, sector, count);
    case 5:
        answer = vblk_driver_get_id(run->driver, id);
        hash(&run->out->data, (const uint8_t *)id, sizeof(id));
        return answer;
    case 6:
    case 7:
        vblk_pattern(seed, 0, buf, count * VBLK_SECTOR);
        return vblk_driver_write(run->driver, sector, buf, count);
    default:
        answer = vblk_driver_read(run->driver, sector, buf, count);
        hash(&run->out->data, buf, sizeof(buf));
        return answer;
    }
}

static void one_call(struct run *run)
{
    const struct vblk_answer answer = call(run, draw(run, CAPACITY), 1 + draw(run, 16));

    assert_true(answer.err == VBLK_OK || answer.err == VBLK_E_INVAL); /* past the end: the driver refuses that */
    note(run, (uint32_t)answer.err << 16 | answer.pieces << 8 | answer.status);
}

/* Lay out a request, lawful or not in what it asks for, in elements of header | data | data | status. */
static void lay_out(struct run *run, struct flying *f)
{
    const uint32_t types[] = {
        VBLK_T_IN,           VBLK_T_OUT,    VBLK_T_OUT,          VBLK_T_IN, VBLK_T_FLUSH, VBLK_T_DISCARD,
        VBLK_T_WRITE_ZEROES, VBLK_T_GET_ID, VBLK_T_GET_LIFETIME, 77,        vblk_profile_default()->provision_type,
    };
    const uint32_t type = types[draw(run, sizeof(types) / sizeof(types[0]))];
    const uint64_t sector = draw(run, CAPACITY + 8); /* some end past the last one */
    const struct vblk_request_header header = { .type = vblk_put32(type), .sector = vblk_put64(sector) };
    const struct vblk_segment segment = { vblk_put64(sector), vblk_put32((uint32_t)draw(run, 20)),
                                          vblk_put32((uint32_t)draw(run, 2)) };
    const uint8_t seed = (uint8_t)draw(run, 256), poison = 0xff;
    const uint32_t sectors = 1 + (uint32_t)draw(run, SECTORS_MAX);
    uint8_t buf[SECTORS_MAX * VBLK_SECTOR];

    f->in = type == VBLK_T_IN || type == VBLK_T_GET_ID || type == VBLK_T_GET_LIFETIME;
    f->len = type == VBLK_T_IN || type == VBLK_T_OUT ? sectors * VBLK_SECTOR
             : type == VBLK_T_GET_ID                 ? VBLK_ID_BYTES
             : type == VBLK_T_FLUSH                  ? 0
                                                     : 16;
    memset(buf, 0, sizeof(buf));
    if (type == VBLK_T_OUT)
        vblk_pattern(seed, 0, buf, f->len);
    else if (!f->in)
        memcpy(buf, &segment, sizeof(segment));
    OK(vblk_memory_write(run->mem, VBLK_DRIVER, f->at, &header, sizeof(header)));
    OK(vblk_memory_write(run->mem, VBLK_DRIVER, f->at + 16, buf, sizeof(buf)));
    OK(vblk_memory_write(run->mem, VBLK_DRIVER, f->at + 16 + f->len, &poison, 1));
}

static void add(struct run *run, uint16_t queue, struct flying *f)
{
    struct vblk_element elements[4] = { { f->at, 16, false } };
    const uint32_t half = f->len / 2;
    uint32_t n = 1;

    if (f->len) {
        elements[n++] = (struct vblk_element){ f->at + 16, half, f->in };
        elements[n++] = (struct vblk_element){ f->at + 16 + half, f->len - half, f->in };
    }
    elements[n++] = (struct vblk_element){ f->at + 16 + f->len, 1, true };
    OK(vblk_driver_add(run->driver, queue, elements, n, &f->id));
}

static void settle(struct run *run, const struct flying *f)
{
    uint8_t buf[SECTORS_MAX * VBLK_SECTOR + 1];

    OK(vblk_memory_read(run->mem, VBLK_DRIVER, f->at + 16, buf, f->len + 1));
    note(run, buf[f->len]);
    if (f->in && buf[f->len] == VBLK_S_OK)
        hash(&run->out->data, buf, f->len);
}

static void reap(struct run *run, uint16_t queue, struct flying *flying, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t len, i = 0;
        uint16_t id;

        OK(vblk_driver_reap(run->driver, queue, &id, &len));
        while (i < n && (flying[i].back || flying[i].id != id))
            i++;
        assert_in_range(i, 0, n - 1);
        if (run->features & F(IN_ORDER))
            assert_int_equal(i, k);
        flying[i].back = true;
    }
    for (uint32_t i = 0; i < n; i++)
        settle(run, &flying[i]);
}

/* Many in flight, which the device may hold and then answer at once. */
static void one_batch(struct run *run)
{
    const uint16_t queue = (uint16_t)draw(run, QUEUES);
    const uint32_t n = 1 + (uint32_t)draw(run, BATCH), at_once = 1 + (uint32_t)draw(run, n);
    const bool hold = draw(run, 2);
    const uint64_t room = (vblk_driver_room(run->driver).gpa + 63) / 64 * 64;
    struct flying flying[BATCH] = { { 0 } };
    uint32_t len;
    uint16_t id;

    OK(vblk_port_host(run->port, VBLK_HOST_HOLD, hold, 0));
    for (uint32_t i = 0; i < n; i++) {
        flying[i].at = room + i * SLOT;
        lay_out(run, &flying[i]);
        add(run, queue, &flying[i]);
        if (i + 1 == at_once)
            OK(vblk_driver_publish(run->driver, queue, at_once));
    }
    if (n > at_once)
        OK(vblk_driver_publish(run->driver, queue, n - at_once));
    OK(vblk_port_host(run->port, VBLK_HOST_HOLD, 0, 0));
    reap(run, queue, flying, n);
    assert_int_equal(vblk_driver_reap(run->driver, queue, &id, &len), VBLK_E_EMPTY);
}

/* Sectors that fail, a pool that runs out, a reset of one queue. */
static void one_trouble(struct run *run)
{
    const bool sick = draw(run, 2);

    OK(vblk_port_host(run->port, VBLK_HOST_FAIL_SECTORS, draw(run, CAPACITY), sick ? 1 + draw(run, 8) : 0));
    OK(vblk_port_host(run->port, VBLK_HOST_POOL, sick ? draw(run, 64) : UINT64_MAX, 0));
    if (run->features & F(RING_RESET))
        OK(vblk_driver_reset_queue(run->driver, (uint16_t)draw(run, QUEUES)));
    else
        (void)draw(run, QUEUES);
}

static void play(uint64_t features, struct transcript *out)
{
    struct run run;
    uint8_t status;

    memset(out, 0, sizeof(*out));
    open_run(&run, features, out);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (i % 16 == 15)
            one_trouble(&run);
        else if (draw(&run, 3))
            one_batch(&run);
        else
            one_call(&run);
    }
    OK(vblk_port_host(run.port, VBLK_HOST_FAIL_SECTORS, 0, 0));
    status = vblk_driver_read(run.driver, 0, out->disk, CAPACITY).status;
    assert_int_equal(status, VBLK_S_OK);
    close_run(&run);
}

/* Every combination of what decides how a buffer travels. */
static uint64_t flavour(unsigned i)
{
    static const uint64_t choices[] = { F(RING_PACKED), F(INDIRECT_DESC), F(EVENT_IDX), F(IN_ORDER) };
    uint64_t features = i & 1 ? F(RING_RESET) | F(NOTIFICATION_DATA) | F(NOTIF_CONFIG_DATA) : 0;

    for (unsigned bit = 0; bit < 4; bit++)
        features |= i >> (bit + 1) & 1 ? choices[bit] : 0;
    return features;
}

static void same_stream_over_every_ring__same_statuses_and_disk(void **state)
{
    struct transcript *first = calloc(2, sizeof(*first)), *other = first + 1;
    uint32_t statuses[3] = { 0 };

    (void)state;
    assert_non_null(first);
    play(flavour(0), first);
    for (uint32_t i = 0; i < first->count; i++)
        statuses[(first->status[i] & 0xff) % 3]++;
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(statuses[i], 50, ROUNDS * BATCH); /* OK, IOERR and UNSUPP, so that there is something to agree on */
    for (unsigned i = 1; i < 32; i++) {
        play(flavour(i), other);
        if (memcmp(first, other, sizeof(*first)) != 0)
            fail_msg("ring features %#llx: another outcome", (unsigned long long)flavour(i));
    }
    free(first);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_stream_over_every_ring__same_statuses_and_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
