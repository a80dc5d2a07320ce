/* SPDX-License-Identifier: BSD-3-Clause */
/* The testbed as the unit tests of a driver meet it; docs/examples/driver.c is such a driver, and its mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/testbed.h>

enum { RAM = 0x10000, GPA = 0x40000000 };

struct fixture {
    struct vblk_testbed *bed;
    struct vblk_region ram;
    unsigned edges[2];
    size_t lines;
    bool found;
    const char *wanted;
};

static void count_edges(void *ctx, bool asserted)
{
    struct fixture *f = ctx;

    f->edges[asserted]++;
}

static void open_bed(struct fixture *f, bool later, const char *profile)
{
    struct vblk_testbed_options options;

    vblk_testbed_defaults(&options);
    options.device.profile = *vblk_profile_find(profile);
    options.device.features &= vblk_device_features(&options.device.profile);
    options.later = later;
    options.device.features &= ~VBLK_BIT(VBLK_F_RING_PACKED); /* a driver should accept it */
    options.interrupt = count_edges;
    options.interrupt_ctx = f;
    memset(f, 0, sizeof(*f));
    f->ram = (struct vblk_region){ .gpa = GPA, .size = RAM, .host = calloc(1, RAM), .fd = -1 };
    assert_non_null(f->ram.host);
    f->bed = vblk_testbed_new(&options, &f->ram, 1, NULL);
    assert_non_null(f->bed);
}

static void close_bed(struct fixture *f)
{
    vblk_testbed_free(f->bed);
    free(f->ram.host);
}

static uint32_t get(struct fixture *f, uint32_t offset)
{
    return vblk_testbed_read(f->bed, offset, 4);
}

static void put(struct fixture *f, uint32_t offset, uint32_t value)
{
    vblk_testbed_write(f->bed, offset, 4, value);
}

static void put_bytes(struct fixture *f, uint32_t at, const void *bytes, size_t len)
{
    memcpy((uint8_t *)f->ram.host + at, bytes, len);
}

enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, HEADER = 0x4000, DATA = 0x5000, STATUS = 0x6000, ENTRIES = 8 };

/* The life cycle of 3.1.1; the halves of the features in either order. */
static void start(struct fixture *f, bool high_first)
{
    const uint32_t accepted[2] = { 0, 1 };

    put(f, VBLK_MMIO_STATUS, 0);
    assert_int_equal(get(f, VBLK_MMIO_STATUS), 0);
    put(f, VBLK_MMIO_STATUS, 1);
    put(f, VBLK_MMIO_STATUS, 3);
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t half = high_first ? !i : i;

        put(f, VBLK_MMIO_DEVICE_FEATURES_SEL, half);
        (void)get(f, VBLK_MMIO_DEVICE_FEATURES);
        put(f, VBLK_MMIO_DRIVER_FEATURES_SEL, half);
        put(f, VBLK_MMIO_DRIVER_FEATURES, accepted[half]);
    }
    put(f, VBLK_MMIO_STATUS, 11);
    assert_int_equal(get(f, VBLK_MMIO_STATUS), 11);
    (void)get(f, VBLK_MMIO_CONFIG_GENERATION);
    (void)get(f, VBLK_MMIO_CONFIG);
    (void)get(f, VBLK_MMIO_CONFIG + 4);
    (void)get(f, VBLK_MMIO_CONFIG_GENERATION);
    put(f, VBLK_MMIO_QUEUE_SEL, 0);
    put(f, VBLK_MMIO_QUEUE_NUM, ENTRIES);
    put(f, VBLK_MMIO_QUEUE_DESC_LOW, GPA + DESC);
    put(f, VBLK_MMIO_QUEUE_DRIVER_LOW, GPA + AVAIL);
    put(f, VBLK_MMIO_QUEUE_DEVICE_LOW, GPA + USED);
    put(f, VBLK_MMIO_QUEUE_READY, 1);
    put(f, VBLK_MMIO_STATUS, 15);
}

/* Three descriptors and their publication; the kick is the caller's. */
static void submit(struct fixture *f, uint16_t idx)
{
    const struct vblk_request_header header = { .type = vblk_put32(VBLK_T_OUT), .sector = vblk_put64(7) };
    const struct vblk_desc desc[3] = {
        { vblk_put64(GPA + HEADER), vblk_put32(16), vblk_put16(VBLK_DESC_NEXT), vblk_put16(1) },
        { vblk_put64(GPA + DATA), vblk_put32(512), vblk_put16(VBLK_DESC_NEXT), vblk_put16(2) },
        { vblk_put64(GPA + STATUS), vblk_put32(1), vblk_put16(VBLK_DESC_WRITE), vblk_put16(0) },
    };
    const struct vblk_ring_head head = { .idx = vblk_put16(idx) };

    put_bytes(f, HEADER, &header, sizeof(header));
    put_bytes(f, DESC, desc, sizeof(desc));
    put_bytes(f, AVAIL, &head, sizeof(head));
}

static uint8_t status_byte(const struct fixture *f)
{
    return ((const uint8_t *)f->ram.host)[STATUS];
}

static void read_line(void *ctx, const char *text)
{
    struct fixture *f = ctx;

    f->lines++;
    f->found |= strstr(text, f->wanted) != NULL;
}

static bool report_says(struct fixture *f, const char *wanted)
{
    f->found = false;
    f->lines = 0;
    f->wanted = wanted;
    vblk_testbed_report(f->bed, read_line, f);
    return f->found;
}

static void lawful_driver__is_clean_at_once_and_later(void **state)
{
    struct fixture f;

    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        open_bed(&f, way & 1, "1.2+provision");
        start(&f, way & 2);
        memset((uint8_t *)f.ram.host + STATUS, 0xff, 1);
        submit(&f, 1);
        put(&f, VBLK_MMIO_QUEUE_NOTIFY, 0);
        assert_int_equal(status_byte(&f), way & 1 ? 0xff : 0);
        vblk_testbed_run(f.bed);
        assert_int_equal(status_byte(&f), 0);
        assert_true(vblk_testbed_interrupt(f.bed));
        assert_int_equal(f.edges[1], 1);
        put(&f, VBLK_MMIO_INTERRUPT_ACK, get(&f, VBLK_MMIO_INTERRUPT_STATUS));
        assert_int_equal(f.edges[0], 1);
        assert_int_equal(vblk_testbed_finish(f.bed), 0);
        assert_int_equal(vblk_testbed_finish(f.bed), 0); /* once more changes nothing */
        assert_int_equal(vblk_testbed_verdict(f.bed, "INIT-DRV-01"), VBLK_VERDICT_PASS);
        assert_int_equal(vblk_testbed_verdict(f.bed, "SAFE-DRV-01"), VBLK_VERDICT_PASS);
        assert_int_equal(vblk_testbed_verdict(f.bed, "NOTIF-AVAIL-DRV-04"), VBLK_VERDICT_PASS);
        assert_int_equal(vblk_testbed_verdict(f.bed, "SUPPLY-DRV-01"), VBLK_VERDICT_NOT_OBSERVABLE);
        assert_int_equal(vblk_testbed_verdict(f.bed, "NO-SUCH-ROW"), VBLK_VERDICT_NOT_APPLICABLE);
        assert_true(report_says(&f, " 0 fail, 0 warn"));
        assert_int_equal(vblk_oracle_violation_count(vblk_testbed_oracle(f.bed)), 0);
        close_bed(&f);
    }
}

static void data_changed_in_flight__is_the_drivers_doing(void **state)
{
    struct fixture f;

    (void)state;
    open_bed(&f, true, "1.2+provision");
    start(&f, false);
    submit(&f, 1);
    put(&f, VBLK_MMIO_QUEUE_NOTIFY, 0);
    put_bytes(&f, DATA + 100, "x", 1);
    vblk_testbed_run(f.bed);
    assert_int_equal(vblk_testbed_finish(f.bed), 1);
    assert_int_equal(vblk_testbed_verdict(f.bed, "SAFE-DRV-01"), VBLK_VERDICT_FAIL);
    assert_int_equal(vblk_oracle_violation_count(vblk_testbed_oracle(f.bed)), 1); /* and nobody else's */
    assert_true(report_says(&f, "FAIL  SAFE-DRV-01"));
    assert_true(report_says(&f, "address 0x40005064"));
    close_bed(&f);
}

/* The device has two queues by which it may be asked to wait; the rule is broken once, and not by the device. */
static void kick_forgotten__is_blamed_once_and_on_the_driver(void **state)
{
    struct fixture f;

    (void)state;
    open_bed(&f, false, "1.2+provision");
    start(&f, false);
    submit(&f, 1);
    assert_int_equal(vblk_testbed_finish(f.bed), 1);
    assert_int_equal(vblk_testbed_verdict(f.bed, "NOTIF-AVAIL-DRV-04"), VBLK_VERDICT_FAIL);
    assert_int_equal(vblk_oracle_violation_count(vblk_testbed_oracle(f.bed)), 1);
    close_bed(&f);
}

static void features__are_judged_whole(void **state)
{
    struct fixture f;

    (void)state;
    open_bed(&f, false, "1.2+provision");
    put(&f, VBLK_MMIO_STATUS, 0);
    assert_int_equal(get(&f, VBLK_MMIO_STATUS), 0);
    put(&f, VBLK_MMIO_STATUS, 1);
    put(&f, VBLK_MMIO_STATUS, 3);
    (void)get(&f, VBLK_MMIO_DEVICE_FEATURES);
    put(&f, VBLK_MMIO_DRIVER_FEATURES_SEL, 2); /* no such bits: nothing is accepted there */
    put(&f, VBLK_MMIO_DRIVER_FEATURES, UINT32_MAX);
    put(&f, VBLK_MMIO_DRIVER_FEATURES_SEL, 0);
    put(&f, VBLK_MMIO_DRIVER_FEATURES, 1u << VBLK_F_FLUSH); /* and VERSION_1 never */
    put(&f, VBLK_MMIO_STATUS, 11);
    (void)get(&f, VBLK_MMIO_STATUS);
    put(&f, VBLK_MMIO_STATUS, 128 | 11);
    (void)vblk_testbed_finish(f.bed);
    assert_int_equal(vblk_testbed_verdict(f.bed, "RSVF-DRV-01"), VBLK_VERDICT_FAIL);
    assert_int_equal(vblk_testbed_verdict(f.bed, "FEAT-DRV-01"), VBLK_VERDICT_PASS);
    close_bed(&f);
}

static void what_can_not_be__is_refused_with_a_reason(void **state)
{
    struct vblk_testbed_options options;
    struct vblk_region ram[2] = { { .gpa = 0, .size = 4096, .fd = -1 }, { .gpa = 100, .size = 4096, .fd = -1 } };
    const char *why = NULL;

    (void)state;
    vblk_testbed_defaults(&options);
    assert_null(vblk_testbed_new(&options, ram, 2, &why));
    assert_non_null(strstr(why, "region"));
    options.device.queue_max = 3;
    options.device.features &= ~VBLK_BIT(VBLK_F_RING_PACKED);
    assert_null(vblk_testbed_new(&options, ram, 1, &why));
    assert_non_null(why);
    options.device.capacity = UINT64_MAX;
    assert_null(vblk_testbed_new(&options, ram, 1, NULL));
    vblk_testbed_free(NULL);
}

static void parts__are_there_for_the_host(void **state)
{
    struct fixture f;

    (void)state;
    open_bed(&f, false, "1.4");
    start(&f, false);
    vblk_device_resize(vblk_testbed_device(f.bed), 64);
    assert_int_equal(get(&f, VBLK_MMIO_INTERRUPT_STATUS), VBLK_MMIO_INT_CONFIG_CHANGE);
    assert_non_null(vblk_testbed_store(f.bed));
    submit(&f, 1);
    put(&f, VBLK_MMIO_QUEUE_NOTIFY, 0);
    vblk_testbed_run(f.bed);
    assert_int_equal(vblk_testbed_finish(f.bed), 1); /* capacity was not read again */
    assert_true(report_says(&f, "WARN  BLK-OP-DRV-01"));
    close_bed(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lawful_driver__is_clean_at_once_and_later),
        cmocka_unit_test(data_changed_in_flight__is_the_drivers_doing),
        cmocka_unit_test(kick_forgotten__is_blamed_once_and_on_the_driver),
        cmocka_unit_test(features__are_judged_whole),
        cmocka_unit_test(what_can_not_be__is_refused_with_a_reason),
        cmocka_unit_test(parts__are_there_for_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
