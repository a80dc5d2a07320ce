/* SPDX-License-Identifier: BSD-3-Clause */
/* How far the reset of a single queue is: 2.6.1, 4.1.4.3, 4.2.2. */
#include <string.h>

#include "notify_impl.h"

static void asked(const struct queue *q, struct notices *s, const struct vblk_event *ev)
{
    s->reset = RESET_ASKED;
    s->reset_read = false;
    s->reset_by_device = (ev->flags & VBLK_EV_EMULATED) == 0;
    s->size_before = q->size;
    s->desc_before = q->desc;
    s->driver_before = q->driver;
    s->device_before = q->device;
}

/* What was used until now may still be told of. */
static void done(struct vblk_oracle *o, struct queue *q, struct notices *s, const struct vblk_event *ev)
{
    const struct notice *n = &s->way[VBLK_DEVICE];

    access_compare_image(o, ev); /* while it is known what was in flight */
    queue_scan_used(o, q, ev);
    s->reset = RESET_DONE;
    s->notice_pending = n->fresh > 0 || n->may || n->due || q->since_notify > 0;
    s->on = s->renewed = s->moved = false;
    s->written = 0;
    o->queue_reset_at = o->seq;
    const uint32_t before = o->returned_next;
    queue_close(o, q);
    for (uint32_t i = before; i != o->returned_next; i++)
        o->returned[i % 256].by_reset = true;
}

void reset_reg(struct vblk_oracle *o, struct queue *q, struct notices *s, const struct vblk_event *ev)
{
    const bool write = ev->kind == VBLK_EV_REG_WRITE;

    if (!negotiated(o, VBLK_F_RING_RESET))
        return;
    if (write && s->reset == RESET_DONE && ev->reg < 16)
        s->written |= (uint16_t)(1u << ev->reg);
    if (ev->reg != VBLK_REG_QUEUE_RESET)
        return;
    if (write && ev->value == 1)
        asked(q, s, ev);
    else if (!write && s->reset == RESET_ASKED && ev->value == 0)
        done(o, q, s, ev);
    else if (!write && s->reset == RESET_ASKED)
        s->reset_read = true;
}

void reset_enabled(const struct queue *q, struct notices *s)
{
    s->renewed = s->reset == RESET_DONE;
    s->moved = s->renewed && (q->size != s->size_before || q->desc != s->desc_before ||
                              q->driver != s->driver_before || q->device != s->device_before);
    s->reset = NOT_RESET;
}
