/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a vhost-user back-end, shared by its files. */
#ifndef VBLK_VHOST_USER_BACK_H
#define VBLK_VHOST_USER_BACK_H

#include <vblk/vhost_user_backend.h>

#include "vhost_user_msg.h"

/* A ring as the front-end describes it, and where it stands. */
struct back_ring {
    uint32_t num;
    uint32_t base; /* as the protocol writes it: an index, or for packed rings two places with their wrap counters */
    struct vu_vring_addr addr;
    bool described;      /* addr came */
    bool startable;      /* SET_VRING_KICK came, with a descriptor or without */
    bool enabled;        /* SET_VRING_ENABLE */
    bool running;
    bool again;          /* more may be available than was served */
    bool stopped;        /* it ran, and may go on from base with what was then */
    struct back_layout { /* guest addresses, while it runs or is stopped */
        uint32_t num;
        uint64_t desc, driver, device;
    } at;
    int kick, call, err; /* -1: none */
    struct back_record *record; /* NULL: none is kept */
    bool record_given;          /* the front-end gave one, and the ring has not begun since */
};

/* What is in flight, as the front-end keeps it. */
struct back_inflight {
    int fd; /* -1: none */
    uint64_t offset;
    uint16_t queues, queue_size;
};

/* Where a ring goes on. */
struct back_resume {
    uint16_t avail, used;
    const struct vblk_packed_desc *again;
    uint32_t again_count;
};

/* A region that the front-end shares. */
struct back_region {
    struct vu_region wire;
    void *map; /* what to unmap … */
    size_t map_len;
};

struct vblk_vhost_user_backend {
    struct vblk_vhost_user_backend_options options;
    struct vblk_device *device;
    struct vblk_memory *mem;
    char why[256];

    int sock;    /* -1: no front-end, or lost */
    int channel; /* for our own messages, or -1 */
    bool broke;  /* lost for what it sent */
    uint64_t messages, kicks, requests, lives;

    uint64_t protocol; /* in force */
    uint64_t features; /* SET_FEATURES, vhost's own bits included */
    bool features_told; /* the device knows them, in this life */
    bool lived;        /* a ring has run in this life */
    bool paused;       /* … and all were stopped since */
    bool failed_told;  /* DEVICE_NEEDS_RESET was signalled, in this life */
    uint8_t source;    /* enum vblk_status_source in force */
    uint8_t status;    /* SET_STATUS, where it isn't the driver's */
    bool status_zeroed; /* 0 was written while it is not known whose word it is */

    uint16_t queues;
    struct back_ring *ring; /* [queues] */
    uint16_t running;
    struct back_inflight inflight;
    struct pollfd *polled;  /* [2 + queues] */
    struct back_region region[VBLK_MEMORY_REGIONS_MAX];
    uint32_t regions;
};

/* What comes of a message. */
enum back_answer {
    BACK_DONE,    /* acknowledge with 0 if asked */
    BACK_REFUSED, /* acknowledge with 1 if asked; else the front-end is lost, and why says why */
    BACK_REPLY,   /* the message is now the reply */
    BACK_BREACH   /* the front-end is lost, and why says why */
};

static inline bool back_has(const struct vblk_vhost_user_backend *b, unsigned protocol_bit)
{
    return b->protocol >> protocol_bit & 1;
}

/* Bits of the feature word that are vhost's own. */
#define BACK_VHOST (VBLK_BIT(VU_F_LOG_ALL) | VBLK_BIT(VU_F_PROTOCOL_FEATURES))
/* What an eventfd can't do. */
#define BACK_HIDDEN (VBLK_BIT(VBLK_F_NOTIFICATION_DATA) | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA))

/* vhost_user_backend.c */
enum back_answer back_breach(struct vblk_vhost_user_backend *b, const char *fmt, ...) VBLK_PRINTF(2, 3);
enum back_answer back_refuse(struct vblk_vhost_user_backend *b, const char *fmt, ...) VBLK_PRINTF(2, 3);
void back_close(int *fd);
void back_emit(struct vblk_vhost_user_backend *b, const struct vblk_event *ev);
/* A message of ours. Without a channel, or if it can't be sent: false. */
bool back_tell(struct vblk_vhost_user_backend *b, uint32_t request, const void *payload, uint32_t size);

/* vhost_user_backend_msgs.c: one message, whose descriptors are closed unless they are taken (-1). */
enum back_answer back_handle(struct vblk_vhost_user_backend *b, struct vu_msg *m, struct vu_fds *fds);
uint64_t back_protocol_offered(const struct vblk_vhost_user_backend *b);

/* vhost_user_backend_life.c */
uint64_t back_offered(const struct vblk_vhost_user_backend *b);
/* The front-end passes on what the driver does. */
bool back_passes_on(const struct vblk_vhost_user_backend *b);
/* Registers, with their events. */
uint64_t back_read_reg(struct vblk_vhost_user_backend *b, enum vblk_reg reg, uint16_t queue, bool emulated);
void back_write_reg(struct vblk_vhost_user_backend *b, enum vblk_reg reg, uint16_t queue, uint64_t value, bool emulated);
enum back_answer back_set_features(struct vblk_vhost_user_backend *b, uint64_t value);
enum back_answer back_set_status(struct vblk_vhost_user_backend *b, uint64_t value);
uint64_t back_get_status(struct vblk_vhost_user_backend *b);
void back_reset_device(struct vblk_vhost_user_backend *b);
/* A ring is about to be set up afresh: a new life, if the last one is over; false: the device refused the features. */
bool back_may_begin(struct vblk_vhost_user_backend *b);
/* A ring is enabled: DRIVER_OK, if nobody else says it. */
void back_now_live(struct vblk_vhost_user_backend *b);
/* No front-end, nothing set. */
void back_forget_life(struct vblk_vhost_user_backend *b);

/* vhost_user_backend_mem.c */
enum back_answer back_set_table(struct vblk_vhost_user_backend *b, const struct vu_msg *m, const struct vu_fds *fds);
enum back_answer back_add_region(struct vblk_vhost_user_backend *b, const struct vu_msg *m, const struct vu_fds *fds);
enum back_answer back_remove_region(struct vblk_vhost_user_backend *b, const struct vu_msg *m);
void back_forget_memory(struct vblk_vhost_user_backend *b);
/* From the front-end's address of a ring's part to the guest's. */
bool back_guest_address(const struct vblk_vhost_user_backend *b, uint64_t user, uint64_t *gpa);

/* vhost_user_record.c: what is in flight, kept in a file for whoever goes on after us */
uint64_t back_record_size(const struct vblk_vhost_user_backend *b, uint16_t queue_size);
void back_record_news(void *ctx, const struct vblk_buffer_news *news);
/* vhost_user_record_load.c */
/* A ring begins where @from says, unless (true) the front-end's record knows better: then @from is what it says. */
bool back_record_open(struct vblk_vhost_user_backend *b, uint16_t queue, struct back_resume *from);
/* It goes on where we stopped it ourselves; the file may be another. */
void back_record_go_on(struct vblk_vhost_user_backend *b, uint16_t queue);
void back_record_free(struct back_record *r);

/* vhost_user_backend_ring.c */
/* Start what has become startable. */
enum back_answer back_start_rings(struct vblk_vhost_user_backend *b);
/* @return the base to go on from. */
uint32_t back_stop_ring(struct vblk_vhost_user_backend *b, uint16_t queue);
/* Whether buffers are taken from it: SET_VRING_ENABLE may say no for a while. */
bool back_ring_on(const struct vblk_vhost_user_backend *b, const struct back_ring *r);
/* The device was reset: no ring runs, and none goes on where it was. */
void back_drop_rings(struct vblk_vhost_user_backend *b);
void back_close_rings(struct vblk_vhost_user_backend *b);
/* A notification from the driver. */
void back_kicked(struct vblk_vhost_user_backend *b, uint16_t queue);
/* The device notifies; matches vblk_notify_fn. */
void back_notified(void *ctx, enum vblk_event_kind kind, uint16_t queue);
/* Take kicks from descriptors that poll() found ready, and serve. @fds: one per queue. */
void back_serve(struct vblk_vhost_user_backend *b, const struct pollfd *fds);
/* How long a poll() may wait at most: 0 if there is more to do, a little if a ring has no kick descriptor. */
int back_patience(const struct vblk_vhost_user_backend *b, int ms);

#endif /* VBLK_VHOST_USER_BACK_H */
