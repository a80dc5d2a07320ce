/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that choose features wrongly, in front of devices that give them occasion. */
#include "driver_port.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define PROVISION VBLK_BIT(17)
#define UNKNOWN VBLK_BIT(60)
#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define OFFERED(bits) .behaviour.show_features = offer, .value = (bits)
#define LATER .behaviour = { .write_reg = count_resets, .read_reg = offer_later }
#define NO_FEW .only = "!*few features"
#define BLIND .port.read_reg = blind

bool refuse(const struct vblk_device *device, uint64_t accepted)
{
    (void)device;
    (void)accepted;
    return false;
}

void count_resets(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_STATUS && value == 0)
        vblk_device_notes(device)[0]++;
    vblk_reference_write_reg(device, reg, queue, value);
}

uint64_t offer_later(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_DEVICE_FEATURES && vblk_device_notes(device)[0] > 1 ? offer(device, honest) : honest;
}

vblk_err gives_up_later(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg == VBLK_REG_DEVICE_FEATURES && ++port->note[3] >= 2)
        *value &= ~F(VERSION_1);
    return err;
}

/* Bits of value are not seen. */
static vblk_err blind(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg == VBLK_REG_DEVICE_FEATURES)
        *value &= ~mutant_at_port(port)->value;
    return err;
}

static vblk_err takes_too(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue,
                               reg == VBLK_REG_DRIVER_FEATURES ? value | mutant_at_port(port)->value : value);
}

static vblk_err leaves_out(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue,
                               reg == VBLK_REG_DRIVER_FEATURES ? value & ~mutant_at_port(port)->value : value);
}

/* Another choice the second time. */
static vblk_err chooses_anew(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_DRIVER_FEATURES && port->note[0]++ != 0)
        value &= ~F(GEOMETRY);
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err version_1_anyway(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg == VBLK_REG_DEVICE_FEATURES)
        *value |= F(VERSION_1);
    return err;
}

static vblk_err without_version_1(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue, reg == VBLK_REG_DRIVER_FEATURES ? value & ~F(VERSION_1) & ~PROVISION : value);
}

static vblk_err leaves_silently(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return failing(reg, value) ? VBLK_OK : vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err features_ok_after_failed(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || !failing(reg, value) ? err
                                       : vblk_port_write_reg(port->inner, reg, queue, value | VBLK_STATUS_FEATURES_OK);
}

static void read_only(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features = (options->features | F(RO)) & ~PROVISION;
}

const struct mutant mutants_driver_features[] = {
    M("takes-unoffered", "accepts ORDER_PLATFORM, which is not offered", "FEAT-DRV-01", .port.write_reg = takes_too, .value = F(ORDER_PLATFORM)),
    M("ring-without-version-1", "accepts bits above 32 without VERSION_1", "FEAT-DRV-02", .only = "packed",
      .port = { .read_reg = version_1_anyway, .write_reg = without_version_1 }, .behaviour.show_features = offer, .other = F(VERSION_1),
      .beside = "PROV-DEV-39 RSVF-DEV-01 FEAT-DEV-02"),
    M("unknown-bit-matters", "declines GEOMETRY once a bit is offered that nobody describes", "FEAT-DRV-04", LATER, .only = "split, 1.4", .value = UNKNOWN,
      .port.write_reg = chooses_anew, .beside = "FEAT-DEV-04"),
    M("takes-unknown", "accepts a bit that nobody describes", "FEAT-DRV-05", .only = "split, 1.4", OFFERED(UNKNOWN), .port.write_reg = takes_too,
      .beside = "FEAT-DEV-04 FEAT-DEV-02"),
    M("needs-mq", "gives up when MQ is not offered any more", "FEAT-DRV-06", LATER, .other = F(MQ), .port.read_reg = gives_up_later, NO_FEW),
    M("leaves-silently", "gives up without FAILED when MQ is not offered any more", "FEAT-DRV-07", LATER, NO_FEW, .other = F(MQ),
      .port = { .read_reg = gives_up_later, .write_reg = leaves_silently }),
    M("features-ok-after-failed", "sets FEATURES_OK after it has given up", "FEAT-DRV-08", SAME("FEAT-DRV-06") = "it gives up first", LATER, .other = F(MQ), NO_FEW,
      .port = { .read_reg = gives_up_later, .write_reg = features_ok_after_failed }),
    M("unknown-bit-fatal", "gives up when a bit is offered that nobody describes", "FEAT-DRV-09", LATER, .only = "split, 1.4", .value = UNKNOWN,
      .port.read_reg = gives_up_later, .beside = "FEAT-DEV-04"),
    M("declines-version-1", "does not accept VERSION_1", "RSVF-DRV-01", .port.write_reg = leaves_out, .value = F(VERSION_1) | PROVISION),
    M("declines-access-platform", "does not accept ACCESS_PLATFORM", "RSVF-DRV-03", OFFERED(F(ACCESS_PLATFORM)), BLIND),
    M("declines-packed", "does not accept RING_PACKED", "RSVF-DRV-06", BLIND, .value = F(RING_PACKED), .only = "packed"),
    M("declines-order-platform", "does not accept ORDER_PLATFORM", "RSVF-DRV-07", OFFERED(F(ORDER_PLATFORM)), BLIND),
    M("takes-sr-iov", "accepts SR_IOV, which is for PCI functions with the capability", "RSVF-DRV-10", OFFERED(F(SR_IOV)),
      .port.write_reg = takes_too, .beside = "RSVF-DEV-10 FEAT-DEV-02"),
    M("declines-config-data", "does not accept NOTIF_CONFIG_DATA", "RSVF-DRV-13", OFFERED(F(NOTIF_CONFIG_DATA)), BLIND),
    M("declines-ro", "does not accept RO", "BLK-OP-DRV-03", .options = read_only, BLIND, .value = F(RO)),
    { .name = NULL },
};
