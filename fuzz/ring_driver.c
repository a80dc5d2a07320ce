/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lawful driver against a device made of arbitrary bytes: it survives, in bounded work, and is never blamed.
 * Input: a byte of HARNESS_* settings, what the device announces, then what the driver is asked for and, within each
 * kick, what the device does.
 */
#include <stdlib.h>

#include <vblk/device.h>
#include <vblk/driver.h>

#include "harness.h"
#include "input.h"

#define GPA 0x10000u
#define SIZE 0x40000u
#define CALLS_MAX 64u
#define ACTIONS_MAX 8u /* within one kick */
#define SECTORS_MAX 64u
#define WAIT_MS 5u

struct lair {
    struct harness h;
    struct input in;
    struct vblk_puppet tables;
    struct vblk_driver *driver;
    uint16_t taken[64], used[64]; /* by queue */
    uint8_t buf[SECTORS_MAX * VBLK_SECTOR];
};

/* ---- the device ---- */

static uint64_t reg_of(struct vblk_port *port, enum vblk_reg reg, uint16_t queue)
{
    return vblk_puppet_reg(port, reg, queue);
}

static uint16_t size_of(struct vblk_port *port, uint16_t queue)
{
    const uint16_t size = (uint16_t)reg_of(port, VBLK_REG_QUEUE_SIZE, queue);

    return size ? size : 1;
}

/* The last writable byte of the chain, and what it holds in all. */
static bool last_byte(struct lair *lair, uint16_t queue, uint16_t head, uint64_t *at, uint32_t *total)
{
    const uint64_t table = reg_of(lair->h.port, VBLK_REG_QUEUE_DESC, queue);
    struct vblk_desc desc = { .next = vblk_put16(head) };
    bool found = false;

    *total = 0;
    for (unsigned i = 0; i < size_of(lair->h.port, queue); i++) {
        if (vblk_memory_read(lair->h.mem, VBLK_DEVICE, table + 16u * vblk_get16(desc.next), &desc, sizeof(desc)))
            break;
        if ((vblk_get16(desc.flags) & VBLK_DESC_WRITE) && vblk_get32(desc.len)) {
            *at = vblk_get64(desc.addr) + vblk_get32(desc.len) - 1;
            *total += vblk_get32(desc.len);
            found = true;
        }
        if (!(vblk_get16(desc.flags) & VBLK_DESC_NEXT))
            break;
    }
    return found;
}

static void put_elem(struct lair *lair, uint16_t queue, uint32_t id, uint32_t len)
{
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };
    const uint64_t ring = reg_of(lair->h.port, VBLK_REG_QUEUE_DEVICE, queue);

    (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE,
                             ring + 4 + 8u * (lair->used[queue % 64] % size_of(lair->h.port, queue)), &elem,
                             sizeof(elem));
    lair->used[queue % 64]++;
}

static void put_index(struct lair *lair, uint16_t queue, uint16_t idx)
{
    vblk_memory_barrier(lair->h.mem, VBLK_DEVICE, VBLK_RELEASE);
    lair->used[queue % 64] = idx;
    (void)!vblk_memory_store16(lair->h.mem, VBLK_DEVICE, reg_of(lair->h.port, VBLK_REG_QUEUE_DEVICE, queue) + 2,
                               VBLK_RELEASE, idx);
}

/* Answer the next available request; each number is added to what would be right. */
static void act_answer(struct lair *lair, uint16_t queue)
{
    const uint8_t status = input_byte(&lair->in);
    const uint32_t id = (uint32_t)input_number(&lair->in), len = (uint32_t)input_number(&lair->in);
    const uint64_t avail = reg_of(lair->h.port, VBLK_REG_QUEUE_DRIVER, queue);
    const uint16_t slot = lair->taken[queue % 64];
    uint16_t idx, head;
    uint64_t at;
    uint32_t total;

    if (vblk_memory_load16(lair->h.mem, VBLK_DEVICE, avail + 2, VBLK_ACQUIRE, &idx) || idx == slot ||
        vblk_memory_load16(lair->h.mem, VBLK_DEVICE, avail + 4 + 2u * (slot % size_of(lair->h.port, queue)),
                           VBLK_RELAXED, &head))
        return;
    lair->taken[queue % 64]++;
    if (last_byte(lair, queue, head, &at, &total))
        (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, at, &status, 1);
    put_elem(lair, queue, head + id, total + len);
    put_index(lair, queue, lair->used[queue % 64]);
    vblk_port_notified(lair->h.port, VBLK_EV_USED_NOTIFY, queue);
}

static void act_elem(struct lair *lair, uint16_t queue)
{
    const uint32_t id = (uint32_t)input_number(&lair->in);

    put_elem(lair, queue, id, (uint32_t)input_number(&lair->in));
}

static void act_index(struct lair *lair, uint16_t queue)
{
    put_index(lair, queue, (uint16_t)(lair->used[queue % 64] + input_number(&lair->in)));
}

static void act_flags(struct lair *lair, uint16_t queue)
{
    (void)!vblk_memory_store16(lair->h.mem, VBLK_DEVICE, reg_of(lair->h.port, VBLK_REG_QUEUE_DEVICE, queue),
                               VBLK_RELAXED, (uint16_t)input_number(&lair->in));
}

/* Anywhere, where that can be seen: else nobody could tell whose doing it is. */
static void act_store(struct lair *lair, uint16_t queue)
{
    const uint8_t part = input_byte(&lair->in) % 4;
    const uint64_t offset = input_number(&lair->in);
    uint64_t len = input_byte(&lair->in);
    const uint8_t *bytes = input_take(&lair->in, &len);
    const uint64_t base = part == 3 ? GPA : reg_of(lair->h.port, (enum vblk_reg)(VBLK_REG_QUEUE_DESC + part), queue);

    if (!(lair->h.options.sees & VBLK_SEES_DEVICE_STORES))
        return;
    (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, base + offset, bytes, (size_t)len);
}

static void act_notify(struct lair *lair, uint16_t queue)
{
    const uint8_t what = input_byte(&lair->in);

    vblk_port_notified(lair->h.port, what & 1 ? VBLK_EV_CONFIG_NOTIFY : VBLK_EV_USED_NOTIFY,
                       what & 2 ? what / 4 : queue);
}

static void act_show(struct lair *lair, uint16_t queue)
{
    const uint8_t reg = input_byte(&lair->in) % VBLK_REG_COUNT;

    (void)!vblk_puppet_show(lair->h.port, (enum vblk_reg)reg, queue, input_number(&lair->in));
}

/* The device changes its configuration: not an access of the driver's, so not through vblk_port_write_config(). */
static void act_config(struct lair *lair, uint16_t queue)
{
    const uint8_t offset = input_byte(&lair->in);
    const uint64_t value = input_number(&lair->in);

    (void)queue;
    (void)!lair->h.port->ops->write_config(lair->h.port, offset, &value, 1);
}

static void (*const actions[])(struct lair *lair, uint16_t queue) = {
    act_answer, act_elem, act_index, act_flags, act_store, act_notify, act_show, act_config,
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* A byte of ACTIONS or more ends the kick, and so does the end of the input. */
static void on_kick(void *ctx, struct vblk_port *port, uint16_t queue)
{
    struct lair *lair = ctx;

    (void)port;
    for (unsigned i = 0; i < ACTIONS_MAX && input_left(&lair->in); i++) {
        const uint8_t action = input_byte(&lair->in);

        if (action >= ACTIONS)
            return;
        actions[action](lair, queue);
    }
}

/* ---- the driver ---- */

static void call_start(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    memset(lair->taken, 0, sizeof(lair->taken));
    memset(lair->used, 0, sizeof(lair->used));
    (void)!vblk_driver_start(lair->driver);
}

static void call_read(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)vblk_driver_read(lair->driver, sector, lair->buf, count % (SECTORS_MAX + 1));
}

static void call_write(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)vblk_driver_write(lair->driver, sector, lair->buf, count % (SECTORS_MAX + 1));
}

static void call_flush(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)vblk_driver_flush(lair->driver);
}

static void call_identity(struct lair *lair, uint64_t sector, uint64_t count)
{
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];

    (void)sector;
    if (count & 1)
        (void)vblk_driver_get_id(lair->driver, id);
    else
        (void)vblk_driver_lifetime(lair->driver, &lifetime);
}

/* Ranges of any size: how many requests they become is up to the device's limits, so few of them. */
static void call_range(struct lair *lair, uint64_t sector, uint64_t count)
{
    switch (sector % 4) {
    case 0:
        (void)vblk_driver_discard(lair->driver, sector / 4, count);
        break;
    case 1:
        (void)vblk_driver_write_zeroes(lair->driver, sector / 4, count, count & 1);
        break;
    case 2:
        (void)vblk_driver_secure_erase(lair->driver, sector / 4, count);
        break;
    default:
        (void)vblk_driver_provision(lair->driver, sector / 4, count);
    }
}

static void call_stop(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)!vblk_driver_stop(lair->driver);
}

/* What the device does on its own between two calls. */
static void call_device(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)count;
    on_kick(lair, lair->h.port, (uint16_t)(sector % 4));
}

static void (*const calls[])(struct lair *lair, uint64_t sector, uint64_t count) = {
    call_start, call_read, call_write, call_flush, call_identity, call_range, call_stop, call_device,
};

static void announce(struct lair *lair)
{
    struct vblk_puppet *t = &lair->tables;

    /* Ring features: when the judge reads them. */
    t->features = input_number(&lair->in) & ~(vblk_device_ring_features() | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA));
    t->num_queues = (uint16_t)input_up_to(&lair->in, 8);
    t->queue_max = (uint16_t)input_number(&lair->in);
    t->config_length = (uint32_t)input_up_to(&lair->in, 96);
    for (uint32_t i = 0; i < t->config_length; i++)
        t->config[i] = input_byte(&lair->in);
}

static void drive(struct lair *lair)
{
    harness_tell(&lair->h, VBLK_EV_CASE_BEGIN);
    call_start(lair, 0, 0);
    for (unsigned i = 0; i < CALLS_MAX && input_left(&lair->in); i++) {
        const uint8_t call = input_byte(&lair->in) % (sizeof(calls) / sizeof(calls[0]));
        const uint64_t sector = input_number(&lair->in);

        calls[call](lair, sector, input_number(&lair->in));
    }
    harness_tell(&lair->h, VBLK_EV_CASE_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    struct lair *lair = calloc(1, sizeof(*lair));
    struct vblk_driver_options options = {
        .profile = *vblk_profile_default(), .features = UINT64_MAX, .arena = { GPA, SIZE }, .wait_ms = WAIT_MS
    };
    uint8_t settings;

    if (!lair)
        return 0;
    lair->in = (struct input){ data, size, 0 };
    settings = input_byte(&lair->in) | HARNESS_JUDGE_DRIVER;
    announce(lair);
    options.queues = (uint16_t)input_up_to(&lair->in, 4);
    harness_open(&lair->h, &region, 1);
    harness_listen(&lair->h, vblk_puppet_new(lair->h.mem), &options.profile, settings);
    lair->driver = vblk_driver_new(lair->h.port, &options);
    if (lair->driver && !vblk_puppet_configure(lair->h.port, &lair->tables) &&
        !vblk_puppet_on_kick(lair->h.port, on_kick, lair))
        drive(lair);
    vblk_driver_free(lair->driver);
    harness_check_list(&lair->h);
    harness_innocent(&lair->h, VBLK_DRIVER);
    harness_close(&lair->h);
    free(lair);
    return 0;
}
