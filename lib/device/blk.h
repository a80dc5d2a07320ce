/* SPDX-License-Identifier: BSD-3-Clause */
/* The device from the inside. */
#ifndef VBLK_DEVICE_BLK_H
#define VBLK_DEVICE_BLK_H

#include <vblk/device.h>

#include "ring.h"

/* Bytes through which data goes that a backend can't show in place, and in which segments arrive. */
#define SCRATCH_BYTES 65536u
/* Segments of one request that are kept: so many at least, so many at most. */
#define SEGMENTS_MIN 256u
#define SEGMENTS_MAX 65536u
#define HELD_MAX 1024u
#define HELD_BUFS 4096u
/* Descriptors of one request at most. */
#define CHAIN_MAX 65536u

#define OP_TYPES 16u

struct queue {
    uint32_t size;
    uint64_t desc, driver, device;
    bool enabled;
    bool stopped;   /* after a fault, until reset */
    bool completed; /* something was used since the last notification */
    bool waiting;   /* more is available than could be held */
    uint32_t taken; /* buffers */
    uint32_t asked; /* EVENT_IDX: how many were taken when a notification of the next one was asked for */
    bool passing;   /* IN_ORDER: the last request done has no answer yet, the next one's may stand for it */
    uint16_t passed_id;
    uint32_t passed_len;
    bool resumes;              /* when it is enabled next */
    struct vblk_resume resume; /* … from there */
    struct vblk_ring ring;
};

/* A place among buffers: buffer i begins at byte base. */
struct cursor {
    uint32_t i;
    uint64_t base;
};

/* What became of a request so far: all zero at first. */
struct progress {
    struct cursor out, in; /* where the last copy ended, in the readable and the writable part */
    uint64_t written;      /* writable bytes stored, from the first one on without a gap */
    uint32_t segments, segment_flags;
    bool wrote;            /* any writable byte was stored at all */
};

struct vblk_request {
    struct vblk_chain chain; /* readable elements, then writable ones */
    uint16_t queue;
    struct vblk_request_header header; /* zero where it is missing */
    struct progress done;
};

/* A configuration field that the device shows. */
struct config_field {
    uint16_t offset;
    uint16_t member; /* where its value lies in struct vblk_device_options */
    uint8_t width;
    bool truth; /* a bool */
};
#define CONFIG_FIELDS_MAX 32u

struct vblk_device {
    struct vblk_device_options options; /* in force: limits that the host changed, the cache mode that the driver set */
    struct vblk_device_options created; /* as given */
    const struct vblk_behaviour *behaviour; /* never NULL */
    uint64_t notes[VBLK_DEVICE_NOTES];
    struct vblk_memory *mem;
    struct vblk_backend disk;
    vblk_notify_fn notify;
    void *notify_ctx;
    vblk_buffer_fn buffer;
    void *buffer_ctx;

    uint8_t status;
    uint64_t driver_features; /* as written */
    uint64_t accepted;        /* granted with FEATURES_OK; 0 before */
    uint16_t num_queues;
    struct queue *queues;

    uint32_t generation;
    uint32_t config_length;
    struct config_field field[CONFIG_FIELDS_MAX];
    uint32_t fields;
    uint8_t config[VBLK_CONFIG_MAX];

    const struct vblk_op *op[OP_TYPES]; /* rows by type, as far as types are that small */
    const struct vblk_op *granted[OP_TYPES]; /* of these, the ones that the accepted features allow … */
    uint8_t (*bare[OP_TYPES])(struct vblk_device *device, struct vblk_request *req); /* … and want nothing else checked */
    struct vblk_op provision; /* the row with the profile's numbers */
    struct vblk_op secure_erase;
    bool malformed_resets; /* AMB-15 */
    uint32_t chain_most; /* descriptors of a request */

    struct vblk_range *segment;
    uint32_t segment_room;
    uint8_t *scratch;

    bool wrote; /* of the request that is answered now, for put_used */
    bool hold, reverse;
    struct vblk_request *held;
    uint32_t held_count;
    struct vblk_element *held_bufs;
    uint32_t held_bufs_used, held_bufs_room;
};

static inline bool blk_offers(const struct vblk_device *device, unsigned bit)
{
    return device->options.features >> bit & 1;
}
static inline bool blk_accepted(const struct vblk_device *device, unsigned bit)
{
    return device->accepted >> bit & 1;
}

/* config.c */
void blk_config_init(struct vblk_device *device);
void blk_config_set_writeback(struct vblk_device *device, bool writeback);

/* regs.c */
void blk_reset(struct vblk_device *device);
void blk_queue_reset(struct vblk_device *device, uint16_t queue);
/* DEVICE_NEEDS_RESET with its notification. */
void blk_fail(struct vblk_device *device);
void blk_config_changed(struct vblk_device *device);

/* device.c: what a device does that was given no behaviour: nothing is replaced */
extern const struct vblk_behaviour blk_lawful;

/* request.c; more of framing is inline, in frame.h */
/* The header, from wherever its bytes are. @return false: some are missing. */
bool blk_fetch_header(struct vblk_device *device, struct vblk_request *req);
/* There is none: it counts as zero. Always false. */
bool blk_no_header(struct vblk_request *req);

/* segments.c */
VBLK_NODISCARD vblk_err blk_fetch_segments(struct vblk_device *device, struct vblk_request *req);

/* ops.c */
void blk_ops_init(struct vblk_device *device);
/* The accepted features are others now. */
void blk_ops_grant(struct vblk_device *device);
bool blk_in_range(const struct vblk_device *device, uint64_t sector, uint64_t count);
/* Whether segments are asked for, and the last one is not there as a whole. */
bool blk_cut_short(const struct vblk_device *device, const struct vblk_request *req);
/* The row of a request's type; NULL: unknown, or its feature was not negotiated. */
const struct vblk_op *blk_op_of(const struct vblk_device *device, const struct vblk_request *req);
/* What is not bare of data and effects; op: NULL means UNSUPP. More of execution is inline, in frame.h. */
uint8_t blk_execute_row(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op);

/* serve.c */
/* Forget what is held of @p queue. */
void blk_forget_held(struct vblk_device *device, uint16_t queue);

#endif
