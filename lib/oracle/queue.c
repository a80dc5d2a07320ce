/* SPDX-License-Identifier: BSD-3-Clause */
/* Follows the indices of a split ring: which chains were made available, which were used (2.7.6, 2.7.8). */
#include <stdlib.h>
#include <string.h>

#include "express.h"
#include "fast.h"
#include "repeat.h"
#include "sight.h"
#include "slots.h"

struct queue *queue_at(struct vblk_oracle *o, uint16_t no)
{
    return no < o->opt.queues_max ? &o->queues[no] : NULL;
}

uint16_t queue_word(const struct vblk_oracle *o, uint64_t gpa)
{
    vblk_le16 v = { { 0 } };
    return fast_peek(o->mem, gpa, &v, sizeof(v)) == VBLK_OK ? vblk_get16(v) : 0;
}

void queue_finish(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    queue_unlink(o, c);
    if (c->mutates)
        o->mutators--;
    chain_release(o, q, c);
    c->outstanding = false;
    if (q->packed)
        packed_spare(q, c);
    o->outstanding--;
    q->outstanding--;
    if (q->current == c)
        q->current = NULL;
}

void queue_drop(struct vblk_oracle *o, struct queue *q)
{
    struct chain *next;
    for (struct chain *c = o->oldest; c != NULL; c = next) {
        next = c->newer;
        if (c->queue != q->no)
            continue;
        effect_abandoned(o, q, c);
        queue_finish(o, q, c);
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
    free(q->pool);
    q->pool = q->pool_free = NULL;
    q->pool_size = 0;
    packed_close(q);
}

/* Room for pieces that are not of the table: 64 for each entry, and at least one table of the largest size. */
static bool open_pool(struct queue *q, bool packed, bool indirect)
{
    uint32_t room = packed ? q->size : 0;

    if (indirect)
        room += q->size < 1024 ? 64u * 1024u : q->size > 4096 ? 64u * 4096u : 64u * (uint32_t)q->size;
    if (room > q->pool_size) {
        free(q->pool);
        q->pool = malloc(room * sizeof(*q->pool));
        q->pool_size = q->pool != NULL ? room : 0;
    }
    q->pool_used = 0;
    q->pool_free = NULL;
    return q->pool_size >= room;
}

void queue_close(struct vblk_oracle *o, struct queue *q)
{
    if (q->chains != NULL)
        queue_drop(o, q);
    free_tables(o, q);
    q->enabled = false;
}

/* The tables for @size entries, fresh; kept when the size is the one they were made for. */
static bool open_tables(struct vblk_oracle *o, struct queue *q, uint16_t size)
{
    if (q->chains != NULL && q->tables_for == size) {
        queue_drop(o, q);
    } else {
        queue_close(o, q);
        q->table = calloc(size, sizeof(*q->table));
        q->chains = calloc(size, sizeof(*q->chains));
        q->elem_fresh = calloc(size + SLOT_WORD, 1);
        q->tables_for = size;
    }
    if (q->table == NULL || q->chains == NULL || q->elem_fresh == NULL) {
        q->tables_for = 0;
        free_tables(o, q);
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        q->table[i].owner = NO_OWNER;
        q->table[i].index = (uint16_t)i;
    }
    memset(q->elem_fresh, 0, size);
    return true;
}

struct part {
    uint64_t at, len;
};

static void parts_of(const struct queue *q, struct part parts[3])
{
    parts[0] = (struct part){ q->desc, 16u * (uint64_t)q->size };
    parts[1] = (struct part){ q->driver, q->packed ? 4 : 6 + 2u * (uint64_t)q->size };
    parts[2] = (struct part){ q->device, q->packed ? 4 : 6 + 8u * (uint64_t)q->size };
}

/* Where parts lie on each other, of one queue or of two, what one side stores is what the other one finds. */
static bool parts_meet(const struct queue *q, const struct queue *other)
{
    struct part mine[3], theirs[3];

    parts_of(q, mine);
    parts_of(other, theirs);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < 3; j++)
            if ((q != other || i != j) && (mine[i].at - theirs[j].at < theirs[j].len || theirs[j].at - mine[i].at < mine[i].len))
                return true;
    return false;
}

struct queue *queue_met(const struct vblk_oracle *o, const struct queue *q)
{
    for (uint32_t i = 0; i < o->opt.queues_max; i++)
        if (&o->queues[i] != q && o->queues[i].enabled && parts_meet(q, &o->queues[i]))
            return &o->queues[i];
    return NULL;
}

static bool on_other_rings(struct vblk_oracle *o, const struct queue *q)
{
    struct queue *other = queue_met(o, q);

    if (other != NULL)
        queue_set_lost(o, other, true);
    return other != NULL || parts_meet(q, q);
}

/* Only a ring that the driver set up as 2.7 says can be followed. */
static bool ring_makes_sense(const struct vblk_oracle *o, const struct queue *q)
{
    if (q->packed)
        return vblk_memory_covers(o->mem, q->desc, 16u * (uint64_t)q->size) &&
               vblk_memory_covers(o->mem, q->driver, 4) && vblk_memory_covers(o->mem, q->device, 4);
    return (q->size & (q->size - 1u)) == 0 && vblk_memory_covers(o->mem, q->desc, 16u * (uint64_t)q->size) &&
           vblk_memory_covers(o->mem, q->driver, 6 + 2u * (uint64_t)q->size) &&
           vblk_memory_covers(o->mem, q->device, 6 + 8u * (uint64_t)q->size);
}

bool queue_find(const struct vblk_oracle *o, struct queue *q)
{
    q->epoch = o->mem->epoch;
    q->desc_bytes = vblk_memory_view(o->mem, q->desc, 16u * (uint64_t)q->size);
    q->driver_bytes = vblk_memory_view(o->mem, q->driver, 6 + 2u * (uint64_t)q->size);
    q->device_bytes = vblk_memory_view(o->mem, q->device, 6 + 8u * (uint64_t)q->size);
    if (q->packed || q->driver_bytes == NULL || q->device_bytes == NULL)
        q->desc_bytes = NULL;
    return q->desc_bytes != NULL;
}

static void stretch(uint64_t *from, uint64_t *to, uint64_t gpa, uint64_t len)
{
    const bool wraps = gpa + len < gpa;

    if (gpa < *from || wraps)
        *from = wraps ? 0 : gpa;
    if (gpa + len > *to || wraps)
        *to = wraps ? UINT64_MAX : gpa + len;
}

/* One range that all rings are in: all there is if one of them wraps around. */
static void find_rings(struct vblk_oracle *o)
{
    uint64_t from = UINT64_MAX, to = 0;

    for (uint32_t i = 0; i < o->opt.queues_max; i++) {
        const struct queue *q = &o->queues[i];
        if (!q->enabled)
            continue;
        stretch(&from, &to, q->desc, 16u * (uint64_t)q->size);
        stretch(&from, &to, q->driver, q->packed ? 4 : 6 + 2u * (uint64_t)q->size);
        stretch(&from, &to, q->device, q->packed ? 4 : 6 + 8u * (uint64_t)q->size);
    }
    o->rings_from = from;
    o->rings_len = to - from;
    o->room_len = 0;
}

/* Enabled after its reset with parts of it not set: where they lie is anybody's guess (QRESET-DRV-03). */
static bool half_configured(struct vblk_oracle *o, const struct queue *q)
{
    const struct notices *s = notices_of(o, q);

    return s->reset == RESET_DONE && (s->written & QUEUE_PARTS) != QUEUE_PARTS;
}

/* As vhost says it: the ring goes on where somebody else left it. What was in flight then nobody knows. */
static void go_on(struct vblk_oracle *o, struct queue *q, uint32_t base)
{
    const uint16_t place = (uint16_t)(base & 0x7fff);

    if (!q->packed) {
        q->avail_idx = q->used_idx = (uint16_t)base;
        queue_set_lost(o, q, q->lost || queue_word(o, q->device + 2) != q->used_idx);
        return;
    }
    q->avail_idx = q->used_idx = place;
    q->avail_wrap = q->used_wrap = (base & 0x8000) != 0;
    queue_set_lost(o, q, q->lost || place >= q->size || (base >> 16 & 0xffff) != (base & 0xffff));
}

void queue_enable(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const bool at_once = (ev->flags & VBLK_EV_EMULATED) == 0; /* else more may be available already */
    struct queue *q = queue_at(o, ev->queue);
    if (q == NULL)
        return;
    q->too_early |= at_once && !q->touched; /* what the device takes it for is anybody's guess, whatever is written later */
    q->unseen = q->size == 0 || q->size > VBLK_SPLIT_SIZE_MAX;
    if (q->unseen)
        return;
    o->ctl.reads_hidden |= ev->at != 0; /* it goes on: what the driver read before, somebody else saw */
    bool fits = open_tables(o, q, q->size);
    q->packed = negotiated(o, VBLK_F_RING_PACKED);
    fits = fits && open_pool(q, q->packed, negotiated(o, VBLK_F_INDIRECT_DESC)) && (!q->packed || packed_open(o, q));
    q->enabled = fits;
    q->unseen = !fits;
    q->usual_for = 0;
    queue_set_lost(o, q, !ring_makes_sense(o, q) || on_other_rings(o, q) || half_configured(o, q) || q->too_early ||
                             (at_once && !q->packed && queue_word(o, q->driver + 2) != 0)); /* RING-SPLIT-12 */
    o->ctl.bad_queue |= q->lost && !o->ctl.live;
    q->avail_idx = 0;
    q->used_idx = 0;
    q->total = q->used_total = q->used_turn = q->faulty_turn = 0;
    q->elem_pending = 0;
    q->next_desc = 0;
    q->notified = 0;
    q->since_kick = q->since_notify = 0;
    q->current = NULL;
    q->epoch = o->mem->epoch - 1; /* not found yet */
    find_rings(o);
    q->avail_flags = queue_word(o, q->driver);
    q->used_flags = queue_word(o, q->device);
    q->flags_left = at_once && !q->packed && q->used_flags != 0;
    if (o->opt.late)
        late_enable(o, q, (uint16_t)ev->at);
    else if (ev->at != 0)
        go_on(o, q, (uint32_t)ev->at);
}

void queue_drop_all(struct vblk_oracle *o)
{
    for (uint32_t i = 0; i < o->opt.queues_max; i++) {
        struct queue *q = &o->queues[i];
        if (q->chains != NULL)
            queue_drop(o, q);
        q->enabled = q->unseen = q->too_early = q->touched = false;
        queue_set_lost(o, q, false);
    }
    busy_clear(o->busy);
    if (o->disk_astray)
        shadow_forget(&o->shadow, false);
    o->disk_unsettled |= o->disk_astray;
    o->disk_astray = false;
}

/* ---- made available ---- */

static void void_chain(struct chain *c, uint32_t fault)
{
    c->count = 0;
    c->first = NULL;
    c->first_writable = 0;
    c->faults = fault;
    c->void_ = true;
    c->req.slot = TY_NONE;
}

/* A head that can't begin a chain: judged as the driver's fault, then forgotten. */
void queue_reject(struct vblk_oracle *o, struct queue *q, uint16_t head, uint32_t fault, const struct vblk_event *ev)
{
    struct chain bad;
    memset(&bad, 0, sizeof(bad));
    bad.head = head;
    bad.queue = q->no;
    void_chain(&bad, fault);
    queue_lose(o, q); /* how many buffers the device now owes can't be told (AMB-29) */
    queue_abused(o, true);
    express_spoil(o);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = &bad });
}

void queue_begin(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t head)
{
    c->head = head;
    c->queue = q->no;
    c->outstanding = true;
    c->taken = c->void_ = c->mutates = c->racy = c->behind = c->beside = c->status_stored = false;
    c->suspect = c->shared = c->wrong_bits = c->stray_flags = c->linked_indirect = c->unordered = c->table_unordered = false;
    c->unfenced = c->mixed = c->begun = c->odd = c->unknown_flags = c->own = false;
    c->born = o->seq;
    c->written.count = 0;
    c->written.overflow = false;
    c->fetched.count = 0;
    c->fetched.overflow = false;
    c->count = c->direct = 0;
    c->faults = 0;
    c->first = NULL;
    c->first_writable = c->link = NO_OWNER;
    c->indirect_len = 0;
    c->shape = 0;
}

static void fault_of_turn(struct vblk_oracle *o, struct queue *q, const struct chain *c)
{
    q->faulty_turn = c->turn;
    o->settings++;
}

/* The chain and its request are known: it is with the device. */
static void enter(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    queue_link(o, q, c);
    express_link(o, q, c);
    if (c->req.slot == TY_PROVISION && (c->faults & (F_UNIT | F_NO_SEGMENT | F_DIRECTION | F_ZERO_SECTORS)) != 0)
        fault_of_turn(o, q, c);
    effect_available(o, q, c);
    judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = c });
    q->next_desc = (uint16_t)((c->head + (uint32_t)c->direct + (c->link != NO_OWNER)) & (q->size - 1u));
}

void queue_enter(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    request_parse(o, q, c);
    c->void_ |= (c->faults & F_STRUCTURE) != 0;
    if (c->void_)
        queue_abused(o, (c->faults & F_REUSED) != 0 || chain_may_mutate(o, q, c));
    q->lost |= (c->faults & (F_REUSED | F_INDIRECT | F_TABLE)) != 0; /* what belongs to whom can't be told */
    chain_mark_overlaps(o, q, c);
    c->shape = shape_of(q, c);
    twin_keep(o, q, c);
    if (c->suspect || c->shared || c->void_ || c->faults != 0)
        express_spoil(o);
    enter(o, q, c, ev);
}

/* What the checks say of it, as they did of the last one that was made like that. */
static inline bool judged_before(struct vblk_oracle *o, const struct queue *q, const struct chain *c,
                                 const struct vblk_event *ev)
{
    const struct look look = { .o = o, .ev = ev, .q = q, .chain = c };
    struct check_list *list = &o->lists.by_type[0][c->req.slot];
    struct sign sign;

    if (o->opt.memory_gone != NULL || !sign_of_chain(&look, &sign) || !same_sign(&list->known.sign, &sign) ||
        list->asked_count > 0)
        return false;
    repeat_known(o, list, &look);
    return true;
}

void queue_enter_twin(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    assert(twin_is_so(o, q, c));
    queue_link(o, q, c);
    express_link(o, q, c);
    if (c->req.slot == TY_IN && o->mutators > 0)
        effect_available(o, q, c);
    if (!judged_before(o, q, c, ev))
        judge_chain(o, AT_AVAILABLE, &(struct look){ .ev = ev, .q = q, .chain = c });
    q->next_desc = (uint16_t)((c->head + (uint32_t)c->direct) & (q->size - 1u));
}

static void made_available(struct vblk_oracle *o, struct queue *q, uint16_t head, const struct vblk_event *ev)
{
    if (head >= q->size) {
        queue_reject(o, q, head, F_HEAD_RANGE, ev);
        return;
    }
    struct chain *c = &q->chains[head];
    if (c->outstanding) {
        c->void_ = true; /* and will be served twice */
        queue_reject(o, q, head, F_REUSED, ev);
        return;
    }
    queue_begin(o, q, c, head);
    if (twin_capture(o, q, c)) {
        queue_enter_twin(o, q, c, ev);
        return;
    }
    chain_capture(o, q, c);
    queue_enter(o, q, c, ev);
}

void queue_scan_available(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (!q->enabled || q->lost)
        return;
    if (q->packed) {
        packed_scan_available(o, q, ev);
        return;
    }
    uint16_t idx = queue_word(o, q->driver + 2);
    uint16_t fresh = (uint16_t)(idx - q->avail_idx);
    if (fresh == 0)
        return;
    judge_moment(o, AT_AVAIL_IDX, &(struct look){ .ev = ev, .q = q, .from = q->avail_idx, .to = idx });
    if (fresh > q->size) {
        queue_lose(o, q);
        queue_abused(o, true);
        return;
    }
    for (fresh = (uint16_t)(fresh - twin_row(o, q, fresh, ev)); fresh > 0 && !q->lost; fresh--) {
        uint64_t slot = q->driver + 4 + 2u * (uint64_t)(q->avail_idx & (q->size - 1u));
        q->avail_idx++;
        made_available(o, q, queue_word(o, slot), ev);
    }
}

/* ---- used ---- */

static bool descriptor_same(const struct vblk_oracle *o, const struct queue *q, const struct piece *p, uint64_t gpa)
{
    struct vblk_desc now;
    if (fast_peek(o->mem, gpa, &now, sizeof(now)) != VBLK_OK)
        return true;
    uint16_t flags = vblk_get16(q->packed ? now.next : now.flags), next = vblk_get16(q->packed ? now.flags : now.next);
    return vblk_get64(now.addr) == p->gpa && vblk_get32(now.len) == p->len && flags == p->flags &&
           ((p->flags & VBLK_DESC_NEXT) == 0 || next == p->next);
}

/*
 * Packed: whether the slot of a descriptor still holds it. Used descriptors are written over others; what lies past the
 * one that stands for this very chain was given back to nobody before.
 */
static bool stays(const struct vblk_oracle *o, const struct chain *c, const struct piece *p, uint16_t used_at)
{
    return o->opt.lockstep && used_at == c->slot && p->index != used_at;
}

/* Whether guest bytes of the chain that the device may only read differ from what was made available. */
static bool table_unchanged(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, uint16_t used_at,
                            uint64_t *at)
{
    for (const struct piece *p = chain_first(q, c); p != NULL; p = chain_after(q, c, p)) {
        if (q->packed && p->pos < c->direct && !stays(o, c, p, used_at))
            continue;
        *at = piece_lies(q, c, p);
        if (!descriptor_same(o, q, p, *at))
            return false;
    }
    if (q->packed || c->link == NO_OWNER)
        return true;
    *at = q->desc + 16u * (uint64_t)c->link;
    return descriptor_same(o, q, &q->table[c->link], *at);
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

/* Only the device's stores are not seen, or only the driver's and it did not run beside the device. */
static bool one_sided(const struct vblk_oracle *o)
{
    const bool device = sees(o, VBLK_SEES_DEVICE_STORES), driver = sees(o, VBLK_SEES_DRIVER_STORES);
    return device != driver && (driver || o->opt.lockstep);
}

static void compare_chain(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a)
{
    if (!one_sided(o) || (o->opt.lockstep && (c->void_ || q->lost)))
        return; /* stores speak for themselves, or nobody can tell whose change it is */
    if (o->abuse == ABUSED && sees(o, VBLK_SEES_DRIVER_STORES))
        return; /* the device is led astray */
    a->table_changed = !table_unchanged(o, q, c, a->slot, &a->changed_at);
    if (!a->table_changed && c->req.slot != TY_NONE && !chain_unclear(c)) {
        uint64_t at = readable_difference(o, q, c);
        a->readable_changed = at != UINT64_MAX;
        if (a->readable_changed)
            a->changed_at = at;
    }
    if (!sees(o, VBLK_SEES_DEVICE_STORES) || !(a->table_changed || a->readable_changed))
        return;
    queue_tampered(o, q, c, a->table_changed ? IN_DESC_TABLE : IN_READABLE);
    a->table_changed = a->readable_changed = false;
    a->tampered = true;
}

static void read_status(const struct vblk_oracle *o, const struct chain *c, struct answer *a)
{
    if (c->count > 0 && (c->faults & (F_NO_STATUS | F_STRUCTURE)) == 0)
        (void)!fast_peek(o->mem, c->req.status_at, &a->status, 1);
    if (sees(o, VBLK_SEES_DEVICE_STORES) && !c->status_stored)
        a->status = UNWRITTEN; /* whatever the driver left there is no answer */
}

static void settle_used(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a,
                        const struct vblk_event *ev)
{
    struct look look = { .ev = ev, .q = q, .answer = a, .chain = c };

    o->distrusted |= a->len_known && a->len > c->req.writable;
    compare_chain(o, q, c, a);
    effect_used(o, q, c, a);
    judge_chain(o, AT_USED, &look);
    if (o->image != NULL)
        access_account(o, q, c);
    if (c->turn > q->used_turn)
        q->used_turn = c->turn;
    queue_finish(o, q, c);
}

void queue_used(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a, const struct vblk_event *ev)
{
    q->answered = o->seq;
    read_status(o, c, a);
    if (sees(o, VBLK_SEES_DEVICE_STORES) && !c->written.overflow) {
        a->prefix_known = true;
        a->prefix = written_prefix(&c->written);
    }
    settle_used(o, q, c, a, ev);
}

/* 2.7.12: an element may stand for older buffers only if those are done, too. */
uint16_t queue_batch(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct answer *a,
                     uint32_t *slots)
{
    uint16_t older = 0;

    a->batch = 1;
    *slots = c->slots;
    if (!negotiated(o, VBLK_F_IN_ORDER))
        return 0;
    for (const struct chain *b = c->older; b != NULL; b = b->older) {
        if (b->queue != q->no)
            continue;
        a->out_of_order |= !chain_answered(o, b);
        *slots += b->slots;
        older++;
    }
    if (a->out_of_order) {
        *slots = c->slots;
        older = 0;
    }
    a->batch = (uint16_t)(1 + older);
    return older;
}

/* What is skipped counts as used completely. */
void queue_used_before(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev)
{
    struct chain *next;

    for (struct chain *b = o->oldest; b != NULL && b != c; b = next) {
        struct answer a = { .id = b->head, .skipped = true, .len_known = true };
        next = b->newer;
        if (b->queue != q->no)
            continue;
        a.len = (uint32_t)(b->req.writable <= UINT32_MAX ? b->req.writable : UINT32_MAX);
        queue_used(o, q, b, &a, ev);
    }
}

/* @return how many elements of the ring this one stands for. */
static uint16_t used_one(struct vblk_oracle *o, struct queue *q, uint16_t slot, uint16_t fresh,
                         const struct vblk_event *ev)
{
    struct vblk_used_elem elem = { { { 0 } }, { { 0 } } };
    struct answer a = { .slot = slot, .len_known = true, .batch = 1, .advance = fresh };
    uint32_t slots;

    if (fast_peek(o->mem, q->device + 4 + 8u * (uint64_t)slot, &elem, sizeof(elem)) != VBLK_OK)
        return 1;
    a.id = vblk_get32(elem.id);
    a.len = vblk_get32(elem.len);
    q->used_total++;
    q->since_notify++;
    if (a.id >= q->size || !q->chains[a.id].outstanding) {
        judge_moment(o, AT_USED_BAD, &(struct look){ .ev = ev, .q = q, .answer = &a });
        return 1;
    }
    struct chain *c = &q->chains[a.id];
    if (negotiated(o, VBLK_F_IN_ORDER) && queue_batch(o, q, c, &a, &slots) > 0)
        queue_used_before(o, q, c, ev);
    queue_used(o, q, c, &a, ev);
    return a.batch < fresh ? a.batch : fresh;
}

/* SEES_DEVICE_STORES: an element that was not stored since its slot was last published is waited for. */
static bool element_ready(const struct vblk_oracle *o, const struct queue *q, uint16_t slot)
{
    return !sees(o, VBLK_SEES_DEVICE_STORES) || q->elem_fresh[slot] != 0;
}

bool element_misplaced(const struct look *l)
{
    const struct queue *q = l->q;
    if (q->elem_fresh[l->from & (q->size - 1u)] != 0 || (uint16_t)(l->to - l->from) > q->outstanding)
        return false;
    for (uint16_t i = l->from; i != l->to; i++)
        if (q->elem_fresh[i & (q->size - 1u)] != 0)
            return true;
    return false;
}

void queue_used_one(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    const uint16_t slot = q->used_idx & (uint16_t)(q->size - 1u);

    judge_moment(o, AT_USED_IDX, &(struct look){ .ev = ev, .q = q, .from = q->used_idx, .to = (uint16_t)(q->used_idx + 1) });
    q->elem_fresh[slot] = 0;
    (void)used_one(o, q, slot, 1, ev);
    q->used_idx++;
}

void queue_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (!q->enabled)
        return;
    if (q->packed) {
        packed_scan_used(o, q, ev);
        return;
    }
    uint16_t idx = queue_word(o, q->device + 2);
    uint16_t fresh = (uint16_t)(idx - q->used_idx);
    if (fresh == 0)
        return;
    if (q->elem_pending == 0) {
        struct look look = { .ev = ev, .q = q, .from = q->used_idx, .to = idx };
        judge_moment(o, AT_USED_IDX, &look);
        if (fresh > q->size || (fresh > q->outstanding && not_yet_afresh(&look)) || (negotiated(o, VBLK_F_IN_ORDER) && element_misplaced(&look))) {
            q->used_idx = idx; /* nothing can be told about what was skipped, nor what the driver may use again */
            queue_lose(o, q);
            return;
        }
    }
    bool excess = fresh > q->outstanding; /* elements that stand for nothing will never be stored */
    while (fresh > 0) {
        uint16_t slot = q->used_idx & (uint16_t)(q->size - 1u);
        if (excess && !element_ready(o, q, slot)) {
            q->used_idx++;
            fresh--;
            continue;
        }
        if (!element_ready(o, q, slot))
            break;
        q->elem_fresh[slot] = 0;
        uint16_t done = used_one(o, q, slot, fresh, ev);
        q->used_idx = (uint16_t)(q->used_idx + done);
        fresh = (uint16_t)(fresh - done);
    }
    q->elem_pending = fresh;
    if (o->image != NULL)
        (void)!vblk_memory_snapshot_update(o->image, o->mem, q->device, 6 + 8u * (uint64_t)q->size);
}
