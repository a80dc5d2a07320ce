/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that take and answer wrongly. */
#include "fault.h"
#include "impl.h"
#include "packed.h"
#include "split.h"

/* Used positions, packed. */

static bool a_whole_ring(const struct vblk_packed_pos *before, const struct vblk_packed_pos *after)
{
    return before->slot == after->slot && before->wrap != after->wrap;
}

static vblk_err take_no_flip(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct vblk_packed_pos before = ring->packed.avail;

    TRY(packed_take(ring, chain));
    if (a_whole_ring(&before, &ring->packed.avail))
        ring->packed.avail.wrap = before.wrap;
    return VBLK_OK;
}

static vblk_err put_no_flip(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_packed_pos before = ring->packed.used;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    if (a_whole_ring(&before, &ring->packed.used))
        ring->packed.used.wrap = before.wrap;
    return VBLK_OK;
}

/* As if the size were a power of two. */
static struct vblk_packed_pos masked(const struct vblk_ring *ring, struct vblk_packed_pos before, uint32_t by)
{
    const uint32_t next = before.slot + by;

    return (struct vblk_packed_pos){ (uint16_t)(next & (ring->at.size - 1)), before.wrap ^ (next >= ring->at.size) };
}

static uint32_t distance(const struct vblk_ring *ring, struct vblk_packed_pos from, struct vblk_packed_pos to)
{
    const uint32_t slots = to.slot + (from.wrap != to.wrap ? ring->at.size : 0);

    return slots - from.slot;
}

static vblk_err put_masked(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_packed_pos before = ring->packed.used;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    ring->packed.used = masked(ring, before, distance(ring, before, ring->packed.used));
    return VBLK_OK;
}

/* The next answer goes to the next descriptor, however many the list had. */
static vblk_err put_step_one(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    struct vblk_packed_pos next = ring->packed.used;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    vblk_packed_advance(&next, ring->at.size, 1);
    ring->packed.used = next;
    return VBLK_OK;
}

static vblk_err put_never_flips(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(packed_put_used_wrote(ring, id, len, wrote));
    ring->packed.used.wrap = true;
    return VBLK_OK;
}

/* Used descriptors, packed. */

static vblk_err put_not_write(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    return packed_put_used_wrote(ring, id, len, !wrote);
}

/* Flags, then the rest. */
static vblk_err put_flags_first(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const uint64_t at = vblk_packed_len_at(&ring->at, ring->packed.used.slot);
    const uint64_t answer = le64(len | (uint64_t)(uint16_t)id << 32), nothing = 0;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    TRY(vblk_memory_write(ring->mem, VBLK_DEVICE, at, &nothing, 6));
    TRY(packed_publish_used(ring));
    return vblk_memory_write(ring->mem, VBLK_DEVICE, at, &answer, 6);
}

/* 2.8.1: used is where both bits are the same. A ring of one would be its own answer to serve, for ever. */
static vblk_err publish_half(struct vblk_ring *ring)
{
    if (ring->at.size > 1)
        ring->packed.armed_flags ^= VBLK_DESC_AVAIL;
    return packed_publish_used(ring);
}

static vblk_err put_next_flag(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(packed_put_used_wrote(ring, id, len, wrote));
    ring->packed.armed_flags |= VBLK_DESC_NEXT;
    return VBLK_OK;
}

/* Both formats: ids and indices. */

static vblk_err split_put_other_id(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    return split_put_used_wrote(ring, (id + 1) % ring->at.size, len, wrote);
}

static vblk_err packed_put_other_id(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const uint16_t other = (uint16_t)(id + 1);
    const vblk_le16 wrong = vblk_put16(other);
    const uint64_t at = vblk_packed_len_at(&ring->at, ring->packed.used.slot) + 4;

    TRY(packed_put_used_wrote(ring, id, len, wrote));
    return vblk_memory_write(ring->mem, VBLK_DEVICE, at, &wrong, sizeof(wrong));
}

static vblk_err split_put_huge_id(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    return split_put_used_wrote(ring, id + ring->at.size, len, wrote);
}

/* Twice, if there is room for it. */
static vblk_err split_put_twice(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(split_put_used_wrote(ring, id, len, wrote));
    TRY(split_publish_used(ring));
    return split_put_used_wrote(ring, id, len, wrote);
}

static vblk_err packed_put_twice(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(packed_put_used_wrote(ring, id, len, wrote));
    TRY(packed_publish_used(ring));
    return packed_put_used_wrote(ring, id, len, wrote);
}

static vblk_err split_publish_two(struct vblk_ring *ring)
{
    ring->split.used_next++;
    return split_publish_used(ring);
}

/* The slot after the one that idx will cover. */
static vblk_err split_put_shifted(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    struct vblk_split *s = &ring->split;

    s->used_next++;
    TRY(split_put_used_wrote(ring, id, len, wrote));
    s->used_next--;
    return VBLK_OK;
}

/* The slot is taken modulo one less than the size. */
static vblk_err split_put_short_ring(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_used_elem elem = { .id = vblk_put32(id), .len = vblk_put32(len) };
    const uint32_t position = ring->split.used_next % (ring->at.size - 1);

    if (ring->at.size < 4)
        return split_put_used_wrote(ring, id, len, wrote);
    ring->split.used_next++;
    return vblk_memory_write(ring->mem, VBLK_DEVICE, vblk_split_used_ring_at(&ring->at, position), &elem, sizeof(elem));
}

/* idx first, the element after it. */
static vblk_err split_put_late(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_used_elem elem = { .id = vblk_put32(id), .len = vblk_put32(len) };
    const uint64_t at = vblk_split_used_ring_at(&ring->at, ring->split.used_next);

    (void)wrote;
    ring->split.used_next++;
    TRY(split_publish_used(ring));
    return vblk_memory_write(ring->mem, VBLK_DEVICE, at, &elem, sizeof(elem));
}

/* A device that forgot that IN_ORDER was negotiated. */
static vblk_err split_open_unordered(struct vblk_ring *ring)
{
    TRY(vblk_ring_split.open(ring));
    ring->split.in_order = false;
    return VBLK_OK;
}

static vblk_err packed_open_unordered(struct vblk_ring *ring)
{
    ring->at.features &= ~VBLK_BIT(VBLK_F_IN_ORDER);
    return vblk_ring_packed.open(ring);
}

/* Of a batch in order: idx moves by one, or the entry lies where the last buffer's would. */
static vblk_err split_put_by_one(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const uint16_t before = ring->split.used_next;

    TRY(split_put_used_wrote(ring, id, len, wrote));
    ring->split.used_next = (uint16_t)(before + 1);
    return VBLK_OK;
}

static vblk_err split_put_at_last(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    const struct vblk_used_elem elem = { .id = vblk_put32(id), .len = vblk_put32(len) };
    struct vblk_split *s = &ring->split;
    uint16_t n = 0;

    if (!s->in_order)
        return split_put_used_wrote(ring, id, len, wrote);
    while (n + 1u < ring->at.size && s->order[(s->order_next + n) & (ring->at.size - 1)] != id)
        n++;
    s->used_next = (uint16_t)(s->used_next + n + 1);
    s->order_next = (uint16_t)(s->order_next + n + 1);
    return vblk_memory_write(ring->mem, VBLK_DEVICE, vblk_split_used_ring_at(&ring->at, s->used_next - 1u), &elem,
                             sizeof(elem));
}

/* Taking. */

/* The buffer is left where it is, and found again the next time. */
static vblk_err split_take_twice(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    if (ring->note[0]++ % 2 == 0)
        ring->split.avail_next--;
    return VBLK_OK;
}

static vblk_err split_take_skip(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const vblk_err err = split_take(ring, chain);

    if (err == VBLK_OK && ring->note[0]++ == 0)
        return split_take(ring, chain);
    return err;
}

/* What can't be served is passed over; there are no more of them than entries. */
static vblk_err split_take_next_good(struct vblk_ring *ring, struct vblk_chain *chain)
{
    vblk_err err = split_take(ring, chain);

    for (uint32_t i = 0; err == VBLK_OK && chain->fault != VBLK_CHAIN_OK && i < ring->at.size; i++)
        err = split_take(ring, chain);
    return err;
}

/* The slot is taken modulo one less than the size. */
static vblk_err split_take_short_ring(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_split *s = &ring->split;
    const uint16_t next = s->avail_next;
    vblk_err err;

    if (ring->at.size < 4 || s->avail_next == s->avail_seen)
        return split_take(ring, chain);
    s->avail_next = (uint16_t)(next % (ring->at.size - 1));
    err = split_take(ring, chain);
    s->avail_next = (uint16_t)(next + 1);
    return err;
}

/* Indirect tables. */

/* The first descriptor of a packed chain, the last one of a split chain. */
static vblk_err indirect_of(struct vblk_ring *ring, uint64_t at, uint64_t *table, uint32_t *len, unsigned *flags)
{
    struct vblk_packed_desc desc; /* address and length lie where they do in a split one */

    TRY(vblk_memory_peek(ring->mem, at, &desc, sizeof(desc)));
    *table = vblk_get64(desc.addr);
    *len = vblk_get32(desc.len);
    *flags = ring_has(ring, VBLK_F_RING_PACKED) ? vblk_get16(desc.flags) : vblk_get16(desc.id);
    return VBLK_OK;
}

/* What is not a multiple of 16 is rounded down. */
static vblk_err round_down(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t at)
{
    uint64_t table;
    uint32_t len;
    unsigned flags;

    if (chain->fault != VBLK_CHAIN_TABLE_LENGTH || chain->n != 0)
        return VBLK_OK;
    TRY(indirect_of(ring, at, &table, &len, &flags));
    if (len < 16)
        return VBLK_OK;
    chain->fault = VBLK_CHAIN_OK;
    return chain_walk_table(ring, chain, table, len / 16 * 16);
}

static vblk_err split_take_odd_table(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    return round_down(ring, chain, vblk_split_desc_at(&ring->at, chain->id));
}

static vblk_err packed_take_odd_table(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const uint16_t slot = ring->packed.avail.slot;

    TRY(packed_take(ring, chain));
    return round_down(ring, chain, vblk_packed_desc_at(&ring->at, slot));
}

/* WRITE on the descriptor of a table means something to it: it refuses the table. */
static vblk_err heed_write(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t at)
{
    uint64_t table;
    uint32_t len;
    unsigned flags;

    TRY(indirect_of(ring, at, &table, &len, &flags));
    if ((flags & (VBLK_DESC_INDIRECT | VBLK_DESC_WRITE)) == (VBLK_DESC_INDIRECT | VBLK_DESC_WRITE))
        chain->fault = VBLK_CHAIN_INDIRECT;
    return VBLK_OK;
}

static vblk_err split_take_heeding_write(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    return chain->fault == VBLK_CHAIN_OK ? heed_write(ring, chain, vblk_split_desc_at(&ring->at, chain->id)) : VBLK_OK;
}

static vblk_err packed_take_heeding_write(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const uint16_t slot = ring->packed.avail.slot;

    TRY(packed_take(ring, chain));
    return chain->fault == VBLK_CHAIN_OK ? heed_write(ring, chain, vblk_packed_desc_at(&ring->at, slot)) : VBLK_OK;
}

/* A table is taken only as the first descriptor (2.7.5.3.2 lets plain ones come before it). */
static vblk_err split_take_table_alone(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_desc desc;

    TRY(split_take(ring, chain));
    if (chain->fault != VBLK_CHAIN_OK)
        return VBLK_OK;
    TRY(vblk_memory_peek(ring->mem, vblk_split_desc_at(&ring->at, chain->id), &desc, sizeof(desc)));
    for (uint32_t n = 0; n < ring->at.size && vblk_get16(desc.flags) & VBLK_DESC_NEXT; n++) {
        TRY(vblk_memory_peek(ring->mem, vblk_split_desc_at(&ring->at, vblk_get16(desc.next)), &desc, sizeof(desc)));
        if (vblk_get16(desc.flags) & VBLK_DESC_INDIRECT)
            chain->fault = VBLK_CHAIN_INDIRECT_MIXED;
    }
    return VBLK_OK;
}

/* In a packed table only WRITE is valid; this device stops where NEXT is clear, and a driver sets it nowhere. */
static vblk_err packed_take_chained_table(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const uint16_t slot = ring->packed.avail.slot;
    struct vblk_packed_desc desc;
    uint64_t table;
    uint32_t len;
    unsigned flags;

    TRY(packed_take(ring, chain));
    if (chain->fault != VBLK_CHAIN_OK)
        return VBLK_OK;
    TRY(indirect_of(ring, vblk_packed_desc_at(&ring->at, slot), &table, &len, &flags));
    if ((flags & VBLK_DESC_INDIRECT) == 0)
        return VBLK_OK;
    for (uint32_t i = 0; i < len / 16; i++) {
        TRY(vblk_memory_peek(ring->mem, table + 16 * (uint64_t)i, &desc, sizeof(desc)));
        if (vblk_get16(desc.flags) & VBLK_DESC_NEXT)
            chain->fault = VBLK_CHAIN_TOO_LONG; /* its next field led nowhere */
    }
    return VBLK_OK;
}

/* A table may have as many entries as the queue, and fewer; this one wants a power of two. */
static vblk_err split_take_table_at_16(struct vblk_ring *ring, struct vblk_chain *chain)
{
    uint64_t table;
    uint32_t len;
    unsigned flags;

    TRY(split_take(ring, chain));
    if (chain->fault != VBLK_CHAIN_OK)
        return VBLK_OK;
    TRY(indirect_of(ring, vblk_split_desc_at(&ring->at, chain->id), &table, &len, &flags));
    if ((flags & VBLK_DESC_INDIRECT) && table % 16 != 0)
        chain->fault = VBLK_CHAIN_BAD_ADDRESS;
    return VBLK_OK;
}

static vblk_err packed_take_table_at_16(struct vblk_ring *ring, struct vblk_chain *chain)
{
    const uint16_t slot = ring->packed.avail.slot;
    uint64_t table;
    uint32_t len;
    unsigned flags;

    TRY(packed_take(ring, chain));
    if (chain->fault != VBLK_CHAIN_OK)
        return VBLK_OK;
    TRY(indirect_of(ring, vblk_packed_desc_at(&ring->at, slot), &table, &len, &flags));
    if ((flags & VBLK_DESC_INDIRECT) && table % 16 != 0)
        chain->fault = VBLK_CHAIN_BAD_ADDRESS;
    return VBLK_OK;
}

/* An element of no bytes is one that this device can't do anything with. */
static vblk_err no_empty_element(vblk_err err, struct vblk_chain *chain)
{
    for (uint32_t i = 0; err == VBLK_OK && i < chain->n; i++)
        if (chain->bufs[i].len == 0)
            chain->fault = VBLK_CHAIN_BAD_ADDRESS;
    return err;
}

static vblk_err split_take_no_empty(struct vblk_ring *ring, struct vblk_chain *chain)
{
    return no_empty_element(split_take(ring, chain), chain);
}

static vblk_err packed_take_no_empty(struct vblk_ring *ring, struct vblk_chain *chain)
{
    return no_empty_element(packed_take(ring, chain), chain);
}

/* The descriptor is read again after it was looked at. */
static vblk_err split_take_fetching_twice(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_desc desc;

    TRY(split_take(ring, chain));
    return chain->fault == VBLK_CHAIN_OK ? vblk_memory_read(ring->mem, VBLK_DEVICE,
                                                            vblk_split_desc_at(&ring->at, chain->id), &desc,
                                                            sizeof(desc))
                                         : VBLK_OK;
}

/* The device keeps a note in what the driver gave it to read: in the last byte of it, once it has read that. */
static void remember_readable(struct vblk_ring *ring, const struct vblk_chain *chain)
{
    const struct vblk_element *last = chain->readable > 0 ? &chain->bufs[chain->readable - 1] : NULL;

    ring->note[0] = chain->fault == VBLK_CHAIN_OK && last != NULL && last->len > 0 ? last->gpa + last->len - 1 : 0;
}

static vblk_err change_readable(struct vblk_ring *ring)
{
    uint8_t byte;

    if (ring->note[0] == 0)
        return VBLK_OK;
    TRY(vblk_memory_peek(ring->mem, ring->note[0], &byte, 1));
    byte ^= 0xff;
    return vblk_memory_write(ring->mem, VBLK_DEVICE, ring->note[0], &byte, 1);
}

static vblk_err split_take_readable(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    remember_readable(ring, chain);
    return VBLK_OK;
}

static vblk_err packed_take_readable(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(packed_take(ring, chain));
    remember_readable(ring, chain);
    return VBLK_OK;
}

static vblk_err split_put_changing(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(change_readable(ring));
    return split_put_used_wrote(ring, id, len, wrote);
}

static vblk_err packed_put_changing(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    TRY(change_readable(ring));
    return packed_put_used_wrote(ring, id, len, wrote);
}

/* What the device is to fill it loads first. */
static void load_writable(struct vblk_ring *ring, const struct vblk_chain *chain)
{
    uint8_t byte;

    if (chain->fault == VBLK_CHAIN_OK && chain->n > chain->readable && chain->bufs[chain->readable].len > 0)
        (void)!vblk_memory_read(ring->mem, VBLK_DEVICE, chain->bufs[chain->readable].gpa, &byte, 1);
}

static vblk_err split_take_loading(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    load_writable(ring, chain);
    return VBLK_OK;
}

static vblk_err packed_take_loading(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(packed_take(ring, chain));
    load_writable(ring, chain);
    return VBLK_OK;
}

/* The available ring is the driver's. */
static vblk_err split_take_resetting_idx(struct vblk_ring *ring, struct vblk_chain *chain)
{
    TRY(split_take(ring, chain));
    return vblk_memory_store16(ring->mem, VBLK_DEVICE, vblk_split_avail_ring_at(&ring->at, ring->split.avail_next - 1u),
                               VBLK_RELAXED, 0xffff);
}

/* NEXT is clear, and the next field is followed all the same. */
static vblk_err split_take_following(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_desc desc = { .next = vblk_put16(0) };

    TRY(split_take(ring, chain));
    if (chain->fault == VBLK_CHAIN_OK)
        TRY(vblk_memory_peek(ring->mem, vblk_split_desc_at(&ring->at, (chain->id + chain->n - 1) % ring->at.size), &desc,
                             sizeof(desc)));
    return vblk_memory_read(ring->mem, VBLK_DEVICE,
                            vblk_split_desc_at(&ring->at, vblk_get16(desc.next) % ring->at.size), &desc, sizeof(desc));
}

/* Loads from an address that is in no buffer. */
static vblk_err split_take_astray(struct vblk_ring *ring, struct vblk_chain *chain)
{
    uint8_t byte;

    TRY(split_take(ring, chain));
    if (chain->fault == VBLK_CHAIN_OK && chain->n > 0)
        (void)!vblk_memory_read(ring->mem, VBLK_DEVICE, chain->bufs[0].gpa + 0x8000, &byte, 1);
    return VBLK_OK;
}

/* The header is read again after it was looked at. */
static vblk_err split_put_rereading(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote)
{
    uint8_t byte;

    if (ring->note[0] != 0)
        TRY(vblk_memory_read(ring->mem, VBLK_DEVICE, ring->note[0], &byte, 1));
    return split_put_used_wrote(ring, id, len, wrote);
}

/* Marks the head in the table as seen. */
static vblk_err split_take_marking(struct vblk_ring *ring, struct vblk_chain *chain)
{
    struct vblk_desc desc;

    TRY(split_take(ring, chain));
    if (chain->fault != VBLK_CHAIN_OK)
        return VBLK_OK;
    TRY(vblk_memory_peek(ring->mem, vblk_split_desc_at(&ring->at, chain->id), &desc, sizeof(desc)));
    desc.len = vblk_put32(0);
    return vblk_memory_write(ring->mem, VBLK_DEVICE, vblk_split_desc_at(&ring->at, chain->id), &desc, sizeof(desc));
}

const struct vblk_ring_fault ring_faults_device[] = {
    { "wrap-used-full-ring", "does not flip its wrap counter after an answer for a whole ring of descriptors",
      .packed = { .put_used_wrote = put_no_flip } },
    { "wrap-avail-full-ring", "does not flip its wrap counter after a chain that fills the ring",
      .packed = { .take = take_no_flip } },
    { "wrap-never-flips", "never flips the wrap counter of its used descriptors",
      .packed = { .put_used_wrote = put_never_flips } },
    { "used-slot-masked", "takes the next used slot & (size - 1), which is wrong for sizes that are no power of two",
      .packed = { .put_used_wrote = put_masked } },
    { "used-step-one", "writes the next used descriptor right after the last, without skipping the list's",
      .packed = { .put_used_wrote = put_step_one } },
    { "used-write-inverted", "sets WRITE in a used descriptor when nothing was written, and clears it otherwise",
      .packed = { .put_used_wrote = put_not_write } },
    { "used-flags-first", "shows a used descriptor before its id and length are there",
      .packed = { .put_used_wrote = put_flags_first } },
    { "used-flag-half", "sets USED alone in its used descriptors, not AVAIL", .packed = { .publish_used = publish_half } },
    { "used-next-flag", "leaves NEXT set in its used descriptors", .packed = { .put_used_wrote = put_next_flag } },
    { "used-id-off-by-one", "answers with the id after the right one",
      .split = { .put_used_wrote = split_put_other_id }, .packed = { .put_used_wrote = packed_put_other_id } },
    { "used-id-out-of-table", "answers with an id that lies outside the descriptor table",
      .split = { .put_used_wrote = split_put_huge_id } },
    { "used-twice", "answers each buffer twice", .split = { .put_used_wrote = split_put_twice },
      .packed = { .put_used_wrote = packed_put_twice } },
    { "used-idx-two", "moves the used index by two for one answer", .split = { .publish_used = split_publish_two } },
    { "used-slot-shifted", "writes each used element one slot too far", .split = { .put_used_wrote = split_put_shifted } },
    { "used-modulo-less-one", "takes the used slot modulo one less than the size",
      .split = { .put_used_wrote = split_put_short_ring } },
    { "used-idx-first", "moves the used index before the element is there", .split = { .put_used_wrote = split_put_late } },
    { "unordered", "forgets that buffers must be used in order",
      .split = { .open = split_open_unordered }, .packed = { .open = packed_open_unordered } },
    { "batch-idx-by-one", "moves the used index by one for a batch of buffers",
      .split = { .put_used_wrote = split_put_by_one } },
    { "batch-entry-at-last", "writes the entry of a batch where that of its last buffer would be",
      .split = { .put_used_wrote = split_put_at_last } },
    { "takes-twice", "serves a buffer again that it served before", .split = { .take = split_take_twice } },
    { "skips-first", "passes over the first buffer and never answers it", .split = { .take = split_take_skip } },
    { "faults-ignored", "passes over chains that can't be served", .split = { .take = split_take_next_good } },
    { "avail-modulo-less-one", "takes the available slot modulo one less than the size",
      .split = { .take = split_take_short_ring } },
    { "table-length-rounded", "takes an indirect table whose length is no multiple of 16",
      .split = { .take = split_take_odd_table }, .packed = { .take = packed_take_odd_table } },
    { "table-write-heeded", "refuses an indirect table whose descriptor has WRITE set",
      .split = { .take = split_take_heeding_write }, .packed = { .take = packed_take_heeding_write } },
    { "table-alone", "refuses an indirect table that plain descriptors come before", .split = { .take = split_take_table_alone } },
    { "table-next-heeded", "takes NEXT in a packed indirect table for a link", .packed = { .take = packed_take_chained_table } },
    { "table-aligned", "refuses an indirect table that is not aligned to 16 bytes",
      .split = { .take = split_take_table_at_16 }, .packed = { .take = packed_take_table_at_16 } },
    { "no-empty-element", "refuses a chain with an element of no bytes",
      .split = { .take = split_take_no_empty }, .packed = { .take = packed_take_no_empty } },
    { "descriptor-read-twice", "reads a descriptor that it has looked at a second time",
      .split = { .take = split_take_fetching_twice } },
    { "readable-changed", "changes a byte of what the driver gave it to read",
      .split = { .take = split_take_readable, .put_used_wrote = split_put_changing },
      .packed = { .take = packed_take_readable, .put_used_wrote = packed_put_changing } },
    { "writable-loaded", "loads from a buffer that it is to fill", .split = { .take = split_take_loading },
      .packed = { .take = packed_take_loading } },
    { "avail-slot-marked", "stores into the available ring", .split = { .take = split_take_resetting_idx } },
    { "next-followed", "follows next where NEXT is clear", .split = { .take = split_take_following } },
    { "loads-astray", "loads from an address that is in no buffer", .split = { .take = split_take_astray } },
    { "header-read-twice", "reads again what it has read", .split = { .take = split_take_readable, .put_used_wrote = split_put_rereading } },
    { "descriptor-marked", "writes into the descriptor table", .split = { .take = split_take_marking } },
    { .name = NULL },
};
