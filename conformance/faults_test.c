/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults, in process: the reference driver survives each of them on every kind of ring, and the judge blames the device
 * for what it did and the driver for nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/vblk.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define BATCH 4u
#define DISK 256u

/* A fault and what the judge must say of it on a split ring; NULL: the device may do that. */
static const struct row {
    const char *spec;
    const char *clause;
} rows[] = {
    { "wrong-id", "RING-SPLIT-15" },
    { "id-out-of-range", "RING-SPLIT-15" },
    { "id-out-of-range:by=0xffff0000", "RING-SPLIT-15" },
    { "id-not-outstanding", "RING-SPLIT-15" },
    { "twice", "RING-SPLIT-15" },
    { "never:after=2", "SAFE-DEV-03" },
    { "out-of-order", "RSVF-DEV-05" },
    { "used-len-long", "VQ-02" },
    { "used-len-long:by=4096", "VQ-02" },
    { "used-len-short", "RING-SPLIT-16" },
    { "used-len", "RING-SPLIT-16" },
    { "used-len:value=0xffffffff", "VQ-02" },
    { "used-jump", "RING-SPLIT-17" },
    { "no-interrupts", NULL }, /* a driver that looks again before it waits is owed none */
    { "unwanted-interrupts", "NOTIF-USED-DEV-06" },
    { "interrupt-storm:count=20", NULL },
    { "spurious-interrupts", NULL },
    { "status", "BLK-OP-20" },
    { "status:value=0xff", "BLK-OP-20" },
    { "status:value=0", NULL }, /* nothing fails in these runs */
    { "status:value=1", NULL }, /* a device may fail any request */
    { "status:value=2", "BLK-OP-03" },
    { "no-status", "BLK-OP-01" },
    { "late-status", "SAFE-DEV-02" },
    { "late-flip", "SAFE-DEV-02" },
    { "wrong-data", "BLK-OP-09" },
    { "lost-write", "BLK-OP-09" },
    { "stray-store", "SAFE-DEV-01" },
    { "refuse-features", "FEAT-DEV-02" },
    { "wce-without-flush", "BLK-INIT-DEV-02" },
    { "no-version-1", "RSVF-DEV-01" },
    { "features:clear=0x2", NULL },
    { "num-queues-0", "BLK-CFG-09" },
    { "zero-limits", "BLK-CFG-02" },
    { "config-field:field=blk_size,value=3", NULL },
    { "config-field:field=capacity,value=0", NULL },
    { "config-change:capacity=128", NULL },
    { "config-storm:count=20", "NOTIF-04" },
    { "generation-restless", NULL },
    { "needs-reset:after=3", NULL },
    { "needs-reset-silent:after=3", NULL },
    { "status-register", "STATUS-01" },
    { "no-reset", "RESET-DEV-01" },
    { "no-queue-enable", "SAFE-DEV-03" },
    { "queue-max", "VQ-04" },
    { "queue-max:value=3", "RING-SPLIT-02" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const uint64_t rings[] = { 0, VBLK_BIT(VBLK_F_RING_PACKED) };

struct bench {
    struct vblk_memory *mem;
    struct vblk_port *port;
    struct vblk_driver *driver;
    struct vblk_oracle *oracle;
};

static void bench_open(struct bench *b, const struct vblk_fault *fault, uint64_t ring)
{
    const struct vblk_oracle_options judge = { .profile = *vblk_profile_default(), .disk_zero = true,
                                               .sees = VBLK_SEES_ALL, .judge_driver = true };
    const struct vblk_driver_options wants = { .profile = *vblk_profile_default(), .features = UINT64_MAX,
                                               .arena = { 0x10000, 0x3f0000 }, .queue_size = 16, .wait_ms = 1 };
    struct vblk_device_options is;

    vblk_device_defaults(&is);
    is.capacity = DISK;
    is.features |= (vblk_device_ring_features() & ~VBLK_BIT(VBLK_F_RING_PACKED)) | ring;
    is.behaviour = vblk_fault_behaviour(fault);
    b->mem = vblk_memory_new();
    OK(vblk_memory_add(b->mem, &(struct vblk_region){ .size = 4u << 20, .fd = -1 }));
    b->port = vblk_builtin_new(&is, b->mem, NULL);
    b->oracle = vblk_oracle_new(&judge, b->mem);
    vblk_memory_set_tap(b->mem, vblk_oracle_observe, b->oracle);
    b->port->observe = vblk_oracle_observe;
    b->port->observe_ctx = b->oracle;
    b->driver = vblk_driver_new(b->port, &wants);
}

static void bench_close(struct bench *b)
{
    vblk_driver_free(b->driver);
    vblk_port_close(b->port);
    vblk_oracle_free(b->oracle);
    vblk_memory_free(b->mem);
}

/* Request @i of a batch: a read of one sector. */
static vblk_err add_read(struct bench *b, uint64_t room, uint32_t i)
{
    const struct vblk_request_header header = { vblk_put32(VBLK_T_IN), vblk_put32(0), vblk_put64(i) };
    const uint64_t at = room + 1024 * (uint64_t)i;
    const struct vblk_element e[3] = { { at, sizeof(header), false }, { at + 64, 512, true }, { at + 32, 1, true } };
    uint16_t id;

    OK(vblk_memory_write(b->mem, VBLK_DRIVER, at, &header, sizeof(header)));
    return vblk_driver_add(b->driver, 0, e, 3, &id);
}

/* Several at once, held by the device until all are there. */
static void batch(struct bench *b)
{
    const struct vblk_arena room = vblk_driver_room(b->driver);
    uint8_t data[512];
    uint32_t len;
    uint16_t id;
    vblk_err err = vblk_driver_read(b->driver, 0, data, 1).err;

    if (err)
        return; /* what is in flight for good lies where these requests would */
    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 1, 0);
    for (uint32_t i = 0; !err && i < BATCH; i++)
        err = add_read(b, room.gpa, i);
    if (!err)
        err = vblk_driver_publish(b->driver, 0, BATCH);
    (void)!vblk_port_host(b->port, VBLK_HOST_HOLD, 0, 0);
    vblk_port_look(b->port, 0);
    for (uint32_t i = 0; !err && i < 4 * BATCH; i++)
        err = vblk_driver_reap(b->driver, 0, &id, &len);
}

/* That nothing came is an event, too. */
static void note(struct bench *b, struct vblk_answer answer)
{
    if (answer.err == VBLK_E_TIMEOUT)
        vblk_port_emit(b->port, &(struct vblk_event){ .kind = VBLK_EV_QUIET, .party = VBLK_DEVICE, .value = 1000 });
}

static void one_of_each(struct bench *b)
{
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];
    uint8_t data[4096];

    memset(data, 0x5a, sizeof(data));
    note(b, vblk_driver_write(b->driver, 1, data, 2));
    note(b, vblk_driver_read(b->driver, 0, data, 8));
    note(b, vblk_driver_flush(b->driver));
    note(b, vblk_driver_get_id(b->driver, id));
    note(b, vblk_driver_lifetime(b->driver, &lifetime));
    note(b, vblk_driver_discard(b->driver, 8, 8));
    note(b, vblk_driver_write_zeroes(b->driver, 16, 4, true));
    note(b, vblk_driver_secure_erase(b->driver, 24, 8));
    note(b, vblk_driver_provision(b->driver, 32, 8));
    note(b, vblk_driver_read(b->driver, 200, data, 1));
}

/* Whatever it meets, a driver may start again. */
static void use(struct bench *b)
{
    for (unsigned round = 0; round < 3; round++) {
        if (vblk_driver_start(b->driver) != VBLK_OK)
            continue;
        one_of_each(b);
        if (round == 1)
            batch(b);
    }
    (void)!vblk_driver_stop(b->driver);
    vblk_port_emit(b->port, &(struct vblk_event){ .kind = VBLK_EV_CASE_END });
}

static bool blamed(const struct vblk_oracle *oracle, const char *clause)
{
    const struct vblk_tally tally = vblk_oracle_tally(oracle, vblk_clause_find(clause));

    return tally.broken + tally.doubted > 0;
}

static void driver_is_innocent(const struct vblk_oracle *oracle, const char *spec)
{
    for (size_t i = 0; i < vblk_oracle_violation_count(oracle); i++) {
        const struct vblk_violation *v = vblk_oracle_violation(oracle, i);

        if (v->severity != VBLK_NOTE && v->guilty == VBLK_DRIVER)
            fail_msg("%s: the driver is blamed: %s: %s; %s", spec, vblk_clause_at(v->clause)->id, v->message, v->seen);
    }
}

static void driver_survives_and_is_innocent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t r = 0; r < sizeof(rings) / sizeof(rings[0]); r++) {
            char why[200] = "";
            struct vblk_fault *fault = vblk_fault_new(rows[i].spec, why, sizeof(why));
            struct bench b;

            if (fault == NULL)
                fail_msg("%s", why);
            bench_open(&b, fault, rings[r]);
            use(&b);
            driver_is_innocent(b.oracle, rows[i].spec);
            if (r == 0 && rows[i].clause != NULL && !blamed(b.oracle, rows[i].clause))
                fail_msg("%s: %s is not blamed", rows[i].spec, rows[i].clause);
            bench_close(&b);
            vblk_fault_free(fault);
        }
}

static void each_fault_has_a_row_and_a_sentence(void **state)
{
    struct vblk_fault_info info;

    (void)state;
    for (size_t i = 0; vblk_fault_at(i, &info); i++) {
        bool found = false;

        for (size_t r = 0; r < ROWS; r++)
            found = found || (strncmp(rows[r].spec, info.name, strlen(info.name)) == 0 &&
                              strchr(":", rows[r].spec[strlen(info.name)]) != NULL);
        if (!found)
            fail_msg("%s is not tried", info.name);
        assert_true(info.what[strlen(info.what) - 1] == '.');
    }
}

static void what_is_wrong_with_a_spec_is_said(void **state)
{
    static const char *const bad[][2] = {
        { "", "there is no fault ''" },
        { "nonsense", "there is no fault 'nonsense'" },
        { "twice:by=1", "fault twice has no option 'by'; it takes: after=0, every=1, times=0" },
        { "refuse-features:after=1", "fault refuse-features has no option 'after'; it takes: none" },
        { "used-len:valu=1", "fault used-len has no option 'valu'; it takes: value=0, after=0, every=1, times=0" },
        { "used-len:value", "option value of fault used-len needs a value" },
        { "status:value=256", "value must be a number up to 255, not '256'" },
        { "status:value=", "value must be a number up to 255, not ''" },
        { "status:value=-1", "value must be a number up to 255, not '-1'" },
        { "status:value=1x,after=2", "value must be a number up to 255, not '1x'" },
        { "config-field:field=", "'' is no word of 1 to 39 letters" },
    };
    char why[200];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(vblk_fault_new(bad[i][0], why, sizeof(why)));
        assert_string_equal(why, bad[i][1]);
    }
    assert_null(vblk_fault_new("nonsense", NULL, 0));
}

static void faults_that_are_counted__begin_and_end_when_told(void **state)
{
    struct vblk_fault *fault = vblk_fault_new("status:value=1,after=2,every=3,times=2", NULL, 0);
    static const uint8_t expected[] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0 };
    struct bench b;
    uint8_t data[512];

    (void)state;
    bench_open(&b, fault, 0);
    OK(vblk_driver_start(b.driver));
    for (size_t i = 0; i < sizeof(expected); i++)
        assert_int_equal(vblk_driver_read(b.driver, 0, data, 1).status, expected[i]);
    bench_close(&b);
    vblk_fault_free(fault);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(driver_survives_and_is_innocent),
        cmocka_unit_test(each_fault_has_a_row_and_a_sentence),
        cmocka_unit_test(what_is_wrong_with_a_spec_is_said),
        cmocka_unit_test(faults_that_are_counted__begin_and_end_when_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
