/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that a front-end shares: mapping it, and which guest address its own addresses mean. */
#define _GNU_SOURCE
#include "vhost_user_back.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void unmap(struct back_region *r)
{
    if (r->map)
        munmap(r->map, r->map_len);
    r->map = NULL;
}

static bool sums(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* What a region says of itself, whatever its file is. */
static const char *nonsense(const struct vu_region *wire)
{
    uint64_t end;

    if (wire->size == 0)
        return "is empty";
    if (!sums(wire->gpa, wire->size - 1, &end) || !sums(wire->user, wire->size - 1, &end))
        return "goes past the end of the address space";
    if (!sums(wire->offset, wire->size, &end) || end > INT64_MAX || end > SIZE_MAX)
        return "goes past the end of any file";
    return NULL;
}

/* What lies past the end of a file can be mapped, but whoever touches it is killed. */
static bool inside_file(int fd, uint64_t end)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || (st.st_size >= 0 && (uint64_t)st.st_size >= end));
}

/* From the beginning of the file, as huge pages want it. */
static enum back_answer map_region(struct vblk_vhost_user_backend *b, struct back_region *r, int fd)
{
    const struct vu_region *wire = &r->wire;
    const char *what = nonsense(wire);

    if (what)
        return back_breach(b, "a memory region of 0x%llx bytes at 0x%llx %s", (unsigned long long)wire->size,
                           (unsigned long long)wire->gpa, what);
    if (!inside_file(fd, wire->offset + wire->size))
        return back_breach(b, "a memory region of 0x%llx bytes at 0x%llx is larger than its file",
                           (unsigned long long)wire->size, (unsigned long long)wire->gpa);
    r->map_len = (size_t)(wire->offset + wire->size);
    r->map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (r->map != MAP_FAILED)
        return BACK_DONE;
    r->map = NULL;
    return back_breach(b, "cannot map a memory region of 0x%llx bytes: %s", (unsigned long long)wire->size,
                       strerror(errno));
}

/* Two regions that share an address of either kind. */
static bool collide(const struct vu_region *a, const struct vu_region *c)
{
    return a->gpa - c->gpa < c->size || c->gpa - a->gpa < a->size || a->user - c->user < c->size ||
           c->user - a->user < a->size;
}

static enum back_answer add(struct vblk_vhost_user_backend *b, const struct vu_region *wire, int fd)
{
    struct back_region r = { .wire = *wire };
    struct vblk_region region = { .gpa = wire->gpa, .size = wire->size, .fd = -1 };
    enum back_answer answer = map_region(b, &r, fd);

    if (answer != BACK_DONE)
        return answer;
    for (uint32_t i = 0; i < b->regions; i++) {
        if (!collide(wire, &b->region[i].wire))
            continue;
        unmap(&r);
        return back_breach(b, "the memory region at 0x%llx overlaps another", (unsigned long long)wire->gpa);
    }
    region.host = (uint8_t *)r.map + wire->offset;
    if (vblk_memory_add(b->mem, &region) != VBLK_OK) {
        unmap(&r);
        return back_breach(b, "no room for the memory region at 0x%llx", (unsigned long long)wire->gpa);
    }
    b->region[b->regions++] = r;
    return BACK_DONE;
}

static void drop(struct vblk_vhost_user_backend *b, uint32_t i)
{
    vblk_err err = vblk_memory_remove(b->mem, b->region[i].wire.gpa);

    (void)err; /* it is there */
    unmap(&b->region[i]);
    b->region[i] = b->region[--b->regions];
}

void back_forget_memory(struct vblk_vhost_user_backend *b)
{
    while (b->regions > 0)
        drop(b, b->regions - 1);
}

/* Rings that run keep their guest addresses: a new table moves the memory of the host, not the guest's. */
enum back_answer back_set_table(struct vblk_vhost_user_backend *b, const struct vu_msg *m, const struct vu_fds *fds)
{
    const struct vu_mem_table *table = &m->body.table;
    enum back_answer answer = BACK_DONE;

    if (table->count > VU_FDS_MAX || m->head.size < offsetof(struct vu_mem_table, region) +
                                                        table->count * sizeof(struct vu_region))
        return back_breach(b, "a memory table of %u regions in %u bytes", table->count, m->head.size);
    if (fds->count != table->count)
        return back_breach(b, "a memory table of %u regions with %zu descriptors", table->count, fds->count);
    back_forget_memory(b);
    for (uint32_t i = 0; i < table->count && answer == BACK_DONE; i++)
        answer = add(b, &table->region[i], fds->fd[i]);
    return answer;
}

enum back_answer back_add_region(struct vblk_vhost_user_backend *b, const struct vu_msg *m, const struct vu_fds *fds)
{
    return add(b, &m->body.mem.region, fds->fd[0]);
}

enum back_answer back_remove_region(struct vblk_vhost_user_backend *b, const struct vu_msg *m)
{
    const struct vu_region *wire = &m->body.mem.region;

    for (uint32_t i = 0; i < b->regions; i++) {
        const struct vu_region *have = &b->region[i].wire;

        if (have->gpa != wire->gpa || have->size != wire->size || have->user != wire->user)
            continue;
        drop(b, i);
        return BACK_DONE;
    }
    return back_refuse(b, "a memory region at 0x%llx is to be removed that was never added",
                       (unsigned long long)wire->gpa);
}

bool back_guest_address(const struct vblk_vhost_user_backend *b, uint64_t user, uint64_t *gpa)
{
    for (uint32_t i = 0; i < b->regions; i++) {
        const struct vu_region *wire = &b->region[i].wire;

        *gpa = wire->gpa + (user - wire->user);
        if (user - wire->user < wire->size)
            return true;
    }
    return false;
}
