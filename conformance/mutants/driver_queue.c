/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that set queues up wrongly, or reset them. */
#include "driver_port.h"

#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define ONE_NAME "PCI says it again of its own notifications"
#define ONE_REGISTER "the transport says of its register what 2.6.1 says of any"
#define AT_ONCE .port.write_reg = sets_up_at_once

/* The address in register value is other further on. */
static vblk_err shifted(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const struct mutant *m = mutant_at_port(port);

    return vblk_port_write_reg(port->inner, reg, queue, reg == m->value ? value + m->other : value);
}

static vblk_err used_flags_left(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_QUEUE_DEVICE)
        (void)!vblk_memory_store16(port->inner->mem, VBLK_DRIVER, value, VBLK_RELAXED, 1);
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* A queue is set up as soon as it is told to be reset. The driver looks later: what it stores meanwhile would be stored into
 * rings that are still in use. */
static vblk_err sets_up_at_once(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || reg != VBLK_REG_QUEUE_RESET ? err : vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_SIZE, queue, 2);
}

/* After a queue reset nothing is configured anew. */
static vblk_err enables_alone(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_QUEUE_RESET)
        port->note[0] = 1;
    if (port->note[0] != 0 && reg >= VBLK_REG_QUEUE_SIZE && reg < VBLK_REG_QUEUE_ENABLE)
        return VBLK_OK;
    if (reg == VBLK_REG_QUEUE_ENABLE)
        port->note[0] = 0;
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* What to call a queue is not read; its number is taken for it. */
static vblk_err calls_by_number(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    return wrong_port_read(port, reg, queue, value, reg == VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, queue);
}

/* It is read and not heeded. */
static vblk_err kicks_by_number(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return vblk_port_kick(port->inner, queue, (data & ~0xffffu) | queue);
}

static vblk_err kicks_by_another(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return vblk_port_kick(port->inner, queue, data ^ 2);
}

const struct mutant mutants_driver_queue[] = {
    M("misaligned-split", "puts a used ring where it is not aligned", "RING-SPLIT-DRV-01", .port.write_reg = shifted,
      .value = VBLK_REG_QUEUE_DEVICE, .other = 2, .only = "split"),
    M("misaligned-packed", "puts an event structure where it is not aligned", "RING-PACKED-DRV-01", .port.write_reg = shifted,
      .value = VBLK_REG_QUEUE_DRIVER, .other = 2, .only = "packed"),
    M("used-flags-left", "does not set the flags of a used ring to 0", "NOTIF-AVAIL-DRV-01", .port.write_reg = used_flags_left, .only = "split"),
    M("queue-reset-unread", "does not wait until a queue is reset", "QRESET-DRV-01", AT_ONCE, .only = "split, queue reset"),
    M("queue-reset-unread-mmio", "does not wait until QueueReset reads 0", "MMIO-DRV-10", AT_ONCE, .only = "*mmio", SAME("QRESET-DRV-01") = ONE_REGISTER),
    M("queue-reset-unread-pci", "does not wait until queue_reset reads 0", "PCI-COM-DRV-07", AT_ONCE, .only = "*pci", SAME("QRESET-DRV-01") = ONE_REGISTER),
    M("queue-enabled-alone", "enables a queue after its reset without configuring it", "QRESET-DRV-03", .port.write_reg = enables_alone),
    M("calls-by-number", "does not ask what to call a queue in notifications", "NOTIF-DATA-01", .port.read_reg = calls_by_number, .only = "*own names, pci",
      SAME("PCI-NOTIF-DRV-05") = ONE_NAME),
    M("calls-by-number-with-data", "does not ask what to call a queue in its notification data", "NOTIF-DATA-02", .port.read_reg = calls_by_number,
      .only = "*own names, data, pci", SAME("PCI-NOTIF-DRV-06") = ONE_NAME),
    M("kicks-by-number", "sends the queue's number though the device wants another (PCI)", "PCI-NOTIF-DRV-05", .port.kick = kicks_by_number,
      .only = "*own names, pci", SAME("NOTIF-DATA-01") = ONE_NAME),
    M("kicks-by-number-with-data", "sends the queue's number in its data though the device wants another (PCI)", "PCI-NOTIF-DRV-06",
      .port.kick = kicks_by_number, .only = "*own names, data, pci", SAME("NOTIF-DATA-02") = ONE_NAME),
    M("kicks-by-another", "sends the number of another queue (PCI)", "PCI-NOTIF-DRV-03", .port.kick = kicks_by_another, .only = "split, 1.4, pci",
      SAME("NOTIF-DATA-01") = ONE_NAME),
    M("kicks-by-another-with-data", "sends the number of another queue in its data (PCI)", "PCI-NOTIF-DRV-04", .port.kick = kicks_by_another,
      .only = "*data, 1.4, pci", SAME("NOTIF-DATA-02") = ONE_NAME),
    { .name = NULL },
};
