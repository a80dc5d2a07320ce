/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An operational, view-based model of C11's orders for two parties, without promises.
 *
 * Memory holds what was stored last. Beside it stands the recent history of each half-word that a party stored into.
 * Stores are numbered; since a party always sees its own, what it knows of the other is one number: the store up to
 * which all of the other's are seen. A release store carries the number of all before it, a relaxed one that of the
 * last release barrier; an acquire load takes over what the value that it read carries, a relaxed load keeps that for a
 * later acquire barrier. A full barrier leaves the party's number for the other's next full barrier.
 */
#include <stdlib.h>
#include <string.h>

#include "region.h"
#include "weak.h"

#define PARTIES 2u
#define HALFWORDS 16384u /* past that a half-word has no history: it is seen at once */
#define HALFWORDS_FIRST 128u
#define INDEX_BITS 15u   /* of twice as many places */
#define DEPTH 8u

struct value {
    uint64_t time;    /* the store's number; 0: from before */
    uint64_t carries; /* all of the party's stores up to this one are seen with it by who acquires it */
    uint8_t bytes[2];
    uint8_t party;
};

struct halfword {
    uint64_t gpa;           /* even */
    unsigned n;             /* values; 0: no history, memory says all */
    uint64_t seen[PARTIES]; /* the newest that the party loaded */
    struct value values[DEPTH];
};

struct party {
    uint64_t knows;    /* of the other's stores */
    uint64_t acquires; /* what relaxed loads saw carried */
    uint64_t released; /* own stores before the last release barrier */
    uint64_t fenced;   /* own stores before the last full barrier */
    unsigned weak;
};

struct vblk_visibility {
    struct vblk_memory *mem;
    uint64_t random;
    uint64_t now; /* stores made */
    uint64_t stale;
    struct party parties[PARTIES];
    unsigned count;                          /* half-words with an entry */
    unsigned room;                           /* entries there is memory for */
    uint16_t index[(size_t)1 << INDEX_BITS]; /* by hash of gpa: entry + 1, or 0 */
    struct halfword *halfwords;              /* [room] */
};

static inline void raise_to(uint64_t *at, uint64_t value)
{
    if (*at < value)
        *at = value;
}

/* splitmix64 */
static uint64_t draw(struct vblk_visibility *v)
{
    uint64_t z = v->random += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct vblk_visibility *vblk_visibility_new(struct vblk_memory *mem, uint64_t seed)
{
    struct vblk_visibility *v;

    if (mem->visibility != NULL || (v = calloc(1, sizeof(*v))) == NULL)
        return NULL;
    v->mem = mem;
    v->random = seed;
    vblk_memory_set_visibility(mem, v);
    return v;
}

void vblk_visibility_free(struct vblk_visibility *v)
{
    if (v == NULL)
        return;
    vblk_memory_set_visibility(v->mem, NULL);
    free(v->halfwords);
    free(v);
}

void vblk_visibility_arrive(struct vblk_visibility *v, enum vblk_party from)
{
    for (unsigned i = 0; i < PARTIES; i++)
        if (i != (unsigned)from)
            v->parties[i].knows = v->now;
}

void vblk_visibility_weaken(struct vblk_visibility *v, enum vblk_party party, unsigned weaknesses)
{
    if ((unsigned)party < PARTIES)
        v->parties[party].weak = weaknesses;
}

uint64_t vblk_visibility_stale_loads(const struct vblk_visibility *v)
{
    return v->stale;
}

uint8_t weak_order(const struct vblk_visibility *v, enum vblk_event_kind kind, unsigned party, unsigned order)
{
    const unsigned relaxes = kind == VBLK_EV_LOAD ? VBLK_WEAK_LOADS : VBLK_WEAK_STORES;

    return party < PARTIES && v->parties[party].weak & relaxes ? VBLK_RELAXED : (uint8_t)order;
}

static void fence(struct vblk_visibility *v, unsigned party, unsigned order)
{
    struct party *p = &v->parties[party];

    if (order == VBLK_ACQUIRE || order == VBLK_FULL)
        raise_to(&p->knows, p->acquires);
    if (order == VBLK_RELEASE || order == VBLK_FULL)
        p->released = v->now;
    if (order == VBLK_FULL) {
        raise_to(&p->knows, v->parties[party ^ 1].fenced);
        p->fenced = v->now;
    }
}

bool weak_barrier(struct vblk_visibility *v, unsigned party, unsigned order)
{
    if (party >= PARTIES)
        return true;
    if (v->parties[party].weak & VBLK_WEAK_BARRIERS)
        return false;
    fence(v, party, order);
    return true;
}

/* Where the index has the half-word, or would have it. Half of the index is free at least. */
static uint16_t *place_of(struct vblk_visibility *v, uint64_t gpa)
{
    size_t i = (size_t)((gpa >> 1) * 0x9e3779b97f4a7c15u >> (64 - INDEX_BITS));

    while (v->index[i] != 0 && v->halfwords[v->index[i] - 1].gpa != gpa)
        i = (i + 1) & (((size_t)1 << INDEX_BITS) - 1);
    return &v->index[i];
}

/* The half-word if it has a history, or NULL. */
static struct halfword *find(struct vblk_visibility *v, uint64_t gpa)
{
    const uint16_t entry = *place_of(v, gpa);

    return entry != 0 && v->halfwords[entry - 1].n != 0 ? &v->halfwords[entry - 1] : NULL;
}

/* How far one half-word reaches into [gpa, gpa + len): at most two bytes, from @skip on. */
static uint64_t reach(uint64_t gpa, uint64_t len, unsigned *skip)
{
    *skip = gpa & 1;
    return *skip == 0 && len > 1 ? 2 : 1;
}

void weak_settle(struct vblk_visibility *v, uint64_t gpa, uint64_t len)
{
    for (unsigned i = 0; i < v->count; i++)
        if (v->halfwords[i].gpa + 1 - gpa <= len)
            v->halfwords[i].n = 0;
}

static bool grow(struct vblk_visibility *v)
{
    const unsigned room = v->room != 0 ? 2 * v->room : HALFWORDS_FIRST;
    struct halfword *halfwords;

    if (room > HALFWORDS || (halfwords = realloc(v->halfwords, room * sizeof(*halfwords))) == NULL)
        return false;
    v->halfwords = halfwords;
    v->room = room;
    return true;
}

/* Begin a history with what memory holds, which everybody sees; NULL: no room. Bytes that are no memory are zero. */
static struct halfword *begin(struct vblk_visibility *v, uint64_t gpa)
{
    uint16_t *place = place_of(v, gpa);
    struct halfword *h;

    if (*place == 0) {
        if (v->count == v->room && !grow(v))
            return NULL;
        *place = (uint16_t)++v->count;
    }
    h = &v->halfwords[*place - 1];
    *h = (struct halfword){ .gpa = gpa, .n = 1, .values = { { .party = VBLK_NOBODY } } };
    for (unsigned i = 0; i < 2; i++)
        (void)!vblk_memory_peek(v->mem, gpa + i, &h->values[0].bytes[i], 1);
    return h;
}

static struct value *append(struct halfword *h)
{
    if (h->n == DEPTH) {
        memmove(&h->values[0], &h->values[1], (DEPTH - 1) * sizeof(h->values[0]));
        h->n--;
    }
    return &h->values[h->n++];
}

/*
 * A value is the party's as a half-word, though it stored one byte only: the other byte comes with it. Lest it come
 * without what it carries, the party acquires it. A relaxed store to a place that the party released keeps carrying
 * (C11 5.1.2.4).
 */
static void put(struct vblk_visibility *v, struct halfword *h, unsigned party, uint64_t carries, const uint8_t *bytes,
                unsigned skip, uint64_t len)
{
    const struct value last = h->values[h->n - 1];
    struct value *value = append(h);

    if (last.party == party)
        raise_to(&carries, last.carries);
    else if (len < 2)
        raise_to(&v->parties[party].knows, last.carries);
    *value = (struct value){ .time = v->now, .carries = carries, .party = (uint8_t)party };
    memcpy(value->bytes, last.bytes, 2);
    memcpy(value->bytes + skip, bytes, (size_t)len);
}

void weak_store(struct vblk_visibility *v, unsigned party, unsigned order, uint64_t gpa, const uint8_t *bytes,
                uint64_t len)
{
    const bool full = order == VBLK_FULL || order == VBLK_ACQUIRE;
    uint64_t carries;
    unsigned skip;

    if (party >= PARTIES || bytes == NULL) {
        weak_settle(v, gpa, len);
        return;
    }
    if (full)
        fence(v, party, VBLK_FULL);
    v->now++;
    carries = order != VBLK_RELAXED ? v->now : v->parties[party].released;
    for (uint64_t piece; len != 0; len -= piece, gpa += piece, bytes += piece) {
        struct halfword *h;

        piece = reach(gpa, len, &skip);
        h = find(v, gpa - skip);
        if (h == NULL)
            h = begin(v, gpa - skip);
        if (h != NULL)
            put(v, h, party, carries, bytes, skip, piece);
    }
    if (full)
        fence(v, party, VBLK_FULL);
}

/* The oldest value that the party may still see: its own last one, or the last that it knows of or has seen. */
static unsigned oldest(const struct vblk_visibility *v, const struct halfword *h, unsigned party)
{
    const uint64_t knows = v->parties[party].knows, seen = h->seen[party];
    unsigned i = h->n - 1u;

    while (i != 0 && h->values[i].party != party && h->values[i].time > knows && h->values[i].time > seen)
        i--;
    return i;
}

/* One of those, the newest in every second case. */
static const struct value *choose(struct vblk_visibility *v, struct halfword *h, unsigned party)
{
    const unsigned from = oldest(v, h, party), last = h->n - 1u;
    unsigned i = last;

    if (from != last) {
        const uint64_t random = draw(v);

        if (random & 1)
            i = from + (unsigned)((random >> 1) % (last - from + 1));
        v->stale += i != last;
    }
    raise_to(&h->seen[party], h->values[i].time);
    return &h->values[i];
}

void weak_load(struct vblk_visibility *v, unsigned party, unsigned order, uint64_t gpa, uint8_t *bytes, uint64_t len)
{
    const bool full = order == VBLK_FULL || order == VBLK_RELEASE;
    uint64_t carried = 0;
    unsigned skip;

    if (party >= PARTIES)
        return;
    if (full)
        fence(v, party, VBLK_FULL);
    for (uint64_t piece; len != 0; len -= piece, gpa += piece, bytes += piece) {
        const struct value *value;
        struct halfword *h;

        piece = reach(gpa, len, &skip);
        h = find(v, gpa - skip);
        if (h == NULL)
            continue;
        value = choose(v, h, party);
        memcpy(bytes, value->bytes + skip, (size_t)piece);
        if (value->party != party)
            raise_to(&carried, value->carries);
    }
    raise_to(&v->parties[party].acquires, carried);
    if (order != VBLK_RELAXED)
        raise_to(&v->parties[party].knows, carried);
    if (full)
        fence(v, party, VBLK_FULL);
}
