/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file clause.h
 * @brief The clause table and the ambiguity table.
 */
#ifndef VBLK_CLAUSE_H
#define VBLK_CLAUSE_H

#include <vblk/port.h>
#include <vblk/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who must behave. */
enum vblk_bound { VBLK_BOUND_DEVICE, VBLK_BOUND_DRIVER, VBLK_BOUND_BOTH };

/** The keyword of a row; DEF is a testable fact without one. */
enum vblk_level {
    VBLK_MUST,
    VBLK_MUST_NOT,
    VBLK_SHOULD,
    VBLK_SHOULD_NOT,
    VBLK_MAY,
    VBLK_DEF
};

/** What it takes to see whether a row holds. */
enum vblk_observability {
    VBLK_SEEN_MEMORY,   /**< rings and buffers */
    VBLK_SEEN_CONFIG,   /**< configuration and transport reads */
    VBLK_SEEN_ACCESS,   /**< an access log */
    VBLK_SEEN_TIMING,   /**< order, or durability across a crash */
    VBLK_SEEN_INTERNAL, /**< documentation only */
    VBLK_SEEN_INTENT    /**< the peer's cooperation */
};

/** How a row stands in this build. */
enum vblk_standing {
    VBLK_CHECKED, /**< the oracle checks it */
    VBLK_PENDING, /**< not checked yet */
    VBLK_UNSEEN   /**< can't be observed; @c note says why */
};

/** A row of the clause table. All strings are static and never NULL. */
struct vblk_clause {
    const char *id;       /**< "PROV-DEV-01"; never renumbered, never reused */
    uint8_t bound;        /**< enum vblk_bound */
    uint8_t level;        /**< enum vblk_level as in the text */
    uint8_t strength;     /**< for DEF rows the derived strength (DEF: plain fact); else equal to level */
    uint8_t observability; /**< enum vblk_observability */
    uint8_t grade;        /**< the least enum vblk_grade that can decide it */
    uint8_t standing;     /**< enum vblk_standing */
    const char *since;    /**< "1.0", "1.2", "provision", … */
    const char *area;     /**< "provision", "ring-split", … */
    const char *section;  /**< label path in the text */
    const char *summary;  /**< in our own words */
    const char *stimulus; /**< how to exercise it */
    const char *evidence; /**< what shows it */
    const char *note;     /**< CHECKED: the source file of the check; UNSEEN: the reason; else "" */
};

/** Position of a row in the table of this build. Not stable between releases: store ids, not numbers. */
typedef uint16_t vblk_clause_no;
#define VBLK_NO_CLAUSE ((vblk_clause_no)0xffff) /**< the number of no row */

/** @return the number of rows. */
VBLK_API size_t vblk_clause_count(void);
/** @return row @p no, or NULL past the last. */
VBLK_API const struct vblk_clause *vblk_clause_at(vblk_clause_no no);
/** @return the number of the row with @p id, or VBLK_NO_CLAUSE. */
VBLK_API vblk_clause_no vblk_clause_find(const char *id);
/** Whether a row belongs to a profile's text at all (a zoned row does not belong to 1.2). */
VBLK_API bool vblk_clause_in_profile(const struct vblk_clause *clause, const struct vblk_profile *profile);

/** @return the word that reports use for a value, static; "?" for a value outside the enumeration. */
VBLK_API const char *vblk_bound_name(enum vblk_bound bound);
VBLK_API const char *vblk_level_name(enum vblk_level level);
VBLK_API const char *vblk_observability_name(enum vblk_observability seen);
VBLK_API const char *vblk_grade_name(enum vblk_grade grade);
VBLK_API const char *vblk_standing_name(enum vblk_standing standing);

/** The most readings that one ambiguity has. */
#define VBLK_READINGS_MAX 5u

/** A row of the ambiguity table: where the text allows more than one reading. */
struct vblk_ambiguity {
    const char *id;     /**< "AMB-02" */
    const char *title;  /**< in a few words */
    const char *facts;  /**< why the text is open */
    const char *treatment; /**< the verdicts under the default, in words */
    uint8_t readings;   /**< 1..VBLK_READINGS_MAX; the default is reading 0 */
    struct {
        const char *name;  /**< one word for the command line: "unsupp", "ignore" */
        const char *what;  /**< what it means, in a sentence */
    } reading[VBLK_READINGS_MAX]; /**< [readings] */
};

/** @return the number of rows. */
VBLK_API size_t vblk_ambiguity_count(void);
/** @return row @p i, or NULL past the last. */
VBLK_API const struct vblk_ambiguity *vblk_ambiguity_at(size_t i);
/** @return the index of "AMB-02", or -1. */
VBLK_API int vblk_ambiguity_find(const char *id);

/** The most rows that the ambiguity table may ever have. */
#define VBLK_AMBIGUITIES_MAX 64u

/** The chosen reading of every ambiguity; all zero is the default. */
struct vblk_readings {
    uint8_t chosen[VBLK_AMBIGUITIES_MAX]; /**< by index of the ambiguity table */
};
/** Set one reading from "AMB-02=ignore". @p why receives a sentence on VBLK_E_INVAL. */
VBLK_API VBLK_NODISCARD vblk_err vblk_readings_set(struct vblk_readings *readings, const char *text, char *why,
                                                   size_t why_size);

#ifdef __cplusplus
}
#endif

#endif /* VBLK_CLAUSE_H */
