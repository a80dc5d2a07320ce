/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcomes that repeat while a moment shows the same sign: see repeat.c. */
#ifndef ORACLE_REPEAT_H
#define ORACLE_REPEAT_H

#include <assert.h>

#include "fast.h"
#include "judge.h"

bool outcome_repeats(const struct check *check, enum moment moment);
/* Keep an outcome of a check that repeats. @asked counts the others. @return false: it is not one that repeats. */
bool repeat_learn(struct vblk_oracle *o, struct check_list *list, const struct check *check, enum outcome outcome,
                  const struct why *why, unsigned *asked);
/* Whether the checks say what is known of them. */
bool repeat_still_so(const struct vblk_oracle *o, const struct check_list *list, const struct look *look);

/* Add what was found again to the tallies. */
void repeat_count_list(struct vblk_oracle *o, struct check_list *list);

/* What is known holds once more: one count for all of it, see repeat_count(). */
static inline void repeat_known(struct vblk_oracle *o, struct check_list *list, const struct look *look)
{
    (void)look;
    assert(repeat_still_so(o, list, look));
    list->known.times++;
    list->known.last = ++o->stamp;
}

static inline bool same_sign(const struct sign *a, const struct sign *b)
{
    return a->facts == b->facts && a->settings == b->settings && a->shape == b->shape && a->causes == b->causes;
}

/* How a chain is made, for all checks that repeat; keeps what single checks ask of it in the chain. */
uint64_t shape_of(const struct queue *q, struct chain *c);

/*
 * No malformed PROVISION, no stale notification, no reset of a queue: what happens to hardly any queue, and some checks
 * look at. Whatever makes it unusual counts as a change of settings.
 */
bool queue_turns_usual(const struct vblk_oracle *o, struct queue *q);
static inline bool queue_is_usual(const struct vblk_oracle *o, const struct queue *q)
{
    return q->usual_for == o->settings || queue_turns_usual(o, (struct queue *)(uintptr_t)q);
}

/* A store into the part of a split ring that its owner may fill next. */
static inline bool plain_ring_store(const struct look *l)
{
    const struct queue *q = l->q;
    const uint16_t mask = (uint16_t)(q->size - 1u);

    if (!q->enabled || q->lost || !queue_is_usual(l->o, q))
        return false;
    if (l->place == IN_USED_ELEM)
        return (((l->at - q->device - 4) / 8 - q->used_idx) & mask) == 0;
    if (l->place != IN_AVAIL_RING)
        return true;
    const uint64_t slot = (l->at - q->driver - 4) / 2;
    return l->at - q->driver - 4 < 2u * (uint64_t)q->size && (uint16_t)(q->avail_idx - q->used_idx) == q->outstanding &&
           ((slot - q->used_idx) & mask) >= q->outstanding;
}

/*
 * An access for the first time to what the device has to fetch, and into descriptors, slots and elements that are as such
 * an access finds them: outstanding for a load, free for a store.
 */
static inline bool plain_access(const struct look *l)
{
    const bool load = l->ev->kind == VBLK_EV_LOAD;

    if (l->place == IN_DESC_TABLE && l->q->enabled) {
        const struct piece *p = &l->q->table[(l->at - l->q->desc) / 16];
        return load ? p->owner != NO_OWNER && p->loaded == 0 : p->owner == NO_OWNER;
    }
    if (!load && (1u << l->place & (USED_PLACES | PLACE(AVAIL_RING))) != 0)
        return plain_ring_store(l);
    if (!load)
        return l->place == IN_PACKED_RING ? l->q->enabled : l->place != IN_INDIRECT;
    if (l->place == IN_PACKED_RING && l->party == VBLK_DRIVER)
        return l->q->enabled;
    if (l->place == IN_PACKED_RING || l->place == IN_INDIRECT)
        return l->q->enabled && l->chain == NULL && l->q->table[(l->at - l->q->desc) / 16].loaded == 0;
    return l->place != IN_READABLE || l->q->current == NULL || l->q->current->fetched.count == 0;
}

/* One number, for there are many accesses. */
static inline struct sign sign_of_access(const struct vblk_oracle *o, const struct queue *q)
{
    return (struct sign){ .settings = o->settings << 5 | (uint64_t)o->abuse << 3 |
                                      (q == NULL ? 0 : 1u + q->enabled + 2u * q->lost) };
}

#define FACT(which, fact) ((uint64_t)(fact) << (which))

/* How an answer compares with what was asked for, and with what was seen of it. */
static inline uint64_t answer_facts(const struct chain *c, const struct answer *a)
{
    const struct request *r = &c->req;

    return a->status | FACT(8, c->status_stored) | FACT(9, a->status == r->status_before) | FACT(10, a->len > a->prefix) |
           FACT(11, a->prefix > a->len) | FACT(12, a->prefix_known) | FACT(13, a->len > r->writable) |
           FACT(14, a->len == r->writable) | FACT(15, a->read.compared) | FACT(20, a->skipped) | FACT(21, a->len_known) |
           FACT(22, a->out_of_order) | FACT(23, a->batch > 1) | FACT(24, a->advance >= a->batch);
}

/* Whether an older chain of the same queue is outstanding. */
static inline bool older_beside(const struct vblk_oracle *o, const struct chain *c)
{
    const struct chain *b = c->older;

    while (b != NULL && b->queue != c->queue && o->active_count > 1)
        b = b->older;
    return b != NULL;
}

/* How things stand with other requests. */
static inline uint64_t used_facts(const struct look *l)
{
    const struct chain *c = l->chain;

    return answer_facts(c, l->answer) | FACT(25, l->q->since_kick > 0) | FACT(26, l->q->outstanding >= 2) |
           FACT(27, l->o->outstanding >= 2) | FACT(28, c->older == NULL) | FACT(29, older_beside(l->o, c)) |
           FACT(30, l->o->mutators > 0) | FACT(31, l->o->provisioned.known) | FACT(32, beside_provisioned(l->o, c)) |
           FACT(33, chain_must_be_found(l->o, l->q, c));
}

/* Nothing went on lately that makes a difference to requests that have nothing to do with it. */
static inline bool is_calm(const struct vblk_oracle *o)
{
    return (o->abuse | o->provisioned.known | o->mutators) == 0 && o->active_count == 1;
}

/* The driver told the device of the chain, or owes it. */
static inline bool told_of(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    const struct notice *n = &notices_of(o, q)->way[VBLK_DRIVER];

    return c->born <= n->sent || n->due || n->missed;
}

/*
 * The same, while it is calm, for a request that was answered OK in full, by a device that wrote all it was to write, and
 * nothing odd about it.
 */
static inline uint64_t calm_facts(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    const uint64_t always = VBLK_S_OK | FACT(8, 1) | FACT(12, 1) | FACT(14, 1) | FACT(21, 1);

    return always | FACT(24, !q->packed) | FACT(9, c->req.status_before == VBLK_S_OK) | FACT(16, c->req.sector == 0) |
           FACT(25, q->since_kick > 0) | (q->outstanding >= 2 ? FACT(26, 1) | FACT(27, 1) : 0) |
           (c->older == NULL ? FACT(28, 1) : FACT(29, 1)) | FACT(33, !told_of(o, q, c) && chain_must_be_found(o, q, c));
}

static inline uint64_t available_facts(const struct look *l)
{
    const bool ordered = negotiated(l->o, VBLK_F_IN_ORDER) && l->chain->head == l->q->next_desc;
    return FACT(31, l->o->unflushed > 0) | FACT(32, ordered) | FACT(33, l->q->total > 1);
}

/* A request with nothing wrong, answered with nothing changed that must not. */
static inline bool plain(const struct look *l)
{
    const struct chain *c = l->chain;
    const struct answer *a = l->answer;

    if (c == NULL || c->faults != 0 || c->count == 0 || (c->void_ | c->odd | l->q->lost) || !queue_is_usual(l->o, l->q))
        return false;
    if (a != NULL && l->q->packed && c->link != NO_OWNER && a->status != VBLK_S_OK)
        return false; /* what the table has besides its requests' bytes may matter */
    return a == NULL || !(a->table_changed | a->readable_changed | a->tampered | a->read.bad | a->reversed |
                           (a->flags & ~(unsigned)PACKED_FLAGS));
}

/* Of a packed ring: how far it went, what became of the buffer; how it lies in it is in its shape, beside which this is. */
static inline uint64_t packed_shape(const struct queue *q, const struct chain *c, bool first, bool overtook)
{
    return (uint64_t)q->lapped << 48 | (uint64_t)first << 49 | (uint64_t)c->begun << 50 | (uint64_t)overtook << 51;
}

static inline uint64_t packed_used_shape(const struct queue *q, const struct chain *c)
{
    return packed_shape(q, c, q->used_total == 1, false);
}

static inline uint64_t packed_shape_at(const struct look *l)
{
    if (l->answer != NULL)
        return packed_shape(l->q, l->chain, l->q->used_total == 1, l->answer->overtook);
    return packed_shape(l->q, l->chain, l->chain->turn == 1, false);
}

/* @return false: not plain, each check has to be asked. */
static inline bool sign_of_chain(const struct look *l, struct sign *sign)
{
    const struct answer *a = l->answer;

    if (!plain(l))
        return false;
    sign->settings = l->o->settings;
    sign->shape = l->chain->shape | (l->q->packed ? packed_shape_at(l) : 0);
    sign->facts = FACT(17, l->o->abuse) | FACT(16, l->chain->req.sector == 0);
    sign->facts |= a != NULL ? used_facts(l) : available_facts(l);
    sign->causes = a != NULL ? (uint64_t)a->read.causes << 32 | a->read.causes_unwritten : 0;
    return true;
}

/* One element was used, and it was stored before. */
static inline bool sign_of_used_idx(const struct look *l, struct sign *sign)
{
    const struct queue *q = l->q;
    vblk_le16 flags;

    if ((uint16_t)(l->to - l->from) != 1 || q->lost || !queue_is_usual(l->o, q) ||
        (sees(l->o, VBLK_SEES_DEVICE_STORES) && q->elem_fresh[l->from & (q->size - 1u)] == 0) ||
        fast_peek(l->o->mem, q->device, &flags, sizeof(flags)) != VBLK_OK)
        return false;
    sign->settings = l->o->settings;
    sign->shape = sign->causes = 0;
    sign->facts = FACT(0, vblk_get16(flags) <= VBLK_USED_NO_NOTIFY) | FACT(1, q->outstanding > 0) |
                  FACT(2, q->used_total > 0) | FACT(17, l->o->abuse);
    return true;
}

#endif /* ORACLE_REPEAT_H */
