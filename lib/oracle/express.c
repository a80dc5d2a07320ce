/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The usual accesses to a ring and to the requests in it, a few instructions each; those to a packed ring itself are in
 * express_packed.c. Memory tells of them in a few words (region.h) instead of an event. What is done here is what access.c
 * does for the same access, no more and no less: find whose bytes they are, count what the checks of such an access said
 * the last time, note what the access shows. Whatever is not usual in any respect is left to access.c, with nothing done.
 *
 * Most of them don't come here: they pass in the lane (lane.h), in which what a device does with a chain is foreseen step by
 * step, and what the driver may do that says nothing new. The picture learns of it when the chain is used, or of as much
 * as was done when anything else happens (express_settle()).
 *
 * Without NDEBUG each access is looked up and judged the long way, too, and has to come out the same.
 */
#include "express_impl.h"

static bool looks_like_nobodys(const struct vblk_oracle *o, uint64_t at, uint32_t len)
{
    const struct queue *q = o->express.q;

    return apart(at, len, q->driver - 3, 9 + slot_bytes(q)) && apart(at, len, q->device - 3, 9 + elem_bytes(q)) &&
           apart(at, len, q->desc, desc_bytes(q)) && !busy_maybe(o->busy, at, len);
}

static inline bool by_nobody(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes, enum vblk_event_kind kind)
{
    const struct usual u = { NULL, NULL, at, UINT64_MAX, len, (uint8_t)kind, VBLK_DRIVER, IN_NOTHING };

    if (o->express.open[kind == VBLK_EV_STORE ? 0 : 1][VBLK_DRIVER][IN_NOTHING] == 0 || !looks_like_nobodys(o, at, len))
        return false;
    count_again(o, &u, bytes);
    return true;
}

__attribute__((noinline)) bool express_nobodys_store(void *oracle, uint64_t at, uint32_t len, const void *bytes,
                                                     enum vblk_order order)
{
    (void)order;
    return by_nobody(oracle, at, len, bytes, VBLK_EV_STORE);
}

__attribute__((noinline)) bool express_nobodys_load(void *oracle, uint64_t at, uint32_t len, const void *bytes,
                                                    enum vblk_order order)
{
    (void)order;
    return by_nobody(oracle, at, len, bytes, VBLK_EV_LOAD);
}

static bool driver_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct express *x = &o->express;
    struct usual u = { x->q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DRIVER, IN_DESC_TABLE };
    uint64_t into = at - x->desc;

    express_catch_up(o);
    if (into < x->OPEN(STORE, DRIVER, DESC_TABLE)) {
        if (len > 16 - into % 16 || x->q->table[into / 16].owner != NO_OWNER)
            return false;
        count_again(o, &u, bytes);
        x->q->entry_stored = o->seq;
        return true;
    }
    into = at - x->slots;
    if (into >= x->OPEN(STORE, DRIVER, AVAIL_RING))
        return express_nobodys_store(o, at, len, bytes, order);
    u.place = IN_AVAIL_RING;
    if (len != 2 || into % 2 != 0 || (uint16_t)(x->q->avail_idx - x->q->used_idx) != x->q->outstanding ||
        ((into / 2 - x->q->used_idx) & (x->q->size - 1u)) < x->q->outstanding)
        return false;
    count_again(o, &u, bytes);
    x->q->entry_stored = o->seq;
    return true;
}

static bool driver_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct express *x = &o->express;
    struct usual u = { x->q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DRIVER, IN_USED_ELEM };
    const uint64_t into = at - x->elems;

    express_catch_up(o);
    if (into < x->OPEN(LOAD, DRIVER, USED_ELEM)) {
        if (len != 8 || into % 8 != 0)
            return false;
        count_again(o, &u, bytes);
        return true;
    }
    if (into == (uint64_t)-2 && len == 2 && x->OPEN(LOAD, DRIVER, USED_IDX) != 0) {
        u.place = IN_USED_IDX;
        count_again(o, &u, bytes);
        x->q->reaped = o->seq;
        return true;
    }
    return express_nobodys_load(o, at, len, bytes, order);
}

/* The chain that the device is busy with, if nothing about it is odd: no two pieces of it have a byte in common. */
static inline struct chain *served(const struct vblk_oracle *o, const struct queue *q)
{
    struct chain *c = o->serving == q->no ? q->current : NULL;

    return c != NULL && !c->shared && c->faults == 0 ? c : NULL;
}

/* The first readable bytes that are fetched: the header, as a rule. */
bool express_header(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes)
{
    struct chain *c = q != NULL ? served(o, q) : NULL;
    const struct usual u = { q, c, at, 0, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_READABLE };

    if (c == NULL || o->express.OPEN(LOAD, DEVICE, READABLE) == 0)
        return false;
    if (c->fetched.count != 0 || c->first_writable == 0 || at != c->first->gpa || len > c->first->len)
        return false;
    express_spoil(o);
    count_again(o, &u, bytes);
    c->fetched.run[0].from = 0;
    c->fetched.run[0].to = len;
    c->fetched.count = 1;
    return true;
}

static bool descriptor_load(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes)
{
    struct queue *q = o->express.q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_DESC_TABLE };
    const uint64_t into = at - q->desc;
    struct piece *p = &q->table[into / 16];

    if (len != 16 || into % 16 != 0 || p->owner == NO_OWNER || p->loaded != 0)
        return false;
    express_spoil(o);
    count_again(o, &u, bytes);
    p->loaded = 0xffff;
    if (p->owner < q->size && q->chains[p->owner].outstanding) {
        q->current = &q->chains[p->owner];
        q->current->taken = true;
        o->serving = q->no;
    }
    return true;
}

static bool other_load(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes)
{
    const struct express *x = &o->express;

    return at - x->desc < x->OPEN(LOAD, DEVICE, DESC_TABLE) ? descriptor_load(o, at, len, bytes)
                                                            : express_header(o, x->q, at, len, bytes);
}

/* Whether there is something new: the device goes on as before. */
static bool idx_load(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes)
{
    const struct usual u = { o->express.q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_AVAIL_IDX };

    if (len != 2 || o->express.OPEN(LOAD, DEVICE, AVAIL_IDX) == 0)
        return false;
    express_catch_up(o);
    count_again(o, &u, bytes);
    return true;
}

/* Not the next step: rather the slot of the next chain. */
static bool device_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct express *x = &o->express;
    const struct usual u = { x->q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_AVAIL_RING };
    const uint64_t into = at - x->slots;

    (void)order;
    if (at == x->slots - 2)
        return idx_load(o, at, len, bytes);
    express_stop(o);
    if (into >= x->OPEN(LOAD, DEVICE, AVAIL_RING) || len != 2 || into % 2 != 0)
        return other_load(o, at, len, bytes);
    count_again(o, &u, bytes);
    const uint16_t head = le16_at(bytes);
    if (head < x->q->size && x->q->chains[head].outstanding)
        takes_up(o, x->q, &x->q->chains[head], true);
    return true;
}

/* Into the chain that is being served: offset among its writable bytes; UINT64_MAX: elsewhere. */
static inline uint64_t offset_in(const struct chain *c, uint64_t at, uint32_t len)
{
    uint64_t before = 0;

    if (at == c->req.status_at && len == 1)
        return c->req.in_len;
    for (const struct piece *p = c->first; p != NULL; p = p->after) {
        if ((p->flags & VBLK_DESC_WRITE) == 0)
            continue;
        if (at - p->gpa < p->len && len <= p->len - (at - p->gpa))
            return before + (at - p->gpa);
        before += p->len;
    }
    return UINT64_MAX;
}

bool express_data(struct vblk_oracle *o, struct queue *q, uint64_t at, uint32_t len, const void *bytes)
{
    struct chain *c = q != NULL && o->express.OPEN(STORE, DEVICE, WRITABLE) != 0 ? served(o, q) : NULL;
    const uint64_t offset = c != NULL ? offset_in(c, at, len) : UINT64_MAX;
    const struct usual u = { q, c, at, offset, len, VBLK_EV_STORE, VBLK_DEVICE, IN_WRITABLE };

    if (offset == UINT64_MAX)
        return false;
    express_spoil(o);
    count_again(o, &u, bytes);
    written_add(&c->written, offset, offset + len);
    c->status_stored |= c->req.status_at - at < len;
    return true;
}

/* Used idx goes on by one, past an element that is there. */
static bool one_used(struct vblk_oracle *o, struct queue *q, const struct told *told)
{
    const struct usual u = { q, NULL, told->at, UINT64_MAX, 2, VBLK_EV_STORE, VBLK_DEVICE, IN_USED_IDX };
    const struct vblk_event ev = { .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .order = (uint8_t)told->order,
                                   .at = told->at, .len = 2, .bytes = told->bytes };
    const uint16_t idx = le16_at(told->bytes);

    express_stop(o);
    if (q->elem_fresh[q->used_idx & (q->size - 1u)] == 0 || !queue_in_sight(o, q))
        return false;
    count_again(o, &u, told->bytes);
    queue_used_one(o, q, &ev);
    notify_used_one(o, q, idx);
    look_again(o, q);
    express_free(o, q);
    return true;
}

/* An element, for the place that comes next. */
static bool element_store(struct vblk_oracle *o, uint64_t at, uint32_t len, const void *bytes)
{
    struct express *x = &o->express;
    struct queue *q = x->q;
    const struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DEVICE, IN_USED_ELEM };
    const uint64_t into = at - x->elems;

    if (len != 8 || into % 8 != 0 || ((into / 8 - q->used_idx) & (q->size - 1u)) != 0)
        return false;
    count_again(o, &u, bytes);
    q->elem_fresh[into / 8] = 1;
    return true;
}

static bool idx_store(struct vblk_oracle *o, uint64_t at, const void *bytes, enum vblk_order order)
{
    struct express *x = &o->express;
    struct queue *q = x->q;
    const struct usual u = { q, NULL, at, UINT64_MAX, 2, VBLK_EV_STORE, VBLK_DEVICE, IN_USED_IDX };
    const struct told told = { at, bytes, 2, order };

    express_run(o);
    if ((uint16_t)(le16_at(bytes) - q->used_idx) != 1)
        return false;
    if (!steps_made(x) || !queue_in_sight(o, q))
        return one_used(o, q, &told);
    if (x->chain->req.slot == TY_IN) {
        assert(express_is_so(o, &u, bytes));
        x->lane.step = x->chain->twin.publish.next;
        express_answers(o);
        return true;
    }
    count_again(o, &u, bytes);
    express_answered(o, q, x->chain, q->used_idx & (uint16_t)(q->size - 1u), 0, &told);
    return true;
}

static bool device_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct express *x = &o->express;
    const uint64_t into = at - x->elems;

    if (into == (uint64_t)-2 && len == 2 && x->OPEN(STORE, DEVICE, USED_IDX) != 0)
        return idx_store(o, at, bytes, order);
    express_stop(o);
    if (into < x->OPEN(STORE, DEVICE, USED_ELEM))
        return element_store(o, at, len, bytes);
    return express_data(o, x->q, at, len, bytes);
}

const vblk_quick_fn express_split[VBLK_QUICK] = {
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DRIVER)] = driver_load,
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DEVICE)] = device_load,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DRIVER)] = driver_store,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DEVICE)] = device_store,
};
