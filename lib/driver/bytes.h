/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes that a script describes, and little-endian values of up to eight of them. */
#ifndef VBLK_DRIVER_BYTES_H
#define VBLK_DRIVER_BYTES_H

#include <vblk/script.h>

/* Copy [offset, offset + len) of what @bytes describes; zeroes past its end. */
void bytes_copy(const struct vblk_bytes *bytes, uint64_t offset, void *buf, size_t len);
/* The first eight bytes at most, as a little-endian number. */
uint64_t bytes_number(const void *buf, size_t len);

#endif
