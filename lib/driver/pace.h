/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting within a bound, without a clock: a wait of the port that ran out counts in full; one that was ended by a
 * notification that brought nothing counts for an eighth, so that neither a silent device nor one that
 * notifies without end can hold us for more than eight times the limit.
 */
#ifndef VBLK_DRIVER_PACE_H
#define VBLK_DRIVER_PACE_H

#include <vblk/port.h>

struct pace {
    uint64_t left_us;
    unsigned slice_ms;
};

struct pace pace_start(unsigned ms);
/* Wait a little. VBLK_OK: look again; VBLK_E_TIMEOUT: the time is up; else what the port said. */
vblk_err pace_wait(struct pace *pace, struct vblk_port *port, uint16_t queue);

#endif
