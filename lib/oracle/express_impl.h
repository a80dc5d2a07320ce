/* SPDX-License-Identifier: BSD-3-Clause */
/* Between express.c, express_used.c and express_packed.c. */
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
bool express_step_is_so(struct vblk_oracle *o, const struct step *s, const void *bytes);
#endif

/* No chain is followed step by step any more. */
extern const struct step express_none;
static inline void express_leave(struct vblk_oracle *o)
{
    o->express.chain = NULL;
    o->express.step = o->express.settled = &express_none;
    o->express.elem_stored = false;
}

/* What the checks said of such an access is what they say of this one. */
static inline void count_again(struct vblk_oracle *o, const struct usual *u, const void *bytes)
{
    (void)bytes;
    assert(express_is_so(o, u, bytes));
    o->lists.by_place[u->kind == VBLK_EV_STORE ? 0 : 1][u->party][u->place].known.times++;
    o->seq++;
}

/* @return false: it is not what was to come next. The rest is done when the last step was made, or express_settle(). */
static inline bool next_step(struct vblk_oracle *o, uint64_t at, uint32_t what, const void *bytes)
{
    const struct step *s = o->express.step;

    if (unlikely(s->at != at || s->what != what))
        return false;
    (void)bytes;
    assert(express_step_is_so(o, s, bytes));
    o->express.step = s + 1;
    o->seq++;
    return true;
}

/* The same for a store, the last of which is remembered. */
static inline bool next_store(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes)
{
    if (!next_step(o, at, len | STEP_STORE, bytes))
        return false;
    o->express.last = *(const uint8_t *)bytes;
    return true;
}

/* The device takes up @c; @in_turn: it may, as steps go. */
static inline void takes_up(struct vblk_oracle *o, struct queue *q, struct chain *c, bool in_turn)
{
    struct express *x = &o->express;

    if (unlikely(x->chain != NULL)) {
        if (x->chain == c && x->step == c->twin.steps)
            return;
        express_settle(o);
    }
    if (in_turn && x->steps && c->twin.stores != 0 && !(c->taken | c->shared | c->void_) && c->faults == 0 &&
        c->written.count == 0 && c->fetched.count == 0) {
        x->chain = c;
        x->step = x->settled = c->twin.steps;
    }
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
/* The steps of the chain are made, and none is missing in front of the answer. */
static inline bool steps_made(const struct express *x, uint32_t id, uint32_t len)
{
    return x->step->what == STEP_END && x->chain != NULL && x->elem_stored && x->last == VBLK_S_OK &&
           id == x->chain->head && len == x->chain->req.writable;
}

#endif /* ORACLE_EXPRESS_IMPL_H */
