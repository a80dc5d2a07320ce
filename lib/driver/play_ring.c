/* SPDX-License-Identifier: BSD-3-Clause */
/* The player's rings from place to kick: where they lie, what is described and made available in them. */
#include "play.h"
#include "split.h"

#include <stdlib.h>

#define AREA_ALIGNMENT 64u

bool ring_size(const struct vblk_player *player, uint64_t size)
{
    const bool packed = player->life.accepted & VBLK_BIT(VBLK_F_RING_PACKED);

    return size && size <= VBLK_SPLIT_SIZE_MAX && (packed || (size & (size - 1)) == 0);
}

static void start_over(struct play_ring *ring)
{
    ring->slots = ring->avail_idx = ring->used_next = 0;
    ring->kicked = ring->event = 0;
    ring->named = false;
    ring->out = 0;
    ring->free_head = 0;
    ring->free_tail = (uint16_t)(ring->at.size - 1);
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
    vblk_ring_close(&ring->packed);
    *ring = (struct play_ring){ 0 };
}

/* Guest memory, enough for either format, for a ring of @size entries, from the top of the arena down. */
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

    if (!ring_size(player, size))
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
    ring->at.features = player->life.accepted;
    vblk_ring_close(&ring->packed);
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
    ring->at.features = player->life.accepted;
    start_over(ring);
    if (ring_packed(ring)) {
        play_packed_open(player, ring);
        return;
    }
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.desc, 0, (size_t)(16 * size));
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.driver, 0, (size_t)(6 + 2 * size));
    (void)!vblk_memory_fill(player->mem, VBLK_DRIVER, ring->at.device, 0, (size_t)(6 + 8 * size));
}

static void store_desc(struct vblk_player *player, uint64_t at, const struct frame *frame, unsigned flags,
                       uint16_t next)
{
    const struct vblk_desc desc = {
        .addr = vblk_put64(frame->gpa),
        .len = vblk_put32(frame->len),
        .flags = vblk_put16((uint16_t)flags),
        .next = vblk_put16(flags & VBLK_DESC_NEXT ? next : 0),
    };

    (void)!vblk_memory_write(player->mem, VBLK_DRIVER, at, &desc, sizeof(desc));
}

/* Describe one part; @left counts the descriptors that are still to come. @return the next free one. */
static uint16_t describe(struct vblk_player *player, struct play_ring *ring, const struct part *part, unsigned flags,
                         uint16_t at, uint32_t *left)
{
    struct frame frame;

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame)) {
        --*left;
        store_desc(player, vblk_split_desc_at(&ring->at, at), &frame, flags | (*left ? VBLK_DESC_NEXT : 0u),
                   ring->next[at]);
        at = ring->next[at];
    }
    return at;
}

/* The entries of an indirect table, from the @at-th on. @return past the last one. */
static uint16_t tabulate(struct vblk_player *player, const struct record *record, const struct part *part,
                         unsigned flags, uint16_t at)
{
    struct frame frame;

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame)) {
        const uint64_t gpa = record->table + at++ * sizeof(struct vblk_desc);

        store_desc(player, gpa, &frame, flags | (at < record->count ? VBLK_DESC_NEXT : 0u), at);
    }
    return at;
}

static void describe_table(struct vblk_player *player, struct play_ring *ring, const struct record *record)
{
    const struct frame table = { .gpa = record->table, .len = record->count * (uint32_t)sizeof(struct vblk_desc) };

    tabulate(player, record, &record->writable, VBLK_DESC_WRITE, tabulate(player, record, &record->readable, 0, 0));
    store_desc(player, vblk_split_desc_at(&ring->at, ring->free_head), &table, VBLK_DESC_INDIRECT, 0);
    ring->free_head = ring->next[ring->free_head];
}

vblk_err ring_describe(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring;
    uint32_t left = record->count;
    const vblk_err err = ring_need(player, record->queue, &ring);

    if (err)
        return err;
    if (ring_packed(ring))
        return VBLK_OK; /* in the order of the ring, so when it is made available */
    if (record->descs > ring->free_count)
        return VBLK_E_FULL;
    record->head = ring->free_head;
    if (record->table) {
        describe_table(player, ring, record);
    } else {
        ring->free_head = describe(player, ring, &record->readable, 0, ring->free_head, &left);
        ring->free_head = describe(player, ring, &record->writable, VBLK_DESC_WRITE, ring->free_head, &left);
    }
    ring->free_count -= record->descs;
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

struct record *ring_owner(struct vblk_player *player, uint16_t queue, uint32_t head)
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
    struct record *record = ring_owner(player, queue, head);

    (void)!vblk_memory_store16(player->mem, VBLK_DRIVER, vblk_split_avail_ring_at(&ring->at, slot), VBLK_RELAXED, head);
    ring->slot[slot & (ring->at.size - 1)] = head;
    if (((ring->slots ^ slot) & (ring->at.size - 1)) == 0)
        ring->slots++;
    if (record && record->state == RECORD_LAID)
        record->state = RECORD_SLOT;
}

void ring_hand_over(struct vblk_player *player, struct record *record)
{
    record->state = RECORD_OUT;
    player->ring[record->queue].out++;
    player->out->requests++;
}

/* What lies between the old idx and the new one is the device's now. */
static void hand_over(struct vblk_player *player, uint16_t queue, uint16_t idx)
{
    struct play_ring *ring = &player->ring[queue];

    for (uint32_t i = 0; i < ring->at.size && ring->avail_idx != idx; i++) {
        struct record *record = ring_owner(player, queue, ring->slot[ring->avail_idx++ & (ring->at.size - 1)]);

        if (record && record->state == RECORD_SLOT)
            ring_hand_over(player, record);
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

vblk_err ring_make_available(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring = &player->ring[record->queue];

    if (ring_packed(ring))
        return play_packed_make_available(player, record);
    ring_put_slot(player, record->queue, ring->slots, record->head);
    return VBLK_OK;
}

/* Barrier and index, if any slot was filled. */
void ring_publish(struct vblk_player *player, uint16_t queue)
{
    const struct play_ring *ring = &player->ring[queue];

    if (ring_packed(ring)) {
        play_packed_publish(player, queue);
        return;
    }
    if (ring->slots == ring->avail_idx)
        return;
    vblk_memory_barrier(player->mem, VBLK_DRIVER, VBLK_RELEASE);
    ring_set_idx(player, queue, ring->slots, VBLK_RELEASE);
}

/* EVENT_IDX: whether the place that the device named is among those made available since the last decision. */
static bool event_crossed(struct vblk_player *player, struct play_ring *ring)
{
    const uint16_t before = ring->kicked;
    uint16_t event = 0;

    (void)!vblk_memory_load16(player->mem, VBLK_DRIVER, vblk_split_avail_event_at(&ring->at), VBLK_RELAXED, &event);
    ring->kicked = ring->avail_idx;
    return (uint16_t)(ring->avail_idx - event - 1) < (uint16_t)(ring->avail_idx - before);
}

/* Its number, or what the device wants it to be called. */
static uint16_t notify_id(struct vblk_player *player, struct play_ring *ring, uint16_t queue)
{
    uint64_t id;

    if (!ring_has(ring, VBLK_F_NOTIF_CONFIG_DATA))
        return queue;
    if (!ring->named && !vblk_port_read_reg(player->port, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, queue, &id)) {
        ring->notify_id = (uint16_t)id;
        ring->named = true;
    }
    return ring->named ? ring->notify_id : queue;
}

uint32_t ring_kick_data(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue % PLAY_QUEUES];
    const uint16_t id = notify_id(player, ring, queue);
    uint32_t data = id;

    if (!ring_has(ring, VBLK_F_NOTIFICATION_DATA))
        return id;
    if (!ring_packed(ring))
        return id | (uint32_t)ring->avail_idx << 16;
    if (ring->packed.ops)
        (void)!ring->packed.ops->kick_data(&ring->packed, id, &data);
    return data;
}

bool ring_kick_wanted(struct vblk_player *player, uint16_t queue)
{
    uint16_t flags = 0;

    if (ring_packed(&player->ring[queue]))
        return play_packed_kick_wanted(player, queue);
    vblk_memory_barrier(player->mem, VBLK_DRIVER, VBLK_FULL);
    if (ring_has(&player->ring[queue], VBLK_F_EVENT_IDX))
        return event_crossed(player, &player->ring[queue]);
    (void)!vblk_memory_load16(player->mem, VBLK_DRIVER, vblk_split_used_flags_at(&player->ring[queue].at), VBLK_RELAXED,
                              &flags);
    return !(flags & VBLK_USED_NO_NOTIFY);
}
