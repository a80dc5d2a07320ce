/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk mutants: prove the judge on models that are wrong on purpose, and on models that are not. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "mutants/matrix.h"

#define REPORTS_MAX 8

struct options {
    struct matrix_options run;
    const char *vectors;
    const char *reports[REPORTS_MAX];
    size_t report_count;
    bool list;
};

enum { OPT_CONTROLS = 256, OPT_REPORT, OPT_GRADE, OPT_CLAUSE, OPT_MUTANT, OPT_LIST, OPT_WHOLE, OPT_JOBS, OPT_VECTORS, OPT_HELP };

static const struct option long_options[] = {
    { "controls", no_argument, NULL, OPT_CONTROLS },    { "report", required_argument, NULL, OPT_REPORT },
    { "grade", required_argument, NULL, OPT_GRADE },    { "clause", required_argument, NULL, OPT_CLAUSE },
    { "mutant", required_argument, NULL, OPT_MUTANT },  { "list", no_argument, NULL, OPT_LIST },
    { "whole-suite", no_argument, NULL, OPT_WHOLE },    { "jobs", required_argument, NULL, OPT_JOBS },
    { "vectors", required_argument, NULL, OPT_VECTORS }, { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static int help(void)
{
    fputs("Usage: vblk mutants [OPTIONS]\n\n"
          "Play the suite against every device, and judge every driver, that is wrong on purpose: each must be blamed\n"
          "for the clause that it breaks and for no other.\n\n"
          "  --controls            lawful but unusual models instead: nobody may be blamed\n"
          "  --list                print what would be tried, try nothing\n"
          "  --mutant GLOB         only those of this name, of a known bug (D-43) or an ambiguity (AMB-07);\n"
          "                        repeatable, a leading ! excludes\n"
          "  --clause GLOB         only those that break this clause; likewise\n"
          "  --grade GRADE         access (default), or snapshot: models seen as over vhost-user\n"
          "  --whole-suite         play all cases against each, not only until it is caught\n"
          "  --report FORMAT[:FILE]  text (default), json, html; repeatable\n"
          "  --jobs N              processes (default: processors, at most 16)\n"
          "  --vectors DIR         where the vectors are\n\n"
          "Exit status: 0 each was caught (or no control was blamed), 1 not, 2 wrong usage, 77 nothing selected.\n",
          stdout);
    return cmd_finish("mutants", CMD_HELD);
}

static void add_glob(struct runner_globs *globs, const char *glob)
{
    const char **more = realloc(globs->globs, (globs->count + 1) * sizeof(*more));

    if (more == NULL)
        exit(cmd_sorry("mutants", "no memory left"));
    more[globs->count] = glob;
    globs->globs = more;
    globs->count++;
}

/* -1: fine. */
static int take_number(struct options *options, const char *value)
{
    char *end;
    const unsigned long n = strtoul(value, &end, 10);

    if (n < 1 || n > 64 || *end || value[0] < '0' || value[0] > '9')
        return cmd_sorry("mutants", "--jobs %s: a number from 1 to 64 is meant", value);
    options->run.jobs = (unsigned)n;
    return -1;
}

static int take_report(struct options *options, const char *value)
{
    if (matrix_writer(value, strcspn(value, ":")) == NULL)
        return cmd_sorry("mutants", "--report %s: use text, json or html, with :FILE if it is to go to a file", value);
    if (options->report_count == REPORTS_MAX)
        return cmd_sorry("mutants", "more than %d reports", REPORTS_MAX);
    options->reports[options->report_count++] = value;
    return -1;
}

static int take_grade(struct options *options, const char *value)
{
    options->run.trial.snapshot = strcmp(value, "snapshot") == 0;
    return options->run.trial.snapshot || strcmp(value, "access") == 0
               ? -1
               : cmd_sorry("mutants", "--grade %s: use access or snapshot", value);
}

static int take(struct options *options, int id, const char *value)
{
    switch (id) {
    case OPT_CONTROLS:
        options->run.controls = true;
        return -1;
    case OPT_LIST:
        options->list = true;
        return -1;
    case OPT_WHOLE:
        options->run.trial.whole = true;
        return -1;
    case OPT_VECTORS:
        options->vectors = value;
        return -1;
    case OPT_CLAUSE:
        add_glob(&options->run.clauses, value);
        return -1;
    case OPT_MUTANT:
        add_glob(&options->run.names, value);
        return -1;
    case OPT_JOBS:
        return take_number(options, value);
    case OPT_GRADE:
        return take_grade(options, value);
    case OPT_REPORT:
        return take_report(options, value);
    default:
        return help();
    }
}

static int parse(struct options *options, int argc, char **argv)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int got, status = -1;

    options->run.jobs = processors < 1 ? 1 : processors < 16 ? (unsigned)processors : 16;
    opterr = 0;
    while (status < 0 && (got = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
        status = got == '?' || got == ':' ? cmd_bad_option("mutants", got, argv) : take(options, got, optarg);
    if (status < 0 && optind < argc)
        status = cmd_sorry("mutants", "what is '%s'? 'vblk mutants' takes options only", argv[optind]);
    return status;
}

static const struct mutant *row_at(const struct options *options, size_t i)
{
    return options->run.controls ? control_at(i) : mutant_at(i);
}

/* Checked clauses that no mutant breaks, and why. */
static void list_uncovered(void)
{
    size_t count[COVERS] = { 0 };

    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);
        const enum cover cover = mutant_cover(row);

        count[cover]++;
        if (cover == COVER_EXCUSED)
            printf("excused: %-18s %s\n", row->id, mutant_uncovered(row->id));
        else if (cover == COVER_MISSING)
            printf("missing: %-18s binds %s\n", row->id, vblk_bound_name((enum vblk_bound)row->bound));
    }
    printf("%zu checked clauses: %zu with a mutant, %zu excused, %zu missing\n", vblk_clause_count() - count[COVER_NONE],
           count[COVER_MUTANT], count[COVER_EXCUSED], count[COVER_MISSING]);
}

static int list(const struct options *options)
{
    const struct mutant *m;
    size_t count = 0;

    for (size_t i = 0; (m = row_at(options, i)) != NULL; i++) {
        if (!matrix_selects(&options->run, m))
            continue;
        printf("%-32s %-18s %s", m->name, m->clause != NULL ? m->clause : "", m->what);
        for (const struct known_bug *bug = known_bugs; bug->id != NULL; bug++)
            if (bug_has(bug, m->name))
                printf(" [%s]", bug->id);
        putchar('\n');
        count++;
    }
    printf("%zu %s\n", count, options->run.controls ? "controls" : "mutants");
    if (!options->run.controls)
        list_uncovered();
    return cmd_finish("mutants", count > 0 ? CMD_HELD : CMD_NOTHING);
}

static int write_report(const struct matrix *matrix, const char *spec)
{
    const size_t len = strcspn(spec, ":");
    FILE *out = spec[len] ? fopen(spec + len + 1, "w") : stdout;
    int err;

    if (out == NULL)
        return cmd_sorry("mutants", "cannot write the report '%s'", spec + len + 1);
    err = matrix_writer(spec, len)(matrix, out);
    if (out == stdout)
        err |= fflush(stdout);
    else
        err |= fclose(out);
    return err ? cmd_sorry("mutants", "cannot write the report '%s'", spec) : -1;
}

static int run(struct options *options)
{
    struct matrix *matrix = matrix_run(&options->run);
    int status = -1;

    if (matrix == NULL)
        return cmd_sorry("mutants", "no memory left");
    if (options->report_count == 0)
        options->reports[options->report_count++] = "text";
    for (size_t i = 0; i < options->report_count && status < 0; i++)
        status = write_report(matrix, options->reports[i]);
    if (status < 0)
        status = matrix->count == 0 ? CMD_NOTHING : matrix_holds(matrix) ? CMD_HELD : CMD_VIOLATED;
    matrix_free(matrix);
    return status;
}

static int with_vectors(struct options *options)
{
    char buf[4096], why[512];
    const char *dir = cmd_vectors_dir(options->vectors, buf, sizeof(buf));
    struct runner_set set = { 0 };
    int status;

    if (dir == NULL)
        return cmd_sorry("mutants", "the vectors were not found; say where they are with --vectors DIR");
    if (!runner_load(&set, dir, why, sizeof(why)))
        return cmd_sorry("mutants", "%s", why);
    options->run.trial.vectors = &set;
    status = run(options);
    runner_unload(&set);
    return status;
}

int cmd_mutants(int argc, char **argv)
{
    struct options options = { .vectors = NULL };
    int status = parse(&options, argc, argv);

    if (status < 0)
        status = options.list ? list(&options) : with_vectors(&options);
    free(options.run.clauses.globs);
    free(options.run.names.globs);
    return status;
}
