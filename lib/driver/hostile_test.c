/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful driver against devices that are not: it ends in bounded time and never leaves its own buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <vblk/driver.h>

#include "watch.h"

/* One device: how it answers a request whose head is @head and whose status byte is at @status. */
struct lie {
    uint32_t id; /* added to the head */
    uint32_t len;
    uint8_t status;
    uint16_t advance; /* of used idx */
    uint16_t elements;
    bool no_status; /* does not touch the status byte */
    bool needs_reset, config_notify, notify_only;
};

struct lair {
    struct watch watch;
    struct vblk_puppet tables;
    struct vblk_driver_options options;
    struct vblk_driver *driver;
    struct lie lie;
    uint16_t used;
};

static int set_up(void **state)
{
    struct lair *lair = calloc(1, sizeof(*lair));

    watch_puppet(&lair->watch);
    lair->tables = (struct vblk_puppet){ .features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(17) | 0x1ffff,
                                         .num_queues = 1,
                                         .queue_max = 16,
                                         .config_length = 80 };
    lair->tables.features &= ~(VBLK_BIT(VBLK_F_RO) | VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX));
    memset(lair->tables.config + 36, 1, 80 - 36);
    lair->tables.config[1] = 1; /* capacity 256 */
    lair->options = (struct vblk_driver_options){
        .profile = *vblk_profile_default(), .features = UINT64_MAX, .arena = watch_arena(), .wait_ms = 5
    };
    *state = lair;
    return 0;
}

static int tear_down(void **state)
{
    struct lair *lair = *state;

    assert_int_equal(lair->watch.stray, 0);
    assert_int_equal(lair->watch.mislaid, 0);
    vblk_driver_free(lair->driver);
    watch_stop(&lair->watch);
    free(lair);
    return 0;
}

static void put_status(struct vblk_port *port, uint64_t table, uint16_t head, uint8_t status)
{
    struct vblk_desc desc = { .next = vblk_put16(head) };

    do {
        assert_int_equal(vblk_memory_peek(port->mem, table + 16u * vblk_get16(desc.next), &desc, sizeof(desc)),
                         VBLK_OK);
    } while (vblk_get16(desc.flags) & VBLK_DESC_NEXT);
    assert_int_equal(
        vblk_memory_write(port->mem, VBLK_DEVICE, vblk_get64(desc.addr) + vblk_get32(desc.len) - 1, &status, 1),
        VBLK_OK);
}

static void answer(struct lair *lair, struct vblk_port *port, uint16_t queue, uint16_t head)
{
    const uint64_t used = vblk_puppet_reg(port, VBLK_REG_QUEUE_DEVICE, queue);
    const uint16_t size = (uint16_t)vblk_puppet_reg(port, VBLK_REG_QUEUE_SIZE, queue);
    const struct lie *lie = &lair->lie;

    for (uint16_t i = 0; i < lie->elements; i++) {
        const struct vblk_used_elem elem = { vblk_put32(head + lie->id), vblk_put32(lie->len) };

        assert_int_equal(vblk_memory_write(port->mem, VBLK_DEVICE, used + 4 + 8u * ((unsigned)(lair->used + i) % size),
                                           &elem, sizeof(elem)),
                         VBLK_OK);
    }
    lair->used = (uint16_t)(lair->used + lie->advance);
    assert_int_equal(vblk_memory_store16(port->mem, VBLK_DEVICE, used + 2, VBLK_RELEASE, lair->used), VBLK_OK);
}

static void lying_device(void *ctx, struct vblk_port *port, uint16_t queue)
{
    struct lair *lair = ctx;
    const uint64_t avail = vblk_puppet_reg(port, VBLK_REG_QUEUE_DRIVER, queue);
    const uint16_t size = (uint16_t)vblk_puppet_reg(port, VBLK_REG_QUEUE_SIZE, queue);
    uint16_t idx, head;

    assert_int_equal(vblk_memory_load16(port->mem, VBLK_DEVICE, avail + 2, VBLK_ACQUIRE, &idx), VBLK_OK);
    assert_int_equal(
        vblk_memory_load16(port->mem, VBLK_DEVICE, avail + 4 + 2u * ((uint16_t)(idx - 1) % size), VBLK_RELAXED, &head),
        VBLK_OK);
    if (!lair->lie.no_status)
        put_status(port, vblk_puppet_reg(port, VBLK_REG_QUEUE_DESC, queue), head, lair->lie.status);
    if (lair->lie.needs_reset)
        assert_int_equal(vblk_puppet_show(port, VBLK_REG_STATUS, 0, 0x4f), VBLK_OK);
    if (lair->lie.config_notify)
        vblk_port_notified(port, VBLK_EV_CONFIG_NOTIFY, 0);
    answer(lair, port, queue, head);
    vblk_port_notified(port, VBLK_EV_USED_NOTIFY, queue);
}

static void prepare(struct lair *lair)
{
    assert_int_equal(vblk_puppet_configure(lair->watch.port, &lair->tables), VBLK_OK);
    assert_int_equal(vblk_puppet_on_kick(lair->watch.port, lying_device, lair), VBLK_OK);
    vblk_driver_free(lair->driver);
    lair->driver = vblk_driver_new(lair->watch.port, &lair->options);
    lair->used = 0;
}

static vblk_err start(struct lair *lair)
{
    prepare(lair);
    return vblk_driver_start(lair->driver);
}

static struct vblk_answer read_one(struct lair *lair)
{
    static uint8_t buf[2 * VBLK_SECTOR];
    struct vblk_answer got;

    memset(buf, 0x11, sizeof(buf));
    got = vblk_driver_read(lair->driver, 3, buf, 1);
    for (size_t i = VBLK_SECTOR; i < sizeof(buf); i++)
        assert_int_equal(buf[i], 0x11);
    return got;
}

static void answers__each_lie_has_its_error(void **state)
{
    static const struct {
        struct lie lie;
        vblk_err err, after;
    } rows[] = {
        { { .len = 513, .advance = 1, .elements = 1 }, VBLK_OK, VBLK_OK },
        /* the byte still holds the OK from before unless it was overwritten for this request */
        { { .len = 513, .no_status = true, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .len = 0, .status = VBLK_S_IOERR, .advance = 1, .elements = 1 }, VBLK_OK, VBLK_OK },
        { { .len = 0, .status = VBLK_S_UNSUPP, .advance = 1, .elements = 1 }, VBLK_OK, VBLK_OK },
        { { .len = 513, .status = 3, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .len = 513, .status = 0xff, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .len = 511, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .len = 514, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .len = UINT32_MAX, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_OK },
        { { .id = 1, .len = 513, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_E_STATE },
        { { .id = 0x10000, .len = 513, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_E_STATE },
        { { .id = UINT32_MAX, .len = 513, .advance = 1, .elements = 1 }, VBLK_E_IO, VBLK_E_STATE },
        { { .len = 513, .advance = 2, .elements = 2 }, VBLK_E_IO, VBLK_E_STATE },
        { { .len = 513, .advance = 0x8000, .elements = 1 }, VBLK_E_IO, VBLK_E_STATE },
        { { .len = 513, .advance = 0xffff, .elements = 1 }, VBLK_E_IO, VBLK_E_STATE },
        { { .len = 513, .advance = 0, .elements = 1 }, VBLK_E_TIMEOUT, VBLK_E_STATE },
        { { .needs_reset = true }, VBLK_E_STATE, VBLK_E_STATE },
        { { .needs_reset = true, .config_notify = true }, VBLK_E_STATE, VBLK_E_STATE },
        { { .config_notify = true }, VBLK_E_TIMEOUT, VBLK_E_STATE },
    };
    struct lair *lair = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vblk_answer got;

        assert_int_equal(start(lair), VBLK_OK);
        lair->lie = rows[i].lie;
        got = read_one(lair);
        assert_int_equal(got.err, rows[i].err);
        assert_int_equal(got.pieces, 1);
        if (got.err == VBLK_OK)
            assert_int_equal(got.status, rows[i].lie.status);
        assert_int_equal(vblk_driver_flush(lair->driver).err == VBLK_E_STATE, rows[i].after == VBLK_E_STATE);
    }
}

static void every_status_byte__is_an_answer_or_an_error(void **state)
{
    struct lair *lair = *state;

    assert_int_equal(start(lair), VBLK_OK);
    for (unsigned s = 0; s < 256; s++) {
        lair->lie = (struct lie){ .len = 513, .status = (uint8_t)s, .advance = 1, .elements = 1 };
        const struct vblk_answer got = read_one(lair);

        assert_int_equal(got.err, s <= VBLK_S_UNSUPP ? VBLK_OK : VBLK_E_IO);
        assert_int_equal(got.status, s);
    }
}

static void features_refused_or_no_version_1__failed(void **state)
{
    struct lair *lair = *state;

    lair->tables.features &= ~VBLK_BIT(VBLK_F_VERSION_1);
    assert_int_equal(start(lair), VBLK_E_STATE);
    assert_non_null(strstr(lair->watch.text, "w:status=83 "));
    assert_null(strstr(lair->watch.text, "w:driver-features")); /* a legacy driver would have accepted something */
    lair->tables.features |= VBLK_BIT(VBLK_F_VERSION_1);
    prepare(lair);
    assert_int_equal(vblk_puppet_show(lair->watch.port, VBLK_REG_DEVICE_ID, 0, 1), VBLK_OK);
    watch_clear(&lair->watch);
    assert_int_equal(vblk_driver_start(lair->driver), VBLK_E_STATE);
    assert_non_null(strstr(lair->watch.text, "w:status=81 "));
    assert_int_equal(read_one(lair).err, VBLK_E_STATE);
}

/* A port whose status register never shows FEATURES_OK, or whose generation never rests. */
static vblk_err refuse(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = vblk_puppet_reg(port, reg, queue);
    if (reg == VBLK_REG_STATUS)
        *value &= ~(uint64_t)VBLK_STATUS_FEATURES_OK;
    return VBLK_OK;
}

static vblk_err restless(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = reg == VBLK_REG_GENERATION ? port->used_notified++ : vblk_puppet_reg(port, reg, queue);
    return VBLK_OK;
}

static vblk_err bare(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = vblk_puppet_reg(port, reg, queue);
    return reg == VBLK_REG_GENERATION || reg == VBLK_REG_CONFIG_LENGTH || reg == VBLK_REG_DEVICE_ID ? VBLK_E_UNSUPPORTED
                                                                                                    : VBLK_OK;
}

static vblk_err gone_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = vblk_puppet_reg(port, reg, queue);
    return reg == VBLK_REG_QUEUE_MAX ? VBLK_E_GONE : VBLK_OK;
}

static vblk_err start_with(struct lair *lair,
                           vblk_err (*read)(struct vblk_port *, enum vblk_reg, uint16_t, uint64_t *, bool *))
{
    const struct vblk_port_ops *honest = lair->watch.port->ops;
    struct vblk_port_ops ops = *honest;
    vblk_err err;

    prepare(lair);
    watch_clear(&lair->watch);
    ops.read_reg = read;
    lair->watch.port->ops = &ops;
    err = vblk_driver_start(lair->driver);
    lair->watch.port->ops = honest;
    return err;
}

static void registers_that_lie__bounded_and_failed(void **state)
{
    struct lair *lair = *state;

    assert_int_equal(start_with(lair, refuse), VBLK_E_STATE);
    assert_non_null(strstr(lair->watch.text, "w:status=8b "));
    assert_null(strstr(lair->watch.text, "cr:"));
    assert_int_equal(start_with(lair, restless), VBLK_E_STATE);
    assert_non_null(strstr(lair->watch.text, "w:status=8b "));
    assert_int_equal(start_with(lair, bare), VBLK_OK);
    assert_int_equal(start_with(lair, gone_reg), VBLK_E_GONE);
    assert_null(strstr(lair->watch.text, "w:status=8b "));
    assert_int_equal(lair->watch.counts[VBLK_EV_GONE], 1);
    assert_int_equal(vblk_port_recover(lair->watch.port), VBLK_OK);
    prepare(lair);
    assert_int_equal(vblk_puppet_show(lair->watch.port, VBLK_REG_STATUS, 0, 4), VBLK_OK);
    assert_int_equal(vblk_driver_start(lair->driver), VBLK_E_STATE); /* never reads 0 */
    assert_int_equal(vblk_driver_stop(lair->driver), VBLK_E_STATE);
}

static void queues_that_do_not_serve__failed(void **state)
{
    static const uint16_t max[] = { 0, 1 };
    struct lair *lair = *state;

    for (size_t i = 0; i < 2; i++) {
        lair->tables.queue_max = max[i];
        assert_int_equal(start(lair), VBLK_E_STATE);
        assert_non_null(strstr(lair->watch.text, "w:status=8b "));
    }
    lair->tables.queue_max = 16;
    lair->options.arena.size = 900; /* the rings fit, a request does not */
    assert_int_equal(start(lair), VBLK_E_INVAL);
    lair->options.arena.size = 100;
    assert_int_equal(start(lair), VBLK_E_INVAL);
    lair->options.arena = watch_arena();
    lair->tables.queue_max = 65535;
    lair->options.queue_size = 65535;
    lair->tables.num_queues = 0; /* no register shows a queue, whatever num_queues says */
    assert_int_equal(start(lair), VBLK_E_STATE);
}

static void put32(struct lair *lair, unsigned offset, uint32_t value)
{
    const vblk_le32 wire = vblk_put32(value);

    memcpy(lair->tables.config + offset, &wire, sizeof(wire));
}

static void zero_limits__sectors_are_unlimited_segments_are_literal(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    put32(lair, 36, 0); /* max_discard_sectors */
    put32(lair, 72, 0); /* max_provision_sectors */
    put32(lair, 52, 0); /* max_write_zeroes_seg */
    put32(lair, 64, 0); /* max_secure_erase_seg */
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_discard(lair->driver, 0, 256).pieces, 1);
    assert_int_equal(vblk_driver_provision(lair->driver, 0, 256).pieces, 1);
    assert_int_equal(vblk_driver_write_zeroes(lair->driver, 0, 1, true).err, VBLK_E_UNSUPPORTED);
    assert_int_equal(vblk_driver_secure_erase(lair->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
    put32(lair, 76, 0); /* max_provision_seg */
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_provision(lair->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
}

/* Whatever is offered: bits that nobody gave a meaning, legacy ones and other profiles' are not accepted. */
static void all_bits_offered__only_known_ones_are_accepted(void **state)
{
    struct lair *lair = *state;

    for (unsigned provision = 0; provision < 2; provision++) {
        const uint64_t known = VBLK_BIT(1) | VBLK_BIT(2) | VBLK_BIT(4) | VBLK_BIT(5) | VBLK_BIT(6) | VBLK_BIT(9) |
                               VBLK_BIT(10) | VBLK_BIT(11) | VBLK_BIT(12) | VBLK_BIT(13) | VBLK_BIT(14) | VBLK_BIT(15) |
                               VBLK_BIT(16) | VBLK_BIT(28) | VBLK_BIT(29) | VBLK_BIT(32) | VBLK_BIT(33) | VBLK_BIT(34) |
                               VBLK_BIT(35) | VBLK_BIT(36) | VBLK_BIT(38) | VBLK_BIT(39) | VBLK_BIT(40);

        lair->options.profile.provision = provision;
        lair->options.profile.provision_bit = 17;
        lair->tables.features = UINT64_MAX;
        memset(lair->tables.config + 8, 0, 8); /* no limits */
        assert_int_equal(start(lair), VBLK_OK);
        assert_int_equal(vblk_driver_features(lair->driver), known | (provision ? VBLK_BIT(17) : 0));
    }
}

/* A request without room for data can't be meant: at least one segment, however many the device says. */
static void seg_max__so_many_segments_of_data_and_no_more(void **state)
{
    static const uint32_t seg_max[] = { 0, 1, 2, 3, 100, 0 }, pieces[] = { 6, 6, 3, 2, 1, 1 };
    struct lair *lair = *state;
    uint8_t buf[6 * VBLK_SECTOR] = { 0 };

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    lair->tables.features |= VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX);
    for (size_t i = 0; i < 6; i++) {
        if (i == 5) /* the field means nothing */
            lair->tables.features &= ~VBLK_BIT(VBLK_F_SEG_MAX);
        put32(lair, 8, VBLK_SECTOR);
        put32(lair, 12, seg_max[i]);
        assert_int_equal(start(lair), VBLK_OK);
        assert_int_equal(vblk_driver_write(lair->driver, 0, buf, 6).pieces, pieces[i]);
    }
}

static void room_for_one_segment__is_enough_for_a_range(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    lair->tables.features |= VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX);
    put32(lair, 12, 1);
    for (uint32_t size_max = 15; size_max <= 17; size_max++) {
        put32(lair, 8, size_max);
        assert_int_equal(start(lair), VBLK_OK);
        assert_int_equal(vblk_driver_write_zeroes(lair->driver, 0, 1, true).err,
                         size_max < 16 ? VBLK_E_UNSUPPORTED : VBLK_OK);
    }
}

/* However little room rings leave in the arena: a request is as long as fits. */
static void small_arenas__are_used_to_the_last_byte(void **state)
{
    struct lair *lair = *state;
    static uint8_t buf[6 * VBLK_SECTOR];
    uint64_t none = 0;

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    lair->tables.features &= VBLK_BIT(VBLK_F_VERSION_1);
    lair->tables.features |= VBLK_BIT(VBLK_F_SIZE_MAX);
    for (uint64_t size = 500; size < 4500; size++) {
        uint64_t most;

        put32(lair, 8, size % 2 ? 0 : 1 << 20); /* no limit, or one far above */
        lair->options.arena.size = size;
        if (start(lair) != VBLK_OK) {
            assert_true(size < 1000 + 17 + VBLK_SECTOR);
            none = size;
            continue;
        }
        if (size == none + 1) /* header, one sector and status */
            assert_int_equal(vblk_driver_room(lair->driver).size, 16 + VBLK_SECTOR + 1);
        most = (vblk_driver_room(lair->driver).size - 17) / VBLK_SECTOR;
        assert_true(most > 0);
        assert_int_equal(vblk_driver_write(lair->driver, 0, buf, 6).pieces, most < 6 ? (5 + most) / most : 1);
    }
}

/* What was not asked for is not left as it was found. */
static void identity_and_lifetime_that_are_refused__are_empty(void **state)
{
    struct lair *lair = *state;
    struct vblk_lifetime lifetime;
    char id[VBLK_ID_BYTES + 1];
    const uint8_t *bytes = (const uint8_t *)&lifetime;

    memset(id, 'x', sizeof(id));
    memset(&lifetime, 0xee, sizeof(lifetime));
    lair->tables.features = VBLK_BIT(VBLK_F_VERSION_1);
    prepare(lair);
    assert_int_equal(vblk_driver_get_id(lair->driver, id).err, VBLK_E_STATE);
    assert_string_equal(id, "");
    assert_int_equal(vblk_driver_lifetime(lair->driver, &lifetime).err, VBLK_E_STATE);
    for (size_t i = 0; i < sizeof(lifetime); i++)
        assert_int_equal(bytes[i], 0);
}

static void is_framed(struct lair *lair, uint32_t readable, uint32_t writable)
{
    const uint64_t table = vblk_puppet_reg(lair->watch.port, VBLK_REG_QUEUE_DESC, 0);
    const uint32_t len[] = { readable, writable };
    struct vblk_desc desc;

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(vblk_memory_peek(lair->watch.mem, table + 16 * i, &desc, sizeof(desc)), VBLK_OK);
        assert_int_equal(vblk_get32(desc.len), len[i]);
        assert_int_equal(vblk_get16(desc.flags) & VBLK_DESC_WRITE, i ? VBLK_DESC_WRITE : 0);
    }
}

static void ring_of_two__what_is_readable_and_what_is_writable(void **state)
{
    struct lair *lair = *state;
    uint8_t buf[VBLK_SECTOR] = { 0 };

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    lair->options.queue_size = 2;
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_write(lair->driver, 0, buf, 1).err, VBLK_OK);
    is_framed(lair, 16 + VBLK_SECTOR, 1);
    assert_int_equal(vblk_driver_flush(lair->driver).err, VBLK_OK);
    is_framed(lair, 16, 1);
    lair->lie.len = VBLK_SECTOR + 1;
    assert_int_equal(vblk_driver_read(lair->driver, 0, buf, 1).err, VBLK_OK);
    is_framed(lair, 16, VBLK_SECTOR + 1);
    assert_non_null(strstr(lair->watch.text, "drv-load:mem+1 drv-load:mem+512 ")); /* the status, then the data */
}

static void unmap__only_if_it_is_asked_for_and_allowed(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    for (unsigned i = 0; i < 4; i++) {
        const bool asked = i & 1, allowed = i & 2;
        struct vblk_segment segment;

        lair->tables.config[56] = allowed;
        assert_int_equal(start(lair), VBLK_OK);
        assert_int_equal(vblk_driver_write_zeroes(lair->driver, 0, 1, asked).err, VBLK_OK);
        assert_int_equal(vblk_memory_peek(lair->watch.mem, vblk_driver_room(lair->driver).gpa + 16, &segment,
                                          sizeof(segment)), VBLK_OK);
        assert_int_equal(vblk_get32(segment.flags), asked && allowed ? VBLK_SEGMENT_UNMAP : 0);
    }
}

static void tables_no_longer_offered__are_no_longer_used(void **state)
{
    struct lair *lair = *state;

    for (unsigned offered = 2; offered-- > 0;) {
        const struct vblk_element elements[] = { { WATCH_GPA, 16, false }, { WATCH_GPA, 64, true }, { WATCH_GPA, 1, true } };
        struct vblk_desc desc;
        uint16_t id;

        lair->tables.features = VBLK_BIT(VBLK_F_VERSION_1) | (offered ? VBLK_BIT(VBLK_F_INDIRECT_DESC) : 0);
        if (offered)
            assert_int_equal(start(lair), VBLK_OK);
        assert_int_equal(vblk_puppet_configure(lair->watch.port, &lair->tables), VBLK_OK);
        assert_int_equal(vblk_driver_start(lair->driver), VBLK_OK); /* the same driver, once more */
        assert_int_equal(vblk_driver_add(lair->driver, 0, elements, 3, &id), VBLK_OK);
        assert_int_equal(vblk_memory_peek(lair->watch.mem, vblk_puppet_reg(lair->watch.port, VBLK_REG_QUEUE_DESC, 0) + 16u * id,
                                          &desc, sizeof(desc)), VBLK_OK);
        assert_int_equal(vblk_get16(desc.flags), offered ? VBLK_DESC_INDIRECT : VBLK_DESC_NEXT);
    }
}

static void many_in_flight__a_length_is_passed_on_and_an_id_that_cannot_be_is_not(void **state)
{
    struct lair *lair = *state;

    for (uint32_t wrong = 0; wrong < 2; wrong++) {
        const struct vblk_element elements[] = { { WATCH_GPA + 0x8000, 16, false }, { WATCH_GPA + 0x8010, 1, true } };
        uint32_t len = 0;
        uint16_t id;

        assert_int_equal(start(lair), VBLK_OK);
        lair->lie = (struct lie){ .id = wrong, .len = 77, .advance = 1, .elements = 1 };
        assert_int_equal(vblk_driver_add(lair->driver, 0, elements, 2, &id), VBLK_OK);
        assert_int_equal(vblk_driver_publish(lair->driver, 0, 1), VBLK_OK);
        assert_int_equal(vblk_driver_reap(lair->driver, 0, &id, &len), wrong ? VBLK_E_IO : VBLK_OK);
        if (!wrong)
            assert_int_equal(len, 77); /* more than it may write: the caller's to judge */
    }
}

static void device_that_needs_a_reset__gets_no_more_requests(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 513, .advance = 1, .elements = 1 };
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_OK);
    assert_int_equal(lair->watch.counts[VBLK_EV_KICK], 1);
    assert_int_equal(vblk_puppet_show(lair->watch.port, VBLK_REG_STATUS, 0, 0x4f), VBLK_OK);
    vblk_port_notified(lair->watch.port, VBLK_EV_CONFIG_NOTIFY, 0);
    assert_int_equal(read_one(lair).err, VBLK_E_STATE);
    assert_int_equal(lair->watch.counts[VBLK_EV_KICK], 1);
}

static void configuration_that_did_not_change__is_not_read_again(void **state)
{
    struct lair *lair = *state;
    uint64_t reads;

    lair->lie = (struct lie){ .len = 513, .advance = 1, .elements = 1 };
    assert_int_equal(start(lair), VBLK_OK);
    reads = lair->watch.counts[VBLK_EV_CONFIG_READ];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(read_one(lair).err, VBLK_OK);
    assert_int_equal(lair->watch.counts[VBLK_EV_CONFIG_READ], reads);
    vblk_port_notified(lair->watch.port, VBLK_EV_CONFIG_NOTIFY, 0);
    assert_int_equal(read_one(lair).err, VBLK_OK);
    assert_int_equal(lair->watch.counts[VBLK_EV_CONFIG_READ], 2 * reads);
}

static void looking_in_vain_without_event_idx__stores_nothing(void **state)
{
    struct lair *lair = *state;
    uint64_t stores;
    uint32_t len;
    uint16_t id;

    assert_int_equal(start(lair), VBLK_OK);
    stores = lair->watch.counts[VBLK_EV_STORE];
    assert_int_equal(vblk_driver_reap(lair->driver, 0, &id, &len), VBLK_E_EMPTY);
    assert_int_equal(lair->watch.counts[VBLK_EV_STORE], stores);
}

static void huge_ranges__do_not_wrap(void **state)
{
    struct lair *lair = *state;
    struct vblk_answer got;

    lair->lie = (struct lie){ .len = 1, .advance = 1, .elements = 1 };
    lair->tables.config[7] = 0x80; /* capacity 2^63 + 256 */
    put32(lair, 36, 0);
    put32(lair, 44, 3);
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_capacity(lair->driver), ((uint64_t)1 << 63) + 256);
    got = vblk_driver_discard(lair->driver, 1, (uint64_t)UINT32_MAX + 2);
    assert_int_equal(got.err, VBLK_OK);
    assert_int_equal(got.pieces, 2);
    assert_int_equal(vblk_driver_discard(lair->driver, ((uint64_t)1 << 63) + 255, UINT64_MAX - 5).err, VBLK_E_INVAL);
}

static void contradictory_configuration__is_survived(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 513, .advance = 1, .elements = 1 };
    lair->tables.features |= VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX);
    put32(lair, 8, 0);           /* size_max: what devices without one say */
    put32(lair, 12, 0);          /* seg_max: one at least */
    put32(lair, 20, 0xdeadbeef); /* blk_size */
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_OK);
    put32(lair, 8, 1);
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_E_UNSUPPORTED); /* one byte a request */
    assert_int_equal(vblk_driver_discard(lair->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
    put32(lair, 12, UINT32_MAX);
    lair->tables.queue_max = 2;
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_E_UNSUPPORTED);
    lair->tables.config[1] = 0; /* capacity 0 */
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_E_INVAL);
    lair->tables.config_length = 3; /* not even a capacity */
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_capacity(lair->driver), 0);
}

static void identity_in_bytes_of_one__cannot_be_asked(void **state)
{
    struct lair *lair = *state;
    char id[VBLK_ID_BYTES + 1];

    lair->tables.features |= VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX);
    put32(lair, 8, 1);
    put32(lair, 12, 4);
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_get_id(lair->driver, id).err, VBLK_E_UNSUPPORTED);
}

static void num_queues_zero_or_too_many__at_least_one_at_most_what_is_there(void **state)
{
    struct lair *lair = *state;

    lair->lie = (struct lie){ .len = 513, .advance = 1, .elements = 1 };
    lair->options.queues = 200;
    lair->tables.config[34] = 0;
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_OK);
    lair->tables.config[34] = lair->tables.config[35] = 0xff;
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_OK);
}

static void suppressed_kick__is_not_sent(void **state)
{
    struct lair *lair = *state;
    uint64_t used;

    assert_int_equal(start(lair), VBLK_OK);
    used = vblk_puppet_reg(lair->watch.port, VBLK_REG_QUEUE_DEVICE, 0);
    assert_int_equal(vblk_memory_store16(lair->watch.mem, VBLK_DEVICE, used, VBLK_RELAXED, VBLK_USED_NO_NOTIFY),
                     VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_E_TIMEOUT);
    assert_int_equal(lair->watch.counts[VBLK_EV_KICK], 0);
}

/* Notifies for ever, answers never. */
static vblk_err chatter(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    (void)ms;
    vblk_port_notified(port, VBLK_EV_USED_NOTIFY, queue);
    return VBLK_OK;
}

static void endless_notifications__are_bounded(void **state)
{
    struct lair *lair = *state;
    const struct vblk_port_ops *honest = lair->watch.port->ops;
    struct vblk_port_ops ops = *honest;

    assert_int_equal(start(lair), VBLK_OK);
    ops.wait = chatter;
    lair->watch.port->ops = &ops;
    assert_int_equal(read_one(lair).err, VBLK_E_TIMEOUT);
    lair->watch.port->ops = honest;
    assert_in_range(lair->watch.counts[VBLK_EV_USED_NOTIFY], 5, 100);
}

static void memory_that_goes_away__is_an_error(void **state)
{
    struct lair *lair = *state;
    const struct vblk_region region = { .gpa = WATCH_GPA, .size = WATCH_SIZE, .fd = -1 };

    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_memory_remove(lair->watch.mem, WATCH_GPA), VBLK_OK);
    assert_int_equal(read_one(lair).err, VBLK_E_RANGE);
    assert_int_equal(vblk_memory_add(lair->watch.mem, &region), VBLK_OK);
    lair->options.profile = *vblk_profile_find("1.2");
    assert_int_equal(start(lair), VBLK_OK);
    assert_int_equal(vblk_driver_provision(lair->driver, 0, 1).err, VBLK_E_UNSUPPORTED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(answers__each_lie_has_its_error),
        T(every_status_byte__is_an_answer_or_an_error),
        T(features_refused_or_no_version_1__failed),
        T(registers_that_lie__bounded_and_failed),
        T(queues_that_do_not_serve__failed),
        T(zero_limits__sectors_are_unlimited_segments_are_literal),
        T(all_bits_offered__only_known_ones_are_accepted),
        T(seg_max__so_many_segments_of_data_and_no_more),
        T(room_for_one_segment__is_enough_for_a_range),
        T(small_arenas__are_used_to_the_last_byte),
        T(identity_and_lifetime_that_are_refused__are_empty),
        T(ring_of_two__what_is_readable_and_what_is_writable),
        T(unmap__only_if_it_is_asked_for_and_allowed),
        T(tables_no_longer_offered__are_no_longer_used),
        T(many_in_flight__a_length_is_passed_on_and_an_id_that_cannot_be_is_not),
        T(device_that_needs_a_reset__gets_no_more_requests),
        T(configuration_that_did_not_change__is_not_read_again),
        T(looking_in_vain_without_event_idx__stores_nothing),
        T(huge_ranges__do_not_wrap),
        T(contradictory_configuration__is_survived),
        T(identity_in_bytes_of_one__cannot_be_asked),
        T(num_queues_zero_or_too_many__at_least_one_at_most_what_is_there),
        T(suppressed_kick__is_not_sent),
        T(endless_notifications__are_bounded),
        T(memory_that_goes_away__is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
