/* SPDX-License-Identifier: BSD-3-Clause */
#include "common_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

void common_sorry(struct common_options *common, const char *option, const char *value, const char *instead)
{
    common->done = cmd_sorry(common->command, "%s '%s': %s", option, value, instead);
}

uint64_t common_number(struct common_options *common, const char *option, const char *value, uint64_t most)
{
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(value, &end, 0);
    if (!isdigit((unsigned char)value[0]) || *end || errno || n > most)
        common_sorry(common, option, value, "a whole number in range is needed");
    return n;
}

int common_word(struct common_options *common, const char *option, const char *value, const char *const *words,
                size_t count, const char *instead)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], value) == 0)
            return (int)i;
    common_sorry(common, option, value, instead);
    return -1;
}

static void take_profile(struct common_options *common, const char *value)
{
    const struct vblk_profile *profile = vblk_profile_find(value);

    if (profile)
        common->run.profile = *profile;
    else
        common_sorry(common, "unknown profile", value, "use 1.2+provision, 1.2, 1.4, 1.4+provision or linux-rfc");
}

static void take_numbers(struct common_options *common, const char *value)
{
    common->numbers = value;
}

static void take_level(struct common_options *common, const char *value)
{
    static const char *const levels[] = { "interop", "strict", "legacy" };
    int n = common_word(common, "unknown level", value, levels, 3, "use interop, strict or legacy");

    common->run.strictness = (uint8_t)(n < 0 ? 0 : n);
}

static void take_reading(struct common_options *common, const char *value)
{
    char why[256] = "";

    if (vblk_readings_set(&common->run.readings, value, why, sizeof(why)))
        common_sorry(common, "--reading", value, why);
}

static void take_seed(struct common_options *common, const char *value)
{
    common->run.seed = common_number(common, "--seed", value, INT64_MAX);
}

static void take_vectors(struct common_options *common, const char *value)
{
    common->vectors = value;
}

static void take_report(struct common_options *common, const char *value)
{
    const char **longer = realloc(common->reports, (common->report_count + 1) * sizeof(*longer));

    if (!longer)
        abort();
    common->reports = longer;
    longer[common->report_count++] = value;
}

static void take_expect(struct common_options *common, const char *value)
{
    common->expect = value;
}

static void take_fail_on(struct common_options *common, const char *value)
{
    static const char *const strengths[] = { "must", "should" };

    common->run.should_fails = common_word(common, "--fail-on", value, strengths, 2, "use must or should") == 1;
}

static void take_record(struct common_options *common, const char *value)
{
    common->record = value;
}

static void take_times(struct common_options *common, const char *value)
{
    (void)value;
    common->record_times = true;
}

static void take_quiet(struct common_options *common, const char *value)
{
    (void)value;
    common->quiet = true;
}

static void take_verbose(struct common_options *common, const char *value)
{
    (void)value;
    common->verbose = true;
}

static void take_color(struct common_options *common, const char *value)
{
    static const char *const colors[] = { "never", "always", "auto" };
    int n = common_word(common, "--color", value, colors, 3, "use auto, always or never");

    common->color = n == 2 ? -1 : n;
}

#define HAS_VALUE required_argument, NULL, 0
#define HAS_NONE no_argument, NULL, 0

const struct option common_options[] = {
    { "profile", HAS_VALUE },  { "provision-numbers", HAS_VALUE }, { "level", HAS_VALUE },
    { "reading", HAS_VALUE },  { "seed", HAS_VALUE },              { "vectors", HAS_VALUE },
    { "report", HAS_VALUE },   { "expect", HAS_VALUE },            { "fail-on", HAS_VALUE },
    { "record", HAS_VALUE },   { "record-times", HAS_NONE },
    { "quiet", HAS_NONE },     { "verbose", HAS_NONE },            { "color", HAS_VALUE },
    { NULL, 0, NULL, 0 },
};

/* In the same order. What changes the verdicts goes into the command that runs the same again. */
static const struct {
    void (*take)(struct common_options *common, const char *value);
    bool replayed;
} takers[] = {
    { take_profile, true }, { take_numbers, true }, { take_level, true },    { take_reading, true },
    { take_seed, false },    { take_vectors, true }, { take_report, false },  { take_expect, false },
    { take_fail_on, false }, { take_record, false }, { take_times, false }, { take_quiet, false }, { take_verbose, false }, { take_color, false },
};

_Static_assert(sizeof(takers) / sizeof(takers[0]) + 1 == sizeof(common_options) / sizeof(common_options[0]),
               "one taker an option");

void common_init(struct common_options *common, const char *command)
{
    *common = (struct common_options){ .command = command, .color = -1, .done = -1 };
    common->run.profile = *vblk_profile_default();
    common->run.seed = 1;
    (void)snprintf(common->replay, sizeof(common->replay), "vblk %s", command);
}

void common_record(struct common_options *common)
{
    int status;

    if (common->done >= 0 || !common->record)
        return;
    status = cmd_record(common->command, common->record, common->record_times, &common->run.recorder);
    if (status >= 0)
        common->done = status;
}

int common_recorded(struct common_options *common, int status)
{
    status = cmd_recorded(common->command, common->run.recorder, status);
    common->run.recorder = NULL;
    return status;
}

void common_free(struct common_options *common)
{
    free(common->reports);
    common->reports = NULL;
}

bool common_take(struct common_options *common, const char *name, const char *value)
{
    char text[40];

    for (size_t i = 0; common_options[i].name; i++) {
        if (strcmp(common_options[i].name, name) != 0)
            continue;
        takers[i].take(common, value);
        if (takers[i].replayed) {
            (void)snprintf(text, sizeof(text), "--%s", name);
            common_replay(common, text);
            common_replay(common, value);
        }
        return true;
    }
    return false;
}

/* --provision-numbers applies to the profile, whichever comes first on the line. */
void common_finish(struct common_options *common)
{
    char why[256] = "", seed[24];

    if (common->done >= 0)
        return;
    if (common->numbers && vblk_profile_renumber(&common->run.profile, common->numbers, why, sizeof(why)))
        common_sorry(common, "--provision-numbers", common->numbers, why);
    else if (vblk_profile_check(&common->run.profile, why, sizeof(why)))
        common->done = cmd_sorry(common->command, "%s", why);
    if (common->show_seed || common->run.seed != 1) {
        (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)common->run.seed);
        common_replay(common, "--seed");
        common_replay(common, seed);
    }
    common->run.replay = common->replay;
}

void common_replay(struct common_options *common, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%";
    size_t at = strlen(common->replay), size = sizeof(common->replay);
    bool quote = text[0] == '\0' || text[strspn(text, plain)] != '\0';

    at += (size_t)snprintf(common->replay + at, size - at, quote ? " '" : " ");
    for (; *text && at + 8 < size; text++)
        at += (size_t)snprintf(common->replay + at, size - at, *text == '\'' ? "'\\''" : "%c", *text);
    if (quote && at + 2 < size)
        (void)snprintf(common->replay + at, size - at, "'");
}

static bool dumb(void)
{
    const char *term = getenv("TERM");

    return !term || strcmp(term, "dumb") == 0;
}

bool common_colored(const struct common_options *common)
{
    const char *no = getenv("NO_COLOR");

    if (common->color >= 0)
        return common->color == 1;
    return isatty(STDOUT_FILENO) && !(no && no[0]) && !dumb();
}

bool common_on_terminal(void)
{
    return isatty(STDERR_FILENO) && !dumb();
}
