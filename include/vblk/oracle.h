/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file oracle.h
 * @brief The judge: events in, verdicts out. Shares no code with the models.
 *
 * Feed every event of a port and of its memory to vblk_oracle_observe(), in order. The oracle peeks at guest
 * memory at the moments that events name, keeps a shadow of the disk, and counts, clause by clause, how often
 * a rule was exercised and held, and each time it was broken.
 *
 * Threads: one thread at a time per oracle; any number of oracles. Observing allocates only when a queue is
 * enabled, when the shadow disk grows and when a request carries more bytes than any before.
 */
#ifndef VBLK_ORACLE_H
#define VBLK_ORACLE_H

#include <vblk/clause.h>
#include <vblk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vblk_oracle; /**< opaque */

/** How the letter of the text is weighed. */
enum vblk_strictness {
    VBLK_INTEROP = 0, /**< default: what deployed peers rely on is a warning */
    VBLK_STRICT,      /**< the letter */
    VBLK_LEGACY       /**< relaxes what the text itself relaxes for legacy */
};

/** Which side's behaviour the events show, beyond what memory at the named moments shows. */
#define VBLK_SEES_DRIVER_STORES 0x1u /**< the driver's stores arrive as events */
#define VBLK_SEES_DEVICE_STORES 0x2u /**< the device's stores do */
#define VBLK_SEES_DRIVER_LOADS 0x4u  /**< the driver's loads do */
#define VBLK_SEES_DEVICE_LOADS 0x8u  /**< the device's loads do */
#define VBLK_SEES_ALL 0xfu           /**< everything does: grade access */

/** Whose registers REG_READ and REG_WRITE mean. Rules of one transport are judged on that one only. */
enum vblk_transport {
    VBLK_TRANSPORT_NONE = 0, /**< none of the text's own: in process, vhost-user */
    VBLK_TRANSPORT_MMIO,     /**< virtio-mmio (4.2) */
    VBLK_TRANSPORT_PCI       /**< virtio-pci (4.1) */
};

/** By what the oracle judges. All zero but the profile is lawful. */
struct vblk_oracle_options {
    struct vblk_profile profile;   /**< the text it judges by */
    struct vblk_readings readings; /**< of the ambiguities */
    uint8_t strictness;      /**< enum vblk_strictness */
    uint32_t sees;           /**< VBLK_SEES_*; SEES_ALL for grade access, SEES_DRIVER_* for a foreign device */
    bool disk_zero;          /**< the disk is known to read as zeroes; else its first content is unknown */
    bool power_cuts;         /**< the device may lose power: follow which writes are stable */
    /**
     * The driver does not run while events are delivered: one thread, a driver called in process. With
     * SEES_DEVICE_STORES whatever else changed in memory between two events is then known to be its doing.
     */
    bool lockstep;
    bool judge_driver;       /**< count what the driver does; a script's deliberate lies are not a finding */
    bool spare_device;       /**< do not count what the device does: a driver alone is judged */
    /**
     * The judge is a passive onlooker between two others who do not wait for it: what both did to a ring between two
     * looks is only known in the order that the rings themselves keep, and a buffer that was used may already have
     * become something else. What can't be told that way is not observable. Goes with sees 0.
     */
    bool late;
    /**
     * NULL, or what a signal handler sets when memory that is looked at was taken away by its owner, so that bytes are
     * read there that nobody wrote: nothing is judged and nothing counts as held while it is not 0.
     */
    const volatile int *memory_gone;
    uint16_t queues_max;     /**< queues followed; 0: 64 */
    uint8_t transport;       /**< enum vblk_transport */
};

/** @return NULL: no memory. @p mem is peeked at, not owned. */
VBLK_API VBLK_NODISCARD struct vblk_oracle *vblk_oracle_new(const struct vblk_oracle_options *options,
                                                            struct vblk_memory *mem);
/** Free @p oracle. NULL is allowed. */
VBLK_API void vblk_oracle_free(struct vblk_oracle *oracle);
/** The event sink; @p oracle is a struct vblk_oracle *. Matches vblk_observe_fn, for ports and memory taps alike. */
VBLK_API void vblk_oracle_observe(void *oracle, const struct vblk_event *ev);
/** Forget counts, violations and transport state. The shadow disk stays unless @p forget_disk. */
VBLK_API void vblk_oracle_reset(struct vblk_oracle *oracle, bool forget_disk, bool disk_zero);

/** What has been counted for one clause. */
struct vblk_tally {
    uint32_t held;    /**< exercised and held */
    uint32_t broken;  /**< violated (a fail, by the clause's strength) */
    uint32_t doubted; /**< outcomes that the default reading only warns of */
    uint32_t noted;   /**< choices recorded under a MAY, or information */
    char choice[48];  /**< the last choice noted, or "" */
    uint8_t reading;  /**< 1 + index of the ambiguity whose reading decided a verdict last, 0: none */
};
/** @return what was counted for clause @p no since the last reset. */
VBLK_API struct vblk_tally vblk_oracle_tally(const struct vblk_oracle *oracle, vblk_clause_no no);

/** How bad an entry is, before levels and expectations are applied. */
enum vblk_severity { VBLK_BROKEN_RULE, VBLK_DOUBT, VBLK_NOTE };

/** Bytes of a sentence in a violation, the NUL included. */
#define VBLK_WHY_TEXT 160u

/** One entry of the list of violations, doubts and notes: fixed size, self-contained. */
struct vblk_violation {
    vblk_clause_no clause; /**< the rule */
    uint8_t severity;      /**< enum vblk_severity */
    uint8_t guilty;        /**< enum vblk_party */
    uint8_t reading;       /**< 1 + index of the ambiguity it rests on, 0: none */
    bool relaxed;          /**< the strictness in force made a doubt of a broken rule */
    uint16_t queue;        /**< 0 where no queue is meant */
    uint16_t index;        /**< head, buffer id or slot; 0xffff: none */
    uint64_t address;      /**< guest address, configuration offset or sector; see has_address */
    bool has_address;      /**< address means something */
    uint8_t byte_count;    /**< of bytes */
    uint8_t bytes[16];     /**< what was there */
    char message[VBLK_WHY_TEXT];  /**< what is wrong, in a sentence */
    char expected[VBLK_WHY_TEXT]; /**< what the text allows */
    char seen[VBLK_WHY_TEXT];     /**< what was there instead */
};

/** How many violations are kept; further ones are counted in the tallies only. */
#define VBLK_VIOLATIONS_MAX 256u
/** How many of them of one clause, so that others find room. */
#define VBLK_VIOLATIONS_OF_ONE 8u
/** @return how many are kept; @p i counts from the oldest, NULL past the last. */
VBLK_API size_t vblk_oracle_violation_count(const struct vblk_oracle *oracle);
VBLK_API const struct vblk_violation *vblk_oracle_violation(const struct vblk_oracle *oracle, size_t i);

/** The verdict words of reports. */
enum vblk_verdict {
    VBLK_VERDICT_PASS,
    VBLK_VERDICT_FAIL,
    VBLK_VERDICT_WARN,
    VBLK_VERDICT_INFO,
    VBLK_VERDICT_EXPECTED_FAIL,
    VBLK_VERDICT_UNEXPECTED_PASS,
    VBLK_VERDICT_NOT_EXERCISED,
    VBLK_VERDICT_NOT_OBSERVABLE,
    VBLK_VERDICT_NOT_APPLICABLE,
    VBLK_VERDICT_COUNT
};
/** @return the word that reports use, "not-exercised"; static. */
VBLK_API const char *vblk_verdict_name(enum vblk_verdict verdict);

/** What else decides a verdict besides the tally. */
struct vblk_target_facts {
    struct vblk_profile profile; /**< the text it is judged by */
    uint64_t offered;     /**< all features ever offered */
    uint64_t negotiated;  /**< all features ever negotiated */
    uint32_t sees;        /**< VBLK_SEES_* of the run */
    uint8_t grade;        /**< enum vblk_grade of the target */
    bool late;            /**< as in the options */
    bool lockstep;        /**< as in the options */
    uint8_t transport;    /**< enum vblk_transport of the target */
};
/**
 * The verdict of one clause from what was counted. A clause that nothing exercised is never a pass: it is
 * not-applicable, not-observable or not-exercised, and *why (if not NULL) says so in a static phrase.
 */
VBLK_API enum vblk_verdict vblk_verdict_of(vblk_clause_no no, const struct vblk_tally *tally,
                                           const struct vblk_target_facts *facts, const char **why);
/** Add one tally to another, as when cases are merged into a run. */
VBLK_API void vblk_tally_add(struct vblk_tally *sum, const struct vblk_tally *part);

/**
 * @return how often a late judge lost sight of a queue, because more went through its ring between two looks than can be
 * told apart; it follows the queue again once nothing is in flight.
 */
VBLK_API uint32_t vblk_oracle_sight_lost(const struct vblk_oracle *oracle);

/** @return how many checks have run so far, whatever came of them; for measurements. */
VBLK_API uint64_t vblk_oracle_checks_run(const struct vblk_oracle *oracle);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_ORACLE_H */
