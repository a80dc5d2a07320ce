/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of a split queue that are made available one after the other, each a twin of the last one at its head (twin.c),
 * and with its pieces as far apart as those were: then one look finds all of them in memory that no ring is in and that no
 * other request has, and what the lane foresees of it is moved with them.
 *
 * Without NDEBUG each is captured the long way, too, and has to come out the same.
 */
#include <string.h>

#include "express_impl.h"
#include "sight.h"

/* What is the same for all of a row, or for those of one type in it. */
struct row {
    const uint8_t *slots, *descs;
    const struct vblk_event *ev;
    uint64_t facts;          /* of the sign when they become available, but for the sector and the first one ever */
    struct check_list *list; /* of that type; NULL: there is none yet */
    uint32_t known;          /* so many the checks say the same of as of the last one */
};

static inline void load_descriptor(struct piece *p, const uint8_t *from)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(p, from, 16);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
    const uint64_t rest = le64_at(from + 8);
    p->gpa = le64_at(from);
    p->len = (uint32_t)rest;
    p->flags = (uint16_t)(rest >> 32);
    p->next = (uint16_t)(rest >> 48);
#endif
}

static inline uint64_t rest_of(const struct piece *p)
{
    return p->len | (uint64_t)p->flags << 32 | (uint64_t)p->next << 48;
}

/* Nothing was taken from anybody. */
static void put_back(struct queue *q, const struct chain *c, unsigned n)
{
    uint16_t index = c->head;

    for (; n > 0; n--) {
        q->table[index].owner = NO_OWNER;
        index = q->table[index].next;
    }
}

/* Copy the descriptors. @return false: they are not as they were, but for where all of them lie. */
static inline bool take_pieces(struct queue *q, const struct row *row, struct chain *c)
{
    const struct twin *t = &c->twin;
    struct piece *p = &q->table[c->head], *first = p;

    for (unsigned i = 0;; p = p->after) {
        if (p->owner != NO_OWNER)
            return put_back(q, c, i), false;
        load_descriptor(p, row->descs + 16u * (size_t)p->index);
        if (rest_of(p) != t->rest[i] || p->gpa - first->gpa != t->apart[i])
            return put_back(q, c, i), false;
        p->owner = c->head;
        p->pos = (uint16_t)i;
        p->loaded = 0;
        if (++i == t->count)
            break;
        p->after = &q->table[p->next];
    }
    p->after = NULL;
    return true;
}

/* The room that they have for themselves. NULL: some of it may be somebody else's, or it is not the usual one. */
static inline const uint8_t *room_of(const struct vblk_oracle *o, const struct twin *t, uint64_t gpa)
{
    const uint64_t from = gpa - t->before - o->room_from;

    if (from >= o->room_len || t->span > o->room_len - from || (gpa & ((1u << BUSY_COARSE) - 1)) != t->busy.phase ||
        t->busy.pages == 0 || !busy_plan_clear(o->busy, &t->busy, gpa))
        return NULL;
    return o->room_host + (gpa - o->room_from);
}

static inline bool read_request(const struct vblk_oracle *o, struct chain *c, uint64_t gpa, const uint8_t *head)
{
    const struct twin *t = &c->twin;
    struct request *r = &c->req;
    const uint64_t status = t->apart[t->last] + (uint32_t)t->rest[t->last] - 1;

    if (le32_at(head) != t->type)
        return false;
    r->reserved = le32_at(head + 4);
    r->sector = le64_at(head + 8);
    r->status_at = gpa + status;
    r->status_before = head[(int64_t)status];
    if (r->slot == TY_IN)
        return request_in_range(&o->ctl, r->sector, r->in_len);
    r->sum = r->slot == TY_FLUSH ? shadow_now(&o->shadow) : 0;
    return true;
}

/* As queue_begin(), of what became of the last one. */
static inline void begin(const struct vblk_oracle *o, const struct queue *q, struct chain *c)
{
    const struct twin *t = &c->twin;

    c->outstanding = true;
    c->taken = c->void_ = c->racy = c->behind = c->beside = c->suspect = c->shared = c->status_stored = c->begun = false;
    c->written.count = c->fetched.count = 0;
    c->written.overflow = c->fetched.overflow = false;
    c->faults = 0;
    c->born = o->seq;
    c->count = t->count;
    c->first = &q->table[c->head];
}

/* What the lane foresees: a split queue's descriptors are where they were. */
static inline void move_steps(const struct queue *q, struct chain *c, uint64_t gpa)
{
    struct twin *t = &c->twin;
    struct vblk_foreseen *s = t->steps + t->count + 1;
    const uint16_t place = (uint16_t)(q->avail_idx - 1u);

    if (t->stores == 0)
        return;
    t->steps[0].at = q->driver + 4 + 2u * (uint64_t)(place & (q->size - 1u));
    answer_at(q, t, place);
    (s++)->at = gpa;
    for (unsigned i = 1; i < t->count; i++)
        if ((uint32_t)t->rest[i] > 0)
            (s++)->at = gpa + t->apart[i];
}

static void count_known(struct vblk_oracle *o, struct row *row)
{
    if (row->known == 0)
        return;
    row->list->known.times += row->known;
    row->list->known.last = ++o->stamp;
    row->known = 0;
}

static __attribute__((noinline)) void judge_anew(struct vblk_oracle *o, const struct queue *q, struct chain *c,
                                                 struct row *row)
{
    count_known(o, row);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = row->ev, .q = q, .chain = c });
    row->list = &o->lists.by_type[0][c->req.slot];
    if (row->list->asked_count > 0 || row->list->known.sign.causes != 0 || row->list->known.sign.settings != o->settings)
        row->list = NULL;
}

#ifndef NDEBUG
static bool is_so(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, const struct row *row)
{
    const struct look look = { .o = o, .ev = row->ev, .q = q, .chain = c };
    struct sign sign;

    return sign_of_chain(&look, &sign) && same_sign(&sign, &row->list->known.sign) && repeat_still_so(o, row->list, &look);
}
#endif

/* What the checks say of it, as they did of the last one that was made like that. */
static inline void judge(struct vblk_oracle *o, const struct queue *q, struct chain *c, struct row *row)
{
    const struct sign *sign = row->list != NULL ? &row->list->known.sign : NULL;

    if (unlikely(row->list != &o->lists.by_type[0][c->req.slot] || sign->shape != c->shape ||
                 sign->facts != (row->facts | FACT(16, c->req.sector == 0) | FACT(33, q->total > 1)))) {
        judge_anew(o, q, c, row);
        return;
    }
    assert(is_so(o, q, c, row));
    row->known++;
}

/* It is with the device. */
static inline void link_last(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    queue_link(o, q, c);
    express_link_next(o, q, c);
    if (c->req.slot == TY_IN && o->mutators > 0)
        effect_available(o, q, c);
}

static inline bool take_next(struct vblk_oracle *o, struct queue *q, struct row *row)
{
    const uint16_t head = le16_at(row->slots + 2u * (size_t)(q->avail_idx & (q->size - 1u)));
    struct chain *c = &q->chains[head];
    const uint8_t *room;

    if (head >= q->size || c->outstanding || c->twin.settings != o->settings || !take_pieces(q, row, c))
        return false;
    room = room_of(o, &c->twin, q->table[head].gpa);
    if (room == NULL || !read_request(o, c, q->table[head].gpa, room)) {
        put_back(q, c, c->twin.count);
        return false;
    }
    q->avail_idx++;
    begin(o, q, c);
    busy_plan_add(o->busy, &c->twin.busy, q->table[head].gpa, 1);
    move_steps(q, c, q->table[head].gpa);
    assert(twin_is_so(o, q, c));
    link_last(o, q, c);
    judge(o, q, c, row);
    q->next_desc = (uint16_t)((head + (uint32_t)c->direct) & (q->size - 1u));
    return true;
}

uint16_t twin_row(struct vblk_oracle *o, struct queue *q, uint16_t fresh, const struct vblk_event *ev)
{
    uint16_t n = 0;

    if (!queue_in_sight(o, q) || !queue_is_usual(o, q) || o->room_epoch != o->mem->epoch || o->opt.memory_gone != NULL ||
        negotiated(o, VBLK_F_IN_ORDER))
        return 0;
    struct row row = { .slots = q->driver_bytes + 4, .descs = q->desc_bytes, .ev = ev,
                       .facts = FACT(17, o->abuse) | FACT(31, o->unflushed > 0) };
    while (n < fresh && !q->lost && take_next(o, q, &row))
        n++;
    count_known(o, &row);
    return n;
}
