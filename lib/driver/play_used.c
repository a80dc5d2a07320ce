/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back of the player's rings: answers, and descriptors that are free again. */
#include "play.h"
#include "split.h"

#include <stdio.h>

/*
 * The descriptors of a record are free again. The last ones freed are the next to be used; but IN_ORDER wants the order
 * of the ring (2.7.9), which comes of itself if they are the last.
 */
static void free_chain(struct play_ring *ring, const struct record *record)
{
    const uint16_t last = ring_chain_at(ring, record, record->descs - 1u);
    const bool none = !ring->free_count;

    ring->free_count += record->descs;
    if (ring_has(ring, VBLK_F_IN_ORDER) && !none) {
        ring->next[ring->free_tail] = record->head;
        ring->free_tail = last;
        return;
    }
    ring->next[last] = ring->free_head;
    ring->free_head = record->head;
    if (none)
        ring->free_tail = last;
}

static void give_back(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring = &player->ring[record->queue];

    if (!ring_packed(ring))
        free_chain(ring, record);
    ring->out -= record->state == RECORD_OUT;
    record_end(player, record);
}

void ring_bad_answer(struct vblk_player *player, uint32_t id, uint32_t len, const char *what)
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
void ring_answer(struct vblk_player *player, uint16_t queue, const struct vblk_used *used)
{
    struct record *record = ring_owner(player, queue, used->id);

    if (!record || record->used_count++) {
        ring_bad_answer(player, used->id, used->len, record ? "answered again" : "nothing in flight has this id");
        return;
    }
    read_status(player, record);
    record->len = used->len;
    record->no_len = used->no_len;
    player->out->answered++;
    ring_forget_one(player, record);
}

/*
 * IN_ORDER: an answer may stand for buffers before it, too (2.7.9). They were made available in the order in which they
 * are used, so that both rings' positions agree. Those passed over count as written to the end.
 */
static void answer_passed(struct vblk_player *player, uint16_t queue, uint32_t id, uint16_t idx)
{
    struct play_ring *ring = &player->ring[queue];
    const uint32_t mask = ring->at.size - 1;
    uint16_t n = 0;

    while ((uint16_t)(ring->used_next + n) != idx && ring->slot[(ring->used_next + n) & mask] != id)
        n++;
    if ((uint16_t)(ring->used_next + n) == idx)
        return;
    for (; n; n--) {
        const uint16_t head = ring->slot[ring->used_next++ & mask];
        const struct record *record = ring_owner(player, queue, head);
        const struct vblk_used used = { .id = head, .len = record ? (uint32_t)record->writable.total : 0 };

        ring_answer(player, queue, &used);
    }
}

static void take_answers(struct vblk_player *player, uint16_t queue, uint16_t idx)
{
    struct play_ring *ring = &player->ring[queue];

    while (ring->used_next != idx) {
        struct vblk_used_elem elem;
        struct vblk_used used;

        if (vblk_memory_read(player->mem, VBLK_DRIVER, vblk_split_used_ring_at(&ring->at, ring->used_next), &elem,
                             sizeof(elem)))
            return;
        if (ring_has(ring, VBLK_F_IN_ORDER))
            answer_passed(player, queue, vblk_get32(elem.id), idx);
        ring->used_next++;
        used = (struct vblk_used){ .id = vblk_get32(elem.id), .len = vblk_get32(elem.len) };
        ring_answer(player, queue, &used);
    }
}

/* EVENT_IDX: ask to hear of the next answer. @return whether that is news, so that another look is due. */
static bool ask_again(struct vblk_player *player, struct play_ring *ring)
{
    if (!ring_has(ring, VBLK_F_EVENT_IDX) || ring->event == ring->used_next)
        return false;
    ring->event = ring->used_next;
    (void)!vblk_memory_store16(player->mem, VBLK_DRIVER, vblk_split_used_event_at(&ring->at), VBLK_RELAXED,
                               ring->event);
    vblk_memory_barrier(player->mem, VBLK_DRIVER, VBLK_FULL);
    return true;
}

void ring_reap(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue];
    uint16_t idx;

    if (ring_packed(ring)) {
        play_packed_reap(player, queue);
        return;
    }
    vblk_port_look(player->port, queue);
    do {
        if (vblk_memory_load16(player->mem, VBLK_DRIVER, vblk_split_used_idx_at(&ring->at), VBLK_ACQUIRE, &idx))
            return;
        if ((uint16_t)(idx - ring->used_next) > ring->at.size) {
            ring_bad_answer(player, idx, 0, "used idx jumped");
            ring->used_next = idx;
        }
        take_answers(player, queue, idx);
    } while (ring->used_next == idx && ask_again(player, ring));
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
