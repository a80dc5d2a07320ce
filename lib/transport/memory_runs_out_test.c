/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each allocation of the models fails once, and once with all that come after it: whoever asked is told, nothing is
 * lost and nothing is freed twice, and what was on the disk stays there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#include "scarce.h"
#include "stage.h"

#define F(name) VBLK_BIT(VBLK_F_##name)

/* ---- the disk ---- */

#define PLACES 70u /* in chunks of their own: the map of a store grows at 32 and at 64 */

static uint64_t place(unsigned i)
{
    return 1000u * i;
}

static void holds(struct vblk_backend *disk, unsigned i, uint8_t value)
{
    uint8_t sector[VBLK_SECTOR];

    assert_int_equal(disk->read(disk->ctx, place(i), sector, 1), VBLK_OK);
    assert_int_equal(sector[0], value);
    assert_int_equal(sector[VBLK_SECTOR - 1], value);
}

/* All that may fail, in an order in which all of it allocates. @return how far it came. */
static unsigned use_disk(struct vblk_store *store, struct vblk_backend *disk)
{
    uint8_t sector[VBLK_SECTOR];
    unsigned i;

    memset(sector, 1, sizeof(sector));
    for (i = 0; i < PLACES; i++)
        if (!fine(disk->write(disk->ctx, place(i), sector, 1, i % 2)))
            return i;
    assert_int_equal(disk->flush(disk->ctx), VBLK_OK);
    memset(sector, 2, sizeof(sector));
    if (!fine(disk->write(disk->ctx, place(3), sector, 1, false))) { /* the stable copy is kept */
        holds(disk, 3, 1);
        return i;
    }
    for (uint64_t k = 10; k < 20; k++)
        if (!fine(disk->provision(disk->ctx, place((unsigned)k), 2))) {
            assert_int_equal(vblk_store_extent(store, place((unsigned)k) + 1), VBLK_EXTENT_HOLE);
            return i;
        }
    for (unsigned k = 20; k < 30; k++)
        if (!fine(disk->write_zeroes(disk->ctx, place(k), 2, false, false))) {
            holds(disk, k, 1);
            return i;
        }
    for (uint64_t k = 1; k < 20; k++)
        if (!fine(disk->provision(disk->ctx, 1000000 + 1000 * k, 100)) ||
            !fine(vblk_store_share(store, 1000000 + 1000 * k, 50)) ||
            !fine(disk->discard(disk->ctx, 1000000 + 1000 * k + 20, 5)) ||
            !fine(disk->write_zeroes(disk->ctx, 1000000 + 1000 * k + 70, 5, k % 2, k % 3)) ||
            !fine(vblk_store_fail(store, 1000000 + 1000 * k + 90, 5)))
            return i;
    if (!fine(disk->write_zeroes(disk->ctx, place(4), 1, true, false))) {
        holds(disk, 4, 1);
        return i;
    }
    return i + 1;
}

static bool disk_story(unsigned flavour)
{
    struct vblk_store *store = vblk_store_new(UINT64_C(1) << 24);
    struct vblk_backend disk;
    unsigned far;

    if (store == NULL)
        return false;
    disk = vblk_store_backend(store);
    if (flavour)
        vblk_store_set_pool(store, 1 << 20);
    far = use_disk(store, &disk);
    for (unsigned i = 5; i < PLACES; i++)
        if (i < 20 || i >= 30) /* those may be zeroes by now */
            holds(&disk, i, i < far);
    if (far > PLACES) {
        vblk_store_power_cut(store, 0);
        holds(&disk, 3, 1); /* written again, never flushed */
        holds(&disk, 4, 1);
        fails_at = 0;
        assert_int_equal(vblk_store_resize(store, place(9)), VBLK_OK);
    }
    vblk_store_free(store);
    return far > PLACES;
}

/* More than a store keeps for the next time, and fewer. */
static void disk_that_is_reset__loses_no_memory(void **state)
{
    const long before = living;

    (void)state;
    for (unsigned chunks = 250; chunks < 262; chunks += 3) {
        struct vblk_store *store = vblk_store_new(UINT64_C(1) << 24);
        struct vblk_backend disk = vblk_store_backend(store);
        uint8_t sector[VBLK_SECTOR] = { 1 };

        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < chunks; i++)
                assert_int_equal(disk.write(disk.ctx, place(i), sector, 1, false), VBLK_OK);
            for (unsigned i = 0; i < chunks; i += 7)
                assert_int_equal(disk.read(disk.ctx, place(i), sector, 1), VBLK_OK);
            assert_int_equal(sector[0], 1);
            assert_int_equal(vblk_store_allocated(store), chunks);
            vblk_store_reset(store, UINT64_C(1) << 24);
            assert_int_equal(vblk_store_allocated(store), 0);
        }
        vblk_store_free(store);
        assert_int_equal(living, before);
    }
}

static void disk__what_is_there_stays_there(void **state)
{
    (void)state;
    every_way(disk_story, 2);
}

/* ---- the driver in front of the device ---- */

/* Not answered, because a ring or the disk was without memory: which of both sides it was decides how that is told. */
static bool answered(struct vblk_answer answer)
{
    assert_true(answer.err || answer.status == VBLK_S_OK || answer.status == VBLK_S_IOERR);
    assert_true(answer.err == VBLK_OK || answer.err == VBLK_E_NOMEM || answer.err == VBLK_E_STATE);
    return answer.err == VBLK_OK && answer.status == VBLK_S_OK;
}

static bool started(vblk_err err)
{
    assert_true(err == VBLK_OK || err == VBLK_E_NOMEM);
    return err == VBLK_OK;
}

static bool written_and_read(struct vblk_driver *driver, uint8_t seed)
{
    uint8_t out[8 * VBLK_SECTOR], in[sizeof(out)];

    vblk_pattern(seed, 0, out, sizeof(out));
    if (!answered(vblk_driver_write(driver, 60, out, 8)) || !answered(vblk_driver_read(driver, 60, in, 8)))
        return false;
    assert_memory_equal(in, out, sizeof(out));
    return true;
}

/* Once it has failed, only a start helps; and it does help. */
static void recovers(struct vblk_driver *driver)
{
    fails_at = 0;
    assert_int_equal(vblk_driver_start(driver), VBLK_OK);
    assert_true(written_and_read(driver, 9));
}

static bool drive(struct vblk_port *port, const struct vblk_driver_options *options)
{
    struct vblk_driver *driver = vblk_driver_new(port, options);
    bool well;

    if (driver == NULL)
        return false;
    well = started(vblk_driver_start(driver)) && written_and_read(driver, 1) && written_and_read(driver, 2);
    if (well) {
        const vblk_err err = vblk_driver_reset_queue(driver, 1);

        well = fine(err) && written_and_read(driver, 3) && written_and_read(driver, 4);
    }
    if (failed)
        recovers(driver);
    vblk_driver_free(driver);
    return well;
}

static bool device_story(unsigned flavour)
{
    const struct vblk_backend disk = { .ctx = NULL };
    struct vblk_memory *mem = new_memory();
    struct vblk_device_options options;
    struct vblk_device *device;
    const char *why = NULL;

    (void)flavour;
    if (mem == NULL)
        return false;
    vblk_device_defaults(&options);
    device = vblk_device_new(&options, mem, &disk, &why);
    if (device == NULL)
        assert_string_equal(why, "no memory left");
    vblk_device_free(device);
    vblk_memory_free(mem);
    return device != NULL;
}

static void device__says_that_there_is_no_memory(void **state)
{
    (void)state;
    every_way(device_story, 1);
}

static bool driver_story(unsigned flavour)
{
    struct vblk_memory *mem = new_memory();
    struct vblk_device_options device;
    struct vblk_driver_options options = { .arena = { BASE, BYTES }, .queues = 2, .queue_size = 16, .wait_ms = 5 };
    struct vblk_port *port;
    const char *why = NULL;
    bool well = false;

    vblk_device_defaults(&device);
    device.capacity = 4096;
    device.features |= F(RING_RESET) | (flavour & 1 ? F(RING_PACKED) : 0) | (flavour & 2 ? F(INDIRECT_DESC) : 0) |
                       (flavour & 4 ? F(IN_ORDER) : 0);
    options.profile = device.profile;
    options.features = UINT64_MAX;
    if (mem == NULL)
        return false;
    port = vblk_builtin_new(&device, mem, &why);
    if (port != NULL)
        well = drive(port, &options);
    else
        assert_string_equal(why, "no memory left");
    vblk_port_close(port);
    vblk_memory_free(mem);
    return well;
}

static void driver_and_device__say_so_and_can_be_started_again(void **state)
{
    (void)state;
    every_way(driver_story, 8);
}

/* ---- the player and its puppet ---- */

static void add_steps(struct stage *stage)
{
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add_ab(stage, VBLK_STEP_DISK, "", 0, 40); /* more than the puppet's disk has room for at first */
    step->bytes = (struct vblk_bytes){ .length = VBLK_SECTOR, .seed = 7, .fill = true };
    for (unsigned i = 0; i < 3; i++) {
        add_read(stage, "a", i, VBLK_SECTOR);
        add(stage, VBLK_STEP_AVAILABLE, "a");
        add(stage, VBLK_STEP_PUBLISH, "");
        add(stage, VBLK_STEP_DEV_COMPLETE, "a");
        add(stage, VBLK_STEP_WAIT, "");
        add_expect(stage, "a", VBLK_S_OK, 513);
    }
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_RESET;
}

static bool play_story(unsigned flavour)
{
    struct stage stage = { .script = { .name = "case", .profile = *vblk_profile_default(), .queue_size = 8 } };
    struct vblk_memory *mem = new_memory();
    struct vblk_port *port = mem ? vblk_puppet_new(mem) : NULL;
    struct vblk_player *player = port ? vblk_player_new(port, (struct vblk_arena){ BASE, BYTES }, 5) : NULL;
    bool well = false;

    stage.script.features = F(VERSION_1) | (flavour ? F(RING_PACKED) : 0);
    stage.script.puppet = (struct vblk_puppet){ .features = stage.script.features, .num_queues = 1, .queue_max = 8,
                                                .config_length = 64 };
    add_steps(&stage);
    stage.script.steps = stage.steps;
    stage.script.step_count = stage.count;
    if (player != NULL) {
        well = fine(vblk_player_run(player, &stage.script, &stage.play));
        assert_true(!well || (stage.play.surprise_count == 0 && stage.play.answered == 3));
        fails_at = 0;
        assert_int_equal(vblk_player_run(player, &stage.script, &stage.play), VBLK_OK); /* it can be played again */
        assert_int_equal(stage.play.surprise_count, 0);
        assert_int_equal(stage.play.answered, 3);
    }
    vblk_player_free(player);
    vblk_port_close(port);
    vblk_memory_free(mem);
    return well;
}

static void player__says_so_and_plays_again(void **state)
{
    (void)state;
    every_way(play_story, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_that_is_reset__loses_no_memory),
        cmocka_unit_test(disk__what_is_there_stays_there),
        cmocka_unit_test(device__says_that_there_is_no_memory),
        cmocka_unit_test(driver_and_device__say_so_and_can_be_started_again),
        cmocka_unit_test(player__says_so_and_plays_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
