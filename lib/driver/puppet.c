/* SPDX-License-Identifier: BSD-3-Clause */
#include "puppet.h"
#include "bytes.h"

#include <stdlib.h>

#define NOTIFY_ID 0x100u /* what notifications call the first queue, where it is not 0 */

static bool of_queue(unsigned reg)
{
    return (reg >= VBLK_REG_QUEUE_MAX && reg <= VBLK_REG_QUEUE_RESET) || reg == VBLK_REG_QUEUE_NOTIF_CONFIG_DATA;
}

static bool writable(unsigned reg)
{
    return reg == VBLK_REG_DRIVER_FEATURES || (reg >= VBLK_REG_QUEUE_SIZE && reg <= VBLK_REG_QUEUE_RESET);
}

static struct shown *place(struct puppet *puppet, unsigned reg, uint16_t queue)
{
    if (reg >= VBLK_REG_COUNT)
        return NULL;
    if (!of_queue(reg))
        return &puppet->device;
    return queue < PUPPET_QUEUES ? &puppet->queue[queue] : NULL;
}

static void reset(struct puppet *puppet)
{
    puppet->device.value[VBLK_REG_STATUS] = 0;
    puppet->device.value[VBLK_REG_DRIVER_FEATURES] = 0;
    puppet->status_once = false;
    for (uint16_t i = 0; i < PUPPET_QUEUES; i++) {
        struct shown *queue = &puppet->queue[i];
        const uint64_t max = queue->value[VBLK_REG_QUEUE_MAX];

        puppet_ring_reset(puppet, i);
        memset(queue->value, 0, sizeof(queue->value));
        queue->value[VBLK_REG_QUEUE_MAX] = max;
        queue->value[VBLK_REG_QUEUE_SIZE] = max;
        queue->value[VBLK_REG_QUEUE_NOTIF_CONFIG_DATA] = NOTIFY_ID + i;
    }
}

static uint64_t shown_status(const struct puppet *puppet)
{
    const uint64_t honest = puppet->status_once ? puppet->status_seen : puppet->device.value[VBLK_REG_STATUS];

    return (honest & ~puppet->status_mask) | (puppet->status_bits & puppet->status_mask);
}

uint64_t puppet_reg(const struct puppet *puppet, enum vblk_reg reg, uint16_t queue)
{
    const struct shown *at = place((struct puppet *)(uintptr_t)puppet, reg, queue);

    if (!at)
        return 0;
    if (at->pinned[reg])
        return at->pin[reg];
    return reg == VBLK_REG_STATUS ? shown_status(puppet) : at->value[reg];
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    const struct puppet *puppet = puppet_of(port);

    *emulated = false;
    *value = puppet_reg(puppet, reg, queue);
    return VBLK_OK;
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    struct puppet *puppet = puppet_of(port);
    struct shown *at = place(puppet, reg, queue);

    *emulated = false;
    if (reg == VBLK_REG_STATUS && (uint8_t)value == 0)
        reset(puppet);
    else if (reg == VBLK_REG_STATUS)
        puppet->device.value[reg] = (uint8_t)value;
    else if (at && writable(reg))
        at->value[reg] = value;
    if (at && reg == VBLK_REG_QUEUE_RESET && value == 1 && queue < PUPPET_QUEUES)
        puppet_ring_reset(puppet, queue);
    return VBLK_OK;
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    const struct puppet *puppet = puppet_of(port);
    const uint32_t length = puppet->tables.config_length;

    memset(buf, 0, len);
    *got = offset < length ? (length - offset < len ? length - offset : len) : 0;
    if (*got)
        memcpy(buf, puppet->tables.config + offset, *got);
    return VBLK_OK;
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    struct puppet *puppet = puppet_of(port);
    const uint32_t length = puppet->tables.config_length;

    if (offset < length)
        memcpy(puppet->tables.config + offset, buf, length - offset < len ? length - offset : len);
    return VBLK_OK;
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    struct puppet *puppet = puppet_of(port);

    (void)data;
    if (puppet->on_kick)
        puppet->on_kick(puppet->ctx, port, queue);
    return VBLK_OK;
}

/* Everything that the puppet does is done before anybody waits: there is nothing to wait for. */
static vblk_err wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    struct puppet *puppet = puppet_of(port);
    const bool news = port->used_notified != puppet->seen_used || port->config_notified != puppet->seen_config;

    (void)queue, (void)ms;
    puppet->seen_used = port->used_notified;
    puppet->seen_config = port->config_notified;
    return news ? VBLK_OK : VBLK_E_TIMEOUT;
}

static vblk_err recover(struct vblk_port *port)
{
    puppet_power_on(puppet_of(port));
    return VBLK_OK;
}

static void close_puppet(struct vblk_port *port)
{
    struct puppet *puppet = puppet_of(port);

    for (uint16_t i = 0; i < PUPPET_QUEUES; i++)
        puppet_ring_reset(puppet, i);
    disk_free(&puppet->disk);
    free(puppet);
}

static const struct vblk_port_ops puppet_ops = {
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_config = read_config,
    .write_config = write_config,
    .kick = kick,
    .wait = wait,
    .recover = recover,
    .close = close_puppet,
};

struct puppet *puppet_of(struct vblk_port *port)
{
    return port->ops->close == close_puppet ? (struct puppet *)port : NULL;
}

void puppet_power_on(struct puppet *puppet)
{
    const struct vblk_puppet *tables = &puppet->tables;

    memset(&puppet->device, 0, sizeof(puppet->device));
    memset(puppet->queue, 0, sizeof(puppet->queue));
    puppet->port.gone = false;
    puppet->no_memory = false;
    puppet_honest_status(puppet);
    puppet->device.value[VBLK_REG_DEVICE_ID] = VBLK_DEVICE_ID_BLOCK;
    puppet->device.value[VBLK_REG_DEVICE_FEATURES] = tables->features;
    puppet->device.value[VBLK_REG_NUM_QUEUES] = tables->num_queues;
    puppet->device.value[VBLK_REG_CONFIG_LENGTH] = tables->config_length;
    for (size_t i = 0; i < PUPPET_QUEUES && i < tables->num_queues; i++)
        puppet->queue[i].value[VBLK_REG_QUEUE_MAX] = tables->queue_max;
    reset(puppet);
}

struct vblk_port *vblk_puppet_new(struct vblk_memory *mem)
{
    struct puppet *puppet = calloc(1, sizeof(*puppet));

    if (!puppet)
        return NULL;
    puppet->port = (struct vblk_port){
        .ops = &puppet_ops, .mem = mem, .kind = "puppet", .name = "puppet", .grade = VBLK_GRADE_ACCESS,
        .notif_config_data = true,
    };
    puppet->tables = (struct vblk_puppet){ .features = VBLK_BIT(VBLK_F_VERSION_1),
                                           .num_queues = 1,
                                           .queue_max = 64,
                                           .config_length = sizeof(struct vblk_blk_config) };
    puppet_power_on(puppet);
    return &puppet->port;
}

vblk_err vblk_puppet_configure(struct vblk_port *port, const struct vblk_puppet *tables)
{
    struct puppet *puppet = puppet_of(port);

    if (!puppet || tables->config_length > VBLK_CONFIG_MAX || tables->num_queues > PUPPET_QUEUES)
        return VBLK_E_INVAL;
    puppet->tables = *tables;
    disk_free(&puppet->disk);
    puppet_power_on(puppet);
    return VBLK_OK;
}

vblk_err vblk_puppet_on_kick(struct vblk_port *port, vblk_puppet_kick_fn fn, void *ctx)
{
    struct puppet *puppet = puppet_of(port);

    if (!puppet)
        return VBLK_E_INVAL;
    puppet->on_kick = fn;
    puppet->ctx = ctx;
    return VBLK_OK;
}

vblk_err vblk_puppet_show(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    struct puppet *puppet = puppet_of(port);

    return puppet ? puppet_pin(puppet, (uint16_t)reg, queue, true, value) : VBLK_E_INVAL;
}

uint64_t vblk_puppet_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue)
{
    const struct puppet *puppet = puppet_of(port);

    return puppet ? puppet_reg(puppet, reg, queue) : 0;
}

vblk_err puppet_pin(struct puppet *puppet, uint16_t reg, uint16_t queue, bool pinned, uint64_t value)
{
    struct shown *at = place(puppet, reg, queue);

    if (!at)
        return VBLK_E_INVAL;
    at->pinned[reg] = pinned;
    at->pin[reg] = value;
    return VBLK_OK;
}

void puppet_show_status(struct puppet *puppet, uint8_t status)
{
    puppet->status_once = true;
    puppet->status_seen = status;
}

void puppet_force_status(struct puppet *puppet, uint64_t mask, uint64_t bits)
{
    puppet->status_mask = mask;
    puppet->status_bits = bits;
}

void puppet_honest_status(struct puppet *puppet)
{
    puppet->status_once = false;
    puppet->status_mask = 0;
}

vblk_err puppet_set_config(struct puppet *puppet, uint64_t offset, const struct vblk_bytes *bytes)
{
    if (offset > VBLK_CONFIG_MAX || bytes->length > VBLK_CONFIG_MAX - offset)
        return VBLK_E_INVAL;
    bytes_copy(bytes, 0, puppet->tables.config + offset, (size_t)bytes->length);
    return VBLK_OK;
}

void puppet_leave(struct puppet *puppet, const struct vblk_bytes *how)
{
    uint8_t text[64];
    const uint32_t len = how->length < sizeof(text) ? (uint32_t)how->length : (uint32_t)sizeof(text);
    const struct vblk_event ev = { .kind = VBLK_EV_GONE, .party = VBLK_DEVICE, .len = len, .bytes = len ? text : NULL };

    bytes_copy(how, 0, text, len);
    vblk_port_emit(&puppet->port, &ev);
    puppet->port.gone = true;
}
