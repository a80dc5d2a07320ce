/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's half of a packed virtqueue. Whether a buffer is available stands in its first descriptor's flags alone
 * (acquire): they are loaded first, the other 14 bytes after them, so that no byte is loaded twice. The descriptors
 * that follow were complete before those flags: one load of 16 bytes each.
 * An answer is length and id, then flags; of several answers the first one's flags come last (release), since the
 * driver polls that one descriptor.
 */
#include "impl.h"
#include "packed.h"

static inline vblk_err append(struct vblk_ring *ring, struct vblk_chain *chain, const struct vblk_packed_desc *desc,
                              bool first)
{
    const unsigned flags = vblk_get16(desc->flags);

    if (__builtin_expect((flags & VBLK_DESC_INDIRECT) == 0, 1)) {
        chain->fault = (uint8_t)chain_append(ring, chain, region_guess(ring->mem, GUESS_COVERS),
                                             vblk_get64(desc->addr), vblk_get32(desc->len),
                                             (flags & VBLK_DESC_WRITE) != 0);
        return VBLK_OK;
    }
    if (!ring_has(ring, VBLK_F_INDIRECT_DESC)) {
        chain->fault = VBLK_CHAIN_INDIRECT;
        return VBLK_OK;
    }
    if (!first || flags & VBLK_DESC_NEXT) {
        chain->fault = VBLK_CHAIN_INDIRECT_MIXED;
        return VBLK_OK;
    }
    return chain_walk_table(ring, chain, vblk_get64(desc->addr), vblk_get32(desc->len));
}

static vblk_err broken(struct vblk_ring *ring, struct vblk_chain *chain, enum vblk_chain_fault fault)
{
    ring->broken = true;
    chain->fault = (uint8_t)fault;
    return VBLK_OK;
}

/* The whole chain was seen: it is the device's until it is answered. */
static inline vblk_err accept(struct vblk_ring *ring, struct vblk_chain *chain, uint32_t slots)
{
    struct vblk_packed *p = &ring->packed;

    if (p->slots[chain->id] != 0)
        return broken(ring, chain, VBLK_CHAIN_ID_BUSY);
    p->slots[chain->id] = (uint16_t)slots;
    p->out += slots;
    p->order[p->order_in] = chain->id;
    p->order_in = next_in_order(ring, p->order_in);
    vblk_packed_advance(&p->avail, ring->at.size, slots);
    return VBLK_OK;
}

/* After a fault in an element the chain is still followed: its end says where the next one begins, and its id. */
static inline vblk_err walk(struct vblk_ring *ring, struct vblk_chain *chain, struct vblk_packed_desc *desc)
{
    struct vblk_packed *p = &ring->packed;
    const uint32_t size = ring->at.size, taken = p->out + p->hidden;
    unsigned mark = vblk_packed_available(p->avail.wrap);
    uint32_t slot = p->avail.slot, slots = 0;

    for (;;) {
        if (taken + slots >= size)
            return broken(ring, chain, slots == size ? VBLK_CHAIN_TOO_LONG : VBLK_CHAIN_OVERRUN);
        if (slots++ != 0) {
            TRY(ring_read(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_desc_at(&ring->at, slot), desc, sizeof(*desc)));
            if (!vblk_packed_is(vblk_get16(desc->flags), mark))
                return broken(ring, chain, VBLK_CHAIN_UNAVAILABLE);
        }
        if (chain->fault == VBLK_CHAIN_OK)
            TRY(append(ring, chain, desc, slots == 1));
        if ((vblk_get16(desc->flags) & VBLK_DESC_NEXT) == 0)
            break;
        if (++slot == size) {
            slot = 0;
            mark ^= VBLK_DESC_AVAIL | VBLK_DESC_USED;
        }
    }
    chain->id = vblk_get16(desc->id);
    return accept(ring, chain, slots);
}

vblk_err packed_take(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct vblk_packed_pos at = ring->packed.avail;
    struct vblk_packed_desc desc;
    uint16_t flags;

    if (ring->side != VBLK_DEVICE || ring->broken)
        return VBLK_E_STATE;
    TRY(ring_load16(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, at.slot), VBLK_ACQUIRE,
                    &flags));
    if (!vblk_packed_is(flags, vblk_packed_available(at.wrap)))
        return VBLK_E_EMPTY;
    TRY(ring_read(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_desc_at(&ring->at, at.slot), &desc,
                  offsetof(struct vblk_packed_desc, flags)));
    desc.flags = vblk_put16(flags);
    chain_begin(ring, chain);
    return walk(ring, chain, &desc);
}

/* How many descriptors an answer is for; an answer to nothing takes one. With IN_ORDER, all from the oldest on. */
static uint32_t covered(const struct vblk_ring *ring, uint32_t id)
{
    const struct vblk_packed *p = &ring->packed;
    uint32_t slots = 0, i = p->order_out;

    if (id >= 65536 || p->slots[id] == 0)
        return 1;
    if (!ring_has(ring, VBLK_F_IN_ORDER))
        return p->slots[id];
    for (; p->order[i] != id; i = next_in_order(ring, i))
        slots += p->slots[p->order[i]];
    return slots + p->slots[id];
}

/* Those buffers are no longer the device's. */
static void forget(struct vblk_ring *ring, uint32_t id, uint32_t slots)
{
    struct vblk_packed *p = &ring->packed;
    uint16_t last;

    if (id >= 65536 || p->slots[id] == 0)
        return;
    p->out -= slots;
    if (!ring_has(ring, VBLK_F_IN_ORDER)) {
        p->slots[id] = 0;
        return;
    }
    do {
        last = p->order[p->order_out];
        p->slots[last] = 0;
        p->order_out = next_in_order(ring, p->order_out);
    } while (last != id);
}

vblk_err packed_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    struct vblk_packed *p = &ring->packed;
    const unsigned flags = vblk_packed_used(p->used.wrap) | (wrote ? VBLK_DESC_WRITE : 0u);
    const uint64_t answer = ring_le64(len | (uint64_t)(uint16_t)id << 32);
    uint32_t slots;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    slots = covered(ring, id);
    if (p->hidden + slots > ring->at.size)
        return VBLK_E_FULL;
    TRY(ring_write(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_len_at(&ring->at, p->used.slot), &answer, 6));
    if (p->hidden == 0) {
        p->armed = p->used;
        p->armed_flags = (uint16_t)flags;
    } else {
        TRY(ring_store16(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, p->used.slot),
                         VBLK_RELAXED, (uint16_t)flags));
    }
    forget(ring, id, slots);
    p->hidden += slots;
    vblk_packed_advance(&p->used, ring->at.size, slots);
    return VBLK_OK;
}

vblk_err packed_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    return packed_put_used_wrote(ring, id, len, len != 0);
}

vblk_err packed_publish_used(struct vblk_ring *ring)
{
    struct vblk_packed *p = &ring->packed;
    const uint32_t most = 2 * ring->at.size;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if (p->hidden == 0)
        return VBLK_OK;
    TRY(ring_store16(ring, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, p->armed.slot), VBLK_RELEASE,
                     p->armed_flags));
    p->unasked = p->unasked + p->hidden < most ? p->unasked + p->hidden : most;
    p->hidden = 0;
    return VBLK_OK;
}
