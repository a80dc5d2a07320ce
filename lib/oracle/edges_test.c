/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the judge's checks begin and end: the last case that holds beside the first that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define BASE (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
#define PACKED VBLK_BIT(VBLK_F_RING_PACKED)
#define PROVISION VBLK_BIT(17) /* in the default profile, where its request type is 15 */
#define PROVISION_TYPE 15
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define WRITE VBLK_DESC_WRITE
#define HEADER(n) (WORLD_BUFFERS + 0x4000u * (uint64_t)(n))

static void start(struct world *w, uint32_t sees, uint64_t features)
{
    world_open(w, sees, true);
    world_start(w, BASE | features, BASE | features);
}

static void no_blame_on(const struct world *w, enum vblk_party party)
{
    for (size_t v = 0; v < vblk_oracle_violation_count(w->o); v++)
        if (vblk_oracle_violation(w->o, v)->guilty == party)
            fail_msg("%s: %s; seen: %s", vblk_clause_at(vblk_oracle_violation(w->o, v)->clause)->id,
                     vblk_oracle_violation(w->o, v)->message, vblk_oracle_violation(w->o, v)->seen);
}

/* ---- buffers beside each other ---- */

struct place {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags;
    bool apart;
};

/* Request 0 is with the device; then request 1 comes, whose data lie where the row says. */
static void bytes_beside_what_the_device_writes__are_apart(void **state)
{
    const uint64_t in = world_data(0), out = world_data(2);
    const struct place rows[] = {
        { in - 16, 16, 0, true },      { in - 16, 17, 0, false },      { in + 511, 1, 0, false },
        { in + 512, 1, 0, true },      { in - 1, 514, 0, false },      { in + 7, 1, 0, false },
        { in - 16, 16, WRITE, true },  { in - 16, 17, WRITE, false },  { in + 511, 8, WRITE, false },
        { in + 512, 8, WRITE, true },  { out - 16, 16, WRITE, true },  { out - 16, 17, WRITE, false },
        { out + 511, 8, WRITE, false }, { out + 512, 8, WRITE, true }, { out, 512, 0, true },
        { HEADER(0) + 15, 1, WRITE, false }, { HEADER(0) + 16, 1, WRITE, true }, { HEADER(0), 16, 0, true },
        /* the rings, as long as they are: 8 descriptors, 6 bytes and a word for each, 6 and 8 for each */
        { WORLD_DESC - 16, 16, WRITE, true },  { WORLD_DESC - 16, 17, WRITE, false },
        { WORLD_DESC + 127, 1, WRITE, false }, { WORLD_DESC + 128, 1, WRITE, true },
        { WORLD_AVAIL - 16, 16, WRITE, true }, { WORLD_AVAIL - 16, 17, WRITE, false },
        { WORLD_AVAIL + 21, 1, WRITE, false }, { WORLD_AVAIL + 22, 1, WRITE, true },
        { WORLD_USED - 16, 16, WRITE, true },  { WORLD_USED - 16, 17, WRITE, false },
        { WORLD_USED + 69, 1, WRITE, false },  { WORLD_USED + 70, 1, WRITE, true },
        { WORLD_DESC, 128, 0, true },          { WORLD_AVAIL, 22, 0, true },
        { WORLD_USED, 70, 0, true },
    };
    static const uint8_t data[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world w;

        start(&w, VBLK_SEES_ALL, 0);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_available(&w, 0);
        world_request(&w, 2, VBLK_T_OUT, 9, data, 512, 0);
        world_desc(&w, 7, world_data(2), 512, 0, 0); /* 8 descriptors have no room for its status */
        world_desc(&w, 6, HEADER(2), 16, VBLK_DESC_NEXT, 7);
        world_available(&w, 6);
        world_request(&w, 1, VBLK_T_IN, 11, NULL, 0, 512);
        world_desc(&w, 4, rows[i].gpa, rows[i].len, VBLK_DESC_NEXT | rows[i].flags, 5);
        world_available(&w, 3);
        if (world_tally(&w, "SAFE-DRV-03").broken != !rows[i].apart)
            fail_msg("row %zu: 0x%llx and %u bytes", i, (unsigned long long)rows[i].gpa, rows[i].len);
        no_blame_on(&w, VBLK_DEVICE);
        world_close(&w);
    }
}

/* A chain whose own pieces meet, one of them written, is not judged further; beside each other they are. */
static void bytes_that_a_chain_names_twice__are_not_judged(void **state)
{
    const uint64_t head = HEADER(0), status = HEADER(0) + 0x3000;
    const struct place rows[] = {
        { head + 15, 512, WRITE, false },    { head + 16, 512, WRITE, true },     { head - 512, 512, WRITE, true },
        { head - 511, 512, WRITE, false },   { status - 511, 512, WRITE, false }, { status - 512, 512, WRITE, true },
        { status + 1, 512, WRITE, true },    { status, 512, WRITE, false },       { head - 512, 1024, WRITE, false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world w;

        start(&w, VBLK_SEES_ALL, 0);
        world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
        world_desc(&w, 1, rows[i].gpa, rows[i].len, VBLK_DESC_NEXT | rows[i].flags, 2);
        world_available(&w, 0);
        world_store(&w, VBLK_DEVICE, HEADER(0) + 0x3000, "\0", 1);
        world_used(&w, 0, 513); /* and there were no data at all */
        no_blame_on(&w, rows[i].apart ? VBLK_DRIVER : VBLK_DEVICE);
        if ((vblk_oracle_violation_count(w.o) != 0) != rows[i].apart)
            fail_msg("row %zu: %zu findings", i, vblk_oracle_violation_count(w.o));
        world_close(&w);
    }
}

/* ---- what excuses silence ---- */

static void needs_reset(struct world *w)
{
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 15 | VBLK_STATUS_NEEDS_RESET);
}

static void failed(struct world *w)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 15 | VBLK_STATUS_FAILED);
}

static void reset_asked(struct world *w)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, 0);
}

static void gone(struct world *w)
{
    world_event(w, VBLK_EV_GONE, 0);
}

static void nothing(struct world *w)
{
    (void)w;
}

static void request_unanswered(struct world *w)
{
    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_available(w, 0);
}

static void answer_not_notified(struct world *w)
{
    static const uint8_t zeroes[512];
    const struct vblk_used_elem e = { vblk_put32(0), vblk_put32(513) };

    request_unanswered(w);
    world_store(w, VBLK_DEVICE, world_data(0), zeroes, sizeof(zeroes));
    world_store(w, VBLK_DEVICE, HEADER(0) + 0x3000, "\0", 1);
    world_store(w, VBLK_DEVICE, WORLD_USED + 4, &e, sizeof(e));
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, 1), VBLK_OK);
}

static void request_not_notified(struct world *w)
{
    const vblk_le16 slot = vblk_put16(0);

    world_request(w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    world_store(w, VBLK_DRIVER, WORLD_AVAIL + 4, &slot, 2);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_RELEASE);
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, 1), VBLK_OK);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
}

static void request_not_wanted(struct world *w)
{
    world_store(w, VBLK_DEVICE, WORLD_USED, "\1", 2);
    request_not_notified(w);
}

static void after_a_malformed_request(struct world *w)
{
    world_request(w, 1, PROVISION_TYPE, 0, "123456789", 9, 0);
    world_available(w, 3);
    world_answer(w, 1, NULL, 0, VBLK_S_IOERR);
    request_unanswered(w);
}

static void packed_desc(struct world *w, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(0), vblk_put16(flags) };

    world_store(w, VBLK_DRIVER, WORLD_DESC + 16u * i, &d, sizeof(d));
}

static void packed_request(struct world *w)
{
    const struct vblk_request_header head = { vblk_put32(VBLK_T_FLUSH), vblk_put32(0), vblk_put64(0) };

    world_store(w, VBLK_DRIVER, HEADER(0), &head, sizeof(head));
    packed_desc(w, 1, HEADER(0) + 0x3000, 1, VBLK_DESC_AVAIL | VBLK_DESC_WRITE);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    packed_desc(w, 0, HEADER(0), sizeof(head), VBLK_DESC_AVAIL | VBLK_DESC_NEXT);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
}

static void packed_unanswered(struct world *w)
{
    packed_request(w);
    world_event(w, VBLK_EV_KICK, 0);
}

/* The used descriptor has the wrap bit of the other lap, or of none. */
static void used_in_the_other_lap(struct world *w)
{
    packed_unanswered(w);
    world_store(w, VBLK_DEVICE, HEADER(0) + 0x3000, "\0", 1);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 14, "\0\0", 2);
}

static void debts_are_blamed__and_not_where_there_is_an_excuse(void **state)
{
    static const struct {
        void (*run_up)(struct world *);
        const char *clause;
        uint64_t features;
    } debts[] = {
        { request_unanswered, "SAFE-DEV-03", 0 },
        { answer_not_notified, "NOTIF-USED-DEV-03", 0 },
        { request_not_notified, "NOTIF-AVAIL-DRV-04", 0 },
        { request_not_wanted, "NOTIF-06", 0 },
        { after_a_malformed_request, "PROV-DEV-31", PROVISION },
        { packed_unanswered, "SAFE-DEV-03", PACKED },
        { packed_request, "NOTIF-PACKED-03", PACKED },
        { used_in_the_other_lap, "RING-PACKED-05", PACKED },
    };
    static void (*const excuses[])(struct world *) = { nothing, needs_reset, failed, reset_asked, gone };

    (void)state;
    for (size_t d = 0; d < LENGTH(debts); d++)
        for (size_t e = 0; e < LENGTH(excuses); e++) {
            struct world w;

            start(&w, VBLK_SEES_ALL, debts[d].features);
            debts[d].run_up(&w);
            excuses[e](&w);
            world_event(&w, VBLK_EV_QUIET, 5000);
            if ((world_tally(&w, debts[d].clause).broken != 0) != (excuses[e] == nothing))
                fail_msg("%s, excuse %zu", debts[d].clause, e);
            assert_int_equal(world_tally(&w, "SAFE-DEV-04").broken, excuses[e] == gone);
            if (excuses[e] == failed)
                no_blame_on(&w, VBLK_DEVICE);
            world_close(&w);
        }
}

/* ---- what a device that was reset leaves alone ---- */

enum act { STORE, LOAD };

static void after_a_reset__rings_and_buffers_are_left_alone(void **state)
{
    static const struct {
        uint64_t gpa;
        enum act act;
        bool blamed;
    } rows[] = {
        { WORLD_USED, STORE, true },          { WORLD_USED + 2, STORE, true },      { WORLD_USED + 4, STORE, true },
        { WORLD_USED + 69, STORE, true },     { 0x8000, STORE, true },              { WORLD_BUFFERS + 0x3000, STORE, true },
        { WORLD_DESC, LOAD, true },           { WORLD_AVAIL, LOAD, true },          { WORLD_AVAIL + 2, LOAD, true },
        { WORLD_AVAIL + 4, LOAD, true },      { WORLD_USED + 2, LOAD, true },
        { WORLD_BUFFERS + 0x3000, LOAD, false }, { 0x8000, LOAD, false }, /* it may be anybody's memory by now */
        { WORLD_DESC, STORE, false },         { WORLD_AVAIL, STORE, false },        { WORLD_AVAIL + 2, STORE, false },
        { WORLD_AVAIL + 4, STORE, false }, /* rows of the ring say so at any time */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (unsigned reset = 0; reset < 2; reset++) {
            struct world w;
            uint8_t byte;

            start(&w, VBLK_SEES_ALL, 0);
            request_unanswered(&w);
            if (reset != 0) {
                reset_asked(&w);
                world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_STATUS, 0);
            }
            if (rows[i].act == STORE)
                world_store(&w, VBLK_DEVICE, rows[i].gpa, "\1", 1);
            else
                assert_int_equal(vblk_memory_read(w.mem, VBLK_DEVICE, rows[i].gpa, &byte, 1), VBLK_OK);
            if (world_tally(&w, "RESET-DEV-03").broken != (reset != 0 && rows[i].blamed))
                fail_msg("row %zu, reset %u", i, reset);
            world_close(&w);
        }
}

/* ---- notifications with data ---- */

#define WITH_DATA VBLK_BIT(VBLK_F_NOTIFICATION_DATA)
#define CONFIG_DATA VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA)

#define NO_NAME 0xffffu /* never read */

static void a_kick_tells_its_queue_and_its_place(void **state)
{
    static const struct {
        uint64_t features;
        uint32_t name;          /* what queue_notif_config_data reads */
        uint32_t first, second; /* values; nothing new is available at the second */
        uint32_t alone, queue, place, again; /* how often these are broken */
    } rows[] = {
        { 0, NO_NAME, 0, 0, 0, 0, 0, 0 },
        { 0, NO_NAME, 0x20007, 0x10000, 2, 0, 0, 0 },
        { 0, 5, 0, 0, 0, 0, 0, 0 },
        { CONFIG_DATA, 5, 5, 5, 0, 0, 0, 0 },
        { CONFIG_DATA, 5, 0, 0x10005, 2, 0, 0, 0 },
        { CONFIG_DATA, NO_NAME, 0, 5, 2, 0, 0, 0 },
        { WITH_DATA, NO_NAME, 0x10000, 0x10000, 0, 0, 0, 0 },
        { WITH_DATA, NO_NAME, 0x10001, 0x10000, 0, 1, 0, 0 },
        { WITH_DATA, 5, 0x18000, 0x18000, 0, 2, 0, 0 },
        { WITH_DATA, NO_NAME, 0x00000, 0x00000, 0, 0, 1, 0 },
        { WITH_DATA, NO_NAME, 0x20000, 0x20000, 0, 0, 1, 0 },
        { WITH_DATA, NO_NAME, 0x10000, 0x20000, 0, 0, 0, 1 },
        { WITH_DATA, NO_NAME, 0x10000, 0x00000, 0, 0, 0, 1 },
        { WITH_DATA | CONFIG_DATA, 5, 0x10005, 0x10005, 0, 0, 0, 0 },
        { WITH_DATA | CONFIG_DATA, 5, 0x10000, 0x10004, 0, 2, 0, 0 },
        { WITH_DATA | CONFIG_DATA, NO_NAME, 0x10000, 0x10005, 0, 2, 0, 0 },
        { WITH_DATA | CONFIG_DATA, 5, 0x20005, 0x20005, 0, 0, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const bool told = (rows[i].features & WITH_DATA) != 0;
        struct world w;

        start(&w, VBLK_SEES_ALL, rows[i].features);
        if (rows[i].name != NO_NAME)
            world_reg(&w, VBLK_EV_REG_READ, VBLK_REG_QUEUE_NOTIF_CONFIG_DATA, rows[i].name);
        request_not_notified(&w);
        world_event(&w, VBLK_EV_KICK, rows[i].first);
        world_event(&w, VBLK_EV_KICK, rows[i].second);
        const struct vblk_tally alone = world_tally(&w, "NOTIF-DATA-01"), queue = world_tally(&w, "NOTIF-DATA-02"),
                                place = world_tally(&w, "NOTIF-DATA-03"), again = world_tally(&w, "NOTIF-DATA-05");
        if (alone.broken != rows[i].alone || queue.broken != rows[i].queue || place.broken != rows[i].place ||
            again.broken != rows[i].again)
            fail_msg("row %zu: %u %u %u %u", i, alone.broken, queue.broken, place.broken, again.broken);
        /* of each kick one of the two speaks; who is called by another's name is not told, and then told for the first time */
        assert_int_equal(place.held + place.broken + again.held + again.broken, told ? 2 : 0);
        assert_int_equal(again.held + again.broken, told && queue.broken == 0);
        assert_int_equal(queue.held + queue.broken, told ? 2 : 0);
        assert_int_equal(alone.held + alone.broken, told ? 0 : 2);
        world_close(&w);
    }
}

/* ---- rows of one ring format ---- */

static void packed_answer(struct world *w)
{
    packed_unanswered(w);
    world_store(w, VBLK_DEVICE, HEADER(0) + 0x3000, "\0", 1);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 8, "\1\0\0\0\0", 6);
    world_store(w, VBLK_DEVICE, WORLD_DESC + 14, "\x82\x80", 2); /* used, in the first lap, and written to */
    world_event(w, VBLK_EV_USED_NOTIFY, 0);
}

static void split_answer(struct world *w)
{
    static const uint8_t zeroes[512];

    request_unanswered(w);
    world_answer(w, 0, zeroes, sizeof(zeroes), VBLK_S_OK);
}

static bool about(const char *id, const char *const *areas)
{
    bool is = false;

    for (; *areas != NULL && !is; areas++)
        is = strncmp(id, *areas, strlen(*areas)) == 0;
    return is;
}

static void rows_of_one_format__say_nothing_of_the_other(void **state)
{
    static const char *const split[] = { "RING-SPLIT-", "SUPPLY-", "NOTIF-USED-DEV", "NOTIF-USED-DRV", "NOTIF-AVAIL-",
                                         "INORD-01", "INORD-02", "INORD-03", "CLEAN-DRV-02", NULL };
    static const char *const packed[] = { "RING-PACKED-", "NOTIF-PACKED-", "INORD-06", NULL };
    static const uint64_t features[] = { 0, VBLK_BIT(VBLK_F_IN_ORDER), VBLK_BIT(VBLK_F_EVENT_IDX) };

    (void)state;
    for (size_t i = 0; i < 2 * LENGTH(features); i++) {
        const bool is_packed = i % 2 != 0;
        uint32_t own = 0;
        struct world w;

        start(&w, VBLK_SEES_ALL, features[i / 2] | (is_packed ? PACKED : 0));
        if (is_packed)
            packed_answer(&w);
        else
            split_answer(&w);
        world_event(&w, VBLK_EV_QUIET, 5000);
        world_event(&w, VBLK_EV_CASE_END, 0);
        for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
            const struct vblk_tally t = vblk_oracle_tally(w.o, no);
            const uint32_t said = t.held + t.broken + t.doubted + t.noted;

            own += about(vblk_clause_at(no)->id, is_packed ? packed : split) ? said : 0;
            if (said > 0 && about(vblk_clause_at(no)->id, is_packed ? split : packed))
                fail_msg("%s, run %zu: held %u, broken %u, doubted %u, noted %u", vblk_clause_at(no)->id, i, t.held,
                         t.broken, t.doubted, t.noted);
        }
        assert_true(own > 5);
        assert_int_equal(vblk_oracle_violation_count(w.o), 0);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_beside_what_the_device_writes__are_apart),
        cmocka_unit_test(bytes_that_a_chain_names_twice__are_not_judged),
        cmocka_unit_test(debts_are_blamed__and_not_where_there_is_an_excuse),
        cmocka_unit_test(after_a_reset__rings_and_buffers_are_left_alone),
        cmocka_unit_test(rows_of_one_format__say_nothing_of_the_other),
        cmocka_unit_test(a_kick_tells_its_queue_and_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
