/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_options.h"

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

static void take_help(struct test_options *options, const char *value)
{
    (void)value;
    fputs(help_text, stdout);
    options->common.done = cmd_finish("test", CMD_HELD);
}

static void take_builtin(struct test_options *options, const char *value)
{
    (void)value;
    options->socket = options->qtest = options->memory = NULL;
}

static void take_socket(struct test_options *options, const char *value)
{
    options->socket = value;
    options->qtest = options->memory = NULL;
}

static void take_qtest(struct test_options *options, const char *value)
{
    options->qtest = value;
    options->socket = NULL;
}

static void take_memory(struct test_options *options, const char *value)
{
    options->memory = value;
}

/* What a later version has is known, so that it can be answered plainly. */
static void not_yet(struct test_options *options, const char *name)
{
    options->common.done = cmd_sorry("test", "this version (%s) does not have --%s yet", vblk_version(), name);
}

static void take_plugin(struct test_options *options, const char *value)
{
    (void)value;
    not_yet(options, "plugin");
}

static void take_pci(struct test_options *options, const char *value)
{
    (void)value;
    not_yet(options, "pci");
}

static void take_ring(struct test_options *options, const char *value)
{
    static const char *const names[] = { "split", "packed", "both" };
    static const uint8_t rings[] = { VECTOR_SPLIT, VECTOR_PACKED, VECTOR_RINGS };
    int ring = common_word(&options->common, "unknown ring format", value, names, 3, "use split, packed or both");

    if (ring >= 0)
        options->common.run.rings = rings[ring];
    options->common.run.streams = ring == 2;
}

static void glob(struct runner_globs *globs, const char *value)
{
    const char **longer = realloc(globs->globs, (globs->count + 1) * sizeof(*longer));

    if (!longer)
        abort();
    globs->globs = longer;
    longer[globs->count++] = value;
}

static void take_area(struct test_options *options, const char *value)
{
    glob(&options->common.run.filter.areas, value);
}

static void take_clause(struct test_options *options, const char *value)
{
    glob(&options->common.run.filter.clauses, value);
}

static void take_case(struct test_options *options, const char *value)
{
    glob(&options->common.run.filter.names, value);
}

static void take_list(struct test_options *options, const char *value)
{
    (void)value;
    options->list = true;
}

static void take_loss(struct test_options *options, const char *value)
{
    (void)value;
    options->common.run.allow_data_loss = true;
}

/* Seconds, fractions allowed. */
static void take_timeout(struct test_options *options, const char *value)
{
    char *end;
    double seconds;

    errno = 0;
    seconds = strtod(value, &end);
    if (end == value || *end || errno || !(seconds >= 0.01 && seconds <= 86400.0))
        common_sorry(&options->common, "--timeout", value, "seconds from 0.01 to 86400 are needed");
    else
        options->common.run.timeout_ms = (unsigned)(seconds * 1000.0);
}

static void take_restart(struct test_options *options, const char *value)
{
    options->restart = value;
}

#define HAS_VALUE required_argument
#define HAS_NONE no_argument

/*
 * What changes how a case comes out goes into the command that shows it again. The ring goes with the case, and so does
 * what selects it.
 */
static const struct own {
    const char *name;
    int has;
    void (*take)(struct test_options *options, const char *value);
    bool replayed;
} own[] = {
    { "help", HAS_NONE, take_help, false },
    { "builtin", HAS_NONE, take_builtin, true },
    { "vhost-user", HAS_VALUE, take_socket, true },
    { "qtest", HAS_VALUE, take_qtest, true },
    { "memory", HAS_VALUE, take_memory, true },
    { "plugin", HAS_VALUE, take_plugin, false },
    { "pci", HAS_VALUE, take_pci, false },
    { "ring", HAS_VALUE, take_ring, false },
    { "area", HAS_VALUE, take_area, false },
    { "clause", HAS_VALUE, take_clause, false },
    { "case", HAS_VALUE, take_case, false },
    { "list", HAS_NONE, take_list, false },
    { "allow-data-loss", HAS_NONE, take_loss, true },
    { "timeout", HAS_VALUE, take_timeout, true },
    { "restart", HAS_VALUE, take_restart, true },
};
#define OWN (sizeof(own) / sizeof(own[0]))
#define ALL_MAX (OWN + 32)

static void list_options(struct option all[ALL_MAX])
{
    size_t count = 0;

    for (; common_options[count].name && count < 31; count++)
        all[count] = common_options[count];
    for (size_t i = 0; i < OWN; i++)
        all[count++] = (struct option){ own[i].name, own[i].has, NULL, 0 };
    all[count] = (struct option){ NULL, 0, NULL, 0 };
}

static void take(struct test_options *options, const char *name, const char *value)
{
    char text[40];

    for (size_t i = 0; i < OWN; i++) {
        if (strcmp(own[i].name, name) != 0)
            continue;
        own[i].take(options, value);
        if (!own[i].replayed)
            return;
        (void)snprintf(text, sizeof(text), "--%s", name);
        common_replay(&options->common, text);
        if (value)
            common_replay(&options->common, value);
    }
}

static void check_target(struct test_options *options)
{
    if (options->qtest && !options->memory)
        options->common.done = cmd_sorry("test", "--qtest needs --memory FILE, the RAM of that QEMU");
    else if (options->memory && !options->qtest)
        options->common.done = cmd_sorry("test", "--memory goes with --qtest SOCKET");
}

void test_options_parse(struct test_options *options, int argc, char **argv)
{
    struct common_options *common = &options->common;
    struct option all[ALL_MAX];
    int got, index = 0;

    *options = (struct test_options){ .list = false };
    common_init(common, "test");
    common->run.timeout_ms = 5000;
    common->show_seed = true;
    list_options(all);
    opterr = 0;
    while (common->done < 0 && (got = getopt_long(argc, argv, ":", all, &index)) != -1) {
        if (got == '?' || got == ':')
            common->done = cmd_bad_option("test", got, argv);
        else if (!common_take(common, all[index].name, optarg))
            take(options, all[index].name, optarg);
    }
    if (common->done < 0 && optind < argc)
        common_sorry(common, "what is", argv[optind], "'vblk test' takes options only");
    common_finish(common);
    if (common->done < 0)
        check_target(options);
}

void test_options_free(struct test_options *options)
{
    struct runner_filter *filter = &options->common.run.filter;

    free(filter->areas.globs);
    free(filter->clauses.globs);
    free(filter->names.globs);
    common_free(&options->common);
}
