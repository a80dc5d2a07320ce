/* SPDX-License-Identifier: BSD-3-Clause */
/* The puppet's disk: sectors that were written; all others read as zero. */
#ifndef VBLK_DRIVER_DISK_H
#define VBLK_DRIVER_DISK_H

#include <vblk/spec.h>

struct disk {
    struct disk_sector *slots; /* open addressing by sector number */
    size_t capacity, count;
};

void disk_free(struct disk *disk);
vblk_err disk_write(struct disk *disk, uint64_t sector, const uint8_t bytes[VBLK_SECTOR]);
void disk_read(const struct disk *disk, uint64_t sector, uint8_t bytes[VBLK_SECTOR]);
/* Zero [sector, sector + count); costs what was written. */
void disk_zero(struct disk *disk, uint64_t sector, uint64_t count);

#endif
