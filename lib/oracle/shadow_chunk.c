/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks: sectors that are known singly. */
#include <stdlib.h>
#include <string.h>

#include "shadow_impl.h"

#define SLOTS_MIN 64u
#define SPARES_MAX 256u

const uint8_t shadow_zeroes[8 * VBLK_SECTOR];

/* ---- the table ---- */

static size_t slot_for(struct chunk *const *slot, size_t slots, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (slots - 1);
    while (slot[at] != NULL && slot[at]->number != number)
        at = (at + 1) & (slots - 1);
    return at;
}

static bool table_grow(struct shadow_impl *s)
{
    size_t slots = s->slots > 0 ? s->slots * 2 : SLOTS_MIN;
    struct chunk **slot = calloc(slots, sizeof(struct chunk *));
    if (slot == NULL)
        return s->chunks + 1 < s->slots; /* crowded, but one slot stays empty */
    for (struct chunk *c = s->all; c != NULL; c = c->next) {
        c->slot = slot_for(slot, slots, c->number);
        slot[c->slot] = c;
    }
    free(s->slot);
    s->slot = slot;
    s->slots = slots;
    return true;
}

struct chunk *chunk_look(struct shadow_impl *s, uint64_t number)
{
    struct chunk *c = s->last;
    if (c != NULL && c->number == number)
        return c;
    if (s->chunks == 0)
        return NULL;
    c = s->slot[slot_for(s->slot, s->slots, number)];
    if (c != NULL)
        s->last = c;
    return c;
}

/* What the spans say of the sectors of a new chunk. */
static void fill_from_spans(struct shadow_impl *s, struct chunk *c)
{
    uint64_t at = c->number * CHUNK_SECTORS, end = at + CHUNK_SECTORS;
    for (size_t i = span_find(s, at); at < end; i++) {
        const struct span *span = &s->span[i];
        uint64_t stop = span_end(s, i) < end ? span_end(s, i) : end;
        unsigned first = (unsigned)(at % CHUNK_SECTORS);
        uint64_t mask = bits(first, (unsigned)(stop - at));

        c->is[span->state] |= mask;
        if (span->written)
            c->written |= mask;
        for (uint64_t n = at; n < stop; n++) {
            c->cause[n % CHUNK_SECTORS] = span->cause;
            c->epoch[n % CHUNK_SECTORS] = span->epoch;
        }
        if (span->past != 0)
            past_inherit(s, c, mask, span);
        at = stop;
    }
}

static struct chunk *take_spare(struct shadow_impl *s)
{
    struct chunk *c = s->spare;
    if (c == NULL)
        return calloc(1, sizeof *c);
    s->spare = c->next;
    s->spares--;
    uint8_t(*data)[VBLK_SECTOR] = c->data;
    struct open **open = c->open;
    struct past **past = c->past;
    *c = (struct chunk){ .data = data, .open = open, .past = past };
    return c;
}

struct chunk *chunk_make(struct shadow_impl *s, uint64_t number)
{
    struct chunk *c = chunk_look(s, number);
    if (c != NULL)
        return c;
    if ((s->chunks + 1) * 4 > s->slots * 3 && !table_grow(s))
        return NULL;
    c = take_spare(s);
    if (c == NULL)
        return NULL;
    c->number = number;
    c->slot = slot_for(s->slot, s->slots, number);
    s->slot[c->slot] = c;
    c->next = s->all;
    s->all = c;
    s->chunks++;
    fill_from_spans(s, c);
    s->last = c;
    return c;
}

static void free_chunk(struct chunk *c)
{
    free(c->data);
    free(c->open);
    free(c->past);
    free(c);
}

void chunk_forget_all(struct shadow_impl *s)
{
    for (struct chunk *c = s->all, *next; c != NULL; c = next) {
        next = c->next;
        s->slot[c->slot] = NULL;
        chunk_set_state(c, ~UINT64_C(0), ST_UNKNOWN);
        past_drop(c, c->unstable);
        if (s->spares >= SPARES_MAX) {
            free_chunk(c);
            continue;
        }
        c->next = s->spare;
        s->spare = c;
        s->spares++;
    }
    s->all = s->dirty = s->last = NULL;
    s->chunks = 0;
}

void chunk_free_all(struct shadow_impl *s)
{
    chunk_forget_all(s);
    for (struct chunk *c = s->spare, *next; c != NULL; c = next) {
        next = c->next;
        free_chunk(c);
    }
    free(s->slot);
}

/* ---- sectors ---- */

bool chunk_need_data(struct chunk *c)
{
    if (c->data == NULL)
        c->data = malloc(CHUNK_SECTORS * sizeof *c->data);
    return c->data != NULL;
}

void chunk_set_state(struct chunk *c, uint64_t mask, enum state state)
{
    for (uint64_t left = c->is[ST_OPEN] & mask; left != 0 && state != ST_OPEN; left &= left - 1) {
        free(c->open[lowest(left)]);
        c->open[lowest(left)] = NULL;
    }
    for (unsigned st = 0; st < STATE_COUNT; st++)
        c->is[st] &= ~mask;
    c->is[state] |= mask;
}

static void open_sector(struct chunk *c, unsigned at, const uint8_t *before, const uint8_t *bytes)
{
    struct open *open;
    if (c->open == NULL)
        c->open = calloc(CHUNK_SECTORS, sizeof(struct open *));
    open = c->open != NULL ? malloc(sizeof *open) : NULL;
    if (open == NULL) {
        chunk_set_state(c, bits(at, 1), ST_FREE);
        return;
    }
    open->count = 2;
    memcpy(open->bytes[0], before, VBLK_SECTOR);
    memcpy(open->bytes[1], bytes, VBLK_SECTOR);
    c->open[at] = open;
    chunk_set_state(c, bits(at, 1), ST_OPEN);
}

void chunk_add_candidate(struct chunk *c, unsigned at, const uint8_t *bytes)
{
    enum state state = state_at(c, at);
    struct open *open;

    if (state == ST_UNKNOWN || state == ST_FREE)
        return; /* reads as anything already */
    if (state != ST_OPEN) {
        const uint8_t *before = state == ST_DATA ? c->data[at] : shadow_zeroes;
        if (memcmp(before, bytes, VBLK_SECTOR) != 0)
            open_sector(c, at, before, bytes);
        return;
    }
    open = c->open[at];
    for (unsigned i = 0; i < open->count; i++)
        if (memcmp(open->bytes[i], bytes, VBLK_SECTOR) == 0)
            return;
    if (open->count == CANDIDATES)
        chunk_set_state(c, bits(at, 1), ST_UNKNOWN);
    else
        memcpy(open->bytes[open->count++], bytes, VBLK_SECTOR);
}

static void edit_content(struct chunk *c, unsigned first, unsigned count, const struct edit *e)
{
    uint64_t mask = bits(first, count);
    switch (e->change) {
    case MAKE_DATA:
        if (!chunk_need_data(c)) {
            chunk_set_state(c, mask, ST_FREE);
            break;
        }
        memcpy(c->data[first], e->bytes, (size_t)count * VBLK_SECTOR);
        chunk_set_state(c, mask, ST_DATA);
        break;
    case MAKE_ZERO:
        chunk_set_state(c, mask, ST_ZERO);
        break;
    case MAKE_FREE:
    case MAY_BE_FREE:
        chunk_set_state(c, mask, ST_FREE);
        break;
    case MAY_BE_DATA:
        for (unsigned i = 0; i < count; i++)
            chunk_add_candidate(c, first + i, e->bytes + (size_t)i * VBLK_SECTOR);
        break;
    case MAY_BE_ZERO:
        for (unsigned i = 0; i < count; i++)
            chunk_add_candidate(c, first + i, shadow_zeroes);
        break;
    case KEEP:
        break;
    }
}

void chunk_edit(struct shadow_impl *s, struct chunk *c, unsigned first, unsigned count, const struct edit *e)
{
    uint64_t mask = bits(first, count);

    if (s->tracking && e->change != KEEP)
        past_note(s, c, mask, e);
    edit_content(c, first, count, e);
    if (e->change != KEEP)
        c->written |= mask;
    if (e->quiet)
        return;
    memset(&c->cause[first], (int)e->cause, count);
    for (unsigned i = first; e->change != KEEP && i < first + count; i++)
        c->epoch[i] = (uint32_t)e->number;
}
