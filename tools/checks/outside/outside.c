/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>
#include <vblk/vblk.h>

int main(void)
{
    struct vblk_memory *mem = vblk_memory_new();
    bool same = strcmp(vblk_version(), VBLK_VERSION) == 0;

    printf("vblk %s, %zu regions\n", vblk_version(), vblk_memory_region_count(mem));
    vblk_memory_free(mem);
    return same ? 0 : 1;
}
