/* SPDX-License-Identifier: BSD-3-Clause */
/* PROVISION done wrong. */
#include <string.h>

#include "mutants.h"

#define PROVISION_ROW(flags, segs, run_)                                                                        \
    { .type = 15, .feature = 17, .direction = VBLK_SEGMENTS, .unit = 16, .writes = true, .known_flags = (flags),  \
      .max_sectors = offsetof(struct vblk_device_options, max_provision_sectors), .max_seg = (segs), .run = (run_) }
#define SEG_LIMIT offsetof(struct vblk_device_options, max_provision_seg)

static uint8_t provision(struct vblk_device *device, struct vblk_request *req)
{
    return vblk_reference_run(device, req, 15);
}

/* Apply a disk operation of another kind to each segment. */
static uint8_t each_segment(struct vblk_device *device, struct vblk_request *req,
                            vblk_err (*apply)(const struct vblk_backend *disk, uint64_t sector, uint32_t count))
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range r;
    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        if (r.count > 0 && apply(disk, r.sector, r.count) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}

static vblk_err apply_zeroes(const struct vblk_backend *disk, uint64_t sector, uint32_t count)
{
    return disk->write_zeroes(disk->ctx, sector, count, true, true);
}

static vblk_err apply_discard(const struct vblk_backend *disk, uint64_t sector, uint32_t count)
{
    return disk->discard(disk->ctx, sector, count);
}

static vblk_err apply_pattern(const struct vblk_backend *disk, uint64_t sector, uint32_t count)
{
    uint8_t block[VBLK_SECTOR];
    memset(block, 0xee, sizeof(block));
    for (uint32_t i = 0; i < count; i++)
        if (disk->write(disk->ctx, sector + i, block, 1, true) != VBLK_OK)
            return VBLK_E_IO;
    return VBLK_OK;
}

static uint8_t zero_range(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, apply_zeroes);
}

static uint8_t deallocate_range(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, apply_discard);
}

/* One segment too many is where the scratch area of a careless device ends. */
static uint8_t spill_when_too_many(struct vblk_device *device, struct vblk_request *req)
{
    if (vblk_request_segments(req) <= vblk_device_options_of(device)->max_provision_seg)
        return provision(device, req);
    return each_segment(device, req, apply_pattern);
}

/* Segments in units of blk_size, zeroed so that the difference can be read. */
static vblk_err apply_nothing(const struct vblk_backend *disk, uint64_t sector, uint32_t count)
{
    (void)disk;
    (void)sector;
    (void)count;
    return VBLK_OK;
}

static uint8_t in_blocks(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct vblk_device_options *opt = vblk_device_options_of(device);
    uint64_t scale = opt->blk_size / VBLK_SECTOR;
    struct vblk_range r;

    if (op->type != 15 || vblk_request_segment_flags(req) != 0)
        return vblk_reference_check_segments(device, req, op);
    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        if (r.sector * scale > opt->capacity || r.count * scale > opt->capacity - r.sector * scale ||
            r.count * scale > opt->max_provision_sectors)
            return VBLK_S_IOERR;
    return vblk_reference_check_segments(device, req, op);
}

static uint8_t accept_only(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, apply_nothing);
}

static const struct vblk_op any_flag = PROVISION_ROW(~0u, SEG_LIMIT, accept_only);
static const struct vblk_op zeroing = PROVISION_ROW(0, SEG_LIMIT, zero_range);
static const struct vblk_op deallocating = PROVISION_ROW(0, SEG_LIMIT, deallocate_range);
static const struct vblk_op spilling = PROVISION_ROW(0, 0, spill_when_too_many);

#define REPLACE(name_, row_)                                                                        \
    static const struct vblk_op *name_(const struct vblk_device *device, uint32_t type, const struct vblk_op *row) \
    {                                                                                               \
        (void)device;                                                                               \
        return type == 15 ? &(row_) : row;                                                           \
    }
REPLACE(with_any_flag, any_flag)
REPLACE(with_zeroing, zeroing)
REPLACE(with_deallocating, deallocating)
REPLACE(with_spilling, spilling)

/* The unmap flag makes it deallocate; without the flag it is lawful. */
static uint8_t unmap_is_discard(struct vblk_device *device, struct vblk_request *req)
{
    return (vblk_request_segment_flags(req) & VBLK_SEGMENT_UNMAP) != 0 ? deallocate_range(device, req)
                                                                       : provision(device, req);
}
static const struct vblk_op unmapping = PROVISION_ROW(VBLK_SEGMENT_UNMAP, SEG_LIMIT, unmap_is_discard);
REPLACE(with_unmapping, unmapping)

const struct mutant mutants_provision[] = {
    { .name = "provision-unknown-flag", .what = "executes PROVISION although a reserved flag is set", .clause = "PROV-DEV-01",
      .because = "bit 24 is one of the reserved bits",
      .synonyms = { "PROV-REQ-08" },
      .behaviour = { .op = with_any_flag } },
    { .name = "provision-in-blocks", .what = "takes the sectors of PROVISION for units of blk_size", .clause = "PROV-CFG-05",
      .behaviour = { .check_segments = in_blocks } },
    { .name = "provision-too-many-segments", .what = "writes data for PROVISION of more than max_provision_seg segments", .clause = "PROV-DEV-08",
      .because = "it runs what the limit forbids",
      .synonyms = { "PROV-DEV-18" },
      .behaviour = { .op = with_spilling } },
    { .name = "provision-zeroes", .what = "zeroes the range of PROVISION", .clause = "PROV-DEV-08",
      .because = "it looks as if another request had been executed",
      .synonyms = { "PROV-DEV-11" },
      .behaviour = { .op = with_zeroing } },
    { .name = "provision-deallocates", .what = "deallocates the range of PROVISION", .clause = "PROV-DEV-08",
      .because = "it looks as if another request had been executed",
      .synonyms = { "PROV-DEV-11" },
      .behaviour = { .op = with_deallocating } },
    { .name = "provision-unmap-deallocates", .what = "deallocates the range when unmap is set in a PROVISION segment", .clause = "PROV-DEV-06",
      .because = "it runs what it is to refuse",
      .synonyms = { "PROV-DEV-05" },
      .behaviour = { .op = with_unmapping } },
    { .name = NULL },
};
