/* SPDX-License-Identifier: BSD-3-Clause */
/* A raw image file as the disk behind the reference device. */
#ifndef TOOLS_SERVE_DISK_H
#define TOOLS_SERVE_DISK_H

#include <vblk/store.h>

struct serve_disk {
    int fd;
    uint64_t sectors; /* of the file; what is less than a sector at its end is not shown */
    bool read_only;
};

/* Returns false with a sentence in @why. The file is locked against other servers that ask. */
bool serve_disk_open(struct serve_disk *disk, const char *path, bool read_only, char *why, size_t why_size);
/* The operations, valid as long as @disk. */
struct vblk_backend serve_disk_backend(struct serve_disk *disk);
void serve_disk_close(struct serve_disk *disk);

#endif /* TOOLS_SERVE_DISK_H */
