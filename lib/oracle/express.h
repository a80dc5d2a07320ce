/* SPDX-License-Identifier: BSD-3-Clause */
/* The short way of accesses that are as usual: see express.c. */
#ifndef ORACLE_EXPRESS_H
#define ORACLE_EXPRESS_H

#include "region.h"

struct vblk_oracle;

/* By kind and party: @return false if the access is not as usual; nothing was done then. */
extern const vblk_quick_fn express_lanes[VBLK_QUICK];
/* After an event that took the long way: which queue, if any, may be looked at by the short one from now on. */
void express_look(struct vblk_oracle *o);

#endif /* ORACLE_EXPRESS_H */
