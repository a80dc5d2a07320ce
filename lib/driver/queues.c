/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver's queues (3.1.1 step 7): choose a size, place, zero, enable. */
#include "driver_priv.h"
#include "pace.h"

#include <stdlib.h>

#define ALIGNMENT 64u
#define QUEUE_SIZE_DEFAULT 128u

void driver_close_queues(struct vblk_driver *driver)
{
    for (uint16_t i = 0; i < driver->queues; i++) {
        vblk_ring_close(&driver->queue[i].ring);
        driver_free_tables(&driver->queue[i].tables);
    }
    driver->queues = 0;
    driver->next_queue = 0;
    free(driver->bufs);
    driver->bufs = NULL;
}

/* The largest ring size that neither the device nor we are too small for; 0: none. Split rings: a power of two. */
static uint32_t choose_size(const struct vblk_driver *driver, uint64_t max)
{
    const uint32_t wanted = driver->options.queue_size ? driver->options.queue_size : QUEUE_SIZE_DEFAULT;
    uint32_t size = VBLK_SPLIT_SIZE_MAX;

    if (driver_has(driver, VBLK_F_RING_PACKED) && (wanted < size || max < size))
        return wanted < max ? wanted : (uint32_t)max;
    while (size && (size > wanted || size > max))
        size /= 2;
    return size;
}

vblk_err driver_take_room(struct vblk_driver *driver, uint64_t bytes, uint64_t *gpa)
{
    const uint64_t skip = (0 - driver->room_gpa) % ALIGNMENT;

    if (driver->room < skip || driver->room - skip < bytes)
        return VBLK_E_INVAL;
    *gpa = driver->room_gpa + skip;
    driver->room_gpa += skip + bytes;
    driver->room -= skip + bytes;
    return VBLK_OK;
}

static vblk_err place(struct vblk_driver *driver, uint32_t size, struct vblk_layout *at)
{
    struct vblk_extent areas[VBLK_AREAS];
    vblk_err err;

    *at = (struct vblk_layout){ .size = size, .features = driver->life.accepted,
                                .fault = driver->behaviour->ring };
    vblk_ring_ops_for(at->features)->extents(size, at->features, areas);
    err = driver_take_room(driver, areas[VBLK_AREA_DESC].bytes, &at->desc);
    if (!err)
        err = driver_take_room(driver, areas[VBLK_AREA_DRIVER].bytes, &at->driver);
    return err ? err : driver_take_room(driver, areas[VBLK_AREA_DEVICE].bytes, &at->device);
}

/* 4.1.5.2: its number, or what the device wants it to be called. */
static vblk_err name_queue(struct vblk_driver *driver, uint16_t queue)
{
    uint64_t id = queue;
    vblk_err err = VBLK_OK;

    if (driver_has(driver, VBLK_F_NOTIF_CONFIG_DATA))
        err = vblk_port_read_reg(driver->port, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, queue, &id);
    driver->queue[queue].notify_id = (uint16_t)id;
    return err;
}

static vblk_err enable(struct vblk_driver *driver, uint16_t queue, const struct vblk_layout *at)
{
    const struct {
        enum vblk_reg reg;
        uint64_t value;
    } writes[] = { { VBLK_REG_QUEUE_SIZE, at->size },
                   { VBLK_REG_QUEUE_DESC, at->desc },
                   { VBLK_REG_QUEUE_DRIVER, at->driver },
                   { VBLK_REG_QUEUE_DEVICE, at->device },
                   { VBLK_REG_QUEUE_ENABLE, 1 } };
    vblk_err err = name_queue(driver, queue);

    for (size_t i = 0; !err && i < sizeof(writes) / sizeof(writes[0]); i++)
        err = vblk_port_write_reg(driver->port, writes[i].reg, queue, writes[i].value);
    return err;
}

static vblk_err set_up(struct vblk_driver *driver, uint16_t queue, uint32_t size)
{
    struct vblk_ring *ring = &driver->queue[queue].ring;
    struct vblk_layout at;
    vblk_err err = place(driver, size, &at);

    if (!err)
        err = vblk_ring_open(ring, vblk_ring_ops_for(at.features), driver->port->mem, &at, VBLK_DRIVER);
    if (err)
        return err;
    driver->queues++;
    err = driver_make_tables(driver, queue);
    if (!err)
        err = ring->ops->clear(ring);
    return err ? err : enable(driver, queue, &at);
}

/* How many queues to set up: more than one only where the device says that it has them. */
static uint16_t how_many(const struct vblk_driver *driver)
{
    const uint64_t has = driver->life.accepted & VBLK_BIT(VBLK_F_MQ) ? driver->limits.value[LIMIT_NUM_QUEUES] : 1;
    uint64_t wanted = driver->options.queues ? driver->options.queues : 1;

    wanted = wanted < DRIVER_QUEUES ? wanted : DRIVER_QUEUES;
    return (uint16_t)(has < 1 ? 1 : wanted < has ? wanted : has);
}

static vblk_err discover(struct vblk_driver *driver)
{
    const uint16_t queues = how_many(driver);

    for (uint16_t i = 0; i < queues; i++) {
        uint64_t max;
        uint32_t size;
        vblk_err err = vblk_port_read_reg(driver->port, VBLK_REG_QUEUE_MAX, i, &max);

        size = err ? 0 : choose_size(driver, max);
        if (!err && size < 2)
            return i ? VBLK_OK : VBLK_E_STATE; /* a request needs two descriptors */
        if (!err)
            err = set_up(driver, i, size);
        if (err)
            return err;
        if (size < driver->queue_size)
            driver->queue_size = size;
    }
    return VBLK_OK;
}

vblk_err driver_queues(struct vblk_driver *driver)
{
    vblk_err err;

    driver->room_gpa = driver->options.arena.gpa;
    driver->room = driver->options.arena.size;
    driver->queue_size = VBLK_SPLIT_SIZE_MAX;
    err = discover(driver);
    if (err)
        return err;
    driver_make_table(driver);
    if (driver->room < DRIVER_HEADER + VBLK_SECTOR + 1)
        return VBLK_E_INVAL;
    driver->bufs = calloc(driver->queue_size, sizeof(*driver->bufs));
    return driver->bufs ? VBLK_OK : VBLK_E_NOMEM;
}

/* Until the device says that it is done (2.6.1). */
static vblk_err await_reset(struct vblk_driver *driver, uint16_t queue)
{
    struct pace pace = pace_start(driver->options.wait_ms);
    uint64_t busy;
    vblk_err err = vblk_port_write_reg(driver->port, VBLK_REG_QUEUE_RESET, queue, 1);

    while (!err) {
        err = vblk_port_read_reg(driver->port, VBLK_REG_QUEUE_RESET, queue, &busy);
        if (err || !busy)
            return err;
        err = pace_wait(&pace, driver->port, queue);
    }
    return err;
}

static vblk_err reopen(struct vblk_driver *driver, uint16_t queue)
{
    struct vblk_ring *ring = &driver->queue[queue].ring;
    const struct vblk_layout at = ring->at;
    vblk_err err;

    vblk_ring_close(ring);
    driver_clear_tables(&driver->queue[queue].tables, at.size);
    err = vblk_ring_open(ring, vblk_ring_ops_for(at.features), driver->port->mem, &at, VBLK_DRIVER);
    if (!err)
        err = ring->ops->clear(ring);
    return err ? err : enable(driver, queue, &at);
}

vblk_err vblk_driver_reset_queue(struct vblk_driver *driver, uint16_t queue)
{
    vblk_err err;

    if (!driver->live)
        return VBLK_E_STATE;
    if (queue >= driver->queues)
        return VBLK_E_INVAL;
    if (!driver_has(driver, VBLK_F_RING_RESET))
        return VBLK_E_UNSUPPORTED;
    err = await_reset(driver, queue);
    if (!err)
        err = reopen(driver, queue);
    if (err)
        driver->live = 0;
    return err;
}
