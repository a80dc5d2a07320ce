/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the text can be read in more than one way: what is said of one and the same run under each reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define BASE (F(VERSION_1) | F(FLUSH))
#define PROVISION VBLK_BIT(17)
#define ERASE (F(DISCARD) | F(WRITE_ZEROES) | F(SECURE_ERASE))
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define STATUS_AT (WORLD_BUFFERS + 0x3000)

struct run {
    void (*what)(struct world *w, uint8_t status);
    const char *reading, *clause;
    uint64_t features;
    uint8_t status;
    uint8_t strictness;
    uint32_t held, doubted, broken;
};

static void start(struct world *w, const struct run *run)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = VBLK_SEES_ALL, .disk_zero = true,
                                           .judge_driver = true, .strictness = run->strictness };

    world_open(w, VBLK_SEES_ALL, true);
    if (run->reading != NULL)
        assert_int_equal(vblk_readings_set(&options.readings, run->reading, NULL, 0), VBLK_OK);
    vblk_oracle_free(w->o);
    w->o = vblk_oracle_new(&options, w->mem);
    assert_non_null(w->o);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
    world_start(w, BASE | run->features, BASE | run->features);
}

static void limits(struct world *w)
{
    static const vblk_le32 of_discard[6] = { { { 64 } }, { { 2 } }, { { 1 } }, { { 64 } }, { { 2 } }, { { 0 } } };

    world_config(w, 36, of_discard, 3 * 4);
    world_config(w, 48, of_discard + 3, 2 * 4);
}

/* Only the status is written, and the device claims @len bytes. */
static void answer_with(struct world *w, uint8_t status, uint32_t len)
{
    world_store(w, VBLK_DEVICE, STATUS_AT, &status, 1);
    world_used(w, 0, len);
}

static void read_claims_everything(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    answer_with(w, status, 513);
}

static void read_claims_less(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    answer_with(w, status, 512);
}

static void read_claims_nothing(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    answer_with(w, status, 0);
}

static void id_claims_everything(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_GET_ID, 0, NULL, 0, 20);
    world_available(w, 0);
    answer_with(w, status, 21);
}

static void write_past_capacity(struct world *w, uint8_t status)
{
    static const uint8_t data[512];

    world_request(w, 0, VBLK_T_OUT, 2048, data, 512, 0);
    world_available(w, 0);
    answer_with(w, status, 1);
}

static void write_of_the_last_sector(struct world *w, uint8_t status)
{
    static const uint8_t data[512];

    world_request(w, 0, VBLK_T_OUT, 2047, data, 512, 0);
    world_available(w, 0);
    answer_with(w, status, 1);
}

static void segments(struct world *w, uint32_t type, uint64_t sector, uint32_t flags, uint32_t count, uint8_t status)
{
    struct vblk_segment s[4];

    limits(w);
    for (uint32_t i = 0; i < count; i++)
        s[i] = (struct vblk_segment){ vblk_put64(sector + 8 * (uint64_t)i), vblk_put32(8), vblk_put32(flags) };
    world_request(w, 0, type, 0, s, count * 16, 0);
    world_available(w, 0);
    answer_with(w, status, 1);
}

static void discard_past_capacity(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_DISCARD, 2041, 0, 1, status);
}

static void provision_past_capacity(struct world *w, uint8_t status)
{
    segments(w, 15, 2041, 0, 1, status);
}

static void discard_up_to_capacity(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_DISCARD, 2040, 0, 1, status);
}

static void erase_with_unmap(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_SECURE_ERASE, 8, 1, 1, status);
}

static void discard_of_an_unknown_kind(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_DISCARD, 8, 2, 1, status);
}

static void discard_of_an_unknown_kind_and_too_much(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_DISCARD, 8, 2, 3, status);
}

/* The device announces a limit of no segments at all. */
static void discard_where_none_may_be(struct world *w, uint8_t status)
{
    static const vblk_le32 none[2] = { { { 64 } }, { { 0 } } };
    const struct vblk_segment s = { vblk_put64(8), vblk_put32(8), vblk_put32(0) };

    world_config(w, 36, none, sizeof(none));
    world_request(w, 0, VBLK_T_DISCARD, 0, &s, sizeof(s), 0);
    world_available(w, 0);
    (void)status;
}

static void erase_that_is_written(struct world *w, uint8_t status)
{
    world_request(w, 0, VBLK_T_SECURE_ERASE, 0, NULL, 0, 16);
    world_available(w, 0);
    answer_with(w, status, 1);
}

static void type_of_nobody(struct world *w, uint8_t status)
{
    world_request(w, 0, 99, 0, NULL, 0, 0);
    world_available(w, 0);
    answer_with(w, status, 1);
}

static void discard(struct world *w, uint8_t status)
{
    segments(w, VBLK_T_DISCARD, 8, 0, 1, status);
}

static void seg_max_of(struct world *w, uint32_t most)
{
    const vblk_le32 seg_max = vblk_put32(most);

    world_config(w, 12, &seg_max, sizeof(seg_max));
}

static void three_pieces_of_two(struct world *w, uint8_t status)
{
    seg_max_of(w, 2);
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    (void)status;
}

static void three_pieces_of_three(struct world *w, uint8_t status)
{
    seg_max_of(w, 3);
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    (void)status;
}

/* A table of @count descriptors: header, pieces of data, status. */
static void table_of(struct world *w, uint16_t count)
{
    const uint64_t table = 0x4000;

    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    for (uint16_t i = 0; i < count; i++) {
        const bool first = i == 0, last = i + 1 == count;
        const struct vblk_desc d = {
            vblk_put64(first ? WORLD_BUFFERS : last ? STATUS_AT : world_data(0) + 512u * i),
            vblk_put32(first ? 16 : last ? 1 : i == 1 ? 512 - 64 * (uint32_t)(count - 3) : 64),
            vblk_put16((uint16_t)((first ? 0 : VBLK_DESC_WRITE) | (last ? 0 : VBLK_DESC_NEXT))),
            vblk_put16((uint16_t)(last ? 0 : i + 1)),
        };

        world_store(w, VBLK_DRIVER, table + 16u * i, &d, sizeof(d));
    }
    world_desc(w, 0, table, 16u * count, VBLK_DESC_INDIRECT, 0);
    world_available(w, 0);
}

static void table_as_long_as_the_queue(struct world *w, uint8_t status)
{
    table_of(w, WORLD_SIZE);
    (void)status;
}

static void table_longer_than_the_queue(struct world *w, uint8_t status)
{
    table_of(w, WORLD_SIZE + 1);
    (void)status;
}

/* Two are available, and one element stands for both. */
static void read_that_is_skipped(struct world *w, uint8_t status)
{
    static const uint8_t zeroes[512];
    const struct vblk_used_elem e = { vblk_put32(3), vblk_put32(1) };

    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    world_request(w, 1, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(w, 3);
    if (status == VBLK_S_OK)
        world_store(w, VBLK_DEVICE, world_data(0), zeroes, sizeof(zeroes));
    world_store(w, VBLK_DEVICE, STATUS_AT, &status, 1);
    world_store(w, VBLK_DEVICE, WORLD_BUFFERS + 0x4000 + 0x3000, "", 1);
    world_store(w, VBLK_DEVICE, WORLD_USED + 4, &e, sizeof(e));
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, 2), VBLK_OK);
    world_event(w, VBLK_EV_USED_NOTIFY, 0);
}

/* ---- the same on packed rings ---- */

static void packed_desc(struct world *w, uint16_t slot, uint64_t gpa, uint32_t len, uint16_t id, uint16_t flags)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(id),
                                        vblk_put16((uint16_t)(flags | VBLK_DESC_AVAIL)) };

    world_store(w, VBLK_DRIVER, WORLD_DESC + 16u * slot, &d, sizeof(d));
}

/* Request 0, a read in slots 0 to 2; or 1, a flush in 3 and 4. */
static void packed_request(struct world *w, uint16_t n)
{
    const struct vblk_request_header head = { vblk_put32(n == 0 ? VBLK_T_IN : VBLK_T_FLUSH), vblk_put32(0), vblk_put64(0) };
    const uint64_t at = WORLD_BUFFERS + 0x4000u * (uint64_t)n;
    const uint16_t slot = (uint16_t)(3 * n), last = (uint16_t)(slot + 2 - n);

    world_store(w, VBLK_DRIVER, at, &head, sizeof(head));
    if (n == 0)
        packed_desc(w, 1, at + 0x1000, 512, n, VBLK_DESC_NEXT | VBLK_DESC_WRITE);
    packed_desc(w, last, at + 0x3000, 1, n, VBLK_DESC_WRITE);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    packed_desc(w, slot, at, sizeof(head), n, VBLK_DESC_NEXT);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    world_event(w, VBLK_EV_KICK, 0);
}

static void packed_used(struct world *w, uint16_t id, uint32_t len)
{
    const struct vblk_packed_desc d = { vblk_put64(0), vblk_put32(len), vblk_put16(id), vblk_put16(0) };
    const vblk_le16 flags = vblk_put16(VBLK_DESC_AVAIL | VBLK_DESC_USED | VBLK_DESC_WRITE);

    world_store(w, VBLK_DEVICE, WORLD_DESC + 8, (const uint8_t *)&d + 8, 6);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 14, &flags, sizeof(flags));
    world_event(w, VBLK_EV_USED_NOTIFY, 0);
}

static void packed_read_claims(struct world *w, uint8_t status, uint32_t len)
{
    packed_request(w, 0);
    world_store(w, VBLK_DEVICE, STATUS_AT, &status, 1);
    packed_used(w, 0, len);
}

static void packed_read_claims_everything(struct world *w, uint8_t status)
{
    packed_read_claims(w, status, 513);
}

static void packed_read_claims_less(struct world *w, uint8_t status)
{
    packed_read_claims(w, status, 512);
}

static void packed_read_that_is_skipped(struct world *w, uint8_t status)
{
    static const uint8_t zeroes[512];

    packed_request(w, 0);
    packed_request(w, 1);
    if (status == VBLK_S_OK)
        world_store(w, VBLK_DEVICE, world_data(0), zeroes, sizeof(zeroes));
    world_store(w, VBLK_DEVICE, STATUS_AT, &status, 1);
    world_store(w, VBLK_DEVICE, STATUS_AT + 0x4000, "", 1);
    packed_used(w, 1, 1);
}

enum { OK = VBLK_S_OK, IOERR = VBLK_S_IOERR, UNSUPP = VBLK_S_UNSUPP };

static const struct run runs[] = {
    /* AMB-03: another fault beside an unknown flag */
    { discard_of_an_unknown_kind, NULL, "BLK-OP-DEV-05", ERASE, UNSUPP, VBLK_INTEROP, 1, 0, 0 },
    { discard_of_an_unknown_kind, NULL, "BLK-OP-DEV-05", ERASE, IOERR, VBLK_INTEROP, 0, 0, 1 },
    { discard_of_an_unknown_kind_and_too_much, NULL, "BLK-OP-DEV-05", ERASE, UNSUPP, VBLK_INTEROP, 1, 0, 0 },
    { discard_of_an_unknown_kind_and_too_much, NULL, "BLK-OP-DEV-05", ERASE, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { discard_of_an_unknown_kind_and_too_much, NULL, "BLK-OP-DEV-05", ERASE, OK, VBLK_INTEROP, 0, 0, 1 },
    { discard_of_an_unknown_kind_and_too_much, NULL, "BLK-OP-DEV-05", ERASE, IOERR, VBLK_STRICT, 0, 0, 1 },
    { discard_of_an_unknown_kind_and_too_much, "AMB-03=strict", "BLK-OP-DEV-05", ERASE, IOERR, VBLK_INTEROP, 0, 0, 1 },
    /* AMB-04: past capacity */
    { write_past_capacity, NULL, "BLK-OP-20", 0, OK, VBLK_INTEROP, 0, 1, 0 },
    { write_past_capacity, NULL, "BLK-OP-20", 0, IOERR, VBLK_INTEROP, 1, 0, 0 },
    { write_of_the_last_sector, NULL, "BLK-OP-20", 0, OK, VBLK_INTEROP, 1, 0, 0 },
    { write_past_capacity, "AMB-04=strict", "BLK-OP-20", 0, OK, VBLK_INTEROP, 0, 0, 1 },
    { write_past_capacity, "AMB-04=inout", "BLK-OP-20", 0, OK, VBLK_INTEROP, 0, 1, 0 },
    { discard_past_capacity, NULL, "BLK-OP-20", ERASE, OK, VBLK_INTEROP, 0, 1, 0 },
    { discard_up_to_capacity, NULL, "BLK-OP-20", ERASE, OK, VBLK_INTEROP, 1, 0, 0 },
    { discard_past_capacity, "AMB-04=strict", "BLK-OP-20", ERASE, OK, VBLK_INTEROP, 0, 0, 1 },
    { discard_past_capacity, "AMB-04=inout", "BLK-OP-20", ERASE, OK, VBLK_INTEROP, 0, 0, 0 },
    { discard_past_capacity, "AMB-04=inout", "BLK-OP-20", ERASE, IOERR, VBLK_INTEROP, 1, 0, 0 },
    { provision_past_capacity, NULL, "PROV-DRV-07", PROVISION, IOERR, VBLK_INTEROP, 0, 0, 1 },
    { provision_past_capacity, "AMB-04=inout", "PROV-DRV-07", PROVISION, IOERR, VBLK_INTEROP, 1, 0, 0 },
    /* AMB-12: which way the segments of an erasure go */
    { erase_that_is_written, NULL, "BLK-OP-10", ERASE, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { erase_that_is_written, "AMB-12=parity", "BLK-OP-10", ERASE, IOERR, VBLK_INTEROP, 1, 0, 0 },
    /* AMB-14: the used length of a request that failed */
    { read_claims_everything, NULL, "RING-SPLIT-DEV-06", 0, IOERR, VBLK_INTEROP, 1, 0, 0 },
    { read_claims_everything, NULL, "RING-SPLIT-DEV-06", 0, OK, VBLK_INTEROP, 0, 0, 1 },
    { read_claims_everything, "AMB-14=strict", "RING-SPLIT-DEV-06", 0, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { read_claims_everything, "AMB-14=strict", "RING-SPLIT-DEV-06", 0, IOERR, VBLK_STRICT, 0, 0, 1 },
    { read_claims_less, NULL, "RING-SPLIT-DEV-06", 0, IOERR, VBLK_INTEROP, 0, 0, 1 },
    { read_claims_nothing, "AMB-14=strict", "RING-SPLIT-DEV-06", 0, IOERR, VBLK_STRICT, 1, 0, 0 },
    { id_claims_everything, NULL, "RING-SPLIT-DEV-06", 0, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { id_claims_everything, NULL, "RING-SPLIT-DEV-06", 0, IOERR, VBLK_STRICT, 0, 0, 1 },
    { packed_read_claims_everything, NULL, "RING-PACKED-15", F(RING_PACKED), IOERR, VBLK_INTEROP, 1, 0, 0 },
    { packed_read_claims_everything, NULL, "RING-PACKED-15", F(RING_PACKED), OK, VBLK_INTEROP, 0, 0, 1 },
    { packed_read_claims_everything, "AMB-14=strict", "RING-PACKED-15", F(RING_PACKED), IOERR, VBLK_INTEROP, 0, 1, 0 },
    { packed_read_claims_everything, "AMB-14=strict", "RING-PACKED-15", F(RING_PACKED), IOERR, VBLK_STRICT, 0, 0, 1 },
    { packed_read_claims_less, NULL, "RING-PACKED-15", F(RING_PACKED), IOERR, VBLK_INTEROP, 0, 0, 1 },
    /* AMB-16: unmap where it has no meaning */
    { erase_with_unmap, NULL, "BLK-OP-DEV-06", ERASE, UNSUPP, VBLK_INTEROP, 1, 0, 0 },
    { erase_with_unmap, NULL, "BLK-OP-DEV-06", ERASE, OK, VBLK_INTEROP, 0, 1, 0 },
    { erase_with_unmap, NULL, "BLK-OP-DEV-06", ERASE, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { erase_with_unmap, "AMB-16=ignore", "BLK-OP-DEV-06", ERASE, OK, VBLK_INTEROP, 1, 0, 0 },
    { erase_with_unmap, "AMB-16=ignore", "BLK-OP-DEV-06", ERASE, UNSUPP, VBLK_INTEROP, 0, 1, 0 },
    { erase_with_unmap, "AMB-16=fault", "BLK-OP-DEV-06", ERASE, OK, VBLK_INTEROP, 1, 0, 0 },
    { erase_with_unmap, "AMB-16=fault", "BLK-OP-DEV-06", ERASE, IOERR, VBLK_INTEROP, 1, 0, 0 },
    { erase_with_unmap, NULL, "BLK-OP-DEV-06", ERASE, 77, VBLK_INTEROP, 0, 0, 0 },
    /* AMB-19: types that nobody knows */
    { type_of_nobody, NULL, "BLK-OP-21", 0, UNSUPP, VBLK_INTEROP, 1, 0, 0 },
    { type_of_nobody, NULL, "BLK-OP-21", 0, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { type_of_nobody, "AMB-19=strict", "BLK-OP-21", 0, UNSUPP, VBLK_INTEROP, 1, 0, 0 },
    { type_of_nobody, "AMB-19=strict", "BLK-OP-21", 0, IOERR, VBLK_INTEROP, 0, 0, 1 },
    { type_of_nobody, "AMB-19=strict", "BLK-OP-21", 0, 3, VBLK_INTEROP, 0, 0, 0 },
    { discard, "AMB-19=strict", "BLK-OP-21", 0, IOERR, VBLK_INTEROP, 0, 1, 0 },
    { discard, "AMB-19=strict", "BLK-OP-21", ERASE, IOERR, VBLK_INTEROP, 0, 0, 0 },
    /* AMB-25: a read that failed and is skipped */
    { read_that_is_skipped, NULL, "INORD-01", F(IN_ORDER), OK, VBLK_INTEROP, 2, 0, 0 },
    { read_that_is_skipped, NULL, "INORD-01", F(IN_ORDER), IOERR, VBLK_INTEROP, 1, 1, 0 },
    { read_that_is_skipped, "AMB-25=forbid", "INORD-01", F(IN_ORDER), OK, VBLK_INTEROP, 2, 0, 0 },
    { read_that_is_skipped, "AMB-25=forbid", "INORD-01", F(IN_ORDER), IOERR, VBLK_INTEROP, 1, 0, 1 },
    { packed_read_that_is_skipped, NULL, "INORD-06", F(RING_PACKED) | F(IN_ORDER), OK, VBLK_INTEROP, 2, 0, 0 },
    { packed_read_that_is_skipped, NULL, "INORD-06", F(RING_PACKED) | F(IN_ORDER), IOERR, VBLK_INTEROP, 1, 1, 0 },
    { packed_read_that_is_skipped, "AMB-25=forbid", "INORD-06", F(RING_PACKED) | F(IN_ORDER), OK, VBLK_INTEROP, 2, 0, 0 },
    { packed_read_that_is_skipped, "AMB-25=forbid", "INORD-06", F(RING_PACKED) | F(IN_ORDER), IOERR, VBLK_INTEROP, 1, 0, 1 },
    /* AMB-26: tables longer than the queue */
    { table_as_long_as_the_queue, NULL, "RING-IND-DRV-03", F(INDIRECT_DESC), 0, VBLK_INTEROP, 1, 0, 0 },
    { table_longer_than_the_queue, NULL, "RING-IND-DRV-03", F(INDIRECT_DESC), 0, VBLK_INTEROP, 0, 0, 1 },
    { table_longer_than_the_queue, "AMB-26=device", "RING-IND-DRV-03", F(INDIRECT_DESC), 0, VBLK_INTEROP, 0, 0, 0 },
    /* AMB-28: limits of zero */
    { discard_where_none_may_be, NULL, "BLK-OP-DRV-11", ERASE, 0, VBLK_INTEROP, 0, 0, 1 },
    { discard_where_none_may_be, "AMB-28=unlimited", "BLK-OP-DRV-11", ERASE, 0, VBLK_INTEROP, 1, 0, 0 },
    /* AMB-32: what counts for seg_max */
    { three_pieces_of_two, NULL, "FRAME-DRV-02", F(SEG_MAX), 0, VBLK_INTEROP, 1, 0, 0 },
    { three_pieces_of_two, "AMB-32=all", "FRAME-DRV-02", F(SEG_MAX), 0, VBLK_INTEROP, 0, 1, 0 },
    { three_pieces_of_three, "AMB-32=all", "FRAME-DRV-02", F(SEG_MAX), 0, VBLK_INTEROP, 1, 0, 0 },
};

static void each_reading_has_a_verdict_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(runs); i++) {
        const struct run *run = &runs[i];
        struct world w;

        start(&w, run);
        run->what(&w, run->status);
        const struct vblk_tally t = world_tally(&w, run->clause);
        if (t.held != run->held || t.doubted != run->doubted || t.broken != run->broken)
            fail_msg("run %zu, %s with %s: held %u, doubted %u, broken %u", i, run->clause,
                     run->reading != NULL ? run->reading : "the default", t.held, t.doubted, t.broken);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reading_has_a_verdict_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
