/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * make_corpus DIRECTORY VECTOR…   writes inputs: DIRECTORY/oracle_events/, the vectors' cases of both sides;
 *                                 DIRECTORY/device_script/, their cases for targets; and the seeds of seeds.h
 * make_corpus --show FILE…        prints the scripts that inputs of these two targets are
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "script_bytes.h"
#include "seeds.h"
#include "vector.h"

#define INPUT_MAX 8192u

/* How an input is judged varies over the corpus, by its number. */
static uint8_t settings_of(unsigned n)
{
    static const uint8_t settings[] = {
        HARNESS_JUDGE_DRIVER | HARNESS_DISK_ZERO,
        HARNESS_SNAPSHOT | HARNESS_DISK_ZERO,
        HARNESS_JUDGE_DRIVER | HARNESS_POWER_CUTS | HARNESS_STRICT | HARNESS_TWICE,
        HARNESS_SNAPSHOT | HARNESS_JUDGE_DRIVER | HARNESS_READINGS,
        HARNESS_DISK_ZERO | HARNESS_LEGACY | HARNESS_POWER_CUTS,
    };

    return settings[n % (sizeof(settings) / sizeof(settings[0]))];
}

static bool write_file(const char *directory, const char *target, const char *name, const uint8_t *data, size_t size)
{
    char path[512];
    FILE *file;
    bool fine;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, target);
    if (mkdir(path, 0777) && errno != EEXIST) {
        perror(path);
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/%s/%s", directory, target, name);
    file = fopen(path, "wb");
    if (!file) {
        perror(path);
        return false;
    }
    fine = fwrite(data, 1, size, file) == size;
    return !fclose(file) && fine;
}

/* The device that a target's case was resolved for, as the script's puppet block. */
static void say_device(struct vblk_script *script, const struct vector_env *env)
{
    script->puppet = (struct vblk_puppet){ .features = env->offered,
                                           .num_queues = env->num_queues,
                                           .queue_max = env->queue_max,
                                           .config_length = env->config_length };
    memcpy(script->puppet.config, env->config, sizeof(env->config));
}

/* @return 1 written, 0 left out, -1 failed */
static int convert(const char *directory, const struct vector_file *file, size_t i, unsigned n)
{
    const struct vector_case *c = vector_case_at(file, i);
    uint8_t data[INPUT_MAX] = { settings_of(n) };
    struct vblk_device_options options;
    struct vector_script *resolved;
    struct vblk_script script;
    struct vector_env env;
    char why[256], name[256];
    size_t size;

    vblk_device_defaults(&options);
    options.features &= ~VBLK_BIT(VBLK_F_RO);
    if (c->kind == VECTOR_TARGET && !vector_device_options(file, i, &options, why, sizeof(why)))
        return 0;
    vector_env_of_device(&options, UINT64_MAX, &env);
    resolved = vector_resolve(file, i, 0, &env, why, sizeof(why));
    if (!resolved)
        return 0;
    script = *vector_script_of(resolved);
    if (c->kind == VECTOR_TARGET)
        say_device(&script, &env);
    size = script_encode(&script, data + 1, sizeof(data) - 1);
    vector_script_free(resolved);
    if (!size)
        return 0;
    (void)snprintf(name, sizeof(name), "%s.%s", c->clause, c->name);
    if (!write_file(directory, c->kind == VECTOR_TARGET ? "device_script" : "oracle_events", name, data, size + 1))
        return -1;
    return 1;
}

static bool write_seeds(const char *directory)
{
    struct seed seed;

    for (size_t i = 0; seed_at(i, &seed); i++)
        if (!write_file(directory, seed.target, seed.name, seed.data, seed.size))
            return false;
    return true;
}

static int convert_all(const char *directory, char **paths, int count)
{
    unsigned seen = 0, written = 0;

    for (int i = 0; i < count; i++) {
        struct vector_error error;
        struct vector_file *file = vector_load(paths[i], &error);

        if (!file) {
            (void)fprintf(stderr, "%s:%d:%d: %s\n", error.file, error.line, error.column, error.reason);
            return 2;
        }
        for (size_t n = 0; n < vector_case_count(file); n++) {
            const int done = convert(directory, file, n, seen++);

            if (done < 0)
                return 2;
            written += (unsigned)done;
        }
        vector_free(file);
    }
    (void)printf("%u of %u cases written\n", written, seen);
    return write_seeds(directory) ? 0 : 2;
}

static int show(const char *path)
{
    static struct script_bytes decoded;
    static uint8_t data[1u << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        perror(path);
        return 2;
    }
    size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    if (!size)
        return 0;
    script_decode(&decoded, data + 1, size - 1);
    (void)printf("%s: settings 0x%02x\n", path, data[0]);
    vector_print_script(stdout, &decoded.script);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: make_corpus DIRECTORY VECTOR…\n       make_corpus --show FILE…\n");
        return 2;
    }
    if (strcmp(argv[1], "--show") != 0)
        return convert_all(argv[1], argv + 2, argc - 2);
    for (int i = 2; i < argc && !status; i++)
        status = show(argv[i]);
    return status;
}
