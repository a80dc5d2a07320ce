/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference device behind registers and the judge, put together over the caller's memory. */
#include "bed.h"

#include <stdlib.h>

void vblk_testbed_defaults(struct vblk_testbed_options *options)
{
    *options = (struct vblk_testbed_options){ .later = false };
    vblk_device_defaults(&options->device);
    options->device.features |=
        VBLK_BIT(VBLK_F_INDIRECT_DESC) | VBLK_BIT(VBLK_F_EVENT_IDX) | VBLK_BIT(VBLK_F_RING_PACKED);
}

static bool add_memory(struct vblk_testbed *bed, const struct vblk_region *ram, size_t regions, const char **why)
{
    bed->mem = vblk_memory_new();
    for (size_t i = 0; bed->mem && i < regions; i++) {
        if (vblk_memory_add(bed->mem, &ram[i]) != VBLK_OK) {
            *why = "a region is empty, overlaps another one or does not fit";
            return false;
        }
    }
    return bed->mem != NULL;
}

static bool add_device(struct vblk_testbed *bed, const char **why)
{
    const uint64_t capacity = bed->options.device.capacity;
    struct vblk_backend disk;

    bed->store = vblk_store_new(capacity <= VBLK_STORE_CAPACITY_MAX ? capacity : 0);
    if (!bed->store)
        return false;
    disk = vblk_store_backend(bed->store);
    bed->options.device.features &= ~VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA); /* virtio-mmio has no register for it */
    bed->device = vblk_device_new(&bed->options.device, bed->mem, &disk, why);
    bed->regs = bed->device ? vblk_mmio_device_new(bed->device) : NULL;
    return bed->regs != NULL;
}

static bool add_judge(struct vblk_testbed *bed)
{
    const struct vblk_oracle_options options = {
        .profile = bed->options.device.profile,
        .readings = bed->options.device.readings,
        .strictness = bed->options.strictness,
        .sees = TESTBED_SEES,
        .disk_zero = true,
        .lockstep = true,
        .judge_driver = true,
    };

    bed->oracle = vblk_oracle_new(&options, bed->mem);
    if (!bed->oracle)
        return false;
    vblk_memory_set_tap(bed->mem, vblk_oracle_observe, bed->oracle);
    vblk_mmio_device_observe(bed->regs, vblk_oracle_observe, bed->oracle);
    return true;
}

static void tell(struct vblk_testbed *bed, enum vblk_event_kind kind, uint16_t queue, uint64_t value)
{
    const struct vblk_event ev = { .kind = (uint8_t)kind, .party = VBLK_NOBODY, .queue = queue, .value = value };

    vblk_oracle_observe(bed->oracle, &ev);
}

/* The judge learns that status can be read here, and what it is: the device may ask for a reset that nobody notices. */
static void show_status(struct vblk_testbed *bed)
{
    const struct vblk_event ev = {
        .kind = VBLK_EV_REG_READ,
        .party = VBLK_NOBODY,
        .reg = VBLK_REG_STATUS,
        .value = vblk_device_status(bed->device),
    };

    vblk_oracle_observe(bed->oracle, &ev);
}

struct vblk_testbed *vblk_testbed_new(const struct vblk_testbed_options *options, const struct vblk_region *ram,
                                      size_t regions, const char **why)
{
    struct vblk_testbed *bed = calloc(1, sizeof(*bed));
    const char *unused;

    why = why ? why : &unused;
    *why = "no memory left";
    if (!bed)
        return NULL;
    bed->options = *options;
    if (!add_memory(bed, ram, regions, why) || !add_device(bed, why) || !add_judge(bed)) {
        vblk_testbed_free(bed);
        return NULL;
    }
    vblk_mmio_device_on_interrupt(bed->regs, options->interrupt, options->interrupt_ctx);
    vblk_device_hold(bed->device, options->later);
    tell(bed, VBLK_EV_CASE_BEGIN, 0, 0);
    show_status(bed);
    return bed;
}

void vblk_testbed_free(struct vblk_testbed *bed)
{
    if (!bed)
        return;
    vblk_mmio_device_free(bed->regs);
    vblk_device_free(bed->device);
    vblk_store_free(bed->store);
    vblk_oracle_free(bed->oracle);
    vblk_memory_free(bed->mem);
    free(bed);
}

uint32_t vblk_testbed_read(struct vblk_testbed *bed, uint32_t offset, unsigned width)
{
    return vblk_mmio_device_read(bed->regs, offset, width);
}

void vblk_testbed_write(struct vblk_testbed *bed, uint32_t offset, unsigned width, uint32_t value)
{
    vblk_mmio_device_write(bed->regs, offset, width, value);
}

bool vblk_testbed_interrupt(const struct vblk_testbed *bed)
{
    return vblk_mmio_device_interrupt(bed->regs);
}

static uint16_t queues(const struct vblk_testbed *bed)
{
    return vblk_device_options_of(bed->device)->num_queues;
}

/* What the driver did until now comes before what the device does next. */
static void look_at_all(struct vblk_testbed *bed)
{
    for (uint16_t i = 0; i < queues(bed); i++)
        tell(bed, VBLK_EV_LOOK, i, 0);
}

void vblk_testbed_run(struct vblk_testbed *bed)
{
    look_at_all(bed);
    vblk_device_hold(bed->device, false);
    vblk_device_hold(bed->device, bed->options.later);
    look_at_all(bed);
}

/* A rule of both sides may be broken by a device that is wrong on purpose. */
static bool driver_broke(const struct vblk_testbed *bed, vblk_clause_no no)
{
    const struct vblk_violation *v;

    if (vblk_clause_at(no)->bound == VBLK_BOUND_DEVICE || vblk_oracle_tally(bed->oracle, no).broken == 0)
        return false;
    for (size_t i = 0; (v = vblk_oracle_violation(bed->oracle, i)) != NULL; i++)
        if (v->clause == no && v->guilty == VBLK_DRIVER && v->severity == VBLK_BROKEN_RULE)
            return true;
    return vblk_clause_at(no)->bound == VBLK_BOUND_DRIVER;
}

/* Long enough that a notification which has not come by then is none that is on its way. */
#define QUIET_MS 1000u

unsigned vblk_testbed_finish(struct vblk_testbed *bed)
{
    unsigned rules = 0;

    if (!bed->finished) {
        vblk_testbed_run(bed);
        for (uint16_t i = 0; i < queues(bed); i++)
            tell(bed, VBLK_EV_QUIET, i, QUIET_MS);
        tell(bed, VBLK_EV_CASE_END, 0, 0);
        bed->finished = true;
    }
    for (vblk_clause_no no = 0; no < vblk_clause_count(); no++)
        rules += driver_broke(bed, no);
    return rules;
}

struct vblk_device *vblk_testbed_device(struct vblk_testbed *bed)
{
    return bed->device;
}

struct vblk_store *vblk_testbed_store(struct vblk_testbed *bed)
{
    return bed->store;
}

struct vblk_oracle *vblk_testbed_oracle(struct vblk_testbed *bed)
{
    return bed->oracle;
}
