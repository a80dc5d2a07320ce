/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers in the terms of a port, and what they are on this transport (4.2.2). */
#include <string.h>

#include "mmio_port.h"

void mmio_forget(struct mmio_port *p)
{
    p->driver_features = 0;
    memset(p->queue, 0, sizeof(p->queue));
}

struct access {
    uint32_t offset;
    uint16_t queue;
    struct mmio_queue *kept; /* NULL: too high a number to be remembered */
    size_t member;           /* of struct mmio_queue */
};

static uint64_t *kept(const struct access *a)
{
    return (uint64_t *)(void *)((char *)a->kept + a->member);
}

static vblk_err get_plain(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    uint32_t word;
    vblk_err err = mmio_get(p, a->offset, &word);

    *value = word;
    return err;
}

static vblk_err get_queue(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    vblk_err err = mmio_put(p, VBLK_MMIO_QUEUE_SEL, a->queue);

    return err ? err : get_plain(p, a, value);
}

static vblk_err set_queue(struct mmio_port *p, const struct access *a, uint64_t value)
{
    vblk_err err = mmio_put(p, VBLK_MMIO_QUEUE_SEL, a->queue);

    return err ? err : mmio_put(p, a->offset, (uint32_t)value);
}

static vblk_err get_device_features(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t word;
        vblk_err err = mmio_put(p, VBLK_MMIO_DEVICE_FEATURES_SEL, i);

        if (!err)
            err = mmio_get(p, a->offset, &word);
        if (err)
            return err;
        *value |= (uint64_t)word << (32 * i);
    }
    p->offered = *value;
    p->offered_known = true;
    return VBLK_OK;
}

static vblk_err get_driver_features(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    (void)a;
    *value = p->driver_features;
    return VBLK_OK;
}

static vblk_err set_driver_features(struct mmio_port *p, const struct access *a, uint64_t value)
{
    p->driver_features = value;
    for (uint32_t i = 0; i < 2; i++) {
        vblk_err err = mmio_put(p, VBLK_MMIO_DRIVER_FEATURES_SEL, i);

        if (!err)
            err = mmio_put(p, a->offset, (uint32_t)(value >> (32 * i)));
        if (err)
            return err;
    }
    return VBLK_OK;
}

static vblk_err set_status(struct mmio_port *p, const struct access *a, uint64_t value)
{
    if ((uint32_t)value == 0)
        mmio_forget(p);
    return mmio_put(p, a->offset, (uint32_t)value);
}

/* This transport has a QueueNumMax of each queue instead. */
static vblk_err get_num_queues(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    for (uint16_t i = 0; i < MMIO_QUEUES_MAX; i++) {
        const struct access one = { .offset = a->offset, .queue = i };
        uint64_t max;
        vblk_err err = get_queue(p, &one, &max);

        if (err || !max)
            return err;
        *value = i + 1u;
    }
    return VBLK_OK;
}

static vblk_err get_kept(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    (void)p;
    *value = a->kept ? *kept(a) : 0;
    return VBLK_OK;
}

static vblk_err set_size(struct mmio_port *p, const struct access *a, uint64_t value)
{
    if (a->kept)
        *kept(a) = (uint32_t)value;
    return set_queue(p, a, value);
}

static vblk_err set_address(struct mmio_port *p, const struct access *a, uint64_t value)
{
    vblk_err err = set_queue(p, a, value);

    if (a->kept)
        *kept(a) = value;
    return err ? err : mmio_put(p, a->offset + 4, (uint32_t)(value >> 32));
}

/* "To stop using the queue the driver MUST write zero (0x0) … and MUST read the value back" */
static vblk_err set_ready(struct mmio_port *p, const struct access *a, uint64_t value)
{
    vblk_err err = set_queue(p, a, value);
    uint32_t back;

    if (a->kept)
        a->kept->enabled = value == 1;
    return err || value ? err : mmio_get(p, a->offset, &back);
}

static vblk_err set_reset(struct mmio_port *p, const struct access *a, uint64_t value)
{
    if (a->kept && value == 1)
        *a->kept = (struct mmio_queue){ 0 };
    return set_queue(p, a, value);
}

static vblk_err get_config_length(struct mmio_port *p, const struct access *a, uint64_t *value)
{
    uint32_t length = 0;
    vblk_err err = mmio_config_length(p, &length);

    (void)a;
    *value = length;
    return err;
}

#define KEPT(name) offsetof(struct mmio_queue, name)

/* NULL: reads 0, ignores writes. */
/* clang-format off */
static const struct {
    uint32_t offset;
    bool ours; /* a read is answered here */
    vblk_err (*get)(struct mmio_port *p, const struct access *a, uint64_t *value);
    vblk_err (*set)(struct mmio_port *p, const struct access *a, uint64_t value);
    size_t member;
} registers[VBLK_REG_COUNT] = {
    [VBLK_REG_DEVICE_ID]       = { VBLK_MMIO_DEVICE_ID,         false, get_plain,           NULL,                0 },
    [VBLK_REG_DEVICE_FEATURES] = { VBLK_MMIO_DEVICE_FEATURES,   false, get_device_features, NULL,                0 },
    [VBLK_REG_DRIVER_FEATURES] = { VBLK_MMIO_DRIVER_FEATURES,   true,  get_driver_features, set_driver_features, 0 },
    [VBLK_REG_STATUS]          = { VBLK_MMIO_STATUS,            false, get_plain,           set_status,          0 },
    [VBLK_REG_GENERATION]      = { VBLK_MMIO_CONFIG_GENERATION, false, get_plain,           NULL,                0 },
    [VBLK_REG_NUM_QUEUES]      = { VBLK_MMIO_QUEUE_NUM_MAX,     true,  get_num_queues,      NULL,                0 },
    [VBLK_REG_QUEUE_MAX]       = { VBLK_MMIO_QUEUE_NUM_MAX,     false, get_queue,           NULL,                0 },
    [VBLK_REG_QUEUE_SIZE]      = { VBLK_MMIO_QUEUE_NUM,         true,  get_kept,            set_size,            KEPT(size) },
    [VBLK_REG_QUEUE_DESC]      = { VBLK_MMIO_QUEUE_DESC_LOW,    true,  get_kept,            set_address,         KEPT(desc) },
    [VBLK_REG_QUEUE_DRIVER]    = { VBLK_MMIO_QUEUE_DRIVER_LOW,  true,  get_kept,            set_address,         KEPT(driver) },
    [VBLK_REG_QUEUE_DEVICE]    = { VBLK_MMIO_QUEUE_DEVICE_LOW,  true,  get_kept,            set_address,         KEPT(device) },
    [VBLK_REG_QUEUE_ENABLE]    = { VBLK_MMIO_QUEUE_READY,       false, get_queue,           set_ready,           0 },
    [VBLK_REG_QUEUE_RESET]     = { VBLK_MMIO_QUEUE_RESET,       false, get_queue,           set_reset,           0 },
    [VBLK_REG_CONFIG_LENGTH]   = { 0,                           true,  get_config_length,   NULL,                0 },
};
/* clang-format on */

static struct access access_to(struct mmio_port *p, enum vblk_reg reg, uint16_t queue)
{
    return (struct access){
        .offset = registers[reg].offset,
        .queue = queue,
        .kept = queue < MMIO_QUEUES_MAX ? &p->queue[queue] : NULL,
        .member = registers[reg].member,
    };
}

vblk_err mmio_read_reg(struct mmio_port *p, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    struct access a;

    *value = 0;
    *emulated = true;
    if ((unsigned)reg >= VBLK_REG_COUNT)
        return VBLK_E_UNSUPPORTED;
    a = access_to(p, reg, queue);
    *emulated = registers[reg].ours;
    return registers[reg].get(p, &a, value);
}

vblk_err mmio_write_reg(struct mmio_port *p, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    struct access a;

    *emulated = true;
    if ((unsigned)reg >= VBLK_REG_COUNT || !registers[reg].set)
        return VBLK_OK;
    a = access_to(p, reg, queue);
    *emulated = false;
    return registers[reg].set(p, &a, value);
}
