/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the text leaves a choice, each way of it: answers to requests that a driver should not have sent, lengths,
 * notifications that nobody asked for. The driver may be blamed for its part. */
#include "generic.h"

#define PROVISION 15
#define LAST 255
/* Scenarios with all features and with PROVISION: those whose name ends otherwise. */
#define WITH_ALL "!*[4si]"
#define PAST "BLK-OP-DRV-02"
#define ANSWER(name_, what_, type_, status_, driver_, ...)                                                             \
    { .name = name_, .what = what_, .driver = true, .behaviour.put_status = answer_odd, .value = type_, .other = status_, \
      .beside = driver_, .only = WITH_ALL, .sends = { .type = type_, __VA_ARGS__ } }
#define BOTH(name, what, type, driver, ...)                                                                            \
    ANSWER(name "-ioerr", what " with IOERR", type, VBLK_S_IOERR, driver, __VA_ARGS__),                                \
    ANSWER(name "-unsupp", what " with UNSUPP", type, VBLK_S_UNSUPP, driver, __VA_ARGS__)
#define LENGTHS(name_, what_, fn)                                                                                      \
    { .name = name_, .what = what_, .driver = true, .behaviour.used_length = fn, .only = WITH_ALL, .beside = PAST,     \
      .sends = { .type = VBLK_T_IN, .sector = LAST, .in = 1024 } }
#define KICKS(n) { .name = "kicks-" #n "-times", .what = "notifies " #n " times for each buffer", .driver = true, .port.kick = kick_more, .value = n, .only = "split" }, \
                 { .name = "packed-kicks-" #n "-times", .what = "notifies " #n " times for each buffer of a packed ring", .driver = true, .port.kick = kick_more, .value = n, .only = "packed" }

/* Whether the reference device refused it: then it is the odd request, or one like it. */
static void answer_odd(struct vblk_device *device, struct vblk_request *req, uint8_t status)
{
    const struct mutant *m = mutant_of(device);
    const bool odd = vblk_request_type(req) == m->value && status != VBLK_S_OK;

    vblk_reference_put_status(device, req, odd ? (uint8_t)m->other : status);
}

/* AMB-14: of a read that failed the device may count what was written without a gap, or all. */
static uint32_t all_of_it(const struct vblk_device *device, const struct vblk_request *req, uint8_t status, uint32_t written)
{
    (void)device;
    return status != VBLK_S_OK && vblk_request_type(req) == VBLK_T_IN ? (uint32_t)vblk_request_in_len(req) + 1 : written;
}

static vblk_err kick_more(struct wrong_port *port, uint16_t queue, uint32_t data)
{
    vblk_err err = vblk_port_kick(port->inner, queue, data);

    for (uint64_t i = 1; !err && port->note[0] < 8 && i < mutant_at_port(port)->value; i++)
        err = vblk_port_kick(port->inner, queue, data);
    port->note[0]++;
    return err;
}

const struct mutant controls_answers[] = {
    BOTH("provision-past-capacity", "answers PROVISION past capacity (AMB-04)", PROVISION, "PROV-DRV-07", .segments = 1, .segment = { LAST, 2, 0 }),
    BOTH("provision-overflow", "answers PROVISION of a range that wraps (AMB-04)", PROVISION, "PROV-DRV-07", .segments = 1, .segment = { UINT64_MAX, 2, 0 }),
    BOTH("provision-too-many", "answers PROVISION of too many segments (AMB-03)", PROVISION, "PROV-DRV-02", .segments = 17, .segment = { 8, 1, 0 }),
    BOTH("provision-too-long", "answers PROVISION of too many sectors (AMB-03)", PROVISION, "PROV-DRV-03", .segments = 1, .segment = { 8, 25, 0 }),
    BOTH("provision-nothing", "answers PROVISION without a segment (AMB-05)", PROVISION, "PROV-DRV-05", .segments = 0),
    BOTH("provision-part", "answers PROVISION with a segment and a half (AMB-15)", PROVISION, "PROV-DRV-01", .segments = 1, .segment = { 8, 8, 0 }, .more = 8),
    ANSWER("provision-unmap-unsupp", "answers PROVISION with unmap with UNSUPP (AMB-02)", PROVISION, VBLK_S_UNSUPP, "PROV-DRV-09", .segments = 1, .segment = { 8, 8, 1 }),
    ANSWER("erase-unmap-unsupp", "answers SECURE_ERASE with unmap with UNSUPP (AMB-16)", VBLK_T_SECURE_ERASE, VBLK_S_UNSUPP, "BLK-OP-14", .segments = 1, .segment = { 8, 8, 1 }),
    BOTH("read-past-capacity", "answers a read past capacity (AMB-04)", VBLK_T_IN, PAST, .sector = LAST, .in = 1024),
    BOTH("write-past-capacity", "answers a write past capacity (AMB-04)", VBLK_T_OUT, PAST, .sector = LAST, .more = 1024),
    BOTH("discard-past-capacity", "answers DISCARD past capacity (AMB-04)", VBLK_T_DISCARD, "BLK-OP-DRV-02", .segments = 1, .segment = { LAST, 2, 0 }),
    BOTH("zeroes-past-capacity", "answers WRITE_ZEROES past capacity (AMB-04)", VBLK_T_WRITE_ZEROES, "BLK-OP-DRV-02", .segments = 1, .segment = { LAST, 2, 0 }),
    BOTH("erase-past-capacity", "answers SECURE_ERASE past capacity (AMB-04)", VBLK_T_SECURE_ERASE, "BLK-OP-DRV-02", .segments = 1, .segment = { LAST, 2, 0 }),
    BOTH("discard-too-many", "answers DISCARD of too many segments (AMB-03)", VBLK_T_DISCARD, "BLK-OP-DRV-11", .segments = 17, .segment = { 8, 1, 0 }),
    BOTH("zeroes-too-many", "answers WRITE_ZEROES of too many segments (AMB-03)", VBLK_T_WRITE_ZEROES, "BLK-OP-DRV-13", .segments = 17, .segment = { 8, 1, 0 }),
    BOTH("erase-too-many", "answers SECURE_ERASE of too many segments (AMB-03)", VBLK_T_SECURE_ERASE, "BLK-OP-DRV-12", .segments = 17, .segment = { 8, 1, 0 }),
    BOTH("read-part", "answers a read of 513 bytes (AMB-15)", VBLK_T_IN, "BLK-OP-DRV-06", .sector = 8, .in = 513),
    BOTH("write-part", "answers a write of 511 bytes (AMB-15)", VBLK_T_OUT, "BLK-OP-DRV-06", .sector = 8, .more = 511),
    BOTH("id-short", "answers GET_ID of 19 bytes (AMB-19)", VBLK_T_GET_ID, "BLK-OP-DRV-10", .in = 19),
    ANSWER("flush-data-ioerr", "answers FLUSH with data with IOERR (AMB-15)", VBLK_T_FLUSH, VBLK_S_IOERR, "BLK-OP-DRV-05", .more = 512),
    LENGTHS("failed-read-whole-length", "counts all bytes of a read that failed (AMB-14)", all_of_it),
    KICKS(2), KICKS(3), KICKS(5), KICKS(9),
    { .name = NULL },
};
