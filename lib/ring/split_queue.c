/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both sides of a split virtqueue have in common: layout (2.7), and notifications (2.7.7, 2.7.10).
 *
 * Between the store of one's idx and the load of the other's flags or event index, and between the store of one's own
 * and looking at the other's idx again, stands a full barrier: at least one of both sides sees what the other did. With
 * EVENT_IDX nobody looks at flags, without it nobody at the event indices: a peer may have left them out.
 */
#include <stdlib.h>

#include "impl.h"
#include "split.h"

static void split_extents(uint32_t size, uint64_t features, struct vblk_extent areas[VBLK_AREAS])
{
    (void)features; /* the field for the event index is part of the area whether it is used or not */
    areas[VBLK_AREA_DESC] = (struct vblk_extent){ 16 * (uint64_t)size, 16 };
    areas[VBLK_AREA_DRIVER] = (struct vblk_extent){ 6 + 2 * (uint64_t)size, 2 };
    areas[VBLK_AREA_DEVICE] = (struct vblk_extent){ 6 + 8 * (uint64_t)size, 4 };
}

/* The areas as far as they are used. */
static void used_extents(const struct vblk_ring *ring, struct vblk_extent areas[VBLK_AREAS])
{
    split_extents(ring->at.size, ring->at.features, areas);
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return;
    areas[VBLK_AREA_DRIVER].bytes -= 2;
    areas[VBLK_AREA_DEVICE].bytes -= 2;
}

static vblk_err check_layout(const struct vblk_ring *ring)
{
    struct vblk_extent areas[VBLK_AREAS];

    if (ring_has(ring, VBLK_F_RING_PACKED))
        return VBLK_E_UNSUPPORTED;
    if (ring->at.size == 0 || ring->at.size > VBLK_SPLIT_SIZE_MAX || (ring->at.size & (ring->at.size - 1)) != 0)
        return VBLK_E_INVAL;
    used_extents(ring, areas);
    return ring_check_areas(ring, areas);
}

static void split_close(struct vblk_ring *ring)
{
    free(ring->split.slots);
    free(ring->split.next);
    free(ring->split.order);
}

static vblk_err split_open(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint32_t size = ring->at.size;

    TRY(check_layout(ring));
    s->in_order = ring_has(ring, VBLK_F_IN_ORDER);
    if (ring->side == VBLK_DEVICE) {
        if (s->in_order && (s->order = calloc(size, sizeof(*s->order))) == NULL)
            return VBLK_E_NOMEM;
        if (ring_make_bufs(ring) == VBLK_OK)
            return VBLK_OK;
        split_close(ring);
        return VBLK_E_NOMEM;
    }
    s->slots = calloc(size, sizeof(*s->slots));
    s->next = calloc(size, sizeof(*s->next));
    if (s->slots == NULL || s->next == NULL) {
        split_close(ring);
        return VBLK_E_NOMEM;
    }
    for (uint32_t i = 0; i < size; i++) {
        s->next[i] = (uint16_t)((i + 1) & (size - 1));
        s->slots[i].seq = UINT64_MAX;
    }
    s->free = size;
    return VBLK_OK;
}

static vblk_err split_clear(struct vblk_ring *ring)
{
    const uint64_t where[VBLK_AREAS] = { ring->at.desc, ring->at.driver, ring->at.device };
    struct vblk_extent areas[VBLK_AREAS];

    if (ring->side != VBLK_DRIVER || ring->split.added != 0)
        return VBLK_E_STATE;
    used_extents(ring, areas);
    for (int i = 0; i < VBLK_AREAS; i++)
        TRY(vblk_memory_fill(ring->mem, VBLK_DRIVER, where[i], 0, (size_t)areas[i].bytes));
    return VBLK_OK;
}

/*
 * Whether the entry at the position that the event index names is among those shown since the last decision, which end
 * before @idx.
 */
static vblk_err crossed(struct vblk_ring *ring, uint64_t event_at, uint16_t idx, bool *wanted)
{
    uint16_t event;

    TRY(vblk_memory_load16(ring->mem, (enum vblk_party)ring->side, event_at, VBLK_RELAXED, &event));
    *wanted = (uint16_t)(idx - event - 1) < ring->split.unasked;
    ring->split.unasked = 0;
    return VBLK_OK;
}

static vblk_err split_kick_wanted(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    vblk_memory_barrier(ring->mem, VBLK_DRIVER, VBLK_FULL);
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return crossed(ring, vblk_split_avail_event_at(&ring->at), (uint16_t)ring->split.published, wanted);
    TRY(vblk_memory_load16(ring->mem, VBLK_DRIVER, vblk_split_used_flags_at(&ring->at), VBLK_RELAXED, &flags));
    *wanted = (flags & VBLK_USED_NO_NOTIFY) == 0;
    return VBLK_OK;
}

static vblk_err split_notify_wanted(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    vblk_memory_barrier(ring->mem, VBLK_DEVICE, VBLK_FULL);
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return crossed(ring, vblk_split_used_event_at(&ring->at), ring->split.used_seen, wanted);
    TRY(vblk_memory_load16(ring->mem, VBLK_DEVICE, vblk_split_avail_flags_at(&ring->at), VBLK_RELAXED, &flags));
    *wanted = (flags & VBLK_AVAIL_NO_INTERRUPT) == 0;
    return VBLK_OK;
}

static vblk_err split_kick_data(const struct vblk_ring *ring, uint16_t vq, uint32_t *data)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    *data = vq | (uint32_t)(uint16_t)ring->split.published << 16;
    return VBLK_OK;
}

/* Store what asks for notifications or doesn't. The barrier lets the caller look once more and miss nothing. */
static vblk_err put_wish(struct vblk_ring *ring, uint64_t at, uint16_t value, bool wanted)
{
    TRY(vblk_memory_store16(ring->mem, (enum vblk_party)ring->side, at, VBLK_RELAXED, value));
    if (wanted)
        vblk_memory_barrier(ring->mem, (enum vblk_party)ring->side, VBLK_FULL);
    return VBLK_OK;
}

/* There is no such thing as never: the last position before @next comes again after 65535 others. */
static uint16_t event_index(uint16_t next, bool wanted)
{
    return (uint16_t)(wanted ? next : next - 1);
}

static vblk_err split_set_interrupts(struct vblk_ring *ring, bool wanted)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return put_wish(ring, vblk_split_used_event_at(&ring->at), event_index(ring->split.used_next, wanted), wanted);
    return put_wish(ring, vblk_split_avail_flags_at(&ring->at), wanted ? 0 : VBLK_AVAIL_NO_INTERRUPT, wanted);
}

static vblk_err split_set_notify(struct vblk_ring *ring, bool wanted)
{
    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if (ring_has(ring, VBLK_F_EVENT_IDX))
        return put_wish(ring, vblk_split_avail_event_at(&ring->at), event_index(ring->split.avail_next, wanted),
                        wanted);
    return put_wish(ring, vblk_split_used_flags_at(&ring->at), wanted ? 0 : VBLK_USED_NO_NOTIFY, wanted);
}

static vblk_err ask_after(struct vblk_ring *ring, uint64_t event_at, uint16_t next, uint32_t ahead)
{
    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_E_UNSUPPORTED;
    if (ahead >= ring->at.size)
        return VBLK_E_INVAL;
    return put_wish(ring, event_at, (uint16_t)(next + ahead), true);
}

static vblk_err split_interrupt_after(struct vblk_ring *ring, uint32_t ahead)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    return ask_after(ring, vblk_split_used_event_at(&ring->at), ring->split.used_next, ahead);
}

static vblk_err split_notify_after(struct vblk_ring *ring, uint32_t ahead)
{
    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    return ask_after(ring, vblk_split_avail_event_at(&ring->at), ring->split.avail_next, ahead);
}

const struct vblk_ring_ops vblk_ring_split = {
    .name = "split",
    .extents = split_extents,
    .open = split_open,
    .close = split_close,
    .clear = split_clear,
    .add = split_add,
    .add_indirect = split_add_indirect,
    .publish = split_publish,
    .kick_wanted = split_kick_wanted,
    .kick_data = split_kick_data,
    .reap = split_reap,
    .set_interrupts = split_set_interrupts,
    .interrupt_after = split_interrupt_after,
    .take = split_take,
    .put_used = split_put_used,
    .put_used_wrote = split_put_used_wrote,
    .publish_used = split_publish_used,
    .answer = split_answer,
    .notify_wanted = split_notify_wanted,
    .set_notify = split_set_notify,
    .notify_after = split_notify_after,
};
