/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share and nobody else sees. */
#ifndef VBLK_RING_IMPL_H
#define VBLK_RING_IMPL_H

#include <vblk/spec.h>

#include "fast.h"
#include "ring.h"

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        vblk_err try_err = (call);                                                                                     \
        if (__builtin_expect(try_err != VBLK_OK, 0))                                                                   \
            return try_err;                                                                                            \
    } while (0)

static inline bool ring_has(const struct vblk_ring *ring, unsigned feature)
{
    return (ring->at.features & VBLK_BIT(feature)) != 0;
}

/* To and from the byte order of the wire. */
static inline uint64_t ring_le64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(v);
#else
    return v;
#endif
}

/* Whether each area is aligned and in the memory, with the bytes that are in use. */
vblk_err ring_check_areas(const struct vblk_ring *ring, const struct vblk_extent areas[VBLK_AREAS]);
/* The device's room for a chain. */
vblk_err ring_make_bufs(struct vblk_ring *ring);

/* Append one element to the chain, if nothing is wrong with it; there must be room. */
static inline enum vblk_chain_fault chain_append(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t gpa,
                                                 uint32_t len, bool writable)
{
    struct vblk_buf *buf = &ring->bufs[chain->n];

    buf->gpa = gpa;
    buf->len = len;
    buf->writable = writable;
    if (!writable && chain->readable != chain->n)
        return VBLK_CHAIN_WRITE_THEN_READ;
    if (!fast_covers(ring->mem, gpa, len))
        return VBLK_CHAIN_BAD_ADDRESS;
    chain->n++;
    if (writable) {
        chain->writable_bytes += len;
    } else {
        chain->readable++;
        chain->readable_bytes += len;
    }
    return VBLK_CHAIN_OK;
}

/* Append the elements of an indirect table of @len bytes at @table to the chain; sets the chain's fault. */
vblk_err chain_walk_table(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t table, uint32_t len);
/* The driver's half: whether such a table may be written, and writing it. */
vblk_err chain_check_table(const struct vblk_ring *ring, uint32_t n);
vblk_err chain_put_table(struct vblk_ring *ring, uint64_t table, const struct vblk_buf *bufs, uint32_t n);

/* The bytes of a chain that the device may write. */
static inline uint64_t chain_writable(const struct vblk_buf *bufs, uint32_t n)
{
    uint64_t writable = 0;

    for (uint32_t i = 0; i < n; i++)
        writable += bufs[i].writable ? bufs[i].len : 0;
    return writable;
}

vblk_err split_add(struct vblk_ring *ring, const struct vblk_buf *bufs, uint32_t n, uint16_t *id);
vblk_err split_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_buf *bufs,
                            uint32_t n, uint16_t *id);
vblk_err split_publish(struct vblk_ring *ring, uint32_t count);
vblk_err split_reap(struct vblk_ring *ring, struct vblk_used *used);
vblk_err split_take(struct vblk_ring *ring, struct vblk_chain *chain);
vblk_err split_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len);
vblk_err split_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
vblk_err split_publish_used(struct vblk_ring *ring);

/* Steps through order[], whose size need not be a power of two. */
static inline uint32_t next_in_order(const struct vblk_ring *ring, uint32_t i)
{
    return i + 1 == ring->at.size ? 0 : i + 1;
}

vblk_err packed_clear(struct vblk_ring *ring);
vblk_err packed_add(struct vblk_ring *ring, const struct vblk_buf *bufs, uint32_t n, uint16_t *id);
vblk_err packed_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_buf *bufs,
                             uint32_t n, uint16_t *id);
vblk_err packed_publish(struct vblk_ring *ring, uint32_t count);
vblk_err packed_kick_data(const struct vblk_ring *ring, uint16_t vq, uint32_t *data);
vblk_err packed_reap(struct vblk_ring *ring, struct vblk_used *used);
vblk_err packed_take(struct vblk_ring *ring, struct vblk_chain *chain);
vblk_err packed_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len);
vblk_err packed_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
vblk_err packed_publish_used(struct vblk_ring *ring);

#endif /* VBLK_RING_IMPL_H */
