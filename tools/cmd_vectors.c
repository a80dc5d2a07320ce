/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk vectors: run, check, lay out, print test vectors, and make them of traces. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "runner.h"
#include "trace_vector.h"
#include "vector_lint.h"
#include "vector_paths.h"

static const char help_text[] =
    "Usage: vblk vectors run    [OPTIONS] [WHAT…]   play them: events for the oracle, the rest on the built-in device\n"
    "       vblk vectors lint   [OPTIONS] [WHAT…]   look for mistakes; without WHAT also for clauses without vectors\n"
    "       vblk vectors format [OPTIONS] [WHAT…]   rewrite in the canonical layout\n"
    "       vblk vectors show   [OPTIONS] WHAT…     print the scripts that they become\n"
    "       vblk vectors from-trace [OPTIONS] FILE  what 'vblk test', 'serve' or 'monitor' recorded, as a vector\n\n"
    "WHAT is a file, a directory, or the id of a clause; all vectors, if there is none.\n\n"
    "  --case GLOB         run, show, from-trace: only cases whose name fits\n"
    "  --clause ID         from-trace: what the vector is about; default: what the trace's first case is about\n"
    "  --requests N        from-trace: no more than the first N of each life of the device\n"
    "  --profile NAME      run, show: the text that counts\n"
    "  --against FILE      show: on a target that announced what FILE says, not on the reference device\n"
    "  --check             format: change nothing, name the files that would change\n"
    "  --vectors DIR       where the vectors are\n"
    "  --verbose           run: name each case\n";

enum { OPT_HELP = 256, OPT_CASE, OPT_PROFILE, OPT_AGAINST, OPT_CHECK, OPT_VECTORS, OPT_VERBOSE, OPT_CLAUSE, OPT_REQUESTS };

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "case", required_argument, NULL, OPT_CASE },
    { "clause", required_argument, NULL, OPT_CLAUSE },
    { "requests", required_argument, NULL, OPT_REQUESTS },
    { "profile", required_argument, NULL, OPT_PROFILE },
    { "against", required_argument, NULL, OPT_AGAINST },
    { "check", no_argument, NULL, OPT_CHECK },
    { "vectors", required_argument, NULL, OPT_VECTORS },
    { "verbose", no_argument, NULL, OPT_VERBOSE },
    { 0 },
};

struct request {
    const char *glob;    /* of cases; NULL: all */
    const char *against; /* NULL: the reference device */
    const char *dir;     /* NULL: not found */
    struct trace_vector_options trace;
    struct vblk_profile profile;
    bool check, verbose, everything, unreadable;
    struct vector_paths paths;
    size_t failed;
};

static void complain(const struct vector_error *error, bool warning)
{
    fprintf(stderr, "%s:", error->file);
    if (error->line)
        fprintf(stderr, "%d:%d:", error->line, error->column);
    fprintf(stderr, "%s %s\n", warning ? " warning:" : "", error->reason);
}

static bool wanted(const struct request *request, const struct vector_case *c)
{
    return !request->glob || fnmatch(request->glob, c->name, 0) == 0;
}

/* All that can be read; what can't is said and counted. */
static struct vector_file **load_all(struct request *request, size_t *count)
{
    struct vector_file **files = calloc(request->paths.count + 1, sizeof(struct vector_file *));
    struct vector_error error;

    *count = 0;
    for (size_t i = 0; files && i < request->paths.count; i++) {
        files[*count] = vector_load(request->paths.path[i], &error);
        if (files[*count]) {
            ++*count;
        } else {
            complain(&error, false);
            request->failed++;
            request->unreadable = request->unreadable || !error.line;
        }
    }
    return files;
}

static void free_all(struct vector_file **files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vector_free(files[i]);
    free(files);
}

/* lint */
static void hear(void *ctx, const struct vector_error *what, bool warning)
{
    (void)ctx;
    complain(what, warning);
}

static int lint(struct request *request, struct vector_file **files, size_t count)
{
    struct vector_lint how = { .features = vblk_device_features, .report = hear };

    vblk_device_defaults(&how.reference);
    for (size_t i = 0; i < count; i++)
        request->failed += vector_lint_file(&how, files[i]);
    if (request->everything)
        request->failed += vector_lint_coverage(&how, files, count);
    printf("%zu file%s, %zu error%s\n", request->paths.count, request->paths.count == 1 ? "" : "s", request->failed,
           request->failed == 1 ? "" : "s");
    return request->failed ? CMD_VIOLATED : CMD_HELD;
}

/* format */
static bool write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "wb");
    bool fine = out && fputs(text, out) >= 0;

    return out && fclose(out) == 0 && fine;
}

static int format(struct request *request, struct vector_file **files, size_t count)
{
    size_t changed = 0;

    for (size_t i = 0; i < count; i++) {
        const char *path = vector_file_path(files[i]);
        char *text = vector_format(files[i]);
        size_t length;
        const char *now = vector_text_of(files[i], &length);
        bool same = text && strlen(text) == length && memcmp(text, now, length) == 0;

        if (!text)
            return cmd_sorry("vectors", "no memory left");
        if (!same && request->check)
            printf("%s\n", path);
        else if (!same && !write_file(path, text))
            request->failed++, (void)cmd_sorry("vectors", "cannot write '%s'", path);
        changed += !same;
        free(text);
    }
    return request->failed || (request->check && changed) ? CMD_VIOLATED : CMD_HELD;
}

/* show */
static bool announced(const struct request *request, const struct vector_file *file, size_t i, struct vector_env *env,
                      char *why, size_t size)
{
    struct vblk_device_options options;

    vblk_device_defaults(&options);
    options.profile = request->profile;
    options.features = vblk_device_features(&options.profile) & ~VBLK_BIT(VBLK_F_RO);
    if (!vector_device_options(file, i, &options, why, size))
        return false;
    vector_env_of_device(&options, target_modelled(&options.profile), env);
    if (vector_case_at(file, i)->rings & VECTOR_SPLIT)
        env->modelled &= ~VBLK_BIT(VBLK_F_RING_PACKED);
    return vector_applies(file, i, env, why, size);
}

static void show_case(const struct request *request, const struct vector_file *file, size_t i,
                      const struct vector_env *against)
{
    const struct vector_case *c = vector_case_at(file, i);
    struct vector_env env;
    char why[256] = "";
    bool fine = against ? vector_applies(file, i, against, why, sizeof(why))
                        : announced(request, file, i, &env, why, sizeof(why));

    if (!fine)
        printf("%s/%s/%s\n  does not run: %s\n\n", c->area, c->clause, c->name, why);
    for (size_t n = 0; fine && n < c->sweep; n++) {
        struct vector_script *script = vector_resolve(file, i, n, against ? against : &env, why, sizeof(why));

        if (!script && why[0])
            printf("%s/%s/%s\n  variation %zu can't be made: %s\n\n", c->area, c->clause, c->name, n, why);
        if (!script)
            return;
        vector_print_script(stdout, vector_script_of(script));
        putchar('\n');
        vector_script_free(script);
    }
}

static int show(struct request *request, struct vector_file **files, size_t count)
{
    struct vector_error error;
    struct vector_env env;
    size_t shown = 0;

    if (request->against && !vector_env_load(request->against, 0, &env, &error)) {
        complain(&error, false);
        return CMD_USAGE;
    }
    for (size_t f = 0; f < count; f++) {
        for (size_t i = 0; i < vector_case_count(files[f]); i++) {
            if (!wanted(request, vector_case_at(files[f], i)))
                continue;
            show_case(request, files[f], i, request->against ? &env : NULL);
            shown++;
        }
    }
    if (!shown && !request->failed)
        return cmd_sorry("vectors", "there is no such case");
    return request->failed ? CMD_VIOLATED : CMD_HELD;
}

/* run */
static bool play_events(struct request *request, const struct vector_file *file, size_t i)
{
    const struct runner_options options = { .profile = request->profile };
    const struct vector_case *c = vector_case_at(file, i);
    char why[512];
    int result = 1;

    for (size_t n = 0; n < c->sweep && result == 1; n++)
        result = runner_events(&options, file, i, n, why, sizeof(why));
    if (result == 0)
        printf("FAIL %s/%s/%s: %s\n", c->area, c->clause, c->name, why);
    else if (result == RUNNER_NOT_HERE)
        printf("skip %s/%s/%s: %s\n", c->area, c->clause, c->name, why);
    else if (request->verbose)
        printf("ok   %s/%s/%s\n", c->area, c->clause, c->name);
    return result != 0;
}

/* A clause that nothing exercised although cases were played for it is a case that shows nothing. */
static size_t count_findings(const struct report *report)
{
    size_t findings = 0;

    for (size_t i = 0; i < report->clause_count; i++) {
        const struct report_clause *clause = &report->clauses[i];

        for (size_t v = 0; v < clause->violation_count; v++)
            printf("FAIL %s: %s: %s; expected %s, seen %s\n", clause->violations[v].name, clause->id,
                   clause->violations[v].message, clause->violations[v].expected, clause->violations[v].seen);
        findings += clause->violation_count != 0;
    }
    for (size_t i = 0; i < report->case_count; i++) {
        if (report->cases[i].result == REPORT_SKIPPED)
            printf("skip %s: %s\n", report->cases[i].name, report->cases[i].reason);
    }
    return findings;
}

static int play_targets(struct request *request, struct vector_file **files, size_t count)
{
    const struct target_model model = { .profile = request->profile, .ring = vblk_device_ring_features() };
    const struct runner_set set = { files, count };
    const char *glob = request->glob;
    struct runner_options options = { .profile = request->profile, .seed = 1, .timeout_ms = 10000, .allow_data_loss = true,
                                      .replay = "vblk test" };
    struct target *target = target_builtin(&model);
    struct report *report = report_new();
    int status = CMD_HELD;

    if (glob)
        options.filter.names = (struct runner_globs){ &glob, 1 };
    if (!target || runner_run(&options, &set, target, report) != VBLK_OK)
        status = cmd_sorry("vectors", "no memory left");
    else
        request->failed += count_findings(report);
    printf("%zu cases on the built-in device\n", report->case_count);
    report_free(report);
    target_close(target);
    return status;
}

static int run(struct request *request, struct vector_file **files, size_t count)
{
    size_t events = 0;
    int status;

    for (size_t f = 0; f < count; f++) {
        const struct vblk_clause *clause = vblk_clause_at(vblk_clause_find(vector_clause_of(files[f])));

        for (size_t i = 0; i < vector_case_count(files[f]); i++) {
            const struct vector_case *c = vector_case_at(files[f], i);

            if (c->kind != VECTOR_EVENTS || !wanted(request, c) ||
                !vblk_clause_in_profile(clause, &request->profile))
                continue;
            if (clause->standing != VBLK_CHECKED) {
                printf("skip %s/%s/%s: the oracle does not check this clause\n", c->area, c->clause, c->name);
                continue;
            }
            request->failed += !play_events(request, files[f], i);
            events++;
        }
    }
    printf("%zu sequences of events\n", events);
    status = play_targets(request, files, count);
    return status ? status : request->failed ? CMD_VIOLATED : CMD_HELD;
}

static const struct verb {
    const char *name;
    int (*act)(struct request *request, struct vector_file **files, size_t count);
    bool needs_what;
} verbs[] = {
    { "run", run, false },
    { "lint", lint, false },
    { "format", format, false },
    { "show", show, true },
};

/* from-trace */
static int from_trace(const struct request *request, int count, char **what)
{
    struct trace_vector_options options = request->trace;
    struct trace_vector_told told;
    char why[512], *text;

    if (count != 1)
        return cmd_sorry("vectors", "from-trace: one file is needed");
    options.glob = request->glob;
    text = trace_vector(what[0], &options, &told, why, sizeof(why));
    if (!text)
        return cmd_sorry("vectors", "from-trace: %s", why);
    fputs(text, stdout);
    free(text);
    fprintf(stderr, "%zu case%s, %llu request%s; the file is to be called %s\n", told.cases, told.cases == 1 ? "" : "s",
            (unsigned long long)told.requests, told.requests == 1 ? "" : "s", told.path);
    if (told.left)
        fprintf(stderr, "%llu of the cases leave something out: see the note of their first step\n",
                (unsigned long long)told.left);
    if (told.stillborn)
        fprintf(stderr, "left out: %llu initialisations in which a queue was enabled and DRIVER_OK did not come\n",
                (unsigned long long)told.stillborn);
    return cmd_finish("vectors", CMD_HELD);
}

static int help(void)
{
    fputs(help_text, stdout);
    return cmd_finish("vectors", CMD_HELD);
}

static int take_requests(struct request *request)
{
    char *end;
    const unsigned long number = strtoul(optarg, &end, 10);

    if (*optarg < '0' || *optarg > '9' || *end || !number || number > UINT32_MAX)
        return cmd_sorry("vectors", "--requests %s: a number from 1 on is due there", optarg);
    request->trace.requests = (uint32_t)number;
    return -1;
}

/* -1: go on. */
static int take_option(struct request *request, int got, char **argv)
{
    const struct vblk_profile *profile;

    switch (got) {
    case OPT_HELP: return help();
    case OPT_CASE: request->glob = optarg; return -1;
    case OPT_AGAINST: request->against = optarg; return -1;
    case OPT_CHECK: request->check = true; return -1;
    case OPT_VECTORS: request->dir = optarg; return -1;
    case OPT_VERBOSE: request->verbose = true; return -1;
    case OPT_REQUESTS: return take_requests(request);
    case OPT_CLAUSE:
        if (vblk_clause_find(optarg) == VBLK_NO_CLAUSE)
            return cmd_sorry("vectors", "there is no clause '%s'", optarg);
        request->trace.clause = optarg;
        return -1;
    case OPT_PROFILE:
        profile = vblk_profile_find(optarg);
        if (!profile)
            return cmd_sorry("vectors", "there is no profile '%s'", optarg);
        request->profile = *profile;
        return -1;
    default: return cmd_bad_option("vectors", got, argv);
    }
}

static int act(struct request *request, const struct verb *verb)
{
    size_t count = 0;
    struct vector_file **files = load_all(request, &count);
    int status = files ? verb->act(request, files, count) : cmd_sorry("vectors", "no memory left");

    free_all(files, count);
    vector_paths_free(&request->paths);
    return cmd_finish("vectors", request->unreadable ? CMD_USAGE : status);
}

static int with_paths(struct request *request, const struct verb *verb, int count, char **what)
{
    char buf[4096], why[512];
    const char *all;

    request->dir = cmd_vectors_dir(request->dir, buf, sizeof(buf));
    all = request->dir;
    request->everything = count == 0;
    if (!count && verb->needs_what)
        return cmd_sorry("vectors", "%s: a file or the id of a clause is needed", verb->name);
    if (!count && !all)
        return cmd_sorry("vectors", "the vectors were not found; say where they are with --vectors DIR");
    for (int i = 0; i < (count ? count : 1); i++) {
        if (!vector_paths_add(&request->paths, count ? what[i] : all, request->dir, why, sizeof(why))) {
            vector_paths_free(&request->paths);
            return cmd_sorry("vectors", "%s", why);
        }
    }
    return act(request, verb);
}

int cmd_vectors(int argc, char **argv)
{
    struct request request = { .profile = *vblk_profile_default() };
    const struct verb *verb = NULL;
    int status = -1, got;

    opterr = 0;
    optind = 1;
    while (status < 0 && (got = getopt_long(argc, argv, ":h", long_options, NULL)) != -1)
        status = take_option(&request, got == 'h' ? OPT_HELP : got, argv);
    if (status >= 0)
        return status;
    if (optind < argc && strcmp(argv[optind], "from-trace") == 0)
        return from_trace(&request, argc - optind - 1, argv + optind + 1);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && optind < argc; i++) {
        if (strcmp(verbs[i].name, argv[optind]) == 0)
            verb = &verbs[i];
    }
    if (!verb)
        return cmd_sorry("vectors", "one of run, lint, format, show, from-trace is needed; see 'vblk vectors --help'");
    return with_paths(&request, verb, argc - optind - 1, argv + optind + 1);
}
