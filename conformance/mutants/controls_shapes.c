/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices and drivers that are lawful in every number: sizes, counts, limits, features, ids. */
#include <string.h>

#include "generic.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define C(name_, what_, ...) { .name = name_, .what = what_, .driver = true, __VA_ARGS__ }
#define STR_(x) #x
#define STR(x) STR_(x)
/* Options of the device: a member becomes value. */
#define OPTION(member_)                                                                                                \
    static void set_##member_(struct vblk_device_options *options, const void *mutant)                                 \
    {                                                                                                                  \
        options->member_ = (uint32_t)((const struct mutant *)mutant)->value;                                           \
    }
OPTION(size_max)
OPTION(seg_max)
OPTION(blk_size)
OPTION(opt_io_size)
OPTION(max_discard_sectors)
OPTION(max_discard_seg)
OPTION(discard_sector_alignment)
OPTION(max_write_zeroes_sectors)
OPTION(max_write_zeroes_seg)
OPTION(max_secure_erase_sectors)
OPTION(max_secure_erase_seg)
OPTION(secure_erase_sector_alignment)
OPTION(max_provision_sectors)
OPTION(max_provision_seg)

static void set_capacity(struct vblk_device_options *options, const void *mutant)
{
    options->capacity = ((const struct mutant *)mutant)->value;
}

static void set_exponent(struct vblk_device_options *options, const void *mutant)
{
    options->physical_block_exp = (uint8_t)((const struct mutant *)mutant)->value;
    options->alignment_offset = (uint8_t)((const struct mutant *)mutant)->other;
}

static void set_serial(struct vblk_device_options *options, const void *mutant)
{
    memset(options->serial, 0, sizeof(options->serial));
    memset(options->serial, 's', (size_t)((const struct mutant *)mutant)->value);
}

static void withhold(struct vblk_device_options *options, const void *mutant)
{
    options->features &= ~((const struct mutant *)mutant)->value;
}

static void set_wear(struct vblk_device_options *options, const void *mutant)
{
    options->pre_eol_info = (uint16_t)((const struct mutant *)mutant)->value;
    options->est_typ_a = options->est_typ_b = (uint16_t)((const struct mutant *)mutant)->other;
}

static void set_geometry(struct vblk_device_options *options, const void *mutant)
{
    options->heads = (uint8_t)((const struct mutant *)mutant)->value;
    options->sectors = (uint8_t)((const struct mutant *)mutant)->other;
}

/* Everything, with the capacity. */
static vblk_err reads_all(struct wrong_port *port, uint32_t offset, void *buf, uint32_t len, uint32_t *got)
{
    uint8_t all[80];
    const vblk_err err = offset != 0 ? VBLK_OK : vblk_port_read_config(port->inner, 0, all, sizeof(all), NULL);

    return err ? err : vblk_port_read_config(port->inner, offset, buf, len, got);
}

static void large_queues(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->queue_max = 32768;
}

static void all_queues_there(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->num_queues = 64;
}

#define SIZE(ring, n) C(ring "-ring-of-" STR(n), "has a " ring " ring of " STR(n) " entries", .options = large_queues, .queue_size = n, .only = ring)
#define PACKED(n) SIZE("packed", n)
#define SPLIT(n) SIZE("split", n)
#define EVENTS(n) C("events-ring-of-" STR(n), "has event indices on a packed ring of " STR(n) " entries", .options = large_queues, .queue_size = n, .only = "packed, event index")
#define IN_ORDER(n) C("in-order-ring-of-" STR(n), "is in order on a packed ring of " STR(n) " entries", .options = large_queues, .queue_size = n, .only = "packed, in order")
#define TABLES(n) C("tables-ring-of-" STR(n), "has tables on a packed ring of " STR(n) " entries", .options = large_queues, .queue_size = n, .only = "packed, tables")
#define EACH_SIZE(F) F(2), F(4), F(6), F(9), F(10), F(11), F(12), F(13), F(14), F(15), F(17), F(31), F(33), F(63), F(65), F(100), F(127), F(255), F(257), F(1000)
#define QUEUES(n) C("queues-" STR(n), "uses " STR(n) " queues", .options = all_queues_there, .queues = n, .only = "split"), \
                  C("packed-queues-" STR(n), "uses " STR(n) " packed queues", .options = all_queues_there, .queues = n, .only = "packed")
#define BATCH(n) C("batch-of-" STR(n), "has " STR(n) " requests in flight", .batch = n, .queue_size = 32, .only = "*event*"), \
                 C("batch-of-" STR(n) "-reversed", "completes " STR(n) " requests last to first", .batch = n, .queue_size = 32, .behaviour.reorder = true, .only = "split, four queues"), \
                 C("batch-of-" STR(n) "-reversed-packed", "completes " STR(n) " requests last to first, on a packed ring", .batch = n, .queue_size = 32, .behaviour.reorder = true, .only = "packed")
#define SERIAL(n) C("id-of-" STR(n), "has an id of " STR(n) " bytes", .options = set_serial, .value = n, .only = "split*")
#define SECTORS(n) C("capacity-" STR(n), "has " STR(n) " sectors", .options = set_capacity, .value = n, .only = "split*")
#define LIMIT(member_, n) C(#member_ "-" STR(n), "says " #member_ " " STR(n), .options = set_##member_, .value = n, .only = "*[td]")
#define LIMITS(member_) LIMIT(member_, 1), LIMIT(member_, 2), LIMIT(member_, 3), LIMIT(member_, 5), LIMIT(member_, 7), LIMIT(member_, 39), LIMIT(member_, 4294967295)
#define SEGMENTS(member_) LIMIT(member_, 1), LIMIT(member_, 2), LIMIT(member_, 1000)
#define WITHOUT(bit) C("no-" #bit, "does not offer " #bit, .options = withhold, .value = F(bit), .only = "split*"), \
                     C("declines-" #bit, "does not want " #bit, .refuse = F(bit), .only = "split")
#define SHOWN .port.read_config = reads_all, .only = "split"
#define SHOWS(member_, n) C(#member_ "-" STR(n), "says " #member_ " " STR(n), .options = set_##member_, .value = n, SHOWN)
#define EXPONENT(n) C("exponent-" STR(n), "has physical blocks of 2^" STR(n) " logical ones", .options = set_exponent, .value = n, SHOWN)

const struct mutant controls_shapes[] = {
    EACH_SIZE(PACKED), PACKED(256), PACKED(4095), PACKED(32767), PACKED(32768),
    EACH_SIZE(EVENTS), EACH_SIZE(IN_ORDER), EACH_SIZE(TABLES),
    SPLIT(4), SPLIT(8), SPLIT(32), SPLIT(64), SPLIT(128), SPLIT(256), SPLIT(512), SPLIT(1024), SPLIT(32768),
    QUEUES(2), QUEUES(3), QUEUES(5), QUEUES(6), QUEUES(7), QUEUES(8), QUEUES(13), QUEUES(16), QUEUES(32), QUEUES(63), QUEUES(64),
    BATCH(1), BATCH(2), BATCH(3), BATCH(5), BATCH(6), BATCH(8),
    SERIAL(0), SERIAL(1), SERIAL(2), SERIAL(3), SERIAL(5), SERIAL(8), SERIAL(10), SERIAL(13), SERIAL(18), SERIAL(19), SERIAL(20),
    SECTORS(0), SECTORS(1), SECTORS(2), SECTORS(7), SECTORS(8), SECTORS(99), SECTORS(100), SECTORS(101), SECTORS(116), SECTORS(255), SECTORS(257),
    SECTORS(65536), SECTORS(4294967295), SECTORS(4294967296), SECTORS(36028797018963967),
    LIMITS(max_discard_sectors), LIMITS(max_write_zeroes_sectors), LIMITS(max_secure_erase_sectors), LIMITS(max_provision_sectors),
    SEGMENTS(max_discard_seg), SEGMENTS(max_write_zeroes_seg), SEGMENTS(max_secure_erase_seg), SEGMENTS(max_provision_seg),
    LIMIT(discard_sector_alignment, 3), LIMIT(discard_sector_alignment, 16), LIMIT(discard_sector_alignment, 1000),
    LIMIT(secure_erase_sector_alignment, 5), LIMIT(secure_erase_sector_alignment, 32), LIMIT(secure_erase_sector_alignment, 1000),
    LIMIT(size_max, 512), LIMIT(size_max, 513), LIMIT(size_max, 1000), LIMIT(size_max, 1024), LIMIT(size_max, 1536), LIMIT(size_max, 4294967295),
    LIMIT(seg_max, 1), LIMIT(seg_max, 2), LIMIT(seg_max, 3), LIMIT(seg_max, 5), LIMIT(seg_max, 14), LIMIT(seg_max, 65535),
    SHOWS(blk_size, 1024), SHOWS(blk_size, 2048), SHOWS(blk_size, 4096), SHOWS(opt_io_size, 0), SHOWS(opt_io_size, 64),
    EXPONENT(1), EXPONENT(2), EXPONENT(4), EXPONENT(7),
    C("no-SIZE_MAX", "does not offer SIZE_MAX", .options = withhold, .value = F(SIZE_MAX), .only = "split*"),
    C("declines-SIZE_MAX", "does not want SIZE_MAX", .refuse = F(SIZE_MAX), .only = "split"),
    WITHOUT(SEG_MAX), WITHOUT(GEOMETRY), WITHOUT(BLK_SIZE), WITHOUT(TOPOLOGY), WITHOUT(CONFIG_WCE), WITHOUT(MQ), WITHOUT(DISCARD),
    WITHOUT(WRITE_ZEROES), WITHOUT(LIFETIME), WITHOUT(SECURE_ERASE),
    C("declines-FLUSH", "does not want FLUSH", .refuse = F(FLUSH), .only = "split"),
    C("declines-PROVISION", "does not want PROVISION", .refuse = VBLK_BIT(17), .only = "split"),
    C("no-PROVISION", "does not offer PROVISION", .options = withhold, .value = VBLK_BIT(17), .only = "split*"),
    C("worn-a-little", "has some wear", .options = set_wear, .value = 1, .other = 1, .only = "split"),
    C("worn-out", "has all wear that there is", .options = set_wear, .value = 3, .other = 11, .only = "split"),
    C("geometry-small", "has a geometry of one head", .options = set_geometry, .value = 1, .other = 1, SHOWN),
    C("geometry-large", "has a geometry of 255 heads", .options = set_geometry, .value = 255, .other = 63, SHOWN),
    { .name = NULL },
};
