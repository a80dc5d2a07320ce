/* SPDX-License-Identifier: BSD-3-Clause */
/* What the checks of packed rings have in common. */
#ifndef ORACLE_CHECK_PACKED_H
#define ORACLE_CHECK_PACKED_H

#include "judge.h"

#define ON_AVAILABLE(token, sight) CHECK(token, VBLK_DRIVER, AT(AVAILABLE), ANY_TYPE, ANY_PLACE, sight)
#define ON_USED(token, sight) CHECK(token, VBLK_DEVICE, AT(USED), ANY_TYPE, ANY_PLACE, sight)

static inline enum outcome at_slot(const struct look *l, struct why *why, uint16_t slot, enum outcome outcome)
{
    const uint64_t gpa = l->q->desc + 16u * (uint64_t)slot;
    uint8_t now[16];

    point_at(why, gpa);
    if (vblk_memory_peek(l->o->mem, gpa, now, sizeof(now)) == VBLK_OK)
        show_bytes(why, now, sizeof(now));
    return outcome;
}

/* A buffer of a packed ring about which something can be said. */
static inline bool packed_chain(const struct look *l)
{
    return l->q->packed && !l->chain->void_;
}

/* An answer that the device gave by a used descriptor of its own. */
static inline bool packed_answer(const struct look *l)
{
    return packed_chain(l) && !l->answer->skipped;
}

/* AT_SLIP, and this is what happened. */
static inline bool slipped(const struct look *l, enum slip what)
{
    return l->len != 0 && l->slip == what;
}

/*
 * AT_OWED: time passed, and what a side did last leads nowhere (check_packed_place.c). Not before, for what is half
 * done may still become right.
 */
enum stuck {
    STUCK_NOT,
    STUCK_LAP,      /* marked for the other lap */
    STUCK_UNMARKED, /* AVAIL and USED are what neither lap has for it */
    STUCK_AHEAD,    /* a later slot is marked, the next one is not */
    STUCK_MASKED,   /* … which would be the next one if the size were a power of two */
    STUCK_OWN_SLOT, /* … and what is marked is the slot where the buffer itself was made available */
    STUCK_SWAPPED,  /* right if flags are read as big-endian */
    STUCK_SHIFTED   /* right if flags are read where the id belongs */
};
enum stuck packed_driver_stuck(const struct look *l);
enum stuck packed_device_stuck(const struct look *l, uint16_t *slot);
/* Of look->chain, check_packed_layout.c: the device looks for it where it would be if the size were a power of two. */
bool packed_polls_masked(const struct look *l);
/* Also without AT_OWED: whether a check of check_packed_place.c says why buffers of this queue are not answered. */
bool packed_explains(const struct look *l);

#endif /* ORACLE_CHECK_PACKED_H */
