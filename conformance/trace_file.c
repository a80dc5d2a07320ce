/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE /* libpcap's header wants u_int and the like */
#include "trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <pcap/pcap.h>

#define HEAD VBLK_TRACE_PACKET_HEAD
#define BODY_MAX (VBLK_TRACE_PACKET_MAX - HEAD)

struct trace_writer {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    bool times;
    uint8_t packet[VBLK_TRACE_PACKET_MAX];
};

struct trace_writer *trace_create(const char *path, bool times, char *why, size_t why_size)
{
    struct trace_writer *writer = calloc(1, sizeof(*writer));

    (void)snprintf(why, why_size, "no memory left");
    if (!writer)
        return NULL;
    writer->times = times;
    writer->pcap = pcap_open_dead(DLT_USER0, (int)VBLK_TRACE_PACKET_MAX);
    writer->dumper = writer->pcap ? pcap_dump_open(writer->pcap, path) : NULL;
    if (writer->dumper)
        return writer;
    if (writer->pcap) {
        (void)snprintf(why, why_size, "%s", pcap_geterr(writer->pcap));
        pcap_close(writer->pcap);
    }
    free(writer);
    return NULL;
}

void trace_put(struct trace_writer *writer, enum vblk_trace_kind kind, const uint8_t *bytes, size_t size)
{
    struct pcap_pkthdr head = { .len = 0 };

    if (writer->times)
        (void)gettimeofday(&head.ts, NULL);
    do {
        const size_t piece = size < BODY_MAX ? size : BODY_MAX;

        writer->packet[0] = (uint8_t)kind;
        writer->packet[1] = size > piece;
        if (piece)
            memcpy(writer->packet + HEAD, bytes, piece);
        head.len = head.caplen = (bpf_u_int32)(HEAD + piece);
        pcap_dump((u_char *)writer->dumper, &head, writer->packet);
        bytes += piece;
        size -= piece;
    } while (size);
}

bool trace_finish(struct trace_writer *writer, char *why, size_t why_size)
{
    bool good;

    if (!writer)
        return true;
    good = pcap_dump_flush(writer->dumper) == 0 && !ferror(pcap_dump_file(writer->dumper));
    if (!good)
        (void)snprintf(why, why_size, "the trace could not be written to its end");
    pcap_dump_close(writer->dumper);
    pcap_close(writer->pcap);
    free(writer);
    return good;
}

struct trace_reader {
    pcap_t *pcap;
    uint8_t *record;
    size_t room;
    uint64_t packets;
};

struct trace_reader *trace_open(const char *path, char *why, size_t why_size)
{
    struct trace_reader *reader = calloc(1, sizeof(*reader));
    char error[PCAP_ERRBUF_SIZE] = "no memory left";

    if (reader)
        reader->pcap = pcap_open_offline(path, error);
    if (!reader || !reader->pcap) {
        (void)snprintf(why, why_size, "%.200s is not a trace: %.200s", path, error);
    } else if (pcap_datalink(reader->pcap) != DLT_USER0) {
        (void)snprintf(why, why_size, "%.200s is a capture of something else: its link type is %d, not %d", path,
                       pcap_datalink(reader->pcap), DLT_USER0);
    } else {
        return reader;
    }
    trace_close(reader);
    return NULL;
}

void trace_close(struct trace_reader *reader)
{
    if (!reader)
        return;
    if (reader->pcap)
        pcap_close(reader->pcap);
    free(reader->record);
    free(reader);
}

static bool grow(struct trace_reader *reader, size_t size)
{
    size_t room = reader->room ? reader->room : VBLK_TRACE_PACKET_MAX;
    uint8_t *longer;

    while (room < size)
        room *= 2;
    if (room == reader->room)
        return true;
    longer = realloc(reader->record, room);
    if (!longer)
        return false;
    reader->record = longer;
    reader->room = room;
    return true;
}

/* One packet more; its bytes go behind the @size that are there. A phrase if it is not as it should be. */
static const char *join(struct trace_reader *reader, struct trace_record *record, const struct pcap_pkthdr *head,
                        const u_char *packet, bool first)
{
    size_t piece;

    if (head->caplen < HEAD || head->caplen != head->len)
        return "is cut short";
    piece = head->caplen - HEAD;
    if (packet[0] == 0 || packet[0] >= VBLK_TRACE_KINDS || packet[1] > 1 || packet[2] || packet[3])
        return "is of no kind that this version knows";
    if (!first && packet[0] != (uint8_t)record->kind)
        return "does not go on with the record before";
    if (piece > VBLK_TRACE_RECORD_MAX - record->size || (packet[1] && !piece))
        return "makes a record that is too long";
    if (!grow(reader, record->size + piece))
        return "does not fit into memory";
    if (piece)
        memcpy(reader->record + record->size, packet + HEAD, piece);
    record->kind = packet[0];
    record->size += piece;
    return NULL;
}

int trace_next(struct trace_reader *reader, struct trace_record *record, char *why, size_t why_size)
{
    struct pcap_pkthdr *head;
    const u_char *packet;
    const char *wrong;
    bool first = true;
    int got;

    *record = (struct trace_record){ .packet = reader->packets + 1 };
    for (;;) {
        got = pcap_next_ex(reader->pcap, &head, &packet);
        if (got == PCAP_ERROR_BREAK && first)
            return 0;
        if (got != 1) {
            (void)snprintf(why, why_size, "packet %llu can't be read: %s", (unsigned long long)reader->packets + 1,
                           got == PCAP_ERROR_BREAK ? "the file ends within a record" : pcap_geterr(reader->pcap));
            return -1;
        }
        reader->packets++;
        wrong = join(reader, record, head, packet, first);
        if (wrong) {
            (void)snprintf(why, why_size, "packet %llu %s", (unsigned long long)reader->packets, wrong);
            return -1;
        }
        first = false;
        if (!packet[1])
            break;
    }
    record->bytes = reader->record;
    return 1;
}
