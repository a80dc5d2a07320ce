/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message of the front-end does. One row per request: sizes and descriptors are checked before it is run. */
#define _GNU_SOURCE
#include "vhost_user_back.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* More could be taken: fewer than that keep every walk over them short. */
#define SLOTS 256u

/* SET_VRING_KICK and its like: the ring in the low byte, and whether a descriptor goes with it. */
#define VRING_MASK 0xffu
#define VRING_NO_FD 0x100u

uint64_t back_protocol_offered(const struct vblk_vhost_user_backend *b)
{
    const uint64_t all = VBLK_BIT(VU_PROTOCOL_MQ) | VBLK_BIT(VU_PROTOCOL_REPLY_ACK) | VBLK_BIT(VU_PROTOCOL_BACKEND_REQ) |
                         VBLK_BIT(VU_PROTOCOL_CONFIG) | VBLK_BIT(VU_PROTOCOL_INFLIGHT) |
                         VBLK_BIT(VU_PROTOCOL_RESET_DEVICE) | VBLK_BIT(VU_PROTOCOL_INBAND) |
                         VBLK_BIT(VU_PROTOCOL_MEM_SLOTS) | VBLK_BIT(VU_PROTOCOL_STATUS);
    const uint64_t status = b->options.status == VBLK_STATUS_NOT_OFFERED ? VBLK_BIT(VU_PROTOCOL_STATUS) : 0;

    return all & ~b->options.protocol_features_off & ~status;
}

struct call {
    struct vblk_vhost_user_backend *b;
    struct vu_msg *m;
    struct vu_fds *fds;
};

static enum back_answer reply_u64(const struct call *c, uint64_t value)
{
    c->m->head.size = sizeof(uint64_t);
    c->m->body.u64 = value;
    return BACK_REPLY;
}

static enum back_answer get_features(const struct call *c)
{
    (void)back_read_reg(c->b, VBLK_REG_DEVICE_FEATURES, 0, !back_passes_on(c->b));
    return reply_u64(c, back_offered(c->b) | VBLK_BIT(VU_F_PROTOCOL_FEATURES));
}

static enum back_answer set_features(const struct call *c)
{
    return back_set_features(c->b, c->m->body.u64);
}

/* SET_OWNER, and RESET_OWNER, which the protocol has given up. */
static enum back_answer nothing(const struct call *c)
{
    (void)c;
    return BACK_DONE;
}

static enum back_answer get_protocol_features(const struct call *c)
{
    return reply_u64(c, back_protocol_offered(c->b));
}

static enum back_answer set_protocol_features(const struct call *c)
{
    uint64_t alien = c->m->body.u64 & ~back_protocol_offered(c->b);

    if (alien)
        return back_breach(c->b, "protocol features 0x%llx are accepted that were not offered",
                           (unsigned long long)alien);
    c->b->protocol = c->m->body.u64;
    return BACK_DONE;
}

static enum back_answer get_queue_num(const struct call *c)
{
    (void)back_read_reg(c->b, VBLK_REG_NUM_QUEUES, 0, true);
    return reply_u64(c, c->b->queues);
}

static enum back_answer get_max_mem_slots(const struct call *c)
{
    return reply_u64(c, SLOTS);
}

static enum back_answer set_mem_table(const struct call *c)
{
    return back_set_table(c->b, c->m, c->fds);
}

static enum back_answer add_mem_reg(const struct call *c)
{
    return c->b->regions < SLOTS ? back_add_region(c->b, c->m, c->fds)
                                 : back_refuse(c->b, "more than %u memory regions", SLOTS);
}

static enum back_answer rem_mem_reg(const struct call *c)
{
    return back_remove_region(c->b, c->m);
}

static enum back_answer set_channel(const struct call *c)
{
    back_close(&c->b->channel);
    c->b->channel = c->fds->fd[0];
    c->fds->fd[0] = -1;
    return BACK_DONE;
}

static enum back_answer reset_device(const struct call *c)
{
    back_reset_device(c->b);
    return BACK_DONE;
}

static enum back_answer set_status(const struct call *c)
{
    return back_set_status(c->b, c->m->body.u64);
}

static enum back_answer get_status(const struct call *c)
{
    return reply_u64(c, back_get_status(c->b));
}

/* ---- configuration ---- */

static void config_event(const struct call *c, enum vblk_event_kind kind, uint32_t len)
{
    const struct vblk_event ev = {
        .kind = (uint8_t)kind,
        .party = VBLK_DRIVER,
        .flags = kind == VBLK_EV_CONFIG_READ ? VBLK_EV_EMULATED : 0,
        .len = len,
        .at = c->m->body.config.offset,
        .bytes = len > 0 ? c->m->body.config.bytes : NULL,
    };

    back_emit(c->b, &ev);
}

/* Without bytes: an error at the back-end ("VHOST_USER_GET_CONFIG"). What lies past the end reads as 0. */
static enum back_answer get_config(const struct call *c)
{
    struct vu_config *config = &c->m->body.config;

    if (config->size > VU_CONFIG_MAX) {
        c->m->head.size = 0;
        return BACK_REPLY;
    }
    memset(config->bytes, 0, sizeof(config->bytes));
    config_event(c, VBLK_EV_CONFIG_READ,
                 vblk_device_read_config(c->b->device, config->offset, config->bytes, config->size));
    c->m->head.size = VU_CONFIG_HEAD + config->size;
    return BACK_REPLY;
}

static enum back_answer set_config(const struct call *c)
{
    const struct vu_config *config = &c->m->body.config;

    if (config->size > c->m->head.size - VU_CONFIG_HEAD)
        return back_breach(c->b, "SET_CONFIG of %u bytes in a message of %u", config->size, c->m->head.size);
    config_event(c, VBLK_EV_CONFIG_WRITE, config->size);
    (void)vblk_device_write_config(c->b->device, config->offset, config->bytes, config->size);
    return BACK_DONE;
}

/* ---- rings ---- */

/* A ring that is set up anew was given up, whether GET_VRING_BASE came or not: some only disable it. */
static void give_up(const struct call *c, uint64_t index)
{
    if (index < c->b->queues && c->b->ring[index].running && !back_ring_on(c->b, &c->b->ring[index]))
        (void)back_stop_ring(c->b, (uint16_t)index);
}

/* NULL, with what is wrong in @answer. */
static struct back_ring *ring_of(const struct call *c, uint64_t index, bool idle, enum back_answer *answer)
{
    const char *name = vu_request_row(c->m->head.request)->name;

    *answer = BACK_DONE;
    if (idle)
        give_up(c, index);
    if (index >= c->b->queues)
        *answer = back_breach(c->b, "%s for ring %llu: there are %u", name, (unsigned long long)index, c->b->queues);
    else if (idle && c->b->ring[index].running)
        *answer = back_breach(c->b, "%s for ring %llu while it runs", name, (unsigned long long)index);
    return *answer == BACK_DONE ? &c->b->ring[index] : NULL;
}

static enum back_answer set_vring_num(const struct call *c)
{
    const struct vu_state *state = &c->m->body.state;
    enum back_answer answer;
    struct back_ring *r = ring_of(c, state->index, true, &answer);

    if (!r)
        return answer;
    if (state->num == 0 || state->num > VBLK_SPLIT_SIZE_MAX)
        return back_breach(c->b, "ring %u of %u entries: from 1 to 32768 are possible", state->index, state->num);
    r->num = state->num;
    return BACK_DONE;
}

static enum back_answer set_vring_base(const struct call *c)
{
    enum back_answer answer;
    struct back_ring *r = ring_of(c, c->m->body.state.index, true, &answer);

    if (r)
        r->base = c->m->body.state.num;
    return answer;
}

/* A running ring may get its addresses again, as when it is logged for a migration; it must not move. */
static enum back_answer set_vring_addr(const struct call *c)
{
    const struct vu_vring_addr *addr = &c->m->body.addr;
    enum back_answer answer;
    struct back_ring *r = ring_of(c, addr->index, false, &answer);

    if (!r)
        return answer;
    if (r->running && (addr->desc != r->addr.desc || addr->avail != r->addr.avail || addr->used != r->addr.used))
        return back_breach(c->b, "ring %u is moved while it runs", addr->index);
    r->addr = *addr;
    r->described = true;
    return BACK_DONE;
}

static enum back_answer get_vring_base(const struct call *c)
{
    struct vu_state *state = &c->m->body.state;
    enum back_answer answer;
    struct back_ring *r;

    r = ring_of(c, state->index, false, &answer);
    if (!r)
        return answer;
    state->num = back_stop_ring(c->b, (uint16_t)state->index);
    back_close(&r->kick);
    back_close(&r->call);
    c->m->head.size = sizeof(*state);
    return BACK_REPLY;
}

static enum back_answer set_vring_enable(const struct call *c)
{
    const struct vu_state *state = &c->m->body.state;
    enum back_answer answer;
    struct back_ring *r = ring_of(c, state->index, false, &answer);

    if (!r)
        return answer;
    if (state->num > 1)
        return back_breach(c->b, "SET_VRING_ENABLE with %u for ring %u", state->num, state->index);
    r->enabled = state->num;
    r->again = r->running && r->enabled;
    return BACK_DONE;
}

/* A write or read of it must not stall us. */
static void never_block(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* The ring that the message is about; *fd becomes what came, or -1. */
static struct back_ring *ring_with_fd(const struct call *c, int *fd, enum back_answer *answer)
{
    struct back_ring *r = ring_of(c, c->m->body.u64 & VRING_MASK, false, answer);
    bool wanted = !(c->m->body.u64 & VRING_NO_FD);

    *fd = -1;
    if (!r)
        return NULL;
    if (c->fds->count != wanted) {
        *answer = back_breach(c->b, "%s with %zu descriptors instead of %u", vu_request_row(c->m->head.request)->name,
                              c->fds->count, wanted);
        return NULL;
    }
    if (wanted) {
        *fd = c->fds->fd[0];
        c->fds->fd[0] = -1;
        never_block(*fd);
    }
    return r;
}

static enum back_answer set_vring_kick(const struct call *c)
{
    enum back_answer answer;
    int fd;
    struct back_ring *r = ring_with_fd(c, &fd, &answer);

    if (!r)
        return answer;
    back_close(&r->kick);
    r->kick = fd;
    r->startable = true;
    return BACK_DONE;
}

static enum back_answer set_vring_call(const struct call *c)
{
    enum back_answer answer;
    int fd;
    struct back_ring *r = ring_with_fd(c, &fd, &answer);

    if (!r)
        return answer;
    back_close(&r->call);
    r->call = fd;
    return BACK_DONE;
}

static enum back_answer set_vring_err(const struct call *c)
{
    enum back_answer answer;
    int fd;
    struct back_ring *r = ring_with_fd(c, &fd, &answer);

    if (!r)
        return answer;
    back_close(&r->err);
    r->err = fd;
    return BACK_DONE;
}

/* It starts a ring for which no SET_VRING_KICK comes. */
static enum back_answer vring_kick(const struct call *c)
{
    enum back_answer answer;
    struct back_ring *r = ring_of(c, c->m->body.state.index, false, &answer);

    if (!r)
        return answer;
    r->startable = true;
    answer = back_start_rings(c->b);
    if (answer == BACK_DONE && r->running)
        back_kicked(c->b, (uint16_t)c->m->body.state.index);
    return answer;
}

/* ---- requests in flight ---- */

static int shared_file(uint64_t size)
{
    int fd = memfd_create("vblk-inflight", MFD_CLOEXEC);

    if (fd >= 0 && ftruncate(fd, (off_t)size) < 0)
        back_close(&fd);
    return fd;
}

static enum back_answer get_inflight(const struct call *c)
{
    struct vu_inflight *in = &c->m->body.inflight;
    uint64_t size = in->queues * back_record_size(c->b, in->queue_size);

    if (in->queues == 0 || in->queues > c->b->queues || in->queue_size == 0 || in->queue_size > VBLK_SPLIT_SIZE_MAX)
        return back_breach(c->b, "GET_INFLIGHT_FD for %u rings of %u entries", in->queues, in->queue_size);
    c->fds->fd[0] = shared_file(size);
    if (c->fds->fd[0] < 0)
        return back_breach(c->b, "no memory for the requests in flight: %s", strerror(errno));
    c->fds->count = 1;
    in->size = size;
    in->offset = 0;
    return BACK_REPLY;
}

static enum back_answer set_inflight(const struct call *c)
{
    const struct vu_inflight *in = &c->m->body.inflight;
    struct stat st;
    uint64_t end;

    if (in->queues == 0 || in->queues > c->b->queues || in->queue_size == 0 || in->queue_size > VBLK_SPLIT_SIZE_MAX ||
        in->size == 0 || __builtin_add_overflow(in->offset, in->size, &end))
        return back_breach(c->b, "SET_INFLIGHT_FD for %u rings of %u entries in 0x%llx bytes", in->queues,
                           in->queue_size, (unsigned long long)in->size);
    if (fstat(c->fds->fd[0], &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size < end)
        return back_breach(c->b, "the file of SET_INFLIGHT_FD is shorter than it says");
    if (in->size < in->queues * back_record_size(c->b, in->queue_size))
        return BACK_DONE; /* made for other features: nothing is kept in it */
    back_close(&c->b->inflight.fd);
    c->b->inflight = (struct back_inflight){ c->fds->fd[0], in->offset, in->queues, in->queue_size };
    c->fds->fd[0] = -1;
    for (uint16_t i = 0; i < c->b->queues; i++)
        c->b->ring[i].record_given = true;
    vblk_device_on_buffer(c->b->device, back_record_news, c->b);
    return BACK_DONE;
}

/* ---- the table ---- */

#define ALWAYS (-1)
#define U64 sizeof(uint64_t)
#define STATE sizeof(struct vu_state)
#define TABLE_HEAD offsetof(struct vu_mem_table, region)

/* clang-format off */
static const struct row {
    enum back_answer (*run)(const struct call *c);
    int8_t feature;      /* protocol feature that must be in force */
    uint16_t least, most; /* payload, bytes */
    uint8_t fds, fds_most;
} rows[VU_REQUEST_COUNT] = {
    [VU_GET_FEATURES]          = { get_features,          ALWAYS,                   0,              512, 0, 0 },
    [VU_SET_FEATURES]          = { set_features,          ALWAYS,                   U64,            U64, 0, 0 },
    [VU_SET_OWNER]             = { nothing,               ALWAYS,                   0,              512, 0, 0 },
    [VU_RESET_OWNER]           = { nothing,               ALWAYS,                   0,              512, 0, 0 },
    [VU_SET_MEM_TABLE]         = { set_mem_table,         ALWAYS,                   TABLE_HEAD,     512, 0, VU_FDS_MAX },
    [VU_SET_VRING_NUM]         = { set_vring_num,         ALWAYS,                   STATE,          STATE, 0, 0 },
    [VU_SET_VRING_ADDR]        = { set_vring_addr,        ALWAYS, sizeof(struct vu_vring_addr), sizeof(struct vu_vring_addr), 0, 0 },
    [VU_SET_VRING_BASE]        = { set_vring_base,        ALWAYS,                   STATE,          STATE, 0, 0 },
    [VU_GET_VRING_BASE]        = { get_vring_base,        ALWAYS,                   STATE,          STATE, 0, 0 },
    [VU_SET_VRING_KICK]        = { set_vring_kick,        ALWAYS,                   U64,            U64, 0, 1 },
    [VU_SET_VRING_CALL]        = { set_vring_call,        ALWAYS,                   U64,            U64, 0, 1 },
    [VU_SET_VRING_ERR]         = { set_vring_err,         ALWAYS,                   U64,            U64, 0, 1 },
    [VU_GET_PROTOCOL_FEATURES] = { get_protocol_features, ALWAYS,                   0,              512, 0, 0 },
    [VU_SET_PROTOCOL_FEATURES] = { set_protocol_features, ALWAYS,                   U64,            U64, 0, 0 },
    [VU_GET_QUEUE_NUM]         = { get_queue_num,         VU_PROTOCOL_MQ,           0,              512, 0, 0 },
    [VU_SET_VRING_ENABLE]      = { set_vring_enable,      ALWAYS,                   STATE,          STATE, 0, 0 },
    [VU_SET_BACKEND_REQ_FD]    = { set_channel,           VU_PROTOCOL_BACKEND_REQ,  0,              512, 1, 1 },
    [VU_GET_CONFIG]            = { get_config,            VU_PROTOCOL_CONFIG,       VU_CONFIG_HEAD, 512, 0, 0 },
    [VU_SET_CONFIG]            = { set_config,            VU_PROTOCOL_CONFIG,       VU_CONFIG_HEAD, sizeof(struct vu_config), 0, 0 },
    [VU_GET_INFLIGHT_FD]       = { get_inflight,          VU_PROTOCOL_INFLIGHT,     20, sizeof(struct vu_inflight), 0, 0 },
    [VU_SET_INFLIGHT_FD]       = { set_inflight,          VU_PROTOCOL_INFLIGHT,     20, sizeof(struct vu_inflight), 1, 1 },
    [VU_RESET_DEVICE]          = { reset_device,          VU_PROTOCOL_RESET_DEVICE, 0,              512, 0, 0 },
    [VU_VRING_KICK]            = { vring_kick,            VU_PROTOCOL_INBAND,       STATE,          STATE, 0, 0 },
    [VU_GET_MAX_MEM_SLOTS]     = { get_max_mem_slots,     VU_PROTOCOL_MEM_SLOTS,    0,              512, 0, 0 },
    [VU_ADD_MEM_REG]           = { add_mem_reg,           VU_PROTOCOL_MEM_SLOTS, sizeof(struct vu_mem_reg), sizeof(struct vu_mem_reg), 1, 1 },
    [VU_REM_MEM_REG]           = { rem_mem_reg,           VU_PROTOCOL_MEM_SLOTS, sizeof(struct vu_mem_reg), sizeof(struct vu_mem_reg), 0, 1 },
    [VU_SET_STATUS]            = { set_status,            VU_PROTOCOL_STATUS,       U64,            U64, 0, 0 },
    [VU_GET_STATUS]            = { get_status,            VU_PROTOCOL_STATUS,       0,              512, 0, 0 },
};
/* clang-format on */

enum back_answer back_handle(struct vblk_vhost_user_backend *b, struct vu_msg *m, struct vu_fds *fds)
{
    const struct call c = { b, m, fds };
    const struct row *row = m->head.request < VU_REQUEST_COUNT ? &rows[m->head.request] : NULL;

    if (!row || !row->run)
        return back_breach(b, "request %u, which this back-end does not have and nothing that it offers asks for",
                           m->head.request);
    if (row->feature != ALWAYS && !back_has(b, (unsigned)row->feature))
        return back_breach(b, "%s without the protocol feature %d that it belongs to", vu_request_row(m->head.request)->name,
                           row->feature);
    if (m->head.size < row->least || m->head.size > row->most)
        return back_breach(b, "%s with a payload of %u bytes", vu_request_row(m->head.request)->name, m->head.size);
    if (fds->count < row->fds || fds->count > row->fds_most)
        return back_breach(b, "%s with %zu descriptors", vu_request_row(m->head.request)->name, fds->count);
    return row->run(&c);
}
