/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONFORMANCE_LITTLE_H
#define CONFORMANCE_LITTLE_H

#include <stdint.h>

/* A number of up to 8 bytes, the lowest first. */
static inline uint64_t little(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;

    while (width--)
        value = value << 8 | bytes[width];
    return value;
}

#endif /* CONFORMANCE_LITTLE_H */
