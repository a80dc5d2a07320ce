/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arbitrary ring memory, kicked into the reference device: it ends, and is never blamed.
 * Input: a byte of HARNESS_* settings; accepted features, and a mask of those that are not offered; log2 of the queue's
 * size; chain_max; then operations until the bytes end. Memory is [0, 0x11000) and the last page of the address space,
 * so that two bytes make an address that exists.
 */
#include <stdlib.h>

#include <vblk/builtin.h>

#include "harness.h"
#include "input.h"

#define DESC_AT 0x0000u /* 256 descriptors at most */
#define AVAIL_AT 0x1000u
#define USED_AT 0x2000u
#define DATA_AT 0x3000u
#define SIZE_LOG_MAX 8u
#define OPS_MAX 256u

/* A driver that knows nothing but how to write. */
struct ring {
    struct harness h;
    struct input in;
    struct vblk_device_options options;
    uint64_t features;
    uint16_t size, avail;
};

static void write_reg(struct ring *r, enum vblk_reg reg, uint64_t value)
{
    (void)!vblk_port_write_reg(r->h.port, reg, 0, value);
}

static void read_reg(struct ring *r, enum vblk_reg reg)
{
    uint64_t value;

    (void)!vblk_port_read_reg(r->h.port, reg, 0, &value);
}

static void store(struct ring *r, uint64_t at, const void *bytes, size_t len)
{
    (void)!vblk_memory_write(r->h.mem, VBLK_DRIVER, at, bytes, len);
}

static void start(struct ring *r)
{
    static const uint8_t zeroes[DATA_AT - AVAIL_AT];
    uint8_t config[64];

    write_reg(r, VBLK_REG_STATUS, 0);
    read_reg(r, VBLK_REG_STATUS);
    write_reg(r, VBLK_REG_STATUS, 1);
    write_reg(r, VBLK_REG_STATUS, 3);
    read_reg(r, VBLK_REG_DEVICE_FEATURES);
    write_reg(r, VBLK_REG_DRIVER_FEATURES, r->features);
    write_reg(r, VBLK_REG_STATUS, 0xb);
    read_reg(r, VBLK_REG_STATUS);
    (void)!vblk_port_read_config(r->h.port, 0, config, sizeof(config), NULL);
    read_reg(r, VBLK_REG_QUEUE_MAX);
    store(r, AVAIL_AT, zeroes, sizeof(zeroes));
    write_reg(r, VBLK_REG_QUEUE_SIZE, r->size);
    write_reg(r, VBLK_REG_QUEUE_DESC, DESC_AT);
    write_reg(r, VBLK_REG_QUEUE_DRIVER, AVAIL_AT);
    write_reg(r, VBLK_REG_QUEUE_DEVICE, USED_AT);
    write_reg(r, VBLK_REG_QUEUE_ENABLE, 1);
    write_reg(r, VBLK_REG_STATUS, 0xf);
    r->avail = 0;
}

static void op_store(struct ring *r)
{
    const uint64_t at = input_number(&r->in);
    uint64_t len = input_byte(&r->in);
    const uint8_t *bytes = input_take(&r->in, &len);

    store(r, at, bytes, (size_t)len);
}

static void op_desc(struct ring *r)
{
    const uint64_t base = input_up_to(&r->in, 0xff) * 16;
    const struct vblk_desc desc = { vblk_put64(input_number(&r->in)), vblk_put32((uint32_t)input_number(&r->in)),
                                    vblk_put16((uint16_t)input_number(&r->in)),
                                    vblk_put16((uint16_t)input_number(&r->in)) };

    store(r, DESC_AT + base, &desc, sizeof(desc));
}

/* The same, anywhere: a table of indirect descriptors. */
static void op_far_desc(struct ring *r)
{
    const uint64_t at = input_number(&r->in);
    const struct vblk_desc desc = { vblk_put64(input_number(&r->in)), vblk_put32((uint32_t)input_number(&r->in)),
                                    vblk_put16((uint16_t)input_number(&r->in)),
                                    vblk_put16((uint16_t)input_number(&r->in)) };

    store(r, at, &desc, sizeof(desc));
}

static void op_header(struct ring *r)
{
    const uint64_t at = input_number(&r->in);
    const struct vblk_request_header header = { vblk_put32((uint32_t)input_number(&r->in)),
                                                vblk_put32((uint32_t)input_number(&r->in)),
                                                vblk_put64(input_number(&r->in)) };

    store(r, at, &header, sizeof(header));
}

static void op_segment(struct ring *r)
{
    const uint64_t at = input_number(&r->in);
    const struct vblk_segment segment = { vblk_put64(input_number(&r->in)), vblk_put32((uint32_t)input_number(&r->in)),
                                          vblk_put32((uint32_t)input_number(&r->in)) };

    store(r, at, &segment, sizeof(segment));
}

/* The head into the next slot, then the index, as drivers do. */
static void op_publish(struct ring *r)
{
    const vblk_le16 head = vblk_put16((uint16_t)input_number(&r->in));

    store(r, AVAIL_AT + 4 + 2u * (r->avail % r->size), &head, sizeof(head));
    r->avail++;
    vblk_memory_barrier(r->h.mem, VBLK_DRIVER, VBLK_RELEASE);
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, AVAIL_AT + 2, VBLK_RELEASE, r->avail);
}

static void op_index(struct ring *r)
{
    r->avail = (uint16_t)input_number(&r->in);
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, AVAIL_AT + 2, VBLK_RELEASE, r->avail);
}

static void op_kick(struct ring *r)
{
    const uint16_t queue = (uint16_t)input_number(&r->in);

    vblk_memory_barrier(r->h.mem, VBLK_DRIVER, VBLK_FULL);
    (void)!vblk_port_kick(r->h.port, queue, queue);
}

static void op_look(struct ring *r)
{
    vblk_port_look(r->h.port, (uint16_t)input_number(&r->in));
}

static void op_reg(struct ring *r)
{
    const uint8_t reg = input_byte(&r->in) % VBLK_REG_COUNT;
    const uint16_t queue = (uint16_t)input_number(&r->in);
    const uint64_t value = input_number(&r->in);

    /* The status register is a byte. */
    (void)!vblk_port_write_reg(r->h.port, (enum vblk_reg)reg, queue, reg == VBLK_REG_STATUS ? value & 0xff : value);
}

static void op_read(struct ring *r)
{
    const uint8_t reg = input_byte(&r->in) % VBLK_REG_COUNT;
    uint64_t value;

    (void)!vblk_port_read_reg(r->h.port, (enum vblk_reg)reg, (uint16_t)input_number(&r->in), &value);
}

static void op_config(struct ring *r)
{
    const uint32_t offset = (uint32_t)input_number(&r->in);
    const uint64_t value = input_number(&r->in);
    uint8_t buf[64];

    if (value & 1)
        (void)!vblk_port_write_config(r->h.port, offset, &value, 1);
    else
        (void)!vblk_port_read_config(r->h.port, offset, buf, 1 + (uint32_t)(value / 2 % sizeof(buf)), NULL);
}

/* HOLD is left out: it would make the device owe what it may not answer. */
static void op_host(struct ring *r)
{
    const uint8_t action = input_byte(&r->in) % VBLK_HOST_COUNT;
    const uint64_t a = input_number(&r->in), b = input_number(&r->in);

    if (action != VBLK_HOST_HOLD)
        (void)!vblk_port_host(r->h.port, (enum vblk_host_action)action, a, b);
}

static void op_start(struct ring *r)
{
    r->features = input_number(&r->in) | VBLK_BIT(VBLK_F_VERSION_1);
    start(r);
}

static void (*const ops[])(struct ring *r) = {
    op_store, op_desc, op_far_desc, op_header, op_segment, op_publish, op_index,
    op_kick,  op_look, op_reg,      op_read,   op_config,  op_host,    op_start,
};

static void run(struct ring *r)
{
    harness_tell(&r->h, VBLK_EV_CASE_BEGIN);
    start(r);
    for (unsigned i = 0; i < OPS_MAX && input_left(&r->in); i++)
        ops[input_byte(&r->in) % (sizeof(ops) / sizeof(ops[0]))](r);
    /* Whatever is available by now has been kicked at least once. */
    (void)!vblk_port_kick(r->h.port, 0, 0);
    vblk_port_look(r->h.port, 0);
    harness_tell(&r->h, VBLK_EV_CASE_END);
}

static void choose(struct ring *r, uint8_t settings)
{
    const struct vblk_profile *profile = vblk_profile_default();

    vblk_device_defaults(&r->options);
    r->features = input_number(&r->in) | VBLK_BIT(VBLK_F_VERSION_1);
    /* Ring features: when the judge reads them. */
    r->options.features = vblk_device_features(profile) & ~vblk_device_ring_features() & ~input_number(&r->in);
    r->options.features |= VBLK_BIT(VBLK_F_VERSION_1);
    r->size = (uint16_t)(1u << input_up_to(&r->in, SIZE_LOG_MAX));
    r->options.chain_max = (uint32_t)input_up_to(&r->in, 1024);
    r->options.readings = harness_readings(settings, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vblk_region regions[] = {
        { .gpa = 0, .size = 0x10000, .fd = -1 },
        { .gpa = 0x10000, .size = 0x1000, .fd = -1 },
        { .gpa = UINT64_MAX - 0xfff, .size = 0x1000, .fd = -1 },
    };
    struct ring r = { .in = { data, size, 0 } };
    const uint8_t settings = input_byte(&r.in);
    struct vblk_port *port;

    harness_open(&r.h, regions, sizeof(regions) / sizeof(regions[0]));
    choose(&r, settings);
    port = vblk_builtin_new(&r.options, r.h.mem, NULL);
    if (!port) {
        vblk_memory_free(r.h.mem);
        return 0;
    }
    harness_listen_device(&r.h, port, &r.options.profile, settings);
    run(&r);
    harness_check_list(&r.h);
    harness_innocent(&r.h, VBLK_DEVICE);
    harness_close(&r.h);
    return 0;
}
