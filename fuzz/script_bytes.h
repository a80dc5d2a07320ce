/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts as bytes, for fuzzers. Every sequence of bytes is some script; those that make_corpus wrote are scripts of
 * test vectors. The format is append-only: a step's number never changes (script_kinds), so that corpora keep their
 * meaning.
 */
#ifndef FUZZ_SCRIPT_BYTES_H
#define FUZZ_SCRIPT_BYTES_H

#include <vblk/script.h>

/* Bounds of what bytes can ask for. Scripts beyond them have no encoding. */
#define SCRIPT_STEPS_MAX 160u
#define SCRIPT_FRAMES_MAX 512u /* of all requests together */
#define SCRIPT_BUDGET 0x40000u /* bytes of all data together */
#define SCRIPT_MS_MAX 1000u    /* of one wait */
#define SCRIPT_TIMES_MAX 16u   /* of one DISK step */
#define SCRIPT_NAMES_MAX 63u

/* A decoded script and its storage. */
struct script_bytes {
    struct vblk_script script;
    struct vblk_step steps[SCRIPT_STEPS_MAX];
    uint32_t frames[SCRIPT_FRAMES_MAX];
    size_t frame_count;
};

/* Decode; @data must outlive @out, which points into it. */
void script_decode(struct script_bytes *out, const uint8_t *data, size_t size);
/* Encode into [room] bytes. @return how many were written; 0: the script is beyond the bounds, or does not fit. */
size_t script_encode(const struct vblk_script *script, uint8_t *out, size_t room);
/* @return whether the format knows a kind of step. */
bool script_knows(uint8_t kind);

#endif /* FUZZ_SCRIPT_BYTES_H */
