/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share and nobody else sees. */
#ifndef VBLK_RING_IMPL_H
#define VBLK_RING_IMPL_H

#include <vblk/spec.h>

#include "fast.h"
#include "half.h"
#include "ring.h"

/* For functions that are compiled once for each way that a ring may be accessed, and for the rare way. */
#define EACH_WAY static inline __attribute__((always_inline))
#define RARE static __attribute__((noinline))

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

/* A descriptor as few words, which compilers would put together and take apart byte by byte otherwise. */
struct words {
    uint64_t addr;
    uint32_t len;
    uint32_t more; /* flags and next, or id and flags */
};

/*
 * Accesses to the ring's own areas. Where each area lies in one region and nobody but a tap watches, they are stores and
 * loads through host addresses, found again whenever the memory's epoch changes; else what the memory makes of them.
 * Offsets are the caller's to check, once: see ring_check_areas().
 *
 * Which of these it is, is asked once for a function, which is compiled for each: @way is a constant in them.
 */
enum way {
    ANY,  /* look each time */
    TOLD, /* through host addresses, and a tap's short way */
    PLAIN /* through host addresses, and nobody watches */
};
bool ring_map(struct vblk_ring *ring);

/* Neither is so for a party that the ring is not the side of, and of a broken ring. */
static inline bool ring_plain(const struct vblk_ring *ring, enum vblk_party party)
{
    return likely(ring->quiet[party] == ring->mem->epoch);
}

static inline bool ring_told(const struct vblk_ring *ring, enum vblk_party party)
{
    return likely(ring->told[party] == ring->mem->epoch);
}

static inline enum way ring_way(const struct vblk_ring *ring, enum vblk_party party)
{
    return ring_plain(ring, party) ? PLAIN : ring_told(ring, party) ? TOLD : ANY;
}

/* The peer made no sense. */
void ring_break(struct vblk_ring *ring);

static inline bool ring_serves(const struct vblk_ring *ring, enum vblk_party party)
{
    return ring->side == party && !ring->broken;
}

static inline bool ring_mapped(struct vblk_ring *ring)
{
    return likely(ring->epoch == ring->mem->epoch) ? ring->mapped : ring_map(ring);
}

static inline uint64_t area_at(const struct vblk_ring *ring, unsigned area)
{
    return area == VBLK_AREA_DESC ? ring->at.desc : area == VBLK_AREA_DRIVER ? ring->at.driver : ring->at.device;
}

static inline uint8_t *ring_host(const struct vblk_ring *ring, unsigned area, uint64_t gpa)
{
    return ring->host[area] + (gpa - area_at(ring, area));
}

/* Whether the way may be gone: a tap may have changed everything when it last was told an event. */
static inline bool ring_lost(const struct vblk_ring *ring, enum way way, enum vblk_party party)
{
    return way == TOLD && unlikely(!ring_told(ring, party));
}

/* What a tap is told that does not have it in its lane. */
#define RING_HOW(kind, party, order) ((unsigned)(kind) << 16 | (unsigned)(party) << 8 | (unsigned)(order))
void ring_tell_bytes(struct vblk_memory *mem, unsigned how, uint64_t gpa, uint32_t len, const void *bytes);
/* The same for 2, 8 or 16 bytes by value, since what passes in the lane has no need to be anywhere; the lane was asked. */
void ring_tell_words(struct vblk_memory *mem, unsigned how, uint64_t gpa, uint32_t len, uint64_t first, uint64_t second);

static inline void ring_tell(const struct vblk_ring *ring, enum way way, enum vblk_event_kind kind, enum vblk_party party,
                             enum vblk_order order, uint64_t gpa, const void *bytes, uint32_t len)
{
    struct vblk_memory *mem = ring->mem;
    uint64_t words[2] = { 0, 0 };

    if (way == PLAIN || (way == TOLD && likely(vblk_lane_ring(mem->lane, kind, party, gpa, len, bytes))))
        return;
    if (way == ANY && mem->lane == NULL) {
        vblk_memory_event(mem, kind, party, order, gpa, bytes, len);
        return;
    }
    if (way == ANY || (len != 2 && len != 8 && len != 16)) {
        ring_tell_bytes(mem, RING_HOW(kind, party, order), gpa, len, bytes);
        return;
    }
    memcpy(words, bytes, len);
    ring_tell_words(mem, RING_HOW(kind, party, order), gpa, len, words[0], words[1]);
}

static inline vblk_err ring_write(struct vblk_ring *ring, enum way way, enum vblk_party party, unsigned area,
                                  uint64_t gpa, const void *bytes, size_t len)
{
    if ((way == ANY && unlikely(!ring_mapped(ring))) || ring_lost(ring, way, party))
        return vblk_memory_write(ring->mem, party, gpa, bytes, len);
    memcpy(ring_host(ring, area, gpa), bytes, len);
    if (way == TOLD || (way == ANY && ring->mem->watched != UNWATCHED))
        ring_tell(ring, way, VBLK_EV_STORE, party, VBLK_RELAXED, gpa, bytes, (uint32_t)len);
    return VBLK_OK;
}

static inline vblk_err ring_read(struct vblk_ring *ring, enum way way, enum vblk_party party, unsigned area, uint64_t gpa,
                                 void *bytes, size_t len)
{
    if ((way == ANY && unlikely(!ring_mapped(ring))) || ring_lost(ring, way, party))
        return vblk_memory_read(ring->mem, party, gpa, bytes, len);
    memcpy(bytes, ring_host(ring, area, gpa), len);
    /* From here on the copy is what was read: the compiler may not look at the shared bytes again. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (way == TOLD || (way == ANY && ring->mem->watched != UNWATCHED))
        ring_tell(ring, way, VBLK_EV_LOAD, party, VBLK_RELAXED, gpa, bytes, (uint32_t)len);
    return VBLK_OK;
}

/* Shared words that are loaded and stored once, whatever compilers would like to do. */
typedef volatile uint64_t __attribute__((may_alias)) shared64;
typedef volatile uint32_t __attribute__((may_alias)) shared32;

/* A descriptor, which is one access of 16 bytes. */
static inline void ring_tell_desc(const struct vblk_ring *ring, enum way way, enum vblk_event_kind kind,
                                  enum vblk_party party, uint64_t gpa, const struct words *wire)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t rest = wire->len | (uint64_t)wire->more << 32;
#else
    const uint64_t rest = (uint64_t)wire->len << 32 | wire->more;
#endif

    if (way == TOLD && unlikely(!vblk_lane_ring(ring->mem->lane, kind, party, gpa, sizeof(*wire), wire)))
        ring_tell_words(ring->mem, RING_HOW(kind, party, VBLK_RELAXED), gpa, sizeof(*wire), wire->addr, rest);
}

static inline vblk_err ring_get_desc(struct vblk_ring *ring, enum way way, uint32_t slot, struct words *desc)
{
    const uint64_t offset = (uint64_t)slot * sizeof(*desc);
    const uint64_t gpa = ring->at.desc + offset;
    struct words wire;

    if (way == ANY || ring_lost(ring, way, VBLK_DEVICE)) {
        TRY(ring_read(ring, ANY, VBLK_DEVICE, VBLK_AREA_DESC, gpa, &wire, sizeof(wire)));
        *desc = (struct words){ le64(wire.addr), le32(wire.len), le32(wire.more) };
        return VBLK_OK;
    }
    const uint8_t *host = ring->host[VBLK_AREA_DESC] + offset;
    const shared32 *words = (const shared32 *)(const void *)host;
    const struct words here = { *(const shared64 *)(const void *)host, words[2], words[3] };

    ring_tell_desc(ring, way, VBLK_EV_LOAD, VBLK_DEVICE, gpa, &here);
    *desc = (struct words){ le64(here.addr), le32(here.len), le32(here.more) };
    return VBLK_OK;
}

static inline vblk_err ring_put_desc(struct vblk_ring *ring, enum way way, uint32_t slot, uint64_t addr, uint32_t len,
                                     uint32_t more)
{
    const struct words wire = { le64(addr), le32(len), le32(more) };
    const uint64_t offset = (uint64_t)slot * sizeof(wire);
    uint8_t *host;
    shared32 *words;

    if (way == ANY || ring_lost(ring, way, VBLK_DRIVER)) {
        const struct words copy = wire; /* so that the other one need not be in memory */
        return ring_write(ring, ANY, VBLK_DRIVER, VBLK_AREA_DESC, ring->at.desc + offset, &copy, sizeof(copy));
    }
    host = ring->host[VBLK_AREA_DESC] + offset;
    words = (shared32 *)(void *)host;
    *(shared64 *)(void *)host = wire.addr;
    words[2] = wire.len;
    words[3] = wire.more;
    ring_tell_desc(ring, way, VBLK_EV_STORE, VBLK_DRIVER, ring->at.desc + offset, &wire);
    return VBLK_OK;
}

static inline vblk_err ring_load16(struct vblk_ring *ring, enum way way, enum vblk_party party, unsigned area,
                                   uint64_t gpa, enum vblk_order order, uint16_t *value)
{
    if ((way == ANY && unlikely(!ring_mapped(ring))) || ring_lost(ring, way, party))
        return vblk_memory_load16(ring->mem, party, gpa, order, value);
    *value = get16_even(ring_host(ring, area, gpa), order);
    if (way == TOLD || (way == ANY && ring->mem->watched != UNWATCHED)) {
        const uint16_t wire = le16(*value);
        ring_tell(ring, way, VBLK_EV_LOAD, party, order, gpa, &wire, 2);
    }
    return VBLK_OK;
}

static inline vblk_err ring_store16(struct vblk_ring *ring, enum way way, enum vblk_party party, unsigned area,
                                    uint64_t gpa, enum vblk_order order, uint16_t value)
{
    if ((way == ANY && unlikely(!ring_mapped(ring))) || ring_lost(ring, way, party))
        return vblk_memory_store16(ring->mem, party, gpa, order, value);
    put16_even(ring_host(ring, area, gpa), order, value);
    if (way == TOLD || (way == ANY && ring->mem->watched != UNWATCHED)) {
        const uint16_t wire = le16(value);
        ring_tell(ring, way, VBLK_EV_STORE, party, order, gpa, &wire, 2);
    }
    return VBLK_OK;
}

/* The answer of a ring in its two steps, whatever functions make them. */
vblk_err ring_answer_in_steps(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
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

/* Append one element to the chain, if nothing is wrong with it; there must be room. */
static inline enum vblk_chain_fault chain_append(const struct vblk_ring *ring, struct vblk_chain *chain, uint64_t gpa,
                                                 uint32_t len, bool writable)
{
    struct vblk_element *buf = &ring->bufs[chain->n];

    buf->gpa = gpa;
    buf->len = len;
    buf->writable = writable;
    if (!fast_covers(ring->mem, gpa, len))
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

/*
 * The usual elements of a chain: each in the region that elements lay in last, readable ones before writable ones. What
 * is not usual goes on with chain_append(), after usual_end().
 */
struct usual {
    uint64_t low, size; /* that region */
    struct vblk_element *next;
    uint64_t bytes;
    uint32_t n;
};

static inline struct usual usual_begin(const struct vblk_ring *ring, struct vblk_chain *chain)
{
    const struct region *near = region_guess(ring->mem, GUESS_COVERS);

    chain->bufs = ring->bufs;
    chain->fault = VBLK_CHAIN_OK;
    return (struct usual){ near->gpa, near->size, ring->bufs, 0, 0 };
}

/*
 * Append one element, of which is known that it comes in the right order; there must be room. @return false: it is not
 * usual. A sum can't wrap: regions are host memory, of far less than 2^63 bytes.
 */
static inline bool usual_put(struct usual *usual, uint64_t gpa, uint32_t len, bool writable)
{
    struct vblk_element *buf = usual->next;
    const uint64_t offset = gpa - usual->low;

    if (unlikely(offset >= usual->size || offset + len > usual->size))
        return false;
    buf->gpa = gpa;
    buf->len = len;
    buf->writable = writable;
    usual->next++;
    usual->n++;
    usual->bytes += len;
    return true;
}

/* What was put so far is readable, and no more of it will be. */
static inline void usual_readable(const struct usual *usual, struct vblk_chain *chain)
{
    chain->readable = usual->n;
    chain->readable_bytes = usual->bytes;
}

/* Append one element, whatever came before it; before the first one, usual_readable(). */
static inline bool usual_append(struct usual *usual, struct vblk_chain *chain, uint64_t gpa, uint32_t len, bool writable)
{
    if (unlikely((!writable && chain->readable != usual->n) || !usual_put(usual, gpa, len, writable)))
        return false;
    if (!writable)
        usual_readable(usual, chain);
    return true;
}

static inline void usual_end(const struct usual *usual, struct vblk_chain *chain)
{
    chain->n = usual->n;
    chain->writable_bytes = usual->bytes - chain->readable_bytes;
}

/* Append the elements of an indirect table of @len bytes at @table to the chain; sets the chain's fault. */
vblk_err chain_walk_table(struct vblk_ring *ring, struct vblk_chain *chain, uint64_t table, uint32_t len);
/* The driver's half: whether such a table may be written, and writing it. */
vblk_err chain_check_table(const struct vblk_ring *ring, uint32_t n);
vblk_err chain_put_table(struct vblk_ring *ring, uint64_t table, const struct vblk_element *bufs, uint32_t n);

static inline uint64_t buf_writable(const struct vblk_element *buf)
{
    return buf->writable ? buf->len : 0;
}

/* The bytes of a chain that the device may write. */
static inline uint64_t chain_writable(const struct vblk_element *bufs, uint32_t n)
{
    uint64_t writable = 0;

    for (uint32_t i = 0; i < n; i++)
        writable += buf_writable(&bufs[i]);
    return writable;
}

vblk_err split_add(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id);
vblk_err split_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                            uint32_t n, uint16_t *id);
vblk_err split_publish(struct vblk_ring *ring, uint32_t count);
vblk_err split_reap(struct vblk_ring *ring, struct vblk_used *used);
vblk_err split_take(struct vblk_ring *ring, struct vblk_chain *chain);
vblk_err split_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len);
vblk_err split_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
vblk_err split_publish_used(struct vblk_ring *ring);
vblk_err split_answer(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);

/* Steps through order[], whose size need not be a power of two. */
static inline uint32_t next_in_order(const struct vblk_ring *ring, uint32_t i)
{
    return i + 1 == ring->at.size ? 0 : i + 1;
}

vblk_err packed_clear(struct vblk_ring *ring);
vblk_err packed_add(struct vblk_ring *ring, const struct vblk_element *bufs, uint32_t n, uint16_t *id);
vblk_err packed_add_indirect(struct vblk_ring *ring, uint64_t table, uint32_t direct, const struct vblk_element *bufs,
                             uint32_t n, uint16_t *id);
vblk_err packed_publish(struct vblk_ring *ring, uint32_t count);
vblk_err packed_kick_data(const struct vblk_ring *ring, uint16_t vq, uint32_t *data);
vblk_err packed_reap(struct vblk_ring *ring, struct vblk_used *used);
vblk_err packed_take(struct vblk_ring *ring, struct vblk_chain *chain);
vblk_err packed_put_used(struct vblk_ring *ring, uint32_t id, uint32_t len);
vblk_err packed_put_used_wrote(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);
vblk_err packed_publish_used(struct vblk_ring *ring);
vblk_err packed_answer(struct vblk_ring *ring, uint32_t id, uint32_t len, bool wrote);

#endif /* VBLK_RING_IMPL_H */
