/* SPDX-License-Identifier: BSD-3-Clause */
#include "pace.h"

#define SLICE_MAX_MS 32u

struct pace pace_start(unsigned ms)
{
    return (struct pace){ .left_us = (uint64_t)ms * 1000, .slice_ms = 1 };
}

vblk_err pace_wait(struct pace *pace, struct vblk_port *port, uint16_t queue)
{
    uint64_t cost_us;
    unsigned ms = pace->slice_ms;
    vblk_err err;

    if (!pace->left_us)
        return VBLK_E_TIMEOUT;
    if ((uint64_t)ms * 1000 > pace->left_us)
        ms = (unsigned)((pace->left_us + 999) / 1000);
    err = vblk_port_wait(port, queue, ms);
    if (err && err != VBLK_E_TIMEOUT)
        return err;
    cost_us = (uint64_t)ms * (err ? 1000 : 125);
    if (err && pace->slice_ms < SLICE_MAX_MS)
        pace->slice_ms *= 2;
    pace->left_us -= cost_us < pace->left_us ? cost_us : pace->left_us;
    return VBLK_OK;
}
