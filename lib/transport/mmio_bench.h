/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of virtio-mmio ports stand on: memory, a port, and a driver with one split ring of four. */
#ifndef VBLK_MMIO_BENCH_H
#define VBLK_MMIO_BENCH_H

#include <vblk/mmio_device.h>
#include <vblk/port.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define BENCH_GPA 0x100000u
#define BENCH_SIZE 0x10000u
#define SPY_MAX 256u
#define EVENTS_MAX 64u

/* One access to a register. */
struct spied {
    bool write;
    uint32_t offset;
    unsigned width;
    uint32_t value;
};

/* A bus in front of registers that remembers accesses, lies where it is told to, and breaks down after so many. */
struct spy {
    struct vblk_mmio_device *regs;
    struct spied seen[SPY_MAX];
    size_t count;
    uint32_t lie_at, lie; /* a read of lie_at answers lie, if lying */
    bool lying;
    size_t breaks_after; /* accesses; SIZE_MAX: never */
    vblk_err breaks_with;
    unsigned recovered, closed;
};

struct bench {
    struct vblk_memory *mem;
    struct vblk_port *port;
    uint16_t asked;
    char why[200];
    /* of a reference device behind registers */
    struct vblk_store *store;
    struct vblk_device *device;
    struct vblk_mmio_device *regs;
    struct spy spy;
    struct vblk_mmio_bus bus; /* through the spy */
    struct vblk_event events[EVENTS_MAX];
    size_t event_count;
};

/* Memory only. */
struct bench *bench_new(void);
/* And a reference device of 2048 sectors and two queues behind registers; no port yet. */
struct bench *bench_with_device(void);
void bench_free(struct bench *b);
void bench_open(struct bench *b);

uint64_t bench_get(struct bench *b, enum vblk_reg reg, uint16_t queue);
void bench_put(struct bench *b, enum vblk_reg reg, uint16_t queue, uint64_t value);
/* Reset, negotiate, enable that many queues (the first has a ring), DRIVER_OK. */
void bench_bring_up(struct bench *b, uint64_t features, uint16_t queues);
/* Header, @len bytes for the device to write, status, on queue 0. Returns the status byte. */
uint8_t bench_ask(struct bench *b, uint32_t type, uint64_t sector, uint32_t len);
void bench_data(struct bench *b, void *buf, size_t len);
/* The event of that kind that came last, or NULL. */
const struct vblk_event *bench_event(const struct bench *b, enum vblk_event_kind kind);

#endif /* VBLK_MMIO_BENCH_H */
