/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a virtio-mmio port, shared by its files. */
#ifndef VBLK_MMIO_PORT_H
#define VBLK_MMIO_PORT_H

#include <vblk/mmio.h>

/* Queues whose write-only registers are remembered. */
#define MMIO_QUEUES_MAX 1024u

/* What was written to a queue's registers, most of which can't be read. */
struct mmio_queue {
    uint64_t size, desc, driver, device;
    bool enabled;
};

struct mmio_port {
    struct vblk_port port; /* first: the port is this object */
    struct vblk_mmio_bus bus;
    struct vblk_profile profile;
    uint64_t offered;
    bool offered_known;
    uint64_t driver_features;
    struct mmio_queue queue[MMIO_QUEUES_MAX];
};

/* To the port's user a device that can't be reached, or does not answer, is gone. */
static inline vblk_err mmio_gone(vblk_err err)
{
    return err == VBLK_E_TIMEOUT || err == VBLK_E_IO ? VBLK_E_GONE : err;
}
/* A control register: 32 bits. */
static inline vblk_err mmio_get(struct mmio_port *p, uint32_t offset, uint32_t *value)
{
    *value = 0;
    return mmio_gone(p->bus.read(p->bus.ctx, offset, 4, value));
}
static inline vblk_err mmio_put(struct mmio_port *p, uint32_t offset, uint32_t value)
{
    return mmio_gone(p->bus.write(p->bus.ctx, offset, 4, value));
}

/* mmio_regs.c */
vblk_err mmio_read_reg(struct mmio_port *p, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated);
vblk_err mmio_write_reg(struct mmio_port *p, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated);
/* Forget what was written, as the device does when it is reset. */
void mmio_forget(struct mmio_port *p);

/* mmio_config.c */
vblk_err mmio_config_length(struct mmio_port *p, uint32_t *length);
vblk_err mmio_read_config(struct mmio_port *p, uint32_t offset, uint8_t *buf, uint32_t len, uint32_t *got);
vblk_err mmio_write_config(struct mmio_port *p, uint32_t offset, const uint8_t *buf, uint32_t len);

#endif /* VBLK_MMIO_PORT_H */
