/* SPDX-License-Identifier: BSD-3-Clause */
/* What is rare about answers: kept records, statuses at odd places, batches; and what behaviours call. */
#include "answer.h"

uint16_t blk_number_of(const struct vblk_device *device, const struct queue *q)
{
    return (uint16_t)(q - device->queues);
}

void blk_fault(struct vblk_device *device, struct queue *q)
{
    q->stopped = true;
    blk_fail(device);
}

void blk_tell(const struct vblk_device *device, enum vblk_buffer_step step, const struct queue *q, uint16_t id,
              uint16_t slot, uint16_t slots)
{
    const struct vblk_buffer_news news = { (uint8_t)step, blk_number_of(device, q), id, slot, slots };

    device->buffer(device->buffer_ctx, &news);
}

vblk_err blk_answer_told(struct vblk_device *device, struct queue *q, uint16_t id, uint32_t len)
{
    vblk_err err = q->ring.ops->put_used_wrote(&q->ring, id, len, device->wrote || len);

    if (err == VBLK_OK) {
        blk_tell(device, VBLK_BUFFER_ANSWERED, q, id, 0, 0);
        err = q->ring.ops->publish_used(&q->ring);
    }
    if (err == VBLK_OK)
        blk_tell(device, VBLK_BUFFER_SHOWN, q, id, 0, 0);
    return err;
}

/* If there is no byte at the end of the last buffer, there is one before it. Gone meanwhile: nobody reads it. */
void vblk_reference_put_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (!req->chain.writable_bytes || !blk_request_put_last(device, req, status))
        (void)!vblk_request_put(device, req, vblk_request_in_len(req), &status, 1);
}

void vblk_reference_put_used(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    static const struct vblk_behaviour nothing = { .name = NULL };
    struct queue *q = queue < device->num_queues ? &device->queues[queue] : NULL;

    if (q)
        put_used(device, q, id, len, (struct manner){ &nothing, true, device->buffer != NULL, false });
}

/* 2.7.9, 2.8.9: of a batch only the last one is answered, and the others count as written to the end. */
bool blk_pass(const struct vblk_device *device, struct queue *q, const struct vblk_request *req, uint32_t len)
{
    const struct vblk_behaviour *b = device->behaviour;

    q->passing = !b->put_used && !b->reorder && blk_accepted(device, VBLK_F_IN_ORDER) &&
                 len == req->chain.writable_bytes;
    q->passed_id = req->chain.id;
    q->passed_len = len;
    return q->passing;
}

void blk_end_batch(struct vblk_device *device, struct queue *q)
{
    if (!q->passing)
        return;
    q->passing = false;
    device->wrote = q->passed_len != 0;
    put_used(device, q, q->passed_id, q->passed_len, blk_manner(device, false));
}
