/* SPDX-License-Identifier: BSD-3-Clause */
/* Birth, death, and what a device may be. */
#include <stdlib.h>
#include <string.h>

#include "blk.h"

const struct vblk_behaviour blk_lawful = { .name = NULL };

/* 5.2.3 as far as the model goes, with VERSION_1. */
#define MODEL                                                                                                          \
    (VBLK_BIT(VBLK_F_SIZE_MAX) | VBLK_BIT(VBLK_F_SEG_MAX) | VBLK_BIT(VBLK_F_GEOMETRY) | VBLK_BIT(VBLK_F_RO) |          \
     VBLK_BIT(VBLK_F_BLK_SIZE) | VBLK_BIT(VBLK_F_FLUSH) | VBLK_BIT(VBLK_F_TOPOLOGY) | VBLK_BIT(VBLK_F_CONFIG_WCE) |    \
     VBLK_BIT(VBLK_F_MQ) | VBLK_BIT(VBLK_F_DISCARD) | VBLK_BIT(VBLK_F_WRITE_ZEROES) | VBLK_BIT(VBLK_F_LIFETIME) |      \
     VBLK_BIT(VBLK_F_SECURE_ERASE) | VBLK_BIT(VBLK_F_VERSION_1))

/* Section 6, as far as the model goes. */
#define RING                                                                                                           \
    (VBLK_BIT(VBLK_F_INDIRECT_DESC) | VBLK_BIT(VBLK_F_EVENT_IDX) | VBLK_BIT(VBLK_F_RING_PACKED) |                      \
     VBLK_BIT(VBLK_F_IN_ORDER) | VBLK_BIT(VBLK_F_NOTIFICATION_DATA) | VBLK_BIT(VBLK_F_NOTIF_CONFIG_DATA) |               \
     VBLK_BIT(VBLK_F_RING_RESET))

uint64_t vblk_device_ring_features(void)
{
    return RING;
}

uint64_t vblk_device_features(const struct vblk_profile *profile)
{
    uint64_t features = (MODEL | RING) & ~profile->without;

    return profile->provision ? features | VBLK_BIT(profile->provision_bit) : features;
}

void vblk_device_defaults(struct vblk_device_options *options)
{
    *options = (struct vblk_device_options){
        .profile = *vblk_profile_default(),
        .capacity = UINT64_C(1) << 21,
        .size_max = 1u << 20,
        .seg_max = 126,
        .cylinders = 2080,
        .heads = 16,
        .sectors = 63,
        .blk_size = 512,
        .physical_block_exp = 3,
        .min_io_size = 8,
        .opt_io_size = 2048,
        .writeback = true,
        .num_queues = 4,
        .queue_max = 256,
        .max_discard_sectors = 1u << 20,
        .max_discard_seg = 16,
        .discard_sector_alignment = 8,
        .max_write_zeroes_sectors = 1u << 20,
        .max_write_zeroes_seg = 16,
        .write_zeroes_may_unmap = true,
        .max_secure_erase_sectors = 1u << 20,
        .max_secure_erase_seg = 16,
        .secure_erase_sector_alignment = 8,
        .max_provision_sectors = 1u << 20,
        .max_provision_seg = 16,
        .pre_eol_info = 1,
        .est_typ_a = 1,
        .est_typ_b = 2,
        .serial = "vblk-reference",
    };
    options->features = vblk_device_features(&options->profile) & ~RING & ~VBLK_BIT(VBLK_F_RO);
}

static bool offers(const struct vblk_device_options *o, unsigned bit)
{
    return o->features >> bit & 1;
}

static bool capacity_fits(const struct vblk_device_options *o)
{
    return o->capacity <= VBLK_STORE_CAPACITY_MAX;
}

static bool profile_agrees(const struct vblk_device_options *o)
{
    char why[1];

    return vblk_profile_check(&o->profile, why, sizeof why) == VBLK_OK;
}

static bool features_known(const struct vblk_device_options *o)
{
    return !(o->features & ~vblk_device_features(&o->profile));
}

static bool modern(const struct vblk_device_options *o)
{
    return offers(o, VBLK_F_VERSION_1);
}

static bool wce_with_flush(const struct vblk_device_options *o)
{
    return !offers(o, VBLK_F_CONFIG_WCE) || offers(o, VBLK_F_FLUSH);
}

static bool queue_size_lawful(const struct vblk_device_options *o)
{
    return o->queue_max && o->queue_max <= VBLK_SPLIT_SIZE_MAX &&
           (!(o->queue_max & (o->queue_max - 1)) || offers(o, VBLK_F_RING_PACKED));
}

static bool chain_max_fits(const struct vblk_device_options *o)
{
    return o->chain_max <= CHAIN_MAX;
}

static bool has_queues(const struct vblk_device_options *o)
{
    return !offers(o, VBLK_F_MQ) || o->num_queues;
}

static bool window_fits(const struct vblk_device_options *o)
{
    return !o->config_length || (o->config_length >= 8 && o->config_length <= VBLK_CONFIG_MAX);
}

static bool lifetime_lawful(const struct vblk_device_options *o)
{
    return !offers(o, VBLK_F_LIFETIME) || (o->pre_eol_info <= 3 && o->est_typ_a <= 11 && o->est_typ_b <= 11);
}

static bool serial_ends(const struct vblk_device_options *o)
{
    return memchr(o->serial, 0, sizeof o->serial) != NULL;
}

static const struct {
    bool (*holds)(const struct vblk_device_options *options);
    const char *why;
} conditions[] = {
    { capacity_fits, "capacity exceeds 2^55 - 1 sectors, so that byte offsets would not fit 64 bits" },
    { profile_agrees, "the numbers of the profile contradict each other" },
    { features_known, "a feature is offered that the model or the profile does not have" },
    { modern, "VERSION_1 must be offered: the legacy interface is not modelled" },
    { wce_with_flush, "CONFIG_WCE must not be offered without FLUSH" },
    { queue_size_lawful, "the largest queue size must be from 1 to 32768, a power of two without RING_PACKED" },
    { chain_max_fits, "a request can't have more than 65536 descriptors" },
    { has_queues, "MQ is offered with num_queues 0" },
    { window_fits, "the configuration length must be 0 or from 8 to 256 bytes" },
    { lifetime_lawful, "pre_eol_info above 3 and est_typ above 11 are reserved" },
    { serial_ends, "the serial must be NUL-terminated" },
};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* As many segments as any limit allows and one more, for devices that shall misjudge it. */
static uint32_t segment_room(const struct vblk_device_options *o)
{
    uint32_t most = larger(larger(o->max_discard_seg, o->max_write_zeroes_seg),
                           larger(o->max_secure_erase_seg, o->max_provision_seg));

    return most < SEGMENTS_MIN ? SEGMENTS_MIN : most < SEGMENTS_MAX ? most + 1 : SEGMENTS_MAX;
}

static bool allocate(struct vblk_device *device)
{
    device->num_queues = offers(&device->options, VBLK_F_MQ) ? device->options.num_queues : 1;
    device->segment_room = segment_room(&device->options);
    device->held_bufs_room = HELD_BUFS + larger(device->options.queue_max, device->options.chain_max);
    device->queues = calloc(device->num_queues, sizeof *device->queues);
    device->segment = calloc(device->segment_room, sizeof *device->segment);
    device->scratch = malloc(SCRATCH_BYTES);
    device->held = calloc(HELD_MAX, sizeof *device->held);
    device->held_bufs = calloc(device->held_bufs_room, sizeof *device->held_bufs);
    return device->queues && device->segment && device->scratch && device->held && device->held_bufs;
}

struct vblk_device *vblk_device_new(const struct vblk_device_options *options, struct vblk_memory *mem,
                                    const struct vblk_backend *disk, const char **why)
{
    const char *ignored;
    struct vblk_device *device;

    why = why ? why : &ignored;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        if (!conditions[i].holds(options)) {
            *why = conditions[i].why;
            return NULL;
        }
    }
    *why = "no memory left";
    device = calloc(1, sizeof *device);
    if (!device)
        return NULL;
    device->created = *options;
    /* GET_ID pads with NUL, whatever lies behind the first one here. */
    memset(device->created.serial + strlen(options->serial), 0, sizeof options->serial - strlen(options->serial));
    device->options = device->created;
    device->behaviour = options->behaviour ? options->behaviour : &blk_lawful;
    device->chain_most = options->chain_max ? options->chain_max : UINT32_MAX;
    device->mem = mem;
    device->disk = *disk;
    if (!allocate(device)) {
        vblk_device_free(device);
        return NULL;
    }
    blk_ops_init(device);
    blk_config_init(device);
    vblk_device_power_on(device);
    return device;
}

void vblk_device_free(struct vblk_device *device)
{
    if (!device)
        return;
    for (uint32_t i = 0; device->queues && i < device->num_queues; i++)
        vblk_ring_close(&device->queues[i].ring);
    free(device->queues);
    free(device->segment);
    free(device->scratch);
    free(device->held);
    free(device->held_bufs);
    free(device);
}

void vblk_device_on_notify(struct vblk_device *device, vblk_notify_fn notify, void *ctx)
{
    device->notify = notify;
    device->notify_ctx = ctx;
}

void vblk_device_on_buffer(struct vblk_device *device, vblk_buffer_fn told, void *ctx)
{
    device->buffer = told;
    device->buffer_ctx = ctx;
}

void vblk_device_power_on(struct vblk_device *device)
{
    device->hold = false;
    device->reverse = false;
    device->generation = 0;
    memset(device->notes, 0, sizeof device->notes);
    blk_reset(device);
}

void vblk_device_restore(struct vblk_device *device)
{
    device->options = device->created;
    blk_config_init(device);
    vblk_device_power_on(device);
}

uint64_t *vblk_device_notes(struct vblk_device *device)
{
    return device->notes;
}

const struct vblk_behaviour *vblk_device_behaviour(const struct vblk_device *device)
{
    return device->behaviour;
}

void vblk_device_notify(struct vblk_device *device, enum vblk_event_kind kind, uint16_t queue)
{
    if (device->notify)
        device->notify(device->notify_ctx, kind, queue);
}

const struct vblk_backend *vblk_device_disk(const struct vblk_device *device)
{
    return &device->disk;
}

const struct vblk_device_options *vblk_device_options_of(const struct vblk_device *device)
{
    return &device->options;
}

struct vblk_memory *vblk_device_memory(const struct vblk_device *device)
{
    return device->mem;
}

uint64_t vblk_device_accepted(const struct vblk_device *device)
{
    return device->accepted;
}

uint8_t vblk_device_status(const struct vblk_device *device)
{
    return device->status;
}

/* 5.2.6.2, the three cases in which a write becomes stable: without CONFIG_WCE the accepted FLUSH decides. */
bool vblk_device_writes_through(const struct vblk_device *device)
{
    if (blk_accepted(device, VBLK_F_CONFIG_WCE))
        return !device->options.writeback;
    return !blk_accepted(device, VBLK_F_FLUSH);
}
