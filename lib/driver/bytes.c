/* SPDX-License-Identifier: BSD-3-Clause */
#include "bytes.h"

#include <vblk/player.h>

/* One step of splitmix64: every input gives another output, so that no eight bytes of a pattern repeat. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void vblk_pattern(uint8_t seed, uint64_t offset, void *buf, size_t len)
{
    uint8_t *out = buf;
    uint64_t word = 0;
    bool fresh = false;

    for (size_t i = 0; i < len; i++) {
        uint64_t at = offset + i;

        if (!fresh || at % 8 == 0)
            word = mix(at / 8 ^ (uint64_t)seed << 56);
        fresh = true;
        out[i] = (uint8_t)(word >> 8 * (at % 8));
    }
}

void bytes_copy(const struct vblk_bytes *bytes, uint64_t offset, void *buf, size_t len)
{
    uint64_t left = offset < bytes->length ? bytes->length - offset : 0;
    size_t have = left < len ? (size_t)left : len;

    if (bytes->given && have)
        memcpy(buf, bytes->given + offset, have);
    else if (bytes->fill)
        memset(buf, bytes->seed, have);
    else
        vblk_pattern(bytes->seed, offset, buf, have);
    memset((uint8_t *)buf + have, 0, len - have);
}

uint64_t bytes_number(const void *buf, size_t len)
{
    const uint8_t *in = buf;
    uint64_t value = 0;

    for (size_t i = 0; i < len && i < 8; i++)
        value |= (uint64_t)in[i] << 8 * i;
    return value;
}
