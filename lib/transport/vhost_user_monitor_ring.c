/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings as they start and stop, in the words of registers, and the notifications that go to and fro. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vhost_user_mon.h"

#define VHOST_BITS (VBLK_BIT(VU_F_LOG_ALL) | VBLK_BIT(VU_F_PROTOCOL_FEATURES))

static void reg(struct vblk_vhost_user_monitor *m, enum vblk_event_kind kind, enum vblk_reg which, uint16_t queue,
                uint64_t value, bool emulated)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DRIVER, .reg = (uint16_t)which,
                                   .queue = queue, .value = value,
                                   .flags = emulated ? VBLK_EV_EMULATED : 0 };

    mon_emit(m, &ev);
}

static void status(struct vblk_vhost_user_monitor *m, unsigned value)
{
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0, value, true);
}

/* What the driver did to come this far, as nobody saw it: the features are the front-end's own word. */
static void begin_life(struct vblk_vhost_user_monitor *m)
{
    const unsigned known = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER, settled = known | VBLK_STATUS_FEATURES_OK;

    status(m, 0);
    reg(m, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0, 0, true);
    status(m, VBLK_STATUS_ACKNOWLEDGE);
    status(m, known);
    if (m->features_known)
        reg(m, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, 0, m->offered & ~VHOST_BITS, true);
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, 0, m->accepted & ~VHOST_BITS, false);
    status(m, settled);
    reg(m, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0, settled, true);
    m->alive = true;
    m->live = false;
}

static void now_live(struct vblk_vhost_user_monitor *m)
{
    if (m->live || !m->alive)
        return;
    m->live = true;
    status(m, VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK);
}

void mon_reset(struct vblk_vhost_user_monitor *m)
{
    for (uint32_t i = 0; i < VU_QUEUES_MAX; i++)
        m->ring[i].running = false;
    m->running = 0;
    if (!m->alive)
        return;
    m->alive = m->live = false;
    status(m, 0);
    reg(m, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0, 0, true);
}

void mon_ring_try(struct vblk_vhost_user_monitor *m, uint16_t queue)
{
    struct mon_ring *r = &m->ring[queue];
    uint64_t desc, driver, device;
    struct vblk_event enable = { .kind = VBLK_EV_REG_WRITE, .party = VBLK_DRIVER, .reg = VBLK_REG_QUEUE_ENABLE,
                                 .queue = queue, .value = 1, .at = r->base, .flags = VBLK_EV_EMULATED };

    if (m->lost || r->running || !r->sized || !r->placed || !r->kickable ||
        (!r->enabled && (m->accepted & VBLK_BIT(VU_F_PROTOCOL_FEATURES)) != 0))
        return;
    if (!mon_guest_address(m, r->addr.desc, &desc) || !mon_guest_address(m, r->addr.avail, &driver) ||
        !mon_guest_address(m, r->addr.used, &device)) {
        mon_note(m, "queue %u lies where no memory was shared: it is not followed", queue);
        return;
    }
    if (!m->alive)
        begin_life(m);
    r->running = true;
    r->looked = vu_now();
    m->running++;
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, queue, r->size, false);
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DESC, queue, desc, false);
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, queue, driver, false);
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DEVICE, queue, device, false);
    mon_emit(m, &enable);
}

/* The device has let go of the ring. With the last one the driver is taken to have reset it. */
void mon_ring_stopped(struct vblk_vhost_user_monitor *m, uint16_t queue)
{
    struct mon_ring *r = &m->ring[queue];

    r->kickable = false;
    if (!r->running)
        return;
    mon_notified(m, VBLK_EV_LOOK, queue);
    r->running = false;
    m->running--;
    reg(m, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, queue, 0, true);
    if (m->running == 0)
        mon_reset(m);
}

void mon_rings_clear(struct vblk_vhost_user_monitor *m)
{
    for (uint32_t i = 0; i < VU_QUEUES_MAX; i++) {
        mon_bell_drop(m, (uint16_t)i, true);
        mon_bell_drop(m, (uint16_t)i, false);
        m->ring[i] = (struct mon_ring){ .kick = MON_NO_BELL, .call = MON_NO_BELL };
    }
    m->running = 0;
    m->alive = m->live = false;
}

/* ---- notifications ---- */

/*
 * The counters of a ring begin again after 65536 entries. So many can't have gone through it in so short a time; who comes
 * later, because the machine had other things to do, does not know what he sees.
 */
#define TOO_LATE_MS 100

static void look_late(struct vblk_vhost_user_monitor *m, uint16_t queue)
{
    const struct vblk_event ev = { .kind = VBLK_EV_LOOK, .queue = queue, .party = VBLK_DRIVER, .value = 1 };
    const int64_t now = vu_now();

    if (now - m->ring[queue].looked > TOO_LATE_MS)
        mon_emit(m, &ev);
    m->ring[queue].looked = now;
}

void mon_notified(struct vblk_vhost_user_monitor *m, enum vblk_event_kind kind, uint16_t queue)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .queue = queue,
                                   .party = kind == VBLK_EV_USED_NOTIFY ? VBLK_DEVICE : VBLK_DRIVER };

    if (m->lost || queue >= VU_QUEUES_MAX || !m->ring[queue].running)
        return;
    now_live(m);
    look_late(m, queue);
    mon_emit(m, &ev);
}

void mon_look(struct vblk_vhost_user_monitor *m)
{
    uint16_t left = m->running;

    for (uint16_t i = 0; i < VU_QUEUES_MAX && left > 0; i++) {
        if (!m->ring[i].running)
            continue;
        mon_notified(m, VBLK_EV_LOOK, i);
        m->info.looks++;
        left--;
    }
}

static bool is_eventfd(int fd)
{
    char path[64], name[64];
    ssize_t len;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, name, sizeof(name) - 1);
    return len > 0 && strncmp(name, "anon_inode:[eventfd]", (size_t)len) == 0;
}

/* Ours is like theirs, in that reading it may wait or may not. */
static int stand_in(struct mon_bell *bell)
{
    const int flags = fcntl(bell->fd, F_GETFL), ours = eventfd(0, EFD_CLOEXEC | (flags & O_NONBLOCK ? EFD_NONBLOCK : 0));

    bell->to = ours >= 0 ? fcntl(ours, F_DUPFD_CLOEXEC, 0) : -1;
    return ours;
}

/*
 * The descriptor goes on as it is: between driver and device nothing is added. A copy of ours is in a set that says of it,
 * once each time somebody wrote or read it, whether there is something in it now. (A hypervisor that takes notifications
 * inside the kernel keeps them to itself: they are not seen, and rings are looked at all the same.)
 *
 * A packed ring does not keep what the driver wrote once the device has used it, and is followed for its first lap
 * alone: there the device hears of new buffers after we do.
 */
int mon_bell_hang(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick, int fd)
{
    struct mon_bell *bell = kick ? &m->ring[queue].kick : &m->ring[queue].call;
    const bool between = kick && (m->accepted & VBLK_BIT(VBLK_F_RING_PACKED)) != 0;
    struct epoll_event wanted = { .events = between ? EPOLLIN : EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = queue };

    *bell = MON_NO_BELL;
    bell->fd = is_eventfd(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (bell->fd < 0 || epoll_ctl(kick ? m->waits : m->calls, EPOLL_CTL_ADD, bell->fd, &wanted) < 0) {
        mon_bell_drop(m, queue, kick);
        mon_note(m, "a descriptor for notifications is no eventfd: what comes through it is not seen");
        return -1;
    }
    return between ? stand_in(bell) : -1;
}

/* Others have the same: if it was only closed, it would stay in the set. */
void mon_bell_drop(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick)
{
    struct mon_bell *bell = kick ? &m->ring[queue].kick : &m->ring[queue].call;

    if (bell->fd >= 0)
        (void)epoll_ctl(kick ? m->waits : m->calls, EPOLL_CTL_DEL, bell->fd, NULL);
    mon_close(&bell->fd);
    mon_close(&bell->to);
}

static void told(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick)
{
    *(kick ? &m->info.kicks : &m->info.calls) += 1;
    mon_notified(m, kick ? VBLK_EV_KICK : VBLK_EV_USED_NOTIFY, queue);
}

/* What was added since the last time, without ever waiting for it: others may read it, too. */
static uint64_t rings(int fd)
{
    uint64_t count = 0;
    struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

    return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == (ssize_t)sizeof(count) ? count : 0;
}

static void pass_on(struct vblk_vhost_user_monitor *m, uint16_t queue, const struct mon_bell *bell)
{
    const uint64_t count = rings(bell->fd);

    if (count == 0)
        return;
    told(m, queue, true);
    /* Full only if nobody takes what rings, and then it rings already. */
    if (write(bell->to, &count, sizeof(count)) < 0)
        mon_note(m, "a notification of queue %u could not be passed on: %s", queue, strerror(errno));
}

/* Something in it is a new notification, and so is nothing in it, unless that is the end of one that was told. */
void mon_bell_heard(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick, bool filled)
{
    struct mon_bell *bell = kick ? &m->ring[queue].kick : &m->ring[queue].call;
    const bool rang = bell->known ? filled || !bell->pending : kick && filled;

    if (bell->to >= 0) {
        pass_on(m, queue, bell);
        return;
    }
    bell->known = true;
    bell->pending = filled;
    if (rang)
        told(m, queue, kick);
}
