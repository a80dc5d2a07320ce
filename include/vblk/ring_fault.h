/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ring_fault.h
 * @brief Rings that are wrong on purpose: one side of a virtqueue with a function of its table replaced.
 *
 * Given to a device (struct vblk_behaviour) or a driver (struct vblk_driver_behaviour), a ring fault makes that side
 * of every queue misbehave, and nothing else.
 */
#ifndef VBLK_RING_FAULT_H
#define VBLK_RING_FAULT_H

#include <vblk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_ring_fault; /**< opaque; static */

/** Ring fault @p i of all, or NULL past the last. */
VBLK_API const struct vblk_ring_fault *vblk_ring_fault_at(size_t i);
/** @return the ring fault called @p name, or NULL. */
VBLK_API const struct vblk_ring_fault *vblk_ring_fault_find(const char *name);
/** Its name, and one sentence that says what it does. */
VBLK_API const char *vblk_ring_fault_name(const struct vblk_ring_fault *fault);
VBLK_API const char *vblk_ring_fault_what(const struct vblk_ring_fault *fault);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_RING_FAULT_H */
