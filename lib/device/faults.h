/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults from the inside: rows, and what their functions ask. */
#ifndef VBLK_DEVICE_FAULTS_H
#define VBLK_DEVICE_FAULTS_H

#include <vblk/fault.h>

#define FAULT_OPTIONS 3 /* of its own */
#define FAULT_TEXT 40

/* Which options every counted fault has. */
enum { FAULT_AFTER, FAULT_EVERY, FAULT_TIMES, FAULT_COMMON };

struct fault_option {
    const char *name; /* NULL: no more */
    uint64_t preset, most;
    const char *word; /* the preset of one that is a word, else NULL */
};

struct fault_row {
    struct vblk_fault_info info;
    struct fault_option option[FAULT_OPTIONS];
    const char *ring; /* the ring fault that goes with it, or NULL */
    struct vblk_behaviour behaviour;
};

struct vblk_fault {
    struct vblk_behaviour behaviour; /* first: a device hands out a pointer to it */
    const struct fault_row *row;
    uint64_t common[FAULT_COMMON];
    uint64_t value[FAULT_OPTIONS];
    char text[FAULT_TEXT];
    char spec[128];
};

/* Each ends with a NULL name. */
extern const struct fault_row faults_answer[];
extern const struct fault_row faults_data[];
extern const struct fault_row faults_control[];

static inline const struct vblk_fault *fault_of(const struct vblk_device *device)
{
    return (const struct vblk_fault *)(const void *)vblk_device_behaviour(device);
}

/* Option @i of the fault that the device has. */
static inline uint64_t fault_value(const struct vblk_device *device, unsigned i)
{
    return fault_of(device)->value[i];
}

/* Whether it goes wrong this time; counts. Notes 0 and 1 of the device are what is counted with. */
bool fault_due(const struct vblk_device *device);

#endif
