/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const char help_text[] =
    "Usage: vblk test [TARGET] [OPTIONS]\n\n"
    "Runs the conformance suite against a virtio-blk device.\n\n"
    "Targets\n"
    "  --builtin                  the reference device, in process (default)\n"
    "  --vhost-user SOCKET        a vhost-user back-end that listens on SOCKET\n"
    "  --qtest SOCKET --memory FILE\n"
    "                             the device of a QEMU without a guest, by its qtest socket and its RAM\n\n"
    "What the text says\n"
    "  --profile NAME             1.2+provision (default), 1.2, 1.4, 1.4+provision, linux-rfc\n"
    "  --provision-numbers B,T,O  the proposal's feature bit, request type and configuration offset\n"
    "  --level LEVEL              interop (default), strict, legacy\n"
    "  --reading AMB-nn=WORD      read an open place of the text otherwise; repeatable ('vblk clauses AMB-nn')\n"
    "  --ring split|packed|both   the ring format; default: each that the device offers;\n"
    "                             both: and compare one stream of requests over every kind of ring\n\n"
    "What to run\n"
    "  --area A, --clause ID, --case NAME\n"
    "                             select; repeatable, globs allowed, a leading '!' excludes\n"
    "  --list                     print what would run, run nothing\n"
    "  --vectors DIR              the vectors ($VBLK_VECTORS, else those that came with vblk)\n"
    "  --allow-data-loss          the disk is scratch: also run what changes it\n"
    "  --seed N                   default 1\n"
    "  --timeout SECONDS          for one case; default 5\n"
    "  --restart COMMAND          a shell command that starts a device again which does not come back by itself\n\n"
    "What comes of it\n"
    "  --report FORMAT[:FILE]     text (default), json, junit, tap, html, markdown; repeatable\n"
    "  --expect FILE              expected failures\n"
    "  --fail-on must|should      what makes the run fail; default must\n"
    "  --record FILE              write a trace, for 'vblk check'; --record-times: with the time of each event\n"
    "  --quiet, --verbose, --color auto|always|never\n\n"
    "Exit status: 0 all that was exercised held, 1 a violation that was not expected or an expected one that did not\n"
    "happen, 2 wrong usage or the environment failed, 77 nothing could be exercised.\n";

/* Options that a later version has are known, so that they can be answered plainly. */
enum option_id {
    OPT_HELP = 256,
    OPT_BUILTIN,
    OPT_VHOST_USER,
    OPT_QTEST,
    OPT_MEMORY,
    OPT_PLUGIN,
    OPT_PCI,
    OPT_PROFILE,
    OPT_NUMBERS,
    OPT_LEVEL,
    OPT_READING,
    OPT_RING,
    OPT_AREA,
    OPT_CLAUSE,
    OPT_CASE,
    OPT_LIST,
    OPT_VECTORS,
    OPT_LOSS,
    OPT_SEED,
    OPT_TIMEOUT,
    OPT_REPORT,
    OPT_EXPECT,
    OPT_FAIL_ON,
    OPT_RECORD,
    OPT_RECORD_TIMES,
    OPT_RESTART,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_COLOR
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "builtin", no_argument, NULL, OPT_BUILTIN },
    { "vhost-user", required_argument, NULL, OPT_VHOST_USER },
    { "qtest", required_argument, NULL, OPT_QTEST },
    { "memory", required_argument, NULL, OPT_MEMORY },
    { "plugin", required_argument, NULL, OPT_PLUGIN },
    { "pci", required_argument, NULL, OPT_PCI },
    { "profile", required_argument, NULL, OPT_PROFILE },
    { "provision-numbers", required_argument, NULL, OPT_NUMBERS },
    { "level", required_argument, NULL, OPT_LEVEL },
    { "reading", required_argument, NULL, OPT_READING },
    { "ring", required_argument, NULL, OPT_RING },
    { "area", required_argument, NULL, OPT_AREA },
    { "clause", required_argument, NULL, OPT_CLAUSE },
    { "case", required_argument, NULL, OPT_CASE },
    { "list", no_argument, NULL, OPT_LIST },
    { "vectors", required_argument, NULL, OPT_VECTORS },
    { "allow-data-loss", no_argument, NULL, OPT_LOSS },
    { "seed", required_argument, NULL, OPT_SEED },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "report", required_argument, NULL, OPT_REPORT },
    { "expect", required_argument, NULL, OPT_EXPECT },
    { "fail-on", required_argument, NULL, OPT_FAIL_ON },
    { "record", required_argument, NULL, OPT_RECORD },
    { "record-times", no_argument, NULL, OPT_RECORD_TIMES },
    { "restart", required_argument, NULL, OPT_RESTART },
    { "quiet", no_argument, NULL, OPT_QUIET },
    { "verbose", no_argument, NULL, OPT_VERBOSE },
    { "color", required_argument, NULL, OPT_COLOR },
    { 0 },
};

static void sorry(struct test_options *options, const char *what, const char *value, const char *instead)
{
    options->done = cmd_sorry("test", "%s '%s': %s", what, value, instead);
}

/* Position of a word in a list of words, or -1 with a sentence. */
static int word(struct test_options *options, const char *option, const char *value, const char *const *words,
                size_t count, const char *instead)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], value) == 0)
            return (int)i;
    sorry(options, option, value, instead);
    return -1;
}

/* A decimal or 0x number up to @most. */
static uint64_t number(struct test_options *options, const char *option, const char *value, uint64_t most)
{
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(value, &end, 0);
    if (!isdigit((unsigned char)value[0]) || *end || errno || n > most)
        sorry(options, option, value, "a whole number in range is needed");
    return n;
}

/* Seconds, fractions allowed. */
static unsigned milliseconds(struct test_options *options, const char *value)
{
    char *end;
    double seconds;

    errno = 0;
    seconds = strtod(value, &end);
    if (end == value || *end || errno || !(seconds >= 0.01 && seconds <= 86400.0)) {
        sorry(options, "--timeout", value, "seconds from 0.01 to 86400 are needed");
        return 0;
    }
    return (unsigned)(seconds * 1000.0);
}

static void append(const char ***list, size_t *count, const char *value)
{
    const char **longer = realloc(*list, (*count + 1) * sizeof(**list));

    if (!longer)
        abort();
    *list = longer;
    longer[(*count)++] = value;
}

static void glob(struct runner_globs *globs, const char *value)
{
    append(&globs->globs, &globs->count, value);
}

static void set_profile(struct test_options *options, const char *value)
{
    const struct vblk_profile *profile = vblk_profile_find(value);

    if (profile)
        options->run.profile = *profile;
    else
        sorry(options, "unknown profile", value, "use 1.2+provision, 1.2, 1.4, 1.4+provision or linux-rfc");
}

static void set_ring(struct test_options *options, const char *value)
{
    static const char *const names[] = { "split", "packed", "both" };
    static const uint8_t rings[] = { VECTOR_SPLIT, VECTOR_PACKED, VECTOR_RINGS };
    int ring = word(options, "unknown ring format", value, names, 3, "use split, packed or both");

    if (ring >= 0)
        options->run.rings = rings[ring];
    options->run.streams = ring == 2;
}

static void set_reading(struct test_options *options, const char *value)
{
    char why[256] = "";

    if (vblk_readings_set(&options->run.readings, value, why, sizeof(why)))
        sorry(options, "--reading", value, why);
}

static void set_missing(struct test_options *options, const char *name)
{
    options->done = cmd_sorry("test", "this version (%s) does not have --%s yet", vblk_version(), name);
}

static const char *const levels[] = { "interop", "strict", "legacy" };
static const char *const strengths[] = { "must", "should" };
static const char *const colors[] = { "never", "always", "auto" };

static void take_text(struct test_options *options, int id, const char *value)
{
    int n;

    switch (id) {
    case OPT_PROFILE:
        set_profile(options, value);
        break;
    case OPT_READING:
        set_reading(options, value);
        break;
    case OPT_RING:
        set_ring(options, value);
        break;
    case OPT_SEED:
        options->run.seed = number(options, "--seed", value, INT64_MAX);
        break;
    case OPT_TIMEOUT:
        options->run.timeout_ms = milliseconds(options, value);
        break;
    case OPT_LEVEL:
        n = word(options, "unknown level", value, levels, 3, "use interop, strict or legacy");
        options->run.strictness = (uint8_t)(n < 0 ? 0 : n);
        break;
    case OPT_FAIL_ON:
        options->run.should_fails = word(options, "--fail-on", value, strengths, 2, "use must or should") == 1;
        break;
    default:
        n = word(options, "--color", value, colors, 3, "use auto, always or never");
        options->color = n == 2 ? -1 : n;
        break;
    }
}

/* --provision-numbers applies to the profile, whichever comes first on the line. */
struct later {
    const char *numbers;
};

static void take(struct test_options *options, int id, const char *value, struct later *later)
{
    switch (id) {
    case OPT_HELP:
        fputs(help_text, stdout);
        options->done = cmd_finish("test", CMD_HELD);
        break;
    case OPT_BUILTIN:
        options->socket = options->qtest = options->memory = NULL;
        break;
    case OPT_VHOST_USER:
        options->socket = value;
        options->qtest = options->memory = NULL;
        break;
    case OPT_QTEST:
        options->qtest = value;
        options->socket = NULL;
        break;
    case OPT_MEMORY:
        options->memory = value;
        break;
    case OPT_PLUGIN:
        set_missing(options, "plugin");
        break;
    case OPT_PCI:
        set_missing(options, "pci");
        break;
    case OPT_RECORD:
        options->record = value;
        break;
    case OPT_RECORD_TIMES:
        options->record_times = true;
        break;
    case OPT_NUMBERS:
        later->numbers = value;
        break;
    case OPT_AREA:
        glob(&options->run.filter.areas, value);
        break;
    case OPT_CLAUSE:
        glob(&options->run.filter.clauses, value);
        break;
    case OPT_CASE:
        glob(&options->run.filter.names, value);
        break;
    case OPT_LIST:
        options->list = true;
        break;
    case OPT_VECTORS:
        options->vectors = value;
        break;
    case OPT_LOSS:
        options->run.allow_data_loss = true;
        break;
    case OPT_REPORT:
        append(&options->reports, &options->report_count, value);
        break;
    case OPT_EXPECT:
        options->expect = value;
        break;
    case OPT_RESTART:
        options->restart = value;
        break;
    case OPT_QUIET:
        options->quiet = true;
        break;
    case OPT_VERBOSE:
        options->verbose = true;
        break;
    default:
        take_text(options, id, value);
        break;
    }
}

/* One more word of the replay command, quoted where a shell needs it. */
static void replay_word(struct test_options *options, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%";
    size_t at = strlen(options->replay), size = sizeof(options->replay);
    bool quote = text[0] == '\0' || text[strspn(text, plain)] != '\0';

    at += (size_t)snprintf(options->replay + at, size - at, quote ? " '" : " ");
    for (; *text && at + 8 < size; text++)
        at += (size_t)snprintf(options->replay + at, size - at, *text == '\'' ? "'\\''" : "%c", *text);
    if (quote && at + 2 < size)
        (void)snprintf(options->replay + at, size - at, "'");
}

/*
 * What changes how a case comes out goes into the command that shows it again; where reports go does not. The ring
 * goes with the case.
 */
static void replay_option(struct test_options *options, int index, const char *value)
{
    static const int kept[] = { OPT_BUILTIN, OPT_VHOST_USER, OPT_QTEST, OPT_MEMORY,  OPT_PROFILE, OPT_NUMBERS,
                                OPT_LEVEL,   OPT_READING,    OPT_VECTORS, OPT_LOSS,  OPT_TIMEOUT,
                                OPT_RESTART };
    char name[40];

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (long_options[index].val != kept[i])
            continue;
        (void)snprintf(name, sizeof(name), "--%s", long_options[index].name);
        replay_word(options, name);
        if (value)
            replay_word(options, value);
    }
}

static void check_target(struct test_options *options)
{
    if (options->qtest && !options->memory)
        options->done = cmd_sorry("test", "--qtest needs --memory FILE, the RAM of that QEMU");
    else if (options->memory && !options->qtest)
        options->done = cmd_sorry("test", "--memory goes with --qtest SOCKET");
}

static void check_profile(struct test_options *options, const struct later *later)
{
    char why[256] = "";

    if (later->numbers && vblk_profile_renumber(&options->run.profile, later->numbers, why, sizeof(why)))
        sorry(options, "--provision-numbers", later->numbers, why);
    else if (vblk_profile_check(&options->run.profile, why, sizeof(why)))
        options->done = cmd_sorry("test", "%s", why);
}

void test_options_parse(struct test_options *options, int argc, char **argv)
{
    struct later later = { NULL };
    int got, index = 0;

    *options = (struct test_options){ .color = -1, .done = -1 };
    options->run.profile = *vblk_profile_default();
    options->run.seed = 1;
    options->run.timeout_ms = 5000;
    (void)snprintf(options->replay, sizeof(options->replay), "vblk test");
    opterr = 0;
    while (options->done < 0 && (got = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
        if (got == '?' || got == ':') {
            options->done = cmd_bad_option("test", got, argv);
            return;
        }
        take(options, got, optarg, &later);
        replay_option(options, index, optarg);
    }
    if (options->done < 0 && optind < argc)
        sorry(options, "what is", argv[optind], "'vblk test' takes options only");
    if (options->done < 0)
        check_profile(options, &later);
    if (options->done < 0)
        check_target(options);
    (void)snprintf(options->replay + strlen(options->replay), sizeof(options->replay) - strlen(options->replay),
                   " --seed %llu", (unsigned long long)options->run.seed);
    options->run.replay = options->replay;
}

void test_options_free(struct test_options *options)
{
    free(options->reports);
    free(options->run.filter.areas.globs);
    free(options->run.filter.clauses.globs);
    free(options->run.filter.names.globs);
}
