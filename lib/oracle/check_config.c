/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's configuration: layout and values (5.2.4), and what 2.5 asks of any device. */
#include <string.h>

#include "judge.h"

#define WHEN_READ (AT(CONFIG_READ) | AT(CASE_END))
#define RULE(token, moments) CHECK(token, VBLK_DEVICE, moments, 0, ANY_PLACE, NO_SIGHT)

static bool case_end(const struct look *l)
{
    return l->ev->kind == VBLK_EV_CASE_END;
}

static uint64_t little(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static uint64_t big(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The bytes of an offered field, where this read returned all of them; else NULL. */
static const uint8_t *field_bytes(const struct look *l, const char *name, struct vblk_config_field *field)
{
    const struct vblk_event *ev = l->ev;

    if (ev->kind != VBLK_EV_CONFIG_READ || ev->bytes == NULL ||
        !vblk_config_field_find(&l->o->opt.profile, name, field) || !offers(&l->o->ctl, field->feature) ||
        ev->at > field->offset || ev->at + ev->len < (uint64_t)field->offset + field->width)
        return NULL;
    return ev->bytes + (field->offset - ev->at);
}

static bool field_value(const struct look *l, const char *name, uint64_t *value)
{
    struct vblk_config_field field;
    const uint8_t *bytes = field_bytes(l, name, &field);

    *value = bytes != NULL ? little(bytes, field.width) : 0;
    return bytes != NULL;
}

/* A field answers alike whatever accesses reach it; seen at the end, when no notification spoke of a change. */
static enum outcome layout(const struct look *l, struct why *why, const char *const *names)
{
    const struct odd *odd = &l->o->ctl.odd;
    struct vblk_config_field field;
    enum outcome outcome = UNTOUCHED;

    for (; *names != NULL; names++) {
        if (!case_end(l)) {
            outcome = field_bytes(l, *names, &field) != NULL ? HELD : outcome;
            continue;
        }
        if (!odd->is || !odd->other_way || !vblk_config_field_find(&l->o->opt.profile, *names, &field) ||
            odd->at < field.offset || odd->at >= field.offset + field.width || !offers(&l->o->ctl, field.feature))
            continue;
        outcome = broken(why, "the same bytes at an offset whatever access reads them",
                         "a byte of %s was 0x%02x, then 0x%02x in an access of other width or offset", *names, odd->was,
                         odd->now);
        point_at(why, odd->at);
        return outcome;
    }
    return outcome;
}
#define LAYOUT(...) layout(l, why, (const char *const[]){ __VA_ARGS__, NULL })

/* Numbers whose bytes make no sense in the order of the wire, and perfect sense in the other. */
static bool capacity_reversed(const uint8_t *bytes)
{
    return little(bytes, 8) >> 48 != 0 && big(bytes, 8) >> 48 == 0;
}

static bool block_size(uint64_t n)
{
    return n >= VBLK_SECTOR && n <= 65536 && (n & (n - 1)) == 0;
}

static bool blk_size_reversed(const uint8_t *bytes)
{
    return !block_size(little(bytes, 4)) && block_size(big(bytes, 4));
}

RULE(BLK_ID_01, AT(REG_READ))
{
    if (l->ev->reg != VBLK_REG_DEVICE_ID || (l->ev->flags & VBLK_EV_EMULATED) != 0)
        return UNTOUCHED;
    return l->ev->value == VBLK_DEVICE_ID_BLOCK
               ? HELD
               : broken(why, "device id 2", "device id %llu", (unsigned long long)l->ev->value);
}

RULE(BLK_CFG_01, WHEN_READ | AT(REG_READ))
{
    struct vblk_config_field field;
    const uint8_t *bytes = field_bytes(l, "capacity", &field);

    if (l->ev->kind == VBLK_EV_REG_READ)
        return l->ev->reg != VBLK_REG_CONFIG_LENGTH || (l->ev->flags & VBLK_EV_EMULATED) != 0 || l->ev->value >= 8
                   ? UNTOUCHED
                   : broken(why, "capacity is always there", "%llu bytes of configuration",
                            (unsigned long long)l->ev->value);
    if (bytes == NULL || capacity_reversed(bytes))
        return bytes == NULL ? LAYOUT("capacity") : UNTOUCHED;
    if (little(bytes, 8) >> 55 == 0)
        return HELD;
    enum outcome outcome = broken(why, "a number of 512-byte sectors", "0x%llx sectors, more than 2^64 bytes",
                                  (unsigned long long)little(bytes, 8));
    show_bytes(why, bytes, 8);
    return outcome;
}

RULE(BLK_CFG_02, WHEN_READ)
{
    uint64_t value;
    if (field_value(l, "size_max", &value) && value == 0)
        return doubted(why, "a segment size of at least a byte", "size_max 0");
    return LAYOUT("size_max");
}

RULE(BLK_CFG_03, WHEN_READ)
{
    uint64_t value;
    if (field_value(l, "seg_max", &value) && value == 0)
        return doubted(why, "at least one segment in a request", "seg_max 0");
    return LAYOUT("seg_max");
}

RULE(BLK_CFG_04, WHEN_READ)
{
    uint64_t heads = 1, sectors = 1;
    bool read = field_value(l, "heads", &heads);
    read |= field_value(l, "sectors", &sectors);
    if (read && (heads == 0 || sectors == 0) && !case_end(l) && l->ev->at <= 18 && l->ev->at + l->ev->len >= 20)
        return doubted(why, "a geometry", "%llu heads, %llu sectors", (unsigned long long)heads,
                       (unsigned long long)sectors);
    return LAYOUT("cylinders", "heads", "sectors");
}

RULE(BLK_CFG_05, WHEN_READ)
{
    struct vblk_config_field field;
    const uint8_t *bytes = field_bytes(l, "blk_size", &field);

    if (bytes == NULL)
        return LAYOUT("blk_size");
    if (blk_size_reversed(bytes))
        return UNTOUCHED; /* CFG-02 */
    uint64_t size = little(bytes, 4);
    if (size != 0 && size % VBLK_SECTOR == 0)
        return HELD;
    enum outcome outcome = doubted(why, "a block of whole sectors", "blk_size %llu", (unsigned long long)size);
    show_bytes(why, bytes, 4);
    return outcome;
}

RULE(BLK_CFG_06, WHEN_READ)
{
    uint64_t exp = 0, offset = 0, least = 0, best = 0;

    if (field_value(l, "physical_block_exp", &exp) && exp > 31)
        return doubted(why, "the logarithm of a number of blocks", "physical_block_exp %llu", (unsigned long long)exp);
    if (field_value(l, "alignment_offset", &offset) && field_value(l, "physical_block_exp", &exp) && offset >> exp != 0)
        return doubted(why, "an offset within a physical block", "alignment_offset %llu, physical_block_exp %llu",
                       (unsigned long long)offset, (unsigned long long)exp);
    if (field_value(l, "min_io_size", &least) && field_value(l, "opt_io_size", &best) && best != 0 && best < least)
        return doubted(why, "an optimal size of at least the least one", "min_io_size %llu, opt_io_size %llu",
                       (unsigned long long)least, (unsigned long long)best);
    return LAYOUT("physical_block_exp", "alignment_offset", "min_io_size", "opt_io_size");
}

RULE(BLK_CFG_07, WHEN_READ)
{
    uint64_t value;
    if (!field_value(l, "writeback", &value))
        return LAYOUT("writeback");
    return value <= 1 ? HELD : broken(why, "writeback 0 or 1", "writeback %llu", (unsigned long long)value);
}

enum pad { PAD_UNREAD, PAD_ZERO, PAD_FIRST, PAD_LATER }; /* nonzero: from the first on; where it was zero */

static enum pad padding(const struct look *l, const char *name, uint64_t *at)
{
    const struct control *ctl = &l->o->ctl;
    const struct vblk_event *ev = l->ev;
    struct vblk_config_field run;
    enum pad pad = PAD_UNREAD;

    if (ev->kind != VBLK_EV_CONFIG_READ || ev->bytes == NULL)
        return PAD_UNREAD;
    for (size_t i = 0; vblk_config_padding_at(&l->o->opt.profile, i, &run); i++) {
        if (strcmp(run.name, name) != 0)
            continue;
        for (unsigned j = 0; j < run.width; j++) {
            *at = run.offset + j;
            if (*at < ev->at || *at >= ev->at + ev->len)
                continue;
            if (ev->bytes[*at - ev->at] != 0)
                return (ctl->config_seen[*at] & SEEN) != 0 && ctl->config[*at] == 0 ? PAD_LATER : PAD_FIRST;
            pad = PAD_ZERO;
        }
    }
    return pad;
}

/* One row says that padding begins as zero, another that it is padding: what becomes nonzero later breaks that one. */
static enum outcome zero(const struct look *l, struct why *why, const char *name, enum pad guilty)
{
    uint64_t at = 0;
    enum pad pad = padding(l, name, &at);

    if (pad != guilty)
        return pad == PAD_ZERO ? HELD : UNTOUCHED;
    enum outcome outcome = broken(why, "zero in padding", "0x%02x in %s", l->ev->bytes[at - l->ev->at], name);
    point_at(why, at);
    return outcome;
}

RULE(BLK_CFG_08, AT(CONFIG_READ))
{
    return zero(l, why, "unused0", PAD_LATER);
}

RULE(BLK_INIT_DEV_04, AT(CONFIG_READ))
{
    return zero(l, why, "unused0", PAD_FIRST);
}

RULE(BLK_INIT_DEV_05, AT(CONFIG_READ))
{
    return zero(l, why, "unused1", PAD_FIRST);
}

RULE(BLK_CFG_09, WHEN_READ)
{
    struct vblk_config_field field;
    const uint8_t *bytes = field_bytes(l, "num_queues", &field);
    uint64_t most = l->o->ctl.num_queues;

    if (bytes == NULL)
        return LAYOUT("num_queues");
    uint64_t value = little(bytes, 2), swapped = big(bytes, 2);
    if (value == 0)
        return doubted(why, "at least one queue", "num_queues 0");
    if (most == 0 || value <= most || swapped > most)
        return HELD;
    if (reading(l->o, VBLK_AMB_20) != 0)
        return by_reading(why, VBLK_AMB_20, HELD);
    enum outcome outcome = broken(why, "num_queues with its least significant byte first",
                                  "%llu queues of %llu; the other order gives %llu", (unsigned long long)value,
                                  (unsigned long long)most, (unsigned long long)swapped);
    show_bytes(why, bytes, 2);
    return by_reading(why, VBLK_AMB_20, outcome);
}

/* A limit of 0 forbids or says nothing (AMB-28). */
static enum outcome limits(const struct look *l, struct why *why, const char *sectors, const char *segments)
{
    uint64_t most = 1, count = 1;
    bool read = field_value(l, sectors, &most) && field_value(l, segments, &count);

    if (!read || (most != 0 && count != 0) || reading(l->o, VBLK_AMB_28) != 0)
        return UNTOUCHED;
    return by_reading(why, VBLK_AMB_28,
                      doubted(why, "limits that let requests pass", "%s %llu, %s %llu", sectors,
                              (unsigned long long)most, segments, (unsigned long long)count));
}

RULE(BLK_CFG_11, WHEN_READ)
{
    enum outcome outcome = limits(l, why, "max_discard_sectors", "max_discard_seg");
    if (outcome != UNTOUCHED)
        return outcome;
    return LAYOUT("max_discard_sectors", "max_discard_seg", "discard_sector_alignment");
}

/* What write_zeroes_may_unmap says is BLK-OP-DEV-12's. */
RULE(BLK_CFG_12, WHEN_READ)
{
    enum outcome pad = zero(l, why, "unused1", PAD_LATER);
    if (pad == BROKEN)
        return pad;
    enum outcome outcome = limits(l, why, "max_write_zeroes_sectors", "max_write_zeroes_seg");
    if (outcome != UNTOUCHED)
        return outcome;
    outcome = LAYOUT("max_write_zeroes_sectors", "max_write_zeroes_seg", "write_zeroes_may_unmap");
    return outcome == UNTOUCHED ? pad : outcome;
}

RULE(BLK_CFG_13, WHEN_READ)
{
    enum outcome outcome = limits(l, why, "max_secure_erase_sectors", "max_secure_erase_seg");
    if (outcome != UNTOUCHED)
        return outcome;
    return LAYOUT("max_secure_erase_sectors", "max_secure_erase_seg", "secure_erase_sector_alignment");
}

/* A segment longer than a limit that somebody scaled by blk_size, and within it as it stands. */
static enum outcome unscaled(const struct look *l, struct why *why, enum limit which)
{
    const struct control *ctl = &l->o->ctl;
    uint64_t most, size;
    struct seg seg;

    if (l->chain->void_ || (l->chain->faults & ~(uint32_t)F_HARMLESS) != 0 || !limit_of(ctl, which, &most) ||
        !offers(ctl, VBLK_F_BLK_SIZE) || !limit_of(ctl, LIM_BLK_SIZE, &size) || size <= VBLK_SECTOR || most == 0)
        return UNTOUCHED;
    for (uint32_t i = 0; request_segment(&l->chain->req, i, &seg); i++) {
        if (seg.count <= most / (size / VBLK_SECTOR))
            continue;
        if (l->answer->status == VBLK_S_UNSUPP)
            return doubted(why, "limits in units of 512 bytes", "%u sectors refused, limit %llu, blk_size %llu",
                           seg.count, (unsigned long long)most, (unsigned long long)size);
        return l->answer->status == VBLK_S_OK ? HELD : UNTOUCHED;
    }
    return UNTOUCHED;
}

CHECK(BLK_CFG_14, VBLK_DEVICE, AT(USED), TYPE(DISCARD), ANY_PLACE, NO_SIGHT)
{
    return unscaled(l, why, LIM_DISCARD_SECTORS);
}

CHECK(BLK_CFG_15, VBLK_DEVICE, AT(USED), TYPE(WRITE_ZEROES), ANY_PLACE, NO_SIGHT)
{
    return unscaled(l, why, LIM_WZ_SECTORS);
}

CHECK(BLK_CFG_16, VBLK_DEVICE, AT(USED), TYPE(SECURE_ERASE), ANY_PLACE, NO_SIGHT)
{
    return unscaled(l, why, LIM_ERASE_SECTORS);
}

RULE(BLK_CFG_17, AT(CONFIG_READ))
{
    const struct vblk_event *ev = l->ev;
    struct vblk_config_field field;
    bool any = false;

    if (ev->bytes == NULL || !l->o->ctl.offered_read)
        return UNTOUCHED;
    for (size_t i = 0; field_at(l->o, i, &field); i++) {
        if (offers(&l->o->ctl, field.feature) || field.offset < ev->at ||
            field.offset + (uint64_t)field.width > ev->at + ev->len)
            continue;
        any = true;
        if (little(ev->bytes + (field.offset - ev->at), field.width) != 0)
            return noted(why, "a field not offered is not zero");
    }
    return any ? noted(why, "fields not offered read zero") : UNTOUCHED;
}

RULE(CFG_02, AT(CONFIG_READ))
{
    struct vblk_config_field field;
    const uint8_t *capacity = field_bytes(l, "capacity", &field);
    const uint8_t *size = field_bytes(l, "blk_size", &field);
    bool bad = capacity != NULL && capacity_reversed(capacity);

    if (capacity == NULL && size == NULL)
        return UNTOUCHED;
    if (!bad && (size == NULL || !blk_size_reversed(size)))
        return HELD;
    enum outcome outcome = doubted(why, "the least significant byte first", /* a disk of 2^48 sectors is lawful */
                                   "%s makes sense with its bytes reversed only", bad ? "capacity" : "blk_size");
    show_bytes(why, bad ? capacity : size, bad ? 8 : 4);
    return outcome;
}

/* Which offered fields the device has room for. */
RULE(CFG_01, AT(REG_READ))
{
    const struct control *ctl = &l->o->ctl;
    bool length = l->ev->reg == VBLK_REG_CONFIG_LENGTH;
    struct vblk_config_field field;

    if ((l->ev->flags & VBLK_EV_EMULATED) != 0 || (!length && l->ev->reg != VBLK_REG_DEVICE_FEATURES) ||
        (length ? !ctl->offered_read : !ctl->config_length_known))
        return UNTOUCHED;
    uint64_t offered = length ? ctl->offered : l->ev->value, room = length ? l->ev->value : ctl->config_length;
    for (size_t i = 0; field_at(l->o, i, &field); i++)
        if (field.feature >= 0 && (offered >> field.feature & 1) != 0 && field.offset + (uint64_t)field.width > room)
            return broken(why, "the fields of every feature offered", "%s is offered, the configuration ends at %llu",
                          field.name, (unsigned long long)room);
    return HELD;
}
