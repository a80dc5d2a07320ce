/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose doing wrong data is, and how to say it. */
#include <stdio.h>

#include "judge.h"

enum cause data_suspect(const struct shadow_read *r, bool *outside)
{
    bool settled = r->bad_cause == BY_READ || r->bad_cause == BY_NOBODY;
    const uint32_t zeroes = CAUSE(ZEROES) | CAUSE(ZEROES_UNMAP), both = 1u << r->bad_cause | 1u << r->bad_nearby;
    /* many segments of one request may push the one that named the sector out of sight: same cause, same request; and
     * zeroes nearby can't make what was zeroed into anything else */
    bool alike = r->bad_nearby == r->bad_cause || (both & ~zeroes) == 0;
    *outside = r->bad_nearby != BY_NOBODY && !alike && (r->bad_adjacent || settled);
    return (enum cause)(*outside ? r->bad_nearby : r->bad_cause);
}

static void say_bytes(char *text, size_t room, const uint8_t *bytes, unsigned count)
{
    text[0] = '\0';
    for (unsigned i = 0; i < count && 2 * i + 2 < room; i++)
        snprintf(text + 2 * i, room - 2 * i, "%02x", bytes[i]);
}

enum outcome judge_data(const struct look *l, struct why *why, uint32_t causes, bool outside, const char *expected)
{
    const struct shadow_read *r = &l->answer->read;
    char got[33], want[33];
    bool beside;

    if (!r->bad)
        return !outside && (r->causes & causes) != 0 ? HELD : UNTOUCHED;
    if ((1u << data_suspect(r, &beside) & causes) == 0 || beside != outside)
        return UNTOUCHED;
    say_bytes(got, sizeof(got), r->got, r->shown);
    say_bytes(want, sizeof(want), r->want, r->shown);
    enum outcome outcome = broken(why, expected, "sector %llu, byte %u: %s where %s was due",
                                  (unsigned long long)r->bad_sector, r->bad_offset, got, want);
    point_at(why, r->bad_sector);
    show_bytes(why, r->got, r->shown);
    return outcome;
}

const char *say_status(uint8_t status, char buf[16])
{
    const char *name = vblk_status_name(status);
    if (name != NULL)
        return name;
    snprintf(buf, 16, "status 0x%02x", status);
    return buf;
}
