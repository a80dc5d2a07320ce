/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration that is wrong where nobody looks: padding, ends, values that come late or go unannounced. */
#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }
#define SHOWS(field_, number) .behaviour.read_config = show_value, .field = field_, .value = number
#define ENDS(bytes) .options = cut_config, .value = (bytes)
#define CUT "the configuration ends before all the fields behind"

static bool live(const struct vblk_device *device)
{
    return (vblk_device_status(device) & VBLK_STATUS_DRIVER_OK) != 0;
}

static void put_byte(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    const uint64_t at = mutant_of(device)->value;

    if (at >= offset && at - offset < len)
        buf[at - offset] = (uint8_t)mutant_of(device)->other;
}

static void put_byte_when_live(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    if (live(device))
        put_byte(device, offset, buf, len);
}

/* A cache that it can't flush, and says so. */
static void writeback_all_the_same(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    const uint64_t both = VBLK_BIT(VBLK_F_CONFIG_WCE) | VBLK_BIT(VBLK_F_FLUSH);

    if ((vblk_device_accepted(device) & both) == VBLK_BIT(VBLK_F_CONFIG_WCE))
        show_value(device, offset, buf, len);
}

static void longer_config(struct vblk_device_options *options, const void *mutant)
{
    options->config_length = (uint32_t)((const struct mutant *)mutant)->value + 16;
}

static bool only_resets(const struct vblk_device *device, bool owed)
{
    return owed && (vblk_device_status(device) & VBLK_STATUS_NEEDS_RESET) != 0;
}

static bool only_changes(const struct vblk_device *device, bool owed)
{
    return owed && (vblk_device_status(device) & VBLK_STATUS_NEEDS_RESET) == 0;
}

static uint64_t queues_without_mq(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)device;
    return reg == VBLK_REG_QUEUE_MAX && queue > 0 ? mutant_of(device)->value : honest;
}

static uint64_t large_packed(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_QUEUE_MAX && (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_RING_PACKED)) != 0 ? 40000
                                                                                                          : honest;
}

static uint64_t odd_split(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t honest)
{
    (void)queue;
    return reg == VBLK_REG_QUEUE_MAX && honest > 4 && (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_RING_PACKED)) == 0
               ? honest - 1
               : honest;
}

const struct mutant mutants_fields[] = {
    M("unused0-set", "shows a byte of unused0 that is not 0", "BLK-INIT-DEV-04", .behaviour.read_config = put_byte, .value = 33, .other = 0x21),
    M("unused0-used", "shows another unused0 once it runs", "BLK-CFG-08", SAME("a byte changed, and nothing told of it", "OPER-01"), .behaviour.read_config = put_byte_when_live, .value = 33, .other = 0x21),
    M("unused1-set", "shows a byte of unused1 that is not 0", "BLK-INIT-DEV-05", .behaviour.read_config = put_byte, .value = 58, .other = 0x21),
    M("writeback-without-flush", "shows writeback 1 though FLUSH was not negotiated", "BLK-INIT-DEV-03", .behaviour.read_config = writeback_all_the_same, .field = "writeback", .value = 1),
    M("may-unmap-2", "shows write_zeroes_may_unmap 2", "BLK-OP-DEV-12", SHOWS("write_zeroes_may_unmap", 2)),
    M("topology-late", "shows opt_io_size from FEATURES_OK on only", "CFG-DEV-01", .behaviour.read_config = show_late, .field = "opt_io_size"),
    M("may-unmap-silent", "changes write_zeroes_may_unmap and tells nobody", "BLK-OP-DEV-14", .behaviour.notify_config = only_resets),
    M("capacity-silent", "changes its capacity and tells nobody", "BLK-OP-DEV-02", .profile = "1.4", .behaviour.notify_config = only_resets),
    M("needs-reset-silent", "sets DEVICE_NEEDS_RESET and tells nobody", "STATUS-DEV-04", .behaviour.notify_config = only_changes),
    M("field-unannounced", "has a field behind the last, and no feature for it", "FEAT-04", .options = longer_config, .value = 112, .other = 0x11, .behaviour.read_config = put_byte),
    M("ends-in-erase", "offers SECURE_ERASE with a configuration that ends within its fields", "CFG-01", SAME(CUT, "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(66)),
    M("ends-before-seg-max", "offers SEG_MAX with a configuration of 12 bytes", "BLK-FEAT-02", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-03", "BLK-FEAT-05", "BLK-FEAT-07", "BLK-FEAT-08", "BLK-FEAT-09", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(12)),
    M("ends-before-geometry", "offers GEOMETRY with a configuration of 16 bytes", "BLK-FEAT-03", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-05", "BLK-FEAT-07", "BLK-FEAT-08", "BLK-FEAT-09", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(16)),
    M("ends-before-blk-size", "offers BLK_SIZE with a configuration of 20 bytes", "BLK-FEAT-05", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-07", "BLK-FEAT-08", "BLK-FEAT-09", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(20)),
    M("ends-before-topology", "offers TOPOLOGY with a configuration of 24 bytes", "BLK-FEAT-07", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-08", "BLK-FEAT-09", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(24)),
    M("ends-before-writeback", "offers CONFIG_WCE with a configuration of 32 bytes", "BLK-FEAT-08", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-09", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(32)),
    M("ends-before-num-queues", "offers MQ with a configuration of 34 bytes", "BLK-FEAT-09", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-10", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(34)),
    M("ends-before-discard", "offers DISCARD with a configuration of 36 bytes", "BLK-FEAT-10", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-11", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(36)),
    M("ends-before-zeroes", "offers WRITE_ZEROES with a configuration of 48 bytes", "BLK-FEAT-11", SAME(CUT, "CFG-01", "CFG-DEV-01", "BLK-FEAT-13", "PROV-FEAT-02"), ENDS(48)),
    M("ends-before-erase", "offers SECURE_ERASE with a configuration of 60 bytes", "BLK-FEAT-13", SAME(CUT, "CFG-01", "CFG-DEV-01", "PROV-FEAT-02"), ENDS(60)),
    M("second-queue-without-mq", "has a second queue although MQ was not negotiated", "BLK-VQ-01", .behaviour.read_reg = queues_without_mq, .value = 16),
    M("queue-max-40000", "offers packed queues of 40000 entries", "RING-PACKED-01", .behaviour.read_reg = large_packed),
    M("queue-max-odd", "offers split queues of a size that is no power of two", "RING-SPLIT-02", .behaviour.read_reg = odd_split),
    { .name = NULL },
};
