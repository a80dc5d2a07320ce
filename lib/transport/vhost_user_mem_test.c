/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vhost_user_bench.h"

#include <fcntl.h>
#include <unistd.h>

/* Memory */

static void nothing_to_share__driver_ok_says_so(void **state)
{
    struct bench *b = *state;
    const struct vblk_region plain = { .gpa = 0x10000, .size = PAGE, .fd = -1 };

    OK(vblk_memory_remove(b->mem, 0x10000));
    OK(vblk_memory_add(b->mem, &plain));
    OK(bench_try_open(b));
    assert_int_equal(bench_bring_up(b, VBLK_BIT(32)), VBLK_E_STATE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "no memory region"));
}

static void too_many_regions__driver_ok_says_so(void **state)
{
    struct bench *b = *state;

    for (uint64_t i = 0; i < 4; i++)
        OK(vblk_memory_add_shared(b->mem, 0x100000 + i * 0x10000, PAGE));
    OK(bench_try_open(b));
    assert_int_equal(bench_bring_up(b, VBLK_BIT(32)), VBLK_E_FULL);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "than the 4"));
}

static void memory_slots__only_changes_are_sent(void **state)
{
    struct bench *b = *state;

    OK(vblk_memory_add_shared(b->mem, 0x100000, PAGE));
    bench_open_and_bring_up(b);
    assert_int_equal(b->fake.seen[VU_ADD_MEM_REG], 2);
    OK(vblk_memory_remove(b->mem, 0x100000));
    OK(vblk_memory_add_shared(b->mem, 0x100000, PAGE)); /* looks the same, is another file */
    OK(vblk_memory_add_shared(b->mem, 0x200000, 100));
    bench_put(b, VBLK_REG_STATUS, 0);
    OK(bench_bring_up(b, VBLK_BIT(32)));
    assert_int_equal(b->fake.seen[VU_REM_MEM_REG], 1);
    assert_int_equal(b->fake.seen[VU_ADD_MEM_REG], 4);
    assert_int_equal(b->fake.regions, 3);
    assert_int_equal(b->fake.seen[VU_SET_MEM_TABLE], 0);
}

static void no_memory_slots__one_table_of_8(void **state)
{
    struct bench *b = *state;

    b->fake.protocol &= ~VBLK_BIT(VU_PROTOCOL_MEM_SLOTS);
    for (uint64_t i = 0; i < 7; i++)
        OK(vblk_memory_add_shared(b->mem, 0x100000 + i * 0x10000, PAGE));
    bench_open_and_bring_up(b);
    assert_int_equal(b->fake.seen[VU_SET_MEM_TABLE], 1);
    assert_int_equal(b->fake.seen[VU_GET_MAX_MEM_SLOTS], 0);
    assert_int_equal(b->fake.regions, 8);
    bench_put(b, VBLK_REG_STATUS, 0);
    OK(vblk_memory_add_shared(b->mem, 0x900000, PAGE));
    assert_int_equal(bench_bring_up(b, VBLK_BIT(32)), VBLK_E_FULL);
}

static void memory_refused__connection_given_up(void **state)
{
    struct bench *b = *state;

    OK(bench_try_open(b));
    bench_quirk(b, FAKE_REFUSE, VU_ADD_MEM_REG, 1);
    assert_int_equal(bench_bring_up(b, VBLK_BIT(32)), VBLK_E_GONE);
    assert_non_null(strstr(vblk_vhost_user_why(b->port), "refused ADD_MEM_REG"));
    OK(vblk_port_recover(b->port));
    OK(bench_bring_up(b, VBLK_BIT(32)));
}

static void shared_region__is_zeroed_sealed_and_checked(void **state)
{
    struct vblk_memory *mem = ((struct bench *)*state)->mem;
    struct vblk_region region;
    uint8_t bytes[4];

    OK(vblk_memory_add_shared(mem, 0x40000000, PAGE + 1));
    OK(vblk_memory_region(mem, 1, &region));
    assert_int_equal(region.size, PAGE + 1);
    assert_true(region.fd >= 0);
    assert_int_equal(ftruncate(region.fd, 0), -1);
    assert_int_equal(fcntl(region.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    OK(vblk_memory_peek(mem, 0x40000000 + PAGE - 3, bytes, 4));
    assert_memory_equal(bytes, "\0\0\0\0", 4);
    assert_int_equal(vblk_memory_add_shared(mem, 0x40000000, PAGE), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_shared(mem, 0, 0), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_shared(mem, 0, UINT64_MAX), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_shared(NULL, 0, PAGE), VBLK_E_INVAL);
    assert_int_equal(vblk_memory_add_shared(mem, 0, (uint64_t)1 << 62), VBLK_E_NOMEM);
}

static void reset_shared__forgets_what_the_backend_stored(void **state)
{
    struct bench *b = *state;
    uint8_t byte = 7;

    bench_open_and_bring_up(b);
    OK(vblk_port_kick(b->port, 0, 0));
    OK(vblk_port_wait(b->port, 0, 2000));
    OK(vblk_memory_poke(b->mem, 0x13fff, &byte, 1));
    bench_put(b, VBLK_REG_STATUS, 0);
    vblk_memory_reset_shared(b->mem);
    OK(vblk_memory_peek(b->mem, 0x10000, &byte, 1)); /* nobody marked this one as touched */
    assert_int_equal(byte, 0);
    OK(vblk_memory_peek(b->mem, 0x13fff, &byte, 1));
    assert_int_equal(byte, 0);
}

int main(void)
{
    /* clang-format off */
    static const struct CMUnitTest tests[] = {
        TEST(nothing_to_share__driver_ok_says_so),
        TEST(too_many_regions__driver_ok_says_so),
        TEST(memory_slots__only_changes_are_sent),
        TEST(no_memory_slots__one_table_of_8),
        TEST(memory_refused__connection_given_up),
        TEST(shared_region__is_zeroed_sealed_and_checked),
        TEST(reset_shared__forgets_what_the_backend_stored),
    };
    /* clang-format on */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
