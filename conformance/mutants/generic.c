/* SPDX-License-Identifier: BSD-3-Clause */
#include "generic.h"

static bool find(const struct vblk_device *device, struct vblk_config_field *field)
{
    return vblk_config_field_find(&vblk_device_options_of(device)->profile, mutant_of(device)->field, field);
}

/* Byte @i of the field in what was read, or NULL. */
static uint8_t *byte_of(const struct vblk_config_field *field, uint32_t i, uint32_t offset, uint8_t *buf, uint32_t len)
{
    const uint32_t at = (uint32_t)field->offset + i;

    return at >= offset && at - offset < len ? &buf[at - offset] : NULL;
}

static void put_value(const struct vblk_device *device, uint64_t value, uint32_t offset, uint8_t *buf, uint32_t len)
{
    struct vblk_config_field field;
    uint8_t *byte;

    if (!find(device, &field))
        return;
    for (uint32_t i = 0; i < field.width; i++)
        if ((byte = byte_of(&field, i, offset, buf, len)) != NULL)
            *byte = (uint8_t)(value >> 8 * i);
}

void show_value(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    put_value(device, mutant_of(device)->value, offset, buf, len);
}

/* Only where the whole field is read: a driver reads it so. */
void show_swapped(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    struct vblk_config_field field;

    if (!find(device, &field) || offset > field.offset || offset + len < (uint32_t)field.offset + field.width)
        return;
    for (uint32_t i = 0; i < field.width / 2u; i++) {
        uint8_t *a = byte_of(&field, i, offset, buf, len), *b = byte_of(&field, field.width - 1u - i, offset, buf, len);
        const uint8_t kept = *a;

        *a = *b;
        *b = kept;
    }
}

void show_by_width(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    struct vblk_config_field field;
    uint8_t *byte;

    if (!find(device, &field) || (offset == field.offset && len == field.width))
        return;
    for (uint32_t i = 0; i < field.width; i++)
        if ((byte = byte_of(&field, i, offset, buf, len)) != NULL)
            *byte ^= 0x55;
}

void show_late(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    if ((vblk_device_status(device) & VBLK_STATUS_FEATURES_OK) == 0)
        put_value(device, 0, offset, buf, len);
}

void show_when_live(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    if ((vblk_device_status(device) & VBLK_STATUS_DRIVER_OK) != 0)
        show_value(device, offset, buf, len);
}

uint64_t offer(const struct vblk_device *device, uint64_t honest)
{
    return (honest | mutant_of(device)->value) & ~mutant_of(device)->other;
}

uint64_t show_reg(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == mutant_of(device)->value ? mutant_of(device)->other : honest;
}

void status_of_type(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const struct mutant *m = mutant_of(device);

    vblk_reference_put_status(device, req, vblk_request_type(req) == m->value ? (uint8_t)m->other : status);
}

void status_if_ok(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const struct mutant *m = mutant_of(device);
    const bool meant = vblk_request_type(req) == m->value && status == VBLK_S_OK;

    vblk_reference_put_status(device, req, meant ? (uint8_t)m->other : status);
}

void status_for_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const struct mutant *m = mutant_of(device);

    vblk_reference_put_status(device, req, status == m->value ? (uint8_t)m->other : status);
}

void cut_config(struct vblk_device_options *options, const void *mutant)
{
    options->config_length = (uint32_t)((const struct mutant *)mutant)->value;
}

void add_features(struct vblk_device_options *options, const void *mutant)
{
    options->features |= ((const struct mutant *)mutant)->value;
}

uint8_t run_ok(struct vblk_device *device, struct vblk_request *req)
{
    (void)device;
    (void)req;
    return VBLK_S_OK;
}

void store_as_device(struct vblk_device *device, uint64_t gpa, const void *bytes, size_t len)
{
    (void)!vblk_memory_write(vblk_device_memory(device), VBLK_DEVICE, gpa, bytes, len);
}
