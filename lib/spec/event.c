/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/event.h>

static const char *const events[VBLK_EV_COUNT] = {
    [VBLK_EV_NONE] = "none",
    [VBLK_EV_REG_READ] = "reg-read",
    [VBLK_EV_REG_WRITE] = "reg-write",
    [VBLK_EV_CONFIG_READ] = "config-read",
    [VBLK_EV_CONFIG_WRITE] = "config-write",
    [VBLK_EV_LOAD] = "load",
    [VBLK_EV_STORE] = "store",
    [VBLK_EV_BARRIER] = "barrier",
    [VBLK_EV_KICK] = "kick",
    [VBLK_EV_USED_NOTIFY] = "used-notify",
    [VBLK_EV_CONFIG_NOTIFY] = "config-notify",
    [VBLK_EV_LOOK] = "look",
    [VBLK_EV_QUIET] = "quiet",
    [VBLK_EV_GONE] = "gone",
    [VBLK_EV_BACK] = "back",
    [VBLK_EV_POWER_CUT] = "power-cut",
    [VBLK_EV_CASE_BEGIN] = "case-begin",
    [VBLK_EV_CASE_END] = "case-end",
};

static const char *const registers[VBLK_REG_COUNT] = {
    [VBLK_REG_DEVICE_ID] = "device-id",
    [VBLK_REG_DEVICE_FEATURES] = "device-features",
    [VBLK_REG_DRIVER_FEATURES] = "driver-features",
    [VBLK_REG_STATUS] = "status",
    [VBLK_REG_GENERATION] = "generation",
    [VBLK_REG_NUM_QUEUES] = "num-queues",
    [VBLK_REG_QUEUE_MAX] = "queue-max",
    [VBLK_REG_QUEUE_SIZE] = "queue-size",
    [VBLK_REG_QUEUE_DESC] = "queue-desc",
    [VBLK_REG_QUEUE_DRIVER] = "queue-driver",
    [VBLK_REG_QUEUE_DEVICE] = "queue-device",
    [VBLK_REG_QUEUE_ENABLE] = "queue-enable",
    [VBLK_REG_QUEUE_RESET] = "queue-reset",
    [VBLK_REG_CONFIG_LENGTH] = "config-length",
    [VBLK_REG_QUEUE_NOTIF_CONFIG_DATA] = "queue-notif-config-data",
};

const char *vblk_event_name(enum vblk_event_kind kind)
{
    return (unsigned)kind < VBLK_EV_COUNT ? events[kind] : "unknown";
}

const char *vblk_reg_name(enum vblk_reg reg)
{
    return (unsigned)reg < VBLK_REG_COUNT ? registers[reg] : "unknown";
}
