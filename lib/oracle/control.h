/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Status, features, configuration and queue registers as the oracle has seen them.
 */
#ifndef ORACLE_CONTROL_H
#define ORACLE_CONTROL_H

#include <vblk/event.h>
#include <vblk/spec.h>

/* Numbers of the device configuration, decoded from the bytes that reads returned. */
enum limit {
    LIM_CAPACITY,
    LIM_SIZE_MAX,
    LIM_SEG_MAX,
    LIM_BLK_SIZE,
    LIM_WRITEBACK,
    LIM_NUM_QUEUES,
    LIM_DISCARD_SECTORS,
    LIM_DISCARD_SEG,
    LIM_DISCARD_ALIGN,
    LIM_WZ_SECTORS,
    LIM_WZ_SEG,
    LIM_WZ_MAY_UNMAP,
    LIM_ERASE_SECTORS,
    LIM_ERASE_SEG,
    LIM_ERASE_ALIGN,
    LIM_PROVISION_SECTORS,
    LIM_PROVISION_SEG,
    LIM_COUNT
};

struct control {
    /* status */
    uint8_t status_written;   /* the driver's last write */
    uint8_t status_shown;     /* the device's last answer */
    bool status_was_read;     /* since the last write */
    bool device_sees_status;  /* some status access was not emulated */
    bool reset_asked;         /* 0 was written and not yet read back */
    bool reset_done;          /* … and was read back; cleared by the next status write */
    bool fresh;               /* nothing happened since power-on, reset or BACK */
    bool live;                /* DRIVER_OK was written after FEATURES_OK was granted */
    bool needs_reset;         /* the device showed DEVICE_NEEDS_RESET since the last reset */
    uint32_t device_id;       /* as last read; 0: never */
    bool failed;              /* the driver wrote FAILED since the last reset */
    bool refused;             /* FEATURES_OK was written and read back clear */
    /* features */
    uint64_t offered;         /* as last read */
    bool offered_read;        /* since the last reset */
    uint64_t offered_ever;
    uint64_t accepted;        /* as last written */
    bool accepted_written;
    bool features_ok;         /* FEATURES_OK was read back set (or written, when the transport emulates it) */
    uint64_t negotiated;      /* accepted, once features_ok */
    uint64_t negotiated_ever;
    /* configuration */
    uint8_t config[VBLK_CONFIG_MAX];
    uint8_t config_seen[VBLK_CONFIG_MAX]; /* 1: read at least once since it may have changed */
    uint32_t config_length;
    bool config_length_known;
    uint64_t limit[LIM_COUNT];
    uint32_t limit_known;     /* bit n: limit n was read whole */
    uint32_t limit_early;     /* … since the last reset, before FEATURES_OK */
    uint32_t limit_live;      /* … since the last reset, after DRIVER_OK */
    uint32_t limit_changed;   /* … more than once since DRIVER_OK, with different values */
    uint64_t limit_before[LIM_COUNT]; /* of those in limit_changed: the value before */
    uint32_t provision_generation; /* generation when a limit of provision was read last */
    bool provision_stale;     /* one changed; whether the generation did is not known yet */
    bool provision_silent;    /* one changed, and no notification has come */
    uint64_t capacity_before; /* the value before the last change, for requests in flight (AMB-21) */
    uint32_t generation;
    bool generation_known;
    bool notified;            /* a configuration change notification came since the last config read */
};

static inline bool limit_of(const struct control *ctl, enum limit which, uint64_t *value)
{
    *value = ctl->limit[which];
    return (ctl->limit_known >> which & 1) != 0;
}

struct vblk_oracle;
/* Bring the picture up to date with an event. Called after the checks of the event have run. */
void control_reg(struct vblk_oracle *o, const struct vblk_event *ev);
void control_config(struct vblk_oracle *o, const struct vblk_event *ev);
void control_power_on(struct control *ctl);

#endif /* ORACLE_CONTROL_H */
