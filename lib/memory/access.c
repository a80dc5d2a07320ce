/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and stores. Each has a short way for memory that nobody watches, when the range lies in the
 * region last used (and was marked before, for stores), and one way through access() for everything else: a tap, a
 * hook, a view, a weak order, a range in another region, across regions or outside them.
 */
#include <string.h>

#include "half.h"
#include "region.h"
#include "weak.h"

/* Longest stretch that one event describes: its len has 32 bits. */
#define EVENT_MAX ((uint64_t)1 << 31)

struct access {
    uint8_t kind; /* VBLK_EV_LOAD or VBLK_EV_STORE */
    uint8_t party;
    uint8_t order;
    uint64_t gpa;
    uint64_t len;
};

static __attribute__((noinline)) vblk_err copy_any(void *to, const void *from, size_t len)
{
    if (len != 0) /* else either pointer may be NULL */
        memcpy(to, from, len);
    return VBLK_OK;
}

/*
 * The sizes that rings and request headers are made of become single moves, the likeliest first: a compiler makes a jump
 * through a table of them otherwise. Always VBLK_OK, to be a tail call.
 */
static inline vblk_err copy(void *to, const void *from, size_t len)
{
    if (likely(len == 16))
        memcpy(to, from, 16);
    else if (likely(len == 1))
        memcpy(to, from, 1);
    else if (likely(len == 8))
        memcpy(to, from, 8);
    else
        return copy_any(to, from, len);
    return VBLK_OK;
}

/* One event; more only where len would not fit. */
static void tell(vblk_observe_fn to, void *ctx, const struct access *a, const uint8_t *bytes, unsigned flags)
{
    uint64_t done = 0;

    do {
        uint64_t rest = a->len - done;
        uint64_t piece = rest < EVENT_MAX ? rest : EVENT_MAX;
        struct vblk_event ev = { .kind = a->kind, .party = a->party, .order = a->order, .flags = (uint8_t)flags,
                                 .len = (uint32_t)piece, .at = a->gpa + done,
                                 .bytes = bytes != NULL ? bytes + done : NULL };

        to(ctx, &ev);
        done += piece;
    } while (done < a->len);
}

static vblk_err fault(struct vblk_memory *mem, const struct access *a)
{
    if (mem->tap != NULL)
        tell(mem->tap, mem->tap_ctx, a, NULL, VBLK_EV_FAULTED);
    return VBLK_E_RANGE;
}

/*
 * Settle what comes before the bytes move: bounds, view, hook. On VBLK_OK *host is where the bytes are, or NULL if
 * they lie in several regions.
 */
static vblk_err access(struct vblk_memory *mem, const struct access *a, const void *bytes, uint8_t **host)
{
    const struct region *region = region_find(mem, a->party, a->gpa, a->len);

    if (region == NULL && !vblk_memory_covers_raw(mem, a->gpa, a->len))
        return fault(mem, a);
    *host = region != NULL ? region->host + (a->gpa - region->gpa) : NULL;
    if (mem->view != NULL) {
        *host = mem->view(mem->view_ctx, (enum vblk_party)a->party, a->gpa, a->len, a->kind == VBLK_EV_STORE);
        if (*host == NULL)
            return fault(mem, a);
    }
    if (mem->hook != NULL)
        tell(mem->hook, mem->hook_ctx, a, bytes, 0);
    if (a->kind == VBLK_EV_STORE) {
        if (mem->visibility != NULL)
            weak_store(mem->visibility, a->party, a->order, a->gpa, bytes, a->len);
        vblk_memory_touch(mem, a->gpa, a->len);
    }
    return VBLK_OK;
}

/* The order that is left of @order. */
static uint8_t order_of(const struct vblk_memory *mem, enum vblk_event_kind kind, enum vblk_party party,
                        enum vblk_order order)
{
    return mem->visibility == NULL ? (uint8_t)order : weak_order(mem->visibility, kind, party, order);
}

/* What was loaded are the newest bytes: the party may not see them yet. */
static void loaded(struct vblk_memory *mem, const struct access *a, void *bytes)
{
    if (mem->visibility != NULL)
        weak_load(mem->visibility, a->party, a->order, a->gpa, bytes, a->len);
}

static void told(struct vblk_memory *mem, const struct access *a, const void *bytes)
{
    if (mem->tap != NULL)
        tell(mem->tap, mem->tap_ctx, a, bytes, 0);
}

static vblk_err copy_out(const struct vblk_memory *mem, uint64_t gpa, void *buf, uint64_t len)
{
    uint8_t *to = buf;
    uint64_t piece;

    for (; len != 0; len -= piece, gpa += piece, to += piece) {
        const struct region *region = region_next(mem, gpa, len, &piece);

        memcpy(to, region->host + (gpa - region->gpa), (size_t)piece);
    }
    return VBLK_OK;
}

static void copy_in(struct vblk_memory *mem, uint64_t gpa, const void *buf, uint64_t len)
{
    const uint8_t *from = buf;
    uint64_t piece;

    for (; len != 0; len -= piece, gpa += piece, from += piece) {
        const struct region *region = region_next(mem, gpa, len, &piece);

        memcpy(region->host + (gpa - region->gpa), from, (size_t)piece);
    }
}

void vblk_memory_event(struct vblk_memory *mem, enum vblk_event_kind kind, enum vblk_party party, enum vblk_order order,
                       uint64_t gpa, const void *bytes, uint64_t len)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = (uint8_t)party, .order = (uint8_t)order,
                                   .len = (uint32_t)len, .at = gpa, .bytes = bytes };

    mem->tap(mem->tap_ctx, &ev);
}

static __attribute__((noinline)) vblk_err read_any(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                    void *buf, size_t len)
{
    const struct access a = { VBLK_EV_LOAD, (uint8_t)party, VBLK_RELAXED, gpa, len };
    uint8_t *host;

    if (len == 0)
        return VBLK_OK;
    if (access(mem, &a, NULL, &host) != VBLK_OK)
        return VBLK_E_RANGE;
    if (host != NULL)
        copy_any(buf, host, len);
    else
        copy_out(mem, gpa, buf, len);
    loaded(mem, &a, buf);
    told(mem, &a, buf);
    return VBLK_OK;
}

/* Not in the lane of the tap. */
static __attribute__((noinline)) vblk_err tell_tap(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                   const void *bytes, size_t len, unsigned how)
{
    const enum vblk_event_kind kind = (enum vblk_event_kind)(how >> 8);
    const enum vblk_order order = (enum vblk_order)(how & 0xff);

    if (likely(party < VBLK_NOBODY))
        vblk_memory_told(mem, kind, party, order, gpa, bytes, len);
    else
        vblk_memory_event(mem, kind, party, order, gpa, bytes, len);
    return VBLK_OK;
}
#define HOW(kind, order) ((unsigned)VBLK_EV_##kind << 8 | (unsigned)(order))

/* What a tap is told, unless it passes in its lane. */
static inline vblk_err tell_lane(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, const void *bytes, size_t len,
                                 unsigned how)
{
    struct vblk_lane *lane = mem->lane;

    if (likely(lane != NULL && party < VBLK_NOBODY &&
               vblk_lane_any(lane, (enum vblk_event_kind)(how >> 8), party, gpa, (uint32_t)len, bytes)))
        return VBLK_OK;
    return tell_tap(mem, party, gpa, bytes, len, how);
}

/* Something watches, and the range lies in the region last used, at @host: the sizes that copy() has no call for. */
static __attribute__((noinline)) vblk_err read_long(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                    void *buf, size_t len, const uint8_t *host)
{
    if (unlikely(mem->watched != TAPPED || len - 1 >= EVENT_MAX))
        return read_any(mem, party, gpa, buf, len);
    copy_any(buf, host, len);
    return tell_lane(mem, party, gpa, buf, len, HOW(LOAD, VBLK_RELAXED));
}

/* … and those of headers and status bytes. */
static __attribute__((noinline)) vblk_err read_watched(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                       void *buf, size_t len, const uint8_t *host)
{
    if (unlikely((len != 16 && len != 1) || mem->lane == NULL))
        return read_long(mem, party, gpa, buf, len, host);
    copy(buf, host, len);
    return tell_lane(mem, party, gpa, buf, len, HOW(LOAD, VBLK_RELAXED));
}

vblk_err vblk_memory_read(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, void *buf, size_t len)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(!region_holds(region, gpa, len)))
        return read_any(mem, party, gpa, buf, len);
    if (unlikely(mem->watched != UNWATCHED))
        return read_watched(mem, party, gpa, buf, len, region->host + (gpa - region->gpa));
    return copy(buf, region->host + (gpa - region->gpa), len);
}

static __attribute__((noinline)) vblk_err write_any(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                     const void *buf, size_t len)
{
    const struct access a = { VBLK_EV_STORE, (uint8_t)party, VBLK_RELAXED, gpa, len };
    uint8_t *host;

    if (len == 0)
        return VBLK_OK;
    if (access(mem, &a, buf, &host) != VBLK_OK)
        return VBLK_E_RANGE;
    if (host != NULL)
        copy_any(host, buf, len);
    else
        copy_in(mem, gpa, buf, len);
    told(mem, &a, buf);
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err write_long(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                     const void *buf, size_t len, uint8_t *host)
{
    if (unlikely(mem->watched != TAPPED || len - 1 >= EVENT_MAX))
        return write_any(mem, party, gpa, buf, len);
    copy_any(host, buf, len);
    return tell_lane(mem, party, gpa, buf, len, HOW(STORE, VBLK_RELAXED));
}

/* Whatever write() may not do. */
static __attribute__((noinline)) vblk_err write_anyhow(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                       const void *buf, size_t len)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(!region_holds(region, gpa, len) || !region_marked(region, gpa - region->gpa, len)))
        return write_any(mem, party, gpa, buf, len);
    if (unlikely(mem->watched != UNWATCHED))
        return write_long(mem, party, gpa, buf, len, region->host + (gpa - region->gpa));
    return copy(region->host + (gpa - region->gpa), buf, len);
}

/* Headers, which are moved with each request; all else is one call further. */
#define HEADER REGION_SMALL

static __attribute__((noinline)) vblk_err write_header_watched(struct vblk_memory *mem, enum vblk_party party,
                                                               uint64_t gpa, const void *buf, uint8_t *host)
{
    if (unlikely(mem->lane == NULL))
        return write_long(mem, party, gpa, buf, HEADER, host);
    memcpy(host, buf, HEADER);
    return tell_lane(mem, party, gpa, buf, HEADER, HOW(STORE, VBLK_RELAXED));
}

vblk_err vblk_memory_write(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, const void *buf, size_t len)
{
    const struct region *region = region_guess(mem, party);
    const uint64_t offset = gpa - region->gpa;

    if (unlikely(len != HEADER || offset >= region->small || !region_marked(region, offset, HEADER)))
        return write_anyhow(mem, party, gpa, buf, len);
    if (unlikely(mem->watched != UNWATCHED))
        return write_header_watched(mem, party, gpa, buf, region->host + offset);
    memcpy(region->host + offset, buf, HEADER);
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err load8_watched(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                        uint8_t *value, const uint8_t *host)
{
    if (unlikely(mem->lane == NULL))
        return read_long(mem, party, gpa, value, 1, host);
    *value = *host;
    return tell_lane(mem, party, gpa, value, 1, HOW(LOAD, VBLK_RELAXED));
}

vblk_err vblk_memory_load8(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, uint8_t *value)
{
    const struct region *region = region_guess(mem, party);
    const uint64_t offset = gpa - region->gpa;

    if (unlikely(offset >= region->size))
        return read_any(mem, party, gpa, value, 1);
    if (unlikely(mem->watched != UNWATCHED))
        return load8_watched(mem, party, gpa, value, region->host + offset);
    *value = region->host[offset];
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err store8_any(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                     uint8_t value)
{
    return write_any(mem, party, gpa, &value, 1);
}

static __attribute__((noinline)) vblk_err store8_watched(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                         uint8_t value, uint8_t *host)
{
    if (unlikely(mem->lane == NULL))
        return store8_any(mem, party, gpa, value);
    *host = value;
    return tell_lane(mem, party, gpa, &value, 1, HOW(STORE, VBLK_RELAXED));
}

vblk_err vblk_memory_store8(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, uint8_t value)
{
    const struct region *region = region_guess(mem, party);
    const uint64_t offset = gpa - region->gpa;

    if (unlikely(offset >= region->size || !region_marked(region, offset, 1)))
        return store8_any(mem, party, gpa, value);
    if (unlikely(mem->watched != UNWATCHED))
        return store8_watched(mem, party, gpa, value, region->host + offset);
    region->host[offset] = value;
    return VBLK_OK;
}

/* An event needs its bytes in one place, so a fill that crosses regions is told region by region. */
vblk_err vblk_memory_fill(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, uint8_t byte, size_t len)
{
    struct access a = { VBLK_EV_STORE, (uint8_t)party, VBLK_RELAXED, gpa, len };
    uint64_t left = len;
    uint8_t *host;

    if (len == 0)
        return VBLK_OK;
    if (!vblk_memory_covers_raw(mem, gpa, len))
        return fault(mem, &a);
    for (; left != 0; left -= a.len, a.gpa += a.len) {
        if (mem->view != NULL)
            a.len = left;
        else
            region_next(mem, a.gpa, left, &a.len);
        if (access(mem, &a, NULL, &host) != VBLK_OK)
            return VBLK_E_RANGE;
        memset(host, byte, (size_t)a.len);
        told(mem, &a, host);
    }
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err load16_any(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                     enum vblk_order order, uint16_t *value)
{
    const struct access a = { VBLK_EV_LOAD, (uint8_t)party, order_of(mem, VBLK_EV_LOAD, party, order), gpa, 2 };
    uint16_t wire;
    uint8_t *host;

    if (access(mem, &a, NULL, &host) != VBLK_OK)
        return VBLK_E_RANGE;
    if (host != NULL)
        wire = le16(get16(host, order));
    else
        copy_out(mem, gpa, &wire, 2);
    loaded(mem, &a, &wire);
    *value = le16(wire);
    told(mem, &a, &wire);
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err load16_watched(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                         enum vblk_order order, uint16_t *value, const uint8_t *host)
{
    uint16_t wire;

    if (unlikely(mem->watched != TAPPED))
        return load16_any(mem, party, gpa, order, value);
    *value = get16(host, order);
    wire = le16(*value);
    return tell_tap(mem, party, gpa, &wire, 2, HOW(LOAD, order));
}

vblk_err vblk_memory_load16(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, enum vblk_order order,
                            uint16_t *value)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(!region_holds(region, gpa, 2)))
        return load16_any(mem, party, gpa, order, value);
    if (unlikely(mem->watched != UNWATCHED))
        return load16_watched(mem, party, gpa, order, value, region->host + (gpa - region->gpa));
    *value = get16(region->host + (gpa - region->gpa), order);
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err store16_any(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                      enum vblk_order order, uint16_t value)
{
    const struct access a = { VBLK_EV_STORE, (uint8_t)party, order_of(mem, VBLK_EV_STORE, party, order), gpa, 2 };
    const uint16_t wire = le16(value);
    uint8_t *host;

    if (access(mem, &a, &wire, &host) != VBLK_OK)
        return VBLK_E_RANGE;
    if (host != NULL)
        put16(host, order, value);
    else
        copy_in(mem, gpa, &wire, 2);
    told(mem, &a, &wire);
    return VBLK_OK;
}

static __attribute__((noinline)) vblk_err store16_watched(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa,
                                                          enum vblk_order order, uint16_t value, uint8_t *host)
{
    const uint16_t wire = le16(value);

    if (unlikely(mem->watched != TAPPED))
        return store16_any(mem, party, gpa, order, value);
    put16(host, order, value);
    return tell_tap(mem, party, gpa, &wire, 2, HOW(STORE, order));
}

vblk_err vblk_memory_store16(struct vblk_memory *mem, enum vblk_party party, uint64_t gpa, enum vblk_order order,
                             uint16_t value)
{
    const struct region *region = region_guess(mem, party);

    if (unlikely(!region_holds(region, gpa, 2) || !region_marked(region, gpa - region->gpa, 2)))
        return store16_any(mem, party, gpa, order, value);
    if (unlikely(mem->watched != UNWATCHED))
        return store16_watched(mem, party, gpa, order, value, region->host + (gpa - region->gpa));
    put16(region->host + (gpa - region->gpa), order, value);
    return VBLK_OK;
}

vblk_err vblk_memory_peek_raw(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len)
{
    const struct region *region = region_find(mem, VBLK_NOBODY, gpa, len);

    if (likely(region != NULL))
        return copy(buf, region->host + (gpa - region->gpa), len);
    if (vblk_memory_covers_raw(mem, gpa, len))
        return copy_out(mem, gpa, buf, len);
    return VBLK_E_RANGE;
}

static __attribute__((noinline)) vblk_err peek_watched(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len)
{
    struct vblk_glance glance = { .kind = VBLK_GLANCE_PEEK, .at = gpa, .len = len, .bytes = buf };

    if (!onlooker_answers(mem, &glance)) {
        glance.yes = vblk_memory_peek_raw(mem, gpa, buf, len) == VBLK_OK;
        onlooker_told(mem, &glance);
    }
    return glance.yes ? VBLK_OK : VBLK_E_RANGE;
}

vblk_err vblk_memory_peek(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len)
{
    return likely(mem->onlooker == NULL) ? vblk_memory_peek_raw(mem, gpa, buf, len) : peek_watched(mem, gpa, buf, len);
}

vblk_err vblk_memory_poke(struct vblk_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
    if (!vblk_memory_covers_raw(mem, gpa, len))
        return VBLK_E_RANGE;
    vblk_memory_touch(mem, gpa, len);
    if (unlikely(mem->visibility != NULL))
        weak_settle(mem->visibility, gpa, len);
    copy_in(mem, gpa, buf, len);
    return VBLK_OK;
}
