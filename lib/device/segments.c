/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments of DISCARD, WRITE_ZEROES, SECURE_ERASE and PROVISION (5.2.6): fetched once, judged before any is run. */
#include <string.h>

#include "blk.h"

/* All segments are looked at, since a flag in any of them decides; those that a limit can allow are kept. */
vblk_err blk_fetch_segments(struct vblk_device *device, struct vblk_request *req)
{
    const uint32_t total = (uint32_t)(vblk_request_out_len(req) / sizeof(struct vblk_segment));
    const uint32_t batch = SCRATCH_BYTES / sizeof(struct vblk_segment);

    req->done.segments = total;
    req->done.segment_flags = 0;
    for (uint32_t done = 0; done < total;) {
        const uint32_t n = total - done < batch ? total - done : batch;
        const uint64_t offset = (uint64_t)done * sizeof(struct vblk_segment);
        vblk_err err =
            vblk_request_get(device, req, offset, device->scratch, n * (uint32_t)sizeof(struct vblk_segment));

        if (err)
            return err;
        for (uint32_t i = 0; i < n; i++, done++) {
            struct vblk_segment segment;

            memcpy(&segment, device->scratch + i * sizeof segment, sizeof segment);
            req->done.segment_flags |= vblk_get32(segment.flags);
            if (done < device->segment_room) {
                device->segment[done].sector = vblk_get64(segment.sector);
                device->segment[done].count = vblk_get32(segment.num_sectors);
                device->segment[done].flags = vblk_get32(segment.flags);
            }
        }
    }
    return VBLK_OK;
}

bool vblk_request_segment(const struct vblk_device *device, const struct vblk_request *req, uint32_t i,
                          struct vblk_range *out)
{
    if (i >= req->done.segments || i >= device->segment_room)
        return false;
    *out = device->segment[i];
    return true;
}

static uint32_t limit(const struct vblk_device *device, uint16_t at)
{
    uint32_t value = UINT32_MAX;

    if (at)
        memcpy(&value, (const uint8_t *)&device->options + at, sizeof value);
    return value;
}

/*
 * UNSUPP comes first: of all answers to a request with several faults it alone rests on a MUST. The other faults are
 * the driver's, hence IOERR. A segment of no sectors names nothing, wherever it lies.
 */
uint8_t vblk_reference_check_segments(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const uint32_t most = limit(device, op->max_seg), longest = limit(device, op->max_sectors);

    if (req->done.segment_flags & ~op->known_flags)
        return VBLK_S_UNSUPP;
    if (req->done.segment_flags & op->fault_flags || vblk_request_out_len(req) % sizeof(struct vblk_segment))
        return VBLK_S_IOERR;
    if (!req->done.segments || req->done.segments > most || req->done.segments > device->segment_room)
        return VBLK_S_IOERR;
    for (uint32_t i = 0; i < req->done.segments; i++) {
        const struct vblk_range *range = &device->segment[i];

        if (range->count && (range->count > longest || !blk_in_range(device, range->sector, range->count)))
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}
