/* SPDX-License-Identifier: BSD-3-Clause */
/* What requests do to the shadow disk: at the moment they become possible, and when they are answered. */
#include "judge.h"

/* The sectors a request names: one range for reads and writes, the segments of the others. */
static bool nth_range(const struct request *r, uint32_t i, struct seg *out)
{
    if (r->slot == TY_IN || r->slot == TY_OUT) {
        uint64_t len = r->slot == TY_IN ? r->in_len : r->out_len;
        out->sector = r->sector;
        out->count = (uint32_t)((len + VBLK_SECTOR - 1) / VBLK_SECTOR);
        out->flags = 0;
        return i == 0;
    }
    return request_segment(r, i, out);
}

static bool ranges_meet(const struct seg *a, const struct seg *b)
{
    uint64_t gap = a->sector < b->sector ? b->sector - a->sector : a->sector - b->sector;
    return gap < (a->sector < b->sector ? a->count : b->count);
}

/* Bounded by the product of segment counts; a request of absurd length is taken to meet everything. */
#define MEET_MAX 4096u
static bool requests_meet(const struct request *a, const struct request *b)
{
    struct seg x, y;
    uint64_t na = a->segments > 0 ? a->segments : 1, nb = b->segments > 0 ? b->segments : 1;
    if (na * nb > MEET_MAX)
        return true;
    for (uint32_t i = 0; nth_range(a, i, &x); i++)
        for (uint32_t j = 0; nth_range(b, j, &y); j++)
            if (ranges_meet(&x, &y))
                return true;
    return false;
}

static bool touches_disk(const struct chain *c)
{
    return !c->void_ && (c->mutates || c->req.slot == TY_IN);
}

/* Two requests in flight that name a sector both. PROVISION changes nothing that a read shows, so it races with none. */
static void meet(struct chain *a, struct chain *b)
{
    bool provision = a->req.slot == TY_PROVISION || b->req.slot == TY_PROVISION;
    if (!provision)
        a->racy = b->racy = true;
    else if (a->req.slot == TY_OUT || b->req.slot == TY_OUT)
        a->beside = b->beside = true;
}

void effect_available(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    (void)q;
    if (!touches_disk(c)) {
        c->mutates = false;
        return;
    }
    if (c->mutates || o->mutators > 0) {
        for (struct chain *other = o->oldest; other != NULL; other = other->newer) {
            if (other == c || !touches_disk(other) || !(c->mutates || other->mutates))
                continue;
            if (requests_meet(&c->req, &other->req))
                meet(c, other);
        }
    }
    o->mutators += c->mutates;
}

/* ---- one row per kind of change: what an answer makes of the sectors named ---- */

struct change_rule {
    uint8_t ok, failed; /* enum shadow_change on OK; on IOERR, or when the answer proves nothing */
    uint8_t cause;
};
static const struct change_rule rules[TY_COUNT] = {
    [TY_OUT] = { MAKE_DATA, MAY_BE_DATA, BY_WRITE },
    [TY_DISCARD] = { MAKE_FREE, MAY_BE_FREE, BY_DISCARD },
    [TY_WRITE_ZEROES] = { MAKE_ZERO, MAY_BE_ZERO, BY_ZEROES },
    [TY_SECURE_ERASE] = { MAKE_FREE, MAY_BE_FREE, BY_ERASE },
    [TY_PROVISION] = { KEEP, KEEP, BY_PROVISION },
};

static enum cause provision_cause(const struct chain *c, uint32_t flags, uint8_t status)
{
    if ((flags & VBLK_SEGMENT_UNMAP) != 0)
        return BY_PROVISION_UNMAP;
    if (status == VBLK_S_UNSUPP)
        return BY_PROVISION_REFUSED;
    return c->beside ? BY_PROVISION_BESIDE : BY_PROVISION;
}

static enum cause cause_of(const struct chain *c, uint32_t flags, uint8_t status)
{
    enum cause cause = rules[c->req.slot].cause;
    if ((flags & VBLK_SEGMENT_UNMAP) != 0 && cause == BY_ZEROES)
        return BY_ZEROES_UNMAP;
    if (cause == BY_PROVISION)
        return provision_cause(c, flags, status);
    return c->beside && cause == BY_WRITE ? BY_PROVISION_BESIDE : cause;
}

/* What to do with one range, given the answer. */
static enum shadow_change change_of(const struct chain *c, uint8_t status)
{
    const struct change_rule *rule = &rules[c->req.slot];
    if (rule->ok == KEEP)
        return KEEP;
    if (status == VBLK_S_UNSUPP || (c->faults & F_READ_ONLY) != 0)
        return KEEP; /* a refused request must change nothing */
    bool sure = status == VBLK_S_OK && (c->faults & ~(uint32_t)(F_HARMLESS | F_SIZE_MAX | F_SEG_MAX)) == 0 && !c->behind;
    return sure ? rule->ok : rule->failed;
}

static void change_range(struct vblk_oracle *o, const struct chain *c, const struct seg *s, uint8_t status)
{
    enum shadow_change change = change_of(c, status);
    enum cause cause = cause_of(c, s->flags, status);
    const uint8_t *bytes = NULL;
    uint64_t count = s->count;

    if (change == KEEP && rules[c->req.slot].ok != KEEP)
        cause = (c->faults & F_READ_ONLY) != 0 ? BY_WRITE_REFUSED : BY_REFUSED;
    if (change == MAKE_DATA || change == MAY_BE_DATA) {
        bytes = c->req.data;
        count = c->req.data_len / VBLK_SECTOR;
        if (bytes == NULL || count < s->count)
            shadow_change(&o->shadow, MAKE_FREE, cause, s->sector + count, s->count - count, NULL);
    }
    if (count > 0 && (bytes != NULL || (change != MAKE_DATA && change != MAY_BE_DATA)))
        shadow_change(&o->shadow, change, cause, s->sector, count, bytes);
}

/* Others that overlap and are still in flight can no longer be sure to have the last word. */
static void warn_racers(struct vblk_oracle *o, const struct chain *c)
{
    for (struct chain *other = o->oldest; other != NULL; other = other->newer)
        if (other != c && other->mutates && other->racy && requests_meet(&c->req, &other->req))
            other->behind = true;
}

/* The cache mode as the driver can know it: written, or read, since the last reset. */
static bool writes_through(const struct vblk_oracle *o)
{
    struct vblk_config_field field;
    uint64_t mode;
    bool known = o->ctl.mode_written;

    if (vblk_config_field_find(&o->opt.profile, "writeback", &field))
        known |= (o->ctl.config_seen[field.offset] & SEEN_STEADY) != 0;
    return known && limit_of(&o->ctl, LIM_WRITEBACK, &mode) && mode == 0;
}

/* Whether completed writes are stable at once: 5.2.6.2, cases 1 and 2. */
static enum stability stable_at_once(const struct vblk_oracle *o, const struct chain *c)
{
    bool wce = negotiated(o, VBLK_F_CONFIG_WCE), flush = negotiated(o, VBLK_F_FLUSH);
    bool flush_offered = (o->ctl.offered & VBLK_BIT(VBLK_F_FLUSH)) != 0;
    if (wce)
        return writes_through(o) && o->mode_changed < c->born ? STABLE_WRITETHROUGH : NOT_STABLE;
    return !flush && flush_offered ? STABLE_NEITHER : NOT_STABLE;
}

static void change_disk(struct vblk_oracle *o, struct chain *c, uint8_t status)
{
    struct seg s;
    enum stability now = stable_at_once(o, c);
    bool wrote = status == VBLK_S_OK && (c->req.slot == TY_OUT || c->req.slot == TY_WRITE_ZEROES);

    if (now != NOT_STABLE || o->stability != STABLE_FLUSHED)
        o->stability = (uint8_t)now;
    if (wrote)
        o->stability_at_cut = NOT_STABLE; /* what is read from now on may be younger than the cut */
    o->unflushed += wrote;
    shadow_mode(&o->shadow, now != NOT_STABLE);
    for (uint32_t i = 0; nth_range(&c->req, i, &s); i++)
        if (s.count > 0)
            change_range(o, c, &s, status);
    if (c->racy)
        warn_racers(o, c);
}

/* ---- reads ---- */

static bool one_piece(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, const uint8_t **bytes)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        if ((p->flags & VBLK_DESC_WRITE) == 0 || p->len == 0)
            continue;
        *bytes = p->len >= c->req.in_len ? vblk_memory_view(o->mem, p->gpa, c->req.in_len) : NULL;
        return *bytes != NULL;
    }
    return false;
}

static void compare_read(struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct shadow_read *r)
{
    const uint8_t *bytes;
    uint64_t sectors = c->req.in_len / VBLK_SECTOR;

    if (one_piece(o, q, c, &bytes)) {
        shadow_compare(&o->shadow, c->req.sector, sectors, bytes, true, r);
        return;
    }
    for (uint64_t done = 0; done < sectors;) {
        uint64_t step = sectors - done < SCRATCH / VBLK_SECTOR ? sectors - done : SCRATCH / VBLK_SECTOR;
        if (chain_copy(o, q, c, true, done * VBLK_SECTOR, o->scratch, step * VBLK_SECTOR) != step * VBLK_SECTOR)
            return;
        shadow_compare(&o->shadow, c->req.sector + done, step, o->scratch, true, r);
        done += step;
    }
}

void effect_read(struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct shadow_read *r)
{
    if (!c->racy && !o->disk_astray && (c->faults & (F_RANGE | F_UNIT | F_DIRECTION | F_OVERLAP)) == 0)
        compare_read(o, q, c, r);
}

/* The data of a read whose elements were used last to first: wherever a piece begins, what follows it is at its right. */
bool effect_reversed(struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    struct shadow_read r = { .compared = false };
    uint64_t left = c->req.in_len, end = left;

    if (left > SCRATCH || c->req.data_pieces < 2)
        return false;
    for (const struct piece *p = chain_first(q, c); p != NULL && left > 0; p = chain_after(q, c, p)) {
        if ((p->flags & VBLK_DESC_WRITE) == 0)
            continue;
        const uint64_t n = p->len < left ? p->len : left;
        if (vblk_memory_peek(o->mem, p->gpa, o->scratch + (end - n), n) != VBLK_OK)
            return false;
        end -= n;
        left -= n;
    }
    shadow_compare(&o->shadow, c->req.sector, c->req.in_len / VBLK_SECTOR, o->scratch, false, &r);
    return left == 0 && r.compared && !r.bad;
}

/* ---- entry points ---- */

#define NO_ANSWER 0xffu

void effect_flushed(struct vblk_oracle *o, const struct chain *c)
{
    shadow_flushed(&o->shadow, c->req.sum);
    o->stability = STABLE_FLUSHED;
    o->disk_unsettled = o->disk_astray;
    o->unflushed = 0;
}

/* What later requests of the kind are compared with. */
static void remember_provision(struct vblk_oracle *o, const struct chain *c, struct answer *a)
{
    struct seg s;
    if (a->status != VBLK_S_OK || !request_segment(&c->req, 0, &s))
        return;
    a->again = o->provisioned.known && o->provisioned.sector == s.sector && o->provisioned.count == s.count;
    o->provisioned.sector = s.sector;
    o->provisioned.count = s.count;
    o->provisioned.known = o->provisioned.config_unread = true;
}

void effect_used(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a)
{
    bool answered = (c->faults & F_NO_STATUS) == 0;

    if (c->void_ || c->req.slot == TY_NONE)
        return;
    if (c->req.slot == TY_PROVISION && answered)
        remember_provision(o, c, a);
    if (c->mutates)
        change_disk(o, c, answered ? a->status : NO_ANSWER);
    else if (c->req.slot == TY_FLUSH && answered && a->status == VBLK_S_OK)
        effect_flushed(o, c);
    else if (c->req.slot == TY_IN && answered && a->status == VBLK_S_OK)
        effect_read(o, q, c, &a->read);
    if (a->read.bad)
        a->reversed = effect_reversed(o, q, c);
}

void effect_abandoned(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    (void)q;
    if (c->mutates && !c->void_)
        change_disk(o, c, NO_ANSWER);
}
