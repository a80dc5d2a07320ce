/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port in front of a target's port that keeps time: once the case's time is up every call fails with
 * VBLK_E_TIMEOUT, so that no script can outlast it however many answers stay away.
 */
#ifndef CONFORMANCE_RUNNER_GUARD_H
#define CONFORMANCE_RUNNER_GUARD_H

#include <signal.h>

#include <vblk/port.h>

struct runner_guard {
    struct vblk_port port; /* first: ops get a pointer to it */
    struct vblk_port *inner;
    const volatile sig_atomic_t *stop;
    uint64_t deadline;                      /* nanoseconds of the monotonic clock */
    bool expired;                           /* a call came too late */
    bool cut;                               /* the latest wait was shortened by the case's deadline */
    bool stopped;                           /* the user ended the run */
    bool gone;                              /* the device went away */
    uint64_t offered, negotiated, accepted; /* features seen; accepted: last written */
    vblk_observe_fn observe;                /* receives all events */
    void *observe_ctx;
};

void runner_guard_arm(struct runner_guard *guard, struct vblk_port *inner, unsigned ms);
void runner_guard_disarm(struct runner_guard *guard);

#endif /* CONFORMANCE_RUNNER_GUARD_H */
