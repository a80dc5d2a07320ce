/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far a packed ring was filled and used, for its notifications alone (2.8.1, 2.8.6, 2.8.10). Looked at when events
 * name the moment. Where all stores are seen, the picture of the queue counts (q->run); else the ring is read, and whatever
 * can't be told from it as it is then ends the following until the queue is enabled again.
 */
#include <stdlib.h>
#include <string.h>

#include "notify_impl.h"
#include "sight.h"

#define WRAP 0x8000u

enum { ENABLE, DISABLE, DESC };

/* The ring in place, where it can be looked at like that, else NULL. */
static const uint8_t *ring_of(const struct vblk_oracle *o, const struct queue *q)
{
    return vblk_memory_view(o->mem, q->desc, 16u * (uint64_t)q->size);
}

/* The end of a descriptor, which is what its following is about: id, and flags in the upper half. */
static inline uint32_t slot_at(const struct vblk_oracle *o, const struct queue *q, const uint8_t *ring, uint16_t at)
{
    const size_t into = 16u * (size_t)(at & ~WRAP) + offsetof(struct vblk_packed_desc, id);
    vblk_le32 v = { { 0 } };

    if (likely(ring != NULL))
        return le32_at(ring + into);
    (void)!fast_peek(o->mem, q->desc + into, &v, sizeof(v));
    return vblk_get32(v);
}

#define FLAG(flag) ((uint32_t)VBLK_DESC_##flag << 16)
#define LAP (FLAG(AVAIL) | FLAG(USED))

/* How the flags of what is available at @at are, and of what is used. */
static inline uint32_t available_at(uint16_t at)
{
    return (at & WRAP) != 0 ? FLAG(AVAIL) : FLAG(USED);
}

static inline uint32_t used_at(uint16_t at)
{
    return (at & WRAP) != 0 ? LAP : 0;
}

static inline uint16_t advance(const struct queue *q, uint16_t at, uint32_t by)
{
    const uint32_t slot = (at & ~WRAP) + by;
    return (uint16_t)(slot < q->size ? ((at & WRAP) | slot) : ((~at & WRAP) | (slot - q->size)));
}

/* Both on the circle of two laps. */
uint32_t notice_packed_distance(const struct queue *q, uint16_t from, uint16_t to)
{
    const uint32_t laps = 2u * q->size;
    const uint32_t a = (from & ~WRAP) + ((from & WRAP) != 0 ? 0 : q->size);
    const uint32_t b = (to & ~WRAP) + ((to & WRAP) != 0 ? 0 : q->size);
    return b >= a ? b - a : b + laps - a;
}

/* All stores are seen: what the queue's picture says is what the ring holds. */
static bool pictured(const struct vblk_oracle *o)
{
    return sees(o, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DEVICE_STORES);
}

static uint16_t filled_to(const struct queue *q)
{
    return (uint16_t)(q->avail_idx | (q->avail_wrap ? WRAP : 0));
}

static uint16_t used_to(const struct queue *q)
{
    return (uint16_t)(q->used_idx | (q->used_wrap ? WRAP : 0));
}

static void run_begin(const struct vblk_oracle *o, const struct queue *q, const struct notice *n, struct notice_run *r)
{
    const bool named = n->flags == DESC && negotiated(o, VBLK_F_EVENT_IDX) && (uint32_t)(n->event & ~WRAP) < q->size;

    *r = (struct notice_run){ .past = named ? notice_packed_distance(q, n->at, n->event) : NOTICE_NOWHERE };
}

void notice_packed_open(const struct vblk_oracle *o, struct queue *q, struct notices *s)
{
    if (s->ids_for < q->size) {
        free(s->ids);
        s->ids = calloc(q->size, 2 * sizeof(*s->ids));
        s->ids_for = s->ids != NULL ? q->size : 0;
    }
    s->on = s->ids != NULL;
    s->first = s->flying = 0;
    if (s->on)
        memset(s->ids, 0, q->size * sizeof(*s->ids));
    s->way[VBLK_DRIVER].at = pictured(o) ? filled_to(q) : WRAP;
    s->way[VBLK_DEVICE].at = pictured(o) ? used_to(q) : WRAP;
    for (unsigned party = 0; party < 2; party++)
        run_begin(o, q, &s->way[party], &q->run[party]);
}

/* All of them at once: what is asked of one chain of a run is asked of the run. */
static void published(struct vblk_oracle *o, struct notice *n, const struct notice_run *r, uint16_t to, bool used, bool vague)
{
    struct published p = { .to = to, .count = r->slots, .vague = n->changed || vague };

    if (r->slots == 0)
        return;
    if (r->past != NOTICE_NOWHERE) {
        p.asks = r->reached || (r->inside && !used);
        n->may |= r->inside && used;
    } else {
        p.asks = n->flags == ENABLE;
        p.vague |= n->flags > DISABLE;
    }
    notice_published(o, n, &p);
}

/* The chain at @at, whole: its length; 0: the slot is not filled; above the size: nothing that makes sense. */
static inline uint32_t chain_at(const struct vblk_oracle *o, const struct queue *q, const uint8_t *ring, uint16_t at,
                                uint16_t *id)
{
    const uint32_t size = q->size, nonsense = size + 1; /* also what was used already: how long it was can't be told */
    uint32_t lap = available_at(at);

    for (uint32_t count = 1; count <= size; count++) {
        const uint32_t d = slot_at(o, q, ring, at);
        if ((d & LAP) != lap)
            return count == 1 && ((d ^ lap) & FLAG(AVAIL)) != 0 ? 0 : nonsense;
        *id = (uint16_t)d;
        if ((d & FLAG(NEXT)) == 0)
            return count;
        if ((at & ~WRAP) + 1u < size) {
            at++;
            continue;
        }
        at = (uint16_t)(~at & WRAP);
        lap ^= LAP;
    }
    return nonsense;
}

static uint16_t *in_turn(const struct notices *s, uint32_t i)
{
    return &s->ids[s->ids_for + (s->first + i) % s->ids_for];
}

/* @return false: it has an id that is out already. */
static bool made_available(const struct vblk_oracle *o, struct notices *s, uint16_t id, uint32_t count)
{
    if (negotiated(o, VBLK_F_IN_ORDER)) {
        if (s->flying == s->ids_for || s->ids[id] != 0)
            return false;
        *in_turn(s, s->flying++) = id;
    }
    s->ids[id] = (uint16_t)count;
    return true;
}

/* How many slots an answer stands for: with IN_ORDER also those of the buffers before it (2.8.7). 0: of no buffer. */
static uint32_t answered(const struct vblk_oracle *o, struct notices *s, uint16_t id)
{
    uint32_t slots = s->ids[id];

    if (slots == 0)
        return 0;
    s->ids[id] = 0;
    while (negotiated(o, VBLK_F_IN_ORDER) && s->flying > 0) {
        const uint16_t oldest = *in_turn(s, 0);
        s->first = (uint16_t)((s->first + 1u) % s->ids_for);
        s->flying--;
        if (oldest == id)
            break;
        slots += s->ids[oldest];
        s->ids[oldest] = 0;
    }
    return slots;
}

static bool follow_filled(struct vblk_oracle *o, const struct queue *q, struct notices *s, const uint8_t *ring)
{
    uint16_t to = s->way[VBLK_DRIVER].at, id = 0;
    bool makes_sense = false;
    struct notice_run r;
    uint32_t count;

    run_begin(o, q, &s->way[VBLK_DRIVER], &r);
    for (uint32_t done = 0; done <= q->size; done += count) {
        count = chain_at(o, q, ring, to, &id);
        makes_sense = count == 0;
        if (count == 0 || count > q->size || id >= q->size || !made_available(o, s, id, count))
            break;
        notice_run_add(&r, count);
        to = advance(q, to, count);
    }
    published(o, &s->way[VBLK_DRIVER], &r, to, false, false);
    return makes_sense;
}

static bool follow_used(struct vblk_oracle *o, const struct queue *q, struct notices *s, const uint8_t *ring)
{
    const uint32_t filled = s->way[VBLK_DRIVER].total, before = s->way[VBLK_DEVICE].total;
    uint16_t to = s->way[VBLK_DEVICE].at;
    bool makes_sense = true;
    struct notice_run r;

    run_begin(o, q, &s->way[VBLK_DEVICE], &r);
    while (before + r.slots < filled) {
        const uint32_t d = slot_at(o, q, ring, to);
        const uint16_t id = (uint16_t)d;
        if ((d & LAP) != used_at(to))
            break;
        const uint32_t slots = id < q->size ? answered(o, s, id) : 0;
        makes_sense = slots != 0;
        if (!makes_sense)
            break;
        notice_run_add(&r, slots);
        to = advance(q, to, slots);
    }
    published(o, &s->way[VBLK_DEVICE], &r, to, true, false);
    return makes_sense;
}

static void follow_ring(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    const uint8_t *ring = ring_of(o, q);

    s->on = follow_filled(o, q, s, ring) && follow_used(o, q, s, ring) &&
            s->way[VBLK_DRIVER].total - s->way[VBLK_DEVICE].total <= q->size;
}

/*
 * Whether the driver should have told of what the device found by itself, nobody can tell. What it filled and did not make
 * available as it should ends the following here, too.
 */
static void follow_picture(struct vblk_oracle *o, struct queue *q, struct notices *s)
{
    const struct notice_run *filled = &q->run[VBLK_DRIVER];
    uint16_t id;

    published(o, &s->way[VBLK_DRIVER], filled, filled_to(q), false, q->in_use < filled->slots);
    published(o, &s->way[VBLK_DEVICE], &q->run[VBLK_DEVICE], used_to(q), true, false);
    for (unsigned party = 0; party < 2; party++)
        run_begin(o, q, &s->way[party], &q->run[party]);
    s->on = !q->half && chain_at(o, q, ring_of(o, q), filled_to(q), &id) == 0;
}

void notice_packed_follow(struct vblk_oracle *o, struct queue *q, struct notices *s)
{
    if (pictured(o))
        follow_picture(o, q, s);
    else
        follow_ring(o, q, s);
}
