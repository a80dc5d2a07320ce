/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk report: convert and merge reports. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "report.h"

static const char help_text[] = "Usage: vblk report FROM… [--to FORMAT[:FILE]]…\n\n"
                                "Reads reports in JSON, merges them if there are several (of a clause the worst "
                                "verdict stays), and writes the result.\n\n"
                                "  --to FORMAT[:FILE]  text (default), json, junit, tap, html, markdown; repeatable\n"
                                "  --verbose           text: list every clause\n\n"
                                "Exit status: 0 written, 2 wrong usage, or a file that can't be read or written.\n";

enum { OPT_HELP = 256, OPT_TO, OPT_VERBOSE };

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "to", required_argument, NULL, OPT_TO },
    { "verbose", no_argument, NULL, OPT_VERBOSE },
    { 0 },
};

#define SINKS_MAX 16u

struct conversion {
    const char *to[SINKS_MAX];
    size_t count;
    struct report_style style;
};

/* Returns an exit status, or -1 to go on. */
static int parse(struct conversion *how, int argc, char **argv)
{
    int got;

    opterr = 0;
    while ((got = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (got == OPT_HELP) {
            fputs(help_text, stdout);
            return cmd_finish("report", CMD_HELD);
        }
        if (got == OPT_VERBOSE)
            how->style.verbose = true;
        else if (got == OPT_TO && how->count < SINKS_MAX)
            how->to[how->count++] = optarg;
        else if (got == OPT_TO)
            return cmd_sorry("report", "at most %u destinations can be given", SINKS_MAX);
        else
            return cmd_bad_option("report", got, argv);
    }
    if (optind == argc)
        return cmd_sorry("report", "no report given; see 'vblk report --help'");
    if (!how->count)
        how->to[how->count++] = "text";
    return -1;
}

static struct report *read_all(int count, char **paths)
{
    struct report *sum = NULL;
    char why[512];

    for (int i = 0; i < count; i++) {
        struct report *one = report_read(paths[i], why, sizeof(why));

        if (!one) {
            (void)cmd_sorry("report", "%s", why);
            report_free(sum);
            return NULL;
        }
        if (!sum && count == 1)
            return one;
        sum = sum ? sum : report_new();
        report_merge(sum, one);
        report_free(one);
    }
    return sum;
}

int cmd_report(int argc, char **argv)
{
    struct conversion how = { .count = 0 };
    struct report_sink sinks[SINKS_MAX];
    int status = parse(&how, argc, argv);
    struct report *report;
    char why[512];

    if (status >= 0)
        return status;
    report = read_all(argc - optind, argv + optind);
    if (!report)
        return CMD_USAGE;
    status = CMD_HELD;
    for (size_t i = 0; i < how.count && status == CMD_HELD; i++)
        if (report_sink_open(&sinks[i], how.to[i], why, sizeof(why)) ||
            report_sink_write(&sinks[i], report, &how.style, why, sizeof(why)))
            status = cmd_sorry("report", "%s", why);
    report_free(report);
    return status;
}
