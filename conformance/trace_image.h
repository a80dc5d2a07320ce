/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trace shows of the guest's memory: bytes that were seen, and nothing where none were. */
#ifndef CONFORMANCE_TRACE_IMAGE_H
#define CONFORMANCE_TRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_image; /* opaque; never more than 128 MiB */

struct trace_image *trace_image_new(void);
void trace_image_free(struct trace_image *image);
/* Nothing is known any more. */
void trace_image_forget(struct trace_image *image);
/* false: there is no room for more pages. */
bool trace_image_put(struct trace_image *image, uint64_t at, const uint8_t *bytes, uint64_t len);
/* These bytes have changed to something that was not seen. */
void trace_image_drop(struct trace_image *image, uint64_t at, uint64_t len);
/* false: not all of them were seen, or they lie nowhere. */
bool trace_image_get(const struct trace_image *image, uint64_t at, void *bytes, uint64_t len);

#endif /* CONFORMANCE_TRACE_IMAGE_H */
