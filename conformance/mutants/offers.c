/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature bits offered and granted wrongly. */
#include "generic.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }
#define OFFERS(bits) .behaviour.show_features = offer, .value = (bits)
#define HIDES(bits) .behaviour.show_features = offer, .other = (bits)

static uint64_t words_swapped(const struct vblk_device *device, uint64_t honest)
{
    (void)device;
    return honest << 32 | honest >> 32;
}

static bool not_alone(const struct vblk_device *device, uint64_t accepted)
{
    return vblk_reference_grant(device, accepted) && accepted != (F(VERSION_1) | VBLK_BIT(17));
}

static uint8_t takes_back(const struct vblk_device *device, uint8_t honest)
{
    (void)device;
    return honest & VBLK_STATUS_DRIVER_OK ? honest & (uint8_t)~VBLK_STATUS_FEATURES_OK : honest;
}

/* Notes: it ran before. */
static void once_only(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);

    if (reg == VBLK_REG_STATUS && (value & VBLK_STATUS_DRIVER_OK) != 0)
        notes[0] = 1;
    if (reg == VBLK_REG_STATUS && (value & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK)) == VBLK_STATUS_FEATURES_OK && notes[0] != 0)
        value &= ~(uint64_t)VBLK_STATUS_FEATURES_OK;
    vblk_reference_write_reg(device, reg, queue, value);
}

const struct mutant mutants_offers[] = {
    M("offers-bit-44", "offers bit 44, which is reserved", "FEAT-03", .profile = "1.4", OFFERS(VBLK_BIT(44))),
    M("offers-bit-22", "offers bit 22, which the text does not describe", "FEAT-DEV-04", .profile = "1.4", OFFERS(VBLK_BIT(22))),
    M("wce-alone", "offers CONFIG_WCE, and not FLUSH, which it needs", "FEAT-DEV-01", SAME("5.2.5 says it of these two bits, 2.2.2 of all", "BLK-INIT-DEV-01", "BLK-INIT-DEV-02"), HIDES(F(FLUSH))),
    M("words-swapped", "shows the two words of its features the other way round", "RSVF-01", SAME("each bit is another one then", "FEAT-DEV-04", "FEAT-02", "BLK-INIT-DEV-01", "FEAT-DEV-02"), .behaviour.show_features = words_swapped),
    M("provision-not-alone", "grants PROVISION with other features only", "PROV-FEAT-04", .behaviour.grant = not_alone),
    M("features-taken-back", "shows FEATURES_OK no more once it runs", "FEAT-01", .behaviour.show_status = takes_back),
    M("granted-once", "grants features once, and never again after a reset", "FEAT-DEV-05", .behaviour.write_reg = once_only),
    { .name = NULL },
};
