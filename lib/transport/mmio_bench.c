/* SPDX-License-Identifier: BSD-3-Clause */
#include "mmio_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(held) must((held), #held)
#undef OK
#define OK(call) MUST((call) == VBLK_OK)

enum {
    DESC = BENCH_GPA,
    AVAIL = BENCH_GPA + 0x1000,
    USED = BENCH_GPA + 0x2000,
    HEADER = BENCH_GPA + 0x3000,
    DATA = BENCH_GPA + 0x4000,
    STATUS = BENCH_GPA + 0x5000
};

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static bool broken(struct spy *spy, bool write, uint32_t offset, unsigned width, uint32_t value)
{
    if (spy->count < SPY_MAX)
        spy->seen[spy->count] = (struct spied){ write, offset, width, value };
    return spy->count++ >= spy->breaks_after;
}

static vblk_err spy_read(void *ctx, uint32_t offset, unsigned width, uint32_t *value)
{
    struct spy *spy = ctx;

    if (broken(spy, false, offset, width, 0))
        return spy->breaks_with;
    *value = vblk_mmio_device_read(spy->regs, offset, width);
    if (spy->lying && offset == spy->lie_at)
        *value = spy->lie;
    return VBLK_OK;
}

static vblk_err spy_write(void *ctx, uint32_t offset, unsigned width, uint32_t value)
{
    struct spy *spy = ctx;

    if (broken(spy, true, offset, width, value))
        return spy->breaks_with;
    vblk_mmio_device_write(spy->regs, offset, width, value);
    return VBLK_OK;
}

static vblk_err spy_recover(void *ctx)
{
    struct spy *spy = ctx;

    spy->recovered++;
    spy->breaks_after = SIZE_MAX;
    return VBLK_OK;
}

static void spy_close(void *ctx)
{
    struct spy *spy = ctx;

    spy->closed++;
}

static void keep(void *ctx, const struct vblk_event *ev)
{
    struct bench *b = ctx;

    if (b->event_count < EVENTS_MAX)
        b->events[b->event_count++] = *ev;
}

const struct vblk_event *bench_event(const struct bench *b, enum vblk_event_kind kind)
{
    for (size_t i = b->event_count; i > 0; i--)
        if (b->events[i - 1].kind == kind)
            return &b->events[i - 1];
    return NULL;
}

struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));

    MUST(b);
    b->mem = vblk_memory_new();
    MUST(b->mem);
    b->spy.breaks_after = SIZE_MAX;
    b->spy.breaks_with = VBLK_E_GONE;
    return b;
}

struct bench *bench_with_device(void)
{
    const struct vblk_region region = { .gpa = BENCH_GPA, .size = BENCH_SIZE, .fd = -1 };
    struct vblk_device_options options;
    struct bench *b = bench_new();
    struct vblk_backend disk;

    OK(vblk_memory_add(b->mem, &region));
    vblk_device_defaults(&options);
    options.capacity = 2048;
    options.num_queues = 2;
    b->store = vblk_store_new(options.capacity);
    MUST(b->store);
    disk = vblk_store_backend(b->store);
    b->device = vblk_device_new(&options, b->mem, &disk, NULL);
    MUST(b->device);
    b->regs = vblk_mmio_device_new(b->device);
    MUST(b->regs);
    b->spy.regs = b->regs;
    b->bus = (struct vblk_mmio_bus){
        .ctx = &b->spy, .read = spy_read, .write = spy_write, .recover = spy_recover, .close = spy_close
    };
    return b;
}

void bench_free(struct bench *b)
{
    vblk_port_close(b->port);
    vblk_mmio_device_free(b->regs);
    vblk_device_free(b->device);
    vblk_store_free(b->store);
    vblk_memory_free(b->mem);
    free(b);
}

void bench_open(struct bench *b)
{
    OK(vblk_mmio_open(&b->bus, b->mem, NULL, &b->port, b->why, sizeof(b->why)));
    b->port->observe = keep;
    b->port->observe_ctx = b;
    b->spy.count = 0;
}

uint64_t bench_get(struct bench *b, enum vblk_reg reg, uint16_t queue)
{
    uint64_t value = 0;

    OK(vblk_port_read_reg(b->port, reg, queue, &value));
    return value;
}

void bench_put(struct bench *b, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    OK(vblk_port_write_reg(b->port, reg, queue, value));
}

static void poke(struct bench *b, uint64_t gpa, const void *buf, size_t len)
{
    OK(vblk_memory_poke(b->mem, gpa, buf, len));
}

void bench_bring_up(struct bench *b, uint64_t features, uint16_t queues)
{
    const uint8_t zeroes[0x40] = { 0 };

    b->asked = 0;
    bench_put(b, VBLK_REG_STATUS, 0, 0);
    poke(b, AVAIL, zeroes, sizeof(zeroes));
    poke(b, USED, zeroes, sizeof(zeroes));
    bench_put(b, VBLK_REG_STATUS, 0, 1);
    bench_put(b, VBLK_REG_STATUS, 0, 3);
    bench_put(b, VBLK_REG_DRIVER_FEATURES, 0, features);
    bench_put(b, VBLK_REG_STATUS, 0, 11);
    MUST(bench_get(b, VBLK_REG_STATUS, 0) == 11);
    for (uint16_t i = 0; i < queues; i++) {
        const uint64_t shift = i * UINT64_C(0x6000);

        bench_put(b, VBLK_REG_QUEUE_SIZE, i, 4);
        bench_put(b, VBLK_REG_QUEUE_DESC, i, DESC + shift);
        bench_put(b, VBLK_REG_QUEUE_DRIVER, i, AVAIL + shift);
        bench_put(b, VBLK_REG_QUEUE_DEVICE, i, USED + shift);
        bench_put(b, VBLK_REG_QUEUE_ENABLE, i, 1);
    }
    bench_put(b, VBLK_REG_STATUS, 0, 15);
}

uint8_t bench_ask(struct bench *b, uint32_t type, uint64_t sector, uint32_t len)
{
    const struct vblk_request_header header = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };
    const struct vblk_desc chain[] = {
        { vblk_put64(HEADER), vblk_put32(sizeof(header)), vblk_put16(VBLK_DESC_NEXT), vblk_put16(1) },
        { vblk_put64(DATA), vblk_put32(len), vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE), vblk_put16(2) },
        { vblk_put64(STATUS), vblk_put32(1), vblk_put16(VBLK_DESC_WRITE), vblk_put16(0) },
    };
    const vblk_le16 head = vblk_put16(0);
    uint8_t status = 0xff;
    uint16_t used = 0;

    poke(b, HEADER, &header, sizeof(header));
    poke(b, DESC, chain, sizeof(chain));
    poke(b, STATUS, &status, 1);
    poke(b, AVAIL + 4 + 2 * (b->asked % 4u), &head, 2);
    OK(vblk_memory_store16(b->mem, VBLK_DRIVER, AVAIL + 2, VBLK_RELEASE, ++b->asked));
    OK(vblk_port_kick(b->port, 0, 0));
    for (int i = 0; i < 10 && used != b->asked; i++) {
        OK(vblk_port_wait(b->port, 0, 2000));
        OK(vblk_memory_load16(b->mem, VBLK_DRIVER, USED + 2, VBLK_ACQUIRE, &used));
    }
    MUST(used == b->asked);
    OK(vblk_memory_peek(b->mem, STATUS, &status, 1));
    return status;
}

void bench_data(struct bench *b, void *buf, size_t len)
{
    OK(vblk_memory_peek(b->mem, DATA, buf, len));
}
