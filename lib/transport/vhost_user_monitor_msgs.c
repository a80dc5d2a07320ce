/* SPDX-License-Identifier: BSD-3-Clause */
/* What the messages mean that go by. A message that makes no sense goes by all the same. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_mon.h"

/* Data of the u64 that comes with a notification's descriptor. */
#define INDEX_MASK 0xffu

static bool has(const struct vu_msg *m, size_t size)
{
    return m->head.size >= size;
}

static struct mon_ring *ring_of(struct vblk_vhost_user_monitor *mon, uint64_t index)
{
    return index < VU_QUEUES_MAX ? &mon->ring[index] : NULL;
}

/* ---- from the front-end ---- */

static void set_features(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    if (has(m, sizeof(m->body.u64)))
        mon->accepted = m->body.u64;
}

static void set_protocol(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    if (has(m, sizeof(m->body.u64)))
        mon->protocol = m->body.u64;
}

static void set_table(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    mon_look(mon);
    mon_set_table(mon, m, pipe->fds, pipe->fd_count);
}

static void add_region(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    if (has(m, sizeof(m->body.mem)) && pipe->fd_count == 1)
        mon_add_region(mon, &m->body.mem.region, pipe->fds[0]);
}

static void remove_region(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    mon_look(mon);
    if (has(m, sizeof(m->body.mem)))
        mon_remove_region(mon, &m->body.mem.region);
}

static void set_num(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct mon_ring *r = ring_of(mon, m->body.state.index);

    (void)pipe;
    if (!has(m, sizeof(m->body.state)) || r == NULL)
        return;
    r->sized = m->body.state.num > 0 && m->body.state.num <= VBLK_SPLIT_SIZE_MAX;
    r->size = (uint16_t)m->body.state.num;
}

static void set_addr(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct mon_ring *r = ring_of(mon, m->body.addr.index);

    (void)pipe;
    if (!has(m, sizeof(m->body.addr)) || r == NULL)
        return;
    r->addr = m->body.addr;
    r->placed = true;
    mon_ring_try(mon, (uint16_t)m->body.addr.index);
}

static void set_base(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct mon_ring *r = ring_of(mon, m->body.state.index);

    (void)pipe;
    if (has(m, sizeof(m->body.state)) && r != NULL)
        r->base = (uint16_t)m->body.state.num;
}

/* @return the ring whose descriptor it is, which is watched from now on; NULL: no such ring. */
static struct mon_ring *watch(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m,
                              bool kick)
{
    const uint16_t queue = m->body.u64 & INDEX_MASK;
    int ours = -1;

    if (!has(m, sizeof(m->body.u64)) || ring_of(mon, queue) == NULL)
        return NULL;
    mon_bell_drop(mon, queue, kick);
    if (pipe->fd_count == 1)
        ours = mon_bell_hang(mon, queue, kick, pipe->fds[0]);
    if (ours >= 0) {
        close(pipe->fds[0]); /* we have a copy */
        pipe->fds[0] = ours;
    }
    return ring_of(mon, queue);
}

static void set_kick(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct mon_ring *r = watch(mon, pipe, m, true);

    if (r == NULL)
        return;
    r->kickable = true;
    mon_ring_try(mon, (uint16_t)(r - mon->ring));
}

static void set_call(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)watch(mon, pipe, m, false);
}

static void set_enable(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct mon_ring *r = ring_of(mon, m->body.state.index);

    (void)pipe;
    if (!has(m, sizeof(m->body.state)) || r == NULL)
        return;
    r->enabled = m->body.state.num == 1;
    mon_ring_try(mon, (uint16_t)m->body.state.index);
}

static void in_band_kick(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    if (!has(m, sizeof(m->body.state)))
        return;
    mon->info.kicks++;
    if (m->body.state.index < VU_QUEUES_MAX)
        mon_notified(mon, VBLK_EV_KICK, (uint16_t)m->body.state.index);
}

static void get_base(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    if (has(m, sizeof(m->body.state)) && m->body.state.index < VU_QUEUES_MAX)
        mon_notified(mon, VBLK_EV_LOOK, (uint16_t)m->body.state.index);
}

static void reset_device(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    (void)m;
    mon_look(mon);
    mon_reset(mon);
}

static void set_status(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    if (has(m, sizeof(m->body.u64)) && (uint8_t)m->body.u64 == 0)
        reset_device(mon, pipe, m);
}

static void set_config(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    const struct vu_config *c = &m->body.config;
    const struct vblk_event ev = { .kind = VBLK_EV_CONFIG_WRITE, .party = VBLK_DRIVER, .at = c->offset, .len = c->size,
                                   .bytes = c->bytes };

    (void)pipe;
    if (has(m, VU_CONFIG_HEAD) && c->size > 0 && c->size <= VU_CONFIG_MAX && has(m, VU_CONFIG_HEAD + (size_t)c->size))
        mon_emit(mon, &ev);
}

/* The channel's two ends become two channels, with us in between. */
static void set_channel(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    int pair[2];

    (void)m;
    if (pipe->fd_count != 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return;
    mon_pipe_close(mon->up);
    mon_pipe_close(mon->down);
    mon_wait_forget_sockets(mon);
    mon_close(&mon->channel_front);
    mon_close(&mon->channel_back);
    mon->channel_front = pipe->fds[0];
    mon->channel_back = pair[0];
    pipe->fds[0] = pair[1];
    mon_pipe_open(mon->up, mon->channel_back, mon->channel_front);
    mon_pipe_open(mon->down, mon->channel_front, mon->channel_back);
}

typedef void (*message_fn)(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m);

static const message_fn from_front[VU_REQUEST_COUNT] = {
    [VU_SET_FEATURES] = set_features,   [VU_SET_PROTOCOL_FEATURES] = set_protocol,
    [VU_SET_MEM_TABLE] = set_table,     [VU_ADD_MEM_REG] = add_region,
    [VU_REM_MEM_REG] = remove_region,   [VU_SET_VRING_NUM] = set_num,
    [VU_SET_VRING_ADDR] = set_addr,     [VU_SET_VRING_BASE] = set_base,
    [VU_SET_VRING_KICK] = set_kick,     [VU_SET_VRING_CALL] = set_call,
    [VU_SET_VRING_ENABLE] = set_enable, [VU_VRING_KICK] = in_band_kick,
    [VU_GET_VRING_BASE] = get_base,     [VU_RESET_DEVICE] = reset_device,
    [VU_SET_STATUS] = set_status,       [VU_SET_CONFIG] = set_config,
    [VU_SET_BACKEND_REQ_FD] = set_channel,
};

void mon_from_front(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct vblk_vhost_user_monitor *mon = ctx;

    mon->info.messages++;
    if (m->head.request < VU_REQUEST_COUNT && from_front[m->head.request] != NULL)
        from_front[m->head.request](mon, pipe, m);
}

/* ---- from the back-end: answers ---- */

static void features(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    const uint64_t vhost = VBLK_BIT(VU_F_LOG_ALL) | VBLK_BIT(VU_F_PROTOCOL_FEATURES);
    const struct vblk_event ev = { .kind = VBLK_EV_REG_READ, .party = VBLK_DRIVER, .reg = VBLK_REG_DEVICE_FEATURES,
                                   .value = m->body.u64 & ~vhost };

    (void)pipe;
    if (!has(m, sizeof(m->body.u64)))
        return;
    mon->offered = m->body.u64;
    mon->features_known = true;
    if (!mon->alive)
        mon_emit(mon, &ev);
}

static void config(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    const struct vu_config *c = &m->body.config;
    const struct vblk_event ev = { .kind = VBLK_EV_CONFIG_READ, .party = VBLK_DRIVER, .at = c->offset, .len = c->size,
                                   .bytes = c->bytes };

    (void)pipe;
    if (has(m, VU_CONFIG_HEAD) && c->size > 0 && c->size <= VU_CONFIG_MAX && has(m, VU_CONFIG_HEAD + (size_t)c->size))
        mon_emit(mon, &ev);
}

static void base(struct vblk_vhost_user_monitor *mon, struct mon_pipe *pipe, const struct vu_msg *m)
{
    (void)pipe;
    if (has(m, sizeof(m->body.state)) && m->body.state.index < VU_QUEUES_MAX)
        mon_ring_stopped(mon, (uint16_t)m->body.state.index);
}

static const message_fn from_back[VU_REQUEST_COUNT] = {
    [VU_GET_FEATURES] = features,
    [VU_GET_CONFIG] = config,
    [VU_GET_VRING_BASE] = base,
};

void mon_from_back(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct vblk_vhost_user_monitor *mon = ctx;

    mon->info.messages++;
    mon_calls_look(mon);
    if (m->head.request < VU_REQUEST_COUNT && from_back[m->head.request] != NULL)
        from_back[m->head.request](mon, pipe, m);
}

/* ---- the back-end's own channel ---- */

enum { CHANNEL_VRING_CALL = 4 };

void mon_from_channel(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct vblk_vhost_user_monitor *mon = ctx;
    const struct vblk_event ev = { .kind = VBLK_EV_CONFIG_NOTIFY, .party = VBLK_DEVICE };

    (void)pipe;
    mon->info.messages++;
    mon_calls_look(mon);
    if (m->head.request == VU_BACKEND_CONFIG_CHANGE)
        mon_emit(mon, &ev);
    if (m->head.request != CHANNEL_VRING_CALL || !has(m, sizeof(m->body.state)))
        return;
    mon->info.calls++;
    if (m->body.state.index < VU_QUEUES_MAX)
        mon_notified(mon, VBLK_EV_USED_NOTIFY, (uint16_t)m->body.state.index);
}

void mon_to_channel(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m)
{
    struct vblk_vhost_user_monitor *mon = ctx;

    (void)pipe;
    (void)m;
    mon->info.messages++;
}
