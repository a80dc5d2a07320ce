/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lawful driver against a device made of arbitrary bytes: it survives, in bounded work, and is never blamed.
 * Input: a byte of HARNESS_* settings, what the device announces, then what the driver is asked for and, within each
 * kick, what the device does.
 */
#include <stdlib.h>

#include <vblk/device.h>
#include <vblk/driver.h>

#include "harness.h"
#include "input.h"

#define GPA 0x10000u
#define SIZE 0x40000u
#define CALLS_MAX 64u
#define ACTIONS_MAX 8u /* within one kick */
#define SECTORS_MAX 64u
#define WAIT_MS 5u
#define BATCH_MAX 4u
#define BATCH_ROOM 64u
#define REGISTERS 14u /* of input_byte() */
#define TABLE_MAX 64u /* entries of an indirect table that are looked at */

/* Where the device takes from a queue and where it puts; packed: a slot, and the wrap counter that goes with it. */
struct place {
    uint16_t at;
    bool flipped;
};

struct lair {
    struct harness h;
    struct input in;
    struct vblk_puppet tables;
    struct vblk_driver *driver;
    struct place taken[64], used[64]; /* by queue */
    uint8_t buf[SECTORS_MAX * VBLK_SECTOR];
};

/* ---- the device ---- */

static uint64_t reg_of(struct lair *lair, enum vblk_reg reg, uint16_t queue)
{
    return vblk_puppet_reg(lair->h.port, reg, queue);
}

static uint16_t size_of(struct lair *lair, uint16_t queue)
{
    const uint16_t size = (uint16_t)reg_of(lair, VBLK_REG_QUEUE_SIZE, queue);

    return size ? size : 1;
}

static bool is_packed(struct lair *lair)
{
    return reg_of(lair, VBLK_REG_DRIVER_FEATURES, 0) >> VBLK_F_RING_PACKED & 1;
}

static bool load(struct lair *lair, uint64_t at, void *to, size_t len)
{
    return !vblk_memory_read(lair->h.mem, VBLK_DEVICE, at, to, len);
}

static void put16(struct lair *lair, uint64_t at, enum vblk_order order, uint16_t value)
{
    (void)!vblk_memory_store16(lair->h.mem, VBLK_DEVICE, at, order, value);
}

/* A buffer as its descriptors say: the last writable byte, what it holds in all, how many slots it took. */
struct buffer {
    uint64_t last;
    uint32_t total;
    uint16_t id, slots;
};

/* Of descriptors of both formats, address and length lie in the same places. */
static void count_in(struct buffer *b, const struct vblk_desc *desc, uint16_t flags)
{
    if (!(flags & VBLK_DESC_WRITE) || !vblk_get32(desc->len))
        return;
    b->last = vblk_get64(desc->addr) + vblk_get32(desc->len) - 1;
    b->total += vblk_get32(desc->len);
}

static void walk_table(struct lair *lair, struct buffer *b, const struct vblk_desc *link, bool packed)
{
    const uint32_t entries = vblk_get32(link->len) / 16;
    uint32_t at = 0;

    for (unsigned i = 0; i < TABLE_MAX && at < entries; i++) {
        struct vblk_desc desc;

        if (!load(lair, vblk_get64(link->addr) + 16u * (uint64_t)at, &desc, sizeof(desc)))
            return;
        count_in(b, &desc, vblk_get16(packed ? desc.next : desc.flags));
        if (!packed && !(vblk_get16(desc.flags) & VBLK_DESC_NEXT))
            return;
        at = packed ? at + 1 : vblk_get16(desc.next);
    }
}

static void walk(struct lair *lair, uint16_t queue, uint16_t head, struct buffer *b)
{
    const uint16_t size = size_of(lair, queue);
    const uint64_t table = reg_of(lair, VBLK_REG_QUEUE_DESC, queue);
    const bool packed = is_packed(lair);
    uint16_t at = head;

    *b = (struct buffer){ .id = head };
    while (b->slots++ < size) {
        struct vblk_desc desc;
        uint16_t flags;

        if (!load(lair, table + 16u * (uint64_t)at, &desc, sizeof(desc)))
            return;
        flags = vblk_get16(packed ? desc.next : desc.flags);
        if (packed)
            b->id = vblk_get16(desc.flags);
        if (flags & VBLK_DESC_INDIRECT)
            walk_table(lair, b, &desc, packed);
        else
            count_in(b, &desc, flags);
        if (!(flags & VBLK_DESC_NEXT))
            return;
        at = (uint16_t)(packed ? (at + 1u) % size : vblk_get16(desc.next));
    }
}

static void advance(struct lair *lair, uint16_t queue, struct place *p, uint32_t by)
{
    const uint16_t size = size_of(lair, queue);

    if (!is_packed(lair)) {
        p->at = (uint16_t)(p->at + by);
        return;
    }
    p->flipped ^= (p->at + by) / size % 2;
    p->at = (uint16_t)((p->at + by) % size);
}

/* An element of the used ring, or a used descriptor; the place moves on by @slots of the latter. */
static void put_elem(struct lair *lair, uint16_t queue, uint32_t id, uint32_t len, uint16_t slots)
{
    struct place *p = &lair->used[queue % 64];
    const struct vblk_used_elem elem = { vblk_put32(id), vblk_put32(len) };
    const vblk_le16 id16 = vblk_put16((uint16_t)id);
    uint64_t at = reg_of(lair, VBLK_REG_QUEUE_DEVICE, queue) + 4 + 8u * (uint64_t)(p->at % size_of(lair, queue));

    if (!is_packed(lair)) {
        (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, at, &elem, sizeof(elem));
        advance(lair, queue, p, 1);
        return;
    }
    at = reg_of(lair, VBLK_REG_QUEUE_DESC, queue) + 16u * (uint64_t)p->at;
    (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, at + 8, &elem.len, sizeof(elem.len));
    (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, at + 12, &id16, sizeof(id16));
    vblk_memory_barrier(lair->h.mem, VBLK_DEVICE, VBLK_RELEASE);
    put16(lair, at + 14, VBLK_RELEASE,
          (uint16_t)((p->flipped ? 0 : VBLK_DESC_AVAIL | VBLK_DESC_USED) | (len ? VBLK_DESC_WRITE : 0)));
    advance(lair, queue, p, slots);
}

static void put_index(struct lair *lair, uint16_t queue, uint16_t idx)
{
    vblk_memory_barrier(lair->h.mem, VBLK_DEVICE, VBLK_RELEASE);
    lair->used[queue % 64].at = idx;
    put16(lair, reg_of(lair, VBLK_REG_QUEUE_DEVICE, queue) + 2, VBLK_RELEASE, idx);
}

/* The head of the next available request. */
static bool next_head(struct lair *lair, uint16_t queue, uint16_t *head)
{
    const struct place *p = &lair->taken[queue % 64];
    const uint64_t avail = reg_of(lair, VBLK_REG_QUEUE_DRIVER, queue);
    uint16_t word;

    if (is_packed(lair)) {
        const uint16_t turn = p->flipped ? VBLK_DESC_USED : VBLK_DESC_AVAIL;

        *head = p->at;
        return !vblk_memory_load16(lair->h.mem, VBLK_DEVICE,
                                   reg_of(lair, VBLK_REG_QUEUE_DESC, queue) + 16u * (uint64_t)p->at + 14, VBLK_ACQUIRE,
                                   &word) &&
               (word & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) == turn;
    }
    if (vblk_memory_load16(lair->h.mem, VBLK_DEVICE, avail + 2, VBLK_ACQUIRE, &word) || word == p->at)
        return false;
    return !vblk_memory_load16(lair->h.mem, VBLK_DEVICE, avail + 4 + 2u * (uint64_t)(p->at % size_of(lair, queue)),
                               VBLK_RELAXED, head);
}

/* Answer the next available request; each number is added to what would be right. */
static void act_answer(struct lair *lair, uint16_t queue)
{
    const uint8_t status = input_byte(&lair->in);
    const uint32_t id = (uint32_t)input_number(&lair->in), len = (uint32_t)input_number(&lair->in);
    struct buffer b;
    uint16_t head;

    if (!next_head(lair, queue, &head))
        return;
    walk(lair, queue, head, &b);
    advance(lair, queue, &lair->taken[queue % 64], is_packed(lair) ? b.slots : 1);
    if (b.total)
        (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, b.last, &status, 1);
    put_elem(lair, queue, b.id + id, b.total + len, b.slots);
    if (!is_packed(lair))
        put_index(lair, queue, lair->used[queue % 64].at);
    vblk_port_notified(lair->h.port, VBLK_EV_USED_NOTIFY, queue);
}

static void act_elem(struct lair *lair, uint16_t queue)
{
    const uint32_t id = (uint32_t)input_number(&lair->in);

    put_elem(lair, queue, id, (uint32_t)input_number(&lair->in), 1);
}

/* Packed: only the place where the device puts the next used descriptor. */
static void act_index(struct lair *lair, uint16_t queue)
{
    struct place *p = &lair->used[queue % 64];
    const uint32_t by = (uint16_t)input_number(&lair->in);

    if (is_packed(lair))
        advance(lair, queue, p, by);
    else
        put_index(lair, queue, (uint16_t)(p->at + by));
}

static void act_flags(struct lair *lair, uint16_t queue)
{
    put16(lair, reg_of(lair, VBLK_REG_QUEUE_DEVICE, queue) + (is_packed(lair) ? 2 : 0), VBLK_RELAXED,
          (uint16_t)input_number(&lair->in));
}

/* What the device wishes to be told of, with EVENT_IDX: a place in the ring. */
static void act_event(struct lair *lair, uint16_t queue)
{
    put16(lair,
          reg_of(lair, VBLK_REG_QUEUE_DEVICE, queue) + (is_packed(lair) ? 0 : 4 + 8u * (uint64_t)size_of(lair, queue)),
          VBLK_RELAXED, (uint16_t)input_number(&lair->in));
}

/* A request is taken, and nothing said: the next answer may stand for it. */
static void act_take(struct lair *lair, uint16_t queue)
{
    struct buffer b;
    uint16_t head;

    if (!next_head(lair, queue, &head))
        return;
    walk(lair, queue, head, &b);
    advance(lair, queue, &lair->taken[queue % 64], is_packed(lair) ? b.slots : 1);
}

/* Anywhere, where that can be seen: else nobody could tell whose doing it is. */
static void act_store(struct lair *lair, uint16_t queue)
{
    const uint8_t part = input_byte(&lair->in) % 4;
    const uint64_t offset = input_number(&lair->in);
    uint64_t len = input_byte(&lair->in);
    const uint8_t *bytes = input_take(&lair->in, &len);
    const uint64_t base = part == 3 ? GPA : reg_of(lair, (enum vblk_reg)(VBLK_REG_QUEUE_DESC + part), queue);

    if (!(lair->h.options.sees & VBLK_SEES_DEVICE_STORES))
        return;
    (void)!vblk_memory_write(lair->h.mem, VBLK_DEVICE, base + offset, bytes, (size_t)len);
}

static void act_notify(struct lair *lair, uint16_t queue)
{
    const uint8_t what = input_byte(&lair->in);

    vblk_port_notified(lair->h.port, what & 1 ? VBLK_EV_CONFIG_NOTIFY : VBLK_EV_USED_NOTIFY,
                       what & 2 ? what / 4 : queue);
}

static void act_show(struct lair *lair, uint16_t queue)
{
    const uint8_t reg = input_byte(&lair->in) % REGISTERS;
    const uint64_t value = input_number(&lair->in);

    (void)!vblk_puppet_show(lair->h.port, (enum vblk_reg)reg, queue, value);
}

/* The device changes its configuration: not an access of the driver's, so not through vblk_port_write_config(). */
static void act_config(struct lair *lair, uint16_t queue)
{
    const uint8_t offset = input_byte(&lair->in);
    const uint64_t value = input_number(&lair->in);

    (void)queue;
    (void)!lair->h.port->ops->write_config(lair->h.port, offset, &value, 1);
}

/* Append only, as the calls below. */
static void (*const actions[])(struct lair *lair, uint16_t queue) = {
    act_answer, act_elem, act_index, act_flags, act_store, act_notify, act_show, act_config, act_event, act_take,
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* A byte of ACTIONS or more ends the kick, and so does the end of the input. */
static void on_kick(void *ctx, struct vblk_port *port, uint16_t queue)
{
    struct lair *lair = ctx;

    (void)port;
    for (unsigned i = 0; i < ACTIONS_MAX && input_left(&lair->in); i++) {
        const uint8_t action = input_byte(&lair->in);

        if (action >= ACTIONS)
            return;
        actions[action](lair, queue);
    }
}

/* ---- the driver ---- */

static void restart(struct lair *lair)
{
    memset(lair->taken, 0, sizeof(lair->taken));
    memset(lair->used, 0, sizeof(lair->used));
}

static void call_start(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    restart(lair);
    (void)!vblk_driver_start(lair->driver);
}

static void call_read(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)vblk_driver_read(lair->driver, sector, lair->buf, count % (SECTORS_MAX + 1));
}

static void call_write(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)vblk_driver_write(lair->driver, sector, lair->buf, count % (SECTORS_MAX + 1));
}

static void call_flush(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)vblk_driver_flush(lair->driver);
}

static void call_identity(struct lair *lair, uint64_t sector, uint64_t count)
{
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];

    (void)sector;
    if (count & 1)
        (void)vblk_driver_get_id(lair->driver, id);
    else
        (void)vblk_driver_lifetime(lair->driver, &lifetime);
}

/* Ranges of any size: how many requests they become is up to the device's limits, so few of them. */
static void call_range(struct lair *lair, uint64_t sector, uint64_t count)
{
    switch (sector % 4) {
    case 0:
        (void)vblk_driver_discard(lair->driver, sector / 4, count);
        break;
    case 1:
        (void)vblk_driver_write_zeroes(lair->driver, sector / 4, count, count & 1);
        break;
    case 2:
        (void)vblk_driver_secure_erase(lair->driver, sector / 4, count);
        break;
    default:
        (void)vblk_driver_provision(lair->driver, sector / 4, count);
    }
}

static void call_stop(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)!vblk_driver_stop(lair->driver);
}

/* What the device does on its own between two calls. */
static void call_device(struct lair *lair, uint64_t sector, uint64_t count)
{
    (void)count;
    on_kick(lair, lair->h.port, (uint16_t)(sector % 4));
}

/* Several buffers at once, of which some are published together, and whatever comes back. */
static void call_batch(struct lair *lair, uint64_t sector, uint64_t count)
{
    const uint16_t queue = (uint16_t)(sector % 4);
    const vblk_err err = (restart(lair), vblk_driver_start(lair->driver)); /* unanswered requests are in flight … */
    const uint64_t room = (vblk_driver_room(lair->driver).gpa + 15) / 16 * 16;
    const bool fine = !err && vblk_driver_features(lair->driver) >> VBLK_F_FLUSH & 1;
    const unsigned n = 1 + count % BATCH_MAX;
    unsigned added = 0;
    uint32_t len;
    uint16_t id;

    for (unsigned i = 0; i < n && fine; i++) {
        const uint64_t at = room + i * BATCH_ROOM;
        const struct vblk_request_header header = { .type = vblk_put32(VBLK_T_FLUSH) };
        const struct vblk_element elements[] = { { at, sizeof(header), false }, { at + 16, 1, true } };

        if (!vblk_memory_covers(lair->h.mem, at, BATCH_ROOM) ||
            vblk_memory_write(lair->h.mem, VBLK_DRIVER, at, &header, sizeof(header)) ||
            vblk_driver_add(lair->driver, queue, elements, 2, &id))
            break;
        added++;
    }
    if (added && !vblk_driver_publish(lair->driver, queue, added))
        for (unsigned i = 0; i < added && !vblk_driver_reap(lair->driver, queue, &id, &len); i++)
            continue;
    call_start(lair, 0, 0); /* … and so may these be */
}

static void call_reset_queue(struct lair *lair, uint64_t sector, uint64_t count)
{
    const uint16_t queue = (uint16_t)(sector % 4);

    (void)count;
    if (vblk_driver_reset_queue(lair->driver, queue))
        return;
    lair->taken[queue] = lair->used[queue] = (struct place){ 0 };
}

static void (*const calls[])(struct lair *lair, uint64_t sector, uint64_t count) = {
    call_start, call_read, call_write,  call_flush, call_identity,
    call_range, call_stop, call_device, call_batch, call_reset_queue,
};

static void announce(struct lair *lair)
{
    struct vblk_puppet *t = &lair->tables;

    t->features = input_number(&lair->in);
    t->num_queues = (uint16_t)input_up_to(&lair->in, 8);
    t->queue_max = (uint16_t)input_number(&lair->in);
    t->config_length = (uint32_t)input_up_to(&lair->in, 96);
    for (uint32_t i = 0; i < t->config_length; i++)
        t->config[i] = input_byte(&lair->in);
}

static void drive(struct lair *lair)
{
    harness_tell(&lair->h, VBLK_EV_CASE_BEGIN);
    call_start(lair, 0, 0);
    for (unsigned i = 0; i < CALLS_MAX && input_left(&lair->in); i++) {
        const uint8_t call = input_byte(&lair->in) % (sizeof(calls) / sizeof(calls[0]));
        const uint64_t sector = input_number(&lair->in);

        calls[call](lair, sector, input_number(&lair->in));
    }
    harness_tell(&lair->h, VBLK_EV_CASE_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    struct lair *lair = calloc(1, sizeof(*lair));
    struct vblk_driver_options options = {
        .profile = *vblk_profile_default(), .features = UINT64_MAX, .arena = { GPA, SIZE }, .wait_ms = WAIT_MS
    };
    uint8_t settings;

    if (!lair)
        return 0;
    lair->in = (struct input){ data, size, 0 };
    settings = input_byte(&lair->in) | HARNESS_JUDGE_DRIVER;
    announce(lair);
    options.queues = (uint16_t)input_up_to(&lair->in, 4);
    harness_open(&lair->h, &region, 1);
    harness_listen(&lair->h, vblk_puppet_new(lair->h.mem), &options.profile, settings);
    lair->driver = vblk_driver_new(lair->h.port, &options);
    if (lair->driver && !vblk_puppet_configure(lair->h.port, &lair->tables) &&
        !vblk_puppet_on_kick(lair->h.port, on_kick, lair))
        drive(lair);
    vblk_driver_free(lair->driver);
    harness_check_list(&lair->h);
    harness_innocent(&lair->h, VBLK_DRIVER, NULL);
    harness_close(&lair->h);
    free(lair);
    return 0;
}
