/* SPDX-License-Identifier: BSD-3-Clause */
/* How the driver reads and uses the configuration: 2.5.1, 5.2.5, 5.2.5.1. */
#include "check_features.h"

#define RULE(token, moments) CHECK(token, VBLK_DRIVER, moments, 0, ANY_PLACE, NO_SIGHT)

/* An access longer than any field fetches the structure as a whole: which fields are meant can't be told. */
#define ONE_FIELD 8u

/* The end of what the text of the profile describes, and of what the features offered need. */
static uint64_t known_end(const struct look *l, bool offered_only)
{
    struct vblk_config_field field;
    uint64_t end = 0;

    for (size_t i = 0; field_at(l->o, i, &field); i++)
        if (!offered_only || offers(&l->o->ctl, field.feature))
            end = (uint64_t)field.offset + field.width;
    return end;
}

/* The driver goes on with what it read: a step of the initialisation, or the end. Giving up is none. */
static bool moves_on(const struct look *l)
{
    uint8_t status;
    if (l->ev->kind == VBLK_EV_CASE_END)
        return !l->o->ctl.failed;
    return status_write(l->ev, &status) && status != 0 && (status & VBLK_STATUS_FAILED) == 0;
}

static bool reads_generation(const struct look *l)
{
    return l->ev->kind == VBLK_EV_REG_READ && l->ev->reg == VBLK_REG_GENERATION &&
           l->o->ctl.generation == (uint32_t)l->ev->value && l->o->ctl.generation_known;
}

RULE(CFG_DRV_01, AT(REG_READ) | AT(REG_WRITE) | AT(CASE_END))
{
    const struct bracket *b = &l->o->ctl.bracket;

    if (reads_generation(l))
        return b->open && b->wide && b->fields > 0 ? HELD : UNTOUCHED;
    if (!moves_on(l) || !b->torn_wide || b->torn_many)
        return UNTOUCHED;
    return broken(why, "a field of 64 bits is read again when the generation changed",
                  "the generation changed around the read, and the driver went on");
}

RULE(CFG_DRV_02, AT(REG_READ) | AT(REG_WRITE) | AT(CASE_END))
{
    const struct bracket *b = &l->o->ctl.bracket;

    if (reads_generation(l))
        return b->open && b->fields > 1 ? HELD : UNTOUCHED;
    if (!moves_on(l) || !b->torn_many)
        return UNTOUCHED;
    return broken(why, "fields read together are read again when the generation changed",
                  "the generation changed around the reads, and the driver went on");
}

/* A field of up to 32 bits comes whole without it, and no driver asks; so only wider ones count. */
RULE(CFG_DRV_03, AT(REG_READ) | AT(REG_WRITE) | AT(CASE_END))
{
    const struct control *ctl = &l->o->ctl;
    const struct bracket *b = &ctl->bracket;

    if (reads_generation(l))
        return b->open && b->fields > 0 ? HELD : UNTOUCHED;
    if (!moves_on(l) || !ctl->generation_seen || (!b->loose && (!b->open || !b->wide)))
        return UNTOUCHED;
    return broken(why, "the generation read before and after a field of 64 bits", "%s",
                  b->loose ? "it was not read before" : "it was not read after");
}

/* Of the optional fields that an access touches: how many, and how many of them the driver knows to be offered. */
static void optional_fields(const struct look *l, unsigned *all, unsigned *good)
{
    struct vblk_config_field field;

    *all = *good = 0;
    for (size_t i = 0; field_at(l->o, i, &field); i++) {
        if (field.offset >= l->ev->at + l->ev->len || field.offset + (uint64_t)field.width <= l->ev->at)
            continue;
        ++*all;
        *good += offers(&l->o->ctl, field.feature);
    }
}

RULE(CFG_DRV_04, AT(CONFIG_READ) | AT(CONFIG_WRITE))
{
    unsigned all, good;

    optional_fields(l, &all, &good);
    if (all == 0 || (l->ev->at < 8 && all == 1))
        return UNTOUCHED; /* capacity is not optional */
    if (good > 0)
        return good == all && l->o->ctl.offered_read ? HELD : UNTOUCHED;
    enum outcome outcome =
        broken(why, "an optional field is left alone unless its feature is offered", "%s",
               l->o->ctl.offered_read ? "accessed, not offered" : "accessed before the offered features were read");
    point_at(why, l->ev->at);
    return outcome;
}

/* What is offered was enough for the driver in an earlier life, when the configuration had another length. */
static bool offer_was_enough(const struct control *ctl)
{
    if (ctl->length_granted == 0 || ctl->length_granted == ctl->config_length)
        return false;
    for (unsigned i = 0; i < ctl->grants; i++)
        if ((ctl->granted[i].accepted & ~ctl->offered) == 0)
            return true;
    return false;
}

/* The driver gives up before it comes to features: over nothing but the length, as far as can be seen. */
static enum outcome length_accepted(const struct look *l, struct why *why, const char *expected)
{
    const struct control *ctl = &l->o->ctl;
    uint8_t status;

    if (!status_write(l->ev, &status))
        return UNTOUCHED;
    if ((status & VBLK_STATUS_FAILED) != 0 && !ctl->failed && !ctl->accepted_written && !ctl->refused &&
        (ctl->status_ever & VBLK_STATUS_DRIVER) != 0 && ctl->offered_read && /* it knows the kind of device, and offer */
        !ctl->needs_reset && features_missing(ctl) == 0 && /* FEAT-DRV-06, RSVF-DRV-02 */
        undescribed(l, ctl->offered) == 0 && offer_was_enough(ctl)) /* FEAT-DRV-09; it may need what was never offered */
        return doubted(why, expected, "FAILED set, and the configuration has %u bytes", ctl->config_length);
    return (status & ~ctl->status_ever & VBLK_STATUS_DRIVER_OK) != 0 ? HELD : UNTOUCHED;
}

RULE(CFG_DRV_05, AT(REG_WRITE))
{
    if (!l->o->ctl.config_length_known || l->o->ctl.config_length <= known_end(l, false))
        return UNTOUCHED;
    return length_accepted(l, why, "a configuration longer than is known is no reason to fail");
}

RULE(CFG_DRV_06, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    if (!ctl->config_length_known || ctl->config_length < known_end(l, true) ||
        ctl->config_length > known_end(l, false))
        return UNTOUCHED;
    return length_accepted(l, why, "a configuration as long as the offered fields is enough");
}

RULE(BLK_CFG_10, AT(REG_WRITE))
{
    if (l->ev->reg != VBLK_REG_QUEUE_ENABLE || l->ev->value != 1 || l->o->ctl.offered_ever == 0 ||
        offers(&l->o->ctl, VBLK_F_MQ))
        return UNTOUCHED;
    return l->ev->queue == 0 ? HELD
                             : broken(why, "one queue where num_queues does not exist",
                                      "queue %u enabled, MQ not offered", l->ev->queue);
}

RULE(BLK_INIT_09, AT(REG_WRITE))
{
    const struct control *ctl = &l->o->ctl;
    uint64_t queues;

    if (l->ev->reg != VBLK_REG_QUEUE_ENABLE || l->ev->value != 1 || !offers(ctl, VBLK_F_MQ))
        return UNTOUCHED;
    if (!negotiated(l->o, VBLK_F_MQ))
        return l->ev->queue == 0 ? UNTOUCHED
                                 : broken(why, "one queue unless MQ is negotiated", "queue %u enabled", l->ev->queue);
    if (!limit_of(ctl, LIM_NUM_QUEUES, &queues))
        return l->ev->queue == 0 || ctl->reads_hidden ? UNTOUCHED
                                 : doubted(why, "num_queues is read before queues are counted",
                                           "queue %u enabled, num_queues never read", l->ev->queue);
    if (queues == 0)
        return UNTOUCHED; /* the device's fault: BLK-CFG-09 */
    return l->ev->queue < queues ? HELD
                                 : broken(why, "no more queues than num_queues", "queue %u enabled, num_queues %llu",
                                          l->ev->queue, (unsigned long long)queues);
}

RULE(BLK_INIT_DRV_04, AT(CONFIG_READ))
{
    const struct control *ctl = &l->o->ctl;
    struct vblk_config_field field;

    if (!vblk_config_field_find(&l->o->opt.profile, "writeback", &field) || l->ev->at > field.offset ||
        l->ev->at + l->ev->len <= field.offset || l->ev->len > ONE_FIELD)
        return UNTOUCHED;
    if ((ctl->status_ever & VBLK_STATUS_FEATURES_OK) != 0)
        return HELD;
    return l->o->opt.strictness == VBLK_LEGACY ? UNTOUCHED
                                               : broken(why, "writeback is not read before FEATURES_OK is set",
                                                        "read at status 0x%02x", ctl->status_written);
}

/* The driver was at work since the notification came: it had the time. */
static bool went_on(const struct look *l)
{
    for (uint32_t i = 0; i < l->o->active_count; i++)
        if (l->o->notices[l->o->active[i]].way[VBLK_DRIVER].published > l->o->ctl.stale_since)
            return true;
    return false;
}

RULE(BLK_OP_DRV_01, AT(CONFIG_READ) | AT(CASE_END))
{
    if (!l->o->ctl.capacity_stale)
        return UNTOUCHED;
    if (l->ev->kind == VBLK_EV_CONFIG_READ)
        return l->ev->at < 8 ? HELD : UNTOUCHED;
    if (l->o->ctl.needs_reset || l->o->ctl.failed || !went_on(l))
        return UNTOUCHED;
    return broken(why, "capacity is read again after a configuration change notification", "it was not");
}

/* The first request of a queue shows whether the driver knows what it should have read. */
CHECK(BLK_INIT_01, VBLK_DRIVER, AT(AVAILABLE), TYPE(IN) | TYPE(OUT), ANY_PLACE, NO_SIGHT)
{
    uint64_t capacity;
    if (l->q->total > 1 || l->chain->void_ || l->o->ctl.reads_hidden)
        return UNTOUCHED;
    return limit_of(&l->o->ctl, LIM_CAPACITY, &capacity)
               ? HELD
               : doubted(why, "capacity is read before sectors are", "sector %llu, and capacity was never read",
                         (unsigned long long)l->chain->req.sector);
}

/* A limit matters to what goes beyond one: segments, or sectors of a segment. */
static uint32_t limits_needed(const struct request *r, enum limit sectors, enum limit segments)
{
    uint32_t needed = r->segments > 1 ? 1u << segments : 0;
    struct seg s;

    for (uint32_t i = 0; request_segment(r, i, &s); i++)
        needed |= s.count > 1 ? 1u << sectors : 0;
    return needed;
}

static enum outcome limits_read(const struct look *l, struct why *why, enum limit sectors, enum limit segments)
{
    const uint32_t both = 1u << sectors | 1u << segments, known = l->o->ctl.limit_known & both;
    if (l->chain->void_ || (l->chain->faults & F_NOT_NEGOTIATED) != 0 || l->o->ctl.reads_hidden)
        return UNTOUCHED;
    const uint32_t needed = known == both ? 0 : limits_needed(&l->chain->req, sectors, segments);
    if (known != 0 && (needed & ~known) == 0)
        return HELD;
    return doubted(why, "the limits of a command are read before it is used", "request type %u, %s never read",
                   l->chain->req.type,
                   known == 0 ? "limits" : (needed & ~known & 1u << sectors) != 0 ? "the sector limit" : "the segment limit");
}

CHECK(BLK_INIT_07, VBLK_DRIVER, AT(AVAILABLE), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return limits_read(l, why, LIM_DISCARD_SECTORS, LIM_DISCARD_SEG);
}

CHECK(BLK_INIT_08, VBLK_DRIVER, AT(AVAILABLE), TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return limits_read(l, why, LIM_WZ_SECTORS, LIM_WZ_SEG);
}

CHECK(BLK_INIT_10, VBLK_DRIVER, AT(AVAILABLE), TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    return limits_read(l, why, LIM_ERASE_SECTORS, LIM_ERASE_SEG);
}
