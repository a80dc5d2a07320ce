/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver under test: whoever talks to a device of ours, or to somebody else's that is under test as well. Events in, a
 * report out; each connection, or whatever else the driver is told apart by, is a case of it.
 */
#ifndef CONFORMANCE_DRIVER_RUN_H
#define CONFORMANCE_DRIVER_RUN_H

#include "runner.h"

struct driver_run_options {
    struct runner_options run;    /* profile, readings, strictness, seed, should_fails, expect, replay, recorder; the rest is not looked at */
    const struct runner_set *set; /* where consequences are found; NULL: nowhere */
    const char *kind, *name;      /* what the report calls the target */
    uint8_t grade;                /* enum vblk_grade */
    uint32_t sees;                /* VBLK_SEES_* */
    uint16_t queues;              /* followed; 0: the oracle's default */
    bool disk_zero;
    bool both;                    /* the device is on trial, too: neither side is ours */
    bool late;                    /* as the judge is told */
    const volatile int *memory_gone; /* as the judge is told */
    struct vblk_memory *mem;
};

struct driver_run; /* opaque */

/* NULL: no memory. */
struct driver_run *driver_run_new(const struct driver_run_options *options);
void driver_run_free(struct driver_run *run);
/* The event sink, a vblk_observe_fn; @run is a struct driver_run *. */
void driver_run_observe(void *run, const struct vblk_event *ev);
/* A case begins: @what says who came. */
void driver_run_begin(struct driver_run *run, const char *name, const char *what);
/* It ends: what is owed by now is judged, while the driver's memory is still there. @reason "" unless it ended badly. */
void driver_run_end(struct driver_run *run, enum report_result result, const char *reason);
/* Nothing more comes: a trace is complete. */
void driver_run_finish(struct driver_run *run);
/* The next violation of the driver in the present case that was not told yet; NULL: none. Valid until the case ends. */
const struct vblk_violation *driver_run_news(struct driver_run *run);
/* What was negotiated last, and all that was offered. */
uint64_t driver_run_negotiated(const struct driver_run *run);
/* The report on all cases that have ended; may be asked for again later. */
const struct report *driver_run_report(struct driver_run *run);

#endif /* CONFORMANCE_DRIVER_RUN_H */
