/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that begin wrongly: status, and the order of the steps. */
#include "driver_port.h"

#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define REFUSED .behaviour.grant = refuse, .beside = "FEAT-DEV-02"

/* Status without the bits of value. */
static vblk_err without_bits(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint64_t left = reg == VBLK_REG_STATUS ? value & ~mutant_at_port(port)->value : value;

    return left == 0 && value != 0 ? VBLK_OK : vblk_port_write_reg(port->inner, reg, queue, left);
}

/* Once all other bits are there. */
static vblk_err without_bits_at_last(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const bool last = reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0;

    return vblk_port_write_reg(port->inner, reg, queue, last ? value & ~mutant_at_port(port)->value : value);
}

static vblk_err no_reset(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return reg == VBLK_REG_STATUS && value == 0 && port->note[0]++ == 0 ? VBLK_OK : vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err never_fails(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return failing(reg, value) ? VBLK_OK : vblk_port_write_reg(port->inner, reg, queue, value);
}

/* A reset after FAILED is left out, and taken to have happened. */
static vblk_err no_reset_after_failed(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (failing(reg, value))
        port->note[0] = 1;
    if (reg == VBLK_REG_STATUS && value == 0 && port->note[0] != 0) {
        port->note[1] = 1;
        return VBLK_OK;
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err reset_taken_for_done(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    if (reg == VBLK_REG_STATUS && port->note[1] != 0) {
        port->note[0] = port->note[1] = *value = 0;
        return VBLK_OK;
    }
    return vblk_port_read_reg(port->inner, reg, queue, value);
}

static vblk_err no_features(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return reg == VBLK_REG_DRIVER_FEATURES ? VBLK_OK : vblk_port_write_reg(port->inner, reg, queue, value);
}

/* DRIVER comes after the features. */
static vblk_err driver_late(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint64_t held = VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER;
    vblk_err err;

    if (reg == VBLK_REG_STATUS && value == held)
        return VBLK_OK;
    err = vblk_port_write_reg(port->inner, reg, queue, value);
    return err || reg != VBLK_REG_DRIVER_FEATURES ? err : vblk_port_write_reg(port->inner, VBLK_REG_STATUS, 0, held);
}

/* What every device of today offers, without a look. */
static vblk_err knows_features(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    return wrong_port_read(port, reg, queue, value, reg == VBLK_REG_DEVICE_FEATURES, VBLK_BIT(VBLK_F_VERSION_1));
}

static vblk_err remember_status(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_STATUS)
        port->note[0] = value;
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* FEATURES_OK is set, so it must be there. */
static vblk_err trusts_features_ok(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const uint64_t last = port->note[0];
    const bool waits = (last & VBLK_STATUS_FEATURES_OK) != 0 && (last & VBLK_STATUS_DRIVER_OK) == 0;

    return wrong_port_read(port, reg, queue, value, reg == VBLK_REG_STATUS && waits, last);
}

static vblk_err ignores_refusal(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg == VBLK_REG_STATUS && *value != 0)
        *value |= VBLK_STATUS_FEATURES_OK;
    return err;
}

static vblk_err trusts_reset(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    return wrong_port_read(port, reg, queue, value, reg == VBLK_REG_STATUS && port->note[0] == 0, 0);
}

/* Steps 5 and 8 in one. */
static vblk_err two_steps(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const bool grown = reg == VBLK_REG_STATUS && (value & VBLK_STATUS_FEATURES_OK) != 0;

    return vblk_port_write_reg(port->inner, reg, queue, grown ? value | VBLK_STATUS_DRIVER_OK : value);
}

/* What it declined at first, once FEATURES_OK is set. */
static vblk_err more_features(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_DRIVER_FEATURES)
        port->note[0] = value;
    if (reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value)) {
        const vblk_err err = vblk_port_write_reg(port->inner, VBLK_REG_DRIVER_FEATURES, 0, port->note[0] | VBLK_BIT(VBLK_F_FLUSH));

        if (err)
            return err;
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* Queues are enabled at the next status, or one too early. */
static vblk_err queues_late(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_err err;

    if (reg == VBLK_REG_QUEUE_ENABLE) {
        port->note[0]++;
        return VBLK_OK;
    }
    err = vblk_port_write_reg(port->inner, reg, queue, value);
    for (uint16_t i = 0; !err && reg == VBLK_REG_STATUS && i < port->note[0]; i++)
        err = vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_ENABLE, i, 1);
    if (reg == VBLK_REG_STATUS)
        port->note[0] = 0;
    return err;
}

static vblk_err goes_on(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || !failing(reg, value) ? err : vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_SIZE, 0, 4);
}

static vblk_err kicks_early(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value)) {
        const vblk_err err = vblk_port_kick(port->inner, 0, 0);

        if (err)
            return err;
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* Once, with everything running. */
static vblk_err resizes_queue(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    const vblk_err err = vblk_port_kick(port->inner, queue, data);

    return err || port->note[0]++ != 0 ? err : vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_SIZE, queue, 2);
}

static void news_of_nothing(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_reference_write_reg(device, reg, queue, value);
    if (reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value))
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, 0);
}

/* And then it does nothing but a reset. */
static vblk_err gives_up_live(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const bool live = reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value);
    vblk_err err;

    if (reg == VBLK_REG_STATUS && value == 0)
        port->note[0] = 0;
    if (port->note[0] != 0)
        return VBLK_OK;
    err = vblk_port_write_reg(port->inner, reg, queue, value);
    port->note[0] = live;
    return err || !live ? err : vblk_port_write_reg(port->inner, reg, queue, value | VBLK_STATUS_FAILED);
}

static vblk_err no_kick_after(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return port->note[0] != 0 ? VBLK_OK : vblk_port_kick(port->inner, queue, data);
}

const struct mutant mutants_driver_start[] = {
    M("accepts-nothing", "sets FEATURES_OK without having written features", "INIT-DRV-01", .port.write_reg = no_features),
    M("no-reset", "does not reset the device before it begins", "INIT-DRV-02", .port.write_reg = no_reset),
    M("no-acknowledge", "sets DRIVER without ACKNOWLEDGE", "INIT-DRV-03", .port.write_reg = without_bits, .value = VBLK_STATUS_ACKNOWLEDGE),
    M("driver-late", "accepts features before it sets DRIVER", "INIT-DRV-04", .port.write_reg = driver_late),
    M("offer-unread", "accepts features without having read what is offered", "INIT-DRV-05", .port.read_reg = knows_features),
    M("no-features-ok", "goes on to DRIVER_OK without FEATURES_OK", "INIT-DRV-08", SAME("INIT-DRV-11") = "queues that are set up without FEATURES_OK are set up before it", .only = "split",
      .port = { .write_reg = without_bits, .read_reg = ignores_refusal }, .value = VBLK_STATUS_FEATURES_OK),
    M("more-features", "accepts another feature after FEATURES_OK", "INIT-DRV-09", .port.write_reg = more_features, .only = "split, few features"),
    M("refusal-ignored", "goes on with a device that refused FEATURES_OK", "INIT-DRV-10", .port.read_reg = ignores_refusal, REFUSED),
    M("refusal-unread", "does not read status again after FEATURES_OK", "INIT-DRV-10",
      .port = { .write_reg = remember_status, .read_reg = trusts_features_ok }),
    M("queues-late", "enables queues after DRIVER_OK", "INIT-DRV-11", .port.write_reg = queues_late, .only = "split, four queues"),
    M("never-driver", "sets DRIVER_OK without DRIVER", "INIT-DRV-12", SAME("INIT-DRV-04", "INIT-DRV-10") = "DRIVER is missing in step 3 as well, and a device that goes by that refuses FEATURES_OK",
      .port = { .write_reg = without_bits, .read_reg = ignores_refusal }, .value = VBLK_STATUS_DRIVER),
    M("never-failed", "does not set FAILED when a device refuses", "INIT-DRV-13", .port.write_reg = never_fails, REFUSED),
    M("goes-on-after-failed", "configures a queue after FAILED", "INIT-DRV-14", .port.write_reg = goes_on, REFUSED),
    M("kicks-early", "notifies before DRIVER_OK", "INIT-DRV-15", .port.write_reg = kicks_early, .only = "!*own names*"),
    M("two-steps", "sets FEATURES_OK and DRIVER_OK in one write", "STATUS-DRV-01", .port.write_reg = two_steps, .only = "*queue reset*"),
    M("status-bit-lost", "takes ACKNOWLEDGE back when it sets DRIVER_OK", "STATUS-DRV-02", .port.write_reg = without_bits_at_last,
      .value = VBLK_STATUS_ACKNOWLEDGE),
    M("no-reset-after-failed", "begins again after FAILED without a reset", "STATUS-DRV-03", REFUSED,
      .port = { .write_reg = no_reset_after_failed, .read_reg = reset_taken_for_done }),
    M("reset-unread", "does not wait until status reads 0 after a reset", "RESET-DRV-01",
      .port = { .write_reg = remember_status, .read_reg = trusts_reset }),
    M("queue-resized-live", "changes the size of a queue of a live device", "CLEAN-DRV-01", .port.kick = resizes_queue, .only = "split*[!t]"),
    M("fails-over-news", "gives up over a notification for nothing", "NOTIF-USED-DRV-05", .port = { .write_reg = gives_up_live, .kick = no_kick_after },
      .behaviour.write_reg = news_of_nothing, .beside = "NOTIF-*"),
    { .name = NULL },
};
