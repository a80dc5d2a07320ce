/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that answer in the wrong slot of a packed ring, or begin in the wrong one. */
#include "fault.h"
#include "impl.h"
#include "packed.h"

static bool has_packed_desc(struct vblk_ring *ring, uint32_t slot, struct vblk_packed_desc *desc)
{
    return vblk_memory_peek(ring->mem, vblk_packed_desc_at(&ring->at, slot), desc, sizeof(*desc)) == VBLK_OK;
}

/* The first slot of a buffer that was taken, or the next used slot: its last descriptor has the id. */
static struct vblk_packed_pos own_slot(struct vblk_ring *ring, uint32_t id)
{
    const uint32_t count = id < 65536 ? ring->packed.slots[id] : 0;
    struct vblk_packed_pos first = ring->packed.used, last = first;
    struct vblk_packed_desc desc;

    vblk_packed_advance(&last, ring->at.size, count > 0 ? count - 1 : 0);
    for (uint32_t i = 0; count > 0 && i < ring->packed.out; i++) {
        if (!has_packed_desc(ring, last.slot, &desc))
            break;
        if (vblk_get16(desc.id) == id && vblk_packed_is(vblk_get16(desc.flags), vblk_packed_available(last.wrap)) &&
            (vblk_get16(desc.flags) & VBLK_DESC_NEXT) == 0)
            return first;
        vblk_packed_advance(&first, ring->at.size, 1);
        vblk_packed_advance(&last, ring->at.size, 1);
    }
    return ring->packed.used;
}

/* The answer lies @from there, and the next one where it would anyway. */
static vblk_err put_from(struct vblk_ring *ring, struct vblk_packed_pos from, uint32_t id, uint32_t len, bool wrote)
{
    const uint32_t before = ring->packed.hidden;
    struct vblk_packed_pos next = ring->packed.used;

    ring->packed.used = from;
    TRY(packed_put_used_wrote(ring, id, len, wrote));
    vblk_packed_advance(&next, ring->at.size, ring->packed.hidden - before);
    ring->packed.used = next;
    return VBLK_OK;
}

static vblk_err put_at_own_slot(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    return put_from(ring, own_slot(ring, id), id, len, wrote);
}

static vblk_err put_one_after(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    struct vblk_packed_pos from = ring->packed.used;

    if (id < 65536 && ring->packed.out > ring->packed.slots[id])
        vblk_packed_advance(&from, ring->at.size, 1);
    return put_from(ring, from, id, len, wrote);
}

static vblk_err open_wrap_0(struct vblk_ring *ring)
{
    TRY(vblk_ring_packed.open(ring));
    ring->packed.used.wrap = false;
    return VBLK_OK;
}

static vblk_err put_odd_flag(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(packed_put_used_wrote(ring, id, len, wrote));
    ring->packed.armed_flags |= 1u << 3;
    return VBLK_OK;
}

static vblk_err put_big_endian(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const vblk_le16 wrong = vblk_put16((uint16_t)((id & 0xff) << 8 | (id >> 8 & 0xff)));
    const uint64_t at = vblk_packed_len_at(&ring->at, ring->packed.used.slot) + 4;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    return vblk_memory_write(ring->mem, VBLK_DEVICE, at, &wrong, sizeof(wrong));
}

/* An answer stands for a batch, and the slot behind it is marked as well. */
static vblk_err put_within_batch(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const uint32_t own = id < 65536 ? ring->packed.slots[id] : 0, before = ring->packed.hidden;
    struct vblk_packed_pos next = ring->packed.used;
    const uint32_t nothing = 0;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    if (ring->packed.hidden - before <= own)
        return VBLK_OK;
    TRY(packed_publish_used(ring));
    vblk_packed_advance(&next, ring->at.size, 1);
    return vblk_memory_write(ring->mem, VBLK_DEVICE, vblk_packed_len_at(&ring->at, next.slot), &nothing,
                             sizeof(nothing));
}

/* Into a descriptor that nobody made available. */
static vblk_err put_besides(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    struct vblk_packed_pos free = ring->packed.avail;
    struct vblk_packed_desc desc;
    const uint32_t nothing = 0;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    vblk_packed_advance(&free, ring->at.size, 1);
    if (ring->at.size < 8 || ring->packed.out > ring->at.size / 2 || !has_packed_desc(ring, free.slot, &desc) ||
        vblk_packed_is(vblk_get16(desc.flags), vblk_packed_available(free.wrap)))
        return VBLK_OK;
    return vblk_memory_write(ring->mem, VBLK_DEVICE, vblk_packed_len_at(&ring->at, free.slot), &nothing,
                             sizeof(nothing));
}

/* As if the size were a power of two. */
static vblk_err take_masked(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_packed_pos *at = &ring->packed.avail;
    const uint32_t before = at->slot;
    uint32_t next;

    TRY(packed_take(ring, chain));
    next = before + (at->slot + (at->slot <= before ? ring->at.size : 0) - before);
    *at = (struct vblk_packed_pos){ (uint16_t)(next & (ring->at.size - 1)), at->wrap };
    return VBLK_OK;
}

/* The buffer after the next one is looked at before that. */
static vblk_err take_younger_first(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_packed_pos at = ring->packed.avail;
    struct vblk_packed_desc desc;
    unsigned flags = VBLK_DESC_NEXT;

    for (uint32_t i = 0; i < ring->at.size && flags & VBLK_DESC_NEXT; i++) {
        if (!has_packed_desc(ring, at.slot, &desc) ||
            !vblk_packed_is(vblk_get16(desc.flags), vblk_packed_available(at.wrap)))
            return packed_take(ring, chain);
        flags = vblk_get16(desc.flags);
        vblk_packed_advance(&at, ring->at.size, 1);
    }
    if (has_packed_desc(ring, at.slot, &desc) &&
        vblk_packed_is(vblk_get16(desc.flags), vblk_packed_available(at.wrap)))
        TRY(vblk_memory_read(ring->mem, VBLK_DEVICE, vblk_packed_desc_at(&ring->at, at.slot), &desc, 14));
    return packed_take(ring, chain);
}

const struct vblk_ring_fault ring_faults_places[] = {
    { "used-at-own-slot", "marks a buffer used where it was made available, whatever was used before it",
      .packed = { .put_used_wrote = put_at_own_slot } },
    { "used-slot-after", "leaves out a slot when it answers", .packed = { .put_used_wrote = put_one_after } },
    { "used-wrap-starts-0", "begins with its wrap counter 0", .packed = { .open = open_wrap_0 } },
    { "used-flag-odd", "sets a bit of a used descriptor's flags that means nothing",
      .packed = { .put_used_wrote = put_odd_flag } },
    { "used-id-big-endian", "writes the id of a used descriptor most significant byte first",
      .packed = { .put_used_wrote = put_big_endian } },
    { "used-within-batch", "stores into a slot that its answer for a batch skips",
      .packed = { .put_used_wrote = put_within_batch } },
    { "used-besides", "stores into a descriptor that nobody made available", .packed = { .put_used_wrote = put_besides } },
    { "avail-slot-masked", "looks for the next buffer in slot & (size - 1)", .packed = { .take = take_masked } },
    { "younger-first", "reads the descriptor of a buffer before that of an older one",
      .packed = { .take = take_younger_first } },
    { .name = NULL },
};
