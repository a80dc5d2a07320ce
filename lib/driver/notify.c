/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of the lawful driver, in both directions (2.9, 2.7.10, 2.8.10). */
#include "driver_priv.h"

static vblk_err kick(struct vblk_driver *driver, uint16_t queue)
{
    const struct vblk_ring *ring = &driver->ring[queue];
    uint32_t data = driver->notify_id[queue];

    if (driver_has(driver, VBLK_F_NOTIFICATION_DATA)) {
        const vblk_err err = ring->ops->kick_data(ring, driver->notify_id[queue], &data);

        if (err)
            return err;
    }
    return vblk_port_kick(driver->port, queue, data);
}

vblk_err driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count)
{
    struct vblk_ring *ring = &driver->ring[queue];
    bool wanted = false;
    vblk_err err = ring->ops->publish(ring, count);

    if (!err)
        err = ring->ops->kick_wanted(ring, &wanted);
    return err || !wanted ? err : kick(driver, queue);
}

vblk_err driver_reap_late(struct vblk_ring *ring, struct vblk_used *used)
{
    vblk_err err;

    if (!(ring->at.features & VBLK_BIT(VBLK_F_EVENT_IDX)))
        return VBLK_E_EMPTY;
    err = ring->ops->set_interrupts(ring, true);
    return err ? err : ring->ops->reap(ring, used);
}
