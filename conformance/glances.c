/* SPDX-License-Identifier: BSD-3-Clause */
#include "glances.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * GLANCES_MAX)

bool glances_open(struct glances *g)
{
    *g = (struct glances){ .event = 1 };
    g->rows = calloc(GLANCES_MAX + 1, sizeof(*g->rows));
    g->slots = calloc(SLOTS, sizeof(*g->slots));
    return g->rows && g->slots;
}

void glances_close(struct glances *g)
{
    free(g->rows);
    free(g->slots);
    *g = (struct glances){ .rows = NULL };
}

void glances_clear(struct glances *g)
{
    g->count = 0;
    if (++g->event == 0) {
        memset(g->slots, 0, SLOTS * sizeof(*g->slots));
        g->event = 1;
    }
}

/* Where the question is, or would be: there are twice as many slots as rows. */
static struct glance_slot *slot_of(const struct glances *g, const struct vblk_glance *q)
{
    uint64_t hash = (q->at * 0x9e3779b97f4a7c15u) ^ (q->len * 0xc2b2ae3d27d4eb4fu) ^ q->kind;

    for (hash ^= hash >> 29;; hash++) {
        struct glance_slot *slot = &g->slots[hash % SLOTS];
        const struct glance_row *row = &g->rows[slot->row];

        if (slot->event != g->event || (row->kind == q->kind && row->at == q->at && row->len == q->len))
            return slot;
    }
}

struct glance_row *glances_find(const struct glances *g, const struct vblk_glance *glance)
{
    const struct glance_slot *slot = slot_of(g, glance);

    return slot->event == g->event ? &g->rows[slot->row] : NULL;
}

struct glance_row *glances_last(const struct glances *g, const struct glance_row *first)
{
    return &g->rows[first->last];
}

struct glance_row *glances_add(struct glances *g, const struct vblk_glance *glance, uint32_t ask)
{
    struct glance_slot *slot = slot_of(g, glance);
    struct glance_row *row;
    struct glance_row *first;

    if (g->count == GLANCES_MAX)
        return NULL;
    row = &g->rows[++g->count];
    *row = (struct glance_row){ .kind = glance->kind, .yes = glance->yes, .at = glance->at, .len = glance->len,
                                .ask = ask, .now = g->count, .last = g->count };
    if (slot->event != g->event) {
        *slot = (struct glance_slot){ .row = g->count, .event = g->event };
        return row;
    }
    first = &g->rows[slot->row];
    g->rows[first->last].next = g->count;
    first->last = g->count;
    return row;
}

const struct glance_row *glances_ask(const struct glances *g, struct glance_row *first)
{
    for (uint32_t next; (next = g->rows[first->now].next) != 0 && g->rows[next].ask <= first->asked;)
        first->now = next;
    first->asked++;
    return &g->rows[first->now];
}
