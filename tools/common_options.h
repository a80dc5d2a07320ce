/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that judge have in common on their command lines. */
#ifndef TOOLS_COMMON_OPTIONS_H
#define TOOLS_COMMON_OPTIONS_H

#include <getopt.h>

#include "report.h"
#include "runner.h"

struct common_options {
    const char *command; /* "serve" */
    struct runner_options run;
    const char *numbers; /* --provision-numbers, or NULL */
    const char *vectors; /* --vectors, or NULL */
    const char *expect;  /* --expect, or NULL */
    const char *record;  /* --record, or NULL */
    bool record_times;
    const char **reports; /* as given */
    size_t report_count;
    bool quiet, verbose;
    bool show_seed;    /* in replay, even if it is the default */
    int color;         /* 1 always, 0 never, -1 auto */
    int done;          /* what is to be returned now: an exit status, or -1 to go on */
    char replay[4096]; /* the command that runs the same again */
};

/* The end of the help of commands that watch others: the options below, and the exit statuses. */
#define COMMON_HELP \
    "What the text says\n" \
    "  --profile NAME             1.2+provision (default), 1.2, 1.4, 1.4+provision, linux-rfc\n" \
    "  --provision-numbers B,T,O  the proposal's feature bit, request type and configuration offset\n" \
    "  --level LEVEL              interop (default), strict, legacy\n" \
    "  --reading AMB-nn=WORD      read an open place of the text otherwise; repeatable ('vblk clauses AMB-nn')\n\n" \
    "What comes of it\n" \
    "  --report FORMAT[:FILE]     text (default), json, junit, tap, html, markdown; repeatable. Files are written anew\n" \
    "                             whenever a connection ends, standard output at the end\n" \
    "  --expect FILE              expected failures\n" \
    "  --fail-on must|should      what makes the run fail; default must\n" \
    "  --record FILE              write a trace, for 'vblk check'; --record-times: with the time of each event\n" \
    "  --vectors DIR              where the reasons why violations matter are found\n" \
    "  --seed N                   default 1\n" \
    "  --quiet, --verbose, --color auto|always|never\n\n" \
    "Exit status: 0 all that was exercised held, 1 a violation that was not expected or an expected one that did not\n" \
    "happen, 2 wrong usage or the environment failed, 77 nothing could be exercised.\n"

/* The options, for getopt_long(): a zero entry ends them. */
extern const struct option common_options[];

/* The default of all; @done is -1. */
void common_init(struct common_options *common, const char *command);
void common_free(struct common_options *common);
/* Deals with one of common_options[]; false: it is none of them. What is wrong has been said when done >= 0. */
bool common_take(struct common_options *common, const char *name, const char *value);
/* After the last one: what depends on several. */
void common_finish(struct common_options *common);
/* Opens what --record names, if it does, for common->run; sets @done if that fails. */
void common_record(struct common_options *common);
/* Ends the trace: @status, or CMD_USAGE with a sentence. */
int common_recorded(struct common_options *common, int status);
/* One more word of the replay command, quoted where a shell needs it. */
void common_replay(struct common_options *common, const char *text);

/* For options of one's own: each says what is wrong and sets @done. */
void common_sorry(struct common_options *common, const char *option, const char *value, const char *instead);
/* A decimal or 0x number up to @most. */
uint64_t common_number(struct common_options *common, const char *option, const char *value, uint64_t most);
/* Position of a word in a list of words, or -1. */
int common_word(struct common_options *common, const char *option, const char *value, const char *const *words,
                size_t count, const char *instead);

/* Whether reports on standard output are coloured, and whether standard error is a terminal that can be drawn on. */
bool common_colored(const struct common_options *common);
bool common_on_terminal(void);

#endif /* TOOLS_COMMON_OPTIONS_H */
