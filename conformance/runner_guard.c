/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner_guard.h"

#include <time.h>

#include <vblk/spec.h>

static uint64_t now(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct runner_guard *guard_of(struct vblk_port *port)
{
    return (struct runner_guard *)(void *)port;
}

/* Milliseconds left, at least 1; 0 when time is up. */
static unsigned left(struct runner_guard *guard)
{
    uint64_t at = now();

    if (guard->stop && *guard->stop)
        guard->stopped = true;
    else if (at >= guard->deadline)
        guard->expired = true;
    if (guard->stopped || guard->expired)
        return 0;
    return (unsigned)((guard->deadline - at) / 1000000u + 1);
}

static vblk_err noted(struct runner_guard *guard, vblk_err err)
{
    guard->gone = guard->gone || err == VBLK_E_GONE;
    return err;
}

static vblk_err guard_read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value,
                               bool *emulated)
{
    struct runner_guard *g = guard_of(port);

    return left(g) ? noted(g, g->inner->ops->read_reg(g->inner, reg, queue, value, emulated)) : VBLK_E_TIMEOUT;
}

static vblk_err guard_write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value,
                                bool *emulated)
{
    struct runner_guard *g = guard_of(port);

    return left(g) ? noted(g, g->inner->ops->write_reg(g->inner, reg, queue, value, emulated)) : VBLK_E_TIMEOUT;
}

static vblk_err guard_read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    struct runner_guard *g = guard_of(port);

    return left(g) ? noted(g, g->inner->ops->read_config(g->inner, offset, buf, len, got)) : VBLK_E_TIMEOUT;
}

static vblk_err guard_write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    struct runner_guard *g = guard_of(port);

    return left(g) ? noted(g, g->inner->ops->write_config(g->inner, offset, buf, len)) : VBLK_E_TIMEOUT;
}

static vblk_err guard_kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    struct runner_guard *g = guard_of(port);

    return left(g) ? noted(g, g->inner->ops->kick(g->inner, queue, data)) : VBLK_E_TIMEOUT;
}

static vblk_err guard_wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    struct runner_guard *g = guard_of(port);
    unsigned most = left(g);

    g->cut = ms > most;
    if (!most)
        return VBLK_E_TIMEOUT;
    return noted(g, g->inner->ops->wait(g->inner, queue, ms < most ? ms : most));
}

static vblk_err guard_recover(struct vblk_port *port)
{
    struct runner_guard *g = guard_of(port);

    return g->inner->ops->recover ? g->inner->ops->recover(g->inner) : VBLK_E_UNSUPPORTED;
}

static vblk_err guard_host(struct vblk_port *port, unsigned action, uint64_t a, uint64_t b)
{
    struct runner_guard *g = guard_of(port);

    if (!g->inner->ops->host)
        return VBLK_E_UNSUPPORTED;
    return left(g) ? noted(g, g->inner->ops->host(g->inner, action, a, b)) : VBLK_E_TIMEOUT;
}

/* The guard lies in the runner, the port inside belongs to the target. */
static void guard_close(struct vblk_port *port)
{
    (void)port;
}

static const struct vblk_port_ops guard_ops = {
    .read_reg = guard_read_reg,
    .write_reg = guard_write_reg,
    .read_config = guard_read_config,
    .write_config = guard_write_config,
    .kick = guard_kick,
    .wait = guard_wait,
    .recover = guard_recover,
    .host = guard_host,
    .close = guard_close,
};

/* What the inner port says by itself: its notifications are counted here, where the waiting is done. */
static void pass_on(void *ctx, const struct vblk_event *ev)
{
    struct runner_guard *guard = ctx;

    guard->port.used_notified += ev->kind == VBLK_EV_USED_NOTIFY;
    guard->port.config_notified += ev->kind == VBLK_EV_CONFIG_NOTIFY;
    vblk_port_emit(&guard->port, ev);
}

/* Which features were offered and negotiated, at any time of the run. */
static void watch(void *ctx, const struct vblk_event *ev)
{
    struct runner_guard *guard = ctx;

    if (ev->kind == VBLK_EV_REG_READ && ev->reg == VBLK_REG_DEVICE_FEATURES)
        guard->offered |= ev->value;
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_DRIVER_FEATURES)
        guard->accepted = ev->value;
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_STATUS && ev->value == 0)
        guard->accepted = 0;
    if (ev->kind == VBLK_EV_REG_READ && ev->reg == VBLK_REG_STATUS && (ev->value & VBLK_STATUS_FEATURES_OK))
        guard->negotiated |= guard->accepted & guard->offered; /* a script may lie */
    if (ev->kind == VBLK_EV_QUIET && guard->cut)
        return; /* not the target was silent for so long, the case's time was up */
    if (guard->observe)
        guard->observe(guard->observe_ctx, ev);
}

void runner_guard_arm(struct runner_guard *guard, struct vblk_port *inner, unsigned ms)
{
    guard->port = (struct vblk_port){
        .ops = &guard_ops,
        .mem = inner->mem,
        .kind = inner->kind,
        .name = inner->name,
        .grade = inner->grade,
        .host_actions = inner->host_actions,
        .notif_config_data = inner->notif_config_data,
        .observe = watch,
        .observe_ctx = guard,
    };
    guard->inner = inner;
    guard->deadline = now() + (uint64_t)ms * 1000000u;
    guard->expired = guard->gone = guard->stopped = guard->cut = false;
    guard->accepted = 0;
    inner->observe = pass_on;
    inner->observe_ctx = guard;
}

void runner_guard_disarm(struct runner_guard *guard)
{
    if (guard->inner)
        guard->inner->observe = NULL;
    guard->inner = NULL;
}
