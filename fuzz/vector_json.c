/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hostile JSON as a test vector: it is rejected with a reason and a place, or it resolves, prints and formats, and
 * what was formatted reads the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "vector.h"

#define VARIATIONS_MAX 2u
#define CASES_MAX 8u

static void resolve(const struct vector_file *file, size_t i, const struct vector_env *env, FILE *sink)
{
    char why[256];

    for (size_t n = 0; n < VARIATIONS_MAX; n++) {
        struct vector_script *script = vector_resolve(file, i, n, env, why, sizeof(why));

        if (!script)
            return;
        vector_print_script(sink, vector_script_of(script));
        vector_script_free(script);
    }
}

static void use_case(const struct vector_file *file, size_t i, FILE *sink)
{
    struct vblk_device_options options;
    struct vector_env env;
    char why[256];

    vblk_device_defaults(&options);
    if (vector_case_at(file, i)->kind == VECTOR_TARGET && !vector_device_options(file, i, &options, why, sizeof(why)))
        return;
    vector_env_of_device(&options, UINT64_MAX, &env);
    if (vector_applies(file, i, &env, why, sizeof(why)))
        resolve(file, i, &env, sink);
}

static void format(const struct vector_file *file)
{
    struct vector_error error;
    char *text = vector_format(file), *again;
    struct vector_file *copy;

    if (!text)
        return;
    copy = vector_load_text(text, strlen(text), "formatted", &error);
    if (!copy)
        harness_finding("formatted, it is rejected: %d:%d: %s", error.line, error.column, error.reason);
    again = vector_format(copy);
    if (again && strcmp(text, again) != 0)
        harness_finding("formatting twice is not formatting once");
    free(again);
    vector_free(copy);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text((const char *)data, size, "input.json", &error);
    FILE *sink;

    if (!file) {
        if (!error.reason[0] || error.line < 0 || error.column < 0)
            harness_finding("rejected without a reason or a place");
        return 0;
    }
    sink = fopen("/dev/null", "w");
    for (size_t i = 0; sink && i < CASES_MAX && i < vector_case_count(file); i++)
        use_case(file, i, sink);
    if (sink)
        (void)fclose(sink);
    format(file);
    vector_free(file);
    return 0;
}
