/* SPDX-License-Identifier: BSD-3-Clause */
/* Which revisions of the text there are, and whether the proposal's numbers fit in. */
#include <vblk/spec.h>

#include <stdlib.h>
#include <string.h>

#include "say.h"

/*
 * 1.4+provision: the next number that 1.4 leaves free. Type 17 lies among the zone types (15, 16, 18, 20 to 26) and is
 * odd, as the types whose data the device reads are; a device that masks bit 0 takes it for ZONE_REPORT, which changes
 * nothing, where 27 would become ZONE_RESET_ALL. Offset 96 follows the zoned part.
 *
 * linux-rfc: the numbers of the early Linux patches, made before Linux knew LIFETIME (bit 15) and next to SECURE_ERASE
 * (type 14) and its fields (from 60 on). Both features are absent from this profile. The draft has no segment limit, and
 * its max_provision_sectors lies unaligned where the text has unused1.
 */
static const struct vblk_profile profiles[] = {
    { "1.2+provision", 0x0102, true, false, 17, 15, 72, true, 0 },
    { "1.2", 0x0102, false, false, 0, 0, 0, false, 0 },
    { "1.4", 0x0104, false, true, 0, 0, 0, false, 0 },
    { "1.4+provision", 0x0104, true, true, 18, 17, 96, true, 0 },
    { "linux-rfc", 0x0102, true, false, 15, 14, 57, false, VBLK_BIT(VBLK_F_LIFETIME) | VBLK_BIT(VBLK_F_SECURE_ERASE) },
};

const struct vblk_profile *vblk_profile_at(size_t i)
{
    return i < sizeof(profiles) / sizeof(profiles[0]) ? &profiles[i] : NULL;
}

const struct vblk_profile *vblk_profile_default(void)
{
    return &profiles[0];
}

const struct vblk_profile *vblk_profile_find(const char *name)
{
    const struct vblk_profile *profile;

    for (size_t i = 0; name && (profile = vblk_profile_at(i)) != NULL; i++) {
        if (strcmp(profile->name, name) == 0)
            return profile;
    }
    return NULL;
}

/** 2.2: bits for device types. Bits above 63 can't be offered through any register we have. */
static bool is_device_bit(const struct vblk_profile *profile, unsigned bit)
{
    return bit <= 23 || (bit >= 50 && bit <= 63) || (profile->version >= 0x0104 && (bit == 41 || bit == 42));
}

static vblk_err check_range(const struct vblk_profile *profile, char *why, size_t why_size)
{
    if (!is_device_bit(profile, profile->provision_bit))
        return vblk_say_invalid(why, why_size, "feature bit %u is not one that the text gives to device types",
                                profile->provision_bit);
    if (profile->provision_type > INT32_MAX)
        return vblk_say_invalid(why, why_size, "request type %lu reaches into bit 31, the legacy barrier flag",
                                (unsigned long)profile->provision_type);
    if (profile->provision_offset + sizeof(struct vblk_provision_config) > VBLK_CONFIG_MAX)
        return vblk_say_invalid(why, why_size, "configuration offset %u leaves no room for the limits below %u",
                                profile->provision_offset, VBLK_CONFIG_MAX);
    return VBLK_OK;
}

static vblk_err check_offset(const struct vblk_profile *profile, const struct vblk_profile *text, char *why,
                             size_t why_size)
{
    const unsigned first = profile->provision_offset;
    const unsigned size = profile->provision_seg ? sizeof(struct vblk_provision_config) : sizeof(vblk_le32);
    struct vblk_config_field field;

    for (size_t i = 0; vblk_config_field_at(text, i, &field); i++) {
        if (field.offset < first + size && first < field.offset + (unsigned)field.width)
            return vblk_say_invalid(why, why_size,
                                    "configuration offset %u is taken by %s in profile %s: give PROVISION another "
                                    "offset",
                                    first, field.name, profile->name);
    }
    return VBLK_OK;
}

vblk_err vblk_profile_check(const struct vblk_profile *profile, char *why, size_t why_size)
{
    struct vblk_profile text = *profile; /* what is left when the proposal is taken away */
    const char *taken;
    vblk_err err;

    if (!profile->provision)
        return VBLK_OK;
    text.provision = false;
    err = check_range(profile, why, why_size);
    if (err)
        return err;
    taken = vblk_feature_name(&text, profile->provision_bit);
    if (taken)
        return vblk_say_invalid(why, why_size, "feature bit %u is %s in profile %s: give PROVISION another bit",
                                profile->provision_bit, taken, profile->name);
    taken = vblk_type_name(&text, profile->provision_type);
    if (taken)
        return vblk_say_invalid(why, why_size, "request type %lu is %s in profile %s: give PROVISION another type",
                                (unsigned long)profile->provision_type, taken, profile->name);
    return check_offset(profile, &text, why, why_size);
}

/** Read a decimal or 0x number up to @p max that @p end follows. False: not one. */
static bool read_number(const char **text, char end, unsigned long max, unsigned long *out)
{
    const bool hex = strncmp(*text, "0x", 2) == 0;
    const char *digits = hex ? *text + 2 : *text;
    char *stop;

    if (!strchr(hex ? "0123456789abcdefABCDEF" : "0123456789", *digits) || *digits == '\0')
        return false;
    *out = strtoul(digits, &stop, hex ? 16 : 10); /* too large a number comes back as ULONG_MAX */
    if (*stop != end || *out > max)
        return false;
    *text = stop + (end != '\0');
    return true;
}

vblk_err vblk_profile_renumber(struct vblk_profile *profile, const char *numbers, char *why, size_t why_size)
{
    struct vblk_profile changed = *profile;
    unsigned long bit, type, offset;
    vblk_err err;

    if (!profile->provision)
        return vblk_say_invalid(why, why_size, "profile %s has no PROVISION that could be given numbers",
                                profile->name);
    if (!read_number(&numbers, ',', UINT8_MAX, &bit) || !read_number(&numbers, ',', UINT32_MAX, &type) ||
        !read_number(&numbers, '\0', UINT16_MAX, &offset))
        return vblk_say_invalid(why, why_size, "the numbers of PROVISION are BIT,TYPE,OFFSET, for example 17,15,72");
    changed.provision_bit = (uint8_t)bit;
    changed.provision_type = (uint32_t)type;
    changed.provision_offset = (uint16_t)offset;
    err = vblk_profile_check(&changed, why, why_size);
    if (!err)
        *profile = changed;
    return err;
}
