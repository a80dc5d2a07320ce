/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that read indirect tables wrongly. */
#include "mutants.h"

const struct mutant mutants_indirect[] = {
    { .name = "table-write-heeded", .what = "refuses an indirect table whose descriptor has WRITE set",
      .clause = "RING-IND-DEV-01", .ring = "table-write-heeded" },
    { .name = "table-alone", .what = "refuses an indirect table that plain descriptors come before",
      .clause = "RING-IND-DEV-02", .ring = "table-alone" },
    { .name = NULL },
};
