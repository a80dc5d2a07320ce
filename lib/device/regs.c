/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers: status (2.1), features (2.2), queues (2.6), and the notifications that hang on them. */
#include <string.h>

#include "blk.h"

static void notify_config(struct vblk_device *device)
{
    const struct vblk_behaviour *b = device->behaviour;
    bool owed = device->status & VBLK_STATUS_DRIVER_OK;

    if (b->notify_config)
        owed = b->notify_config(device, owed);
    if (owed && device->notify)
        device->notify(device->notify_ctx, VBLK_EV_CONFIG_NOTIFY, 0);
}

void blk_config_changed(struct vblk_device *device)
{
    device->generation++;
    notify_config(device);
}

void blk_fail(struct vblk_device *device)
{
    device->status |= VBLK_STATUS_NEEDS_RESET;
    notify_config(device);
}

void vblk_device_needs_reset(struct vblk_device *device)
{
    for (uint32_t i = 0; i < device->num_queues; i++)
        device->queues[i].stopped = true;
    blk_fail(device);
}

void blk_queue_reset(struct vblk_device *device, uint16_t queue)
{
    struct queue *q = &device->queues[queue];

    blk_forget_held(device, queue);
    vblk_ring_close(&q->ring);
    memset(q, 0, sizeof *q);
    q->size = device->options.queue_max;
}

static void accept(struct vblk_device *device, uint64_t features)
{
    device->accepted = features;
    blk_ops_grant(device);
}

void blk_reset(struct vblk_device *device)
{
    for (uint32_t i = 0; i < device->num_queues; i++)
        blk_queue_reset(device, (uint16_t)i);
    device->status = 0;
    device->driver_features = 0;
    accept(device, 0);
    blk_config_set_writeback(device, device->created.writeback);
}

/* 2.2: a subset of what is offered. 6: a driver without VERSION_1 would be a legacy one, which is not modelled. */
bool vblk_reference_grant(const struct vblk_device *device, uint64_t accepted)
{
    return !(accepted & ~device->options.features) && (accepted & VBLK_BIT(VBLK_F_VERSION_1));
}

static void negotiate(struct vblk_device *device)
{
    accept(device, device->driver_features & device->options.features);
    /* 5.2.5.2 */
    if (blk_accepted(device, VBLK_F_CONFIG_WCE) && !blk_accepted(device, VBLK_F_FLUSH))
        blk_config_set_writeback(device, false);
}

static vblk_err open_ring(struct vblk_device *device, struct queue *q)
{
    const struct vblk_layout at = {
        .size = q->size,
        .desc = q->desc,
        .driver = q->driver,
        .device = q->device,
        .features = device->accepted,
        .chain_max = device->options.chain_max,
        .fault = device->behaviour->ring,
    };

    vblk_ring_close(&q->ring);
    if (q->size > device->options.queue_max)
        return VBLK_E_INVAL;
    return vblk_ring_open(&q->ring, vblk_ring_ops_for(at.features), device->mem, &at, VBLK_DEVICE);
}

static void enable(struct vblk_device *device, struct queue *q)
{
    q->enabled = !open_ring(device, q);
    if (!q->enabled)
        blk_fail(device);
    else if (q->resumes)
        vblk_ring_resume(&q->ring, &q->resume);
    q->resumes = false;
}

/*
 * Queues that were enabled before the features were settled. And the word of DEVICE_NEEDS_RESET that could not be given
 * before (2.1.2: "If DRIVER_OK is set").
 */
static void go_live(struct vblk_device *device)
{
    const bool failed = device->status & VBLK_STATUS_NEEDS_RESET;

    for (uint32_t i = 0; i < device->num_queues; i++) {
        struct queue *q = &device->queues[i];

        if (q->enabled && q->ring.at.features != device->accepted)
            enable(device, q);
    }
    if (failed)
        notify_config(device);
}

/* A driver can set bits one by one or together, each if its condition holds by then; it can't clear any. */
static void write_status(struct vblk_device *device, uint16_t queue, uint64_t value)
{
    const struct vblk_behaviour *b = device->behaviour;
    const uint8_t settable = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FAILED;
    const uint8_t driver = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER;
    uint8_t old = device->status;

    (void)queue;
    if (!(uint8_t)value) { /* the register has eight bits */
        blk_reset(device);
        return;
    }
    device->status |= (uint8_t)(value & settable);
    if ((value & ~old & VBLK_STATUS_FEATURES_OK) && (device->status & driver) == driver &&
        (b->grant ? b->grant(device, device->driver_features)
                  : vblk_reference_grant(device, device->driver_features))) {
        device->status |= VBLK_STATUS_FEATURES_OK;
        negotiate(device);
    }
    if ((value & ~old & VBLK_STATUS_DRIVER_OK) && (device->status & VBLK_STATUS_FEATURES_OK)) {
        device->status |= VBLK_STATUS_DRIVER_OK;
        go_live(device);
    }
}

static uint64_t read_status(const struct vblk_device *device, uint16_t queue)
{
    const struct vblk_behaviour *b = device->behaviour;

    (void)queue;
    return b->show_status ? b->show_status(device, device->status) : device->status;
}

static uint64_t read_device_id(const struct vblk_device *device, uint16_t queue)
{
    (void)device;
    (void)queue;
    return VBLK_DEVICE_ID_BLOCK;
}

static uint64_t read_features(const struct vblk_device *device, uint16_t queue)
{
    const struct vblk_behaviour *b = device->behaviour;

    (void)queue;
    return b->show_features ? b->show_features(device, device->options.features) : device->options.features;
}

static uint64_t read_driver_features(const struct vblk_device *device, uint16_t queue)
{
    (void)queue;
    return device->driver_features;
}

static void write_driver_features(struct vblk_device *device, uint16_t queue, uint64_t value)
{
    (void)queue;
    if (!(device->status & VBLK_STATUS_FEATURES_OK))
        device->driver_features = value;
}

static uint64_t read_generation(const struct vblk_device *device, uint16_t queue)
{
    (void)queue;
    return device->generation;
}

static uint64_t read_num_queues(const struct vblk_device *device, uint16_t queue)
{
    (void)queue;
    return device->num_queues;
}

static uint64_t read_config_length(const struct vblk_device *device, uint16_t queue)
{
    (void)queue;
    return device->config_length;
}

static uint64_t read_queue_max(const struct vblk_device *device, uint16_t queue)
{
    const bool settled = device->status & VBLK_STATUS_FEATURES_OK;
    uint64_t most = device->options.queue_max;

    if (settled && queue && !blk_accepted(device, VBLK_F_MQ))
        return 0; /* 5.2.2: there is one queue */
    while (settled && !blk_accepted(device, VBLK_F_RING_PACKED) && most & (most - 1))
        most &= most - 1; /* 2.7: of a split ring a power of two */
    return most;
}

static uint64_t read_queue_enable(const struct vblk_device *device, uint16_t queue)
{
    return device->queues[queue].enabled;
}

/* 4.2.2.2: writing 0 ends the use of a queue. */
static void write_queue_enable(struct vblk_device *device, uint16_t queue, uint64_t value)
{
    struct queue *q = &device->queues[queue];

    if (value == 1 && !q->enabled) {
        enable(device, q);
    } else if (value == 0) {
        blk_forget_held(device, queue);
        vblk_ring_close(&q->ring);
        q->enabled = false;
    }
}

/* 2.6.1: done by the time that it is written, so that the register reads 0 again. */
static void write_queue_reset(struct vblk_device *device, uint16_t queue, uint64_t value)
{
    if (value == 1 && blk_accepted(device, VBLK_F_RING_RESET))
        blk_queue_reset(device, queue);
}

/* The plain registers of a queue can be written until it is enabled. */
#define QUEUE_REGISTER(name)                                                                                           \
    static uint64_t read_queue_##name(const struct vblk_device *device, uint16_t queue)                                \
    {                                                                                                                  \
        return device->queues[queue].name;                                                                             \
    }                                                                                                                  \
    static void write_queue_##name(struct vblk_device *device, uint16_t queue, uint64_t value)                         \
    {                                                                                                                  \
        if (!device->queues[queue].enabled)                                                                            \
            device->queues[queue].name = value;                                                                        \
    }
QUEUE_REGISTER(desc)
QUEUE_REGISTER(driver)
QUEUE_REGISTER(device)

static uint64_t read_queue_size(const struct vblk_device *device, uint16_t queue)
{
    return device->queues[queue].size;
}

static void write_queue_size(struct vblk_device *device, uint16_t queue, uint64_t value)
{
    if (!device->queues[queue].enabled)
        device->queues[queue].size = value <= UINT16_MAX ? (uint32_t)value : 0;
}

/* 4.1.4.3: a number of the device's own for the queue, and none where the feature was not negotiated. */
static uint16_t notify_id(uint16_t queue)
{
    return (uint16_t)(0x2b1cu ^ (uint32_t)queue << 4);
}

static uint64_t read_notify_id(const struct vblk_device *device, uint16_t queue)
{
    return blk_accepted(device, VBLK_F_NOTIF_CONFIG_DATA) ? notify_id(queue) : 0;
}

void vblk_device_notified(struct vblk_device *device, uint16_t queue, uint32_t data)
{
    if (!blk_accepted(device, VBLK_F_NOTIF_CONFIG_DATA)) {
        vblk_device_kick(device, queue);
        return;
    }
    for (uint16_t i = 0; i < device->num_queues; i++)
        if (notify_id(i) == (uint16_t)data)
            vblk_device_kick(device, i);
}

struct reg {
    uint64_t (*read)(const struct vblk_device *device, uint16_t queue);
    void (*write)(struct vblk_device *device, uint16_t queue, uint64_t value);
    bool of_queue;
};
static const struct reg regs[VBLK_REG_COUNT] = {
    [VBLK_REG_DEVICE_ID] = { read_device_id, NULL, false },
    [VBLK_REG_DEVICE_FEATURES] = { read_features, NULL, false },
    [VBLK_REG_DRIVER_FEATURES] = { read_driver_features, write_driver_features, false },
    [VBLK_REG_STATUS] = { read_status, write_status, false },
    [VBLK_REG_GENERATION] = { read_generation, NULL, false },
    [VBLK_REG_NUM_QUEUES] = { read_num_queues, NULL, false },
    [VBLK_REG_QUEUE_MAX] = { read_queue_max, NULL, true },
    [VBLK_REG_QUEUE_SIZE] = { read_queue_size, write_queue_size, true },
    [VBLK_REG_QUEUE_DESC] = { read_queue_desc, write_queue_desc, true },
    [VBLK_REG_QUEUE_DRIVER] = { read_queue_driver, write_queue_driver, true },
    [VBLK_REG_QUEUE_DEVICE] = { read_queue_device, write_queue_device, true },
    [VBLK_REG_QUEUE_ENABLE] = { read_queue_enable, write_queue_enable, true },
    [VBLK_REG_QUEUE_RESET] = { NULL, write_queue_reset, true },
    [VBLK_REG_CONFIG_LENGTH] = { read_config_length, NULL, false },
    [VBLK_REG_QUEUE_NOTIF_CONFIG_DATA] = { read_notify_id, NULL, true },
};

static const struct reg *find_reg(const struct vblk_device *device, enum vblk_reg reg, uint16_t queue)
{
    if ((unsigned)reg >= VBLK_REG_COUNT || (regs[reg].of_queue && queue >= device->num_queues))
        return NULL;
    return &regs[reg];
}

uint64_t vblk_device_read_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue)
{
    const struct reg *row = find_reg(device, reg, queue);
    const uint64_t honest = row && row->read ? row->read(device, queue) : 0;

    return device->behaviour->read_reg ? device->behaviour->read_reg(device, reg, queue, honest) : honest;
}

void vblk_reference_write_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const struct reg *row = find_reg(device, reg, queue);

    if (row && row->write)
        row->write(device, queue, value);
}

void vblk_device_write_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (device->behaviour->write_reg)
        device->behaviour->write_reg(device, reg, queue, value);
    else
        vblk_reference_write_reg(device, reg, queue, value);
}

vblk_err vblk_device_queue(const struct vblk_device *device, uint16_t queue, struct vblk_queue_layout *out)
{
    const struct queue *q;

    if (queue >= device->num_queues)
        return VBLK_E_INVAL;
    q = &device->queues[queue];
    *out = (struct vblk_queue_layout){ (uint16_t)q->size, q->enabled, q->desc, q->driver, q->device };
    return VBLK_OK;
}

vblk_err vblk_device_resume(struct vblk_device *device, uint16_t queue, uint32_t base, const struct vblk_packed_desc *again,
                            uint32_t count)
{
    if (queue >= device->num_queues)
        return VBLK_E_INVAL;
    device->queues[queue].resumes = true;
    device->queues[queue].resume = (struct vblk_resume){
        .avail = (uint16_t)base, .used = (uint16_t)(base >> 16), .again = again, .again_count = count,
    };
    return VBLK_OK;
}

static uint32_t packed_place(const struct vblk_packed_pos *pos)
{
    return pos->slot | (pos->wrap ? 1u << 15 : 0);
}

uint32_t vblk_device_queue_base(const struct vblk_device *device, uint16_t queue)
{
    const struct queue *q = queue < device->num_queues ? &device->queues[queue] : NULL;

    if (!q || !q->enabled)
        return 0;
    if (!blk_accepted(device, VBLK_F_RING_PACKED))
        return q->ring.split.avail_next;
    return packed_place(&q->ring.packed.avail) | packed_place(&q->ring.packed.used) << 16;
}
