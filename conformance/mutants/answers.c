/* SPDX-License-Identifier: BSD-3-Clause */
/* Statuses and effects of the block device's requests done wrong, and what a device does to buffers and rings. */
#include <string.h>

#include "generic.h"

#define M(name_, what_, clause_, ...) { .name = name_, .what = what_, .clause = clause_, __VA_ARGS__ }
#define SAME(because_, ...) .because = (because_), .synonyms = { __VA_ARGS__ }
#define ANSWERS(type_, status_) .behaviour.put_status = status_of_type, .value = (type_), .other = (status_)
#define TURNS(from, to) .behaviour.put_status = status_for_status, .value = (from), .other = (to)

/* A request type with a function of its own; the rest of the row is the reference's. */
#define TYPE(name_, type_, direction_, unit_, writes_, run_)                                                           \
    static const struct vblk_op row_##name_ = { .type = (type_), .feature = -1, .direction = (direction_),             \
                                                .unit = (unit_), .writes = (writes_), .run = (run_) };                 \
    static const struct vblk_op *with_##name_(const struct vblk_device *device, uint32_t type,                         \
                                              const struct vblk_op *row)                                               \
    {                                                                                                                  \
        (void)device;                                                                                                  \
        return type == (type_) ? &row_##name_ : row;                                                                   \
    }

static uint8_t other_bytes(struct vblk_device *device, struct vblk_request *req)
{
    uint8_t byte = 0x5a;
    const uint8_t status = vblk_reference_run(device, req, VBLK_T_IN);

    return status != VBLK_S_OK || vblk_request_in_len(req) == 0 || vblk_request_put(device, req, 0, &byte, 1) == VBLK_OK
               ? status
               : VBLK_S_IOERR;
}
TYPE(other_bytes, VBLK_T_IN, VBLK_TO_DRIVER, VBLK_SECTOR, false, other_bytes)

static uint8_t id_with_line_feed(struct vblk_device *device, struct vblk_request *req)
{
    static const char id[VBLK_ID_BYTES] = "vblk\nreference";

    return vblk_request_in_len(req) == sizeof(id) && vblk_request_put(device, req, 0, id, sizeof(id)) == VBLK_OK
               ? VBLK_S_OK
               : VBLK_S_IOERR;
}
TYPE(line_feed, VBLK_T_GET_ID, VBLK_TO_DRIVER, 0, false, id_with_line_feed)

/* The three numbers, as the mutant has them. */
static uint8_t lifetime(struct vblk_device *device, struct vblk_request *req)
{
    const uint64_t v = mutant_of(device)->value;
    const struct vblk_lifetime answer = { vblk_put16((uint16_t)v), vblk_put16((uint16_t)(v >> 16)),
                                          vblk_put16((uint16_t)(v >> 32)) };

    return vblk_request_in_len(req) >= sizeof(answer) &&
                   vblk_request_put(device, req, 0, &answer, sizeof(answer)) == VBLK_OK
               ? VBLK_S_OK
               : VBLK_S_IOERR;
}
TYPE(lifetime, VBLK_T_GET_LIFETIME, VBLK_TO_DRIVER, 0, false, lifetime)
#define LIFETIME(pre, a, b) .behaviour.op = with_lifetime, .value = (pre) | (uint64_t)(a) << 16 | (uint64_t)(b) << 32

/* Writes are kept in a cache that a flush does not empty. */
TYPE(no_flush, VBLK_T_FLUSH, VBLK_NO_DATA, 0, false, run_ok)

static void note_status(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    vblk_device_notes(device)[0] = status;
    vblk_reference_put_status(device, req, status);
}

static void status_again(struct vblk_device *device, struct vblk_request *req)
{
    vblk_reference_put_status(device, req, (uint8_t)vblk_device_notes(device)[0]);
}

/* An unknown flag of the type in @value is answered @other. */
static uint8_t flags_answered(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    const struct mutant *m = mutant_of(device);
    const uint8_t status = vblk_reference_check_segments(device, req, op);

    return op->type == m->value && status == VBLK_S_UNSUPP ? (uint8_t)m->other : status;
}

static uint8_t natural_frames(struct vblk_device *device, struct vblk_request *req, const struct vblk_op *op)
{
    (void)op;
    return vblk_request_elements(req, false) > 2 ? VBLK_S_IOERR : vblk_reference_check_segments(device, req, op);
}

const struct mutant mutants_answers[] = {
    M("read-unknown", "answers UNSUPP to reads", "BLK-OP-03", ANSWERS(VBLK_T_IN, VBLK_S_UNSUPP)),
    M("discard-unknown", "answers UNSUPP to discards", "BLK-OP-04", ANSWERS(VBLK_T_DISCARD, VBLK_S_UNSUPP)),
    M("erase-unknown", "answers UNSUPP to secure erase", "BLK-OP-05", ANSWERS(VBLK_T_SECURE_ERASE, VBLK_S_UNSUPP)),
    M("flush-unknown", "answers UNSUPP to flushes", "BLK-FEAT-06", ANSWERS(VBLK_T_FLUSH, VBLK_S_UNSUPP)),
    M("lifetime-unknown", "answers UNSUPP to lifetime requests", "BLK-FEAT-12", ANSWERS(VBLK_T_GET_LIFETIME, VBLK_S_UNSUPP)),
    M("other-bytes", "changes the first byte of what it reads", "BLK-OP-09", SAME("the bytes are wrong whoever put them there", "BLK-OP-DEV-11", "PROV-DEV-08"), .behaviour.op = with_other_bytes),
    M("id-with-line-feed", "has a line feed in its id", "BLK-OP-15", .behaviour.op = with_line_feed),
    M("status-7", "answers failures with a status that does not exist", "BLK-OP-20", TURNS(VBLK_S_IOERR, 7)),
    M("unknown-is-error", "answers IOERR where UNSUPP is meant", "BLK-OP-21", TURNS(VBLK_S_UNSUPP, VBLK_S_IOERR)),
    M("erase-flags", "answers OK to a secure erase with an unknown flag", "BLK-OP-DEV-06", .behaviour.check_segments = flags_answered, .value = VBLK_T_SECURE_ERASE, .other = VBLK_S_OK),
    M("zeroes-flags", "answers IOERR to write zeroes with an unknown flag", "BLK-OP-DEV-07", .behaviour.check_segments = flags_answered, .value = VBLK_T_WRITE_ZEROES, .other = VBLK_S_IOERR),
    M("frames-of-segments", "refuses segments that are cut into descriptors", "PROV-REQ-10", .behaviour.check_segments = natural_frames),
    M("pre-eol-4", "answers with a reserved pre_eol_info", "BLK-OP-17", SAME("BLK-OP-DEV-25 forbids the reserved values of all three", "BLK-OP-DEV-25"), LIFETIME(4, 1, 1)),
    M("slc-12", "answers with a reserved est_typ_a", "BLK-OP-18", SAME("BLK-OP-DEV-25 forbids the reserved values of all three", "BLK-OP-DEV-25"), LIFETIME(1, 12, 1)),
    M("mlc-12", "answers with a reserved est_typ_b", "BLK-OP-19", SAME("BLK-OP-DEV-25 forbids the reserved values of all three", "BLK-OP-DEV-25"), LIFETIME(1, 1, 12)),
    M("lifetime-undefined", "offers LIFETIME and knows nothing", "BLK-OP-DEV-24", LIFETIME(0, 0, 0)),
    M("lifetime-reserved", "answers with reserved lifetimes", "BLK-OP-DEV-25", SAME("each of the three has a row that says which values there are", "BLK-OP-17", "BLK-OP-18", "BLK-OP-19"), LIFETIME(4, 12, 12)),
    M("flush-of-nothing", "answers flushes and writes nothing back", "BLK-OP-DEV-18", SAME("it is a case of that rule", "BLK-OP-DEV-20"), .behaviour.op = with_no_flush),
    M("status-again", "writes the status once more after its answer", "SAFE-DEV-02", .hidden = BETWEEN_LOOKS, .behaviour = { .put_status = note_status, .after = status_again }),
    M("readable-changed", "changes what the driver gave it to read", "RING-SPLIT-DEV-01", SAME("of several at once it changes one that is back", "SAFE-DEV-01"), .ring = "readable-changed"),
    M("writable-loaded", "loads from what it is to fill", "RING-SPLIT-DEV-02", .ring = "writable-loaded"),
    M("avail-slot-marked", "stores into the available ring", "RING-SPLIT-11", SAME("2.7 says of all parts who writes them", "RING-SPLIT-03"), .ring = "avail-slot-marked"),
    M("next-followed", "follows next where NEXT is clear", "RING-SPLIT-07", SAME("the descriptor it comes to may be one that was read before", "SAFE-DEV-06"), .ring = "next-followed"),
    M("loads-astray", "loads from memory that is in no buffer", "RSVF-06", .hidden = LOADS_UNSEEN, .ring = "loads-astray"),
    M("header-read-twice", "reads what it has read once more", "SAFE-DEV-06", .ring = "header-read-twice"),
    M("descriptor-read-twice", "reads a descriptor twice", "SAFE-DEV-06", .ring = "descriptor-read-twice"),
    M("descriptor-marked", "stores into the descriptor table", "RING-SPLIT-DEV-04", SAME("2.7 says of all parts who writes them", "RING-SPLIT-03"), .ring = "descriptor-marked"),
    M("used-idx-two", "moves the used index by two", "RING-SPLIT-17", SAME("the second element is none: no such buffer, no such length, not stored", "RING-SPLIT-15", "RING-SPLIT-16", "RING-SPLIT-DEV-05"), .ring = "used-idx-two"),
    M("used-modulo-less-one", "takes the used slot modulo one less than the size", "RING-SPLIT-DEV-05", SAME("the slot that is looked at holds an older answer", "RING-SPLIT-15", "RING-SPLIT-16", "SAFE-DEV-03", "VQ-02"), .ring = "used-modulo-less-one"),
    M("takes-twice", "serves a buffer twice", "RING-SPLIT-15", SAME("the second answer is one too many, and its stores come too late", "RING-SPLIT-17", "SAFE-DEV-02"), .ring = "takes-twice"),
    M("skips-first", "never answers the first buffer", "SAFE-DEV-03", SAME("it wants to be told of the one after", "NOTIF-06"), .ring = "skips-first"),
    { .name = NULL },
};
