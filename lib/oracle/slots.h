/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The marks of a packed ring's slots (SLOT_*). A buffer of a few descriptors has its marks in one word, unless it goes
 * past the ring's end.
 */
#ifndef ORACLE_SLOTS_H
#define ORACLE_SLOTS_H

#include <string.h>

#include "judge.h"
#include "little.h"
#include "region.h"

#define SLOT_WORD 8u /* slots of a word; so many bytes lie behind the last slot's mark, too */

static inline uint64_t slots_load(const uint8_t *marks)
{
    uint64_t w;

    memcpy(&w, marks, sizeof(w));
    return le64(w);
}

static inline void slots_store(uint8_t *marks, uint64_t w)
{
    w = le64(w);
    memcpy(marks, &w, sizeof(w));
}

/* The mark in each slot of a word. */
static inline uint64_t slots_all(uint64_t mark)
{
    return mark * 0x0101010101010101u;
}

/* The first @n, fewer than there are, of a word's slots. */
static inline uint64_t slots_first(uint32_t n)
{
    return ((uint64_t)1 << 8 * n) - 1;
}

static inline bool slots_in_word(const struct queue *q, uint32_t slot, uint32_t n)
{
    return n < SLOT_WORD && slot + n <= q->size;
}

/* The next @n slots of which @wrap is the wrap counter; at most one lap. */
static inline uint16_t slots_advance(const struct queue *q, uint32_t slot, uint32_t n, bool *wrap)
{
    slot += n;
    if (unlikely(slot >= q->size)) {
        slot -= q->size;
        *wrap = !*wrap;
    }
    return (uint16_t)slot;
}

/* queue_packed.c: so many slots were used, past the end of the ring, too. */
void slots_unseen(struct queue *q, uint32_t slot, uint32_t n);

/* A used descriptor stands for the next @slots. */
static inline void packed_pass_used(struct queue *q, uint32_t slots)
{
    uint8_t *marks = q->elem_fresh + q->used_idx;

    if (likely(slots_in_word(q, q->used_idx, slots)))
        slots_store(marks, (slots_load(marks) & ~slots_first(slots)) | (slots_all(SLOT_UNSEEN) & slots_first(slots)));
    else
        slots_unseen(q, q->used_idx, slots);
    *marks |= SLOT_START;
    q->used_idx = slots_advance(q, q->used_idx, slots, &q->used_wrap);
    q->in_use -= slots;
    notice_run_add(&q->run[VBLK_DEVICE], slots);
    q->skipped = (uint16_t)slots;
}

/* The driver looked at the used descriptor in @slot. @return false: what it stands for is not known to end within a word. */
static inline bool slots_seen(struct queue *q, uint16_t slot)
{
    const uint64_t w = slots_load(q->elem_fresh + slot), unseen = slots_all(SLOT_UNSEEN);
    _Static_assert(SLOT_START == SLOT_UNSEEN << 1, "one mark is moved onto the other");
    const uint64_t ends = (~w & unseen) | (w >> 1 & unseen & ~(uint64_t)0xff);
    const uint64_t before = (ends & -ends) - 1; /* of the first of them */

    if (unlikely(ends == 0 || slot + SLOT_WORD > q->size))
        return false;
    slots_store(q->elem_fresh + slot, w & ~(unseen & before));
    return true;
}

/* The place of the outstanding chain that a slot which is with the device belongs to. */
static inline uint16_t packed_owner(const struct queue *q, uint16_t slot)
{
    return packed_in_use(q, slot) ? q->table[slot].owner : NO_OWNER;
}

#endif /* ORACLE_SLOTS_H */
