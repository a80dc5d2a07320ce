/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that send one request which they should not, among others that they should. */
#include "generic.h"

#define PROVISION 15
#define LAST 255 /* sector of the disk */
#define MOST 24  /* sectors of a segment, for each command */
#define SEGMENTS 16
#define MEMORY (2u << 20) /* bytes of it */
#define ALL .only = "!*small pieces"
#define NO_FEW .only = "!*few features"
#define SAME(...) .synonyms = { __VA_ARGS__ }, .because
#define PAST_SEG_MAX "what is past seg_max is too many descriptors"
#define SENDS(name_, what_, clause_, request, ...)                                                                     \
    { .name = "driver-" name_, .what = what_, .clause = clause_, .driver = true, .sends = request, __VA_ARGS__ }
#define R(...) { __VA_ARGS__ }
#define ONE .segments = 1, .segment = { 8, 8, 0 }

const struct mutant mutants_driver_request[] = {
    SENDS("provision-part", "sends PROVISION with a segment and a half", "PROV-DRV-01", R(.type = PROVISION, ONE, .more = 8), NO_FEW),
    SENDS("provision-too-many", "sends PROVISION with more segments than the limit", "PROV-DRV-02",
          R(.type = PROVISION, .segments = SEGMENTS + 1, .segment = { 8, 1, 0 }), NO_FEW),
    SENDS("provision-too-long", "provisions more sectors than the limit", "PROV-DRV-03",
          R(.type = PROVISION, .segments = 1, .segment = { 8, MOST + 1, 0 }), NO_FEW),
    SENDS("provision-unnegotiated", "sends PROVISION without having negotiated it", "PROV-DRV-04", R(.type = PROVISION, ONE), .only = "*few features"),
    SENDS("provision-nothing", "sends PROVISION without a segment", "PROV-DRV-05", R(.type = PROVISION), NO_FEW),
    SENDS("provision-empty", "provisions a segment of no sectors", "PROV-DRV-06", R(.type = PROVISION, .segments = 1, .segment = { 8, 0, 0 }), NO_FEW),
    SENDS("provision-past-capacity", "provisions past capacity", "PROV-DRV-07", R(.type = PROVISION, .segments = 1, .segment = { LAST, 2, 0 }), NO_FEW),
    SENDS("provision-overflow", "provisions a range whose end wraps", "PROV-DRV-07",
          R(.type = PROVISION, .segments = 1, .segment = { UINT64_MAX, 2, 0 }), NO_FEW),
    SENDS("provision-flag", "sets a reserved flag in PROVISION", "PROV-DRV-08",
          R(.type = PROVISION, .segments = 1, .segment = { 8, 8, 0x80000000 }), NO_FEW),
    SENDS("provision-unmap", "sets unmap in PROVISION", "PROV-DRV-09", R(.type = PROVISION, .segments = 1, .segment = { 8, 8, 1 }), NO_FEW),
    SENDS("provision-pieces", "cuts PROVISION into more pieces than seg_max", "PROV-DRV-13", R(.type = PROVISION, ONE, .pieces = 4),
          .only = "split, small pieces", SAME("FRAME-DRV-02") = PAST_SEG_MAX),
    SENDS("reads-past-capacity", "reads past capacity", "BLK-OP-DRV-02", R(.type = VBLK_T_IN, .sector = LAST, .in = 1024), ALL),
    SENDS("writes-past-capacity", "writes past capacity", "BLK-OP-DRV-02", R(.type = VBLK_T_OUT, .sector = LAST, .more = 1024), ALL),
    SENDS("reads-overflow", "reads a range whose end wraps", "BLK-OP-DRV-02", R(.type = VBLK_T_IN, .sector = UINT64_MAX, .in = 1024), ALL),
    SENDS("discards-past-capacity", "discards past capacity", "BLK-OP-DRV-02", R(.type = VBLK_T_DISCARD, .segments = 1, .segment = { LAST, 2, 0 }), NO_FEW),
    SENDS("flush-sector", "gives FLUSH a sector", "BLK-OP-DRV-04", R(.type = VBLK_T_FLUSH, .sector = 5), NO_FEW),
    SENDS("flush-data", "sends data with FLUSH", "BLK-OP-DRV-05", R(.type = VBLK_T_FLUSH, .more = 512), NO_FEW),
    SENDS("reads-part", "reads 513 bytes", "BLK-OP-DRV-06", R(.type = VBLK_T_IN, .sector = 8, .in = 513), ALL),
    SENDS("writes-part", "writes 511 bytes", "BLK-OP-DRV-06", R(.type = VBLK_T_OUT, .sector = 8, .more = 511), ALL),
    SENDS("discard-part", "discards a segment and a half", "BLK-OP-DRV-07", R(.type = VBLK_T_DISCARD, ONE, .more = 8), NO_FEW),
    SENDS("erase-part", "erases a segment and a half", "BLK-OP-DRV-08", R(.type = VBLK_T_SECURE_ERASE, ONE, .more = 8), NO_FEW),
    SENDS("zeroes-part", "zeroes a segment and a half", "BLK-OP-DRV-09", R(.type = VBLK_T_WRITE_ZEROES, ONE, .more = 8), NO_FEW),
    SENDS("id-too-long", "asks for an id of 21 bytes", "BLK-OP-DRV-10", R(.type = VBLK_T_GET_ID, .in = 21), ALL),
    SENDS("id-too-short", "asks for an id of 19 bytes", "BLK-OP-DRV-10", R(.type = VBLK_T_GET_ID, .in = 19), ALL),
    SENDS("discard-too-many", "discards more segments than the limit", "BLK-OP-DRV-11",
          R(.type = VBLK_T_DISCARD, .segments = SEGMENTS + 1, .segment = { 8, 1, 0 }), NO_FEW),
    SENDS("erase-too-many", "erases more segments than the limit", "BLK-OP-DRV-12",
          R(.type = VBLK_T_SECURE_ERASE, .segments = SEGMENTS + 1, .segment = { 8, 1, 0 }), NO_FEW),
    SENDS("zeroes-too-many", "zeroes more segments than the limit", "BLK-OP-DRV-13",
          R(.type = VBLK_T_WRITE_ZEROES, .segments = SEGMENTS + 1, .segment = { 8, 1, 0 }), NO_FEW),
    SENDS("discard-unmap-set", "sets unmap in DISCARD", "BLK-OP-DRV-16", R(.type = VBLK_T_DISCARD, .segments = 1, .segment = { 8, 8, 1 }), NO_FEW),
    SENDS("many-pieces", "cuts data into more pieces than seg_max", "FRAME-DRV-02", R(.type = VBLK_T_IN, .sector = 8, .in = 512, .pieces = 4),
          .only = "split, small pieces"),
    SENDS("long-piece", "has a descriptor longer than size_max", "FRAME-DRV-02", R(.type = VBLK_T_IN, .sector = 8, .in = 1024),
          .only = "split, small pieces"),
    SENDS("list-too-long", "uses a list of more descriptors than seg_max allows", "RING-PACKED-DRV-06",
          R(.type = VBLK_T_IN, .sector = 8, .in = 512, .pieces = 4), .only = "packed, small pieces", SAME("FRAME-DRV-02") = PAST_SEG_MAX),
    SENDS("table-past-seg-max", "uses a table of more descriptors than seg_max allows", "RING-IND-DRV-08",
          R(.type = VBLK_T_IN, .sector = 8, .in = 512, .pieces = 4), .only = "packed, tables, small pieces", SAME("FRAME-DRV-02") = PAST_SEG_MAX),
    SENDS("outside-memory", "names a buffer outside of memory", "SAFE-DRV-03", R(.type = VBLK_T_IN, .sector = 8, .in = 512, .at = 2 * MEMORY), ALL),
    SENDS("last-byte-outside", "names a buffer whose last byte is outside of memory", "SAFE-DRV-03",
          R(.type = VBLK_T_IN, .sector = 8, .in = 512, .at = MEMORY - 511), ALL),
    SENDS("huge-chain", "describes more than 2^32 bytes", "RING-SPLIT-DRV-02",
          R(.type = VBLK_T_IN, .sector = 8, .in = UINT32_MAX, .more = UINT32_MAX), SAME("SAFE-DRV-03") = "no memory is that large", .only = "split"),
    { .name = "driver-no-flush", .what = "does not flush, though the cache may be writeback", .clause = "BLK-INIT-DRV-03", .driver = true,
      .never_flushes = true, .only = "*cache mode" },
    { .name = NULL },
};
