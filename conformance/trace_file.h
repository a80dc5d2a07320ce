/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The container of traces: libpcap's format, link type USER0. A record longer than a packet may be goes on in the next
 * one; here it is whole.
 */
#ifndef CONFORMANCE_TRACE_FILE_H
#define CONFORMANCE_TRACE_FILE_H

#include <vblk/trace.h>

struct trace_writer;
/* @times: the wall clock's, else zero. NULL with a sentence in @why. */
struct trace_writer *trace_create(const char *path, bool times, char *why, size_t why_size);
void trace_put(struct trace_writer *writer, enum vblk_trace_kind kind, const uint8_t *bytes, size_t size);
/* false with a sentence: it could not be written to the end. NULL is allowed. */
bool trace_finish(struct trace_writer *writer, char *why, size_t why_size);

struct trace_reader;
struct trace_record {
    enum vblk_trace_kind kind;
    const uint8_t *bytes; /* valid until the next one is read */
    size_t size;
    uint64_t packet; /* its first one's number, from 1, as Wireshark counts */
};
struct trace_reader *trace_open(const char *path, char *why, size_t why_size);
/* 1: a record, 0: the end of the file, -1: a sentence in @why. */
int trace_next(struct trace_reader *reader, struct trace_record *record, char *why, size_t why_size);
void trace_close(struct trace_reader *reader);

#endif /* CONFORMANCE_TRACE_FILE_H */
