/* SPDX-License-Identifier: BSD-3-Clause */
#include "disk.h"

#include <stdlib.h>
#include <string.h>

struct disk_sector {
    uint64_t sector;
    bool present;
    uint8_t bytes[VBLK_SECTOR];
};

void disk_free(struct disk *disk)
{
    free(disk->slots);
    *disk = (struct disk){ 0 };
}

/* Where @sector is, or the free slot where it would be. There always is one: the table is never more than half full. */
static struct disk_sector *find(const struct disk *disk, uint64_t sector)
{
    size_t i = (size_t)((sector * 0x9e3779b97f4a7c15u) >> 20) % disk->capacity;

    while (disk->slots[i].present && disk->slots[i].sector != sector)
        i = (i + 1) % disk->capacity;
    return &disk->slots[i];
}

static vblk_err grow(struct disk *disk)
{
    const struct disk old = *disk;
    struct disk_sector *slots;
    const size_t capacity = old.capacity ? old.capacity * 2 : 64;

    slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return VBLK_E_NOMEM;
    disk->slots = slots;
    disk->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].present)
            *find(disk, old.slots[i].sector) = old.slots[i];
    free(old.slots);
    return VBLK_OK;
}

vblk_err disk_write(struct disk *disk, uint64_t sector, const uint8_t bytes[VBLK_SECTOR])
{
    struct disk_sector *slot;

    if (2 * (disk->count + 1) > disk->capacity) {
        const vblk_err err = grow(disk);

        if (err)
            return err;
    }
    slot = find(disk, sector);
    if (!slot->present)
        disk->count++;
    slot->present = true;
    slot->sector = sector;
    memcpy(slot->bytes, bytes, VBLK_SECTOR);
    return VBLK_OK;
}

void disk_read(const struct disk *disk, uint64_t sector, uint8_t bytes[VBLK_SECTOR])
{
    const struct disk_sector *slot = disk->capacity ? find(disk, sector) : NULL;

    if (slot && slot->present)
        memcpy(bytes, slot->bytes, VBLK_SECTOR);
    else
        memset(bytes, 0, VBLK_SECTOR);
}

void disk_zero(struct disk *disk, uint64_t sector, uint64_t count)
{
    for (size_t i = 0; i < disk->capacity; i++)
        if (disk->slots[i].sector - sector < count)
            memset(disk->slots[i].bytes, 0, VBLK_SECTOR);
}
