/* SPDX-License-Identifier: BSD-3-Clause */
/* From the available ring to the used ring. */
#include <string.h>

#include "answer.h"

/* The queue if it may be touched now: 2.1.2, and 5.2.2 without MQ. */
static struct queue *live(struct vblk_device *device, uint16_t queue)
{
    struct queue *q = queue < device->num_queues ? &device->queues[queue] : NULL;

    if (!q || !q->enabled || q->stopped)
        return NULL;
    if (!(device->status & VBLK_STATUS_DRIVER_OK) || device->status & VBLK_STATUS_FAILED)
        return NULL;
    return queue == 0 || blk_accepted(device, VBLK_F_MQ) ? q : NULL;
}

/* @return false: nothing there, or (*faulty) nothing that can be served. */
static inline bool take(struct queue *q, struct vblk_chain *chain, bool *faulty)
{
    vblk_err err = q->ring.ops->take(&q->ring, chain);

    q->taken += !err;
    if (likely(!err && !chain->fault))
        return true;
    *faulty = err != VBLK_E_EMPTY;
    return false;
}

/* One that is taken again is nothing new. */
static __attribute__((noinline)) bool take_told(const struct vblk_device *device, struct queue *q,
                                                struct vblk_chain *chain, bool *faulty)
{
    const struct vblk_packed_pos at = q->ring.packed.avail;
    const uint16_t next = q->ring.split.avail_next;
    const bool packed = blk_accepted(device, VBLK_F_RING_PACKED);

    if (!take(q, chain, faulty))
        return false;
    if (packed && (q->ring.packed.avail.slot != at.slot || q->ring.packed.avail.wrap != at.wrap))
        blk_tell(device, VBLK_BUFFER_TAKEN, q, chain->id, at.slot, q->ring.packed.slots[chain->id]);
    else if (!packed && q->ring.split.avail_next != next)
        blk_tell(device, VBLK_BUFFER_TAKEN, q, chain->id, chain->id, 1);
    return true;
}

static void notify(struct vblk_device *device, uint16_t queue)
{
    const struct vblk_behaviour *b = device->behaviour;
    struct queue *q = &device->queues[queue];
    bool owed = false;

    if (b->served)
        b->served(device, queue);
    if (!q->completed)
        return;
    q->completed = false;
    if (!q->enabled || q->ring.ops->notify_wanted(&q->ring, &owed))
        return;
    if (b->notify)
        owed = b->notify(device, queue, owed);
    if (owed && device->notify)
        device->notify(device->notify_ctx, VBLK_EV_USED_NOTIFY, queue);
}

/* Keep a request for later: the ring's copy of its buffers lasts only until the next take. */
static void keep(struct vblk_device *device, uint16_t queue, const struct vblk_chain *chain)
{
    struct vblk_request *req = &device->held[device->held_count++];
    struct vblk_element *bufs = device->held_bufs + device->held_bufs_used;

    memcpy(bufs, chain->bufs, chain->n * sizeof *bufs);
    device->held_bufs_used += chain->n;
    req->chain = *chain;
    req->chain.bufs = bufs;
    blk_request_init(req, queue);
}

/* @return whether the ring turned out to make no sense, after what was kept. */
static bool keep_all(struct vblk_device *device, uint16_t queue, struct queue *q)
{
    struct vblk_chain chain;
    const bool told = device->buffer != NULL;
    bool faulty = false;

    q->waiting = true;
    for (uint32_t n = 0; n < q->size; n++) {
        if (device->held_count == HELD_MAX || device->held_bufs_room - device->held_bufs_used < q->ring.chain_max)
            return false;
        if (!(told ? take_told(device, q, &chain, &faulty) : take(q, &chain, &faulty)))
            break;
        keep(device, queue, &chain);
    }
    q->waiting = false;
    return faulty;
}

static bool reversed(const struct vblk_device *device)
{
    return device->behaviour->reorder || (device->reverse && !blk_accepted(device, VBLK_F_IN_ORDER));
}

static uint32_t complete_held(struct vblk_device *device)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < device->held_count; i++) {
        struct vblk_request *req = &device->held[reversed(device) ? device->held_count - 1 - i : i];
        struct queue *q = live(device, req->queue);

        if (q && handle(device, q, req, blk_manner(device, true)))
            done++;
    }
    device->held_count = 0;
    device->held_bufs_used = 0;
    for (uint32_t i = 0; i < device->num_queues; i++) {
        blk_end_batch(device, &device->queues[i]);
        notify(device, (uint16_t)i);
    }
    return done;
}

static uint32_t serve_held(struct vblk_device *device, uint16_t queue, struct queue *q)
{
    uint32_t done = 0;
    bool faulty;

    do {
        faulty = keep_all(device, queue, q);
        done += device->hold ? 0 : complete_held(device);
    } while (!device->hold && q->waiting && done < q->size);
    if (faulty)
        blk_fault(device, q);
    return done;
}

EACH_MANNER uint32_t serve_with(struct vblk_device *device, uint16_t queue, struct queue *q, uint32_t most, bool *faulty,
                                struct manner how)
{
    struct vblk_request req;
    uint32_t done = 0;

    while (done < most && (how.told ? take_told(device, q, &req.chain, faulty) : take(q, &req.chain, faulty))) {
        blk_request_init(&req, queue);
        if (!handle(device, q, &req, how))
            break;
        done++;
    }
    return done;
}

static uint32_t serve_at_once(struct vblk_device *device, uint16_t queue, struct queue *q, uint32_t most)
{
    static const struct vblk_behaviour nothing = { .name = NULL };
    static const struct manner usual = { &nothing, false, false, false };
    bool faulty = false;
    uint32_t done;

    done = device->behaviour == &blk_lawful && !device->buffer
               ? serve_with(device, queue, q, most, &faulty, usual)
               : serve_with(device, queue, q, most, &faulty, blk_manner(device, false));
    notify(device, queue);
    if (faulty)
        blk_fault(device, q);
    return done;
}

/* With EVENT_IDX each notification must be asked for. @return true: look again at what came before that was heard. */
static bool ask(struct vblk_device *device, uint16_t queue)
{
    struct queue *q = live(device, queue);

    if (!q || !blk_accepted(device, VBLK_F_EVENT_IDX) || q->asked == q->taken)
        return false;
    q->asked = q->taken;
    return !q->ring.ops->set_notify(&q->ring, true);
}

uint32_t vblk_device_serve(struct vblk_device *device, uint16_t queue)
{
    struct queue *q = live(device, queue);
    const bool held = device->hold || device->reverse || device->behaviour->reorder;
    const uint32_t most = q ? q->size : 0;
    uint32_t done = 0;

    if (!q)
        return 0;
    do {
        done += held ? serve_held(device, queue, q) : serve_at_once(device, queue, q, most - done);
    } while (done < most && ask(device, queue));
    return done;
}

void vblk_device_kick(struct vblk_device *device, uint16_t queue)
{
    uint32_t most;

    do {
        most = queue < device->num_queues ? device->queues[queue].size : 0;
    } while (vblk_device_serve(device, queue) >= most && most && live(device, queue));
}

void vblk_device_hold(struct vblk_device *device, bool hold)
{
    device->hold = hold;
    if (hold)
        return;
    complete_held(device);
    for (uint32_t i = 0; i < device->num_queues; i++) {
        if (device->queues[i].waiting) {
            device->queues[i].waiting = false;
            vblk_device_serve(device, (uint16_t)i);
        }
    }
}

void vblk_device_reverse(struct vblk_device *device, bool reverse)
{
    device->reverse = reverse;
}

void blk_forget_held(struct vblk_device *device, uint16_t queue)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < device->held_count; i++) {
        if (device->held[i].queue != queue)
            device->held[kept++] = device->held[i];
    }
    device->held_count = kept;
    if (!kept)
        device->held_bufs_used = 0;
}
