/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's own picture of the world, and how a check looks at it.
 *
 *   event ── control.c / queue.c / access.c keep the picture ──> a moment ──> the checks of that moment ──> tally
 *
 * Readers digest what they see into facts; a check is a predicate over facts. Checks never read guest memory that
 * a reader has copied, never change the picture, and touch nothing when their clause has nothing to say.
 */
#ifndef ORACLE_JUDGE_H
#define ORACLE_JUDGE_H

#include <vblk/oracle.h>

#include "control.h"
#include "ids.h"
#include "lane.h"
#include "notify.h"
#include "provision.h"
#include "shadow.h"

/* ---- request types as small numbers, so that checks can be filed by them ---- */

enum type_slot {
    TY_IN,
    TY_OUT,
    TY_FLUSH,
    TY_GET_ID,
    TY_GET_LIFETIME,
    TY_DISCARD,
    TY_WRITE_ZEROES,
    TY_SECURE_ERASE,
    TY_PROVISION,
    TY_OTHER, /* a type the profile does not know */
    TY_NONE,  /* the header could not be read whole */
    TY_COUNT
};
#define TYPE(t) (1u << TY_##t)
#define ANY_TYPE ((1u << TY_COUNT) - 1)
#define SEGMENT_TYPES (TYPE(DISCARD) | TYPE(WRITE_ZEROES) | TYPE(SECURE_ERASE) | TYPE(PROVISION))

/* ---- what is wrong with a chain or a request, on the driver's side; 2.7 and 5.2.6 ---- */

enum fault {
    F_HEAD_RANGE = 1 << 0,      /* slot names a head outside the table */
    F_NEXT_RANGE = 1 << 1,      /* next outside the table */
    F_LOOP = 1 << 2,            /* a descriptor appears twice, or the chain is longer than the table */
    F_ADDRESS = 1 << 3,         /* a descriptor's bytes are not all in guest memory */
    F_ORDER = 1 << 4,           /* readable after writable */
    F_REUSED = 1 << 5,          /* head or descriptor still belongs to an outstanding chain */
    F_INDIRECT = 1 << 6,        /* INDIRECT without the feature */
    F_TOO_LARGE = 1 << 7,       /* more than 2^32 bytes */
    F_NO_ROOM = 1 << 30,        /* packed: the list needs slots that are still with the device */
    F_TABLE = 1 << 29,          /* the indirect table is empty, not whole descriptors, not a chain's end, or has INDIRECT inside */
    F_STRUCTURE = F_HEAD_RANGE | F_NEXT_RANGE | F_LOOP | F_ADDRESS | F_ORDER | F_REUSED | F_INDIRECT | F_TOO_LARGE |
                  F_TABLE | F_NO_ROOM,

    F_HEADER = 1 << 8,          /* fewer than 16 readable bytes */
    F_NO_STATUS = 1 << 9,       /* no writable byte for the status */
    F_UNIT = 1 << 10,           /* data length is not a multiple of the type's unit */
    F_DIRECTION = 1 << 11,      /* data lies on the wrong side */
    F_NO_SEGMENT = 1 << 12,
    F_TOO_MANY = 1 << 13,       /* segments above max_*_seg */
    F_TOO_LONG = 1 << 14,       /* a segment above max_*_sectors */
    F_SUM_TOO_LONG = 1 << 15,   /* the sum is, though no segment is (AMB-06) */
    F_RANGE = 1 << 16,          /* past capacity */
    F_UNKNOWN_FLAG = 1 << 17,   /* reserved segment flag */
    F_UNMAP = 1 << 18,          /* unmap where it has no meaning */
    F_ZERO_SECTORS = 1 << 19,   /* a segment of no sectors */
    F_NOT_NEGOTIATED = 1 << 20, /* the type's feature was not negotiated */
    F_READ_ONLY = 1 << 21,      /* a write to a device that offers RO */
    F_DATA = 1 << 22,           /* data where the type has none, or a length the type does not have */
    F_SIZE_MAX = 1 << 23,       /* a data descriptor longer than size_max */
    F_SEG_MAX = 1 << 24,        /* more data descriptors than seg_max */
    F_UNALIGNED = 1 << 25,      /* a range against an advisory alignment: not a fault, only a fact */
    F_QUEUE_LONG = 1 << 26,     /* more descriptors than the queue has, chain itself unbroken (indirect) */
    F_SWAPPED = 1 << 27,        /* beside F_ADDRESS: read as big-endian the descriptor's bytes would be in memory */
    F_OVERLAP = 1 << 28,        /* the device writes bytes of it for another chain in flight, or the other way round */
    /* what leaves the request lawful all the same */
    F_HARMLESS = F_SUM_TOO_LONG | F_UNALIGNED
};

/* ---- the rings as the oracle reads them ---- */

/* A descriptor as it was when its chain was made available; or a slot of a packed ring, of which owner (see packed_owner())
 * and loaded count. */
struct piece {
    uint64_t gpa;
    uint32_t len;
    uint16_t flags;
    uint16_t next;   /* packed: the buffer id */
    uint16_t owner;  /* place in q->chains of the outstanding chain it belongs to, or NO_OWNER */
    uint16_t pos;    /* position in that chain */
    uint16_t loaded; /* SEES_DEVICE_LOADS: bit n: the device fetched byte n of it */
    uint16_t index;  /* in the table or ring that it was read from */
    struct piece *after; /* the chain's next one, NULL: the last */
};
#define NO_OWNER 0xffffu

/* What a device stored into a chain's writable bytes, as merged intervals of offsets. */
#define WRITTEN_MAX 8
struct written {
    struct { uint64_t from, to; } run[WRITTEN_MAX];
    uint8_t count;
    bool overflow; /* more runs than fit: nothing is concluded from this */
};

/* A request as the oracle parsed it. */
struct request {
    uint8_t slot;            /* enum type_slot */
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint64_t readable;       /* bytes of readable pieces, header included */
    uint64_t writable;       /* bytes of writable pieces, status included */
    uint64_t out_len;        /* readable data after the header */
    uint64_t in_len;         /* writable data before the status byte */
    uint64_t status_at;      /* guest address of the status byte */
    uint8_t status_before;   /* its value when the chain was made available */
    uint32_t data_pieces;    /* descriptors that carry data */
    uint32_t segments;       /* whole ones */
    uint32_t unknown_flags;  /* all reserved flag bits seen */
    uint32_t first_unknown;  /* position of the first segment with one */
    uint64_t sum;            /* of num_sectors; FLUSH: shadow_now() when it was made available */
    uint8_t *data;           /* [data_len] copy of the readable data (segments, OUT); NULL if none or not kept */
    uint64_t data_len;
    uint64_t data_room;      /* bytes allocated; kept from request to request */
};

/* busy.c: a counting filter over addresses, so that most stores need no search among chains. */
#define BUSY_CELLS 4096u
#define BUSY_FINE 6    /* short pieces are counted per 64 bytes … */
#define BUSY_COARSE 12 /* … long ones per 4 KiB */
#define BUSY_LONG ((uint64_t)1)
#define BUSY_SHORT ((uint64_t)1 << 32)
struct busy {
    uint32_t fine[BUSY_CELLS];
    /* long ones, the very long ones in all pages; × BUSY_SHORT the short ones: most addresses need no look at their cell */
    uint64_t page[BUSY_CELLS];
};

/* Ranges of bytes that are where they were, moved by whole pages: what is to be counted for all of them at once. */
#define BUSY_PLAN 6u
struct busy_plan {
    uint16_t phase;        /* where in its page the first begins */
    uint8_t pages, cells;  /* no pages: there is no plan */
    uint16_t page[BUSY_PLAN], cell[BUSY_PLAN]; /* counted from those that it begins in */
    uint64_t by[BUSY_PLAN]; /* for each page */
};

/* How a chain was made when its head was made available last, if there was nothing wrong with it and little to it. */
#define TWIN_MAX 4
struct twin {
    uint64_t settings;       /* of the oracle; 0: there was */
    uint64_t rest[TWIN_MAX]; /* what a descriptor has besides its address, as one little-endian number */
    uint64_t shape;
    uint32_t type;
    bool unordered, odd_framing;
    uint8_t count, last;     /* last: the piece that the status byte is in */
    uint16_t first_writable;
    struct piece own[TWIN_MAX]; /* packed: its pieces */
    uint64_t apart[TWIN_MAX]; /* how far each piece lies behind the first … */
    uint64_t before, span;   /* … and all of them: from so many bytes before it on */
    struct busy_plan busy;   /* … and what that means to the filter of addresses in use */
    uint8_t stores;          /* steps that store into it; 0: what a device does with it is not so simple */
    uint16_t place;          /* split: where its answer is foreseen */
    uint32_t linked;         /* when it was found out what comes after it: see struct express */
    uint8_t answer;          /* the step that is the answer */
    struct vblk_foreseen steps[2 * TWIN_MAX + 2]; /* what a device does next if it does what most do: see express_steps.c … */
    struct vblk_foreseen publish; /* … and what makes the answer valid */
};

struct chain {
    uint16_t head;           /* packed: the buffer id */
    uint16_t queue;
    /* what becomes of it: all false when it is made available, but for the first */
    bool outstanding;
    bool taken;              /* the device was seen to load it */
    bool void_;              /* not judged any further: the picture of it is not reliable */
    bool racy;               /* a request in flight overlapped it, so its data is not compared */
    bool behind;             /* an overlapping request that changes the disk completed while this one was in flight */
    bool beside;             /* a write, and a provision request in flight overlapped it; or the other way round */
    bool suspect;            /* some of its bytes may belong to another outstanding chain, too */
    bool shared;             /* some of them it names twice, or a ring or a table has them: loads prove nothing */
    bool status_stored;      /* SEES_DEVICE_STORES: the status byte was stored */
    bool begun;              /* packed, SEES_DEVICE_LOADS: the device loaded its first descriptor */
    /* how it is made */
    bool mutates;            /* changes the disk if it succeeds */
    bool wrong_bits;         /* packed: a descriptor but the first is not marked available … */
    bool stray_flags;        /* packed: an entry of an indirect table has flags besides WRITE */
    bool odd;                /* packed: any of wrong_bits, stray_flags, unfenced, mixed, unknown_flags */
    bool unknown_flags;      /* packed: a descriptor of the ring has flags that the text does not know */
    bool unfenced;           /* packed, SEES_DRIVER_STORES: no barrier before the flags that made it available */
    bool mixed;              /* packed: an INDIRECT descriptor in a list with others that are not */
    bool own;                /* packed: its pieces are the twin's */
    bool odd_framing;        /* not header, whole sectors of data and status, each in descriptors of its own */
    bool linked_indirect;    /* an INDIRECT descriptor has NEXT, or packed: comes after NEXT */
    bool unordered;          /* split: a next that is not one more than the descriptor's own index … */
    bool table_unordered;    /* … and the same in its indirect table */
    uint16_t count;          /* pieces, all of the chain's */
    uint16_t direct;         /* of those, read from the table or ring itself */
    uint16_t slot, slots;    /* packed: first slot, and how many it takes */
    uint16_t place;          /* packed: its place in q->chains */
    uint16_t link;           /* the INDIRECT descriptor's place in the table or ring; NO_OWNER: none */
    uint16_t link_flags;     /* its flags */
    uint64_t shape;          /* how it is made: see shape_of(); 0: not known yet */
    uint32_t indirect_len;   /* bytes of the indirect table; 0: none … */
    uint64_t indirect;       /* … and where it lies */
    struct piece *first;     /* NULL: none */
    uint16_t first_writable; /* position of the first writable piece; == count: none */
    uint32_t faults;         /* enum fault */
    uint32_t turn;           /* position among all chains made available on its queue, from 1 */
    uint64_t born;           /* oracle sequence number at which it was made available */
    struct written written;
    struct written fetched;  /* SEES_DEVICE_LOADS: what the device loaded of the readable bytes */
    struct request req;
    struct chain *older, *newer; /* all outstanding chains of all queues, oldest first */
    struct twin twin;
};

#define UNWRITTEN 0xffu /* no status: the device was not seen to store one */

/* The answer a device gave to one chain, as seen at the moment the element was published. */
struct answer {
    uint32_t id;
    uint32_t len;
    uint16_t slot;          /* of the used ring */
    uint8_t status;         /* the status byte's value; meaningless without F_NO_STATUS clear */
    bool readable_changed;  /* readable bytes differ from when they were made available, not by the driver's hand */
    bool table_changed;     /* descriptors do */
    bool tampered;          /* readable bytes or descriptors do, and it was the driver; without its stores: lockstep */
    uint64_t changed_at;    /* where */
    bool skipped;           /* IN_ORDER: the element of a later buffer stands for this one as well; len is as assumed */
    bool out_of_order;      /* IN_ORDER, and an older buffer of the queue is not answered yet */
    bool len_known;         /* packed: WRITE is set, so len has a meaning; split: always */
    uint16_t advance;       /* split: by how much used idx is ahead of this element */
    uint16_t batch;         /* buffers that the element stands for; 0 where skipped */
    uint16_t flags;         /* packed: of the used descriptor */
    bool reversed;          /* IN: the data would be right, were the buffer's elements in reverse order */
    bool overtook;          /* packed, SEES_DEVICE_STORES: its flags were stored before those of an older one */
    bool again;             /* PROVISION: names the same range first as the one answered OK before */
    bool prefix_known;      /* stores were seen */
    uint64_t prefix;        /* bytes written contiguously from the first writable one */
    struct shadow_read read; /* IN with OK: how the data compares with the shadow */
};

struct queue {
    /* where the areas of a split ring are, each in one region; for as long as the memory's epoch is … */
    const uint8_t *desc_bytes, *driver_bytes, *device_bytes;
    uint32_t epoch;
    uint16_t no;
    uint16_t size;
    bool enabled;           /* QUEUE_ENABLE was written */
    bool lost;              /* what the driver made of it makes no sense: it is not followed until reset */
    bool unseen;            /* it was enabled, and can't be followed: of no known size, or there was no memory left */
    bool touched;           /* one of its registers was written since the reset */
    bool too_early;         /* it was enabled before that */
    uint64_t desc, driver, device;
    uint16_t avail_idx;     /* next slot not yet looked at */
    uint16_t used_idx;      /* next element not yet looked at */
    uint32_t outstanding;
    uint32_t total;         /* chains made available since enable */
    uint16_t next_desc;     /* split: the descriptor after the latest chain's last, were they used in order */
    uint32_t used_turn;     /* the latest turn of a chain that was used */
    uint32_t faulty_turn;   /* turn of the last malformed PROVISION, 0: none */
    uint32_t used_total;
    uint16_t avail_flags, used_flags; /* as last seen */
    bool flags_left;        /* split: used flags were not 0 when the queue was enabled: nobody's wish, heeded or not */
    uint16_t elem_pending;  /* SEES_DEVICE_STORES: idx was published before this many elements were stored */
    uint64_t notified;      /* used notifications seen */
    uint32_t since_kick;    /* chains made available since the last kick */
    uint32_t since_notify;  /* chains used since the last notification */
    uint64_t usual_for;     /* o->settings under which nothing was unusual about it: see queue_is_usual() */
    uint16_t tables_for;    /* the size the tables below were made for */
    bool packed;            /* desc is a ring, driver and device are event suppression structures; see queue_packed.c */
    bool avail_wrap, used_wrap; /* packed: the wrap counters that go with avail_idx and used_idx, which are slots */
    bool half;              /* packed: the first descriptor of a list is available before another of it */
    bool lapped;            /* packed: the driver has come past the end */
    bool from_batch;        /* packed: the latest used descriptor stood for several buffers */
    uint16_t skipped;       /* packed: slots that the latest used descriptor made be skipped */
    uint16_t polled;        /* packed, SEES_DEVICE_LOADS: slot whose flags the device loaded last, as they are now */
    uint16_t strayed;       /* packed, SEES_DEVICE_LOADS: slot of which the device took more than flags, and should not; or NO_OWNER */
    uint32_t taken_turn;    /* packed, SEES_DEVICE_LOADS: the latest turn of a chain that the device began with */
    bool fenced;            /* packed: whether a barrier separates the latest store from what it may make available */
    uint32_t in_use;        /* packed: slots that are with the device, from used_idx on */
    struct chain *spare;    /* packed: those that are not outstanding, by their newer; NULL: all are */
    struct notice_run run[2]; /* packed: by party: what it did since notifications were looked at */
    uint16_t *by_id;        /* packed: [65536] 1 + place in chains of the outstanding buffer, 0: none */
    struct vblk_packed_desc *ring; /* packed: [size] as the driver stored it */
    struct piece *pool;     /* [pool_size] for pieces that are not of the table */
    struct piece *pool_free;
    uint32_t pool_size, pool_used;
    struct piece *table;    /* [size] */
    struct chain *chains;   /* [size], split: by head */
    uint8_t *elem_fresh;    /* [size] element stored since the slot was last published; packed: SLOT_*, see slots.h */
    uint64_t entry_stored;  /* SEES_DRIVER_STORES: when the driver last stored a descriptor or slot … */
    uint64_t idx_stored;    /* … and when the available idx */
    uint64_t answered;      /* when a buffer was used last … */
    uint64_t reaped;        /* split, SEES_DRIVER_LOADS: … and when the driver loaded the used idx */
    struct chain *current;  /* the chain the device is serving, as far as loads and stores tell */
    bool blind;             /* late: what is in flight is not known, until nothing is */
};

/* What was stored into a slot of a packed ring since it was last made available or used. */
enum {
    SLOT_ID = 1,     /* id, by the device */
    SLOT_LEN = 2,    /* len, by the device */
    SLOT_DRIVER = 4, /* flags, by the driver */
    SLOT_UNSEEN = 8, /* used, and the driver did not look yet */
    SLOT_START = 16, /* holds the used descriptor */
    SLOT_FILLED = 32, /* addr, len or id, by the driver */
    SLOT_BARE = 64   /* with the device, and was not filled before */
};

/* What a store into a packed ring, or a load from it, shows to be amiss: look->slip, in slot look->from. */
enum slip {
    SLIP_OWNED,     /* the driver changed a descriptor that is with the device */
    SLIP_LATE,      /* … which it had not filled before it was available */
    SLIP_OVERRUN,   /* the driver stored a new descriptor over one that is with the device */
    SLIP_UNSEEN,    /* the driver changed a descriptor without having seen that it was used */
    SLIP_REWRITTEN, /* the device changed a descriptor that it had marked used */
    SLIP_SKIPPED,   /* the device stored where it had to skip the rest of a list or batch */
    SLIP_FREE,      /* the device stored into a descriptor that was never made available to it */
    SLIP_MASKED,    /* … where it would go on if the size were a power of two */
    SLIP_STRAYED,   /* what the device does comes of a buffer that it took from such a slot */
    SLIP_STALE,     /* the device stored where a queue that starts afresh has nothing for it */
    SLIP_ORDER      /* the device began with look->chain before an older one */
};

/* ---- moments: when checks run ---- */

enum moment {
    AT_REG_READ,      /* look->ev; state before the event */
    AT_REG_WRITE,
    AT_CONFIG_READ,
    AT_CONFIG_WRITE,
    AT_CONFIG_NOTIFY,
    AT_KICK,          /* available entries were scanned already */
    AT_USED_NOTIFY,   /* used entries were scanned already */
    AT_QUEUE_ENABLE,  /* look->queue is filled in */
    AT_AVAILABLE,     /* look->chain was made available */
    AT_SLIP,          /* packed: look->party did what look->slip says */
    AT_HALF,          /* packed: slot look->from starts a list, slot look->to of it is not available yet */
    AT_AVAIL_IDX,     /* split: look->queue's available idx changed to look->to from look->from */
    AT_USED,          /* look->chain was used with look->answer */
    AT_USED_BAD,      /* look->answer names no outstanding chain */
    AT_USED_IDX,      /* split: look->queue's used idx changed to look->to from look->from */
    AT_STORE,         /* look->ev with look->place; only what SEES_* shows */
    AT_LOAD,
    AT_STRAY,         /* a difference in memory that nobody owns up to: look->place, look->at, look->len */
    AT_QUIET,         /* time passed; look->chain is each chain still owed in turn, or NULL */
    AT_GONE,
    AT_BACK,
    AT_RESET,         /* status was read as 0 after 0 was written */
    AT_POWER_CUT,
    AT_CASE_END,
    AT_WISH,          /* look->party stored or changed what it wishes to be notified of on look->q (notify.h) */
    AT_OWED,          /* time passed or the case ends: look->q's notifications should have come where they are ripe */
    MOMENT_COUNT
};
#define AT(m) (1u << AT_##m)

/* What a guest address belongs to, seen from the queue that owns it. */
enum place {
    IN_DESC_TABLE,
    IN_AVAIL_RING,  /* flags, slots; not idx */
    IN_AVAIL_IDX,
    IN_USED_RING,   /* flags, avail_event */
    IN_USED_ELEM,
    IN_USED_IDX,
    IN_PACKED_RING, /* descriptors */
    IN_DRIVER_EVENT, /* the event suppression structures of a packed queue */
    IN_DEVICE_EVENT,
    IN_INDIRECT,    /* the indirect table of an outstanding chain */
    IN_READABLE,    /* of an outstanding chain */
    IN_WRITABLE,    /* of an outstanding chain, status byte included */
    IN_RETURNED,    /* was writable in a chain that has been used */
    IN_NOTHING,     /* none of these */
    PLACE_COUNT
};

/* AT_STRAY, AT_STORE, AT_LOAD: the rings, and what never belongs to the device */
#define SPLIT_PLACES (PLACE(DESC_TABLE) | PLACE(AVAIL_RING) | PLACE(AVAIL_IDX) | PLACE(USED_RING) | PLACE(USED_ELEM) | \
                      PLACE(USED_IDX))
#define PACKED_PLACES (PLACE(PACKED_RING) | PLACE(DRIVER_EVENT) | PLACE(DEVICE_EVENT))
#define RING_PLACES (SPLIT_PLACES | PACKED_PLACES)
#define AVAIL_PLACES (PLACE(AVAIL_RING) | PLACE(AVAIL_IDX))
#define USED_PLACES (PLACE(USED_RING) | PLACE(USED_ELEM) | PLACE(USED_IDX))

enum outcome { UNTOUCHED, HELD, BROKEN, DOUBTED, NOTED };

/* What a check is shown. Members that the moment does not define are zero or NULL. */
struct look {
    const struct vblk_oracle *o;
    const struct vblk_event *ev;
    const struct queue *q;
    const struct chain *chain;
    const struct answer *answer;
    uint16_t from, to;      /* AT_AVAIL_IDX, AT_USED_IDX */
    uint8_t slip;           /* AT_SLIP: enum slip */
    uint8_t place;          /* enum place */
    uint8_t party;          /* AT_STORE, AT_LOAD, AT_STRAY, AT_SLIP: who did it */
    bool place_known;       /* place and party are meant */
    uint64_t at, len;
};

/* What a check says when a rule is not simply held. Filled through broken(), doubted(), noted(). */
struct why {
    char expected[VBLK_WHY_TEXT];
    char seen[VBLK_WHY_TEXT];
    uint8_t reading;      /* 1 + VBLK_AMB_*; 0: none */
    const char *choice;   /* NOTED */
    bool driver_did_it;
    bool relaxable;       /* deployed peers live with it: a doubt under interop (see interop.def) */
    bool has_address;
    uint64_t address;
    uint8_t byte_count;
    uint8_t bytes[16];
};

typedef enum outcome (*check_fn)(const struct look *l, struct why *why);

struct check {
    vblk_clause_no clause;
    uint8_t guilty;       /* enum vblk_party: who is judged; VBLK_NOBODY: either, see blame_driver() */
    uint32_t moments;     /* AT(…) | AT(…) */
    uint32_t types;       /* AT_AVAILABLE, AT_USED, AT_QUIET: of these request types; TYPE(…) | … */
    uint32_t places;      /* AT_STORE, AT_LOAD, AT_STRAY: PLACE(…) | …; 0: any */
    uint32_t sees;        /* VBLK_SEES_* that it needs */
    check_fn run;
};
#define PLACE(p) (1u << IN_##p)
#define ANY_PLACE 0
#define NO_SIGHT 0

/*
 * CHECK(TOKEN, guilty, moments, types, places, sees) { body using l and why }
 * defines check_TOKEN; a row CHECKED(TOKEN, …) of the clause table without it does not link.
 */
#define CHECK(token, guilty_, moments_, types_, places_, sees_)                                                     \
    static enum outcome run_##token(const struct look *l, struct why *why);                                         \
    const struct check check_##token = { VBLK_C_##token, guilty_, moments_, types_, places_, sees_, run_##token };  \
    static enum outcome run_##token(const struct look *l, struct why *why)

/* ---- answers of checks; expected is a phrase, seen is printf-like ---- */

enum outcome broken(struct why *why, const char *expected, const char *seen, ...) VBLK_PRINTF(3, 4);
enum outcome doubted(struct why *why, const char *expected, const char *seen, ...) VBLK_PRINTF(3, 4);
/* A choice under a MAY, in a few words; static storage, so that noting the same again costs next to nothing. */
static inline enum outcome noted(struct why *why, const char *choice);
/* The verdict rests on reading @amb (VBLK_AMB_xx) of the text; returns the outcome it was given. */
enum outcome by_reading(struct why *why, int amb, enum outcome outcome);
/* For clauses that bind both sides (guilty VBLK_NOBODY): it was the driver. Otherwise the device is blamed, or the
 * party of the load or store. */
enum outcome blame_driver(struct why *why, enum outcome outcome);
/* What was seen is what deployed peers do on purpose: a doubt under interop, if relaxations[] has the clause. */
enum outcome deployed(struct why *why, enum outcome outcome);
static inline enum outcome noted(struct why *why, const char *choice)
{
    why->choice = choice;
    return NOTED;
}
/* Point at a guest address, configuration offset or sector; and at the bytes there. */
void point_at(struct why *why, uint64_t address);
void show_bytes(struct why *why, const void *bytes, size_t len);

/* Whom wrong data points at: the last request that named the sector or, with *outside, a later one next to it. */
enum cause data_suspect(const struct shadow_read *r, bool *outside);
/* Common shape of "reads show what request @cause did": l->answer->read agreed, or is wrong with @cause (and @outside) to
 * blame, or says nothing. Fills expected and seen with sector and bytes. */
enum outcome judge_data(const struct look *l, struct why *why, uint32_t causes, bool outside, const char *expected);
#define CAUSE(c) (1u << BY_##c)
/* "OK", "IOERR", "UNSUPP" or "status 0x.." for messages; static or in the buffer given. */
const char *say_status(uint8_t status, char buf[16]);

/* ---- the oracle ---- */

/* What the driver made of the rings, for what may be asked of the device afterwards. */
enum abuse { NO_ABUSE, ABUSED, ABUSED_THEN_RESET };

/* Why completed writes became stable last (5.2.6.2). */
enum stability { NOT_STABLE, STABLE_NEITHER, STABLE_WRITETHROUGH, STABLE_FLUSHED };

#define SCRATCH 65536u

/* What a moment shows of all that checks which repeat look at (repeat.c). */
struct sign {
    uint64_t settings, facts, shape, causes;
};
/* An outcome that repeats: a choice. */
struct choice {
    vblk_clause_no clause;
    const char *choice;
};

/* What the checks that repeat said at a moment. */
struct known {
    uint32_t times;             /* how often it was found again and not yet counted … */
    uint64_t last;              /* … and when last: see o->stamp */
    struct sign sign;           /* of that moment; settings 0: nothing is known */
    uint64_t plain_for;         /* its settings if nothing is to be asked and nothing to be chosen; else 0 */
    uint16_t held_count, choice_count;
    uint32_t **held;            /* [held_count] the counters of those that held */
    struct choice *choice;      /* [choice_count] those that noted something */
};

/* The ends of batches and a request for sector 0 make others of the same kind differ. */
#define SIGNS_BEFORE 2u

/* The checks that a moment runs. */
struct check_list {
    uint16_t count, asked_count;
    struct known known, before[SIGNS_BEFORE]; /* of the latest moment, and of the latest with other signs: they alternate */
    const struct check **check; /* [count] */
    const struct check **asked; /* [asked_count] those that have to be asked each time */
};
#define TYPE_MOMENTS 3  /* AT_AVAILABLE, AT_USED, AT_QUIET */
#define PLACE_MOMENTS 2 /* AT_STORE, AT_LOAD */
#define LISTS (MOMENT_COUNT + TYPE_MOMENTS * TY_COUNT + PLACE_MOMENTS * 2 * PLACE_COUNT)

#define FIELDS_MAX 32u

/* What the short way of express.c goes by. */
struct express {
    struct vblk_lane lane;           /* what comes next if all goes on as usual … */
    const struct vblk_foreseen *settled; /* … and up to where the device's steps before it are in the picture */
    struct chain *chain;        /* whose steps they are; NULL: no one's */
    struct queue *q;            /* whose accesses may be looked at the short way; NULL: no queue's */
    uint32_t links;             /* counts what makes chains unfit for the steps of those that were found to be next before */
    bool pending;               /* elements were */
    bool steps;                 /* a device may be followed step by step */
    bool quiet_flags;           /* split: the device's flags, as they were after the latest event, have no meaning but one */
    uint64_t looked_for;        /* what it was for that express_look() found out what is open … */
    uint32_t learned;           /* … and what was known then */
    uint64_t desc, slots, elems; /* where the parts of a split ring are, or a packed one is */
    uint32_t open[2][2][PLACE_COUNT]; /* × party: how many bytes of a place may be accessed the short way */
};

struct vblk_oracle {
    struct express express;
    struct vblk_oracle_options opt;
    struct vblk_memory *mem;
    struct control ctl;
    struct vblk_config_field fields[FIELDS_MAX]; /* [field_count] of the profile */
    size_t field_count;
    struct vblk_config_field limit_field[LIM_COUNT]; /* width 0: not in the profile */
    struct shadow shadow;
    struct queue *queues;       /* [opt.queues_max] */
    struct notices *notices;    /* [opt.queues_max] */
    struct queue *strayed;      /* the one of which the device took something lately that it should not: queue.strayed */
    uint64_t full_barriers[2];  /* per party: when the last full barrier was seen */
    uint64_t queue_reset_at;    /* when the reset of a queue was last seen to be done; 0: never since the device's */
    bool unchanged_notice;      /* a configuration notification came while generation_at_notice was the generation */
    uint32_t generation_at_notice;
    uint64_t rings_from, rings_len; /* all areas of enabled split queues lie there */
    uint64_t room_from, room_len;   /* memory that no ring is in, around the latest request's … */
    const uint8_t *room_host;       /* … where it is, as long as the memory's epoch is this */
    uint32_t room_epoch;
    uint16_t *active;           /* [active_count] numbers of queues that were ever enabled */
    uint32_t active_count;
    struct queue *near;         /* whose rings were accessed last; NULL: none's */
    uint64_t plain[2];          /* sign_of_access() of nobody's memory, and of the queue that is … */
    uint16_t serving;           /* the queue whose buffers the device was last seen to take */
    uint64_t seq;               /* counts events */
    uint64_t barriers[2];       /* per party: when the last releasing barrier was seen */
    struct chain *oldest, *newest;
    uint32_t outstanding;
    uint32_t mutators;          /* outstanding chains that change the disk */
    struct busy *busy;          /* which addresses may belong to outstanding chains */
    uint8_t *scratch;           /* [SCRATCH] */
    uint64_t kept;              /* bytes of readable data that requests hold copies of */
    uint8_t stability;          /* enum stability of the last completed write or flush */
    uint8_t stability_at_cut;   /* the same when power was last lost */
    uint32_t power_cuts;
    uint32_t unflushed;         /* writes completed since the last FLUSH was answered OK */
    bool distrusted;            /* the device broke a rule since the last reset: a driver may give it up at any time */
    uint64_t mode_changed;      /* when writeback was written last */
    bool gone;                  /* the device is not there */
    uint8_t abuse;              /* enum abuse: a malformed chain or ring was shown to the device … */
    bool disk_astray;           /* … and may make it change the disk in ways that can't be followed, until a reset */
    bool disk_unsettled;        /* what was forgotten for that may not be stable yet, nor what was read since */
    bool in_case;
    struct vblk_memory_snapshot *image; /* what memory should hold: for peers whose stores are not seen */
    struct provision_facts provisioned;
    /* who owned what was returned lately, to tell late stores from stray ones */
    struct { uint64_t gpa, len; uint64_t seq; uint8_t slot; bool by_reset; } returned[256]; /* by_reset: of the queue alone */
    uint32_t returned_next;
    struct {
        struct check_list by_moment[MOMENT_COUNT];
        struct check_list by_type[TYPE_MOMENTS][TY_COUNT];
        struct check_list by_place[PLACE_MOMENTS][2][PLACE_COUNT]; /* × party */
    } lists;
    const struct check **listed; /* what the lists' check and asked point into */
    uint32_t **held_room;        /* … and what they know: held … */
    struct choice *choice_room;  /* … and choice */
    uint64_t settings;           /* counts events that may change what is not memory: registers, configuration …; from 1 */
    struct vblk_tally *tally;   /* [vblk_clause_count()] but for … */
    uint32_t *held;             /* [vblk_clause_count()] … what held, close together */
    const char **choices;       /* [vblk_clause_count()] what was noted last … */
    uint64_t *chosen;           /* [vblk_clause_count()] … and when: see stamp */
    uint32_t learned;           /* counts changes of what is known of accesses */
    uint64_t stamp;             /* counts moments that noted something, or were like one before */
    uint64_t counted;           /* 1 + seq when the lists' times were last counted: see repeat_count(); 0: never */
    struct vblk_violation violation[VBLK_VIOLATIONS_MAX];
    uint32_t violation_count;
    uint64_t checks_run;
    uint32_t sight_lost;
};

static inline bool sees(const struct vblk_oracle *o, uint32_t what)
{
    return (o->opt.sees & what) == what;
}
/* As vblk_config_field_at(), of the oracle's profile. */
static inline bool field_at(const struct vblk_oracle *o, size_t i, struct vblk_config_field *out)
{
    if (i >= o->field_count)
        return false;
    *out = o->fields[i];
    return true;
}
static inline int reading(const struct vblk_oracle *o, int amb)
{
    return o->opt.readings.chosen[amb];
}
static inline bool negotiated(const struct vblk_oracle *o, unsigned bit)
{
    return (o->ctl.negotiated >> bit & 1) != 0;
}

static inline const struct notices *notices_of(const struct vblk_oracle *o, const struct queue *q)
{
    return &o->notices[q->no];
}

/* The request's sectors are neighbours of what was provisioned last. */
static inline bool beside_provisioned(const struct vblk_oracle *o, const struct chain *c)
{
    const uint64_t from = o->provisioned.sector, to = from + o->provisioned.count, first = c->req.sector;
    const uint64_t end = first + c->req.in_len / VBLK_SECTOR;

    return o->provisioned.known && ((first < from && end + 8 >= from) || (end > to && first <= to + 8));
}

/* The driver owes the notification of the chain that the look is about: no device has to know of it. */
static inline bool never_told(const struct look *l)
{
    const struct notice *n = &notices_of(l->o, l->q)->way[VBLK_DRIVER];
    return l->o->ctl.failed || l->q->flags_left || ((n->due || n->missed) && l->chain->born > n->sent);
}

/* check_safety.c: the device owes an answer to the chain that the look is about, as far as the driver's doings let one tell. */
bool answer_owed(const struct look *l);
/* check_notify_race.c: the driver was lawfully silent about the chain: the device did not want to be told of it. */
bool chain_never_wanted(const struct vblk_oracle *o, const struct queue *q, const struct chain *c);
/* And so it has to find it by itself, as far as the queue can be followed. */
bool chain_must_be_found(const struct vblk_oracle *o, const struct queue *q, const struct chain *c);

/* repeat.c: count what was found again, before anybody looks at a tally. */
void repeat_count(struct vblk_oracle *o);

/* dispatch.c */
bool dispatch_build(struct vblk_oracle *o); /* false: no memory */
void dispatch_free(struct vblk_oracle *o);
bool dispatch_late(const struct vblk_clause *clause); /* whether a late judge has a check for it */
void judge_moment(struct vblk_oracle *o, enum moment moment, struct look *look);
/* The same for AT_AVAILABLE, AT_USED and AT_QUIET; for AT_STORE and AT_LOAD. */
void judge_chain(struct vblk_oracle *o, enum moment moment, struct look *look);
void judge_place(struct vblk_oracle *o, struct check_list *list, struct look *look);
static inline void judge_access(struct vblk_oracle *o, enum moment moment, struct look *look)
{
    struct check_list *list = &o->lists.by_place[moment - AT_STORE][look->party][look->place];
    if (list->count > 0)
        judge_place(o, list, look);
}

/* queue.c: scan for chains made available and used since the last look. */
/* The driver or, EMULATED, the transport enabled the queue that @ev names. */
void queue_enable(struct vblk_oracle *o, const struct vblk_event *ev);
void queue_drop_all(struct vblk_oracle *o);
void queue_close(struct vblk_oracle *o, struct queue *q);
void queue_scan_available(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
void queue_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* One element more was used, and it is there: not IN_ORDER. */
void queue_used_one(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* Whether the areas of a split ring can be looked at in place: find them again. */
bool queue_find(const struct vblk_oracle *o, struct queue *q);
struct queue *queue_at(struct vblk_oracle *o, uint16_t no); /* NULL: not followed */
uint16_t queue_word(const struct vblk_oracle *o, uint64_t gpa); /* a le16 of a ring */
void queue_drop(struct vblk_oracle *o, struct queue *q);        /* its chains will not be answered */
void queue_finish(struct vblk_oracle *o, struct queue *q, struct chain *c);
/* No device is taken to go on with the chain. */
void express_forget(struct vblk_oracle *o, struct chain *c);
static inline void queue_unlink(struct vblk_oracle *o, struct chain *c)
{
    if (o->express.chain == c || c->older != NULL)
        express_forget(o, c);
    if (c->older != NULL)
        c->older->newer = c->newer;
    else
        o->oldest = c->newer;
    if (c->newer != NULL)
        c->newer->older = c->older;
    else
        o->newest = c->older;
    c->older = c->newer = NULL;
}
/* The chain is with the device from now on. */
static inline void queue_link(struct vblk_oracle *o, struct queue *q, struct chain *c)
{
    c->newer = NULL;
    c->older = o->newest;
    if (o->newest != NULL)
        o->newest->newer = c;
    else
        o->oldest = c;
    o->newest = c;
    o->outstanding++;
    q->outstanding++;
    c->turn = ++q->total;
    q->since_kick++;
}
/* What both formats share. begin: before the chain is captured; enter: after; a chain that can't begin is rejected. */
void queue_begin(struct vblk_oracle *o, struct queue *q, struct chain *c, uint16_t head);
void queue_enter(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev);
/* The same for a twin, of which everything is known. */
void queue_enter_twin(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev);
void queue_reject(struct vblk_oracle *o, struct queue *q, uint16_t head, uint32_t fault, const struct vblk_event *ev);
/* The buffer was used; @a has what the element says. */
void queue_used(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a, const struct vblk_event *ev);
/* IN_ORDER: whether the element for @c stands for all older buffers of its queue; how many, and the slots of all. */
uint16_t queue_batch(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct answer *a,
                     uint32_t *slots);
/* They were used as well. */
void queue_used_before(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct vblk_event *ev);

/* queue_packed.c: the same for packed rings (2.8). */
bool packed_open(struct vblk_oracle *o, struct queue *q);
void packed_close(struct queue *q);
void packed_scan_available(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
void packed_scan_used(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* The same; @first: nothing was used by the store that shows it, yet. */
void packed_scan_used_on(struct vblk_oracle *o, struct queue *q, bool first, const struct vblk_event *ev);
/* A store into the descriptor ring. */
void packed_driver_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
void packed_device_stored(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
void packed_driver_loaded(struct queue *q, const struct vblk_event *ev);
void packed_device_loaded(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* A difference in the descriptor ring that was not accounted for: the device's doing. */
void packed_changed(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* The wrap counter that goes with @slot, of the lap in which it was made available last or will be next. */
bool packed_lap(const struct queue *q, uint16_t slot);
/* Whether @slot is not where the next used descriptor belongs, but would be if the size were a power of two. */
bool packed_masked(const struct queue *q, uint16_t slot);
void packed_release(struct queue *q, struct chain *c);
/* It is not outstanding any more: another may take its place. */
static inline void packed_spare(struct queue *q, struct chain *c)
{
    c->newer = q->spare;
    q->spare = c;
}
/* The list that begins at c->slot and has c->slots. */
void packed_capture(struct vblk_oracle *o, struct queue *q, struct chain *c);
/* The driver looked at the flags of a used descriptor: what it stands for is the driver's again. */
void packed_seen(struct queue *q, uint16_t slot);
static inline bool packed_in_use(const struct queue *q, uint16_t slot)
{
    return (uint32_t)slot + (slot < q->used_idx ? q->size : 0u) - q->used_idx < q->in_use;
}
#ifndef NDEBUG
/* No used descriptor waits to be looked at. */
bool packed_followed(const struct vblk_oracle *o, const struct queue *q);
#endif
/* Copy the list at the available position, whose first descriptor is available, and stay where we are. NULL: as it is
 * it can't begin (its id is another's, or it takes slots that are with the device). */
struct chain *packed_copy(struct vblk_oracle *o, struct queue *q, uint16_t *id, uint16_t *slots);
/* Go on past a list. */
void packed_pass(const struct vblk_oracle *o, struct queue *q, const struct chain *c);
#define PACKED_FLAGS (VBLK_DESC_NEXT | VBLK_DESC_WRITE | VBLK_DESC_INDIRECT | VBLK_DESC_AVAIL | VBLK_DESC_USED)
static inline uint64_t packed_flags_at(const struct queue *q, uint32_t slot)
{
    return q->desc + 16u * (uint64_t)slot + offsetof(struct vblk_packed_desc, flags);
}
/* @n: not more than the size. */
static inline uint16_t packed_after(const struct queue *q, uint16_t slot, uint16_t n)
{
    const uint32_t to = slot + (uint32_t)n;

    return (uint16_t)(to < q->size ? to : to - q->size);
}
static inline bool packed_available(uint16_t flags, bool wrap)
{
    return ((flags & VBLK_DESC_AVAIL) != 0) == wrap && ((flags & VBLK_DESC_USED) != 0) != wrap;
}
static inline bool packed_used(uint16_t flags, bool wrap)
{
    return ((flags & VBLK_DESC_AVAIL) != 0) == wrap && ((flags & VBLK_DESC_USED) != 0) == wrap;
}

/* late.c: the same where both sides did not wait for the look. */
void late_enable(struct vblk_oracle *o, struct queue *q, uint16_t base);
void late_scan(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* late_packed.c: for packed rings. */
void late_packed_enable(struct vblk_oracle *o, struct queue *q, uint16_t base);
void late_packed_scan(struct vblk_oracle *o, struct queue *q, const struct vblk_event *ev);
/* What both formats share. A chain was copied: used before that was done, or not. Follow it; judge it if not. */
void late_capture(struct vblk_oracle *o, struct queue *q, struct chain *c, bool used, const struct vblk_event *ev);
void late_lose_sight(struct vblk_oracle *o, struct queue *q);
/* The oldest buffer of the queue that is out, or NULL. */
struct chain *late_oldest(const struct vblk_oracle *o, const struct queue *q);
/* Whether a check of this clause can be decided so late. */
bool late_decides(const struct check *check);

/* IN_ORDER, AT_USED_IDX: an element was stored for this update, but not where a batch begins. */
bool element_misplaced(const struct look *l);

/* indirect.c: tables of descriptors elsewhere (2.7.5.3, 2.8.7). */
static inline struct piece *pool_take(struct queue *q) /* NULL: no room */
{
    struct piece *p = q->pool_free;

    if (p != NULL)
        q->pool_free = p->after;
    else if (q->pool_used < q->pool_size)
        p = &q->pool[q->pool_used++];
    return p;
}
static inline void pool_give(struct queue *q, struct piece *p)
{
    p->after = q->pool_free;
    q->pool_free = p;
}
void indirect_capture(struct vblk_oracle *o, struct queue *q, struct chain *c, const struct piece *link,
                      struct piece **last, uint64_t *total);
/* Another queue in use whose rings lie on those of @q, or NULL. */
struct queue *queue_met(const struct vblk_oracle *o, const struct queue *q);

/* abuse.c: a malformed ring or chain was shown to the device … */
void queue_abused(struct vblk_oracle *o, bool may_write_disk);
/* … or the driver stored into a chain that is with the device. */
void queue_tampered(struct vblk_oracle *o, struct queue *q, struct chain *c, enum place place);
bool chain_may_mutate(const struct vblk_oracle *o, const struct queue *q, const struct chain *c);
/* A queue that is not followed any more, or again: what checks say of any queue's accesses may change with it. */
static inline void queue_set_lost(struct vblk_oracle *o, struct queue *q, bool lost)
{
    o->settings += q->lost != lost;
    q->lost = lost;
}
static inline void queue_lose(struct vblk_oracle *o, struct queue *q)
{
    queue_set_lost(o, q, true);
}
/* Whether a queue is not followed any more, so that nobody knows which memory the device may use. */
bool any_queue_lost(const struct vblk_oracle *o);
/* AT_LOAD, AT_STORE, AT_STRAY: a device that obeys what is malformed loads and stores anywhere until the next reset. */
bool led_astray(const struct look *l);

/* twin.c: a chain that is made as the one before it at the same head. */
bool twin_capture(struct vblk_oracle *o, struct queue *q, struct chain *c);
/* twin_row.c: the next ones of a split queue that are so, of up to @fresh, and whose pieces lie as they did; how many. */
uint16_t twin_row(struct vblk_oracle *o, struct queue *q, uint16_t fresh, const struct vblk_event *ev);
/* What is read of it, once. */
struct reading {
    struct piece *piece[TWIN_MAX];          /* split */
    uint64_t gpa[TWIN_MAX], rest[TWIN_MAX]; /* … a descriptor's two halves */
    uint32_t reserved;
    uint64_t sector, status_at;
    uint8_t status;
};
/* The same in two steps: whether the next buffer of a packed ring would be such a one in the place of @c, which then has its
 * pieces; make it one. */
bool twin_packed_read(struct vblk_oracle *o, const struct queue *q, struct chain *c, struct reading *r);
void twin_packed_take(struct vblk_oracle *o, const struct queue *q, struct chain *c, const struct reading *r);
#ifndef NDEBUG
/* Whether the long way, which is taken now, finds the same. */
bool twin_is_so(struct vblk_oracle *o, struct queue *q, struct chain *c);
#endif
/* Remember how it is made, for the next one. */
void twin_keep(const struct vblk_oracle *o, struct queue *q, struct chain *c);

/* chain.c: copy a chain out; facts about its structure. */
void chain_capture(struct vblk_oracle *o, struct queue *q, struct chain *c);
/* Mark F_OVERLAP between a new chain and those in flight, and what it shares with itself, tables and rings. */
void chain_mark_overlaps(struct vblk_oracle *o, struct queue *q, struct chain *c);
void chain_release(struct vblk_oracle *o, struct queue *q, struct chain *c);
static inline void remember_returned(struct vblk_oracle *o, const struct chain *c, const struct piece *p)
{
    const unsigned slot = o->returned_next++ % 256;

    o->returned[slot].gpa = p->gpa;
    o->returned[slot].len = p->len;
    o->returned[slot].seq = o->seq;
    o->returned[slot].slot = c->req.slot;
    o->returned[slot].by_reset = false;
}
/* Whose bytes they are can't be told. */
static inline bool chain_unclear(const struct chain *c)
{
    return c->void_ || c->shared || (c->faults & F_OVERLAP) != 0;
}
/* Walk the pieces of a chain in order. first: NULL if it has none; after: NULL past the last. */
static inline const struct piece *chain_first(const struct queue *q, const struct chain *c)
{
    (void)q;
    return c->first;
}
static inline const struct piece *chain_after(const struct queue *q, const struct chain *c, const struct piece *p)
{
    (void)q, (void)c;
    return p->after;
}
/* Where the descriptor of a piece lies in guest memory. */
static inline uint64_t piece_lies(const struct queue *q, const struct chain *c, const struct piece *p)
{
    return (p->pos < c->direct ? q->desc : c->indirect) + 16u * (uint64_t)p->index;
}
/* The outstanding chain whose indirect table has bytes in [gpa, gpa + len), or NULL. */
struct chain *chain_with_table(const struct vblk_oracle *o, uint64_t gpa, uint64_t len);
/* Add a piece to the chain that is being captured: its facts, its bytes. */
void chain_add(struct vblk_oracle *o, struct chain *c, struct piece *p, struct piece **last, uint64_t *total);
/* The device stores of which the chain was told; false: memory says that nothing came of it. */
bool chain_answered(const struct vblk_oracle *o, const struct chain *c);
/* Whether an outstanding chain of the queue has bytes in [gpa, gpa + len); the chain, or NULL. */
struct chain *chain_owning(const struct vblk_oracle *o, uint64_t gpa, uint64_t len, bool *writable);
/* The offset of guest address @gpa in the writable part (or readable part), or UINT64_MAX. */
uint64_t chain_offset(const struct queue *q, const struct chain *c, uint64_t gpa, bool writable);
/* The other way round: where byte @offset of the readable or writable part lies, or UINT64_MAX. */
uint64_t chain_address(const struct queue *q, const struct chain *c, uint64_t offset, bool writable);
/* Whether the device had already loaded a byte of [gpa, gpa + len): readable bytes of @c or its descriptors. */
void chain_table_loaded(const struct queue *q, struct chain *c, uint64_t gpa, uint64_t len);
bool chain_fetched(const struct queue *q, const struct chain *c, uint64_t gpa, uint64_t len);
/* The bytes of the descriptor at @gpa that a load of @len bytes names, a bit each. */
uint16_t descriptor_bytes(const struct queue *q, uint64_t gpa, uint64_t len);
void written_add(struct written *w, uint64_t from, uint64_t to);
uint64_t written_prefix(const struct written *w);

/* request.c: facts about what the chain asks for. */
void request_parse(struct vblk_oracle *o, const struct queue *q, struct chain *c);
/* Whether the type may be answered without a look at readable data, and changes nothing. */
bool request_is_plain(const struct request *r);
bool request_in_range(const struct control *ctl, uint64_t sector, uint64_t bytes);
/* Segment @i of a parsed request; false past the last. */
struct seg { uint64_t sector; uint32_t count; uint32_t flags; };
bool request_segment(const struct request *r, uint32_t i, struct seg *out);
/* Copy bytes out of the readable or the writable part of a chain, from guest memory as it is now. */
uint64_t chain_copy(const struct vblk_oracle *o, const struct queue *q, const struct chain *c, bool writable,
                    uint64_t offset, void *buf, uint64_t len);

/* Whether [at, at + len) has no byte of [other, other + other_len). */
static inline bool apart(uint64_t at, uint64_t len, uint64_t other, uint64_t other_len)
{
    return at - other >= other_len && other - at >= len;
}

/* access.c: single loads and stores, and differences in memory. */
void access_store(struct vblk_oracle *o, const struct vblk_event *ev);
/* queue_packed_access.c: what the device does now can only come of what o->strayed says. */
void packed_stray_shows(struct vblk_oracle *o, const struct vblk_event *ev);
/* access_wide.c: a store of the driver's that may be in more places than the one that the look names. */
void access_wide_store(struct vblk_oracle *o, const struct vblk_event *ev, const struct look *look);
void access_load(struct vblk_oracle *o, const struct vblk_event *ev);
void access_compare_image(struct vblk_oracle *o, const struct vblk_event *ev);
/* What an access turns out to touch. */
struct target {
    struct queue *q;
    struct chain *chain;
    uint64_t offset; /* IN_READABLE, IN_WRITABLE: in that part of the chain */
};
void access_classify(struct vblk_oracle *o, const struct vblk_event *ev, struct look *look, struct target *t);
/* The image takes all memory as it is. */
void access_resync(struct vblk_oracle *o);
/* A used chain's writable bytes are the driver's again: the image takes them as they are. */
void access_account(struct vblk_oracle *o, const struct queue *q, const struct chain *c);

/* busy.c: the same filter. */
struct busy *busy_new(void);
void busy_free(struct busy *b);
void busy_clear(struct busy *b);
void busy_add_any(struct busy *b, uint64_t gpa, uint64_t len, int by);
bool busy_maybe_any(const struct busy *b, uint64_t gpa, uint64_t len);

/* Whether a range, of less than 2^63 bytes, is in one cell, which a range of no bytes never is. */
static inline bool busy_one_cell(uint64_t gpa, uint64_t len)
{
    return (gpa & ((1u << BUSY_FINE) - 1)) + len <= 1u << BUSY_FINE && len != 0;
}
static inline void busy_add(struct busy *b, uint64_t gpa, uint64_t len, int by)
{
    if (!busy_one_cell(gpa, len)) {
        busy_add_any(b, gpa, len, by);
        return;
    }
    b->fine[(gpa >> BUSY_FINE) % BUSY_CELLS] += (uint32_t)by;
    b->page[(gpa >> BUSY_COARSE) % BUSY_CELLS] += (uint64_t)(int64_t)by * BUSY_SHORT;
}
static inline bool busy_maybe(const struct busy *b, uint64_t gpa, uint64_t len)
{
    const uint64_t page = b->page[(gpa >> BUSY_COARSE) % BUSY_CELLS];

    if (!busy_one_cell(gpa, len))
        return busy_maybe_any(b, gpa, len);
    return page != 0 && ((uint32_t)page != 0 || b->fine[(gpa >> BUSY_FINE) % BUSY_CELLS] != 0);
}

/* @return false: they need more than a plan can hold. */
bool busy_plan_for(struct busy_plan *plan, const uint64_t *gpa, const uint32_t *len, unsigned n);
static inline bool busy_plan_clear(const struct busy *b, const struct busy_plan *plan, uint64_t gpa)
{
    uint64_t found = 0;

    for (unsigned i = 0; i < plan->pages; i++)
        found |= b->page[((gpa >> BUSY_COARSE) + plan->page[i]) % BUSY_CELLS];
    return found == 0;
}
static inline void busy_plan_add(struct busy *b, const struct busy_plan *plan, uint64_t gpa, int by)
{
    for (unsigned i = 0; i < plan->pages; i++)
        b->page[((gpa >> BUSY_COARSE) + plan->page[i]) % BUSY_CELLS] += (uint64_t)(int64_t)by * plan->by[i];
    for (unsigned i = 0; i < plan->cells; i++)
        b->fine[((gpa >> BUSY_FINE) + plan->cell[i]) % BUSY_CELLS] += (uint32_t)by;
}

/* check_queue_reset.c: the queue was reset, and has used nothing since. */
bool not_yet_afresh(const struct look *l);
/* QRESET-01 or QRESET-DEV-03 says why the chain is not answered. */
bool queue_reset_explains(const struct look *l);
/* QRESET-DEV-03 says it: the used index counts an element that the device never stored. */
bool stale_answer(const struct look *l);
/* look->at is in a request that a reset of its queue took back. */
bool reset_with_its_queue(const struct look *l);
/* In the used ring of a queue that was moved with its reset. */
bool in_old_place(const struct vblk_oracle *o, uint64_t at, uint16_t *no);
/* check_request.c: the status byte is as it was. */
bool status_left_alone(const struct look *l);
/* check_queue_reset.c: what the text says of every transport, and of each again. */
enum outcome starts_afresh(const struct look *l, struct why *why);
enum outcome waits_for_reset(const struct look *l, struct why *why);

/* effect.c: what a used request did to the disk. */
void effect_available(struct vblk_oracle *o, struct queue *q, struct chain *c);
void effect_used(struct vblk_oracle *o, struct queue *q, struct chain *c, struct answer *a);
void effect_flushed(struct vblk_oracle *o, const struct chain *c);
void effect_read(struct vblk_oracle *o, const struct queue *q, const struct chain *c, struct shadow_read *r);
bool effect_reversed(struct vblk_oracle *o, const struct queue *q, const struct chain *c); /* … if its elements were */
/* The chain will never be answered (reset, power, the device is gone): what it asked for may or may not have happened. */
void effect_abandoned(struct vblk_oracle *o, struct queue *q, struct chain *c);

#endif /* ORACLE_JUDGE_H */
