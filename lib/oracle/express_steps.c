/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device is foreseen to do with a chain: it loads the slot that names the head (packed: the first descriptor's
 * flags), each descriptor, and the header; it stores each piece of data whole, the status, and the answer. What makes the
 * answer valid is no step: there the picture learns of all of them.
 */
#include "express_impl.h"

const struct vblk_foreseen express_none = { .at = UINT64_MAX, .what = VBLK_FORESEEN_END };

static struct vblk_foreseen load(uint64_t at, uint32_t len)
{
    return (struct vblk_foreseen){ .at = at, .what = len };
}

static struct vblk_foreseen store(uint64_t at, uint32_t len, uint64_t value)
{
    return (struct vblk_foreseen){ .at = at, .what = len | VBLK_FORESEEN_STORE, .value = value };
}

/* Where the device finds the chain, which was made available last, and what. */
static struct vblk_foreseen finding(const struct queue *q, const struct chain *c)
{
    const uint64_t slot = (q->avail_idx - 1u) & (q->size - 1u);
    const vblk_le16 word = vblk_put16(q->packed ? c->first->flags : c->head);
    struct vblk_foreseen step = load(q->packed ? packed_flags_at(q, c->slot) : q->driver + 4 + 2 * slot, 2);

    step.value = vblk_foreseen_value(&word, 2);
    return step;
}

/* Where it will be: see follow(). */
static struct vblk_foreseen answer(const struct queue *q, const struct chain *c)
{
    const uint32_t len = (uint32_t)c->req.writable;
    const struct vblk_used_elem elem = { vblk_put32(c->head), vblk_put32(len) };
    const struct vblk_packed_desc desc = { .len = vblk_put32(len), .id = vblk_put16(c->head) };

    return q->packed ? store(0, 6, vblk_foreseen_value(&desc.len, 6)) : store(0, 8, vblk_foreseen_value(&elem, 8));
}

/* Data, of which is known how much it is, and the status, which is known. */
static bool plan_stores(const struct chain *c, struct twin *t, struct vblk_foreseen **s)
{
    for (const struct piece *p = c->first->after; p != NULL; p = p->after) {
        if (p->len >= VBLK_FORESEEN_STORE || (VBLK_FORESEEN_VALUE(p->len) && p->after != NULL))
            return false;
        if (p->len == 0)
            continue;
        *(*s)++ = store(p->gpa, p->len, VBLK_S_OK);
        t->stores++;
    }
    return t->stores > 0 && (*s)[-1].what == (1 | VBLK_FORESEEN_STORE);
}

/* That the answer is valid is a step where nothing has to be looked at then but what will not change any more. */
static bool may_wait(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    return !q->packed && !negotiated(o, VBLK_F_IN_ORDER) && c->req.slot == TY_FLUSH &&
           o->lists.by_type[1][TY_FLUSH].asked_count == 0 &&
           o->lists.by_moment[AT_USED_IDX].asked_count == 0 && o->opt.memory_gone == NULL;
}

static void chain_steps(struct twin *t)
{
    for (unsigned i = 0; i < t->answer; i++)
        t->steps[i].next = &t->steps[i + 1];
    t->steps[t->answer].next = &t->publish;
    t->publish.next = &express_none;
}

void express_plan(const struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    struct twin *t = &c->twin;
    struct vblk_foreseen *s = t->steps;

    if (c->first_writable != 1)
        return;
    *s++ = finding(q, c);
    for (const struct piece *p = c->first; p != NULL; p = p->after)
        *s++ = load(piece_lies(q, c, p), q->packed && p == c->first ? 14 : 16);
    *s++ = load(c->first->gpa, c->first->len);
    if (!plan_stores(c, t, &s)) {
        t->stores = 0;
        return;
    }
    t->answer = (uint8_t)(s - t->steps);
    *s = answer(q, c);
    t->publish = may_wait(o, q, c) ? store(q->device + 2, 2, 0) : express_none;
    chain_steps(t);
    answer_at(q, t, (uint16_t)(q->avail_idx - 1u));
}

void express_link(struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    express_link_next(o, q, c);
}

void express_spoil(struct vblk_oracle *o)
{
    o->express.links++;
    express_leave(o);
}

void express_forget(struct vblk_oracle *o, struct chain *c)
{
    if (o->express.chain == c)
        express_leave(o);
    if (c->older != NULL)
        c->older->twin.publish.next = &express_none;
}

static void descriptor_loaded(struct queue *q, struct chain *c, uint32_t i)
{
    const struct piece *p = c->first;

    if (!q->packed) {
        while (i-- > 0)
            p = p->after;
        q->table[p->index].loaded = 0xffff;
        return;
    }
    const uint16_t slot = packed_after(q, c->slot, (uint16_t)i);
    q->table[slot].loaded = 0x3fff; /* flags are polled */
    if (i > 0) {
        q->polled = slot;
        return;
    }
    c->begun = true;
    q->taken_turn = c->turn;
    q->strayed = NO_OWNER;
}

/* How many bytes the steps before @s stored. */
static uint64_t stored_before(const struct chain *c, const struct vblk_foreseen *s)
{
    uint64_t bytes = 0;

    for (const struct vblk_foreseen *t = c->twin.steps + c->twin.count + 2; t < s; t++)
        bytes += t->what & ~VBLK_FORESEEN_STORE;
    return bytes;
}

/* The kinds of steps, in turn. */
enum part { FINDS, DESCRIPTOR, HEADER, DATA, ANSWER, PUBLISHES };

static enum part part_of(const struct twin *t, const struct vblk_foreseen *s)
{
    const unsigned i = (unsigned)(s - t->steps);

    if (s == &t->publish)
        return PUBLISHES;
    return i == 0 ? FINDS : i <= t->count ? DESCRIPTOR : i == t->count + 1u ? HEADER : i < t->answer ? DATA : ANSWER;
}

static void step_usual(const struct vblk_oracle *o, const struct vblk_foreseen *s, struct usual *u)
{
    static const uint8_t places[] = { [FINDS] = IN_AVAIL_RING, [DESCRIPTOR] = IN_DESC_TABLE, [HEADER] = IN_READABLE,
                                      [DATA] = IN_WRITABLE, [ANSWER] = IN_USED_ELEM, [PUBLISHES] = IN_USED_IDX };
    struct chain *c = o->express.chain;
    const enum part part = part_of(&c->twin, s);
    const bool in_chain = part == HEADER || part == DATA;

    *u = (struct usual){ o->express.q, in_chain ? c : NULL, s->at, in_chain ? stored_before(c, s) : UINT64_MAX,
                         s->what & ~VBLK_FORESEEN_STORE, part >= DATA ? VBLK_EV_STORE : VBLK_EV_LOAD, VBLK_DEVICE,
                         o->express.q->packed && !in_chain ? IN_PACKED_RING : places[part] };
}

static void taken_up(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    if (q->packed)
        q->polled = c->slot;
    c->taken = true;
    q->current = c;
    o->serving = q->no;
}

static void picture(struct vblk_oracle *o, struct chain *c, const struct vblk_foreseen *s, const struct usual *u)
{
    struct queue *q = o->express.q;

    switch (part_of(&c->twin, s)) {
    case FINDS:
        taken_up(o, q, c);
        break;
    case DESCRIPTOR:
        descriptor_loaded(q, c, (uint32_t)(s - c->twin.steps) - 1);
        break;
    case HEADER:
        written_add(&c->fetched, 0, u->len);
        break;
    case DATA:
        written_add(&c->written, u->offset, u->offset + u->len);
        c->status_stored |= s + 1 == c->twin.steps + c->twin.answer;
        break;
    case ANSWER:
        q->elem_fresh[q->packed ? q->used_idx : q->used_idx & (q->size - 1u)] |= q->packed ? SLOT_ID | SLOT_LEN : 1;
        break;
    case PUBLISHES:
        break; /* see express_run.c */
    }
}

void express_steps(struct vblk_oracle *o, const struct vblk_foreseen *to)
{
    struct express *x = &o->express;
    struct usual u;

    for (; x->settled != to; x->settled = x->settled->next) {
        step_usual(o, x->settled, &u);
        o->lists.by_place[u.kind == VBLK_EV_STORE ? 0 : 1][VBLK_DEVICE][u.place].known.times++;
        o->seq++;
        picture(o, x->chain, x->settled, &u);
    }
}

void express_catch_up(struct vblk_oracle *o)
{
    struct express *x = &o->express;

    if (x->settled == x->lane.step)
        return;
    express_run(o);
    express_steps(o, x->lane.step);
}

/* ---- what the driver did in the lane ---- */

static const struct lane_kind {
    uint8_t store, place;
} lane_kinds[VBLK_LANE_KINDS] = {
    [VBLK_LANE_DESC] = { true, IN_DESC_TABLE },      [VBLK_LANE_SLOT] = { true, IN_AVAIL_RING },
    [VBLK_LANE_ELEM] = { false, IN_USED_ELEM },      [VBLK_LANE_NOBODY_STORE] = { true, IN_NOTHING },
    [VBLK_LANE_NOBODY_LOAD] = { false, IN_NOTHING }, [VBLK_LANE_FILL] = { true, IN_PACKED_RING },
    [VBLK_LANE_SHOW] = { true, IN_PACKED_RING },     [VBLK_LANE_READ] = { false, IN_PACKED_RING },
};

void express_collect(struct vblk_oracle *o)
{
    struct vblk_lane *lane = &o->express.lane;
    const bool entry = (lane->passed[VBLK_LANE_DESC] | lane->passed[VBLK_LANE_SLOT] | lane->passed[VBLK_LANE_FILL] |
                        lane->passed[VBLK_LANE_SHOW]) != 0;

    for (unsigned i = 0; i < VBLK_LANE_KINDS; i++) {
        const struct lane_kind *kind = &lane_kinds[i];
        o->lists.by_place[!kind->store][VBLK_DRIVER][kind->place].known.times += lane->passed[i];
        o->seq += lane->passed[i];
        lane->passed[i] = 0;
    }
    if (entry)
        o->express.q->entry_stored = o->seq;
}

void express_settle(struct vblk_oracle *o)
{
    express_catch_up(o);
    express_collect(o);
}

#ifndef NDEBUG
bool express_lane_is_so(void *oracle, enum vblk_lane_kind kind, uint64_t at, uint32_t len, const void *bytes)
{
    struct vblk_oracle *o = oracle;
    struct usual u;

    express_catch_up(o);
    if (kind == VBLK_LANE_STEP) {
        step_usual(o, o->express.lane.step, &u);
    } else {
        const struct lane_kind *k = &lane_kinds[kind];
        u = (struct usual){ k->place != IN_NOTHING ? o->express.q : NULL, NULL, at, UINT64_MAX, len,
                            k->store ? VBLK_EV_STORE : VBLK_EV_LOAD, VBLK_DRIVER, k->place };
    }
    return express_is_so(o, &u, bytes) && (u.place != IN_PACKED_RING || u.party == VBLK_DEVICE || express_slot_is_so(o, &u));
}

bool express_is_so(struct vblk_oracle *o, const struct usual *u, const void *bytes)
{
    const struct check_list *list = &o->lists.by_place[u->kind == VBLK_EV_STORE ? 0 : 1][u->party][u->place];
    const struct vblk_event ev = { .kind = u->kind, .party = u->party, .at = u->at, .len = u->len, .bytes = bytes };
    struct look look = { .ev = &ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    express_catch_up(o);
    access_classify(o, &ev, &look, &t);
    look.o = o;
    return look.place == u->place && t.q == u->q && t.chain == u->chain && t.offset == u->offset && plain_access(&look) &&
           (list->count == 0 || (list->known.plain_for == o->plain[u->q != NULL] && repeat_still_so(o, list, &look)));
}
#endif
