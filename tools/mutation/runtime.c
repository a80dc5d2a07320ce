/* SPDX-License-Identifier: BSD-3-Clause */
/* Linked to every program of an instrumented build. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime.h"

enum { MUTATIONS_MAX = 1 << 16 };

static unsigned char unasked[MUTATIONS_MAX];
unsigned vblk_mutation_on;
unsigned char *vblk_mutation_map = unasked;

/* VBLK_MUTATION: the number of the one that is on. VBLK_MUTATION_MAP: a file that receives a byte for each place. */
__attribute__((constructor)) static void start(void)
{
    const char *number = getenv("VBLK_MUTATION"), *map = getenv("VBLK_MUTATION_MAP");

    if (number != NULL)
        vblk_mutation_on = (unsigned)strtoul(number, NULL, 10);
    if (map == NULL)
        return;
    int fd = open(map, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, MUTATIONS_MAX) != 0)
        abort();
    void *at = mmap(NULL, MUTATIONS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        abort();
    close(fd);
    vblk_mutation_map = at;
}
