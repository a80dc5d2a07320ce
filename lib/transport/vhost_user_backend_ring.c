/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings: when they start and stop, kicks and calls. */
#define _GNU_SOURCE
#include "vhost_user_back.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <vblk/spec.h>

/* A ring without a kick descriptor is looked at so often. */
#define POLLED_MS 1

/* A fresh packed ring: both places are 0, their wrap counters 1. Some write 0 for it. */
#define PACKED_BASE 0x80008000u

static bool packed(const struct vblk_vhost_user_backend *b)
{
    return b->features >> VBLK_F_RING_PACKED & 1;
}

/* "Starting and stopping rings": enabled from the start unless protocol features were accepted. */
static bool switched_on(const struct vblk_vhost_user_backend *b, const struct back_ring *r)
{
    return r->enabled || !(b->features >> VU_F_PROTOCOL_FEATURES & 1);
}

bool back_ring_on(const struct vblk_vhost_user_backend *b, const struct back_ring *r)
{
    return r->running && switched_on(b, r);
}

static bool startable(const struct vblk_vhost_user_backend *b, const struct back_ring *r)
{
    return !r->running && r->startable && r->described && r->num > 0 && switched_on(b, r);
}

static enum back_answer locate(struct vblk_vhost_user_backend *b, uint16_t queue, struct back_layout *at)
{
    const struct back_ring *r = &b->ring[queue];

    at->num = r->num;
    if (back_guest_address(b, r->addr.desc, &at->desc) && back_guest_address(b, r->addr.avail, &at->driver) &&
        back_guest_address(b, r->addr.used, &at->device))
        return BACK_DONE;
    return back_breach(b, "ring %u lies in no memory region: descriptors 0x%llx, available 0x%llx, used 0x%llx", queue,
                       (unsigned long long)r->addr.desc, (unsigned long long)r->addr.avail,
                       (unsigned long long)r->addr.used);
}

static bool goes_on(const struct back_ring *r, const struct back_layout *at, uint32_t was)
{
    return r->stopped && r->base == was && at->num == r->at.num && at->desc == r->at.desc &&
           at->driver == r->at.driver && at->device == r->at.device;
}

static uint16_t used_index(const struct vblk_vhost_user_backend *b, const struct back_layout *at)
{
    vblk_le16 idx = vblk_put16(0);

    return vblk_memory_peek(b->mem, at->device + 2, &idx, sizeof(idx)) == VBLK_OK ? vblk_get16(idx) : 0;
}

/*
 * Where the front-end says that the ring stands. A split ring's used index lies in its memory; what lies between it and
 * the base is somebody's who is gone, unless there is a record of it.
 */
static struct back_resume said(const struct vblk_vhost_user_backend *b, const struct back_ring *r,
                               const struct back_layout *at)
{
    const uint32_t base = packed(b) && r->base == 0 ? PACKED_BASE : r->base;

    if (packed(b))
        return (struct back_resume){ .avail = (uint16_t)base, .used = (uint16_t)(base >> 16) };
    return (struct back_resume){ .avail = (uint16_t)base, .used = base == 0 ? 0 : used_index(b, at) };
}

static bool makes_sense(const struct vblk_vhost_user_backend *b, const struct back_ring *r, const struct back_resume *from)
{
    const unsigned slot = VBLK_RING_EVENT_WRAP - 1;

    if (packed(b))
        return (from->avail & slot) < r->num && (from->used & slot) < r->num;
    return r->base <= UINT16_MAX && (uint16_t)(from->avail - from->used) <= r->num;
}

/* Afresh: nothing is to be said to the device. */
static bool afresh(const struct vblk_vhost_user_backend *b, const struct back_resume *from)
{
    const uint16_t zero = packed(b) ? (uint16_t)PACKED_BASE : 0;

    return from->avail == zero && from->used == zero && from->again_count == 0;
}

static void signal_fd(int *fd)
{
    const uint64_t one = 1;

    if (*fd >= 0 && write(*fd, &one, sizeof(one)) < 0 && errno != EAGAIN && errno != EINTR)
        back_close(fd);
}

/* The nearest that the transport has to DEVICE_NEEDS_RESET. */
static void tell_failure(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    const struct vu_state state = { .index = queue };

    if (b->failed_told || !(vblk_device_status(b->device) & VBLK_STATUS_NEEDS_RESET))
        return;
    b->failed_told = true;
    if (b->ring[queue].err >= 0)
        signal_fd(&b->ring[queue].err);
    else if (back_has(b, VU_PROTOCOL_INBAND))
        (void)back_tell(b, VU_BACKEND_VRING_ERR, &state, sizeof(state));
}

/* A ring that was stopped and comes back elsewhere, or from another place, was given up in between. */
static void give_up(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    if (!b->ring[queue].stopped)
        return;
    if (vblk_device_accepted(b->device) >> VBLK_F_RING_RESET & 1) {
        back_write_reg(b, VBLK_REG_QUEUE_RESET, queue, 1, true);
        (void)back_read_reg(b, VBLK_REG_QUEUE_RESET, queue, true);
    } else {
        back_write_reg(b, VBLK_REG_QUEUE_ENABLE, queue, 0, true);
    }
}

/* The judge is told the base as vhost writes it; 0: from the beginning. */
static void enable(struct vblk_vhost_user_backend *b, uint16_t queue, const struct back_resume *from)
{
    const uint32_t places = from->avail | (uint32_t)from->used << 16;
    struct vblk_event ev = { .kind = VBLK_EV_REG_WRITE, .party = VBLK_DRIVER, .flags = VBLK_EV_EMULATED, .queue = queue,
                             .reg = VBLK_REG_QUEUE_ENABLE, .value = 1 };

    if (!afresh(b, from)) {
        ev.at = packed(b) ? places : from->avail;
        (void)!vblk_device_resume(b->device, queue, places, from->again, from->again_count);
    }
    back_emit(b, &ev);
    vblk_device_write_reg(b->device, VBLK_REG_QUEUE_ENABLE, queue, 1);
}

static void set_up(struct vblk_vhost_user_backend *b, uint16_t queue, const struct back_resume *from)
{
    const struct back_layout *at = &b->ring[queue].at;

    give_up(b, queue);
    back_write_reg(b, VBLK_REG_QUEUE_SIZE, queue, at->num, false);
    back_write_reg(b, VBLK_REG_QUEUE_DESC, queue, at->desc, false);
    back_write_reg(b, VBLK_REG_QUEUE_DRIVER, queue, at->driver, false);
    back_write_reg(b, VBLK_REG_QUEUE_DEVICE, queue, at->device, false);
    enable(b, queue, from);
}

/* From the beginning, or from where somebody else left it. */
static enum back_answer begin(struct vblk_vhost_user_backend *b, uint16_t queue, const struct back_layout *at)
{
    struct back_ring *r = &b->ring[queue];
    struct back_resume from = said(b, r, at);

    if (!makes_sense(b, r, &from))
        return back_breach(b, "ring %u is to begin at 0x%x, which is no place in it", queue, r->base);
    if (!back_may_begin(b))
        return back_breach(b, "ring %u is started with features that the device refuses", queue);
    r->at = *at;
    (void)back_record_open(b, queue, &from);
    set_up(b, queue, &from);
    return BACK_DONE;
}

static enum back_answer start(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    struct back_ring *r = &b->ring[queue];
    struct back_layout at;
    enum back_answer answer = locate(b, queue, &at);

    if (answer == BACK_DONE && goes_on(r, &at, vblk_device_queue_base(b->device, queue)))
        back_record_go_on(b, queue);
    else if (answer == BACK_DONE)
        answer = begin(b, queue, &at);
    if (answer != BACK_DONE)
        return answer;
    r->stopped = false;
    r->running = true;
    r->again = true; /* what was made available while nobody looked */
    b->running++;
    back_now_live(b);
    tell_failure(b, queue);
    return BACK_DONE;
}

enum back_answer back_start_rings(struct vblk_vhost_user_backend *b)
{
    enum back_answer answer = BACK_DONE;

    for (uint16_t i = 0; i < b->queues && answer == BACK_DONE; i++)
        if (startable(b, &b->ring[i]))
            answer = start(b, i);
    return answer;
}

uint32_t back_stop_ring(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    struct back_ring *r = &b->ring[queue];

    r->startable = false; /* until the next SET_VRING_KICK */
    if (!r->running)
        return r->stopped ? vblk_device_queue_base(b->device, queue) : r->base;
    r->running = r->again = false;
    r->stopped = true;
    b->running--;
    b->paused |= b->running == 0;
    r->base = vblk_device_queue_base(b->device, queue);
    return r->base;
}

void back_drop_rings(struct vblk_vhost_user_backend *b)
{
    for (uint16_t i = 0; i < b->queues; i++) {
        struct back_ring *r = &b->ring[i];

        r->startable = r->startable && !r->running;
        r->running = r->again = r->stopped = false;
    }
    b->running = 0;
}

void back_close_rings(struct vblk_vhost_user_backend *b)
{
    for (uint16_t i = 0; i < b->queues; i++) {
        back_close(&b->ring[i].kick);
        back_close(&b->ring[i].call);
        back_close(&b->ring[i].err);
        back_record_free(b->ring[i].record);
        b->ring[i] = (struct back_ring){ .kick = -1, .call = -1, .err = -1 };
    }
    b->running = 0;
    back_close(&b->inflight.fd);
    vblk_device_on_buffer(b->device, NULL, NULL);
}

/* ---- notifications ---- */

void back_notified(void *ctx, enum vblk_event_kind kind, uint16_t queue)
{
    struct vblk_vhost_user_backend *b = ctx;
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DEVICE, .queue = queue };
    const struct vu_state state = { .index = queue };

    if (kind == VBLK_EV_CONFIG_NOTIFY) {
        if (b->channel < 0)
            return; /* nobody is told */
        back_emit(b, &ev);
        (void)back_tell(b, VU_BACKEND_CONFIG_CHANGE, NULL, 0);
        return;
    }
    if (queue >= b->queues)
        return;
    back_emit(b, &ev); /* first: the driver may act on it at once */
    if (b->ring[queue].call >= 0)
        signal_fd(&b->ring[queue].call);
    else if (back_has(b, VU_PROTOCOL_INBAND))
        (void)back_tell(b, VU_BACKEND_VRING_CALL, &state, sizeof(state));
}

static uint32_t serve(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    struct back_ring *r = &b->ring[queue];
    uint32_t done = vblk_device_serve(b->device, queue);

    b->requests += done;
    r->again = done >= r->at.num;
    tell_failure(b, queue);
    return done;
}

/* Without a descriptor the driver can't be heard: it is taken to have notified of what was found. */
static void serve_unasked(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    const struct vblk_event ev = { .kind = VBLK_EV_KICK, .party = VBLK_DRIVER, .flags = VBLK_EV_EMULATED,
                                   .queue = queue, .value = queue };

    if (serve(b, queue) > 0 && !back_has(b, VU_PROTOCOL_INBAND))
        back_emit(b, &ev);
}

void back_kicked(struct vblk_vhost_user_backend *b, uint16_t queue)
{
    const struct vblk_event ev = { .kind = VBLK_EV_KICK, .party = VBLK_DRIVER, .queue = queue, .value = queue };

    b->kicks++;
    back_emit(b, &ev);
    b->ring[queue].again = true;
}

/* Take what was counted. A descriptor that ends, or is none that can be read, is given up. */
static bool drain(int *fd)
{
    uint64_t count;
    ssize_t got = read(*fd, &count, sizeof(count));

    if (got > 0)
        return true;
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        back_close(fd);
    return false;
}

void back_serve(struct vblk_vhost_user_backend *b, const struct pollfd *fds)
{
    for (uint16_t i = 0; i < b->queues; i++) {
        struct back_ring *r = &b->ring[i];
        const bool none = r->kick < 0;

        if (!back_ring_on(b, r))
            continue;
        if (fds[i].revents && drain(&r->kick))
            back_kicked(b, i);
        if (none)
            serve_unasked(b, i);
        else if (r->again)
            (void)serve(b, i);
    }
}

int back_patience(const struct vblk_vhost_user_backend *b, int ms)
{
    for (uint16_t i = 0; i < b->queues; i++) {
        const struct back_ring *r = &b->ring[i];

        if (back_ring_on(b, r) && r->again)
            return 0;
        if (back_ring_on(b, r) && r->kick < 0 && !back_has(b, VU_PROTOCOL_INBAND) && ms > POLLED_MS)
            ms = POLLED_MS;
    }
    return ms;
}
