/* SPDX-License-Identifier: BSD-3-Clause */
/* A packed ring as a script drives it: lawfully. */
#include "play.h"

#include <stdlib.h>

/* A ring that can't be opened (a place outside memory, say) stays closed, and nothing is done on it. */
void play_packed_open(struct vblk_player *player, struct play_ring *ring)
{
    vblk_ring_close(&ring->packed);
    ring->opened = vblk_ring_open(&ring->packed, &vblk_ring_packed, player->mem, &ring->at, VBLK_DRIVER);
    if (!ring->opened)
        (void)!ring->packed.ops->clear(&ring->packed);
}

static uint32_t collect(const struct part *part, bool writable, struct vblk_element *bufs, uint32_t n)
{
    struct frame frame;

    for (bool more = layout_first(part, &frame); more; more = layout_next(part, &frame))
        bufs[n++] = (struct vblk_element){ frame.gpa, frame.len, writable };
    return n;
}

vblk_err play_packed_make_available(struct vblk_player *player, struct record *record)
{
    struct play_ring *ring = &player->ring[record->queue];
    struct vblk_element *bufs = calloc(record->count, sizeof(*bufs));
    uint32_t n;
    vblk_err err;

    if (!bufs)
        return VBLK_E_NOMEM;
    n = collect(&record->writable, true, bufs, collect(&record->readable, false, bufs, 0));
    if (!ring->packed.ops || record->state != RECORD_LAID)
        err = ring->opened ? ring->opened : VBLK_E_INVAL;
    else if (record->table)
        err = ring->packed.ops->add_indirect(&ring->packed, record->table, 0, bufs, n, &record->head);
    else
        err = ring->packed.ops->add(&ring->packed, bufs, n, &record->head);
    free(bufs);
    if (err)
        return err == VBLK_E_FULL || err == VBLK_E_NOMEM ? err : VBLK_E_INVAL;
    ring->owner[record->head] = (uint16_t)(record - player->records + 1);
    record->state = RECORD_SLOT;
    return VBLK_OK;
}

void play_packed_publish(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue];
    uint32_t count = 0;

    for (uint32_t i = 0; i < player->record_count; i++) {
        struct record *record = &player->records[i];

        if (record->queue != queue || record->state != RECORD_SLOT)
            continue;
        ring_hand_over(player, record);
        count++;
    }
    if (ring->packed.ops)
        (void)!ring->packed.ops->publish(&ring->packed, count);
}

bool play_packed_kick_wanted(struct vblk_player *player, uint16_t queue)
{
    struct vblk_ring *ring = &player->ring[queue].packed;
    bool wanted = true;

    if (ring->ops)
        (void)!ring->ops->kick_wanted(ring, &wanted);
    return wanted;
}

static bool take_answers(struct vblk_player *player, uint16_t queue)
{
    struct vblk_ring *ring = &player->ring[queue].packed;
    struct vblk_used used;
    bool any = false;

    while (!ring->ops->reap(ring, &used)) {
        any = true;
        if (used.fault == VBLK_USED_OK || used.fault == VBLK_USED_LEN)
            ring_answer(player, queue, &used);
        else
            ring_bad_answer(player, used.id, used.len, vblk_used_fault_name((enum vblk_used_fault)used.fault));
    }
    return any;
}

void play_packed_reap(struct vblk_player *player, uint16_t queue)
{
    struct play_ring *ring = &player->ring[queue];

    vblk_port_look(player->port, queue);
    if (!ring->packed.ops)
        return;
    while (take_answers(player, queue) && ring_has(ring, VBLK_F_EVENT_IDX) &&
           !ring->packed.ops->set_interrupts(&ring->packed, true))
        ;
}
