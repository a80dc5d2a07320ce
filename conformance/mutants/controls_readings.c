/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the text is ambiguous: each outcome that its default reading lets pass, and is not in another table already. */
#include <string.h>

#include "driver_port.h"

#define F(bit) VBLK_BIT(VBLK_F_##bit)
#define PROVISION 15
#define PROVISION_BIT VBLK_BIT(17)
#define LAST 255
#define MOST 24 /* sectors of a segment */
#define WITH_ALL "!*[4si]"
#define PLAIN "*[td]" /* usual descriptors: where they are not, IOERR is doubted (FRAME-DEV-01) */
#define C(name_, what_, ...) { .name = name_, .what = what_, .driver = true, __VA_ARGS__ }
#define SENDS(...) .sends = { __VA_ARGS__ }
#define ODD_ANSWER(fn, type, status) .behaviour.put_status = fn, .value = type, .other = status, .only = PLAIN
/* Each of the three statuses. */
#define ANY_STATUS(name, what, fn, type, ...)                                                                          \
    C(name "-ok", what " with OK", ODD_ANSWER(fn, type, VBLK_S_OK), __VA_ARGS__),                                      \
    C(name "-ioerr", what " with IOERR", ODD_ANSWER(fn, type, VBLK_S_IOERR), __VA_ARGS__),                             \
    C(name "-unsupp", what " with UNSUPP", ODD_ANSWER(fn, type, VBLK_S_UNSUPP), __VA_ARGS__)
#define ERRORS(name, what, fn, type, ...)                                                                              \
    C(name "-ioerr", what " with IOERR", ODD_ANSWER(fn, type, VBLK_S_IOERR), __VA_ARGS__),                             \
    C(name "-unsupp", what " with UNSUPP", ODD_ANSWER(fn, type, VBLK_S_UNSUPP), __VA_ARGS__)

static uint64_t sectors_of(const struct vblk_device *device, const struct vblk_request *req)
{
    struct vblk_range range = { 0 };
    uint64_t sum = 0;

    for (uint32_t i = 0; i < vblk_request_segments(req) && vblk_request_segment(device, req, i, &range); i++)
        sum += range.count;
    return sum;
}

static void answer_if(struct vblk_device *device, struct vblk_request *req, uint8_t status, bool odd)
{
    const struct mutant *m = mutant_of(device);

    vblk_reference_put_status(device, req, odd && vblk_request_type(req) == m->value ? (uint8_t)m->other : status);
}

/* put_status: of requests that ask for nothing; of those past a limit in their sum; of those with few bytes to fill, or with some; of all;
 * of those that the reference refuses; of those with many segments, which were executed. */
static void of_nothing(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, sectors_of(device, req) == 0);
}

static void of_large_sum(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, sectors_of(device, req) > MOST);
}

static void of_short(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, vblk_request_in_len(req) < 6);
}

static void of_writable(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, vblk_request_in_len(req) > 0);
}

static void of_all(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, true);
}

static void of_refused(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, status != VBLK_S_OK);
}

static void of_many(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    answer_if(device, req, status, vblk_request_segments(req) == 3);
}

static void of_many_pieces(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const uint32_t pieces = vblk_request_elements(req, true) - 1;

    answer_if(device, req, status, pieces > 2 || (pieces == 1 && vblk_request_in_len(req) > 512));
}

/* check_segments: of three segments nothing is done, or the first one alone. */
static uint8_t nothing_done(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const bool odd = vblk_request_type(req) == mutant_of(device)->value && vblk_request_segments(req) == 3;

    return odd ? VBLK_S_IOERR : vblk_reference_check_segments(device, req, op);
}

static uint8_t first_done(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    struct vblk_range range;

    if (nothing_done(device, req, op) != VBLK_S_IOERR)
        return vblk_reference_check_segments(device, req, op);
    if (vblk_request_type(req) != PROVISION && vblk_request_segment(device, req, 0, &range))
        (void)!disk->write_zeroes(disk->ctx, range.sector, range.count, false, false);
    return VBLK_S_IOERR;
}

#define PARTS(type_) .value = type_, .other = VBLK_S_IOERR, .only = PLAIN, \
                     SENDS(.type = type_, .segments = 3, .segment = { 1, 1, 0 }, .apart = 1)
#define PARTLY(name, what, type)                                                                                       \
    C(name "-all-then-ioerr", what " all of three segments and answers IOERR", .behaviour.put_status = of_many, PARTS(type)), \
    C(name "-none-then-ioerr", what " none of three segments and answers IOERR", .behaviour.check_segments = nothing_done, PARTS(type)), \
    C(name "-first-then-ioerr", what " the first of three segments and answers IOERR", .behaviour.check_segments = first_done, PARTS(type))

/* A read that fails has written half; the used length counts other bytes of that. */
static void half_read(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    static const uint8_t half[VBLK_SECTOR];

    if (status != VBLK_S_OK && vblk_request_type(req) == VBLK_T_IN)
        (void)!vblk_request_put(device, req, 0, half, sizeof(half));
    vblk_reference_put_status(device, req, status);
}

static uint32_t some_of_it(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    return status != VBLK_S_OK && vblk_request_type(req) == VBLK_T_IN ? (uint32_t)mutant_of(device)->other : written;
}

static uint32_t no_provision_bytes(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    (void)status;
    return vblk_request_type(req) == PROVISION ? 0 : written;
}

#define FAILED_READ(n) C("failed-read-counts-" #n, "counts " #n " bytes of a read that failed after 512", .other = n, .only = WITH_ALL, \
    .behaviour = { .put_status = half_read, .used_length = some_of_it }, SENDS(.type = VBLK_T_IN, .sector = LAST, .in = 1024), .beside = "BLK-OP-DRV-02")

/* The disk shrinks while requests are with the device: it goes by what it was, or by what it is. */
static void shrinks_after(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (vblk_device_notes(device)[0]++ == 5)
        vblk_device_resize(device, 200);
    vblk_reference_put_status(device, req, status);
}

static vblk_err shrinks_before(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    if (port->note[0]++ == 5)
        (void)!vblk_port_host(port->inner, VBLK_HOST_RESIZE, 200, 0);
    return vblk_port_kick(port->inner, queue, data);
}

static void zero_field(struct vblk_device_options *options, const void *mutant)
{
    *(uint32_t *)(void *)((char *)options + ((const struct mutant *)mutant)->value) = 0;
}

static void read_only(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features = (options->features | F(RO)) & ~PROVISION_BIT;
}

static void read_only_provision(struct vblk_device_options *options, const void *mutant)
{
    (void)mutant;
    options->features |= F(RO);
}

static void short_chains(struct vblk_device_options *options, const void *mutant)
{
    options->chain_max = (uint32_t)((const struct mutant *)mutant)->value;
}

#define PIECES(name_, what_, status_, ...) C(name_, what_, .behaviour.put_status = of_many_pieces, .value = VBLK_T_IN, .other = status_, \
    .only = "split, small pieces", SENDS(.type = VBLK_T_IN, .sector = 8, __VA_ARGS__), .beside = "FRAME-DRV-02")
#define NO_LIMIT(member_, beside_) C("zero-" #member_, "says " #member_ " 0", .options = zero_field, .only = PLAIN, .beside = beside_, \
    .value = offsetof(struct vblk_device_options, member_))

const struct mutant controls_readings[] = {
    { .name = "profile-1.2", .what = "knows no PROVISION and no zones (AMB-01)", .profile = "1.2" },
    { .name = "profile-1.4", .what = "has no PROVISION, and could have zones (AMB-01)", .profile = "1.4" },
    { .name = "profile-1.4+provision", .what = "has PROVISION under other numbers (AMB-01)", .profile = "1.4+provision" },
    C("provision-to-the-end", "provisions up to the last sector (AMB-04)", .only = WITH_ALL, SENDS(.type = PROVISION, .segments = 1, .segment = { LAST - 7, 8, 0 })),
    C("erase-to-the-end", "erases up to the last sector (AMB-04)", .only = WITH_ALL, SENDS(.type = VBLK_T_SECURE_ERASE, .segments = 1, .segment = { LAST - 7, 8, 0 })),
    ANY_STATUS("provision-no-sectors", "answers PROVISION of no sectors (AMB-05)", of_nothing, PROVISION, SENDS(.type = PROVISION, .segments = 1, .segment = { 8, 0, 0 }), .beside = "PROV-DRV-06"),
    ANY_STATUS("discard-no-sectors", "answers DISCARD of no sectors (AMB-05)", of_nothing, VBLK_T_DISCARD, SENDS(.type = VBLK_T_DISCARD, .segments = 1, .segment = { 8, 0, 0 })),
    ANY_STATUS("erase-no-sectors", "answers SECURE_ERASE of no sectors (AMB-05)", of_nothing, VBLK_T_SECURE_ERASE, SENDS(.type = VBLK_T_SECURE_ERASE, .segments = 1, .segment = { 8, 0, 0 })),
    ANY_STATUS("zeroes-no-sectors", "answers WRITE_ZEROES of no sectors (AMB-05)", of_nothing, VBLK_T_WRITE_ZEROES, SENDS(.type = VBLK_T_WRITE_ZEROES, .segments = 1, .segment = { 8, 0, 0 })),
    C("provision-nothing-ok", "answers PROVISION without a segment (AMB-05) with OK", ODD_ANSWER(of_nothing, PROVISION, VBLK_S_OK), SENDS(.type = PROVISION), .beside = "PROV-DRV-05"),
    ANY_STATUS("discard-nothing", "answers DISCARD without a segment (AMB-05)", of_nothing, VBLK_T_DISCARD, SENDS(.type = VBLK_T_DISCARD), .beside = "BLK-OP-10"),
    ANY_STATUS("provision-large-sum", "answers PROVISION of more sectors than the limit in its sum (AMB-06)", of_large_sum, PROVISION,
               SENDS(.type = PROVISION, .segments = 3, .segment = { 8, 20, 0 }, .apart = 20), .beside = "PROV-DRV-03"),
    C("provision-then-ioerr", "answers PROVISION of three segments (AMB-07) with IOERR", .behaviour.put_status = of_many, .value = PROVISION,
      .other = VBLK_S_IOERR, .only = PLAIN, SENDS(.type = PROVISION, .segments = 3, .segment = { 8, 8, 0 }, .apart = 8)),
    PARTLY("discard", "discards", VBLK_T_DISCARD),
    PARTLY("zeroes", "zeroes", VBLK_T_WRITE_ZEROES), PARTLY("erase", "erases", VBLK_T_SECURE_ERASE),
    NO_LIMIT(max_provision_sectors, "PROV-CFG-10"), NO_LIMIT(max_provision_seg, "PROV-CFG-10"),
    NO_LIMIT(max_discard_sectors, "BLK-CFG-11"), NO_LIMIT(max_discard_seg, "BLK-CFG-11"),
    NO_LIMIT(max_write_zeroes_sectors, "BLK-CFG-12"), NO_LIMIT(max_write_zeroes_seg, "BLK-CFG-12"),
    NO_LIMIT(max_secure_erase_sectors, "BLK-CFG-13"), NO_LIMIT(max_secure_erase_seg, "BLK-CFG-13"),
    C("provision-unnegotiated-unsupp", "answers UNSUPP to PROVISION that was not negotiated (AMB-10)", .only = "*few features",
      SENDS(.type = PROVISION, .segments = 1, .segment = { 8, 8, 0 }), .beside = "PROV-DRV-04"),
    ERRORS("read-only-provision", "answers PROVISION on a read-only device (AMB-11)", of_all, PROVISION, .options = read_only_provision,
           SENDS(.type = PROVISION, .segments = 1, .segment = { 8, 8, 0 }), .beside = "PROV-DEV-21"),
    ERRORS("erase-writable", "answers SECURE_ERASE with writable segments (AMB-12)", of_writable, VBLK_T_SECURE_ERASE,
           SENDS(.type = VBLK_T_SECURE_ERASE, .in = 16), .beside = "BLK-OP-10"),
    C("provision-counts-nothing", "gives PROVISION the used length 0 (AMB-14)", .behaviour.used_length = no_provision_bytes, .only = WITH_ALL),
    FAILED_READ(0), FAILED_READ(1), FAILED_READ(300), FAILED_READ(512),
    C("unknown-type-unsupp", "answers UNSUPP to a type that nobody knows (AMB-19)", .only = WITH_ALL, SENDS(.type = 77), .beside = "BLK-OP-02"),
    C("id-short-ok", "answers GET_ID of 19 bytes with a shortened copy (AMB-19)", ODD_ANSWER(of_refused, VBLK_T_GET_ID, VBLK_S_OK),
      SENDS(.type = VBLK_T_GET_ID, .in = 19), .beside = "BLK-OP-DRV-10"),
    ANY_STATUS("id-long", "answers GET_ID of 21 bytes (AMB-19)", of_refused, VBLK_T_GET_ID, SENDS(.type = VBLK_T_GET_ID, .in = 21), .beside = "BLK-OP-DRV-10"),
    ANY_STATUS("lifetime-short", "answers GET_LIFETIME of 4 bytes (AMB-19)", of_short, VBLK_T_GET_LIFETIME, SENDS(.type = VBLK_T_GET_LIFETIME, .in = 4)),
    C("shrinks-late", "goes by the capacity of before in what it has begun (AMB-21)", .behaviour.put_status = shrinks_after, .only = WITH_ALL),
    C("shrinks-early", "goes by the new capacity in what was sent before (AMB-21)", .port.kick = shrinks_before, .only = WITH_ALL),
    C("table-past-size-taken", "takes an indirect table longer than the queue (AMB-26)", .ring = "table-past-size", .only = "split, tables",
      .options = short_chains, .value = 1024, .beside = "RING-IND-DRV-03 BLK-OP-01 RING-IND-02 SAFE-DRV-01 SAFE-DRV-03"),
    C("table-past-size-refused", "enters its error state over an indirect table longer than the queue (AMB-26)", .ring = "table-past-size",
      .only = "split, tables", .beside = "RING-IND-DRV-03"),
    C("read-only-declined", "refuses writes of a driver that declined RO (AMB-27)", .options = read_only, .refuse = F(RO), .only = WITH_ALL,
      .beside = "BLK-OP-DRV-03"),
    C("far-head-resets", "enters its error state over a head outside the table (AMB-29)", .ring = "head-out-of-table", .only = "split*", .beside = "SUPPLY-05"),
    C("loop-resets", "enters its error state over a chain that loops (AMB-29)", .ring = "chain-loops", .only = "split", .beside = "RING-SPLIT-DRV-03"),
    C("jump-resets", "enters its error state over an available index that is too far on (AMB-29)", .ring = "idx-too-far", .only = "split",
      .beside = "RING-SPLIT-04 SAFE-DRV-02"),
    C("far-head-ignored", "passes over a head outside the table (AMB-29)", .ring = "head-out-of-table", .device_ring = "faults-ignored", .only = "split*", .beside = "SUPPLY-05"),
    C("loop-ignored", "passes over a chain that loops (AMB-29)", .ring = "chain-loops", .device_ring = "faults-ignored", .only = "split", .beside = "RING-SPLIT-DRV-03"),
    PIECES("many-pieces-ok", "answers a read in more pieces than seg_max (AMB-32) with OK", VBLK_S_OK, .in = 512, .pieces = 4),
    PIECES("many-pieces-ioerr", "answers a read in more pieces than seg_max (AMB-32) with IOERR", VBLK_S_IOERR, .in = 512, .pieces = 4),
    PIECES("many-pieces-unsupp", "answers a read in more pieces than seg_max (AMB-32) with UNSUPP", VBLK_S_UNSUPP, .in = 512, .pieces = 4),
    PIECES("long-piece-ioerr", "answers a read with a piece past size_max (AMB-32) with IOERR", VBLK_S_IOERR, .in = 1024),
    PIECES("long-piece-unsupp", "answers a read with a piece past size_max (AMB-32) with UNSUPP", VBLK_S_UNSUPP, .in = 1024),
    C("as-many-as-seg-max", "has header and status besides as many pieces as seg_max (AMB-32)", .only = "*small pieces",
      SENDS(.type = VBLK_T_IN, .sector = 8, .in = 512, .pieces = 2)),
    { .name = NULL },
};

#define ALL_ANSWERS(name) name "-ok", name "-ioerr", name "-unsupp"
#define EITHER_ERROR(name) name "-ioerr", name "-unsupp"
#define NO_ZONES "the reference models have no zones"
#define PARTS_OF(name) name "-all-then-ioerr", name "-none-then-ioerr", name "-first-then-ioerr"
#define OF(id_, ...) { .id = id_, .names = { __VA_ARGS__ } }

const struct known_bug ambiguity_controls[] = {
    OF("AMB-01", "profile-1.2", "profile-1.4", "profile-1.4+provision"),
    OF("AMB-02", "provision-unmap-unsupp"),
    OF("AMB-03", EITHER_ERROR("provision-too-many"), EITHER_ERROR("provision-too-long"), EITHER_ERROR("discard-too-many"),
       EITHER_ERROR("zeroes-too-many"), EITHER_ERROR("erase-too-many")),
    OF("AMB-04", EITHER_ERROR("provision-past-capacity"), EITHER_ERROR("provision-overflow"), EITHER_ERROR("read-past-capacity"),
       EITHER_ERROR("write-past-capacity"), EITHER_ERROR("discard-past-capacity"), EITHER_ERROR("zeroes-past-capacity"),
       EITHER_ERROR("erase-past-capacity"), "provision-to-the-end", "erase-to-the-end"),
    OF("AMB-05", ALL_ANSWERS("provision-nothing"), ALL_ANSWERS("provision-no-sectors"), ALL_ANSWERS("discard-nothing"),
       ALL_ANSWERS("discard-no-sectors"), ALL_ANSWERS("zeroes-no-sectors"), ALL_ANSWERS("erase-no-sectors")),
    OF("AMB-06", ALL_ANSWERS("provision-large-sum")),
    OF("AMB-07", "provision-then-ioerr", PARTS_OF("discard"), PARTS_OF("zeroes"), PARTS_OF("erase")),
    OF("AMB-08", "idle-provision", "reference-device"),
    OF("AMB-09", "zero-max_provision_sectors", "zero-max_provision_seg"),
    OF("AMB-10", "provision-unnegotiated-unsupp"),
    OF("AMB-11", EITHER_ERROR("read-only-provision")),
    OF("AMB-12", EITHER_ERROR("erase-writable")),
    OF("AMB-13", "idle-provision", "reference-device"),
    OF("AMB-14", "provision-counts-nothing", "failed-read-whole-length", "failed-read-counts-0", "failed-read-counts-1",
       "failed-read-counts-300", "failed-read-counts-512", "reference-driver"),
    OF("AMB-15", EITHER_ERROR("provision-part"), EITHER_ERROR("read-part"), EITHER_ERROR("write-part"), "flush-data-ioerr",
       "malformed-resets", "reference-device"),
    OF("AMB-16", "erase-unmap-unsupp", PARTS_OF("erase")),
    OF("AMB-17", "batch-of-2", "batch-of-3", "batch-of-5", "batch-of-8"),
    OF("AMB-18", "reference-driver", "packed-queues-3"),
    OF("AMB-19", "unknown-type-unsupp", ALL_ANSWERS("id-short"), ALL_ANSWERS("id-long"), ALL_ANSWERS("lifetime-short")),
    OF("AMB-20", "many-queues", "queues-63"),
    OF("AMB-21", "shrinks-late", "shrinks-early"),
    { .id = "AMB-22", .why = NO_ZONES },
    { .id = "AMB-23", .why = "a port has no notify_off_multiplier, and no model a PCI capability" },
    { .id = "AMB-24", .why = "names and slips: nobody can behave by them" },
    OF("AMB-25", "reference-device", "in-order-ring-of-9"),
    OF("AMB-26", "driver-table-longer", "table-past-size-taken", "table-past-size-refused"),
    OF("AMB-27", "read-only-declined"),
    OF("AMB-28", "zero-max_discard_sectors", "zero-max_discard_seg", "zero-max_write_zeroes_sectors", "zero-max_write_zeroes_seg",
       "zero-max_secure_erase_sectors", "zero-max_secure_erase_seg"),
    OF("AMB-29", "far-head-resets", "far-head-ignored", "loop-resets", "loop-ignored", "jump-resets"),
    { .id = "AMB-30", .why = NO_ZONES },
    { .id = "AMB-31", .why = "slips of the proposal: its numbers are AMB-01's" },
    OF("AMB-32", ALL_ANSWERS("many-pieces"), EITHER_ERROR("long-piece"), "as-many-as-seg-max"),
    OF("AMB-33", "declines-FLUSH"),
    { .id = NULL },
};
