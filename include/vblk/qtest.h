/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file qtest.h
 * @brief A virtio block device of a running QEMU without a guest, driven through QEMU's qtest socket.
 *
 * The registers are virtio-mmio (mmio.h), each access is one line each way on the socket. The RAM is a file that QEMU
 * shares: see vblk_memory_add_file(). When QEMU hangs up, sends garbage or does not answer in time, calls return
 * VBLK_E_GONE until vblk_port_recover() has connected again.
 */
#ifndef VBLK_QTEST_H
#define VBLK_QTEST_H

#include <vblk/mmio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** All zero is the default: the virtio-mmio slots of QEMU's machine microvm. */
struct vblk_qtest_options {
    unsigned timeout_ms;                /**< for each answer, milliseconds; 0: 5000 */
    unsigned connect_ms;                /**< how long vblk_qtest_open() keeps trying to connect; 0: one attempt */
    uint64_t base;                      /**< address of the first slot; 0: 0xfeb00000 */
    uint32_t stride;                    /**< bytes from slot to slot; 0: 512 */
    uint32_t slots;                     /**< how many to look at; 0: 32 */
    const struct vblk_profile *profile; /**< as in struct vblk_mmio_options */
};

/**
 * Connect to the qtest socket and find the first virtio block device of version 2.
 * @param socket path of a Unix socket
 * @param mem the RAM as the device addresses it; not owned
 * @param options NULL: default
 * @param out receives the port when the answer is VBLK_OK
 * @param why [why_size] receives a sentence unless the answer is VBLK_OK; may be NULL
 * @param why_size bytes of why
 * @return VBLK_OK; VBLK_E_INVAL: the path is empty or too long; VBLK_E_NOMEM; VBLK_E_IO: can't connect; VBLK_E_GONE:
 *         whoever listens hung up, sent garbage or did not answer; VBLK_E_UNSUPPORTED: no such device in any slot.
 */
VBLK_API VBLK_NODISCARD vblk_err vblk_qtest_open(const char *socket, struct vblk_memory *mem,
                                                 const struct vblk_qtest_options *options, struct vblk_port **out,
                                                 char *why, size_t why_size);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_QTEST_H */
