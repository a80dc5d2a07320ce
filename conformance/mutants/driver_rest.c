/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that are wrong where a row binds both parties, or no row of its own says MUST: limits, queues, notifications. */
#include <string.h>

#include "driver_port.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define PROVISION_BIT VBLK_BIT(17)
#define PROVISION_SECTORS 72u /* offset of the field */
#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define SENDS(...) .sends = { __VA_ARGS__ }, .only = "!*[4si]"
#define SHIFTS(reg, by) .port.write_reg = shifts, .value = VBLK_REG_##reg, .other = (by)
#define NEVER_READ(from, to) .port.read_config = knows, .value = (from), .other = (to), .only = "split"
#define MEMORY (2u << 20)

static void withhold(struct vblk_device_options *options, const void *mutant)
{
    options->features &= ~((const struct mutant *)mutant)->other;
}

static vblk_err takes(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue,
                               reg == VBLK_REG_DRIVER_FEATURES ? value | mutant_at_port(port)->value : value);
}

static vblk_err shifts(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const struct mutant *m = mutant_at_port(port);

    return vblk_port_write_reg(port->inner, reg, queue, reg == m->value ? value + m->other : value);
}

static vblk_err reads_limits(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    uint8_t limit[4];
    const vblk_err err = offset != 0 ? VBLK_OK : vblk_port_read_config(port->inner, PROVISION_SECTORS, limit, sizeof(limit), NULL);

    return err ? err : vblk_port_read_config(port->inner, offset, buf, len, got);
}

static bool goes_live(enum vblk_reg reg, uint64_t value)
{
    return reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value);
}

static vblk_err writes_limits(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint8_t limit[4] = { 1 };
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || !goes_live(reg, value) ? err
                                         : vblk_port_write_config(port->inner, PROVISION_SECTORS, limit, sizeof(limit));
}

/* Fields in [value, other) are taken to be 1. */
static vblk_err knows(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    const struct mutant *m = mutant_at_port(port);

    if (offset < m->value || offset >= m->other)
        return vblk_port_read_config(port->inner, offset, buf, len, got);
    memset(buf, 0, len);
    *(uint8_t *)buf = 1;
    *got = len;
    return VBLK_OK;
}

/* A lower limit after some requests, and another one. */
static vblk_err lowers_limit(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    const vblk_err err = vblk_port_kick(port->inner, queue, data);

    if (err || ++port->note[0] > 6 || port->note[0] % 3 != 0)
        return err;
    return vblk_port_host(port->inner, VBLK_HOST_SET_CONFIG, PROVISION_SECTORS, port->note[0] == 3 ? 23 : 8);
}

static uint64_t old_limit(const char *field, uint64_t honest)
{
    return strcmp(field, "max_provision_sectors") == 0 ? 23 : honest;
}

static void reserved_word(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver;
    (void)segment;
    if (vblk_get32(header->type) == 15)
        header->reserved = vblk_put32(1);
}

static void turned(struct vblk_driver *driver, uint32_t i, uint32_t n, struct vblk_element *element)
{
    (void)driver;
    (void)i;
    (void)n;
    element->writable = !element->writable;
}

static vblk_err second_queue(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    static const struct {
        enum vblk_reg reg;
        uint64_t value;
    } writes[] = { { VBLK_REG_QUEUE_SIZE, 4 }, { VBLK_REG_QUEUE_DESC, 0x1000 }, { VBLK_REG_QUEUE_DRIVER, 0x2000 },
                   { VBLK_REG_QUEUE_DEVICE, 0x3000 }, { VBLK_REG_QUEUE_ENABLE, 1 } };
    vblk_err err = VBLK_OK;

    for (size_t i = 0; !err && goes_live(reg, value) && i < sizeof(writes) / sizeof(writes[0]); i++)
        err = vblk_port_write_reg(port->inner, writes[i].reg, 1, writes[i].value);
    return err ? err : vblk_port_write_reg(port->inner, reg, queue, value);
}

/* Memory that is not zero when the queue is enabled: other bytes on from the address in register value. */
static vblk_err leaves(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const struct mutant *m = mutant_at_port(port);

    if (reg == m->value)
        (void)!vblk_memory_store16(port->inner->mem, VBLK_DRIVER, value + m->other, VBLK_RELAXED, 5);
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err kicks_with(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return vblk_port_kick(port->inner, queue, data ^ (uint32_t)mutant_at_port(port)->value);
}

static vblk_err kicks_again(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    const vblk_err err = vblk_port_kick(port->inner, queue, data);

    return err || port->note[0]++ > 4 ? err : vblk_port_kick(port->inner, queue, data + (UINT32_C(1) << 16));
}

const struct mutant mutants_driver_rest[] = {
    M("takes-provision", "accepts PROVISION, which is not offered", "PROV-FEAT-05", .options = withhold, .other = PROVISION_BIT,
      .port.write_reg = takes, .value = PROVISION_BIT, .only = "split"),
    M("takes-later-bit", "accepts a bit of a later revision", "FEAT-02", .behaviour.show_features = offer, .value = VBLK_BIT(41),
      .port.write_reg = takes, .only = "split", .beside = "FEAT-DEV-02"),
    M("reads-provision-limits", "reads the limits of PROVISION, which is not offered", "PROV-CFG-08", .options = withhold, .other = PROVISION_BIT,
      .port.read_config = reads_limits, .only = "split"),
    M("writes-provision-limits", "writes to a limit of PROVISION", "PROV-CFG-09", .port.write_reg = writes_limits, .only = "split"),
    M("provision-limits-unread", "provisions without having read the limits", "PROV-INIT-01", NEVER_READ(72, 80)),
    M("provision-old-limit", "goes by a limit of before the change", "PROV-INIT-02", .port.kick = lowers_limit, .with.limit = old_limit, .only = "split",
      SAME("PROV-DRV-03") = "in its next life it goes by it again, and then it is no limit at all"),
    M("provision-writable", "sends PROVISION with writable data", "PROV-REQ-02", SENDS(.type = 15, .segments = 1, .segment = { 8, 8, 0 }, .in = 4)),
    M("provision-sector", "gives PROVISION a sector", "PROV-REQ-03", SENDS(.type = 15, .sector = 5, .segments = 1, .segment = { 8, 8, 0 })),
    M("provision-reserved", "sets the reserved word of PROVISION", "PROV-REQ-05", .with.request = reserved_word),
    M("id-sector", "gives GET_ID a sector", "BLK-OP-07", SENDS(.type = VBLK_T_GET_ID, .sector = 5, .in = 20)),
    M("discard-nothing", "discards no segment", "BLK-OP-10", SENDS(.type = VBLK_T_DISCARD)),
    M("discard-flag", "sets a reserved flag in DISCARD", "BLK-OP-11", SENDS(.type = VBLK_T_DISCARD, .segments = 1, .segment = { 8, 8, 2 })),
    M("erase-flag", "sets a reserved flag in SECURE_ERASE", "BLK-OP-11", SENDS(.type = VBLK_T_SECURE_ERASE, .segments = 1, .segment = { 8, 8, 0x80000000 })),
    M("capacity-unread", "reads sectors without having read capacity", "BLK-INIT-01", NEVER_READ(0, 8)),
    M("discard-limits-unread", "discards without having read the limits", "BLK-INIT-07", NEVER_READ(36, 48)),
    M("zeroes-limits-unread", "zeroes without having read the limits", "BLK-INIT-08", NEVER_READ(48, 57)),
    M("erase-limits-unread", "erases without having read the limits", "BLK-INIT-10", NEVER_READ(60, 72)),
    M("second-queue-unoffered", "enables a second queue though MQ is not offered", "BLK-CFG-10", .options = withhold, .other = F(MQ),
      .port.write_reg = second_queue, .only = "split"),
    M("second-queue-declined", "enables a second queue though it declined MQ", "BLK-INIT-09", .refuse = F(MQ), .port.write_reg = second_queue, .only = "split"),
    M("used-ring-outside", "puts a used ring outside of memory", "RING-SPLIT-01", SHIFTS(QUEUE_DEVICE, MEMORY), .only = "split"),
    M("avail-idx-left", "enables a queue with an available index that is not 0", "RING-SPLIT-12", .port.write_reg = leaves, .value = VBLK_REG_QUEUE_DRIVER,
      .other = 2, .only = "split"),
    M("events-overlap", "puts both event structures into one place", "RING-PACKED-02", SHIFTS(QUEUE_DEVICE, UINT64_C(0) - 64), .only = "packed"),
    M("event-outside", "puts an event structure outside of memory", "RING-PACKED-25", SHIFTS(QUEUE_DEVICE, MEMORY), .only = "packed"),
    M("ring-not-zero", "enables a packed ring that is not zeroes", "RING-PACKED-28", .port.write_reg = leaves, .value = VBLK_REG_QUEUE_DESC, .other = 48,
      .only = "packed"),
    M("write-inverted", "has WRITE in what is readable, and only there", "RING-PACKED-13", .with.element = turned, .only = "packed",
      SAME("FRAME-DRV-01", "RING-PACKED-DRV-08") = "what is readable comes last then"),
    M("kick-value-odd", "sends more than the queue's number", "NOTIF-DATA-01", .port.kick = kicks_with, .value = 0x10000, .only = "split"),
    M("kick-value-other-queue", "sends the number of another queue", "NOTIF-DATA-02", .port.kick = kicks_with, .value = 1, .only = "split, notification data"),
    M("kick-repeated-further", "tells of another position though nothing is new", "NOTIF-DATA-05", .port.kick = kicks_again, .only = "split, notification data"),
    { .name = NULL },
};
