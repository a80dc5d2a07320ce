/* SPDX-License-Identifier: BSD-3-Clause */
/* Lawful and unusual: nobody may be blamed. */
#include <string.h>

#include "generic.h"

/* ---- devices ---- */

static void no_order(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features &= ~VBLK_BIT(VBLK_F_IN_ORDER);
}

static void bare(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_FLUSH);
}

static void small_queue(struct vblk_device_options *options, const void *mutant)
{
    options->queue_max = (uint16_t)((const struct mutant *)mutant)->value;
}

static void small_pieces(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->size_max = 512;
    options->seg_max = 1;
    options->max_discard_seg = options->max_write_zeroes_seg = options->max_provision_seg = 1;
    options->max_secure_erase_seg = 1;
}

static void large_blocks(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->blk_size = 4096;
    options->physical_block_exp = 0;
    options->min_io_size = 1;
    options->opt_io_size = 0;
}

static void huge_disk(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->capacity = VBLK_STORE_CAPACITY_MAX;
}

static void tiny_disk(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->capacity = 64;
}

static void write_through(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->writeback = false;
}

static void full_serial(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    memset(options->serial, 'x', VBLK_ID_BYTES);
    options->serial[VBLK_ID_BYTES] = '\0';
}

static void empty_serial(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->serial[0] = '\0';
}

static void one_queue(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->num_queues = 1;
}

static void many_queues(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->num_queues = 64;
}

static void malformed_resets(struct vblk_device_options *options, const void *mutant)
{
    const int i = vblk_ambiguity_find("AMB-15");

    (void)mutant;
    if (i >= 0)
        options->readings.chosen[i] = 1;
}

static void no_unmap(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->write_zeroes_may_unmap = false;
}

/* Discarding is a hint: a device may do nothing at all. */
static const struct vblk_op *idle_discard(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op idle = { .type = VBLK_T_DISCARD, .feature = VBLK_F_DISCARD, .direction = VBLK_SEGMENTS,
                                         .writes = true,
                                         .max_sectors = offsetof(struct vblk_device_options, max_discard_sectors),
                                         .max_seg = offsetof(struct vblk_device_options, max_discard_seg),
                                         .run = run_ok };

    (void)device;
    return type == VBLK_T_DISCARD ? &idle : row;
}

/* PROVISION may allocate nothing. */
static const struct vblk_op *idle_provision(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op idle = { .type = 15, .feature = 17, .direction = VBLK_SEGMENTS, .writes = true,
                                         .max_sectors = offsetof(struct vblk_device_options, max_provision_sectors),
                                         .max_seg = offsetof(struct vblk_device_options, max_provision_seg),
                                         .run = run_ok };

    (void)device;
    return type == 15 ? &idle : row;
}

static uint64_t late_generation(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)device;
    (void)queue;
    return reg == VBLK_REG_GENERATION ? honest + 0xfffffff0u : honest;
}

/* ---- drivers ---- */

/* Not to the end: whatever a device came to right after a kick for nothing would look as if it came of that. */
static vblk_err kick_twice(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    const vblk_err err = vblk_port_kick(port->inner, queue, data);

    return err || port->note[0]++ >= 8 ? err : vblk_port_kick(port->inner, queue, data);
}

/* Looks at everything twice. */
static vblk_err read_twice(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value)
{
    const vblk_err err = vblk_port_read_reg(port->inner, reg, queue, value);

    return err ? err : vblk_port_read_reg(port->inner, reg, queue, value);
}

static vblk_err read_config_twice(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    const vblk_err err = vblk_port_read_config(port->inner, offset, buf, len, got);

    return err ? err : vblk_port_read_config(port->inner, offset, buf, len, got);
}

/* Status after each step, as drivers that are careful do. */
static vblk_err write_and_look(struct wrong_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    const vblk_err err = vblk_port_write_reg(port->inner, reg, queue, value);
    uint64_t status;

    return err ? err : vblk_port_read_reg(port->inner, VBLK_REG_STATUS, 0, &status);
}

/* Half of what the device offers would do. */
static uint64_t half(const char *field, uint64_t honest)
{
    const bool limit = strncmp(field, "max_", 4) == 0 && strstr(field, "sectors") != NULL;

    return limit && honest > 16 ? honest / 2 : honest;
}

const struct mutant controls_models[] = {
    { .name = "reference-device", .what = "does what the text says" },
    { .name = "reversed", .what = "completes requests last to first, without IN_ORDER", .options = no_order, .behaviour.reorder = true },
    { .name = "bare", .what = "offers nothing but VERSION_1 and FLUSH", .options = bare },
    { .name = "queue-of-2", .what = "has queues of two entries at most", .options = small_queue, .value = 2 },
    { .name = "queue-of-32768", .what = "has queues of 32768 entries at most", .options = small_queue, .value = 32768 },
    { .name = "small-pieces", .what = "allows one segment of 512 bytes", .options = small_pieces },
    { .name = "large-blocks", .what = "has blocks of 4096 bytes", .options = large_blocks },
    { .name = "huge-disk", .what = "has 2^55 - 1 sectors", .options = huge_disk },
    { .name = "tiny-disk", .what = "has 64 sectors", .options = tiny_disk },
    { .name = "write-through", .what = "starts in writethrough mode", .options = write_through },
    { .name = "full-serial", .what = "has an id of 20 bytes, without a NUL", .options = full_serial },
    { .name = "empty-serial", .what = "has an empty id", .options = empty_serial },
    { .name = "one-queue", .what = "offers MQ with one queue", .options = one_queue },
    { .name = "many-queues", .what = "has 64 queues", .options = many_queues },
    { .name = "malformed-resets", .what = "enters its error state over malformed framing (AMB-15)", .options = malformed_resets },
    { .name = "no-unmap", .what = "can't deallocate with write zeroes", .options = no_unmap },
    { .name = "idle-discard", .what = "does nothing when it discards", .behaviour.op = idle_discard },
    { .name = "idle-provision", .what = "allocates nothing when it provisions", .behaviour.op = idle_provision },
    { .name = "late-generation", .what = "counts generations from a large number on", .behaviour.read_reg = late_generation },
    { .name = "table-length-rounded", .what = "bears with an indirect table whose length is no multiple of 16", .ring = "table-length-rounded" },
    { .name = "silent-while-busy", .what = "asks for no notifications while it works", .ring = "silent-while-busy" },
    { .name = "reference-driver", .what = "does what the text says", .driver = true },
    { .name = "driver-kicks-twice", .what = "notifies twice for each buffer", .driver = true, .port.kick = kick_twice },
    { .name = "driver-reads-twice", .what = "reads registers and configuration twice", .driver = true,
      .port = { .read_reg = read_twice, .read_config = read_config_twice } },
    { .name = "driver-looks-at-status", .what = "reads status after each register write", .driver = true, .port.write_reg = write_and_look },
    { .name = "driver-silent-while-busy", .what = "asks for no notifications while it works", .driver = true,
      .ring = "silent-while-busy" },
    { .name = "driver-half-limits", .what = "uses half of what the limits allow", .driver = true, .with.limit = half },
    { .name = "driver-table-longer", .what = "uses an indirect table of more entries than the queue has, on a packed ring (AMB-26)",
      .driver = true, .ring = "table-too-long" },
    { .name = NULL },
};
