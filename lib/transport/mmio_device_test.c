/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers in front of the reference device, as a driver sees them. */
#include "mmio_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = bench_with_device();
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static uint32_t get(struct bench *b, uint32_t offset)
{
    return vblk_mmio_device_read(b->regs, offset, 4);
}

static void put(struct bench *b, uint32_t offset, uint32_t value)
{
    vblk_mmio_device_write(b->regs, offset, 4, value);
}

static void live(struct bench *b)
{
    put(b, VBLK_MMIO_DRIVER_FEATURES_SEL, 1);
    put(b, VBLK_MMIO_STATUS, 3);
    put(b, VBLK_MMIO_DRIVER_FEATURES, 1);
    put(b, VBLK_MMIO_STATUS, 11);
    put(b, VBLK_MMIO_STATUS, 15);
    assert_int_equal(get(b, VBLK_MMIO_STATUS), 15);
}

static void identity__is_a_modern_block_device(void **state)
{
    struct bench *b = *state;

    assert_int_equal(get(b, VBLK_MMIO_MAGIC_VALUE), 0x74726976);
    assert_int_equal(get(b, VBLK_MMIO_VERSION), 2);
    assert_int_equal(get(b, VBLK_MMIO_DEVICE_ID), 2);
    assert_true(get(b, VBLK_MMIO_VENDOR_ID) != 0);
}

static void shared_memory__there_is_none(void **state)
{
    struct bench *b = *state;

    put(b, VBLK_MMIO_SHM_SEL, 0);
    for (uint32_t i = 0; i < 16; i += 4)
        assert_int_equal(get(b, VBLK_MMIO_SHM_LEN_LOW + i), UINT32_MAX);
}

static void accesses_that_are_not_allowed__do_nothing(void **state)
{
    struct bench *b = *state;

    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_MAGIC_VALUE, 2), 0);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_MAGIC_VALUE + 1, 4), 0);
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_SEL), 0);
    assert_int_equal(get(b, 0x0d0), 0);
    vblk_mmio_device_write(b->regs, VBLK_MMIO_STATUS, 1, 1);
    vblk_mmio_device_write(b->regs, VBLK_MMIO_STATUS + 1, 4, 1);
    put(b, VBLK_MMIO_MAGIC_VALUE, 0);
    assert_int_equal(get(b, VBLK_MMIO_STATUS), 0);
    assert_int_equal(get(b, VBLK_MMIO_MAGIC_VALUE), VBLK_MMIO_MAGIC);
}

static void config__little_endian_in_any_width(void **state)
{
    struct bench *b = *state;

    assert_int_equal(get(b, VBLK_MMIO_CONFIG), 2048);
    assert_int_equal(get(b, VBLK_MMIO_CONFIG + 4), 0);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_CONFIG, 2), 2048);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_CONFIG + 1, 1), 8);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_CONFIG + 1, 2), 0);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_CONFIG, 3), 0);
    assert_int_equal(vblk_mmio_device_read(b->regs, VBLK_MMIO_CONFIG, 8), 0);
    assert_int_equal(get(b, VBLK_MMIO_DEVICE_SIZE - 4), 0);
    assert_int_equal(get(b, VBLK_MMIO_DEVICE_SIZE), 0);
    assert_int_equal(get(b, UINT32_MAX - 3), 0);
}

static void features_beyond_bit_63__are_zero(void **state)
{
    struct bench *b = *state;
    uint64_t features = vblk_device_options_of(b->device)->features;

    assert_int_equal(get(b, VBLK_MMIO_DEVICE_FEATURES), (uint32_t)features);
    put(b, VBLK_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_int_equal(get(b, VBLK_MMIO_DEVICE_FEATURES), features >> 32);
    put(b, VBLK_MMIO_DEVICE_FEATURES_SEL, 2);
    assert_int_equal(get(b, VBLK_MMIO_DEVICE_FEATURES), 0);
    put(b, VBLK_MMIO_DRIVER_FEATURES_SEL, 2);
    put(b, VBLK_MMIO_DRIVER_FEATURES, 1);
    assert_int_equal(vblk_device_read_reg(b->device, VBLK_REG_DRIVER_FEATURES, 0), 0);
}

static void queue_that_no_device_has__reads_zero(void **state)
{
    struct bench *b = *state;

    put(b, VBLK_MMIO_QUEUE_SEL, 0x10000); /* not queue 0 */
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_NUM_MAX), 0);
    put(b, VBLK_MMIO_QUEUE_DESC_LOW, 0x1000);
    put(b, VBLK_MMIO_QUEUE_SEL, 0);
    assert_int_equal(vblk_device_read_reg(b->device, VBLK_REG_QUEUE_DESC, 0), 0);
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_NUM_MAX), 256);
}

static void count_edges(void *ctx, bool asserted)
{
    unsigned *edges = ctx;

    edges[asserted]++;
}

static void interrupt__asserted_until_all_is_acknowledged(void **state)
{
    struct bench *b = *state;
    unsigned edges[2] = { 0 };

    vblk_mmio_device_on_interrupt(b->regs, count_edges, edges);
    live(b);
    assert_false(vblk_mmio_device_interrupt(b->regs));
    vblk_device_resize(b->device, 1024);
    vblk_device_resize(b->device, 512);
    assert_true(vblk_mmio_device_interrupt(b->regs));
    assert_int_equal(get(b, VBLK_MMIO_INTERRUPT_STATUS), VBLK_MMIO_INT_CONFIG_CHANGE);
    assert_int_equal(edges[1], 1);
    put(b, VBLK_MMIO_INTERRUPT_ACK, VBLK_MMIO_INT_USED_BUFFER);
    assert_true(vblk_mmio_device_interrupt(b->regs));
    put(b, VBLK_MMIO_INTERRUPT_ACK, VBLK_MMIO_INT_CONFIG_CHANGE);
    assert_false(vblk_mmio_device_interrupt(b->regs));
    assert_int_equal(edges[0], 1);
}

static void reset__clears_interrupt_and_queues(void **state)
{
    struct bench *b = *state;

    live(b);
    put(b, VBLK_MMIO_QUEUE_SEL, 1);
    put(b, VBLK_MMIO_QUEUE_NUM, 4);
    put(b, VBLK_MMIO_QUEUE_DESC_LOW, BENCH_GPA);
    put(b, VBLK_MMIO_QUEUE_DRIVER_LOW, BENCH_GPA + 0x1000);
    put(b, VBLK_MMIO_QUEUE_DEVICE_LOW, BENCH_GPA + 0x2000);
    put(b, VBLK_MMIO_QUEUE_READY, 1);
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_READY), 1);
    vblk_device_resize(b->device, 1024);
    put(b, VBLK_MMIO_STATUS, 0);
    assert_int_equal(get(b, VBLK_MMIO_STATUS), 0);
    assert_int_equal(get(b, VBLK_MMIO_INTERRUPT_STATUS), 0);
    put(b, VBLK_MMIO_QUEUE_SEL, 1);
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_READY), 0);
    assert_int_equal(get(b, VBLK_MMIO_QUEUE_RESET), 0);
}

static void registers_gone__device_lives_on(void **state)
{
    struct bench *b = *state;

    live(b);
    vblk_mmio_device_free(b->regs);
    b->regs = NULL;
    vblk_device_resize(b->device, 1024);
    assert_int_equal(vblk_device_status(b->device), 15);
    vblk_mmio_device_free(NULL);
}

/* There is no register for what such a device wants its queues to be called. */
static void device_with_names_of_its_own__gets_no_registers(void **state)
{
    const struct vblk_backend disk = { 0 };
    struct vblk_device_options options;
    struct vblk_device *device;
    struct bench *b = *state;

    vblk_device_defaults(&options);
    options.features |= VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA);
    device = vblk_device_new(&options, b->mem, &disk, NULL);
    assert_non_null(device);
    assert_null(vblk_mmio_device_new(device));
    vblk_device_free(device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(identity__is_a_modern_block_device),
        TEST(shared_memory__there_is_none),
        TEST(accesses_that_are_not_allowed__do_nothing),
        TEST(config__little_endian_in_any_width),
        TEST(features_beyond_bit_63__are_zero),
        TEST(queue_that_no_device_has__reads_zero),
        TEST(interrupt__asserted_until_all_is_acknowledged),
        TEST(reset__clears_interrupt_and_queues),
        TEST(registers_gone__device_lives_on),
        TEST(device_with_names_of_its_own__gets_no_registers),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
