/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's raw stores and loads: what a script says is what happens. */
#include "play.h"
#include "split.h"

vblk_err step_store(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t gpa;
    const vblk_err err = player_resolve(player, step, step->a, &gpa);

    if (!err)
        player_store(player, VBLK_DRIVER, step, gpa);
    return err;
}

vblk_err step_load(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t gpa, value;
    const vblk_err err = player_resolve(player, step, step->a, &gpa);

    if (err)
        return err;
    player_load(player, VBLK_DRIVER, step, gpa, step->b_given ? step->b : 2, &value);
    player_keep(player, step->name, value);
    return VBLK_OK;
}

/* Which entry of the table a DESC step means. On a packed ring a request has no place before it is available. */
static vblk_err desc_index(struct vblk_player *player, const struct vblk_step *step, const struct record *record,
                           uint64_t n, uint64_t *index)
{
    const struct play_ring *ring = &player->ring[record ? record->queue : step->queue];

    *index = n;
    if (!record || ring_packed(ring))
        return n < ring->at.size ? VBLK_OK : VBLK_E_INVAL;
    if (n >= record->descs)
        return VBLK_E_INVAL;
    *index = ring_chain_at(ring, record, n);
    return VBLK_OK;
}

/* The descriptor that the step makes of the present one. */
static vblk_err merge(struct vblk_player *player, const struct vblk_step *step, const struct record *record,
                      struct vblk_desc *desc)
{
    const unsigned all = VBLK_DESC_SETS_ADDR | VBLK_DESC_SETS_LEN | VBLK_DESC_SETS_FLAGS | VBLK_DESC_SETS_NEXT;
    const unsigned sets = step->desc_sets & all ? step->desc_sets : all | step->desc_sets;
    uint64_t addr, next = vblk_get16(step->desc.next);
    vblk_err err = player_resolve(player, step, vblk_get64(step->desc.addr), &addr);

    if (!err && (sets & VBLK_DESC_NEXT_IN_CHAIN))
        err = record && !ring_packed(&player->ring[record->queue]) ? desc_index(player, step, record, next, &next) : VBLK_E_INVAL;
    if (err)
        return err;
    if (sets & VBLK_DESC_SETS_ADDR)
        desc->addr = vblk_put64(addr);
    if (sets & VBLK_DESC_SETS_LEN)
        desc->len = step->desc.len;
    if (sets & VBLK_DESC_SETS_FLAGS)
        desc->flags = step->desc.flags;
    if (sets & VBLK_DESC_SETS_NEXT)
        desc->next = vblk_put16((uint16_t)next);
    return VBLK_OK;
}

/* Where the descriptor lies: in the queue, or in the request's indirect table. */
static vblk_err desc_address(struct vblk_player *player, const struct vblk_step *step, const struct record *record,
                             uint64_t *gpa)
{
    const struct play_ring *ring = &player->ring[record ? record->queue : step->queue];
    uint64_t index;
    vblk_err err;

    if (record && record->table && step->a && step->a <= record->count) {
        *gpa = record->table + (step->a - 1) * sizeof(struct vblk_desc);
        return VBLK_OK;
    }
    err = desc_index(player, step, record, step->a, &index);
    *gpa = err ? 0 : vblk_split_desc_at(&ring->at, (uint32_t)index);
    return err;
}

/* A descriptor of a packed ring has its id (the step's next) where one of a split ring has its flags, and flags last. */
static struct vblk_desc swapped(struct vblk_desc desc)
{
    const vblk_le16 third = desc.flags;

    desc.flags = desc.next;
    desc.next = third;
    return desc;
}

vblk_err step_desc(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record = step->name[0] ? record_named(player, step->name) : NULL;
    struct vblk_desc desc = { { { 0 } }, { { 0 } }, { { 0 } }, { { 0 } } };
    struct play_ring *ring;
    uint64_t gpa;
    vblk_err err = step->name[0] && !record ? VBLK_E_INVAL : VBLK_OK;

    if (!err)
        err = ring_need(player, record ? record->queue : step->queue, &ring);
    if (!err)
        err = desc_address(player, step, record, &gpa);
    if (err)
        return err;
    (void)!vblk_memory_peek(player->mem, gpa, &desc, sizeof(desc));
    if (ring_packed(ring))
        desc = swapped(desc);
    err = merge(player, step, record, &desc);
    if (ring_packed(ring))
        desc = swapped(desc);
    if (!err)
        (void)!vblk_memory_write(player->mem, VBLK_DRIVER, gpa, &desc, sizeof(desc));
    return err;
}

vblk_err step_avail_slot(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record = step->b_given ? NULL : record_named(player, step->name);
    struct play_ring *ring;
    const vblk_err err = ring_need(player, step->queue, &ring);

    if (err || ring_packed(ring) || (step->a_given && step->a >= ring->at.size) || (!step->b_given && !record))
        return err ? err : VBLK_E_INVAL;
    ring_put_slot(player, step->queue, step->a_given ? (uint16_t)step->a : ring->slots,
                  record ? record->head : (uint16_t)step->b);
    return VBLK_OK;
}

vblk_err step_avail_idx(struct vblk_player *player, const struct vblk_step *step)
{
    struct play_ring *ring;
    const vblk_err err = ring_need(player, step->queue, &ring);

    if (!err && ring_packed(ring))
        return VBLK_E_INVAL;
    if (!err)
        ring_set_idx(player, step->queue, step->a_given ? (uint16_t)step->a : ring->slots,
                     (enum vblk_order)step->order);
    return err;
}

vblk_err step_avail_flags(struct vblk_player *player, const struct vblk_step *step)
{
    struct play_ring *ring;
    const vblk_err err = ring_need(player, step->queue, &ring);

    if (!err && ring_packed(ring))
        return VBLK_E_INVAL;
    if (!err)
        (void)!vblk_memory_store16(player->mem, VBLK_DRIVER, vblk_split_avail_flags_at(&ring->at),
                                   (enum vblk_order)step->order, (uint16_t)step->a);
    return err;
}

vblk_err step_barrier(struct vblk_player *player, const struct vblk_step *step)
{
    vblk_memory_barrier(player->mem, VBLK_DRIVER, step->a_given ? (enum vblk_order)(step->a & 3) : VBLK_FULL);
    return VBLK_OK;
}
