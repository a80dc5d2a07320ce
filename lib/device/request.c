/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Framing (2.6.4, 5.2.6). The readable bytes of a chain are the header and then data; the writable ones are data and
 * then the status byte, however they are cut into buffers. Every byte is fetched at most once.
 */
#include <string.h>

#include "blk.h"

/* The readable or the writable part of a request. */
struct part {
    const struct vblk_element *bufs;
    uint64_t bytes;
    struct cursor *at; /* where the last copy ended */
};

static inline struct part readable(struct vblk_request *req)
{
    return (struct part){ req->chain.bufs, req->chain.readable_bytes, &req->done.out };
}

static inline struct part writable(const struct vblk_request *req, struct cursor *at)
{
    return (struct part){ req->chain.bufs + req->chain.readable, req->chain.writable_bytes, at };
}

/* Move to the buffer that byte @p offset lies in; the part must have such a byte. */
static inline void seek(const struct part *part, uint64_t offset)
{
    struct cursor at = *part->at;

    if (offset < at.base)
        at = (struct cursor){ 0, 0 };
    while (offset - at.base >= part->bufs[at.i].len) {
        at.base += part->bufs[at.i].len;
        at.i++;
    }
    *part->at = at;
}

/* The first stretch of [offset, offset + *len) that lies in one buffer: its address, and in *len its length. */
static inline uint64_t stretch(const struct part *part, uint64_t offset, uint32_t *len)
{
    const struct vblk_element *buf;
    uint64_t into;

    seek(part, offset);
    buf = &part->bufs[part->at->i];
    into = offset - part->at->base;
    if (*len > buf->len - into)
        *len = (uint32_t)(buf->len - into);
    return buf->gpa + into;
}

static bool covers(const struct part *part, uint64_t offset, uint32_t len)
{
    return offset <= part->bytes && len <= part->bytes - offset;
}

static vblk_err fetch(struct vblk_device *device, struct vblk_request *req, uint64_t offset, void *buf, uint32_t len)
{
    const struct part part = readable(req);
    uint8_t *to = buf;

    if (!covers(&part, offset, len))
        return VBLK_E_RANGE;
    while (len) {
        uint32_t here = len;
        uint64_t gpa = stretch(&part, offset, &here);
        vblk_err err = vblk_memory_read(device->mem, VBLK_DEVICE, gpa, to, here);

        if (err)
            return err;
        to += here;
        offset += here;
        len -= here;
    }
    return VBLK_OK;
}

bool blk_no_header(struct vblk_request *req)
{
    memset(&req->header, 0, sizeof req->header);
    return false;
}

bool blk_fetch_header(struct vblk_device *device, struct vblk_request *req)
{
    return !fetch(device, req, 0, &req->header, sizeof req->header) || blk_no_header(req);
}

vblk_err vblk_request_get(struct vblk_device *device, struct vblk_request *req, uint64_t offset, void *buf,
                          uint32_t len)
{
    if (offset > UINT32_MAX)
        return VBLK_E_RANGE;
    return fetch(device, req, sizeof(struct vblk_request_header) + offset, buf, len);
}

vblk_err vblk_request_put(struct vblk_device *device, struct vblk_request *req, uint64_t offset, const void *buf,
                          uint32_t len)
{
    const struct part part = writable(req, &req->done.in);
    const uint8_t *from = buf;

    if (!covers(&part, offset, len))
        return VBLK_E_RANGE;
    while (len) {
        uint32_t here = len;
        uint64_t gpa = stretch(&part, offset, &here);
        vblk_err err = vblk_memory_write(device->mem, VBLK_DEVICE, gpa, from, here);

        if (err)
            return err;
        req->done.wrote = true;
        if (offset <= req->done.written && offset + here > req->done.written)
            req->done.written = offset + here;
        from += here;
        offset += here;
        len -= here;
    }
    return VBLK_OK;
}

uint64_t vblk_request_address(const struct vblk_request *req, uint64_t offset, bool *ok)
{
    struct cursor at = req->done.in;
    const struct part part = writable(req, &at);

    *ok = covers(&part, offset, 1);
    if (!*ok)
        return 0;
    seek(&part, offset);
    return part.bufs[at.i].gpa + (offset - at.base);
}

uint32_t vblk_request_type(const struct vblk_request *req)
{
    return vblk_get32(req->header.type);
}

uint64_t vblk_request_sector(const struct vblk_request *req)
{
    return vblk_get64(req->header.sector);
}

void vblk_request_set_sector(struct vblk_request *req, uint64_t sector)
{
    req->header.sector = vblk_put64(sector);
}

uint16_t vblk_request_queue(const struct vblk_request *req)
{
    return req->queue;
}

uint32_t vblk_request_elements(const struct vblk_request *req, bool in)
{
    return in ? req->chain.n - req->chain.readable : req->chain.readable;
}

uint64_t vblk_request_out_len(const struct vblk_request *req)
{
    const uint64_t bytes = req->chain.readable_bytes;

    return bytes < sizeof(struct vblk_request_header) ? 0 : bytes - sizeof(struct vblk_request_header);
}

uint64_t vblk_request_in_len(const struct vblk_request *req)
{
    return req->chain.writable_bytes ? req->chain.writable_bytes - 1 : 0;
}

uint32_t vblk_request_segments(const struct vblk_request *req)
{
    return req->done.segments;
}

uint32_t vblk_request_segment_flags(const struct vblk_request *req)
{
    return req->done.segment_flags;
}
