/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static void must(bool good)
{
    if (!good)
        abort();
}

static void tap(void *ctx, const struct vblk_event *ev)
{
    struct world *w = ctx;
    vblk_oracle_observe(w->o, ev);
}

static void tap_driver(void *ctx, const struct vblk_event *ev)
{
    struct world *w = ctx;
    if (ev->party == VBLK_DRIVER)
        vblk_oracle_observe(w->o, ev);
}

void world_open(struct world *w, uint32_t sees, bool disk_zero)
{
    struct vblk_oracle_options options = { .profile = *vblk_profile_default(), .sees = sees, .disk_zero = disk_zero,
                                           .judge_driver = true, .power_cuts = true };
    memset(w, 0, sizeof(*w));
    w->mem = vblk_memory_new();
    must(w->mem != NULL);
    must(vblk_memory_add(w->mem, &(struct vblk_region){ .gpa = 0, .size = 1 << 20, .fd = -1 }) == VBLK_OK);
    w->o = vblk_oracle_new(&options, w->mem);
    must(w->o != NULL);
    if ((sees & VBLK_SEES_DEVICE_STORES) != 0)
        vblk_memory_set_tap(w->mem, tap, w);
    else if ((sees & VBLK_SEES_DRIVER_STORES) != 0)
        vblk_memory_set_tap(w->mem, tap_driver, w);
    world_event(w, VBLK_EV_CASE_BEGIN, 0);
}

void world_close(struct world *w)
{
    vblk_oracle_free(w->o);
    vblk_memory_free(w->mem);
}

void world_reg(struct world *w, enum vblk_event_kind kind, enum vblk_reg reg, uint64_t value)
{
    struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_DRIVER, .reg = (uint16_t)reg, .value = value };
    vblk_oracle_observe(w->o, &ev);
}

void world_event(struct world *w, enum vblk_event_kind kind, uint64_t value)
{
    struct vblk_event ev = { .kind = (uint8_t)kind, .value = value };
    vblk_oracle_observe(w->o, &ev);
}

void world_config(struct world *w, uint32_t offset, const void *bytes, uint32_t len)
{
    struct vblk_event ev = { .kind = VBLK_EV_CONFIG_READ, .at = offset, .len = len, .bytes = bytes };
    vblk_oracle_observe(w->o, &ev);
}

static void status(struct world *w, uint8_t value)
{
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_STATUS, value);
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_STATUS, value);
}

void world_start(struct world *w, uint64_t offered, uint64_t accepted)
{
    const vblk_le64 capacity = vblk_put64(2048);

    status(w, 0);
    w->avail_idx = w->used_idx = 0;
    world_store(w, VBLK_DRIVER, WORLD_AVAIL, "\0\0\0\0", 4);
    world_store(w, VBLK_DRIVER, WORLD_USED, "\0\0\0\0", 4);
    status(w, 1);
    status(w, 3);
    world_reg(w, VBLK_EV_REG_READ, VBLK_REG_DEVICE_FEATURES, offered);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_DRIVER_FEATURES, accepted);
    status(w, 11);
    world_config(w, 0, &capacity, sizeof(capacity));
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_SIZE, WORLD_SIZE);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DESC, WORLD_DESC);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DRIVER, WORLD_AVAIL);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_DEVICE, WORLD_USED);
    world_reg(w, VBLK_EV_REG_WRITE, VBLK_REG_QUEUE_ENABLE, 1);
    status(w, 15);
}

void world_store(struct world *w, enum vblk_party who, uint64_t gpa, const void *bytes, size_t len)
{
    must(vblk_memory_write(w->mem, who, gpa, bytes, len) == VBLK_OK);
}

void world_desc(struct world *w, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
    struct vblk_desc d = { vblk_put64(gpa), vblk_put32(len), vblk_put16(flags), vblk_put16(next) };
    world_store(w, VBLK_DRIVER, WORLD_DESC + 16u * i, &d, sizeof(d));
}

uint64_t world_data(uint16_t n)
{
    return WORLD_BUFFERS + 0x4000u * n + 0x1000;
}

uint64_t world_request(struct world *w, uint16_t n, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
                       uint32_t in_len)
{
    struct vblk_request_header head = { vblk_put32(type), vblk_put32(0), vblk_put64(sector) };
    uint64_t base = WORLD_BUFFERS + 0x4000u * n, status_at = base + 0x3000;
    uint16_t first = (uint16_t)(3 * n), data = (uint16_t)(first + 1), last = (uint16_t)(first + 2);

    world_store(w, VBLK_DRIVER, base, &head, sizeof(head));
    world_store(w, VBLK_DRIVER, status_at, "\xa5", 1);
    if (out_len > 0)
        world_store(w, VBLK_DRIVER, world_data(n), out, out_len);
    world_desc(w, first, base, sizeof(head), VBLK_DESC_NEXT, out_len + in_len > 0 ? data : last);
    if (out_len + in_len > 0)
        world_desc(w, data, world_data(n), out_len + in_len, (uint16_t)(VBLK_DESC_NEXT | (in_len > 0 ? VBLK_DESC_WRITE : 0)),
                   last);
    world_desc(w, last, status_at, 1, VBLK_DESC_WRITE, 0);
    return status_at;
}

void world_available(struct world *w, uint16_t head)
{
    vblk_le16 slot = vblk_put16(head);
    world_store(w, VBLK_DRIVER, WORLD_AVAIL + 4 + 2u * (w->avail_idx % WORLD_SIZE), &slot, 2);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_RELEASE);
    must(vblk_memory_store16(w->mem, VBLK_DRIVER, WORLD_AVAIL + 2, VBLK_RELEASE, ++w->avail_idx) == VBLK_OK);
    vblk_memory_barrier(w->mem, VBLK_DRIVER, VBLK_FULL);
    world_event(w, VBLK_EV_KICK, 0);
}

void world_used(struct world *w, uint32_t id, uint32_t len)
{
    struct vblk_used_elem e = { vblk_put32(id), vblk_put32(len) };
    world_store(w, VBLK_DEVICE, WORLD_USED + 4 + 8u * (w->used_idx % WORLD_SIZE), &e, sizeof(e));
    must(vblk_memory_store16(w->mem, VBLK_DEVICE, WORLD_USED + 2, VBLK_RELEASE, ++w->used_idx) == VBLK_OK);
    world_event(w, VBLK_EV_USED_NOTIFY, 0);
}

void world_answer(struct world *w, uint16_t n, const void *in, uint32_t in_len, uint8_t value)
{
    uint64_t base = WORLD_BUFFERS + 0x4000u * n;
    if (in_len > 0)
        world_store(w, VBLK_DEVICE, world_data(n), in, in_len);
    world_store(w, VBLK_DEVICE, base + 0x3000, &value, 1);
    world_used(w, 3u * n, in_len + 1);
}

struct vblk_tally world_tally(const struct world *w, const char *id)
{
    return vblk_oracle_tally(w->o, vblk_clause_find(id));
}

const char *world_blamed_else(const struct world *w, const char *const *allowed)
{
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *c = vblk_clause_at(no);
        bool fine = vblk_oracle_tally(w->o, no).broken == 0;
        for (const char *const *a = allowed; !fine && *a != NULL; a++)
            fine = strcmp(*a, c->id) == 0;
        if (!fine)
            return c->id;
    }
    return NULL;
}
