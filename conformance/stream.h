/* SPDX-License-Identifier: BSD-3-Clause */
/* One stream of requests, random but seeded, and what became of each: the same over every kind of ring. */
#ifndef CONFORMANCE_STREAM_H
#define CONFORMANCE_STREAM_H

#include <vblk/driver.h>

#define STREAM_ROUNDS 240u
#define STREAM_BATCH 4u
#define STREAM_MAX (STREAM_ROUNDS * STREAM_BATCH)

/* One request; what was asked depends on the seed and the device alone. */
struct stream_entry {
    uint32_t type;
    uint32_t count;  /* sectors */
    uint64_t sector;
    uint8_t err;     /* vblk_err of a blocking request */
    uint8_t status;  /* VBLK_S_* */
    uint64_t data;   /* a hash of what was read */
};

struct stream {
    vblk_err err; /* VBLK_OK: played to the end; else why not */
    uint32_t count;
    struct stream_entry entry[STREAM_MAX];
    uint64_t disk; /* a hash of the part of it that the stream uses, as read at the end */
};

struct stream_options {
    struct vblk_profile profile;
    uint64_t features; /* to accept */
    struct vblk_arena arena;
    uint64_t seed;
    uint32_t unit; /* sectors of a logical block */
    unsigned wait_ms;
};

/* Play it on @port, from a reset on. The disk's first content does not matter; it is overwritten. */
void stream_play(struct vblk_port *port, const struct stream_options *options, struct stream *out);
/* The sentence that says where two of them differ, in @expected and @seen. False: nowhere. */
bool stream_differs(const struct stream *first, const struct stream *other, char *expected, char *seen, size_t size);

#endif /* CONFORMANCE_STREAM_H */
