/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file script.h
 * @brief A script: the one description of a stimulus.
 *
 * A conformance case, a test vector, a fuzz input and a recorded trace are all scripts. A script is a
 * list of plain steps with plain numbers. Steps of the driver's side are played against a target;
 * steps of the device's side (VBLK_STEP_DEV_*) are played in the device's place, on a puppet port, to
 * show the oracle an exact sequence of events.
 */
#ifndef VBLK_SCRIPT_H
#define VBLK_SCRIPT_H

#include <vblk/port.h>
#include <vblk/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vblk_step_kind {
    /* Driver, lawful building blocks */
    VBLK_STEP_START,     /**< initialise: reset … DRIVER_OK, accepting a (features wanted) of what is offered; stop after the stage in b */
    VBLK_STEP_RESET,     /**< write 0 to status and wait until it reads 0 */
    VBLK_STEP_REQUEST,   /**< lay a request out in memory and in descriptors; not available yet. See struct vblk_step_request */
    VBLK_STEP_AVAILABLE, /**< put the named request's head into the next available slot */
    VBLK_STEP_PUBLISH,   /**< make the slots filled since the last publish available with one index update */
    VBLK_STEP_KICK,      /**< notify the device about queue */
    VBLK_STEP_WAIT,      /**< until the named request (or, without a name, all outstanding ones) is used, a ms pass, or the device is gone */
    VBLK_STEP_SUBMIT,    /**< REQUEST + AVAILABLE + PUBLISH + KICK + WAIT in one */
    /* Driver, raw */
    VBLK_STEP_REG_READ,  /**< reg, queue */
    VBLK_STEP_REG_WRITE, /**< reg, queue, value a */
    VBLK_STEP_CONFIG_READ,  /**< offset a, b bytes */
    VBLK_STEP_CONFIG_WRITE, /**< offset a, bytes */
    VBLK_STEP_STORE,     /**< bytes at guest address a */
    VBLK_STEP_LOAD,      /**< b bytes at guest address a */
    VBLK_STEP_DESC,      /**< descriptor a of queue, or a-th of the named request's chain: the members of desc that desc_sets selects */
    VBLK_STEP_AVAIL_SLOT, /**< slot a of queue's available ring := b */
    VBLK_STEP_AVAIL_IDX, /**< available idx of queue := a */
    VBLK_STEP_AVAIL_FLAGS, /**< available flags of queue := a */
    VBLK_STEP_BARRIER,   /**< order a */
    VBLK_STEP_LOOK,      /**< look at queue's used ring now */
    VBLK_STEP_FORGET,    /**< the driver takes the named request for done and may reuse its descriptors */
    /* Host: actions on a device that we own; gated on the port's host_actions */
    VBLK_STEP_HOST,      /**< action reg, with a and b */
    /* Device side, for puppets */
    VBLK_STEP_DEV_LOAD,  /**< load b bytes at a */
    VBLK_STEP_DEV_STORE, /**< bytes at a */
    VBLK_STEP_DEV_TAKE,  /**< read the available idx, the slot, the chain and the readable bytes of the named request, as a device does */
    VBLK_STEP_DEV_DATA,  /**< store bytes at offset a of the named request's writable part */
    VBLK_STEP_DEV_STATUS_BYTE, /**< store a as the named request's status */
    VBLK_STEP_DEV_ELEM,  /**< write used element: id a (or the named request's head), len b, in the next slot; idx not advanced */
    VBLK_STEP_DEV_IDX,   /**< advance the used idx by a (default: over the elements written) */
    VBLK_STEP_DEV_USED_FLAGS, /**< used flags := a */
    VBLK_STEP_DEV_COMPLETE, /**< TAKE if not taken, data, status a, element with len b, idx, used notification: a lawful completion */
    VBLK_STEP_DEV_NOTIFY,   /**< used buffer notification */
    VBLK_STEP_DEV_CONFIG_NOTIFY,
    VBLK_STEP_DEV_STATUS,   /**< the status register shows a from now on */
    VBLK_STEP_DEV_FEATURES, /**< the device offers a from now on */
    VBLK_STEP_DEV_CONFIG,   /**< configuration bytes at a change; no generation change, no notification by itself */
    VBLK_STEP_DEV_GENERATION, /**< the generation shows a */
    VBLK_STEP_DEV_QUEUE_MAX,  /**< queue's largest size shows a */
    VBLK_STEP_DEV_REG,      /**< any register reg of queue shows a */
    VBLK_STEP_DEV_BARRIER,
    VBLK_STEP_DEV_GONE,     /**< the device disappears */
    VBLK_STEP_DEV_POWER_CUT,/**< a: 1 persistent */
    VBLK_STEP_QUIET,        /**< a ms pass in which nothing is answered */
    VBLK_STEP_DISK,         /**< tell the oracle nothing; make the puppet's disk hold bytes at sector a (repeated b sectors) for COMPLETE of reads */
    /* Expectation of the script's author, compared by the runner and never seen by the oracle */
    VBLK_STEP_EXPECT,       /**< see struct vblk_step_expect */
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
 * Where the address of a step counts from, when the script's author can't know it: the a of STORE, LOAD, DEV_LOAD, DEV_STORE
 * and REG_WRITE, and desc.addr of DESC, is then an offset from that place. Resolved by the player when the step is played.
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
    VBLK_DESC_SETS_NEXT = 8
};

/** How bytes are made: given, or by a pattern that has no repeats within a request. */
struct vblk_bytes {
    const uint8_t *given; /**< [length], or NULL: pattern */
    uint64_t length;
    uint8_t seed;         /**< of the pattern */
    bool fill;            /**< all bytes equal to seed */
};

#define VBLK_FRAMES_MAX 4096u

/** One request as the script's author lays it out; lies are allowed. */
struct vblk_step_request {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint32_t header_length;     /**< bytes of the header that are laid out; 16 */
    struct vblk_bytes out;      /**< readable data after the header, unless segments are given */
    const struct vblk_segment *segments; /**< [segment_count], laid out after the header */
    uint32_t segment_count;
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
    uint64_t gap;               /**< bytes of guard between the pieces in memory */
};

#define VBLK_SET_MAX 16u

/** What the author allows. Empty sets allow anything. */
struct vblk_step_expect {
    uint8_t status[VBLK_SET_MAX];
    uint8_t status_count;
    uint64_t len[VBLK_SET_MAX];
    uint8_t len_count;
    bool data_equals;           /**< the writable data equals data */
    struct vblk_bytes data;
    bool data_same_as;          /**< the writable data equals that of the request named in other */
    char other[32];
    bool needs_reset_ok;        /**< DEVICE_NEEDS_RESET instead of an answer is allowed */
    bool no_answer_ok;          /**< no answer at all is allowed */
    bool must_answer;           /**< was used exactly once */
    /* or, for VBLK_STEP_REG_READ / CONFIG_READ: */
    bool value_checked;
    uint64_t value_mask, value;
};

#define VBLK_STEP_NAME 32u

struct vblk_step {
    uint8_t kind;                /**< enum vblk_step_kind */
    uint8_t order;
    uint16_t queue;
    uint16_t reg;                /**< enum vblk_reg or vblk_host_action */
    char name[VBLK_STEP_NAME];   /**< names a request, or the result of a read, or "" */
    uint64_t a, b;
    bool a_given, b_given;       /**< where the default is not a number */
    struct vblk_bytes bytes;
    struct vblk_desc desc;       /**< for VBLK_STEP_DESC */
    uint8_t desc_sets;           /**< VBLK_DESC_SETS_* */
    uint8_t part;                /**< enum vblk_part: what the step's address counts from */
    struct vblk_step_request request; /**< for VBLK_STEP_REQUEST and SUBMIT */
    struct vblk_step_expect expect;   /**< for VBLK_STEP_EXPECT */
};

/** What a puppet shows where no step says otherwise. */
struct vblk_puppet {
    uint64_t features;
    uint16_t num_queues;
    uint16_t queue_max;
    uint8_t config[VBLK_CONFIG_MAX];
    uint32_t config_length;
};

/** A script. Owned by whoever made it; everything it points to must outlive its use. */
struct vblk_script {
    const char *name;            /**< "provision/PROV-DEV-01/each-reserved-bit" */
    struct vblk_profile profile;
    uint64_t features;           /**< what START accepts of the offer, where the step says nothing */
    uint16_t queue_size;         /**< of every queue; 0: the smaller of 64 and what the device supports */
    uint16_t queues;             /**< how many to set up; 0: one */
    struct vblk_puppet puppet;   /**< for scripts with device steps */
    const struct vblk_step *steps;
    size_t step_count;
};

#ifdef __cplusplus
}
#endif

#endif /* VBLK_SCRIPT_H */
