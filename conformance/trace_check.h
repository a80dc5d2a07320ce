/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A recorded run judged again: the judge is told the same and shown the same. What it asks for and the trace does not
 * have is not made up: then nothing is decided.
 */
#ifndef CONFORMANCE_TRACE_CHECK_H
#define CONFORMANCE_TRACE_CHECK_H

#include "runner.h"
#include "trace_file.h"

struct trace_check_options {
    const struct runner_set *set; /* where consequences are found */
    struct expect_list *expect;
    int should_fails;             /* as --fail-on, or -1: as recorded */
};

/* The report; NULL with a sentence in @why. Freed by the caller. */
struct report *trace_check(const char *path, const struct trace_check_options *options, char *why, size_t why_size);

#endif /* CONFORMANCE_TRACE_CHECK_H */
