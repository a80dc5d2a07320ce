/* SPDX-License-Identifier: BSD-3-Clause */
/* What the text leaves open: the judge says which way was taken, and says nothing where there was no choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define F(name) VBLK_BIT(VBLK_F_##name)
#define BASE (F(VERSION_1) | F(FLUSH))
#define PROVISION VBLK_BIT(17)
#define PROVISION_TYPE 15
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t zeroes[512];

static void segments(struct world *w, uint32_t type, uint32_t count, uint8_t status)
{
    const vblk_le32 limits[3] = { vblk_put32(64), vblk_put32(2), vblk_put32(1) };
    const struct vblk_provision_config provision = { vblk_put32(64), vblk_put32(4) };
    struct vblk_segment s[4];

    for (uint32_t i = 0; i < count; i++)
        s[i] = (struct vblk_segment){ vblk_put64(8 * (uint64_t)i), vblk_put32(8), vblk_put32(0) };
    world_config(w, 36, limits, sizeof(limits));
    world_config(w, 72, &provision, sizeof(provision));
    world_request(w, 0, type, 0, s, count * 16, 0);
    world_available(w, 0);
    world_answer(w, 0, NULL, 0, status);
}

static void one_discarded(struct world *w) { segments(w, VBLK_T_DISCARD, 1, VBLK_S_OK); }
static void one_failed(struct world *w) { segments(w, VBLK_T_DISCARD, 1, VBLK_S_IOERR); }
static void one_refused(struct world *w) { segments(w, VBLK_T_DISCARD, 1, VBLK_S_UNSUPP); }
static void most_discarded(struct world *w) { segments(w, VBLK_T_DISCARD, 2, VBLK_S_OK); }
static void most_failed(struct world *w) { segments(w, VBLK_T_DISCARD, 2, VBLK_S_IOERR); }
static void more_discarded(struct world *w) { segments(w, VBLK_T_DISCARD, 3, VBLK_S_OK); }
static void more_failed(struct world *w) { segments(w, VBLK_T_DISCARD, 3, VBLK_S_IOERR); }
static void one_provision_failed(struct world *w) { segments(w, PROVISION_TYPE, 1, VBLK_S_IOERR); }
static void two_provisions_failed(struct world *w) { segments(w, PROVISION_TYPE, 2, VBLK_S_IOERR); }
static void two_provisioned(struct world *w) { segments(w, PROVISION_TYPE, 2, VBLK_S_OK); }

static void provision_of_no_length(struct world *w)
{
    const struct vblk_segment s = { vblk_put64(0), vblk_put32(8), vblk_put32(0) };

    world_request(w, 0, PROVISION_TYPE, 0, &s, sizeof(s), 0);
    world_available(w, 0);
    world_store(w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, "", 1);
    world_used(w, 0, 0);
}

static void writes(struct world *w, uint64_t sector, uint8_t status)
{
    segments(w, PROVISION_TYPE, 1, VBLK_S_OK); /* 0 to 7 */
    world_request(w, 0, VBLK_T_OUT, sector, zeroes, sizeof(zeroes), 0);
    world_available(w, 0);
    world_answer(w, 0, NULL, 0, status);
}

static void write_after_provision(struct world *w) { writes(w, 7, VBLK_S_OK); }
static void write_fails_after_provision(struct world *w) { writes(w, 0, VBLK_S_IOERR); }
static void write_beside_provision(struct world *w) { writes(w, 8, VBLK_S_OK); }

static void two_requests(struct world *w, uint16_t first, uint16_t second)
{
    for (uint16_t n = 0; n < 2; n++) {
        world_request(w, n, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(w, (uint16_t)(3 * n));
    }
    world_answer(w, first, zeroes, 512, VBLK_S_OK);
    world_answer(w, second, zeroes, 512, VBLK_S_OK);
}

static void in_their_order(struct world *w) { two_requests(w, 0, 1); }
static void the_later_first(struct world *w) { two_requests(w, 1, 0); }

static void read_with_length(struct world *w, uint32_t len)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    world_store(w, VBLK_DEVICE, world_data(0), zeroes, sizeof(zeroes));
    world_store(w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, "", 1);
    world_used(w, 0, len);
}

static void read_with_its_length(struct world *w) { read_with_length(w, 513); }
static void read_with_less(struct world *w) { read_with_length(w, 512); }

/* @count become available at once; the device may not wait for the kick. */
static void several(struct world *w, uint16_t count, bool kick)
{
    for (uint16_t n = 0; n < count; n++) {
        const vblk_le16 slot = vblk_put16((uint16_t)(3 * n));

        world_request(w, n, VBLK_T_IN, 7, NULL, 0, 512);
        world_store(w, VBLK_DRIVER, WORLD_AVAIL + 4 + 2u * n, &slot, sizeof(slot));
    }
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_RELEASE);
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, count), VBLK_OK);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    if (kick)
        world_event(w, VBLK_EV_KICK, 0);
    world_answer(w, 0, zeroes, 512, VBLK_S_OK);
}

static void one_after_its_kick(struct world *w) { several(w, 1, true); }
static void one_before_its_kick(struct world *w) { several(w, 1, false); }
static void two_at_once(struct world *w) { several(w, 2, true); }

/* Header, data and status, where the device wants at most @most descriptors with data. */
static void seg_max(struct world *w, uint32_t most, uint8_t status)
{
    const vblk_le32 limit = vblk_put32(most);

    world_config(w, 12, &limit, sizeof(limit));
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
    world_answer(w, 0, zeroes, status == VBLK_S_OK ? 512 : 0, status);
}

static void chain_of_seg_max(struct world *w) { seg_max(w, 1, VBLK_S_OK); }
static void chain_of_less(struct world *w) { seg_max(w, 2, VBLK_S_OK); }
static void chain_beyond(struct world *w) { seg_max(w, 0, VBLK_S_OK); }
static void chain_beyond_refused(struct world *w) { seg_max(w, 0, VBLK_S_IOERR); }

static void mode(struct world *w, uint8_t value, bool in_flight)
{
    const struct vblk_event ev = { .kind = VBLK_EV_CONFIG_WRITE, .party = VBLK_DRIVER, .at = 32, .len = 1, .bytes = &value };

    if (in_flight) {
        world_request(w, 0, VBLK_T_OUT, 7, zeroes, sizeof(zeroes), 0);
        world_available(w, 0);
    }
    vblk_oracle_observe(w->o, &ev);
}

static void writethrough(struct world *w) { mode(w, 0, false); }
static void writeback(struct world *w) { mode(w, 1, false); }
static void writeback_in_flight(struct world *w) { mode(w, 1, true); }

static void flush_beside_a_write(struct world *w)
{
    world_request(w, 0, VBLK_T_OUT, 7, zeroes, sizeof(zeroes), 0);
    world_available(w, 0);
    world_request(w, 1, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(w, 3);
    world_answer(w, 1, NULL, 0, VBLK_S_OK);
}

static void flush_alone(struct world *w)
{
    world_request(w, 1, VBLK_T_FLUSH, 0, NULL, 0, 0);
    world_available(w, 3);
    world_answer(w, 1, NULL, 0, VBLK_S_OK);
}

static void device_says(struct world *w, const char *flags)
{
    world_store(w, VBLK_DEVICE, WORLD_USED, flags, 2);
}

static void device_wants_no_kick(struct world *w) { device_says(w, "\1"); }

static void driver_wants_no_interrupt(struct world *w) { world_store(w, VBLK_DRIVER, WORLD_AVAIL, "\1", 2); }

static void driver_wants_interrupts_again(struct world *w)
{
    world_store(w, VBLK_DRIVER, WORLD_AVAIL, "\1", 2);
    world_store(w, VBLK_DRIVER, WORLD_AVAIL, "\0", 2);
}

static void mode_reads(struct world *w, uint8_t value, bool written)
{
    if (written)
        mode(w, 1, false);
    world_config(w, 32, &value, 1);
}

static void mode_reads_0(struct world *w) { mode_reads(w, 0, false); }
static void mode_reads_1(struct world *w) { mode_reads(w, 1, false); }
static void mode_reads_2(struct world *w) { mode_reads(w, 2, false); }
static void mode_reads_what_was_written(struct world *w) { mode_reads(w, 1, true); }

static void packed_desc(struct world *w, uint16_t slot, uint64_t gpa, uint32_t len, uint16_t flags)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(0),
                                        vblk_put16((uint16_t)(flags | VBLK_DESC_AVAIL)) };

    world_store(w, VBLK_DRIVER, WORLD_DESC + 16u * slot, &d, sizeof(d));
}

/* A read whose data are in @pieces, answered with @status. */
static void packed_read(struct world *w, uint16_t pieces, uint8_t status, bool kick)
{
    const struct vblk_request_header head = { vblk_put32(VBLK_T_IN), vblk_put32(0), vblk_put64(0) };
    const struct vblk_packed_desc used = { vblk_put64(0), vblk_put32(status == VBLK_S_OK ? 512 * (uint32_t)pieces + 1 : 0),
                                           vblk_put16(0), vblk_put16(0) };
    const vblk_le16 flags = vblk_put16(VBLK_DESC_AVAIL | VBLK_DESC_USED | VBLK_DESC_WRITE);

    world_store(w, VBLK_DRIVER, WORLD_BUFFERS, &head, sizeof(head));
    for (uint16_t i = 1; i <= pieces; i++)
        packed_desc(w, i, world_data(0) + 512u * i, 512, VBLK_DESC_WRITE | VBLK_DESC_NEXT);
    packed_desc(w, (uint16_t)(pieces + 1), WORLD_BUFFERS + 0x3000, 1, VBLK_DESC_WRITE);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    packed_desc(w, 0, WORLD_BUFFERS, sizeof(head), VBLK_DESC_NEXT);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    if (kick)
        world_event(w, VBLK_EV_KICK, 0);
    for (uint16_t i = 1; i <= pieces && status == VBLK_S_OK; i++)
        world_store(w, VBLK_DEVICE, world_data(0) + 512u * i, zeroes, sizeof(zeroes));
    world_store(w, VBLK_DEVICE, WORLD_BUFFERS + 0x3000, &status, 1);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 8, (const uint8_t *)&used + 8, 6);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 14, &flags, sizeof(flags));
}

static void packed_after_its_kick(struct world *w) { packed_read(w, 1, VBLK_S_OK, true); }
static void packed_before_its_kick(struct world *w) { packed_read(w, 1, VBLK_S_OK, false); }
static void packed_longest(struct world *w) { packed_read(w, WORLD_SIZE - 2, VBLK_S_OK, true); }
static void packed_longest_refused(struct world *w) { packed_read(w, WORLD_SIZE - 2, VBLK_S_IOERR, true); }
static void packed_almost_longest(struct world *w) { packed_read(w, WORLD_SIZE - 3, VBLK_S_OK, true); }

static void length(struct world *w, uint64_t bytes) { world_reg(w, VBLK_EV_REG_READ, VBLK_REG_CONFIG_LENGTH, bytes); }
static void length_72(struct world *w) { length(w, 72); }
static void length_73(struct world *w) { length(w, 73); }
static void length_79(struct world *w) { length(w, 79); }
static void length_80(struct world *w) { length(w, 80); }

static const struct {
    void (*run)(struct world *w);
    const char *clause;
    uint64_t features;
    uint32_t noted;
    const char *choice;
} runs[] = {
    { one_discarded, "BLK-OP-22", F(DISCARD), 0, "" },
    { one_failed, "BLK-OP-22", F(DISCARD), 1, "segments indeterminate" },
    { one_refused, "BLK-OP-22", F(DISCARD), 0, "" },
    { one_discarded, "BLK-OP-13", F(DISCARD), 0, "" },
    { most_discarded, "BLK-OP-13", F(DISCARD), 1, "takes the most segments" },
    { most_failed, "BLK-OP-13", F(DISCARD), 1, "refuses the most segments" },
    { more_discarded, "BLK-OP-13", F(DISCARD), 1, "takes more segments" },
    { more_failed, "BLK-OP-13", F(DISCARD), 1, "refuses more segments" },
    { one_provision_failed, "PROV-DEV-23", PROVISION, 0, "" },
    { two_provisions_failed, "PROV-DEV-23", PROVISION, 1, "IOERR: segments left open" },
    { two_provisioned, "PROV-DEV-23", PROVISION, 0, "" },
    { provision_of_no_length, "PROV-REQ-13", PROVISION, 1, "length 0" },
    { two_provisioned, "PROV-REQ-13", PROVISION, 0, "" },
    { write_after_provision, "PROV-DEV-24", PROVISION, 1, "a later write succeeded" },
    { write_fails_after_provision, "PROV-DEV-24", PROVISION, 1, "a later write failed" },
    { write_beside_provision, "PROV-DEV-24", PROVISION, 0, "" },
    { length_72, "PROV-CFG-14", 0, 1, "ends where they would begin" },
    { length_73, "PROV-CFG-14", 0, 1, "another length without room for them" },
    { length_79, "PROV-CFG-14", 0, 1, "another length without room for them" },
    { length_80, "PROV-CFG-14", 0, 1, "room for the limits" },
    { in_their_order, "VQ-03", 0, 1, "used in available order" },
    { the_later_first, "VQ-03", 0, 1, "used out of available order" },
    { in_their_order, "BLK-OP-02", 0, 1, "in order" },
    { the_later_first, "BLK-OP-02", 0, 1, "out of order" },
    { one_after_its_kick, "VQ-03", 0, 0, "" },
    { read_with_its_length, "RING-SPLIT-DEV-07", 0, 1, "wrote no more than len" },
    { read_with_less, "RING-SPLIT-DEV-07", 0, 1, "wrote more than len" },
    { one_after_its_kick, "SUPPLY-08", 0, 1, "processed after the notification" },
    { one_before_its_kick, "SUPPLY-08", 0, 1, "processed before the notification" },
    { one_after_its_kick, "SUPPLY-01", 0, 1, "one buffer an update" },
    { two_at_once, "SUPPLY-01", 0, 1, "several buffers an update" },
    { one_after_its_kick, "SUPPLY-07", 0, 0, "" },
    { two_at_once, "SUPPLY-07", 0, 1, "several chains in one update" },
    { writethrough, "BLK-OP-DRV-14", F(CONFIG_WCE), 1, "switched to writethrough" },
    { writeback, "BLK-OP-DRV-14", F(CONFIG_WCE), 1, "switched to writeback" },
    { writeback, "BLK-OP-DRV-14", 0, 0, "" },
    { writeback, "BLK-OP-DEV-21", F(CONFIG_WCE), 0, "" },
    { writeback_in_flight, "BLK-OP-DEV-21", F(CONFIG_WCE), 1, "mode changed with a write in flight" },
    { flush_beside_a_write, "BLK-OP-DEV-19", 0, 1, "flushed with a write in flight" },
    { flush_alone, "BLK-OP-DEV-19", 0, 0, "" },
    { device_wants_no_kick, "SUPPLY-09", 0, 1, "by flags" },
    { driver_wants_no_interrupt, "SUPPLY-10", 0, 1, "disabled" },
    { driver_wants_interrupts_again, "SUPPLY-10", 0, 2, "enabled" },
    { chain_of_seg_max, "FRAME-DEV-02", F(SEG_MAX), 0, "" },
    { chain_of_less, "FRAME-DEV-02", F(SEG_MAX), 0, "" },
    { chain_beyond, "FRAME-DEV-02", F(SEG_MAX), 1, "accepts a chain beyond seg_max" },
    { chain_beyond_refused, "FRAME-DEV-02", F(SEG_MAX), 1, "refuses a chain beyond seg_max" },
    { mode_reads_0, "BLK-INIT-06", F(CONFIG_WCE), 1, "writethrough after reset" },
    { mode_reads_1, "BLK-INIT-06", F(CONFIG_WCE), 1, "writeback after reset" },
    { mode_reads_2, "BLK-INIT-06", F(CONFIG_WCE), 0, "" },
    { mode_reads_1, "BLK-INIT-06", 0, 0, "" },
    { mode_reads_what_was_written, "BLK-INIT-06", F(CONFIG_WCE), 0, "" },
    { packed_after_its_kick, "RING-PACKED-31", F(RING_PACKED), 1, "processed after the notification" },
    { packed_before_its_kick, "RING-PACKED-31", F(RING_PACKED), 1, "processed before the notification" },
    { packed_after_its_kick, "RING-PACKED-30", F(RING_PACKED), 1, "several descriptors for a request" },
    { packed_longest, "RING-PACKED-18", F(RING_PACKED), 1, "a list as long as the queue is served" },
    { packed_longest_refused, "RING-PACKED-18", F(RING_PACKED), 1, "a list as long as the queue is refused" },
    { packed_almost_longest, "RING-PACKED-18", F(RING_PACKED), 0, "" },
    { packed_longest, "RING-PACKED-DEV-09", F(RING_PACKED), 1, "no limit met" },
    { packed_longest_refused, "RING-PACKED-DEV-09", F(RING_PACKED), 1, "a long list is refused" },
    { packed_almost_longest, "RING-PACKED-DEV-09", F(RING_PACKED), 0, "" },
};

static void a_choice_is_named_as_it_was_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(runs); i++) {
        struct world w;

        world_open(&w, VBLK_SEES_ALL, true);
        world_start(&w, BASE | runs[i].features, BASE | runs[i].features);
        runs[i].run(&w);
        const struct vblk_tally t = world_tally(&w, runs[i].clause);
        if (t.noted != runs[i].noted || strcmp(t.choice, runs[i].choice) != 0)
            fail_msg("run %zu, %s: %u, '%s'", i, runs[i].clause, t.noted, t.choice);
        assert_int_equal(t.broken, 0);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_is_named_as_it_was_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
