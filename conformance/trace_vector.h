/* SPDX-License-Identifier: BSD-3-Clause */
/* A recorded run as a file of vectors: each life of the device, from DRIVER_OK to its reset, becomes a case. */
#ifndef CONFORMANCE_TRACE_VECTOR_H
#define CONFORMANCE_TRACE_VECTOR_H

#include <stddef.h>
#include <stdint.h>

struct trace_vector_options {
    const char *clause; /* what the file is about; NULL: what the first case of the trace is about, or BLK-OP-01 */
    const char *glob;   /* only these cases of the trace; NULL: all */
    uint32_t requests;  /* of each life at most; 0: all */
};

struct trace_vector_told {
    char path[96]; /* how lint wants the file to be called */
    size_t cases;
    uint64_t requests;
    uint64_t stillborn; /* lives in which a queue was enabled and DRIVER_OK did not come */
    uint64_t left;      /* lives that have a note of what was not carried over */
};

/* The vector in its canonical layout, to be freed; NULL with a sentence in @why. */
char *trace_vector(const char *path, const struct trace_vector_options *options, struct trace_vector_told *told, char *why,
                   size_t why_size);

#endif /* CONFORMANCE_TRACE_VECTOR_H */
