/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver with many requests in flight: the caller's buffers, the driver's ring. */
#include "driver_priv.h"

struct vblk_arena vblk_driver_room(const struct vblk_driver *driver)
{
    return (struct vblk_arena){ .gpa = driver->room_gpa, .size = driver->room };
}

/* Of a queue that may not be used. */
static __attribute__((noinline)) vblk_err no_queue(const struct vblk_driver *driver)
{
    return driver->live ? VBLK_E_INVAL : VBLK_E_STATE;
}

/* Whether descriptors are spared by a table, and there is one. */
static inline bool in_table(const struct driver_queue *q, uint32_t n)
{
    return q->tables.left && n > 2 && n <= DRIVER_TABLE;
}

vblk_err vblk_driver_add(struct vblk_driver *driver, uint16_t queue, const struct vblk_element *elements, uint32_t n,
                         uint16_t *id)
{
    struct driver_queue *q = &driver->queue[queue];

    if (queue >= driver->live)
        return no_queue(driver);
    if (n - 1 >= driver->queue_size)
        return VBLK_E_INVAL;
    if (in_table(q, n))
        return driver_add_in_table(q, elements, n, id);
    return q->ring.ops->add(&q->ring, elements, n, id);
}

vblk_err vblk_driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count)
{
    return queue < driver->live ? driver_publish(driver, queue, count) : no_queue(driver);
}

static inline vblk_err settle(const struct vblk_used *used, uint16_t *id, uint32_t *len)
{
    if (used->fault != VBLK_USED_OK && used->fault != VBLK_USED_LEN)
        return VBLK_E_IO;
    *id = (uint16_t)used->id;
    *len = used->len;
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err reap_late(struct vblk_ring *ring, uint16_t *id, uint32_t *len, vblk_err err)
{
    struct vblk_used used;

    err = driver_reap_late(ring, &used, err);
    return err ? err : settle(&used, id, len);
}

static inline vblk_err reap(struct vblk_ring *ring, uint16_t *id, uint32_t *len)
{
    struct vblk_used used;
    const vblk_err err = ring->ops->reap(ring, &used);

    return err ? reap_late(ring, id, len, err) : settle(&used, id, len);
}

static __attribute__((noinline)) vblk_err reap_with_table(struct driver_queue *q, uint16_t *id, uint32_t *len)
{
    const vblk_err err = reap(&q->ring, id, len);

    if (!err)
        driver_return_table(&q->tables, *id);
    return err;
}

vblk_err vblk_driver_reap(struct vblk_driver *driver, uint16_t queue, uint16_t *id, uint32_t *len)
{
    struct driver_queue *q = &driver->queue[queue];

    if (queue >= driver->live)
        return no_queue(driver);
    return q->tables.gpa ? reap_with_table(q, id, len) : reap(&q->ring, id, len);
}
