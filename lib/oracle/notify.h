/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has to notify whom: what was published, what the other side wishes, which notification came since (2.7.7, 2.7.10,
 * 2.8.10, 2.9), and how far the reset of a queue is (2.6.1). Kept by notify.c, read by check_notify*.c and
 * check_queue_reset.c.
 */
#ifndef ORACLE_NOTIFY_H
#define ORACLE_NOTIFY_H

#include <vblk/event.h>

/* One direction: available buffer notifications of a queue (the driver's), or used buffer notifications. */
struct notice {
    uint16_t at;       /* entries before it were followed; split: an index, packed: slot and, in bit 15, wrap counter */
    uint16_t flags;    /* what the other side wishes, as last seen; packed: of its event suppression structure … */
    uint16_t event;    /* split: used_event or avail_event; packed: offset and wrap counter */
    uint32_t total;    /* entries published since the queue was enabled */
    uint32_t fresh;    /* entries published since the last notification */
    bool due;          /* one of them asks for a notification */
    bool may;          /* whether one of them does can't be told */
    bool inside;       /* it was not the last of its batch (AMB-17) */
    bool other;        /* what is to be ignored would have asked for one, too */
    bool loaded;       /* the sender was seen to look at the wish after that */
    bool changed;      /* the wish was, since the rings were looked at last */
    bool moved;        /* … and ever since the queue was enabled */
    bool planted;      /* … that was there when the queue was enabled, and was not zeroes */
    bool ripe;         /* AT_OWED: it should have come by now */
    bool missed;       /* … was blamed for that, and has still not come */
    uint64_t since;    /* when it became due … */
    uint64_t published; /* … when something was published last … */
    uint64_t sent;     /* … and when a notification was seen last */
    uint64_t looked;   /* SEES_*_LOADS: when the sender looked at the wish last … */
    uint16_t told_flags, told_event; /* … and what it was told */
    uint16_t rounds;   /* kicks since it became due */
};

/* Chains of a packed ring that were filled or used one after the other since its notices were looked at. */
struct notice_run {
    uint32_t slots;
    uint32_t past; /* how far from its beginning the descriptor is that a notification is wished for; NOTICE_NOWHERE: none is */
    bool reached;  /* a chain begins with it … */
    bool inside;   /* … or has it, of which as a used one only the first slot is written (AMB-17) */
};
#define NOTICE_NOWHERE UINT32_MAX

static inline void notice_run_add(struct notice_run *r, uint32_t count)
{
    if (r->past != NOTICE_NOWHERE) {
        const uint32_t into = r->past - r->slots; /* before it: more than there are slots */
        r->reached |= into == 0;
        r->inside |= into - 1 < count - 1;
    }
    r->slots += count;
}

enum queue_reset { NOT_RESET, RESET_ASKED, RESET_DONE };

/* The registers by which a queue is configured. */
#define QUEUE_PARTS (1u << VBLK_REG_QUEUE_SIZE | 1u << VBLK_REG_QUEUE_DESC | 1u << VBLK_REG_QUEUE_DRIVER | 1u << VBLK_REG_QUEUE_DEVICE)

struct notices {
    struct notice way[2];    /* by the party that sends */
    bool on;                 /* the queue is enabled and followed */
    bool repeated;           /* AT_KICK: nothing was published since the last one */
    bool kicked;             /* kick_value is the last one's */
    bool astray;             /* AT_KICK: it names another queue, or none: nobody is told of this one */
    bool stale;              /* a kick told another position than the ring's … */
    uint32_t kick_value;
    bool named;              /* NOTIF_CONFIG_DATA: the driver read what the device wants the queue to be called … */
    uint16_t name;           /* … as it did last, before a reset or since */
    uint64_t stale_kick;     /* … then */
    uint64_t idle_kick;      /* when a kick came while nothing was with the device; 0: never */
    uint64_t reopened;       /* when the driver asked again, after it was spared the notification of what was used; 0: not */
    uint64_t idle_notify;    /* when a used buffer notification came though nothing was used; 0: never */
    uint16_t *ids;           /* packed: descriptors of the chain with this buffer id … */
    uint16_t ids_for;        /* [ids_for]; behind them as many ids, in the order in which they were made available … */
    uint16_t first, flying;  /* … IN_ORDER: the oldest one that is not used, and how many aren't */
    /* resetting one queue */
    uint8_t reset;           /* enum queue_reset */
    bool reset_read;         /* RESET_ASKED: the register was read since, as 1 */
    bool reset_by_device;    /* the register is the device's own */
    bool notice_pending;     /* RESET_DONE: a notification may have been on its way */
    bool renewed;            /* enabled again after a reset */
    bool moved;              /* … with another size or other addresses */
    uint16_t written;        /* RESET_DONE: bit n: register n of the queue was written since */
    uint16_t size_before;
    uint64_t desc_before, driver_before, device_before;
};

struct queue;
struct vblk_oracle;
/* Around the handling of an event that is no access; what became due is judged AT_OWED. */
void notify_before(struct vblk_oracle *o, const struct vblk_event *ev);
void notify_after(struct vblk_oracle *o, const struct vblk_event *ev);
/* After a load or store. */
void notify_access(struct vblk_oracle *o, const struct vblk_event *ev);
/* A store into used idx of a split ring: one element more. */
void notify_used_one(struct vblk_oracle *o, const struct queue *q, uint16_t idx);
/* SEES_*_LOADS: the sender looked after it published last, and saw that no notification of that is wanted. @from: the
 * first entry that is asked about, as struct notice has it. */
bool notify_declined(const struct vblk_oracle *o, const struct queue *q, unsigned party, uint16_t from);
bool notify_open(struct vblk_oracle *o); /* false: no memory */
void notify_close(struct vblk_oracle *o);
void notify_forget(struct vblk_oracle *o);
/* … and what the queues are called. */
void notify_forget_names(struct vblk_oracle *o);
/* What a notification has to call the queue; false: the driver never asked, and can't know. */
bool notify_name(const struct vblk_oracle *o, uint16_t queue, uint16_t *name);

#endif /* ORACLE_NOTIFY_H */
