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

#define GRANTS 4u

struct control {
    /* status */
    uint8_t status_written;   /* the driver's last write */
    uint8_t status_shown;     /* the device's last answer */
    bool status_was_read;     /* since the last write */
    bool device_sees_status;  /* some status access was not emulated */
    bool reset_asked;         /* 0 was written and not yet read back */
    bool reset_done;          /* … and was read back; cleared by the next status write */
    bool fresh;               /* nothing happened since BACK or a power cut */
    bool live;                /* DRIVER_OK was written after FEATURES_OK was granted */
    bool needs_reset;         /* the device showed DEVICE_NEEDS_RESET since the last reset */
    bool failed;              /* the driver wrote FAILED since the last reset */
    bool refused;             /* FEATURES_OK was written and read back clear */
    uint8_t status_ever;      /* bits the driver wrote since the last reset */
    bool was_live;            /* when the last reset was asked for */
    bool status_reads_seen;   /* this stream shows reads of status at all */
    bool bad_queue;           /* a queue was enabled before DRIVER_OK that makes no sense: an error of that time */
    bool made_up;             /* the last reset, or a write since, is the transport's: where the driver is can't be told */
    bool notice;              /* a configuration notification since status was last read without NEEDS_RESET */
    bool notice_owed;         /* NEEDS_RESET showed, and no notification told of it */
    /* suspend (1.4) */
    bool suspend_asked;       /* the driver set SUSPEND lawfully, and the device does not run again */
    bool suspended;           /* the device showed SUSPEND without DRIVER_OK */
    bool resume_asked;        /* DRIVER_OK was written while suspended */
    bool suspend_change;      /* the configuration changed while suspended, and no notification came since */
    /* features */
    uint64_t offered;         /* as last read */
    bool offered_read;        /* since the last reset … */
    bool offer_seen;          /* … by the driver itself: what a transport reads it may pass on in part */
    uint64_t offered_ever;
    uint64_t accepted;        /* as last written */
    bool accepted_written;
    bool features_ok;         /* FEATURES_OK was read back set (or written, when the transport emulates it) */
    uint64_t negotiated;      /* accepted, once features_ok */
    uint64_t negotiated_ever;
    struct { uint64_t offered, accepted; } granted[GRANTS]; /* what FEATURES_OK was kept for, newest anywhere */
    uint8_t grants, grant_next; /* how many of them are filled in; the next to be overwritten */
    /* configuration */
    uint8_t config[VBLK_CONFIG_MAX];
    uint8_t config_seen[VBLK_CONFIG_MAX]; /* SEEN_* */
    uint16_t config_way[VBLK_CONFIG_MAX]; /* offset and length of the access that read it last */
    uint32_t config_length;
    bool config_length_known;
    bool reads_hidden;        /* a transport reads the configuration: what the driver itself reads is not seen */
    uint64_t limit[LIM_COUNT];
    uint32_t limit_known;     /* bit n: limit n was read whole */
    uint64_t capacity_before; /* the value before the last change, for requests in flight (AMB-21) */
    uint32_t generation;
    bool generation_known;
    bool generation_seen;     /* the transport has a generation: one was read that was not emulated */
    bool generation_mixed;    /* bytes differed that were read under one generation */
    struct odd {              /* bytes that differ from the last read although nothing announced a change */
        bool is, live;
        bool other_way;       /* the two reads were accesses of different offset or width */
        uint8_t was, now;
        uint16_t at;
    } odd;
    struct bracket {          /* reads between two reads of the generation (2.5.1) */
        bool open;            /* the generation was read since status was last written */
        bool wide;            /* a field of more than 32 bits was read since */
        bool loose;           /* one was read outside any bracket */
        bool torn_wide, torn_many; /* the generation changed around them, and they were not read again since */
        uint16_t fields;      /* fields read since */
    } bracket;
    bool mode_asked;          /* writeback was written and not yet read back … */
    uint8_t mode;             /* … as this */
    bool mode_written;        /* since the last reset */
    bool mode_ignored;        /* it was written while suspended: such a write should do nothing */
    uint32_t length_granted;  /* config_length when features were granted last */
    bool capacity_old;        /* there was word of a change since capacity was read last */
    uint64_t stale_since;     /* when that notification came */
    bool capacity_stale;      /* a notification came while live, capacity was not read since */
    uint32_t num_queues;      /* the register; 0: not seen, or not the device's word */
    bool notified;            /* a configuration change notification came since the last config read */
};

/* What is known of a byte of the configuration. */
enum {
    SEEN = 1,        /* it was read, ever */
    SEEN_STEADY = 2, /* since it last could change unannounced */
    SEEN_EARLY = 4,  /* before FEATURES_OK, and no change was announced since */
    SEEN_NOW = 8     /* under the generation that was read last */
};

static inline bool limit_of(const struct control *ctl, enum limit which, uint64_t *value)
{
    *value = ctl->limit[which];
    return (ctl->limit_known >> which & 1) != 0;
}

/* A write of status by the driver itself; what a transport makes up says nothing about it. */
static inline bool status_write(const struct vblk_event *ev, uint8_t *status)
{
    *status = (uint8_t)ev->value;
    return ev->kind == VBLK_EV_REG_WRITE && ev->reg == VBLK_REG_STATUS && (ev->flags & VBLK_EV_EMULATED) == 0;
}
/* A read of status that the device answered. */
static inline bool status_read_of(const struct vblk_event *ev, uint8_t *status)
{
    *status = (uint8_t)ev->value;
    return ev->kind == VBLK_EV_REG_READ && ev->reg == VBLK_REG_STATUS && (ev->flags & VBLK_EV_EMULATED) == 0;
}
/* What the device offers, as far as the driver can know. */
static inline bool offers(const struct control *ctl, int feature)
{
    return feature < 0 || ((ctl->offered_read ? ctl->offered : ctl->offered_ever) >> feature & 1) != 0;
}

/* What the driver has used before, or has to know, and is not offered now. */
static inline uint64_t features_missing(const struct control *ctl)
{
    return ctl->offered_read ? ((ctl->negotiated_ever & ctl->offered_ever) | VBLK_BIT(VBLK_F_VERSION_1)) & ~ctl->offered
                             : 0;
}
/* The driver set FAILED before the features were settled, with one missing. */
static inline bool gave_up_over_feature(const struct control *ctl)
{
    return ctl->failed && (ctl->status_ever & (VBLK_STATUS_FEATURES_OK | VBLK_STATUS_DRIVER_OK)) == 0 &&
           features_missing(ctl) != 0;
}

struct vblk_oracle;
/* Bring the picture up to date with an event. Called after the checks of the event have run. */
void control_reg(struct vblk_oracle *o, const struct vblk_event *ev);
/* Which fields the profile has, and which is each limit's: reads of the configuration ask often. */
void control_find_fields(struct vblk_oracle *o);
void control_config(struct vblk_oracle *o, const struct vblk_event *ev);
void control_notified(struct vblk_oracle *o);
void control_power_on(struct control *ctl);

#endif /* ORACLE_CONTROL_H */
