/* SPDX-License-Identifier: BSD-3-Clause */
/* In front of every file of an instrumented build (mutate.py): which mutation is on, and which places were reached. */
#ifndef VBLK_MUTATION_RUNTIME_H
#define VBLK_MUTATION_RUNTIME_H

extern unsigned vblk_mutation_on;
extern unsigned char *vblk_mutation_map;

#define VBLK_MUTATED(id) (vblk_mutation_map[id] = 1, vblk_mutation_on == (id))

#endif
