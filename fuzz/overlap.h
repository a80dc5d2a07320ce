/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers that give out the same bytes twice, a buffer over another one or over a ring, or that enable a queue whose
 * available ring already holds something. The judge does not follow what a device then does, so that some clauses
 * (overlap.c) say nothing about the device.
 */
#ifndef FUZZ_OVERLAP_H
#define FUZZ_OVERLAP_H

#include <vblk/memory.h>

#define OVERLAP_QUEUES 4u

struct overlap {
    struct {
        uint64_t size, part[3]; /* desc, driver, device */
    } queue[OVERLAP_QUEUES];
    bool seen;   /* somebody writes there */
    bool reread; /* or merely reads twice */
};

/* Look at the descriptor tables whenever a device may. */
void overlap_watch(struct overlap *o, const struct vblk_memory *mem, const struct vblk_event *ev);
/* Whether a clause is one that goes wrong then. */
bool overlap_excuses(const struct overlap *o, const char *clause);

#endif /* FUZZ_OVERLAP_H */
