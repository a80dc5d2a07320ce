/* SPDX-License-Identifier: BSD-3-Clause */
/* Indirect tables of the lawful driver (2.7.5.3, 2.8.7): where they lie, and which of them is whose. */
#include "driver_priv.h"

#include <stdlib.h>

#define ENTRY ((uint64_t)sizeof(struct vblk_desc))

void driver_clear_tables(struct tables *tables, uint32_t size)
{
    tables->left = tables->gpa ? size : 0;
    for (uint32_t i = 0; i < tables->left; i++) {
        tables->free[i] = (uint16_t)i;
        tables->of_id[i] = 0;
    }
}

vblk_err driver_make_tables(struct vblk_driver *driver, uint16_t queue)
{
    struct tables *tables = &driver->queue[queue].tables;
    const uint32_t size = driver->queue[queue].ring.at.size;

    if (!driver_has(driver, VBLK_F_INDIRECT_DESC) ||
        driver_take_room(driver, (uint64_t)size * DRIVER_TABLE * ENTRY, &tables->gpa))
        return VBLK_OK;
    tables->free = calloc(2 * (size_t)size, sizeof(*tables->free));
    if (!tables->free)
        return VBLK_E_NOMEM;
    tables->of_id = tables->free + size;
    driver_clear_tables(tables, size);
    return VBLK_OK;
}

void driver_make_table(struct vblk_driver *driver)
{
    driver->table_gpa = 0;
    if (driver_has(driver, VBLK_F_INDIRECT_DESC) &&
        driver_take_room(driver, driver->queue_size * ENTRY, &driver->table_gpa))
        driver->table_gpa = 0;
}

void driver_free_tables(struct tables *tables)
{
    free(tables->free);
    *tables = (struct tables){ 0 };
}

vblk_err driver_add_in_table(struct driver_queue *q, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_ring *ring = &q->ring;
    struct tables *tables = &q->tables;
    const uint16_t table = tables->free[tables->left - 1];
    const vblk_err err =
        ring->ops->add_indirect(ring, tables->gpa + table * DRIVER_TABLE * ENTRY, 0, bufs, n, id);

    if (err)
        return err;
    tables->left--;
    tables->of_id[*id] = (uint16_t)(table + 1);
    return VBLK_OK;
}

vblk_err driver_add_one(struct vblk_driver *driver, uint16_t queue, uint32_t n, uint16_t *id)
{
    struct vblk_ring *ring = &driver->queue[queue].ring;

    if (n <= 2 || !driver->table_gpa)
        return ring->ops->add(ring, driver->bufs, n, id);
    return ring->ops->add_indirect(ring, driver->table_gpa, 0, driver->bufs, n, id);
}

void driver_return_table(struct tables *tables, uint16_t id)
{
    if (!tables->of_id[id])
        return;
    tables->free[tables->left++] = (uint16_t)(tables->of_id[id] - 1);
    tables->of_id[id] = 0;
}
