/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's memory, mapped to be read. What can't be mapped is the front-end's and the back-end's business alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost_user_mon.h"

static bool sums(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* What lies past the end of the file can be mapped, but not be touched. */
static bool inside_file(int fd, uint64_t end)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || (st.st_size >= 0 && (uint64_t)st.st_size >= end));
}

static bool makes_sense(const struct vu_region *wire)
{
    uint64_t end;

    return wire->size > 0 && sums(wire->gpa, wire->size - 1, &end) && sums(wire->user, wire->size - 1, &end) &&
           sums(wire->offset, wire->size, &end) && end <= INT64_MAX && end <= SIZE_MAX;
}

/* From the beginning of the file, as huge pages want it. */
void mon_add_region(struct vblk_vhost_user_monitor *m, const struct vu_region *wire, int fd)
{
    struct mon_region r = { .wire = *wire };
    struct vblk_region region = { .gpa = wire->gpa, .size = wire->size, .fd = -1 };

    if (m->lost)
        return;
    if (m->regions == VBLK_MEMORY_REGIONS_MAX || !makes_sense(wire) || !inside_file(fd, wire->offset + wire->size)) {
        mon_note(m, "a memory region of 0x%llx bytes at 0x%llx was passed on that can't be looked at",
                 (unsigned long long)wire->size, (unsigned long long)wire->gpa);
        return;
    }
    r.map_len = (size_t)(wire->offset + wire->size);
    r.map = mmap(NULL, r.map_len, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (r.map == MAP_FAILED) {
        mon_note(m, "a memory region at 0x%llx can't be mapped: %s", (unsigned long long)wire->gpa, strerror(errno));
        return;
    }
    region.host = (uint8_t *)r.map + wire->offset;
    if (vblk_memory_add(m->options.mem, &region) != VBLK_OK) {
        munmap(r.map, r.map_len);
        mon_note(m, "a memory region at 0x%llx overlaps another", (unsigned long long)wire->gpa);
        return;
    }
    m->region[m->regions++] = r;
}

static void drop(struct vblk_vhost_user_monitor *m, uint32_t i)
{
    vblk_err err = vblk_memory_remove(m->options.mem, m->region[i].wire.gpa);

    (void)err; /* it is there */
    munmap(m->region[i].map, m->region[i].map_len);
    m->region[i] = m->region[--m->regions];
}

void mon_forget_memory(struct vblk_vhost_user_monitor *m)
{
    while (m->regions > 0)
        drop(m, m->regions - 1);
}

void mon_remove_region(struct vblk_vhost_user_monitor *m, const struct vu_region *wire)
{
    for (uint32_t i = 0; i < m->regions; i++)
        if (m->region[i].wire.gpa == wire->gpa && m->region[i].wire.size == wire->size &&
            m->region[i].wire.user == wire->user) {
            drop(m, i);
            return;
        }
}

void mon_set_table(struct vblk_vhost_user_monitor *m, const struct vu_msg *msg, const int *fds, size_t count)
{
    const struct vu_mem_table *table = &msg->body.table;

    mon_forget_memory(m);
    if (table->count > VU_FDS_MAX || table->count != count ||
        msg->head.size < offsetof(struct vu_mem_table, region) + table->count * sizeof(struct vu_region)) {
        mon_note(m, "a memory table of %u regions with %zu descriptors was passed on", table->count, count);
        return;
    }
    for (uint32_t i = 0; i < table->count; i++)
        mon_add_region(m, &table->region[i], fds[i]);
}

bool mon_guest_address(const struct vblk_vhost_user_monitor *m, uint64_t user, uint64_t *gpa)
{
    for (uint32_t i = 0; i < m->regions; i++) {
        const struct vu_region *wire = &m->region[i].wire;

        *gpa = wire->gpa + (user - wire->user);
        if (user - wire->user < wire->size)
            return true;
    }
    return false;
}
