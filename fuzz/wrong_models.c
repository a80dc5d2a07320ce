/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A wrong device under the lawful driver, or a wrong driver in front of a lawful device: the judge ends in bounded work,
 * its list is well-formed, and whoever is lawful is never blamed. VBLK_FUZZ_MUTANT=NAME: always that model; all: each
 * in turn.
 * Input: two bytes that choose the model; a byte of HARNESS_* settings; features
 * that are not offered; log2 of the queues' size; how many there are; then what the driver is asked for and the host does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vblk/builtin.h>
#include <vblk/driver.h>

#include "harness.h"
#include "input.h"
#include "wrong.h"

#define GPA 0x10000u
#define SIZE 0x80000u
#define CALLS_MAX 48u
#define SECTORS_MAX 64u
#define QUEUES 3u
#define WAIT_MS 5u
#define BATCH_MAX 6u
#define BATCH_ROOM 1024u
#define NOT_OFFERED (VBLK_BIT(VBLK_F_RO) | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA))

struct den {
    struct harness h;
    struct input in;
    const struct mutant *mutant;
    struct mutant_device wrong;
    struct wrong_port port; /* the driver's */
    struct vblk_driver_behaviour behaviour;
    struct vblk_driver *driver;
    uint8_t buf[SECTORS_MAX * VBLK_SECTOR];
};

static void call_start(struct den *den, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)!vblk_driver_start(den->driver);
}

static void call_read(struct den *den, uint64_t sector, uint64_t count)
{
    (void)vblk_driver_read(den->driver, sector, den->buf, count % (SECTORS_MAX + 1));
}

static void call_write(struct den *den, uint64_t sector, uint64_t count)
{
    memset(den->buf, (int)(sector ^ count), sizeof(den->buf));
    (void)vblk_driver_write(den->driver, sector, den->buf, count % (SECTORS_MAX + 1));
}

static void call_flush(struct den *den, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)vblk_driver_flush(den->driver);
}

static void call_identity(struct den *den, uint64_t sector, uint64_t count)
{
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];

    (void)sector;
    if (count & 1)
        (void)vblk_driver_get_id(den->driver, id);
    else
        (void)vblk_driver_lifetime(den->driver, &lifetime);
}

static void call_range(struct den *den, uint64_t sector, uint64_t count)
{
    const uint64_t few = count % 4096;

    if (sector % 4 == 0)
        (void)vblk_driver_discard(den->driver, sector / 4, few);
    else if (sector % 4 == 1)
        (void)vblk_driver_write_zeroes(den->driver, sector / 4, few, few & 1);
    else if (sector % 4 == 2)
        (void)vblk_driver_secure_erase(den->driver, sector / 4, few);
    else
        (void)vblk_driver_provision(den->driver, sector / 4, few);
}

static void call_stop(struct den *den, uint64_t sector, uint64_t count)
{
    (void)sector, (void)count;
    (void)!vblk_driver_stop(den->driver);
}

static void call_reset_queue(struct den *den, uint64_t sector, uint64_t count)
{
    (void)count;
    (void)!vblk_driver_reset_queue(den->driver, (uint16_t)(sector % QUEUES));
}

/* HOLD is part of a batch: alone it would make the device owe what it may not answer. */
static void call_host(struct den *den, uint64_t sector, uint64_t count)
{
    const uint64_t action = count % VBLK_HOST_COUNT;

    if (action != VBLK_HOST_HOLD)
        harness_host(&den->h, (unsigned)action, action == VBLK_HOST_RESIZE ? 1 + sector % 65536 : sector, sector);
}

/* Several reads at once, in new surroundings: what was not answered before is still the device's. */
static void call_batch(struct den *den, uint64_t sector, uint64_t count)
{
    const uint16_t queue = (uint16_t)(sector % QUEUES);
    const vblk_err err = vblk_driver_start(den->driver);
    const uint64_t room = (vblk_driver_room(den->driver).gpa + 15) / 16 * 16;
    unsigned added = 0;
    uint32_t len;
    uint16_t id;

    (void)!vblk_port_host(den->h.port, VBLK_HOST_HOLD, 1, 0);
    for (unsigned i = 0; !err && i <= count % BATCH_MAX && i < vblk_driver_capacity(den->driver); i++) {
        const struct vblk_request_header header = { vblk_put32(VBLK_T_IN), vblk_put32(0), vblk_put64(i) };
        const uint64_t at = room + i * (uint64_t)BATCH_ROOM;
        const struct vblk_element e[] = { { at, sizeof(header), false }, { at + 16, VBLK_SECTOR, true }, { at + 16 + VBLK_SECTOR, 1, true } };

        if (vblk_memory_write(den->h.mem, VBLK_DRIVER, at, &header, sizeof(header)) ||
            vblk_driver_add(den->driver, queue, e, 3, &id))
            break;
        added++;
    }
    if (added && vblk_driver_publish(den->driver, queue, added))
        added = 0;
    (void)!vblk_port_host(den->h.port, VBLK_HOST_HOLD, 0, 0);
    for (unsigned i = 0; i < added && !vblk_driver_reap(den->driver, queue, &id, &len); i++)
        continue;
    call_start(den, 0, 0);
}

/* Append only: inputs keep their meaning. */
static void (*const calls[])(struct den *den, uint64_t sector, uint64_t count) = {
    call_start, call_read, call_write, call_flush, call_identity, call_range, call_stop, call_reset_queue, call_host, call_batch,
};

static void drive(struct den *den)
{
    harness_tell(&den->h, VBLK_EV_CASE_BEGIN);
    call_start(den, 0, 0);
    for (unsigned i = 0; i < CALLS_MAX && input_left(&den->in); i++) {
        const uint8_t call = input_byte(&den->in) % (sizeof(calls) / sizeof(calls[0]));
        const uint64_t sector = input_number(&den->in);

        calls[call](den, sector, input_number(&den->in));
    }
    harness_tell(&den->h, VBLK_EV_CASE_END);
}

static struct vblk_port *device_of(struct den *den, const struct vblk_profile *profile, uint64_t left_out)
{
    struct vblk_device_options options;

    vblk_device_defaults(&options);
    options.profile = *profile;
    options.features = (vblk_device_features(profile) | vblk_device_ring_features()) & ~(left_out & ~VBLK_BIT(VBLK_F_VERSION_1)) & ~NOT_OFFERED;
    options.num_queues = QUEUES;
    options.capacity = 4096;
    wrong_device(den->mutant, &den->wrong, &options);
    return vblk_builtin_new(&options, den->h.mem, NULL);
}

/* A driver's row may have the device break something, too, so that the driver has an occasion, be it in the driver's
 * port, where it stores as the device; then nobody is innocent. */
static bool device_is_lawful(const struct mutant *m)
{
    static const struct vblk_behaviour lawful;

    return m->driver && strcmp(m->name, "driver-event-ignored") != 0 && !m->options && !m->device_ring && !m->beside && memcmp(&m->behaviour, &lawful, sizeof(lawful)) == 0;
}

static bool blamed(const struct den *den)
{
    const vblk_clause_no no = vblk_clause_find(den->mutant->clause);

    for (size_t i = 0; i < vblk_oracle_violation_count(den->h.oracle); i++)
        if (vblk_oracle_violation(den->h.oracle, i)->clause == no)
            return true;
    return false;
}

/* @return whether the judge blamed the clause that the model breaks. */
static bool try_one(struct den *den, const struct mutant *m, struct input in)
{
    static const struct vblk_region region = { .gpa = GPA, .size = SIZE, .fd = -1 };
    const struct vblk_profile *profile = m->profile ? vblk_profile_find(m->profile) : vblk_profile_default();
    struct vblk_driver_options wants = { .profile = *profile, .features = UINT64_MAX, .arena = { GPA, SIZE }, .wait_ms = WAIT_MS,
                                         .behaviour = &den->behaviour };
    const uint8_t settings = input_byte(&in) | HARNESS_JUDGE_DRIVER;
    struct vblk_port *device;
    uint64_t left_out;
    bool caught = false;

    left_out = input_number(&in);
    wants.queue_size = (uint16_t)(2u << input_up_to(&in, 5));
    wants.queues = (uint16_t)(1 + input_up_to(&in, QUEUES - 1));
    den->in = in;
    den->mutant = m;
    den->behaviour = m->driver ? m->with : (struct vblk_driver_behaviour){ 0 };
    if (m->driver && m->ring)
        den->behaviour.ring = vblk_ring_fault_find(m->ring);
    harness_open(&den->h, &region, 1);
    if (den->h.show)
        (void)fprintf(stderr, "the model is %s: %s\n", m->name, m->what);
    device = device_of(den, profile, left_out);
    if (!device) {
        vblk_memory_free(den->h.mem);
        return false;
    }
    harness_listen_device(&den->h, device, profile, settings & (uint8_t)~HARNESS_READINGS);
    wrong_port_open(&den->port, device, &m->port);
    den->driver = vblk_driver_new(&den->port.port, &wants);
    if (den->driver) {
        drive(den);
        harness_check_list(&den->h);
        caught = blamed(den);
        if (!m->driver)
            harness_innocent(&den->h, VBLK_DRIVER, NULL);
        else if (device_is_lawful(m))
            harness_innocent(&den->h, VBLK_DEVICE, NULL);
    }
    vblk_driver_free(den->driver);
    harness_close(&den->h);
    return caught;
}

/* With requests of all kinds a good part of the models shows what is wrong with it. */
#define CAUGHT_LEAST 100u

static void try_all(struct den *den, struct input in)
{
    const struct mutant *m;
    unsigned caught = 0;

    for (size_t i = 0; (m = mutant_at(i)) != NULL; i++)
        caught += try_one(den, m, in);
    if (den->h.show)
        (void)fprintf(stderr, "%u models were blamed for their clause\n", caught);
    if (input_left(&in) > 100 && caught < CAUGHT_LEAST)
        harness_finding("of the wrong models only %u are blamed for their clause", caught);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct den *den = calloc(1, sizeof(*den));
    struct input in = { data, size, 0 };
    const bool all = wrong_all();
    const struct mutant *m = all ? NULL : wrong_named();
    uint16_t which = input_byte(&in);
    size_t count = 0;

    which = (uint16_t)(which | input_byte(&in) << 8);
    while (mutant_at(count))
        count++;
    if (den && all)
        try_all(den, in);
    else if (den)
        (void)try_one(den, m ? m : mutant_at(which % count), in);
    free(den);
    return 0;
}
