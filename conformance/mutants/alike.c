/* SPDX-License-Identifier: BSD-3-Clause */
/* Bugs of the kind that real devices have, and that nobody has reported: numbers cut short, ends missed by one, parts left out. */
#include <string.h>

#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define OF_NOTHING .because = "of a range of no sectors nothing but what was written there is left", .synonyms = { "BLK-OP-09" }
#define SAME(...) .because = EVERYWHERE, .synonyms = { __VA_ARGS__ }
#define EVERYWHERE "what is lost, refused or left unwritten shows wherever it is read, and each case has a clause of its own"
#define RANGES(bit, flags, member, run_)                                                                               \
    .feature = (bit), .direction = VBLK_SEGMENTS, .unit = 16, .writes = true, .known_flags = (flags),                  \
    .max_sectors = offsetof(struct vblk_device_options, max_##member##_sectors),                                       \
    .max_seg = offsetof(struct vblk_device_options, max_##member##_seg), .run = (run_)

/* ---- sectors cut short ---- */

static bool cut_range(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    return vblk_reference_in_range(device, sector & mutant_of(device)->value, count);
}

static uint8_t cut_in(struct vblk_device *device, struct vblk_request *req)
{
    vblk_request_set_sector(req, vblk_request_sector(req) & mutant_of(device)->value);
    return vblk_reference_run(device, req, VBLK_T_IN);
}
ROW_OF(cut_in, VBLK_T_IN, READS(cut_in))

static uint8_t cut_out(struct vblk_device *device, struct vblk_request *req)
{
    vblk_request_set_sector(req, vblk_request_sector(req) & mutant_of(device)->value);
    return vblk_reference_run(device, req, VBLK_T_OUT);
}
ROW_OF(cut_out, VBLK_T_OUT, WRITES(cut_out))

/* ---- lengths cut short: value bytes, or one element ---- */

static uint8_t short_in(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint64_t len = vblk_request_in_len(req);
    uint8_t block[VBLK_SECTOR];

    len = len > mutant_of(device)->value ? mutant_of(device)->value : len;
    for (uint64_t at = 0; at + VBLK_SECTOR <= len; at += VBLK_SECTOR)
        if (disk->read(disk->ctx, vblk_request_sector(req) + at / VBLK_SECTOR, block, 1) != VBLK_OK ||
            vblk_request_put(device, req, at, block, VBLK_SECTOR) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}
ROW_OF(short_in, VBLK_T_IN, READS(short_in))

static uint8_t write_some(struct vblk_device *device, struct vblk_request *req, uint64_t from, uint64_t to)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    for (uint64_t at = from; at + VBLK_SECTOR <= to; at += VBLK_SECTOR)
        if (vblk_request_get(device, req, at, block, VBLK_SECTOR) != VBLK_OK ||
            disk->write(disk->ctx, vblk_request_sector(req) + at / VBLK_SECTOR, block, 1, vblk_device_writes_through(device)) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}

static uint8_t short_out(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t len = vblk_request_out_len(req);

    return write_some(device, req, 0, len > mutant_of(device)->value ? mutant_of(device)->value : len);
}
ROW_OF(short_out, VBLK_T_OUT, WRITES(short_out))

/* The last sector of several stays as it was. */
static uint8_t all_but_last(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t len = vblk_request_out_len(req);

    return write_some(device, req, 0, len > VBLK_SECTOR ? len - VBLK_SECTOR : len);
}
ROW_OF(all_but_last, VBLK_T_OUT, WRITES(all_but_last))

/* ---- ends missed by one ---- */

static bool one_past(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    const uint64_t capacity = vblk_device_options_of(device)->capacity + 1;

    return sector <= capacity && count <= capacity - sector;
}

static bool start_alone(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    (void)count;
    return sector < vblk_device_options_of(device)->capacity;
}

/* What lies there reads as 0x5a. */
static uint8_t one_past_in(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t capacity = vblk_device_options_of(device)->capacity, sector = vblk_request_sector(req);
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    for (uint64_t i = 0; i < vblk_request_in_len(req) / VBLK_SECTOR; i++) {
        memset(block, 0x5a, sizeof(block));
        if ((sector + i < capacity && disk->read(disk->ctx, sector + i, block, 1) != VBLK_OK) ||
            vblk_request_put(device, req, i * VBLK_SECTOR, block, VBLK_SECTOR) != VBLK_OK)
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}
ROW_OF(one_past_in, VBLK_T_IN, READS(one_past_in))

static bool one_short(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    const uint64_t capacity = vblk_device_options_of(device)->capacity;

    return vblk_reference_in_range(device, sector, count) && sector + count < capacity;
}

/* ---- ranges ---- */

static void zero(struct vblk_device *device, uint64_t sector, uint64_t count)
{
    const struct vblk_backend *disk = vblk_device_disk(device);

    if (count != 0 && count <= UINT32_MAX && vblk_reference_in_range(device, sector, count))
        (void)!disk->write_zeroes(disk->ctx, sector, (uint32_t)count, false, true);
}

static uint8_t first_range(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range range;

    if (vblk_request_segment(device, req, 0, &range))
        zero(device, range.sector, range.count);
    return VBLK_S_OK;
}
ROW_OF(first_range, VBLK_T_WRITE_ZEROES, RANGES(VBLK_F_WRITE_ZEROES, VBLK_SEGMENT_UNMAP, write_zeroes, first_range))

static uint8_t ranges_short(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range range;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &range); i++)
        zero(device, range.sector, range.count > 1 ? range.count - 1 : range.count);
    return VBLK_S_OK;
}
ROW_OF(ranges_short, VBLK_T_WRITE_ZEROES, RANGES(VBLK_F_WRITE_ZEROES, VBLK_SEGMENT_UNMAP, write_zeroes, ranges_short))

static uint8_t ranges_narrow(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range range;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &range); i++)
        zero(device, range.sector, range.count & mutant_of(device)->value);
    return VBLK_S_OK;
}
ROW_OF(ranges_narrow, VBLK_T_WRITE_ZEROES, RANGES(VBLK_F_WRITE_ZEROES, VBLK_SEGMENT_UNMAP, write_zeroes, ranges_narrow))

static uint8_t zero_besides(struct vblk_device *device, struct vblk_request *req, bool before)
{
    struct vblk_range range;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &range); i++)
        if (!before || range.sector > 0)
            zero(device, before ? range.sector - 1 : range.sector + range.count, 1);
    return VBLK_S_OK;
}

static uint8_t discard_further(struct vblk_device *device, struct vblk_request *req)
{
    return zero_besides(device, req, false);
}
ROW_OF(discard_further, VBLK_T_DISCARD, RANGES(VBLK_F_DISCARD, 0, discard, discard_further))

static uint8_t discard_before(struct vblk_device *device, struct vblk_request *req)
{
    return zero_besides(device, req, true);
}
ROW_OF(discard_before, VBLK_T_DISCARD, RANGES(VBLK_F_DISCARD, 0, discard, discard_before))

static uint8_t erase_further(struct vblk_device *device, struct vblk_request *req)
{
    return zero_besides(device, req, false);
}
ROW_OF(erase_further, VBLK_T_SECURE_ERASE, RANGES(VBLK_F_SECURE_ERASE, 0, secure_erase, erase_further))

static uint8_t check_first(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    struct vblk_range range;

    (void)op;
    if (!vblk_request_segment(device, req, 0, &range))
        return VBLK_S_IOERR;
    return (range.flags & ~op->known_flags) != 0 ? VBLK_S_UNSUPP
           : vblk_reference_in_range(device, range.sector, range.count) ? VBLK_S_OK : VBLK_S_IOERR;
}

/* ---- what is asked for ---- */

static const struct vblk_op *type_cut(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    const uint32_t cut = type & (uint32_t)mutant_of(device)->value;

    return row != NULL || cut == type ? row : vblk_reference_op(device, cut);
}

static uint8_t id_dirty(struct vblk_device *device, struct vblk_request *req)
{
    const char id[VBLK_ID_BYTES] = { 'i', 'd', 0, 'x', 'y' };

    return vblk_request_put(device, req, 0, id, sizeof(id)) == VBLK_OK ? VBLK_S_OK : VBLK_S_IOERR;
}
ROW_OF(id_dirty, VBLK_T_GET_ID, .feature = -1, .direction = VBLK_TO_DRIVER, .run = id_dirty)

static uint8_t id_other(struct vblk_device *device, struct vblk_request *req)
{
    char id[VBLK_ID_BYTES] = { 'i', 'd' };

    id[2] = (char)('a' + vblk_device_notes(device)[0]++ % 26);
    return vblk_request_put(device, req, 0, id, sizeof(id)) == VBLK_OK ? VBLK_S_OK : VBLK_S_IOERR;
}
ROW_OF(id_other, VBLK_T_GET_ID, .feature = -1, .direction = VBLK_TO_DRIVER, .run = id_other)

static uint8_t id_none(struct vblk_device *device, struct vblk_request *req)
{
    (void)device;
    (void)req;
    return VBLK_S_OK;
}
ROW_OF(id_none, VBLK_T_GET_ID, .feature = -1, .direction = VBLK_TO_DRIVER, .run = id_none)

/* ---- lengths told ---- */

static uint32_t without_status(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)req;
    (void)status;
    return written > 0 ? written - 1 : 0;
}

static uint32_t with_header(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)req;
    (void)status;
    return written + 16;
}

static uint32_t as_sectors(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)req;
    (void)status;
    return written / VBLK_SECTOR;
}

/* ---- configuration ---- */

static void other_mode(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len)
{
    uint8_t byte = *(const uint8_t *)buf ^ 1;

    vblk_reference_write_config(device, offset, len == 1 ? &byte : buf, len);
}

/* Data that is lost. */
#define LOST                                                                                                           \
    SAME("BLK-OP-02", "BLK-OP-06", "BLK-OP-08", "BLK-OP-09", "BLK-OP-12", "BLK-OP-20", "BLK-OP-DEV-11", "BLK-OP-DEV-15", \
         "PROV-DEV-08", "PROV-DEV-11", "RING-SPLIT-16", "RING-PACKED-15")
#define READS_IN(name) .behaviour.op = with_##name
const struct mutant mutants_alike[] = {
    M("read-sector-32-bits", "reads with the lower half of the sector", "SAFE-DEV-05", .behaviour = { .op = with_cut_in, .in_range = cut_range }, .value = UINT32_MAX),
    M("read-sector-48-bits", "reads without the upper 16 bits of the sector", "SAFE-DEV-05", .behaviour = { .op = with_cut_in, .in_range = cut_range }, .value = (UINT64_C(1) << 48) - 1),
    M("write-sector-32-bits", "writes with the lower half of the sector", "BLK-OP-06", LOST, .behaviour = { .op = with_cut_out, .in_range = cut_range }, .value = UINT32_MAX),
    M("sector-20-bits", "reads with 20 bits of the sector", "BLK-OP-09", LOST, .behaviour.op = with_cut_in, .value = (1u << 20) - 1),
    M("reads-64k-at-most", "reads no more than 65024 bytes at a time", "BLK-OP-09", LOST, READS_IN(short_in), .value = 65024),
    M("reads-4k-at-most", "reads no more than 4096 bytes at a time", "BLK-OP-09", LOST, READS_IN(short_in), .value = 4096),
    M("reads-first-sector", "reads one sector of several", "BLK-OP-09", LOST, READS_IN(short_in), .value = 512),
    M("writes-4k-at-most", "writes no more than 4096 bytes at a time", "BLK-OP-09", READS_IN(short_out), .value = 4096),
    M("writes-first-sector", "writes one sector of several", "BLK-OP-09", LOST, READS_IN(short_out), .value = 512),
    M("writes-all-but-last", "leaves the last sector of a write out", "BLK-OP-09", LOST, READS_IN(all_but_last)),
    M("reads-one-past", "answers a read of one sector past the end", "SAFE-DEV-05", .behaviour = { .op = with_one_past_in, .in_range = one_past }),
    M("reads-past-from-within", "answers a read that begins within and ends past the end", "SAFE-DEV-05", .behaviour = { .op = with_one_past_in, .in_range = start_alone }),
    M("range-one-short", "takes the disk to have a sector less", "BLK-OP-08",
      SAME("PROV-DEV-14", "BLK-OP-02", "BLK-OP-06", "BLK-OP-09", "BLK-OP-20", "BLK-OP-12", "BLK-OP-DEV-11"), .behaviour.in_range = one_short),
    M("zeroes-first-segment", "zeroes the first segment alone", "BLK-OP-DEV-11", .behaviour.op = with_first_range),
    M("zeroes-one-less", "leaves the last sector of each segment out", "BLK-OP-DEV-11", .behaviour.op = with_ranges_short),
    M("zeroes-count-8-bits", "takes the number of sectors for 8 bits", "BLK-OP-DEV-11", .behaviour.op = with_ranges_narrow, .value = 0xff),
    M("zeroes-count-2-bits", "takes the number of sectors for 2 bits", "BLK-OP-DEV-11", .behaviour.op = with_ranges_narrow, .value = 3),
    M("discards-one-more", "discards the sector behind each segment, too", "BLK-OP-12", .behaviour.op = with_discard_further, OF_NOTHING),
    M("discards-one-before", "discards the sector before each segment, too", "BLK-OP-12", .behaviour.op = with_discard_before, OF_NOTHING),
    M("erases-one-more", "erases the sector behind each segment, too", "BLK-OP-12", .behaviour.op = with_erase_further, OF_NOTHING),
    M("checks-first-segment", "checks the first segment alone", "BLK-OP-DEV-05", .behaviour.check_segments = check_first),
    M("type-8-bits", "takes the type for 8 bits", "BLK-OP-21", LOST, .behaviour.op = type_cut, .value = 0xff),
    M("type-16-bits", "takes the type for 16 bits", "BLK-OP-21", LOST, .behaviour.op = type_cut, .value = 0xffff),
    M("type-9-bits", "takes the type for 9 bits", "BLK-OP-21", LOST, .behaviour.op = type_cut, .value = 0x1ff),
    M("type-lowest-bit", "goes by the lowest bit of an unknown type", "BLK-OP-21", LOST, .behaviour.op = type_cut, .value = 1),
    M("id-dirty", "has bytes behind the NUL of its id", "BLK-OP-15", .behaviour.op = with_id_dirty),
    M("id-changes", "has another id each time", "BLK-OP-15", .behaviour.op = with_id_other),
    M("id-left-out", "answers GET_ID and writes no id", "BLK-OP-15", LOST, .behaviour.op = with_id_none),
    M("length-without-status", "does not count the status byte", "RING-SPLIT-16", .behaviour.used_length = without_status),
    M("length-with-header", "counts the header", "VQ-02", SAME("RING-SPLIT-DEV-06"), .behaviour.used_length = with_header),
    M("length-in-sectors", "counts sectors", "RING-SPLIT-16", .behaviour.used_length = as_sectors),
    M("mode-inverted", "takes 0 in writeback for writeback", "BLK-INIT-05", .behaviour.write_config = other_mode),
    M("generation-stuck", "has one generation only", "CFG-03", .behaviour.read_reg = show_reg, .value = VBLK_REG_GENERATION, .other = 0),
    M("num-queues-65535", "shows num_queues 65535", "BLK-VQ-02", .behaviour.read_config = show_value, .field = "num_queues", .value = 65535),
    M("flush-fails", "answers FLUSH with IOERR", "BLK-OP-DEV-18", SAME("BLK-OP-DEV-15", "BLK-OP-DEV-20"), .behaviour.put_status = status_of_type, .value = VBLK_T_FLUSH, .other = VBLK_S_IOERR),
    M("write-fails", "answers writes with IOERR, though done", "BLK-OP-09",
      SAME("PROV-DEV-08", "BLK-OP-02", "BLK-OP-03", "BLK-OP-06", "BLK-OP-08", "BLK-OP-20", "FRAME-DEV-01", "BLK-OP-DRV-14", "BLK-OP-DEV-11", "RING-SPLIT-DEV-01"), .behaviour.put_status = status_of_type, .value = VBLK_T_OUT, .other = VBLK_S_IOERR),
    M("write-unsupp", "answers writes with UNSUPP", "BLK-OP-03", SAME("BLK-OP-20"), .behaviour.put_status = status_of_type, .value = VBLK_T_OUT, .other = VBLK_S_UNSUPP),
    M("discard-unsupp", "answers DISCARD with UNSUPP", "BLK-OP-04", .behaviour.put_status = status_of_type, .value = VBLK_T_DISCARD, .other = VBLK_S_UNSUPP),
    { .name = NULL },
};
