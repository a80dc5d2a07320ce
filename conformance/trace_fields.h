/* SPDX-License-Identifier: BSD-3-Clause */
/* The fields of a record, as text that ends and numbers. */
#ifndef CONFORMANCE_TRACE_FIELDS_H
#define CONFORMANCE_TRACE_FIELDS_H

#include <vblk/trace.h>

#define TRACE_FIELDS_MAX 4096u

struct trace_fields {
    struct trace_value {
        uint8_t tag;
        uint64_t number;
        const char *text; /* in store */
    } field[TRACE_FIELDS_MAX];
    size_t count;
    char *store;
};

/* Copies what it keeps. A phrase if that is not a record of fields, else NULL. */
const char *trace_fields_read(struct trace_fields *fields, const uint8_t *bytes, size_t size);
void trace_fields_swap(struct trace_fields *a, struct trace_fields *b);
void trace_fields_free(struct trace_fields *fields);
/* Of the first field with the tag; "" and 0 if there is none. */
const char *trace_text(const struct trace_fields *fields, enum vblk_trace_tag tag);
uint64_t trace_number(const struct trace_fields *fields, enum vblk_trace_tag tag);

#endif /* CONFORMANCE_TRACE_FIELDS_H */
