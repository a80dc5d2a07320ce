/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers and the life cycle behind them. */
#include "vhost_user_frontend.h"

/* Bits that are vhost's own, or that this transport has no way to honour. */
#define HIDDEN                                                                                                         \
    (VBLK_BIT(VU_F_LOG_ALL) | VBLK_BIT(VU_F_PROTOCOL_FEATURES) | VBLK_BIT(VBLK_F_ACCESS_PLATFORM) |                    \
     VBLK_BIT(VBLK_F_SR_IOV) | VBLK_BIT(VBLK_F_NOTIFICATION_DATA) | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA) |               \
     VBLK_BIT(VBLK_F_ADMIN_VQ))

vblk_err vu_gone(vblk_err err)
{
    return err == VBLK_E_TIMEOUT || err == VBLK_E_IO ? VBLK_E_GONE : err;
}

static void clear_queue(struct vu_frontend *f, uint16_t queue)
{
    vu_ring_forget(&f->ring[queue]);
    f->ring[queue] = (struct vu_ring){ .size = f->options.queue_max, .kick = -1, .call = -1, .err = -1 };
}

void vu_clear_registers(struct vu_frontend *f)
{
    f->refused = f->broken = f->features_sent = f->touched = f->config_pending = false;
    f->driver_features = 0;
    f->status = 0;
    for (uint16_t i = 0; i < VU_QUEUES_MAX; i++)
        clear_queue(f, i);
}

static vblk_err tell_status(struct vu_frontend *f, uint8_t status)
{
    vblk_err err;

    if (!vu_has(f, VU_PROTOCOL_STATUS))
        return VBLK_OK;
    f->touched = true;
    err = vu_tell_u64(f, VU_SET_STATUS, status);
    return err == VBLK_E_IO ? VBLK_OK : err; /* refused: reading it back shows */
}

/* A back-end may refuse by hanging up ("Communication"); the driver then finds FEATURES_OK unset. */
static vblk_err reconnect_without(struct vu_frontend *f, uint64_t features)
{
    vblk_err err = vu_connect(f, f->options.timeout_ms);

    if (err == VBLK_OK)
        err = tell_status(f, f->status & (uint8_t)~VBLK_STATUS_FEATURES_OK);
    if (err == VBLK_OK)
        vu_note(f, "the back-end hung up on features 0x%llx", (unsigned long long)features);
    f->refused = err == VBLK_OK;
    return err;
}

static vblk_err send_features(struct vu_frontend *f)
{
    uint64_t value = (f->driver_features & ~HIDDEN) | (f->features & VBLK_BIT(VU_F_PROTOCOL_FEATURES));
    vblk_err err;

    f->features_sent = f->touched = true;
    err = vu_tell_u64(f, VU_SET_FEATURES, value);
    if (err == VBLK_OK)
        err = vu_barrier(f); /* some hang up after an acknowledgement */
    f->refused = err == VBLK_E_IO;
    if (err == VBLK_E_GONE && f->hung_up)
        return reconnect_without(f, value);
    return f->refused ? VBLK_OK : err;
}

/* What a back-end says to the parameters of a ring is the device's answer, not an error of ours. */
static vblk_err start_ring(struct vu_frontend *f, uint16_t queue)
{
    vblk_err err = vu_ring_start(f, queue);

    if (err != VBLK_E_IO)
        return err;
    f->broken = f->config_pending = true;
    return VBLK_OK;
}

static vblk_err start(struct vu_frontend *f)
{
    vblk_err err = f->features_sent || f->refused ? VBLK_OK : send_features(f);

    if (err != VBLK_OK || f->refused)
        return err;
    err = vu_share_memory(f);
    for (uint16_t i = 0; err == VBLK_OK && i < f->queues; i++)
        if (f->ring[i].enabled)
            err = start_ring(f, i);
    return err == VBLK_OK ? vu_barrier(f) : err;
}

/* VBLK_E_IO: the back-end has no such request, or refuses it. */
static vblk_err reset_device(struct vu_frontend *f)
{
    struct vu_msg m;
    vblk_err err;

    if (!vu_has(f, VU_PROTOCOL_RESET_DEVICE))
        return VBLK_E_IO;
    vu_msg_init(&m, VU_RESET_DEVICE);
    err = vu_tell(f, &m, NULL, 0);
    return err == VBLK_OK ? vu_settle(f) : err;
}

/* Back to power-on, by the gentlest means that the back-end has. A ring that can't be stopped is not glossed over. */
static vblk_err reset(struct vu_frontend *f)
{
    vblk_err err = VBLK_OK;

    for (uint16_t i = 0; err == VBLK_OK && i < f->queues; i++)
        err = vu_ring_stop(f, i);
    if (err == VBLK_OK && f->touched) {
        err = tell_status(f, 0);
        if (err == VBLK_OK)
            err = reset_device(f);
        if (err == VBLK_E_IO)
            err = vu_connect(f, f->options.timeout_ms);
    }
    vu_clear_registers(f);
    return err;
}

struct access {
    enum vblk_reg reg;
    uint16_t queue;
};

static vblk_err get_device_id(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)f, (void)a, (void)emulated;
    *value = VBLK_DEVICE_ID_BLOCK;
    return VBLK_OK;
}

static vblk_err get_device_features(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    vblk_err err = vu_ask_u64(f, VU_GET_FEATURES, value);

    (void)a;
    *emulated = false;
    *value &= ~HIDDEN;
    return err;
}

static vblk_err get_driver_features(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)a, (void)emulated;
    *value = f->driver_features;
    return VBLK_OK;
}

static vblk_err set_driver_features(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated)
{
    (void)a;
    *emulated = false;
    f->driver_features = value;
    return send_features(f);
}

static vblk_err get_status(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    vblk_err err = VBLK_OK;

    (void)a;
    *value = f->status;
    *emulated = !f->refused && !f->broken; /* those two are the device's word */
    if (vu_has(f, VU_PROTOCOL_STATUS)) {
        err = vu_ask_u64(f, VU_GET_STATUS, value);
        *emulated = false;
    }
    if (f->refused)
        *value &= ~(uint64_t)VBLK_STATUS_FEATURES_OK;
    if (f->broken)
        *value |= VBLK_STATUS_NEEDS_RESET;
    return err;
}

static vblk_err set_status(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated)
{
    uint8_t fresh = (uint8_t)(value & ~(uint64_t)f->status);
    vblk_err err = VBLK_OK;

    (void)a;
    *emulated = !vu_has(f, VU_PROTOCOL_STATUS);
    if (value == 0)
        return reset(f);
    f->status = (uint8_t)value;
    if ((fresh & VBLK_STATUS_FEATURES_OK) && !f->features_sent && !f->refused)
        err = send_features(f); /* a driver that wrote none has accepted none */
    if (err == VBLK_OK && (fresh & VBLK_STATUS_DRIVER_OK))
        err = start(f);
    return err == VBLK_OK ? tell_status(f, f->status) : err;
}

/* Configuration changes that are already announced count before the answer. */
static vblk_err get_generation(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)a, (void)emulated;
    vu_serve_backend(f);
    *value = f->generation;
    return VBLK_OK;
}

static vblk_err get_num_queues(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)a;
    *value = f->queues;
    *emulated = !vu_has(f, VU_PROTOCOL_MQ);
    return VBLK_OK;
}

static vblk_err get_config_length(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)a;
    *value = f->config_length;
    *emulated = f->config_length == VU_CONFIG_MAX; /* then it is only the most that can be asked for */
    return VBLK_OK;
}

static vblk_err get_queue_max(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)a, (void)emulated;
    *value = f->options.queue_max;
    return VBLK_OK;
}

static uint64_t *field(struct vu_ring *ring, enum vblk_reg reg)
{
    return reg == VBLK_REG_QUEUE_SIZE     ? &ring->size
           : reg == VBLK_REG_QUEUE_DESC   ? &ring->desc
           : reg == VBLK_REG_QUEUE_DRIVER ? &ring->driver
                                          : &ring->device;
}

static vblk_err get_queue_field(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = *field(&f->ring[a->queue], a->reg);
    return VBLK_OK;
}

static vblk_err set_queue_field(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated)
{
    *emulated = false; /* the device will see it, at DRIVER_OK */
    *field(&f->ring[a->queue], a->reg) = a->reg == VBLK_REG_QUEUE_SIZE ? (uint16_t)value : value;
    return VBLK_OK;
}

static vblk_err get_queue_enable(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated)
{
    (void)emulated;
    *value = f->ring[a->queue].enabled;
    return VBLK_OK;
}

static vblk_err set_queue_enable(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated)
{
    *emulated = false;
    f->ring[a->queue].enabled = value == 1;
    if (value != 1)
        return vu_ring_stop(f, a->queue);
    if (!(f->status & VBLK_STATUS_DRIVER_OK) || f->refused)
        return VBLK_OK;
    return start_ring(f, a->queue); /* after a queue reset */
}

/* Stopping is done when the call returns, so that the register never reads 1. */
static vblk_err set_queue_reset(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated)
{
    vblk_err err;

    *emulated = false;
    if (value != 1)
        return VBLK_OK;
    err = vu_ring_stop(f, a->queue);
    clear_queue(f, a->queue);
    return err;
}

/* NULL: reads 0, ignores writes. */
/* clang-format off */
static const struct {
    bool per_queue;
    vblk_err (*get)(struct vu_frontend *f, const struct access *a, uint64_t *value, bool *emulated);
    vblk_err (*set)(struct vu_frontend *f, const struct access *a, uint64_t value, bool *emulated);
} registers[VBLK_REG_COUNT] = {
    [VBLK_REG_DEVICE_ID]       = { false, get_device_id, NULL },
    [VBLK_REG_DEVICE_FEATURES] = { false, get_device_features, NULL },
    [VBLK_REG_DRIVER_FEATURES] = { false, get_driver_features, set_driver_features },
    [VBLK_REG_STATUS]          = { false, get_status, set_status },
    [VBLK_REG_GENERATION]      = { false, get_generation, NULL },
    [VBLK_REG_NUM_QUEUES]      = { false, get_num_queues, NULL },
    [VBLK_REG_QUEUE_MAX]       = { true, get_queue_max, NULL },
    [VBLK_REG_QUEUE_SIZE]      = { true, get_queue_field, set_queue_field },
    [VBLK_REG_QUEUE_DESC]      = { true, get_queue_field, set_queue_field },
    [VBLK_REG_QUEUE_DRIVER]    = { true, get_queue_field, set_queue_field },
    [VBLK_REG_QUEUE_DEVICE]    = { true, get_queue_field, set_queue_field },
    [VBLK_REG_QUEUE_ENABLE]    = { true, get_queue_enable, set_queue_enable },
    [VBLK_REG_QUEUE_RESET]     = { true, NULL, set_queue_reset },
    [VBLK_REG_CONFIG_LENGTH]   = { false, get_config_length, NULL },
};
/* clang-format on */

static bool exists(const struct vu_frontend *f, const struct access *a)
{
    return (unsigned)a->reg < VBLK_REG_COUNT && (!registers[a->reg].per_queue || a->queue < f->queues);
}

vblk_err vu_read_reg(struct vu_frontend *f, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    const struct access a = { reg, queue };

    *value = 0;
    *emulated = true;
    if (f->sock < 0)
        return VBLK_E_GONE;
    return exists(f, &a) && registers[reg].get ? vu_gone(registers[reg].get(f, &a, value, emulated)) : VBLK_OK;
}

vblk_err vu_write_reg(struct vu_frontend *f, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    const struct access a = { reg, queue };

    *emulated = true;
    if (f->sock < 0)
        return VBLK_E_GONE;
    return exists(f, &a) && registers[reg].set ? vu_gone(registers[reg].set(f, &a, value, emulated)) : VBLK_OK;
}
