/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector_lint.h"
#include "vector_read.h"

#include <stdlib.h>
#include <string.h>

static size_t say(const struct vector_lint *lint, const struct vector_file *file, const struct vector_path *at,
                  const char *reason, bool warning)
{
    struct vector_error error = { .line = 0 };

    (void)snprintf(error.file, sizeof(error.file), "%s", file->path);
    (void)snprintf(error.reason, sizeof(error.reason), "%.255s", reason);
    vector_text_position(file->text, file->length, vector_text_find(file->text, file->length, at, false), &error.line,
                         &error.column);
    lint->report(lint->ctx, &error, warning);
    return !warning;
}

static size_t check_path(const struct vector_lint *lint, const struct vector_file *file)
{
    const struct vector_path clause = { NULL, "clause", 0 };
    char due[128], reason[200];
    size_t length, path = strlen(file->path);

    (void)snprintf(due, sizeof(due), "%s/%s.json", file->clause->area, file->clause->id);
    length = strlen(due);
    if (path >= length && strcmp(file->path + path - length, due) == 0 &&
        (path == length || file->path[path - length - 1] == '/'))
        return 0;
    (void)snprintf(reason, sizeof(reason), "/clause: a file about this clause is called %s", due);
    return say(lint, file, &clause, reason, false);
}

/* Resolve every variation. @return NULL, or the first reason why one can't be. */
static const char *resolve_all(const struct vector_file *file, size_t i, const struct vector_env *env, char *reason,
                               size_t size)
{
    for (size_t n = 0; n < file->cases[i].sweep; n++) {
        struct vector_script *script = vector_resolve(file, i, n, env, reason, size);

        if (!script)
            return reason[0] ? reason : n ? NULL : "the sweep is empty on the reference device";
        vector_script_free(script);
    }
    return NULL;
}

/* The reference device as the case wants it, under one profile. @return whether the case runs there. */
static bool set_up(const struct vector_lint *lint, const struct vector_file *file, size_t i,
                   const struct vblk_profile *profile, struct vector_env *env, char *reason, size_t size)
{
    struct vblk_device_options options = lint->reference;

    options.profile = *profile;
    options.features = lint->features(profile);
    options.features &= ~VBLK_BIT(VBLK_F_RO);
    if (!vector_device_options(file, i, &options, reason, size))
        return false;
    vector_env_of_device(&options, lint->features(profile), env);
    return vector_applies(file, i, env, reason, size);
}

static size_t check_case(const struct vector_lint *lint, const struct vector_file *file, size_t i)
{
    const struct vector_path cases = { NULL, "cases", 0 }, here = { &cases, NULL, i };
    const struct vblk_profile *profile;
    struct vector_env env;
    char reason[256], first[256] = "", text[400];
    bool runs = false;

    for (size_t p = 0; (profile = vblk_profile_at(p)); p++) {
        const char *why;

        if (!set_up(lint, file, i, profile, &env, reason, sizeof(reason))) {
            if (!first[0])
                memcpy(first, reason, sizeof(first));
            continue;
        }
        runs = true;
        why = resolve_all(file, i, &env, reason, sizeof(reason));
        if (why) {
            (void)snprintf(text, sizeof(text), "%s (under profile %s)", why, profile->name);
            return say(lint, file, &here, text, false);
        }
    }
    (void)snprintf(text, sizeof(text), "/cases/%zu: never runs on the reference device: %s", i, first);
    return runs ? 0 : say(lint, file, &here, text, true);
}

size_t vector_lint_file(const struct vector_lint *lint, const struct vector_file *file)
{
    size_t errors = check_path(lint, file);

    for (size_t i = 0; i < file->count; i++)
        errors += check_case(lint, file, i);
    return errors;
}

/* How a clause is covered. */
struct cover {
    bool file, held, broken;
};

static void count_case(struct cover *covers, vblk_clause_no own, const struct vector_case *c)
{
    uint8_t strength = vblk_clause_at(own)->strength;
    bool may = strength == VBLK_MAY;
    /* a fact or advice whose default reading leaves a choice can't be broken: the choice is noted */
    bool open = strength == VBLK_DEF || strength == VBLK_SHOULD || strength == VBLK_SHOULD_NOT;
    bool choice = open && c->kind == VECTOR_EVENTS && c->expect == VECTOR_NOTED;

    if (c->kind == VECTOR_TARGET || c->expect == VECTOR_HELD)
        covers[own].held = true;
    else if (c->expect != VECTOR_NOTED || may)
        covers[own].broken = true;
    if ((may && c->kind == VECTOR_EVENTS) || choice)
        covers[own].held = covers[own].broken = true;
    for (size_t i = 0; i < c->exercises_count; i++)
        covers[vblk_clause_find(c->exercises[i])].held = true;
}

static size_t check_cover(const struct vector_lint *lint, const struct vblk_clause *clause, const struct cover *cover)
{
    struct vector_error error = { .line = 0 };

    if (clause->standing != VBLK_CHECKED || (cover->file && cover->held && cover->broken))
        return 0;
    (void)snprintf(error.file, sizeof(error.file), "%s/%s.json", clause->area, clause->id);
    (void)snprintf(error.reason, sizeof(error.reason), "%s is checked but has no %s", clause->id,
                   !cover->file   ? "vector file"
                   : !cover->held ? "case in which it holds"
                                  : "case in which it is broken");
    lint->report(lint->ctx, &error, false);
    return 1;
}

size_t vector_lint_coverage(const struct vector_lint *lint, struct vector_file *const *files, size_t count)
{
    struct cover *covers = calloc(vblk_clause_count() + 1, sizeof(*covers));
    size_t errors = 0;

    for (size_t f = 0; covers && f < count; f++) {
        vblk_clause_no own = vblk_clause_find(files[f]->clause->id);

        covers[own].file = true;
        for (size_t i = 0; i < files[f]->count; i++)
            count_case(covers, own, &files[f]->cases[i]);
    }
    for (size_t no = 0; covers && no < vblk_clause_count(); no++)
        errors += check_cover(lint, vblk_clause_at((vblk_clause_no)no), &covers[no]);
    free(covers);
    return errors;
}
