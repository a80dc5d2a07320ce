/* SPDX-License-Identifier: BSD-3-Clause */
/* `vblk bench`: what judging costs, as ratios to a floor that is measured in the same run. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vblk/vblk.h>

#include "bench_floor.h"
#include "cmd.h"

enum { DEPTH = 32, DISK = 256 * 1024, BUFFERS_EACH = 8192, BATCHES = 9 };

/* How a row watches the models. */
enum watch { NOBODY, SNAPSHOT, ACCESS, ACCESS_DEVICE_ONLY };

struct row {
    const char *name;
    const char *what;
    bool floor;
    enum watch watch;
    bool packed;
};

static const struct row rows[] = {
    { "floor", "unchecked driver, device and ring in one thread", true, NOBODY, false },
    { "models", "reference driver and device, nobody watching", false, NOBODY, false },
    { "judged-snapshot", "judged from memory at each notification", false, SNAPSHOT, false },
    { "judged", "judged on every load and store, both parties", false, ACCESS, false },
    { "judged-device", "the same, the device's clauses only", false, ACCESS_DEVICE_ONLY, false },
    { "packed-models", "as models, packed ring", false, NOBODY, true },
    { "packed-judged", "as judged, packed ring", false, ACCESS, true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The models on their own memory, with the oracle in the places that the row wants. */
struct models {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct vblk_oracle *oracle;
    struct vblk_request_header header; /* of each request, but for the sector */
    struct vblk_element slots[DEPTH][3]; /* where the requests lie: header, data, status */
};

static void models_close(struct models *m)
{
    vblk_driver_free(m->driver);
    vblk_port_close(m->port);
    vblk_oracle_free(m->oracle);
    vblk_memory_free(m->mem);
    memset(m, 0, sizeof(*m));
}

static void tap_driver(void *ctx, const struct vblk_event *ev)
{
    if (ev->party == VBLK_DRIVER && ev->kind == VBLK_EV_STORE)
        vblk_oracle_observe(ctx, ev);
}

static vblk_err watch_models(struct models *m, enum watch watch)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .disk_zero = true };

    options.sees = watch == SNAPSHOT ? VBLK_SEES_DRIVER_STORES : VBLK_SEES_ALL;
    options.judge_driver = watch != ACCESS_DEVICE_ONLY;
    m->oracle = vblk_oracle_new(&options, m->mem);
    if (m->oracle == NULL)
        return VBLK_E_NOMEM;
    vblk_memory_set_tap(m->mem, watch == SNAPSHOT ? tap_driver : vblk_oracle_observe, m->oracle);
    m->port->observe = vblk_oracle_observe;
    m->port->observe_ctx = m->oracle;
    return VBLK_OK;
}

/* A slot: header at 0, status at 64, data a page on. */
static void lay_out(struct models *m, uint32_t data)
{
    const uint64_t first = (vblk_driver_room(m->driver).gpa + 4095) & ~(uint64_t)4095;

    m->header = (struct vblk_request_header){ .type = vblk_put32(data > 0 ? VBLK_T_IN : VBLK_T_FLUSH) };
    for (uint32_t i = 0; i < DEPTH; i++) {
        const uint64_t base = first + (uint64_t)i * BUFFERS_EACH;

        m->slots[i][0] = (struct vblk_element){ base, sizeof(struct vblk_request_header), false };
        m->slots[i][1] = (struct vblk_element){ base + 4096, data, true };
        m->slots[i][2] = (struct vblk_element){ base + 64, 1, true };
    }
}

static vblk_err models_open(struct models *m, enum watch watch, bool packed, uint32_t data)
{
    struct vblk_driver_options wants = { .profile = *vblk_profile_default(), .features = UINT64_MAX,
                                         .arena = { 0x10000, 0x3f0000 }, .queue_size = 128 };
    struct vblk_device_options is;
    vblk_err err = VBLK_E_NOMEM;

    memset(m, 0, sizeof(*m));
    vblk_device_defaults(&is);
    is.capacity = DISK / VBLK_SECTOR;
    is.features |= packed ? VBLK_BIT(VBLK_F_RING_PACKED) : 0;
    m->mem = vblk_memory_new();
    if (m->mem == NULL || vblk_memory_add(m->mem, &(struct vblk_region){ .size = 4u << 20, .fd = -1 }) != VBLK_OK)
        return err;
    m->port = vblk_builtin_new(&is, m->mem, NULL);
    if (m->port == NULL || (watch != NOBODY && watch_models(m, watch) != VBLK_OK))
        return err;
    m->driver = vblk_driver_new(m->port, &wants);
    if (m->driver == NULL)
        return err;
    err = vblk_driver_start(m->driver);
    lay_out(m, data);
    return err;
}

static vblk_err submit(struct models *m, const struct vblk_element slot[3], uint64_t sector)
{
    uint16_t id;
    vblk_err err;

    m->header.sector = vblk_put64(sector);
    err = vblk_memory_write(m->mem, VBLK_DRIVER, slot[0].gpa, &m->header, sizeof(m->header));
    if (err == VBLK_OK)
        err = vblk_memory_store8(m->mem, VBLK_DRIVER, slot[2].gpa, 0xff);
    return err == VBLK_OK ? vblk_driver_add(m->driver, 0, slot, 3, &id) : err;
}

static vblk_err finish(struct models *m, const struct vblk_element slot[3], uint64_t *sum)
{
    uint32_t len;
    uint16_t id;
    uint8_t status;
    vblk_err err = vblk_driver_reap(m->driver, 0, &id, &len);

    if (err == VBLK_OK)
        err = vblk_memory_load8(m->mem, VBLK_DRIVER, slot[2].gpa, &status);
    if (err == VBLK_OK)
        *sum += status + len;
    return err;
}

static vblk_err one_round(struct models *m, uint32_t data, uint64_t *sector, uint64_t *sum)
{
    vblk_err err = VBLK_OK;

    for (uint32_t i = 0; err == VBLK_OK && i < DEPTH; i++, *sector += data / VBLK_SECTOR)
        err = submit(m, m->slots[i], *sector % (DISK / VBLK_SECTOR));
    if (err == VBLK_OK)
        err = vblk_driver_publish(m->driver, 0, DEPTH);
    vblk_port_look(m->port, 0);
    for (uint32_t i = 0; err == VBLK_OK && i < DEPTH; i++)
        err = finish(m, m->slots[i], sum);
    return err;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One row, set up once and run in turns with the others so that all see the same noise. */
struct contender {
    const struct row *row;
    struct floor *floor;
    struct models models;
    uint64_t sector, sum;
    double best; /* ns per request */
};

static vblk_err contender_run(struct contender *c, uint32_t rounds, uint32_t data)
{
    if (c->row->floor) {
        c->sum += floor_run(c->floor, rounds, DEPTH, data);
        return VBLK_OK;
    }
    for (uint32_t r = 0; r < rounds; r++) {
        vblk_err err = one_round(&c->models, data, &c->sector, &c->sum);
        if (err != VBLK_OK)
            return err;
    }
    return VBLK_OK;
}

static void contender_close(struct contender *c)
{
    floor_free(c->floor);
    c->floor = NULL;
    models_close(&c->models);
}

static vblk_err contender_open(struct contender *c, const struct row *row, uint32_t data)
{
    memset(c, 0, sizeof(*c));
    c->row = row;
    if (!row->floor)
        return models_open(&c->models, row->watch, row->packed, data);
    c->floor = floor_new(DISK);
    return c->floor != NULL ? VBLK_OK : VBLK_E_NOMEM;
}

static vblk_err time_rows(struct contender *c, size_t n, uint32_t rounds, uint32_t data)
{
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < n; i++) {
            double start = now();
            vblk_err err = contender_run(&c[i], rounds, data);
            double each = (now() - start) / ((double)rounds * DEPTH);
            if (err != VBLK_OK)
                return err;
            if (batch == 1 || each < c[i].best)
                c[i].best = each; /* batch 0 warms up */
        }
    }
    return VBLK_OK;
}

/* Verdicts of a lawful run must be clean, or the figures are of something else. */
static bool clean(const struct contender *c)
{
    return c->models.oracle == NULL || vblk_oracle_violation_count(c->models.oracle) == 0;
}

static void print_row(const struct contender *c, const struct contender *floor, uint64_t requests)
{
    printf("  %-16s %9.1f ns", c->row->name, c->best);
    if (floor != NULL)
        printf(" %7.2f x floor", c->best / floor->best);
    if (c->models.oracle != NULL)
        printf("  %5.1f checks", (double)vblk_oracle_checks_run(c->models.oracle) / (double)requests);
    printf("   %s%s\n", c->row->what, clean(c) ? "" : "  (NOT CLEAN: the run was blamed for something)");
}

static int bench(const char *only, uint32_t rounds, uint32_t data)
{
    struct contender c[ROWS];
    size_t n = 0;
    vblk_err err = VBLK_OK;
    bool good = true;

    memset(c, 0, sizeof(c));
    for (size_t i = 0; i < ROWS && err == VBLK_OK; i++)
        if (only == NULL || strcmp(only, rows[i].name) == 0)
            err = contender_open(&c[n++], &rows[i], data);
    if (err == VBLK_OK)
        err = only == NULL ? time_rows(c, n, rounds, data) : contender_run(&c[0], rounds, data);
    if (err == VBLK_OK && only == NULL) {
        printf(data > 0 ? "%u-byte reads" : "requests without data", data);
        printf(", 3 descriptors, depth %u: best of %u batches of %u requests\n", DEPTH, BATCHES - 1,
               rounds * DEPTH);
        for (size_t i = 0; i < n; i++)
            print_row(&c[i], &c[0], (uint64_t)BATCHES * rounds * DEPTH);
    }
    for (size_t i = 0; i < n; i++) {
        good = good && clean(&c[i]);
        contender_close(&c[i]);
    }
    if (err != VBLK_OK)
        return cmd_sorry("bench", "could not run: %s", vblk_strerror(err));
    return good ? CMD_HELD : CMD_VIOLATED;
}

static int usage(void)
{
    printf("usage: vblk bench [--rounds N] [--only ROW --data BYTES]\n\n"
           "Times the reference models with and without the judge, against an unchecked floor, in one run.\n"
           "Ratios are what counts: single times depend on the machine and its noise.\n\n"
           "  --rounds N     batches of 32 requests in one measurement (default 2000)\n"
           "  --only ROW     run one row once and print nothing, to count its instructions:\n"
           "                 valgrind --tool=callgrind vblk bench --only judged --rounds 1000\n"
           "  --data BYTES   with --only: 0 or 4096\n\nrows:\n");
    for (size_t i = 0; i < ROWS; i++)
        printf("  %-16s %s\n", rows[i].name, rows[i].what);
    return cmd_finish("bench", CMD_HELD);
}

static bool known_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

static bool number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < min || value > max)
        return false;
    *out = (uint32_t)value;
    return true;
}

int cmd_bench(int argc, char **argv)
{
    static const struct option options[] = { { "rounds", required_argument, NULL, 'r' },
                                             { "only", required_argument, NULL, 'o' },
                                             { "data", required_argument, NULL, 'd' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    uint32_t rounds = 2000, data = 0;
    const char *only = NULL;

    opterr = 0;
    for (int got; (got = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (got == 'h')
            return usage();
        if (got == 'r' && !number(optarg, 1, 1000000, &rounds))
            return cmd_sorry("bench", "--rounds wants a number from 1 to 1000000, not '%s'", optarg);
        if (got == 'd' && (!number(optarg, 0, 4096, &data) || (data != 0 && data != 4096)))
            return cmd_sorry("bench", "--data is 0 or 4096, not '%s'", optarg);
        if (got == 'o')
            only = optarg;
        if (got == '?' || got == ':')
            return cmd_bad_option("bench", got, argv);
    }
    if (optind < argc)
        return cmd_sorry("bench", "unexpected argument '%s'", argv[optind]);
    if (only != NULL && !known_row(only))
        return cmd_sorry("bench", "no row '%s'; see 'vblk bench --help'", only);
    if (only != NULL)
        return bench(only, rounds, data);
    int status = bench(NULL, rounds, 0);
    if (status == CMD_HELD)
        status = bench(NULL, rounds / 4 + 1, 4096);
    return cmd_finish("bench", status);
}
