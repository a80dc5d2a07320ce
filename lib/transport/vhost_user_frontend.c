/* SPDX-License-Identifier: BSD-3-Clause */
/* The port over a vhost-user back-end: opening and closing, configuration, notifications. */
#include "vhost_user_frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000u
#define QUEUE_MAX 256u

static struct vu_frontend *of(struct vblk_port *port)
{
    return (struct vu_frontend *)port;
}

static vblk_err read_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t *value, bool *emulated)
{
    return vu_read_reg(of(port), reg, queue, value, emulated);
}

static vblk_err write_reg(struct vblk_port *port, enum vblk_reg reg, uint16_t queue, uint64_t value, bool *emulated)
{
    return vu_write_reg(of(port), reg, queue, value, emulated);
}

/* Always the whole configuration from offset 0: some back-ends answer nothing else. */
static vblk_err read_config(struct vblk_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    struct vu_frontend *f = of(port);
    uint8_t all[VU_CONFIG_MAX];
    uint32_t have = 0;
    vblk_err err;

    *got = 0;
    memset(buf, 0, len);
    if (f->sock < 0)
        return VBLK_E_GONE;
    if (f->config_length == 0)
        return VBLK_E_UNSUPPORTED;
    err = vu_get_config(f, f->config_length, all, &have);
    if (err != VBLK_OK || offset >= have)
        return vu_gone(err);
    *got = have - offset < len ? have - offset : len;
    memcpy(buf, all + offset, *got);
    return VBLK_OK;
}

static vblk_err write_config(struct vblk_port *port, uint32_t offset, const void *buf, uint32_t len)
{
    struct vu_frontend *f = of(port);
    struct vu_msg m;
    vblk_err err;

    if (f->sock < 0)
        return VBLK_E_GONE;
    if (!vu_has(f, VU_PROTOCOL_CONFIG))
        return VBLK_E_UNSUPPORTED;
    if (len > VU_CONFIG_MAX)
        return VBLK_E_INVAL;
    vu_msg_init(&m, VU_SET_CONFIG);
    m.head.size = VU_CONFIG_HEAD + len;
    m.body.config.offset = offset;
    m.body.config.size = len;
    memcpy(m.body.config.bytes, buf, len);
    f->touched = true;
    err = vu_tell(f, &m, NULL, 0);
    if (err == VBLK_OK)
        err = vu_barrier(f);
    return err == VBLK_E_IO ? VBLK_OK : vu_gone(err); /* refused: a device ignores what can't be written */
}

static vblk_err kick(struct vblk_port *port, uint16_t queue, uint32_t data)
{
    struct vu_frontend *f = of(port);

    (void)data;
    if (f->sock < 0)
        return VBLK_E_GONE;
    return queue < f->queues ? vu_ring_kick(&f->ring[queue]) : VBLK_OK;
}

static vblk_err wait_for(struct vblk_port *port, uint16_t queue, unsigned ms)
{
    (void)queue; /* whatever comes is reported */
    return vu_wait(of(port), ms);
}

static vblk_err recover(struct vblk_port *port)
{
    struct vu_frontend *f = of(port);

    vu_clear_registers(f);
    return vu_gone(vu_connect(f, f->options.timeout_ms));
}

static void close_port(struct vblk_port *port)
{
    vu_hang_up(of(port));
    free(port);
}

static const struct vblk_port_ops ops = {
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_config = read_config,
    .write_config = write_config,
    .kick = kick,
    .wait = wait_for,
    .recover = recover,
    .close = close_port,
};

static struct vu_frontend *new_frontend(const char *socket, struct vblk_memory *mem,
                                        const struct vblk_vhost_user_options *options)
{
    struct vu_frontend *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->port = (struct vblk_port){
        .ops = &ops, .mem = mem, .kind = "vhost-user", .name = f->path, .grade = VBLK_GRADE_SNAPSHOT, .gone_how = f->why
    };
    memcpy(f->path, socket, strlen(socket));
    if (options)
        f->options = *options;
    if (f->options.timeout_ms == 0)
        f->options.timeout_ms = TIMEOUT_MS;
    if (f->options.queue_max == 0)
        f->options.queue_max = QUEUE_MAX;
    f->sock = f->backend = -1;
    for (size_t i = 0; i < VU_QUEUES_MAX; i++)
        f->ring[i] = (struct vu_ring){ .kick = -1, .call = -1, .err = -1 };
    vu_clear_registers(f);
    return f;
}

static vblk_err refuse(vblk_err err, const char *text, char *why, size_t why_size)
{
    if (why && why_size > 0)
        (void)snprintf(why, why_size, "%s", text);
    return err;
}

vblk_err vblk_vhost_user_open(const char *socket, struct vblk_memory *mem,
                              const struct vblk_vhost_user_options *options, struct vblk_port **out, char *why,
                              size_t why_size)
{
    struct vu_frontend *f;
    vblk_err err;

    if (!out || !mem || !socket || socket[0] == '\0' || strlen(socket) >= sizeof(f->path))
        return refuse(VBLK_E_INVAL, "the path of a socket has 1 to 107 bytes", why, why_size);
    *out = NULL;
    f = new_frontend(socket, mem, options);
    if (!f)
        return refuse(VBLK_E_NOMEM, "no memory left", why, why_size);
    err = vu_connect(f, f->options.connect_ms);
    if (err != VBLK_OK) {
        refuse(err, f->why, why, why_size);
        close_port(&f->port);
        return err;
    }
    *out = &f->port;
    return VBLK_OK;
}

const char *vblk_vhost_user_why(const struct vblk_port *port)
{
    return ((const struct vu_frontend *)port)->why;
}

void vblk_vhost_user_info(const struct vblk_port *port, struct vblk_vhost_user_info *out)
{
    const struct vu_frontend *f = (const struct vu_frontend *)port;

    *out = (struct vblk_vhost_user_info){ f->features, f->protocol_offered, f->protocol, f->connections, f->slots };
}
