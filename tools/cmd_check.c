/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk check: a recorded run, judged again. And what the commands that record have in common. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "common_options.h"
#include "common_run.h"
#include "recorder.h"
#include "trace_check.h"

static const char help_text[] =
    "Usage: vblk check FILE [OPTIONS]\n\n"
    "Judges a trace that 'vblk test', 'vblk serve' or 'vblk monitor' recorded (--record FILE), by the profile, level and\n"
    "readings of the recording. The report is the one of the recorded run.\n\n"
    "  --report FORMAT[:FILE]     text (default), json, junit, tap, html, markdown; repeatable\n"
    "  --expect FILE              expected failures\n"
    "  --fail-on must|should      what makes the run fail; default: as recorded\n"
    "  --vectors DIR              where the reasons why violations matter are found\n"
    "  --quiet, --verbose, --color auto|always|never\n\n"
    "Exit status: 0 all that was exercised held, 1 a violation that was not expected or an expected one that did not\n"
    "happen, 2 wrong usage, or this is no whole trace, or the trace can't decide; 77 nothing could be exercised.\n";

/* What of the common options makes sense: the rest is in the trace. */
static const char *const kept[] = { "report", "expect", "fail-on", "vectors", "quiet", "verbose", "color" };
#define KEPT (sizeof(kept) / sizeof(kept[0]))
#define OPT_HELP 1

static void list_options(struct option *all)
{
    size_t count = 0;

    for (size_t i = 0; common_options[i].name; i++)
        for (size_t k = 0; k < KEPT; k++)
            if (strcmp(common_options[i].name, kept[k]) == 0)
                all[count++] = common_options[i];
    all[count] = (struct option){ "help", no_argument, NULL, OPT_HELP };
}

static const char *parse(struct common_options *common, int *should, int argc, char **argv)
{
    struct option all[KEPT + 2] = { { 0 } };
    int got, index = 0;

    list_options(all);
    common_init(common, "check");
    opterr = 0;
    while (common->done < 0 && (got = getopt_long(argc, argv, ":", all, &index)) != -1) {
        if (got == '?' || got == ':') {
            common->done = cmd_bad_option("check", got, argv);
        } else if (got == OPT_HELP) {
            fputs(help_text, stdout);
            common->done = cmd_finish("check", CMD_HELD);
        } else {
            (void)common_take(common, all[index].name, optarg);
            if (strcmp(all[index].name, "fail-on") == 0)
                *should = common->run.should_fails;
        }
    }
    if (common->done < 0 && optind + 1 != argc)
        common->done = cmd_sorry("check", "one trace is needed; see 'vblk check --help'");
    return common->done < 0 ? argv[optind] : NULL;
}

static int write_reports(const struct common_options *common, const struct report *report)
{
    const int files = common_save(common, report, false), out = common_save(common, report, true);

    return cmd_finish("check", files >= 0 ? files : out >= 0 ? out : report_status(report));
}

static int check(const struct common_options *common, const struct runner_set *set, const char *path, int should)
{
    const struct trace_check_options how = { .set = set, .expect = common->run.expect, .should_fails = should };
    struct report *report;
    char why[512] = "";
    int status;

    report = trace_check(path, &how, why, sizeof(why));
    if (!report)
        return cmd_sorry("check", "%s", why);
    status = write_reports(common, report);
    report_free(report);
    return status;
}

int cmd_check(int argc, char **argv)
{
    struct common_options common;
    struct runner_set set = { 0 };
    int should = -1;
    const char *path = parse(&common, &should, argc, argv);

    common_prepare(&common, &set);
    if (common.done < 0)
        common.done = check(&common, &set, path, should);
    runner_unload(&set);
    expect_free(common.run.expect);
    common_free(&common);
    return common.done;
}

int cmd_record(const char *name, const char *path, bool times, struct recorder **recorder)
{
    char why[512] = "";

    *recorder = recorder_open(path, times, why, sizeof(why));
    return *recorder ? -1 : cmd_sorry(name, "--record '%s': %s", path, why);
}

int cmd_recorded(const char *name, struct recorder *recorder, int status)
{
    char why[512] = "";

    return recorder_close(recorder, why, sizeof(why)) ? status : cmd_sorry(name, "%s", why);
}
