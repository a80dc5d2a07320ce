/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver that breaks the rules of the ring costs: what may still be said of the device, and of the disk. */
#include "express.h"
#include "judge.h"

bool any_queue_lost(const struct vblk_oracle *o)
{
    for (uint32_t i = 0; i < o->active_count; i++)
        if (o->queues[o->active[i]].unseen || (o->queues[o->active[i]].enabled && o->queues[o->active[i]].lost))
            return true;
    return false;
}

bool led_astray(const struct look *l)
{
    return l->party == VBLK_DEVICE && (l->o->abuse == ABUSED || any_queue_lost(l->o) ||
                                       (l->chain != NULL && chain_unclear(l->chain)));
}

/* The device may do what it likes with what is malformed, as long as it keeps to the memory it was given. */
void queue_abused(struct vblk_oracle *o, bool may_write_disk)
{
    o->abuse = ABUSED;
    o->disk_astray |= may_write_disk;
    if (may_write_disk)
        shadow_forget(&o->shadow, false);
}

/* Whether a device that serves the broken chain all the same may change the disk. */
bool chain_may_mutate(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    static const uint32_t harmless[] = { VBLK_T_IN, VBLK_T_FLUSH, VBLK_T_GET_ID, VBLK_T_GET_LIFETIME };
    const struct piece *first = chain_first(q, c);
    vblk_le32 type;

    if (first == NULL || first->len < sizeof(struct vblk_request_header) ||
        vblk_memory_peek(o->mem, first->gpa, &type, sizeof(type)) != VBLK_OK)
        return true;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        if (vblk_get32(type) == harmless[i])
            return false;
    return true;
}

void queue_tampered(struct vblk_oracle *o, struct queue *q, struct chain *c, enum place place)
{
    express_spoil(o);
    c->void_ = true; /* the device may have seen the old, the new, or some of each */
    if (place == IN_WRITABLE)
        return;
    q->lost |= place == IN_DESC_TABLE;
    queue_abused(o, true);
}
