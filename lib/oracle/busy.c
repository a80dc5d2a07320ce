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

static void count(uint32_t *cell, unsigned shift, uint64_t gpa, uint64_t len, int by)
{
    uint64_t first = gpa >> shift;
    uint64_t last = (gpa + len - 1) >> shift;
    for (uint64_t at = first; at <= last; at++)
        cell[at % CELLS] += (uint32_t)by;
}

void busy_add_any(struct busy *b, uint64_t gpa, uint64_t len, int by)
{
    if (len == 0)
        return;
    if (len > COARSE_MAX || gpa + len < gpa) {
        b->vast = (uint32_t)((int64_t)b->vast + by);
    } else if (len > FINE_MAX) {
        count(b->coarse, COARSE_SHIFT, gpa, len, by);
    } else {
        count(b->fine, FINE_SHIFT, gpa, len, by);
        count(b->fine_pages, COARSE_SHIFT, gpa, len, by);
    }
}

static bool counted(const uint32_t *cell, unsigned shift, uint64_t gpa, uint64_t len)
{
    uint64_t first = gpa >> shift;
    uint64_t last = (gpa + len - 1) >> shift;
    if (last - first >= CELLS)
        return true;
    for (uint64_t at = first; at <= last; at++)
        if (cell[at % CELLS] != 0)
            return true;
    return false;
}

bool busy_maybe_any(const struct busy *b, uint64_t gpa, uint64_t len)
{
    if (len == 0)
        return false;
    if (b->vast != 0 || gpa + len < gpa)
        return true;
    if (counted(b->coarse, COARSE_SHIFT, gpa, len))
        return true;
    return (len < LONG || counted(b->fine_pages, COARSE_SHIFT, gpa, len)) && counted(b->fine, FINE_SHIFT, gpa, len);
}
