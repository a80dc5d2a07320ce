/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device's configuration tells a driver: capacity and limits, read under one generation (2.5). */
#ifndef VBLK_DRIVER_CONFIG_H
#define VBLK_DRIVER_CONFIG_H

#include <vblk/port.h>
#include <vblk/spec.h>

enum limit {
    LIMIT_CAPACITY,
    LIMIT_SIZE_MAX,
    LIMIT_SEG_MAX,
    LIMIT_NUM_QUEUES,
    LIMIT_DISCARD_SECTORS,
    LIMIT_DISCARD_SEG,
    LIMIT_DISCARD_ALIGNMENT,
    LIMIT_WRITE_ZEROES_SECTORS,
    LIMIT_WRITE_ZEROES_SEG,
    LIMIT_WRITE_ZEROES_MAY_UNMAP,
    LIMIT_SECURE_ERASE_SECTORS,
    LIMIT_SECURE_ERASE_SEG,
    LIMIT_SECURE_ERASE_ALIGNMENT,
    LIMIT_PROVISION_SECTORS,
    LIMIT_PROVISION_SEG,
    LIMIT_COUNT
};

struct limits {
    uint64_t value[LIMIT_COUNT]; /* 0 where the field is not there */
    bool present[LIMIT_COUNT];   /* its feature is offered and the configuration is long enough */
};

/* Read all fields that @offered makes valid. VBLK_E_STATE: the generation does not come to rest. */
vblk_err config_limits(struct vblk_port *port, const struct vblk_profile *profile, uint64_t offered,
                       struct limits *limits);
/* The field's name in the text. */
const char *config_limit_name(enum limit limit);

#endif
