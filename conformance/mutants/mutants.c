/* SPDX-License-Identifier: BSD-3-Clause */
#include "mutants.h"

struct mutant_device mutant_device(const struct mutant *mutant)
{
    struct mutant_device device = { mutant->behaviour, mutant };

    device.behaviour.name = mutant->name;
    if (mutant->ring != NULL && !mutant->driver)
        device.behaviour.ring = vblk_ring_fault_find(mutant->ring);
    if (mutant->device_ring != NULL)
        device.behaviour.ring = vblk_ring_fault_find(mutant->device_ring);
    return device;
}

static const struct mutant *row_of(const struct mutant *const tables[], size_t count, size_t i)
{
    for (size_t t = 0; t < count; t++)
        for (const struct mutant *m = tables[t]; m->name != NULL; m++)
            if (i-- == 0)
                return m;
    return NULL;
}

const struct mutant *mutant_at(size_t i)
{
    const struct mutant *const tables[] = {
        mutants_provision,
        mutants_provision_more,
        mutants_segments,
        mutants_request,
        mutants_ring,
        mutants_config,
        mutants_answers,
        mutants_alike,
        mutants_packed,
        mutants_indirect,
        mutants_notify,
        mutants_in_order,
        mutants_fields,
        mutants_offers,
        mutants_life,
        mutants_disk,
        mutants_slots,
        mutants_unseen,
        mutants_driver_ring,
        mutants_driver_start,
        mutants_driver_features,
        mutants_driver_config,
        mutants_driver_queue,
        mutants_driver_request,
        mutants_driver_rest,
        mutants_driver_unseen,
    };

    return row_of(tables, sizeof(tables) / sizeof(tables[0]), i);
}

const struct mutant *control_at(size_t i)
{
    const struct mutant *const tables[] = { controls_models, controls_frames, controls_shapes, controls_answers, controls_readings,
                                            controls_bugs };

    return row_of(tables, sizeof(tables) / sizeof(tables[0]), i);
}
