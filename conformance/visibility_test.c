/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference models, judged: as they are nobody is blamed; the driver without a barrier is, by its clause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/vblk.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define REQUESTS 8u

struct removal {
    const char *what;
    unsigned weakness;
    const char *clause; /* NULL: nothing is removed and nobody is blamed */
};

static const struct removal removals[] = {
    { "nothing", 0, NULL },
    { "the driver's order before available idx", VBLK_WEAK_STORES, "SUPPLY-DRV-01" },
    { "the driver's barrier before it decides to notify", VBLK_WEAK_BARRIERS, "SUPPLY-02" },
};

struct bench {
    struct vblk_memory *mem;
    struct vblk_visibility *v;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct vblk_oracle *oracle;
};

/* A notification orders what came before it. */
static void port_event(void *ctx, const struct vblk_event *ev)
{
    struct bench *b = ctx;

    if (ev->kind == VBLK_EV_KICK)
        vblk_visibility_arrive(b->v, VBLK_DRIVER);
    else if (ev->kind == VBLK_EV_USED_NOTIFY)
        vblk_visibility_arrive(b->v, VBLK_DEVICE);
    vblk_oracle_observe(b->oracle, ev);
}

static void bench_open(struct bench *b, uint64_t seed)
{
    const struct vblk_oracle_options judge = { .profile = *vblk_profile_default(), .disk_zero = true,
                                               .sees = VBLK_SEES_ALL, .judge_driver = true };
    const struct vblk_driver_options wants = { .profile = *vblk_profile_default(),
                                               .features = ~VBLK_BIT(VBLK_F_RING_PACKED),
                                               .arena = { 0x10000, 0x3f0000 }, .queue_size = 8 };
    struct vblk_device_options is;

    vblk_device_defaults(&is);
    is.capacity = 64;
    b->mem = vblk_memory_new();
    OK(vblk_memory_add(b->mem, &(struct vblk_region){ .size = 4u << 20, .fd = -1 }));
    b->v = vblk_visibility_new(b->mem, seed);
    b->port = vblk_builtin_new(&is, b->mem, NULL);
    b->oracle = vblk_oracle_new(&judge, b->mem);
    vblk_memory_set_tap(b->mem, vblk_oracle_observe, b->oracle);
    b->port->observe = port_event;
    b->port->observe_ctx = b;
    b->driver = vblk_driver_new(b->port, &wants);
    OK(vblk_driver_start(b->driver));
}

static void bench_close(struct bench *b)
{
    vblk_driver_free(b->driver);
    vblk_port_close(b->port);
    vblk_oracle_free(b->oracle);
    vblk_visibility_free(b->v);
    vblk_memory_free(b->mem);
}

static void write_and_read(struct bench *b, unsigned i)
{
    uint8_t there[512], back[512] = { 0 };

    memset(there, (int)(i + 1), sizeof(there));
    OK(vblk_driver_write(b->driver, i, there, 1).err);
    OK(vblk_driver_read(b->driver, i, back, 1).err);
    assert_memory_equal(there, back, sizeof(there));
}

static void nobody_else_is_blamed(const struct bench *b, const char *clause)
{
    for (size_t i = 0; i < vblk_oracle_violation_count(b->oracle); i++) {
        const struct vblk_violation *found = vblk_oracle_violation(b->oracle, i);
        const char *id = vblk_clause_at(found->clause)->id;

        if (found->severity == VBLK_BROKEN_RULE && (clause == NULL || strcmp(id, clause) != 0))
            fail_msg("%s: %s", id, found->seen);
    }
}

static void driver_without_a_barrier__is_blamed_for_that(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
        const struct removal *removal = &removals[i];
        struct bench b;

        bench_open(&b, i);
        vblk_visibility_weaken(b.v, VBLK_DRIVER, removal->weakness);
        for (unsigned n = 0; n < REQUESTS; n++)
            write_and_read(&b, n);
        nobody_else_is_blamed(&b, removal->clause);
        if (removal->clause != NULL &&
            vblk_oracle_tally(b.oracle, vblk_clause_find(removal->clause)).broken != 2 * REQUESTS)
            fail_msg("without %s: not blamed each time", removal->what);
        bench_close(&b);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(driver_without_a_barrier__is_blamed_for_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
