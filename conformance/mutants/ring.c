/* SPDX-License-Identifier: BSD-3-Clause */
/* The used ring and buffers done wrong. */
#include "mutants.h"

static uint32_t longer(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)req;
    (void)status;
    return written + 1;
}

/* Store outside what the request allows; the range is guest memory or the store simply fails. */
static void poke_as_device(struct vblk_device *device, uint64_t gpa, const void *bytes, size_t len)
{
    (void)!vblk_memory_write(vblk_device_memory(device), VBLK_DEVICE, gpa, bytes, len);
}

static uint32_t all_though_failed(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                                  uint32_t written)
{
    (void)device;
    return status == VBLK_S_IOERR ? (uint32_t)vblk_request_in_len(req) + 1 : written;
}

/* One byte past the last writable one, at the moment the status is written. */
static void byte_beyond(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    bool ok;
    uint64_t at = vblk_request_address(req, vblk_request_in_len(req), &ok);
    vblk_reference_put_status(device, req, status);
    if (ok)
        poke_as_device(device, at + 1, "\x5a", 1);
}

const struct mutant mutants_ring[] = {
    { .name = "used-length-too-large", .what = "reports one byte more than it wrote", .clause = "VQ-02",
      .because = "one byte of it was not written",
      .synonyms = { "RING-SPLIT-DEV-06" },
      .behaviour = { .used_length = longer } },
    { .name = "used-length-of-nothing", .what = "reports all that was writable although it failed",
      .clause = "RING-SPLIT-DEV-06",
      .because = "the rows of each format; and a batch may skip what counts as written whole",
      .synonyms = { "INORD-01", "INORD-06", "RING-PACKED-14", "RING-PACKED-15", "VQ-02" },
      .behaviour = { .used_length = all_though_failed } },
    { .name = "index-before-element", .what = "publishes the used index before the element", .clause = "RING-SPLIT-DEV-05",
      .ring = "used-idx-first" },
    { .name = "byte-beyond-buffer", .what = "stores one byte past a writable buffer", .clause = "SAFE-DEV-01",
      .behaviour = { .put_status = byte_beyond } },
    { .name = NULL },
};
