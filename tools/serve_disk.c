/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "serve_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vblk/spec.h>

#define SECTOR VBLK_SECTOR

/* Where the host's error matters to a thin disk: no space left. */
static vblk_err outcome(bool fine)
{
    return fine ? VBLK_OK : errno == ENOSPC || errno == EDQUOT ? VBLK_E_FULL : VBLK_E_IO;
}

/* All of it, one way or the other: exactly one of @in and @out is not NULL. */
static bool transfer(int fd, uint8_t *in, const uint8_t *out, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = out ? pwrite(fd, out + done, len - done, (off_t)(at + done))
                        : pread(fd, in + done, len - done, (off_t)(at + done));

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR) {
            errno = n == 0 ? EIO : errno; /* the file has become shorter */
            return false;
        }
    }
    return true;
}

static vblk_err settled(const struct serve_disk *disk, bool fine, bool stable)
{
    return outcome(fine && (!stable || fdatasync(disk->fd) == 0));
}

static vblk_err disk_read(void *ctx, uint64_t sector, void *buf, uint32_t count)
{
    const struct serve_disk *disk = ctx;

    return outcome(transfer(disk->fd, buf, NULL, (size_t)count * SECTOR, sector * SECTOR));
}

static vblk_err disk_write(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable)
{
    const struct serve_disk *disk = ctx;

    return settled(disk, transfer(disk->fd, NULL, buf, (size_t)count * SECTOR, sector * SECTOR), stable);
}

static vblk_err disk_flush(void *ctx)
{
    const struct serve_disk *disk = ctx;

    return settled(disk, true, true);
}

static bool allocate(const struct serve_disk *disk, int mode, uint64_t sector, uint32_t count)
{
    return count == 0 || fallocate(disk->fd, mode, (off_t)(sector * SECTOR), (off_t)((uint64_t)count * SECTOR)) == 0;
}

static bool cannot(void)
{
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
}

/* A hint: where the file system can't punch holes, nothing is given back. */
static vblk_err disk_discard(void *ctx, uint64_t sector, uint32_t count)
{
    const struct serve_disk *disk = ctx;

    return outcome(allocate(disk, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, sector, count) || cannot());
}

static bool write_zeros(const struct serve_disk *disk, uint64_t sector, uint32_t count)
{
    static const uint8_t zeros[65536];
    const uint64_t len = (uint64_t)count * SECTOR;
    bool fine = true;

    for (uint64_t done = 0, n; done < len && fine; done += n) {
        n = len - done < sizeof(zeros) ? len - done : sizeof(zeros);
        fine = transfer(disk->fd, NULL, zeros, (size_t)n, sector * SECTOR + done);
    }
    return fine;
}

static vblk_err disk_write_zeroes(void *ctx, uint64_t sector, uint32_t count, bool may_unmap, bool stable)
{
    const struct serve_disk *disk = ctx;
    const int mode = may_unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    bool fine = allocate(disk, mode | FALLOC_FL_KEEP_SIZE, sector, count);

    if (!fine && cannot())
        fine = write_zeros(disk, sector, count);
    return settled(disk, fine, stable);
}

/* As far as a file goes: overwritten, stable, and given back. */
static vblk_err disk_secure_erase(void *ctx, uint64_t sector, uint32_t count)
{
    const struct serve_disk *disk = ctx;
    vblk_err err = settled(disk, write_zeros(disk, sector, count), true);

    return err == VBLK_OK ? disk_discard(ctx, sector, count) : err;
}

/* Space for what is a hole; bytes that are there stay. */
static vblk_err disk_provision(void *ctx, uint64_t sector, uint32_t count)
{
    const struct serve_disk *disk = ctx;

    return outcome(allocate(disk, FALLOC_FL_KEEP_SIZE, sector, count) || cannot());
}

static bool sorry(struct serve_disk *disk, const char *path, const char *reason, char *why, size_t why_size)
{
    (void)snprintf(why, why_size, "cannot use the image '%s': %s", path, reason);
    serve_disk_close(disk);
    return false;
}

bool serve_disk_open(struct serve_disk *disk, const char *path, bool read_only, char *why, size_t why_size)
{
    struct stat st;
    off_t end;

    *disk = (struct serve_disk){ .read_only = read_only };
    disk->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (disk->fd < 0 || fstat(disk->fd, &st) < 0)
        return sorry(disk, path, strerror(errno), why, why_size);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return sorry(disk, path, "it is neither a file nor a block device", why, why_size);
    if (flock(disk->fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return sorry(disk, path, "somebody else has locked it", why, why_size);
    end = lseek(disk->fd, 0, SEEK_END);
    if (end < 0)
        return sorry(disk, path, strerror(errno), why, why_size);
    disk->sectors = (uint64_t)end / SECTOR;
    if (disk->sectors == 0)
        return sorry(disk, path, "it has not even one sector of 512 bytes", why, why_size);
    return true;
}

struct vblk_backend serve_disk_backend(struct serve_disk *disk)
{
    return (struct vblk_backend){
        .ctx = disk,
        .read = disk_read,
        .write = disk_write,
        .flush = disk_flush,
        .discard = disk_discard,
        .write_zeroes = disk_write_zeroes,
        .secure_erase = disk_secure_erase,
        .provision = disk_provision,
    };
}

void serve_disk_close(struct serve_disk *disk)
{
    if (disk->fd >= 0)
        (void)close(disk->fd);
    disk->fd = -1;
}
