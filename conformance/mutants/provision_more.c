/* SPDX-License-Identifier: BSD-3-Clause */
/* PROVISION refused, accepted and answered wrongly: one function or one number each. */
#include <string.h>

#include "generic.h"

#define PROVISION 15u

static bool ours(const struct vblk_request *req)
{
    return vblk_request_type(req) == PROVISION;
}

static const struct vblk_device_options *opts(const struct vblk_device *device)
{
    return vblk_device_options_of(device);
}

/* ---- rows ---- */

#define ROW(name_, ...)                                                                                                \
    static const struct vblk_op row_##name_ = { .type = PROVISION, .feature = 17, .direction = VBLK_SEGMENTS,          \
                                                .writes = true, .run = run_ok, __VA_ARGS__ };                          \
    static const struct vblk_op *with_##name_(const struct vblk_device *device, uint32_t type,                         \
                                              const struct vblk_op *row)                                               \
    {                                                                                                                  \
        (void)device;                                                                                                  \
        return type == PROVISION ? &row_##name_ : row;                                                                 \
    }
#define LIMITED                                                                                                        \
    .max_sectors = offsetof(struct vblk_device_options, max_provision_sectors),                                        \
    .max_seg = offsetof(struct vblk_device_options, max_provision_seg)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
ROW(no_gate, LIMITED, .feature = -1)
ROW(read_only_too, LIMITED, .writes = false)
ROW(bit_24, LIMITED, .known_flags = 1u << 24)
ROW(unmap_ignored, LIMITED, .known_flags = VBLK_SEGMENT_UNMAP)
ROW(unmap_fault, LIMITED, .known_flags = VBLK_SEGMENT_UNMAP, .fault_flags = VBLK_SEGMENT_UNMAP)
ROW(any_number, .max_sectors = offsetof(struct vblk_device_options, max_provision_sectors))
ROW(any_length, .max_seg = offsetof(struct vblk_device_options, max_provision_seg))
#pragma GCC diagnostic pop

static const struct vblk_op *zone_report(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op zones = { .type = 16, .feature = -1, .direction = VBLK_NO_DATA, .run = run_ok };

    (void)device;
    return type == 16 ? &zones : row;
}

/* Segments in the writable part are as good. */
static const struct vblk_op *either_side(const struct vblk_device *device, uint32_t type, const struct vblk_op *row)
{
    static const struct vblk_op any = { .type = PROVISION, .feature = 17, .direction = VBLK_NO_DATA, .run = run_ok };

    (void)device;
    return type == PROVISION ? &any : row;
}

/* ---- segments ---- */

#define CHECK(name_, condition, status_)                                                                               \
    static uint8_t name_(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)               \
    {                                                                                                                  \
        struct vblk_range r = { 0, 0, 0 };                                                                             \
        const uint8_t status = vblk_reference_check_segments(device, req, op);                                         \
                                                                                                                       \
        (void)!vblk_request_segment(device, req, 0, &r);                                                               \
        return op->type == PROVISION && (condition) ? (status_) : status;                                              \
    }
#define FINE (status == VBLK_S_OK)

CHECK(refuse_full_limit, FINE && r.count == opts(device)->max_provision_sectors, VBLK_S_IOERR)
CHECK(refuse_unaligned, FINE && r.sector % 8 != 0, VBLK_S_IOERR)
CHECK(refuse_header_sector, FINE && vblk_request_sector(req) != 0, VBLK_S_IOERR)
CHECK(refuse_several, FINE && vblk_request_segments(req) > 1 && vblk_request_segments(req) < opts(device)->max_provision_seg, VBLK_S_UNSUPP)
CHECK(refuse_most, FINE && vblk_request_segments(req) == opts(device)->max_provision_seg, VBLK_S_IOERR)
CHECK(refuse_last, FINE && r.count > 0 && r.sector + r.count == opts(device)->capacity, VBLK_S_IOERR)
CHECK(refuse_in_blocks, FINE && opts(device)->blk_size == 4096 && r.count > opts(device)->max_provision_sectors / 8, VBLK_S_UNSUPP)
CHECK(refuse_block_sector, FINE && opts(device)->blk_size == 4096 && r.sector >= opts(device)->capacity / 8, VBLK_S_IOERR)
CHECK(refuse_alone, FINE && (vblk_device_accepted(device) & VBLK_BIT(VBLK_F_DISCARD)) == 0, VBLK_S_UNSUPP)
CHECK(refuse_unoffered_discard, FINE && (opts(device)->features & VBLK_BIT(VBLK_F_DISCARD)) == 0, VBLK_S_IOERR)
CHECK(refuse_other_queues, FINE && vblk_request_queue(req) > 0, VBLK_S_UNSUPP)
CHECK(strange_empty, FINE && vblk_request_segments(req) == 1 && r.count == 0, 7)
CHECK(strange_none, vblk_request_out_len(req) == 0, 7)
CHECK(accept_odd_length, vblk_request_out_len(req) % 16 != 0 && vblk_request_out_len(req) > 16, VBLK_S_OK)
CHECK(range_before_flags, status == VBLK_S_UNSUPP && r.sector >= opts(device)->capacity, VBLK_S_IOERR)
CHECK(accept_past_end, status == VBLK_S_IOERR && r.count > 0 && (r.sector > opts(device)->capacity || r.count > opts(device)->capacity - r.sector), VBLK_S_OK)
CHECK(first_flags_only, status == VBLK_S_UNSUPP && (r.flags & ~op->known_flags) == 0, VBLK_S_OK)
CHECK(refuse_frames, FINE && vblk_request_elements(req, false) > 2, VBLK_S_IOERR)

static bool overlap(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range a, b;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &a); i++)
        for (uint32_t j = 0; j < i && vblk_request_segment(device, req, j, &b); j++)
            if (a.sector < b.sector + b.count && b.sector < a.sector + a.count)
                return true;
    return false;
}
CHECK(refuse_overlap, FINE && overlap(device, req), VBLK_S_UNSUPP)

/* The second time is one too many. */
static bool again(struct vblk_device *device, uint64_t sector)
{
    uint64_t *notes = vblk_device_notes(device);
    const bool seen = notes[0] == sector + 1;

    notes[0] = sector + 1;
    return seen;
}
CHECK(refuse_again, FINE && again(device, r.sector), VBLK_S_UNSUPP)

static vblk_err fill(struct vblk_device *device, uint64_t sector, uint32_t count, uint8_t byte)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    uint8_t block[VBLK_SECTOR];

    memset(block, byte, sizeof(block));
    for (uint32_t i = 0; i < count; i++)
        if (disk->write(disk->ctx, sector + i, block, 1, true) != VBLK_OK)
            return VBLK_E_IO;
    return VBLK_OK;
}

/* Segments are run one after the other, and flags looked at when their turn comes. */
static uint8_t run_then_refuse(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const uint8_t status = vblk_reference_check_segments(device, req, op);
    struct vblk_range r;

    if (op->type == PROVISION && status == VBLK_S_UNSUPP && vblk_request_segment(device, req, 0, &r) &&
        (r.flags & ~op->known_flags) == 0 && vblk_reference_in_range(device, r.sector, r.count))
        (void)fill(device, r.sector, r.count, 0);
    return status;
}

/* ---- effects ---- */

static uint8_t run_neighbour(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range r;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        if (r.sector > 0 && fill(device, r.sector - 1, 1, 0) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}

/* What was never written shows what lay on the medium before. */
static uint8_t run_stale(struct vblk_device *device, struct vblk_request *req)
{
    const struct vblk_backend *disk = vblk_device_disk(device);
    static const uint8_t zeroes[VBLK_SECTOR];
    uint8_t block[VBLK_SECTOR];
    struct vblk_range r;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        for (uint32_t n = 0; n < r.count; n++)
            if (disk->read(disk->ctx, r.sector + n, block, 1) == VBLK_OK && memcmp(block, zeroes, sizeof(block)) == 0)
                (void)fill(device, r.sector + n, 1, 0x77);
    return VBLK_S_OK;
}

static uint8_t run_one_byte(struct vblk_device *device, struct vblk_request *req)
{
    struct vblk_range r;

    for (uint32_t i = 0; vblk_request_segment(device, req, i, &r); i++)
        if (fill(device, r.sector, r.count, 0xff) != VBLK_OK)
            return VBLK_S_IOERR;
    return VBLK_S_OK;
}

static uint8_t run_host_error(struct vblk_device *device, struct vblk_request *req)
{
    return vblk_reference_run(device, req, PROVISION) == VBLK_S_OK ? VBLK_S_OK : 28;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
ROW(neighbour, LIMITED, .run = run_neighbour)
ROW(stale, LIMITED, .run = run_stale)
ROW(one_byte, LIMITED, .run = run_one_byte)
ROW(host_error, LIMITED, .run = run_host_error)
#pragma GCC diagnostic pop

/* ---- answers ---- */

static void unsupported_is_error(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const bool without = (vblk_device_accepted(device) >> 17 & 1) == 0;

    vblk_reference_put_status(device, req, ours(req) && without ? VBLK_S_IOERR : status);
}

static uint32_t counts_segments(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                                uint32_t written)
{
    (void)device;
    (void)status;
    return ours(req) ? written + (uint32_t)vblk_request_out_len(req) : written;
}

static void status_first(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (ours(req))
        (void)!vblk_request_put(device, req, 0, &status, 1);
    else
        vblk_reference_put_status(device, req, status);
}

/* Notes: the type served last, its status byte, and whether it was out of order. */
enum { LAST = 2, STATUS_AT, STOPPED };

static void remember(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    bool ok;

    vblk_reference_put_status(device, req, status);
    vblk_device_notes(device)[LAST] = ours(req);
    vblk_device_notes(device)[STATUS_AT] = vblk_request_address(req, vblk_request_in_len(req), &ok);
}

static void used_twice(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    vblk_reference_put_used(device, queue, id, len);
    if (vblk_device_notes(device)[LAST])
        vblk_reference_put_used(device, queue, id, len);
}

static void stops(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    vblk_reference_put_status(device, req, status);
    if (ours(req) && status != VBLK_S_OK)
        vblk_device_notes(device)[STOPPED]++;
}

static void answers_until_stopped(struct vblk_device *device, uint16_t queue, uint16_t id, uint32_t len)
{
    uint64_t *notes = vblk_device_notes(device);

    if (notes[STOPPED] < 2)
        vblk_reference_put_used(device, queue, id, len);
    notes[STOPPED] += notes[STOPPED] > 0;
}

static void status_later(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (!ours(req))
        vblk_reference_put_status(device, req, status);
    vblk_device_notes(device)[LAST] = status;
}

static void now_the_status(struct vblk_device *device, struct vblk_request *req)
{
    if (ours(req))
        vblk_reference_put_status(device, req, (uint8_t)vblk_device_notes(device)[LAST]);
}

static uint32_t as_if_written(const struct vblk_device *device, const struct vblk_request *req, uint8_t status,
                              uint32_t written)
{
    (void)device;
    (void)status;
    return ours(req) ? 1 : written;
}

static void reset_then_status(struct vblk_device *device, enum vblk_reg reg, uint16_t queue, uint64_t value)
{
    uint64_t *notes = vblk_device_notes(device);

    if (notes[STOPPED] && notes[STATUS_AT] != 0)
        store_as_device(device, notes[STATUS_AT], "\1", 1); /* with what the driver writes after its reset */
    notes[STOPPED] = reg == VBLK_REG_STATUS && (value & 0xff) == 0 && notes[LAST];
    vblk_reference_write_reg(device, reg, queue, value);
}

static void tells_of_itself(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    if (ours(req))
        vblk_device_notify(device, VBLK_EV_CONFIG_NOTIFY, 0);
    vblk_reference_put_status(device, req, status);
}

static void after_provision(const struct vblk_device *device, uint32_t offset, uint8_t *buf, uint32_t len)
{
    if (vblk_device_notes((struct vblk_device *)(uintptr_t)device)[LAST] != 0)
        show_value(device, offset, buf, len);
}

static bool no_news(const struct vblk_device *device, bool owed)
{
    (void)device;
    (void)owed;
    return false;
}

#define M(name_, what_, clause_, ...) { .name = "provision-" name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }

const struct mutant mutants_provision_more[] = {
    M("ungated", "runs PROVISION although it was not negotiated", "PROV-FEAT-01", .behaviour.op = with_no_gate),
    M("config-72", "offers PROVISION with a configuration that ends before the limits", "PROV-FEAT-02", SAME("the configuration ends before all the fields behind", "CFG-01", "CFG-DEV-01"), .options = cut_config, .value = 72),
    M("config-78", "offers PROVISION with a configuration that ends within the limits", "PROV-CFG-02", SAME("the configuration ends before all the fields behind", "CFG-01"), .options = cut_config, .value = 78),
    M("config-96", "has a configuration as long as that of a zoned device", "PROV-DEV-34", .options = cut_config, .value = 96),
    M("network-card", "shows device ID 1", "PROV-FEAT-03", SAME("5.2.1 says it of any block device", "BLK-ID-01"), .behaviour.read_reg = show_reg, .value = VBLK_REG_DEVICE_ID, .other = 1),
    M("needs-discard", "runs PROVISION only where DISCARD was negotiated", "PROV-FEAT-04", .behaviour.check_segments = refuse_alone),
    M("zones", "answers a zone report although bit 17 is PROVISION", "PROV-FEAT-06", SAME("a type that nobody knows was answered OK, and nothing written", "BLK-OP-21", "RING-PACKED-15", "RING-SPLIT-16"), .behaviour.op = zone_report),
    M("full-limit", "refuses a segment of max_provision_sectors", "PROV-CFG-01", .behaviour.check_segments = refuse_full_limit),
    M("swapped-limit", "shows max_provision_seg with its bytes turned round", "PROV-CFG-03", .behaviour.read_config = show_swapped, .field = "max_provision_seg"),
    M("limit-in-blocks", "takes max_provision_sectors for blocks", "PROV-CFG-04", .behaviour.check_segments = refuse_in_blocks),
    M("limits-late", "shows the limits from FEATURES_OK on only", "PROV-CFG-06", SAME("2.5.3 says it of any field; before, it is a limit of 0", "CFG-DEV-01", "PROV-CFG-10"), .behaviour.read_config = show_late, .field = "max_provision_sectors"),
    M("no-segments", "shows max_provision_seg 0", "PROV-CFG-10", .behaviour.read_config = show_value, .field = "max_provision_seg", .value = 0),
    M("aligned-only", "refuses segments that are not aligned to 8 sectors", "PROV-CFG-11", .behaviour.check_segments = refuse_unaligned),
    M("limit-silent", "changes a limit without a notification", "PROV-CFG-12", SAME("3.2.3 says it of any field", "OPER-01"), .behaviour.notify_config = no_news),
    M("moves-without-discard", "refuses segments where DISCARD is not offered", "PROV-CFG-13", .behaviour.check_segments = refuse_unoffered_discard),
    M("unknown-type", "answers UNSUPP", "PROV-REQ-01", .behaviour.put_status = status_of_type, .value = PROVISION, .other = VBLK_S_UNSUPP),
    M("header-sector", "refuses PROVISION with a sector in the header", "PROV-REQ-04", .behaviour.check_segments = refuse_header_sector),
    M("one-segment", "refuses more than one segment", "PROV-REQ-06", .behaviour.check_segments = refuse_several),
    M("sector-in-blocks", "takes the first sector for a block", "PROV-REQ-07", .behaviour.check_segments = refuse_block_sector),
    M("flag-other-order", "knows bit 24 of the flags", "PROV-REQ-08", .behaviour.op = with_bit_24),
    M("either-side", "takes segments from the writable part", "PROV-REQ-09", .behaviour.op = either_side),
    M("natural-frames", "refuses segments that are cut or joined", "PROV-REQ-10", .behaviour.check_segments = refuse_frames),
    M("most-segments", "refuses max_provision_seg segments", "PROV-REQ-11", .behaviour.check_segments = refuse_most),
    M("used-counts-segments", "counts what it read in the used length", "PROV-REQ-13", SAME("the length is more than the buffer has", "VQ-02"), .behaviour.used_length = counts_segments),
    M("status-first", "writes the status into the first writable byte", "PROV-REQ-14", .behaviour.put_status = status_first),
    M("status-of-zones", "answers with a status of zoned devices", "PROV-REQ-15", .behaviour.put_status = status_if_ok, .value = PROVISION, .other = 3),
    M("used-twice", "answers twice", "PROV-REQ-16", SAME("2.7 and 2.8 say it of any buffer; the second answer is none, or lies where the next belongs", "RING-PACKED-04", "RING-PACKED-DEV-06", "RING-SPLIT-15", "RING-SPLIT-17", "SAFE-DEV-03"), .behaviour = { .put_status = remember, .put_used = used_twice }),
    M("first-flags-only", "looks at the flags of the first segment only", "PROV-DEV-02", .behaviour.check_segments = first_flags_only),
    M("range-before-flags", "looks at the range before the flags", "PROV-DEV-03", .behaviour.check_segments = range_before_flags),
    M("run-then-refuse", "runs segments before it looks at the flags of later ones", "PROV-DEV-04", .behaviour.check_segments = run_then_refuse),
    M("unmap-ignored", "ignores unmap", "PROV-DEV-05", .behaviour.op = with_unmap_ignored),
    M("unmap-fault", "answers IOERR to unmap", "PROV-DEV-05", .behaviour.op = with_unmap_fault),
    M("neighbour", "zeroes the sector before a segment", "PROV-DEV-09", .behaviour.op = with_neighbour),
    M("stale", "shows what lay on the medium where nothing was written", "PROV-DEV-10", .behaviour.op = with_stale),
    M("one-byte", "fills its range with one byte", "PROV-DEV-11", SAME("the data changed, too", "PROV-DEV-08"), .behaviour.op = with_one_byte),
    M("unnegotiated-ioerr", "answers IOERR to PROVISION that was not negotiated", "PROV-DEV-12", .behaviour.put_status = unsupported_is_error),
    M("past-end", "answers OK to a range past the end", "PROV-DEV-13", .behaviour = { .check_segments = accept_past_end, .op = with_any_length }),
    M("last-sector", "refuses a segment that ends with the disk", "PROV-DEV-14", .behaviour.check_segments = refuse_last),
    M("empty-segment", "answers a segment of no sectors with a status that does not exist", "PROV-DEV-15", .behaviour.check_segments = strange_empty),
    M("no-data", "answers a request without segments with a status that does not exist", "PROV-DEV-16", .behaviour.check_segments = strange_none),
    M("odd-length", "runs a request whose data is no multiple of 16", "PROV-DEV-17", .behaviour.check_segments = accept_odd_length),
    M("any-number", "runs more than max_provision_seg segments", "PROV-DEV-18", .behaviour.op = with_any_number),
    M("any-length", "runs a segment of more than max_provision_sectors", "PROV-DEV-19", .behaviour.op = with_any_length),
    M("read-only", "runs PROVISION on a read-only device", "PROV-DEV-20", SAME("that both are offered is doubted by itself", "PROV-DEV-21"), .options = add_features, .value = VBLK_BIT(VBLK_F_RO), .behaviour.op = with_read_only_too),
    M("offers-read-only", "offers PROVISION and RO", "PROV-DEV-21", .options = add_features, .value = VBLK_BIT(VBLK_F_RO)),
    M("host-error", "answers with the host's number of an error", "PROV-DEV-22", .behaviour.op = with_host_error),
    M("overlap", "refuses segments that overlap", "PROV-DEV-25", .behaviour.check_segments = refuse_overlap),
    M("again", "refuses a range that is provisioned already", "PROV-DEV-26", .behaviour.check_segments = refuse_again),
    M("stops", "answers nothing after a request that it refused", "PROV-DEV-31", SAME("what is not answered is owed", "SAFE-DEV-03"), .behaviour = { .put_status = stops, .put_used = answers_until_stopped }),
    M("out-of-order", "serves last to first although IN_ORDER was negotiated", "PROV-DEV-32", SAME("6 says it of any request; where stores are not seen an answer for the last stands for all before it", "RSVF-DEV-05", "RING-PACKED-12"), .hidden = "an answer for the last buffer stands for those before it", .ring = "unordered", .behaviour.reorder = true),
    M("first-queue-only", "answers UNSUPP on all queues but the first", "PROV-DEV-33", .behaviour.check_segments = refuse_other_queues),
    M("segments-changed", "stores into the segments", "PROV-DEV-35", SAME("2.6.1 says it of any readable buffer; of several at once it changes one that is back", "RING-PACKED-DEV-04", "RING-SPLIT-DEV-01", "SAFE-DEV-01"), .ring = "readable-changed"),
    M("status-later", "writes the status after the used element", "PROV-DEV-36", SAME("2.7 and 2.8 say it of any byte, and the buffer is back by then", "RING-PACKED-14", "RING-PACKED-15", "RING-SPLIT-DEV-06", "SAFE-DEV-02"), .behaviour = { .put_status = status_later, .after = now_the_status, .used_length = as_if_written }),
    M("status-after-reset", "writes a status after a reset", "SAFE-DEV-02", SAME("2.4 says it of any store", "RESET-DEV-03"), .hidden = BETWEEN_LOOKS, .behaviour = { .put_status = remember, .write_reg = reset_then_status }),
    M("config-news", "notifies of a configuration change that it did not make", "NOTIF-04", .met = "provision", .behaviour.put_status = tells_of_itself),
    M("config-changed", "shows another size_max afterwards", "PROV-DEV-38", SAME("2.5 and 3.2.3 say it of any field", "CFG-03", "OPER-01"), .behaviour = { .put_status = remember, .read_config = after_provision }, .field = "size_max", .value = 7),
    M("no-version-1", "offers PROVISION without VERSION_1", "PROV-DEV-39", SAME("every acceptance with it is refused", "FEAT-DEV-02", "RSVF-DEV-01"), .behaviour.show_features = offer, .other = VBLK_BIT(VBLK_F_VERSION_1)),
    M("zeroes-in-flight", "lets a read that is in flight see zeroes", "PROV-DEV-28", SAME("the data changed, too, and looks erased", "PROV-DEV-08", "PROV-DEV-11"), .behaviour.op = with_one_byte),
    { .name = NULL },
};
