/* SPDX-License-Identifier: BSD-3-Clause */
/* What is waited for: sockets for as long as a pipe wants something of them, kicks always; calls wake nobody. */
#define _GNU_SOURCE
#include <sys/epoll.h>

#include "vhost_user_mon.h"

#define AT_ONCE 64
#define SOCKET 0x10000u /* or else a queue's kick descriptor */

bool mon_wait_open(struct vblk_vhost_user_monitor *m)
{
    for (uint32_t i = 0; i < MON_SOCKETS; i++)
        m->sockets[i].fd = -1;
    m->waits = epoll_create1(EPOLL_CLOEXEC);
    m->calls = epoll_create1(EPOLL_CLOEXEC);
    return m->waits >= 0 && m->calls >= 0;
}

void mon_wait_close(struct vblk_vhost_user_monitor *m)
{
    mon_close(&m->waits);
    mon_close(&m->calls);
}

static void want(struct vblk_vhost_user_monitor *m, uint32_t which, int fd, uint32_t events)
{
    struct mon_socket *s = &m->sockets[which];
    struct epoll_event wanted = { .events = events, .data.u32 = SOCKET | which };

    if (s->fd == fd && s->waiting == events)
        return;
    if (s->waiting != 0)
        (void)epoll_ctl(m->waits, EPOLL_CTL_DEL, s->fd, NULL);
    *s = (struct mon_socket){ fd, 0 };
    if (events != 0 && epoll_ctl(m->waits, EPOLL_CTL_ADD, fd, &wanted) == 0)
        s->waiting = events;
}

/* A pipe waits for its next bytes, or for room. */
static uint32_t wanted_at(const struct vblk_vhost_user_monitor *m, int fd)
{
    const struct mon_pipe *const all[] = { m->forth, m->back_again, m->up, m->down };
    uint32_t events = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && fd >= 0; i++) {
        if (!all[i]->ready && all[i]->in == fd)
            events |= EPOLLIN;
        if (all[i]->ready && all[i]->out == fd)
            events |= EPOLLOUT;
    }
    return events;
}

static void settle(struct vblk_vhost_user_monitor *m)
{
    const int fds[MON_SOCKETS] = { m->listener, m->front, m->back, m->channel_front, m->channel_back };

    want(m, MON_LISTENER, m->listener, m->front < 0 ? (uint32_t)EPOLLIN : 0);
    for (uint32_t i = MON_FRONT; i < MON_SOCKETS; i++)
        want(m, i, fds[i], wanted_at(m, fds[i]));
}

void mon_wait_forget_sockets(struct vblk_vhost_user_monitor *m)
{
    for (uint32_t i = MON_FRONT; i < MON_SOCKETS; i++)
        want(m, i, -1, 0);
}

void mon_calls_look(struct vblk_vhost_user_monitor *m)
{
    struct epoll_event ready[AT_ONCE];
    const int count = epoll_wait(m->calls, ready, AT_ONCE, 0);

    for (int i = 0; i < count; i++)
        mon_bell_heard(m, (uint16_t)ready[i].data.u32, false, (ready[i].events & EPOLLIN) != 0);
}

bool mon_wait(struct vblk_vhost_user_monitor *m, int ms, bool *any)
{
    struct epoll_event ready[AT_ONCE];
    bool sockets = false;
    int count;

    settle(m);
    count = epoll_wait(m->waits, ready, AT_ONCE, ms);
    *any = count > 0;
    for (int i = 0; i < count; i++) {
        if (ready[i].data.u32 & SOCKET)
            sockets = true;
        else
            mon_bell_heard(m, (uint16_t)ready[i].data.u32, true, (ready[i].events & EPOLLIN) != 0);
    }
    mon_calls_look(m);
    return sockets;
}
