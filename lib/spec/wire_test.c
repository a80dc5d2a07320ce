/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/spec.h>

static void numbers__are_little_endian_bytes(void **state)
{
    static const uint8_t bytes[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
    const vblk_le16 v16 = vblk_put16(0x7788);
    const vblk_le32 v32 = vblk_put32(0x55667788);
    const vblk_le64 v64 = vblk_put64(0x1122334455667788);

    (void)state;
    assert_memory_equal(&v16, bytes, 2);
    assert_memory_equal(&v32, bytes, 4);
    assert_memory_equal(&v64, bytes, 8);
    assert_int_equal(vblk_get16(v16), 0x7788);
    assert_int_equal(vblk_get32(v32), 0x55667788);
    assert_true(vblk_get64(v64) == 0x1122334455667788);
}

static void numbers__all_ones_survive(void **state)
{
    (void)state;
    assert_int_equal(vblk_get16(vblk_put16(UINT16_MAX)), UINT16_MAX);
    assert_true(vblk_get32(vblk_put32(UINT32_MAX)) == UINT32_MAX);
    assert_true(vblk_get64(vblk_put64(UINT64_MAX)) == UINT64_MAX);
}

static void header__of_provision_is_16_known_bytes(void **state)
{
    static const uint8_t bytes[16] = { 0x0f };
    const struct vblk_request_header header = { vblk_put32(15), vblk_put32(0), vblk_put64(0) };
    struct vblk_request_header back;

    (void)state;
    assert_memory_equal(&header, bytes, sizeof(bytes));
    memcpy(&back, bytes, sizeof(back));
    assert_int_equal(vblk_get32(back.type), 15);
    assert_true(vblk_get64(back.sector) == 0);
}

static void segment__reads_back_from_known_bytes(void **state)
{
    static const uint8_t bytes[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 0, 0, 0x80 };
    struct vblk_segment segment;

    (void)state;
    memcpy(&segment, bytes, sizeof(segment));
    assert_true(vblk_get64(segment.sector) == 0x0807060504030201);
    assert_int_equal(vblk_get32(segment.num_sectors), 0x0c0b0a09);
    assert_true(vblk_get32(segment.flags) == (0x80000000u | VBLK_SEGMENT_UNMAP));
}

static void descriptor__is_16_known_bytes(void **state)
{
    static const uint8_t bytes[16] = { 0, 0x10, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 3, 0, 0x34, 0x12 };
    const struct vblk_desc desc = { vblk_put64(0x100001000), vblk_put32(512),
                                    vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE), vblk_put16(0x1234) };

    (void)state;
    assert_memory_equal(&desc, bytes, sizeof(bytes));
}

static void config__limits_lie_where_the_fields_say(void **state)
{
    uint8_t bytes[80] = { 0 };
    struct vblk_provision_config provision;
    struct vblk_config_field field;

    (void)state;
    assert_true(vblk_config_field_find(vblk_profile_default(), "max_provision_sectors", &field));
    bytes[field.offset] = 4;
    bytes[field.offset + 3] = 1;
    assert_true(vblk_config_field_find(vblk_profile_default(), "max_provision_seg", &field));
    bytes[field.offset + 1] = 2;
    memcpy(&provision, bytes + sizeof(struct vblk_blk_config), sizeof(provision));
    assert_int_equal(vblk_get32(provision.max_provision_sectors), 0x01000004);
    assert_int_equal(vblk_get32(provision.max_provision_seg), 0x200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers__are_little_endian_bytes),
        cmocka_unit_test(numbers__all_ones_survive),
        cmocka_unit_test(header__of_provision_is_16_known_bytes),
        cmocka_unit_test(segment__reads_back_from_known_bytes),
        cmocka_unit_test(descriptor__is_16_known_bytes),
        cmocka_unit_test(config__limits_lie_where_the_fields_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
