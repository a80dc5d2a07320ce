/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `vblk test`. */
#ifndef TOOLS_TEST_OPTIONS_H
#define TOOLS_TEST_OPTIONS_H

#include "common_options.h"

struct test_options {
    struct common_options common;
    const char *socket;  /* of --vhost-user; NULL: the reference device */
    const char *qtest;   /* of --qtest, or NULL */
    const char *memory;  /* of --memory, or NULL */
    const char *restart; /* --restart, or NULL */
    bool list;
};

/* What is wrong has been said when common.done >= 0. */
void test_options_parse(struct test_options *options, int argc, char **argv);
void test_options_free(struct test_options *options);

#endif /* TOOLS_TEST_OPTIONS_H */
