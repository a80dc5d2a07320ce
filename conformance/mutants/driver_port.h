/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers have in common that are wrong in how they use registers. */
#ifndef CONFORMANCE_DRIVER_PORT_H
#define CONFORMANCE_DRIVER_PORT_H

#include "generic.h"

static inline bool failing(enum vblk_reg reg, uint64_t value)
{
    return reg == VBLK_REG_STATUS && (value & VBLK_STATUS_FAILED) != 0;
}

/* behaviour.grant: nothing is. */
bool refuse(const struct vblk_device *device, uint64_t accepted);
/* behaviour.write_reg and read_reg of one device: after the first reset it offers value as well, and not other. */
void count_resets(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value);
uint64_t offer_later(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest);
/* port.read_reg: to the driver VERSION_1 is missing, so that it gives up; from the second time on. */
vblk_err gives_up_later(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value);

#endif /* CONFORMANCE_DRIVER_PORT_H */
