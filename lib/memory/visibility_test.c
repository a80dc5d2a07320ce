/* SPDX-License-Identifier: BSD-3-Clause */
/* What two parties may and may not see of each other: the litmus tests, each over many seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vblk/visibility.h>

#define OK(call) assert_int_equal((call), VBLK_OK)
#define SEEDS 200u
#define X 0x1000u
#define Y 0x1800u
#define SIZE 0x20000u

struct world {
    struct vblk_memory *mem;
    struct vblk_visibility *v;
};

static struct world open_world(uint64_t seed)
{
    const struct vblk_region regions[] = { { .gpa = X, .size = 0x1001, .fd = -1 },
                                           { .gpa = X + 0x1001, .size = SIZE, .fd = -1 } };
    struct world w = { .mem = vblk_memory_new() };

    OK(vblk_memory_add(w.mem, &regions[0]));
    OK(vblk_memory_add(w.mem, &regions[1]));
    w.v = vblk_visibility_new(w.mem, seed);
    assert_non_null(w.v);
    assert_null(vblk_visibility_new(w.mem, seed));
    return w;
}

static void close_world(struct world *w)
{
    vblk_visibility_free(w->v);
    vblk_memory_free(w->mem);
}

static void store(struct world *w, enum vblk_party who, uint64_t gpa, enum vblk_order order, unsigned value)
{
    OK(vblk_memory_store16(w->mem, who, gpa, order, (uint16_t)value));
}

static unsigned load(struct world *w, enum vblk_party who, uint64_t gpa, enum vblk_order order)
{
    uint16_t value;

    OK(vblk_memory_load16(w->mem, who, gpa, order, &value));
    return value;
}

/* How a message is passed: data, flag; and what comes between them on either side. */
struct passing {
    enum vblk_order before, store, load, after; /* before and after: of barriers; RELAXED: there is none */
    unsigned weak_driver, weak_device;
    bool safe;
};

static void barrier(struct world *w, enum vblk_party who, enum vblk_order order)
{
    if (order != VBLK_RELAXED)
        vblk_memory_barrier(w->mem, who, order);
}

static void message__data_follow_the_flag_only_if_both_sides_order(void **state)
{
    static const struct passing ways[] = {
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_ACQUIRE, VBLK_RELAXED, 0, 0, true },
        { VBLK_RELEASE, VBLK_RELAXED, VBLK_RELAXED, VBLK_ACQUIRE, 0, 0, true },
        { VBLK_RELEASE, VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELAXED, 0, 0, true },
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_RELAXED, VBLK_FULL, 0, 0, true },
        { VBLK_FULL, VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELAXED, 0, 0, true },
        { VBLK_RELAXED, VBLK_FULL, VBLK_FULL, VBLK_RELAXED, 0, 0, true },
        { VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELEASE, VBLK_RELAXED, 0, 0, true }, /* taken as full */
        { VBLK_RELAXED, VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELAXED, 0, 0, false },
        { VBLK_ACQUIRE, VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELAXED, 0, 0, false },
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_RELAXED, VBLK_RELAXED, 0, 0, false },
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_RELAXED, VBLK_RELEASE, 0, 0, false },
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_ACQUIRE, VBLK_RELAXED, VBLK_WEAK_STORES, 0, false },
        { VBLK_RELAXED, VBLK_RELEASE, VBLK_ACQUIRE, VBLK_RELAXED, 0, VBLK_WEAK_LOADS, false },
        { VBLK_FULL, VBLK_RELAXED, VBLK_ACQUIRE, VBLK_RELAXED, VBLK_WEAK_BARRIERS, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct passing *way = &ways[i];
        unsigned passed = 0, lost = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct world w = open_world(seed);

            vblk_visibility_weaken(w.v, VBLK_DRIVER, way->weak_driver);
            vblk_visibility_weaken(w.v, VBLK_DEVICE, way->weak_device);
            store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 7);
            barrier(&w, VBLK_DRIVER, way->before);
            store(&w, VBLK_DRIVER, Y, way->store, 1);
            if (load(&w, VBLK_DEVICE, Y, way->load) == 1) {
                barrier(&w, VBLK_DEVICE, way->after);
                passed++;
                lost += load(&w, VBLK_DEVICE, X, VBLK_RELAXED) != 7;
            }
            close_world(&w);
        }
        assert_true(passed > SEEDS / 4);
        if (way->safe != (lost == 0))
            fail_msg("way %zu: %u of %u lost", i, lost, passed);
    }
}

/* Each stores its own and loads the other's: with a full barrier between, on both sides, one of them sees. */
static void mutual_exclusion__needs_both_full_barriers(void **state)
{
    static const enum vblk_order orders[][2] = {
        { VBLK_FULL, VBLK_FULL },     { VBLK_FULL, VBLK_RELAXED },    { VBLK_RELAXED, VBLK_FULL },
        { VBLK_RELEASE, VBLK_FULL },  { VBLK_FULL, VBLK_ACQUIRE },    { VBLK_RELAXED, VBLK_RELAXED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        unsigned neither = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct world w = open_world(seed);
            bool first, second;

            store(&w, VBLK_DRIVER, X, VBLK_RELEASE, 1);
            store(&w, VBLK_DEVICE, Y, VBLK_RELEASE, 1);
            barrier(&w, VBLK_DRIVER, orders[i][0]);
            first = load(&w, VBLK_DRIVER, Y, VBLK_ACQUIRE) == 1;
            barrier(&w, VBLK_DEVICE, orders[i][1]);
            second = load(&w, VBLK_DEVICE, X, VBLK_ACQUIRE) == 1;
            neither += !first && !second;
            close_world(&w);
        }
        assert_int_equal(neither == 0, i == 0);
    }
}

static void one_place__never_goes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);
        unsigned last = 0;

        for (unsigned i = 1; i <= 30; i++) { /* more than there is room for */
            unsigned now;

            store(&w, VBLK_DRIVER, X, VBLK_RELAXED, i);
            assert_int_equal(load(&w, VBLK_DRIVER, X, VBLK_RELAXED), i); /* one's own, always */
            now = load(&w, VBLK_DEVICE, X, VBLK_RELAXED);
            assert_in_range(now, last, i);
            last = now;
        }
        assert_true(vblk_visibility_stale_loads(w.v) > 0);
        store(&w, VBLK_DEVICE, X, VBLK_RELAXED, 99);
        assert_int_equal(load(&w, VBLK_DEVICE, X, VBLK_RELAXED), 99);
        close_world(&w);
    }
}

/* C11 5.1.2.4: a release sequence goes on with the party's own stores to the place. */
static void relaxed_store_after_a_release__carries_it_on(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);

        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 7);
        store(&w, VBLK_DRIVER, Y, VBLK_RELEASE, 1);
        store(&w, VBLK_DRIVER, Y, VBLK_RELAXED, 2);
        if (load(&w, VBLK_DEVICE, Y, VBLK_ACQUIRE) != 0)
            assert_int_equal(load(&w, VBLK_DEVICE, X, VBLK_RELAXED), 7);
        close_world(&w);
    }
}

static void plain_bytes__can_be_of_two_times_and_across_regions(void **state)
{
    unsigned mixed = 0, odd = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);
        uint8_t bytes[6];

        OK(vblk_memory_write(w.mem, VBLK_DRIVER, X + 0xffd, "abcdef", 6)); /* odd, and past the first region */
        OK(vblk_memory_read(w.mem, VBLK_DEVICE, X + 0xffd, bytes, 6));
        for (unsigned i = 0; i < 6; i++)
            assert_true(bytes[i] == 0 || bytes[i] == "abcdef"[i]);
        mixed += memchr(bytes, 0, 6) != NULL && (bytes[0] | bytes[1] | bytes[3] | bytes[5]) != 0;
        assert_int_equal(bytes[1] == 0, bytes[2] == 0); /* a half-word is of one time */
        odd += load(&w, VBLK_DEVICE, X + 0x1000, VBLK_ACQUIRE) == 0;
        close_world(&w);
    }
    assert_true(mixed > 0);
    assert_true(odd > 0);
}

/* Two bytes of a half-word, one from each party: what the second party stores beside brings the first one's along. */
static void neighbours_in_a_half_word__are_never_torn_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);

        OK(vblk_memory_write(w.mem, VBLK_DRIVER, X, "a", 1));
        OK(vblk_memory_write(w.mem, VBLK_DEVICE, X + 1, "b", 1));
        assert_int_equal(load(&w, VBLK_DEVICE, X, VBLK_RELAXED), 'a' | 'b' << 8);
        assert_int_equal(load(&w, VBLK_DRIVER, X, VBLK_RELAXED) & 0xff, 'a');
        close_world(&w);
    }
}

static void seen_at_once(struct world *w, uint64_t gpa, unsigned value)
{
    assert_int_equal(load(w, VBLK_DRIVER, gpa, VBLK_RELAXED), value);
    assert_int_equal(load(w, VBLK_DEVICE, gpa, VBLK_RELAXED), value);
}

static void harness_and_arrivals__are_seen_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);

        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 1);
        OK(vblk_memory_poke(w.mem, X, "\x02\0", 2));
        seen_at_once(&w, X, 2);
        store(&w, VBLK_DEVICE, X, VBLK_RELAXED, 3);
        OK(vblk_memory_fill(w.mem, VBLK_DEVICE, X, 4, 2));
        seen_at_once(&w, X, 0x404);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 5);
        store(&w, VBLK_NOBODY, X, VBLK_RELAXED, 6);
        assert_int_equal(load(&w, VBLK_NOBODY, X, VBLK_RELAXED), 6);
        vblk_memory_barrier(w.mem, VBLK_NOBODY, VBLK_FULL);
        vblk_visibility_weaken(w.v, VBLK_NOBODY, VBLK_WEAK_LOADS);
        seen_at_once(&w, X, 6);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 7);
        vblk_visibility_arrive(w.v, VBLK_DRIVER);
        seen_at_once(&w, X, 7);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 8);
        store(&w, VBLK_DEVICE, Y, VBLK_RELAXED, 9);
        vblk_visibility_arrive(w.v, VBLK_NOBODY);
        seen_at_once(&w, X, 8);
        seen_at_once(&w, Y, 9);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 10);
        vblk_memory_reset(w.mem);
        seen_at_once(&w, X, 0);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 11);
        vblk_visibility_free(w.v);
        seen_at_once(&w, X, 11);
        w.v = NULL;
        close_world(&w);
    }
}

static void region_taken_away__leaves_no_history(void **state)
{
    const struct vblk_region region = { .gpa = X, .size = 0x1001, .fd = -1 };

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world w = open_world(seed);

        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 1);
        store(&w, VBLK_DRIVER, X, VBLK_RELAXED, 2);
        OK(vblk_memory_remove(w.mem, X));
        OK(vblk_memory_add(w.mem, &region));
        seen_at_once(&w, X, 0);
        close_world(&w);
    }
}

/* What doesn't fit has no history: it is seen at once, and nothing else breaks. */
static void more_places_than_there_is_room_for__stay_right(void **state)
{
    struct world w = open_world(1);
    uint8_t *bytes = malloc(SIZE), *got = malloc(SIZE);
    unsigned old = 0;

    (void)state;
    memset(bytes, 0x5a, SIZE);
    OK(vblk_memory_write(w.mem, VBLK_DRIVER, X, bytes, SIZE));
    OK(vblk_memory_read(w.mem, VBLK_DRIVER, X, got, SIZE));
    assert_memory_equal(bytes, got, SIZE);
    OK(vblk_memory_read(w.mem, VBLK_DEVICE, X, got, SIZE));
    for (unsigned i = 0; i < SIZE; i++)
        old += got[i] == 0;
    assert_in_range(old, 1, SIZE / 2);
    vblk_visibility_arrive(w.v, VBLK_DRIVER);
    OK(vblk_memory_read(w.mem, VBLK_DEVICE, X, got, SIZE));
    assert_memory_equal(bytes, got, SIZE);
    free(bytes);
    free(got);
    close_world(&w);
}

struct heard {
    unsigned barriers;
    uint8_t order;
    uint16_t value;
};

static void hear(void *ctx, const struct vblk_event *ev)
{
    struct heard *heard = ctx;

    heard->barriers += ev->kind == VBLK_EV_BARRIER;
    if (ev->kind == VBLK_EV_BARRIER)
        return;
    heard->order = ev->order;
    heard->value = (uint16_t)(ev->bytes[0] | ev->bytes[1] << 8);
}

static void tap__hears_what_the_party_does_and_sees(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct heard heard = { 0 };
        struct world w = open_world(seed);
        unsigned seen;

        vblk_memory_set_tap(w.mem, hear, &heard);
        store(&w, VBLK_DRIVER, X, VBLK_RELEASE, 1);
        assert_int_equal(heard.order, VBLK_RELEASE);
        seen = load(&w, VBLK_DEVICE, X, VBLK_ACQUIRE);
        assert_int_equal(heard.order, VBLK_ACQUIRE);
        assert_int_equal(heard.value, seen);
        vblk_memory_barrier(w.mem, VBLK_DRIVER, VBLK_FULL);
        assert_int_equal(heard.barriers, 1);
        vblk_visibility_weaken(w.v, VBLK_DRIVER, VBLK_WEAK_STORES | VBLK_WEAK_BARRIERS);
        store(&w, VBLK_DRIVER, X, VBLK_RELEASE, 2);
        assert_int_equal(heard.order, VBLK_RELAXED);
        assert_int_equal(heard.value, 2);
        vblk_memory_barrier(w.mem, VBLK_DRIVER, VBLK_FULL);
        assert_int_equal(heard.barriers, 1);
        vblk_memory_barrier(w.mem, VBLK_DEVICE, VBLK_FULL);
        assert_int_equal(heard.barriers, 2);
        close_world(&w);
    }
}

static void same_seed__same_values(void **state)
{
    uint64_t first = 0, third = 0;

    (void)state;
    for (int run = 0; run < 3; run++) {
        struct world w = open_world(run < 2 ? 42 : 43);
        uint64_t sum = 0;

        for (unsigned i = 1; i < 64; i++) {
            store(&w, VBLK_DRIVER, X, VBLK_RELAXED, i);
            sum = sum * 31 + load(&w, VBLK_DEVICE, X, VBLK_RELAXED);
        }
        if (run == 1)
            assert_true(sum == first);
        first = run == 0 ? sum : first;
        third = sum;
        close_world(&w);
    }
    assert_true(third != first);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(message__data_follow_the_flag_only_if_both_sides_order),
        cmocka_unit_test(mutual_exclusion__needs_both_full_barriers),
        cmocka_unit_test(one_place__never_goes_back),
        cmocka_unit_test(relaxed_store_after_a_release__carries_it_on),
        cmocka_unit_test(plain_bytes__can_be_of_two_times_and_across_regions),
        cmocka_unit_test(neighbours_in_a_half_word__are_never_torn_back),
        cmocka_unit_test(harness_and_arrivals__are_seen_at_once),
        cmocka_unit_test(region_taken_away__leaves_no_history),
        cmocka_unit_test(more_places_than_there_is_room_for__stay_right),
        cmocka_unit_test(tap__hears_what_the_party_does_and_sees),
        cmocka_unit_test(same_seed__same_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
