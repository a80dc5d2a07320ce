/* SPDX-License-Identifier: BSD-3-Clause */
/* Front-ends that come and go, and the loop that passes everything on. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vhost_user_mon.h"

#define LOOK_MS 10u
#define CONNECT_MS 5000u
#define AGAIN_MS 20 /* between attempts to connect */

void mon_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void mon_note(struct vblk_vhost_user_monitor *m, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(m->note, sizeof(m->note), fmt, args);
    va_end(args);
    m->info.not_followed++;
}

void mon_emit(struct vblk_vhost_user_monitor *m, const struct vblk_event *ev)
{
    if (m->options.observe)
        m->options.observe(m->options.observe_ctx, ev);
}

static void tell(struct vblk_vhost_user_monitor *m, enum vblk_event_kind kind, const char *text)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_NOBODY, .bytes = (const uint8_t *)text,
                                   .len = text ? (uint32_t)strlen(text) : 0 };

    mon_emit(m, &ev);
}

/* ---- coming and going ---- */

static bool address_of(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return snprintf(address->sun_path, sizeof(address->sun_path), "%s", path) < (int)sizeof(address->sun_path);
}

/* What lies at the path may be left over from a process that is gone; whatever else it is stays. */
static void remove_stale(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno == ECONNREFUSED)
        (void)unlink(address->sun_path);
    close(probe);
}

static bool start_listening(struct vblk_vhost_user_monitor *m)
{
    struct sockaddr_un address;

    if (!address_of(&address, m->listen_path))
        return false;
    remove_stale(&address);
    m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return m->listener >= 0 && bind(m->listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(m->listener, 16) == 0;
}

static void connected(struct vblk_vhost_user_monitor *m)
{
    char name[32];

    m->connecting = false;
    mon_pipe_open(m->forth, m->front, m->back);
    mon_pipe_open(m->back_again, m->back, m->front);
    m->info.connections++;
    m->info.connected = true;
    (void)snprintf(name, sizeof(name), "connection %llu", (unsigned long long)m->info.connections);
    tell(m, VBLK_EV_CASE_BEGIN, name);
}

/* Everything of the connection goes; what the front-end has not read yet it can still read. */
static void disconnect(struct vblk_vhost_user_monitor *m)
{
    const bool was = m->info.connected;

    mon_pipe_close(m->forth);
    mon_pipe_close(m->back_again);
    mon_pipe_close(m->up);
    mon_pipe_close(m->down);
    mon_wait_forget_sockets(m);
    mon_close(&m->front);
    mon_close(&m->back);
    mon_close(&m->channel_front);
    mon_close(&m->channel_back);
    if (was) {
        mon_reset(m);
        tell(m, VBLK_EV_CASE_END, NULL);
    }
    mon_rings_clear(m);
    mon_forget_memory(m);
    m->offered = m->accepted = m->protocol = 0;
    m->features_known = m->lost = m->connecting = m->info.connected = false;
}

static void try_connect(struct vblk_vhost_user_monitor *m)
{
    struct sockaddr_un address;

    (void)address_of(&address, m->connect_path);
    if (m->back < 0)
        m->back = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (m->back >= 0 && connect(m->back, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        connected(m);
        return;
    }
    if (vu_now() < m->deadline)
        return;
    mon_note(m, "no back-end at '%s': %s; the front-end was turned away", m->connect_path, strerror(errno));
    disconnect(m);
}

static void take_front(struct vblk_vhost_user_monitor *m)
{
    m->front = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
    if (m->front < 0)
        return;
    m->connecting = true;
    m->deadline = vu_now() + m->options.connect_ms;
    try_connect(m);
}

/* ---- passing on ---- */

static void check_sense(struct vblk_vhost_user_monitor *m)
{
    if (m->lost || !(m->forth->raw || m->back_again->raw))
        return;
    mon_note(m, "something went by that is no vhost-user message: nothing is judged until the next connection");
    mon_reset(m);
    m->lost = true;
}

static bool ended(enum mon_flow flow)
{
    return flow == MON_CLOSED || flow == MON_BROKEN;
}

/* The front-end hung up, or the back-end did; what was on its way to the other one is passed on first. */
static void pump(struct vblk_vhost_user_monitor *m)
{
    const enum mon_flow forth = mon_pump(m->forth, mon_from_front, m);
    const enum mon_flow back = mon_pump(m->back_again, mon_from_back, m);

    check_sense(m);
    if (m->channel_back >= 0) {
        const enum mon_flow up = mon_pump(m->up, mon_from_channel, m), down = mon_pump(m->down, mon_to_channel, m);

        if (ended(up) || ended(down)) {
            mon_pipe_close(m->up);
            mon_pipe_close(m->down);
            mon_wait_forget_sockets(m);
            mon_close(&m->channel_front);
            mon_close(&m->channel_back);
        }
    }
    if (!ended(forth) && !ended(back))
        return;
    mon_calls_look(m);
    mon_look(m);
    if (forth != MON_CLOSED && back != MON_BROKEN)
        tell(m, VBLK_EV_GONE, "the back-end hung up");
    disconnect(m);
}

/* ---- waiting ---- */

static int patience(const struct vblk_vhost_user_monitor *m, unsigned ms)
{
    if (m->connecting && ms > AGAIN_MS)
        return AGAIN_MS;
    if (m->running > 0 && ms > m->options.look_ms)
        return (int)m->options.look_ms;
    return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

vblk_err vblk_vhost_user_monitor_step(struct vblk_vhost_user_monitor *m, unsigned ms)
{
    bool any;
    const bool sockets = mon_wait(m, patience(m, ms), &any);

    if (m->connecting)
        try_connect(m);
    else if (m->front < 0 && sockets)
        take_front(m);
    else if (!any)
        mon_look(m);
    else if (sockets)
        pump(m);
    return any ? VBLK_OK : VBLK_E_TIMEOUT;
}

void vblk_vhost_user_monitor_look_away(struct vblk_vhost_user_monitor *m, const char *why)
{
    mon_note(m, "%s", why);
    mon_reset(m);
    mon_forget_memory(m);
    m->lost = true;
}

/* ---- life ---- */

static bool make_pipes(struct vblk_vhost_user_monitor *m)
{
    struct mon_pipe **const all[] = { &m->forth, &m->back_again, &m->up, &m->down };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *all[i] = malloc(sizeof(**all[i]));
        if (*all[i] == NULL)
            return false;
        mon_pipe_open(*all[i], -1, -1);
    }
    return true;
}

static void free_all(struct vblk_vhost_user_monitor *m)
{
    free(m->forth);
    free(m->back_again);
    free(m->up);
    free(m->down);
    mon_wait_close(m);
    mon_close(&m->listener);
    free(m);
}

static bool path_fits(char to[108], const char *path)
{
    return path != NULL && path[0] != '\0' && snprintf(to, 108, "%s", path) < 108;
}

static struct vblk_vhost_user_monitor *make(const struct vblk_vhost_user_monitor_options *options)
{
    struct vblk_vhost_user_monitor *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return NULL;
    m->options = *options;
    m->options.look_ms = options->look_ms ? options->look_ms : LOOK_MS;
    m->options.connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
    m->listener = m->front = m->back = m->channel_front = m->channel_back = -1;
    for (uint32_t i = 0; i < VU_QUEUES_MAX; i++)
        m->ring[i] = (struct mon_ring){ .kick = MON_NO_BELL, .call = MON_NO_BELL };
    if (make_pipes(m) && mon_wait_open(m))
        return m;
    free_all(m);
    return NULL;
}

vblk_err vblk_vhost_user_monitor_open(const struct vblk_vhost_user_monitor_options *options,
                                      struct vblk_vhost_user_monitor **out, char *why, size_t why_size)
{
    struct vblk_vhost_user_monitor *m = make(options);
    vblk_err err = VBLK_OK;

    *out = NULL;
    if (m == NULL) {
        (void)snprintf(why, why_size, "no memory left");
        return VBLK_E_NOMEM;
    }
    if (!path_fits(m->listen_path, options->listen) || !path_fits(m->connect_path, options->connect)) {
        (void)snprintf(why, why_size, "a socket's path has 1 to 107 bytes");
        err = VBLK_E_INVAL;
    } else if (!start_listening(m)) {
        (void)snprintf(why, why_size, "cannot listen at '%s': %s", m->listen_path, strerror(errno));
        err = VBLK_E_IO;
    }
    if (err) {
        free_all(m);
        return err;
    }
    *out = m;
    return VBLK_OK;
}

void vblk_vhost_user_monitor_close(struct vblk_vhost_user_monitor *m)
{
    if (m == NULL)
        return;
    if (m->front >= 0)
        disconnect(m);
    (void)unlink(m->listen_path);
    free_all(m);
}

void vblk_vhost_user_monitor_info(const struct vblk_vhost_user_monitor *m, struct vblk_vhost_user_monitor_info *out)
{
    *out = m->info;
    out->note = m->note;
}
