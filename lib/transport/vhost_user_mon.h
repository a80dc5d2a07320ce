/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of a vhost-user monitor, shared by its files. */
#ifndef VBLK_VHOST_USER_MON_H
#define VBLK_VHOST_USER_MON_H

#include <vblk/spec.h>
#include <vblk/vhost_user_monitor.h>

#include "vhost_user_msg.h"

#define MON_PAYLOAD 65536u /* what is longer is passed on without being understood */
#define MON_FDS 253u       /* the kernel's limit for one message */

/* One direction of a socket: a message at a time. */
struct mon_pipe {
    int in, out; /* not owned */
    bool raw;    /* what comes is no message: bytes are passed on as they are */
    bool ready;  /* buf is to be sent */
    bool shown;  /* … and was seen */
    size_t have, sent;
    size_t fd_count;
    int fds[MON_FDS];
    uint8_t buf[VU_HEADER_SIZE + MON_PAYLOAD];
};

/* What became of a pipe. */
enum mon_flow {
    MON_IDLE,   /* nothing more to read */
    MON_FULL,   /* the other side does not take it at the moment */
    MON_CLOSED, /* the side that is read from hung up, or can't be passed on faithfully */
    MON_BROKEN  /* the side that is written to did */
};

/* Sees a whole message before it is sent; may put other descriptors in place of those in the pipe. */
typedef void (*mon_message_fn)(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m);

/*
 * An eventfd. Driver and device share it as if nobody stood between them: it is watched, never read or written. Only the
 * kick of a packed ring goes through us, see mon_bell_hang().
 */
struct mon_bell {
    int fd;       /* our copy; -1: none */
    int to;       /* what the device has instead; -1: the same */
    bool known;   /* the first thing that is heard of it is what it was like when we began */
    bool pending; /* it rang, that was told, and nobody had taken it when we looked last */
};
#define MON_NO_BELL ((struct mon_bell){ .fd = -1, .to = -1 })

struct mon_ring {
    uint16_t size;
    uint16_t base;
    struct vu_vring_addr addr;
    bool sized, placed, kickable, enabled, running;
    struct mon_bell kick, call;
    int64_t looked; /* when it was looked at last */
};

/* A socket and what is waited for at it. */
struct mon_socket {
    int fd;           /* -1: none */
    uint32_t waiting; /* 0: nothing, and it is not in the set */
};

enum { MON_LISTENER, MON_FRONT, MON_BACK, MON_CHANNEL_FRONT, MON_CHANNEL_BACK, MON_SOCKETS };

struct mon_region {
    struct vu_region wire;
    void *map;
    size_t map_len;
};

struct vblk_vhost_user_monitor {
    struct vblk_vhost_user_monitor_options options;
    char listen_path[108], connect_path[108];
    int listener;
    int waits, calls;      /* sets of descriptors: what wakes us, and what is only looked at when we are awake */
    struct mon_socket sockets[MON_SOCKETS];
    int front, back;       /* the connection; -1: none */
    bool connecting;       /* a front-end waits for the back-end */
    int64_t deadline;      /* … until then */
    int channel_front, channel_back; /* the back-end's own channel: the front-end's socket, and ours */
    struct mon_pipe *forth, *back_again, *up, *down; /* front to back, back to front; channel: back to front, front to back */
    bool stopped_reading[2]; /* by side */

    uint64_t offered, accepted; /* vhost's own bits included */
    bool features_known;
    uint64_t protocol;
    bool alive;   /* a life of the device began: a ring started since the last reset */
    bool live;    /* … and DRIVER_OK was told */
    bool lost;    /* not a message: nothing is understood any more on this connection */
    uint16_t running;
    struct mon_ring ring[VU_QUEUES_MAX];
    struct mon_region region[VBLK_MEMORY_REGIONS_MAX];
    uint32_t regions;
    struct vblk_vhost_user_monitor_info info;
    char note[256];
};

static inline bool mon_has(const struct vblk_vhost_user_monitor *m, unsigned protocol_bit)
{
    return (m->protocol >> protocol_bit & 1) != 0;
}

/* vhost_user_monitor.c */
void mon_note(struct vblk_vhost_user_monitor *m, const char *fmt, ...) VBLK_PRINTF(2, 3);
void mon_emit(struct vblk_vhost_user_monitor *m, const struct vblk_event *ev);
void mon_close(int *fd);

/* vhost_user_monitor_pipe.c */
void mon_pipe_open(struct mon_pipe *p, int in, int out);
void mon_pipe_close(struct mon_pipe *p);
enum mon_flow mon_pump(struct mon_pipe *p, mon_message_fn seen, void *ctx);

/* vhost_user_monitor_msgs.c: what the messages mean */
void mon_from_front(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m);
void mon_from_back(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m);
void mon_from_channel(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m);
void mon_to_channel(void *ctx, struct mon_pipe *pipe, const struct vu_msg *m);

/* vhost_user_monitor_ring.c */
void mon_rings_clear(struct vblk_vhost_user_monitor *m);
/* Start the ring if all is there that it takes. */
void mon_ring_try(struct vblk_vhost_user_monitor *m, uint16_t queue);
void mon_ring_stopped(struct vblk_vhost_user_monitor *m, uint16_t queue);
/* No ring runs any more; the device is as after power-on. */
void mon_reset(struct vblk_vhost_user_monitor *m);
/* A notification, seen before it is passed on. */
void mon_notified(struct vblk_vhost_user_monitor *m, enum vblk_event_kind kind, uint16_t queue);
void mon_look(struct vblk_vhost_user_monitor *m);
/* See what comes through it from now on. @return what the device is to have instead; -1: nothing else. */
int mon_bell_hang(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick, int fd);
void mon_bell_drop(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick);
/* Something happened to it; @filled: there is something in it now. */
void mon_bell_heard(struct vblk_vhost_user_monitor *m, uint16_t queue, bool kick, bool filled);

/* vhost_user_monitor_wait.c */
bool mon_wait_open(struct vblk_vhost_user_monitor *m);
void mon_wait_close(struct vblk_vhost_user_monitor *m);
/* Wait for what the pipes want now, and for kicks, which are told. @return something is ready at a socket. */
bool mon_wait(struct vblk_vhost_user_monitor *m, int ms, bool *any);
/* Tell of the device's notifications. */
void mon_calls_look(struct vblk_vhost_user_monitor *m);
/* Before a descriptor is closed that others may have, too: it would stay in the set. */
void mon_wait_forget_sockets(struct vblk_vhost_user_monitor *m);

/* vhost_user_monitor_mem.c: regions that can't be mapped are noted and left out */
void mon_set_table(struct vblk_vhost_user_monitor *m, const struct vu_msg *msg, const int *fds, size_t count);
void mon_add_region(struct vblk_vhost_user_monitor *m, const struct vu_region *wire, int fd);
void mon_remove_region(struct vblk_vhost_user_monitor *m, const struct vu_region *wire);
void mon_forget_memory(struct vblk_vhost_user_monitor *m);
bool mon_guest_address(const struct vblk_vhost_user_monitor *m, uint64_t user, uint64_t *gpa);

#endif /* VBLK_VHOST_USER_MON_H */
