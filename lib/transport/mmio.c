/* SPDX-License-Identifier: BSD-3-Clause */
/* The port over virtio-mmio registers: opening and closing, notifications. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mmio_port.h"

#define VERSION 2u
#define PAUSE_US 20u
#define PAUSE_MAX_US 1000u
#define RESET_MS 1000

static struct mmio_port *of(struct vblk_port *port)
{
    return (struct mmio_port *)(void *)port;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    return mmio_write_reg(of(port), reg, queue, value, emulated);
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    return mmio_read_config(of(port), offset, buf, len, got);
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    return mmio_write_config(of(port), offset, buf, len);
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    (void)queue; /* part of the data, whatever its format */
    return mmio_put(of(port), VBLK_MMIO_QUEUE_NOTIFY, data);
}

static void used_notified(struct mmio_port *p, uint16_t queue, bool guess)
{
    const struct vblk_event ev = {
        .kind = VBLK_EV_USED_NOTIFY, .party = VBLK_DEVICE, .flags = guess ? VBLK_EV_EMULATED : 0, .queue = queue
    };

    p->port.used_notified++;
    vblk_port_emit(&p->port, &ev);
}

/* The bit stands for every active queue (4.2.3.4); with none active it is still something that the device said. */
static void used_buffer(struct mmio_port *p)
{
    uint32_t active = 0;

    for (uint32_t i = 0; i < MMIO_QUEUES_MAX; i++)
        active += p->queue[i].enabled;
    for (uint16_t i = 0; i < MMIO_QUEUES_MAX; i++)
        if (p->queue[i].enabled)
            used_notified(p, i, active > 1);
    if (!active)
        used_notified(p, 0, false);
}

/* Acknowledged before anybody looks at the rings, so that what comes later sets the bit again. */
static vblk_err take_interrupt(struct mmio_port *p, bool *any)
{
    uint32_t bits;
    vblk_err err = mmio_get(p, VBLK_MMIO_INTERRUPT_STATUS, &bits);

    bits &= VBLK_MMIO_INT_USED_BUFFER | VBLK_MMIO_INT_CONFIG_CHANGE;
    *any = !err && bits;
    if (!*any)
        return err;
    err = mmio_put(p, VBLK_MMIO_INTERRUPT_ACK, bits);
    if (err)
        return err;
    if (bits & VBLK_MMIO_INT_USED_BUFFER)
        used_buffer(p);
    if (bits & VBLK_MMIO_INT_CONFIG_CHANGE)
        vblk_port_notified(&p->port, VBLK_EV_CONFIG_NOTIFY, 0);
    return VBLK_OK;
}

/* DEVICE_NEEDS_RESET comes with an interrupt, which a driver in the real world would have had by now. */
static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    vblk_err err = mmio_read_reg(of(port), reg, queue, value, emulated);
    bool any;

    if (!err && reg == VBLK_REG_STATUS && (*value & VBLK_STATUS_NEEDS_RESET))
        err = take_interrupt(of(port), &any);
    return err;
}

static void pause_for(unsigned *pause_us)
{
    const struct timespec pause = { .tv_nsec = *pause_us * 1000L };

    (void)nanosleep(&pause, NULL);
    *pause_us = *pause_us * 2 < PAUSE_MAX_US ? *pause_us * 2 : PAUSE_MAX_US;
}

/* Until the interrupt may be asserted. VBLK_E_TIMEOUT: that won't be in the time that is left. */
static vblk_err await_interrupt(struct mmio_port *p, int64_t left_ms, unsigned *pause_us)
{
    vblk_err err;

    if (left_ms <= 0)
        return VBLK_E_TIMEOUT;
    if (p->bus.wait) {
        err = p->bus.wait(p->bus.ctx, (unsigned)left_ms);
        return err == VBLK_E_TIMEOUT ? err : mmio_gone(err);
    }
    pause_for(pause_us);
    return VBLK_OK;
}

static vblk_err wait_for(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    int64_t deadline = now_ms() + ms;
    unsigned pause_us = PAUSE_US;
    vblk_err err;
    bool any;

    (void)queue; /* whatever comes is reported */
    do {
        err = take_interrupt(of(port), &any);
        if (!err && !any)
            err = await_interrupt(of(port), deadline - now_ms(), &pause_us);
    } while (!err && !any);
    return err;
}

static vblk_err refuse(char *why, size_t why_size, vblk_err err, const char *fmt, ...) VBLK_PRINTF(4, 5);
static vblk_err refuse(char *why, size_t why_size, vblk_err err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (why && why_size > 0)
        (void)vsnprintf(why, why_size, fmt, args);
    va_end(args);
    return err;
}

/* In this order, and nothing after the first that is wrong (4.2.3.1). */
static vblk_err identify(struct mmio_port *p, char *why, size_t why_size)
{
    static const struct {
        uint32_t offset, value;
        const char *name;
    } wanted[] = {
        { VBLK_MMIO_MAGIC_VALUE, VBLK_MMIO_MAGIC, "MagicValue" },
        { VBLK_MMIO_VERSION, VERSION, "Version" },
        { VBLK_MMIO_DEVICE_ID, VBLK_DEVICE_ID_BLOCK, "DeviceID" },
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint32_t value;
        vblk_err err = mmio_get(p, wanted[i].offset, &value);

        if (err)
            return refuse(why, why_size, err, "can't read %s: %s", wanted[i].name,
                          p->bus.gone_how && p->bus.gone_how[0] ? p->bus.gone_how : vblk_strerror(err));
        if (value != wanted[i].value)
            return refuse(why, why_size, VBLK_E_UNSUPPORTED, "%s is 0x%x, where a block device of version 2 has 0x%x",
                          wanted[i].name, (unsigned)value, (unsigned)wanted[i].value);
    }
    return VBLK_OK;
}

static vblk_err reset(struct mmio_port *p)
{
    int64_t deadline = now_ms() + RESET_MS;
    unsigned pause_us = PAUSE_US;
    uint32_t status = 0;
    vblk_err err = mmio_put(p, VBLK_MMIO_STATUS, 0);

    mmio_forget(p);
    if (!err)
        err = mmio_get(p, VBLK_MMIO_STATUS, &status);
    while (!err && status && now_ms() < deadline) {
        pause_for(&pause_us);
        err = mmio_get(p, VBLK_MMIO_STATUS, &status);
    }
    return !err && status ? VBLK_E_GONE : err;
}

static vblk_err recover(struct vblk_port *port)
{
    struct mmio_port *p = of(port);
    vblk_err err = p->bus.recover ? mmio_gone(p->bus.recover(p->bus.ctx)) : VBLK_OK;

    if (!err)
        err = identify(p, NULL, 0);
    return err ? err : reset(p);
}

static void close_port(struct vblk_port *port)
{
    struct mmio_port *p = of(port);

    if (p->bus.close)
        p->bus.close(p->bus.ctx);
    free(p);
}

static const struct vblk_port_ops ops = {
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_config = read_config,
    .write_config = write_config,
    .kick = kick,
    .wait = wait_for,
    .recover = recover,
    .close = close_port,
};

vblk_err vblk_mmio_open(const struct vblk_mmio_bus *bus, struct vblk_memory *mem,
                        const struct vblk_mmio_options *options, struct vblk_port **out, char *why, size_t why_size)
{
    static const struct vblk_mmio_options defaults = { NULL, NULL };
    struct mmio_port *p;
    vblk_err err;

    if (!bus || !bus->read || !bus->write || !mem || !out)
        return refuse(why, why_size, VBLK_E_INVAL, "a bus that reads and writes, a memory and a place for the port");
    *out = NULL;
    options = options ? options : &defaults;
    p = calloc(1, sizeof(*p));
    if (!p)
        return refuse(why, why_size, VBLK_E_NOMEM, "no memory left");
    p->bus = *bus;
    p->profile = options->profile ? *options->profile : *vblk_profile_default();
    p->port = (struct vblk_port){
        .ops = &ops,
        .mem = mem,
        .kind = "mmio",
        .name = options->name ? options->name : "virtio-mmio",
        .grade = VBLK_GRADE_SNAPSHOT,
        .gone_how = bus->gone_how,
    };
    err = identify(p, why, why_size);
    if (err)
        free(p);
    else
        *out = &p->port;
    return err;
}
