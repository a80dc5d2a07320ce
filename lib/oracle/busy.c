/* SPDX-License-Identifier: BSD-3-Clause */
/* A counting filter: never misses an address that was added, sometimes suspects one that was not. */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define CELLS BUSY_CELLS
#define FINE_SHIFT BUSY_FINE
#define COARSE_SHIFT BUSY_COARSE
#define FINE_MAX 1024u
#define LONG 512u        /* a range of so many bytes is first looked up per 4 KiB */
#define COARSE_MAX (256u * 4096u)

struct busy *busy_new(void)
{
    return calloc(1, sizeof(struct busy));
}

void busy_free(struct busy *b)
{
    free(b);
}

void busy_clear(struct busy *b)
{
    memset(b, 0, sizeof(*b));
}

/* The cells that [gpa, gpa + len) is in: [first, last]. */
struct cells {
    uint64_t first, last;
};

static struct cells cells_of(unsigned shift, uint64_t gpa, uint64_t len)
{
    return (struct cells){ gpa >> shift, (gpa + len - 1) >> shift };
}

static void count_pages(struct busy *b, uint64_t gpa, uint64_t len, uint64_t by)
{
    const struct cells in = cells_of(COARSE_SHIFT, gpa, len);

    for (uint64_t at = in.first; at <= in.last; at++)
        b->page[at % CELLS] += by;
}

static void count_everywhere(struct busy *b, uint64_t by)
{
    for (unsigned i = 0; i < CELLS; i++)
        b->page[i] += by;
}

static void count_cells(struct busy *b, uint64_t gpa, uint64_t len, uint32_t by)
{
    const struct cells in = cells_of(FINE_SHIFT, gpa, len);

    for (uint64_t at = in.first; at <= in.last; at++)
        b->fine[at % CELLS] += by;
}

void busy_add_any(struct busy *b, uint64_t gpa, uint64_t len, int by)
{
    const uint64_t times = (uint64_t)(int64_t)by;

    if (len == 0)
        return;
    if (len > COARSE_MAX || gpa + len < gpa) {
        count_everywhere(b, times * BUSY_LONG);
    } else if (len > FINE_MAX) {
        count_pages(b, gpa, len, times * BUSY_LONG);
    } else {
        count_pages(b, gpa, len, times * BUSY_SHORT);
        count_cells(b, gpa, len, (uint32_t)by);
    }
}

/* @which: of the long ones, or of any. */
static bool pages_counted(const struct busy *b, uint64_t gpa, uint64_t len, uint64_t which)
{
    const struct cells in = cells_of(COARSE_SHIFT, gpa, len);

    if (in.last - in.first >= CELLS)
        return true;
    for (uint64_t at = in.first; at <= in.last; at++)
        if ((b->page[at % CELLS] & which) != 0)
            return true;
    return false;
}

static bool cells_counted(const struct busy *b, uint64_t gpa, uint64_t len)
{
    const struct cells in = cells_of(FINE_SHIFT, gpa, len);

    if (in.last - in.first >= CELLS)
        return true;
    for (uint64_t at = in.first; at <= in.last; at++)
        if (b->fine[at % CELLS] != 0)
            return true;
    return false;
}

bool busy_maybe_any(const struct busy *b, uint64_t gpa, uint64_t len)
{
    if (len == 0)
        return false;
    if (gpa + len < gpa || pages_counted(b, gpa, len, UINT32_MAX))
        return true;
    return (len < LONG || pages_counted(b, gpa, len, UINT64_MAX)) && cells_counted(b, gpa, len);
}

/* ---- plans ---- */

static bool plan_page(struct busy_plan *plan, uint16_t page, uint64_t by)
{
    unsigned i = 0;

    while (i < plan->pages && plan->page[i] != page)
        i++;
    if (i == BUSY_PLAN)
        return false;
    plan->by[i] = by + (i < plan->pages ? plan->by[i] : 0);
    plan->page[i] = page;
    if (i == plan->pages)
        plan->pages++;
    return true;
}

static bool plan_range(struct busy_plan *plan, uint64_t from, uint64_t gpa, uint64_t len)
{
    const struct cells pages = cells_of(COARSE_SHIFT, gpa, len), cells = cells_of(FINE_SHIFT, gpa, len);

    if (len > COARSE_MAX || gpa + len < gpa)
        return false;
    for (uint64_t at = pages.first; at <= pages.last; at++)
        if (!plan_page(plan, (uint16_t)((at - (from >> COARSE_SHIFT)) % CELLS), len > FINE_MAX ? BUSY_LONG : BUSY_SHORT))
            return false;
    for (uint64_t at = cells.first; at <= cells.last && len <= FINE_MAX; at++) {
        if (plan->cells == BUSY_PLAN)
            return false;
        plan->cell[plan->cells++] = (uint16_t)((at - (from >> FINE_SHIFT)) % CELLS);
    }
    return true;
}

bool busy_plan_for(struct busy_plan *plan, const uint64_t *gpa, const uint32_t *len, unsigned n)
{
    *plan = (struct busy_plan){ .phase = (uint16_t)(gpa[0] % ((uint64_t)1 << COARSE_SHIFT)) };
    for (unsigned i = 0; i < n; i++) {
        if (len[i] == 0 || plan_range(plan, gpa[0], gpa[i], len[i]))
            continue;
        plan->pages = plan->cells = 0;
        return false;
    }
    return plan->pages > 0;
}
