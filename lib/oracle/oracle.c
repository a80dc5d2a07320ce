/* SPDX-License-Identifier: BSD-3-Clause */
/* The oracle's life, and what each kind of event sets in motion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "express.h"
#include "judge.h"

#define QUEUES_DEFAULT 64u

struct vblk_oracle *vblk_oracle_new(const struct vblk_oracle_options *options, struct vblk_memory *mem)
{
    struct vblk_oracle *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return NULL;
    o->opt = *options;
    o->mem = mem;
    if (o->opt.queues_max == 0)
        o->opt.queues_max = QUEUES_DEFAULT;
    o->queues = calloc(o->opt.queues_max, sizeof(*o->queues));
    o->active = calloc(o->opt.queues_max, sizeof(*o->active));
    o->tally = calloc(vblk_clause_count(), sizeof(*o->tally));
    o->held = calloc(vblk_clause_count(), sizeof(*o->held));
    o->choices = calloc(vblk_clause_count(), sizeof(*o->choices));
    o->chosen = calloc(vblk_clause_count(), sizeof(*o->chosen));
    o->scratch = malloc(SCRATCH);
    o->busy = busy_new();
    bool shadow = shadow_open(&o->shadow, options->disk_zero);
    bool lists = dispatch_build(o);
    if (o->queues == NULL || o->active == NULL || o->tally == NULL || o->held == NULL || o->choices == NULL ||
        o->chosen == NULL || o->scratch == NULL || o->busy == NULL || !notify_open(o) || !shadow || !lists) {
        vblk_oracle_free(o);
        return NULL;
    }
    for (uint16_t i = 0; i < o->opt.queues_max; i++)
        o->queues[i].no = i;
    shadow_track(&o->shadow, options->power_cuts);
    control_find_fields(o);
    control_power_on(&o->ctl);
    o->settings = 1;
    express_open(o);
    return o;
}

void vblk_oracle_free(struct vblk_oracle *o)
{
    if (o == NULL)
        return;
    for (uint32_t i = 0; o->queues != NULL && i < o->opt.queues_max; i++)
        queue_close(o, &o->queues[i]);
    notify_close(o);
    vblk_memory_snapshot_free(o->image);
    shadow_close(&o->shadow);
    busy_free(o->busy);
    free(o->scratch);
    dispatch_free(o);
    free(o->chosen);
    free(o->choices);
    free(o->held);
    free(o->tally);
    free(o->active);
    free(o->queues);
    free(o);
}

void vblk_oracle_reset(struct vblk_oracle *o, bool forget_disk, bool disk_zero)
{
    express_settle(o);
    queue_drop_all(o);
    notify_forget(o);
    notify_forget_names(o);
    for (uint32_t i = 0; i < o->active_count; i++)
        o->queues[o->active[i]].size = 0;
    o->active_count = 0;
    o->returned_next = 0;
    o->gone = false;
    o->abuse = NO_ABUSE;
    o->stability = o->stability_at_cut = NOT_STABLE;
    o->power_cuts = o->unflushed = 0;
    o->distrusted = false;
    memset(&o->provisioned, 0, sizeof(o->provisioned));
    o->ctl.offered_ever = o->ctl.negotiated_ever = 0;
    o->ctl.limit_known = 0;
    o->ctl.device_sees_status = o->ctl.status_reads_seen = o->ctl.generation_seen = false;
    control_power_on(&o->ctl);
    o->counted = 0;
    repeat_count(o);
    memset(o->tally, 0, vblk_clause_count() * sizeof(*o->tally));
    memset(o->held, 0, vblk_clause_count() * sizeof(*o->held));
    memset(o->choices, 0, vblk_clause_count() * sizeof(*o->choices));
    o->violation_count = 0;
    o->sight_lost = 0;
    o->settings++;
    o->disk_unsettled &= !forget_disk;
    if (forget_disk)
        shadow_forget(&o->shadow, disk_zero);
    express_look(o);
}

/* ---- registers ---- */

static void reset_completed(struct vblk_oracle *o, const struct vblk_event *ev)
{
    judge_moment(o, AT_RESET, &(struct look){ .ev = ev });
    queue_drop_all(o);
    o->distrusted = false;
    o->unflushed = 0; /* it was said at this reset, if at all */
    if (o->abuse == ABUSED)
        o->abuse = ABUSED_THEN_RESET;
}

static void note_active(struct vblk_oracle *o, uint16_t no)
{
    for (uint32_t i = 0; i < o->active_count; i++)
        if (o->active[i] == no)
            return;
    o->active[o->active_count++] = no;
}

/* What a device makes of a live queue that is moved, nobody knows; most do not notice. */
static void move_part(struct queue *q, uint64_t *part, uint64_t to)
{
    q->touched = true;
    if (!q->enabled)
        *part = to;
}

static void queue_reg(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = queue_at(o, ev->queue);
    if (q == NULL)
        return;
    switch (ev->reg) {
    case VBLK_REG_QUEUE_SIZE:
        q->touched = true;
        if (!q->enabled)
            q->size = ev->value <= VBLK_SPLIT_SIZE_MAX ? (uint16_t)ev->value : 0;
        break;
    case VBLK_REG_QUEUE_DESC:
        move_part(q, &q->desc, ev->value);
        break;
    case VBLK_REG_QUEUE_DRIVER:
        move_part(q, &q->driver, ev->value);
        break;
    case VBLK_REG_QUEUE_DEVICE:
        move_part(q, &q->device, ev->value);
        break;
    case VBLK_REG_QUEUE_ENABLE:
        if (ev->value == 1) {
            if (!q->enabled || negotiated(o, VBLK_F_RING_RESET))
                queue_enable(o, ev);
            note_active(o, ev->queue);
            judge_moment(o, AT_QUEUE_ENABLE, &(struct look){ .ev = ev, .q = q });
        } else if (o->opt.late) {
            if (q->chains != NULL)
                queue_drop(o, q);
            q->enabled = false; /* the device let go of it */
        } else if (q->enabled && (ev->flags & VBLK_EV_EMULATED) == 0) {
            queue_set_lost(o, q, true); /* the driver: whether that stops the queue is up to the transport */
        }
        break;
    default:
        break;
    }
}

static void on_reg_read(struct vblk_oracle *o, const struct vblk_event *ev)
{
    bool was_done = o->ctl.reset_done;
    if (o->ctl.reset_asked && ev->reg == VBLK_REG_STATUS && ev->value == 0)
        access_compare_image(o, ev); /* while it is known what was in flight, and may have been answered until now */
    judge_moment(o, AT_REG_READ, &(struct look){ .ev = ev, .q = queue_at(o, ev->queue) });
    control_reg(o, ev);
    if (!was_done && o->ctl.reset_done)
        reset_completed(o, ev);
}

static void on_reg_write(struct vblk_oracle *o, const struct vblk_event *ev)
{
    bool pending = o->ctl.reset_asked;
    judge_moment(o, AT_REG_WRITE, &(struct look){ .ev = ev, .q = queue_at(o, ev->queue) });
    control_reg(o, ev);
    if (pending && ev->reg == VBLK_REG_STATUS && ev->value != 0)
        queue_drop_all(o); /* a driver that does not wait for its reset */
    queue_reg(o, ev);
}

static void on_config(struct vblk_oracle *o, const struct vblk_event *ev)
{
    if ((ev->flags & VBLK_EV_EMULATED) == 0)
        judge_moment(o, ev->kind == VBLK_EV_CONFIG_READ ? AT_CONFIG_READ : AT_CONFIG_WRITE, &(struct look){ .ev = ev });
    if (ev->kind == VBLK_EV_CONFIG_WRITE)
        o->mode_changed = o->seq;
    control_config(o, ev);
}

/* ---- notifications and looks ---- */

static void scan(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev)
{
    if (o->opt.late) {
        late_scan(o, q, ev);
        return;
    }
    if (!sees(o, VBLK_SEES_DRIVER_STORES))
        queue_scan_available(o, q, ev);
    if (!sees(o, VBLK_SEES_DEVICE_STORES))
        queue_scan_used(o, q, ev);
}

static void scan_all(struct vblk_oracle *o, const struct vblk_event *ev)
{
    for (uint32_t i = 0; i < o->active_count; i++)
        scan(o, &o->queues[o->active[i]], ev);
}

static void on_kick(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = queue_at(o, ev->queue);
    if (q != NULL)
        scan(o, q, ev);
    judge_moment(o, AT_KICK, &(struct look){ .ev = ev, .q = q });
    if (q != NULL)
        q->since_kick = 0;
}

static void on_used_notify(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = queue_at(o, ev->queue);
    if (q != NULL)
        scan(o, q, ev);
    judge_moment(o, AT_USED_NOTIFY, &(struct look){ .ev = ev, .q = q });
    if (q != NULL) {
        q->since_notify = 0;
        q->notified++;
    }
}

static void on_config_notify(struct vblk_oracle *o, const struct vblk_event *ev)
{
    judge_moment(o, AT_CONFIG_NOTIFY, &(struct look){ .ev = ev });
    control_notified(o);
}

static void on_look(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct queue *q = queue_at(o, ev->queue);
    if (q == NULL)
        return;
    if (o->opt.late && ev->value != 0 && q->enabled && !q->packed && !q->lost && !q->blind)
        late_lose_sight(o, q);
    scan(o, q, ev);
}

/* Each buffer that is still owed is judged once per QUIET. */
static void on_quiet(struct vblk_oracle *o, const struct vblk_event *ev)
{
    struct chain *next;
    scan_all(o, ev);
    for (struct chain *c = o->oldest; c != NULL; c = next) {
        next = c->newer;
        judge_moment(o, AT_QUIET, &(struct look){ .ev = ev, .q = &o->queues[c->queue], .chain = c });
    }
}

/* ---- comings and goings ---- */

static void on_gone(struct vblk_oracle *o, const struct vblk_event *ev)
{
    scan_all(o, ev);
    access_compare_image(o, ev);
    judge_moment(o, AT_GONE, &(struct look){ .ev = ev });
    queue_drop_all(o);
    o->gone = true;
}

static void on_back(struct vblk_oracle *o, const struct vblk_event *ev)
{
    queue_drop_all(o);
    o->abuse = NO_ABUSE;
    o->distrusted = false;
    control_power_on(&o->ctl);
    o->ctl.fresh = true;
    o->gone = false;
    judge_moment(o, AT_BACK, &(struct look){ .ev = ev });
}

static void on_power_cut(struct vblk_oracle *o, const struct vblk_event *ev)
{
    access_compare_image(o, ev);
    queue_drop_all(o);
    o->stability_at_cut = o->stability;
    o->stability = NOT_STABLE;
    o->power_cuts++;
    if (ev->value == 1 && !o->disk_unsettled)
        shadow_power_cut(&o->shadow);
    else
        shadow_forget(&o->shadow, false); /* the medium itself is gone, or nobody knows what it held */
    o->disk_unsettled = false;
    judge_moment(o, AT_POWER_CUT, &(struct look){ .ev = ev });
    control_power_on(&o->ctl);
    o->ctl.fresh = true;
}

static void on_case_begin(struct vblk_oracle *o, const struct vblk_event *ev)
{
    (void)ev;
    o->in_case = true;
    if (!sees(o, VBLK_SEES_DRIVER_STORES) || sees(o, VBLK_SEES_DEVICE_STORES))
        return;
    if (o->image == NULL)
        o->image = vblk_memory_snapshot(o->mem);
    else
        access_resync(o); /* what happened between two cases is nobody's doing */
}

static void on_case_end(struct vblk_oracle *o, const struct vblk_event *ev)
{
    /* A driver that has asked for a reset may have found another use for its rings, which is not seen. */
    if (!o->ctl.reset_asked || sees(o, VBLK_SEES_DRIVER_STORES))
        scan_all(o, ev);
    if (o->image != NULL)
        access_compare_image(o, ev);
    judge_moment(o, AT_CASE_END, &(struct look){ .ev = ev });
    o->in_case = false;
}

static void on_barrier(struct vblk_oracle *o, const struct vblk_event *ev)
{
    if (ev->party <= VBLK_DEVICE && ev->order >= VBLK_RELEASE)
        o->barriers[ev->party] = o->seq;
}

static void (*const handlers[VBLK_EV_COUNT])(struct vblk_oracle *, const struct vblk_event *) = {
    [VBLK_EV_REG_READ] = on_reg_read,         [VBLK_EV_REG_WRITE] = on_reg_write,
    [VBLK_EV_CONFIG_READ] = on_config,        [VBLK_EV_CONFIG_WRITE] = on_config,
    [VBLK_EV_BARRIER] = on_barrier,           [VBLK_EV_KICK] = on_kick,
    [VBLK_EV_USED_NOTIFY] = on_used_notify,   [VBLK_EV_CONFIG_NOTIFY] = on_config_notify,
    [VBLK_EV_LOOK] = on_look,                 [VBLK_EV_QUIET] = on_quiet,
    [VBLK_EV_GONE] = on_gone,                 [VBLK_EV_BACK] = on_back,
    [VBLK_EV_POWER_CUT] = on_power_cut,       [VBLK_EV_CASE_BEGIN] = on_case_begin,
    [VBLK_EV_CASE_END] = on_case_end,
};

/* Events that may change more than rings and buffers. */
#define EVENT(kind) (1u << VBLK_EV_##kind)
#define SETTINGS (~(EVENT(BARRIER) | EVENT(KICK) | EVENT(USED_NOTIFY) | EVENT(LOOK)))

static inline bool passes(struct vblk_lane *lane, const struct vblk_event *ev)
{
    const enum vblk_event_kind kind = (enum vblk_event_kind)ev->kind;
    const enum vblk_party party = (enum vblk_party)ev->party;

    return vblk_lane_ring(lane, kind, party, ev->at, ev->len, ev->bytes) ||
           vblk_lane_any(lane, kind, party, ev->at, ev->len, ev->bytes);
}

/* Accesses that are as usual. A memory that tells this oracle itself has asked before it made the event. */
static inline bool express(struct vblk_oracle *o, const struct vblk_event *ev)
{
    const struct queue *q = o->express.q;
    const vblk_quick_fn *ways = q != NULL && q->packed ? express_packed : express_split;

    if (q == NULL || (ev->kind != VBLK_EV_LOAD && ev->kind != VBLK_EV_STORE) || ev->flags != 0 || ev->bytes == NULL ||
        ev->party >= VBLK_NOBODY || ev->len >= INT32_MAX)
        return false;
    if (o->mem->tap_ctx == o && (o->mem->quick == ways || o->mem->watched == STEERED))
        return false;
    vblk_memory_set_quick(o->mem, vblk_oracle_observe, o, &o->express.lane, ways);
    return passes(&o->express.lane, ev) ||
           ways[VBLK_QUICK_OF(ev->kind, ev->party)](o, ev->at, ev->len, ev->bytes, (enum vblk_order)ev->order);
}

void vblk_oracle_observe(void *oracle, const struct vblk_event *ev)
{
    struct vblk_oracle *o = oracle;

    if (express(o, ev))
        return;
    express_settle(o);
    if ((ev->kind == VBLK_EV_STORE || ev->kind == VBLK_EV_LOAD) && ev->party == VBLK_DEVICE)
        express_spoil(o);
    o->seq++;
    if (ev->kind == VBLK_EV_STORE) {
        access_store(o, ev);
        notify_access(o, ev);
    } else if (ev->kind == VBLK_EV_LOAD) {
        access_load(o, ev);
        notify_access(o, ev);
    } else if (ev->kind < VBLK_EV_COUNT && handlers[ev->kind] != NULL) {
        o->settings += (SETTINGS >> ev->kind & 1);
        if (!o->opt.late)
            notify_before(o, ev);
        handlers[ev->kind](o, ev);
        if (!o->opt.late)
            notify_after(o, ev);
        if ((SETTINGS >> ev->kind & 1) != 0)
            provision_see(o, ev);
        o->settings += (SETTINGS >> ev->kind & 1); /* some handlers judge before they change something */
    }
    express_look(o);
}

struct vblk_tally vblk_oracle_tally(const struct vblk_oracle *oracle, vblk_clause_no no)
{
    struct vblk_tally none = { 0 };
    if (no >= vblk_clause_count())
        return none;
    repeat_count((struct vblk_oracle *)(uintptr_t)oracle);
    struct vblk_tally tally = oracle->tally[no];
    tally.held += oracle->held[no];
    if (oracle->choices[no] != NULL)
        snprintf(tally.choice, sizeof(tally.choice), "%s", oracle->choices[no]);
    return tally;
}

uint32_t vblk_oracle_sight_lost(const struct vblk_oracle *oracle)
{
    return oracle->sight_lost;
}

size_t vblk_oracle_violation_count(const struct vblk_oracle *oracle)
{
    express_settle((struct vblk_oracle *)(uintptr_t)oracle);
    return oracle->violation_count;
}

const struct vblk_violation *vblk_oracle_violation(const struct vblk_oracle *oracle, size_t i)
{
    return i < oracle->violation_count ? &oracle->violation[i] : NULL;
}
