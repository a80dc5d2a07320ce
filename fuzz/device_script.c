/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver's script, lawful or not, against the reference device: it is never blamed, whatever the driver does.
 * Input: a byte of HARNESS_* settings, then a script (script_bytes.h), whose puppet block is what the device announces.
 * VBLK_FUZZ_MUTANT=NAME: that wrong device instead.
 */
#include <stdlib.h>

#include <vblk/builtin.h>

#include "harness.h"
#include "script_bytes.h"
#include "wrong.h"

#define GPA 0x100000u
#define SIZE 0x100000u
#define OPTION(member) offsetof(struct vblk_device_options, member), sizeof(((struct vblk_device_options *)0)->member)

/* Which configuration field is which option. */
static const struct {
    const char *field;
    size_t offset, width;
} options_of[] = {
    { "capacity", OPTION(capacity) },
    { "size_max", OPTION(size_max) },
    { "seg_max", OPTION(seg_max) },
    { "blk_size", OPTION(blk_size) },
    { "physical_block_exp", OPTION(physical_block_exp) },
    { "alignment_offset", OPTION(alignment_offset) },
    { "min_io_size", OPTION(min_io_size) },
    { "opt_io_size", OPTION(opt_io_size) },
    { "max_discard_sectors", OPTION(max_discard_sectors) },
    { "max_discard_seg", OPTION(max_discard_seg) },
    { "discard_sector_alignment", OPTION(discard_sector_alignment) },
    { "max_write_zeroes_sectors", OPTION(max_write_zeroes_sectors) },
    { "max_write_zeroes_seg", OPTION(max_write_zeroes_seg) },
    { "max_secure_erase_sectors", OPTION(max_secure_erase_sectors) },
    { "max_secure_erase_seg", OPTION(max_secure_erase_seg) },
    { "secure_erase_sector_alignment", OPTION(secure_erase_sector_alignment) },
    { "max_provision_sectors", OPTION(max_provision_sectors) },
    { "max_provision_seg", OPTION(max_provision_seg) },
};

static void set_option(struct vblk_device_options *out, size_t offset, size_t width, uint64_t value)
{
    const uint8_t byte = (uint8_t)value;
    const uint16_t half = (uint16_t)value;
    const uint32_t word = (uint32_t)value;
    const void *from = width == 1   ? (const void *)&byte
                       : width == 2 ? (const void *)&half
                       : width == 4 ? (const void *)&word
                                    : (const void *)&value;

    memcpy((uint8_t *)out + offset, from, width);
}

static uint64_t field_of(const struct vblk_puppet *puppet, const struct vblk_config_field *field)
{
    uint64_t value = 0;

    for (unsigned i = field->width; i-- > 0;)
        value = value << 8 | puppet->config[field->offset + i];
    return value;
}

/* A device that announces what @puppet does, as far as the model can; its defaults where queue_max is 0. */
static void device_of(const struct vblk_puppet *puppet, const struct vblk_profile *profile,
                      struct vblk_device_options *out)
{
    struct vblk_config_field field;

    vblk_device_defaults(out);
    out->profile = *profile;
    out->features = vblk_device_features(profile) & ~vblk_device_ring_features() & ~VBLK_BIT(VBLK_F_RO);
    if (!puppet->queue_max)
        return;
    out->features = (puppet->features & vblk_device_features(profile)) | VBLK_BIT(VBLK_F_VERSION_1);
    out->queue_max = puppet->queue_max;
    while (!(out->features >> VBLK_F_RING_PACKED & 1) && out->queue_max & (out->queue_max - 1u))
        out->queue_max &= (uint16_t)(out->queue_max - 1u); /* a power of two */
    out->num_queues = puppet->num_queues;
    for (size_t i = 0; i < sizeof(options_of) / sizeof(options_of[0]); i++)
        if (vblk_config_field_find(profile, options_of[i].field, &field) &&
            (uint32_t)field.offset + field.width <= puppet->config_length)
            set_option(out, options_of[i].offset, options_of[i].width, field_of(puppet, &field));
    harness_make_fair(out);
}

/* A device that is told to keep what it took is not to blame for keeping it, nor for what the host announces. */
static void make_fair(const struct vblk_profile *profile, struct vblk_step *step)
{
    if (step->kind == VBLK_STEP_HOST && step->reg == VBLK_HOST_SET_CONFIG)
        harness_make_config_fair(profile, &step->a, &step->b);
    if (step->kind == VBLK_STEP_HOST && step->reg == VBLK_HOST_HOLD)
        *step = vblk_step_make(VBLK_STEP_BARRIER);
}

static void play(const struct script_bytes *decoded, uint8_t settings)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    static const struct vblk_arena arena = { GPA, SIZE };
    struct vblk_device_options options;
    struct mutant_device wrong;
    struct vblk_port *port;
    struct harness h;

    harness_open(&h, &region, 1);
    device_of(&decoded->script.puppet, &decoded->script.profile, &options);
    options.readings = harness_readings(settings, true);
    wrong_instead(&wrong, &options);
    port = vblk_builtin_new(&options, h.mem, NULL);
    if (!port) {
        vblk_memory_free(h.mem);
        return;
    }
    harness_listen_device(&h, port, &decoded->script.profile, settings);
    harness_play(&h, &decoded->script, arena);
    harness_innocent(&h, VBLK_DEVICE, NULL);
    harness_close(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script_bytes *decoded = size ? malloc(sizeof(*decoded)) : NULL;

    if (!decoded)
        return 0;
    script_decode(decoded, data + 1, size - 1);
    for (size_t i = 0; i < decoded->script.step_count; i++)
        make_fair(&decoded->script.profile, &decoded->steps[i]);
    play(decoded, data[0]);
    free(decoded);
    return 0;
}
