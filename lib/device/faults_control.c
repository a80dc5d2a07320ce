/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of registers, features and the configuration. */
#include <string.h>

#include "blk.h"
#include "faults.h"

static bool refuse(const struct vblk_device *device, uint64_t accepted)
{
    (void)device;
    (void)accepted;
    return false;
}

static uint64_t wce_alone(const struct vblk_device *device, uint64_t honest)
{
    (void)device;
    return (honest | VBLK_BIT(VBLK_F_CONFIG_WCE)) & ~VBLK_BIT(VBLK_F_FLUSH);
}

static uint64_t legacy_only(const struct vblk_device *device, uint64_t honest)
{
    (void)device;
    return honest & ~VBLK_BIT(VBLK_F_VERSION_1);
}

static uint64_t some_features(const struct vblk_device *device, uint64_t honest)
{
    return (honest | fault_value(device, 0)) & ~fault_value(device, 1);
}

/* Let a field read as @value where [offset, offset + len) touches it. */
static void show_field(const struct vblk_device *device, const char *name, uint64_t value, uint32_t offset, uint8_t *buf,
                       uint32_t len)
{
    struct vblk_config_field field;

    if (!vblk_config_field_find(&device->options.profile, name, &field))
        return;
    for (uint32_t i = 0; i < field.width; i++) {
        const uint32_t at = (uint32_t)field.offset + i;

        if (at >= offset && at - offset < len)
            buf[at - offset] = (uint8_t)(value >> 8 * i);
    }
}

static void some_field(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    show_field(device, fault_of(device)->text, fault_value(device, 1), offset, buf, len);
}

static void no_queues(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    show_field(device, "num_queues", 0, offset, buf, len);
}

static void zero_limits(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    static const char *const limits[] = {
        "size_max", "seg_max", "blk_size", "max_discard_sectors", "max_discard_seg", "discard_sector_alignment",
        "max_write_zeroes_sectors", "max_write_zeroes_seg", "max_secure_erase_sectors", "max_secure_erase_seg",
        "secure_erase_sector_alignment", "max_provision_sectors", "max_provision_seg",
    };

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        show_field(device, limits[i], 0, offset, buf, len);
}

/* To the given capacity, or to half, and back. */
static void change_capacity(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t created = device->created.capacity, given = fault_value(device, 0);
    const uint64_t other = given ? given : created / 2;

    (void)req;
    if (fault_due(device))
        vblk_device_resize(device, device->options.capacity == created ? other : created);
}

static void config_storm(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t count = fault_due(device) ? fault_value(device, 0) : 0;

    (void)req;
    for (uint64_t i = 0; i < count; i++)
        vblk_device_notify(device, VBLK_EV_CONFIG_NOTIFY, 0);
}

static uint64_t restless(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_GENERATION ? honest + ++vblk_device_notes(device)[2] : honest;
}

static void give_up(struct vblk_device *device, struct vblk_request *req)
{
    (void)req;
    if (fault_due(device) && !(device->status & VBLK_STATUS_NEEDS_RESET))
        vblk_device_needs_reset(device);
}

static bool silently(const struct vblk_device *device, bool owed)
{
    (void)device;
    (void)owed;
    return false;
}

static uint8_t some_status(const struct vblk_device *device, uint8_t honest)
{
    (void)honest;
    return (uint8_t)fault_value(device, 0);
}

/* A reset that was asked for does not happen. */
static void no_reset(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg != VBLK_REG_STATUS || value & 0xff)
        vblk_reference_write_reg(device, reg, queue, value);
}

static void no_enable(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg != VBLK_REG_QUEUE_ENABLE)
        vblk_reference_write_reg(device, reg, queue, value);
}

static uint64_t queue_max(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_QUEUE_MAX ? fault_value(device, 0) : honest;
}

const struct fault_row faults_control[] = {
    { .info = { "refuse-features", "Never grants FEATURES_OK.", "", false }, .behaviour = { .grant = refuse } },
    { .info = { "wce-without-flush", "Offers CONFIG_WCE without FLUSH.", "", false },
      .behaviour = { .show_features = wce_alone } },
    { .info = { "no-version-1", "Does not offer VERSION_1.", "", false }, .behaviour = { .show_features = legacy_only } },
    { .info = { "features", "Offers features that it does not have, or not those that it has.", "set=0,clear=0", false },
      .option = { { "set", 0, UINT64_MAX, NULL }, { "clear", 0, UINT64_MAX, NULL } },
      .behaviour = { .show_features = some_features } },
    { .info = { "num-queues-0", "Says that it has 0 queues.", "", false }, .behaviour = { .read_config = no_queues } },
    { .info = { "zero-limits", "Shows every limit as 0.", "", false }, .behaviour = { .read_config = zero_limits } },
    { .info = { "config-field", "Shows some value in one configuration field.", "field=blk_size,value=0", false },
      .option = { { "field", 0, 0, "blk_size" }, { "value", 0, UINT64_MAX, NULL } },
      .behaviour = { .read_config = some_field } },
    { .info = { "config-change", "Changes its capacity while requests are in flight, and back.", "capacity=0 (half)", true },
      .option = { { "capacity", 0, VBLK_STORE_CAPACITY_MAX, NULL } }, .behaviour = { .after = change_capacity } },
    { .info = { "config-storm", "Sends many notifications of configuration changes that did not happen.", "count=1000", true },
      .option = { { "count", 1000, 1000000, NULL } }, .behaviour = { .after = config_storm } },
    { .info = { "generation-restless", "Shows another configuration generation at each read.", "", false },
      .behaviour = { .read_reg = restless } },
    { .info = { "needs-reset", "Sets DEVICE_NEEDS_RESET after a request, with its notification.", "", true },
      .behaviour = { .after = give_up } },
    { .info = { "needs-reset-silent", "Sets DEVICE_NEEDS_RESET after a request without a notification.", "", true },
      .behaviour = { .after = give_up, .notify_config = silently } },
    { .info = { "status-register", "Shows one value in the status register, as a device that was pulled out does.", "value=0xff", false },
      .option = { { "value", 0xff, UINT8_MAX, NULL } }, .behaviour = { .show_status = some_status } },
    { .info = { "no-reset", "Ignores a reset.", "", false }, .behaviour = { .write_reg = no_reset } },
    { .info = { "no-queue-enable", "Does not enable a queue.", "", false }, .behaviour = { .write_reg = no_enable } },
    { .info = { "queue-max", "Shows some largest queue size.", "value=0", false },
      .option = { { "value", 0, UINT16_MAX, NULL } }, .behaviour = { .read_reg = queue_max } },
    { .info = { .name = NULL } },
};
