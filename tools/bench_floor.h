/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor that `vblk bench` measures against: a driver, a device and a split ring in one thread with nothing
 * checked, as fast as plain C goes. It exists to be compared with, never to be used.
 */
#ifndef TOOLS_BENCH_FLOOR_H
#define TOOLS_BENCH_FLOOR_H

#include <stdint.h>

struct floor;

/* @disk: bytes of the disk, a power of two. NULL: no memory. */
struct floor *floor_new(uint32_t disk);
void floor_free(struct floor *f);
/* @rounds batches of @depth requests of @data bytes each (0: FLUSH). @return a sum over statuses, so that nothing is optimised away. */
uint64_t floor_run(struct floor *f, uint32_t rounds, uint32_t depth, uint32_t data);

#endif /* TOOLS_BENCH_FLOOR_H */
