/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expected failures. The file is a small part of TOML:
 *
 *   [[expect]]
 *   clause = "BLK-REQ-07"                        # required
 *   case = "blk-request/BLK-REQ-07/len-*"     # optional, a glob
 *   reason = "fixed in the next firmware"        # required
 *   link = "https://bugs.example.org/123"        # optional
 */
#ifndef CONFORMANCE_EXPECT_H
#define CONFORMANCE_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expect_entry {
    char *clause, *name, *reason, *link; /* name: the case's glob; name and link may be NULL */
    int line;
    uint64_t failed; /* cases in which it happened */
    uint64_t passed; /* cases that exercised the clause without it happening */
};

struct expect_list {
    struct expect_entry *entries;
    size_t count;
};

/* Returns NULL with a sentence (file, line, reason) in @why. */
struct expect_list *expect_read(const char *path, char *why, size_t why_size);
void expect_free(struct expect_list *list);
/*
 * What a case did to a clause: @violated or exercised without a violation. All entries that speak of it are told.
 * Returns the first of them, or NULL. @list may be NULL.
 */
const struct expect_entry *expect_tell(struct expect_list *list, const char *clause, const char *name, bool violated);
/* The entry that speaks of it, telling nobody. */
const struct expect_entry *expect_find(const struct expect_list *list, const char *clause, const char *name);
/* An entry of the clause that did not happen although it could have: an unexpected pass. NULL if there is none. */
const struct expect_entry *expect_missed(const struct expect_list *list, const char *clause);

#endif /* CONFORMANCE_EXPECT_H */
