/* SPDX-License-Identifier: BSD-3-Clause */
#include "play.h"
#include "split.h"

#include <stdio.h>
#include <stdlib.h>

#define AREA_ALIGNMENT 64u

static bool ring_size(uint64_t size)
{
    return size && size <= VBLK_SPLIT_SIZE_MAX && (size & (size - 1)) == 0;
}

static void start_over(struct play_ring *ring)
{
    ring->slots = ring->avail_idx = ring->used_next = 0;
    ring->out = 0;
    ring->free_head = 0;
    ring->free_count = ring->at.size;
    for (uint32_t i = 0; i < ring->at.size; i++) {
        ring->next[i] = (uint16_t)(i + 1);
        ring->owner[i] = 0;
        ring->slot[i] = 0;
    }
}

static uint64_t round_up(uint64_t n)
{
    return (n + AREA_ALIGNMENT - 1) / AREA_ALIGNMENT * AREA_ALIGNMENT;
}

void ring_free(struct play_ring *ring)
{
    free(ring->next);
    *ring = (struct play_ring){ 0 };
}

/* Guest memory for a ring of @size entries, from the top of the arena down. */
static vblk_err place_memory(struct vblk_player *player, struct play_ring *ring, uint32_t size)
{
    struct vblk_extent areas[VBLK_AREAS];
    uint64_t need = AREA_ALIGNMENT, at;

    vblk_ring_split.extents(size, 0, areas);
    for (size_t i = 0; i < VBLK_AREAS; i++)
        need += round_up(areas[i].bytes);
    if (player->high < player->low || need > player->high - player->low)
        return VBLK_E_INVAL;
    at = (player->high - need) / AREA_ALIGNMENT * AREA_ALIGNMENT + AREA_ALIGNMENT;
    if (records_block(player, at, player->high))
        return VBLK_E_INVAL;
    records_reuse(player, at, player->high);
    player->high = at;
    ring->at.desc = at;
    ring->at.driver = ring->at.desc + round_up(areas[VBLK_AREA_DESC].bytes);
    ring->at.device = ring->at.driver + round_up(areas[VBLK_AREA_DRIVER].bytes);
    return VBLK_OK;
}

vblk_err ring_place(struct vblk_player *player, uint16_t queue, uint32_t size)
{
    struct play_ring *ring = &player->ring[queue];
    vblk_err err = VBLK_OK;

    if (!ring_size(size))
        return VBLK_E_INVAL;
    if (ring->at.size)
        ring_forget(player, queue);
    if (size > ring->room) {
        uint16_t *arrays = realloc(ring->next, 3 * (size_t)size * sizeof(*arrays));

        if (!arrays)
            return VBLK_E_NOMEM;
        ring->next = arrays;
        ring->owner = arrays + size;
        ring->slot = ring->owner + size;
        err = place_memory(player, ring, size);
        ring->room = err ? 0 : size;
    }
    ring->at.size = err ? 0 : size;
    start_over(ring);
    return err;
}

vblk_err ring_need(struct vblk_player *player, uint16_t queue, struct play_ring **out)
{
    if (queue >= PLAY_QUEUES)
        return VBLK_E_INVAL;
    *out = &player->ring[queue];
    if ((*out)->at.size)
        return VBLK_OK;
    return ring_place(player, queue, player->script->queue_size ? player->script->queue_size : 64);
}

void ring_zero(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue];
    const uint64_t size = ring->at.size;

    ring_forget(player, queue);
    start_over(ring);
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.desc, 0, (size_t)(16 * size));
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.driver, 0, (size_t)(6 + 2 * size));
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.device, 0, (size_t)(6 + 8 * size));
}

static void store_desc(struct vblk_player *player, struct play_ring *ring, uint16_t at, const struct frame *frame,
                       unsigned flags)
{
    const struct vblk_desc desc = {
        .addr = vblk_put64(frame->gpa),
        .len = vblk_put32(frame->len),
        .flags = vblk_put16((uint16_t)flags),
        .next = vblk_put16(flags & VBLK_DESC_NEXT ? ring->next[at] : 0),
    };

    (void)!vblk_memory_write(player->mem, VBLK_DRIVER, vblk_split_desc_at(&ring->at, at), &desc, sizeof(desc));
}

/* Describe one part; @left counts the descriptors that are still to come. @return the next free one. */
static uint16_t describe(struct vblk_player *player, struct play_ring *ring, const struct part *part, unsigned flags,
                         uint16_t at, uint32_t *left)
{
    struct frame frame;

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame)) {
        --*left;
        store_desc(player, ring, at, &frame, flags | (*left ? VBLK_DESC_NEXT : 0u));
        at = ring->next[at];
    }
    return at;
}

vblk_err ring_describe(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring;
    uint32_t left = record->count;
    const vblk_err err = ring_need(player, record->queue, &ring);

    if (err)
        return err;
    if (record->count > ring->free_count)
        return VBLK_E_FULL;
    record->head = ring->free_head;
    ring->free_head = describe(player, ring, &record->readable, 0, ring->free_head, &left);
    ring->free_head = describe(player, ring, &record->writable, VBLK_DESC_WRITE, ring->free_head, &left);
    ring->free_count -= record->count;
    ring->owner[record->head] = (uint16_t)(record - player->records + 1);
    return VBLK_OK;
}

uint16_t ring_chain_at(const struct play_ring *ring, const struct record *record, uint64_t i)
{
    uint16_t at = record->head;

    while (i--)
        at = ring->next[at];
    return at;
}

/* The record in flight, or done with, whose head is @head. */
static struct record *owner(struct vblk_player *player, uint16_t queue, uint32_t head)
{
    const struct play_ring *ring = &player->ring[queue];
    struct record *record;

    if (head >= ring->at.size || !ring->owner[head])
        return NULL;
    record = &player->records[ring->owner[head] - 1];
    return record->state != RECORD_FREE && record->queue == queue && record->head == head ? record : NULL;
}

void ring_put_slot(struct vblk_player *player, uint16_t queue, uint16_t slot, uint16_t head)
{
    struct play_ring *ring = &player->ring[queue];
    struct record *record = owner(player, queue, head);

    (void)!vblk_memory_store16(player->mem, VBLK_DRIVER, vblk_split_avail_ring_at(&ring->at, slot), VBLK_RELAXED, head);
    ring->slot[slot & (ring->at.size - 1)] = head;
    if (((ring->slots ^ slot) & (ring->at.size - 1)) == 0)
        ring->slots++;
    if (record && record->state == RECORD_LAID)
        record->state = RECORD_SLOT;
}

/* What lies between the old idx and the new one is the device's now. */
static void hand_over(struct vblk_player *player, uint16_t queue, uint16_t idx)
{
    struct play_ring *ring = &player->ring[queue];

    for (uint32_t i = 0; i < ring->at.size && ring->avail_idx != idx; i++) {
        struct record *record = owner(player, queue, ring->slot[ring->avail_idx++ & (ring->at.size - 1)]);

        if (!record || record->state != RECORD_SLOT)
            continue;
        record->state = RECORD_OUT;
        ring->out++;
        player->out->requests++;
    }
    ring->avail_idx = idx;
}

void ring_set_idx(struct vblk_player *player, uint16_t queue, uint16_t idx, enum vblk_order order)
{
    struct play_ring *ring = &player->ring[queue];
    const uint16_t pending = (uint16_t)(ring->slots - ring->avail_idx);

    (void)!vblk_memory_store16(player->mem, VBLK_DRIVER, vblk_split_avail_idx_at(&ring->at), order, idx);
    hand_over(player, queue, idx);
    if ((uint16_t)(ring->slots - idx) > pending)
        ring->slots = idx;
}

bool ring_kick_wanted(struct vblk_player *player, uint16_t queue)
{
    uint16_t flags = 0;

    vblk_memory_barrier(player->mem, VBLK_DRIVER, VBLK_FULL);
    (void)!vblk_memory_load16(player->mem, VBLK_DRIVER, vblk_split_used_flags_at(&player->ring[queue].at), VBLK_RELAXED,
                              &flags);
    return !(flags & VBLK_USED_NO_NOTIFY);
}

/* The descriptors of a record are free again. */
static void give_back(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring = &player->ring[record->queue];

    ring->next[ring_chain_at(ring, record, record->count - 1u)] = ring->free_head;
    ring->free_head = record->head;
    ring->free_count += record->count;
    ring->out -= record->state == RECORD_OUT;
    record_end(player, record);
}

static void bad_answer(struct vblk_player *player, uint32_t id, uint32_t len, const char *what)
{
    struct vblk_surprise *surprise = player_surprise(player, no_name);

    player->out->bad_answers++;
    if (!surprise)
        return;
    snprintf(surprise->expected, sizeof(surprise->expected), "used elements that answer a request in flight");
    snprintf(surprise->seen, sizeof(surprise->seen), "%s: id %u, len %u", what, (unsigned)id, (unsigned)len);
}

static void read_status(struct vblk_player *player, struct record *record)
{
    const uint64_t gpa = layout_address(&record->writable, record->writable.total - 1);

    if (!record->req->no_status)
        record->has_status = !vblk_memory_read(player->mem, VBLK_DRIVER, gpa, &record->status, 1);
}

/* One used element. What a script published by hand or took for done is answered lawfully, too; but only once. */
static void answer(struct vblk_player *player, uint16_t queue, uint32_t id, uint32_t len)
{
    struct record *record = owner(player, queue, id);

    if (!record || record->used_count++) {
        bad_answer(player, id, len, record ? "answered again" : "nothing in flight has this id");
        return;
    }
    read_status(player, record);
    record->len = len;
    player->out->answered++;
    ring_forget_one(player, record);
}

void ring_reap(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue];
    uint16_t idx;

    vblk_port_look(player->port, queue);
    if (vblk_memory_load16(player->mem, VBLK_DRIVER, vblk_split_used_idx_at(&ring->at), VBLK_ACQUIRE, &idx))
        return;
    if ((uint16_t)(idx - ring->used_next) > ring->at.size) {
        bad_answer(player, idx, 0, "used idx jumped");
        ring->used_next = idx;
    }
    while (ring->used_next != idx) {
        struct vblk_used_elem elem;

        if (vblk_memory_read(player->mem, VBLK_DRIVER, vblk_split_used_ring_at(&ring->at, ring->used_next++), &elem,
                             sizeof(elem)))
            return;
        answer(player, queue, vblk_get32(elem.id), vblk_get32(elem.len));
    }
}

void ring_forget_one(struct vblk_player *player, struct record *record)
{
    if (record->state != RECORD_FREE && record->state != RECORD_ENDED)
        give_back(player, record);
}

void ring_forget(struct vblk_player *player, uint16_t queue)
{
    for (uint32_t i = 0; i < player->record_count; i++)
        if (player->records[i].queue == queue)
            ring_forget_one(player, &player->records[i]);
}

void rings_forget(struct vblk_player *player)
{
    for (uint32_t i = 0; i < PLAY_QUEUES; i++)
        if (player->ring[i].at.size)
            ring_forget(player, (uint16_t)i);
}
