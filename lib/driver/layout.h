/* SPDX-License-Identifier: BSD-3-Clause */
/* How a scripted request is cut into descriptors and where its bytes lie. */
#ifndef VBLK_DRIVER_LAYOUT_H
#define VBLK_DRIVER_LAYOUT_H

#include <vblk/script.h>

/* The readable or the writable part of a request: @count frames, one after the other with @gap between them. */
struct part {
    uint64_t base;
    uint64_t total;
    uint64_t gap;
    const uint32_t *frames; /* [count], or NULL: natural */
    uint32_t natural[3];
    uint16_t count;
};

struct frame {
    uint64_t gpa;
    uint64_t offset; /* in the part */
    uint32_t len;
    uint16_t index;
};

/* The parts of @req with base 0. VBLK_E_INVAL: too long for descriptors, too many of them, or none at all. */
vblk_err layout_parts(const struct vblk_step_request *req, struct part *readable, struct part *writable);
/* Bytes of memory that a part takes, its gaps included. */
uint64_t layout_span(const struct part *part);

bool layout_first(const struct part *part, struct frame *frame);
bool layout_next(const struct part *part, struct frame *frame);
/* Guest address of byte @offset; past the end it counts on from there, before the start (2^64 - n) back from it. */
uint64_t layout_address(const struct part *part, uint64_t offset);

/* Bytes [offset, offset + len) of a readable part: header, then segments or data. */
void layout_readable(const struct vblk_step_request *req, uint64_t offset, void *buf, size_t len);
/* Bytes of segments before the data of the writable part, and whether a status byte ends it. */
uint64_t layout_writable_segments(const struct vblk_step_request *req);

/* Makes len bytes from offset on. */
typedef void (*layout_source)(const void *ctx, uint64_t offset, void *buf, size_t len);
/* Store bytes [offset, offset + len) of a part, frame by frame. The source counts from @offset. */
vblk_err layout_store(struct vblk_memory *mem, enum vblk_party party, const struct part *part, uint64_t offset,
                      uint64_t len, layout_source source, const void *ctx);
/* Copy bytes out of a part, unobserved. */
vblk_err layout_peek(const struct vblk_memory *mem, const struct part *part, uint64_t offset, void *buf, size_t len);

#endif
