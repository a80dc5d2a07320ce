/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the oracle's picture of the device configuration (2.5, 5.2.4): values, and which reads agree. */
#include <string.h>

#include "judge.h"

static const char *const limit_names[LIM_COUNT] = {
    [LIM_CAPACITY] = "capacity",
    [LIM_SIZE_MAX] = "size_max",
    [LIM_SEG_MAX] = "seg_max",
    [LIM_BLK_SIZE] = "blk_size",
    [LIM_WRITEBACK] = "writeback",
    [LIM_NUM_QUEUES] = "num_queues",
    [LIM_DISCARD_SECTORS] = "max_discard_sectors",
    [LIM_DISCARD_SEG] = "max_discard_seg",
    [LIM_DISCARD_ALIGN] = "discard_sector_alignment",
    [LIM_WZ_SECTORS] = "max_write_zeroes_sectors",
    [LIM_WZ_SEG] = "max_write_zeroes_seg",
    [LIM_WZ_MAY_UNMAP] = "write_zeroes_may_unmap",
    [LIM_ERASE_SECTORS] = "max_secure_erase_sectors",
    [LIM_ERASE_SEG] = "max_secure_erase_seg",
    [LIM_ERASE_ALIGN] = "secure_erase_sector_alignment",
    [LIM_PROVISION_SECTORS] = "max_provision_sectors",
    [LIM_PROVISION_SEG] = "max_provision_seg",
};

static bool touches(const struct vblk_config_field *field, uint64_t at, uint32_t len)
{
    return field->offset < at + len && at < (uint64_t)field->offset + field->width;
}

/* Fields of the configuration that [at, at + len) touches; *wide: one of them has more than 32 bits. */
static unsigned fields_touched(const struct vblk_oracle *o, uint64_t at, uint32_t len, bool *wide)
{
    struct vblk_config_field field;
    unsigned n = 0;

    *wide = false;
    if (at >= VBLK_CONFIG_MAX)
        return 0;
    for (size_t i = 0; field_at(o, i, &field); i++) {
        if (!touches(&field, at, len))
            continue;
        n++;
        *wide |= field.width > 4;
    }
    return n;
}

/* Decode a limit from the bytes seen so far, if all of them have been. */
static void decode_limit(struct control *ctl, enum limit which, const struct vblk_config_field *field)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < field->width; i++) {
        if (field->offset + i >= VBLK_CONFIG_MAX || ctl->config_seen[field->offset + i] == 0)
            return;
        value |= (uint64_t)ctl->config[field->offset + i] << (8 * i);
    }
    if (which == LIM_CAPACITY && (ctl->limit_known >> LIM_CAPACITY & 1) != 0 && ctl->limit[which] != value)
        ctl->capacity_before = ctl->limit[which];
    ctl->limit[which] = value;
    ctl->limit_known |= 1u << which;
}

/* A byte that differs from what was read before: was there a word of a change? */
static void differs(struct control *ctl, uint16_t at, uint8_t now, uint16_t way)
{
    uint8_t seen = ctl->config_seen[at];

    if ((seen & SEEN_NOW) != 0)
        ctl->generation_mixed = true;
    if ((seen & SEEN_STEADY) == 0 || (!ctl->live && (seen & SEEN_NOW) == 0))
        return; /* before DRIVER_OK no notification tells of a change, only the generation */
    ctl->suspend_change |= ctl->suspended;
    if (!ctl->odd.is)
        ctl->odd = (struct odd){ .is = true,
                                 .live = ctl->live,
                                 .other_way = ctl->config_way[at] != way,
                                 .was = ctl->config[at],
                                 .now = now,
                                 .at = at };
}

static void bytes_read(struct control *ctl, const struct vblk_event *ev)
{
    const uint16_t way = (uint16_t)(ev->at << 8 | (ev->len & 0xff));
    const uint8_t early = (ctl->status_written & VBLK_STATUS_FEATURES_OK) == 0 ? SEEN_EARLY : 0;
    const uint8_t now = ctl->generation_known ? SEEN_NOW : 0;

    for (uint32_t i = 0; i < ev->len && ev->at + i < VBLK_CONFIG_MAX; i++) {
        uint16_t at = (uint16_t)(ev->at + i);
        if (ctl->config_seen[at] != 0 && ctl->config[at] != ev->bytes[i])
            differs(ctl, at, ev->bytes[i], way);
        ctl->config[at] = ev->bytes[i];
        ctl->config_way[at] = way;
        ctl->config_seen[at] = (uint8_t)(SEEN | SEEN_STEADY | now | early);
    }
}

static void config_read(struct vblk_oracle *o, const struct vblk_event *ev, const struct vblk_config_field *mode)
{
    struct control *ctl = &o->ctl;
    bool wide;
    unsigned fields = fields_touched(o, ev->at, ev->len, &wide);

    bytes_read(ctl, ev);
    ctl->reads_hidden = (ev->flags & VBLK_EV_EMULATED) != 0;
    if (ctl->reads_hidden)
        return;
    ctl->notified = false;
    if (ev->at < 8)
        ctl->capacity_old = ctl->capacity_stale = false;
    if (mode != NULL && touches(mode, ev->at, ev->len))
        ctl->mode_asked = false;
    if (ctl->bracket.open) {
        ctl->bracket.fields = (uint16_t)(ctl->bracket.fields + fields);
        ctl->bracket.wide |= wide;
    } else {
        ctl->bracket.loose |= wide;
    }
}

/* Only writeback can be written, and only under its feature; other writes change nothing that is known. */
static void config_written(struct control *ctl, const struct vblk_event *ev, const struct vblk_config_field *mode)
{
    for (uint32_t i = 0; i < ev->len && ev->at + i < VBLK_CONFIG_MAX; i++)
        ctl->config_seen[ev->at + i] &= (uint8_t) ~(SEEN_STEADY | SEEN_EARLY | SEEN_NOW);
    if (mode == NULL || !touches(mode, ev->at, ev->len) || (ctl->negotiated >> VBLK_F_CONFIG_WCE & 1) == 0)
        return;
    ctl->mode = ev->bytes[mode->offset - ev->at];
    ctl->mode_ignored = ctl->suspended;
    if (ctl->suspended)
        return;
    ctl->mode_written = true;
    ctl->mode_asked = ctl->mode <= 1;
    if (ctl->mode > 1)
        return;
    ctl->config[mode->offset] = ctl->mode;
    ctl->config_seen[mode->offset] = SEEN;
}

void control_find_fields(struct vblk_oracle *o)
{
    while (o->field_count < FIELDS_MAX &&
           vblk_config_field_at(&o->opt.profile, o->field_count, &o->fields[o->field_count]))
        o->field_count++;
    for (unsigned which = 0; which < LIM_COUNT; which++)
        if (!vblk_config_field_find(&o->opt.profile, limit_names[which], &o->limit_field[which]))
            o->limit_field[which].width = 0;
}

void control_config(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const struct vblk_config_field *mode = &o->limit_field[LIM_WRITEBACK];
    struct control *ctl = &o->ctl;

    if (mode->width == 0)
        mode = NULL;
    if (ev->bytes == NULL || ev->at >= VBLK_CONFIG_MAX)
        return;
    if (ev->kind == VBLK_EV_CONFIG_READ)
        config_read(o, ev, mode);
    else
        config_written(ctl, ev, mode);
    for (unsigned which = 0; which < LIM_COUNT; which++)
        if (o->limit_field[which].width != 0 && touches(&o->limit_field[which], ev->at, ev->len))
            decode_limit(ctl, (enum limit)which, &o->limit_field[which]);
}
