/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indirect tables of both formats (2.7.5.3, 2.8.7). An entry is one access of 16 bytes; the table may lie at any
 * address. In a split table entries are chained by next; in a packed one they follow each other and only WRITE counts.
 */
#include "impl.h"

#define ENTRY ((uint32_t)sizeof(struct vblk_desc))

static vblk_err walk_packed(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t table, uint32_t entries)
{
    struct vblk_packed_desc desc;

    if (entries > ring->chain_max - chain->n)
        chain->fault = VBLK_CHAIN_TOO_LONG;
    for (uint32_t i = 0; chain->fault == VBLK_CHAIN_OK && i < entries; i++) {
        TRY(fast_read(ring->mem, VBLK_DEVICE, table + (uint64_t)i * ENTRY, &desc, sizeof(desc)));
        chain->fault = (uint8_t)chain_append(ring, chain, vblk_get64(desc.addr), vblk_get32(desc.len),
                                             (vblk_get16(desc.flags) & VBLK_DESC_WRITE) != 0);
    }
    return VBLK_OK;
}

/* More entries than the table has must be a loop. */
static vblk_err walk_split(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t table, uint32_t entries)
{
    const uint32_t room = ring->chain_max - chain->n, most = entries < room ? entries : room;
    struct vblk_desc desc;
    uint32_t i = 0;

    for (uint32_t seen = 0; seen < most; seen++) {
        unsigned flags;

        TRY(fast_read(ring->mem, VBLK_DEVICE, table + (uint64_t)i * ENTRY, &desc, sizeof(desc)));
        flags = vblk_get16(desc.flags);
        if (flags & VBLK_DESC_INDIRECT)
            chain->fault = VBLK_CHAIN_INDIRECT_NESTED;
        else
            chain->fault = (uint8_t)chain_append(ring, chain, vblk_get64(desc.addr), vblk_get32(desc.len),
                                                 (flags & VBLK_DESC_WRITE) != 0);
        if (chain->fault != VBLK_CHAIN_OK || (flags & VBLK_DESC_NEXT) == 0)
            return VBLK_OK;
        i = vblk_get16(desc.next);
        if (i >= entries) {
            chain->fault = VBLK_CHAIN_NEXT_RANGE;
            return VBLK_OK;
        }
    }
    chain->fault = VBLK_CHAIN_TOO_LONG;
    return VBLK_OK;
}

vblk_err chain_walk_table(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t table, uint32_t len)
{
    if (len == 0 || len % ENTRY != 0) {
        chain->fault = VBLK_CHAIN_TABLE_LENGTH;
        return VBLK_OK;
    }
    if (!fast_covers(ring->mem, table, len)) {
        chain->fault = VBLK_CHAIN_BAD_ADDRESS;
        return VBLK_OK;
    }
    if (ring_has(ring, VBLK_F_RING_PACKED))
        return walk_packed(ring, chain, table, len / ENTRY);
    return walk_split(ring, chain, table, len / ENTRY);
}

/* What can be written down, lawful or not: len has 32 bits, and next 16. */
vblk_err chain_check_table(const struct vblk_ring *ring, uint32_t n)
{
    if (!ring_has(ring, VBLK_F_INDIRECT_DESC))
        return VBLK_E_UNSUPPORTED;
    if (n == 0 || n > (ring_has(ring, VBLK_F_RING_PACKED) ? UINT32_MAX / ENTRY : 65536))
        return VBLK_E_INVAL;
    return VBLK_OK;
}

/* Sequential indices, which is how IN_ORDER wants them. */
vblk_err chain_put_table(struct vblk_ring *ring, uint64_t table, const struct vblk_element *bufs, uint32_t n)
{
    const bool packed = ring_has(ring, VBLK_F_RING_PACKED);

    for (uint32_t i = 0; i < n; i++) {
        const unsigned write = bufs[i].writable ? VBLK_DESC_WRITE : 0, next = i + 1 < n ? VBLK_DESC_NEXT : 0;
        const struct vblk_desc split = { vblk_put64(bufs[i].gpa), vblk_put32(bufs[i].len),
                                         vblk_put16((uint16_t)(write | next)),
                                         vblk_put16((uint16_t)(next ? i + 1 : 0)) };
        const struct vblk_packed_desc pack = { vblk_put64(bufs[i].gpa), vblk_put32(bufs[i].len), vblk_put16(0),
                                               vblk_put16((uint16_t)write) };

        TRY(fast_write(ring->mem, VBLK_DRIVER, table + (uint64_t)i * ENTRY,
                       packed ? (const void *)&pack : (const void *)&split, ENTRY));
    }
    return VBLK_OK;
}
