/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space (2.5, 5.2.4). The image is what the driver reads; options follow what the host writes there. */
#include <stddef.h>
#include <string.h>

#include "blk.h"

/* Which option a field of the text is. */
struct member {
    const char *name;
    uint16_t at;
    bool truth; /* a bool */
};
#define MEMBER(name)                                                                                                   \
    {                                                                                                                  \
#name, offsetof(struct vblk_device_options, name), false                                                       \
    }
#define TRUTH(name)                                                                                                    \
    {                                                                                                                  \
#name, offsetof(struct vblk_device_options, name), true                                                        \
    }
static const struct member members[] = {
    MEMBER(capacity),
    MEMBER(size_max),
    MEMBER(seg_max),
    MEMBER(cylinders),
    MEMBER(heads),
    MEMBER(sectors),
    MEMBER(blk_size),
    MEMBER(physical_block_exp),
    MEMBER(alignment_offset),
    MEMBER(min_io_size),
    MEMBER(opt_io_size),
    TRUTH(writeback),
    MEMBER(num_queues),
    MEMBER(max_discard_sectors),
    MEMBER(max_discard_seg),
    MEMBER(discard_sector_alignment),
    MEMBER(max_write_zeroes_sectors),
    MEMBER(max_write_zeroes_seg),
    TRUTH(write_zeroes_may_unmap),
    MEMBER(max_secure_erase_sectors),
    MEMBER(max_secure_erase_seg),
    MEMBER(secure_erase_sector_alignment),
    MEMBER(max_provision_sectors),
    MEMBER(max_provision_seg),
};

_Static_assert(sizeof members / sizeof members[0] <= CONFIG_FIELDS_MAX, "a device can show every field");

static const struct member *find_member(const char *name)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    }
    return NULL;
}

static uint64_t load(const void *at, unsigned width)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (width) {
    case 1:
        memcpy(&v8, at, 1);
        return v8;
    case 2:
        memcpy(&v16, at, 2);
        return v16;
    case 4:
        memcpy(&v32, at, 4);
        return v32;
    default:
        memcpy(&v64, at, 8);
        return v64;
    }
}

static void store(void *at, unsigned width, uint64_t value)
{
    const uint8_t v8 = (uint8_t)value;
    const uint16_t v16 = (uint16_t)value;
    const uint32_t v32 = (uint32_t)value;
    const void *from = &value;

    if (width == 1)
        from = &v8;
    else if (width == 2)
        from = &v16;
    else if (width == 4)
        from = &v32;
    memcpy(at, from, width);
}

/* Options to image. */
static void encode(struct vblk_device *device)
{
    for (uint32_t i = 0; i < device->fields; i++) {
        const struct config_field *field = &device->field[i];
        uint64_t value = load((const uint8_t *)&device->options + field->member, field->width);

        for (unsigned b = 0; b < field->width; b++)
            device->config[field->offset + b] = (uint8_t)(value >> 8 * b);
    }
}

/* Image to options. */
static void decode(struct vblk_device *device)
{
    for (uint32_t i = 0; i < device->fields; i++) {
        const struct config_field *field = &device->field[i];
        uint64_t value = 0;

        for (unsigned b = 0; b < field->width; b++)
            value |= (uint64_t)device->config[field->offset + b] << 8 * b;
        store((uint8_t *)&device->options + field->member, field->width, field->truth ? value != 0 : value);
    }
}

/*
 * Find the fields that are offered. The configuration is as long as they need, at least as the text of 1.2 without the
 * proposal has it, unless a length is given; what does not fit then is not there.
 */
static void find_fields(struct vblk_device *device)
{
    const uint32_t given = device->options.config_length;
    uint32_t length = sizeof(struct vblk_blk_config);
    struct vblk_config_field field;

    device->fields = 0;
    for (size_t i = 0; vblk_config_field_at(&device->options.profile, i, &field); i++) {
        const struct member *member = find_member(field.name);
        const uint32_t end = (uint32_t)field.offset + field.width;

        if (!member || (field.feature >= 0 && !blk_offers(device, (unsigned)field.feature)) || (given && end > given))
            continue;
        length = end > length ? end : length;
        device->field[device->fields++] = (struct config_field){ field.offset, member->at, field.width, member->truth };
    }
    device->config_length = given ? given : length;
}

void blk_config_init(struct vblk_device *device)
{
    find_fields(device);
    memset(device->config, 0, sizeof device->config);
    encode(device);
}

#define WRITEBACK offsetof(struct vblk_blk_config, writeback)

/* Changes that the driver brought about are not notified to it. */
void blk_config_set_writeback(struct vblk_device *device, bool writeback)
{
    device->options.writeback = writeback;
    if (blk_offers(device, VBLK_F_CONFIG_WCE) && device->config_length > WRITEBACK &&
        device->config[WRITEBACK] != writeback) {
        device->config[WRITEBACK] = writeback;
        device->generation++;
    }
}

static uint32_t inside(const struct vblk_device *device, uint32_t offset, uint32_t len)
{
    if (offset >= device->config_length)
        return 0;
    return len < device->config_length - offset ? len : device->config_length - offset;
}

uint32_t vblk_device_read_config(struct vblk_device *device, uint32_t offset, void *buf, uint32_t len)
{
    uint32_t got = inside(device, offset, len);

    memset(buf, 0, len);
    if (got)
        memcpy(buf, device->config + offset, got);
    if (got && device->behaviour->read_config)
        device->behaviour->read_config(device, offset, buf, got);
    return got;
}

/* Only writeback can be written, once CONFIG_WCE is negotiated, and only 0 and 1 mean anything. */
void vblk_reference_write_config(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len)
{
    const uint32_t got = inside(device, offset, len);

    if (blk_accepted(device, VBLK_F_CONFIG_WCE) && offset <= WRITEBACK && got > WRITEBACK - offset) {
        uint8_t value = ((const uint8_t *)buf)[WRITEBACK - offset];

        if (value <= 1)
            blk_config_set_writeback(device, value);
    }
}

uint32_t vblk_device_write_config(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len)
{
    if (device->behaviour->write_config)
        device->behaviour->write_config(device, offset, buf, len);
    else
        vblk_reference_write_config(device, offset, buf, len);
    return inside(device, offset, len);
}

vblk_err vblk_device_set_config(struct vblk_device *device, uint32_t offset, uint32_t value)
{
    if (inside(device, offset, 4) < 4)
        return VBLK_E_INVAL;
    for (unsigned b = 0; b < 4; b++)
        device->config[offset + b] = (uint8_t)(value >> 8 * b);
    decode(device);
    blk_config_changed(device);
    return VBLK_OK;
}

void vblk_device_resize(struct vblk_device *device, uint64_t capacity)
{
    if (capacity == device->options.capacity)
        return;
    device->options.capacity = capacity;
    encode(device);
    blk_config_changed(device);
}
