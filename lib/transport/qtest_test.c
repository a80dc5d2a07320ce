/* SPDX-License-Identifier: BSD-3-Clause */
/* The port over a qtest socket, with a peer that need not be QEMU. */
#include <vblk/qtest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmio_bench.h"
#include "qtest_fake.h"

#define V1 VBLK_BIT(VBLK_F_VERSION_1)

struct stand {
    struct bench *b;
    struct fake fake;
    struct vblk_qtest_options options;
    bool started;
};

static int set_up(void **state)
{
    struct stand *s = calloc(1, sizeof(*s));

    s->b = bench_with_device();
    s->fake.regs = s->b->regs;
    s->options.timeout_ms = 2000;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stand *s = *state;

    vblk_port_close(s->b->port);
    s->b->port = NULL;
    if (s->started)
        fake_stop(&s->fake);
    bench_free(s->b);
    free(s);
    return 0;
}

static vblk_err try_open(struct stand *s)
{
    if (!s->started)
        fake_start(&s->fake);
    s->started = true;
    return vblk_qtest_open(s->fake.path, s->b->mem, &s->options, &s->b->port, s->b->why, sizeof(s->b->why));
}

static void open_it(struct stand *s)
{
    if (try_open(s) != VBLK_OK)
        fail_msg("%s", s->b->why);
}

static int set_up_open(void **state)
{
    set_up(state);
    open_it(*state);
    return 0;
}

static void assert_why(const struct stand *s, const char *part)
{
    if (!strstr(s->b->why, part))
        fail_msg("'%s' does not say '%s'", s->b->why, part);
}

static void device_in_a_slot__is_found_and_serves(void **state)
{
    struct stand *s = *state;
    struct vblk_blk_config config;
    uint32_t got;

    assert_string_equal(s->b->port->name, s->fake.path);
    bench_bring_up(s->b, V1, 1);
    assert_int_equal(bench_ask(s->b, VBLK_T_IN, 0, VBLK_SECTOR), VBLK_S_OK);
    assert_int_equal(bench_ask(s->b, VBLK_T_IN, 2048, VBLK_SECTOR), VBLK_S_IOERR);
    OK(vblk_port_read_config(s->b->port, 0, &config, (uint32_t)sizeof(config), &got));
    assert_int_equal(got, sizeof(config));
    assert_int_equal(vblk_get64(config.capacity), 2048);
    assert_int_equal(vblk_get16(config.num_queues), 2);
    assert_int_equal(s->fake.connections, 1);
}

static void answers_in_pieces_between_interrupts__are_put_together(void **state)
{
    struct stand *s = *state;

    s->fake.in_pieces = s->fake.chatty = true;
    open_it(s);
    bench_bring_up(s->b, V1, 1);
    assert_int_equal(bench_ask(s->b, VBLK_T_IN, 0, VBLK_SECTOR), VBLK_S_OK);
}

static void no_device__unsupported(void **state)
{
    struct stand *s = *state;

    s->fake.regs = NULL;
    assert_int_equal(try_open(s), VBLK_E_UNSUPPORTED);
    assert_why(s, "no virtio block device in the 32 slots from 0xfeb00000");
    assert_null(s->b->port);
}

static void legacy_device__said_to_be_one(void **state)
{
    struct stand *s = *state;

    s->fake.version = 1;
    assert_int_equal(try_open(s), VBLK_E_UNSUPPORTED);
    assert_why(s, "only a legacy one");
}

static void slots_as_given__are_searched(void **state)
{
    struct stand *s = *state;

    s->options.slots = 3;
    assert_int_equal(try_open(s), VBLK_E_UNSUPPORTED);
    s->options.base = 0xfeb00600;
    s->options.slots = 1;
    OK(try_open(s));
}

static void nobody_listens__io(void **state)
{
    struct stand *s = *state;
    char longer[200];

    s->options.connect_ms = 20;
    assert_int_equal(
        vblk_qtest_open("/nonexistent/sock", s->b->mem, &s->options, &s->b->port, s->b->why, sizeof(s->b->why)),
        VBLK_E_IO);
    assert_why(s, "can't connect to /nonexistent/sock");
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(vblk_qtest_open(longer, s->b->mem, NULL, &s->b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_qtest_open("", s->b->mem, NULL, &s->b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_qtest_open("x", NULL, NULL, &s->b->port, NULL, 0), VBLK_E_INVAL);
}

/* Whatever the peer says that is no answer: gone, with a reason, and back after a new connection. */
static void lost_and_found(struct stand *s, enum fake_quirk quirk, const char *text, const char *why)
{
    uint64_t value;

    fake_misbehave(&s->fake, quirk, 1, text);
    assert_int_equal(vblk_port_read_reg(s->b->port, VBLK_REG_STATUS, 0, &value), VBLK_E_GONE);
    if (!strstr(s->b->port->gone_how, why))
        fail_msg("'%s' does not say '%s'", s->b->port->gone_how, why);
    assert_int_equal(vblk_port_kick(s->b->port, 0, 0), VBLK_E_GONE);
    OK(vblk_port_recover(s->b->port));
    bench_bring_up(s->b, V1, 1);
    assert_int_equal(bench_ask(s->b, VBLK_T_IN, 0, VBLK_SECTOR), VBLK_S_OK);
}

static void garbage__gone_until_recovered(void **state)
{
    static const char *const garbage[] = {
        "\n",
        "OK\n", /* no answer to a read */
        "OK 0x\n",
        "OK 0x0000000000000000f\n",
        "OK 0x100000000\n", /* more than 32 bits */
        "OK 0x00zz\n",
        "OK 0x0 \n",
        "OK 15\n",
        "FAIL Unknown command 'readl'\n",
        "\001\002\377\n",
        "IRQ\n",
    };
    struct stand *s = *state;

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        lost_and_found(s, FAKE_SAYS, garbage[i], "garbage in answer to 'readl 0xfeb00670'");
}

static void endless_line__gone_when_it_is_too_long(void **state)
{
    struct stand *s = *state;
    char line[301];

    memset(line, 'A', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    lost_and_found(s, FAKE_SAYS, line, "a line of more than 255 bytes");
}

static void hang_up__gone(void **state)
{
    lost_and_found(*state, FAKE_HANGS_UP, NULL, "QEMU hung up");
    lost_and_found(*state, FAKE_HANGS_UP_HALF, NULL, "QEMU hung up");
}

static int set_up_impatient(void **state)
{
    struct stand *s;

    set_up(state);
    s = *state;
    s->options.timeout_ms = 300;
    open_it(s);
    return 0;
}

static void silence__gone_when_time_is_up(void **state)
{
    lost_and_found(*state, FAKE_SILENT, NULL, "no answer within 300 ms");
}

static void interrupts_for_ever__gone_when_time_is_up(void **state)
{
    lost_and_found(*state, FAKE_IRQS_FOR_EVER, NULL, "no answer within 300 ms");
}

static void half_a_line__gone_when_time_is_up(void **state)
{
    lost_and_found(*state, FAKE_SAYS, "OK 0x", "no answer within 300 ms");
}

static void write_answered_with_a_value__garbage(void **state)
{
    struct stand *s = *state;

    fake_misbehave(&s->fake, FAKE_SAYS, 1, "OK 0x0\n");
    assert_int_equal(vblk_port_kick(s->b->port, 0, 0), VBLK_E_GONE);
    assert_non_null(strstr(s->b->port->gone_how, "garbage in answer to 'writel"));
}

static void peer_that_is_no_qemu__not_opened(void **state)
{
    struct stand *s = *state;

    fake_misbehave(&s->fake, FAKE_SAYS, 1000, "220 ready\r\n");
    assert_int_equal(try_open(s), VBLK_E_GONE);
    assert_why(s, "garbage in answer to 'readl 0xfeb00000': '220 ready?'");
    assert_null(s->b->port);
}

static void device_lost_between_search_and_opening__not_opened(void **state)
{
    struct stand *s = *state;

    s->fake.quirk = FAKE_HANGS_UP;
    s->fake.times = 1;
    s->fake.from = 1 + 2 * 3 + 3 + 2; /* four slots are looked at, then MagicValue and Version again */
    assert_int_equal(try_open(s), VBLK_E_GONE);
    assert_why(s, "can't read Version: QEMU hung up");
}

static void nobody_there_any_more__not_recovered(void **state)
{
    struct stand *s = *state;
    uint64_t value;

    fake_misbehave(&s->fake, FAKE_HANGS_UP, 1, NULL);
    assert_int_equal(vblk_port_read_reg(s->b->port, VBLK_REG_STATUS, 0, &value), VBLK_E_GONE);
    fake_stop(&s->fake);
    s->started = false;
    assert_int_equal(vblk_port_recover(s->b->port), VBLK_E_GONE);
    assert_non_null(strstr(s->b->port->gone_how, "can't connect to"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OPENED(name) cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_impatient, tear_down)

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        OPENED(device_in_a_slot__is_found_and_serves),
        TEST(answers_in_pieces_between_interrupts__are_put_together),
        TEST(no_device__unsupported),
        TEST(legacy_device__said_to_be_one),
        TEST(slots_as_given__are_searched),
        TEST(nobody_listens__io),
        OPENED(garbage__gone_until_recovered),
        OPENED(endless_line__gone_when_it_is_too_long),
        OPENED(hang_up__gone),
        IMPATIENT(silence__gone_when_time_is_up),
        IMPATIENT(interrupts_for_ever__gone_when_time_is_up),
        IMPATIENT(half_a_line__gone_when_time_is_up),
        OPENED(write_answered_with_a_value__garbage),
        TEST(peer_that_is_no_qemu__not_opened),
        TEST(device_lost_between_search_and_opening__not_opened),
        OPENED(nobody_there_any_more__not_recovered),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
