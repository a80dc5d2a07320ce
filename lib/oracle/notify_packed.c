/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far a packed ring was filled and used, for its notifications alone (2.8.1, 2.8.6, 2.8.10). Looked at when events
 * name the moment; whatever can't be told from the ring as it is then ends the following until the queue is enabled again.
 */
#include <stdlib.h>
#include <string.h>

#include "notify_impl.h"
#include "sight.h"

#define WRAP 0x8000u

enum { ENABLE, DISABLE, DESC };

void notice_packed_open(const struct queue *q, struct notices *s)
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
    s->way[VBLK_DRIVER].at = s->way[VBLK_DEVICE].at = WRAP;
}

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

/* Chains that were filled or used one after the other, in slots from the one that the notice stands at on. */
struct run {
    uint32_t slots;
    uint32_t past;  /* how far from there the descriptor is that a notification is wished for; NOWHERE: none is named */
    uint16_t to;
    bool reached;   /* a chain begins with it … */
    bool inside;    /* … or has it, of which as a used one only the first slot is written (AMB-17) */
};
#define NOWHERE UINT32_MAX

static struct run run_from(const struct vblk_oracle *o, const struct queue *q, const struct notice *n)
{
    const bool named = n->flags == DESC && negotiated(o, VBLK_F_EVENT_IDX) && (uint32_t)(n->event & ~WRAP) < q->size;

    return (struct run){ .past = named ? notice_packed_distance(q, n->at, n->event) : NOWHERE, .to = n->at };
}

static inline void run_add(const struct queue *q, struct run *r, uint32_t count)
{
    const uint32_t into = r->past - r->slots; /* before it: more than there are slots */

    r->reached |= into == 0;
    r->inside |= into - 1 < count - 1;
    r->slots += count;
    r->to = advance(q, r->to, count);
}

/* All of them at once: what is asked of one chain of a run is asked of the run. */
static void published(struct vblk_oracle *o, struct notice *n, const struct run *r, bool used)
{
    struct published p = { .to = r->to, .count = r->slots, .vague = n->changed };

    if (r->slots == 0)
        return;
    if (r->past != NOWHERE) {
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
    struct run r = run_from(o, q, &s->way[VBLK_DRIVER]);
    bool makes_sense = false;
    uint16_t id = 0;
    uint32_t count;

    for (uint32_t done = 0; done <= q->size; done += count) {
        count = chain_at(o, q, ring, r.to, &id);
        makes_sense = count == 0;
        if (count == 0 || count > q->size || id >= q->size || !made_available(o, s, id, count))
            break;
        run_add(q, &r, count);
    }
    published(o, &s->way[VBLK_DRIVER], &r, false);
    return makes_sense;
}

static bool follow_used(struct vblk_oracle *o, const struct queue *q, struct notices *s, const uint8_t *ring)
{
    const uint32_t filled = s->way[VBLK_DRIVER].total, before = s->way[VBLK_DEVICE].total;
    struct run r = run_from(o, q, &s->way[VBLK_DEVICE]);
    bool makes_sense = true;

    while (before + r.slots < filled) {
        const uint32_t d = slot_at(o, q, ring, r.to);
        const uint16_t id = (uint16_t)d;
        if ((d & LAP) != used_at(r.to))
            break;
        const uint32_t slots = id < q->size ? answered(o, s, id) : 0;
        makes_sense = slots != 0;
        if (!makes_sense)
            break;
        run_add(q, &r, slots);
    }
    published(o, &s->way[VBLK_DEVICE], &r, true);
    return makes_sense;
}

void notice_packed_follow(struct vblk_oracle *o, const struct queue *q, struct notices *s)
{
    const uint8_t *ring = ring_of(o, q);

    s->on = follow_filled(o, q, s, ring) && follow_used(o, q, s, ring) &&
            s->way[VBLK_DRIVER].total - s->way[VBLK_DEVICE].total <= q->size;
}
