/* SPDX-License-Identifier: BSD-3-Clause */
/* Life cycle, registers, configuration, queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)

static const char *refused(const struct vblk_device_options *options)
{
    const struct vblk_backend none = { 0 };
    const char *why = NULL;

    assert_null(vblk_device_new(options, NULL, &none, &why));
    return why;
}

static void options__contradictions_are_refused_with_a_sentence(void **state)
{
    struct vblk_device_options o;
    const struct vblk_backend none = { 0 };

    (void)state;
#define REFUSES(change, part)                                                                                          \
    do {                                                                                                               \
        vblk_device_defaults(&o);                                                                                      \
        change;                                                                                                        \
        assert_non_null(strstr(refused(&o), part));                                                                    \
    } while (0)
    REFUSES(o.capacity = UINT64_C(1) << 55, "capacity");
    REFUSES(o.profile.provision_bit = VBLK_F_MQ, "profile");
    REFUSES(o.features |= VBLK_BIT(VBLK_F_ADMIN_VQ), "feature");
    REFUSES(o.chain_max = 65537, "65536");
    REFUSES(o.features |= VBLK_BIT(VBLK_F_BARRIER), "feature");
    REFUSES(o.features &= ~V1, "VERSION_1");
    REFUSES(o.features &= ~VBLK_BIT(VBLK_F_FLUSH), "FLUSH");
    REFUSES(o.queue_max = 0, "queue size");
    REFUSES(o.queue_max = 48, "queue size");
    REFUSES(o.num_queues = 0, "num_queues");
    REFUSES(o.config_length = 7, "length");
    REFUSES(o.config_length = 257, "length");
    REFUSES(o.pre_eol_info = 4, "reserved");
    REFUSES(o.est_typ_b = 12, "reserved");
    REFUSES(memset(o.serial, 'x', sizeof o.serial), "serial");
    assert_null(vblk_device_new(&o, NULL, &none, NULL));
    vblk_device_free(NULL);
}

static void features__follow_the_profile(void **state)
{
    const uint64_t provision = VBLK_BIT(17), erase = VBLK_BIT(VBLK_F_SECURE_ERASE);

    (void)state;
    assert_true(vblk_device_features(vblk_profile_find("1.2+provision")) & provision);
    assert_false(vblk_device_features(vblk_profile_find("1.2")) & provision);
    assert_false(vblk_device_features(vblk_profile_find("1.4")) & provision);
    assert_true(vblk_device_features(vblk_profile_find("1.4+provision")) & VBLK_BIT(18));
    assert_false(vblk_device_features(vblk_profile_find("linux-rfc")) & erase);
}

static void registers__before_anything_is_written(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_DEVICE_ID), 2);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 0);
    assert_true(rig_reg(&r, VBLK_REG_DEVICE_FEATURES) == r.options.features);
    assert_int_equal(rig_reg(&r, VBLK_REG_DRIVER_FEATURES), 0);
    assert_int_equal(rig_reg(&r, VBLK_REG_NUM_QUEUES), 4);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_MAX), RIG_QUEUE);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_SIZE), RIG_QUEUE);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_ENABLE), 0);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_RESET), 0);
    assert_int_equal(rig_reg(&r, VBLK_REG_CONFIG_LENGTH), 80);
    assert_int_equal(vblk_device_read_reg(r.device, VBLK_REG_QUEUE_MAX, 4), 0);
    assert_int_equal(vblk_device_read_reg(r.device, VBLK_REG_COUNT, 0), 0);
    rig_set(&r, VBLK_REG_DEVICE_ID, 0, 9);
    rig_set(&r, VBLK_REG_QUEUE_SIZE, 4, 9);
    rig_set(&r, VBLK_REG_QUEUE_RESET, 0, 1);
    assert_int_equal(rig_reg(&r, VBLK_REG_DEVICE_ID), 2);
    assert_true(vblk_device_memory(r.device) == r.mem);
    assert_true(vblk_device_disk(r.device)->ctx == r.store);
    assert_int_equal(vblk_device_options_of(r.device)->capacity, r.options.capacity);
    rig_close(&r);
}

static void status__one_queue_without_mq(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.features &= ~VBLK_BIT(VBLK_F_MQ);
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_NUM_QUEUES), 1);
    rig_close(&r);
}

static void status__bits_can_be_set_and_not_cleared(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    rig_set(&r, VBLK_REG_STATUS, 0, VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 0); /* out of sequence */
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    for (unsigned early = 0; early < 3; early++) { /* not before both ACKNOWLEDGE and DRIVER */
        rig_set(&r, VBLK_REG_STATUS, 0, early | VBLK_STATUS_FEATURES_OK);
        assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), early);
        rig_set(&r, VBLK_REG_STATUS, 0, 0);
        rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    }
    rig_set(&r, VBLK_REG_STATUS, 0, 0);
    rig_set(&r, VBLK_REG_STATUS, 0, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 2);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 3);
    rig_set(&r, VBLK_REG_STATUS, 0, 3 | VBLK_STATUS_NEEDS_RESET | VBLK_STATUS_SUSPEND | 0x100);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 3); /* not the driver's, or not known */
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 7);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 3); /* DRIVER_OK without FEATURES_OK */
    rig_set(&r, VBLK_REG_STATUS, 0, 15);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 15);
    rig_set(&r, VBLK_REG_STATUS, 0, VBLK_STATUS_FAILED);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 15 | VBLK_STATUS_FAILED);
    assert_int_equal(vblk_device_status(r.device), 15 | VBLK_STATUS_FAILED);
    rig_set(&r, VBLK_REG_STATUS, 0, 0);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 0);
    rig_close(&r);
}

static void features_ok__refused_unless_a_subset_with_version_1(void **state)
{
    const uint64_t not_offered = V1 | VBLK_BIT(VBLK_F_RO);
    const uint64_t bad[] = { 0, VBLK_BIT(VBLK_F_FLUSH), not_offered, V1 | VBLK_BIT(63) };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_set(&r, VBLK_REG_STATUS, 0, 3);
        rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, bad[i]);
        rig_set(&r, VBLK_REG_STATUS, 0, 11);
        assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 3);
        assert_int_equal(vblk_device_accepted(r.device), 0);
    }
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1 | VBLK_BIT(VBLK_F_FLUSH));
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 11);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1); /* too late */
    assert_true(rig_reg(&r, VBLK_REG_DRIVER_FEATURES) == (V1 | VBLK_BIT(VBLK_F_FLUSH)));
    assert_true(vblk_device_accepted(r.device) == (V1 | VBLK_BIT(VBLK_F_FLUSH)));
    rig_close(&r);
}

static uint32_t config32(struct rig *r, uint32_t offset)
{
    vblk_le32 value;

    assert_int_equal(vblk_device_read_config(r->device, offset, &value, 4), 4);
    return vblk_get32(value);
}

static uint8_t config8(struct rig *r, uint32_t offset)
{
    uint8_t value;

    assert_int_equal(vblk_device_read_config(r->device, offset, &value, 1), 1);
    return value;
}

static void config__fields_lie_where_the_text_has_them(void **state)
{
    struct rig r;
    uint8_t buf[100];

    (void)state;
    rig_defaults(&r);
    r.options.capacity = UINT64_C(0x123456789abc);
    r.options.max_provision_sectors = 0x11223344;
    r.options.max_provision_seg = 0x55;
    r.options.secure_erase_sector_alignment = 77;
    rig_open(&r);
    assert_int_equal(config32(&r, 0), 0x56789abc);
    assert_int_equal(config32(&r, 4), 0x1234);
    assert_int_equal(config32(&r, offsetof(struct vblk_blk_config, seg_max)), 126);
    assert_int_equal(config32(&r, 16), 2080 | 16 << 16 | 63 << 24);
    assert_int_equal(config32(&r, 20), 512);
    assert_int_equal(config32(&r, 24), 3 | 8 << 16);
    assert_int_equal(config32(&r, 32), 1 | 4 << 16);
    assert_int_equal(config32(&r, 56), 1);
    assert_int_equal(config32(&r, 68), 77);
    assert_int_equal(config32(&r, 72), 0x11223344);
    assert_int_equal(config32(&r, 76), 0x55);
    memset(buf, 0xff, sizeof buf);
    assert_int_equal(vblk_device_read_config(r.device, 70, buf, 100), 10);
    assert_int_equal(buf[9], 0);
    assert_int_equal(buf[10], 0);
    assert_int_equal(buf[99], 0);
    assert_int_equal(vblk_device_read_config(r.device, 80, buf, 1), 0);
    assert_int_equal(vblk_device_read_config(r.device, UINT32_MAX, buf, 4), 0);
    rig_close(&r);
}

static void config__what_is_not_offered_reads_zero(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.features = V1;
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_CONFIG_LENGTH), 72);
    for (uint32_t i = 8; i < 72; i += 4)
        assert_int_equal(config32(&r, i), 0);
    rig_close(&r);
    rig_defaults(&r);
    r.options.config_length = 60;
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_CONFIG_LENGTH), 60);
    assert_int_equal(config32(&r, 56), 1);
    rig_close(&r);
}

static void writeback__written_only_under_config_wce(void **state)
{
    const uint64_t wce = V1 | VBLK_BIT(VBLK_F_CONFIG_WCE), flush = VBLK_BIT(VBLK_F_FLUSH);
    const uint8_t zero = 0, two = 2, many[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    uint64_t generation;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    assert_int_equal(config8(&r, 32), 1);
    vblk_device_write_config(r.device, 32, &zero, 1); /* nothing negotiated yet */
    assert_int_equal(config8(&r, 32), 1);
    rig_start(&r, V1 | flush, 1);
    vblk_device_write_config(r.device, 32, &zero, 1);
    assert_int_equal(config8(&r, 32), 1);
    assert_false(vblk_device_writes_through(r.device));
    rig_start(&r, wce | flush, 1);
    assert_int_equal(config8(&r, 32), 1);
    generation = rig_reg(&r, VBLK_REG_GENERATION);
    assert_int_equal(vblk_device_write_config(r.device, 32, &zero, 1), 1);
    assert_int_equal(config8(&r, 32), 0);
    assert_true(rig_reg(&r, VBLK_REG_GENERATION) != generation);
    assert_true(vblk_device_writes_through(r.device));
    vblk_device_write_config(r.device, 32, &two, 1);
    assert_int_equal(config8(&r, 32), 0);
    assert_int_equal(vblk_device_write_config(r.device, 28, many, 8), 8);
    assert_int_equal(config8(&r, 32), 1); /* and nothing else */
    assert_int_equal(config32(&r, 28), 2048);
    assert_int_equal(config8(&r, 33), 0);
    vblk_device_write_config(r.device, 33, many, 8);
    vblk_device_write_config(r.device, 0, many, 8);
    assert_int_equal(config32(&r, 0), 1 << 21);
    rig_start(&r, wce, 1); /* without FLUSH it begins as 0 */
    assert_int_equal(config8(&r, 32), 0);
    rig_set(&r, VBLK_REG_STATUS, 0, 0);
    assert_int_equal(config8(&r, 32), 1);
    rig_start(&r, V1, 1);
    assert_true(vblk_device_writes_through(r.device));
    assert_int_equal(r.config_notes, 0);
    rig_close(&r);
}

static void config__a_change_has_a_generation_and_a_notification(void **state)
{
    uint64_t generation;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    generation = rig_reg(&r, VBLK_REG_GENERATION);
    vblk_device_resize(r.device, 4096);
    assert_int_equal(r.config_notes, 0); /* nobody to tell before DRIVER_OK */
    assert_true(rig_reg(&r, VBLK_REG_GENERATION) != generation);
    rig_start(&r, r.options.features, 1);
    generation = rig_reg(&r, VBLK_REG_GENERATION);
    vblk_device_resize(r.device, 4096);
    assert_true(rig_reg(&r, VBLK_REG_GENERATION) == generation);
    vblk_device_resize(r.device, 8192);
    assert_int_equal(r.config_notes, 1);
    assert_int_equal(config32(&r, 0), 8192);
    assert_true(rig_reg(&r, VBLK_REG_GENERATION) != generation);
    assert_int_equal(vblk_device_set_config(r.device, 72, 5), VBLK_OK);
    assert_int_equal(r.config_notes, 2);
    assert_int_equal(vblk_device_options_of(r.device)->max_provision_sectors, 5);
    assert_int_equal(vblk_device_set_config(r.device, 56, 0), VBLK_OK);
    assert_false(vblk_device_options_of(r.device)->write_zeroes_may_unmap);
    assert_int_equal(vblk_device_set_config(r.device, 32, 0), VBLK_OK);
    assert_true(vblk_device_writes_through(r.device));
    assert_int_equal(vblk_device_set_config(r.device, 78, 5), VBLK_E_INVAL);
    vblk_device_restore(r.device);
    assert_int_equal(config32(&r, 0), 1 << 21);
    assert_int_equal(vblk_device_status(r.device), 0);
    rig_close(&r);
}

/* A device of packed rings of any size shows a power of two to a driver that chose split ones. */
static void queue_max__is_a_power_of_two_once_the_ring_is_split(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.features |= VBLK_BIT(VBLK_F_RING_PACKED);
    r.options.queue_max = 80;
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_MAX), 80);
    rig_set(&r, VBLK_REG_STATUS, 0, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 3);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_MAX), 64);
    rig_close(&r);
}

/* A queue that can't be opened, before DRIVER_OK: nothing may be told then, and it is told as soon as it may be. */
static void queue_of_one__is_one(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.queue_max = 1;
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_MAX), 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 3);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 11);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_MAX), 1);
    rig_close(&r);
}

static void needs_reset_before_driver_ok__is_told_with_it(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    rig_set(&r, VBLK_REG_STATUS, 0, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 3);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    rig_set(&r, VBLK_REG_QUEUE_SIZE, 0, 6);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 1);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 11 | VBLK_STATUS_NEEDS_RESET);
    assert_int_equal(r.config_notes, 0);
    rig_set(&r, VBLK_REG_STATUS, 0, 15);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 15 | VBLK_STATUS_NEEDS_RESET);
    assert_int_equal(r.config_notes, 1);
    rig_close(&r);
}

static void needs_reset__notifies_if_live_and_stops_until_reset(void **state)
{
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    vblk_device_needs_reset(r.device);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), VBLK_STATUS_NEEDS_RESET);
    assert_int_equal(r.config_notes, 0);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 1), VBLK_S_OK);
    vblk_device_needs_reset(r.device);
    assert_int_equal(r.config_notes, 1);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 15 | VBLK_STATUS_NEEDS_RESET);
    assert_false(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).used);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_byte(&r, 0), 1);
    rig_close(&r);
}

static void queue__bad_layouts_are_not_enabled(void **state)
{
    const struct vblk_layout good = rig_layout(0);
    const struct {
        uint64_t size, desc, driver, device;
    } bad[] = {
        { 0, good.desc, good.driver, good.device },
        { 3, good.desc, good.driver, good.device },
        { RIG_QUEUE * 2, good.desc, good.driver, good.device },
        { 65536, good.desc, good.driver, good.device },
        { RIG_QUEUE, good.desc + 8, good.driver, good.device },
        { RIG_QUEUE, good.desc, good.driver + 1, good.device },
        { RIG_QUEUE, good.desc, good.driver, good.device + 2 },
        { RIG_QUEUE, 0, good.driver, good.device },
        { RIG_QUEUE, good.desc, RIG_BASE + RIG_SIZE - 2, good.device },
        { RIG_QUEUE, good.desc, good.driver, UINT64_MAX - 3 },
    };
    struct vblk_queue_layout layout;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_set(&r, VBLK_REG_STATUS, 0, 0);
        rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
        rig_set(&r, VBLK_REG_STATUS, 0, 11);
        rig_set(&r, VBLK_REG_QUEUE_SIZE, 0, bad[i].size);
        rig_set(&r, VBLK_REG_QUEUE_DESC, 0, bad[i].desc);
        rig_set(&r, VBLK_REG_QUEUE_DRIVER, 0, bad[i].driver);
        rig_set(&r, VBLK_REG_QUEUE_DEVICE, 0, bad[i].device);
        rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 1);
        assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_ENABLE), 0);
        assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 11 | VBLK_STATUS_NEEDS_RESET);
        assert_int_equal(vblk_device_serve(r.device, 0), 0);
    }
    rig_start(&r, V1, 1);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_ENABLE), 1);
    rig_set(&r, VBLK_REG_QUEUE_DESC, 0, 1); /* fixed while enabled */
    rig_set(&r, VBLK_REG_QUEUE_SIZE, 0, 1);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 1);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_DESC), good.desc);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_DRIVER), good.driver);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_DEVICE), good.device);
    assert_int_equal(vblk_device_queue(r.device, 0, &layout), VBLK_OK);
    assert_int_equal(layout.size, RIG_QUEUE);
    assert_true(layout.enabled);
    assert_int_equal(vblk_device_queue(r.device, 4, &layout), VBLK_E_INVAL);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 0);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_ENABLE), 0);
    rig_close(&r);
}

static void queue__enabled_before_the_features_serves_all_the_same(void **state)
{
    const struct vblk_layout at = rig_layout(0);
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    rig_set(&r, VBLK_REG_QUEUE_DESC, 0, at.desc);
    rig_set(&r, VBLK_REG_QUEUE_DRIVER, 0, at.driver);
    rig_set(&r, VBLK_REG_QUEUE_DEVICE, 0, at.device);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 1);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 15);
    r.buffer = RIG_BUFFERS;
    assert_int_equal(rig_byte(&r, 0), 0);
    rig_close(&r);
}

/* Counts what the device does to memory. */
static void count(void *ctx, const struct vblk_event *ev)
{
    *(unsigned *)ctx += ev->party == VBLK_DEVICE;
}

static void queue__untouched_before_driver_ok_after_reset_and_after_failed(void **state)
{
    unsigned touched = 0;
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_memory_set_tap(r.mem, count, &touched);
    rig_set(&r, VBLK_REG_STATUS, 0, 0);
    assert_false(rig_ask(&r, VBLK_T_IN, 0, "", 0, 512).used);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1);
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(vblk_device_serve(r.device, 0), 0);
    vblk_memory_set_tap(r.mem, NULL, NULL);
    rig_start(&r, V1, 1);
    vblk_memory_set_tap(r.mem, count, &touched);
    assert_int_equal(vblk_device_serve(r.device, 3), 0); /* not enabled */
    assert_int_equal(vblk_device_serve(r.device, 4), 0); /* not there */
    rig_set(&r, VBLK_REG_STATUS, 0, 15 | VBLK_STATUS_FAILED);
    assert_false(rig_ask(&r, VBLK_T_IN, 0, "", 0, 512).used);
    assert_int_equal(touched, 0);
    assert_int_equal(r.used_notes, 0);
    rig_close(&r);
}

static void queue__others_are_served_only_with_mq(void **state)
{
    const struct vblk_element bufs[] = { { RIG_BUFFERS, 16, false }, { RIG_BUFFERS + 16, 1, true } };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    rig_open(&r);
    rig_start(&r, V1, 2);
    rig_chain(&r, 1, bufs, 2);
    assert_int_equal(vblk_device_serve(r.device, 1), 0);
    rig_start(&r, V1 | VBLK_BIT(VBLK_F_MQ), 2);
    rig_chain(&r, 1, bufs, 2);
    assert_int_equal(vblk_device_serve(r.device, 1), 1);
    assert_true(rig_reap(&r, 1).used);
    rig_close(&r);
}

static void notification__not_sent_if_the_driver_wants_none(void **state)
{
    const struct vblk_layout at = rig_layout(0);
    const vblk_le16 none = vblk_put16(VBLK_AVAIL_NO_INTERRUPT);
    struct rig r;

    (void)state;
    rig_up(&r);
    assert_true(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).used);
    assert_int_equal(r.used_notes, 1);
    assert_int_equal(vblk_device_serve(r.device, 0), 0);
    assert_int_equal(r.used_notes, 1);
    assert_int_equal(vblk_memory_poke(r.mem, at.driver, &none, 2), VBLK_OK);
    assert_true(rig_ask(&r, VBLK_T_FLUSH, 0, "", 0, 0).used);
    assert_int_equal(r.used_notes, 1);
    vblk_device_on_notify(r.device, NULL, NULL);
    vblk_device_needs_reset(r.device);
    rig_close(&r);
}

/* A FLUSH of two descriptors, three of which make up the buffers of a test of order. */
static uint16_t offer(struct rig *r, uint16_t queue, unsigned i)
{
    const struct vblk_request_header header = { vblk_put32(VBLK_T_FLUSH), vblk_put32(0), vblk_put64(0) };
    const uint64_t at = RIG_BUFFERS + i * 64;
    const struct vblk_element bufs[] = { { at, 16, false }, { at + 16, 1, true } };

    assert_int_equal(vblk_memory_poke(r->mem, at, &header, sizeof header), VBLK_OK);
    return rig_chain(r, queue, bufs, 2);
}

static void power__clears_what_a_wrong_device_noted(void **state)
{
    struct rig r;

    (void)state;
    rig_up(&r);
    for (unsigned i = 0; i < 4; i++)
        vblk_device_notes(r.device)[i] = 7;
    vblk_device_hold(r.device, true);
    vblk_device_reverse(r.device, true);
    vblk_device_power_on(r.device);
    rig_start(&r, r.options.features, 1);
    assert_int_equal(rig_fill(&r, 0, 1, 1), VBLK_S_OK); /* nothing is held back */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(vblk_device_notes(r.device)[i], 0);
    rig_close(&r);
}

/* Bytes that the host puts into the configuration are what the device goes by. */
static void config_that_is_set__changes_the_options_to_the_last_bit(void **state)
{
    const struct vblk_device_options *options;
    struct rig r;

    (void)state;
    rig_up(&r);
    options = vblk_device_options_of(r.device);
    assert_int_equal(vblk_device_set_config(r.device, 0, 0x04030201), VBLK_OK);
    assert_int_equal(vblk_device_set_config(r.device, 4, 0x000a0605), VBLK_OK);
    assert_int_equal(options->capacity, UINT64_C(0x000a060504030201));
    assert_int_equal(vblk_device_set_config(r.device, 8, 0x84838281), VBLK_OK);
    assert_int_equal(options->size_max, 0x84838281);
    assert_int_equal(vblk_device_set_config(r.device, 36, 0x94939291), VBLK_OK);
    assert_int_equal(options->max_discard_sectors, 0x94939291);
    rig_close(&r);
}

static void hold__completes_nothing_until_released(void **state)
{
    uint16_t head[3];
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_device_hold(r.device, true);
    for (unsigned i = 0; i < 3; i++) {
        head[i] = offer(&r, 0, i);
        assert_int_equal(vblk_device_serve(r.device, 0), 0);
    }
    assert_false(rig_reap(&r, 0).used);
    vblk_device_hold(r.device, false);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_reap(&r, 0).id, head[i]);
    assert_false(rig_reap(&r, 0).used);
    assert_int_equal(r.used_notes, 1);
    rig_close(&r);
}

static void reverse__completes_last_to_first(void **state)
{
    uint16_t head[4];
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_device_reverse(r.device, true);
    for (unsigned i = 0; i < 4; i++)
        head[i] = offer(&r, 0, i);
    assert_int_equal(vblk_device_serve(r.device, 0), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig_reap(&r, 0).id, head[3 - i]);
    vblk_device_hold(r.device, true);
    for (unsigned i = 0; i < 4; i++)
        head[i] = offer(&r, 0, i);
    assert_int_equal(vblk_device_serve(r.device, 0), 0);
    vblk_device_hold(r.device, false);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig_reap(&r, 0).id, head[3 - i]);
    rig_close(&r);
}

static void reverse__what_came_before_a_fault_is_completed(void **state)
{
    struct rig r;

    (void)state;
    rig_up(&r);
    vblk_device_reverse(r.device, true);
    offer(&r, 0, 0);
    rig_avail(&r, 0, 9999);
    assert_int_equal(vblk_device_serve(r.device, 0), 1);
    assert_true(rig_reap(&r, 0).used);
    assert_true(rig_reg(&r, VBLK_REG_STATUS) & VBLK_STATUS_NEEDS_RESET);
    rig_close(&r);
}

static void hold__more_than_fits_waits_in_the_ring(void **state)
{
    const struct vblk_request_header header = { vblk_put32(VBLK_T_FLUSH), vblk_put32(0), vblk_put64(0) };
    const uint64_t base = RIG_BUFFERS;
    struct vblk_layout at = {
        .size = 2048, .desc = RIG_BASE, .driver = RIG_BASE + 0x10000, .device = RIG_BASE + 0x20000
    };
    uint32_t done = 0;
    vblk_le16 value;
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.queue_max = 2048;
    rig_open(&r);
    rig_set(&r, VBLK_REG_DRIVER_FEATURES, 0, V1 | VBLK_BIT(VBLK_F_FLUSH));
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    rig_set(&r, VBLK_REG_QUEUE_DESC, 0, at.desc);
    rig_set(&r, VBLK_REG_QUEUE_DRIVER, 0, at.driver);
    rig_set(&r, VBLK_REG_QUEUE_DEVICE, 0, at.device);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 15);
    assert_int_equal(vblk_memory_poke(r.mem, base, &header, sizeof header), VBLK_OK);
    /* 2048 heads that share two descriptors. */
    rig_desc(&r, 0, 0, base, 16, VBLK_DESC_NEXT, 1);
    rig_desc(&r, 0, 1, base + 16, 1, VBLK_DESC_WRITE, 0);
    value = vblk_put16(2048);
    assert_int_equal(vblk_memory_poke(r.mem, at.driver + 2, &value, 2), VBLK_OK);
    vblk_device_hold(r.device, true);
    assert_int_equal(vblk_device_serve(r.device, 0), 0);
    vblk_device_hold(r.device, false);
    assert_int_equal(vblk_memory_peek(r.mem, at.device + 2, &value, 2), VBLK_OK);
    assert_int_equal(vblk_get16(value), 2048);
    value = vblk_put16(2049); /* nobody is told of this one yet */
    assert_int_equal(vblk_memory_poke(r.mem, at.driver + 2, &value, 2), VBLK_OK);
    vblk_device_hold(r.device, true);
    vblk_device_hold(r.device, false);
    assert_int_equal(vblk_memory_peek(r.mem, at.device + 2, &value, 2), VBLK_OK);
    assert_int_equal(vblk_get16(value), 2048);
    vblk_device_reverse(r.device, true);
    value = vblk_put16(4096);
    assert_int_equal(vblk_memory_poke(r.mem, at.driver + 2, &value, 2), VBLK_OK);
    done = vblk_device_serve(r.device, 0);
    assert_int_equal(done, 2048);
    rig_close(&r);
}

static void hold__is_forgotten_by_reset_and_by_a_queue_that_ends(void **state)
{
    struct rig r;

    (void)state;
    rig_up(&r);
    rig_start(&r, r.options.features, 2);
    vblk_device_hold(r.device, true);
    offer(&r, 0, 0);
    offer(&r, 1, 1);
    vblk_device_serve(r.device, 0);
    vblk_device_serve(r.device, 1);
    rig_set(&r, VBLK_REG_QUEUE_ENABLE, 0, 0);
    vblk_device_hold(r.device, false);
    assert_false(rig_reap(&r, 0).used);
    assert_true(rig_reap(&r, 1).used);
    vblk_device_hold(r.device, true);
    offer(&r, 1, 1);
    vblk_device_serve(r.device, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 0);
    vblk_device_hold(r.device, false);
    assert_false(rig_reap(&r, 1).used);
    rig_start(&r, r.options.features, 1);
    vblk_device_hold(r.device, true);
    offer(&r, 0, 0);
    vblk_device_serve(r.device, 0);
    vblk_device_needs_reset(r.device);
    vblk_device_hold(r.device, false);
    assert_false(rig_reap(&r, 0).used);
    vblk_device_power_on(r.device);
    assert_int_equal(vblk_device_status(r.device), 0);
    rig_close(&r);
}

/* A device that misbehaves in every way that registers have. */
static uint8_t lie_status(const struct vblk_device *device, uint8_t honest)
{
    (void)device;
    return honest | 16;
}
static uint64_t lie_features(const struct vblk_device *device, uint64_t honest)
{
    (void)device;
    return honest | VBLK_BIT(50);
}
static bool lie_grant(const struct vblk_device *device, uint64_t accepted)
{
    return !vblk_reference_grant(device, accepted);
}
static void lie_config(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    (void)device;
    memset(buf, (int)offset, len);
}
static bool lie_notify(const struct vblk_device *device, uint16_t queue, bool owed)
{
    (void)device;
    (void)queue;
    return !owed;
}
static bool lie_notify_config(const struct vblk_device *device, bool owed)
{
    (void)device;
    return !owed;
}
static void lie_write(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    if (reg != VBLK_REG_QUEUE_SIZE)
        vblk_reference_write_reg(device, reg, queue, value);
}

static void behaviour__members_replace_the_reference(void **state)
{
    const struct vblk_behaviour wrong = {
        .name = "registers",
        .show_status = lie_status,
        .show_features = lie_features,
        .grant = lie_grant,
        .read_config = lie_config,
        .notify = lie_notify,
        .notify_config = lie_notify_config,
        .write_reg = lie_write,
    };
    struct rig r;

    (void)state;
    rig_defaults(&r);
    r.options.behaviour = &wrong;
    rig_open(&r);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 16);
    assert_true(rig_reg(&r, VBLK_REG_DEVICE_FEATURES) & VBLK_BIT(50));
    assert_int_equal(config8(&r, 5), 5);
    rig_set(&r, VBLK_REG_QUEUE_SIZE, 0, 8);
    assert_int_equal(rig_reg(&r, VBLK_REG_QUEUE_SIZE), RIG_QUEUE);
    vblk_device_resize(r.device, 5);
    assert_int_equal(r.config_notes, 1);
    rig_set(&r, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(rig_reg(&r, VBLK_REG_STATUS), 27); /* although no feature was accepted */
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__contradictions_are_refused_with_a_sentence),
        cmocka_unit_test(features__follow_the_profile),
        cmocka_unit_test(registers__before_anything_is_written),
        cmocka_unit_test(status__one_queue_without_mq),
        cmocka_unit_test(status__bits_can_be_set_and_not_cleared),
        cmocka_unit_test(features_ok__refused_unless_a_subset_with_version_1),
        cmocka_unit_test(config__fields_lie_where_the_text_has_them),
        cmocka_unit_test(config__what_is_not_offered_reads_zero),
        cmocka_unit_test(writeback__written_only_under_config_wce),
        cmocka_unit_test(config__a_change_has_a_generation_and_a_notification),
        cmocka_unit_test(queue_max__is_a_power_of_two_once_the_ring_is_split),
        cmocka_unit_test(queue_of_one__is_one),
        cmocka_unit_test(needs_reset_before_driver_ok__is_told_with_it),
        cmocka_unit_test(needs_reset__notifies_if_live_and_stops_until_reset),
        cmocka_unit_test(queue__bad_layouts_are_not_enabled),
        cmocka_unit_test(queue__enabled_before_the_features_serves_all_the_same),
        cmocka_unit_test(queue__untouched_before_driver_ok_after_reset_and_after_failed),
        cmocka_unit_test(queue__others_are_served_only_with_mq),
        cmocka_unit_test(notification__not_sent_if_the_driver_wants_none),
        cmocka_unit_test(power__clears_what_a_wrong_device_noted),
        cmocka_unit_test(config_that_is_set__changes_the_options_to_the_last_bit),
        cmocka_unit_test(hold__completes_nothing_until_released),
        cmocka_unit_test(reverse__completes_last_to_first),
        cmocka_unit_test(reverse__what_came_before_a_fault_is_completed),
        cmocka_unit_test(hold__more_than_fits_waits_in_the_ring),
        cmocka_unit_test(hold__is_forgotten_by_reset_and_by_a_queue_that_ends),
        cmocka_unit_test(behaviour__members_replace_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
