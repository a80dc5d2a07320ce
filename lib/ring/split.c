/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both sides of a split virtqueue (2.7). Each descriptor is one access of 16 bytes, each used element one of 8, flags
 * and indices are atomic half-words. Orders: a release store of idx after what it covers, an acquire load of idx
 * before; and between the store of one's idx and the load of the other's flags a full barrier, without which both
 * sides could miss each other.
 */
#include <stdlib.h>

#include "fast.h"
#include "split.h"

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        vblk_err try_err = (call);                                                                                     \
        if (__builtin_expect(try_err != VBLK_OK, 0))                                                                   \
            return try_err;                                                                                            \
    } while (0)

static void split_extents(uint32_t size, uint64_t features, struct vblk_extent areas[VBLK_AREAS])
{
    (void)features; /* the field for the event index is part of the area whether it is used or not */
    areas[VBLK_AREA_DESC] = (struct vblk_extent){ 16 * (uint64_t)size, 16 };
    areas[VBLK_AREA_DRIVER] = (struct vblk_extent){ 6 + 2 * (uint64_t)size, 2 };
    areas[VBLK_AREA_DEVICE] = (struct vblk_extent){ 6 + 8 * (uint64_t)size, 4 };
}

/* Without the event index nobody goes near the last two bytes of a ring: a peer may have left them out. */
static vblk_err check_layout(const struct vblk_ring *ring)
{
    const uint64_t other = VBLK_BIT(VBLK_F_INDIRECT_DESC) | VBLK_BIT(VBLK_F_EVENT_IDX) | VBLK_BIT(VBLK_F_RING_PACKED);
    const uint64_t where[VBLK_AREAS] = { ring->at.desc, ring->at.driver, ring->at.device };
    struct vblk_extent areas[VBLK_AREAS];

    if (ring->at.features & other)
        return VBLK_E_UNSUPPORTED;
    if (ring->at.size == 0 || ring->at.size > VBLK_SPLIT_SIZE_MAX || (ring->at.size & (ring->at.size - 1)) != 0)
        return VBLK_E_INVAL;
    split_extents(ring->at.size, ring->at.features, areas);
    for (int i = 0; i < VBLK_AREAS; i++) {
        if (where[i] % areas[i].align != 0)
            return VBLK_E_INVAL;
        if (!vblk_memory_covers(ring->mem, where[i], areas[i].bytes - (i == VBLK_AREA_DESC ? 0 : 2)))
            return VBLK_E_RANGE;
    }
    return VBLK_OK;
}

static vblk_err split_open(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint32_t size = ring->at.size;

    TRY(check_layout(ring));
    if (ring->side == VBLK_DEVICE) {
        s->bufs = calloc(size, sizeof(*s->bufs));
        return s->bufs != NULL ? VBLK_OK : VBLK_E_NOMEM;
    }
    s->slots = calloc(size, sizeof(*s->slots));
    if (s->slots == NULL)
        return VBLK_E_NOMEM;
    for (uint32_t i = 0; i < size; i++)
        s->slots[i].next = (uint16_t)(i + 1);
    s->free = size;
    return VBLK_OK;
}

static void split_close(struct vblk_ring *ring)
{
    free(ring->split.slots);
    free(ring->split.bufs);
}

/* The driver's half. */

static vblk_err split_clear(struct vblk_ring *ring)
{
    uint32_t size = ring->at.size;

    if (ring->side != VBLK_DRIVER || ring->split.added != 0)
        return VBLK_E_STATE;
    TRY(vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.desc, 0, 16 * (size_t)size));
    TRY(vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.driver, 0, 4 + 2 * (size_t)size));
    return vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.device, 0, 4 + 8 * (size_t)size);
}

static inline vblk_err put_desc(struct vblk_ring *ring, uint16_t i, const struct vblk_buf *buf, bool more)
{
    const uint64_t flags = (more ? VBLK_DESC_NEXT : 0u) | (buf->writable ? VBLK_DESC_WRITE : 0u);
    const uint64_t next = more ? ring->split.slots[i].next : 0;
    /* struct vblk_desc as two words: compilers don't merge the stores of four fields. */
    const vblk_le64 desc[2] = { vblk_put64(buf->gpa), vblk_put64(buf->len | flags << 32 | next << 48) };

    return fast_write(ring->mem, VBLK_DRIVER, vblk_split_desc_at(&ring->at, i), desc, sizeof(desc));
}

static vblk_err split_add(struct vblk_ring *ring, const struct vblk_buf *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_split *s = &ring->split;
    uint16_t head = s->free_head, tail = head, next = head;
    uint64_t writable = 0;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (n == 0 || n > ring->at.size)
        return VBLK_E_INVAL;
    if (n > s->free)
        return VBLK_E_FULL;
    for (uint32_t i = 0; i < n; i++) {
        TRY(put_desc(ring, next, &bufs[i], i + 1 < n));
        writable += bufs[i].writable ? bufs[i].len : 0;
        tail = next;
        next = s->slots[next].next;
    }
    TRY(vblk_memory_store16(ring->mem, VBLK_DRIVER, vblk_split_avail_ring_at(&ring->at, s->added), VBLK_RELAXED, head));
    s->free_head = next;
    s->free -= n;
    s->slots[head].seq = s->added++;
    s->slots[head].writable = writable;
    s->slots[head].tail = tail;
    s->slots[head].len = (uint16_t)n;
    *id = head;
    return VBLK_OK;
}

static vblk_err split_publish(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_split *s = &ring->split;
    uint64_t published = s->published + count;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (published > s->added)
        return VBLK_E_INVAL;
    if (count == 0)
        return VBLK_OK;
    TRY(vblk_memory_store16(ring->mem, VBLK_DRIVER, vblk_split_avail_idx_at(&ring->at), VBLK_RELEASE,
                            (uint16_t)published));
    s->published = published;
    s->in_flight += count;
    return VBLK_OK;
}

static vblk_err split_kick_wanted(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    vblk_memory_barrier(ring->mem, VBLK_DRIVER, VBLK_FULL);
    TRY(vblk_memory_load16(ring->mem, VBLK_DRIVER, vblk_split_used_flags_at(&ring->at), VBLK_RELAXED, &flags));
    *wanted = (flags & VBLK_USED_NO_NOTIFY) == 0;
    return VBLK_OK;
}

/* See whether idx moved. At most what is in flight can have been used. */
static vblk_err look_at_used(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint16_t idx;

    TRY(vblk_memory_load16(ring->mem, VBLK_DRIVER, vblk_split_used_idx_at(&ring->at), VBLK_ACQUIRE, &idx));
    if (idx == s->used_next)
        return VBLK_E_EMPTY;
    ring->broken = (uint16_t)(idx - s->used_next) > s->in_flight;
    s->used_seen = idx;
    return VBLK_OK;
}

/* Judge an answer, and take the buffer back if it is one of ours. */
static enum vblk_used_fault settle(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    struct vblk_split *s = &ring->split;
    struct vblk_split_slot *slot;

    if (id >= ring->at.size)
        return VBLK_USED_ID_RANGE;
    slot = &s->slots[id];
    if (slot->len == 0 || slot->seq >= s->published)
        return VBLK_USED_NOT_OUTSTANDING;
    s->slots[slot->tail].next = s->free_head;
    s->free_head = (uint16_t)id;
    s->free += slot->len;
    s->in_flight--;
    slot->len = 0;
    return len > slot->writable ? VBLK_USED_LEN : VBLK_USED_OK;
}

static vblk_err split_reap(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;
    struct vblk_used_elem elem;

    if (ring->side != VBLK_DRIVER || ring->broken)
        return VBLK_E_STATE;
    if (s->used_next == s->used_seen)
        TRY(look_at_used(ring));
    if (ring->broken) {
        *used = (struct vblk_used){ .fault = VBLK_USED_JUMP };
        return VBLK_OK;
    }
    TRY(fast_read(ring->mem, VBLK_DRIVER, vblk_split_used_ring_at(&ring->at, s->used_next), &elem, sizeof(elem)));
    s->used_next++;
    used->id = vblk_get32(elem.id);
    used->len = vblk_get32(elem.len);
    used->fault = (uint8_t)settle(ring, used->id, used->len);
    return VBLK_OK;
}

/* Say whether notifications are wanted. The barrier lets the caller look at the ring once more and miss nothing. */
static vblk_err put_flags(struct vblk_ring *ring, enum vblk_party side, uint64_t gpa, uint16_t flags)
{
    if (ring->side != side)
        return VBLK_E_STATE;
    TRY(vblk_memory_store16(ring->mem, side, gpa, VBLK_RELAXED, flags));
    if (flags == 0)
        vblk_memory_barrier(ring->mem, side, VBLK_FULL);
    return VBLK_OK;
}

static vblk_err split_set_interrupts(struct vblk_ring *ring, bool wanted)
{
    return put_flags(ring, VBLK_DRIVER, vblk_split_avail_flags_at(&ring->at), wanted ? 0 : VBLK_AVAIL_NO_INTERRUPT);
}

/* The device's half. */

/* Append one descriptor to the chain, if nothing is wrong with it. */
static inline enum vblk_chain_fault chain_append(struct vblk_ring *ring, struct vblk_chain *chain,
                                                 const struct vblk_desc *desc, unsigned flags)
{
    struct vblk_buf *buf = &ring->split.bufs[chain->n];

    buf->gpa = vblk_get64(desc->addr);
    buf->len = vblk_get32(desc->len);
    buf->writable = (flags & VBLK_DESC_WRITE) != 0;
    if (flags & VBLK_DESC_INDIRECT)
        return VBLK_CHAIN_INDIRECT;
    if (!buf->writable && chain->readable != chain->n)
        return VBLK_CHAIN_WRITE_THEN_READ;
    if (!fast_covers(ring->mem, buf->gpa, buf->len))
        return VBLK_CHAIN_BAD_ADDRESS;
    chain->n++;
    if (buf->writable) {
        chain->writable_bytes += buf->len;
    } else {
        chain->readable++;
        chain->readable_bytes += buf->len;
    }
    return VBLK_CHAIN_OK;
}

/* Copy the chain out, each descriptor before it is looked at. More of them than the table has must be a loop. */
static vblk_err chain_walk(struct vblk_ring *ring, struct vblk_chain *chain)
{
    uint32_t size = ring->at.size, i = chain->id;
    struct vblk_desc desc;
    unsigned flags;

    if (i >= size) {
        chain->fault = VBLK_CHAIN_HEAD_RANGE;
        return VBLK_OK;
    }
    for (;;) {
        TRY(fast_read(ring->mem, VBLK_DEVICE, vblk_split_desc_at(&ring->at, i), &desc, sizeof(desc)));
        flags = vblk_get16(desc.flags);
        chain->fault = (uint8_t)chain_append(ring, chain, &desc, flags);
        if (chain->fault != VBLK_CHAIN_OK || (flags & VBLK_DESC_NEXT) == 0)
            return VBLK_OK;
        i = vblk_get16(desc.next);
        if (i >= size || chain->n == size) {
            chain->fault = i >= size ? VBLK_CHAIN_NEXT_RANGE : VBLK_CHAIN_TOO_LONG;
            return VBLK_OK;
        }
    }
}

/* See whether idx moved. At most as many buffers as the queue has entries can be out. */
static vblk_err look_at_avail(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint16_t idx;

    TRY(vblk_memory_load16(ring->mem, VBLK_DEVICE, vblk_split_avail_idx_at(&ring->at), VBLK_ACQUIRE, &idx));
    if (idx == s->avail_next)
        return VBLK_E_EMPTY;
    ring->broken = (uint16_t)(idx - s->avail_next) > ring->at.size;
    s->avail_seen = idx;
    return VBLK_OK;
}

static vblk_err split_take(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_split *s = &ring->split;

    if (ring->side != VBLK_DEVICE || ring->broken)
        return VBLK_E_STATE;
    if (s->avail_next == s->avail_seen)
        TRY(look_at_avail(ring));
    *chain = (struct vblk_chain){ .bufs = s->bufs };
    if (ring->broken) {
        chain->fault = VBLK_CHAIN_AVAIL_JUMP;
        return VBLK_OK;
    }
    TRY(vblk_memory_load16(ring->mem, VBLK_DEVICE, vblk_split_avail_ring_at(&ring->at, s->avail_next), VBLK_RELAXED,
                           &chain->id));
    s->avail_next++;
    return chain_walk(ring, chain);
}

static vblk_err split_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len)
{
    struct vblk_split *s = &ring->split;
    const struct vblk_used_elem elem = { .id = vblk_put32(id), .len = vblk_put32(len) };

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if ((uint16_t)(s->used_next - s->used_seen) == ring->at.size)
        return VBLK_E_FULL;
    TRY(fast_write(ring->mem, VBLK_DEVICE, vblk_split_used_ring_at(&ring->at, s->used_next), &elem, sizeof(elem)));
    s->used_next++;
    return VBLK_OK;
}

static vblk_err split_publish_used(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    if (s->used_next == s->used_seen)
        return VBLK_OK;
    TRY(vblk_memory_store16(ring->mem, VBLK_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_RELEASE, s->used_next));
    s->used_seen = s->used_next;
    return VBLK_OK;
}

static vblk_err split_notify_wanted(struct vblk_ring *ring, bool *wanted)
{
    uint16_t flags;

    if (ring->side != VBLK_DEVICE)
        return VBLK_E_STATE;
    vblk_memory_barrier(ring->mem, VBLK_DEVICE, VBLK_FULL);
    TRY(vblk_memory_load16(ring->mem, VBLK_DEVICE, vblk_split_avail_flags_at(&ring->at), VBLK_RELAXED, &flags));
    *wanted = (flags & VBLK_AVAIL_NO_INTERRUPT) == 0;
    return VBLK_OK;
}

static vblk_err split_set_notify(struct vblk_ring *ring, bool wanted)
{
    return put_flags(ring, VBLK_DEVICE, vblk_split_used_flags_at(&ring->at), wanted ? 0 : VBLK_USED_NO_NOTIFY);
}

const struct vblk_ring_ops vblk_ring_split = {
    .name = "split",
    .extents = split_extents,
    .open = split_open,
    .close = split_close,
    .clear = split_clear,
    .add = split_add,
    .publish = split_publish,
    .kick_wanted = split_kick_wanted,
    .reap = split_reap,
    .set_interrupts = split_set_interrupts,
    .take = split_take,
    .put_used = split_put_used,
    .publish_used = split_publish_used,
    .notify_wanted = split_notify_wanted,
    .set_notify = split_set_notify,
};
