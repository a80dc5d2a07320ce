/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads and writes done wrong, and answers. */
#include <string.h>

#include "mutants.h"

static bool anything_goes(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    /* still short of what would overflow: that is another mutant's fault */
    (void)device;
    return sector < (uint64_t)1 << 54 && count < (uint64_t)1 << 32;
}

/* What lies behind the disk in the device's own memory. */
static uint8_t read_anything(struct vblk_device *device, struct vblk_request *req)
{
    uint64_t len = vblk_request_in_len(req);
    uint8_t block[VBLK_SECTOR];

    if (vblk_reference_in_range(device, vblk_request_sector(req), len / VBLK_SECTOR))
        return vblk_reference_run(device, req, VBLK_T_IN);
    memset(block, 0xd1, sizeof(block));
    for (uint64_t at = 0; at + VBLK_SECTOR <= len; at += VBLK_SECTOR)
        if (vblk_request_put(device, req, at, block, VBLK_SECTOR) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}

static bool multiplied_first(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    uint64_t from = sector * VBLK_SECTOR; /* the wrap is the point */
    return vblk_reference_in_range(device, from / VBLK_SECTOR, count);
}

static void no_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    (void)device;
    (void)req;
    (void)status;
}

static void read_wrapped(struct vblk_request *req)
{
    vblk_request_set_sector(req, vblk_request_sector(req) * VBLK_SECTOR / VBLK_SECTOR);
}

static uint8_t read_at_wrapped(struct vblk_device *device, struct vblk_request *req)
{
    read_wrapped(req);
    return vblk_reference_run(device, req, VBLK_T_IN);
}

static uint8_t write_with_neighbour(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint64_t after = vblk_request_sector(req) + vblk_request_out_len(req) / VBLK_SECTOR;
    uint8_t block[VBLK_SECTOR];

    if (vblk_reference_in_range(device, after, 1) && disk->read(disk->ctx, after, block, 1) == VBLK_OK) {
        block[0] ^= 0xff;
        if (disk->write(disk->ctx, after, block, 1, true) != VBLK_OK)
            return VBLK_S_IOERR;
    }
    return vblk_reference_run(device, req, VBLK_T_OUT);
}

static const struct vblk_op wrapped_in = { .type = VBLK_T_IN, .feature = -1, .direction = VBLK_TO_DRIVER, .unit = 512,
                                           .run = read_at_wrapped };
static const struct vblk_op any_in = { .type = VBLK_T_IN, .feature = -1, .direction = VBLK_TO_DRIVER, .unit = 512,
                                       .run = read_anything };
static const struct vblk_op neighbour_out = { .type = VBLK_T_OUT, .feature = -1, .direction = VBLK_FROM_DRIVER,
                                              .unit = 512, .writes = true, .run = write_with_neighbour };

static const struct vblk_op *with_wrapped_in(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    (void)device;
    return type == VBLK_T_IN ? &wrapped_in : row;
}

static const struct vblk_op *with_any_in(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    (void)device;
    return type == VBLK_T_IN ? &any_in : row;
}

static const struct vblk_op *with_neighbour_out(const struct vblk_device *device, uint32_t type,
                                                const struct vblk_op *row)
{
    (void)device;
    return type == VBLK_T_OUT ? &neighbour_out : row;
}

const struct mutant mutants_request[] = {
    { .name = "read-past-capacity", .what = "answers OK to a read past capacity", .clause = "SAFE-DEV-05",
      .behaviour = { .in_range = anything_goes, .op = with_any_in } },
    { .name = "sector-times-512-wraps", .what = "multiplies the sector by 512 before it looks at the range", .clause = "BLK-OP-06",
      .behaviour = { .in_range = multiplied_first, .op = with_wrapped_in } },
    { .name = "status-unwritten", .what = "leaves the status byte as it was", .clause = "BLK-OP-01",
      .because = "a status that was there before is taken for the answer where stores are not seen",
      .synonyms = { "BLK-OP-03", "RING-PACKED-15", "RING-SPLIT-16" },
      .behaviour = { .put_status = no_status } },
    { .name = "neighbour-sector", .what = "changes the sector after the one it writes", .clause = "BLK-OP-09",
      .behaviour = { .op = with_neighbour_out } },
    { .name = NULL },
};
