/* SPDX-License-Identifier: BSD-3-Clause */
/* Request types: what they answer, what they do to the disk, what they write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)
#define T_PROVISION 15u
#define F_PROVISION 17

static const uint32_t segment_types[] = { VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, VBLK_T_SECURE_ERASE, T_PROVISION };

static void in_out__bytes_come_back(void **state)
{
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_int_equal(rig_fill(&r, 60, 130, 0x5a), VBLK_S_OK);
    assert_int_equal(rig_byte(&r, 59), 0);
    assert_int_equal(rig_byte(&r, 60), 0x5a);
    assert_int_equal(rig_byte(&r, 189), 0x5a);
    assert_int_equal(rig_byte(&r, 190), 0);
    assert_int_equal(rig_ask(&r, VBLK_T_IN, 0, "", 0, 0).status, VBLK_S_OK);
    rig_close(&r);
}

static void in_out__range_is_judged_without_wrapping(void **state)
{
    static const uint8_t data[1024];
    const uint64_t wraps = UINT64_C(1) << 55; /* * 512 is 0 */
    struct answer a;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.capacity = VBLK_STORE_CAPACITY_MAX;
    rig_open(&r);
    rig_start(&r, V1, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 9), VBLK_S_OK);
    assert_int_equal(rig_fill(&r, VBLK_STORE_CAPACITY_MAX - 2, 2, 8), VBLK_S_OK);
    assert_int_equal(rig_byte(&r, VBLK_STORE_CAPACITY_MAX - 1), 8);
    assert_int_equal(rig_byte(&r, VBLK_STORE_CAPACITY_MAX), -1);
    assert_int_equal(rig_byte(&r, wraps), -1);
    assert_int_equal(rig_byte(&r, UINT64_MAX), -1);
    a = rig_ask(&r, VBLK_T_OUT, UINT64_MAX, data, 1024, 0);
    assert_int_equal(a.status, VBLK_S_IOERR);
    a = rig_ask(&r, VBLK_T_OUT, VBLK_STORE_CAPACITY_MAX - 1, data, 1024, 0);
    assert_int_equal(a.status, VBLK_S_IOERR);
    assert_int_equal(a.len, 1);
    assert_int_equal(rig_byte(&r, VBLK_STORE_CAPACITY_MAX - 1), 8);
    assert_int_equal(rig_byte(&r, 0), 9);
    rig_close(&r);
}

static void in__a_failure_reports_no_length_it_did_not_write(void **state)
{
    struct answer a;
    uint8_t byte;
    struct rig r;

    (void)state;
    rig_up(&r);
    a = rig_ask(&r, VBLK_T_IN, r.options.capacity, "", 0, 512);
    assert_true(a.used);
    assert_int_equal(a.status, VBLK_S_IOERR);
    assert_int_equal(a.len, 0);
    assert_int_equal(vblk_memory_peek(r.mem, a.data, &byte, 1), VBLK_OK);
    assert_int_equal(byte, 0xee); /* untouched */
    a = rig_ask(&r, VBLK_T_IN, 0, "", 0, 511);
    assert_int_equal(a.status, VBLK_S_IOERR);
    a = rig_ask(&r, VBLK_T_OUT, 0, "x", 1, 0);
    assert_int_equal(a.status, VBLK_S_IOERR);
    assert_int_equal(vblk_store_fail(r.store, 3, 1), VBLK_OK);
    a = rig_ask(&r, VBLK_T_IN, 0, "", 0, 8 * 512);
    assert_int_equal(a.status, VBLK_S_IOERR);
    assert_int_equal(a.len, 0);
    assert_int_equal(rig_fill(&r, 3, 1, 1), VBLK_S_IOERR);
    assert_int_equal(rig_byte(&r, 4), 0);
    rig_close(&r);
}

static void types__unknown_or_not_negotiated_are_unsupported(void **state)
{
    const struct vblk_range range = { 0, 1, 0 };
    const uint32_t unknown[] = { 2, 3, 5, 9, 12, 16, 0x80000000u, 0x80000001u, UINT32_MAX };
    struct answer a;
    struct rig r;

    (void)state;
    rig_up(&r);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        a = rig_ask(&r, unknown[i], 0, "", 0, 0);
        assert_int_equal(a.status, VBLK_S_UNSUPP);
        assert_int_equal(a.len, 1);
    }
    rig_start(&r, V1, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 7), VBLK_S_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rig_segments(&r, segment_types[i], &range, 1).status, VBLK_S_UNSUPP);
    assert_int_equal(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).status, VBLK_S_UNSUPP);
    assert_int_equal(rig_ask(&r, VBLK_T_GET_LIFETIME, 0, "", 0, 6).status, VBLK_S_UNSUPP);
    assert_int_equal(rig_byte(&r, 0), 7);
    rig_close(&r);
}

static void get_id__twenty_bytes_padded(void **state)
{
    struct answer a;
    char id[VBLK_ID_BYTES];
    struct rig r;

    (void)state;
    rig_defaults(&r);
    strcpy(r.options.serial, "abc");
    rig_open(&r);
    rig_start(&r, V1, 1);
    a = rig_ask(&r, VBLK_T_GET_ID, 0, "", 0, VBLK_ID_BYTES);
    assert_int_equal(a.status, VBLK_S_OK);
    assert_int_equal(a.len, 21);
    assert_int_equal(vblk_memory_peek(r.mem, a.data, id, sizeof id), VBLK_OK);
    assert_memory_equal(id, "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof id);
    assert_int_equal(rig_ask(&r, VBLK_T_GET_ID, 0, "", 0, 19).status, VBLK_S_IOERR);
    assert_int_equal(rig_ask(&r, VBLK_T_GET_ID, 0, "", 0, 21).status, VBLK_S_IOERR);
    rig_close(&r);
}

static void get_lifetime__six_bytes(void **state)
{
    struct answer a;
    uint8_t got[6];
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.pre_eol_info = 2;
    r.options.est_typ_a = 3;
    r.options.est_typ_b = 11;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    a = rig_ask(&r, VBLK_T_GET_LIFETIME, 0, "", 0, 6);
    assert_int_equal(a.status, VBLK_S_OK);
    assert_int_equal(a.len, 7);
    assert_int_equal(vblk_memory_peek(r.mem, a.data, got, 6), VBLK_OK);
    assert_memory_equal(got, "\2\0\3\0\13\0", 6);
    assert_int_equal(rig_ask(&r, VBLK_T_GET_LIFETIME, 0, "", 0, 5).status, VBLK_S_IOERR);
    a = rig_ask(&r, VBLK_T_GET_LIFETIME, 0, "", 0, 8);
    assert_int_equal(a.status, VBLK_S_OK);
    assert_int_equal(a.len, 6); /* the two bytes between were not written */
    rig_close(&r);
}

static void segments__effects_and_neighbours(void **state)
{
    const struct vblk_range ranges[] = { { 10, 5, 0 }, { 14, 3, 0 }, { 100, 0, 0 } };
    struct rig r;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool keeps = segment_types[i] == T_PROVISION;
        struct answer a;

        rig_up(&r);
        assert_int_equal(rig_fill(&r, 0, 30, 7), VBLK_S_OK);
        a = rig_segments(&r, segment_types[i], ranges, 3);
        assert_int_equal(a.status, VBLK_S_OK);
        assert_int_equal(a.len, 1);
        assert_int_equal(rig_byte(&r, 9), 7);
        assert_int_equal(rig_byte(&r, 10), keeps ? 7 : 0);
        assert_int_equal(rig_byte(&r, 16), keeps ? 7 : 0);
        assert_int_equal(rig_byte(&r, 17), 7);
        assert_int_equal(vblk_store_allocated(r.store), keeps || segment_types[i] == VBLK_T_WRITE_ZEROES ? 30 : 23);
        rig_close(&r);
    }
}

static void segments__unknown_flags_come_before_every_other_fault(void **state)
{
    const uint64_t end = UINT64_C(1) << 21;
    struct vblk_range many[40] = { { 0, 1, 0 } };
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_int_equal(rig_fill(&r, 0, 8, 7), VBLK_S_OK);
    for (size_t i = 0; i < 4; i++) {
        const uint32_t type = segment_types[i];
        struct vblk_range bad[3] = { { 0, 1, 0 }, { 1, 1, 0 }, { 2, 1, 0 } };

        for (unsigned at = 0; at < 3; at++) {
            bad[at].flags = 1u << (31 - at);
            assert_int_equal(rig_segments(&r, type, bad, 3).status, VBLK_S_UNSUPP);
            bad[at].sector = end;
            assert_int_equal(rig_segments(&r, type, bad, 3).status, VBLK_S_UNSUPP);
            bad[at] = (struct vblk_range){ at, 1, 0 };
        }
        many[39].flags = 2; /* far beyond the limit of segments */
        assert_int_equal(rig_segments(&r, type, many, 40).status, VBLK_S_UNSUPP);
        bad[0].flags = VBLK_SEGMENT_UNMAP;
        if (type != VBLK_T_WRITE_ZEROES)
            assert_int_equal(rig_segments(&r, type, bad, 3).status, VBLK_S_UNSUPP);
    }
    assert_int_equal(rig_byte(&r, 0), 7);
    assert_int_equal(rig_byte(&r, 1), 7);
    assert_int_equal(vblk_store_allocated(r.store), 8);
    rig_close(&r);
}

static void segments__limits_range_and_length(void **state)
{
    const uint64_t end = UINT64_C(1) << 21;
    struct vblk_range many[17];
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.blk_size = 4096; /* units stay sectors of 512 bytes */
    r.options.max_discard_sectors = r.options.max_write_zeroes_sectors = 100;
    r.options.max_secure_erase_sectors = r.options.max_provision_sectors = 100;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    for (unsigned i = 0; i < 17; i++)
        many[i] = (struct vblk_range){ i * 200, 100, 0 };
    for (size_t i = 0; i < 4; i++) {
        const uint32_t type = segment_types[i];
        const struct {
            struct vblk_range range;
            uint8_t status;
        } cases[] = {
            { { 0, 100, 0 }, VBLK_S_OK },
            { { 0, 101, 0 }, VBLK_S_IOERR },
            { { end - 100, 100, 0 }, VBLK_S_OK },
            { { end - 99, 100, 0 }, VBLK_S_IOERR },
            { { end, 1, 0 }, VBLK_S_IOERR },
            { { UINT64_MAX, 2, 0 }, VBLK_S_IOERR },
            { { UINT64_C(1) << 55, 1, 0 }, VBLK_S_IOERR },
            { { UINT64_MAX, 1, 0 }, VBLK_S_IOERR },
            { { 0, UINT32_MAX, 0 }, VBLK_S_IOERR },
            { { 5, 0, 0 }, VBLK_S_OK },
            { { UINT64_MAX, 0, 0 }, VBLK_S_OK },
        };

        for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
            uint64_t before = vblk_store_allocated(r.store);

            assert_int_equal(rig_segments(&r, type, &cases[c].range, 1).status, cases[c].status);
            if (cases[c].status)
                assert_int_equal(vblk_store_allocated(r.store), before);
        }
        assert_int_equal(rig_segments(&r, type, many, 16).status, VBLK_S_OK);
        assert_int_equal(rig_segments(&r, type, many, 17).status, VBLK_S_IOERR);
        assert_int_equal(rig_segments(&r, type, many, 0).status, VBLK_S_IOERR);
        assert_int_equal(rig_ask(&r, type, 0, many, 15, 0).status, VBLK_S_IOERR);
        assert_int_equal(rig_ask(&r, type, 0, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 17, 0).status, VBLK_S_IOERR);
    }
    rig_close(&r);
}

static void segments__thousands_arrive_in_batches(void **state)
{
    const unsigned n = 5000;
    struct vblk_range *ranges = calloc(n, sizeof *ranges);
    struct rig r;

    (void)state;
    assert_non_null(ranges);
    rig_defaults(&r);
    r.options.max_provision_seg = n;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    for (unsigned i = 0; i < n; i++)
        ranges[i] = (struct vblk_range){ i * 2, 1, 0 };
    assert_int_equal(rig_segments(&r, T_PROVISION, ranges, n).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), n);
    ranges[n - 1].flags = 4;
    assert_int_equal(rig_segments(&r, VBLK_T_DISCARD, ranges, n).status, VBLK_S_UNSUPP);
    assert_int_equal(vblk_store_allocated(r.store), n);
    free(ranges);
    rig_close(&r);
}

static void read_only__writes_fail_and_change_nothing(void **state)
{
    const struct vblk_range range = { 0, 1, 0 };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.features |= VBLK_BIT(VBLK_F_RO);
    rig_open(&r);
    for (unsigned accept = 0; accept < 2; accept++) {
        rig_start(&r, r.options.features & ~(accept ? 0 : VBLK_BIT(VBLK_F_RO)), 1);
        assert_int_equal(rig_fill(&r, 0, 1, 7), VBLK_S_IOERR);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(rig_segments(&r, segment_types[i], &range, 1).status, VBLK_S_IOERR);
        assert_int_equal(rig_byte(&r, 0), 0);
        assert_int_equal(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).status, VBLK_S_OK);
    }
    assert_int_equal(vblk_store_allocated(r.store), 0);
    rig_close(&r);
}

static void pool__exhausted_is_an_ioerr(void **state)
{
    const struct vblk_range range = { 100, 8, 0 }, two[] = { { 100, 4, 0 }, { 200, 4, 0 } };
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_store_set_pool(r.store, 4);
    assert_int_equal(rig_segments(&r, T_PROVISION, &range, 1).status, VBLK_S_IOERR);
    assert_int_equal(vblk_store_pool(r.store), 4);
    assert_int_equal(rig_fill(&r, 0, 8, 1), VBLK_S_IOERR);
    assert_int_equal(rig_segments(&r, VBLK_T_WRITE_ZEROES, &range, 1).status, VBLK_S_IOERR);
    assert_int_equal(rig_segments(&r, T_PROVISION, two, 2).status, VBLK_S_IOERR);
    assert_int_equal(vblk_store_extent(r.store, 100), VBLK_EXTENT_ALLOCATED);
    assert_int_equal(rig_fill(&r, 100, 4, 1), VBLK_S_OK);
    assert_int_equal(rig_segments(&r, VBLK_T_DISCARD, &range, 1).status, VBLK_S_OK);
    assert_int_equal(rig_segments(&r, T_PROVISION, two, 1).status, VBLK_S_OK);
    rig_close(&r);
}

static void provision__keeps_bytes_and_unshares(void **state)
{
    const struct vblk_range range = { 0, 16, 0 };
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_int_equal(rig_fill(&r, 0, 8, 7), VBLK_S_OK);
    assert_int_equal(vblk_store_share(r.store, 0, 8), VBLK_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rig_segments(&r, T_PROVISION, &range, 1).status, VBLK_S_OK);
        assert_int_equal(vblk_store_extent(r.store, 0), VBLK_EXTENT_ALLOCATED);
        assert_int_equal(vblk_store_extent(r.store, 15), VBLK_EXTENT_ALLOCATED);
        assert_int_equal(rig_byte(&r, 7), 7);
        assert_int_equal(rig_byte(&r, 15), 0);
    }
    rig_close(&r);
}

static void huge_disk__ranges_are_not_walked_by_sector(void **state)
{
    struct vblk_range ranges[16];
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.capacity = VBLK_STORE_CAPACITY_MAX;
    r.options.max_discard_sectors = r.options.max_write_zeroes_sectors = UINT32_MAX;
    r.options.max_secure_erase_sectors = r.options.max_provision_sectors = UINT32_MAX;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_fill(&r, 12345678901, 1, 7), VBLK_S_OK);
    for (unsigned i = 0; i < 16; i++)
        ranges[i] = (struct vblk_range){ i * (uint64_t)UINT32_MAX, UINT32_MAX, 0 };
    assert_int_equal(rig_segments(&r, T_PROVISION, ranges, 16).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 16 * (uint64_t)UINT32_MAX);
    assert_int_equal(rig_byte(&r, 12345678901), 7);
    assert_int_equal(rig_segments(&r, VBLK_T_WRITE_ZEROES, ranges, 16).status, VBLK_S_OK);
    assert_int_equal(rig_byte(&r, 12345678901), 0);
    assert_int_equal(rig_segments(&r, VBLK_T_DISCARD, ranges, 15).status, VBLK_S_OK);
    assert_int_equal(rig_segments(&r, VBLK_T_SECURE_ERASE, ranges, 16).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 0);
    rig_close(&r);
}

static void write_zeroes__unmaps_only_if_asked_and_able(void **state)
{
    const struct vblk_range keep = { 0, 1, 0 }, unmap = { 0, 1, VBLK_SEGMENT_UNMAP };
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_int_equal(rig_fill(&r, 0, 1, 7), VBLK_S_OK);
    assert_int_equal(rig_segments(&r, VBLK_T_WRITE_ZEROES, &keep, 1).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 1);
    assert_int_equal(vblk_device_set_config(r.device, 56, 0), VBLK_OK);
    assert_int_equal(rig_segments(&r, VBLK_T_WRITE_ZEROES, &unmap, 1).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 1);
    assert_int_equal(vblk_device_set_config(r.device, 56, 1), VBLK_OK);
    assert_int_equal(rig_segments(&r, VBLK_T_WRITE_ZEROES, &unmap, 1).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 0);
    rig_close(&r);
}

static void readings__unmap_on_provision_and_erase(void **state)
{
    const struct vblk_range unmap = { 0, 1, VBLK_SEGMENT_UNMAP }, unknown = { 0, 1, 3 };
    const char *const settings[][2] = { { "AMB-02=unsupp", "AMB-16=unsupp" },
                                        { "AMB-02=ignore", "AMB-16=ignore" },
                                        { "AMB-02=fault", "AMB-16=fault" } };
    const uint8_t expected[] = { VBLK_S_UNSUPP, VBLK_S_OK, VBLK_S_IOERR };
    char why[100];
    struct rig r;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        rig_defaults(&r);
        assert_int_equal(vblk_readings_set(&r.options.readings, settings[i][0], why, sizeof why), VBLK_OK);
        assert_int_equal(vblk_readings_set(&r.options.readings, settings[i][1], why, sizeof why), VBLK_OK);
        rig_open(&r);
        rig_start(&r, r.options.features, 1);
        assert_int_equal(rig_fill(&r, 0, 1, 7), VBLK_S_OK);
        assert_int_equal(rig_segments(&r, T_PROVISION, &unmap, 1).status, expected[i]);
        assert_int_equal(rig_segments(&r, T_PROVISION, &unknown, 1).status, VBLK_S_UNSUPP);
        assert_int_equal(rig_byte(&r, 0), 7);
        assert_int_equal(vblk_store_allocated(r.store), 1);
        assert_int_equal(rig_segments(&r, VBLK_T_SECURE_ERASE, &unmap, 1).status, expected[i]);
        assert_int_equal(rig_segments(&r, VBLK_T_DISCARD, &unmap, 1).status, VBLK_S_UNSUPP);
        rig_close(&r);
    }
}

static void profiles__provision_has_the_profiles_numbers(void **state)
{
    const struct vblk_range range = { 0, 1, 0 };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.profile = *vblk_profile_find("1.4+provision");
    r.options.features = vblk_device_features(&r.options.profile) & ~vblk_device_ring_features() &
                         ~VBLK_BIT(VBLK_F_RO);
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_segments(&r, T_PROVISION, &range, 1).status, VBLK_S_UNSUPP);
    assert_int_equal(rig_segments(&r, r.options.profile.provision_type, &range, 1).status, VBLK_S_OK);
    assert_int_equal(rig_reg(&r, VBLK_REG_CONFIG_LENGTH), r.options.profile.provision_offset + 8u);
    rig_close(&r);
    rig_defaults(&r);
    r.options.profile = *vblk_profile_find("linux-rfc");
    r.options.max_provision_seg = 0; /* this profile has no such limit */
    r.options.features = vblk_device_features(&r.options.profile) & ~vblk_device_ring_features() &
                         ~VBLK_BIT(VBLK_F_RO);
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_segments(&r, VBLK_T_SECURE_ERASE, &range, 1).status, VBLK_S_OK);
    assert_int_equal(vblk_store_allocated(r.store), 1);
    assert_int_equal(rig_ask(&r, VBLK_T_GET_LIFETIME, 0, "", 0, 6).status, VBLK_S_UNSUPP);
    rig_close(&r);
}

static void durability__follows_what_was_negotiated(void **state)
{
    const uint64_t flush = VBLK_BIT(VBLK_F_FLUSH), wce = VBLK_BIT(VBLK_F_CONFIG_WCE);
    const uint8_t through = 0;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    rig_start(&r, V1, 1); /* case 1 */
    assert_int_equal(rig_fill(&r, 0, 1, 1), VBLK_S_OK);
    vblk_store_power_cut(r.store, 0);
    assert_int_equal(rig_byte(&r, 0), 1);
    rig_start(&r, V1 | flush, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 2), VBLK_S_OK);
    vblk_store_power_cut(r.store, 0);
    assert_int_equal(rig_byte(&r, 0), 1);
    rig_start(&r, V1 | flush | wce, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 3), VBLK_S_OK);
    assert_int_equal(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).status, VBLK_S_OK); /* case 3 */
    assert_int_equal(rig_fill(&r, 1, 1, 3), VBLK_S_OK);
    vblk_store_power_cut(r.store, 0);
    assert_int_equal(rig_byte(&r, 0), 3);
    assert_int_equal(rig_byte(&r, 1), 0);
    vblk_device_write_config(r.device, 32, &through, 1); /* case 2 */
    assert_int_equal(rig_fill(&r, 1, 1, 4), VBLK_S_OK);
    vblk_store_power_cut(r.store, 0);
    assert_int_equal(rig_byte(&r, 1), 4);
    rig_close(&r);
}

/* A disk of another make: no view, no place, no provision, and slow to show mistakes. */
static uint8_t plain_bytes[400 * VBLK_SECTOR];
static vblk_err plain_result;
static vblk_err plain_read(void *ctx, uint64_t sector, void *buf, uint32_t count)
{
    (void)ctx;
    memcpy(buf, plain_bytes + sector * VBLK_SECTOR, (size_t)count * VBLK_SECTOR);
    return plain_result;
}
static vblk_err plain_write(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable)
{
    (void)ctx;
    (void)stable;
    memcpy(plain_bytes + sector * VBLK_SECTOR, buf, (size_t)count * VBLK_SECTOR);
    return plain_result;
}
static vblk_err plain_flush(void *ctx)
{
    (void)ctx;
    return plain_result;
}

static void backend__without_in_place_access_goes_through_a_copy(void **state)
{
    const struct vblk_backend plain = { .read = plain_read, .write = plain_write, .flush = plain_flush };
    const struct vblk_range range = { 0, 1, 0 };
    struct answer a;
    uint8_t byte;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.capacity = 400;
    rig_open(&r);
    vblk_device_free(r.device);
    r.device = vblk_device_new(&r.options, r.mem, &plain, NULL);
    assert_non_null(r.device);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_fill(&r, 0, 399, 6), VBLK_S_OK);
    a = rig_ask(&r, VBLK_T_IN, 0, "", 0, 400 * VBLK_SECTOR);
    assert_int_equal(a.status, VBLK_S_OK);
    assert_int_equal(a.len, 400 * VBLK_SECTOR + 1);
    assert_int_equal(vblk_memory_peek(r.mem, a.data + 399 * VBLK_SECTOR - 1, &byte, 1), VBLK_OK);
    assert_int_equal(byte, 6);
    assert_int_equal(rig_segments(&r, T_PROVISION, &range, 1).status, VBLK_S_OK);
    plain_result = VBLK_E_IO;
    assert_int_equal(rig_ask(&r, VBLK_T_IN, 0, "", 0, VBLK_SECTOR).status, VBLK_S_IOERR);
    assert_int_equal(rig_fill(&r, 0, 1, 6), VBLK_S_IOERR);
    assert_int_equal(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).status, VBLK_S_IOERR);
    plain_result = VBLK_OK;
    rig_close(&r);
}

static unsigned disk_calls;

static vblk_err took_range(void *ctx, uint64_t sector, uint32_t count)
{
    (void)ctx;
    (void)sector;
    (void)count;
    disk_calls++;
    return VBLK_OK;
}
static vblk_err took_zeroes(void *ctx, uint64_t sector, uint32_t count, bool may_unmap, bool stable)
{
    (void)may_unmap;
    (void)stable;
    return took_range(ctx, sector, count);
}
static vblk_err took_read(void *ctx, uint64_t sector, void *buf, uint32_t count)
{
    (void)buf;
    return took_range(ctx, sector, count);
}
static vblk_err took_write(void *ctx, uint64_t sector, const void *buf, uint32_t count, bool stable)
{
    (void)buf;
    (void)stable;
    return took_range(ctx, sector, count);
}

/* A disk need not look: what is beyond the capacity never gets there. */
static void backend_that_takes_everything__is_asked_only_within_the_capacity(void **state)
{
    static const uint8_t data[2 * VBLK_SECTOR];
    static const uint64_t starts[] = { 397, 398, 399, 400, 401, 402, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX };
    const struct vblk_backend yes = { .read = took_read, .write = took_write, .flush = plain_flush, .discard = took_range,
                                      .write_zeroes = took_zeroes, .secure_erase = took_range, .provision = took_range };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.capacity = 400;
    r.options.discard_sector_alignment = r.options.secure_erase_sector_alignment = 1;
    rig_open(&r);
    vblk_device_free(r.device);
    r.device = vblk_device_new(&r.options, r.mem, &yes, NULL);
    assert_non_null(r.device);
    rig_start(&r, r.options.features, 1);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        const struct vblk_range range = { starts[i], 2, 0 };
        const bool within = starts[i] <= 398;
        const uint8_t status = within ? VBLK_S_OK : VBLK_S_IOERR;

        disk_calls = 0;
        assert_int_equal(rig_ask(&r, VBLK_T_IN, starts[i], "", 0, 2 * VBLK_SECTOR).status, status);
        assert_int_equal(rig_ask(&r, VBLK_T_OUT, starts[i], data, 2 * VBLK_SECTOR, 0).status, status);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(rig_segments(&r, segment_types[k], &range, 1).status, status);
        assert_int_equal(disk_calls, within ? 6 : 0);
    }
    rig_close(&r);
}

/* The mistakes that a device can be made to make, each by one member. */

static uint8_t answer_ok(struct vblk_device *device, struct vblk_request *req)
{
    (void)device;
    (void)req;
    return VBLK_S_OK;
}
static const struct vblk_op *skip_reads(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op skip = { .type = VBLK_T_IN, .feature = -1, .run = answer_ok };

    (void)device;
    (void)row;
    return type == VBLK_T_IN ? &skip : NULL;
}
static bool in_range_wrapping(const struct vblk_device *device, uint64_t sector, uint64_t count)
{
    return sector * 512 + count * 512 <= vblk_device_options_of(device)->capacity * 512;
}
static uint8_t no_check(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    struct vblk_range range;
    (void)op;
    assert_true(vblk_request_segment(device, req, 0, &range));
    assert_int_equal(vblk_request_segment_flags(req), range.flags);
    return vblk_request_segments(req) ? VBLK_S_OK : VBLK_S_IOERR;
}
static void no_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    (void)device;
    (void)req;
    (void)status;
}
static uint32_t longer(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                       uint32_t written)
{
    (void)device;
    (void)status;
    assert_int_equal(vblk_request_queue(req), 0);
    return written + 1;
}
static void late_element(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    struct vblk_queue_layout at;
    uint16_t idx;

    assert_int_equal(vblk_device_queue(device, queue, &at), VBLK_OK);
    assert_int_equal(vblk_memory_load16(vblk_device_memory(device), VBLK_NOBODY, at.device + 2, VBLK_RELAXED, &idx),
                     VBLK_OK);
    assert_int_equal(
        vblk_memory_store16(vblk_device_memory(device), VBLK_DEVICE, at.device + 2, VBLK_RELEASE, (uint16_t)(idx + 1)),
        VBLK_OK);
    vblk_reference_put_used(device, queue, id, len);
}
static void past_the_end(struct vblk_device *device, struct vblk_request *req)
{
    bool ok;
    uint64_t status = vblk_request_address(req, vblk_request_in_len(req), &ok);

    assert_true(ok);
    vblk_request_address(req, vblk_request_in_len(req) + 1, &ok);
    assert_false(ok);
    assert_int_equal(vblk_memory_fill(vblk_device_memory(device), VBLK_DEVICE, status + 1, 0x99, 1), VBLK_OK);
}

static void behaviour__each_member_changes_one_thing(void **state)
{
    const struct vblk_behaviour wrong[] = {
        { .name = "0", .op = skip_reads },           { .name = "1", .in_range = in_range_wrapping },
        { .name = "2", .check_segments = no_check }, { .name = "3", .put_status = no_status },
        { .name = "4", .used_length = longer },      { .name = "5", .put_used = late_element },
        { .name = "6", .after = past_the_end },
    };
    const struct vblk_range flagged = { 0, 1, 2 };
    uint8_t byte;
    struct rig r;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct answer a;

        rig_defaults(&r);
        r.options.behaviour = &wrong[i];
        rig_open(&r);
        rig_start(&r, r.options.features, 1);
        a = rig_ask(&r, VBLK_T_IN, i == 1 ? (UINT64_C(1) << 55) : 0, "", 0, 512);
        assert_true(a.used);
        assert_int_equal(a.len, i == 0 ? 0 : i == 1 ? 0 : i == 3 ? 512 : i == 4 ? 514 : 513);
        assert_int_equal(a.status, i == 1 ? VBLK_S_IOERR : i == 3 ? 0xee : VBLK_S_OK);
        assert_int_equal(vblk_memory_peek(r.mem, a.data + 513, &byte, 1), VBLK_OK);
        assert_int_equal(byte, i == 6 ? 0x99 : 0);
        a = rig_segments(&r, T_PROVISION, &flagged, 1);
        if (i != 3)
            assert_int_equal(a.status, i == 2 ? VBLK_S_OK : VBLK_S_UNSUPP);
        rig_close(&r);
    }
}

static uint8_t in_blocks(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range range;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &range); i++) {
        if (disk->provision(disk->ctx, range.sector * 8, range.count * 8))
            return VBLK_S_IOERR;
    }
    return VBLK_S_OK;
}
static const struct vblk_op *block_units(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op wrong = {
        .type = T_PROVISION, .feature = F_PROVISION, .direction = VBLK_SEGMENTS, .writes = true, .run = in_blocks
    };

    (void)device;
    (void)row;
    return type == T_PROVISION ? &wrong : NULL;
}
static uint8_t wrapped(struct vblk_device *device, struct vblk_request *req)
{
    vblk_request_set_sector(req, vblk_request_sector(req) & (UINT64_MAX >> 9));
    return vblk_reference_run(device, req, vblk_request_type(req));
}
static const struct vblk_op *wraps(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op wrong = {
        .type = VBLK_T_IN, .feature = -1, .direction = VBLK_TO_DRIVER, .run = wrapped
    };

    assert_ptr_equal(row, vblk_reference_op(device, type));
    return type == VBLK_T_IN ? &wrong : NULL;
}

static void behaviour__a_row_can_be_replaced(void **state)
{
    const struct vblk_behaviour blocks = { .op = block_units }, wrapping = { .op = wraps };
    const struct vblk_range range = { 1, 1, 0 };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.behaviour = &blocks;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_segments(&r, T_PROVISION, &range, 1).status, VBLK_S_OK);
    assert_int_equal(vblk_store_extent(r.store, 1), VBLK_EXTENT_HOLE);
    assert_int_equal(vblk_store_extent(r.store, 8), VBLK_EXTENT_ALLOCATED);
    rig_close(&r);
    rig_defaults(&r);
    r.options.behaviour = &wrapping;
    rig_open(&r);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_fill(&r, 5, 1, 4), VBLK_S_OK);
    assert_int_equal(rig_byte(&r, (UINT64_C(1) << 55) + 5), 4);
    assert_int_equal(vblk_reference_run(r.device, NULL, 99), VBLK_S_UNSUPP);
    vblk_reference_put_used(r.device, 3, 0, 0); /* not enabled: nothing happens */
    vblk_reference_put_used(r.device, 4, 0, 0); /* not there */
    assert_int_equal(vblk_device_status(r.device), 15);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_out__bytes_come_back),
        cmocka_unit_test(in_out__range_is_judged_without_wrapping),
        cmocka_unit_test(in__a_failure_reports_no_length_it_did_not_write),
        cmocka_unit_test(types__unknown_or_not_negotiated_are_unsupported),
        cmocka_unit_test(get_id__twenty_bytes_padded),
        cmocka_unit_test(get_lifetime__six_bytes),
        cmocka_unit_test(segments__effects_and_neighbours),
        cmocka_unit_test(segments__unknown_flags_come_before_every_other_fault),
        cmocka_unit_test(segments__limits_range_and_length),
        cmocka_unit_test(segments__thousands_arrive_in_batches),
        cmocka_unit_test(read_only__writes_fail_and_change_nothing),
        cmocka_unit_test(pool__exhausted_is_an_ioerr),
        cmocka_unit_test(provision__keeps_bytes_and_unshares),
        cmocka_unit_test(huge_disk__ranges_are_not_walked_by_sector),
        cmocka_unit_test(write_zeroes__unmaps_only_if_asked_and_able),
        cmocka_unit_test(readings__unmap_on_provision_and_erase),
        cmocka_unit_test(profiles__provision_has_the_profiles_numbers),
        cmocka_unit_test(durability__follows_what_was_negotiated),
        cmocka_unit_test(backend__without_in_place_access_goes_through_a_copy),
        cmocka_unit_test(backend_that_takes_everything__is_asked_only_within_the_capacity),
        cmocka_unit_test(behaviour__each_member_changes_one_thing),
        cmocka_unit_test(behaviour__a_row_can_be_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
