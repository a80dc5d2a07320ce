/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that everybody makes: pass them to the adapter, and tell the observer. */
#include <vblk/port.h>

#include <string.h>

void vblk_port_emit(struct vblk_port *port, const struct vblk_event *ev)
{
    if (port->observe)
        port->observe(port->observe_ctx, ev);
}

static void emit_simple(struct vblk_port *port, enum vblk_event_kind kind, enum vblk_party party, uint16_t queue,
                        uint64_t value)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = (uint8_t)party, .queue = queue, .value = value };

    vblk_port_emit(port, &ev);
}

/* The first VBLK_E_GONE becomes an event; then calls fail without reaching the adapter until it has recovered. */
static vblk_err passed(struct vblk_port *port, vblk_err err)
{
    struct vblk_event ev = { .kind = VBLK_EV_GONE, .party = VBLK_DEVICE };

    if (err != VBLK_E_GONE || port->gone)
        return err;
    port->gone = true;
    if (port->gone_how) {
        ev.bytes = (const uint8_t *)port->gone_how;
        ev.len = (uint32_t)strlen(port->gone_how);
    }
    vblk_port_emit(port, &ev);
    return err;
}

/* Whether the device acts within the call: its accesses then follow the event of what made it act. */
static bool acts_at_once(const struct vblk_port *port)
{
    return port->grade >= VBLK_GRADE_TRAPPED;
}

static void emit_reg(struct vblk_port *port, enum vblk_event_kind kind, enum vblk_reg reg, uint16_t queue,
                     uint64_t value, bool emulated)
{
    const struct vblk_event ev = {
        .kind = (uint8_t)kind,
        .party = VBLK_DRIVER,
        .flags = emulated ? VBLK_EV_EMULATED : 0,
        .queue = queue,
        .reg = (uint16_t)reg,
        .value = value,
    };

    vblk_port_emit(port, &ev);
}

vblk_err vblk_port_read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    bool emulated = false;
    vblk_err err;

    *value = 0;
    if (port->gone)
        return VBLK_E_GONE;
    err = passed(port, port->ops->read_reg(port, reg, queue, value, &emulated));
    if (!err)
        emit_reg(port, VBLK_EV_REG_READ, reg, queue, *value, emulated);
    return err;
}

vblk_err vblk_port_write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    bool emulated = false;
    vblk_err err;

    if (port->gone)
        return VBLK_E_GONE;
    if (acts_at_once(port))
        emit_reg(port, VBLK_EV_REG_WRITE, reg, queue, value, false);
    err = passed(port, port->ops->write_reg(port, reg, queue, value, &emulated));
    if (!err && !acts_at_once(port))
        emit_reg(port, VBLK_EV_REG_WRITE, reg, queue, value, emulated);
    return err;
}

static void emit_config(struct vblk_port *port, enum vblk_event_kind kind, uint32_t offset, const void *buf,
                        uint32_t len)
{
    const struct vblk_event ev = {
        .kind = (uint8_t)kind,
        .party = VBLK_DRIVER,
        .at = offset,
        .len = len,
        .bytes = len ? buf : NULL,
    };

    vblk_port_emit(port, &ev);
}

vblk_err vblk_port_read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    uint32_t came = 0;
    vblk_err err;

    if (got)
        *got = 0;
    if (!len || len > 256)
        return VBLK_E_INVAL;
    memset(buf, 0, len);
    if (port->gone)
        return VBLK_E_GONE;
    err = passed(port, port->ops->read_config(port, offset, buf, len, &came));
    if (err)
        return err;
    if (came > len)
        came = len;
    if (got)
        *got = came;
    emit_config(port, VBLK_EV_CONFIG_READ, offset, buf, came);
    return VBLK_OK;
}

vblk_err vblk_port_write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    if (!len || len > 256)
        return VBLK_E_INVAL;
    if (port->gone)
        return VBLK_E_GONE;
    emit_config(port, VBLK_EV_CONFIG_WRITE, offset, buf, len);
    return passed(port, port->ops->write_config(port, offset, buf, len));
}

vblk_err vblk_port_kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    if (port->gone)
        return VBLK_E_GONE;
    emit_simple(port, VBLK_EV_KICK, VBLK_DRIVER, queue, data);
    return passed(port, port->ops->kick(port, queue, data));
}

vblk_err vblk_port_wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    if (port->gone)
        return VBLK_E_GONE;
    return passed(port, port->ops->wait(port, queue, ms));
}

vblk_err vblk_port_recover(struct vblk_port *port)
{
    vblk_err err;

    if (!port->ops->recover)
        return VBLK_E_UNSUPPORTED;
    err = port->ops->recover(port);
    if (err)
        return passed(port, err);
    port->gone = false;
    emit_simple(port, VBLK_EV_BACK, VBLK_DEVICE, 0, 0);
    return VBLK_OK;
}

vblk_err vblk_port_host(struct vblk_port *port, enum vblk_host_action action, uint64_t a, uint64_t b)
{
    if ((unsigned)action >= VBLK_HOST_COUNT || !port->ops->host || !(port->host_actions >> action & 1))
        return VBLK_E_UNSUPPORTED;
    if (port->gone)
        return VBLK_E_GONE;
    return passed(port, port->ops->host(port, action, a, b));
}

void vblk_port_look(struct vblk_port *port, uint16_t queue)
{
    emit_simple(port, VBLK_EV_LOOK, VBLK_DRIVER, queue, 0);
}

void vblk_port_notified(struct vblk_port *port, enum vblk_event_kind kind, uint16_t queue)
{
    if (kind == VBLK_EV_USED_NOTIFY)
        port->used_notified++;
    else
        port->config_notified++;
    emit_simple(port, kind, VBLK_DEVICE, queue, 0);
}

void vblk_port_close(struct vblk_port *port)
{
    if (port)
        port->ops->close(port);
}
