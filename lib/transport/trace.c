/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of a trace: little-endian, nothing padded, nothing trusted. The layouts are in docs/trace-format.md. */
#include <vblk/trace.h>

#include <string.h>

#define EVENT_BYTES 32u
#define GONE_AT 12u
#define GLANCE_BYTES 24u
#define FIELD_BYTES 4u
/* In the flags of an event: its bytes follow. */
#define HAS_BYTES 0x80u

/* ---- writing ---- */

static void put(struct vblk_trace_out *out, const void *bytes, size_t len)
{
    if (out->full || len > out->room - out->size) {
        out->full = true;
        return;
    }
    if (len != 0)
        memcpy(out->bytes + out->size, bytes, len);
    out->size += len;
}

static void put_le(struct vblk_trace_out *out, uint64_t value, size_t width)
{
    uint8_t wire[8];

    for (size_t i = 0; i < width; i++)
        wire[i] = (uint8_t)(value >> 8 * i);
    put(out, wire, width);
}

void vblk_trace_put_event(struct vblk_trace_out *out, const struct vblk_event *ev)
{
    put_le(out, ev->kind, 1);
    put_le(out, ev->party, 1);
    put_le(out, ev->order, 1);
    put_le(out, ev->flags | (ev->bytes != NULL ? HAS_BYTES : 0), 1);
    put_le(out, ev->queue, 2);
    put_le(out, ev->reg, 2);
    put_le(out, ev->len, 4);
    put_le(out, 0, 4);
    put_le(out, ev->at, 8);
    put_le(out, ev->value, 8);
    if (ev->bytes != NULL)
        put(out, ev->bytes, ev->len);
}

void vblk_trace_set_gone(struct vblk_trace_out *out, uint32_t gone)
{
    for (size_t i = 0; i < 4 && out->size >= EVENT_BYTES; i++)
        out->bytes[GONE_AT + i] = (uint8_t)(gone >> 8 * i);
}

void vblk_trace_put_glance(struct vblk_trace_out *out, const struct vblk_glance *glance, uint32_t ask)
{
    const uint64_t *run = glance->bytes;

    put_le(out, glance->kind, 1);
    put_le(out, glance->yes, 1);
    put_le(out, 0, 2);
    put_le(out, ask, 4);
    put_le(out, glance->at, 8);
    put_le(out, glance->len, 8);
    if (glance->yes && glance->kind == VBLK_GLANCE_PEEK) {
        put(out, glance->bytes, (size_t)glance->len);
    } else if (glance->yes && glance->kind == VBLK_GLANCE_DIFF) {
        put_le(out, run[0], 8);
        put_le(out, run[1], 8);
    }
}

void vblk_trace_put_number(struct vblk_trace_out *out, enum vblk_trace_tag tag, uint64_t value)
{
    put_le(out, tag, 1);
    put_le(out, 0, 1);
    put_le(out, 8, 2);
    put_le(out, value, 8);
}

void vblk_trace_put_text(struct vblk_trace_out *out, enum vblk_trace_tag tag, const char *text)
{
    size_t len = strlen(text);

    len = len < UINT16_MAX ? len : UINT16_MAX;
    put_le(out, tag, 1);
    put_le(out, 0, 1);
    put_le(out, len, 2);
    put(out, text, len);
}

/* ---- reading ---- */

/* The next @len bytes, or NULL. */
static const uint8_t *take(struct vblk_trace_in *in, uint64_t len)
{
    const uint8_t *at = in->bytes + in->at;

    if (len > in->size - in->at)
        return NULL;
    in->at += (size_t)len;
    return at;
}

static uint64_t le(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* Kinds whose bytes the judge reads by their length; the others have none. */
static bool bytes_fit(const struct vblk_event *ev, bool has)
{
    switch (ev->kind) {
    case VBLK_EV_STORE: /* one that fills has none */
        return !has || !(ev->flags & VBLK_EV_FAULTED);
    case VBLK_EV_LOAD:
        return has == !(ev->flags & VBLK_EV_FAULTED);
    case VBLK_EV_CONFIG_READ:
    case VBLK_EV_CONFIG_WRITE:
    case VBLK_EV_GONE:
    case VBLK_EV_CASE_BEGIN:
    case VBLK_EV_CASE_END:
        return has || ev->len == 0;
    default:
        return !has;
    }
}

static bool is_event(const struct vblk_event *ev)
{
    return ev->kind > VBLK_EV_NONE && ev->kind < VBLK_EV_COUNT && ev->party <= VBLK_NOBODY && ev->order <= VBLK_FULL &&
           (ev->flags & ~(VBLK_EV_EMULATED | VBLK_EV_FAULTED)) == 0 && ev->reg < VBLK_REG_COUNT;
}

vblk_err vblk_trace_get_event(struct vblk_trace_in *in, struct vblk_event *ev, uint32_t *gone)
{
    const uint8_t *at = take(in, EVENT_BYTES);
    bool has;

    if (at == NULL)
        return VBLK_E_INVAL;
    has = at[3] & HAS_BYTES;
    *ev = (struct vblk_event){
        .kind = at[0],
        .party = at[1],
        .order = at[2],
        .flags = (uint8_t)(at[3] & ~HAS_BYTES),
        .queue = (uint16_t)le(at + 4, 2),
        .reg = (uint16_t)le(at + 6, 2),
        .len = (uint32_t)le(at + 8, 4),
        .at = le(at + 16, 8),
        .value = le(at + 24, 8),
    };
    *gone = (uint32_t)le(at + GONE_AT, 4);
    if (!is_event(ev) || !bytes_fit(ev, has))
        return VBLK_E_INVAL;
    if (has && (ev->bytes = take(in, ev->len)) == NULL)
        return VBLK_E_INVAL;
    return VBLK_OK;
}

vblk_err vblk_trace_get_glance(struct vblk_trace_in *in, struct vblk_glance *glance, uint32_t *ask, uint64_t run[2])
{
    const uint8_t *at = in->at < in->size ? take(in, GLANCE_BYTES) : NULL, *bytes = NULL;

    if (in->at == in->size && at == NULL)
        return VBLK_E_EMPTY;
    if (at == NULL || at[0] < VBLK_GLANCE_COVERS || at[0] > VBLK_GLANCE_DIFF || at[1] > 1 || le(at + 2, 2) != 0)
        return VBLK_E_INVAL;
    *glance = (struct vblk_glance){ .kind = at[0], .yes = at[1], .at = le(at + 8, 8), .len = le(at + 16, 8) };
    *ask = (uint32_t)le(at + 4, 4);
    if (!glance->yes || glance->kind == VBLK_GLANCE_COVERS)
        return VBLK_OK;
    bytes = take(in, glance->kind == VBLK_GLANCE_PEEK ? glance->len : 16);
    if (bytes == NULL)
        return VBLK_E_INVAL;
    glance->bytes = (void *)(uintptr_t)bytes;
    if (glance->kind == VBLK_GLANCE_DIFF) {
        run[0] = le(bytes, 8);
        run[1] = le(bytes + 8, 8);
        glance->bytes = run;
    }
    return VBLK_OK;
}

vblk_err vblk_trace_get_field(struct vblk_trace_in *in, struct vblk_trace_field *field)
{
    const uint8_t *at, *text;

    if (in->at == in->size)
        return VBLK_E_EMPTY;
    at = take(in, FIELD_BYTES);
    if (at == NULL || at[1] != 0 || (text = take(in, le(at + 2, 2))) == NULL)
        return VBLK_E_INVAL;
    *field = (struct vblk_trace_field){ .tag = at[0], .len = (uint16_t)le(at + 2, 2), .text = (const char *)text };
    if (field->len == 8)
        field->number = le(text, 8);
    return VBLK_OK;
}
