/* SPDX-License-Identifier: BSD-3-Clause */
/* Words as they lie in shared memory, least significant byte first, to the host's and back. */
#ifndef VBLK_MEMORY_LITTLE_H
#define VBLK_MEMORY_LITTLE_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define VBLK_LITTLE(bits, v) __builtin_bswap##bits(v)
#else
#define VBLK_LITTLE(bits, v) (v)
#endif

static inline uint16_t le16(uint16_t v)
{
    return VBLK_LITTLE(16, v);
}

static inline uint32_t le32(uint32_t v)
{
    return VBLK_LITTLE(32, v);
}

static inline uint64_t le64(uint64_t v)
{
    return VBLK_LITTLE(64, v);
}

#endif /* VBLK_MEMORY_LITTLE_H */
