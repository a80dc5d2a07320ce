/* SPDX-License-Identifier: BSD-3-Clause */
/* Arbitrary bytes as a stream of numbers. Every stream can be read for ever: past its end all is zero. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *data; /* [size] */
    size_t size, at;
};

/*
 * A number is a byte below NUMBER_BYTES; or NUMBER_BYTES + n - 1 and n bytes, least significant first; or
 * NUMBER_HIGH + k and a byte: so far below 2^64 - 1.
 */
#define NUMBER_BYTES 0xf0u
#define NUMBER_HIGH 0xf8u

static inline size_t input_left(const struct input *in)
{
    return in->size - in->at;
}

static inline uint8_t input_byte(struct input *in)
{
    return in->at < in->size ? in->data[in->at++] : 0;
}

static inline uint64_t input_number(struct input *in)
{
    const uint8_t first = input_byte(in);
    uint64_t value = 0;

    if (first < NUMBER_BYTES)
        return first;
    if (first >= NUMBER_HIGH)
        return UINT64_MAX - ((uint64_t)(first - NUMBER_HIGH) << 8 | input_byte(in));
    for (unsigned i = 0; i <= first - NUMBER_BYTES; i++)
        value |= (uint64_t)input_byte(in) << 8 * i;
    return value;
}

/* @return a number of 0 … @max. */
static inline uint64_t input_up_to(struct input *in, uint64_t max)
{
    const uint64_t value = input_number(in);

    return value <= max ? value : value % (max + 1);
}

/* @return where the next *@len bytes lie, of which there may be fewer. */
static inline const uint8_t *input_take(struct input *in, uint64_t *len)
{
    static const uint8_t none[1];
    const uint8_t *at = in->size ? in->data + in->at : none;

    if (*len > input_left(in))
        *len = input_left(in);
    in->at += (size_t)*len;
    return at;
}

#endif /* FUZZ_INPUT_H */
