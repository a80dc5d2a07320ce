/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of what lies in a buffer: status, data, and stores that come too late or go astray. */
#include "blk.h"
#include "faults.h"

static void some_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    vblk_reference_put_status(device, req, fault_due(device) ? (uint8_t)fault_value(device, 0) : status);
}

static void no_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (!fault_due(device))
        vblk_reference_put_status(device, req, status);
}

/* Note 2: the status that is still to be written, and that there is one. */
#define LATE 2
#define THERE_IS 0x100u

static void keep_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    vblk_device_notes(device)[LATE] = 0;
    if (fault_due(device))
        vblk_device_notes(device)[LATE] = status | THERE_IS;
    else
        vblk_reference_put_status(device, req, status);
}

static void write_status_late(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t kept = vblk_device_notes(device)[LATE];

    if (kept & THERE_IS)
        vblk_reference_put_status(device, req, (uint8_t)kept);
}

static uint32_t as_if_written(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                              uint32_t written)
{
    (void)device;
    return status == VBLK_S_OK ? (uint32_t)vblk_request_in_len(req) + 1 : written;
}

/* Turn the bits of one writable byte round. */
static void flip(struct vblk_device *device, struct vblk_request *req, uint64_t offset)
{
    bool ok;
    const uint64_t gpa = vblk_request_address(req, offset, &ok);
    uint8_t byte;

    if (!ok || vblk_memory_peek(device->mem, gpa, &byte, 1))
        return;
    byte = (uint8_t)~byte;
    (void)!vblk_memory_write(device->mem, VBLK_DEVICE, gpa, &byte, 1);
}

static uint64_t inside(const struct vblk_request *req, uint64_t offset)
{
    return offset <= vblk_request_in_len(req) ? offset : vblk_request_in_len(req);
}

static void flip_late(struct vblk_device *device, struct vblk_request *req)
{
    if (fault_due(device))
        flip(device, req, inside(req, fault_value(device, 0)));
}

static void flip_data(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (status == VBLK_S_OK && vblk_request_in_len(req) && fault_due(device))
        flip(device, req, fault_value(device, 0) % vblk_request_in_len(req));
    vblk_reference_put_status(device, req, status);
}

/* Behind the last writable byte. */
static void stray(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const uint8_t byte = (uint8_t)fault_value(device, 1);
    bool ok;
    const uint64_t gpa = vblk_request_address(req, vblk_request_in_len(req), &ok);

    vblk_reference_put_status(device, req, status);
    if (ok && fault_due(device))
        (void)!vblk_memory_write(device->mem, VBLK_DEVICE, gpa + fault_value(device, 0), &byte, 1);
}

static uint8_t run_nothing(struct vblk_device *device, struct vblk_request *req)
{
    (void)device;
    (void)req;
    return VBLK_S_OK;
}

/* Writes are acknowledged and forgotten. */
static const struct vblk_op *forget_writes(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op forgotten = { .type = VBLK_T_OUT, .feature = -1, .direction = VBLK_FROM_DRIVER,
                                              .unit = VBLK_SECTOR, .writes = true, .run = run_nothing };

    return type == VBLK_T_OUT && fault_due(device) ? &forgotten : row;
}

const struct fault_row faults_data[] = {
    { .info = { "status", "Answers with one status whatever was done: 0 OK, 1 IOERR, 2 UNSUPP, 3 and above unknown.",
                "value=3", true },
      .option = { { "value", 3, UINT8_MAX, NULL } }, .behaviour = { .put_status = some_status } },
    { .info = { "no-status", "Leaves the status byte as the driver left it.", "", true },
      .behaviour = { .put_status = no_status } },
    { .info = { "late-status", "Writes the status byte after it has answered.", "", true },
      .behaviour = { .put_status = keep_status, .after = write_status_late, .used_length = as_if_written } },
    { .info = { "late-flip", "Changes a byte of the buffer after the driver could have read it.", "offset=0", true },
      .option = { { "offset", 0, UINT32_MAX, NULL } }, .behaviour = { .after = flip_late } },
    { .info = { "wrong-data", "Changes a byte of what was read before it answers OK.", "offset=0", true },
      .option = { { "offset", 0, UINT32_MAX, NULL } }, .behaviour = { .put_status = flip_data } },
    { .info = { "lost-write", "Answers OK to a write and forgets it.", "", true }, .behaviour = { .op = forget_writes } },
    { .info = { "stray-store", "Stores a byte outside the buffer, so many bytes past its end.", "by=1,byte=0x5a", true },
      .option = { { "by", 1, UINT32_MAX, NULL }, { "byte", 0x5a, UINT8_MAX, NULL } }, .behaviour = { .put_status = stray } },
    { .info = { .name = NULL } },
};
