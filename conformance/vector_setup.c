/* SPDX-License-Identifier: BSD-3-Clause */
/* How a configurable device and a puppet are set up, and what the reference device announces. */
#include "vector_read.h"

#include <stdio.h>
#include <string.h>

/* Expands over the members of struct vblk_device_options that are plain numbers; most have their field's name. */
#define NUMBERS(X)                                                                                                     \
    X(capacity, 8) X(size_max, 4) X(seg_max, 4) X(cylinders, 2) X(heads, 1) X(sectors, 1) X(blk_size, 4)               \
    X(physical_block_exp, 1) X(alignment_offset, 1) X(min_io_size, 2) X(opt_io_size, 4) X(num_queues, 2)               \
    X(queue_max, 2) X(max_discard_sectors, 4) X(max_discard_seg, 4) X(discard_sector_alignment, 4)                     \
    X(max_write_zeroes_sectors, 4) X(max_write_zeroes_seg, 4) X(max_secure_erase_sectors, 4)                           \
    X(max_secure_erase_seg, 4) X(secure_erase_sector_alignment, 4) X(max_provision_sectors, 4)                         \
    X(max_provision_seg, 4) X(pre_eol_info, 2) X(est_typ_a, 2) X(est_typ_b, 2) X(config_length, 4) X(chain_max, 4)
#define OPTION(name) offsetof(struct vblk_device_options, name)
#define NUMBER(name, width) { #name, vector_read_number, OPTION(name), 0, width, false, NULL },
#define FLAG(name) { #name, vector_read_bool, OPTION(name), 0, 0, false, NULL }
#define END { NULL, NULL, 0, 0, 0, false, NULL }

struct feature_change {
    uint64_t add, remove;
};
static const struct vector_member change_members[] = {
    { "add", vector_read_features, offsetof(struct feature_change, add), 0, 8, false, NULL },
    { "remove", vector_read_features, offsetof(struct feature_change, remove), 0, 8, false, NULL },
    END
};

/* A list: exactly these. An object: what to add to and remove from the defaults. */
static VECTOR_READER(read_offer)
{
    uint64_t *features = (uint64_t *)(void *)((unsigned char *)into + m->offset);
    struct feature_change change = { 0 };

    if (!json_is_object(value))
        return vector_read_feature_set(r, at, value, features);
    if (!vector_read_object(r, at, value, change_members, &change))
        return false;
    *features = (*features | change.add) & ~change.remove;
    return true;
}

static VECTOR_READER(read_serial)
{
    char *serial = ((struct vblk_device_options *)into)->serial;

    (void)m;
    if (!json_is_string(value) || json_string_length(value) > VBLK_ID_BYTES)
        return vector_fail(r, at, "a string of at most %u bytes is due here", VBLK_ID_BYTES);
    memset(serial, 0, VBLK_ID_BYTES + 1);
    memcpy(serial, json_string_value(value), json_string_length(value));
    return true;
}

static VECTOR_READER(read_readings)
{
    struct vblk_readings *readings = &((struct vblk_device_options *)into)->readings;
    char why[128] = "";
    const char *text = NULL;
    size_t i;
    json_t *child;

    (void)m;
    if (!json_is_array(value))
        return vector_fail(r, at, "a list like [\"AMB-02=ignore\"] is due here");
    json_array_foreach(value, i, child) {
        struct vector_path here = { at, NULL, i };

        if (!vector_read_text(r, &here, child, &text))
            return false;
        if (vblk_readings_set(readings, text, why, sizeof(why)) != VBLK_OK)
            return vector_fail(r, &here, "%s", why);
    }
    return true;
}

static const struct vector_member device_members[] = {
    { "features", read_offer, OPTION(features), 0, 8, false, NULL },
    NUMBERS(NUMBER)
    FLAG(writeback),
    FLAG(write_zeroes_may_unmap),
    { "serial", read_serial, 0, 0, 0, false, NULL },
    { "readings", read_readings, 0, 0, 0, false, NULL },
    END
};

int vector_device_has(const char *name)
{
    for (const struct vector_member *m = device_members; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m->read == vector_read_number ? VECTOR_DEVICE_NUMBER
                   : m->read == vector_read_bool ? VECTOR_DEVICE_FLAG
                                                 : VECTOR_DEVICE_NONE;
    return VECTOR_DEVICE_NONE;
}

bool vector_read_device(struct vector_reader *r, const struct vector_path *at, json_t *value,
                        struct vblk_device_options *out)
{
    return vector_read_object(r, at, value, device_members, out);
}

static void put_field(uint8_t config[VBLK_CONFIG_MAX], const struct vblk_config_field *field, uint64_t value)
{
    for (unsigned i = 0; i < field->width && field->offset + i < VBLK_CONFIG_MAX; i++)
        config[field->offset + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_field(const uint8_t config[VBLK_CONFIG_MAX], const struct vblk_config_field *field)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < field->width && field->offset + i < VBLK_CONFIG_MAX; i++)
        value |= (uint64_t)config[field->offset + i] << 8 * i;
    return value;
}

static VECTOR_READER(read_config)
{
    struct vblk_config_field field;
    const char *key;
    json_t *child;
    uint64_t number;

    if (!json_is_object(value))
        return vector_fail(r, at, "an object of configuration fields is due here");
    json_object_foreach(value, key, child) {
        struct vector_path here = { at, key, 0 };

        if (!vector_config_field(r, key, &field))
            return vector_fail_key(r, &here, "no configuration field \"%.40s\"", key);
        if (!vector_read_value(r, &here, child, field.width, &number, NULL))
            return false;
        put_field((uint8_t *)into + m->offset, &field, number);
    }
    return true;
}

static const struct vector_member puppet_members[] = {
    { "features", read_offer, offsetof(struct vblk_puppet, features), 0, 8, false, NULL },
    { "config", read_config, offsetof(struct vblk_puppet, config), 0, 0, false, NULL },
    { "config_length", vector_read_number, offsetof(struct vblk_puppet, config_length), 0, 4, false, NULL },
    { "num_queues", vector_read_number, offsetof(struct vblk_puppet, num_queues), 0, 2, false, NULL },
    { "queue_max", vector_read_number, offsetof(struct vblk_puppet, queue_max), 0, 2, false, NULL },
    END
};

bool vector_read_puppet(struct vector_reader *r, const struct vector_path *at, json_t *value, struct vblk_puppet *out)
{
    if (!vector_read_object(r, at, value, puppet_members, out))
        return false;
    if (out->config_length > VBLK_CONFIG_MAX)
        return vector_fail(r, &(struct vector_path){ at, "config_length", 0 }, "more than %u", VBLK_CONFIG_MAX);
    return true;
}

/* What a puppet shows by default: ordinary values, none of which is a limit that gets in the way. */
static const struct vector_word puppet_fields[] = {
    { "capacity", 2048 },
    { "size_max", 65536 },
    { "seg_max", 30 },
    { "cylinders", 2 },
    { "heads", 16 },
    { "sectors", 63 },
    { "blk_size", 512 },
    { "physical_block_exp", 3 },
    { "min_io_size", 8 },
    { "opt_io_size", 64 },
    { "writeback", 1 },
    { "num_queues", 4 },
    { "max_discard_sectors", 1024 },
    { "max_discard_seg", 4 },
    { "discard_sector_alignment", 8 },
    { "max_write_zeroes_sectors", 1024 },
    { "max_write_zeroes_seg", 4 },
    { "write_zeroes_may_unmap", 1 },
    { "max_secure_erase_sectors", 1024 },
    { "max_secure_erase_seg", 4 },
    { "secure_erase_sector_alignment", 8 },
    { "max_provision_sectors", 1024 },
    { "max_provision_seg", 4 },
    { NULL, 0 },
};
/* Ring formats and the like are for those who ask for them: the default stays the same when more becomes possible. */
static const char *const puppet_features[] = {
    "SIZE_MAX", "SEG_MAX", "GEOMETRY", "BLK_SIZE", "FLUSH", "TOPOLOGY", "CONFIG_WCE", "MQ",
    "DISCARD", "WRITE_ZEROES", "LIFETIME", "SECURE_ERASE", "PROVISION", "VERSION_1",
};

void vector_puppet_defaults(const struct vblk_profile *profile, struct vblk_puppet *out)
{
    struct vblk_config_field field;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < sizeof(puppet_features) / sizeof(puppet_features[0]); i++) {
        int bit = vblk_feature_find(profile, puppet_features[i]);

        out->features |= bit >= 0 ? VBLK_BIT(bit) : 0;
    }
    for (const struct vector_word *f = puppet_fields; f->word; f++) {
        if (vblk_config_field_find(profile, f->word, &field))
            put_field(out->config, &field, f->value);
    }
    for (size_t i = 0; vblk_config_field_at(profile, i, &field); i++)
        out->config_length = (uint32_t)(field.offset + field.width);
    out->num_queues = 4;
    out->queue_max = 64;
}

/* The number that an option of the reference device gives a configuration field. */
static uint64_t option_of(const struct vblk_device_options *options, const char *field)
{
    if (strcmp(field, "writeback") == 0)
        return options->writeback;
    if (strcmp(field, "write_zeroes_may_unmap") == 0)
        return options->write_zeroes_may_unmap;
    for (const struct vector_member *m = device_members; m->name; m++) {
        if (m->read == vector_read_number && strcmp(m->name, field) == 0)
            return vector_fetch(options, m->offset, m->width);
    }
    return 0;
}

void vector_env_of_device(const struct vblk_device_options *options, uint64_t modelled, struct vector_env *out)
{
    struct vblk_config_field field;

    memset(out, 0, sizeof(*out));
    out->profile = options->profile;
    out->offered = options->features;
    out->modelled = modelled;
    out->capacity = options->capacity;
    out->queue_max = options->queue_max;
    out->num_queues = options->num_queues;
    for (size_t i = 0; vblk_config_field_at(&options->profile, i, &field); i++) {
        if (field.feature >= 0 && !(options->features >> field.feature & 1))
            continue;
        put_field(out->config, &field, option_of(options, field.name));
        out->config_length = (uint32_t)(field.offset + field.width);
    }
    if (options->config_length && options->config_length <= VBLK_CONFIG_MAX)
        out->config_length = options->config_length;
}

void vector_env_of_puppet(const struct vblk_puppet *puppet, const struct vblk_profile *profile, uint64_t modelled,
                          struct vector_env *out)
{
    struct vblk_config_field field;

    memset(out, 0, sizeof(*out));
    out->profile = *profile;
    out->offered = puppet->features;
    out->modelled = modelled;
    out->queue_max = puppet->queue_max;
    out->num_queues = puppet->num_queues;
    memcpy(out->config, puppet->config, sizeof(out->config));
    out->config_length = puppet->config_length;
    if (vblk_config_field_find(profile, "capacity", &field))
        out->capacity = get_field(puppet->config, &field);
}

struct announced {
    struct vblk_puppet puppet;
    const char *profile;
};
#define PUPPET(name) offsetof(struct announced, puppet.name)
static const struct vector_member announced_members[] = {
    { "profile", vector_read_string, offsetof(struct announced, profile), 0, 0, false, NULL },
    { "features", vector_read_features, PUPPET(features), 0, 8, true, NULL },
    { "config", read_config, PUPPET(config), 0, 0, true, NULL },
    { "config_length", vector_read_number, PUPPET(config_length), 0, 4, true, NULL },
    { "num_queues", vector_read_number, PUPPET(num_queues), 0, 2, true, NULL },
    { "queue_max", vector_read_number, PUPPET(queue_max), 0, 2, true, NULL },
    END
};

/* The name of the profile comes first: the other members' names depend on it. */
static bool read_announced(struct vector_reader *r, uint64_t modelled, struct vector_env *out)
{
    const json_t *name = json_object_get(r->file->root, "profile");
    struct announced a = { 0 };

    r->scope.profile = json_is_string(name) ? vblk_profile_find(json_string_value(name)) : vblk_profile_default();
    if (!r->scope.profile)
        return vector_fail(r, &(struct vector_path){ NULL, "profile", 0 }, "no such profile");
    if (!vector_read_object(r, NULL, r->file->root, announced_members, &a))
        return false;
    if (a.puppet.config_length > VBLK_CONFIG_MAX)
        return vector_fail(r, &(struct vector_path){ NULL, "config_length", 0 }, "more than %u", VBLK_CONFIG_MAX);
    vector_env_of_puppet(&a.puppet, r->scope.profile, modelled ? modelled : a.puppet.features, out);
    return true;
}

bool vector_env_load(const char *path, uint64_t modelled, struct vector_env *out, struct vector_error *error)
{
    struct vector_file *file = vector_parse(path, error);
    struct vector_reader r = { .file = file };
    bool fine = file && read_announced(&r, modelled, out);

    if (file && !fine)
        vector_report(&r, error);
    vector_free(file);
    return fine;
}
