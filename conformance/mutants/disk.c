/* SPDX-License-Identifier: BSD-3-Clause */
/* What is on the disk, and stays there: data, neighbours, power that fails, a disk that is read-only. */
#include <string.h>

#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }
#define LIFETIME_BE .value = 0x0100 | (uint64_t)0x0200 << 16 | (uint64_t)0x0100 << 32


/* ---- reads ---- */

/* A disk that nobody changed reads as something else each time. Notes: how often; that it was changed. */
static void note_changes(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    vblk_device_notes(device)[1] |= vblk_request_type(req) != VBLK_T_IN;
    vblk_reference_put_status(device, req, status);
}

static uint8_t unsteady(struct vblk_device *device, struct vblk_request *req)
{
    uint8_t *count = (uint8_t *)vblk_device_notes(device), byte = 0;
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_IN);

    if (status != VBLK_S_OK || vblk_request_in_len(req) == 0 || vblk_device_notes(device)[1] != 0)
        return status;
    byte = ++*count;
    return vblk_request_put(device, req, 0, &byte, 1) == VBLK_OK ? VBLK_S_OK : VBLK_S_IOERR;
}
ROW_OF(unsteady, VBLK_T_IN, READS(unsteady))

static uint8_t natural_reads(struct vblk_device *device, struct vblk_request *req)
{
    return vblk_request_elements(req, true) > 2 || vblk_request_elements(req, false) > 1
               ? VBLK_S_IOERR
               : vblk_reference_run(device, req, VBLK_T_IN);
}
ROW_OF(natural_reads, VBLK_T_IN, READS(natural_reads))

/* Sectors go into the buffer last to first. */
static uint8_t backwards(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    const uint64_t sectors = vblk_request_in_len(req) / VBLK_SECTOR;
    uint8_t block[VBLK_SECTOR];

    for (uint64_t i = 0; i < sectors; i++)
        if (disk->read(disk->ctx, vblk_request_sector(req) + sectors - 1 - i, block, 1) != VBLK_OK ||
            vblk_request_put(device, req, i * VBLK_SECTOR, block, VBLK_SECTOR) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}
ROW_OF(backwards, VBLK_T_IN, READS(backwards))

/* ---- writes ---- */

static uint8_t put_all(struct vblk_device *device, struct vblk_request *req, uint8_t flip, bool stable)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    for (uint64_t i = 0; i < vblk_request_out_len(req) / VBLK_SECTOR; i++) {
        if (vblk_request_get(device, req, i * VBLK_SECTOR, block, VBLK_SECTOR) != VBLK_OK)
            return VBLK_S_IOERR;
        for (unsigned n = 0; n < VBLK_SECTOR; n++)
            block[n] ^= flip;
        if (disk->write(disk->ctx, vblk_request_sector(req) + i, block, 1, stable) != VBLK_OK)
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}

static bool accepted(const struct vblk_device *device, unsigned bit)
{
    return (vblk_device_accepted(device) & VBLK_BIT(bit)) != 0;
}

static uint8_t never_stable(struct vblk_device *device, struct vblk_request *req)
{
    return put_all(device, req, 0, false);
}
ROW_OF(never_stable, VBLK_T_OUT, WRITES(never_stable))

static uint8_t volatile_by_default(struct vblk_device *device, struct vblk_request *req)
{
    const bool neither = !accepted(device, VBLK_F_FLUSH) && !accepted(device, VBLK_F_CONFIG_WCE);

    return put_all(device, req, 0, !neither && vblk_device_writes_through(device));
}
ROW_OF(volatile_by_default, VBLK_T_OUT, WRITES(volatile_by_default))

static uint8_t no_writethrough(struct vblk_device *device, struct vblk_request *req)
{
    return put_all(device, req, 0, !accepted(device, VBLK_F_CONFIG_WCE) && vblk_device_writes_through(device));
}
ROW_OF(no_writethrough, VBLK_T_OUT, WRITES(no_writethrough))

/* What power leaves behind was never written. */
static uint8_t torn(struct vblk_device *device, struct vblk_request *req)
{
    const uint8_t status = vblk_device_writes_through(device) ? VBLK_S_OK : put_all(device, req, 0x5a, true);

    return status != VBLK_S_OK ? status : put_all(device, req, 0, vblk_device_writes_through(device));
}
ROW_OF(torn, VBLK_T_OUT, WRITES(torn))

/* ---- read-only ---- */

static bool read_only(const struct vblk_device *device)
{
    return (vblk_device_options_of(device)->features & VBLK_BIT(VBLK_F_RO)) != 0;
}

static uint8_t written_though_refused(struct vblk_device *device, struct vblk_request *req)
{
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_OUT);

    return read_only(device) ? VBLK_S_IOERR : status;
}
ROW_OF(written_though_refused, VBLK_T_OUT, .feature = -1, .direction = VBLK_FROM_DRIVER, .unit = VBLK_SECTOR, .run = written_though_refused)
static uint8_t no_zeroes_if_read_only(struct vblk_device *device, struct vblk_request *req)
{
    return read_only(device) ? VBLK_S_OK : vblk_reference_run(device, req, VBLK_T_WRITE_ZEROES);
}
ROW_OF(zeroes_read_only, VBLK_T_WRITE_ZEROES, .feature = VBLK_F_WRITE_ZEROES, .direction = VBLK_SEGMENTS, .unit = 16,
     .known_flags = VBLK_SEGMENT_UNMAP, .run = no_zeroes_if_read_only)

static void unsupported_write(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const bool ours = read_only(device) && vblk_request_type(req) == VBLK_T_OUT && status == VBLK_S_IOERR;

    vblk_reference_put_status(device, req, ours ? VBLK_S_UNSUPP : status);
}

/* ---- segments ---- */

static uint8_t one_more_zeroed(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_WRITE_ZEROES);
    static const uint8_t zeroes[VBLK_SECTOR];
    struct vblk_range r;

    for (uint32_t i = 0; status == VBLK_S_OK && vblk_request_segment(device, req, i, &r); i++)
        if (r.count > 0 && vblk_reference_in_range(device, r.sector + r.count, 1) &&
            disk->write(disk->ctx, r.sector + r.count, zeroes, 1, true) != VBLK_OK)
            return VBLK_S_IOERR;
    return status;
}
static const struct vblk_op one_more = { .type = VBLK_T_WRITE_ZEROES, .feature = VBLK_F_WRITE_ZEROES,
                                         .direction = VBLK_SEGMENTS, .unit = 16, .writes = true,
                                         .known_flags = VBLK_SEGMENT_UNMAP,
                                         .max_sectors = offsetof(struct vblk_device_options, max_write_zeroes_sectors),
                                         .max_seg = offsetof(struct vblk_device_options, max_write_zeroes_seg),
                                         .run = one_more_zeroed };
static const struct vblk_op *with_one_more(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    (void)device;
    return type == VBLK_T_WRITE_ZEROES ? &one_more : row;
}

static uint8_t unmap_unknown(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const uint8_t status = vblk_reference_check_segments(device, req, op);

    return op->type == VBLK_T_WRITE_ZEROES && status == VBLK_S_OK && vblk_request_segment_flags(req) != 0
               ? VBLK_S_UNSUPP
               : status;
}

/* The limit of the type in @value counts blocks. */
static uint8_t limit_in_blocks(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct vblk_device_options *options = vblk_device_options_of(device);
    const uint8_t status = vblk_reference_check_segments(device, req, op);
    uint32_t limit = UINT32_MAX;
    struct vblk_range r;

    if (op->type != mutant_of(device)->value || op->max_sectors == 0 || options->blk_size <= VBLK_SECTOR)
        return status;
    memcpy(&limit, (const char *)options + op->max_sectors, sizeof(limit));
    for (uint32_t i = 0; status == VBLK_S_OK && vblk_request_segment(device, req, i, &r); i++)
        if (r.count > limit / (options->blk_size / VBLK_SECTOR))
            return VBLK_S_UNSUPP;
    return status;
}
#define SCALES(type_) .behaviour.check_segments = limit_in_blocks, .value = (type_)

static uint8_t big_endian_lifetime(struct vblk_device *device, struct vblk_request *req)
{
    static const uint8_t answer[] = { 0, 1, 0, 2, 0, 1 };

    return vblk_request_in_len(req) >= sizeof(answer) &&
                   vblk_request_put(device, req, 0, answer, sizeof(answer)) == VBLK_OK
               ? VBLK_S_OK
               : VBLK_S_IOERR;
}
ROW_OF(big_endian_lifetime, VBLK_T_GET_LIFETIME, .feature = VBLK_F_LIFETIME, .direction = VBLK_TO_DRIVER, .run = big_endian_lifetime)

/* ---- how much was written ---- */

static uint32_t shorter(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)req;
    (void)status;
    return written > 1 ? written - 1 : written;
}

/* What failed counts as read, and others after it answer for it. */
static uint32_t read_all_the_same(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                                  uint32_t written)
{
    const bool behind = vblk_request_sector(req) >= vblk_device_options_of(device)->capacity;

    return vblk_request_type(req) == VBLK_T_IN && status == VBLK_S_IOERR && behind && vblk_request_in_len(req) > 0
               ? (uint32_t)vblk_request_in_len(req) + 1
               : written;
}

const struct mutant mutants_disk[] = {
    M("unsteady", "reads other bytes each time where nobody wrote", "BLK-OP-08", SAME("after power failed that is the row of it", "BLK-OP-DEV-15"), .behaviour = { .op = with_unsteady, .put_status = note_changes }),
    M("natural-reads", "refuses reads that are cut into more descriptors than it expects", "FRAME-DEV-01", SAME("a case of that row cuts a read into many", "BLK-OP-08"), .behaviour.op = with_natural_reads),
    M("backwards", "fills the buffers of a read last sector first", "RING-PACKED-DEV-08", SAME("the bytes are not those of the sector", "BLK-OP-09"), .behaviour.op = with_backwards),
    M("table-backwards", "fills the entries of a packed table last sector first", "RING-IND-05", SAME("the bytes are not those of the sector", "BLK-OP-09"), .behaviour.op = with_backwards),
    M("never-stable", "keeps what it writes in a cache, whatever was agreed", "BLK-OP-DEV-20", SAME("the cases of this rule have rows of their own", "BLK-OP-DEV-16", "BLK-OP-DEV-17"), .behaviour.op = with_never_stable),
    M("volatile-without-flush", "keeps what it writes in a cache that nobody can flush", "BLK-OP-DEV-16", SAME("it is a case of that rule", "BLK-OP-DEV-20"), .behaviour.op = with_volatile_by_default),
    M("no-writethrough", "keeps what it writes in a cache although writeback is 0", "BLK-OP-DEV-17", SAME("it is a case of that rule", "BLK-OP-DEV-20"), .behaviour.op = with_no_writethrough),
    M("torn", "leaves bytes that nobody wrote when power fails", "BLK-OP-DEV-15", .behaviour.op = with_torn),
    M("written-though-refused", "writes, and answers IOERR because it is read-only", "BLK-OP-DEV-04", .behaviour.op = with_written_though_refused),
    M("read-only-unsupported", "answers UNSUPP to a write because it is read-only", "BLK-OP-DEV-03", .behaviour.put_status = unsupported_write),
    M("zeroes-read-only", "answers OK to write zeroes although it is read-only", "BLK-INIT-03", .met = "blk-request", .behaviour.op = with_zeroes_read_only),
    M("zeroes-one-more", "zeroes the sector behind each segment, too", "BLK-OP-12", SAME("the neighbour may have been written", "BLK-OP-09"), .behaviour.op = with_one_more),
    M("zeroes-unmap-unknown", "answers UNSUPP to write zeroes with unmap", "BLK-OP-14", SAME("the type is known, and the flag with it", "BLK-OP-04"), .behaviour.check_segments = unmap_unknown),
    M("discard-in-blocks", "takes max_discard_sectors for blocks", "BLK-CFG-14", SAME("a well-formed request is refused as unknown", "BLK-OP-04"), SCALES(VBLK_T_DISCARD)),
    M("zeroes-in-blocks", "takes max_write_zeroes_sectors for blocks", "BLK-CFG-15", SAME("a well-formed request is refused as unknown", "BLK-OP-04"), SCALES(VBLK_T_WRITE_ZEROES)),
    M("erase-in-blocks", "takes max_secure_erase_sectors for blocks", "BLK-CFG-16", SAME("a well-formed request is refused as unknown", "BLK-OP-05"), SCALES(VBLK_T_SECURE_ERASE)),
    M("lifetime-big-endian", "answers with lifetimes most significant byte first", "BLK-OP-16", .behaviour.op = with_big_endian_lifetime),
    M("used-length-short", "reports a byte less than it wrote", "RING-SPLIT-16", SAME("a packed ring has a row of its own", "RING-PACKED-15"), .behaviour.used_length = shorter),
    M("packed-used-length-short", "reports a byte less than it wrote into a packed ring", "RING-PACKED-15", SAME("a split ring has a row of its own", "RING-SPLIT-16"), .behaviour.used_length = shorter),
    M("failed-read-skipped", "lets a batch answer for a read that failed", "INORD-01", SAME("a packed ring has a row of its own", "INORD-06"), .behaviour.used_length = read_all_the_same),
    { .name = NULL },
};
