/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection to QEMU's qtest server: a command is a line, its answer is a line. */
#ifndef VBLK_QTEST_WIRE_H
#define VBLK_QTEST_WIRE_H

#include <vblk/base.h>

#define QTEST_LINE_MAX 256u

struct qtest_wire {
    char path[108];
    unsigned timeout_ms;
    int sock; /* -1: lost */
    char in[QTEST_LINE_MAX];
    size_t have; /* bytes of in */
    char why[256];
};

/* Connect, for at most ms milliseconds; with ms 0 there is one attempt. VBLK_E_IO: can't. */
vblk_err qtest_connect(struct qtest_wire *w, unsigned ms);
void qtest_hang_up(struct qtest_wire *w);
/*
 * Read or write width (1, 2 or 4) bytes at a guest address. VBLK_E_GONE or VBLK_E_TIMEOUT: the connection is lost,
 * w->why says how.
 */
vblk_err qtest_read(struct qtest_wire *w, uint64_t address, unsigned width, uint32_t *value);
vblk_err qtest_write(struct qtest_wire *w, uint64_t address, unsigned width, uint32_t value);

#endif /* VBLK_QTEST_WIRE_H */
