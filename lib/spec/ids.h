/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Row numbers of the clause and ambiguity tables by name, for the rooms inside the library:
 * vblk_clause_at(VBLK_C_PROV_DEV_01), readings->chosen[VBLK_AMB_02].
 */
#ifndef VBLK_SPEC_IDS_H
#define VBLK_SPEC_IDS_H

enum vblk_clause_token {
#define ROW(standing, token, ...) VBLK_C_##token,
#include "clauses.def"
#undef ROW
    VBLK_C_COUNT
};

enum vblk_ambiguity_token {
#define AMBIGUITY(token, ...) VBLK_##token,
#include "ambiguities.def"
#undef AMBIGUITY
    VBLK_AMB_COUNT
};

#endif /* VBLK_SPEC_IDS_H */
