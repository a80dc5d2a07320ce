/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VBLK_VHOST_USER_MEM_H
#define VBLK_VHOST_USER_MEM_H

#include <stdint.h>

/*
 * "User addresses" only have to agree between the memory table and the ring addresses. Ours are guest addresses,
 * shifted: addresses outside memory carry over as they are, and nobody gets away with mixing up the two kinds.
 */
static inline uint64_t vu_user_address(uint64_t gpa)
{
    return gpa + (UINT64_C(1) << 44);
}

#endif /* VBLK_VHOST_USER_MEM_H */
