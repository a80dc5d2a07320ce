/* SPDX-License-Identifier: BSD-3-Clause */
#include "target.h"

#include <string.h>

#include "little.h"

uint64_t target_modelled(const struct vblk_profile *profile)
{
    static const uint8_t device[] = {
        VBLK_F_SIZE_MAX,     VBLK_F_SEG_MAX,  VBLK_F_GEOMETRY,     VBLK_F_RO,        VBLK_F_BLK_SIZE,
        VBLK_F_FLUSH,        VBLK_F_TOPOLOGY, VBLK_F_CONFIG_WCE,   VBLK_F_MQ,        VBLK_F_DISCARD,
        VBLK_F_WRITE_ZEROES, VBLK_F_LIFETIME, VBLK_F_SECURE_ERASE, VBLK_F_VERSION_1,
    };
    static const uint8_t ring[] = {
        VBLK_F_INDIRECT_DESC,     VBLK_F_EVENT_IDX,         VBLK_F_RING_PACKED, VBLK_F_IN_ORDER,
        VBLK_F_NOTIFICATION_DATA, VBLK_F_NOTIF_CONFIG_DATA, VBLK_F_RING_RESET,
    };
    uint64_t features = 0;

    for (size_t i = 0; i < sizeof(device); i++)
        features |= VBLK_BIT(device[i]);
    for (size_t i = 0; i < sizeof(ring); i++)
        features |= VBLK_BIT(ring[i]);
    return profile->provision ? features | VBLK_BIT(profile->provision_bit) : features;
}

static vblk_err announce_config(struct vblk_port *port, struct vector_env *env)
{
    uint64_t length = sizeof(env->config);
    vblk_err err = vblk_port_read_reg(port, VBLK_REG_CONFIG_LENGTH, 0, &length);

    if (err && err != VBLK_E_UNSUPPORTED)
        return err;
    if (length > sizeof(env->config))
        length = sizeof(env->config);
    if (!length)
        return VBLK_OK;
    return vblk_port_read_config(port, 0, env->config, (uint32_t)length, &env->config_length);
}

vblk_err target_announce(struct target *target, const struct vblk_profile *profile)
{
    struct vector_env *env = &target->env;
    uint64_t value = 0;
    vblk_err err;

    *env = (struct vector_env){ .profile = *profile, .num_queues = 1, .modelled = target_modelled(profile) };
    if (!target->port->notif_config_data) /* nobody tells what to call a queue */
        env->modelled &= ~VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA);
    err = vblk_port_read_reg(target->port, VBLK_REG_DEVICE_FEATURES, 0, &env->offered);
    if (!err)
        err = vblk_port_read_reg(target->port, VBLK_REG_QUEUE_MAX, 0, &value);
    if (!err)
        err = announce_config(target->port, env);
    if (err)
        return err;
    env->queue_max = (uint16_t)(value > VBLK_SPLIT_SIZE_MAX ? VBLK_SPLIT_SIZE_MAX : value);
    env->capacity = little(env->config, 8);
    if (env->offered & VBLK_BIT(VBLK_F_MQ))
        env->num_queues = (uint16_t)little(env->config + offsetof(struct vblk_blk_config, num_queues), 2);
    return VBLK_OK;
}

void target_close(struct target *target)
{
    if (target)
        target->ops->close(target);
}
