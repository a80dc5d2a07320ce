/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device is foreseen to do with a chain (struct step), and what the picture learns of it. */
#include "express_impl.h"

const struct step express_none = { UINT64_MAX, STEP_END };

void express_plan(const struct queue *q, struct chain *c)
{
    struct twin *t = &c->twin;
    struct step *s = t->steps;
    uint8_t stores = 0;
    const struct piece *p;

    if (c->first_writable != 1)
        return;
    for (p = c->first; p != NULL; p = p->after)
        *s++ = (struct step){ piece_lies(q, c, p), q->packed && p == c->first ? 14 : 16 };
    *s++ = (struct step){ c->first->gpa, c->first->len };
    for (p = c->first->after; p != NULL; p = p->after) {
        if (p->len >= STEP_STORE)
            return;
        if (p->len == 0)
            continue;
        *s++ = (struct step){ p->gpa, p->len | STEP_STORE };
        stores++;
    }
    *s = express_none;
    if (stores > 0 && s[-1].what == (1 | STEP_STORE))
        t->stores = stores;
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
}

/* How many bytes the steps before @s stored. */
static uint64_t stored_before(const struct chain *c, const struct step *s)
{
    uint64_t bytes = 0;

    for (const struct step *t = c->twin.steps + c->twin.count + 1; t < s; t++)
        bytes += t->what & ~STEP_STORE;
    return bytes;
}

static void step_usual(const struct vblk_oracle *o, const struct step *s, struct usual *u)
{
    struct chain *c = o->express.chain;
    const uint32_t i = (uint32_t)(s - c->twin.steps);
    const bool stores = (s->what & STEP_STORE) != 0;

    *u = (struct usual){ o->express.q, i < c->twin.count ? NULL : c, s->at, UINT64_MAX, s->what & ~STEP_STORE,
                         stores ? VBLK_EV_STORE : VBLK_EV_LOAD, VBLK_DEVICE, stores ? IN_WRITABLE : IN_READABLE };
    if (i < c->twin.count)
        u->place = u->q->packed ? IN_PACKED_RING : IN_DESC_TABLE;
    else
        u->offset = stored_before(c, s);
}

static void picture(const struct vblk_oracle *o, struct chain *c, const struct step *s, const struct usual *u)
{
    if (u->chain == NULL)
        descriptor_loaded(o->express.q, c, (uint32_t)(s - c->twin.steps));
    else if (u->kind == VBLK_EV_LOAD)
        written_add(&c->fetched, 0, u->len);
    else
        written_add(&c->written, u->offset, u->offset + u->len);
    c->status_stored |= u->kind == VBLK_EV_STORE && s[1].what == STEP_END;
}

/* The picture learns of the steps that were made. */
static void catch_up(struct vblk_oracle *o)
{
    struct express *x = &o->express;
    struct usual u;

    for (; x->settled != x->step; x->settled++) {
        step_usual(o, x->settled, &u);
        o->lists.by_place[u.kind == VBLK_EV_STORE ? 0 : 1][VBLK_DEVICE][u.place].known.times++;
        picture(o, x->chain, x->settled, &u);
    }
}

void express_settle(struct vblk_oracle *o)
{
    if (o->express.chain != NULL)
        catch_up(o);
    express_leave(o);
}

#ifndef NDEBUG
bool express_is_so(struct vblk_oracle *o, const struct usual *u, const void *bytes)
{
    const struct check_list *list = &o->lists.by_place[u->kind == VBLK_EV_STORE ? 0 : 1][u->party][u->place];
    const struct vblk_event ev = { .kind = u->kind, .party = u->party, .at = u->at, .len = u->len, .bytes = bytes };
    struct look look = { .ev = &ev };
    struct target t = { NULL, NULL, UINT64_MAX };

    if (o->express.chain != NULL)
        catch_up(o);
    access_classify(o, &ev, &look, &t);
    look.o = o;
    return look.place == u->place && t.q == u->q && t.chain == u->chain && t.offset == u->offset && plain_access(&look) &&
           (list->count == 0 || (list->known.plain_for == o->plain[u->q != NULL] && repeat_still_so(o, list, &look)));
}

bool express_step_is_so(struct vblk_oracle *o, const struct step *s, const void *bytes)
{
    struct usual u;

    step_usual(o, s, &u);
    return express_is_so(o, &u, bytes);
}
#endif
