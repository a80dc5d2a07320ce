/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file fault.h
 * @brief Devices that misbehave on purpose, by name: what a hardened driver must survive.
 *
 * A fault is the reference device with members of its behaviour replaced:
 *
 *     struct vblk_fault *fault = vblk_fault_new("used-len-long:by=512,after=10", why, sizeof(why));
 *     options.behaviour = vblk_fault_behaviour(fault);
 */
#ifndef VBLK_FAULT_H
#define VBLK_FAULT_H

#include <vblk/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_fault; /**< opaque; may serve any number of devices */

/** What there is to know of a fault. */
struct vblk_fault_info {
    const char *name;    /**< as vblk_fault_new() takes it */
    const char *what;    /**< one sentence: what the device does */
    const char *options; /**< its own options with their defaults: "by=1", or "" */
    /** It takes after=N (lawful for the first N requests, 0), every=N (1) and times=N (0: for ever), too. */
    bool counted;
};

/** Describe fault @p i. @return false past the last. */
VBLK_API bool vblk_fault_at(size_t i, struct vblk_fault_info *out);
/**
 * Make the fault that a text names.
 * @param spec "NAME" or "NAME:option=value,option=value", numbers as in C
 * @param why if not NULL, receives a sentence when the answer is NULL
 * @param why_size bytes of @p why
 * @return the fault, to be freed after the devices that it serves; NULL: no such fault or option, or no memory.
 */
VBLK_API VBLK_NODISCARD struct vblk_fault *vblk_fault_new(const char *spec, char *why, size_t why_size);
/** Free @p fault. NULL is allowed. */
VBLK_API void vblk_fault_free(struct vblk_fault *fault);
/** What a device's options want; valid as long as the fault. Its name is @p spec. */
VBLK_API const struct vblk_behaviour *vblk_fault_behaviour(const struct vblk_fault *fault);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_FAULT_H */
