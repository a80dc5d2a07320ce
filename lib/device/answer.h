/* SPDX-License-Identifier: BSD-3-Clause */
/* From a request that was taken to its answer. */
#ifndef VBLK_DEVICE_ANSWER_H
#define VBLK_DEVICE_ANSWER_H

#include "frame.h"

/*
 * How requests are served. What serves them is compiled for each manner: with the usual one, of which everything is known
 * when compiling, nobody looks whether something was replaced.
 */
struct manner {
    const struct vblk_behaviour *behaviour;
    bool replaced; /* by functions that may do anything, such as to reset the queue */
    bool told;     /* somebody keeps a record of buffers */
    bool batch;    /* many requests are answered, those of one queue in a row */
};
#define EACH_MANNER static inline __attribute__((always_inline))

static inline struct manner blk_manner(const struct vblk_device *device, bool batch)
{
    return (struct manner){ device->behaviour, true, device->buffer != NULL, batch };
}

/* answer.c */
uint16_t blk_number_of(const struct vblk_device *device, const struct queue *q);
/* The ring makes no sense: this queue stops until a reset. */
void blk_fault(struct vblk_device *device, struct queue *q);
/* Tell who keeps a record of buffers, and answer in steps that it can be kept of. */
void blk_tell(const struct vblk_device *device, enum vblk_buffer_step step, const struct queue *q, uint16_t id,
              uint16_t slot, uint16_t slots);
vblk_err blk_answer_told(struct vblk_device *device, struct queue *q, uint16_t id, uint32_t len);
/* IN_ORDER, in a batch: whether the answer may be left to that of a later request, or to blk_end_batch(). */
bool blk_pass(const struct vblk_device *device, struct queue *q, const struct vblk_request *req, uint32_t len);
/* The answer of the last one of a batch that nothing came after. */
void blk_end_batch(struct vblk_device *device, struct queue *q);

EACH_MANNER void put_used(struct vblk_device *device, struct queue *q, uint16_t id, uint32_t len, struct manner how)
{
    vblk_err err = VBLK_OK;

    q->completed = true;
    if (how.behaviour->put_used)
        how.behaviour->put_used(device, blk_number_of(device, q), id, len);
    else if (how.replaced && !q->enabled)
        return;
    else if (how.told)
        err = blk_answer_told(device, q, id, len);
    else
        err = q->ring.ops->answer(&q->ring, id, len, device->wrote || len);
    if (unlikely(err))
        blk_fault(device, q);
}

/*
 * The length is honest: what was written from the first writable byte on without a gap. So a read that fails before any
 * data was written reports 0, although the status byte behind the data was written (AMB-14).
 */
EACH_MANNER void finish(struct vblk_device *device, struct queue *q, struct vblk_request *req, uint8_t status,
                        struct manner how)
{
    const struct vblk_behaviour *b = how.behaviour;
    uint32_t len;

    if (likely(req->chain.writable_bytes)) {
        if (b->put_status)
            b->put_status(device, req, status);
        else if (unlikely(!blk_request_put_last(device, req, status)))
            vblk_reference_put_status(device, req, status);
    }
    len = (uint32_t)req->done.written; /* nothing but a status is written to a buffer of 2^32 bytes */
    if (b->used_length)
        len = b->used_length(device, req, status, len);
    device->wrote = req->done.wrote;
    if (!how.batch || !blk_pass(device, q, req, len))
        put_used(device, q, req->chain.id, len, how);
    if (b->after)
        b->after(device, req);
}

/*
 * Without a whole header nobody knows what is asked for, without a status byte nobody can be told: no effect, and IOERR
 * where there is a byte for it (AMB-15). Under the other reading, to which a segment that is cut short counts as well,
 * the queue stops instead: @return false.
 */
EACH_MANNER bool handle(struct vblk_device *device, struct queue *q, struct vblk_request *req, struct manner how)
{
    const bool whole = blk_request_header(device, req);

    if (likely(whole && !(device->malformed_resets && blk_cut_short(device, req)))) {
        finish(device, q, req, blk_execute(device, req, how.behaviour), how);
        return true;
    }
    if (device->malformed_resets) {
        blk_end_batch(device, q);
        blk_fault(device, q);
        return false;
    }
    finish(device, q, req, VBLK_S_IOERR, how);
    return true;
}

#endif
