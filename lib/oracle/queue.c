/* SPDX-License-Identifier: BSD-3-Clause */
/* Follows the indices of a split ring: which chains were made available, which were used (2.7.6, 2.7.8). */
#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "judge.h"

struct queue *queue_at(struct vblk_oracle *o, uint16_t no)
{
    return no < o->opt.queues_max ? &o->queues[no] : NULL;
}

static uint16_t peek16(const struct vblk_oracle *o, uint64_t gpa)
{
    vblk_le16 v = { { 0 } };
    return fast_peek(o->mem, gpa, &v, sizeof(v)) == VBLK_OK ? vblk_get16(v) : 0;
}

static void unlink_chain(struct vblk_oracle *o, struct chain *c)
{
    if (c->older != NULL)
        c->older->newer = c->newer;
    else
        o->oldest = c->newer;
    if (c->newer != NULL)
        c->newer->older = c->older;
    else
        o->newest = c->older;
    c->older = c->newer = NULL;
}

static void link_chain(struct vblk_oracle *o, struct chain *c)
{
    c->newer = NULL;
    c->older = o->newest;
    if (o->newest != NULL)
        o->newest->newer = c;
    else
        o->oldest = c;
    o->newest = c;
}

static void finish_chain(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    unlink_chain(o, c);
    if (c->mutates)
        o->mutators--;
    chain_release(o, q, c);
    c->outstanding = false;
    o->outstanding--;
    q->outstanding--;
    if (q->current == c)
        q->current = NULL;
}

static void drop_chains(struct vblk_oracle *o, struct queue *q)
{
    struct chain *next;
    for (struct chain *c = o->oldest; c != NULL; c = next) {
        next = c->newer;
        if (c->queue != q->no)
            continue;
        effect_abandoned(o, q, c);
        finish_chain(o, q, c);
    }
}

static void free_tables(struct vblk_oracle *o, struct queue *q)
{
    for (uint32_t i = 0; q->chains != NULL && i < q->tables_for; i++) {
        free(q->chains[i].req.data);
        o->kept -= q->chains[i].req.data_room;
    }
    free(q->table);
    free(q->chains);
    free(q->elem_fresh);
    q->table = NULL;
    q->chains = NULL;
    q->elem_fresh = NULL;
}

void queue_close(struct vblk_oracle *o, struct queue *q)
{
    if (q->chains != NULL)
        drop_chains(o, q);
    free_tables(o, q);
    q->enabled = false;
}

/* The tables for @size entries, fresh; kept when the size is the one they were made for. */
static bool open_tables(struct vblk_oracle *o, struct queue *q, uint16_t size)
{
    if (q->chains != NULL && q->tables_for == size) {
        drop_chains(o, q);
    } else {
        queue_close(o, q);
        q->table = calloc(size, sizeof(*q->table));
        q->chains = calloc(size, sizeof(*q->chains));
        q->elem_fresh = calloc(size, 1);
        q->tables_for = size;
    }
    if (q->table == NULL || q->chains == NULL || q->elem_fresh == NULL) {
        q->tables_for = 0;
        free_tables(o, q);
        return false;
    }
    for (uint32_t i = 0; i < size; i++)
        q->table[i].owner = NO_OWNER;
    memset(q->elem_fresh, 0, size);
    return true;
}

/* Only a ring that the driver set up as 2.7 says can be followed. */
static bool ring_makes_sense(const struct vblk_oracle *o, const struct queue *q)
{
    return (q->size & (q->size - 1u)) == 0 && vblk_memory_covers(o->mem, q->desc, 16u * (uint64_t)q->size) &&
           vblk_memory_covers(o->mem, q->driver, 6 + 2u * (uint64_t)q->size) &&
           vblk_memory_covers(o->mem, q->device, 6 + 8u * (uint64_t)q->size);
}

void queue_enable(struct vblk_oracle *o, uint16_t no)
{
    struct queue *q = queue_at(o, no);
    if (q == NULL || q->size == 0 || q->size > VBLK_SPLIT_SIZE_MAX || negotiated(o, VBLK_F_RING_PACKED))
        return;
    q->enabled = open_tables(o, q, q->size);
    q->lost = !ring_makes_sense(o, q);
    q->avail_idx = 0;
    q->used_idx = 0;
    q->total = q->used_total = q->used_turn = q->faulty_turn = 0;
    q->elem_pending = 0;
    q->notified = 0;
    q->since_kick = q->since_notify = 0;
    q->current = NULL;
    q->avail_flags = peek16(o, q->driver);
    q->used_flags = peek16(o, q->device);
}

void queue_drop_all(struct vblk_oracle *o)
{
    for (uint32_t i = 0; i < o->opt.queues_max; i++) {
        struct queue *q = &o->queues[i];
        if (q->chains != NULL)
            drop_chains(o, q);
        q->enabled = false;
        q->lost = false;
    }
    busy_clear(o->busy);
    if (o->disk_astray)
        shadow_forget(&o->shadow, false);
    o->disk_astray = false;
}

/* ---- made available ---- */

static void void_chain(struct chain *c, uint32_t fault)
{
    c->count = 0;
    c->first_writable = 0;
    c->faults = fault;
    c->void_ = true;
    c->req.slot = TY_NONE;
}

/* A head that can't begin a chain: judged as the driver's fault, then forgotten. */
static void reject_head(struct vblk_oracle *o, struct queue *q, uint16_t head, uint32_t fault,
                        const struct vblk_event *ev)
{
    struct chain bad;
    memset(&bad, 0, sizeof(bad));
    bad.head = head;
    bad.queue = q->no;
    void_chain(&bad, fault);
    q->lost = true; /* how many buffers the device now owes can't be told (AMB-29) */
    queue_abused(o, true);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = &bad });
}

static void made_available(struct vblk_oracle *o, struct queue *q, uint16_t head, const struct vblk_event *ev)
{
    if (head >= q->size) {
        reject_head(o, q, head, F_HEAD_RANGE, ev);
        return;
    }
    struct chain *c = &q->chains[head];
    if (c->outstanding) {
        c->void_ = true; /* and will be served twice */
        reject_head(o, q, head, F_REUSED, ev);
        return;
    }
    c->head = head;
    c->queue = q->no;
    c->outstanding = true;
    c->taken = c->void_ = c->mutates = c->racy = c->behind = c->beside = c->status_stored = false;
    c->born = o->seq;
    c->written.count = 0;
    c->written.overflow = false;
    c->fetched.count = 0;
    c->fetched.overflow = false;
    chain_capture(o, q, c);
    request_parse(o, q, c);
    c->void_ |= (c->faults & F_STRUCTURE) != 0;
    if (c->void_)
        queue_abused(o, (c->faults & F_REUSED) != 0 || chain_may_mutate(o, q, c));
    q->lost |= (c->faults & (F_REUSED | F_INDIRECT)) != 0; /* what belongs to whom can't be told */
    chain_mark_overlaps(o, q, c);
    link_chain(o, c);
    o->outstanding++;
    q->outstanding++;
    c->turn = ++q->total;
    if (c->req.slot == TY_PROVISION && (c->faults & (F_UNIT | F_NO_SEGMENT | F_DIRECTION | F_ZERO_SECTORS)) != 0)
        q->faulty_turn = c->turn;
    q->since_kick++;
    effect_available(o, q, c);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = c });
}

void queue_scan_available(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (!q->enabled || q->lost)
        return;
    uint16_t idx = peek16(o, q->driver + 2);
    uint16_t fresh = (uint16_t)(idx - q->avail_idx);
    if (fresh == 0)
        return;
    judge_moment(o, AT_AVAIL_IDX, &(struct look){ .ev = ev, .q = q, .from = q->avail_idx, .to = idx });
    if (fresh > q->size) {
        q->lost = true;
        queue_abused(o, true);
        return;
    }
    for (; fresh > 0 && !q->lost; fresh--) {
        uint64_t slot = q->driver + 4 + 2u * (uint64_t)(q->avail_idx & (q->size - 1u));
        q->avail_idx++;
        made_available(o, q, peek16(o, slot), ev);
    }
}

/* ---- used ---- */

/* Whether guest bytes of the chain that the device may only read differ from what was made available. */
static bool table_unchanged(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, uint64_t *at)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        uint64_t gpa = q->desc + 16u * (uint64_t)(p - q->table);
        struct vblk_desc now;
        if (fast_peek(o->mem, gpa, &now, sizeof(now)) != VBLK_OK)
            continue;
        *at = gpa;
        if (vblk_get64(now.addr) != p->gpa || vblk_get32(now.len) != p->len || vblk_get16(now.flags) != p->flags ||
            ((p->flags & VBLK_DESC_NEXT) != 0 && vblk_get16(now.next) != p->next))
            return false;
    }
    return true;
}

/* The first guest address at which the readable bytes differ from the copy; UINT64_MAX if none does. */
static uint64_t readable_difference(const struct vblk_oracle *o, const struct queue *q, const struct chain *c)
{
    struct vblk_request_header head = { vblk_put32(c->req.type), vblk_put32(c->req.reserved),
                                        vblk_put64(c->req.sector) };
    const uint8_t *copies[2] = { (const uint8_t *)&head, c->req.data };
    uint64_t lens[2] = { sizeof(head), c->req.data_len };
    uint64_t offset = 0;

    for (unsigned part = 0; part < 2; part++) {
        for (uint64_t done = 0; done < lens[part];) {
            uint64_t want = lens[part] - done < SCRATCH ? lens[part] - done : SCRATCH;
            uint64_t got = chain_copy(o, q, c, false, offset + done, o->scratch, want);
            for (uint64_t i = 0; i < got && memcmp(o->scratch, copies[part] + done, got) != 0; i++)
                if (o->scratch[i] != copies[part][done + i])
                    return chain_address(q, c, offset + done + i, false);
            if (got < want)
                return UINT64_MAX;
            done += got;
        }
        offset += lens[part];
    }
    return UINT64_MAX;
}

static void compare_chain(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct answer *a)
{
    if (sees(o, VBLK_SEES_DEVICE_STORES) || !sees(o, VBLK_SEES_DRIVER_STORES))
        return; /* stores speak for themselves; and without the driver's nobody can tell whose change it is */
    a->table_changed = !table_unchanged(o, q, c, &a->changed_at);
    if (a->table_changed || c->req.slot == TY_NONE || (c->faults & F_OVERLAP) != 0)
        return;
    uint64_t at = readable_difference(o, q, c);
    a->readable_changed = at != UINT64_MAX;
    if (a->readable_changed)
        a->changed_at = at;
}

static void read_status(const struct vblk_oracle *o, const struct chain *c, struct answer *a)
{
    if (c->count > 0 && (c->faults & (F_NO_STATUS | F_STRUCTURE)) == 0)
        (void)!fast_peek(o->mem, c->req.status_at, &a->status, 1);
    if (sees(o, VBLK_SEES_DEVICE_STORES) && !c->status_stored)
        a->status = UNWRITTEN; /* whatever the driver left there is no answer */
}

static void used_one(struct vblk_oracle *o, struct queue *q, uint16_t slot, const struct vblk_event *ev)
{
    struct vblk_used_elem elem = { { { 0 } }, { { 0 } } };
    struct answer a = { .slot = slot };
    struct look look = { .ev = ev, .q = q, .answer = &a };

    if (fast_peek(o->mem, q->device + 4 + 8u * (uint64_t)slot, &elem, sizeof(elem)) != VBLK_OK)
        return;
    a.id = vblk_get32(elem.id);
    a.len = vblk_get32(elem.len);
    q->used_total++;
    q->since_notify++;
    if (a.id >= q->size || !q->chains[a.id].outstanding) {
        judge_moment(o, AT_USED_BAD, &look);
        return;
    }
    struct chain *c = &q->chains[a.id];
    read_status(o, c, &a);
    if (sees(o, VBLK_SEES_DEVICE_STORES) && !c->written.overflow) {
        a.prefix_known = true;
        a.prefix = written_prefix(&c->written);
    }
    compare_chain(o, q, c, &a);
    effect_used(o, q, c, &a);
    look.chain = c;
    judge_chain(o, AT_USED, &look);
    if (o->image != NULL)
        access_account(o, q, c);
    if (c->turn > q->used_turn)
        q->used_turn = c->turn;
    finish_chain(o, q, c);
}

/* SEES_DEVICE_STORES: an element that was not stored since its slot was last published is waited for. */
static bool element_ready(const struct vblk_oracle *o, const struct queue *q, uint16_t slot)
{
    return !sees(o, VBLK_SEES_DEVICE_STORES) || q->elem_fresh[slot] != 0;
}

void queue_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (!q->enabled)
        return;
    uint16_t idx = peek16(o, q->device + 2);
    uint16_t fresh = (uint16_t)(idx - q->used_idx);
    if (fresh == 0)
        return;
    if (q->elem_pending == 0) {
        judge_moment(o, AT_USED_IDX, &(struct look){ .ev = ev, .q = q, .from = q->used_idx, .to = idx });
        if (fresh > q->size) {
            q->used_idx = idx; /* nothing can be told about what was skipped */
            return;
        }
    }
    bool excess = fresh > q->outstanding; /* elements that stand for nothing will never be stored */
    for (; fresh > 0; fresh--) {
        uint16_t slot = q->used_idx & (uint16_t)(q->size - 1u);
        if (excess && !element_ready(o, q, slot)) {
            q->used_idx++;
            continue;
        }
        if (!element_ready(o, q, slot))
            break;
        q->elem_fresh[slot] = 0;
        q->used_idx++;
        used_one(o, q, slot, ev);
    }
    q->elem_pending = fresh;
    if (o->image != NULL)
        (void)!vblk_memory_snapshot_update(o->image, o->mem, q->device, 6 + 8u * (uint64_t)q->size);
}
