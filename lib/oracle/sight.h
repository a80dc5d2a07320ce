/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings in place: words there, and host addresses of a split ring's areas, found again whenever the memory's epoch changes. */
#ifndef ORACLE_SIGHT_H
#define ORACLE_SIGHT_H

#include <string.h>

#include "judge.h"
#include "little.h"
#include "region.h"

/* Little-endian words of shared memory, each read once. */
static inline uint64_t le64_at(const uint8_t *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof(v));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return le64(v);
}

static inline uint32_t le32_at(const uint8_t *bytes)
{
    uint32_t v;

    memcpy(&v, bytes, sizeof(v));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return le32(v);
}

static inline uint16_t le16_at(const uint8_t *bytes)
{
    uint16_t v;

    memcpy(&v, bytes, sizeof(v));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return le16(v);
}

static inline bool queue_in_sight(const struct vblk_oracle *o, struct queue *q)
{
    return likely(q->epoch == o->mem->epoch) ? q->desc_bytes != NULL : queue_find(o, q);
}

#endif /* ORACLE_SIGHT_H */
