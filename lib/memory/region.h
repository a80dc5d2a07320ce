/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest memory is made of, and the inline steps of every access: find the region, see whether it is marked. */
#ifndef VBLK_MEMORY_REGION_H
#define VBLK_MEMORY_REGION_H

#include "lane.h"

/* The unit in which touched bytes are remembered: 4 KiB from the beginning of the region. */
#define GRANULE_SHIFT 12u
#define GRANULE ((uint64_t)1 << GRANULE_SHIFT)

struct vblk_visibility;

struct region {
    uint64_t gpa;
    uint64_t size; /* 0: an unused entry, which no range lies in */
    uint64_t small; /* at offsets below it REGION_SMALL bytes are there */
    uint8_t *host;
    uint64_t *dirty;     /* one bit per granule; atomic */
    uint64_t *list;      /* indices of the non-zero words of dirty, in the order they became so */
    uint64_t listed;     /* entries of list; atomic */
    void *owned;         /* what to free, or NULL */
    struct vblk_region as_given;
};

/* The most bytes that one comparison finds to lie in a region. */
#define REGION_SMALL 16u

/* Each party has its own guess which region it will touch next, so that two threads don't fight over one. */
enum { GUESS_COVERS = VBLK_NOBODY + 1, GUESSES };

/* Who looks on: nobody, a tap alone, or a hook, a view or a weak order, too. */
enum watch { UNWATCHED, TAPPED, STEERED };

/*
 * A short way to a tap, by kind and party, for accesses that are not in its lane and that it finds unremarkable all the
 * same. @return false: it wants the event. It must not set what watches the memory.
 */
typedef bool (*vblk_quick_fn)(void *ctx, uint64_t gpa, uint32_t len, const void *bytes, enum vblk_order order);
#define VBLK_QUICK_OF(kind, party) (((kind) == VBLK_EV_STORE ? 2 : 0) + (party))
#define VBLK_QUICK 4

struct vblk_memory {
    uint8_t watched; /* enum watch */
    uint32_t epoch;  /* counts what makes host addresses of before worthless: see vblk_memory_host() */
    struct region *guess[GUESSES]; /* into regions; atomic, any of them is safe */
    uint32_t count;
    vblk_observe_fn tap;
    void *tap_ctx;
    const vblk_quick_fn *quick; /* [VBLK_QUICK] of the tap, with its ctx; NULL: it has none … */
    struct vblk_lane *lane;     /* … and this is NULL, too */
    vblk_observe_fn hook;
    void *hook_ctx;
    vblk_view_fn view;
    void *view_ctx;
    struct vblk_visibility *visibility; /* NULL: a store is seen at once */
    uint32_t fences; /* full barriers under ThreadSanitizer */
    const struct vblk_onlooker *onlooker; /* while there is one, the guesses of who is not observed are of NO_REGION */
    struct region regions[VBLK_MEMORY_REGIONS_MAX + 1]; /* ascending by gpa; the last is never used */
};
#define NO_REGION VBLK_MEMORY_REGIONS_MAX

/* As the public functions, whether or not somebody looks on. */
bool vblk_memory_covers_raw(const struct vblk_memory *mem, uint64_t gpa, uint64_t len);
vblk_err vblk_memory_peek_raw(const struct vblk_memory *mem, uint64_t gpa, void *buf, size_t len);
/* The onlooker answers (true), or else has to be told of the answer. */
static inline bool onlooker_answers(const struct vblk_memory *mem, struct vblk_glance *glance)
{
    if (mem->onlooker->answer == NULL)
        return false;
    mem->onlooker->answer(mem->onlooker->ctx, glance);
    return true;
}
static inline void onlooker_told(const struct vblk_memory *mem, const struct vblk_glance *glance)
{
    if (mem->onlooker->saw != NULL)
        mem->onlooker->saw(mem->onlooker->ctx, glance);
}

/* The index of the region that gpa lies in, or of the next one above it; count if there is none. */
uint32_t vblk_region_at_or_above(const struct vblk_memory *mem, uint64_t gpa);
/* The region that [gpa, gpa + len) lies in, by search; NULL if there is no such one region. Updates the guess. */
const struct region *vblk_region_search(const struct vblk_memory *mem, unsigned party, uint64_t gpa, uint64_t len);

static inline bool region_holds(const struct region *region, uint64_t gpa, uint64_t len)
{
    uint64_t offset = gpa - region->gpa;

    return offset < region->size && len <= region->size - offset;
}

/* The region that the party used last; it may hold nothing of what is wanted now. */
static inline const struct region *region_guess(const struct vblk_memory *mem, unsigned party)
{
    return __atomic_load_n(&mem->guess[party], __ATOMIC_RELAXED);
}

/* region_holds(), for a length known when compiling in one comparison; then it may say no at the region's end. */
static inline bool region_serves(const struct region *region, uint64_t gpa, uint64_t len)
{
    if (__builtin_constant_p(len) && len <= REGION_SMALL)
        return gpa - region->gpa < region->small;
    return region_holds(region, gpa, len);
}

static inline const struct region *region_find(const struct vblk_memory *mem, unsigned party, uint64_t gpa,
                                               uint64_t len)
{
    const struct region *region = region_guess(mem, party);

    return likely(region_holds(region, gpa, len)) ? region : vblk_region_search(mem, party, gpa, len);
}

/* Whether a store of these bytes is remembered already: the usual case, within one granule. */
static inline bool region_marked(const struct region *region, uint64_t offset, uint64_t len)
{
    const uint64_t granule = offset >> GRANULE_SHIFT;

    return offset % GRANULE + len <= GRANULE &&
           (__atomic_load_n(&region->dirty[granule / 64], __ATOMIC_RELAXED) >> granule % 64 & 1);
}

/* Remember that bytes of the region were stored into. */
void vblk_region_mark(struct region *region, uint64_t offset, uint64_t len);

/* What weakens the memory; NULL: nothing does. */
void vblk_memory_set_visibility(struct vblk_memory *mem, struct vblk_visibility *visibility);

/*
 * The host address of [gpa, gpa + len), which may be used in place of reads and writes (but for telling a tap) as long as
 * mem->epoch stays what it is; @align: what its guest address is a multiple of. NULL: a hook, a view or a weak order
 * wants to see each access, or the range lies in several regions. @store: the bytes may be stored into.
 */
uint8_t *vblk_memory_host(struct vblk_memory *mem, uint64_t gpa, uint64_t len, unsigned align, bool store);

/* Give @tap, if it is all that watches the memory, with @ctx, a lane and a short way: until something else watches. */
void vblk_memory_set_quick(struct vblk_memory *mem, vblk_observe_fn tap, void *ctx, struct vblk_lane *lane,
                           const vblk_quick_fn *quick);

/* Tell the tap, which is all that watches, of an access of less than 2^31 bytes by driver or device. */
void vblk_memory_event(struct vblk_memory *mem, enum vblk_event_kind kind, enum vblk_party party, enum vblk_order order,
                       uint64_t gpa, const void *bytes, uint64_t len);
static inline void vblk_memory_told(struct vblk_memory *mem, enum vblk_event_kind kind, enum vblk_party party,
                                    enum vblk_order order, uint64_t gpa, const void *bytes, uint64_t len)
{
    struct vblk_lane *lane = mem->lane;

    if (lane == NULL || (!vblk_lane_any(lane, kind, party, gpa, (uint32_t)len, bytes) &&
                         !mem->quick[VBLK_QUICK_OF(kind, party)](mem->tap_ctx, gpa, (uint32_t)len, bytes, order)))
        vblk_memory_event(mem, kind, party, order, gpa, bytes, len);
}

/* Steps through the stretches of [gpa, gpa + len) that lie in one region each; the range must be covered. */
static inline const struct region *region_next(const struct vblk_memory *mem, uint64_t gpa, uint64_t len,
                                               uint64_t *piece)
{
    const struct region *region = &mem->regions[vblk_region_at_or_above(mem, gpa)];
    uint64_t room = region->size - (gpa - region->gpa);

    *piece = len < room ? len : room;
    return region;
}

/* A full fence that is nobody's: no event tells of it. For a judge that looks while others store. */
void memory_fence(struct vblk_memory *mem);

#endif /* VBLK_MEMORY_REGION_H */
