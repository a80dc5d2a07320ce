/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings as a trace shows them: which chains were made available, which came back. No judge: what can't be followed is counted. */
#ifndef CONFORMANCE_TRACE_RINGS_H
#define CONFORMANCE_TRACE_RINGS_H

#include <vblk/script.h>
#include <vblk/spec.h>

#include "trace_image.h"

#define TRACE_RINGS_MAX 64u

/* One request as it was laid out. */
struct trace_chain {
    struct trace_element {
        uint64_t at;
        uint32_t len;
        bool writable;
    } element[VBLK_FRAMES_MAX];
    uint32_t count;
    bool indirect;
};

struct trace_ring {
    bool on, lost; /* lost: it can't be followed any more */
    bool avail_wrap, used_wrap;
    uint16_t size, avail, used;
    uint64_t desc, driver, device;
    /* What is with the device, by its id (split: its head), and in which order it came there. */
    struct trace_out {
        uint32_t request; /* 0: nothing */
        uint16_t slots;
        uint64_t status; /* where its status byte is, if it has_status */
        bool has_status;
    } *out;      /* [65536] */
    uint16_t *order; /* [65536] */
    uint32_t first, next;
};

/* What the walk tells: a chain came (its number, from 1; 0: it is not carried over), one came back (0: whose is not known). */
struct trace_rings {
    const struct trace_image *image, *shown; /* what is the driver's to write, and the device's */
    bool packed, in_order;
    struct trace_ring ring[TRACE_RINGS_MAX];
    uint32_t (*came)(void *ctx, uint16_t queue, const struct trace_chain *chain);
    void (*back)(void *ctx, uint16_t queue, const struct trace_out *out); /* NULL: a used element of nothing */
    void (*gone)(void *ctx, const struct trace_out *out); /* its id was used again before it came back */
    void (*lost)(void *ctx, uint16_t queue);
    bool early; /* what comes back is looked for before what comes: of what is not there yet nothing is said */
    void *ctx;
    struct trace_chain chain;
};

/* false: no memory left. */
bool trace_ring_on(struct trace_rings *rings, uint16_t queue, uint64_t from);
void trace_ring_off(struct trace_ring *ring);
/* As far as memory shows it now. */
void trace_rings_follow(struct trace_rings *rings);
void trace_rings_free(struct trace_rings *rings);

#endif /* CONFORMANCE_TRACE_RINGS_H */
