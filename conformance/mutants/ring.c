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

/* Publishes the index, then writes the element. */
static void index_first(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    struct vblk_queue_layout at;
    struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };
    vblk_le16 idx;

    if (vblk_device_queue(device, queue, &at) != VBLK_OK ||
        vblk_memory_peek(vblk_device_memory(device), at.device + 2, &idx, sizeof(idx)) != VBLK_OK)
        return;
    uint16_t old = vblk_get16(idx);
    (void)!vblk_memory_store16(vblk_device_memory(device), VBLK_DEVICE, at.device + 2, VBLK_RELEASE,
                               (uint16_t)(old + 1));
    poke_as_device(device, at.device + 4 + 8u * (uint64_t)(old & (at.size - 1u)), &elem, sizeof(elem));
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
    { .name = "used-length-too-large", .what = "reports one byte more than it wrote", .clause = "RING-SPLIT-DEV-06",
      .synonyms = { "VQ-02", "PROV-REQ-13" },
      .behaviour = { .used_length = longer } },
    { .name = "index-before-element", .what = "publishes the used index before the element", .clause = "RING-SPLIT-DEV-05",
      .behaviour = { .put_used = index_first } },
    { .name = "byte-beyond-buffer", .what = "stores one byte past a writable buffer", .clause = "SAFE-DEV-01",
      .synonyms = { "SAFE-DEV-02" /* where the next byte was writable in a buffer that is back */ },
      .behaviour = { .put_status = byte_beyond } },
    { .name = NULL },
};
