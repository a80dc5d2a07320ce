/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vhost-user messages: layouts, the table of requests, and how one is sent and received.
 * Section titles in comments are those of the protocol document (QEMU, docs/interop/vhost-user.rst).
 */
#ifndef VBLK_VHOST_USER_MSG_H
#define VBLK_VHOST_USER_MSG_H

#include <poll.h>

#include <vblk/base.h>

/* "Front-end message types". */
enum vu_request {
    VU_GET_FEATURES = 1,
    VU_SET_FEATURES = 2,
    VU_SET_OWNER = 3,
    VU_RESET_OWNER = 4,
    VU_SET_MEM_TABLE = 5,
    VU_SET_VRING_NUM = 8,
    VU_SET_VRING_ADDR = 9,
    VU_SET_VRING_BASE = 10,
    VU_GET_VRING_BASE = 11,
    VU_SET_VRING_KICK = 12,
    VU_SET_VRING_CALL = 13,
    VU_SET_VRING_ERR = 14,
    VU_GET_PROTOCOL_FEATURES = 15,
    VU_SET_PROTOCOL_FEATURES = 16,
    VU_GET_QUEUE_NUM = 17,
    VU_SET_VRING_ENABLE = 18,
    VU_SET_BACKEND_REQ_FD = 21,
    VU_GET_CONFIG = 24,
    VU_SET_CONFIG = 25,
    VU_GET_INFLIGHT_FD = 31,
    VU_SET_INFLIGHT_FD = 32,
    VU_RESET_DEVICE = 34,
    VU_VRING_KICK = 35,
    VU_GET_MAX_MEM_SLOTS = 36,
    VU_ADD_MEM_REG = 37,
    VU_REM_MEM_REG = 38,
    VU_SET_STATUS = 39,
    VU_GET_STATUS = 40,
    VU_REQUEST_COUNT
};

/* "Back-end message types": those that a block device needs. */
enum { VU_BACKEND_CONFIG_CHANGE = 2, VU_BACKEND_VRING_CALL = 4, VU_BACKEND_VRING_ERR = 5 };

/* Feature bits that share the virtio word but belong to vhost. */
enum { VU_F_LOG_ALL = 26, VU_F_PROTOCOL_FEATURES = 30 };

/* "Protocol features". */
enum {
    VU_PROTOCOL_MQ = 0,
    VU_PROTOCOL_REPLY_ACK = 3,
    VU_PROTOCOL_BACKEND_REQ = 5,
    VU_PROTOCOL_CONFIG = 9,
    VU_PROTOCOL_INFLIGHT = 12,
    VU_PROTOCOL_RESET_DEVICE = 13,
    VU_PROTOCOL_INBAND = 14,
    VU_PROTOCOL_MEM_SLOTS = 15,
    VU_PROTOCOL_STATUS = 16
};

/* Header flags: version in the low two bits. */
enum { VU_VERSION = 1, VU_VERSION_MASK = 3, VU_REPLY = 4, VU_NEED_REPLY = 8 };

#define VU_FDS_MAX 8u      /* descriptors in one message, regions in one table */
#define VU_CONFIG_MAX 256u /* configuration bytes in one message */
#define VU_QUEUES_MAX 256u /* a vring index has 8 bits where a descriptor goes with it */
#define VU_HEADER_SIZE 12u
#define VU_CONFIG_HEAD 12u /* offset, size and flags before the configuration bytes */

/* All numbers are in the byte order of the host. */
struct vu_state {
    uint32_t index;
    uint32_t num;
};
struct vu_vring_addr {
    uint32_t index;
    uint32_t flags;
    uint64_t desc;
    uint64_t used;
    uint64_t avail;
    uint64_t log;
};
struct vu_region {
    uint64_t gpa;
    uint64_t size;
    uint64_t user;
    uint64_t offset;
};
struct vu_mem_table {
    uint32_t count;
    uint32_t padding;
    struct vu_region region[VU_FDS_MAX];
};
struct vu_mem_reg {
    uint64_t padding;
    struct vu_region region;
};
struct vu_inflight {
    uint64_t size;
    uint64_t offset;
    uint16_t queues;
    uint16_t queue_size;
};
struct vu_config {
    uint32_t offset;
    uint32_t size;
    uint32_t flags;
    uint8_t bytes[VU_CONFIG_MAX];
};

struct vu_msg {
    struct {
        uint32_t request;
        uint32_t flags;
        uint32_t size; /* of the payload, bytes */
    } head;
    union {
        uint64_t u64;
        struct vu_state state;
        struct vu_vring_addr addr;
        struct vu_mem_table table;
        struct vu_mem_reg mem;
        struct vu_inflight inflight;
        struct vu_config config;
        uint8_t bytes[512];
    } body;
};

/* What goes over the wire for one request. */
struct vu_request_row {
    const char *name;
    uint16_t size;      /* payload of the request; the most that is sent where it varies */
    uint16_t reply_min; /* payload of the reply; 0 and 0: no reply of its own */
    uint16_t reply_max;
};

/* The row of a request; an unknown one has the name "?" and no sizes. */
const struct vu_request_row *vu_request_row(uint32_t request);
/* Zero m and fill its header for a request, with the size that the table gives. */
void vu_msg_init(struct vu_msg *m, enum vu_request request);

/* Milliseconds on a clock that only goes forward. */
int64_t vu_now(void);
/* poll() that restarts after signals and returns 0 at the deadline. */
int vu_poll(struct pollfd *fds, nfds_t count, int64_t deadline);
/*
 * Send m, with descriptors, over the non-blocking socket sock.
 * VBLK_OK, VBLK_E_TIMEOUT, or VBLK_E_GONE if the peer hung up.
 */
vblk_err vu_send(int sock, const struct vu_msg *m, const int *fds, size_t count, int64_t deadline);
/*
 * Receive one message into m. Descriptors that come with it are never installed in this process.
 * VBLK_OK, VBLK_E_TIMEOUT, VBLK_E_GONE (hang-up, also in mid message), or VBLK_E_IO: the header, which is in m,
 * is not one of this protocol or announces more than m can hold.
 */
vblk_err vu_recv(int sock, struct vu_msg *m, int64_t deadline);

/* Descriptors that came with a message. */
struct vu_fds {
    int fd[VU_FDS_MAX];
    size_t count;
};
/* The same, and keep the descriptors: none after an error. More of them than VU_FDS_MAX are VBLK_E_IO, too. */
vblk_err vu_recv_fds(int sock, struct vu_msg *m, struct vu_fds *fds, int64_t deadline);
/* Close those that nobody took: what was taken is -1. */
void vu_close_fds(struct vu_fds *fds);

#endif /* VBLK_VHOST_USER_MSG_H */
