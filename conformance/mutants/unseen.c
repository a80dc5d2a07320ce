/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices with bugs thought up to see whether the suite finds what nobody reported (docs/known-bugs.md); what breaks a clause. */
#include <string.h>

#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define ONE_LIFE "the cases of its area have one queue and one life; the reference driver, which has more, is judged at grade access alone"
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define LIMIT(member) offsetof(struct vblk_device_options, member)
#define ZEROES(run_) .feature = VBLK_F_WRITE_ZEROES, .direction = VBLK_SEGMENTS, .writes = true, .known_flags = 1, \
                     .max_sectors = LIMIT(max_write_zeroes_sectors), .max_seg = LIMIT(max_write_zeroes_seg), .run = (run_)
#define FLUSHES(run_) .feature = VBLK_F_FLUSH, .direction = VBLK_NO_DATA, .run = (run_)

/* ---- where data goes ---- */

/* Each piece of a write begins at the first sector again. */
static uint8_t each_from_start(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint64_t expect = 0, from = 0;
    uint8_t block[VBLK_SECTOR];
    bool ok;

    for (uint64_t i = 0; i < vblk_request_out_len(req) / VBLK_SECTOR; i++, from++) {
        const uint64_t at = vblk_request_address(req, VBLK_SECTOR * i, &ok);

        if (i != 0 && at != expect)
            from = 0;
        expect = at + VBLK_SECTOR;
        if (vblk_request_get(device, req, VBLK_SECTOR * i, block, sizeof(block)) != VBLK_OK ||
            disk->write(disk->ctx, vblk_request_sector(req) + from, block, 1, vblk_device_writes_through(device)) != VBLK_OK)
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}
ROW_OF(each_from_start, VBLK_T_OUT, WRITES(each_from_start))

/* Of the sectors of a write the last one is taken from before it. */
static uint8_t last_again(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    const uint64_t n = vblk_request_out_len(req) / VBLK_SECTOR;
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_OUT);
    uint8_t block[VBLK_SECTOR];

    if (status == VBLK_S_OK && n > 8 && vblk_request_get(device, req, VBLK_SECTOR * (n - 2), block, sizeof(block)) == VBLK_OK)
        (void)!disk->write(disk->ctx, vblk_request_sector(req) + n - 1, block, 1, vblk_device_writes_through(device));
    return status;
}
ROW_OF(last_again, VBLK_T_OUT, WRITES(last_again))

/* What was read last is read again from a cache that not everything makes invalid: [0] sector + 1, [1] its first bytes. */
static uint8_t cache_fills(struct vblk_device *device, struct vblk_request *req)
{
    uint64_t *notes = vblk_device_notes(device);
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_IN);
    uint8_t block[VBLK_SECTOR];

    if (status != VBLK_S_OK || vblk_request_in_len(req) < VBLK_SECTOR)
        return status;
    if (notes[0] == vblk_request_sector(req) + 1)
        return vblk_request_put(device, req, 0, &notes[1], 8) == VBLK_OK ? status : VBLK_S_IOERR;
    notes[0] = vblk_request_sector(req) + 1;
    if (vblk_device_disk(device)->read(vblk_device_disk(device)->ctx, vblk_request_sector(req), block, 1) == VBLK_OK)
        memcpy(&notes[1], block, 8);
    return status;
}
ROW_OF(cache_fills, VBLK_T_IN, READS(cache_fills))

static void cache_emptied(struct vblk_device *device, struct vblk_request *req)
{
    if (vblk_request_type(req) == VBLK_T_OUT)
        vblk_device_notes(device)[0] = 0;
}

static void cache_emptied_by_queue(struct vblk_device *device, struct vblk_request *req)
{
    if (vblk_request_type(req) != VBLK_T_IN && vblk_request_queue(req) == 0)
        vblk_device_notes(device)[0] = 0;
}

/* A reset of the device takes the last write back that was not flushed: [0] sector + 1, [1] bytes of before. */
static uint8_t takes_back(struct vblk_device *device, struct vblk_request *req)
{
    uint64_t *notes = vblk_device_notes(device);
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    if (vblk_request_out_len(req) != 0 && disk->read(disk->ctx, vblk_request_sector(req), block, 1) == VBLK_OK) {
        notes[0] = vblk_request_sector(req) + 1;
        memcpy(&notes[1], block, 8);
    }
    return vblk_reference_run(device, req, VBLK_T_OUT);
}
ROW_OF(takes_back, VBLK_T_OUT, WRITES(takes_back))

static void lost_at_reset(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    if (reg == VBLK_REG_STATUS && value == 0 && notes[0] != 0 && disk->read(disk->ctx, notes[0] - 1, block, 1) == VBLK_OK) {
        memcpy(block, &notes[1], 8);
        (void)!disk->write(disk->ctx, notes[0] - 1, block, 1, false);
        notes[0] = 0;
    }
    vblk_reference_write_reg(device, reg, queue, value);
}

static void settled(struct vblk_device *device, struct vblk_request *req)
{
    if (vblk_request_type(req) == VBLK_T_FLUSH)
        vblk_device_notes(device)[0] = 0;
}

/* ---- ranges ---- */

static uint8_t zeroes_up_to_4(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range range;

    for (uint32_t i = 0; i < vblk_request_segments(req) && i < 4; i++)
        if (vblk_request_segment(device, req, i, &range) && range.count != 0)
            (void)!disk->write_zeroes(disk->ctx, range.sector, range.count, false, vblk_device_writes_through(device));
    return VBLK_S_OK;
}
ROW_OF(zeroes_up_to_4, VBLK_T_WRITE_ZEROES, ZEROES(zeroes_up_to_4))

/* The sum of the segments, from the first one's sector on. */
static uint8_t zeroes_merged(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range range, first = { 0 };

    for (uint32_t i = 0; i < vblk_request_segments(req) && vblk_request_segment(device, req, i, &range); i++) {
        first.sector = i == 0 ? range.sector : first.sector;
        first.count += range.count;
    }
    if (first.count != 0 && vblk_reference_in_range(device, first.sector, first.count))
        (void)!disk->write_zeroes(disk->ctx, first.sector, first.count, false, vblk_device_writes_through(device));
    return VBLK_S_OK;
}
ROW_OF(zeroes_merged, VBLK_T_WRITE_ZEROES, ZEROES(zeroes_merged))

static uint8_t unmap_is_a_hint(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range range = { 0 };

    return vblk_request_segment(device, req, 0, &range) && (range.flags & 1) != 0
               ? VBLK_S_OK
               : vblk_reference_run(device, req, VBLK_T_WRITE_ZEROES);
}
ROW_OF(unmap_is_a_hint, VBLK_T_WRITE_ZEROES, ZEROES(unmap_is_a_hint))

/* No sectors stand for eight. */
static uint8_t nothing_is_some(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range range = { 0 };

    if (vblk_request_type(req) == VBLK_T_DISCARD && vblk_request_segment(device, req, 0, &range) && range.count == 0 &&
        vblk_reference_in_range(device, range.sector, 8))
        (void)!disk->write_zeroes(disk->ctx, range.sector, 8, false, true);
    return vblk_reference_check_segments(device, req, op);
}

/* The flags of the last segment are those of all. */
static uint8_t last_flags_only(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const uint32_t n = vblk_request_segments(req);
    struct vblk_range range = { 0 };

    if (op->direction == VBLK_SEGMENTS && n > 1 && vblk_request_segment(device, req, n - 1, &range) && range.flags == 0)
        return VBLK_S_OK;
    return vblk_reference_check_segments(device, req, op);
}

/* ---- answers ---- */

static void status_before_data(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (vblk_request_elements(req, true) == 1 && vblk_request_in_len(req) != 0)
        (void)!vblk_request_put(device, req, 0, &status, 1);
    else
        vblk_reference_put_status(device, req, status);
}

static uint32_t counts_what_it_read(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    return status != VBLK_S_OK ? written + (uint32_t)vblk_request_out_len(req) : written;
}

static uint32_t counts_16_bits(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device, (void)req, (void)status;
    return written & 0xffff;
}

static uint32_t counts_id_too_long(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device, (void)status;
    return vblk_request_type(req) == VBLK_T_GET_ID ? written + 1 : written;
}

/* ---- queues ---- */

static bool tells_queue_0(const struct vblk_device *device, uint16_t queue, bool owed)
{
    (void)device;
    return queue == 0 && owed;
}

static void first_queue_told(struct vblk_device *device, uint16_t queue)
{
    if (queue != 0)
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, 0);
}

static uint8_t flushes_first_queue(struct vblk_device *device, struct vblk_request *req)
{
    return vblk_request_queue(req) != 0 ? VBLK_S_OK : vblk_reference_run(device, req, VBLK_T_FLUSH);
}
ROW_OF(flushes_first_queue, VBLK_T_FLUSH, FLUSHES(flushes_first_queue))

/* ---- lives ---- */

static void counts_lives(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg == VBLK_REG_STATUS && value == 0)
        vblk_device_notes(device)[7]++;
    vblk_reference_write_reg(device, reg, queue, value);
}

static void tired(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const bool late = vblk_device_notes(device)[7] > 1 && vblk_request_type(req) == mutant_of(device)->value;

    vblk_reference_put_status(device, req, late ? VBLK_S_UNSUPP : status);
}

static uint64_t generation_halved(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)device, (void)queue;
    return reg == VBLK_REG_GENERATION ? honest / 2 : honest;
}

/* ---- configuration ---- */

static void config_in_words(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    (void)device;
    if (offset % 4 != 0 && len == 1)
        buf[0] = 0;
}

static void ones_in_unused(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    (void)device;
    for (uint32_t i = 0; i < len; i++)
        if (offset + i >= 57 && offset + i < 60)
            buf[i] = 0xff;
}

const struct mutant mutants_unseen[] = {
    M("each-piece-from-start", "begins each piece of a write at the first sector", "BLK-OP-09", .behaviour.op = with_each_from_start,
      SAME("PROV-DEV-08") = "a write in pieces follows PROVISION there"),
    M("last-sector-again", "writes the last but one sector of a long write twice", "BLK-OP-09", .behaviour.op = with_last_again),
    M("cache-not-zeroed", "reads from a cache what was zeroed since", "BLK-OP-DEV-11", .behaviour = { .op = with_cache_fills, .after = cache_emptied }),
    M("cache-of-queue", "reads from a cache what another queue changed since", "BLK-OP-09", .behaviour = { .op = with_cache_fills, .after = cache_emptied_by_queue }),
    M("lost-at-reset", "loses what was not flushed when the driver resets it", "BLK-OP-09", .behaviour = { .op = with_takes_back, .write_reg = lost_at_reset, .after = settled }),
    M("four-segments", "zeroes the first four segments", "BLK-OP-DEV-11", .behaviour.op = with_zeroes_up_to_4),
    M("segments-merged", "zeroes as many sectors as all segments have from the first one on", "BLK-OP-DEV-11", .behaviour.op = with_zeroes_merged,
      SAME("BLK-OP-12") = "what is zeroed instead lies beside the segments"),
    M("unmap-a-hint", "leaves data where it zeroes with unmap", "BLK-OP-DEV-11", .behaviour.op = with_unmap_is_a_hint),
    M("discard-none-is-some", "zeroes eight sectors when it discards none", "BLK-OP-09", .met = "blk-discard-wz-erase", .behaviour.check_segments = nothing_is_some),
    M("last-flags-only", "looks at the flags of the last segment alone", "BLK-OP-DEV-08", .behaviour.check_segments = last_flags_only),
    M("status-before-data", "puts the status before the data where both are one element", "BLK-OP-01", .behaviour.put_status = status_before_data),
    M("length-of-refused", "counts what it read in the used length of what it refuses", "VQ-02", .met = "blk-discard-wz-erase", .behaviour.used_length = counts_what_it_read,
      SAME("PROV-REQ-13") = "it is a case of that rule"),
    M("length-16-bits", "counts what it wrote in 16 bits", "RING-SPLIT-16", .met = "blk-discard-wz-erase", .behaviour.used_length = counts_16_bits,
      SAME("RING-PACKED-15") = "each format says it"),
    M("length-of-id", "counts a byte more than an id has", "VQ-02", .behaviour.used_length = counts_id_too_long),
    M("tells-queue-0", "notifies of the first queue whatever queue it is", "NOTIF-USED-DEV-03", .hidden = ONE_LIFE, .behaviour = { .notify = tells_queue_0, .served = first_queue_told },
      SAME("NOTIF-USED-DEV-05", "NOTIF-USED-DEV-06", "NOTIF-PACKED-02", "NOTIF-PACKED-03") = "each format says it, of what is missing and of what is not due"),
    M("flush-of-queue-0", "flushes on the first queue alone", "BLK-OP-DEV-18", .behaviour.op = with_flushes_first_queue, SAME("BLK-OP-DEV-20") = "it is a case of that rule"),
    M("no-writes-later", "knows no writes after the second reset", "BLK-OP-03", .hidden = ONE_LIFE, .behaviour = { .write_reg = counts_lives, .put_status = tired }, .value = VBLK_T_OUT,
      SAME("FRAME-DEV-01") = "where the descriptors are unusual, too, they may be the reason"),
    M("no-erase-later", "knows no SECURE_ERASE after the second reset", "BLK-OP-05", .hidden = ONE_LIFE, .behaviour = { .write_reg = counts_lives, .put_status = tired }, .value = VBLK_T_SECURE_ERASE,
      SAME("FRAME-DEV-01") = "where the descriptors are unusual, too, they may be the reason"),
    M("generation-halved", "has one generation for two changes", "CFG-03", .behaviour.read_reg = generation_halved),
    M("config-in-words", "answers only aligned accesses to its configuration", "BLK-CFG-04", .behaviour.read_config = config_in_words),
    M("unused-ones", "has ones in reserved bytes of its configuration", "BLK-INIT-DEV-05", .behaviour.read_config = ones_in_unused),
    { .name = NULL },
};
