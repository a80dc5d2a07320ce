/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test vectors: files of JSON that turn into scripts.
 *
 * A file is read once into a struct vector_file. A case becomes a script when its expressions are resolved
 * against what a target announced (struct vector_env); cases with a sweep become several scripts.
 */
#ifndef CONFORMANCE_VECTOR_H
#define CONFORMANCE_VECTOR_H

#include <vblk/clause.h>
#include <vblk/device.h>
#include <vblk/script.h>

#include <stdio.h>

struct vector_file; /* opaque; a whole file, jansson's tree inside */

/* Where and why a file was rejected. */
struct vector_error {
    char file[256];
    int line, column;
    char reason[256];
};

enum vector_kind {
    VECTOR_TARGET, /* a stimulus for a device under test */
    VECTOR_EVENTS  /* a whole sequence of both sides, for the oracle alone */
};

enum vector_expectation { VECTOR_HELD, VECTOR_BROKEN, VECTOR_DOUBTED, VECTOR_NOTED };

#define VECTOR_CLAUSES_MAX 16

/* Ring formats, as a set. */
enum { VECTOR_SPLIT = 1, VECTOR_PACKED = 2, VECTOR_RINGS = VECTOR_SPLIT | VECTOR_PACKED };

/* A case as the file describes it, before numbers are resolved. Strings live as long as the file. */
struct vector_case {
    const char *area;        /* "provision" */
    const char *clause;      /* the file's clause, "PROV-DEV-01" */
    const char *name;        /* "each-reserved-bit" */
    const char *what;        /* one sentence */
    const char *consequence; /* of a violation; from the file when the case has none */
    enum vector_kind kind;
    enum vector_expectation expect;           /* VECTOR_EVENTS: of the file's clause */
    const char *also[VECTOR_CLAUSES_MAX];     /* other clauses that may be blamed in a broken sequence */
    size_t also_count;
    const char *exercises[VECTOR_CLAUSES_MAX]; /* further clauses it exercises */
    size_t exercises_count;
    bool changes_disk;
    bool long_run;           /* takes more than a second on a slow target */
    const char *flags[8];    /* must, over-strict, legacy, security, … */
    size_t flag_count;
    uint32_t host_actions;   /* bit n: needs action n of the target */
    uint8_t transport;       /* enum vblk_transport; VECTOR_EVENTS: whose registers the events mean */
    uint8_t rings;           /* formats that it can be played on */
    size_t sweep;            /* how many scripts it becomes at most; 1 without a sweep */
};

/* What expressions can name: the target's configuration and features, as announced. */
struct vector_env {
    struct vblk_profile profile;
    uint64_t offered;
    uint64_t capacity;
    uint16_t queue_max;      /* of queue 0 */
    uint16_t num_queues;
    uint8_t config[VBLK_CONFIG_MAX];
    uint32_t config_length;
    uint64_t modelled;       /* features that the suite's driver can accept */
};

/* A resolved script and all the storage it points to. */
struct vector_script;

struct vector_file *vector_load(const char *path, struct vector_error *error);
void vector_free(struct vector_file *file);
size_t vector_case_count(const struct vector_file *file);
const struct vector_case *vector_case_at(const struct vector_file *file, size_t i);

/*
 * What a case asks of a device that can be configured at will (the reference device): the defaults of @out with
 * the case's "device" members applied. Returns false with a reason if the case can't run on the profile at all.
 */
bool vector_device_options(const struct vector_file *file, size_t i, struct vblk_device_options *out, char *reason,
                           size_t reason_size);
/* Whether a case can run on a target that announces @env; if not, @reason says why in one phrase. */
bool vector_applies(const struct vector_file *file, size_t i, const struct vector_env *env, char *reason,
                    size_t reason_size);
/* Resolve variation @n (0 … sweep-1; fewer may come: returns NULL with an empty reason past the last). */
struct vector_script *vector_resolve(const struct vector_file *file, size_t i, size_t n, const struct vector_env *env,
                                     char *reason, size_t reason_size);
const struct vblk_script *vector_script_of(const struct vector_script *script);
void vector_script_free(struct vector_script *script);

/* A file of many cases may also come from memory: @path is its name in messages only. */
struct vector_file *vector_load_text(const char *text, size_t length, const char *path, struct vector_error *error);
const char *vector_file_path(const struct vector_file *file);
const char *vector_clause_of(const struct vector_file *file);  /* "PROV-DEV-01" */
const char *vector_summary_of(const struct vector_file *file); /* one sentence */

/* Whether "device" has a member of this name, and of what kind. */
enum { VECTOR_DEVICE_NONE, VECTOR_DEVICE_NUMBER, VECTOR_DEVICE_FLAG };
int vector_device_has(const char *name);

/* What a reference device with @options announces; @modelled as in struct vector_env. */
void vector_env_of_device(const struct vblk_device_options *options, uint64_t modelled, struct vector_env *out);
/* What a puppet announces. */
void vector_env_of_puppet(const struct vblk_puppet *puppet, const struct vblk_profile *profile, uint64_t modelled,
                          struct vector_env *out);
/* What a file of JSON says that a target announced; @modelled 0: all that it offers. */
bool vector_env_load(const char *path, uint64_t modelled, struct vector_env *out, struct vector_error *error);

/* The canonical layout of a file, to be freed; NULL: no memory. */
char *vector_format(const struct vector_file *file);
/* The bytes of the file as they were read. */
const char *vector_text_of(const struct vector_file *file, size_t *length);
/* Print a resolved script for people, one step a line. */
void vector_print_script(FILE *out, const struct vblk_script *script);

#endif /* CONFORMANCE_VECTOR_H */
