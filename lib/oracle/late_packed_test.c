/* SPDX-License-Identifier: BSD-3-Clause */
/* A judge that looks late at packed rings: their first lap, and nothing but what is certain of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "world.h"

#define FEATURES                                                                                                       \
    (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH) | VBLK_BIT(VBLK_F_RING_PACKED) | VBLK_BIT(VBLK_F_INDIRECT_DESC))
#define FRESH 0x8000u

enum { SIZE = 64, RING = 0x8000, DRIVER_EVENT = 0x9000, DEVICE_EVENT = 0x9100, BUFFER = 0x400 };

static void enable(struct world *w, uint32_t base)
{
    const struct vblk_event ev = { .kind = VBLK_EV_REG_WRITE, .reg = VBLK_REG_QUEUE_ENABLE, .value = 1, .at = base,
                                   .flags = VBLK_EV_EMULATED };

    vblk_oracle_observe(w->o, &ev);
}

static void place(struct world *w, uint32_t base)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 0);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, SIZE);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DESC, RING);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, DRIVER_EVENT);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DEVICE, DEVICE_EVENT);
    enable(w, base);
}

static void start(struct world *w)
{
    const struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .judge_driver = true, .late = true };

    world_open(w, 0, false);
    vblk_oracle_free(w->o);
    w->o = vblk_oracle_new(&options, w->mem);
    assert_non_null(w->o);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
    world_start(w, FEATURES, FEATURES);
    place(w, FRESH);
}

static void look(struct world *w)
{
    world_event(w, VBLK_EV_LOOK, 0);
}

static void slot(struct world *w, uint16_t at, uint64_t gpa, uint32_t len, uint16_t id, uint16_t flags)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(id), vblk_put16(flags) };

    world_store(w, VBLK_DRIVER, RING + 16u * at, &d, sizeof(d));
}

/* A request in two slots from @at on; the sector is no number that a flush may have. */
static void offer(struct world *w, uint16_t at, uint16_t id, uint32_t type, uint64_t sector)
{
    const struct vblk_request_header head = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };
    const uint64_t base = WORLD_BUFFERS + BUFFER * (uint64_t)id;

    world_store(w, VBLK_DRIVER, base, &head, sizeof(head));
    slot(w, (uint16_t)(at + 1), base + 16, type == VBLK_T_IN ? 513 : 1, id, VBLK_DESC_WRITE | VBLK_DESC_AVAIL);
    slot(w, at, base, 16, id, VBLK_DESC_NEXT | VBLK_DESC_AVAIL);
}

static void answer(struct world *w, uint16_t at, uint16_t id, uint32_t len)
{
    const uint8_t mark[8] = { (uint8_t)len, (uint8_t)(len >> 8), 0, 0, (uint8_t)id, (uint8_t)(id >> 8),
                              VBLK_DESC_WRITE | VBLK_DESC_AVAIL % 256, (VBLK_DESC_AVAIL | VBLK_DESC_USED) >> 8 };

    world_store(w, VBLK_DEVICE, RING + 16u * at + 8, mark, sizeof(mark));
}

static void assert_blamed(struct world *w, const char *id)
{
    const char *const allowed[] = { id, NULL };
    const char *other = world_blamed_else(w, allowed);

    if (other)
        fail_msg("%s was blamed", other);
    if (id)
        assert_true(world_tally(w, id).broken > 0);
    world_close(w);
}

static void buffers_in_any_order__are_followed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_IN, 7);
    offer(&w, 2, 6, VBLK_T_IN, 7);
    look(&w);
    answer(&w, 0, 6, 513);
    answer(&w, 2, 5, 513);
    look(&w);
    assert_int_equal(world_tally(&w, "VQ-02").held, 2);
    assert_blamed(&w, NULL);
}

static void a_used_length_past_the_buffer__is_blamed_if_it_was_seen_in_time(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_IN, 7);
    look(&w);
    answer(&w, 0, 5, 514);
    look(&w);
    assert_blamed(&w, "VQ-02");
}

static void an_id_of_no_buffer__is_blamed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_IN, 7);
    look(&w);
    answer(&w, 0, 9, 513);
    look(&w);
    assert_blamed(&w, "RING-PACKED-DEV-06");
}

static void an_id_that_is_still_out__is_the_drivers_fault(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_IN, 7);
    look(&w);
    offer(&w, 2, 5, VBLK_T_IN, 7);
    look(&w);
    assert_blamed(&w, "SAFE-DRV-02");
}

static void a_wrong_request__is_the_drivers_fault_if_it_was_seen_in_time(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_FLUSH, 9);
    look(&w);
    assert_blamed(&w, "BLK-OP-DRV-04");
}

/* Used and given back before anybody looked: its header may be anything by then. */
static void what_was_used_meanwhile__is_followed_but_not_judged(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    offer(&w, 0, 5, VBLK_T_IN, 7);
    look(&w);
    offer(&w, 2, 6, VBLK_T_FLUSH, 9);
    answer(&w, 0, 6, 1);
    look(&w);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 0);
    answer(&w, 2, 5, 514);
    look(&w);
    assert_blamed(&w, "VQ-02");
}

static void a_device_faster_than_the_look__is_followed_again_when_all_slots_are_used(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    slot(&w, 0, WORLD_BUFFERS, 48, 3, VBLK_DESC_INDIRECT | VBLK_DESC_AVAIL);
    answer(&w, 0, 3, 9999);
    look(&w);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 1);
    offer(&w, 1, 5, VBLK_T_IN, 7);
    look(&w);
    answer(&w, 1, 5, 513);
    look(&w);
    assert_int_equal(world_tally(&w, "VQ-02").held, 1);
    assert_blamed(&w, NULL);
}

/* Its next look might be two laps later, and the ring would look the same. */
static void the_second_lap__is_not_followed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    for (uint16_t at = 0; at < SIZE; at = (uint16_t)(at + 2)) {
        offer(&w, at, 5, VBLK_T_IN, 7);
        look(&w);
        answer(&w, at, 5, 513);
        look(&w);
    }
    assert_int_equal(world_tally(&w, "VQ-02").held, SIZE / 2 - 1);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 1);
    slot(&w, 0, 0xdead0000, 1, 5, VBLK_DESC_USED);
    look(&w);
    assert_blamed(&w, NULL);
}

static void a_ring_that_goes_on__is_not_followed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    place(&w, FRESH | 2);
    offer(&w, 0, 5, VBLK_T_FLUSH, 9);
    look(&w);
    assert_blamed(&w, NULL);
}

/* ---- two threads that don't wait for the third ---- */

#if defined(__SANITIZE_THREAD__)
#define RACES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACES 1
#endif
#endif

#ifndef RACES
enum { LISTS = 12, LAPS = 3, LIVES = 60, FOLLOWED = 200 };

struct race {
    uint8_t *bytes; /* guest memory from 0 */
    bool indirect;  /* else lists of two slots */
    uint32_t seed;  /* of when it is looked */
    atomic_bool over;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void mark(struct race *r, uint16_t at, uint16_t flags)
{
    _Atomic uint16_t *word = (_Atomic uint16_t *)(void *)(r->bytes + RING + 16u * at + 14);

    atomic_store_explicit(word, flags, memory_order_release);
}

static uint16_t marks(struct race *r, uint16_t at)
{
    return atomic_load_explicit((_Atomic uint16_t *)(void *)(r->bytes + RING + 16u * at + 14), memory_order_acquire);
}

static uint16_t bits(unsigned turn, bool used)
{
    const bool wrap = turn / SIZE % 2 == 0;

    return (uint16_t)((wrap ? VBLK_DESC_AVAIL : 0) | (wrap == used ? VBLK_DESC_USED : 0));
}

static void fill(struct race *r, uint16_t at, uint64_t gpa, uint32_t len, uint16_t id)
{
    const struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(id), vblk_put16(0) };

    memcpy(r->bytes + RING + 16u * at, &d, 14);
}

/* @return the turn after it. */
static unsigned publish(struct race *r, unsigned turn, uint16_t id, uint32_t type)
{
    const struct vblk_request_header head = { vblk_put32(type), vblk_put32(0), vblk_put64(0) };
    const uint64_t base = WORLD_BUFFERS + BUFFER * (uint64_t)id;
    const uint32_t len = type == VBLK_T_IN ? 513 : 1;
    const struct vblk_packed_desc table[2] = { { vblk_put64(base), vblk_put32(16), { { 0 } }, { { 0 } } },
                                               { vblk_put64(base + 16), vblk_put32(len), { { 0 } },
                                                 vblk_put16(VBLK_DESC_WRITE) } };

    memcpy(r->bytes + base, &head, sizeof(head));
    if (r->indirect) {
        memcpy(r->bytes + base + 0x300, table, sizeof(table));
        fill(r, turn % SIZE, base + 0x300, sizeof(table), id);
        mark(r, turn % SIZE, bits(turn, false) | VBLK_DESC_INDIRECT);
        return turn + 1;
    }
    fill(r, (turn + 1) % SIZE, base + 16, len, id);
    mark(r, (turn + 1) % SIZE, bits(turn + 1, false) | VBLK_DESC_WRITE);
    fill(r, turn % SIZE, base, 16, id);
    mark(r, turn % SIZE, bits(turn, false) | VBLK_DESC_NEXT);
    return turn + 2;
}

/* What the driver has back it makes nonsense of at once. */
static void *driver(void *ctx)
{
    struct race *r = ctx;
    uint32_t seed = 7;
    uint16_t free_ids[LISTS], count = LISTS;
    unsigned turn = 0, seen = 0;

    for (uint16_t i = 0; i < LISTS; i++)
        free_ids[i] = i;
    while (seen < LAPS * SIZE) {
        while (count > 0 && next_random(&seed) % 4 != 0)
            turn = publish(r, turn, free_ids[--count], next_random(&seed) % 2 ? VBLK_T_IN : VBLK_T_FLUSH);
        while (seen != turn && (marks(r, seen % SIZE) & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) == bits(seen, true)) {
            const uint16_t id = r->bytes[RING + 16u * (seen % SIZE) + 12];

            memset(r->bytes + WORLD_BUFFERS + BUFFER * (uint64_t)id, 0xee, BUFFER);
            free_ids[count++] = id;
            seen += r->indirect ? 1 : 2;
        }
        sched_yield();
    }
    atomic_store(&r->over, true);
    return NULL;
}

static void *device(void *ctx)
{
    struct race *r = ctx;
    uint32_t seed = 99;
    uint16_t held[LISTS], count = 0;
    unsigned turn = 0, done = 0;

    while (!atomic_load(&r->over)) {
        while (count < LISTS && (marks(r, turn % SIZE) & (VBLK_DESC_AVAIL | VBLK_DESC_USED)) == bits(turn, false)) {
            held[count++] = r->bytes[RING + 16u * (turn % SIZE) + 12];
            turn += r->indirect ? 1 : 2;
        }
        while (count > 0 && next_random(&seed) % 4 != 0) {
            const uint16_t i = (uint16_t)(next_random(&seed) % count), id = held[i];
            const uint32_t len = 1;

            held[i] = held[--count];
            memcpy(r->bytes + RING + 16u * (done % SIZE) + 8, &len, 4);
            memcpy(r->bytes + RING + 16u * (done % SIZE) + 12, &id, 2);
            mark(r, done % SIZE, bits(done, true) | VBLK_DESC_WRITE);
            done += r->indirect ? 1 : 2;
        }
        sched_yield();
    }
    return NULL;
}

static void live(struct world *w, struct race *r)
{
    pthread_t threads[2];

    atomic_store(&r->over, false);
    memset(r->bytes + RING, 0, 16 * SIZE);
    place(w, FRESH);
    assert_int_equal(pthread_create(&threads[0], NULL, device, r), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, driver, r), 0);
    while (!atomic_load(&r->over)) {
        look(w);
        for (unsigned i = next_random(&r->seed) % 4; i > 0; i--)
            sched_yield();
    }
    pthread_join(threads[1], NULL);
    pthread_join(threads[0], NULL);
}

/* Until enough was followed, however the threads were woken. */
static void two_lawful_parties_that_race__are_never_blamed(void **state)
{
    struct race race = { .seed = 5 };
    struct world w;

    (void)state;
    start(&w);
    race.bytes = (uint8_t *)(uintptr_t)vblk_memory_view(w.mem, 0, 1 << 20);
    for (unsigned i = 0; i < LIVES || world_tally(&w, "VQ-02").held < FOLLOWED; i++) {
        race.indirect = i % 2 == 0;
        live(&w, &race);
    }
    print_message("%u buffers; sight lost %u times\n", world_tally(&w, "VQ-02").held, vblk_oracle_sight_lost(w.o));
    for (size_t i = 0; i < vblk_oracle_violation_count(w.o); i++)
        print_message("%s: %s\n", vblk_oracle_violation(w.o, i)->message, vblk_oracle_violation(w.o, i)->seen);
    assert_int_equal(vblk_oracle_violation_count(w.o), 0);
    world_close(&w);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_in_any_order__are_followed),
        cmocka_unit_test(a_used_length_past_the_buffer__is_blamed_if_it_was_seen_in_time),
        cmocka_unit_test(an_id_of_no_buffer__is_blamed),
        cmocka_unit_test(an_id_that_is_still_out__is_the_drivers_fault),
        cmocka_unit_test(a_wrong_request__is_the_drivers_fault_if_it_was_seen_in_time),
        cmocka_unit_test(what_was_used_meanwhile__is_followed_but_not_judged),
        cmocka_unit_test(a_device_faster_than_the_look__is_followed_again_when_all_slots_are_used),
        cmocka_unit_test(the_second_lap__is_not_followed),
        cmocka_unit_test(a_ring_that_goes_on__is_not_followed),
#ifndef RACES
        cmocka_unit_test(two_lawful_parties_that_race__are_never_blamed),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
