/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs of the targets that take no script, written by hand: lawful ones, and one wrong in each usual way. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seed {
    const char *target, *name;
    uint8_t data[512];
    size_t size;
};

/* @return false past the last seed. */
bool seed_at(size_t i, struct seed *out);

#endif /* FUZZ_SEEDS_H */
