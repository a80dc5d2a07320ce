/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner.h"

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool add_file(struct runner_set *set, const char *path, char *why, size_t why_size)
{
    struct vector_file **files = realloc(set->files, (set->count + 1) * sizeof(*files)), *file;
    struct vector_error error = { .reason = "no memory left" };

    if (files)
        set->files = files;
    file = files ? vector_load(path, &error) : NULL;
    if (!file) {
        (void)snprintf(why, why_size, "%s:%d:%d: %s", error.file[0] ? error.file : path, error.line, error.column,
                       error.reason);
        return false;
    }
    set->files[set->count++] = file;
    return true;
}

static bool add_area(struct runner_set *set, const char *dir, char *why, size_t why_size)
{
    struct dirent **names;
    int count = scandir(dir, &names, is_json, alphasort);
    char path[4096];
    bool fine = count >= 0;

    for (int i = 0; i < count && fine; i++) {
        fine = snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) < (int)sizeof(path);
        if (fine)
            fine = add_file(set, path, why, why_size);
        else
            (void)snprintf(why, why_size, "'%.64s…': the path is too long", dir);
    }
    if (count >= 0)
        free_names(names, count);
    return fine;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool runner_load(struct runner_set *set, const char *dir, char *why, size_t why_size)
{
    struct dirent **names;
    int count = scandir(dir, &names, is_visible, alphasort);
    char path[4096];
    bool fine = true;

    *set = (struct runner_set){ 0 };
    if (count < 0) {
        (void)snprintf(why, why_size, "cannot read the vectors in '%s': %s", dir, strerror(errno));
        return false;
    }
    for (int i = 0; i < count && fine; i++)
        if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) < (int)sizeof(path) && is_directory(path))
            fine = add_area(set, path, why, why_size);
    free_names(names, count);
    if (fine && !set->count) {
        (void)snprintf(why, why_size, "there are no vectors in '%s'", dir);
        fine = false;
    }
    if (!fine)
        runner_unload(set);
    return fine;
}

void runner_unload(struct runner_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        vector_free(set->files[i]);
    free(set->files);
    *set = (struct runner_set){ 0 };
}

static bool any_match(const char *glob, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(glob, texts[i], 0) == 0)
            return true;
    return false;
}

static bool excluded(const struct runner_globs *globs, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < globs->count; i++)
        if (globs->globs[i][0] == '!' && any_match(globs->globs[i] + 1, texts, count))
            return true;
    return false;
}

/* Without a glob that selects, everything is wanted. */
static bool wanted(const struct runner_globs *globs, const char *const *texts, size_t count)
{
    bool asked = false;

    for (size_t i = 0; i < globs->count; i++) {
        if (globs->globs[i][0] == '!')
            continue;
        if (any_match(globs->globs[i], texts, count))
            return true;
        asked = true;
    }
    return !asked;
}

#define ON_PACKED "@packed"

void runner_case_name(const struct vector_case *c, uint8_t ring, char *buf, size_t size)
{
    const bool told = ring == VECTOR_PACKED && c->rings != VECTOR_PACKED;

    (void)snprintf(buf, size, "%s/%s/%s%s", c->area, c->clause, c->name, told ? ON_PACKED : "");
}

bool runner_selects(const struct runner_filter *filter, const struct vector_case *c, uint8_t ring)
{
    const char *clauses[1 + VECTOR_CLAUSES_MAX] = { c->clause }, *names[6];
    char with[RUNNER_NAME_MAX], bare[RUNNER_NAME_MAX];

    for (size_t i = 0; i < c->exercises_count; i++)
        clauses[1 + i] = c->exercises[i];
    runner_case_name(c, ring, with, sizeof(with));
    (void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(with, "@"), with);
    for (size_t i = 0; i < 6; i += 3) {
        names[i] = i ? bare : with;
        names[i + 1] = names[i] + strlen(c->area) + 1;
        names[i + 2] = names[i + 1] + strlen(c->clause) + 1;
    }
    /* What a case exercises besides its own clause selects it, but does not exclude it. */
    return wanted(&filter->areas, &c->area, 1) && !excluded(&filter->areas, &c->area, 1) &&
           wanted(&filter->clauses, clauses, 1 + c->exercises_count) && !excluded(&filter->clauses, clauses, 1) &&
           wanted(&filter->names, names, 6) && !excluded(&filter->names, names, 6);
}
