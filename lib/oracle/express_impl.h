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
/* That a driver's access to a descriptor has no other effect than to be kept. */
bool express_slot_is_so(const struct vblk_oracle *o, const struct usual *u);
/* The same for what passes in the lane. */
bool express_lane_is_so(void *oracle, enum vblk_lane_kind kind, uint64_t at, uint32_t len, const void *bytes);
#endif

/* Slots of a split queue's available ring that may be filled: the others are with the device, in order. */
static inline void express_free(struct vblk_oracle *o, const struct queue *q)
{
    const bool in_order = (uint16_t)(q->avail_idx - q->used_idx) == q->outstanding;

    o->express.lane.free_from = q->avail_idx;
    o->express.lane.free = in_order ? q->size - q->outstanding : 0;
}

/* No chain is followed step by step any more. */
extern const struct vblk_foreseen express_none;
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

/* See express_link(). */
static inline void express_link_next(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    struct chain *before = c->older;

    c->twin.publish.next = &express_none;
    c->twin.linked = o->express.links;
    if (before != NULL && before->queue == q->no && before->twin.linked == o->express.links && may_follow(o, c) &&
        (uint16_t)(before->twin.place + 1) == c->twin.place)
        before->twin.publish.next = c->twin.steps;
}

static inline bool in_steps_of(const struct chain *c, const struct vblk_foreseen *step)
{
    return step >= c->twin.steps && step <= &c->twin.publish;
}

/* The answer of a split queue's chain goes into this place. */
static inline void answer_at(const struct queue *q, struct twin *t, uint16_t place)
{
    const vblk_le16 idx = vblk_put16((uint16_t)(place + 1));

    t->steps[t->answer].at = q->device + 4 + 8u * (uint64_t)(place & (q->size - 1u));
    t->publish.value = vblk_foreseen_value(&idx, 2);
    t->place = place;
}

/* Follow the chain, of which the first step was @made and is in the picture, or not. It goes into the next place. */
static inline void follow(struct vblk_oracle *o, const struct queue *q, struct chain *c, bool made)
{
    struct twin *t = &c->twin;

    if (t->linked != o->express.links || (!q->packed && t->place != q->used_idx))
        t->publish.next = &express_none;
    if (q->packed)
        t->steps[t->answer].at = q->desc + 16u * (uint64_t)q->used_idx + offsetof(struct vblk_packed_desc, len);
    else if (t->place != q->used_idx)
        answer_at(q, t, q->used_idx);
    o->express.chain = c;
    o->express.lane.step = o->express.settled = made ? t->steps[0].next : t->steps;
}

/* The one that a device comes to next, if it takes them in turn. */
static inline void foresee(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    if (c != NULL && c->queue == q->no && may_follow(o, c) && (!q->packed || c->turn == q->taken_turn + 1))
        follow(o, q, c, false);
}

/* The device takes up @c; @in_turn: it may, as steps go, of which the first was made. */
static inline void takes_up(struct vblk_oracle *o, struct queue *q, struct chain *c, bool in_turn)
{
    express_stop(o);
    if (c->older != NULL)
        c->older->twin.publish.next = &express_none;
    if (in_turn && may_follow(o, c))
        follow(o, q, c, true);
    c->taken = true;
    q->current = c;
    o->serving = q->no;
}

/* What the driver did in the lane goes into the picture. */
void express_collect(struct vblk_oracle *o);

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
void express_count_steps(struct vblk_oracle *o, struct queue *q, struct chain *c);
/* The same, of which the steps are counted, and which is not followed; @read: how a read's data compares. */
void express_answer(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, uint16_t flags,
                    const struct told *told, const struct shadow_read *read);
#ifndef NDEBUG
/* That it is as known, for a split queue's chain. */
bool express_answer_is_so(struct vblk_oracle *o, const struct queue *q, const struct chain *c, const struct told *told,
                          const struct shadow_read *read);
#endif

/* What a read adds to the sign of its answer. */
static inline void express_add_read(struct sign *sign, const struct chain *c, const struct shadow_read *read)
{
    if (c->req.slot != TY_IN)
        return;
    sign->facts |= FACT(15, read->compared);
    sign->causes = (uint64_t)read->causes << 32 | read->causes_unwritten;
}

/* What the sign of a split queue's used idx has, if it goes on by one. */
static inline uint64_t express_idx_facts(const struct vblk_oracle *o, const struct queue *q)
{
    return FACT(0, o->express.quiet_flags) | FACT(1, 1) | FACT(2, q->used_total > 0) | FACT(17, o->abuse);
}

/* The pieces of a chain, which has no others but the table's or its own, are the driver's again. */
static inline void express_release(struct vblk_oracle *o, struct chain *c)
{
    for (struct piece *p = c->first; p != NULL; p = p->after) {
        p->owner = NO_OWNER;
        if (p->len == 0)
            continue;
        busy_add(o->busy, p->gpa, p->len, -1);
        if ((p->flags & VBLK_DESC_WRITE) != 0)
            remember_returned(o, c, p);
    }
    c->count = 0;
    c->first = NULL;
    c->outstanding = false;
}

/* express_steps.c: those of the chain before @to go into the picture. */
void express_steps(struct vblk_oracle *o, const struct vblk_foreseen *to);
/* express_run.c: chains that were answered in the lane, one after the other, up to that in which the device is now. */
void express_answers(struct vblk_oracle *o);
static inline void express_run(struct vblk_oracle *o)
{
    if (o->express.chain != NULL && !in_steps_of(o->express.chain, o->express.lane.step))
        express_answers(o);
}
/* The steps of the chain are made, and so is its answer, but for what makes it valid. */
static inline bool steps_made(const struct express *x)
{
    return x->chain != NULL && x->lane.step == &x->chain->twin.publish;
}

#endif /* ORACLE_EXPRESS_IMPL_H */
