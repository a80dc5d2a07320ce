/* SPDX-License-Identifier: BSD-3-Clause */
/* Each call of a port fails once: driver and player stop there, say why, and can be started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#include "stage.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define OK(call) assert_int_equal(call, VBLK_OK)

/* ---- the reference device's port, with other operations in front of its own ---- */

static const struct vblk_port_ops *honest;
static unsigned waits;
static long calls, fails_at; /* the first one is 1; 0: none fails */
static vblk_err fails_with;
static bool failed;
static uint64_t restless; /* how often the configuration still changes under whoever reads it */
static unsigned lacks; /* a register that this transport does not have; 0: has all */

static vblk_err shake(void)
{
    if (++calls != fails_at)
        return VBLK_OK;
    failed = true;
    return fails_with;
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    const vblk_err err = lacks && lacks == (unsigned)reg ? VBLK_E_UNSUPPORTED : shake();

    if (reg == VBLK_REG_GENERATION && restless) {
        *value = restless--;
        return VBLK_OK;
    }
    return err ? err : honest->read_reg(port, reg, queue, value, emulated);
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    const vblk_err err = shake();

    return err ? err : honest->write_reg(port, reg, queue, value, emulated);
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    const vblk_err err = shake();

    return err ? err : honest->read_config(port, offset, buf, len, got);
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    const vblk_err err = shake();

    return err ? err : honest->write_config(port, offset, buf, len);
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    const vblk_err err = shake();

    return err ? err : honest->kick(port, queue, data);
}

static vblk_err wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    const vblk_err err = shake();

    waits++;
    return err ? err : honest->wait(port, queue, ms);
}

static struct vblk_port_ops shaky = {
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_config = read_config,
    .write_config = write_config,
    .kick = kick,
    .wait = wait,
};

static struct vblk_port *new_port(struct vblk_memory *mem)
{
    struct vblk_device_options options;
    struct vblk_port *port;

    vblk_device_defaults(&options);
    options.capacity = 4096;
    options.features |= F(RING_RESET);
    port = vblk_builtin_new(&options, mem, NULL);
    assert_non_null(port);
    honest = port->ops;
    shaky.recover = honest->recover;
    shaky.host = honest->host;
    shaky.close = honest->close;
    port->ops = &shaky;
    calls = fails_at = 0;
    failed = false;
    lacks = 0;
    restless = 0;
    waits = 0;
    return port;
}

/* ---- the driver ---- */

struct bench {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
};

static void begin(struct bench *b)
{
    const struct vblk_driver_options options = {
        .profile = *vblk_profile_default(), .features = UINT64_MAX, .arena = watch_arena(), .queues = 2, .wait_ms = 5
    };

    b->mem = watch_memory();
    b->port = new_port(b->mem);
    b->driver = vblk_driver_new(b->port, &options);
    assert_non_null(b->driver);
}

static void end(struct bench *b)
{
    vblk_driver_free(b->driver);
    vblk_port_close(b->port);
    vblk_memory_free(b->mem);
}

static uint8_t sectors[8 * VBLK_SECTOR];

static vblk_err write_some(struct vblk_driver *driver)
{
    return vblk_driver_write(driver, 8, sectors, 8).err;
}

static vblk_err read_some(struct vblk_driver *driver)
{
    return vblk_driver_read(driver, 8, sectors, 8).err;
}

static vblk_err flush(struct vblk_driver *driver)
{
    return vblk_driver_flush(driver).err;
}

static vblk_err reset_queue(struct vblk_driver *driver)
{
    return vblk_driver_reset_queue(driver, 1);
}

static vblk_err (*const acts[])(struct vblk_driver *driver) = {
    vblk_driver_start, write_some, flush, read_some, reset_queue, write_some, read_some, vblk_driver_stop,
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))
#define NEWS 3 /* the configuration changes before that act */

/* Play until something fails. @return the act that did, or ACTS. */
static size_t act(struct bench *b, vblk_err *err)
{
    for (size_t i = 0; i < ACTS; i++) {
        if (i == NEWS)
            OK(vblk_port_host(b->port, VBLK_HOST_RESIZE, 5000, 0));
        *err = acts[i](b->driver);
        if (*err || failed)
            return i;
    }
    return ACTS;
}

static void is_as_it_failed(struct bench *b, size_t at, vblk_err err)
{
    const uint8_t status = vblk_device_status(vblk_builtin_device(b->port));

    assert_int_equal(err, fails_with);
    if (at == 0)
        assert_int_equal(status & VBLK_STATUS_FAILED, fails_with == VBLK_E_GONE ? 0 : VBLK_STATUS_FAILED);
    assert_int_equal(read_some(b->driver), VBLK_E_STATE); /* only a start helps */
    assert_int_equal(reset_queue(b->driver), VBLK_E_STATE);
    if (fails_with == VBLK_E_GONE) {
        assert_int_equal(vblk_driver_start(b->driver), VBLK_E_GONE);
        OK(vblk_port_recover(b->port));
    }
    OK(vblk_driver_start(b->driver));
    OK(write_some(b->driver));
    OK(read_some(b->driver));
}

static void driver__tells_of_the_call_that_failed_and_starts_again(void **state)
{
    static const vblk_err errors[] = { VBLK_E_IO, VBLK_E_GONE };

    (void)state;
    for (size_t e = 0; e < 2; e++) {
        size_t at = 0;

        for (long n = 1; at < ACTS; n++) {
            struct bench b;
            vblk_err err = VBLK_OK;

            begin(&b);
            fails_at = n;
            fails_with = errors[e];
            at = act(&b, &err);
            if (at < ACTS)
                is_as_it_failed(&b, at, err);
            assert_int_equal(failed, at < ACTS);
            assert_true(n > 30 || at < ACTS); /* it makes that many calls at least */
            assert_true(n < 1000);
            end(&b);
        }
    }
}

/* Some transports lack some registers; what a driver can do without is no reason to give up. */
static void driver__without_a_register(void **state)
{
    static const struct {
        enum vblk_reg reg;
        vblk_err err;
    } rows[] = { { VBLK_REG_DEVICE_ID, VBLK_OK },
                 { VBLK_REG_CONFIG_LENGTH, VBLK_OK },
                 { VBLK_REG_GENERATION, VBLK_OK },
                 { VBLK_REG_DEVICE_FEATURES, VBLK_E_UNSUPPORTED },
                 { VBLK_REG_STATUS, VBLK_E_UNSUPPORTED },
                 { VBLK_REG_QUEUE_MAX, VBLK_E_UNSUPPORTED } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench b;

        begin(&b);
        lacks = rows[i].reg;
        assert_int_equal(vblk_driver_start(b.driver), rows[i].err);
        assert_int_equal(read_some(b.driver), rows[i].err ? VBLK_E_STATE : VBLK_OK);
        if (!rows[i].err)
            assert_int_equal(vblk_driver_capacity(b.driver), 4096);
        end(&b);
    }
}

/* ---- the player ---- */

static void put_steps(struct stage *stage)
{
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, VBLK_SECTOR);
    stage->steps[stage->count - 1].kind = VBLK_STEP_SUBMIT;
    add(stage, VBLK_STEP_REG_READ, "")->reg = VBLK_REG_GENERATION;
    add_ab(stage, VBLK_STEP_CONFIG_READ, "", 0, 8);
    add_a(stage, VBLK_STEP_CONFIG_WRITE, "", 32)->bytes = (struct vblk_bytes){ .length = 1, .fill = true };
    add_a(stage, VBLK_STEP_HOST, "", 1)->reg = VBLK_HOST_HOLD;
    add_read(stage, "b", 0, VBLK_SECTOR);
    add(stage, VBLK_STEP_AVAILABLE, "b");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    add_a(stage, VBLK_STEP_WAIT, "b", 2); /* in vain */
    add(stage, VBLK_STEP_QUEUE_RESET, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 1)->reg = VBLK_REG_QUEUE_ENABLE;
    add(stage, VBLK_STEP_RESET, "");
}

static void player__ends_at_the_step_whose_call_failed(void **state)
{
    struct stage *stage = *state;
    size_t last = 0;

    watch_stop(&stage->watch);
    put_steps(stage);
    stage->script.features = F(VERSION_1) | F(RING_RESET) | F(FLUSH) | F(CONFIG_WCE);
    for (long n = 1; last < stage->count; n++) {
        watch_start(&stage->watch, new_port(watch_memory()));
        vblk_player_free(stage->player);
        stage->player = vblk_player_new(stage->watch.port, watch_arena(), 5);
        fails_at = n;
        fails_with = VBLK_E_IO;
        OK(run(stage));
        assert_int_equal(stage->watch.counts[VBLK_EV_CASE_END], 1);
        assert_int_equal(stage->play.surprise_count, 0);
        assert_true(stage->play.stopped_at >= last);
        last = stage->play.stopped_at;
        /* The wait after the last step is for news that may be there, and nobody misses them. */
        assert_int_equal(stage->play.err, last < stage->count ? VBLK_E_IO : VBLK_OK);
        if (last != 10)
            assert_int_equal(stage->play.hung, last > 10);
        assert_true(n < 1000);
        if (last < stage->count)
            watch_stop(&stage->watch);
    }
}

/* A transport that is polled tells of the last answer only when it is asked. */
static void script_without_a_wait__ends_with_one(void **state)
{
    struct stage *stage = *state;

    watch_stop(&stage->watch);
    watch_start(&stage->watch, new_port(watch_memory()));
    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, watch_arena(), 5);
    stage->script.features = F(VERSION_1);
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, VBLK_SECTOR);
    add(stage, VBLK_STEP_AVAILABLE, "a");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_KICK, "");
    OK(run(stage));
    assert_int_equal(waits, 1);
    assert_non_null(strstr(stage->watch.text, "notify0 "));
}

/* ---- both ---- */

/* A device may change its configuration while it is read, but not for ever. */
static void no_time_to_wait__what_is_done_at_once_is_fine(void **state)
{
    struct stage *stage = *state;

    watch_stop(&stage->watch);
    watch_start(&stage->watch, new_port(watch_memory()));
    vblk_player_free(stage->player);
    stage->player = vblk_player_new(stage->watch.port, watch_arena(), 0);
    stage->script.features = F(VERSION_1) | F(RING_RESET);
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, VBLK_SECTOR)->kind = VBLK_STEP_SUBMIT;
    add(stage, VBLK_STEP_QUEUE_RESET, "");
    add(stage, VBLK_STEP_RESET, "");
    played(stage);
    assert_int_equal(stage->play.answered, 1);
    assert_int_equal(stage->play.surprise_count, 0);
}

static void configuration_that_changes__is_read_again_for_a_while(void **state)
{
    struct stage *stage = *state;

    watch_stop(&stage->watch);
    stage->script.features = F(VERSION_1);
    add(stage, VBLK_STEP_START, "");
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t changes = i ? 1000 : 20;
        struct bench b;

        begin(&b);
        restless = changes;
        assert_int_equal(vblk_driver_start(b.driver), i ? VBLK_E_STATE : VBLK_OK);
        end(&b);
        watch_start(&stage->watch, new_port(watch_memory()));
        vblk_player_free(stage->player);
        stage->player = vblk_player_new(stage->watch.port, watch_arena(), 5);
        restless = changes;
        OK(run(stage));
        assert_int_equal(stage->play.err, i ? VBLK_E_STATE : VBLK_OK);
        if (i)
            assert_string_equal(stage->play.surprise[0].seen, "the configuration generation does not come to rest");
        else
            watch_stop(&stage->watch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(driver__tells_of_the_call_that_failed_and_starts_again),
        cmocka_unit_test(driver__without_a_register),
        STAGED(no_time_to_wait__what_is_done_at_once_is_fine),
        STAGED(configuration_that_changes__is_read_again_for_a_while),
        STAGED(script_without_a_wait__ends_with_one),
        STAGED(player__ends_at_the_step_whose_call_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
