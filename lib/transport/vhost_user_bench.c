/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user_bench.h"

#include <stdio.h>
#include <stdlib.h>

static void must(vblk_err err, enum vblk_reg reg)
{
    if (err == VBLK_OK)
        return;
    fprintf(stderr, "%s: %s\n", vblk_reg_name(reg), vblk_strerror(err));
    abort();
}

int bench_set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    fake_defaults(&b->fake);
    b->options.timeout_ms = 2000;
    b->mem = vblk_memory_new();
    *state = b;
    return vblk_memory_add_shared(b->mem, 0x10000, 4 * PAGE) == VBLK_OK ? 0 : -1;
}

int bench_tear_down(void **state)
{
    struct bench *b = *state;

    vblk_port_close(b->port);
    if (b->fake.path[0])
        fake_stop(&b->fake);
    vblk_memory_free(b->mem);
    free(b);
    return 0;
}

vblk_err bench_try_open(struct bench *b)
{
    if (!b->fake.path[0])
        fake_start(&b->fake);
    return vblk_vhost_user_open(b->fake.path, b->mem, &b->options, &b->port, b->why, sizeof(b->why));
}

uint64_t bench_get(struct bench *b, enum vblk_reg reg)
{
    uint64_t value = 0;

    must(vblk_port_read_reg(b->port, reg, 0, &value), reg);
    return value;
}

void bench_put(struct bench *b, enum vblk_reg reg, uint64_t value)
{
    must(vblk_port_write_reg(b->port, reg, 0, value), reg);
}

void bench_quirk(struct bench *b, enum fake_quirk quirk, enum vu_request on, unsigned times)
{
    b->fake.quirk = quirk;
    b->fake.quirk_on = on;
    b->fake.quirk_times = times;
}

vblk_err bench_bring_up(struct bench *b, uint64_t features)
{
    bench_put(b, VBLK_REG_STATUS, 3);
    bench_put(b, VBLK_REG_DRIVER_FEATURES, features);
    bench_put(b, VBLK_REG_STATUS, 11);
    bench_put(b, VBLK_REG_QUEUE_SIZE, 8);
    bench_put(b, VBLK_REG_QUEUE_DESC, 0x10000);
    bench_put(b, VBLK_REG_QUEUE_DRIVER, 0x11000);
    bench_put(b, VBLK_REG_QUEUE_DEVICE, 0x12000);
    bench_put(b, VBLK_REG_QUEUE_ENABLE, 1);
    return vblk_port_write_reg(b->port, VBLK_REG_STATUS, 0, 15);
}

void bench_open_and_bring_up(struct bench *b)
{
    must(bench_try_open(b), VBLK_REG_DEVICE_ID);
    must(bench_bring_up(b, VBLK_BIT(VBLK_F_VERSION_1)), VBLK_REG_STATUS);
}
