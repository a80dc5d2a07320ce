/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share and nobody else sees. */
#ifndef VBLK_RING_IMPL_H
#define VBLK_RING_IMPL_H

#include <vblk/spec.h>

#include "fast.h"
#include "half.h"
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

/* The two words of a descriptor, which compilers would put together and take apart byte by byte otherwise. */
struct words {
    uint64_t addr; /* in the byte order of the host from here on … */
    uint64_t rest;
};

static inline struct words ring_words(uint64_t addr, uint64_t rest)
{
    return (struct words){ ring_le64(addr), ring_le64(rest) };
}

/*
 * Accesses to the ring's own areas. Where each area lies in one region and nobody but a tap watches, they are stores and
 * loads through host addresses, found again whenever the memory's epoch changes; else what the memory makes of them.
 * Offsets are the caller's to check, once: see ring_check_areas().
 */
bool ring_map(struct vblk_ring *ring);

static inline bool ring_mapped(struct vblk_ring *ring)
{
    return likely(ring->epoch == ring->mem->epoch) ? ring->mapped : ring_map(ring);
}

/* The host address of an area while one function runs, or NULL. */
static inline uint8_t *ring_host(struct vblk_ring *ring, unsigned area)
{
    return ring_mapped(ring) ? ring->host[area] : NULL;
}

static inline uint64_t area_at(const struct vblk_ring *ring, unsigned area)
{
    return area == VBLK_AREA_DESC ? ring->at.desc : area == VBLK_AREA_DRIVER ? ring->at.driver : ring->at.device;
}

/* @host: of the area, at byte @offset of which @len bytes are stored. */
static inline vblk_err area_write(struct vblk_memory *mem, uint8_t *host, enum vblk_party party, uint64_t base,
                                  uint64_t offset, const void *bytes, size_t len)
{
    if (unlikely(host == NULL))
        return fast_write(mem, party, base + offset, bytes, len);
    memcpy(host + offset, bytes, len);
    if (unlikely(mem->watched != UNWATCHED))
        vblk_memory_told(mem, VBLK_EV_STORE, party, VBLK_RELAXED, base + offset, bytes, len);
    return VBLK_OK;
}

static inline vblk_err ring_write(struct vblk_ring *ring, enum vblk_party party, unsigned area, uint64_t gpa,
                                  const void *bytes, size_t len)
{
    const uint64_t base = area_at(ring, area);

    return area_write(ring->mem, ring_host(ring, area), party, base, gpa - base, bytes, len);
}

static inline vblk_err area_read(struct vblk_memory *mem, const uint8_t *host, enum vblk_party party, uint64_t base,
                                 uint64_t offset, void *bytes, size_t len)
{
    if (unlikely(host == NULL))
        return fast_read(mem, party, base + offset, bytes, len);
    memcpy(bytes, host + offset, len);
    /* From here on the copy is what was read: the compiler may not look at the shared bytes again. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (unlikely(mem->watched != UNWATCHED))
        vblk_memory_told(mem, VBLK_EV_LOAD, party, VBLK_RELAXED, base + offset, bytes, len);
    return VBLK_OK;
}

static inline vblk_err ring_read(struct vblk_ring *ring, enum vblk_party party, unsigned area, uint64_t gpa,
                                 void *bytes, size_t len)
{
    const uint64_t base = area_at(ring, area);

    return area_read(ring->mem, ring_host(ring, area), party, base, gpa - base, bytes, len);
}

static inline vblk_err ring_load16(struct vblk_ring *ring, enum vblk_party party, unsigned area, uint64_t gpa,
                                   enum vblk_order order, uint16_t *value)
{
    if (unlikely(!ring_mapped(ring)))
        return vblk_memory_load16(ring->mem, party, gpa, order, value);
    *value = get16(ring->host[area] + (gpa - area_at(ring, area)), order);
    if (unlikely(ring->mem->watched != UNWATCHED)) {
        const uint16_t wire = le16(*value);
        vblk_memory_told(ring->mem, VBLK_EV_LOAD, party, order, gpa, &wire, 2);
    }
    return VBLK_OK;
}

static inline vblk_err ring_store16(struct vblk_ring *ring, enum vblk_party party, unsigned area, uint64_t gpa,
                                    enum vblk_order order, uint16_t value)
{
    if (unlikely(!ring_mapped(ring)))
        return vblk_memory_store16(ring->mem, party, gpa, order, value);
    put16(ring->host[area] + (gpa - area_at(ring, area)), order, value);
    if (unlikely(ring->mem->watched != UNWATCHED)) {
        const uint16_t wire = le16(value);
        vblk_memory_told(ring->mem, VBLK_EV_STORE, party, order, gpa, &wire, 2);
    }
    return VBLK_OK;
}

/* Whether each area is aligned and in the memory, with the bytes that are in use. */
vblk_err ring_check_areas(const struct vblk_ring *ring, const struct vblk_extent areas[VBLK_AREAS]);
/* The device's room for a chain. */
vblk_err ring_make_bufs(struct vblk_ring *ring);

/* Member by member: a compiler clears all of them first otherwise. */
static inline void chain_begin(const struct vblk_ring *ring, struct vblk_chain *chain)
{
    chain->bufs = ring->bufs;
    chain->n = chain->readable = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    chain->id = 0;
    chain->fault = VBLK_CHAIN_OK;
}

/* Append one element to the chain, if nothing is wrong with it; there must be room. @near: where it may well lie. */
static inline enum vblk_chain_fault chain_append(const struct vblk_ring *ring, struct vblk_chain *chain,
                                                 const struct region *near, uint64_t gpa, uint32_t len, bool writable)
{
    struct vblk_buf *buf = &ring->bufs[chain->n];

    buf->gpa = gpa;
    buf->len = len;
    buf->writable = writable;
    if (unlikely(!region_holds(near, gpa, len)) && !vblk_memory_covers(ring->mem, gpa, len))
        return !writable && chain->readable != chain->n ? VBLK_CHAIN_WRITE_THEN_READ : VBLK_CHAIN_BAD_ADDRESS;
    if (writable) {
        chain->n++;
        chain->writable_bytes += len;
        return VBLK_CHAIN_OK;
    }
    if (chain->readable != chain->n)
        return VBLK_CHAIN_WRITE_THEN_READ;
    chain->n++;
    chain->readable++;
    chain->readable_bytes += len;
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
