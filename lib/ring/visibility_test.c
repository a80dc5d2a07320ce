/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driver and device in weakly ordered memory, on one thread: as they are nothing goes wrong whatever the seed; without
 * any one of their barriers something does, and the test says what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <vblk/visibility.h>

#include "queue_fixture.h"

#define REQUESTS 12u
#define IDS 5u
#define STEPS 2000u
#define SOUND_SEEDS 250u
#define BROKEN_SEEDS 2000u
#define EVENTS F(EVENT_IDX)
#define PACKED F(RING_PACKED)

/* What a party is doing when it goes without. */
enum deed { NOTHING, PUBLISH, DECIDE_KICK, REAP, ASK_INTERRUPT, TAKE, PUBLISH_USED, DECIDE_INTERRUPT, ASK_KICK };

struct removal {
    enum deed deed;
    unsigned weakness;
    const char *what;
};

static const struct removal removals[] = {
    { PUBLISH, VBLK_WEAK_STORES, "driver: release when a buffer is made available" },
    { DECIDE_KICK, VBLK_WEAK_BARRIERS, "driver: full barrier before it looks if the device wants a kick" },
    { REAP, VBLK_WEAK_LOADS, "driver: acquire when it looks for an answer" },
    { ASK_INTERRUPT, VBLK_WEAK_BARRIERS, "driver: full barrier after it asked for interrupts" },
    { TAKE, VBLK_WEAK_LOADS, "device: acquire when it looks for a buffer" },
    { PUBLISH_USED, VBLK_WEAK_STORES, "device: release when an answer is shown" },
    { DECIDE_INTERRUPT, VBLK_WEAK_BARRIERS, "device: full barrier before it looks if the driver wants an interrupt" },
    { ASK_KICK, VBLK_WEAK_BARRIERS, "device: full barrier after it asked for kicks" },
};
#define REMOVALS (sizeof(removals) / sizeof(removals[0]))

static const uint64_t flavours[] = {
    0, EVENTS, PACKED, PACKED | EVENTS,
    F(IN_ORDER), EVENTS | F(INDIRECT_DESC), PACKED | F(IN_ORDER), PACKED | EVENTS | F(INDIRECT_DESC),
};
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))
#define PLAIN_FLAVOURS 4u

struct game {
    struct queue q;
    struct vblk_visibility *v;
    const struct removal *removed; /* NULL: nothing is */
    uint64_t random;
    unsigned sent, back;
    uint64_t carried[IDS]; /* by id: the number of the request */
    bool out[IDS];
    bool asleep[2];      /* by party: until the other's notification comes */
    const char *wrong;   /* what was seen, or NULL */
    const char *detail;
};

static void see(struct game *g, const char *wrong, const char *detail)
{
    if (g->wrong == NULL) {
        g->wrong = wrong;
        g->detail = detail;
    }
}

static unsigned pick(struct game *g, unsigned n)
{
    g->random = g->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(g->random >> 33) % n;
}

/* From here on the party does this, perhaps without what belongs to it. */
static void doing(struct game *g, enum vblk_party party, enum deed deed)
{
    const bool without = g->removed != NULL && g->removed->deed == deed;

    vblk_visibility_weaken(g->v, party, without ? g->removed->weakness : 0);
}

static void wake(struct game *g, enum vblk_party from)
{
    vblk_visibility_arrive(g->v, from);
    g->asleep[from ^ 1] = false;
}

static uint64_t number_of(unsigned i)
{
    return 0x1111111111111111u * (i + 1);
}

/* Buffers are used again and again, as a driver does. */
static uint64_t room_of(unsigned i)
{
    return DATA + i % 4 * 64;
}

static bool driver_full(const struct game *g)
{
    return g->sent == REQUESTS || g->sent - g->back == 2;
}

static void driver_add(struct game *g)
{
    const uint64_t at = room_of(g->sent), number = number_of(g->sent);
    const struct vblk_element bufs[] = { { at, 8, false }, { at + 8, 8, true } };
    uint16_t id;

    OK(vblk_memory_write(g->q.mem, VBLK_DRIVER, at, &number, 8));
    if (g->q.at.features & F(INDIRECT_DESC))
        OK(g->q.ops->add_indirect(&g->q.driver, at + 16, 0, bufs, 2, &id));
    else
        OK(g->q.ops->add(&g->q.driver, bufs, 2, &id));
    g->out[id] = true;
    g->carried[id] = g->sent++;
}

/* One buffer, or all that the queue has room for. */
static void driver_send(struct game *g)
{
    unsigned n = 1;
    bool wanted;

    driver_add(g);
    for (; !driver_full(g) && pick(g, 2) != 0; n++)
        driver_add(g);
    doing(g, VBLK_DRIVER, PUBLISH);
    OK(g->q.ops->publish(&g->q.driver, n));
    doing(g, VBLK_DRIVER, DECIDE_KICK);
    OK(g->q.ops->kick_wanted(&g->q.driver, &wanted));
    doing(g, VBLK_DRIVER, NOTHING);
    if (wanted)
        wake(g, VBLK_DRIVER);
}

static void answered(struct game *g, const struct vblk_used *used)
{
    uint64_t got;

    if (used->fault != VBLK_USED_OK) {
        see(g, "the driver read a garbled answer", vblk_used_fault_name((enum vblk_used_fault)used->fault));
        return;
    }
    OK(vblk_memory_read(g->q.mem, VBLK_DRIVER, room_of((unsigned)g->carried[used->id]) + 8, &got, 8));
    if (!g->out[used->id])
        see(g, "the driver read an answer to nothing", "wrong id");
    else if (used->len != 8)
        see(g, "the driver read a garbled answer", "wrong length");
    else if (got != ~number_of((unsigned)g->carried[used->id]))
        see(g, "the driver read stale data", "of an answered request");
    g->out[used->id] = false;
    g->back++;
}

/* @return whether something came back. */
static bool driver_reap(struct game *g)
{
    struct vblk_used used;
    vblk_err err;

    doing(g, VBLK_DRIVER, REAP);
    err = g->q.ops->reap(&g->q.driver, &used);
    doing(g, VBLK_DRIVER, NOTHING);
    if (err != VBLK_OK)
        return false;
    answered(g, &used);
    return true;
}

static void driver_step(struct game *g)
{
    const bool full = driver_full(g);

    if (!full && pick(g, 2) != 0) {
        driver_send(g);
        return;
    }
    if (driver_reap(g) || !full || pick(g, 2) != 0)
        return;
    doing(g, VBLK_DRIVER, ASK_INTERRUPT);
    OK(g->q.ops->set_interrupts(&g->q.driver, true));
    doing(g, VBLK_DRIVER, NOTHING);
    g->asleep[VBLK_DRIVER] = !driver_reap(g);
    if (!g->asleep[VBLK_DRIVER])
        OK(g->q.ops->set_interrupts(&g->q.driver, false));
}

static bool understood(struct game *g, const struct vblk_chain *chain)
{
    uint64_t at, data = 0;

    if (chain->fault != VBLK_CHAIN_OK) {
        see(g, "the device read a garbled buffer", vblk_chain_fault_name((enum vblk_chain_fault)chain->fault));
        return false;
    }
    if (chain->id >= IDS || !g->out[chain->id]) {
        see(g, "the device read a garbled buffer", "wrong id");
        return false;
    }
    at = room_of((unsigned)g->carried[chain->id]);
    if (chain->n != 2 || chain->readable_bytes != 8 || chain->writable_bytes != 8)
        see(g, "the device read a garbled buffer", "wrong elements");
    else if (chain->bufs[0].gpa != at || chain->bufs[1].gpa != at + 8)
        see(g, "the device read a stale buffer", "the address of an earlier one");
    else
        OK(vblk_memory_read(g->q.mem, VBLK_DEVICE, at, &data, 8));
    if (g->wrong == NULL && data != number_of((unsigned)g->carried[chain->id]))
        see(g, "the device read stale data", "of a buffer made available");
    return g->wrong == NULL;
}

static void serve(struct game *g, const struct vblk_chain *chain)
{
    const uint64_t data = ~number_of((unsigned)g->carried[chain->id]);

    OK(vblk_memory_write(g->q.mem, VBLK_DEVICE, chain->bufs[1].gpa, &data, 8));
    OK(g->q.ops->put_used(&g->q.device, chain->id, 8));
}

static void device_show(struct game *g)
{
    bool wanted;

    doing(g, VBLK_DEVICE, PUBLISH_USED);
    OK(g->q.ops->publish_used(&g->q.device));
    doing(g, VBLK_DEVICE, DECIDE_INTERRUPT);
    OK(g->q.ops->notify_wanted(&g->q.device, &wanted));
    doing(g, VBLK_DEVICE, NOTHING);
    if (wanted)
        wake(g, VBLK_DEVICE);
}

/* One buffer or all there are. @return whether there was any. */
static bool device_take(struct game *g)
{
    struct vblk_chain chain;
    unsigned n = 0;
    vblk_err err;

    do {
        doing(g, VBLK_DEVICE, TAKE);
        err = g->q.ops->take(&g->q.device, &chain);
        doing(g, VBLK_DEVICE, NOTHING);
        if (err != VBLK_OK)
            break;
        if (!understood(g, &chain))
            return true;
        serve(g, &chain);
        n++;
    } while (pick(g, 2) != 0);
    if (n != 0)
        device_show(g);
    return n != 0;
}

static void device_step(struct game *g)
{
    if (device_take(g) || pick(g, 2) != 0)
        return;
    doing(g, VBLK_DEVICE, ASK_KICK);
    OK(g->q.ops->set_notify(&g->q.device, true));
    doing(g, VBLK_DEVICE, NOTHING);
    g->asleep[VBLK_DEVICE] = !device_take(g);
    if (!g->asleep[VBLK_DEVICE])
        OK(g->q.ops->set_notify(&g->q.device, false));
}

static void step(struct game *g)
{
    const unsigned party = g->asleep[VBLK_DRIVER] ? VBLK_DEVICE : g->asleep[VBLK_DEVICE] ? VBLK_DRIVER : pick(g, 2);
    static void (*const steps[])(struct game *) = { driver_step, device_step };

    if (g->asleep[VBLK_DRIVER] && g->asleep[VBLK_DEVICE])
        see(g, "both wait for a notification", "with a request on its way");
    else
        steps[party](g);
}

/* @return what was wrong, or NULL. */
static const char *play(uint64_t features, const struct removal *removed, uint64_t seed, const char **detail,
                        uint64_t *stale)
{
    struct game g = { .removed = removed, .random = seed };

    queue_open_with(&g.q, features & PACKED ? 5 : 4, features);
    g.v = vblk_visibility_new(g.q.mem, seed);
    assert_non_null(g.v);
    OK(g.q.ops->set_interrupts(&g.q.driver, false));
    OK(g.q.ops->set_notify(&g.q.device, false));
    for (unsigned i = 0; i < STEPS && g.back < REQUESTS && g.wrong == NULL; i++)
        step(&g);
    if (g.back < REQUESTS)
        see(&g, "no end", "of a run");
    *stale += vblk_visibility_stale_loads(g.v);
    *detail = g.detail;
    vblk_visibility_free(g.v);
    queue_close(&g.q);
    return g.wrong;
}

static void say_flavour(char *buf, size_t size, uint64_t features)
{
    (void)snprintf(buf, size, "%s%s%s%s", features & PACKED ? "packed" : "split", features & EVENTS ? " event_idx" : "",
                   features & F(IN_ORDER) ? " in_order" : "", features & F(INDIRECT_DESC) ? " indirect" : "");
}

static void rings_as_they_are__go_wrong_with_no_seed(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++) {
        uint64_t stale = 0;
        char name[64];

        say_flavour(name, sizeof(name), flavours[f]);
        for (uint64_t seed = 0; seed < SOUND_SEEDS; seed++) {
            const char *detail, *wrong = play(flavours[f], NULL, seed, &detail, &stale);

            if (wrong != NULL)
                fail_msg("%s, seed %llu: %s (%s)", name, (unsigned long long)seed, wrong, detail);
        }
        assert_true(stale > SOUND_SEEDS); /* there was something to go wrong */
    }
}

/* The first seed that shows it, twice the same. */
static void find(uint64_t features, const struct removal *removed)
{
    const char *detail, *again, *wrong = NULL;
    uint64_t stale = 0, seed = 0;
    char name[64];

    say_flavour(name, sizeof(name), features);
    while (wrong == NULL && seed < BROKEN_SEEDS)
        wrong = play(features, removed, seed++, &detail, &stale);
    if (wrong == NULL)
        fail_msg("%s without %s: nothing seen in %u seeds", name, removed->what, BROKEN_SEEDS);
    assert_ptr_equal(play(features, removed, seed - 1, &again, &stale), wrong);
    assert_ptr_equal(again, detail);
    print_message("%-17s without %s: %s (%s), seed %llu\n", name, removed->what, wrong, detail,
                  (unsigned long long)(seed - 1));
}

static void ring_without_one_barrier__is_found(void **state)
{
    (void)state;
    for (size_t f = 0; f < PLAIN_FLAVOURS; f++)
        for (size_t i = 0; i < REMOVALS; i++)
            find(flavours[f], &removals[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_as_they_are__go_wrong_with_no_seed),
        cmocka_unit_test(ring_without_one_barrier__is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
