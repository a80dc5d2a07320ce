/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference driver on one thread, the reference device on another, each asleep until the other notifies it: no
 * request and no notification is lost. `transport_threads_test 1000000` runs a million requests over each ring.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <vblk/device.h>
#include <vblk/driver.h>

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)

#define BASE UINT64_C(0x10000)
#define BYTES UINT64_C(0x200000)
#define FLYING 24u /* requests at once */
#define SLOT 1024u
#define PATIENCE_S 60

static uint32_t requests = 100000;

/* A port with a bell at each end; the registers are used before and after the device's thread lives. */
struct wire {
    struct vblk_port port;
    struct vblk_device *device;
    sem_t kicked, answered;
    atomic_bool over;
};

static struct wire *of(struct vblk_port *port)
{
    return (struct wire *)(void *)port;
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    *emulated = false;
    *value = vblk_device_read_reg(of(port)->device, reg, queue);
    return VBLK_OK;
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    *emulated = false;
    vblk_device_write_reg(of(port)->device, reg, queue, value);
    return VBLK_OK;
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    *got = vblk_device_read_config(of(port)->device, offset, buf, len);
    return VBLK_OK;
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    (void)queue, (void)data;
    (void)sem_post(&of(port)->kicked);
    return VBLK_OK;
}

static void close_wire(struct vblk_port *port)
{
    (void)port;
}

static const struct vblk_port_ops wire_ops = {
    .read_reg = read_reg, .write_reg = write_reg, .read_config = read_config, .kick = kick, .close = close_wire
};

static void notified(void *ctx, enum vblk_event_kind kind, uint16_t queue)
{
    struct wire *wire = ctx;

    (void)queue;
    if (kind == VBLK_EV_USED_NOTIFY)
        (void)sem_post(&wire->answered);
}

/* @return false: nobody rang for a long time, so that something was lost. */
static bool sleep_until(sem_t *bell)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (sem_timedwait(bell, &until) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static void *serve(void *ctx)
{
    struct wire *wire = ctx;

    while (sleep_until(&wire->kicked) && !atomic_load(&wire->over))
        vblk_device_kick(wire->device, 0);
    return NULL;
}

/* Writes and reads of 512 bytes in turn, in places of their own; a read gets what the write before it put there. */
static void send(struct vblk_driver *driver, struct vblk_memory *mem, uint64_t room, uint32_t number, uint16_t *id)
{
    const bool in = number & 1;
    const uint64_t at = room + (uint64_t)(number % (2 * FLYING)) * SLOT, sector = number / 2 % 1000;
    const struct vblk_request_header header = { .type = vblk_put32(in ? VBLK_T_IN : VBLK_T_OUT),
                                                .sector = vblk_put64(sector) };
    const struct vblk_element elements[] = { { at, 16, false }, { at + 16, VBLK_SECTOR, in }, { at + 528, 1, true } };
    const uint8_t poison = 0xff;
    const uint32_t mark[2] = { in ? 0 : number, ~number };

    OK(vblk_memory_write(mem, VBLK_DRIVER, at, &header, sizeof(header)));
    OK(vblk_memory_write(mem, VBLK_DRIVER, at + 16, mark, sizeof(mark)));
    OK(vblk_memory_write(mem, VBLK_DRIVER, at + 528, &poison, 1));
    OK(vblk_driver_add(driver, 0, elements, 3, id));
    OK(vblk_driver_publish(driver, 0, 1));
}

static void check(struct vblk_memory *mem, uint64_t room, uint32_t number)
{
    const uint64_t at = room + (uint64_t)(number % (2 * FLYING)) * SLOT;
    uint32_t mark[2];
    uint8_t status;

    OK(vblk_memory_read(mem, VBLK_DRIVER, at + 528, &status, 1));
    assert_int_equal(status, VBLK_S_OK);
    OK(vblk_memory_read(mem, VBLK_DRIVER, at + 16, mark, sizeof(mark)));
    assert_int_equal(mark[0], number & ~1u);
    assert_int_equal(mark[1], ~(number & ~1u));
}

static void drive(struct wire *wire, struct vblk_driver *driver)
{
    const uint64_t room = (vblk_driver_room(driver).gpa + 63) / 64 * 64;
    uint32_t next = 0, number_of[128] = { 0 };
    bool out[2 * FLYING] = { false }; /* by place */

    for (uint32_t done = 0; done < requests;) {
        uint32_t len;
        uint16_t id;
        vblk_err err;

        while (next < requests && next - done < FLYING && !out[next % (2 * FLYING)]) {
            send(driver, wire->port.mem, room, next, &id);
            assert_in_range(id, 0, 127);
            number_of[id] = next;
            out[next++ % (2 * FLYING)] = true;
        }
        err = vblk_driver_reap(driver, 0, &id, &len);
        if (err == VBLK_E_EMPTY) {
            assert_true(sleep_until(&wire->answered));
            continue;
        }
        OK(err);
        assert_true(out[number_of[id] % (2 * FLYING)]);
        check(wire->port.mem, room, number_of[id]);
        out[number_of[id] % (2 * FLYING)] = false;
        done++;
    }
}

static struct vblk_device *make_device(struct wire *wire, struct vblk_store *store, uint64_t features)
{
    const struct vblk_backend disk = vblk_store_backend(store);
    struct vblk_device_options options;

    vblk_device_defaults(&options);
    options.features |= features;
    options.capacity = 1024;
    options.queue_max = features & F(RING_PACKED) ? 100 : 128;
    wire->device = vblk_device_new(&options, wire->port.mem, &disk, NULL);
    assert_non_null(wire->device);
    vblk_device_on_notify(wire->device, notified, wire);
    return wire->device;
}

static struct vblk_driver *start_driver(struct wire *wire, uint64_t features)
{
    struct vblk_driver_options options = { .features = UINT64_MAX, .arena = { BASE, BYTES } };
    struct vblk_driver *driver;

    options.profile = *vblk_profile_default();
    driver = vblk_driver_new(&wire->port, &options);
    assert_non_null(driver);
    OK(vblk_driver_start(driver));
    assert_int_equal(vblk_driver_features(driver) & vblk_device_ring_features(), features);
    return driver;
}

static void on_two_threads(uint64_t features)
{
    const struct vblk_region region = { .gpa = BASE, .size = BYTES, .fd = -1 };
    struct wire wire = { .port = { .ops = &wire_ops, .kind = "wire", .name = "wire" } };
    struct vblk_store *store = vblk_store_new(1024);
    struct vblk_driver *driver;
    pthread_t thread;

    wire.port.mem = vblk_memory_new();
    assert_non_null(wire.port.mem);
    OK(vblk_memory_add(wire.port.mem, &region));
    assert_int_equal(sem_init(&wire.kicked, 0, 0) | sem_init(&wire.answered, 0, 0), 0);
    make_device(&wire, store, features);
    driver = start_driver(&wire, features);
    assert_int_equal(pthread_create(&thread, NULL, serve, &wire), 0);
    drive(&wire, driver);
    atomic_store(&wire.over, true);
    (void)sem_post(&wire.kicked);
    assert_int_equal(pthread_join(thread, NULL), 0);
    vblk_driver_free(driver);
    vblk_device_free(wire.device);
    vblk_store_free(store);
    vblk_memory_free(wire.port.mem);
    (void)sem_destroy(&wire.kicked);
    (void)sem_destroy(&wire.answered);
}

static void driver_and_device_on_two_threads__lose_nothing(void **state)
{
    static const uint64_t flavours[] = {
        0,
        F(EVENT_IDX) | F(INDIRECT_DESC),
        F(EVENT_IDX) | F(IN_ORDER),
        F(RING_PACKED),
        F(RING_PACKED) | F(EVENT_IDX) | F(INDIRECT_DESC),
        F(RING_PACKED) | F(EVENT_IDX) | F(IN_ORDER) | F(NOTIFICATION_DATA),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++)
        on_two_threads(flavours[i]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(driver_and_device_on_two_threads__lose_nothing),
    };

    if (argc > 1)
        requests = (uint32_t)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
