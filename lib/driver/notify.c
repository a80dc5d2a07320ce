/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of the lawful driver, in both directions (2.9, 2.7.10, 2.8.10). */
#include "driver_priv.h"

static vblk_err kick(struct vblk_driver *driver, uint16_t queue)
{
    const struct driver_queue *q = &driver->queue[queue];
    const struct vblk_ring *ring = &q->ring;
    uint32_t data = q->notify_id;

    if (driver_has(driver, VBLK_F_NOTIFICATION_DATA)) {
        const vblk_err err = ring->ops->kick_data(ring, q->notify_id, &data);

        if (err)
            return err;
    }
    return vblk_port_kick(driver->port, queue, data);
}

vblk_err driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count)
{
    struct vblk_ring *ring = &driver->queue[queue].ring;
    bool wanted = false;
    vblk_err err = ring->ops->publish(ring, count);

    if (!err)
        err = ring->ops->kick_wanted(ring, &wanted);
    return err || !wanted ? err : kick(driver, queue);
}

vblk_err driver_reap_late(struct vblk_ring *ring, struct vblk_used *used, vblk_err err)
{
    if (err != VBLK_E_EMPTY || !(ring->at.features & VBLK_BIT(VBLK_F_EVENT_IDX)))
        return err;
    err = ring->ops->set_interrupts(ring, true);
    return err ? err : ring->ops->reap(ring, used);
}
