/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver with many requests in flight: the caller's buffers, the driver's ring. */
#include "driver_priv.h"

struct vblk_arena vblk_driver_room(const struct vblk_driver *driver)
{
    return (struct vblk_arena){ .gpa = driver->room_gpa, .size = driver->room };
}

/* Whether descriptors are spared by a table, and there is one. */
static inline bool in_table(const struct vblk_driver *driver, uint16_t queue, uint32_t n)
{
    return driver->tables[queue].left && n > 2 && n <= DRIVER_TABLE;
}

vblk_err vblk_driver_add(struct vblk_driver *driver, uint16_t queue, const struct vblk_element *elements, uint32_t n,
                         uint16_t *id)
{
    struct vblk_ring *ring = &driver->ring[queue];

    if (!driver->live)
        return VBLK_E_STATE;
    if (queue >= driver->queues || n == 0 || n > driver->queue_size)
        return VBLK_E_INVAL;
    if (in_table(driver, queue, n))
        return driver_add_in_table(driver, queue, elements, n, id);
    return ring->ops->add(ring, elements, n, id);
}

vblk_err vblk_driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count)
{
    if (!driver->live || queue >= driver->queues)
        return driver->live ? VBLK_E_INVAL : VBLK_E_STATE;
    return driver_publish(driver, queue, count);
}

static inline vblk_err reap(struct vblk_driver *driver, uint16_t queue, uint16_t *id, uint32_t *len)
{
    struct vblk_used used;
    const vblk_err err = driver_reap(driver, queue, &used);

    if (err)
        return err;
    if (used.fault != VBLK_USED_OK && used.fault != VBLK_USED_LEN)
        return VBLK_E_IO;
    *id = (uint16_t)used.id;
    *len = used.len;
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err reap_with_table(struct vblk_driver *driver, uint16_t queue, uint16_t *id,
                                                          uint32_t *len)
{
    const vblk_err err = reap(driver, queue, id, len);

    if (!err)
        driver_return_table(driver, queue, *id);
    return err;
}

vblk_err vblk_driver_reap(struct vblk_driver *driver, uint16_t queue, uint16_t *id, uint32_t *len)
{
    if (!driver->live)
        return VBLK_E_STATE;
    if (queue >= driver->queues)
        return VBLK_E_INVAL;
    return driver->tables[queue].gpa ? reap_with_table(driver, queue, id, len) : reap(driver, queue, id, len);
}
