/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses to virtio-mmio registers as events. */
#ifndef TRANSPORT_MMIO_WATCH_H
#define TRANSPORT_MMIO_WATCH_H

#include <vblk/event.h>

struct mmio_watch {
    vblk_observe_fn observe; /* NULL: nobody */
    void *ctx;
    uint64_t accepted; /* all of DriverFeatures, as written since the reset */
    bool held_back;    /* … and not told yet */
};

/* What a register is called in events. */
struct mmio_named {
    uint32_t offset;
    uint16_t reg; /* enum vblk_reg */
    bool of_queue;
    bool wide; /* 64 bits, of which this is a half: */
    bool high;
};
/* NULL: events don't know it. */
const struct mmio_named *mmio_watch_name(uint32_t offset);

/* @value: all of the register. QueueNotify is a kick. */
void mmio_watch_register(struct mmio_watch *w, enum vblk_event_kind kind, uint32_t offset, uint32_t queue, uint64_t value);
/* DriverFeatures was written: the 32 bits that @sel selects. */
void mmio_watch_accepted(struct mmio_watch *w, uint32_t sel, uint32_t value);
void mmio_watch_config(struct mmio_watch *w, enum vblk_event_kind kind, uint32_t offset, const uint8_t *bytes,
                       uint32_t len);
void mmio_watch_notified(struct mmio_watch *w, enum vblk_event_kind kind, uint16_t queue);
void mmio_watch_looked(struct mmio_watch *w, uint16_t queue);

#endif /* TRANSPORT_MMIO_WATCH_H */
