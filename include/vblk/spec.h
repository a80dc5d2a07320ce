/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file spec.h
 * @brief Facts of the specification: wire types and layouts, numbers, profiles.
 *
 * Section numbers are those of virtio 1.2; names follow the text.
 */
#ifndef VBLK_SPEC_H
#define VBLK_SPEC_H

#include <vblk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A wire type: little-endian bytes that can't be read without a conversion (1.4). Alignment 1. */
typedef struct vblk_le16 { uint8_t b[2]; /**< least significant first */ } vblk_le16;
typedef struct vblk_le32 { uint8_t b[4]; /**< least significant first */ } vblk_le32;
typedef struct vblk_le64 { uint8_t b[8]; /**< least significant first */ } vblk_le64;

/** @return the number that the wire bytes mean. */
static inline uint16_t vblk_get16(vblk_le16 v)
{
    return (uint16_t)(v.b[0] | (unsigned)v.b[1] << 8);
}
static inline uint32_t vblk_get32(vblk_le32 v)
{
    return (uint32_t)v.b[0] | (uint32_t)v.b[1] << 8 | (uint32_t)v.b[2] << 16 | (uint32_t)v.b[3] << 24;
}
static inline uint64_t vblk_get64(vblk_le64 v)
{
    return (uint64_t)v.b[0] | (uint64_t)v.b[1] << 8 | (uint64_t)v.b[2] << 16 | (uint64_t)v.b[3] << 24 |
           (uint64_t)v.b[4] << 32 | (uint64_t)v.b[5] << 40 | (uint64_t)v.b[6] << 48 | (uint64_t)v.b[7] << 56;
}
/** @return the wire bytes of a number. */
static inline vblk_le16 vblk_put16(uint16_t v)
{
    vblk_le16 out = { { (uint8_t)v, (uint8_t)(v >> 8) } };
    return out;
}
static inline vblk_le32 vblk_put32(uint32_t v)
{
    vblk_le32 out = { { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) } };
    return out;
}
static inline vblk_le64 vblk_put64(uint64_t v)
{
    vblk_le64 out = { { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24), (uint8_t)(v >> 32),
                        (uint8_t)(v >> 40), (uint8_t)(v >> 48), (uint8_t)(v >> 56) } };
    return out;
}

/** Protocol sectors are 512 bytes whatever blk_size says (5.2.4). */
#define VBLK_SECTOR 512u
#define VBLK_BIT(n) ((uint64_t)1 << (n)) /**< the mask of feature bit @p n, 0..63 */
#define VBLK_DEVICE_ID_BLOCK 2u          /**< a block device (5) */

/** Device status bits (2.1). */
enum {
    VBLK_STATUS_ACKNOWLEDGE = 1,
    VBLK_STATUS_DRIVER = 2,
    VBLK_STATUS_DRIVER_OK = 4,
    VBLK_STATUS_FEATURES_OK = 8,
    VBLK_STATUS_SUSPEND = 16, /**< 1.4 */
    VBLK_STATUS_NEEDS_RESET = 64,
    VBLK_STATUS_FAILED = 128
};

/** Feature bit numbers (5.2.3, 6). PROVISION's number belongs to the profile. */
enum {
    VBLK_F_BARRIER = 0, /**< legacy */
    VBLK_F_SIZE_MAX = 1,
    VBLK_F_SEG_MAX = 2,
    VBLK_F_GEOMETRY = 4,
    VBLK_F_RO = 5,
    VBLK_F_BLK_SIZE = 6,
    VBLK_F_SCSI = 7, /**< legacy */
    VBLK_F_FLUSH = 9,
    VBLK_F_TOPOLOGY = 10,
    VBLK_F_CONFIG_WCE = 11,
    VBLK_F_MQ = 12,
    VBLK_F_DISCARD = 13,
    VBLK_F_WRITE_ZEROES = 14,
    VBLK_F_LIFETIME = 15,
    VBLK_F_SECURE_ERASE = 16,
    VBLK_F_ZONED = 17, /**< 1.3 and later */
    VBLK_F_NOTIFY_ON_EMPTY = 24,
    VBLK_F_ANY_LAYOUT = 27,
    VBLK_F_INDIRECT_DESC = 28,
    VBLK_F_EVENT_IDX = 29,
    VBLK_F_VERSION_1 = 32,
    VBLK_F_ACCESS_PLATFORM = 33,
    VBLK_F_RING_PACKED = 34,
    VBLK_F_IN_ORDER = 35,
    VBLK_F_ORDER_PLATFORM = 36,
    VBLK_F_SR_IOV = 37,
    VBLK_F_NOTIFICATION_DATA = 38,
    VBLK_F_NOTIF_CONFIG_DATA = 39,
    VBLK_F_RING_RESET = 40,
    VBLK_F_ADMIN_VQ = 41,
    VBLK_F_DEVICE_CONTEXT = 42,
    VBLK_F_SUSPEND = 43
};

/** Request types (5.2.6). PROVISION's number belongs to the profile. */
enum {
    VBLK_T_IN = 0,
    VBLK_T_OUT = 1,
    VBLK_T_FLUSH = 4,
    VBLK_T_GET_ID = 8,
    VBLK_T_GET_LIFETIME = 10,
    VBLK_T_DISCARD = 11,
    VBLK_T_WRITE_ZEROES = 13,
    VBLK_T_SECURE_ERASE = 14,
    VBLK_T_ZONE_APPEND = 15,
    VBLK_T_ZONE_REPORT = 16,
    VBLK_T_ZONE_OPEN = 18,
    VBLK_T_ZONE_CLOSE = 20,
    VBLK_T_ZONE_FINISH = 22,
    VBLK_T_ZONE_RESET = 24,
    VBLK_T_ZONE_RESET_ALL = 26
};

/** Request status (5.2.6). */
enum {
    VBLK_S_OK = 0,
    VBLK_S_IOERR = 1,
    VBLK_S_UNSUPP = 2,
    VBLK_S_ZONE_INVALID_CMD = 3, /**< from here on: 1.3 and later, zoned devices */
    VBLK_S_ZONE_UNALIGNED_WP = 4,
    VBLK_S_ZONE_OPEN_RESOURCE = 5,
    VBLK_S_ZONE_ACTIVE_RESOURCE = 6
};

/** Flags of a discard, write zeroes, secure erase or provision segment (5.2.6). */
enum { VBLK_SEGMENT_UNMAP = 1 };

/** Split ring descriptor flags (2.7.5) and ring flags (2.7.6, 2.7.8). */
enum { VBLK_DESC_NEXT = 1, VBLK_DESC_WRITE = 2, VBLK_DESC_INDIRECT = 4 };
enum { VBLK_AVAIL_NO_INTERRUPT = 1, VBLK_USED_NO_NOTIFY = 1 };
/** More flags of a packed descriptor (2.8.1), and what an event suppression structure asks for (2.8.10). */
enum { VBLK_DESC_AVAIL = 0x80, VBLK_DESC_USED = 0x8000 };
enum { VBLK_RING_EVENT_ENABLE = 0, VBLK_RING_EVENT_DISABLE = 1, VBLK_RING_EVENT_DESC = 2 };
#define VBLK_RING_EVENT_WRAP 0x8000u /**< the wrap counter in struct vblk_packed_event.desc; the rest is the offset */
#define VBLK_SPLIT_SIZE_MAX 32768u /**< entries of the largest split queue (2.7) */
#define VBLK_PACKED_SIZE_MAX 32768u /**< entries of the largest packed queue (2.8) */
#define VBLK_QUEUES_MAX 65536u     /**< queues that a transport can number */

/** A split descriptor, 16 bytes (2.7.5). */
struct vblk_desc {
    vblk_le64 addr;  /**< offset 0: guest address, bytes */
    vblk_le32 len;   /**< offset 8: bytes */
    vblk_le16 flags; /**< offset 12: VBLK_DESC_* */
    vblk_le16 next;  /**< offset 14: index of the next one, if NEXT */
};
/** An element of the used ring, 8 bytes (2.7.8). */
struct vblk_used_elem {
    vblk_le32 id;  /**< offset 0: index of the chain's head */
    vblk_le32 len; /**< offset 4: bytes written */
};
/** What precedes ring[] in the available and used ring: flags at 0, idx at 2. */
struct vblk_ring_head {
    vblk_le16 flags; /**< offset 0: VBLK_AVAIL_* or VBLK_USED_* */
    vblk_le16 idx;   /**< offset 2: free-running, modulo 65536 */
};

/** A packed descriptor, available or used, 16 bytes (2.8.13). */
struct vblk_packed_desc {
    vblk_le64 addr;  /**< offset 0: guest address, bytes; unused in a used one */
    vblk_le32 len;   /**< offset 8: bytes, of a used one: written */
    vblk_le16 id;    /**< offset 12: the buffer's id */
    vblk_le16 flags; /**< offset 14: VBLK_DESC_* */
};
/** An event suppression structure, 4 bytes (2.8.14). */
struct vblk_packed_event {
    vblk_le16 desc;  /**< offset 0: position in the ring, and VBLK_RING_EVENT_WRAP */
    vblk_le16 flags; /**< offset 2: VBLK_RING_EVENT_*; 14 reserved bits */
};

/** The driver-readable head of every request, 16 bytes (5.2.6). */
struct vblk_request_header {
    vblk_le32 type;     /**< offset 0: VBLK_T_* */
    vblk_le32 reserved; /**< offset 4: ioprio for legacy */
    vblk_le64 sector;   /**< offset 8: 512-byte sectors */
};
/** A range of discard, write zeroes, secure erase and provision, 16 bytes (5.2.6). */
struct vblk_segment {
    vblk_le64 sector;      /**< offset 0: first sector */
    vblk_le32 num_sectors; /**< offset 8: sectors */
    vblk_le32 flags;       /**< offset 12: VBLK_SEGMENT_UNMAP, the rest reserved */
};
/** The answer of GET_LIFETIME, 6 bytes (5.2.6). */
struct vblk_lifetime {
    vblk_le16 pre_eol_info; /**< offset 0 */
    vblk_le16 est_typ_a;    /**< offset 2 */
    vblk_le16 est_typ_b;    /**< offset 4 */
};
#define VBLK_ID_BYTES 20u /**< the answer of GET_ID; NUL-terminated only when shorter (5.2.6) */

/** Device configuration of 1.2, 72 bytes (5.2.4). */
struct vblk_blk_config {
    vblk_le64 capacity;                       /**< offset 0 */
    vblk_le32 size_max;                       /**< offset 8 */
    vblk_le32 seg_max;                        /**< offset 12 */
    vblk_le16 cylinders;                      /**< offset 16 */
    uint8_t heads;                            /**< offset 18 */
    uint8_t sectors;                          /**< offset 19 */
    vblk_le32 blk_size;                       /**< offset 20 */
    uint8_t physical_block_exp;               /**< offset 24 */
    uint8_t alignment_offset;                 /**< offset 25 */
    vblk_le16 min_io_size;                    /**< offset 26 */
    vblk_le32 opt_io_size;                    /**< offset 28 */
    uint8_t writeback;                        /**< offset 32 */
    uint8_t unused0;                          /**< offset 33 */
    vblk_le16 num_queues;                     /**< offset 34 */
    vblk_le32 max_discard_sectors;            /**< offset 36 */
    vblk_le32 max_discard_seg;                /**< offset 40 */
    vblk_le32 discard_sector_alignment;       /**< offset 44 */
    vblk_le32 max_write_zeroes_sectors;       /**< offset 48 */
    vblk_le32 max_write_zeroes_seg;           /**< offset 52 */
    uint8_t write_zeroes_may_unmap;           /**< offset 56 */
    uint8_t unused1[3];                       /**< offset 57 */
    vblk_le32 max_secure_erase_sectors;       /**< offset 60 */
    vblk_le32 max_secure_erase_seg;           /**< offset 64 */
    vblk_le32 secure_erase_sector_alignment;  /**< offset 68 */
};
/** The proposal's part, 8 bytes at the profile's offset (72 as proposed). */
struct vblk_provision_config {
    vblk_le32 max_provision_sectors; /**< offset 0: 512-byte sectors in one segment */
    vblk_le32 max_provision_seg;     /**< offset 4: segments in one request */
};
/** The zoned part of 1.3 and later, 24 bytes at offset 72. */
struct vblk_zoned_config {
    vblk_le32 zone_sectors;       /**< offset 0 */
    vblk_le32 max_open_zones;     /**< offset 4 */
    vblk_le32 max_active_zones;   /**< offset 8 */
    vblk_le32 max_append_sectors; /**< offset 12 */
    vblk_le32 write_granularity;  /**< offset 16 */
    uint8_t model;                /**< offset 20 */
    uint8_t unused2[3];           /**< offset 21 */
};
#define VBLK_CONFIG_MAX 256u /**< bytes of the longest device configuration that is handled */

/** A revision of the text plus the numbers in it. Plain data: copy it, renumber it, pass it on. */
struct vblk_profile {
    char name[24];             /**< "1.2+provision", … */
    uint16_t version;          /**< 0x0102 for virtio 1.2 */
    bool provision;            /**< the proposal is part of it */
    bool zoned;                /**< zoned devices are part of it */
    uint8_t provision_bit;     /**< feature bit; 17 as proposed */
    uint32_t provision_type;   /**< request type; 15 as proposed */
    uint16_t provision_offset; /**< offset of struct vblk_provision_config; 72 as proposed */
    bool provision_seg;        /**< max_provision_seg exists, 4 bytes after provision_offset */
    uint64_t without;          /**< feature bits of the text that this profile does not have, with all that is theirs */
};

/** @return the named profile (static), or NULL. Names: 1.2+provision (default), 1.2, 1.4, 1.4+provision, linux-rfc. */
VBLK_API const struct vblk_profile *vblk_profile_find(const char *name);
VBLK_API const struct vblk_profile *vblk_profile_default(void);
/** @return profile @p i, or NULL past the last. */
VBLK_API const struct vblk_profile *vblk_profile_at(size_t i);
/**
 * Give the proposal other numbers, "BIT,TYPE,OFFSET".
 * @p why receives a sentence when the answer is VBLK_E_INVAL: malformed, out of range, or in collision
 * with a number the profile's text already uses.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_profile_renumber(struct vblk_profile *profile, const char *numbers, char *why,
                                                       size_t why_size);
/**
 * Whether the profile's numbers contradict each other (PROVISION and ZONED under one bit, type or offset).
 * VBLK_OK, or VBLK_E_INVAL with a sentence in @p why.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_profile_check(const struct vblk_profile *profile, char *why, size_t why_size);

/** @return the profile's name of a feature bit, request type or status ("PROVISION"), or NULL if it has none. */
VBLK_API const char *vblk_feature_name(const struct vblk_profile *profile, unsigned bit);
VBLK_API const char *vblk_type_name(const struct vblk_profile *profile, uint32_t type);
VBLK_API const char *vblk_status_name(uint8_t status);
/** @return the number of a name as above (case as in the text), or -1. */
VBLK_API int vblk_feature_find(const struct vblk_profile *profile, const char *name);
VBLK_API int64_t vblk_type_find(const struct vblk_profile *profile, const char *name);

/** One field of the device configuration: where it lies and which feature makes it valid. */
struct vblk_config_field {
    const char *name; /**< as in the text */
    uint16_t offset; /**< bytes */
    uint8_t width;   /**< bytes: 1, 2, 4 or 8 */
    int8_t feature;  /**< feature bit that must be offered, or -1: always valid */
    bool writable;   /**< by the driver, under its feature */
};
/** @return field @p i of the profile's configuration in ascending offset (padding left out), copied to @p out; false past the last. */
VBLK_API bool vblk_config_field_at(const struct vblk_profile *profile, size_t i, struct vblk_config_field *out);
/**
 * @return run @p i of padding bytes between the fields ("unused0"; width is 1..3), copied to @p out; false past the
 * last. A run that the profile's provision fields reach into is left out.
 */
VBLK_API bool vblk_config_padding_at(const struct vblk_profile *profile, size_t i, struct vblk_config_field *out);
/** Find a field by its name in the text ("max_provision_seg"). */
VBLK_API bool vblk_config_field_find(const struct vblk_profile *profile, const char *name,
                                     struct vblk_config_field *out);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_SPEC_H */
