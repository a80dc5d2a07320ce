/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/builtin.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BASE UINT64_C(0x1000)
#define DESC BASE
#define AVAIL (BASE + 0x1000)
#define USED (BASE + 0x2000)
#define BUF (BASE + 0x4000)

struct seen {
    unsigned of_kind[VBLK_EV_COUNT];
    uint8_t last;
};

static void observe(void *ctx, const struct vblk_event *ev)
{
    struct seen *seen = ctx;

    seen->of_kind[ev->kind]++;
    seen->last = ev->kind;
}

struct bench {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct seen seen;
    uint16_t avail;
};

static void set(struct bench *b, enum vblk_reg reg, uint64_t value)
{
    assert_int_equal(vblk_port_write_reg(b->port, reg, 0, value), VBLK_OK);
}

static uint64_t get(struct bench *b, enum vblk_reg reg)
{
    uint64_t value;

    assert_int_equal(vblk_port_read_reg(b->port, reg, 0, &value), VBLK_OK);
    return value;
}

static void poke16(struct bench *b, uint64_t gpa, uint16_t value)
{
    const vblk_le16 v = vblk_put16(value);

    assert_int_equal(vblk_memory_write(b->mem, VBLK_DRIVER, gpa, &v, 2), VBLK_OK);
}

static uint16_t used_idx(struct bench *b)
{
    vblk_le16 v;

    assert_int_equal(vblk_memory_peek(b->mem, USED + 2, &v, 2), VBLK_OK);
    return vblk_get16(v);
}

static void init(struct bench *b)
{
    set(b, VBLK_REG_STATUS, 0);
    set(b, VBLK_REG_STATUS, 3);
    set(b, VBLK_REG_DRIVER_FEATURES, get(b, VBLK_REG_DEVICE_FEATURES));
    set(b, VBLK_REG_STATUS, 11);
    set(b, VBLK_REG_QUEUE_SIZE, 8);
    set(b, VBLK_REG_QUEUE_DESC, DESC);
    set(b, VBLK_REG_QUEUE_DRIVER, AVAIL);
    set(b, VBLK_REG_QUEUE_DEVICE, USED);
    b->avail = 0;
    poke16(b, AVAIL + 2, 0);
    poke16(b, USED + 2, 0);
    set(b, VBLK_REG_QUEUE_ENABLE, 1);
    set(b, VBLK_REG_STATUS, 15);
    assert_int_equal(get(b, VBLK_REG_STATUS), 15);
}

static struct bench *make(void)
{
    static struct bench b;
    const struct vblk_region region = { .gpa = BASE, .size = 0x100000, .fd = -1 };
    struct vblk_device_options options;
    const char *why = "";

    memset(&b, 0, sizeof b);
    b.mem = vblk_memory_new();
    assert_non_null(b.mem);
    assert_int_equal(vblk_memory_add(b.mem, &region), VBLK_OK);
    vblk_device_defaults(&options);
    b.port = vblk_builtin_new(&options, b.mem, &why);
    assert_non_null(b.port);
    b.port->observe = observe;
    b.port->observe_ctx = &b.seen;
    init(&b);
    return &b;
}

static void drop(struct bench *b)
{
    vblk_port_close(b->port);
    vblk_memory_free(b->mem);
}

static void descriptor(struct bench *b, unsigned i, uint64_t gpa, uint32_t len, unsigned flags)
{
    const struct vblk_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16((uint16_t)flags),
                                 vblk_put16((uint16_t)(i + 1)) };

    assert_int_equal(vblk_memory_write(b->mem, VBLK_DRIVER, DESC + i * sizeof d, &d, sizeof d), VBLK_OK);
}

/* One request of 512 bytes at descriptor @p i; the data lies at BUF + 16. */
static void offer(struct bench *b, unsigned i, uint32_t type, uint64_t sector)
{
    const struct vblk_request_header header = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };

    assert_int_equal(vblk_memory_write(b->mem, VBLK_DRIVER, BUF, &header, sizeof header), VBLK_OK);
    descriptor(b, i, BUF, type == VBLK_T_OUT ? 528 : 16, VBLK_DESC_NEXT);
    descriptor(b, i + 1, type == VBLK_T_OUT ? BUF + 528 : BUF + 16, type == VBLK_T_OUT ? 1 : 513, VBLK_DESC_WRITE);
    poke16(b, AVAIL + 4 + b->avail % 8 * 2, (uint16_t)i);
    poke16(b, AVAIL + 2, ++b->avail);
}

static uint8_t ask(struct bench *b, uint32_t type, uint64_t sector)
{
    uint8_t status;

    offer(b, 0, type, sector);
    assert_int_equal(vblk_port_kick(b->port, 0, 0), VBLK_OK);
    assert_int_equal(used_idx(b), b->avail);
    assert_int_equal(vblk_memory_peek(b->mem, BUF + 528, &status, 1), VBLK_OK);
    return status;
}

static uint8_t first_byte(struct bench *b, uint64_t sector)
{
    uint8_t byte;

    assert_int_equal(ask(b, VBLK_T_IN, sector), VBLK_S_OK);
    assert_int_equal(vblk_memory_peek(b->mem, BUF + 16, &byte, 1), VBLK_OK);
    return byte;
}

static void fill(struct bench *b, uint64_t sector, uint8_t byte)
{
    assert_int_equal(vblk_memory_fill(b->mem, VBLK_DRIVER, BUF + 16, byte, 512), VBLK_OK);
    assert_int_equal(ask(b, VBLK_T_OUT, sector), VBLK_S_OK);
}

static void options__refused_with_the_devices_sentence(void **state)
{
    struct vblk_device_options options;
    const char *why = NULL;

    (void)state;
    vblk_device_defaults(&options);
    options.capacity = UINT64_MAX;
    assert_null(vblk_builtin_new(&options, NULL, &why));
    assert_non_null(strstr(why, "capacity"));
    assert_null(vblk_builtin_new(&options, NULL, NULL));
}

static void kick__serves_at_once_and_wait_never_waits(void **state)
{
    struct bench *b = make();
    uint32_t capacity = 0, got;

    (void)state;
    assert_string_equal(b->port->kind, "builtin");
    assert_int_equal(vblk_port_wait(b->port, 0, UINT32_MAX), VBLK_E_TIMEOUT);
    fill(b, 3, 0x77);
    assert_int_equal(b->seen.of_kind[VBLK_EV_KICK], 1);
    assert_int_equal(b->seen.of_kind[VBLK_EV_USED_NOTIFY], 1);
    assert_int_equal(b->port->used_notified, 1);
    assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_OK);
    assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_E_TIMEOUT);
    assert_int_equal(first_byte(b, 3), 0x77);
    assert_int_equal(vblk_port_read_config(b->port, 0, &capacity, 4, &got), VBLK_OK);
    assert_int_equal(got, 4);
    assert_int_equal(vblk_port_write_config(b->port, 32, "\0", 1), VBLK_OK);
    assert_true(vblk_device_writes_through(vblk_builtin_device(b->port)));
    drop(b);
}

static void host__resize_grows_and_cuts_the_disk(void **state)
{
    struct bench *b = make();
    const uint64_t old = UINT64_C(1) << 21;

    (void)state;
    assert_int_equal(ask(b, VBLK_T_IN, old), VBLK_S_IOERR);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_RESIZE, old + 8, 0), VBLK_OK);
    assert_int_equal(b->seen.of_kind[VBLK_EV_CONFIG_NOTIFY], 1);
    fill(b, old, 5);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_RESIZE, UINT64_MAX, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_port_recover(b->port), VBLK_OK);
    assert_int_equal(b->seen.last, VBLK_EV_BACK);
    init(b);
    assert_int_equal(ask(b, VBLK_T_IN, old), VBLK_S_IOERR);
    assert_int_equal(vblk_store_allocated(vblk_builtin_store(b->port)), 0);
    drop(b);
}

static void host__failures_and_the_pool_are_undone_by_recovery(void **state)
{
    struct bench *b = make();

    (void)state;
    fill(b, 0, 1);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_FAIL_SECTORS, 0, 1), VBLK_OK);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_POOL, 0, 0), VBLK_OK);
    assert_int_equal(ask(b, VBLK_T_IN, 0), VBLK_S_IOERR);
    assert_int_equal(ask(b, VBLK_T_OUT, 1), VBLK_S_IOERR);
    assert_int_equal(vblk_port_recover(b->port), VBLK_OK);
    init(b);
    assert_int_equal(first_byte(b, 0), 1);
    fill(b, 1, 2);
    drop(b);
}

static void host__power_cut_reverts_and_restarts(void **state)
{
    struct bench *b = make();

    (void)state;
    fill(b, 0, 1);
    assert_int_equal(ask(b, VBLK_T_FLUSH, 0), VBLK_S_OK);
    fill(b, 0, 2);
    fill(b, 1, 2);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_POWER_CUT, 2, 0), VBLK_OK);
    assert_int_equal(b->seen.last, VBLK_EV_POWER_CUT);
    assert_int_equal(get(b, VBLK_REG_STATUS), 0);
    assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_E_TIMEOUT);
    init(b);
    assert_int_equal(first_byte(b, 0), 1);
    assert_int_equal(first_byte(b, 1), 2);
    drop(b);
}

static void host__needs_reset_and_set_config_notify(void **state)
{
    struct bench *b = make();
    vblk_le32 value;

    (void)state;
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_SET_CONFIG, 72, 99), VBLK_OK);
    assert_int_equal(b->port->config_notified, 1);
    assert_int_equal(vblk_port_read_config(b->port, 72, &value, 4, NULL), VBLK_OK);
    assert_int_equal(vblk_get32(value), 99);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_SET_CONFIG, 77, 99), VBLK_E_INVAL);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_SET_CONFIG, UINT64_MAX, 99), VBLK_E_INVAL);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_NEEDS_RESET, 0, 0), VBLK_OK);
    assert_int_equal(b->port->config_notified, 2);
    assert_true(get(b, VBLK_REG_STATUS) & VBLK_STATUS_NEEDS_RESET);
    drop(b);
}

static void host__hold_and_reverse_order_completions(void **state)
{
    struct bench *b = make();
    vblk_le32 id;

    (void)state;
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_HOLD, 1, 0), VBLK_OK);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_REVERSE, 1, 0), VBLK_OK);
    offer(b, 0, VBLK_T_IN, 0);
    offer(b, 2, VBLK_T_IN, 0);
    assert_int_equal(vblk_port_kick(b->port, 0, 0), VBLK_OK);
    assert_int_equal(used_idx(b), 0);
    assert_int_equal(vblk_port_host(b->port, VBLK_HOST_HOLD, 0, 0), VBLK_OK);
    assert_int_equal(used_idx(b), 2);
    assert_int_equal(vblk_memory_peek(b->mem, USED + 4, &id, 4), VBLK_OK);
    assert_int_equal(vblk_get32(id), 2);
    drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__refused_with_the_devices_sentence),
        cmocka_unit_test(kick__serves_at_once_and_wait_never_waits),
        cmocka_unit_test(host__resize_grows_and_cuts_the_disk),
        cmocka_unit_test(host__failures_and_the_pool_are_undone_by_recovery),
        cmocka_unit_test(host__power_cut_reverts_and_restarts),
        cmocka_unit_test(host__needs_reset_and_set_config_notify),
        cmocka_unit_test(host__hold_and_reverse_order_completions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
