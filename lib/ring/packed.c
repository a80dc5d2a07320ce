/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both sides of a packed virtqueue (2.8) have in common: layout, and notifications.
 *
 * An event suppression structure is two half-words. Its writer stores the place before the flags that make it count
 * (release), its reader loads them the other way round (acquire), so that the place is at least as new as the flags.
 * Between showing descriptors and loading the other's structure, and between storing one's own structure and looking at
 * descriptors again, stands a full barrier: at least one of both sides sees what the other did.
 */
#include <stdlib.h>

#include "impl.h"
#include "packed.h"

static void packed_extents(uint32_t size, uint64_t features, struct vblk_extent areas[VBLK_AREAS])
{
    (void)features;
    areas[VBLK_AREA_DESC] = (struct vblk_extent){ sizeof(struct vblk_packed_desc) * (uint64_t)size, 16 };
    areas[VBLK_AREA_DRIVER] = (struct vblk_extent){ sizeof(struct vblk_packed_event), 4 };
    areas[VBLK_AREA_DEVICE] = (struct vblk_extent){ sizeof(struct vblk_packed_event), 4 };
}

static vblk_err check_layout(const struct vblk_ring *ring)
{
    struct vblk_extent areas[VBLK_AREAS];

    if (!ring_has(ring, VBLK_F_RING_PACKED))
        return VBLK_E_UNSUPPORTED;
    if (ring->at.size == 0 || ring->at.size > VBLK_PACKED_SIZE_MAX)
        return VBLK_E_INVAL;
    packed_extents(ring->at.size, ring->at.features, areas);
    return ring_check_areas(ring, areas);
}

static void packed_close(struct vblk_ring *ring)
{
    free(ring->packed.order);
    free(ring->packed.bufs);
    free(ring->packed.slots);
}

static vblk_err allocate(struct vblk_ring *ring)
{
    struct vblk_packed *p = &ring->packed;
    const uint32_t size = ring->at.size;

    p->order = calloc(size, sizeof(*p->order));
    if (ring->side == VBLK_DEVICE) {
        p->slots = calloc(VBLK_PACKED_IDS, sizeof(*p->slots)); /* an id is whatever the driver likes */
        return p->order != NULL && p->slots != NULL ? ring_make_bufs(ring) : VBLK_E_NOMEM;
    }
    p->bufs = calloc(size, sizeof(*p->bufs));
    if (p->order == NULL || p->bufs == NULL)
        return VBLK_E_NOMEM;
    for (uint32_t i = 0; i < size; i++)
        p->bufs[i].next = (uint16_t)(i + 1);
    return VBLK_OK;
}

static vblk_err packed_open(struct vblk_ring *ring)
{
    struct vblk_packed *p = &ring->packed;
    vblk_err err;

    TRY(check_layout(ring));
    err = allocate(ring);
    if (err != VBLK_OK)
        packed_close(ring);
    p->avail.wrap = p->shown.wrap = p->used.wrap = true;
    p->free = ring->at.size;
    p->event = VBLK_RING_EVENT_ENABLE;
    return err;
}

/*
 * Whether the peer wants to hear of the last @count descriptors before @end. What the text gives no meaning is taken
 * for ENABLE: a notification too many does no harm.
 */
static vblk_err decide(struct vblk_ring *ring, uint64_t area, struct vblk_packed_pos end, bool *wanted)
{
    const enum vblk_party side = (enum vblk_party)ring->side;
    struct vblk_packed *p = &ring->packed;
    uint16_t flags, event;

    vblk_memory_barrier(ring->mem, side, VBLK_FULL);
    TRY(vblk_memory_load16(ring->mem, side, vblk_packed_event_flags_at(area), VBLK_ACQUIRE, &flags));
    flags &= 3;
    *wanted = flags != VBLK_RING_EVENT_DISABLE;
    if (flags == VBLK_RING_EVENT_DESC && ring_has(ring, VBLK_F_EVENT_IDX)) {
        TRY(vblk_memory_load16(ring->mem, side, vblk_packed_event_desc_at(area), VBLK_RELAXED, &event));
        *wanted = vblk_packed_crossed(ring->at.size, end, p->unasked, event);
    }
    p->unasked = 0;
    return VBLK_OK;
}

static vblk_err packed_kick_wanted(struct vblk_ring *ring, bool *wanted)
{
    bool decided;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    TRY(decide(ring, ring->at.device, ring->packed.shown, &decided));
    *wanted = decided;
    return VBLK_OK;
}

static vblk_err packed_notify_wanted(struct vblk_ring *ring, bool *wanted)
{
    const struct vblk_packed *p = &ring->packed;
    bool decided;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    TRY(decide(ring, ring->at.driver, p->hidden != 0 ? p->armed : p->used, &decided));
    *wanted = decided;
    return VBLK_OK;
}

/* Store what the flags say if they don't say it yet. */
static vblk_err put_event(struct vblk_ring *ring, uint64_t area, uint16_t event, enum vblk_order order)
{
    TRY(vblk_memory_store16(ring->mem, (enum vblk_party)ring->side, vblk_packed_event_flags_at(area), order, event));
    ring->packed.event = event;
    return VBLK_OK;
}

static vblk_err ask_after(struct vblk_ring *ring, uint64_t area, struct vblk_packed_pos pos, uint32_t ahead)
{
    const enum vblk_party side = (enum vblk_party)ring->side;

    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_E_UNSUPPORTED;
    if (ahead >= ring->at.size)
        return VBLK_E_INVAL;
    vblk_packed_advance(&pos, ring->at.size, ahead);
    TRY(vblk_memory_store16(ring->mem, side, vblk_packed_event_desc_at(area), VBLK_RELAXED, vblk_packed_wire_pos(pos)));
    if (ring->packed.event != VBLK_RING_EVENT_DESC)
        TRY(put_event(ring, area, VBLK_RING_EVENT_DESC, VBLK_RELEASE));
    vblk_memory_barrier(ring->mem, side, VBLK_FULL);
    return VBLK_OK;
}

static vblk_err ask(struct vblk_ring *ring, uint64_t area, struct vblk_packed_pos next, bool wanted)
{
    if (!wanted)
        return put_event(ring, area, VBLK_RING_EVENT_DISABLE, VBLK_RELAXED);
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return ask_after(ring, area, next, 0);
    TRY(put_event(ring, area, VBLK_RING_EVENT_ENABLE, VBLK_RELAXED));
    vblk_memory_barrier(ring->mem, (enum vblk_party)ring->side, VBLK_FULL);
    return VBLK_OK;
}

static vblk_err packed_set_interrupts(struct vblk_ring *ring, bool wanted)
{
    return ring->side == VBLK_DRIVER ? ask(ring, ring->at.driver, ring->packed.used, wanted) : VBLK_E_STATE;
}

static vblk_err packed_interrupt_after(struct vblk_ring *ring, uint32_t ahead)
{
    return ring->side == VBLK_DRIVER ? ask_after(ring, ring->at.driver, ring->packed.used, ahead) : VBLK_E_STATE;
}

static vblk_err packed_set_notify(struct vblk_ring *ring, bool wanted)
{
    return ring->side == VBLK_DEVICE ? ask(ring, ring->at.device, ring->packed.avail, wanted) : VBLK_E_STATE;
}

static vblk_err packed_notify_after(struct vblk_ring *ring, uint32_t ahead)
{
    return ring->side == VBLK_DEVICE ? ask_after(ring, ring->at.device, ring->packed.avail, ahead) : VBLK_E_STATE;
}

const struct vblk_ring_ops vblk_ring_packed = {
    .name = "packed",
    .extents = packed_extents,
    .open = packed_open,
    .close = packed_close,
    .clear = packed_clear,
    .add = packed_add,
    .add_indirect = packed_add_indirect,
    .publish = packed_publish,
    .kick_wanted = packed_kick_wanted,
    .kick_data = packed_kick_data,
    .reap = packed_reap,
    .set_interrupts = packed_set_interrupts,
    .interrupt_after = packed_interrupt_after,
    .take = packed_take,
    .put_used = packed_put_used,
    .put_used_wrote = packed_put_used_wrote,
    .publish_used = packed_publish_used,
    .answer = packed_answer,
    .notify_wanted = packed_notify_wanted,
    .set_notify = packed_set_notify,
    .notify_after = packed_notify_after,
};
