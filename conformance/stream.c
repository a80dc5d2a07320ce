/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference driver sends the stream; it must not depend on how buffers travel. What the text leaves open is left
 * out or made good at once: sectors that were discarded are written again, requests in flight together don't overlap.
 */
#include "stream.h"

#include <stdio.h>
#include <string.h>

#define SECTORS 512u   /* of the disk that are used, at most */
#define UNITS_MAX 4u   /* logical blocks of one request */
#define BYTES_MAX 8192u
#define SLOT (BYTES_MAX + 64u)
#define WAIT_SLICE 20u /* ms */

struct run {
    struct vblk_port *port;
    struct vblk_driver *driver;
    const struct stream_options *options;
    struct stream *out;
    uint64_t state;
    uint64_t blocks; /* logical blocks that are used */
    uint16_t queues;
};

/* One request of a batch. */
struct flying {
    uint64_t at; /* header, data, status */
    uint32_t len;
    bool in, back;
    uint16_t id;
    struct stream_entry *entry;
};

static uint64_t draw(struct run *run, uint64_t below)
{
    uint64_t z = run->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static uint64_t hash(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static struct stream_entry *enter(struct run *run, uint32_t type, uint64_t sector, uint64_t count)
{
    struct stream_entry *entry = &run->out->entry[run->out->count++];

    *entry = (struct stream_entry){ .type = type, .sector = sector, .count = (uint32_t)count };
    return entry;
}

static vblk_err settled(struct stream_entry *entry, struct vblk_answer answer)
{
    const bool refused = answer.err == VBLK_E_INVAL || answer.err == VBLK_E_UNSUPPORTED; /* by the driver itself */

    entry->err = (uint8_t)answer.err;
    entry->status = answer.err ? 0 : answer.status;
    return refused ? VBLK_OK : answer.err;
}

/* Header, data and status of @f, whose entry says what it is. */
static vblk_err lay_out(struct run *run, struct flying *f, uint8_t seed)
{
    const struct stream_entry *e = f->entry;
    const struct vblk_request_header header = { .type = vblk_put32(e->type), .sector = vblk_put64(e->sector) };
    const uint8_t poison = 0xff;
    uint8_t buf[BYTES_MAX] = { 0 };
    vblk_err err;

    f->in = e->type == VBLK_T_IN || e->type == VBLK_T_GET_ID;
    f->len = e->type == VBLK_T_GET_ID ? VBLK_ID_BYTES : e->count * VBLK_SECTOR;
    if (e->type == VBLK_T_OUT)
        vblk_pattern(seed, e->sector, buf, f->len);
    err = vblk_memory_write(run->port->mem, VBLK_DRIVER, f->at, &header, sizeof(header));
    if (!err)
        err = vblk_memory_write(run->port->mem, VBLK_DRIVER, f->at + 16, buf, f->len);
    return err ? err : vblk_memory_write(run->port->mem, VBLK_DRIVER, f->at + 16 + f->len, &poison, 1);
}

/* A request of a batch, within the @slice-th part of the sectors, or past the end of the disk. */
static vblk_err draw_one(struct run *run, uint32_t slice, struct flying *f)
{
    static const uint32_t types[] = { VBLK_T_IN, VBLK_T_OUT, VBLK_T_OUT, VBLK_T_IN, VBLK_T_GET_ID, 77 };
    const uint32_t type = types[draw(run, sizeof(types) / sizeof(types[0]))], unit = run->options->unit;
    const uint64_t part = run->blocks / STREAM_BATCH;
    const uint64_t count = 1 + draw(run, part < UNITS_MAX ? part : UNITS_MAX);
    const uint64_t inside = slice * part + draw(run, part - count + 1);
    const bool outside = draw(run, 8) == 0;
    const uint64_t block = outside ? vblk_driver_capacity(run->driver) / unit + 8 : inside;

    f->entry = enter(run, type, block * unit, count * unit);
    return lay_out(run, f, (uint8_t)draw(run, 256));
}

static vblk_err add(struct run *run, uint16_t queue, struct flying *f)
{
    const struct vblk_element elements[] = {
        { f->at, 16, false },
        { f->at + 16, f->len, f->in },
        { f->at + 16 + f->len, 1, true },
    };

    return vblk_driver_add(run->driver, queue, elements, 3, &f->id);
}

/* Any answer that there is, or wait for one. */
static vblk_err reap(struct run *run, uint16_t queue, uint16_t *id)
{
    unsigned waited = 0;
    uint32_t len;
    vblk_err err = vblk_driver_reap(run->driver, queue, id, &len);

    while (err == VBLK_E_EMPTY && waited < run->options->wait_ms) {
        err = vblk_port_wait(run->port, queue, WAIT_SLICE);
        if (err && err != VBLK_E_TIMEOUT)
            return err;
        waited += err ? WAIT_SLICE : 1;
        err = vblk_driver_reap(run->driver, queue, id, &len);
    }
    return err == VBLK_E_EMPTY ? VBLK_E_TIMEOUT : err;
}

static vblk_err take(struct run *run, struct flying *f)
{
    uint8_t buf[BYTES_MAX + 1];
    vblk_err err = vblk_memory_read(run->port->mem, VBLK_DRIVER, f->at + 16, buf, f->len + 1);

    if (err)
        return err;
    f->entry->status = buf[f->len];
    if (f->in && f->entry->status == VBLK_S_OK) /* behind an id lies what lay there before */
        f->entry->data = hash(0, buf, f->entry->type == VBLK_T_IN ? f->len : strnlen((const char *)buf, f->len));
    return err;
}

static vblk_err reap_all(struct run *run, uint16_t queue, struct flying *flying, uint32_t n)
{
    vblk_err err = VBLK_OK;

    for (uint32_t k = 0; k < n && !err; k++) {
        uint16_t id = 0;
        uint32_t i = 0;

        err = reap(run, queue, &id);
        while (!err && i < n && (flying[i].back || flying[i].id != id))
            i++;
        if (!err && i == n)
            err = VBLK_E_IO;
        if (!err)
            flying[i].back = true;
    }
    for (uint32_t i = 0; i < n && !err; i++)
        err = take(run, &flying[i]);
    return err;
}

static uint64_t room_of(const struct run *run)
{
    return (vblk_driver_room(run->driver).gpa + 63) / 64 * 64;
}

/* A read or the like alone. Not the driver's own: that one trusts no data without a length (2.8.4). */
static vblk_err ask(struct run *run, struct stream_entry *entry)
{
    struct flying f = { .at = room_of(run), .entry = entry };
    vblk_err err = lay_out(run, &f, 0);

    if (!err)
        err = add(run, 0, &f);
    if (!err)
        err = vblk_driver_publish(run->driver, 0, 1);
    return err ? err : reap_all(run, 0, &f, 1);
}

/* Blocking requests. Those that leave content open are followed by a write of the same sectors. */
static vblk_err one_call(struct run *run)
{
    static const uint32_t types[] = { VBLK_T_FLUSH, VBLK_T_DISCARD, VBLK_T_WRITE_ZEROES, VBLK_T_SECURE_ERASE,
                                      VBLK_T_GET_ID, VBLK_T_IN,     VBLK_T_OUT,          UINT32_MAX /* provision */ };
    const uint32_t type = types[draw(run, sizeof(types) / sizeof(types[0]))], unit = run->options->unit;
    const uint64_t block = draw(run, run->blocks), left = run->blocks - block;
    const uint64_t most = left < UNITS_MAX ? left : UNITS_MAX, count = (1 + draw(run, most)) * unit;
    const uint64_t sector = block * unit;
    const uint8_t seed = (uint8_t)draw(run, 256);
    uint8_t buf[BYTES_MAX] = { 0 };
    struct stream_entry *entry = enter(run, type, sector, count);
    struct vblk_driver *driver = run->driver;
    bool write = type == VBLK_T_OUT;
    vblk_err err = VBLK_OK;

    switch (type) {
    case VBLK_T_FLUSH:
        return settled(entry, vblk_driver_flush(driver));
    case VBLK_T_GET_ID:
    case VBLK_T_IN:
        return ask(run, entry);
    case VBLK_T_WRITE_ZEROES:
        return settled(entry, vblk_driver_write_zeroes(driver, sector, count, seed & 1));
    case VBLK_T_DISCARD:
        err = settled(entry, vblk_driver_discard(driver, sector, count));
        write = true;
        break;
    case VBLK_T_SECURE_ERASE:
        err = settled(entry, vblk_driver_secure_erase(driver, sector, count));
        write = true;
        break;
    case UINT32_MAX:
        return settled(entry, vblk_driver_provision(driver, sector, count));
    default:
        break;
    }
    if (err || !write)
        return err;
    vblk_pattern(seed, sector, buf, (size_t)(count * VBLK_SECTOR));
    if (type == VBLK_T_OUT)
        return settled(entry, vblk_driver_write(driver, sector, buf, count));
    return vblk_driver_write(driver, sector, buf, count).err;
}

/* Several in flight, made available in two steps. */
static vblk_err one_batch(struct run *run)
{
    const uint16_t queue = (uint16_t)draw(run, run->queues);
    const uint32_t n = 1 + (uint32_t)draw(run, STREAM_BATCH), at_once = 1 + (uint32_t)draw(run, n);
    const uint64_t room = room_of(run);
    struct flying flying[STREAM_BATCH] = { { 0 } };
    vblk_err err = VBLK_OK;

    for (uint32_t i = 0; i < n && !err; i++) {
        flying[i].at = room + i * SLOT;
        err = draw_one(run, i, &flying[i]);
        if (!err)
            err = add(run, queue, &flying[i]);
        if (!err && i + 1 == at_once)
            err = vblk_driver_publish(run->driver, queue, at_once);
    }
    if (!err && n > at_once)
        err = vblk_driver_publish(run->driver, queue, n - at_once);
    return err ? err : reap_all(run, queue, flying, n);
}

static vblk_err fill(struct run *run)
{
    const uint32_t unit = run->options->unit;
    uint8_t buf[BYTES_MAX];
    vblk_err err = VBLK_OK;

    for (uint64_t block = 0; block < run->blocks && !err; block++) {
        struct vblk_answer answer;

        vblk_pattern(17, block * unit, buf, unit * VBLK_SECTOR);
        answer = vblk_driver_write(run->driver, block * unit, buf, unit);
        err = !answer.err && answer.status ? VBLK_E_IO : answer.err;
    }
    return err;
}

static vblk_err read_back(struct run *run)
{
    vblk_err err = VBLK_OK;

    for (uint64_t block = 0; block < run->blocks && !err; block++) {
        struct stream_entry entry = { .type = VBLK_T_IN, .sector = block * run->options->unit, .count = run->options->unit };

        err = ask(run, &entry);
        run->out->disk = hash(run->out->disk, (const uint8_t *)&entry.data, sizeof(entry.data)) + entry.status;
    }
    return err;
}

static vblk_err play(struct run *run)
{
    const uint64_t sectors = vblk_driver_capacity(run->driver);
    vblk_err err;

    run->blocks = (sectors < SECTORS ? sectors : SECTORS) / run->options->unit;
    if (run->blocks < 2 * STREAM_BATCH)
        return VBLK_E_INVAL;
    err = fill(run);
    for (uint32_t i = 0; i < STREAM_ROUNDS && !err; i++)
        err = draw(run, 3) ? one_batch(run) : one_call(run);
    return err ? err : read_back(run);
}

void stream_play(struct vblk_port *port, const struct stream_options *options, struct stream *out)
{
    const struct vblk_driver_options how = { .profile = options->profile,
                                             .features = options->features,
                                             .arena = options->arena,
                                             .queues = 2,
                                             .wait_ms = options->wait_ms };
    struct run run = { .port = port, .options = options, .out = out, .state = options->seed, .queues = 1 };

    memset(out, 0, sizeof(*out));
    out->err = options->unit && options->unit * UNITS_MAX * VBLK_SECTOR <= BYTES_MAX ? VBLK_OK : VBLK_E_INVAL;
    run.driver = out->err ? NULL : vblk_driver_new(port, &how);
    if (!out->err && !run.driver)
        out->err = VBLK_E_NOMEM;
    if (!out->err)
        out->err = vblk_driver_start(run.driver);
    if (!out->err)
        out->err = play(&run);
    if (run.driver && !out->err)
        out->err = vblk_driver_stop(run.driver);
    vblk_driver_free(run.driver);
}

static void say(const struct stream_entry *e, uint32_t i, char *text, size_t size)
{
    (void)snprintf(text, size, "request %u, type %u, sector %llu, %u sectors: %s%u, data 0x%016llx", i, e->type,
                   (unsigned long long)e->sector, e->count, e->err ? "error " : "status ",
                   e->err ? e->err : e->status, (unsigned long long)e->data);
}

static bool same(const struct stream_entry *a, const struct stream_entry *b)
{
    return a->type == b->type && a->count == b->count && a->sector == b->sector && a->err == b->err &&
           a->status == b->status && a->data == b->data;
}

bool stream_differs(const struct stream *first, const struct stream *other, char *expected, char *seen, size_t size)
{
    const uint32_t n = first->count < other->count ? first->count : other->count;

    for (uint32_t i = 0; i < n; i++) {
        if (same(&first->entry[i], &other->entry[i]))
            continue;
        say(&first->entry[i], i, expected, size);
        say(&other->entry[i], i, seen, size);
        return true;
    }
    (void)snprintf(expected, size, "%u requests, the disk hashes to 0x%016llx", first->count,
                   (unsigned long long)first->disk);
    (void)snprintf(seen, size, "%u requests, 0x%016llx", other->count, (unsigned long long)other->disk);
    return first->count != other->count || first->disk != other->disk;
}
