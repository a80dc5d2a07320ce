/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of faults, and the text that names one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static const struct fault_option common[FAULT_COMMON] = {
    [FAULT_AFTER] = { "after", 0, UINT64_MAX, NULL },
    [FAULT_EVERY] = { "every", 1, UINT64_MAX, NULL },
    [FAULT_TIMES] = { "times", 0, UINT64_MAX, NULL },
};

static const struct fault_row *row_at(size_t i)
{
    const struct fault_row *const tables[] = { faults_answer, faults_data, faults_control };

    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct fault_row *row = tables[t]; row->info.name; row++) {
            if (!i--)
                return row;
        }
    }
    return NULL;
}

bool vblk_fault_at(size_t i, struct vblk_fault_info *out)
{
    const struct fault_row *row = row_at(i);

    if (row)
        *out = row->info;
    return row != NULL;
}

static const struct fault_row *find_row(const char *name, size_t len)
{
    const struct fault_row *row;

    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        if (strlen(row->info.name) == len && memcmp(row->info.name, name, len) == 0)
            return row;
    }
    return NULL;
}

bool fault_due(const struct vblk_device *device)
{
    const struct vblk_fault *fault = fault_of(device);
    const uint64_t every = fault->common[FAULT_EVERY] ? fault->common[FAULT_EVERY] : 1;
    uint64_t *notes = vblk_device_notes((struct vblk_device *)(uintptr_t)device);
    const uint64_t n = notes[0]++;

    if (n < fault->common[FAULT_AFTER] || (n - fault->common[FAULT_AFTER]) % every)
        return false;
    return !fault->common[FAULT_TIMES] || notes[1]++ < fault->common[FAULT_TIMES];
}

/* The place of the option called [name, name + len), or NULL. */
static uint64_t *find_option(struct vblk_fault *fault, const char *name, size_t len, const struct fault_option **option)
{
    for (size_t i = 0; i < FAULT_COMMON && fault->row->info.counted; i++) {
        *option = &common[i];
        if (strlen(common[i].name) == len && memcmp(common[i].name, name, len) == 0)
            return &fault->common[i];
    }
    for (size_t i = 0; i < FAULT_OPTIONS && fault->row->option[i].name; i++) {
        *option = &fault->row->option[i];
        if (strlen((*option)->name) == len && memcmp((*option)->name, name, len) == 0)
            return &fault->value[i];
    }
    return NULL;
}

static bool take_text(struct vblk_fault *fault, const char *text, size_t len, char *why, size_t why_size)
{
    if (!len || len >= sizeof fault->text) {
        snprintf(why, why_size, "'%.*s' is no word of 1 to %zu letters", (int)(len < 60 ? len : 60), text,
                 sizeof fault->text - 1);
        return false;
    }
    memcpy(fault->text, text, len);
    fault->text[len] = '\0';
    return true;
}

static bool take_number(const struct fault_option *option, uint64_t *value, const char *text, size_t len, char *why,
                        size_t why_size)
{
    char digits[24] = "", *end = digits;

    if (len < sizeof digits)
        memcpy(digits, text, len);
    errno = 0;
    if (digits[0] >= '0' && digits[0] <= '9')
        *value = strtoull(digits, &end, 0);
    if (end != digits && !*end && !errno && *value <= option->most)
        return true;
    snprintf(why, why_size, "%s must be a number up to %llu, not '%.*s'", option->name,
             (unsigned long long)option->most, (int)(len < 60 ? len : 60), text);
    return false;
}

/* One option=value. */
static bool take_option(struct vblk_fault *fault, const char *text, size_t len, char *why, size_t why_size)
{
    const char *equals = memchr(text, '=', len);
    const size_t name = equals ? (size_t)(equals - text) : len;
    const struct fault_option *option = NULL;
    uint64_t *value = find_option(fault, text, name, &option);

    if (!value) {
        snprintf(why, why_size, "fault %s has no option '%.*s'; it takes: %s%s%s", fault->row->info.name,
                 (int)(name < 60 ? name : 60), text, fault->row->info.options,
                 fault->row->info.counted && fault->row->info.options[0] ? ", " : "",
                 fault->row->info.counted          ? "after=0, every=1, times=0"
                 : fault->row->info.options[0] != 0 ? ""
                                                   : "none");
        return false;
    }
    if (!equals) {
        snprintf(why, why_size, "option %s of fault %s needs a value", option->name, fault->row->info.name);
        return false;
    }
    return option->word ? take_text(fault, equals + 1, len - name - 1, why, why_size)
                        : take_number(option, value, equals + 1, len - name - 1, why, why_size);
}

static bool take_options(struct vblk_fault *fault, const char *text, char *why, size_t why_size)
{
    while (*text) {
        const size_t len = strcspn(text, ",");

        if (!take_option(fault, text, len, why, why_size))
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

static void presets(struct vblk_fault *fault)
{
    for (size_t i = 0; i < FAULT_COMMON; i++)
        fault->common[i] = common[i].preset;
    for (size_t i = 0; i < FAULT_OPTIONS; i++) {
        fault->value[i] = fault->row->option[i].preset;
        if (fault->row->option[i].word)
            snprintf(fault->text, sizeof fault->text, "%s", fault->row->option[i].word);
    }
}

struct vblk_fault *vblk_fault_new(const char *spec, char *why, size_t why_size)
{
    const size_t name = strcspn(spec, ":");
    const struct fault_row *row = find_row(spec, name);
    struct vblk_fault *fault;
    char ignored[1];

    why_size = why ? why_size : sizeof ignored;
    why = why ? why : ignored;
    if (!row) {
        snprintf(why, why_size, "there is no fault '%.*s'", (int)(name < 60 ? name : 60), spec);
        return NULL;
    }
    fault = calloc(1, sizeof *fault);
    if (!fault) {
        snprintf(why, why_size, "no memory left");
        return NULL;
    }
    fault->row = row;
    fault->behaviour = row->behaviour;
    snprintf(fault->spec, sizeof fault->spec, "%s", spec);
    fault->behaviour.name = fault->spec;
    if (row->ring)
        fault->behaviour.ring = vblk_ring_fault_find(row->ring);
    presets(fault);
    if (!spec[name] || take_options(fault, spec + name + 1, why, why_size))
        return fault;
    free(fault);
    return NULL;
}

void vblk_fault_free(struct vblk_fault *fault)
{
    free(fault);
}

const struct vblk_behaviour *vblk_fault_behaviour(const struct vblk_fault *fault)
{
    return &fault->behaviour;
}
