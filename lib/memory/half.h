/* SPDX-License-Identifier: BSD-3-Clause */
/* Little-endian half-words with a memory order: single atomic accesses where the host address is even. */
#ifndef VBLK_MEMORY_HALF_H
#define VBLK_MEMORY_HALF_H

#include <string.h>

#include "region.h"

static inline uint16_t le16(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap16(v);
#else
    return v;
#endif
}

static inline uint16_t get16(const uint8_t *host, enum vblk_order order)
{
    uint16_t v;

    if (unlikely((uintptr_t)host % 2 != 0))
        memcpy(&v, host, 2);
    else if (order == VBLK_RELAXED)
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
    else if (order == VBLK_ACQUIRE)
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_ACQUIRE);
    else
        v = __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_SEQ_CST);
    return le16(v);
}

static inline void put16(uint8_t *host, enum vblk_order order, uint16_t value)
{
    uint16_t v = le16(value);

    if (unlikely((uintptr_t)host % 2 != 0))
        memcpy(host, &v, 2);
    else if (order == VBLK_RELAXED)
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_RELAXED);
    else if (order == VBLK_RELEASE)
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_RELEASE);
    else
        __atomic_store_n((uint16_t *)(void *)host, v, __ATOMIC_SEQ_CST);
}

#endif /* VBLK_MEMORY_HALF_H */
