/* SPDX-License-Identifier: BSD-3-Clause */
/* The puppet's side of a ring (2.7, 2.8). Errors of guest memory are events already, so they are not passed on. */
#include "puppet.h"

#define CHUNK 4096u
#define TAKEN_DESCS 65536u
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

static bool accepted(const struct puppet *puppet, unsigned feature)
{
    return (puppet_reg(puppet, VBLK_REG_DRIVER_FEATURES, 0) & VBLK_BIT(feature)) != 0;
}

void puppet_ring_reset(struct puppet *puppet, uint16_t queue)
{
    struct puppet_ring *ring = ring_of(puppet, queue);

    vblk_ring_close(&ring->packed);
    memset(ring, 0, sizeof(*ring));
}

/*
 * The packed ring as the registers describe it, or NULL. Opened without IN_ORDER: whoever plays the device decides what
 * order that is.
 */
static struct vblk_ring *packed_ring(struct puppet *puppet, uint16_t queue)
{
    const struct vblk_layout at = {
        .size = (uint32_t)size_of(puppet, queue),
        .desc = part_at(puppet, VBLK_REG_QUEUE_DESC, queue, 0),
        .driver = part_at(puppet, VBLK_REG_QUEUE_DRIVER, queue, 0),
        .device = part_at(puppet, VBLK_REG_QUEUE_DEVICE, queue, 0),
        .features = puppet_reg(puppet, VBLK_REG_DRIVER_FEATURES, 0) & ~VBLK_BIT(VBLK_F_IN_ORDER),
        .chain_max = 65536,
    };
    struct vblk_ring *ring = &ring_of(puppet, queue)->packed;
    const vblk_err err = ring->ops ? VBLK_OK : vblk_ring_open(ring, &vblk_ring_packed, puppet->port.mem, &at, VBLK_DEVICE);

    puppet->no_memory = puppet->no_memory || err == VBLK_E_NOMEM;
    return err ? NULL : ring;
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

/* Load one descriptor and what it shows to the device. @return false: it is the last one, or leads nowhere. */
static bool load_desc(struct puppet *puppet, uint64_t gpa, struct vblk_desc *desc, uint32_t *budget)
{
    unsigned flags;

    if (vblk_memory_read(puppet->port.mem, VBLK_DEVICE, gpa, desc, sizeof(*desc)))
        return false;
    flags = vblk_get16(desc->flags);
    if (!(flags & (VBLK_DESC_WRITE | VBLK_DESC_INDIRECT)) &&
        !load_bytes(puppet, vblk_get64(desc->addr), vblk_get32(desc->len), budget))
        return false;
    return flags & VBLK_DESC_NEXT;
}

/* The chain that begins in the queue. What an indirect descriptor leads to is the end of it (2.7.5.3). */
static void load_chain(struct puppet *puppet, uint16_t queue, uint16_t head)
{
    uint64_t table = part_at(puppet, VBLK_REG_QUEUE_DESC, queue, 0), size = size_of(puppet, queue), at = head, left = size;
    uint32_t budget = TAKEN_BYTES;
    bool direct = true;

    for (uint64_t i = 0; left > 0 && i < TAKEN_DESCS && at < size; i++, left--) {
        struct vblk_desc desc = { { { 0 } }, { { 0 } }, { { 0 } }, { { 0 } } };
        const bool more = load_desc(puppet, table + 16 * at, &desc, &budget);

        at = vblk_get16(desc.next);
        if (direct && vblk_get16(desc.flags) & VBLK_DESC_INDIRECT && accepted(puppet, VBLK_F_INDIRECT_DESC)) {
            table = vblk_get64(desc.addr);
            size = vblk_get32(desc.len) / sizeof(desc);
            at = 0;
            left = size + 1; /* this one is none of its entries */
            direct = false;
        } else if (!more) {
            return;
        }
    }
}

static bool take_packed(struct puppet *puppet, uint16_t queue, uint16_t *id)
{
    struct vblk_ring *ring = packed_ring(puppet, queue);
    uint32_t budget = TAKEN_BYTES;
    struct vblk_chain chain;

    if (!ring || ring->ops->take(ring, &chain))
        return false;
    *id = chain.id;
    for (uint32_t i = 0; i < chain.readable; i++)
        if (!load_bytes(puppet, chain.bufs[i].gpa, chain.bufs[i].len, &budget))
            break;
    return true;
}

static bool take_split(struct puppet *puppet, uint16_t queue, uint16_t *head)
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

bool puppet_take(struct puppet *puppet, uint16_t queue, uint16_t *head)
{
    return accepted(puppet, VBLK_F_RING_PACKED) ? take_packed(puppet, queue, head) : take_split(puppet, queue, head);
}

void puppet_elem(struct puppet *puppet, uint16_t queue, uint32_t id, uint32_t len)
{
    struct puppet_ring *ring = ring_of(puppet, queue);
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };
    const uint64_t slot = ring->next_elem++ % size_of(puppet, queue);
    struct vblk_ring *packed = accepted(puppet, VBLK_F_RING_PACKED) ? packed_ring(puppet, queue) : NULL;

    if (packed)
        (void)!packed->ops->put_used_wrote(packed, id, len, true); /* the status byte at least */
    if (accepted(puppet, VBLK_F_RING_PACKED))
        return;
    (void)!vblk_memory_write(puppet->port.mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DEVICE, queue, 4 + 8 * slot),
                             &elem, sizeof(elem));
}

void puppet_used_idx(struct puppet *puppet, uint16_t queue, uint16_t idx, enum vblk_order order)
{
    struct vblk_ring *packed = accepted(puppet, VBLK_F_RING_PACKED) ? packed_ring(puppet, queue) : NULL;

    ring_of(puppet, queue)->used_idx = idx;
    if (packed)
        (void)!packed->ops->publish_used(packed);
    if (accepted(puppet, VBLK_F_RING_PACKED))
        return;
    (void)!vblk_memory_store16(puppet->port.mem, VBLK_DEVICE, part_at(puppet, VBLK_REG_QUEUE_DEVICE, queue, 2), order,
                               idx);
}

/* 2.7.7.2, 2.7.8: the flag, or with EVENT_IDX the element that the driver named. */
static bool notify_wanted(struct puppet *puppet, uint16_t queue, uint16_t before)
{
    const uint64_t avail = part_at(puppet, VBLK_REG_QUEUE_DRIVER, queue, 0);
    const bool by_index = accepted(puppet, VBLK_F_EVENT_IDX);
    const uint16_t idx = ring_of(puppet, queue)->used_idx;
    uint16_t word = 0;

    vblk_memory_barrier(puppet->port.mem, VBLK_DEVICE, VBLK_FULL);
    (void)!vblk_memory_load16(puppet->port.mem, VBLK_DEVICE, by_index ? avail + 4 + 2 * size_of(puppet, queue) : avail,
                              VBLK_RELAXED, &word);
    return by_index ? (uint16_t)(idx - word - 1) < (uint16_t)(idx - before) : !(word & VBLK_AVAIL_NO_INTERRUPT);
}

static bool packed_notify_wanted(struct puppet *puppet, uint16_t queue)
{
    struct vblk_ring *ring = packed_ring(puppet, queue);
    bool wanted = true;

    if (ring)
        (void)!ring->ops->notify_wanted(ring, &wanted);
    return wanted;
}

void puppet_publish(struct puppet *puppet, uint16_t queue)
{
    const uint16_t before = ring_of(puppet, queue)->used_idx;
    const bool packed = accepted(puppet, VBLK_F_RING_PACKED);

    if (!packed)
        vblk_memory_barrier(puppet->port.mem, VBLK_DEVICE, VBLK_RELEASE);
    puppet_used_idx(puppet, queue, ring_of(puppet, queue)->next_elem, VBLK_RELEASE);
    if (packed ? packed_notify_wanted(puppet, queue) : notify_wanted(puppet, queue, before))
        vblk_port_notified(&puppet->port, VBLK_EV_USED_NOTIFY, queue);
}
