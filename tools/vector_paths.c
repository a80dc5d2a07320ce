/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector_paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <vblk/clause.h>

#define PATH_ROOM 4096
/* DIR/<area>/<file>: nothing lies deeper. */
#define LEVELS 2

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool keep(struct vector_paths *paths, const char *path)
{
    char **grown = realloc(paths->path, (paths->count + 1) * sizeof(*grown));

    if (!grown)
        return false;
    paths->path = grown;
    grown[paths->count] = malloc(strlen(path) + 1);
    if (!grown[paths->count])
        return false;
    memcpy(grown[paths->count++], path, strlen(path) + 1);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* schema.json describes the vectors and is none. */
static bool is_vector(const char *name)
{
    size_t length = strlen(name);

    return length > 5 && strcmp(name + length - 5, ".json") == 0 && strcmp(name, "schema.json") != 0;
}

static bool add_directory(struct vector_paths *paths, const char *dir, int levels)
{
    struct dirent **names;
    int count = scandir(dir, &names, is_visible, alphasort);
    char path[PATH_ROOM];
    bool fine = count >= 0;

    for (int i = 0; i < count; i++) {
        fine = fine && snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) < (int)sizeof(path);
        if (fine && is_directory(path))
            fine = levels <= 1 || add_directory(paths, path, levels - 1);
        else if (fine && is_vector(names[i]->d_name))
            fine = keep(paths, path);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return fine;
}

bool vector_paths_add(struct vector_paths *paths, const char *arg, const char *dir, char *why, size_t why_size)
{
    vblk_clause_no no = vblk_clause_find(arg);
    char path[PATH_ROOM];
    bool fine;

    errno = 0;
    if (is_directory(arg)) {
        fine = add_directory(paths, arg, LEVELS);
    } else if (no != VBLK_NO_CLAUSE && !dir) {
        (void)snprintf(why, why_size, "the vectors were not found; say where they are with --vectors DIR");
        return false;
    } else if (no != VBLK_NO_CLAUSE) {
        fine = snprintf(path, sizeof(path), "%s/%s/%s.json", dir, vblk_clause_at(no)->area, arg) < (int)sizeof(path) &&
               keep(paths, path);
    } else {
        fine = keep(paths, arg);
    }
    if (!fine)
        (void)snprintf(why, why_size, "cannot read '%s': %s", arg, errno ? strerror(errno) : "the path is too long");
    return fine;
}

void vector_paths_free(struct vector_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->path[i]);
    free(paths->path);
    *paths = (struct vector_paths){ 0 };
}
