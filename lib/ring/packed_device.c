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

#define FLAGS(flag) ((uint32_t)(flag) << 16)

/* Flags that say that a descriptor is available. */
static inline bool is_available(uint32_t more, uint32_t mark)
{
    return (more & FLAGS(VBLK_DESC_AVAIL | VBLK_DESC_USED)) == mark;
}

/* The first descriptor, whose flags, which are in @more, said that it is there. */
EACH_WAY vblk_err get_first(struct vblk_ring *ring, enum way way, uint32_t more, struct words *desc)
{
    const uint64_t at = vblk_packed_desc_at(&ring->at, ring->packed.avail.slot);
    struct vblk_packed_desc copy;

    if (way == PLAIN) {
        const uint8_t *host = ring_host(ring, VBLK_AREA_DESC, at);
        desc->addr = le64(*(const shared64 *)(const void *)host);
        desc->len = le32(*(const shared32 *)(const void *)(host + offsetof(struct vblk_packed_desc, len)));
        desc->more = get16_even(host + offsetof(struct vblk_packed_desc, id), VBLK_RELAXED) | more;
        return VBLK_OK;
    }
    TRY(ring_read(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, at, &copy, offsetof(struct vblk_packed_desc, flags)));
    *desc = (struct words){ vblk_get64(copy.addr), vblk_get32(copy.len), vblk_get16(copy.id) | more };
    return VBLK_OK;
}

/* Where a chain was followed to. */
struct place {
    uint32_t slot, slots; /* @slots: descriptors so far */
    uint32_t most;        /* that may be available */
    uint32_t mark;        /* what says that they are */
};

static inline struct place place_begin(const struct vblk_ring *ring, uint32_t mark)
{
    const struct vblk_packed *p = &ring->packed;
    const uint32_t size = ring->at.size, taken = p->out + p->hidden;

    return (struct place){ p->avail.slot, 0, likely(taken < size) ? size - taken : 0, mark };
}

static vblk_err broken(struct vblk_ring *ring, struct vblk_chain *chain, enum vblk_chain_fault fault)
{
    ring_break(ring);
    chain->id = 0;
    chain->fault = (uint8_t)fault;
    return VBLK_OK;
}

/* No room for another descriptor that the driver could own. */
static vblk_err broken_by_length(struct vblk_ring *ring, struct vblk_chain *chain, uint32_t slots)
{
    return broken(ring, chain, slots == ring->at.size ? VBLK_CHAIN_TOO_LONG : VBLK_CHAIN_OVERRUN);
}

static inline void step(const struct vblk_ring *ring, struct place *at)
{
    if (unlikely(++at->slot == ring->at.size)) {
        at->slot = 0;
        at->mark ^= FLAGS(VBLK_DESC_AVAIL | VBLK_DESC_USED);
    }
}

/* The whole chain was seen, and @at is behind it: it is the device's until it is answered. */
static inline vblk_err accept(struct vblk_ring *ring, struct vblk_chain *chain, const struct place *at, uint32_t more)
{
    struct vblk_packed *p = &ring->packed;
    const uint16_t id = (uint16_t)more;

    if (unlikely(p->slots[id] != 0))
        return broken(ring, chain, VBLK_CHAIN_ID_BUSY);
    chain->id = id;
    p->slots[id] = (uint16_t)at->slots;
    p->out += at->slots;
    p->avail.slot = (uint16_t)at->slot;
    p->avail.wrap = (at->mark & FLAGS(VBLK_DESC_AVAIL)) != 0;
    if (unlikely(ring_has(ring, VBLK_F_IN_ORDER))) {
        p->order[p->order_in] = id;
        p->order_in = next_in_order(ring, p->order_in);
    }
    return VBLK_OK;
}

static vblk_err append(struct vblk_ring *ring, struct vblk_chain *chain, const struct words *desc, bool first)
{
    if (!(desc->more & FLAGS(VBLK_DESC_INDIRECT)))
        chain->fault = (uint8_t)chain_append(ring, chain, desc->addr, desc->len,
                                             (desc->more & FLAGS(VBLK_DESC_WRITE)) != 0);
    else if (!ring_has(ring, VBLK_F_INDIRECT_DESC))
        chain->fault = VBLK_CHAIN_INDIRECT;
    else if (!first || desc->more & FLAGS(VBLK_DESC_NEXT))
        chain->fault = VBLK_CHAIN_INDIRECT_MIXED;
    else
        return chain_walk_table(ring, chain, desc->addr, desc->len);
    return VBLK_OK;
}

/*
 * From a descriptor on that was loaded and is available. After a fault in an element the chain is still followed: its end
 * says where the next one begins, and its id.
 */
RARE vblk_err walk_on(struct vblk_ring *ring, struct vblk_chain *chain, struct words desc, struct place at)
{
    for (;;) {
        if (chain->fault == VBLK_CHAIN_OK)
            TRY(append(ring, chain, &desc, at.slots == 0));
        step(ring, &at);
        at.slots++;
        if (!(desc.more & FLAGS(VBLK_DESC_NEXT)))
            return accept(ring, chain, &at, desc.more);
        if (at.slots == at.most)
            return broken_by_length(ring, chain, at.slots);
        TRY(ring_get_desc(ring, ANY, at.slot, &desc));
        if (!is_available(desc.more, at.mark))
            return broken(ring, chain, VBLK_CHAIN_UNAVAILABLE);
    }
}

/* As walk_on(), from the first descriptor on. */
EACH_WAY vblk_err walk(struct vblk_ring *ring, enum way way, struct vblk_chain *chain, struct words desc, uint32_t mark)
{
    struct usual usual = usual_begin(ring, chain);
    struct place at = place_begin(ring, mark);

    usual_readable(&usual, chain);
    if (unlikely(at.most == 0)) {
        usual_end(&usual, chain);
        return broken_by_length(ring, chain, 0);
    }
    while (likely(!(desc.more & FLAGS(VBLK_DESC_INDIRECT))) &&
           usual_append(&usual, chain, desc.addr, desc.len, (desc.more & FLAGS(VBLK_DESC_WRITE)) != 0)) {
        step(ring, &at);
        at.slots = usual.n;
        if (!(desc.more & FLAGS(VBLK_DESC_NEXT))) {
            usual_end(&usual, chain);
            return accept(ring, chain, &at, desc.more);
        }
        if (unlikely(usual.n == at.most)) {
            usual_end(&usual, chain);
            return broken_by_length(ring, chain, at.slots);
        }
        TRY(ring_get_desc(ring, way, at.slot, &desc));
        if (unlikely(!is_available(desc.more, at.mark))) {
            usual_end(&usual, chain);
            return broken(ring, chain, VBLK_CHAIN_UNAVAILABLE);
        }
    }
    usual_end(&usual, chain);
    return walk_on(ring, chain, desc, at);
}

EACH_WAY vblk_err take(struct vblk_ring *ring, enum way way, struct vblk_chain *chain)
{
    const struct vblk_packed_pos at = ring->packed.avail;
    const uint32_t mark = FLAGS(vblk_packed_available(at.wrap));
    struct words desc;
    uint32_t more;
    uint16_t flags;

    TRY(ring_load16(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, at.slot), VBLK_ACQUIRE,
                    &flags));
    more = FLAGS(flags);
    if (!is_available(more, mark))
        return VBLK_E_EMPTY;
    TRY(get_first(ring, way, more, &desc));
    return walk(ring, way, chain, desc, mark);
}

/* The ring need not hold these any more: answers to others may have been written over them. It goes on where it is. */
RARE vblk_err take_again(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct vblk_resume *from = &ring->resume;
    struct vblk_packed *p = &ring->packed;
    struct place at = { .slot = p->avail.slot, .mark = FLAGS(vblk_packed_available(p->avail.wrap)) };
    struct words desc;

    chain_begin(ring, chain);
    do {
        const struct vblk_packed_desc *kept = &from->again[p->again++];

        desc = (struct words){ vblk_get64(kept->addr), vblk_get32(kept->len),
                               vblk_get16(kept->id) | FLAGS(vblk_get16(kept->flags)) };
        if (chain->fault == VBLK_CHAIN_OK)
            TRY(append(ring, chain, &desc, at.slots == 0));
        at.slots++;
    } while ((desc.more & FLAGS(VBLK_DESC_NEXT)) != 0 && p->again < from->again_count);
    return accept(ring, chain, &at, desc.more);
}

RARE vblk_err take_watched(struct vblk_ring *ring, struct vblk_chain *chain)
{
    return ring_told(ring, VBLK_DEVICE) ? take(ring, TOLD, chain) : take(ring, ANY, chain);
}

vblk_err packed_take(struct vblk_ring *ring, struct vblk_chain *chain)
{
    if (ring->side != VBLK_DEVICE || ring->broken)
        return VBLK_E_STATE;
    if (unlikely(ring->packed.again < ring->resume.again_count))
        return take_again(ring, chain);
    return ring_plain(ring, VBLK_DEVICE) ? take(ring, PLAIN, chain) : take_watched(ring, chain);
}

/* How many descriptors an answer to a buffer that was taken is for. With IN_ORDER, all from the oldest on. */
static inline uint32_t covered(const struct vblk_ring *ring, uint32_t id)
{
    const struct vblk_packed *p = &ring->packed;
    uint32_t slots = p->slots[id];

    if (likely(!ring_has(ring, VBLK_F_IN_ORDER)))
        return slots;
    for (uint32_t i = p->order_out; p->order[i] != id; i = next_in_order(ring, i))
        slots += p->slots[p->order[i]];
    return slots;
}

/* Those buffers are no longer the device's. */
static inline void forget(struct vblk_ring *ring, uint32_t id, uint32_t slots)
{
    struct vblk_packed *p = &ring->packed;
    uint16_t last;

    p->out -= slots;
    if (likely(!ring_has(ring, VBLK_F_IN_ORDER))) {
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
    const uint64_t answer = le64(len | (uint64_t)(uint16_t)id << 32);
    const enum way way = ring_way(ring, VBLK_DEVICE);
    uint32_t slots;
    bool known;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    known = id < VBLK_PACKED_IDS && p->slots[id] != 0;
    slots = likely(known) ? covered(ring, id) : 1; /* an answer to nothing takes one descriptor */
    if (p->hidden + slots > ring->at.size)
        return VBLK_E_FULL;
    TRY(ring_write(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_len_at(&ring->at, p->used.slot), &answer, 6));
    if (p->hidden == 0) {
        p->armed = p->used;
        p->armed_flags = (uint16_t)flags;
    } else {
        TRY(ring_store16(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, p->used.slot),
                         VBLK_RELAXED, (uint16_t)flags));
    }
    if (likely(known))
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
    TRY(ring_store16(ring, ring_way(ring, VBLK_DEVICE), VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, p->armed.slot), VBLK_RELEASE,
                     p->armed_flags));
    p->unasked = p->unasked + p->hidden < most ? p->unasked + p->hidden : most;
    p->hidden = 0;
    return VBLK_OK;
}

/* The usual case of both steps: a buffer that was taken, and nothing else waits to be shown, so there is room. */
EACH_WAY vblk_err answer(struct vblk_ring *ring, enum way way, uint16_t id, uint32_t len, bool wrote)
{
    struct vblk_packed *p = &ring->packed;
    const uint32_t slots = p->slots[id], most = 2 * ring->at.size, unasked = p->unasked + slots;
    const uint16_t slot = p->used.slot;
    const unsigned flags = vblk_packed_used(p->used.wrap) | (wrote ? VBLK_DESC_WRITE : 0u);
    const struct {
        uint32_t len;
        uint16_t id;
    } wire = { le32(len), le16(id) };

    if (way == PLAIN) {
        uint8_t *host = ring_host(ring, VBLK_AREA_DESC, vblk_packed_len_at(&ring->at, slot));
        *(shared32 *)(void *)host = wire.len;
        put16_even(host + sizeof(wire.len), VBLK_RELAXED, id);
    } else {
        TRY(ring_write(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_len_at(&ring->at, slot), &wire, 6));
    }
    p->slots[id] = 0;
    p->out -= slots;
    vblk_packed_advance(&p->used, ring->at.size, slots);
    TRY(ring_store16(ring, way, VBLK_DEVICE, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, slot), VBLK_RELEASE,
                     (uint16_t)flags));
    p->unasked = unasked < most ? unasked : most;
    return VBLK_OK;
}

RARE vblk_err answer_watched(struct vblk_ring *ring, uint16_t id, uint32_t len, bool wrote)
{
    return ring_told(ring, VBLK_DEVICE) ? answer(ring, TOLD, id, len, wrote) : answer(ring, ANY, id, len, wrote);
}

vblk_err packed_answer(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_packed *p = &ring->packed;

    if (unlikely(ring->side != VBLK_DEVICE || id >= VBLK_PACKED_IDS || p->slots[id] == 0 || p->hidden != 0 ||
                 ring_has(ring, VBLK_F_IN_ORDER)))
        return ring_answer_in_steps(ring, id, len, wrote);
    return ring_plain(ring, VBLK_DEVICE) ? answer(ring, PLAIN, (uint16_t)id, len, wrote) : answer_watched(ring, (uint16_t)id, len, wrote);
}
