/* SPDX-License-Identifier: BSD-3-Clause */
/* What names in expressions stand for. */
#include "vector_read.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 48

static const struct vector_word constants[] = {
    { "OK", VBLK_S_OK },
    { "IOERR", VBLK_S_IOERR },
    { "UNSUPP", VBLK_S_UNSUPP },
    { "ACKNOWLEDGE", VBLK_STATUS_ACKNOWLEDGE },
    { "DRIVER", VBLK_STATUS_DRIVER },
    { "DRIVER_OK", VBLK_STATUS_DRIVER_OK },
    { "FEATURES_OK", VBLK_STATUS_FEATURES_OK },
    { "NEEDS_RESET", VBLK_STATUS_NEEDS_RESET },
    { "FAILED", VBLK_STATUS_FAILED },
    { "UNMAP", VBLK_SEGMENT_UNMAP },
    { "NEXT", VBLK_DESC_NEXT },
    { "WRITE", VBLK_DESC_WRITE },
    { "INDIRECT", VBLK_DESC_INDIRECT },
    { "AVAIL", VBLK_DESC_AVAIL },
    { "USED", VBLK_DESC_USED },
    { "NO_INTERRUPT", VBLK_AVAIL_NO_INTERRUPT },
    { "NO_NOTIFY", VBLK_USED_NO_NOTIFY },
    { NULL, 0 },
};

static bool find_constant(const char *name, uint64_t *value)
{
    for (const struct vector_word *c = constants; c->word; c++) {
        if (strcmp(c->word, name) == 0) {
            *value = c->value;
            return true;
        }
    }
    return false;
}

/* What the target announces, configuration fields apart. */
static bool find_announced(const struct vector_scope *scope, const char *name, uint64_t *value)
{
    static const struct vector_env nothing;
    const struct vector_env *env = scope->env ? scope->env : &nothing;
    const struct vector_word announced[] = {
        { "capacity", env->capacity },     { "queue_size", scope->queue_size },
        { "queue_max", env->queue_max },   { "num_queues", env->num_queues },
        { "offered", env->offered },       { "config_length", env->config_length },
        { "provision_bit", scope->profile ? scope->profile->provision_bit : 0u },
        { "provision_offset", scope->profile ? scope->profile->provision_offset : 0u },
    };

    for (size_t i = 0; i < sizeof(announced) / sizeof(announced[0]); i++) {
        if (strcmp(announced[i].word, name) == 0) {
            *value = announced[i].value;
            return true;
        }
    }
    return false;
}

static bool find_field(const struct vector_scope *scope, const struct vblk_profile *profile, const char *name,
                       uint64_t *value)
{
    struct vblk_config_field field;

    if (!vblk_config_field_find(profile, name, &field))
        return false;
    for (unsigned i = 0; scope->env && i < field.width; i++) {
        unsigned at = field.offset + i;

        if (at < VBLK_CONFIG_MAX && at < scope->env->config_length)
            *value |= (uint64_t)scope->env->config[at] << 8 * i;
    }
    return true;
}

/* A request type's number, or F_NAME for a feature's mask. */
static bool find_number(const struct vblk_profile *profile, const char *name, uint64_t *value)
{
    int64_t type = vblk_type_find(profile, name);
    int bit = strncmp(name, "F_", 2) == 0 ? vblk_feature_find(profile, name + 2) : -1;

    if (type < 0 && bit < 0)
        return false;
    *value = type >= 0 ? (uint64_t)type : VBLK_BIT(bit);
    return true;
}

static enum vector_known find_in(const struct vector_scope *scope, const struct vblk_profile *profile,
                                 const char *name, uint64_t *value)
{
    if (find_field(scope, profile, name, value))
        return scope->env ? VECTOR_NAME_KNOWN : VECTOR_NAME_UNKNOWN;
    if (find_number(profile, name, value))
        return VECTOR_NAME_KNOWN;
    return VECTOR_NAME_NONE;
}

/* While a file is checked any profile's names will do; a number is known if the profiles agree on it. */
static enum vector_known find_in_any(const struct vector_scope *scope, const char *name, uint64_t *value)
{
    enum vector_known known = VECTOR_NAME_NONE;
    const struct vblk_profile *profile;

    for (size_t i = 0; (profile = vblk_profile_at(i)); i++) {
        uint64_t here = 0;
        enum vector_known found = find_in(scope, profile, name, &here);

        if (found == VECTOR_NAME_NONE)
            continue;
        if (known == VECTOR_NAME_KNOWN && here != *value)
            found = VECTOR_NAME_UNKNOWN;
        known = known == VECTOR_NAME_UNKNOWN ? known : found;
        *value = here;
    }
    return known;
}

enum vector_known vector_name(void *ctx, const char *text, size_t length, uint64_t *value)
{
    const struct vector_scope *scope = ctx;
    char name[NAME_MAX_LENGTH];

    *value = 0;
    if (length >= sizeof(name))
        return VECTOR_NAME_NONE;
    memcpy(name, text, length);
    name[length] = '\0';
    for (size_t i = 0; i < scope->variable_count; i++) {
        if (strcmp(scope->variable[i].name, name) == 0) {
            *value = scope->variable[i].value;
            return scope->variable[i].known ? VECTOR_NAME_KNOWN : VECTOR_NAME_UNKNOWN;
        }
    }
    if (find_constant(name, value))
        return VECTOR_NAME_KNOWN;
    if (find_announced(scope, name, value))
        return scope->env ? VECTOR_NAME_KNOWN : VECTOR_NAME_UNKNOWN;
    return scope->profile ? find_in(scope, scope->profile, name, value) : find_in_any(scope, name, value);
}

bool vector_name_taken(const char *name)
{
    static const struct vector_scope any;
    struct vector_scope scope = any;
    uint64_t value;

    return strcmp(name, "i") == 0 || strcmp(name, "round") == 0 ||
           vector_name(&scope, name, strlen(name), &value) != VECTOR_NAME_NONE;
}

int vector_feature_find(const struct vector_scope *scope, const char *name)
{
    const struct vblk_profile *profile;
    int bit = -1;

    if (scope->profile)
        return vblk_feature_find(scope->profile, name);
    for (size_t i = 0; bit < 0 && (profile = vblk_profile_at(i)); i++)
        bit = vblk_feature_find(profile, name);
    return bit;
}

bool vector_config_field(const struct vector_reader *r, const char *name, struct vblk_config_field *out)
{
    const struct vblk_profile *profile;
    bool found = false;

    if (r->scope.profile)
        return vblk_config_field_find(r->scope.profile, name, out);
    for (size_t i = 0; !found && (profile = vblk_profile_at(i)); i++)
        found = vblk_config_field_find(profile, name, out);
    return found;
}
