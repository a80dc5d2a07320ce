/* SPDX-License-Identifier: BSD-3-Clause */
/* Between express.c, express_look.c, express_steps.c, express_used.c and express_packed.c. */
#ifndef ORACLE_EXPRESS_IMPL_H
#define ORACLE_EXPRESS_IMPL_H

#include "express.h"
#include "repeat.h"
#include "sight.h"

/* What an access is taken for. */
struct usual {
    struct queue *q; /* NULL: no queue's */
    struct chain *chain;
    uint64_t at, offset;
    uint32_t len;
    uint8_t kind, party, place;
};

static inline uint64_t desc_bytes(const struct queue *q)
{
    return 16u * (uint64_t)q->size;
}

static inline uint64_t slot_bytes(const struct queue *q)
{
    return 2u * (uint64_t)q->size;
}

static inline uint64_t elem_bytes(const struct queue *q)
{
    return 8u * (uint64_t)q->size;
}

#define OPEN(kind, party, place) open[VBLK_EV_##kind == VBLK_EV_STORE ? 0 : 1][VBLK_##party][IN_##place]

#ifndef NDEBUG
/* Whether the long way finds the same. */
bool express_is_so(struct vblk_oracle *o, const struct usual *u, const void *bytes);
/* The same for what passes in the lane. */
bool express_lane_is_so(void *oracle, enum vblk_lane_kind kind, uint64_t at, uint32_t len, const void *bytes);
#endif

/* The picture learns of the steps that the device made. */
void express_catch_up(struct vblk_oracle *o);
/* Slots of a split queue's available ring that may be filled: the others are with the device, in order. */
static inline void express_free(struct vblk_oracle *o, const struct queue *q)
{
    const bool in_order = (uint16_t)(q->avail_idx - q->used_idx) == q->outstanding;

    o->express.lane.free_from = q->avail_idx;
    o->express.lane.free = in_order ? q->size - q->outstanding : 0;
}

/* No chain is followed step by step any more. */
extern const struct vblk_step express_none;
static inline void express_leave(struct vblk_oracle *o)
{
    o->express.chain = NULL;
    o->express.lane.step = o->express.settled = &express_none;
}
static inline void express_stop(struct vblk_oracle *o)
{
    express_catch_up(o);
    express_leave(o);
}

/* What the checks said of such an access is what they say of this one. */
static inline void count_again(struct vblk_oracle *o, const struct usual *u, const void *bytes)
{
    (void)bytes;
    assert(express_is_so(o, u, bytes));
    o->lists.by_place[u->kind == VBLK_EV_STORE ? 0 : 1][u->party][u->place].known.times++;
    o->seq++;
}

/* The device has not laid hands on it yet, and what it will do is known. */
static inline bool may_follow(const struct vblk_oracle *o, const struct chain *c)
{
    return o->express.steps && c->twin.stores != 0 && !(c->taken | c->shared | c->void_) && c->faults == 0 &&
           c->written.count == 0 && c->fetched.count == 0;
}

/* Follow the chain, of which @made steps were made and are in the picture. It will be answered in the next place. */
static inline void follow(struct vblk_oracle *o, const struct queue *q, struct chain *c, unsigned made)
{
    struct twin *t = &c->twin;

    t->steps[t->answer].at = q->packed ? q->desc + 16u * (uint64_t)q->used_idx + offsetof(struct vblk_packed_desc, len)
                                       : q->device + 4 + 8u * (uint64_t)(q->used_idx & (q->size - 1u));
    o->express.chain = c;
    o->express.lane.step = o->express.settled = t->steps + made;
}

/* The one that a device comes to next, if it takes them in turn. */
static inline void foresee(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    if (c != NULL && c->queue == q->no && may_follow(o, c) && (!q->packed || c->turn == q->taken_turn + 1))
        follow(o, q, c, 0);
}

/* The device takes up @c; @in_turn: it may, as steps go, of which the first was made. */
static inline void takes_up(struct vblk_oracle *o, struct queue *q, struct chain *c, bool in_turn)
{
    express_stop(o);
    if (in_turn && may_follow(o, c))
        follow(o, q, c, 1);
    c->taken = true;
    q->current = c;
    o->serving = q->no;
}

/* The picture may change in any way by what was used or made available. */
static inline void look_again(struct vblk_oracle *o, const struct queue *q)
{
    if (unlikely(q->usual_for != o->settings || sign_of_access(o, q).settings != o->plain[1]))
        express_look(o);
}

/* The driver's memory that is nobody's, and no word of a ring in its way. */
bool express_nobodys_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order);
bool express_nobodys_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order);

/* The requests that the device serves, where it does not go by steps. */
bool express_header(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes);
bool express_data(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes);

/* A store that the moment is about. */
struct told {
    uint64_t at;
    const void *bytes;
    uint32_t len;
    enum vblk_order order;
};
/*
 * express_used.c: the steps of a chain were all made, and now it is used: wholly written, with status OK. @flags, @slot: of
 * the used descriptor or element.
 */
void express_answered(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, uint16_t flags,
                      const struct told *told);
/* The steps of the chain are made, and so is its answer. */
static inline bool steps_made(const struct express *x)
{
    return x->lane.step->what == VBLK_STEP_END && x->chain != NULL;
}

#endif /* ORACLE_EXPRESS_IMPL_H */
