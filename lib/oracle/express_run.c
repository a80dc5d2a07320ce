/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests that were answered in the lane, one after the other: their steps were all made, up to the store that published
 * the answer. Nothing of what is judged then has changed since, or the picture would have been asked for. As long as each
 * is as the checks know it, little more is to be done than to count them.
 */
#include "express_impl.h"

/* Some that are alike. */
struct run {
    struct check_list *idx, *used;
    uint16_t room; /* so many may be answered before it matters to notifications; 0: nothing is known */
    uint16_t count;
    uint16_t whole;         /* of those: none of whose steps is in the picture, so that they are counted here … */
    uint32_t loads, stores; /* … of descriptors, into requests */
    const struct chain *last;
};

/* How many elements more change nothing in who has to be notified of what. */
static uint16_t quiet_room(const struct vblk_oracle *o, const struct queue *q)
{
    const struct notices *s = notices_of(o, q);
    const struct notice *n = &s->way[VBLK_DEVICE];
    const uint32_t left = s->way[VBLK_DRIVER].total - n->total;

    if (!s->on || n->at != q->used_idx || n->changed || left > UINT16_MAX)
        return 0;
    if (negotiated(o, VBLK_F_EVENT_IDX)) {
        const uint16_t until = (uint16_t)(n->event - n->at);
        return until < left ? until : (uint16_t)left;
    }
    return (n->flags & 1) != 0 || (n->due && !n->inside && n->other) ? (uint16_t)left : 0;
}

/* @type: TY_FLUSH or TY_IN. */
static struct run begin(struct vblk_oracle *o, const struct queue *q, uint8_t type)
{
    struct run run = { .idx = &o->lists.by_moment[AT_USED_IDX], .used = &o->lists.by_type[1][type] };
    const struct sign idx = { .settings = o->settings, .facts = express_idx_facts(o, q) };
    const bool known = is_calm(o) && q->used_total > 0 && same_sign(&run.idx->known.sign, &idx) &&
                       run.used->known.sign.settings == o->settings && o->opt.memory_gone == NULL &&
                       (run.idx->asked_count | run.used->asked_count) == 0;

    run.room = known ? quiet_room(o, q) : 0;
    return run;
}

static inline bool alike(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, const struct run *run,
                         const struct shadow_read *read)
{
    struct sign sign = { .settings = o->settings, .facts = calm_facts(o, q, c), .shape = c->shape };

    express_add_read(&sign, c, read);
    return run->count < run->room && same_sign(&run->used->known.sign, &sign) && !read->bad;
}

static void know_again(struct vblk_oracle *o, struct check_list *list, uint32_t times)
{
    list->known.times += times;
    list->known.last = ++o->stamp;
}

static void notices_on(struct vblk_oracle *o, const struct queue *q, uint16_t count)
{
    struct notice *n = &o->notices[q->no].way[VBLK_DEVICE];

    n->at = (uint16_t)(n->at + count);
    n->total += count;
    n->fresh += count;
    n->published = o->seq;
}

static void end(struct vblk_oracle *o, struct queue *q, const struct run *run)
{
    struct check_list *loads = o->lists.by_place[1][VBLK_DEVICE], *stores = o->lists.by_place[0][VBLK_DEVICE];

    if (run->count == 0)
        return;
    loads[IN_AVAIL_RING].known.times += run->whole;
    loads[IN_DESC_TABLE].known.times += run->loads;
    loads[IN_READABLE].known.times += run->whole;
    stores[IN_WRITABLE].known.times += run->stores;
    stores[IN_USED_ELEM].known.times += run->whole;
    stores[IN_USED_IDX].known.times += run->whole;
    o->seq += run->loads + run->stores + 4u * run->whole;
    know_again(o, run->idx, run->count);
    know_again(o, run->used, run->count);
    if (run->last->req.slot == TY_FLUSH)
        effect_flushed(o, run->last);
    notices_on(o, q, run->count);
    o->serving = q->no;
    q->answered = o->seq;
    q->used_total += run->count;
    q->since_notify += run->count;
    q->current = NULL;
    if (run->last->turn > q->used_turn)
        q->used_turn = run->last->turn;
    express_free(o, q);
}

#ifndef NDEBUG
static bool is_so(struct vblk_oracle *o, const struct queue *q, const struct chain *c, const struct shadow_read *read)
{
    const vblk_le16 idx = vblk_put16((uint16_t)(q->used_idx + 1));

    return express_answer_is_so(o, q, c, &(struct told){ q->device + 2, &idx, 2, VBLK_RELEASE }, read);
}
#endif

/* As known. */
static inline void answered(struct vblk_oracle *o, struct queue *q, struct chain *c, struct run *run)
{
    if (likely(o->express.settled == c->twin.steps)) {
        run->whole++;
        run->loads += c->twin.count;
        run->stores += c->twin.stores;
    } else {
        o->express.chain = c;
        express_steps(o, c->twin.publish.next);
    }
    run->count++;
    run->last = c;
    q->elem_fresh[q->used_idx & (q->size - 1u)] = 0;
    queue_unlink(o, c);
    express_release(o, c);
    o->outstanding--;
    q->outstanding--;
    q->used_idx++;
}

/* One of which a part is in the picture, or that is not like the others: as if it were told of now. */
static __attribute__((noinline)) void answered_singly(struct vblk_oracle *o, struct queue *q, struct chain *c,
                                                      const struct shadow_read *read)
{
    const vblk_le16 idx = vblk_put16((uint16_t)(q->used_idx + 1));
    const struct told told = { q->device + 2, &idx, 2, VBLK_RELEASE };

    o->express.chain = c;
    express_count_steps(o, q, c);
    o->lists.by_place[0][VBLK_DEVICE][IN_USED_IDX].known.times++;
    o->seq++;
    express_answer(o, q, c, q->used_idx & (uint16_t)(q->size - 1u), 0, &told, read);
}

/* The next one, of which @settled says how far it is in the picture. */
static inline void answer(struct vblk_oracle *o, struct queue *q, struct chain *c, struct run *run)
{
    struct shadow_read read;

    read.compared = read.bad = false;
    read.causes = read.causes_unwritten = 0;
    if (c->req.slot == TY_IN)
        effect_read(o, q, c, &read);
    if (likely(alike(o, q, c, run, &read))) {
        assert(is_so(o, q, c, &read));
        answered(o, q, c, run);
        return;
    }
    end(o, q, run);
    answered_singly(o, q, c, &read);
    *run = begin(o, q, c->req.slot);
}

void express_answers(struct vblk_oracle *o)
{
    struct express *x = &o->express;
    const struct vblk_foreseen *to = x->lane.step, *settled = x->settled;
    struct queue *q = x->q;
    struct chain *c = x->chain;
    uint8_t type = c->req.slot;
    struct run run = begin(o, q, type);

    express_leave(o);
    x->settled = settled;
    do {
        const struct vblk_foreseen *next = c->twin.publish.next;
        struct chain *newer = next != &express_none ? c->newer : NULL;

        if (c->req.slot != type) {
            end(o, q, &run);
            type = c->req.slot;
            run = begin(o, q, type);
        }
        answer(o, q, c, &run);
        x->settled = next;
        c = newer;
    } while (c != NULL && !in_steps_of(c, to));
    end(o, q, &run);
    x->chain = c;
    x->lane.step = to;
}
