/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void rig_defaults(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    vblk_device_defaults(&rig->options);
    rig->options.queue_max = RIG_QUEUE;
}

static void note(void *ctx, enum vblk_event_kind kind, uint16_t queue)
{
    struct rig *rig = ctx;

    (void)queue;
    if (kind == VBLK_EV_USED_NOTIFY)
        rig->used_notes++;
    else
        rig->config_notes++;
}

void rig_open(struct rig *rig)
{
    const struct vblk_region region = { .gpa = RIG_BASE, .size = RIG_SIZE, .fd = -1 };
    struct vblk_backend disk;
    const char *why = NULL;

    rig->mem = vblk_memory_new();
    assert_non_null(rig->mem);
    assert_int_equal(vblk_memory_add(rig->mem, &region), VBLK_OK);
    rig->store = vblk_store_new(rig->options.capacity);
    assert_non_null(rig->store);
    disk = vblk_store_backend(rig->store);
    rig->device = vblk_device_new(&rig->options, rig->mem, &disk, &why);
    if (!rig->device)
        fail_msg("%s", why);
    vblk_device_on_notify(rig->device, note, rig);
}

void rig_close(struct rig *rig)
{
    vblk_device_free(rig->device);
    vblk_store_free(rig->store);
    vblk_memory_free(rig->mem);
}

uint64_t rig_reg(struct rig *rig, enum vblk_reg reg)
{
    return vblk_device_read_reg(rig->device, reg, 0);
}

void rig_set(struct rig *rig, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_device_write_reg(rig->device, reg, queue, value);
}

struct vblk_layout rig_layout(uint16_t queue)
{
    const uint64_t base = RIG_BASE + queue * RIG_RINGS;

    return (struct vblk_layout){ .size = RIG_QUEUE, .desc = base, .driver = base + 0x4000, .device = base + 0x8000 };
}

void rig_start(struct rig *rig, uint64_t features, unsigned queues)
{
    rig_set(rig, VBLK_REG_STATUS, 0, 0);
    rig_set(rig, VBLK_REG_STATUS, 0, 1);
    rig_set(rig, VBLK_REG_STATUS, 0, 3);
    rig_set(rig, VBLK_REG_DRIVER_FEATURES, 0, features);
    rig_set(rig, VBLK_REG_STATUS, 0, 11);
    assert_int_equal(rig_reg(rig, VBLK_REG_STATUS), 11);
    for (uint16_t i = 0; i < queues; i++) {
        const struct vblk_layout at = rig_layout(i);
        static const uint8_t zeroes[RIG_RINGS];

        assert_int_equal(vblk_memory_poke(rig->mem, at.desc, zeroes, sizeof zeroes), VBLK_OK);
        rig->avail[i] = rig->used[i] = rig->desc[i] = 0;
        rig_set(rig, VBLK_REG_QUEUE_SIZE, i, at.size);
        rig_set(rig, VBLK_REG_QUEUE_DESC, i, at.desc);
        rig_set(rig, VBLK_REG_QUEUE_DRIVER, i, at.driver);
        rig_set(rig, VBLK_REG_QUEUE_DEVICE, i, at.device);
        rig_set(rig, VBLK_REG_QUEUE_ENABLE, i, 1);
    }
    rig_set(rig, VBLK_REG_STATUS, 0, 15);
    assert_int_equal(rig_reg(rig, VBLK_REG_STATUS), 15);
    rig->buffer = RIG_BUFFERS;
}

void rig_up(struct rig *rig)
{
    rig_defaults(rig);
    rig_open(rig);
    rig_start(rig, rig->options.features, 1);
}

static void put(struct rig *rig, uint64_t gpa, const void *bytes, size_t len)
{
    assert_int_equal(vblk_memory_write(rig->mem, VBLK_DRIVER, gpa, bytes, len), VBLK_OK);
}

void rig_desc(struct rig *rig, uint16_t queue, uint16_t i, uint64_t gpa, uint32_t len, unsigned flags, uint16_t next)
{
    const struct vblk_layout at = rig_layout(queue);
    const struct vblk_desc desc = { vblk_put64(gpa), vblk_put32(len), vblk_put16((uint16_t)flags), vblk_put16(next) };

    put(rig, vblk_split_desc_at(&at, i), &desc, sizeof desc);
}

void rig_avail(struct rig *rig, uint16_t queue, uint16_t head)
{
    const struct vblk_layout at = rig_layout(queue);
    vblk_le16 value = vblk_put16(head);

    put(rig, vblk_split_avail_ring_at(&at, rig->avail[queue]), &value, 2);
    value = vblk_put16(++rig->avail[queue]);
    put(rig, vblk_split_avail_idx_at(&at), &value, 2);
}

uint16_t rig_chain(struct rig *rig, uint16_t queue, const struct vblk_element *bufs, unsigned n)
{
    uint16_t head = rig->desc[queue] % RIG_QUEUE;

    for (unsigned i = 0; i < n; i++) {
        uint16_t at = rig->desc[queue]++ % RIG_QUEUE;

        rig_desc(rig, queue, at, bufs[i].gpa, bufs[i].len,
                 (i + 1 < n ? VBLK_DESC_NEXT : 0u) | (bufs[i].writable ? VBLK_DESC_WRITE : 0u),
                 (uint16_t)((at + 1u) % RIG_QUEUE));
    }
    rig_avail(rig, queue, head);
    return head;
}

struct answer rig_reap(struct rig *rig, uint16_t queue)
{
    const struct vblk_layout at = rig_layout(queue);
    struct vblk_used_elem elem;
    struct answer answer = { 0 };
    vblk_le16 idx;

    assert_int_equal(vblk_memory_peek(rig->mem, vblk_split_used_idx_at(&at), &idx, 2), VBLK_OK);
    if (vblk_get16(idx) == rig->used[queue])
        return answer;
    assert_int_equal(vblk_memory_peek(rig->mem, vblk_split_used_ring_at(&at, rig->used[queue]++), &elem, 8), VBLK_OK);
    answer.used = true;
    answer.id = (uint16_t)vblk_get32(elem.id);
    answer.len = vblk_get32(elem.len);
    return answer;
}

struct answer rig_ask(struct rig *rig, uint32_t type, uint64_t sector, const void *data, uint32_t out, uint32_t in)
{
    const struct vblk_request_header header = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };
    const uint64_t head = rig->buffer, body = head + sizeof header, answer_at = body + out;
    struct vblk_element bufs[4];
    struct answer answer;
    uint8_t filler = 0xee;
    unsigned n = 0;

    put(rig, head, &header, sizeof header);
    put(rig, body, data, out);
    assert_int_equal(vblk_memory_fill(rig->mem, VBLK_DRIVER, answer_at, filler, in + 1), VBLK_OK);
    bufs[n++] = (struct vblk_element){ head, sizeof header, false };
    if (out)
        bufs[n++] = (struct vblk_element){ body, out, false };
    if (in)
        bufs[n++] = (struct vblk_element){ answer_at, in, true };
    bufs[n++] = (struct vblk_element){ answer_at + in, 1, true };
    rig_chain(rig, 0, bufs, n);
    vblk_device_serve(rig->device, 0);
    answer = rig_reap(rig, 0);
    answer.data = answer_at;
    assert_int_equal(vblk_memory_peek(rig->mem, answer_at + in, &answer.status, 1), VBLK_OK);
    return answer;
}

struct answer rig_segments(struct rig *rig, uint32_t type, const struct vblk_range *ranges, unsigned n)
{
    struct vblk_segment *segments = calloc(n + 1, sizeof *segments);
    struct answer answer;

    assert_non_null(segments);
    for (unsigned i = 0; i < n; i++) {
        segments[i].sector = vblk_put64(ranges[i].sector);
        segments[i].num_sectors = vblk_put32(ranges[i].count);
        segments[i].flags = vblk_put32(ranges[i].flags);
    }
    answer = rig_ask(rig, type, 0, segments, n * (uint32_t)sizeof *segments, 0);
    free(segments);
    return answer;
}

int rig_byte(struct rig *rig, uint64_t sector)
{
    struct answer answer = rig_ask(rig, VBLK_T_IN, sector, "", 0, VBLK_SECTOR);
    uint8_t buf[VBLK_SECTOR];

    assert_true(answer.used);
    if (answer.status)
        return -1;
    assert_int_equal(answer.len, VBLK_SECTOR + 1);
    assert_int_equal(vblk_memory_peek(rig->mem, answer.data, buf, sizeof buf), VBLK_OK);
    for (size_t i = 1; i < sizeof buf; i++) {
        if (buf[i] != buf[0])
            return -1;
    }
    return buf[0];
}

uint8_t rig_fill(struct rig *rig, uint64_t sector, uint32_t count, uint8_t byte)
{
    static uint8_t buf[512 * 1024];
    struct answer answer;

    assert_true(count * VBLK_SECTOR <= sizeof buf);
    memset(buf, byte, sizeof buf);
    answer = rig_ask(rig, VBLK_T_OUT, sector, buf, count * VBLK_SECTOR, 0);
    assert_true(answer.used);
    assert_int_equal(answer.len, 1);
    return answer.status;
}
