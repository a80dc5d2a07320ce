/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of rings share: memory, a queue in it, and both sides. Include after cmocka.h. */
#ifndef VBLK_RING_QUEUE_FIXTURE_H
#define VBLK_RING_QUEUE_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "packed.h"
#include "split.h"

#define OK(call) assert_int_equal((call), VBLK_OK)
#ifndef OPS
#define OPS (&vblk_ring_split)
#endif
#define F(name) VBLK_BIT(VBLK_F_##name)
#define DATA 0x200000u /* where buffers lie; 1 MiB of them */
#define DATA_END 0x300000u

struct queue {
    const struct vblk_ring_ops *ops;
    struct vblk_memory *mem;
    struct vblk_layout at;
    struct vblk_ring driver;
    struct vblk_ring device;
};

static inline void queue_open_with(struct queue *q, uint32_t size, uint64_t features)
{
    const struct vblk_region region = { .gpa = 0x10000, .size = DATA_END - 0x10000, .fd = -1 };

    memset(q, 0, sizeof(*q));
    q->mem = vblk_memory_new();
    OK(vblk_memory_add(q->mem, &region));
    q->ops = vblk_ring_ops_for(features);
    q->at = (struct vblk_layout){ .size = size, .desc = 0x10000, .driver = 0xa0000, .device = 0xc0000,
                                  .features = features };
    OK(vblk_ring_open(&q->driver, q->ops, q->mem, &q->at, VBLK_DRIVER));
    OK(vblk_ring_open(&q->device, q->ops, q->mem, &q->at, VBLK_DEVICE));
}

static inline void queue_open(struct queue *q, uint32_t size)
{
    queue_open_with(q, size, 0);
}

static inline void queue_close(struct queue *q)
{
    vblk_ring_close(&q->driver);
    vblk_ring_close(&q->device);
    vblk_memory_free(q->mem);
}

static inline void poke16(struct queue *q, uint64_t gpa, unsigned value)
{
    const vblk_le16 wire = vblk_put16((uint16_t)value);

    OK(vblk_memory_poke(q->mem, gpa, &wire, sizeof(wire)));
}

static inline uint16_t peek16(struct queue *q, uint64_t gpa)
{
    vblk_le16 wire;

    OK(vblk_memory_peek(q->mem, gpa, &wire, sizeof(wire)));
    return vblk_get16(wire);
}

static inline void poke_desc(struct queue *q, uint32_t i, uint64_t gpa, uint32_t len, unsigned flags, unsigned next)
{
    const struct vblk_desc desc = { vblk_put64(gpa), vblk_put32(len), vblk_put16((uint16_t)flags),
                                    vblk_put16((uint16_t)next) };

    OK(vblk_memory_poke(q->mem, vblk_split_desc_at(&q->at, i), &desc, sizeof(desc)));
}

#define MARK_USED(wrap) ((wrap) ? VBLK_DESC_AVAIL | VBLK_DESC_USED : 0)
#define MARK_AVAILABLE(wrap) ((wrap) ? VBLK_DESC_AVAIL : VBLK_DESC_USED)

static inline void poke_packed(struct queue *q, uint32_t slot, uint64_t gpa, uint32_t len, unsigned id, unsigned flags)
{
    const struct vblk_packed_desc desc = { vblk_put64(gpa), vblk_put32(len), vblk_put16((uint16_t)id),
                                           vblk_put16((uint16_t)flags) };

    OK(vblk_memory_poke(q->mem, vblk_packed_desc_at(&q->at, slot), &desc, sizeof(desc)));
}

/* Add one buffer of n elements of 16 bytes, the last one writable, and make it available. */
static inline uint16_t offer(struct queue *q, uint32_t n)
{
    struct vblk_element *bufs = calloc(n, sizeof(*bufs));
    uint16_t id;

    for (uint32_t i = 0; i < n; i++)
        bufs[i] = (struct vblk_element){ DATA + 16 * (uint64_t)i, 16, i + 1 == n };
    OK(q->ops->add(&q->driver, bufs, n, &id));
    OK(q->ops->publish(&q->driver, 1));
    free(bufs);
    return id;
}

#endif /* VBLK_RING_QUEUE_FIXTURE_H */
