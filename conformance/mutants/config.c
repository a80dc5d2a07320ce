/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration, features and registers shown wrongly: a field and a number each. */
#include "generic.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }
#define SHOWS(field_, number) .behaviour.read_config = show_value, .field = field_, .value = number
#define BY_WIDTH(field_) .behaviour.read_config = show_by_width, .field = field_
#define OFFERS(bits) .behaviour.show_features = offer, .value = (bits)
#define HIDES(bits) .behaviour.show_features = offer, .other = (bits)
#define REG(reg_, number) .behaviour.read_reg = show_reg, .value = VBLK_REG_##reg_, .other = number
#define ENDS(bytes) .options = cut_config, .value = (bytes)

static void one_mode_only(struct vblk_device *device, uint32_t offset, const void *buf, uint32_t len)
{
    (void)device;
    (void)offset;
    (void)buf;
    (void)len;
}

/* A notification with that name reaches nobody. */
static uint64_t unknown_name(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)device, (void)queue;
    return reg == VBLK_REG_QUEUE_NOTIF_CONFIG_DATA ? honest ^ 0x8000 : honest;
}

static uint64_t second_queue(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)device;
    return reg == VBLK_REG_QUEUE_MAX && queue > 0 ? mutant_of(device)->other : honest;
}

static bool grant_all(const struct vblk_device *device, uint64_t accepted)
{
    (void)device;
    (void)accepted;
    return true;
}

static bool grant_whole(const struct vblk_device *device, uint64_t accepted)
{
    return accepted == vblk_device_options_of(device)->features;
}

/* A reset leaves status, or nothing happens before DRIVER_OK that should not. */
static uint8_t sticky(const struct vblk_device *device, uint8_t honest)
{
    (void)device;
    return honest == 0 ? VBLK_STATUS_DRIVER_OK : honest;
}

static uint8_t bit_5(const struct vblk_device *device, uint8_t honest)
{
    (void)device;
    return honest | 0x20;
}

static void news_after_reset(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    vblk_reference_write_reg(device, reg, queue, value);
    if (reg == VBLK_REG_STATUS && value == VBLK_STATUS_ACKNOWLEDGE)
        vblk_device_notify(device, VBLK_EV_USED_NOTIFY, 0);
}

const struct mutant mutants_config[] = {
    M("id-of-a-network-card", "shows device ID 1", "BLK-ID-01", REG(DEVICE_ID, 1)),
    M("capacity-by-width", "shows other bytes of capacity to an access of another width", "BLK-CFG-01", BY_WIDTH("capacity")),
    M("size-max-0", "shows size_max 0", "BLK-CFG-02", SHOWS("size_max", 0)),
    M("seg-max-0", "shows seg_max 0", "BLK-CFG-03", SHOWS("seg_max", 0)),
    M("no-heads", "shows a geometry without heads", "BLK-CFG-04", SHOWS("heads", 0)),
    M("blk-size-513", "shows a block size that is no whole number of sectors", "BLK-CFG-05", SHOWS("blk_size", 513)),
    M("alignment-outside", "shows an alignment offset outside of the physical block", "BLK-CFG-06", SHOWS("alignment_offset", 200)),
    M("writeback-2", "shows writeback 2", "BLK-CFG-07", SHOWS("writeback", 2)),
    M("num-queues-0", "shows num_queues 0", "BLK-CFG-09", SAME("the queues that there are are more than the field says", "BLK-VQ-02"), SHOWS("num_queues", 0)),
    M("no-discard-sectors", "shows max_discard_sectors 0", "BLK-CFG-11", SHOWS("max_discard_sectors", 0)),
    M("no-zeroes-segments", "shows max_write_zeroes_seg 0", "BLK-CFG-12", SHOWS("max_write_zeroes_seg", 0)),
    M("no-erase-segments", "shows max_secure_erase_seg 0", "BLK-CFG-13", SHOWS("max_secure_erase_seg", 0)),
    M("capacity-swapped", "shows capacity most significant byte first", "CFG-02", .behaviour.read_config = show_swapped, .field = "capacity"),
    M("changes-when-live", "shows another seg_max once it runs", "CFG-03", SAME("nothing told of the change", "OPER-01"), .behaviour.read_config = show_when_live, .field = "seg_max", .value = 7),
    M("one-mode-only", "ignores what is written to writeback", "BLK-INIT-05", .behaviour.write_config = one_mode_only),
    M("ends-before-size-max", "offers SIZE_MAX with a configuration of 8 bytes", "BLK-FEAT-01", SAME("the configuration ends before all the fields behind", "CFG-01", "PROV-FEAT-02"), ENDS(8)),
    M("no-flush", "does not offer FLUSH", "BLK-INIT-DEV-01", SAME("5.2.5 and 2.2 each say it of CONFIG_WCE, which is offered", "BLK-INIT-DEV-02", "FEAT-DEV-01"), HIDES(F(FLUSH))),
    M("wce-without-flush", "offers CONFIG_WCE without FLUSH", "BLK-INIT-DEV-02", SAME("5.2.5 says it twice, 2.2 of all features", "BLK-INIT-DEV-01", "FEAT-DEV-01"), HIDES(F(FLUSH))),
    M("no-version-1", "does not offer VERSION_1", "RSVF-DEV-01", SAME("every acceptance with it is refused, and PROVISION is offered without it", "FEAT-DEV-02", "PROV-DEV-39"), HIDES(F(VERSION_1))),
    M("offers-sr-iov", "offers SR_IOV, which a device like it can't have", "RSVF-DEV-10", OFFERS(VBLK_BIT(37))),
    M("all-or-nothing", "grants no less than all that it offers", "FEAT-DEV-02", SAME("PROVISION alone is a subset of what is offered", "PROV-FEAT-04"), .behaviour.grant = grant_whole),
    M("grants-anything", "grants what it did not offer", "FEAT-DEV-03", .behaviour.grant = grant_all),
    M("second-queue-missing", "has no second queue though it says four", "BLK-VQ-02", .behaviour.read_reg = second_queue, .other = 0),
    M("name-unknown", "wants a queue to be called what it does not know itself", "SAFE-DEV-03", SAME("its wish stays at what it never saw, so that it is not told of the next", "NOTIF-06"),
      .behaviour.read_reg = unknown_name),
    M("queue-max-0", "shows a largest queue size of 0", "VQ-04", SAME("num_queues counts a queue that is not there", "BLK-VQ-02"), REG(QUEUE_MAX, 0)),
    M("status-bit-5", "shows a status bit that does not exist", "STATUS-01", .behaviour.show_status = bit_5),
    M("status-sticks", "shows DRIVER_OK after a reset", "RESET-DEV-01", .behaviour.show_status = sticky),
    M("news-after-reset", "notifies after a reset", "RESET-DEV-02", .behaviour.write_reg = news_after_reset),
    { .name = NULL },
};
