/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk test: the conformance suite against a device. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "test_options.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* No SA_RESTART: what waits is to notice. A second signal ends the process the usual way. */
static void catch_interrupts(void)
{
    struct sigaction action = { .sa_handler = on_interrupt };

    action.sa_flags = (int)SA_RESETHAND;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* One line on a terminal, drawn again for each case. */
static void progress(void *ctx, size_t done, size_t total, const char *name)
{
    (void)ctx;
    if (name[0])
        fprintf(stderr, "\r\033[K[%zu/%zu] %.100s", done + 1, total, name);
    else
        fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

static void print_case(void *ctx, const struct vector_case *c, const char *name, const char *reason)
{
    const struct test_options *options = ctx;

    printf("%-6s %s%s%s\n", reason[0] ? "skip" : "run", name, reason[0] ? ": " : "", reason);
    if (options->common.verbose && c->what)
        printf("       %s\n", c->what);
}

/* A glob that fits nothing at all is a slip of the pen, and must not look like success. */
static const char *unknown_glob(const struct runner_globs *globs, int column)
{
    for (size_t g = 0; g < globs->count; g++) {
        const char *glob = globs->globs[g] + (globs->globs[g][0] == '!');
        bool known = !column && fnmatch(glob, RUNNER_STREAMS, 0) == 0;

        for (size_t no = 0; no < vblk_clause_count() && !known; no++) {
            const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);

            known = fnmatch(glob, column ? row->id : row->area, 0) == 0;
        }
        if (!known)
            return glob;
    }
    return NULL;
}

static const char *unknown_case(const struct runner_globs *globs, const struct runner_set *set)
{
    for (size_t g = 0; g < globs->count; g++) {
        const char *one = globs->globs[g] + (globs->globs[g][0] == '!');
        const struct runner_filter filter = { .names = { &one, 1 } };
        bool known = false;

        for (size_t i = 0; runner_stream_at(i) && !known; i++)
            known = runner_selects(&filter, runner_stream_at(i), runner_stream_at(i)->rings);
        for (size_t f = 0; f < set->count && !known; f++)
            for (size_t i = 0; i < vector_case_count(set->files[f]) && !known; i++)
                for (uint8_t ring = VECTOR_SPLIT; ring <= VECTOR_PACKED && !known; ring = (uint8_t)(ring << 1))
                    known = runner_selects(&filter, vector_case_at(set->files[f], i), ring);
        if (!known)
            return one;
    }
    return NULL;
}

static int check_globs(const struct test_options *options, const struct runner_set *set)
{
    const char *area = unknown_glob(&options->common.run.filter.areas, 0);
    const char *clause = unknown_glob(&options->common.run.filter.clauses, 1);
    const char *name = unknown_case(&options->common.run.filter.names, set);

    if (area)
        return cmd_sorry("test", "--area '%s' fits no area; see 'vblk clauses'", area);
    if (clause)
        return cmd_sorry("test", "--clause '%s' fits no clause; see 'vblk clauses'", clause);
    if (name)
        return cmd_sorry("test", "--case '%s' fits no case; see 'vblk test --list'", name);
    return -1;
}

static struct target *open_target(const struct test_options *options, char *why, size_t size)
{
    const struct target_model model = { .profile = options->common.run.profile,
                                        .readings = options->common.run.readings,
                                        .ring = vblk_device_ring_features() };
    struct target *target;

    if (options->socket)
        return target_vhost_user(options->socket, &options->common.run.profile, options->common.run.timeout_ms, why, size);
    if (options->qtest)
        return target_qtest(options->qtest, options->memory, &options->common.run.profile, options->common.run.timeout_ms, why, size);
    target = target_builtin(&model);
    if (!target)
        (void)snprintf(why, size, "no memory left");
    return target;
}

/* All destinations, or none. */
static int open_sinks(const struct test_options *options, struct report_sink *sinks)
{
    char why[512];

    for (size_t i = 0; i < options->common.report_count; i++)
        if (report_sink_open(&sinks[i], options->common.reports[i], why, sizeof(why)))
            return cmd_sorry("test", "%s", why);
    return -1;
}

static int write_reports(const struct test_options *options, struct report_sink *sinks, const struct report *report)
{
    const struct report_style style = { .color = common_colored(&options->common), .verbose = options->common.verbose };
    int status = report_status(report);
    char why[512];

    for (size_t i = 0; i < options->common.report_count; i++)
        if (report_sink_write(&sinks[i], report, &style, why, sizeof(why)))
            status = cmd_sorry("test", "%s", why);
    return status;
}

/* By the shell, so that a pipeline or a variable will do. */
static bool restart(void *ctx)
{
    return system(ctx) == 0;
}

static int run(struct test_options *options, const struct runner_set *set, struct target *target)
{
    struct report_sink *sinks = calloc(options->common.report_count, sizeof(*sinks));
    struct report *report = report_new();
    int status = sinks ? open_sinks(options, sinks) : cmd_sorry("test", "no memory left");

    if (!options->common.quiet && common_on_terminal())
        options->common.run.progress = progress;
    options->common.run.stop = &interrupted;
    if (options->restart) {
        options->common.run.restart = restart;
        options->common.run.restart_ctx = (void *)(uintptr_t)options->restart;
    }
    if (status < 0) {
        common_record(&options->common);
        status = options->common.done;
    }
    if (status < 0) {
        catch_interrupts();
        if (runner_run(&options->common.run, set, target, report))
            status = cmd_sorry("test", "no memory left");
        else
            status = write_reports(options, sinks, report);
    }
    status = common_recorded(&options->common, status);
    free(sinks);
    report_free(report);
    return status;
}

static int list(struct test_options *options, const struct runner_set *set, struct target *target)
{
    size_t count = runner_list(&options->common.run, set, target, print_case, options);

    printf("%zu case%s\n", count, count == 1 ? "" : "s");
    return cmd_finish("test", count ? CMD_HELD : CMD_NOTHING);
}

static int with_vectors(struct test_options *options, const struct runner_set *set)
{
    char why[512] = "";
    int status = check_globs(options, set);
    struct target *target;

    if (status >= 0)
        return status;
    target = open_target(options, why, sizeof(why));
    if (!target)
        return cmd_sorry("test", "%s", why);
    status = options->list ? list(options, set, target) : run(options, set, target);
    target_close(target);
    return status;
}

int cmd_test(int argc, char **argv)
{
    struct test_options options;
    struct common_options *common = &options.common;
    struct runner_set set = { 0 };
    char buf[4096], why[512];
    const char *dir;
    int status;

    test_options_parse(&options, argc, argv);
    if (common->done < 0 && !common->report_count)
        (void)common_take(common, "report", "text");
    status = common->done;
    dir = status < 0 ? cmd_vectors_dir(common->vectors, buf, sizeof(buf)) : NULL;
    if (status < 0 && common->expect) {
        common->run.expect = expect_read(common->expect, why, sizeof(why));
        if (!common->run.expect)
            status = cmd_sorry("test", "%s", why);
    }
    if (status < 0 && !dir)
        status = cmd_sorry("test", "the vectors were not found; say where they are with --vectors DIR");
    else if (status < 0 && !runner_load(&set, dir, why, sizeof(why)))
        status = cmd_sorry("test", "%s", why);
    if (status < 0)
        status = with_vectors(&options, &set);
    runner_unload(&set);
    expect_free(common->run.expect);
    test_options_free(&options);
    return status;
}
