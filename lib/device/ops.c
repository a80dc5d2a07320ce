/* SPDX-License-Identifier: BSD-3-Clause */
/* The request types (5.2.6), one row each; gates are judged in one place, then run() does the work. */
#include <stddef.h>
#include <string.h>

#include "blk.h"

static uint8_t status_of(vblk_err err)
{
    return err ? VBLK_S_IOERR : VBLK_S_OK;
}

/* Bytes of the disk to copy from: in place where the backend can show them, else through the scratch buffer. */
static vblk_err disk_view(struct vblk_device *device, uint64_t sector, uint32_t *count, const void **bytes)
{
    const struct vblk_backend *disk = &device->disk;

    if (disk->view)
        return disk->view(disk->ctx, sector, count, bytes);
    if (*count > SCRATCH_BYTES / VBLK_SECTOR)
        *count = SCRATCH_BYTES / VBLK_SECTOR;
    *bytes = device->scratch;
    return disk->read(disk->ctx, sector, device->scratch, *count);
}

static uint8_t run_in(struct vblk_device *device, struct vblk_request *req)
{
    uint32_t left = (uint32_t)(vblk_request_in_len(req) / VBLK_SECTOR);
    uint64_t sector = vblk_request_sector(req), offset = 0;

    while (left) {
        uint32_t here = left;
        const void *bytes;
        vblk_err err = disk_view(device, sector, &here, &bytes);

        if (!err)
            err = vblk_request_put(device, req, offset, bytes, here * VBLK_SECTOR);
        if (err)
            return VBLK_S_IOERR;
        sector += here;
        offset += (uint64_t)here * VBLK_SECTOR;
        left -= here;
    }
    return VBLK_S_OK;
}

/* From the request to the disk, at least a sector; *count says how many it was. */
static vblk_err disk_fill(struct vblk_device *device, struct vblk_request *req, uint64_t offset, uint64_t sector,
                          uint32_t *count)
{
    const struct vblk_backend *disk = &device->disk;
    bool stable = vblk_device_writes_through(device);
    void *bytes = device->scratch;
    vblk_err err = VBLK_OK;

    if (disk->place)
        err = disk->place(disk->ctx, sector, count, stable, &bytes);
    else if (*count > SCRATCH_BYTES / VBLK_SECTOR)
        *count = SCRATCH_BYTES / VBLK_SECTOR;
    if (err)
        return err;
    err = vblk_request_get(device, req, offset, bytes, *count * VBLK_SECTOR);
    if (err)
        memset(bytes, 0, (size_t)*count * VBLK_SECTOR); /* what lay there before belongs to nobody */
    else if (!disk->place)
        err = disk->write(disk->ctx, sector, bytes, *count, stable);
    return err;
}

static uint8_t run_out(struct vblk_device *device, struct vblk_request *req)
{
    uint32_t left = (uint32_t)(vblk_request_out_len(req) / VBLK_SECTOR);
    uint64_t sector = vblk_request_sector(req), offset = 0;

    while (left) {
        uint32_t here = left;

        if (disk_fill(device, req, offset, sector, &here))
            return VBLK_S_IOERR;
        sector += here;
        offset += (uint64_t)here * VBLK_SECTOR;
        left -= here;
    }
    return VBLK_S_OK;
}

static uint8_t run_flush(struct vblk_device *device, struct vblk_request *req)
{
    (void)req;
    return status_of(device->disk.flush(device->disk.ctx));
}

/* The text asks the driver for 20 bytes; another length is its error (AMB-19). */
static uint8_t run_get_id(struct vblk_device *device, struct vblk_request *req)
{
    if (vblk_request_in_len(req) != VBLK_ID_BYTES)
        return VBLK_S_IOERR;
    return status_of(vblk_request_put(device, req, 0, device->options.serial, VBLK_ID_BYTES));
}

static uint8_t run_get_lifetime(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_lifetime answer = {
        .pre_eol_info = vblk_put16(device->options.pre_eol_info),
        .est_typ_a = vblk_put16(device->options.est_typ_a),
        .est_typ_b = vblk_put16(device->options.est_typ_b),
    };

    if (vblk_request_in_len(req) < sizeof answer)
        return VBLK_S_IOERR;
    return status_of(vblk_request_put(device, req, 0, &answer, sizeof answer));
}

typedef vblk_err (*range_fn)(struct vblk_device *device, const struct vblk_range *range);

/* In order, until one fails; what came before it has happened. */
static uint8_t each_segment(struct vblk_device *device, struct vblk_request *req, range_fn run)
{
    struct vblk_range range;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &range); i++) {
        if (range.count && run(device, &range))
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}

static vblk_err discard(struct vblk_device *device, const struct vblk_range *range)
{
    return device->disk.discard(device->disk.ctx, range->sector, range->count);
}

static uint8_t run_discard(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, discard);
}

static vblk_err write_zeroes(struct vblk_device *device, const struct vblk_range *range)
{
    bool may_unmap = (range->flags & VBLK_SEGMENT_UNMAP) && device->options.write_zeroes_may_unmap;

    return device->disk.write_zeroes(device->disk.ctx, range->sector, range->count, may_unmap,
                                     vblk_device_writes_through(device));
}

static uint8_t run_write_zeroes(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, write_zeroes);
}

static vblk_err secure_erase(struct vblk_device *device, const struct vblk_range *range)
{
    return device->disk.secure_erase(device->disk.ctx, range->sector, range->count);
}

static uint8_t run_secure_erase(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, secure_erase);
}

static vblk_err provision(struct vblk_device *device, const struct vblk_range *range)
{
    return device->disk.provision ? device->disk.provision(device->disk.ctx, range->sector, range->count) : VBLK_OK;
}

static uint8_t run_provision(struct vblk_device *device, struct vblk_request *req)
{
    return each_segment(device, req, provision);
}

#define LIMITS(name)                                                                                                   \
    .max_sectors = offsetof(struct vblk_device_options, max_##name##_sectors),                                         \
    .max_seg = offsetof(struct vblk_device_options, max_##name##_seg)

/* clang-format off */
static const struct vblk_op ops[] = {
    [VBLK_T_IN] = { .type = VBLK_T_IN,  .feature = -1, .direction = VBLK_TO_DRIVER,   .unit = VBLK_SECTOR, .run = run_in },
    [VBLK_T_OUT] = { .type = VBLK_T_OUT, .feature = -1, .direction = VBLK_FROM_DRIVER, .unit = VBLK_SECTOR, .writes = true,
      .run = run_out },
    [VBLK_T_FLUSH] = { .type = VBLK_T_FLUSH,        .feature = VBLK_F_FLUSH,    .direction = VBLK_NO_DATA,   .run = run_flush },
    [VBLK_T_GET_ID] = { .type = VBLK_T_GET_ID,       .feature = -1,              .direction = VBLK_TO_DRIVER, .run = run_get_id },
    [VBLK_T_GET_LIFETIME] = { .type = VBLK_T_GET_LIFETIME, .feature = VBLK_F_LIFETIME, .direction = VBLK_TO_DRIVER, .run = run_get_lifetime },
    [VBLK_T_DISCARD] = { .type = VBLK_T_DISCARD,      .feature = VBLK_F_DISCARD,      .direction = VBLK_SEGMENTS, .writes = true,
      LIMITS(discard), .run = run_discard },
    [VBLK_T_WRITE_ZEROES] = { .type = VBLK_T_WRITE_ZEROES, .feature = VBLK_F_WRITE_ZEROES, .direction = VBLK_SEGMENTS, .writes = true,
      .known_flags = VBLK_SEGMENT_UNMAP, LIMITS(write_zeroes), .run = run_write_zeroes },
};
/* The rows that depend on the profile and on readings. */
static const struct vblk_op secure_erase_op = {
    .type = VBLK_T_SECURE_ERASE, .feature = VBLK_F_SECURE_ERASE, .direction = VBLK_SEGMENTS, .writes = true,
    LIMITS(secure_erase), .run = run_secure_erase
};
static const struct vblk_op provision_op = {
    .direction = VBLK_SEGMENTS, .writes = true, LIMITS(provision), .run = run_provision
};
/* clang-format on */

/* AMB-02 and AMB-16: unmap is unknown here, or known and ignored, or a fault of the driver. */
static void read_unmap(const struct vblk_device *device, const char *ambiguity, struct vblk_op *op)
{
    int i = vblk_ambiguity_find(ambiguity);
    unsigned reading = i < 0 ? 0 : device->options.readings.chosen[i];

    op->known_flags = reading ? VBLK_SEGMENT_UNMAP : 0;
    op->fault_flags = reading == 2 ? VBLK_SEGMENT_UNMAP : 0;
}

/* A type and a bit that the profile gives to PROVISION mean nothing else in it. */
static const struct vblk_op *find_op(const struct vblk_device *device, uint32_t type)
{
    const struct vblk_profile *profile = &device->options.profile;

    if (profile->provision && type == profile->provision_type)
        return &device->provision;
    if (type < sizeof ops / sizeof ops[0] && ops[type].run)
        return ops[type].feature >= 0 && profile->without >> ops[type].feature & 1 ? NULL : &ops[type];
    return type == VBLK_T_SECURE_ERASE ? &device->secure_erase : NULL;
}

void blk_ops_init(struct vblk_device *device)
{
    const struct vblk_profile *profile = &device->options.profile;
    int framing = vblk_ambiguity_find("AMB-15");

    device->secure_erase = secure_erase_op;
    read_unmap(device, "AMB-16", &device->secure_erase);
    device->provision = provision_op;
    device->provision.type = profile->provision_type;
    device->provision.feature = (int8_t)profile->provision_bit;
    if (!profile->provision_seg)
        device->provision.max_seg = 0;
    read_unmap(device, "AMB-02", &device->provision);
    device->malformed_resets = framing >= 0 && device->options.readings.chosen[framing] == 1;
    for (uint32_t type = 0; type < OP_TYPES; type++)
        device->op[type] = find_op(device, type);
}

static bool granted(const struct vblk_device *device, const struct vblk_op *op)
{
    return op && (op->feature < 0 || blk_accepted(device, (unsigned)op->feature));
}

void blk_ops_grant(struct vblk_device *device)
{
    for (uint32_t type = 0; type < OP_TYPES; type++) {
        const struct vblk_op *op = granted(device, device->op[type]) ? device->op[type] : NULL;

        device->granted[type] = op;
        device->bare[type] = op && op->direction == VBLK_NO_DATA && !op->unit && !op->writes ? op->run : NULL;
    }
}

const struct vblk_op *vblk_reference_op(const struct vblk_device *device, uint32_t type)
{
    return type < OP_TYPES ? device->op[type] : find_op(device, type);
}

uint8_t vblk_reference_run(struct vblk_device *device, struct vblk_request *req, uint32_t type)
{
    const struct vblk_op *op = vblk_reference_op(device, type);

    return op ? op->run(device, req) : VBLK_S_UNSUPP;
}

/* Neither sum nor product: sector + count may wrap, sector * 512 too. */
bool vblk_reference_in_range(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    return count <= device->options.capacity && sector <= device->options.capacity - count;
}

bool blk_in_range(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    const struct vblk_behaviour *b = device->behaviour;

    return b->in_range ? b->in_range(device, sector, count) : vblk_reference_in_range(device, sector, count);
}

static uint8_t check_segments(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct vblk_behaviour *b = device->behaviour;

    if (blk_fetch_segments(device, req))
        return VBLK_S_IOERR;
    return b->check_segments ? b->check_segments(device, req, op) : vblk_reference_check_segments(device, req, op);
}

static uint8_t check_data(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    uint64_t len;
    bool good = true;

    len = op->direction == VBLK_TO_DRIVER ? vblk_request_in_len(req) : vblk_request_out_len(req);
    if (op->unit == VBLK_SECTOR)
        good = len % VBLK_SECTOR == 0 && blk_in_range(device, vblk_request_sector(req), len / VBLK_SECTOR);
    else if (op->unit)
        good = len % op->unit == 0;
    return good ? VBLK_S_OK : VBLK_S_IOERR;
}

const struct vblk_op *blk_op_of(const struct vblk_device *device, const struct vblk_request *req)
{
    const uint32_t type = vblk_request_type(req);
    const struct vblk_op *op = vblk_reference_op(device, type), *other = NULL;

    if (device->behaviour->op)
        other = device->behaviour->op(device, type, op);
    op = other ? other : op;
    return granted(device, op) ? op : NULL;
}

bool blk_cut_short(const struct vblk_device *device, const struct vblk_request *req)
{
    const struct vblk_op *op = blk_op_of(device, req);

    return op && op->direction == VBLK_SEGMENTS && vblk_request_out_len(req) % sizeof(struct vblk_segment);
}

uint8_t blk_execute_row(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    uint8_t status;

    if (!op)
        return VBLK_S_UNSUPP;
    status = op->direction == VBLK_SEGMENTS ? check_segments(device, req, op) : check_data(device, req, op);

    if (!status && op->writes && blk_offers(device, VBLK_F_RO))
        status = VBLK_S_IOERR; /* 5.2.6.2: where RO is offered, accepted or not */
    return status ? status : op->run(device, req);
}
