/* SPDX-License-Identifier: BSD-3-Clause */
/* Which vector files are meant: paths, directories, clause ids. */
#ifndef TOOLS_VECTOR_PATHS_H
#define TOOLS_VECTOR_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct vector_paths {
    char **path;
    size_t count;
};

/* Add what @arg means: a file, a directory of files or of areas, or a clause whose file is under @dir (may be NULL). */
bool vector_paths_add(struct vector_paths *paths, const char *arg, const char *dir, char *why, size_t why_size);
void vector_paths_free(struct vector_paths *paths);

#endif /* TOOLS_VECTOR_PATHS_H */
