/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses to virtio-mmio registers as events (4.2.2). */
#include "mmio_watch.h"

#include <vblk/mmio.h>

/* clang-format off */
static const struct mmio_named names[] = {
    { VBLK_MMIO_DEVICE_ID,             VBLK_REG_DEVICE_ID,       false, false, false },
    { VBLK_MMIO_DEVICE_FEATURES,       VBLK_REG_DEVICE_FEATURES, false, true,  false },
    { VBLK_MMIO_QUEUE_NUM_MAX,         VBLK_REG_QUEUE_MAX,       true,  false, false },
    { VBLK_MMIO_QUEUE_NUM,             VBLK_REG_QUEUE_SIZE,      true,  false, false },
    { VBLK_MMIO_QUEUE_READY,           VBLK_REG_QUEUE_ENABLE,    true,  false, false },
    { VBLK_MMIO_STATUS,                VBLK_REG_STATUS,          false, false, false },
    { VBLK_MMIO_QUEUE_DESC_LOW,        VBLK_REG_QUEUE_DESC,      true,  true,  false },
    { VBLK_MMIO_QUEUE_DESC_LOW + 4,    VBLK_REG_QUEUE_DESC,      true,  true,  true },
    { VBLK_MMIO_QUEUE_DRIVER_LOW,      VBLK_REG_QUEUE_DRIVER,    true,  true,  false },
    { VBLK_MMIO_QUEUE_DRIVER_LOW + 4,  VBLK_REG_QUEUE_DRIVER,    true,  true,  true },
    { VBLK_MMIO_QUEUE_DEVICE_LOW,      VBLK_REG_QUEUE_DEVICE,    true,  true,  false },
    { VBLK_MMIO_QUEUE_DEVICE_LOW + 4,  VBLK_REG_QUEUE_DEVICE,    true,  true,  true },
    { VBLK_MMIO_QUEUE_RESET,           VBLK_REG_QUEUE_RESET,     true,  false, false },
    { VBLK_MMIO_CONFIG_GENERATION,     VBLK_REG_GENERATION,      false, false, false },
};
/* clang-format on */

const struct mmio_named *mmio_watch_name(uint32_t offset)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].offset == offset)
            return &names[i];
    return NULL;
}

static void tell(struct mmio_watch *w, const struct vblk_event *ev)
{
    if (w->observe)
        w->observe(w->ctx, ev);
}

/* Both halves of DriverFeatures count as one write: a half of a set of features may make no sense. */
static void tell_accepted(struct mmio_watch *w)
{
    const struct vblk_event ev = {
        .kind = VBLK_EV_REG_WRITE,
        .party = VBLK_DRIVER,
        .reg = VBLK_REG_DRIVER_FEATURES,
        .value = w->accepted,
    };

    if (!w->held_back)
        return;
    w->held_back = false;
    tell(w, &ev);
}

void mmio_watch_accepted(struct mmio_watch *w, uint32_t sel, uint32_t value)
{
    if (sel > 1)
        return;
    w->accepted = sel ? (w->accepted & UINT32_MAX) | (uint64_t)value << 32 : (w->accepted & ~(uint64_t)UINT32_MAX) | value;
    w->held_back = true;
}

void mmio_watch_register(struct mmio_watch *w, enum vblk_event_kind kind, uint32_t offset, uint32_t queue, uint64_t value)
{
    const struct mmio_named *name = mmio_watch_name(offset);
    struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DRIVER, .value = value };

    if (offset == VBLK_MMIO_QUEUE_NOTIFY) {
        ev.kind = VBLK_EV_KICK;
        ev.queue = (uint16_t)value;
    } else if (!name || (name->of_queue && queue > UINT16_MAX)) {
        return;
    } else {
        ev.reg = name->reg;
        ev.queue = name->of_queue ? (uint16_t)queue : 0;
    }
    if (offset != VBLK_MMIO_DEVICE_FEATURES)
        tell_accepted(w);
    if (offset == VBLK_MMIO_STATUS && kind == VBLK_EV_REG_WRITE && value == 0)
        w->accepted = 0;
    tell(w, &ev);
}

void mmio_watch_config(struct mmio_watch *w, enum vblk_event_kind kind, uint32_t offset, const uint8_t *bytes,
                       uint32_t len)
{
    const struct vblk_event ev = {
        .kind = (uint8_t)kind,
        .party = VBLK_DRIVER,
        .at = offset,
        .len = len,
        .bytes = len ? bytes : NULL,
    };

    tell_accepted(w);
    tell(w, &ev);
}

void mmio_watch_notified(struct mmio_watch *w, enum vblk_event_kind kind, uint16_t queue)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DEVICE, .queue = queue };

    tell(w, &ev);
}

void mmio_watch_looked(struct mmio_watch *w, uint16_t queue)
{
    const struct vblk_event ev = { .kind = VBLK_EV_LOOK, .party = VBLK_DRIVER, .queue = queue };

    tell(w, &ev);
}
