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

static bool on_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static bool colored(const struct test_options *options)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (options->color >= 0)
        return options->color == 1;
    return isatty(STDOUT_FILENO) && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

static void print_case(void *ctx, const struct vector_case *c, const char *name, const char *reason)
{
    const struct test_options *options = ctx;

    printf("%-6s %s%s%s\n", reason[0] ? "skip" : "run", name, reason[0] ? ": " : "", reason);
    if (options->verbose && c->what)
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
    const char *area = unknown_glob(&options->run.filter.areas, 0);
    const char *clause = unknown_glob(&options->run.filter.clauses, 1);
    const char *name = unknown_case(&options->run.filter.names, set);

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
    const struct target_model model = { .profile = options->run.profile,
                                        .readings = options->run.readings,
                                        .ring = vblk_device_ring_features() };
    struct target *target;

    if (options->socket)
        return target_vhost_user(options->socket, &options->run.profile, options->run.timeout_ms, why, size);
    if (options->qtest)
        return target_qtest(options->qtest, options->memory, &options->run.profile, options->run.timeout_ms, why, size);
    target = target_builtin(&model);
    if (!target)
        (void)snprintf(why, size, "no memory left");
    return target;
}

/* All destinations, or none. */
static int open_sinks(const struct test_options *options, struct report_sink *sinks)
{
    char why[512];

    for (size_t i = 0; i < options->report_count; i++)
        if (report_sink_open(&sinks[i], options->reports[i], why, sizeof(why)))
            return cmd_sorry("test", "%s", why);
    return -1;
}

static int write_reports(const struct test_options *options, struct report_sink *sinks, const struct report *report)
{
    const struct report_style style = { .color = colored(options), .verbose = options->verbose };
    int status = report_status(report);
    char why[512];

    for (size_t i = 0; i < options->report_count; i++)
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
    struct report_sink *sinks = calloc(options->report_count, sizeof(*sinks));
    struct report *report = report_new();
    int status = sinks ? open_sinks(options, sinks) : cmd_sorry("test", "no memory left");

    if (!options->quiet && on_terminal())
        options->run.progress = progress;
    options->run.stop = &interrupted;
    if (options->restart) {
        options->run.restart = restart;
        options->run.restart_ctx = (void *)(uintptr_t)options->restart;
    }
    if (status < 0 && options->record)
        status = cmd_record("test", options->record, options->record_times, &options->run.recorder);
    if (status < 0) {
        catch_interrupts();
        if (runner_run(&options->run, set, target, report))
            status = cmd_sorry("test", "no memory left");
        else
            status = write_reports(options, sinks, report);
    }
    status = cmd_recorded("test", options->run.recorder, status);
    free(sinks);
    report_free(report);
    return status;
}

static int list(struct test_options *options, const struct runner_set *set, struct target *target)
{
    size_t count = runner_list(&options->run, set, target, print_case, options);

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
    static const char *const text[] = { "text" };
    struct test_options options;
    struct runner_set set = { 0 };
    char buf[4096], why[512];
    const char *dir;
    int status;

    test_options_parse(&options, argc, argv);
    status = options.done;
    if (!options.report_count && status < 0) {
        options.reports = malloc(sizeof(text));
        if (!options.reports)
            status = cmd_sorry("test", "no memory left");
        else
            options.reports[options.report_count++] = text[0];
    }
    dir = status < 0 ? cmd_vectors_dir(options.vectors, buf, sizeof(buf)) : NULL;
    if (status < 0 && options.expect) {
        options.run.expect = expect_read(options.expect, why, sizeof(why));
        if (!options.run.expect)
            status = cmd_sorry("test", "%s", why);
    }
    if (status < 0 && !dir)
        status = cmd_sorry("test", "the vectors were not found; say where they are with --vectors DIR");
    else if (status < 0 && !runner_load(&set, dir, why, sizeof(why)))
        status = cmd_sorry("test", "%s", why);
    if (status < 0)
        status = with_vectors(&options, &set);
    runner_unload(&set);
    expect_free(options.run.expect);
    test_options_free(&options);
    return status;
}
