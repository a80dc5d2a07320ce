/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PROVISION requests with which nothing is wrong: a device has to know them. Success is evidence for the row of each
 * trait that the request has; a refusal is laid at the door of one, the most unusual.
 */
#include "check_provision.h"

static bool any_segment(const struct look *l, bool (*has)(const struct look *l, const struct seg *s))
{
    struct seg s;
    for (uint32_t i = 0; request_segment(&l->chain->req, i, &s); i++)
        if (has(l, &s))
            return true;
    return false;
}

/* Sectors in a block, where the device tells of blocks that are larger than a sector; else 1. */
static uint64_t sectors_per_block(const struct look *l)
{
    uint64_t size;
    if ((l->o->ctl.offered_ever & VBLK_BIT(VBLK_F_BLK_SIZE)) == 0 || !limit_of(&l->o->ctl, LIM_BLK_SIZE, &size))
        return 1;
    return size > VBLK_SECTOR ? size / VBLK_SECTOR : 1;
}

/* ---- traits ---- */

/* Header, segments and status in a descriptor each is how drivers frame. */
static bool oddly_framed(const struct look *l)
{
    const struct piece *first = chain_first(l->q, l->chain);
    return first != NULL && (l->chain->count > 3 || first->len != sizeof(struct vblk_request_header));
}

static bool off_grid(const struct look *l, const struct seg *s)
{
    uint64_t align, grid = sectors_per_block(l);
    if ((l->o->ctl.offered_ever & VBLK_BIT(VBLK_F_DISCARD)) != 0 &&
        limit_of(&l->o->ctl, LIM_DISCARD_ALIGN, &align) && align > grid)
        grid = align;
    return s->sector % grid != 0 || s->count % grid != 0;
}

static bool unaligned(const struct look *l)
{
    return any_segment(l, off_grid);
}

static bool reaches_end(const struct look *l, const struct seg *s)
{
    uint64_t capacity;
    return limit_of(&l->o->ctl, LIM_CAPACITY, &capacity) && s->sector + s->count == capacity;
}

static bool ends_at_capacity(const struct look *l)
{
    return any_segment(l, reaches_end);
}

static bool most_segments(const struct look *l)
{
    uint64_t most;
    return segment_limit(l, &most) && most > 1 && l->chain->req.segments == most;
}

static bool longest(const struct look *l, const struct seg *s)
{
    uint64_t most;
    return sector_limit(l, &most) && s->count == most;
}

static bool longest_in_blocks(const struct look *l)
{
    return sectors_per_block(l) > 1 && any_segment(l, longest);
}

static bool longest_alone(const struct look *l)
{
    const uint64_t older = VBLK_BIT(VBLK_F_DISCARD) | VBLK_BIT(VBLK_F_WRITE_ZEROES) | VBLK_BIT(VBLK_F_SECURE_ERASE);
    return (l->o->ctl.offered_ever & older) == 0 && any_segment(l, longest);
}

static bool longest_of_all(const struct look *l)
{
    return any_segment(l, longest);
}

static bool long_in_blocks(const struct look *l, const struct seg *s)
{
    uint64_t most;
    return sector_limit(l, &most) && s->count > most / sectors_per_block(l);
}

static bool too_long_if_scaled(const struct look *l)
{
    return sectors_per_block(l) > 1 && any_segment(l, long_in_blocks);
}

static bool far_in_blocks(const struct look *l, const struct seg *s)
{
    uint64_t capacity;
    return limit_of(&l->o->ctl, LIM_CAPACITY, &capacity) && s->sector + s->count > capacity / sectors_per_block(l);
}

static bool too_far_if_scaled(const struct look *l)
{
    return sectors_per_block(l) > 1 && any_segment(l, far_in_blocks);
}

#define OVERLAPS_SOUGHT 64u
static bool overlaps_itself(const struct look *l)
{
    struct seg a, b;
    for (uint32_t i = 1; i < OVERLAPS_SOUGHT && request_segment(&l->chain->req, i, &a); i++)
        for (uint32_t j = 0; j < i && request_segment(&l->chain->req, j, &b); j++)
            if (a.sector < b.sector + b.count && b.sector < a.sector + a.count)
                return true;
    return false;
}

static bool repeated(const struct look *l)
{
    struct seg s;
    return l->answer->again ||
           (l->o->provisioned.known && request_segment(&l->chain->req, 0, &s) &&
            s.sector == l->o->provisioned.sector && s.count == l->o->provisioned.count &&
            l->answer->status != VBLK_S_OK);
}

static bool several(const struct look *l)
{
    return l->chain->req.segments > 1;
}

static bool on_another_queue(const struct look *l)
{
    return l->q->no > 0;
}

static bool with_no_other_feature(const struct look *l)
{
    return !negotiated(l->o, VBLK_F_DISCARD) && !negotiated(l->o, VBLK_F_WRITE_ZEROES) &&
           !negotiated(l->o, VBLK_F_FLUSH);
}

static bool any_at_all(const struct look *l)
{
    (void)l;
    return true;
}

/* The most unusual first. Where the request touches a boundary, even IOERR looks as if the device had it elsewhere. */
static const struct trait {
    uint16_t row;
    bool boundary;
    bool (*has)(const struct look *l);
    const char *expected;
} traits[] = {
    { VBLK_C_PROV_REQ_10, true, oddly_framed, "OK however the request is cut into descriptors" },
    { VBLK_C_PROV_CFG_11, true, unaligned, "OK: no alignment is asked of a segment" },
    { VBLK_C_PROV_DEV_14, true, ends_at_capacity, "OK for a segment that ends at capacity" },
    { VBLK_C_PROV_REQ_11, true, most_segments, "OK for max_provision_seg segments" },
    { VBLK_C_PROV_CFG_04, true, longest_in_blocks, "OK: max_provision_sectors counts 512 bytes, not blocks" },
    { VBLK_C_PROV_CFG_13, true, longest_alone, "OK: the limits lie where they do without other features" },
    { VBLK_C_PROV_CFG_01, true, longest_of_all, "OK for a segment of max_provision_sectors" },
    { VBLK_C_PROV_CFG_05, true, too_long_if_scaled, "OK: blk_size does not scale num_sectors" },
    { VBLK_C_PROV_REQ_07, true, too_far_if_scaled, "OK: segments count in sectors of 512 bytes" },
    { VBLK_C_PROV_DEV_25, false, overlaps_itself, "OK for segments that overlap" },
    { VBLK_C_PROV_DEV_26, false, repeated, "OK for a range that was provisioned before" },
    { VBLK_C_PROV_REQ_06, false, several, "OK for several segments" },
    { VBLK_C_PROV_DEV_33, false, on_another_queue, "OK on every queue" },
    { VBLK_C_PROV_FEAT_04, false, with_no_other_feature, "OK without any other feature" },
    { VBLK_C_PROV_REQ_01, false, any_at_all, "OK or IOERR for a well-formed request" },
};

unsigned provision_trait(const struct look *l)
{
    size_t i = 0;
    while (!traits[i].has(l))
        i++;
    return traits[i].row;
}

static const struct trait *trait_of(unsigned row)
{
    size_t i = 0;
    while (traits[i].row != row)
        i++;
    return &traits[i];
}

static enum outcome judge_trait(const struct look *l, struct why *why, unsigned row)
{
    const struct trait *trait = trait_of(row);

    if (!provision_lawful(l) || l->answer->status > VBLK_S_UNSUPP || !trait->has(l))
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_OK)
        return HELD;
    if (provision_trait(l) != row)
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_UNSUPP)
        return provision_status(l, why, BROKEN, trait->expected);
    return trait->boundary ? provision_status(l, why, DOUBTED, trait->expected) : UNTOUCHED;
}

#define TRAIT_CHECK(token, guilty)                                               \
    CHECK(token, guilty, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)        \
    {                                                                             \
        return judge_trait(l, why, VBLK_C_##token);                               \
    }

TRAIT_CHECK(PROV_REQ_01, VBLK_DEVICE)
TRAIT_CHECK(PROV_REQ_06, VBLK_DEVICE)
TRAIT_CHECK(PROV_REQ_07, VBLK_DEVICE)
TRAIT_CHECK(PROV_REQ_10, VBLK_DEVICE)
TRAIT_CHECK(PROV_REQ_11, VBLK_DEVICE)
TRAIT_CHECK(PROV_CFG_01, VBLK_DEVICE)
TRAIT_CHECK(PROV_CFG_04, VBLK_DEVICE)
TRAIT_CHECK(PROV_CFG_05, VBLK_DEVICE)
TRAIT_CHECK(PROV_CFG_11, VBLK_DEVICE)
TRAIT_CHECK(PROV_CFG_13, VBLK_DEVICE)
TRAIT_CHECK(PROV_DEV_14, VBLK_DEVICE)
TRAIT_CHECK(PROV_DEV_25, VBLK_DEVICE)
TRAIT_CHECK(PROV_DEV_26, VBLK_DEVICE)
TRAIT_CHECK(PROV_DEV_33, VBLK_DEVICE)

/* The driver waits for FEATURES_OK, having accepted nothing else; what a device may insist on is not counted. */
static bool refused_alone(const struct look *l)
{
    const struct control *ctl = &l->o->ctl;
    return l->ev->reg == VBLK_REG_STATUS && (l->ev->flags & VBLK_EV_EMULATED) == 0 &&
           (ctl->status_written & VBLK_STATUS_FEATURES_OK) != 0 && !ctl->live &&
           ctl->accepted == (provision_mask(l->o) | VBLK_BIT(VBLK_F_VERSION_1)) &&
           (ctl->accepted & ~ctl->offered) == 0 && (ctl->offered & VBLK_BIT(VBLK_F_ACCESS_PLATFORM)) == 0;
}

CHECK(PROV_FEAT_04, VBLK_DEVICE, AT(USED) | AT(REG_READ), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->answer != NULL)
        return judge_trait(l, why, VBLK_C_PROV_FEAT_04);
    if (!refused_alone(l))
        return UNTOUCHED;
    return (l->ev->value & VBLK_STATUS_FEATURES_OK) != 0
               ? HELD
               : doubted(why, "FEATURES_OK with PROVISION and VERSION_1 accepted", "status 0x%llx",
                         (unsigned long long)l->ev->value);
}

/* ---- statuses ---- */

CHECK(PROV_REQ_15, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (l->chain->void_ || status_untouched(l) || (l->chain->faults & F_NO_STATUS) != 0)
        return UNTOUCHED;
    if (l->answer->status <= VBLK_S_UNSUPP)
        return HELD;
    return provision_row(l) == VBLK_C_PROV_REQ_15
               ? provision_status(l, why, BROKEN, "OK, IOERR or UNSUPP: the others are for zoned devices")
               : UNTOUCHED;
}

/* That a device says IOERR when its store fails shows only as IOERR; a number of its own shows. */
CHECK(PROV_DEV_22, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (provision_row(l) == VBLK_C_PROV_DEV_22)
        return provision_status(l, why, BROKEN, "IOERR for any failure of the store");
    return provision_lawful(l) && l->answer->status == VBLK_S_IOERR ? HELD : UNTOUCHED;
}

CHECK(PROV_DEV_23, VBLK_DEVICE, AT(USED), TYPE(PROVISION), ANY_PLACE, NO_SIGHT)
{
    if (!provision_lawful(l) || l->answer->status != VBLK_S_IOERR || l->chain->req.segments < 2)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_07, noted(why, "IOERR: segments left open"));
}

CHECK(PROV_DEV_24, VBLK_DEVICE, AT(USED), TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    const struct request *r = &l->chain->req;
    if (!l->o->provisioned.known || l->chain->void_ || (l->chain->faults & ~(uint32_t)F_HARMLESS) != 0)
        return UNTOUCHED;
    if (r->sector - l->o->provisioned.sector >= l->o->provisioned.count || l->answer->status > VBLK_S_IOERR)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_08,
                      noted(why, l->answer->status == VBLK_S_OK ? "a later write succeeded" : "a later write failed"));
}
