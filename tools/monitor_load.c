/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * monitor_load SOCKET SECONDS [verify]: a load for tools/monitor-load.sh. Our driver keeps 8 requests of 4 KiB in flight on
 * one queue of the vhost-user device at SOCKET and prints how many were answered in a second. Reads at random; with
 * verify reads and writes at random, each sector marked with its number and how often it was written, and each read
 * compared. Status 0: all were answered OK (and held what was written last).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vblk/driver.h>
#include <vblk/spec.h>
#include <vblk/vhost_user.h>

#define DEPTH 8u
#define BLOCK 4096u
#define SECTORS (BLOCK / VBLK_SECTOR)
#define BLOCKS_MAX 4096u
#define BASE 0x100000u
#define BYTES 0x200000u
#define SLOT 0x2000u
#define PATIENCE_MS 5000u

struct flight {
    bool out, write;
    uint32_t block;
};

struct load {
    struct vblk_port *port;
    struct vblk_driver *driver;
    uint64_t room;
    bool verify;
    uint32_t blocks, seed;
    uint32_t version[BLOCKS_MAX]; /* times written */
    bool busy[BLOCKS_MAX];
    struct flight flight[DEPTH];
    uint16_t place_of[65536]; /* by id */
    uint64_t done, writes;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "monitor_load: %s\n", what);
    exit(1);
}

static void must(vblk_err err, const char *what)
{
    if (err != VBLK_OK)
        fail(what);
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t next_random(struct load *l)
{
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 17;
    l->seed ^= l->seed << 5;
    return l->seed;
}

/* What a block holds after so many writes. */
static void mark(uint8_t *bytes, uint32_t block, uint32_t version)
{
    for (uint32_t at = 0; at < BLOCK; at += 8) {
        const uint32_t words[2] = { version == 0 ? 0 : block * 2654435761u + at, version };

        memcpy(bytes + at, words, sizeof(words));
    }
}

static uint64_t place(const struct load *l, uint32_t i)
{
    return l->room + SLOT * (uint64_t)i;
}

static void send(struct load *l, uint32_t i)
{
    const uint64_t at = place(l, i);
    struct flight *f = &l->flight[i];
    struct vblk_request_header header = { .sector = vblk_put64(0) };
    uint8_t bytes[BLOCK];
    uint16_t id;

    do
        f->block = next_random(l) % l->blocks;
    while (l->busy[f->block]);
    l->busy[f->block] = f->out = true;
    f->write = l->verify && next_random(l) % 2 == 0;
    header.type = vblk_put32(f->write ? VBLK_T_OUT : VBLK_T_IN);
    header.sector = vblk_put64((uint64_t)f->block * SECTORS);
    if (f->write) {
        mark(bytes, f->block, ++l->version[f->block]);
        must(vblk_memory_write(l->port->mem, VBLK_DRIVER, at + 0x1000, bytes, BLOCK), "no memory");
        l->writes++;
    }
    const struct vblk_element elements[] = { { at, 16, false }, { at + 0x1000, BLOCK, !f->write }, { at + 16, 1, true } };
    must(vblk_memory_write(l->port->mem, VBLK_DRIVER, at, &header, sizeof(header)), "no memory");
    must(vblk_memory_write(l->port->mem, VBLK_DRIVER, at + 16, "\xff", 1), "no memory");
    must(vblk_driver_add(l->driver, 0, elements, 3, &id), "the ring is full");
    l->place_of[id] = (uint16_t)i;
    must(vblk_driver_publish(l->driver, 0, 1), "the device is gone");
}

static void check(struct load *l, uint32_t i)
{
    struct flight *f = &l->flight[i];
    uint8_t status, bytes[BLOCK], wanted[BLOCK];

    must(vblk_memory_read(l->port->mem, VBLK_DRIVER, place(l, i) + 16, &status, 1), "no memory");
    if (!f->out || status != VBLK_S_OK)
        fail(f->out ? "a request failed" : "an answer to nothing");
    if (l->verify && !f->write) {
        must(vblk_memory_read(l->port->mem, VBLK_DRIVER, place(l, i) + 0x1000, bytes, BLOCK), "no memory");
        mark(wanted, f->block, l->version[f->block]);
        if (memcmp(bytes, wanted, BLOCK) != 0)
            fail("a block does not hold what was written last");
    }
    l->busy[f->block] = f->out = false;
    l->done++;
}

static bool in_flight(const struct load *l)
{
    for (uint32_t i = 0; i < DEPTH; i++)
        if (l->flight[i].out)
            return true;
    return false;
}

static void drive(struct load *l, double until)
{
    bool going = true;

    while (going || in_flight(l)) {
        uint16_t id;
        uint32_t len;
        vblk_err err;

        going = now() < until;
        for (uint32_t i = 0; i < DEPTH && going; i++)
            if (!l->flight[i].out)
                send(l, i);
        while ((err = vblk_driver_reap(l->driver, 0, &id, &len)) == VBLK_OK)
            check(l, l->place_of[id]);
        if (err != VBLK_E_EMPTY)
            fail("the device is gone");
        if (in_flight(l) && vblk_port_wait(l->port, 0, PATIENCE_MS) != VBLK_OK)
            fail("no notification for five seconds: it or a request was lost");
    }
}

static void start(struct load *l, const char *socket)
{
    const struct vblk_vhost_user_options options = { .connect_ms = 5000 };
    struct vblk_driver_options how = { .features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_EVENT_IDX),
                                       .arena = { BASE, BYTES } };
    struct vblk_memory *mem = vblk_memory_new();
    uint64_t capacity;
    char why[300];

    how.profile = *vblk_profile_default();
    if (mem == NULL)
        fail("no memory");
    must(vblk_memory_add_shared(mem, BASE, BYTES), "no memory");
    if (vblk_vhost_user_open(socket, mem, &options, &l->port, why, sizeof(why)) != VBLK_OK)
        fail(why);
    l->driver = vblk_driver_new(l->port, &how);
    if (l->driver == NULL || vblk_driver_start(l->driver) != VBLK_OK)
        fail("the device can't be driven");
    capacity = vblk_driver_capacity(l->driver) / SECTORS;
    l->blocks = capacity < BLOCKS_MAX ? (uint32_t)capacity : BLOCKS_MAX;
    l->room = (vblk_driver_room(l->driver).gpa + SLOT - 1) / SLOT * SLOT;
    if (l->blocks < 2 * DEPTH)
        fail("the disk is too small");
}

int main(int argc, char **argv)
{
    static struct load l = { .seed = 2463534242u };
    double begun, seconds = argc >= 3 ? strtod(argv[2], NULL) : 0;

    l.verify = argc == 4 && strcmp(argv[3], "verify") == 0;
    if (seconds <= 0 || argc > 4 || (argc == 4 && !l.verify)) {
        fprintf(stderr, "monitor_load SOCKET SECONDS [verify]\n");
        return 2;
    }
    start(&l, argv[1]);
    begun = now();
    drive(&l, begun + seconds);
    seconds = now() - begun;
    printf("%.0f requests a second, %llu in all, %llu of them writes\n", (double)l.done / seconds,
           (unsigned long long)l.done, (unsigned long long)l.writes);
    vblk_driver_free(l.driver);
    vblk_port_close(l.port);
    return 0;
}
