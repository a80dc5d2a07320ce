/* SPDX-License-Identifier: BSD-3-Clause */
/* What each request costs of framing: a header in one buffer and a status byte that ends the last one are the rule. */
#ifndef VBLK_DEVICE_FRAME_H
#define VBLK_DEVICE_FRAME_H

#include "blk.h"
#include "fast.h"

/* Split a chain into the parts of a request; reads nothing. */
static inline void blk_request_init(struct vblk_request *req, uint16_t queue, const struct vblk_chain *chain)
{
    req->queue = queue;
    req->id = chain->id;
    req->out = (struct part){ chain->bufs, chain->readable, chain->readable_bytes, { 0, 0 } };
    req->in = (struct part){ chain->bufs + chain->readable, chain->n - chain->readable, chain->writable_bytes, { 0, 0 } };
    req->type = req->segments = req->segment_flags = 0;
    req->sector = req->written = 0;
    req->wrote = false;
}

/* Fetch the header. @return false: malformed. */
static inline bool blk_request_header(struct vblk_device *device, struct vblk_request *req)
{
    const struct part *out = &req->out, *in = &req->in;
    struct vblk_request_header header;

    /* 2.7.5: a chain has no more than 2^32 bytes. */
    if (unlikely((out->bytes | in->bytes) > UINT32_MAX || !in->bytes))
        return false;
    if (unlikely(out->n + in->n > device->options.chain_max) && device->options.chain_max)
        return false;
    if (unlikely(!out->n || out->bufs[0].len < sizeof header)) {
        if (!blk_fetch_header(device, req, &header))
            return false;
    } else if (fast_read(device->mem, VBLK_DEVICE, out->bufs[0].gpa, &header, sizeof header)) {
        return false;
    }
    req->type = vblk_get32(header.type);
    req->sector = vblk_get64(header.sector);
    return true;
}

/* Store the last writable byte, of at least one. @return false: it is not in the last buffer. */
static inline bool blk_request_put_last(struct vblk_device *device, struct vblk_request *req, uint8_t byte)
{
    const struct vblk_element *last = &req->in.bufs[req->in.n - 1];

    if (unlikely(!last->len))
        return false;
    if (!fast_write(device->mem, VBLK_DEVICE, last->gpa + last->len - 1, &byte, 1)) {
        req->wrote = true;
        req->written += req->written == req->in.bytes - 1;
    }
    return true;
}

#endif
