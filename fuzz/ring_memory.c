/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arbitrary ring memory of either format, kicked into the reference device: it ends, and is never blamed.
 * Input: a byte of HARNESS_* settings; accepted features, and a mask of those that are not offered; log2 of the queues'
 * size; chain_max; then operations until the bytes end. Memory is [0, 0x11000) and the last page of the address space,
 * so that two bytes make an address that exists. VBLK_FUZZ_MUTANT=NAME: that wrong device instead.
 */
#include <stdlib.h>

#include <vblk/builtin.h>

#include "harness.h"
#include "input.h"
#include "wrong.h"

#define QUEUES 2u
#define QUEUE_BYTES 0x8000u /* from one queue's rings to the next one's; between them is room for data */
#define DESC_AT 0x0000u     /* 256 descriptors at most */
#define AVAIL_AT 0x1000u
#define USED_AT 0x2000u
#define DATA_AT 0x3000u
#define RING_MAX 256u
#define SIZE_LOG_MAX 8u
#define OPS_MAX 256u

/* What the driver knows of a queue: where it makes buffers available next. */
struct side {
    uint16_t avail; /* split: available idx; packed: slot */
    bool wrap;
    bool begun;          /* packed: a list was begun whose first descriptor … */
    uint16_t head, flags; /* … lies here, and gets these flags last */
};

/* A driver that knows nothing but how to write. */
struct ring {
    struct harness h;
    struct input in;
    struct vblk_device_options options;
    struct mutant_device wrong;
    uint64_t features;
    uint16_t size, queue; /* the queue that operations mean */
    struct side side[QUEUES];
};

static bool has(const struct ring *r, unsigned bit)
{
    return r->features >> bit & 1;
}

static uint64_t base_of(const struct ring *r)
{
    return (uint64_t)r->queue * QUEUE_BYTES;
}

static struct side *side_of(struct ring *r)
{
    return &r->side[r->queue];
}

static void write_reg(struct ring *r, enum vblk_reg reg, uint64_t value)
{
    (void)!vblk_port_write_reg(r->h.port, reg, r->queue, value);
}

static void read_reg(struct ring *r, enum vblk_reg reg)
{
    uint64_t value;

    (void)!vblk_port_read_reg(r->h.port, reg, r->queue, &value);
}

static void store(struct ring *r, uint64_t at, const void *bytes, size_t len)
{
    (void)!vblk_memory_write(r->h.mem, VBLK_DRIVER, at, bytes, len);
}

static void enable(struct ring *r)
{
    static const uint8_t zeroes[DATA_AT];
    const uint64_t base = base_of(r);

    *side_of(r) = (struct side){ .wrap = true };
    if (has(r, VBLK_F_RING_PACKED))
        store(r, base, zeroes, DATA_AT);
    else
        store(r, base + AVAIL_AT, zeroes, DATA_AT - AVAIL_AT);
    write_reg(r, VBLK_REG_QUEUE_SIZE, r->size);
    write_reg(r, VBLK_REG_QUEUE_DESC, base + DESC_AT);
    write_reg(r, VBLK_REG_QUEUE_DRIVER, base + AVAIL_AT);
    write_reg(r, VBLK_REG_QUEUE_DEVICE, base + USED_AT);
    write_reg(r, VBLK_REG_QUEUE_ENABLE, 1);
}

static void start(struct ring *r)
{
    uint8_t config[64];

    r->queue = 0;
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
    for (; r->queue < (has(r, VBLK_F_MQ) ? QUEUES : 1); r->queue++)
        enable(r);
    r->queue = 0;
    write_reg(r, VBLK_REG_STATUS, 0xf);
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

    store(r, base_of(r) + DESC_AT + base, &desc, sizeof(desc));
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

/* Packed: the first descriptor of the list that was begun gets its flags, and the list is available. */
static void publish_list(struct ring *r)
{
    struct side *side = side_of(r);

    if (!side->begun)
        return;
    side->begun = false;
    vblk_memory_barrier(r->h.mem, VBLK_DRIVER, VBLK_RELEASE);
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, base_of(r) + DESC_AT + 16u * (uint64_t)side->head + 14,
                               VBLK_RELEASE, side->flags);
}

/* The head into the next slot, then the index, as drivers do. */
static void op_publish(struct ring *r)
{
    const vblk_le16 head = vblk_put16((uint16_t)input_number(&r->in));
    struct side *side = side_of(r);

    if (has(r, VBLK_F_RING_PACKED)) {
        publish_list(r);
        return;
    }
    store(r, base_of(r) + AVAIL_AT + 4 + 2u * (side->avail % r->size), &head, sizeof(head));
    side->avail++;
    vblk_memory_barrier(r->h.mem, VBLK_DRIVER, VBLK_RELEASE);
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, base_of(r) + AVAIL_AT + 2, VBLK_RELEASE, side->avail);
}

/* Packed: the place where the next descriptor goes; the top bit is the wrap counter. */
static void op_index(struct ring *r)
{
    struct side *side = side_of(r);

    side->avail = (uint16_t)input_number(&r->in);
    if (has(r, VBLK_F_RING_PACKED)) {
        side->wrap = side->avail >> 15;
        side->avail = (uint16_t)((side->avail & 0x7fff) % r->size);
        return;
    }
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, base_of(r) + AVAIL_AT + 2, VBLK_RELEASE, side->avail);
}

/* Packed: a descriptor into the next slot. It is available with PUBLISH if it is the first of a list, else at once. */
static void op_put(struct ring *r)
{
    struct side *side = side_of(r);
    struct vblk_packed_desc desc = { .addr = vblk_put64(input_number(&r->in)),
                                     .len = vblk_put32((uint32_t)input_number(&r->in)),
                                     .id = vblk_put16((uint16_t)input_number(&r->in)) };
    const uint16_t turn = side->wrap ? VBLK_DESC_AVAIL : VBLK_DESC_USED;
    const uint16_t flags = (uint16_t)(input_number(&r->in) ^ turn);

    if (!side->begun) {
        side->begun = true;
        side->head = side->avail;
        side->flags = flags;
        desc.flags = vblk_put16(flags ^ VBLK_DESC_AVAIL);
    } else {
        desc.flags = vblk_put16(flags);
    }
    store(r, base_of(r) + DESC_AT + 16u * (uint64_t)side->avail, &desc, sizeof(desc));
    if (++side->avail >= r->size) {
        side->avail = 0;
        side->wrap = !side->wrap;
    }
}

/* What the driver wishes to be told of: flags or a place in the ring. */
static void op_event(struct ring *r)
{
    const uint16_t first = (uint16_t)input_number(&r->in), second = (uint16_t)input_number(&r->in);
    const uint64_t at = base_of(r) + AVAIL_AT;

    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, at, VBLK_RELAXED, first);
    (void)!vblk_memory_store16(r->h.mem, VBLK_DRIVER, has(r, VBLK_F_RING_PACKED) ? at + 2 : at + 4 + 2u * r->size,
                               VBLK_RELAXED, second);
}

static void kick(struct ring *r, uint16_t queue, uint32_t data)
{
    vblk_memory_barrier(r->h.mem, VBLK_DRIVER, VBLK_FULL);
    (void)!vblk_port_kick(r->h.port, queue, data);
}

/* What the device wants a notification to call the queue. */
static uint32_t called(struct ring *r, uint16_t queue)
{
    uint64_t id = queue;

    if (has(r, VBLK_F_NOTIF_CONFIG_DATA))
        (void)!vblk_port_read_reg(r->h.port, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, queue, &id);
    return (uint16_t)id;
}

static void op_kick(struct ring *r)
{
    const uint16_t queue = (uint16_t)input_number(&r->in);
    const uint32_t id = called(r, queue);
    const struct side *side = queue < QUEUES ? &r->side[queue] : NULL;
    const bool wrap = has(r, VBLK_F_RING_PACKED) && side && side->wrap;

    kick(r, queue,
         has(r, VBLK_F_NOTIFICATION_DATA) && side ? id | (uint32_t)side->avail << 16 | (uint32_t)wrap << 31 : id);
}

static void op_kick_data(struct ring *r)
{
    const uint16_t queue = (uint16_t)input_number(&r->in);

    kick(r, queue, (uint32_t)input_number(&r->in));
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

    (void)!vblk_port_write_reg(r->h.port, (enum vblk_reg)reg, queue, value);
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
        harness_host(&r->h, action, a, b);
}

static void op_start(struct ring *r)
{
    r->features = input_number(&r->in) | VBLK_BIT(VBLK_F_VERSION_1);
    start(r);
}

/* As op_start, with another size, which need not be lawful. */
static void op_open(struct ring *r)
{
    r->size = (uint16_t)(1 + input_up_to(&r->in, RING_MAX - 1));
    op_start(r);
}

static void op_queue(struct ring *r)
{
    r->queue = (uint16_t)input_up_to(&r->in, QUEUES - 1);
}

/* Reset one queue, and enable it again. */
static void op_requeue(struct ring *r)
{
    write_reg(r, VBLK_REG_QUEUE_RESET, 1);
    read_reg(r, VBLK_REG_QUEUE_RESET);
    read_reg(r, VBLK_REG_QUEUE_ENABLE);
    enable(r);
}

/* Append only: inputs keep their meaning as long as their bytes name operations. */
static void (*const ops[])(struct ring *r) = {
    op_store, op_desc, op_far_desc, op_header,    op_segment, op_publish, op_index, op_kick, op_look,  op_reg,
    op_read,  op_config, op_host,   op_start, op_open, op_queue, op_requeue, op_put,  op_event, op_kick_data,
};

static void run(struct ring *r)
{
    harness_tell(&r->h, VBLK_EV_CASE_BEGIN);
    start(r);
    for (unsigned i = 0; i < OPS_MAX && input_left(&r->in); i++)
        ops[input_byte(&r->in) % (sizeof(ops) / sizeof(ops[0]))](r);
    /* Whatever is available by now has been kicked at least once. */
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        kick(r, queue, called(r, queue));
        vblk_port_look(r->h.port, queue);
    }
    harness_tell(&r->h, VBLK_EV_CASE_END);
}

static void choose(struct ring *r, uint8_t settings)
{
    const struct vblk_profile *profile = vblk_profile_default();

    vblk_device_defaults(&r->options);
    r->features = input_number(&r->in) | VBLK_BIT(VBLK_F_VERSION_1);
    r->options.features = (vblk_device_features(profile) & ~input_number(&r->in)) | VBLK_BIT(VBLK_F_VERSION_1);
    r->options.num_queues = QUEUES;
    r->size = (uint16_t)(1u << input_up_to(&r->in, SIZE_LOG_MAX));
    r->options.chain_max = (uint32_t)input_up_to(&r->in, 1024);
    r->options.readings = harness_readings(settings, true);
    harness_make_fair(&r->options);
    wrong_instead(&r->wrong, &r->options);
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
    harness_innocent(&r.h, VBLK_DEVICE, NULL);
    harness_close(&r.h);
    return 0;
}
