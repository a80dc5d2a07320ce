/* SPDX-License-Identifier: BSD-3-Clause */
/* The lawful building blocks: lay out, make available, notify, wait. */
#include "play.h"
#include "bytes.h"
#include "pace.h"

static void readable_bytes(const void *ctx, uint64_t offset, void *buf, size_t len)
{
    layout_readable(ctx, offset, buf, len);
}

static void segment_bytes(const void *ctx, uint64_t offset, void *buf, size_t len)
{
    memcpy(buf, (const uint8_t *)((const struct vblk_step_request *)ctx)->segments + offset, len);
}

static vblk_err poison(struct vblk_player *player, const struct record *record)
{
    struct frame frame;
    vblk_err err = VBLK_OK;

    for (bool more = layout_first(&record->writable, &frame); more && !err;
         more = layout_next(&record->writable, &frame))
        err = vblk_memory_fill(player->mem, VBLK_DRIVER, frame.gpa, record->req->poison, frame.len);
    return err;
}

static vblk_err fill_in(struct vblk_player *player, const struct record *record)
{
    const struct vblk_step_request *req = record->req;
    vblk_err err =
        layout_store(player->mem, VBLK_DRIVER, &record->readable, 0, record->readable.total, readable_bytes, req);

    /* The device writes there, so that a reset of the memory must clear it. */
    vblk_memory_touch(player->mem, record->begin, record->end - record->begin);
    if (!err && req->prefill)
        err = poison(player, record);
    if (!err)
        err = layout_store(player->mem, VBLK_DRIVER, &record->writable, 0, layout_writable_segments(req), segment_bytes,
                           req);
    return err ? VBLK_E_INVAL : VBLK_OK; /* an arena outside memory is the caller's mistake */
}

vblk_err step_request(struct vblk_player *player, const struct vblk_step *step)
{
    struct play_ring *ring;
    struct record *record;
    vblk_err err = ring_need(player, step->queue, &ring);

    if (!err)
        err = record_new(player, step, &record);
    if (err)
        return err;
    err = ring_describe(player, record);
    return err ? err : fill_in(player, record);
}

vblk_err step_available(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record = record_named(player, step->name);

    return record ? ring_make_available(player, record) : VBLK_E_INVAL;
}

vblk_err step_publish(struct vblk_player *player, const struct vblk_step *step)
{
    struct play_ring *ring;
    const vblk_err err = ring_need(player, step->queue, &ring);

    if (!err)
        ring_publish(player, step->queue);
    return err;
}

vblk_err step_kick(struct vblk_player *player, const struct vblk_step *step)
{
    const uint32_t data = step->a_given ? (uint32_t)step->a : ring_kick_data(player, step->queue);
    struct play_ring *ring;

    if (!step->b) {
        const vblk_err err = ring_need(player, step->queue, &ring);

        if (err || !ring_kick_wanted(player, step->queue))
            return err;
    }
    return vblk_port_kick(player->port, step->queue, data);
}

/* Look at the queues that owe something. @return whether what is waited for has come. */
static bool look(struct vblk_player *player, const struct record *record, uint64_t serial)
{
    bool owed = false;

    if (record) {
        ring_reap(player, record->queue);
        return record->state == RECORD_ENDED || record->serial != serial;
    }
    for (uint16_t i = 0; i < PLAY_QUEUES; i++) {
        if (!player->ring[i].out)
            continue;
        ring_reap(player, i);
        owed = owed || player->ring[i].out;
    }
    return !owed;
}

/* A configuration change may announce DEVICE_NEEDS_RESET. */
static vblk_err check_health(struct vblk_player *player, bool always)
{
    bool needs = false;
    vblk_err err;

    if (!always && player->config_notified == player->port->config_notified)
        return VBLK_OK;
    player->config_notified = player->port->config_notified;
    err = life_needs_reset(&player->life, &needs);
    player->out->needs_reset = player->out->needs_reset || needs;
    return err;
}

static void quiet(struct vblk_player *player, uint16_t queue, unsigned ms)
{
    const struct vblk_event ev = { .kind = VBLK_EV_QUIET, .party = VBLK_NOBODY, .queue = queue, .value = ms };

    vblk_port_emit(player->port, &ev);
}

/* Time is up: on each queue that owes an answer, say so. */
static vblk_err run_out(struct vblk_player *player, const struct record *record, unsigned ms)
{
    const vblk_err err = check_health(player, true);

    for (uint16_t i = 0; i < PLAY_QUEUES; i++) {
        if (record ? i != record->queue || record->state != RECORD_OUT : !player->ring[i].out)
            continue;
        player->out->hung = true;
        quiet(player, i, ms);
    }
    return err;
}

static vblk_err wait_for(struct vblk_player *player, const struct record *record, unsigned ms)
{
    const uint64_t serial = record ? record->serial : 0;
    const bool was_sick = player->out->needs_reset;
    struct pace pace = pace_start(ms);
    vblk_err err = VBLK_OK;

    while (!look(player, record, serial)) {
        err = pace_wait(&pace, player->port, record ? record->queue : 0);
        if (err == VBLK_E_TIMEOUT)
            return run_out(player, record, ms);
        if (!err)
            err = check_health(player, false);
        if (err || (player->out->needs_reset && !was_sick))
            break;
    }
    return err;
}

static unsigned limit(const struct vblk_player *player, const struct vblk_step *step)
{
    return !step->a_given ? player->wait_ms : step->a < 3600000 ? (unsigned)step->a : 3600000;
}

vblk_err step_wait(struct vblk_player *player, const struct vblk_step *step)
{
    const struct record *record = step->name[0] ? record_named(player, step->name) : NULL;

    if (step->name[0] && !record)
        return VBLK_E_INVAL;
    if (record && record->state == RECORD_ENDED)
        return VBLK_OK;
    return wait_for(player, record, limit(player, step));
}

vblk_err step_submit(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record;
    vblk_err err = step_request(player, step);

    if (err)
        return err;
    record = player->last;
    err = ring_make_available(player, record);
    if (err)
        return err;
    ring_publish(player, step->queue);
    if (ring_kick_wanted(player, step->queue))
        err = vblk_port_kick(player->port, step->queue, ring_kick_data(player, step->queue));
    return err ? err : wait_for(player, record, limit(player, step));
}

vblk_err step_look(struct vblk_player *player, const struct vblk_step *step)
{
    struct play_ring *ring;
    const vblk_err err = ring_need(player, step->queue, &ring);

    if (!err)
        ring_reap(player, step->queue);
    return err;
}

vblk_err step_forget(struct vblk_player *player, const struct vblk_step *step)
{
    struct record *record = record_named(player, step->name);

    if (!record)
        return VBLK_E_INVAL;
    ring_forget_one(player, record);
    return VBLK_OK;
}

vblk_err step_quiet(struct vblk_player *player, const struct vblk_step *step)
{
    const unsigned ms = limit(player, step);

    if (!player->puppet)
        return wait_for(player, NULL, ms);
    quiet(player, step->queue, ms);
    return VBLK_OK;
}
