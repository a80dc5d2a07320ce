/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file builtin.h
 * @brief The reference device as a port, in this process: grade ACCESS, and every host action.
 *
 * A kick serves the queue before it returns, so nothing is ever waited for: vblk_port_wait() answers VBLK_E_TIMEOUT at
 * once unless a notification came since the last wait.
 */
#ifndef VBLK_BUILTIN_H
#define VBLK_BUILTIN_H

#include <vblk/device.h>
#include <vblk/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A reference device on a new sparse store of options->capacity sectors.
 *
 * Host actions, as enum vblk_host_action says, and: RESIZE fails with VBLK_E_INVAL past 2^55 - 1 sectors; POWER_CUT
 * takes the seed of vblk_store_power_cut() as a, and is reported as an event; POOL UINT64_MAX takes the limit away.
 * vblk_port_recover() undoes all host actions: configuration, failures, pool; the content of the disk stays.
 *
 * @param options copied; behaviour, if any, must outlive the port
 * @param mem the shared memory, not owned
 * @param why if not NULL, receives a static sentence when the answer is NULL
 * @return the port; NULL if the options contradict themselves or no memory is left.
 */
VBLK_API VBLK_NODISCARD struct vblk_port *vblk_builtin_new(const struct vblk_device_options *options,
                                                           struct vblk_memory *mem, const char **why);
/** The parts of a port made by vblk_builtin_new(), which owns them. */
VBLK_API struct vblk_device *vblk_builtin_device(struct vblk_port *port);
VBLK_API struct vblk_store *vblk_builtin_store(struct vblk_port *port);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_BUILTIN_H */
