/* SPDX-License-Identifier: BSD-3-Clause */
/* The regions of a guest memory: adding, finding, removing, and forgetting what was written. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "region.h"
#include "weak.h"

struct vblk_memory *vblk_memory_new(void)
{
    struct vblk_memory *mem = calloc(1, sizeof(*mem));

    for (unsigned i = 0; mem != NULL && i < GUESSES; i++)
        mem->guess[i] = &mem->regions[NO_REGION];
    return mem;
}

static void region_drop(struct region *region)
{
    const struct vblk_region *given = &region->as_given;

    if (given->release != NULL)
        given->release(region->host, region->size, given->fd);
    free(region->owned);
    free(region->dirty);
    free(region->list);
}

void vblk_memory_free(struct vblk_memory *mem)
{
    if (mem == NULL)
        return;
    for (uint32_t i = 0; i < mem->count; i++)
        region_drop(&mem->regions[i]);
    free(mem);
}

uint32_t vblk_region_at_or_above(const struct vblk_memory *mem, uint64_t gpa)
{
    uint32_t low = 0, high = mem->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct region *region = &mem->regions[mid];

        if (region->gpa + (region->size - 1) < gpa)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct region *vblk_region_search(const struct vblk_memory *mem, unsigned party, uint64_t gpa, uint64_t len)
{
    uint32_t i = vblk_region_at_or_above(mem, gpa);

    if (i == mem->count || !region_holds(&mem->regions[i], gpa, len))
        return NULL;
    if (mem->onlooker != NULL && (party == VBLK_NOBODY || party == GUESS_COVERS))
        return &mem->regions[i];
    /* The guess is a cache: a const memory may learn. Every struct vblk_memory was allocated as not const. */
    __atomic_store_n(&((struct vblk_memory *)mem)->guess[party], &((struct vblk_memory *)mem)->regions[i],
                     __ATOMIC_RELAXED);
    return &mem->regions[i];
}

void vblk_memory_set_onlooker(struct vblk_memory *mem, const struct vblk_onlooker *onlooker)
{
    if (onlooker != NULL)
        mem->guess[VBLK_NOBODY] = mem->guess[GUESS_COVERS] = &mem->regions[NO_REGION];
    mem->onlooker = onlooker;
}

bool vblk_memory_covers(const struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    struct vblk_glance glance = { .kind = VBLK_GLANCE_COVERS, .at = gpa, .len = len };

    if (likely(mem->onlooker == NULL))
        return vblk_memory_covers_raw(mem, gpa, len);
    if (!onlooker_answers(mem, &glance)) {
        glance.yes = vblk_memory_covers_raw(mem, gpa, len);
        onlooker_told(mem, &glance);
    }
    return glance.yes;
}

bool vblk_memory_covers_raw(const struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    uint64_t last = gpa + (len - 1);

    if (len == 0 || region_find(mem, GUESS_COVERS, gpa, len) != NULL)
        return true;
    if (last < gpa)
        return false;
    for (uint32_t i = vblk_region_at_or_above(mem, gpa); i < mem->count && mem->regions[i].gpa <= gpa; i++) {
        uint64_t end = mem->regions[i].gpa + (mem->regions[i].size - 1);

        if (end >= last)
            return true;
        gpa = end + 1;
    }
    return false;
}

/* Bytes for a region of our own. Its host addresses are aligned as its guest addresses are. */
static bool region_own(struct region *region)
{
    uint64_t skew = region->gpa % alignof(max_align_t);

    if (region->size > SIZE_MAX - skew)
        return false;
    region->owned = calloc(1, (size_t)(region->size + skew));
    if (region->owned == NULL)
        return false;
    region->host = (uint8_t *)region->owned + skew;
    return true;
}

static vblk_err region_make(struct region *region, const struct vblk_region *given)
{
    uint64_t words = ((given->size - 1) >> GRANULE_SHIFT) / 64 + 1;

    *region = (struct region){ .gpa = given->gpa, .size = given->size, .host = given->host, .as_given = *given };
    region->small = given->size >= REGION_SMALL ? given->size - (REGION_SMALL - 1) : 0;
    if (words > SIZE_MAX / sizeof(uint64_t) || (given->host == NULL && !region_own(region)))
        return VBLK_E_NOMEM;
    region->as_given.host = region->host;
    region->dirty = calloc((size_t)words, sizeof(*region->dirty));
    region->list = calloc((size_t)words, sizeof(*region->list));
    if (region->dirty != NULL && region->list != NULL)
        return VBLK_OK;
    free(region->owned);
    free(region->dirty);
    free(region->list);
    return VBLK_E_NOMEM;
}

vblk_err vblk_memory_add(struct vblk_memory *mem, const struct vblk_region *region)
{
    struct region made;
    uint32_t i;

    if (region->size == 0 || region->size - 1 > UINT64_MAX - region->gpa ||
        (region->host != NULL && region->size > SIZE_MAX))
        return VBLK_E_INVAL;
    i = vblk_region_at_or_above(mem, region->gpa);
    if (i < mem->count && mem->regions[i].gpa <= region->gpa + (region->size - 1))
        return VBLK_E_INVAL;
    if (mem->count == VBLK_MEMORY_REGIONS_MAX)
        return VBLK_E_FULL;
    if (region_make(&made, region) != VBLK_OK)
        return VBLK_E_NOMEM;
    memmove(&mem->regions[i + 1], &mem->regions[i], (mem->count - i) * sizeof(made));
    mem->regions[i] = made;
    mem->count++;
    mem->epoch++;
    return VBLK_OK;
}

vblk_err vblk_memory_remove(struct vblk_memory *mem, uint64_t gpa)
{
    uint32_t i = vblk_region_at_or_above(mem, gpa);

    if (i == mem->count || mem->regions[i].gpa != gpa)
        return VBLK_E_INVAL;
    if (mem->visibility != NULL)
        weak_settle(mem->visibility, gpa, mem->regions[i].size);
    region_drop(&mem->regions[i]);
    mem->count--;
    mem->epoch++;
    memmove(&mem->regions[i], &mem->regions[i + 1], (mem->count - i) * sizeof(mem->regions[i]));
    /* A guess may still name the entry that fell vacant: leave it one that holds nothing. */
    memset(&mem->regions[mem->count], 0, sizeof(mem->regions[i]));
    return VBLK_OK;
}

size_t vblk_memory_region_count(const struct vblk_memory *mem)
{
    return mem->count;
}

vblk_err vblk_memory_region(const struct vblk_memory *mem, size_t i, struct vblk_region *out)
{
    if (i >= mem->count)
        return VBLK_E_INVAL;
    *out = mem->regions[i].as_given;
    return VBLK_OK;
}

const void *vblk_memory_view(const struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    const struct region *region = mem->onlooker == NULL ? region_find(mem, VBLK_NOBODY, gpa, len) : NULL;

    return region != NULL ? region->host + (gpa - region->gpa) : NULL;
}

uint8_t *vblk_memory_host(struct vblk_memory *mem, uint64_t gpa, uint64_t len, unsigned align, bool store)
{
    const struct region *region = mem->watched == STEERED ? NULL : region_find(mem, VBLK_NOBODY, gpa, len);
    uint8_t *host = region != NULL ? region->host + (gpa - region->gpa) : NULL;

    if ((uintptr_t)host % align != 0)
        return NULL;
    if (host != NULL && store)
        vblk_memory_touch(mem, gpa, len);
    return host;
}

void vblk_region_mark(struct region *region, uint64_t offset, uint64_t len)
{
    if (len == 0)
        return;
    for (uint64_t g = offset >> GRANULE_SHIFT, last = (offset + len - 1) >> GRANULE_SHIFT; g <= last; g++) {
        uint64_t bit = (uint64_t)1 << g % 64;
        uint64_t *word = &region->dirty[g / 64];

        if (__atomic_load_n(word, __ATOMIC_RELAXED) & bit)
            continue;
        /* Whoever makes the word non-zero lists it: exactly one of any threads that race here. */
        if (__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) == 0)
            region->list[__atomic_fetch_add(&region->listed, 1, __ATOMIC_RELAXED)] = g / 64;
    }
}

void vblk_memory_touch(struct vblk_memory *mem, uint64_t gpa, uint64_t len)
{
    uint64_t last = gpa + (len - 1);

    if (len == 0)
        return;
    if (last < gpa)
        last = UINT64_MAX;
    for (uint32_t i = vblk_region_at_or_above(mem, gpa); i < mem->count && mem->regions[i].gpa <= last; i++) {
        struct region *region = &mem->regions[i];
        uint64_t from = gpa > region->gpa ? gpa - region->gpa : 0;
        uint64_t to = last - region->gpa < region->size - 1 ? last - region->gpa : region->size - 1;

        vblk_region_mark(region, from, to - from + 1);
    }
}

static void word_clear(struct region *region, uint64_t word)
{
    uint64_t bits = region->dirty[word];

    region->dirty[word] = 0;
    for (; bits != 0; bits &= bits - 1) {
        uint64_t at = (word * 64 + (unsigned)__builtin_ctzll(bits)) << GRANULE_SHIFT;
        uint64_t room = region->size - at;

        memset(region->host + at, 0, (size_t)(room < GRANULE ? room : GRANULE));
    }
}

void vblk_memory_reset(struct vblk_memory *mem)
{
    if (mem->visibility != NULL)
        weak_settle(mem->visibility, 0, UINT64_MAX);
    mem->epoch++; /* stores have to be marked anew */
    for (uint32_t i = 0; i < mem->count; i++) {
        struct region *region = &mem->regions[i];

        for (uint64_t n = 0; n < region->listed; n++)
            word_clear(region, region->list[n]);
        region->listed = 0;
    }
}
