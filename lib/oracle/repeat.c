/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outcomes that repeat. Most checks ask of each lawful request what they asked of the last one, and are told the same.
 * Those listed here look at nothing that is not in the sign of the moment: while the sign is one of the last three, their
 * outcomes are counted again without running them. Only outcomes that need no evidence repeat: held, a choice noted,
 * nothing to say. Whatever is not plain (a fault, a changed byte, wrong data) has no sign, so that each check runs.
 *
 * Without NDEBUG every repetition is compared with what the checks say.
 */
#include "express.h"
#include "repeat.h"

/*
 * The moments at which the outcome of a clause's check depends on its sign alone:
 *  - always: registers, configuration, options and readings, as they were when they last changed (settings), and whether
 *    the driver abused a ring;
 *  - AT_STORE, AT_LOAD: place, party, whether the queue is enabled; that the access is plain (repeat.h);
 *  - AT_AVAILABLE: the type; that the chain has no fault and the queue is usual (queue_is_usual()); the chain's shape
 *    (shape_of()); whether its sector is 0; what else available_facts() has;
 *  - AT_USED: also the status, how length, prefix and writable bytes compare, which causes a read agreed with, and what
 *    else used_facts() has;
 *  - AT_USED_IDX: that idx grew by one, past an element that was stored; what used_idx_facts() has.
 * A check that looks at anything else (pieces, other chains, counters, memory) does not belong here.
 */
static const uint32_t repeating[VBLK_C_COUNT] = {
    /* check_safety.c */
    [VBLK_C_SAFE_DEV_02] = AT(USED),
    [VBLK_C_SAFE_DEV_03] = AT(USED),
    [VBLK_C_SAFE_DEV_04] = AT(USED),
    [VBLK_C_SAFE_DEV_05] = AT(USED),
    [VBLK_C_SAFE_DEV_06] = AT(LOAD) | AT(USED),
    [VBLK_C_SAFE_DEV_01] = AT(STORE) | AT(USED),
    [VBLK_C_SAFE_DRV_01] = AT(STORE) | AT(USED),
    [VBLK_C_SAFE_DRV_02] = AT(AVAILABLE),
    [VBLK_C_SAFE_DRV_03] = AT(AVAILABLE),
    /* check_split_device.c */
    [VBLK_C_VQ_02] = AT(USED),
    [VBLK_C_VQ_03] = AT(USED),
    [VBLK_C_SUPPLY_08] = AT(USED),
    [VBLK_C_RING_SPLIT_13] = AT(USED_IDX),
    [VBLK_C_RING_SPLIT_17] = AT(USED_IDX),
    [VBLK_C_RING_SPLIT_DEV_05] = AT(STORE) | AT(USED_IDX),
    [VBLK_C_RING_SPLIT_03] = AT(STORE),
    [VBLK_C_RING_SPLIT_07] = AT(LOAD) | AT(USED),
    [VBLK_C_RING_SPLIT_11] = AT(USED),
    [VBLK_C_RING_SPLIT_15] = AT(USED),
    [VBLK_C_RING_SPLIT_16] = AT(USED),
    [VBLK_C_RING_SPLIT_DEV_01] = AT(USED),
    [VBLK_C_RING_SPLIT_DEV_02] = AT(USED),
    [VBLK_C_RING_SPLIT_DEV_04] = AT(USED),
    [VBLK_C_RING_SPLIT_DEV_06] = AT(USED),
    [VBLK_C_RING_SPLIT_DEV_07] = AT(USED),
    /* check_split_driver.c */
    [VBLK_C_RING_SPLIT_05] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_06] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_08] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_14] = AT(STORE),
    [VBLK_C_RING_SPLIT_DRV_02] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_DRV_03] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_03] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_04] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_05] = AT(AVAILABLE),
    /* check_indirect.c, check_in_order.c */
    [VBLK_C_RING_IND_01] = AT(AVAILABLE),
    [VBLK_C_RING_IND_02] = AT(AVAILABLE),
    [VBLK_C_RING_IND_03] = AT(AVAILABLE),
    [VBLK_C_RING_IND_04] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_01] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_02] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_03] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_04] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_05] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DEV_01] = AT(USED),
    [VBLK_C_RING_IND_05] = AT(AVAILABLE) | AT(USED),
    [VBLK_C_RING_IND_06] = AT(USED),
    [VBLK_C_RING_IND_07] = AT(USED),
    [VBLK_C_RING_IND_DEV_02] = AT(USED),
    [VBLK_C_RING_SPLIT_09] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_DRV_04] = AT(AVAILABLE),
    [VBLK_C_RSVF_DEV_05] = AT(USED),
    [VBLK_C_INORD_01] = AT(USED),
    [VBLK_C_INORD_02] = AT(USED),
    [VBLK_C_INORD_03] = AT(USED) | AT(USED_IDX),
    /* check_notify_data.c, check_queue_reset.c */
    [VBLK_C_NOTIF_DATA_06] = AT(USED),
    [VBLK_C_NOTIF_06] = AT(USED), /* check_notify_race.c */
    [VBLK_C_QRESET_01] = AT(USED),
    [VBLK_C_QRESET_DEV_01] = AT(STORE),
    [VBLK_C_QRESET_DEV_03] = AT(USED) | AT(USED_IDX),
    [VBLK_C_PCI_COM_DEV_12] = AT(USED) | AT(USED_IDX),
    [VBLK_C_MMIO_DEV_10] = AT(USED) | AT(USED_IDX),
    [VBLK_C_QRESET_DEV_04] = AT(USED),
    /* check_packed_*.c, check_indirect_packed.c */
    [VBLK_C_RING_PACKED_DRV_07] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_08] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_21] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_20] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_11] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_09] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_10] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_30] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_06] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_08] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_17] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_19] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_13] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_06] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_09] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_11] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_02] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_29] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_DRV_12] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_06] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_07] = AT(AVAILABLE),
    [VBLK_C_RING_IND_DRV_09] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_27] = AT(AVAILABLE),
    [VBLK_C_RING_PACKED_05] = AT(AVAILABLE) | AT(USED),
    [VBLK_C_RING_PACKED_08] = AT(AVAILABLE) | AT(USED),
    [VBLK_C_RING_PACKED_26] = AT(USED),
    [VBLK_C_RING_PACKED_07] = AT(USED),
    [VBLK_C_RING_PACKED_10] = AT(USED),
    [VBLK_C_RING_PACKED_04] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_02] = AT(USED),
    [VBLK_C_INORD_06] = AT(USED),
    [VBLK_C_RING_PACKED_DRV_03] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_01] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_03] = AT(USED),
    [VBLK_C_RING_PACKED_12] = AT(USED),
    [VBLK_C_RING_PACKED_22] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_06] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_07] = AT(USED),
    [VBLK_C_RING_PACKED_14] = AT(USED),
    [VBLK_C_RING_PACKED_15] = AT(USED),
    [VBLK_C_RING_PACKED_18] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_09] = AT(USED),
    [VBLK_C_RING_PACKED_31] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_04] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_05] = AT(USED),
    [VBLK_C_RING_PACKED_DEV_08] = AT(USED),
    [VBLK_C_RING_PACKED_03] = AT(STORE),
    /* check_request.c */
    [VBLK_C_BLK_OP_01] = AT(AVAILABLE) | AT(USED),
    [VBLK_C_BLK_OP_02] = AT(USED),
    [VBLK_C_BLK_OP_03] = AT(USED),
    [VBLK_C_BLK_OP_04] = AT(USED),
    [VBLK_C_BLK_OP_05] = AT(USED),
    [VBLK_C_BLK_OP_06] = AT(USED),
    [VBLK_C_BLK_OP_07] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_08] = AT(USED),
    [VBLK_C_BLK_OP_09] = AT(USED),
    [VBLK_C_BLK_OP_20] = AT(USED),
    [VBLK_C_BLK_OP_21] = AT(USED),
    [VBLK_C_BLK_OP_DRV_02] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DRV_06] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DRV_10] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DEV_03] = AT(USED),
    [VBLK_C_BLK_OP_DEV_04] = AT(USED),
    [VBLK_C_FRAME_DEV_01] = AT(USED),
    [VBLK_C_FRAME_DEV_02] = AT(USED),
    [VBLK_C_FRAME_DRV_01] = AT(AVAILABLE),
    [VBLK_C_FRAME_DRV_02] = AT(AVAILABLE),
    /* check_flush.c */
    [VBLK_C_BLK_OP_DRV_04] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DRV_05] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DEV_15] = AT(USED),
    [VBLK_C_BLK_OP_DEV_16] = AT(USED),
    [VBLK_C_BLK_OP_DEV_17] = AT(USED),
    [VBLK_C_BLK_OP_DEV_18] = AT(USED),
    [VBLK_C_BLK_OP_DEV_19] = AT(USED),
    [VBLK_C_BLK_OP_DEV_20] = AT(USED),
    [VBLK_C_BLK_OP_DEV_22] = AT(USED),
    /* check_segments.c, check_config_change.c, check_provision_data.c: what a read says of other requests */
    [VBLK_C_BLK_OP_12] = AT(USED),
    [VBLK_C_BLK_OP_DEV_11] = AT(USED),
    [VBLK_C_BLK_INIT_01] = AT(AVAILABLE),
    [VBLK_C_BLK_INIT_03] = AT(USED),
    [VBLK_C_BLK_INIT_DRV_03] = AT(AVAILABLE),
    [VBLK_C_PROV_DEV_31] = AT(USED),
    [VBLK_C_PROV_DEV_04] = AT(USED),
    [VBLK_C_PROV_DEV_06] = AT(USED),
    [VBLK_C_PROV_DEV_08] = AT(USED),
    [VBLK_C_PROV_DEV_09] = AT(USED),
    [VBLK_C_PROV_DEV_29] = AT(USED),
    [VBLK_C_PROV_DEV_10] = AT(USED),
    [VBLK_C_PROV_DEV_11] = AT(USED),
    [VBLK_C_PROV_DEV_28] = AT(USED),
    /* check_features.c, check_features_reserved.c, check_features_blk.c */
    [VBLK_C_FEAT_01] = AT(USED),
    [VBLK_C_RSVF_06] = AT(USED),
    [VBLK_C_BLK_FEAT_04] = AT(USED),
    [VBLK_C_BLK_FEAT_06] = AT(USED),
    [VBLK_C_BLK_FEAT_12] = AT(USED),
    /* check_reset.c, check_status.c, check_suspend.c */
    [VBLK_C_CLEAN_DRV_02] = AT(STORE),
    [VBLK_C_RESET_DEV_03] = AT(STORE) | AT(LOAD),
    [VBLK_C_STATUS_DEV_01] = AT(STORE) | AT(USED_IDX),
    [VBLK_C_SUSP_DEV_04] = AT(STORE) | AT(LOAD) | AT(USED_IDX),
};

bool outcome_repeats(const struct check *check, enum moment moment)
{
    return (repeating[check->clause] >> moment & 1) != 0;
}

static bool in_asked(const struct check_list *list, const struct check *check, unsigned *at)
{
    if (*at == list->asked_count || list->asked[*at] != check)
        return false;
    ++*at;
    return true;
}

bool repeat_learn(struct vblk_oracle *o, struct check_list *list, const struct check *check, enum outcome outcome,
                  const struct why *why, unsigned *asked)
{
    if (in_asked(list, check, asked) || outcome == UNTOUCHED)
        return true;
    if (why->reading != 0 || (outcome != HELD && outcome != NOTED))
        return false;
    struct known *k = &list->known;
    if (outcome == HELD)
        k->held[k->held_count++] = &o->held[check->clause];
    else
        k->choice[k->choice_count++] = (struct choice){ check->clause, why->choice };
    return true;
}

static bool is_known(const struct vblk_oracle *o, const struct known *k, const struct check *check,
                     enum outcome outcome, const struct why *why, unsigned *held, unsigned *chosen)
{
    const struct choice *choice = &k->choice[*chosen];

    if (outcome == UNTOUCHED)
        return true;
    if (outcome == HELD)
        return *held < k->held_count && k->held[(*held)++] == &o->held[check->clause];
    if (outcome != NOTED || *chosen == k->choice_count)
        return false;
    ++*chosen;
    return choice->clause == check->clause && choice->choice == why->choice;
}

bool repeat_still_so(const struct vblk_oracle *o, const struct check_list *list, const struct look *look)
{
    unsigned asked = 0, held = 0, chosen = 0;

    for (unsigned i = 0; i < list->count; i++) {
        const struct check *check = list->check[i];
        struct why why = { .reading = 0 };
        if (in_asked(list, check, &asked))
            continue;
        enum outcome outcome = check->run(look, &why);
        if (why.reading != 0 || !is_known(o, &list->known, check, outcome, &why, &held, &chosen))
            return false;
    }
    return held == list->known.held_count && chosen == list->known.choice_count;
}

static void count_known(struct vblk_oracle *o, struct known *k, uint32_t checks)
{
    if (k->times == 0)
        return;
    o->checks_run += (uint64_t)k->times * checks;
    for (unsigned i = 0; i < k->held_count; i++)
        *k->held[i] += k->times;
    for (unsigned i = 0; i < k->choice_count; i++) {
        const struct choice *choice = &k->choice[i];
        o->tally[choice->clause].noted += k->times;
        if (k->last < o->chosen[choice->clause])
            continue;
        o->choices[choice->clause] = choice->choice;
        o->chosen[choice->clause] = k->last;
    }
    k->times = 0;
}

void repeat_count_list(struct vblk_oracle *o, struct check_list *list)
{
    const uint32_t checks = list->count - (uint32_t)list->asked_count;

    count_known(o, &list->known, checks);
    for (unsigned k = 0; k < SIGNS_BEFORE; k++)
        count_known(o, &list->before[k], checks);
}

void repeat_count(struct vblk_oracle *o)
{
    struct check_list *list = &o->lists.by_moment[0];

    express_settle(o);
    if (o->counted == o->seq + 1)
        return;
    for (unsigned i = 0; i < LISTS; i++)
        repeat_count_list(o, &list[i]);
    o->counted = o->seq + 1;
}

/* ---- facts ---- */

bool queue_turns_usual(const struct vblk_oracle *o, struct queue *q)
{
    const struct notices *s = notices_of(o, q);

    if (q->faulty_turn != 0 || o->queue_reset_at != 0 || s->stale || s->renewed || s->moved || s->reset != NOT_RESET)
        return false;
    q->usual_for = o->settings;
    return true;
}

/* Header alone, data in whole sectors (other data: in one piece), status alone: how drivers frame (5.2.6). */
static bool usual_framing(const struct chain *c)
{
    const struct request *r = &c->req;
    const bool sectors = (1u << r->slot & (TYPE(IN) | TYPE(OUT))) != 0;
    const struct piece *p = c->first, *last = p;
    bool odd = false;

    for (; p != NULL; p = p->after) {
        odd |= last != c->first && last->len % VBLK_SECTOR != 0;
        last = p;
    }
    if (c->first == NULL || c->first->len != sizeof(struct vblk_request_header) || last->len != 1)
        return false;
    return sectors ? !odd : c->count <= 2u + (r->in_len > 0) + (r->out_len > 0);
}

enum {
    SHAPE_PACKED, SHAPE_LINK, SHAPE_LINK_WRITE, SHAPE_LINKED, SHAPE_TABLE_UNORDERED, SHAPE_UNORDERED, SHAPE_WRONG_BITS,
    SHAPE_SLOTS, SHAPE_STRAY, SHAPE_ODD_FLAGS, SHAPE_MIXED, SHAPE_STRAY_NEXT, SHAPE_FRAMING,
    SHAPE_WHOLE_RING, SHAPE_ODD_SIZE, SHAPE_PIECES
};

static uint64_t bit(bool fact, unsigned which)
{
    return (uint64_t)fact << which;
}

static uint64_t pieces_shape(const struct queue *q, const struct chain *c)
{
    const unsigned known = VBLK_DESC_NEXT | VBLK_DESC_WRITE | VBLK_DESC_INDIRECT;
    bool odd_flags = false, stray_next = false;

    for (const struct piece *p = c->first; p != NULL && !q->packed; p = p->after) {
        odd_flags |= (p->flags & ~known) != 0;
        stray_next |= (p->flags & VBLK_DESC_NEXT) == 0 && p->next != 0;
    }
    return bit(odd_flags, SHAPE_ODD_FLAGS) | bit(stray_next, SHAPE_STRAY_NEXT);
}

uint64_t shape_of(const struct queue *q, struct chain *c)
{
    const bool mixed = c->first_writable > c->direct && c->first_writable < c->count;
    const uint64_t how = bit(q->packed, SHAPE_PACKED) | bit(c->link != NO_OWNER, SHAPE_LINK) |
                         bit(c->link != NO_OWNER && (c->link_flags & VBLK_DESC_WRITE) != 0, SHAPE_LINK_WRITE) |
                         bit(c->linked_indirect, SHAPE_LINKED) | bit(c->table_unordered, SHAPE_TABLE_UNORDERED) |
                         bit(c->unordered, SHAPE_UNORDERED) | bit(c->wrong_bits, SHAPE_WRONG_BITS) |
                         bit(q->packed && c->slots > 1, SHAPE_SLOTS) | bit(c->stray_flags, SHAPE_STRAY) |
                         bit(mixed, SHAPE_MIXED) | pieces_shape(q, c) |
                         bit(q->packed && c->slots == q->size, SHAPE_WHOLE_RING) |
                         bit(q->packed && (q->size & (q->size - 1u)) != 0, SHAPE_ODD_SIZE) |
                         bit(q->packed && c->req.data_pieces > 1, SHAPE_PIECES);

    c->odd_framing = !usual_framing(c);
    return c->count | (uint64_t)c->direct << 16 | (how | bit(c->odd_framing, SHAPE_FRAMING)) << 32;
}
