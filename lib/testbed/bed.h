/* SPDX-License-Identifier: BSD-3-Clause */
/* What a testbed is made of. */
#ifndef TESTBED_BED_H
#define TESTBED_BED_H

#include <vblk/testbed.h>

struct vblk_testbed {
    struct vblk_testbed_options options;
    struct vblk_memory *mem;
    struct vblk_store *store;
    struct vblk_device *device;
    struct vblk_mmio_device *regs;
    struct vblk_oracle *oracle;
    bool finished;
};

/* What the judge was shown: both kinds of the device's accesses, and nothing of the driver's. */
#define TESTBED_SEES (VBLK_SEES_DEVICE_STORES | VBLK_SEES_DEVICE_LOADS)

#endif /* TESTBED_BED_H */
