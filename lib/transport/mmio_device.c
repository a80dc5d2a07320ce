/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio-mmio registers in front of the reference device (4.2.2). */
#include <vblk/mmio_device.h>

#include <stdlib.h>

#include "mmio_watch.h"

#define VENDOR_ID 0x4b4c4256u /* "VBLK" */
#define NO_SHARED_MEMORY UINT32_MAX

struct vblk_mmio_device {
    struct vblk_device *device;
    uint32_t device_features_sel, driver_features_sel;
    uint32_t queue_sel;
    uint32_t interrupt; /* InterruptStatus */
    vblk_mmio_interrupt_fn tell;
    void *tell_ctx;
    struct mmio_watch watch;
};

static void set_interrupt(struct vblk_mmio_device *regs, uint32_t bits)
{
    bool was = regs->interrupt != 0, is = bits != 0;

    regs->interrupt = bits;
    if (was != is && regs->tell)
        regs->tell(regs->tell_ctx, is);
}

static void notified(void *ctx, enum vblk_event_kind kind, uint16_t queue)
{
    struct vblk_mmio_device *regs = ctx;

    mmio_watch_notified(&regs->watch, kind, queue);
    set_interrupt(regs, regs->interrupt |
                            (kind == VBLK_EV_USED_NOTIFY ? VBLK_MMIO_INT_USED_BUFFER : VBLK_MMIO_INT_CONFIG_CHANGE));
}

/* QueueSel may name a queue that no device can have. */
static uint64_t read_queue(struct vblk_mmio_device *regs, enum vblk_reg reg)
{
    return regs->queue_sel > UINT16_MAX ? 0 : vblk_device_read_reg(regs->device, reg, (uint16_t)regs->queue_sel);
}

static void write_queue(struct vblk_mmio_device *regs, enum vblk_reg reg, uint64_t value)
{
    if (regs->queue_sel <= UINT16_MAX)
        vblk_device_write_reg(regs->device, reg, (uint16_t)regs->queue_sel, value);
}

/* @return @p whole with 32 bits of it replaced: the upper ones if @p high. */
static uint64_t with_half(uint64_t whole, bool high, uint32_t half)
{
    return high ? (whole & UINT32_MAX) | (uint64_t)half << 32 : (whole & ~(uint64_t)UINT32_MAX) | half;
}

struct row; /* of the table below */
typedef uint32_t (*get_fn)(struct vblk_mmio_device *regs, const struct row *row);
typedef void (*set_fn)(struct vblk_mmio_device *regs, const struct row *row, uint32_t value);

struct row {
    uint32_t offset;
    get_fn get;      /* NULL: write-only */
    set_fn set;      /* NULL: read-only */
    uint32_t detail; /* a constant, or enum vblk_reg */
    bool high;       /* the upper half */
};

static uint32_t get_constant(struct vblk_mmio_device *regs, const struct row *row)
{
    (void)regs;
    return row->detail;
}

static uint32_t get_reg(struct vblk_mmio_device *regs, const struct row *row)
{
    return (uint32_t)vblk_device_read_reg(regs->device, (enum vblk_reg)row->detail, 0);
}

static uint32_t get_queue_reg(struct vblk_mmio_device *regs, const struct row *row)
{
    return (uint32_t)read_queue(regs, (enum vblk_reg)row->detail);
}

static void set_queue_reg(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    write_queue(regs, (enum vblk_reg)row->detail, value);
}

static void set_address(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    enum vblk_reg reg = (enum vblk_reg)row->detail;

    write_queue(regs, reg, with_half(read_queue(regs, reg), row->high, value));
}

static uint32_t get_device_features(struct vblk_mmio_device *regs, const struct row *row)
{
    uint64_t features = vblk_device_read_reg(regs->device, VBLK_REG_DEVICE_FEATURES, 0);

    (void)row;
    return regs->device_features_sel > 1 ? 0 : (uint32_t)(features >> (32 * regs->device_features_sel));
}

static void set_driver_features(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    uint64_t features = vblk_device_read_reg(regs->device, VBLK_REG_DRIVER_FEATURES, 0);

    (void)row;
    if (regs->driver_features_sel <= 1)
        vblk_device_write_reg(regs->device, VBLK_REG_DRIVER_FEATURES, 0,
                              with_half(features, regs->driver_features_sel == 1, value));
}

static void set_device_features_sel(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    regs->device_features_sel = value;
}

static void set_driver_features_sel(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    regs->driver_features_sel = value;
}

static void set_queue_sel(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    regs->queue_sel = value;
}

/* With or without NOTIFICATION_DATA the queue is in the low 16 bits (4.2.3.3). */
static void set_queue_notify(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    vblk_device_kick(regs->device, (uint16_t)value);
    mmio_watch_looked(&regs->watch, (uint16_t)value); /* what the driver does from now on comes after all that */
}

static uint32_t get_interrupt(struct vblk_mmio_device *regs, const struct row *row)
{
    (void)row;
    return regs->interrupt;
}

static void set_interrupt_ack(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    set_interrupt(regs, regs->interrupt & ~value);
}

/* "Upon reset, the device MUST clear all bits in InterruptStatus": those of what happened before. */
static void set_status(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)row;
    if (value == 0) {
        set_interrupt(regs, 0);
        regs->device_features_sel = regs->driver_features_sel = regs->queue_sel = 0;
    }
    vblk_device_write_reg(regs->device, VBLK_REG_STATUS, 0, value);
}

static void ignore(struct vblk_mmio_device *regs, const struct row *row, uint32_t value)
{
    (void)regs;
    (void)row;
    (void)value;
}

/* clang-format off */
static const struct row rows[] = {
    { VBLK_MMIO_MAGIC_VALUE,         get_constant,        NULL,                    VBLK_MMIO_MAGIC,          false },
    { VBLK_MMIO_VERSION,             get_constant,        NULL,                    2,                        false },
    { VBLK_MMIO_DEVICE_ID,           get_reg,             NULL,                    VBLK_REG_DEVICE_ID,       false },
    { VBLK_MMIO_VENDOR_ID,           get_constant,        NULL,                    VENDOR_ID,                false },
    { VBLK_MMIO_DEVICE_FEATURES,     get_device_features, NULL,                    0,                        false },
    { VBLK_MMIO_DEVICE_FEATURES_SEL, NULL,                set_device_features_sel, 0,                        false },
    { VBLK_MMIO_DRIVER_FEATURES,     NULL,                set_driver_features,     0,                        false },
    { VBLK_MMIO_DRIVER_FEATURES_SEL, NULL,                set_driver_features_sel, 0,                        false },
    { VBLK_MMIO_QUEUE_SEL,           NULL,                set_queue_sel,           0,                        false },
    { VBLK_MMIO_QUEUE_NUM_MAX,       get_queue_reg,       NULL,                    VBLK_REG_QUEUE_MAX,       false },
    { VBLK_MMIO_QUEUE_NUM,           NULL,                set_queue_reg,           VBLK_REG_QUEUE_SIZE,      false },
    { VBLK_MMIO_QUEUE_READY,         get_queue_reg,       set_queue_reg,           VBLK_REG_QUEUE_ENABLE,    false },
    { VBLK_MMIO_QUEUE_NOTIFY,        NULL,                set_queue_notify,        0,                        false },
    { VBLK_MMIO_INTERRUPT_STATUS,    get_interrupt,       NULL,                    0,                        false },
    { VBLK_MMIO_INTERRUPT_ACK,       NULL,                set_interrupt_ack,       0,                        false },
    { VBLK_MMIO_STATUS,              get_reg,             set_status,              VBLK_REG_STATUS,          false },
    { VBLK_MMIO_QUEUE_DESC_LOW,      NULL,                set_address,             VBLK_REG_QUEUE_DESC,      false },
    { VBLK_MMIO_QUEUE_DESC_LOW + 4,  NULL,                set_address,             VBLK_REG_QUEUE_DESC,      true },
    { VBLK_MMIO_QUEUE_DRIVER_LOW,    NULL,                set_address,             VBLK_REG_QUEUE_DRIVER,    false },
    { VBLK_MMIO_QUEUE_DRIVER_LOW + 4, NULL,               set_address,             VBLK_REG_QUEUE_DRIVER,    true },
    { VBLK_MMIO_QUEUE_DEVICE_LOW,    NULL,                set_address,             VBLK_REG_QUEUE_DEVICE,    false },
    { VBLK_MMIO_QUEUE_DEVICE_LOW + 4, NULL,               set_address,             VBLK_REG_QUEUE_DEVICE,    true },
    { VBLK_MMIO_SHM_SEL,             NULL,                ignore,                  0,                        false },
    { VBLK_MMIO_SHM_LEN_LOW,         get_constant,        NULL,                    NO_SHARED_MEMORY,         false },
    { VBLK_MMIO_SHM_LEN_LOW + 4,     get_constant,        NULL,                    NO_SHARED_MEMORY,         false },
    { VBLK_MMIO_SHM_LEN_LOW + 8,     get_constant,        NULL,                    NO_SHARED_MEMORY,         false },
    { VBLK_MMIO_SHM_LEN_LOW + 12,    get_constant,        NULL,                    NO_SHARED_MEMORY,         false },
    { VBLK_MMIO_QUEUE_RESET,         get_queue_reg,       set_queue_reg,           VBLK_REG_QUEUE_RESET,     false },
    { VBLK_MMIO_CONFIG_GENERATION,   get_reg,             NULL,                    VBLK_REG_GENERATION,      false },
};
/* clang-format on */

static const struct row *row_at(uint32_t offset, unsigned width)
{
    for (size_t i = 0; width == 4 && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].offset == offset)
            return &rows[i];
    return NULL;
}

static bool in_config(uint32_t offset, unsigned width)
{
    return (width == 1 || width == 2 || width == 4) && offset >= VBLK_MMIO_CONFIG &&
           offset - VBLK_MMIO_CONFIG < VBLK_CONFIG_MAX && offset % width == 0;
}

static uint32_t read_config(struct vblk_mmio_device *regs, uint32_t offset, unsigned width)
{
    vblk_le32 bytes = { { 0 } };
    uint32_t got = vblk_device_read_config(regs->device, offset, bytes.b, width);

    mmio_watch_config(&regs->watch, VBLK_EV_CONFIG_READ, offset, bytes.b, got);
    return vblk_get32(bytes);
}

/* What the event of a register tells, which knows nothing of halves: the whole. */
static uint64_t whole(struct vblk_mmio_device *regs, uint32_t offset, uint32_t value)
{
    const struct mmio_named *name = mmio_watch_name(offset);

    if (!name || !name->wide)
        return value;
    if (name->reg == VBLK_REG_DEVICE_FEATURES)
        return vblk_device_read_reg(regs->device, VBLK_REG_DEVICE_FEATURES, 0);
    return with_half(read_queue(regs, name->reg), name->high, value);
}

uint32_t vblk_mmio_device_read(struct vblk_mmio_device *regs, uint32_t offset, unsigned width)
{
    const struct row *row = row_at(offset, width);
    uint32_t value;

    if (in_config(offset, width))
        return read_config(regs, offset - VBLK_MMIO_CONFIG, width);
    if (!row || !row->get)
        return 0;
    value = row->get(regs, row);
    mmio_watch_register(&regs->watch, VBLK_EV_REG_READ, offset, regs->queue_sel, whole(regs, offset, value));
    return value;
}

void vblk_mmio_device_write(struct vblk_mmio_device *regs, uint32_t offset, unsigned width, uint32_t value)
{
    const struct row *row = row_at(offset, width);
    const vblk_le32 bytes = vblk_put32(value);

    if (in_config(offset, width)) {
        mmio_watch_config(&regs->watch, VBLK_EV_CONFIG_WRITE, offset - VBLK_MMIO_CONFIG, bytes.b, width);
        (void)vblk_device_write_config(regs->device, offset - VBLK_MMIO_CONFIG, bytes.b, width);
    } else if (row && row->set) {
        if (offset == VBLK_MMIO_DRIVER_FEATURES)
            mmio_watch_accepted(&regs->watch, regs->driver_features_sel, value);
        else
            mmio_watch_register(&regs->watch, VBLK_EV_REG_WRITE, offset, regs->queue_sel, whole(regs, offset, value));
        row->set(regs, row, value);
    }
}

void vblk_mmio_device_observe(struct vblk_mmio_device *regs, vblk_observe_fn observe, void *ctx)
{
    regs->watch = (struct mmio_watch){ .observe = observe, .ctx = ctx };
}

bool vblk_mmio_device_interrupt(const struct vblk_mmio_device *regs)
{
    return regs->interrupt != 0;
}

void vblk_mmio_device_on_interrupt(struct vblk_mmio_device *regs, vblk_mmio_interrupt_fn fn, void *ctx)
{
    regs->tell = fn;
    regs->tell_ctx = ctx;
}

struct vblk_mmio_device *vblk_mmio_device_new(struct vblk_device *device)
{
    const bool fits = (vblk_device_options_of(device)->features & VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA)) == 0;
    struct vblk_mmio_device *regs = fits ? calloc(1, sizeof(*regs)) : NULL;

    if (!regs)
        return NULL;
    regs->device = device;
    vblk_device_on_notify(device, notified, regs);
    return regs;
}

void vblk_mmio_device_free(struct vblk_mmio_device *regs)
{
    if (regs)
        vblk_device_on_notify(regs->device, NULL, NULL);
    free(regs);
}

static vblk_err bus_read(void *ctx, uint32_t offset, unsigned width, uint32_t *value)
{
    *value = vblk_mmio_device_read(ctx, offset, width);
    return VBLK_OK;
}

static vblk_err bus_write(void *ctx, uint32_t offset, unsigned width, uint32_t value)
{
    vblk_mmio_device_write(ctx, offset, width, value);
    return VBLK_OK;
}

/* Whatever was to happen has happened within the access that caused it. */
static vblk_err bus_wait(void *ctx, unsigned ms)
{
    (void)ctx;
    (void)ms;
    return VBLK_E_TIMEOUT;
}

struct vblk_mmio_bus vblk_mmio_device_bus(struct vblk_mmio_device *regs)
{
    return (struct vblk_mmio_bus){ .ctx = regs, .read = bus_read, .write = bus_write, .wait = bus_wait };
}
