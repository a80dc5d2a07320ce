/* SPDX-License-Identifier: BSD-3-Clause */
/* The puppet's side of a split ring (2.7). Errors of guest memory are events already, so they are not passed on. */
#include "puppet.h"

#define CHUNK 4096u
#define TAKEN_BYTES (16u << 20) /* of one chain at most: descriptor lengths may be lies */

static uint64_t size_of(const struct puppet *puppet, uint16_t queue)
{
    const uint64_t size = puppet_reg(puppet, VBLK_REG_QUEUE_SIZE, queue);

    return size && size <= VBLK_SPLIT_SIZE_MAX ? size : 1;
}

static uint64_t part_at(const struct puppet *puppet, enum vblk_reg reg, uint16_t queue, uint64_t offset)
{
    return puppet_reg(puppet, reg, queue) + offset;
}

static struct puppet_ring *ring_of(struct puppet *puppet, uint16_t queue)
{
    return &puppet->ring[queue % PUPPET_QUEUES];
}

/* Load the readable bytes of one descriptor. @return false when it leads out of memory. */
static bool load_bytes(struct puppet *puppet, uint64_t gpa, uint32_t len, uint32_t *budget)
{
    uint8_t buf[CHUNK];

    if (len > *budget)
        len = *budget;
    *budget -= len;
    while (len) {
        const uint32_t n = len < CHUNK ? len : CHUNK;

        if (vblk_memory_read(puppet->port.mem, VBLK_DEVICE, gpa, buf, n))
            return false;
        gpa += n;
        len -= n;
    }
    return true;
}

static void load_chain(struct puppet *puppet, uint16_t queue, uint16_t head)
{
    const uint64_t size = size_of(puppet, queue);
    uint32_t budget = TAKEN_BYTES;
    uint64_t at = head;

    for (uint64_t i = 0; i < size && at < size; i++) {
        struct vblk_desc desc;
        uint16_t flags;

        if (vblk_memory_read(puppet->port.mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DESC, queue, 16 * at), &desc,
                             sizeof(desc)))
            return;
        flags = vblk_get16(desc.flags);
        if (!(flags & (VBLK_DESC_WRITE | VBLK_DESC_INDIRECT)) &&
            !load_bytes(puppet, vblk_get64(desc.addr), vblk_get32(desc.len), &budget))
            return;
        if (!(flags & VBLK_DESC_NEXT))
            return;
        at = vblk_get16(desc.next);
    }
}

bool puppet_take(struct puppet *puppet, uint16_t queue, uint16_t *head)
{
    struct puppet_ring *ring = ring_of(puppet, queue);
    const uint64_t avail = part_at(puppet, VBLK_REG_QUEUE_DRIVER, queue, 0);
    const uint64_t slot = avail + 4 + 2 * (ring->next_avail % size_of(puppet, queue));
    uint16_t idx;

    if (vblk_memory_load16(puppet->port.mem, VBLK_DEVICE, avail + 2, VBLK_ACQUIRE, &idx) || idx == ring->next_avail ||
        vblk_memory_load16(puppet->port.mem, VBLK_DEVICE, slot, VBLK_RELAXED, head))
        return false;
    ring->next_avail++;
    load_chain(puppet, queue, *head);
    return true;
}

void puppet_elem(struct puppet *puppet, uint16_t queue, uint32_t id, uint32_t len)
{
    struct puppet_ring *ring = ring_of(puppet, queue);
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };
    const uint64_t slot = ring->next_elem++ % size_of(puppet, queue);

    (void)!vblk_memory_write(puppet->port.mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DEVICE, queue, 4 + 8 * slot),
                             &elem, sizeof(elem));
}

void puppet_used_idx(struct puppet *puppet, uint16_t queue, uint16_t idx, enum vblk_order order)
{
    ring_of(puppet, queue)->used_idx = idx;
    (void)!vblk_memory_store16(puppet->port.mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DEVICE, queue, 2), order,
                               idx);
}

void puppet_publish(struct puppet *puppet, uint16_t queue)
{
    struct vblk_memory *mem = puppet->port.mem;
    uint16_t flags = 0;

    vblk_memory_barrier(mem, VBLK_DEVICE, VBLK_RELEASE);
    puppet_used_idx(puppet, queue, ring_of(puppet, queue)->next_elem, VBLK_RELEASE);
    vblk_memory_barrier(mem, VBLK_DEVICE, VBLK_FULL);
    (void)!vblk_memory_load16(mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DRIVER, queue, 0), VBLK_RELAXED, &flags);
    if (!(flags & VBLK_AVAIL_NO_INTERRUPT))
        vblk_port_notified(&puppet->port, VBLK_EV_USED_NOTIFY, queue);
}
