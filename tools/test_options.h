/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `vblk test`. */
#ifndef TOOLS_TEST_OPTIONS_H
#define TOOLS_TEST_OPTIONS_H

#include "report.h"
#include "runner.h"

struct test_options {
    struct runner_options run;
    const char *socket;   /* of --vhost-user; NULL: the reference device */
    const char *qtest;    /* of --qtest, or NULL */
    const char *memory;   /* of --memory, or NULL */
    const char *vectors;  /* --vectors, or NULL */
    const char *expect;   /* --expect, or NULL */
    const char *restart;  /* --restart, or NULL */
    const char *record;   /* --record, or NULL */
    bool record_times;
    const char **reports; /* as given */
    size_t report_count;
    bool list, quiet, verbose;
    int color;         /* 1 always, 0 never, -1 auto */
    int done;          /* what is to be returned now: an exit status, or -1 to go on */
    char replay[4096]; /* the command that runs the same again, without the selection */
};

/* What is wrong has been said when done >= 0. */
void test_options_parse(struct test_options *options, int argc, char **argv);
void test_options_free(struct test_options *options);

#endif /* TOOLS_TEST_OPTIONS_H */
