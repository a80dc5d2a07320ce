/* SPDX-License-Identifier: BSD-3-Clause */
/* Little-endian half-words with a memory order: single atomic accesses where the host address is even. */
#ifndef VBLK_MEMORY_HALF_H
#define VBLK_MEMORY_HALF_H

#include <string.h>

#include "little.h"
#include "region.h"

/* At an even address. */
static inline uint16_t get16_even(const uint8_t *host, enum vblk_order order)
{
    uint16_t v;

    if (order == VBLK_RELAXED)
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
    else if (order == VBLK_ACQUIRE)
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_ACQUIRE);
    else
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_SEQ_CST);
    return le16(v);
}

static inline uint16_t get16(const uint8_t *host, enum vblk_order order)
{
    uint16_t v;

    if (likely((uintptr_t)host % 2 == 0))
        return get16_even(host, order);
    memcpy(&v, host, 2);
    return le16(v);
}

/* At an even address. */
static inline void put16_even(uint8_t *host, enum vblk_order order, uint16_t value)
{
    const uint16_t v = le16(value);

    if (order == VBLK_RELAXED)
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_RELAXED);
    else if (order == VBLK_RELEASE)
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_RELEASE);
    else
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_SEQ_CST);
}

static inline void put16(uint8_t *host, enum vblk_order order, uint16_t value)
{
    const uint16_t v = le16(value);

    if (likely((uintptr_t)host % 2 == 0))
        put16_even(host, order, value);
    else
        memcpy(host, &v, 2);
}

#endif /* VBLK_MEMORY_HALF_H */
