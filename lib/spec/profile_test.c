/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/spec.h>

static struct vblk_profile get(const char *name)
{
    const struct vblk_profile *profile = vblk_profile_find(name);

    assert_non_null(profile);
    return *profile;
}

static void profiles__are_listed_and_found_by_name(void **state)
{
    size_t n = 0;

    (void)state;
    for (; vblk_profile_at(n); n++)
        assert_ptr_equal(vblk_profile_find(vblk_profile_at(n)->name), vblk_profile_at(n));
    assert_int_equal(n, 5);
    assert_ptr_equal(vblk_profile_default(), vblk_profile_find("1.2+provision"));
    assert_null(vblk_profile_find("1.3"));
    assert_null(vblk_profile_find(NULL));
}

static void profiles__that_we_ship_have_no_collision(void **state)
{
    char why[200];

    (void)state;
    for (size_t i = 0; vblk_profile_at(i); i++)
        assert_int_equal(vblk_profile_check(vblk_profile_at(i), why, sizeof(why)), VBLK_OK);
}

static void default__has_the_proposed_numbers(void **state)
{
    const struct vblk_profile *profile = vblk_profile_default();

    (void)state;
    assert_int_equal(profile->version, 0x0102);
    assert_int_equal(profile->provision_bit, 17);
    assert_int_equal(profile->provision_type, 15);
    assert_int_equal(profile->provision_offset, 72);
    assert_true(profile->provision && profile->provision_seg && !profile->zoned);
}

static void check__provision_and_zoned_under_one_number_is_refused(void **state)
{
    struct vblk_profile both = get("1.2+provision");
    char why[200];

    (void)state;
    both.version = 0x0104;
    both.zoned = true;
    strcpy(both.name, "mine");
    assert_int_equal(vblk_profile_check(&both, why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "feature bit 17 is ZONED in profile mine: give PROVISION another bit");
    both.provision_bit = 18;
    assert_int_equal(vblk_profile_check(&both, why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "request type 15 is ZONE_APPEND in profile mine: give PROVISION another type");
    both.provision_type = 17;
    assert_int_equal(vblk_profile_check(&both, why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "configuration offset 72 is taken by zone_sectors in profile mine: give PROVISION another "
                             "offset");
    both.provision_offset = 96;
    assert_int_equal(vblk_profile_check(&both, why, sizeof(why)), VBLK_OK);
}

static void renumber__free_numbers_are_taken_over(void **state)
{
    struct vblk_profile profile = get("1.2+provision");
    struct vblk_config_field field;
    char why[200];

    (void)state;
    assert_int_equal(vblk_profile_renumber(&profile, "20,0x1F,80", why, sizeof(why)), VBLK_OK);
    assert_int_equal(profile.provision_bit, 20);
    assert_int_equal(profile.provision_type, 31);
    assert_int_equal(profile.provision_offset, 80);
    assert_string_equal(vblk_feature_name(&profile, 20), "PROVISION");
    assert_null(vblk_feature_name(&profile, 17));
    assert_null(vblk_type_name(&profile, 15));
    assert_int_equal(vblk_type_find(&profile, "PROVISION"), 31);
    assert_true(vblk_config_field_find(&profile, "max_provision_seg", &field));
    assert_int_equal(field.offset, 84);
    assert_int_equal(field.feature, 20);
}

static void renumber__what_is_wrong_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        const char *numbers;
        const char *word; /* of the sentence */
    } wrong[] = {
        { "", "BIT,TYPE,OFFSET" },
        { "17", "BIT,TYPE,OFFSET" },
        { "17,15", "BIT,TYPE,OFFSET" },
        { "17,15,", "BIT,TYPE,OFFSET" },
        { "17,15,72,", "BIT,TYPE,OFFSET" },
        { "17,15,72 ", "BIT,TYPE,OFFSET" },
        { " 17,15,72", "BIT,TYPE,OFFSET" },
        { "-1,15,72", "BIT,TYPE,OFFSET" },
        { "+17,15,72", "BIT,TYPE,OFFSET" },
        { "0x,15,72", "BIT,TYPE,OFFSET" },
        { "0x-1,15,72", "BIT,TYPE,OFFSET" },
        { "17,x,72", "BIT,TYPE,OFFSET" },
        { "256,15,72", "BIT,TYPE,OFFSET" },
        { "17,4294967296,72", "BIT,TYPE,OFFSET" },
        { "17,15,65536", "BIT,TYPE,OFFSET" },
        { "17,15,99999999999999999999999", "BIT,TYPE,OFFSET" },
        { "24,15,72", "device types" },
        { "40,15,72", "device types" },
        { "42,15,72", "device types" },
        { "64,15,72", "device types" },
        { "17,0x80000000,72", "bit 31" },
        { "17,15,249", "no room" },
        { "13,15,72", "DISCARD" },
        { "16,15,72", "SECURE_ERASE" },
        { "17,14,72", "SECURE_ERASE" },
        { "17,5,72", "FLUSH_OUT" },
        { "17,15,71", "secure_erase_sector_alignment" },
        { "17,15,57", "max_secure_erase_sectors" },
        { "17,15,0", "capacity" },
    };
    const struct vblk_profile before = get("1.2+provision");
    struct vblk_profile profile = before;
    char why[200];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(vblk_profile_renumber(&profile, wrong[i].numbers, why, sizeof(why)), VBLK_E_INVAL);
        assert_non_null(strstr(why, wrong[i].word));
        assert_memory_equal(&profile, &before, sizeof(before));
    }
}

static void renumber__last_free_offset_is_taken(void **state)
{
    struct vblk_profile profile = get("1.2+provision");

    (void)state;
    assert_int_equal(vblk_profile_renumber(&profile, "63,0x7fffffff,248", NULL, 0), VBLK_OK);
}

static void renumber__bit_42_is_for_device_types_since_1_4(void **state)
{
    struct vblk_profile profile = get("1.4+provision");
    char why[200];

    (void)state;
    assert_int_equal(vblk_profile_renumber(&profile, "42,17,96", why, sizeof(why)), VBLK_OK);
    assert_int_equal(vblk_profile_renumber(&profile, "41,17,96", why, sizeof(why)), VBLK_E_INVAL);
    assert_non_null(strstr(why, "ADMIN_VQ"));
}

static void renumber__profile_without_provision_is_refused(void **state)
{
    struct vblk_profile profile = get("1.4");
    char why[16];

    (void)state;
    assert_int_equal(vblk_profile_renumber(&profile, "18,17,96", why, sizeof(why)), VBLK_E_INVAL);
    assert_string_equal(why, "profile 1.4 has"); /* cut to fit */
}

static void features__names_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; vblk_profile_at(i); i++) {
        const struct vblk_profile *profile = vblk_profile_at(i);

        for (unsigned bit = 0; bit < 64; bit++) {
            const char *name = vblk_feature_name(profile, bit);

            if (name)
                assert_int_equal(vblk_feature_find(profile, name), bit);
        }
    }
    assert_null(vblk_feature_name(vblk_profile_default(), 64));
    assert_int_equal(vblk_feature_find(vblk_profile_default(), "ZONED"), -1);
    assert_int_equal(vblk_feature_find(vblk_profile_default(), "VIRTIO_BLK_F_MQ"), VBLK_F_MQ);
    assert_int_equal(vblk_feature_find(vblk_profile_default(), "VIRTIO_F_VERSION_1"), VBLK_F_VERSION_1);
}

static void features__bit_17_means_what_the_profile_says(void **state)
{
    (void)state;
    assert_string_equal(vblk_feature_name(vblk_profile_find("1.2+provision"), 17), "PROVISION");
    assert_null(vblk_feature_name(vblk_profile_find("1.2"), 17));
    assert_string_equal(vblk_feature_name(vblk_profile_find("1.4"), 17), "ZONED");
    assert_string_equal(vblk_feature_name(vblk_profile_find("1.4+provision"), 17), "ZONED");
    assert_string_equal(vblk_feature_name(vblk_profile_find("1.4+provision"), 18), "PROVISION");
    assert_null(vblk_feature_name(vblk_profile_find("1.2"), VBLK_F_SUSPEND));
    assert_string_equal(vblk_feature_name(vblk_profile_find("1.4"), VBLK_F_SUSPEND), "SUSPEND");
}

static void linux_rfc__has_neither_lifetime_nor_secure_erase(void **state)
{
    const struct vblk_profile *profile = vblk_profile_find("linux-rfc");
    struct vblk_config_field field;

    (void)state;
    assert_string_equal(vblk_feature_name(profile, 15), "PROVISION");
    assert_null(vblk_feature_name(profile, VBLK_F_SECURE_ERASE));
    assert_string_equal(vblk_type_name(profile, 14), "PROVISION");
    assert_null(vblk_type_name(profile, VBLK_T_GET_LIFETIME));
    assert_true(vblk_config_field_find(profile, "max_provision_sectors", &field));
    assert_int_equal(field.offset, 57);
    assert_false(vblk_config_field_find(profile, "max_provision_seg", &field));
    assert_false(vblk_config_field_find(profile, "max_secure_erase_seg", &field));
}

static void types__names_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; vblk_profile_at(i); i++) {
        const struct vblk_profile *profile = vblk_profile_at(i);

        for (uint32_t type = 0; type < 40; type++) {
            const char *name = vblk_type_name(profile, type);

            if (name)
                assert_int_equal(vblk_type_find(profile, name), type);
        }
    }
    assert_int_equal(vblk_type_find(vblk_profile_default(), "VIRTIO_BLK_T_GET_ID"), 8);
    assert_int_equal(vblk_type_find(vblk_profile_default(), "ZONE_APPEND"), -1);
    assert_int_equal(vblk_type_find(vblk_profile_find("1.4"), "ZONE_RESET_ALL"), 26);
    assert_int_equal(vblk_type_find(vblk_profile_find("1.4"), "PROVISION"), -1);
}

static void statuses__have_names(void **state)
{
    (void)state;
    assert_string_equal(vblk_status_name(0), "OK");
    assert_string_equal(vblk_status_name(1), "IOERR");
    assert_string_equal(vblk_status_name(2), "UNSUPP");
    assert_string_equal(vblk_status_name(6), "ZONE_ACTIVE_RESOURCE");
    assert_null(vblk_status_name(7));
    assert_null(vblk_status_name(255));
}

/** The first byte after the last field. */
static unsigned config_end(const char *name)
{
    const struct vblk_profile *profile = vblk_profile_find(name);
    struct vblk_config_field field = { 0 };
    unsigned end = 0;

    for (size_t i = 0; vblk_config_field_at(profile, i, &field); i++) {
        assert_true(field.offset >= end); /* ascending, no overlap */
        end = field.offset + (unsigned)field.width;
    }
    return end;
}

static void config__fields_ascend_to_the_end_of_the_structure(void **state)
{
    (void)state;
    assert_int_equal(config_end("1.2"), 72);
    assert_int_equal(config_end("1.2+provision"), 80);
    assert_int_equal(config_end("1.4"), 93); /* model, then three bytes of padding */
    assert_int_equal(config_end("1.4+provision"), 104);
    assert_int_equal(config_end("linux-rfc"), 61);
}

static void config__only_writeback_is_writable(void **state)
{
    struct vblk_config_field field;

    (void)state;
    for (size_t i = 0; vblk_config_field_at(vblk_profile_find("1.4+provision"), i, &field); i++)
        assert_int_equal(field.writable, strcmp(field.name, "writeback") == 0);
    assert_true(vblk_config_field_find(vblk_profile_default(), "writeback", &field));
    assert_int_equal(field.feature, VBLK_F_CONFIG_WCE);
    assert_int_equal(field.offset, 32);
    assert_true(vblk_config_field_find(vblk_profile_default(), "capacity", &field));
    assert_int_equal(field.feature, -1);
    assert_int_equal(field.width, 8);
    assert_false(vblk_config_field_find(vblk_profile_default(), "zone_sectors", &field));
}

static void config__padding_is_what_no_field_covers(void **state)
{
    struct vblk_config_field pad;

    (void)state;
    assert_true(vblk_config_padding_at(vblk_profile_default(), 0, &pad));
    assert_int_equal(pad.offset, 33);
    assert_true(vblk_config_padding_at(vblk_profile_default(), 1, &pad));
    assert_int_equal(pad.offset, 57);
    assert_false(vblk_config_padding_at(vblk_profile_default(), 2, &pad));
    assert_true(vblk_config_padding_at(vblk_profile_find("1.4"), 2, &pad));
    assert_int_equal(pad.offset, 93);
    assert_false(vblk_config_padding_at(vblk_profile_find("linux-rfc"), 1, &pad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles__are_listed_and_found_by_name),
        cmocka_unit_test(profiles__that_we_ship_have_no_collision),
        cmocka_unit_test(default__has_the_proposed_numbers),
        cmocka_unit_test(check__provision_and_zoned_under_one_number_is_refused),
        cmocka_unit_test(renumber__free_numbers_are_taken_over),
        cmocka_unit_test(renumber__what_is_wrong_is_refused_and_changes_nothing),
        cmocka_unit_test(renumber__last_free_offset_is_taken),
        cmocka_unit_test(renumber__bit_42_is_for_device_types_since_1_4),
        cmocka_unit_test(renumber__profile_without_provision_is_refused),
        cmocka_unit_test(features__names_round_trip),
        cmocka_unit_test(features__bit_17_means_what_the_profile_says),
        cmocka_unit_test(linux_rfc__has_neither_lifetime_nor_secure_erase),
        cmocka_unit_test(types__names_round_trip),
        cmocka_unit_test(statuses__have_names),
        cmocka_unit_test(config__fields_ascend_to_the_end_of_the_structure),
        cmocka_unit_test(config__only_writeback_is_writable),
        cmocka_unit_test(config__padding_is_what_no_field_covers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
