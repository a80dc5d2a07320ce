/* SPDX-License-Identifier: BSD-3-Clause */
#include "seeds.h"

#include <vblk/device.h>

#include "harness.h"
#include "input.h"

static void byte(struct seed *s, unsigned value)
{
    if (s->size < sizeof(s->data))
        s->data[s->size++] = (uint8_t)value;
}

static void number(struct seed *s, uint64_t value)
{
    if (value < NUMBER_BYTES) {
        byte(s, (unsigned)value);
        return;
    }
    byte(s, NUMBER_HIGH - 1);
    for (unsigned i = 0; i < 8; i++)
        byte(s, (unsigned)(value >> 8 * i & 0xff));
}

static void numbers(struct seed *s, unsigned op, const uint64_t *list, size_t n)
{
    byte(s, op);
    for (size_t i = 0; i < n; i++)
        number(s, list[i]);
}
#define OP(s, op, ...) numbers(s, op, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

/* ---- ring_memory: the order of its table of operations ---- */

enum { STORE, DESC, FAR_DESC, HEADER, SEGMENT, PUBLISH, INDEX, KICK, LOOK, REG, READ, CONFIG, HOST, START };
enum { NEXT = VBLK_DESC_NEXT, WRITE = VBLK_DESC_WRITE, INDIRECT = VBLK_DESC_INDIRECT };
enum { HEADER_AT = 0x3000, DATA_AT = 0x4000, STATUS_AT = 0x5000, TABLE_AT = 0x6000 };

static void open_ring(struct seed *s, unsigned settings)
{
    byte(s, settings);
    number(s, vblk_device_features(vblk_profile_default()) & ~vblk_device_ring_features() & ~VBLK_BIT(VBLK_F_RO));
    number(s, VBLK_BIT(VBLK_F_RO));
    number(s, 3);
    number(s, 0);
}

static void go(struct seed *s, uint64_t head)
{
    OP(s, PUBLISH, head);
    OP(s, KICK, 0);
    OP(s, LOOK, 0);
}

static void request(struct seed *s, uint64_t type, uint64_t sector, uint64_t len, uint64_t flags)
{
    OP(s, HEADER, HEADER_AT, type, 0, sector);
    OP(s, DESC, 0, HEADER_AT, 16, NEXT, len ? 1 : 2);
    if (len)
        OP(s, DESC, 1, DATA_AT, len, NEXT | flags, 2);
    OP(s, DESC, 2, STATUS_AT, 1, WRITE, 0);
    go(s, 0);
}

static void ranges(struct seed *s, uint64_t type, uint64_t sector, uint64_t count, uint64_t flags)
{
    OP(s, SEGMENT, DATA_AT, sector, count, flags);
    OP(s, SEGMENT, DATA_AT + 16, sector + count, count, flags);
    request(s, type, 0, 32, 0);
}

static void ring_lawful(struct seed *s)
{
    open_ring(s, HARNESS_JUDGE_DRIVER);
    request(s, VBLK_T_OUT, 3, 512, 0);
    request(s, VBLK_T_IN, 3, 512, WRITE);
    request(s, VBLK_T_FLUSH, 0, 0, 0);
    request(s, VBLK_T_GET_ID, 0, 20, WRITE);
}

static void ring_ranges(struct seed *s)
{
    open_ring(s, HARNESS_JUDGE_DRIVER | HARNESS_STRICT);
    ranges(s, vblk_profile_default()->provision_type, 8, 8, 0);
    ranges(s, VBLK_T_DISCARD, 8, 8, 0);
    ranges(s, VBLK_T_WRITE_ZEROES, 16, 8, 1);
    ranges(s, VBLK_T_SECURE_ERASE, 8, 8, 0);
    request(s, VBLK_T_GET_LIFETIME, 0, 6, WRITE);
}

static void ring_snapshot(struct seed *s)
{
    open_ring(s, HARNESS_SNAPSHOT);
    request(s, VBLK_T_OUT, 0, 512, 0);
    ranges(s, vblk_profile_default()->provision_type, 0, 1, 2);
    request(s, VBLK_T_IN, 0, 512, WRITE);
}

static void ring_one_descriptor(struct seed *s)
{
    open_ring(s, 0);
    OP(s, DESC, 0, STATUS_AT, 1, WRITE, 0);
    go(s, 0);
    OP(s, DESC, 1, HEADER_AT, 16, 0, 0);
    go(s, 1);
    OP(s, DESC, 2, 0, 0, 0, 0);
    go(s, 2);
}

static void ring_loop(struct seed *s)
{
    open_ring(s, 0);
    OP(s, HEADER, HEADER_AT, 0, 0, 0);
    OP(s, DESC, 0, HEADER_AT, 16, NEXT, 1);
    OP(s, DESC, 1, DATA_AT, 512, NEXT | WRITE, 0);
    go(s, 0);
}

static void ring_out_of_table(struct seed *s)
{
    open_ring(s, 0);
    OP(s, DESC, 0, HEADER_AT, 16, NEXT, 200);
    go(s, 0);
    OP(s, START, VBLK_BIT(VBLK_F_VERSION_1));
    go(s, 9);
}

static void ring_index_jumps(struct seed *s)
{
    open_ring(s, HARNESS_JUDGE_DRIVER);
    OP(s, INDEX, 9);
    OP(s, KICK, 0);
    OP(s, INDEX, 8);
    OP(s, KICK, 0);
    OP(s, INDEX, 0xffff);
    OP(s, KICK, 0);
}

static void ring_indirect(struct seed *s)
{
    open_ring(s, 0);
    OP(s, HEADER, HEADER_AT, VBLK_T_IN, 0, 1);
    OP(s, FAR_DESC, TABLE_AT, HEADER_AT, 16, NEXT, 1);
    OP(s, FAR_DESC, TABLE_AT + 16, DATA_AT, 512, NEXT | WRITE, 2);
    OP(s, FAR_DESC, TABLE_AT + 32, STATUS_AT, 1, WRITE, 0);
    OP(s, DESC, 0, TABLE_AT, 48, INDIRECT, 0);
    go(s, 0);
}

static void ring_edges(struct seed *s)
{
    open_ring(s, 0);
    OP(s, HEADER, 0xfff8, VBLK_T_IN, 0, 0);
    OP(s, DESC, 0, 0xfff8, 16, NEXT, 1);
    OP(s, DESC, 1, UINT64_MAX - 511, 512, NEXT | WRITE, 2);
    OP(s, DESC, 2, 0x10fff, 1, WRITE, 0);
    go(s, 0);
    OP(s, DESC, 2, 0x11000, 1, WRITE, 0);
    go(s, 0);
    OP(s, START, VBLK_BIT(VBLK_F_VERSION_1));
    OP(s, DESC, 1, UINT64_MAX - 511, 513, NEXT | WRITE, 2);
    go(s, 0);
}

static void ring_overlaps(struct seed *s)
{
    open_ring(s, 0);
    OP(s, HEADER, HEADER_AT, VBLK_T_IN, 0, 0);
    OP(s, DESC, 0, HEADER_AT, 16, NEXT, 1);
    OP(s, DESC, 1, HEADER_AT, 512, NEXT | WRITE, 2);
    OP(s, DESC, 2, HEADER_AT + 511, 1, WRITE, 0);
    go(s, 0);
    OP(s, DESC, 1, 0x1000, 0x1200, NEXT | WRITE, 2);
    go(s, 0);
}

static void ring_host(struct seed *s)
{
    open_ring(s, HARNESS_JUDGE_DRIVER);
    request(s, VBLK_T_OUT, 1, 1024, 0);
    byte(s, HOST), byte(s, VBLK_HOST_FAIL_SECTORS), number(s, 2), number(s, 1);
    request(s, VBLK_T_IN, 1, 1024, WRITE);
    byte(s, HOST), byte(s, VBLK_HOST_POOL), number(s, 1), number(s, 0);
    ranges(s, vblk_profile_default()->provision_type, 8, 8, 0);
    byte(s, HOST), byte(s, VBLK_HOST_RESIZE), number(s, 2), number(s, 0);
    request(s, VBLK_T_IN, 1, 1024, WRITE);
    byte(s, HOST), byte(s, VBLK_HOST_POWER_CUT), number(s, 1), number(s, 0);
    OP(s, START, VBLK_BIT(VBLK_F_VERSION_1));
    request(s, VBLK_T_IN, 1, 512, WRITE);
}

/* ---- ring_driver ---- */

enum { CALL_START, CALL_READ, CALL_WRITE, CALL_FLUSH, CALL_IDENTITY, CALL_RANGE, CALL_STOP, CALL_DEVICE };
enum { ANSWER, ELEM, IDX, FLAGS, ANYWHERE, NOTIFY, SHOW, CHANGE, END = 0xff };

static void open_lair(struct seed *s, unsigned settings, uint64_t features, uint16_t queue_max)
{
    struct vblk_config_field field;
    uint8_t config[80] = { 0, 1 };

    for (size_t i = 0; vblk_config_field_at(vblk_profile_default(), i, &field); i++)
        if (field.offset >= 36)
            config[field.offset] = 8;
    config[34] = 1;
    byte(s, settings);
    number(s, features);
    number(s, 1);
    number(s, queue_max);
    number(s, sizeof(config));
    for (size_t i = 0; i < sizeof(config); i++)
        byte(s, config[i]);
    number(s, 1);
}

static uint64_t offered(void)
{
    return vblk_device_features(vblk_profile_default()) & ~vblk_device_ring_features() &
           ~(VBLK_BIT(VBLK_F_RO) | VBLK_BIT(VBLK_F_SIZE_MAX));
}

static void answer(struct seed *s, unsigned status, uint64_t id, uint64_t len)
{
    byte(s, ANSWER), byte(s, status), number(s, id), number(s, len);
}

static void lair_lawful(struct seed *s)
{
    static const uint8_t order[] = { CALL_READ, CALL_WRITE, CALL_FLUSH, CALL_IDENTITY, CALL_IDENTITY };

    open_lair(s, HARNESS_STRICT, offered(), 16);
    for (unsigned i = 0; i < sizeof(order); i++) {
        OP(s, order[i], 1, 1 + i % 2);
        answer(s, VBLK_S_OK, 0, 0);
        byte(s, END);
    }
    for (unsigned i = 0; i < 4; i++) {
        OP(s, CALL_RANGE, 4 + i, 4);
        answer(s, i % 3, 0, 0);
        byte(s, END);
    }
    OP(s, CALL_STOP, 0, 0);
}

static void lair_lies(struct seed *s)
{
    open_lair(s, 0, offered(), 4);
    for (unsigned i = 0; i < 6; i++) {
        OP(s, CALL_START, 0, 0);
        OP(s, CALL_READ, i, 1);
        answer(s, i == 3 ? 0xa5 : 0, i == 1 ? 1 : i == 2 ? 0x10000 : 0, i == 4 ? 1 : i == 5 ? UINT32_MAX : 0);
        byte(s, END);
        OP(s, CALL_READ, 0, 1);
        answer(s, 0, 0, 0);
        byte(s, END);
    }
}

static void lair_index_jumps(struct seed *s)
{
    open_lair(s, HARNESS_SNAPSHOT, offered(), 8);
    OP(s, CALL_READ, 0, 1);
    byte(s, IDX), number(s, 1), byte(s, IDX), number(s, 0x8000), byte(s, NOTIFY), byte(s, 0), byte(s, END);
    OP(s, CALL_START, 0, 0);
    OP(s, CALL_WRITE, 0, 1);
    byte(s, ELEM), number(s, 0), number(s, 1), byte(s, ELEM), number(s, 0), number(s, 1), byte(s, IDX), number(s, 2);
    byte(s, END);
}

static void lair_shows(struct seed *s)
{
    static const uint8_t regs[] = { VBLK_REG_STATUS,          VBLK_REG_GENERATION,    VBLK_REG_QUEUE_MAX,
                                    VBLK_REG_DEVICE_FEATURES, VBLK_REG_CONFIG_LENGTH, VBLK_REG_QUEUE_ENABLE };

    open_lair(s, 0, offered(), 8);
    for (size_t i = 0; i < sizeof(regs); i++) {
        OP(s, CALL_DEVICE, 0, 0);
        byte(s, SHOW), byte(s, regs[i]), number(s, 0x40 * i), byte(s, NOTIFY), byte(s, 1), byte(s, END);
        OP(s, CALL_FLUSH, 0, 0);
        byte(s, END);
        OP(s, CALL_START, 0, 0);
    }
}

static void lair_stray_stores(struct seed *s)
{
    open_lair(s, 0, offered(), 8);
    for (unsigned part = 0; part < 4; part++) {
        OP(s, CALL_READ, 0, 1);
        byte(s, ANYWHERE), byte(s, part), number(s, 2), byte(s, 4);
        for (unsigned i = 0; i < 4; i++)
            byte(s, 0x11 * i);
        answer(s, 0, 0, 0);
        byte(s, END);
    }
}

static void lair_config(struct seed *s)
{
    open_lair(s, 0, offered() | VBLK_BIT(VBLK_F_SIZE_MAX), 8);
    for (unsigned i = 0; i < 5; i++) {
        OP(s, CALL_DEVICE, 0, 0);
        byte(s, CHANGE), byte(s, 8 + i * 4), number(s, i), byte(s, NOTIFY), byte(s, 1), byte(s, END);
        OP(s, CALL_START, 0, 0);
        OP(s, CALL_READ, 0, 4);
        answer(s, 0, 0, 0);
        byte(s, END);
    }
}

static void lair_suppressed(struct seed *s)
{
    open_lair(s, 0, offered(), 1);
    OP(s, CALL_DEVICE, 0, 0);
    byte(s, FLAGS), number(s, VBLK_USED_NO_NOTIFY), byte(s, END);
    OP(s, CALL_FLUSH, 0, 0);
    OP(s, CALL_DEVICE, 0, 0);
    byte(s, FLAGS), number(s, 0), byte(s, END);
}

/* ---- wrong_models: the order of its table of calls ---- */

enum { M_START, M_READ, M_WRITE, M_FLUSH, M_IDENTITY, M_RANGE, M_STOP, M_RESET_QUEUE, M_HOST, M_BATCH };
#define RING_FEATURES (VBLK_BIT(VBLK_F_RING_PACKED) | VBLK_BIT(VBLK_F_INDIRECT_DESC) | VBLK_BIT(VBLK_F_EVENT_IDX) | VBLK_BIT(VBLK_F_IN_ORDER))

static void models(struct seed *s, unsigned which, unsigned settings, uint64_t left_out)
{
    byte(s, which & 0xff);
    byte(s, which >> 8);
    byte(s, settings);
    number(s, left_out);
    number(s, 3);
    number(s, 1);
    OP(s, M_WRITE, 1, 2);
    OP(s, M_READ, 0, 4);
    OP(s, M_WRITE, 100, 16);
    OP(s, M_FLUSH, 0, 0);
    OP(s, M_READ, 96, 16);
    OP(s, M_READ, 4095, 1);
    OP(s, M_IDENTITY, 0, 0);
    OP(s, M_IDENTITY, 0, 1);
    for (unsigned kind = 0; kind < 4; kind++) {
        OP(s, M_WRITE, 8, 32);
        OP(s, M_RANGE, 4 * 8 + kind, 24);
        OP(s, M_READ, 0, 48);
    }
    for (unsigned n = 0; n < 6; n++)
        OP(s, M_BATCH, n, n);
    OP(s, M_RESET_QUEUE, 0, 0);
    OP(s, M_READ, 0, 8);
    OP(s, M_HOST, 2000, VBLK_HOST_RESIZE);
    OP(s, M_READ, 1999, 1);
    OP(s, M_WRITE, 3, 1);
    OP(s, M_HOST, 0, VBLK_HOST_POWER_CUT);
    OP(s, M_START, 0, 0);
    OP(s, M_READ, 0, 48);
    OP(s, M_HOST, 0, VBLK_HOST_NEEDS_RESET);
    OP(s, M_START, 0, 0);
    OP(s, M_READ, 0, 8);
    OP(s, M_STOP, 0, 0);
}

static void models_split(struct seed *s)
{
    models(s, 1, 0, RING_FEATURES);
}

static void models_split_all(struct seed *s)
{
    models(s, 40, 0, VBLK_BIT(VBLK_F_RING_PACKED));
}

static void models_packed(struct seed *s)
{
    models(s, 150, 0, RING_FEATURES & ~VBLK_BIT(VBLK_F_RING_PACKED));
}

static void models_packed_all(struct seed *s)
{
    models(s, 300, 0, 0);
}

static void models_snapshot(struct seed *s)
{
    models(s, 200, HARNESS_SNAPSHOT, RING_FEATURES);
}

static void models_other_side(struct seed *s)
{
    models(s, 250, HARNESS_OTHER_SIDE, RING_FEATURES);
}

static const struct {
    const char *target, *name;
    void (*make)(struct seed *s);
} seeds[] = {
    { "ring_memory", "lawful", ring_lawful },
    { "ring_memory", "ranges", ring_ranges },
    { "ring_memory", "snapshot", ring_snapshot },
    { "ring_memory", "one-descriptor", ring_one_descriptor },
    { "ring_memory", "loop", ring_loop },
    { "ring_memory", "out-of-table", ring_out_of_table },
    { "ring_memory", "index-jumps", ring_index_jumps },
    { "ring_memory", "indirect", ring_indirect },
    { "ring_memory", "edges", ring_edges },
    { "ring_memory", "found-overlaps", ring_overlaps },
    { "ring_memory", "host", ring_host },
    { "ring_driver", "lawful", lair_lawful },
    { "ring_driver", "lies", lair_lies },
    { "ring_driver", "index-jumps", lair_index_jumps },
    { "ring_driver", "shows", lair_shows },
    { "ring_driver", "found-stray-stores", lair_stray_stores },
    { "ring_driver", "config", lair_config },
    { "ring_driver", "found-queue-of-one", lair_suppressed },
    { "wrong_models", "split", models_split },
    { "wrong_models", "split-all-features", models_split_all },
    { "wrong_models", "packed", models_packed },
    { "wrong_models", "packed-all-features", models_packed_all },
    { "wrong_models", "snapshot", models_snapshot },
    { "wrong_models", "other-side", models_other_side },
};

bool seed_at(size_t i, struct seed *out)
{
    if (i >= sizeof(seeds) / sizeof(seeds[0]))
        return false;
    *out = (struct seed){ .target = seeds[i].target, .name = seeds[i].name };
    seeds[i].make(out);
    return true;
}
