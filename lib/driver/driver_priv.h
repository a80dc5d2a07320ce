/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the lawful driver. */
#ifndef VBLK_DRIVER_PRIV_H
#define VBLK_DRIVER_PRIV_H

#include <vblk/driver.h>

#include "config.h"
#include "life.h"
#include "ring.h"

#define DRIVER_QUEUES 64u
#define DRIVER_HEADER ((uint32_t)sizeof(struct vblk_request_header))

struct vblk_driver {
    struct vblk_port *port;
    struct vblk_driver_options options;
    struct life life;
    struct limits limits;
    bool live;                /* DRIVER_OK set, and nothing happened since that only a reset mends */
    uint32_t config_notified; /* of the port, when the limits were read */
    struct vblk_ring ring[DRIVER_QUEUES];
    uint16_t queues, next_queue;
    uint32_t queue_size;     /* the smallest */
    struct vblk_buf *bufs;   /* [queue_size] */
    uint64_t room_gpa, room; /* where requests are put, one at a time: header, data, status */
};

/* queues.c: place, enable, close. */
vblk_err driver_queues(struct vblk_driver *driver);
void driver_close_queues(struct vblk_driver *driver);

/* One request as it goes over the ring: at most one of out and in. */
struct job {
    uint32_t type;
    uint64_t sector;
    const void *out;
    void *in;
    uint32_t len; /* bytes of out or in */
};

/* request.c */
/* Look for news: DEVICE_NEEDS_RESET is VBLK_E_STATE; after a configuration change the limits are read anew. */
vblk_err driver_refresh(struct vblk_driver *driver);
/* How many bytes of data one request may carry now. */
uint64_t driver_data_max(const struct vblk_driver *driver);
/* Send @job and wait for its answer. @return what it came to; *status is valid with VBLK_OK and VBLK_E_IO. */
vblk_err driver_do(struct vblk_driver *driver, const struct job *job, uint8_t *status);

#endif
