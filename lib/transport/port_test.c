/* SPDX-License-Identifier: BSD-3-Clause */
/* What the wrappers make of an adapter's answers. */
#include <vblk/port.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* An adapter that answers as told. */
struct fake {
    struct vblk_port port;
    vblk_err answer;
    uint64_t value;
    uint32_t got;
    bool emulated;
    unsigned calls, closed;
    struct vblk_event last[8]; /* events, oldest first */
    uint8_t bytes[8][16];
    unsigned events;
    unsigned events_at_call;
};

static struct fake *of(struct vblk_port *port)
{
    return (struct fake *)(void *)port;
}

static vblk_err called(struct vblk_port *port)
{
    of(port)->calls++;
    of(port)->events_at_call = of(port)->events;
    return of(port)->answer;
}
static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    (void)reg;
    (void)queue;
    *value = of(port)->value;
    *emulated = of(port)->emulated;
    return called(port);
}
static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    (void)reg;
    (void)queue;
    (void)value;
    *emulated = of(port)->emulated;
    return called(port);
}
static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    (void)offset;
    memset(buf, 0x42, len < of(port)->got ? len : of(port)->got);
    *got = of(port)->got;
    return called(port);
}
static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    (void)offset;
    (void)buf;
    (void)len;
    return called(port);
}
static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    (void)queue;
    (void)data;
    return called(port);
}
static vblk_err wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    (void)queue;
    (void)ms;
    return called(port);
}
static vblk_err recover(struct vblk_port *port)
{
    return called(port);
}
static vblk_err host(struct vblk_port *port, unsigned action, uint64_t a, uint64_t b)
{
    (void)action;
    (void)a;
    (void)b;
    return called(port);
}
static void close_port(struct vblk_port *port)
{
    of(port)->closed++;
}
static const struct vblk_port_ops ops = { read_reg, write_reg, read_config, write_config, kick,
                                          wait,     recover,   host,        close_port };
static const struct vblk_port_ops poor = { read_reg, write_reg, read_config, write_config, kick,
                                           wait,     NULL,      NULL,        close_port };

static void observe(void *ctx, const struct vblk_event *ev)
{
    struct fake *fake = ctx;
    unsigned i = fake->events++ % 8;

    fake->last[i] = *ev;
    if (ev->bytes)
        memcpy(fake->bytes[i], ev->bytes, ev->len < 16 ? ev->len : 16);
}

static struct fake make(void)
{
    return (struct fake){ .port = { .ops = &ops, .grade = VBLK_GRADE_SNAPSHOT, .observe = observe } };
}

static void registers__become_events_with_the_transports_share_marked(void **state)
{
    struct fake f = make();
    uint64_t value;

    (void)state;
    f.port.observe_ctx = &f;
    f.value = 77;
    assert_int_equal(vblk_port_read_reg(&f.port, VBLK_REG_QUEUE_MAX, 3, &value), VBLK_OK);
    assert_int_equal(value, 77);
    assert_int_equal(f.last[0].kind, VBLK_EV_REG_READ);
    assert_int_equal(f.last[0].reg, VBLK_REG_QUEUE_MAX);
    assert_int_equal(f.last[0].queue, 3);
    assert_int_equal(f.last[0].value, 77);
    assert_int_equal(f.last[0].flags, 0);
    f.emulated = true;
    assert_int_equal(vblk_port_read_reg(&f.port, VBLK_REG_STATUS, 0, &value), VBLK_OK);
    assert_int_equal(f.last[1].flags, VBLK_EV_EMULATED);
    assert_int_equal(vblk_port_write_reg(&f.port, VBLK_REG_STATUS, 0, 5), VBLK_OK);
    assert_int_equal(f.last[2].kind, VBLK_EV_REG_WRITE);
    assert_int_equal(f.last[2].flags, VBLK_EV_EMULATED);
    assert_int_equal(f.last[2].value, 5);
    assert_int_equal(f.events_at_call, 2); /* only then is it known whose it was */
    f.port.grade = VBLK_GRADE_ACCESS;
    assert_int_equal(vblk_port_write_reg(&f.port, VBLK_REG_STATUS, 0, 5), VBLK_OK);
    assert_int_equal(f.events_at_call, 4); /* before the device acts on it */
    f.answer = VBLK_E_UNSUPPORTED;
    assert_int_equal(vblk_port_read_reg(&f.port, VBLK_REG_STATUS, 0, &value), VBLK_E_UNSUPPORTED);
    assert_int_equal(f.events, 4);
}

static void config__carries_only_what_came(void **state)
{
    struct fake f = make();
    uint8_t buf[16];
    uint32_t got = 9;

    (void)state;
    f.port.observe_ctx = &f;
    f.got = 5;
    memset(buf, 0xff, sizeof buf);
    assert_int_equal(vblk_port_read_config(&f.port, 8, buf, 16, &got), VBLK_OK);
    assert_int_equal(got, 5);
    assert_int_equal(buf[4], 0x42);
    assert_int_equal(buf[5], 0);
    assert_int_equal(f.last[0].kind, VBLK_EV_CONFIG_READ);
    assert_int_equal(f.last[0].at, 8);
    assert_int_equal(f.last[0].len, 5);
    f.got = 0;
    assert_int_equal(vblk_port_read_config(&f.port, 8, buf, 16, NULL), VBLK_OK);
    assert_null(f.last[1].bytes);
    f.got = 1000; /* an adapter that can't count */
    assert_int_equal(vblk_port_read_config(&f.port, 8, buf, 16, &got), VBLK_OK);
    assert_int_equal(got, 16);
    assert_int_equal(vblk_port_write_config(&f.port, 32, "\1", 1), VBLK_OK);
    assert_int_equal(f.last[3].kind, VBLK_EV_CONFIG_WRITE);
    assert_int_equal(f.bytes[3][0], 1);
    assert_int_equal(f.events_at_call, 4);
    assert_int_equal(vblk_port_read_config(&f.port, 0, buf, 0, &got), VBLK_E_INVAL);
    assert_int_equal(vblk_port_read_config(&f.port, 0, buf, 257, &got), VBLK_E_INVAL);
    assert_int_equal(vblk_port_write_config(&f.port, 0, buf, 0), VBLK_E_INVAL);
    f.answer = VBLK_E_IO;
    assert_int_equal(vblk_port_read_config(&f.port, 8, buf, 16, NULL), VBLK_E_IO);
    assert_int_equal(f.events, 4);
}

static void kick__is_an_event_before_it_arrives(void **state)
{
    struct fake f = make();

    (void)state;
    f.port.observe_ctx = &f;
    assert_int_equal(vblk_port_kick(&f.port, 2, 0x10002), VBLK_OK);
    assert_int_equal(f.events_at_call, 1);
    assert_int_equal(f.last[0].kind, VBLK_EV_KICK);
    assert_int_equal(f.last[0].queue, 2);
    assert_int_equal(f.last[0].value, 0x10002);
    vblk_port_look(&f.port, 1);
    assert_int_equal(f.last[1].kind, VBLK_EV_LOOK);
    assert_int_equal(f.last[1].party, VBLK_DRIVER);
    vblk_port_notified(&f.port, VBLK_EV_USED_NOTIFY, 2);
    vblk_port_notified(&f.port, VBLK_EV_CONFIG_NOTIFY, 0);
    assert_int_equal(f.last[2].kind, VBLK_EV_USED_NOTIFY);
    assert_int_equal(f.last[2].party, VBLK_DEVICE);
    assert_int_equal(f.port.used_notified, 1);
    assert_int_equal(f.port.config_notified, 1);
    f.port.observe = NULL;
    vblk_port_look(&f.port, 1);
    assert_int_equal(f.events, 4);
}

static void gone__is_told_once_and_ends_with_recovery(void **state)
{
    struct fake f = make();
    uint64_t value;
    uint8_t byte = 0;

    (void)state;
    f.port.observe_ctx = &f;
    f.port.host_actions = 1;
    f.port.gone_how = "hung up";
    f.answer = VBLK_E_GONE;
    assert_int_equal(vblk_port_wait(&f.port, 0, 1), VBLK_E_GONE);
    assert_int_equal(f.last[0].kind, VBLK_EV_GONE);
    assert_int_equal(f.last[0].len, 7);
    assert_memory_equal(f.bytes[0], "hung up", 7);
    f.answer = VBLK_OK;
    assert_int_equal(vblk_port_wait(&f.port, 0, 1), VBLK_E_GONE);
    assert_int_equal(vblk_port_kick(&f.port, 0, 0), VBLK_E_GONE);
    assert_int_equal(vblk_port_read_reg(&f.port, VBLK_REG_STATUS, 0, &value), VBLK_E_GONE);
    assert_int_equal(vblk_port_write_reg(&f.port, VBLK_REG_STATUS, 0, 0), VBLK_E_GONE);
    assert_int_equal(vblk_port_read_config(&f.port, 0, &byte, 1, NULL), VBLK_E_GONE);
    assert_int_equal(vblk_port_write_config(&f.port, 0, &byte, 1), VBLK_E_GONE);
    assert_int_equal(vblk_port_host(&f.port, VBLK_HOST_RESIZE, 0, 0), VBLK_E_GONE);
    assert_int_equal(f.calls, 1);
    assert_int_equal(f.events, 1);
    f.answer = VBLK_E_GONE;
    assert_int_equal(vblk_port_recover(&f.port), VBLK_E_GONE);
    f.answer = VBLK_OK;
    assert_int_equal(vblk_port_recover(&f.port), VBLK_OK);
    assert_int_equal(f.events, 2);
    assert_int_equal(f.last[1].kind, VBLK_EV_BACK);
    f.port.gone_how = NULL;
    f.answer = VBLK_E_GONE;
    assert_int_equal(vblk_port_kick(&f.port, 0, 0), VBLK_E_GONE);
    assert_int_equal(f.last[3].kind, VBLK_EV_GONE);
    assert_int_equal(f.last[3].len, 0);
}

static void host__only_what_the_port_says_it_can(void **state)
{
    struct fake f = make();

    (void)state;
    f.port.observe_ctx = &f;
    assert_int_equal(vblk_port_host(&f.port, VBLK_HOST_POOL, 1, 0), VBLK_E_UNSUPPORTED);
    f.port.host_actions = 1u << VBLK_HOST_POOL;
    assert_int_equal(vblk_port_host(&f.port, VBLK_HOST_POOL, 1, 0), VBLK_OK);
    assert_int_equal(vblk_port_host(&f.port, VBLK_HOST_COUNT, 1, 0), VBLK_E_UNSUPPORTED);
    f.port.ops = &poor;
    assert_int_equal(vblk_port_host(&f.port, VBLK_HOST_POOL, 1, 0), VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_port_recover(&f.port), VBLK_E_UNSUPPORTED);
    vblk_port_close(NULL);
    vblk_port_close(&f.port);
    assert_int_equal(f.closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers__become_events_with_the_transports_share_marked),
        cmocka_unit_test(config__carries_only_what_came),
        cmocka_unit_test(kick__is_an_event_before_it_arrives),
        cmocka_unit_test(gone__is_told_once_and_ends_with_recovery),
        cmocka_unit_test(host__only_what_the_port_says_it_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
