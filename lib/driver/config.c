/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "bytes.h"

#define RETRIES 16

static const char *const names[LIMIT_COUNT] = {
    [LIMIT_CAPACITY] = "capacity",
    [LIMIT_SIZE_MAX] = "size_max",
    [LIMIT_SEG_MAX] = "seg_max",
    [LIMIT_NUM_QUEUES] = "num_queues",
    [LIMIT_DISCARD_SECTORS] = "max_discard_sectors",
    [LIMIT_DISCARD_SEG] = "max_discard_seg",
    [LIMIT_DISCARD_ALIGNMENT] = "discard_sector_alignment",
    [LIMIT_WRITE_ZEROES_SECTORS] = "max_write_zeroes_sectors",
    [LIMIT_WRITE_ZEROES_SEG] = "max_write_zeroes_seg",
    [LIMIT_WRITE_ZEROES_MAY_UNMAP] = "write_zeroes_may_unmap",
    [LIMIT_SECURE_ERASE_SECTORS] = "max_secure_erase_sectors",
    [LIMIT_SECURE_ERASE_SEG] = "max_secure_erase_seg",
    [LIMIT_SECURE_ERASE_ALIGNMENT] = "secure_erase_sector_alignment",
    [LIMIT_PROVISION_SECTORS] = "max_provision_sectors",
    [LIMIT_PROVISION_SEG] = "max_provision_seg",
};

const char *config_limit_name(enum limit limit)
{
    return names[limit];
}

/* A register that some transports don't have. */
static vblk_err optional_reg(struct vblk_port *port, enum vblk_reg reg, uint64_t missing, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port, reg, 0, value);

    if (err != VBLK_E_UNSUPPORTED)
        return err;
    *value = missing;
    return VBLK_OK;
}

static bool valid(const struct vblk_config_field *field, uint64_t offered, uint64_t length)
{
    return (field->feature < 0 || (offered & VBLK_BIT((unsigned)field->feature))) &&
           (uint64_t)field->offset + field->width <= length;
}

static vblk_err read_once(struct vblk_port *port, const struct vblk_profile *profile, uint64_t offered, uint64_t length,
                          struct limits *limits)
{
    struct vblk_config_field field;

    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        uint8_t bytes[8] = { 0 };
        uint32_t got = 0;
        vblk_err err;

        if (!vblk_config_field_find(profile, names[i], &field) || !valid(&field, offered, length))
            continue;
        err = vblk_port_read_config(port, field.offset, bytes, field.width, &got);
        if (err)
            return err;
        limits->present[i] = got >= field.width;
        limits->value[i] = limits->present[i] ? bytes_number(bytes, field.width) : 0;
    }
    return VBLK_OK;
}

vblk_err config_limits(struct vblk_port *port, const struct vblk_profile *profile, uint64_t offered,
                       struct limits *limits)
{
    uint64_t length, before, after;
    vblk_err err = optional_reg(port, VBLK_REG_CONFIG_LENGTH, VBLK_CONFIG_MAX, &length);

    for (unsigned i = 0; !err && i < RETRIES; i++) {
        *limits = (struct limits){ 0 };
        err = optional_reg(port, VBLK_REG_GENERATION, 0, &before);
        if (!err)
            err = read_once(port, profile, offered, length, limits);
        if (!err)
            err = optional_reg(port, VBLK_REG_GENERATION, 0, &after);
        if (!err && before == after)
            return VBLK_OK;
    }
    return err ? err : VBLK_E_STATE;
}
