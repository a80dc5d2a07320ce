/* SPDX-License-Identifier: BSD-3-Clause */
#include "play.h"
#include "bytes.h"

#include <stdlib.h>

#define CHUNK 4096u

const char no_name[VBLK_STEP_NAME] = "";

/* A row per step kind; DEV_* need a puppet. */
static const struct step_row {
    step_fn play;
    bool puppet;
} rows[VBLK_STEP_COUNT] = {
    [VBLK_STEP_START] = { step_start, false },
    [VBLK_STEP_RESET] = { step_reset, false },
    [VBLK_STEP_REQUEST] = { step_request, false },
    [VBLK_STEP_AVAILABLE] = { step_available, false },
    [VBLK_STEP_PUBLISH] = { step_publish, false },
    [VBLK_STEP_KICK] = { step_kick, false },
    [VBLK_STEP_WAIT] = { step_wait, false },
    [VBLK_STEP_SUBMIT] = { step_submit, false },
    [VBLK_STEP_REG_READ] = { step_reg_read, false },
    [VBLK_STEP_REG_WRITE] = { step_reg_write, false },
    [VBLK_STEP_CONFIG_READ] = { step_config_read, false },
    [VBLK_STEP_CONFIG_WRITE] = { step_config_write, false },
    [VBLK_STEP_STORE] = { step_store, false },
    [VBLK_STEP_LOAD] = { step_load, false },
    [VBLK_STEP_DESC] = { step_desc, false },
    [VBLK_STEP_AVAIL_SLOT] = { step_avail_slot, false },
    [VBLK_STEP_AVAIL_IDX] = { step_avail_idx, false },
    [VBLK_STEP_AVAIL_FLAGS] = { step_avail_flags, false },
    [VBLK_STEP_BARRIER] = { step_barrier, false },
    [VBLK_STEP_LOOK] = { step_look, false },
    [VBLK_STEP_FORGET] = { step_forget, false },
    [VBLK_STEP_HOST] = { step_host, false },
    [VBLK_STEP_DEV_LOAD] = { step_dev_load, true },
    [VBLK_STEP_DEV_STORE] = { step_dev_store, true },
    [VBLK_STEP_DEV_TAKE] = { step_dev_take, true },
    [VBLK_STEP_DEV_DATA] = { step_dev_data, true },
    [VBLK_STEP_DEV_STATUS_BYTE] = { step_dev_status_byte, true },
    [VBLK_STEP_DEV_ELEM] = { step_dev_elem, true },
    [VBLK_STEP_DEV_IDX] = { step_dev_idx, true },
    [VBLK_STEP_DEV_USED_FLAGS] = { step_dev_used_flags, true },
    [VBLK_STEP_DEV_COMPLETE] = { step_dev_complete, true },
    [VBLK_STEP_DEV_NOTIFY] = { step_dev_notify, true },
    [VBLK_STEP_DEV_CONFIG_NOTIFY] = { step_dev_config_notify, true },
    [VBLK_STEP_DEV_STATUS] = { step_dev_status, true },
    [VBLK_STEP_DEV_FEATURES] = { step_dev_features, true },
    [VBLK_STEP_DEV_CONFIG] = { step_dev_config, true },
    [VBLK_STEP_DEV_GENERATION] = { step_dev_generation, true },
    [VBLK_STEP_DEV_QUEUE_MAX] = { step_dev_queue_max, true },
    [VBLK_STEP_DEV_REG] = { step_dev_reg, true },
    [VBLK_STEP_DEV_BARRIER] = { step_dev_barrier, true },
    [VBLK_STEP_DEV_GONE] = { step_dev_gone, true },
    [VBLK_STEP_DEV_POWER_CUT] = { step_dev_power_cut, true },
    [VBLK_STEP_QUIET] = { step_quiet, false },
    [VBLK_STEP_DISK] = { step_disk, true },
    [VBLK_STEP_EXPECT] = { step_expect, false },
    [VBLK_STEP_QUEUE_RESET] = { step_queue_reset, false },
};

struct vblk_player *vblk_player_new(struct vblk_port *port, struct vblk_arena arena, unsigned wait_ms)
{
    struct vblk_player *player = calloc(1, sizeof(*player));

    if (!player)
        return NULL;
    player->records = calloc(PLAY_RECORDS, sizeof(*player->records));
    if (!player->records) {
        free(player);
        return NULL;
    }
    player->port = port;
    player->mem = port->mem;
    player->puppet = puppet_of(port);
    player->arena = arena;
    player->wait_ms = wait_ms;
    return player;
}

void vblk_player_free(struct vblk_player *player)
{
    if (!player)
        return;
    for (size_t i = 0; i < PLAY_QUEUES; i++)
        ring_free(&player->ring[i]);
    free(player->records);
    free(player);
}

struct vblk_surprise *player_surprise(struct vblk_player *player, const char *request)
{
    const uint32_t n = player->out->surprise_count++;
    struct vblk_surprise *surprise;

    if (n >= VBLK_SURPRISES_MAX)
        return NULL;
    surprise = &player->out->surprise[n];
    surprise->step = player->at;
    memcpy(surprise->request, request, VBLK_STEP_NAME - 1);
    return surprise;
}

void player_keep(struct vblk_player *player, const char *name, uint64_t value)
{
    struct play_value *slot = NULL;

    player->last_value = value;
    player->has_value = true;
    for (size_t i = 0; i < PLAY_VALUES && name[0]; i++) {
        if (player->value[i].used && strncmp(player->value[i].name, name, VBLK_STEP_NAME) != 0)
            continue;
        slot = &player->value[i];
        if (slot->used)
            break;
    }
    if (!slot)
        return;
    slot->used = true;
    slot->value = value;
    memcpy(slot->name, name, VBLK_STEP_NAME);
}

bool player_kept(const struct vblk_player *player, const char *name, uint64_t *value)
{
    *value = player->last_value;
    if (!name[0])
        return player->has_value;
    for (size_t i = 0; i < PLAY_VALUES; i++) {
        *value = player->value[i].value;
        if (player->value[i].used && !strncmp(player->value[i].name, name, VBLK_STEP_NAME))
            return true;
    }
    return false;
}

/* An address in no region: past the last, or, where memory reaches to the top, below the first. */
static uint64_t outside(const struct vblk_memory *mem)
{
    struct vblk_region region;
    const size_t count = vblk_memory_region_count(mem);

    if (!count || vblk_memory_region(mem, count - 1, &region))
        return 0;
    if (region.gpa + (region.size - 1) < UINT64_MAX - PLAY_PAGE)
        return (region.gpa + region.size + PLAY_PAGE - 1) / PLAY_PAGE * PLAY_PAGE;
    return 0;
}

static vblk_err resolve_request(struct vblk_player *player, const struct vblk_step *step, uint64_t offset,
                                uint64_t *gpa)
{
    const struct record *record = record_named(player, step->name);

    if (!record)
        return VBLK_E_INVAL;
    if (step->part == VBLK_PART_HEADER)
        *gpa = layout_address(&record->readable, offset);
    else if (step->part == VBLK_PART_OUT)
        *gpa = layout_address(&record->readable, record->req->header_length + offset);
    else if (step->part == VBLK_PART_IN)
        *gpa = layout_address(&record->writable, offset);
    else
        *gpa = layout_address(&record->writable, record->writable.total - !record->req->no_status) + offset;
    return VBLK_OK;
}

vblk_err player_resolve(struct vblk_player *player, const struct vblk_step *step, uint64_t offset, uint64_t *gpa)
{
    struct play_ring *ring;

    *gpa = offset;
    if (step->part == VBLK_PART_NONE)
        return VBLK_OK;
    if (step->part >= VBLK_PART_HEADER && step->part <= VBLK_PART_STATUS_BYTE)
        return resolve_request(player, step, offset, gpa);
    if (step->part == VBLK_PART_SCRATCH && player->scratch)
        *gpa += player->scratch;
    else if (step->part == VBLK_PART_OUTSIDE)
        *gpa += outside(player->mem);
    else if (step->part >= VBLK_PART_SCRATCH || ring_need(player, step->queue, &ring))
        return VBLK_E_INVAL;
    else
        *gpa += step->part == VBLK_PART_DESC    ? ring->at.desc
                : step->part == VBLK_PART_AVAIL ? ring->at.driver
                                                : ring->at.device;
    return VBLK_OK;
}

void player_store(struct vblk_player *player, enum vblk_party party, const struct vblk_step *step, uint64_t gpa)
{
    const struct vblk_bytes *bytes = &step->bytes;
    uint8_t buf[CHUNK];

    if (bytes->length == 2 && step->order && gpa % 2 == 0) {
        bytes_copy(bytes, 0, buf, 2);
        (void)!vblk_memory_store16(player->mem, party, gpa, (enum vblk_order)step->order,
                                   (uint16_t)bytes_number(buf, 2));
        return;
    }
    for (uint64_t at = 0; at < bytes->length; at += CHUNK) {
        const size_t n = bytes->length - at < CHUNK ? (size_t)(bytes->length - at) : CHUNK;

        bytes_copy(bytes, at, buf, n);
        if (vblk_memory_write(player->mem, party, gpa + at, buf, n))
            return;
    }
}

void player_load(struct vblk_player *player, enum vblk_party party, const struct vblk_step *step, uint64_t gpa,
                 uint64_t len, uint64_t *value)
{
    uint8_t buf[CHUNK];
    uint16_t half = 0;

    *value = 0;
    if (len == 2 && step->order && gpa % 2 == 0) {
        (void)!vblk_memory_load16(player->mem, party, gpa, (enum vblk_order)step->order, &half);
        *value = half;
        return;
    }
    for (uint64_t at = 0; at < len; at += CHUNK) {
        const size_t n = len - at < CHUNK ? (size_t)(len - at) : CHUNK;

        if (vblk_memory_read(player->mem, party, gpa + at, buf, n))
            return;
        if (at == 0)
            *value = bytes_number(buf, n);
    }
}

static void emit(struct vblk_player *player, enum vblk_event_kind kind, const char *text)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind,
                                   .party = VBLK_NOBODY,
                                   .bytes = (const uint8_t *)text,
                                   .len = text ? (uint32_t)strlen(text) : 0 };

    vblk_port_emit(player->port, &ev);
}

/* The arena from below: scratch, requests; from above: queues. */
static void divide(struct vblk_player *player)
{
    const struct vblk_arena arena = player->arena;

    player->low = arena.gpa;
    player->high = arena.gpa + arena.size;
    if (arena.size >= 4 * (uint64_t)PLAY_SCRATCH) {
        player->scratch = (arena.gpa + PLAY_PAGE - 1) / PLAY_PAGE * PLAY_PAGE;
        player->low = player->scratch + PLAY_SCRATCH;
    }
}

static vblk_err begin(struct vblk_player *player, const struct vblk_script *script, struct vblk_play *out)
{
    *out = (struct vblk_play){ 0 };
    player->script = script;
    player->out = out;
    player->at = 0;
    player->life = (struct life){ .port = player->port, .wait_ms = player->wait_ms };
    player->has_value = false;
    memset(player->value, 0, sizeof(player->value));
    divide(player);
    records_clear(player);
    for (size_t i = 0; i < PLAY_QUEUES; i++)
        ring_free(&player->ring[i]);
    player->config_notified = player->port->config_notified;
    if (player->puppet && script->puppet.queue_max)
        return vblk_puppet_configure(player->port, &script->puppet);
    return VBLK_OK;
}

static vblk_err play(struct vblk_player *player, const struct vblk_step *step)
{
    const struct step_row *row = step->kind < VBLK_STEP_COUNT ? &rows[step->kind] : NULL;
    vblk_err err;

    if (!row)
        return VBLK_E_INVAL;
    if (row->puppet && !player->puppet)
        return VBLK_E_UNSUPPORTED;
    err = row->play(player, step);
    if (!err && player->puppet && player->puppet->no_memory)
        err = VBLK_E_NOMEM; /* it did not do what the step says, and that is not the script's fault */
    if (err == VBLK_E_FULL)
        err = player->out->hung || player->out->needs_reset ? VBLK_E_TIMEOUT : VBLK_E_INVAL;
    return err;
}

/* Transports that are polled tell only now of what came last. */
static void hear_the_last(struct vblk_player *player)
{
    const struct vblk_port_ops *ops = player->port->ops;

    if (!player->port->gone && !player->puppet && ops && ops->wait)
        (void)!vblk_port_wait(player->port, 0, 0);
}

vblk_err vblk_player_run(struct vblk_player *player, const struct vblk_script *script, struct vblk_play *out)
{
    vblk_err err = begin(player, script, out);

    emit(player, VBLK_EV_CASE_BEGIN, script->name);
    for (; !err && player->at < script->step_count; player->at++) {
        err = play(player, &script->steps[player->at]);
        if (err)
            break;
    }
    hear_the_last(player);
    emit(player, VBLK_EV_CASE_END, NULL);
    out->err = err;
    out->stopped_at = player->at;
    return err == VBLK_E_INVAL || err == VBLK_E_NOMEM ? err : VBLK_OK;
}
