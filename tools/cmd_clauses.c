/* SPDX-License-Identifier: BSD-3-Clause */
/* vblk clauses: the clause catalogue; with an ID everything known about it. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "runner.h"

static const char help_text[] =
    "Usage: vblk clauses [ID…] [OPTIONS]\n\n"
    "Prints the catalogue of clauses, or all that is known of each ID (a clause, an ambiguity, or a glob).\n\n"
    "  --area A               only this area; a glob\n"
    "  --standing STANDING    only checked, pending or unseen ones\n"
    "  --bound PARTY          only what binds a device, a driver or both\n"
    "  --ambiguities          the ambiguities and their readings\n"
    "  --vectors DIR          where cases are looked for\n";

enum { OPT_HELP = 256, OPT_AREA, OPT_STANDING, OPT_BOUND, OPT_VECTORS, OPT_AMBIGUITIES };

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "area", required_argument, NULL, OPT_AREA },
    { "standing", required_argument, NULL, OPT_STANDING },
    { "bound", required_argument, NULL, OPT_BOUND },
    { "vectors", required_argument, NULL, OPT_VECTORS },
    { "ambiguities", no_argument, NULL, OPT_AMBIGUITIES },
    { 0 },
};

#define STANDINGS 3
#define BOUNDS 3

struct catalogue {
    const char *area;    /* glob, or NULL */
    int standing, bound; /* -1: any */
    const char *vectors; /* --vectors, or NULL */
    bool ambiguities;
    struct runner_set set;
    bool have_set;
    char no_set[512]; /* why there are no vectors */
};

static bool shown(const struct catalogue *catalogue, const struct vblk_clause *row)
{
    return (!catalogue->area || fnmatch(catalogue->area, row->area, 0) == 0) &&
           (catalogue->standing < 0 || catalogue->standing == row->standing) &&
           (catalogue->bound < 0 || catalogue->bound == row->bound);
}

static bool narrowed(const struct catalogue *catalogue)
{
    return catalogue->area || catalogue->standing >= 0 || catalogue->bound >= 0;
}

/* A glob that fits no area at all is a slip of the pen. */
static bool area_known(const char *glob)
{
    for (size_t no = 0; no < vblk_clause_count(); no++)
        if (fnmatch(glob, vblk_clause_at((vblk_clause_no)no)->area, 0) == 0)
            return true;
    return false;
}

static void print_counts(const size_t *standing, const size_t (*bound)[STANDINGS], size_t total)
{
    printf("\n%zu clauses:", total);
    for (unsigned s = 0; s < STANDINGS; s++)
        printf(" %zu %s%s", standing[s], vblk_standing_name((enum vblk_standing)s), s + 1 < STANDINGS ? "," : "\n");
    for (unsigned b = 0; b < BOUNDS; b++) {
        printf("  %-8s", vblk_bound_name((enum vblk_bound)b));
        for (unsigned s = 0; s < STANDINGS; s++)
            printf(" %5zu %s", bound[b][s], vblk_standing_name((enum vblk_standing)s));
        fputc('\n', stdout);
    }
}

static int print_catalogue(const struct catalogue *catalogue)
{
    size_t standing[STANDINGS] = { 0 }, bound[BOUNDS][STANDINGS] = { { 0 } }, total = 0;

    printf("%-18s %-10s %-7s %-21s %-8s %-8s %s\n", "ID", "LEVEL", "PARTY", "AREA", "GRADE", "STANDING", "SUMMARY");
    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);

        if (!shown(catalogue, row))
            continue;
        printf("%-18s %-10s %-7s %-21s %-8s %-8s %s\n", row->id, vblk_level_name((enum vblk_level)row->level),
               vblk_bound_name((enum vblk_bound)row->bound), row->area, vblk_grade_name((enum vblk_grade)row->grade),
               vblk_standing_name((enum vblk_standing)row->standing), row->summary);
        total++;
        standing[row->standing % STANDINGS]++;
        bound[row->bound % BOUNDS][row->standing % STANDINGS]++;
    }
    print_counts(standing, (const size_t(*)[STANDINGS])bound, total);
    return cmd_finish("clauses", CMD_HELD);
}

static void member(const char *name, const char *value)
{
    if (value[0])
        printf("  %-14s %s\n", name, value);
}

/* Whether the text speaks of the id and not merely of a longer one. */
static bool speaks_of(const char *text, const char *id)
{
    size_t len = strlen(id);

    for (const char *at = strstr(text, id); at; at = strstr(at + 1, id))
        if (!strchr("0123456789", at[len]) || !at[len])
            return true;
    return false;
}

static void print_ambiguity(const struct vblk_ambiguity *row)
{
    printf("%s\n  %s\n", row->id, row->title);
    member("facts", row->facts);
    for (unsigned i = 0; i < row->readings; i++)
        printf("  %-14s %s: %s\n", i ? "" : "readings", row->reading[i].name, row->reading[i].what);
    member("default", row->reading[0].name);
    member("treatment", row->treatment);
    fputc('\n', stdout);
}

static void print_ambiguities_of(const char *id)
{
    for (size_t i = 0; i < vblk_ambiguity_count(); i++) {
        const struct vblk_ambiguity *row = vblk_ambiguity_at(i);

        if (speaks_of(row->facts, id) || speaks_of(row->treatment, id) || speaks_of(row->title, id))
            printf("  %-14s %s, %s\n", "ambiguity", row->id, row->title);
    }
}

static bool load_vectors(struct catalogue *catalogue)
{
    char buf[4096];
    const char *dir;

    if (catalogue->have_set || catalogue->no_set[0])
        return catalogue->have_set;
    dir = cmd_vectors_dir(catalogue->vectors, buf, sizeof(buf));
    if (!dir)
        (void)snprintf(catalogue->no_set, sizeof(catalogue->no_set), "the vectors were not found");
    else
        catalogue->have_set = runner_load(&catalogue->set, dir, catalogue->no_set, sizeof(catalogue->no_set));
    return catalogue->have_set;
}

static void print_cases_of(struct catalogue *catalogue, const char *id)
{
    const char *lead = "cases";
    char name[256];

    if (!load_vectors(catalogue)) {
        member("cases", catalogue->no_set);
        return;
    }
    for (size_t f = 0; f < catalogue->set.count; f++) {
        for (size_t i = 0; i < vector_case_count(catalogue->set.files[f]); i++) {
            const struct vector_case *c = vector_case_at(catalogue->set.files[f], i);
            bool exercises = strcmp(c->clause, id) == 0;

            for (size_t k = 0; k < c->exercises_count && !exercises; k++)
                exercises = strcmp(c->exercises[k], id) == 0;
            if (!exercises)
                continue;
            runner_case_name(c, VECTOR_SPLIT, name, sizeof(name));
            printf("  %-14s %s%s%s%s\n", lead, name, c->kind == VECTOR_EVENTS ? " (events)" : "", c->what ? ": " : "",
                   c->what ? c->what : "");
            lead = "";
        }
    }
    if (lead[0])
        member("cases", "none");
}

static void print_clause(struct catalogue *catalogue, const struct vblk_clause *row)
{
    bool derived = row->strength != row->level;

    printf("%s\n  %s\n", row->id, row->summary);
    printf("  %-14s %s%s%s, %s\n", "binds", vblk_bound_name((enum vblk_bound)row->bound), ", ",
           vblk_level_name((enum vblk_level)row->level), derived ? "a fact without a keyword" : "as the text says");
    if (derived)
        member("strength", vblk_level_name((enum vblk_level)row->strength));
    member("section", row->section);
    member("area", row->area);
    member("since", row->since);
    member("seen in", vblk_observability_name((enum vblk_observability)row->observability));
    member("grade", vblk_grade_name((enum vblk_grade)row->grade));
    member("standing", vblk_standing_name((enum vblk_standing)row->standing));
    member(row->standing == VBLK_CHECKED ? "checked in" : "why", row->note);
    member("stimulus", row->stimulus);
    member("evidence", row->evidence);
    print_ambiguities_of(row->id);
    print_cases_of(catalogue, row->id);
    fputc('\n', stdout);
}

static int print_matching(struct catalogue *catalogue, const char *glob)
{
    size_t found = 0;

    for (size_t no = 0; no < vblk_clause_count(); no++) {
        const struct vblk_clause *row = vblk_clause_at((vblk_clause_no)no);

        if (fnmatch(glob, row->id, 0) == 0 && shown(catalogue, row)) {
            print_clause(catalogue, row);
            found++;
        }
    }
    for (size_t i = 0; i < vblk_ambiguity_count(); i++) {
        if (fnmatch(glob, vblk_ambiguity_at(i)->id, 0) == 0) {
            print_ambiguity(vblk_ambiguity_at(i));
            found++;
        }
    }
    return found ? CMD_HELD : cmd_sorry("clauses", "there is no clause or ambiguity '%s'%s", glob,
                                        narrowed(catalogue) ? " that the other options let through" : "");
}

static int find_standing(const char *value)
{
    for (int s = 0; s < STANDINGS; s++)
        if (strcmp(vblk_standing_name((enum vblk_standing)s), value) == 0)
            return s;
    return -1;
}

static int find_bound(const char *value)
{
    for (int b = 0; b < BOUNDS; b++)
        if (strcmp(vblk_bound_name((enum vblk_bound)b), value) == 0)
            return b;
    return -1;
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct catalogue *catalogue, int argc, char **argv)
{
    int got;

    opterr = 0;
    while ((got = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        switch (got) {
        case OPT_HELP:
            fputs(help_text, stdout);
            return cmd_finish("clauses", CMD_HELD);
        case OPT_AREA:
            catalogue->area = optarg;
            if (!area_known(optarg))
                return cmd_sorry("clauses", "--area '%s' fits no area; see 'vblk clauses'", optarg);
            break;
        case OPT_VECTORS:
            catalogue->vectors = optarg;
            break;
        case OPT_AMBIGUITIES:
            catalogue->ambiguities = true;
            break;
        case OPT_STANDING:
            catalogue->standing = find_standing(optarg);
            if (catalogue->standing < 0)
                return cmd_sorry("clauses", "unknown standing '%s': use checked, pending or unseen", optarg);
            break;
        case OPT_BOUND:
            catalogue->bound = find_bound(optarg);
            if (catalogue->bound < 0)
                return cmd_sorry("clauses", "unknown party '%s': use device, driver or both", optarg);
            break;
        default:
            return cmd_bad_option("clauses", got, argv);
        }
    }
    return -1;
}

int cmd_clauses(int argc, char **argv)
{
    struct catalogue catalogue = { .standing = -1, .bound = -1 };
    int status = parse(&catalogue, argc, argv);

    if (status >= 0)
        return status;
    if (catalogue.ambiguities) {
        for (size_t i = 0; i < vblk_ambiguity_count(); i++)
            print_ambiguity(vblk_ambiguity_at(i));
        return cmd_finish("clauses", CMD_HELD);
    }
    if (optind == argc)
        return print_catalogue(&catalogue);
    status = CMD_HELD;
    for (int i = optind; i < argc; i++)
        if (print_matching(&catalogue, argv[i]) != CMD_HELD)
            status = CMD_USAGE;
    if (catalogue.have_set)
        runner_unload(&catalogue.set);
    return cmd_finish("clauses", status);
}
