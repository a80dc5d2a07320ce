/* SPDX-License-Identifier: BSD-3-Clause */
/* Discard and write zeroes done wrong. */
#include "mutants.h"

#define ROW(type_, bit, flags, member, run_)                                                                    \
    { .type = (type_), .feature = (bit), .direction = VBLK_SEGMENTS, .unit = 16, .writes = true,                   \
      .known_flags = (flags), .max_sectors = offsetof(struct vblk_device_options, max_##member##_sectors),         \
      .max_seg = offsetof(struct vblk_device_options, max_##member##_seg), .run = (run_) }

static uint8_t discard(struct vblk_device *device, struct vblk_request *req)
{
    return vblk_reference_run(device, req, VBLK_T_DISCARD);
}

static uint8_t leave_data(struct vblk_device *device, struct vblk_request *req)
{
    (void)device;
    (void)req;
    return VBLK_S_OK;
}

static const struct vblk_op discard_takes_unmap = ROW(VBLK_T_DISCARD, VBLK_F_DISCARD, VBLK_SEGMENT_UNMAP, discard, discard);
static const struct vblk_op discard_takes_all = ROW(VBLK_T_DISCARD, VBLK_F_DISCARD, ~(uint32_t)VBLK_SEGMENT_UNMAP, discard,
                                                    discard);
static const struct vblk_op zeroes_leave_data = ROW(VBLK_T_WRITE_ZEROES, VBLK_F_WRITE_ZEROES, VBLK_SEGMENT_UNMAP,
                                                    write_zeroes, leave_data);

#define REPLACE(row_)                                                                                             \
    static const struct vblk_op *with_##row_(const struct vblk_device *device, uint32_t type, const struct vblk_op *row) \
    {                                                                                                              \
        (void)device;                                                                                              \
        return type == row_.type ? &row_ : row;                                                                    \
    }
REPLACE(discard_takes_unmap)
REPLACE(discard_takes_all)
REPLACE(zeroes_leave_data)

const struct mutant mutants_segments[] = {
    { .name = "discard-unmap", .what = "executes DISCARD although unmap is set", .clause = "BLK-OP-DEV-08",
      .behaviour = { .op = with_discard_takes_unmap } },
    { .name = "discard-unknown-flag", .what = "executes DISCARD although a reserved flag is set", .clause = "BLK-OP-DEV-05",
      .behaviour = { .op = with_discard_takes_all } },
    { .name = "zeroes-leave-data", .what = "answers WRITE_ZEROES and leaves the data as it was", .clause = "BLK-OP-DEV-11",
      .behaviour = { .op = with_zeroes_leave_data } },
    { .name = NULL },
};
