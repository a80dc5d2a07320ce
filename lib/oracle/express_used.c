/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A request that is answered as usual: each step of it was made (express.c), all that is writable was written, and its
 * status is OK. What queue.c, effect.c and notify.c do for it, where nothing has to be found out.
 */
#include "express_impl.h"
#include "slots.h"

static struct vblk_event event_of(const struct told *told)
{
    return (struct vblk_event){ .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .order = (uint8_t)told->order, .at = told->at,
                                .len = told->len, .bytes = told->bytes };
}

/* ---- used idx ---- */

static inline struct sign idx_sign(const struct vblk_oracle *o, const struct queue *q)
{
    return (struct sign){ .settings = o->settings, .facts = express_idx_facts(o, q) };
}

static __attribute__((noinline)) void judge_idx_anew(struct vblk_oracle *o, struct queue *q, const struct told *told)
{
    const struct vblk_event ev = event_of(told);

    q->elem_fresh[q->used_idx & (q->size - 1u)] = 1;
    judge_moment(o, AT_USED_IDX,
                 &(struct look){ .ev = &ev, .q = q, .from = q->used_idx, .to = (uint16_t)(q->used_idx + 1) });
}

#ifndef NDEBUG
static bool idx_is_so(struct vblk_oracle *o, const struct queue *q, const struct told *told, const struct sign *sign)
{
    const struct vblk_event ev = event_of(told);
    const struct look look = { .o = o, .ev = &ev, .q = q, .from = q->used_idx, .to = (uint16_t)(q->used_idx + 1) };
    struct sign other;

    if (o->express.quiet_flags != (queue_word(o, q->device) <= VBLK_USED_NO_NOTIFY))
        return true; /* they are not what they were */
    return sign_of_used_idx(&look, &other) && same_sign(&other, sign) &&
           repeat_still_so(o, &o->lists.by_moment[AT_USED_IDX], &look);
}
#endif

/* What is known holds once more, if it is known and nothing is to be asked. */
static inline bool count_known(struct vblk_oracle *o, struct check_list *list, const struct sign *sign)
{
    if (unlikely(!same_sign(&list->known.sign, sign) || list->asked_count > 0 || o->opt.memory_gone != NULL))
        return false;
    list->known.times++;
    list->known.last = ++o->stamp;
    return true;
}

static inline void judge_idx(struct vblk_oracle *o, struct queue *q, const struct told *told)
{
    const struct sign sign = idx_sign(o, q);

    if (!count_known(o, &o->lists.by_moment[AT_USED_IDX], &sign))
        judge_idx_anew(o, q, told);
    else
        assert(idx_is_so(o, q, told, &sign));
}

/* ---- the answer ---- */

static inline struct answer answer_of(const struct queue *q, const struct chain *c, uint16_t slot, uint16_t flags)
{
    const uint32_t len = (uint32_t)c->req.writable;

    return (struct answer){ .id = c->head, .len = len, .slot = slot, .status = VBLK_S_OK, .len_known = true,
                            .advance = q->packed ? 0 : 1, .batch = 1, .flags = flags, .prefix_known = true, .prefix = len };
}

/* What checks may look at. */
static void made_known(struct queue *q, struct chain *c)
{
    c->written.run[0].from = c->fetched.run[0].from = 0;
    c->written.run[0].to = c->req.writable;
    c->fetched.run[0].to = c->first->len;
    c->written.count = c->fetched.count = 1;
    for (struct piece *p = c->first; p != NULL && !q->packed; p = p->after)
        p->loaded = 0xffff;
}

static __attribute__((noinline)) void judge_answer_anew(struct vblk_oracle *o, struct queue *q, struct chain *c,
                                                        uint16_t slot, uint16_t flags, const struct told *told)
{
    const struct vblk_event ev = event_of(told);
    const struct answer a = answer_of(q, c, slot, flags);

    made_known(q, c);
    judge_chain(o, AT_USED, &(struct look){ .ev = &ev, .q = q, .chain = c, .answer = &a });
}

#ifndef NDEBUG
static bool answer_is_so(struct vblk_oracle *o, const struct queue *q, const struct chain *c, uint16_t slot, uint16_t flags,
                         const struct told *told, const struct sign *sign, const struct shadow_read *read)
{
    const struct vblk_event ev = event_of(told);
    struct answer a = answer_of(q, c, slot, flags);
    const struct look look = { .o = o, .ev = &ev, .q = q, .chain = c, .answer = &a };
    struct sign other;

    if (read != NULL)
        a.read = *read;
    return sign_of_chain(&look, &other) && same_sign(&other, sign) && written_prefix(&c->written) == a.prefix &&
           c->status_stored && repeat_still_so(o, &o->lists.by_type[1][c->req.slot], &look);
}
#endif

/* … of one that is no read, while it is calm. */
static inline struct sign answer_sign(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    return (struct sign){ .settings = o->settings, .shape = c->shape | (q->packed ? packed_used_shape(q, c) : 0),
                          .facts = calm_facts(o, q, c) };
}

static inline void judge_answer(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, uint16_t flags,
                                const struct told *told)
{
    const struct sign sign = answer_sign(o, q, c);

    if (unlikely((flags & ~(unsigned)PACKED_FLAGS) != 0 || !is_calm(o) ||
                 !count_known(o, &o->lists.by_type[1][c->req.slot], &sign)))
        judge_answer_anew(o, q, c, slot, flags, told);
    else
        assert(answer_is_so(o, q, c, slot, flags, told, &sign, NULL));
}

/* Its data was compared. */
static __attribute__((noinline)) void judge_read(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot,
                                                 uint16_t flags, const struct told *told, const struct shadow_read *read)
{
    const struct vblk_event ev = event_of(told);
    struct answer a = answer_of(q, c, slot, flags);
    struct look look = { .o = o, .ev = &ev, .q = q, .chain = c, .answer = &a };
    struct sign sign;

    a.read = *read;
    a.reversed = read->bad && effect_reversed(o, q, c);
    if (!sign_of_chain(&look, &sign) || !count_known(o, &o->lists.by_type[1][TY_IN], &sign)) {
        made_known(q, c);
        judge_chain(o, AT_USED, &look);
        return;
    }
    assert(repeat_still_so(o, &o->lists.by_type[1][TY_IN], &look));
}

/* ---- and all that goes with it ---- */

static inline void finish(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    queue_unlink(o, c);
    express_release(o, c);
    o->outstanding--;
    q->outstanding--;
    q->current = NULL;
    if (c->turn > q->used_turn)
        q->used_turn = c->turn;
}

/* Its steps but for the last one; the first may be in the picture. It learns of them where it matters: made_known(). */
void express_count_steps(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    const struct express *x = &o->express;
    const struct twin *t = &c->twin;
    struct check_list *loads = o->lists.by_place[1][VBLK_DEVICE], *stores = o->lists.by_place[0][VBLK_DEVICE];
    const uint32_t first = x->settled == t->steps;

    if (unlikely(x->settled > t->steps + 1)) {
        express_steps(o, &t->publish);
        return;
    }
    loads[q->packed ? IN_PACKED_RING : IN_AVAIL_RING].known.times += first;
    loads[q->packed ? IN_PACKED_RING : IN_DESC_TABLE].known.times += t->count;
    loads[IN_READABLE].known.times++;
    stores[IN_WRITABLE].known.times += t->stores;
    stores[q->packed ? IN_PACKED_RING : IN_USED_ELEM].known.times++;
    o->seq += first + t->count + t->stores + 2u;
    o->serving = q->no;
    c->taken = c->status_stored = true;
    c->begun = q->packed;
}

/* Whether an element more changes nothing in who has to be notified of what; then it is counted. */
static inline bool quietly_used(struct vblk_oracle *o, const struct queue *q)
{
    struct notices *s = &o->notices[q->no];
    struct notice *n = &s->way[VBLK_DEVICE];
    const bool here = n->event == n->at, by_event = negotiated(o, VBLK_F_EVENT_IDX);

    if (!s->on || n->at != q->used_idx || n->changed || n->total + 1 > s->way[VBLK_DRIVER].total ||
        (by_event ? here : (n->flags & 1) == 0 && (!n->due || n->inside || (!n->other && (here || n->event == 0)))))
        return false;
    n->at++;
    n->total++;
    n->fresh++;
    n->published = o->seq;
    return true;
}

#ifndef NDEBUG
bool express_answer_is_so(struct vblk_oracle *o, const struct queue *q, const struct chain *c, const struct told *told,
                          const struct shadow_read *read)
{
    const uint16_t slot = q->used_idx & (uint16_t)(q->size - 1u);
    const struct sign idx = idx_sign(o, q);
    struct sign used = answer_sign(o, q, c);

    express_add_read(&used, c, read);
    return idx_is_so(o, q, told, &idx) && answer_is_so(o, q, c, slot, 0, told, &used, read);
}
#endif

void express_answer(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, uint16_t flags,
                    const struct told *told, const struct shadow_read *read)
{
    if (!q->packed) {
        judge_idx(o, q, told);
        q->elem_fresh[slot] = 0;
    }
    q->answered = o->seq;
    q->used_total++;
    q->since_notify++;
    if (q->packed) {
        packed_pass_used(q, c->slots);
        q->from_batch = false;
    }
    if (c->req.slot == TY_IN) {
        judge_read(o, q, c, slot, flags, told, read);
    } else {
        if (c->req.slot == TY_FLUSH)
            effect_flushed(o, c);
        judge_answer(o, q, c, slot, flags, told);
    }
    finish(o, q, c);
    if (q->packed) {
        q->by_id[c->head] = 0;
        packed_spare(q, c);
        return;
    }
    if (!quietly_used(o, q))
        notify_used_one(o, q, (uint16_t)(q->used_idx + 1));
    q->used_idx++;
    express_free(o, q);
}

void express_answered(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t slot, uint16_t flags,
                      const struct told *told)
{
    struct chain *next = c->newer;
    struct shadow_read read = { .compared = false };

    express_count_steps(o, q, c);
    express_leave(o);
    if (c->req.slot == TY_IN)
        effect_read(o, q, c, &read);
    express_answer(o, q, c, slot, flags, told, &read);
    foresee(o, q, next);
}
