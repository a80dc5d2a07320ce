/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that read their configuration wrongly. */
#include "driver_port.h"

#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define LENGTH                                                                                                         \
    .behaviour = { .write_reg = count_resets, .read_reg = length_later }, .port.read_reg = gives_up_over_length
#define WRITEBACK 32u /* offset of the field */

/* Before FEATURES_OK is set. */
static vblk_err writes_mode_early(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint8_t mode = 1;

    if (reg == VBLK_REG_STATUS && value == (VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FEATURES_OK)) {
        const vblk_err err = vblk_port_write_config(port->inner, WRITEBACK, &mode, sizeof(mode));

        if (err)
            return err;
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err reads_mode_early(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint8_t mode;

    if (reg == VBLK_REG_STATUS && value == (VBLK_STATUS_ACKNOWLEDGE | VBLK_STATUS_DRIVER | VBLK_STATUS_FEATURES_OK)) {
        const vblk_err err = vblk_port_read_config(port->inner, WRITEBACK, &mode, sizeof(mode), NULL);

        if (err)
            return err;
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* The device is resized while the driver reads. To the driver the generation stays what it was at first. */
static vblk_err read_while_resized(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    const vblk_err err = vblk_port_read_config(port->inner, offset, buf, len, got);

    if (offset == 0 && port->note[1]++ == 0)
        (void)!vblk_port_host(port->inner, VBLK_HOST_RESIZE, 200, 0);
    return err;
}

static vblk_err generation_stays(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg != VBLK_REG_GENERATION)
        return err;
    port->note[0] = port->note[2]++ == 0 ? *value : port->note[0];
    *value = port->note[0];
    return err;
}

/* Each field on its own, between two looks at the generation that nobody compares. */
static vblk_err one_by_one(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    uint64_t generation;
    vblk_err err = vblk_port_read_reg(port->inner, VBLK_REG_GENERATION, 0, &generation);

    if (!err)
        err = read_while_resized(port, offset, buf, len, got);
    return err ? err : vblk_port_read_reg(port->inner, VBLK_REG_GENERATION, 0, &generation);
}

/* Only every second look at the generation is one. */
static vblk_err generation_once(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    if (reg == VBLK_REG_GENERATION && port->note[0]++ % 2 != 0) {
        *value = port->note[1];
        return VBLK_OK;
    }
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    if (reg == VBLK_REG_GENERATION)
        port->note[1] = *value;
    return err;
}

/* Topology, offered or not. */
static vblk_err reads_topology(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    uint8_t exponent;
    const vblk_err err = vblk_port_read_config(port->inner, offset, buf, len, got);

    return err || offset != 0 ? err : vblk_port_read_config(port->inner, 24, &exponent, sizeof(exponent), NULL);
}

/* The second time the configuration is as long as value says, at first as other does. */
static uint64_t length_later(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    const struct mutant *m = mutant_of(device);
    const uint64_t length = vblk_device_notes(device)[0] > 1 ? m->value : m->other;

    (void)queue;
    return reg == VBLK_REG_CONFIG_LENGTH && length != 0 ? length : honest;
}

static vblk_err gives_up_over_length(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    uint64_t length;

    if (reg == VBLK_REG_DEVICE_FEATURES) {
        const vblk_err err = vblk_port_read_reg(port->inner, VBLK_REG_CONFIG_LENGTH, 0, &length);

        if (err)
            return err;
    }
    return gives_up_later(port, reg, queue, value);
}

static void no_topology(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features &= ~VBLK_BIT(VBLK_F_TOPOLOGY);
}

const struct mutant mutants_driver_config[] = {
    M("torn-capacity", "takes a capacity read across a change of generation", "CFG-DRV-01",
      .port = { .read_config = one_by_one, .read_reg = generation_stays }),
    M("torn-fields", "takes fields read across a change of generation", "CFG-DRV-02",
      .port = { .read_config = read_while_resized, .read_reg = generation_stays }),
    M("generation-once", "does not read the generation after the fields", "CFG-DRV-03", .port.read_reg = generation_once),
    M("reads-unoffered", "reads a field of TOPOLOGY, which is not offered", "CFG-DRV-04", .options = no_topology,
      .port.read_config = reads_topology),
    M("length-too-long", "gives up over a configuration longer than it knows", "CFG-DRV-05", .value = 88, .only = "!*1.4*",
      LENGTH),
    M("length-no-longer", "gives up over a configuration that ends with what is offered", "CFG-DRV-06", .other = 88, .only = "!*1.4*", LENGTH),
    M("writes-mode-early", "writes writeback before FEATURES_OK", "INIT-DRV-07", .port.write_reg = writes_mode_early),
    M("reads-mode-early", "reads writeback before FEATURES_OK", "BLK-INIT-DRV-04", .port.write_reg = reads_mode_early),
    M("capacity-not-reread", "does not read capacity again after a configuration change", "BLK-OP-DRV-01", .port.deaf = true),
    { .name = NULL },
};
