/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split rings of two others who don't wait for us (packed ones: late_packed.c). A look finds entries made available [a, A) and elements used [u, U), both
 * in their own order; how they come between each other is put together here:
 *
 * - An element is the answer to the outstanding chain that it names, if there is one: its head can't be made available
 *   again before it was used. So elements go first. One that names none waits until the entries before it are taken in;
 *   if none is left, A is read again, since its entry was there before it.
 * - With elements first, whatever a new chain shares with an older one was free when the driver published it: the
 *   older one's element was there, for U is read after A, and so was every entry that goes before that element.
 * - What a chain says holds if its element is still not there after all of it was copied. Otherwise the driver may have
 *   had it back, and what was copied may be anything: the chain is followed, not judged.
 * - A slot of the available ring may have been overwritten once its own entry and a ring's length of others were used.
 *   So nothing is believed of a ring that turned too far since the last look; with more than half of it in doubt sight
 *   is lost until nothing is in flight. (A driver that writes half a ring of entries before it publishes the first is
 *   the one thing assumed not to exist.)
 * - Status and data of a used chain are the driver's again. Nothing is said of them.
 */

#include "fast.h"
#include "judge.h"

/* No more than so many entries or elements are sorted out in one look. */
#define LATE_MAX 256u

/* Loads of the ring before this come before those after it: indices are written by others at the same time. */
static void in_order(const struct vblk_oracle *o)
{
    memory_fence(o->mem);
}

static uint16_t used_now(const struct vblk_oracle *o, const struct queue *q)
{
    uint16_t idx;

    in_order(o);
    idx = queue_word(o, q->device + 2);
    in_order(o);
    return idx;
}

/*
 * Whether so many were used that the entry at @at must be among them. Counters have 16 bits, and whoever looks may have been
 * held up for more entries than they count: so it is only believed that it is not if that can be, which is when no more
 * than a ring's length lies between.
 */
static bool passed_by(const struct queue *q, uint16_t used, uint16_t at)
{
    return (uint16_t)(at - used) > q->size;
}

static uint16_t available_now(const struct vblk_oracle *o, const struct queue *q)
{
    uint16_t idx;

    in_order(o);
    idx = queue_word(o, q->driver + 2);
    in_order(o);
    return idx;
}

void late_lose_sight(struct vblk_oracle *o, struct queue *q)
{
    queue_drop(o, q);
    q->blind = true;
    o->sight_lost++;
}

/* Everything that was made available was used: nothing is in flight, whatever went before. */
static void look_again(struct vblk_oracle *o, struct queue *q)
{
    const uint16_t available = available_now(o, q), used = used_now(o, q);

    if (available != used || available_now(o, q) != available)
        return;
    q->avail_idx = q->used_idx = used;
    q->blind = false;
}

/* A ring goes on from where it was stopped; what was in flight then nobody knows. */
void late_enable(struct vblk_oracle *o, struct queue *q, uint16_t base)
{
    if (q->packed) {
        late_packed_enable(o, q, base);
        return;
    }
    q->avail_idx = q->used_idx = base;
    q->blind = !q->lost && used_now(o, q) != base;
}

static bool element_at(const struct vblk_oracle *o, const struct queue *q, uint16_t at, struct answer *a)
{
    struct vblk_used_elem elem;

    a->slot = at & (uint16_t)(q->size - 1u);
    if (fast_peek(o->mem, q->device + 4 + 8u * (uint64_t)a->slot, &elem, sizeof(elem)) != VBLK_OK)
        return false;
    a->id = vblk_get32(elem.id);
    a->len = vblk_get32(elem.len);
    return true;
}

static struct chain *outstanding(const struct queue *q, uint32_t head)
{
    return head < q->size && q->chains[head].outstanding ? &q->chains[head] : NULL;
}

/* Whether an element that was not taken in yet names @head, the entry @entry of the available ring. */
static bool used_meanwhile(const struct vblk_oracle *o, const struct queue *q, uint16_t head, uint16_t entry)
{
    const uint16_t used = used_now(o, q);
    struct answer a;

    if (negotiated(o, VBLK_F_IN_ORDER))
        return passed_by(q, used, entry);
    if ((uint16_t)(used - q->used_idx) > LATE_MAX)
        return true; /* too much happened to tell */
    for (uint16_t at = q->used_idx; at != used; at++)
        if (element_at(o, q, at, &a) && a.id == head)
            return true;
    return false;
}

/* Follow it, say nothing of it. */
static void without_content(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    chain_release(o, q, c);
    c->void_ = true;
    c->mutates = false;
    c->faults = 0;
    c->link = NO_OWNER;
    c->first_writable = 0;
    c->req.slot = TY_NONE;
}

void late_capture(struct vblk_oracle *o, struct queue *q, struct chain *c, bool used, const struct vblk_event *ev)
{
    c->mutates = false; /* what becomes of the disk is not followed */
    if (used) {
        without_content(o, q, c);
        queue_link(o, q, c);
        return;
    }
    c->void_ |= (c->faults & F_STRUCTURE) != 0;
    q->lost |= (c->faults & (F_REUSED | F_INDIRECT | F_TABLE)) != 0;
    if (c->void_)
        queue_abused(o, false);
    chain_mark_overlaps(o, q, c);
    queue_link(o, q, c);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = c });
}

static void capture(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    queue_begin(o, q, c, (uint16_t)(c - q->chains));
    chain_capture(o, q, c);
    request_parse(o, q, c);
    late_capture(o, q, c, used_meanwhile(o, q, c->head, (uint16_t)(q->avail_idx - 1)), ev);
}

/* One entry of the available ring. */
static void take_in(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    const uint16_t at = q->avail_idx;
    const uint16_t head = queue_word(o, q->driver + 4 + 2u * (uint64_t)(at & (q->size - 1u)));
    const bool passed = passed_by(q, used_now(o, q), at); /* as many were used: the slot may be another's */

    if ((uint16_t)(available_now(o, q) - at) > q->size / 2u && passed) {
        late_lose_sight(o, q);
        return;
    }
    if (head >= q->size || outstanding(q, head) != NULL) {
        if (passed)
            late_lose_sight(o, q);
        else
            queue_reject(o, q, head, head >= q->size ? F_HEAD_RANGE : F_REUSED, ev);
        return;
    }
    q->avail_idx++;
    capture(o, q, &q->chains[head], ev);
}

static void answered(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a,
                     const struct vblk_event *ev)
{
    q->used_idx++;
    q->used_total++;
    judge_chain(o, AT_USED, &(struct look){ .ev = ev, .q = q, .answer = a, .chain = c });
    queue_finish(o, q, c);
}

/* An element for nothing. The ring may have turned under our eyes: then it means nothing. */
static void unasked(struct vblk_oracle *o, struct queue *q, const struct answer *a, const struct vblk_event *ev)
{
    if ((uint16_t)(available_now(o, q) - q->used_idx) > q->size / 2u) {
        late_lose_sight(o, q);
        return;
    }
    q->used_idx++;
    judge_moment(o, AT_USED_BAD, &(struct look){ .ev = ev, .q = q, .answer = a });
    queue_lose(o, q); /* who owns what can't be told any more */
}

/* With IN_ORDER an element may stand for others: only how many were used is certain, not what the ring says of each. */
struct chain *late_oldest(const struct vblk_oracle *o, const struct queue *q)
{
    struct chain *c = o->oldest;

    while (c != NULL && c->queue != q->no)
        c = c->newer;
    return c;
}

static void scan_in_order(struct vblk_oracle *o, struct queue *q, uint16_t available, const struct vblk_event *ev)
{
    for (unsigned left = 2 * LATE_MAX; left > 0 && !q->lost && !q->blind; left--) {
        const bool element = q->used_idx != used_now(o, q);
        struct chain *c = element ? late_oldest(o, q) : NULL;

        if (c != NULL) {
            q->used_idx++;
            queue_finish(o, q, c);
        } else if (q->avail_idx != available) {
            take_in(o, q, ev);
        } else if (element && available_now(o, q) != available) {
            available = available_now(o, q);
        } else if (element) {
            late_lose_sight(o, q); /* more was used than is known to have been there */
        } else {
            break;
        }
    }
}

void late_scan(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (!q->enabled || q->lost)
        return;
    if (q->packed) {
        late_packed_scan(o, q, ev);
        return;
    }
    if (q->blind)
        look_again(o, q);
    if (q->blind)
        return;
    uint16_t available = available_now(o, q), used = used_now(o, q);
    if ((uint16_t)(used - q->used_idx) > LATE_MAX || (uint16_t)(available - q->avail_idx) > LATE_MAX) {
        late_lose_sight(o, q);
        return;
    }
    if (negotiated(o, VBLK_F_IN_ORDER)) {
        scan_in_order(o, q, available, ev);
        return;
    }
    for (unsigned left = 2 * LATE_MAX; left > 0 && !q->lost && !q->blind; left--) {
        struct answer a = { .len_known = true, .batch = 1 };
        const bool element = q->used_idx != used && element_at(o, q, q->used_idx, &a);
        struct chain *c = element ? outstanding(q, a.id) : NULL;

        if (element && (uint16_t)(available_now(o, q) - q->used_idx) > q->size) {
            late_lose_sight(o, q); /* the element may have been overwritten by the one a round later */
        } else if (c != NULL) {
            answered(o, q, c, &a, ev);
        } else if (q->avail_idx != available) {
            take_in(o, q, ev);
        } else if (element && available_now(o, q) != available) {
            available = available_now(o, q);
            used = used_now(o, q);
        } else if (element) {
            unasked(o, q, &a, ev);
        } else {
            break;
        }
    }
}

/* ---- what can be told so late ---- */

/* Besides what drivers make available: words of the device that need no memory, and elements of the used ring. */
static const vblk_clause_no decided[] = {
    VBLK_C_FEAT_03, VBLK_C_FEAT_04, VBLK_C_FEAT_DRV_01, VBLK_C_FEAT_DRV_05, VBLK_C_RSVF_01, VBLK_C_BLK_CFG_01,
    VBLK_C_BLK_CFG_02, VBLK_C_BLK_CFG_03, VBLK_C_BLK_CFG_04, VBLK_C_BLK_CFG_05, VBLK_C_BLK_CFG_06,
    VBLK_C_BLK_CFG_07, VBLK_C_BLK_CFG_08, VBLK_C_BLK_CFG_09, VBLK_C_BLK_CFG_11, VBLK_C_BLK_CFG_12,
    VBLK_C_BLK_CFG_13, VBLK_C_BLK_CFG_17, VBLK_C_CFG_02, VBLK_C_PROV_FEAT_02, VBLK_C_PROV_CFG_03,
    VBLK_C_PROV_CFG_09, VBLK_C_PROV_CFG_10, VBLK_C_RING_SPLIT_01, VBLK_C_RING_SPLIT_02, VBLK_C_RING_SPLIT_15,
    VBLK_C_RING_SPLIT_DRV_01, VBLK_C_RING_PACKED_01, VBLK_C_RING_PACKED_DRV_01,
    VBLK_C_RING_PACKED_DEV_06, VBLK_C_VQ_02, VBLK_C_VQ_03,
};

bool late_decides(const struct check *check)
{
    if (check->guilty == VBLK_DRIVER && check->moments == AT(AVAILABLE))
        return true;
    for (size_t i = 0; i < sizeof(decided) / sizeof(decided[0]); i++)
        if (decided[i] == check->clause)
            return true;
    return false;
}
