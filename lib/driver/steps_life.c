/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps on registers and configuration, and the initialisation they make up. */
#include "play.h"
#include "bytes.h"
#include "config.h"
#include "pace.h"

#include <stdio.h>

#define QUEUE_SIZE_DEFAULT 64u

static vblk_err stage_reset(struct vblk_player *player, uint64_t wanted)
{
    (void)wanted;
    rings_forget(player);
    return life_reset(&player->life);
}

static vblk_err stage_acknowledge(struct vblk_player *player, uint64_t wanted)
{
    (void)wanted;
    return life_status(&player->life, VBLK_STATUS_ACKNOWLEDGE);
}

static vblk_err stage_driver(struct vblk_player *player, uint64_t wanted)
{
    (void)wanted;
    return life_status(&player->life, VBLK_STATUS_DRIVER);
}

static vblk_err stage_features(struct vblk_player *player, uint64_t wanted)
{
    return life_features(&player->life, wanted);
}

static vblk_err stage_features_ok(struct vblk_player *player, uint64_t wanted)
{
    (void)wanted;
    return life_features_ok(&player->life);
}

/* The device-specific set-up (3.1.1, 7): a driver reads what binds its requests, and whoever watches learns it, too. */
static vblk_err read_limits(struct vblk_player *player)
{
    struct limits limits;
    vblk_err err = config_limits(player->port, &player->script->profile, player->life.offered, &limits);

    if (err == VBLK_E_STATE)
        player->life.stuck = "the configuration generation does not come to rest";
    return err;
}

static uint32_t size_up_to(const struct vblk_player *player, uint64_t n)
{
    uint32_t size = 1;

    if (ring_size(player, n))
        return (uint32_t)n;
    while ((uint64_t)size * 2 <= n)
        size *= 2;
    return size;
}

/* Write the queue's registers, ENABLE last. */
static vblk_err enable(struct vblk_player *player, uint16_t queue)
{
    const struct vblk_layout *at = &player->ring[queue].at;
    const struct {
        enum vblk_reg reg;
        uint64_t value;
    } writes[] = { { VBLK_REG_QUEUE_SIZE, at->size },
                   { VBLK_REG_QUEUE_DESC, at->desc },
                   { VBLK_REG_QUEUE_DRIVER, at->driver },
                   { VBLK_REG_QUEUE_DEVICE, at->device },
                   { VBLK_REG_QUEUE_ENABLE, 1 } };
    vblk_err err = VBLK_OK;

    for (size_t i = 0; !err && i < sizeof(writes) / sizeof(writes[0]); i++)
        err = vblk_port_write_reg(player->port, writes[i].reg, queue, writes[i].value);
    return err;
}

static vblk_err stage_queues(struct vblk_player *player, uint64_t wanted)
{
    const uint16_t queues = player->script->queues ? player->script->queues : 1;
    const uint16_t size = player->script->queue_size ? player->script->queue_size : QUEUE_SIZE_DEFAULT;
    vblk_err err = queues > PLAY_QUEUES ? VBLK_E_INVAL : read_limits(player);

    (void)wanted;
    for (uint16_t i = 0; !err && i < queues; i++) {
        uint64_t max;

        err = vblk_port_read_reg(player->port, VBLK_REG_QUEUE_MAX, i, &max);
        if (err)
            return err;
        if (!max) {
            player->life.stuck = "a queue does not exist";
            return VBLK_E_STATE;
        }
        err = ring_place(player, i, size_up_to(player, max < size ? max : size));
        if (err)
            return err;
        ring_zero(player, i);
        err = enable(player, i);
    }
    return err;
}

static vblk_err stage_live(struct vblk_player *player, uint64_t wanted)
{
    (void)wanted;
    return life_status(&player->life, VBLK_STATUS_DRIVER_OK);
}

/* In the order of 3.1.1. */
static const struct {
    enum vblk_stage stage;
    vblk_err (*climb)(struct vblk_player *player, uint64_t wanted);
} stages[] = {
    { VBLK_STAGE_RESET, stage_reset },
    { VBLK_STAGE_ACKNOWLEDGE, stage_acknowledge },
    { VBLK_STAGE_DRIVER, stage_driver },
    { VBLK_STAGE_FEATURES, stage_features },
    { VBLK_STAGE_FEATURES_OK, stage_features_ok },
    { VBLK_STAGE_QUEUES, stage_queues },
    { VBLK_STAGE_LIVE, stage_live },
};

static void stuck(struct vblk_player *player, const char *expected)
{
    struct vblk_surprise *surprise = player_surprise(player, no_name);

    if (!surprise)
        return;
    snprintf(surprise->expected, sizeof(surprise->expected), "%s", expected);
    snprintf(surprise->seen, sizeof(surprise->seen), "%s", player->life.stuck);
}

vblk_err step_start(struct vblk_player *player, const struct vblk_step *step)
{
    const uint64_t wanted = step->a_given ? step->a : player->script->features;
    vblk_err err = step->b > VBLK_STAGE_QUEUES ? VBLK_E_INVAL : VBLK_OK;

    for (size_t i = 0; !err && i < sizeof(stages) / sizeof(stages[0]); i++) {
        err = stages[i].climb(player, wanted);
        if (stages[i].stage == step->b)
            break;
    }
    if (err != VBLK_E_STATE)
        return err;
    stuck(player, "initialisation goes through");
    return life_fail(&player->life, err);
}

vblk_err step_reset(struct vblk_player *player, const struct vblk_step *step)
{
    const vblk_err err = stage_reset(player, 0);

    (void)step;
    if (err == VBLK_E_STATE)
        stuck(player, "status reads 0 after a reset");
    return err;
}

vblk_err step_queue_reset(struct vblk_player *player, const struct vblk_step *step)
{
    struct pace pace = pace_start(player->wait_ms);
    uint64_t busy = 1;
    vblk_err err;

    if (step->queue >= PLAY_QUEUES)
        return VBLK_E_INVAL;
    ring_forget(player, step->queue);
    err = vblk_port_write_reg(player->port, VBLK_REG_QUEUE_RESET, step->queue, 1);
    while (!err && busy) {
        err = vblk_port_read_reg(player->port, VBLK_REG_QUEUE_RESET, step->queue, &busy);
        if (!err && busy)
            err = pace_wait(&pace, player->port, step->queue);
    }
    if (err != VBLK_E_TIMEOUT)
        return err;
    player->life.stuck = "it does not";
    stuck(player, "queue reset reads 0 when the queue is reset");
    return VBLK_E_STATE;
}

vblk_err step_reg_read(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t value;
    const vblk_err err = vblk_port_read_reg(player->port, (enum vblk_reg)step->reg, step->queue, &value);

    if (!err)
        player_keep(player, step->name, value);
    return err;
}

/* What START would write to a queue's register, or 0. */
static vblk_err planned(struct vblk_player *player, const struct vblk_step *step, uint64_t *value)
{
    struct play_ring *ring;
    vblk_err err;

    *value = 0;
    if (step->reg < VBLK_REG_QUEUE_SIZE || step->reg > VBLK_REG_QUEUE_DEVICE)
        return VBLK_OK;
    err = ring_need(player, step->queue, &ring);
    if (err)
        return err;
    *value = step->reg == VBLK_REG_QUEUE_SIZE     ? ring->at.size
             : step->reg == VBLK_REG_QUEUE_DESC   ? ring->at.desc
             : step->reg == VBLK_REG_QUEUE_DRIVER ? ring->at.driver
                                                  : ring->at.device;
    return VBLK_OK;
}

/* What the player has to know of a write that goes past its own steps. */
static vblk_err follow(struct vblk_player *player, const struct vblk_step *step, uint64_t value)
{
    const bool size = ring_size(player, value);
    struct play_ring *ring;
    vblk_err err = VBLK_OK;

    if (step->reg == VBLK_REG_STATUS && (uint8_t)value == 0)
        rings_forget(player);
    if (step->reg == VBLK_REG_DRIVER_FEATURES)
        player->life.accepted = value;
    if (step->queue >= PLAY_QUEUES)
        return VBLK_OK;
    ring = &player->ring[step->queue];
    if (step->reg == VBLK_REG_QUEUE_SIZE && size && value != ring->at.size)
        err = ring_place(player, step->queue, (uint32_t)value);
    else if (step->reg == VBLK_REG_QUEUE_DESC)
        ring->at.desc = value;
    else if (step->reg == VBLK_REG_QUEUE_DRIVER)
        ring->at.driver = value;
    else if (step->reg == VBLK_REG_QUEUE_DEVICE)
        ring->at.device = value;
    else if (step->reg == VBLK_REG_QUEUE_ENABLE && value == 1 && !(err = ring_need(player, step->queue, &ring)))
        ring_zero(player, step->queue);
    else if (step->reg == VBLK_REG_QUEUE_RESET && value == 1)
        ring_forget(player, step->queue);
    return err;
}

vblk_err step_reg_write(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t value;
    vblk_err err = step->a_given || step->part ? player_resolve(player, step, step->a, &value)
                                               : planned(player, step, &value);

    if (!err)
        err = follow(player, step, value);
    return err ? err : vblk_port_write_reg(player->port, (enum vblk_reg)step->reg, step->queue, value);
}

vblk_err step_config_read(struct vblk_player *player, const struct vblk_step *step)
{
    const uint64_t len = step->b_given ? step->b : 4;
    uint8_t buf[VBLK_CONFIG_MAX] = { 0 };
    vblk_err err;

    if (!len || len > sizeof(buf) || step->a > UINT32_MAX)
        return VBLK_E_INVAL;
    err = vblk_port_read_config(player->port, (uint32_t)step->a, buf, (uint32_t)len, NULL);
    if (!err)
        player_keep(player, step->name, bytes_number(buf, (size_t)len));
    return err;
}

vblk_err step_config_write(struct vblk_player *player, const struct vblk_step *step)
{
    uint8_t buf[VBLK_CONFIG_MAX];

    if (!step->bytes.length || step->bytes.length > sizeof(buf) || step->a > UINT32_MAX)
        return VBLK_E_INVAL;
    bytes_copy(&step->bytes, 0, buf, (size_t)step->bytes.length);
    return vblk_port_write_config(player->port, (uint32_t)step->a, buf, (uint32_t)step->bytes.length);
}

vblk_err step_host(struct vblk_player *player, const struct vblk_step *step)
{
    const vblk_err err = vblk_port_host(player->port, (enum vblk_host_action)step->reg, step->a, step->b);

    if (!err && step->reg == VBLK_HOST_POWER_CUT)
        rings_forget(player);
    return err;
}
