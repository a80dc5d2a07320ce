/* SPDX-License-Identifier: BSD-3-Clause */
/* In front of every file of an instrumented build (mutate.py): which mutation is on, and which places were reached. */
#ifndef VBLK_MUTATION_RUNTIME_H
#define VBLK_MUTATION_RUNTIME_H

extern unsigned vblk_mutation_on;
extern unsigned char *vblk_mutation_map;

enum { VBLK_MUTATION_REACHED = 1, VBLK_MUTATION_DIFFERS = 2 };

/* Is it on? To be asked only where it makes a difference at once, or where nobody can know. */
#define VBLK_MUTATED(id) (vblk_mutation_map[id] = VBLK_MUTATION_REACHED | VBLK_MUTATION_DIFFERS, vblk_mutation_on == (id))

/* The same, where it is known whether it would make a difference here and now. */
#define VBLK_MUTATED_IF(id, differs) \
    (vblk_mutation_map[id] |= VBLK_MUTATION_REACHED | ((differs) ? VBLK_MUTATION_DIFFERS : 0), vblk_mutation_on == (id))

#endif
