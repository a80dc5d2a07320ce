/* SPDX-License-Identifier: BSD-3-Clause */
/* Split rings in place: host addresses of their areas, found again whenever the memory's epoch changes. */
#ifndef ORACLE_SIGHT_H
#define ORACLE_SIGHT_H

#include "judge.h"
#include "region.h"

static inline bool queue_in_sight(const struct vblk_oracle *o, struct queue *q)
{
    return likely(q->epoch == o->mem->epoch) ? q->desc_bytes != NULL : queue_find(o, q);
}

#endif /* ORACLE_SIGHT_H */
