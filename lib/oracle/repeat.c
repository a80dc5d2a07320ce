/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outcomes that repeat. Most checks ask of each lawful request what they asked of the last one, and are told the same.
 * Those listed here look at nothing that is not in the sign of the moment: while the sign stays as it was, their
 * outcomes are counted again without running them. Only outcomes that need no evidence repeat: held, a choice noted,
 * nothing to say. Whatever is not plain (a fault, a changed byte, wrong data) has no sign, so that each check runs.
 *
 * Without NDEBUG every repetition is compared with what the checks say.
 */
#include "repeat.h"

/*
 * The moments at which the outcome of a clause's check depends on its sign alone:
 *  - always: registers, configuration, options and readings, as they were when they last changed (settings), and whether
 *    the driver abused a ring;
 *  - AT_STORE, AT_LOAD: place, party, whether the queue is enabled; that the access is plain (repeat.h);
 *  - AT_AVAILABLE: the type; that the chain has no fault; whether its sector is 0; of a packed ring, its shape (repeat.h);
 *  - AT_USED: also the status, how length, prefix and writable bytes compare, and which causes a read agreed with.
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
    [VBLK_C_RING_SPLIT_03] = AT(STORE),
    [VBLK_C_RING_SPLIT_07] = AT(LOAD),
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
    [VBLK_C_RING_SPLIT_08] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_14] = AT(STORE),
    [VBLK_C_RING_SPLIT_DRV_02] = AT(AVAILABLE),
    [VBLK_C_RING_SPLIT_DRV_03] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_03] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_04] = AT(AVAILABLE),
    [VBLK_C_SUPPLY_05] = AT(AVAILABLE),
    /* check_indirect.c, check_in_order.c */
    [VBLK_C_RING_IND_DRV_01] = AT(AVAILABLE),
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
    [VBLK_C_FRAME_DRV_01] = AT(AVAILABLE),
    [VBLK_C_FRAME_DRV_02] = AT(AVAILABLE),
    /* check_flush.c */
    [VBLK_C_BLK_OP_DRV_04] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DRV_05] = AT(AVAILABLE),
    [VBLK_C_BLK_OP_DEV_15] = AT(USED),
    [VBLK_C_BLK_OP_DEV_16] = AT(USED),
    [VBLK_C_BLK_OP_DEV_17] = AT(USED),
    [VBLK_C_BLK_OP_DEV_18] = AT(USED),
    [VBLK_C_BLK_OP_DEV_20] = AT(USED),
    [VBLK_C_BLK_OP_DEV_22] = AT(USED),
    /* check_segments.c, check_config_change.c, check_provision_data.c: what a read says of other requests */
    [VBLK_C_BLK_OP_12] = AT(USED),
    [VBLK_C_BLK_OP_DEV_11] = AT(USED),
    [VBLK_C_BLK_INIT_03] = AT(USED),
    [VBLK_C_PROV_DEV_04] = AT(USED),
    [VBLK_C_PROV_DEV_06] = AT(USED),
    [VBLK_C_PROV_DEV_08] = AT(USED),
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
    [VBLK_C_RESET_DEV_03] = AT(STORE) | AT(LOAD),
    [VBLK_C_STATUS_DEV_01] = AT(STORE),
    [VBLK_C_SUSP_DEV_04] = AT(STORE) | AT(LOAD),
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
    if (outcome == HELD)
        list->held[list->held_count++] = &o->held[check->clause];
    else
        list->choice[list->choice_count++] =
            (struct choice){ &o->tally[check->clause].noted, &o->choices[check->clause], why->choice };
    return true;
}

static bool is_known(const struct vblk_oracle *o, const struct check_list *list, const struct check *check,
                     enum outcome outcome, unsigned *held, unsigned *chosen)
{
    if (outcome == UNTOUCHED)
        return true;
    if (outcome == HELD)
        return *held < list->held_count && list->held[(*held)++] == &o->held[check->clause];
    return outcome == NOTED && *chosen < list->choice_count &&
           list->choice[(*chosen)++].last == &o->choices[check->clause];
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
        if (why.reading != 0 || !is_known(o, list, check, outcome, &held, &chosen))
            return false;
    }
    return held == list->held_count && chosen == list->choice_count;
}
