/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of vector files for tests. */
#ifndef CONFORMANCE_VECTOR_FIXTURE_H
#define CONFORMANCE_VECTOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vector.h"

#define HEAD                                                                                                           \
    "{\n"                                                                                                              \
    " \"vector\": 1, \"clause\": \"PROV-DEV-01\", \"summary\": \"s\", \"consequence\": \"c\",\n"                       \
    " \"cases\": [\n"
#define TARGET "{ \"name\": \"a\", \"kind\": \"target\", \"what\": \"w\",\n"
#define EVENTS "{ \"name\": \"a\", \"kind\": \"events\", \"expect\": \"broken\", \"what\": \"w\",\n"
#define TAIL "\n} ] }\n"
#define START "{ \"do\": \"start\" }"
/* A target case with these steps, each on a line of its own from line 6 on. */
#define STEPS(steps) HEAD TARGET "\"changes_disk\": true, \"steps\": [\n" steps "\n]" TAIL
#define DEV_STEPS(steps) HEAD EVENTS "\"steps\": [\n" steps "\n]" TAIL
#define IN_STEP "{ \"do\": \"submit\", \"name\": \"r\", \"type\": \"IN\" }"

static inline struct vector_file *load(const char *text)
{
    struct vector_error error = { .reason = "" };
    struct vector_file *file = vector_load_text(text, strlen(text), "test.json", &error);

    if (!file)
        fail_msg("%d:%d: %s\n%s", error.line, error.column, error.reason, text);
    return file;
}

/* What a target with round numbers announces. */
static inline struct vector_env env_of(uint64_t capacity, uint16_t queue_max)
{
    const struct vblk_profile *profile = vblk_profile_default();
    struct vblk_device_options options = { .profile = *profile,
                                           .capacity = capacity,
                                           .queue_max = queue_max,
                                           .num_queues = 2,
                                           .max_provision_sectors = 0x01020304,
                                           .max_provision_seg = 5,
                                           .blk_size = 4096 };
    struct vector_env env;

    options.features = VBLK_BIT(VBLK_F_VERSION_1) | VBLK_BIT(VBLK_F_BLK_SIZE) | VBLK_BIT(VBLK_F_FLUSH) |
                       VBLK_BIT(profile->provision_bit);
    vector_env_of_device(&options, ~(uint64_t)0, &env);
    return env;
}

static inline struct vector_script *resolve(const struct vector_file *file, size_t i, size_t n,
                                            const struct vector_env *env)
{
    char why[256];
    struct vector_script *script = vector_resolve(file, i, n, env, why, sizeof(why));

    if (!script)
        fail_msg("not resolved: %s", why);
    return script;
}

#endif /* CONFORMANCE_VECTOR_FIXTURE_H */
