/* SPDX-License-Identifier: BSD-3-Clause */
#include "overlap.h"

#include <string.h>

#include <vblk/spec.h>

#define TABLE_MAX 256u

struct span {
    uint64_t at, len;
    bool writable;
};

static bool meet(const struct span *a, const struct span *b)
{
    return a->len && b->len && (a->at - b->at < b->len || b->at - a->at < a->len);
}

static size_t gather(const struct vblk_memory *mem, uint64_t table, uint64_t size, struct span *spans)
{
    size_t n = 0;

    for (uint64_t i = 0; i < size && i < TABLE_MAX; i++) {
        struct vblk_desc desc;

        if (vblk_memory_peek(mem, table + 16 * i, &desc, sizeof(desc)))
            break;
        spans[n++] = (struct span){ vblk_get64(desc.addr), vblk_get32(desc.len),
                                    (vblk_get16(desc.flags) & VBLK_DESC_WRITE) != 0 };
    }
    return n;
}

static void find(const struct vblk_memory *mem, struct overlap *o, size_t queue)
{
    struct span spans[TABLE_MAX + 3];
    const uint64_t size = o->queue[queue].size, *part = o->queue[queue].part;
    size_t n = gather(mem, part[0], size, spans);

    spans[n++] = (struct span){ part[0], 16 * size, false };
    spans[n++] = (struct span){ part[1], 6 + 2 * size, false };
    spans[n++] = (struct span){ part[2], 6 + 8 * size, true };
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!meet(&spans[i], &spans[j]))
                continue;
            o->reread = true;
            o->seen = o->seen || spans[i].writable || spans[j].writable;
        }
    }
}

/* A queue that is enabled with an index other than 0: a device that starts at 0 finds buffers there. */
static bool stale(const struct vblk_memory *mem, uint64_t avail)
{
    vblk_le16 idx = vblk_put16(0);

    return vblk_memory_peek(mem, avail + 2, &idx, sizeof(idx)) || vblk_get16(idx);
}

void overlap_watch(struct overlap *o, const struct vblk_memory *mem, const struct vblk_event *ev)
{
    if (ev->queue >= OVERLAP_QUEUES) {
        o->seen = o->seen || ev->kind == VBLK_EV_KICK;
        return;
    }
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_QUEUE_SIZE)
        o->queue[ev->queue].size = ev->value & 0xffff;
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg >= VBLK_REG_QUEUE_DESC && ev->reg <= VBLK_REG_QUEUE_DEVICE)
        o->queue[ev->queue].part[ev->reg - VBLK_REG_QUEUE_DESC] = ev->value;
    if (ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_QUEUE_ENABLE)
        o->seen = o->seen || stale(mem, o->queue[ev->queue].part[1]);
    if (ev->kind == VBLK_EV_KICK && !o->seen)
        find(mem, o, ev->queue);
}

bool overlap_excuses(const struct overlap *o, const char *clause)
{
    static const char *const areas[] = { "RING-SPLIT-", "BLK-OP-", "PROV-DEV-", "SAFE-", "BLK-DISCARD-", "RSVF-06" };

    if (o->reread && !strcmp(clause, "SAFE-DEV-06"))
        return true;
    for (size_t i = 0; o->seen && i < sizeof(areas) / sizeof(areas[0]); i++)
        if (!strncmp(clause, areas[i], strlen(areas[i])))
            return true;
    return false;
}
