/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of what moves through a split virtqueue (2.7). Each descriptor is one access of 16 bytes, each used
 * element one of 8, flags and indices are atomic half-words. Orders: a release store of idx after what it covers, an
 * acquire load of idx before; and between the store of one's idx and the load of the other's flags a full barrier,
 * without which both sides could miss each other.
 */
#include "impl.h"
#include "split.h"

EACH_WAY vblk_err put_desc(struct vblk_ring *ring, enum way way, uint32_t i, struct vblk_element buf, unsigned how,
                           uint32_t next)
{
    _Static_assert(VBLK_DESC_WRITE == 1 << 1, "a bool becomes the flag");
    return ring_put_desc(ring, way, i, buf.gpa, buf.len, how | (uint32_t)buf.writable << 1 | next << 16);
}

/* The descriptors are written, the last one at @tail: it is a buffer from here on. */
EACH_WAY vblk_err enter(struct vblk_ring *ring, enum way way, uint32_t tail, uint32_t n, uint64_t writable, uint16_t *id)
{
    struct vblk_split *s = &ring->split;
    const uint64_t seq = s->added;
    const uint16_t head = s->free_head, rest = s->next[tail];
    struct vblk_split_slot *slot = &s->slots[head];

    TRY(ring_store16(ring, way, VBLK_DRIVER, VBLK_AREA_DRIVER, vblk_split_avail_ring_at(&ring->at, seq), VBLK_RELAXED,
                     head));
    *id = head;
    s->free_head = rest;
    s->free -= n;
    s->added = seq + 1;
    slot->seq = seq;
    slot->writable = writable;
    slot->tail = (uint16_t)tail;
    slot->len = (uint16_t)n;
    return VBLK_OK;
}

EACH_WAY vblk_err add(struct vblk_ring *ring, enum way way, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint16_t *following = ring->split.next;
    const struct vblk_element *last = bufs + (n - 1);
    uint32_t i = ring->split.free_head;
    uint64_t writable = buf_writable(last);

    for (; bufs != last; bufs++) {
        const uint32_t next = following[i];

        writable += buf_writable(bufs);
        TRY(put_desc(ring, way, i, *bufs, VBLK_DESC_NEXT, next));
        i = next;
    }
    TRY(put_desc(ring, way, i, *last, 0, 0));
    return enter(ring, way, i, n, writable, id);
}

RARE vblk_err add_watched(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    return ring_told(ring, VBLK_DRIVER) ? add(ring, TOLD, bufs, n, id) : add(ring, ANY, bufs, n, id);
}

RARE vblk_err add_not(const struct vblk_ring *ring, uint32_t n)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    return n - 1 >= ring->at.size ? VBLK_E_INVAL : VBLK_E_FULL;
}

vblk_err split_add(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (unlikely(n - 1 >= ring->split.free)) /* none at all, or too many */
        return add_not(ring, n);
    return ring_plain(ring, VBLK_DRIVER) ? add(ring, PLAIN, bufs, n, id) : add_watched(ring, bufs, n, id);
}

vblk_err split_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                            uint32_t n, uint16_t *id)
{
    const struct vblk_split *s = &ring->split;
    uint16_t tail = s->free_head;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    TRY(chain_check_table(ring, n > direct ? n - direct : 0));
    if (direct >= s->free)
        return direct >= ring->at.size ? VBLK_E_INVAL : VBLK_E_FULL;
    TRY(chain_put_table(ring, table, bufs + direct, n - direct));
    for (uint32_t i = 0; i < direct; i++) {
        TRY(put_desc(ring, ANY, tail, bufs[i], VBLK_DESC_NEXT, s->next[tail]));
        tail = s->next[tail];
    }
    TRY(put_desc(ring, ANY, tail, (struct vblk_element){ table, (n - direct) * 16, false }, VBLK_DESC_INDIRECT, 0));
    return enter(ring, ANY, tail, direct + 1, chain_writable(bufs, n), id);
}

vblk_err split_publish(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_split *s = &ring->split;
    uint64_t published = s->published + count;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (published > s->added)
        return VBLK_E_INVAL;
    if (count == 0)
        return VBLK_OK;
    TRY(ring_store16(ring, ANY, VBLK_DRIVER, VBLK_AREA_DRIVER, vblk_split_avail_idx_at(&ring->at), VBLK_RELEASE,
                     (uint16_t)published));
    s->published = published;
    s->in_flight += count;
    s->unasked += count;
    return VBLK_OK;
}

/* See whether idx moved. At most what is in flight can have been used. */
static vblk_err look_at_used(struct vblk_ring *ring)
{
    struct vblk_split *s = &ring->split;
    uint16_t idx;

    TRY(ring_load16(ring, ANY, VBLK_DRIVER, VBLK_AREA_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_ACQUIRE, &idx));
    if (idx == s->used_next)
        return VBLK_E_EMPTY;
    if ((uint16_t)(idx - s->used_next) > s->in_flight)
        ring_break(ring);
    s->used_seen = idx;
    return VBLK_OK;
}

/* The buffer that is answered; NULL: there is no such one. */
static inline struct vblk_split_slot *answered(const struct vblk_ring *ring, struct vblk_used *used)
{
    const uint32_t id = used->id;

    if (likely(id < ring->at.size && ring->split.slots[id].seq < ring->split.published))
        return &ring->split.slots[id];
    used->fault = id < ring->at.size ? VBLK_USED_NOT_OUTSTANDING : VBLK_USED_ID_RANGE;
    return NULL;
}

/* Take a buffer back. */
static inline void settle(struct vblk_split *s, struct vblk_split_slot *slot, struct vblk_used *used)
{
    s->free += slot->len;
    s->in_flight--;
    slot->seq = UINT64_MAX;
    used->fault = used->len > slot->writable ? VBLK_USED_LEN : VBLK_USED_OK;
}

/* Its descriptors are the first free ones. With IN_ORDER these are those that follow, always. */
static inline void give_back(struct vblk_split *s, const struct vblk_split_slot *slot, uint32_t head)
{
    s->next[slot->tail] = s->free_head;
    s->free_head = (uint16_t)head;
}

/* The next buffer that the answer stands for (2.7.9): those passed over were used completely. */
static vblk_err settle_in_order(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;
    struct vblk_split_slot *slot = &s->slots[s->oldest];
    const uint32_t all = slot->writable < UINT32_MAX ? (uint32_t)slot->writable : UINT32_MAX;

    used->id = s->oldest;
    used->passed = --s->batch_left != 0;
    used->len = used->passed ? all : s->batch_len;
    s->oldest = (uint16_t)((s->oldest + slot->len) & (ring->at.size - 1));
    s->returned++;
    settle(s, slot, used);
    return VBLK_OK;
}

/* An answer, at the position before used_next, to an outstanding buffer. What it stands for, idx must cover as well. */
static vblk_err begin_batch(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;
    const uint64_t passed = s->slots[used->id].seq - s->returned;

    if (passed > (uint16_t)(s->used_seen - s->used_next)) {
        used->fault = VBLK_USED_ORDER;
        return VBLK_OK;
    }
    s->used_next = (uint16_t)(s->used_next + passed);
    s->batch_left = (uint32_t)passed + 1;
    s->batch_len = used->len;
    return settle_in_order(ring, used);
}

/* Load the answer at the next position. */
EACH_WAY vblk_err get_used(struct vblk_ring *ring, enum way way, struct vblk_used *used)
{
    const uint64_t at = vblk_split_used_ring_at(&ring->at, ring->split.used_next);
    struct vblk_used_elem elem;

    if (way == PLAIN) {
        const shared32 *host = (const shared32 *)(const void *)ring_host(ring, VBLK_AREA_DEVICE, at);
        used->id = le32(host[0]);
        used->len = le32(host[1]);
    } else {
        TRY(ring_read(ring, way, VBLK_DRIVER, VBLK_AREA_DEVICE, at, &elem, sizeof(elem)));
        used->id = vblk_get32(elem.id);
        used->len = vblk_get32(elem.len);
    }
    ring->split.used_next++;
    used->passed = false;
    return VBLK_OK;
}

EACH_WAY vblk_err reap(struct vblk_ring *ring, enum way way, struct vblk_used *used)
{
    struct vblk_split_slot *slot;

    TRY(get_used(ring, way, used));
    slot = answered(ring, used);
    if (unlikely(slot == NULL))
        return VBLK_OK;
    if (way != PLAIN && unlikely(ring->split.in_order))
        return begin_batch(ring, used);
    give_back(&ring->split, slot, used->id);
    settle(&ring->split, slot, used);
    return VBLK_OK;
}

/* Whatever reap() may not do, the answers of IN_ORDER among it. */
RARE vblk_err reap_anyhow(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;

    if (!ring_serves(ring, VBLK_DRIVER))
        return VBLK_E_STATE;
    if (s->batch_left != 0)
        return settle_in_order(ring, used);
    if (s->used_next == s->used_seen) {
        TRY(look_at_used(ring));
        if (ring->broken) {
            *used = (struct vblk_used){ .fault = VBLK_USED_JUMP };
            return VBLK_OK;
        }
    }
    return ring_told(ring, VBLK_DRIVER) ? reap(ring, TOLD, used) : reap(ring, ANY, used);
}

RARE vblk_err reap_told(struct vblk_ring *ring, struct vblk_used *used)
{
    return reap(ring, TOLD, used);
}

vblk_err split_reap(struct vblk_ring *ring, struct vblk_used *used)
{
    const struct vblk_split *s = &ring->split;

    if (unlikely(s->in_order || s->used_next == s->used_seen))
        return reap_anyhow(ring, used);
    if (ring_plain(ring, VBLK_DRIVER))
        return reap(ring, PLAIN, used);
    return ring_told(ring, VBLK_DRIVER) ? reap_told(ring, used) : reap_anyhow(ring, used);
}
