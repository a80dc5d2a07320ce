/* SPDX-License-Identifier: BSD-3-Clause */
/* A judge that looks late: what it can still tell, and that it never blames anybody for having been too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "world.h"

#define FEATURES (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))

static void judge_late(struct world *w)
{
    const struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .judge_driver = true, .late = true };

    world_open(w, 0, false);
    vblk_oracle_free(w->o);
    w->o = vblk_oracle_new(&options, w->mem);
    assert_non_null(w->o);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
}

static void start(struct world *w)
{
    judge_late(w);
    world_start(w, FEATURES, FEATURES);
}

static void look(struct world *w)
{
    world_event(w, VBLK_EV_LOOK, 0);
}

/* Without a notification: nobody looks. */
static void available(struct world *w, uint16_t head)
{
    const vblk_le16 slot = vblk_put16(head);

    world_store(w, VBLK_DRIVER, WORLD_AVAIL + 4 + 2u * (w->avail_idx % WORLD_SIZE), &slot, 2);
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, ++w->avail_idx), VBLK_OK);
}

static void used(struct world *w, uint32_t id, uint32_t len)
{
    const struct vblk_used_elem e = { vblk_put32(id), vblk_put32(len) };

    world_store(w, VBLK_DEVICE, WORLD_USED + 4 + 8u * (w->used_idx % WORLD_SIZE), &e, sizeof(e));
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, ++w->used_idx), VBLK_OK);
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

static void a_head_that_went_round_twice__is_nobodys_fault(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    used(&w, 0, 513);
    world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    available(&w, 0);
    used(&w, 0, 1);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    assert_int_equal(world_tally(&w, "VQ-02").held, 0);
    used(&w, 0, 513);
    look(&w);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 3);
    assert_int_equal(world_tally(&w, "VQ-02").held, 1); /* of the one that was seen before it was used */
    assert_blamed(&w, NULL);
}

static void descriptors_that_were_free_again__are_nobodys_fault(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    used(&w, 0, 513); /* descriptors 0 to 2 are the driver's again, and 2 begins another chain */
    world_desc(&w, 2, WORLD_BUFFERS, 16, VBLK_DESC_NEXT, 1);
    world_desc(&w, 1, WORLD_BUFFERS + 0x3000, 1, VBLK_DESC_WRITE, 0);
    available(&w, 2);
    look(&w);
    assert_blamed(&w, NULL);
}

static void a_used_length_past_the_buffer__is_blamed_if_it_was_seen_in_time(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    used(&w, 0, 514);
    look(&w);
    assert_blamed(&w, "VQ-02");
}

static void a_used_length_past_the_buffer__is_not_seen_too_late(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    used(&w, 0, 514);
    look(&w);
    assert_blamed(&w, NULL);
}

static void an_element_for_nothing__is_blamed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    used(&w, 3, 0);
    look(&w);
    assert_blamed(&w, "RING-SPLIT-15");
}

static void a_buffer_used_twice__is_blamed(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    used(&w, 0, 513);
    used(&w, 0, 513);
    look(&w);
    assert_blamed(&w, "RING-SPLIT-15");
}

static void a_head_that_is_still_out__is_the_drivers_fault(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    available(&w, 0);
    look(&w);
    assert_blamed(&w, "SAFE-DRV-02");
}

static void a_status_nobody_knows__may_be_the_drivers_own(void **state)
{
    struct world w;
    uint64_t status_at;

    (void)state;
    start(&w);
    status_at = world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    world_store(&w, VBLK_DEVICE, status_at, "\x77", 1);
    used(&w, 0, 513);
    look(&w);
    assert_blamed(&w, NULL);
}

/* Half a ring of entries whose slots may be others' by now. */
static void a_ring_that_turned_too_far__is_followed_again_when_nothing_is_in_flight(void **state)
{
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_FLUSH, 0, NULL, 0, 0);
    for (unsigned i = 0; i < 6; i++) {
        available(&w, 0);
        used(&w, 0, 1);
    }
    world_request(&w, 1, VBLK_T_FLUSH, 5, NULL, 0, 0); /* wrong, and missed */
    available(&w, 3);
    look(&w);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 1);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 0);
    used(&w, 3, 1);
    look(&w);
    available(&w, 3);
    look(&w);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 1);
    assert_blamed(&w, "BLK-OP-DRV-04");
}

/* The counters may have begun again: that nothing seems to have happened says nothing. */
static void a_look_that_comes_too_late__believes_nothing(void **state)
{
    const struct vblk_event late = { .kind = VBLK_EV_LOOK, .party = VBLK_DRIVER, .value = 1 };
    struct world w;

    (void)state;
    start(&w);
    world_request(&w, 0, VBLK_T_IN, 0, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    vblk_oracle_observe(w.o, &late);
    assert_int_equal(vblk_oracle_sight_lost(w.o), 1);
    used(&w, 0, 600); /* of whatever it is by now */
    look(&w);
    assert_int_equal(vblk_oracle_violation_count(w.o), 0);
    world_request(&w, 0, VBLK_T_IN, 0, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    used(&w, 0, 600);
    look(&w);
    assert_blamed(&w, "VQ-02");
}

static void a_ring_that_goes_on__is_followed_from_its_base(void **state)
{
    struct vblk_event enable = { .kind = VBLK_EV_REG_WRITE, .reg = VBLK_REG_QUEUE_ENABLE, .value = 1, .at = 7,
                                 .flags = VBLK_EV_EMULATED };
    const vblk_le16 seven = vblk_put16(7);
    struct world w;

    (void)state;
    start(&w);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 0);
    world_store(&w, VBLK_DRIVER, WORLD_AVAIL + 2, &seven, 2);
    world_store(&w, VBLK_DRIVER, WORLD_USED + 2, &seven, 2);
    w.avail_idx = w.used_idx = 7;
    vblk_oracle_observe(w.o, &enable);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    used(&w, 0, 513);
    look(&w);
    assert_int_equal(world_tally(&w, "VQ-02").held, 1);
    assert_blamed(&w, NULL);
}

/* What was in flight when a ring was stopped is not known. */
static void a_ring_that_goes_on_with_buffers_in_flight__waits_until_there_are_none(void **state)
{
    struct vblk_event enable = { .kind = VBLK_EV_REG_WRITE, .reg = VBLK_REG_QUEUE_ENABLE, .value = 1, .at = 1,
                                 .flags = VBLK_EV_EMULATED };
    struct world w;

    (void)state;
    start(&w);
    world_reg(&w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 0);
    available(&w, 0);
    vblk_oracle_observe(w.o, &enable);
    used(&w, 0, 600);
    look(&w);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 0);
    world_request(&w, 0, VBLK_T_IN, 7, NULL, 0, 512);
    available(&w, 0);
    look(&w);
    used(&w, 0, 513);
    look(&w);
    assert_int_equal(world_tally(&w, "RING-SPLIT-15").held, 1);
    assert_blamed(&w, NULL);
}

static void what_is_told_too_late__is_not_observable(void **state)
{
    const struct vblk_target_facts facts = { .profile = *vblk_profile_default(), .grade = VBLK_GRADE_SNAPSHOT,
                                             .late = true };
    const struct vblk_tally none = { 0 };

    (void)state;
    assert_int_equal(vblk_verdict_of(vblk_clause_find("RING-SPLIT-16"), &none, &facts, NULL),
                     VBLK_VERDICT_NOT_OBSERVABLE);
    assert_int_equal(vblk_verdict_of(vblk_clause_find("VQ-02"), &none, &facts, NULL), VBLK_VERDICT_NOT_EXERCISED);
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
enum { CHAINS = WORLD_SIZE / 2, ROUNDS = 8000, FOLLOWED = 1000, REST = 200 };

struct race {
    uint8_t *bytes; /* guest memory from 0 */
    atomic_bool enough; /* was followed */
    atomic_bool over;
    atomic_uint looks;
};

static _Atomic uint16_t *word(struct race *r, uint64_t gpa)
{
    return (_Atomic uint16_t *)(void *)(r->bytes + gpa);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void put_chain(struct race *r, uint16_t n, uint32_t type)
{
    const uint64_t base = WORLD_BUFFERS + 0x400u * n;
    const struct vblk_request_header head = { vblk_put32(type), vblk_put32(0), vblk_put64(0) };
    const struct vblk_desc first = { vblk_put64(base), vblk_put32(16), vblk_put16(VBLK_DESC_NEXT),
                                     vblk_put16((uint16_t)(2 * n + 1)) };
    const struct vblk_desc last = { vblk_put64(base + 16), vblk_put32(type == VBLK_T_IN ? 513 : 1),
                                    vblk_put16(VBLK_DESC_WRITE), vblk_put16(0) };

    memcpy(r->bytes + base, &head, sizeof(head));
    memcpy(r->bytes + WORLD_DESC + 32u * n, &first, sizeof(first));
    memcpy(r->bytes + WORLD_DESC + 32u * n + 16, &last, sizeof(last));
}

/* What the driver has back it makes nonsense of at once. */
static void scribble(struct race *r, uint16_t n)
{
    memset(r->bytes + WORLD_DESC + 32u * n, 0xff, 32);
    memset(r->bytes + WORLD_BUFFERS + 0x400u * n, 0xee, 0x300);
}

/* A judge that was woken too late once follows again from when it sees that nothing is in flight. */
static void wait_for_looks(struct race *r, unsigned count)
{
    const unsigned looks = atomic_load(&r->looks);

    while (atomic_load(&r->looks) - looks < count)
        sched_yield();
}

static void *driver(void *ctx)
{
    struct race *r = ctx;
    uint32_t seed = 7;
    uint16_t free_heads[CHAINS], count = CHAINS, seen = 0, idx = 0;
    unsigned rested = 0;
    bool gentle = false;

    for (uint16_t i = 0; i < CHAINS; i++)
        free_heads[i] = i;
    for (unsigned done = 0; done < ROUNDS || !atomic_load(&r->enough);) {
        const unsigned before = done;

        if (done - rested >= REST && count == CHAINS) {
            wait_for_looks(r, 2);
            rested = done;
            gentle = !gentle;
        } else if (gentle) {
            wait_for_looks(r, 1); /* so that not all depends on who is woken when */
        }
        while (done - rested < REST && count > 0 && next_random(&seed) % 4 != 0) {
            const uint16_t n = free_heads[--count], slot = (uint16_t)(2 * n);

            put_chain(r, n, next_random(&seed) % 2 ? VBLK_T_IN : VBLK_T_FLUSH);
            atomic_store_explicit(word(r, WORLD_AVAIL + 4 + 2u * (idx % WORLD_SIZE)), slot, memory_order_relaxed);
            atomic_store_explicit(word(r, WORLD_AVAIL + 2), ++idx, memory_order_release);
        }
        while (seen != atomic_load_explicit(word(r, WORLD_USED + 2), memory_order_acquire)) {
            const uint16_t n = r->bytes[WORLD_USED + 4 + 8u * (seen % WORLD_SIZE)] / 2;

            scribble(r, n);
            free_heads[count++] = n;
            seen++;
            done++;
        }
        if (done == before || next_random(&seed) % 8 == 0)
            sched_yield(); /* nothing to do until another thread has run */
    }
    atomic_store(&r->over, true);
    return NULL;
}

/* Takes a few and answers them in any order. */
static void *device(void *ctx)
{
    struct race *r = ctx;
    uint32_t seed = 99;
    uint16_t held[WORLD_SIZE], count = 0, seen = 0, idx = 0;

    while (!atomic_load(&r->over)) {
        if (count == 0 && seen == atomic_load_explicit(word(r, WORLD_AVAIL + 2), memory_order_acquire))
            sched_yield();
        while (seen != atomic_load_explicit(word(r, WORLD_AVAIL + 2), memory_order_acquire))
            held[count++] = atomic_load_explicit(word(r, WORLD_AVAIL + 4 + 2u * (seen++ % WORLD_SIZE)),
                                                 memory_order_relaxed);
        while (count > 0 && next_random(&seed) % 4 != 0) {
            const uint16_t i = (uint16_t)(next_random(&seed) % count), head = held[i];
            const struct vblk_used_elem e = { vblk_put32(head), vblk_put32(1) };

            held[i] = held[--count];
            memcpy(r->bytes + WORLD_USED + 4 + 8u * (idx % WORLD_SIZE), &e, sizeof(e));
            atomic_store_explicit(word(r, WORLD_USED + 2), ++idx, memory_order_release);
        }
        if (next_random(&seed) % 8 == 0)
            sched_yield();
    }
    return NULL;
}

static void two_lawful_parties_that_race__are_never_blamed(void **state)
{
    struct race race = { .bytes = NULL };
    uint32_t seed = 5;
    pthread_t threads[2];
    struct world w;

    (void)state;
    start(&w);
    race.bytes = (uint8_t *)(uintptr_t)vblk_memory_view(w.mem, 0, 1 << 20);
    assert_int_equal(pthread_create(&threads[0], NULL, device, &race), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, driver, &race), 0);
    while (!atomic_load(&race.over)) {
        look(&w);
        atomic_fetch_add(&race.looks, 1);
        if (world_tally(&w, "RING-SPLIT-15").held >= FOLLOWED)
            atomic_store(&race.enough, true);
        for (unsigned i = next_random(&seed) % 8; i > 0; i--)
            sched_yield();
    }
    pthread_join(threads[1], NULL);
    pthread_join(threads[0], NULL);
    print_message("%u used in time, %u elements; sight lost %u times\n", world_tally(&w, "VQ-02").held,
                  world_tally(&w, "RING-SPLIT-15").held, vblk_oracle_sight_lost(w.o));
    for (size_t i = 0; i < vblk_oracle_violation_count(w.o); i++)
        print_message("%s: %s\n", vblk_oracle_violation(w.o, i)->message, vblk_oracle_violation(w.o, i)->seen);
    assert_int_equal(vblk_oracle_violation_count(w.o), 0);
    assert_true(world_tally(&w, "RING-SPLIT-15").held >= FOLLOWED);
    world_close(&w);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_went_round_twice__is_nobodys_fault),
        cmocka_unit_test(descriptors_that_were_free_again__are_nobodys_fault),
        cmocka_unit_test(a_used_length_past_the_buffer__is_blamed_if_it_was_seen_in_time),
        cmocka_unit_test(a_used_length_past_the_buffer__is_not_seen_too_late),
        cmocka_unit_test(an_element_for_nothing__is_blamed),
        cmocka_unit_test(a_buffer_used_twice__is_blamed),
        cmocka_unit_test(a_head_that_is_still_out__is_the_drivers_fault),
        cmocka_unit_test(a_status_nobody_knows__may_be_the_drivers_own),
        cmocka_unit_test(a_ring_that_turned_too_far__is_followed_again_when_nothing_is_in_flight),
        cmocka_unit_test(a_look_that_comes_too_late__believes_nothing),
        cmocka_unit_test(a_ring_that_goes_on__is_followed_from_its_base),
        cmocka_unit_test(a_ring_that_goes_on_with_buffers_in_flight__waits_until_there_are_none),
        cmocka_unit_test(what_is_told_too_late__is_not_observable),
#ifndef RACES
        cmocka_unit_test(two_lawful_parties_that_race__are_never_blamed),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
