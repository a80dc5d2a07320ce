/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "fault.h"

const struct vblk_ring_fault *vblk_ring_fault_at(size_t i)
{
    const struct vblk_ring_fault *const tables[] = { ring_faults_device, ring_faults_driver, ring_faults_event,
                                                     ring_faults_places, ring_faults_room,  ring_faults_order };

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct vblk_ring_fault *fault = tables[t]; fault->name != NULL; fault++)
            if (i-- == 0)
                return fault;
    return NULL;
}

const struct vblk_ring_fault *vblk_ring_fault_find(const char *name)
{
    const struct vblk_ring_fault *fault;

    for (size_t i = 0; (fault = vblk_ring_fault_at(i)) != NULL; i++)
        if (strcmp(fault->name, name) == 0)
            return fault;
    return NULL;
}

const char *vblk_ring_fault_name(const struct vblk_ring_fault *fault)
{
    return fault->name;
}

const char *vblk_ring_fault_what(const struct vblk_ring_fault *fault)
{
    return fault->what;
}
