/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_rings.h"

#include <stdlib.h>
#include <string.h>

#include "little.h"

#define IDS 65536u

enum walk { WALK_NOT_YET, WALK_DONE, WALK_LOST };

bool trace_ring_on(struct trace_rings *rings, uint16_t queue, uint64_t from)
{
    struct trace_ring *ring = &rings->ring[queue];

    if (!ring->out)
        ring->out = calloc(IDS, sizeof(*ring->out));
    if (!ring->order)
        ring->order = calloc(IDS, sizeof(*ring->order));
    if (!ring->out || !ring->order)
        return false;
    trace_ring_off(ring);
    ring->on = true;
    ring->avail = ring->used = (uint16_t)(rings->packed ? from & 0x7fff : from);
    /* vhost-user says in bit 15 of a packed ring's index how often it was gone around; nothing at all: from the start. */
    ring->avail_wrap = ring->used_wrap = !from || (from & 0x8000);
    ring->lost = !ring->size || ring->size > VBLK_SPLIT_SIZE_MAX || (rings->packed && ring->avail >= ring->size);
    if (ring->lost)
        rings->lost(rings->ctx, queue);
    return true;
}

void trace_ring_off(struct trace_ring *ring)
{
    if (ring->out)
        memset(ring->out, 0, IDS * sizeof(*ring->out));
    ring->on = ring->lost = false;
    ring->first = ring->next = 0;
}

void trace_rings_free(struct trace_rings *rings)
{
    for (size_t i = 0; i < TRACE_RINGS_MAX; i++) {
        free(rings->ring[i].out);
        free(rings->ring[i].order);
    }
}

static bool see(const struct trace_image *image, uint64_t at, unsigned len, uint64_t *value)
{
    uint8_t bytes[8];

    if (!trace_image_get(image, at, bytes, len))
        return false;
    *value = little(bytes, len);
    return true;
}

/* Both formats have 16 bytes: address, length, and two halves. */
struct desc {
    uint64_t addr, len, third, fourth;
};

static bool see_desc(const struct trace_image *image, uint64_t at, struct desc *d)
{
    return see(image, at, 8, &d->addr) && see(image, at + 8, 4, &d->len) && see(image, at + 12, 2, &d->third) &&
           see(image, at + 14, 2, &d->fourth);
}

static bool add(struct trace_chain *chain, const struct desc *d, uint64_t flags)
{
    if (chain->count == VBLK_FRAMES_MAX)
        return false;
    chain->element[chain->count++] = (struct trace_element){ d->addr, (uint32_t)d->len, (flags & VBLK_DESC_WRITE) != 0 };
    return true;
}

/* A chain within a table of a split ring: the queue's own, or an indirect one. */
static enum walk walk_split(struct trace_rings *rings, uint64_t table, uint64_t size, uint64_t at, struct desc *table_of)
{
    struct trace_chain *chain = &rings->chain;
    struct desc d;

    for (uint64_t n = 0; n < size; n++) {
        if (at >= size)
            return WALK_LOST;
        if (!see_desc(rings->image, table + 16 * at, &d))
            return WALK_NOT_YET;
        if (d.third & VBLK_DESC_INDIRECT) { /* alone, or not something that a request step can say */
            *table_of = d;
            return chain->count || (d.third & VBLK_DESC_NEXT) ? WALK_LOST : WALK_DONE;
        }
        if (!add(chain, &d, d.third))
            return WALK_LOST;
        if (!(d.third & VBLK_DESC_NEXT))
            return WALK_DONE;
        at = d.fourth;
    }
    return WALK_LOST;
}

static enum walk walk_table(struct trace_rings *rings, const struct desc *table)
{
    const uint64_t count = table->len / 16;
    struct desc inner = { .len = 0 };
    enum walk walk;

    rings->chain.indirect = true;
    if (!count || table->len % 16 || count > VBLK_FRAMES_MAX)
        return WALK_LOST;
    if (!rings->packed) {
        walk = walk_split(rings, table->addr, count, 0, &inner);
        return walk == WALK_DONE && !rings->chain.count ? WALK_LOST : walk;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!see_desc(rings->image, table->addr + 16 * i, &inner))
            return WALK_NOT_YET;
        if (!add(&rings->chain, &inner, inner.fourth))
            return WALK_LOST;
    }
    return WALK_DONE;
}

static void give(struct trace_rings *rings, uint16_t queue, uint16_t id, uint16_t slots, bool whole)
{
    struct trace_ring *ring = &rings->ring[queue];
    const struct trace_chain *chain = &rings->chain;
    struct trace_out out = { .slots = slots };

    out.request = rings->came(rings->ctx, queue, whole ? chain : NULL);
    for (uint32_t i = 0; whole && i < chain->count; i++) {
        const struct trace_element *e = &chain->element[i];

        if (e->writable && e->len) {
            out.status = e->at + (e->len - 1);
            out.has_status = true;
        }
    }
    if (ring->out[id].slots)
        rings->gone(rings->ctx, &ring->out[id]);
    ring->out[id] = out;
    ring->order[ring->next++ % IDS] = id;
}

/* Used already, although its chain was never looked at: it is not seen any more. */
static bool passed(const struct trace_rings *rings, const struct trace_ring *ring)
{
    uint64_t used;

    return see(rings->shown, ring->device + 2, 2, &used) && (uint16_t)used != ring->avail &&
           (uint16_t)(used - ring->avail) <= ring->size;
}

static enum walk next_split(struct trace_rings *rings, uint16_t queue)
{
    struct trace_ring *ring = &rings->ring[queue];
    struct desc table = { .len = 0 };
    uint64_t idx, head;
    enum walk walk;

    if (!see(rings->image, ring->driver + 2, 2, &idx) || (uint16_t)idx == ring->avail)
        return WALK_NOT_YET;
    if ((uint16_t)(idx - ring->avail) > ring->size)
        return WALK_LOST;
    if (!see(rings->image, ring->driver + 4 + 2u * (ring->avail % ring->size), 2, &head)) {
        if (!passed(rings, ring))
            return WALK_NOT_YET;
        ring->avail++;
        (void)rings->came(rings->ctx, queue, NULL);
        return WALK_DONE;
    }
    rings->chain.count = 0;
    rings->chain.indirect = false;
    walk = walk_split(rings, ring->desc, ring->size, head, &table);
    if (walk == WALK_DONE && (table.third & VBLK_DESC_INDIRECT))
        walk = walk_table(rings, &table);
    if (walk == WALK_NOT_YET && !passed(rings, ring))
        return walk;
    ring->avail++;
    give(rings, queue, (uint16_t)head, 1, walk == WALK_DONE);
    return WALK_DONE;
}

static bool marked(const struct desc *d, bool avail, bool used)
{
    return ((d->fourth & VBLK_DESC_AVAIL) != 0) == avail && ((d->fourth & VBLK_DESC_USED) != 0) == used;
}

static void advance(const struct trace_ring *ring, uint16_t *at, bool *wrap, uint32_t by)
{
    const uint32_t to = *at + by;

    *at = (uint16_t)(to % ring->size);
    if (to >= ring->size)
        *wrap = !*wrap;
}

static enum walk next_packed(struct trace_rings *rings, uint16_t queue)
{
    struct trace_ring *ring = &rings->ring[queue];
    enum walk walk = WALK_DONE;
    struct desc d;
    uint32_t n = 0;

    rings->chain.count = 0;
    rings->chain.indirect = false;
    do {
        if (n == ring->size)
            return WALK_LOST;
        if (!see_desc(rings->image, ring->desc + 16u * ((ring->avail + n) % ring->size), &d) ||
            (n == 0 && !marked(&d, ring->avail_wrap, !ring->avail_wrap)))
            return WALK_NOT_YET;
        if (d.fourth & VBLK_DESC_INDIRECT)
            walk = n || (d.fourth & VBLK_DESC_NEXT) ? WALK_LOST : walk_table(rings, &d);
        else if (walk == WALK_DONE && !add(&rings->chain, &d, d.fourth))
            walk = WALK_LOST;
        if (walk == WALK_NOT_YET)
            return walk;
        n++;
    } while (d.fourth & VBLK_DESC_NEXT);
    advance(ring, &ring->avail, &ring->avail_wrap, n);
    give(rings, queue, (uint16_t)d.third, (uint16_t)n, walk == WALK_DONE);
    return WALK_DONE;
}

/* The oldest that is out; false: nothing is. */
static bool oldest(struct trace_ring *ring, uint16_t *id)
{
    while (ring->first != ring->next && !ring->out[ring->order[ring->first % IDS]].slots)
        ring->first++;
    if (ring->first == ring->next)
        return false;
    *id = ring->order[ring->first % IDS];
    return true;
}

/* @return the slots that it had. */
static uint16_t take_back(struct trace_rings *rings, uint16_t queue, uint16_t id)
{
    struct trace_out *out = &rings->ring[queue].out[id];
    const struct trace_out was = *out;

    out->slots = 0;
    rings->back(rings->ctx, queue, was.slots ? &was : NULL);
    return was.slots;
}

static enum walk used_split(struct trace_rings *rings, uint16_t queue)
{
    struct trace_ring *ring = &rings->ring[queue];
    uint64_t idx, id;
    uint16_t first;

    if (!see(rings->shown, ring->device + 2, 2, &idx) || (uint16_t)idx == ring->used)
        return WALK_NOT_YET;
    if ((uint16_t)(idx - ring->used) > ring->size)
        return WALK_LOST;
    if (rings->in_order && oldest(ring, &first)) /* one element may stand for several */
        id = first;
    else if (!see(rings->shown, ring->device + 4 + 8u * (ring->used % ring->size), 4, &id))
        return WALK_NOT_YET;
    if (rings->early && (id >= IDS || !ring->out[id].slots))
        return WALK_NOT_YET;
    ring->used++;
    if (id >= IDS)
        rings->back(rings->ctx, queue, NULL);
    else
        (void)take_back(rings, queue, (uint16_t)id);
    return WALK_DONE;
}

static enum walk used_packed(struct trace_rings *rings, uint16_t queue)
{
    struct trace_ring *ring = &rings->ring[queue];
    uint16_t first, slots = 0;
    struct desc d;

    if (!see_desc(rings->shown, ring->desc + 16u * ring->used, &d) || !marked(&d, ring->used_wrap, ring->used_wrap) ||
        (rings->early && !ring->out[d.third].slots))
        return WALK_NOT_YET;
    while (rings->in_order && ring->out[d.third].slots && oldest(ring, &first) && first != (uint16_t)d.third)
        slots = (uint16_t)(slots + take_back(rings, queue, first));
    first = take_back(rings, queue, (uint16_t)d.third);
    if (!first)
        return WALK_LOST;
    advance(ring, &ring->used, &ring->used_wrap, (uint32_t)slots + first);
    return WALK_DONE;
}

static void follow(struct trace_rings *rings, uint16_t queue, enum walk (*next)(struct trace_rings *, uint16_t))
{
    struct trace_ring *ring = &rings->ring[queue];
    enum walk walk = WALK_DONE;

    for (uint32_t n = 0; walk == WALK_DONE && ring->on && !ring->lost && n <= ring->size; n++)
        walk = next(rings, queue);
    if (walk == WALK_LOST) {
        ring->lost = true;
        rings->lost(rings->ctx, queue);
    }
}

/* A late look may show at once what came back, what took its place, and that this came back as well. */
void trace_rings_follow(struct trace_rings *rings)
{
    for (uint16_t q = 0; q < TRACE_RINGS_MAX; q++) {
        if (!rings->ring[q].on || rings->ring[q].lost)
            continue;
        rings->early = true;
        follow(rings, q, rings->packed ? used_packed : used_split);
        rings->early = false;
        follow(rings, q, rings->packed ? next_packed : next_split);
        follow(rings, q, rings->packed ? used_packed : used_split);
    }
}
