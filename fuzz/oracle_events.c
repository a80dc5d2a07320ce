/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts of both sides, lawful or not, on a puppet: the judge ends in bounded work and never contradicts itself.
 * Input: a byte of HARNESS_* settings, then a script (script_bytes.h).
 */
#include <stdlib.h>

#include "harness.h"
#include "script_bytes.h"

#define GPA 0x100000u
#define SIZE 0x100000u

struct again {
    struct vblk_violation violation[VBLK_VIOLATIONS_MAX];
    size_t count;
};

/* What lies past the bytes that count, and an address that is none, mean nothing. */
static void keep(const struct harness *h, struct again *was)
{
    was->count = vblk_oracle_violation_count(h->oracle);
    for (size_t i = 0; i < was->count; i++) {
        struct vblk_violation *v = &was->violation[i];

        *v = *vblk_oracle_violation(h->oracle, i);
        memset(v->bytes + v->byte_count, 0, sizeof(v->bytes) - v->byte_count);
        v->address = v->has_address ? v->address : 0;
    }
}

static void play_once(struct harness *h, const struct vblk_script *script)
{
    static const struct vblk_arena arena = { GPA, SIZE };

    vblk_memory_reset(h->mem);
    harness_play(h, script, arena);
}

/* A judge that was reset says what a new one says. */
static void play_again(struct harness *h, const struct vblk_script *script)
{
    struct again *was = calloc(2, sizeof(*was)), *is = was + 1;

    if (!was)
        return;
    keep(h, was);
    vblk_oracle_reset(h->oracle, true, h->options.disk_zero);
    vblk_port_close(h->port);
    h->port = vblk_puppet_new(h->mem);
    if (!h->port)
        exit(2);
    harness_follow(h);
    play_once(h, script);
    keep(h, is);
    if (was->count != is->count)
        harness_finding("%zu entries at first, %zu after a reset", was->count, is->count);
    for (size_t i = 0; i < was->count; i++)
        if (memcmp(&was->violation[i], &is->violation[i], sizeof(was->violation[i])) != 0)
            harness_finding("entry %zu differs after a reset", i);
    free(was);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    struct script_bytes *decoded = size ? malloc(sizeof(*decoded)) : NULL;
    struct harness h;

    if (!decoded)
        return 0;
    script_decode(decoded, data + 1, size - 1);
    harness_open(&h, &region, 1);
    harness_listen(&h, vblk_puppet_new(h.mem), &decoded->script.profile, data[0]);
    play_once(&h, &decoded->script);
    if (data[0] & HARNESS_TWICE)
        play_again(&h, &decoded->script);
    harness_close(&h);
    free(decoded);
    return 0;
}
