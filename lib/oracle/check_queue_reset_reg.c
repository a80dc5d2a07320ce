/* SPDX-License-Identifier: BSD-3-Clause */
/* The register by which one queue is reset, where the transport has one: 4.1.4.3 (PCI), 4.2.2 (MMIO). */
#include "judge.h"

#define RULE(token, guilty, moments) CHECK(token, guilty, moments, 0, ANY_PLACE, NO_SIGHT)

/* What is known of the queue's reset, or NULL: another transport, or there is no such register. */
static const struct notices *on(const struct look *l, enum vblk_transport transport)
{
    return l->o->opt.transport == transport && l->q != NULL && negotiated(l->o, VBLK_F_RING_RESET)
               ? notices_of(l->o, l->q)
               : NULL;
}

static bool reads(const struct look *l, enum vblk_reg reg)
{
    return l->ev->reg == reg && (l->ev->flags & VBLK_EV_EMULATED) == 0;
}

static enum outcome zero(const struct look *l, struct why *why, const char *expected, const char *reg)
{
    return l->ev->value == 0
               ? HELD
               : broken(why, expected, "%s of queue %u reads %llu", reg, l->q->no, (unsigned long long)l->ev->value);
}

/* Before the queue was enabled for the first time since the device was reset. */
static enum outcome at_first(const struct look *l, struct why *why, const struct notices *s)
{
    if (s == NULL || s->reset != NOT_RESET || s->renewed || l->q->enabled || l->q->total > 0 ||
        !reads(l, VBLK_REG_QUEUE_RESET))
        return UNTOUCHED;
    return zero(l, why, "queue reset 0 after a reset of the device", "queue reset");
}

static enum outcome while_enabled(const struct look *l, struct why *why, const struct notices *s)
{
    if (s == NULL || s->reset != NOT_RESET || !l->q->enabled || !reads(l, VBLK_REG_QUEUE_RESET))
        return UNTOUCHED;
    return zero(l, why, "queue reset 0 once the queue is enabled", "queue reset");
}

/* It went to 0, so the reset is complete, and can't be under way again. */
static enum outcome under_way(const struct look *l, struct why *why, const struct notices *s)
{
    if (s == NULL || !reads(l, VBLK_REG_QUEUE_RESET))
        return UNTOUCHED;
    if (s->reset == RESET_ASKED)
        return s->reset_read && l->ev->value == 0 ? HELD : UNTOUCHED;
    return s->reset == RESET_DONE ? zero(l, why, "queue reset 1 until the reset is complete, and not again", "queue reset")
                                  : UNTOUCHED;
}

static enum outcome complete(const struct look *l, struct why *why, const struct notices *s)
{
    if (s == NULL || s->reset != RESET_DONE || !reads(l, VBLK_REG_QUEUE_ENABLE))
        return UNTOUCHED;
    return zero(l, why, "both registers 0 when the reset is complete", "queue reset reads 0, queue enable");
}

RULE(MMIO_DEV_08, VBLK_DEVICE, AT(REG_READ))
{
    return at_first(l, why, on(l, VBLK_TRANSPORT_MMIO));
}

RULE(PCI_COM_DEV_10, VBLK_DEVICE, AT(REG_READ))
{
    return at_first(l, why, on(l, VBLK_TRANSPORT_PCI));
}

RULE(MMIO_DEV_09, VBLK_DEVICE, AT(REG_READ))
{
    return while_enabled(l, why, on(l, VBLK_TRANSPORT_MMIO));
}

RULE(PCI_COM_DEV_11, VBLK_DEVICE, AT(REG_READ))
{
    return while_enabled(l, why, on(l, VBLK_TRANSPORT_PCI));
}

/* The queue's state tells whether it was reset. */
CHECK(MMIO_DEV_10, VBLK_DEVICE, AT(USED_IDX) | AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    return on(l, VBLK_TRANSPORT_MMIO) != NULL ? starts_afresh(l, why) : UNTOUCHED;
}

CHECK(PCI_COM_DEV_12, VBLK_DEVICE, AT(USED_IDX) | AT(USED) | AT(QUIET), ANY_TYPE, ANY_PLACE, NO_SIGHT)
{
    return on(l, VBLK_TRANSPORT_PCI) != NULL ? starts_afresh(l, why) : UNTOUCHED;
}

RULE(MMIO_DEV_11, VBLK_DEVICE, AT(REG_READ))
{
    return under_way(l, why, on(l, VBLK_TRANSPORT_MMIO));
}

RULE(PCI_COM_DEV_13, VBLK_DEVICE, AT(REG_READ))
{
    return under_way(l, why, on(l, VBLK_TRANSPORT_PCI));
}

RULE(MMIO_DEV_12, VBLK_DEVICE, AT(REG_READ))
{
    return complete(l, why, on(l, VBLK_TRANSPORT_MMIO));
}

RULE(PCI_COM_DEV_14, VBLK_DEVICE, AT(REG_READ))
{
    return complete(l, why, on(l, VBLK_TRANSPORT_PCI));
}

RULE(MMIO_DRV_10, VBLK_DRIVER, AT(REG_WRITE) | AT(KICK))
{
    return on(l, VBLK_TRANSPORT_MMIO) != NULL ? waits_for_reset(l, why) : UNTOUCHED;
}

RULE(PCI_COM_DRV_07, VBLK_DRIVER, AT(REG_WRITE) | AT(KICK))
{
    return on(l, VBLK_TRANSPORT_PCI) != NULL ? waits_for_reset(l, why) : UNTOUCHED;
}

RULE(PCI_COM_DRV_08, VBLK_DRIVER, AT(QUEUE_ENABLE))
{
    const struct notices *s = on(l, VBLK_TRANSPORT_PCI);

    return s != NULL && s->reset == RESET_DONE ? noted(why, "enabled again") : UNTOUCHED;
}

RULE(PCI_COM_DRV_09, VBLK_DRIVER, AT(QUEUE_ENABLE))
{
    const struct notices *s = on(l, VBLK_TRANSPORT_PCI);

    if (s == NULL || s->reset != RESET_DONE)
        return UNTOUCHED;
    return noted(why, l->q->size != s->size_before ? "another size"
                      : l->q->desc != s->desc_before || l->q->driver != s->driver_before ||
                              l->q->device != s->device_before
                          ? "another place"
                          : "as before");
}
