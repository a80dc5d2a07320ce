/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that a back-end can map: making it, and telling the back-end of it. */
#define _GNU_SOURCE
#include "vhost_user_mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost_user_frontend.h"

static void unmap(void *host, uint64_t size, int fd)
{
    munmap(host, (size_t)size);
    close(fd);
}

/* Sealed, since a back-end that truncated the file would kill whoever touches the mapping. */
static int sealed_file(uint64_t size)
{
    int fd = memfd_create("vblk", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd >= 0 &&
        (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

vblk_err vblk_memory_add_shared(struct vblk_memory *mem, uint64_t gpa, uint64_t size)
{
    struct vblk_region region = { .gpa = gpa, .size = size, .release = unmap };
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    vblk_err err;

    if (!mem || size == 0 || size > INT64_MAX - page || size > SIZE_MAX - page)
        return VBLK_E_INVAL;
    region.fd = sealed_file((size + page - 1) / page * page);
    if (region.fd < 0)
        return VBLK_E_NOMEM;
    region.host = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, region.fd, 0);
    if (region.host == MAP_FAILED) {
        close(region.fd);
        return VBLK_E_NOMEM;
    }
    err = vblk_memory_add(mem, &region);
    if (err != VBLK_OK)
        unmap(region.host, size, region.fd);
    return err;
}

void vblk_memory_reset_shared(struct vblk_memory *mem)
{
    vblk_memory_reset(mem);
    for (size_t i = 0; i < vblk_memory_region_count(mem); i++) {
        struct vblk_region region;

        if (vblk_memory_region(mem, i, &region) == VBLK_OK && region.release == unmap)
            (void)fallocate(region.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)region.size);
    }
}

/* List the regions that have a file. VBLK_E_FULL: more than the back-end has slots for. */
static vblk_err shareable(struct vu_frontend *f, struct vu_shared *out, size_t *count)
{
    size_t n = 0;

    for (size_t i = 0; i < vblk_memory_region_count(f->port.mem); i++) {
        struct vblk_region region;
        struct stat st;

        if (vblk_memory_region(f->port.mem, i, &region) != VBLK_OK || region.fd < 0 || fstat(region.fd, &st) < 0)
            continue;
        if (n == f->slots) {
            vu_note(f, "more shared memory regions than the %u that the back-end takes", f->slots);
            return VBLK_E_FULL;
        }
        out[n].wire = (struct vu_region){ region.gpa, region.size, vu_user_address(region.gpa), region.fd_offset };
        out[n].fd = region.fd;
        out[n].dev = st.st_dev;
        out[n++].ino = st.st_ino;
    }
    *count = n;
    if (n > 0)
        return VBLK_OK;
    vu_note(f, "no memory region has a file descriptor to share");
    return VBLK_E_STATE;
}

static bool same(const struct vu_shared *a, const struct vu_shared *b)
{
    return memcmp(&a->wire, &b->wire, sizeof(a->wire)) == 0 && a->dev == b->dev && a->ino == b->ino;
}

static bool listed(const struct vu_shared *one, const struct vu_shared *list, size_t count)
{
    size_t i = 0;

    while (i < count && !same(one, &list[i]))
        i++;
    return i < count;
}

static vblk_err send_table(struct vu_frontend *f, const struct vu_shared *now, size_t count)
{
    int fds[VU_FDS_MAX];
    struct vu_msg m;

    vu_msg_init(&m, VU_SET_MEM_TABLE);
    m.head.size = (uint32_t)(offsetof(struct vu_mem_table, region) + count * sizeof(struct vu_region));
    m.body.table.count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        m.body.table.region[i] = now[i].wire;
        fds[i] = now[i].fd;
    }
    return vu_tell(f, &m, fds, count);
}

/* VU_ADD_MEM_REG for those of list that the other list lacks, or VU_REM_MEM_REG. */
static vblk_err send_missing(struct vu_frontend *f, enum vu_request request, const struct vu_shared *list, size_t count,
                             const struct vu_shared *other, size_t other_count)
{
    vblk_err err = VBLK_OK;

    for (size_t i = 0; err == VBLK_OK && i < count; i++) {
        struct vu_msg m;

        if (listed(&list[i], other, other_count))
            continue;
        vu_msg_init(&m, request);
        m.body.mem.region = list[i].wire;
        err = vu_tell(f, &m, &list[i].fd, request == VU_ADD_MEM_REG ? 1 : 0);
    }
    return err;
}

vblk_err vu_share_memory(struct vu_frontend *f)
{
    struct vu_shared now[VBLK_MEMORY_REGIONS_MAX];
    size_t count = 0, known = 0;
    vblk_err err = shareable(f, now, &count);

    if (err != VBLK_OK)
        return err;
    while (known < count && listed(&now[known], f->shared, f->shared_count))
        known++;
    if (known == count && count == f->shared_count)
        return VBLK_OK;
    if (!vu_has(f, VU_PROTOCOL_MEM_SLOTS)) {
        err = send_table(f, now, count);
    } else {
        err = send_missing(f, VU_REM_MEM_REG, f->shared, f->shared_count, now, count);
        if (err == VBLK_OK)
            err = send_missing(f, VU_ADD_MEM_REG, now, count, f->shared, f->shared_count);
    }
    if (err == VBLK_E_IO) { /* who knows what the back-end has mapped now: start afresh */
        vu_hang_up(f);
        err = VBLK_E_GONE;
    }
    if (err != VBLK_OK)
        return err;
    memcpy(f->shared, now, count * sizeof(now[0]));
    f->shared_count = count;
    return vu_settle(f);
}
