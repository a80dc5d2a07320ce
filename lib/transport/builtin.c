/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference device behind a port, without a transport in between. */
#include <vblk/builtin.h>

#include <stdlib.h>

struct builtin {
    struct vblk_port port;
    struct vblk_device *device;
    struct vblk_store *store;
    uint64_t capacity; /* as created */
    bool pending;      /* a notification that nobody waited for yet */
};

static struct builtin *of(struct vblk_port *port)
{
    return (struct builtin *)(void *)port;
}

static void notified(void *ctx, enum vblk_event_kind kind, uint16_t queue)
{
    struct builtin *self = ctx;

    self->pending = true;
    vblk_port_notified(&self->port, kind, queue);
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    *emulated = false;
    *value = vblk_device_read_reg(of(port)->device, reg, queue);
    return VBLK_OK;
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    *emulated = false;
    vblk_device_write_reg(of(port)->device, reg, queue, value);
    return VBLK_OK;
}

static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    *got = vblk_device_read_config(of(port)->device, offset, buf, len);
    return VBLK_OK;
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    (void)vblk_device_write_config(of(port)->device, offset, buf, len);
    return VBLK_OK;
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    vblk_device_notified(of(port)->device, queue, data);
    return VBLK_OK;
}

static vblk_err wait(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    struct builtin *self = of(port);

    (void)queue;
    (void)ms;
    if (!self->pending)
        return VBLK_E_TIMEOUT;
    self->pending = false;
    return VBLK_OK;
}

static vblk_err resize(struct builtin *self, uint64_t capacity, uint64_t b)
{
    vblk_err err = vblk_store_resize(self->store, capacity);

    (void)b;
    if (!err)
        vblk_device_resize(self->device, capacity);
    return err;
}

static vblk_err fail_sectors(struct builtin *self, uint64_t sector, uint64_t count)
{
    return vblk_store_fail(self->store, sector, count);
}

static vblk_err pool(struct builtin *self, uint64_t sectors, uint64_t b)
{
    (void)b;
    vblk_store_set_pool(self->store, sectors);
    return VBLK_OK;
}

static vblk_err power_cut(struct builtin *self, uint64_t seed, uint64_t b)
{
    const struct vblk_event ev = { .kind = VBLK_EV_POWER_CUT, .party = VBLK_DEVICE, .value = 1 };

    (void)b;
    vblk_store_power_cut(self->store, seed);
    vblk_device_power_on(self->device);
    self->pending = false;
    vblk_port_emit(&self->port, &ev);
    return VBLK_OK;
}

static vblk_err needs_reset(struct builtin *self, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    vblk_device_needs_reset(self->device);
    return VBLK_OK;
}

static vblk_err set_config(struct builtin *self, uint64_t offset, uint64_t value)
{
    if (offset > UINT32_MAX || value > UINT32_MAX)
        return VBLK_E_INVAL;
    return vblk_device_set_config(self->device, (uint32_t)offset, (uint32_t)value);
}

static vblk_err hold(struct builtin *self, uint64_t on, uint64_t b)
{
    (void)b;
    vblk_device_hold(self->device, on != 0);
    return VBLK_OK;
}

static vblk_err reverse(struct builtin *self, uint64_t on, uint64_t b)
{
    (void)b;
    vblk_device_reverse(self->device, on != 0);
    return VBLK_OK;
}

static vblk_err (*const actions[VBLK_HOST_COUNT])(struct builtin *self, uint64_t a, uint64_t b) = {
    [VBLK_HOST_RESIZE] = resize,       [VBLK_HOST_FAIL_SECTORS] = fail_sectors, [VBLK_HOST_POOL] = pool,
    [VBLK_HOST_POWER_CUT] = power_cut, [VBLK_HOST_NEEDS_RESET] = needs_reset,   [VBLK_HOST_SET_CONFIG] = set_config,
    [VBLK_HOST_HOLD] = hold,           [VBLK_HOST_REVERSE] = reverse,
};

static vblk_err host(struct vblk_port *port, unsigned action, uint64_t a, uint64_t b)
{
    return actions[action](of(port), a, b);
}

static vblk_err recover(struct vblk_port *port)
{
    struct builtin *self = of(port);
    vblk_err err = vblk_store_fail(self->store, 0, 0);

    if (!err)
        err = vblk_store_resize(self->store, self->capacity);
    if (err)
        return err;
    vblk_store_set_pool(self->store, UINT64_MAX);
    vblk_device_restore(self->device);
    self->pending = false;
    return VBLK_OK;
}

static void close_port(struct vblk_port *port)
{
    struct builtin *self = of(port);

    vblk_device_free(self->device);
    vblk_store_free(self->store);
    free(self);
}

static const struct vblk_port_ops ops = {
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_config = read_config,
    .write_config = write_config,
    .kick = kick,
    .wait = wait,
    .recover = recover,
    .host = host,
    .close = close_port,
};

struct vblk_port *vblk_builtin_new(const struct vblk_device_options *options, struct vblk_memory *mem, const char **why)
{
    struct builtin *self = calloc(1, sizeof *self);
    struct vblk_backend disk;

    if (why)
        *why = "no memory left";
    if (!self)
        return NULL;
    self->capacity = options->capacity;
    /* A capacity that is too large for a store is the device's to refuse. */
    self->store = vblk_store_new(options->capacity <= VBLK_STORE_CAPACITY_MAX ? options->capacity : 0);
    if (self->store) {
        disk = vblk_store_backend(self->store);
        self->device = vblk_device_new(options, mem, &disk, why);
    }
    if (!self->device) {
        close_port(&self->port);
        return NULL;
    }
    vblk_device_on_notify(self->device, notified, self);
    self->port.ops = &ops;
    self->port.mem = mem;
    self->port.kind = "builtin";
    self->port.name = "builtin";
    self->port.grade = VBLK_GRADE_ACCESS;
    self->port.notif_config_data = true;
    self->port.host_actions = (1u << VBLK_HOST_COUNT) - 1;
    return &self->port;
}

struct vblk_device *vblk_builtin_device(struct vblk_port *port)
{
    return of(port)->device;
}

struct vblk_store *vblk_builtin_store(struct vblk_port *port)
{
    return of(port)->store;
}
