/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of rings that are wrong on purpose; each ends with a NULL name. */
#ifndef VBLK_RING_FAULT_TABLES_H
#define VBLK_RING_FAULT_TABLES_H

#include "ring.h"

extern const struct vblk_ring_fault ring_faults_device[];
extern const struct vblk_ring_fault ring_faults_driver[];
extern const struct vblk_ring_fault ring_faults_event[];
extern const struct vblk_ring_fault ring_faults_places[];
extern const struct vblk_ring_fault ring_faults_room[];
extern const struct vblk_ring_fault ring_faults_order[];

#endif /* VBLK_RING_FAULT_TABLES_H */
