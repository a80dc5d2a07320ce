/* SPDX-License-Identifier: BSD-3-Clause */
/* One case of a vector, step by step, as a trace goes by: from DRIVER_OK to the reset. */
#ifndef CONFORMANCE_TRACE_CASE_H
#define CONFORMANCE_TRACE_CASE_H

#include <jansson.h>

#include "trace_rings.h"

/* What a step can't say is counted and told, never left out in silence. */
enum trace_left {
    TRACE_LEFT_ORDER,    /* a readable element behind a writable one */
    TRACE_LEFT_CHAIN,    /* a chain that leads nowhere, or mixes tables */
    TRACE_LEFT_RING,     /* a ring that could not be followed to its end */
    TRACE_LEFT_SIZE,     /* more than the suite's driver has memory for */
    TRACE_LEFT_DATA,     /* bytes that the trace does not have */
    TRACE_LEFT_HEADER,   /* the same of a header */
    TRACE_LEFT_STATUS,   /* an answer whose status was not seen */
    TRACE_LEFT_ANSWER,   /* no answer came */
    TRACE_LEFT_STRAY,    /* used, and was never made available */
    TRACE_LEFT_RESET,    /* a queue was enabled again after it was */
    TRACE_LEFT_POWER,    /* power cuts, and devices that went away */
    TRACE_LEFT_FEATURES, /* accepted, and the suite does not do it */
    TRACE_LEFT_LEGACY,   /* VERSION_1 was not accepted */
    TRACE_LEFT_QUEUES,   /* queues of another size, or beyond those that are followed */
    TRACE_LEFT_LIMIT,    /* behind the requests that were asked for, or that a case can name */
    TRACE_LEFT_COUNT
};

/* Names of a case are no more. */
#define TRACE_CASE_REQUESTS 512u

struct trace_case {
    const struct trace_image *image, *shown; /* what is the driver's to write, and the device's */
    const struct vblk_profile *profile;
    json_t *steps;
    json_t *fresh; /* made available, and not yet published: [ { request }, … ] */
    bool kicked;   /* after which the next one begins a new batch */
    bool sure;     /* what the device stores was seen as it was stored */
    bool failed;   /* no memory left */
    bool changes_disk;
    uint32_t requests, limit, longest; /* longest: descriptors of a chain */
    size_t bytes;  /* of data, in hexadecimal: what makes a vector long */
    uint64_t left[TRACE_LEFT_COUNT];
};

bool trace_case_begin(struct trace_case *c);
uint32_t trace_case_request(struct trace_case *c, uint16_t queue, const struct trace_chain *chain);
void trace_case_kick(struct trace_case *c);
void trace_case_answer(struct trace_case *c, const struct trace_out *out);
void trace_case_config_write(struct trace_case *c, uint64_t offset, const uint8_t *bytes, uint32_t len);
/* Publishes what is left over; the first step gets its note. The caller owns @steps from then on. */
void trace_case_end(struct trace_case *c);

#endif /* CONFORMANCE_TRACE_CASE_H */
