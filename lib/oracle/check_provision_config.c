/* SPDX-License-Identifier: BSD-3-Clause */
/* The feature bit of provision, its two limits in the configuration, and what contradicts them. */
#include "check_provision.h"

#define ZONED_CONFIG_END 96u /* of a device that takes the same bit for ZONED */

static uint32_t limits_at(const struct look *l)
{
    return l->o->opt.profile.provision_offset;
}

static uint32_t limits_len(const struct look *l)
{
    return l->o->opt.profile.provision_seg ? 8 : 4;
}

static bool covers_field(const struct look *l, uint32_t offset)
{
    return l->ev->bytes != NULL && l->ev->at < offset + 4 && l->ev->at + l->ev->len > offset;
}

static bool covers_limits(const struct look *l)
{
    return covers_field(l, limits_at(l)) || (limits_len(l) > 4 && covers_field(l, limits_at(l) + 4));
}

/* A little-endian field as it is after this read; false if not all of its bytes were read by now. */
static bool field_value(const struct look *l, uint32_t offset, uint32_t *value)
{
    const struct vblk_event *ev = l->ev;

    *value = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t at = offset + i;
        bool here = at >= ev->at && at - ev->at < ev->len;
        if (!here && l->o->ctl.config_seen[at] == 0)
            return false;
        *value |= (uint32_t)(here ? ev->bytes[at - ev->at] : l->o->ctl.config[at]) << (8 * i);
    }
    return true;
}

/* The device's features as this event, or an earlier one, shows them. */
static bool features_show(const struct look *l, uint64_t *features)
{
    bool now = l->ev->reg == VBLK_REG_DEVICE_FEATURES;
    *features = now ? l->ev->value : l->o->ctl.offered_ever;
    return now || l->o->ctl.offered_ever != 0;
}

/* What a transport made up is no offer of the device's. */
static bool offer_read(const struct look *l)
{
    return l->ev->reg == VBLK_REG_DEVICE_FEATURES && (l->ev->flags & VBLK_EV_EMULATED) == 0 &&
           (l->ev->value & provision_mask(l->o)) != 0;
}

/* ---- the bit ---- */

/* The length of the window, once it and an offer of the bit are known. */
static bool window(const struct look *l, uint32_t *length)
{
    uint64_t features;
    bool now = l->ev->reg == VBLK_REG_CONFIG_LENGTH;

    if ((l->ev->flags & VBLK_EV_EMULATED) != 0 || (!now && l->ev->reg != VBLK_REG_DEVICE_FEATURES) ||
        (!now && !l->o->ctl.config_length_known))
        return false;
    *length = now ? (uint32_t)l->ev->value : l->o->ctl.config_length;
    return features_show(l, &features) && (features & provision_mask(l->o)) != 0;
}

/* Nothing came back for a limit that was asked for. */
static bool read_of_nothing(const struct look *l)
{
    return l->ev->at >= limits_at(l) && l->ev->at < limits_at(l) + limits_len(l) &&
           (l->ev->bytes == NULL || l->ev->len == 0);
}

CHECK(PROV_FEAT_02, VBLK_DEVICE, AT(REG_READ) | AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const char *expected = "both limits in the configuration along with the feature";
    uint32_t length;

    if (l->ev->kind == VBLK_EV_CONFIG_READ) {
        if (!provision_offered(l->o))
            return UNTOUCHED;
        if (read_of_nothing(l))
            return broken(why, expected, "nothing at offset %llu", (unsigned long long)l->ev->at);
        return covers_limits(l) ? HELD : UNTOUCHED;
    }
    if (!window(l, &length))
        return UNTOUCHED;
    return length >= limits_at(l) + 4 ? HELD : broken(why, expected, "%u bytes of configuration", length);
}

CHECK(PROV_CFG_02, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    uint32_t length;
    if (!window(l, &length) || length < limits_at(l) + 4)
        return UNTOUCHED; /* PROV-FEAT-02 */
    return length >= limits_at(l) + 8 ? HELD
                                      : broken(why, "a configuration that holds max_provision_seg", "%u bytes", length);
}

CHECK(PROV_FEAT_03, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    bool id_read = l->ev->reg == VBLK_REG_DEVICE_ID && (l->ev->flags & VBLK_EV_EMULATED) == 0;
    uint64_t id = id_read ? l->ev->value : l->o->provisioned.device_id;

    if (!(id_read ? provision_offered(l->o) : offer_read(l)) || id == 0)
        return UNTOUCHED;
    return id == VBLK_DEVICE_ID_BLOCK ? HELD
                                      : doubted(why, "the bit as PROVISION from device 2 alone", "device %llu",
                                                (unsigned long long)id);
}

CHECK(PROV_FEAT_05, VBLK_DRIVER, AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    uint64_t bit = provision_mask(l->o);
    if (l->ev->reg != VBLK_REG_DRIVER_FEATURES || !l->o->ctl.offered_read)
        return UNTOUCHED;
    return (l->ev->value & bit & ~l->o->ctl.offered) == 0
               ? HELD
               : broken(why, "PROVISION accepted only where it is offered", "accepted 0x%llx, offered 0x%llx",
                        (unsigned long long)l->ev->value, (unsigned long long)l->o->ctl.offered);
}

/* Requests that only a zoned device knows, and one that sends them has taken the bit for ZONED. */
static bool zone_type(uint32_t type)
{
    return type >= VBLK_T_ZONE_REPORT && type <= VBLK_T_ZONE_RESET_ALL && type % 2 == 0;
}

static enum outcome mixed_up(const struct look *l, struct why *why)
{
    if (l->o->opt.profile.zoned || !zone_type(l->chain->req.type) || l->chain->void_ || !provision_offered(l->o) ||
        l->o->opt.profile.provision_bit != VBLK_F_ZONED || status_untouched(l))
        return UNTOUCHED;
    if (l->answer->status == VBLK_S_IOERR || l->answer->status == VBLK_S_UNSUPP)
        return HELD;
    return by_reading(why, VBLK_AMB_01,
                      provision_status(l, why, BROKEN, "UNSUPP for a request to zones: the bit means PROVISION"));
}

CHECK(PROV_FEAT_06, VBLK_DEVICE, AT(REG_READ) | AT(USED), TYPE(OTHER), ANY_PLACE, NO_SIGHT)
{
    char reason[VBLK_WHY_TEXT];
    if (l->answer != NULL)
        return mixed_up(l, why);
    if (!offer_read(l))
        return UNTOUCHED;
    if (vblk_profile_check(&l->o->opt.profile, reason, sizeof(reason)) == VBLK_OK)
        return HELD;
    return by_reading(why, VBLK_AMB_01, broken(why, "one meaning of the bit in one run", "%s", reason));
}

CHECK(PROV_DEV_21, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (!offer_read(l))
        return UNTOUCHED;
    if ((l->ev->value & VBLK_BIT(VBLK_F_RO)) == 0)
        return HELD;
    return by_reading(why, VBLK_AMB_11, doubted(why, "PROVISION or RO", "both are offered"));
}

/* Longer windows than the oracle keeps are those of transports that give no length of their own. */
CHECK(PROV_DEV_34, VBLK_DEVICE, AT(REG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const struct vblk_profile *profile = &l->o->opt.profile;
    uint32_t length;

    if (profile->zoned || profile->provision_bit != VBLK_F_ZONED || !window(l, &length) || length >= VBLK_CONFIG_MAX)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_01,
                      length < ZONED_CONFIG_END
                          ? HELD
                          : doubted(why, "80 to 95 bytes: a bit that means PROVISION",
                                    "%u bytes, room for what a zoned device has there", length));
}

CHECK(PROV_DEV_39, VBLK_NOBODY, AT(REG_READ) | AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    bool write = l->ev->kind == VBLK_EV_REG_WRITE;
    const char *expected = "PROVISION along with VERSION_1: nothing is said of legacy";

    if (write ? l->ev->reg != VBLK_REG_DRIVER_FEATURES || (l->ev->value & provision_mask(l->o)) == 0 : !offer_read(l))
        return UNTOUCHED;
    if ((l->ev->value & VBLK_BIT(VBLK_F_VERSION_1)) != 0)
        return write ? UNTOUCHED : HELD;
    enum outcome outcome = doubted(why, expected, "%s without it", write ? "accepted" : "offered");
    return write ? blame_driver(why, outcome) : outcome;
}

/* ---- the limits ---- */

/* Both bytes that make up numbers of usual size lie at the wrong end. */
static bool looks_swapped(uint32_t value)
{
    return value != 0 && (value & 0xffff) == 0;
}

CHECK(PROV_CFG_03, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    uint32_t sectors, segments;
    if (!provision_offered(l->o) || !covers_limits(l) || !field_value(l, limits_at(l), &sectors) ||
        !l->o->opt.profile.provision_seg || !field_value(l, limits_at(l) + 4, &segments))
        return UNTOUCHED;
    if (sectors == 0 || segments == 0)
        return UNTOUCHED;
    if (!looks_swapped(sectors) || !looks_swapped(segments))
        return HELD;
    enum outcome outcome = doubted(why, "little-endian limits", "0x%08x sectors, 0x%08x segments", sectors, segments);
    point_at(why, limits_at(l));
    return outcome;
}

CHECK(PROV_CFG_10, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    static const char *const names[] = { "max_provision_sectors", "max_provision_seg" };
    enum outcome outcome = UNTOUCHED;

    if (!provision_offered(l->o))
        return UNTOUCHED;
    for (uint32_t i = 0; i < limits_len(l) / 4; i++) {
        uint32_t offset = limits_at(l) + 4 * i, value;
        if (!covers_field(l, offset) || !field_value(l, offset, &value))
            continue;
        outcome = HELD;
        if (value != 0)
            continue;
        if (reading(l->o, VBLK_AMB_09) != 0)
            return by_reading(why, VBLK_AMB_09, HELD);
        outcome = doubted(why, "limits other than 0", "%s is 0", names[i]);
        point_at(why, offset);
        return by_reading(why, VBLK_AMB_09, outcome);
    }
    return outcome;
}

static const struct provision_limit *history(const struct look *l, uint32_t i)
{
    return i == 0 ? &l->o->provisioned.sectors : &l->o->provisioned.segments;
}

CHECK(PROV_CFG_06, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    enum outcome outcome = UNTOUCHED;

    if (!l->o->ctl.live || !provision_offered(l->o))
        return UNTOUCHED;
    for (uint32_t i = 0; i < limits_len(l) / 4; i++) {
        const struct provision_limit *past = history(l, i);
        uint32_t offset = limits_at(l) + 4 * i, value;
        if (!past->early || past->live || past->told || !covers_field(l, offset) || !field_value(l, offset, &value))
            continue;
        if (value == past->now) {
            outcome = HELD;
            continue;
        }
        outcome = broken(why, "before FEATURES_OK the values of afterwards", "%u before, %u now", past->now, value);
        point_at(why, offset);
        return outcome;
    }
    return outcome;
}

/* A change under a live driver that was told of it; what was not told is found later. */
static enum outcome announced(const struct look *l)
{
    for (uint32_t i = 0; i < limits_len(l) / 4; i++) {
        const struct provision_limit *past = history(l, i);
        uint32_t offset = limits_at(l) + 4 * i, value;
        if (past->live && past->told && covers_field(l, offset) && field_value(l, offset, &value) &&
            value != past->now)
            return HELD;
    }
    return UNTOUCHED;
}

CHECK(PROV_CFG_12, VBLK_DEVICE, AT(CONFIG_READ) | AT(REG_READ) | AT(CASE_END), 0, ANY_PLACE, NO_SIGHT)
{
    const struct provision_facts *p = &l->o->provisioned;

    if (l->ev->kind == VBLK_EV_CONFIG_READ)
        return provision_offered(l->o) ? announced(l) : UNTOUCHED;
    if (l->ev->kind == VBLK_EV_REG_READ) {
        if (l->ev->reg != VBLK_REG_GENERATION || !p->stale || (l->ev->flags & VBLK_EV_EMULATED) != 0)
            return UNTOUCHED;
        return (uint32_t)l->ev->value != l->o->ctl.generation
                   ? HELD
                   : broken(why, "a new generation after a limit changed", "generation %u before and after",
                            l->o->ctl.generation);
    }
    return p->silent ? broken(why, "a configuration change notification after a limit changed", "none came")
                     : UNTOUCHED;
}

/* ---- without the feature ---- */

CHECK(PROV_CFG_07, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    if (!l->o->ctl.offered_read || provision_offered(l->o) || !covers_limits(l))
        return UNTOUCHED;
    return noted(why, "bytes there without the feature");
}

CHECK(PROV_CFG_08, VBLK_DRIVER, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const struct vblk_event *ev = l->ev;
    uint32_t from = limits_at(l), to = from + limits_len(l);

    if (ev->at >= to || ev->at + (ev->len > 0 ? ev->len : 1) <= from)
        return UNTOUCHED;
    if (l->o->ctl.offered_read ? (l->o->ctl.offered & provision_mask(l->o)) != 0 : provision_offered(l->o))
        return HELD;
    if (ev->at < from || ev->at + ev->len > to)
        return UNTOUCHED; /* a read of the whole structure */
    enum outcome outcome = broken(why, "no read of the limits unless the feature is offered", "%u bytes at %llu",
                                  ev->len, (unsigned long long)ev->at);
    point_at(why, ev->at);
    return outcome;
}

CHECK(PROV_CFG_09, VBLK_DRIVER, AT(CONFIG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    uint32_t from = limits_at(l), to = from + limits_len(l);
    if (l->ev->at >= to || l->ev->at + l->ev->len <= from)
        return HELD;
    enum outcome outcome = broken(why, "no write to the limits", "%u bytes at %llu", l->ev->len,
                                  (unsigned long long)l->ev->at);
    point_at(why, l->ev->at);
    return outcome;
}

/* A driver copes with any window; what the window is, is the device's choice. */
CHECK(PROV_CFG_14, VBLK_NOBODY, AT(REG_READ) | AT(REG_WRITE), 0, ANY_PLACE, NO_SIGHT)
{
    const struct control *ctl = &l->o->ctl;

    if (l->ev->kind == VBLK_EV_REG_READ) {
        if (l->ev->reg != VBLK_REG_CONFIG_LENGTH || (l->ev->flags & VBLK_EV_EMULATED) != 0)
            return UNTOUCHED;
        return noted(why, l->ev->value >= limits_at(l) + limits_len(l) ? "room for the limits"
                          : l->ev->value == limits_at(l)                 ? "ends where they would begin"
                                                                         : "another length without room for them");
    }
    if (l->ev->reg != VBLK_REG_STATUS || !ctl->config_length_known || ctl->live || !ctl->features_ok)
        return UNTOUCHED;
    if ((l->ev->value & VBLK_STATUS_FAILED) == 0)
        return (l->ev->value & VBLK_STATUS_DRIVER_OK) != 0 && l->o->opt.judge_driver ? HELD : UNTOUCHED;
    return noted(why, "the driver set FAILED, for whatever reason");
}

/* ---- nothing changes ---- */

/* A notification is no sign: the host may change the configuration at any time; one for nothing is NOTIF-04's. */
CHECK(PROV_DEV_38, VBLK_DEVICE, AT(CONFIG_READ), 0, ANY_PLACE, NO_SIGHT)
{
    const struct vblk_event *ev = l->ev;
    const struct control *ctl = &l->o->ctl;

    if (!l->o->provisioned.config_unread || ctl->notified || ev->bytes == NULL)
        return UNTOUCHED;
    bool compared = false;
    for (uint32_t i = 0; i < ev->len && ev->at + i < VBLK_CONFIG_MAX; i++) {
        const uint8_t seen = ctl->config_seen[ev->at + i];
        if ((seen & SEEN_STEADY) == 0 || (!ctl->live && (seen & SEEN_NOW) == 0))
            continue; /* the host may have changed it since, without a notification */
        compared = true;
        if (ev->bytes[i] == ctl->config[ev->at + i])
            continue;
        enum outcome outcome = doubted(why, "the configuration of before provision", "0x%02x where 0x%02x was",
                                       ev->bytes[i], ctl->config[ev->at + i]);
        point_at(why, ev->at + i);
        return outcome;
    }
    return compared ? HELD : UNTOUCHED;
}
