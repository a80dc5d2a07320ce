/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that read indirect tables wrongly. */
#include "mutants.h"

const struct mutant mutants_indirect[] = {
    { .name = "table-write-heeded", .what = "refuses an indirect table whose descriptor has WRITE set",
      .clause = "RING-IND-DEV-01", .ring = "table-write-heeded" },
    { .name = "table-alone", .what = "refuses an indirect table that plain descriptors come before",
      .clause = "RING-IND-DEV-02", .ring = "table-alone" },
    { .name = "table-next-heeded", .what = "takes NEXT in a packed indirect table for a link", .clause = "RING-IND-06",
      .ring = "table-next-heeded" },
    { .name = "table-aligned", .what = "refuses an indirect table that is not aligned to 16 bytes",
      .clause = "RING-IND-01", .ring = "table-aligned" },
    { .name = "table-length-rounded", .what = "takes an indirect table whose length is no multiple of 16",
      .clause = "RING-IND-01", .ring = "table-length-rounded" },
    { .name = NULL },
};
