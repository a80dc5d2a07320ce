/* SPDX-License-Identifier: BSD-3-Clause */
/* What serve, monitor and check do before and after they judge. */
#ifndef TOOLS_COMMON_RUN_H
#define TOOLS_COMMON_RUN_H

#include <signal.h>

#include "common_options.h"

/*
 * After the command line: a report as text if none is named; destinations that can't be written are known before anybody
 * connects; the vectors, where why violations matter is told, without which the report is shorter; the expectations.
 * Sets @done where one of them is wrong.
 */
void common_prepare(struct common_options *common, struct runner_set *set);

/* Writes the reports that go to standard output, or those that go to files. @return -1, or CMD_USAGE with a sentence. */
int common_save(const struct common_options *common, const struct report *report, bool to_stdout);

/* SIGINT or SIGTERM came. */
extern volatile sig_atomic_t common_interrupted;
/* Both are only noted: a second one can't keep a report from being written. SIGPIPE is ignored: others' descriptors may
 * be pipes. */
void common_catch_signals(void);

#endif /* TOOLS_COMMON_RUN_H */
