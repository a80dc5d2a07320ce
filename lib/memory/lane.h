/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane of a tap: what it foresees of accesses by driver and device. One that is as foreseen is compared and counted
 * where it is made, in a few instructions, and the tap is not told of it: it asks the lane how far it went when it has to
 * know. Whoever owns a lane opens what it knows enough of, and closes it again.
 *
 * Builds without NDEBUG ask the owner about each access that passes.
 */
#ifndef VBLK_MEMORY_LANE_H
#define VBLK_MEMORY_LANE_H

#include <assert.h>
#include <string.h>

#include <vblk/memory.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What a device does next. */
struct vblk_foreseen {
    uint64_t at;
    uint64_t value; /* which bytes, where they are as few as VBLK_FORESEEN_VALUE() tells: as vblk_foreseen_value() has them */
    uint32_t what;  /* how many bytes, VBLK_FORESEEN_STORE: it stores them */
    const struct vblk_foreseen *next;
};
#define VBLK_FORESEEN_STORE ((uint32_t)1 << 31)
#define VBLK_FORESEEN_END UINT32_MAX
/* Status bytes, words of a ring, used elements. */
#define VBLK_FORESEEN_VALUE(len) ((len) == 1 || (len) == 2 || (len) == 6 || (len) == 8)

static inline uint64_t vblk_foreseen_value(const void *bytes, uint32_t len)
{
    uint64_t value = 0;

    if (len == 1)
        memcpy(&value, bytes, 1);
    else if (len == 2)
        memcpy(&value, bytes, 2);
    else if (len == 6)
        memcpy(&value, bytes, 6);
    else
        memcpy(&value, bytes, 8);
    return value;
}

/* Entries of a ring, as many as may be accessed; 0: none may. */
struct vblk_lane_part {
    uint64_t at, entries;
};

/* Accesses by the driver, each kind with a counter of its own. */
enum vblk_lane_kind {
    VBLK_LANE_DESC,         /* stores a descriptor of a split ring, whole */
    VBLK_LANE_SLOT,         /* stores a slot of the available ring */
    VBLK_LANE_ELEM,         /* loads a used element */
    VBLK_LANE_NOBODY_STORE, /* stores into memory that is neither a ring's nor a request's */
    VBLK_LANE_NOBODY_LOAD,
    VBLK_LANE_FILL,         /* stores the next descriptor of a packed ring, with or without its flags */
    VBLK_LANE_SHOW,         /* stores flags of one that it filled without */
    VBLK_LANE_READ,         /* loads length and id of one */
    VBLK_LANE_KINDS,
    VBLK_LANE_STEP = VBLK_LANE_KINDS /* by the device: the next step */
};

#define VBLK_LANE_PAGE 12u /* memory that is nobody's is known by pages … */
#define VBLK_LANE_PAGES 4096u /* … of which so many are told apart */
#define VBLK_LANE_OWNER 16u

/* What the driver may do with a packed ring. */
struct vblk_lane_slots {
    uint64_t next;        /* where the descriptor is that it fills next … */
    uint32_t left;        /* … and so many from there on may be filled like that */
    uint64_t first;       /* the one that a device looks at next: what is stored into its flags is no small thing */
    uint8_t *copy, *mark; /* the next one's: what is stored goes there, and with how many bytes it was filled: */
    uint8_t whole, body;
    struct vblk_lane_part flags, len; /* of any one */
    uint8_t *copies, *marks;          /* theirs */
};

struct vblk_lane {
    const struct vblk_foreseen *step; /* never NULL */
    uint64_t rings_from, rings_last; /* no memory is nobody's from there on, to so many bytes further; UINT64_MAX: none is */
    const uint64_t *pages;          /* [VBLK_LANE_PAGES] 0: no request has bytes in such a page */
    struct vblk_lane_part desc, slot, elem;
    const uint16_t *owner;   /* at [VBLK_LANE_OWNER * i]: UINT16_MAX: descriptor i is with the driver */
    uint32_t free_from, free; /* which slots of the available ring may be filled, modulo mask + 1 */
    uint32_t mask;
    struct vblk_lane_slots slots;
    uint32_t passed[VBLK_LANE_KINDS];
    bool (*is_so)(void *ctx, enum vblk_lane_kind kind, uint64_t at, uint32_t len, const void *bytes);
    void *ctx;
};

/* The device made its next step. */
static inline bool vblk_lane_step(struct vblk_lane *lane, uint64_t at, uint32_t len, uint32_t store, const void *bytes)
{
    const struct vblk_foreseen *step = lane->step;

    if (unlikely(step->at != at || step->what != (len | store)) ||
        (VBLK_FORESEEN_VALUE(len) && unlikely(step->value != vblk_foreseen_value(bytes, len))))
        return false;
    assert(lane->is_so(lane->ctx, VBLK_LANE_STEP, at, len, bytes));
    lane->step = step->next;
    return true;
}

static inline bool vblk_lane_count(struct vblk_lane *lane, enum vblk_lane_kind kind, uint64_t at, uint32_t len,
                                   const void *bytes)
{
    (void)at, (void)len, (void)bytes;
    assert(lane->is_so(lane->ctx, kind, at, len, bytes));
    lane->passed[kind]++;
    return true;
}

/* The entry of 1 << @shift bytes that begins at @at; one that does not begin there is no small number. */
static inline uint64_t vblk_lane_entry(const struct vblk_lane_part *part, uint64_t at, unsigned shift)
{
    const uint64_t into = at - part->at;

    return into >> shift | into << (64 - shift);
}

/* A whole descriptor that is the driver's. */
static inline bool vblk_lane_desc(struct vblk_lane *lane, uint64_t at, const void *bytes)
{
    const uint64_t i = vblk_lane_entry(&lane->desc, at, 4);

    return likely(i < lane->desc.entries && lane->owner[VBLK_LANE_OWNER * i] == UINT16_MAX) &&
           vblk_lane_count(lane, VBLK_LANE_DESC, at, 16, bytes);
}

/* A slot that may be filled. */
static inline bool vblk_lane_slot(struct vblk_lane *lane, uint64_t at, const void *bytes)
{
    const uint64_t i = vblk_lane_entry(&lane->slot, at, 1);

    return likely(i < lane->slot.entries && (((uint32_t)i - lane->free_from) & lane->mask) < lane->free) &&
           vblk_lane_count(lane, VBLK_LANE_SLOT, at, 2, bytes);
}

static inline bool vblk_lane_elem(struct vblk_lane *lane, uint64_t at, const void *bytes)
{
    return likely(vblk_lane_entry(&lane->elem, at, 3) < lane->elem.entries) &&
           vblk_lane_count(lane, VBLK_LANE_ELEM, at, 8, bytes);
}

/* The next descriptor of a packed ring: 16 bytes, or the 14 before its flags. */
static inline bool vblk_lane_fill(struct vblk_lane *lane, uint64_t at, uint32_t len, const void *bytes)
{
    struct vblk_lane_slots *s = &lane->slots;

    if (unlikely(at != s->next || s->left == 0 || (len == 16 && at == s->first)) ||
        !vblk_lane_count(lane, VBLK_LANE_FILL, at, len, bytes))
        return false;
    memcpy(s->copy, bytes, len == 16 ? 16 : 14);
    *s->mark++ = len == 16 ? s->whole : s->body;
    s->copy += 16;
    s->next += 16;
    s->left--;
    return true;
}

/* Its flags, after the others were filled. */
static inline bool vblk_lane_show(struct vblk_lane *lane, uint64_t at, const void *bytes)
{
    struct vblk_lane_slots *s = &lane->slots;
    const uint64_t i = vblk_lane_entry(&s->flags, at, 4);

    if (unlikely(i >= s->flags.entries || s->marks[i] != s->body || at == s->first + 14) ||
        !vblk_lane_count(lane, VBLK_LANE_SHOW, at, 2, bytes))
        return false;
    memcpy(s->copies + 16 * i + 14, bytes, 2);
    s->marks[i] = s->whole;
    return true;
}

/* The driver's accesses to a packed ring. */
static inline bool vblk_lane_packed(struct vblk_lane *lane, enum vblk_event_kind kind, uint64_t at, uint32_t len,
                                    const void *bytes)
{
    if (kind == VBLK_EV_LOAD)
        return len == 6 && likely(vblk_lane_entry(&lane->slots.len, at, 4) < lane->slots.len.entries) &&
               vblk_lane_count(lane, VBLK_LANE_READ, at, len, bytes);
    return len == 2 ? vblk_lane_show(lane, at, bytes) : vblk_lane_fill(lane, at, len, bytes);
}

/* Memory that is nobody's, within one page. */
static inline bool vblk_lane_nobodys(struct vblk_lane *lane, enum vblk_event_kind kind, uint64_t at, uint64_t len,
                                     const void *bytes)
{
    const uint64_t page = (uint64_t)1 << VBLK_LANE_PAGE;

    return likely(at - lane->rings_from > lane->rings_last && (at & (page - 1)) <= page - len && len <= page &&
                  lane->pages[at >> VBLK_LANE_PAGE & (VBLK_LANE_PAGES - 1)] == 0) &&
           vblk_lane_count(lane, kind == VBLK_EV_STORE ? VBLK_LANE_NOBODY_STORE : VBLK_LANE_NOBODY_LOAD, at, (uint32_t)len,
                           bytes);
}

/* What of all this an access is likely to be that nothing is known of but its party. */
static inline bool vblk_lane_any(struct vblk_lane *lane, enum vblk_event_kind kind, enum vblk_party party, uint64_t at,
                                 uint32_t len, const void *bytes)
{
    if (party == VBLK_DRIVER)
        return vblk_lane_nobodys(lane, kind, at, len, bytes);
    return vblk_lane_step(lane, at, len, kind == VBLK_EV_STORE ? VBLK_FORESEEN_STORE : 0, bytes);
}

/* … and of one to a ring. */
static inline bool vblk_lane_ring(struct vblk_lane *lane, enum vblk_event_kind kind, enum vblk_party party, uint64_t at,
                                  uint32_t len, const void *bytes)
{
    if (party == VBLK_DEVICE)
        return vblk_lane_any(lane, kind, party, at, len, bytes);
    if (kind == VBLK_EV_LOAD)
        return len == 8 && vblk_lane_elem(lane, at, bytes);
    return len == 16 ? vblk_lane_desc(lane, at, bytes) : len == 2 && vblk_lane_slot(lane, at, bytes);
}

#endif /* VBLK_MEMORY_LANE_H */
