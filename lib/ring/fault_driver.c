/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that describe and show buffers wrongly. */
#include "fault.h"
#include "impl.h"
#include "packed.h"
#include "split.h"

/* Reaching into what the reference wrote, as the driver. */

static vblk_err get_desc(const struct vblk_ring *ring, uint64_t at, struct vblk_desc *desc)
{
    return vblk_memory_peek(ring->mem, at, desc, sizeof(*desc));
}

static vblk_err put_desc(struct vblk_ring *ring, uint64_t at, const struct vblk_desc *desc)
{
    return vblk_memory_write(ring->mem, VBLK_DRIVER, at, desc, sizeof(*desc));
}

static vblk_err store16(struct vblk_ring *ring, uint64_t at, uint16_t value)
{
    return vblk_memory_store16(ring->mem, VBLK_DRIVER, at, VBLK_RELAXED, value);
}

/* Set flags and next of the descriptor at @at. */
static vblk_err link_to(struct vblk_ring *ring, uint64_t at, unsigned set, unsigned clear, uint16_t next)
{
    struct vblk_desc desc;

    TRY(get_desc(ring, at, &desc));
    desc.flags = vblk_put16((uint16_t)((vblk_get16(desc.flags) | set) & ~clear));
    desc.next = vblk_put16(next);
    return put_desc(ring, at, &desc);
}

static uint64_t desc_of(const struct vblk_ring *ring, uint16_t i)
{
    return vblk_split_desc_at(&ring->at, i);
}

/* Chains, split. */

static vblk_err add_loop(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    TRY(split_add(ring, bufs, n, id));
    return link_to(ring, desc_of(ring, ring->split.slots[*id].tail), VBLK_DESC_NEXT, 0, *id);
}

static vblk_err add_next_outside(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    TRY(split_add(ring, bufs, n, id));
    return n < 2 ? VBLK_OK : link_to(ring, desc_of(ring, *id), 0, 0, (uint16_t)ring->at.size);
}

static vblk_err add_head_outside(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    TRY(split_add(ring, bufs, n, id));
    return store16(ring, vblk_split_avail_ring_at(&ring->at, ring->split.added - 1), (uint16_t)(*id + ring->at.size));
}

/* The second descriptor's number, so that the first one is left out. */
static vblk_err add_not_head(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    TRY(split_add(ring, bufs, n, id));
    if (n < 2)
        return VBLK_OK;
    return store16(ring, vblk_split_avail_ring_at(&ring->at, ring->split.added - 1), ring->split.next[*id]);
}

static vblk_err add_not_writable(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_desc desc;
    uint64_t at;

    TRY(split_add(ring, bufs, n, id));
    at = desc_of(ring, ring->split.slots[*id].tail);
    TRY(get_desc(ring, at, &desc));
    return link_to(ring, at, 0, VBLK_DESC_WRITE, vblk_get16(desc.next));
}

static vblk_err add_unknown_flag(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_desc desc;

    TRY(split_add(ring, bufs, n, id));
    TRY(get_desc(ring, desc_of(ring, *id), &desc));
    return link_to(ring, desc_of(ring, *id), 0x20, 0, vblk_get16(desc.next));
}

/* Last to first, so that what is writable comes before what is readable. */
#define BACKWARDS_MAX 64u
static uint32_t backwards(const struct vblk_element *bufs, uint32_t n, struct vblk_element *out)
{
    n = n < BACKWARDS_MAX ? n : BACKWARDS_MAX;
    for (uint32_t i = 0; i < n; i++)
        out[i] = bufs[n - 1 - i];
    return n;
}

static vblk_err split_add_backwards(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_element turned[BACKWARDS_MAX];

    return split_add(ring, turned, backwards(bufs, n, turned), id);
}

static vblk_err packed_add_backwards(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_element turned[BACKWARDS_MAX];

    return packed_add(ring, turned, backwards(bufs, n, turned), id);
}

/* h, h + 2, h + 1: the same descriptors, out of order. */
static vblk_err add_out_of_sequence(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    uint16_t second, third;
    struct vblk_desc b, c;

    TRY(split_add(ring, bufs, n, id));
    if (n != 3)
        return VBLK_OK;
    second = ring->split.next[*id];
    third = ring->split.next[second];
    TRY(get_desc(ring, desc_of(ring, second), &b));
    TRY(get_desc(ring, desc_of(ring, third), &c));
    b.next = vblk_put16(second);
    TRY(put_desc(ring, desc_of(ring, third), &b));
    TRY(put_desc(ring, desc_of(ring, second), &c));
    return link_to(ring, desc_of(ring, *id), 0, 0, third);
}

/* Each buffer begins two descriptors on, as after a free list that is not in ring order. */
static vblk_err open_shuffled(struct vblk_ring *ring)
{
    TRY(vblk_ring_split.open(ring));
    if (ring->side == VBLK_DRIVER && ring->split.in_order && ring->at.size >= 8)
        ring->split.free_head = ring->split.oldest = 2;
    return VBLK_OK;
}

/* Indirect tables. The table lies in descriptors that nothing uses. */
static vblk_err add_table_unnegotiated(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint64_t features = ring->at.features;
    vblk_err err;

    if (ring_has(ring, VBLK_F_INDIRECT_DESC) || n > ring->split.free / 2)
        return split_add(ring, bufs, n, id);
    ring->at.features |= VBLK_BIT(VBLK_F_INDIRECT_DESC);
    err = split_add_indirect(ring, desc_of(ring, (uint16_t)(ring->at.size - n)), 0, bufs, n, id);
    ring->at.features = features;
    return err;
}

static vblk_err packed_add_table_unnegotiated(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n,
                                              uint16_t *id)
{
    const uint64_t features = ring->at.features;
    vblk_err err;

    if (ring_has(ring, VBLK_F_INDIRECT_DESC) || ring->packed.avail.slot + n + 1 > ring->at.size)
        return packed_add(ring, bufs, n, id);
    ring->at.features |= VBLK_BIT(VBLK_F_INDIRECT_DESC);
    err = packed_add_indirect(ring, vblk_packed_desc_at(&ring->at, ring->at.size - n), 0, bufs, n, id);
    ring->at.features = features;
    return err;
}

static vblk_err table_and_next(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                               uint32_t n, uint16_t *id)
{
    TRY(split_add_indirect(ring, table, direct, bufs, n, id));
    return link_to(ring, desc_of(ring, ring->split.slots[*id].tail), VBLK_DESC_NEXT, 0,
                   ring->split.next[ring->split.slots[*id].tail]);
}

static vblk_err table_in_table(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                               uint32_t n, uint16_t *id)
{
    TRY(split_add_indirect(ring, table, direct, bufs, n, id));
    return link_to(ring, table, VBLK_DESC_INDIRECT, VBLK_DESC_NEXT, 0);
}

static vblk_err odd_length(struct vblk_ring *ring, uint64_t at)
{
    struct vblk_desc desc;

    TRY(get_desc(ring, at, &desc));
    desc.len = vblk_put32(vblk_get32(desc.len) + 8);
    return put_desc(ring, at, &desc);
}

static vblk_err split_table_odd(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                                uint32_t n, uint16_t *id)
{
    TRY(split_add_indirect(ring, table, direct, bufs, n, id));
    return odd_length(ring, desc_of(ring, ring->split.slots[*id].tail));
}

static vblk_err packed_table_odd(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                                 uint32_t n, uint16_t *id)
{
    TRY(packed_add_indirect(ring, table, direct, bufs, n, id));
    return odd_length(ring, vblk_packed_desc_at(&ring->at, ring->packed.bufs[*id].head));
}

static vblk_err table_backwards(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                                uint32_t n, uint16_t *id)
{
    struct vblk_element turned[BACKWARDS_MAX];

    n = backwards(bufs, n, turned);
    return ring_has(ring, VBLK_F_RING_PACKED) ? packed_add_indirect(ring, table, direct, turned, n, id)
                                              : split_add_indirect(ring, table, direct, turned, n, id);
}

static vblk_err table_out_of_sequence(struct vblk_ring *ring, uint64_t table, uint32_t direct,
                                      const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_desc b, c;

    TRY(split_add_indirect(ring, table, direct, bufs, n, id));
    if (n - direct != 3)
        return VBLK_OK;
    TRY(get_desc(ring, table + 16, &b));
    TRY(get_desc(ring, table + 32, &c));
    b.next = vblk_put16(1);
    TRY(put_desc(ring, table + 32, &b));
    TRY(put_desc(ring, table + 16, &c));
    return link_to(ring, table, 0, 0, 2);
}

static vblk_err table_next_outside(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                                   uint32_t n, uint16_t *id)
{
    TRY(split_add_indirect(ring, table, direct, bufs, n, id));
    return link_to(ring, table, VBLK_DESC_NEXT, 0, (uint16_t)n);
}

static vblk_err table_flags(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                            uint32_t n, uint16_t *id)
{
    TRY(packed_add_indirect(ring, table, direct, bufs, n, id));
    return link_to(ring, table, 0, 0, VBLK_DESC_NEXT); /* flags lie where next does */
}

/* More entries than the queue has: the first one again and again, of no bytes. A table has room for 64 bytes more. */
static vblk_err table_too_long(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                               uint32_t n, uint16_t *id)
{
    struct vblk_element more[BACKWARDS_MAX];
    uint32_t extra = ring->at.size + 1 - n;

    if (ring->at.size >= BACKWARDS_MAX || n > ring->at.size)
        return packed_add_indirect(ring, table, direct, bufs, n, id);
    for (uint32_t i = 0; i < extra; i++)
        more[i] = (struct vblk_element){ bufs[0].gpa, 0, false };
    for (uint32_t i = 0; i < n; i++)
        more[extra + i] = bufs[i];
    return packed_add_indirect(ring, table, direct, more, n + extra, id);
}

/* Packed descriptors. */

static uint32_t slot_after(const struct vblk_ring *ring, uint32_t slot, uint32_t by)
{
    return (slot + by) % ring->at.size;
}

static vblk_err change_flags(struct vblk_ring *ring, uint32_t slot, unsigned flip)
{
    const uint64_t at = vblk_packed_flags_at(&ring->at, slot);
    vblk_le16 flags;

    TRY(vblk_memory_peek(ring->mem, at, &flags, sizeof(flags)));
    return store16(ring, at, (uint16_t)(vblk_get16(flags) ^ flip));
}

#define BOTH_MARKS (VBLK_DESC_AVAIL | VBLK_DESC_USED)

/* Behind the end of the ring the flags say what they said before it. */
static vblk_err add_stale_after_end(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const struct vblk_packed_pos from = ring->packed.avail;

    TRY(packed_add(ring, bufs, n, id));
    for (uint32_t i = 1; i < n; i++)
        if (from.slot + i >= ring->at.size)
            TRY(change_flags(ring, slot_after(ring, from.slot, i), BOTH_MARKS));
    return VBLK_OK;
}

/* In the second round everything is marked as in the first. */
static vblk_err publish_stale(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;
    struct vblk_packed_buf *buf = &p->bufs[p->order[p->order_out]];

    if (count == 1 && !p->shown.wrap)
        buf->flags ^= BOTH_MARKS;
    return packed_publish(ring, count);
}

static vblk_err publish_both_marks(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;

    if (count == 1)
        p->bufs[p->order[p->order_out]].flags |= BOTH_MARKS;
    return packed_publish(ring, count);
}

static vblk_err add_id_in_first(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint32_t last = slot_after(ring, ring->packed.avail.slot, n - 1);
    const vblk_le16 other = vblk_put16((uint16_t)(ring->at.size + 7));

    TRY(packed_add(ring, bufs, n, id));
    return n < 2 ? VBLK_OK
                 : vblk_memory_write(ring->mem, VBLK_DRIVER, vblk_packed_len_at(&ring->at, last) + 4, &other,
                                     sizeof(other));
}

static vblk_err packed_add_not_writable(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint32_t last = slot_after(ring, ring->packed.avail.slot, n - 1);

    TRY(packed_add(ring, bufs, n, id));
    return n < 2 ? VBLK_OK : change_flags(ring, last, VBLK_DESC_WRITE);
}

/* A table as the second descriptor of a list. */
static vblk_err add_table_in_list(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const uint32_t second = slot_after(ring, ring->packed.avail.slot, 1);

    TRY(packed_add(ring, bufs, n, id));
    return n < 2 ? VBLK_OK : change_flags(ring, second, VBLK_DESC_INDIRECT);
}

/* The first descriptor is shown before the second. */
static vblk_err publish_first_first(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;
    const struct vblk_packed_buf *buf = &p->bufs[p->order[p->order_out]];
    const uint32_t second = slot_after(ring, buf->head, 1);

    if (count != 1 || buf->slots < 2)
        return packed_publish(ring, count);
    TRY(change_flags(ring, second, BOTH_MARKS));
    TRY(packed_publish(ring, count));
    return change_flags(ring, second, BOTH_MARKS);
}

/* A single buffer; nothing stands between its descriptors and the flags. */
static vblk_err packed_publish_relaxed(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;
    const struct vblk_packed_buf *buf = &p->bufs[p->order[p->order_out]];

    if (count != 1 || p->published == p->added)
        return packed_publish(ring, count);
    TRY(store16(ring, vblk_packed_flags_at(&ring->at, buf->head), buf->flags));
    p->order_out = next_in_order(ring, p->order_out);
    p->published++;
    p->unasked += buf->slots;
    vblk_packed_advance(&p->shown, ring->at.size, buf->slots);
    return VBLK_OK;
}

/* Showing, split. */

static vblk_err split_publish_relaxed(struct vblk_ring *ring, uint32_t count)
{
    if (count != 0)
        TRY(store16(ring, vblk_split_avail_idx_at(&ring->at), (uint16_t)(ring->split.published + count)));
    return split_publish(ring, count);
}

/* idx, then the slot that it covers. */
static vblk_err publish_before_slot(struct vblk_ring *ring, uint32_t count)
{
    const uint64_t at = vblk_split_avail_ring_at(&ring->at, ring->split.published);
    vblk_le16 head;

    if (count == 0)
        return VBLK_OK;
    TRY(vblk_memory_peek(ring->mem, at, &head, sizeof(head)));
    TRY(split_publish(ring, count));
    return store16(ring, at, vblk_get16(head));
}

static vblk_err publish_and_back(struct vblk_ring *ring, uint32_t count)
{
    const uint64_t at = vblk_split_avail_idx_at(&ring->at);
    const uint16_t idx = (uint16_t)(ring->split.published + count);

    TRY(split_publish(ring, count));
    if (ring->note[0]++ != 1)
        return VBLK_OK;
    TRY(vblk_memory_store16(ring->mem, VBLK_DRIVER, at, VBLK_RELEASE, (uint16_t)(idx - 1)));
    return vblk_memory_store16(ring->mem, VBLK_DRIVER, at, VBLK_RELEASE, idx);
}

static vblk_err publish_twice(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_split *s = &ring->split;
    vblk_le16 head;

    TRY(vblk_memory_peek(ring->mem, vblk_split_avail_ring_at(&ring->at, s->published), &head, sizeof(head)));
    if (count != 1)
        return split_publish(ring, count);
    TRY(store16(ring, vblk_split_avail_ring_at(&ring->at, s->published + 1), vblk_get16(head)));
    s->added++;
    return split_publish(ring, 2);
}

/* What the device holds by then. */
static vblk_err split_publish_then_change(struct vblk_ring *ring, uint32_t count)
{
    vblk_le16 head;
    struct vblk_desc desc;

    TRY(vblk_memory_peek(ring->mem, vblk_split_avail_ring_at(&ring->at, ring->split.published), &head, sizeof(head)));
    TRY(split_publish(ring, count));
    TRY(get_desc(ring, desc_of(ring, vblk_get16(head)), &desc));
    return put_desc(ring, desc_of(ring, vblk_get16(head)), &desc);
}

static vblk_err packed_publish_then_change(struct vblk_ring *ring, uint32_t count)
{
    struct vblk_packed *p = &ring->packed;
    const uint64_t at = vblk_packed_desc_at(&ring->at, p->bufs[p->order[p->order_out]].head);
    uint64_t address;

    TRY(packed_publish(ring, count));
    TRY(vblk_memory_peek(ring->mem, at, &address, sizeof(address)));
    return vblk_memory_write(ring->mem, VBLK_DRIVER, at, &address, sizeof(address));
}

/* The used ring is the device's. */
static vblk_err publish_and_clear_used(struct vblk_ring *ring, uint32_t count)
{
    TRY(store16(ring, vblk_split_used_ring_at(&ring->at, ring->split.used_next), 0));
    return split_publish(ring, count);
}

/* Notification data. */

static vblk_err split_data_behind(const struct vblk_ring *ring, uint16_t vq, uint32_t *data)
{
    TRY(vblk_ring_split.kick_data(ring, vq, data));
    *data -= UINT32_C(1) << 16;
    return VBLK_OK;
}

static vblk_err packed_data_no_wrap(const struct vblk_ring *ring, uint16_t vq, uint32_t *data)
{
    TRY(packed_kick_data(ring, vq, data));
    *data ^= UINT32_C(1) << 31;
    return VBLK_OK;
}

static vblk_err split_data_none(const struct vblk_ring *ring, uint16_t vq, uint32_t *data)
{
    (void)ring;
    *data = vq;
    return VBLK_OK;
}

const struct vblk_ring_fault ring_faults_driver[] = {
    { "chain-loops", "links the last descriptor of a chain to its first", .split = { .add = add_loop } },
    { "next-out-of-table", "links a descriptor to one that lies outside the table", .split = { .add = add_next_outside } },
    { "head-out-of-table", "makes a head available that lies outside the table", .split = { .add = add_head_outside } },
    { "head-not-first", "makes the second descriptor of a chain available", .split = { .add = add_not_head } },
    { "not-writable", "leaves WRITE out of a descriptor that the device must write",
      .split = { .add = add_not_writable }, .packed = { .add = packed_add_not_writable } },
    { "unknown-flag", "sets a descriptor flag that does not exist", .split = { .add = add_unknown_flag } },
    { "writable-first", "puts writable elements before readable ones", .split = { .add = split_add_backwards, .add_indirect = table_backwards },
      .packed = { .add = packed_add_backwards, .add_indirect = table_backwards } },
    { "out-of-sequence", "links descriptors out of ring order", .split = { .add = add_out_of_sequence } },
    { "starts-elsewhere", "begins with another descriptor than the first", .split = { .open = open_shuffled } },
    { "table-unnegotiated", "uses an indirect table although INDIRECT_DESC was not negotiated",
      .split = { .add = add_table_unnegotiated }, .packed = { .add = packed_add_table_unnegotiated } },
    { "table-and-next", "sets NEXT on a descriptor of an indirect table", .split = { .add_indirect = table_and_next } },
    { "table-in-table", "puts an indirect descriptor into an indirect table", .split = { .add_indirect = table_in_table } },
    { "table-odd-length", "gives an indirect table a length that is no multiple of 16",
      .split = { .add_indirect = split_table_odd }, .packed = { .add_indirect = packed_table_odd } },
    { "table-out-of-sequence", "links the entries of an indirect table out of order",
      .split = { .add_indirect = table_out_of_sequence } },
    { "table-next-outside", "links an entry of an indirect table to one that it does not have",
      .split = { .add_indirect = table_next_outside } },
    { "table-flags", "sets NEXT in a packed indirect table", .packed = { .add_indirect = table_flags } },
    { "table-too-long", "gives an indirect table more entries than the queue has", .packed = { .add_indirect = table_too_long } },
    { "table-in-list", "puts an indirect descriptor into a list of direct ones", .packed = { .add = add_table_in_list } },
    { "stale-after-end", "leaves the flags of descriptors past the end of the ring as before it",
      .packed = { .add = add_stale_after_end } },
    { "stale-second-round", "marks descriptors of the second round as in the first", .packed = { .publish = publish_stale } },
    { "marks-equal", "sets AVAIL and USED both in what it makes available", .packed = { .publish = publish_both_marks } },
    { "id-not-in-last", "puts the buffer id into the first descriptor of a list only", .packed = { .add = add_id_in_first } },
    { "first-shown-first", "makes the first descriptor of a list available before the others",
      .packed = { .publish = publish_first_first } },
    { "shown-without-barrier", "makes buffers available without a barrier after writing them",
      .split = { .publish = split_publish_relaxed }, .packed = { .publish = packed_publish_relaxed } },
    { "idx-before-slot", "moves the available index before the slot is written", .split = { .publish = publish_before_slot } },
    { "idx-back", "takes the available index back", .split = { .publish = publish_and_back } },
    { "shown-twice", "makes a buffer available again that is outstanding", .split = { .publish = publish_twice } },
    { "changed-in-flight", "stores into a descriptor that the device holds",
      .split = { .publish = split_publish_then_change }, .packed = { .publish = packed_publish_then_change } },
    { "clears-used", "stores into the used ring", .split = { .publish = publish_and_clear_used } },
    { "data-behind", "gives the previous position in its notification data", .split = { .kick_data = split_data_behind } },
    { "data-wrap-inverted", "gives the wrong wrap counter in its notification data", .packed = { .kick_data = packed_data_no_wrap } },
    { "data-none", "leaves the position out of its notification data", .split = { .kick_data = split_data_none },
      .packed = { .kick_data = split_data_none } },
    { .name = NULL },
};
