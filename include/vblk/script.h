/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file script.h
 * @brief A script: the one description of a stimulus.
 *
 * A conformance case, a test vector, a fuzz input and a recorded trace are all scripts. A script is a list of plain
 * steps with plain numbers. Steps of the driver's side are played against a target; steps of the device's side
 * (VBLK_STEP_DEV_*) are played in the device's place, on a puppet port, to show the oracle an exact sequence of events.
 */
#ifndef VBLK_SCRIPT_H
#define VBLK_SCRIPT_H

#include <vblk/port.h>
#include <vblk/spec.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a step does; the comments name the members of struct vblk_step that it uses. "named" means: the request whose
 * REQUEST or SUBMIT step carried the same @c name; an empty name means the one laid out last. Numbers that a step
 * doesn't use are ignored; a default holds where the a_given or b_given flag is false.
 *
 * A script that can't be played (an unknown name, a queue, slot or descriptor that does not exist, more than fits the
 * arena or the ring although the device answers) is VBLK_E_INVAL. What the device does never is.
 */
enum vblk_step_kind {
    /* Driver, lawful building blocks */
    /**
     * Initialise (3.1.1): reset … DRIVER_OK; stop after the stage in b (enum vblk_stage; default VBLK_STAGE_LIVE).
     * Accepts a (default: the script's features) and what is offered; nothing is added, VERSION_1 must be in a. Before
     * it sets up queues it reads the capacity and the limits of all that is offered, under one generation. The used
     * and available rings are zeroed before a queue is enabled. A device that lets it get no further makes it set
     * FAILED, leaves one surprise and ends the play with VBLK_E_STATE.
     */
    VBLK_STEP_START,
    VBLK_STEP_RESET,     /**< write 0 to status and wait until it reads 0; every outstanding request is forgotten */
    /**
     * Lay a request out in memory and in descriptors of queue; not available yet. See struct vblk_step_request. A name
     * that is in use moves on to the new request (the old one stays outstanding, without a name).
     */
    VBLK_STEP_REQUEST,
    VBLK_STEP_AVAILABLE, /**< put the named request's head into the next available slot of its queue */
    /*
     * On a packed ring the lawful steps work: START, REQUEST, AVAILABLE, PUBLISH, KICK, WAIT, SUBMIT, LOOK; DEV_TAKE,
     * DEV_ELEM, DEV_IDX and DEV_COMPLETE; and raw ones by address. AVAIL_* and DESC by name are VBLK_E_INVAL there.
     */
    VBLK_STEP_PUBLISH,   /**< make the slots of queue filled since the last publish available with one index update */
    /**
     * Notify the device about queue, lawfully: barrier, read the device's suppression, kick unless suppressed. b not 0:
     * kick in any case, without barrier or load. a: the data written with it (default: the queue's number).
     */
    VBLK_STEP_KICK,
    /**
     * Look, reap, wait, until the named request (empty name: every outstanding one of every queue) is used, a ms
     * (default: the player's) pass, DEVICE_NEEDS_RESET shows, or the device is gone. Running out with answers owed
     * emits QUIET, sets hung. Where nothing is outstanding it returns at once.
     */
    VBLK_STEP_WAIT,
    /** REQUEST + AVAILABLE + PUBLISH + KICK (b 0, no data) + WAIT (of this request, a ms) in one */
    VBLK_STEP_SUBMIT,
    /* Driver, raw */
    VBLK_STEP_REG_READ,  /**< reg, queue; the value is kept under name for EXPECT */
    /**
     * reg, queue := a, counted from part. Without a given a and without a part, QUEUE_SIZE, QUEUE_DESC, QUEUE_DRIVER
     * and QUEUE_DEVICE get what START would write; any other register gets 0. QUEUE_SIZE makes the player lay the queue
     * out anew for that size (a number that is no ring size is written all the same); QUEUE_DESC, QUEUE_DRIVER and
     * QUEUE_DEVICE move what later steps take for the queue's parts; QUEUE_ENABLE 1 zeroes the rings first. STATUS 0
     * forgets what is outstanding.
     */
    VBLK_STEP_REG_WRITE,
    /** offset a, b bytes (default 4; 1..256); the first 8 are kept under name as a little-endian value */
    VBLK_STEP_CONFIG_READ,
    VBLK_STEP_CONFIG_WRITE, /**< offset a, bytes (1..256) */
    VBLK_STEP_STORE, /**< bytes at a, counted from part; 2 aligned bytes with an order are one such store */
    /**
     * b bytes (default 2) at a, counted from part; the first 8 are kept under name, as CONFIG_READ does; 2 aligned
     * bytes with an order are one such load
     */
    VBLK_STEP_LOAD,
    /**
     * descriptor a of queue, or a-th of the named request's chain: the members of desc that desc_sets selects, addr
     * counted from part (of the named request or of queue), in one store of 16 bytes
     */
    VBLK_STEP_DESC,
    /** slot a of queue's available ring := b (default: the named request's head); default a: the next slot */
    VBLK_STEP_AVAIL_SLOT,
    /** available idx of queue := a (default: past the slots written), one store of the given order, no barrier */
    VBLK_STEP_AVAIL_IDX,
    VBLK_STEP_AVAIL_FLAGS, /**< available flags of queue := a */
    VBLK_STEP_BARRIER,   /**< a barrier of order a (default: VBLK_FULL) */
    VBLK_STEP_LOOK,      /**< look at queue's used ring now, and reap what is there; no waiting */
    VBLK_STEP_FORGET,    /**< the driver takes the named request for done and may reuse its descriptors */
    /* Host: actions on a device that we own; gated on the port's host_actions */
    /** action reg, with a and b; a target that can't do it ends the play with VBLK_E_UNSUPPORTED */
    VBLK_STEP_HOST,
    /* Device side, for puppets; on any other port they end the play with VBLK_E_UNSUPPORTED */
    VBLK_STEP_DEV_LOAD,  /**< as LOAD, by the device (nothing is kept) */
    VBLK_STEP_DEV_STORE, /**< as STORE, by the device */
    /**
     * Load the available idx, the slot, the chain's descriptors and the readable bytes, as a device does. With a name:
     * slots in order until that request's; without: the next one. Nothing there: only the idx is loaded.
     */
    VBLK_STEP_DEV_TAKE,
    /** store bytes at offset a of the named request's writable part (the status byte is its last) */
    VBLK_STEP_DEV_DATA,
    /** store a as the named request's status; at offset b of its writable part if b is given */
    VBLK_STEP_DEV_STATUS_BYTE,
    /**
     * write used element: id a (default: the named request's head), len b (default: the honest one), in the next slot;
     * idx stays
     */
    VBLK_STEP_DEV_ELEM,
    /**
     * used idx := used idx + a (default: to just past the elements written), one store of the given order, no barrier
     */
    VBLK_STEP_DEV_IDX,
    VBLK_STEP_DEV_USED_FLAGS, /**< used flags := a */
    /**
     * a lawful completion of the named request: TAKE if not taken, data, status a (default OK), element with len b,
     * barrier, idx, notification unless suppressed. data: bytes where any are given, else for status OK what the disk
     * holds (IN; zeroes for other types), else none. OUT and WRITE_ZEROES with OK change the puppet's disk. len, by
     * default: the bytes written, counted from the start of the writable part without a gap
     */
    VBLK_STEP_DEV_COMPLETE,
    VBLK_STEP_DEV_NOTIFY,   /**< used buffer notification for queue */
    VBLK_STEP_DEV_CONFIG_NOTIFY,
    /**
     * The status register shows a until the driver resets. With b: only the bits in b are forced, to those of a,
     * through resets too (a 0, b 8: FEATURES_OK is refused). Without a: shows the honest value again.
     */
    VBLK_STEP_DEV_STATUS,
    VBLK_STEP_DEV_FEATURES, /**< the device offers a from now on */
    VBLK_STEP_DEV_CONFIG,   /**< configuration bytes at a change; no generation change, no notification by itself */
    VBLK_STEP_DEV_GENERATION, /**< the generation shows a (default: one more) */
    VBLK_STEP_DEV_QUEUE_MAX,  /**< queue's largest size shows a */
    VBLK_STEP_DEV_REG,      /**< register reg of queue shows a whatever the driver writes; without a: no longer */
    VBLK_STEP_DEV_BARRIER,  /**< as BARRIER, by the device */
    VBLK_STEP_DEV_GONE,     /**< the device disappears; bytes say how */
    VBLK_STEP_DEV_POWER_CUT,/**< the device restarts in its power-on state; a: 1 persistent */
    /** a ms (default: the player's) pass in which nothing is answered; on a puppet only said, else waited */
    VBLK_STEP_QUIET,
    /**
     * tell the oracle nothing; make the puppet's disk hold bytes at sector a (repeated b sectors) for COMPLETE of reads
     */
    VBLK_STEP_DISK,
    /* Expectation of the script's author, compared by the runner and never seen by the oracle */
    /**
     * See struct vblk_step_expect. About the named request's answer, or with value_checked about the value kept under
     * name by REG_READ, CONFIG_READ or LOAD (empty name: the last one).
     */
    VBLK_STEP_EXPECT,
    /**
     * Driver: reset queue alone (2.6.1): write 1 to QUEUE_RESET and read it until it is 0; what was outstanding there is
     * forgotten. A device that never gets there leaves a surprise and ends the play with VBLK_E_STATE.
     */
    VBLK_STEP_QUEUE_RESET,
    VBLK_STEP_COUNT
};

/** How far VBLK_STEP_START goes. */
enum vblk_stage {
    VBLK_STAGE_LIVE = 0,    /**< DRIVER_OK set */
    VBLK_STAGE_RESET,       /**< status 0 */
    VBLK_STAGE_ACKNOWLEDGE,
    VBLK_STAGE_DRIVER,
    VBLK_STAGE_FEATURES,    /**< features written, FEATURES_OK not set */
    VBLK_STAGE_FEATURES_OK,
    VBLK_STAGE_QUEUES       /**< queues enabled, DRIVER_OK not set */
};

/**
 * Where the address of a step counts from, when the script's author can't know it: the a of STORE, LOAD, DEV_LOAD,
 * DEV_STORE and REG_WRITE, and desc.addr of DESC, is then an offset from that place. Resolved by the player when the
 * step is played.
 */
enum vblk_part {
    VBLK_PART_NONE = 0,    /**< a plain guest address */
    VBLK_PART_DESC,        /**< the descriptor area of queue */
    VBLK_PART_AVAIL,       /**< the driver area of queue */
    VBLK_PART_USED,        /**< the device area of queue */
    VBLK_PART_HEADER,      /**< the first readable byte of the request named in the step */
    VBLK_PART_OUT,         /**< its first readable byte after the header (data or segments) */
    VBLK_PART_IN,          /**< its first writable byte */
    VBLK_PART_STATUS_BYTE, /**< its status byte */
    VBLK_PART_SCRATCH,     /**< 64 KiB of the arena, page-aligned, that no request uses */
    VBLK_PART_OUTSIDE,     /**< an address in no region of guest memory */
    VBLK_PART_COUNT
};

/** Which members of its descriptor a DESC step writes; none set: all four. */
enum {
    VBLK_DESC_SETS_ADDR = 1,
    VBLK_DESC_SETS_LEN = 2,
    VBLK_DESC_SETS_FLAGS = 4,
    VBLK_DESC_SETS_NEXT = 8,
    VBLK_DESC_NEXT_IN_CHAIN = 16 /**< besides: next counts the descriptors of the named request's chain */
};

/** How bytes are made: given, or by a pattern that has no repeats within a request. */
struct vblk_bytes {
    const uint8_t *given; /**< [length], or NULL: pattern */
    uint64_t length;      /**< bytes */
    uint8_t seed;         /**< of the pattern */
    bool fill;            /**< all bytes equal to seed */
};

/** The most descriptors of the readable, and of the writable part of a request. */
#define VBLK_FRAMES_MAX 4096u

/**
 * One request as the script's author lays it out; lies are allowed. vblk_step_make() fills in the defaults, which are
 * not all zero.
 *
 * The readable part is header, then segments if they are readable, else out. The writable part is segments if they are
 * writable, then in_length bytes, then the status byte. Each part is cut into descriptors: without frames one each for
 * header, data and status, leaving out empty ones; with frames as these say, an entry beyond the end of its part being
 * a descriptor of length 0, and the last entry taking what is left whatever it says. A part of 0 bytes without frames
 * has no descriptor; a request needs at least one. Lies about addresses, lengths, flags and order are told by DESC
 * steps afterwards.
 */
struct vblk_step_request {
    uint32_t type;              /**< VBLK_T_*, or any other number */
    uint32_t reserved;          /**< the header's second field (ioprio for legacy) */
    uint64_t sector;            /**< 512-byte sectors */
    uint32_t header_length;     /**< bytes of the header that are laid out, the default 16; what exceeds 16 is zero */
    struct vblk_bytes out;      /**< readable data after the header, unless segments are given */
    const struct vblk_segment *segments; /**< [segment_count], laid out after the header */
    uint32_t segment_count;     /**< 0: none */
    uint64_t in_length;         /**< writable data bytes before the status byte */
    bool segments_writable;     /**< the segments lie in a device-writable descriptor instead */
    bool no_status;             /**< no status byte */
    uint8_t poison;             /**< what the writable part is filled with; 0xa5 by default */
    bool prefill;               /**< fill the writable part with poison (default) */
    /** Sizes of the descriptors of the readable and the writable part, in bytes; the last one takes what is left.
     * NULL: header | data | status, as drivers do. */
    const uint32_t *readable_frames;
    uint16_t readable_frame_count;
    const uint32_t *writable_frames;
    uint16_t writable_frame_count;
    uint64_t gap;               /**< bytes of guard between descriptors' buffers in memory, not written */
    /** The descriptors go into an indirect table, and one descriptor of the queue leads there. On a split ring DESC's
     * a counts that one as 0 and those of the table from 1. */
    bool indirect;
};

/** The most values of a set in struct vblk_step_expect. */
#define VBLK_SET_MAX 16u

/**
 * What the author allows. Empty sets allow anything; but where status, len or data are named, an answer must have come,
 * unless no_answer_ok, or needs_reset_ok and DEVICE_NEEDS_RESET was seen.
 */
struct vblk_step_expect {
    uint8_t status[VBLK_SET_MAX]; /**< allowed request statuses */
    uint8_t status_count;       /**< of status */
    uint64_t len[VBLK_SET_MAX]; /**< allowed used lengths, bytes */
    uint8_t len_count;          /**< of len */
    bool data_equals;           /**< the writable data equals data */
    struct vblk_bytes data;     /**< see data_equals */
    bool data_same_as;          /**< the writable data equals that of the request named in other */
    char other[32];             /**< see data_same_as */
    bool needs_reset_ok;        /**< DEVICE_NEEDS_RESET instead of an answer is allowed */
    bool no_answer_ok;          /**< no answer at all is allowed */
    bool must_answer;           /**< was used exactly once */
    /* or, for VBLK_STEP_REG_READ / CONFIG_READ: */
    bool value_checked;         /**< what was read, under value_mask, equals value */
    /** See value_checked. */
    uint64_t value_mask, value; /**< (seen & mask) == (value & mask); mask 0: all bits */
};

/** Bytes of a request's name, the NUL included. */
#define VBLK_STEP_NAME 32u

/** One step. Members that its kind does not use are ignored. */
struct vblk_step {
    uint8_t kind;                /**< enum vblk_step_kind */
    uint8_t order;               /**< enum vblk_order, of single stores */
    uint16_t queue;              /**< queue index */
    uint16_t reg;                /**< enum vblk_reg or vblk_host_action */
    char name[VBLK_STEP_NAME];   /**< names a request, or the result of a read, or "" */
    /** Numbers, by kind. */
    uint64_t a, b;
    bool a_given, b_given;       /**< where the default is not a number */
    struct vblk_bytes bytes;     /**< by kind */
    struct vblk_desc desc;       /**< for VBLK_STEP_DESC */
    uint8_t desc_sets;           /**< VBLK_DESC_SETS_* */
    uint8_t part;                /**< enum vblk_part: what the step's address counts from */
    struct vblk_step_request request; /**< for VBLK_STEP_REQUEST and SUBMIT */
    struct vblk_step_expect expect;   /**< for VBLK_STEP_EXPECT */
};

/** @return a step of @p kind in which everything has its default: header_length 16, poison 0xa5, prefill. */
static inline struct vblk_step vblk_step_make(enum vblk_step_kind kind)
{
    struct vblk_step step;

    memset(&step, 0, sizeof(step));
    step.kind = (uint8_t)kind;
    step.request.header_length = (uint32_t)sizeof(struct vblk_request_header);
    step.request.poison = 0xa5;
    step.request.prefill = true;
    return step;
}

/**
 * What a puppet shows where no step says otherwise. num_queues is what the NUM_QUEUES register shows; the
 * configuration's own num_queues is in config. In a script: a puppet with queue_max 0 keeps what the port was set up
 * with.
 */
struct vblk_puppet {
    uint64_t features;               /**< offered */
    uint16_t num_queues;             /**< queues it has */
    uint16_t queue_max;              /**< largest size of each */
    uint8_t config[VBLK_CONFIG_MAX]; /**< [config_length] configuration bytes */
    uint32_t config_length;          /**< bytes */
};

/** A script. Owned by whoever made it; everything it points to must outlive its use. */
struct vblk_script {
    const char *name;            /**< "provision/PROV-DEV-01/each-reserved-bit" */
    struct vblk_profile profile; /**< the text that it was written for */
    uint64_t features;           /**< what START accepts of the offer, where the step says nothing */
    uint16_t queue_size;         /**< of every queue; 0: the smaller of 64 and what the device supports */
    uint16_t queues;             /**< how many to set up; 0: one */
    struct vblk_puppet puppet;   /**< for scripts with device steps */
    const struct vblk_step *steps; /**< [step_count], in order */
    size_t step_count;           /**< steps */
};

#ifdef __cplusplus
}
#endif

#endif /* VBLK_SCRIPT_H */
