/* SPDX-License-Identifier: BSD-3-Clause */
#include <vblk/clause.h>

#include <string.h>

#include "ids.h"
#include "say.h"

/** What a reading is in the table, to count those of a row. */
struct reading {
    const char *name;
    const char *what;
};

static const struct vblk_ambiguity ambiguities[VBLK_AMB_COUNT] = {
#define AMBIGUITY(token, id_, title_, facts_, treatment_, ...)                                                         \
    [VBLK_##token] = { .id = id_,                                                                                      \
                       .title = title_,                                                                                \
                       .facts = facts_,                                                                                \
                       .treatment = treatment_,                                                                        \
                       .readings = sizeof((struct reading[]){ __VA_ARGS__ }) / sizeof(struct reading),                 \
                       .reading = { __VA_ARGS__ } },
#include "ambiguities.def"
#undef AMBIGUITY
};

_Static_assert(VBLK_AMB_COUNT <= VBLK_AMBIGUITIES_MAX, "struct vblk_readings has room for every ambiguity");

size_t vblk_ambiguity_count(void)
{
    return VBLK_AMB_COUNT;
}

const struct vblk_ambiguity *vblk_ambiguity_at(size_t i)
{
    return i < VBLK_AMB_COUNT ? &ambiguities[i] : NULL;
}

/** The ambiguity whose id is the @p len characters at @p id, or -1. */
static int find(const char *id, size_t len)
{
    for (int i = 0; i < VBLK_AMB_COUNT; i++) {
        if (strlen(ambiguities[i].id) == len && memcmp(ambiguities[i].id, id, len) == 0)
            return i;
    }
    return -1;
}

int vblk_ambiguity_find(const char *id)
{
    return id ? find(id, strlen(id)) : -1;
}

/** Refuse a reading, naming those that there are. */
static vblk_err no_such_reading(const struct vblk_ambiguity *amb, const char *word, char *why, size_t why_size)
{
    char words[128] = "";

    for (unsigned i = 0; i < amb->readings; i++) {
        if (i > 0)
            strncat(words, ", ", sizeof(words) - strlen(words) - 1);
        strncat(words, amb->reading[i].name, sizeof(words) - strlen(words) - 1);
    }
    return vblk_say_invalid(why, why_size, "%s has no reading '%.32s': choose one of %s", amb->id, word, words);
}

vblk_err vblk_readings_set(struct vblk_readings *readings, const char *text, char *why, size_t why_size)
{
    const char *equals = strchr(text, '=');
    size_t len;
    int i;

    if (!equals)
        return vblk_say_invalid(why, why_size, "'%.64s' is not of the form AMB-02=reading", text);
    len = (size_t)(equals - text);
    i = find(text, len);
    if (i < 0)
        return vblk_say_invalid(why, why_size, "there is no ambiguity '%.*s'", len < 32 ? (int)len : 32, text);
    for (uint8_t n = 0; n < ambiguities[i].readings; n++) {
        if (strcmp(ambiguities[i].reading[n].name, equals + 1) == 0) {
            readings->chosen[i] = n;
            return VBLK_OK;
        }
    }
    return no_such_reading(&ambiguities[i], equals + 1, why, why_size);
}
