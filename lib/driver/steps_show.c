/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps in the device's place: what registers and configuration show, notifications, disappearance. */
#include "play.h"

vblk_err step_dev_notify(struct vblk_player *player, const struct vblk_step *step)
{
    vblk_port_notified(player->port, VBLK_EV_USED_NOTIFY, step->queue);
    return VBLK_OK;
}

vblk_err step_dev_config_notify(struct vblk_player *player, const struct vblk_step *step)
{
    (void)step;
    vblk_port_notified(player->port, VBLK_EV_CONFIG_NOTIFY, 0);
    return VBLK_OK;
}

vblk_err step_dev_status(struct vblk_player *player, const struct vblk_step *step)
{
    if (!step->a_given)
        puppet_honest_status(player->puppet);
    else if (step->b_given)
        puppet_force_status(player->puppet, step->b, step->a);
    else
        puppet_show_status(player->puppet, (uint8_t)step->a);
    return VBLK_OK;
}

vblk_err step_dev_features(struct vblk_player *player, const struct vblk_step *step)
{
    player->puppet->tables.features = step->a;
    player->puppet->device.value[VBLK_REG_DEVICE_FEATURES] = step->a;
    return VBLK_OK;
}

vblk_err step_dev_config(struct vblk_player *player, const struct vblk_step *step)
{
    return puppet_set_config(player->puppet, step->a, &step->bytes);
}

vblk_err step_dev_generation(struct vblk_player *player, const struct vblk_step *step)
{
    uint64_t *generation = &player->puppet->device.value[VBLK_REG_GENERATION];

    *generation = step->a_given ? step->a : *generation + 1;
    return VBLK_OK;
}

vblk_err step_dev_queue_max(struct vblk_player *player, const struct vblk_step *step)
{
    if (step->queue >= PUPPET_QUEUES)
        return VBLK_E_INVAL;
    player->puppet->queue[step->queue].value[VBLK_REG_QUEUE_MAX] = step->a;
    return VBLK_OK;
}

vblk_err step_dev_reg(struct vblk_player *player, const struct vblk_step *step)
{
    return puppet_pin(player->puppet, step->reg, step->queue, step->a_given, step->a);
}

vblk_err step_dev_gone(struct vblk_player *player, const struct vblk_step *step)
{
    puppet_leave(player->puppet, &step->bytes);
    return VBLK_OK;
}

vblk_err step_dev_power_cut(struct vblk_player *player, const struct vblk_step *step)
{
    const struct vblk_event ev = { .kind = VBLK_EV_POWER_CUT, .party = VBLK_NOBODY, .value = step->a };

    puppet_power_on(player->puppet);
    rings_forget(player);
    vblk_port_emit(player->port, &ev);
    return VBLK_OK;
}
