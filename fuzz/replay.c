/* SPDX-License-Identifier: BSD-3-Clause */
/* Replays files, and all files of directories, through one target: a fuzzer's corpus as an ordinary test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"

#define FILE_MAX (1u << 20)

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(FILE_MAX), *exact;
    size_t size;

    if (!file || !data) {
        perror(path);
        exit(2);
    }
    size = fread(data, 1, FILE_MAX, file);
    (void)fclose(file);
    /* To the byte, so that a sanitizer sees a read past the end. */
    exact = realloc(data, size ? size : 1);
    (void)puts(path);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(exact ? exact : data, size);
    free(exact ? exact : data);
    return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int replay_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name), played = 0;

    for (int i = 0; i < count; i++) {
        char name[1024];

        if (entries[i]->d_name[0] != '.' &&
            snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name) < (int)sizeof(name))
            played += replay_file(name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return played;
}

int main(int argc, char **argv)
{
    int played = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st)) {
            perror(argv[i]);
            return 2;
        }
        played += S_ISDIR(st.st_mode) ? replay_directory(argv[i]) : replay_file(argv[i]);
    }
    (void)printf("%d inputs replayed\n", played);
    return played ? EXIT_SUCCESS : EXIT_FAILURE;
}
