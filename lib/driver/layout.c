/* SPDX-License-Identifier: BSD-3-Clause */
#include "layout.h"
#include "bytes.h"

#define CHUNK 4096u

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t segment_bytes(const struct vblk_step_request *req)
{
    return req->segments ? (uint64_t)req->segment_count * sizeof(struct vblk_segment) : 0;
}

uint64_t layout_writable_segments(const struct vblk_step_request *req)
{
    return req->segments_writable ? segment_bytes(req) : 0;
}

/* Set the frames of a part: those given, or one for each piece that is not empty. */
static vblk_err cut(struct part *part, const uint32_t *frames, uint16_t count, const uint64_t pieces[3], uint64_t gap)
{
    *part = (struct part){ .gap = gap };
    if ((pieces[0] | pieces[1] | pieces[2]) > UINT32_MAX || count > VBLK_FRAMES_MAX)
        return VBLK_E_INVAL;
    part->total = pieces[0] + pieces[1] + pieces[2];
    if (part->total > UINT32_MAX)
        return VBLK_E_INVAL;
    if (frames && count) {
        part->frames = frames;
        part->count = count;
        return VBLK_OK;
    }
    for (size_t i = 0; i < 3; i++)
        if (pieces[i])
            part->natural[part->count++] = (uint32_t)pieces[i];
    return VBLK_OK;
}

vblk_err layout_parts(const struct vblk_step_request *req, struct part *readable, struct part *writable)
{
    const uint64_t segments = segment_bytes(req);
    const uint64_t data = req->segments ? (req->segments_writable ? 0 : segments) : req->out.length;
    const uint64_t out[3] = { req->header_length, data, 0 };
    const uint64_t in[3] = { layout_writable_segments(req), req->in_length, req->no_status ? 0 : 1 };

    if (cut(readable, req->readable_frames, req->readable_frame_count, out, req->gap) ||
        cut(writable, req->writable_frames, req->writable_frame_count, in, req->gap) || req->gap > UINT32_MAX ||
        readable->count + writable->count == 0)
        return VBLK_E_INVAL;
    return VBLK_OK;
}

uint64_t layout_span(const struct part *part)
{
    return part->total + part->gap * part->count;
}

static uint32_t frame_len(const struct part *part, const struct frame *frame)
{
    const uint64_t left = part->total - frame->offset;
    const uint32_t given = part->frames ? part->frames[frame->index] : part->natural[frame->index];

    return (uint32_t)(frame->index + 1u == part->count ? left : min64(given, left));
}

bool layout_first(const struct part *part, struct frame *frame)
{
    *frame = (struct frame){ .gpa = part->base };
    if (!part->count)
        return false;
    frame->len = frame_len(part, frame);
    return true;
}

bool layout_next(const struct part *part, struct frame *frame)
{
    if (frame->index + 1u >= part->count)
        return false;
    frame->index++;
    frame->gpa += frame->len + part->gap;
    frame->offset += frame->len;
    frame->len = frame_len(part, frame);
    return true;
}

uint64_t layout_address(const struct part *part, uint64_t offset)
{
    struct frame frame;

    if (offset >= UINT64_MAX / 2 || !layout_first(part, &frame))
        return part->base + offset;
    while (offset - frame.offset >= frame.len)
        if (!layout_next(part, &frame))
            break;
    return frame.gpa + (offset - frame.offset);
}

static void header_bytes(const struct vblk_step_request *req, uint64_t offset, uint8_t *buf, size_t len)
{
    const struct vblk_request_header header = { vblk_put32(req->type), vblk_put32(req->reserved),
                                                vblk_put64(req->sector) };
    const struct vblk_bytes raw = { .given = (const uint8_t *)&header, .length = sizeof(header) };

    bytes_copy(&raw, offset, buf, len);
}

void layout_readable(const struct vblk_step_request *req, uint64_t offset, void *buf, size_t len)
{
    const struct vblk_bytes segments = { .given = (const uint8_t *)req->segments, .length = segment_bytes(req) };
    size_t head = 0;

    if (offset < req->header_length) {
        head = (size_t)min64(req->header_length - offset, len);
        header_bytes(req, offset, buf, head);
    }
    if (head < len)
        bytes_copy(req->segments ? &segments : &req->out, offset + head - req->header_length, (uint8_t *)buf + head,
                   len - head);
}

vblk_err layout_store(struct vblk_memory *mem, enum vblk_party party, const struct part *part, uint64_t offset,
                      uint64_t len, layout_source source, const void *ctx)
{
    const uint64_t end = offset + len;
    struct frame frame;
    uint8_t buf[CHUNK];

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame)) {
        uint64_t at = frame.offset < offset ? offset : frame.offset;
        const uint64_t stop = min64(frame.offset + frame.len, end);

        while (at < stop) {
            const size_t n = (size_t)min64(stop - at, CHUNK);
            vblk_err err;

            source(ctx, at - offset, buf, n);
            err = vblk_memory_write(mem, party, frame.gpa + (at - frame.offset), buf, n);
            if (err)
                return err;
            at += n;
        }
    }
    return VBLK_OK;
}

vblk_err layout_peek(const struct vblk_memory *mem, const struct part *part, uint64_t offset, void *buf, size_t len)
{
    const uint64_t end = offset + len;
    struct frame frame;

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame)) {
        const uint64_t at = frame.offset < offset ? offset : frame.offset;
        const uint64_t stop = min64(frame.offset + frame.len, end);
        vblk_err err;

        if (at >= stop)
            continue;
        err =
            vblk_memory_peek(mem, frame.gpa + (at - frame.offset), (uint8_t *)buf + (at - offset), (size_t)(stop - at));
        if (err)
            return err;
    }
    return VBLK_OK;
}
