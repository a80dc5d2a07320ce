/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio-mmio bus over QEMU's qtest socket, and the search for the device on it. */
#include <vblk/qtest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qtest_wire.h"

#define TIMEOUT_MS 5000u
#define BASE 0xfeb00000u
#define STRIDE 512u
#define SLOTS 32u
#define LEGACY_VERSION 1u

struct qtest {
    struct qtest_wire wire;
    uint64_t base;
    uint32_t stride, slots;
    uint64_t device; /* address of the registers */
};

static vblk_err bus_read(void *ctx, uint32_t offset, unsigned width, uint32_t *value)
{
    struct qtest *q = ctx;

    return qtest_read(&q->wire, q->device + offset, width, value);
}

static vblk_err bus_write(void *ctx, uint32_t offset, unsigned width, uint32_t value)
{
    struct qtest *q = ctx;

    return qtest_write(&q->wire, q->device + offset, width, value);
}

/* Empty slots say 0 for a DeviceID, and what is no transport at all has no magic value. */
static vblk_err look_at(struct qtest *q, uint64_t slot, bool *found, bool *legacy)
{
    uint32_t magic = 0, version = 0, id = 0;
    vblk_err err = qtest_read(&q->wire, slot + VBLK_MMIO_MAGIC_VALUE, 4, &magic);

    if (err || magic != VBLK_MMIO_MAGIC)
        return err;
    err = qtest_read(&q->wire, slot + VBLK_MMIO_VERSION, 4, &version);
    if (!err)
        err = qtest_read(&q->wire, slot + VBLK_MMIO_DEVICE_ID, 4, &id);
    *found = !err && version == 2 && id == VBLK_DEVICE_ID_BLOCK;
    *legacy = *legacy || (!err && version == LEGACY_VERSION && id == VBLK_DEVICE_ID_BLOCK);
    return err;
}

static vblk_err find_device(struct qtest *q)
{
    bool found = false, legacy = false;

    for (uint32_t i = 0; i < q->slots; i++) {
        vblk_err err = look_at(q, q->base + (uint64_t)i * q->stride, &found, &legacy);

        if (err)
            return err;
        q->device = q->base + (uint64_t)i * q->stride;
        if (found)
            return VBLK_OK;
    }
    (void)snprintf(q->wire.why, sizeof(q->wire.why), "no virtio block device in the %u slots from 0x%llx%s", q->slots,
                   (unsigned long long)q->base,
                   legacy ? ", only a legacy one (-global virtio-mmio.force-legacy=false makes it a modern one)" : "");
    return VBLK_E_UNSUPPORTED;
}

static vblk_err bus_recover(void *ctx)
{
    struct qtest *q = ctx;
    vblk_err err = q->wire.sock < 0 ? qtest_connect(&q->wire, 0) : VBLK_OK;

    return err ? err : find_device(q);
}

static void bus_close(void *ctx)
{
    struct qtest *q = ctx;

    qtest_hang_up(&q->wire);
    free(q);
}

static struct qtest *new_qtest(const char *socket, const struct vblk_qtest_options *options)
{
    struct qtest *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    memcpy(q->wire.path, socket, strlen(socket));
    q->wire.sock = -1;
    q->wire.timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    q->base = options->base ? options->base : BASE;
    q->stride = options->stride ? options->stride : STRIDE;
    q->slots = options->slots ? options->slots : SLOTS;
    return q;
}

static vblk_err refuse(vblk_err err, const char *text, char *why, size_t why_size)
{
    if (why && why_size > 0)
        (void)snprintf(why, why_size, "%s", text);
    return err == VBLK_E_TIMEOUT ? VBLK_E_GONE : err;
}

static vblk_err open_device(struct qtest *q, struct vblk_memory *mem, const struct vblk_qtest_options *options,
                            struct vblk_port **out)
{
    const struct vblk_mmio_bus bus = {
        .ctx = q,
        .read = bus_read,
        .write = bus_write,
        .recover = bus_recover,
        .close = bus_close,
        .gone_how = q->wire.why,
    };
    const struct vblk_mmio_options how = { .profile = options->profile, .name = q->wire.path };
    vblk_err err = qtest_connect(&q->wire, options->connect_ms);
    char why[sizeof(q->wire.why)];

    if (!err)
        err = find_device(q);
    if (err)
        return err;
    err = vblk_mmio_open(&bus, mem, &how, out, why, sizeof(why));
    if (err)
        memcpy(q->wire.why, why, sizeof(why));
    return err;
}

vblk_err vblk_qtest_open(const char *socket, struct vblk_memory *mem, const struct vblk_qtest_options *options,
                         struct vblk_port **out, char *why, size_t why_size)
{
    static const struct vblk_qtest_options defaults = { 0 };
    struct qtest *q;
    vblk_err err;

    if (!out || !mem || !socket || socket[0] == '\0' || strlen(socket) >= sizeof(q->wire.path))
        return refuse(VBLK_E_INVAL, "the path of a socket has 1 to 107 bytes", why, why_size);
    *out = NULL;
    options = options ? options : &defaults;
    q = new_qtest(socket, options);
    if (!q)
        return refuse(VBLK_E_NOMEM, "no memory left", why, why_size);
    err = open_device(q, mem, options, out);
    if (err) {
        err = refuse(err, q->wire.why, why, why_size);
        bus_close(q);
    }
    return err;
}
