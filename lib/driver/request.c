/* SPDX-License-Identifier: BSD-3-Clause */
/* One request of the lawful driver: header, data and status, one after the other in the driver's room. */
#include "driver_priv.h"
#include "pace.h"

#include <string.h>

#define STATUS_POISON 0xff

/* Nothing but a reset gets the device's buffers back. */
static vblk_err broken(struct vblk_driver *driver, vblk_err err)
{
    driver->live = 0;
    return err;
}

vblk_err driver_refresh(struct vblk_driver *driver)
{
    bool needs;
    vblk_err err;

    if (!driver->live)
        return VBLK_E_STATE;
    if (driver->config_notified == driver->port->config_notified)
        return VBLK_OK;
    driver->config_notified = driver->port->config_notified;
    err = life_needs_reset(&driver->life, &needs);
    if (!err && needs)
        err = VBLK_E_STATE;
    if (!err)
        err = driver_limits(driver);
    return err ? broken(driver, err) : VBLK_OK;
}

/* A ring of two entries has one for what is readable and one for what is writable. */
static bool merged(const struct vblk_driver *driver)
{
    return driver->queue_size == 2;
}

uint64_t driver_data_max(const struct vblk_driver *driver)
{
    const struct limits *limits = &driver->limits;
    const uint64_t room = driver->room - DRIVER_HEADER - 1;
    const uint64_t size_max = limits->value[LIMIT_SIZE_MAX]; /* 0 is what devices without a limit say */
    uint64_t descs = merged(driver) ? 1 : driver->queue_size - 2;
    uint64_t max;

    if (limits->present[LIMIT_SEG_MAX] && limits->value[LIMIT_SEG_MAX] < descs)
        descs = limits->value[LIMIT_SEG_MAX] ? limits->value[LIMIT_SEG_MAX] : 1;
    max = size_max ? descs * size_max : room;
    if (merged(driver) && size_max)
        max = size_max > DRIVER_HEADER ? size_max - DRIVER_HEADER : 0;
    max = max < room ? max : room;
    return max < UINT32_MAX / 2 ? max : UINT32_MAX / 2;
}

/* Cut @len bytes at @gpa into elements of at most size_max bytes. */
static uint32_t cut(const struct vblk_driver *driver, uint32_t n, uint64_t gpa, uint32_t len, bool writable)
{
    const uint64_t size_max = driver->limits.value[LIMIT_SIZE_MAX];

    while (len) {
        const uint32_t part = size_max && size_max < len ? (uint32_t)size_max : len;

        driver->bufs[n++] = (struct vblk_element){ .gpa = gpa, .len = part, .writable = writable };
        gpa += part;
        len -= part;
    }
    return n;
}

static uint32_t frame(struct vblk_driver *driver, const struct job *job)
{
    const uint64_t header = driver->room_gpa, data = header + DRIVER_HEADER, status = data + job->len;
    struct vblk_element *bufs = driver->bufs;
    uint32_t n = 1;

    if (merged(driver)) {
        const uint32_t out = job->out ? job->len : 0, in = job->in ? job->len : 0;

        bufs[0] = (struct vblk_element){ .gpa = header, .len = DRIVER_HEADER + out };
        bufs[1] = (struct vblk_element){ .gpa = status - in, .len = in + 1, .writable = true };
        return 2;
    }
    bufs[0] = (struct vblk_element){ .gpa = header, .len = DRIVER_HEADER };
    n = cut(driver, n, data, job->len, job->in != NULL);
    bufs[n++] = (struct vblk_element){ .gpa = status, .len = 1, .writable = true };
    return n;
}

static vblk_err lay_out(struct vblk_driver *driver, const struct job *job)
{
    struct vblk_request_header header = { .type = vblk_put32(job->type), .sector = vblk_put64(job->sector) };
    const uint64_t data = driver->room_gpa + DRIVER_HEADER;
    struct vblk_memory *mem = driver->port->mem;
    struct vblk_segment segment;
    const void *out = job->out;
    vblk_err err;

    if (driver->behaviour->request) {
        const bool segments = out && job->len == sizeof(segment);

        if (segments)
            out = memcpy(&segment, out, sizeof(segment));
        driver->behaviour->request(driver, &header, segments ? &segment : NULL);
    }
    err = vblk_memory_write(mem, VBLK_DRIVER, driver->room_gpa, &header, sizeof(header));
    if (!err && out)
        err = vblk_memory_write(mem, VBLK_DRIVER, data, out, job->len);
    if (!err)
        err = vblk_memory_fill(mem, VBLK_DRIVER, data + job->len, STATUS_POISON, 1);
    vblk_memory_touch(mem, data, (uint64_t)job->len + 1);
    return err;
}

/* What a wrong driver makes of the elements. */
static void twist(struct vblk_driver *driver, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct vblk_element *buf = &driver->bufs[i];
        struct vblk_element element = { buf->gpa, buf->len, buf->writable };

        driver->behaviour->element(driver, i, n, &element);
        *buf = (struct vblk_element){ element.gpa, element.len, element.writable };
    }
}

static vblk_err send(struct vblk_driver *driver, uint16_t queue, uint32_t n, uint16_t *id)
{
    vblk_err err;

    if (driver->behaviour->element)
        twist(driver, n);
    err = driver_add_one(driver, queue, n, id);

    return err ? err : driver_publish(driver, queue, 1);
}

/* Wait for the answer. The limits may change meanwhile: refresh() sees to that before the next request. */
static vblk_err receive(struct vblk_driver *driver, uint16_t queue, struct vblk_used *used)
{
    struct pace pace = pace_start(driver->options.wait_ms);
    bool needs = false;

    for (;;) {
        const uint32_t notified = driver->port->config_notified;
        vblk_err err;

        vblk_port_look(driver->port, queue);
        err = driver_reap(&driver->queue[queue].ring, used);
        if (err != VBLK_E_EMPTY)
            return err;
        err = pace_wait(&pace, driver->port, queue);
        if (!err && notified == driver->port->config_notified)
            continue;
        if (!err || err == VBLK_E_TIMEOUT) {
            const vblk_err seen = life_needs_reset(&driver->life, &needs);

            err = seen ? seen : needs ? VBLK_E_STATE : err;
        }
        if (err)
            return err;
    }
}

/* The status stands whatever the length says (AMB-14); data is only what the length vouches for (2.7.8.3). */
static vblk_err settle(struct vblk_driver *driver, const struct job *job, const struct vblk_used *used, uint8_t *status)
{
    const uint64_t data = driver->room_gpa + DRIVER_HEADER;
    vblk_err err = vblk_memory_load8(driver->port->mem, VBLK_DRIVER, data + job->len, status);

    if (err)
        return broken(driver, err);
    if (*status > VBLK_S_UNSUPP || used->fault == VBLK_USED_LEN)
        return VBLK_E_IO;
    if (*status != VBLK_S_OK || !job->in)
        return VBLK_OK;
    if (used->len < job->len)
        return VBLK_E_IO;
    err = vblk_memory_read(driver->port->mem, VBLK_DRIVER, data, job->in, job->len);
    return err ? broken(driver, err) : VBLK_OK;
}

vblk_err driver_do(struct vblk_driver *driver, const struct job *job, uint8_t *status)
{
    const uint16_t queue = driver->next_queue;
    struct vblk_used used;
    uint16_t id;
    vblk_err err = lay_out(driver, job);

    driver->next_queue = (uint16_t)((queue + 1) % driver->queues);
    if (!err)
        err = send(driver, queue, frame(driver, job), &id);
    if (!err)
        err = receive(driver, queue, &used);
    if (err)
        return broken(driver, err);
    if (used.fault != VBLK_USED_OK && used.fault != VBLK_USED_LEN)
        return broken(driver, VBLK_E_IO);
    return settle(driver, job, &used, status);
}
