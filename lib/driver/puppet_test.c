/* SPDX-License-Identifier: BSD-3-Clause */
/* The puppet: what it shows, and what it does where the device's steps say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "disk.h"
#include "stage.h"

static uint64_t shown(struct stage *stage, enum vblk_reg reg, uint16_t queue)
{
    uint64_t value;

    assert_int_equal(vblk_port_read_reg(stage->watch.port, reg, queue, &value), VBLK_OK);
    return value;
}

static void tables__are_what_registers_and_configuration_show(void **state)
{
    struct stage *stage = *state;
    struct vblk_puppet tables = { .features = 0x123, .num_queues = 2, .queue_max = 16, .config_length = 10 };
    uint8_t buf[16];
    uint32_t got;

    tables.config[9] = 0x77;
    assert_int_equal(vblk_puppet_configure(stage->watch.port, &tables), VBLK_OK);
    assert_int_equal(shown(stage, VBLK_REG_DEVICE_ID, 0), VBLK_DEVICE_ID_BLOCK);
    assert_int_equal(shown(stage, VBLK_REG_DEVICE_FEATURES, 0), 0x123);
    assert_int_equal(shown(stage, VBLK_REG_NUM_QUEUES, 0), 2);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_MAX, 1), 16);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_MAX, 2), 0);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_MAX, 64), 0);
    assert_int_equal(shown(stage, VBLK_REG_COUNT, 0), 0);
    assert_int_equal(shown(stage, VBLK_REG_CONFIG_LENGTH, 0), 10);
    assert_int_equal(vblk_port_read_config(stage->watch.port, 8, buf, 8, &got), VBLK_OK);
    assert_int_equal(got, 2);
    assert_int_equal(buf[1], 0x77);
    assert_int_equal(vblk_port_read_config(stage->watch.port, 10, buf, 8, &got), VBLK_OK);
    assert_int_equal(got, 0);
    assert_int_equal(vblk_port_write_config(stage->watch.port, 9, "\x01\x02", 2), VBLK_OK);
    assert_int_equal(vblk_port_write_config(stage->watch.port, 11, "\x01\x02", 2), VBLK_OK);
    assert_int_equal(vblk_port_read_config(stage->watch.port, 9, buf, 1, NULL), VBLK_OK);
    assert_int_equal(buf[0], 1);
    tables.num_queues = 65;
    assert_int_equal(vblk_puppet_configure(stage->watch.port, &tables), VBLK_E_INVAL);
}

static void registers__only_writable_ones_change_and_reset_clears_them(void **state)
{
    struct stage *stage = *state;
    struct vblk_port *port = stage->watch.port;

    for (unsigned reg = 0; reg < VBLK_REG_COUNT; reg++)
        assert_int_equal(vblk_port_write_reg(port, (enum vblk_reg)reg, 0, 5), VBLK_OK);
    assert_int_equal(vblk_port_write_reg(port, VBLK_REG_QUEUE_SIZE, 77, 5), VBLK_OK);
    assert_int_equal(shown(stage, VBLK_REG_DEVICE_ID, 0), VBLK_DEVICE_ID_BLOCK);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_MAX, 0), 64);
    assert_int_equal(shown(stage, VBLK_REG_DRIVER_FEATURES, 0), 5);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_SIZE, 0), 5);
    assert_int_equal(shown(stage, VBLK_REG_STATUS, 0), 5);
    assert_int_equal(vblk_port_write_reg(port, VBLK_REG_STATUS, 0, 0), VBLK_OK);
    assert_int_equal(shown(stage, VBLK_REG_DRIVER_FEATURES, 0), 0);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_SIZE, 0), 64);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_ENABLE, 0), 0);
    assert_int_equal(shown(stage, VBLK_REG_STATUS, 0), 0);
}

static void show_steps__override_what_is_honest(void **state)
{
    static const uint8_t byte = 0x42;
    struct stage *stage = *state;

    add_a(stage, VBLK_STEP_DEV_FEATURES, "", 0xabc);
    add_a(stage, VBLK_STEP_DEV_QUEUE_MAX, "", 4);
    add_a(stage, VBLK_STEP_DEV_GENERATION, "", 7);
    add(stage, VBLK_STEP_DEV_GENERATION, "");
    add_a(stage, VBLK_STEP_DEV_CONFIG, "", 3)->bytes = (struct vblk_bytes){ .given = &byte, .length = 1 };
    add_a(stage, VBLK_STEP_DEV_STATUS, "", 0x42);
    add_a(stage, VBLK_STEP_DEV_REG, "", 99)->reg = VBLK_REG_NUM_QUEUES;
    played(stage);
    assert_int_equal(shown(stage, VBLK_REG_DEVICE_FEATURES, 0), 0xabc);
    assert_int_equal(shown(stage, VBLK_REG_QUEUE_MAX, 0), 4);
    assert_int_equal(shown(stage, VBLK_REG_GENERATION, 0), 8);
    assert_int_equal(shown(stage, VBLK_REG_STATUS, 0), 0x42);
    assert_int_equal(shown(stage, VBLK_REG_NUM_QUEUES, 0), 99);
    stage->count = 0;
    add(stage, VBLK_STEP_DEV_STATUS, "");
    add(stage, VBLK_STEP_DEV_REG, "")->reg = VBLK_REG_NUM_QUEUES;
    played(stage);
    assert_int_equal(shown(stage, VBLK_REG_STATUS, 0), 0);
    assert_int_equal(shown(stage, VBLK_REG_NUM_QUEUES, 0), 1);
    stage->count = 0;
    add_a(stage, VBLK_STEP_DEV_CONFIG, "", 256)->bytes = (struct vblk_bytes){ .given = &byte, .length = 1 };
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->count = 0;
    add_a(stage, VBLK_STEP_DEV_REG, "", 1)->reg = VBLK_REG_COUNT;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    assert_int_equal(vblk_puppet_show(stage->watch.port, VBLK_REG_GENERATION, 0, 3), VBLK_OK);
    assert_int_equal(shown(stage, VBLK_REG_GENERATION, 0), 3);
}

static void wait__reports_news_once(void **state)
{
    struct stage *stage = *state;
    struct vblk_port *port = stage->watch.port;

    assert_int_equal(vblk_port_wait(port, 0, 1000), VBLK_E_TIMEOUT);
    add(stage, VBLK_STEP_DEV_NOTIFY, "");
    played(stage);
    assert_int_equal(vblk_port_wait(port, 0, 1000), VBLK_OK);
    assert_int_equal(vblk_port_wait(port, 0, 1000), VBLK_E_TIMEOUT);
}

static void raw_device_stores__go_where_they_are_told(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    step = add_a(stage, VBLK_STEP_DEV_STORE, "r", 2);
    step->part = VBLK_PART_USED;
    step->order = VBLK_RELEASE;
    step->bytes = (struct vblk_bytes){ .length = 2, .fill = true, .seed = 1 };
    add_a(stage, VBLK_STEP_DEV_LOAD, "r", 0)->part = VBLK_PART_HEADER;
    add(stage, VBLK_STEP_DEV_BARRIER, "");
    add_a(stage, VBLK_STEP_DEV_BARRIER, "", VBLK_ACQUIRE);
    add_a(stage, VBLK_STEP_DEV_IDX, "", 3);
    add(stage, VBLK_STEP_DEV_TAKE, "");
    add(stage, VBLK_STEP_DEV_TAKE, "r");
    played(stage);
    assert_string_equal(watch_between(&stage->watch, "dev-store:used", "?"),
                        "dev-store:used.idx0+2 dev-load:mem+2 dev-full dev-acquire dev-store:used.idx0+2 "
                        "dev-load:avail.idx0+2 dev-load:avail.idx0+2 end0 ");
}

static void raw_device_steps_without_a_place__are_the_scripts_fault(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_DEV_STORE, "")->part = VBLK_PART_IN;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0].kind = VBLK_STEP_DEV_LOAD;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0] = vblk_step_make(VBLK_STEP_DISK);
    stage->steps[0].bytes.length = (uint64_t)1 << 40;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0].bytes.length = (uint64_t)1 << 63; /* times so many is 2^64 sectors */
    stage->steps[0].b = 1024;
    stage->steps[0].b_given = true;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0].bytes.length = 1024;
    stage->steps[0].b = (uint64_t)1 << 63;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0] = vblk_step_make(VBLK_STEP_DEV_ELEM); /* of nobody */
    stage->steps[0].a_given = true;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[0] = vblk_step_make(VBLK_STEP_START);
    add_read(stage, "r", 0, 512);
    add_a(stage, VBLK_STEP_DEV_DATA, "r", 512)->bytes.length = 2;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[2].a = 514; /* past the status byte */
    stage->steps[2].bytes.length = 0;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[2].a = UINT64_MAX;
    stage->steps[2].bytes.length = 2;
    assert_int_equal(run(stage), VBLK_E_INVAL);
    stage->steps[2].a = 513;
    stage->steps[2].bytes.length = 0;
    played(stage);
}

static void honest_length__is_the_prefix_that_was_written(void **state)
{
    static const struct {
        uint64_t at, len;
        bool status;
        uint32_t honest;
    } rows[] = { { 0, 512, true, 513 }, { 0, 512, false, 512 }, { 0, 100, true, 100 },
                 { 100, 412, true, 0 }, { 0, 0, true, 0 },      { 0, 513, false, 513 } };
    struct stage *stage = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        stage->count = 0;
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "r", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        if (rows[i].status)
            add(stage, VBLK_STEP_DEV_STATUS_BYTE, "r");
        if (rows[i].status) /* another one elsewhere takes nothing back */
            add_ab(stage, VBLK_STEP_DEV_STATUS_BYTE, "r", 0, 0);
        add_a(stage, VBLK_STEP_DEV_DATA, "r", rows[i].at)->bytes.length = rows[i].len;
        add(stage, VBLK_STEP_DEV_ELEM, "r");
        add(stage, VBLK_STEP_DEV_IDX, "");
        add(stage, VBLK_STEP_LOOK, "");
        add(stage, VBLK_STEP_EXPECT, "r")->expect.len[0] = rows[i].honest;
        stage->steps[stage->count - 1].expect.len_count = 1;
        played(stage);
        assert_int_equal(stage->play.surprise_count, 0);
    }
}

static void lies_in_descriptors__hold_no_puppet(void **state)
{
    struct stage *stage = *state;
    struct vblk_step *step;

    add(stage, VBLK_STEP_START, "");
    step = add_a(stage, VBLK_STEP_DESC, "", 0);
    step->part = VBLK_PART_DESC;
    step->desc.len = vblk_put32(UINT32_MAX); /* leaves memory on the way */
    step = add_a(stage, VBLK_STEP_DESC, "", 1);
    step->desc.flags = vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE);
    step->desc.next = vblk_put16(1);
    step = add_a(stage, VBLK_STEP_DESC, "", 2);
    step->desc.flags = vblk_put16(VBLK_DESC_NEXT | VBLK_DESC_WRITE);
    step->desc.next = vblk_put16(999);
    for (uint64_t i = 0; i < 4; i++)
        add_ab(stage, VBLK_STEP_AVAIL_SLOT, "", i, i == 3 ? 0x8888 : i);
    add(stage, VBLK_STEP_AVAIL_IDX, "");
    for (int i = 0; i < 4; i++)
        add(stage, VBLK_STEP_DEV_TAKE, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 0)->reg = VBLK_REG_QUEUE_SIZE;
    add_a(stage, VBLK_STEP_REG_WRITE, "", UINT64_MAX - 8)->reg = VBLK_REG_QUEUE_DESC;
    add_a(stage, VBLK_STEP_AVAIL_IDX, "", 5);
    add(stage, VBLK_STEP_DEV_TAKE, "");
    add_a(stage, VBLK_STEP_REG_WRITE, "", 0)->reg = VBLK_REG_QUEUE_DRIVER;
    add(stage, VBLK_STEP_DEV_TAKE, "");
    played(stage);
    assert_true(stage->watch.counts[VBLK_EV_LOAD] < 400);
}

static void power_cut__restarts_the_puppet(void **state)
{
    struct stage *stage = *state;

    add(stage, VBLK_STEP_START, "");
    add_read(stage, "r", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "r");
    add(stage, VBLK_STEP_PUBLISH, "");
    add_a(stage, VBLK_STEP_DEV_POWER_CUT, "", 1);
    add(stage, VBLK_STEP_WAIT, "");
    played(stage);
    assert_false(stage->play.hung);
    assert_int_equal(stage->watch.counts[VBLK_EV_POWER_CUT], 1);
    assert_int_equal(shown(stage, VBLK_REG_STATUS, 0), 0);
}

static void disk__grows_and_zeroes_only_what_it_is_told(void **state)
{
    struct disk disk = { 0 };
    uint8_t bytes[VBLK_SECTOR];

    (void)state;
    disk_read(&disk, 5, bytes);
    assert_int_equal(bytes[0], 0);
    for (uint64_t i = 0; i < 300; i++) {
        memset(bytes, (int)(i & 0x7f) + 1, sizeof(bytes));
        assert_int_equal(disk_write(&disk, i * 0x1000000, bytes), VBLK_OK);
        assert_int_equal(disk_write(&disk, i * 0x1000000, bytes), VBLK_OK);
    }
    assert_int_equal(disk.count, 300);
    disk_zero(&disk, 0x1000000, 0x1000001);
    for (uint64_t i = 0; i < 300; i++) {
        disk_read(&disk, i * 0x1000000, bytes);
        assert_int_equal(bytes[511], i == 1 || i == 2 ? 0 : (int)(i & 0x7f) + 1);
    }
    disk_free(&disk);
}

/* What traces and corpora hold stays what it is: eight bytes are what splitmix64 is known to make of their number. */
static void pattern__is_that_of_every_version(void **state)
{
    static const uint64_t known[] = { UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x910a2dec89025cc1) };
    uint8_t buf[16];

    (void)state;
    vblk_pattern(0, 0, buf, sizeof(buf));
    for (size_t i = 0; i < sizeof(buf); i++)
        assert_int_equal(buf[i], known[i / 8] >> 8 * (i % 8) & 0xff);
}

static void pattern__is_the_same_however_it_is_cut(void **state)
{
    uint8_t whole[64], parts[64], other[64];

    (void)state;
    vblk_pattern(1, 1000, whole, sizeof(whole));
    vblk_pattern(2, 1000, other, sizeof(other));
    for (size_t i = 0; i < sizeof(parts); i += 4)
        vblk_pattern(1, 1000 + i, parts + i, 4);
    assert_memory_equal(whole, parts, sizeof(whole));
    assert_memory_not_equal(whole, other, 8);
    assert_memory_not_equal(whole, whole + 8, 8);
}

/* The script is both parties, on every ring: notifications come where they were asked for. */
/* EVENT_IDX on a puppet: told of exactly when the element that the driver named is passed. */
static void used_event__one_notification_when_it_is_passed(void **state)
{
    struct stage *stage = *state;

    for (uint16_t named = 0xfffe; named != 4; named++) {
        const uint8_t wire[2] = { (uint8_t)named, (uint8_t)(named >> 8) };

        stage->count = 0;
        stage->script.features = V1 | VBLK_BIT(VBLK_F_EVENT_IDX);
        stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1,
                                                     .queue_max = 8, .config_length = 64 };
        add(stage, VBLK_STEP_START, "");
        add_read(stage, "a", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "a");
        add_read(stage, "b", 0, 512);
        add(stage, VBLK_STEP_AVAILABLE, "b");
        add(stage, VBLK_STEP_PUBLISH, "");
        add_a(stage, VBLK_STEP_STORE, "", 4 + 2 * 8)->part = VBLK_PART_AVAIL;
        stage->steps[stage->count - 1].bytes = (struct vblk_bytes){ .given = wire, .length = 2 };
        add(stage, VBLK_STEP_DEV_COMPLETE, "a");
        add(stage, VBLK_STEP_DEV_COMPLETE, "b");
        played(stage);
        assert_int_equal(stage->watch.counts[VBLK_EV_USED_NOTIFY], named < 2); /* elements 0 and 1 are used */
    }
}

/* A direct chain is one, also where tables were negotiated. */
static void indirect_negotiated__a_direct_chain_is_loaded_as_one(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_INDIRECT_DESC);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, 512);
    add(stage, VBLK_STEP_AVAILABLE, "a");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_TAKE, "");
    played(stage);
    assert_string_equal(watch_between(&stage->watch, "dev-load", "end"),
                        "dev-load:avail.idx0+2 dev-load:avail0+2 dev-load:desc0+16 dev-load:mem+16 dev-load:desc0+16 "
                        "dev-load:desc0+16 ");
}

static void table__is_loaded_from_its_first_entry_on(void **state)
{
    struct stage *stage = *state;

    stage->script.features = V1 | VBLK_BIT(VBLK_F_INDIRECT_DESC);
    stage->script.puppet = (struct vblk_puppet){ .features = stage->script.features, .num_queues = 1, .queue_max = 8,
                                                 .config_length = 64 };
    add(stage, VBLK_STEP_START, "");
    add_read(stage, "a", 0, 512)->request.indirect = true;
    add(stage, VBLK_STEP_AVAILABLE, "a");
    add(stage, VBLK_STEP_PUBLISH, "");
    add(stage, VBLK_STEP_DEV_TAKE, "");
    played(stage);
    assert_string_equal(watch_between(&stage->watch, "dev-load:desc", "end"),
                        "dev-load:desc0+16 dev-load:mem+16 dev-load:mem+16 dev-load:mem+16 dev-load:mem+16 ");
}

static void bytes_that_fill_no_sector__take_one_more(void **state)
{
    struct stage *stage = *state;

    for (uint64_t length = 511; length < 514; length++) {
        struct vblk_step *step;
        static uint8_t want[1024];

        memset(want, 0, sizeof(want));
        memset(want, 3, length);
        stage->count = 0;
        stage->script.puppet = (struct vblk_puppet){ .features = V1, .num_queues = 1, .queue_max = 8, .config_length = 64 };
        add(stage, VBLK_STEP_START, "");
        add(stage, VBLK_STEP_DISK, "")->bytes = (struct vblk_bytes){ .length = length, .seed = 3, .fill = true };
        add_read(stage, "r", 0, 1024);
        add(stage, VBLK_STEP_AVAILABLE, "r");
        add(stage, VBLK_STEP_PUBLISH, "");
        add(stage, VBLK_STEP_DEV_COMPLETE, "r");
        add(stage, VBLK_STEP_WAIT, "");
        step = add_expect(stage, "r", VBLK_S_OK, 1025);
        step->expect.data_equals = true;
        step->expect.data = (struct vblk_bytes){ .given = want, .length = 1024 };
        played(stage);
        assert_int_equal(stage->play.surprise_count, 0);
    }
}

static void forced_status__ends_with_the_power(void **state)
{
    struct stage *stage = *state;

    add_ab(stage, VBLK_STEP_DEV_STATUS, "", 0, VBLK_STATUS_FEATURES_OK);
    add(stage, VBLK_STEP_DEV_POWER_CUT, "");
    add(stage, VBLK_STEP_START, "");
    add_a(stage, VBLK_STEP_DEV_STATUS, "", 0x7f);
    add(stage, VBLK_STEP_DEV_POWER_CUT, "");
    add(stage, VBLK_STEP_REG_READ, "")->reg = VBLK_REG_STATUS;
    played(stage);
    assert_non_null(strstr(stage->watch.text, "w:status=f cut0 r:status=0 end0 "));
}

static char how[64];
static uint32_t how_long;

static void hear_how(void *ctx, const struct vblk_event *ev)
{
    (void)ctx;
    if (ev->kind != VBLK_EV_GONE)
        return;
    how_long = ev->len;
    memcpy(how, ev->bytes, ev->len);
}

static void device_that_goes__says_how(void **state)
{
    static const char reason[100] = "unplugged";
    struct stage *stage = *state;

    for (uint64_t len = 1; len <= sizeof(reason); len++) {
        stage->count = 0;
        add(stage, VBLK_STEP_DEV_GONE, "")->bytes = (struct vblk_bytes){ .given = (const uint8_t *)reason, .length = len };
        stage->watch.port->observe = hear_how;
        assert_int_equal(run(stage), VBLK_OK);
        assert_int_equal(how_long, len < sizeof(how) ? len : sizeof(how));
        assert_memory_equal(how, reason, how_long);
        assert_int_equal(vblk_port_recover(stage->watch.port), VBLK_OK);
    }
}

static void each_ring__taken_and_completed(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < 8; i++) {
        const uint64_t ring = (i & 1 ? VBLK_BIT(VBLK_F_RING_PACKED) : 0) | (i & 2 ? VBLK_BIT(VBLK_F_INDIRECT_DESC) : 0) |
                              (i & 4 ? VBLK_BIT(VBLK_F_EVENT_IDX) : 0);

        stage->count = 0;
        stage->script.features = V1 | ring;
        stage->script.puppet = (struct vblk_puppet){ .features = V1 | ring, .num_queues = 1, .queue_max = 8,
                                                     .config_length = 96 };
        add(stage, VBLK_STEP_START, "");
        for (unsigned k = 0; k < 5; k++) {
            struct vblk_step *step = add_read(stage, "r", k, 512);

            step->request.indirect = ring & VBLK_BIT(VBLK_F_INDIRECT_DESC);
            add(stage, VBLK_STEP_AVAILABLE, "r");
            add(stage, VBLK_STEP_PUBLISH, "");
            add(stage, VBLK_STEP_DEV_TAKE, "");
            add(stage, VBLK_STEP_DEV_COMPLETE, "r");
            add(stage, VBLK_STEP_WAIT, "r");
            add_expect(stage, "r", VBLK_S_OK, 513);
        }
        played(stage);
        assert_int_equal(stage->play.answered, 5);
        assert_int_equal(stage->play.surprise_count, 0);
        assert_int_equal(stage->watch.counts[VBLK_EV_USED_NOTIFY], 5);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STAGED(used_event__one_notification_when_it_is_passed),
        STAGED(indirect_negotiated__a_direct_chain_is_loaded_as_one),
        STAGED(table__is_loaded_from_its_first_entry_on),
        STAGED(bytes_that_fill_no_sector__take_one_more),
        STAGED(forced_status__ends_with_the_power),
        STAGED(device_that_goes__says_how),
        STAGED(each_ring__taken_and_completed),
        STAGED(tables__are_what_registers_and_configuration_show),
        STAGED(registers__only_writable_ones_change_and_reset_clears_them),
        STAGED(show_steps__override_what_is_honest),
        STAGED(wait__reports_news_once),
        STAGED(raw_device_stores__go_where_they_are_told),
        STAGED(raw_device_steps_without_a_place__are_the_scripts_fault),
        STAGED(honest_length__is_the_prefix_that_was_written),
        STAGED(lies_in_descriptors__hold_no_puppet),
        STAGED(power_cut__restarts_the_puppet),
        STAGED(disk__grows_and_zeroes_only_what_it_is_told),
        STAGED(pattern__is_that_of_every_version),
        STAGED(pattern__is_the_same_however_it_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
