/* SPDX-License-Identifier: BSD-3-Clause */
/* A small vhost-user back-end in a thread, for tests: no disk, and as many bad manners as asked for. */
#ifndef VBLK_VHOST_USER_FAKE_H
#define VBLK_VHOST_USER_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What it does instead of answering a request. */
enum fake_quirk {
    FAKE_LAWFUL,
    FAKE_HANG_UP,     /* close without an answer */
    FAKE_HALF_HEADER, /* close after 6 bytes of the answer */
    FAKE_HALF_BODY,   /* close after the header and 3 bytes more */
    FAKE_HUGE,        /* announce a payload of 2 GiB */
    FAKE_SHORT_BODY,  /* a well-formed answer with 4 bytes of payload */
    FAKE_LONG_BODY,   /* a well-formed answer with 400 bytes of payload */
    FAKE_MORE,        /* 8 bytes more than there should be */
    FAKE_WRONG_NAME,  /* answer another request */
    FAKE_NO_REPLY,    /* without the reply flag */
    FAKE_VERSION,     /* another protocol version */
    FAKE_SILENT,      /* no answer at all */
    FAKE_SLOW,        /* the right answer after 60 ms */
    FAKE_REFUSE,      /* acknowledge with 1 */
    FAKE_WITH_FD,     /* the right answer, with a descriptor that nobody asked for */
    FAKE_ASK_FIRST    /* announce a configuration change, wait for its acknowledgement, then answer */
};

#define FAKE_REGIONS 16u

struct fake {
    /* Set before fake_start(). */
    uint64_t features, protocol, queues, slots;
    uint32_t config_len;  /* longest read that is answered */
    uint32_t config_only; /* if not 0: the only length that is answered */
    uint32_t config_give; /* if not 0: the bytes that come at most, with a matching size */
    uint32_t config_drop; /* if not 0: hang up on longer reads */
    bool calls_early;     /* write the call descriptor as soon as it comes */

    /* May be changed while it runs. */
    atomic_uint quirk, quirk_on, quirk_times;

    /* What it saw. */
    atomic_uint connections, seen[64];
    _Atomic uint64_t driver_features, status, base, num, desc, avail, used, first_gpa, first_user, enabled, config;
    atomic_uint need_replies, regions, acks;

    char dir[32], path[64];
    int listener, command[2], sock, channel, kick[4], call[4], err[4], given;
    void *map;
    uint64_t map_len;
    bool running;
    pthread_t thread;
};

/* A lawful single-queue device with all protocol features, and a configuration of 60 bytes. */
void fake_defaults(struct fake *fake);
void fake_start(struct fake *fake);
void fake_stop(struct fake *fake);
/* 'c': announce a configuration change, 'h': hang up, 'e': signal an error on queue 0, 'u': send a message that nobody
 * asked for, 'x': a message on the back-end's channel that nobody knows, 'b': close that channel, 'g': garbage on it. */
void fake_do(struct fake *fake, char what);

#endif /* VBLK_VHOST_USER_FAKE_H */
