/* SPDX-License-Identifier: BSD-3-Clause */
/* What each request costs of framing: a header in one buffer and a status byte that ends the last one are the rule. */
#ifndef VBLK_DEVICE_FRAME_H
#define VBLK_DEVICE_FRAME_H

#include "blk.h"
#include "fast.h"

/* A chain was put into a request: it is another one now. */
static inline void blk_request_init(struct vblk_request *req, uint16_t queue)
{
    req->queue = queue;
    req->done = (struct progress){ 0 };
}

/* Fetch the header. @return false: malformed. */
static inline bool blk_request_header(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_chain *chain = &req->chain;

    /* 2.7.5: a chain has no more than 2^32 bytes. */
    if (unlikely((chain->readable_bytes | chain->writable_bytes) > UINT32_MAX || !chain->writable_bytes))
        return blk_no_header(req);
    if (unlikely(chain->n > device->chain_most))
        return blk_no_header(req);
    if (unlikely(!chain->readable || chain->bufs[0].len < sizeof req->header))
        return blk_fetch_header(device, req);
    if (fast_read(device->mem, VBLK_DEVICE, chain->bufs[0].gpa, &req->header, sizeof req->header))
        return blk_no_header(req);
    return true;
}

/* Store the last writable byte, of at least one. @return false: it is not in the last buffer. */
static inline bool blk_request_put_last(struct vblk_device *device, struct vblk_request *req, uint8_t byte)
{
    const struct vblk_element *last = &req->chain.bufs[req->chain.n - 1];

    if (unlikely(!last->len))
        return false;
    if (!fast_write(device->mem, VBLK_DEVICE, last->gpa + last->len - 1, &byte, 1)) {
        req->done.wrote = true;
        req->done.written += req->done.written == req->chain.writable_bytes - 1;
    }
    return true;
}

/* Gates, direction, unit, range, then run. @return the status. */
static inline uint8_t blk_execute(struct vblk_device *device, struct vblk_request *req,
                                  const struct vblk_behaviour *behaviour)
{
    const uint32_t type = vblk_get32(req->header.type);

    if (unlikely(type >= OP_TYPES || behaviour->op))
        return blk_execute_row(device, req, blk_op_of(device, req));
    return device->bare[type] ? device->bare[type](device, req) : blk_execute_row(device, req, device->granted[type]);
}

#endif
