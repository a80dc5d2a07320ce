/* SPDX-License-Identifier: BSD-3-Clause */
#include "common_run.h"

#include "cmd.h"

static int check_reports(const struct common_options *common)
{
    char why[512];

    for (size_t i = 0; i < common->report_count; i++)
        if (report_check(common->reports[i], why, sizeof(why)))
            return cmd_sorry(common->command, "%s", why);
    return -1;
}

static int load_vectors(const struct common_options *common, struct runner_set *set)
{
    char buf[4096], why[512];
    const char *dir = cmd_vectors_dir(common->vectors, buf, sizeof(buf));

    if (!dir || runner_load(set, dir, why, sizeof(why)) || !common->vectors)
        return -1;
    return cmd_sorry(common->command, "%s", why);
}

static int read_expected(struct common_options *common)
{
    char why[512];

    if (!common->expect)
        return -1;
    common->run.expect = expect_read(common->expect, why, sizeof(why));
    return common->run.expect ? -1 : cmd_sorry(common->command, "%s", why);
}

void common_prepare(struct common_options *common, struct runner_set *set)
{
    if (common->done < 0 && !common->report_count)
        (void)common_take(common, "report", "text");
    if (common->done < 0)
        common->done = check_reports(common);
    if (common->done < 0)
        common->done = load_vectors(common, set);
    if (common->done < 0)
        common->done = read_expected(common);
}

int common_save(const struct common_options *common, const struct report *report, bool to_stdout)
{
    const struct report_style style = { .color = common_colored(common), .verbose = common->verbose };
    int status = -1;
    char why[512];

    for (size_t i = 0; i < common->report_count; i++)
        if (report_to_stdout(common->reports[i]) == to_stdout &&
            report_save(common->reports[i], report, &style, why, sizeof(why)))
            status = cmd_sorry(common->command, "%s", why);
    return status;
}

volatile sig_atomic_t common_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    common_interrupted = 1;
}

void common_catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}
