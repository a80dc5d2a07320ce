/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrong_port.h"

static struct wrong_port *of(struct vblk_port *port)
{
    return (struct wrong_port *)(void *)port;
}

/* The driver looks at the counters of its own port. */
static vblk_err told(struct wrong_port *self, vblk_err err)
{
    self->port.used_notified = self->inner->used_notified;
    self->port.config_notified = self->with->deaf ? 0 : self->inner->config_notified;
    return err;
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    struct wrong_port *self = of(port);

    *emulated = false;
    return told(self, self->with->read_reg ? self->with->read_reg(self, reg, queue, value)
                                           : vblk_port_read_reg(self->inner, reg, queue, value));
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    struct wrong_port *self = of(port);

    *emulated = false;
    return told(self, self->with->write_reg ? self->with->write_reg(self, reg, queue, value)
                                            : vblk_port_write_reg(self->inner, reg, queue, value));
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    struct wrong_port *self = of(port);

    return told(self, self->with->read_config ? self->with->read_config(self, offset, buf, len, got)
                                              : vblk_port_read_config(self->inner, offset, buf, len, got));
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    return told(of(port), vblk_port_write_config(of(port)->inner, offset, buf, len));
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    struct wrong_port *self = of(port);

    return told(self, self->with->kick ? self->with->kick(self, queue, data) : vblk_port_kick(self->inner, queue, data));
}

static vblk_err wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    return told(of(port), vblk_port_wait(of(port)->inner, queue, ms));
}

static vblk_err host(struct vblk_port *port, unsigned action, uint64_t a, uint64_t b)
{
    return told(of(port), vblk_port_host(of(port)->inner, (enum vblk_host_action)action, a, b));
}

static void no_close(struct vblk_port *port)
{
    (void)port;
}

static const struct vblk_port_ops ops = {
    .read_reg = read_reg, .write_reg = write_reg, .read_config = read_config, .write_config = write_config,
    .kick = kick,         .wait = wait,           .host = host,               .close = no_close,
};

/* All but what the inner port tells itself: that the driver looks at a ring. */
static void observe(void *ctx, const struct vblk_event *ev)
{
    struct wrong_port *self = ctx;

    if (ev->kind == VBLK_EV_LOOK || ev->kind == VBLK_EV_QUIET || ev->kind == VBLK_EV_CASE_END)
        vblk_port_emit(self->inner, ev);
}

void wrong_port_open(struct wrong_port *port, struct vblk_port *inner, const struct wrong_port_ops *with)
{
    *port = (struct wrong_port){ .inner = inner, .with = with };
    port->port = (struct vblk_port){ .ops = &ops, .mem = inner->mem, .kind = inner->kind, .name = inner->name,
                                     .grade = inner->grade, .host_actions = inner->host_actions,
                                     .notif_config_data = inner->notif_config_data, .observe = observe, .observe_ctx = port };
}
