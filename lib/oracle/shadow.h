/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shadow of the disk: what each sector may read as, and why the oracle believes so.
 *
 * A sector is unknown (never seen; two reads must agree), zero, data, free (anything, and not the same twice: discarded)
 * or open (one of several candidates, mixed per byte: a failed or overlapping write, lost power).
 * Memory grows with what was written or seen, never with the size of a range.
 */
#ifndef ORACLE_SHADOW_H
#define ORACLE_SHADOW_H

#include <vblk/base.h>

/* The request that last said something about a sector: whom to blame when it reads wrong. */
enum cause {
    BY_NOBODY,          /* initial content */
    BY_READ,            /* a read showed it */
    BY_WRITE,           /* OUT, OK */
    BY_WRITE_REFUSED,   /* OUT on a read-only device, or refused by UNSUPP: must not change */
    BY_ZEROES,          /* WRITE_ZEROES, OK, unmap clear */
    BY_ZEROES_UNMAP,    /* WRITE_ZEROES, OK, unmap set */
    BY_DISCARD,
    BY_ERASE,
    BY_PROVISION,       /* inside a range of PROVISION */
    BY_PROVISION_UNMAP, /* the same with the unmap flag set */
    BY_REFUSED,         /* inside a range of a request that was answered UNSUPP: must not change */
    BY_POWER_CUT,
    BY_PROVISION_REFUSED, /* inside a range of PROVISION that was answered UNSUPP */
    BY_PROVISION_BESIDE,  /* inside a range of PROVISION and of a write that were in flight together */
    CAUSE_COUNT
};

/* How a completed read compares. */
struct shadow_read {
    bool compared;         /* at least one sector had something to compare with */
    uint32_t causes;       /* bit n: a sector whose last cause is n was compared and agreed */
    uint32_t causes_unwritten; /* the same, of sectors that nobody ever wrote */
    bool bad;              /* a sector reads as nothing that is allowed */
    uint64_t bad_sector;
    uint8_t bad_cause;     /* enum cause of the first bad sector */
    bool bad_never_written;/* nobody ever wrote it (zero or first seen by a read) */
    uint8_t bad_nearby;    /* enum cause of the latest request that changed or named sectors elsewhere since this one
                            * was last verified; BY_NOBODY: none */
    bool bad_adjacent;     /* that request's range ends or begins within 8 sectors of the bad one */
    uint16_t bad_offset;   /* first wrong byte in the sector */
    uint8_t got[16], want[16]; /* from bad_offset on, as many as the sector has; the rest zero */
    uint8_t shown;         /* valid bytes of got and want */
};

enum shadow_change {
    MAKE_DATA,   /* reads as the bytes given */
    MAKE_ZERO,
    MAKE_FREE,   /* reads as anything */
    MAY_BE_DATA, /* as before, or the bytes given, or a mixture */
    MAY_BE_ZERO,
    MAY_BE_FREE, /* equivalent to MAKE_FREE but for the cause */
    KEEP         /* content as before; the cause is noted (PROVISION, refused requests) */
};

struct shadow_impl;
struct shadow {
    struct shadow_impl *impl; /* NULL: no memory was to be had; nothing is compared */
};

bool shadow_open(struct shadow *s, bool zero);
void shadow_close(struct shadow *s);
/* Forget everything; the disk reads as zeroes or is unknown. Costs what was touched. */
void shadow_forget(struct shadow *s, bool zero);

/* Apply a change to [sector, sector + count). bytes: [count * 512] for *_DATA, else NULL. */
void shadow_change(struct shadow *s, enum shadow_change change, enum cause cause, uint64_t sector, uint64_t count,
                   const uint8_t *bytes);
/* Add another candidate where two requests in flight overlapped: the range may also read as the bytes given (or zeroes, bytes NULL). */
void shadow_also(struct shadow *s, uint64_t sector, uint64_t count, const uint8_t *bytes);
/*
 * Compare bytes that a read returned, and learn from them: unknown and open sectors become data.
 * May be called piecewise; @r accumulates. @learn false: compare only.
 */
void shadow_compare(struct shadow *s, uint64_t sector, uint64_t count, const uint8_t *bytes, bool learn,
                    struct shadow_read *r);

/* Stability. @stable false: MAKE_* changes from now on are volatile until flushed. Off unless tracking was asked for. */
void shadow_track(struct shadow *s, bool on);
void shadow_mode(struct shadow *s, bool stable);
/* A number for "now"; writes completed before a FLUSH was sent are covered by it. */
uint64_t shadow_now(const struct shadow *s);
/* All volatile changes made before @then are stable. */
void shadow_flushed(struct shadow *s, uint64_t then);
/* Power is lost: volatile sectors may read as either content (or as the old one only where nothing was written back). */
void shadow_power_cut(struct shadow *s);
/* Everything that is not stable may change: like a power cut of a disk without persistence. */
void shadow_doubt_all(struct shadow *s);

#endif /* ORACLE_SHADOW_H */
