/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-mmio port over the reference device's registers, each access watched. */
#define _POSIX_C_SOURCE 200809L
#include "mmio_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define V1 VBLK_BIT(VBLK_F_VERSION_1)

static int set_up(void **state)
{
    *state = bench_with_device();
    return 0;
}

static int set_up_open(void **state)
{
    set_up(state);
    bench_open(*state);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static void assert_access(const struct bench *b, size_t i, bool write, uint32_t offset, uint32_t value)
{
    assert_true(i < b->spy.count);
    assert_int_equal(b->spy.seen[i].write, write);
    assert_int_equal(b->spy.seen[i].offset, offset);
    assert_int_equal(b->spy.seen[i].width, 4);
    if (write)
        assert_int_equal(b->spy.seen[i].value, value);
}

static vblk_err try_open(struct bench *b)
{
    return vblk_mmio_open(&b->bus, b->mem, NULL, &b->port, b->why, sizeof(b->why));
}

static void open__reads_magic_version_and_id_in_this_order(void **state)
{
    struct bench *b = *state;

    OK(try_open(b));
    assert_int_equal(b->spy.count, 3);
    assert_access(b, 0, false, VBLK_MMIO_MAGIC_VALUE, 0);
    assert_access(b, 1, false, VBLK_MMIO_VERSION, 0);
    assert_access(b, 2, false, VBLK_MMIO_DEVICE_ID, 0);
    assert_string_equal(b->port->kind, "mmio");
    assert_int_equal(b->port->grade, VBLK_GRADE_SNAPSHOT);
}

static void something_else_there__is_left_alone_from_then_on(void **state)
{
    static const struct {
        uint32_t offset, value;
        size_t accesses;
        const char *name;
    } wrong[] = {
        { VBLK_MMIO_MAGIC_VALUE, 0x12345678, 1, "MagicValue is 0x12345678" },
        { VBLK_MMIO_VERSION, 1, 2, "Version is 0x1" },
        { VBLK_MMIO_DEVICE_ID, 0, 3, "DeviceID is 0x0" },
        { VBLK_MMIO_DEVICE_ID, 1, 3, "DeviceID is 0x1" },
    };
    struct bench *b = *state;

    b->spy.lying = true;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        b->spy.count = 0;
        b->spy.lie_at = wrong[i].offset;
        b->spy.lie = wrong[i].value;
        assert_int_equal(try_open(b), VBLK_E_UNSUPPORTED);
        assert_int_equal(b->spy.count, wrong[i].accesses);
        assert_non_null(strstr(b->why, wrong[i].name));
        assert_null(b->port);
    }
    assert_int_equal(b->spy.closed, 0);
}

static void registers_out_of_reach__gone_with_a_sentence(void **state)
{
    struct bench *b = *state;

    b->spy.breaks_after = 1;
    b->spy.breaks_with = VBLK_E_TIMEOUT;
    assert_int_equal(try_open(b), VBLK_E_GONE);
    assert_non_null(strstr(b->why, "can't read Version"));
    b->bus.gone_how = "the cable is out";
    b->spy.count = 0;
    assert_int_equal(try_open(b), VBLK_E_GONE);
    assert_non_null(strstr(b->why, "the cable is out"));
}

static void incomplete_arguments__refused(void **state)
{
    struct bench *b = *state;
    struct vblk_mmio_bus half = b->bus;

    half.write = NULL;
    assert_int_equal(vblk_mmio_open(&half, b->mem, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
    half.read = NULL;
    assert_int_equal(vblk_mmio_open(&half, b->mem, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_mmio_open(NULL, b->mem, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_mmio_open(&b->bus, NULL, NULL, &b->port, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_mmio_open(&b->bus, b->mem, NULL, NULL, NULL, 0), VBLK_E_INVAL);
    assert_int_equal(b->spy.count, 0);
}

static void features__are_selected_word_by_word(void **state)
{
    struct bench *b = *state;
    const uint64_t accepted = V1 | VBLK_BIT(VBLK_F_FLUSH);

    assert_int_equal(bench_get(b, VBLK_REG_DEVICE_FEATURES, 0), vblk_device_options_of(b->device)->features);
    assert_int_equal(b->spy.count, 4);
    assert_access(b, 0, true, VBLK_MMIO_DEVICE_FEATURES_SEL, 0);
    assert_access(b, 1, false, VBLK_MMIO_DEVICE_FEATURES, 0);
    assert_access(b, 2, true, VBLK_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_access(b, 3, false, VBLK_MMIO_DEVICE_FEATURES, 0);
    bench_put(b, VBLK_REG_DRIVER_FEATURES, 0, accepted);
    assert_access(b, 4, true, VBLK_MMIO_DRIVER_FEATURES_SEL, 0);
    assert_access(b, 5, true, VBLK_MMIO_DRIVER_FEATURES, (uint32_t)accepted);
    assert_access(b, 6, true, VBLK_MMIO_DRIVER_FEATURES_SEL, 1);
    assert_access(b, 7, true, VBLK_MMIO_DRIVER_FEATURES, 1);
    assert_int_equal(vblk_device_read_reg(b->device, VBLK_REG_DRIVER_FEATURES, 0), accepted);
}

static void write_only_registers__read_as_written_and_say_so(void **state)
{
    static const enum vblk_reg regs[] = { VBLK_REG_DRIVER_FEATURES, VBLK_REG_QUEUE_SIZE, VBLK_REG_QUEUE_DESC,
                                          VBLK_REG_QUEUE_DRIVER, VBLK_REG_QUEUE_DEVICE };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        const uint64_t value = regs[i] == VBLK_REG_QUEUE_SIZE ? 8 : 0x1234567890 + i;
        size_t before;

        bench_put(b, regs[i], 1, value);
        before = b->spy.count;
        assert_int_equal(bench_get(b, regs[i], 1), value);
        assert_int_equal(b->spy.count, before);
        assert_int_equal(bench_event(b, VBLK_EV_REG_READ)->flags, VBLK_EV_EMULATED);
        assert_int_equal(bench_event(b, VBLK_EV_REG_WRITE)->flags, 0);
    }
    bench_put(b, VBLK_REG_STATUS, 0, 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_DESC, 1), 0);
    assert_int_equal(bench_get(b, VBLK_REG_DRIVER_FEATURES, 0), 0);
}

static void queue_registers__reach_the_queue_selected(void **state)
{
    struct bench *b = *state;
    struct vblk_queue_layout at;

    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_MAX, 1), 256);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_MAX, 2), 0);
    bench_put(b, VBLK_REG_QUEUE_SIZE, 1, 16);
    bench_put(b, VBLK_REG_QUEUE_DESC, 1, 0x123456789a0);
    bench_put(b, VBLK_REG_QUEUE_DRIVER, 1, UINT64_MAX - 0xf);
    bench_put(b, VBLK_REG_QUEUE_DEVICE, 1, 0x100000);
    OK(vblk_device_queue(b->device, 1, &at));
    assert_int_equal(at.size, 16);
    assert_int_equal(at.desc, 0x123456789a0);
    assert_int_equal(at.driver, UINT64_MAX - 0xf);
    assert_int_equal(at.device, 0x100000);
    OK(vblk_device_queue(b->device, 0, &at));
    assert_int_equal(at.desc, 0);
}

static void num_queues__counted_by_their_sizes(void **state)
{
    struct bench *b = *state;

    assert_int_equal(bench_get(b, VBLK_REG_NUM_QUEUES, 0), 2);
    assert_int_equal(bench_event(b, VBLK_EV_REG_READ)->flags, VBLK_EV_EMULATED);
    b->spy.lying = true; /* no end of queues */
    b->spy.lie_at = VBLK_MMIO_QUEUE_NUM_MAX;
    b->spy.lie = 1;
    assert_int_equal(bench_get(b, VBLK_REG_NUM_QUEUES, 0), 1024);
}

static void queue_stopped__ready_is_read_back(void **state)
{
    struct bench *b = *state;

    bench_bring_up(b, V1, 1);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_ENABLE, 0), 1);
    b->spy.count = 0;
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 0, 0);
    assert_int_equal(b->spy.count, 3);
    assert_access(b, 0, true, VBLK_MMIO_QUEUE_SEL, 0);
    assert_access(b, 1, true, VBLK_MMIO_QUEUE_READY, 0);
    assert_access(b, 2, false, VBLK_MMIO_QUEUE_READY, 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_ENABLE, 0), 0);
}

static void queue_reset__goes_to_the_device_and_forgets(void **state)
{
    struct bench *b = *state;

    bench_bring_up(b, V1, 2);
    b->spy.count = 0;
    bench_put(b, VBLK_REG_QUEUE_RESET, 1, 1);
    assert_access(b, 0, true, VBLK_MMIO_QUEUE_SEL, 1);
    assert_access(b, 1, true, VBLK_MMIO_QUEUE_RESET, 1);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_RESET, 1), 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_DESC, 1), 0);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_SIZE, 0), 4);
}

static void queue_of_a_high_number__is_carried_but_not_remembered(void **state)
{
    struct bench *b = *state;

    b->spy.count = 0;
    bench_put(b, VBLK_REG_QUEUE_DESC, 5000, 0x1000);
    assert_access(b, 0, true, VBLK_MMIO_QUEUE_SEL, 5000);
    assert_access(b, 1, true, VBLK_MMIO_QUEUE_DESC_LOW, 0x1000);
    bench_put(b, VBLK_REG_QUEUE_SIZE, 5000, 1);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 5000, 0);
    bench_put(b, VBLK_REG_QUEUE_RESET, 5000, 1);
    assert_int_equal(bench_get(b, VBLK_REG_QUEUE_DESC, 5000), 0);
}

static void read_only_register_written__never_reaches_the_device(void **state)
{
    struct bench *b = *state;

    bench_put(b, VBLK_REG_GENERATION, 0, 3);
    assert_int_equal(b->spy.count, 0);
    assert_int_equal(bench_event(b, VBLK_EV_REG_WRITE)->flags, VBLK_EV_EMULATED);
    assert_int_equal(bench_get(b, VBLK_REG_DEVICE_ID, 0), VBLK_DEVICE_ID_BLOCK);
    assert_int_equal(bench_get(b, VBLK_REG_GENERATION, 0), vblk_device_read_reg(b->device, VBLK_REG_GENERATION, 0));
}

static void register_unknown__unsupported(void **state)
{
    struct bench *b = *state;
    uint64_t value;

    assert_int_equal(vblk_port_read_reg(b->port, VBLK_REG_COUNT, 0, &value), VBLK_E_UNSUPPORTED);
    OK(vblk_port_write_reg(b->port, VBLK_REG_COUNT, 0, 1));
    assert_int_equal(b->spy.count, 0);
}

/* A field, half of one of 64 bits, or padding. */
static bool natural(const struct spied *access)
{
    const uint32_t at = access->offset - VBLK_MMIO_CONFIG;
    struct vblk_config_field field;

    for (size_t i = 0; vblk_config_field_at(vblk_profile_default(), i, &field); i++)
        if (at >= field.offset && at < (uint32_t)field.offset + field.width)
            return access->width == (field.width > 4 ? 4u : field.width) && at % access->width == 0;
    return access->width == 1;
}

static void config__read_in_natural_widths(void **state)
{
    struct bench *b = *state;
    uint8_t all[VBLK_CONFIG_MAX], want[VBLK_CONFIG_MAX];
    uint32_t length = (uint32_t)bench_get(b, VBLK_REG_CONFIG_LENGTH, 0), got;

    assert_int_equal(length, vblk_device_read_reg(b->device, VBLK_REG_CONFIG_LENGTH, 0));
    assert_int_equal(bench_event(b, VBLK_EV_REG_READ)->flags, VBLK_EV_EMULATED);
    b->spy.count = 0;
    OK(vblk_port_read_config(b->port, 0, all, sizeof(all), &got));
    assert_int_equal(got, length);
    assert_int_equal(vblk_device_read_config(b->device, 0, want, length), length);
    assert_memory_equal(all, want, length);
    assert_true(b->spy.count > 20);
    for (size_t i = 0; i < b->spy.count; i++)
        if (!natural(&b->spy.seen[i]))
            fail_msg("%u bytes at configuration offset %u", b->spy.seen[i].width,
                     b->spy.seen[i].offset - VBLK_MMIO_CONFIG);
}

static void config_parts__read_by_whole_fields(void **state)
{
    struct bench *b = *state;
    uint8_t part[6], want[6];
    uint32_t got;

    (void)bench_get(b, VBLK_REG_DEVICE_FEATURES, 0);
    b->spy.count = 0;
    OK(vblk_port_read_config(b->port, 14, part, sizeof(part), &got)); /* seg_max, cylinders, heads, sectors */
    assert_int_equal(got, sizeof(part));
    (void)vblk_device_read_config(b->device, 14, want, sizeof(want));
    assert_memory_equal(part, want, sizeof(part));
    assert_int_equal(b->spy.count, 4);
    assert_int_equal(b->spy.seen[0].offset, VBLK_MMIO_CONFIG + 12);
    assert_int_equal(b->spy.seen[0].width, 4);
    OK(vblk_port_read_config(b->port, 200, part, 1, &got));
    assert_int_equal(got, 0);
    assert_int_equal(b->spy.count, 4);
}

static void config__as_long_as_the_features_offered_need(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[80];
    uint32_t got;

    b->spy.lying = true;
    b->spy.lie_at = VBLK_MMIO_DEVICE_FEATURES;
    b->spy.lie = (uint32_t)VBLK_BIT(VBLK_F_BLK_SIZE);
    assert_int_equal(bench_get(b, VBLK_REG_CONFIG_LENGTH, 0), 24);
    OK(vblk_port_read_config(b->port, 20, bytes, sizeof(bytes), &got));
    assert_int_equal(got, 4);
}

static void config_writes__natural_where_they_can_be(void **state)
{
    const uint8_t bytes[4] = { 1, 2, 3, 4 };
    struct bench *b = *state;

    bench_bring_up(b, V1 | VBLK_BIT(VBLK_F_CONFIG_WCE) | VBLK_BIT(VBLK_F_FLUSH), 0);
    (void)bench_get(b, VBLK_REG_DEVICE_FEATURES, 0);
    b->spy.count = 0;
    OK(vblk_port_write_config(b->port, 32, bytes, 1)); /* writeback */
    OK(vblk_port_write_config(b->port, 20, bytes, 4)); /* blk_size */
    OK(vblk_port_write_config(b->port, 22, bytes, 2)); /* a half of it */
    OK(vblk_port_write_config(b->port, 300, bytes, 2));
    assert_int_equal(b->spy.count, 4);
    assert_int_equal(b->spy.seen[0].width, 1);
    assert_int_equal(b->spy.seen[0].value, 1);
    assert_int_equal(b->spy.seen[1].width, 4);
    assert_int_equal(b->spy.seen[1].value, 0x04030201);
    assert_int_equal(b->spy.seen[2].width, 1);
    assert_int_equal(b->spy.seen[3].offset, VBLK_MMIO_CONFIG + 23);
    assert_int_equal(b->spy.seen[3].value, 2);
}

static void request__answered_notified_and_acknowledged(void **state)
{
    struct bench *b = *state;
    char id[VBLK_ID_BYTES + 1] = "";

    bench_bring_up(b, V1, 1);
    b->spy.count = 0;
    assert_int_equal(bench_ask(b, VBLK_T_GET_ID, 0, VBLK_ID_BYTES), VBLK_S_OK);
    bench_data(b, id, VBLK_ID_BYTES);
    assert_string_equal(id, vblk_device_options_of(b->device)->serial);
    assert_int_equal(b->spy.count, 3);
    assert_access(b, 0, true, VBLK_MMIO_QUEUE_NOTIFY, 0);
    assert_access(b, 1, false, VBLK_MMIO_INTERRUPT_STATUS, 0);
    assert_access(b, 2, true, VBLK_MMIO_INTERRUPT_ACK, VBLK_MMIO_INT_USED_BUFFER);
    assert_int_equal(b->port->used_notified, 1);
    assert_int_equal(bench_event(b, VBLK_EV_USED_NOTIFY)->flags, 0);
    assert_false(vblk_mmio_device_interrupt(b->regs));
    assert_int_equal(vblk_port_wait(b->port, 0, 0), VBLK_E_TIMEOUT);
}

static void notification_data__written_as_it_is(void **state)
{
    struct bench *b = *state;

    bench_bring_up(b, V1, 1);
    b->spy.count = 0;
    OK(vblk_port_kick(b->port, 0, 0x80050000));
    assert_access(b, 0, true, VBLK_MMIO_QUEUE_NOTIFY, 0x80050000);
}

static void used_bit_with_two_queues__means_either(void **state)
{
    struct bench *b = *state;
    unsigned queues = 0, guesses = 0;

    bench_bring_up(b, V1 | VBLK_BIT(VBLK_F_MQ), 2);
    b->event_count = 0;
    assert_int_equal(bench_ask(b, VBLK_T_IN, 0, VBLK_SECTOR), VBLK_S_OK);
    for (size_t i = 0; i < b->event_count; i++) {
        if (b->events[i].kind != VBLK_EV_USED_NOTIFY)
            continue;
        queues |= 1u << b->events[i].queue;
        guesses += b->events[i].flags == VBLK_EV_EMULATED;
    }
    assert_int_equal(queues, 3);
    assert_int_equal(guesses, 2);
}

static void used_bit_without_a_queue__is_told_all_the_same(void **state)
{
    struct bench *b = *state;

    b->spy.lying = true;
    b->spy.lie_at = VBLK_MMIO_INTERRUPT_STATUS;
    b->spy.lie = 0xfffffffd;
    OK(vblk_port_wait(b->port, 0, 10));
    assert_int_equal(b->port->used_notified, 1);
    assert_int_equal(b->port->config_notified, 0);
    assert_access(b, 1, true, VBLK_MMIO_INTERRUPT_ACK, 1);
}

static void undefined_bits_alone__are_ignored(void **state)
{
    struct bench *b = *state;

    b->spy.lying = true;
    b->spy.lie_at = VBLK_MMIO_INTERRUPT_STATUS;
    b->spy.lie = 0xfffffffc;
    assert_int_equal(vblk_port_wait(b->port, 0, 2), VBLK_E_TIMEOUT);
    for (size_t i = 0; i < b->spy.count && i < SPY_MAX; i++)
        assert_false(b->spy.seen[i].write);
    assert_int_equal(b->port->used_notified + b->port->config_notified, 0);
}

static void config_change__told_with_a_new_generation(void **state)
{
    struct bench *b = *state;
    uint64_t generation;

    bench_bring_up(b, V1, 1);
    generation = bench_get(b, VBLK_REG_GENERATION, 0);
    OK(vblk_store_resize(b->store, 4096));
    vblk_device_resize(b->device, 4096);
    OK(vblk_port_wait(b->port, 0, 10));
    assert_int_equal(b->port->config_notified, 1);
    assert_int_equal(b->port->used_notified, 0);
    assert_true(bench_get(b, VBLK_REG_GENERATION, 0) != generation);
}

static void needs_reset__its_notification_comes_with_the_status(void **state)
{
    struct bench *b = *state;

    bench_bring_up(b, V1, 1);
    vblk_device_needs_reset(b->device);
    assert_true(bench_get(b, VBLK_REG_STATUS, 0) & VBLK_STATUS_NEEDS_RESET);
    assert_int_equal(b->port->config_notified, 1);
    assert_false(vblk_mmio_device_interrupt(b->regs));
}

static void bus_that_knows_when__is_asked_instead_of_polled(void **state)
{
    struct bench *b = *state;
    struct vblk_mmio_bus bus = vblk_mmio_device_bus(b->regs);

    OK(vblk_mmio_open(&bus, b->mem, NULL, &b->port, NULL, 0));
    bench_bring_up(b, V1, 1);
    assert_int_equal(vblk_port_wait(b->port, 0, 1000000), VBLK_E_TIMEOUT); /* at once */
    assert_int_equal(bench_ask(b, VBLK_T_IN, 0, VBLK_SECTOR), VBLK_S_OK);
}

static vblk_err wait_fails(void *ctx, unsigned ms)
{
    (void)ctx;
    (void)ms;
    return VBLK_E_IO;
}

static void bus_that_fails_to_wait__gone(void **state)
{
    struct bench *b = *state;

    b->bus.wait = wait_fails;
    bench_open(b);
    assert_int_equal(vblk_port_wait(b->port, 0, 10), VBLK_E_GONE);
}

/* Each operation, with the bus breaking down at each of its accesses. */
static vblk_err operate(struct bench *b, unsigned which)
{
    uint8_t bytes[80] = { 0 };
    uint64_t value;

    switch (which) {
    case 0:
        return vblk_port_read_reg(b->port, VBLK_REG_DEVICE_FEATURES, 0, &value);
    case 1:
        return vblk_port_write_reg(b->port, VBLK_REG_DRIVER_FEATURES, 0, V1);
    case 2:
        return vblk_port_read_reg(b->port, VBLK_REG_NUM_QUEUES, 0, &value);
    case 3:
        return vblk_port_write_reg(b->port, VBLK_REG_QUEUE_DESC, 0, BENCH_GPA);
    case 4:
        return vblk_port_write_reg(b->port, VBLK_REG_QUEUE_ENABLE, 0, 0);
    case 5:
        return vblk_port_read_config(b->port, 0, bytes, sizeof(bytes), NULL);
    case 6:
        return vblk_port_write_config(b->port, 32, bytes, 1);
    case 7:
        return vblk_port_kick(b->port, 0, 0);
    case 8:
        return vblk_port_read_reg(b->port, VBLK_REG_CONFIG_LENGTH, 0, &value);
    case 9:
        return vblk_port_write_reg(b->port, VBLK_REG_QUEUE_RESET, 0, 1);
    default:
        vblk_device_needs_reset(b->device);
        return vblk_port_wait(b->port, 0, 1);
    }
}

static void bus_breaks_down_anywhere__gone_and_back(void **state)
{
    struct bench *b = *state;

    for (unsigned which = 0; which <= 10; which++) {
        vblk_err err = VBLK_E_GONE;

        for (size_t after = 0; err == VBLK_E_GONE; after++) {
            vblk_port_close(b->port);
            bench_open(b);
            bench_bring_up(b, V1, 1);
            b->spy.count = 0;
            b->spy.breaks_after = after;
            b->spy.breaks_with = after % 2 ? VBLK_E_IO : VBLK_E_GONE;
            err = operate(b, which);
            assert_true(err == VBLK_E_GONE || (err == VBLK_OK && after > 0));
            assert_true(after < 100);
            if (err)
                OK(vblk_port_recover(b->port));
            assert_int_equal(vblk_device_read_reg(b->device, VBLK_REG_STATUS, 0) == 0, err != VBLK_OK);
            b->spy.breaks_after = SIZE_MAX;
        }
    }
    assert_true(b->spy.recovered > 20);
}

static void device_that_never_resets__not_recovered(void **state)
{
    struct bench *b = *state;

    b->spy.lying = true;
    b->spy.lie_at = VBLK_MMIO_STATUS;
    b->spy.lie = 4;
    assert_int_equal(vblk_port_recover(b->port), VBLK_E_GONE);
    b->spy.lie_at = VBLK_MMIO_DEVICE_ID;
    assert_int_equal(vblk_port_recover(b->port), VBLK_E_UNSUPPORTED);
    b->spy.lying = false;
    OK(vblk_port_recover(b->port));
}

static void bus_without_recovery__is_reset_only(void **state)
{
    struct bench *b = *state;

    b->bus.recover = NULL;
    b->bus.close = NULL;
    bench_open(b);
    bench_bring_up(b, V1, 1);
    OK(vblk_port_recover(b->port));
    assert_int_equal(vblk_device_read_reg(b->device, VBLK_REG_STATUS, 0), 0);
}

static void scratch_file(char path[32], off_t size)
{
    int fd;

    strcpy(path, "/tmp/vblk-ram-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(pwrite(fd, "RAM", 3, 0x2000), 3);
    close(fd);
}

static void memory_file__is_shared_with_whoever_else_maps_it(void **state)
{
    struct bench *b = *state;
    char path[32], bytes[4] = "";
    FILE *file;

    scratch_file(path, 0x4000);
    OK(vblk_memory_add_file(b->mem, 0x2000, path, 0x2000, 0x2000));
    OK(vblk_memory_read(b->mem, VBLK_DRIVER, 0x2000, bytes, 3));
    assert_string_equal(bytes, "RAM");
    OK(vblk_memory_write(b->mem, VBLK_DRIVER, 0x3fff, "!", 1));
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0x3fff, SEEK_SET), 0);
    assert_int_equal(fgetc(file), '!');
    fclose(file);
    unlink(path);
}

static void memory_file_that_does_not_fit__refused(void **state)
{
    struct bench *b = *state;
    char path[32];

    scratch_file(path, 0x4000);
    assert_int_equal(vblk_memory_add_file(b->mem, 0x2000, path, 0x2000, 0x2001), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_add_file(b->mem, 0x2000, path, 0x8000, 1), VBLK_E_RANGE);
    assert_int_equal(vblk_memory_add_file(b->mem, 0x2000, path, 0x10, 0x1000), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_file(b->mem, 0x2000, path, 0, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_file(b->mem, BENCH_GPA, path, 0, 0x1000), VBLK_E_INVAL);
    unlink(path);
    assert_int_equal(vblk_memory_add_file(b->mem, 0x2000, path, 0, 0x1000), VBLK_E_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define OPENED(name) cmocka_unit_test_setup_teardown(name, set_up_open, tear_down)

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(open__reads_magic_version_and_id_in_this_order),
        TEST(something_else_there__is_left_alone_from_then_on),
        TEST(registers_out_of_reach__gone_with_a_sentence),
        TEST(incomplete_arguments__refused),
        OPENED(features__are_selected_word_by_word),
        OPENED(write_only_registers__read_as_written_and_say_so),
        OPENED(queue_registers__reach_the_queue_selected),
        OPENED(num_queues__counted_by_their_sizes),
        OPENED(queue_stopped__ready_is_read_back),
        OPENED(queue_reset__goes_to_the_device_and_forgets),
        OPENED(queue_of_a_high_number__is_carried_but_not_remembered),
        OPENED(read_only_register_written__never_reaches_the_device),
        OPENED(register_unknown__unsupported),
        OPENED(config__read_in_natural_widths),
        OPENED(config_parts__read_by_whole_fields),
        OPENED(config__as_long_as_the_features_offered_need),
        OPENED(config_writes__natural_where_they_can_be),
        OPENED(request__answered_notified_and_acknowledged),
        OPENED(notification_data__written_as_it_is),
        OPENED(used_bit_with_two_queues__means_either),
        OPENED(used_bit_without_a_queue__is_told_all_the_same),
        OPENED(undefined_bits_alone__are_ignored),
        OPENED(config_change__told_with_a_new_generation),
        OPENED(needs_reset__its_notification_comes_with_the_status),
        TEST(bus_that_knows_when__is_asked_instead_of_polled),
        TEST(bus_that_fails_to_wait__gone),
        OPENED(bus_breaks_down_anywhere__gone_and_back),
        OPENED(device_that_never_resets__not_recovered),
        TEST(bus_without_recovery__is_reset_only),
        TEST(memory_file__is_shared_with_whoever_else_maps_it),
        TEST(memory_file_that_does_not_fit__refused),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
