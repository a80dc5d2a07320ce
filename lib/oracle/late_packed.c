/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packed ring of two others who don't wait for us. There are no counters: a descriptor says in which lap it was
 * written, but modulo two, and nothing keeps the two from going around twice between looks. So only the first lap is
 * certain, in a ring that was handed over zeroed: as long as its last slot is still all zeroes after something was
 * read, nothing that was read is of a later lap. From then on the ring is not followed.
 *
 * - In the first lap the used descriptors lie in their order from slot 0 on, each at the place that the one before it
 *   left off, and lists lie one after the other. As in late.c used descriptors go first; one that names no buffer waits
 *   until the lists before it are taken in.
 * - A list was copied as the driver wrote it if all of its slots are the same after that: the device would have marked
 *   them. What the list says holds if besides the next used descriptor is still not there.
 * - A device that was faster than the look has overwritten the beginning of a list, so nobody knows where the next one
 *   starts: sight is lost until every slot up to the first that was never made available is a used descriptor.
 * (A driver that stores into slots that it has back before it stores into the ring's last slot is assumed not to exist.)
 */
#include <stdatomic.h>
#include <string.h>

#include "fast.h"
#include "slots.h"
#include "judge.h"

#define BASE_SLOT 0x7fffu /* of a base: the rest is the wrap counter */
#define STEPS 512u        /* in one look */

static bool slot_now(const struct vblk_oracle *o, const struct queue *q, uint16_t slot, struct vblk_packed_desc *d)
{
    bool there;

    atomic_thread_fence(memory_order_seq_cst);
    there = fast_peek(o->mem, q->desc + 16u * (uint64_t)slot, d, sizeof(*d)) == VBLK_OK;
    atomic_thread_fence(memory_order_seq_cst);
    return there;
}

static uint16_t flags_now(const struct vblk_oracle *o, const struct queue *q, uint16_t slot)
{
    struct vblk_packed_desc d;

    return slot_now(o, q, slot, &d) ? vblk_get16(d.flags) : 0;
}

static bool used_now(const struct vblk_oracle *o, const struct queue *q, uint16_t slot)
{
    return packed_used(flags_now(o, q, slot), true);
}

/* Nothing that was read before is of another lap. */
static bool first_lap(const struct vblk_oracle *o, const struct queue *q)
{
    static const struct vblk_packed_desc zero;
    struct vblk_packed_desc last;

    return slot_now(o, q, (uint16_t)(q->size - 1u), &last) && memcmp(&last, &zero, sizeof(zero)) == 0;
}

static void give_up(struct vblk_oracle *o, struct queue *q)
{
    queue_drop(o, q);
    queue_lose(o, q);
    o->sight_lost++;
}

void late_packed_enable(struct vblk_oracle *o, struct queue *q, uint16_t base)
{
    q->blind = false;
    if ((base & BASE_SLOT) != 0 || !first_lap(o, q))
        give_up(o, q);
}

/* Every slot that was made available is a used descriptor: nothing is in flight. */
static void look_again(struct vblk_oracle *o, struct queue *q)
{
    uint16_t slot = q->used_idx, flags = 0;

    while (slot < q->size && packed_used(flags = flags_now(o, q, slot), true))
        slot++;
    if (!first_lap(o, q)) {
        give_up(o, q);
    } else if ((flags & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) == 0) {
        q->avail_idx = q->used_idx = slot;
        q->in_use = 0;
        q->blind = false;
    }
}

/* Of a batch only that it is done is certain, not what it says of each. */
static void answered(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_packed_desc *d,
                     const struct vblk_event *ev)
{
    struct answer a = { .slot = q->used_idx, .id = vblk_get16(d->id), .len = vblk_get32(d->len), .batch = 1,
                        .flags = vblk_get16(d->flags) };
    uint32_t slots = c->slots;

    a.len_known = (a.flags & VBLK_DESC_WRITE) != 0;
    q->used_total++;
    if (negotiated(o, VBLK_F_IN_ORDER)) {
        for (struct chain *older; (older = late_oldest(o, q)) != NULL && older != c; queue_finish(o, q, older))
            slots += older->slots;
    } else {
        judge_chain(o, AT_USED, &(struct look){ .ev = ev, .q = q, .answer = &a, .chain = c });
    }
    packed_pass_used(q, slots);
    queue_finish(o, q, c);
}

/* The descriptor was there when the driver had made nothing available that is not taken in. */
static void unasked(struct vblk_oracle *o, struct queue *q, const struct vblk_packed_desc *d,
                    const struct vblk_event *ev)
{
    struct answer a = { .slot = q->used_idx, .id = vblk_get16(d->id), .len = vblk_get32(d->len), .batch = 1,
                        .flags = vblk_get16(d->flags) };

    judge_moment(o, AT_USED_BAD, &(struct look){ .ev = ev, .q = q, .answer = &a });
    queue_lose(o, q); /* how many slots it stands for can't be told */
}

static bool as_copied(const struct vblk_oracle *o, const struct queue *q, uint16_t slots)
{
    struct vblk_packed_desc now;

    for (uint16_t i = 0; i < slots; i++)
        if (!slot_now(o, q, (uint16_t)(q->avail_idx + i), &now) ||
            memcmp(&now, &q->ring[q->avail_idx + i], sizeof(now)) != 0 || packed_used(vblk_get16(now.flags), true))
            return false;
    return true;
}

static void undo(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    if (c == NULL)
        return;
    chain_release(o, q, c);
    c->outstanding = false;
    packed_spare(q, c);
}

/* @waiting: a used descriptor waits for this list. */
static void take_in(struct vblk_oracle *o, struct queue *q, bool waiting, const struct vblk_event *ev)
{
    const bool was_lost = q->lost;
    uint16_t id, slots;
    struct chain *c = packed_copy(o, q, &id, &slots);
    bool used;

    if (c != NULL)
        request_parse(o, q, c);
    used = used_now(o, q, q->used_idx);
    if (!first_lap(o, q) || q->avail_idx + (uint32_t)slots >= q->size) {
        undo(o, q, c);
        give_up(o, q);
    } else if (!as_copied(o, q, slots) || (c == NULL && waiting)) {
        undo(o, q, c);
        queue_set_lost(o, q, was_lost);
        late_lose_sight(o, q);
    } else if (c != NULL) {
        queue_set_lost(o, q, used ? was_lost : q->lost);
        packed_pass(o, q, c);
        late_capture(o, q, c, used, ev);
        q->by_id[id] = (uint16_t)(1 + (c - q->chains));
    } else if (!used) {
        queue_reject(o, q, id, F_REUSED, ev);
    }
}

/* @return false: there is nothing more to see. */
static bool step(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    struct vblk_packed_desc d = { 0 };
    const bool element = used_now(o, q, q->used_idx) && slot_now(o, q, q->used_idx, &d); /* flags first */
    const uint16_t at = q->by_id[vblk_get16(d.id)], next = flags_now(o, q, q->avail_idx);

    if (!first_lap(o, q))
        give_up(o, q);
    else if (element && q->used_idx == q->avail_idx)
        late_lose_sight(o, q);
    else if (element && at != 0)
        answered(o, q, &q->chains[at - 1], &d, ev);
    else if (packed_available(next, true))
        take_in(o, q, element, ev);
    else if (element && packed_used(next, true))
        late_lose_sight(o, q);
    else if (element)
        unasked(o, q, &d, ev);
    else
        return packed_used(next, true); /* the device is ahead of where we looked first */
    return true;
}

void late_packed_scan(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    for (unsigned left = STEPS; left > 0 && !q->lost; left--) {
        if (q->blind)
            look_again(o, q);
        if (q->blind || q->lost || !step(o, q, ev))
            return;
    }
}
