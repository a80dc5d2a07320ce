/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vector_script {
    struct vblk_script script;
    struct vector_arena arena;
};

static bool complain(struct vector_error *error, const char *path, int line, int column, const char *reason)
{
    (void)snprintf(error->file, sizeof(error->file), "%s", path);
    (void)snprintf(error->reason, sizeof(error->reason), "%s", reason);
    error->line = line;
    error->column = column;
    return false;
}

void vector_report(const struct vector_reader *r, struct vector_error *error)
{
    int line, column;

    vector_text_position(r->file->text, r->file->length, r->at, &line, &column);
    (void)complain(error, r->file->path, line, column, r->reason);
}

/* Takes @text, which has a NUL behind it. */
static struct vector_file *parse(char *text, size_t length, const char *path, struct vector_error *error)
{
    struct vector_file *file = calloc(1, sizeof(*file));
    json_error_t json = { 0 };

    if (!file) {
        free(text);
        (void)complain(error, path, 0, 0, "no memory");
        return NULL;
    }
    file->text = text;
    file->length = length;
    file->path = malloc(strlen(path) + 1);
    if (file->path)
        memcpy(file->path, path, strlen(path) + 1);
    file->root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &json);
    if (file->root && file->path)
        return file;
    (void)complain(error, path, json.line > 0 ? json.line : 1, json.column > 0 ? json.column : 1, json.text);
    vector_free(file);
    return NULL;
}

struct vector_file *vector_parse(const char *path, struct vector_error *error)
{
    const char *why;
    size_t length;
    char *text = vector_text_read(path, &length, &why);

    if (!text) {
        (void)complain(error, path, 0, 0, why);
        return NULL;
    }
    return parse(text, length, path, error);
}

void vector_free(struct vector_file *file)
{
    if (!file)
        return;
    json_decref(file->root);
    free(file->cases);
    free(file->path);
    free(file->text);
    free(file);
}

struct root {
    uint64_t vector;
    const char *clause, *summary, *consequence;
};
static const struct vector_member root_members[] = {
    { "vector", vector_read_number, offsetof(struct root, vector), 0, 8, true, NULL },
    { "clause", vector_read_string, offsetof(struct root, clause), 0, 0, true, NULL },
    { "summary", vector_read_string, offsetof(struct root, summary), 0, 0, true, NULL },
    { "consequence", vector_read_string, offsetof(struct root, consequence), 0, 0, true, NULL },
    { "cases", vector_read_any, 0, 0, 0, true, NULL },
    { NULL, NULL, 0, 0, 0, false, NULL },
};

static bool check_root(struct vector_reader *r, struct vector_file *file)
{
    struct vector_path version = { NULL, "vector", 0 }, clause = { NULL, "clause", 0 }, cases = { NULL, "cases", 0 };
    json_t *list = json_object_get(file->root, "cases");
    struct root root = { 0 };
    vblk_clause_no no;

    if (!vector_read_object(r, NULL, file->root, root_members, &root))
        return false;
    if (root.vector != 1)
        return vector_fail(r, &version, "version 1 of the format is the only one");
    no = vblk_clause_find(root.clause);
    if (no == VBLK_NO_CLAUSE)
        return vector_fail(r, &clause, "no clause \"%.40s\" in the table", root.clause);
    if (!json_is_array(list) || !json_array_size(list))
        return vector_fail(r, &cases, "a list of cases is due here");
    file->clause = vblk_clause_at(no);
    file->summary = root.summary;
    file->consequence = root.consequence;
    file->count = json_array_size(list);
    file->cases = calloc(file->count, sizeof(*file->cases));
    return file->cases || vector_fail(r, NULL, "no memory");
}

static bool check_file(struct vector_reader *r, struct vector_file *file)
{
    if (!check_root(r, file))
        return false;
    for (size_t i = 0; i < file->count; i++) {
        file->cases[i].area = file->clause->area;
        file->cases[i].clause = file->clause->id;
        file->cases[i].consequence = file->consequence;
        if (!vector_check_case(r, i))
            return false;
    }
    return true;
}

static struct vector_file *checked(struct vector_file *file, struct vector_error *error)
{
    struct vector_arena arena = { NULL };
    struct vector_reader r = { .file = file, .arena = &arena, .checking = true };
    bool fine;

    if (!file)
        return NULL;
    fine = check_file(&r, file);
    vector_arena_free(&arena);
    if (fine)
        return file;
    vector_report(&r, error);
    vector_free(file);
    return NULL;
}

struct vector_file *vector_load(const char *path, struct vector_error *error)
{
    return checked(vector_parse(path, error), error);
}

struct vector_file *vector_load_text(const char *text, size_t length, const char *path, struct vector_error *error)
{
    char *copy = length < VECTOR_FILE_MAX ? malloc(length + 1) : NULL;

    if (!copy) {
        (void)complain(error, path, 0, 0, "larger than 4 MiB, or no memory");
        return NULL;
    }
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return checked(parse(copy, length, path, error), error);
}

size_t vector_case_count(const struct vector_file *file)
{
    return file->count;
}

const struct vector_case *vector_case_at(const struct vector_file *file, size_t i)
{
    return i < file->count ? &file->cases[i] : NULL;
}

const char *vector_file_path(const struct vector_file *file)
{
    return file->path;
}

const char *vector_clause_of(const struct vector_file *file)
{
    return file->clause->id;
}

const char *vector_summary_of(const struct vector_file *file)
{
    return file->summary;
}

const char *vector_text_of(const struct vector_file *file, size_t *length)
{
    *length = file->length;
    return file->text;
}

static bool because(char *reason, size_t size, const char *format, ...) VBLK_PRINTF(3, 4);

static bool because(char *reason, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reason, size, format, args);
    va_end(args);
    return false;
}

static bool in_profile(const struct vector_file *file, size_t i, const struct vblk_profile *profile, char *reason,
                       size_t size)
{
    struct vector_case_path path;
    json_t *profiles = vector_case_member(file, i, "profiles", &path), *name;
    bool listed = !profiles;
    size_t k;

    if (!vblk_clause_in_profile(file->clause, profile))
        return because(reason, size, "the clause is not part of profile %s", profile->name);
    json_array_foreach(profiles, k, name)
        listed = listed || strcmp(json_string_value(name), profile->name) == 0;
    return listed || because(reason, size, "the case is not for profile %s", profile->name);
}

bool vector_device_options(const struct vector_file *file, size_t i, struct vblk_device_options *out, char *reason,
                           size_t reason_size)
{
    struct vector_arena arena = { NULL };
    struct vector_reader r = { .file = file, .arena = &arena, .scope = { .profile = &out->profile } };
    struct vector_case_path path;
    json_t *device = vector_case_member(file, i, "device", &path);
    bool fine;

    reason[0] = '\0';
    if (!in_profile(file, i, &out->profile, reason, reason_size))
        return false;
    fine = !device || vector_read_device(&r, &path.member, device, out);
    vector_arena_free(&arena);
    return fine || because(reason, reason_size, "%s", r.reason);
}

/* The first feature of @missing by name. */
static const char *feature_in(const struct vblk_profile *profile, uint64_t missing)
{
    unsigned bit = 0;
    const char *name;

    while (bit < 63 && !(missing >> bit & 1))
        bit++;
    name = vblk_feature_name(profile, bit);
    return name ? name : "a feature";
}

static bool conditions_hold(struct vector_reader *r, size_t i, char *reason, size_t size)
{
    struct vector_case_path path;
    json_t *needs = vector_case_member(r->file, i, "needs", &path), *child;
    json_t *conditions = json_object_get(needs, "config");
    struct vector_path list = { &path.member, "config", 0 };
    size_t k;

    json_array_foreach(conditions, k, child) {
        struct vector_path here = { &list, NULL, k };
        uint64_t truth = 0;

        if (!vector_read_value(r, &here, child, 8, &truth, NULL))
            return because(reason, size, "%s", r->reason);
        if (!truth)
            return because(reason, size, "needs %s", json_string_value(child));
    }
    return true;
}

/* What expressions mean on a target. */
static bool scope_for(struct vector_reader *r, size_t i, const struct vector_env *env, uint16_t *size, uint16_t *queues)
{
    uint16_t usual = env->queue_max && env->queue_max < 64 ? env->queue_max : 64;

    r->scope.profile = &env->profile;
    r->scope.env = env;
    r->scope.queue_size = usual;
    if (!vector_read_queues(r, i, size, queues))
        return false;
    if (*size)
        r->scope.queue_size = *size;
    return true;
}

static bool offers_enough(const struct vector_demands *d, const struct vector_env *env, char *reason, size_t size)
{
    uint64_t must = d->features | d->only, accepted = must & ~d->without;

    if (must & ~env->offered)
        return because(reason, size, "needs %s offered", feature_in(&env->profile, must & ~env->offered));
    if (d->lacks & env->offered)
        return because(reason, size, "needs %s not offered", feature_in(&env->profile, d->lacks & env->offered));
    if (accepted & ~env->modelled)
        return because(reason, size, "the suite's driver does not do %s",
                       feature_in(&env->profile, accepted & ~env->modelled));
    return true;
}

bool vector_applies(const struct vector_file *file, size_t i, const struct vector_env *env, char *reason,
                    size_t reason_size)
{
    struct vector_reader r = { .file = file };
    struct vector_demands demands;
    uint16_t size, queues;

    reason[0] = '\0';
    if (!in_profile(file, i, &env->profile, reason, reason_size))
        return false;
    if (file->cases[i].kind == VECTOR_EVENTS)
        return true;
    if (!scope_for(&r, i, env, &size, &queues) || !vector_read_demands(&r, i, &demands))
        return because(reason, reason_size, "%s", r.reason);
    if (size > env->queue_max)
        return because(reason, reason_size, "needs a queue of %u entries", size);
    if (queues > env->num_queues)
        return because(reason, reason_size, "needs %u queues", queues);
    return offers_enough(&demands, env, reason, reason_size) && conditions_hold(&r, i, reason, reason_size);
}

/* "provision/PROV-DEV-01/each-reserved-bit[bit=3]" */
static const char *script_name(struct vector_reader *r, const struct vector_case *c)
{
    size_t room = 64 * (r->scope.variable_count + 1) + strlen(c->area) + strlen(c->clause) + strlen(c->name);
    char *name = vector_arena_get(r->arena, room);
    size_t used;

    if (!name)
        return c->name;
    used = (size_t)snprintf(name, room, "%s/%s/%s", c->area, c->clause, c->name);
    for (size_t k = 0; k < r->scope.variable_count; k++)
        used += (size_t)snprintf(name + used, room - used, "%s%s=%llu", k ? "," : "[", r->scope.variable[k].name,
                                 (unsigned long long)r->scope.variable[k].value);
    if (r->scope.variable_count)
        (void)snprintf(name + used, room - used, "]");
    return name;
}

/* A puppet announces itself: the target at hand doesn't matter. */
static bool puppet_env(struct vector_reader *r, size_t i, const struct vector_env *env, struct vblk_puppet *puppet,
                       struct vector_env *out)
{
    struct vector_case_path path;
    json_t *shown = vector_case_member(r->file, i, "puppet", &path);

    vector_puppet_defaults(&env->profile, puppet);
    vector_env_of_puppet(puppet, &env->profile, env->modelled, out);
    r->scope.profile = &env->profile;
    r->scope.env = out;
    if (shown && !vector_read_puppet(r, &path.member, shown, puppet))
        return false;
    vector_env_of_puppet(puppet, &env->profile, env->modelled, out);
    return true;
}

/* In-order use takes choices from the device, and little of what it does can be told apart: only for those that ask. */
static uint64_t accepted(const struct vector_demands *d, const struct vector_env *env)
{
    const uint64_t unasked = VBLK_BIT(VBLK_F_IN_ORDER) & ~d->features;

    return d->has_only ? d->only : env->offered & env->modelled & ~d->without & ~unasked;
}

static bool fill(struct vector_script *script, struct vector_reader *r, size_t i, const struct vector_env *env)
{
    const struct vector_case *c = &r->file->cases[i];
    struct vblk_script *s = &script->script;
    struct vector_demands demands;
    struct vector_case_path path;
    struct vector_steps steps;
    json_t *value = vector_case_member(r->file, i, "steps", &path);

    if (!vector_read_demands(r, i, &demands) || !vector_read_steps(r, &path.member, value, c->kind, &steps))
        return false;
    s->name = script_name(r, c);
    s->profile = env->profile;
    s->features = accepted(&demands, env);
    s->steps = steps.steps;
    s->step_count = steps.count;
    return true;
}

static bool resolve(struct vector_script *script, struct vector_reader *r, size_t i, size_t n,
                    const struct vector_env *target, bool *past)
{
    bool events = r->file->cases[i].kind == VECTOR_EVENTS;
    struct vblk_script *s = &script->script;
    const struct vector_env *env = target;
    struct vector_env shown;
    uint64_t total = 0;

    if (events && !puppet_env(r, i, target, &s->puppet, &shown))
        return false;
    env = events ? &shown : target;
    if (!scope_for(r, i, env, &s->queue_size, &s->queues) || !vector_sweep(r, i, n, &total))
        return false;
    *past = n >= total;
    return !*past && fill(script, r, i, env);
}

struct vector_script *vector_resolve(const struct vector_file *file, size_t i, size_t n, const struct vector_env *env,
                                     char *reason, size_t reason_size)
{
    struct vector_script *script = calloc(1, sizeof(*script));
    struct vector_reader r = { .file = file, .arena = script ? &script->arena : NULL };
    bool past = false;

    reason[0] = '\0';
    if (!script) {
        (void)because(reason, reason_size, "no memory");
        return NULL;
    }
    if (in_profile(file, i, &env->profile, reason, reason_size) && resolve(script, &r, i, n, env, &past))
        return script;
    if (!past && r.reason[0])
        (void)because(reason, reason_size, "%s", r.reason);
    vector_script_free(script);
    return NULL;
}

const struct vblk_script *vector_script_of(const struct vector_script *script)
{
    return &script->script;
}

void vector_script_free(struct vector_script *script)
{
    if (!script)
        return;
    vector_arena_free(&script->arena);
    free(script);
}
