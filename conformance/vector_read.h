/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the parts of a vector file are read: tables of members, one reader for all of them.
 *
 * The same tables serve twice. While a file is loaded everything is checked and names that depend on a target have
 * no value; when a case is resolved the same walk, with values, makes the script.
 */
#ifndef CONFORMANCE_VECTOR_READ_H
#define CONFORMANCE_VECTOR_READ_H

#include "vector.h"
#include "vector_expr.h"
#include "vector_text.h"

#include <jansson.h>

#define VECTOR_VARIABLES_MAX 8
#define VECTOR_SWEEP_MAX 4096u
#define VECTOR_STEPS_MAX 200000u
#define VECTOR_SEGMENTS_MAX 16384u

/* Storage that lives as long as what was read into it. */
struct vector_arena {
    struct vector_block *blocks;
};
void *vector_arena_get(struct vector_arena *arena, size_t size); /* zeroed; NULL: no memory */
void vector_arena_free(struct vector_arena *arena);

struct vector_variable {
    const char *name;
    uint64_t value;
    bool known;
};

/* What names stand for. */
struct vector_scope {
    const struct vblk_profile *profile; /* NULL: a name of any profile will do, values unknown */
    const struct vector_env *env;       /* NULL: what a target announces is unknown */
    uint64_t queue_size;
    struct vector_variable variable[VECTOR_VARIABLES_MAX];
    size_t variable_count;
};
enum vector_known vector_name(void *scope, const char *name, size_t length, uint64_t *value);
/* Whether a name means something of its own, so that no variable may have it. */
bool vector_name_taken(const char *name);

struct vector_file {
    char *text;       /* terminated */
    size_t length;
    json_t *root;
    char *path;
    const struct vblk_clause *clause;
    const char *summary, *consequence;
    struct vector_case *cases;
    size_t count;
};

struct vector_reader {
    const struct vector_file *file;
    struct vector_scope scope;
    struct vector_arena *arena;
    bool checking;
    size_t at;        /* where the first error is, in the text */
    char reason[256]; /* "": none */
};

struct vector_member {
    const char *name;
    bool (*read)(struct vector_reader *r, const struct vector_path *at, json_t *value, const struct vector_member *m,
                 void *into);
    size_t offset;    /* in what is read into */
    size_t given;     /* offset of a bool that tells that the member was there; 0: none */
    uint8_t width;    /* bytes of a number */
    bool required;
    const void *more; /* a table of words, where one is meant */
};

struct vector_word {
    const char *word;
    uint64_t value;
};

/* vector.c: a file's bytes and tree, nothing looked at; and where a reader's first error lies. */
struct vector_file *vector_parse(const char *path, struct vector_error *error);
void vector_report(const struct vector_reader *r, struct vector_error *error);

/* Note the first error; @return false. */
bool vector_fail(struct vector_reader *r, const struct vector_path *at, const char *format, ...) VBLK_PRINTF(3, 4);
bool vector_fail_key(struct vector_reader *r, const struct vector_path *at, const char *format, ...)
    VBLK_PRINTF(3, 4);

/* Read an object by a table that ends with a NULL name. */
bool vector_read_object(struct vector_reader *r, const struct vector_path *at, json_t *value,
                        const struct vector_member *members, void *into);
/* A number of at most @width bytes; 0 while checking, if its value is unknown (then *known is false; may be NULL). */
bool vector_read_value(struct vector_reader *r, const struct vector_path *at, const json_t *value, unsigned width,
                       uint64_t *out, bool *known);
bool vector_read_feature_set(struct vector_reader *r, const struct vector_path *at, const json_t *value, uint64_t *out);
bool vector_read_text(struct vector_reader *r, const struct vector_path *at, const json_t *value, const char **out);
bool vector_is_name(const char *text, size_t max); /* a letter, then letters, digits, '-' and '_' */

/* Members' readers. */
#define VECTOR_READER(name)                                                                                            \
    bool name(struct vector_reader *r, const struct vector_path *at, json_t *value, const struct vector_member *m,     \
              void *into)
VECTOR_READER(vector_read_any);      /* looked at elsewhere */
VECTOR_READER(vector_read_number);   /* unsigned of @width bytes at @offset */
VECTOR_READER(vector_read_bool);     /* bool at @offset */
VECTOR_READER(vector_read_bool_not); /* its opposite */
VECTOR_READER(vector_read_string);   /* const char * at @offset */
VECTOR_READER(vector_read_word);     /* unsigned of @width bytes: one of @more */
VECTOR_READER(vector_read_features); /* uint64_t: a list of names, or an expression */
VECTOR_READER(vector_read_bytes);    /* struct vblk_bytes */

void vector_store(void *into, const struct vector_member *m, uint64_t value);
uint64_t vector_fetch(const void *from, size_t offset, unsigned width);

/* A step while it is read; the step comes first, so that a table's offsets serve both. */
struct vector_step_reading {
    struct vblk_step step;
    const char *name;     /* of the request or result that the step makes or means */
    const char *place_of; /* the request that the step's address counts from */
    const char *field, *note;
    uint64_t sectors, value;
    bool name_given, place_given, queue_given, field_given, value_given, offset_given, length_given, data_given;
    bool sectors_given, type_known, in_given, out_given, segments_given;
    bool wait, wait_given, answered_given, data_checked;
};

/* vector_request.c */
VECTOR_READER(vector_read_segments);
VECTOR_READER(vector_read_readable_frames);
VECTOR_READER(vector_read_writable_frames);
VECTOR_READER(vector_read_type);
bool vector_request_finish(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading);
bool vector_request_writes(const struct vector_step_reading *reading);

/* vector_verbs.c: what each verb's members are. */
enum vector_naming { VECTOR_NAMES_NOTHING, VECTOR_NAMES_REQUEST, VECTOR_NAMES_RESULT, VECTOR_REFERS };
struct vector_verb {
    const char *word;
    bool dev;         /* the device's side */
    uint8_t kind;     /* enum vblk_step_kind */
    uint8_t action;   /* of VBLK_STEP_HOST: enum vblk_host_action */
    uint8_t a;        /* preset; a member may overwrite it */
    uint8_t naming;   /* enum vector_naming */
    const struct vector_member *members;
    bool (*finish)(struct vector_reader *r, const struct vector_path *at, struct vector_step_reading *reading);
};
extern const struct vector_verb vector_verbs[]; /* ends with a NULL word */
extern const struct vector_word vector_part_words[];

/* vector_steps.c: read "steps" into the arena. */
struct vector_steps {
    struct vblk_step *steps;
    size_t count;
    uint32_t host_actions; /* that the steps need */
    bool writes;           /* a request type that changes a disk is submitted */
    bool split;            /* a step speaks of the split ring's own structures */
    bool own_features;     /* a step says itself which features are accepted */
};
bool vector_read_steps(struct vector_reader *r, const struct vector_path *at, json_t *value, enum vector_kind kind,
                       struct vector_steps *out);

/* vector_setup.c: how devices and puppets are set up. @out holds the defaults. */
bool vector_read_device(struct vector_reader *r, const struct vector_path *at, json_t *value,
                        struct vblk_device_options *out);
bool vector_read_puppet(struct vector_reader *r, const struct vector_path *at, json_t *value, struct vblk_puppet *out);
void vector_puppet_defaults(const struct vblk_profile *profile, struct vblk_puppet *out);

/* vector_names.c */
/* Find a configuration field by name, in the reader's profile or, while checking, in any. */
bool vector_config_field(const struct vector_reader *r, const char *name, struct vblk_config_field *out);
int vector_feature_find(const struct vector_scope *scope, const char *name);

/* vector_case.c: what "needs", "negotiate" and the like ask for. */
struct vector_demands {
    uint64_t features, lacks;    /* offered, not offered */
    uint64_t only, without;
    bool has_only;
};
bool vector_read_demands(struct vector_reader *r, size_t i, struct vector_demands *out);
/* Check a whole case while its file is loaded. */
bool vector_check_case(struct vector_reader *r, size_t i);
/* Give the sweep's variables their values of variation @n; *total: how many variations there are. */
bool vector_sweep(struct vector_reader *r, size_t i, uint64_t n, uint64_t *total);
/* The case's "queue_size" and "queues", 0 where it is silent. */
bool vector_read_queues(struct vector_reader *r, size_t i, uint16_t *size, uint16_t *count);
/* A case's member, and the way to it; NULL if it is not there. */
struct vector_case_path {
    struct vector_path root, index, member;
};
json_t *vector_case_member(const struct vector_file *file, size_t i, const char *name, struct vector_case_path *path);

#endif /* CONFORMANCE_VECTOR_READ_H */
