/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the judge looked at during one event: of each question the answers in their order. The same question may be
 * asked again, and memory may have changed meanwhile.
 */
#ifndef CONFORMANCE_GLANCES_H
#define CONFORMANCE_GLANCES_H

#include <vblk/memory.h>

/* Different questions and answers within one event. */
#define GLANCES_MAX (1u << 17)

struct glance_row {
    uint8_t kind;
    bool yes;
    uint64_t at, len;
    uint32_t ask;    /* given from this asking on, 0: the first */
    size_t bytes;    /* where the answer's are, for who keeps the table */
    uint64_t run[2]; /* of a DIFF */
    uint32_t next;   /* the next answer to the same question, or 0 */
    /* Of a question's first row: the answer given at present, the last one there is, how often it was asked. */
    uint32_t now, last, asked;
};

struct glances {
    struct glance_row *rows; /* from 1 on */
    uint32_t count;
    struct glance_slot {
        uint32_t row, event;
    } *slots;
    uint32_t event; /* slots of other events are empty */
};

bool glances_open(struct glances *g);
void glances_close(struct glances *g);
/* Another event. */
void glances_clear(struct glances *g);
/* The question's first row, or NULL. */
struct glance_row *glances_find(const struct glances *g, const struct vblk_glance *glance);
/* One more answer; NULL: there is no room. */
struct glance_row *glances_add(struct glances *g, const struct vblk_glance *glance, uint32_t ask);
/* The last answer there is to the question of @first. */
struct glance_row *glances_last(const struct glances *g, const struct glance_row *first);
/* It is asked: the answer that was given then. */
const struct glance_row *glances_ask(const struct glances *g, struct glance_row *first);

#endif /* CONFORMANCE_GLANCES_H */
