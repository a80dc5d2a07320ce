/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference driver at work in front of the reference device, judged. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <vblk/builtin.h>

#include "trial.h"

#define B(bit) VBLK_BIT(VBLK_F_##bit)
#define BATCH 4u
#define BATCH_MAX 8u
#define RACE 40u /* its two requests have memory of their own */
#define ARENA_GPA 0x10000u
#define ARENA_SIZE 0x1f0000u
#define MEMORY (2u << 20)
#define DISK 256u
#define ALL_BUT_RINGS ~(B(RING_PACKED) | B(INDIRECT_DESC) | B(EVENT_IDX) | B(IN_ORDER) | B(NOTIFICATION_DATA) | \
                        B(NOTIF_CONFIG_DATA) | B(RING_RESET))

/* What device and driver have in common in one run. */
struct scenario {
    const char *name;
    uint64_t ring;   /* ring features, offered and wanted */
    uint64_t refuse; /* other features that the driver does not want */
    uint16_t queue_size, queues;
    uint32_t size_max, seg_max; /* 0: as the model has them */
    uint8_t transport;          /* whose registers the judge takes them for */
    const char *profile;        /* NULL: the default */
    bool stays;                 /* the device is live to the end */
};

#define OVER_PCI .queue_size = 8, .queues = 2, .transport = VBLK_TRANSPORT_PCI

static const struct scenario scenarios[] = {
    { .name = "split", .queue_size = 16 },
    { .name = "split, a ring of two", .queue_size = 2 },
    { .name = "split, four queues", .queue_size = 8, .queues = 4 },
    { .name = "split, event index", B(EVENT_IDX), .queue_size = 8 },
    { .name = "split, tables", B(INDIRECT_DESC), .queue_size = 16 },
    { .name = "split, in order", B(IN_ORDER), .queue_size = 8 },
    { .name = "split, tables in order, events", B(INDIRECT_DESC) | B(IN_ORDER) | B(EVENT_IDX), .queue_size = 8, .queues = 2 },
    { .name = "split, notification data", B(NOTIFICATION_DATA), .queue_size = 8, .queues = 2 },
    { .name = "split, queue reset", B(RING_RESET), .queue_size = 8, .queues = 2 },
    { .name = "split, small pieces", .queue_size = 16, .size_max = 512, .seg_max = 2 },
    { .name = "split, few features", .refuse = ~B(VERSION_1), .queue_size = 16 },
    { .name = "split, no change of cache mode", .refuse = B(CONFIG_WCE), .queue_size = 16 },
    { .name = "split, 1.4", .queue_size = 16, .profile = "1.4", .stays = true },
    { .name = "packed", B(RING_PACKED), .queue_size = 16 },
    { .name = "packed, five entries", B(RING_PACKED), .queue_size = 5 },
    { .name = "packed, three entries", B(RING_PACKED), .queue_size = 3 },
    { .name = "packed, event index", B(RING_PACKED) | B(EVENT_IDX), .queue_size = 7, .queues = 2 },
    { .name = "packed, notification data", B(RING_PACKED) | B(NOTIFICATION_DATA), .queue_size = 8, .queues = 2 },
    { .name = "packed, tables", B(RING_PACKED) | B(INDIRECT_DESC), .queue_size = 5 },
    { .name = "packed, small pieces", B(RING_PACKED), .queue_size = 16, .size_max = 512, .seg_max = 2 },
    { .name = "packed, tables, small pieces", B(RING_PACKED) | B(INDIRECT_DESC), .queue_size = 16, .size_max = 512, .seg_max = 2 },
    { .name = "packed, in order", B(RING_PACKED) | B(IN_ORDER), .queue_size = 8 },
    { .name = "packed, queue reset, mmio", B(RING_PACKED) | B(RING_RESET), .queue_size = 8, .transport = VBLK_TRANSPORT_MMIO },
    { .name = "packed, queue reset, pci", B(RING_PACKED) | B(RING_RESET), .queue_size = 8, .transport = VBLK_TRANSPORT_PCI },
    { .name = "split, own names, pci", B(NOTIF_CONFIG_DATA), OVER_PCI },
    { .name = "split, own names, data, pci", B(NOTIF_CONFIG_DATA) | B(NOTIFICATION_DATA), OVER_PCI },
    { .name = "split, 1.4, pci", OVER_PCI, .profile = "1.4" },
    { .name = "split, data, 1.4, pci", B(NOTIFICATION_DATA), OVER_PCI, .profile = "1.4" },
    { .name = "packed, own names, pci", B(RING_PACKED) | B(NOTIF_CONFIG_DATA), OVER_PCI },
    { .name = "packed, own names, data, pci", B(RING_PACKED) | B(NOTIF_CONFIG_DATA) | B(NOTIFICATION_DATA), OVER_PCI },
    { .name = "packed, 1.4, pci", B(RING_PACKED), OVER_PCI, .profile = "1.4" },
    { .name = "packed, data, 1.4, pci", B(RING_PACKED) | B(NOTIFICATION_DATA), OVER_PCI, .profile = "1.4" },
    { .name = "packed, everything", B(RING_PACKED) | B(INDIRECT_DESC) | B(EVENT_IDX) | B(IN_ORDER) | B(NOTIFICATION_DATA) | B(RING_RESET),
      .queue_size = 8, .queues = 2 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static uint16_t queues_of(const struct scenario *as)
{
    return as->queues != 0 ? as->queues : 1;
}

static const struct vblk_profile *profile_of(const struct scenario *as)
{
    return as->profile != NULL ? vblk_profile_find(as->profile) : vblk_profile_default();
}

/* The scenario, with what the mutant has otherwise. */
static struct scenario scenario_of(const struct scenario *row, const struct mutant *mutant)
{
    struct scenario as = *row;

    if (mutant == NULL)
        return as;
    as.queue_size = mutant->queue_size != 0 ? mutant->queue_size : as.queue_size;
    as.queues = mutant->queues != 0 ? mutant->queues : as.queues;
    as.refuse |= mutant->refuse;
    return as;
}

struct bench {
    uint64_t trace; /* of all events, in order */
    const struct mutant *mutant; /* NULL: none */
    const struct scenario *as;
    struct vblk_memory *mem;
    struct vblk_port *device;
    struct wrong_port wrong;
    struct vblk_driver_behaviour behaviour;
    struct mutant_device wrong_device;
    struct vblk_port *port; /* the driver's */
    struct vblk_driver *driver;
    struct vblk_oracle *oracle;
};

static void bench_close(struct bench *b)
{
    vblk_driver_free(b->driver);
    vblk_port_close(b->device);
    vblk_oracle_free(b->oracle);
    vblk_memory_free(b->mem);
}

static void mix(struct bench *b, uint64_t value)
{
    b->trace = (b->trace ^ value) * UINT64_C(0x100000001b3);
    b->trace ^= b->trace >> 29;
}

static void watch(void *ctx, const struct vblk_event *ev)
{
    struct bench *b = ctx;

    mix(b, ev->kind | (uint64_t)ev->party << 8 | (uint64_t)ev->queue << 16 | (uint64_t)ev->reg << 32);
    mix(b, ev->at);
    mix(b, ev->len);
    mix(b, ev->value);
    for (uint32_t i = 0; ev->bytes != NULL && i < ev->len && i < 32; i++)
        mix(b, ev->bytes[i]);
    vblk_oracle_observe(b->oracle, ev);
}

/* What a driver's snapshot shows of the device: nothing. */
static void tap_driver(void *ctx, const struct vblk_event *ev)
{
    if (ev->party == VBLK_DRIVER)
        watch(ctx, ev);
}

static struct vblk_port *make_device(struct bench *b, const struct mutant *mutant)
{
    struct vblk_device_options is;

    vblk_device_defaults(&is);
    is.profile = *profile_of(b->as);
    is.features &= vblk_device_features(&is.profile);
    if (mutant != NULL) {
        b->wrong_device = mutant_device(mutant);
        is.behaviour = &b->wrong_device.behaviour;
    }
    is.capacity = DISK;
    is.features |= b->as->ring;
    is.size_max = b->as->size_max ? b->as->size_max : is.size_max;
    is.seg_max = b->as->seg_max ? b->as->seg_max : is.seg_max;
    is.max_discard_sectors = is.max_write_zeroes_sectors = is.max_secure_erase_sectors = is.max_provision_sectors = 24;
    if (mutant != NULL && mutant->options != NULL)
        mutant->options(&is, mutant);
    return vblk_builtin_new(&is, b->mem, NULL);
}

static bool bench_open(struct bench *b, const struct scenario *as, const struct mutant *mutant, bool snapshot)
{
    static const struct wrong_port_ops nothing;
    struct vblk_oracle_options judge = { .profile = *profile_of(as), .disk_zero = true, .sees = VBLK_SEES_ALL,
                                         .judge_driver = true, .transport = as->transport };
    struct vblk_driver_options wants = { .profile = *profile_of(as),
                                         .features = (ALL_BUT_RINGS & ~as->refuse) | as->ring,
                                         .arena = { ARENA_GPA, ARENA_SIZE },
                                         .queues = queues_of(as), .queue_size = as->queue_size, .wait_ms = 1 };

    *b = (struct bench){ .as = as, .mutant = mutant, .mem = vblk_memory_new() };
    if (b->mem == NULL || vblk_memory_add(b->mem, &(struct vblk_region){ .size = MEMORY, .fd = -1 }) != VBLK_OK)
        return false;
    if (snapshot)
        judge.sees = VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS;
    if (mutant != NULL && mutant->driver) {
        b->behaviour = mutant->with;
        if (mutant->ring != NULL)
            b->behaviour.ring = vblk_ring_fault_find(mutant->ring);
    }
    wants.behaviour = &b->behaviour;
    b->device = make_device(b, mutant);
    b->oracle = vblk_oracle_new(&judge, b->mem);
    if (b->device == NULL || b->oracle == NULL)
        return false;
    vblk_memory_set_tap(b->mem, snapshot ? tap_driver : watch, b);
    b->device->observe = watch;
    b->device->observe_ctx = b;
    wrong_port_open(&b->wrong, b->device, mutant != NULL ? &mutant->port : &nothing);
    b->port = &b->wrong.port;
    b->driver = vblk_driver_new(b->port, &wants);
    return b->driver != NULL;
}

static void quiet(struct bench *b)
{
    for (uint16_t i = 0; i < queues_of(b->as); i++)
        vblk_port_emit(b->port, &(struct vblk_event){ .kind = VBLK_EV_QUIET, .party = VBLK_DEVICE, .queue = i, .value = 1000 });
}

static void note(struct bench *b, struct vblk_answer answer)
{
    if (answer.err == VBLK_E_TIMEOUT)
        quiet(b);
}

static void data_both_ways(struct bench *b)
{
    static uint8_t data[16 * VBLK_SECTOR];

    memset(data, 0x5a, sizeof(data));
    note(b, vblk_driver_write(b->driver, 1, data, 2));
    note(b, vblk_driver_read(b->driver, 0, data, 4));
    note(b, vblk_driver_write(b->driver, 100, data, 16));
    note(b, vblk_driver_read(b->driver, 96, data, 16));
    note(b, vblk_driver_read(b->driver, DISK - 1, data, 1));
}

static void flush(struct bench *b)
{
    if (b->mutant == NULL || !b->mutant->never_flushes)
        note(b, vblk_driver_flush(b->driver));
}

static void one_of_each(struct bench *b)
{
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];

    data_both_ways(b);
    flush(b);
    note(b, vblk_driver_get_id(b->driver, id));
    note(b, vblk_driver_lifetime(b->driver, &lifetime));
    note(b, vblk_driver_discard(b->driver, 8, 40));
    note(b, vblk_driver_write_zeroes(b->driver, 16, 40, true));
    note(b, vblk_driver_secure_erase(b->driver, 24, 40));
    note(b, vblk_driver_provision(b->driver, 32, 40));
}

#define FAR 0x8000u /* from a wrong request's readable part to its writable one */

/* Cut [@gpa, @gpa + @len) into @pieces. */
static uint32_t cut(struct vblk_element *e, uint32_t n, uint64_t gpa, uint32_t len, uint32_t pieces, bool writable)
{
    for (uint32_t i = 0; len != 0 && i < pieces; i++) {
        const uint32_t part = i + 1 < pieces ? len / pieces : len - (pieces - 1) * (len / pieces);

        e[n++] = (struct vblk_element){ gpa, part, writable };
        gpa += part;
    }
    return n;
}

/* Cut a run at @cuts. */
static uint32_t cut_at(struct vblk_element *e, uint32_t n, const struct wrong_request *r, const uint16_t cuts[6], uint64_t gpa,
                       uint32_t len, bool writable)
{
    uint32_t from = 0;

    for (unsigned i = 0; i < 6; i++) {
        const bool again = r->empty && (i == 0 || cuts[i] != 0) && cuts[i] == from;

        if (cuts[i] >= len || (cuts[i] <= from && !again))
            break;
        e[n++] = (struct vblk_element){ gpa + from, cuts[i] - from, writable };
        from = cuts[i];
    }
    e[n++] = (struct vblk_element){ gpa + from, len - from, writable };
    return n;
}

static uint32_t lay_out(const struct bench *b, const struct wrong_request *r, uint64_t at, struct vblk_element *e)
{
    const uint32_t out = r->segments * (uint32_t)sizeof(struct vblk_segment) + r->more;
    const uint64_t status = at + FAR + (r->at != 0 ? 0 : r->in);
    uint32_t n = 1, pieces = r->pieces != 0 ? r->pieces : 1;

    if (r->framed) {
        n = cut_at(e, 0, r, r->cut, at, (uint32_t)sizeof(struct vblk_request_header) + out, false);
        return cut_at(e, n, r, r->cut_in, at + FAR, r->in + 1, true);
    }
    if (b->as->queue_size == 2) {
        e[0] = (struct vblk_element){ at, (uint32_t)sizeof(struct vblk_request_header) + out, false };
        e[1] = (struct vblk_element){ r->at != 0 ? r->at : at + FAR, r->in + 1, true };
        return 2;
    }
    e[0] = (struct vblk_element){ at, sizeof(struct vblk_request_header), false };
    n = cut(e, n, at + sizeof(struct vblk_request_header), out, pieces, false);
    n = cut(e, n, r->at != 0 ? r->at : at + FAR, r->in, pieces, true);
    e[n++] = (struct vblk_element){ status, 1, true };
    return n;
}

#define PIECES_MAX 8u

/* The mutant's own request. */
static void send_wrong(struct bench *b)
{
    const struct wrong_request *r = &b->mutant->sends;
    const struct vblk_request_header header = { vblk_put32(r->type), vblk_put32(0), vblk_put64(r->sector) };
    const uint64_t at = vblk_driver_room(b->driver).gpa + 0x10000;
    struct vblk_element e[2 * PIECES_MAX + 2];
    const uint32_t n = lay_out(b, r, at, e);
    uint16_t id;
    uint32_t len;
    vblk_err err = vblk_memory_write(b->mem, VBLK_DRIVER, at, &header, sizeof(header));

    for (uint32_t i = 0; err == VBLK_OK && i < r->segments; i++) {
        const struct vblk_segment segment = { vblk_put64(r->segment.sector + i * (uint64_t)r->apart), vblk_put32(r->segment.count),
                                              vblk_put32(r->segment.flags) };

        err = vblk_memory_write(b->mem, VBLK_DRIVER, at + sizeof(header) + i * sizeof(segment), &segment, sizeof(segment));
    }
    if (err == VBLK_OK)
        err = vblk_driver_add(b->driver, 0, e, n, &id);
    if (err == VBLK_OK)
        err = vblk_driver_publish(b->driver, 0, 1);
    for (unsigned i = 0; err == VBLK_OK && i < 4; i++) {
        vblk_port_look(b->port, 0);
        if (vblk_driver_reap(b->driver, 0, &id, &len) != VBLK_E_EMPTY || vblk_port_wait(b->port, 0, 1) != VBLK_OK)
            break;
    }
}

/* Request @i of a batch, a read of one sector; in two elements on a ring of two. */
static vblk_err add_read(struct bench *b, uint16_t queue, uint32_t i)
{
    const uint64_t capacity = vblk_driver_capacity(b->driver);
    const struct vblk_request_header header = { vblk_put32(VBLK_T_IN), vblk_put32(0), vblk_put64(capacity != 0 ? i % capacity : 0) };
    const uint64_t at = vblk_driver_room(b->driver).gpa + 1024 * (uint64_t)(queue % 8 * (BATCH_MAX + 1) + i);
    const struct vblk_element e[3] = { { at, sizeof(header), false }, { at + 64, 512, true }, { at + 576, 1, true } };
    const struct vblk_element two[2] = { e[0], { at + 64, 513, true } };
    uint16_t id;

    if (vblk_memory_write(b->mem, VBLK_DRIVER, at, &header, sizeof(header)) != VBLK_OK)
        return VBLK_E_RANGE;
    return b->as->queue_size == 2 ? vblk_driver_add(b->driver, queue, two, 2, &id)
                                  : vblk_driver_add(b->driver, queue, e, 3, &id);
}

/* Several at once: the device answers when all are there. @return false: not all came back, and their memory is not ours. */
static bool batch(struct bench *b, uint16_t queue)
{
    uint32_t n = 0, back = 0, len;
    uint16_t id;
    vblk_err err;

    const uint32_t most = b->mutant != NULL && b->mutant->batch != 0 ? b->mutant->batch : BATCH;

    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 1, 0);
    while (n < most && add_read(b, queue, n) == VBLK_OK)
        n++;
    err = vblk_driver_publish(b->driver, queue, n);
    if (err == VBLK_OK && add_read(b, queue, n) == VBLK_OK) /* one more while the others are with the device */
        err = vblk_driver_publish(b->driver, queue, 1);
    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 0, 0);
    vblk_port_look(b->port, queue);
    for (uint32_t i = 0; err == VBLK_OK && i <= 2 * most; i++) {
        err = vblk_driver_reap(b->driver, queue, &id, &len);
        back += err == VBLK_OK;
    }
    return back >= n || (b->mutant != NULL && b->mutant->driver); /* a wrong driver does not care */
}

/* ---- races: one side comes between the other's last look and its asking for notifications again ---- */

struct race {
    struct bench *b;
    uint64_t wish[2]; /* where it asks: two bytes each */
    enum vblk_party asks;
    unsigned nth; /* it stores that often before the other comes */
    bool over;
};

static bool reaped(struct bench *b)
{
    uint32_t len;
    uint16_t id;

    return vblk_driver_reap(b->driver, 0, &id, &len) == VBLK_OK;
}

static void show_read(struct bench *b, uint32_t i)
{
    if (add_read(b, 0, i) == VBLK_OK)
        (void)!vblk_driver_publish(b->driver, 0, 1);
}

static void come_between(void *ctx, const struct vblk_event *ev)
{
    struct race *r = ctx;
    bool mine = ev->kind == VBLK_EV_STORE && ev->party == r->asks;

    if (r->over || !mine || (ev->at - r->wish[0] >= 2 && ev->at - r->wish[1] >= 2) || r->nth-- > 0)
        return;
    r->over = true;
    if (r->asks == VBLK_DRIVER)
        (void)!vblk_port_host(r->b->port, VBLK_HOST_HOLD, 0, 0);
    else
        show_read(r->b, RACE + 1);
}

static struct race race_at(struct bench *b, enum vblk_party asks, unsigned nth)
{
    struct race r = { .b = b, .asks = asks, .nth = nth };
    struct vblk_queue_layout at;
    const bool packed = (vblk_device_accepted(vblk_builtin_device(b->device)) & B(RING_PACKED)) != 0;

    if (vblk_device_queue(vblk_builtin_device(b->device), 0, &at) != VBLK_OK)
        return r;
    r.wish[0] = asks == VBLK_DRIVER ? at.driver : at.device;
    r.wish[1] = r.wish[0] + (packed ? 2 : 4 + (asks == VBLK_DRIVER ? 2u : 8u) * (uint64_t)at.size);
    return r;
}

/* The driver makes a buffer available while the device is about to ask. @return how many of two are back. */
static unsigned race_of_kicks(struct bench *b, unsigned nth)
{
    struct race r = race_at(b, VBLK_DEVICE, nth);
    unsigned back = 0;

    vblk_memory_set_hook(b->mem, come_between, &r);
    show_read(b, RACE);
    vblk_memory_set_hook(b->mem, NULL, NULL);
    if (!r.over)
        show_read(b, RACE + 1);
    else
        quiet(b);
    for (unsigned i = 0; i < 4 && back < 2; i++)
        back += reaped(b);
    return back;
}

/* The device, which held it back, uses a buffer while the driver is about to ask. */
static unsigned race_of_interrupts(struct bench *b, unsigned nth)
{
    struct race r = race_at(b, VBLK_DRIVER, nth);
    unsigned back = 0;

    show_read(b, RACE);
    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 1, 0);
    show_read(b, RACE + 1);
    vblk_memory_set_hook(b->mem, come_between, &r);
    while (reaped(b))
        back++;
    vblk_memory_set_hook(b->mem, NULL, NULL);
    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 0, 0);
    if (r.over)
        quiet(b);
    for (unsigned i = 0; i < 4 && back < 2; i++)
        back += reaped(b);
    return back;
}

/* Before each of the stores by which a side may ask; not on queues that have no room for two. */
static void races(struct bench *b)
{
    unsigned back = 2;

    for (unsigned nth = 0; nth < 4 && b->as->queue_size >= 6 && back == 2; nth++) {
        back = race_of_kicks(b, nth);
        if (back == 2)
            back = race_of_interrupts(b, nth);
    }
}

static bool alive(struct bench *b)
{
    uint8_t data[VBLK_SECTOR];

    return vblk_driver_read(b->driver, 0, data, 1).err == VBLK_OK;
}

/* @return false: buffers are still with the device. */
static bool all_queues(struct bench *b)
{
    for (unsigned round = 0; round < 3; round++)
        for (uint16_t i = 0; i < queues_of(b->as) && alive(b); i++)
            if (!batch(b, i))
                return false;
    return true;
}

/* What the host does to a device that is in use. */
static void events(struct bench *b)
{
    uint8_t data[VBLK_SECTOR] = { 0 };

    if (!alive(b))
        return;
    (void)!vblk_port_host(b->port, VBLK_HOST_RESIZE, DISK / 2, 0);
    note(b, vblk_driver_read(b->driver, 0, data, 1));
    note(b, vblk_driver_read(b->driver, DISK / 2, data, 1));
    for (uint16_t i = 0; i < queues_of(b->as) && (b->as->ring & B(RING_RESET)) != 0; i++)
        (void)!vblk_driver_reset_queue(b->driver, i);
    note(b, vblk_driver_write(b->driver, 3, data, 1));
    flush(b);
    (void)!vblk_port_host(b->port, VBLK_HOST_NEEDS_RESET, 0, 0);
    note(b, vblk_driver_read(b->driver, 0, data, 1));
}

static void last_words(struct bench *b)
{
    uint8_t data[VBLK_SECTOR];

    data_both_ways(b);
    if (!alive(b))
        return;
    one_of_each(b);
    (void)!vblk_port_host(b->port, VBLK_HOST_RESIZE, DISK / 4, 0);
    note(b, vblk_driver_read(b->driver, 0, data, 1));
    flush(b);
}

static void work(struct bench *b)
{
    if (vblk_driver_start(b->driver) == VBLK_OK) {
        one_of_each(b);
        if (b->mutant != NULL && (b->mutant->sends.type != 0 || b->mutant->sends.sector != 0))
            send_wrong(b);
        if (all_queues(b)) {
            if (vblk_device_options_of(vblk_builtin_device(b->device))->capacity > RACE + 1)
                races(b);
            events(b);
        }
    }
    if (vblk_driver_start(b->driver) == VBLK_OK)
        last_words(b);
    quiet(b);
    if (!b->as->stays)
        (void)!vblk_driver_stop(b->driver);
    vblk_port_emit(b->port, &(struct vblk_event){ .kind = VBLK_EV_CASE_END });
}

static void collect(const struct bench *b, struct trial *out)
{
    for (size_t i = 0; i < vblk_oracle_violation_count(b->oracle); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(b->oracle, i);

        if (v->severity != VBLK_NOTE)
            trial_add(out, v->clause, v->guilty, b->as->name, v->seen);
    }
}

static bool does_work(const struct mutant *mutant, const struct scenario *as)
{
    const char *only = mutant != NULL ? mutant->only : NULL;

    if (only == NULL)
        return true;
    return only[0] == '!' ? fnmatch(only + 1, as->name, 0) != 0 : fnmatch(only, as->name, 0) == 0;
}

void trial_driver(const struct mutant *mutant, bool snapshot, struct trial *out)
{
    *out = (struct trial){ .result = TRIAL_SURVIVED };
    for (size_t i = 0; i < SCENARIOS; i++) {
        const struct scenario as = scenario_of(&scenarios[i], mutant);
        struct bench b;

        if (!does_work(mutant, &as))
            continue;
        if (bench_open(&b, &as, mutant, snapshot)) {
            work(&b);
            collect(&b, out);
            out->trace = (out->trace ^ b.trace) * UINT64_C(0x9e3779b97f4a7c15);
        } else {
            out->result = TRIAL_NOT_RUN;
        }
        bench_close(&b);
    }
}

void trial_exercised(bool packed, uint32_t *times)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct bench b;

        if (((scenarios[i].ring & B(RING_PACKED)) != 0) != packed)
            continue;
        if (bench_open(&b, &scenarios[i], NULL, false)) {
            work(&b);
            for (size_t no = 0; no < vblk_clause_count(); no++) {
                const struct vblk_tally tally = vblk_oracle_tally(b.oracle, (vblk_clause_no)no);

                times[no] += tally.held + tally.noted;
            }
        }
        bench_close(&b);
    }
}
