/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's half of what moves through a split virtqueue (2.7). Each descriptor is one access of 16 bytes, each used
 * element one of 8, flags and indices are atomic half-words. Orders: a release store of idx after what it covers, an
 * acquire load of idx before; and between the store of one's idx and the load of the other's flags a full barrier,
 * without which both sides could miss each other.
 */
#include "impl.h"
#include "split.h"

/* An indirect descriptor: there is nothing behind it. */
static vblk_err chain_end(struct vblk_ring *ring, struct vblk_chain *chain, const struct words *desc)
{
    if (!ring_has(ring, VBLK_F_INDIRECT_DESC))
        chain->fault = VBLK_CHAIN_INDIRECT;
    else if (desc->more & VBLK_DESC_NEXT)
        chain->fault = VBLK_CHAIN_INDIRECT_MIXED;
    else
        return chain_walk_table(ring, chain, desc->addr, desc->len);
    return VBLK_OK;
}

/* Whether the chain goes on behind the descriptor that is its nth, at *i. More than the table has must be a loop. */
static inline bool goes_on(const struct vblk_ring *ring, struct vblk_chain *chain, uint32_t n, uint32_t more,
                           uint32_t *i)
{
    const uint32_t size = ring->at.size;

    *i = more >> 16;
    if (!(more & VBLK_DESC_NEXT))
        return false;
    if (likely(*i < size && n != size))
        return true;
    chain->fault = *i >= ring->at.size ? VBLK_CHAIN_NEXT_RANGE : VBLK_CHAIN_TOO_LONG;
    return false;
}

/* From a descriptor on that was loaded and not looked at. */
RARE vblk_err walk_on(struct vblk_ring *ring, struct vblk_chain *chain, struct words desc)
{
    uint32_t i;

    for (;;) {
        if (desc.more & VBLK_DESC_INDIRECT)
            return chain_end(ring, chain, &desc);
        chain->fault = (uint8_t)chain_append(ring, chain, desc.addr, desc.len, (desc.more & VBLK_DESC_WRITE) != 0);
        if (chain->fault != VBLK_CHAIN_OK || !goes_on(ring, chain, chain->n, desc.more, &i))
            return VBLK_OK;
        TRY(ring_get_desc(ring, ANY, i, &desc));
    }
}

/*
 * Copy usual elements out, all of them readable or all of them writable, from @desc on and each before it is looked at.
 * @return whether the chain ends with them; if not, @desc was loaded and comes next, or the memory went away (*err).
 */
EACH_WAY bool walk_part(struct vblk_ring *ring, enum way way, struct vblk_chain *chain, struct usual *usual,
                        struct words *desc, bool writable, vblk_err *err)
{
    const uint32_t flags = writable ? VBLK_DESC_WRITE : 0;
    uint32_t i;

    while ((desc->more & (VBLK_DESC_INDIRECT | VBLK_DESC_WRITE)) == flags &&
           usual_put(usual, desc->addr, desc->len, writable)) {
        if (!goes_on(ring, chain, usual->n, desc->more, &i))
            return true;
        *err = ring_get_desc(ring, way, i, desc);
        if (unlikely(*err != VBLK_OK))
            return true;
    }
    return false;
}

/* Copy the chain out. */
EACH_WAY vblk_err walk(struct vblk_ring *ring, enum way way, struct vblk_chain *chain, uint32_t i)
{
    struct usual usual = usual_begin(ring, chain);
    struct words desc;
    vblk_err err = VBLK_OK;
    bool whole;

    if (unlikely(i >= ring->at.size)) {
        usual_readable(&usual, chain);
        usual_end(&usual, chain);
        chain->fault = VBLK_CHAIN_HEAD_RANGE;
        return VBLK_OK;
    }
    TRY(ring_get_desc(ring, way, i, &desc));
    whole = walk_part(ring, way, chain, &usual, &desc, false, &err);
    usual_readable(&usual, chain);
    whole = whole || walk_part(ring, way, chain, &usual, &desc, true, &err);
    usual_end(&usual, chain);
    return likely(whole) ? err : walk_on(ring, chain, desc);
}

/* See whether idx moved. At most as many buffers as the queue has entries can be out. */
static vblk_err look_at_avail(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint16_t idx;

    TRY(ring_load16(ring, ANY, VBLK_DEVICE, VBLK_AREA_DRIVER, vblk_split_avail_idx_at(&ring->at), VBLK_ACQUIRE,
                    &idx));
    if (idx == s->avail_next)
        return VBLK_E_EMPTY;
    if ((uint16_t)(idx - s->avail_next) > ring->at.size)
        ring_break(ring);
    s->avail_seen = idx;
    return VBLK_OK;
}

EACH_WAY vblk_err take(struct vblk_ring *ring, enum way way, struct vblk_chain *chain)
{
    struct vblk_split *s = &ring->split;
    const uint16_t position = s->avail_next;
    uint16_t id;

    TRY(ring_load16(ring, way, VBLK_DEVICE, VBLK_AREA_DRIVER, vblk_split_avail_ring_at(&ring->at, position),
                    VBLK_RELAXED, &id));
    chain->id = id;
    s->avail_next = (uint16_t)(position + 1);
    if (unlikely(s->in_order))
        s->order[position & (ring->at.size - 1)] = id;
    return walk(ring, way, chain, id);
}

RARE vblk_err take_again(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct vblk_resume *from = &ring->resume;
    struct vblk_split *s = &ring->split;

    chain->id = vblk_get16(from->again[s->again].id);
    if (s->in_order)
        s->order[(from->avail - from->again_count + s->again) & (ring->at.size - 1)] = chain->id;
    s->again++;
    return walk(ring, ANY, chain, chain->id);
}

/* Whatever take() may not do, and what is no device's to do. */
RARE vblk_err take_anyhow(struct vblk_ring *ring, struct vblk_chain *chain)
{
    if (!ring_serves(ring, VBLK_DEVICE))
        return VBLK_E_STATE;
    if (ring->split.again < ring->resume.again_count)
        return take_again(ring, chain); /* nothing is taken from the ring before, so this is always come to */
    if (ring->split.avail_next == ring->split.avail_seen) {
        TRY(look_at_avail(ring));
        if (ring->broken) {
            chain_begin(ring, chain);
            chain->fault = VBLK_CHAIN_AVAIL_JUMP;
            return VBLK_OK;
        }
    }
    return ring_told(ring, VBLK_DEVICE) ? take(ring, TOLD, chain) : take(ring, ANY, chain);
}

RARE vblk_err take_told(struct vblk_ring *ring, struct vblk_chain *chain)
{
    return take(ring, TOLD, chain);
}

vblk_err split_take(struct vblk_ring *ring, struct vblk_chain *chain)
{
    if (unlikely(ring->split.avail_next == ring->split.avail_seen))
        return take_anyhow(ring, chain);
    if (ring_plain(ring, VBLK_DEVICE))
        return take(ring, PLAIN, chain);
    return ring_told(ring, VBLK_DEVICE) ? take_told(ring, chain) : take_anyhow(ring, chain);
}

/* With IN_ORDER: how many buffers an answer stands for, from the oldest on; an answer to nothing stands for itself. */
static uint16_t batch_for(struct vblk_ring *ring, uint32_t id)
{
    struct vblk_split *s = &ring->split;
    uint16_t n = 0, out = (uint16_t)(s->avail_next - s->order_next);

    if (out > ring->at.size) { /* a driver that makes more available than it has; order[] knows the last ones */
        s->order_next = (uint16_t)(s->avail_next - ring->at.size);
        out = (uint16_t)ring->at.size;
    }
    while (n < out && s->order[(s->order_next + n) & (ring->at.size - 1)] != id)
        n++;
    return n < out ? (uint16_t)(n + 1) : 0;
}

vblk_err split_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    struct vblk_split *s = &ring->split;
    const uint64_t elem = le64(id | (uint64_t)len << 32);
    uint16_t batch = 0, steps;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if (s->in_order)
        batch = batch_for(ring, id);
    steps = batch != 0 ? batch : 1;
    if ((uint16_t)(s->used_next - s->used_seen) + steps > ring->at.size)
        return VBLK_E_FULL;
    TRY(ring_write(ring, ring_way(ring, VBLK_DEVICE), VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_ring_at(&ring->at, s->used_next), &elem,
                   sizeof(elem)));
    s->used_next = (uint16_t)(s->used_next + steps);
    s->order_next = (uint16_t)(s->order_next + batch);
    return VBLK_OK;
}

vblk_err split_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    (void)wrote; /* this format says it by the length alone */
    return split_put_used(ring, id, len);
}

vblk_err split_publish_used(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if (s->used_next == s->used_seen)
        return VBLK_OK;
    TRY(ring_store16(ring, ring_way(ring, VBLK_DEVICE), VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_RELEASE,
                     s->used_next));
    s->unasked += (uint16_t)(s->used_next - s->used_seen);
    s->used_seen = s->used_next;
    return VBLK_OK;
}

/* The usual case of both steps: nothing else waits to be shown, so there is room. */
EACH_WAY vblk_err answer(struct vblk_ring *ring, enum way way, uint32_t id, uint32_t len)
{
    struct vblk_split *s = &ring->split;
    const uint64_t elem = le64(id | (uint64_t)len << 32);
    const uint16_t next = (uint16_t)(s->used_next + 1);

    TRY(ring_write(ring, way, VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_ring_at(&ring->at, s->used_next), &elem,
                   sizeof(elem)));
    s->used_next = next;
    TRY(ring_store16(ring, way, VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_RELEASE,
                     next));
    s->unasked++;
    s->used_seen = next;
    return VBLK_OK;
}

RARE vblk_err answer_watched(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    return ring_told(ring, VBLK_DEVICE) ? answer(ring, TOLD, id, len) : answer(ring, ANY, id, len);
}

vblk_err split_answer(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_split *s = &ring->split;

    if (unlikely(s->in_order || s->used_next != s->used_seen))
        return ring_answer_in_steps(ring, id, len, wrote);
    return ring_plain(ring, VBLK_DEVICE) ? answer(ring, PLAIN, id, len) : answer_watched(ring, id, len);
}
