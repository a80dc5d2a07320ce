/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the vhost-user front-end stand on: a fake back-end, shared memory, a port between them. */
#ifndef VBLK_VHOST_USER_BENCH_H
#define VBLK_VHOST_USER_BENCH_H

#include <string.h>

#include <vblk/spec.h>
#include <vblk/vhost_user.h>

#include "vhost_user_fake.h"
#include "vhost_user_msg.h"

#define PAGE 4096u
#define OK(call) assert_int_equal((call), VBLK_OK)
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

struct bench {
    struct fake fake;
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_vhost_user_options options;
    char why[200];
};

int bench_set_up(void **state);
int bench_tear_down(void **state);
/* Start the back-end, unless it runs, and connect to it. */
vblk_err bench_try_open(struct bench *b);
uint64_t bench_get(struct bench *b, enum vblk_reg reg);
void bench_put(struct bench *b, enum vblk_reg reg, uint64_t value);
/* Misbehave so on the next requests of that kind, so many times. */
void bench_quirk(struct bench *b, enum fake_quirk quirk, enum vu_request on, unsigned times);
/* The initialisation sequence with one ring of 8 at 0x10000. Returns what writing DRIVER_OK did. */
vblk_err bench_bring_up(struct bench *b, uint64_t features);
void bench_open_and_bring_up(struct bench *b);

#endif /* VBLK_VHOST_USER_BENCH_H */
