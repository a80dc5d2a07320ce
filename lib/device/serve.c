/* SPDX-License-Identifier: BSD-3-Clause */
/* From the available ring to the used ring. */
#include <string.h>

#include "frame.h"

/*
 * What serves a request is compiled twice: for a device of which everything may be replaced, and for one of which nothing
 * is, so that nobody has to look.
 */
#define BOTH_WAYS static inline __attribute__((always_inline))
static const struct vblk_behaviour nothing = { .name = NULL };

static uint16_t number_of(const struct vblk_device *device, const struct queue *q)
{
    return (uint16_t)(q - device->queues);
}

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

/* The ring makes no sense: this queue stops until a reset. */
static void fault(struct vblk_device *device, struct queue *q)
{
    q->stopped = true;
    blk_fail(device);
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

static void tell(const struct vblk_device *device, enum vblk_buffer_step step, const struct queue *q, uint16_t id,
                 uint16_t slot, uint16_t slots)
{
    const struct vblk_buffer_news news = { (uint8_t)step, number_of(device, q), id, slot, slots };

    device->buffer(device->buffer_ctx, &news);
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
        tell(device, VBLK_BUFFER_TAKEN, q, chain->id, at.slot, q->ring.packed.slots[chain->id]);
    else if (!packed && q->ring.split.avail_next != next)
        tell(device, VBLK_BUFFER_TAKEN, q, chain->id, chain->id, 1);
    return true;
}

static inline bool take_next(const struct vblk_device *device, struct queue *q, struct vblk_chain *chain, bool *faulty)
{
    return unlikely(device->buffer != NULL) ? take_told(device, q, chain, faulty) : take(q, chain, faulty);
}

/* In steps that a record can be kept of. */
static __attribute__((noinline)) vblk_err answer_told(struct vblk_device *device, struct queue *q, uint16_t id,
                                                      uint32_t len)
{
    vblk_err err = q->ring.ops->put_used_wrote(&q->ring, id, len, device->wrote || len);

    if (err == VBLK_OK) {
        tell(device, VBLK_BUFFER_ANSWERED, q, id, 0, 0);
        err = q->ring.ops->publish_used(&q->ring);
    }
    if (err == VBLK_OK)
        tell(device, VBLK_BUFFER_SHOWN, q, id, 0, 0);
    return err;
}

/* There is no byte at the end of the last buffer, but there is one. */
static __attribute__((noinline)) void put_status_before(struct vblk_device *device, struct vblk_request *req,
                                                        uint8_t status)
{
    (void)!vblk_request_put(device, req, vblk_request_in_len(req), &status, 1); /* gone meanwhile: nobody reads it */
}

static inline void put_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (unlikely(req->chain.writable_bytes == 0 || !blk_request_put_last(device, req, status)))
        put_status_before(device, req, status);
}

void vblk_reference_put_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    put_status(device, req, status);
}

static inline void reference_put_used(struct vblk_device *device, struct queue *q, uint16_t id, uint32_t len)
{
    vblk_err err = VBLK_OK;

    if (q->enabled && unlikely(device->buffer != NULL))
        err = answer_told(device, q, id, len);
    else if (q->enabled)
        err = q->ring.ops->answer(&q->ring, id, len, device->wrote || len);
    if (err)
        fault(device, q);
}

void vblk_reference_put_used(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    if (queue < device->num_queues)
        reference_put_used(device, &device->queues[queue], id, len);
}

/* From here to serve_with() a device's behaviour is an argument: see nothing. */
BOTH_WAYS void put_used(struct vblk_device *device, struct queue *q, uint16_t id, uint32_t len,
                        const struct vblk_behaviour *b)
{
    if (b->put_used)
        b->put_used(device, number_of(device, q), id, len);
    else
        reference_put_used(device, q, id, len);
    q->completed = true;
}

/* The answer of the last one of a batch that nothing came after. */
static void end_batch(struct vblk_device *device, struct queue *q)
{
    if (!q->passing)
        return;
    q->passing = false;
    device->wrote = q->passed_len != 0;
    put_used(device, q, q->passed_id, q->passed_len, device->behaviour);
}

/* 2.7.9, 2.8.9: of a batch only the last one is answered, and the others count as written to the end. */
static bool may_pass(const struct vblk_device *device, const struct vblk_request *req, uint32_t len)
{
    const struct vblk_behaviour *b = device->behaviour;

    return !b->put_used && !b->reorder && blk_accepted(device, VBLK_F_IN_ORDER) && len == req->chain.writable_bytes;
}

/* In a batch, until end_batch(). */
static __attribute__((noinline)) bool pass(const struct vblk_device *device, struct queue *q,
                                           const struct vblk_request *req, uint32_t len)
{
    q->passing = may_pass(device, req, len);
    q->passed_id = req->chain.id;
    q->passed_len = len;
    return q->passing;
}

/*
 * The length is honest: what was written from the first writable byte on without a gap. So a read that fails before any
 * data was written reports 0, although the status byte behind the data was written (AMB-14).
 */
BOTH_WAYS void finish(struct vblk_device *device, struct queue *q, struct vblk_request *req, uint8_t status,
                      const struct vblk_behaviour *b)
{
    uint32_t len;

    if (req->chain.writable_bytes) {
        if (b->put_status)
            b->put_status(device, req, status);
        else
            put_status(device, req, status);
    }
    len = req->done.written < UINT32_MAX ? (uint32_t)req->done.written : UINT32_MAX;
    if (b->used_length)
        len = b->used_length(device, req, status, len);
    device->wrote = req->done.wrote;
    if (likely(!device->batch) || !pass(device, q, req, len))
        put_used(device, q, req->chain.id, len, b);
    if (b->after)
        b->after(device, req);
}

/*
 * Without a whole header nobody knows what is asked for, without a status byte nobody can be told: no effect, and IOERR
 * where there is a byte for it (AMB-15). Under the other reading, to which a segment that is cut short counts as well,
 * the queue stops instead: @return false.
 */
BOTH_WAYS bool handle(struct vblk_device *device, struct queue *q, struct vblk_request *req,
                      const struct vblk_behaviour *b)
{
    const bool whole = blk_request_header(device, req);

    if (whole && !(device->malformed_resets && blk_cut_short(device, req))) {
        finish(device, q, req, blk_execute(device, req, b), b);
        return true;
    }
    if (device->malformed_resets) {
        end_batch(device, q);
        fault(device, q);
        return false;
    }
    finish(device, q, req, VBLK_S_IOERR, b);
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
    bool faulty = false;

    q->waiting = true;
    for (uint32_t n = 0; n < q->size; n++) {
        if (device->held_count == HELD_MAX || device->held_bufs_room - device->held_bufs_used < q->ring.chain_max)
            return false;
        if (!take_next(device, q, &chain, &faulty))
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

    device->batch = true;
    for (uint32_t i = 0; i < device->held_count; i++) {
        struct vblk_request *req = &device->held[reversed(device) ? device->held_count - 1 - i : i];

        struct queue *q = live(device, req->queue);

        if (q && handle(device, q, req, device->behaviour))
            done++;
    }
    device->batch = false;
    device->held_count = 0;
    device->held_bufs_used = 0;
    for (uint32_t i = 0; i < device->num_queues; i++) {
        end_batch(device, &device->queues[i]);
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
        fault(device, q);
    return done;
}

BOTH_WAYS uint32_t serve_with(struct vblk_device *device, uint16_t queue, struct queue *q, uint32_t most, bool *faulty,
                              const struct vblk_behaviour *b)
{
    struct vblk_request req;
    uint32_t done = 0;

    while (done < most && take_next(device, q, &req.chain, faulty)) {
        blk_request_init(&req, queue);
        if (!handle(device, q, &req, b))
            break;
        done++;
    }
    return done;
}

static uint32_t serve_at_once(struct vblk_device *device, uint16_t queue, struct queue *q, uint32_t most)
{
    const struct vblk_behaviour *b = device->behaviour;
    bool faulty = false;
    uint32_t done;

    done = b == &blk_lawful ? serve_with(device, queue, q, most, &faulty, &nothing)
                            : serve_with(device, queue, q, most, &faulty, b);
    notify(device, queue);
    if (faulty)
        fault(device, q);
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
