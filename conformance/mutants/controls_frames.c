/* SPDX-License-Identifier: BSD-3-Clause */
/* Any framing will do (2.7.4): requests cut where nobody cuts them, elements without bytes, on both kinds of ring. */
#include "mutants.h"

#define DATA 16u /* where it begins, behind the header */
#define ON(ring, name_, what_, ...)                                                                                    \
    { .name = "frame-" name_ "-" ring, .what = what_ ", on a " ring " ring", .driver = true, .only = ring,             \
      .sends = { .framed = true, __VA_ARGS__ } }
#define FRAME(name, what, ...) ON("split", name, what, __VA_ARGS__), ON("packed", name, what, __VA_ARGS__)
#define STR_(x) #x
#define STR(x) STR_(x)
#define EACH_15(F) F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14), F(15)
#define READ .type = VBLK_T_IN, .sector = 8, .in = 512
#define WRITE .type = VBLK_T_OUT, .sector = 8, .more = 512
#define RANGE .segments = 1, .segment = { 8, 8, 0 }
#define RANGES .segments = 3, .segment = { 8, 4, 0 }

#define READ_HEADER(at) FRAME("read-header-" STR(at), "cuts the header of a read at byte " STR(at), READ, .cut = { at, DATA })
#define WRITE_HEADER(at) FRAME("write-header-" STR(at), "cuts the header of a write at byte " STR(at), WRITE, .cut = { at, DATA })
#define PROVISION_SEGMENT(at)                                                                                          \
    FRAME("provision-" STR(at), "cuts the segment of PROVISION at byte " STR(at), .type = 15, RANGE, .cut = { DATA, DATA + at })
#define DISCARD_SEGMENT(at)                                                                                            \
    FRAME("discard-" STR(at), "cuts the segment of DISCARD at byte " STR(at), .type = VBLK_T_DISCARD, RANGE, .cut = { DATA, DATA + at })
#define ZEROES_SEGMENT(at)                                                                                             \
    FRAME("zeroes-" STR(at), "cuts the segment of WRITE_ZEROES at byte " STR(at), .type = VBLK_T_WRITE_ZEROES, RANGE, .cut = { DATA, DATA + at })
#define ERASE_SEGMENT(at)                                                                                              \
    FRAME("erase-" STR(at), "cuts the segment of SECURE_ERASE at byte " STR(at), .type = VBLK_T_SECURE_ERASE, RANGE, .cut = { DATA, DATA + at })
#define ID(at) FRAME("id-" STR(at), "cuts the id at byte " STR(at), .type = VBLK_T_GET_ID, .in = 20, .cut_in = { at })
#define READ_DATA(at) FRAME("read-data-" STR(at), "cuts what is read and its status at byte " STR(at), READ, .cut = { DATA }, .cut_in = { at })
#define WRITE_DATA(at) FRAME("write-data-" STR(at), "cuts header and data of a write at byte " STR(at), WRITE, .cut = { at })

const struct mutant controls_frames[] = {
    EACH_15(READ_HEADER),
    EACH_15(WRITE_HEADER),
    EACH_15(PROVISION_SEGMENT),
    EACH_15(DISCARD_SEGMENT),
    EACH_15(ZEROES_SEGMENT),
    EACH_15(ERASE_SEGMENT),
    EACH_15(ID),
    ID(16), ID(17), ID(18), ID(19),
    READ_DATA(1), READ_DATA(2), READ_DATA(255), READ_DATA(256), READ_DATA(257), READ_DATA(510), READ_DATA(511),
    WRITE_DATA(17), WRITE_DATA(32), WRITE_DATA(100), WRITE_DATA(271), WRITE_DATA(272), WRITE_DATA(526), WRITE_DATA(527),
    FRAME("read-whole", "sends a read in one readable and one writable element", READ),
    FRAME("write-whole", "sends header and data in one element", WRITE),
    FRAME("header-in-bytes", "sends a header in elements of 1, 1, 2, 4 and 8 bytes", READ, .cut = { 1, 2, 4, 8 }),
    FRAME("across", "has an element with the end of the header and the beginning of the data", WRITE, .cut = { 5, 100, 400 }),
    FRAME("many", "cuts what is read into six", READ, .cut = { DATA }, .cut_in = { 3, 100, 101, 333, 512 }),
    FRAME("id-whole", "has the id and its status in one element", .type = VBLK_T_GET_ID, .in = 20),
    FRAME("flush-cut", "cuts the header of FLUSH", .type = VBLK_T_FLUSH, .cut = { 7, 9 }),
    FRAME("lifetime-cut", "cuts what GET_LIFETIME answers in the middle of its fields", .type = VBLK_T_GET_LIFETIME, .in = 6, .cut_in = { 1, 3, 5 }),
    FRAME("provision-three", "cuts three segments of PROVISION off their limits", .type = 15, RANGES, .cut = { 20, 40, 60 }),
    FRAME("discard-three", "cuts three segments of DISCARD off their limits", .type = VBLK_T_DISCARD, RANGES, .cut = { 20, 40, 60 }),
    FRAME("zeroes-three", "cuts three segments of WRITE_ZEROES off their limits", .type = VBLK_T_WRITE_ZEROES, RANGES, .cut = { 20, 40, 60 }),
    FRAME("erase-three", "cuts three segments of SECURE_ERASE off their limits", .type = VBLK_T_SECURE_ERASE, RANGES, .cut = { 20, 40, 60 }),
    FRAME("empty-first", "begins with an element of no bytes", READ, .cut = { 0, DATA }, .empty = true),
    FRAME("empty-in-header", "has an element of no bytes in the header", READ, .cut = { 8, 8, DATA }, .empty = true),
    FRAME("empty-before-data", "has an element of no bytes before the data", WRITE, .cut = { DATA, DATA }, .empty = true),
    FRAME("empty-before-status", "has an element of no bytes before the status", READ, .cut = { DATA }, .cut_in = { 512, 512 }, .empty = true),
    FRAME("empty-in-segment", "has an element of no bytes in a segment", .type = 15, RANGE, .cut = { DATA, 24, 24 }, .empty = true),
    FRAME("empty-twice", "has two elements of no bytes", WRITE, .cut = { DATA, DATA, DATA }, .empty = true),
    { .name = NULL },
};
