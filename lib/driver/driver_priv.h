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

/*
 * Indirect tables of buffers that the caller lays out, one for each that can be in flight; longer chains than a table
 * has entries are not indirect.
 */
#define DRIVER_TABLE 8u
struct tables {
    uint64_t gpa;    /* 0: there are none */
    uint16_t *free;  /* [size] stack of free ones */
    uint16_t *of_id; /* [size] the table of a buffer in flight, plus 1 */
    uint32_t left;   /* free ones */
};

struct driver_queue {
    struct vblk_ring ring;
    struct tables tables;
    uint16_t notify_id; /* what notifications call it */
};

struct vblk_driver {
    struct vblk_port *port;
    struct vblk_driver_options options;
    const struct vblk_driver_behaviour *behaviour; /* never NULL */
    struct life life;
    struct limits limits;
    uint16_t live;            /* queues that may be used: 0 before DRIVER_OK, and after what only a reset mends */
    uint32_t config_notified; /* of the port, when the limits were read */
    struct driver_queue *queue; /* [DRIVER_QUEUES] */
    uint64_t table_gpa; /* for the one request of a blocking call, [queue_size] entries; 0: none */
    uint16_t queues, next_queue;
    uint32_t queue_size;     /* the smallest */
    struct vblk_element *bufs;   /* [queue_size] */
    uint64_t room_gpa, room; /* where requests are put, one at a time: header, data, status */
};

static inline bool driver_has(const struct vblk_driver *driver, unsigned bit)
{
    return (driver->life.accepted & VBLK_BIT(bit)) != 0;
}

/* driver.c: read what the configuration says now. */
vblk_err driver_limits(struct vblk_driver *driver);
/* queues.c: place, enable, close. */
vblk_err driver_queues(struct vblk_driver *driver);
void driver_close_queues(struct vblk_driver *driver);

/* tables.c */
/* Room for the tables of one queue, and of blocking requests. Without room there are no tables: VBLK_E_NOMEM only. */
vblk_err driver_make_tables(struct vblk_driver *driver, uint16_t queue);
void driver_make_table(struct vblk_driver *driver);
void driver_free_tables(struct tables *tables);
void driver_clear_tables(struct tables *tables, uint32_t size);
/* Add a buffer to a queue through a table; there must be a free one, with room for it. */
vblk_err driver_add_in_table(struct driver_queue *q, const struct vblk_element *bufs, uint32_t n, uint16_t *id);
/* The same for the one request of a blocking call. */
vblk_err driver_add_one(struct vblk_driver *driver, uint16_t queue, uint32_t n, uint16_t *id);
/* A buffer is back, of a queue that has tables. */
void driver_return_table(struct tables *tables, uint16_t id);

/* notify.c */
/* Make buffers available, and notify the device if it wants that. */
vblk_err driver_publish(struct vblk_driver *driver, uint16_t queue, uint32_t count);
/* reap() came to @err; if that there is no answer, with EVENT_IDX: ask to be notified of the next one, and look again. */
vblk_err driver_reap_late(struct vblk_ring *ring, struct vblk_used *used, vblk_err err);
/* Take an answer. */
static inline vblk_err driver_reap(struct vblk_ring *ring, struct vblk_used *used)
{
    const vblk_err err = ring->ops->reap(ring, used);

    return !err ? VBLK_OK : driver_reap_late(ring, used, err);
}
/* queues.c: a piece of the arena for good. */
vblk_err driver_take_room(struct vblk_driver *driver, uint64_t bytes, uint64_t *gpa);

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
