/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trace shows of one life of the device besides its requests: how it was set up, and what was agreed on. */
#ifndef CONFORMANCE_TRACE_LIFE_H
#define CONFORMANCE_TRACE_LIFE_H

#include <vblk/clause.h>

#include "trace_case.h"
#include "trace_fields.h"

struct trace_life {
    struct trace_fields head, of_case;
    struct vblk_profile profile;
    const struct vblk_clause *clause; /* of the file; NULL: not known yet */
    struct trace_case now;
    size_t no; /* from 1 */
    uint64_t offered, accepted, queue_max;
    uint16_t sizes[TRACE_RINGS_MAX]; /* of the queues that were enabled in this life */
    uint8_t config[VBLK_CONFIG_MAX]; /* as it was shown first */
    bool known[VBLK_CONFIG_MAX];
};

/* The case without its steps; NULL: no memory, or a text that is not UTF-8. */
json_t *trace_life_case(struct trace_life *life);

#endif /* CONFORMANCE_TRACE_LIFE_H */
