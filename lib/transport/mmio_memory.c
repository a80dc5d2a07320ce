/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is somebody else's file. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vblk/mmio.h>

static void unmap(void *host, uint64_t size, int fd)
{
    munmap(host, (size_t)size);
    close(fd);
}

static vblk_err map(int fd, uint64_t offset, uint64_t size, void **host)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return VBLK_E_IO;
    if (st.st_size < 0 || offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
        return VBLK_E_RANGE;
    *host = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    return *host == MAP_FAILED ? VBLK_E_IO : VBLK_OK;
}

vblk_err vblk_memory_add_file(struct vblk_memory *mem, uint64_t gpa, const char *path, uint64_t offset, uint64_t size)
{
    struct vblk_region region = { .gpa = gpa, .size = size, .fd_offset = offset, .release = unmap };
    vblk_err err;

    if (!mem || !path || size == 0 || offset % (uint64_t)sysconf(_SC_PAGESIZE) || size > SIZE_MAX)
        return VBLK_E_INVAL;
    region.fd = open(path, O_RDWR | O_CLOEXEC);
    if (region.fd < 0)
        return VBLK_E_IO;
    err = map(region.fd, offset, size, &region.host);
    if (err) {
        close(region.fd);
        return err;
    }
    err = vblk_memory_add(mem, &region);
    if (err)
        unmap(region.host, size, region.fd);
    return err;
}
