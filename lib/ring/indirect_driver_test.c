/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of indirect tables, and both sides against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_fixture.h"

#define TABLE (DATA + 0x1003) /* no alignment is asked for */

/* Everything that an element of the table does, and a table that is longer than the queue, if the device takes it. */
static void longest_tables(struct queue *q, uint32_t most)
{
    struct vblk_element *bufs = calloc(most + 1, sizeof(*bufs));
    struct vblk_chain chain;
    struct vblk_used used;
    uint16_t id;

    for (uint32_t i = 0; i <= most; i++)
        bufs[i] = (struct vblk_element){ DATA + i, 1, i >= most / 2 };
    for (uint32_t n = most; n <= most + 1; n++) {
        OK(q->ops->add_indirect(&q->driver, TABLE, 0, bufs, n, &id));
        OK(q->ops->publish(&q->driver, 1));
        OK(q->ops->take(&q->device, &chain));
        assert_int_equal(chain.fault, n > most ? VBLK_CHAIN_TOO_LONG : VBLK_CHAIN_OK);
        assert_int_equal(chain.id, id);
        assert_int_equal(chain.readable_bytes, n > most && chain.n == 0 ? 0 : most / 2);
        OK(q->ops->put_used(&q->device, chain.id, n - most / 2));
        OK(q->ops->publish_used(&q->device));
        OK(q->ops->reap(&q->driver, &used));
        assert_int_equal(used.id, id);
        assert_int_equal(used.fault, VBLK_USED_OK); /* the writable bytes are those of the table */
    }
    free(bufs);
}

static void table__may_be_as_long_as_the_device_takes(void **state)
{
    static const uint32_t most[] = { 0, 3, 4, 5, 128, 40000 };

    (void)state;
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        for (int packed = 0; packed < 2; packed++) {
            struct queue q;

            queue_open_with(&q, 4, F(INDIRECT_DESC) | (packed ? F(RING_PACKED) : 0));
            vblk_ring_close(&q.device);
            q.at.chain_max = most[i];
            OK(vblk_ring_open(&q.device, q.ops, q.mem, &q.at, VBLK_DEVICE));
            longest_tables(&q, most[i] > 4 ? most[i] : 4);
            queue_close(&q);
        }
    }
}

static void table_through_a_whole_ring__comes_back(void **state)
{
    const struct vblk_element bufs[] = { { DATA, 3, false }, { DATA, 4, true }, { DATA, 5, true } };

    (void)state;
    for (int f = 0; f < 4; f++) {
        struct vblk_chain chain;
        struct vblk_used used;
        struct queue q;
        uint16_t id;

        queue_open_with(&q, 4, F(INDIRECT_DESC) | (f & 1 ? F(RING_PACKED) : 0) | (f & 2 ? F(IN_ORDER) : 0));
        for (int round = 0; round < 9; round++) {
            for (unsigned i = 0; i < 4; i++)
                OK(q.ops->add_indirect(&q.driver, TABLE + 48 * i, 0, bufs, 3, &id));
            assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 0, bufs, 3, &id), VBLK_E_FULL);
            OK(q.ops->publish(&q.driver, 4));
            for (int i = 0; i < 4; i++) {
                OK(q.ops->take(&q.device, &chain));
                assert_int_equal(chain.fault, VBLK_CHAIN_OK);
                assert_int_equal(chain.writable_bytes, 9);
                OK(q.ops->put_used(&q.device, chain.id, 9));
            }
            OK(q.ops->publish_used(&q.device));
            for (int i = 0; i < 4; i++) {
                OK(q.ops->reap(&q.driver, &used));
                assert_int_equal(used.fault, VBLK_USED_OK);
                assert_int_equal(used.len, 9);
            }
        }
        queue_close(&q);
    }
}

static void mixed_chain__is_for_split_rings(void **state)
{
    const struct vblk_element bufs[] = { { DATA, 1, false }, { DATA + 1, 2, false }, { DATA + 2, 4, true } };
    struct vblk_chain chain;
    struct queue q;
    uint16_t id;

    (void)state;
    queue_open_with(&q, 4, F(INDIRECT_DESC));
    OK(q.ops->add_indirect(&q.driver, TABLE, 1, bufs, 3, &id));
    OK(q.ops->publish(&q.driver, 1));
    OK(q.ops->take(&q.device, &chain));
    assert_int_equal(chain.fault, VBLK_CHAIN_OK);
    assert_int_equal(chain.n, 3);
    assert_int_equal(chain.readable_bytes, 3);
    assert_int_equal(q.driver.split.free, 2);
    assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 2, bufs, 3, &id), VBLK_E_FULL);
    assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 3, bufs, 3, &id), VBLK_E_INVAL);
    assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 4, bufs, 3, &id), VBLK_E_INVAL);
    queue_close(&q);
    queue_open_with(&q, 4, F(INDIRECT_DESC) | F(RING_PACKED));
    assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 1, bufs, 3, &id), VBLK_E_UNSUPPORTED);
    queue_close(&q);
}

static void table_that_can_not_be__is_refused(void **state)
{
    const struct vblk_element buf = { DATA, 1, false };

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        const uint64_t format = packed ? F(RING_PACKED) : 0;
        struct queue q;
        uint16_t id;

        queue_open_with(&q, 4, format);
        assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 0, &buf, 1, &id), VBLK_E_UNSUPPORTED);
        queue_close(&q);
        queue_open_with(&q, 4, format | F(INDIRECT_DESC));
        assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 0, &buf, 0, &id), VBLK_E_INVAL);
        assert_int_equal(q.ops->add_indirect(&q.driver, TABLE, 0, &buf, UINT32_MAX, &id), VBLK_E_INVAL);
        assert_int_equal(q.ops->add_indirect(&q.driver, DATA_END - 15, 0, &buf, 1, &id), VBLK_E_RANGE);
        for (int i = 0; i < 4; i++) /* nothing was lost */
            OK(q.ops->add(&q.driver, &buf, 1, &id));
        queue_close(&q);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__may_be_as_long_as_the_device_takes),
        cmocka_unit_test(table_through_a_whole_ring__comes_back),
        cmocka_unit_test(mixed_chain__is_for_split_rings),
        cmocka_unit_test(table_that_can_not_be__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
