/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers with bugs thought up to see whether the suite finds what nobody reported (docs/known-bugs.md); what breaks a clause. */
#include <string.h>

#include "driver_port.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define M(name_, what_, clause_, ...) { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, __VA_ARGS__ }
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because

static bool goes_live(enum vblk_reg reg, uint64_t value)
{
    return reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0 && !failing(reg, value);
}

/* ---- requests ---- */

static void sector_in_bytes(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)segment;
    header->sector = vblk_put64(vblk_get64(header->sector) * 512);
}

static void header_big_endian(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)segment;
    header->type = vblk_put32(__builtin_bswap32(vblk_get32(header->type)));
    header->sector = vblk_put64(__builtin_bswap64(vblk_get64(header->sector)));
}

static void segment_big_endian(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)header;
    if (segment != NULL)
        segment->num_sectors = vblk_put32(__builtin_bswap32(vblk_get32(segment->num_sectors)));
}

static void segment_in_bytes(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)header;
    if (segment != NULL)
        segment->num_sectors = vblk_put32(vblk_get32(segment->num_sectors) * 512);
}

static void flags_dirty(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)header;
    if (segment != NULL)
        segment->flags = vblk_put32(vblk_get32(segment->flags) | 0x100);
}

static void unmap_everywhere(struct vblk_driver *driver, struct vblk_request_header *header, struct vblk_segment *segment)
{
    (void)driver, (void)header;
    if (segment != NULL)
        segment->flags = vblk_put32(1);
}

/* Each limit is taken for twice what it is. */
static uint64_t twice_the_limit(const char *field, uint64_t honest)
{
    return strcmp(field, "max_provision_sectors") == 0 ? 2 * honest : honest;
}

static uint64_t one_sector_more(const char *field, uint64_t honest)
{
    return strcmp(field, "capacity") == 0 ? honest + 1 : honest;
}

static uint64_t twice_the_size(const char *field, uint64_t honest)
{
    return strcmp(field, "size_max") == 0 ? 2 * honest : honest;
}

/* ---- notifications ---- */

static vblk_err first_queue_only(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return queue != 0 ? VBLK_OK : vblk_port_kick(port->inner, queue, data);
}

static vblk_err wrong_queue(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    (void)queue;
    return vblk_port_kick(port->inner, 0, data & 0xffff0000u);
}

static vblk_err every_fourth_missing(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    return ++port->note[0] % 4 == 0 ? VBLK_OK : vblk_port_kick(port->inner, queue, data);
}

/* ---- registers ---- */

static vblk_err size_odd(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue, reg == VBLK_REG_QUEUE_SIZE ? value - 1 : value);
}

static vblk_err size_past_room(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue, reg == VBLK_REG_QUEUE_SIZE ? 0x8000 : value);
}

static vblk_err one_ring_for_all(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_QUEUE_DEVICE) {
        port->note[0] = port->note[0] != 0 ? port->note[0] : value;
        value = port->note[0];
    }
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err enabled_first(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_err err = reg == VBLK_REG_QUEUE_SIZE ? vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_ENABLE, queue, 1) : VBLK_OK;

    return err ? err : vblk_port_write_reg(port->inner, reg, queue, value);
}

static vblk_err disabled_live(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || !goes_live(reg, value) ? err : vblk_port_write_reg(port->inner, VBLK_REG_QUEUE_ENABLE, 0, 0);
}

static vblk_err status_shrinks(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue, goes_live(reg, value) ? VBLK_STATUS_DRIVER_OK : value);
}

static vblk_err accepts_ro(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    return vblk_port_write_reg(port->inner, reg, queue, reg == VBLK_REG_DRIVER_FEATURES ? value | F(RO) : value);
}

static vblk_err writes_mode_2(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const uint8_t mode = 2;
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);

    return err || !goes_live(reg, value) ? err : vblk_port_write_config(port->inner, 32, &mode, 1);
}

/* ---- memory ---- */

static vblk_err remember(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_QUEUE_SIZE && queue == 0)
        port->note[0] = value;
    if (reg == VBLK_REG_QUEUE_DESC && queue == 0)
        port->note[1] = value;
    if (reg == VBLK_REG_QUEUE_DRIVER && queue == 0)
        port->note[2] = value;
    return vblk_port_write_reg(port->inner, reg, queue, value);
}

/* The header of what was made available last on the first queue, split: where it lies. */
static bool last_header(const struct wrong_port *port, uint64_t *at)
{
    vblk_le16 idx, head;
    vblk_le64 addr;

    if (port->note[0] == 0 || vblk_memory_peek(port->inner->mem, port->note[2] + 2, &idx, sizeof(idx)) != VBLK_OK ||
        vblk_memory_peek(port->inner->mem, port->note[2] + 4 + 2 * ((vblk_get16(idx) - 1u) % port->note[0]), &head, sizeof(head)) != VBLK_OK ||
        vblk_memory_peek(port->inner->mem, port->note[1] + 16u * (uint64_t)vblk_get16(head), &addr, sizeof(addr)) != VBLK_OK)
        return false;
    *at = vblk_get64(addr);
    return true;
}

/* The header is filled in when the buffer is shown already. */
static vblk_err header_late(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    uint8_t header[16];
    uint64_t at;

    if (queue == 0 && last_header(port, &at) && vblk_memory_peek(port->inner->mem, at, header, sizeof(header)) == VBLK_OK)
        (void)!vblk_memory_write(port->inner->mem, VBLK_DRIVER, at, header, sizeof(header));
    return vblk_port_kick(port->inner, queue, data);
}

#define RANGES "each command has a row of its own"
#define EACH_WISH "each kind of wish has a row of its own"

const struct mutant mutants_driver_unseen[] = {
    M("sector-in-bytes", "counts sectors in bytes", "BLK-OP-DRV-02", .with.request = sector_in_bytes),
    M("header-big-endian", "writes headers most significant byte first", "BLK-OP-DRV-02", .with.request = header_big_endian),
    M("segment-big-endian", "writes the length of a segment most significant byte first", "BLK-OP-DRV-02", .with.request = segment_big_endian,
      SAME("PROV-DRV-03", "PROV-DRV-07") = RANGES),
    M("segment-in-bytes", "counts the sectors of a segment in bytes", "BLK-OP-DRV-02", .with.request = segment_in_bytes, SAME("PROV-DRV-03", "PROV-DRV-07") = RANGES),
    M("flags-dirty", "leaves a bit of before in the flags of a segment", "BLK-OP-11", .with.request = flags_dirty, SAME("PROV-DRV-08") = RANGES),
    M("unmap-everywhere", "sets unmap in segments of every command", "BLK-OP-DRV-16", .with.request = unmap_everywhere, SAME("BLK-OP-14", "PROV-DRV-09") = RANGES),
    M("provision-twice-the-limit", "provisions up to twice the limit", "PROV-DRV-03", .with.limit = twice_the_limit),
    M("capacity-one-more", "takes the disk for one sector longer", "BLK-OP-DRV-02", .with.limit = one_sector_more),
    M("size-max-twice", "has pieces of twice size_max", "FRAME-DRV-02", .with.limit = twice_the_size, .only = "*small pieces"),
    M("kicks-first-queue", "notifies of the first queue alone", "NOTIF-AVAIL-DRV-04", .port.kick = first_queue_only,
      SAME("NOTIF-AVAIL-DRV-06", "NOTIF-PACKED-03") = EACH_WISH),
    M("kicks-as-first-queue", "notifies of the first queue whatever queue it is", "NOTIF-AVAIL-DRV-04", .port.kick = wrong_queue, .only = "split, four queues"),
    M("kick-lost", "loses every fourth notification", "NOTIF-AVAIL-DRV-04", .port.kick = every_fourth_missing,
      SAME("NOTIF-AVAIL-DRV-06", "NOTIF-PACKED-02", "NOTIF-PACKED-03") = EACH_WISH),
    M("size-odd", "has a split ring whose size is no power of two", "RING-SPLIT-02", .port.write_reg = size_odd, .only = "split"),
    M("size-past-room", "has a ring larger than the memory that it gives it", "RING-SPLIT-01", .port.write_reg = size_past_room, .only = "split"),
    M("one-used-ring", "has one used ring for all queues", "SAFE-DRV-03", .port.write_reg = one_ring_for_all, .only = "split, four queues"),
    M("enabled-before-set-up", "enables a queue before it sets it up", "INIT-DRV-11", .port.write_reg = enabled_first),
    M("disables-live", "writes 0 to queue enable of a live queue", "CLEAN-DRV-01", .port.write_reg = disabled_live, .only = "split*"),
    M("status-shrinks", "writes DRIVER_OK alone at last", "STATUS-DRV-02", .port.write_reg = status_shrinks),
    M("takes-ro", "accepts RO, which is not offered", "FEAT-DRV-01", .port.write_reg = accepts_ro),
    M("writes-mode-2", "writes 2 to writeback", "BLK-OP-DRV-14", .port.write_reg = writes_mode_2),
    M("header-late", "fills in a header that is shown already", "SAFE-DRV-01", .port = { .write_reg = remember, .kick = header_late }, .only = "split"),
    { .name = NULL },
};
