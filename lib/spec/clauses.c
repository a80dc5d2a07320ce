/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/clause.h>

#include <string.h>

#include "ids.h"

static const struct vblk_clause clauses[VBLK_C_COUNT] = {
#define ROW(standing_, token, id_, bound_, level_, strength_, since_, seen, grade_, section_, summary_, stimulus_,     \
            evidence_, note_)                                                                                          \
    [VBLK_C_##token] = { .id = id_,                                                                                    \
                         .bound = VBLK_BOUND_##bound_,                                                                 \
                         .level = VBLK_##level_,                                                                       \
                         .strength = VBLK_##strength_,                                                                 \
                         .observability = VBLK_SEEN_##seen,                                                            \
                         .grade = VBLK_GRADE_##grade_,                                                                 \
                         .standing = VBLK_##standing_,                                                                 \
                         .since = since_,                                                                              \
                         .area = AREA,                                                                                 \
                         .section = section_,                                                                          \
                         .summary = summary_,                                                                          \
                         .stimulus = stimulus_,                                                                        \
                         .evidence = evidence_,                                                                        \
                         .note = note_ },
#include "clauses.def"
#undef ROW
};

size_t vblk_clause_count(void)
{
    return VBLK_C_COUNT;
}

const struct vblk_clause *vblk_clause_at(vblk_clause_no no)
{
    return no < VBLK_C_COUNT ? &clauses[no] : NULL;
}

vblk_clause_no vblk_clause_find(const char *id)
{
    for (vblk_clause_no no = 0; id && no < VBLK_C_COUNT; no++) {
        if (strcmp(clauses[no].id, id) == 0)
            return no;
    }
    return VBLK_NO_CLAUSE;
}

/* Rows whose whole subject is a feature that a profile may be without. */
static const struct {
    uint16_t row;
    uint8_t feature;
} subjects[] = {
    { VBLK_C_BLK_FEAT_12, VBLK_F_LIFETIME },       { VBLK_C_BLK_OP_16, VBLK_F_LIFETIME },
    { VBLK_C_BLK_OP_17, VBLK_F_LIFETIME },         { VBLK_C_BLK_OP_18, VBLK_F_LIFETIME },
    { VBLK_C_BLK_OP_19, VBLK_F_LIFETIME },         { VBLK_C_BLK_OP_DEV_23, VBLK_F_LIFETIME },
    { VBLK_C_BLK_OP_DEV_24, VBLK_F_LIFETIME },     { VBLK_C_BLK_OP_DEV_25, VBLK_F_LIFETIME },
    { VBLK_C_BLK_OP_05, VBLK_F_SECURE_ERASE },     { VBLK_C_BLK_FEAT_13, VBLK_F_SECURE_ERASE },
    { VBLK_C_BLK_CFG_13, VBLK_F_SECURE_ERASE },    { VBLK_C_BLK_CFG_16, VBLK_F_SECURE_ERASE },
    { VBLK_C_BLK_INIT_10, VBLK_F_SECURE_ERASE },   { VBLK_C_BLK_OP_DRV_08, VBLK_F_SECURE_ERASE },
    { VBLK_C_BLK_OP_DRV_12, VBLK_F_SECURE_ERASE }, { VBLK_C_BLK_OP_DEV_06, VBLK_F_SECURE_ERASE },
};

static bool is_without(const struct vblk_clause *clause, const struct vblk_profile *profile)
{
    for (size_t i = 0; profile->without && i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        if (clause == &clauses[subjects[i].row] && (profile->without & VBLK_BIT(subjects[i].feature)))
            return true;
    }
    return false;
}

/* Rows about max_provision_seg, which the early Linux draft does not have. */
static bool is_about_provision_seg(const struct vblk_clause *clause)
{
    return clause == &clauses[VBLK_C_PROV_CFG_02] || clause == &clauses[VBLK_C_PROV_REQ_11] ||
           clause == &clauses[VBLK_C_PROV_DRV_02] || clause == &clauses[VBLK_C_PROV_DEV_18];
}

bool vblk_clause_in_profile(const struct vblk_clause *clause, const struct vblk_profile *profile)
{
    const char *since = clause->since;

    if (strcmp(clause->area, "provision") == 0)
        return profile->provision && (profile->provision_seg || !is_about_provision_seg(clause));
    if (strcmp(clause->area, "blk-zoned") == 0 && !profile->zoned)
        return false;
    if (is_without(clause, profile))
        return false;
    /* "1.2" is 0x0102; the table's test sees to it that every other since has this form. */
    return ((unsigned)(since[0] - '0') << 8 | (unsigned)(since[2] - '0')) <= profile->version;
}

/** A name out of a table, or "unknown" past its end. */
#define NAME_OF(table, value)                                                                                          \
    ((size_t)(value) < sizeof(table) / sizeof((table)[0]) ? (table)[(size_t)(value)] : "unknown")

const char *vblk_bound_name(enum vblk_bound bound)
{
    static const char *const names[] = { "device", "driver", "both" };

    return NAME_OF(names, bound);
}

const char *vblk_level_name(enum vblk_level level)
{
    static const char *const names[] = { "MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "DEF" };

    return NAME_OF(names, level);
}

const char *vblk_observability_name(enum vblk_observability seen)
{
    static const char *const names[] = { "memory", "config", "access", "timing", "internal", "peer-intent" };

    return NAME_OF(names, seen);
}

const char *vblk_grade_name(enum vblk_grade grade)
{
    static const char *const names[] = { "trace", "snapshot", "trapped", "access" };

    return NAME_OF(names, grade);
}

const char *vblk_standing_name(enum vblk_standing standing)
{
    static const char *const names[] = { "checked", "pending", "unseen" };

    return NAME_OF(names, standing);
}
