/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The usual accesses to a ring and to the requests in it, a few instructions each; those to a packed ring itself are in
 * express_packed.c. Memory tells of them in a few words (region.h) instead of an event. What is done here is what access.c
 * does for the same access, no more and no less: find whose bytes they are, count what the checks of such an access said
 * the last time, note what the access shows. Whatever is not usual in any respect is left to access.c, with nothing done.
 *
 * Without NDEBUG each access is looked up and judged the long way, too, and has to come out the same.
 */
#include "express_impl.h"
#include "sight.h"

static uint64_t desc_bytes(const struct queue *q)
{
    return 16u * (uint64_t)q->size;
}

static uint64_t slot_bytes(const struct queue *q)
{
    return 2u * (uint64_t)q->size;
}

static uint64_t elem_bytes(const struct queue *q)
{
    return 8u * (uint64_t)q->size;
}

#ifndef NDEBUG
bool express_is_so(struct vblk_oracle *o, const struct check_list *list, const struct usual *u, const void *bytes)
{
    const struct vblk_event ev = { .kind = u->kind, .party = u->party, .at = u->at, .len = u->len, .bytes = bytes };
    struct look look = { .ev = &ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    access_classify(o, &ev, &look, &t);
    look.o = o;
    return look.place == u->place && t.q == u->q && t.chain == u->chain && t.offset == u->offset && plain_access(&look) &&
           (list->count == 0 || repeat_still_so(o, list, &look));
}
#endif

bool express_first_time(const struct vblk_oracle *o, struct check_list *list, const struct queue *q)
{
    if (list->count == 0)
        list->known.plain_for = o->plain[q != NULL];
    return list->count == 0;
}

/* Nobody's memory, and no word of a ring in its way. */
static inline bool nobodys(const struct vblk_oracle *o, const struct queue *q, uint64_t at, uint32_t len)
{
    return o->active_count == 1 && at - (q->driver - 3) >= 9 + slot_bytes(q) && at - (q->device - 3) >= 9 + elem_bytes(q) &&
           at - q->desc >= desc_bytes(q) && !busy_maybe(o->busy, at, len);
}

bool express_by_nobody(struct vblk_oracle *o, const struct queue *q, uint64_t at, uint32_t len, const void *bytes,
                       enum vblk_event_kind kind)
{
    const struct usual u = { NULL, NULL, at, UINT64_MAX, len, (uint8_t)kind, VBLK_DRIVER, IN_NOTHING };

    return nobodys(o, q, at, len) && count_again(o, &u, bytes);
}

static void takes(struct vblk_oracle *o, struct queue *q, uint32_t place)
{
    struct chain *c = &q->chains[place];

    if (place >= q->size || !c->outstanding)
        return;
    c->taken = true;
    q->current = c;
    o->serving = q->no;
}

static bool driver_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DRIVER, IN_DESC_TABLE };
    uint64_t into;

    if (q == NULL)
        return false;
    if (q->packed)
        return express_packed[VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DRIVER)](o, at, len, bytes, order);
    into = at - q->desc;
    if (into < desc_bytes(q)) {
        if (len > 16 - into % 16 || q->table[into / 16].owner != NO_OWNER || !count_again(o, &u, bytes))
            return false;
        q->entry_stored = o->seq;
        return true;
    }
    into = at - (q->driver + 4);
    if (into >= slot_bytes(q))
        return express_by_nobody(o, q, at, len, bytes, VBLK_EV_STORE);
    u.place = IN_AVAIL_RING;
    if (len != 2 || into % 2 != 0 ||
        ((into / 2 - q->used_idx) & (q->size - 1u)) < (uint16_t)(q->avail_idx - q->used_idx) ||
        !count_again(o, &u, bytes))
        return false;
    q->entry_stored = o->seq;
    return true;
}

static bool driver_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DRIVER, IN_USED_ELEM };
    uint64_t into;

    if (q == NULL)
        return false;
    if (q->packed)
        return express_packed[VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DRIVER)](o, at, len, bytes, order);
    into = at - (q->device + 4);
    if (into < elem_bytes(q))
        return len == 8 && into % 8 == 0 && count_again(o, &u, bytes);
    if (into == (uint64_t)-2) {
        u.place = IN_USED_IDX;
        return len == 2 && count_again(o, &u, bytes);
    }
    return express_by_nobody(o, q, at, len, bytes, VBLK_EV_LOAD);
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
    struct chain *c = served(o, q);
    const struct usual u = { q, c, at, 0, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_READABLE };

    if (c == NULL || c->fetched.count != 0 || c->first_writable == 0 || at != c->first->gpa || len > c->first->len ||
        !count_again(o, &u, bytes))
        return false;
    c->fetched.run[0].from = 0;
    c->fetched.run[0].to = len;
    c->fetched.count = 1;
    return true;
}

static bool device_load(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_LOAD, VBLK_DEVICE, IN_DESC_TABLE };
    const uint8_t *head = bytes;
    uint64_t into;

    if (q == NULL)
        return false;
    if (q->packed)
        return express_packed[VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DEVICE)](o, at, len, bytes, order);
    into = at - q->desc;
    if (into < desc_bytes(q)) {
        struct piece *p = &q->table[into / 16];
        if (len != 16 || into % 16 != 0 || p->owner == NO_OWNER || p->loaded != 0 || !count_again(o, &u, bytes))
            return false;
        p->loaded = 0xffff;
        takes(o, q, p->owner);
        return true;
    }
    into = at - (q->driver + 4);
    if (into < slot_bytes(q)) {
        u.place = IN_AVAIL_RING;
        if (len != 2 || into % 2 != 0 || !count_again(o, &u, bytes))
            return false;
        takes(o, q, (uint32_t)(head[0] | head[1] << 8));
        return true;
    }
    u.place = IN_AVAIL_IDX;
    return into == (uint64_t)-2 ? len == 2 && count_again(o, &u, bytes) : express_header(o, q, at, len, bytes);
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
    struct chain *c = served(o, q);
    const uint64_t offset = c != NULL ? offset_in(c, at, len) : UINT64_MAX;
    const struct usual u = { q, c, at, offset, len, VBLK_EV_STORE, VBLK_DEVICE, IN_WRITABLE };

    if (offset == UINT64_MAX || !count_again(o, &u, bytes))
        return false;
    written_add(&c->written, offset, offset + len);
    c->status_stored |= c->req.status_at - at < len;
    return true;
}

/* Used idx goes on by one, past an element that is there. */
static bool one_used(struct vblk_oracle *o, struct queue *q, uint64_t at, const void *bytes, enum vblk_order order)
{
    const struct usual u = { q, NULL, at, UINT64_MAX, 2, VBLK_EV_STORE, VBLK_DEVICE, IN_USED_IDX };
    const struct vblk_event ev = { .kind = VBLK_EV_STORE, .party = VBLK_DEVICE, .order = (uint8_t)order, .at = at, .len = 2,
                                   .bytes = bytes };
    const uint8_t *wire = bytes;
    const uint16_t idx = (uint16_t)(wire[0] | wire[1] << 8);

    if ((uint16_t)(idx - q->used_idx) != 1 || q->elem_pending != 0 || q->elem_fresh[q->used_idx & (q->size - 1u)] == 0 ||
        negotiated(o, VBLK_F_IN_ORDER) || !queue_in_sight(o, q) || !count_again(o, &u, bytes))
        return false;
    queue_used_one(o, q, &ev);
    notify_used_one(o, q, idx);
    if (q->lost || q->usual_for != o->settings)
        express_look(o);
    return true;
}

static bool device_store(void *oracle, uint64_t at, uint32_t len, const void *bytes, enum vblk_order order)
{
    struct vblk_oracle *o = oracle;
    struct queue *q = o->express;
    struct usual u = { q, NULL, at, UINT64_MAX, len, VBLK_EV_STORE, VBLK_DEVICE, IN_USED_ELEM };
    uint64_t into;

    if (q == NULL)
        return false;
    if (q->packed)
        return express_packed[VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DEVICE)](o, at, len, bytes, order);
    into = at - (q->device + 4);
    if (into == (uint64_t)-2)
        return len == 2 && one_used(o, q, at, bytes, order);
    if (into >= elem_bytes(q))
        return express_data(o, q, at, len, bytes);
    if (len != 8 || into % 8 != 0 || q->elem_pending != 0 || ((into / 8 - q->used_idx) & (q->size - 1u)) != 0 ||
        !count_again(o, &u, bytes))
        return false;
    q->elem_fresh[into / 8] = 1;
    return true;
}

const vblk_quick_fn express_lanes[VBLK_QUICK] = {
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DRIVER)] = driver_load,
    [VBLK_QUICK_OF(VBLK_EV_LOAD, VBLK_DEVICE)] = device_load,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DRIVER)] = driver_store,
    [VBLK_QUICK_OF(VBLK_EV_STORE, VBLK_DEVICE)] = device_store,
};

void express_look(struct vblk_oracle *o)
{
    struct queue *q = o->near;
    const bool usual = q != NULL && q->enabled && !q->lost && o->image == NULL &&
                       sees(o, VBLK_SEES_ALL) && queue_is_usual(o, q);

    o->express = usual ? q : NULL;
    o->plain[0] = sign_of_access(o, NULL).settings;
    o->plain[1] = usual ? sign_of_access(o, q).settings : 0;
}
