/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file trace.h
 * @brief What happened, as bytes: the records that trace files are made of (docs/trace-format.md).
 *
 * A record is an event with all that the judge looked at while it was told of it, or a few tagged fields. Writing goes to
 * a buffer of the caller's; reading trusts nothing and points into the caller's bytes. No allocation, no files.
 */
#ifndef VBLK_TRACE_H
#define VBLK_TRACE_H

#include <vblk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the format, told in the first record. */
#define VBLK_TRACE_VERSION 1u
/** No packet of a trace is longer; a longer record goes on in the next packet. */
#define VBLK_TRACE_PACKET_MAX 262144u
/** Bytes in front of each packet: kind, whether the record goes on, two zeroes. */
#define VBLK_TRACE_PACKET_HEAD 4u
/** No record is longer, all its packets together. */
#define VBLK_TRACE_RECORD_MAX (64u << 20)

/** What a record says. All but EVENT are fields. */
enum vblk_trace_kind {
    VBLK_TRACE_HEAD = 1, /**< first: what the judge was told */
    VBLK_TRACE_EVENT,    /**< an event and what was looked at */
    VBLK_TRACE_RESET,    /**< the judge forgot: vblk_oracle_reset() */
    VBLK_TRACE_CASE,     /**< a case begins */
    VBLK_TRACE_COLLECT,  /**< what the judge has found is added up */
    VBLK_TRACE_RESULT,   /**< what became of the case */
    VBLK_TRACE_BLAME,    /**< a violation that the judge did not see itself, but the script */
    VBLK_TRACE_SETTLE,   /**< the case ended */
    VBLK_TRACE_END,      /**< last */
    VBLK_TRACE_KINDS
};

/** Tags of fields; N: a number of eight bytes. */
enum vblk_trace_tag {
    VBLK_TRACE_T_VERSION = 1, /**< N, HEAD */
    VBLK_TRACE_T_TOOL,        /**< HEAD: "vblk 1.0.0" */
    VBLK_TRACE_T_COMMAND,     /**< HEAD: "test", "serve", "monitor" */
    VBLK_TRACE_T_TARGET,      /**< HEAD: the target's kind */
    VBLK_TRACE_T_TARGET_NAME, /**< HEAD */
    VBLK_TRACE_T_REPLAY,      /**< HEAD: the command that shows it again */
    VBLK_TRACE_T_PROFILE,     /**< HEAD: its name */
    VBLK_TRACE_T_NUMBERS,     /**< HEAD: "BIT,TYPE,OFFSET" of PROVISION, where it is part of the profile */
    VBLK_TRACE_T_LEVEL,       /**< N, HEAD: enum vblk_strictness */
    VBLK_TRACE_T_READING,     /**< HEAD, any number: "AMB-02=ignore" */
    VBLK_TRACE_T_SEED,        /**< N, HEAD */
    VBLK_TRACE_T_SEES,        /**< N, HEAD: VBLK_SEES_* */
    VBLK_TRACE_T_GRADE,       /**< N, HEAD: enum vblk_grade */
    VBLK_TRACE_T_JUDGED,      /**< N, HEAD: bits, VBLK_TRACE_J_* */
    VBLK_TRACE_T_QUEUES,      /**< N, HEAD: queues followed, 0: the judge's default */
    VBLK_TRACE_T_TRANSPORT,   /**< N, HEAD: enum vblk_transport */
    VBLK_TRACE_T_NAME,        /**< CASE */
    VBLK_TRACE_T_AREA,        /**< CASE */
    VBLK_TRACE_T_CLAUSE,      /**< CASE */
    VBLK_TRACE_T_WHAT,        /**< CASE: a sentence; who came */
    VBLK_TRACE_T_CONSEQUENCE, /**< CASE */
    VBLK_TRACE_T_FLAGS,       /**< CASE: with commas */
    VBLK_TRACE_T_RINGS,       /**< N, CASE: formats it is for; END: formats of the run. 1: split, 2: packed */
    VBLK_TRACE_T_RING,        /**< N, CASE: the one it is played on */
    VBLK_TRACE_T_RESULT,      /**< N, RESULT, SETTLE: 0 ran, 1 skipped, 2 hung, 3 gone */
    VBLK_TRACE_T_REASON,      /**< RESULT, SETTLE */
    VBLK_TRACE_T_RUNS,        /**< N, SETTLE: variations played */
    VBLK_TRACE_T_DOUBT,       /**< N, BLAME: only a warning */
    VBLK_TRACE_T_MESSAGE,     /**< BLAME */
    VBLK_TRACE_T_EXPECTED,    /**< BLAME */
    VBLK_TRACE_T_SEEN,        /**< BLAME */
    VBLK_TRACE_T_OFFERED,     /**< N, COLLECT, BLAME: features at that time; END: of the run */
    VBLK_TRACE_T_NEGOTIATED,  /**< N, END */
    VBLK_TRACE_T_FORGET,      /**< N, RESET: 1 the disk is forgotten, 2 it then reads as zeroes */
    VBLK_TRACE_T_CUT_SHORT,   /**< N, END */
    VBLK_TRACE_T_NOTE,        /**< END, any number */
    VBLK_TRACE_TAGS
};

/** Bits of VBLK_TRACE_T_JUDGED: who is on trial, and what the judge takes as given. */
#define VBLK_TRACE_J_DISK_ZERO 0x1u    /**< the disk is known to read as zeroes */
#define VBLK_TRACE_J_POWER_CUTS 0x2u   /**< the device may lose power */
#define VBLK_TRACE_J_DRIVER 0x4u       /**< the driver is judged */
#define VBLK_TRACE_J_SPARE_DEVICE 0x8u /**< the device is not */
#define VBLK_TRACE_J_LATE 0x10u        /**< the judge looks late */
#define VBLK_TRACE_J_SHOULD_FAILS 0x20u /**< --fail-on should */

/** Where a record is written. What does not fit sets @c full, and nothing is written past @c room. */
struct vblk_trace_out {
    uint8_t *bytes; /**< [room] bytes of the caller's */
    size_t room;    /**< how many there are */
    size_t size;    /**< how many are written */
    bool full;      /**< something did not fit */
};
/** The event that a record begins with. */
VBLK_API void vblk_trace_put_event(struct vblk_trace_out *out, const struct vblk_event *ev);
/**
 * The peer took its memory back: @p gone is 1 + how many looks of this event came before (vblk_oracle_options.memory_gone),
 * 0: it did not. For a record that begins with an event.
 */
VBLK_API void vblk_trace_set_gone(struct vblk_trace_out *out, uint32_t gone);
/** A look, after the event it belongs to. @p ask: how often the same was asked before in this event. */
VBLK_API void vblk_trace_put_glance(struct vblk_trace_out *out, const struct vblk_glance *glance, uint32_t ask);
VBLK_API void vblk_trace_put_number(struct vblk_trace_out *out, enum vblk_trace_tag tag, uint64_t value);
/** Up to 65535 bytes; longer text is cut. */
VBLK_API void vblk_trace_put_text(struct vblk_trace_out *out, enum vblk_trace_tag tag, const char *text);

/** A record being read. */
struct vblk_trace_in {
    const uint8_t *bytes; /**< [size] bytes of the caller's */
    size_t size;          /**< how many there are */
    size_t at;            /**< how many are read */
};
/** One field; text is not terminated. */
struct vblk_trace_field {
    uint8_t tag;  /**< enum vblk_trace_tag; others are for later versions */
    uint16_t len; /**< bytes of text */
    const char *text; /**< [len] bytes */
    uint64_t number; /**< of a field of eight bytes */
};
/** Each: VBLK_OK and the next thing; VBLK_E_EMPTY at the end; VBLK_E_INVAL if this is not what a record may hold. */
VBLK_API VBLK_NODISCARD vblk_err vblk_trace_get_event(struct vblk_trace_in *in, struct vblk_event *ev,
                                                      uint32_t *gone);
/** The bytes of a PEEK stay where they are in @p in; the two numbers of a DIFF are put in @p run. */
VBLK_API VBLK_NODISCARD vblk_err vblk_trace_get_glance(struct vblk_trace_in *in, struct vblk_glance *glance,
                                                       uint32_t *ask, uint64_t run[2]);
VBLK_API VBLK_NODISCARD vblk_err vblk_trace_get_field(struct vblk_trace_in *in, struct vblk_trace_field *field);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_TRACE_H */
