/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port between the reference driver and a device that changes what the driver does to registers, configuration and
 * notifications. What reaches the device is what the judge sees.
 */
#ifndef CONFORMANCE_WRONG_PORT_H
#define CONFORMANCE_WRONG_PORT_H

#include <vblk/port.h>

struct wrong_port;

/* What is changed; NULL members pass on. Each may call vblk_port_*() on port->inner, any number of times. */
struct wrong_port_ops {
    vblk_err (*read_reg)(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value);
    vblk_err (*write_reg)(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value);
    vblk_err (*read_config)(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got);
    vblk_err (*kick)(struct wrong_port *port, uint16_t queue, uint32_t data);
    bool deaf; /* configuration change notifications don't reach the driver */
};

struct wrong_port {
    struct vblk_port port; /* first: ops get a pointer to it */
    struct vblk_port *inner;
    const struct wrong_port_ops *with;
    uint64_t note[4]; /* what the functions remember */
};

/* A load that the driver makes only if not @spared: then it takes @value for what it would have read. */
static inline vblk_err wrong_port_read(const struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *out,
                                       bool spared, uint64_t value)
{
    if (!spared)
        return vblk_port_read_reg(port->inner, reg, queue, out);
    *out = value;
    return VBLK_OK;
}

/* @inner is not owned. */
void wrong_port_open(struct wrong_port *port, struct vblk_port *inner, const struct wrong_port_ops *with);

#endif /* CONFORMANCE_WRONG_PORT_H */
