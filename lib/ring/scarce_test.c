/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings without memory for themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ring.h"
#include "scarce.h"

#define F(name) VBLK_BIT(VBLK_F_##name)

static bool ring_story(unsigned flavour)
{
    static const struct vblk_ring_fault nothing_wrong = { .name = "none" };
    const struct vblk_layout at = {
        .size = 8,
        .desc = BASE,
        .driver = BASE + 0x1000,
        .device = BASE + 0x2000,
        .features = F(VERSION_1) | (flavour & 1 ? F(RING_PACKED) : 0) | (flavour & 2 ? F(IN_ORDER) : 0),
        .chain_max = flavour & 4 ? 64 : 0,
        .fault = flavour & 8 ? &nothing_wrong : NULL,
    };
    struct vblk_memory *mem = new_memory();
    struct vblk_ring ring;
    bool opened;

    if (mem == NULL)
        return false;
    opened = fine(vblk_ring_open(&ring, vblk_ring_ops_for(at.features), mem, &at,
                                 flavour & 16 ? VBLK_DEVICE : VBLK_DRIVER));
    vblk_ring_close(&ring); /* also one that could not be opened */
    vblk_memory_free(mem);
    return opened;
}

static void rings__open_or_say_so(void **state)
{
    (void)state;
    every_way(ring_story, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings__open_or_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
