/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests: a port with memory under it, and every event as one short word. */
#ifndef VBLK_DRIVER_WATCH_H
#define VBLK_DRIVER_WATCH_H

#include <vblk/player.h>

#define WATCH_GPA 0x10000u
#define WATCH_SIZE 0x100000u
#define WATCH_TEXT 65536u

struct watch {
    struct vblk_memory *mem;
    struct vblk_port *port;
    uint64_t counts[VBLK_EV_COUNT];
    char text[WATCH_TEXT]; /* words, each followed by a blank */
    size_t used;
    uint32_t stray; /* driver's accesses outside the arena */
    uint32_t mislaid; /* its accesses to registers of the whole device as if a queue had them */
};

/* Memory of WATCH_SIZE bytes at WATCH_GPA; the arena is the whole of it. */
struct vblk_memory *watch_memory(void);
/* Begin to listen to a port and its memory. */
void watch_start(struct watch *watch, struct vblk_port *port);
/* A puppet with memory, listened to. */
void watch_puppet(struct watch *watch);
void watch_clear(struct watch *watch);
void watch_stop(struct watch *watch);
struct vblk_arena watch_arena(void);
/* The words from the first that begins with @from on, up to and without the first after it that begins with @to. */
const char *watch_between(struct watch *watch, const char *from, const char *to);

#endif
