/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Framing (2.6.4, 5.2.6). The readable bytes of a chain are the header and then data; the writable ones are data and
 * then the status byte, however they are cut into buffers. Every byte is fetched at most once.
 */
#include <string.h>

#include "blk.h"

/* Move to the buffer that byte @p offset lies in; the part must have such a byte. */
static inline void seek(struct part *part, uint64_t offset)
{
    if (offset < part->at.base)
        part->at = (struct cursor){ 0, 0 };
    while (offset - part->at.base >= part->bufs[part->at.i].len) {
        part->at.base += part->bufs[part->at.i].len;
        part->at.i++;
    }
}

/* The first stretch of [offset, offset + *len) that lies in one buffer: its address, and in *len its length. */
static inline uint64_t stretch(struct part *part, uint64_t offset, uint32_t *len)
{
    const struct vblk_element *buf;
    uint64_t into;

    seek(part, offset);
    buf = &part->bufs[part->at.i];
    into = offset - part->at.base;
    if (*len > buf->len - into)
        *len = (uint32_t)(buf->len - into);
    return buf->gpa + into;
}

static bool covers(const struct part *part, uint64_t offset, uint32_t len)
{
    return offset <= part->bytes && len <= part->bytes - offset;
}

static vblk_err fetch(struct vblk_device *device, struct part *part, uint64_t offset, void *buf, uint32_t len)
{
    uint8_t *to = buf;

    if (!covers(part, offset, len))
        return VBLK_E_RANGE;
    while (len) {
        uint32_t here = len;
        uint64_t gpa = stretch(part, offset, &here);
        vblk_err err = vblk_memory_read(device->mem, VBLK_DEVICE, gpa, to, here);

        if (err)
            return err;
        to += here;
        offset += here;
        len -= here;
    }
    return VBLK_OK;
}

bool blk_fetch_header(struct vblk_device *device, struct vblk_request *req, struct vblk_request_header *header)
{
    return fetch(device, &req->out, 0, header, sizeof *header) == VBLK_OK;
}

vblk_err vblk_request_get(struct vblk_device *device, struct vblk_request *req, uint64_t offset, void *buf,
                          uint32_t len)
{
    if (offset > UINT32_MAX)
        return VBLK_E_RANGE;
    return fetch(device, &req->out, sizeof(struct vblk_request_header) + offset, buf, len);
}

vblk_err vblk_request_put(struct vblk_device *device, struct vblk_request *req, uint64_t offset, const void *buf,
                          uint32_t len)
{
    const uint8_t *from = buf;

    if (!covers(&req->in, offset, len))
        return VBLK_E_RANGE;
    while (len) {
        uint32_t here = len;
        uint64_t gpa = stretch(&req->in, offset, &here);
        vblk_err err = vblk_memory_write(device->mem, VBLK_DEVICE, gpa, from, here);

        if (err)
            return err;
        req->wrote = true;
        if (offset <= req->written && offset + here > req->written)
            req->written = offset + here;
        from += here;
        offset += here;
        len -= here;
    }
    return VBLK_OK;
}

uint64_t vblk_request_address(const struct vblk_request *req, uint64_t offset, bool *ok)
{
    struct part part = req->in;

    *ok = covers(&part, offset, 1);
    if (!*ok)
        return 0;
    seek(&part, offset);
    return part.bufs[part.at.i].gpa + (offset - part.at.base);
}

uint32_t vblk_request_type(const struct vblk_request *req)
{
    return req->type;
}

uint64_t vblk_request_sector(const struct vblk_request *req)
{
    return req->sector;
}

void vblk_request_set_sector(struct vblk_request *req, uint64_t sector)
{
    req->sector = sector;
}

uint16_t vblk_request_queue(const struct vblk_request *req)
{
    return req->queue;
}

uint32_t vblk_request_elements(const struct vblk_request *req, bool writable)
{
    return writable ? req->in.n : req->out.n;
}

uint64_t vblk_request_out_len(const struct vblk_request *req)
{
    return req->out.bytes < sizeof(struct vblk_request_header) ? 0
                                                               : req->out.bytes - sizeof(struct vblk_request_header);
}

uint64_t vblk_request_in_len(const struct vblk_request *req)
{
    return req->in.bytes ? req->in.bytes - 1 : 0;
}

uint32_t vblk_request_segments(const struct vblk_request *req)
{
    return req->segments;
}

uint32_t vblk_request_segment_flags(const struct vblk_request *req)
{
    return req->segment_flags;
}
