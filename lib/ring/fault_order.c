/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that show buffers where or when they may not be shown. */
#include "fault.h"
#include "impl.h"
#include "packed.h"
#include "split.h"

static vblk_err get(const struct vblk_ring *ring, uint16_t i, struct vblk_desc *desc)
{
    return vblk_memory_peek(ring->mem, vblk_split_desc_at(&ring->at, i), desc, sizeof(*desc));
}

static vblk_err put(struct vblk_ring *ring, uint16_t i, const struct vblk_desc *desc)
{
    return vblk_memory_write(ring->mem, VBLK_DRIVER, vblk_split_desc_at(&ring->at, i), desc, sizeof(*desc));
}

/* More than the queue has, while some are with the device. */
static vblk_err publish_too_far(struct vblk_ring *ring, uint32_t count)
{
    const uint64_t with_device = ring->split.published - ring->split.used_next;

    TRY(split_publish(ring, count));
    if (count == 0 || with_device == 0 || ring->note[0]++ != 0)
        return VBLK_OK;
    return vblk_memory_store16(ring->mem, VBLK_DRIVER, vblk_split_avail_idx_at(&ring->at), VBLK_RELEASE,
                               (uint16_t)(ring->split.published + ring->at.size - count));
}

/* Most significant byte first. */
static vblk_err add_swapped(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    struct vblk_desc desc;
    uint16_t at;

    TRY(split_add(ring, bufs, n, id));
    at = *id;
    for (uint32_t i = 0; i < n; i++) {
        TRY(get(ring, at, &desc));
        desc.addr = vblk_put64(__builtin_bswap64(vblk_get64(desc.addr)));
        desc.len = vblk_put32(__builtin_bswap32(vblk_get32(desc.len)));
        TRY(put(ring, at, &desc));
        at = vblk_get16(desc.next);
    }
    return VBLK_OK;
}

/* Every descriptor of the table is followed by the next one. */
static vblk_err add_all(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const bool empty = ring->split.free == ring->at.size;
    struct vblk_desc desc;

    TRY(split_add(ring, bufs, n, id));
    for (uint16_t i = 0; empty && i < ring->at.size; i++) {
        TRY(get(ring, i, &desc));
        desc = (struct vblk_desc){ vblk_put64(bufs[n - 1].gpa), vblk_put32(1), vblk_put16(VBLK_DESC_NEXT),
                                   vblk_put16((uint16_t)((i + 1u) % ring->at.size)) };
        TRY(put(ring, i, &desc));
    }
    return VBLK_OK;
}

/* A slot is left out. */
static vblk_err add_further(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    if (ring->note[0]++ == 0)
        vblk_packed_advance(&ring->packed.avail, ring->at.size, 1);
    return packed_add(ring, bufs, n, id);
}

/* The last descriptor has the id of another buffer, one that the device has. */
static vblk_err add_other_id(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const struct vblk_packed *p = &ring->packed;
    const uint32_t last = (p->avail.slot + n - 1) % ring->at.size;

    TRY(packed_add(ring, bufs, n, id));
    for (uint16_t i = 0; n > 1 && i < ring->at.size; i++) {
        const vblk_le16 other = vblk_put16(i);

        if (i != *id && p->bufs[i].slots != 0 && p->bufs[i].seq < p->published)
            return vblk_memory_write(ring->mem, VBLK_DRIVER, vblk_packed_len_at(&ring->at, last) + 4, &other, sizeof(other));
    }
    return VBLK_OK;
}

/* The flags first, then what they show. */
static vblk_err add_flags_first(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id)
{
    const struct vblk_packed *p = &ring->packed;

    if (n != 0 && n <= p->free)
        TRY(vblk_memory_store16(ring->mem, VBLK_DRIVER, vblk_packed_flags_at(&ring->at, p->avail.slot), VBLK_RELAXED,
                                (uint16_t)vblk_packed_available(p->avail.wrap)));
    return packed_add(ring, bufs, n, id);
}

const struct vblk_ring_fault ring_faults_order[] = {
    { "idx-too-far", "makes more available than the queue has entries", .split = { .publish = publish_too_far } },
    { "desc-big-endian", "writes descriptors most significant byte first", .split = { .add = add_swapped } },
    { "chain-of-all", "links every descriptor of the table into one chain", .split = { .add = add_all } },
    { "slot-left-out", "leaves a slot of a packed ring out", .packed = { .add = add_further } },
    { "id-of-another", "puts the id of another buffer into the last descriptor of a list", .packed = { .add = add_other_id } },
    { "flags-first", "marks a descriptor available before it is filled", .packed = { .add = add_flags_first } },
    { .name = NULL },
};
