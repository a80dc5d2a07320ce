/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "memory_guard.h"

#include <sys/mman.h>
#include <unistd.h>

volatile sig_atomic_t memory_guard_gone;

static const struct vblk_memory *guarded;
static uintptr_t page_size;

/* A fault comes from a load or store, never while regions are added or removed. */
static bool shared(uintptr_t at)
{
    struct vblk_region region;

    for (size_t i = 0; i < vblk_memory_region_count(guarded); i++)
        if (vblk_memory_region(guarded, i, &region) == VBLK_OK && at - (uintptr_t)region.host < region.size)
            return true;
    return false;
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr;
    void *page = (void *)(at & ~(page_size - 1));

    (void)context;
    memory_guard_gone = 1;
    if (!shared(at) || mmap(page, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                           MAP_FAILED)
        (void)signal(signal_number, SIG_DFL); /* it comes again, and ends the process */
}

void memory_guard(const struct vblk_memory *mem)
{
    struct sigaction bus = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

    guarded = mem;
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)sigaction(SIGBUS, &bus, NULL);
}
