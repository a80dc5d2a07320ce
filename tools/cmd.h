/* SPDX-License-Identifier: BSD-3-Clause */
/* What the subcommands of `vblk` share. */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <vblk/base.h>

/* Exit statuses; other people's scripts depend on them. */
enum { CMD_HELD = 0, CMD_VIOLATED = 1, CMD_USAGE = 2, CMD_NOTHING = 77 };

/* argv[0] is the subcommand's name. Each returns an exit status. */
int cmd_test(int argc, char **argv);
int cmd_vectors(int argc, char **argv);
int cmd_clauses(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_mutants(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_check(int argc, char **argv);

/* One sentence on standard error, "vblk NAME: …". Returns CMD_USAGE. */
int cmd_sorry(const char *name, const char *format, ...) VBLK_PRINTF(2, 3);
/* What getopt_long() did not understand, as a sentence: @got is what it returned ('?' or ':'). */
int cmd_bad_option(const char *name, int got, char *const *argv);
/* The directory of the vectors: @given, $VBLK_VECTORS, or where they were installed. NULL if there is none. */
const char *cmd_vectors_dir(const char *given, char *buf, size_t size);
/* Opens a trace: -1, or CMD_USAGE with a sentence. */
struct recorder;
int cmd_record(const char *name, const char *path, bool times, struct recorder **recorder);
/* Ends it (NULL is allowed): @status, or CMD_USAGE with a sentence. */
int cmd_recorded(const char *name, struct recorder *recorder, int status);
/* Standard output could be written to the end: @status, else a sentence and CMD_USAGE. */
int cmd_finish(const char *name, int status);

#endif /* TOOLS_CMD_H */
