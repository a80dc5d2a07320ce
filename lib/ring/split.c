/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What moves through a split virtqueue (2.7), on both sides. Each descriptor is one access of 16 bytes, each used
 * element one of 8, flags and indices are atomic half-words. Orders: a release store of idx after what it covers, an
 * acquire load of idx before; and between the store of one's idx and the load of the other's flags a full barrier,
 * without which both sides could miss each other.
 */
#include "impl.h"
#include "split.h"

/* The driver's half. */

EACH_WAY vblk_err put_desc(struct vblk_ring *ring, enum way way, uint16_t i, const struct vblk_element *buf, unsigned how,
                           uint16_t next)
{
    _Static_assert(VBLK_DESC_WRITE == 1 << 1, "a bool becomes the flag");
    return ring_put_desc(ring, way, i, buf->gpa, buf->len, how | (uint32_t)buf->writable << 1 | (uint32_t)next << 16);
}

/* The descriptors are written, the last one at @tail: it is a buffer from here on. */
EACH_WAY vblk_err enter(struct vblk_ring *ring, enum way way, uint16_t tail, uint32_t n, uint64_t writable, uint16_t *id)
{
    struct vblk_split *s = &ring->split;
    const uint16_t head = s->free_head;
    struct vblk_split_slot *slot = &s->slots[head];

    TRY(ring_store16(ring, way, VBLK_DRIVER, VBLK_AREA_DRIVER, vblk_split_avail_ring_at(&ring->at, s->added),
                     VBLK_RELAXED, head));
    *id = head;
    s->free_head = s->next[tail];
    s->free -= n;
    slot->seq = s->added++;
    slot->writable = writable;
    slot->tail = tail;
    slot->len = (uint16_t)n;
    return VBLK_OK;
}

EACH_WAY vblk_err add(struct vblk_ring *ring, enum way way, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint16_t *following = ring->split.next;
    const struct vblk_element *last = bufs + (n - 1);
    uint16_t i = ring->split.free_head;
    uint64_t writable = 0;

    for (; bufs != last; bufs++) {
        const uint16_t next = following[i];

        TRY(put_desc(ring, way, i, bufs, VBLK_DESC_NEXT, next));
        writable += buf_writable(bufs);
        i = next;
    }
    TRY(put_desc(ring, way, i, last, 0, 0));
    writable += buf_writable(last);
    return enter(ring, way, i, n, writable, id);
}

RARE vblk_err add_watched(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    return ring_told(ring) ? add(ring, TOLD, bufs, n, id) : add(ring, ANY, bufs, n, id);
}

vblk_err split_add(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (n == 0 || n > ring->at.size)
        return VBLK_E_INVAL;
    if (n > ring->split.free)
        return VBLK_E_FULL;
    return ring_plain(ring) ? add(ring, PLAIN, bufs, n, id) : add_watched(ring, bufs, n, id);
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
        TRY(put_desc(ring, ANY, tail, &bufs[i], VBLK_DESC_NEXT, s->next[tail]));
        tail = s->next[tail];
    }
    TRY(put_desc(ring, ANY, tail, &(struct vblk_element){ table, (n - direct) * 16, false }, VBLK_DESC_INDIRECT, 0));
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
    ring->broken = (uint16_t)(idx - s->used_next) > s->in_flight;
    s->used_seen = idx;
    return VBLK_OK;
}

static inline enum vblk_used_fault judge(const struct vblk_ring *ring, uint32_t id)
{
    const struct vblk_split_slot *slot;

    if (id >= ring->at.size)
        return VBLK_USED_ID_RANGE;
    slot = &ring->split.slots[id];
    return slot->len == 0 || slot->seq >= ring->split.published ? VBLK_USED_NOT_OUTSTANDING : VBLK_USED_OK;
}

/* Take a buffer back. With IN_ORDER the free descriptors are those that follow, always. */
static inline void settle(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;
    struct vblk_split_slot *slot = &s->slots[used->id];

    if (!s->in_order) {
        s->next[slot->tail] = s->free_head;
        s->free_head = (uint16_t)used->id;
    }
    s->free += slot->len;
    s->in_flight--;
    slot->len = 0;
    used->fault = used->len > slot->writable ? VBLK_USED_LEN : VBLK_USED_OK;
}

/* The next buffer that the answer stands for (2.7.9): those passed over were used completely. */
static vblk_err settle_in_order(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;
    const struct vblk_split_slot *slot = &s->slots[s->oldest];
    const uint32_t all = slot->writable < UINT32_MAX ? (uint32_t)slot->writable : UINT32_MAX;

    used->id = s->oldest;
    used->passed = --s->batch_left != 0;
    used->len = used->passed ? all : s->batch_len;
    s->oldest = (uint16_t)((s->oldest + slot->len) & (ring->at.size - 1));
    s->returned++;
    settle(ring, used);
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
    TRY(get_used(ring, way, used));
    used->fault = (uint8_t)judge(ring, used->id);
    if (unlikely(used->fault != VBLK_USED_OK))
        return VBLK_OK;
    if (unlikely(ring->split.in_order))
        return begin_batch(ring, used);
    settle(ring, used);
    return VBLK_OK;
}

/* Whatever reap() may not do. */
RARE vblk_err reap_anyhow(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_split *s = &ring->split;

    if (s->batch_left != 0)
        return settle_in_order(ring, used);
    if (s->used_next == s->used_seen) {
        TRY(look_at_used(ring));
        if (ring->broken) {
            *used = (struct vblk_used){ .fault = VBLK_USED_JUMP };
            return VBLK_OK;
        }
    }
    return ring_told(ring) ? reap(ring, TOLD, used) : reap(ring, ANY, used);
}

vblk_err split_reap(struct vblk_ring *ring, struct vblk_used *used)
{
    const struct vblk_split *s = &ring->split;

    if (ring->side != VBLK_DRIVER || ring->broken)
        return VBLK_E_STATE;
    if (unlikely(s->batch_left != 0 || s->used_next == s->used_seen || !ring_plain(ring)))
        return reap_anyhow(ring, used);
    return reap(ring, PLAIN, used);
}

/* The device's half. */

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

/* Whether the chain goes on behind a descriptor, at *i. More of them than the table has must be a loop. */
static inline bool goes_on(const struct vblk_ring *ring, struct vblk_chain *chain, uint32_t n, uint32_t more,
                           uint32_t *i)
{
    *i = more >> 16;
    if (!(more & VBLK_DESC_NEXT))
        return false;
    if (likely(*i < ring->at.size && n != ring->at.size))
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

/* Copy the chain out, each descriptor before it is looked at. */
EACH_WAY vblk_err walk(struct vblk_ring *ring, enum way way, struct vblk_chain *chain, uint32_t i)
{
    struct usual usual = usual_begin(ring, chain);
    struct words desc;

    if (unlikely(i >= ring->at.size)) {
        chain->fault = VBLK_CHAIN_HEAD_RANGE;
    } else {
        do {
            TRY(ring_get_desc(ring, way, i, &desc));
            if (unlikely(desc.more & VBLK_DESC_INDIRECT) ||
                !usual_append(&usual, chain, desc.addr, desc.len, (desc.more & VBLK_DESC_WRITE) != 0)) {
                usual_end(&usual, chain);
                return walk_on(ring, chain, desc);
            }
        } while (goes_on(ring, chain, usual.n, desc.more, &i));
    }
    usual_end(&usual, chain);
    return VBLK_OK;
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
    ring->broken = (uint16_t)(idx - s->avail_next) > ring->at.size;
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

/* Whatever take() may not do. */
RARE vblk_err take_anyhow(struct vblk_ring *ring, struct vblk_chain *chain)
{
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
    return ring_told(ring) ? take(ring, TOLD, chain) : take(ring, ANY, chain);
}

vblk_err split_take(struct vblk_ring *ring, struct vblk_chain *chain)
{
    if (ring->side != VBLK_DEVICE || ring->broken)
        return VBLK_E_STATE;
    if (unlikely(ring->split.avail_next == ring->split.avail_seen || !ring_plain(ring)))
        return take_anyhow(ring, chain);
    return take(ring, PLAIN, chain);
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
    TRY(ring_write(ring, ring_way(ring), VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_ring_at(&ring->at, s->used_next), &elem,
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
    TRY(ring_store16(ring, ring_way(ring), VBLK_DEVICE, VBLK_AREA_DEVICE, vblk_split_used_idx_at(&ring->at), VBLK_RELEASE,
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
    return ring_told(ring) ? answer(ring, TOLD, id, len) : answer(ring, ANY, id, len);
}

vblk_err split_answer(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_split *s = &ring->split;

    if (unlikely(ring->side != VBLK_DEVICE || s->in_order || s->used_next != s->used_seen))
        return ring_answer_in_steps(ring, id, len, wrote);
    return ring_plain(ring) ? answer(ring, PLAIN, id, len) : answer_watched(ring, id, len);
}
