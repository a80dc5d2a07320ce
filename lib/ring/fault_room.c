/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that make more available than there is room for, or use again what they did not look at. */
#include "fault.h"
#include "impl.h"
#include "packed.h"
#include "split.h"

static uint32_t slot_from(const struct vblk_ring *ring, uint32_t i)
{
    return (ring->packed.avail.slot + i) % ring->at.size;
}

/* As packed_add() marks slot @i from the next one on; a lap further for @lap. */
static unsigned marks(const struct vblk_ring *ring, uint32_t i, bool lap)
{
    return vblk_packed_available(ring->packed.avail.wrap ^ (ring->packed.avail.slot + i >= ring->at.size) ^ lap);
}

static vblk_err put(struct vblk_ring *ring, uint32_t slot, const struct vblk_element *buf, unsigned flags)
{
    const struct vblk_packed_desc desc = { vblk_put64(buf->gpa), vblk_put32(buf->len), vblk_put16(0),
                                           vblk_put16((uint16_t)(flags | (buf->writable ? VBLK_DESC_WRITE : 0u))) };

    return vblk_memory_write(ring->mem, VBLK_DRIVER, vblk_packed_desc_at(&ring->at, slot), &desc, sizeof(desc));
}

/* Every slot of an empty ring goes on in the next one. */
static vblk_err add_without_end(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (n >= 2 && n <= ring->at.size && ring->packed.free == ring->at.size)
        for (uint32_t i = n - 1; i < ring->at.size; i++)
            TRY(put(ring, slot_from(ring, i), &bufs[n - 1], marks(ring, i, false) | VBLK_DESC_NEXT));
    if (n < 2 || ring->packed.free != ring->at.size)
        return packed_add(ring, bufs, n, id);

    struct vblk_desc last;
    const uint64_t at = vblk_packed_desc_at(&ring->at, slot_from(ring, n - 1));

    TRY(vblk_memory_peek(ring->mem, at, &last, sizeof(last)));
    TRY(packed_add(ring, bufs, n, id));
    return vblk_memory_write(ring->mem, VBLK_DRIVER, at, &last, sizeof(last));
}

/* What does not fit is begun all the same: the device will have used the others by then. */
static vblk_err add_what_fits(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const vblk_err err = packed_add(ring, bufs, n, id);
    const uint32_t room = ring->packed.free;

    if (err != VBLK_E_FULL || room == 0)
        return err;
    for (uint32_t i = room; i-- > 0;)
        TRY(put(ring, slot_from(ring, i), &bufs[i], marks(ring, i, false) | VBLK_DESC_NEXT));
    return err;
}

/* Over those that are with the device. */
static vblk_err add_over_others(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const vblk_err err = packed_add(ring, bufs, n, id);

    if (err != VBLK_E_FULL || ring->packed.added != ring->packed.published || ring->note[0]++ != 0)
        return err;
    TRY(put(ring, slot_from(ring, ring->packed.free), &bufs[0], marks(ring, ring->packed.free, false)));
    return err;
}

/* The second descriptor of a list is written when the first one is available. */
static vblk_err add_second_late(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_packed *p = &ring->packed;
    struct vblk_packed_buf *buf;

    if (n < 2 || n > p->free)
        return packed_add(ring, bufs, n, id);
    for (uint32_t i = 2; i < n; i++)
        TRY(put(ring, slot_from(ring, i), &bufs[i], marks(ring, i, false) | (i + 1 < n ? VBLK_DESC_NEXT : 0u)));
    ring->note[0] = bufs[1].gpa;
    ring->note[1] = bufs[1].len | (uint64_t)bufs[1].writable << 32 | (uint64_t)(n > 2) << 33;
    ring->note[2] = slot_from(ring, 1) | (uint64_t)marks(ring, 1, false) << 32;
    TRY(packed_add(ring, bufs, 1, id));
    buf = &p->bufs[*id];
    buf->flags |= VBLK_DESC_NEXT;
    buf->slots = (uint16_t)n;
    buf->writable = 0;
    for (uint32_t i = 0; i < n; i++)
        buf->writable += bufs[i].writable ? bufs[i].len : 0;
    p->free -= n - 1;
    vblk_packed_advance(&p->avail, ring->at.size, n - 1);
    return VBLK_OK;
}

static vblk_err publish_second_late(struct vblk_ring *ring, uint32_t count)
{
    const struct vblk_element second = { ring->note[0], (uint32_t)ring->note[1], ring->note[1] >> 32 & 1 };
    const unsigned more = ring->note[1] >> 33 != 0 ? VBLK_DESC_NEXT : 0;

    TRY(packed_publish(ring, count));
    return count == 0 ? VBLK_OK
                      : put(ring, (uint32_t)ring->note[2], &second, (unsigned)(ring->note[2] >> 32) | more);
}

/* The flags of its ring say what means nothing. */
static vblk_err publish_odd_flags(struct vblk_ring *ring, uint32_t count)
{
    if (!ring_has(ring, VBLK_F_EVENT_IDX))
        TRY(vblk_memory_store16(ring->mem, VBLK_DRIVER, vblk_split_avail_flags_at(&ring->at), VBLK_RELAXED, 2));
    return split_publish(ring, count);
}

/* It knows from elsewhere that the slot was used. */
static vblk_err reap_unseen(struct vblk_ring *ring, struct vblk_used *used)
{
    const uint64_t at = vblk_packed_desc_at(&ring->at, ring->packed.used.slot);
    struct vblk_packed_desc desc;

    TRY(vblk_memory_peek(ring->mem, at, &desc, sizeof(desc)));
    if (ring->packed.batch_left == 0 && vblk_packed_is(vblk_get16(desc.flags), vblk_packed_used(ring->packed.used.wrap)))
        TRY(vblk_memory_write(ring->mem, VBLK_DRIVER, at, &desc, sizeof(desc.addr)));
    return packed_reap(ring, used);
}

/* A table of more entries than the queue has: the first one again and again, of no bytes. It has room for 64 bytes more. */
#define ENTRIES_MAX 64u
static vblk_err table_past_size(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                                uint32_t n, uint16_t *id)
{
    struct vblk_element more[ENTRIES_MAX];
    const uint32_t extra = ring->at.size + 1 - n;

    if (ring->at.size >= ENTRIES_MAX || n > ring->at.size || direct != 0)
        return split_add_indirect(ring, table, direct, bufs, n, id);
    for (uint32_t i = 0; i < extra; i++)
        more[i] = (struct vblk_element){ bufs[0].gpa, 0, false };
    for (uint32_t i = 0; i < n; i++)
        more[extra + i] = bufs[i];
    return split_add_indirect(ring, table, 0, more, n + extra, id);
}

const struct vblk_ring_fault ring_faults_room[] = {
    { "list-without-end", "sets NEXT in every descriptor of the ring", .packed = { .add = add_without_end } },
    { "list-half-there", "begins a list that has to wait for the room of others", .packed = { .add = add_what_fits } },
    { "list-over-others", "puts a list over descriptors that are with the device", .packed = { .add = add_over_others } },
    { "second-late", "writes the second descriptor of a list when the first one is available",
      .packed = { .add = add_second_late, .publish = publish_second_late } },
    { "own-flags-odd-always", "sets flags of its ring that mean nothing with each buffer", .split = { .publish = publish_odd_flags } },
    { "used-unseen", "stores into a used descriptor without a look at its flags", .packed = { .reap = reap_unseen } },
    { "table-past-size", "gives an indirect table of a split ring more entries than the queue has",
      .split = { .add_indirect = table_past_size } },
    { .name = NULL },
};
