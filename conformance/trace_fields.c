/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_fields.h"

#include <stdlib.h>
#include <string.h>

const char *trace_fields_read(struct trace_fields *fields, const uint8_t *bytes, size_t size)
{
    struct vblk_trace_in in = { .bytes = bytes, .size = size };
    struct vblk_trace_field field;
    vblk_err err;
    char *to;

    trace_fields_free(fields);
    /* Each text gets a NUL where its head was at least as long. */
    to = fields->store = malloc(size + 1);
    if (!to)
        return "no memory left";
    while ((err = vblk_trace_get_field(&in, &field)) == VBLK_OK) {
        if (fields->count == TRACE_FIELDS_MAX)
            return "more fields than a record can have";
        fields->field[fields->count++] = (struct trace_value){ field.tag, field.number, to };
        memcpy(to, field.text, field.len);
        to[field.len] = '\0';
        to += field.len + 1;
    }
    return err == VBLK_E_EMPTY ? NULL : "the record is damaged";
}

void trace_fields_swap(struct trace_fields *a, struct trace_fields *b)
{
    struct trace_fields was = *a;

    *a = *b;
    *b = was;
}

void trace_fields_free(struct trace_fields *fields)
{
    free(fields->store);
    fields->store = NULL;
    fields->count = 0;
}

static const struct trace_value *find(const struct trace_fields *fields, enum vblk_trace_tag tag)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->field[i].tag == tag)
            return &fields->field[i];
    return NULL;
}

const char *trace_text(const struct trace_fields *fields, enum vblk_trace_tag tag)
{
    const struct trace_value *value = find(fields, tag);

    return value ? value->text : "";
}

uint64_t trace_number(const struct trace_fields *fields, enum vblk_trace_tag tag)
{
    const struct trace_value *value = find(fields, tag);

    return value ? value->number : 0;
}
