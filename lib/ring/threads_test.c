/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver and a device on two threads, for ThreadSanitizer too. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

static const uint64_t flavours[] = {
    0,
    F(EVENT_IDX) | F(INDIRECT_DESC),
    F(IN_ORDER),
    F(RING_PACKED),
    F(RING_PACKED) | F(EVENT_IDX) | F(INDIRECT_DESC),
    F(RING_PACKED) | F(IN_ORDER),
};
#define FLAVOURS (sizeof(flavours) / sizeof(flavours[0]))

#define REQUESTS 200000u

static void *serve(void *ctx)
{
    struct vblk_ring *ring = ctx;
    struct vblk_chain chain;
    uint64_t data;

    for (unsigned done = 0; done < REQUESTS;) {
        vblk_err err = ring->ops->take(ring, &chain);

        if (err == VBLK_E_EMPTY) {
            sched_yield();
            continue;
        }
        if (err != VBLK_OK || chain.fault != VBLK_CHAIN_OK || chain.n != 2 ||
            vblk_memory_read(ring->mem, VBLK_DEVICE, chain.bufs[0].gpa, &data, 8) != VBLK_OK ||
            vblk_memory_write(ring->mem, VBLK_DEVICE, chain.bufs[1].gpa, &data, 8) != VBLK_OK ||
            ring->ops->put_used(ring, chain.id, 8) != VBLK_OK || ring->ops->publish_used(ring) != VBLK_OK)
            return ctx;
        done++;
    }
    return NULL;
}

static bool send(struct queue *q, uint64_t number, uint16_t *id)
{
    const uint64_t at = DATA + number % 64 * 64; /* more places than buffers can be in flight */
    const struct vblk_element bufs[] = { { at, 8, false }, { at + 8, 8, true } };
    vblk_err err;

    OK(vblk_memory_write(q->mem, VBLK_DRIVER, at, &number, 8));
    if (q->at.features & F(INDIRECT_DESC))
        err = q->ops->add_indirect(&q->driver, at + 17, 0, bufs, 2, id);
    else
        err = q->ops->add(&q->driver, bufs, 2, id);
    assert_true(err == VBLK_OK || err == VBLK_E_FULL);
    if (err == VBLK_OK)
        OK(q->ops->publish(&q->driver, 1));
    return err == VBLK_OK;
}

static void on_two_threads(uint32_t size, uint64_t features)
{
    uint64_t sent[32] = { 0 }, got, next = 0;
    struct vblk_used used;
    struct queue q;
    pthread_t thread;
    void *failed;

    queue_open_with(&q, size, features);
    assert_int_equal(pthread_create(&thread, NULL, serve, &q.device), 0);
    for (unsigned done = 0; done < REQUESTS;) {
        uint16_t id;

        while (next < REQUESTS && next - done < 32 && send(&q, next, &id))
            sent[id] = next++;
        if (q.ops->reap(&q.driver, &used) == VBLK_E_EMPTY) {
            sched_yield();
            continue;
        }
        assert_int_equal(used.fault, VBLK_USED_OK);
        OK(vblk_memory_read(q.mem, VBLK_DRIVER, DATA + sent[used.id] % 64 * 64 + 8, &got, 8));
        assert_int_equal(got, sent[used.id]);
        done++;
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    queue_close(&q);
}

static void driver_and_device_on_two_threads__pass_data_both_ways(void **state)
{
    (void)state;
    for (size_t f = 0; f < FLAVOURS; f++)
        on_two_threads(flavours[f] & F(RING_PACKED) ? 23 : 32, flavours[f]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(driver_and_device_on_two_threads__pass_data_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
