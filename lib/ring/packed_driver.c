/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's half of a packed virtqueue (2.8.17 to 2.8.21). A buffer's first descriptor is written up to its flags,
 * the others as a whole; none of that can be seen before those flags. publish() stores the flags of the first buffer of
 * a batch last, with a release that covers all that was written before: the device polls that one descriptor. An answer
 * is looked for in the flags alone (acquire); length and id are loaded after them, the rest is not looked at.
 */
#include "impl.h"
#include "packed.h"

vblk_err packed_clear(struct vblk_ring *ring)
{
    if (ring->side != VBLK_DRIVER || ring->packed.added != 0)
        return VBLK_E_STATE;
    TRY(vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.desc, 0, 16 * (size_t)ring->at.size));
    TRY(vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.driver, 0, sizeof(struct vblk_packed_event)));
    return vblk_memory_fill(ring->mem, VBLK_DRIVER, ring->at.device, 0, sizeof(struct vblk_packed_event));
}

static inline bool in_lane(const struct vblk_ring *ring, enum vblk_event_kind kind, uint64_t at, const void *bytes, uint32_t len)
{
    return likely(vblk_lane_packed(ring->mem->lane, kind, at, len, bytes));
}

/* A store of @len bytes, which is known when compiling. */
EACH_WAY vblk_err put(struct vblk_ring *ring, enum way way, uint64_t at, const void *bytes, uint32_t len)
{
    if (way == ANY || ring_lost(ring, way, VBLK_DRIVER))
        return ring_write(ring, ANY, VBLK_DRIVER, VBLK_AREA_DESC, at, bytes, len);
    memcpy(ring_host(ring, VBLK_AREA_DESC, at), bytes, len);
    if (!in_lane(ring, VBLK_EV_STORE, at, bytes, len))
        ring_tell(ring, way, VBLK_EV_STORE, VBLK_DRIVER, VBLK_RELAXED, at, bytes, len);
    return VBLK_OK;
}

EACH_WAY vblk_err put_whole(struct vblk_ring *ring, enum way way, uint32_t slot, const struct vblk_element *buf, uint32_t more)
{
    const struct words desc = { le64(buf->gpa), le32(buf->len), le32(more) };

    return way == PLAIN ? ring_put_desc(ring, way, slot, buf->gpa, buf->len, more)
                        : put(ring, way, vblk_packed_desc_at(&ring->at, slot), &desc, sizeof(desc));
}

/* All but the flags. */
EACH_WAY vblk_err put_hidden(struct vblk_ring *ring, enum way way, uint32_t slot, const struct vblk_element *buf,
                             uint16_t id)
{
    const struct words desc = { le64(buf->gpa), le32(buf->len), le32(id) };
    const uint64_t at = vblk_packed_desc_at(&ring->at, slot);

    if (way == PLAIN) {
        uint8_t *host = ring_host(ring, VBLK_AREA_DESC, at);
        *(shared64 *)(void *)host = desc.addr;
        *(shared32 *)(void *)(host + offsetof(struct vblk_packed_desc, len)) = desc.len;
        put16_even(host + offsetof(struct vblk_packed_desc, id), VBLK_RELAXED, id);
        return VBLK_OK;
    }
    return put(ring, way, at, &desc, offsetof(struct vblk_packed_desc, flags));
}

static inline unsigned flags_of(const struct vblk_element *buf, bool more)
{
    _Static_assert(VBLK_DESC_NEXT == 1 && VBLK_DESC_WRITE == 1 << 1, "bools become the flags");
    return more | (unsigned)buf->writable << 1;
}

/* The descriptors are written: it is a buffer from here on. @flags are the first one's. */
static inline void enter(struct vblk_ring *ring, uint32_t n, unsigned flags, uint64_t writable, uint16_t *id)
{
    struct vblk_packed *p = &ring->packed;
    const uint16_t new_id = p->free_id;
    struct vblk_packed_buf *buf = &p->bufs[new_id];

    *id = new_id;
    p->order[p->order_in] = new_id;
    p->order_in = next_in_order(ring, p->order_in);
    p->free_id = buf->next;
    p->free -= n;
    buf->seq = p->added++;
    buf->writable = writable;
    buf->slots = (uint16_t)n;
    buf->head = p->avail.slot;
    buf->flags = (uint16_t)flags;
    vblk_packed_advance(&p->avail, ring->at.size, n);
}

/* Where the next descriptor goes, and under which wrap counter. */
static inline void step(const struct vblk_ring *ring, uint32_t *slot, uint32_t *mark)
{
    if (unlikely(++*slot == ring->at.size)) {
        *slot = 0;
        *mark ^= VBLK_DESC_AVAIL | VBLK_DESC_USED;
    }
}

EACH_WAY vblk_err add(struct vblk_ring *ring, enum way way, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const struct vblk_packed *p = &ring->packed;
    const struct vblk_element *last = bufs + (n - 1);
    const uint16_t new_id = p->free_id;
    uint32_t slot = p->avail.slot, mark = vblk_packed_available(p->avail.wrap);
    const unsigned first = mark | flags_of(bufs, n > 1);
    uint64_t writable = buf_writable(bufs);

    TRY(put_hidden(ring, way, slot, bufs, new_id));
    if (likely(bufs != last)) {
        while (++bufs != last) {
            step(ring, &slot, &mark);
            TRY(put_whole(ring, way, slot, bufs, new_id | (mark | flags_of(bufs, true)) << 16));
            writable += buf_writable(bufs);
        }
        step(ring, &slot, &mark);
        TRY(put_whole(ring, way, slot, bufs, new_id | (mark | flags_of(bufs, false)) << 16));
        writable += buf_writable(bufs);
    }
    enter(ring, n, first, writable, id);
    return VBLK_OK;
}

RARE vblk_err add_watched(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    return ring_told(ring, VBLK_DRIVER) ? add(ring, TOLD, bufs, n, id) : add(ring, ANY, bufs, n, id);
}

vblk_err packed_add(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (n == 0 || n > ring->at.size)
        return VBLK_E_INVAL;
    if (n > ring->packed.free)
        return VBLK_E_FULL;
    return ring_plain(ring, VBLK_DRIVER) ? add(ring, PLAIN, bufs, n, id) : add_watched(ring, bufs, n, id);
}

vblk_err packed_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                             uint32_t n, uint16_t *id)
{
    struct vblk_packed *p = &ring->packed;
    const struct vblk_element buf = { table, n * 16, false };
    const unsigned flags = vblk_packed_available(p->avail.wrap) | VBLK_DESC_INDIRECT;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (direct != 0) /* 2.8.7: a list has one kind of descriptors */
        return VBLK_E_UNSUPPORTED;
    TRY(chain_check_table(ring, n));
    if (p->free == 0)
        return VBLK_E_FULL;
    TRY(chain_put_table(ring, table, bufs, n));
    TRY(put_hidden(ring, ANY, p->avail.slot, &buf, p->free_id));
    enter(ring, 1, flags, chain_writable(bufs, n), id);
    return VBLK_OK;
}

EACH_WAY vblk_err show(struct vblk_ring *ring, enum way way, const struct vblk_packed_buf *buf, enum vblk_order order)
{
    const uint64_t at = vblk_packed_flags_at(&ring->at, buf->head);
    const uint16_t wire = le16(buf->flags);

    if (way == TOLD && !ring_lost(ring, way, VBLK_DRIVER) && order == VBLK_RELAXED) {
        put16_even(ring_host(ring, VBLK_AREA_DESC, at), order, buf->flags);
        if (!in_lane(ring, VBLK_EV_STORE, at, &wire, 2))
            ring_tell(ring, way, VBLK_EV_STORE, VBLK_DRIVER, order, at, &wire, 2);
        return VBLK_OK;
    }
    return ring_store16(ring, way, VBLK_DRIVER, VBLK_AREA_DESC, at, order, buf->flags);
}

/* The flags of the first buffer come last. */
EACH_WAY vblk_err publish(struct vblk_ring *ring, enum way way, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;
    const struct vblk_packed_buf *first = &p->bufs[p->order[p->order_out]];
    const uint32_t size = ring->at.size;
    uint32_t i = next_in_order(ring, p->order_out), slots = first->slots;

    for (uint32_t n = 1; n < count; n++) {
        const struct vblk_packed_buf *buf = &p->bufs[p->order[i]];

        TRY(show(ring, way, buf, VBLK_RELAXED));
        slots += buf->slots;
        i = next_in_order(ring, i);
    }
    TRY(show(ring, way, first, VBLK_RELEASE));
    p->order_out = i;
    p->published += count;
    p->unasked = p->unasked + slots < 2 * size ? p->unasked + slots : 2 * size;
    vblk_packed_advance(&p->shown, size, slots);
    return VBLK_OK;
}

RARE vblk_err publish_watched(struct vblk_ring *ring, uint32_t count)
{
    return ring_told(ring, VBLK_DRIVER) ? publish(ring, TOLD, count) : publish(ring, ANY, count);
}

vblk_err packed_publish(struct vblk_ring *ring, uint32_t count)
{
    const struct vblk_packed *p = &ring->packed;

    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    if (count > p->added - p->published)
        return VBLK_E_INVAL;
    if (count == 0)
        return VBLK_OK;
    return ring_plain(ring, VBLK_DRIVER) ? publish(ring, PLAIN, count) : publish_watched(ring, count);
}

vblk_err packed_kick_data(const struct vblk_ring *ring, uint16_t vq, uint32_t *data)
{
    if (ring->side != VBLK_DRIVER)
        return VBLK_E_STATE;
    *data = vq | (uint32_t)vblk_packed_wire_pos(ring->packed.shown) << 16;
    return VBLK_OK;
}

/* Take a buffer back. */
static inline void settle(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_packed *p = &ring->packed;
    struct vblk_packed_buf *buf = &p->bufs[used->id];

    vblk_packed_advance(&p->used, ring->at.size, buf->slots);
    p->free += buf->slots;
    buf->slots = 0;
    buf->next = p->free_id;
    p->free_id = (uint16_t)used->id;
    used->fault = used->len > buf->writable ? VBLK_USED_LEN : VBLK_USED_OK;
}

/* 2.8.8: those passed over were used completely, as far as the length can say so. */
static void settle_in_order(struct vblk_ring *ring, struct vblk_used *used)
{
    struct vblk_packed *p = &ring->packed;
    uint64_t writable;

    used->id = p->order[p->oldest];
    writable = p->bufs[used->id].writable;
    used->passed = --p->batch_left != 0;
    used->no_len = !used->passed && p->batch_no_len;
    used->len = !used->passed ? p->batch_len : writable < UINT32_MAX ? (uint32_t)writable : UINT32_MAX;
    p->oldest = next_in_order(ring, p->oldest);
    p->returned++;
    settle(ring, used);
}

struct answer {
    vblk_le32 len;
    vblk_le16 id;
};

EACH_WAY vblk_err get_answer(struct vblk_ring *ring, enum way way, uint64_t at, struct answer *desc)
{
    enum { BYTES = offsetof(struct answer, id) + sizeof(vblk_le16) };

    if (way == ANY || ring_lost(ring, way, VBLK_DRIVER))
        return ring_read(ring, ANY, VBLK_DRIVER, VBLK_AREA_DESC, at, desc, BYTES);
    memcpy(desc, ring_host(ring, VBLK_AREA_DESC, at), BYTES);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (!in_lane(ring, VBLK_EV_LOAD, at, desc, BYTES))
        ring_tell(ring, way, VBLK_EV_LOAD, VBLK_DRIVER, VBLK_RELAXED, at, desc, BYTES);
    return VBLK_OK;
}

/* Load the next answer. Without a buffer there's no telling where the one after it will be. */
EACH_WAY vblk_err get_used(struct vblk_ring *ring, enum way way, struct vblk_used *used)
{
    const struct vblk_packed_pos next = ring->packed.used;
    const uint64_t at = vblk_packed_len_at(&ring->at, next.slot);
    uint16_t flags;
    struct answer desc;

    TRY(ring_load16(ring, way, VBLK_DRIVER, VBLK_AREA_DESC, vblk_packed_flags_at(&ring->at, next.slot), VBLK_ACQUIRE,
                    &flags));
    if (!vblk_packed_is(flags, vblk_packed_used(next.wrap)))
        return VBLK_E_EMPTY;
    if (way == PLAIN) {
        const uint8_t *host = ring_host(ring, VBLK_AREA_DESC, at);
        used->len = le32(*(const shared32 *)(const void *)host);
        used->id = get16_even(host + sizeof(desc.len), VBLK_RELAXED);
    } else {
        TRY(get_answer(ring, way, at, &desc));
        used->len = vblk_get32(desc.len);
        used->id = vblk_get16(desc.id);
    }
    used->no_len = (flags & VBLK_DESC_WRITE) == 0;
    used->len = used->no_len ? 0 : used->len;
    used->passed = false;
    return VBLK_OK;
}

static inline enum vblk_used_fault judge(const struct vblk_ring *ring, uint32_t id)
{
    const struct vblk_packed_buf *buf;

    if (id >= ring->at.size)
        return VBLK_USED_ID_RANGE;
    buf = &ring->packed.bufs[id];
    return buf->slots == 0 || buf->seq >= ring->packed.published ? VBLK_USED_NOT_OUTSTANDING : VBLK_USED_OK;
}

EACH_WAY vblk_err reap(struct vblk_ring *ring, enum way way, struct vblk_used *used)
{
    struct vblk_packed *p = &ring->packed;

    TRY(get_used(ring, way, used));
    used->fault = (uint8_t)judge(ring, used->id);
    if (unlikely(used->fault != VBLK_USED_OK)) {
        ring_break(ring);
    } else if (likely(!ring_has(ring, VBLK_F_IN_ORDER))) {
        settle(ring, used);
    } else {
        p->batch_left = (uint32_t)(p->bufs[used->id].seq - p->returned) + 1;
        p->batch_len = used->len;
        p->batch_no_len = used->no_len;
        settle_in_order(ring, used);
    }
    return VBLK_OK;
}

RARE vblk_err reap_watched(struct vblk_ring *ring, struct vblk_used *used)
{
    return ring_told(ring, VBLK_DRIVER) ? reap(ring, TOLD, used) : reap(ring, ANY, used);
}

vblk_err packed_reap(struct vblk_ring *ring, struct vblk_used *used)
{
    if (ring->side != VBLK_DRIVER || ring->broken)
        return VBLK_E_STATE;
    if (unlikely(ring->packed.batch_left != 0)) {
        settle_in_order(ring, used);
        return VBLK_OK;
    }
    return ring_plain(ring, VBLK_DRIVER) ? reap(ring, PLAIN, used) : reap_watched(ring, used);
}
