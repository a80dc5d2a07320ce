/* SPDX-License-Identifier: BSD-3-Clause */
/* What a profile calls its feature bits, request types, status codes and configuration fields. */
#include <vblk/spec.h>

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* 5.2.3 and 6, by bit; since is the first version that describes it. */
static const struct {
    const char *name;
    uint16_t since;
} features[64] = {
    [VBLK_F_BARRIER] = { "BARRIER", 0x0100 },
    [VBLK_F_SIZE_MAX] = { "SIZE_MAX", 0x0100 },
    [VBLK_F_SEG_MAX] = { "SEG_MAX", 0x0100 },
    [VBLK_F_GEOMETRY] = { "GEOMETRY", 0x0100 },
    [VBLK_F_RO] = { "RO", 0x0100 },
    [VBLK_F_BLK_SIZE] = { "BLK_SIZE", 0x0100 },
    [VBLK_F_SCSI] = { "SCSI", 0x0100 },
    [VBLK_F_FLUSH] = { "FLUSH", 0x0100 },
    [VBLK_F_TOPOLOGY] = { "TOPOLOGY", 0x0100 },
    [VBLK_F_CONFIG_WCE] = { "CONFIG_WCE", 0x0100 },
    [VBLK_F_MQ] = { "MQ", 0x0102 },
    [VBLK_F_DISCARD] = { "DISCARD", 0x0101 },
    [VBLK_F_WRITE_ZEROES] = { "WRITE_ZEROES", 0x0101 },
    [VBLK_F_LIFETIME] = { "LIFETIME", 0x0102 },
    [VBLK_F_SECURE_ERASE] = { "SECURE_ERASE", 0x0102 },
    [VBLK_F_ZONED] = { "ZONED", 0x0103 },
    [VBLK_F_NOTIFY_ON_EMPTY] = { "NOTIFY_ON_EMPTY", 0x0100 },
    [VBLK_F_ANY_LAYOUT] = { "ANY_LAYOUT", 0x0100 },
    [VBLK_F_INDIRECT_DESC] = { "INDIRECT_DESC", 0x0100 },
    [VBLK_F_EVENT_IDX] = { "EVENT_IDX", 0x0100 },
    [VBLK_F_VERSION_1] = { "VERSION_1", 0x0100 },
    [VBLK_F_ACCESS_PLATFORM] = { "ACCESS_PLATFORM", 0x0101 },
    [VBLK_F_RING_PACKED] = { "RING_PACKED", 0x0101 },
    [VBLK_F_IN_ORDER] = { "IN_ORDER", 0x0101 },
    [VBLK_F_ORDER_PLATFORM] = { "ORDER_PLATFORM", 0x0101 },
    [VBLK_F_SR_IOV] = { "SR_IOV", 0x0101 },
    [VBLK_F_NOTIFICATION_DATA] = { "NOTIFICATION_DATA", 0x0101 },
    [VBLK_F_NOTIF_CONFIG_DATA] = { "NOTIF_CONFIG_DATA", 0x0102 },
    [VBLK_F_RING_RESET] = { "RING_RESET", 0x0102 },
    [VBLK_F_ADMIN_VQ] = { "ADMIN_VQ", 0x0103 },
    [VBLK_F_SUSPEND] = { "SUSPEND", 0x0104 },
};

/* 5.2.6; feature is the one that brings the type, or -1. */
static const struct {
    const char *name;
    uint32_t type;
    int8_t feature;
} types[] = {
    { "IN", VBLK_T_IN, -1 },
    { "OUT", VBLK_T_OUT, -1 },
    { "SCSI_CMD", 2, VBLK_F_SCSI },
    { "SCSI_CMD_OUT", 3, VBLK_F_SCSI },
    { "FLUSH", VBLK_T_FLUSH, VBLK_F_FLUSH },
    { "FLUSH_OUT", 5, VBLK_F_FLUSH },
    { "GET_ID", VBLK_T_GET_ID, -1 },
    { "GET_LIFETIME", VBLK_T_GET_LIFETIME, VBLK_F_LIFETIME },
    { "DISCARD", VBLK_T_DISCARD, VBLK_F_DISCARD },
    { "WRITE_ZEROES", VBLK_T_WRITE_ZEROES, VBLK_F_WRITE_ZEROES },
    { "SECURE_ERASE", VBLK_T_SECURE_ERASE, VBLK_F_SECURE_ERASE },
    { "ZONE_APPEND", VBLK_T_ZONE_APPEND, VBLK_F_ZONED },
    { "ZONE_REPORT", VBLK_T_ZONE_REPORT, VBLK_F_ZONED },
    { "ZONE_OPEN", VBLK_T_ZONE_OPEN, VBLK_F_ZONED },
    { "ZONE_CLOSE", VBLK_T_ZONE_CLOSE, VBLK_F_ZONED },
    { "ZONE_FINISH", VBLK_T_ZONE_FINISH, VBLK_F_ZONED },
    { "ZONE_RESET", VBLK_T_ZONE_RESET, VBLK_F_ZONED },
    { "ZONE_RESET_ALL", VBLK_T_ZONE_RESET_ALL, VBLK_F_ZONED },
};

static const char *const statuses[] = {
    [VBLK_S_OK] = "OK",
    [VBLK_S_IOERR] = "IOERR",
    [VBLK_S_UNSUPP] = "UNSUPP",
    [VBLK_S_ZONE_INVALID_CMD] = "ZONE_INVALID_CMD",
    [VBLK_S_ZONE_UNALIGNED_WP] = "ZONE_UNALIGNED_WP",
    [VBLK_S_ZONE_OPEN_RESOURCE] = "ZONE_OPEN_RESOURCE",
    [VBLK_S_ZONE_ACTIVE_RESOURCE] = "ZONE_ACTIVE_RESOURCE",
};

#define BLK(field)   offsetof(struct vblk_blk_config, field)
#define ZONED(field) (sizeof(struct vblk_blk_config) + offsetof(struct vblk_zoned_config, field))

/* 5.2.4; the provision fields are added by the profile. */
static const struct vblk_config_field fields[] = {
    { "capacity", BLK(capacity), 8, -1, false },
    { "size_max", BLK(size_max), 4, VBLK_F_SIZE_MAX, false },
    { "seg_max", BLK(seg_max), 4, VBLK_F_SEG_MAX, false },
    { "cylinders", BLK(cylinders), 2, VBLK_F_GEOMETRY, false },
    { "heads", BLK(heads), 1, VBLK_F_GEOMETRY, false },
    { "sectors", BLK(sectors), 1, VBLK_F_GEOMETRY, false },
    { "blk_size", BLK(blk_size), 4, VBLK_F_BLK_SIZE, false },
    { "physical_block_exp", BLK(physical_block_exp), 1, VBLK_F_TOPOLOGY, false },
    { "alignment_offset", BLK(alignment_offset), 1, VBLK_F_TOPOLOGY, false },
    { "min_io_size", BLK(min_io_size), 2, VBLK_F_TOPOLOGY, false },
    { "opt_io_size", BLK(opt_io_size), 4, VBLK_F_TOPOLOGY, false },
    { "writeback", BLK(writeback), 1, VBLK_F_CONFIG_WCE, true },
    { "num_queues", BLK(num_queues), 2, VBLK_F_MQ, false },
    { "max_discard_sectors", BLK(max_discard_sectors), 4, VBLK_F_DISCARD, false },
    { "max_discard_seg", BLK(max_discard_seg), 4, VBLK_F_DISCARD, false },
    { "discard_sector_alignment", BLK(discard_sector_alignment), 4, VBLK_F_DISCARD, false },
    { "max_write_zeroes_sectors", BLK(max_write_zeroes_sectors), 4, VBLK_F_WRITE_ZEROES, false },
    { "max_write_zeroes_seg", BLK(max_write_zeroes_seg), 4, VBLK_F_WRITE_ZEROES, false },
    { "write_zeroes_may_unmap", BLK(write_zeroes_may_unmap), 1, VBLK_F_WRITE_ZEROES, false },
    { "max_secure_erase_sectors", BLK(max_secure_erase_sectors), 4, VBLK_F_SECURE_ERASE, false },
    { "max_secure_erase_seg", BLK(max_secure_erase_seg), 4, VBLK_F_SECURE_ERASE, false },
    { "secure_erase_sector_alignment", BLK(secure_erase_sector_alignment), 4, VBLK_F_SECURE_ERASE, false },
    { "zone_sectors", ZONED(zone_sectors), 4, VBLK_F_ZONED, false },
    { "max_open_zones", ZONED(max_open_zones), 4, VBLK_F_ZONED, false },
    { "max_active_zones", ZONED(max_active_zones), 4, VBLK_F_ZONED, false },
    { "max_append_sectors", ZONED(max_append_sectors), 4, VBLK_F_ZONED, false },
    { "write_granularity", ZONED(write_granularity), 4, VBLK_F_ZONED, false },
    { "model", ZONED(model), 1, VBLK_F_ZONED, false },
};

static const struct vblk_config_field paddings[] = {
    { "unused0", BLK(unused0), 1, -1, false },
    { "unused1", BLK(unused1), 3, -1, false },
    { "unused2", ZONED(unused2), 3, VBLK_F_ZONED, false },
};

/** The name that the profile's text, without the proposal, has for a bit. */
static const char *text_feature(const struct vblk_profile *profile, unsigned bit)
{
    if (bit >= COUNT(features) || (profile->without & VBLK_BIT(bit)) || (bit == VBLK_F_ZONED && !profile->zoned))
        return NULL;
    return features[bit].since <= profile->version ? features[bit].name : NULL;
}

static bool text_has(const struct vblk_profile *profile, int feature)
{
    return feature < 0 || text_feature(profile, (unsigned)feature) != NULL;
}

const char *vblk_feature_name(const struct vblk_profile *profile, unsigned bit)
{
    if (profile->provision && bit == profile->provision_bit)
        return "PROVISION";
    return text_feature(profile, bit);
}

const char *vblk_type_name(const struct vblk_profile *profile, uint32_t type)
{
    if (profile->provision && type == profile->provision_type)
        return "PROVISION";
    for (size_t i = 0; i < COUNT(types); i++) {
        if (types[i].type == type)
            return text_has(profile, types[i].feature) ? types[i].name : NULL;
    }
    return NULL;
}

const char *vblk_status_name(uint8_t status)
{
    return status < COUNT(statuses) ? statuses[status] : NULL;
}

/** @p name without @p prefix, if it has it. */
static const char *bare(const char *name, const char *prefix)
{
    const size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 ? name + len : name;
}

int vblk_feature_find(const struct vblk_profile *profile, const char *name)
{
    name = bare(bare(name, "VIRTIO_BLK_F_"), "VIRTIO_F_");
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *has = vblk_feature_name(profile, bit);

        if (has && strcmp(has, name) == 0)
            return (int)bit;
    }
    return -1;
}

int64_t vblk_type_find(const struct vblk_profile *profile, const char *name)
{
    name = bare(name, "VIRTIO_BLK_T_");
    if (profile->provision && strcmp(name, "PROVISION") == 0)
        return profile->provision_type;
    for (size_t i = 0; i < COUNT(types); i++) {
        const char *has = vblk_type_name(profile, types[i].type);

        if (has && strcmp(has, name) == 0)
            return types[i].type;
    }
    return -1;
}

/** Whether the profile has row @p row of the text's fields, or past them of the proposal's two. */
static bool has_row(const struct vblk_profile *profile, size_t row)
{
    if (row < COUNT(fields))
        return text_has(profile, fields[row].feature);
    return profile->provision && (row == COUNT(fields) || profile->provision_seg);
}

static struct vblk_config_field field_row(const struct vblk_profile *profile, size_t row)
{
    struct vblk_config_field field = { "max_provision_sectors", profile->provision_offset, 4,
                                       (int8_t)profile->provision_bit, false };

    if (row < COUNT(fields))
        return fields[row];
    if (row > COUNT(fields)) {
        field.name = "max_provision_seg";
        field.offset = (uint16_t)(profile->provision_offset + sizeof(vblk_le32));
    }
    return field;
}

/** How many of the text's fields lie before the proposal's. The table is in ascending offset. */
static size_t rows_before_provision(const struct vblk_profile *profile)
{
    size_t row = 0;

    while (row < COUNT(fields) && fields[row].offset < profile->provision_offset)
        row++;
    return row;
}

bool vblk_config_field_at(const struct vblk_profile *profile, size_t i, struct vblk_config_field *out)
{
    const size_t before = rows_before_provision(profile);

    for (size_t n = 0; n < COUNT(fields) + 2; n++) {
        size_t row = n < before ? n : n < before + 2 ? COUNT(fields) + n - before : n - 2;

        if (has_row(profile, row) && i-- == 0) {
            *out = field_row(profile, row);
            return true;
        }
    }
    return false;
}

bool vblk_config_field_find(const struct vblk_profile *profile, const char *name, struct vblk_config_field *out)
{
    for (size_t row = 0; row < COUNT(fields) + 2; row++) {
        if (!has_row(profile, row))
            continue;
        *out = field_row(profile, row);
        if (strcmp(out->name, name) == 0)
            return true;
    }
    return false;
}

static bool taken_by_provision(const struct vblk_profile *profile, const struct vblk_config_field *padding)
{
    const unsigned size = profile->provision_seg ? sizeof(struct vblk_provision_config) : sizeof(vblk_le32);

    return profile->provision && profile->provision_offset < padding->offset + (unsigned)padding->width &&
           padding->offset < profile->provision_offset + size;
}

bool vblk_config_padding_at(const struct vblk_profile *profile, size_t i, struct vblk_config_field *out)
{
    for (size_t row = 0; row < COUNT(paddings); row++) {
        if (!text_has(profile, paddings[row].feature) || taken_by_provision(profile, &paddings[row]))
            continue;
        if (i-- == 0) {
            *out = paddings[row];
            return true;
        }
    }
    return false;
}
