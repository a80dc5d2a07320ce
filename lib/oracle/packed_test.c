/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle's reading of packed rings and of indirect tables, with both parties' hands played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define PACKED VBLK_BIT(VBLK_F_RING_PACKED)
#define INDIRECT VBLK_BIT(VBLK_F_INDIRECT_DESC)
#define IN_ORDER VBLK_BIT(VBLK_F_IN_ORDER)
#define BASE (VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH))
#define TABLE(n) (0x40000u + 0x100u * (n))

struct hands {
    uint16_t avail, used;
    bool avail_wrap, used_wrap;
};

static void start(struct world *w, struct hands *h, uint32_t sees, uint64_t features)
{
    world_open(w, sees, true);
    world_start(w, BASE | features, BASE | features);
    *h = (struct hands){ .avail_wrap = true, .used_wrap = true };
}

static uint16_t marks(bool wrap, bool used)
{
    return (uint16_t)((wrap ? VBLK_DESC_AVAIL : 0) | (wrap == used ? VBLK_DESC_USED : 0));
}

static void put(struct world *w, uint64_t at, uint64_t gpa, uint32_t len, uint16_t id, uint16_t flags)
{
    struct vblk_packed_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(id), vblk_put16(flags) };
    world_store(w, VBLK_DRIVER, at, &d, sizeof(d));
}

static uint64_t buffers(uint16_t n)
{
    return WORLD_BUFFERS + 0x4000u * (uint64_t)(n % 4);
}

static void fill(struct world *w, uint16_t n, uint64_t sector)
{
    struct vblk_request_header head = { vblk_put32(VBLK_T_IN), vblk_put32(0), vblk_put64(sector) };
    world_store(w, VBLK_DRIVER, buffers(n), &head, sizeof(head));
    world_store(w, VBLK_DRIVER, buffers(n) + 0x3000, "\xa5", 1);
}

static uint16_t step(struct hands *h)
{
    uint16_t slot = h->avail++;
    if (h->avail == WORLD_SIZE) {
        h->avail = 0;
        h->avail_wrap = !h->avail_wrap;
    }
    return slot;
}

/* A read of one sector in three descriptors: the first one last. */
static void offer(struct world *w, struct hands *h, uint16_t n, uint16_t id)
{
    const uint16_t flags = marks(h->avail_wrap, false), first = step(h);
    fill(w, n, n);
    for (unsigned i = 1; i < 3; i++) {
        uint16_t mark = marks(h->avail_wrap, false), slot = step(h);
        put(w, WORLD_DESC + 16u * slot, buffers(n) + 0x1000u * (i == 1 ? 1 : 3), i == 1 ? 512 : 1, id,
            (uint16_t)(mark | VBLK_DESC_WRITE | (i == 1 ? VBLK_DESC_NEXT : 0)));
    }
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_RELEASE);
    put(w, WORLD_DESC + 16u * first, buffers(n), 16, id, flags | VBLK_DESC_NEXT);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    world_event(w, VBLK_EV_KICK, 0);
}

static void table_of(struct world *w, uint16_t n, bool packed)
{
    static const uint16_t flags[2][3] = { { 1, 3, 2 }, { 0, 2, 2 } };
    for (uint16_t i = 0; i < 3; i++) {
        uint64_t gpa = buffers(n) + (i == 0 ? 0u : i == 1 ? 0x1000u : 0x3000u);
        uint32_t len = i == 0 ? 16 : i == 1 ? 512 : 1;
        uint16_t fl = flags[packed][i], other = packed ? 0 : (uint16_t)(i + 1);
        put(w, TABLE(n) + 16u * i, gpa, len, packed ? other : fl, packed ? fl : other);
    }
}

static void offer_indirect(struct world *w, struct hands *h, uint16_t n, uint16_t id)
{
    const uint16_t flags = marks(h->avail_wrap, false), slot = step(h);
    fill(w, n, n);
    table_of(w, n, true);
    put(w, WORLD_DESC + 16u * slot, TABLE(n), 48, id, flags | VBLK_DESC_INDIRECT);
    world_event(w, VBLK_EV_KICK, 0);
}

static void serve(struct world *w, uint16_t n)
{
    static const uint8_t zeroes[512];
    world_store(w, VBLK_DEVICE, buffers(n) + 0x1000, zeroes, 512);
    world_store(w, VBLK_DEVICE, buffers(n) + 0x3000, "\0", 1);
}

static void element(struct world *w, struct hands *h, uint16_t id, uint32_t len, uint16_t skip)
{
    const uint64_t at = WORLD_DESC + 16u * h->used;
    vblk_le32 l = vblk_put32(len);
    vblk_le16 i = vblk_put16(id);
    world_store(w, VBLK_DEVICE, at + 8, &l, 4);
    world_store(w, VBLK_DEVICE, at + 12, &i, 2);
    uint16_t flags = marks(h->used_wrap, true) | VBLK_DESC_WRITE;
    assert_int_equal(vblk_memory_store16(w->mem, VBLK_DEVICE, at + 14, VBLK_RELEASE, flags), VBLK_OK);
    world_event(w, VBLK_EV_USED_NOTIFY, 0);
    assert_int_equal(vblk_memory_load16(w->mem, VBLK_DRIVER, at + 14, VBLK_ACQUIRE, &flags), VBLK_OK);
    h->used = (uint16_t)(h->used + skip);
    if (h->used >= WORLD_SIZE) {
        h->used = (uint16_t)(h->used - WORLD_SIZE);
        h->used_wrap = !h->used_wrap;
    }
}

static const char *const none[] = { NULL };

static void nothing_blamed(const struct world *w, uint32_t reads)
{
    const char *who = world_blamed_else(w, none);
    if (who != NULL)
        fail_msg("%s: %s", who, vblk_oracle_violation(w->o, 0)->seen);
    assert_int_equal(world_tally(w, "SAFE-DEV-03").held, reads);
}

static const uint32_t sights[] = { VBLK_SEES_ALL, VBLK_SEES_DRIVER_STORES, VBLK_SEES_DRIVER_STORES | VBLK_SEES_DRIVER_LOADS, 0 };

static void lists_over_the_end_of_the_ring__are_followed(void **state)
{
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct world w;
        struct hands h;
        start(&w, &h, sights[s], PACKED);
        for (uint16_t n = 0; n < 50; n++) {
            offer(&w, &h, n, (uint16_t)(0xfff0 + n));
            serve(&w, n);
            element(&w, &h, (uint16_t)(0xfff0 + n), 513, 3);
        }
        nothing_blamed(&w, 50);
        world_close(&w);
    }
}

static void lists_used_out_of_order__are_told_apart_by_id(void **state)
{
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct world w;
        struct hands h;
        start(&w, &h, sights[s], PACKED);
        offer(&w, &h, 0, 7);
        for (uint16_t n = 1; n < 40; n++) {
            offer(&w, &h, (uint16_t)(1 + (n & 1)), n & 1 ? 300 : 2); /* 7 stays with the device */
            serve(&w, (uint16_t)(1 + (n & 1)));
            element(&w, &h, n & 1 ? 300 : 2, 513, 3);
        }
        serve(&w, 0);
        element(&w, &h, 7, 513, 3);
        nothing_blamed(&w, 40);
        world_close(&w);
    }
}

static void indirect_table_on_the_packed_ring__is_read(void **state)
{
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct world w;
        struct hands h;
        start(&w, &h, sights[s], PACKED | INDIRECT);
        for (uint16_t n = 0; n < 40; n++) {
            offer_indirect(&w, &h, n, n % 3);
            if (n % 2 == 0) {
                serve(&w, n);
                element(&w, &h, n % 3, 513, 1);
                continue;
            }
            serve(&w, n);
            element(&w, &h, n % 3, 513, 1);
        }
        nothing_blamed(&w, 40);
        world_close(&w);
    }
}

static void indirect_table_on_the_split_ring__is_read(void **state)
{
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct world w;
        struct hands h;
        start(&w, &h, sights[s], INDIRECT);
        for (uint16_t n = 0; n < 40; n++) {
            fill(&w, n, n);
            table_of(&w, n, false);
            world_desc(&w, 5, TABLE(n), 48, VBLK_DESC_INDIRECT | (n % 2 == 0 ? VBLK_DESC_WRITE : 0), 0);
            world_available(&w, 5);
            serve(&w, n);
            world_used(&w, 5, 513);
        }
        nothing_blamed(&w, 40);
        world_close(&w);
    }
}

static void batch_in_order__counts_for_all(void **state)
{
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        struct world w;
        struct hands h;
        start(&w, &h, sights[s], PACKED | IN_ORDER);
        for (uint16_t n = 0; n < 30; n += 2) {
            offer(&w, &h, 0, n);
            offer(&w, &h, 1, (uint16_t)(n + 1));
            serve(&w, 0);
            serve(&w, 1);
            element(&w, &h, (uint16_t)(n + 1), 513, 6);
        }
        nothing_blamed(&w, 30);
        world_close(&w);
    }
}

static void table_of_odd_length__blames_no_device(void **state)
{
    (void)state;
    static const uint32_t lens[] = { 0, 8, 47, 1u << 31 };
    for (size_t i = 0; i < 4; i++) {
        struct world w;
        struct hands h;
        start(&w, &h, VBLK_SEES_ALL, PACKED | INDIRECT);
        fill(&w, 0, 0);
        table_of(&w, 0, true);
        put(&w, WORLD_DESC, TABLE(0), lens[i], 0, VBLK_DESC_AVAIL | VBLK_DESC_INDIRECT);
        world_event(&w, VBLK_EV_KICK, 0);
        serve(&w, 0);
        element(&w, &h, 0, 513, 1);
        for (size_t v = 0; v < vblk_oracle_violation_count(w.o); v++)
            if (vblk_oracle_violation(w.o, v)->guilty != VBLK_DRIVER)
                fail_msg("%s: %s", vblk_oracle_violation(w.o, v)->message, vblk_oracle_violation(w.o, v)->seen);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_over_the_end_of_the_ring__are_followed),
        cmocka_unit_test(lists_used_out_of_order__are_told_apart_by_id),
        cmocka_unit_test(indirect_table_on_the_packed_ring__is_read),
        cmocka_unit_test(indirect_table_on_the_split_ring__is_read),
        cmocka_unit_test(batch_in_order__counts_for_all),
        cmocka_unit_test(table_of_odd_length__blames_no_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
