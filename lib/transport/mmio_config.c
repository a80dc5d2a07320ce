/* SPDX-License-Identifier: BSD-3-Clause */
/* The device configuration, field by field in its natural width (4.2.2.2). */
#include <string.h>

#include "mmio_port.h"

/* What one access reaches. */
struct unit {
    uint32_t at;
    unsigned width;
};

static bool aligned(const struct vblk_config_field *field, unsigned width)
{
    return field->offset % width == 0;
}

/* The access that the byte at @at belongs to: a field or half of a 64-bit one, elsewhere the byte itself. */
static struct unit unit_at(const struct mmio_port *p, uint32_t at)
{
    struct vblk_config_field field;

    for (size_t i = 0; vblk_config_field_at(&p->profile, i, &field); i++) {
        unsigned width = field.width > 4 ? 4 : field.width;

        if (at >= field.offset && at - field.offset < field.width && aligned(&field, width))
            return (struct unit){ at - at % width, width };
    }
    return (struct unit){ at, 1 };
}

/* The transport doesn't say. "As long as needed by the features offered" is all that a driver may look at. */
vblk_err mmio_config_length(struct mmio_port *p, uint32_t *length)
{
    struct vblk_config_field field;
    uint64_t offered;
    bool emulated;

    *length = 0;
    if (!p->offered_known) {
        vblk_err err = mmio_read_reg(p, VBLK_REG_DEVICE_FEATURES, 0, &offered, &emulated);

        if (err)
            return err;
    }
    for (size_t i = 0; vblk_config_field_at(&p->profile, i, &field); i++) {
        uint32_t end = (uint32_t)field.offset + field.width;

        if ((field.feature < 0 || (p->offered & VBLK_BIT(field.feature))) && end > *length)
            *length = end;
    }
    return VBLK_OK;
}

static void unpack(uint32_t value, uint8_t bytes[4])
{
    const vblk_le32 wire = vblk_put32(value);

    memcpy(bytes, wire.b, 4);
}

static uint32_t pack(const uint8_t *bytes, unsigned width)
{
    vblk_le32 wire = { { 0 } };

    memcpy(wire.b, bytes, width);
    return vblk_get32(wire);
}

/* How many of [offset, offset + len) there are. */
static vblk_err clip(struct mmio_port *p, uint32_t offset, uint32_t *len)
{
    uint32_t length;
    vblk_err err = mmio_config_length(p, &length);

    if (offset >= length)
        *len = 0;
    else if (*len > length - offset)
        *len = length - offset;
    return err;
}

vblk_err mmio_read_config(struct mmio_port *p, uint32_t offset, uint8_t *buf, uint32_t len, uint32_t *got)
{
    vblk_err err = clip(p, offset, &len);
    uint32_t done = 0;

    *got = 0;
    while (!err && done < len) {
        const struct unit unit = unit_at(p, offset + done);
        uint32_t value = 0, skip = offset + done - unit.at, n = unit.width - skip;
        uint8_t bytes[4];

        err = mmio_gone(p->bus.read(p->bus.ctx, VBLK_MMIO_CONFIG + unit.at, unit.width, &value));
        if (n > len - done)
            n = len - done;
        unpack(value, bytes);
        memcpy(buf + done, bytes + skip, n);
        done += n;
    }
    if (!err)
        *got = done;
    return err;
}

/* A write to a part of a field can't be natural; it goes out byte by byte, as it was asked for. */
vblk_err mmio_write_config(struct mmio_port *p, uint32_t offset, const uint8_t *buf, uint32_t len)
{
    vblk_err err = clip(p, offset, &len);
    uint32_t done = 0;

    while (!err && done < len) {
        const struct unit unit = unit_at(p, offset + done);
        bool whole = unit.at == offset + done && unit.width <= len - done;
        unsigned width = whole ? unit.width : 1;

        err = mmio_gone(p->bus.write(p->bus.ctx, VBLK_MMIO_CONFIG + offset + done, width, pack(buf + done, width)));
        done += width;
    }
    return err;
}
