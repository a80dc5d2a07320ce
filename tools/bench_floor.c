/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_floor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <vblk/spec.h>

enum { SIZE = 128, SLOT = 8192, HEADER_AT = 0, STATUS_AT = 64, DATA_AT = 4096 };

/* Native layouts: the floor runs on little-endian hosts as it is, elsewhere it is equally fast. */
struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct elem {
    uint32_t id, len;
};

struct floor {
    struct desc desc[SIZE];
    struct {
        uint16_t flags;
        _Atomic uint16_t idx;
        uint16_t ring[SIZE];
    } avail;
    struct {
        uint16_t flags;
        _Atomic uint16_t idx;
        struct elem ring[SIZE];
    } used;
    uint16_t free[SIZE], free_count;
    uint16_t avail_seen, used_seen;
    uint32_t disk_mask;
    uint8_t *disk;
    uint8_t *ram;
};

struct floor *floor_new(uint32_t disk)
{
    struct floor *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    f->disk = calloc(1, disk);
    f->ram = calloc(SIZE, SLOT);
    f->disk_mask = disk - 1;
    for (uint16_t i = 0; i < SIZE / 3; i++)
        f->free[f->free_count++] = (uint16_t)(3 * i);
    if (f->disk == NULL || f->ram == NULL) {
        floor_free(f);
        return NULL;
    }
    return f;
}

void floor_free(struct floor *f)
{
    if (f == NULL)
        return;
    free(f->disk);
    free(f->ram);
    free(f);
}

static void submit(struct floor *f, uint32_t type, uint64_t sector, uint32_t data)
{
    uint16_t head = f->free[--f->free_count];
    uint64_t base = (uint64_t)(head / 3) * SLOT;
    struct header h = { type, 0, sector };
    uint16_t idx = atomic_load_explicit(&f->avail.idx, memory_order_relaxed);

    memcpy(f->ram + base + HEADER_AT, &h, sizeof(h));
    f->ram[base + STATUS_AT] = 0xff;
    f->desc[head] = (struct desc){ base + HEADER_AT, sizeof(h), VBLK_DESC_NEXT, (uint16_t)(head + 1) };
    f->desc[head + 1] = (struct desc){ base + DATA_AT, data, VBLK_DESC_NEXT | VBLK_DESC_WRITE, (uint16_t)(head + 2) };
    f->desc[head + 2] = (struct desc){ base + STATUS_AT, 1, VBLK_DESC_WRITE, 0 };
    f->avail.ring[idx % SIZE] = head;
    atomic_store_explicit(&f->avail.idx, (uint16_t)(idx + 1), memory_order_release);
}

static void serve(struct floor *f)
{
    uint16_t idx = atomic_load_explicit(&f->avail.idx, memory_order_acquire);
    while (f->avail_seen != idx) {
        uint16_t head = f->avail.ring[f->avail_seen++ % SIZE];
        const struct desc *hd = &f->desc[head], *dd = &f->desc[hd->next], *sd = &f->desc[dd->next];
        struct header h;
        uint16_t used = atomic_load_explicit(&f->used.idx, memory_order_relaxed);

        memcpy(&h, f->ram + hd->addr, sizeof(h));
        if (h.type == VBLK_T_IN)
            memcpy(f->ram + dd->addr, f->disk + (h.sector * VBLK_SECTOR & f->disk_mask), dd->len);
        f->ram[sd->addr] = VBLK_S_OK;
        f->used.ring[used % SIZE] = (struct elem){ head, dd->len + 1 };
        atomic_store_explicit(&f->used.idx, (uint16_t)(used + 1), memory_order_release);
    }
}

static uint64_t reap(struct floor *f)
{
    uint16_t idx = atomic_load_explicit(&f->used.idx, memory_order_acquire);
    uint64_t sum = 0;
    while (f->used_seen != idx) {
        struct elem e = f->used.ring[f->used_seen++ % SIZE];
        sum += f->ram[f->desc[e.id + 2].addr] + e.len;
        f->free[f->free_count++] = (uint16_t)e.id;
    }
    return sum;
}

uint64_t floor_run(struct floor *f, uint32_t rounds, uint32_t depth, uint32_t data)
{
    uint64_t sum = 0, sector = 0;
    for (uint32_t r = 0; r < rounds; r++) {
        for (uint32_t i = 0; i < depth; i++, sector += data / VBLK_SECTOR)
            submit(f, data > 0 ? VBLK_T_IN : VBLK_T_FLUSH, sector & f->disk_mask / VBLK_SECTOR, data);
        serve(f);
        sum += reap(f);
    }
    return sum;
}
