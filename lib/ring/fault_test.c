/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings that are wrong on purpose: the registry, and that one function is replaced and the others are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/memory.h>
#include <vblk/spec.h>

#include "ring.h"

/* Functions of @with that differ from @own. */
static size_t replaced(const struct vblk_ring_ops *with)
{
    const char *at = (const char *)with;
    static const struct vblk_ring_ops none;
    size_t n = 0;

    for (size_t i = offsetof(struct vblk_ring_ops, extents); i < sizeof(*with); i += sizeof(void (*)(void)))
        n += memcmp(at + i, (const char *)&none + i, sizeof(void (*)(void))) != 0;
    return n;
}

static void each_fault__has_a_name_of_its_own_and_replaces_something(void **state)
{
    const struct vblk_ring_fault *fault;
    size_t count = 0;

    (void)state;
    for (; (fault = vblk_ring_fault_at(count)) != NULL; count++) {
        assert_ptr_equal(vblk_ring_fault_find(vblk_ring_fault_name(fault)), fault);
        assert_true(strlen(vblk_ring_fault_what(fault)) > 10);
        assert_true(replaced(&fault->split) + replaced(&fault->packed) > 0);
    }
    assert_true(count > 50);
    assert_null(vblk_ring_fault_find("no such fault"));
}

static void faulty_ring__has_its_function_and_the_formats_others(void **state)
{
    const struct vblk_ring_fault *fault = vblk_ring_fault_find("used-id-off-by-one");
    struct vblk_memory *mem = vblk_memory_new();
    struct vblk_layout at = { .size = 4, .desc = 0x1000, .driver = 0x2000, .device = 0x3000, .fault = fault };
    struct vblk_ring ring;

    (void)state;
    assert_int_equal(vblk_memory_add(mem, &(struct vblk_region){ .size = 0x10000, .fd = -1 }), VBLK_OK);
    assert_int_equal(vblk_ring_open(&ring, &vblk_ring_split, mem, &at, VBLK_DEVICE), VBLK_OK);
    assert_true(ring.ops->put_used_wrote == fault->split.put_used_wrote);
    assert_true(ring.ops->take == vblk_ring_split.take);
    vblk_ring_close(&ring);
    at.features = VBLK_BIT(VBLK_F_RING_PACKED);
    assert_int_equal(vblk_ring_open(&ring, &vblk_ring_packed, mem, &at, VBLK_DEVICE), VBLK_OK);
    assert_true(ring.ops->put_used_wrote == fault->packed.put_used_wrote);
    assert_true(ring.ops->take == vblk_ring_packed.take);
    vblk_ring_close(&ring);
    vblk_memory_free(mem);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault__has_a_name_of_its_own_and_replaces_something),
        cmocka_unit_test(faulty_ring__has_its_function_and_the_formats_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
