/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver on the reference device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#include "watch.h"

struct bench {
    struct watch watch;
    struct vblk_device_options device;
    struct vblk_driver_options options;
    struct vblk_driver *driver;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    vblk_device_defaults(&bench->device);
    bench->device.capacity = 4096;
    bench->options = (struct vblk_driver_options){
        .profile = *vblk_profile_default(), .features = UINT64_MAX, .arena = watch_arena(), .wait_ms = 10
    };
    *state = bench;
    return 0;
}

/* Make the device and the driver as the options now say; the driver is not started. */
static void put_together(struct bench *bench)
{
    const char *why = "";
    struct vblk_port *port = vblk_builtin_new(&bench->device, watch_memory(), &why);

    if (!port)
        print_message("%s\n", why);
    assert_non_null(port);
    watch_start(&bench->watch, port);
    bench->driver = vblk_driver_new(port, &bench->options);
    assert_non_null(bench->driver);
}

static void start(struct bench *bench)
{
    put_together(bench);
    assert_int_equal(vblk_driver_start(bench->driver), VBLK_OK);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(bench->watch.stray, 0);
    assert_int_equal(bench->watch.mislaid, 0);
    vblk_driver_free(bench->driver);
    watch_stop(&bench->watch);
    free(bench);
    return 0;
}

static void fine(struct vblk_answer answer, uint32_t pieces)
{
    assert_int_equal(answer.err, VBLK_OK);
    assert_int_equal(answer.status, VBLK_S_OK);
    assert_int_equal(answer.pieces, pieces);
}

/* How many words of the log begin so. */
static unsigned count(const struct bench *bench, const char *word)
{
    unsigned n = 0;

    for (const char *at = strstr(bench->watch.text, word); at; at = strstr(at + 1, word))
        n++;
    return n;
}

static void start__every_offered_feature_it_can_use(void **state)
{
    struct bench *bench = *state;

    start(bench);
    assert_int_equal(vblk_driver_capacity(bench->driver), 4096);
    assert_true(vblk_driver_features(bench->driver) & VBLK_BIT(VBLK_F_VERSION_1));
    assert_true(vblk_driver_features(bench->driver) & VBLK_BIT(17));
    assert_int_equal(vblk_driver_features(bench->driver) & ~bench->device.features, 0);
    assert_int_equal(count(bench, "cr:32+"), 0); /* writeback is none of its business */
    assert_int_equal(vblk_driver_stop(bench->driver), VBLK_OK);
    assert_int_equal(vblk_driver_flush(bench->driver).err, VBLK_E_STATE);
    assert_int_equal(vblk_driver_start(bench->driver), VBLK_OK);
    fine(vblk_driver_flush(bench->driver), 1);
}

static void fields_of_features_not_offered__are_never_read(void **state)
{
    struct bench *bench = *state;

    bench->device.features = VBLK_BIT(VBLK_F_VERSION_1);
    start(bench);
    assert_int_equal(count(bench, "cr:"), 1);
    assert_int_equal(count(bench, "cr:0+8"), 1);
    assert_int_equal(vblk_driver_flush(bench->driver).err, VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_driver_discard(bench->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_driver_provision(bench->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
}

static void read_and_write__bytes_come_back(void **state)
{
    static uint8_t out[64 * VBLK_SECTOR], in[64 * VBLK_SECTOR];
    struct bench *bench = *state;

    vblk_pattern(1, 0, out, sizeof(out));
    start(bench);
    fine(vblk_driver_write(bench->driver, 100, out, 64), 1);
    fine(vblk_driver_read(bench->driver, 100, in, 64), 1);
    assert_memory_equal(in, out, sizeof(in));
    fine(vblk_driver_read(bench->driver, 4096, in, 0), 0);
}

static void limits__split_transfers(void **state)
{
    static const struct {
        uint32_t size_max, seg_max;
        uint16_t queue_max;
        uint32_t pieces; /* for 16 sectors */
    } rows[] = { { 512, 4, 64, 4 }, { 4096, 1, 64, 2 }, { 300, 5, 64, 8 },   { 65536, 254, 64, 1 },
                 { 512, 64, 8, 3 }, { 65536, 4, 4, 1 }, { 1024, 64, 2, 16 }, { 100, 64, 64, 2 } };
    static uint8_t out[16 * VBLK_SECTOR], in[16 * VBLK_SECTOR];
    struct bench *bench = *state;

    for (uint8_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vblk_pattern(i, 0, out, sizeof(out));
        bench->device.size_max = rows[i].size_max;
        bench->device.seg_max = rows[i].seg_max;
        bench->device.queue_max = rows[i].queue_max;
        start(bench);
        fine(vblk_driver_write(bench->driver, 7, out, 16), rows[i].pieces);
        fine(vblk_driver_read(bench->driver, 7, in, 16), rows[i].pieces);
        assert_memory_equal(in, out, sizeof(in));
        fine(vblk_driver_flush(bench->driver), 1);
        if (i + 1u < sizeof(rows) / sizeof(rows[0])) {
            vblk_driver_free(bench->driver);
            watch_stop(&bench->watch);
        }
    }
}

static void range_beyond_capacity__never_reaches_the_device(void **state)
{
    static uint8_t buf[2 * VBLK_SECTOR];
    static const uint64_t bad[][2] = { { 4096, 1 }, { 4095, 2 }, { UINT64_MAX, 2 }, { 1, UINT64_MAX }, { 4097, 0 } };
    struct bench *bench = *state;

    start(bench);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const uint64_t sector = bad[i][0], n = bad[i][1];

        assert_int_equal(vblk_driver_read(bench->driver, sector, buf, n).err, VBLK_E_INVAL);
        assert_int_equal(vblk_driver_write(bench->driver, sector, buf, n).err, VBLK_E_INVAL);
        assert_int_equal(vblk_driver_discard(bench->driver, sector, n).err, VBLK_E_INVAL);
        assert_int_equal(vblk_driver_write_zeroes(bench->driver, sector, n, true).err, VBLK_E_INVAL);
        assert_int_equal(vblk_driver_secure_erase(bench->driver, sector, n).err, VBLK_E_INVAL);
        assert_int_equal(vblk_driver_provision(bench->driver, sector, n).err, VBLK_E_INVAL);
    }
    assert_int_equal(bench->watch.counts[VBLK_EV_KICK], 0);
}

static void range_commands__split_by_sector_limits_and_alignment(void **state)
{
    struct bench *bench = *state;

    bench->device.max_discard_sectors = 100;
    bench->device.discard_sector_alignment = 8;
    bench->device.max_write_zeroes_sectors = 100;
    bench->device.max_secure_erase_sectors = 64;
    bench->device.secure_erase_sector_alignment = 64;
    bench->device.max_provision_sectors = 250;
    start(bench);
    fine(vblk_driver_discard(bench->driver, 4, 300), 4); /* 4..104, ..200, ..296, ..304 */
    fine(vblk_driver_write_zeroes(bench->driver, 0, 300, true), 3);
    fine(vblk_driver_write_zeroes(bench->driver, 0, 300, false), 3);
    fine(vblk_driver_secure_erase(bench->driver, 32, 96), 2);
    fine(vblk_driver_provision(bench->driver, 0, 1000), 4);
    fine(vblk_driver_provision(bench->driver, 0, 0), 0);
}

static void identity_and_lifetime__come_through(void **state)
{
    struct bench *bench = *state;
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];

    memcpy(bench->device.serial, "serial", 7);
    bench->device.est_typ_a = 3;
    start(bench);
    fine(vblk_driver_get_id(bench->driver, id), 1);
    assert_string_equal(id, "serial");
    fine(vblk_driver_lifetime(bench->driver, &lifetime), 1);
    assert_int_equal(vblk_get16(lifetime.est_typ_a), 3);
}

static void read_only_device__is_never_written(void **state)
{
    static uint8_t buf[VBLK_SECTOR];
    struct bench *bench = *state;

    bench->device.features |= VBLK_BIT(VBLK_F_RO);
    bench->options.features = 0;
    start(bench);
    assert_true(vblk_driver_features(bench->driver) & VBLK_BIT(VBLK_F_RO));
    assert_int_equal(vblk_driver_write(bench->driver, 0, buf, 1).err, VBLK_E_UNSUPPORTED);
    fine(vblk_driver_read(bench->driver, 0, buf, 1), 1);
    assert_int_equal(bench->watch.counts[VBLK_EV_KICK], 1);
}

static void failing_sectors__stop_at_the_piece_that_failed(void **state)
{
    static uint8_t buf[16 * VBLK_SECTOR];
    struct bench *bench = *state;
    struct vblk_answer answer;

    bench->device.size_max = 512;
    bench->device.seg_max = 4;
    start(bench);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_FAIL_SECTORS, 5, 1), VBLK_OK);
    answer = vblk_driver_read(bench->driver, 0, buf, 16);
    assert_int_equal(answer.err, VBLK_OK);
    assert_int_equal(answer.status, VBLK_S_IOERR);
    assert_int_equal(answer.pieces, 2);
}

static void resize__is_noticed_before_the_next_request(void **state)
{
    static uint8_t buf[VBLK_SECTOR];
    struct bench *bench = *state;

    start(bench);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_RESIZE, 8192, 0), VBLK_OK);
    fine(vblk_driver_read(bench->driver, 8191, buf, 1), 1);
    assert_int_equal(vblk_driver_capacity(bench->driver), 8192);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_RESIZE, 10, 0), VBLK_OK);
    assert_int_equal(vblk_driver_read(bench->driver, 10, buf, 1).err, VBLK_E_INVAL);
}

static void needs_reset__asks_for_a_new_start(void **state)
{
    static uint8_t buf[VBLK_SECTOR];
    struct bench *bench = *state;

    start(bench);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_NEEDS_RESET, 0, 0), VBLK_OK);
    assert_int_equal(vblk_driver_read(bench->driver, 0, buf, 1).err, VBLK_E_STATE);
    assert_int_equal(vblk_driver_read(bench->driver, 0, buf, 1).err, VBLK_E_STATE);
    assert_int_equal(vblk_driver_start(bench->driver), VBLK_OK);
    fine(vblk_driver_read(bench->driver, 0, buf, 1), 1);
}

static void held_requests__time_out_and_only_a_reset_helps(void **state)
{
    static uint8_t buf[VBLK_SECTOR];
    struct bench *bench = *state;

    start(bench);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_HOLD, 1, 0), VBLK_OK);
    assert_int_equal(vblk_driver_read(bench->driver, 0, buf, 1).err, VBLK_E_TIMEOUT);
    assert_int_equal(vblk_driver_flush(bench->driver).err, VBLK_E_STATE);
    assert_int_equal(vblk_port_host(bench->watch.port, VBLK_HOST_HOLD, 0, 0), VBLK_OK);
    assert_int_equal(vblk_driver_start(bench->driver), VBLK_OK);
    fine(vblk_driver_flush(bench->driver), 1);
}

static void several_queues__take_turns(void **state)
{
    static uint8_t buf[VBLK_SECTOR];
    struct bench *bench = *state;

    bench->device.features |= VBLK_BIT(VBLK_F_MQ);
    bench->device.num_queues = 3;
    bench->options.queues = 8;
    bench->options.queue_size = 100;
    start(bench);
    for (int i = 0; i < 6; i++)
        fine(vblk_driver_read(bench->driver, 0, buf, 1), 1);
    assert_int_equal(count(bench, "kick0"), 2);
    assert_int_equal(count(bench, "kick2"), 2);
    assert_int_equal(count(bench, "w:queue-size=40"), 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(start__every_offered_feature_it_can_use),
        T(fields_of_features_not_offered__are_never_read),
        T(read_and_write__bytes_come_back),
        T(limits__split_transfers),
        T(range_beyond_capacity__never_reaches_the_device),
        T(range_commands__split_by_sector_limits_and_alignment),
        T(identity_and_lifetime__come_through),
        T(read_only_device__is_never_written),
        T(failing_sectors__stop_at_the_piece_that_failed),
        T(resize__is_noticed_before_the_next_request),
        T(needs_reset__asks_for_a_new_start),
        T(held_requests__time_out_and_only_a_reset_helps),
        T(several_queues__take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
