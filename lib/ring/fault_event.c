/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications decided on wrongly, on either side. The side is the ring's. */
#include "fault.h"
#include "impl.h"
#include "packed.h"
#include "split.h"

static enum vblk_party side_of(const struct vblk_ring *ring)
{
    return (enum vblk_party)ring->side;
}

/* The peer's wishes, split. */
static uint64_t event_at(const struct vblk_ring *ring)
{
    return ring->side == VBLK_DEVICE ? vblk_split_used_event_at(&ring->at) : vblk_split_avail_event_at(&ring->at);
}

static uint64_t flags_at(const struct vblk_ring *ring)
{
    return ring->side == VBLK_DEVICE ? vblk_split_avail_flags_at(&ring->at) : vblk_split_used_flags_at(&ring->at);
}

static uint16_t shown_of(const struct vblk_ring *ring)
{
    return ring->side == VBLK_DEVICE ? ring->split.used_seen : (uint16_t)ring->split.published;
}

/* Unseen: what the reference has loaded already. */
static vblk_err peek16(const struct vblk_ring *ring, uint64_t at, uint16_t *value)
{
    vblk_le16 wire;

    TRY(vblk_memory_peek(ring->mem, at, &wire, sizeof(wire)));
    *value = vblk_get16(wire);
    return VBLK_OK;
}

/* The reference's answer. */
static vblk_err honest(struct vblk_ring *ring, bool *wanted)
{
    const struct vblk_ring_ops *ops = vblk_ring_ops_for(ring->at.features);

    return ring->side == VBLK_DEVICE ? ops->notify_wanted(ring, wanted) : ops->kick_wanted(ring, wanted);
}

/* Old <= event < new, as if neither ever wrapped. */
static vblk_err less_than(struct vblk_ring *ring, bool *wanted)
{
    const uint16_t idx = shown_of(ring), old = (uint16_t)(idx - ring->split.unasked);
    uint16_t event;

    TRY(honest(ring, wanted));
    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_OK;
    TRY(peek16(ring, event_at(ring), &event));
    *wanted = old <= event && event < idx;
    return VBLK_OK;
}

/* Equal to the last one shown, so a batch jumps over it. */
static vblk_err last_only(struct vblk_ring *ring, bool *wanted)
{
    const uint16_t idx = shown_of(ring);
    uint16_t event;

    TRY(honest(ring, wanted));
    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_OK;
    TRY(peek16(ring, event_at(ring), &event));
    *wanted = (uint16_t)(event + 1) == idx;
    return VBLK_OK;
}

static vblk_err off_by_one(struct vblk_ring *ring, bool *wanted)
{
    const uint64_t unasked = ring->split.unasked;
    const uint16_t idx = shown_of(ring);
    uint16_t event;

    TRY(honest(ring, wanted));
    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_OK;
    TRY(peek16(ring, event_at(ring), &event));
    *wanted = (uint16_t)(idx - event - 2) < unasked;
    return VBLK_OK;
}

static vblk_err always(struct vblk_ring *ring, bool *wanted)
{
    TRY(honest(ring, wanted));
    *wanted = true;
    return VBLK_OK;
}

static vblk_err never(struct vblk_ring *ring, bool *wanted)
{
    TRY(honest(ring, wanted));
    *wanted = false;
    return VBLK_OK;
}

static vblk_err always_with_event(struct vblk_ring *ring, bool *wanted)
{
    TRY(honest(ring, wanted));
    *wanted |= ring_has(ring, VBLK_F_EVENT_IDX);
    return VBLK_OK;
}

static vblk_err always_without_event(struct vblk_ring *ring, bool *wanted)
{
    TRY(honest(ring, wanted));
    *wanted |= !ring_has(ring, VBLK_F_EVENT_IDX);
    return VBLK_OK;
}

static vblk_err never_without_event(struct vblk_ring *ring, bool *wanted)
{
    TRY(honest(ring, wanted));
    *wanted &= ring_has(ring, VBLK_F_EVENT_IDX);
    return VBLK_OK;
}

/* With EVENT_IDX bit 0 of flags means nothing. */
static vblk_err flags_with_event(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags;

    TRY(honest(ring, wanted));
    TRY(peek16(ring, flags_at(ring), &flags));
    *wanted &= (flags & 1) == 0;
    return VBLK_OK;
}

/* Without EVENT_IDX nothing stands where the event index would. */
static vblk_err event_without_feature(struct vblk_ring *ring, bool *wanted)
{
    const uint16_t idx = shown_of(ring);
    uint16_t event;

    TRY(honest(ring, wanted));
    if (ring_has(ring, VBLK_F_EVENT_IDX) || peek16(ring, event_at(ring), &event) != VBLK_OK)
        return VBLK_OK;
    *wanted &= (uint16_t)(event + 1) == idx || event == 0;
    return VBLK_OK;
}

/* The barrier between showing and looking at the other's wishes is left out: looked at first. */
static vblk_err split_no_barrier(struct vblk_ring *ring, bool *wanted)
{
    const bool events = ring_has(ring, VBLK_F_EVENT_IDX);
    uint16_t value;

    TRY(vblk_memory_load16(ring->mem, side_of(ring), events ? event_at(ring) : flags_at(ring), VBLK_RELAXED, &value));
    *wanted = events ? (uint16_t)(shown_of(ring) - value - 1) < ring->split.unasked : (value & 1) == 0;
    ring->split.unasked = 0;
    return VBLK_OK;
}

static uint64_t wishes_at(const struct vblk_ring *ring)
{
    return ring->side == VBLK_DEVICE ? ring->at.driver : ring->at.device;
}

static struct vblk_packed_pos end_of(const struct vblk_ring *ring)
{
    const struct vblk_packed *p = &ring->packed;

    return ring->side == VBLK_DRIVER ? p->shown : p->hidden != 0 ? p->armed : p->used;
}

static vblk_err packed_no_barrier(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags, event;

    TRY(vblk_memory_load16(ring->mem, side_of(ring), vblk_packed_event_flags_at(wishes_at(ring)), VBLK_RELAXED, &flags));
    *wanted = (flags & 3) != VBLK_RING_EVENT_DISABLE;
    if ((flags & 3) == VBLK_RING_EVENT_DESC && ring_has(ring, VBLK_F_EVENT_IDX)) {
        TRY(vblk_memory_load16(ring->mem, side_of(ring), vblk_packed_event_desc_at(wishes_at(ring)), VBLK_RELAXED, &event));
        *wanted = vblk_packed_crossed(ring->at.size, end_of(ring), ring->packed.unasked, event);
    }
    ring->packed.unasked = 0;
    return VBLK_OK;
}

/* The place alone decides, whatever its wrap counter says. */
static vblk_err packed_no_wrap(struct vblk_ring *ring, bool *wanted)
{
    const struct vblk_packed_pos end = end_of(ring);
    const uint32_t count = ring->packed.unasked;
    uint16_t flags, event;

    TRY(honest(ring, wanted));
    TRY(peek16(ring, vblk_packed_event_flags_at(wishes_at(ring)), &flags));
    if ((flags & 3) != VBLK_RING_EVENT_DESC || !ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_OK;
    TRY(peek16(ring, vblk_packed_event_desc_at(wishes_at(ring)), &event));
    *wanted = vblk_packed_crossed(ring->at.size, end, count, event) ||
              vblk_packed_crossed(ring->at.size, end, count, event ^ VBLK_RING_EVENT_WRAP);
    return VBLK_OK;
}

/* As if the other one's wrap counter were always the one that began. */
static vblk_err packed_wrap_one(struct vblk_ring *ring, bool *wanted)
{
    const struct vblk_packed_pos end = end_of(ring);
    const uint32_t count = ring->packed.unasked;
    uint16_t flags, event;

    TRY(honest(ring, wanted));
    TRY(peek16(ring, vblk_packed_event_flags_at(wishes_at(ring)), &flags));
    if ((flags & 3) != VBLK_RING_EVENT_DESC || !ring_has(ring, VBLK_F_EVENT_IDX))
        return VBLK_OK;
    TRY(peek16(ring, vblk_packed_event_desc_at(wishes_at(ring)), &event));
    *wanted = vblk_packed_crossed(ring->at.size, end, count, event | VBLK_RING_EVENT_WRAP);
    return VBLK_OK;
}

/* One's own wishes. */

/* Asks for nothing, ever: what it says first stands for good. */
static vblk_err never_asks(struct vblk_ring *ring, bool wanted)
{
    (void)ring;
    (void)wanted;
    return VBLK_OK;
}

/* Bits of the flags that mean nothing. */
static vblk_err odd_flags(struct vblk_ring *ring, bool wanted)
{
    const uint64_t at = ring->side == VBLK_DEVICE ? vblk_split_used_flags_at(&ring->at)
                                                  : vblk_split_avail_flags_at(&ring->at);
    const vblk_err err = ring->side == VBLK_DEVICE ? vblk_ring_split.set_notify(ring, wanted)
                                                   : vblk_ring_split.set_interrupts(ring, wanted);

    return err != VBLK_OK ? err : vblk_memory_store16(ring->mem, side_of(ring), at, VBLK_RELAXED, 2);
}

/* The flag as well, where the event index says it all. */
static vblk_err flag_and_event(struct vblk_ring *ring, bool wanted)
{
    const uint64_t at = ring->side == VBLK_DEVICE ? vblk_split_used_flags_at(&ring->at)
                                                  : vblk_split_avail_flags_at(&ring->at);
    const vblk_err err = ring->side == VBLK_DEVICE ? vblk_ring_split.set_notify(ring, wanted)
                                                   : vblk_ring_split.set_interrupts(ring, wanted);

    return err != VBLK_OK ? err : vblk_memory_store16(ring->mem, side_of(ring), at, VBLK_RELAXED, 1);
}

static uint64_t own_at(const struct vblk_ring *ring)
{
    return ring->side == VBLK_DEVICE ? ring->at.device : ring->at.driver;
}

static vblk_err packed_asks(struct vblk_ring *ring, bool wanted)
{
    return ring->side == VBLK_DEVICE ? vblk_ring_packed.set_notify(ring, wanted)
                                     : vblk_ring_packed.set_interrupts(ring, wanted);
}

static vblk_err packed_reserved_flags(struct vblk_ring *ring, bool wanted)
{
    TRY(packed_asks(ring, wanted));
    return vblk_memory_store16(ring->mem, side_of(ring), vblk_packed_event_flags_at(own_at(ring)), VBLK_RELAXED, 3);
}

static vblk_err packed_reserved_bits(struct vblk_ring *ring, bool wanted)
{
    TRY(packed_asks(ring, wanted));
    return vblk_memory_store16(ring->mem, side_of(ring), vblk_packed_event_flags_at(own_at(ring)), VBLK_RELAXED,
                               ring->packed.event | 0x10);
}

static vblk_err packed_desc_without_feature(struct vblk_ring *ring, bool wanted)
{
    TRY(packed_asks(ring, wanted));
    return vblk_memory_store16(ring->mem, side_of(ring), vblk_packed_event_flags_at(own_at(ring)), VBLK_RELAXED,
                               VBLK_RING_EVENT_DESC);
}

/*
 * Wants no notifications while it works, asks for them when it finds nothing more, and does not look again: what the
 * other side published between is lost. note[0]: it asked; note[1]: it works.
 */
static vblk_err ask_blindly(struct vblk_ring *ring, bool wanted)
{
    const struct vblk_ring_ops *ops = vblk_ring_ops_for(ring->at.features);

    ring->note[0] = wanted;
    return ring->side == VBLK_DEVICE ? ops->set_notify(ring, wanted) : ops->set_interrupts(ring, wanted);
}

/* Before it looks. @return VBLK_E_EMPTY: it does not. */
static vblk_err begin_look(struct vblk_ring *ring)
{
    if (ring->note[0] != 0) {
        ring->note[0] = 0;
        return VBLK_E_EMPTY;
    }
    if (ring->note[1] != 0)
        return VBLK_OK;
    ring->note[1] = 1;
    return ask_blindly(ring, false);
}

static vblk_err end_look(struct vblk_ring *ring, vblk_err found)
{
    if (found != VBLK_E_EMPTY)
        return found;
    ring->note[1] = 0;
    TRY(ask_blindly(ring, true));
    ring->note[0] = 0;
    return VBLK_E_EMPTY;
}

static vblk_err take_blindly(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(begin_look(ring));
    return end_look(ring, vblk_ring_ops_for(ring->at.features)->take(ring, chain));
}

static vblk_err reap_blindly(struct vblk_ring *ring, struct vblk_used *used)
{
    TRY(begin_look(ring));
    return end_look(ring, vblk_ring_ops_for(ring->at.features)->reap(ring, used));
}

/* As they may, and as one has to. */
static vblk_err take_silently(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct vblk_ring_ops *ops = vblk_ring_ops_for(ring->at.features);

    TRY(ops->set_notify(ring, false));
    const vblk_err err = ops->take(ring, chain);
    if (err != VBLK_E_EMPTY)
        return err;
    TRY(ops->set_notify(ring, true));
    return ops->take(ring, chain);
}

static vblk_err reap_silently(struct vblk_ring *ring, struct vblk_used *used)
{
    const struct vblk_ring_ops *ops = vblk_ring_ops_for(ring->at.features);

    TRY(ops->set_interrupts(ring, false));
    const vblk_err err = ops->reap(ring, used);
    if (err != VBLK_E_EMPTY)
        return err;
    TRY(ops->set_interrupts(ring, true));
    return ops->reap(ring, used);
}

#define SILENTLY { .take = take_silently, .reap = reap_silently }
#define BLINDLY { ASKS(ask_blindly), .take = take_blindly, .reap = reap_blindly }
#define DECIDES(fn) .kick_wanted = (fn), .notify_wanted = (fn)
#define ASKS(fn) .set_interrupts = (fn), .set_notify = (fn)

const struct vblk_ring_fault ring_faults_event[] = {
    { "event-less-than", "compares the event index with <, which is wrong when indices wrap", .split = { DECIDES(less_than) } },
    { "event-last-only", "compares the event index with the last entry only, so that a batch jumps over it",
      .split = { DECIDES(last_only) } },
    { "event-off-by-one", "notifies one entry after the one that the event index names", .split = { DECIDES(off_by_one) } },
    { "event-ignored", "notifies for each entry whatever the event index says", .split = { DECIDES(always_with_event) },
      .packed = { DECIDES(always_with_event) } },
    { "notify-always", "notifies whatever the other side asked for", .split = { DECIDES(always) },
      .packed = { DECIDES(always) } },
    { "notify-never", "never notifies", .split = { DECIDES(never) }, .packed = { DECIDES(never) } },
    { "flag-ignored", "notifies although the flag says that it need not", .split = { DECIDES(always_without_event) } },
    { "flag-never", "does not notify although no flag says so", .split = { DECIDES(never_without_event) } },
    { "flag-with-event", "heeds the flag that means nothing with EVENT_IDX", .split = { DECIDES(flags_with_event) } },
    { "event-without-feature", "heeds an event index although EVENT_IDX was not negotiated",
      .split = { DECIDES(event_without_feature) } },
    { "decides-without-barrier", "looks at the other side's wishes without a barrier before",
      .split = { DECIDES(split_no_barrier) }, .packed = { DECIDES(packed_no_barrier) } },
    { "event-wrap-ignored", "notifies at the place that was asked for whatever its wrap counter",
      .packed = { DECIDES(packed_no_wrap) } },
    { "event-wrap-one", "takes the wrap counter of the place that was asked for to be 1", .packed = { DECIDES(packed_wrap_one) } },
    { "never-asks", "does not ask for the next notification before it waits", .split = { ASKS(never_asks) },
      .packed = { ASKS(never_asks) } },
    { "asks-blindly", "asks for notifications again and does not look at the ring again", .split = BLINDLY, .packed = BLINDLY },
    { "silent-while-busy", "asks for no notifications while it works, which it may", .split = SILENTLY, .packed = SILENTLY },
    { "own-flags-odd", "sets a flag of its ring that means nothing", .split = { ASKS(odd_flags) } },
    { "own-flag-with-event", "sets the flag that must be 0 with EVENT_IDX", .split = { ASKS(flag_and_event) } },
    { "event-flags-reserved", "asks with the reserved value of the event flags", .packed = { ASKS(packed_reserved_flags) } },
    { "event-bits-reserved", "sets reserved bits in its event structure", .packed = { ASKS(packed_reserved_bits) } },
    { "event-desc-unnegotiated", "asks for a descriptor although EVENT_IDX was not negotiated",
      .packed = { ASKS(packed_desc_without_feature) } },
    { .name = NULL },
};
